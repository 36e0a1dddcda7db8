"""Numbers whose squares leave the range of float64: right weights, or a DataError that says so; never NaN or zero in silence."""

import numpy as np
import pytest
from scipy import sparse

from homespun.errors import DataError
from homespun.linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LinearRegression,
    Ridge,
    RidgeCV,
    enet_path,
    lasso_path,
)

LARGEST = np.finfo(np.float64).max
MODELS = {
    "elastic net": ElasticNet(alpha=0.1), "lasso": Lasso(alpha=0.1), "with gram": ElasticNet(alpha=0.1, precompute=True),
    "elastic net cv": ElasticNetCV(cv=2), "lasso cv": LassoCV(cv=2), "ridge": Ridge(), "svd": Ridge(solver="svd"),
    "sparse_cg": Ridge(solver="sparse_cg"), "no penalty": Ridge(solver="sparse_cg", alpha=0), "lsqr": Ridge(solver="lsqr"),
    "positive": Ridge(positive=True), "ridge cv": RidgeCV(), "ridge cv in folds": RidgeCV(cv=2),
    "least squares": LinearRegression(), "positive least squares": LinearRegression(positive=True)}
DENSE = ("svd", "positive least squares")


def data(shape, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.uniform(size=shape)
    return Z, Z @ rng.uniform(0.1, 0.2, shape[1])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(12, 2), (6, 12)])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_largest_numbers_are_refused(name, shape, kind):
    Z, y = data(shape)
    if kind is sparse.csr_array and name in DENSE:
        kind = np.asarray
    for X, target, where in ((LARGEST * Z, y, "X"), (Z, LARGEST * (y > y.mean()), "y")):
        with pytest.raises(DataError, match=r"1\.\d+e\+308 in " + where) as error:
            MODELS[name].fit(kind(X), target)
        assert error.value.operation.endswith(".fit") and "squares" in error.value.rule


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [1e160, 1e200, 1e290])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_squares_that_overflow_end_in_words_or_in_the_right_weights(name, size, kind):
    Z, y = data((12, 2))
    try:
        model = MODELS[name].fit((np.asarray if name in DENSE else kind)(size * Z), y)
    except DataError as error:
        assert "squares" in str(error)
        assert name not in ("ridge", "svd", "least squares", "positive least squares")  # these need no squares
    else:  # beside such numbers, no penalty counts
        np.testing.assert_allclose(model.predict(size * Z), y, rtol=1e-6)


@pytest.mark.parametrize("path", [enet_path, lasso_path])
def test_paths_refuse_them_too(path):
    Z, y = data((12, 2))
    with pytest.raises(DataError, match=r"ElasticNet\.fit: .*1e\+200 in X"):
        path(1e200 * Z / Z.max(), y)


def test_scikit_learn_s_words_are_there():
    Z, y = data((10, 2))
    with pytest.raises(ValueError, match="Coordinate descent iterations resulted in non-finite parameter values"):
        ElasticNet(alpha=0.1).fit(LARGEST * Z, y)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("model", [Ridge(solver="sparse_cg"), Ridge(solver="sparse_cg", fit_intercept=False), ElasticNet(),
                                   ElasticNet(precompute=True), LassoCV(cv=2)], ids=str)
def test_a_number_that_is_none_is_found_wherever_it_is(model, kind, bad):
    """X is not searched for it: it shows in the sums, also where a weight or a target is zero."""
    X, y = data((20, 5))
    X[3, 2] = bad
    weights = np.ones(20)
    weights[3] = 0.0
    for target in (y, np.zeros(20)):
        for these in (None, weights):
            with pytest.raises(DataError, match="NaN" if np.isnan(bad) else "infinity"):
                model.fit(kind(X), target, these)
