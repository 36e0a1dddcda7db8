"""The best split of a node by a set of categories: sort them by what their rows want, then cut as if they were numbers.

    wish_c = G_c / (H_c + 10)           left = the categories up to some place in the order of wishes

Among all 2^(k-1) - 1 ways to divide k categories, for squared error the best is one of these k - 1 (Fisher 1958, "On
grouping for maximum homogeneity"). As in LightGBM and scikit-learn the order is cut from both ends to the middle, a category
with the weight of fewer than 10 rows is not sorted but stays in the right child (the one with most categories), and missing
values are a category.  O(k² + k) a feature and node, k <= 256; on one thread: categorical features are few.
"""

from __future__ import annotations

import numpy as np

from homespun.ensemble.hist_gradient_boosting.histogram import BINS
from homespun.ensemble.hist_gradient_boosting.splitting import (
    BIN,
    BIN_COUNT,
    FEATURE,
    GAIN,
    HAS_MISSING,
    HIGH,
    IS_SET,
    L2,
    LEFT_G,
    LEFT_H,
    LEFT_N,
    LOW,
    MIN_HESSIAN,
    MIN_ROWS,
    MISSING_LEFT,
    ROWS_PER_H,
    SUM_G,
    SUM_H,
    SUM_N,
    TINY,
    UNIT_G,
    UNIT_H,
    gains_of,
    highest,
)
from homespun.kernels import kernel, oracle
from homespun.kernels.binning import MISSING

SUPPORT = 10.0  # rows; LightGBM's cat_smooth


@kernel("void(f8[:, :, ::1], i8[::1], u1[::1], f8[::1], f8[::1], f8[::1], u1[::1])")
def search_sets(hist, categorical, allowed, node, limits, best, goes_left):
    """IN hist (d, 3, 256 or more), categorical: the features to try, allowed (d,), node (7,), limits (6,).
    IN and OUT best (8,): beaten or kept.   OUT goes_left (256,): 1 for the categories of the left child, if beaten.
    """
    work = np.empty((4, BINS))
    order = np.empty(BINS, np.int64)
    wish = np.empty(BINS)
    for f in categorical:
        if allowed[f] > 0:
            used = sort_categories(hist[f], node, limits, order, wish)
            for reverse in range(2):  # no mutant (2 → 3): once more the same, with one cut less
                cuts = (used + 1) // 2 - reverse
                g, h, n = 0.0, 0.0, 0.0
                for i in range(cuts):
                    b = order[used - 1 - i] if reverse > 0 else order[i]
                    g += hist[f, 0, b]
                    h += hist[f, 1, b]
                    n += hist[f, 2, b]
                    work[0, i], work[1, i], work[2, i] = g, h, n
                gains_of(work[0], work[1], work[2], cuts, 0, node, limits, work[3])
                at = highest(work[3], cuts, best[GAIN], False)
                if at >= 0:
                    goes_left[:] = 0
                    for i in range(at + 1):
                        goes_left[order[used - 1 - i] if reverse > 0 else order[i]] = 1
                    best[GAIN], best[FEATURE], best[BIN], best[MISSING_LEFT] = work[3, at], f, 0, goes_left[MISSING]
                    best[LEFT_G], best[LEFT_H], best[LEFT_N] = work[0, at], work[1, at], work[2, at]
                    best[IS_SET] = 1.0


@kernel()
def sort_categories(hist, node, limits, order, wish):
    """Codes with enough rows, by rising wish, into `order`; returns how many."""
    unit_h = limits[UNIT_H]
    rows_per_h = node[SUM_N] / (node[SUM_H] * unit_h)
    used = 0
    for b in range(BINS):
        h = hist[1, b] * unit_h
        if h * rows_per_h >= SUPPORT:  # no mutant (>= → >): a bound that sums of floats do not meet
            value = hist[0, b] / (h + SUPPORT)
            place = used
            while place > 0 and wish[place - 1] > value:  # insertion keeps equal wishes in the order of their codes
                wish[place], order[place] = wish[place - 1], order[place - 1]
                place -= 1
            wish[place], order[place] = value, b
            used += 1
    return used


