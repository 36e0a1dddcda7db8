"""Scores of probabilities.            y_true: (n,) classes   y_proba: (n, K), or (n,) of the positive one of two classes

    log loss       - sum_i s_i log(p of the true class of i) / sum_i s_i             nats a row
    Brier score    sum_i s_i sum_k (p_ik - [y_i = k])^2 / sum_i s_i                  halved for two classes
    D^2            1 - score / score of the shares of the classes in y_true, predicted for every row

Brier 1950, Monthly Weather Review 78(1). Columns of y_proba are the classes in sorted order. One pass over y_proba reads the
probability of the true class, the squared distance, and whether the rows are probabilities at all.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.kernels import kernel, oracle, over_blocks
from homespun.metrics.checks import (
    array,
    check_shapes,
    first,
    given_labels,
    labels_of,
    numbers,
    one_of,
    positions,
    positive_label,
    undefined,
    weights,
)
from homespun.metrics.counts import codes, distinct
from homespun.metrics.targets import kind_of

BLOCK = 1 << 15  # rows
ANY = object()  # no pos_label: of two classes the last one is positive


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
    y_proba = _renamed("log_loss", y_proba, y_pred)
    rows = _read("log_loss", y_true, y_proba, labels, sample_weight)
    return rows.average(rows.nats()) if normalize else rows.total(rows.nats())


def d2_log_loss_score(y_true, y_proba=None, *, sample_weight=None, labels=None, y_pred="deprecated"):
    """Share of the log loss of the classes' frequencies that the probabilities save: 1 is perfect, 0 no better than those.

    >>> round(d2_log_loss_score([0, 0, 1, 1], [0.2, 0.2, 0.8, 0.8]), 3)
    0.678
    """
    name = "d2_log_loss_score"
    y_proba = _renamed(name, y_proba, y_pred)
    if len(y_proba) < 2:
        undefined("D^2 score is not well-defined with less than two samples.")
        return float("nan")
    rows = _read(name, y_true, y_proba, labels, sample_weight)
    return 1 - rows.average(rows.nats()) / rows.average(rows.nats(rows.shares()))


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
    name = "brier_score_loss"
    if not isinstance(scale_by_half, (bool, np.bool_)):
        one_of(name, "scale_by_half", scale_by_half, ("auto", True, False))
    rows = _read(name, y_true, y_proba, labels, sample_weight, pos_label)
    halved = rows.K < 3 if isinstance(scale_by_half, str) else scale_by_half
    return rows.average(rows.distance) * (0.5 if halved else 1.0)


def d2_brier_score(y_true, y_proba, *, sample_weight=None, pos_label=None, labels=None):
    """Share of the Brier score of the classes' frequencies that the probabilities save (the Brier skill score).

    >>> round(d2_brier_score([0, 0, 1, 1], [0.2, 0.2, 0.8, 0.8]), 2)
    0.84
    """
    name = "d2_brier_score"
    if len(y_proba) < 2:
        undefined("D^2 score is not well-defined with less than two samples.")
        return float("nan")
    rows = _read(name, y_true, y_proba, labels, sample_weight, pos_label)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(1 - np.divide(rows.average(rows.distance), rows.average(rows.distances(rows.shares()))))


# ---------------------------------------------------------------------------------------------------------------------

def _renamed(operation, y_proba, y_pred):
    """y_proba, under either name."""
    if not (isinstance(y_pred, str) and y_pred == "deprecated"):
        if y_proba is not None:
            raise ParameterError(f"{operation}: Cannot use both `y_pred` and `y_proba`. `y_pred` is deprecated, use `y_proba` "
                                 "instead.", operation=operation, operands={}, rule="y_proba or y_pred")
        warnings.warn("`y_pred` was renamed to `y_proba` in version 1.9 and will be removed in 1.11. Use `y_proba` instead.",
                      FutureWarning, stacklevel=3)
        y_proba = y_pred
    if y_proba is None:
        raise ParameterError(f"{operation}: y_proba is missing", operation=operation, operands={"y_proba": None}, rule="y_proba")
    return y_proba


@dataclass
class Rows:
    """What one pass over the probabilities tells of each row. A row's truth is one class, or (`truth`) several labels."""

    place: Any  # (n,) column of the class
    truth: Any  # (n, K) 0 or 1, where a row may have several
    p: np.ndarray
    own: Any  # (n,) probability of the class
    distance: np.ndarray  # (n,) squared distance from the truth
    K: int
    s: np.ndarray | None
    step: float  # of the dtype that the probabilities were given in

    def average(self, values) -> float:
        return float(np.average(values, weights=self.s))

    def total(self, values) -> float:
        return float(values.sum() if self.s is None else self.s @ values)

    def shares(self) -> np.ndarray:
        """Frequency of each class or label, (K,)."""
        if self.truth is not None:
            return np.average(self.truth, axis=0, weights=self.s)
        sums = np.bincount(self.place, weights=self.s, minlength=self.K)
        return sums / (len(self.place) if self.s is None else self.s.sum())

    def nats(self, shares: np.ndarray | None = None) -> np.ndarray:
        """Loss of each row (n,), for its probabilities or for the same `shares` in every row."""
        p = self.own if shares is None else shares
        if self.truth is not None:
            logs = np.log(np.clip(self.p if shares is None else shares, self.step, 1 - self.step))
            return -(self.truth * logs).sum(axis=1)
        logs = -np.log(np.clip(p, self.step, 1 - self.step))
        return logs if shares is None else logs[self.place]

    def distances(self, shares: np.ndarray) -> np.ndarray:
        """Squared distance of the shares from the truth of each row, (n,)."""
        if self.truth is not None:
            return ((self.truth - shares) ** 2).sum(axis=1)
        return ((np.eye(self.K) - shares) ** 2).sum(axis=1)[self.place]


