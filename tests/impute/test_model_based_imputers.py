"""Imputation by neighbouring rows, similar rows, and regressions: against scikit-learn, pandas, plain twins, and by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer as TheirIterative
from sklearn.impute import KNNImputer as TheirKNN
from sklearn.linear_model import BayesianRidge as TheirRidge
from sklearn.metrics.pairwise import nan_euclidean_distances

from homespun import persist
from homespun.errors import HomespunError, ModelFileError
from homespun.impute import InterpolationImputer, IterativeImputer, KNNImputer
from homespun.impute.bayesian_ridge import BayesianRidge
from homespun.impute.knn import nan_euclidean
from homespun.linear_model import Ridge

rng = np.random.default_rng(3)
WHOLE = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 5)) + 0.1 * rng.normal(size=(90, 5)) + [0, 100, -5, 1, 2]
GAPS = np.where(rng.random(WHOLE.shape) < 0.2, np.nan, WHOLE)
NEW = np.where(rng.random(WHOLE.shape) < 0.3, np.nan, WHOLE)
HOLLOW = np.column_stack([GAPS, np.full(90, np.nan)])


# -- neighbours ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [
    {}, {"n_neighbors": 2, "weights": "distance"}, {"n_neighbors": 200}, {"add_indicator": True},
    {"weights": lambda distances: np.exp(-distances)}, {"keep_empty_features": True},
], ids=lambda value: str(value).partition(" at 0x")[0])
@pytest.mark.parametrize("X", [GAPS, HOLLOW], ids=["gaps", "hollow"])
def test_neighbours_equal_scikit_learn(settings, X):
    X = X - [0, 100, -5, 1, 2, 0][: X.shape[1]]  # theirs loses digits of the distances where means are large
    mine, other = KNNImputer(**settings).fit(X), TheirKNN(**settings).fit(X)
    np.testing.assert_allclose(mine.transform(X), other.transform(X), rtol=1e-6, atol=1e-9)
    new = np.column_stack([NEW, np.zeros(90)])[:, : X.shape[1]] - [0, 100, -5, 1, 2, 0][: X.shape[1]]
    np.testing.assert_allclose(mine.transform(new), other.transform(new), rtol=1e-6, atol=1e-4)  # theirs: equal rows are near
    if "keep_empty_features" not in settings:  # theirs leaves out the names of the columns that it keeps
        assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert len(mine.get_feature_names_out()) == mine.transform(X).shape[1]


def test_distance_weights_equal_a_plain_twin():
    filled = KNNImputer(n_neighbors=3, weights="distance").fit(GAPS).transform(NEW)
    for i, j in np.argwhere(np.isnan(NEW))[:60]:
        donors = [k for k in range(90) if not np.isnan(GAPS[k, j])]
        shared = [~np.isnan(NEW[i]) & ~np.isnan(GAPS[k]) for k in donors]
        far = [np.sqrt(((NEW[i] - GAPS[k])[both] ** 2).mean() * 5) if both.any() else np.inf for k, both in zip(donors, shared)]
        nearest = np.argsort(far)[:3]
        weights = [float(far[n] == 0) if min(far) == 0 else 1 / far[n] for n in nearest]
        np.testing.assert_allclose(filled[i, j], np.average([GAPS[donors[n], j] for n in nearest], weights=weights), rtol=1e-9)


def test_another_marker_and_distances():
    marked = np.where(np.isnan(GAPS), -1.0, GAPS)
    np.testing.assert_allclose(KNNImputer(missing_values=-1).fit_transform(marked), KNNImputer().fit_transform(GAPS))
    np.testing.assert_allclose(nan_euclidean(NEW[:9], GAPS), nan_euclidean_distances(NEW[:9], GAPS), rtol=1e-6, atol=1e-5)
    far = GAPS + 1e7  # a large mean costs no digits
    np.testing.assert_allclose(KNNImputer().fit_transform(far) - 1e7, KNNImputer().fit_transform(GAPS), atol=1e-5)
    assert KNNImputer().fit_transform(GAPS.astype(np.float32)).dtype == np.float32
    nobody = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 5.0], [np.nan, 7.0]])
    np.testing.assert_allclose(KNNImputer().fit_transform(nobody), [[1, 6], [2, 6], [1.5, 5], [1.5, 7]])
    by_hand = KNNImputer(n_neighbors=1, metric=lambda x, z, missing_values: abs(np.nanmin(x) - np.nanmin(z)))
    assert by_hand.fit_transform([[1.0, 5.0], [2.0, 6.0], [1.9, np.nan]])[2, 1] == 6.0


def test_scikit_learns_small_example_by_hand():
    """Row 0 misses column 2; rows 1 and 2 are nearest, with 3 and 5: their mean is 4."""
    X = [[1, 2, np.nan], [3, 4, 3], [np.nan, 6, 5], [8, 8, 7]]
    np.testing.assert_allclose(KNNImputer(n_neighbors=2).fit_transform(X), [[1, 2, 4], [3, 4, 3], [5.5, 6, 5], [8, 8, 7]])


def test_a_forged_imputer_is_refused(tmp_path):
    model = KNNImputer().fit(GAPS)
    model._rows = model._rows[:, :2]
    with pytest.raises(ModelFileError, match="_rows"):
        persist.load(persist.save(model, tmp_path / "m"))


# -- regressions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [
    {}, {"max_iter": 3}, {"imputation_order": "roman", "initial_strategy": "median"}, {"imputation_order": "arabic"},
    {"imputation_order": "descending", "skip_complete": True}, {"min_value": 0, "max_value": [1, 101, 2, 3, 4]},
    {"estimator": Ridge()}, {"add_indicator": True}, {"max_iter": 0},
], ids=lambda value: str(value).partition(" at 0x")[0])
@pytest.mark.filterwarnings("ignore:.*Early stopping:sklearn.exceptions.ConvergenceWarning")
def test_regressions_equal_scikit_learn(settings):
    mine, other = IterativeImputer(**settings), TheirIterative(**settings)
    np.testing.assert_allclose(mine.fit_transform(GAPS), other.fit_transform(GAPS), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(mine.transform(NEW), other.transform(NEW), rtol=1e-4, atol=1e-4)
    assert mine.n_iter_ == other.n_iter_ and len(mine.imputation_sequence_) == len(other.imputation_sequence_)
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_bayesian_ridge_equals_scikit_learns():
    X, y = WHOLE[:, :4], WHOLE[:, 4]
    mine, other = BayesianRidge(X, y), TheirRidge().fit(X, y)
    np.testing.assert_allclose(mine.coef, other.coef_, rtol=1e-6)
    np.testing.assert_allclose(mine.noise, other.alpha_, rtol=1e-6)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=1e-6)
    if sklearn.__version__.startswith("1.7."):
        pytest.skip("the deviations of scikit-learn's BayesianRidge were computed without centring until 1.8")
    np.testing.assert_allclose(mine.predict(X, return_std=True)[1], other.predict(X, return_std=True)[1], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*Early stopping:sklearn.exceptions.ConvergenceWarning")
def test_it_finds_what_the_mean_cannot():
    missing = np.isnan(GAPS)
    filled = IterativeImputer().fit_transform(GAPS)
    means = np.where(missing, np.nanmean(GAPS, axis=0), GAPS)
    assert np.abs(filled - WHOLE)[missing].mean() < 0.5 * np.abs(means - WHOLE)[missing].mean()
    np.testing.assert_array_equal(filled[~missing], GAPS[~missing])


def test_draws_from_the_posterior():
    drawn = np.array([IterativeImputer(sample_posterior=True, max_iter=3, random_state=seed, min_value=-200, max_value=200)
                      .fit_transform(GAPS) for seed in range(20)])
    missing = np.isnan(GAPS)
    assert (drawn.std(axis=0)[missing] > 0).all() and (np.ptp(drawn, axis=0)[~missing] == 0).all()
    assert np.abs(drawn.mean(axis=0) - WHOLE)[missing].mean() < 0.5
    again = IterativeImputer(sample_posterior=True, max_iter=3, random_state=0, min_value=-200, max_value=200)
    np.testing.assert_array_equal(again.fit_transform(GAPS), drawn[0])


@pytest.mark.filterwarnings("ignore:.*Early stopping:sklearn.exceptions.ConvergenceWarning")
def test_nearest_columns_random_order_empty_ones_and_files(tmp_path):
    model = IterativeImputer(n_nearest_features=2, imputation_order="random", random_state=0).fit(HOLLOW)
    assert model.transform(HOLLOW).shape == (90, 5) and all(len(step[1]) == 2 for step in model.imputation_sequence_)
    kept = IterativeImputer(keep_empty_features=True).fit_transform(HOLLOW)
    assert kept.shape == (90, 6) and (kept[:, 5] == 0).all()
    back = persist.load(persist.save(model, tmp_path / "m", sample=HOLLOW[:5]))
    np.testing.assert_array_equal(back.transform(NEW_HOLLOW), model.transform(NEW_HOLLOW))
    with pytest.warns(Warning, match="Early stopping"):
        IterativeImputer(max_iter=1, tol=1e-12).fit(GAPS)


NEW_HOLLOW = np.column_stack([NEW, np.full(90, np.nan)])


# -- interpolation --------------------------------------------------------------------------------------------------------------


def test_lines_equal_pandas():
    frame = pd.DataFrame(GAPS)
    got = InterpolationImputer().fit_transform(frame)
    np.testing.assert_allclose(got, frame.interpolate(limit_direction="both").to_numpy(), rtol=1e-12)
    inside = InterpolationImputer(ends="missing").fit_transform(frame)
    np.testing.assert_allclose(inside, frame.interpolate(limit_area="inside").to_numpy(), rtol=1e-12)
    before = InterpolationImputer(method="previous", ends="missing").fit_transform(frame)
    np.testing.assert_array_equal(before, frame.ffill().to_numpy())
    times = np.cumsum(rng.integers(1, 9, 90)).astype(float)
    timed = InterpolationImputer(time=0).fit_transform(np.column_stack([times, GAPS]))[:, 1:]
    by_index = frame.set_index(times).interpolate(method="index", limit_direction="both")
    np.testing.assert_allclose(timed, by_index.to_numpy(), rtol=1e-12)


def test_lines_by_hand():
    """1 . . 4 at times 0 1 2 6: a line of slope 1/2, so 1.5 and 2."""
    X = np.array([[0.0, 1.0], [1.0, np.nan], [2.0, np.nan], [6.0, 4.0], [7.0, np.nan]])
    assert InterpolationImputer(time=0).fit_transform(X)[:, 1].tolist() == [1, 1.5, 2, 4, 4]
    frame = pd.DataFrame(X, columns=["day", "price"])
    assert InterpolationImputer(time="day", method="nearest").fit_transform(frame)[:, 1].tolist() == [1, 1, 1, 4, 4]
    short = InterpolationImputer(limit=1, add_indicator=True).fit(frame)
    out = short.transform(frame)
    assert np.isnan(out[1:3, 1]).all() and out[4, 1] == 4 and out[:, 2].tolist() == [0, 1, 1, 0, 1]
    assert short.get_feature_names_out().tolist() == ["day", "price", "missingindicator_price"]
    empty = frame.assign(price=np.nan)
    assert InterpolationImputer(ends="missing").fit(frame).transform(empty)[0, 1] != 4
    model = InterpolationImputer().fit(frame.iloc[:4])
    assert model.last_.tolist() == [6, 4] and model.transform(empty)[:, 1].tolist() == [4] * 5
    assert InterpolationImputer().fit_transform(X.astype(np.float32)).dtype == np.float32


# -- bad input ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, words", [
    (lambda: KNNImputer(n_neighbors=0).fit(GAPS), "0"),
    (lambda: KNNImputer(missing_values="?").fit(GAPS), r"'\?'"),
    (lambda: KNNImputer(missing_values=-1).fit(GAPS), "NaN"),
    (lambda: KNNImputer().fit(GAPS).transform(GAPS[:, :2]), "features"),
    (lambda: IterativeImputer(min_value=2, max_value=1).fit(GAPS), "min_value >= max_value"),
    (lambda: IterativeImputer(min_value=[1, 2]).fit(GAPS), "Got 2"),
    (lambda: IterativeImputer(imputation_order="greek").fit(GAPS), "'greek'"),
    (lambda: IterativeImputer().fit(np.where(np.isnan(GAPS), np.inf, GAPS)), "infinity"),
    (lambda: InterpolationImputer(time="day").fit(GAPS), "'day'"),
    (lambda: InterpolationImputer(time=9).fit(GAPS), "got 9"),
    (lambda: InterpolationImputer(time=0).fit([[2.0, 1.0], [1.0, 1.0]]), "got 1 in row 1"),
    (lambda: InterpolationImputer(limit=0).fit(GAPS), "0"),
])
def test_bad_input_is_refused_in_words(call, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(HomespunError, match=words) as caught:
            call()
    assert caught.value.rule
