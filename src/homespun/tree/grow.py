"""Growing one tree by exact splits: every cut between two neighbouring values of every feature is tried.

    gain(cut) = W I(node) - W_left I(left) - W_right I(right)          W: weight of the rows, I: impurity
    variance   I = mean of (y - mean)^2; for classes the same on their indicators, which is Gini's 1 - sum p^2
    deviance   I = mean of y log(y / mean) (Poisson), for classes the entropy - sum p log2 p
    absolute   I = mean of |y - median|

Breiman, Friedman, Olshen & Stone 1984, "Classification and Regression Trees", ch. 2, 4, 8.
Each feature is sorted once; a split divides every sorted list in two and keeps its order (Mehta, Agrawal & Rissanen 1996,
SLIQ, sec. 4). So a level of the tree costs O(n d) instead of O(n d log n), and 4 n d bytes. `absolute` costs a logarithm
more: the medians of all prefixes come from a Fenwick tree over the ranks of y.

`grow_tree` is the algorithm, in Python: all nodes of a level are described, searched and divided together (`max_leaves`:
one node at a time), each stage by a kernel of its own. One kernel for everything took twice as long to compile, because
LLVM optimises a helper again in every function that it ends up in. Features are independent, so they are the blocks of work.

A node's impurity never decides whether it is pure; equal y do, so targets of size 1e-9 are split like any other.
Among equally good cuts the first feature and the lowest threshold win, where "equal" forgives rounding (`SAME`).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels.kernel import kernel
from homespun.kernels.threads import over_blocks

VARIANCE, DEVIANCE, ABSOLUTE = 0, 1, 2
# columns of `nodes` (whole numbers) and `facts` (floats); children are -1 in a leaf
LEFT, RIGHT, FEATURE, MISSING_LEFT, SAMPLES, DEPTH, BEGIN = range(7)
THRESHOLD, IMPURITY, WEIGHT, GAIN = range(4)
# what a cut is
C_GAIN, C_THRESHOLD, C_MISSING_LEFT, C_MIDDLE = range(4)
# what is known of a node that is searched
A_WEIGHT, A_IMPURITY, A_LOW, A_HIGH = range(4)
ONLY_RIGHT, ONLY_LEFT, BOTH, NEITHER = range(4)  # where a plan tries the missing rows; NEITHER: the feature is not looked at
SAME = 1e-12  # gains that differ by less than this share of the node's impurity are equal but for rounding
MULTIPLIER = 698769069  # Marsaglia's multiply-with-carry, base 2^32: fits int64, so that both lanes agree
BLOCK = 100_000  # rows times features that are worth a thread of their own
CUTS = 400_000  # nodes times features that are searched together: 32 bytes each


@kernel("i8(i8[::1])")
def draw32(state):
    """A random whole number below 2^32; `state` (1,) is carry * 2^32 + digit."""
    digit = state[0] & 0xFFFFFFFF
    carry = state[0] >> 32
    state[0] = MULTIPLIER * digit + carry
    return digit ^ carry


@kernel()
def branch(state):
    """A state that is drawn from another one: each node draws for its children, so that no order of nodes matters."""
    carry = draw32(state) % (MULTIPLIER - 2) + 1
    return (carry << 32) + draw32(state)


@kernel()
def spread(part, weight):
    """part * log(part / weight): what a deviance is made of; 0 for nothing."""
    return part * np.log(part / weight) if part > 0.0 else 0.0


# ---------------------------------------------------------------------------------------------------------------------
# What a node is
#
# An argument that is None takes its branches with it when a kernel is compiled: a tree compiles only what it runs.
# (So each use of an argument that can be None stands under its own "is not None", never under an "else".)

@kernel()
def weighted_median(by_y, o, begin, y, w, weight):
    """Where half of the weight is collected; midway to the next value if it is exactly half. The rows by_y[o, begin:] are
    sorted by y[:, o]."""
    p, collected = begin, w[by_y[o, begin]]
    while collected * 2 < weight:
        p += 1
        collected += w[by_y[o, p]]
    found = y[by_y[o, p], o]
    return (found + y[by_y[o, p + 1], o]) / 2 if collected * 2 == weight else found


ROWS = "f8[::1], i4[:, ::1], i8[::1], i8, i8[:, ::1], "


@kernel("void(i4[:, ::1], none, none, " + ROWS + "f8[:, ::1], f8[:, ::1], f8[:, ::1])",
        "void(none, f8[:, ::1], none, " + ROWS + "f8[:, ::1], f8[:, ::1], f8[:, ::1])",
        "void(none, f8[:, ::1], i4[:, ::1], " + ROWS + "f8[:, ::1], f8[:, ::1], f8[:, ::1])")
def describe(labels, y, by_y, w, order, offsets, criterion, spans, total, value, about):
    """Sums, prediction and impurity of nodes.

    IN   labels (n, outputs), or y (n, outputs), w (n,); by_y (outputs, n): rows by y, for absolute errors only; order (d, n);
         offsets (outputs + 1,): where each output's statistics begin; spans (m, 2): the nodes are order[:, begin:end].
    OUT  total, value (m, statistics); about (m, 3): weight, impurity, 1 if all y are equal. For variances of y, total is how
         far the mean of y lies from value, its rounding: without it, equal cuts of a node would differ by more than `SAME`.
    """
    n_outputs = offsets.size - 1
    for q in range(spans.shape[0]):
        begin, end = spans[q, 0], spans[q, 1]
        weight, impurity, pure, first = 0.0, 0.0, True, np.uint64(order[0, begin])
        for k in range(total.shape[1]):
            total[q, k] = 0.0
        for p in range(begin, end):
            i = np.uint64(order[0, p])  # an index that cannot be negative saves a test at each access
            weight += w[i]
            for o in range(n_outputs):
                if labels is not None:
                    pure = pure and labels[i, o] == labels[first, o]
                    total[q, offsets[o] + labels[i, o]] += w[i]
                if y is not None:
                    pure = pure and y[i, o] == y[first, o]
                    total[q, o] += w[i] * y[i, o]
        for k in range(total.shape[1]):
            value[q, k] = total[q, k] / weight
            if labels is not None:
                part = value[q, k]
                impurity += part * (1.0 - part) if criterion == VARIANCE else -spread(part, 1.0) / np.log(2.0)
        if y is not None:
            for o in range(n_outputs):
                if by_y is not None:
                    value[q, o] = weighted_median(by_y, o, begin, y, w, weight)
                centre, rest = y[first, o] if pure else value[q, o], 0.0
                value[q, o] = centre
                for p in range(begin, end):
                    i = np.uint64(order[0, p])
                    off = y[i, o] - centre
                    rest += w[i] * off
                    if by_y is not None:
                        impurity += w[i] * abs(off) / weight
                    if by_y is None:
                        impurity += w[i] * (off * off if criterion == VARIANCE else spread(y[i, o], centre)) / weight
                if criterion == VARIANCE:
                    total[q, o] = rest / weight
        about[q, A_WEIGHT], about[q, A_IMPURITY], about[q, 2] = weight, impurity / n_outputs, 1.0 if pure else 0.0


# ---------------------------------------------------------------------------------------------------------------------
# How it is best cut

MEDIANS, SORTED_Y = 2, 4  # rows of `room`; 0 and 1 are costs


@kernel(inline=True)
def median_place(fenwick, size, step, target, strict):
    """Rank of the first entry at which the collected weight reaches `target` (strict) or passes it. `step`: the largest power
    of two below `size`. Inlined, so that each of the two calls is compiled for its own `strict`: one loop for both is 10 %
    slower."""
    place, collected = 0, 0.0
    while step > 0:
        if place + step < size:  # the whole weight is never too little, so the last entry is not asked
            here = collected + fenwick[place + step, 0]
            if here < target or (not strict and here == target):
                place += step
                collected = here
        step >>= 1
    return place


@kernel()
def absolute_costs(rows, m, back, y, o, w, rank, centre, fenwick, room):
    """Sums of w |y - median| over the first p of m rows (back = 1: the last p), for every p. y: (n, outputs), of output o.

    IN   rank (n,) by y, room[4]: y by rank.
    OUT  room (5, n): 0 + back: these costs are added to it; 2 + back: the medians.
         fenwick (n, 2): sums of weight and of weight * (y - centre) by rank.
    """
    for r in range(m):
        fenwick[r, 0] = 0.0
        fenwick[r, 1] = 0.0
    weight, moment = 0.0, 0.0
    widest = 1  # no mutant (1 → 2): a step past the end is not taken
    while 2 * widest < m:  # no mutant (< → <=): one step more goes past the end, and is not taken
        widest *= 2
    for p in range(1, m):
        where = m - p if back == 1 else p
        i = rows[where if back == 1 else p - 1]
        off = w[i] * (y[i, o] - centre)
        weight += w[i]
        moment += off
        r = rank[i] + 1
        while r < m:
            fenwick[r, 0] += w[i]
            fenwick[r, 1] += off
            r += r & -r
        low = median_place(fenwick, m, widest, weight / 2, True)
        high = median_place(fenwick, m, widest, weight / 2, False)
        below, moment_below, r = 0.0, 0.0, low
        while r > 0:
            below += fenwick[r, 0]
            moment_below += fenwick[r, 1]
            r -= r & -r
        middle = room[SORTED_Y, low] - centre
        room[back, where] += middle * (2.0 * below - weight) + moment - 2.0 * moment_below
        room[MEDIANS + back, where] = (room[SORTED_Y, low] + room[SORTED_Y, high]) / 2


@kernel("void(f8[:, ::1], i4[:, ::1], i8[:, ::1], i8, b1, i8[::1], i8[:, ::1], f8[:, :, ::1])")
def plan_search(X, order, spans, max_features, random, features, states, plan):
    """Draw which features each node looks at: `max_features`, and more until one of them varies; and random thresholds.

    OUT features (d,); states (m, 3): those of random numbers of the nodes before, and after it those of their children;
        plan (m, d, 2): the threshold that is tried (NaN: all), and where missing rows are tried.
    """
    d = X.shape[0]
    for q in range(spans.shape[0]):
        begin, end, state = spans[q, 0], spans[q, 1], states[q]
        for f in range(d):
            plan[q, f, 1], features[f] = NEITHER, f
        looked_at, varying = 0, False
        while looked_at < d and (looked_at < max_features or not varying):
            chosen = looked_at  # all features in their order, or a random one of the rest
            if max_features < d:
                chosen += (draw32(state) * (d - looked_at)) >> 32
            f = features[chosen]
            features[chosen], features[looked_at] = features[looked_at], f
            looked_at += 1
            low, last = X[f, order[f, begin]], end - 1
            if low != low:  # all are missing
                continue
            while X[f, order[f, last]] != X[f, order[f, last]]:
                last -= 1
            high = X[f, order[f, last]]
            if last == end - 1 and low == high:
                continue
            varying = True
            plan[q, f, 0], plan[q, f, 1] = np.nan, BOTH
            if random:
                drawn = low + (high - low) * (draw32(state) / 4294967296.0)
                if low < high:  # otherwise only present | missing is left to try
                    plan[q, f, 0] = drawn if drawn < high else low
                    if last < end - 1:
                        plan[q, f, 1] = draw32(state) & 1
        states[q, 1] = branch(state)
        states[q, 2] = branch(state)


REST = ROWS + "i8, f8, f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[:, ::1], f8[:, :, ::1], "
_PLAIN, _BY_Y = "none, none, none)", "f8[:, :, ::1], f8[:, :, ::1], i8[:, :, ::1])"


@kernel("void(i8, f8[:, ::1], i4[:, ::1], none, none, none, none, " + REST + _PLAIN,  # classes
        "void(i8, f8[:, ::1], none, f8[:, ::1], none, none, none, " + REST + _PLAIN,  # numbers
        "void(i8, f8[:, ::1], none, f8[:, ::1], i4[:, ::1], none, none, " + REST + _BY_Y,  # absolute error
        "void(i8, f8[:, ::1], i4[:, ::1], none, none, f8[:, :, ::1], i8[::1], " + REST + _PLAIN,  # with random choices or signs
        "void(i8, f8[:, ::1], none, f8[:, ::1], none, f8[:, :, ::1], i8[::1], " + REST + _PLAIN,
        "void(i8, f8[:, ::1], none, f8[:, ::1], i4[:, ::1], f8[:, :, ::1], i8[::1], " + REST + _BY_Y)
def search(block, X, labels, y, by_y, plan, signs, w, order, offsets, criterion, spans, min_leaf, min_weight, total, value, about,
           spaces, cuts, trees, rooms, ranks):
    """The best cut of each node by each feature of a block.

    IN   X (d, n), order (d, n); labels, y, by_y, w, offsets, spans as in `describe`, about (m, 4), total, value of it,
         and least and greatest prediction; plan (m, d, 2) of `plan_search`; signs (d,): -1, 0, 1, monotonic constraints.
    OUT  spaces (blocks, statistics): work space; cuts (d, m, 4): gain (-inf: none), threshold (+inf: present | missing),
         whether missing rows go left, and between the predictions of both sides; for absolute errors work space: trees (blocks,
         n, 2), rooms (blocks, 5, n), ranks (blocks, 2, n), see `absolute_costs`.
    """
    d, n_outputs, left = X.shape[0], offsets.size - 1, spaces[block]
    if by_y is not None:
        room, rank, rows = rooms[block], ranks[block, 0], ranks[block, 1]
    for f in range(block * d // spaces.shape[0], (block + 1) * d // spaces.shape[0]):
        x, by_x = X[f], order[f]
        for q in range(spans.shape[0]):
            begin, size = spans[q, 0], spans[q, 1] - spans[q, 0]
            best = -np.inf
            cuts[f, q, C_GAIN] = best
            weight, slack = about[q, A_WEIGHT], SAME * about[q, A_WEIGHT] * about[q, A_IMPURITY]
            lowest, highest, missing = x[by_x[begin]], x[by_x[begin + size - 1]], 0
            if lowest != lowest:  # all are missing
                continue
            if lowest == highest:
                continue
            while x[by_x[begin + size - 1 - missing]] != x[by_x[begin + size - 1 - missing]]:
                missing += 1
            first_side, sides, drawn = 0, 2 if missing > 0 else 1, np.nan
            if plan is not None:
                drawn = plan[q, f, 0]
                if plan[q, f, 1] == NEITHER:
                    continue
                if plan[q, f, 1] != BOTH:
                    first_side = int(plan[q, f, 1])
                    sides = first_side + 1
            for side in range(first_side, sides):  # missing rows at the end, then in front
                shift = missing if side == 1 else 0
                weight_left = 0.0
                for k in range(left.size):
                    left[k] = 0.0
                if by_y is not None:
                    for p in range(size):
                        rows[p] = by_x[begin + p - shift if p >= shift else begin + p - shift + size]
                        room[0, p] = room[1, p] = 0.0
                    for o in range(n_outputs):
                        for p in range(size):
                            rank[by_y[o, begin + p]] = p
                            room[SORTED_Y, p] = y[by_y[o, begin + p], o]
                        for back in range(2):
                            absolute_costs(rows, size, back, y, o, w, rank, value[q, o], trees[block], room)
                high = x[by_x[begin if shift == 0 else begin + size - shift]]
                for p in range(1, size):
                    i = np.uint64(by_x[begin + p - 1 - shift if p > shift else begin + p - 1 - shift + size])
                    weight_left += w[i]
                    for o in range(n_outputs):
                        if labels is not None:
                            left[offsets[o] + labels[i, o]] += w[i]
                        if y is not None:  # centred sums make the variance form exact: no large squares cancel
                            left[o] += w[i] * (y[i, o] - value[q, o] if criterion == VARIANCE else y[i, o])
                    low, high = high, x[np.uint64(by_x[begin + p - shift if p >= shift else begin + p - shift + size])]
                    last = high != high and low == low  # present | missing
                    if not (low < high or last) or p < min_leaf or size - p < min_leaf:
                        continue
                    weight_right = weight - weight_left
                    if weight_left < min_weight or weight_right < min_weight:
                        continue
                    if plan is not None and drawn == drawn and not (low <= drawn and (drawn < high or last)):
                        continue
                    middle = 0.0
                    if signs is not None and signs[f] != 0:
                        mean_left, mean_right = left[0] / weight_left, (total[q, 0] - left[0]) / weight_right
                        if by_y is not None:
                            mean_left, mean_right = room[MEDIANS, p], room[MEDIANS + 1, p]
                        if y is not None and criterion == VARIANCE:
                            mean_left, mean_right = value[q, 0] + left[0] / weight_left, value[q, 0] - left[0] / weight_right
                        if (mean_left - mean_right) * signs[f] > 0 or min(mean_left, mean_right) < about[q, A_LOW] or (
                                max(mean_left, mean_right) > about[q, A_HIGH]):
                            continue
                        middle = (mean_left + mean_right) / 2
                    gain = 0.0
                    if by_y is not None:
                        gain = weight * about[q, A_IMPURITY] - (room[0, p] + room[1, p]) / n_outputs
                    if by_y is None and criterion == VARIANCE:
                        for k in range(left.size):
                            off = left[k]
                            if labels is not None:
                                off -= weight_left * value[q, k]
                            if y is not None:
                                off -= weight_left * total[q, k]
                            gain += off * off
                        gain *= weight / (weight_left * weight_right * n_outputs)
                    if by_y is None and criterion != VARIANCE:
                        for k in range(left.size):
                            right = total[q, k] - left[k]
                            gain += spread(left[k], weight_left) + spread(right, weight_right) - spread(total[q, k], weight)
                            if y is not None and (left[k] <= SAME * total[q, k] or right <= SAME * total[q, k]):
                                gain = -np.inf  # a Poisson mean must be positive
                        gain /= n_outputs * (np.log(2.0) if labels is not None else 1.0)
                    if gain > best + slack:
                        best = gain
                        between = low / 2.0 + high / 2.0  # never equal to the upper one
                        cuts[f, q, C_GAIN] = gain
                        cuts[f, q, C_THRESHOLD] = np.inf if last else between if between < high else low
                        cuts[f, q, C_MISSING_LEFT] = side if missing > 0 else 1.0 if 2 * p > size else 0.0
                        cuts[f, q, C_MIDDLE] = middle
            if plan is not None and drawn == drawn:
                cuts[f, q, C_THRESHOLD] = drawn


# ---------------------------------------------------------------------------------------------------------------------
# Cutting it

@kernel("void(f8[:, ::1], i4[:, ::1], i8[:, ::1], i8[::1], f8[::1], i8[::1], u1[::1], i8[::1])")
def send(X, order, spans, feature, threshold, missing_left, goes_left, n_left):
    """Which rows of the nodes go left, and how many. OUT goes_left (n,), n_left (m,)."""
    for q in range(spans.shape[0]):
        f, limit, total = feature[q], threshold[q], 0
        for p in range(spans[q, 0], spans[q, 1]):
            i = np.uint64(order[0, p])
            x = X[f, i]
            left = 1 if x <= limit or (x != x and missing_left[q] == 1) else 0
            goes_left[i] = left
            total += left
        n_left[q] = total


@kernel("void(i8, i4[:, ::1], i8[:, ::1], u1[::1], i4[:, ::1])")
def divide(block, order, spans, goes_left, spaces):
    """Split every sorted list of the nodes in two, keeping its order. OUT order, spaces (blocks, n): work space."""
    lists, spare = order.shape[0], spaces[block]
    for f in range(block * lists // spaces.shape[0], (block + 1) * lists // spaces.shape[0]):
        for q in range(spans.shape[0]):
            here, others = spans[q, 0], 0
            for p in range(spans[q, 0], spans[q, 1]):  # both sides are written, one counts: no branch to mispredict
                row = order[f, p]
                left = np.int64(goes_left[np.uint64(row)])
                order[f, here] = row
                spare[others] = row
                here += left
                others += 1 - left  # type: ignore[assignment]
            for p in range(others):
                order[f, here + p] = spare[p]


# ---------------------------------------------------------------------------------------------------------------------
# The algorithm; its definition stands in `grow_formula`

def grow_tree(X, y, w, n_classes, criterion=VARIANCE, random=False, max_depth=None, min_split=2, min_leaf=1,
              max_features=None, max_leaves=None, min_weight=0.0, min_gain=0.0, monotonic=None, seed=0, threads=None):
    """Grow one tree on X (n, d), y (n, outputs), w (n,), all weights above zero.

    `n_classes` (outputs,) for classes coded 0, 1, …; None for numbers. Returns (nodes, facts, values): whole numbers
    (nodes, 6) and floats (nodes, 4), in columns named above, and predictions (nodes, statistics); children stand after
    their parents, the right one after the left one. `threads`: at most so many; None: as many as the size is worth.
    """
    rows = _Rows(X, y, w, n_classes, criterion, threads)
    d, n = rows.X.shape
    max_features = max_features or d
    features = np.empty(d, np.int64)
    signs = None if monotonic is None else np.asarray(monotonic, np.int64)
    most = 2 * n - 1 if max_leaves is None else min(2 * n, 2 * max_leaves) - 1
    if max_depth is not None and max_depth < 32:
        most = min(most, 2 ** (max_depth + 1) - 1)
    nodes, facts, values = np.zeros((most, 7), np.int64), np.full((most, 4), -2.0), np.empty((most, rows.offsets[-1]))
    cut_by, cuts = np.empty(most, np.int64), np.empty((most, 4))  # how a node would be split
    waiting = np.full(most, -1.0)  # its gain, while it is not
    ends = np.empty((most, 2))  # the least and the greatest prediction that signs leave to a node
    states = np.empty((most, 3), np.int64)  # of random numbers: a node's own, and those of its children
    nodes[0, SAMPLES], ends[0], states[0, 0] = n, (-np.inf, np.inf), stream(seed)[0]
    fresh, count = 0, 1
    while True:
        while fresh < count:  # describe the new nodes, and find how they would be split
            new = np.arange(fresh, min(count, fresh + max(1, CUTS // d)))
            fresh += new.size
            spans = nodes[new, BEGIN][:, None] + np.column_stack([np.zeros(new.size, int), nodes[new, SAMPLES]])
            total, value, about = rows.describe(spans)
            facts[new, WEIGHT], facts[new, IMPURITY], facts[new, GAIN] = about[:, A_WEIGHT], about[:, A_IMPURITY], -1.0
            pure, about[:, A_LOW:] = about[:, A_LOW] == 1, ends[new]
            nodes[new, LEFT:FEATURE + 1] = -1, -1, -2
            values[new] = value
            if signs is not None:
                values[new, 0] = np.clip(value[:, 0], ends[new, 0], ends[new, 1])
                moved = new[values[new, 0] != value[:, 0]]
                if n_classes is not None:  # bounds exist for two classes only
                    values[moved, 1] = 1.0 - values[moved, 0]
            depth, samples = nodes[new, DEPTH], nodes[new, SAMPLES]
            try_it = np.flatnonzero(~pure & (depth < (2**62 if max_depth is None else max_depth)) & (samples >= min_split)
                                    & (samples >= 2 * min_leaf) & (about[:, A_WEIGHT] >= 2 * min_weight))
            if try_it.size == 0:
                continue
            spans, total, value, about, new = spans[try_it], total[try_it], value[try_it], about[try_it], new[try_it]
            plan = None
            if random or max_features < d:
                plan, drawn = np.empty((new.size, d, 2)), states[new]
                plan_search(rows.X, rows.order, spans, max_features, random, features, drawn, plan)
                states[new] = drawn
            by, found = best_cuts(rows.search(spans, min_leaf, min_weight, total, value, about, plan, signs), about)
            gain = found[:, C_GAIN] / facts[0, WEIGHT]
            enough = gain + SAME * about[:, A_IMPURITY] >= min_gain
            new = new[enough]
            cut_by[new], cuts[new] = by[enough], found[enough]
            facts[new, GAIN] = waiting[new] = np.maximum(gain[enough], 0.0)
        split = np.flatnonzero(waiting[:count] >= 0)
        if split.size == 0 or count + 2 > most:
            return nodes[:count, :BEGIN].copy(), facts[:count].copy(), values[:count].copy()
        if max_leaves is not None:  # the largest gain; of several that differ by rounding only, the oldest node
            gain = waiting[split]
            split = split[[np.argmax(gain >= gain.max() - SAME * facts[0, IMPURITY])]]
        waiting[split] = -1.0
        f, cut = cut_by[split], cuts[split]
        nodes[split, FEATURE], nodes[split, MISSING_LEFT] = f, cut[:, C_MISSING_LEFT]
        facts[split, THRESHOLD] = cut[:, C_THRESHOLD]
        n_left = rows.divide(nodes[split, BEGIN], nodes[split, SAMPLES], f, cut)
        for side in range(2):
            child = count + side + 2 * np.arange(split.size)
            nodes[split, LEFT + side] = child
            nodes[child, BEGIN] = nodes[split, BEGIN] + n_left * side
            nodes[child, SAMPLES] = nodes[split, SAMPLES] - n_left if side == 1 else n_left
            nodes[child, DEPTH] = nodes[split, DEPTH] + 1
            ends[child], states[child, 0] = ends[split], states[split, 1 + side]
            if signs is not None:
                rises = signs[f] * (1 - 2 * side)  # 1: a ceiling is set, -1: a floor
                ends[child, 1] = np.where(rises == 1, cut[:, C_MIDDLE], ends[child, 1])
                ends[child, 0] = np.where(rises == -1, cut[:, C_MIDDLE], ends[child, 0])
        count += 2 * split.size


class _Rows:
    """The data of a growing tree, with the rows of every node in order by each feature."""

    def __init__(self, X, y, w, n_classes, criterion, threads):
        self.X, self.w = np.ascontiguousarray(X.T, dtype=np.float64), np.ascontiguousarray(w, np.float64)
        y = np.ascontiguousarray(y, dtype=np.float64)
        self.labels = None if n_classes is None else y.astype(np.int32)
        self.y = y if n_classes is None else None
        self.offsets = np.concatenate([[0], np.cumsum(np.ones(y.shape[1], int) if n_classes is None else n_classes)])
        self.criterion, self.threads = criterion, threads
        self.order, self.by_y = np.argsort(self.X, axis=1).astype(np.int32), None
        if criterion == ABSOLUTE:
            self.order = np.concatenate([self.order, np.argsort(y, axis=0).T.astype(np.int32)])
            self.by_y = self.order[len(self.X):]
        self.goes_left = np.empty(len(w), np.uint8)

    def _blocks(self, lists, spans):
        return int(min(lists, max(self.threads or 1, lists * (spans[:, 1] - spans[:, 0]).sum() // BLOCK)))

    def describe(self, spans):
        total, value = np.empty((2, len(spans), self.offsets[-1]))
        about = np.empty((len(spans), 4))
        describe(self.labels, self.y, self.by_y, self.w, self.order, self.offsets, self.criterion, spans, total, value, about)
        return total, value, about

    def search(self, spans, min_leaf, min_weight, total, value, about, plan, signs):
        """The best cut of each feature and node: (d, nodes, 4)."""
        d = len(self.X)
        if plan is not None or signs is not None:
            plan = np.tile([np.nan, BOTH], (len(spans), d, 1)) if plan is None else plan
            signs = np.zeros(d, np.int64) if signs is None else signs
        cuts, blocks = np.empty((d, len(spans), 4)), self._blocks(d, spans)
        n, space = len(self.w), (None, None, None)
        if self.by_y is not None:
            space = np.empty((blocks, n, 2)), np.empty((blocks, 5, n)), np.empty((blocks, 2, n), np.int64)  # type: ignore[assignment]
        over_blocks(search, blocks, self.X, self.labels, self.y, self.by_y, plan, signs, self.w, self.order, self.offsets,
                    self.criterion, spans, min_leaf, float(min_weight), total, value, about,
                    np.empty((blocks, self.offsets[-1])), cuts, *space, threads=self.threads)
        return cuts

    def divide(self, begin, samples, feature, cut):
        """Split the nodes in two; returns how many of the rows of each go left."""
        spans, n_left = np.column_stack([begin, begin + samples]), np.empty(len(begin), np.int64)
        send(self.X, self.order, spans, feature, cut[:, C_THRESHOLD].copy(), cut[:, C_MISSING_LEFT].astype(np.int64),
             self.goes_left, n_left)
        blocks = self._blocks(len(self.order), spans)
        over_blocks(divide, blocks, self.order, spans, self.goes_left, np.empty((blocks, samples.max()), np.int32),
                    threads=self.threads)
        return n_left


def best_cuts(cuts, about):
    """(feature, cut) of each node: the first feature whose gain is the largest but for rounding."""
    gains = cuts[:, :, C_GAIN]
    slack = SAME * about[:, A_WEIGHT] * about[:, A_IMPURITY]
    by = np.argmax(gains >= gains.max(axis=0) - slack, axis=0)
    return by, cuts[by, np.arange(len(about))]


def stream(seed, count=1):
    """States of `count` independent streams of `draw32`; the first ones do not depend on `count`."""
    words = np.random.SeedSequence(seed).generate_state(2 * count, np.uint32).astype(np.int64).reshape(count, 2)
    return ((words[:, 0] % (MULTIPLIER - 2) + 1) << 32) + words[:, 1]
