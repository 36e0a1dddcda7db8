"""What `homespun.tree.grow` computes, by the book: every cut is made, and impurities are computed from the rows.

A node's best cut maximises  W I(node) - W_left I(left) - W_right I(right),  as there; O(n) for each of O(n d) cuts.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from homespun.kernels.oracle import oracle
from homespun.tree.grow import (
    ABSOLUTE,
    DEVIANCE,
    MULTIPLIER,
    SAME,
    VARIANCE,
    describe,
    divide,
    draw32,
    grow_tree,
    plan_search,
    search,
    send,
    stream,
)


def _example(**rules):
    def build(rng):
        n, d = rules.get("n", 34), rules.get("d", 3)
        X = np.round(rng.normal(size=(n, d)), rules.get("digits", 1))
        if rules.get("near"):
            X[:, 0] = 1 + rng.integers(0, 5, size=n) * np.finfo(float).eps  # no number lies between two neighbours
        kind = rules.get("kind", "classes")
        signal = (X[:, 0] - 1) / np.finfo(float).eps if rules.get("near") else X[:, 0]
        signal = signal + np.abs(X[:, min(1, d - 1)]) + rng.normal(size=n) / 2
        if kind == "classes":
            y = np.digitize(signal, [0.0, 1.0]).astype(float)[:, None] if rules.get("classes", 3) == 3 else (
                signal > 0.5).astype(float)[:, None]
        elif kind == "several classes":
            y = np.column_stack([signal > 0, np.digitize(X[:, 1], [0.0, 1.0])]).astype(float)
        elif kind == "several":
            y = np.column_stack([signal, X[:, 2] * X[:, 1]])
        elif kind == "several counts":
            y = np.column_stack([np.maximum(np.round(2 * signal), 0.0), np.abs(np.round(X[:, 2]))])
        elif kind == "mirrored":  # equal cuts of two features, whose sums are rounded differently
            X[:, 1] = -X[:, 0]
            y = rules.get("offset", 0.0) + signal[:, None]
        else:
            y = np.maximum(np.round(100 + 3 * signal if kind == "far" else 2 * signal), 0.0)[:, None]
        if rules.get("missing"):
            X[rng.random(X.shape) < 0.2] = np.nan
            X[:, 2] = np.where(rng.random(n) < 0.4, np.nan, 1.0)
            y[np.isnan(X[:, 2]), 0] = y.max()
        w = rng.integers(1, 4, size=n).astype(float) * rules.get("weight", 1.0)
        y *= rules.get("size", 1.0)
        n_classes = {"classes": [rules.get("classes", 3)], "several classes": [2, 3]}.get(kind)
        return (X, y, w, n_classes, *rules["args"])
    return build


def _twins(rng):
    """Two nodes that gain the same but for rounding, and a pure one that is older."""
    t, off = rng.normal(size=(2, 9))
    X = np.column_stack([np.repeat([0.0, 1.0, 2.0], 9), np.tile(t, 3)])
    y = np.concatenate([np.zeros(9), 1024 + off, 1280 - off])[:, None]
    return X, y, np.ones(27), None, VARIANCE, False, None, 2, 1, None, 14


def _symmetric(rng):
    """A cut gains what its mirror image does, but for rounding."""
    half = rng.normal(size=15)
    return np.arange(30.0)[:, None], 1e4 * np.concatenate([half, half[::-1]])[:, None], np.full(30, 1e3), None, VARIANCE, False, 1


def _positive_enough(*last):
    """A sum that is not distinguished from zero in its sibling's size, but in its own."""
    return lambda rng: (np.arange(4.0)[:, None], np.array([[1e14], [2e14], *last]), np.ones(4), None, DEVIANCE)


def _hardly_positive(first):
    """A sum that is just not distinguished from zero."""
    return lambda rng: (np.array([[first], [1.0 - first]]), np.array([[1.0], [1e12 - 1]]), np.ones(2), None, DEVIANCE)


