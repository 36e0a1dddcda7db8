"""Target encoding: against scikit-learn's, against a plain twin, and what it must not do: tell a row its own target."""

import numpy as np
import pytest
import sklearn.preprocessing as theirs
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit

from homespun.errors import HomespunError
from homespun.preprocessing import TargetEncoder
from homespun.preprocessing.values import factorise

rng = np.random.default_rng(0)
WORDS = rng.integers(0, 30, (300, 2)).astype(object)
WORDS[:, 0] = [f"c{v}" for v in WORDS[:, 0]]
WORDS[::7, 0], WORDS[::9, 0] = np.nan, None
NUMBERS = np.where(rng.random((300, 2)) < 0.2, np.nan, rng.integers(0, 12, (300, 2)))
TARGETS = {
    "continuous": rng.normal(100, 5, 300),
    "binary": np.array(["no", "yes"])[rng.integers(0, 2, 300)],
    "multiclass": np.array(list("abc"))[rng.integers(0, 3, 300)],
}


@pytest.mark.parametrize("X", [WORDS, NUMBERS], ids=["words", "numbers"])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("smooth", ["auto", 0, 3.5])
def test_equals_scikit_learn(X, kind, smooth):
    y = TARGETS[kind]
    mine, other = (cls(smooth=smooth, cv=KFold(4)) for cls in (TargetEncoder, theirs.TargetEncoder))
    np.testing.assert_allclose(mine.fit_transform(X, y), other.fit_transform(X, y), rtol=1e-12)
    for a, b in zip(mine.encodings_, other.encodings_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    new = X.copy()
    new[:5] = "unheard of" if X is WORDS else 77
    np.testing.assert_allclose(mine.transform(new), other.transform(new), rtol=1e-12)
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert mine.target_type_ == other.target_type_ == kind
    np.testing.assert_allclose(mine.target_mean_, other.target_mean_)


def test_numbers_of_folds_are_stratified_and_seeded():
    y = TARGETS["binary"]
    one, two, other = (TargetEncoder(cv=3, random_state=seed).fit_transform(WORDS, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    np.testing.assert_allclose(TargetEncoder(cv=3, shuffle=False).fit_transform(WORDS, y),
                               theirs.TargetEncoder(cv=theirs_folds(3)).fit_transform(WORDS, y), rtol=1e-12)


def theirs_folds(k):
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(k)


def test_micci_barreca_by_hand():
    """Equations 3 to 6 retold: 4 rows of "a" with targets 1 1 1 0 and 2 of "b" with 0 0; the overall mean is 1/2.

    v = 1/4; v_a = 3/16, so l_a = (4/4) / (4/4 + 3/16) = 16/19 and e_a = 16/19 * 3/4 + 3/19 * 1/2 = 27/38;
    v_b = 0, so l_b = 1 and e_b = 0.
    """
    X, y = [["a"]] * 4 + [["b"]] * 2, [1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(TargetEncoder().fit(X, y).encodings_, [[27 / 38, 0.0]])
    np.testing.assert_allclose(TargetEncoder(smooth=2).fit(X, y).encodings_, [[4 / 6, 1 / 4]])  # (3 + 1) / 6, (0 + 1) / 4


def test_a_row_does_not_see_its_own_target():
    """Every row its own category: encoded by all rows that is the target itself, cross-fitted it says nothing."""
    X, y = np.arange(200).reshape(-1, 1), rng.normal(size=200)
    leak = TargetEncoder(smooth=0).fit(X, y).transform(X)[:, 0]
    np.testing.assert_allclose(leak, y)
    safe = TargetEncoder(smooth=0, random_state=0).fit_transform(X, y)[:, 0]
    assert len(np.unique(safe)) == 5  # one mean for each fold
    groups = np.repeat(np.arange(40), 5)
    grouped = TargetEncoder(cv=GroupKFold(4)).fit_transform(X, y, groups=groups)
    assert len(np.unique(grouped)) == 4


def test_given_categories_and_dataframes():
    import pandas as pd

    frame = pd.DataFrame({"make": ["a", "b", "z", "a"], "doors": [2, 4, 2, 4]})
    model = TargetEncoder(categories=[["a", "b"], [2, 4]], smooth=1.0, target_type="continuous").fit(frame, [1, 2, 30, 3])
    np.testing.assert_allclose(model.encodings_[0], [(1 + 3 + 9) / 3, (2 + 9) / 2])  # the mean 9 is that of all rows
    assert model.transform(frame)[2, 0] == 9.0
    out = TargetEncoder(cv=2).set_output(transform="pandas").fit_transform(frame, [1.5, 2, 30, 3])
    assert out.columns.tolist() == ["make", "doors"]


@pytest.mark.parametrize("column", [WORDS[:, 0], WORDS[:, 1], NUMBERS[:, 0], np.array([True, False]), np.array(["b", "a"])],
                         ids=["text", "objects", "floats", "bools", "unicode"])
def test_factorise(column):
    from homespun.preprocessing.values import distinct_values, lookup

    codes, categories = factorise(column)
    plain = distinct_values(column)
    assert str(categories.tolist()) == str(plain.tolist())
    np.testing.assert_array_equal(codes, lookup(column, plain))


@pytest.mark.parametrize("parameters, X, y, words", [
    ({"smooth": -1}, WORDS, TARGETS["binary"], "-1"),
    ({}, WORDS, np.column_stack([TARGETS["continuous"]] * 2), "continuous-multioutput|1d array"),
    ({"target_type": "binary"}, WORDS, TARGETS["multiclass"], "has 3"),
    ({"cv": ShuffleSplit(2, random_state=0)}, WORDS, TARGETS["binary"], r"row \d+ is in \d test folds"),
    ({"cv": 400}, WORDS, TARGETS["binary"], "400"),
    ({}, WORDS, TARGETS["binary"][:-1], "299"),
    ({}, WORDS, np.full(300, np.nan), "NaN"),
    ({"target_type": "continuous"}, WORDS, np.full(300, np.nan), "NaN"),
])
def test_bad_input_is_refused_in_words(parameters, X, y, words):
    with pytest.raises(HomespunError, match=words) as caught:
        TargetEncoder(**parameters).fit_transform(X, y)
    assert caught.value.operation.startswith("TargetEncoder")
