"""Histogram gradient boosting; the files are the stages, in the order in which data passes them:

`binning` (X → bytes) → `loss` (gradients) → `histogram` (sums per bin) → `splitting` (the best cut) → `grower` (one tree)
→ `predictor` (many trees → scores); `estimator` holds the two classes and the boosting loop.
"""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "HistGradientBoostingClassifier": "estimator",
    "HistGradientBoostingRegressor": "estimator",
})
