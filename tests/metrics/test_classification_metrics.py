"""Class metrics against scikit-learn, on labels of every kind, and what they refuse."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs
from sklearn.exceptions import UndefinedMetricWarning

from homespun import metrics as ours
from homespun.errors import DataError, ParameterError, ShapeError


def labels(kind, n=60, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    names = {
        "numbers": np.arange(classes),
        "signs": np.array([-1, 1, 4])[:classes],
        "words": np.array(["cat", "dog", "a longer word"])[:classes],
        "objects": np.array(["cat", "dog", "eel"], dtype=object)[:classes],
        "floats": np.array([1.0, 2.0, 5.0])[:classes],
        "booleans": np.array([False, True]),
    }[kind]
    return rng.choice(names, n), rng.choice(names, n), rng.uniform(0.1, 2, n)


KINDS = ["numbers", "signs", "words", "objects", "floats"]
SCORES = ["accuracy_score", "balanced_accuracy_score", "confusion_matrix", "zero_one_loss"]


@pytest.mark.parametrize("kind", [*KINDS, "booleans"])
@pytest.mark.parametrize("name", SCORES)
def test_parity(name, kind):
    y, p, w = labels(kind)
    for weight in (None, w, np.arange(60) % 3):
        np.testing.assert_allclose(getattr(ours, name)(y, p, sample_weight=weight),
                                   getattr(theirs, name)(y, p, sample_weight=weight), rtol=1e-12)


@pytest.mark.parametrize("name", ["accuracy_score", "zero_one_loss"])
def test_counts(name):
    y, p, w = labels("numbers")
    for weight in (None, w):
        expected = getattr(theirs, name)(y, p, normalize=False, sample_weight=weight)
        assert getattr(ours, name)(y, p, normalize=False, sample_weight=weight) == pytest.approx(expected)


@pytest.mark.parametrize("normalize", ["true", "pred", "all", None])
@pytest.mark.parametrize("given_labels", [None, [2, 0], [1], [0, 1, 2, 7]])
@pytest.mark.filterwarnings("ignore:A single label")
def test_confusion_matrix_options(normalize, given_labels):
    y, p, w = labels("numbers")
    for weight in (None, w, np.arange(60)):
        mine = ours.confusion_matrix(y, p, labels=given_labels, normalize=normalize, sample_weight=weight)
        other = theirs.confusion_matrix(y, p, labels=given_labels, normalize=normalize, sample_weight=weight)
        np.testing.assert_allclose(mine, other)
        assert mine.dtype == other.dtype


@pytest.mark.parametrize("name", [
    "precision_score", "recall_score", "f1_score", "fbeta_score", "precision_recall_fscore_support"])
@pytest.mark.parametrize("average", ["binary", "micro", "macro", "weighted", None])
@pytest.mark.parametrize("kind", ["numbers", "words"])
def test_precision_recall(name, average, kind):
    binary = average == "binary"
    y, p, w = labels(kind, classes=2 if binary else 3)
    positive = {"pos_label": y[0]} if binary else {}
    beta = {"beta": 2.0} if name == "fbeta_score" else {}
    for weight in (None, w):
        mine = getattr(ours, name)(y, p, average=average, sample_weight=weight, **positive, **beta)
        other = getattr(theirs, name)(y, p, average=average, sample_weight=weight, **positive, **beta)
        if not isinstance(other, tuple):
            mine, other = (mine,), (other,)
        for a, b in zip(mine, other):
            assert (a is None) == (b is None)
            if b is not None:
                np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("beta", [0, 0.5, np.inf])
def test_extreme_beta(beta):
    y, p, _ = labels("numbers")
    for subset in (None, [2, 1]):
        mine = ours.fbeta_score(y, p, beta=beta, average="macro", labels=subset)
        assert mine == pytest.approx(theirs.fbeta_score(y, p, beta=beta, average="macro", labels=subset))


@pytest.mark.parametrize("average", ["binary", "macro", "weighted", None])
@pytest.mark.parametrize("zero_division", ["warn", 0, 1, np.nan])
def test_zero_division(average, zero_division):
    y, p = [0, 0, 0, 0], [0, 1, 1, 0]
    if average != "binary":
        y, p = [0, 1, 2, 2], [0, 0, 3, 2]
    for name in ("precision_score", "recall_score", "f1_score"):
        with warnings.catch_warnings(record=True) as mine_said:
            warnings.simplefilter("always")
            mine = getattr(ours, name)(y, p, average=average, zero_division=zero_division)
        with warnings.catch_warnings(record=True) as other_said:
            warnings.simplefilter("always")
            other = getattr(theirs, name)(y, p, average=average, zero_division=zero_division)
        np.testing.assert_allclose(mine, other)
        assert [w.category for w in mine_said] == [w.category for w in other_said]


@pytest.mark.parametrize("kind", ["numbers", "words"])
@pytest.mark.parametrize("options", [{}, {"digits": 4}, {"target_names": ["x", "y", "a very long name of a class"]},
                                     {"subset": 2}], ids=str)
def test_report(kind, options):
    y, p, w = labels(kind)
    options = dict(options)
    if options.pop("subset", None):
        options["labels"] = np.unique(y)[:2]
    for weight in (None, np.arange(60)):
        assert (ours.classification_report(y, p, sample_weight=weight, **options)
                == theirs.classification_report(y, p, sample_weight=weight, **options))
    mine = ours.classification_report(y, p, sample_weight=w, output_dict=True, **options)
    other = theirs.classification_report(y, p, sample_weight=w, output_dict=True, **options)
    assert mine.keys() == other.keys()
    for key, value in other.items():
        assert mine[key] == pytest.approx(value)


@pytest.mark.parametrize("shape", ["(n, K)", "(n,)", "words"])
def test_probability_scores(shape):
    rng = np.random.default_rng(0)
    y, _, w = labels("words" if shape == "words" else "numbers", classes=2 if shape == "(n,)" else 3)
    p = rng.dirichlet(np.ones(3), 60) if shape != "(n,)" else rng.uniform(size=60)
    for weight in (None, w):
        for name in ("log_loss", "brier_score_loss"):
            mine = getattr(ours, name)(y, p, sample_weight=weight)
            assert mine == pytest.approx(getattr(theirs, name)(y, p, sample_weight=weight), rel=1e-12)
    assert ours.log_loss(y, p, normalize=False) == pytest.approx(theirs.log_loss(y, p, normalize=False))


def test_probability_edges():
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    for kind in (np.float64, np.float32):
        p = certain.astype(kind)
        assert ours.log_loss([1, 1], p, labels=[0, 1]) == pytest.approx(theirs.log_loss([1, 1], p, labels=[0, 1]))
    p = np.array([0.2, 0.7])
    for y, positive in (([1, 2], None), (["a", "b"], "a"), ([True, False], None), ([0, 0], None)):
        assert ours.brier_score_loss(y, p, pos_label=positive) == pytest.approx(
            theirs.brier_score_loss(y, p, pos_label=positive))
    for half in (True, False, "auto"):
        assert ours.brier_score_loss([1, 0], p, scale_by_half=half) == pytest.approx(
            theirs.brier_score_loss([1, 0], p, scale_by_half=half))
    with pytest.warns(UserWarning, match="sum to one"):
        ours.log_loss([0, 1], [[0.5, 0.6], [0.5, 0.5]])
    with pytest.warns(UserWarning, match="sorted order"):
        ours.log_loss([0, 1], certain, labels=[1, 0])
    with pytest.warns(FutureWarning, match="y_proba"):
        assert ours.log_loss([0, 1], y_pred=certain) == ours.log_loss([0, 1], certain)


def test_worked_example():
    """Powers 2011's style of table: 10 positives of which 8 found, 90 negatives of which 5 called positive."""
    y = [1] * 10 + [0] * 90
    p = [1] * 8 + [0] * 2 + [1] * 5 + [0] * 85
    assert ours.precision_score(y, p) == pytest.approx(8 / 13)
    assert ours.recall_score(y, p) == pytest.approx(0.8)
    assert ours.f1_score(y, p) == pytest.approx(16 / 23)
    assert ours.balanced_accuracy_score(y, p) == pytest.approx((8 / 10 + 85 / 90) / 2)
    assert ours.balanced_accuracy_score(y, p, adjusted=True) == pytest.approx(8 / 10 + 85 / 90 - 1)
    assert ours.confusion_matrix(y, p).tolist() == [[85, 5], [2, 8]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=30)
       .filter(lambda rows: sum(w for *_, w in rows) > 0))
