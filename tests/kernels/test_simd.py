"""Every function of `simd` does the same compiled and as plain Python; tiles check their bounds on request."""

import os
import subprocess
import sys

import numpy as np
import pytest

from homespun.errors import ShapeError
from homespun.kernels import kernel, simd
from homespun.kernels.matmul import matmul, pairwise_distances


@kernel("void(f4[::1], f4[::1], f4[::1], f4[::1], i8[::1], f4[::1], f4[::1], b1[::1], i8)",
        "void(f8[::1], f8[::1], f8[::1], f8[::1], i8[::1], f8[::1], f8[::1], b1[::1], i8)")
def use_tiles(A, B, row, limits, masks, stored, summed, any_below, depth):
    tile = simd.tile_dot(A, simd.ROWS, B, 0, depth)
    tile = simd.tile_add_row(tile, row, 1)
    any_below[0] = simd.tile_below(tile, limits, masks)
    simd.tile_store(tile, stored, 2, stored.size // simd.ROWS - 1)
    simd.tile_accumulate(tile, summed, 0, summed.size // simd.ROWS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("depth", [0, 1, 2, 33])
@pytest.mark.parametrize("limit", [-100.0, 0.5, 100.0])
def test_tiles_equal_their_twins(dtype, depth, limit):
    rng = np.random.default_rng(0)
    columns = simd.tile_columns(dtype)
    A, B, row = (rng.normal(size=size).astype(dtype) for size in ((depth + 1) * simd.ROWS, depth * columns, columns + 1))
    limits = np.full(simd.ROWS, limit, dtype)
    results = []
    for function in (use_tiles, use_tiles.py_func):
        masks = np.full(simd.ROWS, 99)
        stored, summed = np.zeros(2 + (columns + 1) * simd.ROWS, dtype), np.ones(columns * simd.ROWS, dtype)
        below = np.zeros(1, np.bool_)
        function(A, B, row, limits, masks, stored, summed, below, depth)
        results.append((masks, stored, summed, below))
    for fast, plain in zip(*results):
        tolerance = {"rtol": 2e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
        np.testing.assert_allclose(fast, plain, **tolerance)


@kernel("void(u1[::1], i1[::1], i2[::1], i2[::1], u8[::1], i2[::1], b1[::1], i8)")
def use_byte_tiles(A, B, start, limits, masks, stored, any_below, pairs):
    tile = simd.tile_dot_bytes(A, 2 * simd.BYTE_ROWS, B, 0, pairs, start, 1)
    any_below[0] = simd.tile_below(tile, limits, masks)
    simd.tile_store(tile, stored, 0, simd.BYTE_COLUMNS)


def byte_tiles(function, pairs, limit):
    """What `function` makes of all bytes there are: pairs saturate, sums go round modulo 2^16."""
    rng = np.random.default_rng(pairs)
    A = rng.integers(0, 256, (pairs + 1) * 2 * simd.BYTE_ROWS, np.uint8)
    B = rng.integers(-128, 128, pairs * 2 * simd.BYTE_COLUMNS, np.int8)
    start = rng.integers(-(2**15), 2**15, simd.BYTE_COLUMNS + 1, np.int16)
    masks, below = np.full(simd.BYTE_ROWS, 99, np.uint64), np.zeros(1, np.bool_)
    stored = np.zeros(simd.BYTE_ROWS * simd.BYTE_COLUMNS, np.int16)
    function(A, B, start, np.full(simd.BYTE_ROWS, limit, np.int16), masks, stored, below, pairs)
    return A, B, start, masks, stored.reshape(simd.BYTE_ROWS, -1), below[0]


@pytest.mark.parametrize("pairs", [0, 1, 2, 33])
@pytest.mark.parametrize("limit", [-(2**15), 0, 2**15 - 1])
def test_byte_tiles_equal_their_twins(pairs, limit):
    A, B, start, masks, stored, below = byte_tiles(use_byte_tiles, pairs, limit)
    for fast, plain in zip((masks, stored, below), byte_tiles(use_byte_tiles.py_func, pairs, limit)[3:]):
        np.testing.assert_array_equal(fast, plain)
    for i, j in ((0, 0), (simd.BYTE_ROWS - 1, simd.BYTE_COLUMNS - 1)):
        total = int(start[1 + j])
        for k in range(pairs):
            at_a, at_b = 2 * ((k + 1) * simd.BYTE_ROWS + i), 2 * (k * simd.BYTE_COLUMNS + j)
            total += min(max(int(A[at_a]) * int(B[at_b]) + int(A[at_a + 1]) * int(B[at_b + 1]), -(2**15)), 2**15 - 1)
        assert stored[i, j] == (total + 2**15) % 2**16 - 2**15
        assert (int(masks[i]) >> j) & 1 == (stored[i, j] < limit)


def test_a_processor_without_byte_products_gets_the_same_numbers():
    """An old one by name, so that they are spelled out: no instruction may be assumed that its level lacks."""
    code = ("from test_simd import *; assert not simd.FAST_BYTES\n"
            "for pairs in (1, 9):\n"
            "    for a, b in zip(byte_tiles(use_byte_tiles, pairs, 0)[3:], byte_tiles(use_byte_tiles.py_func, pairs, 0)[3:]):\n"
            "        np.testing.assert_array_equal(a, b)")
    old = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **old}, timeout=100, check=True,
                   cwd=os.path.dirname(__file__))


@kernel("void(f4[::1], f4[::1], i8, u1[::1])", "void(f8[::1], f8[::1], i8, u1[::1])")
def use_codes(x, ladders, first, codes):
    simd.codes_of(x, 2, ladders, first, codes, 3)


def codes_by(function, dtype, feature):
    """Codes of random numbers, of the thresholds themselves, of infinities and of NaN; only 100 thresholds of the second."""
    rng = np.random.default_rng(0)
    edges = np.sort(rng.normal(size=(2, 255)).astype(dtype), axis=1)
    edges[1, 100:] = np.inf
    x = np.r_[rng.normal(size=22), edges[feature, ::7], np.nan, np.inf, -np.inf, edges[feature, 253:], np.nan, 0, 0].astype(dtype)
    codes = np.full(70, 77, np.uint8)
    function(x, simd.ladders(edges).ravel(), feature * simd.LADDER, codes)
    want = np.where(np.isnan(x), 255, np.searchsorted(edges[feature], x))[2:66]
    return codes, np.r_[[77] * 3, want, [77] * 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("feature", [0, 1])
def test_codes_are_the_number_of_thresholds_below(dtype, feature):
    for function in (use_codes, use_codes.py_func):
        np.testing.assert_array_equal(*codes_by(function, dtype, feature))


@kernel("void(u1[::1], i4[:, ::1], u1[::1], i8)")
def use_follow(codes, splits, found, rows):
    simd.follow(codes, 5, simd.FOLLOWED + 3, splits, 1, len(splits) - 1, found, rows)


def places_by(function, rows):
    """Splits of two columns with bytes of all kinds; the first and the last split are not asked for."""
    rng = np.random.default_rng(rows)
    codes = rng.integers(0, 256, 5 + 2 * (simd.FOLLOWED + 3), np.uint8)
    codes[5:300:4] = 255
    asked = [(i % 2, i // 3 % 2, rng.integers(1, 255), rng.integers(i + 1), i + 1) for i in range(30)]
    splits = np.array([(9, 0, 0, 0, 99), *asked, (1, 0, 0, 0, 98)], np.int32)
    found = np.zeros(simd.FOLLOWED, np.uint8)
    function(codes, splits, found, rows)
    return codes, splits, found[:rows]


@pytest.mark.parametrize("rows", [1, 64, 128, 129, simd.FOLLOWED])
def test_follow_equals_its_twin_and_a_walk_row_by_row(rows):
    (codes, splits, fast), (_, _, plain) = places_by(use_follow, rows), places_by(use_follow.py_func, rows)
    np.testing.assert_array_equal(fast, plain)
    for i in range(rows):
        at = 0
        for column, turn, most, place, right in splits[1:-1].tolist():
            if at == place and (int(codes[5 + column * (simd.FOLLOWED + 3) + i]) + turn) % 256 > most:
                at = right
        assert fast[i] == at
    assert len(set(fast.tolist())) > 1 or rows == 1


def test_trees_on_bytes_by_old_processors():
    """No permutations, no gathers, vectors that are emulated: the same bytes."""
    code = ("from test_simd import *\n"
            "for dtype in (np.float32, np.float64): np.testing.assert_array_equal(*codes_by(use_codes, dtype, 1))\n"
            "np.testing.assert_array_equal(places_by(use_follow, 200)[2], places_by(use_follow.py_func, 200)[2])")
    for name in ("nehalem", "x86-64-v3"):
        subprocess.run([sys.executable, "-c", code], timeout=100, check=True, cwd=os.path.dirname(__file__),
                       env={**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""})


@pytest.mark.parametrize("reach", ["codes_of(x, 1, ladder, 0, codes, 0)", "codes_of(x, 0, ladder, 1, codes, 0)",
                                   "codes_of(x, 0, ladder, 0, codes, -1)", "follow(codes, 1, 0, splits, 0, 2, codes, 9)",
                                   "follow(codes, 0, 0, splits, 0, 3, codes, 9)", "follow(codes, 0, 1, splits, 0, 2, codes, 9)",
                                   "follow(codes, 0, 0, splits, 0, 2, codes[1:], 9)"])
@pytest.mark.parametrize("lane", [{"NUMBA_BOUNDSCHECK": "1"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_bounds_checks_of_trees_on_bytes(reach, lane):
    size = "64" if reach.startswith("codes") else "simd.FOLLOWED"
    code = f"""
import numpy as np
from homespun.kernels import kernel, simd
@kernel("i8(f4[::1], f4[::1], u1[::1], i4[:, ::1])")
def reach(x, ladder, codes, splits):
    simd.{reach}
    return 1
try:
    reach(np.zeros(64, 'f4'), np.zeros(256, 'f4'), np.zeros({size}, 'u1'), np.ones((2, 5), 'i4'))
except IndexError as error:
    print("IndexError", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **lane}, timeout=100)
    assert done.stdout.startswith("IndexError"), done.stderr


@kernel("void(f4[::1], f4[::1])")
def exp_all(x, out):
    for i in range(x.size):
        out[i] = simd.exp32(x[i])


def test_exp32():
    x = np.r_[np.linspace(-87, 88, 4001), 0, -0.0].astype(np.float32)
    out, plain = np.zeros_like(x), np.zeros_like(x)
    exp_all(x, out)
    exp_all.py_func(x, plain)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=3e-7)
    np.testing.assert_allclose(plain, out, rtol=3e-7)
    ends = np.zeros(4, np.float32)
    exp_all(np.array([-np.inf, np.inf, -1e30, 1e30], np.float32), ends)
    assert np.isfinite(ends).all() and ends[0] < 1e-37 < 1e38 < ends[1]


@kernel("i8(i8)")
def trailing_zeros(mask):
    return simd.count_trailing_zeros(np.uint64(mask))


def test_count_trailing_zeros():
    for bit in (0, 1, 17, 47, 62):
        assert trailing_zeros(1 << bit) == trailing_zeros.py_func((1 << bit) | (1 << 62)) == bit


@pytest.mark.parametrize("reach", ["tile_dot(a, 0, b, 1, 4)", "tile_dot(a, 1, b, 0, 4)", "tile_dot(a, -1, b, 0, 4)"])
@pytest.mark.parametrize("lane", [{"NUMBA_BOUNDSCHECK": "1"}, {"NUMBA_DISABLE_JIT": "1"}])
def test_bounds_checks(reach, lane):
    code = f"""
import numpy as np
from homespun.kernels import kernel, simd
@kernel("f8(f4[::1], f4[::1], f4[::1])")
def read(a, b, out):
    simd.tile_store(simd.{reach}, out, 0, simd.COLUMNS32)
    return out[0]
try:
    read(np.zeros(4 * simd.ROWS, 'f4'), np.zeros(4 * simd.COLUMNS32, 'f4'), np.zeros(simd.ROWS * simd.COLUMNS32, 'f4'))
except IndexError as error:
    print("IndexError", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **lane}, timeout=100)
    assert done.stdout.startswith("IndexError"), done.stderr


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("M, K, N", [(0, 3, 2), (3, 0, 2), (1, 1, 1), (7, 5, 3), (130, 300, 70), (17, 1, 49), (97, 193, 49)])
def test_matmul(dtype, M, K, N):
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(M, K)).astype(dtype), rng.normal(size=(K, N)).astype(dtype)
    tolerance = {"atol": 1e-4 if dtype == np.float32 else 1e-12}
    np.testing.assert_allclose(matmul(A, B), A @ B, **tolerance)
    np.testing.assert_allclose(matmul(B.T, A.T), (A @ B).T, **tolerance)
    np.testing.assert_allclose(matmul(A[::2], B[:, ::-1]), A[::2] @ B[:, ::-1], **tolerance)
    assert matmul(A, B).dtype == dtype


def test_matmul_says_which_axes_differ():
    with pytest.raises(ShapeError, match=r"axis 'K' is 3 in A \(2, 3\) but 4 in B \(4, 2\)") as error:
        matmul(np.zeros((2, 3)), np.zeros((4, 2)))
    assert error.value.operands == {"A": (2, 3), "B": (4, 2)}


def test_pairwise_distances_of_equal_rows_far_away():
    X = np.random.default_rng(0).normal(size=(50, 3)) + 1e6
    found = pairwise_distances(X, X)
    assert (np.diag(found) == 0).all()
    np.testing.assert_allclose(found, np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1)), rtol=1e-8)
