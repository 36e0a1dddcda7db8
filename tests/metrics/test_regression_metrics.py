"""Regression metrics against scikit-learn, with one target and several, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs
from sklearn.exceptions import UndefinedMetricWarning

from homespun import metrics as ours
from homespun.errors import DataError, ParameterError, ShapeError

NAMES = ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error",
         "mean_absolute_percentage_error", "mean_squared_log_error", "root_mean_squared_log_error", "mean_pinball_loss",
         "r2_score", "explained_variance_score"]


def values(targets=1, n=41, seed=0, shift=1e4):
    rng = np.random.default_rng(seed)
    y = rng.gamma(2, 100, (n, targets)) + shift  # neither centred nor scaled
    p = y + rng.normal(0, 30, (n, targets)) + 5
    return (y, p, rng.uniform(0, 2, n)) if targets > 1 else (y.ravel(), p.ravel(), rng.uniform(0, 2, n))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("targets", [1, 3])
def test_parity(name, targets):
    y, p, w = values(targets)
    averages = ["uniform_average", "raw_values"]
    if targets > 1:
        averages.append([0.2, 0.3, 0.7])
    if name in ("r2_score", "explained_variance_score"):
        averages.append("variance_weighted")
    for weight in (None, w, (w > 0.5).astype(int)):
        for multioutput in averages:
            mine = getattr(ours, name)(y, p, sample_weight=weight, multioutput=multioutput)
            other = getattr(theirs, name)(y, p, sample_weight=weight, multioutput=multioutput)
            np.testing.assert_allclose(mine, other, rtol=1e-10)
            assert isinstance(mine, float) == isinstance(other, float)


@pytest.mark.parametrize("name", NAMES)
def test_even_number_of_rows_and_small_data(name):
    for n in (2, 4):
        y, p, w = values(n=n, shift=0)
        for weight in (None, w, np.ones(n)):
            assert getattr(ours, name)(y, p, sample_weight=weight) == pytest.approx(
                getattr(theirs, name)(y, p, sample_weight=weight))
    assert getattr(ours, name)([[1.0], [3.0]], [[1.0], [4.0]]) == getattr(ours, name)([1.0, 3.0], [1.0, 4.0])


@pytest.mark.parametrize("alpha", [0, 0.1, 1])
def test_pinball_alpha(alpha):
    y, p, _ = values()
    assert ours.mean_pinball_loss(y, p, alpha=alpha) == pytest.approx(theirs.mean_pinball_loss(y, p, alpha=alpha))


def test_max_error():
    y, p, _ = values()
    assert ours.max_error(y, p) == theirs.max_error(y, p)


@pytest.mark.parametrize("name", ["r2_score", "explained_variance_score"])
@pytest.mark.parametrize("force_finite", [True, False])
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", "variance_weighted"])
def test_constant_targets(name, force_finite, multioutput):
    y = np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 3.0], [2.0, 2.0, 5.0]])
    p = np.array([[2.0, 1.0, 1.5], [2.0, 2.0, 3.0], [2.0, 3.5, 5.0]])
    for columns in (slice(None), slice(0, 2), slice(0, 1)):
        options = {"force_finite": force_finite, "multioutput": multioutput}
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(getattr(ours, name)(y[:, columns], p[:, columns], **options),
                                       getattr(theirs, name)(y[:, columns], p[:, columns], **options))


def test_one_row():
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(ours.r2_score([1.0], [2.0]))
    assert ours.mean_squared_error([1.0], [3.0]) == 4.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 4)), min_size=2, max_size=20)
       .filter(lambda rows: sum(w for *_, w in rows) > 1))
def test_weights_are_repetitions(rows):
    y, p, w = (np.array(column) for column in zip(*rows))
    again = np.repeat(y, w), np.repeat(p, w)
    for name in ("mean_squared_error", "mean_absolute_error", "median_absolute_error", "mean_pinball_loss", "r2_score",
                 "explained_variance_score"):
        metric = getattr(ours, name)
        assert metric(y, p, sample_weight=w) == pytest.approx(metric(*again), abs=1e-9), name


def test_weighted_median_of_tenths():
    """Ten weights of 0.1: their sum is not twice the sum of five in floating point, the median is the middle pair's mean."""
    y = np.arange(10.0)
    assert ours.median_absolute_error(y, np.zeros(10), sample_weight=np.full(10, 0.1)) == 4.5


def test_worked_example():
    """Errors 0.5, -0.5, 0, -1 around targets of mean 2.875."""
    y, p = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]
    assert ours.mean_absolute_error(y, p) == 0.5
    assert ours.mean_squared_error(y, p) == 0.375
    assert ours.r2_score(y, p) == pytest.approx(1 - 1.5 / 29.1875)
    assert ours.mean_squared_log_error([np.e - 1], [0]) == pytest.approx(1.0)


def test_float32_sums_in_float64():
    y = np.full(100_000, 0.1, dtype=np.float32)
    assert ours.mean_absolute_error(y, np.zeros_like(y)) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


BAD = [
    (ShapeError, "(3, 1)", lambda: ours.mean_squared_error([1.0, 2, 3], [[1.0], [2], [3]])),
    (ShapeError, "(3, 1)", lambda: ours.r2_score([[1.0], [2], [3]], [1.0, 2, 3])),
    (ShapeError, "(2, 3)", lambda: ours.mean_squared_error(np.ones((2, 2)), np.ones((2, 3)))),
    (ShapeError, "(2,)", lambda: ours.mean_absolute_error([1.0, 2, 3], [1.0, 2])),
    (ShapeError, "sample_weight", lambda: ours.mean_absolute_error([1.0, 2], [1.0, 2], sample_weight=[[1], [1]])),
    (ShapeError, "ragged", lambda: ours.mean_absolute_error([[1.0], [2.0, 3.0]], [1.0, 2.0])),
    (ShapeError, "(2, 2)", lambda: ours.max_error(np.ones((2, 2)), np.ones((2, 2)))),
    (ShapeError, "(3)", lambda: ours.r2_score(np.ones((2, 2)), np.ones((2, 2)), multioutput=[1, 2, 3])),
    (DataError, "nan", lambda: ours.mean_squared_error([1.0, np.nan], [1.0, 2.0])),
    (DataError, "-inf", lambda: ours.r2_score([1.0, 2.0], [1.0, -np.inf])),
    (DataError, "'a'", lambda: ours.mean_squared_error(["a", "b"], [1, 2])),
    (DataError, "-1.5", lambda: ours.mean_squared_log_error([1.0, 2.0], [1.0, -1.5])),
    (DataError, "weight is 0", lambda: ours.r2_score([1.0, 2.0], [1.0, 2.0], sample_weight=[0, 0])),
    (ParameterError, "2", lambda: ours.mean_pinball_loss([1.0], [1.0], alpha=2)),
    (ParameterError, "'mean'", lambda: ours.r2_score([1.0, 2], [1.0, 2], multioutput="mean")),
    (ParameterError, "one target", lambda: ours.r2_score([1.0, 2], [1.0, 2], multioutput=[1])),
]


@pytest.mark.parametrize("kind, text, call", BAD, ids=[f"{kind.__name__} {text}" for kind, text, _ in BAD])
def test_refusals(kind, text, call):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
    assert caught.value.operation in str(caught.value)
    assert caught.value.rule
