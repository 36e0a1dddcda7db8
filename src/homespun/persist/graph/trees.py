"""Trees, forests and boosted trees as one TreeEnsemble in double precision.

A leaf of ONNX adds one number to one output. So where a leaf holds several (shares of classes, outputs), each tree has an
output of its own that says the number of its leaf, and the leaves' values are gathered from a table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.persist.graph.builder import Answer, Matrix, form, no_form
from homespun.persist.graph.categories import codes
from homespun.persist.graph.models import two_classes
from homespun.persist.graph.plumbing import most_likely

LEQ, MEMBER = 0, 6  # ONNX's numbers of the kinds of splits


@dataclass
class Nodes:
    """Nodes of some trees; rows for which the split is true go left.

    Attributes
    ----------
    left, right : arrays (m,), places of the children; -1 for a leaf
    feature, split, missing_left : arrays (m,): left where x <= split, or where x is missing and missing_left
    members : dict of node → values: left where x is one of them
    roots : array (trees,)
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    split: np.ndarray
    missing_left: np.ndarray
    roots: np.ndarray
    members: dict[int, np.ndarray]


def ensemble(g, X: Matrix, nodes: Nodes, weight, target, targets: int) -> str:
    """Sums of the leaves' weights by target, (n, targets). `weight` by node, `target` by tree."""
    from onnx import numpy_helper

    left, right, split, feature = nodes.left, nodes.right, nodes.split, nodes.feature
    inner = left >= 0
    number = np.where(inner, np.cumsum(inner) - 1, np.cumsum(~inner) - 1)  # among the inner nodes, or among the leaves
    leaf_of = np.flatnonzero(~inner)
    owner = _owners(nodes, inner)
    true, false = left[inner], right[inner]
    true_id, false_id = number[true], number[false]
    true_leaf, false_leaf = (~inner[true]).astype(np.int64), (~inner[false]).astype(np.int64)
    at = np.flatnonzero(inner)
    modes = np.where(np.isin(at, list(nodes.members)), MEMBER, LEQ).astype(np.uint8)
    members = [np.append(nodes.members[node], np.nan) for node in at[modes == MEMBER].tolist()]
    roots, alone = number[nodes.roots].copy(), np.flatnonzero(~inner[nodes.roots])
    # A tree that is one leaf: a node whose two ways lead to that leaf.
    extra = len(alone)
    lone_leaf = number[nodes.roots[alone]]
    roots[alone] = len(at) + np.arange(extra)
    more = {
        "nodes_featureids": np.append(feature[inner], np.zeros(extra, np.int64)),
        "nodes_truenodeids": np.append(true_id, lone_leaf),
        "nodes_falsenodeids": np.append(false_id, lone_leaf),
        "nodes_trueleafs": np.append(true_leaf, np.ones(extra, np.int64)),
        "nodes_falseleafs": np.append(false_leaf, np.ones(extra, np.int64)),
        "nodes_missing_value_tracks_true": np.append(nodes.missing_left[inner], np.zeros(extra)).astype(np.int64),
        "leaf_targetids": np.asarray(target)[owner[leaf_of]],
        "tree_roots": roots,
    }
    settings = {name: array.astype(np.int64).tolist() for name, array in more.items()}
    tensors = {
        "nodes_splits": np.append(np.where(modes == MEMBER, 0.0, split[inner]), np.zeros(extra)),
        "nodes_modes": np.append(modes, np.zeros(extra, np.uint8)).astype(np.uint8),
        "leaf_weights": np.asarray(weight, dtype=np.float64)[leaf_of],
    }
    if members:
        tensors["membership_values"] = np.concatenate(members).astype(np.float64)
    settings |= {name: numpy_helper.from_array(array) for name, array in tensors.items()}
    return g.op("TreeEnsemble", X.tensor, domain="ai.onnx.ml", n_targets=targets, aggregate_function=1, post_transform=0,
                **settings)


def _owners(nodes: Nodes, inner) -> np.ndarray:
    """The tree of each node, level by level."""
    owner = np.full(len(inner), -1, dtype=np.int64)
    level, tree = np.asarray(nodes.roots), np.arange(len(nodes.roots))
    while len(level):
        owner[level] = tree
        further = inner[level]
        level, tree = level[further], np.tile(tree[further], 2)
        level = np.concatenate([nodes.left[level], nodes.right[level]])
    return owner


def leaf_values(g, X: Matrix, nodes: Nodes, values) -> str:
    """The values (m, c) of the leaves that the rows end in, summed over the trees: (n, c)."""
    trees = len(nodes.roots)
    if values.shape[1] == 1:
        return ensemble(g, X, nodes, values[:, 0], np.zeros(trees, np.int64), 1)
    leaves = nodes.left < 0
    place = np.where(leaves, np.cumsum(leaves) - 1, 0)
    found = g.whole(ensemble(g, X, nodes, place, np.arange(trees), trees))  # (n, trees): exact, they are whole numbers
    picked = g.op("Gather", values[leaves].astype(np.float64), found)  # (n, trees, c)
    return g.op("ReduceSum", picked, np.array([1]), keepdims=0)


@form
def tree(g, spec, X):
    X, value = g.matrix(X), spec["value"]  # (m, outputs, classes)
    left = np.where(spec["left"] < 0, -1, spec["left"])
    nodes = Nodes(left, spec["right"], spec["feature"], spec["threshold"].astype(np.float64), spec["missing_left"],
                  np.array([0]), {})
    if "classes" not in spec:
        means = leaf_values(g, X, nodes, value[:, :, 0])
        return _amounts(g, means, value.shape[1])
    labels = _one_output(spec)
    shares = leaf_values(g, X, nodes, value[:, 0, : len(labels)])
    return _classified(g, shares, labels)


