"""Lasso and elastic net: parity with scikit-learn, optimality conditions, weights as repetition, edges, bad input."""

import contextlib
import warnings
from unittest import SkipTest

import numpy as np
import pytest
import sklearn.linear_model as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from homespun.errors import DataError, ParameterError, ShapeError
from homespun.linear_model import ElasticNet, ElasticNetCV, Lasso, LassoCV, enet_path, lasso_path
from homespun.linear_model.designs import ROUGH_ROWS, DenseDesign, GramDesign, SparseDesign, make_design
from homespun.linear_model.working_set import WorkingSet, duality_gap, solve_support


def data(n=60, d=8, *, shift=3.0, seed=0, share=1.0):
    """Uncentred, unscaled, correlated columns; a few of them matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))) * rng.uniform(0.5, 3, d) + shift
    X *= rng.random((n, d)) < share
    return X, X[:, :3] @ [1.0, -2.0, 0.5] + rng.normal(size=n) + 10


def objective(model, X, y, weights=None):
    residual = y - X @ model.coef_ - model.intercept_
    l1, l2 = model.alpha * model.l1_ratio, model.alpha * (1 - model.l1_ratio)
    return np.average(residual**2, weights=weights) / 2 + l1 * np.abs(model.coef_).sum() + l2 / 2 * (model.coef_**2).sum()


@pytest.mark.parametrize("kind", [np.asarray, np.asfortranarray, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("shape", [(60, 8), (40, 60), (700, 310)])  # Gram, wide, more columns than the Gram is formed for
@pytest.mark.parametrize("parameters", [
    {"alpha": 0.3}, {"alpha": 0.05, "l1_ratio": 0.5}, {"alpha": 0.2, "fit_intercept": False}, {"alpha": 0.1, "positive": True},
    {"alpha": 1e6}, {"alpha": 0.1, "l1_ratio": 0.9, "selection": "random", "random_state": 0}], ids=str)
def test_parity_with_scikit_learn(kind, shape, parameters):
    X, y = data(*shape, share=0.6)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, shape[0])
    parameters = {"l1_ratio": 1.0, "tol": 1e-11, **parameters}
    ours = ElasticNet(**parameters).fit(kind(X), y, weights)
    theirs = peer.ElasticNet(max_iter=100_000, **parameters).fit(X, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-5 * max(1.0, np.abs(theirs.coef_).max()))
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    assert objective(ours, X, y, weights) <= objective(theirs, X, y, weights) * (1 + 1e-12)


@pytest.mark.parametrize("alpha", [0.5, 0.05, 0.005])
def test_objective_is_not_worse_at_default_settings(alpha):
    X, y = data(50, 120)
    ours, theirs = Lasso(alpha=alpha).fit(X, y), peer.Lasso(alpha=alpha, max_iter=50_000).fit(X, y)
    theirs.l1_ratio = 1.0
    assert objective(ours, X, y) <= objective(theirs, X, y) + 1e-4 * y.var()
    assert 0 <= ours.dual_gap_ <= 1e-4 * y.var()


def test_orthogonal_columns_are_soft_thresholded():
    """Tibshirani 1996, equation 3: with orthonormal columns the lasso weight is sign(w) (|w| - gamma)+, w of least squares."""
    X = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 4)))[0]
    least_squares = np.array([3.0, -2.0, 0.4, 0.0])
    model = Lasso(alpha=0.5 / 20, fit_intercept=False, tol=1e-12).fit(X, X @ least_squares)
    np.testing.assert_allclose(model.coef_, [2.5, -1.5, 0.0, 0.0], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(1, 30), st.floats(0.01, 1.0), st.integers(0, 10_000))
def test_conditions_of_optimality(n, d, share, seed):
    """At the minimum, g_j = l1 sign(w_j) where w_j is not zero, and |g_j| <= l1 where it is."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)) + 1, rng.normal(size=n)
    correlation = np.abs((X - X.mean(0)).T @ (y - y.mean())) / n
    alpha = max(share * correlation.max(), 1e-3)
    model = Lasso(alpha=alpha, tol=1e-13, max_iter=100_000).fit(X, y)
    gradient = (X - X.mean(0)).T @ (y - model.predict(X)) / n
    used = model.coef_ != 0
    np.testing.assert_allclose(gradient[used], alpha * np.sign(model.coef_[used]), atol=1e-5)
    assert (np.abs(gradient) <= alpha + 1e-5).all()


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("d", [5, 90])
def test_weights_are_repetition_and_zero_is_removal(kind, d):
    X, y = data(45, d, share=0.5)
    counts = np.random.default_rng(2).integers(0, 4, 45)
    weighted = Lasso(alpha=0.2, tol=1e-12).fit(kind(X), y, counts)
    repeated = Lasso(alpha=0.2, tol=1e-12).fit(kind(np.repeat(X, counts, axis=0)), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)
    np.testing.assert_allclose(weighted.dual_gap_, repeated.dual_gap_, atol=1e-9)