def _read(operation, y_true, y_proba, labels, sample_weight, pos_label=ANY) -> Rows:
    """Check and read. With a `pos_label` y_proba (n,) is of that class; without, of the last one, and both must occur."""
    dtype = getattr(y_proba, "dtype", None)
    step = float(np.finfo(dtype if dtype in (np.float32, np.float16) else np.float64).eps)
    p = numbers(operation, "y_proba", array(operation, "y_proba", y_proba))
    if np.ndim(y_true) == 2 and np.shape(y_true)[1] > 1:
        return _read_labels(operation, y_true, p, sample_weight, step)
    y_true = labels_of(operation, "y_true", y_true)
    check_shapes(operation, "y_proba: n, y_true: n" if p.ndim == 1 else "y_proba: n K, y_true: n", y_proba=p, y_true=y_true)
    s = weights(operation, sample_weight, len(y_true))
    if p.ndim == 2 and p.shape[1] == 1:
        raise ShapeError(f"{operation}: y_proba must have one column for each class, or one axis, got {p.shape}",
                         operation=operation, operands={"y_true": y_true.shape, "y_proba": p.shape}, rule="y_proba: n or n K",
                         suggestion="y_proba.ravel()")
    if p.ndim == 1:
        _between_0_and_1(operation, p, p.min(), p.max())
        place = _places(operation, y_true, labels, 2) if pos_label is ANY else _is_positive(operation, y_true, pos_label)
        return Rows(place, None, p, np.where(place, p, 1 - p), 2 * (p - place) ** 2, 2, s, step)
    p = np.ascontiguousarray(p)
    place = _places(operation, y_true, labels, p.shape[1])
    own, distance, low, high, worst = read_rows(p, place)
    _between_0_and_1(operation, p, low, high)
    _warn_of_sums(operation, worst, step)
    return Rows(place, None, p, own, distance, p.shape[1], s, step)


def _read_labels(operation, y_true, p, sample_weight, step) -> Rows:
    """For a row with several labels at once: y_true (n, K) of 0 and 1."""
    kind = kind_of(operation, "y_true", y_true)
    truth = numbers(operation, "y_true", y_true)
    if kind != "multilabel-indicator":
        raise ShapeError(f"{operation}: y_true must have 1 axis (n), got {kind} of shape {truth.shape}", operation=operation,
                         operands={"y_true": truth.shape}, rule="y_true: n")
    check_shapes(operation, "y_proba: n K, y_true: n K", y_proba=p, y_true=truth)
    _between_0_and_1(operation, p, p.min(), p.max())
    _warn_of_sums(operation, np.abs(p @ np.ones(p.shape[1]) - 1).max(), step)
    return Rows(None, truth, p, None, ((p - truth) ** 2).sum(1), p.shape[1], weights(operation, sample_weight, len(p)), step)


def _warn_of_sums(operation, worst, step):
    if worst > np.sqrt(step):
        warnings.warn(f"{operation}: The y_prob values do not sum to one. Make sure to pass probabilities. The worst row "
                      "misses it "
                      f"by {worst:g}.", UserWarning, stacklevel=4)


def _is_positive(operation, y_true, pos_label):
    """1 where a row is of the positive one of two classes, (n,)."""
    classes = distinct(y_true)
    if len(classes) > 2:
        raise DataError(f"{operation}: The type of the target inferred from y_true is multiclass but should be binary "
                        "according to "
                        f"the shape of y_prob. It holds {len(classes)} classes", operation=operation,
                        operands={"y_true": y_true.shape}, rule="two classes")
    if pos_label is None and classes.dtype.kind not in "US" and classes.tolist() not in ([0, 1], [-1, 1], [0], [1], [-1]):
        pos_label = classes[-1]
    return (y_true == positive_label(operation, pos_label, classes)).astype(np.int64)


