"""The search by bytes: its bound is a bound, its answers are the naive ones, and it says when it does not pay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.kernels import nearest_bytes, simd
from homespun.kernels.distances import EuclideanIndex, power_below
from homespun.kernels.distances_formula import euclidean_nearest_formula, rounded
from homespun.kernels.nearest_bytes import ByteIndex

KINDS = {
    "normal": lambda rng, X: X,
    "grid": lambda rng, X: np.round(X),
    "duplicates": lambda rng, X: X[rng.integers(0, max(1, len(X) // 5), len(X))],
    "constant columns": lambda rng, X: X * (rng.random(X.shape[1]) < 0.3),
    "one column rules": lambda rng, X: X * np.r_[1e4, np.ones(X.shape[1] - 1)],
    "outliers": lambda rng, X: X * np.where(rng.random(len(X)) < 0.1, 1e6, 1.0)[:, None],
    "clusters": lambda rng, X: 1e-3 * X + 10 * rng.normal(size=(3, X.shape[1]))[rng.integers(0, 3, len(X))],
    "one point": lambda rng, X: np.zeros_like(X),
}


def both(rng, kind, n, m, d):
    together = KINDS[kind](rng, rng.normal(size=(n + m, d)))
    return together[:n], together[n:]


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(KINDS)), st.integers(1, 9), st.sampled_from([np.float32, np.float64]),
       st.sampled_from([0.0, 1.0, 1e6]), st.sampled_from([1.0, 2.0**-100, 2.0**50]))
@settings(max_examples=150, deadline=None)
def test_neighbours_are_exact(seed, kind, k, dtype, offset, scale):
    """Also far from the origin, where float64 input differs by less than float32 can tell, and in any unit."""
    rng = np.random.default_rng(seed)
    n, m, d = int(rng.integers(k, 300)), int(rng.integers(1, 40)), int(rng.integers(1, 70))
    X, Q = both(rng, kind, n, m, d)
    X, Q = ((scale * (part + offset)).astype(dtype) for part in (X, Q))
    index = ByteIndex(X, power_below(float(max(X.max(), -X.min()))))
    want_distances, want_rows = euclidean_nearest_formula(X.astype(np.float64) / scale, Q.astype(np.float64) / scale, k)
    for distances, rows, found in (index.query(Q, k), (*EuclideanIndex(X).query(Q, k), np.ones(m, bool))):
        np.testing.assert_allclose(distances[found] / scale, want_distances[found], rtol=1e-12, atol=1e-300)
        gaps = np.linalg.norm(X[rows].astype(np.float64) / scale - Q[:, None].astype(np.float64) / scale, axis=2)
        np.testing.assert_allclose(gaps[found], want_distances[found], rtol=1e-12)  # the rows are those of the distances
        if scale == 1.0 and kind in ("grid", "one point"):
            np.testing.assert_array_equal(rows[found], want_rows[found])  # whole numbers: equal distances are exactly equal


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(KINDS)), st.floats(0.5, 300))
@settings(max_examples=60, deadline=None)
def test_the_grid_brings_no_two_points_further_apart(seed, kind, scale):
    rng = np.random.default_rng(seed)
    X, Q = both(rng, kind, 50, 20, int(rng.integers(1, 40)))
    centre, radius = rng.normal(size=X.shape[1]), nearest_bytes.BALL - 0.5 * np.sqrt(X.shape[1])
    (x, lost), (q, own) = (rounded(part, centre, scale, radius) for part in (X, Q))
    assert abs(x).max() <= nearest_bytes.BOX and (x**2).sum(axis=1).max() <= nearest_bytes.BALL**2
    on_grid = np.sqrt(((q[:, None] - x) ** 2).sum(axis=2))
    true = scale * np.sqrt(((Q[:, None] - X) ** 2).sum(axis=2))
    assert (on_grid - own[:, None] - lost <= true * (1 + 1e-9) + nearest_bytes.SLACK).all()


def test_no_sum_of_bytes_leaves_its_range():
    """The largest values there can be, in the registers' own arithmetic."""
    assert 2 * (2 * nearest_bytes.BOX) * nearest_bytes.BOX < 2**15
    square = nearest_bytes.BALL**2
    scores = [square_x // 2 - dot - nearest_bytes.MIDDLE for square_x in (0, square) for dot in (-square, square)
              if dot <= (square_x + square) / 2]  # 2 q . x <= |q|^2 + |x|^2
    lowest = -square / 2 - 1 - nearest_bytes.MIDDLE  # at x = q
    assert lowest >= -(2**15) and max(scores) < nearest_bytes.NEVER


def test_most_rows_are_ruled_out():
    rng = np.random.default_rng(0)
    X, Q = rng.normal(size=(5000, 32)), rng.normal(size=(60, 32))
    index = ByteIndex(X, 1.0)
    squares, rows = np.full((60, 5), np.inf), np.full((60, 5), -1)
    tried = index.improve(Q, squares, rows, 1e9)
    assert tried.sum() < 0.06 * X.shape[0] * Q.shape[0]


def test_it_gives_up_where_the_grid_cannot_tell_rows_apart(monkeypatch):
    """Two far clusters, each a point on the grid. The answer comes from the products, and is as exact."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4000, 16)) * 1e-4 + np.where(rng.random(4000) < 0.5, 0, 100)[:, None]
    Q = X[rng.integers(0, 4000, 500)] + rng.normal(size=(500, 16)) * 1e-4
    assert not ByteIndex(X, 1.0).query(Q[:30], 2)[2].any()
    searched = []
    search = ByteIndex.search
    monkeypatch.setattr(ByteIndex, "search", lambda self, part, *rest: searched.append(len(part)) or search(self, part, *rest))
    distances, rows = EuclideanIndex(X).query(Q, 2)
    want_distances, want_rows = euclidean_nearest_formula(X, Q, 2)
    np.testing.assert_array_equal(rows, want_rows)
    np.testing.assert_allclose(distances, want_distances, rtol=1e-12)
    if simd.FAST_BYTES:
        assert searched == [len(Q[:: -(-len(Q) // nearest_bytes.ROWS)])]  # a dozen were enough to see it


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 64 * 64 + 1])
def test_edges_of_tiles_and_blocks(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 17)).astype(np.float32)
    for m in (1, nearest_bytes.QUERY_BLOCK, nearest_bytes.QUERY_BLOCK + 1):
        Q = rng.normal(size=(m, 17)).astype(np.float32)
        k = min(n, 3)
        distances, rows, found = ByteIndex(X, 0.125).query(Q, k)
        want = euclidean_nearest_formula(X, Q, k)
        np.testing.assert_array_equal(rows[found], want[1][found])
        np.testing.assert_allclose(distances[found], want[0][found], rtol=1e-12)
        assert found.all() or n > 64
