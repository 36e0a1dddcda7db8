"""Quantile binning: each feature becomes one byte, so that a tree looks at 255 cuts instead of at n values.

    code(x) = number of edges below x       edges: (d, 255), ascending, unused ones +inf     X: (n, d)     codes: (d, n)
    NaN     = 255, the last code            x <= edges[f, c]  if and only if  code(x) <= c

With at most `max_bins` distinct values the edges are the midpoints between neighbours: no information is lost.
Otherwise they stand where the (weighted) distribution has collected j / max_bins of its weight, j = 1, 2, …, between
two distinct values: values that are equal (0.0 and -0.0 too) always share a bin.

O(d m log m) for the edges, m = min(n, 200,000) rows, O(8 n d) for the codes: a binary search in registers, 8 steps.
**Beyond 200,000 rows the edges come from a sample of rows** (drawn with a fixed seed, so the same data gives the same
edges; permuted rows give other ones there). Not handled: categories, sparse matrices.
Source of the idea: Ke et al. 2017, LightGBM, NeurIPS, sec. 2.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.base.shapes import shapes
from homespun.kernels import simd
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

MISSING = 255  # the code of NaN
EDGES = 255  # entries per feature; at most 254 are used, so that a code fits a byte and 255 stays free for NaN
SAMPLE = 200_000  # rows that the edges are computed from, at most
ROWS = 1024  # rows of a block of work
BESIDE = simd.BESIDE  # rows whose codes are searched side by side
FEATURES = 128  # of which so many rows lie turned over in the cache, …
PITCH = BESIDE + 16  # … each so far from the next: a power of two would make all share a few lines of the cache


def find_edges(X, max_bins: int = 255, sample_weight=None) -> np.ndarray:
    """Where the values of each feature are cut.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        NaN is missing and is left out; infinities are values like others.
    max_bins : int
        2 to 255, the bin of NaN not counted.
    sample_weight : ndarray of shape (n,), optional
        A weight of 2 is the row twice, a weight of 0 is no row.

    Returns
    -------
    edges : ndarray of shape (d, 255), dtype of X
        Ascending; +inf where there are no more. Feature f uses ``bins_used(edges)[f]`` codes.

    Examples
    --------
    >>> find_edges(np.array([[1.0], [2.0], [4.0], [np.nan]]))[0, :3]
    array([1.5, 3. , inf])
    """
    if not 2 <= max_bins <= 255:
        raise ParameterError(f"find_edges: max_bins must be a whole number >= 2 and <= 255, got {max_bins}",
                             operation="find_edges", operands={"max_bins": max_bins}, rule="2 <= max_bins <= 255")
    shapes("X: n d, sample_weight: n", X=X, sample_weight=sample_weight)
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        if not weights.all():
            X, weights = X[weights != 0], weights[weights != 0]
        if (weights == 1).all():
            weights = None
    n, d = X.shape
    if n == 0:
        raise DataError("find_edges: there is no row with a weight above zero", operation="find_edges",
                        operands={"X": (n, d)}, rule="n >= 1")
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(n, SAMPLE, replace=False, shuffle=False))
        X, weights = X[rows], None if weights is None else weights[rows]
    edges = np.full((d, EDGES), np.inf, dtype=X.dtype)

    def fill(feature):
        found = _edges_of(X[:, feature], max_bins, weights)
        edges[feature, : found.size] = found

    over_blocks(fill, d, threads=None if n > 10_000 else 1)  # NumPy sorts without the GIL
    return edges


def _edges_of(values, max_bins, weights):
    """Edges of one feature. `weights` None is a weight of 1 each, without the slow sort that carries weights along."""
    if weights is None:
        values = np.sort(values)  # NaN last
        values = values[: np.searchsorted(values, np.nan)]
        last = np.flatnonzero(values[1:] != values[:-1])  # the last place of each distinct value but the greatest
        collected = last + 1.0
        total = float(values.size)
    else:
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        values = values[: np.searchsorted(values, np.nan)]
        last = np.flatnonzero(values[1:] != values[:-1])
        cumulated = np.cumsum(weights[: values.size])
        collected = cumulated[last]
        total = cumulated[-1] if values.size else 0.0
    if last.size >= max_bins:
        targets = np.arange(1, max_bins) * (total / max_bins)
        chosen = np.searchsorted(collected, targets * (1 - 1e-12))  # rounding of the sums must not move a cut
        last = last[np.unique(np.minimum(chosen, last.size - 1))]
    return midpoints(values[last], values[last + 1]) if last.size else values[:0]


def midpoints(low, high):
    """A number m with ``low <= m < high``, midway where there is one. Halves are added, so that nothing overflows."""
    with np.errstate(invalid="ignore"):  # -inf + inf
        middle = low / 2 + high / 2
        return np.where((low <= middle) & (middle < high), middle, low).astype(low.dtype)


def bins_used(edges) -> np.ndarray:
    """Number of codes of each feature, the code of NaN not counted: (d,) int64."""
    return (edges < np.inf).sum(axis=1) + 1


def bin_columns(X, edges) -> np.ndarray:
    """Codes of X feature by feature, (d, n) uint8: what growing a tree reads.

    >>> edges = find_edges(np.array([[1.0], [2.0], [4.0]]))
    >>> bin_columns(np.array([[1.4], [1.6], [9.0], [np.nan]]), edges)
    array([[  0,   1,   2, 255]], dtype=uint8)
    """
    shapes("X: n d, edges: d 255", X=X, edges=edges)
    codes = np.empty((X.shape[1], X.shape[0]), dtype=np.uint8)
    return _fill(X, edges, codes)


def bin_rows(X, edges) -> np.ndarray:
    """Codes of X row by row, (n, d) uint8: what a walk down a tree reads."""
    codes = np.empty(X.shape, dtype=np.uint8)
    _fill(X, edges, codes.T)
    return codes


def _fill(X, edges, codes):
    X, ladders = same_kind(X, simd.ladders(edges))
    over_blocks(code_block, -(-X.shape[0] // ROWS), ROWS, X, np.arange(X.shape[1]), ladders.ravel(), codes)
    return codes


def same_kind(X, thresholds):
    """Both of one type, such that x > threshold is decided as before: float32 is exact in float64, and the other way round a
    threshold may be rounded down, as long as all x are float32."""
    if X.dtype == thresholds.dtype and X.dtype in (np.float32, np.float64):
        return X, thresholds
    if X.dtype == np.float32 and X.size > thresholds.size:  # of few rows it is less work to widen them
        with np.errstate(over="ignore"):
            rounded = thresholds.astype(np.float32)
        return X, np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return np.asarray(X, dtype=np.float64), thresholds.astype(np.float64)


@kernel("void(i8, i8, f4[:, :], i8[::1], f4[::1], u1[:, :])", "void(i8, i8, f8[:, :], i8[::1], f8[::1], u1[:, :])")
def code_block(block, size, X, features, ladders, codes):  # IN X (n, d), ladders (f, 256).   OUT codes (f, n), of any layout
    """128 features of 64 rows are turned over, then searched feature by feature; numbers that are stored one by one can be
    loaded together only after a while, so not right after a feature's own. 0.9 ns a code; 8 steps of gathers took 3.6.
    """
    value, found = np.zeros(FEATURES * PITCH, X.dtype), np.empty(BESIDE, np.uint8)
    for first in range(block * size, min(X.shape[0], (block + 1) * size), BESIDE):
        start, rows = np.uint64(first), np.uint64(min(BESIDE, X.shape[0] - first))
        for group in range(0, features.size, FEATURES):
            some = features[group:group + FEATURES]
            for i in range(rows):
                for f in range(some.size):
                    value[np.uint64(f * PITCH) + np.uint64(i)] = X[start + np.uint64(i), np.uint64(some[f])]
            for f in range(some.size):
                simd.codes_of(value, f * PITCH, ladders, (group + f) * simd.LADDER, found, 0)
                for i in range(rows):
                    codes[np.uint64(group + f), start + np.uint64(i)] = found[i]


def _example(rng):
    X = np.round(rng.normal(size=(1100, 3)), 1)
    X[::7, 1] = np.nan
    X[:3, 2] = np.inf, -np.inf, -0.0
    edges = find_edges(X)
    edges[0] = np.sort(rng.normal(size=255))  # all 255 in use: each step of the search decides somewhere
    X[:255, 0] = edges[0]
    return X, edges


def _example32(rng):
    X = rng.normal(size=(70, 37)).astype(np.float32)
    return X, find_edges(X, max_bins=20)


@oracle(bin_columns, kernels=(code_block,), example=(_example, _example32), rtol=0, atol=0)
def bin_columns_formula(X, edges):
    """The number of edges below each value."""
    rows = [np.where(np.isnan(x), MISSING, np.searchsorted(e, x)) for x, e in zip(X.T, edges)]
    return np.stack(rows).astype(np.uint8)