def _amounts(g, means, outputs) -> Answer:
    return Answer(g.flat(means)) if outputs == 1 else Answer(means, width=outputs)


def _one_output(spec):
    if len(spec["classes"]) > 1:
        raise no_form(spec, "several outputs with classes of their own are not handled")
    return np.asarray(spec["classes"][0])


def _classified(g, shares, labels) -> Answer:
    return Answer(most_likely(g, labels, shares), shares, labels)


@form
def forest(g, spec, X):
    """The mean of the trees. A node is one number: 32 bits left child, 23 feature, 1 side of missing values, 8 cut."""
    X, words, values = g.matrix(X), spec["words"].astype(np.int64), spec["values"]
    leaf = words == 0
    left = np.where(leaf, -1, words >> 32)
    feature = np.where(leaf, 0, (words >> 9) & 0x7FFFFF)
    first, cut = (words >> 8) & 1, words & 255
    nodes = Nodes(left, left + 1, feature, _edge(spec["edges"], feature, cut - first),
                  (first == 1) | (cut == 255), np.asarray(spec["roots"], dtype=np.int64), {})
    means = g.op("Div", leaf_values(g, X, nodes, values), float(len(spec["roots"])))
    if "classes" not in spec:
        return _amounts(g, means, values.shape[1])
    labels = _one_output(spec)
    if values.shape[1] > 1:
        return _classified(g, means, labels)
    first_share = g.op("Sub", 1.0, means)
    return _classified(g, g.op("Concat", first_share, means, axis=1) if len(labels) == 2 else first_share, labels)


def _edge(edges, feature, code) -> np.ndarray:
    """The largest number with at most `code` edges below it."""
    padded = np.hstack([np.full((len(edges), 1), -np.inf), edges.astype(np.float64), np.full((len(edges), 1), np.inf)])
    return padded[feature, np.clip(code + 1, 0, padded.shape[1] - 1)]


@form
def boosting(g, spec, X):
    kinds = spec["categories"] or [None] * len(spec["edges"])
    X = _with_codes(g, spec, X, kinds) if spec["categories"] else g.matrix(X)
    categorical = np.array([known is not None for known in kinds])
    left = np.where(spec["left"] < 0, -1, spec["left"]).astype(np.int64)
    right, feature = spec["right"].astype(np.int64), spec["feature"].astype(np.int64)
    inner = left >= 0
    members = {}
    for node in np.flatnonzero(inner & categorical[np.where(inner, feature, 0)]).tolist():
        inside = _set_of(spec, node, len(kinds[feature[node]]))
        if len(inside) * 2 > len(kinds[feature[node]]) + 1:  # the shorter of the two lists; the ways are exchanged
            inside = np.setdiff1d(np.append(np.arange(len(kinds[feature[node]])), 255), inside)
            left[node], right[node] = right[node], left[node]
        members[node] = inside.astype(np.float64)
    split = _edge(spec["edges"], np.where(inner, feature, 0), spec["bin"].astype(np.int64))
    trees = np.concatenate([spec["followed"], spec["walked"]]).astype(np.int64)
    nodes = Nodes(left, right, feature, split, spec["missing_left"] > 0, spec["start"][trees].astype(np.int64), members)
    k = len(spec["baseline"])
    raw = g.op("Add", ensemble(g, X, nodes, spec["value"], trees % k, k), np.asarray(spec["baseline"], dtype=np.float64))
    if "classes" not in spec:
        return Answer(g.op("Exp", g.flat(raw)) if spec["loss"] in ("poisson", "gamma") else g.flat(raw))
    labels = np.asarray(spec["classes"])
    if len(labels) == 1:
        ones = g.op("Expand", np.ones((1, 1)), g.op("Concat", g.rows(X), np.array([1]), axis=0))
        return _classified(g, ones, labels)
    if k == 1:
        return two_classes(g, raw, labels)
    return Answer(most_likely(g, labels, raw), g.op("Softmax", raw, axis=1), labels)


def _with_codes(g, spec, X, kinds) -> Matrix:
    """Numbers as they are, categories by their places; 255 stands for a missing or unknown one."""
    parts = []
    for column, known in zip(g.columns(X), kinds):
        if known is None:
            parts.append(Matrix(g.number(column), 1))
        elif _are_places(known) and not column.text:
            x = g.number(column)
            inside = g.op("And", g.op("GreaterOrEqual", x, 0.0), g.op("LessOrEqual", x, len(known) - 1.0))
            whole = g.op("And", inside, g.op("Equal", x, g.op("Floor", x)))
            parts.append(Matrix(g.op("Where", whole, x, 255.0), 1))
        else:
            table = np.append(np.arange(len(known), dtype=np.float64), 255.0)
            found = g.op("Gather", table, codes(g, column, known, strict=False))
            parts.append(Matrix(g.op("Reshape", found, np.array([-1, 1])), 1))
    return g.side_by_side(parts)


def _are_places(known) -> bool:
    """Whether the categories are 0, 1, 2, …: those of an OrdinalEncoder."""
    return all(not isinstance(value, str) and value == place for place, value in enumerate(known))


def _set_of(spec, node, count) -> np.ndarray:
    """The codes that go left; 255 among them if missing ones do."""
    chosen = int(spec["set_index"][node])
    if chosen >= 0:
        inside = np.flatnonzero(np.asarray(spec["sets"][chosen])[:count] > 0)
    else:
        inside = np.arange(min(int(spec["bin"][node]) + 1, count))
    return np.append(inside, 255) if spec["missing_left"][node] > 0 else inside
