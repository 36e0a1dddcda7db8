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
PACK_BLOCK = 1024  # rows that are packed in one go
PANEL_BYTES = 256 * 1024  # of X that stays in L2 while a block of queries passes over it
WAITING = 64  # rows that wait for their exact distance before it is taken
SLACK = 1e-6  # more than what float64 may have lost in any of the norms, in units of the grid
SAMPLE = 1000  # rows that decide about the grid
CLOSEST = 2.0**-100  # the finest grid, as a part of the largest |X|: squares and scales stay within float64
LEAST_COLUMNS = 16  # with fewer the products are not what takes the time


@kernel("void(i8, f4[:, ::1], f8[::1], f8, f8, i8, i8, i8, i1[::1], i8[:, ::1], f8[::1])",
        "void(i8, f8[:, ::1], f8[::1], f8, f8, i8, i8, i8, i1[::1], i8[:, ::1], f8[::1])")
def pack_bytes(block, X, centre, scale, radius, width, sign, offset, packed, sums, lost):
    """OUT packed: sign x' + offset by groups of `width` rows, as tile_dot_bytes reads them, for x' = P x rounded, where P moves
    scale (x - centre) into the box and the ball; sums (n, 2): |x'|^2 and the sum of x'; lost (n,): |P x - x'|.
    """
    n, d = X.shape
    pairs = (d + 1) // 2
    for i in range(block * PACK_BLOCK, min(n, block * PACK_BLOCK + PACK_BLOCK)):
        total = 0.0
        for c in range(d):
            value = min(max(scale * (X[i, c] - centre[c]), -BOX), BOX)
            total += value * value
        shrink = radius / np.sqrt(total) if total > radius * radius else 1.0  # no mutant (> → >=): it is 1 at the border
        away, square, whole_sum = 0.0, 0, 0
        at = ((i // width) * pairs * width + i % width) * 2
        for c in range(d):
            value = shrink * min(max(scale * (X[i, c] - centre[c]), -BOX), BOX)
            whole = int(np.floor(value + 0.5))
            away += (value - whole) ** 2
            square += whole * whole
            whole_sum += whole
            packed[at + (c >> 1) * width * 2 + (c & 1)] = ((sign * whole + offset + 128) & 255) - 128
        sums[i, 0], sums[i, 1] = square, whole_sum
        lost[i] = np.sqrt(away)


@kernel("void(i8, f4[:, ::1], f4[:, ::1], f8, f8, i1[::1], i2[::1], u1[::1], i8[:, ::1], f8[::1], i2[:, ::1], f8, "
        "f8[:, ::1], i8[:, ::1], i8[::1], i2[:, ::1], u8[:, ::1], i8[:, :, ::1])",
        "void(i8, f8[:, ::1], f8[:, ::1], f8, f8, i1[::1], i2[::1], u1[::1], i8[:, ::1], f8[::1], i2[:, ::1], f8, "
        "f8[:, ::1], i8[:, ::1], i8[::1], i2[:, ::1], u8[:, ::1], i8[:, :, ::1])")
def search_bytes(block, X, Q, unit, grid, panels, starts, packed, norms, reach, limits, most,
                 squares, rows, tried, all_stored, all_masks, all_waiting):
    """IN OUT squares, rows (m, k): of each query the nearest rows by |unit (q - x)|^2 and row number: in, the root of a
    max-heap is what must be beaten; out, they are sorted.

    panels, starts: X as bytes   packed, norms (m, 2): Q as bytes and |q'|^2   reach (m,): |P q - q'| + E
    limits (groups, ROWS): written; IN -2^15 where there is no query   all_…: room for each block
    OUT tried[block]: how many exact distances it took; when it has been more than `most` the search stops, unfinished.
    """
    m, d = Q.shape
    pairs = (d + 1) // 2
    first, last = block * QUERY_BLOCK, min(m, block * QUERY_BLOCK + QUERY_BLOCK)
    for r in range(first, last):
        limits[r // ROWS, r % ROWS] = limit(grid * np.sqrt(squares[r, 0]) + reach[r], norms[r, 0])
    stored, masks, waiting = all_stored[block], all_masks[block], all_waiting[block]
    one = np.uint64(1)
    tiles = starts.size // COLUMNS
    tiles_in_cache = max(1, PANEL_BYTES // (pairs * COLUMNS * 2))  # no mutant: how long a panel stays in cache
    count = 0
    for t0 in range(0, tiles, tiles_in_cache):
        for g in range(first // ROWS, (last + ROWS - 1) // ROWS):
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
                            waiting[size, 0] = g * ROWS + i
                            waiting[size, 1] = t * COLUMNS + j
                            waiting[size, 2] = stored[i * COLUMNS + j]
                            size += 1
                            for c in range(0, d, 64 // X.itemsize):  # no mutant: hints change no result
                                simd.prefetch(X, (t * COLUMNS + j) * d + c)
                if size >= WAITING or t == end - 1:  # no mutant (>= → >): either is as good
                    for w in range(size):
                        r, x = waiting[w, 0], waiting[w, 1]
                        if waiting[w, 2] < limits[g, r % ROWS]:
                            count += 1
                            square = 0.0
                            for c in range(d):
                                gap = unit * (np.float64(Q[r, c]) - np.float64(X[x, c]))
                                square += gap * gap
                            if square < squares[r, 0]:  # of equal ones the first stays: rows come in order
                                sift_down(squares[r], rows[r], square, x)
                                limits[g, r % ROWS] = limit(grid * np.sqrt(squares[r, 0]) + reach[r], norms[r, 0])
                    size = 0
        if count > most:  # no mutant: it says when another way is faster
            break  # no mutant: the line above says why
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
    grid : float, optional
        Steps of the grid in a length of 1 / unit; default: so that nine of ten rows fit the ball.
    """

    def __init__(self, X, unit, grid=None):
        n, d = X.shape
        self.X, self.unit = X, unit
        sample = X[:: -(-n // SAMPLE)].astype(np.float64)
        self.centre = sample.mean(axis=0)  # any centre and any grid is right; good ones let few rows pass
        typical = np.quantile(np.linalg.norm(unit * (sample - self.centre), axis=1), 0.9)
        self.radius = BALL - 0.5 * np.sqrt(d)  # rounding adds at most half a diagonal
        self.grid = grid or self.radius / max(typical, CLOSEST)
        self.panels, sums, lost = self._pack(X, COLUMNS, -1, 0)
        self.starts = np.full(-(-n // COLUMNS) * COLUMNS, NEVER, np.int16)
        # The score of each row beside a query at the origin, and what BOX in every query takes off again; modulo 2^16.
        self.starts[:n] = (sums[:, 0] // 2 - MIDDLE + BOX * sums[:, 1]).astype(np.int16)
        self.lost = lost.max()

    def _pack(self, rows, width, sign, offset):
        n, d = rows.shape
        packed = np.zeros(-(-n // width) * width * 2 * ((d + 1) // 2), np.int8)
        sums, lost = np.empty((n, 2), np.int64), np.empty(n)
        with np.errstate(over="ignore"):  # plain Python would warn where compiled code is silent
            over_blocks(pack_bytes, -(-n // PACK_BLOCK), rows, self.centre, self.unit * self.grid, self.radius, width, sign,
                        offset, packed, sums, lost)
        return packed, sums, lost

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
        tried = self.improve(Q, squares, rows, min(m, QUERY_BLOCK) * worth)
        found = np.repeat(tried <= min(m, QUERY_BLOCK) * worth, QUERY_BLOCK)[:m]
        np.sqrt(squares, out=squares)
        squares /= self.unit
        return squares, rows, found

    def improve(self, Q, squares, rows, most):
        """Beat what is in squares and rows, and sort them (see `search_bytes`); how many distances each block took."""
        Q = np.ascontiguousarray(Q)
        packed, norms, lost = self._pack(Q, ROWS, 1, BOX)
        groups, blocks = -(-Q.shape[0] // ROWS), -(-Q.shape[0] // QUERY_BLOCK)
        limits, tried = np.full((groups, ROWS), -(2**15), np.int16), np.zeros(blocks, np.int64)
        room = (np.empty((blocks, ROWS * COLUMNS), np.int16), np.empty((blocks, ROWS), np.uint64),
                np.empty((blocks, WAITING + ROWS * COLUMNS, 3), np.int64))
        with np.errstate(over="ignore"):
            over_blocks(search_bytes, blocks, self.X, Q, self.unit, self.grid, self.panels, self.starts, packed.view(np.uint8),
                        norms, lost + self.lost + SLACK, limits, float(most), squares, rows, tried, *room)
        return tried
