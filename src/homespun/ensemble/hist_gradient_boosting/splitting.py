"""The best split of a node: for each feature the bin (or set of categories) where cutting lowers the loss most.

With G, H the sums of gradients and hessians of a node, v = -G / (H + λ) its value (clipped to its bounds under monotone
constraints), and L, R its children:

    gain = v G - v_L G_L - v_R G_R          = G_L²/(H_L+λ) + G_R²/(H_R+λ) - G²/(H+λ) where nothing is clipped

Chen & Guestrin 2016, XGBoost, KDD, eq. 5 to 7 and algorithm 3 (missing values: both sides are tried). Categories are
sorted by G_c / (H_c + 10) and cut like numbers, from both ends to the middle (Fisher 1958, "On grouping for maximum
homogeneity"); a category with fewer than 10 rows is not sorted but stays in the right child. Ties go to the lower
feature, then to missing-right, then to the lower bin (missing-right) or the higher bin (missing-left), as in scikit-learn.

O(256 d) a node: prefix sums, then one vector loop over all cuts at once, without branches.
"""

from __future__ import annotations

import numpy as np

from homespun.ensemble.hist_gradient_boosting.histogram import BINS, sum_exact, sum_packed
from homespun.kernels import kernel, oracle, prange
from homespun.kernels.binning import MISSING

CATEGORY_SUPPORT = 10.0  # rows; LightGBM's cat_smooth
TINY = 1e-15  # keeps 0 / 0 away where a child has no curvature

# Places in the tables that the search is given …
BIN_COUNT, HAS_MISSING, CATEGORICAL, MONOTONE = 0, 1, 2, 3  # features (d, 4)
UNIT_G, UNIT_H, L2, MIN_ROWS, MIN_HESSIAN, HOW, BOTH = 0, 1, 2, 3, 4, 5, 6  # settings (7,)
PACKED, EXACT, REUSE = 0.0, 1.0, 2.0  # HOW the first node's sums are made; BOTH: 1 if a sibling is made by subtraction
SUM_G, SUM_H, SUM_N, ROWS_PER_H, LOW, HIGH, VALUE, WANTED = 0, 1, 2, 3, 4, 5, 6, 7  # nodes (2, 8); ROWS_PER_H 0: counts known
# … and in what it answers, best (2, G, 8)
GAIN, FEATURE, BIN, MISSING_LEFT, LEFT_G, LEFT_H, LEFT_N, IS_SET = 0, 1, 2, 3, 4, 5, 6, 7


@kernel("void(u1[:, :, ::1], i8[::1], i8[:, ::1], i8[:, ::1], f8[:, ::1], f8[:, :, ::1], f8[:, :, ::1], i8[:, ::1], "
        "u1[:, ::1], f8[:, ::1], f8[::1], f8[:, :, ::1], u1[:, :, ::1])", parallel=True)
def search(codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, settings, best, sets):
    """Sums of a node, of its sibling by subtraction, and the best split of both; one task per group of features.

    IN codes (G, n, w), elements (S, m), segments (S, 2) of the node, grid, features (d, 4), allowed (2, d), nodes (2, 8),
    settings (7,).   OUT hist (d, 3, 256) of the node; sibling (d, 3, 256): the parent's before, the sibling's after;
    best (2, G, 8), sets (2, G, 256): 1 for the categories that go left.
    """
    for group in prange(codes.shape[0]):
        search_group(group, codes[group], group_start, elements, segments, grid, hist, sibling, features, allowed, nodes,
                     settings, best, sets)


