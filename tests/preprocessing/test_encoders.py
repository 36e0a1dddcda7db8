"""One-hot and ordinal encoding against scikit-learn, value by value."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

import homespun.preprocessing as ours
from homespun.errors import DataError, ParameterError, ShapeError

WORDS = np.array([["b", "x"], ["a", "y"], ["c", "x"], ["a", "x"], ["b", "z"], ["a", "y"], ["d", "x"]], dtype=object)
TABLES = {
    "words": WORDS,
    "strings": WORDS.astype(str),
    "numbers": np.array([[3.0, 1], [1, 2], [2, 1], [1, 1], [3, 7], [1, 2], [9, 1]]),
    "integers": np.array([[3, 1], [1, 2], [2, 1], [1, 1], [3, 7], [1, 2], [9, 1]]),
    "nan": np.array([[3.0, np.nan], [np.nan, 2], [2, 1], [1, 1], [3, 7], [1, 2], [np.nan, 1]]),
    "words with gaps": np.array(
        [["b", None], ["a", "y"], [np.nan, "x"], ["a", "x"], ["b", None], ["a", "y"], [np.nan, "x"]], dtype=object
    ),
}
FRESH = {
    "words": np.array([["a", "q"], ["q", "x"], ["d", "z"]], dtype=object),
    "strings": np.array([["a", "quite long"], ["q", "x"], ["d", "z"]]),
    "numbers": np.array([[1.0, 5], [4, 1], [9, 7]]),
    "integers": np.array([[1, 5], [4, 1], [9, 7]]),
    "nan": np.array([[np.nan, 5], [4, np.nan], [3, 7]]),
    "words with gaps": np.array([["a", "q"], [None, "x"], [np.nan, None]], dtype=object),
}


def pair(name, **parameters):
    return getattr(ours, name)(**parameters), getattr(theirs, name)(**parameters)


def same(a, b):
    assert sparse.issparse(a) == sparse.issparse(b)
    a, b = (np.asarray(one.toarray() if sparse.issparse(one) else one) for one in (a, b))
    assert a.dtype == b.dtype and a.shape == b.shape
    assert a.tolist() == b.tolist() or pd.DataFrame(a).equals(pd.DataFrame(b))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("drop", [None, "first", "if_binary"])
@pytest.mark.parametrize(
    "rare",
    [
        {},
        {"min_frequency": 2},
        {"max_categories": 2},
        {"min_frequency": 0.25},
        {"min_frequency": 2, "max_categories": 3},
        {"max_categories": 1},
    ],
)
def test_one_hot_equals_sklearn(table, drop, rare):
    X, fresh = TABLES[table], FRESH[table]
    for unknown, as_sparse in itertools.product(["ignore", "infrequent_if_exist", "warn"], [True, False]):
        mine, other = pair("OneHotEncoder", drop=drop, handle_unknown=unknown, sparse_output=as_sparse, **rare)
        same(mine.fit_transform(X), other.fit_transform(X))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a, b = mine.transform(fresh), other.transform(fresh)
        same(a, b)
        assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
        assert (
            mine.get_feature_names_out(["one", "two"]).tolist() == other.get_feature_names_out(["one", "two"]).tolist()
        )
        for mine_categories, other_categories in zip(mine.categories_, other.categories_):
            same(mine_categories, other_categories)
        if rare:
            for one, two in zip(mine.infrequent_categories_, other.infrequent_categories_):
                assert (one is None) == (two is None)
                if one is not None:
                    same(one, two)
        assert (mine.drop_idx_ is None) == (other.drop_idx_ is None)
        if drop is not None:
            assert mine.drop_idx_.tolist() == other.drop_idx_.tolist()
        comes_back(mine, X)


def comes_back(encoder, X):
    """By the definition: scikit-learn's own inverse fails, or errs, where a dropped or missing category meets rare ones."""
    back = encoder.inverse_transform(encoder.transform(X))
    rare = getattr(encoder, "infrequent_categories_", None) or [None] * X.shape[1]
    for j in range(X.shape[1]):
        grouped = [] if rare[j] is None else [str(value) for value in rare[j]]
        assert [str(value) for value in back[:, j]] == [
            "infrequent_sklearn" if str(value) in grouped else str(value) for value in X[:, j]
        ]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "rare", [{}, {"min_frequency": 2}, {"max_categories": 2}, {"min_frequency": 0.25}, {"max_categories": 1}]
)
@pytest.mark.parametrize(
    "codes",
    [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan, "encoded_missing_value": -2},
    ],
)
def test_ordinal_equals_sklearn(table, rare, codes):
    mine, other = pair("OrdinalEncoder", **rare, **codes)
    X = TABLES[table]
    same(mine.fit_transform(X), other.fit_transform(X))
    if codes:
        same(mine.transform(FRESH[table]), other.transform(FRESH[table]))
    if codes.get("unknown_value", 0) == codes.get("unknown_value", 0):  # NaN for unknown cannot be told from NaN
        comes_back(mine, X)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.integers(1, 6), st.integers(1, 6))
