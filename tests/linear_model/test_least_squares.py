"""Linear regression: the certified Longley answers, parity with scikit-learn, ranks, weights, sparse X, bad input."""

import contextlib
import warnings
from unittest import SkipTest

import numpy as np
import pytest
import sklearn.linear_model as peer
from scipy import optimize, sparse
from sklearn.utils.estimator_checks import estimator_checks_generator

from homespun.errors import DataError, ParameterError, ShapeError
from homespun.kernels import interpreted
from homespun.linear_model import LinearRegression
from homespun.linear_model.base import column_means
from homespun.linear_model.centred_operators import CentredDense, CentredSparse, centred_products, equal_parts
from homespun.linear_model.least_squares import SMALL
from homespun.linear_model.moments import centred_rows, moments, mostly_zeros, outer_products

# Longley 1967, as published by NIST (public domain): employment; price deflator, GNP, unemployed, armed forces, population, year
LONGLEY = np.array([
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947], [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949], [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951], [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953], [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955], [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957], [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959], [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961], [70551, 116.9, 554894, 4007, 2827, 130081, 1962]])
CERTIFIED = [15.0618722713733, -0.358191792925910e-01, -2.02022980381683, -1.03322686717359, -0.511041056535807e-01,
             1829.15146461355]
CERTIFIED_INTERCEPT = -3482258.63459582


def test_longley_agrees_with_the_certified_coefficients():
    """NIST's "higher difficulty" example: columns so nearly dependent that normal equations lose most digits."""
    model = LinearRegression().fit(LONGLEY[:, 1:], LONGLEY[:, 0])
    np.testing.assert_allclose(model.coef_, CERTIFIED, rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, CERTIFIED_INTERCEPT, rtol=1e-9)
    assert model.rank_ == 6


@pytest.mark.parametrize("shape", [(200, 6), (30, 20), (10, 10), (8, 20), (1, 3)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_parity_with_scikit_learn(shape, fit_intercept, weighted):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=shape) * 10 + 100, rng.normal(size=(shape[0], 2)) + 50
    weights = rng.integers(1, 4, shape[0]) * 1.0 if weighted else None
    ours = LinearRegression(fit_intercept=fit_intercept).fit(X, Y, weights)
    theirs = peer.LinearRegression(fit_intercept=fit_intercept).fit(X, Y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-8)
    np.testing.assert_allclose(ours.singular_, theirs.singular_, atol=1e-7)
    assert ours.rank_ == theirs.rank_
    one = LinearRegression(fit_intercept=fit_intercept).fit(X, Y[:, 0], weights)
    np.testing.assert_allclose(one.coef_, ours.coef_[0], atol=1e-10)


@pytest.mark.parametrize("condition", [1e1, 1e3, 1e5, 1e7])
def test_refinement_keeps_the_digits_of_the_normal_equations(condition):
    """A consistent system has one answer; how many digits are lost may grow with the condition, not with its square."""
    rng = np.random.default_rng(0)
    U, V = np.linalg.qr(rng.normal(size=(300, 6)))[0], np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X, w = U * np.geomspace(1, 1 / condition, 6) @ V, np.arange(1.0, 7.0)
    found = LinearRegression(fit_intercept=False, tol=1e-12).fit(X, X @ w).coef_
    assert np.abs(found - w).max() < 1e-14 * condition * 100


def test_a_column_in_other_units_keeps_its_rank():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    scale = np.array([1.0, 1e-9, 1e9])
    ours = LinearRegression().fit(X * scale, y)
    assert ours.rank_ == 3
    np.testing.assert_allclose(ours.coef_ * scale, LinearRegression().fit(X, y).coef_, rtol=1e-9)


def test_dependent_columns_share_and_constant_columns_get_nothing():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), rng.normal(size=50)
    model = LinearRegression().fit(np.column_stack([x, x, np.full(50, 0.1)]), y)
    np.testing.assert_allclose(model.coef_, [*2 * [LinearRegression().fit(x[:, None], y).coef_[0] / 2], 0], atol=1e-12)
    assert model.rank_ == 1
    positive = LinearRegression(positive=True).fit(np.column_stack([x, np.full(50, 0.1)]), 2 * x + 1)
    np.testing.assert_allclose(positive.coef_, [2, 0], atol=1e-12)


