"""Scores of a fold, and the interval of their mean.

The folds of a cross-validation share training rows, so the plain t interval is too narrow. Nadeau & Bengio 2003
(Machine Learning 52, eq. 9) correct the variance of the mean over k folds:

    var = (1/k + n_test / n_train) * s^2        interval: mean ± t_{k-1, 0.975} sqrt(var)        s^2: variance of the scores
"""

from __future__ import annotations

import numpy as np

from homespun.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    median_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

SCORE_NAMES = {"regression": "R²", "log": "R² of the log", "binary": "ROC AUC", "multiclass": "accuracy"}


def score_kind(target) -> str:
    """Which score compares the models: higher is better for each of them."""
    if target.classes is None:
        return "log" if target.log else "regression"
    return "binary" if len(target.classes) == 2 else "multiclass"


def score_fold(kind: str, y, prediction) -> float:
    """`prediction`: amounts, probabilities of the positive class, or codes of classes."""
    if kind == "log":
        return r2(np.log1p(y), np.log1p(np.maximum(prediction, 0.0)))
    if kind == "regression":
        return r2(y, prediction)
    if kind == "binary":
        return auc(y, prediction)
    return float(accuracy_score(y, prediction))


def r2(y, prediction) -> float:
    """1 - squared error / squared deviation from the mean; NaN where y does not vary, which says nothing."""
    return float(r2_score(y, prediction)) if len(y) > 1 and y.min() < y.max() else float("nan")


def auc(y, score) -> float:
    """Share of (positive, negative) pairs that `score` puts in order; NaN where one of the two is absent."""
    return float(roc_auc_score(y, score)) if 0 < (y == 1).sum() < len(y) else float("nan")


def interval(scores, train_sizes, test_sizes, level: float = 0.95) -> tuple[float, float, float]:
    """(mean, low, high) of fold scores by the corrected t interval; NaN folds are left out.

    >>> [round(float(value), 3) for value in interval([0.8, 0.9, 0.85], [200] * 3, [100] * 3)]
    [0.85, 0.654, 1.0]
    """
    from scipy.stats import t

    scores = np.asarray(scores, dtype=np.float64)
    there = ~np.isnan(scores)
    scores = scores[there]
    if len(scores) == 0:
        return float("nan"), float("nan"), float("nan")
    mean, k = float(scores.mean()), len(scores)
    if k < 2:
        return mean, float("nan"), float("nan")
    ratio = float(np.mean(np.asarray(test_sizes)[there] / np.asarray(train_sizes)[there]))
    half = float(t.ppf(0.5 + level / 2, k - 1)) * np.sqrt((1.0 / k + ratio) * scores.var(ddof=1))
    return mean, mean - half, min(mean + half, 1.0)  # none of these scores can exceed 1


def all_scores(target_kind: str, y, prediction, probabilities=None) -> dict[str, float]:
    """What `validate` reports. `y`: amounts or codes; `prediction`: the same; `probabilities`: (n, classes) or None."""
    if target_kind in ("regression", "log"):
        scores = {SCORE_NAMES[target_kind]: score_fold(target_kind, y, prediction)}
        scores["R²"] = r2(y, prediction)
        scores["mean absolute error"] = float(mean_absolute_error(y, prediction))
        scores["median absolute error"] = float(median_absolute_error(y, prediction))
        scores["root mean squared error"] = float(root_mean_squared_error(y, prediction))
        if (y > 0).all():
            scores["median relative error"] = float(np.median(np.abs(y - prediction) / y))
        return scores
    scores = {}
    if target_kind == "binary" and probabilities is not None:
        scores["ROC AUC"] = auc(y, probabilities[:, 1])
    scores["accuracy"] = float(accuracy_score(y, prediction))
    if probabilities is not None:
        scores["log loss"] = float(log_loss(y, probabilities, labels=np.arange(probabilities.shape[1])))
    return scores
