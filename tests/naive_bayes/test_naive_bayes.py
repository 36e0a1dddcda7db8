"""Naive Bayes: parity with scikit-learn, streams, weights, worked examples, and what scikit-learn answers with NaN."""

import os
from pathlib import Path

import numba
import numpy as np
import pytest
import sklearn.naive_bayes as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.model_selection import KFold, cross_val_score

import homespun.naive_bayes as ours
from homespun.errors import DataError, HomespunError, ParameterError

COUNTING = ["MultinomialNB", "ComplementNB", "BernoulliNB"]
ALL = [*COUNTING, "CategoricalNB", "GaussianNB"]


def table(seed=0, n=120, d=6, classes=3):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (n, d))
    X[:4] = np.arange(4)[:, None]  # each code at least once
    return X, np.array(["pea", "apple", "plum", "fig"])[rng.integers(0, classes, n)], rng.integers(0, 3, n).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name, settings_", [
    ("GaussianNB", {}), ("GaussianNB", {"priors": [0.2, 0.3, 0.5], "var_smoothing": 0.1}),
    ("MultinomialNB", {}), ("MultinomialNB", {"alpha": [0.1, 0.5, 1, 2, 3, 4], "fit_prior": False}),
    ("ComplementNB", {}), ("ComplementNB", {"norm": True, "alpha": 0.3}),
    ("BernoulliNB", {}), ("BernoulliNB", {"binarize": 1.5, "class_prior": [0.2, 0.3, 0.5]}),
    ("CategoricalNB", {}), ("CategoricalNB", {"min_categories": 7, "alpha": 0.5}),
])
def test_same_as_scikit_learn(name, settings_, weighted):
    X, y, weights = table()
    weights = weights if weighted else None
    mine, peer = (getattr(package, name)(**settings_).fit(X, y, sample_weight=weights) for package in (ours, theirs))
    # scikit-learn's smoothing of Gaussian variances is unweighted: 1e-9 of another variance
    rtol = 1e-9 if name != "GaussianNB" or not weighted else 1e-1 if settings_ else 1e-6
    for method in ("predict_joint_log_proba", "predict_log_proba", "predict_proba"):
        np.testing.assert_allclose(getattr(mine, method)(X), getattr(peer, method)(X), rtol=rtol, atol=1e-9)
    second, first = np.sort(mine.predict_proba(X), axis=1)[:, -2:].T
    clear = first - second > 1e-9  # all classes score a row of equal counts alike with norm=True: rounding decides
    assert clear.mean() > 0.9 and (rtol > 1e-2 or (mine.predict(X) == peer.predict(X))[clear].all())


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("name", COUNTING)
def test_sparse_is_dense(name, dtype):
    X, y, weights = table()
    wide = sparse.csr_matrix(X.astype(dtype))
    wide.indptr, wide.indices = wide.indptr.astype(np.int64), wide.indices.astype(np.int64)
    dense = getattr(ours, name)().fit(X.astype(dtype), y, weights)
    for stored in (sparse.csr_matrix(X.astype(dtype)), sparse.csc_array(X.astype(dtype)), wide):
        model = getattr(ours, name)().fit(stored, y, weights)
        np.testing.assert_allclose(model.predict_log_proba(stored), dense.predict_log_proba(X), rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(1, 119), max_size=4, unique=True))
