"""Generalized linear models, Huber's and Bayesian regression, ridge classifiers: parity, optimality, bad input."""

import numpy as np
import pytest
import sklearn.linear_model as theirs
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.base import DataError, ParameterError
from homespun.linear_model import (
    ARDRegression,
    BayesianRidge,
    GammaRegressor,
    HuberRegressor,
    PoissonRegressor,
    RidgeClassifier,
    RidgeClassifierCV,
    TweedieRegressor,
)
from homespun.linear_model.generalized import half_deviance, unit_deviance
from homespun.linear_model.huber import HuberLoss

RNG = np.random.default_rng(5)
X = RNG.normal(size=(150, 5)) + [0, 2, 0, -1, 0]
SIGNAL = 0.3 * X @ [1, -1, 0.5, 0, 0.3]
COUNTS = RNG.poisson(np.exp(SIGNAL)).astype(float)
AMOUNTS = RNG.gamma(3.0, np.exp(SIGNAL) / 3.0)
Y = SIGNAL + 0.1 * RNG.normal(size=150)
WEIGHTS = RNG.integers(0, 4, 150).astype(float)
KINDS = pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])


@KINDS
@pytest.mark.parametrize(("name", "y", "settings"), [
    ("PoissonRegressor", COUNTS, {}), ("PoissonRegressor", COUNTS, {"alpha": 0.0}),
    ("PoissonRegressor", COUNTS, {"fit_intercept": False}),
    ("GammaRegressor", AMOUNTS, {"alpha": 0.1}), ("TweedieRegressor", COUNTS, {"power": 1.5}),
    ("TweedieRegressor", AMOUNTS, {"power": 3, "alpha": 0.1}), ("TweedieRegressor", Y, {"power": 0}),
    ("TweedieRegressor", AMOUNTS + 3, {"power": 1, "link": "identity", "alpha": 0.1}),
    ("TweedieRegressor", AMOUNTS, {"power": 0, "link": "log"}),
], ids=lambda part: str(part)[:40])
def test_glm_has_the_optimum_of_scikit_learn(name, y, settings, kind):
    ours = {"Poisson": PoissonRegressor, "Gamma": GammaRegressor, "Tweedie": TweedieRegressor}[name[:-9]](tol=1e-9, **settings)
    other = getattr(theirs, name)(tol=1e-9, solver="lbfgs" if settings.get("power") == 3 else "newton-cholesky",
                                  max_iter=1000, **settings)
    ours.fit(kind(X), y, WEIGHTS)
    other.fit(X, y, WEIGHTS)
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.predict(kind(X)), other.predict(X), rtol=1e-5)
    assert ours.score(X, y) == pytest.approx(other.score(X, y), abs=1e-6)


@pytest.mark.parametrize("power", [0, 1, 1.3, 2, 3.5])
@pytest.mark.parametrize("log_link", [True, False])
def test_the_derivative_is_that_of_the_deviance(power, log_link):
    y, z = np.array([0.7, 2.0, 3.0]), np.array([0.4, 1.1, 0.9])
    value, slope, curve = half_deviance(y, z, power, log_link)
    h = 1e-6
    ahead, behind = (half_deviance(y, z + step, power, log_link)[0] for step in (h, -h))
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(value, 0.5 * unit_deviance(y, np.exp(z) if log_link else z, power), rtol=1e-10)
    assert (curve > 0).all()


def test_powers_of_two_are_a_straight_line_of_logarithms():
    for cls in (PoissonRegressor, GammaRegressor):
        model = cls(alpha=0, tol=1e-10).fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 4.0])
        np.testing.assert_allclose(model.predict([[3.0], [10.0]]), [8.0, 1024.0], rtol=1e-8)


def test_glm_starts_warm_and_speaks(capsys):
    model = PoissonRegressor(warm_start=True, verbose=1).fit(X, COUNTS)
    assert model.fit(X, COUNTS).n_iter_ <= 1 and "converged" in capsys.readouterr().out
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        PoissonRegressor(max_iter=1, tol=1e-12).fit(X, COUNTS)


