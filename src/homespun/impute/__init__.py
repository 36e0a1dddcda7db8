"""Missing values: filled in, and marked."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"MissingIndicator": "missing_indicator", "SimpleImputer": "simple_imputer"})
