"""Which model, and how sure: folds that fit the data, paired tests, a search inside a budget, blends."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "BalancedKFold": "splitters",
    "Choice": "search",
    "ForwardSplit": "splitters",
    "LogUniform": "search",
    "corrected_interval": "comparison",
    "corrected_t_test": "comparison",
    "draw": "search",
    "select_ensemble": "ensemble_selection",
    "successive_halving": "search",
})