@pytest.mark.parametrize("n", [40, 7])
def test_positive_weights(n):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 9)) + 3, rng.normal(size=(n, 2))
    weights = rng.uniform(0.1, 2, n)
    ours, theirs = LinearRegression(positive=True).fit(X, y, weights), peer.LinearRegression(positive=True).fit(X, y, weights)
    assert (ours.coef_ >= 0).all() and (ours.coef_ == 0).any()
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)
    root = np.sqrt(weights)
    target = y[:, 0] - weights @ y[:, 0] / weights.sum()
    residual = optimize.nnls(root[:, None] * (X - column_means(X, weights)), root * target)[1]
    np.testing.assert_allclose(np.linalg.norm(root * (y[:, 0] - ours.predict(X)[:, 0])), residual, rtol=1e-10)


def test_sparse_is_dense(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 12)) * (rng.random((80, 12)) < 0.4) + 0.0, rng.normal(size=(80, 2)) + 5
    weights = rng.uniform(0, 2, 80)
    for format in ("csr", "csc", "coo"):
        for small in (SMALL, 0):  # made dense; LSQR
            monkeypatch.setattr("homespun.linear_model.least_squares.SMALL", small)
            ours = LinearRegression(tol=1e-13).fit(sparse.coo_array(X).asformat(format), y, weights)
            theirs = peer.LinearRegression().fit(X, y, weights)
            np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-9)
            np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-9)
            np.testing.assert_allclose(ours.predict(sparse.csr_array(X)), theirs.predict(X), atol=1e-8)


def test_float32_stays():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 5)) + 1000, rng.normal(size=500)
    ours = LinearRegression().fit(X.astype(np.float32), y.astype(np.float32))
    assert ours.coef_.dtype == ours.intercept_.dtype == ours.predict(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(ours.coef_, peer.LinearRegression().fit(X.astype(np.float32).astype(float), y).coef_, rtol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1e8])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_moments_lose_no_digits_to_a_large_mean(kind, shift, monkeypatch):
    monkeypatch.setattr("homespun.linear_model.base.BLOCK_BYTES", 4096)  # several blocks
    rng = np.random.default_rng(0)
    X, Y, weights = np.round(rng.normal(size=(500, 4)), 3) + shift, rng.normal(size=(500, 2)), rng.uniform(0, 2, 500)
    weights[:150] = 0  # a whole block without weight
    found = moments(kind(X), Y, weights)
    small = X - shift
    centred = small - np.average(small, axis=0, weights=weights)
    rounding = 2e-16 * shift * np.trace(centred.T @ (weights[:, None] * centred)) / 4  # of means; the order of sums decides
    np.testing.assert_allclose(found.gram, centred.T @ (weights[:, None] * centred), rtol=1e-8, atol=1e-9 + rounding)
    np.testing.assert_allclose(found.cross, centred.T @ (weights[:, None] * (Y - found.y_mean)), atol=1e-5)
    np.testing.assert_allclose(found.X_mean, np.average(X, axis=0, weights=weights), rtol=1e-12, atol=1e-12)
    assert found.total == pytest.approx(weights.sum())


def test_outer_products_dense_and_sparse():
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(9, 40)) * (rng.random((9, 40)) < 0.5), rng.uniform(0, 2, 9)
    mean = column_means(X, weights)
    expected = centred_rows(X, mean, weights) @ centred_rows(X, mean, weights).T
    for kind in (np.asarray, sparse.csr_array, sparse.csc_array):
        np.testing.assert_allclose(outer_products(kind(X), column_means(kind(X), weights), weights), expected, atol=1e-12)
        full = kind(X + 5)
        np.testing.assert_allclose(outer_products(full, column_means(full, weights), weights), expected, atol=1e-12)
    assert mostly_zeros(sparse.csc_array(X[:, :1] * 0)) and not mostly_zeros(sparse.csr_array(np.ones((4, 2))))


