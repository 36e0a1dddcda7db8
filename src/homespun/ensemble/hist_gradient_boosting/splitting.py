"""The best split of a node: for each numeric feature the bin where cutting lowers the loss most.

With G, H the sums of gradients and hessians of a node, v = -G / (H + λ) its value (clipped to its bounds under monotone
constraints), and L, R its children:

    gain = v G - v_L G_L - v_R G_R          = G_L²/(H_L+λ) + G_R²/(H_R+λ) - G²/(H+λ) where nothing is clipped

Chen & Guestrin 2016, XGBoost, KDD, eq. 5 to 7 and algorithm 3 (missing values: both sides are tried). Ties go to the lower
feature, then to missing-right, then to the lower bin (missing-right) or the higher bin (missing-left), as in scikit-learn.
Categories are searched in `categorical`.

O(256 d) a node: prefix sums, then one vector loop over all cuts at once, without branches. Packed sums have a scan of their
own: one running sum instead of three, and, as nothing is ever clipped there, one division a cut instead of two.
"""

from __future__ import annotations

import itertools

import numpy as np

from homespun.ensemble.hist_gradient_boosting.histogram import BINS, LOWER, ROOM, sum_exact, sum_packed, unpacked
from homespun.kernels import kernel, oracle, prange
from homespun.kernels.binning import MISSING
from homespun.kernels.kernel import ready
from homespun.kernels.patience import PATIENCE
from homespun.kernels.threads import over_blocks

FEW_ROWS = 1000  # up to here one thread searches
WORTH = 100_000  # rows of a node times features from which a search is worth Python threads, which cost 50 us
RENT = 30_000  # searches by Python threads that cost as much as it takes to compile the parallel kernel, 1.3 s
TINY = 1e-15  # keeps 0 / 0 away where a child has no curvature

# Places in the tables that the search is given …
BIN_COUNT, HAS_MISSING, CATEGORICAL, MONOTONE = 0, 1, 2, 3  # features (d, 4)
UNIT_G, UNIT_H, L2, MIN_ROWS, MIN_HESSIAN, SUBTRACT = 0, 1, 2, 3, 4, 5  # limits (6,); SUBTRACT: 1 if there is a sibling
SUM_G, SUM_H, SUM_N, ROWS_PER_H, LOW, HIGH, WANTED = 0, 1, 2, 3, 4, 5, 6  # nodes (2, 7); ROWS_PER_H 0: counts are known
# … and in what it answers, best (2, G, 8)
GAIN, FEATURE, BIN, MISSING_LEFT, LEFT_G, LEFT_H, LEFT_N, IS_SET = 0, 1, 2, 3, 4, 5, 6, 7


def search(codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, limits, best, packed,
           by=None):
    """Sums of a node, of its sibling by subtraction, and the best numeric split of both; one task per group of features.

    IN codes (G, n, w), elements (S, m), segments (S, 2) of the node, grid, features (d, 4), allowed (2, d), nodes (2, 7),
    limits (6,); `by`: "one" thread, Python "threads" or the "pool" of `prange` (None: whichever is best).
    OUT hist of the node; sibling: the parent's before, the sibling's after, both (d, 3, ROOM), or packed (d, ROOM), with zeros
    in the bins that no code has; best (2, G, 8), -inf as gain where there is no split.
    """
    if packed:
        flat, sums = codes.reshape(len(codes), -1), hist.reshape(-1)  # within the kernel it would take 0.2 s more to compile
        PATIENCE.run(lambda: seconds_alone(segments, features), search_packed, flat, codes.shape[2], group_start, elements,
                     segments, sums, hist, sibling, features, allowed, nodes, limits, best)
        return
    if by is None:
        by = "one" if len(codes) == 1 or codes.shape[1] <= FEW_ROWS else _POOL.answer()
        if by == "threads" and segments[:, 1].sum() * len(features) < WORTH:
            by = "one"
    if by == "pool":
        PATIENCE.run(lambda: seconds_alone(segments, features), search_exact, codes, group_start, elements, segments, grid, hist,
                     sibling, features, allowed, nodes, limits, best)
        return
    blocks = len(codes) if by == "threads" else 1
    over_blocks(search_alone, blocks, blocks, codes, group_start, elements, segments, grid, hist, sibling, features, allowed,
                nodes, limits, best)


def seconds_alone(segments, features) -> float:
    """What a search takes one thread, about: a nanosecond an update, a microsecond to scan a feature of both nodes."""
    return 1e-9 * len(features) * (int(segments[:, 1].sum()) + 1000)


