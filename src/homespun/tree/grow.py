"""Growing one tree by exact splits: every cut between two neighbouring values of every feature is tried.

    gain(cut) = W I(node) - W_left I(left) - W_right I(right)          W: weight of the rows, I: impurity
    variance   I = mean of (y - mean)^2; for classes the same on their indicators, which is Gini's 1 - sum p^2
    deviance   I = mean of y log(y / mean) (Poisson), for classes the entropy - sum p log2 p
    absolute   I = mean of |y - median|

Breiman, Friedman, Olshen & Stone 1984, "Classification and Regression Trees", ch. 2, 4, 8.
Each feature is sorted once; a split divides every sorted list in two and keeps its order (Mehta, Agrawal & Rissanen 1996,
SLIQ, sec. 4). So a level of the tree costs O(n d) instead of O(n d log n), and 4 n d bytes. `absolute` costs a logarithm
more: the medians of all prefixes come from a Fenwick tree over the ranks of y.

A node's impurity never decides whether it is pure; equal y do, so targets of size 1e-9 are split like any other.
Among equally good cuts the first feature and the lowest threshold win, where "equal" forgives rounding (`SAME`).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels.kernel import kernel

VARIANCE, DEVIANCE, ABSOLUTE = 0, 1, 2
# what `rules` holds
CRITERION, RANDOM, BEST_FIRST, MAX_DEPTH, MIN_SPLIT, MIN_LEAF, MAX_FEATURES = range(7)
# columns of `nodes` (whole numbers) and `facts` (floats); children are -1 in a leaf
LEFT, RIGHT, FEATURE, MISSING_LEFT, SAMPLES, DEPTH, BEGIN = range(7)
THRESHOLD, IMPURITY, WEIGHT, GAIN, LOW, HIGH = range(6)
# what `best` holds: the best cut so far of a node
B_GAIN, B_FEATURE, B_THRESHOLD, B_MISSING_LEFT, B_MIDDLE = range(5)
SAME = 1e-12  # gains that differ by less than this share of the node's impurity are equal but for rounding
MULTIPLIER = 698769069  # Marsaglia's multiply-with-carry, base 2^32: fits int64, so that both lanes agree


@kernel("i8(i8[::1])")
def draw32(state):
    """A random whole number below 2^32; `state` (1,) is carry * 2^32 + digit."""
    digit = state[0] & 0xFFFFFFFF
    carry = state[0] >> 32
    state[0] = MULTIPLIER * digit + carry
    return digit ^ carry


@kernel()
def spread(part, weight):
    """part * log(part / weight): what a deviance is made of; 0 for nothing."""
    return part * np.log(part / weight) if part > 0.0 else 0.0


@kernel(inline=True)
def add_row(i, labels, y, w, offsets, criterion, value, left):
    """Move row i to the left side: class weights, centred sums (`variance`), or plain sums (`deviance`)."""
    for o in range(offsets.size - 1):
        if labels is not None:
            left[offsets[o] + labels[i, o]] += w[i]
        if y is not None:
            left[o] += w[i] * (y[i, o] - value[o] if criterion == VARIANCE else y[i, o])


@kernel(inline=True)
def gain_of(left, total, value, weight_left, weight, labels, n_outputs, criterion):
    """The gain of a cut from the sums on its left. Centred sums make the variance form exact: no large squares cancel."""
    weight_right = weight - weight_left
    gain = 0.0
    if criterion == VARIANCE:
        for k in range(total.size):
            off = left[k]
            if labels is not None:
                off -= weight_left * value[k]
            gain += off * off
        return gain * weight / (weight_left * weight_right * n_outputs)
    for k in range(total.size):
        right = total[k] - left[k]
        if labels is None and (left[k] <= SAME * total[k] or right <= SAME * total[k]):
            return -np.inf  # a Poisson mean must be positive
        gain += spread(left[k], weight_left) + spread(right, weight_right) - spread(total[k], weight)
    return gain / n_outputs / (np.log(2.0) if labels is not None else 1.0)


@kernel()
def median_place(fenwick, size, target, strict):
    """Rank of the first entry at which the collected weight reaches `target` (strict) or passes it."""
    step = 1
    while 2 * step < size:
        step *= 2
    place, collected = 0, 0.0
    while step > 0:
        if place + step < size:  # the whole weight is never too little, so the last entry is not asked
            here = collected + fenwick[place + step, 0]
            if here < target or (not strict and here == target):
                place, collected = place + step, here
        step //= 2
    return place


@kernel()
def absolute_costs(rows, backwards, y, w, rank, sorted_y, centre, fenwick, cost, median):
    """cost[p] += sum of w |y - median| over the first p rows (or the last p), for every p; median[p] likewise.

    fenwick (m, 2) holds sums of weight and of weight * (y - centre) by rank of y.
    """
    m = rows.size
    for r in range(m):
        fenwick[r, 0] = 0.0
        fenwick[r, 1] = 0.0
    weight, moment = 0.0, 0.0
    for p in range(1, m):
        i = rows[m - p] if backwards else rows[p - 1]
        off = w[i] * (y[i] - centre)
        weight += w[i]
        moment += off
        r = rank[i] + 1
        while r < m:
            fenwick[r, 0] += w[i]
            fenwick[r, 1] += off
            r += r & -r
        low = median_place(fenwick, m, weight / 2, True)
        high = median_place(fenwick, m, weight / 2, False)
        below, moment_below, r = 0.0, 0.0, low
        while r > 0:
            below += fenwick[r, 0]
            moment_below += fenwick[r, 1]
            r -= r & -r
        middle = sorted_y[low] - centre
        where = m - p if backwards else p
        cost[where] += middle * below - moment_below + (moment - moment_below) - middle * (weight - below)
        median[where] = (sorted_y[low] + sorted_y[high]) / 2


@kernel()
def describe(rows, by_y, labels, y, costs, w, offsets, rules, total, value):
    """Sums, prediction and impurity of a node: returns (weight, impurity, whether all y are equal)."""
    n_outputs = offsets.size - 1
    weight, impurity, pure = 0.0, 0.0, True
    for k in range(total.size):
        total[k] = 0.0
    for i in rows:
        weight += w[i]
        for o in range(n_outputs):
            if labels is not None:
                pure = pure and labels[i, o] == labels[rows[0], o]
                total[offsets[o] + labels[i, o]] += w[i]
            if y is not None:
                pure = pure and y[i, o] == y[rows[0], o]
                total[o] += w[i] * y[i, o]
    for k in range(total.size):
        value[k] = total[k] / weight
        if labels is not None:
            impurity += value[k] * (1.0 - value[k]) if rules[CRITERION] == VARIANCE else -spread(value[k], 1.0) / np.log(2.0)
    if y is not None:
        for o in range(n_outputs):
            if pure:
                value[o] = y[rows[0], o]
            elif costs is not None:
                value[o] = weighted_median(by_y[o], y[:, o], w, weight)
            for i in rows:
                off = y[i, o] - value[o]
                if costs is not None:
                    impurity += w[i] * abs(off) / weight
                else:
                    impurity += w[i] * (off * off if rules[CRITERION] == VARIANCE else spread(y[i, o], value[o])) / weight
    return weight, impurity / n_outputs, pure


@kernel()
def weighted_median(rows, y, w, weight):
    """Where half of the weight is collected; midway to the next value if it is exactly half. `rows` are sorted by y."""
    p, collected = 0, w[rows[0]]
    while collected * 2 < weight:
        p += 1
        collected += w[rows[p]]
    return (y[rows[p]] + y[rows[p + 1]]) / 2 if collected * 2 == weight else y[rows[p]]


@kernel()
def middle_of(low, high):
    """A threshold between two values, never equal to the upper one."""
    middle = low / 2.0 + high / 2.0
    return middle if middle < high else low


@kernel()
def search_feature(f, rows, x, labels, y, w, offsets, rules, min_weight, sign, bounds, drawn, missing_left, facts,
                   total, value, left, costs, best):
    """Try the cuts of one feature: before position p of `rows` (sorted by x, missing rows in front or at the end).

    `drawn` is the one threshold that is tried, NaN for all. `costs` (2, n, 2) or None: absolute costs and medians of both sides.
    OUT best: replaced when a cut gains more.
    """
    m = rows.size
    weight, slack = facts[WEIGHT], SAME * facts[WEIGHT] * facts[IMPURITY]
    weight_left = 0.0
    for k in range(left.size):
        left[k] = 0.0
    criterion, min_leaf = rules[CRITERION], rules[MIN_LEAF]  # stores to `left` could change them, for all LLVM knows
    high = x[rows[0]]
    for p in range(1, m):
        i = np.uint64(rows[p - 1])  # an index that cannot be negative saves a test at each access
        add_row(i, labels, y, w, offsets, criterion, value, left)
        weight_left += w[i]
        low, high = high, x[np.uint64(rows[p])]
        last = high != high and low == low  # present | missing
        if not (low < high or last) or p < min_leaf or m - p < min_leaf:
            continue
        if drawn == drawn and not (low <= drawn and (drawn < high or last)):
            continue
        if weight_left < min_weight or weight - weight_left < min_weight:
            continue
        if sign != 0:
            if costs is not None:
                mean_left, mean_right = costs[0, p, 1], costs[1, p, 1]
            elif labels is not None or criterion == DEVIANCE:
                mean_left, mean_right = left[0] / weight_left, (total[0] - left[0]) / (weight - weight_left)
            else:
                mean_left, mean_right = value[0] + left[0] / weight_left, value[0] - left[0] / (weight - weight_left)
            if (mean_left - mean_right) * sign > 0 or min(mean_left, mean_right) < bounds[0] or (
                    max(mean_left, mean_right) > bounds[1]):
                continue
        if costs is not None:
            gain = weight * facts[IMPURITY] - (costs[0, p, 0] + costs[1, p, 0]) / (offsets.size - 1)
        else:
            gain = gain_of(left, total, value, weight_left, weight, labels, offsets.size - 1, criterion)
        if gain > best[B_GAIN] + slack:
            best[B_GAIN], best[B_FEATURE] = gain, f
            best[B_THRESHOLD] = drawn if drawn == drawn else (np.inf if last else middle_of(low, high))
            best[B_MISSING_LEFT] = missing_left if x[rows[0]] != x[rows[0]] or x[rows[m - 1]] != x[rows[m - 1]] else (
                2 * p > m)
            best[B_MIDDLE] = (mean_left + mean_right) / 2 if sign != 0 else 0.0


@kernel()
def find_split(X, labels, y, costs, w, order, begin, end, offsets, rules, min_weight, monotonic, bounds, state, features,
               facts, total, value, best):
    """The best cut of the node `order[:, begin:end]` over the features that are looked at. OUT best."""
    d, m = X.shape[0], end - begin
    best[B_GAIN] = -np.inf
    left = np.empty(total.size)
    if costs is not None:
        fenwick, rank = np.empty((m, 2)), np.empty(w.size, np.int64)
        sorted_y = np.empty((y.shape[1], m))
        for o in range(y.shape[1]):
            for p in range(m):
                sorted_y[o, p] = y[order[d + o, begin + p], o]
    rotated = np.empty(m, np.int32)
    looked_at, varying = 0, False
    while looked_at < d and (looked_at < rules[MAX_FEATURES] or not varying):
        chosen = looked_at  # all features in their order, or a random one of the rest
        if rules[MAX_FEATURES] < d:
            chosen += (draw32(state) * (d - looked_at)) >> 32
        f = features[chosen]
        features[chosen], features[looked_at] = features[looked_at], f
        looked_at += 1
        x, rows = X[f], order[f, begin:end]
        missing = 0
        while missing < m and x[rows[m - 1 - missing]] != x[rows[m - 1 - missing]]:
            missing += 1
        if missing == m or (missing == 0 and x[rows[0]] == x[rows[m - 1]]):
            continue
        varying = True
        drawn, sides = np.nan, 2 if missing > 0 else 1
        first_side = 0
        if rules[RANDOM] == 1:
            low, high = x[rows[0]], x[rows[m - 1 - missing]]
            drawn = low + (high - low) * (draw32(state) / 4294967296.0)
            drawn = drawn if drawn < high else low
            if low == high:
                drawn = np.nan  # only present | missing is left to try
            elif missing > 0:
                first_side = draw32(state) & 1
                sides = first_side + 1
        for side in range(first_side, sides):  # missing rows at the end, then in front
            shift = missing if side == 1 else 0
            for p in range(m):
                rotated[p] = rows[p - shift if p >= shift else m - shift + p]
            if costs is not None:
                for p in range(m):
                    costs[0, p, 0] = costs[1, p, 0] = 0.0
                for o in range(y.shape[1]):
                    for p in range(m):
                        rank[order[d + o, begin + p]] = p
                    for back in range(2):
                        absolute_costs(rotated, back == 1, y[:, o], w, rank, sorted_y[o], value[o], fenwick,
                                       costs[back, :, 0], costs[back, :, 1])
            search_feature(f, rotated, x, labels, y, w, offsets, rules, min_weight, monotonic[f], bounds, drawn, side, facts,
                           total, value, left, costs, best)


@kernel()
def divide(order, begin, end, x, threshold, missing_left, goes_left, spare):
    """Split every sorted list of the node in two, keeping its order; returns the number of rows on the left."""
    n_left = 0
    for p in range(begin, end):
        i = order[0, p]
        goes_left[i] = x[i] <= threshold or (x[i] != x[i] and missing_left)
        n_left += goes_left[i]
    for f in range(order.shape[0]):
        here, others = begin, 0
        for p in range(begin, end):  # both sides are written, one of them counts: no branch to mispredict
            row = order[f, p]
            left = goes_left[np.uint64(row)]
            order[f, here] = row
            spare[others] = row
            here += left
            others += 1 - left
        for p in range(others):
            order[f, here + p] = spare[p]
    return n_left


REST = "f8[::1], i4[:, ::1], i8[::1], i8[::1], f8[::1], i8[::1], i8[::1], i8[:, ::1], f8[:, ::1], f8[:, ::1])"


@kernel("i8(f8[:, ::1], i4[:, ::1], none, none, " + REST,  # classes
        "i8(f8[:, ::1], none, f8[:, ::1], none, " + REST,  # numbers
        "i8(f8[:, ::1], none, f8[:, ::1], f8[:, :, ::1], " + REST)  # numbers, absolute error
def grow(X, labels, y, costs, w, order, offsets, rules, limits, monotonic, state, nodes, facts, values):
    """Grow a tree; returns its number of nodes (children stand after their parents).

    An argument that is None takes its branches with it when the kernel is compiled: a tree compiles only what it runs.
    (So each use of an argument that can be None stands under its own "is not None", never under an "else".)

    IN   X (d, n); labels (n, outputs), or y (n, outputs), w (n,); costs (2, n, 2): work space for absolute errors;
         offsets (outputs + 1,): where each output's statistics begin; `rules` above;
         limits: least weight of a leaf, least gain of a split; monotonic (d,) -1, 0, 1.
    OUT  order (d [+ outputs], n): rows sorted by each feature (and by each y for `absolute`), then by node; state (1,);
         nodes (N, 7), zeros before; facts (N, 6), values (N, statistics): N bounds the number of nodes.
    """
    d, n = X.shape
    features = np.empty(d, np.int64)
    for f in range(d):
        features[f] = f
    total, value = np.empty(values.shape[1]), np.empty(values.shape[1])
    best, bounds = np.empty(5), np.empty(2)
    goes_left = np.empty(n, np.int8)
    spare = np.empty(n, np.int32)
    waiting = np.empty(nodes.shape[0], np.int64)
    cuts = np.empty((nodes.shape[0], 5))
    nodes[0, SAMPLES] = n
    facts[0, LOW], facts[0, HIGH] = -np.inf, np.inf
    count, fresh, n_waiting = 1, 0, 0
    while True:
        while fresh < count:  # describe the new nodes and find how they would be split
            begin, samples = nodes[fresh, BEGIN], nodes[fresh, SAMPLES]
            weight, impurity, pure = describe(order[0, begin:begin + samples], order[d:, begin:begin + samples], labels, y, costs,
                                              w, offsets, rules, total, value)
            bounds[0], bounds[1] = facts[fresh, LOW], facts[fresh, HIGH]
            facts[fresh, WEIGHT], facts[fresh, IMPURITY], facts[fresh, GAIN] = weight, impurity, -1.0
            nodes[fresh, LEFT] = nodes[fresh, RIGHT] = -1
            nodes[fresh, FEATURE], facts[fresh, THRESHOLD], nodes[fresh, MISSING_LEFT] = -2, -2.0, 0
            for k in range(values.shape[1]):
                values[fresh, k] = value[k]
            values[fresh, 0] = min(max(value[0], bounds[0]), bounds[1])
            if labels is not None and values[fresh, 0] != value[0]:
                values[fresh, 1] = 1.0 - values[fresh, 0]  # bounds exist for two classes only
            if not (pure or nodes[fresh, DEPTH] >= rules[MAX_DEPTH] or samples < rules[MIN_SPLIT]
                    or samples < 2 * rules[MIN_LEAF] or weight < 2 * limits[0]):
                find_split(X, labels, y, costs, w, order, begin, begin + samples, offsets, rules, limits[0], monotonic,
                           bounds, state, features, facts[fresh], total, value, best)
                gain = best[B_GAIN] / facts[0, WEIGHT]
                if gain + SAME * impurity >= limits[1]:
                    facts[fresh, GAIN] = max(gain, 0.0)
                    for k in range(best.size):
                        cuts[fresh, k] = best[k]
                    waiting[n_waiting] = fresh
                    n_waiting += 1
            fresh += 1
        if n_waiting == 0 or count + 2 > nodes.shape[0]:
            return count
        place = n_waiting - 1  # depth first takes the newest
        if rules[BEST_FIRST] == 1:  # the largest gain; of several that differ by rounding only, the oldest node
            most, node = 0.0, count
            for q in range(n_waiting):
                most = max(most, facts[waiting[q], GAIN])
            for q in range(n_waiting):
                if facts[waiting[q], GAIN] >= most - SAME * facts[0, IMPURITY] and waiting[q] < node:
                    place, node = q, waiting[q]
        node = waiting[place]
        n_waiting -= 1
        waiting[place] = waiting[n_waiting]
        cut = cuts[node]
        f, begin, samples = int(cut[B_FEATURE]), nodes[node, BEGIN], nodes[node, SAMPLES]
        n_left = divide(order, begin, begin + samples, X[f], cut[B_THRESHOLD], cut[B_MISSING_LEFT] == 1.0, goes_left, spare)
        nodes[node, FEATURE], facts[node, THRESHOLD] = f, cut[B_THRESHOLD]
        nodes[node, MISSING_LEFT] = int(cut[B_MISSING_LEFT])
        for side in range(2):
            child = count + side
            nodes[node, LEFT + side] = child
            nodes[child, BEGIN] = begin + n_left * side
            nodes[child, SAMPLES] = samples - n_left if side == 1 else n_left
            nodes[child, DEPTH] = nodes[node, DEPTH] + 1
            facts[child, LOW], facts[child, HIGH] = facts[node, LOW], facts[node, HIGH]
            if monotonic[f] != 0:
                facts[child, HIGH if (side == 0) == (monotonic[f] == 1) else LOW] = cut[B_MIDDLE]
        count += 2


# ---------------------------------------------------------------------------------------------------------------------
# The wrapper; the definition stands in `grow_formula`

def grow_tree(X, y, w, n_classes, criterion=VARIANCE, random=False, max_depth=None, min_split=2, min_leaf=1,
              max_features=None, max_leaves=None, min_weight=0.0, min_gain=0.0, monotonic=None, seed=0):
    """Grow one tree on X (n, d), y (n, outputs), w (n,), all weights above zero.

    `n_classes` (outputs,) for classes coded 0, 1, …; None for numbers. Returns (nodes, facts, values), see `grow`.
    """
    X = np.ascontiguousarray(X.T, dtype=np.float64)
    y = np.ascontiguousarray(y, dtype=np.float64)
    d, n = X.shape
    sizes = np.ones(y.shape[1], np.int64) if n_classes is None else np.asarray(n_classes, np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    order = np.argsort(X, axis=1).astype(np.int32)
    if criterion == ABSOLUTE:
        order = np.concatenate([order, np.argsort(y, axis=0).T.astype(np.int32)])
    rules = np.array([criterion, random, max_leaves is not None, 2**62 if max_depth is None else max_depth, min_split,
                      min_leaf, max_features or d], dtype=np.int64)
    most = 2 * n - 1 if max_leaves is None else min(2 * n, 2 * max_leaves) - 1
    if max_depth is not None and max_depth < 32:
        most = min(most, 2 ** (max_depth + 1) - 1)
    nodes, facts = np.zeros((most, 7), np.int64), np.empty((most, 6))
    values = np.empty((most, offsets[-1]))
    monotonic = np.zeros(d, np.int64) if monotonic is None else np.asarray(monotonic, np.int64)
    labels = None if n_classes is None else y.astype(np.int32)
    numbers = y if n_classes is None else None
    costs = np.empty((2, n, 2)) if criterion == ABSOLUTE else None
    count = grow(X, labels, numbers, costs, np.ascontiguousarray(w, np.float64), order, offsets, rules,
                 np.array([min_weight, min_gain]), monotonic, stream(seed), nodes, facts, values)
    return nodes[:count, :BEGIN].copy(), facts[:count, :LOW].copy(), values[:count].copy()


def stream(seed, count=1):
    """States of `count` independent streams of `draw32`; the first ones do not depend on `count`."""
    words = np.random.SeedSequence(seed).generate_state(2 * count, np.uint32).astype(np.int64).reshape(count, 2)
    return ((words[:, 0] % (MULTIPLIER - 2) + 1) << 32) + words[:, 1]
