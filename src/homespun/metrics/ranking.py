"""Scores of orderings: how well a score ranks the positive rows above the others. One sort each.

    y_true: (n,)   y_score: (n,), larger is more positive; for K classes (n, K)   sample_weight s: (n,)

At each distinct score, from the highest down: TP, FP = weight of positive and of other rows at or above it.

    roc curve                    x = FP / all others, y = TP / all positives        its area: chance that a positive row
                                                                                    scores above another (ties half)
    precision-recall curve       precision = TP / (TP + FP), recall = TP / all positives
    average precision            sum over the scores of precision times the step of recall (no interpolation)

Hanley & McNeil 1982, Radiology 143(1); several classes: Hand & Till 2001, Machine Learning 45(2); `max_fpr`:
McClish 1989, Medical Decision Making 9(3).
"""

from __future__ import annotations

import warnings
from itertools import combinations

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
    undefined,
    weights,
)


def roc_auc_score(y_true, y_score, *, average="macro", sample_weight=None, max_fpr=None, multi_class="raise", labels=None):
    """Area under the ROC curve: 1 is a perfect order, 0.5 a random one.

    Parameters
    ----------
    y_true : array-like (n,); or 0/1 (n, K), one column a label
    y_score : array-like (n,); (n, K) probabilities for K classes, or scores for K labels
    average : {"macro", "weighted", "micro", None}
        Over classes: plain mean, by frequency, all columns as one, or an array.
    max_fpr : float in (0, 1], optional
        Two classes: only the part left of this false positive rate, rescaled so that chance is 0.5.
    multi_class : {"raise", "ovr", "ovo"}
        Three classes or more: each against the rest, or each against each other (no weights).
    labels : array-like, optional
        The classes of y_score's columns, sorted, where y_true may lack one.

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    name = "roc_auc_score"
    one_of(name, "average", average, ("macro", "weighted", "micro", None))
    one_of(name, "multi_class", multi_class, ("raise", "ovr", "ovo"))
    if max_fpr is not None and not 0 < max_fpr <= 1:
        raise ParameterError(f"{name}: max_fpr must be a number > 0 and <= 1, got {max_fpr!r}", operation=name,
                             operands={"max_fpr": max_fpr}, rule="0 < max_fpr <= 1")
    y, score = array(name, "y_true", y_true), numbers(name, "y_score", y_score)
    s = weights(name, sample_weight, len(y))
    if y.ndim == 2 and y.shape[1] > 1:
        return _averaged(name, _indicator(name, y, score), score, s, average,
                         lambda t, p, w: _area_of_curve(t, p, w, max_fpr))
    y = labels_of(name, "y_true", y)
    classes = np.unique(y)
    if len(classes) <= 2 and not (score.ndim == 2 and score.shape[1] > 2):
        check_shapes(name, "y_true: n, y_score: n", y_true=y, y_score=score)
        return _area_of_curve(y == classes[-1], score, s, max_fpr)

    if max_fpr is not None and max_fpr != 1:
        raise ParameterError(f"{name}: max_fpr is for two classes, y_true holds {len(classes)}; got max_fpr={max_fpr!r}",
                             operation=name, operands={"max_fpr": max_fpr}, rule="max_fpr=None")
    if multi_class == "raise":
        raise ParameterError(f"{name}: multi_class must be 'ovr' or 'ovo' for {max(len(classes), score.shape[-1])} classes",
                             operation=name, operands={"multi_class": multi_class}, rule="multi_class in ('ovo', 'ovr')")
    check_shapes(name, "y_true: n, y_score: n K", y_true=y, y_score=score)
    if not np.allclose(score.sum(1), 1):
        raise DataError(f"{name}: the rows of y_score must be probabilities that sum to 1, got a sum of "
                        f"{score.sum(1)[~np.isclose(score.sum(1), 1)][0]}", operation=name, operands={"y_score": score.shape},
                        rule="rows sum to 1")
    if labels is not None:
        classes = given_labels(name, labels, y)
        if not (np.sort(classes) == classes).all():
            raise ParameterError(f"{name}: labels must be sorted, got {classes.tolist()}", operation=name,
                                 operands={"labels": classes.shape}, rule="sorted labels")
    if len(classes) != score.shape[1]:
        raise ShapeError(f"{name}: y_score has {score.shape[1]} columns, but there are {len(classes)} classes: "
                         f"{classes.tolist()[:10]}", operation=name, operands={"y_true": y.shape, "y_score": score.shape},
                         rule="a column for each class")
    code = positions(classes, y)
    if (code < 0).any():
        raise DataError(f"{name}: y_true holds {y[code < 0][0]!r}, which is not among labels {classes.tolist()[:10]}",
                        operation=name, operands={"y_true": y.shape}, rule="y_true in labels")
    if multi_class == "ovr":
        return _averaged(name, code[:, None] == np.arange(len(classes)), score, s, average, _area_of_curve)
    if s is not None:
        raise ParameterError(f"{name}: sample_weight is not defined for multi_class='ovo'", operation=name,
                             operands={"sample_weight": s.shape}, rule="sample_weight=None")
    one_of(name, "average", average, ("macro", "weighted"))
    return _each_against_each(code, score, len(classes), average)


def roc_curve(y_true, y_score, *, pos_label=None, sample_weight=None, drop_intermediate=True):
    """False positive rate, true positive rate, and the thresholds (the first is infinity) at which they are reached.

    `drop_intermediate` leaves out points on a straight line between others.
    """
    fp, tp, thresholds = _cumulated("roc_curve", y_true, y_score, pos_label, sample_weight)
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
    fp, tp, thresholds = _cumulated("precision_recall_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and fp.size > 2:
        corner = np.concatenate([[True], (np.diff(tp[:-1]) != 0) | (np.diff(tp[1:]) != 0), [True]])
        fp, tp, thresholds = fp[corner], tp[corner], thresholds[corner]
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp != 0)
    if tp[-1] == 0:
        warnings.warn("No positive class found in y_true, recall is set to one for all thresholds.", stacklevel=2)
        recall = np.ones_like(tp)
    else:
        recall = tp / tp[-1]
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), thresholds[::-1]


def average_precision_score(y_true, y_score, *, average="macro", pos_label=1, sample_weight=None):
    """Sum over thresholds of precision times the step of recall; for K classes (y_score (n, K)) each against the rest.

    >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    name = "average_precision_score"
    one_of(name, "average", average, ("macro", "weighted", "micro", None))
    y, score = array(name, "y_true", y_true), numbers(name, "y_score", y_score)
    s = weights(name, sample_weight, len(y))
    if y.ndim == 2 and y.shape[1] > 1:
        indicator = _indicator(name, y, score)
    else:
        y = labels_of(name, "y_true", y)
        classes = np.unique(y)
        if len(classes) <= 2:
            if len(classes) == 2 and pos_label not in classes.tolist():
                raise ParameterError(f"{name}: pos_label={pos_label!r} is not a valid label, the classes are {classes.tolist()}",
                                     operation=name, operands={"pos_label": pos_label}, rule="pos_label in y_true")
            check_shapes(name, "y_true: n, y_score: n", y_true=y, y_score=score)
            return _average_precision(y == pos_label, score, s)
        indicator = y[:, None] == classes
        check_shapes(name, "y_true: n, y_score: n K", y_true=y, y_score=score)
        check_shapes(name, f"y_score: n {len(classes)}", y_score=score)
    if pos_label != 1:
        raise ParameterError(f"{name}: pos_label is for two classes, got {pos_label!r}", operation=name,
                             operands={"pos_label": pos_label}, rule="pos_label=1")
    return _averaged(name, indicator, score, s, average, _average_precision)


