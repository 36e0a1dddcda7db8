"""A regressor on a transformed target: scikit-learn's without correction; Duan's smearing removes the bias; never below."""

import numpy as np
import pytest
import sklearn.compose as theirs
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from homespun import persist
from homespun.compose import TransformedTargetRegressor
from homespun.compose.transformed_target import _few
from homespun.errors import HomespunError
from homespun.preprocessing import PowerTransformer, StandardScaler

rng = np.random.default_rng(4)
X = rng.normal(size=(400, 2))
LOGS = 2 + X @ [0.5, -0.3]
Y = np.exp(LOGS + 0.8 * rng.normal(size=400))


@pytest.mark.parametrize("y", [Y, np.column_stack([Y, Y**2])], ids=["one", "two"])
@pytest.mark.parametrize("settings", [
    {}, {"func": np.log1p, "inverse_func": np.expm1}, {"transformer": StandardScaler()},
    {"transformer": PowerTransformer("box-cox"), "regressor": LinearRegression()},
], ids=str)
def test_without_correction_it_is_scikit_learns(settings, y):
    mine, other = (cls(**settings).fit(X, y) for cls in (TransformedTargetRegressor, theirs.TransformedTargetRegressor))
    np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=1e-7)
    assert mine.n_features_in_ == 2
    weights = rng.random(400)
    mine, other = (cls(**settings).fit(X, y, sample_weight=weights)
                   for cls in (TransformedTargetRegressor, theirs.TransformedTargetRegressor))
    np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=1e-7)


def test_smearing_takes_the_bias_away():
    """The mean of exp(g + e) is exp(g + s^2 / 2) for normal e: what Duan's estimate must come near without knowing it."""
    new = rng.normal(size=(4000, 2))
    truth = np.exp(2 + new @ [0.5, -0.3] + 0.8**2 / 2)
    plain = TransformedTargetRegressor(func="log", inverse_func="exp").fit(X, Y).predict(new)
    fair = TransformedTargetRegressor(func="log", inverse_func="exp", bias_correction="smearing").fit(X, Y).predict(new)
    assert plain.mean() / truth.mean() < 0.8 and abs(fair.mean() / truth.mean() - 1) < 0.1


def test_smearing_equals_its_definition():
    model = TransformedTargetRegressor(func="sqrt", inverse_func="square", bias_correction="smearing").fit(X, Y)
    inner = LinearRegression().fit(X, np.sqrt(Y))
    residuals = np.sqrt(Y) - inner.predict(X)
    expected = ((inner.predict(X[:5])[:, None] + residuals) ** 2).mean(axis=1)
    np.testing.assert_allclose(model.predict(X[:5]), expected, rtol=1e-9)
    w = rng.integers(0, 3, 400)
    weighted = TransformedTargetRegressor(func="log", inverse_func="exp", bias_correction="smearing").fit(X, Y, sample_weight=w)
    repeated = TransformedTargetRegressor(func="log", inverse_func="exp", bias_correction="smearing").fit(
        np.repeat(X, w, axis=0), np.repeat(Y, w))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)


def test_residuals_of_rows_that_were_not_fitted():
    """A forest remembers its rows: its own residuals are too small."""
    forest = RandomForestRegressor(20, random_state=0)
    options = {"func": "log", "inverse_func": "exp", "bias_correction": "smearing"}
    own = TransformedTargetRegressor(forest, **options).fit(X, Y)
    fair = TransformedTargetRegressor(forest, cv=3, **options).fit(X, Y)
    assert fair.residuals_.std() > 1.5 * own.residuals_.std()
    assert fair.predict(X).mean() > own.predict(X).mean()


def test_many_residuals_are_kept_as_few():
    many, weights = rng.normal(size=(5000, 2)), rng.random(5000)
    few, ones = _few(many, weights)
    assert few.shape == (1000, 2) and (ones == 1).all()
    np.testing.assert_allclose(np.exp(few).mean(axis=0), np.average(np.exp(many), axis=0, weights=weights), rtol=0.02)


def test_never_below_the_minimum_and_saved(tmp_path):
    counts = rng.poisson(0.3, 400)
    model = TransformedTargetRegressor(func="log1p", inverse_func="expm1", minimum=0, bias_correction="smearing").fit(X, counts)
    far = X * 100
    assert model.predict(far).min() == 0
    back = persist.load(persist.save(model, tmp_path / "m", sample=X))
    np.testing.assert_array_equal(back.predict(far), model.predict(far))


@pytest.mark.parametrize("settings, y, words", [
    ({"func": "log"}, Y, "inverse_func"),
    ({"inverse_func": "log"}, Y, "inverse_func"),
    ({"func": "log", "inverse_func": "exp", "transformer": StandardScaler()}, Y, "cannot both be set"),
    ({"func": "log", "inverse_func": "exp", "check_inverse": False}, np.where(np.arange(400) == 7, 0.0, Y), "y = 0 in row 7"),
    ({"func": "logarithm", "inverse_func": "exp"}, Y, "'logarithm'"),
    ({"bias_correction": "duan"}, Y, "'duan'"),
    ({"cv": 1, "bias_correction": "smearing"}, Y, "Got 1 instead"),
    ({}, None, "y is None"),
    ({}, np.full(400, np.nan), "NaN"),
])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_bad_input_is_refused_in_words(settings, y, words):
    with pytest.raises(HomespunError, match=words) as caught:
        TransformedTargetRegressor(**settings).fit(X, y)
    assert caught.value.rule


def test_an_inverse_that_is_none_is_said():
    with pytest.warns(UserWarning, match="not strictly inverse"):
        TransformedTargetRegressor(func="log", inverse_func="expm1").fit(X, Y)