@pytest.mark.parametrize(("model", "y", "error", "said"), [
    (PoissonRegressor(), COUNTS - 1, DataError, "y >= 0; the smallest is -1"),
    (GammaRegressor(), COUNTS, DataError, "y > 0.*is 0"),
    (TweedieRegressor(power=0.5), Y, ParameterError, "power must be .*got 0.5"),
    (PoissonRegressor(alpha=-1), COUNTS, ParameterError, "got -1"),
    (TweedieRegressor(power=1, link="identity", fit_intercept=False), COUNTS, DataError, "needs an intercept"),
    (PoissonRegressor(solver="lbfg"), COUNTS, ParameterError, "did you mean 'lbfgs'"),
    (HuberRegressor(epsilon=0.9), Y, ParameterError, "got 0.9"),
    (BayesianRidge(tol=-1), Y, ParameterError, "got -1"), (RidgeClassifier(), Y, DataError, "Unknown label type: continuous"),
    (RidgeClassifier(), np.ones(150), DataError, "only one class"),
    (PoissonRegressor(), np.r_[np.nan, COUNTS[1:]], DataError, "NaN")], ids=lambda part: str(part)[:40])
def test_bad_input_is_refused_in_words(model, y, error, said):
    with pytest.raises(error, match=said) as caught:
        model.fit(X, y)
    assert type(model).__name__ in caught.value.operation


@KINDS
@pytest.mark.parametrize("spoilt", [0, 15, 60])
@pytest.mark.parametrize("settings", [{}, {"epsilon": 2.0, "alpha": 1.0}, {"fit_intercept": False}], ids=str)
def test_huber_is_at_least_as_low_as_scikit_learn(settings, spoilt, kind):
    y = Y.copy()
    y[:spoilt] += 30 * RNG.normal(size=spoilt)
    ours = HuberRegressor(tol=1e-8, **settings).fit(kind(X), y, WEIGHTS)
    other = theirs.HuberRegressor(tol=1e-8, max_iter=3000, **settings).fit(X, y, WEIGHTS)
    loss = HuberLoss(X, y, WEIGHTS, ours.epsilon, ours.alpha, ours.fit_intercept)
    values = [loss.evaluate(np.r_[model.coef_, model.intercept_, model.scale_]) for model in (ours, other)]
    assert values[0][0] <= values[1][0] * (1 + 1e-9)
    assert np.abs(loss.evaluate(np.r_[ours.coef_, ours.intercept_, ours.scale_])[1]).max() < 1e-6 * WEIGHTS.sum()
    np.testing.assert_allclose(ours.coef_, other.coef_, atol=1e-3)
    np.testing.assert_array_equal(ours.outliers_, np.abs(y - ours.predict(X)) > ours.epsilon * ours.scale_)


def test_huber_hessian_is_the_derivative_of_its_gradient():
    loss = HuberLoss(X, Y, WEIGHTS, 1.35, 0.1, True)
    v, h = np.r_[0.2 * np.ones(5), 0.1, 0.7], 1e-6
    loss.evaluate(v)
    H = loss.hessian()
    for k in range(7):
        step = h * (np.arange(7) == k)
        slope = (loss.evaluate(v + step)[1] - loss.evaluate(v - step)[1]) / (2 * h)
        np.testing.assert_allclose(slope, H[k], rtol=1e-4, atol=1e-3)


def test_huber_fits_what_can_be_fitted_and_wide_and_many_columns(monkeypatch):
    wide = RNG.normal(size=(10, 30))
    model = HuberRegressor().fit(wide, wide[:, 0])
    np.testing.assert_allclose(model.predict(wide), wide[:, 0], atol=1e-4)
    assert HuberRegressor(warm_start=True).fit(X, np.full(150, 3.0)).predict(X)[0] == pytest.approx(3.0)
    exact = HuberRegressor().fit(X, Y)
    monkeypatch.setattr("homespun.linear_model.huber.LARGEST", 2)
    np.testing.assert_allclose(HuberRegressor(max_iter=1000).fit(X, Y).coef_, exact.coef_, atol=1e-3)
    warm = HuberRegressor(warm_start=True).fit(X, Y)
    assert warm.fit(X, Y).n_iter_ <= 2


