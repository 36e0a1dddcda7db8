"""Imputation against scikit-learn, for numbers and text, dense and sparse."""

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.impute as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import homespun.impute as ours
from homespun.errors import DataError, ParameterError

rng = np.random.default_rng(0)
NUMBERS = np.where(rng.random((30, 4)) < 0.3, np.nan, rng.integers(0, 5, size=(30, 4)) + [0.0, 1e6, -7, 0.5])
EMPTY = np.column_stack([NUMBERS, np.full(30, np.nan)])
WORDS = np.array([["b", "x"], ["a", np.nan], [np.nan, "x"], ["b", "y"], ["a", "y"]], dtype=object)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("X", [NUMBERS, EMPTY], ids=["full", "empty column"])
def test_numbers_equal_sklearn(strategy, add_indicator, keep, X):
    parameters = {"strategy": strategy, "add_indicator": add_indicator, "keep_empty_features": keep}
    if strategy == "constant":
        parameters["fill_value"] = 3
        if X is EMPTY and not keep and sklearn.__version__.startswith("1.7."):
            pytest.skip("scikit-learn drops empty columns whatever the strategy since 1.8")
    mine, other = ours.SimpleImputer(**parameters).fit(X), theirs.SimpleImputer(**parameters).fit(X)
    np.testing.assert_array_equal(mine.statistics_, other.statistics_.astype(float))
    with np.errstate(all="ignore"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            b = other.transform(X)
    a = mine.transform(X)
    np.testing.assert_array_equal(a, b)
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    if add_indicator:
        back = mine.inverse_transform(a)  # scikit-learn's fails for a column without values
        np.testing.assert_array_equal(back[:, :4], X[:, :4])


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("form", ["objects", "dataframe"])
def test_words_equal_sklearn(strategy, form):
    X = WORDS if form == "objects" else pd.DataFrame(WORDS, columns=["make", "fuel"])
    mine, other = ours.SimpleImputer(strategy=strategy), theirs.SimpleImputer(strategy=strategy)
    assert mine.fit_transform(X).tolist() == other.fit_transform(X).tolist()
    assert mine.statistics_.tolist() == other.statistics_.tolist()


@pytest.mark.parametrize("missing", [-1, 0, np.nan])
def test_missing_values_by_another_name(missing):
    X = np.where(rng.random((20, 3)) < 0.3, missing, rng.normal(size=(20, 3)) + 5)
    mine, other = ours.SimpleImputer(missing_values=missing), theirs.SimpleImputer(missing_values=missing)
    np.testing.assert_allclose(mine.fit_transform(X), other.fit_transform(X))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("add_indicator", [False, True])
def test_sparse_equals_sklearn(strategy, add_indicator):
    dense = np.where(rng.random((30, 4)) < 0.5, 0.0, NUMBERS)
    mine = ours.SimpleImputer(strategy=strategy, add_indicator=add_indicator)
    other = theirs.SimpleImputer(strategy=strategy, add_indicator=add_indicator)
    a, b = mine.fit_transform(sparse.csr_matrix(dense)), other.fit_transform(sparse.csr_matrix(dense))
    assert sparse.issparse(a)
    np.testing.assert_allclose(mine.statistics_, other.statistics_)
    np.testing.assert_allclose(a.toarray().astype(float), b.toarray().astype(float))
    with pytest.raises(DataError, match="missing_values == 0"):
        ours.SimpleImputer(missing_values=0).fit(sparse.csr_matrix(np.nan_to_num(dense)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.just(np.nan), st.integers(-3, 3).map(float)), min_size=2, max_size=2),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["mean", "median", "most_frequent"]),
)
def test_any_table_equals_sklearn(rows, strategy):
    X = np.array(rows)
    mine, other = (m.SimpleImputer(strategy=strategy, keep_empty_features=True) for m in (ours, theirs))
    np.testing.assert_allclose(mine.fit_transform(X), other.fit_transform(X))


@pytest.mark.parametrize("features", ["missing-only", "all"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix])
def test_indicator_equals_sklearn(features, form):
    X = NUMBERS.copy()
    X[:, 2] = 1.0
    mine, other = (m.MissingIndicator(features=features) for m in (ours, theirs))
    a, b = mine.fit_transform(form(X)), other.fit_transform(form(X))
    assert sparse.issparse(a) == sparse.issparse(b)
    np.testing.assert_array_equal(*(one.toarray() if sparse.issparse(one) else one for one in (a, b)))
    np.testing.assert_array_equal(mine.features_, other.features_)
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    if features == "missing-only":
        X[0, 2] = np.nan
        with pytest.raises(DataError, match=r"\[2\]"):
            mine.transform(form(X))


