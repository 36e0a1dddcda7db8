"""Scores of predicted classes.                               y_true, y_pred: (n,) labels   sample_weight s: (n,)

With weights summed per class c: t_c true, p_c predicted, h_c both ("hits"):

    accuracy   sum_c h_c / sum_i s_i               precision_c   h_c / p_c
    balanced   mean of h_c / t_c over true classes  recall_c      h_c / t_c
    F_c        (1 + beta^2) h_c / (beta^2 t_c + p_c)      0/0: `zero_division`

Not handled: multi-label indicator matrices (one column is one target).
"""

from __future__ import annotations

import warnings
from numbers import Real

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import given_labels, label_pair, one_of, positions, undefined, weights


def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Share of the rows predicted right; `normalize=False`: their number (or weight).

    >>> accuracy_score(["cat", "dog", "cat"], ["cat", "cat", "cat"])
    0.6666666666666666
    """
    y_true, y_pred, _ = label_pair("accuracy_score", y_true, y_pred)
    s = weights("accuracy_score", sample_weight, len(y_true))
    right = y_true == y_pred
    if normalize:
        return float(np.average(right, weights=s))
    return float(right.sum() if s is None else s @ right)


def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Share (or with `normalize=False` number, or weight) of the rows predicted wrong."""
    score = accuracy_score(y_true, y_pred, normalize=normalize, sample_weight=sample_weight)
    total = 1.0 if normalize else float(len(y_true) if sample_weight is None else np.sum(sample_weight))
    return total - score


def confusion_matrix(y_true, y_pred, *, labels=None, sample_weight=None, normalize=None):
    """Number (or weight) of rows of class i that were predicted as class j, (K, K).

    Parameters
    ----------
    labels : array-like, optional
        Classes to show, in this order; rows of other classes are left out. Default: all that occur, sorted.
    normalize : {"true", "pred", "all", None}
        Divide by the sum of the row, of the column, of everything; 0/0 is 0.

    >>> confusion_matrix(["cat", "dog", "cat"], ["cat", "cat", "cat"])
    array([[2, 0],
           [1, 0]])
    """
    one_of("confusion_matrix", "normalize", normalize, ("true", "pred", "all", None))
    y_true, y_pred, classes = label_pair("confusion_matrix", y_true, y_pred)
    s = weights("confusion_matrix", sample_weight, len(y_true))
    if labels is not None:
        classes = given_labels("confusion_matrix", labels, y_true)
        if not np.isin(classes, y_true).any():
            raise DataError(f"confusion_matrix: at least one of labels must occur in y_true, got {classes.tolist()[:10]}",
                            operation="confusion_matrix", operands={"labels": classes.shape}, rule="a label in y_true")
    K = classes.size
    row, column = positions(classes, y_true), positions(classes, y_pred)
    shown = (row >= 0) & (column >= 0)
    matrix = np.bincount((row * K + column)[shown], weights=None if s is None else s[shown], minlength=K * K).reshape(K, K)
    if s is not None and np.asarray(sample_weight).dtype.kind in "iub":
        matrix = matrix.astype(np.int64)  # whole weights are counts
    if normalize is not None:
        total = {"true": matrix.sum(1, keepdims=True), "pred": matrix.sum(0, keepdims=True), "all": matrix.sum()}[normalize]
        matrix = np.divide(matrix, total, out=np.zeros((K, K)), where=total != 0)
    if K == 1:
        warnings.warn("A single label was found in 'y_true' and 'y_pred'. For the confusion matrix to have the correct shape, "
                      "use the 'labels' parameter to pass all known labels.", UserWarning, stacklevel=2)
    return matrix


def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    """Mean recall of the classes in y_true: every class counts the same. `adjusted`: 0 for chance, 1 for perfect."""
    y_true, y_pred, classes = label_pair("balanced_accuracy_score", y_true, y_pred)
    hits, _, true = _sums("balanced_accuracy_score", y_true, y_pred, classes, sample_weight)
    if not (true != 0).all():
        warnings.warn("y_pred contains classes not in y_true", stacklevel=2)
    recall = hits[true != 0] / true[true != 0]
    score = float(recall.mean())
    if adjusted:
        chance = 1 / len(recall)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = float(np.divide(score - chance, 1 - chance))
    return score


