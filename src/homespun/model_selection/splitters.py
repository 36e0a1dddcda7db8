"""Two splitters: folds of equal composition whose groups stay together, and folds that follow the clock.

`BalancedKFold` puts each group g, with c_gs rows of stratum s, the largest first, into the fold f that has least of its kind:

    argmin over f of    sum over s of  c_gs * have_fs / n_s^2          have_fs: rows of stratum s already in fold f

Rows that are a group of their own then fill up each stratum evenly. With strata alone this is a stratified k-fold, with
groups alone a k-fold of groups, and both at once need no special case: scikit-learn has three classes for it, whose group
and stratum may not be the duplicates and the target's tenths at the same time. O(groups * folds * strata).

`ForwardSplit` cuts the rows, in the order of their times, into folds + 1 blocks: block i is tested by what came before it.
Equal times are never torn apart.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError
from homespun.base.params import Integer, RandomState, check_param
from homespun.base.random import generator


class BalancedKFold:
    """k folds with equal shares of each stratum, each group whole in one fold.

    Parameters
    ----------
    n_splits : int, default=5
    random_state : None, int or generator, default=None
        Shuffles rows and breaks ties; the same seed gives the same folds.

    Examples
    --------
    >>> import numpy as np
    >>> folds = BalancedKFold(2, random_state=0).assign(6, strata=[0, 0, 0, 0, 1, 1], groups=[7, 7, 8, 9, 10, 11])
    >>> bool(folds[0] == folds[1]), np.bincount(folds).tolist()
    (True, [3, 3])
    """

    def __init__(self, n_splits=5, *, random_state=None):
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """The number of folds."""
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """(training rows, test rows) of each fold. `y`: strata, or None; `groups`: what stays together, or None."""
        fold = self.assign(len(X), y, groups)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def assign(self, n: int, strata=None, groups=None) -> np.ndarray:
        """The fold of each of n rows, 0 … n_splits - 1."""
        check_param("BalancedKFold", "n_splits", self.n_splits, Integer(low=2))
        check_param("BalancedKFold", "random_state", self.random_state, RandomState)
        k, rng = self.n_splits, generator(self.random_state)
        strata = np.zeros(n, dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
        groups = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
        found = int(groups.max(initial=-1)) + 1
        if found < k:
            raise DataError(f"BalancedKFold: {found} groups cannot fill {k} folds", operation="BalancedKFold.split",
                            operands={"groups": found, "n_splits": k}, rule="at least as many groups as folds")
        per_stratum = np.bincount(strata).astype(np.float64)
        have = np.zeros((k, len(per_stratum)))
        fold = np.full(n, -1)
        sizes = np.bincount(groups)
        by_group = np.argsort(groups, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)])
        several = np.flatnonzero(sizes > 1)
        several = several[np.lexsort((rng.random(len(several)), -sizes[several]))]
        for group in several:
            rows = by_group[starts[group] : starts[group + 1]]
            kinds, counts = np.unique(strata[rows], return_counts=True)
            crowd = (have[:, kinds] * (counts / per_stratum[kinds] ** 2)).sum(axis=1)
            best = np.lexsort((rng.random(k), have.sum(axis=1), crowd))[0]
            fold[rows] = best
            have[best, kinds] += counts
        for stratum in range(len(per_stratum)):
            rows = rng.permutation(np.flatnonzero((strata == stratum) & (fold < 0)))
            share = _fill(have[:, stratum], len(rows), have.sum(axis=1), rng)
            fold[rows] = np.repeat(np.arange(k), share)
            have[:, stratum] += share
        return fold


def _fill(have, m: int, sizes, rng) -> np.ndarray:
    """How many of m rows each fold gets, so that what they have in the end is as equal as can be; the small ones get the rest."""
    k = len(have)
    share = np.zeros(k, dtype=np.int64)
    order = np.argsort(have, kind="stable")
    for lowest in range(k, 0, -1):  # the water level over the `lowest` folds that have least
        level = (have[order[:lowest]].sum() + m) / lowest
        if lowest == 1 or level >= have[order[lowest - 1]]:
            share[order[:lowest]] = np.floor(level - have[order[:lowest]]).astype(np.int64)
            break
    rest = m - int(share.sum())
    for best in order[:lowest][np.lexsort((rng.random(lowest), sizes[order[:lowest]]))][:rest]:
        share[best] += 1
    return share


class ForwardSplit:
    """Each test fold lies after its training rows.

    Parameters
    ----------
    n_splits : int, default=5

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in ForwardSplit(2).split(range(6), groups=[5, 1, 1, 9, 7, 8])]
    [([1, 2], [0, 4]), ([0, 1, 2, 4], [3, 5])]
    """

    def __init__(self, n_splits=5):
        self.n_splits = n_splits

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """The number of test folds; ties can make it fewer."""
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """(training rows, test rows), the earliest test fold first. `groups`: the times."""
        check_param("ForwardSplit", "n_splits", self.n_splits, Integer(low=1))
        times = np.arange(len(X)) if groups is None else np.asarray(groups)
        distinct, place = np.unique(times, return_inverse=True)
        if len(distinct) < 2:
            raise DataError("ForwardSplit: all rows have one time; a past and a future need at least two",
                            operation="ForwardSplit.split", operands={"times": len(distinct)}, rule="at least two times")
        before = np.concatenate([[0], np.cumsum(np.bincount(place))])  # rows earlier than each distinct time
        blocks = self.n_splits + 1
        wanted = [len(times) * number / blocks for number in range(1, blocks)]
        cuts = sorted({int(np.argmin(np.abs(before - want))) for want in wanted} - {0, len(distinct)})
        for begin, end in zip(cuts, [*cuts[1:], len(distinct)]):
            yield np.flatnonzero(place < begin), np.flatnonzero((place >= begin) & (place < end))
