"""Which columns are worth keeping: by missing values, variance, free text, duplicates, collinearity, scores, or a model."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
})
