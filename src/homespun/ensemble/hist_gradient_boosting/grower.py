"""One tree, grown best first: always split the leaf whose best split lowers the loss most.

    repeat   take the leaf with the highest gain; divide its rows; sum the histogram of the smaller child,
             subtract it from the parent's for the larger; search both children's best splits

Ke et al. 2017, LightGBM, NeurIPS; scikit-learn's `grower.py`. The loop is Python: about 25 us a split beside the kernels'
work, so it can be read, stepped through and interrupted. Histograms are recycled.

Where packed sums leave counts to be guessed from hessians, a split that breaks `min_samples_leaf` shows when the rows are
divided; the node is then searched again with true counts, in a histogram that is forgotten afterwards.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

from homespun.ensemble.hist_gradient_boosting import splitting
from homespun.ensemble.hist_gradient_boosting.binning import BinnedData
from homespun.ensemble.hist_gradient_boosting.categorical import search_sets
from homespun.ensemble.hist_gradient_boosting.histogram import BINS, ROOM, Gradients, RowStore, unpacked
from homespun.ensemble.hist_gradient_boosting.partition import divide
from homespun.ensemble.hist_gradient_boosting.predictor import Tree
from homespun.kernels.binning import MISSING

MIN_HESSIAN = 1e-3  # a child with less curvature would get a huge value
NOISE = 1e-12  # a gain below this share of what it is the difference of is rounding

# GOES_LEFT[missing_left, bin]: for each code, whether it goes left
GOES_LEFT = np.repeat(np.tri(BINS, dtype=np.uint8)[None], 2, axis=0)
GOES_LEFT[0, :, MISSING], GOES_LEFT[1, :, MISSING] = 0, 1


@dataclass(frozen=True)
class GrowerSettings:
    """What limits a tree; names as in the estimators. `groups`: (sets, d) bool, features that may meet on a path, or None."""

    max_leaf_nodes: int | None = 31
    max_depth: int | None = None
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0
    max_features: float = 1.0
    groups: np.ndarray | None = None
    monotone: bool = False


class Node:
    """A node while the tree grows; sums in whole units, value and bounds in the loss's."""

    __slots__ = ("bounds", "count", "depth", "gain", "groups", "hist", "index", "left", "right", "rows", "set", "split",
                 "sum_g", "sum_h", "value")

    def __init__(self, index, depth, rows, sum_g, sum_h, count, value, bounds, groups):
        self.index, self.depth, self.rows = index, depth, rows
        self.sum_g, self.sum_h, self.count = sum_g, sum_h, count  # count: integer weight if weights are integers, else rows
        self.value, self.bounds = value, bounds
        self.groups: Any = groups
        self.gain = 0.0
        self.split: Any = None  # the answer of the search, and the set of codes that go left if it is by categories
        self.set: Any = None
        self.hist: Any = None
        self.left: Any = None  # a node, as is right
        self.right: Any = None


