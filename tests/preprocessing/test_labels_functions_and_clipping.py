"""Labels, functions, rare levels and clipping: scikit-learn's answers where it has them, stored without code, and words."""

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing as theirs
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import homespun.preprocessing as ours
from homespun import persist
from homespun.errors import HomespunError, ModelFileError

rng = np.random.default_rng(2)
LABELS = {
    "text": np.array(["b", "a", "c", "a"]), "objects": np.array(["b", "a", "b"], dtype=object), "numbers": np.array([3, 1, 1, 7]),
    "two": ["yes", "no", "yes"], "bools": np.array([True, False]), "one": ["x", "x"], "halves": np.array([1.0, 2.0, 1.0]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_equal_scikit_learn(kind):
    y = LABELS[kind]
    mine, other = ours.LabelEncoder(), theirs.LabelEncoder()
    np.testing.assert_array_equal(mine.fit_transform(y), other.fit_transform(y))
    assert mine.classes_.dtype == other.classes_.dtype and mine.classes_.tolist() == other.classes_.tolist()
    np.testing.assert_array_equal(mine.inverse_transform(mine.transform(y)), y)
    for options in ({}, {"neg_label": -1, "pos_label": 2}, {"sparse_output": True}):
        mine, other = ours.LabelBinarizer(**options), theirs.LabelBinarizer(**options)
        got, expected = mine.fit_transform(y), other.fit_transform(y)
        assert sparse.issparse(got) == sparse.issparse(expected)
        dense = [value.toarray() if sparse.issparse(value) else value for value in (got, expected)]
        np.testing.assert_array_equal(*dense)
        assert mine.classes_.tolist() == other.classes_.tolist() and mine.y_type_ == other.y_type_
        np.testing.assert_array_equal(mine.inverse_transform(got), y)


def test_many_labels_a_row_and_unseen_ones():
    Y = rng.integers(0, 2, (6, 3))
    mine, other = ours.LabelBinarizer().fit(Y), theirs.LabelBinarizer().fit(Y)
    np.testing.assert_array_equal(mine.transform(Y), other.transform(Y))
    np.testing.assert_array_equal(mine.inverse_transform(Y), other.inverse_transform(Y))
    three = ours.LabelBinarizer().fit(["a", "b", "c"])
    assert three.transform(["b", "z"]).tolist() == [[0, 1, 0], [0, 0, 0]]
    scores = np.array([[0.2, 0.5, 0.3]])
    assert three.inverse_transform(scores).tolist() == theirs.LabelBinarizer().fit(["a", "b", "c"]).inverse_transform(
        scores).tolist() == ["b"]


@given(st.lists(st.text(max_size=3), min_size=1, max_size=20))
def test_labels_come_back(labels):
    model = ours.LabelEncoder()
    y = np.array(labels, dtype=object)
    assert model.inverse_transform(model.fit_transform(y)).tolist() == labels


X = np.abs(rng.normal(size=(30, 3))) + 0.5


@pytest.mark.parametrize("func, inverse", [("log1p", "expm1"), (np.sqrt, np.square), ("log", np.exp), (None, None)])
def test_functions_by_name_are_scikit_learns(func, inverse, tmp_path):
    def real(value):
        return getattr(np, value) if isinstance(value, str) else value

    mine = ours.FunctionTransformer(func, inverse, validate=True, feature_names_out="one-to-one").fit(X)
    other = theirs.FunctionTransformer(real(func), real(inverse), validate=True).fit(X)
    np.testing.assert_array_equal(mine.transform(X), other.transform(X))
    np.testing.assert_allclose(mine.inverse_transform(mine.transform(X)), X)
    assert mine.get_feature_names_out().tolist() == ["x0", "x1", "x2"]
    back = persist.load(persist.save(mine, tmp_path / "m", sample=X))
    np.testing.assert_array_equal(back.transform(X), mine.transform(X))
    assert back.get_params()["validate"] is True


def test_functions_of_the_user():
    frame = pd.DataFrame(X, columns=list("abc"))
    model = ours.FunctionTransformer(lambda table, by: table * by, kw_args={"by": 2}).fit(frame)
    pd.testing.assert_frame_equal(model.transform(frame), frame * 2)
    with pytest.raises(ModelFileError, match="func"):
        persist.save(model, "nowhere")
    assert not hasattr(model, "get_feature_names_out")
    with pytest.warns(UserWarning, match="not strictly inverse"):
        ours.FunctionTransformer("log", "expm1").fit(X)
    kept = ours.FunctionTransformer("sqrt").transform(sparse.csr_matrix(X * (X > 1)))
    np.testing.assert_allclose(kept.toarray(), np.sqrt(X * (X > 1)))


MAKES = np.array(["vw"] * 6 + ["kia"] * 3 + ["tatra", None, "lada"], dtype=object)
FRAME = pd.DataFrame({"make": pd.Series(MAKES, dtype=object), "km": np.arange(12.0)})


def test_rare_levels(tmp_path):
    model = ours.RareLevelEncoder(min_frequency=3).fit(FRAME)
    assert model.infrequent_categories_[0].tolist() == ["lada", "tatra", None]  # None is a rare level, and stays None
    some = pd.Series(np.array(["vw", "tatra", None, "skoda", np.nan], dtype=object), dtype=object)
    new = pd.DataFrame({"make": some, "km": [1.0, 2, 3, 4, 5]})
    out = model.transform(new)
    assert out[:4, 0].tolist() == ["vw", "rare", None, "rare"] and np.isnan(out[4, 0]) and out[:, 1].tolist() == [1, 2, 3, 4, 5]
    back = persist.load(persist.save(model, tmp_path / "m"))
    assert back.transform(new)[:4].tolist() == out[:4].tolist()
    most = ours.RareLevelEncoder(min_frequency=1, max_categories=2, rare_level="other").fit_transform(FRAME)
    assert set(most[:, 0]) == {"vw", "other", None}
    assert set(ours.RareLevelEncoder(min_frequency=0.3).fit_transform(FRAME)[:, 0]) == {"vw", "rare", None}
    with pytest.raises(HomespunError, match="skoda"):
        ours.RareLevelEncoder(min_frequency=3, handle_unknown="error").fit(FRAME).transform(new)
    assert ours.RareLevelEncoder().fit_transform(X).dtype == np.float64


def test_rare_levels_that_are_too_few_together_do_not_speak_for_unseen_ones():
    """One Bentley among the Volkswagens must not price a Skoda, nor a car whose make is missing."""
    fresh = pd.DataFrame({"make": pd.Series(["tatra", "skoda", None, "kia"], dtype=object), "km": 0.0})

    def named(**options):
        model = ours.RareLevelEncoder(min_frequency=2, **options).fit(FRAME)
        return model.transform(fresh)[:, 0].tolist(), model.other_, model.missing_

    assert named() == (["rare", "rare", None, "kia"], ["rare", None], [None, None])
    assert named(group_frequency=2) == (["rare", "rare", None, "kia"], ["rare", None], [None, None])  # tatra and lada
    assert named(group_frequency=4) == (["vw", "vw", None, "kia"], ["vw", None], [None, None])
    assert named(handle_missing="frequent") == (["rare", "rare", "vw", "kia"], ["rare", None], ["vw", None])
    often = pd.concat([FRAME, FRAME[FRAME.make.isna()]])  # two missing ones are a level of their own
    assert ours.RareLevelEncoder(min_frequency=2, handle_missing="frequent").fit(often).missing_ == [None, None]
    share = ours.RareLevelEncoder(min_frequency=0.2, handle_missing="frequent", group_frequency=50).fit(FRAME)
    assert share.transform(fresh)[:, 0].tolist() == ["vw", "vw", "vw", "kia"]
    nothing = pd.DataFrame({"make": pd.Series([None, np.nan], dtype=object)})
    lost = ours.RareLevelEncoder(group_frequency=2, handle_missing="frequent").fit(nothing)
    assert pd.isna(lost.transform(fresh[["make"]])).all()


def test_clipping_equals_its_formula():
    from scipy.stats.mstats import winsorize

    wild = np.where(rng.random((200, 2)) < 0.05, 1e6, rng.normal(size=(200, 2)))
    model = ours.OutlierClipper().fit(wild)
    low, high = np.quantile(wild, [0.25, 0.75], axis=0)
    np.testing.assert_allclose(model.lower_, low - 1.5 * (high - low))
    np.testing.assert_array_equal(model.transform(wild), np.clip(wild, model.lower_, model.upper_))
    assert ((model.clipped_share_ > 0.02) & (model.clipped_share_ < 0.15)).all() and model.transform(wild).max() < 10
    ranks = np.arange(101.0)[:, None]
    clipped = ours.OutlierClipper(method="quantile", quantile_range=(0.1, 0.9)).fit_transform(ranks)
    np.testing.assert_array_equal(clipped.ravel(), np.asarray(winsorize(ranks.ravel(), (0.1, 0.1))))
    gaps = np.array([[1.0], [np.nan], [3.0], [1e9], [2.0], [2.5]])
    assert np.isnan(ours.OutlierClipper().fit_transform(gaps)[1, 0])
    assert ours.OutlierClipper().fit_transform(wild.astype(np.float32)).dtype == np.float32


def test_tukeys_whiskers():
    """Eleven ordered values, quartiles 3.5 and 8.5: the whiskers end at 3.5 - 7.5 = -4 and 16, so 40 becomes 16."""
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 40]).reshape(-1, 1)
    assert ours.OutlierClipper().fit_transform(values).ravel().tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16]


