"""Hinge loss: what a support vector machine minimises.       y_true: (n,)   pred_decision: (n,), or (n, K) for K classes

    two classes   sum_i s_i max(0, 1 - y_i d_i) / sum_i s_i                        y_i = +1 or -1
    K classes     the same of 1 - (d_i,y - max over the other classes of d_ik)     Crammer & Singer 2001, JMLR 2, eq. 3
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ShapeError
from homespun.metrics.checks import check_shapes, given_labels, labels_of, numbers, positions, weights
from homespun.metrics.counts import distinct


def hinge_loss(y_true, pred_decision, *, labels=None, sample_weight=None):
    """Mean of max(0, 1 - margin): 0 where every row lies on its side of the boundary by at least 1.

    `labels` names all classes, in the order of the columns once sorted, where y_true may lack one.

    >>> hinge_loss([-1, 1, 1], [-2.2, 2.4, 0.1])
    0.3
    """
    name = "hinge_loss"
    y = labels_of(name, "y_true", y_true)
    d = numbers(name, "pred_decision", pred_decision)
    classes = distinct(y) if labels is None else np.sort(given_labels(name, labels, y))
    s = weights(name, sample_weight, len(y))
    if len(classes) <= 2:
        check_shapes(name, "y_true: n, pred_decision: n", y_true=y, pred_decision=d)
        sign = np.where(y == classes[-1], 1.0, -1.0) if len(classes) == 2 else np.full(len(y), -1.0)
        margin = sign * d
    else:
        margin = _margins(name, y, d, classes, labels)
    return float(np.average(np.maximum(1 - margin, 0.0), weights=s))


def _margins(name, y, d, classes, labels):
    """Decision of the own class less the greatest of the others, (n,)."""
    n, K = len(y), len(classes)
    operands = {"y_true": y.shape, "pred_decision": d.shape}
    if d.ndim <= 1:
        raise ShapeError(f"{name}: The shape of pred_decision cannot be 1d array with a multiclass target. pred_decision "
                         "shape must "
                         f"be (n_samples, n_classes), that is ({n}, {K}). Got: {d.shape}", operation=name, operands=operands,
                         rule="pred_decision: n K")
    check_shapes(name, "y_true: n, pred_decision: n K", y_true=y, pred_decision=d)
    if d.shape[1] != K:
        text = ("Please include all labels in y_true or pass labels as third argument" if labels is None else
                "The shape of pred_decision is not consistent with the number of classes")
        raise ShapeError(f"{name}: {text}. With a multiclass target, pred_decision shape must be (n_samples, n_classes), that is "
                         f"({n}, {K}). Got: {d.shape}", operation=name, operands=operands, rule="a column for each class")
    place = positions(classes, y)
    if (place < 0).any():
        raise DataError(f"{name}: y_true holds {y[place < 0][0]!r}, which is not among labels {classes.tolist()[:10]}",
                        operation=name, operands=operands, rule="y_true in labels")
    own, best = d[np.arange(n), place], np.full(n, -np.inf)
    for k in range(K):  # column by column: a maximum over the short axis is ten times slower
        np.maximum(best, np.where(place == k, -np.inf, d[:, k]), out=best)
    return own - best
