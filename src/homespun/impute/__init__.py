"""Missing values: filled in, or marked."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "InterpolationImputer": "interpolation",
    "IterativeImputer": "iterative",
    "KNNImputer": "knn",
    "MissingIndicator": "missing_indicator",
    "SimpleImputer": "simple_imputer",
})
