"""Growing the trees of a forest on binned features: the best cut of a few random features, until leaves are pure.

    gain(cut) = W I(node) - W_left I(left) - W_right I(right)        codes: (d, n) bytes, 255 is missing
    numbers   I = variance, or mean of y log(y / mean) (Poisson)     classes   I = 1 - sum p^2, or - sum p log2 p

Breiman 2001, "Random Forests", Machine Learning 45(1).  O(features looked at x n) per level of a tree; 16 n bytes a tree.

Where the speed comes from (scikit-learn sorts floats in every node):
* a row in a node is one int64, (row << 32) + (class << 16) + (times drawn): following it costs one memory access for its
  code, and for two classes the histogram counts all and the second class in one addition, (ones << 32) + all;
* a node of at most 32 draws sorts (code << 32) + place by insertion instead of clearing 256 bins: most nodes are such;
* a thread owns a tree, so nothing is shared, and the result does not depend on the number of threads.

A node draws its features from a state that its parent drew, and of equally good cuts the first feature's is taken, both as
in `homespun.tree.grow`: grown with the tree's seed from the rows of its sample, a decision tree is that very tree.

Not handled here, but by `homespun.tree.grow` on the same codes: several outputs, absolute error, monotonic constraints,
best-first growth, weights that are not whole numbers without bootstrap.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels.kernel import kernel, num_threads
from homespun.kernels.simd import prefetch
from homespun.kernels.threads import over_blocks
from homespun.tree.grow import DEVIANCE, SAME, VARIANCE, branch, draw32, spread, stream

NUMBERS, BINARY = 0, 2  # kinds; more than 2 is the number of classes
# what `rules` holds
KIND, CRITERION, MAX_DEPTH, MIN_SPLIT, MIN_LEAF, MAX_FEATURES, DRAWS, BALANCED = range(8)
# what `facts` holds
F_DRAWS, F_WEIGHT, F_IMPURITY = range(3)
# what `best` holds
B_GAIN, B_FEATURE, B_CODE, B_MISSING_LEFT = range(4)
SMALL = 48  # rows up to which a node is sorted; 16 and 96 were slower
CODES = 2**19  # bytes of codes that go through the trees together: half of a usual second-level cache
FEW = 256  # rows that are worth a thread
MOST_DRAWS = 30_000  # expected draws of one row: 16 bits must hold the number that happens


@kernel("void(i8, f8[::1], i4[::1], i8[::1], i4[::1])")
def draw_rows(n_draws, collected, guide, state, counts):
    """Draw rows with replacement, in proportion to their weights: the inverse of their cumulated weight.

    IN collected (n,): cumulated weights; guide (g,): first row that can answer a draw in the j-th part of the total.
    """
    for i in range(counts.size):
        counts[i] = 0
    total, parts = collected[collected.size - 1], guide.size
    for _ in range(n_draws):
        at = draw32(state)
        i = guide[(at * parts) >> 32]
        target = total * (at / 4294967296.0)
        while collected[i] <= target:
            i += 1
        counts[i] += 1


@kernel(inline=True)
def pack(row):
    """(draws of the second class << 32) + draws, for two classes."""
    return ((row & 0xFFFF0000) << 16) * (row & 0xFFFF) + (row & 0xFFFF)


@kernel(inline=True)
def describe_node(rows, begin, end, two, y, many, criterion, factor, shares):
    """(draws, weight, sum, centre, impurity, pure) of a node; `sum` is that of y - centre, or the weight of the second of two
    classes. The centre is the mean, so that no large sums cancel, but for Poisson: 0.

    OUT shares (classes,): weight of each class.
    """
    draws, weight, total, impurity, pure = 0, 0.0, 0.0, 0.0, True
    if y is not None:
        first = y[rows[begin] >> 32]
        for p in range(begin, end):
            draws += rows[p] & 0xFFFF
            total += (rows[p] & 0xFFFF) * y[rows[p] >> 32]
            pure = pure and y[rows[p] >> 32] == first
        weight = float(draws)
        mean, rest = total / weight, 0.0
        for p in range(begin, end):
            value = y[rows[p] >> 32]
            off = spread(value, mean) if criterion == DEVIANCE else (value - mean) * (value - mean)
            impurity += (rows[p] & 0xFFFF) * off / weight
            rest += (rows[p] & 0xFFFF) * (value - mean)
        if criterion == VARIANCE:
            return draws, weight, rest, mean, impurity, pure
        return draws, weight, total, 0.0, impurity, pure
    if two is not None:
        packed = 0
        for p in range(begin, end):
            packed += pack(rows[p])
        draws = packed & 0xFFFFFFFF
        shares[1] = packed >> 32
        shares[0] = draws - (packed >> 32)
    if many is not None:
        for k in range(shares.size):
            shares[k] = 0.0
        for p in range(begin, end):
            draws += rows[p] & 0xFFFF
            shares[(rows[p] >> 16) & 0xFFFF] += rows[p] & 0xFFFF
    for k in range(shares.size):
        shares[k] *= factor[k]
        weight += shares[k]
    for k in range(shares.size):
        part = shares[k] / weight
        impurity += part * (1.0 - part) if criterion == VARIANCE else -spread(part, 1.0) / np.log(2.0)
        pure = pure and (part == 0.0 or shares[k] == weight)
    return draws, weight, shares[1], 0.0, impurity, pure


@kernel(inline=True)
def entries_of_few(column, rows, begin, end, two, y, many, centre, keys, code, draws, extra):
    """Entries of a small node: its rows, sorted by code. An entry is (code, draws, sum of y - centre or class)."""
    size = end - begin
    for i in range(size):
        keys[i] = (np.int32(column[np.uint64(rows[begin + i] >> 32)]) << 8) | i
    for i in range(size):  # a row's place is the number of smaller keys: a vector loop, nothing to mispredict
        e = 0
        for j in range(size):
            e += np.int32(1 if keys[j] < keys[i] else 0)  # type: ignore[assignment]
        row = rows[begin + i]
        code[e], draws[e] = keys[i] >> 8, row & 0xFFFF
        if two is not None:
            draws[e] = pack(row)
        if y is not None:
            extra[e] = (row & 0xFFFF) * (y[row >> 32] - centre)
        if many is not None:
            extra[e] = (row >> 16) & 0xFFFF
    return size


@kernel(inline=True)
def entries_of_many(column, rows, begin, end, two, y, many, centre, kind, tally, sums, code, draws, extra):
    """Entries of a large node: the bins that are not empty (for each class, if there are more than two)."""
    if two is not None:
        for p in range(begin, end):
            tally[column[np.uint64(rows[p] >> 32)]] += pack(rows[p])
    if y is not None:
        for p in range(begin, end):
            i, w = np.uint64(rows[p] >> 32), rows[p] & 0xFFFF
            tally[column[i]] += w
            sums[column[i]] += w * (y[i] - centre)
    if many is not None:
        for p in range(begin, end):
            tally[column[rows[p] >> 32] * kind + ((rows[p] >> 16) & 0xFFFF)] += rows[p] & 0xFFFF
    count = 0
    for c in range(256):  # no mutant (256 → 257): no row has that code
        if many is not None:
            for k in range(kind):
                code[count], draws[count], extra[count] = c, tally[c * kind + k], k
                count += 1 if tally[c * kind + k] != 0 else 0
                tally[c * kind + k] = 0
        else:
            code[count], draws[count], extra[count] = c, tally[c], sums[c]  # written always, counted if it is not empty
            count += 1 if tally[c] != 0 else 0
            tally[c], sums[c] = 0, 0.0
    return count


@kernel()
def power(part, criterion):
    """What a class adds to a side: its square (Gini), or x log x (entropy)."""
    return part * part if criterion == VARIANCE else spread(part, 1.0)


@kernel()
def n_missing(entries, code):
    missing = 0
    while code[entries - 1 - missing] == 255:  # some row is not missing: there are two codes
        missing += 1
    return missing


@kernel(inline=True)
def scan(entries, code, draws, extra, f, all_draws, all_weight, total, factor, two, criterion, min_leaf, min_weight,
         slack, best):
    """Numbers or two classes: try a cut after each code, missing rows (code 255) right, then left. OUT best."""
    missing = n_missing(entries, code)
    present, mean = entries - missing, total / all_weight
    for side in range(2 if missing > 0 else 1):
        collected, sum_left = 0, 0.0
        if side == 1:
            for e in range(present, entries):
                collected += draws[e]
                sum_left += extra[e]
        for e in range(present):  # where all are on the left, no leaf is left for the right
            collected += draws[e]
            sum_left += extra[e]
            draws_left = collected & 0xFFFFFFFF
            if code[e + 1] == code[e] or draws_left < min_leaf or all_draws - draws_left < min_leaf:
                continue
            weight_left = float(draws_left)
            if two is not None:
                ones = collected >> 32
                sum_left = ones * factor[1]
                weight_left = (draws_left - ones) * factor[0] + sum_left
            weight_right = all_weight - weight_left
            if weight_left < min_weight or weight_right < min_weight:
                continue
            if criterion == VARIANCE:  # two classes are numbers 0 and 1, and Gini is twice their variance
                off = sum_left - weight_left * mean
                gain = off * off * all_weight / (weight_left * weight_right) * (2.0 if two is not None else 1.0)
            else:
                sum_right = total - sum_left
                if two is None and (sum_left <= SAME * total or sum_right <= SAME * total):
                    continue  # a Poisson mean must be positive
                gain = spread(sum_left, weight_left) + spread(sum_right, weight_right) - spread(total, all_weight)
                if two is not None:
                    gain += (spread(weight_left - sum_left, weight_left) + spread(weight_right - sum_right, weight_right)
                             - spread(all_weight - total, all_weight))
                    gain /= np.log(2.0)
            if gain > best[B_GAIN] + slack:
                best[B_GAIN], best[B_FEATURE], best[B_CODE] = gain, f, code[e]
                best[B_MISSING_LEFT] = side if missing > 0 else (1.0 if 2 * draws_left > all_draws else 0.0)


@kernel(inline=True)
def scan_classes(entries, code, draws, extra, f, all_draws, all_weight, shares, factor, left, kind, criterion, min_leaf,
                 min_weight, slack, best):
    """More than two classes: as `scan`; an entry moves a weight of one class, and two sums over the classes follow."""
    missing = n_missing(entries, code)
    present, whole = entries - missing, 0.0
    for k in range(kind):
        whole += power(shares[k], criterion)
    for side in range(2 if missing > 0 else 1):
        draws_left, weight_left, power_left, power_right = 0, 0.0, 0.0, whole
        for k in range(kind):
            left[k] = 0.0
        first = -missing if side == 1 else 0  # missing rows, at the end, come first
        for j in range(first, present):
            e = j if j >= 0 else entries + j
            k = int(extra[e])
            moved, right = draws[e] * factor[k], shares[k] - left[k]
            power_left += power(left[k] + moved, criterion) - power(left[k], criterion)
            power_right += power(right - moved, criterion) - power(right, criterion)
            left[k] += moved
            draws_left += draws[e]
            weight_left += moved
            weight_right = all_weight - weight_left
            if j < 0 or code[e + 1] == code[e] or draws_left < min_leaf or all_draws - draws_left < min_leaf or (
                    weight_left < min_weight or weight_right < min_weight):
                continue
            if criterion == VARIANCE:
                gain = power_left / weight_left + power_right / weight_right - whole / all_weight
            else:
                gain = (power_left - spread(weight_left, 1.0) + power_right - spread(weight_right, 1.0)
                        - whole + spread(all_weight, 1.0)) / np.log(2.0)
            if gain > best[B_GAIN] + slack:
                best[B_GAIN], best[B_FEATURE], best[B_CODE] = gain, f, code[e]
                best[B_MISSING_LEFT] = side if missing > 0 else (1.0 if 2 * draws_left > all_draws else 0.0)


@kernel(inline=True)
def divide_rows(column, rows, begin, end, cut, missing_left, spare):
    """Rows with a code up to `cut` first, order kept; returns where the others begin. Both are written, one counts."""
    here, others = begin, 0
    for p in range(begin, end):
        row = rows[p]
        right = ((np.int64(column[np.uint64(row >> 32)]) + missing_left) & 255) > cut + missing_left
        rows[here] = row
        spare[others] = row
        here += 1 - right
        others += right
    for p in range(others):
        rows[here + p] = spare[p]
    return here


REST = ("f8[::1], i4[::1], f8[::1], i8[::1], f8[::1], i8[:, ::1], i4[:, ::1], i8[:, :, ::1], i4[:, ::1], i8[:, :, ::1],"
        " f8[:, :, ::1], i8[:, ::1], f8[:, :, ::1], f4[:, :, ::1], i8[::1])")


@kernel("void(i8, u1[:, ::1], i4[::1], none, none, " + REST, "void(i8, u1[:, ::1], none, f8[::1], none, " + REST,
        "void(i8, u1[:, ::1], none, none, i4[::1], " + REST)
def grow_one(t, codes, two, y, many, collected, guide, class_factor, rules, limits, states, all_counts, spaces, all_keys,
             all_ints, all_floats, all_words, all_values, all_facts, n_grown):
    """Grow tree t. An argument that is None takes its branches with it when the kernel is compiled.

    IN   codes (d, n); one of: two (n,), class 0 or 1; y (n,), numbers; many (n,), classes 0, 1, 2, …;
         collected, guide: see `draw_rows`; class_factor (classes,); rules above, DRAWS 0: the counts are given;
         limits: least share of weight in a leaf, least gain.
    OUT  states (T, 8) of random numbers, on a cache line for each tree: for its rows, and for its root;
         all_counts (T, n): how often each row was drawn;
         spaces (T, 6, n + 1), all_keys (T, SMALL), all_ints (T, 5, …), all_floats (T, 6, …): work space, tallies and sums zero
         before and after (allocated by the caller: each `np.empty` costs a twentieth of a second of compilation);
         all_words (T, N): (left child << 32) | (feature << 9) | (missing left << 8) | (code + missing left), 0 in a leaf,
         the right child follows the left one; all_values (T, N, 1 or classes); all_facts (T, N, 3); n_grown (T,).
    """
    counts, rows, spare, waiting = all_counts[t], spaces[t, 0], spaces[t, 1], spaces[t, 2:]
    words, values, facts, state = all_words[t], all_values[t], all_facts[t], states[t]
    keys, tally, code, draws = all_keys[t], all_ints[t, 0], all_ints[t, 1], all_ints[t, 2]
    features, exchanged = all_ints[t, 3], all_ints[t, 4]
    sums, extra, best, factor, left = all_floats[t, 0], all_floats[t, 1], all_floats[t, 2], all_floats[t, 3], all_floats[t, 4]
    shares = all_floats[t, 5, :class_factor.size]
    if rules[DRAWS] > 0:
        draw_rows(rules[DRAWS], collected, guide, state, counts)
    d, n = codes.shape
    kind, criterion = rules[KIND], rules[CRITERION]
    size = 0
    for i in range(n):
        if counts[i] > 0:
            rows[size] = (i << 32) | np.int64(counts[i])
            if two is not None:
                rows[size] |= np.int64(two[i]) << 16
            if many is not None:
                rows[size] |= np.int64(many[i]) << 16
            size += 1
    n_shares = class_factor.size
    for k in range(n_shares):
        factor[k] = class_factor[k]
    if rules[BALANCED] == 1:  # every class that was drawn weighs the same
        for k in range(n_shares):
            shares[k] = 0.0
        for p in range(size):
            shares[(rows[p] >> 16) & 0xFFFF] += rows[p] & 0xFFFF
        for k in range(n_shares):
            factor[k] = 1.0 / max(shares[k], 1.0)
    for f in range(d):
        features[f] = f
    # nodes that wait, by the number of their depth: node, begin and end, depth, state
    waiting[0, 0], waiting[1, 0], waiting[2, 0], waiting[3, 0] = 0, size, 0, state[1]
    n_waiting, n_nodes, min_weight, whole_weight = 1, 1, 0.0, 0.0
    while n_waiting > 0:
        n_waiting -= 1
        node, depth, state[0] = waiting[0, n_waiting], waiting[2, n_waiting], waiting[3, n_waiting]
        begin, end = waiting[1, n_waiting] >> 32, waiting[1, n_waiting] & 0xFFFFFFFF
        all_draws, all_weight, total, centre, impurity, pure = describe_node(rows, begin, end, two, y, many, criterion,
                                                                    factor, shares)
        if node == 0:
            min_weight, whole_weight = limits[0] * all_weight, all_weight
        facts[node, F_DRAWS], facts[node, F_WEIGHT], facts[node, F_IMPURITY] = all_draws, all_weight, impurity
        words[node] = 0
        for k in range(values.shape[1]):
            values[node, k] = shares[k] / all_weight if many is not None else centre + total / all_weight
        if y is not None and pure:
            values[node, 0] = y[rows[begin] >> 32]
        if pure or depth >= rules[MAX_DEPTH] or all_draws < rules[MIN_SPLIT] or all_weight < 2 * min_weight:
            continue
        best[B_GAIN] = -np.inf
        looked_at, varying = 0, False
        while looked_at < d and (looked_at < rules[MAX_FEATURES] or not varying):
            chosen = looked_at
            if rules[MAX_FEATURES] < d:
                chosen += (draw32(state) * (d - looked_at)) >> 32
            f = features[chosen]
            features[chosen], features[looked_at], exchanged[looked_at] = features[looked_at], f, chosen
            looked_at += 1
            if end - begin <= SMALL:
                entries = entries_of_few(codes[f], rows, begin, end, two, y, many, centre, keys, code, draws, extra)
            else:
                entries = entries_of_many(codes[f], rows, begin, end, two, y, many, centre, kind, tally, sums, code, draws,
                                          extra)
            if code[0] == code[entries - 1]:
                continue
            varying = True
            slack, incumbent = SAME * all_weight * impurity, best[B_GAIN]
            if f < best[B_FEATURE]:  # no mutant (< → <=): a feature comes once. It wins with a gain equal but for rounding
                best[B_GAIN] -= 2 * slack  # no mutant (2 → 3): both forgive rounding
            if many is not None:
                scan_classes(entries, code, draws, extra, f, all_draws, all_weight, shares, factor, left, kind, criterion,
                             rules[MIN_LEAF], min_weight, slack, best)
            if two is not None:
                scan(entries, code, draws, extra, f, all_draws, all_weight, total, factor, two, criterion,
                     rules[MIN_LEAF], min_weight, slack, best)
            if y is not None:
                scan(entries, code, draws, extra, f, all_draws, all_weight, total, factor, two, criterion,
                     rules[MIN_LEAF], min_weight, slack, best)
            if best[B_FEATURE] != f:
                best[B_GAIN] = incumbent
        while looked_at > 0:  # back in their order, so that the next node does not depend on this one
            looked_at -= 1
            chosen = exchanged[looked_at]
            features[chosen], features[looked_at] = features[looked_at], features[chosen]
        if best[B_GAIN] / whole_weight + SAME * impurity < limits[1]:
            continue
        f, cut, missing_left = int(best[B_FEATURE]), int(best[B_CODE]), int(best[B_MISSING_LEFT])
        middle = divide_rows(codes[f], rows, begin, end, cut, missing_left, spare)
        state[2] = branch(state)  # the left child's
        state[1] = branch(state)
        words[node] = (n_nodes << 32) | (f << 9) | (missing_left << 8) | (cut + missing_left)
        for side in range(2):  # the left child is taken up first
            waiting[0, n_waiting], waiting[2, n_waiting] = n_nodes + 1 - side, depth + 1
            waiting[1, n_waiting] = (middle << 32) | end if side == 0 else (begin << 32) | middle
            waiting[3, n_waiting] = state[1 + side]
            n_waiting += 1
        n_nodes += 2
    n_grown[t] = n_nodes


@kernel("void(i8, i8, u1[:, ::1], i8[::1], i8[::1], f8[:, ::1], f8[:, ::1])")
def add_leaves(block, rows, codes, words, roots, values, out):
    """out (n, k) += the values of each row's leaf in each tree. IN codes (n, d), words and values (nodes,), roots (T,).

    All rows of a block take one step after the other, which overlaps their memory accesses, and those that have arrived drop
    out of the list. Blocks are large, because a tree must come into the cache once for each: for 25,000 rows and trees of
    28,000 nodes, two blocks took 44 ms, blocks of 1024 rows 100; groups of 32 rows that wait for their deepest took 90.
    """
    first = block * rows
    m = min(codes.shape[0], first + rows) - first
    row, at, leaf = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32)
    for t in range(roots.size):
        end = roots[t + 1] if t + 1 < roots.size else words.size
        if m * 64 > end - roots[t]:  # most of the tree will be asked for: in order it comes faster
            for node in range(roots[t], end, 8):
                prefetch(words, node)
        for i in range(m):
            row[i], at[i] = i, roots[t]
        walking = m
        while walking > 0:
            still = 0
            for k in range(walking):  # no branch: a row that has arrived is written over by the next one
                place, node = np.uint64(row[k]), at[k]
                word = words[np.uint64(node)]
                code = (codes[np.uint64(first) + place, np.uint64((word >> 9) & 0x7FFFFF)] + ((word >> 8) & 1)) & 255
                leaf[place] = node
                row[still] = place
                at[still] = (word >> 32) + (1 if code > (word & 255) else 0)
                still += 1 if word != 0 else 0
            walking = still
        for i in range(m):
            for k in range(values.shape[1]):
                out[first + i, k] += values[leaf[i], k]


# ---------------------------------------------------------------------------------------------------------------------
# Wrappers; the definitions stand in `forest_formula`

def guide_table(weights):
    """(cumulated weights, first row for each of n equal parts of the total): what `draw_rows` needs."""
    collected = np.cumsum(weights)
    parts = np.arange(weights.size) * (collected[-1] / weights.size)
    first = np.searchsorted(collected, parts * (1 - 1e-9), side="right")
    return collected, np.minimum(first, weights.size - 1).astype(np.int32)


def states_of(seeds):
    """Two states of random numbers for each of the seeds: the one that draws its rows, and its root's, as in `grow_tree`."""
    return np.array([[stream([seed, 1])[0], stream(seed)[0]] for seed in map(int, seeds)]).reshape(-1, 2)


