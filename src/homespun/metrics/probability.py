"""Scores of probabilities.            y_true: (n,) classes   y_proba: (n, K), or (n,) of the positive one of two classes

    log loss       - sum_i s_i log(p of the true class of i) / sum_i s_i             nats a row
    Brier score    sum_i s_i sum_k (p_ik - [y_i = k])^2 / sum_i s_i                  halved for two classes

Brier 1950, Monthly Weather Review 78(1). Columns of y_proba are the classes in sorted order.
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.metrics.checks import (
    array,
    check_shapes,
    given_labels,
    labels_of,
    numbers,
    one_of,
    positions,
    positive_label,
    weights,
)


def log_loss(y_true, y_proba=None, *, normalize=True, sample_weight=None, labels=None, y_pred="deprecated"):
    """Mean negative log-likelihood of the true classes, in nats.

    Parameters
    ----------
    y_true : array-like (n,)
    y_proba : array-like (n, K) or (n,)
        Probabilities; they are clipped to the smallest step of their dtype, so that a certain mistake costs 36 nats and
        not infinity (float32: 16).
    normalize : bool
        False: the sum, not the mean.
    labels : array-like, optional
        All classes, where y_true may lack one.
    y_pred : the older name of y_proba

    >>> round(log_loss(["spam", "ham", "ham"], [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2]]), 4)
    0.1446
    """
    if not (isinstance(y_pred, str) and y_pred == "deprecated"):
        if y_proba is not None:
            raise ParameterError("log_loss: y_pred is the older name of y_proba; give one of them", operation="log_loss",
                                 operands={}, rule="y_proba or y_pred")
        y_proba = y_pred
    if y_proba is None:
        raise ParameterError("log_loss: y_proba is missing", operation="log_loss", operands={"y_proba": None}, rule="y_proba")
    smallest = np.finfo(dtype).eps if (dtype := np.asarray(y_proba).dtype) in (np.float32, np.float16) else np.finfo(float).eps
    y, p = _probabilities("log_loss", y_true, y_proba, labels)
    s = weights("log_loss", sample_weight, len(y))
    own = np.clip(p[np.arange(len(y)), y], smallest, 1 - smallest)
    loss = -np.log(own)
    if normalize:
        return float(np.average(loss, weights=s))
    return float(loss.sum() if s is None else s @ loss)


def brier_score_loss(y_true, y_proba, *, sample_weight=None, pos_label=None, labels=None, scale_by_half="auto"):
    """Mean squared distance of the probabilities from the truth: 0 is perfect.

    Parameters
    ----------
    y_true : array-like (n,)
    y_proba : array-like (n,) of `pos_label`, or (n, K)
    pos_label : label, optional
        Default: 1, or for other numbers the greater class.
    labels : array-like, optional
        All classes, where y_true may lack one ((n, K) only).
    scale_by_half : bool or "auto"
        Whether to halve, so that it lies in [0, 1]. "auto": for two classes.

    >>> round(brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]), 4)
    0.0375
    """
    if not isinstance(scale_by_half, (bool, np.bool_)):
        one_of("brier_score_loss", "scale_by_half", scale_by_half, ("auto", True, False))
    if np.ndim(y_proba) == 1:
        y_true = labels_of("brier_score_loss", "y_true", y_true)
        p = numbers("brier_score_loss", "y_proba", y_proba)
        check_shapes("brier_score_loss", "y_true: n, y_proba: n", y_true=y_true, y_proba=p)
        _between_0_and_1("brier_score_loss", p)
        classes = np.unique(y_true)
        if len(classes) > 2:
            raise DataError(f"brier_score_loss: y_proba (n,) is for two classes, y_true holds {len(classes)}",
                            operation="brier_score_loss", operands={"y_true": y_true.shape}, rule="two classes")
        if pos_label is None and classes.dtype.kind not in "US" and not set(classes.tolist()) <= {-1, 0, 1}:
            pos_label = classes[-1]
        y = (y_true == positive_label("brier_score_loss", pos_label, classes)).astype(np.intp)
        p = np.column_stack([1 - p, p])
    else:
        y, p = _probabilities("brier_score_loss", y_true, y_proba, labels)
    s = weights("brier_score_loss", sample_weight, len(y))
    distance = ((p - np.eye(p.shape[1])[y]) ** 2).sum(1)
    halved = p.shape[1] < 3 if isinstance(scale_by_half, str) else scale_by_half
    return float(np.average(distance, weights=s)) * (0.5 if halved else 1.0)


# ---------------------------------------------------------------------------------------------------------------------

def _probabilities(operation, y_true, y_proba, labels):
    """Class positions (n,) and probabilities (n, K)."""
    y_true = labels_of(operation, "y_true", y_true)
    p = numbers(operation, "y_proba", array(operation, "y_proba", y_proba))
    check_shapes(operation, "y_true: n, y_proba: n" if p.ndim == 1 else "y_true: n, y_proba: n K", y_true=y_true, y_proba=p)
    _between_0_and_1(operation, p)
    if p.ndim == 1:
        p = np.column_stack([1 - p, p])
    elif p.shape[1] == 1:
        raise ShapeError(f"{operation}: y_proba must have one column for each class, or one axis, got {p.shape}",
                         operation=operation, operands={"y_true": y_true.shape, "y_proba": p.shape}, rule="y_proba: n or n K",
                         suggestion="y_proba.ravel()")
    classes = np.unique(y_true)
    if labels is not None:
        given = given_labels(operation, labels, y_true)
        classes = np.sort(given)
        if not (classes == given).all():
            warnings.warn(f"{operation}: labels were given as {given.tolist()}, but the columns of y_proba are taken in sorted "
                          f"order, {classes.tolist()}", UserWarning, stacklevel=3)
    if len(classes) < 2:
        raise DataError(f"{operation}: y_true holds only one label, {classes[0]!r}; name all classes in labels",
                        operation=operation, operands={"y_true": y_true.shape}, rule="two classes", suggestion="labels=[…]")
    if len(classes) != p.shape[1]:
        raise ShapeError(
            f"{operation}: y_proba has {p.shape[1]} columns, but there are {len(classes)} classes: {classes.tolist()[:10]}",
            operation=operation, operands={"y_true": y_true.shape, "y_proba": p.shape}, rule="a column for each class")
    y = positions(classes, y_true)
    if (y < 0).any():
        raise DataError(f"{operation}: y_true holds {y_true[y < 0][0]!r}, which is not among labels {classes.tolist()[:10]}",
                        operation=operation, operands={"y_true": y_true.shape}, rule="y_true in labels")
    tolerance = 1e-3 if np.asarray(y_proba).dtype in (np.float32, np.float16) else 1e-7
    if np.abs(p.sum(1) - 1).max() > tolerance:
        warnings.warn(f"{operation}: the rows of y_proba do not sum to one. Make sure to pass probabilities.", UserWarning,
                      stacklevel=3)
    return y, p


def _between_0_and_1(operation, p):
    for value in (p.max(), p.min()):
        if not 0 <= value <= 1:
            raise DataError(f"{operation}: y_proba must be between 0 and 1, got {value}", operation=operation,
                            operands={"y_proba": p.shape}, rule="0 <= y_proba <= 1")