def test_weights_are_repetitions(rows):
    y, p, w = (np.array(column) for column in zip(*rows))
    again_y, again_p = np.repeat(y, w), np.repeat(p, w)
    every = [0, 1, 2, 3]
    assert ours.accuracy_score(y, p, sample_weight=w) == pytest.approx(ours.accuracy_score(again_y, again_p))
    if set(every) & set(again_y):
        assert (ours.confusion_matrix(y, p, sample_weight=w, labels=every)
                == ours.confusion_matrix(again_y, again_p, labels=every)).all()
    options = {"labels": every, "average": "weighted", "zero_division": 0}
    assert ours.f1_score(y, p, sample_weight=w, **options) == pytest.approx(ours.f1_score(again_y, again_p, **options))


def test_warnings():
    with pytest.warns(UserWarning, match="single label"):
        ours.confusion_matrix([1, 1], [1, 1])
    with pytest.warns(UserWarning, match="not in y_true"):
        assert ours.balanced_accuracy_score([0, 0], [0, 1]) == 0.5
    with pytest.warns(UndefinedMetricWarning):
        ours.precision_score([1, 1], [0, 0])
    with pytest.warns(UserWarning, match="ignored"):
        ours.f1_score([0, 2], [0, 2], pos_label=2, average="macro")