_EXAMPLES = (
    _example(args=(VARIANCE,)),
    _example(args=(DEVIANCE,), missing=True),
    _example(args=(VARIANCE, False, 4, 2, 2), kind="far", missing=True),
    _example(args=(VARIANCE, False, None, 6), kind="several"),
    _example(args=(DEVIANCE, False, None, 2, 1, None, 7), kind="several classes"),
    _example(args=(DEVIANCE, False, 5), kind="counts"),
    _example(args=(ABSOLUTE, False, None, 4), kind="counts"),
    _example(args=(ABSOLUTE, False, None, 2, 2, None, 9, 3.0), kind="several", missing=True),
    _example(args=(VARIANCE, True, None, 2, 1, 2, None, 0.0, 0.0, None, 7), missing=True),
    _example(args=(VARIANCE, True, None, 2, 1, 1, None, 4.0, 0.004, None, 8), kind="far"),
    _example(args=(VARIANCE, False, None, 2, 1, 2, None, 0.0, 0.0, (1, -1, 0), 3), classes=2),
    _example(args=(VARIANCE, False, None, 2, 1, None, 8, 0.0, 0.0, (1, -1, 1), 3), kind="far"),
    _example(args=(ABSOLUTE, False, None, 2, 1, None, None, 0.0, 0.0, (-1, 0, 1), 3), kind="counts"),
    _example(args=(DEVIANCE, False, None, 2, 1, None, None, 0.0, 0.0, (1, 0, 0), 3), kind="counts"),
    _twins,
    _hardly_positive(0.0),
    _hardly_positive(1.0),
    *[_symmetric] * 4,
    _positive_enough([2.0], [1e12]),
    _positive_enough([1e12], [2.0]),
    _example(args=(DEVIANCE, False, None, 5), kind="several counts"),
    _example(args=(VARIANCE, False, None, 2, 1, None, None, 0.0, 0.0, None, 0, 2), kind="far", missing=True),  # two blocks
    _example(args=(VARIANCE, False, None, 2, 1, None, None, 0.0, 0.0, None, 0, 6), kind="far", d=6),  # more than rows in a node
    _example(args=(VARIANCE,), kind="mirrored", size=1e4, weight=1e4),
    *[_example(args=(VARIANCE,), kind="mirrored", n=9, offset=1e5)] * 4,  # the mean is rounded by more than what is forgiven
    _example(args=(VARIANCE, False, None, 2, 1, 4), d=7, n=50),  # enough features that exchanges follow on each other
    _example(args=(VARIANCE, False, None, 2, 1, None, 9, 0.0, 2e-20), kind="counts", size=1e-9),
    _example(args=(DEVIANCE,), kind="counts", size=1e-9),
    _example(args=(VARIANCE, False, None, 2, 1, None, 7), kind="counts", size=1e-200, digits=0, n=20),  # squares are zero
    _example(args=(VARIANCE,), kind="counts", d=1),
    _example(args=(VARIANCE,), kind="counts", near=True),
    _example(args=(VARIANCE, True), kind="counts", near=True, d=1, n=20),
    _example(args=(VARIANCE, True, None, 2, 4, 1, None, 0.0, 0.0, None, 5), kind="far", n=50),
    _example(args=(VARIANCE, False, None, 2, 1, 1, None, 11.0, 0.0, None, 6), kind="far", n=50),
    _example(args=(DEVIANCE, False, None, 7, 1, 1, None, 0.0, 0.1, None, 6), missing=True),
)