def test_float32_and_input_untouched():
    X = NUMBERS.astype(np.float32)
    before = X.copy()
    out = ours.SimpleImputer().fit_transform(X)
    assert out.dtype == np.float32 and not np.isnan(out).any()
    np.testing.assert_array_equal(X, before)
    X.flags.writeable = False
    ours.SimpleImputer().fit_transform(X)


def test_one_marker_stands_for_missing():
    for cls in (ours.MissingIndicator, ours.SimpleImputer):
        with pytest.raises(ParameterError, match=r"missing_values must be a number, a text, None or NaN, got \[1, 2\]") as caught:
            cls(missing_values=[1, 2]).fit(NUMBERS)
        assert caught.value.operands == {"missing_values": [1, 2]}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix])
def test_a_constant_for_columns_without_values(keep, form):
    X = form(np.array([[np.nan, 1.0, np.nan], [2.0, 3.0, np.nan]]))
    out = ours.SimpleImputer(strategy="constant", fill_value=-1, keep_empty_features=keep).fit_transform(X)
    out = out.toarray() if sparse.issparse(out) else out
    assert out.tolist() == [[-1, 1, -1], [2, 3, -1]] if keep else out.tolist() == [[-1, 1], [2, 3]]
    words = np.array([["a", np.nan], [np.nan, np.nan]], dtype=object)
    out = ours.SimpleImputer(strategy="constant", keep_empty_features=keep).fit_transform(words)
    assert out.tolist() == [row + ["missing_value"] * keep for row in (["a"], ["missing_value"])]


def test_pandas_na():
    words = pd.DataFrame({"a": pd.Series(["abc", None, "de"], dtype="string")})
    for marker in (pd.NA, np.nan):
        model = ours.SimpleImputer(missing_values=marker, strategy="constant", fill_value="?", add_indicator=True)
        assert model.fit_transform(words).tolist() == [["abc", 0], ["?", 1], ["de", 0]]
        often = ours.SimpleImputer(missing_values=marker, strategy="most_frequent")
        assert often.fit_transform(words).tolist() == [["abc"], ["abc"], ["de"]]
        numbers = pd.DataFrame({"a": pd.Series([1, None, 3], dtype="Int64")})
        out = ours.SimpleImputer(missing_values=marker).fit_transform(numbers)
        assert out.tolist() == [[1], [2], [3]] and out.dtype == np.float64
        assert ours.SimpleImputer(missing_values=marker).fit_transform(NUMBERS).shape == NUMBERS.shape


def test_rows_without_text_after_a_fit_on_text():
    model = ours.SimpleImputer(strategy="most_frequent").fit([["a", "b"], ["c", "b"], ["a", "a"]])
    assert model.transform([[np.nan, np.nan]]).tolist() == [["a", "b"]]
    assert model.transform(np.full((1, 2), np.nan)).tolist() == [["a", "b"]]


@pytest.mark.parametrize("kind", ["U", "S"])
def test_arrays_in_which_nan_is_text_are_refused(kind):
    X = np.array([["a", np.nan], ["b", "c"]], dtype=kind)
    for strategy in ("constant", "most_frequent", "mean"):
        with pytest.raises(DataError, match=f"{kind}") as caught:
            ours.SimpleImputer(strategy=strategy).fit(X)
        assert caught.value.suggestion == "an array of dtype=object"


def test_bad_input():
    with pytest.raises(ParameterError, match="'mode'"):
        ours.SimpleImputer(strategy="mode").fit(NUMBERS)
    with pytest.raises(ValueError, match=r"non-numeric|could not convert"):
        ours.SimpleImputer().fit(WORDS)
    with pytest.raises(ParameterError, match="'none'"):
        ours.SimpleImputer(strategy="constant", fill_value="none").fit(NUMBERS)
    with pytest.raises(DataError, match="infinity"):
        ours.SimpleImputer().fit([[1.0], [np.inf]])
    with pytest.raises(ParameterError, match="add_indicator=True"):
        ours.SimpleImputer().fit(NUMBERS).inverse_transform(NUMBERS)
