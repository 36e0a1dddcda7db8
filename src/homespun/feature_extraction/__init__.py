"""Things that are no tables into tables: `feature_extraction.text` turns texts into counts of words."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"text": "homespun.feature_extraction.text"})
