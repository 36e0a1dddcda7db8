"""Products of a dense matrix with a vector, on our own threads, in float64 also where X is float32.

    combined_rows(X, r) = r X     X: (n, d)   r: (n,)   -> (d,)          row_products(X, w) = X w     w: (d,)   -> (n,)

Both read X once and are bound by memory; a BLAS is not slower. But its threads keep spinning for some 20 ms after each call,
and take a processor from the kernel that comes next: with them a lasso spent three times as long on its products of columns.
Parts of the rows own their sums; how many there are depends on the shape alone.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks

PART_ROWS = 64  # fewest rows of a part
MOST_PARTS = 16


def combined_rows(X, r) -> np.ndarray:
    """``r X``."""
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)
    sums = np.zeros((_parts(X.shape[0]), X.shape[1]))
    over_blocks(combine_rows, len(sums), X, np.ascontiguousarray(r, dtype=np.float64), sums)
    return sums.sum(axis=0)


def row_products(X, w) -> np.ndarray:
    """``X[:, :k] w`` for w (k,): further columns do not count, so that part of a larger array need not be copied."""
    out = np.empty(X.shape[0])
    over_blocks(multiply_rows, _parts(X.shape[0]), X, w, out)
    return out


def _parts(rows: int) -> int:
    return max(1, min(MOST_PARTS, rows // PART_ROWS))


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


@kernel("void(i8, f8[:, ::1], f8[::1], f8[::1])")
def multiply_rows(part, X, w, out):
    """OUT out[i] = X[i, :k] . w for the rows of one part."""
    parts = max(1, min(MOST_PARTS, out.size // PART_ROWS))
    for i in range(part * out.size // parts, (part + 1) * out.size // parts):
        total = 0.0
        for j in range(w.size):
            total += X[i, j] * w[j]
        out[i] = total


def both_products(X, r, w):
    """r X, then X w."""
    return np.concatenate([combined_rows(X, r), row_products(np.ascontiguousarray(X, dtype=np.float64), w)])


@oracle(both_products, kernels=(combine_rows, multiply_rows), rtol=1e-12, atol=1e-12, example=(
    lambda rng: (rng.normal(size=(3 * PART_ROWS + 5, 3)), rng.normal(size=3 * PART_ROWS + 5), rng.normal(size=2)),
    lambda rng: (np.asfortranarray(rng.normal(size=(6, 2))), rng.normal(size=6), rng.normal(size=2)),
    lambda rng: (rng.normal(size=(9, 4)).astype(np.float32)[::2], rng.normal(size=5), rng.normal(size=4)),
    lambda rng: (rng.normal(size=((MOST_PARTS + 3) * PART_ROWS, 1)), rng.normal(size=(MOST_PARTS + 3) * PART_ROWS), np.ones(1))))
def both_products_formula(X, r, w):
    return np.concatenate([r @ X.astype(np.float64), X[:, : len(w)].astype(np.float64) @ w])
