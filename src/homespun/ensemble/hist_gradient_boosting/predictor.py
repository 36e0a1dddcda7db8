"""From trees to scores: raw[k, i] += sum over the trees of class k of the value of the leaf that row i falls into.

* **followed** (trees of at most 256 leaves without category sets): on codes as in training, x <= edges[f, c] if and only if
  code(x) <= c. A row begins in place 0; split after split, in the order in which the tree grew, the rows that stand in the
  place that is divided and go right move on to a place of their own. No jumps, and a byte a row: 30 splits are 120
  instructions for 64 rows.
* **walked** (all others, and all where rows are few): on numbers, from the root down, row by row.

O(n (8 d + trees x splits / 16)) followed, O(n x trees x depth) walked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from homespun.base.stored import FLOATS, children_of_trees, refuse, stored_array, within
from homespun.kernels import kernel, oracle
from homespun.kernels.binning import EDGES, MISSING, code_block, same_kind
from homespun.kernels.simd import FOLLOWED, follow, ladders
from homespun.kernels.threads import over_blocks
from homespun.tree.dependence import average_out
from homespun.tree.structure import levels

LEAVES = 256  # places that a byte can name
TOGETHER = 4  # trees whose values are added in one pass over the rows
BLOCK = 2048  # rows of one task: their codes are in the cache until all trees have read them
FEW = 4  # rows that are walked: `follow` takes a hundred at once
PITCH = 64  # from one column of codes to the next it is more than the rows by this: a power of two would share lines of the cache


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
    followed = np.array([tree.n_leaves <= LEAVES and len(tree.sets) == 0 for tree in trees], dtype=bool)
    forest |= {"start": starts, "n_scores": np.array(n_scores), "edges": edges,
               "followed": np.flatnonzero(followed).astype(np.int64), "walked": np.flatnonzero(~followed).astype(np.int64)}
    return forest | _tables(forest)


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
    followed, walked = part("followed", np.int64, None), part("walked", np.int64, None)
    both = np.concatenate([followed, walked])
    if not (np.array_equal(np.sort(both), np.arange(trees)) and all((np.diff(some) > 0).all() for some in (followed, walked))):
        refuse(owner, "_forest['followed'] and ['walked']", "ascending, and together all trees", f"{both[:10]} of {trees} trees")
    for name, table in _tables(forest).items():
        if not np.array_equal(part(name, table.dtype.type, *table.shape), table):
            refuse(owner, f"_forest[{name!r}]", "what follows from the trees", "something else")


def _tables(forest) -> dict[str, np.ndarray]:
    """What prediction reads, from the trees as they are:

    nodes (m, 4)          feature, left, right, and the number of the set; -1: none, and missing values go left; -2: they go right
    threshold (m,)        the greatest number that goes left
    features (f,)         those that a followed tree asks for, and in
    ladders (f, 256)      their thresholds, in the order of a search
    splits (s, 5)         of followed trees, see `follow`: of tree j those from split_start[j] to split_start[j + 1] - 1
    place_value           of place p of tree j at [split_start[j] + j + p]: it has one place more than splits
    """
    left, right, value = forest["left"].tolist(), forest["right"].tolist(), forest["value"]
    start, followed = forest["start"].tolist(), forest["followed"].tolist()
    split_nodes: list[int] = []
    places: list[tuple[int, int]] = []
    place_value, split_start = [], [0]
    for t in followed:
        node_at, place = [start[t]], {start[t]: 0}  # place → the node whose rows are there, and back
        for node in range(start[t], start[t + 1]):  # parents come before their children
            if left[node] >= 0:
                split_nodes.append(node)
                places.append((place[node], len(node_at)))
                node_at[place[node]] = left[node]
                place[left[node]], place[right[node]] = place[node], len(node_at)
                node_at.append(right[node])
        split_start.append(len(split_nodes))
        place_value.append(value[node_at])
    features = np.unique(forest["feature"][split_nodes]).astype(np.int64)
    column = features.searchsorted(forest["feature"][split_nodes])
    missing_left = (forest["missing_left"] > 0).astype(np.int32)
    turn = missing_left[split_nodes]
    splits = np.column_stack([column, turn, forest["bin"][split_nodes] + turn, np.array(places, np.int64).reshape(-1, 2)])
    decides = np.where(forest["set_index"] >= 0, forest["set_index"], missing_left - 2).astype(np.int32)
    nodes = np.stack([forest[name] for name in ("feature", "left", "right")] + [decides], axis=1)
    by_bin = (forest["left"] >= 0) & (forest["set_index"] < 0)
    threshold = np.zeros(len(nodes))
    threshold[by_bin] = forest["edges"][forest["feature"][by_bin], forest["bin"][by_bin]]
    return {"nodes": nodes, "threshold": threshold, "features": features, "ladders": ladders(forest["edges"][features]),
            "splits": splits.astype(np.int32), "split_start": np.array(split_start),
            "place_value": np.concatenate([np.empty(0), *place_value])}


def add_scores(forest, X, raw, first: int = 0, stop: int | None = None, size: int = BLOCK):
    """raw (K, n) += scores of the trees first … stop - 1 for X (n, d), float32 or float64; returns `raw`.

    `size` rows are a task.
    """
    stop = len(forest["start"]) - 1 if stop is None else stop
    followed, walked, blocks = forest["followed"], forest["walked"], -(-len(X) // size)
    a, b = followed.searchsorted(first), followed.searchsorted(stop)
    walked = walked[walked.searchsorted(first):walked.searchsorted(stop)]
    if len(X) <= FEW:  # in the order that many rows get, so that they get the same sum
        a, b, walked = 0, 0, np.concatenate([followed[a:b], walked])
        X = X.astype(np.float64, copy=False)
    if a < b:
        trees = np.arange(a, b)
        if len(raw) > 1:
            trees = trees[(followed[a:b] % len(raw)).argsort(kind="stable")]  # those of one score side by side
        tables = trees, followed[trees] % len(raw), forest["splits"], forest["split_start"], forest["place_value"]
        numbers, thresholds = same_kind(X, forest["ladders"])
        over_blocks(_follow, blocks, size, numbers, forest["features"], thresholds.ravel(), *tables, raw)
    if len(walked):
        over_blocks(walked_block, blocks, size, X, walked % len(raw), forest["start"][walked], forest["nodes"],
                    forest["threshold"], forest["value"], forest["sets"], raw)
    return raw


def _follow(block, size, X, features, thresholds, trees, score, splits, split_start, value, raw):
    """Codes of the block's rows, then the trees."""
    part = slice(block * size, (block + 1) * size)
    X, raw = X[part], raw[:, part]
    width = -(-len(X) // FOLLOWED) * FOLLOWED + PITCH
    codes = np.empty((len(features), width), np.uint8)
    code_block(0, size, X, features, thresholds, codes)
    follow_block(codes.ravel(), width, splits, split_start, trees, score, value, raw)


@kernel("void(u1[::1], i8, i4[:, ::1], i8[::1], i8[::1], i8[::1], f8[::1], f8[:, :])", fastmath=False)
def follow_block(codes, width, splits, split_start, trees, score, value, raw):  # IN codes (f, width).   OUT raw (K, n)
    """Sums are taken tree after tree, as one would by hand; four in one pass read and write `raw` once: 4.4 → 2.9 ms of 7."""
    found = np.empty((TOGETHER, FOLLOWED), np.uint8)
    for first in range(0, raw.shape[1], FOLLOWED):
        rows = min(FOLLOWED, raw.shape[1] - first)
        t = 0
        while t < trees.size:
            together = 1
            if t + TOGETHER <= trees.size and score[t + TOGETHER - 1] == score[t]:  # no mutant (<= → <): the sums are the same
                together = TOGETHER
            for j in range(together):
                follow(codes, first, width, splits, split_start[trees[t + j]], split_start[trees[t + j] + 1], found[j], rows)
            total = raw[score[t], first:first + rows]
            a = value[split_start[trees[t]] + trees[t]:]
            if together == TOGETHER:
                b = value[split_start[trees[t + 1]] + trees[t + 1]:]
                c = value[split_start[trees[t + 2]] + trees[t + 2]:]
                d = value[split_start[trees[t + 3]] + trees[t + 3]:]
                for i in range(np.uint64(rows)):
                    total[i] = total[i] + a[found[0, i]] + b[found[1, i]] + c[found[2, i]] + d[found[3, i]]
            else:
                for i in range(np.uint64(rows)):
                    total[i] += a[found[0, i]]
            t += together


_WALKED = "void(i8, i8, {0}[:, :], i8[::1], i8[::1], i4[:, ::1], f8[::1], f8[::1], u1[:, ::1], f8[:, :])"


@kernel(_WALKED.format("f4"), _WALKED.format("f8"))
def walked_block(block, size, X, score, root, nodes, threshold, value, sets, raw):  # IN X (n, d).   OUT raw (K, n)
    for i in range(block * size, min(len(X), (block + 1) * size)):
        for t in range(root.size):
            node = root[t]
            while nodes[node, 1] >= 0:  # no mutant (1 → 2; 1 → 0; 0 → 1; >= → >): a leaf is -1 thrice, the root no child
                x, decides = np.float64(X[i, nodes[node, 0]]), nodes[node, 3]
                if decides >= 0:
                    code = np.uint8(x) if 0 <= x < MISSING else MISSING  # no mutant (< → <=): MISSING as a byte is itself
                    goes_left = sets[decides, code] > 0
                else:
                    goes_left = x <= threshold[node] or (decides == -1 and np.isnan(x))
                node = np.int64(nodes[node, 1] if goes_left else nodes[node, 2])
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
    """A tree with random tests, for examples and tests; of sets only on the last feature."""
    tree = Tree.empty(2 * leaves - 1)
    open_leaves, size = [0], 1
    tree.value[:] = rng.normal(size=2 * leaves - 1)
    chosen: list[np.ndarray] = []
    while len(open_leaves) < leaves:
        node = open_leaves.pop(int(rng.integers(len(open_leaves))))
        tree.feature[node], tree.bin[node], tree.missing_left[node] = rng.integers(d), rng.integers(255), rng.integers(2)
        tree.left[node], tree.right[node] = size, size + 1
        if sets and rng.random() < 0.5:
            tree.set_index[node], tree.feature[node] = len(chosen), d - 1
            chosen.append(rng.integers(0, 2, 256))
        open_leaves += [size, size + 1]
        size += 2
    return tree._replace(sets=np.array(chosen, dtype=np.uint8).reshape(-1, 256))


def _scores_example(dtype, n, count):
    def example(rng):
        sizes = [32, 5, 40, 1, 20, 256, 2, 3, 257, 31, 7, 30, 4, 8, 6, 9][:count]  # of each score 7 and 6 followed, or 5 and 4
        trees = [random_tree(rng, leaves, 4, sets=leaves in (5, 3)) for leaves in sizes]
        edges = np.sort(rng.normal(size=(4, 255)), axis=1)
        edges[:, 254:] = edges[0, 200:] = np.inf  # a code of 255 is missing; a cut between infinity and missing
        edges[3, :254] = np.arange(254) + 0.5
        X = rng.normal(size=(n, 4)).astype(dtype)
        X[:, 3] = rng.integers(0, 255, n)
        X[2::6], X[1::9, 0], X[2::9, 1] = np.nan, np.inf, -np.inf
        return pack_forest(trees, 2, edges), X, rng.normal(size=(2, n)), 0, len(trees), 600
    return example


def _scores_on_copy(forest, X, raw, first, stop, size):
    return add_scores(forest, X, raw.copy(), first, stop, size)


@oracle(_scores_on_copy, kernels=(follow_block, walked_block), rtol=0, atol=0, example=(
    _scores_example(np.float64, 640, 16), _scores_example(np.float32, 640, 12), _scores_example(np.float64, FEW, 16)))
def scores_formula(forest, X, raw, first, stop, size):
    """Walk down each tree."""
    raw, edges, trees = raw.copy(), forest["edges"], unpack_forest(forest)
    order = np.concatenate([forest["followed"], forest["walked"]])
    for t in order[(first <= order) & (order < stop)]:
        tree = trees[t]
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
