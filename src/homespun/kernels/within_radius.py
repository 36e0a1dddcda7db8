"""All rows of X within a radius of each query, exactly: for each q the rows with  d(q, x) <= r.     X: (n, d)   Q: (m, d)

Euclidean: a product on register tiles rules most rows out, as in `distances`. For every row, e bounding the rounding,

    d^2 >= score(x) + (1 - e)|q|^2,   score(x) = (1 - 2 e)|x|^2 - 2 q . x,   so  d <= r  only if  score <= r^2 - (1 - e)|q|^2

The rows that remain get their distance from the definition, sum (q - x)^2 in float64, and that decides: a row whose distance,
as it is returned, equals r is inside. Other powers: the definition for all rows.

O(m n d), and d for each row that is found; memory for the packed copy of X and for the answer. How much a block of queries
finds is not known before: a block that finds more than its room is searched again with room enough.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import simd
from homespun.kernels.distances import COLUMNS32, PANEL_BYTES, QUERY_BLOCK, ROWS, EuclideanIndex, power_below, rounding_bound
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

FIRST_ROOM = 1 << 12  # entries of a block's answer, at first
TINY, HUGE = 1e-280, 1e300  # squares beyond lose bits: gaps are divided by the largest
FAR = 1e12  # |q - centre|^2 in units of the data's spread: beyond it float32 is of no use


@kernel()
def length(q, x):
    """|q - x| in float64, for gaps of any size."""
    square = 0.0
    for c in range(q.size):
        gap = np.float64(q[c]) - np.float64(x[c])
        square += gap * gap  # no mutant (+= → -=): then the second sum answers
    if TINY < square < HUGE:  # no mutant (< → <=): both sums are right there
        return np.sqrt(square)
    largest = 0.0
    for c in range(q.size):
        largest = max(largest, abs(np.float64(q[c]) - np.float64(x[c])))
    if largest == 0.0:
        return 0.0
    square = 0.0
    for c in range(q.size):
        gap = (np.float64(q[c]) - np.float64(x[c])) / largest
        square += gap * gap
    return largest * np.sqrt(square)


@kernel("i8(i8, i8, i8, i8, f4[:, :], f4[:, :], f8[::1], f8, f8, f4[::1], f4[::1], f4[::1], i8[::1], i8[::1], f8[::1])",
        "i8(i8, i8, i8, i8, f8[:, :], f8[:, :], f8[::1], f8, f8, f4[::1], f4[::1], f4[::1], i8[::1], i8[::1], f8[::1])")
def tiles_within(first, last, groups, tiles_in_cache, X, Q, centre, scale, radius, limits, panels, scores, queries, rows,
                 distances):
    """The rows within the radius of the queries first … last - 1; returns how many. IN limits (m,): of the score, exclusive.

    OUT queries, rows, distances: as many as there is room for; the rows of each query ascend.
    """
    d = Q.shape[1]
    tiles = scores.size // COLUMNS32
    packed = np.zeros(groups * d * ROWS, np.float32)
    bounds = np.full((groups, ROWS), -np.inf, np.float32)  # padding rows never pass
    for at in range(last - first):
        g, i = at // ROWS, at % ROWS
        for k in range(d):
            packed[(g * d + k) * ROWS + i] = -2.0 * scale * (Q[first + at, k] - centre[k])
        bounds[g, i] = limits[first + at]
    masks = np.zeros(ROWS, np.int64)
    count = 0
    for t0 in range(0, tiles, tiles_in_cache):
        for g in range(groups):
            for t in range(t0, min(tiles, t0 + tiles_in_cache)):
                tile = simd.tile_dot(packed, g * d * ROWS, panels, t * d * COLUMNS32, d)
                tile = simd.tile_add_row(tile, scores, t * COLUMNS32)
                if simd.tile_below(tile, bounds[g], masks):
                    for i in range(ROWS):
                        mask = masks[i]
                        r = first + g * ROWS + i
                        while mask != 0:
                            x = t * COLUMNS32 + simd.count_trailing_zeros(mask)
                            mask &= mask - 1
                            distance = length(Q[r], X[x])
                            if distance <= radius:
                                if count < rows.size:  # no mutant (< → <=): one entry beyond is not seen
                                    queries[count] = r
                                    rows[count] = x
                                    distances[count] = distance
                                count += 1
    return count


@kernel("i8(i8, i8, f8[:, ::1], f8[:, ::1], f8, f8, i8[::1], i8[::1], f8[::1])")
def rows_within(first, last, X, Q, p, radius, queries, rows, distances):
    """The same for the distance (sum |q - x|^p)^(1/p), p = inf: max |q - x|, by the definition."""
    n, d = X.shape
    count = 0
    for r in range(first, last):
        for x in range(n):
            total = 0.0
            if p == 1.0:  # no mutant (1.0 → 0): a power of one
                for c in range(d):
                    total += abs(Q[r, c] - X[x, c])
            elif p == 2.0:
                total = length(Q[r], X[x])
            elif p == np.inf:
                for c in range(d):
                    total = max(total, abs(Q[r, c] - X[x, c]))
            else:
                for c in range(d):
                    total += abs(Q[r, c] - X[x, c]) ** p
                total = total ** (1.0 / p)
            if total <= radius:
                if count < rows.size:
                    queries[count] = r
                    rows[count] = x
                    distances[count] = total
                count += 1
    return count


def euclidean_within(index: EuclideanIndex, Q, radius: float):
    """Where each query's answer begins (m + 1,), rows and distances (found,), rows ascending within a query.

    Examples
    --------
    >>> begins, rows, distances = euclidean_within(EuclideanIndex(np.array([[0.0], [2.0], [5.0]])), np.array([[1.0], [9.0]]), 1.0)
    >>> begins.tolist(), rows.tolist(), distances.tolist()
    ([0, 2, 2], [0, 1], [1.0, 1.0])
    """
    X, d = index.X, index.X.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        norms = ((index.scale * (Q.astype(np.float64) - index.centre)) ** 2).sum(axis=1)
        own = (radius * index.scale) ** 2
    near = (norms < FAR) & (own < FAR)  # False for NaN, too
    if not near.all():
        far = np.flatnonzero(~near)
        begins, rows, distances = minkowski_within(X, Q[far], radius, 2.0)
        parts = [(far[np.repeat(np.arange(far.size), np.diff(begins))], rows, distances)]
        if near.any():
            some = np.flatnonzero(near)
            begins, rows, distances = euclidean_within(index, Q[some], radius)
            parts.append((some[np.repeat(np.arange(some.size), np.diff(begins))], rows, distances))
        return in_order(parts, len(Q))
    bound, tiny = rounding_bound(d, np.float32), (d + 4) * np.finfo(np.float32).tiny
    limits = (own - (1.0 - bound) * norms + tiny + 1e-12 * (own + norms)).astype(np.float32)
    limits = np.nextafter(np.nextafter(limits, np.float32(np.inf)), np.float32(np.inf))  # rounded up, and exclusive
    panels, scores = index.panels(np.float32)

    tiles_in_cache = max(1, PANEL_BYTES // (d * COLUMNS32 * 4))

    def search(first, last, *out):
        groups = -(-(last - first) // ROWS)
        return tiles_within(first, last, groups, tiles_in_cache, X, Q, index.centre, index.scale, float(radius), limits, panels,
                            scores, *out)

    return gathered(search, len(Q))


def minkowski_within(X, Q, radius: float, p: float):
    """`euclidean_within` for the Minkowski distance of power p > 0."""
    X, Q = np.ascontiguousarray(X, np.float64), np.ascontiguousarray(Q, np.float64)
    return gathered(lambda first, last, *out: rows_within(first, last, X, Q, float(p), float(radius), *out), len(Q))


def gathered(search, m: int):
    """Call ``search(first, last, queries, rows, distances)`` for blocks of queries, with room enough."""
    blocks = -(-m // QUERY_BLOCK)
    found: list = [None] * blocks

    def work(block):
        room = FIRST_ROOM
        while True:
            out = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
            with np.errstate(over="ignore", invalid="ignore"):  # plain Python would warn where compiled code is silent
                count = search(block * QUERY_BLOCK, min(m, (block + 1) * QUERY_BLOCK), *out)
            if count <= room:
                found[block] = [part[:count] if 2 * count > room else part[:count].copy() for part in out]
                return
            room = count

    over_blocks(work, blocks)
    return in_order(found, m)


def in_order(parts, m: int):
    """(begins, rows, distances) of parts (queries, rows, distances) in which the rows of each query ascend."""
    queries, rows, distances = (np.concatenate([part[place] for part in parts]) if parts else np.empty(0, kind)
                                for place, kind in enumerate((np.int64, np.int64, np.float64)))
    order = np.argsort(queries, kind="stable")
    begins = np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=m))]).astype(np.int64)
    return begins, rows[order], distances[order]


# ---------------------------------------------------------------------------------------------------------------------
# The definitions

def clouds(rng, dtype=np.float32, n=130, m=70, d=5, radius=1.9, offset=3.0):
    X, Q = ((rng.normal(size=(rows, d)) + offset).astype(dtype) for rows in (n, m))
    X[-1] = Q[1] = X[3]
    return X, Q, radius


def whole_numbers(rng):
    """Rows at exactly the radius are inside."""
    X, Q, _ = clouds(rng, np.float64, d=3)
    return np.floor(2 * X), np.floor(2 * Q), 3.0


def within(X, Q, radius):
    """`euclidean_within` in one call."""
    return euclidean_within(EuclideanIndex(X), Q, radius)


@oracle(within, kernels=(tiles_within,), rtol=1e-12, example=(
    clouds, whole_numbers,
    lambda rng: clouds(rng, np.float64, d=3, offset=1e6),  # cancels in float32: the filter keeps nearly everything
    lambda rng: clouds(rng, n=300, m=130, d=33, radius=7.0),  # more found than the first room of a block
    lambda rng: clouds(rng, np.float64, n=50, m=3, d=PANEL_BYTES // 100, radius=150.0),  # a panel is more than the cache holds
    lambda rng: clouds(rng, radius=0.0),
    lambda rng: tuple(part * 1e-200 for part in clouds(rng, np.float64)),  # squares are beyond float64
    lambda rng: tuple(part * 1e170 for part in clouds(rng, np.float64)),
))
def within_formula(X, Q, radius):
    """All distances in float64, compared with the radius."""
    gaps = Q[:, None, :].astype(np.float64) - X[None, :, :].astype(np.float64)
    unit = power_below(np.abs(gaps).max())  # of two: no bit is lost
    distances = np.sqrt(((gaps * unit) ** 2).sum(axis=-1)) / unit
    queries, rows = np.nonzero(distances <= radius)
    return np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=len(Q)))]), rows, distances[queries, rows]


@oracle(minkowski_within, kernels=(rows_within,), rtol=1e-12, example=tuple(
    lambda rng, p=p: (*whole_numbers(rng)[:2], 4.0, p) for p in (1.0, 2.0, np.inf, 3.0)) + (
    lambda rng: (rng.normal(size=(200, 2)), rng.normal(size=(100, 2)), 9.0, 1.0),))
def minkowski_within_formula(X, Q, radius, p):
    """All distances, compared with the radius."""
    gaps = np.abs(Q[:, None, :] - X[None, :, :])
    distances = gaps.max(axis=-1) if p == np.inf else (gaps**p).sum(axis=-1) ** (1.0 / p)
    queries, rows = np.nonzero(distances <= radius)
    return np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=len(Q)))]), rows, distances[queries, rows]