def auc(x, y):
    """Area under the curve through the points (x, y) by the trapezoidal rule; x rising or falling."""
    x, y = numbers("auc", "x", x), numbers("auc", "y", y)
    check_shapes("auc", "x: n, y: n", x=x, y=y)
    if x.size < 2:
        raise ShapeError(f"auc: at least 2 points are needed, got {x.size}", operation="auc", operands={"x": x.shape},
                         rule="2 points or more")
    step = np.diff(x)
    if (step < 0).any() and (step > 0).any():
        raise DataError(f"auc: x must be rising or falling throughout, got a step of {step[step < 0][0]} among rising ones",
                        operation="auc", operands={"x": x.shape}, rule="x is monotone")
    return float(np.trapezoid(y, x)) * (-1.0 if (step < 0).any() else 1.0)


# ---------------------------------------------------------------------------------------------------------------------

def _sorted_sums(positive, score, s):
    """FP and TP (weights cumulated from the highest score down) at each distinct score, and those scores."""
    if s is not None:  # a row of weight 0 is no row, not even a threshold
        kept = s != 0
        positive, score, s = positive[kept], score[kept], s[kept]
    order = np.argsort(score, kind="stable")[::-1]
    score, positive = score[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(score)), score.size - 1)  # of each run of equal scores
    own = positive.astype(np.float64) if s is None else positive * s[order]
    tp = np.cumsum(own)[last]
    fp = 1.0 + last - tp if s is None else np.cumsum(~positive * s[order])[last]
    return fp, tp, score[last]


