"""What `homespun.kernels.distances` computes, by definition: NumPy, all distances at once, no tricks."""

from __future__ import annotations

import numpy as np

from homespun.kernels import distances as fast
from homespun.kernels import nearest_bytes as bytewise
from homespun.kernels.oracle import oracle

Q_BLOCK = fast.QUERY_BLOCK


def clouds(rng, dtype=np.float32, n=130, m=70, d=5, k=7, offset=3.0):
    """Points far from the origin, some of them equal, some queries equal to points: every branch of filter and refine."""
    X = (rng.normal(size=(n, d)) + offset).astype(dtype)
    X[n // 2] = X[3]
    X[-1] = X[3]
    Q = (rng.normal(size=(m, d)) + offset).astype(dtype)
    Q[1] = X[3]
    return X, Q, k


def grid(rng, d=5):
    """Whole numbers: many rows at equal distances."""
    X, Q, _ = clouds(rng, np.float64, d=d)
    return np.floor(X), Q, 5


def approaching(rng):
    """Each row is nearer than all before it, so that every row enters the heap; an even heap has a child without a sibling."""
    X = np.linspace(9, 1, 300)[:, None] * np.ones(2)
    return X, rng.normal(size=(3, 2)) * 0.1, 8


@oracle(fast.nearest_by_products, rtol=1e-12,
        kernels=(fast.pack_panels, fast.filter_nearest, fast.refine_nearest, fast.sift_down), example=(
    clouds,
    lambda rng: clouds(rng, np.float64, d=3, offset=1e6),  # cancels in float32: the float64 filter decides
    grid,
    approaching,
    lambda rng: (clouds(rng)[0][:9], clouds(rng)[1], 9),  # every row is a neighbour
    lambda rng: clouds(rng, np.float64, n=50, m=3, d=fast.PANEL_BYTES // 100, k=3),  # one panel is more than the cache holds
))
def nearest_by_products_formula(X, Q, k):
    return euclidean_nearest_formula(X, Q, k)


@oracle(fast.euclidean_nearest, rtol=1e-12, kernels=(bytewise.pack_bytes, bytewise.search_bytes), example=(
    clouds,
    lambda rng: clouds(rng, d=33),  # an odd number of columns
    lambda rng: clouds(rng, np.float64, d=16, offset=1e6),
    lambda rng: clouds(rng, np.float64, n=700, d=20, k=1),
    lambda rng: grid(rng, d=18),
))
def euclidean_nearest_formula(X, Q, k):
    """All distances in float64; a stable sort breaks ties by row number."""
    gaps = Q[:, None, :].astype(np.float64) - X[None, :, :].astype(np.float64)
    squares = (gaps**2).sum(axis=-1)  # (m, n)
    rows = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return np.sqrt(np.take_along_axis(squares, rows, axis=1)), rows


# -- the stages --------------------------------------------------------------------------------------------------------

def filtered(X, Q, centre, scale, shrink, size):
    """Pack and filter in float64; the heaps sorted."""
    columns = fast.COLUMNS64
    count = -(-X.shape[0] // columns)
    panels, scores = np.empty(count * X.shape[1] * columns), np.empty(count * columns)
    fast.over_blocks(fast.pack_panels, -(-count // fast.PACK_BLOCK), X, centre, scale, shrink, panels, scores)
    smallest, kept = fast.filter_rows(Q, centre, scale, panels, scores, size)
    order = np.argsort(smallest, axis=1, kind="stable")
    return smallest[:, 0], np.take_along_axis(smallest, order, axis=1), np.take_along_axis(kept, order, axis=1)


def _filter_example(n, m, size):
    return lambda rng: (rng.normal(size=(n, 3)), rng.normal(size=(m, 3)), rng.normal(size=3), 0.5, 0.9, size)


@oracle(filtered, kernels=(fast.pack_panels, fast.filter_nearest, fast.sift_down), rtol=1e-10, atol=1e-10, example=(
    _filter_example(300, 2 * Q_BLOCK + 5, 12), _filter_example(40 * fast.COLUMNS64, 9, 11), _filter_example(4, 3, 6),
    _filter_example((fast.PACK_BLOCK + 1) * fast.COLUMNS64, 5, 3)))
def filtered_formula(X, Q, centre, scale, shrink, size):
    """Scores shrink |x|^2 - 2 q . x of the scaled rows; the smallest, in order; -1 where there are not so many rows."""
    X, Q = scale * (X - centre), scale * (Q - centre)
    scores = shrink * (X**2).sum(axis=1) - 2 * Q @ X.T  # (m, n)
    kept = np.argsort(scores, axis=1)[:, :size]
    smallest = np.take_along_axis(scores, kept, axis=1)
    lacking = ((0, 0), (0, size - kept.shape[1]))
    smallest, kept = np.pad(smallest, lacking, constant_values=np.inf), np.pad(kept, lacking, constant_values=-1)
    return smallest[:, -1], smallest, kept


def _refine_example(rng):
    X, Q = np.round(rng.normal(size=(30, 2))), np.round(rng.normal(size=(Q_BLOCK + 6, 2)))
    queries = np.sort(rng.choice(Q.shape[0], Q_BLOCK + 3, replace=False))
    kept = np.array([rng.permutation(30)[:6] for _ in queries])
    kept[4, 2] = -1
    squares = np.sort(((Q[queries, None] - X[kept]) ** 2).sum(-1), axis=1)
    bounds = 0.25 * (squares[:, 2] + rng.integers(-1, 2, queries.size))  # below, at, and above the third distance
    return X, Q, 0.5, queries, bounds, kept, np.zeros((Q.shape[0], 3)), np.zeros((Q.shape[0], 3), int), np.zeros(Q.shape[0], bool)


def _refine_everything(rng):
    """All rows are kept, so the answer is proved whatever the bounds."""
    X, Q, scale, queries, bounds, _, *out = _refine_example(rng)
    return X[:6], Q, scale, queries, bounds, np.array([rng.permutation(6) for _ in queries]), *out


@oracle(fast.refine_rows, kernels=(fast.refine_nearest,), rtol=1e-12, example=(_refine_example, _refine_everything))
def refine_rows_formula(X, Q, scale, queries, bounds, kept, distances, rows, proved):
    """Kept rows of each query by (distance, row); proved if all are real and the k-th is below the bound, or X has no others."""
    distances, rows, proved = distances.copy(), rows.copy(), proved.copy()
    k = rows.shape[1]
    for r, bound, candidates in zip(queries, bounds, kept):
        real = candidates[candidates >= 0]
        squares = ((scale * (Q[r] - X[real])) ** 2).sum(axis=1)
        order = np.lexsort((real, squares))
        distances[r], rows[r] = np.sqrt(squares[order[:k]]) / scale, real[order[:k]]
        proved[r] = real.size == candidates.size and (squares[order[k - 1]] < bound or candidates.size == X.shape[0])
    return distances, rows, proved


@oracle(fast.minkowski_nearest, kernels=(fast.minkowski_block,), rtol=1e-12, example=tuple(
    (lambda rng, p=p: (*clouds(rng, np.float64), p)) for p in (1.0, 2.0, 3.0, 3.5, np.inf)))
def minkowski_nearest_formula(X, Q, k, p):
    gaps = np.abs(Q[:, None, :] - X[None, :, :])
    distances = gaps.max(axis=-1) if p == np.inf else (gaps**p).sum(axis=-1) ** (1.0 / p)
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, rows, axis=1), rows


# -- the search by bytes -------------------------------------------------------------------------------------------------

def packed_bytes(X, centre, scale, radius, width, sign, offset):
    """What `pack_bytes` makes of X."""
    n, d = X.shape
    packed = np.zeros(-(-n // width) * width * 2 * ((d + 1) // 2), np.int8)
    sums, lost = np.empty((n, 2), np.int64), np.empty(n)
    fast.over_blocks(bytewise.pack_bytes, -(-n // bytewise.PACK_BLOCK), X, centre, scale, radius, width, sign, offset,
                     packed, sums, lost)
    return packed, sums, lost


def _pack_example(n, d, *layout):
    """A few rows beyond the box, a few beyond the ball, most within."""
    return lambda rng: (rng.normal(size=(n, d)) * rng.choice([0.5, 1.0, 4.0], (n, 1)), rng.normal(size=d), 30.0, 150.0, *layout)


def rounded(X, centre, scale, radius):
    """X on the grid: centred, scaled, into the box, into the ball, rounded; and how far each row is from there."""
    X = np.clip(scale * (X - centre), -bytewise.BOX, bytewise.BOX)
    X *= np.minimum(1.0, radius / np.linalg.norm(X, axis=1, keepdims=True))
    whole = np.floor(X + 0.5)
    return whole.astype(np.int64), np.linalg.norm(X - whole, axis=1)


@oracle(packed_bytes, kernels=(bytewise.pack_bytes,), rtol=1e-12, example=(
    _pack_example(100, 5, 64, -1, 0), _pack_example(bytewise.PACK_BLOCK + 70, 2, 12, 1, bytewise.BOX)))
def packed_bytes_formula(X, centre, scale, radius, width, sign, offset):
    whole, away = rounded(X, centre, scale, radius)
    n, d = whole.shape
    filled = np.zeros((-(-n // width) * width, d + d % 2), np.int64)
    filled[:n, :d] = sign * whole + offset
    packed = filled.reshape(-1, width, (d + 1) // 2, 2).transpose(0, 2, 1, 3)  # (group, pair, row, of the pair)
    return packed.ravel().astype(np.int8), np.column_stack([(whole**2).sum(axis=1), whole.sum(axis=1)]), away


def searched_bytes(X, Q, k, unit, grid, nearer_than):
    """The k nearest rows nearer than a given distance; with a finite one, also how many distances each block of queries took."""
    squares = np.full((Q.shape[0], k), (unit * nearer_than) ** 2)
    rows = np.full(squares.shape, X.shape[0])
    tried = bytewise.ByteIndex(X, unit, grid).improve(Q, squares, rows, 1e9)
    return np.sqrt(squares) / unit, rows, tried * np.isfinite(nearer_than)


def _search_example(n, m, d, k, spread=1.0):
    return lambda rng: (rng.normal(size=(n, d)) * spread, rng.normal(size=(m, d)) * spread, k, 0.5, 60.0, np.inf)


def _reach_example(m, nearer_than):
    """A coarse grid, and a distance that no row is nearer than: how many are tried does not depend on the order."""
    return lambda rng: (rng.normal(size=(400, 9)) + 0.5, rng.normal(size=(m, 9)), 2, 0.5, 2.0, nearer_than)


@oracle(searched_bytes, rtol=1e-12, kernels=(
    bytewise.search_bytes, bytewise.pack_bytes, bytewise.limit, bytewise.sift_down), example=(
    _search_example(200, 5, 3, 4),
    _search_example(300, bytewise.QUERY_BLOCK + bytewise.ROWS + 2, 4, 3, 8.0),
    _search_example(12 * bytewise.COLUMNS + 1, 3, 2, 9),
    _reach_example(bytewise.QUERY_BLOCK + 3, 0.001), _reach_example(7, 0.2)))
def searched_bytes_formula(X, Q, k, unit, grid, nearer_than):
    """Tried are the rows whose distance on the grid is within reach."""
    radius = bytewise.BALL - 0.5 * np.sqrt(X.shape[1])
    x, lost = rounded(X, X.mean(axis=0), unit * grid, radius)
    q, own = rounded(Q, X.mean(axis=0), unit * grid, radius)
    reach = unit * grid * nearer_than + own + lost.max() + bytewise.SLACK
    with np.errstate(invalid="ignore"):
        tried = (x**2).sum(axis=1) // 2 - q @ x.T <= np.floor((reach**2 - (q**2).sum(axis=1)) / 2)[:, None]  # (m, n)
    blocks = np.arange(0, Q.shape[0], bytewise.QUERY_BLOCK)
    distances, rows = euclidean_nearest_formula(X, Q, k)
    rows = np.where(distances < nearer_than, rows, X.shape[0])
    return np.minimum(distances, nearer_than), rows, np.add.reduceat(tried.sum(axis=1), blocks) * np.isfinite(nearer_than)