def divided(weights, n_draws):
    """Rows of great weight as several, so that the draws of each fit 16 bits: (which row each one is, its weight)."""
    if n_draws:
        weights = np.ldexp(weights, -np.frexp(weights.max())[1])  # tiny ones would lose bits
    parts = np.maximum(np.ceil(weights * (n_draws / weights.sum() if n_draws else 1) / MOST_DRAWS), 1).astype(int)
    row = np.repeat(np.arange(weights.size), parts)
    shares = weights[row] / parts[row]
    if not n_draws:  # then they are whole numbers and stay such
        shares = np.floor(shares)
        shares[np.cumsum(parts) - 1] += weights - np.bincount(row, shares)
    return row, shares


def drawn(weights, n_draws, seed):
    """How often the tree of that seed has drawn each row: (n,) int32, as `grow_forest` does it; 0 draws: all ones."""
    if n_draws == 0:
        return np.ones(weights.size, np.int32)
    row, shares = divided(weights, n_draws)
    counts = np.empty(row.size, np.int32)
    draw_rows(int(n_draws), *guide_table(shares), states_of([seed])[0, :1].copy(), counts)
    return counts if row.size == weights.size else np.bincount(row, counts, minlength=weights.size).astype(np.int32)


def grow_forest(codes, y, weights, kind, criterion, states, n_draws, class_factor, max_depth=2**31, min_split=2, min_leaf=1,
                max_features=None, min_weight=0.0, min_gain=0.0, balanced=False, threads=None):
    """Grow a tree for each of `states` (T, 2), some at a time: yields (words, values, facts, counts) of each, see `grow_one`.

    `weights` (n,) are drawn from if `n_draws` > 0; otherwise they are whole numbers and say how often a row is there.
    """
    d, n = codes.shape
    targets = (y.astype(np.int32) if kind == BINARY else None, y.astype(np.float64) if kind == NUMBERS else None,
               y.astype(np.int32) if kind > BINARY else None)
    rules = np.array([kind, criterion, max_depth, min_split, min_leaf, max_features or d, n_draws, balanced], np.int64)
    collected, guide = guide_table(weights)
    most = 2 * n - 1 if max_depth > 31 else min(2 * n - 1, 2 ** (max_depth + 1) - 1)
    width = kind if kind > BINARY else 1
    # trees in work space at once; a Ctrl-C waits for so many. Much fresh memory costs up to 0.5 s for 100,000 rows; twice as
    # many took 84 MB more there and no less time.
    together = int(np.clip(800_000 // n, min(4 * (threads or num_threads()), 64), 64))
    together = min(together, max(1, len(states)), max(4, 16_000 // class_factor.size))
    counts, spaces = np.empty((together, n), np.int32), np.empty((together, 6, n + 1), np.int64)
    some_bins = max(256 * class_factor.size + 1, d)  # a code is compared to the next
    some_bins += (72 - some_bins) % 512  # lists a multiple of 4096 bytes apart would wait for each other's stores
    keys, ints = np.empty((together, SMALL), np.int32), np.zeros((together, 5, some_bins), np.int64)
    floats = np.zeros((together, 6, some_bins))
    words, values = np.empty((together, most), np.int64), np.empty((together, most, width))
    facts, n_nodes = np.empty((together, most, 3), np.float32), np.empty(together, np.int64)
    for begin in range(0, len(states), together):
        some = np.zeros((min(together, len(states) - begin), 8), np.int64)  # side by side, threads would fight
        some[:, :2] = states[begin:begin + together]
        if n_draws == 0:
            counts[:] = weights
        over_blocks(grow_one, len(some), codes, *targets, collected, guide, np.asarray(class_factor, np.float64), rules,
                    np.array([min_weight, min_gain]), some, counts, spaces, keys, ints, floats, words, values, facts, n_nodes,
                    threads=threads)
        for t in range(len(some)):
            m = n_nodes[t]
            yield words[t, :m].copy(), values[t, :m].copy(), facts[t, :m].copy(), counts[t]


def forest_arrays(*arguments):
    """All trees of `grow_forest`, joined: (left children, the rest of the words, values, facts, counts)."""
    trees = [(words >> 32, words & 0xFFFFFFFF, values, facts, counts.copy())
             for words, values, facts, counts in grow_forest(*arguments)]
    return tuple(np.concatenate(parts) for parts in zip(*trees))


def leaf_sums(codes, words, roots, values, threads=None):
    """Sum over trees of the values of each row's leaf: (n, k). `codes` are (n, d)."""
    n, d = codes.shape
    out = np.zeros((n, values.shape[1]))
    workers = 1 if n < 2 * FEW else threads or num_threads()
    most = int(np.clip(CODES // max(d, 1), 1024, 16384))
    blocks = max(1, workers * -(-n // (workers * most)))  # sums are made row by row: the blocks do not matter to them
    over_blocks(add_leaves, blocks, -(-n // blocks), codes, words, roots, values, out, threads=threads)
    return out
