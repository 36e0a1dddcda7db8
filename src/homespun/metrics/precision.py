"""Precision, recall, F and Jaccard, for each class or averaged.        y_true, y_pred: (n,) labels, or (n, K) indicators

With weights summed per class c: t_c true, p_c predicted, h_c both ("hits"):

    precision_c   h_c / p_c         F_c        (1 + beta^2) h_c / (beta^2 t_c + p_c)
    recall_c      h_c / t_c         Jaccard_c  h_c / (t_c + p_c - h_c)                       0/0: `zero_division`

`average` "micro" sums the counts first, "macro" is the mean over classes, "weighted" by t_c, "samples" the mean over rows of
indicators, each row being a set of labels. van Rijsbergen 1979, Information Retrieval, chapter 7.
"""

from __future__ import annotations

import warnings
from numbers import Real

import numpy as np

from homespun.base.errors import ParameterError
from homespun.metrics.checks import one_of, undefined
from homespun.metrics.classification import label_sums
from homespun.metrics.targets import Indicators, class_pair

AVERAGES = (None, "micro", "macro", "weighted", "samples")


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
        Classes to score, in this order. Default: all that occur. For indicators: numbers of columns.
    pos_label : label
        The class that ``average="binary"`` scores.
    average : {None, "binary", "micro", "macro", "weighted", "samples"}
        None: an array; "micro": all classes' counts together; "macro": plain mean; "weighted": by support; "samples": mean
        over rows, for indicators.
    zero_division : {"warn", 0, 1, nan}
        Value of 0/0. "warn": 0 with a warning.

    Returns
    -------
    precision, recall, f : arrays (K,), or floats if averaged
    support : array (K,), or None if averaged
    """
    return _scores("precision_recall_fscore_support", y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight,
                   zero_division)


def jaccard_score(y_true, y_pred, *, labels=None, pos_label=1, average="binary", sample_weight=None, zero_division="warn"):
    """Rows that are of a class and predicted as it, as a share of those that are one or the other.

    >>> jaccard_score([0, 1, 1, 1], [1, 1, 1, 0])
    0.5
    """
    name = "jaccard_score"
    _check_zero_division(name, zero_division)
    found, labels = _counted(name, y_true, y_pred, labels, pos_label, average, sample_weight)
    hits, predicted, true, _ = label_sums(name, found, labels, average == "samples")
    by = true if average == "weighted" else found.s if average == "samples" else None
    if average == "micro":
        hits, predicted, true = hits.sum(keepdims=True), predicted.sum(keepdims=True), true.sum(keepdims=True)
    scores = divided(hits, true + predicted - hits, True, "Jaccard", "true or predicted", average, zero_division)
    return scores if average is None else mean_defined(scores, by, skip=False)


# ---------------------------------------------------------------------------------------------------------------------

def _counted(operation, y_true, y_pred, labels, pos_label, average, sample_weight):
    """What was counted, and the labels to score."""
    one_of(operation, "average", average, ("binary", *AVERAGES))
    kind, found = class_pair(operation, y_true, y_pred, sample_weight)
    if average == "binary":
        if kind != "binary":
            options = [a for a in AVERAGES if a != "samples" or kind != "multiclass"]
            size = found.true.shape[1] if isinstance(found, Indicators) else len(found.labels)
            raise ParameterError(f"{operation}: Target is {kind} but average='binary'. Please choose another average "
                                 "setting, one "
                                 f"of {options}; there are two classes in binary targets, got {size}", operation=operation,
                                 operands={"average": average}, rule="two classes", suggestion="average='macro'")
        present = found.labels.tolist()
        if len(present) == 2 and pos_label not in present:
            raise ParameterError(f"{operation}: pos_label={pos_label} is not a valid label. It should be one of {found.labels}",
                                 operation=operation, operands={"pos_label": pos_label}, rule="pos_label in y_true")
        labels = [pos_label]
        if len(present) == 1 and isinstance(present[0], str) != isinstance(pos_label, str):
            labels = np.array([pos_label], dtype=object)  # one class, of another kind: it is not there
    elif not (pos_label is None or (isinstance(pos_label, (Real, np.bool_)) and pos_label == 1)):
        warnings.warn(f"Note that pos_label (set to {pos_label!r}) is ignored when average != 'binary' (got {average!r}). "
                      "You may "
                      "use labels=[pos_label] to specify a single positive class.", UserWarning, stacklevel=4)
    return found, labels


def _check_zero_division(operation, zero_division):
    if not (zero_division == "warn" if isinstance(zero_division, str) else
            isinstance(zero_division, Real) and (zero_division in (0, 1) or np.isnan(float(zero_division)))):
        raise ParameterError(f"{operation}: zero_division must be 'warn', 0, 1 or nan, got {zero_division!r}",
                             operation=operation, operands={"zero_division": zero_division}, rule="'warn', 0, 1 or nan")


def _scores(operation, y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight, zero_division):
    if not (isinstance(beta, Real) and float(beta) >= 0):
        raise ParameterError(f"{operation}: beta must be a number >= 0, got {beta!r}", operation=operation,
                             operands={"beta": beta}, rule="beta >= 0")
    _check_zero_division(operation, zero_division)
    found, labels = _counted(operation, y_true, y_pred, labels, pos_label, average, sample_weight)
    return averaged(operation, found, labels, float(beta), average, warn_for, zero_division)


def averaged(operation, found, labels, beta, average, warn_for, zero_division):
    """Precision, recall, F and support from what was counted."""
    hits, predicted, true, _ = label_sums(operation, found, labels, average == "samples")
    support = true
    if average == "micro":
        hits, predicted, true = hits.sum(keepdims=True), predicted.sum(keepdims=True), true.sum(keepdims=True)

    def share(numerator, denominator, name, what):
        return divided(numerator, denominator, name in warn_for, name.capitalize(), what, average, zero_division)

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
    by = support if average == "weighted" else found.s if average == "samples" else None
    return mean_defined(precision, by), mean_defined(recall, by), mean_defined(f, by), None


def divided(numerator, denominator, warns, name, what, average, zero_division):
    """Shares, with `zero_division` (and scikit-learn's warning) where there is nothing to share."""
    empty = denominator == 0
    shares = np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=~empty)
    if empty.any():
        shares[empty] = 0.0 if isinstance(zero_division, str) else zero_division
        if isinstance(zero_division, str) and warns:
            of, each = ("label", "sample") if average == "samples" else ("sample", "label")
            place = "due to" if len(shares) == 1 else f"in {each}s with"
            undefined(f"{name} is ill-defined and being set to 0.0 {place} no {what} {of}s. Use `zero_division` parameter to "
                      "control this behavior.", stacklevel=6)
    return shares


def mean_defined(scores, by: np.ndarray | None, skip: bool = True) -> float:
    """Mean of what is not NaN (with `skip`), weighted unless the weights are all 0."""
    if skip:
        defined = ~np.isnan(scores)
        if not defined.any():
            return float("nan")
        scores, by = scores[defined], None if by is None else by[defined]
    if by is not None and not by.any():
        by = None
    return float(np.average(scores, weights=by))