@oracle(grow_tree, kernels=(describe, plan_search, search, send, divide, draw32), example=_EXAMPLES, rtol=1e-9, atol=1e-11)
def grow_tree_formula(X, y, w, n_classes, criterion=VARIANCE, random=False, max_depth=None, min_split=2, min_leaf=1,
                      max_features=None, max_leaves=None, min_weight=0.0, min_gain=0.0, monotonic=None, seed=0, threads=None):
    """CART by the book: each cut of each feature is made, and the impurities of both sides are computed from their rows."""
    n, d = X.shape
    monotonic = [0] * d if monotonic is None else monotonic
    state, features = 0, list(range(d))

    def draw():
        nonlocal state
        digit, carry = state % 2**32, state // 2**32
        state = MULTIPLIER * digit + carry
        return digit ^ carry

    def branch():
        return ((draw() % (MULTIPLIER - 2) + 1) << 32) + draw()

    def prediction(rows):
        if n_classes is not None:
            return np.concatenate([np.bincount(y[rows, o].astype(int), w[rows], k) for o, k in enumerate(n_classes)]
                                  ) / w[rows].sum()
        if criterion == ABSOLUTE:
            return np.array([median(y[rows, o], w[rows]) for o in range(y.shape[1])])
        return np.average(y[rows], axis=0, weights=w[rows])

    def median(values, weights):
        order = np.argsort(values)
        share = np.cumsum(weights[order]) / weights.sum()
        return (values[order][share >= 0.5][0] + np.append(values[order][share > 0.5], values.max())[0]) / 2

    def impurity(rows):
        p = prediction(rows)
        if n_classes is not None:
            per_class = p * (1 - p) if criterion == VARIANCE else -p * np.log2(np.where(p > 0, p, 1))
            return per_class.sum() / y.shape[1]
        off = y[rows] - p
        if criterion == DEVIANCE:
            off = y[rows] * np.log(np.where(y[rows] > 0, y[rows], 1) / np.where(y[rows] > 0, p, 1))
        else:
            off = np.abs(off) if criterion == ABSOLUTE else off**2
        return np.average(off.mean(axis=1), weights=w[rows])

    def best_cut(rows, bounds, seed):
        nonlocal state, features
        state, features = seed, list(range(d))
        weight, worth = w[rows].sum(), impurity(rows)
        best_of, looked_at, varying = {}, 0, 0
        while looked_at < d and (looked_at < (max_features or d) or not varying):
            chosen = looked_at + ((draw() * (d - looked_at)) // 2**32 if (max_features or d) < d else 0)
            features[chosen], features[looked_at] = features[looked_at], features[chosen]
            f = features[looked_at]
            looked_at += 1
            x, absent = X[rows, f], np.isnan(X[rows, f])
            distinct = np.unique(x[~absent])
            if distinct.size == 0 or (distinct.size == 1 and not absent.any()):
                continue
            varying += 1
            best = None
            middles = [a / 2 + b / 2 if a / 2 + b / 2 < b else a for a, b in pairwise(distinct)]
            cuts = [(middle, side) for side in range(1 + absent.any()) for middle in middles]
            if absent.any():
                cuts.insert(distinct.size - 1, (np.inf, 0))
            if random:
                drawn = distinct[0] + (distinct[-1] - distinct[0]) * (draw() / 2**32)
                drawn = drawn if drawn < distinct[-1] else distinct[0]
                if distinct.size > 1:
                    cuts = [(drawn, draw() % 2 if absent.any() else 0)]
            for threshold, side in cuts:
                goes = (x <= threshold) | (absent & (side == 1))
                a, b = rows[goes], rows[~goes]
                if min(len(a), len(b)) < min_leaf or min(w[a].sum(), w[b].sum()) < min_weight:
                    continue
                p, q = prediction(a)[0], prediction(b)[0]
                if monotonic[f] and ((p - q) * monotonic[f] > 0 or min(p, q) < bounds[0] or max(p, q) > bounds[1]):
                    continue
                if criterion == DEVIANCE and n_classes is None and (
                        np.minimum(w[a] @ y[a], w[b] @ y[b]) <= SAME * (w[rows] @ y[rows])).any():
                    continue
                gain = weight * worth - w[a].sum() * impurity(a) - w[b].sum() * impurity(b)
                if best is None or gain > best[0] + SAME * weight * worth:
                    best = gain, f, threshold, side if absent.any() else int(len(a) > len(b)), a, b, (p + q) / 2
            if best:
                best_of[f] = best
        most = max((best[0] for best in best_of.values()), default=0)
        return next((best_of[f] for f in sorted(best_of) if best_of[f][0] >= most - SAME * weight * worth), None)

    nodes: list = []
    facts: list = []
    values: list = []
    cuts: dict = {}
    new = [(np.arange(n), 0, (-np.inf, np.inf), int(stream(seed)[0]))]
    most = 2 * max_leaves - 1 if max_leaves else 2 * n
    while True:
        for rows, depth, bounds, start in new:
            p, node = prediction(rows), len(nodes)
            values.append(p.copy())
            values[-1][0] = np.clip(p[0], *bounds)
            if n_classes is not None and values[-1][0] != p[0]:
                values[-1][1] = 1 - values[-1][0]
            nodes.append([-1, -1, -2, 0, len(rows), depth])
            facts.append([-2.0, impurity(rows), w[rows].sum(), -1.0])
            if not ((y[rows] == y[rows[0]]).all() or depth == max_depth or len(rows) < max(min_split, 2 * min_leaf)
                    or w[rows].sum() < 2 * min_weight):
                cut = best_cut(rows, bounds, start)
                if cut and cut[0] / w.sum() + SAME * impurity(rows) >= min_gain:
                    cuts[node], facts[node][3] = (cut, depth, bounds, branch(), branch()), max(cut[0] / w.sum(), 0.0)
        if not cuts or len(nodes) + 2 > most:
            return np.array(nodes), np.array(facts), np.array(values)
        enough = max(facts[node][3] for node in cuts) - SAME * facts[0][1]
        new = []
        for node in [min(node for node in cuts if facts[node][3] >= enough)] if max_leaves else sorted(cuts):
            (_, f, threshold, side, a, b, middle), depth, bounds, *starts = cuts.pop(node)
            nodes[node][:4] = len(nodes) + len(new), len(nodes) + len(new) + 1, f, side
            facts[node][0] = threshold
            ends = {0: (bounds, bounds), 1: ((bounds[0], middle), (middle, bounds[1])),
                    -1: ((middle, bounds[1]), (bounds[0], middle))}[monotonic[f]]
            new += [(a, depth + 1, ends[0], starts[0]), (b, depth + 1, ends[1], starts[1])]