def test_row_order_does_not_matter():
    X, y = data(80, 100)
    order = np.random.default_rng(0).permutation(80)
    in_order, shuffled = Lasso(0.1, tol=1e-12).fit(X, y), Lasso(0.1, tol=1e-12).fit(X[order], y[order])
    np.testing.assert_allclose(in_order.coef_, shuffled.coef_, atol=1e-8)


def test_float32_stays_and_is_centred_before_rounding():
    X, y = data(100, 120, shift=1000.0)
    model = Lasso(alpha=0.1).fit(X.astype(np.float32), y.astype(np.float32))
    assert model.coef_.dtype == np.float32 and model.predict(X.astype(np.float32)).dtype == np.float32
    reference = Lasso(alpha=0.1).fit(X.astype(np.float32).astype(np.float64), y)
    assert np.abs(model.coef_ - reference.coef_).max() < 0.02


def test_x_is_not_changed_and_may_be_read_only():
    X, y = data(30, 50)
    kept = X.copy()
    X.flags.writeable = False
    Lasso(alpha=0.1, copy_X=False).fit(X, y)
    np.testing.assert_array_equal(X, kept)


def test_several_targets_are_independent_problems():
    X, y = data()
    model = ElasticNet(alpha=0.1).fit(X, np.column_stack([y, -2 * y + 1]))
    assert model.coef_.shape == (2, 8) and len(model.n_iter_) == 2 and model.dual_gap_.shape == (2,)
    np.testing.assert_allclose(model.coef_[0], ElasticNet(alpha=0.1).fit(X, y).coef_, rtol=1e-9, atol=1e-12)
    assert model.sparse_coef_.shape == (2, 8)


def test_warm_start_begins_at_the_solution():
    X, y = data(100, 120)
    model = Lasso(alpha=0.01, tol=1e-10, warm_start=True).fit(X, y)
    first = model.n_iter_
    assert model.fit(X, y).n_iter_ <= 3 < first


@pytest.mark.parametrize("precompute", [True, np.eye(8)])
def test_precompute_changes_nothing(precompute):
    X, y = data()
    given = Lasso(0.1, tol=1e-12, precompute=precompute).fit(X, y)
    np.testing.assert_allclose(given.coef_, Lasso(0.1, tol=1e-12).fit(X, y).coef_, atol=1e-10)


def test_constant_columns_get_no_weight_and_constant_target_none_at_all():
    X, y = data()
    X[:, 4] = 0.1
    for alpha in (0.1, 1e-9):
        for kind in (np.asarray, sparse.csc_array):
            assert Lasso(alpha=alpha, max_iter=5000).fit(kind(X), y).coef_[4] == 0
    constant = Lasso(alpha=0.1).fit(X, np.full(len(X), 7.0))
    assert not constant.coef_.any() and constant.intercept_ == pytest.approx(7.0) and constant.n_iter_ >= 1
    one_row = Lasso(alpha=0.1).fit(X[:1], y[:1])
    assert not one_row.coef_.any() and one_row.intercept_ == pytest.approx(y[0])


