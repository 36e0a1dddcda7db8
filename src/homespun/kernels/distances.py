"""Squared Euclidean distances with the nearest k, and pairwise distances, on register tiles.

    d(q, x)^2 = |q|^2 + |x|^2 - 2 q . x        Q: (m, d)   X: (n, d)

With enough columns `nearest_bytes` answers first, on a rounded copy that rules out most rows; what follows is for few
columns, and for data where it gives up. The product is what a processor does best, so nearly all time is spent in
`tile_dot`. The expansion cancels when q and x are close and far from the origin, and rounding could change who the
neighbours are. So the search runs in two steps:

1. *Filter*: with the data centred, keep the k + slack rows of X of smallest score  (1 - 2 e)|x|^2 - 2 q . x.
   The factor makes the score a lower bound: for every row, kept or not,  d^2 >= score + (1 - e)|q|^2,
   where e bounds the rounding of a dot product of length d (Higham 2002, Accuracy and Stability, eq. 3.5).
2. *Refine*: the kept rows get their distance from the definition, sum (q - x)^2, in float64, and are sorted by it.
   If the k-th of them is below the bound of every row that was dropped, the answer is proved exact.

The filter runs in float32 first, also for float64 data: twice as many lanes. Queries that are not proved (ties, data far
denser than its spread) run again with a float64 filter, whose e is 1e-14. What remains open then is a tie at the k-th
place, and the search by bytes, which always can be run to its end, tells which of the equal rows come first.

Cost O(m n d); memory O(n d) for the packed copy. Not handled: other metrics (see `minkowski_nearest`), sparse X.
"""

from __future__ import annotations

import functools

import numpy as np

from homespun.base.errors import ParameterError
from homespun.kernels import simd
from homespun.kernels.kernel import kernel
from homespun.kernels.nearest_bytes import LEAST_COLUMNS, ByteIndex, sift_down
from homespun.kernels.threads import over_blocks

# The definitions stand in `distances_formula`.

ROWS, COLUMNS32, COLUMNS64 = simd.ROWS, simd.COLUMNS32, simd.COLUMNS64
QUERY_BLOCK = 64  # queries that one thread carries through X together: a multiple of most ROWS, heaps stay in L1
PACK_BLOCK = 64  # panels that are packed in one go
PANEL_BYTES = 512 * 1024  # of X that stays in L2 while a block of queries passes over it


# ---------------------------------------------------------------------------------------------------------------------
# Packing: X in panels of `columns` rows, laid out as tile_dot reads them

@kernel("void(i8, f4[:, :], f8[::1], f8, f8, f4[::1], f4[::1])", "void(i8, f8[:, :], f8[::1], f8, f8, f4[::1], f4[::1])",
        "void(i8, f8[:, :], f8[::1], f8, f8, f8[::1], f8[::1])")
