"""From trees to scores: raw[k, i] += sum over the trees of class k of the value of the leaf that row i falls into.

* **masked** (trees of at most 32 leaves without category sets): QuickScorer (Lucchese et al. 2015, SIGIR). Leaves are
  numbered from left to right. A node whose test says "right" makes the leaves of its left subtree impossible: one mask.
  The lowest bit that survives the masks of all nodes, on the path or not, is the leaf. No jumps: 30 comparisons and 30
  ANDs that run side by side for 128 rows. On the numbers themselves, in the type that they have.
* **walked** (all others): from the root down, row by row, on codes.

Both agree with the codes that trees were grown on: x <= edges[f, c] if and only if code(x) <= c.
O(n (d + trees x nodes)) masked, O(n (8 d + trees x depth)) walked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from homespun.base.stored import FLOATS, children_of_trees, refuse, stored_array, within
from homespun.kernels import kernel, oracle
from homespun.kernels.binning import EDGES, MISSING, bin_columns
from homespun.kernels.simd import count_trailing_zeros
from homespun.kernels.threads import over_blocks
from homespun.tree.dependence import average_out
from homespun.tree.structure import levels

LEAVES = 32  # bits of a mask
TILE = 128  # rows whose masks are worked on side by side
BLOCK = 4096  # rows of one task, at most
CODED = 1 << 16  # rows whose codes are in memory at a time
ALL = np.uint32(0xFFFFFFFF)


class Tree(NamedTuple):
    """A tree as arrays over its nodes; the root is node 0, and a leaf has left = -1."""

    feature: np.ndarray  # (m,) int32
    bin: np.ndarray  # (m,) int32: codes up to this one go left
    missing_left: np.ndarray  # (m,) uint8
    left: np.ndarray  # (m,) int32
    right: np.ndarray  # (m,) int32
    set_index: np.ndarray  # (m,) int32: which of `sets` decides, -1: none
    value: np.ndarray  # (m,) float64
    gain: np.ndarray  # (m,) float64: by how much the split lowered the loss
    rows: np.ndarray  # (m,) int64: training rows
    depth: np.ndarray  # (m,) int32
    sets: np.ndarray  # (sets, 256) uint8: 1 for the codes that go left

    @classmethod
    def empty(cls, nodes: int) -> Tree:
        kinds = (np.int32, np.int32, np.uint8, np.int32, np.int32, np.int32, np.float64, np.float64, np.int64, np.int32)
        tree = cls(*[np.zeros(nodes, dtype=kind) for kind in kinds], np.zeros((0, 256), dtype=np.uint8))  # type: ignore[call-arg]
        for name in ("feature", "left", "right", "set_index"):
            getattr(tree, name)[:] = -1
        return tree

    @property
    def n_leaves(self) -> int:
        return int((self.left < 0).sum())

    def partial_dependence(self, codes, place):
        """Mean value over the other features at points whose features stand in `codes` (features, points), feature f in the
        row place[f], -1: it is another one. (points,)."""

        def goes_left(nodes, some):
            code = codes[place[self.feature[nodes]], some]
            by_bin = np.where(code == MISSING, self.missing_left[nodes, None] == 1, code <= self.bin[nodes, None])
            with_set = self.set_index[nodes] >= 0
            by_bin[with_set] = self.sets[self.set_index[nodes][with_set, None], code[with_set]] > 0
            return by_bin

        asks = (self.left >= 0) & (place[self.feature] >= 0)
        return average_out(levels(self.left, self.right), self.left, self.right, self.rows[self.left] / self.rows,
                           self.value[:, None], asks, goes_left, codes.shape[1])[:, 0]


def pack_forest(trees: list[Tree], n_scores: int, edges) -> dict[str, np.ndarray]:
    """All that prediction needs, as arrays: tree t adds to score t % n_scores; edges (d, 255) turn bins into thresholds."""
    sizes = [len(tree.left) for tree in trees]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    sets_before = np.concatenate([[0], np.cumsum([len(tree.sets) for tree in trees])]).astype(np.int64)
    nothing = Tree.empty(0)  # so that a forest of no trees has the right types
    forest = {name: np.concatenate([getattr(tree, name) for tree in [nothing, *trees]]) for name in Tree._fields}
    for t, tree in enumerate(trees):
        here = slice(starts[t], starts[t + 1])
        inner = tree.left >= 0
        forest["left"][here][inner] += starts[t]
        forest["right"][here][inner] += starts[t]
        forest["set_index"][here][tree.set_index >= 0] += sets_before[t]
    masked = np.array([tree.n_leaves <= LEAVES and len(tree.sets) == 0 for tree in trees], dtype=bool)
    forest |= {"start": starts, "n_scores": np.array(n_scores), "edges": edges,
               "masked": np.flatnonzero(masked).astype(np.int64), "walked": np.flatnonzero(~masked).astype(np.int64)}
    return forest | _masks([trees[t] for t in forest["masked"]], edges)


def unpack_forest(forest) -> list[Tree]:
    """The trees that `pack_forest` was given."""
    starts, trees, sets_before = forest["start"], [], 0
    for t in range(len(starts) - 1):
        here = slice(starts[t], starts[t + 1])
        fields = {name: forest[name][here].copy() for name in Tree._fields if name != "sets"}
        inner = fields["left"] >= 0
        fields["left"][inner] -= starts[t]
        fields["right"][inner] -= starts[t]
        with_set = fields["set_index"] >= 0
        fields["set_index"][with_set] -= sets_before
        trees.append(Tree(**fields, sets=forest["sets"][sets_before:sets_before + int(with_set.sum())]))
        sets_before += int(with_set.sum())
    return trees


def check_forest(owner, forest, d: int, n_scores: int) -> None:
    """ModelFileError unless `forest`, of the fitted `owner` from a file, is safe to walk, to mask and to unpack."""
    if type(forest) is not dict or forest.keys() != pack_forest([], 1, np.empty((d, EDGES))).keys():
        refuse(owner, "_forest", "a dict of the arrays of `pack_forest`",
               ", ".join(map(str, forest)) if type(forest) is dict else f"a {type(forest).__name__}")

    def part(name, dtypes, *shape):
        return stored_array(owner, f"_forest[{name!r}]", forest[name], dtypes, *shape)

    def inside(name, values, low, high):
        within(owner, f"_forest[{name!r}]", values, low, high)

    if part("n_scores", np.int64) != n_scores:
        refuse(owner, "_forest['n_scores']", str(n_scores), forest["n_scores"])
    part("edges", FLOATS, d, EDGES)
    left = part("left", np.int32, None)
    nodes, empty = left.size, Tree.empty(0)
    for name in Tree._fields:
        if name != "sets":
            part(name, getattr(empty, name).dtype.type, nodes)
    start = part("start", np.int64, None)
    trees = start.size - 1
    if trees < 0 or start[0] != 0 or start[-1] != nodes or trees % n_scores:
        refuse(owner, "_forest['start']", f"a multiple of {n_scores} trees from node 0 to {nodes}", f"{start[:1]} … {start[-1:]}")
    inside("start", start[1:], start[:-1] + 1, nodes + 1)
    inner = np.flatnonzero((left != -1) | (forest["right"] != -1))
    children_of_trees(owner, "a child in _forest", inner, left[inner], forest["right"][inner], start[:-1], nodes)
    inside("feature", forest["feature"][inner], 0, d)
    sets = part("sets", np.uint8, None, 256)
    with_set = inner[forest["set_index"][inner] >= 0]
    of_tree = np.searchsorted(start, with_set, side="right") - 1
    counts = np.bincount(of_tree, minlength=trees)
    first = np.cumsum(counts) - counts
    if with_set.size != len(sets) or (forest["set_index"] >= 0).sum() != with_set.size:
        refuse(owner, "_forest['sets']", f"one for each of {with_set.size} splits by sets", len(sets))
    inside("set_index", forest["set_index"][with_set], first[of_tree], (first + counts)[of_tree])
    by_bin = inner[forest["set_index"][inner] < 0]
    inside("bin", forest["bin"][by_bin], 0, EDGES)
    masked, walked = part("masked", np.int64, None), part("walked", np.int64, None)
    both = np.concatenate([masked, walked])
    if not (np.array_equal(np.sort(both), np.arange(trees)) and all((np.diff(some) > 0).all() for some in (masked, walked))):
        refuse(owner, "_forest['masked'] and ['walked']", "ascending, and together all trees", f"{both[:10]} of {trees} trees")
    feature = part("mask_feature", np.int32, masked.size, LEAVES - 1)
    part("mask_threshold", np.float64, masked.size, LEAVES - 1)
    mask = part("mask", np.uint32, masked.size, LEAVES - 1)
    part("mask_value", np.float64, masked.size, LEAVES)
    inside("mask_used", part("mask_used", np.int64, masked.size), 0, LEAVES)
    inside("mask_turn", part("mask_turn", np.int64, masked.size), 0, forest["mask_used"] + 1)
    inside("mask_feature", feature.ravel(), 0, d)
    in_use = np.arange(LEAVES - 1) < forest["mask_used"][:, None]
    inside("mask", mask[in_use], 1 << (LEAVES - 1), 1 << LEAVES)  # the last leaf is left of no node: some leaf always survives


def _masks(trees: list[Tree], edges) -> dict[str, np.ndarray]:
    """Tables of the masked trees, (T, 31) and (T, 32). A tree's nodes stand in an order of their own:
    first those that send missing values right, turn[t] of them, then the others, up to used[t]."""
    shape = (len(trees), LEAVES - 1)
    feature, threshold, mask = np.zeros(shape, np.int32), np.zeros(shape), np.zeros(shape, np.uint32)
    leaf_value, turn, used = np.zeros((len(trees), LEAVES)), *np.zeros((2, len(trees)), np.int64)
    for t, tree in enumerate(trees):
        left, right = tree.left.tolist(), tree.right.tolist()
        leaves: list[int] = []
        below: dict[int, int] = {}  # node → bits of the leaves of its left subtree
        bits: dict[int, int] = {}
        stack = [(0, False)]
        while stack:  # children before parents, left before right
            node, seen = stack.pop()
            if left[node] < 0:
                bits[node] = 1 << len(leaves)
                leaves.append(node)
            elif seen:
                below[node] = bits[left[node]]
                bits[node] = bits[left[node]] | bits[right[node]]
            else:
                stack += [(node, True), (right[node], False), (left[node], False)]
        inner = sorted(below, key=lambda node: tree.missing_left[node])
        turn[t], used[t] = len(inner) - int(tree.missing_left[inner].sum()), len(inner)
        leaf_value[t, : len(leaves)] = tree.value[leaves]
        feature[t, : len(inner)] = tree.feature[inner]
        threshold[t, : len(inner)] = edges[tree.feature[inner], tree.bin[inner]]
        mask[t, : len(inner)] = [int(ALL) ^ below[node] for node in inner]
    return {"mask_feature": feature, "mask_threshold": threshold, "mask": mask, "mask_value": leaf_value,
            "mask_turn": turn, "mask_used": used}


def add_scores(forest, X, raw, first: int = 0, stop: int | None = None, size: int = BLOCK):
    """raw (K, n) += scores of the trees first … stop - 1 for X (n, d), float32 or float64; returns `raw`.

    `size` rows are a task.
    """
    stop = len(forest["start"]) - 1 if stop is None else stop
    n_scores, n = int(forest["n_scores"]), len(X)
    masked, walked = forest["masked"], forest["walked"]
    a, b = masked.searchsorted(first), masked.searchsorted(stop)
    if a < b:
        feature, mask, value, turn, used = (
            forest[name][a:b] for name in ("mask_feature", "mask", "mask_value", "mask_turn", "mask_used"))
        threshold = forest["mask_threshold"][a:b]
        if X.size < threshold.size:  # few rows: it is less work to widen them
            X = X.astype(np.float64, copy=False)
        elif X.dtype != np.float64:
            threshold = rounded_down(threshold, X.dtype)
        over_blocks(masked_block, -(-n // size), size, X, masked[a:b] % n_scores, feature, threshold, mask, turn, used, value,
                    raw, threads=None if n > size else 1)
    trees = walked[walked.searchsorted(first):walked.searchsorted(stop)]
    if len(trees):
        nodes = np.stack([forest[name] for name in ("feature", "bin", "left", "right", "set_index")], axis=1)
        for start in range(0, n, CODED):  # codes of a part of the rows are in memory at a time
            part = slice(start, start + CODED)
            columns = bin_columns(X[part], forest["edges"])
            over_blocks(walked_block, -(-columns.shape[1] // size), size, columns, trees % n_scores, forest["start"][trees],
                        nodes, forest["missing_left"], forest["value"], forest["sets"], raw[:, part])
    return raw


def rounded_down(threshold, dtype):
    """Thresholds as `dtype`, such that x <= threshold is decided as before for every x of that type."""
    rounded = threshold.astype(dtype)
    return np.where(rounded > threshold, np.nextafter(rounded, dtype.type(-np.inf)), rounded)


_MASKED = "void(i8, i8, {0}[:, :], i8[::1], i4[:, ::1], {0}[:, ::1], u4[:, ::1], i8[::1], i8[::1], f8[:, ::1], f8[:, ::1])"


@kernel(_MASKED.format("f4"), _MASKED.format("f8"))
def masked_block(block, size, X, score, feature, threshold, mask, turn, used, value, raw):  # IN X (n, d).   OUT raw (K, n)
    n, d = X.shape
    column = np.empty((d, TILE), X.dtype)
    left_over = np.empty(TILE, np.uint32)
    last = min(n, (block + 1) * size)
    for start in range(block * size, last, TILE):
        rows = min(TILE, last - start)
        for i in range(rows):
            for f in range(d):
                column[f, i] = X[start + i, f]
        for t in range(score.size):
            for i in range(rows):
                left_over[i] = ALL
            for node in range(used[t]):
                x, most, keep = column[feature[t, node]], threshold[t, node], mask[t, node]
                if node < turn[t]:  # NaN is not <= anything: it goes right
                    for i in range(rows):
                        left_over[i] &= ALL if x[i] <= most else keep
                else:
                    for i in range(rows):
                        left_over[i] &= keep if x[i] > most else ALL
            for i in range(rows):
                raw[score[t], start + i] += value[t, count_trailing_zeros(left_over[i])]


@kernel("void(i8, i8, u1[:, ::1], i8[::1], i8[::1], i4[:, ::1], u1[::1], f8[::1], u1[:, ::1], f8[:, :])")
def walked_block(block, size, columns, score, root, nodes, missing_left, value, sets, raw):  # IN columns (d, n).   OUT raw (K, n)
    for i in range(block * size, min(columns.shape[1], (block + 1) * size)):
        for t in range(root.size):
            node = root[t]
            while nodes[node, 2] >= 0:  # no mutant (2 → 3; 0 → 1; >= → >): a leaf has -1 twice, the root is no child
                code = columns[nodes[node, 0], i]
                if nodes[node, 4] >= 0:
                    goes_left = sets[nodes[node, 4], code] > 0
                elif code == MISSING:
                    goes_left = missing_left[node] > 0
                else:
                    goes_left = code <= nodes[node, 1]
                node = np.int64(nodes[node, 2] if goes_left else nodes[node, 3])
            raw[score[t], i] += value[node]


def add_leaf_values(elements, segments, leaves, sides, values, raw):
    """raw (n,) += the value of each row's leaf, for rows that still stand in the order of the tree's leaves."""
    over_blocks(leaf_block, elements.shape[1], elements, segments, leaves, sides, values, raw)
    return raw


@kernel("void(i8, i8[:, :, ::1], i8[:, :, ::1], i8[::1], i8[::1], f8[::1], f8[::1])")
def leaf_block(shard, elements, segments, leaves, sides, values, raw):  # IN elements (2, S, m), segments (nodes, S, 2)
    for leaf in range(leaves.size):
        start = segments[leaves[leaf], shard, 0]
        mine, value = elements[sides[leaf], shard, start:start + segments[leaves[leaf], shard, 1]], values[leaf]
        for i in range(mine.size):
            raw[np.uint64(mine[i] >> 32)] += value


# ---------------------------------------------------------------------------------------------------------------------
# What defines them

def random_tree(rng, leaves: int, d: int, sets: bool = False) -> Tree:
    """A tree with random tests, for examples and tests."""
    tree = Tree.empty(2 * leaves - 1)
    open_leaves, size = [0], 1
    tree.value[:] = rng.normal(size=2 * leaves - 1)
    chosen: list[np.ndarray] = []
    while len(open_leaves) < leaves:
        node = open_leaves.pop(int(rng.integers(len(open_leaves))))
        tree.feature[node], tree.bin[node], tree.missing_left[node] = rng.integers(d), rng.integers(255), rng.integers(2)
        tree.left[node], tree.right[node] = size, size + 1
        if sets and rng.random() < 0.5:
            tree.set_index[node] = len(chosen)
            chosen.append(rng.integers(0, 2, 256))
        open_leaves += [size, size + 1]
        size += 2
    return tree._replace(sets=np.array(chosen, dtype=np.uint8).reshape(-1, 256))


def _scores_example(dtype):
    def example(rng):
        trees = [random_tree(rng, 32, 4), random_tree(rng, 5, 4, sets=True), random_tree(rng, 40, 4), random_tree(rng, 1, 4),
                 random_tree(rng, 20, 4), random_tree(rng, 33, 4, sets=True)]
        X = rng.normal(size=(150, 4)).astype(dtype)
        edges = np.sort(rng.normal(size=(4, 255)), axis=1)
        edges[:, 254:] = edges[0, 200:] = np.inf  # a code of 255 is missing; a cut between infinity and missing
        X[::6], X[1::9, 0], X[2::9, 1] = np.nan, np.inf, -np.inf
        return pack_forest(trees, 2, edges), X, rng.normal(size=(2, 150)), 0, 6, 60
    return example


def _scores_on_copy(forest, X, raw, first, stop, size):
    return add_scores(forest, X, raw.copy(), first, stop, size)


@oracle(_scores_on_copy, kernels=(masked_block, walked_block), rtol=1e-12, atol=1e-12,
        example=(_scores_example(np.float64), _scores_example(np.float32)))
def scores_formula(forest, X, raw, first, stop, size):
    """Walk down each tree."""
    raw, edges = raw.copy(), forest["edges"]
    for t, tree in enumerate(unpack_forest(forest)[first:stop], first):
        for i, row in enumerate(X.astype(np.float64)):
            node = 0
            while tree.left[node] >= 0:
                feature = tree.feature[node]
                if tree.set_index[node] >= 0:
                    code = MISSING if np.isnan(row[feature]) else np.searchsorted(edges[feature], row[feature])
                    left = tree.sets[tree.set_index[node], code] == 1
                elif np.isnan(row[feature]):
                    left = tree.missing_left[node] == 1
                else:
                    left = row[feature] <= edges[feature, tree.bin[node]]
                node = tree.left[node] if left else tree.right[node]
            raw[t % len(raw), i] += tree.value[node]
    return raw


def _leaf_values_on_copy(elements, segments, leaves, sides, values, raw):
    return add_leaf_values(elements, segments, leaves, sides, values, raw.copy())


@oracle(_leaf_values_on_copy, kernels=(leaf_block,), rtol=1e-12, example=lambda rng: (
    np.stack([rng.permutation(20).reshape(2, 10) for _ in range(2)]) << 32,
    np.array([[[0, 10], [0, 10]], [[0, 4], [0, 7]], [[4, 6], [7, 3]]]),
    np.array([1, 2]), np.array([1, 0]), np.array([0.5, -2.0]), rng.normal(size=20)))
def leaf_values_formula(elements, segments, leaves, sides, values, raw):
    """The leaf of each row, then its value."""
    raw, found = raw.copy(), np.zeros_like(raw)
    for leaf, side, value in zip(leaves, sides, values):
        for shard, (start, length) in enumerate(segments[leaf]):
            found[elements[side, shard, start:start + length] >> 32] += value
    return raw + found