def best_set(hist, categorical, features, allowed, node, limits):
    """`search_sets` from nothing: the answer (8,) and the set (256,)."""
    best, goes_left = np.zeros(8), np.zeros(BINS, np.uint8)
    best[GAIN] = -np.inf
    search_sets(hist, categorical, allowed, node, limits, best, goes_left)
    best[GAIN] = max(best[GAIN], -1.0)
    return best, goes_left


def _example(counted, missing, l2=0.0, least=4.0, k=8, alike=False):
    def example(rng):
        d, n = 3, 400
        codes = rng.integers(0, k, (d, n))
        codes[0] = np.minimum(rng.geometric(0.3, n), 12)  # rare categories, too
        if missing:
            codes[:, ::4] = MISSING
        h = rng.integers(2000, 60000, n)
        if alike:  # 40 rows in each of ten categories, which want one of three things: ties
            codes[:], h[:] = np.arange(n) % 10, 1000
        g = rng.integers(-9000, 9000, n) * (not alike) + 9000 * (codes[0] % 3 == 1)
        g -= 12000 * (codes[2] % 2) * (codes[2] < MISSING)
        hist = np.array([[np.bincount(code, what, BINS) for what in (g, h, np.ones(n) * counted)] for code in codes])
        features = np.array([[13, int(missing), 1, 0], [k, int(missing), 0, 0], [max(k, 10), int(missing), 1, 0]])
        node = np.array([g.sum(), h.sum(), n, 0.0 if counted else n / h.sum(), -np.inf, np.inf, 1.0])
        limits = np.array([1 / 32767, 1 / 65535, l2, least, 0.5, 0.0])
        allowed = np.array([1, 1, 1 - int(missing)], np.uint8)
        return hist, np.array([0, 2]), features, allowed, node, limits
    return example


@oracle(best_set, kernels=(search_sets,), rtol=1e-9, atol=1e-9, example=(
    _example(True, False), _example(True, True), _example(False, True, l2=2.0), _example(False, False, least=120.0),
    _example(True, True, least=500.0), _example(True, True, k=40), _example(True, False, alike=True)))
def best_set_formula(hist, categorical, features, allowed, node, limits):
    """Each prefix of the sorted categories from either end, one after the other."""
    best, chosen = np.zeros(8), np.zeros(BINS, np.uint8)
    best[GAIN] = -1.0
    scale = np.array([limits[UNIT_G], limits[UNIT_H]])
    total = np.array([node[SUM_G], node[SUM_H]])
    for f in categorical[allowed[categorical] > 0]:
        names = np.array([*range(features[f, BIN_COUNT]), *[MISSING] * features[f, HAS_MISSING]])
        h = hist[f, 1, names] * limits[UNIT_H]
        enough = h * node[SUM_N] / (node[SUM_H] * limits[UNIT_H]) >= SUPPORT
        names, h = names[enough], h[enough]
        names = names[np.argsort(hist[f, 0, names] / (h + SUPPORT), kind="stable")]
        half = (len(names) + 1) // 2
        left_sides = [names[:i] for i in range(1, half + 1)] + [names[: -i - 1 : -1] for i in range(1, half)]
        for left in left_sides:
            sums = hist[f][:, left].sum(axis=1)
            sides = np.array([sums[:2], total - sums[:2]]) * scale
            left_n = sums[1] * node[ROWS_PER_H] if node[ROWS_PER_H] else sums[2]
            value = np.clip(-sides[:, 0] / (sides[:, 1] + limits[L2] + TINY), node[LOW], node[HIGH])
            gain = -(sides[:, 0] * value).sum()
            fits = min(left_n, node[SUM_N] - left_n) >= limits[MIN_ROWS] - 0.5 and sides[:, 1].min() >= limits[MIN_HESSIAN]
            if fits and gain > best[GAIN] * (1 + 1e-12):
                best[:] = gain, f, 0, MISSING in left, *sums, 1
                chosen[:] = 0
                chosen[left] = 1
    return best, chosen
