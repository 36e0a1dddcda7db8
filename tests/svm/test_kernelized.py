"""The kernel trick for linear models: where the theorem holds the answer is known otherwise, where not the error says why."""

import numpy as np
import pytest
from scipy.optimize import minimize

from homespun.errors import DataError, ParameterError
from homespun.kernel_ridge import KernelRidge
from homespun.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from homespun.metrics.pairwise import rbf_kernel
from homespun.svm import SVC, Kernelized, KernelLogisticRegression

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) + 5
TARGET = np.sin(X[:, 0]) + X[:, 1] ** 2
SIDES = np.where(np.median(TARGET) < TARGET, "up", "down")


def test_ridge_becomes_kernel_ridge():
    ours = Kernelized(Ridge(alpha=0.5, fit_intercept=False), kernel="rbf", gamma=0.3).fit(X, TARGET)
    theirs = KernelRidge(alpha=0.5, kernel="rbf", gamma=0.3).fit(X, TARGET)
    np.testing.assert_allclose(ours.predict(X + 0.1), theirs.predict(X + 0.1), rtol=1e-6)
    values = rbf_kernel(X + 0.1, ours.X_fit_, gamma=0.3) @ ours.dual_coef_[0]
    np.testing.assert_allclose(values, ours.predict(X + 0.1), rtol=1e-6)


def test_a_linear_kernel_changes_nothing():
    plain = Ridge(alpha=2.0).fit(X, TARGET)
    ours = Kernelized(Ridge(alpha=2.0), kernel="linear").fit(X, TARGET)
    np.testing.assert_allclose(ours.predict(X), plain.predict(X), rtol=1e-8)


def test_kernel_logistic_regression_by_its_definition():
    """sum log(1 + exp(-y f)) C + c' K c / 2, minimised over c and b by a general method."""
    model = KernelLogisticRegression(C=2.0, gamma=0.4, tol=1e-9, max_iter=1000).fit(X, SIDES)
    K, y = rbf_kernel(X, gamma=0.4), np.where(SIDES == "up", 1.0, -1.0)

    def cost(z):
        f = K @ z[:-1] + z[-1]
        share = -2.0 * y / (1 + np.exp(y * f))
        return 2.0 * np.logaddexp(0, -y * f).sum() + z[:-1] @ K @ z[:-1] / 2, np.r_[K @ (share + z[:-1]), share.sum()]

    best = minimize(cost, np.zeros(61), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}).x
    np.testing.assert_allclose(model.decision_function(X), K @ best[:-1] + best[-1], atol=1e-3)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-model.decision_function(X))), rtol=1e-9)
    assert (model.predict(X) == SVC(C=2.0, gamma=0.4).fit(X, SIDES).predict(X)).mean() > 0.9


@pytest.mark.parametrize("model, words", [
    (Lasso(), "L1 norm"), (ElasticNet(), "L1 norm"), (LinearRegression(), "no penalty"), (Ridge(alpha=0), "no penalty"),
    (LogisticRegression(C=np.inf), "no penalty"), (LogisticRegression(l1_ratio=0.5, solver="saga"), "L1 norm"),
    (SVC(), "not a linear")])
def test_where_the_theorem_does_not_hold(model, words):
    with pytest.raises(ParameterError, match=words) as caught:
        Kernelized(model).fit(X, TARGET)
    assert type(model).__name__ in str(caught.value) and caught.value.rule


def test_weights_and_order():
    counts = RNG.integers(0, 3, 60)
    repeated = RNG.permutation(np.repeat(np.arange(60), counts))
    for model in (KernelLogisticRegression(), Kernelized(LogisticRegression())):
        weighted = model.fit(X, SIDES, sample_weight=counts).decision_function(X)
        np.testing.assert_allclose(model.fit(X[repeated], SIDES[repeated]).decision_function(X), weighted, rtol=1e-9, atol=1e-12)


def test_one_class():
    with pytest.raises(DataError, match="one class"):
        KernelLogisticRegression().fit(X, np.zeros(60))