@kernel()
def search_group(group, codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, settings, best, sets):
    first, last = group_start[group], group_start[group + 1]
    if settings[HOW] == PACKED:
        sum_packed(codes, elements, segments, last - first, hist[first:last])
    else:
        sum_exact(codes, elements, segments, grid, last - first, hist[first:last])
    if settings[BOTH] > 0.0:
        for f in range(first, last):
            for part in range(3):
                for b in range(BINS):
                    sibling[f, part, b] -= hist[f, part, b]
    work = np.empty((4, BINS))
    for side in range(2):
        best[side, group, GAIN] = -np.inf
        if nodes[side, WANTED] > 0.0:
            sums = hist if side == 0 else sibling
            for f in range(first, last):
                if allowed[side, f] > 0:
                    if features[f, CATEGORICAL] > 0:
                        scan_categories(sums[f], f, features[f], nodes[side], settings, work, best[side, group], sets[side, group])
                    else:
                        scan_numbers(sums[f], f, features[f], nodes[side], settings, work, best[side, group])


@kernel()
def scan_numbers(hist, f, feature, node, settings, work, best):
    """Every cut of a numeric feature, missing values to the right; then, if there are any, to the left."""
    bins = feature[BIN_COUNT]
    for missing_left in range(1 + feature[HAS_MISSING]):
        g, h, n = 0.0, 0.0, 0.0
        if missing_left > 0:
            g, h, n = hist[0, MISSING], hist[1, MISSING], hist[2, MISSING]
        cuts = bins if feature[HAS_MISSING] > missing_left else bins - 1  # missing | not missing is a cut, too
        for b in range(cuts):
            g += hist[0, b]
            h += hist[1, b]
            n += hist[2, b]
            work[0, b], work[1, b], work[2, b] = g, h, n
        top = gains_of(work, cuts, feature[MONOTONE], node, settings)
        if top > best[GAIN]:
            at = 0
            for b in range(cuts):
                if work[3, b] == top and (at == 0 or missing_left > 0):
                    at = b + 1
            store(best, top, f, at - 1, missing_left, work, at - 1)


@kernel()
def gains_of(work, cuts, monotone, node, settings):
    """work[3] = gain of each cut, but for what the parent is worth; -inf where a rule forbids it. Returns the highest."""
    unit_g, unit_h = settings[UNIT_G], settings[UNIT_H]
    damping = settings[L2] + TINY
    least, floor = settings[MIN_ROWS] - 0.5, settings[MIN_HESSIAN]  # counts that follow from h are rounded
    rows_per_h, low, high = node[ROWS_PER_H], node[LOW], node[HIGH]
    sum_g, sum_h, sum_n = node[SUM_G], node[SUM_H], node[SUM_N]
    direction = float(monotone)
    top = -np.inf
    for b in range(cuts):
        left_g, right_g = work[0, b] * unit_g, (sum_g - work[0, b]) * unit_g
        left_h, right_h = work[1, b] * unit_h, (sum_h - work[1, b]) * unit_h
        left_n = work[1, b] * rows_per_h if rows_per_h > 0.0 else work[2, b]
        left_v = min(max(-left_g / (left_h + damping), low), high)
        right_v = min(max(-right_g / (right_h + damping), low), high)
        gain = -left_g * left_v - right_g * right_v
        fits = ((left_n >= least) & (sum_n - left_n >= least) & (left_h >= floor) & (right_h >= floor)
                & (direction * (left_v - right_v) <= 0.0))
        work[3, b] = gain if fits else -np.inf
        top = max(top, work[3, b])
    return top


@kernel()
def store(best, gain, f, bin_, missing_left, work, at):
    best[GAIN], best[FEATURE], best[BIN], best[MISSING_LEFT] = gain, f, bin_, missing_left
    best[LEFT_G], best[LEFT_H], best[LEFT_N] = work[0, at], work[1, at], work[2, at]
    best[IS_SET] = 0.0


