"""Scores of a clustering from spreads around means.       X: (n, d)   labels: (n,)   mu_k mean of cluster k, mu of all rows

    Calinski-Harabasz   sum_k n_k |mu_k - mu|^2 / (K - 1)  /  (sum_i |x_i - mu_k(i)|^2 / (n - K))          higher is better
    Davies-Bouldin      mean over k of max_{l != k} (S_k + S_l) / |mu_k - mu_l|,  S_k = mean |x_i - mu_k|   lower is better

Calinski & Harabasz 1974, Communications in Statistics 3; Davies & Bouldin 1979, IEEE PAMI 1(2). Two passes over X: means,
then spreads. O(n d).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks
from homespun.metrics.checks import check_shapes, labels_of, numbers
from homespun.metrics.cluster.silhouette import clusters

BLOCKS = 16


def calinski_harabasz_score(X, labels):
    """Spread between the clusters over spread within them, each per degree of freedom. Higher is better.

    >>> calinski_harabasz_score(np.array([[0.0], [2.0], [10.0], [12.0]]), [0, 0, 1, 1])
    50.0
    """
    X, code, rows = _input("calinski_harabasz_score", X, labels)
    means = cluster_means(X, code, rows)
    n, K = len(X), len(rows)
    between = rows @ ((means - rows @ means / n) ** 2).sum(1)
    within = spreads(X, code, means)[0].sum()
    return 1.0 if within == 0.0 else float(between * (n - K) / (within * (K - 1.0)))


def davies_bouldin_score(X, labels):
    """Mean over clusters of the likeness to the most similar other one. 0 is best.

    >>> davies_bouldin_score(np.array([[0.0], [2.0], [10.0], [12.0]]), [0, 0, 1, 1])
    0.2
    """
    X, code, rows = _input("davies_bouldin_score", X, labels)
    means = cluster_means(X, code, rows)
    inside = spreads(X, code, means)[1] / rows
    apart = np.sqrt(np.maximum(((means[:, None] - means) ** 2).sum(-1), 0.0))
    if np.allclose(inside, 0) or np.allclose(apart, 0):
        return 0.0
    apart[apart == 0] = np.inf
    return float(((inside[:, None] + inside) / apart).max(axis=1).mean())


def _input(operation, X, labels):
    labels, X = labels_of(operation, "labels", labels), numbers(operation, "X", X)
    check_shapes(operation, "X: n d, labels: n", X=X, labels=labels)
    _, code, rows = clusters(operation, labels)
    return np.ascontiguousarray(X), code, rows


def cluster_means(X, code, rows):
    """Mean of each cluster, (K, d)."""
    sums = np.zeros((BLOCKS, len(rows), X.shape[1]))
    over_blocks(sum_rows, BLOCKS, X, code, sums)
    return sums.sum(0) / rows[:, None]


def spreads(X, code, means):
    """Sums over the rows of each cluster of squared distance and of distance to its mean, (K,) each."""
    squares, roots = np.zeros((BLOCKS, len(means))), np.zeros((BLOCKS, len(means)))
    over_blocks(spread_rows, BLOCKS, X, code, means, squares, roots)
    return squares.sum(0), roots.sum(0)


@kernel("void(i8, f8[:, ::1], i8[::1], f8[:, :, ::1])")
def sum_rows(block, X, code, sums):
    """OUT sums[block] (K, d), zeros before: of the block's share of the rows."""
    n = X.shape[0]
    for r in range(block * n // BLOCKS, (block + 1) * n // BLOCKS):
        for k in range(X.shape[1]):
            sums[block, code[r], k] += X[r, k]


@kernel("void(i8, f8[:, ::1], i8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1])")
def spread_rows(block, X, code, means, squares, roots):
    """OUT squares[block], roots[block] (K,), zeros before: of the block's share of the rows."""
    n = X.shape[0]
    for r in range(block * n // BLOCKS, (block + 1) * n // BLOCKS):
        total = 0.0
        for k in range(X.shape[1]):
            gap = X[r, k] - means[code[r], k]
            total += gap * gap
        squares[block, code[r]] += total
        roots[block, code[r]] += np.sqrt(total)


@oracle(cluster_means, kernels=(sum_rows,), example=lambda rng: (rng.normal(size=(50, 3)), np.arange(50) % 4, np.full(4, 12.5)))
def cluster_means_formula(X, code, rows):
    """By the definition."""
    return np.eye(len(rows))[code].T @ X / rows[:, None]


@oracle(spreads, kernels=(spread_rows,), example=lambda rng: (
    rng.normal(size=(50, 3)), np.arange(50) % 4, rng.normal(size=(4, 3))))
def spreads_formula(X, code, means):
    """By the definition."""
    square = ((X - means[code]) ** 2).sum(1)
    return np.bincount(code, weights=square), np.bincount(code, weights=np.sqrt(square))
