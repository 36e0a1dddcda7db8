"""Tables in: files and dataframes become typed columns, and every decision on the way is written down."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "Decision": "table", "Table": "table", "read": "reader", "reread": "reader", "scan": "pieces",
})
