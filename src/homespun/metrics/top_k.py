"""Top-k accuracy: is the true class among the k that score highest?              y_true: (n,)   y_score: (n, K), or (n,)

    place_i = |{c: d_ic > d_i,y}| + |{c > y: d_ic = d_i,y}|           a hit where place_i < k

Among equal scores the later column comes first, as in scikit-learn. Nothing is sorted: one count per row.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.kernels import over_blocks
from homespun.metrics.checks import check_shapes, given_labels, labels_of, numbers, positions, undefined, weights
from homespun.metrics.counts import codes
from homespun.metrics.targets import kind_of

BLOCK = 1 << 16  # entries


def top_k_accuracy_score(y_true, y_score, *, k=2, normalize=True, sample_weight=None, labels=None):
    """Share (with `normalize=False` number, or weight) of the rows whose class is among the k that score highest.

    `labels` names all classes, sorted, where y_true may lack one. Two classes: y_score (n,), positive above 0.5 if all
    scores lie in [0, 1], else above 0.

    >>> top_k_accuracy_score([0, 1, 2, 2], [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]])
    0.75
    """
    name = "top_k_accuracy_score"
    if not (isinstance(k, (int, np.integer)) and k >= 1):
        raise ParameterError(f"{name}: k must be a whole number >= 1, got {k!r}", operation=name, operands={"k": k},
                             rule="k >= 1")
    kind = kind_of(name, "y_true", y_true)
    if kind not in ("binary", "multiclass"):
        raise DataError(f"{name}: y type must be 'binary' or 'multiclass', got '{kind}' instead; y_true must hold classes",
                        operation=name, operands={"y_true": np.shape(y_true)}, rule="classes")
    y, score = labels_of(name, "y_true", y_true), numbers(name, "y_score", y_score)
    s = weights(name, sample_weight, len(y))
    classes, place = codes(y)
    operands = {"y_true": y.shape, "y_score": score.shape}
    two = len(classes) <= 2 and (labels is None or len(labels) <= 2)
    if two and score.ndim == 2 and score.shape[1] != 1:
        raise ShapeError(f"{name}: `y_true` is binary while y_score is 2d with {score.shape[1]} classes. If `y_true` does "
                         "not contain "
                         "all the labels, `labels` must be provided.", operation=name, operands=operands, rule="y_score: n")
    if not two and score.ndim != 2:
        raise ShapeError(f"{name}: `y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains "
                         "multiple classes. "
                         f"Got `y_score.shape={score.shape}`.", operation=name, operands=operands, rule="y_score: n K")
    check_shapes(name, "y_true: n, y_score: n" if two else "y_true: n, y_score: n K", y_true=y, y_score=score)
    classes, place = _known(name, y, classes, place, labels, 2 if two else score.shape[1])
    if k >= len(classes):
        undefined(f"'k' ({k}) greater than or equal to 'n_classes' ({len(classes)}) will result in a perfect score and is "
                  "therefore "
                  "meaningless.")
    if not two:
        hits = _hits(place, score, k)
    elif k == 1:
        hits = (score > (0.5 if score.min() >= 0 and score.max() <= 1 else 0.0)) == (place == 1)
    else:
        hits = np.ones(len(y), bool)
    if normalize:
        return float(np.average(hits, weights=s))
    return float(hits.sum() if s is None else s @ hits)


def _known(name, y, classes, place, labels, K):
    """The classes of the columns, and the column of each row's class."""
    if labels is None:
        if len(classes) != K:
            raise ShapeError(f"{name}: Number of classes in 'y_true' ({len(classes)}) not equal to the number of classes in "
                             "'y_score' "
                             f"({K}).You can provide a list of all known classes by assigning it to the `labels` parameter.",
                             operation=name, operands={"y_true": y.shape}, rule="a column for each class")
        return classes, place
    known = np.asarray(labels)
    for wrong, text in ((len(np.unique(known)) != len(known), "unique"), (not (np.sort(known) == known).all(), "ordered")):
        if wrong:
            raise ParameterError(f"{name}: Parameter 'labels' must be {text}. It is {known.tolist()[:10]}", operation=name,
                                 operands={"labels": known.shape}, rule=f"{text} labels")
    known = given_labels(name, labels, y)
    if len(known) != K:
        raise ShapeError(f"{name}: Number of given labels ({len(known)}) not equal to the number of classes in 'y_score' ({K}).",
                         operation=name, operands={"labels": known.shape}, rule="a column for each label")
    column = positions(known, classes)
    if (column < 0).any():
        raise DataError(f"{name}: 'y_true' contains labels not in parameter 'labels'. They are "
                        f"{classes[column < 0].tolist()[:10]}",
                        operation=name, operands={"y_true": y.shape}, rule="y_true in labels")
    return known, column[place]


def _hits(place, score, k):
    """Whether fewer than k columns come before the own one, (n,)."""
    n, K = score.shape
    hits, rows = np.empty(n, bool), max(1, BLOCK // K)

    def work(block):
        part = slice(block * rows, (block + 1) * rows)
        mine, own = score[part], place[part, None]
        value = np.take_along_axis(mine, own, axis=1)
        before = (mine > value) | ((mine == value) & (np.arange(K) > own))
        hits[part] = before @ np.ones(K) < k  # a product counts along the short axis faster than a sum

    over_blocks(work, (n + rows - 1) // rows)
    return hits
