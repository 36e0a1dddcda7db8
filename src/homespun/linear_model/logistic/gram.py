"""The weighted Gram matrix of the rows with an intercept column: one block of the Hessian.

    G = sum_i u_i (x_i, 1)(x_i, 1)'            X: (n, d)   u: (n,), of either sign   G: (d+1, d+1)

Blocks of rows own their sums, their number depends on the data alone: the same to the last bit on any number of threads.
Our own loop rather than BLAS: between kernels a second thread pool costs more than it gains, and rows need no weighted copy.
O(n d^2), of which half is saved by symmetry.
"""

import numpy as np

from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

ROWS = 64  # rows of one tile: 64 x (d+1) float64 of a usual d stay in the second-level cache


def weighted_gram(X, row_weights):
    """sum_i u_i (x_i, 1)(x_i, 1)' for a dense X in C order: (d+1, d+1)."""
    n, d = X.shape
    blocks = max(1, min(32, n // 1024))
    padded = (d + 4) // 4 * 4  # d + 1 rounded up: tiles need no edges
    part = np.empty((blocks, padded, padded))
    over_blocks(gram_pass, blocks, X, np.ascontiguousarray(row_weights), part)
    gram = part.sum(0)[: d + 1, : d + 1]
    return np.tril(gram) + np.tril(gram, -1).T


@kernel("void(i8, f8[:,::1], f8[::1], f8[:,:,::1])", "void(i8, f4[:,::1], f8[::1], f8[:,:,::1])")
def gram_pass(block, X, row_weights, part):
    """IN X (n, d), row_weights (n,).   OUT part (B, D, D): lower triangles, D = d + 1 padded to a multiple of 4.

    A tile of 64 rows is turned so that its columns lie in a row of memory; then 4 x 2 dot products share their loads.
    """
    n, d = X.shape
    B, D = part.shape[0], part.shape[1]  # no mutant (1 → 2): the last two axes are equal
    gram = part[block]
    gram[:] = 0.0
    plain, scaled = np.zeros((D, ROWS)), np.zeros((D, ROWS))
    stop = (block + 1) * n // B
    for first in range(block * n // B, stop, ROWS):
        count = min(ROWS, stop - first)
        if count < ROWS:  # no mutant (< → <=): zeros that are overwritten
            scaled[:] = 0.0
        for i in range(count):
            u, x = row_weights[first + i], X[first + i]
            for j in range(d):
                plain[j, i] = x[j]
                scaled[j, i] = u * x[j]
            plain[d, i] = 1.0
            scaled[d, i] = u
        for a in range(0, D, 4):
            a0, a1, a2, a3 = plain[a], plain[a + 1], plain[a + 2], plain[a + 3]
            for b in range(0, a + 4, 2):
                b0, b1 = scaled[b], scaled[b + 1]
                s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
                for i in range(ROWS):
                    s00 += a0[i] * b0[i]
                    s01 += a0[i] * b1[i]
                    s10 += a1[i] * b0[i]
                    s11 += a1[i] * b1[i]
                    s20 += a2[i] * b0[i]
                    s21 += a2[i] * b1[i]
                    s30 += a3[i] * b0[i]
                    s31 += a3[i] * b1[i]
                gram[a, b] += s00
                gram[a, b + 1] += s01
                gram[a + 1, b] += s10
                gram[a + 1, b + 1] += s11
                gram[a + 2, b] += s20
                gram[a + 2, b + 1] += s21
                gram[a + 3, b] += s30
                gram[a + 3, b + 1] += s31


@oracle(weighted_gram, kernels=(gram_pass,), rtol=1e-9, atol=1e-9,
        example=(lambda rng: (rng.normal(size=(70, 6)), rng.uniform(-1, 1, 70)),
                 lambda rng: (rng.normal(size=(3, 3)).astype(np.float32), rng.uniform(-1, 1, 3)),
                 lambda rng: (rng.normal(size=(2100, 2)), rng.uniform(-1, 1, 2100))))
def weighted_gram_formula(X, row_weights):
    """(X, 1)' diag(u) (X, 1)."""
    rows = np.column_stack([X.astype(np.float64), np.ones(len(X))])
    return rows.T @ (row_weights[:, None] * rows)
