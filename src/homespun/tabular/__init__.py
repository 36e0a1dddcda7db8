"""From a table to a compared, saved model: `fit` reads, plans, cross-validates, and returns a `Project`."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "BaselineClassifier": "baseline", "BaselineRegressor": "baseline", "BlendClassifier": "blend", "BlendRegressor": "blend",
    "Leak": "leaks", "LogTarget": "log_target", "NotNegative": "log_target", "find_leaks": "leaks",
    "Project": "project", "TextTerms": "text_terms", "Validation": "validation", "fit": "fitting",
    "track": "tracking",
})