def test_a_stream_ends_where_one_fit_ends(name, seed, cuts):
    X, y, weights = table(seed)
    if name == "GaussianNB":
        X = X + 1e4  # far from zero
    whole = getattr(ours, name)().fit(X, y, weights)
    model = getattr(ours, name)()
    for rows in np.split(np.arange(len(X)), sorted(cuts)):
        if weights[rows].any():
            model.partial_fit(X[rows], y[rows], classes=np.unique(y), sample_weight=weights[rows])
    np.testing.assert_allclose(model.predict_log_proba(X), whole.predict_log_proba(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_weights_are_repetitions(name):
    X, y, weights = table()
    weighted = getattr(ours, name)().fit(X, y, weights)
    repeated = getattr(ours, name)().fit(*(np.repeat(part, weights.astype(int), axis=0) for part in (X, y)))
    np.testing.assert_allclose(weighted.predict_log_proba(X), repeated.predict_log_proba(X), rtol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_the_number_of_threads_changes_nothing(name):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (4000, 60)), rng.integers(0, 3, 4000)
    answers = []
    before = numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            answers.append(getattr(ours, name)().fit(X, y).predict_log_proba(X))
    finally:
        numba.set_num_threads(before)
    assert (answers[0] == answers[1]).all()


def test_a_textbook_example():
    """Manning, Raghavan & Schütze 2008, example 13.1: is "Chinese Chinese Chinese Tokyo Japan" about China?

    Words: Chinese, Beijing, Shanghai, Macao, Tokyo, Japan. p(c|d) is proportional to 3/4 (3/7)^3 1/14 1/14 = 0.0003, and
    p(not c|d) to 1/4 (2/9)^3 2/9 2/9 = 0.0001; with presence and absence instead of counts (example 13.2) it is not China.
    """
    X = [[2, 1, 0, 0, 0, 0], [2, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 1]]
    y = ["china", "china", "china", "not china"]
    letter = [[3, 0, 0, 0, 1, 1]]
    model = ours.MultinomialNB().fit(X, y)
    np.testing.assert_allclose(np.exp(model.predict_joint_log_proba(letter)),
                               [[3 / 4 * (3 / 7) ** 3 / 14**2, 1 / 4 * (2 / 9) ** 5]], rtol=1e-12)
    assert model.predict(letter) == ["china"]
    present = ours.BernoulliNB().fit(X, y)
    np.testing.assert_allclose(np.exp(present.predict_joint_log_proba(letter)),
                               [[3 / 4 * 4 / 5 * (1 / 5) ** 2 * (1 - 2 / 5) ** 3, 1 / 4 * (2 / 3) ** 6]], rtol=1e-12)
    assert present.predict(letter) == ["not china"]


@pytest.mark.skipif("HOMESPUN_DATA" not in os.environ, reason="needs HOMESPUN_DATA: classic_small")
def test_the_printed_result_for_pima():
    """10-fold, not shuffled: 0.755178, the number that textbooks print."""
    rows = np.loadtxt(Path(os.environ["HOMESPUN_DATA"]) / "classic_small/pima-indians-diabetes.csv", delimiter=",")
    found = cross_val_score(ours.GaussianNB(), rows[:, :8], rows[:, 8], cv=KFold(10))
    assert round(found.mean(), 6) == 0.755178


def test_gaussian_far_from_zero():
    """Variances of 1 around 1e8: the difference of squares would have no digit left."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)), np.repeat([0, 1], 150)
    near, far = ours.GaussianNB(var_smoothing=0).fit(X, y), ours.GaussianNB(var_smoothing=0).fit(X + 1e8, y)
    np.testing.assert_allclose(far.var_, near.var_, rtol=1e-6)


def test_gaussian_without_variance():
    """Constant features say nothing: the prior decides, where scikit-learn divides by zero."""
    model = ours.GaussianNB().fit([[1.0], [1.0], [1.0]], ["a", "a", "b"])
    np.testing.assert_allclose(model.predict_proba([[1.0], [2.0]]), [[2 / 3, 1 / 3]] * 2)


def test_gaussian_overflow_is_told():
    with pytest.raises(DataError, match=r"feature 1.*1e\+200"):
        ours.GaussianNB().fit([[1.0, 1e200], [2.0, -1e200], [3.0, 1.0]], [0, 0, 1])


def test_a_word_that_no_class_has_seen():
    """Without smoothing it makes every class impossible; the prior remains. Absent words do no harm: 0 log 0 is 0."""
    model = ours.MultinomialNB(alpha=0).fit([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0]], ["a", "a", "a", "b"])
    np.testing.assert_allclose(model.predict_proba([[0, 0, 1]]), [[0.75, 0.25]])
    np.testing.assert_allclose(model.predict_proba([[1, 0, 0]]), [[1, 0]])
    assert model.predict_log_proba([[1, 0, 0]])[0, 1] == model.predict_joint_log_proba([[1, 0, 0]])[0, 1] == -np.inf


def test_a_feature_that_is_always_there():
    """Class a always has feature 0, b never: one row without and one with it, and one that neither class explains."""
    model = ours.BernoulliNB(alpha=0).fit([[1, 1], [1, 0], [0, 1], [0, 1]], ["a", "a", "b", "b"])
    np.testing.assert_allclose(model.predict_proba([[1, 1], [0, 1], [0, 0]]), [[1, 0], [0, 1], [0.5, 0.5]])


def test_a_class_that_the_stream_has_not_brought():
    for name in ALL:
        model = getattr(ours, name)().partial_fit([[0, 1], [1, 2], [3, 0]], [0, 1, 1], classes=[0, 1, 2])
        assert 2 not in model.predict([[0, 1], [2, 2]]) or name == "ComplementNB"  # which takes no notice of the prior


@pytest.mark.parametrize("name, settings_, X, words", [
    ("MultinomialNB", {}, [[1, -2], [3, 1]], "Negative values.*-2"),
    ("ComplementNB", {}, [[1, -2], [3, 1]], "Negative values.*-2"),
    ("CategoricalNB", {}, [[1, 0], [3, -1]], "-1 in row 1, feature 1"),
    ("BernoulliNB", {"binarize": None}, [[1, 7], [0, 1]], "0 to 7"),
    ("BernoulliNB", {"binarize": -1.0}, sparse.csr_matrix([[1, 7], [0, 1]]), "binarize=-1"),
    ("MultinomialNB", {"alpha": -1}, [[1, 7], [0, 1]], "alpha must be a number >= 0.*-1"),
    ("MultinomialNB", {"alpha": [1, 2, 3]}, [[1, 7], [0, 1]], "3 elements instead of 2"),
    ("MultinomialNB", {"alpha": [1, -2]}, [[1, 7], [0, 1]], "greater than 0. The least is -2"),
    ("MultinomialNB", {"class_prior": [0.2, 0.2, 0.6]}, [[1, 7], [0, 1]], "match number of classes"),
    ("GaussianNB", {"priors": [0.2, 0.3]}, [[1, 7], [0, 1]], "sum of the priors should be 1. It is 0.5"),
    ("GaussianNB", {"priors": [-1, 2]}, [[1, 7], [0, 1]], "non-negative"),
    ("CategoricalNB", {"min_categories": [1, 2, 3]}, [[1, 7], [0, 1]], r"shape \(2,\).*\(3,\)"),
    ("CategoricalNB", {"min_categories": [0.5, 2]}, [[1, 7], [0, 1]], "integral type.*float64"),
])
def test_wrong_things_are_named(name, settings_, X, words):
    with pytest.raises(HomespunError, match=words) as caught:
        getattr(ours, name)(**settings_).fit(X, [0, 1])
    assert caught.value.rule and caught.value.operands


def test_a_code_beyond_the_categories():
    model = ours.CategoricalNB().fit([[0, 1], [1, 0]], [0, 1])
    with pytest.raises(DataError, match="feature 1 has 2 categories, 0 to 1, but X holds 5") as caught:
        model.predict([[0, 5]])
    assert caught.value.suggestion == "min_categories=6 leaves room for it"
    roomy = ours.CategoricalNB(min_categories=6).fit([[0, 1], [1, 0]], [0, 1])
    np.testing.assert_allclose(roomy.predict_proba([[0, 5]]).sum(), 1)


@pytest.mark.parametrize("name", ALL)
def test_streams_name_their_classes(name):
    model = getattr(ours, name)()
    with pytest.raises(ParameterError, match="classes must be passed on the first call") as caught:
        model.partial_fit([[0, 1]], [0])
    assert "np.unique" in caught.value.suggestion
    model.partial_fit([[0, 1], [1, 0]], [0, 1], classes=[0, 1])
    with pytest.raises(ParameterError, match="not the same as on last call"):
        model.partial_fit([[0, 1]], [0], classes=[0, 2])
    with pytest.raises(DataError, match=r"The target label\(s\) \[7\] in y"):
        model.partial_fit([[0, 1]], [7])


def test_small_alpha_is_raised_on_request():
    X, y, _ = table()
    with pytest.warns(UserWarning, match="alpha too small"):
        model = ours.MultinomialNB(alpha=0, force_alpha=False).fit(X, y)
    np.testing.assert_allclose(model.feature_log_prob_, ours.MultinomialNB(alpha=1e-10).fit(X, y).feature_log_prob_)


@pytest.mark.parametrize("name, bad", [("GaussianNB", [[1e200, 0], [-1e200, 1]]), ("MultinomialNB", [[1, -1], [0, 1]]),
                                       ("CategoricalNB", [[1, -1], [0, 1]])])
def test_a_refused_batch_changes_nothing(name, bad):
    """Neither the first one of a stream, after which it could not be continued, nor a later one."""
    good, y = [[1, 0], [0, 2], [3, 1]], [0, 1, 1]
    model, untroubled = getattr(ours, name)(), getattr(ours, name)()
    for _ in range(2):
        with pytest.raises(DataError):
            model.partial_fit(bad, [0, 0], classes=[0, 1])
        model.partial_fit(good, y, classes=[0, 1])
        untroubled.partial_fit(good, y, classes=[0, 1])
        np.testing.assert_array_equal(model.predict_proba(good), untroubled.predict_proba(good))