@pytest.mark.parametrize("shape", [(150, 5), (20, 60)])
@pytest.mark.parametrize("name", ["BayesianRidge", "ARDRegression"])
def test_bayes_finds_the_evidence_of_scikit_learn(name, shape):
    rows = RNG.normal(size=shape) + 5
    y = rows[:, :3] @ [1.0, -2.0, 0.5] + 100 + 0.3 * RNG.normal(size=shape[0])
    cls = {"BayesianRidge": BayesianRidge, "ARDRegression": ARDRegression}[name]
    settings = {"compute_score": True, "max_iter": 20}
    ours, other = cls(**settings).fit(rows, y), getattr(theirs, name)(**settings).fit(rows, y)
    if shape[0] < shape[1] and cls is ARDRegression:  # whose weights fit all rows: its course is one of rounding
        np.testing.assert_allclose(ours.coef_[:3], other.coef_[:3], rtol=0.02)
        return
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours.alpha_, other.alpha_, rtol=1e-4)
    np.testing.assert_allclose(ours.lambda_, other.lambda_, rtol=1e-4)
    np.testing.assert_allclose(ours.sigma_, other.sigma_, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(ours.scores_, other.scores_, rtol=1e-5)
    for mine, theirs_ in zip(ours.predict(rows, return_std=True), other.predict(rows, return_std=True)):
        np.testing.assert_allclose(mine, theirs_, rtol=1e-5)
    assert ours.n_iter_ == other.n_iter_


@pytest.mark.parametrize("name", ["BayesianRidge", "ARDRegression"])
def test_bayes_without_intercept_begins_at_the_variance(name):
    cls = {"BayesianRidge": BayesianRidge, "ARDRegression": ARDRegression}[name]
    settings = {"fit_intercept": False, "max_iter": 1, "compute_score": True}
    ours, other = cls(**settings).fit(X, Y + 50), getattr(theirs, name)(**settings).fit(X, Y + 50)
    np.testing.assert_allclose(ours.scores_[0], other.scores_[0], rtol=1e-9)


def test_bayes_weights_rows_and_sees_small_residuals():
    whole = BayesianRidge().fit(np.repeat(X, WEIGHTS.astype(int), axis=0), np.repeat(Y, WEIGHTS.astype(int)))
    np.testing.assert_allclose(BayesianRidge().fit(X, Y, WEIGHTS).coef_, whole.coef_, rtol=1e-9)
    exact = X @ np.arange(5.0) + 1e-9 * RNG.normal(size=150)
    assert 1 / np.sqrt(BayesianRidge(tol=1e-12, alpha_2=1e-30, lambda_2=1e-30).fit(X, exact).alpha_) < 1e-8
    assert ARDRegression(threshold_lambda=0.0).fit(X, Y).sigma_.shape == (0, 0)


@KINDS
@pytest.mark.parametrize("y", [SIGNAL > 0, np.digitize(SIGNAL, [-0.7, 0.2]),
                               np.column_stack([SIGNAL > 0, X[:, 0] > 0]).astype(int)],
                         ids=["two", "three", "labels"])
def test_ridge_classifiers_are_those_of_scikit_learn(y, kind):
    for name, cls in (("RidgeClassifier", RidgeClassifier), ("RidgeClassifierCV", RidgeClassifierCV)):
        settings = {} if y.ndim == 2 else {"class_weight": "balanced"}
        ours, other = cls(**settings).fit(kind(X), y), getattr(theirs, name)(**settings).fit(kind(X), y)
        np.testing.assert_allclose(ours.decision_function(kind(X)), other.decision_function(kind(X)), atol=2e-3)
        np.testing.assert_array_equal(ours.predict(X), other.predict(X))
        np.testing.assert_array_equal(ours.classes_, other.classes_)
    assert ours.alpha_ == other.alpha_
    if y.ndim == 1:
        scored = RidgeClassifierCV(scoring="accuracy", cv=3).fit(kind(X), y)
        assert 0.5 < scored.best_score_ <= 1.0
        assert scored.coef_.shape == other.coef_.shape
    stored = RidgeClassifierCV(store_cv_results=True).fit(X, y)
    assert stored.cv_results_.shape[0] == 150
