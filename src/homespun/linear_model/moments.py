"""Second moments of centred data, without a centred copy of the data and without cancellation.

With weights s_i, total S, means m (of x) and v (of y), and r_i = sqrt(s_i):

    gram  = sum_i s_i (x_i - m)' (x_i - m)    (d, d)         cross = sum_i s_i (x_i - m)' (y_i - v)    (d, t)
    outer[i, j] = r_i r_j (x_i - m) . (x_j - m)    (n, n)    for wide X

Rows come in blocks that stay in the cache. Each block is centred by *its own* means, and what that leaves out is added at
the end, the identity that analysis of variance is named after (total = within + between, with S_b, m_b of block b):

    gram = sum_b sum_(i in b) s_i (x_i - m_b)' (x_i - m_b)  +  sum_b S_b (m_b - m)' (m_b - m)

So X is read once, and nothing large is ever subtracted from something large (``X'X - S m'm`` loses every digit once the
mean is 10^8 standard deviations from zero). Chan, Golub & LeVeque 1983, The American Statistician 37(3), eq. 1.5b.
Here b is a chunk of `DEPTH` rows, and the second sum is the update of that paper: one more row of the chunk,
sqrt(S S_b / (S + S_b)) (m_b - m), with S and m of the chunks before. So it costs a 97th row and no second pass.

Speed: the products run on register tiles, as in `kernels/matmul.py` (which see), by threads that own parts of the rows and
stripes of the columns; only the triangle on and above the diagonal is computed. A BLAS would bring a second pool of threads,
and where the two met on a busy machine it took 60 times as long as alone.
Sparse X does use the subtraction, but only where a share p of zeros in every column bounds the loss: m^2 <= (1 - p) mean(x^2).
O(n d^2) time, O(d^2) memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, over_blocks, simd
from homespun.linear_model.base import column_means, row_blocks

ZEROS_ENOUGH = 0.1  # share of zeros in every sparse column from which the subtraction loses one digit at most
DEPTH = 96          # rows of a chunk: at 200 columns the chunk, its packed forms and the gram matrix fill 1 MB, an L2
MOST_PARTS = 16     # of the rows
PARTS_BYTES = 32 << 20  # most memory of the gram matrices of all parts, unless one takes more
ROWS, COLUMNS = simd.ROWS, simd.COLUMNS64
TINY = np.finfo(np.float64).tiny
WIDEST = 16         # panels of `COLUMNS` columns in a stripe, if the parts of the rows keep all threads busy


class Moments(NamedTuple):
    X_mean: np.ndarray  # (d,)    zero where nothing is centred
    y_mean: np.ndarray  # (t,)
    gram: np.ndarray    # (d, d)
    cross: np.ndarray   # (d, t)
    total: float        # S


def moments(X, Y, weights=None, centre: bool = True) -> Moments:
    """Weighted means of X and Y, and their scatter around them, in float64 also where X is float32.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d), float32 or float64
    Y : ndarray of shape (n, t), float64
    weights : ndarray of shape (n,), optional
    centre : bool
        False: scatter around zero.
    """
    d = X.shape[1]
    if sparse.issparse(X):
        if not centre or mostly_zeros(X):
            return _sparse_moments(X, Y, weights, centre)
        X = X.tocsr()
        weights = np.ones(X.shape[0]) if weights is None else weights
        parts = [scatter(X[rows].toarray(), Y[rows], weights[rows]) for rows in row_blocks(X)]
        mean, total, both = combine(*(np.array(column) for column in zip(*parts)))
    else:
        mean, total, both = scatter(X, Y, weights, centre)
    return Moments(mean[:d], mean[d:], symmetric(both[:, :d]), both[:, d:], total)


def scatter(X, Y=None, weights=None, centre=True, *, first=0):
    """Upper triangle of the scatter of the columns of X, then Y, around their means.

    Parameters
    ----------
    first : int
        Only columns from this one on of the result.

    Returns
    -------
    means (d + t,), sum of the weights, and entries (i, j) of the scatter for i < d and j >= `first`: (d, d + t - first). Those
    below the diagonal are not meant to be read.
    """
    n, d = X.shape
    Y = np.empty((n, 0)) if Y is None else np.ascontiguousarray(Y)
    width = -(-(d + Y.shape[1] - first) // COLUMNS) * COLUMNS
    height = -(-d // ROWS) * ROWS
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        X = np.ascontiguousarray(X)
    parts = max(1, min(MOST_PARTS, n // (8 * DEPTH), PARTS_BYTES // (8 * height * width + 1)))
    panels = width // COLUMNS
    stripe = COLUMNS * -(-panels // max(1, -(-panels // WIDEST) if parts >= 4 else 8))
    grams, means, totals = np.zeros((parts, height, width)), np.zeros((parts, d + Y.shape[1])), np.zeros(parts)
    weights = np.ones(n) if weights is None else weights
    over_blocks(scatter_stripe, parts * -(-width // max(1, stripe)), X, Y, weights, centre, first, stripe, means, totals, grams,
                grams.reshape(-1))
    if parts > 1:
        return combine(means, totals, grams[:, :d, : d + Y.shape[1] - first], first)
    return means[0], float(totals[0]), grams[0, :d, : d + Y.shape[1] - first]


def combine(means, totals, grams, first=0):
    """The identity of the module's header for a few large parts: means (p, d + t), sums of weights (p,), scatters."""
    total = totals.sum()
    mean = totals @ means / (total if total > 0 else 1.0)
    between = np.sqrt(totals)[:, None] * (means - mean)  # zero where nothing is centred: means are zeros then
    return mean, float(total), grams.sum(axis=0) + np.einsum("pi,pj->ij", between[:, : grams.shape[1]], between[:, first:])


