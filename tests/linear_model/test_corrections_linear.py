"""Statements about linear models that are often told loosely, and what is right (E5, E12, E14, E15, E19, E25, E26)."""

import numpy as np
import pytest

from homespun.linear_model import (
    GradientDescentRegressor,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
)
from homespun.linear_model.gradient_descent import cost, derivative, difference
from homespun.preprocessing import OneHotEncoder

RNG = np.random.default_rng(7)


def test_e5_a_boundary_has_one_dimension_less_than_the_data():
    """In 4 dimensions the points of w . x + b = 0 fill 3: moving along any of them never changes the decision."""
    X = RNG.normal(size=(200, 4))
    model = LogisticRegression().fit(X, X @ [1.0, -2.0, 0.5, 1.0] > 0)
    along = np.linalg.svd(model.coef_)[2][1:]  # a basis of the directions within the boundary
    assert along.shape == (3, 4)
    np.testing.assert_allclose(model.decision_function(X[:1] + 100 * along), np.repeat(model.decision_function(X[:1]), 3))


def test_e12_it_is_the_sum_of_the_dummies_that_is_constant():
    """Each dummy differs from the constant; all together they add up to it. Least squares of smallest norm still predicts."""
    colours = RNG.choice(["red", "green", "blue"], size=(60, 1))
    dummies = OneHotEncoder(sparse_output=False).fit_transform(colours)
    np.testing.assert_array_equal(dummies.sum(axis=1), 1.0)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(60), dummies])) == 3 < 4
    assert all(np.linalg.matrix_rank(np.column_stack([np.ones(60), one])) == 2 for one in dummies.T)
    y = dummies @ [1.0, 2.0, 4.0]
    for kept in (dummies, dummies[:, 1:]):
        np.testing.assert_allclose(LinearRegression().fit(kept, y).predict(kept), y)


def test_e14_a_cost_is_not_the_way_to_its_minimum():
    """Squared error is the cost; gradient descent and the closed form are two ways to one minimum. C is *inverse* strength."""
    X = RNG.normal(size=(80, 3))
    y = X @ [1.0, 2.0, -1.0] + 5 + 0.1 * RNG.normal(size=80)
    np.testing.assert_allclose(GradientDescentRegressor(tol=1e-12, max_iter=10_000).fit(X, y).coef_,
                               LinearRegression().fit(X, y).coef_, rtol=1e-5)
    sizes = [np.abs(LogisticRegression(C=C).fit(X, y > 5).coef_).sum() for C in (0.01, 1.0, 100.0)]
    assert sizes == sorted(sizes)  # C=100 penalises least


def test_e15_logistic_regression_has_as_many_classes_as_the_data():
    """The multinomial one gives probabilities that sum to one; `SGDClassifier` has a model for each class against the rest."""
    X = RNG.normal(size=(150, 2))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    model = LogisticRegression(C=100).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.95 and model.coef_.shape == (3, 2)
    alone = SGDClassifier(random_state=0, shuffle=False, max_iter=20, tol=None)
    together = SGDClassifier(random_state=0, shuffle=False, max_iter=20, tol=None).fit(X, y)
    np.testing.assert_array_equal(together.coef_[2], alone.fit(X, y == 2).coef_[0])


def test_e19_a_logarithm_keeps_order_and_turns_products_into_sums():
    values = np.array([1e-3, 0.5, 1.0, 2.0, 1e6])
    assert (np.diff(np.log(values)) > 0).all() and (np.log(values[values < 1]) < 0).all()
    likelihoods = np.full(2000, 0.3)
    assert np.prod(likelihoods) == 0.0 and np.log(likelihoods).sum() == pytest.approx(2000 * np.log(0.3))


def test_e25_supervised_learning_is_given_pairs():
    """Not f and x: pairs (x, f(x)), from which f is found."""
    x = np.arange(6.0)[:, None]
    found = LinearRegression().fit(x, 3 * x[:, 0] - 1)
    assert (found.coef_[0], found.intercept_) == pytest.approx((3.0, -1.0))


