"""Equal rows as one row of their weights together, in an order that depends on their values only.

A row of weight 2 *is* the row twice, and no order of the rows is a better one. An iterative solver that stops at a tolerance
would still end elsewhere for each; so it is given the same problem for all of them: rows without weight are left out,
equal rows become one, and the rows are sorted by their bytes. What is found for a row is then shared out by weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from homespun.base import DataError


@dataclass
class Merged:
    """Rows that differ, in the order of their bytes."""

    first: np.ndarray  # (m,) int64: an original row that is like it
    weights: np.ndarray  # (m,) of all rows like it together
    rows: np.ndarray  # (k,) int64: the original rows that have weight, ascending
    part: np.ndarray  # (k,) int64: which of the m each of them is
    share: np.ndarray  # (k,) of the weight of that one

    def spread(self, values):
        """Values of the m rows (…, m) as values of the k original rows that have weight."""
        return values[..., self.part] * self.share


def merged(X, labels, weights, *, by_value=True):
    """Merge the rows of X (an array, a CSR matrix, or anything with `by_value=False`) that have equal labels."""
    rows = np.flatnonzero(weights > 0)
    if not by_value:
        return Merged(rows, weights[rows], rows, np.arange(rows.size), np.ones(rows.size))
    keys = sparse_keys(X[rows], labels[rows]) if sp.issparse(X) else dense_keys(X[rows], labels[rows])
    order = np.argsort(keys, kind="stable")
    new = np.ones(rows.size, bool)
    new[1:] = keys[order[1:]] != keys[order[:-1]]
    part = np.empty(rows.size, np.int64)
    part[order] = np.cumsum(new) - 1
    totals = np.bincount(part, weights[rows])
    return Merged(rows[order[new]], totals, rows, part, weights[rows] / totals[part])


def dense_keys(X, labels):
    """The bytes of each row and of its label as one value that sorts."""
    table = np.column_stack([labels, X]).astype(np.float64) + 0.0  # + 0.0: minus zero is zero
    return np.ascontiguousarray(table).view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()


def sparse_keys(X, labels):
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    texts = [labels[i].tobytes() + X.indices[a:b].tobytes() + X.data[a:b].tobytes()
             for i, (a, b) in enumerate(zip(X.indptr[:-1], X.indptr[1:]))]
    ranks = {text: rank for rank, text in enumerate(sorted(set(texts)))}
    return np.array([ranks[text] for text in texts], np.int64)


def weights_for(estimator, sample_weight, X):
    """Weights (n,), 1 for None; negative ones, as 0, leave a row out. All of them so: a DataError."""
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if sample_weight is None:
        return np.ones(n)
    given = np.asarray(sample_weight)
    if given.ndim == 1 and given.size == n and given.dtype.kind in "biuf" and (given <= 0).all():
        raise DataError(
            f"{type(estimator).__name__}.fit: Invalid input - all samples have zero or negative weights.",
            operation=f"{type(estimator).__name__}.fit", operands={"sample_weight": given.shape}, rule="at least one weight > 0")
    weights = estimator.validate_weights(sample_weight, np.empty((n, 1)), allow_negative=True)
    return np.maximum(weights, 0.0)
