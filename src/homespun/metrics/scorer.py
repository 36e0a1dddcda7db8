"""Scores by name, for whatever takes ``scoring="…"``: scikit-learn's scorer objects around our metrics.

The strings are scikit-learn's; a name that starts with "neg\\_" is a loss with its sign turned, so that greater is better.
"""

from __future__ import annotations

import copy
import functools
import importlib
from typing import Any

from homespun.base.errors import ParameterError, did_you_mean

RANKED = {"response_method": ("decision_function", "predict_proba")}
PROBABLE: dict[str, Any] = {"response_method": "predict_proba"}
LOSS = {"greater_is_better": False}
AVERAGED = ("precision", "recall", "f1", "jaccard")

# name → (function, what `make_scorer` is told)
SCORERS: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy": ("accuracy_score", {}),
    "average_precision": ("average_precision_score", RANKED),
    "balanced_accuracy": ("balanced_accuracy_score", {}),
    "d2_absolute_error_score": ("d2_absolute_error_score", {}),
    "d2_brier_score": ("d2_brier_score", PROBABLE),
    "d2_log_loss_score": ("d2_log_loss_score", PROBABLE),
    "explained_variance": ("explained_variance_score", {}),
    "matthews_corrcoef": ("matthews_corrcoef", {}),
    "neg_brier_score": ("brier_score_loss", PROBABLE | LOSS),
    "neg_log_loss": ("log_loss", PROBABLE | LOSS),
    "neg_max_error": ("max_error", LOSS),
    "neg_mean_absolute_error": ("mean_absolute_error", LOSS),
    "neg_mean_absolute_percentage_error": ("mean_absolute_percentage_error", LOSS),
    "neg_mean_gamma_deviance": ("mean_gamma_deviance", LOSS),
    "neg_mean_poisson_deviance": ("mean_poisson_deviance", LOSS),
    "neg_mean_squared_error": ("mean_squared_error", LOSS),
    "neg_mean_squared_log_error": ("mean_squared_log_error", LOSS),
    "neg_median_absolute_error": ("median_absolute_error", LOSS),
    "neg_negative_likelihood_ratio": ("negative_likelihood_ratio", LOSS),
    "neg_root_mean_squared_error": ("root_mean_squared_error", LOSS),
    "neg_root_mean_squared_log_error": ("root_mean_squared_log_error", LOSS),
    "positive_likelihood_ratio": ("positive_likelihood_ratio", {}),
    "r2": ("r2_score", {}),
    "roc_auc": ("roc_auc_score", RANKED),
    "roc_auc_ovo": ("roc_auc_score", PROBABLE | {"multi_class": "ovo"}),
    "roc_auc_ovo_weighted": ("roc_auc_score", PROBABLE | {"multi_class": "ovo", "average": "weighted"}),
    "roc_auc_ovr": ("roc_auc_score", PROBABLE | {"multi_class": "ovr"}),
    "roc_auc_ovr_weighted": ("roc_auc_score", PROBABLE | {"multi_class": "ovr", "average": "weighted"}),
    "top_k_accuracy": ("top_k_accuracy_score", RANKED),
    **{name: (name, {}) for name in (
        "adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score", "homogeneity_score",
        "mutual_info_score", "normalized_mutual_info_score", "rand_score", "v_measure_score")},
    **{name: (f"{name}_score", {"average": "binary"}) for name in AVERAGED},
    **{f"{name}_{average}": (f"{name}_score", {"average": average, "pos_label": None})
       for name in AVERAGED for average in ("macro", "micro", "samples", "weighted")},
}


def make_scorer(score_func, *, response_method="predict", greater_is_better=True, **kwargs):
    """A scorer ``scorer(estimator, X, y)`` from a metric: scikit-learn's object, to pass as `scoring`.

    `response_method`: what the metric is given, "predict", "predict_proba", "decision_function", or several to try in turn.
    """
    from sklearn.metrics import make_scorer as made

    return made(score_func, response_method=response_method, greater_is_better=greater_is_better, **kwargs)


def get_scorer(scoring):
    """The scorer of this name, around our metric; a scorer or function is handed back.

    >>> from homespun.linear_model import LinearRegression
    >>> get_scorer("r2")(LinearRegression().fit([[0.0], [1.0], [2.0]], [1, 3, 5]), [[3.0], [4.0]], [7, 9])
    1.0
    """
    if not isinstance(scoring, str):
        return scoring
    if scoring not in SCORERS:
        hint = did_you_mean(scoring, SCORERS)
        raise ParameterError(f"get_scorer: {scoring!r} is not a valid scoring value; "
                             f"{hint or 'get_scorer_names() lists them all'}. "
                             "Use sklearn.metrics.get_scorer_names() to get valid options, they are the "
                             "same.", operation="get_scorer",
                             operands={"scoring": scoring}, rule="a name of get_scorer_names()", suggestion=hint)
    return copy.deepcopy(_scorer(scoring))


def get_scorer_names():
    """The names that `get_scorer` knows, sorted.

    >>> get_scorer_names()[:3]
    ['accuracy', 'adjusted_mutual_info_score', 'adjusted_rand_score']
    """
    return sorted(SCORERS)


def check_scoring(estimator=None, scoring=None, *, allow_none=False, raise_exc=True):
    """The scorer that `scoring` (a name, a function, several of them, or None for the estimator's own) means."""
    from sklearn.metrics import check_scoring as checked

    if callable(scoring) and (getattr(scoring, "__module__", None) or "").startswith("homespun.metrics"):
        raise ParameterError(f"check_scoring: scoring value {scoring!r} looks like it is a metric function rather than a "
                             "scorer. A "
                             "scorer should require an estimator as its first parameter. Please use `make_scorer` to convert a "
                             "metric to a scorer.", operation="check_scoring", operands={"scoring": scoring}, rule="a scorer",
                             suggestion=f"make_scorer({getattr(scoring, '__name__', 'metric')})")
    return checked(estimator, resolved(scoring), allow_none=allow_none, raise_exc=raise_exc)


def resolved(scoring):
    """`scoring` with our scorers for known names, also within lists and dictionaries; anything else as it is."""
    if isinstance(scoring, str):
        return get_scorer(scoring)
    several = isinstance(scoring, (list, tuple, set)) and all(isinstance(name, str) for name in scoring)
    if several and 0 < len(scoring) == len(set(scoring)):
        return {name: get_scorer(name) for name in scoring}
    if isinstance(scoring, dict):
        return {name: resolved(value) for name, value in scoring.items()}
    return scoring


def positive_likelihood_ratio(y_true, y_pred):
    """LR+ alone, 1 where it is not defined."""
    from homespun.metrics.agreement import class_likelihood_ratios

    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[0]


def negative_likelihood_ratio(y_true, y_pred):
    """LR- alone, 1 where it is not defined."""
    from homespun.metrics.agreement import class_likelihood_ratios

    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[1]


@functools.cache
def _scorer(name):
    function, told = SCORERS[name]
    home = importlib.import_module("homespun.metrics")
    return make_scorer(globals().get(function) or getattr(home, function), **told)
