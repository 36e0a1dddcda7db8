"""What `forest_grow` computes, by the book: rows are repeated as often as they are drawn, and every cut is made and measured.

A node's best cut maximises  W I(node) - W_left I(left) - W_right I(right),  as there.
"""

from __future__ import annotations

import numpy as np

from homespun.ensemble.forest_grow import (
    BINARY,
    FEW,
    NUMBERS,
    add_leaves,
    draw_rows,
    forest_arrays,
    grow_forest,
    grow_one,
    leaf_sums,
    states_of,
)
from homespun.kernels.oracle import oracle
from homespun.tree.grow import DEVIANCE, MULTIPLIER, SAME, VARIANCE


def some_states(rng, trees):
    return states_of(rng.integers(99, size=trees))


def _example(kind, criterion, *rules, missing=False, n=60, draws=None, factor=None, offset=0.0, size=1.0, times=1, trees=2):
    def build(rng):
        X = rng.integers(0, 9, size=(3, n))
        signal = X[0] + 2 * (X[1] > 4) + rng.normal(size=n)
        if kind == NUMBERS:
            y = np.maximum(np.round(signal - 2), 0.0) + 100 * (criterion == VARIANCE)
            y = (y + offset) * size
        else:
            y = np.minimum(np.digitize(signal, [4.0, 6.0, 7.0][: kind - 1]), kind - 1).astype(float)
        codes = X.astype(np.uint8)
        if missing:
            codes[rng.random(codes.shape) < 0.25] = 255
            codes[2] = np.where(y == y.max(), 255, 3)
        weights = rng.integers(1, 4, size=n).astype(float) * times
        n_draws = weights.sum() if draws is None else draws
        factors = np.ones(max(kind, 1)) if factor is None else factor
        return (codes, y, weights, kind, criterion, some_states(rng, trees), int(n_draws), factors, *rules)
    return build


def _at_the_limit(kind, largest_last):
    """The best cut would leave less weight on a side than there must be; the next one leaves just as much."""
    def build(rng):
        place = rng.permutation(16)
        if kind == NUMBERS:
            y = np.exp(place if largest_last else -place)
        else:
            y = np.where(place >= 13, kind - 1.0, 0.0) if largest_last else np.where(place < 3, kind - 1.0, 0.0)
        return (place[None].astype(np.uint8), y, np.ones(16), kind, VARIANCE, states_of([1]), 0, np.ones(max(kind, 1)), 9, 2, 1,
                None, 0.25)
    return build


def _at_the_edge(rng):
    """The first row that is drawn lies just where the weight of the second half begins."""
    states = np.array([[(5 << 32) + (2**31 ^ 5), 1]])
    return (rng.permutation(8)[None].astype(np.uint8), np.arange(8.0), np.ones(8), NUMBERS, VARIANCE, states, 1, np.ones(1))


def _hardly_positive(first):
    """A sum that is just not distinguished from zero."""
    return lambda rng: (np.array([[first, 1 - first]], np.uint8), np.array([1.0, 1e12 - 1]), np.ones(2), NUMBERS, DEVIANCE,
                        states_of([1]), 0, np.ones(1))


def _mirrored(rng):
    """Equal cuts of two features, whose sums are rounded differently."""
    place = rng.permutation(30)
    return (np.array([place, 29 - place], np.uint8), 1e4 * rng.normal(size=30), np.full(30, 1000.0), NUMBERS, VARIANCE,
            some_states(rng, 1), 0, np.ones(1))


def _mirrored_far(rng):
    """The same where the mean is rounded by more than what is forgiven."""
    place = rng.permutation(9)
    return (np.array([8 - place, place], np.uint8), 1e3 + 0.01 * rng.normal(size=9), np.ones(9), NUMBERS, VARIANCE,
            some_states(rng, 1), 0, np.ones(1))


def _many_features(rng):
    """Enough of them that exchanges follow on each other; their places matter to the nodes that come after."""
    X = rng.integers(0, 4, (7, 50)).astype(np.uint8)
    return X, (X[2] + X[4] + rng.normal(size=50) > 4) * 1.0, np.ones(50), BINARY, VARIANCE, some_states(rng, 2), 50, np.ones(2), (
        9), 2, 1, 4


def _all_bins(rng):
    """Each code with each of three classes."""
    codes, y = np.repeat(np.arange(256), 3)[None].astype(np.uint8), np.tile(np.arange(3.0), 256)
    return (codes, y, rng.integers(1, 9, size=768).astype(float), 3, VARIANCE, states_of([1]), 0, np.ones(3), 1)