class TreeGrower:
    """Grows one tree. `grow()` returns it, before shrinkage; `leaves` are its leaf nodes, whose rows `store` knows."""

    def __init__(self, data: BinnedData, store: RowStore, gradients: Gradients, settings: GrowerSettings, rng=None, spare=None):
        self.data, self.store, self.gradients, self.settings, self.rng = data, store, gradients, settings, rng
        d = len(data.features)
        self.hist_shape = (d, ROOM) if gradients.packed else (d, 3, ROOM)
        self.spare = [] if spare is None else spare  # histograms free for use, kept from tree to tree
        if self.spare and self.spare[0].shape != self.hist_shape:
            self.spare.clear()
        self.best = np.empty((2, len(data.group_start) - 1, 8))
        self.categorical = np.flatnonzero(data.features[:, splitting.CATEGORICAL])
        self.goes_left = np.empty(BINS, dtype=np.uint8)
        self.allowed = np.ones((2, d), dtype=np.uint8)
        self.table = np.zeros((2, 7))
        self.limits = np.array([gradients.unit_g, gradients.unit_h, settings.l2_regularization,
                                settings.min_samples_leaf, MIN_HESSIAN, 0.0])
        self.nodes: list[Node] = []
        self.heap: list = []

    def grow(self) -> Tree:
        root = self.plant()
        most = self.settings.max_leaf_nodes or np.inf
        n_leaves = 1
        if self.may_split(root):
            root.hist = self.room()
            self.search(root, None)
        while self.heap and n_leaves < most:
            node = heapq.heappop(self.heap)[2]
            if self.split(node, last=n_leaves + 1 == most):
                n_leaves += 1
        for _, _, node in self.heap:
            self.free(node)
        self.leaves = [node for node in self.nodes if node.left is None]
        return self.tree()

    def plant(self) -> Node:
        sum_g, sum_h, count = self.gradients.total
        groups = None if self.settings.groups is None else np.ones(len(self.settings.groups), dtype=bool)
        root = Node(0, 0, len(self.data.columns[0]), sum_g, sum_h, count, self.value_of(sum_g, sum_h, (-np.inf, np.inf)),
                    (-np.inf, np.inf), groups)
        self.nodes.append(root)
        return root

    def value_of(self, sum_g, sum_h, bounds) -> float:
        """-G / (H + λ), within bounds."""
        damping = self.settings.l2_regularization + splitting.TINY
        value = -sum_g * self.gradients.unit_g / (sum_h * self.gradients.unit_h + damping)
        return min(max(value, bounds[0]), bounds[1])

    def may_split(self, node: Node) -> bool:
        """Whether a search is worth it: rows for two children, depth left, something to learn."""
        return (node.count >= 2 * self.settings.min_samples_leaf
                and (self.settings.max_depth is None or node.depth < self.settings.max_depth)
                and node.sum_h * self.gradients.unit_h >= MIN_HESSIAN)

    # -- split search --------------------------------------------------------------------------------------------------

    def search(self, first: Node, second: Node | None, wanted=(True, True), recount: bool = False):
        """Sums of `first`; of `second` by subtraction from the parent's, in `second.hist`; the best split of those wanted.

        `recount`: the sums of `first` are there, but only true counts tell which splits leave enough rows.
        """
        packed = self.gradients.packed and not recount
        pairs = [(0, first)] if second is None else [(0, first), (1, second)]
        self.table[1] = 0.0
        for side, node in pairs:
            rows_per_h = node.count / node.sum_h if packed and node.sum_h > 0 else 0.0
            self.table[side] = (node.sum_g, node.sum_h, node.count, rows_per_h, *node.bounds, wanted[side])
        self.limits[splitting.SUBTRACT] = second is not None
        if self.settings.groups is not None or self.settings.max_features < 1.0:
            for side, node in sorted(pairs, key=lambda pair: pair[1].index):  # left before right, whichever is smaller
                if wanted[side]:
                    self.allowed[side] = self.draw_features(node)
        data, store = self.data, self.store
        hist = np.zeros((len(data.features), 3, ROOM)) if recount else first.hist
        sibling = hist if second is None else second.hist
        splitting.search(data.rows, data.group_start, store.elements[first.depth % 2], store.segments[first.index],
                         self.gradients.grid, hist, sibling, data.features, self.allowed, self.table, self.limits, self.best,
                         packed)
        winners = self.best[:, :, splitting.GAIN].argmax(axis=1).tolist()
        for side, node in pairs:
            if wanted[side]:
                answer = self.best[side, winners[side]]
                if len(self.categorical):
                    sums = hist if node is first else sibling
                    search_sets(unpacked(sums) if packed else sums, self.categorical, self.allowed[side], self.table[side],
                                self.limits, answer, self.goes_left)
                self.note_split(node, answer.tolist())
            else:
                self.free(node)

    def note_split(self, node: Node, answer: list):
        """Keep the best split if it is one: into the heap with it."""
        part = answer[splitting.GAIN]
        own = node.value * node.sum_g * self.gradients.unit_g
        if part == -np.inf or part + own <= NOISE * abs(part):
            self.free(node)
            return
        node.split, node.gain = answer, part + own
        node.set = self.goes_left.copy() if answer[splitting.IS_SET] else None
        heapq.heappush(self.heap, (-node.gain, node.index, node))

    def draw_features(self, node: Node) -> np.ndarray:
        """Features that may be used: by the interaction sets of the path, and of these a random share."""
        groups = self.settings.groups
        allowed = np.ones(len(self.data.features), dtype=bool) if groups is None else groups[node.groups].any(axis=0)
        if self.settings.max_features < 1.0:
            names = np.flatnonzero(allowed)
            take = max(1, int(np.ceil(self.settings.max_features * len(names))))
            allowed[:] = False
            allowed[self.rng.permutation(names)[:take]] = True
        return allowed

    # -- splitting -----------------------------------------------------------------------------------------------------

    def split(self, node: Node, last: bool) -> bool:
        """Divide the rows of `node` and search the children (not if it was the last split). False: it was put back."""
        data, store, split = self.data, self.store, node.split
        feature, missing_left, bin_ = int(split[splitting.FEATURE]), int(split[splitting.MISSING_LEFT]), int(split[splitting.BIN])
        goes_left = GOES_LEFT[missing_left, bin_] if node.set is None else node.set
        left_index = len(self.nodes)
        store.reserve(left_index + 2)
        here, there = store.elements[node.depth % 2], store.elements[1 - node.depth % 2]
        divide(here, there, store.segments, node.index, left_index, left_index + 1, data.columns[feature], goes_left)
        left_rows = int(store.segments[left_index, :, 1].sum())
        right_rows = node.rows - left_rows
        if self.gradients.packed and min(left_rows, right_rows) < self.settings.min_samples_leaf:  # the guess was wrong
            self.search(node, None, recount=True)
            return False
        left_g, left_h = split[splitting.LEFT_G], split[splitting.LEFT_H]
        left_n = float(left_rows) if self.gradients.packed else split[splitting.LEFT_N]
        right_g, right_h, right_n = node.sum_g - left_g, node.sum_h - left_h, node.count - left_n
        left_v, right_v = self.value_of(left_g, left_h, node.bounds), self.value_of(right_g, right_h, node.bounds)
        left_bounds, right_bounds = self.bounds_of(node, feature, left_v, right_v)
        groups = None if self.settings.groups is None else node.groups & self.settings.groups[:, feature]
        left = Node(left_index, node.depth + 1, left_rows, left_g, left_h, left_n, left_v, left_bounds, groups)
        right = Node(left_index + 1, node.depth + 1, right_rows, right_g, right_h, right_n, right_v, right_bounds, groups)
        node.left, node.right = left, right
        self.nodes += (left, right)
        wanted = {left: not last and self.may_split(left), right: not last and self.may_split(right)}
        if not (wanted[left] or wanted[right]):
            self.free(node)
            return True
        small, large = (left, right) if left_rows < right_rows else (right, left)
        small.hist, large.hist, node.hist = self.room(), node.hist, None
        self.search(small, large, wanted=(wanted[small], wanted[large]))
        return True

    def bounds_of(self, node: Node, feature: int, left_v: float, right_v: float):
        """Bounds of the children's descendants: below a monotone split nothing may cross its middle."""
        direction = self.data.features[feature, splitting.MONOTONE] if self.settings.monotone else 0
        if direction == 0:
            return node.bounds, node.bounds
        low, high = node.bounds
        middle = (left_v + right_v) / 2
        return ((low, middle), (middle, high)) if direction > 0 else ((middle, high), (low, middle))

    # -- histograms are recycled ---------------------------------------------------------------------------------------

    def room(self):
        return self.spare.pop() if self.spare else np.zeros(self.hist_shape, np.int64 if self.gradients.packed else np.float64)

    def free(self, node: Node):
        if node.hist is not None:
            self.spare.append(node.hist)
            node.hist = None

    # -- the result ----------------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        tree = Tree.empty(len(self.nodes))
        sets: list[np.ndarray] = []
        for node in self.nodes:
            i = node.index
            tree.value[i], tree.rows[i], tree.depth[i], tree.gain[i] = node.value, node.rows, node.depth, node.gain
            if node.left is None:
                continue
            split = node.split
            feature = int(split[splitting.FEATURE])
            missing_left = int(split[splitting.MISSING_LEFT])
            if not self.data.features[feature, splitting.HAS_MISSING]:
                missing_left = int(node.left.rows > node.right.rows)  # never seen in training: to the larger side
            tree.feature[i], tree.bin[i], tree.missing_left[i] = feature, int(split[splitting.BIN]), missing_left
            tree.left[i], tree.right[i] = node.left.index, node.right.index
            if node.set is not None:
                node.set[MISSING] = missing_left
                tree.set_index[i] = len(sets)
                sets.append(node.set)
        return tree._replace(sets=np.array(sets, dtype=np.uint8).reshape(-1, BINS))
