"""Folds of equal composition whose groups stay together; folds that follow the clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import cross_val_score

from homespun.errors import DataError, ParameterError
from homespun.linear_model import Ridge
from homespun.model_selection import BalancedKFold, ForwardSplit


@given(
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=40, max_size=120),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_tested_once_and_groups_stay_whole(k, rows, seed):
    strata, groups = np.array(rows).T
    if len(np.unique(groups)) < k:
        return
    fold = BalancedKFold(k, random_state=seed).assign(len(rows), strata, groups)
    assert set(fold) <= set(range(k)) and (fold >= 0).all()
    for group in np.unique(groups):
        assert len(set(fold[groups == group])) == 1


@given(st.integers(2, 7), st.lists(st.integers(0, 4), min_size=20, max_size=200), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_without_groups_the_strata_differ_by_one_row(k, strata, seed):
    """What a stratified k-fold promises: each fold has floor or ceiling of a stratum's share. And so have the folds' sizes."""
    strata = np.array(strata)
    fold = BalancedKFold(k, random_state=seed).assign(len(strata), strata)
    for stratum in np.unique(strata):
        counts = np.bincount(fold[strata == stratum], minlength=k)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(fold, minlength=k)
    assert sizes.max() - sizes.min() <= 1


def test_groups_and_strata_at_once():
    """100 groups of 1 to 5 rows, a tenth of the rows positive: each fold's share lies near a tenth."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), rng.integers(1, 6, 100))
    strata = (rng.random(len(groups)) < 0.1).astype(int)
    fold = BalancedKFold(5, random_state=0).assign(len(groups), strata, groups)
    for number in range(5):
        assert abs(strata[fold == number].mean() - strata.mean()) < 0.03
        assert abs((fold == number).mean() - 0.2) < 0.03


def test_the_seed_decides():
    strata = np.arange(60) % 3
    one, two, other = (BalancedKFold(3, random_state=seed).assign(60, strata) for seed in (1, 1, 2))
    assert (one == two).all() and (one != other).any()


def test_scikit_learn_takes_them():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    assert len(cross_val_score(Ridge(), X, y, cv=BalancedKFold(4, random_state=0), groups=np.arange(60) // 2)) == 4
    assert len(cross_val_score(Ridge(), X, y, cv=ForwardSplit(4), groups=np.arange(60))) == 4
    assert BalancedKFold(4).get_n_splits() == 4 and ForwardSplit(3).get_n_splits() == 3


@given(st.integers(1, 6), st.lists(st.integers(0, 40), min_size=12, max_size=150))
@settings(max_examples=60, deadline=None)
def test_the_past_predicts_the_future(k, times):
    times = np.array(times)
    if len(np.unique(times)) < 2:
        return
    seen = 0
    for train, test in ForwardSplit(k).split(times, groups=times):
        assert len(train) and len(test) and times[train].max() < times[test].min()
        assert len(train) >= seen  # the past only grows
        seen = len(train)
    assert seen + len(test) == len(times)  # the last test fold ends with the last row


def test_forward_blocks_are_of_like_size():
    sizes = [(len(train), len(test)) for train, test in ForwardSplit(4).split(range(50))]
    assert sizes == [(10, 10), (20, 10), (30, 10), (40, 10)]


def test_bad_folds():
    with pytest.raises(DataError, match="2 groups cannot fill 3"):
        BalancedKFold(3).assign(6, groups=[1, 1, 1, 2, 2, 2])
    with pytest.raises(ParameterError, match="got 1"):
        BalancedKFold(1).assign(6)
    with pytest.raises(DataError, match="one time"):
        list(ForwardSplit(2).split(range(4), groups=[7, 7, 7, 7]))