def test_e26_squares_take_the_sign_and_have_a_derivative():
    """Errors of +1 and -1 cancel in a sum, not in squares; and the minimum of squares is the mean, the likeliest where errors are
    normal. That an outlier pulls hard is the price."""
    y, X = np.array([-1.0, 1.0]), np.zeros((2, 1))
    assert (X[:, 0] - y).sum() == 0 and cost(X, y, np.zeros(1), 0.0, np.full(2, 0.5)) == 1.0
    values = np.append(RNG.normal(size=50), 1000.0)
    model = GradientDescentRegressor(learning_rate=0.5, tol=1e-12).fit(np.zeros((51, 1)), values)
    assert -model.intercept_ == pytest.approx(-values.mean()) and abs(values.mean()) > 10  # y = w . x - b


def test_the_derivative_is_the_limit_of_differences():
    X, y = RNG.normal(size=(30, 3)), RNG.normal(size=30)
    share = np.full(30, 1 / 30)
    exact = derivative(X, y, np.ones(3), 0.5, share)
    for h in (1.0, 1e-2, 1e-4):  # of a square, central differences are exact for any h
        near = difference(X, y, np.ones(3), 0.5, share, h)
        np.testing.assert_allclose(near[0], exact[0], rtol=1e-6)
        assert near[1] == pytest.approx(exact[1], rel=1e-6)
    by_h = GradientDescentRegressor(h=1e-3, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(by_h.coef_, GradientDescentRegressor(tol=1e-10).fit(X, y).coef_, atol=1e-4)


def test_descent_can_be_watched_and_stopped_at_any_step():
    X, y, seen = RNG.normal(size=(40, 2)), RNG.normal(size=40), []
    model = GradientDescentRegressor(learning_rate=0.1, max_iter=20, tol=0, watch=seen.append).fit(X, y)
    assert [step.number for step in seen] == list(range(1, 21)) and len(model.costs_) == 21 and model.n_iter_ == 20
    assert (np.diff(model.costs_) < 0).all()
    np.testing.assert_allclose(seen[3].w, seen[2].w - 0.1 * seen[2].derivative_w)  # iterate: the step before, the rate long
    assert seen[3].b == pytest.approx(seen[2].b - 0.1 * seen[2].derivative_b)
    one = GradientDescentRegressor(learning_rate=0.1)
    descent = one.steps(X, y)
    step = [next(descent) for _ in range(4)][-1]
    np.testing.assert_array_equal(step.w, seen[3].w)
    assert "step 4: w = [" in str(step) and one.n_iter_ == 4


def test_a_rate_that_is_too_large_is_told_with_one_that_is_not():
    X, y = 3 + RNG.normal(size=(40, 2)), RNG.normal(size=40)
    with pytest.raises(ValueError, match=r"cost grew from .* learning_rate=1 is too large, below 0\.\d+ converges") as caught:
        GradientDescentRegressor(learning_rate=1.0).fit(X, y)
    limit = float(str(caught.value).partition("below ")[2].split()[0])
    assert GradientDescentRegressor(learning_rate=0.95 * limit, max_iter=100_000).fit(X, y).costs_[-1] < 5
    with pytest.warns(UserWarning, match="max_iter=2 steps were not enough"):
        GradientDescentRegressor(max_iter=2).fit(X, y)


def test_weights_are_repetition_and_ridge_is_another_problem():
    X, y, weights = RNG.normal(size=(20, 2)), RNG.normal(size=20), RNG.integers(0, 3, 20)
    rows = np.repeat(np.arange(20), weights)
    np.testing.assert_allclose(GradientDescentRegressor(tol=1e-12).fit(X, y, weights).coef_,
                               LinearRegression().fit(X[rows], y[rows]).coef_, rtol=1e-4)
    assert not np.allclose(Ridge(alpha=50).fit(X, y).coef_, LinearRegression().fit(X, y).coef_)
