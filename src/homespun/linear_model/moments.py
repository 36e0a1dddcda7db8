"""Second moments of centred data, without a centred copy of the data and without cancellation.

With weights s_i, total S, means m (of x) and v (of y), and r_i = sqrt(s_i):

    gram  = sum_i s_i (x_i - m)' (x_i - m)    (d, d)         cross = sum_i s_i (x_i - m)' (y_i - v)    (d, t)
    outer[i, j] = r_i r_j (x_i - m) . (x_j - m)    (n, n)    for wide X

Rows come in blocks that stay in the cache. Each block is centred by *its own* means, and what that leaves out is added at
the end, the identity that analysis of variance is named after (total = within + between, with S_b, m_b of block b):

    gram = sum_b sum_(i in b) s_i (x_i - m_b)' (x_i - m_b)  +  sum_b S_b (m_b - m)' (m_b - m)

So X is read once, and nothing large is ever subtracted from something large (``X'X - S m'm`` loses every digit once the
mean is 10^8 standard deviations from zero). Chan, Golub & LeVeque 1983, The American Statistician 37(3), eq. 1.5b.
Sparse X does use the subtraction, but only where a share p of zeros in every column bounds the loss: m^2 <= (1 - p) mean(x^2).
O(n d^2) time, O(d^2) memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from homespun.linear_model.base import column_means, row_blocks

ZEROS_ENOUGH = 0.1  # share of zeros in every sparse column from which the subtraction loses one digit at most


class Moments(NamedTuple):
    X_mean: np.ndarray  # (d,)    zero where nothing is centred
    y_mean: np.ndarray  # (t,)
    gram: np.ndarray    # (d, d)
    cross: np.ndarray   # (d, t)
    total: float        # S


def moments(X, Y, weights=None, centre: bool = True, exact: bool = False) -> Moments:
    """Weighted means of X and Y, and their scatter around them.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d), float32 or float64
    Y : ndarray of shape (n, t), float64
    weights : ndarray of shape (n,), optional
    centre : bool
        False: scatter around zero.
    exact : bool
        Products of float32 blocks in float64. Otherwise they are float32, and only their sum over blocks is float64.
    """
    d, t = X.shape[1], Y.shape[1]
    if sparse.issparse(X):
        if not centre or mostly_zeros(X):
            return _sparse_moments(X, Y, weights, centre)
        X = X.tocsr()
    dtype = np.float64 if exact else X.dtype
    gram, cross, product = np.zeros((d, d)), np.zeros((d, t)), np.empty((d, d), dtype=dtype)
    S, X_means, y_means = [], [], []
    for rows in row_blocks(X):
        block, targets = _dense(X[rows]).astype(dtype, copy=False), Y[rows]
        s = np.ones(len(block)) if weights is None else weights[rows]
        if not s.any():
            continue
        S.append(s.sum())
        if centre:
            X_means.append(column_means(block, s))
            y_means.append(s @ targets / S[-1])
            block = block - X_means[-1].astype(dtype)
            targets = targets - y_means[-1]
        if weights is not None:
            root = np.sqrt(s)[:, None]
            block, targets = block * root.astype(dtype), targets * root
        gram += np.matmul(block.T, block, out=product)  # one operand twice: NumPy computes half and mirrors it
        cross += block.T @ targets.astype(dtype)
    if not centre:
        return Moments(np.zeros(d), np.zeros(t), gram, cross, float(sum(S)))
    shares = np.array(S) / sum(S)
    X_mean, y_mean = shares @ np.array(X_means), shares @ np.array(y_means)
    between, between_y = (np.sqrt(S)[:, None] * (means - mean)
                          for means, mean in ((np.array(X_means), X_mean), (np.array(y_means), y_mean)))
    return Moments(X_mean, y_mean, gram + between.T @ between, cross + between.T @ between_y, float(sum(S)))


def outer_products(X, X_mean, weights=None) -> np.ndarray:
    """``outer`` of the module's header, in float64, shape (n, n); columns come in blocks."""
    n = X.shape[0]
    root = np.ones(n) if weights is None else np.sqrt(weights)
    if sparse.issparse(X):
        if not X_mean.any() or mostly_zeros(X):
            X = sparse.diags_array(root) @ X.astype(np.float64)
            along = X @ X_mean  # r_i x_i . m
            gram = (X @ X.T).toarray() - along[:, None] * root - root[:, None] * along
            return gram + (X_mean @ X_mean) * root[:, None] * root
        X = X.tocsc()
    gram = np.zeros((n, n))
    for columns in row_blocks(X.T):
        block = (_dense(X[:, columns]) - X_mean[columns]) * root[:, None]  # float64: X_mean is
        gram += block @ block.T
    return gram


def centred_rows(X, X_mean, weights=None, rows=slice(None)) -> np.ndarray:
    """``r_i (x_i - m)`` for some rows, a dense float64 array."""
    block = _dense(X[rows]) - X_mean
    return block if weights is None else block * np.sqrt(weights[rows])[:, None]


def mostly_zeros(X) -> bool:
    """Whether each column of a sparse X holds at least `ZEROS_ENOUGH` zeros."""
    stored = np.diff(X.indptr) if X.format == "csc" else np.bincount(X.tocsr().indices, minlength=X.shape[1])
    return bool((stored <= (1 - ZEROS_ENOUGH) * X.shape[0]).all())


def _sparse_moments(X, Y, weights, centre) -> Moments:
    X = X.astype(np.float64)
    s = np.ones(X.shape[0]) if weights is None else weights
    X_mean, y_mean = (column_means(X, s), s @ Y / s.sum()) if centre else (np.zeros(X.shape[1]), np.zeros(Y.shape[1]))
    gram = (X.T @ (sparse.diags_array(s) @ X)).toarray() - s.sum() * X_mean[:, None] * X_mean
    targets = s[:, None] * (Y - y_mean)  # sums to zero, so cross needs no mean of x
    return Moments(X_mean, y_mean, gram, X.T @ targets, float(s.sum()))


def _dense(block):
    return block.toarray() if sparse.issparse(block) else block
