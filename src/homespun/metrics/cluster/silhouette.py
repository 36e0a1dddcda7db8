"""Silhouettes: is a row nearer to its own cluster than to the next one?          X: (n, d)   labels: (n,)

    a_i = mean distance to the other rows of its cluster     b_i = least mean distance to the rows of another cluster
    s_i = (b_i - a_i) / max(a_i, b_i)                        0 for a cluster of one row

Rousseeuw 1987, Journal of Computational and Applied Mathematics 20. O(n^2 d) time, O(n (clusters + d)) memory: the distances
are never stored. They are taken from the definition, not from |x|^2 + |y|^2 - 2 x.y, so near rows lose no digits. Other
metrics than "euclidean" get their distances, chunk by chunk, from scikit-learn.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError
from homespun.kernels import kernel, oracle, over_blocks
from homespun.metrics.checks import array, check_shapes, labels_of, numbers
from homespun.metrics.counts import codes
from homespun.metrics.targets import is_sparse

ROWS = 32  # that one block carries through all others
DENSE = 1 << 27  # numbers up to which a sparse X is unpacked
COLUMNS = 1024  # others at a time: their distances stay in L1


def silhouette_score(X, labels, *, metric="euclidean", sample_size=None, random_state=None, **kwds):
    """Mean silhouette, -1 … 1: 1 is dense and well apart, about 0 overlapping, below 0 in the wrong cluster.

    Parameters
    ----------
    X : array-like (n, d), or distances (n, n) with ``metric="precomputed"``
    labels : array-like (n,)
    metric : str or callable
    sample_size : int, optional
        So many rows, drawn by `random_state`, stand for all.

    >>> X = np.array([[0.0], [0.0], [4.0], [4.0]])
    >>> silhouette_score(X, [0, 0, 1, 1])
    1.0
    """
    if sample_size is not None:
        from sklearn.utils import check_random_state

        labels = np.asarray(labels)
        X = X if is_sparse(X) else np.asarray(X)
        chosen = check_random_state(random_state).permutation(X.shape[0])[:sample_size]
        X, labels = (X[chosen].T[chosen].T if metric == "precomputed" else X[chosen]), labels[chosen]
    return float(np.mean(_samples("silhouette_score", X, labels, metric, kwds)))


def silhouette_samples(X, labels, *, metric="euclidean", **kwds):
    """Silhouette of each row, (n,). Parameters as for `silhouette_score`.

    >>> silhouette_samples(np.array([[0.0], [1.0], [4.0]]), [0, 0, 1]).round(2).tolist()
    [0.75, 0.67, 0.0]
    """
    return _samples("silhouette_samples", X, labels, metric, kwds)


def _samples(operation, X, labels, metric, kwds):
    labels = labels_of(operation, "labels", labels)
    kind = getattr(X, "dtype", None)
    if not is_sparse(X):
        X = array(operation, "X", X)
        kind = X.dtype
        X = numbers(operation, "X", X)
    check_shapes(operation, "X: n d, labels: n", X=X, labels=labels)
    K, code, rows = clusters(operation, labels)
    if metric == "precomputed":
        _check_precomputed(operation, X, kind)
    if metric == "euclidean" and not kwds and (not is_sparse(X) or X.shape[0] * X.shape[1] <= DENSE):
        sums = distance_sums(X.toarray().astype(np.float64) if is_sparse(X) else X, code, K)
    else:
        sums = _sums_of_chunks(X, code, K, metric, kwds)
    own = np.arange(len(code)), code
    inside = sums[own]
    sums[own] = np.inf
    b = (sums / rows).min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a = inside / (rows[code] - 1)
        s = np.nan_to_num((b - a) / np.maximum(a, b))
    return s.astype(np.float32) if kind == np.float32 else s


def clusters(operation, labels):
    """Number of clusters, code of each row, rows of each cluster."""
    names, code = codes(labels)
    if not 1 < len(names) < len(labels):
        raise DataError(f"{operation}: Number of labels is {len(names)}. Valid values are 2 to n_samples - 1 (inclusive), "
                        "n_samples is "
                        f"{len(labels)}", operation=operation, operands={"labels": labels.shape}, rule="2 <= clusters < n")
    return len(names), code, np.bincount(code)


def _check_precomputed(operation, X, kind):
    diagonal = np.abs(X.diagonal())
    slack = np.finfo(kind).eps * 100 if kind is not None and np.dtype(kind).kind == "f" else 0
    if (diagonal > slack).any():
        raise DataError(f"{operation}: The precomputed distance matrix contains non-zero elements on the diagonal, the "
                        "largest is "
                        f"{diagonal.max()}. Use np.fill_diagonal(X, 0).", operation=operation, operands={"X": X.shape},
                        rule="zeros on the diagonal", suggestion="np.fill_diagonal(X, 0)")


def _sums_of_chunks(X, code, K, metric, kwds):
    """As `distance_sums`, for any metric that scikit-learn knows."""
    from sklearn.metrics.pairwise import pairwise_distances_chunked

    member = np.eye(K)[code]  # (n, K)
    if metric == "precomputed" and is_sparse(X):
        return np.asarray(X @ member)
    chunks = pairwise_distances_chunked(X, metric=metric, reduce_func=lambda chunk, start: np.asarray(chunk @ member), **kwds)
    return np.concatenate(list(chunks))


def distance_sums(X, code, K):
    """Sum of the Euclidean distances of each row to the rows of each cluster, (n, K). X (n, d), code (n,)."""
    order = np.argsort(code, kind="stable")
    columns = np.ascontiguousarray(X[order].T)  # (d, n), cluster by cluster: the inner loop runs over rows
    ends = np.bincount(code, minlength=K).cumsum()
    sums = np.zeros((X.shape[0], K))
    over_blocks(sum_block, (X.shape[0] + ROWS - 1) // ROWS, columns, ends, sums)
    back = np.empty_like(sums)
    back[order] = sums
    return back


@kernel("void(i8, f8[:, ::1], i8[::1], f8[:, ::1])")
def sum_block(block, columns, ends, sums):
    """OUT sums (n, K), zeros before: distances of the block's rows to all rows, added up by cluster."""
    d, n = columns.shape
    distance = np.empty(COLUMNS)
    for first in range(0, n, COLUMNS):
        count = min(COLUMNS, n - first)
        for r in range(block * ROWS, min(n, (block + 1) * ROWS)):
            distance[:] = 0.0
            for k in range(d):
                own = columns[k, r]
                for j in range(count):
                    gap = columns[k, first + j] - own
                    distance[j] += gap * gap
            start = first
            for c in range(ends.size):
                stop = min(ends[c], first + count)
                total = 0.0
                for j in range(start, stop):
                    total += np.sqrt(distance[j - first])
                if stop > start:
                    sums[r, c] += total
                    start = stop


@oracle(distance_sums, kernels=(sum_block,), example=(
    lambda rng: (rng.normal(size=(70, 3)), rng.permutation(np.arange(70) % 3), 3),
    lambda rng: (rng.normal(size=(COLUMNS + 3, 1)), np.arange(COLUMNS + 3) // 600, 2),
))
def distance_sums_formula(X, code, K):
    """By the definition."""
    distance = np.sqrt(sum((column[:, None] - column) ** 2 for column in X.T))
    return distance @ np.eye(K)[code]