def test_rare_groups_equal_sklearn(letters, min_frequency, max_categories):
    X = np.array(letters, dtype=object).reshape(-1, 1)
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        mine, other = pair(name, min_frequency=min_frequency, max_categories=max_categories)
        same(mine.fit_transform(X), other.fit_transform(X))


def test_given_categories_and_drops():
    X = np.array([["low", 1], ["high", 2], ["low", 2]], dtype=object)
    categories = [["low", "middle", "high"], [1, 2, 3]]
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        mine, other = pair(name, categories=categories)
        same(mine.fit_transform(X), other.fit_transform(X))
    mine, other = pair("OneHotEncoder", drop=["high", 1])
    same(mine.fit_transform(X), other.fit_transform(X))
    assert mine.drop_idx_.tolist() == other.drop_idx_.tolist() == [0, 0]
    with pytest.raises(ParameterError, match="'middle' from feature 0 because it is infrequent"):
        ours.OneHotEncoder(categories=categories, drop=["middle", 3], min_frequency=1).fit(X)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_dataframes(kind):
    columns = {"fuel": ["petrol", None, "diesel", "petrol"], "doors": [3, 5, 5, 3], "litres": [1.5, 2.0, None, 1.5]}
    if kind == "polars":
        import polars as pl

        frame = pl.DataFrame(columns)
    else:
        frame = pd.DataFrame(columns)
    mine = ours.OneHotEncoder(sparse_output=False).fit(frame)
    assert mine.feature_names_in_.tolist() == list(columns)
    encoded = mine.transform(frame)
    assert encoded.shape[0] == 4 and (encoded.sum(axis=1) == 3).all()
    if kind == "pandas":
        same(encoded, theirs.OneHotEncoder(sparse_output=False).fit_transform(frame))
        out = clone(mine).set_output(transform="pandas").fit_transform(frame)
        assert list(out) == mine.get_feature_names_out().tolist()
        with pytest.raises(DataError):
            mine.transform(frame.rename(columns={"fuel": "Fuel"}))


@pytest.mark.parametrize("kind", ["U", "O", "S"])
def test_categories_of_a_column_of_bytes(kind):
    X, categories = np.array([["b"], ["a"]], dtype="S"), [np.array(["b", "a"], dtype=kind)]
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        mine, other = getattr(ours, name)(categories=categories), getattr(theirs, name)(categories=categories)
        a, b = mine.fit(X).transform(X), other.fit(X).transform(X)
        np.testing.assert_array_equal(*(part.toarray() if sparse.issparse(part) else part for part in (a, b)))
    text = np.array([["b"], ["a"]], dtype="U")
    with pytest.raises(DataError):
        ours.OrdinalEncoder(categories=[np.array(["b", "a"], dtype="S")]).fit(text)


