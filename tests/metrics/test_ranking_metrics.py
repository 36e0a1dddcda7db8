"""Curves and areas against scikit-learn and the definition, with ties, weights and several classes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs
from sklearn.exceptions import UndefinedMetricWarning

from homespun import metrics as ours
from homespun.errors import DataError, ParameterError, ShapeError


def scored(seed=0, n=80, decimals=1):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    weight = rng.uniform(0.1, 2, n) * (rng.random(n) < 0.8)
    return y, (rng.normal(size=n) + y).round(decimals), weight


@pytest.mark.parametrize("decimals", [0, 1, 9], ids=["many ties", "ties", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_parity(decimals, weighted):
    y, score, weight = scored(decimals=decimals)
    weight = weight if weighted else None
    for max_fpr in (None, 1.0, 0.3, 0.001):
        assert ours.roc_auc_score(y, score, sample_weight=weight, max_fpr=max_fpr) == pytest.approx(
            theirs.roc_auc_score(y, score, sample_weight=weight, max_fpr=max_fpr), rel=1e-12)
    assert ours.average_precision_score(y, score, sample_weight=weight) == pytest.approx(
        theirs.average_precision_score(y, score, sample_weight=weight), rel=1e-12)
    for name in ("roc_curve", "precision_recall_curve"):
        for drop in (False, True):
            for mine, other in zip(getattr(ours, name)(y, score, sample_weight=weight, drop_intermediate=drop),
                                   getattr(theirs, name)(y, score, sample_weight=weight, drop_intermediate=drop)):
                np.testing.assert_allclose(mine, other, rtol=1e-12)


@pytest.mark.parametrize("convert", [np.array, lambda y: np.where(y, "yes", "no"), lambda y: np.where(y, 1, -1),
                                     lambda y: y.astype(bool), lambda y: y + 4], ids=["01", "words", "signs", "bool", "45"])
def test_labels_of_every_kind(convert):
    y, score, _ = scored()
    labels = convert(y)
    assert ours.roc_auc_score(labels, score) == ours.roc_auc_score(y, score)
    positive = labels[y == 1][0]
    assert ours.average_precision_score(labels, score, pos_label=positive) == ours.average_precision_score(y, score)
    np.testing.assert_array_equal(ours.roc_curve(labels, score, pos_label=positive), ours.roc_curve(y, score))


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", None])
def test_several_classes(average):
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b", "c"], 70, p=[0.6, 0.3, 0.1])
    score, weight = rng.dirichlet(np.ones(3), 70).round(2), rng.uniform(size=70)
    score[:, 2] = 1 - score[:, :2].sum(1)
    for w in (None, weight):
        np.testing.assert_allclose(
            ours.roc_auc_score(y, score, multi_class="ovr", average=average, sample_weight=w),
            theirs.roc_auc_score(y, score, multi_class="ovr", average=average, sample_weight=w), rtol=1e-12)
        np.testing.assert_allclose(
            ours.average_precision_score(y, score, average=average, sample_weight=w),
            theirs.average_precision_score(y, score, average=average, sample_weight=w), rtol=1e-12)
        indicator = (y[:, None] == np.array(["a", "b", "c"])).astype(int)
        np.testing.assert_allclose(ours.roc_auc_score(indicator, score, average=average, sample_weight=w),
                                   theirs.roc_auc_score(indicator, score, average=average, sample_weight=w), rtol=1e-12)
    if average in ("macro", "weighted"):
        for labels in (None, ["a", "b", "c"]):
            assert ours.roc_auc_score(y, score, multi_class="ovo", average=average, labels=labels) == pytest.approx(
                theirs.roc_auc_score(y, score, multi_class="ovo", average=average, labels=labels), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=25)
       .filter(lambda rows: len({y for y, _ in rows}) == 2))
def test_area_is_the_chance_of_a_right_pair(rows):
    """Hanley & McNeil: P(positive scores higher) + P(tie) / 2 over all pairs."""
    y, score = (np.array(column) for column in zip(*rows))
    gap = score[y][:, None] - score[~y]
    assert ours.roc_auc_score(y, score) == pytest.approx((gap > 0).mean() + (gap == 0).mean() / 2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=25)
       .filter(lambda rows: len({y for y, _, w in rows if w}) == 2))
def test_weights_are_repetitions(rows):
    y, score, w = (np.array(column) for column in zip(*rows))
    again = np.repeat(y, w), np.repeat(score, w)
    for metric in (ours.roc_auc_score, ours.average_precision_score):
        assert metric(y, score, sample_weight=w) == pytest.approx(metric(*again))
    for mine, other in zip(ours.precision_recall_curve(y, score, sample_weight=w), ours.precision_recall_curve(*again)):
        np.testing.assert_allclose(mine, other)


def test_worked_example():
    """The scikit-learn guide's four rows: thresholds 0.8, 0.4, 0.35, 0.1 give these rates by hand."""
    y, score = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    fpr, tpr, thresholds = ours.roc_curve(y, score)
    assert fpr.tolist() == [0, 0, 0.5, 0.5, 1] and tpr.tolist() == [0, 0.5, 0.5, 1, 1]
    assert thresholds.tolist() == [np.inf, 0.8, 0.4, 0.35, 0.1]
    assert ours.average_precision_score(y, score) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert ours.auc([0, 0.5, 1], [0, 1, 1]) == 0.75 == ours.auc([1, 0.5, 0], [1, 1, 0])


