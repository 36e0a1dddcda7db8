"""The grown tree: arrays with one entry per node, and what can be asked of them.

A row goes left at a node where x[feature] <= threshold, or where x[feature] is missing and missing_go_to_left is set.
Names are those of scikit-learn's `tree_`. Prediction costs O(depth) per row.

Pruning (Breiman et al. 1984, sec. 3.3): the weakest link is the node t of least

    alpha(t) = (R(t) - R(branch below t)) / (leaves below t - 1)        R: weighted impurity, as a share of the whole

It becomes a leaf; repeat while the least alpha is at most `ccp_alpha`.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from homespun.base.stored import children_of_trees, refuse, stored_array, stored_number, within
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.tree.dependence import average_out, places_of
from homespun.tree.grow import FEATURE, IMPURITY, LEFT, MISSING_LEFT, RIGHT, SAMPLES, THRESHOLD, WEIGHT

LEAF = -1  # the "children" of a leaf
KINDS = {"children_left": np.int64, "children_right": np.int64, "feature": np.int64, "threshold": np.float64,
         "missing_go_to_left": np.uint8, "impurity": np.float64, "n_node_samples": np.int64,
         "weighted_n_node_samples": np.float64}  # arrays with one number per node


class Tree:
    """A fitted tree, as arrays over its nodes; node 0 is the root.

    Attributes
    ----------
    node_count, n_leaves, max_depth, n_features, n_outputs : int
    children_left, children_right : (nodes,) int64, -1 in a leaf
    feature : (nodes,) int64, -2 in a leaf
    threshold : (nodes,) float64, -2 in a leaf; +inf where present values go left and missing ones right
    missing_go_to_left : (nodes,) uint8
    impurity, weighted_n_node_samples : (nodes,) float64
    n_node_samples : (nodes,) int64
    value : (nodes, outputs, classes) float64
        Shares of the classes, or (…, 1) the predicted number.

    Examples
    --------
    >>> from homespun.tree import DecisionTreeRegressor
    >>> tree = DecisionTreeRegressor().fit([[1.0], [2.0], [4.0]], [5.0, 5.0, 9.0]).tree_
    >>> tree.node_count, float(tree.threshold[0]), tree.value[:, 0, 0].round(2).tolist()
    (3, 3.0, [6.33, 5.0, 9.0])
    """

    children_left: np.ndarray
    children_right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_go_to_left: np.ndarray
    impurity: np.ndarray
    n_node_samples: np.ndarray
    weighted_n_node_samples: np.ndarray
    value: np.ndarray

    def __init__(self, n_features, n_classes, **arrays):
        self.n_features = n_features
        self.n_classes = np.atleast_1d(n_classes)
        self.arrays = arrays
        for name, array in arrays.items():
            setattr(self, name, array)

    @property
    def node_count(self):
        return self.children_left.size

    capacity = node_count

    @property
    def n_leaves(self):
        return int((self.children_left == LEAF).sum())

    @property
    def max_depth(self):
        return int(self.depths().max())

    @property
    def n_outputs(self):
        return self.value.shape[1]

    @property
    def max_n_classes(self):
        return self.value.shape[2]

    def depths(self):
        depth = np.zeros(self.node_count, dtype=np.int64)
        for parents in levels(self.children_left, self.children_right)[:-1]:
            for children in (self.children_left, self.children_right):
                inner = parents[children[parents] != LEAF]
                depth[children[inner]] = depth[inner] + 1
        return depth

    def apply(self, X):
        """The leaf that each row of X (n, d), dense or sparse, ends in: (n,) int64."""
        X = X.toarray() if sp.issparse(X) else X
        return find_leaves(X, self.children_left, self.children_right, self.feature, self.threshold,
                           self.missing_go_to_left)

    def predict(self, X):
        """Values of those leaves: (n, outputs, classes), for one output (n, classes)."""
        values = self.value[self.apply(X)]
        return values[:, 0] if self.n_outputs == 1 else values

    def decision_path(self, X):
        """Sparse (n, nodes) matrix with a 1 for each node that a row passes."""
        parent = np.full(self.node_count, -1, dtype=np.int64)
        inner = np.flatnonzero(self.children_left != LEAF)
        parent[self.children_left[inner]] = parent[self.children_right[inner]] = inner
        rows, nodes = np.arange(X.shape[0]), self.apply(X)
        found = []
        while rows.size:
            found.append((rows, nodes))
            rows, nodes = rows[nodes != 0], parent[nodes[nodes != 0]]
        rows, nodes = (np.concatenate(parts) for parts in zip(*found)) if found else (rows, nodes)
        path = sp.csr_matrix((np.ones(rows.size, dtype=np.int64), (rows, nodes)), shape=(X.shape[0], self.node_count))
        path.sort_indices()
        return path

    def compute_feature_importances(self, normalize=True):
        """Impurity decrease that each feature brought, summed over its splits."""
        inner = np.flatnonzero(self.children_left != LEAF)
        mass = self.weighted_n_node_samples * self.impurity
        decrease = mass[inner] - mass[self.children_left[inner]] - mass[self.children_right[inner]]
        sums = np.bincount(self.feature[inner], decrease, minlength=self.n_features) / self.weighted_n_node_samples[0]
        return sums / sums.sum() if normalize and sums.sum() > 0 else sums

    def compute_partial_dependence(self, X, target_features, out):
        """out (points,) += the partial dependence on `target_features`, at the points X (points, features), of the first output.

        As scikit-learn's: where the tree asks about another feature, both branches count, by their training weight.
        """
        out += self.partial_dependence(np.asarray(X, np.float64), target_features)[:, 0]

    def partial_dependence(self, grid, features):
        """Mean value over the other features at each point of the grid (points, features): (points, outputs)."""
        place = places_of(features, self.n_features)
        mass = self.weighted_n_node_samples

        def goes_left(nodes, some):
            x = grid[some, place[self.feature[nodes]]].T
            return (x <= self.threshold[nodes, None]) | (np.isnan(x) & (self.missing_go_to_left[nodes, None] == 1))

        left, inner = self.children_left, self.children_left != LEAF
        return average_out(levels(left, self.children_right), left, self.children_right, mass[left] / mass,
                           self.value[:, :, 0], inner & (place[self.feature] >= 0), goes_left, len(grid))

    # -- pruning -------------------------------------------------------------------------------------------------------

    def weakest_links(self, up_to=np.inf):
        """Prune while the weakest link's alpha is at most `up_to`.

        Returns (alphas, total impurity of the leaves after each step, kept (nodes,) bool).
        """
        left, right = self.children_left, self.children_right
        risk = self.weighted_n_node_samples * self.impurity / self.weighted_n_node_samples[0]
        parent = np.full(self.node_count, -1, dtype=np.int64)
        inner = np.flatnonzero(left != LEAF)
        parent[left[inner]] = parent[right[inner]] = inner
        branch_risk, leaves = risk.copy(), np.ones(self.node_count, dtype=np.int64)
        for parents in reversed(levels(left, right)):
            split = parents[left[parents] != LEAF]
            branch_risk[split] = branch_risk[left[split]] + branch_risk[right[split]]
            leaves[split] = leaves[left[split]] + leaves[right[split]]
        alpha = np.full(self.node_count, np.inf)
        alpha[inner] = (risk[inner] - branch_risk[inner]) / (leaves[inner] - 1)
        alphas, impurities = [0.0], [branch_risk[0]]
        kept = np.ones(self.node_count, dtype=bool)
        while alpha.min() < np.inf and alpha.min() <= up_to:
            node = int(alpha.argmin())
            alphas.append(alpha[node])
            below = [left[node], right[node]]
            while below:
                child = below.pop()
                kept[child], alpha[child] = False, np.inf
                if left[child] != LEAF and kept[left[child]]:
                    below += [left[child], right[child]]
            gone, risen = leaves[node] - 1, risk[node] - branch_risk[node]
            alpha[node] = np.inf
            branch_risk[node], leaves[node] = risk[node], 1
            above = parent[node]
            while above != -1:
                leaves[above] -= gone
                branch_risk[above] += risen
                alpha[above] = (risk[above] - branch_risk[above]) / (leaves[above] - 1)
                above = parent[above]
            impurities.append(branch_risk[0])
        return np.array(alphas), np.array(impurities), kept

    def pruned(self, ccp_alpha):
        """The tree without its links weaker than `ccp_alpha`."""
        kept = self.weakest_links(ccp_alpha)[2]
        left, right = self.children_left, self.children_right
        new_leaf = (left != LEAF) & ~kept[left]
        number = np.cumsum(kept) - 1
        arrays = {name: array[kept].copy() for name, array in self.arrays.items()}
        leaf = new_leaf[kept] | (left[kept] == LEAF)
        arrays["children_left"] = np.where(leaf, LEAF, number[left[kept]])
        arrays["children_right"] = np.where(leaf, LEAF, number[right[kept]])
        arrays["feature"][leaf], arrays["threshold"][leaf], arrays["missing_go_to_left"][leaf] = -2, -2.0, 0
        return Tree(self.n_features, self.n_classes, **arrays)


def check_nodes(owner, nodes):
    """ModelFileError unless the arrays `nodes` of the fitted tree `owner`, from a file, are safe to walk."""
    d = stored_number(owner, "n_features_in_", getattr(owner, "n_features_in_", None))
    outputs = stored_number(owner, "n_outputs_", getattr(owner, "n_outputs_", None))
    if type(nodes) is not dict or nodes.keys() != KINDS.keys() | {"value"}:
        refuse(owner, "nodes_", "a dict of " + ", ".join([*KINDS, "value"]),
               ", ".join(map(str, nodes)) if type(nodes) is dict else f"a {type(nodes).__name__}")
    left = stored_array(owner, "nodes_['children_left']", nodes["children_left"], np.int64, None)
    if left.size == 0:
        refuse(owner, "nodes_['children_left']", "at least one node", 0)
    for name, dtype in KINDS.items():
        stored_array(owner, f"nodes_[{name!r}]", nodes[name], dtype, left.size)
    classes = np.atleast_1d(getattr(owner, "n_classes_", 1)).max()
    stored_array(owner, "nodes_['value']", nodes["value"], np.float64, left.size, outputs, classes)
    right = nodes["children_right"]
    inner = np.flatnonzero((left != LEAF) | (right != LEAF))
    children_of_trees(owner, "a child in nodes_", inner, left[inner], right[inner], np.zeros(1, np.int64), left.size)
    within(owner, "nodes_['feature']", nodes["feature"][inner], 0, d)


def levels(left, right):
    """Nodes by depth: [root], [its children], …"""
    found = [np.zeros(1, dtype=np.int64)]
    while found[-1].size:
        inner = found[-1][left[found[-1]] != LEAF]
        found.append(np.concatenate([left[inner], right[inner]]))
    return found[:-1]


def preorder_places(left, right):
    """Where each node comes if they are numbered depth first, a node before its left branch and that before its right one."""
    by_depth, size, place = levels(left, right), np.ones(len(left), np.int64), np.zeros(len(left), np.int64)
    for parents in reversed(by_depth):
        inner = parents[left[parents] != LEAF]
        size[inner] += size[left[inner]] + size[right[inner]]
    for parents in by_depth:
        inner = parents[left[parents] != LEAF]
        place[left[inner]] = place[inner] + 1
        place[right[inner]] = place[inner] + 1 + size[left[inner]]
    return place


def build(n_features, n_classes, nodes, facts, values, preorder):
    """A `Tree` from what `grow_tree` returns. `n_classes` (outputs,) or None; `preorder`: number nodes depth first."""
    left, right = nodes[:, LEFT], nodes[:, RIGHT]
    order = np.arange(len(nodes))
    if preorder:
        place = preorder_places(left, right)
        order = np.argsort(place)
        left, right = (np.where(child == LEAF, LEAF, place[child]) for child in (left, right))
    outputs = np.ones(values.shape[1], np.int64) if n_classes is None else np.asarray(n_classes)
    value = np.zeros((len(nodes), outputs.size, int(outputs.max())))
    begin = 0
    for output, count in enumerate(outputs):
        value[:, output, :count] = values[order, begin:begin + count]
        begin += count
    return Tree(
        n_features, outputs, children_left=left[order], children_right=right[order],
        feature=nodes[order, FEATURE], threshold=facts[order, THRESHOLD],
        missing_go_to_left=nodes[order, MISSING_LEFT].astype(np.uint8), impurity=facts[order, IMPURITY],
        n_node_samples=nodes[order, SAMPLES], weighted_n_node_samples=facts[order, WEIGHT], value=value)


def find_leaves(X, left, right, feature, threshold, missing_left):
    """The leaf that each row of X ends in."""
    leaves = np.empty(len(X), dtype=np.int64)
    walk(np.asarray(X, dtype=np.float64), left, right, feature, threshold, missing_left, leaves)
    return leaves


@kernel("void(f8[:, :], i8[:], i8[:], i8[:], f8[:], u1[:], i8[::1])")
def walk(X, left, right, feature, threshold, missing_left, leaves):  # OUT leaves (n,)
    for i in range(X.shape[0]):
        node = 0
        while left[node] >= 0:
            x = X[i, feature[node]]
            goes_left = x <= threshold[node] or (x != x and missing_left[node] == 1)
            node = left[node] if goes_left else right[node]
        leaves[i] = node


def _example(rng):
    X = rng.normal(size=(40, 2))
    X[::5, 0] = np.nan
    X[0, 1] = 0.1
    left, right = np.array([1, 3, -1, -1, -1]), np.array([2, 4, -1, -1, -1])
    return X, left, right, np.array([1, 0, -2, -2, -2]), np.array([0.1, -0.3, -2, -2, -2]), np.array(
        [0, rng.integers(2), 0, 0, 0], dtype=np.uint8)


@oracle(find_leaves, kernels=(walk,), example=(_example, lambda rng: _example(np.random.default_rng(1))), rtol=0, atol=0)
def find_leaves_formula(X, left, right, feature, threshold, missing_left):
    """All rows walk one level at a time."""
    nodes = np.zeros(len(X), dtype=np.int64)
    while (left[nodes] != LEAF).any():
        x = X[np.arange(len(X)), feature[nodes]]
        goes_left = (x <= threshold[nodes]) | (np.isnan(x) & (missing_left[nodes] == 1))
        nodes = np.where(left[nodes] == LEAF, nodes, np.where(goes_left, left[nodes], right[nodes]))
    return nodes