class _Pool:
    """"pool" or "threads": the parallel kernel, if it is at hand or has been missed often enough to be worth compiling."""

    def __init__(self):
        self.missed, self.at_hand = 0, None

    def answer(self):
        if self.at_hand is None:
            self.at_hand = ready(search_exact)
        self.missed += not self.at_hand
        return "pool" if self.at_hand or self.missed > RENT else "threads"


_POOL = _Pool()


# Three kernels, because compiling takes seconds and most fits need one of them: few rows, many rows, many rows exactly. What
# the last one does, the first can do on Python threads, at 0.7 of its speed; the packed one is called too often for that.
_ROWS, _REST = "i8[::1], i8[:, ::1], i8[:, ::1], ", "i8[:, ::1], u1[:, ::1], f8[:, ::1], f8[::1], f8[:, :, ::1])"
_PACKED = "void(u1[:, ::1], i8, " + _ROWS + "i8[::1], i8[:, ::1], i8[:, ::1], " + _REST
_EXACT = "u1[:, :, ::1], " + _ROWS + "f8[:, ::1], f8[:, :, ::1], f8[:, :, ::1], " + _REST


@kernel(_PACKED, parallel=True)
def search_packed(codes, stride, group_start, elements, segments, sums, hist, sibling, features, allowed, nodes, limits, best):
    for group in prange(codes.shape[0]):
        first, last = group_start[group], group_start[group + 1]
        sum_packed(codes[group], stride, elements, segments, last - first, sums[first * ROOM:last * ROOM])
        scan_packed(first, last, hist, sibling, features, allowed, nodes, limits, best[:, group])  # sums are hist, flat


@kernel("void(" + _EXACT, parallel=True)
def search_exact(codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, limits, best):
    for group in prange(codes.shape[0]):
        first, last = group_start[group], group_start[group + 1]
        sum_exact(codes[group], elements, segments, grid, features[first:last], hist[first:last])
        scan_group(first, last, hist, sibling, features, allowed, nodes, limits, best[:, group])