def test_one_class():
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(ours.roc_auc_score([1, 1], [0.1, 0.2]))
    for y in ([1, 1], [0, 0]):
        with pytest.warns(UndefinedMetricWarning):
            mine = ours.roc_curve(y, [0.1, 0.2])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = theirs.roc_curve(y, [0.1, 0.2])
        for a, b in zip(mine, other):
            np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="No positive class"):
        assert ours.average_precision_score([0, 0], [0.1, 0.2]) == 0.0
    with pytest.warns(UserWarning, match="No positive class"):
        assert ours.precision_recall_curve([0, 0], [0.1, 0.2])[1].tolist() == [1, 1, 0]
    with pytest.warns(UndefinedMetricWarning):  # a class that no row has
        ours.roc_auc_score([0, 1, 1], np.full((3, 3), 1 / 3), labels=[0, 1, 2], multi_class="ovr")


SCORE3 = np.full((3, 3), 1 / 3)
BAD = [
    (ShapeError, "(2, 1)", lambda: ours.roc_auc_score([0, 1], [[0.1], [0.2]])),
    (ShapeError, "(2, 2)", lambda: ours.roc_auc_score([0, 1], [[0.9, 0.1], [0.2, 0.8]])),
    (ShapeError, "(3,)", lambda: ours.roc_curve([0, 1], [1, 2, 3])),
    (DataError, "nan", lambda: ours.roc_auc_score([0, 1], [0.1, np.nan])),
    (DataError, "inf", lambda: ours.roc_curve([0, 1], [0.1, np.inf])),
    (DataError, "'low'", lambda: ours.roc_auc_score([0, 1], ["low", "high"])),
    (ParameterError, "got 0", lambda: ours.roc_auc_score([0, 1], [0.1, 0.2], max_fpr=0)),
    (ParameterError, "0.5", lambda: ours.roc_auc_score([0, 1, 2], SCORE3, multi_class="ovr", max_fpr=0.5)),
    (ParameterError, "('ovo', 'ovr')", lambda: ours.roc_auc_score([0, 1, 2], SCORE3)),
    (ParameterError, "'ova'", lambda: ours.roc_auc_score([0, 1, 2], SCORE3, multi_class="ova")),
    (DataError, "1.5", lambda: ours.roc_auc_score([0, 1, 2], SCORE3 * 1.5, multi_class="ovr")),
    (ShapeError, "2 classes", lambda: ours.roc_auc_score([0, 1, 1], SCORE3, multi_class="ovr")),
    (ParameterError, "[2, 1, 0]", lambda: ours.roc_auc_score([0, 1, 2], SCORE3, multi_class="ovr", labels=[2, 1, 0])),
    (DataError, "7", lambda: ours.roc_auc_score([0, 1, 7], SCORE3, multi_class="ovr", labels=[0, 1, 2])),
    (ParameterError, "one-vs-one", lambda: ours.roc_auc_score([0, 1, 2], SCORE3, multi_class="ovo", sample_weight=[1, 1, 1])),
    (ParameterError, "'micro'", lambda: ours.roc_auc_score([0, 1, 2], SCORE3, multi_class="ovo", average="micro")),
    (DataError, "0 and 1", lambda: ours.roc_auc_score([[0, 2], [1, 0]], [[0.1, 0.2], [0.3, 0.4]])),
    (ParameterError, "'a', 'b'", lambda: ours.roc_curve(["a", "b"], [0.1, 0.2])),
    (DataError, "[0, 1, 2]", lambda: ours.roc_curve([0, 1, 2], [0.1, 0.2, 0.3])),
    (ParameterError, "pos_label=5", lambda: ours.average_precision_score([0, 1], [0.1, 0.2], pos_label=5)),
    (ParameterError, "2", lambda: ours.average_precision_score([0, 1, 2], SCORE3, pos_label=2)),
    (ShapeError, "3", lambda: ours.average_precision_score([0, 1, 2], SCORE3[:, :2])),
    (ShapeError, "(1,)", lambda: ours.auc([1], [1])),
    (DataError, "-1.0", lambda: ours.auc([0, 2, 1], [1, 1, 1])),
]


@pytest.mark.parametrize("kind, text, call", BAD, ids=[f"{kind.__name__} {text}" for kind, text, _ in BAD])
def test_refusals(kind, text, call):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
    assert caught.value.operation in str(caught.value)
    assert caught.value.rule
