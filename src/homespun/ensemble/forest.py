"""Random forests: many deep trees, each grown on a bootstrap sample and looking at a few random features per split.

    predict(x) = mean over trees t of  value of the leaf of t that x falls into                X: (n, d)   y: (n,) or (n, k)

Breiman 2001, "Random Forests", Machine Learning 45(1).  O(trees * max_features * n log n) time; n d bytes for the data.
How a tree grows: `forest_grow`. How values become bytes: `homespun.kernels.binning`.

Where we differ from scikit-learn:
* Cuts are sought between at most 255 quantile bins of each feature; with up to 255 distinct values nothing is lost.
* Rows enter in an order that their content decides, equal rows merged, and the bootstrap draws in proportion to the sample
  weights. So a weight of 2 is the row twice, a weight of 0 is no row, and shuffled rows give the same forest, to the last bit.
  Weights that are whole numbers are counts: as many rows are drawn as they sum to; others are relative: n rows are drawn.
* `min_samples_split` and `min_samples_leaf` count draws (distinct rows where `homespun.tree.grow` grows the trees, see
  `forest_grow`). Out of bag is a row of which no equal row was drawn.
* Class weights weigh the votes in the leaves and do not change what is drawn.
* No training data and no Python tree is kept: `estimators_` is built on request, and so are `estimators_samples_`, from a
  seed for each tree and 4 bytes a row that say which rows are equal. A sparse X is binned by blocks of columns; its codes are
  dense, n d bytes.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import ClassifierMixin, Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean, CallableWith, Instance, Integer, NJobs, OneOf, RandomState
from homespun.base.progress import progress
from homespun.base.random import seed_from
from homespun.base.stored import FLOATS, children_of_trees, refuse, stored_array, stored_number, within
from homespun.ensemble.forest_grow import BINARY, NUMBERS, divided, drawn, grow_forest, leaf_sums, states_of
from homespun.kernels import num_threads
from homespun.kernels.binning import EDGES, MISSING, bin_columns, bin_rows, find_edges
from homespun.kernels.threads import over_blocks
from homespun.tree.cart import CRITERIA, DecisionTreeClassifier, DecisionTreeRegressor, most_likely
from homespun.tree.dependence import average_out, places_of
from homespun.tree.grow import ABSOLUTE, FEATURE, IMPURITY, LEFT, MISSING_LEFT, SAMPLES, THRESHOLD, WEIGHT, grow_tree
from homespun.tree.structure import LEAF, Tree, levels, preorder_places
from homespun.tree.target import SIZES, Share, class_factors, encode, monotonic_signs, row_factors, sizes

DRAWS = 2**31  # rows that may be drawn for a tree; counts of 32 bits must hold them

PARAMS = {"n_estimators": Integer(low=1), **SIZES, "bootstrap": Boolean(),
          "oob_score": Boolean() | CallableWith("a function of (y_true, y_pred)"), "n_jobs": NJobs,
          "random_state": RandomState, "verbose": Integer(low=0) | Boolean(), "warm_start": Boolean(),
          "max_samples": Integer(low=1, high=DRAWS) | Share(0.0, float(DRAWS), open="low") | None}


class Forest(Estimator):
    """What the classifier and the regressor share. A fitted forest is five arrays over the nodes of all its trees."""

    is_classifier = False
    n_outputs_: int
    n_classes_: Any  # a number, or an array of them for several outputs
    classes_: Any
    words_: np.ndarray
    roots_: np.ndarray
    values_: np.ndarray
    facts_: np.ndarray
    edges_: Any
    values_width_: int
    _bag: dict[str, np.ndarray]  # what each tree drew from: see `_remember`

    def fit(self, X, y, sample_weight=None):
        """Grow the forest on X (n, d), NaN is missing, and y (n,) or (n, outputs).

        Ctrl-C keeps the trees that are finished, and is raised again.
        """
        check_params(self)
        X, y = self.validate(X, y, multi_output=True, accept_sparse="csc", dtype=(np.float64, np.float32),
                             ensure_all_finite="allow-nan", y_numeric=not self.is_classifier)
        weights = self.validate_weights(sample_weight, X)
        self._check_together()
        if sp.issparse(y):
            y = y.toarray()
        used = np.flatnonzero(weights)
        if used.size < weights.size:
            all_rows, X, y, weights = X, X[used], y[used], weights[used]
        else:
            all_rows = X
        target = encode(self, y, self.is_classifier)
        done = self._begin(target)
        if self.edges_ is None:
            self.edges_ = by_columns(find_edges, X, weights)
        if self.n_estimators == done:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", UserWarning,
                          stacklevel=2)
        codes = np.concatenate([np.empty((0, X.shape[0]), np.uint8), by_columns(bin_columns, X, self.edges_)])
        first, entry, merged = merge_equal_rows(codes, target.y, weights)
        votes, voters = np.zeros((first.size, self.values_width_)), np.zeros(first.size)
        base = merged.sum() if counts_rows(merged, X.shape[0]) else X.shape[0]
        merged, draws = self._weigh(merged, target.y[first], target, base)
        seeds = self._remember(all_rows.shape[0], used, entry, merged, done, draws)
        rows = np.ascontiguousarray(codes[:, first].T) if self.oob_score else codes[:0]

        def vote(counts, words, values):
            out = np.flatnonzero(counts == 0)
            votes[out] += leaf_sums(rows[out], words, np.zeros(1, np.int64), values, threads(self.n_jobs))
            voters[out] += 1

        for t in range(done if self.oob_score else 0):  # trees of earlier fits, which are on the same data
            begin, end = self._span(t)
            vote(drawn(merged, self._bag["draws"][t], seeds[t]), self._own_words(t), self.values_[begin:end])
        nodes = Nodes(self.words_, self.values_, self.facts_, self.roots_, self.n_estimators)
        try:
            grown = self._grow(np.ascontiguousarray(codes[:, first]), target, target.y[first], merged, base, draws,
                               seeds[done:])
            with contextlib.closing(progress(total=self.n_estimators - done, label=f"{type(self).__name__}.fit")) as bar:
                for words, values, facts, counts in grown:
                    nodes.append(words, values, facts)
                    if self.oob_score:
                        vote(counts, words, values)
                    bar.update(1)
        finally:  # also what was grown before a Ctrl-C is a forest
            self.words_, self.values_, self.facts_, self.roots_ = nodes.joined()
        if self.oob_score:
            self._score_out_of_bag(votes[entry], voters[entry], target, used, all_rows)
        return self

    # -- growing -------------------------------------------------------------------------------------------------------

    def _check_together(self):
        name = type(self).__name__
        if not self.bootstrap and (self.oob_score or self.max_samples is not None):
            what = "oob_score" if self.oob_score else "max_samples"
            raise ParameterError(f"{name}: {what} needs bootstrap=True, got bootstrap=False", operation=f"{name}.fit",
                                 operands={"bootstrap": False, what: getattr(self, what)}, rule="bootstrap is True")

    def _begin(self, target):
        """Set what is known before the first tree; return the number of trees that a warm start keeps."""
        classes = target.classes
        if self.warm_start and hasattr(self, "words_"):
            done = len(self.roots_)
            if self.n_estimators < done:
                raise ParameterError(f"{type(self).__name__}: n_estimators={self.n_estimators} must be at least the {done} "
                                     "trees that the forest has, with warm_start=True", operation="fit",
                                     operands={"n_estimators": self.n_estimators}, rule=f"n_estimators >= {done}")
            old = [self.classes_] if self.n_outputs_ == 1 and self.is_classifier else getattr(self, "classes_", [])
            if self.n_outputs_ != target.y.shape[1] or [list(names) for names in old] != [list(n) for n in classes]:
                raise DataError(f"{type(self).__name__}.fit: a warm start needs the classes and outputs of the first fit",
                                operation="fit", operands={"y": target.y.shape}, rule="same classes and outputs")
            return done
        self.n_outputs_ = target.y.shape[1]
        if self.is_classifier:
            self.classes_ = classes[0] if self.n_outputs_ == 1 else classes
            self.n_classes_ = len(classes[0]) if self.n_outputs_ == 1 else np.array(target.n_classes)
        wide = sum(target.n_classes) if self.is_classifier else self.n_outputs_
        self.values_width_ = 1 if self.is_classifier and self.n_outputs_ == 1 and wide <= 2 else wide
        self.words_, self.roots_ = np.empty(0, np.int64), np.empty(0, np.int64)
        self.values_, self.facts_ = np.empty((0, self.values_width_)), np.empty((0, 3), np.float32)
        self.edges_ = None
        return 0

    def _weigh(self, weights, y, target, base):
        """(weights of the merged rows, 0 in a class of weight zero, whose rows are out; draws for a tree, 0: no bootstrap)."""
        draws = 0
        if self.bootstrap:
            share = self.max_samples
            draws = int(base if share is None else share if isinstance(share, (int, np.integer)) else max(1, share * base))
            if draws > DRAWS:
                raise ParameterError(f"{type(self).__name__}: max_samples={share} of {base:.0f} rows are {draws} draws for each "
                                     f"tree, more than {DRAWS}", operation="fit", operands={"max_samples": share},
                                     rule=f"at most {DRAWS} draws for a tree", suggestion="max_samples=1.0")
        merged = type(target)(y, target.classes)
        kept = weights * (row_factors(class_factors(self._class_weight(), merged, weights), merged) > 0)
        return kept if kept.any() else weights, draws

    def _class_weight(self):
        given = getattr(self, "class_weight", None)
        return "balanced" if isinstance(given, str) else given

    def _remember(self, n, used, entry, weights, done, draws):
        """Note what each tree draws from and how, so that `drawn` can do it again; returns the seeds of all trees.

        _bag: seeds, draws (trees,); entry (n,) int32: the merged row that a row is part of, -1: its weight is zero;
        weights (merged rows,), or (0,) where all are 1.
        """
        old = getattr(self, "_bag", {}) if done else {}
        nothing = np.zeros(done, np.int64)  # of a forest that an older version saved: no row is known to be out of its bags
        new = np.random.SeedSequence(seed_from(self.random_state)).generate_state(self.n_estimators)[done:].astype(np.int64)
        whole = np.full(n, -1, np.int32)
        whole[used] = entry
        self._bag = {"seeds": np.concatenate([old.get("seeds", nothing)[:done], new]),
                     "draws": np.concatenate([old.get("draws", nothing)[:done], np.full(new.size, draws)]),
                     "entry": whole, "weights": np.empty(0) if (weights == 1).all() else weights}
        return self._bag["seeds"]

    def _grow(self, codes, target, y, weights, base, draws, seeds):
        """Yield (words, values, facts, counts) of each new tree. `y` and `weights` are those of the merged rows."""
        d, n_merged = codes.shape
        min_split, min_leaf, max_features = sizes(self, draws or base, d)
        balanced = getattr(self, "class_weight", None) == "balanced_subsample"
        merged = type(target)(y, target.classes)
        factors = class_factors(self._class_weight(), merged, weights)
        signs = monotonic_signs(self, d, target)
        criterion = CRITERIA[self.criterion]
        if (self.n_outputs_ == 1 and criterion != ABSOLUTE and signs is None and self.max_leaf_nodes is None
                and (self.bootstrap or counts_rows(weights, base))):
            kind = NUMBERS if not self.is_classifier else max(BINARY, len(target.classes[0]))
            factor = np.ones(max(kind, 1))
            if self.is_classifier:
                factor[:len(factors[0])] = factors[0]
            split, shares = divided(weights, draws)
            if split.size > n_merged:
                codes, y = np.ascontiguousarray(codes[:, split]), y[split]
            for words, values, facts, counts in grow_forest(
                    codes, y[:, 0], shares, kind, criterion, states_of(seeds), draws, factor,
                    2**31 if self.max_depth is None else self.max_depth, min_split, min_leaf, max_features,
                    self.min_weight_fraction_leaf, self.min_impurity_decrease, balanced and self.bootstrap, threads(self.n_jobs)):
                counts = counts if split.size == n_merged else np.bincount(split, counts, minlength=n_merged)
                yield self._pruned(words, values, facts) + (counts,)
            return
        numbers = np.where(codes == MISSING, np.nan, codes).T  # the exact grower, on the codes

        def grow(place, first, grown):
            seed, row_factor = int(seeds[first + place]), factor
            counts = drawn(weights, draws, seed).astype(float) if draws else weights
            if balanced and draws:
                row_factor = row_factors([np.where(np.isfinite(f), f, 0.0) for f in self._balance(merged, counts)], merged)
            row_weights = counts * row_factor
            some = np.flatnonzero(row_weights)
            nodes, facts, values = grow_tree(
                numbers[some], y[some], row_weights[some], target.n_classes, criterion, False, self.max_depth, min_split,
                min_leaf, max_features, self.max_leaf_nodes, self.min_weight_fraction_leaf * row_weights.sum(),
                self.min_impurity_decrease, signs, seed, within)
            grown[place] = self._pruned(*packed(nodes, facts, values, self.values_width_)) + (counts,)

        factor = row_factors(factors, merged)
        workers = threads(self.n_jobs) or num_threads()
        for begin in range(0, len(seeds), workers):
            together = min(workers, len(seeds) - begin)
            within = 1 if together > 1 else threads(self.n_jobs)  # threads of a tree
            trees = [None] * together
            over_blocks(grow, together, begin, trees, threads=workers)
            yield from trees

    @staticmethod
    def _balance(target, counts):
        with np.errstate(divide="ignore"):
            return class_factors("balanced", target, counts)

    def _pruned(self, words, values, facts):
        if self.ccp_alpha == 0:
            return words, values, facts
        tree = Tree(self.n_features_in_, 1, children_left=np.where(words != 0, words >> 32, LEAF),
                    children_right=np.where(words != 0, (words >> 32) + 1, LEAF), impurity=facts[:, 2].astype(float),
                    weighted_n_node_samples=facts[:, 1].astype(float))
        kept = tree.weakest_links(self.ccp_alpha)[2]
        number, left = np.cumsum(kept) - 1, words >> 32
        words = np.where((words != 0) & kept[left], (number[left] << 32) + (words & 0xFFFFFFFF), 0)
        return words[kept], values[kept], facts[kept]

    # -- predicting ----------------------------------------------------------------------------------------------------

    def check_state(self):
        """ModelFileError unless what a file gave is a forest whose walks end, inside its arrays."""
        if not hasattr(self, "words_"):
            return
        d = stored_number(self, "n_features_in_", getattr(self, "n_features_in_", None))
        outputs = stored_number(self, "n_outputs_", getattr(self, "n_outputs_", None))
        words = stored_array(self, "words_", self.words_, np.int64, None)
        roots = stored_array(self, "roots_", getattr(self, "roots_", None), np.int64, None)
        wide = int(np.sum(self.n_classes_)) if self.is_classifier else outputs
        width = 1 if self.is_classifier and outputs == 1 and wide <= 2 else wide
        if getattr(self, "values_width_", None) != width:
            refuse(self, "values_width_", str(width), getattr(self, "values_width_", None))
        stored_array(self, "values_", getattr(self, "values_", None), np.float64, words.size, width)
        stored_array(self, "facts_", getattr(self, "facts_", None), np.float32, words.size, 3)
        if self.edges_ is not None or words.size:  # None: `fit` was stopped before it had read the data
            stored_array(self, "edges_", self.edges_, FLOATS, d, EDGES)
        if (roots.size == 0) != (words.size == 0) or (roots.size and roots[0] != 0):
            refuse(self, "roots_", "a first root, 0, and others where there are nodes", f"{roots[:3]} for {words.size} nodes")
        within(self, "roots_", roots[1:], roots[:-1] + 1, words.size)
        inner = np.flatnonzero(words)
        left = words[inner] >> 32
        children_of_trees(self, "a child in words_", inner, left, left + 1, roots, words.size)
        within(self, "a feature in words_", (words[inner] >> 9) & 0x7FFFFF, 0, d)
        if hasattr(self, "_bag"):  # older versions did not write it
            self._check_bag(roots.size)

    def _check_bag(self, trees):
        bag = self._bag
        if type(bag) is not dict or bag.keys() != {"seeds", "draws", "entry", "weights"}:
            refuse(self, "_bag", "a dict of seeds, draws, entry and weights", f"a {type(bag).__name__}")
        for name, high in (("seeds", 2**32), ("draws", DRAWS + 1)):  # a fit that was stopped has seeds for trees to come
            values = stored_array(self, f"_bag[{name!r}]", bag[name], np.int64, None)
            within(self, f"_bag[{name!r}]", values, 0, high)
            if values.size < trees:
                refuse(self, f"_bag[{name!r}]", f"of {trees} trees at least", values.size)
        entry = stored_array(self, "_bag['entry']", bag["entry"], np.int32, None)
        weights = stored_array(self, "_bag['weights']", bag["weights"], np.float64, None)
        merged = weights.size or entry.size
        within(self, "_bag['entry']", entry, -1, merged)
        within(self, "_bag['weights']", weights, 0.0, np.inf)
        if not np.isin(np.arange(merged if weights.size else entry.max(initial=-1) + 1), entry).all() or not (entry >= 0).any():
            refuse(self, "_bag['entry']", "such that each merged row has a row", "one without")
        if weights.size and not 0 < weights.sum() < np.inf:
            refuse(self, "_bag['weights']", "of a sum above 0 and finite", weights.sum())

    def _codes(self, X, operation):
        check_is_fitted(self, "words_")
        X = self.validate(X, operation=operation, accept_sparse="csr", dtype=(np.float64, np.float32),
                          ensure_all_finite="allow-nan")
        if sp.issparse(X):
            return np.concatenate([bin_rows(X[begin:begin + 4096].toarray(), self.edges_)
                                   for begin in range(0, X.shape[0], 4096)])
        return bin_rows(X, self.edges_)

    def _means(self, codes):
        """Mean of the trees' leaves: (n, width)."""
        return leaf_sums(codes, self.words_, self.roots_, self.values_, threads(self.n_jobs)) / len(self.roots_)

    def _per_output(self, means):
        """(n, width) → class shares (n, classes) per output."""
        if self.n_outputs_ == 1:
            return [np.hstack([1 - means, means])[:, :self.n_classes_] if self.values_width_ == 1 else means]
        return np.split(means, np.cumsum(self.n_classes_)[:-1], axis=1)

    # -- looking inside ------------------------------------------------------------------------------------------------

    @property
    def estimators_(self):
        """The trees, as `DecisionTreeClassifier` or `DecisionTreeRegressor`; built from the packed nodes at each call.

        ``forest[i]`` builds one tree, ``for tree in forest`` one at a time.
        """
        check_is_fitted(self, "words_")
        return [self._tree(t) for t in range(len(self.roots_))]

    @property
    def estimator_(self):
        """What each of `estimators_` is, before it is fitted: a tree with the forest's parameters."""
        check_is_fitted(self, "words_")
        return self._template()

    def _template(self):
        tree = (DecisionTreeClassifier if self.is_classifier else DecisionTreeRegressor)()
        shared = tree.get_params().keys() - {"class_weight", "random_state"}  # these two are the whole forest's
        return tree.set_params(**{name: value for name, value in self.get_params(deep=False).items() if name in shared})

    def _tree(self, t):
        begin, end = self._span(t)
        n_classes = np.atleast_1d(self.n_classes_) if self.is_classifier else np.ones(self.n_outputs_, int)
        words, places = self._own_words(t), self._places(t)
        order = np.argsort(places)
        words, facts, own_values = words[order], self.facts_[begin:end][order], self.values_[begin:end][order]
        leaf = words == 0
        feature, side = (words >> 9) & 0x7FFFFF, (words >> 8) & 1
        threshold = self.edges_[feature, np.minimum((words & 255) - side, 254)].astype(float)
        values = self._per_output(own_values) if self.is_classifier else own_values.T[..., None]
        value = np.zeros((len(words), self.n_outputs_, n_classes.max()))
        for output, shares in enumerate(values):
            value[:, output, :shares.shape[1]] = shares
        tree = self._template()
        if hasattr(self, "_bag"):
            tree.random_state = int(self._bag["seeds"][t])
        tree.nodes_ = {
            "children_left": np.where(leaf, LEAF, places[words >> 32]),
            "children_right": np.where(leaf, LEAF, places[(words >> 32) + ~leaf]),
            "feature": np.where(leaf, -2, feature), "threshold": np.where(leaf, -2.0, threshold),
            "missing_go_to_left": np.where(leaf, 0, side).astype(np.uint8), "impurity": facts[:, 2].astype(float),
            "n_node_samples": facts[:, 0].astype(np.int64), "weighted_n_node_samples": facts[:, 1].astype(float),
            "value": value}
        for name in ("n_features_in_", "feature_names_in_", "n_outputs_", "classes_", "n_classes_"):
            if hasattr(self, name):
                setattr(tree, name, getattr(self, name))
        return tree

    def _span(self, t):
        """First node of tree t, and the one after its last."""
        return self.roots_[t], self.roots_[t + 1] if t + 1 < len(self.roots_) else len(self.words_)

    def _own_words(self, t):
        """The words of tree t, with children counted from its root."""
        begin, end = self._span(t)
        return np.where(self.words_[begin:end] != 0, self.words_[begin:end] - (begin << 32), 0)

    def _places(self, t):
        """What scikit-learn (and `estimators_[t]`) calls each node of tree t: depth first, unless it grew best first."""
        words = self._own_words(t)
        if self.max_leaf_nodes is not None:
            return np.arange(len(words))
        return preorder_places(np.where(words == 0, LEAF, words >> 32), np.where(words == 0, LEAF, (words >> 32) + 1))

    @property
    def estimators_samples_(self):
        """Rows of the training data that each tree drew, as often as it did: a list of (draws,) int32.

        Among equal rows none is the one that was drawn: they are named in turn. As long as no feature has more than 255
        distinct values, ``estimators_[t]`` fitted on its rows is the same tree again.
        """
        check_is_fitted(self, "words_")
        if not hasattr(self, "_bag"):
            raise AttributeError("estimators_samples_: this forest was saved by a version that did not note what its trees drew")
        entry, weights = self._bag["entry"], self._bag["weights"]
        used = np.flatnonzero(entry >= 0)
        used = used[np.argsort(entry[used], kind="stable")]
        copies = np.bincount(entry[used])
        weights = weights if weights.size else np.ones(copies.size)
        turn = np.arange(used.size) - np.repeat(np.cumsum(copies) - copies, copies)
        samples = []
        for seed, draws in zip(self._bag["seeds"][:len(self.roots_)], self._bag["draws"]):
            counts = drawn(weights, draws, seed) if draws else copies * (weights > 0)
            often, more = np.divmod(np.repeat(counts, copies), np.repeat(copies, copies))
            samples.append(np.sort(np.repeat(used, often + (turn < more)).astype(np.int32)))
        return samples

    def __len__(self):
        return len(self.roots_)

    def __iter__(self):
        check_is_fitted(self, "words_")
        return (self._tree(t) for t in range(len(self.roots_)))

    def __getitem__(self, index):
        check_is_fitted(self, "words_")
        some = range(len(self.roots_))[index]  # a number, or a slice
        return [self._tree(t) for t in some] if isinstance(some, range) else self._tree(some)

    @property
    def feature_importances_(self):
        """Mean over trees of the share of the impurity decrease that each feature brought: (d,), sums to 1 or is 0."""
        check_is_fitted(self, "words_")
        inner = np.flatnonzero(self.words_)
        left, mass = self.words_[inner] >> 32, self.facts_[:, 1].astype(float) * self.facts_[:, 2]
        decrease = np.maximum(mass[inner] - mass[left] - mass[left + 1], 0.0)
        tree = np.searchsorted(self.roots_, inner, side="right") - 1
        d = self.n_features_in_
        place = tree * d + ((self.words_[inner] >> 9) & 0x7FFFFF)
        sums = np.bincount(place, decrease, minlength=len(self.roots_) * d).reshape(-1, d)
        whole = sums.sum(axis=1, keepdims=True)
        mean = (sums / np.where(whole > 0, whole, 1)).sum(axis=0)
        return mean / mean.sum() if mean.sum() > 0 else mean

    def apply(self, X):
        """Leaf of each row in each tree: (n, trees) int64."""
        codes = self._codes(X, "apply")
        leaves = np.empty((len(codes), len(self.roots_)), np.int64)
        for t in range(len(self.roots_)):
            begin, end = self._span(t)
            number = np.arange(end - begin, dtype=np.float64)[:, None]  # the value of a leaf is its number: exact below 2^53
            found = leaf_sums(codes, self._own_words(t), np.zeros(1, np.int64), number, threads(self.n_jobs))
            leaves[:, t] = self._places(t)[found[:, 0].astype(np.int64)]
        return leaves

    def decision_path(self, X):
        """Sparse (n, nodes of all trees) matrix with a 1 for each node that a row passes, and where each tree begins."""
        leaves = self.apply(X) + self.roots_
        parent = np.full(len(self.words_), -1, np.int64)
        inner = np.flatnonzero(self.words_)
        places = np.concatenate([self._places(t) + root for t, root in enumerate(self.roots_)])
        for side in range(2):
            parent[places[(self.words_[inner] >> 32) + side]] = places[inner]
        rows, nodes = np.repeat(np.arange(len(leaves)), leaves.shape[1]), leaves.ravel()
        found = [(rows, nodes)]
        while rows.size:  # all rows one level up in all trees
            above = parent[nodes]
            rows, nodes = rows[above >= 0], above[above >= 0]
            found.append((rows, nodes))
        rows, nodes = (np.concatenate(parts) for parts in zip(*found))
        path = sp.csr_matrix((np.ones(rows.size, np.int64), (rows, nodes)), shape=(len(leaves), len(self.words_)))
        path.sort_indices()
        return path, np.append(self.roots_, len(self.words_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags


class Nodes:
    """The nodes of all trees, one tree after the other, written where they stay: a forest's nodes are most of its memory, and
    trees that wait in a list to be joined would double it. Children are counted from the first node of the first tree."""

    def __init__(self, words, values, facts, roots, trees):
        self.arrays, self.count, self.roots, self.trees = [words, values, facts], len(words), roots.tolist(), trees

    def append(self, words, values, facts):
        begin, self.count = self.count, self.count + len(words)
        self.roots.append(begin)
        if self.count > len(self.arrays[0]):  # room for the trees to come, if they are like those before; unused it costs nothing
            room = int(1.1 * self.count * max(self.trees / len(self.roots), 1.1))
            for place, array in enumerate(self.arrays):
                self.arrays[place] = np.empty((room, *array.shape[1:]), array.dtype)
                self.arrays[place][:begin] = array[:begin]
        here = slice(begin, self.count)
        self.arrays[0][here] = np.where(words != 0, words + (begin << 32), 0)
        self.arrays[1][here], self.arrays[2][here] = values, facts

    def joined(self):
        """(words, values, facts, roots) of the trees so far; of unused room at most a fifth is kept."""
        tight = 1.2 * self.count > len(self.arrays[0])
        words, values, facts = (array[:self.count] if tight else array[:self.count].copy() for array in self.arrays)
        return words, values, facts, np.array(self.roots, np.int64)


def counts_rows(weights, n):
    """Whether the weights are whole numbers, each saying how many rows a row is."""
    return bool((weights == np.rint(weights)).all()) and weights.sum() <= max(100_000, 20 * n)


def by_columns(work, X, *others):
    """`find_edges` or `bin_columns` on a dense X, or on a sparse one by blocks of columns made dense."""
    if not sp.issparse(X):
        return work(X, 255, *others) if work is find_edges else work(X, *others)
    n, d = X.shape
    step = max(1, 20_000_000 // max(n, 1))
    blocks = []
    for begin in range(0, d, step):
        block = X[:, begin:begin + step].toarray()
        blocks.append(work(block, 255, *others) if work is find_edges else work(block, others[0][begin:begin + step]))
    return np.concatenate(blocks)


def merge_equal_rows(codes, y, weights):
    """Rows in an order that only their content decides, equal ones merged.

    Returns (first, entry, merged): a row for each merged one; the merged row of each row; its weight. Rows are grouped by a
    64-bit hash of codes and y, and compared: among a million rows two different ones meet with probability 3e-8, but on
    purpose anybody can make some. Groups that hold different rows are sorted by content.
    """
    outputs = y.T + 0.0  # -0.0 is 0.0
    state = row_hashes(codes, outputs)
    _, first, entry = np.unique(state, return_index=True, return_inverse=True)
    stands_for, strange = first[entry], np.zeros(entry.size, bool)
    for column in (*codes, *outputs):
        strange |= column != column[stands_for]
    if strange.any():
        rows = np.flatnonzero(np.isin(entry, entry[strange]))  # all rows of the groups that must be separated
        order = rows[np.lexsort([column[rows] for column in (*outputs[::-1], *codes[::-1])] + [state[rows]])]
        begins = np.ones(order.size, bool)
        begins[1:] = state[order[1:]] != state[order[:-1]]
        for column in (*codes, *outputs):
            begins[1:] |= column[order[1:]] != column[order[:-1]]
        part = np.zeros(entry.size, np.int64)
        part[order] = np.cumsum(begins)  # groups in the order of hash, then content
        _, first, entry = np.unique(entry * (entry.size + 1) + part, return_index=True, return_inverse=True)
    return first, entry, np.bincount(entry, weights)


def row_hashes(codes, outputs):
    """A 64-bit hash of each row of codes (d, n) and outputs (k, n): (n,)."""
    state = np.zeros(codes.shape[1], np.uint64)
    for part in (*codes, *outputs.view(np.uint64)):
        state = (state ^ part) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
    return state


def packed(nodes, facts, values, width):
    """What `grow_tree` found on codes, as `forest_grow` writes it."""
    inner, side = nodes[:, LEFT] >= 0, nodes[:, MISSING_LEFT]
    cut = np.where(inner, np.minimum(facts[:, THRESHOLD], 254), 0).astype(np.int64)
    words = (nodes[:, LEFT] << 32) | (nodes[:, FEATURE] << 9) | (side << 8) | (cut + side)
    some = np.column_stack([nodes[:, SAMPLES], facts[:, WEIGHT], facts[:, IMPURITY]]).astype(np.float32)
    if width == 1 and values.shape[1] == 2:
        values = values[:, 1:]
    return np.where(inner, words, 0), np.ascontiguousarray(values), some


def threads(n_jobs):
    """`n_jobs` as a number of threads; None and -1: as many as there are. The result does not depend on it."""
    if n_jobs == 0:
        raise ParameterError("n_jobs == 0 has no meaning: give a number of threads, None or -1", operation="fit",
                             operands={"n_jobs": 0}, rule="n_jobs != 0")
    return n_jobs if n_jobs is None or n_jobs > 0 else max(1, num_threads() + 1 + n_jobs)


class RandomForestClassifier(ClassifierMixin, Forest):
    """A random forest for classes.

    Parameters
    ----------
    n_estimators : int
        Number of trees.
    criterion : {"gini", "entropy", "log_loss"}
    max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_leaf_nodes, min_impurity_decrease, ccp_alpha
        As in `DecisionTreeClassifier`; samples are draws.
    max_features : "sqrt", "log2", int, float or None
        Features that are looked at for a split.
    bootstrap : bool
        Draw rows with replacement for each tree; False: every tree sees all rows.
    oob_score : bool or function of (y_true, y_pred)
        Score each row by the trees that did not draw it; True is accuracy.
    n_jobs : int, optional
        Threads; None and -1 are all of them. The forest does not depend on it.
    random_state : int, RandomState or Generator, optional
    verbose : int
        Has no effect: a progress bar appears after two seconds (``HOMESPUN_PROGRESS=0`` switches it off).
    warm_start : bool
        Keep the trees of the last fit and add those that are missing.
    class_weight : dict, list of dict, "balanced", "balanced_subsample" or None
    max_samples : int or float, optional
        Rows drawn for each tree; a float is a share.
    monotonic_cst : list of -1, 0, 1, optional

    Attributes
    ----------
    classes_, n_classes_, n_outputs_, n_features_in_, feature_names_in_, feature_importances_, estimator_, estimators_,
    estimators_samples_
    oob_score_, oob_decision_function_
        With `oob_score`; NaN for a row that every tree drew.
    words_, roots_, values_, facts_, edges_
        The forest itself, see `forest_grow.grow_one`.

    Examples
    --------
    >>> X = [[0.0], [0.2], [0.9], [1.0]] * 5
    >>> model = RandomForestClassifier(n_estimators=10, random_state=0).fit(X, ["low", "low", "high", "high"] * 5)
    >>> model.predict([[0.1], [0.95]]).tolist()
    ['low', 'high']
    """

    is_classifier = True
    params = {**PARAMS, "criterion": OneOf("gini", "entropy", "log_loss"),
              "class_weight": OneOf("balanced", "balanced_subsample", None) | Instance(dict, noun="a dict") | ArrayLike()}

    def __init__(self, n_estimators=100, *, criterion="gini", max_depth=None, min_samples_split=2, min_samples_leaf=1,
                 min_weight_fraction_leaf=0.0, max_features="sqrt", max_leaf_nodes=None, min_impurity_decrease=0.0,
                 bootstrap=True, oob_score=False, n_jobs=None, random_state=None, verbose=0, warm_start=False,
                 class_weight=None, ccp_alpha=0.0, max_samples=None, monotonic_cst=None):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst

    def predict_proba(self, X):
        """Mean of the trees' class shares: (n, classes), a list of such for several outputs."""
        shares = self._per_output(self._means(self._codes(X, "predict_proba")))
        return shares[0] if self.n_outputs_ == 1 else shares

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`; -inf where it is 0."""
        shares = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(shares) if self.n_outputs_ == 1 else [np.log(one) for one in shares]

    def predict(self, X):
        """The class of the highest mean share."""
        return most_likely(self, self.predict_proba(X))

    def _score_out_of_bag(self, votes, voters, target, used, X):
        with np.errstate(invalid="ignore", divide="ignore"):
            means = votes / voters[:, None]
        shares = self._per_output(means)
        wide = shares[0]
        if self.n_outputs_ > 1:
            wide = np.zeros((len(means), max(self.n_classes_), self.n_outputs_))
            for output, one in enumerate(shares):
                wide[:, :one.shape[1], output] = one
        self.oob_decision_function_ = np.full((X.shape[0], *wide.shape[1:]), np.nan)
        self.oob_decision_function_[used] = wide
        seen = voters > 0
        if not seen.all():
            warnings.warn("Some inputs do not have OOB scores. This probably means too few trees were used to compute any "
                          "reliable OOB estimates.", UserWarning, stacklevel=3)
        guess = np.column_stack([one[seen].argmax(axis=1) for one in shares])
        truth = target.y[seen]
        if callable(self.oob_score):
            names = [np.asarray(n) for n in target.classes]
            truth, guess = (np.column_stack([n[c[:, o].astype(int)] for o, n in enumerate(names)]) for c in (truth, guess))
            self.oob_score_ = self.oob_score(truth.squeeze(axis=1) if truth.shape[1] == 1 else truth,
                                             guess.squeeze(axis=1) if guess.shape[1] == 1 else guess)
        else:
            self.oob_score_ = float((truth == guess).all(axis=1).mean()) if seen.any() else np.nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RandomForestRegressor(RegressorMixin, Forest):
    """A random forest for numbers.

    Parameters
    ----------
    criterion : {"squared_error", "absolute_error", "friedman_mse", "poisson"}
        "absolute_error" grows exact trees: much slower.
    max_features : float, int, "sqrt", "log2" or None
        1.0: all features, the trees differ by their bootstrap samples only.
    others
        As in `RandomForestClassifier`; the out-of-bag score is R².

    Attributes
    ----------
    n_outputs_, n_features_in_, feature_names_in_, feature_importances_, estimator_, estimators_,
    estimators_samples_
    oob_score_, oob_prediction_
        With `oob_score`; NaN for a row that every tree drew.

    Examples
    --------
    >>> X = [[float(i)] for i in range(20)]
    >>> model = RandomForestRegressor(n_estimators=20, random_state=0).fit(X, [2.0 * i for i in range(20)])
    >>> bool(abs(model.predict([[10.0]])[0] - 20) < 2)
    True
    """

    params = {**PARAMS, "criterion": OneOf("squared_error", "absolute_error", "friedman_mse", "poisson")}

    def __init__(self, n_estimators=100, *, criterion="squared_error", max_depth=None, min_samples_split=2,
                 min_samples_leaf=1, min_weight_fraction_leaf=0.0, max_features=1.0, max_leaf_nodes=None,
                 min_impurity_decrease=0.0, bootstrap=True, oob_score=False, n_jobs=None, random_state=None, verbose=0,
                 warm_start=False, ccp_alpha=0.0, max_samples=None, monotonic_cst=None):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst

    def predict(self, X):
        """Mean of the trees' predictions: (n,), or (n, outputs)."""
        means = self._means(self._codes(X, "predict"))
        return means[:, 0] if self.n_outputs_ == 1 else means

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """What `sklearn.inspection.partial_dependence` calls for method "recursion": (points,), or (outputs, points)."""
        check_is_fitted(self, "words_")
        codes = bin_columns(np.asarray(grid, np.float64), self.edges_[target_features])  # (features, points)
        place, total = places_of(target_features, self.n_features_in_), np.zeros((len(grid), self.n_outputs_))
        for t in range(len(self.roots_)):
            begin, end = self._span(t)
            words, mass = self._own_words(t), self.facts_[begin:end, 1].astype(float)
            inner, side, asked = words != 0, (words >> 8) & 1, place[(words >> 9) & 0x7FFFFF]

            def goes_left(nodes, some, cut=(words & 255) - side, side=side, asked=asked):
                code = codes[asked[nodes], some]
                return np.where(code == MISSING, side[nodes, None] == 1, code <= cut[nodes, None])

            left, right = np.where(inner, words >> 32, LEAF), np.where(inner, (words >> 32) + 1, LEAF)
            total += average_out(levels(left, right), left, right, mass[left] / mass, self.values_[begin:end],
                                 inner & (asked >= 0), goes_left, len(grid))
        total /= len(self.roots_)
        return total[:, 0] if self.n_outputs_ == 1 else total.T

    def _score_out_of_bag(self, votes, voters, target, used, X):
        with np.errstate(invalid="ignore", divide="ignore"):
            means = votes / voters[:, None]
        self.oob_prediction_ = np.full((X.shape[0], self.n_outputs_), np.nan)
        self.oob_prediction_[used] = means
        if self.n_outputs_ == 1:
            self.oob_prediction_ = self.oob_prediction_[:, 0]
        seen = voters > 0
        if not seen.all():
            warnings.warn("Some inputs do not have OOB scores. This probably means too few trees were used to compute any "
                          "reliable OOB estimates.", UserWarning, stacklevel=3)
        truth, guess = target.y[seen], means[seen]
        if callable(self.oob_score):
            self.oob_score_ = self.oob_score(*((truth[:, 0], guess[:, 0]) if self.n_outputs_ == 1 else (truth, guess)))
        elif seen.any():
            spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
            missed = ((truth - guess) ** 2).sum(axis=0)
            self.oob_score_ = float(np.mean(1 - missed / np.where(spread > 0, spread, 1)))
        else:
            self.oob_score_ = np.nan
