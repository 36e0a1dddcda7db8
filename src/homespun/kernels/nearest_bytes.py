"""Exact nearest neighbours by way of bytes: whole numbers rule out nearly every row, float64 decides about the rest.

    |q - x| >= |P q - P x| >= |q' - x'| - |P q - q'| - |P x - x'|                 Q: (m, d)   X: (n, d)

P centres, scales to bytes and projects onto a convex set (a box, then a ball): it never takes two points further from
each other. q' and x' are P q and P x rounded to whole numbers, whose product is exact and costs a quarter of a float32
product: four times as many numbers fit a register. A row can be among the k nearest only if

    |q' - x'| <= t + |P q - q'| + E              t: distance to the k-th best so far   E: the largest |P x - x'|

or, in terms of what a tile holds,  |x'|^2 / 2 - q' . x'  <=  ((t + |P q - q'| + E)^2 - |q'|^2) / 2.  Rows that pass get
their distance from the definition in float64. So the answer is exact whatever the data; the data decide how many rows
pass. Where they are too many (few columns, or neighbours nearer than the grid of bytes can tell) the search says so.

The triangle inequality over a quantised copy is as in the VA-file (Weber, Schek & Blott 1998, VLDB); that a projection
onto a convex set brings no two points apart: Rockafellar 1970, Convex Analysis, section 31.
Cost O(m n d / 4) in units of float32 products; memory n d bytes.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import simd
from homespun.kernels.kernel import kernel
from homespun.kernels.threads import over_blocks

# The definitions stand in `distances_formula`.

ROWS, COLUMNS = simd.BYTE_ROWS, simd.BYTE_COLUMNS
BOX = 90  # the largest |coordinate|: (2 BOX) BOX + (2 BOX) BOX < 2^15, so the sum of two products does not saturate
BALL = 181  # the largest norm of a row of whole numbers: |x'|^2 / 2 - q' . x' then stays within 2^16 values …
MIDDLE = 16380  # … around this one
NEVER = 2**15 - 1  # above the score of every real row
QUERY_BLOCK = 10 * ROWS  # queries that one thread carries through X together
PACK_BLOCK = 64  # tiles of rows that are packed in one go
PANEL_BYTES = 256 * 1024  # of X that stays in L2 while a block of queries passes over it
WAITING = 64  # rows that wait for their exact distance before it is taken
SLACK = 1e-6  # more than what float64 may have lost in any of the norms, in units of the grid
SAMPLE = 1000  # rows that decide about the grid
CLOSEST = 2.0**-100  # the finest grid, as a part of the largest |X|: squares and scales stay within float64
LEAST_COLUMNS = 16  # with fewer the products are not what takes the time


@kernel()
def quantise(row, centre, scale, radius, whole):
    """OUT whole (d,): P row rounded, where P moves scale (row - centre) into the box and the ball; returns |P row - whole|."""
    total = 0.0
    for c in range(row.size):
        value = min(max(scale * (row[c] - centre[c]), -BOX), BOX)
        total += value * value
    shrink = radius / np.sqrt(total) if total > radius * radius else 1.0  # no mutant (> → >=): it is 1 at the border
    lost = 0.0
    for c in range(row.size):
        value = shrink * min(max(scale * (row[c] - centre[c]), -BOX), BOX)
        whole[c] = np.floor(value + 0.5)
        lost += (value - whole[c]) ** 2
    return np.sqrt(lost)


@kernel("void(i8, f4[:, :], f8[::1], f8, f8, i1[::1], i2[::1], f8[::1])",
        "void(i8, f8[:, :], f8[::1], f8, f8, i1[::1], i2[::1], f8[::1])")
def pack_bytes(block, X, centre, scale, radius, panels, starts, lost):
    """OUT panels: minus the whole numbers of each row, as tile_dot_bytes reads them; starts: the score of each row beside a
    query at the origin, less what BOX adds to every query; lost[block]: the largest |P x - x'|.
    """
    n, d = X.shape
    pairs = (d + 1) // 2
    whole = np.zeros(d, np.float64)
    worst = 0.0
    first = block * PACK_BLOCK * COLUMNS
    for i in range(first, min(starts.size, first + PACK_BLOCK * COLUMNS)):
        at = ((i // COLUMNS) * pairs * COLUMNS + i % COLUMNS) * 2
        starts[i] = NEVER
        if i < n:
            worst = max(worst, quantise(X[i], centre, scale, radius, whole))
            square, total = 0.0, 0.0
            for c in range(d):
                panels[at + (c // 2) * COLUMNS * 2 + c % 2] = -whole[c]
                square += whole[c] * whole[c]
                total += whole[c]
            score = int(square) // 2 - MIDDLE + BOX * int(total)
            starts[i] = ((score + 2**15) & (2**16 - 1)) - 2**15  # no mutant (+ → -): the same modulo 2^16
    lost[block] = worst


@kernel("void(i8, f4[:, ::1], f4[:, ::1], f8[::1], f8, f8, f8, f8, i1[::1], i2[::1], f8, f8[:, ::1], i8[:, ::1], i8[::1])",
        "void(i8, f8[:, ::1], f8[:, ::1], f8[::1], f8, f8, f8, f8, i1[::1], i2[::1], f8, f8[:, ::1], i8[:, ::1], i8[::1])")
def search_bytes(block, X, Q, centre, unit, grid, radius, lost, panels, starts, most, squares, rows, tried):
    """IN OUT squares, rows (m, k): of each query the nearest rows by |unit (q - x)|^2 and row number: in, the root of a
    max-heap is what must be beaten; out, they are sorted.

    OUT tried[block]: how many exact distances it took; when it has been more than `most` the search stops, unfinished.
    """
    m, d = Q.shape
    pairs = (d + 1) // 2
    first, last = block * QUERY_BLOCK, min(m, (block + 1) * QUERY_BLOCK)
    groups = (last - first + ROWS - 1) // ROWS  # no mutant (- → +; 1 → 0): more groups only pad
    packed = np.full(groups * pairs * ROWS * 2, BOX, np.uint8)  # q' + BOX, which has no sign
    whole = np.zeros(d, np.float64)
    norms = np.zeros((groups, ROWS), np.float64)  # |q'|^2
    reach = np.zeros((groups, ROWS), np.float64)  # |P q - q'| + E
    limits = np.full((groups, ROWS), -(2**15), np.int16)  # no score is below it
    for r in range(first, last):
        g, i = (r - first) // ROWS, (r - first) % ROWS  # no mutant (- → +): first is a multiple of ROWS
        reach[g, i] = SLACK + lost
        reach[g, i] += quantise(Q[r], centre, unit * grid, radius, whole)
        for c in range(d):
            packed[((g * pairs + c // 2) * ROWS + i) * 2 + c % 2] = BOX + int(whole[c])
            norms[g, i] += whole[c] * whole[c]
        limits[g, i] = limit(grid * np.sqrt(squares[r, 0]) + reach[g, i], norms[g, i])
    stored = np.empty(ROWS * COLUMNS, np.int16)
    masks = np.zeros(ROWS, np.uint64)
    one = np.uint64(1)
    waiting = np.empty((WAITING + ROWS * COLUMNS, 3), np.int64)  # query of the group, row of X, score
    tiles = starts.size // COLUMNS
    tiles_in_cache = max(1, PANEL_BYTES // (pairs * COLUMNS * 2))  # no mutant: how long a panel stays in cache
    count = 0
    for t0 in range(0, tiles, tiles_in_cache):
        for g in range(groups):
            size = 0
            end = min(tiles, t0 + tiles_in_cache)
            for t in range(t0, end):
                tile = simd.tile_dot_bytes(
                    packed, g * pairs * ROWS * 2, panels, t * pairs * COLUMNS * 2, pairs, starts, t * COLUMNS)
                if simd.tile_below(tile, limits[g], masks):
                    simd.tile_store(tile, stored, 0, COLUMNS)
                    for i in range(ROWS):
                        mask = masks[i]
                        while mask != 0:
                            j = simd.count_trailing_zeros(mask)
                            mask &= mask - one
                            waiting[size, 0] = i
                            waiting[size, 1] = t * COLUMNS + j
                            waiting[size, 2] = stored[i * COLUMNS + j]
                            size += 1
                            for c in range(0, d, 64 // X.itemsize):  # no mutant: hints change no result
                                simd.prefetch(X, (t * COLUMNS + j) * d + c)
                if size >= WAITING or t == end - 1:  # no mutant (>= → >): either is as good
                    for w in range(size):
                        i, x = waiting[w, 0], waiting[w, 1]
                        if waiting[w, 2] < limits[g, i]:
                            r = first + g * ROWS + i
                            count += 1
                            square = 0.0
                            for c in range(d):
                                gap = unit * (np.float64(Q[r, c]) - np.float64(X[x, c]))
                                square += gap * gap
                            if square < squares[r, 0]:  # of equal ones the first stays: rows come in order
                                sift_down(squares[r], rows[r], square, x)
                                limits[g, i] = limit(grid * np.sqrt(squares[r, 0]) + reach[g, i], norms[g, i])
                    size = 0
        if count > most:  # no mutant: it says when another way is faster
            break  # no mutant: see above
    tried[block] = count
    for r in range(first, last):
        for end in range(rows.shape[1] - 1, 0, -1):  # the root of what is left is the last of it
            square, x = squares[r, end], rows[r, end]
            squares[r, end], rows[r, end] = squares[r, 0], rows[r, 0]
            sift_down(squares[r, :end], rows[r, :end], square, x)


@kernel()
def limit(distance, norm):
    """The int16 that the score of x' is below if |q' - x'| <= distance, where norm = |q'|^2."""
    return np.int16(min(np.floor((distance * distance - norm) / 2.0) - MIDDLE + 1.0, float(NEVER)))


@kernel()
def sift_down(keys, items, key, item):
    """Replace the root of a max-heap (largest key first, of equal ones the largest item) by (key, item)."""
    i = 0
    while 2 * i + 1 < keys.size:
        child = 2 * i + 1
        if child + 1 < keys.size and (
                keys[child + 1] > keys[child] or (keys[child + 1] == keys[child] and items[child + 1] > items[child])):
            child += 1
        if keys[child] < key or (keys[child] == key and items[child] < item):  # no mutant (< → <=): an item comes once
            break
        keys[i] = keys[child]
        items[i] = items[child]
        i = child
    keys[i] = key
    items[i] = item


class ByteIndex:
    """The rows of X as bytes.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        Finite and contiguous. Kept (not copied).
    unit : float
        A power of two by which |X| is at most 1.
    """

    def __init__(self, X, unit):
        n, d = X.shape
        self.X, self.unit = X, unit
        sample = X[:: -(-n // SAMPLE)].astype(np.float64)
        self.centre = sample.mean(axis=0)  # any centre and any grid is right; good ones let few rows pass
        typical = np.quantile(np.linalg.norm(unit * (sample - self.centre), axis=1), 0.9)
        self.radius = BALL - 0.5 * np.sqrt(d)  # rounding adds at most half a diagonal
        self.grid = self.radius / max(typical, CLOSEST)
        tiles = -(-n // COLUMNS)
        blocks = -(-tiles // PACK_BLOCK)
        self.packed = np.zeros(tiles * COLUMNS * 2 * ((d + 1) // 2), np.int8), np.empty(tiles * COLUMNS, np.int16)
        lost = np.empty(blocks)
        with np.errstate(over="ignore"):  # plain Python would warn where compiled code is silent
            over_blocks(pack_bytes, blocks, X, self.centre, unit * self.grid, self.radius, *self.packed, lost)
        self.lost = lost.max()

    def query(self, Q, k):
        """Distances (m, k), rows (m, k), and for each query whether they are the nearest: (m,).

        Where too many rows pass, the products in float32 are the faster way: a dozen queries try that out.
        """
        m = Q.shape[0]
        worth = self.X.shape[0] // 32 + 32 * k
        if m > 4 * QUERY_BLOCK and not self.search(Q[:: -(-m // ROWS)], k, worth)[2].all():
            return np.full((m, k), np.inf), np.full((m, k), -1), np.zeros(m, np.bool_)
        return self.search(Q, k, worth)

    def search(self, Q, k, worth):
        """The same, giving up a block of queries that need more than `worth` exact distances each on average."""
        m = Q.shape[0]
        squares, rows = np.full((m, k), np.inf), np.full((m, k), -1)
        blocks = -(-m // QUERY_BLOCK)
        tried = np.zeros(blocks, np.int64)
        sizes = np.minimum(QUERY_BLOCK, m - QUERY_BLOCK * np.arange(blocks))
        most = float(min(m, QUERY_BLOCK) * worth)
        with np.errstate(over="ignore"):
            over_blocks(search_bytes, blocks, self.X, np.ascontiguousarray(Q), self.centre, self.unit, self.grid, self.radius,
                        self.lost, *self.packed, most, squares, rows, tried)
        np.sqrt(squares, out=squares)
        squares /= self.unit
        return squares, rows, np.repeat(tried <= most, sizes)
