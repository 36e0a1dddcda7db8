"""Quantile regression, logistic regression with cross-validation, the function `ridge_regression`."""

import numpy as np
import pytest
import sklearn.linear_model as theirs
from scipy import sparse
from sklearn.model_selection import StratifiedKFold

from homespun.base import DataError, ParameterError
from homespun.linear_model import LogisticRegressionCV, QuantileRegressor, Ridge, ridge_regression

RNG = np.random.default_rng(11)
X = 3 * RNG.normal(size=(120, 4)) + 2
Y = X @ [1.0, -2.0, 0.0, 0.5] + RNG.standard_t(2, size=120)
WEIGHTS = RNG.integers(0, 4, 120).astype(float)


def objective(model, X, y, weights):
    r = y - model.predict(X)
    return np.average(np.where(r > 0, model.quantile * r, (model.quantile - 1) * r), weights=weights) + (
        model.alpha * np.abs(model.coef_).sum())


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("settings", [{"alpha": 0}, {"quantile": 0.9, "alpha": 0.01}, {"quantile": 0.05, "alpha": 0.5},
                                      {"alpha": 1000.0}, {"alpha": 0.1, "fit_intercept": False}], ids=str)
def test_quantile_has_the_optimum_of_the_linear_program(settings, kind):
    ours = QuantileRegressor(**settings).fit(kind(X), Y, WEIGHTS)
    other = theirs.QuantileRegressor(**settings).fit(X, Y, WEIGHTS)
    assert objective(ours, X, Y, WEIGHTS) == pytest.approx(objective(other, X, Y, WEIGHTS), rel=1e-9)
    np.testing.assert_allclose(ours.coef_, other.coef_, atol=1e-7)
    assert (ours.coef_ == 0).sum() == (np.abs(other.coef_) < 1e-12).sum()  # zeros are exact: the corner


def test_quantiles_share_out_the_rows():
    for q in (0.1, 0.5, 0.8):
        below = QuantileRegressor(quantile=q, alpha=0).fit(X, Y).predict(X) + 1e-9 >= Y
        assert abs(below.mean() - q) <= 6 / len(Y)  # at most d + 1 rows lie on the line


def test_quantile_of_awkward_data(monkeypatch):
    assert QuantileRegressor(alpha=0).fit(np.ones((5, 1)), [1.0, 2.0, 3.0, 4.0, 100.0]).predict([[1.0]])[0] == pytest.approx(3.0)
    assert QuantileRegressor().fit(X, np.full(120, 7.0)).predict(X)[0] == pytest.approx(7.0)
    assert QuantileRegressor(alpha=0).fit(X[:2], Y[:2]).predict(X[:2]) == pytest.approx(Y[:2])
    exact = QuantileRegressor(alpha=0.01).fit(X * [1e-6, 1.0, 1e6, 1.0], Y)
    assert np.isfinite(exact.coef_).all()
    small = QuantileRegressor(alpha=0.1).fit(X, Y).coef_
    monkeypatch.setattr("homespun.linear_model.quantile.LARGEST", 2)
    np.testing.assert_allclose(QuantileRegressor(alpha=0.1).fit(X, Y).coef_, small, atol=1e-7)
    np.testing.assert_allclose(QuantileRegressor(alpha=0.1, fit_intercept=False).fit(X, Y).intercept_, 0.0)


@pytest.mark.parametrize(("settings", "y", "error", "said"), [
    ({"quantile": 1.0}, Y, ParameterError, "quantile must be .*got 1.0"), ({"alpha": -1}, Y, ParameterError, "got -1"),
    ({}, 1e200 * Y, DataError, "above 1e100"), ({"solver": "simplex"}, Y, ParameterError, "'simplex'")], ids=str)
def test_bad_quantiles_are_refused_in_words(settings, y, error, said):
    with pytest.raises(error, match=said) as caught:
        QuantileRegressor(**settings).fit(X, y)
    assert caught.value.operands


@pytest.mark.parametrize("y", [Y > 0, np.digitize(Y, [-4, 1])], ids=["two", "three"])
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_logistic_cv_is_that_of_scikit_learn(y, refit):
    for settings in ({}, {"scoring": "neg_log_loss", "class_weight": "balanced"}):
        common = {"Cs": [0.01, 0.3, 10.0], "cv": 3, "tol": 1e-8, "refit": refit, "use_legacy_attributes": False,
                  "l1_ratios": (0.0,), "scoring": "accuracy", **settings}
        ours = LogisticRegressionCV(**common).fit(X, y)
        other = theirs.LogisticRegressionCV(max_iter=5000, **common).fit(X, y)
        np.testing.assert_allclose(ours.scores_, other.scores_, atol=1e-6)
        assert (ours.C_, ours.l1_ratio_) == pytest.approx((other.C_, other.l1_ratio_))
        np.testing.assert_allclose(ours.coef_, other.coef_, atol=2e-3)
        np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=2e-3)
        assert ours.coefs_paths_.shape == other.coefs_paths_.shape and ours.n_iter_.shape == other.n_iter_.shape
        assert ours.score(X, y) == pytest.approx(other.score(X, y), abs=1e-3)
    old = LogisticRegressionCV(Cs=4, cv=3, refit=refit).fit(X, y)
    labels = [True] if y.dtype == bool else [0, 1, 2]
    assert list(old.scores_) == labels and old.scores_[labels[0]].shape == (3, 4) and len(old.C_) == len(labels)
    assert old.coefs_paths_[labels[0]].shape == (3, 4, 5) and old.n_iter_.shape == (1, 3, 4)
    listed = LogisticRegressionCV(Cs=2, cv=3, l1_ratios=[0.0, 1.0], refit=refit).fit(X, y)
    assert listed.scores_[labels[0]].shape == (3, 2, 2)


def test_logistic_cv_takes_folds_without_a_class_and_refuses_others():
    y = np.repeat([0, 1, 2], 40)
    model = LogisticRegressionCV(Cs=2, cv=[(np.arange(80), np.arange(80, 120)), (np.arange(40, 120), np.arange(40))]).fit(X, y)
    assert model.scores_[0].max() == 0.0 and model.coef_.shape == (3, 4)  # nobody knows a class that was not there
    with pytest.raises(ParameterError, match="n_splits=50"):
        LogisticRegressionCV(cv=50).fit(X[:20], np.arange(20) > 10)
    with pytest.raises(ParameterError, match=r"Cs must be .*got -1"):
        LogisticRegressionCV(Cs=[-1.0]).fit(X, Y > 0)
    shuffled = LogisticRegressionCV(Cs=3, cv=StratifiedKFold(3, shuffle=True, random_state=0), l1_ratios=None, penalty="l1")
    assert shuffled.fit(X, Y > 0).l1_ratio_.tolist() == [1.0]


def test_ridge_regression_is_ridge_without_an_estimator():
    targets = np.column_stack([Y, -Y])
    both = Ridge([1.0, 2.0], fit_intercept=False).fit(X, targets)
    np.testing.assert_array_equal(ridge_regression(X, targets, [1.0, 2.0]), both.coef_)
    coef, steps, intercept = ridge_regression(X, Y, 1.0, return_n_iter=True, return_intercept=True, sample_weight=WEIGHTS)
    model = Ridge(1.0).fit(X, Y, WEIGHTS)
    np.testing.assert_array_equal(np.r_[coef, intercept], np.r_[model.coef_, model.intercept_])
    assert steps.tolist() == [1]
    np.testing.assert_allclose(ridge_regression(X, Y, 3.0), theirs.ridge_regression(X, Y, 3.0))
