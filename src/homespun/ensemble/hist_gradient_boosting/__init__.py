"""Histogram gradient boosting; the files are the stages, in the order in which data passes them:

`inputs` (a table → numbers) → `binning` (→ bytes) → `loss` (gradients) → `histogram` (sums per bin) → `splitting` and
`categorical` (the best cut) → `partition` (rows to children) → `grower` (one tree) → `boosting` (round after round)
→ `predictor` (many trees → scores).   `estimator` holds the two classes.
"""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "HistGradientBoostingClassifier": "estimator",
    "HistGradientBoostingRegressor": "estimator",
})
