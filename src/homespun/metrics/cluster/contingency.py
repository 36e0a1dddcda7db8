"""The table that compares two clusterings.          n_ij = number of rows in class i of the one and cluster j of the other

Names of clusters mean nothing: the two sides may use other labels, of other kinds. One pass over the rows (`counts`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from homespun.base.errors import ParameterError, ShapeError
from homespun.metrics.checks import check_shapes, finite, labels_of
from homespun.metrics.counts import codes, count


@dataclass
class Table:
    """The cells that are not empty: ``rows[c]`` rows in (i[c], j[c]); and the sums of both sides."""

    i: np.ndarray
    j: np.ndarray
    rows: np.ndarray  # (cells,)
    of_classes: np.ndarray  # (R,) rows of each class
    of_clusters: np.ndarray  # (C,)
    n: int


def contingency_matrix(labels_true, labels_pred, *, eps=None, sparse=False, dtype=np.int64):
    """Rows of class i in cluster j, (classes, clusters). `eps` is added to every entry; `sparse` gives a CSR matrix.

    >>> contingency_matrix([0, 0, 1, 1, 2, 2], ["a", "b", "a", "b", "a", "b"]).tolist()
    [[1, 1], [1, 1], [1, 1]]
    """
    name = "contingency_matrix"
    if eps is not None and sparse:
        raise ParameterError(f"{name}: Cannot set 'eps' when sparse=True, got eps={eps!r}", operation=name,
                             operands={"eps": eps, "sparse": sparse}, rule="eps=None or sparse=False")
    found = table(name, labels_true, labels_pred)
    shape = found.of_classes.size, found.of_clusters.size
    if sparse:
        from scipy.sparse import csr_matrix

        return csr_matrix((found.rows.astype(dtype), (found.i, found.j)), shape=shape)
    matrix = np.zeros(shape, dtype)
    matrix[found.i, found.j] = found.rows
    return matrix if eps is None else matrix + eps


def table(operation: str, labels_true, labels_pred) -> Table:
    """What two clusterings have in common. No row at all is allowed: an empty table."""
    a, b = _labels(operation, "labels_true", labels_true), _labels(operation, "labels_pred", labels_pred)
    check_shapes(operation, "labels_true: n, labels_pred: n", labels_true=a, labels_pred=b)
    kinds = [_is_continuous(one) for one in (a, b)]
    if any(kinds):
        words = [("continuous" if kind else "discrete") for kind in kinds]
        warnings.warn(f"Clustering metrics expects discrete values but received {words[0]} values for label, and {words[1]} "
                      "values "
                      "for target", UserWarning, stacklevel=3)
    if a.size == 0:
        none = np.zeros(0, np.int64)
        return Table(none, none, none, none, none, 0)
    a, b = (_numbered(one, continuous) for one, continuous in zip((a, b), kinds))
    cells = count(a, b)
    _, i = np.unique(cells.i, return_inverse=True)
    _, j = np.unique(cells.j, return_inverse=True)
    return Table(i, j, cells.rows, np.bincount(i, weights=cells.rows).astype(np.int64),
                 np.bincount(j, weights=cells.rows).astype(np.int64), a.size)


def _labels(operation, name, value):
    value = np.asarray(value)
    if value.ndim != 1:
        raise ShapeError(f"{operation}: {name} must be 1D: shape is {value.shape}", operation=operation,
                         operands={name: value.shape}, rule=f"{name}: n")
    if value.dtype.kind == "f":
        finite(operation, **{name: value})
    if value.size == 0 or _is_continuous(value):
        return value
    return labels_of(operation, name, value)


def _is_continuous(labels):
    return labels.dtype.kind == "f" and (labels != np.floor(labels)).any()


def _numbered(labels, continuous):
    """As whole numbers: codes, unless they are whole numbers already."""
    if continuous:
        return np.unique(labels, return_inverse=True)[1]
    return labels if labels.dtype.kind in "biu" else codes(labels)[1]