@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, 30)])
def test_centred_operators_are_what_they_stand_for(weights):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 11)) * (rng.random((30, 11)) < 0.4)
    mean = column_means(X, weights)
    A, u, v = centred_rows(X, mean, weights), rng.normal(size=30), rng.normal(size=11)
    for operator in (CentredSparse(sparse.csr_array(X), mean, weights), CentredDense(X, mean, weights)):
        np.testing.assert_allclose(operator.dot(v), A @ v, atol=1e-12)
        np.testing.assert_allclose(operator.dot_transposed(u), A.T @ u, atol=1e-12)
        np.testing.assert_allclose(operator.normal(v), A.T @ A @ v, atol=1e-12)
        np.testing.assert_allclose(operator.squared_norms(), (A**2).sum(0), atol=1e-12)


def test_sparse_products_are_the_same_on_one_thread_and_interpreted():
    import numba

    X, weights = sparse.random(300, 200, 0.1, format="csr", random_state=0), np.linspace(0, 2, 300)
    u, v = np.linspace(-1, 1, 300), np.random.default_rng(0).normal(size=200)
    many = centred_products(X, weights, v / 3, v, u)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(centred_products(X, weights, v / 3, v, u), many)
    finally:
        numba.set_num_threads(threads)
    with interpreted():
        np.testing.assert_allclose(centred_products(X, weights, v / 3, v, u), many, rtol=1e-12, atol=1e-12)


def test_equal_parts_end_at_the_last_row():
    X = sparse.csr_matrix((np.ones(1001), np.zeros(1001, np.int32), np.array([0, 0, 1000, 1000, 1001])), shape=(4, 1))
    parts = equal_parts(X)
    assert len(parts) == 17 and parts[0] == 0 and parts[-1] == 4 and (np.diff(parts) >= 0).all()
    assert equal_parts(sparse.csr_matrix((3, 5))).tolist() == [0, 3]


def test_weights_are_repetition():
    rng = np.random.default_rng(0)
    X, y, counts = rng.normal(size=(60, 5)), rng.normal(size=60), rng.integers(0, 3, 60)
    for kind in (np.asarray, sparse.csr_array):
        a = LinearRegression().fit(kind(X), y, counts)
        b = LinearRegression().fit(kind(np.repeat(X, counts, axis=0)), np.repeat(y, counts))
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-12)


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda X, y: LinearRegression(tol=-1).fit(X, y), ParameterError, "-1"),
    (lambda X, y: LinearRegression(fit_intercept="yes").fit(X, y), ParameterError, "'yes'"),
    (lambda X, y: LinearRegression().fit(np.where(X[0, 0] == X, np.nan, X), y), DataError, "NaN"),
    (lambda X, y: LinearRegression().fit(X, y[:4]), ShapeError, "4"),
    (lambda X, y: LinearRegression().fit(X, y, np.zeros(10)), DataError, "zero"),
    (lambda X, y: LinearRegression().fit(X, y, -np.ones(10)), DataError, "sample_weight"),
    (lambda X, y: LinearRegression().fit(X, y).predict(X[:, :2]), ShapeError, "2 features"),
])
def test_bad_input_is_explained(call, error, text):
    rng = np.random.default_rng(0)
    with pytest.raises(error) as caught:
        call(rng.normal(size=(10, 3)), rng.normal(size=10))
    assert text in str(caught.value) and caught.value.rule


@pytest.mark.parametrize("model", [LinearRegression(), LinearRegression(positive=True)], ids=repr)
def test_check_estimator(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, check in estimator_checks_generator(model):
            with contextlib.suppress(SkipTest):  # a check that does not apply here
                check(one)