def _rare(rng):
    """Classes that are drawn once or never."""
    y = np.minimum(np.arange(14.0) // 4, 3)
    return (rng.integers(0, 9, size=(2, 14)).astype(np.uint8), y, np.ones(14), 4, VARIANCE, some_states(rng, 6),
            9, np.ones(4), 3, 2, 1, 2, 0.0, 0.0, True)


_EXAMPLES = (
    _example(BINARY, VARIANCE),
    _example(BINARY, DEVIANCE, 5, 4, 2, 2, 0.02, 0.004, missing=True, draws=0, factor=np.array([1.0, 2.5])),
    _example(BINARY, VARIANCE, 9, 2, 3, 1, 0.1, missing=True, factor=np.array([1.0, 2.5])),
    _example(3, VARIANCE, 2**31, 6, 1, 2, missing=True),
    _example(3, DEVIANCE, 2**31, 2, 2, 2, 0.0, 0.0, True, factor=np.ones(3)),
    _example(4, DEVIANCE, 4, missing=True, draws=0),
    _example(4, VARIANCE, 2**31, 2, 1, 3, 0.05, 0.01, draws=0, factor=np.array([1.0, 0.5, 3.0, 1.0])),
    _example(NUMBERS, VARIANCE, missing=True),
    _example(NUMBERS, VARIANCE, 2**31, 5, 4, 2, 0.06, 0.02, draws=0),
    _example(NUMBERS, DEVIANCE, 2**31, 2, 1, 2, missing=True),
    _example(BINARY, VARIANCE, 2**31, 2, 1, 1, 0.0, 0.0, True, n=24, draws=40),
    _at_the_limit(NUMBERS, True),
    _at_the_limit(NUMBERS, False),
    _at_the_limit(BINARY, True),
    _at_the_limit(3, True),
    _at_the_limit(3, False),
    _at_the_edge,
    _hardly_positive(0),
    _hardly_positive(1),
    _mirrored,
    *[_mirrored_far] * 4,
    _many_features,
    _all_bins,
    _rare,
    _example(NUMBERS, VARIANCE, 0, offset=1e7),
    _example(NUMBERS, VARIANCE, 9, 2, 5, draws=0, offset=-100),
    _example(BINARY, VARIANCE, 9, 2, 5, 2, 0.0, 0.02, trees=3),
    _example(BINARY, DEVIANCE, 9, 2, 2, 2, 0.0, 0.03, trees=4),
    _example(3, VARIANCE, 9, 3, 1, 2, 0.0, 0.02, missing=True),
    _example(3, DEVIANCE, 9, 2, 4, 2, 0.0, 0.04, missing=True),
    _example(4, DEVIANCE, 9, 2, 4, 2, 0.0, 0.06),
    _example(NUMBERS, DEVIANCE, 6, draws=0, size=1e-9),
    _example(NUMBERS, VARIANCE, 9, 2, 1, 2, 0.0, 2e-20, draws=0, offset=-100, size=1e-9),
    _example(NUMBERS, VARIANCE, 6, draws=0, offset=-100, size=1e-200, n=20),  # squares are zero
    _example(BINARY, VARIANCE, draws=1),
)


@oracle(forest_arrays, kernels=(grow_one, draw_rows), example=_EXAMPLES, rtol=1e-6, atol=1e-9)
def forest_formula(codes, y, weights, kind, criterion, states, n_draws, class_factor, max_depth=2**31, min_split=2,
                   min_leaf=1, max_features=None, min_weight=0.0, min_gain=0.0, balanced=False, threads=None):
    """The trees by their definition: rows repeated as often as they were drawn, each cut made and measured."""
    d, n = codes.shape

    def one_tree(for_rows, for_root):
        state, features = for_rows, np.arange(d)

        def draw():
            nonlocal state
            digit, carry = state % 2**32, state // 2**32
            state = MULTIPLIER * digit + carry
            return digit ^ carry

        def branch():
            return ((draw() % (MULTIPLIER - 2) + 1) << 32) + draw()

        share = np.cumsum(weights) / weights.sum()
        rows = np.repeat(np.arange(n), weights.astype(int))
        if n_draws:
            rows = np.sort([np.searchsorted(share, draw() / 2**32, side="right") for _ in range(n_draws)])
        factor = np.ones(n) if kind == NUMBERS else np.asarray(class_factor)[y.astype(int)]
        if balanced:
            factor = (1 / np.maximum(np.bincount(y[rows].astype(int), minlength=kind), 1))[y.astype(int)]

        def prediction(rows):
            if kind == NUMBERS:
                return np.array([y[rows].mean()])
            return np.bincount(y[rows].astype(int), factor[rows], minlength=kind) / factor[rows].sum()

        def impurity(rows):
            p = prediction(rows)
            if kind != NUMBERS:
                return (p * (1 - p)).sum() if criterion == VARIANCE else -(p * np.log2(np.where(p > 0, p, 1))).sum()
            if criterion == VARIANCE:
                return ((y[rows] - p) ** 2).mean()
            return (y[rows] * np.log(np.where(y[rows] > 0, y[rows] / np.where(p > 0, p, 1), 1))).mean()

        def best_cut(rows, seed):
            nonlocal state, features
            state, features = seed, np.arange(d)
            weight, looked_at, varying = factor[rows].sum(), 0, 0
            best_of: dict = {}
            slack = SAME * weight * impurity(rows)
            while looked_at < d and (looked_at < (max_features or d) or not varying):
                chosen = looked_at + (draw() * (d - looked_at) // 2**32 if (max_features or d) < d else 0)
                features[chosen], features[looked_at] = features[looked_at], features[chosen]
                f = int(features[looked_at])
                looked_at += 1
                x = codes[f, rows].astype(int)
                present = np.unique(x[x < 255])
                if len(np.unique(x)) < 2:
                    continue
                varying += 1
                absent = (x == 255).any()
                cuts = [(c, 0) for c in (present if absent else present[:-1])]
                cuts += [(c, 1) for c in present[:-1]] if absent else []
                for c, side in cuts:
                    goes = (x <= c) | ((x == 255) & (side == 1))
                    a, b = rows[goes], rows[~goes]
                    if min(len(a), len(b)) < min_leaf or min(factor[a].sum(), factor[b].sum()) < min_weight * whole:
                        continue
                    if kind == NUMBERS and criterion == DEVIANCE and min(y[a].sum(), y[b].sum()) <= SAME * y[rows].sum():
                        continue
                    gain = (weight * impurity(rows) - factor[a].sum() * impurity(a) - factor[b].sum() * impurity(b))
                    if f not in best_of or gain > best_of[f][0] + slack:
                        best_of[f] = gain, f, int(c), side if absent else int(2 * len(a) > len(rows)), a, b
            most = max((best[0] for best in best_of.values()), default=0)
            return next((best_of[f] for f in sorted(best_of) if best_of[f][0] >= most - slack), None)

        whole, waiting = factor[rows].sum(), [(0, rows, 0, for_root)]
        nodes: list = [[rows, 0]]
        while waiting:
            node, rows_here, depth, seed = waiting.pop()
            nodes[node] = [rows_here, 0]
            if (len(np.unique(y[rows_here])) == 1 or depth >= max_depth or len(rows_here) < min_split
                    or factor[rows_here].sum() < 2 * min_weight * whole):
                continue
            cut = best_cut(rows_here, seed)
            if cut is None or cut[0] / whole + SAME * impurity(rows_here) < min_gain:
                continue
            _, f, c, side, a, b = cut
            left = len(nodes)
            nodes[node][1] = (left << 32) | (f << 9) | (side << 8) | (c + side)
            nodes += [[a, 0], [b, 0]]
            seeds = branch(), branch()
            waiting += [(left + 1, b, depth + 1, seeds[1]), (left, a, depth + 1, seeds[0])]
        values = [prediction(r)[1:] if kind == BINARY else prediction(r) for r, _ in nodes]
        facts = [(len(r), factor[r].sum(), impurity(r)) for r, _ in nodes]
        words = np.array([word for _, word in nodes])
        return words >> 32, words & 0xFFFFFFFF, values, facts, np.bincount(rows, minlength=n)

    return tuple(np.concatenate(parts) for parts in zip(*[one_tree(*map(int, pair)) for pair in states]))


def _walk_example(rng):
    codes = rng.integers(0, 9, size=(3, 50)).astype(np.uint8)
    codes[0, ::6] = 255
    trees = list(grow_forest(codes, rng.integers(0, 3, size=50), np.ones(50), 3, VARIANCE, states_of([1, 2, 3]), 50, np.ones(3)))
    starts = np.cumsum([0] + [len(tree[0]) for tree in trees])
    words = [np.where(tree[0] != 0, tree[0] + (start << 32), 0) for tree, start in zip(trees, starts)]
    return (np.tile(codes.T, (2, 1)), np.concatenate(words), starts[:-1], np.concatenate([tree[1] for tree in trees]))


def _two_blocks(rng):
    codes = rng.integers(0, 9, size=(2 * FEW + 41, 2)).astype(np.uint8)
    return codes, np.array([(1 << 32) | (1 << 9) | 4, 0, 0]), np.zeros(1, np.int64), np.array([[0.0], [1.0], [2.0]]), 2


def _one_row(rng):
    codes, *trees = _walk_example(rng)
    return codes[:1], *trees


@oracle(leaf_sums, kernels=(add_leaves,), example=(_walk_example, _two_blocks, _one_row), rtol=1e-12)
def leaf_sums_formula(codes, words, roots, values, threads=None):
    """Each row walks each tree by itself."""
    out = np.zeros((len(codes), values.shape[1]))
    for i, row in enumerate(codes.astype(int)):
        for node in map(int, roots):
            while words[node]:
                left, f, side, cut = words[node] >> 32, (words[node] >> 9) & 0x7FFFFF, (words[node] >> 8) & 1, words[node] & 255
                node = int(left) + ((row[f] + side) % 256 > cut)
            out[i] += values[node]
    return out