def precision_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Share of the rows predicted as a class that are of it. Parameters as for `precision_recall_fscore_support`."""
    return _scores("precision_score", y_true, y_pred, 1.0, labels, pos_label, average, ("precision",), sample_weight,
                   zero_division)[0]


def recall_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Share of the rows of a class that are predicted as it. Parameters as for `precision_recall_fscore_support`."""
    return _scores("recall_score", y_true, y_pred, 1.0, labels, pos_label, average, ("recall",), sample_weight,
                   zero_division)[1]


def f1_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Harmonic mean of precision and recall. Parameters as for `precision_recall_fscore_support`.

    >>> round(f1_score([0, 1, 1, 1], [0, 1, 1, 0]), 2)
    0.8
    """
    return _scores("f1_score", y_true, y_pred, 1.0, labels, pos_label, average, ("f-score",), sample_weight, zero_division)[2]


def fbeta_score(y_true, y_pred, *, beta, labels=None, pos_label=1, average="binary", sample_weight=None,
                zero_division="warn"):
    """As `f1_score`, with recall `beta` times as important as precision."""
    return _scores("fbeta_score", y_true, y_pred, beta, labels, pos_label, average, ("f-score",), sample_weight,
                   zero_division)[2]


def precision_recall_fscore_support(y_true, y_pred, *, beta=1.0, labels=None, pos_label=1, average=None,
                                    warn_for=("precision", "recall", "f-score"), sample_weight=None, zero_division="warn"):
    """Precision, recall, F score and support (weight of the true rows) of each class, or averaged.

    Parameters
    ----------
    beta : float
        Importance of recall against precision; 0 and infinity give precision and recall.
    labels : array-like, optional
        Classes to score, in this order. Default: all that occur.
    pos_label : label
        The class that ``average="binary"`` scores.
    average : {None, "binary", "micro", "macro", "weighted"}
        None: an array; "micro": all classes' counts together; "macro": plain mean; "weighted": by support.
    zero_division : {"warn", 0, 1, nan}
        Value of 0/0. "warn": 0 with a warning.

    Returns
    -------
    precision, recall, f : arrays (K,), or floats if averaged
    support : array (K,), or None if averaged
    """
    return _scores("precision_recall_fscore_support", y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight,
                   zero_division)


def classification_report(y_true, y_pred, *, labels=None, target_names=None, sample_weight=None, digits=2, output_dict=False,
                          zero_division="warn"):
    """Precision, recall, F1 and support of each class and their averages, as text or (`output_dict`) as nested dicts.

    `target_names` are shown in place of the labels; `digits` is the number of decimals of the text.
    """
    y_true, y_pred, classes = label_pair("classification_report", y_true, y_pred)
    present = classes
    if labels is not None:
        classes = given_labels("classification_report", labels, y_true)
    if target_names is None:
        target_names = [str(label) for label in classes]
    elif len(target_names) != len(classes):
        raise ParameterError(
            f"classification_report: target_names has {len(target_names)} names for {len(classes)} classes, "
            f"{classes.tolist()[:10]}; name the classes in labels", operation="classification_report",
            operands={"target_names": (len(target_names),), "labels": (len(classes),)}, rule="a name for each class")

    def scored(average):
        return _scores("classification_report", y_true, y_pred, 1.0, classes, 1, average, ("precision", "recall", "f-score"),
                       sample_weight, zero_division)

    headers = ("precision", "recall", "f1-score", "support")
    *scores, support = scored(None)
    table = {name: row for name, *row in zip(target_names, *scores, support)}
    # With every class shown, the micro averages are all the accuracy.
    micro = "accuracy" if np.isin(present, classes).all() else "micro avg"
    averages = {heading: [*scored(average)[:3], support.sum()]
                for heading, average in ((micro, "micro"), ("macro avg", "macro"), ("weighted avg", "weighted"))}
    if output_dict:
        report = {name: dict(zip(headers, map(float, row))) for name, row in (table | averages).items()}
        return report | ({"accuracy": report["accuracy"]["precision"]} if micro == "accuracy" else {})

    width = max(*(len(name) for name in target_names), len("weighted avg"), digits)
    lines = [f"{'':>{width}s}  " + " ".join(f"{header:>9}" for header in headers), ""]
    for name, row in [*table.items(), ("", None), *averages.items()]:
        if row is None:
            lines.append("")
            continue
        cells = [f"{value:>9.{digits}f}" for value in row[:3]]
        if name == "accuracy":
            cells[:2] = [" " * 9] * 2
        lines.append(f"{name:>{width}s}  " + " ".join([*cells, f"{row[3]:>9}"]))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------------------------------------------

def _sums(operation, y_true, y_pred, classes, sample_weight):
    """Number of rows (or their weights) per class that are hit, predicted, true."""
    s = weights(operation, sample_weight, len(y_true))
    row, column = positions(classes, y_true), positions(classes, y_pred)

    def per_class(place, chosen):
        return np.bincount(place[chosen], weights=None if s is None else s[chosen], minlength=classes.size)

    return per_class(row, (row == column) & (row >= 0)), per_class(column, column >= 0), per_class(row, row >= 0)


def _scores(operation, y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight, zero_division):
    one_of(operation, "average", average, ("binary", "micro", "macro", "weighted", None))
    if not (isinstance(beta, Real) and float(beta) >= 0):
        raise ParameterError(f"{operation}: beta must be a number >= 0, got {beta!r}", operation=operation,
                             operands={"beta": beta}, rule="beta >= 0")
    if not (zero_division == "warn" if isinstance(zero_division, str) else
            isinstance(zero_division, Real) and (zero_division in (0, 1) or np.isnan(float(zero_division)))):
        raise ParameterError(f"{operation}: zero_division must be 'warn', 0, 1 or nan, got {zero_division!r}",
                             operation=operation, operands={"zero_division": zero_division}, rule="'warn', 0, 1 or nan")
    y_true, y_pred, classes = label_pair(operation, y_true, y_pred)
    if average == "binary":
        if len(classes) > 2:
            raise ParameterError(
                f"{operation}: average='binary' is for two classes, got {len(classes)}; choose average='macro', 'micro', "
                f"'weighted' or None", operation=operation, operands={"average": average}, rule="two classes",
                suggestion="average='macro'")
        if len(classes) == 2 and pos_label not in classes.tolist():
            raise ParameterError(f"{operation}: pos_label={pos_label!r} is not a valid label, the classes are {classes.tolist()}",
                                 operation=operation, operands={"pos_label": pos_label}, rule="pos_label in y_true")
        labels = [pos_label]
    elif pos_label not in (None, 1):
        warnings.warn(f"pos_label={pos_label!r} is ignored when average is {average!r}; labels=[pos_label] names one class",
                      UserWarning, stacklevel=3)
    if labels is not None:
        classes = given_labels(operation, labels, y_true)
    hits, predicted, true = _sums(operation, y_true, y_pred, classes, sample_weight)
    support = true
    beta = float(beta)
    if average == "micro":
        hits, predicted, true = hits.sum(keepdims=True), predicted.sum(keepdims=True), true.sum(keepdims=True)

    def share(numerator, denominator, name, rows):
        return _divided(numerator, denominator, name in warn_for, f"{name.capitalize()} is ill-defined and being set to 0.0",
                        rows, zero_division)

    precision = share(hits, predicted, "precision", "predicted")
    recall = share(hits, true, "recall", "true")
    if beta == np.inf:
        f = recall
    elif beta == 0:
        f = precision
    else:
        f = share((1 + beta**2) * hits, beta**2 * true + predicted, "f-score", "true nor predicted")
    if average is None:
        return precision, recall, f, support
    by = support if average == "weighted" else None
    return _average(precision, by), _average(recall, by), _average(f, by), None


def _divided(numerator, denominator, warns, text, rows, zero_division):
    empty = denominator == 0
    shares = np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=~empty)
    if empty.any():
        shares[empty] = 0.0 if isinstance(zero_division, str) else zero_division
        if isinstance(zero_division, str) and warns:
            place = "due to no" if len(shares) == 1 else "in labels with no"
            undefined(f"{text} {place} {rows} samples. Use `zero_division` parameter to control this behavior.")
    return shares


def _average(scores, by: np.ndarray | None) -> float:
    """Mean of what is defined, weighted unless the weights are all 0."""
    defined = ~np.isnan(scores)
    if not defined.any():
        return float("nan")
    scores = scores[defined]
    if by is not None:
        by = by[defined]
        by = by if by.any() else None
    return float(np.average(scores, weights=by))