def symmetric(upper) -> np.ndarray:
    """A square matrix, whose entries below the diagonal become those above it."""
    return np.triu(upper) + np.triu(upper, 1).T


@kernel("void(i8, f8[:, ::1], f8[:, ::1], f8[::1], b1, i8, i8, f8[:, ::1], f8[::1], f8[:, :, ::1], f8[::1])",
        "void(i8, f8[::1, :], f8[:, ::1], f8[::1], b1, i8, i8, f8[:, ::1], f8[::1], f8[:, :, ::1], f8[::1])",
        "void(i8, f4[:, ::1], f8[:, ::1], f8[::1], b1, i8, i8, f8[:, ::1], f8[::1], f8[:, :, ::1], f8[::1])",
        "void(i8, f4[::1, :], f8[:, ::1], f8[::1], b1, i8, i8, f8[:, ::1], f8[::1], f8[:, :, ::1], f8[::1])")
def scatter_stripe(task, X, Y, weights, centre, first, stripe, means, totals, grams, flat):
    """Some rows and some columns of `scatter`: task = (part of the rows, stripe of the columns).

    OUT grams[part, i, j] += … for the columns first + j of this stripe, means[part] of these columns, totals[part].
    The rows and columns of `grams` are padded with zeros to whole tiles.
    """
    (n, d), t = X.shape, Y.shape[1]
    parts, height, width = grams.shape
    stripes = -(-width // stripe)
    part, own = task // stripes, stripes - 1 - task % stripes  # the longest columns first
    j0 = first + own * stripe
    j1 = min(first + width, j0 + stripe)  # past the last column, if the last panel is not full
    height = min(height, -(-j1 // ROWS) * ROWS)  # rows above the diagonal
    known = min(j1, d + t)
    padded = max(j1, height)
    chunk = np.zeros((DEPTH + 3, padded))  # and two rows of means: each array of another shape takes longer to compile
    mean, chunk_mean = chunk[DEPTH + 1], chunk[DEPTH + 2]
    left, right, roots = np.empty((DEPTH + 1) * height), np.empty((DEPTH + 1) * (j1 - j0)), np.empty(DEPTH + 1)
    S = 0.0
    chunks = -(-n // DEPTH)
    for start in range(part * chunks // parts * DEPTH, (part + 1) * chunks // parts * DEPTH, DEPTH):
        depth = min(DEPTH, n - start)
        chunk_S = 0.0
        for j in range(known):
            chunk_mean[j] = 0.0
        for i in range(depth):
            s = weights[start + i]
            roots[i] = np.sqrt(s)
            chunk_S += s
            for j in range(min(d, known)):
                chunk[i, j] = X[start + i, j]
            for j in range(np.uint64(max(0, known - d))):  # unsigned: see `pack_centred`
                chunk[i, np.uint64(d) + j] = Y[start + i, j]
            if centre:
                for j in range(known):
                    chunk_mean[j] += s * chunk[i, j]
        share = chunk_S / max(S + chunk_S, TINY)  # zero for a chunk without weight, whose mean is a sum of zeros
        scale = 1.0 / max(chunk_S, TINY)
        for j in range(known):
            chunk_mean[j] *= scale
            chunk[depth, j] = np.sqrt(S * share) * (chunk_mean[j] - mean[j]) + chunk_mean[j]
            mean[j] += share * (chunk_mean[j] - mean[j])
        S += chunk_S
        roots[depth] = 1.0
        depth += 1
        pack_centred(chunk, chunk_mean, roots, 0, height, np.uint64(ROWS), depth, left)
        pack_centred(chunk, chunk_mean, roots, j0, j1, np.uint64(COLUMNS), depth, right)
        for p0 in range(j0, j1, COLUMNS):
            for i0 in range(0, min(height, p0 + COLUMNS), ROWS):
                tile = simd.tile_dot(left, i0 * depth, right, (p0 - j0) * depth, depth)
                simd.tile_accumulate(tile, flat, (part * grams.shape[1] + i0) * width + p0 - first, width)
    for j in range(j0, known):
        means[part, j] = mean[j]
    totals[part] = S  # the same number from each stripe


@kernel(inline=True)
def pack_centred(chunk, mean, roots, first, after, size, depth, out):
    """OUT out: groups of `size` columns of the chunk, from `first` to `after`, centred and weighted: entry (k, j) of a group
    at k size + j. Indices are unsigned: signed ones are tested for counting from the end, and the loop does not vectorise."""
    for group in range(np.uint64(first), np.uint64(after), size):
        at = (group - np.uint64(first)) * np.uint64(depth)
        for k in range(np.uint64(depth)):
            root = roots[k]
            for j in range(size):
                out[at + k * size + j] = root * (chunk[k, group + j] - mean[group + j])


def _scatter_example(rng, n=50, d=5, t=1, centre=True, first=0, weighted=True, dtype=np.float64, order="C", zeros=(0,)):
    X = np.asarray(rng.normal(size=(n, d)) + 3 * rng.normal(size=d), dtype=dtype, order=order)
    weights = rng.random(n) / DEPTH
    weights[slice(*zeros)] = 0.0
    return X, rng.normal(size=(n, t)) + 5, weights if weighted else None, centre, first


def scatter_of_columns(X, Y, weights, centre, first):
    """`scatter` as one array: means, sum, and the entries on and above the diagonal."""
    mean, total, both = scatter(X, Y, weights, centre, first=first)
    return np.concatenate([mean[first:], [total], np.triu(both, -first).ravel()])


@oracle(scatter_of_columns, kernels=(scatter_stripe, pack_centred), rtol=1e-10, atol=1e-10, example=(
    lambda rng: _scatter_example(rng, n=16 * DEPTH + 5, weighted=False),
    lambda rng: _scatter_example(rng, n=3 * DEPTH + 7, d=2 * ROWS, t=3, order="F", zeros=(2 * DEPTH,)),
    lambda rng: _scatter_example(rng, n=3 * DEPTH, zeros=(DEPTH, 2 * DEPTH)),
    lambda rng: _scatter_example(rng, n=9, d=2 * COLUMNS + 1, t=0, first=COLUMNS + 1),  # a last row for itself
    lambda rng: _scatter_example(rng, n=20, d=2 * COLUMNS, t=0, first=COLUMNS + 3, dtype=np.float32),
    lambda rng: _scatter_example(rng, n=DEPTH + 1, d=9, t=COLUMNS, centre=False, dtype=np.float32, order="F"),
    lambda rng: _scatter_example(rng, n=4, d=9 * COLUMNS, t=0)))
def scatter_formula(X, Y, weights, centre, first):
    A, s = np.hstack([X, Y]).astype(np.float64), np.ones(len(X)) if weights is None else weights
    mean = s @ A / s.sum() if centre else np.zeros(A.shape[1])
    both = (A - mean)[:, : X.shape[1]].T @ (s[:, None] * (A - mean)[:, first:])
    return np.concatenate([mean[first:], [s.sum()], np.triu(both, -first).ravel()])


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
