"""Areas below ROC and precision-recall curves: of two classes, of several, of several labels.

    y_true: (n,) or 0/1 (n, K)   y_score: (n,) or (n, K)   sample_weight s: (n,)

    ROC AUC              chance that a positive row scores above another one (ties half)
    average precision    sum over the thresholds of precision times the step of recall (no interpolation)
    one against the rest each class or label on its own, then averaged
    one against one      mean over pairs of classes of two areas, each class's own column ranking the rows of the pair

Each class's rows are sorted by each column once, and serve all pairs: n K numbers sorted, not n K (K - 1).
Hanley & McNeil 1982, Radiology 143(1); several classes: Hand & Till 2001, Machine Learning 45(2); `max_fpr`:
McClish 1989, Medical Decision Making 9(3).
"""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.kernels import over_blocks
from homespun.metrics.checks import array, check_shapes, given_labels, labels_of, numbers, one_of, positions, undefined, weights
from homespun.metrics.counts import distinct
from homespun.metrics.ranking import NO_POSITIVE
from homespun.metrics.sorted_sums import NONE, areas, merged, sorted_sums
from homespun.metrics.targets import is_sparse, kind_of

AVERAGES = ("macro", "weighted", "micro", "samples", None)


def roc_auc_score(y_true, y_score, *, average="macro", sample_weight=None, max_fpr=None, multi_class="raise", labels=None):
    """Area under the ROC curve: 1 is a perfect order, 0.5 a random one.

    Parameters
    ----------
    y_true : array-like (n,); or 0/1 (n, K), one column a label
    y_score : array-like (n,); (n, K) probabilities for K classes, or scores for K labels
    average : {"macro", "weighted", "micro", "samples", None}
        Over classes: plain mean, by frequency, all columns as one, over rows (labels only), or an array.
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
    one_of(name, "average", average, AVERAGES)
    one_of(name, "multi_class", multi_class, ("raise", "ovr", "ovo"))
    if max_fpr is not None and not 0 < max_fpr <= 1:
        raise ParameterError(f"{name}: max_fpr must be a number > 0 and <= 1, got {max_fpr!r}", operation=name,
                             operands={"max_fpr": max_fpr}, rule="0 < max_fpr <= 1")
    score = numbers(name, "y_score", y_score)
    several = is_sparse(y_true) or (np.ndim(y_true) == 2 and np.shape(y_true)[1] > 1)
    y = _dense(name, y_true) if several else labels_of(name, "y_true", y_true)
    if multi_class == "ovo" and sample_weight is not None and not several and (
            len(distinct(y)) > 2 or (score.ndim == 2 and score.shape[1] > 2)):
        raise ParameterError(f"{name}: sample_weight is not supported for multiclass one-vs-one ROC AUC, 'sample_weight' must be "
                             f"None in this case", operation=name, operands={"sample_weight": np.shape(sample_weight)},
                             rule="sample_weight=None")
    s = weights(name, sample_weight, len(y))
    if several:
        return _averaged(name, _indicator(name, y, score), score, s, average, _area, ONE_CLASS, max_fpr)
    classes = distinct(y)
    if len(classes) <= 2 and not (score.ndim == 2 and score.shape[1] > 2):
        check_shapes(name, "y_true: n, y_score: n", y_true=y, y_score=score)
        return _told(_area(y == classes[-1], score, s, max_fpr) if len(classes) == 2 else np.nan, ONE_CLASS)

    if max_fpr is not None and max_fpr != 1:
        raise ParameterError(f"{name}: Partial AUC computation not available in multiclass setting, 'max_fpr' must be set to "
                             f"`None`, received `max_fpr={max_fpr}` instead", operation=name, operands={"max_fpr": max_fpr},
                             rule="max_fpr=None")
    if multi_class == "raise":
        raise ParameterError(f"{name}: multi_class must be in ('ovo', 'ovr') for {max(len(classes), score.shape[-1])} classes",
                             operation=name, operands={"multi_class": multi_class}, rule="multi_class in ('ovo', 'ovr')")
    classes = _classes(name, y, score, labels, classes)
    allowed = ("macro", "weighted", None) if multi_class == "ovo" else ("micro", "macro", "weighted", None)
    if average not in allowed:
        raise ParameterError(f"{name}: average must be one of {allowed} for multiclass problems, got {average!r}", operation=name,
                             operands={"average": average}, rule=f"average in {allowed}")
    if multi_class == "ovr":
        if len(classes) == 2:
            return _told(_area(y == classes[-1], score[:, 1], s, None), ONE_CLASS)
        return _averaged(name, y[:, None] == classes, score, s, average, _area, ONE_CLASS)
    if average is None:
        raise _NotOffered(f"{name}: average=None is not implemented for multi_class='ovo'. It must be 'macro' or "
                          "'weighted'", operation=name,
                          operands={"average": None}, rule="average in ('macro', 'weighted')")
    return _each_against_each(positions(classes, y), score, average)


class _NotOffered(ParameterError, NotImplementedError):
    """scikit-learn raises a NotImplementedError here: code that catches it goes on catching it."""


def average_precision_score(y_true, y_score, *, average="macro", pos_label=1, sample_weight=None):
    """Sum over thresholds of precision times the step of recall; for K classes (y_score (n, K)) each against the rest.

    >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    name = "average_precision_score"
    one_of(name, "average", average, AVERAGES)
    score = numbers(name, "y_score", y_score)
    several = is_sparse(y_true) or (np.ndim(y_true) == 2 and np.shape(y_true)[1] > 1)
    y = _dense(name, y_true) if several else labels_of(name, "y_true", y_true)
    s = weights(name, sample_weight, len(y))
    kind = "multilabel-indicator"
    if several:
        indicator = _indicator(name, y, score)
    else:
        classes, kind = distinct(y), "multiclass"
        if len(classes) <= 2:
            if len(classes) == 2 and pos_label not in classes.tolist():
                raise ParameterError(f"{name}: pos_label={pos_label} is not a valid label. It should be one of {classes}",
                                     operation=name, operands={"pos_label": pos_label}, rule="pos_label in y_true")
            check_shapes(name, "y_true: n, y_score: n", y_true=y, y_score=score)
            return _told(_precision(y == pos_label, score, s), NO_POSITIVE)
        _columns(name, y, score, classes)
        indicator = y[:, None] == classes
    if not (isinstance(pos_label, (int, float, np.generic)) and pos_label == 1):
        raise ParameterError(f"{name}: Parameter pos_label is fixed to 1 for {kind} y_true. Do not set pos_label or set "
                             "pos_label "
                             f"to 1. It is {pos_label!r}", operation=name, operands={"pos_label": pos_label}, rule="pos_label=1")
    return _averaged(name, indicator, score, s, average, _precision, NO_POSITIVE)


