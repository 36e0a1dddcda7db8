"""Selection of columns: against scikit-learn's where it has one, against plain twins, textbook data, and words."""

import numpy as np
import pandas as pd
import pytest
import sklearn.feature_selection as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import homespun.feature_selection as ours
from homespun import persist
from homespun.errors import HomespunError
from homespun.feature_selection.collinearity import inflation
from homespun.feature_selection.mutual_information import nearest, within
from homespun.linear_model import Lasso, Ridge

rng = np.random.default_rng(5)
X = rng.normal(size=(80, 8)) * [1, 100, 0.1, 1, 1, 1, 1, 1] + [0, 1e4, 3, 0, 0, 0, 0, 0]
X[:, 4] = 2.5
y = X[:, 0] + 0.01 * X[:, 1] + rng.normal(size=80)
LABELS = np.digitize(y, np.quantile(y, [0.4, 0.8]))
COUNTS = rng.integers(0, 4, (80, 8)).astype(float)
COUNTS[:, 3] = 0

# -- scores --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix], ids=["dense", "csr", "csc"])
@pytest.mark.parametrize("name, target, options", [
    ("r_regression", y, {}), ("r_regression", y, {"center": False}), ("f_regression", y, {}),
    ("f_regression", y, {"center": False}), ("f_regression", y, {"force_finite": False}), ("f_classif", LABELS, {}),
    ("chi2", LABELS, {}),
])
@pytest.mark.filterwarnings("ignore:Features .* are constant:UserWarning")
def test_scores_equal_scikit_learn(name, target, options, form):
    data = form(COUNTS if name == "chi2" or form is not np.asarray else X)
    mine, other = getattr(ours, name)(data, target, **options), getattr(theirs, name)
    with np.errstate(all="ignore"):
        other = other(data, target, **options)
    for a, b in zip(*(found if isinstance(found, tuple) else (found,) for found in (mine, other)), strict=True):
        told = np.isfinite(b) | np.isnan(b)  # theirs divides rounding errors of the constant column by zero
        np.testing.assert_allclose(a[told], b[told], rtol=1e-8, atol=1e-10)
        assert told.sum() >= 7


@pytest.mark.parametrize("discrete", ["auto", True, [0, 2], np.arange(8) < 3])
@pytest.mark.parametrize("name, target", [("mutual_info_regression", y), ("mutual_info_classif", LABELS)])
def test_mutual_information_equals_scikit_learn(name, target, discrete):
    data = COUNTS if discrete is True else np.where(np.isin(np.arange(8), [0, 1, 2]), COUNTS, X)
    mine, other = (getattr(module, name)(data, target, discrete_features=discrete, random_state=3) for module in (ours, theirs))
    np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)
    if discrete is True:
        found = getattr(ours, name)(sparse.csr_matrix(data), target, random_state=3)
        np.testing.assert_allclose(found, mine)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=4, max_size=12), st.floats(0, 50), st.integers(1, 3))
def test_neighbours_along_a_line(values, radius, k):
    x = np.array(values)
    distances = np.abs(x[:, None] - x)
    np.testing.assert_array_equal(within(x, np.full(len(x), radius)), (distances <= radius).sum(axis=1))
    np.testing.assert_array_equal(nearest(x, k), np.sort(distances, axis=1)[:, k])


# -- selections ----------------------------------------------------------------------------------------------------------------

SELECTIONS = [
    ("SelectKBest", {"k": 3}), ("SelectKBest", {"k": "all"}), ("SelectKBest", {"k": 0}), ("SelectPercentile", {"percentile": 40}),
    ("SelectPercentile", {"percentile": 100}), ("SelectFpr", {"alpha": 0.2}), ("SelectFdr", {"alpha": 0.3}),
    ("SelectFwe", {"alpha": 0.1}), ("GenericUnivariateSelect", {"mode": "k_best", "param": 2}),
    ("GenericUnivariateSelect", {"mode": "fdr", "param": 0.2}), ("GenericUnivariateSelect", {"mode": "percentile", "param": 30}),
]