def test_duplicate_columns_predict_as_one():
    X, y = data(30, 4)
    double = Lasso(alpha=0.05, tol=1e-10).fit(np.hstack([X, X]), y)
    np.testing.assert_allclose(double.predict(np.hstack([X, X])), Lasso(alpha=0.05, tol=1e-10).fit(X, y).predict(X), atol=1e-3)


def test_too_few_passes_warn_with_the_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 200))
    with pytest.warns(ConvergenceWarning, match=r"did not converge in \d+ passes.*alpha=1e-05"):
        Lasso(alpha=1e-5, max_iter=1, tol=1e-10).fit(X, X[:, :30].sum(axis=1))


def test_alpha_zero_is_least_squares_with_a_warning():
    X, y = data()
    with pytest.warns(UserWarning, match="alpha=0"):
        model = Lasso(alpha=0, tol=1e-14).fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.LinearRegression().fit(X, y).coef_, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("shape", [(50, 8), (30, 50)])
def test_paths_match_scikit_learn(l1_ratio, shape):
    X, y = data(*shape, shift=0.0)
    y = y - y.mean()
    settings = {"l1_ratio": l1_ratio, "tol": 1e-11, "max_iter": 100_000, "eps": 1e-2}
    alphas, coefs, gaps, passes = enet_path(X, y, alphas=12, return_n_iter=True, **settings)
    their_alphas, their_coefs, _ = peer.enet_path(X, y, alphas=12, **settings)
    np.testing.assert_allclose(alphas, their_alphas, rtol=1e-12)
    np.testing.assert_allclose(coefs, their_coefs, atol=1e-4)
    assert gaps.shape == (12,) and len(passes) == 12 and (gaps <= 1e-11 * (y @ y)).all()


def test_lasso_path_takes_given_penalties_in_any_order_and_a_start():
    X, y = data(shift=0.0)
    alphas, coefs, _ = lasso_path(X, y - y.mean(), alphas=[0.1, 1.0, 0.5], tol=1e-12)
    assert alphas.tolist() == [1.0, 0.5, 0.1]
    _, again, _ = lasso_path(X, y - y.mean(), alphas=[0.1], coef_init=coefs[:, 2], tol=1e-12)
    np.testing.assert_allclose(again[:, 0], coefs[:, 2], atol=1e-10)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize(("ours", "theirs", "parameters"), [
    (LassoCV, peer.LassoCV, {"alphas": 15}), (LassoCV, peer.LassoCV, {"alphas": [1.0, 0.1, 3.0], "positive": True}),
    (ElasticNetCV, peer.ElasticNetCV, {"alphas": 10, "l1_ratio": [0.3, 0.9], "fit_intercept": False})], ids=str)
def test_cross_validation_matches_scikit_learn(kind, ours, theirs, parameters):
    X, y = data(60, 6, share=0.5)
    weights = np.random.default_rng(0).uniform(0.1, 2, 60)
    a = ours(tol=1e-10, cv=4, **parameters).fit(kind(X), y, weights)
    b = theirs(tol=1e-10, cv=4, max_iter=100_000, **parameters).fit(X, y, weights)
    assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-12)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-6)
    np.testing.assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-5)
    np.testing.assert_allclose(a.alphas_, b.alphas_, rtol=1e-12)
    assert getattr(a, "l1_ratio_", None) == getattr(b, "l1_ratio_", None)