def _cumulated(operation, y_true, y_score, pos_label, sample_weight):
    y, score = labels_of(operation, "y_true", y_true), numbers(operation, "y_score", y_score)
    check_shapes(operation, "y_true: n, y_score: n", y_true=y, y_score=score)
    classes = np.unique(y)
    if len(classes) > 2 and pos_label is None:
        raise DataError(f"{operation}: y_true holds {len(classes)} classes, two are needed, or a pos_label", operation=operation,
                        operands={"y_true": y.shape}, rule="two classes")
    positive = y == positive_label(operation, pos_label, classes)
    return _sorted_sums(np.asarray(positive), score, weights(operation, sample_weight, len(y)))


def _rate(sums, message):
    if sums[-1] <= 0:
        undefined(message)
        return np.full(sums.shape, np.nan)
    return sums / sums[-1]


def _area_of_curve(positive, score, s, max_fpr=None):
    """Area under one ROC curve; NaN with a warning where one class is missing."""
    fp, tp, _ = _sorted_sums(positive, score, s)
    if fp[-1] == 0 or tp[-1] == 0:
        undefined("Only one class is present in y_true. ROC AUC score is not defined in that case.")
        return float("nan")
    x, y = np.append(0.0, fp / fp[-1]), np.append(0.0, tp / tp[-1])
    if max_fpr is None or max_fpr == 1:
        return float(np.trapezoid(y, x))
    stop = np.searchsorted(x, max_fpr, side="right")
    end = np.interp(max_fpr, x[stop - 1: stop + 1], y[stop - 1: stop + 1])
    part = np.trapezoid(np.append(y[:stop], end), np.append(x[:stop], max_fpr))
    least, most = max_fpr**2 / 2, max_fpr
    return float(0.5 * (1 + (part - least) / (most - least)))


def _average_precision(positive, score, s):
    fp, tp, _ = _sorted_sums(positive, score, s)
    if tp[-1] == 0:
        warnings.warn("No positive class found in y_true, recall is set to one for all thresholds.", stacklevel=3)
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(tp + fp != 0, tp / (tp + fp), 0.0)
    return float(np.diff(tp / tp[-1], prepend=0.0) @ precision)


def _indicator(operation, y, score):
    """A 0/1 matrix (n, K) as booleans, of the shape of the scores."""
    check_shapes(operation, "y_true: n K, y_score: n K", y_true=y, y_score=score)
    if y.dtype.kind not in "biuf" or not np.isin(y, (0, 1)).all():
        raise DataError(f"{operation}: y_true with {y.shape[1]} columns must be made of 0 and 1", operation=operation,
                        operands={"y_true": y.shape}, rule="0 or 1")
    return y.astype(bool)


def _averaged(operation, indicator, score, s, average, metric):
    """`metric` of each column, averaged."""
    if average == "micro":
        return metric(indicator.ravel(), score.ravel(), None if s is None else np.repeat(s, score.shape[1]))
    share = None
    if average == "weighted":
        share = indicator.sum(0) if s is None else s @ indicator
        if np.isclose(share.sum(), 0.0):
            return 0.0
    scores = np.array([metric(indicator[:, k], score[:, k], s) for k in range(score.shape[1])])
    if average is None:
        return scores
    if share is not None:
        scores[share == 0] = 0.0  # no positive row: not defined, and of no weight
    return float(np.average(scores, weights=share))


def _each_against_each(code, score, K, average):
    """Hand & Till: mean over pairs of classes of the two areas, each class's own column ranking the pair's rows."""
    areas, share = [], []
    for a, b in combinations(range(K), 2):
        rows = (code == a) | (code == b)
        share.append(rows.mean())
        areas.append((_area_of_curve(code[rows] == a, score[rows, a], None)
                      + _area_of_curve(code[rows] == b, score[rows, b], None)) / 2 if rows.any() else np.nan)
    return float(np.average(areas, weights=share if average == "weighted" else None))