@pytest.mark.parametrize("name, parameters", SELECTIONS, ids=lambda value: str(value).partition(" at 0x")[0])
@pytest.mark.filterwarnings("ignore")
def test_selections_equal_scikit_learn(name, parameters):
    mine = getattr(ours, name)(ours.f_regression, **parameters).fit(X, y)
    other = getattr(theirs, name)(theirs.f_regression, **parameters).fit(X, y)
    np.testing.assert_array_equal(mine.get_support(), other.get_support())
    np.testing.assert_array_equal(mine.get_support(indices=True), other.get_support(indices=True))
    np.testing.assert_array_equal(mine.transform(X), other.transform(X))
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    if mine.get_support().any():
        np.testing.assert_array_equal(mine.inverse_transform(mine.transform(X)), other.inverse_transform(other.transform(X)))
        sparse_X = sparse.csr_matrix(X)
        back = mine.inverse_transform(mine.transform(sparse_X))
        np.testing.assert_array_equal(back.toarray(), mine.inverse_transform(mine.transform(X)))


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_variance_threshold_equals_scikit_learn(threshold):
    gaps = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    for data in (X, gaps, sparse.csr_matrix(COUNTS), sparse.csc_matrix(COUNTS)):
        mine, other = (module.VarianceThreshold(threshold).fit(data) for module in (ours, theirs))
        if data is not gaps:  # theirs leaves the range out where values are missing
            np.testing.assert_allclose(mine.variances_, other.variances_, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(mine.get_support(), other.get_support())
    assert not ours.VarianceThreshold().fit(X).get_support()[4]
    exact = np.full((9, 2), 0.1)  # rounding gives this column a variance, the range does not
    exact[0, 1] = 0.2
    assert ours.VarianceThreshold().fit(exact).get_support().tolist() == [False, True]


@pytest.mark.parametrize("estimator, parameters", [
    (Ridge(), {}), (Ridge(), {"threshold": "median"}), (Ridge(), {"threshold": "1.25*mean"}), (Ridge(), {"threshold": 0.01}),
    (Lasso(0.1), {}), (Ridge(), {"max_features": 2}), (Ridge(), {"max_features": lambda X: 3, "threshold": -np.inf}),
    (LogisticRegression(max_iter=500), {"norm_order": 2}), (Ridge(), {"importance_getter": "coef_"}),
], ids=lambda value: str(value).partition(" at 0x")[0])
def test_select_from_model_equals_scikit_learn(estimator, parameters):
    target = LABELS if isinstance(estimator, LogisticRegression) else y
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    mine, other = (module.SelectFromModel(estimator, **parameters).fit(Z, target) for module in (ours, theirs))
    np.testing.assert_array_equal(mine.get_support(), other.get_support())
    assert mine.threshold_ == other.threshold_ and mine.n_features_in_ == 8
    fitted = ours.SelectFromModel(mine.estimator_, prefit=True, **parameters).fit(Z, target)
    np.testing.assert_array_equal(fitted.get_support(), mine.get_support())


# -- tables ----------------------------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame({
    "price": np.arange(40.0) * 10, "gaps": np.where(np.arange(40) < 30, np.nan, 1.5), "fuel": ["gas", "diesel"] * 20,
    "code": [7, 3] * 20, "country": "GE", "empty": [None] * 40, "seen": [f"listing {i} in town" for i in range(40)],
    "again": np.arange(40.0) * 10, "flag": ["x" if i % 3 else None for i in range(40)],
})


def test_columns_go_with_a_reason():
    missing = ours.DropMissingColumns().fit(FRAME)
    assert missing.dropped_ == {
        "gaps": "75 % missing, at most 50 % are allowed", "empty": "100 % missing, at most 50 % are allowed"}
    np.testing.assert_allclose(missing.missing_share_[[1, 5, 8]], [0.75, 1.0, 14 / 40])
    assert ours.DropMissingColumns(max_share=0).fit(FRAME).get_feature_names_out().tolist() == [
        "price", "fuel", "code", "country", "seen", "again"]
    assert ours.DropConstantColumns().fit(FRAME).dropped_ == {"country": "'GE' in every row", "empty": "no value in any row"}
    assert set(ours.DropConstantColumns(ignore_missing=True).fit(FRAME).dropped_) == {"gaps", "country", "empty", "flag"}
    assert ours.DropDuplicateColumns().fit(FRAME).dropped_ == {"again": "the same as price in every row"}
    same = {name: f"names the same groups of rows as {other} in every row" for name, other in [
        ("code", "fuel"), ("empty", "country"), ("seen", "price"), ("again", "price")]}
    assert ours.DropDuplicateColumns(relabelled=True).fit(FRAME).dropped_ == same
    text = ours.DropFreeText().fit(FRAME)
    assert text.dropped_ == {"seen": "40 different texts of 4 words in 40 rows"}
    assert text.distinct_share_[2] == 2 / 40 and np.isnan(text.distinct_share_[0])
    assert ours.DropFreeText(min_rows=41).fit(FRAME).dropped_ == {}


