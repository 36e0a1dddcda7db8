"""Decision trees (CART): halve the data by the best question of the form "is x[f] <= t", then each half, and so on.

    split(node) = argmax over f, t of   W I(node) - W_left I(left) - W_right I(right)       X: (n, d)  y: (n,) or (n, k)

Breiman, Friedman, Olshen & Stone 1984, "Classification and Regression Trees".  O(n d log n) to sort, then O(n d) per level
of the tree; 12 n d bytes. How a split is found: `grow`. How a tree predicts and is pruned: `structure`.

Differences from scikit-learn: float64 input keeps its precision; features with equal gains are taken in their order, not at
random, so that the same data gives the same tree; missing values work with every criterion and splitter; a sparse X is
made dense. "friedman_mse" orders the cuts of a node as "squared_error" does, and is taken as another name for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import UNUSED

from homespun.base.estimator import ClassifierMixin, Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Instance, OneOf, RandomState
from homespun.base.random import seed_from
from homespun.tree.grow import ABSOLUTE, DEVIANCE, VARIANCE, grow_tree
from homespun.tree.structure import Tree, build, check_nodes
from homespun.tree.target import SIZES, class_factors, encode, monotonic_signs, row_factors, sizes

CRITERIA = {"gini": VARIANCE, "entropy": DEVIANCE, "log_loss": DEVIANCE, "squared_error": VARIANCE, "friedman_mse": VARIANCE,
            "poisson": DEVIANCE, "absolute_error": ABSOLUTE}


class DecisionTree(Estimator):
    """What the classifier and the regressor share."""

    is_classifier = False
    n_outputs_: int
    n_classes_: Any  # a number, or an array of them for several outputs
    classes_: Any

    def _grow(self, X, y, sample_weight):
        check_params(self)
        X, y = self.validate(X, y, multi_output=True, accept_sparse="csc", dtype=(np.float64, np.float32),
                             ensure_all_finite="allow-nan", y_numeric=not self.is_classifier)
        weights = self.validate_weights(sample_weight, X)
        X = X.toarray() if sp.issparse(X) else X
        y = y.toarray() if sp.issparse(y) else y
        if not weights.all():
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        n, d = X.shape
        target = encode(self, y, self.is_classifier)
        factors = class_factors(getattr(self, "class_weight", None), target, weights)
        weights = weights * row_factors(factors, target)
        if not weights.all():  # a class of weight zero stays a class, its rows go
            X, target.y, weights = X[weights > 0], target.y[weights > 0], weights[weights > 0]
        min_split, min_leaf, self.max_features_ = sizes(self, n, d)
        nodes, facts, values = grow_tree(
            X, target.y, weights, target.n_classes, CRITERIA[self.criterion], self.splitter == "random", self.max_depth,
            min_split, min_leaf, self.max_features_, self.max_leaf_nodes,
            self.min_weight_fraction_leaf * weights.sum(), float(self.min_impurity_decrease),
            monotonic_signs(self, d, target), seed_from(self.random_state))
        tree = build(d, target.n_classes, nodes, facts, values, preorder=self.max_leaf_nodes is None)
        if self.ccp_alpha > 0:
            tree = tree.pruned(self.ccp_alpha)
        self.nodes_ = tree.arrays
        self.n_outputs_ = target.y.shape[1]
        if self.is_classifier:
            one = self.n_outputs_ == 1
            self.classes_ = target.classes[0] if one else target.classes
            self.n_classes_ = len(target.classes[0]) if one else np.array(target.n_classes)
        return self

    def check_state(self):
        """ModelFileError unless the nodes of a loaded tree are a tree."""
        if not hasattr(self, "nodes_"):
            return
        check_nodes(self, self.nodes_)

    @property
    def tree_(self) -> Tree:
        """The grown tree as arrays over its nodes."""
        check_is_fitted(self, "nodes_")
        return Tree(self.n_features_in_, getattr(self, "n_classes_", np.ones(self.n_outputs_, dtype=int)), **self.nodes_)

    def _rows(self, X, operation):
        check_is_fitted(self, "nodes_")
        X = self.validate(X, operation=operation, accept_sparse="csr", dtype=(np.float64, np.float32),
                          ensure_all_finite="allow-nan")
        return X.toarray() if sp.issparse(X) else X

    def apply(self, X, check_input=True):
        """Number of the leaf that each row ends in: (n,) int64. `check_input` is ignored: input is always checked."""
        return self.tree_.apply(self._rows(X, "apply"))

    def decision_path(self, X, check_input=True):
        """Sparse (n, nodes) matrix with a 1 for each node that a row passes."""
        return self.tree_.decision_path(self._rows(X, "decision_path"))

    def get_depth(self):
        """Questions between the root and the deepest leaf."""
        return self.tree_.max_depth

    def get_n_leaves(self):
        """Number of leaves."""
        return self.tree_.n_leaves

    @property
    def feature_importances_(self):
        """Share of the impurity decrease that each feature brought: (d,), sums to 1 unless there is no split."""
        return self.tree_.compute_feature_importances()

    def cost_complexity_pruning_path(self, X, y, sample_weight=None):
        """Alphas at which the tree loses its next branch, and the total impurity of the leaves from there on.

        Returns
        -------
        Bunch with ``ccp_alphas`` and ``impurities``, both (steps,).
        """
        from sklearn.base import clone

        whole = clone(self).set_params(ccp_alpha=0.0).fit(X, y, sample_weight=sample_weight)
        alphas, impurities, _ = whole.tree_.weakest_links()
        return Bunch(ccp_alphas=alphas, impurities=impurities)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags


class DecisionTreeClassifier(ClassifierMixin, DecisionTree):
    """A decision tree for classes.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"}
        Impurity: 1 - sum p^2, or - sum p log2 p.
    splitter : {"best", "random"}
        Every threshold, or one random threshold per feature.
    max_depth : int, optional
    min_samples_split, min_samples_leaf : int or float
        Rows that a node needs to be split, and that each child needs; a float is a share of all rows.
    min_weight_fraction_leaf : float
        Share of the total weight that each child needs.
    max_features : int, float, "sqrt", "log2" or None
        Features that are looked at for a split, drawn afresh for each; None: all, without any chance.
    random_state : int, RandomState or Generator, optional
    max_leaf_nodes : int, optional
        Splits the node of largest gain first, until there are so many leaves.
    min_impurity_decrease : float
        Gain that a split needs, as a share of the total weight.
    class_weight : dict, list of dict, "balanced" or None
    ccp_alpha : float
        Branches that lower the impurity by less than this per leaf are pruned.
    monotonic_cst : list of -1, 0, 1, optional
        Sign of each feature's effect on the probability of the second class.

    Attributes
    ----------
    classes_, n_classes_, n_outputs_, n_features_in_, feature_names_in_, max_features_, feature_importances_
    tree_ : Tree
    nodes_ : dict of arrays
        What `tree_` is made of.

    Examples
    --------
    >>> model = DecisionTreeClassifier().fit([[0, 0], [1, 0], [0, 1], [1, 1]], ["a", "b", "b", "a"])
    >>> model.predict([[1, 0], [1, 1]]).tolist(), model.get_depth()
    (['b', 'a'], 2)
    """

    __metadata_request__fit = {"check_input": UNUSED}
    __metadata_request__predict = {"check_input": UNUSED}
    __metadata_request__predict_proba = {"check_input": UNUSED}
    is_classifier = True
    params = {"criterion": OneOf("gini", "entropy", "log_loss"), "splitter": OneOf("best", "random"), **SIZES,
              "random_state": RandomState,
              "class_weight": OneOf("balanced", None) | Instance(dict, noun="a dict") | ArrayLike()}

    def __init__(self, *, criterion="gini", splitter="best", max_depth=None, min_samples_split=2, min_samples_leaf=1,
                 min_weight_fraction_leaf=0.0, max_features=None, random_state=None, max_leaf_nodes=None,
                 min_impurity_decrease=0.0, class_weight=None, ccp_alpha=0.0, monotonic_cst=None):
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst

    def fit(self, X, y, sample_weight=None, check_input=True):
        """Grow the tree on X (n, d), NaN is missing, and y (n,) or (n, outputs). A weight of 2 is the row twice."""
        return self._grow(X, y, sample_weight)

    def predict_proba(self, X, check_input=True):
        """Shares of the classes in each row's leaf: (n, classes), a list of such for several outputs."""
        values = self.tree_.value[self.apply(X)]
        if self.n_outputs_ == 1:
            return values[:, 0, :self.n_classes_]
        return [values[:, output, :count] for output, count in enumerate(self.n_classes_)]

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`; -inf for a class that the leaf does not hold."""
        shares = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(shares) if self.n_outputs_ == 1 else [np.log(one) for one in shares]

    def predict(self, X, check_input=True):
        """The most frequent class of each row's leaf; the first one of a tie."""
        return most_likely(self, self.predict_proba(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class DecisionTreeRegressor(RegressorMixin, DecisionTree):
    """A decision tree for numbers.

    Parameters
    ----------
    criterion : {"squared_error", "friedman_mse", "absolute_error", "poisson"}
        What a leaf's prediction minimises: the mean for squared error and Poisson deviance, the median for absolute error.
    monotonic_cst : list of -1, 0, 1, optional
        Sign of each feature's effect on the prediction.
    others
        As in `DecisionTreeClassifier`.

    Examples
    --------
    >>> DecisionTreeRegressor(max_depth=1).fit([[1], [2], [3], [4]], [1.0, 1.0, 5.0, 7.0]).predict([[0], [9]]).tolist()
    [1.0, 6.0]
    """

    __metadata_request__fit = {"check_input": UNUSED}
    __metadata_request__predict = {"check_input": UNUSED}
    params = {"criterion": OneOf("squared_error", "friedman_mse", "absolute_error", "poisson"),
              "splitter": OneOf("best", "random"), **SIZES, "random_state": RandomState}

    def __init__(self, *, criterion="squared_error", splitter="best", max_depth=None, min_samples_split=2,
                 min_samples_leaf=1, min_weight_fraction_leaf=0.0, max_features=None, random_state=None,
                 max_leaf_nodes=None, min_impurity_decrease=0.0, ccp_alpha=0.0, monotonic_cst=None):
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst

    def fit(self, X, y, sample_weight=None, check_input=True):
        """Grow the tree on X (n, d), NaN is missing, and y (n,) or (n, outputs). A weight of 2 is the row twice."""
        return self._grow(X, y, sample_weight)

    def predict(self, X, check_input=True):
        """Value of each row's leaf: (n,), or (n, outputs)."""
        values = self.tree_.value[self.apply(X)][:, :, 0]
        return values[:, 0] if self.n_outputs_ == 1 else values

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """What `sklearn.inspection.partial_dependence` calls for method "recursion": (points,), or (outputs, points)."""
        values = self.tree_.partial_dependence(np.asarray(grid, np.float64), target_features)
        return values[:, 0] if self.n_outputs_ == 1 else values.T


def most_likely(estimator, shares):
    """Class names from `predict_proba`, for one output or several."""
    if estimator.n_outputs_ == 1:
        return estimator.classes_[shares.argmax(axis=1)]
    return np.column_stack([names[one.argmax(axis=1)] for names, one in zip(estimator.classes_, shares)])
