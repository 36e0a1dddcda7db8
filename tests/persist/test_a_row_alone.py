"""What docs/how/model_file.md promises of one row that is asked for alone, and in a batch."""

import numpy as np
import pytest

import homespun as hs
from homespun.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from homespun.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from homespun.neighbors import KNeighborsRegressor
from homespun.tree import DecisionTreeRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 2.0, size=(213, 37))
Y = X @ RNG.normal(size=37) + RNG.normal(size=213)


@pytest.mark.parametrize("model", [DecisionTreeRegressor(), RandomForestRegressor(9, random_state=0), KNeighborsRegressor(3),
                                   HistGradientBoostingRegressor(max_iter=5),
                                   HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=60, min_samples_leaf=2)])
def test_to_the_last_bit(model):
    whole = model.fit(X, Y).predict(X)
    assert np.array_equal(whole, [model.predict(X[i:i + 1])[0] for i in range(len(X))])
    assert np.array_equal(whole[5:70], model.predict(X[5:70]))


@pytest.mark.parametrize("model", [Ridge(), Lasso(alpha=0.01), ElasticNet(alpha=0.01), LinearRegression(), LogisticRegression()])
def test_linear_models_within_the_bound(model, tmp_path):
    """Higham 2002, eq. 3.5: a sum of d products in any order is off by at most gamma_d times the sum of their absolute values."""
    y = (Y.mean() < Y) * 1 if isinstance(model, LogisticRegression) else Y
    model.fit(X, y)
    ask = "decision_function" if isinstance(model, LogisticRegression) else "predict"
    whole = getattr(model, ask)(X)
    alone = np.array([getattr(model, ask)(X[i:i + 1])[0] for i in range(len(X))])
    weights = np.abs(model.coef_).ravel()
    bound = 2 * (X.shape[1] + 2) * np.finfo(float).eps / 2 * (np.abs(X) @ weights + np.abs(np.ravel(model.intercept_)).sum())
    assert (np.abs(whole - alone) <= bound).all()
    hs.save(model, tmp_path / "m.homespun")
    assert np.array_equal(whole, getattr(hs.load(tmp_path / "m.homespun"), ask)(X))
