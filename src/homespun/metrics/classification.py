"""Scores of predicted classes that come from the confusion matrix.       y_true, y_pred: (n,) labels, or (n, K) indicators

With c_ab the weight of the rows of class a that were predicted as b, t_a and p_b its sums over rows and columns, N the sum:

    accuracy      sum_a c_aa / N                  balanced accuracy   mean over the classes of c_aa / t_a
    hamming loss  share of the labels that are wrong: 1 - accuracy for single labels, entry by entry for indicators

One pass over the rows (`counts`), then arithmetic on K x K numbers. A row of indicators is right if all of it is.
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import given_labels, label_pair, one_of, positions, weights
from homespun.metrics.counts import Cells
from homespun.metrics.targets import Indicators, class_pair


def accuracy_score(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Share of the rows predicted right; `normalize=False`: their number (or weight).

    >>> accuracy_score(["cat", "dog", "cat"], ["cat", "cat", "cat"])
    0.6666666666666666
    """
    right, total = _right("accuracy_score", y_true, y_pred, sample_weight)
    return right / total if normalize else right


def zero_one_loss(y_true, y_pred, *, normalize=True, sample_weight=None):
    """Share (or with `normalize=False` number, or weight) of the rows predicted wrong."""
    right, total = _right("zero_one_loss", y_true, y_pred, sample_weight)
    return 1.0 - right / total if normalize else total - right


def hamming_loss(y_true, y_pred, *, sample_weight=None):
    """Share of the labels that are wrong. For indicators an entry counts on its own: half of a row may be right.

    >>> hamming_loss([[0, 1], [1, 1]], [[0, 0], [1, 1]])
    0.25
    """
    _, found = class_pair("hamming_loss", y_true, y_pred, sample_weight)
    if isinstance(found, Cells):
        return float(found.weight[found.i != found.j].sum() / found.weight.sum())
    n, K = found.true.shape
    wrong, total = found.differing(), n if found.s is None else found.s.sum()
    return float((wrong.sum() if found.s is None else found.s @ wrong) / (total * K))


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
    matrix, _ = confusion("confusion_matrix", y_true, y_pred, labels, sample_weight)
    if normalize is not None:
        total = {"true": matrix.sum(1, keepdims=True), "pred": matrix.sum(0, keepdims=True), "all": matrix.sum()}[normalize]
        matrix = np.divide(matrix, total, out=np.zeros(matrix.shape), where=total != 0)
    if matrix.size == 1:
        warnings.warn("A single label was found in 'y_true' and 'y_pred'. For the confusion matrix to have the correct shape, "
                      "use the 'labels' parameter to pass all known labels.", UserWarning, stacklevel=2)
    return matrix


def multilabel_confusion_matrix(y_true, y_pred, *, sample_weight=None, labels=None, samplewise=False):
    """For each label (or with `samplewise` each row of indicators) the table [[TN, FP], [FN, TP]], (K, 2, 2).

    >>> multilabel_confusion_matrix(["a", "c", "a"], ["a", "a", "c"])[0].tolist()
    [[0, 1], [1, 1]]
    """
    name = "multilabel_confusion_matrix"
    _, found = class_pair(name, y_true, y_pred, sample_weight)
    hit, predicted, true, _ = label_sums(name, found, labels, samplewise)
    if isinstance(found, Cells):
        total = found.weight.sum()
    elif samplewise:
        K = found.true.shape[1] if labels is None else len(labels)
        total = K if found.s is None else K * found.s
    else:
        total = found.true.shape[0] if found.s is None else found.s.sum()
    fp, fn = predicted - hit, true - hit
    return np.stack([total - hit - fp - fn, fp, fn, hit], axis=-1).reshape(-1, 2, 2)


def balanced_accuracy_score(y_true, y_pred, *, sample_weight=None, adjusted=False):
    """Mean recall of the classes in y_true: every class counts the same. `adjusted`: 0 for chance, 1 for perfect."""
    hits, _, true = single("balanced_accuracy_score", y_true, y_pred, sample_weight).per_class()
    if not (true != 0).all():
        warnings.warn("y_pred contains classes not in y_true", stacklevel=2)
    recall = hits[true != 0] / true[true != 0]
    score = float(recall.mean())
    if adjusted:
        chance = 1 / len(recall)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = float(np.divide(score - chance, 1 - chance))
    return score


