"""Scores of orderings of two classes: how well a score ranks the positive rows above the others. One sort each.

    y_true: (n,)   y_score: (n,), larger is more positive   sample_weight s: (n,)

At each distinct score, from the highest down: TP, FP = weight of positive and of other rows at or above it (`sorted_sums`).

    roc curve                    x = FP / all others, y = TP / all positives
    precision-recall curve       precision = TP / (TP + FP), recall = TP / all positives
    det curve                    x = FP / all others, y = 1 - TP / all positives

The areas below the first two are in `ranking_areas`. Martin et al. 1997, Eurospeech (the DET curve).
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import DataError, ShapeError
from homespun.metrics.checks import check_shapes, labels_of, numbers, positive_label, undefined, weights
from homespun.metrics.counts import distinct
from homespun.metrics.sorted_sums import sorted_sums
from homespun.metrics.targets import kind_of


def confusion_matrix_at_thresholds(y_true, y_score, *, pos_label=None, sample_weight=None):
    """TN, FP, FN, TP and the thresholds, highest first: a row is called positive where its score is at least the threshold.

    >>> [part.tolist() for part in confusion_matrix_at_thresholds([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])]  # doctest: +ELLIPSIS
    [[2.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 2.0], [1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0], [0.8, 0.4, 0.35, 0.1]]
    """
    fp, tp, thresholds = cumulated("confusion_matrix_at_thresholds", y_true, y_score, pos_label, sample_weight)
    return fp[-1] - fp, fp, tp[-1] - tp, tp, thresholds


def metric_at_thresholds(y_true, y_score, metric_func, *, sample_weight=None, metric_params=None):
    """(values, thresholds): ``metric_func(y_true, y_score >= threshold)`` at each distinct score, highest first.

    `metric_params` are keyword arguments of `metric_func`; for the counts of a confusion matrix,
    `confusion_matrix_at_thresholds` gives all of them after one sort.
    """
    name = "metric_at_thresholds"
    y, score = labels_of(name, "y_true", y_true), numbers(name, "y_score", y_score)
    check_shapes(name, "y_true: n, y_score: n", y_true=y, y_score=score)
    s = weights(name, sample_weight, len(y))
    more = dict(metric_params or {})
    if s is not None:
        y, score, s = y[s != 0], score[s != 0], s[s != 0]
    order = np.argsort(score, kind="stable")[::-1]
    y, score = y[order], score[order]
    if s is not None:
        more["sample_weight"] = s[order]
    thresholds = score[np.append(np.flatnonzero(np.diff(score)), score.size - 1)]
    values = [metric_func(y, (score >= threshold).astype(np.int32), **more) for threshold in thresholds]
    return np.asarray(values), _like(thresholds, y_score)


def roc_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=True):
    """False positive rate, true positive rate, and the thresholds (the first is infinity) at which they are reached.

    `drop_intermediate` leaves out points on a straight line between others.
    """
    fp, tp, thresholds = cumulated("roc_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and fp.size > 2:
        corner = np.concatenate([[True], (np.diff(fp, 2) != 0) | (np.diff(tp, 2) != 0), [True]])
        fp, tp, thresholds = fp[corner], tp[corner], thresholds[corner]
    fp, tp, thresholds = np.append(0.0, fp), np.append(0.0, tp), np.append(np.inf, thresholds)
    return (_rate(fp, "No negative samples in y_true, false positive value should be meaningless"),
            _rate(tp, "No positive samples in y_true, true positive value should be meaningless"), thresholds)


def precision_recall_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=False):
    """Precision, recall (falling, ending with 1 and 0), and the thresholds, rising; one fewer of those.

    `drop_intermediate` leaves out points between others of the same recall.
    """
    fp, tp, thresholds = cumulated("precision_recall_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and fp.size > 2:
        fp, tp, thresholds = _corners_of_recall(fp, tp, thresholds)
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp != 0)
    if tp[-1] == 0:
        warnings.warn(NO_POSITIVE, stacklevel=2)
        recall = np.ones_like(tp)
    else:
        recall = tp / tp[-1]
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), thresholds[::-1]


def det_curve(y_true, y_score, pos_label=None, sample_weight=None, drop_intermediate=False):
    """False positive rate, false negative rate and thresholds, rising: the errors that a threshold trades for each other.

    >>> [part.tolist() for part in det_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])]
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.35, 0.4, 0.8]]
    """
    fp, tp, thresholds = cumulated("det_curve", y_true, y_score, pos_label, sample_weight)
    present = distinct(labels_of("det_curve", "y_true", y_true))
    if present.size != 2:
        raise DataError(f"det_curve: Only one class is present in y_true. Detection error tradeoff curve is not defined in that "
                        f"case; it holds {present.tolist()[:10]}", operation="det_curve",
                        operands={"y_true": np.shape(y_true)}, rule="two classes")
    fp, tp, thresholds = np.append(0.0, fp), np.append(0.0, tp), np.append(np.inf, thresholds)
    if drop_intermediate and fp.size > 2:
        fp, tp, thresholds = _corners_of_recall(fp, tp, thresholds)
    start = np.searchsorted(fp, fp[0], side="right") - 1  # from the last point without a false positive …
    stop = np.searchsorted(tp, tp[-1]) + 1  # … to the first without a false negative
    part = slice(start, stop)
    return fp[part][::-1] / fp[-1], (tp[-1] - tp[part])[::-1] / tp[-1], thresholds[part][::-1]


NO_POSITIVE = "No positive class found in y_true, recall is set to one for all thresholds."


def auc(x, y):
    """Area under the curve through the points (x, y) by the trapezoidal rule; x rising or falling."""
    given = np.asarray(x)[:10]
    x, y = numbers("auc", "x", x), numbers("auc", "y", y)
    check_shapes("auc", "x: n, y: n", x=x, y=y)
    if x.size < 2:
        raise ShapeError("auc: At least 2 points are needed to compute area under curve, but x.shape = "
                         f"{x.shape}", operation="auc",
                         operands={"x": x.shape}, rule="2 points or more")
    step = np.diff(x)
    falls = step[step < 0]
    if falls.size and (step > 0).any():
        raise DataError(f"auc: x is neither increasing nor decreasing : {given}. It has a step of {falls[0]} among rising ones",
                        operation="auc", operands={"x": x.shape}, rule="x is monotone")
    return float(np.trapezoid(y, x)) * (-1.0 if falls.size else 1.0)


# ---------------------------------------------------------------------------------------------------------------------

def cumulated(operation, y_true, y_score, pos_label, sample_weight):
    """(fp, tp, thresholds) of checked input; the thresholds are of y_score's dtype."""
    if np.ndim(y_true) == 2 and np.shape(y_true)[1] > 1:
        raise DataError(f"{operation}: {kind_of(operation, 'y_true', y_true)} format is not supported, y_true has shape "
                        f"{np.shape(y_true)}", operation=operation, operands={"y_true": np.shape(y_true)}, rule="y_true: n")
    if np.asarray(y_true).dtype.kind == "f" and kind_of(operation, "y_true", y_true) == "continuous":
        raise DataError(f"{operation}: continuous format is not supported, y_true must hold classes, got {np.asarray(y_true)[0]}",
                        operation=operation, operands={"y_true": np.shape(y_true)}, rule="classes")
    y, score = labels_of(operation, "y_true", y_true), numbers(operation, "y_score", y_score)
    check_shapes(operation, "y_true: n, y_score: n", y_true=y, y_score=score)
    if pos_label is None:
        classes = distinct(y)
        if classes.size > 2:
            raise DataError(f"{operation}: multiclass format is not supported, the classes are {classes.tolist()[:10]}; "
                            "pos_label "
                            f"makes two of them", operation=operation, operands={"y_true": y.shape}, rule="two classes")
        pos_label = positive_label(operation, pos_label, classes)
    fp, tp, thresholds = sorted_sums(y == pos_label, score, weights(operation, sample_weight, len(y)))
    return fp, tp, _like(thresholds, y_score)


def _like(thresholds, y_score):
    """The thresholds in the dtype of the scores."""
    kind = getattr(y_score, "dtype", None)
    kind = kind if isinstance(kind, np.dtype) else np.asarray(y_score).dtype
    return thresholds.astype(kind, copy=False) if kind.kind in "biuf" else thresholds


def _rate(sums, message):
    if sums[-1] <= 0:
        undefined(message)
        return np.full(sums.shape, np.nan)
    return sums / sums[-1]


def _corners_of_recall(fp, tp, thresholds):
    """Without the points between others of the same recall."""
    corner = np.concatenate([[True], (np.diff(tp[:-1]) != 0) | (np.diff(tp[1:]) != 0), [True]])
    return fp[corner], tp[corner], thresholds[corner]
