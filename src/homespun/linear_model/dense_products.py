"""Passes over a dense matrix on our own threads, in float64 also where X is float32. Each reads X once: memory bounds them.

    combined_rows(X, r) = r X                                               X: (n, d)   r: (n,)   -> (d,)
    residual_and_gradient(X, m, root, b, w) = r, A'r  with  r = b - A w     A = diag(root) (X - 1 m')   m, w: (d,)   b: (n,)

A is formed in registers, entry by entry: nothing is lost where the mean is large. A row that gave its residual is still near
the processor when it is added to the gradient. A BLAS is not faster, and its threads keep spinning for some 20 ms after each
call: with them a lasso spent three times as long on its products of columns.
Parts of the rows own their sums; how many there are depends on the shape alone.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks

PART_ROWS = 64  # fewest rows of a part
MOST_PARTS = 16


def combined_rows(X, r) -> np.ndarray:
    """``r X``."""
    X, sums = _in_one_piece(X), _sums(X)
    over_blocks(combine_rows, len(sums), X, np.ascontiguousarray(r, dtype=np.float64), sums)
    return sums.sum(axis=0)


def residual_and_gradient(X, mean, root, target, w):
    """r = target - A w (n,) and A'r (d,)."""
    X, sums, residual = _in_one_piece(X), _sums(X), np.empty(X.shape[0])
    over_blocks(residual_rows, len(sums), X, mean, root, target, w, residual, sums)
    return residual, sums.sum(axis=0)


def _in_one_piece(X):
    return X if X.flags.c_contiguous or X.flags.f_contiguous else np.ascontiguousarray(X)


def _sums(X):
    return np.zeros((max(1, min(MOST_PARTS, X.shape[0] // PART_ROWS)), X.shape[1]))


@kernel("void(i8, f8[:, ::1], f8[::1], f8[:, ::1])", "void(i8, f4[:, ::1], f8[::1], f8[:, ::1])",
        "void(i8, f8[::1, :], f8[::1], f8[:, ::1])", "void(i8, f4[::1, :], f8[::1], f8[:, ::1])")
def combine_rows(part, X, r, sums):
    """OUT sums[part] += sum of r[i] X[i] over the rows of one part. Four rows at a time: a quarter of the traffic to the sums."""
    parts, d = sums.shape
    i, stop = part * r.size // parts, (part + 1) * r.size // parts
    while i + 4 <= stop:
        for j in range(d):
            sums[part, j] += r[i] * X[i, j] + r[i + 1] * X[i + 1, j] + r[i + 2] * X[i + 2, j] + r[i + 3] * X[i + 3, j]
        i += 4
    while i < stop:
        for j in range(d):
            sums[part, j] += r[i] * X[i, j]
        i += 1


@kernel("void(i8, f8[:, ::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1])",
        "void(i8, f4[:, ::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1])",
        "void(i8, f8[::1, :], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1])",
        "void(i8, f4[::1, :], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[:, ::1])")
def residual_rows(part, X, mean, root, target, w, residual, sums):
    """OUT residual[i] = target[i] - A[i] . w for the rows of one part, sums[part] += sum of residual[i] A[i].

    Four rows at a time; where fewer are left the first one again, with a share of zero.
    """
    parts, d = sums.shape
    stop = (part + 1) * target.size // parts
    for i in range(part * target.size // parts, stop, 4):
        a, b, c = i + 1 if i + 1 < stop else i, i + 2 if i + 2 < stop else i, i + 3 if i + 3 < stop else i
        total_i, total_a, total_b, total_c = 0.0, 0.0, 0.0, 0.0
        for j in range(d):
            m, weight = mean[j], w[j]
            total_i += (X[i, j] - m) * weight
            total_a += (X[a, j] - m) * weight
            total_b += (X[b, j] - m) * weight
            total_c += (X[c, j] - m) * weight
        residual[i], residual[a] = target[i] - root[i] * total_i, target[a] - root[a] * total_a
        residual[b], residual[c] = target[b] - root[b] * total_b, target[c] - root[c] * total_c
        first, second = root[i] * residual[i], root[a] * residual[a] if a > i else 0.0
        third, fourth = root[b] * residual[b] if b > i else 0.0, root[c] * residual[c] if c > i else 0.0
        for j in range(d):
            m = mean[j]
            sums[part, j] += (first * (X[i, j] - m) + second * (X[a, j] - m)) + (third * (X[b, j] - m) + fourth * (X[c, j] - m))


def _matrices(rng):
    """Every layout; one, two, three and no rows left over."""
    yield rng.normal(size=(3 * PART_ROWS + 5, 3))
    yield np.asfortranarray(rng.normal(size=(7, 2)))
    yield rng.normal(size=(9, 4)).astype(np.float32)[::2]
    yield np.asfortranarray(rng.normal(size=((MOST_PARTS + 3) * PART_ROWS, 1)), dtype=np.float32)


@oracle(combined_rows, kernels=(combine_rows,), rtol=1e-12, atol=1e-12, example=tuple(
    lambda rng, which=which: (X := list(_matrices(rng))[which], rng.normal(size=len(X))) for which in range(4)))
def combined_rows_formula(X, r):
    return r @ X.astype(np.float64)


@oracle(residual_and_gradient, kernels=(residual_rows,), rtol=1e-12, atol=1e-12, example=tuple(
    lambda rng, which=which: (X := list(_matrices(rng))[which], rng.normal(size=X.shape[1]), rng.random(len(X)),
                              rng.normal(size=len(X)), rng.normal(size=X.shape[1])) for which in range(4)))
def residual_and_gradient_formula(X, mean, root, target, w):
    A = root[:, None] * (X - mean)
    return target - A @ w, A.T @ (target - A @ w)
