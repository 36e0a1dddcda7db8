"""Reports of finished projects: one HTML file in which every number can be computed again, and is by ``homespun verify``."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Callout": "document",
        "Code": "document",
        "Details": "document",
        "Fact": "document",
        "Grid": "document",
        "Picture": "document",
        "Report": "document",
        "Section": "document",
        "Words": "document",
        "Verification": "verification",
        "verify": "verification",
    },
)