@kernel()
def scan_categories(hist, f, feature, node, settings, work, best, goes_left):
    """Sort the categories by what their rows want, then cut from the left end and from the right end, up to the middle."""
    order = np.empty(BINS, np.int64)
    wish = np.empty(BINS)
    unit_g, unit_h = settings[UNIT_G], settings[UNIT_H]
    rows_per_h = node[SUM_N] / (node[SUM_H] * unit_h)
    used = 0
    for b in range(BINS):
        h = hist[1, b] * unit_h
        if (b < feature[BIN_COUNT] or (b == MISSING and feature[HAS_MISSING] > 0)) and h * rows_per_h >= CATEGORY_SUPPORT:
            value = hist[0, b] * unit_g / (h + CATEGORY_SUPPORT)
            place = used
            while place > 0 and wish[place - 1] > value:  # insertion keeps equal wishes in the order of their codes
                wish[place], order[place] = wish[place - 1], order[place - 1]
                place -= 1
            wish[place], order[place] = value, b
            used += 1
    for reverse in range(2):
        cuts = (used + 1) // 2 - reverse if used > 1 else 0
        g, h, n = 0.0, 0.0, 0.0
        for i in range(cuts):
            b = order[used - 1 - i] if reverse > 0 else order[i]
            g += hist[0, b]
            h += hist[1, b]
            n += hist[2, b]
            work[0, i], work[1, i], work[2, i] = g, h, n
        top = gains_of(work, cuts, 0, node, settings)
        if top > best[GAIN]:
            at = 0
            while work[3, at] != top:
                at += 1
            store(best, top, f, 0, 0, work, at)
            best[IS_SET] = 1.0
            goes_left[:] = 0
            for i in range(at + 1):
                goes_left[order[used - 1 - i] if reverse > 0 else order[i]] = 1
            best[MISSING_LEFT] = goes_left[MISSING]


# ---------------------------------------------------------------------------------------------------------------------
# Splitting the rows

@kernel("void(i8[:, ::1], i8[:, ::1], i8[:, :, ::1], i8, i8, i8, u1[::1], u1[::1])", parallel=True)
def partition(elements, scratch, segments, parent, left, right, codes, goes_left):
    """Put the rows of node `parent` that go left before the others, in each shard; write the segments of both children.

    IN codes (n,) of the feature, goes_left (256,): 1 for a code that goes left.   OUT elements, segments; scratch is room.
    """
    for shard in prange(elements.shape[0]):
        partition_shard(elements[shard], scratch[shard], segments[:, shard], parent, left, right, codes, goes_left)


@kernel()
def partition_shard(elements, scratch, segments, parent, left, right, codes, goes_left):
    """Each row is written to both sides and one side advances: no branch to mispredict. Both sides keep their order."""
    start = segments[parent, 0]
    stop = start + segments[parent, 1]
    to_left, to_right = start, start
    for i in range(start, stop):
        element = elements[i]
        goes = np.int64(goes_left[codes[element >> 32]])
        elements[to_left] = element
        scratch[to_right] = element
        to_left += goes
        to_right += 1 - goes
    for i in range(to_right - start):
        elements[to_left + i] = scratch[start + i]
    segments[left, 0], segments[left, 1] = start, to_left - start
    segments[right, 0], segments[right, 1] = to_left, stop - to_left


# ---------------------------------------------------------------------------------------------------------------------
# What defines them

def split_node(codes, group_start, elements, segments, grid, parent, features, allowed, nodes, settings):
    """`search` with room for its answers: hist, sibling, and for both nodes the best group's answer and set."""
    hist = np.zeros((len(features), 3, BINS))
    best, sets = np.zeros((2, len(codes), 8)), np.zeros((2, len(codes), BINS), np.uint8)
    sibling = parent.copy()
    search(codes, group_start, elements, segments, grid, hist, sibling, features, allowed, nodes, settings, best, sets)
    if settings[HOW] == PACKED:  # there are no counts
        hist[:, 2] = sibling[:, 2] = best[:, :, LEFT_N] = 0.0
    winners = [best[side, :, GAIN].argmax() for side in range(2)]
    answers = np.stack([best[side, group] if best[side, group, GAIN] > -np.inf else np.zeros(8)
                        for side, group in enumerate(winners)])
    chosen = np.stack([sets[side, group] * np.uint8(answers[side, IS_SET]) for side, group in enumerate(winners)])
    return hist, sibling, answers, chosen