def pack_panels(block, X, centre, scale, shrink, panels, scores):
    """OUT panels[(p d + k) C + j] = scale (X[p C + j, k] - centre[k]);  scores[i] = shrink |that row|^2.  Padding: 0 and inf."""
    n, d = X.shape
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    for i in range(block * PACK_BLOCK * columns, min(scores.size, (block + 1) * PACK_BLOCK * columns)):
        at = (i // columns) * d * columns + i % columns
        total = 0.0
        for k in range(d):
            value = scale * (X[i, k] - centre[k]) if i < n else 0.0
            panels[at + k * columns] = value
            total += value * value
        scores[i] = shrink * total if i < n else np.inf


# ---------------------------------------------------------------------------------------------------------------------
# Filter: the k rows of smallest score for each query

@kernel("void(i8, f4[:, :], f8[::1], f8, f4[::1], f4[::1], f4[:, ::1], i8[:, ::1])",
        "void(i8, f8[:, :], f8[::1], f8, f4[::1], f4[::1], f4[:, ::1], i8[:, ::1])",
        "void(i8, f8[:, :], f8[::1], f8, f8[::1], f8[::1], f8[:, ::1], i8[:, ::1])")
def filter_nearest(block, Q, centre, scale, panels, scores, heap_scores, heap_rows):
    """OUT heap_scores, heap_rows (m, k): a max-heap per query of the k smallest  scores[x] - 2 scale (q - centre) . x.

    Tile by tile: the product, plus the scores, compared with the worst score in each query's heap. Only where a bit of
    the comparison is set is the tile written to memory and a heap touched, which is rare once the heaps have filled
    (about k log(n / k) times per query), so the heaps cost almost nothing beside the product.
    """
    m, d = Q.shape
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    tiles = scores.size // columns
    tiles_in_cache = max(1, PANEL_BYTES // (d * columns * panels.itemsize))
    first = block * QUERY_BLOCK
    last = min(m, first + QUERY_BLOCK)
    groups = (last - first + ROWS - 1) // ROWS
    packed = np.zeros(groups * d * ROWS, panels.dtype)
    limits = np.full((groups, ROWS), -np.inf, panels.dtype)  # padding rows never pass
    for r in range(first, last):
        g, i = (r - first) // ROWS, (r - first) % ROWS
        for k in range(d):
            packed[(g * d + k) * ROWS + i] = -2.0 * scale * (Q[r, k] - centre[k])
        limits[g, i] = np.inf
        heap_scores[r] = np.inf
        heap_rows[r] = -1
    stored = np.empty(ROWS * columns, panels.dtype)
    masks = np.zeros(ROWS, np.int64)
    for t0 in range(0, tiles, tiles_in_cache):
        for g in range(groups):
            for t in range(t0, min(tiles, t0 + tiles_in_cache)):
                tile = simd.tile_dot(packed, g * d * ROWS, panels, t * d * columns, d)
                tile = simd.tile_add_row(tile, scores, t * columns)
                if simd.tile_below(tile, limits[g], masks):
                    simd.tile_store(tile, stored, 0, columns)
                    for i in range(ROWS):
                        mask = masks[i]
                        r = first + g * ROWS + i
                        while mask != 0:
                            j = simd.count_trailing_zeros(mask)
                            mask &= mask - 1
                            if stored[i * columns + j] < heap_scores[r, 0]:
                                sift_down(heap_scores[r], heap_rows[r], stored[i * columns + j], t * columns + j)
                        if r < last:
                            limits[g, i] = heap_scores[r, 0]


# ---------------------------------------------------------------------------------------------------------------------
# Refine: exact distances of the kept rows, and the proof

@kernel("void(i8, f4[:, :], f4[:, :], f8, i8[::1], f8[::1], i8[:, ::1], f8[:, ::1], i8[:, ::1], b1[::1])",
        "void(i8, f8[:, :], f8[:, :], f8, i8[::1], f8[::1], i8[:, ::1], f8[:, ::1], i8[:, ::1], b1[::1])")
def refine_nearest(block, X, Q, scale, queries, bounds, kept, distances, rows, proved):
    """Sort the kept rows of each query by sum (q - x)^2 in float64, ties by row number; OUT distances, rows (·, k), proved.

    IN queries (m,): the row of Q (and of the outputs) that entry i of bounds and kept belongs to.
    """
    d = X.shape[1]
    size, k = kept.shape[1], rows.shape[1]
    squares = np.empty(size, np.float64)
    order = np.empty(size, np.int64)
    for i in range(block * QUERY_BLOCK, min(queries.size, (block + 1) * QUERY_BLOCK)):
        r = queries[i]
        count = 0
        for j in range(size):
            x = kept[i, j]
            if x >= 0:
                square = 0.0
                for c in range(d):
                    gap = scale * (np.float64(Q[r, c]) - np.float64(X[x, c]))
                    square += gap * gap
                at = count
                while at > 0 and (squares[at - 1] > square or (squares[at - 1] == square and order[at - 1] > x)):
                    squares[at] = squares[at - 1]
                    order[at] = order[at - 1]
                    at -= 1
                squares[at] = square
                order[at] = x
                count += 1
        proved[r] = count == size and (squares[k - 1] < bounds[i] or size == X.shape[0])
        for j in range(min(k, count)):
            distances[r, j] = np.sqrt(squares[j]) / scale
            rows[r, j] = order[j]


class EuclideanIndex:
    """The rows of X, packed for exact nearest-neighbour search under the Euclidean distance.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        Finite. Kept (not copied): refinement reads it.
    """

    def __init__(self, X):
        self.X = np.ascontiguousarray(X)
        largest = float(max(X.max(), -X.min()))
        # Powers of two lose no bit and keep squares within range (of float64 here, of float32 in `scale`) for any unit of X.
        self.unit = power_below(largest)
        self._panels = {}

    @functools.cached_property
    def _bytes(self):
        return ByteIndex(self.X, self.unit)

    @functools.cached_property
    def centre(self):
        return self.X.mean(axis=0, dtype=np.float64)

    @functools.cached_property
    def scale(self):
        X, centre = self.X, self.centre
        return power_below(max(np.abs(X.max(axis=0) - centre).max(), np.abs(X.min(axis=0) - centre).max()))

    def panels(self, dtype):
        """(panels, scores) of X packed as `dtype`; built on first use and kept."""
        packed = self._panels.get(dtype)
        if packed is None:
            n, d = self.X.shape
            columns = simd.tile_columns(dtype)
            count = -(-n // columns)
            packed = np.empty(count * d * columns, dtype), np.empty(count * columns, dtype)
            X = self.X if dtype == np.float32 else self.X.astype(dtype, copy=False)
            shrink = 1.0 - rounding_bound(d, dtype)
            over_blocks(pack_panels, -(-count // PACK_BLOCK), X, self.centre, self.scale, shrink, *packed)
            self._panels[dtype] = packed
        return packed

    def query(self, Q, k):
        """The k nearest rows of X for each row of Q, nearest first, equal distances by row number.

        Parameters
        ----------
        Q : ndarray of shape (m, d), of the dtype of X
        k : int
            At most n.

        Returns
        -------
        distances : ndarray of shape (m, k), float64
        rows : ndarray of shape (m, k), int64
        """
        m, d = Q.shape
        if float(max(Q.max(initial=0), -Q.min(initial=0))) * self.unit > 1e120:  # so far from X that squares overflow
            return self._query_far(Q, k)
        if simd.FAST_BYTES and d >= LEAST_COLUMNS:
            distances, rows, proved = self._bytes.query(Q, k)
        else:
            distances, rows, proved = nothing(m, k)
        self.search_products(Q, distances, rows, proved)
        return distances, rows

    def search_products(self, Q, distances, rows, proved):
        """Answer the queries that are not proved yet."""
        queries = np.flatnonzero(~proved)
        for dtype in (np.float32, np.float64):
            if queries.size:
                self._filter_and_refine(Q, queries, dtype, distances, rows, proved)
                queries = queries[~proved[queries]]
        if queries.size:  # a tie at the k-th: which rows come first is seen by taking every distance that may be equal
            distances[queries], rows[queries], _ = self._bytes.search(Q[queries], rows.shape[1], np.inf)

    def _query_far(self, Q, k):
        distances, rows = np.empty((Q.shape[0], k)), np.empty((Q.shape[0], k), np.int64)
        far = np.abs(Q).max(axis=1).astype(np.float64) * self.unit > 1e120
        small = 2.0**-900
        found, rows[far] = minkowski_nearest(self.X.astype(np.float64) * small, Q[far].astype(np.float64) * small, k, 2.0)
        distances[far] = found / small
        if not far.all():
            distances[~far], rows[~far] = self.query(Q[~far], k)
        return distances, rows

    def _filter_and_refine(self, Q, queries, dtype, distances, rows, proved):
        n, d = self.X.shape
        k = rows.shape[1]
        chosen = Q if queries.size == Q.shape[0] else Q[queries]
        chosen = chosen if dtype == np.float32 else chosen.astype(dtype, copy=False)
        panels, scores = self.panels(dtype)
        smallest, kept = filter_rows(chosen, self.centre, self.scale, panels, scores, min(n, k + max(4, k // 4)))
        norms = ((self.scale * (chosen.astype(np.float64) - self.centre)) ** 2).sum(axis=1)
        underflow = (d + 4) * np.finfo(dtype).tiny  # what products below the smallest normal number lose
        bounds = smallest[:, 0] + (1.0 - rounding_bound(d, dtype)) * norms - underflow
        refine_rows(self.X, Q, self.scale, queries, bounds, kept, distances, rows, proved)


def filter_rows(Q, centre, scale, panels, scores, size):
    """The `size` smallest scores of each query (m, size), largest first, the others in no order; and their rows."""
    smallest = np.empty((Q.shape[0], size), panels.dtype)
    kept = np.empty((Q.shape[0], size), np.int64)
    with np.errstate(over="ignore", invalid="ignore"):  # plain Python would warn where compiled code is silent
        over_blocks(filter_nearest, -(-Q.shape[0] // QUERY_BLOCK), Q, centre, scale, panels, scores, smallest, kept)
    return smallest, kept


def refine_rows(X, Q, scale, queries, bounds, kept, distances, rows, proved):
    """See `refine_nearest`; writes the entries `queries` of distances, rows, proved, and returns these three."""
    over_blocks(refine_nearest, -(-queries.size // QUERY_BLOCK), X, Q, scale, queries, bounds, kept, distances, rows, proved)
    return distances, rows, proved


def power_below(largest):
    """The power of two that brings `largest` below 1, within what float64 can square; 1 for 0."""
    return 2.0 ** -float(np.clip(np.frexp(largest)[1], -900, 900)) if largest > 0 else 1.0


def rounding_bound(d, dtype):
    """e: how much the filter's score can be off, relative to |q|^2 + |x|^2.

    A dot product of length d is off by at most gamma_d |q| |x| (Higham 2002, eq. 3.5); the roundings of q, of x, of the
    squared norm and of the sum add a few units more.
    """
    unit = np.finfo(dtype).eps / 2
    return (d + 8) * unit / (1.0 - (d + 8) * unit)


# ---------------------------------------------------------------------------------------------------------------------
# Other powers, by the definition

@kernel("void(i8, f8[:, ::1], f8[:, ::1], f8, f8[:, ::1], i8[:, ::1])")
def minkowski_block(block, X, Q, p, distances, rows):
    """OUT distances, rows (m, k): nearest by (sum |q - x|^p)^(1/p), p = inf: max |q - x|; nearest first, ties by row."""
    n, d = X.shape
    k = rows.shape[1]
    for r in range(block * QUERY_BLOCK, min(Q.shape[0], (block + 1) * QUERY_BLOCK)):
        count = 0
        for x in range(n):
            total = 0.0
            if p == 1.0:
                for c in range(d):
                    total += abs(Q[r, c] - X[x, c])
            elif p == 2.0:
                for c in range(d):
                    total += (Q[r, c] - X[x, c]) ** 2
            elif p == np.inf:
                for c in range(d):
                    total = max(total, abs(Q[r, c] - X[x, c]))
            else:
                for c in range(d):
                    total += abs(Q[r, c] - X[x, c]) ** p
            if count == k and not total < distances[r, k - 1]:
                continue
            at = count if count < k else k - 1  # rows come in order, so an equal distance goes behind
            while at > 0 and distances[r, at - 1] > total:
                distances[r, at] = distances[r, at - 1]
                rows[r, at] = rows[r, at - 1]
                at -= 1
            distances[r, at] = total
            rows[r, at] = x
            count = min(k, count + 1)
        if p != 1.0 and p != np.inf:
            for j in range(k):
                distances[r, j] = distances[r, j] ** (1.0 / p)


def minkowski_nearest(X, Q, k, p):
    """As `EuclideanIndex.query`, by the Minkowski distance of power p > 0.   X: (n, d)   Q: (m, d)"""
    X, Q = np.ascontiguousarray(X, np.float64), np.ascontiguousarray(Q, np.float64)
    distances, rows = np.empty((Q.shape[0], k)), np.empty((Q.shape[0], k), np.int64)
    over_blocks(minkowski_block, -(-Q.shape[0] // QUERY_BLOCK), X, Q, float(p), distances, rows)
    return distances, rows


def nothing(m, k):
    """Distances, rows, proved: no row found yet."""
    return np.full((m, k), np.inf), np.full((m, k), -1), np.zeros(m, np.bool_)


def euclidean_nearest(X, Q, k):
    """`EuclideanIndex(X).query(Q, k)` in one call."""
    if not 1 <= k <= len(X):
        raise ParameterError(f"euclidean_nearest: k must be between 1 and the {len(X)} rows of X, got {k}",
                             operation="euclidean_nearest", operands={"X": np.shape(X), "k": k}, rule=f"1 <= k <= {len(X)}")
    return EuclideanIndex(X).query(Q, k)


def nearest_by_products(X, Q, k):
    """The same without the search by bytes."""
    distances, rows, proved = nothing(Q.shape[0], k)
    EuclideanIndex(X).search_products(Q, distances, rows, proved)
    return distances, rows