def _places(operation, y_true, labels, K):
    """The column of each row's class."""
    classes, place = codes(y_true)
    if labels is not None:
        given = given_labels(operation, labels, y_true)
        known = np.sort(given)
        if not (known == given).all():
            warnings.warn(f"{operation}: Labels passed were {given.tolist()}. But this function assumes labels are ordered "
                          f"lexicographically. Pass the ordered labels={known.tolist()} and ensure that the columns of y_prob "
                          "correspond to this ordering. Columns are taken in sorted order.", UserWarning, stacklevel=4)
        column = positions(known, classes)
        if (column < 0).any():
            raise DataError(f"{operation}: y_true contains values {set(classes[column < 0].tolist())} not belonging to the "
                            "passed "
                            f"labels {given.tolist()[:10]}.", operation=operation, operands={"y_true": y_true.shape},
                            rule="y_true in labels")
        classes, place = known, column[place]
    if len(classes) < 2:
        if labels is not None:
            raise DataError(f"{operation}: The labels array needs to contain at least two labels, got {classes}.",
                            operation=operation, operands={"labels": classes.shape}, rule="two classes")
        raise DataError(f"{operation}: y_true contains only one label ({first(classes)}). Please provide the list of all "
                        "expected "
                        f"class labels explicitly through the labels argument.", operation=operation,
                        operands={"y_true": y_true.shape}, rule="two classes", suggestion="labels=[…]")
    if len(classes) != K:
        text = (f"The number of classes in labels is different from that in y_prob. Classes found in labels: {classes}, and {K} "
                f"columns" if labels is not None else
                f"y_true and y_prob contain different number of classes: {len(classes)} vs {K}. Please provide the true "
                f"labels explicitly through the labels argument. Classes found in y_true: {classes}, and {K} columns")
        raise ShapeError(f"{operation}: {text}", operation=operation, operands={"y_true": y_true.shape, "classes": classes.shape},
                         rule="a column for each class")
    return place


def _between_0_and_1(operation, p, low, high):
    for value, text in ((high, "greater than 1"), (low, "lower than 0")):
        if not 0 <= value <= 1:
            raise DataError(f"{operation}: y_prob contains values {text}: {value}; y_proba must be between 0 and 1 (values less "
                            "than 0 are no probabilities)", operation=operation, operands={"y_proba": p.shape},
                            rule="0 <= y_proba <= 1")


def read_rows(p, place):
    """(own, distance, low, high, worst): per row the probability of its class and the squared distance from certainty; of all
    the least and the greatest entry and the largest distance of a row's sum from 1. p (n, K), place (n,)."""
    n = len(p)
    blocks = (n + BLOCK - 1) // BLOCK
    own, distance, ends = np.empty(n), np.empty(n), np.empty((blocks, 3))
    over_blocks(read_block, blocks, p, place, own, distance, ends)
    return own, distance, ends[:, 0].min(), ends[:, 1].max(), ends[:, 2].max()


@kernel("void(i8, f8[:, ::1], i8[::1], f8[::1], f8[::1], f8[:, ::1])", fastmath=False)
def read_block(block, p, place, own, distance, ends):
    """OUT own, distance of the block's rows; ends[block] = least entry, greatest entry, largest |sum of a row - 1|."""
    low, high, worst = np.inf, -np.inf, 0.0
    for r in range(block * BLOCK, min(p.shape[0], (block + 1) * BLOCK)):
        total = squares = 0.0
        for k in range(p.shape[1]):
            value = p[r, k]
            low, high = min(low, value), max(high, value)
            total += value
            gap = value - 1.0 if k == place[r] else value
            squares += gap * gap
        own[r], distance[r] = p[r, place[r]], squares
        worst = max(worst, abs(total - 1.0))
    ends[block, 0], ends[block, 1], ends[block, 2] = low, high, worst


@oracle(read_rows, kernels=(read_block,), example=(
    lambda rng: (rng.uniform(-1, 2, (20, 3)), rng.integers(0, 3, 20)),
    lambda rng: (np.repeat(rng.dirichlet(np.ones(2), 3), [1, BLOCK, 1], axis=0), np.repeat([0, 1, 1], [1, BLOCK, 1])),
))
def read_rows_formula(p, place):
    """By the definitions."""
    own = p[np.arange(len(p)), place]
    return own, ((p - np.eye(p.shape[1])[place]) ** 2).sum(1), p.min(), p.max(), np.abs(p.sum(1) - 1).max()