@kernel("void(i8, i8, " + _EXACT)
def search_alone(block, blocks, codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, limits,
                 best):
    for group in range(block * codes.shape[0] // blocks, (block + 1) * codes.shape[0] // blocks):
        first, last = group_start[group], group_start[group + 1]
        sum_exact(codes[group], elements, segments, grid, features[first:last], hist[first:last])
        scan_group(first, last, hist, sibling, features, allowed, nodes, limits, best[:, group])


@kernel()
def scan_group(first, last, hist, sibling, features, allowed, nodes, limits, best):
    """Subtract, then scan the features first … last - 1 of both nodes."""
    if limits[SUBTRACT] > 0.0:
        for f in range(first, last):
            for part in range(3):
                for b in range(features[f, BIN_COUNT]):  # beyond them and the bin of missing values all sums are zero
                    sibling[f, part, b] -= hist[f, part, b]
                sibling[f, part, MISSING] -= hist[f, part, MISSING]
    work = np.empty((4, BINS))
    for side in range(2):
        best[side, GAIN] = -np.inf
        if nodes[side, WANTED] > 0.0:
            sums = hist if side == 0 else sibling
            for f in range(first, last):
                if allowed[side, f] > 0 and features[f, CATEGORICAL] == 0:
                    scan_numbers(sums[f], f, features[f], nodes[side], limits, work, best[side])


@kernel()
def scan_numbers(hist, f, feature, node, limits, work, best):
    """Every cut of a numeric feature, missing values to the right; then, if there are any, to the left."""
    bins = feature[BIN_COUNT]
    for missing_left in range(1 + feature[HAS_MISSING]):  # no mutant (1 → 2): without missing values again the same cuts
        g, h, n = 0.0, 0.0, 0.0
        if missing_left > 0:
            g, h, n = hist[0, MISSING], hist[1, MISSING], hist[2, MISSING]
        for b in range(bins):  # the last cut is missing | not missing; where nothing is missing it has an empty side
            g += hist[0, b]
            h += hist[1, b]
            n += hist[2, b]
            work[0, b], work[1, b], work[2, b] = g, h, n
        gains_of(work[0], work[1], work[2], bins, feature[MONOTONE], node, limits, work[3])
        at = highest(work[3], bins, best[GAIN], missing_left > 0)
        if at >= 0:
            best[GAIN], best[FEATURE], best[BIN], best[MISSING_LEFT] = work[3, at], f, at, missing_left
            best[LEFT_G], best[LEFT_H], best[LEFT_N] = work[0, at], work[1, at], work[2, at]
            best[IS_SET] = 0.0


@kernel()
def scan_packed(first, last, hist, sibling, features, allowed, nodes, limits, best):
    """As `scan_group`, on words."""
    if limits[SUBTRACT] > 0.0:
        for f in range(first, last):
            for b in range(features[f, BIN_COUNT]):
                sibling[f, b] -= hist[f, b]
            sibling[f, MISSING] -= hist[f, MISSING]
    left, gains = np.empty(BINS, np.int64), np.empty(BINS)
    for side in range(2):
        best[side, GAIN] = -np.inf
        if nodes[side, WANTED] > 0.0:
            sums = hist if side == 0 else sibling
            for f in range(first, last):
                if allowed[side, f] > 0 and features[f, CATEGORICAL] == 0:
                    scan_words(sums[f], f, features[f], nodes[side], limits, left, gains, best[side])


@kernel()
def scan_words(hist, f, feature, node, limits, left, gains, best):
    bins = feature[BIN_COUNT]
    for missing_left in range(1 + feature[HAS_MISSING]):  # no mutant (1 → 2): without missing values again the same cuts
        word = hist[MISSING] if missing_left > 0 else 0
        for b in range(bins):
            word += hist[b]
            left[b] = word
        gains_of_words(left, bins, node, limits, gains)
        at = highest(gains, bins, best[GAIN], missing_left > 0)
        if at >= 0:
            best[GAIN], best[FEATURE], best[BIN], best[MISSING_LEFT] = gains[at], f, at, missing_left
            best[LEFT_G], best[LEFT_H] = float(left[at] >> 32), float(left[at] & LOWER)
            best[LEFT_N], best[IS_SET] = 0.0, 0.0


@kernel()
def gains_of_words(left, cuts, node, limits, gains):
    """Gain of each cut, but for what the parent is worth; -inf where a child has too few rows or too little curvature.

    In whole units, with the fractions G_L²/(H_L+λ) + G_R²/(H_R+λ) brought to one. 32-bit halves become floats by vector
    instructions that AVX2 has, too.
    """
    damping = (limits[L2] + TINY) / limits[UNIT_H]  # no mutant (+ → -): it is there for 0 / 0, which the floor of h discards
    lowest = max((limits[MIN_ROWS] - 0.5) / node[ROWS_PER_H], limits[MIN_HESSIAN] / limits[UNIT_H])
    scale = limits[UNIT_G] * limits[UNIT_G] / limits[UNIT_H]
    sum_g, sum_h = node[SUM_G], node[SUM_H]
    for b in range(cuts):
        g, h = float(np.int32(left[b] >> 32)), float(np.uint32(left[b] & LOWER))
        other_g, other_h = sum_g - g, sum_h - h
        fits = (h >= lowest) & (other_h >= lowest)
        gain = (g * g * (other_h + damping) + other_g * other_g * (h + damping)) / ((h + damping) * (other_h + damping))
        gains[b] = gain * scale if fits else -np.inf


@kernel()
def gains_of(left_g, left_h, left_n, cuts, monotone, node, limits, gains):
    """Gain of each cut, but for what the parent is worth; -inf where a rule forbids it.

    No branch and no maximum in this loop: so LLVM makes it vectors (0.15 us for 255 cuts; with a running maximum 0.8).
    """
    unit_g, unit_h = limits[UNIT_G], limits[UNIT_H]
    damping = limits[L2] + TINY  # no mutant (+ → -): it is there for 0 / 0, which the floor of h discards
    least, floor = limits[MIN_ROWS] - 0.5, limits[MIN_HESSIAN]  # counts that follow from h are rounded
    rows_per_h, low, high = node[ROWS_PER_H], node[LOW], node[HIGH]
    sum_g, sum_h, sum_n = node[SUM_G], node[SUM_H], node[SUM_N]
    direction = float(monotone)
    for b in range(cuts):
        g, other_g = left_g[b] * unit_g, (sum_g - left_g[b]) * unit_g
        h, other_h = left_h[b] * unit_h, (sum_h - left_h[b]) * unit_h
        n = left_h[b] * rows_per_h if rows_per_h > 0.0 else left_n[b]
        value = min(max(-g / (h + damping), low), high)
        other_value = min(max(-other_g / (other_h + damping), low), high)
        gain = -g * value - other_g * other_value
        fits = ((n >= least) & (sum_n - n >= least) & (h >= floor) & (other_h >= floor)
                & (direction * (value - other_value) <= 0.0))  # no mutant (* → /): only the sign counts
        gains[b] = gain if fits else -np.inf


@kernel()
def highest(gains, cuts, above, last):
    """Place of the highest gain above `above`, the first of equals, or the last; -1: there is none."""
    at = -1  # no mutant (1 → 2): any negative number
    for b in range(cuts):
        if gains[b] > above or (last and at >= 0 and gains[b] == above):
            above, at = gains[b], b
    return at


# ---------------------------------------------------------------------------------------------------------------------
# What defines them

def split_node(codes, group_start, elements, segments, grid, parent, features, allowed, nodes, limits, packed, by=None):
    """`search` with room for its answers: hist, sibling, and for both nodes the best group's answer."""
    sibling = np.pad(parent, ((0, 0), (0, 0), (0, ROOM - BINS)))
    if packed:
        sibling = (sibling[:, 0].astype(np.int64) << 32) + sibling[:, 1].astype(np.int64)
    hist, best = np.zeros_like(sibling), np.zeros((2, len(codes), 8))
    for f, (bins, *_) in enumerate(features):  # in the bins that are used there may be anything
        hist[f, ..., :bins] = hist[f, ..., MISSING] = 7
    search(codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, limits, best, packed, by)
    if packed:
        hist, sibling = unpacked(hist), unpacked(sibling)
    winners = [best[side, best[side, :, GAIN].argmax()] for side in range(2)]
    best = np.stack([answer if answer[GAIN] > -np.inf else np.zeros(8) for answer in winners])
    return hist[:, :, :BINS], sibling[:, :, :BINS], best


def _search_example(packed, *, grid=True, both=True, monotone=0, rows=90, l2=0.0, low=-np.inf, high=np.inf, groups=2, d=4,
                    tie=False, by=None):
    def example(rng):
        n = 130
        codes = rng.integers(0, 6, (d, n)).astype(np.uint8)
        codes[1:3][codes[1:3] == 1] = 0  # an empty bin: two cuts that are the same
        codes[1, ::5] = MISSING
        codes[3, ::4] = MISSING
        group_start = np.array([0, (d + 1) // 2, d]) if groups == 2 else np.array([0, d])
        grouped = np.zeros((groups, n, (d + groups - 1) // groups), np.uint8)
        for group, (a, b) in zip(grouped, itertools.pairwise(group_start)):
            group[:, : b - a] = codes[a:b].T
        g = rng.integers(-20000, 20000, n) + 9000 * (codes[0] > 2) * (monotone == 0) + 4000 * (codes[1] == MISSING)
        if tie:  # where missing values go left, the first two cuts of feature 1, and they are the best
            g = rng.integers(-2000, 2000, n) + 20000 * (codes[1] == MISSING) + 20000 * (codes[1] == 0)
        if not both:
            g = g // 2 + 15000 * (codes[3] > 2)  # a category that would be the best number
        g, h = np.clip(g, -32768, 32767), rng.integers(2000, 60000, n)
        count = np.ones(n) if packed else rng.integers(1, 3, n)
        order = rng.permutation(n)
        words = (np.arange(n) << 32) | ((g & 0xFFFF) << 16) | h
        elements = np.zeros((3, 70), np.int64)
        for shard, part in enumerate(np.split(words[order], (40, 80))):
            elements[shard, : len(part)] = part
        segments = np.array([[3, rows - 60], [4, 30], [1, 30]]) if both else np.array([[0, 40], [0, 40], [0, 50]])
        parent = np.array([[np.bincount(code, what, BINS) for what in (g, h, count)] for code in codes])
        features = np.array([[6, 0, 0, monotone], [6, 1, 0, 0], [6, 0, 0, -monotone], [6, 1, int(not both), 0]]
                            + [[6, 0, 0, 0]] * (d - 4))
        allowed = np.ones((2, d), np.uint8)
        allowed[1, 0] = 0
        inside = np.concatenate([elements[s, a:a + c] >> 32 for s, (a, c) in enumerate(segments)])
        nodes = np.zeros((2, 7))
        for side, members in enumerate((inside, np.setdiff1d(np.arange(n), inside))):
            total = g[members].sum(), h[members].sum(), float(count[members].sum())
            value = -total[0] / 32767 / (max(total[1], 1) / 65535)  # bounds around it: children at one bound would tie
            nodes[side] = *total, total[2] / max(total[1], 1) if packed else 0.0, value + low, value + high, 1.0
        if not both:
            nodes[1] = nodes[0]  # which would have a split, but is not asked
        nodes[1, WANTED] = float(both)
        limits = np.array([1 / 32767, 1 / 65535, l2, 4.0, 0.5, float(both)])
        table = np.column_stack([g, h, count]).astype(np.float64) if grid and not packed else np.empty((0, 3))
        return grouped, group_start, elements, segments, table, parent, features, allowed, nodes, limits, packed, by
    return example


def _tight_example(at, packed, least, curved):
    """120 rows in six bins of 20; the best cut divides off one, with enough or too few rows, enough or too little curvature."""
    def example(rng):
        n = 120
        codes = np.stack([np.arange(n) // 20, rng.permutation(n) // 20]).astype(np.uint8)
        g, h = np.where((codes[0] == at), 9000, -3000 + rng.integers(-9, 9, n)), np.full(n, 1024)
        grid = np.column_stack([g, h, np.ones(n)]).astype(np.float64)
        nodes = np.array([[g.sum(), h.sum(), n, packed / 1024, -np.inf, np.inf, 1.0], [0, 0, 0, 0, 0, 0, 0]], dtype=np.float64)
        limits = np.array([2.0 ** -15, 2.0 ** -16, 0.0, least, curved * 1024 * 2.0 ** -16, 0.0])
        words = (np.arange(n) << 32) | ((g & 0xFFFF) << 16) | h
        return (np.ascontiguousarray(codes.T[None]), np.array([0, 2]), words[None], np.array([[0, n]]), grid,
                np.zeros((2, 3, BINS)), np.array([[6, 0, 0, 0], [6, 0, 0, 0]]), np.ones((2, 2), np.uint8), nodes, limits, packed)
    return example


@oracle(split_node, kernels=(search_packed, search_exact, search_alone), rtol=1e-9, atol=1e-9, example=(
    _search_example(True), _search_example(True, rows=75, l2=2.0, d=31), _search_example(True, both=False, d=9),
    _search_example(True, tie=True, rows=75),
    _search_example(False), _search_example(False, by="pool"), _search_example(False, by="pool", l2=1.0, d=7),
    _search_example(False, by="threads", d=7),
    _search_example(False, grid=False, both=False, l2=3.0), _search_example(False, monotone=1, low=-0.15, high=0.1),
    _search_example(False, groups=1), _search_example(False, groups=1, monotone=-1, l2=0.5),
    *[_tight_example(at, packed, *limits) for at in (0, 5) for packed in (False, True)
      for limits in ((20, 20), (21, 1), (1, 20.5))]))
def split_node_formula(codes, group_start, elements, segments, grid, parent, features, allowed, nodes, limits, packed,
                       by=None):
    """Sums by `bincount`; every cut of every feature tried one after the other, with the formula at the top of this file."""
    unit_g, unit_h, l2, least, floor, both = limits
    chosen = np.concatenate([elements[s, a:a + c] for s, (a, c) in enumerate(segments)])
    rows, g = chosen >> 32, (((chosen >> 16) & 0xFFFF) ^ 0x8000) - 0x8000  # 16 bits with a sign
    values = grid[rows].T if len(grid) else np.stack([g, chosen & 0xFFFF, np.full(len(rows), not packed)])
    columns = np.concatenate([group[:, : b - a].T for group, (a, b) in zip(codes, itertools.pairwise(group_start))])
    hist = np.array([[np.bincount(column[rows], what, BINS) for what in values] for column in columns])
    sibling = parent - hist if both else parent.copy()
    sibling[:, 2] *= not packed
    hist[:, 2] *= not packed
    answers = np.zeros((2, 8))
    for side, sums in enumerate((hist, sibling)):
        sum_g, sum_h, sum_n, rows_per_h, low, high, wanted = nodes[side]
        top = -np.inf
        for f in np.flatnonzero(allowed[side] & (features[:, CATEGORICAL] == 0)) if wanted else ():
            bins, has_missing, _, monotone = features[f]
            for left, bin_, missing_left in _cuts(bins, has_missing):
                g, h, n = sums[f][:, left].sum(axis=1)
                left_n = h * rows_per_h if packed else n
                child_g, child_h = np.array([g, sum_g - g]) * unit_g, np.array([h, sum_h - h]) * unit_h
                value = np.clip(-child_g / (child_h + l2 + TINY), low, high)
                gain = -(child_g * value).sum()
                fits = min(left_n, sum_n - left_n) >= least - 0.5 and child_h.min() >= floor
                if fits and monotone * (value[0] - value[1]) <= 0 and gain > top + 1e-12 * abs(gain):
                    top = gain
                    answers[side] = gain, f, bin_, missing_left, g, h, n, 0
    return hist, sibling, answers


def _cuts(bins, has_missing):
    """(codes that go left, bin, whether missing values go left) of every cut of a numeric feature, in order of preference."""
    for cut in range(bins if has_missing else bins - 1):
        yield np.arange(cut + 1), cut, 0
    for cut in range(bins - 1)[::-1] if has_missing else ():
        yield np.append(np.arange(cut + 1), MISSING), cut, 1
