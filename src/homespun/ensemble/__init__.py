"""Many trees instead of one: random forests (`forest`) and histogram boosting (`hist_gradient_boosting`)."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "HistGradientBoostingClassifier": "hist_gradient_boosting",
    "HistGradientBoostingRegressor": "hist_gradient_boosting",
    "RandomForestClassifier": "forest",
    "RandomForestRegressor": "forest",
})
