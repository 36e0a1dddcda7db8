"""Ridge and RidgeCV: parity with scikit-learn for every solver, leave-one-out by its definition, weights, edges, bad input."""

import contextlib
import warnings
from unittest import SkipTest

import numpy as np
import pytest
import sklearn.linear_model as peer
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from homespun.errors import DataError, ParameterError, ShapeError
from homespun.linear_model import Ridge, RidgeCV

SOLVERS = ["auto", "svd", "cholesky", "sparse_cg", "lsqr", "sag", "saga"]
SHAPES = [(200, 5), (12, 10), (10, 10), (9, 25)]


def data(n, d, share=1.0):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(n, d)) * rng.uniform(0.5, 5, d) + 20) * (rng.random((n, d)) < share)
    return X, rng.normal(size=(n, 2)) + X[:, :2] * 3, rng.uniform(0.1, 3, n)


def objective(model, X, y, weights, alpha):
    return weights @ (y - X @ model.coef_ - model.intercept_) ** 2 + alpha * model.coef_ @ model.coef_


def test_textbook_example():
    """One column x = -1, 0, 1 and y = 2 x: w = x'y / (x'x + alpha) = 4 / (2 + alpha), whatever is added to x and y."""
    for alpha in (0.0, 1.0, 6.0):
        model = Ridge(alpha=alpha).fit(np.array([[9.0], [10.0], [11.0]]), [98.0, 100.0, 102.0])
        assert model.coef_[0] == pytest.approx(4 / (2 + alpha))
        assert model.intercept_ == pytest.approx(100 - 10 * 4 / (2 + alpha))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_parity_with_scikit_learn(solver, shape, kind, fit_intercept):
    X, Y, weights = data(*shape, share=0.5)
    if solver == "svd" and sparse.issparse(kind(X)):
        pytest.skip("svd needs X itself")
    for alpha, s in ((2.0, weights), ([0.5, 30.0], None)):
        ours = Ridge(alpha=alpha, solver=solver, fit_intercept=fit_intercept, tol=1e-13, max_iter=2000).fit(kind(X), Y, s)
        theirs = peer.Ridge(alpha=alpha, solver="svd", fit_intercept=fit_intercept).fit(X, Y, s)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-7)
        assert (ours.n_iter_ >= 1).all() and ours.n_iter_.shape == (2,)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("limit", [2000, 0])  # exact; by L-BFGS-B
def test_positive(shape, limit, monkeypatch):
    monkeypatch.setattr("homespun.linear_model.ridge.EXACT_POSITIVE", limit)
    X, Y, weights = data(*shape)
    y = Y[:, 0] - 2 * X[:, 1]
    for kind in (np.asarray, sparse.csr_array):
        ours = Ridge(alpha=3.0, positive=True, tol=1e-9).fit(kind(X), y, weights)
        theirs = peer.Ridge(alpha=3.0, positive=True, tol=1e-9, max_iter=20_000).fit(X, y, weights)
        assert (ours.coef_ >= 0).all() and (ours.coef_ == 0).any() and ours.solver_ == "lbfgs"
        assert objective(ours, X, y, weights, 3.0) <= objective(theirs, X, y, weights, 3.0) * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(50, 4), (6, 9)])
def test_no_penalty_is_least_squares_of_smallest_norm(shape):
    X, Y, _ = data(*shape)
    X = np.column_stack([X, X[:, 0], np.full(len(X), 3.0)])  # dependent columns: the system is singular
    np.testing.assert_allclose(Ridge(alpha=0).fit(X, Y).coef_, peer.LinearRegression().fit(X, Y).coef_, atol=1e-8)


def ridge_formula(X, Y, weights, alpha, centre):
    """coef_ = (V diag(l / (l^2 + alpha)) U'B)' over the singular values that are not zero: scikit-learn's keep rounding."""
    root = np.sqrt(weights)[:, None]
    A, B = (root * (M - np.average(M, axis=0, weights=weights) * centre) for M in (X, Y))
    U, lengths, Vt = np.linalg.svd(A, full_matrices=False)
    U, lengths, Vt = (part[..., lengths > 1e-12 * np.abs(X).max()] for part in (U, lengths, Vt.T))
    return (Vt * (lengths / (lengths**2 + alpha)) @ (U.T @ B)).T