BAD = [
    (ShapeError, "(3,)", lambda: ours.accuracy_score([1, 2], [1, 2, 3])),
    (ShapeError, "(2, 1)", lambda: ours.accuracy_score([[1], [2]], [1, 2])),
    (ShapeError, "empty", lambda: ours.accuracy_score([], [])),
    (ShapeError, "sample_weight", lambda: ours.accuracy_score([1, 2], [1, 2], sample_weight=[1])),
    (DataError, "0.3", lambda: ours.accuracy_score([0, 1], [0.3, 0.7])),
    (DataError, "nan", lambda: ours.accuracy_score([0, np.nan], [0, 1])),
    (DataError, "'a'", lambda: ours.accuracy_score(["a", "b"], [0, 1])),
    (DataError, "NoneType", lambda: ours.accuracy_score(np.array(["a", None], dtype=object), ["a", "b"])),
    (DataError, "weight is 0", lambda: ours.accuracy_score([0, 1], [0, 1], sample_weight=[0, 0])),
    (ParameterError, "'max'", lambda: ours.confusion_matrix([0, 1], [0, 1], normalize="max")),
    (ParameterError, "[0, 0]", lambda: ours.confusion_matrix([0, 1], [0, 1], labels=[0, 0])),
    (DataError, "[7]", lambda: ours.confusion_matrix([0, 1], [0, 1], labels=[7])),
    (ParameterError, "'x'", lambda: ours.confusion_matrix([0, 1], [0, 1], labels=["x"])),
    (ParameterError, "got 3", lambda: ours.f1_score([0, 1, 2], [0, 1, 2])),
    (ParameterError, "pos_label=9", lambda: ours.f1_score([0, 1], [0, 1], pos_label=9)),
    (ParameterError, "'sample'", lambda: ours.f1_score([0, 1], [0, 1], average="sample")),
    (ParameterError, "-1", lambda: ours.fbeta_score([0, 1], [0, 1], beta=-1)),
    (ParameterError, "2", lambda: ours.f1_score([0, 1], [0, 1], zero_division=2)),
    (ParameterError, "target_names, 1", lambda: ours.classification_report([0, 1], [0, 1], target_names=["a"])),
    (DataError, "1.5", lambda: ours.log_loss([0, 1], [0.5, 1.5])),
    (DataError, "-0.5", lambda: ours.brier_score_loss([0, 1], [0.5, -0.5])),
    (DataError, "only one label", lambda: ours.log_loss([1, 1], [0.5, 0.5])),
    (ShapeError, "3 columns", lambda: ours.log_loss([0, 1], np.full((2, 3), 1 / 3))),
    (ShapeError, "(2, 1)", lambda: ours.log_loss([0, 1], [[0.5], [0.5]])),
    (DataError, "5", lambda: ours.log_loss([0, 5], [0.5, 0.5], labels=[0, 1])),
    (DataError, "holds 3", lambda: ours.brier_score_loss([0, 1, 2], [0.1, 0.2, 0.3])),
    (ParameterError, "'a', 'b'", lambda: ours.brier_score_loss(["a", "b"], [0.1, 0.2])),
    (ParameterError, "'half'", lambda: ours.brier_score_loss([0, 1], [0.1, 0.2], scale_by_half="half")),
    (ParameterError, "y_proba", lambda: ours.log_loss([0, 1], [0.1, 0.2], y_pred=[0.1, 0.2])),
    (ParameterError, "missing", lambda: ours.log_loss([0, 1])),
]


@pytest.mark.parametrize("kind, text, call", BAD, ids=[f"{kind.__name__} {text}" for kind, text, _ in BAD])
def test_refusals(kind, text, call):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
    assert caught.value.operation in str(caught.value)
    assert caught.value.rule