# ---------------------------------------------------------------------------------------------------------------------
# What other files build on

def single(operation: str, y_true, y_pred, sample_weight) -> Cells:
    """The counted pairs of single labels; DataError for indicators."""
    kind, found = class_pair(operation, y_true, y_pred, sample_weight)
    if isinstance(found, Indicators):
        raise DataError(f"{operation}: {kind} is not supported, y_true has {found.true.shape[1]} columns", operation=operation,
                        operands={"y_true": found.true.shape}, rule="labels (n,)")
    return found


def confusion(operation: str, y_true, y_pred, labels, sample_weight) -> tuple[np.ndarray, np.ndarray]:
    """The matrix in the order of `labels` (default: all, sorted), and its labels. Whole weights stay whole numbers."""
    cells = single(operation, y_true, y_pred, sample_weight)
    whole = sample_weight is None or np.asarray(sample_weight).dtype.kind in "iub"
    values = cells.weight.astype(np.int64) if whole else cells.weight
    if labels is None:
        return cells.matrix(values), cells.labels
    labels = given_labels(operation, labels, cells.labels)
    place = positions(labels, cells.labels)
    i, j = place[cells.i], place[cells.j]
    if not (i >= 0).any():
        raise DataError(f"{operation}: At least one label specified must be in y_true, got {labels.tolist()[:10]}",
                        operation=operation, operands={"labels": labels.shape}, rule="a label in y_true")
    shown = (i >= 0) & (j >= 0)
    return Cells(labels, i[shown], j[shown], cells.rows[shown], values[shown]).matrix(values[shown]), labels


def label_sums(operation: str, found, labels, samplewise: bool = False):
    """Weight that is hit, predicted, true, for each of `labels` (default: all that occur) or each row; and these labels."""
    if isinstance(found, Cells):
        if samplewise:
            raise ParameterError(f"{operation}: Samplewise metrics are not available outside of multilabel classification.",
                                 operation=operation, operands={"average": "samples"}, rule="(n, K) indicators")
        sums = found.per_class()
        if labels is None:
            return *sums, found.labels
        labels = given_labels(operation, labels, found.labels)
        place = positions(found.labels, labels)
        return *(np.where(place >= 0, part[place], 0) for part in sums), labels
    columns = None
    K = found.true.shape[1]
    if labels is not None:
        columns = given_labels(operation, labels, np.arange(1))
        for wrong, sign, bad in ((columns.max(), ">", columns.max() >= K), (columns.min(), "<", columns.min() < 0)):
            if bad:
                raise ParameterError(f"{operation}: All labels must be in [0, n labels) for multilabel targets. Got {wrong} "
                                     f"{sign} "
                                     f"{K - 1 if sign == '>' else 0}", operation=operation, operands={"labels": columns.shape},
                                     rule=f"0 <= label < {K}")
    return *found.sums(samplewise, columns), np.arange(K) if columns is None else columns


def _right(operation, y_true, y_pred, sample_weight) -> tuple[float, float]:
    """Weight of the rows that are right, and of all."""
    if np.ndim(y_true) == 1 == np.ndim(y_pred) and np.asarray(y_true).dtype.kind in "UO":  # words need no counting, only equality
        right = np.equal(*label_pair(operation, y_true, y_pred))
        s = weights(operation, sample_weight, len(right))
        return float(right.sum() if s is None else s @ right), float(len(right) if s is None else s.sum())
    _, found = class_pair(operation, y_true, y_pred, sample_weight)
    if isinstance(found, Cells):
        return float(found.weight[found.i == found.j].sum()), float(found.weight.sum())
    right = found.differing() == 0
    if found.s is None:
        return float(right.sum()), float(right.size)
    return float(found.s @ right), float(found.s.sum())