@pytest.mark.parametrize("solver", ["sparse_cg", "sag", "saga"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(50, 100), (1, 2), (30, 40), (60, 20)])
@pytest.mark.parametrize("rank", [None, 10])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_little_penalty_is_nearly_least_squares_of_smallest_norm(solver, kind, shape, rank, fit_intercept):
    """The residual hardly shows an error w0 of w with X w0 = 0, so iterations must not bring it in, at any `tol`."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=shape) if rank is None else rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    X *= rng.uniform(0.3, 3, shape[1])  # columns of unlike lengths
    Y = X @ rng.normal(size=(shape[1], 2)) + rng.normal(size=(shape[0], 2))
    for weights in (None, rng.uniform(0.5, 3, shape[0])):
        for alpha in (0.0, 1e-16, 1e-12, 1e-8, 1e-3):
            expected = ridge_formula(X, Y, np.ones(len(X)) if weights is None else weights, alpha, fit_intercept)
            for tol, accuracy in ((1e-4, 1e-2), (1e-10, 1e-7), (1e-15, 1e-7)):
                ours = Ridge(alpha=alpha, solver=solver, fit_intercept=fit_intercept, tol=tol).fit(kind(X), Y, weights)
                away = np.linalg.norm(ours.coef_ - expected) / (np.linalg.norm(expected) or 1.0)
                assert away < accuracy, (alpha, tol, away)


def test_the_shortest_solution_by_hand():
    """w1 + 2 w2 = 1 is nearest to zero at (1, 2) / 5."""
    for alpha in (0.0, 1e-16, 1e-9):
        model = Ridge(alpha=alpha, solver="sparse_cg", fit_intercept=False).fit([[1.0, 2.0]], [1.0])
        np.testing.assert_allclose(model.coef_, [0.2, 0.4], rtol=1e-8)


@pytest.mark.parametrize("shift", [0, 1e7])
def test_a_large_mean_costs_no_digits(shift):
    X, Y, weights = data(300, 4)
    X = np.round(X, 2)
    np.testing.assert_allclose(Ridge().fit(X + shift, Y, weights).coef_, Ridge().fit(X, Y, weights).coef_, rtol=1e-6)


def test_float32_stays_and_is_summed_in_float64():
    X, Y, _ = data(3000, 4)
    model = Ridge(alpha=0.1).fit(X.astype(np.float32), Y[:, 0])
    assert model.coef_.dtype == model.intercept_.dtype == model.predict(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(model.coef_, Ridge(alpha=0.1).fit(X, Y[:, 0]).coef_, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_are_repetition_and_zero_is_removal(kind, shape):
    X, Y, _ = data(*shape, share=0.5)
    counts = np.random.default_rng(1).integers(0, 3, shape[0])
    for solver in ("auto", "sparse_cg"):
        a = Ridge(solver=solver, tol=1e-13).fit(kind(X), Y, counts)
        b = Ridge(solver=solver, tol=1e-13).fit(kind(np.repeat(X, counts, axis=0)), np.repeat(Y, counts, axis=0))
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-8)


def test_automatic_solver():
    X, Y, _ = data(20, 5)
    assert Ridge().fit(X, Y).solver_ == Ridge().fit(sparse.csr_array(X), Y).solver_ == "cholesky"
    large = sparse.random(2000, 3000, 0.002, format="csr", random_state=0)
    model = Ridge(alpha=1.0, tol=1e-10).fit(large, np.arange(2000.0))
    assert model.solver_ == "sparse_cg"
    np.testing.assert_allclose(model.coef_, peer.Ridge(tol=1e-12).fit(large, np.arange(2000.0)).coef_, atol=1e-5)
    assert Ridge(solver="sag").fit(X, Y).solver_ == "sparse_cg"


def test_edges():
    X, Y, _ = data(30, 3)
    one = Ridge().fit(X[:1], Y[:1, 0])
    assert not one.coef_.any() and one.intercept_ == pytest.approx(Y[0, 0])
    constant = Ridge().fit(X, np.full(30, 4.0))
    np.testing.assert_allclose(constant.predict(X), 4.0)
    assert Ridge().fit(X, Y[:, :1]).coef_.shape == peer.Ridge().fit(X, Y[:, :1]).coef_.shape == (3,)
    assert Ridge(solver="sparse_cg").fit(sparse.csr_array((4, 3)), [1, 2, 3, 4]).coef_.tolist() == [0, 0, 0]


def test_too_few_iterations_warn():
    X, Y, _ = data(100, 20)
    with pytest.warns(ConvergenceWarning, match="after 1 iterations"):
        Ridge(solver="sparse_cg", max_iter=1, tol=1e-12).fit(X, Y[:, 0])


# ---------------------------------------------------------------------------------------------------------------------
# RidgeCV

@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("parameters", [
    {}, {"alpha_per_target": True}, {"scoring": "r2"}, {"scoring": "neg_mean_absolute_error", "alpha_per_target": True},
    {"store_cv_results": True}, {"store_cv_results": True, "scoring": "r2"}, {"gcv_mode": "svd"}], ids=str)
def test_leave_one_out_matches_scikit_learn(kind, shape, fit_intercept, parameters):
    X, Y, weights = data(*shape, share=0.6)
    if parameters.get("gcv_mode") and sparse.issparse(kind(X)):
        pytest.skip("svd needs X itself")
    parameters = {"alphas": [0.1, 3.0, 100.0, 1e4], "fit_intercept": fit_intercept, **parameters}
    for s in (None, weights):
        ours, theirs = RidgeCV(**parameters).fit(kind(X), Y, s), peer.RidgeCV(**parameters).fit(kind(X), Y, s)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
        np.testing.assert_array_equal(ours.alpha_, theirs.alpha_)
        np.testing.assert_allclose(ours.best_score_, theirs.best_score_, rtol=1e-7)
        if "store_cv_results" in parameters:
            np.testing.assert_allclose(ours.cv_results_, theirs.cv_results_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(12, 3), (8, 8), (7, 15)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_leave_one_out_errors_are_what_the_name_says(shape, fit_intercept):
    X, Y, weights = data(*shape)
    weights[2] = 0.0
    y = Y[:, 0]
    model = RidgeCV(alphas=[0.7, 20.0], fit_intercept=fit_intercept, store_cv_results=True, scoring="r2").fit(X, y, weights)
    for k, alpha in enumerate((0.7, 20.0)):
        for i in range(len(y)):
            others = np.arange(len(y)) != i
            without = Ridge(alpha=alpha, fit_intercept=fit_intercept).fit(X[others], y[others], weights[others])
            assert model.cv_results_[i, k] == pytest.approx(without.predict(X[i : i + 1])[0], rel=1e-6)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_folds_match_scikit_learn(kind):
    X, Y, _ = data(60, 5, share=0.6)
    for scoring in (None, "neg_mean_squared_error"):
        ours = RidgeCV(alphas=[0.1, 30.0, 1e4], cv=4, scoring=scoring).fit(kind(X), Y)
        theirs = peer.RidgeCV(alphas=[0.1, 30.0, 1e4], cv=4, scoring=scoring).fit(X, Y)
        assert ours.alpha_ == theirs.alpha_
        assert ours.best_score_ == pytest.approx(theirs.best_score_, rel=1e-6)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)


def test_ridge_cv_float32_and_one_alpha():
    X, Y, _ = data(50, 4)
    model = RidgeCV(alphas=2.0).fit(X.astype(np.float32), Y[:, 0])
    assert model.coef_.dtype == np.float32 and model.alpha_ == 2.0


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda X, y: Ridge(alpha=-1).fit(X, y), ParameterError, "-1"),
    (lambda X, y: Ridge(alpha=[1, -3]).fit(X, np.column_stack([y, y])), ParameterError, "-3"),
    (lambda X, y: Ridge(alpha=[1, 2, 3]).fit(X, np.column_stack([y, y])), ShapeError, "3 entries"),
    (lambda X, y: Ridge(solver="choleski").fit(X, y), ParameterError, "'cholesky'"),
    (lambda X, y: Ridge(solver="lbfgs").fit(X, y), ParameterError, "positive=False"),
    (lambda X, y: Ridge(solver="svd", positive=True).fit(X, y), ParameterError, "positive=True"),
    (lambda X, y: Ridge(solver="svd").fit(sparse.csr_array(X), y), DataError, "dense"),
    (lambda X, y: Ridge().fit(np.where(X[0, 0] == X, np.inf, X), y), DataError, "infinity"),
    (lambda X, y: Ridge().fit(X, y, np.zeros(10)), DataError, "zero"),
    (lambda X, y: Ridge().fit(X, y).predict(X[:, :2]), ShapeError, "2 features"),
    (lambda X, y: RidgeCV(alphas=[1.0, 0.0]).fit(X, y), ParameterError, "> 0"),
    (lambda X, y: RidgeCV(cv=2, store_cv_results=True).fit(X, y), ParameterError, "cv=2"),
    (lambda X, y: RidgeCV(scoring="r3").fit(X, y), ParameterError, "'r3'"),
    (lambda X, y: RidgeCV().fit(X[:1], y[:1]), DataError, "1 sample"),
])
def test_bad_input_is_explained(call, error, text):
    rng = np.random.default_rng(0)
    with pytest.raises((error, TypeError)) as caught:
        call(rng.normal(size=(10, 3)), rng.normal(size=10))
    assert text in str(caught.value)
    assert isinstance(caught.value, TypeError) or caught.value.rule


CHECKED = [Ridge(), Ridge(positive=True), Ridge(solver="svd"), Ridge(solver="sparse_cg", tol=1e-10),
           Ridge(solver="lsqr", tol=1e-10), RidgeCV(), RidgeCV(cv=3)]


@pytest.mark.parametrize("model", CHECKED, ids=repr)
def test_check_estimator(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, check in estimator_checks_generator(model):
            with contextlib.suppress(SkipTest):  # a check that does not apply here
                check(one)


def test_weights_of_a_wrong_kind_are_a_type_error_too():
    """scikit-learn raises a TypeError there; ours is a DataError, and both are caught."""
    for kind in (DataError, TypeError):
        with pytest.raises(kind, match=r"Ridge\.fit: sample_weight: .*got scalar `array\(0\.\)`") as error:
            Ridge().fit([[0.0], [1.0]], [0.0, 1.0], sample_weight=np.array(0))
    assert error.value.operation == "Ridge.fit"