# ---------------------------------------------------------------------------------------------------------------------

ONE_CLASS = "Only one class is present in y_true. ROC AUC score is not defined in that case."


def _told(score, message):
    """The score as users get it: with a warning where it does not exist (NaN; for average precision that counts as 0)."""
    if score == score:
        return score
    if message is NO_POSITIVE:
        warnings.warn(message, stacklevel=3)
        return 0.0
    undefined(message, stacklevel=4)
    return score


def _area(positive, score, s, max_fpr=None):
    """Area under one ROC curve; NaN where one class is missing."""
    fp, tp, _ = sorted_sums(positive, score, s)
    return _area_of(fp, tp, max_fpr)


def _area_of(fp, tp, max_fpr=None):
    if fp[-1] == 0 or tp[-1] == 0:
        return np.nan
    if max_fpr is None or max_fpr == 1:
        return float(areas(fp, tp)[0] / (fp[-1] * tp[-1]))
    x, y = np.append(0.0, fp / fp[-1]), np.append(0.0, tp / tp[-1])
    stop = np.searchsorted(x, max_fpr, side="right")
    end = np.interp(max_fpr, x[stop - 1: stop + 1], y[stop - 1: stop + 1])
    part = np.trapezoid(np.append(y[:stop], end), np.append(x[:stop], max_fpr))
    least, most = max_fpr**2 / 2, max_fpr
    return float(0.5 * (1 + (part - least) / (most - least)))


def _precision(positive, score, s, _=None):
    """One average precision; NaN without a positive row."""
    fp, tp, _ = sorted_sums(positive, score, s)
    return float(max(0.0, areas(fp, tp)[1] / tp[-1])) if tp[-1] else np.nan


def _dense(operation, y):
    return y.toarray() if is_sparse(y) else array(operation, "y_true", y)


def _indicator(operation, y, score):
    """A 0/1 matrix (n, K) as booleans, of the shape of the scores."""
    kind = kind_of(operation, "y_true", y)
    if kind != "multilabel-indicator":
        raise DataError(f"{operation}: {kind} format is not supported, y_true with {y.shape[1]} columns must be made of 0 and 1",
                        operation=operation, operands={"y_true": y.shape}, rule="0 or 1")
    check_shapes(operation, "y_true: n K, y_score: n K", y_true=y, y_score=score)
    return y != 0