@pytest.mark.parametrize("name", ["DropMissingColumns", "DropConstantColumns", "DropDuplicateColumns", "DropFreeText"])
def test_tables_keep_their_types_and_come_back_from_a_file(name, tmp_path):
    model = getattr(ours, name)().set_output(transform="pandas").fit(FRAME)
    out = model.transform(FRAME)
    assert out.columns.tolist() == model.get_feature_names_out().tolist() and "price" in out
    assert all(out[column].dtype == FRAME[column].dtype for column in out) and len(model.dropped_) >= 1
    back = persist.load(persist.save(model, tmp_path / "m"))
    pd.testing.assert_frame_equal(back.transform(FRAME), out)
    plain = getattr(ours, name)().fit(FRAME).transform(FRAME)
    assert isinstance(plain, np.ndarray) and plain.shape == out.shape
    numbers = getattr(ours, name)().fit_transform(X)
    assert numbers.dtype == np.float64
    with pytest.raises(ValueError, match="feature names"):
        model.transform(FRAME[FRAME.columns[::-1]])


# -- collinearity --------------------------------------------------------------------------------------------------------------

LONGLEY = np.array([  # Longley 1967, JASA 62: deflator, GNP, unemployed, armed forces, population, year
    [83.0, 234.289, 235.6, 159.0, 107.608, 1947], [88.5, 259.426, 232.5, 145.6, 108.632, 1948],
    [88.2, 258.054, 368.2, 161.6, 109.773, 1949], [89.5, 284.599, 335.1, 165.0, 110.929, 1950],
    [96.2, 328.975, 209.9, 309.9, 112.075, 1951], [98.1, 346.999, 193.2, 359.4, 113.270, 1952],
    [99.0, 365.385, 187.0, 354.7, 115.094, 1953], [100.0, 363.112, 357.8, 335.0, 116.219, 1954],
    [101.2, 397.469, 290.4, 304.8, 117.388, 1955], [104.6, 419.180, 282.2, 285.7, 118.734, 1956],
    [108.4, 442.769, 293.6, 279.8, 120.445, 1957], [110.8, 444.546, 468.1, 263.7, 121.950, 1958],
    [112.6, 482.704, 381.3, 255.2, 123.366, 1959], [114.2, 502.601, 393.1, 251.4, 125.368, 1960],
    [115.7, 518.173, 480.6, 257.2, 127.852, 1961], [116.9, 554.894, 400.7, 282.7, 130.081, 1962],
])


def test_longleys_economy():
    """The textbook case of collinearity: its variance inflation factors as R's `car::vif` prints them."""
    model = ours.CollinearityDetector().fit(LONGLEY)
    np.testing.assert_allclose(model.vif_, [135.53244, 1788.51348, 33.61889, 3.58893, 399.15102, 758.98060], rtol=1e-5)
    assert model.advice_[0].startswith("column 1: 99.9 % of it is explained by") and "VIF 1789" in model.advice_[0]
    assert len(model.advice_) == 5 and model.condition_number_ > 30
    kept = ours.CollinearityDetector(drop=True).fit(LONGLEY)
    left = kept.transform(LONGLEY)
    assert kept.dropped_[0] == 1 and left.shape[1] < 5
    assert ours.CollinearityDetector().fit(left).vif_.max() <= 10
    assert ours.CollinearityDetector().fit(LONGLEY).transform(LONGLEY).shape == (16, 6)  # advice only


def plain_vif(X, j, weights):
    """1 / (1 - R^2) of a least squares fit of column j to the others, with an intercept."""
    root = np.sqrt(weights)[:, None]
    A = np.column_stack([np.ones(len(X)), np.delete(X, j, axis=1)])
    residual = X[:, j] - A @ np.linalg.lstsq(A * root, X[:, j] * root[:, 0], rcond=None)[0]
    centred = X[:, j] - np.average(X[:, j], weights=weights)
    return (weights @ centred**2) / (weights @ residual**2)


