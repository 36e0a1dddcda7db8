"""Squared Euclidean distances with the nearest k, and pairwise distances, on register tiles.

    d(q, x)^2 = |q|^2 + |x|^2 - 2 q . x        Q: (m, d)   X: (n, d)

The product is what a processor does best, so nearly all time is spent in `tile_dot`. The expansion cancels when q and x
are close and far from the origin, and rounding could change who the neighbours are. So the search runs in two steps:

1. *Filter*: with the data centred, keep the k + slack rows of X of smallest score  (1 - 2 e)|x|^2 - 2 q . x.
   The factor makes the score a lower bound: for every row, kept or not,  d^2 >= score + (1 - e)|q|^2,
   where e bounds the rounding of a dot product of length d (Higham 2002, Accuracy and Stability, eq. 3.5).
2. *Refine*: the kept rows get their distance from the definition, sum (q - x)^2, in float64, and are sorted by it.
   If the k-th of them is below the bound of every row that was dropped, the answer is proved exact.

The filter runs in float32 first, also for float64 data: twice as many lanes. Queries that are not proved (ties, data far
denser than its spread) run again with a float64 filter, whose e is 1e-14: what remains open then is a tie.

Cost O(m n d); memory O(n d) for the packed copy. Not handled: other metrics (see `minkowski_nearest`), sparse X.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import simd
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

ROWS, COLUMNS32, COLUMNS64 = simd.ROWS, simd.COLUMNS32, simd.COLUMNS64
QUERY_BLOCK = 64  # queries that one thread carries through X together: a multiple of most ROWS, heaps stay in L1
PACK_BLOCK = 64  # panels that are packed in one go
PANEL_BYTES = 512 * 1024  # of X that stays in L2 while a block of queries passes over it


# ---------------------------------------------------------------------------------------------------------------------
# Packing: X in panels of `columns` rows, laid out as tile_dot reads them

@kernel("void(i8, f4[:, :], f8[::1], f8, f4[::1], f4[::1])", "void(i8, f8[:, :], f8[::1], f8, f4[::1], f4[::1])",
        "void(i8, f8[:, :], f8[::1], f8, f8[::1], f8[::1])")
def pack_panels(block, X, centre, shrink, panels, scores):
    """OUT panels[(p d + k) C + j] = X[p C + j, k] - centre[k];  scores[i] = shrink |X[i] - centre|^2.  Padding: 0 and inf."""
    n, d = X.shape
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    for i in range(block * PACK_BLOCK * columns, min(scores.size, (block + 1) * PACK_BLOCK * columns)):
        at = (i // columns) * d * columns + i % columns
        total = 0.0
        for k in range(d):
            value = X[i, k] - centre[k] if i < n else 0.0
            panels[at + k * columns] = value
            total += value * value
        scores[i] = shrink * total if i < n else np.inf


# ---------------------------------------------------------------------------------------------------------------------
# Filter: the k rows of smallest score for each query

@kernel("void(i8, f4[:, :], f8[::1], f4[::1], f4[::1], f4[:, ::1], i8[:, ::1])",
        "void(i8, f8[:, :], f8[::1], f4[::1], f4[::1], f4[:, ::1], i8[:, ::1])",
        "void(i8, f8[:, :], f8[::1], f8[::1], f8[::1], f8[:, ::1], i8[:, ::1])")
def filter_nearest(block, Q, centre, panels, scores, heap_scores, heap_rows):
    """OUT heap_scores, heap_rows (m, k): a max-heap per query of the k smallest  scores[x] - 2 (q - centre) . (x - centre).

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
            packed[(g * d + k) * ROWS + i] = -2.0 * (Q[r, k] - centre[k])
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


@kernel()
def sift_down(keys, items, key, item):
    """Replace the root of a max-heap (largest key first) by (key, item)."""
    i = 0
    while 2 * i + 1 < keys.size:
        child = 2 * i + 1
        if child + 1 < keys.size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[i] = keys[child]
        items[i] = items[child]
        i = child
    keys[i] = key
    items[i] = item