def _search_example(how, *, both=True, monotone=0, rows=90, l2=0.0, low=-np.inf, high=np.inf):
    def example(rng):
        d, n = 5, 130
        codes = rng.integers(0, 6, (d, n)).astype(np.uint8)
        codes[1, ::5] = MISSING  # numeric with missing values
        codes[3, ::4] = MISSING  # categories with missing values
        codes[4] = rng.integers(0, 9, n)  # categories, some rare
        group_start = np.array([0, 2, d])
        grouped = np.zeros((2, n, 4), np.uint8)
        grouped[0, :, :2], grouped[1, :, :3] = codes[:2].T, codes[2:].T
        g = rng.integers(-20000, 20000, n)
        g += 9000 * (codes[0] > 2) + (4000 * (codes[1] == MISSING) - 5000 * (codes[4] % 3 == 1)) * (monotone == 0)
        g, h = np.clip(g, -32768, 32767), rng.integers(2000, 60000, n)
        order = rng.permutation(n)
        elements = np.zeros((2, 70), np.int64)
        words = (np.arange(n) << 32) | ((g & 0xFFFF) << 16) | h
        elements[0, :65], elements[1, :65] = words[order[:65]], words[order[65:]]
        segments = np.array([[3, rows - 60], [4, 60]]) if both else np.array([[0, 65], [0, 65]])
        count = np.ones(n)
        grid = np.column_stack([g, h, count]).astype(np.float64) if how == EXACT else np.empty((0, 3))
        parent = np.zeros((d, 3, BINS))
        chosen = np.concatenate([elements[s, a:a + c] >> 32 for s, (a, c) in enumerate(segments)])
        for f in range(d):
            for part, what in enumerate((g, h, count)):
                parent[f, part] = np.bincount(codes[f], what, BINS)
        features = np.array([[6, 0, 0, monotone], [6, 1, 0, 0], [6, 0, 0, -monotone], [6, 1, 1, 0], [9, 0, 1, 0]])
        allowed = np.ones((2, d), np.uint8)
        allowed[1, 0] = 0
        nodes = np.zeros((2, 8))
        for side, inside in enumerate((chosen, np.setdiff1d(np.arange(n), chosen))):
            total = g[inside].sum(), h[inside].sum(), float(len(inside))
            nodes[side] = *total, total[2] / max(total[1], 1) if how == PACKED else 0.0, low, high, 0.0, 1.0
        nodes[1, WANTED] = float(both)
        settings = np.array([1 / 32767, 1 / 65535, l2, 4.0, 0.5, how, float(both)])
        return grouped, group_start, elements, segments, grid, parent, features, allowed, nodes, settings
    return example


@oracle(split_node, kernels=(search,), rtol=1e-9, atol=1e-9, example=(
    _search_example(PACKED), _search_example(EXACT), _search_example(EXACT, both=False, l2=3.0),
    _search_example(EXACT, monotone=1, low=-0.2, high=0.15), _search_example(PACKED, monotone=-1, rows=75)))
