"""What models are compared by: R² (of the log where a few rows would decide it), ROC AUC, accuracy; and what else is told."""

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
from homespun.model_selection import corrected_interval

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
    """(mean, low, high) of fold scores, cut at 1, which none of these scores can exceed.

    >>> [round(float(value), 3) for value in interval([0.8, 0.9, 0.85], [200] * 3, [100] * 3)]
    [0.85, 0.654, 1.0]
    """
    mean, low, high = corrected_interval(scores, train_sizes, test_sizes, level)
    return mean, low, min(high, 1.0) if high == high else high


def objective(kind: str, y, prediction) -> float:
    """What settings are chosen by, for `prediction` as it is kept out of fold; higher is better.

    The score of the leaderboard; but for classes the mean log likelihood. It is a proper score: what orders the rows well with
    useless probabilities (a penalty so strong that all of them are alike) does not win by it, and it tells models apart that
    are equally often right.
    """
    if prediction.ndim == 2:
        chosen = prediction[np.arange(len(y)), y] / prediction.sum(axis=1)
        return float(np.log(np.maximum(chosen, 1e-15)).mean())
    return score_kept(kind, y, prediction)


def score_kept(kind: str, y, prediction) -> float:
    """The leaderboard's score for `prediction` as it is kept: amounts, or probabilities (n, classes)."""
    if kind in ("log", "regression"):
        return score_fold(kind, y, prediction)
    return score_fold(kind, y, prediction[:, 1] if kind == "binary" else prediction.argmax(axis=1))


def bootstrap_intervals(kind: str, y, prediction, probabilities, random_state=0, repeats: int = 200) -> dict:
    """95 % interval of each score of `all_scores` on fresh data: percentiles over rows drawn with replacement.

    Efron & Tibshirani 1993, chapter 13. Intervals of the model as it is: it is not fitted again.
    """
    rng = np.random.default_rng(random_state)
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        rows = rng.integers(len(y), size=len(y))
        shares = None if probabilities is None else probabilities[rows]
        for name, value in all_scores(kind, y[rows], prediction[rows], shares).items():
            found.setdefault(name, []).append(value)
    result = {}
    for name, values in found.items():
        there = np.array([value for value in values if value == value])
        if len(there):
            low, high = np.quantile(there, [0.025, 0.975])
            result[name] = (float(low), float(high))
    return result


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