def _columns(operation, y, score, classes):
    """A column of scores for each class, or a ShapeError."""
    if score.ndim != 2:
        raise ShapeError(f"{operation}: `y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains "
                         "multiple "
                         f"classes. Got `y_score.shape={score.shape}`.", operation=operation,
                         operands={"y_true": y.shape, "y_score": score.shape}, rule="y_score: n K")
    check_shapes(operation, "y_true: n, y_score: n K", y_true=y, y_score=score)
    if len(classes) != score.shape[1]:
        raise ShapeError(f"{operation}: Number of classes in y_true not equal to the number of columns in 'y_score', since "
                         f"`y_score` needs to be of shape `(n_samples, n_classes)`: there are {len(classes)} classes, "
                         f"{classes.tolist()[:10]}, and {score.shape[1]} columns", operation=operation,
                         operands={"y_true": y.shape, "y_score": score.shape}, rule="a column for each class")


def _classes(name, y, score, labels, present):
    """The classes of the columns of `score`, which hold probabilities."""
    if labels is not None:
        classes = np.asarray(labels)
        if len(np.unique(classes)) != len(classes):
            raise ParameterError(f"{name}: Parameter 'labels' must be unique, got {classes.tolist()[:10]}", operation=name,
                                 operands={"labels": classes.shape}, rule="no label twice")
        classes = given_labels(name, labels, y)
        if not (np.sort(classes) == classes).all():
            raise ParameterError(f"{name}: Parameter 'labels' must be ordered, got {classes.tolist()[:10]}", operation=name,
                                 operands={"labels": classes.shape}, rule="sorted labels")
        if score.ndim == 2 and len(classes) != score.shape[1]:
            raise ShapeError(f"{name}: Number of given labels, {len(classes)}, not equal to the number of columns in 'y_score', "
                             f"{score.shape[1]}", operation=name, operands={"labels": classes.shape, "y_score": score.shape},
                             rule="a column for each label")
        missing = present[positions(classes, present) < 0]
        if missing.size:
            raise DataError(f"{name}: 'y_true' contains labels not in parameter 'labels': "
                            f"{missing.tolist()[:10]}", operation=name,
                            operands={"y_true": y.shape}, rule="y_true in labels")
        present = classes
    _columns(name, y, score, present)
    sums = score @ np.ones(score.shape[1])
    wrong = ~np.isclose(1, sums)
    if wrong.any():
        raise DataError(f"{name}: Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to 1.0 "
                        f"over classes, got a sum of {sums[wrong][0]}", operation=name, operands={"y_score": score.shape},
                        rule="rows sum to 1")
    return present


def _averaged(operation, indicator, score, s, average, metric, message, *more):
    """`metric` of each column (or row), averaged."""
    if average == "micro":
        each = None if s is None else np.repeat(s, score.shape[1])
        return _told(metric(indicator.ravel(), score.ravel(), each, *more), message)
    share = None
    if average == "weighted":
        share = indicator.sum(0) if s is None else s @ indicator
        if np.isclose(share.sum(), 0.0):
            return 0.0
    if average == "samples":
        scores = np.array([metric(row, values, None, *more) for row, values in zip(indicator, score)])
        share = s
    else:
        scores = np.empty(score.shape[1])

        def column(k):
            scores[k] = metric(indicator[:, k], score[:, k], s, *more)

        over_blocks(column, score.shape[1], threads=None if score.size > 100_000 else 1)
    scores = np.array([_told(one, message) for one in scores])
    if average is None:
        return scores
    if share is not None:
        scores[share == 0] = 0.0  # not defined, and of no weight
    return float(np.average(scores, weights=share))


def _each_against_each(code, score, average):
    """Hand & Till: each pair's two areas, from the columns of each class's rows, sorted once."""
    present = np.unique(code)
    sorted_columns = {}  # class → (K, rows + 1), each column of its rows, rising, behind a fence

    def sort_class(place):
        a = present[place]
        mine = score[code == a].T
        columns = np.full((mine.shape[0], mine.shape[1] + 1), -np.inf)
        columns[:, 1:] = mine
        columns[:, 1:].sort(axis=1)
        sorted_columns[a] = columns

    over_blocks(sort_class, len(present), threads=None if score.size > 100_000 else 1)
    pairs = list(combinations(present, 2))
    means, share = np.empty(len(pairs)), np.empty(len(pairs))

    def pair(place):
        a, b = pairs[place]
        rows = sorted_columns[a].shape[1] + sorted_columns[b].shape[1] - 2
        share[place] = rows / len(code)
        both = [_area_of(*merged(sorted_columns[one][one], NONE, sorted_columns[other][one], NONE)[:2])
                for one, other in ((a, b), (b, a))]
        means[place] = sum(both) / 2

    over_blocks(pair, len(pairs), threads=None if score.size > 100_000 else 1)
    if len(pairs) == 0:
        return _told(np.nan, ONE_CLASS)
    return float(np.average(means, weights=share if average == "weighted" else None))