def split_node_formula(codes, group_start, elements, segments, grid, parent, features, allowed, nodes, settings):
    """Sums by `bincount`; every cut of every feature tried one after the other, with the formula at the top of this file."""
    unit_g, unit_h, l2, least, floor, how, both = settings
    chosen = np.concatenate([elements[s, a:a + c] for s, (a, c) in enumerate(segments)])
    rows = chosen >> 32
    if len(grid):
        values = grid[rows].T
    else:
        values = np.stack([(((chosen >> 16) & 0xFFFF) ^ 0x8000) - 0x8000, chosen & 0xFFFF, np.full(len(rows), how != PACKED)])
    hist = np.zeros_like(parent)
    for group, (a, b) in enumerate(zip(group_start[:-1], group_start[1:])):
        for f in range(a, b):
            for part in range(3):
                hist[f, part] = np.bincount(codes[group, rows, f - a], values[part], BINS)
    sibling = parent - hist if both else parent.copy()
    if how == PACKED:
        sibling[:, 2] = 0.0
    answers, sets = np.zeros((2, 8)), np.zeros((2, BINS), np.uint8)
    for side, sums in enumerate((hist, sibling)):
        sum_g, sum_h, sum_n, rows_per_h, low, high, _, wanted = nodes[side]
        top = -np.inf
        for f in np.flatnonzero(allowed[side]) if wanted else ():
            bins, has_missing, categorical, monotone = features[f]
            for left, bin_, missing_left in _cuts(sums[f], bins, has_missing, categorical, nodes[side], settings):
                g, h, n = sums[f][:, left].sum(axis=1)
                n = h * rows_per_h if rows_per_h else n
                small = np.array([g, sum_g - g]) * unit_g, np.array([h, sum_h - h]) * unit_h, np.array([n, sum_n - n])
                value = np.clip(-small[0] / (small[1] + l2 + TINY), low, high)
                gain = -(small[0] * value).sum()
                fits = (small[2] >= least - 0.5).all() and (small[1] >= floor).all() and monotone * (value[0] - value[1]) <= 0
                if fits and gain > top * (1 + 1e-12):
                    top = gain
                    answers[side] = gain, f, bin_, missing_left, *sums[f][:, left].sum(axis=1), categorical
                    sets[side] = 0
                    sets[side, left] = categorical
    return hist, sibling, answers, sets


def _cuts(sums, bins, has_missing, categorical, node, settings):
    """(codes that go left, bin, whether missing values go left) of every cut of one feature, in the order of preference."""
    if not categorical:
        for cut in range(bins if has_missing else bins - 1):
            yield np.arange(cut + 1), cut, 0
        for cut in range(bins - 1)[::-1] if has_missing else ():
            yield np.append(np.arange(cut + 1), MISSING), cut, 1
        return
    names = np.append(np.arange(bins), MISSING) if has_missing else np.arange(bins)
    h = sums[1, names] * settings[UNIT_H]
    names = names[h * node[SUM_N] / (node[SUM_H] * settings[UNIT_H]) >= CATEGORY_SUPPORT]
    wish = sums[0, names] * settings[UNIT_G] / (sums[1, names] * settings[UNIT_H] + CATEGORY_SUPPORT)
    names = names[np.argsort(wish, kind="stable")]
    half = (len(names) + 1) // 2
    for left in [names[:i] for i in range(1, half + 1)] + [names[len(names) - i:] for i in range(1, half)] if len(names) > 1 else ():
        yield left, 0, int(MISSING in left)


def split_rows(elements, scratch, segments, parent, left, right, codes, goes_left):
    """`partition` on copies."""
    elements, segments = elements.copy(), segments.copy()
    partition(elements, scratch.copy(), segments, parent, left, right, codes, goes_left)
    return elements, segments


def _partition_example(rng):
    codes = rng.integers(0, 256, 60).astype(np.uint8)
    elements = (rng.permutation(60).reshape(2, 30) << 32) | rng.integers(0, 1 << 32, (2, 30))
    segments = np.zeros((4, 2, 2), np.int64)
    segments[1] = [[2, 25], [0, 30]]
    return elements, np.zeros_like(elements), segments, 1, 2, 3, codes, rng.integers(0, 2, 256).astype(np.uint8)


@oracle(split_rows, kernels=(partition,), example=_partition_example, rtol=0, atol=0)
def split_rows_formula(elements, scratch, segments, parent, left, right, codes, goes_left):
    """A stable sort of each shard's part by side."""
    elements, segments = elements.copy(), segments.copy()
    for shard, (start, length) in enumerate(segments[parent]):
        part = elements[shard, start:start + length]
        to_left = goes_left[codes[part >> 32]] == 1
        elements[shard, start:start + length] = np.concatenate([part[to_left], part[~to_left]])
        segments[left, shard] = start, to_left.sum()
        segments[right, shard] = start + to_left.sum(), (~to_left).sum()
    return elements, segments
