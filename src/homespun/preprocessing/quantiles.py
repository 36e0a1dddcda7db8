"""Quantiles of columns, missing values left out: what robust scaling, clipping, binning and quantile transforms share.

    q(p) = x_(i) + (h - i) (x_(i+1) - x_(i))        h = p (n - 1), i = floor(h), x_(0) <= … <= x_(n-1)

Hyndman & Fan 1996, American Statistician 50(4), definition 7: NumPy's default. Cost O(n) a column, O(n log n) for many p.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse


def column_quantiles(X, probabilities) -> np.ndarray:
    """Quantiles of each column, (len(probabilities), d), in the dtype of X; NaN for a column without values.

    Sparse X: what is not stored is zero.

    >>> column_quantiles(np.array([[1.0], [np.nan], [4.0], [3.0]]), [0.25, 0.5])
    array([[2.],
           [3.]])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    out = np.full((len(p), X.shape[1]), np.nan, dtype=X.dtype)
    for j, values in enumerate(columns_without_missing(X)):
        if len(values):
            out[:, j] = np.quantile(np.sort(values) if len(p) > 20 else values, p)  # sorted once beats many partitions
    return out


def columns_without_missing(X) -> Iterator[np.ndarray]:
    """The values of each column that are there."""
    X = X.tocsc() if sparse.issparse(X) else X
    for j in range(X.shape[1]):
        if sparse.issparse(X):
            stored = X.data[X.indptr[j] : X.indptr[j + 1]]
            values = np.concatenate([stored, np.zeros(X.shape[0] - len(stored), dtype=X.dtype)])
        else:
            values = np.ascontiguousarray(X[:, j])
        missing = np.isnan(values)
        yield values[~missing] if missing.any() else values


def weighted_quantiles(X, probabilities, weights) -> np.ndarray:
    """`column_quantiles` where row i stands for weights[i] rows, NaN left out.

    >>> weighted_quantiles(np.array([[1.0], [2.0]]), [0.5, 1.0], np.array([3.0, 1.0]))
    array([[1.],
           [2.]])
    """
    p = np.asarray(probabilities, dtype=np.float64)
    out = np.full((len(p), X.shape[1]), np.nan)
    for j in range(X.shape[1]):
        there = ~np.isnan(X[:, j]) & (weights > 0)
        order = np.argsort(X[there, j], kind="stable")
        values, ends = X[there, j][order], np.cumsum(weights[there][order])
        if len(values):
            h = p * max(ends[-1] - 1.0, 0.0)
            lower = np.floor(h)
            last = len(values) - 1
            below = values[np.minimum(np.searchsorted(ends, lower, side="right"), last)]
            above = values[np.minimum(np.searchsorted(ends, lower + 1.0, side="right"), last)]
            out[:, j] = below + (h - lower) * (above - below)
    return out