def test_designs_agree():
    X, y = data(40, 12, share=0.4)
    weights = np.random.default_rng(0).uniform(0.5, 2, 40)
    gram, dense = (make_design(X, y, weights, gram=choice)[0] for choice in (True, False))
    thin = make_design(sparse.csc_array(X), y, weights, gram=False)[0]
    assert [type(one) for one in (gram, dense, thin)] == [GramDesign, DenseDesign, SparseDesign]
    members, new, w = np.array([3, 7, 1]), np.array([0, 9]), np.array([0.5, 0.0, -2.0])
    answers = []
    for one in (gram, dense, thin):
        first = one.admit(np.empty(0, dtype=int), members)
        answers.append([first, *one.evaluate(members, w), one.admit(members, new), one.correlation])
    for other in answers[1:]:
        for a, b in zip(answers[0], other):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def tall(dtype=np.float64, order="C"):
    """So many rows that products of columns begin in float32; means far from zero, columns that repeat others."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROUGH_ROWS + 50, 310))
    X[:, 1:] = 0.8 * X[:, 1:] + 0.6 * X[:, :-1]
    X[:, 7], X[:, 9], X[:, 11] = X[:, 6], X[:, 4] + X[:, 5], 1.0
    y = X[:, :40] @ rng.normal(size=40) + 3 * rng.normal(size=len(X)) + 5
    return np.asarray(X + 10 * rng.normal(size=310), dtype=dtype, order=order), y


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 1e-13])
@pytest.mark.parametrize("parameters", [{"alpha": 0.05}, {"alpha": 0.5, "positive": True}, {"alpha": 0.2, "l1_ratio": 0.3},
                                        {"alpha": 0.1, "l1_ratio": 0.0}], ids=str)
def test_rough_products_reach_every_tolerance(parameters, tol):
    X, y = tall()
    parameters = {"l1_ratio": 1.0, **parameters}
    a = ElasticNet(tol=tol, **parameters).fit(X, y)
    b = peer.ElasticNet(tol=1e-10, max_iter=20_000, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it ends at its rounding
        b.fit(X, y)

    def value(model):
        l1, w = parameters["alpha"] * parameters["l1_ratio"], model.coef_
        squares = ((y - X @ w - model.intercept_) ** 2).mean()
        return squares / 2 + l1 * np.abs(w).sum() + (parameters["alpha"] - l1) / 2 * w @ w

    assert a.dual_gap_ <= tol * y.var()
    assert value(a) <= value(b) + a.dual_gap_ + 1e-9 * y.var()
    assert value(a) >= value(b) - 1e-6 * y.var()


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_columns_beyond_float32_are_multiplied_in_float64(scale):
    X, y = tall()
    X = X * np.where(np.arange(310) % 2, scale, 1.0)
    design, *_ = make_design(X, y)
    first = design.admit(np.empty(0, dtype=int), np.array([0, 2]))
    assert design.rough is not None
    second = design.admit(np.array([0, 2]), np.array([1, 4]))
    assert design.rough is None
    A = X - X.mean(axis=0)
    np.testing.assert_allclose(first, A[:, [0, 2]].T @ A[:, [0, 2]], rtol=1e-4)
    np.testing.assert_allclose(second, A[:, [0, 2, 1, 4]].T @ A[:, [1, 4]], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tall_fits_are_the_same_on_one_thread_in_any_layout_and_with_weights(dtype):
    import numba

    X, y = tall(dtype)
    many = Lasso(alpha=0.05).fit(X, y).coef_
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(Lasso(alpha=0.05).fit(X, y).coef_, many)
    finally:
        numba.set_num_threads(threads)
    settings = {"alpha": 0.05, "tol": 1e-9}
    repeats = 1 + np.arange(len(X)) % 3
    weighted = Lasso(**settings).fit(np.asfortranarray(X), y, repeats - 1.0)
    repeated = Lasso(**settings).fit(np.repeat(X, repeats - 1, axis=0), np.repeat(y, repeats - 1))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=2e-3)


def test_support_is_solved_exactly_also_through_flips_and_dependent_columns():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(12, 20))  # more columns than rows: the system of all is singular
    G, c = A.T @ A, A.T @ rng.normal(size=12)
    w = np.sign(c) * 0.1

    def value(w):
        return 0.5 * w @ G @ w - c @ w + 0.2 * np.abs(w).sum()

    before = value(w)
    assert solve_support(G, c, w, 0.2, 0.0, False)
    support = w != 0
    np.testing.assert_allclose((c - G @ w)[support], 0.2 * np.sign(w[support]), atol=1e-7)
    assert value(w) < before and support.sum() <= 12
    assert not solve_support(G, c, np.zeros(20), 0.2, 0.0, False)


def test_duality_gap_bounds_the_distance_to_the_minimum():
    X, y = data(50, 60)
    solver = WorkingSet(make_design(X, y)[0])
    gap, goal, _ = solver.solve(20.0, 0.0, 1e-14, 10_000)
    best = 0.5 * solver.design.evaluate(solver.members, solver.weights)[1] + 20.0 * np.abs(solver.weights).sum()
    for scale in (0.0, 0.5, 0.9):
        w = scale * solver.weights
        gradient, rr, ry = solver.design.evaluate(solver.members, w)
        excess = 0.5 * rr + 20.0 * np.abs(w).sum() - best
        assert excess <= duality_gap(gradient, solver.members, w, rr, ry, 20.0, 0.0, False) * (1 + 1e-9) + 1e-9
    assert gap <= goal


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda X, y: Lasso(alpha=-1).fit(X, y), ParameterError, "-1"),
    (lambda X, y: ElasticNet(l1_ratio=1.5).fit(X, y), ParameterError, "1.5"),
    (lambda X, y: Lasso(selection="cycle").fit(X, y), ParameterError, "'cyclic'"),
    (lambda X, y: Lasso().fit(np.where(X[3, 2] == X, np.nan, X), y), DataError, "NaN"),
    (lambda X, y: Lasso().fit(np.where(X[3, 2] == X, np.inf, X), y), DataError, "infinity"),
    (lambda X, y: Lasso().fit(X, np.where(y == y[0], np.nan, y)), DataError, "NaN"),
    (lambda X, y: Lasso().fit(X, y[:-1]), ShapeError, "59"),
    (lambda X, y: Lasso().fit(X, y, -np.ones(60)), DataError, "sample_weight"),
    (lambda X, y: Lasso().fit(X, y, np.zeros(60)), DataError, "zero"),
    (lambda X, y: Lasso(precompute=np.eye(3)).fit(X, y), ShapeError, "(3, 3)"),
    (lambda X, y: LassoCV().fit(X, np.column_stack([y, y])), ShapeError, "2"),
    (lambda X, y: LassoCV(alphas=[0.1, -0.5]).fit(X, y), ParameterError, "-0.5"),
    (lambda X, y: ElasticNetCV(l1_ratio=[0.5, 2.0]).fit(X, y), ParameterError, "2.0"),
    (lambda X, y: ElasticNetCV(l1_ratio=0).fit(X, y), DataError, "l1_ratio"),
    (lambda X, y: Lasso().fit(X, y).predict(X[:, :3]), ShapeError, "3 features"),
])
def test_bad_input_is_explained(call, error, text):
    with pytest.raises(error) as caught:
        call(*data())
    assert text in str(caught.value)
    assert caught.value.rule


CHECKED = [Lasso(), ElasticNet(), Lasso(positive=True), Lasso(alpha=0.01, selection="random", random_state=0), LassoCV(alphas=10),
           ElasticNetCV(alphas=10)]


@pytest.mark.parametrize("model", CHECKED, ids=repr)
def test_check_estimator(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, check in estimator_checks_generator(model):
            with contextlib.suppress(SkipTest):  # a check that does not apply here
                check(one)


def test_a_fold_without_weight_is_refused():
    X = np.random.default_rng(0).normal(size=(60, 4))
    with pytest.raises(DataError, match="a fold holds no row of a weight above zero") as error:
        LassoCV().fit(X, X[:, 0], sample_weight=np.r_[np.zeros(59), 1.0])
    assert error.value.rule == "weight in every fold"