def test_factors_equal_their_definition():
    Z = X[:, :4] @ rng.normal(size=(4, 4)) + 100
    w = rng.integers(1, 4, 80).astype(float)
    model = ours.CollinearityDetector(threshold=1.5).fit(Z, sample_weight=w)
    np.testing.assert_allclose(model.vif_, [plain_vif(Z, j, w) for j in range(4)], rtol=1e-8)
    chosen = model.dropped_  # twin of the stepwise rule
    left = list(range(4))
    for gone in chosen:
        vifs = [plain_vif(Z[:, left], i, w) for i in range(len(left))]
        assert vifs[left.index(gone)] > (1 - 1e-9) * max(vifs)
        left.remove(gone)
    assert len(left) == 1 or max(plain_vif(Z[:, left], i, w) for i in range(len(left))) <= 1.5


def test_exact_combinations_constants_and_dummies():
    a, b = rng.normal(size=(2, 50))
    frame = pd.DataFrame({"a": a, "b": b, "sum": a + b, "other": rng.normal(size=50), "one": 1.0})
    model = ours.CollinearityDetector().fit(frame)
    assert np.isinf(model.vif_[[0, 1, 2, 4]]).all() and model.vif_[3] < 2 and np.isinf(model.condition_number_)
    words = " ".join(model.advice_)
    assert "sum is an exact combination of a and b" in words and "one is constant" in words
    assert [frame.columns[j] for j in model.dropped_] == ["one", "sum"]  # the last of the equals: a and b stay
    dummies = np.eye(3)[rng.integers(0, 3, 60)]  # the trap: with an intercept, one level too many
    assert np.isinf(ours.CollinearityDetector().fit(dummies).vif_).all()
    assert ours.CollinearityDetector().fit(dummies).dropped_ == [2]
    assert ours.CollinearityDetector().fit(X[:, :3]).advice_ == []
    vif, _, values = inflation(np.eye(2), np.array([True, True]))
    assert vif.tolist() == [1, 1] and values.tolist() == [1, 1]


# -- bad input -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, data, target, words", [
    (lambda: ours.VarianceThreshold(1e9), X, None, r"threshold 1000000000\.00000"),
    (lambda: ours.VarianceThreshold(), X[:1], None, "only one sample"),
    (lambda: ours.SelectKBest(ours.chi2, k=2), X, LABELS, "non-negative, got -"),
    (lambda: ours.SelectKBest(k=-1), X, LABELS, "-1"),
    (lambda: ours.SelectPercentile(percentile=101), X, LABELS, "101"),
    (lambda: ours.SelectKBest(k=2), X, None, "requires y"),
    (lambda: ours.SelectFpr(ours.mutual_info_classif), X, LABELS, "no p-values"),
    (lambda: ours.SelectFromModel(Ridge(), threshold="most"), X, y, "'most'"),
    (lambda: ours.SelectFromModel(Ridge(), threshold="x*mean"), X, y, r"'x\*mean'"),
    (lambda: ours.SelectFromModel(Ridge(), max_features=lambda X: 1.5), X, y, "1.5"),
    (lambda: ours.SelectFromModel(Ridge(), max_features=-2), X, y, "-2"),
    (lambda: ours.CollinearityDetector(threshold=1), X, None, "> 1, got 1"),
    (lambda: ours.CollinearityDetector(), np.where(X > 2, np.nan, X), None, "NaN"),
    (lambda: ours.DropMissingColumns(max_share=2), X, None, "2"),
])
def test_bad_input_is_refused_in_words(make, data, target, words):
    with pytest.raises(HomespunError, match=words) as caught:
        make().fit(data, target).transform(data)
    assert caught.value.rule


def test_scores_refuse_in_words_too():
    for call, words in (
        (lambda: ours.mutual_info_regression(sparse.csr_matrix(X), y, discrete_features=False), "can't have continuous"),
        (lambda: ours.mutual_info_classif(X, LABELS, discrete_features="some"), "'some'"),
        (lambda: ours.f_regression(X, y[:-1]), "inconsistent"),
        (lambda: ours.chi2(-COUNTS, LABELS), "got -3"),
    ):
        with pytest.raises(HomespunError, match=words):
            call()


def test_nothing_selected_is_said():
    with pytest.warns(UserWarning, match="No features were selected"):
        assert ours.SelectKBest(k=0).fit(X[:, :3], LABELS).transform(X[:, :3]).shape == (80, 0)
    with pytest.warns(UserWarning, match="k=9 is greater than n_features=3"):
        ours.SelectKBest(k=9).fit(X[:, :3], LABELS)