def test_codes_of_a_group_leave_out_nan():
    letters = ["a"] * 5 + ["b"] * 20 + ["c"] * 10 + ["d"] * 3 + [np.nan]
    settings = {"handle_unknown": "use_encoded_value", "unknown_value": 2, "max_categories": 2, "encoded_missing_value": 3}
    Q = np.array([["a"], ["b"], ["c"], ["d"], ["e"], [np.nan]], dtype=object)
    model = ours.OrdinalEncoder(**settings).fit(np.array([letters], dtype=object).T)
    assert model.transform(Q).ravel().tolist() == [1, 0, 1, 1, 2, 3]
    with pytest.raises(ParameterError, match="unknown_value"):
        ours.OrdinalEncoder(**{**settings, "unknown_value": 1}).fit(np.array([letters], dtype=object).T)


def test_bad_input():
    X = [["a"], ["b"]]
    with pytest.raises(DataError, match=r"\['z'\]") as caught:
        ours.OneHotEncoder().fit(X).transform([["z"]])
    assert caught.value.operands == {"column": 0, "values": ["z"]}
    with pytest.raises(DataError, match="'z'"):
        ours.OrdinalEncoder(categories=[["a"]]).fit([["z"]])
    with pytest.raises(ParameterError, match="'sometimes'"):
        ours.OneHotEncoder(handle_unknown="sometimes").fit(X)
    with pytest.raises(ParameterError, match="max_categories must be"):
        ours.OneHotEncoder(max_categories=0).fit(X)
    with pytest.raises(ParameterError, match="min_frequency"):
        ours.OrdinalEncoder(min_frequency=1.5).fit(X)
    with pytest.raises(ParameterError, match="'q'"):
        ours.OneHotEncoder(drop=["q"]).fit(X)
    with pytest.raises(ParameterError, match="length"):
        ours.OneHotEncoder(drop=["a", "b"]).fit(X)
    with pytest.raises(ShapeError, match="Shape mismatch"):
        ours.OneHotEncoder(categories=[["a"], ["b"]]).fit(X)
    with pytest.raises(ParameterError, match="duplicate"):
        ours.OrdinalEncoder(categories=[["a", "a", "b"]]).fit(X)
    with pytest.raises(ParameterError, match="Unsorted"):
        ours.OrdinalEncoder(categories=[[2, 1]]).fit([[1], [2]])
    with pytest.raises(ParameterError, match="Nan should be"):
        ours.OrdinalEncoder(categories=[[np.nan, 1.0]]).fit([[1.0]])
    for parameters in ({"handle_unknown": "use_encoded_value"}, {"unknown_value": 3}):
        with pytest.raises(TypeError, match="unknown_value"):
            ours.OrdinalEncoder(**parameters).fit(X)
    for parameters in (
        {"handle_unknown": "use_encoded_value", "unknown_value": 1},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan, "dtype": np.int64},
    ):
        with pytest.raises(ParameterError, match="unknown_value"):
            ours.OrdinalEncoder(**parameters).fit(X)
    with pytest.raises(ParameterError, match="encoded_missing_value"):
        ours.OrdinalEncoder(encoded_missing_value=0).fit([["a"], [np.nan]])
    with pytest.raises(ShapeError, match="Expected 2 columns"):
        ours.OneHotEncoder().fit(X).inverse_transform([[1.0, 0, 0]])
    with pytest.raises(DataError, match="can not be inverted"):
        ours.OneHotEncoder().fit(X).inverse_transform([[0.0, 0.0]])
    with pytest.raises(TypeError, match="uniformly"):
        ours.OneHotEncoder().fit(np.array([["a"], [1]], dtype=object))
    with pytest.warns(UserWarning, match=r"columns \[0\]"):
        ours.OneHotEncoder(handle_unknown="warn").fit(X).transform([["z"]])


@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder"])
def test_one_row_one_category(name):
    mine, other = pair(name)
    same(mine.fit_transform([["a"]]), other.fit_transform([["a"]]))


def test_read_only_and_strided_input():
    X = np.array([[1, 2, 3], [2, 2, 1], [1, 3, 3]])
    X.flags.writeable = False
    same(ours.OrdinalEncoder().fit_transform(X[:, ::2]), theirs.OrdinalEncoder().fit_transform(X[:, ::2]))
