"""Intervals and paired tests of folds, successive halving, greedy blends."""

import numpy as np
import pytest
from scipy import stats

from homespun.model_selection import (
    Choice,
    LogUniform,
    corrected_interval,
    corrected_t_test,
    draw,
    select_ensemble,
    successive_halving,
)


def test_interval_by_hand():
    """Nadeau & Bengio 2003, eq. 9: ten folds of one tenth widen the variance of the mean from 1/10 to 1/10 + 1/9."""
    scores = np.random.default_rng(0).normal(0.5, 0.1, size=10)
    mean, low, high = corrected_interval(scores, [90] * 10, [10] * 10)
    half = 2.2621571627409915 * np.sqrt((1 / 10 + 1 / 9) * scores.var(ddof=1))  # t_9 at 97.5 %
    assert (mean, low, high) == pytest.approx((scores.mean(), scores.mean() - half, scores.mean() + half))


def test_paired_test_is_the_t_test_where_nothing_is_shared():
    """With a test fold of no size the correction is none, and the test is SciPy's."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=8), rng.normal(size=8)
    assert corrected_t_test(a, b, [100] * 8, [0] * 8) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert corrected_t_test(a, b, [80] * 8, [20] * 8) > corrected_t_test(a, b, [100] * 8, [0] * 8)
    assert corrected_t_test(a, a, [80] * 8, [20] * 8) == 1.0
    assert corrected_t_test(a + 1, a, [1e9] * 8, [0] * 8) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(corrected_t_test([0.5], [0.4], [8], [2]))


def test_the_corrected_test_keeps_its_level_where_the_plain_one_does_not():
    """The folds of one data set share what is odd about it; differences of two equal models are therefore alike."""
    rng = np.random.default_rng(2)
    wrong = {"corrected": 0, "plain": 0}
    for _ in range(400):
        d = rng.normal(scale=np.sqrt(0.2 / 0.8)) * 0.5 + rng.normal(size=5)  # correlation n_test / n of the fold differences
        wrong["corrected"] += corrected_t_test(d, np.zeros(5), [80] * 5, [20] * 5) < 0.05
        wrong["plain"] += stats.ttest_1samp(d, 0).pvalue < 0.05
    assert wrong["corrected"] / 400 < 0.06 < wrong["plain"] / 400


def test_halving_measures_the_hopeless_once():
    calls = []

    def measure(x, fold):
        calls.append((x, fold))
        return -abs(x - 7.0) + 0.01 * fold

    best = successive_halving(range(12), measure, folds=5)
    assert best[0][0] == 7 and len(calls) == len(set(calls))
    assert sum(x == 0 for x, _ in calls) == 1 and sum(x == 7 for x, _ in calls) == 5
    assert len(calls) == 12 + 4 + 1 * 3  # all on one fold, a third on two, a ninth on all five
    assert successive_halving([3], measure, folds=2) == [(3, -4.0 + 0.005)]
    assert successive_halving([1, 2], lambda x, fold: float("nan") if x == 1 else 0.0, folds=2)[0][0] == 2


def test_draws():
    rng = np.random.default_rng(0)
    drawn = [draw({"a": LogUniform(1e-3, 1e3), "b": Choice(("x", "y")), "c": 5}, rng) for _ in range(400)]
    a = np.array([one["a"] for one in drawn])
    assert a.min() >= 1e-3 and a.max() <= 1e3 and 0.4 < (a < 1).mean() < 0.6
    assert {one["b"] for one in drawn} == {"x", "y"} and {one["c"] for one in drawn} == {5}
    assert all(float(f"{value:.2g}") == value for value in a)


def test_blend_of_two_that_err_in_opposite_ways():
    rng = np.random.default_rng(3)
    y = rng.normal(size=200)
    noise = rng.normal(size=200)
    weights = select_ensemble([y + noise, y - noise, rng.normal(size=200)], lambda p: -float(((p - y) ** 2).mean()))
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_blend_is_never_worse_than_the_best_on_its_rows():
    rng = np.random.default_rng(4)
    y = rng.normal(size=100)
    models = [y + rng.normal(scale=s, size=100) for s in (0.3, 0.4, 0.5, 2.0, 0.35, 0.45)]

    def score(p):
        return -float(((p - y) ** 2).mean())

    weights = select_ensemble(models, score, most=3)
    assert weights.sum() == pytest.approx(1.0) and np.count_nonzero(weights) <= 3
    assert score(sum(w * m for w, m in zip(weights, models))) >= max(map(score, models))
    assert select_ensemble(models, lambda p: float("nan")).tolist() == [1.0, 0, 0, 0, 0, 0]