def test_age_as_of_another_day():
    model = ours.DateParts(parts=("age",)).fit([["2024-01-01"], ["2024-03-01"]])
    assert model.transform([["2024-02-29"]])[0, 0] == 1
    later = model.as_of("2024-03-31")
    assert later.transform([["2024-02-29"]])[0, 0] == 31 and model.transform([["2024-02-29"]])[0, 0] == 1
    today = model.as_of().transform([[str(np.datetime64("today"))]])[0, 0]
    assert today in (0.0, 1.0)  # midnight may fall between the two lines
    with pytest.raises(HomespunError, match="some day"):
        model.as_of("some day")


@pytest.mark.parametrize("call, words", [
    (lambda: ours.LabelEncoder().fit(["a"]).transform(["b"]), r"unseen labels: \['b'\]"),
    (lambda: ours.LabelEncoder().fit(["a"]).inverse_transform([1]), "unseen labels"),
    (lambda: ours.LabelEncoder().fit([["a", "b"]]), "1d array"),
    (lambda: ours.LabelBinarizer(neg_label=2).fit(["a"]), "neg_label=2"),
    (lambda: ours.LabelBinarizer(neg_label=-1, sparse_output=True).fit(["a"]), "neg_label=-1"),
    (lambda: ours.LabelBinarizer().fit([0.5, 1.7]), "continuous"),
    (lambda: ours.LabelBinarizer().fit([]), "0 samples"),
    (lambda: ours.LabelBinarizer().fit(["a", "b"]).transform([[1, 0], [1, 1]]), "not fitted with multilabel"),
    (lambda: ours.FunctionTransformer("add").fit(X), "'add'"),
    (lambda: ours.FunctionTransformer("no such").fit(X), "'no such'"),
    (lambda: ours.FunctionTransformer("log", "exp").fit(FRAME), "numerical"),
    (lambda: ours.OutlierClipper(factor=-1).fit(X), "-1"),
    (lambda: ours.OutlierClipper(method="quantile", quantile_range=(0.9, 0.1)).fit(X), r"\(0\.9, 0\.1\)"),
    (lambda: ours.RareLevelEncoder(min_frequency=0).fit(FRAME), "0"),
])
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(HomespunError, match=words):
        call()
