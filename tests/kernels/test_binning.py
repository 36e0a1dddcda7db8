"""Bins: equal values share one, order is kept, NaN is last, weights are repetitions, and few values lose nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from homespun.base import DataError, ParameterError, ShapeError
from homespun.kernels import binning
from homespun.kernels.binning import MISSING, bin_columns, bin_rows, bins_used, find_edges, midpoints


def column(*values, dtype=np.float64):
    return np.array(values, dtype=dtype)[:, None]


def codes_of(X, **options):
    return bin_columns(X, find_edges(X, **options))[0].tolist()


def test_textbook_quartiles():
    """Sixteen values, four bins: four values each, cut midway (the quartiles of 1 … 16 are 4.5, 8.5 and 12.5)."""
    X = np.random.default_rng(0).permutation(np.arange(1.0, 17.0))[:, None]
    edges = find_edges(X, max_bins=4)
    assert edges[0, :4].tolist() == [4.5, 8.5, 12.5, np.inf]
    assert np.bincount(bin_columns(X, edges)[0]).tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    X = column(np.inf, -np.inf, -0.0, 0.0, np.nan, 3.0, dtype=dtype)
    edges = find_edges(X)
    assert edges.dtype == dtype and bins_used(edges)[0] == 4
    assert bin_columns(X, edges)[0].tolist() == [3, 0, 1, 1, MISSING, 2]


def test_constant_and_missing_columns():
    X = np.column_stack([np.full(5, 7.0), np.full(5, np.nan)])
    edges = find_edges(X)
    assert np.isinf(edges).all() and bins_used(edges).tolist() == [1, 1]
    assert bin_columns(X, edges).tolist() == [[0] * 5, [MISSING] * 5]


def test_neighbouring_floats_are_told_apart():
    """The midpoint of two neighbouring floats rounds to one of them; it must be the lower one."""
    for dtype in (np.float32, np.float64):
        for start in (1.0, 3.0, 1e30, np.finfo(dtype).tiny / 4, 0.0, -1.0):
            low = dtype(start)
            high = np.nextafter(low, dtype(np.inf))
            assert codes_of(column(low, high, dtype=dtype)) == [0, 1]
    largest = np.finfo(np.float64).max
    assert midpoints(np.array([largest / 2]), np.array([largest]))[0] == largest * 0.75  # no overflow


def test_up_to_max_bins_distinct_values_nothing_is_lost():
    X = np.repeat(np.arange(255.0), 3)[:, None]
    assert codes_of(X) == np.repeat(np.arange(255), 3).tolist()
    assert max(codes_of(np.arange(256.0)[:, None])) == 254


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 60), st.just(1)),
                  elements=st.one_of(st.floats(width=32), st.sampled_from([0.0, -0.0, 1.0, np.nan]))),
       st.integers(2, 9))
def test_order_and_ties(X, max_bins):
    """x < y never has code(x) > code(y); x == y has the same code; there are at most max_bins codes."""
    edges = find_edges(X, max_bins=max_bins)
    codes = bin_columns(X, edges)[0]
    present = ~np.isnan(X[:, 0])
    assert (codes[~present] == MISSING).all()
    values, codes = X[present, 0], codes[present].astype(int)
    order = np.argsort(values)
    assert (np.diff(codes[order]) >= 0).all()
    tied = values[order][1:] == values[order][:-1]
    assert (np.diff(codes[order])[tied] == 0).all()
    assert codes.max(initial=0) < max_bins
    if len(np.unique(values)) <= max_bins:
        assert len(np.unique(codes)) == len(np.unique(values))
    else:
        assert len(np.unique(codes)) >= 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_weights_are_repetitions(seed, max_bins):
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(40, 2)), rng.integers(0, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    weights = rng.integers(0, 4, size=40)
    weights[0] = 1
    repeated = np.repeat(X, weights, axis=0)
    np.testing.assert_array_equal(find_edges(X, max_bins, weights), find_edges(repeated, max_bins))
    np.testing.assert_array_equal(find_edges(X, max_bins, weights * 0.1), find_edges(repeated, max_bins))
    shuffled = rng.permutation(40)
    np.testing.assert_array_equal(find_edges(X[shuffled], max_bins, weights[shuffled]),
                                  find_edges(X, max_bins, weights))


def test_quantiles_of_a_skewed_feature():
    X = np.exp(np.random.default_rng(0).normal(size=(20_000, 1)) * 2)
    share = np.bincount(bin_columns(X, find_edges(X, max_bins=50))[0]) / 20_000
    assert len(share) == 50 and share.min() > 0.0195 and share.max() < 0.0205


def test_layouts_and_kinds_agree():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 5)).astype(np.float32)
    edges = find_edges(X)
    codes = bin_columns(X, edges)
    for other in (np.asfortranarray(X), X[::1].astype(np.float64), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(bin_columns(other, edges), codes)
        np.testing.assert_array_equal(bin_rows(other, edges), codes.T)
    np.testing.assert_array_equal(bin_columns(X, edges), binning.bin_columns_formula(X, edges))


def test_sample_of_many_rows(monkeypatch):
    monkeypatch.setattr(binning, "SAMPLE", 2000)
    X = np.arange(50_000.0)[:, None]
    edges = find_edges(X, max_bins=10)
    np.testing.assert_array_equal(edges, find_edges(X, max_bins=10))
    assert np.abs(edges[0, :9] - np.arange(5000, 50_000, 5000)).max() < 2000  # 3.6 standard errors of a quantile
    with_weights = find_edges(X, max_bins=2, sample_weight=np.where(X[:, 0] < 10_000, 6.0, 1.0))
    assert abs(with_weights[0, 0] - 50_000 / 6) < 1000  # half of the weight 100,000 lies below 8,333


def test_errors():
    with pytest.raises(ParameterError, match="got 256") as caught:
        find_edges(column(1.0), max_bins=256)
    assert caught.value.operands == {"max_bins": 256}
    with pytest.raises(ShapeError, match="19"):
        find_edges(np.zeros((20, 2)), sample_weight=np.ones(19))
    with pytest.raises(DataError) as caught:
        find_edges(np.zeros((2, 3)), sample_weight=np.zeros(2))
    assert caught.value.operands == {"X": (0, 3)}
