"""The boosting loop's state (`Boosting`) and its early stopping (`Watch`)."""

from __future__ import annotations

import numpy as np

from homespun.base import DataError
from homespun.ensemble.hist_gradient_boosting import loss as losses
from homespun.ensemble.hist_gradient_boosting.binning import bin_training_data
from homespun.ensemble.hist_gradient_boosting.grower import GrowerSettings, TreeGrower
from homespun.ensemble.hist_gradient_boosting.histogram import Ranges, RowStore, round_gradients
from homespun.ensemble.hist_gradient_boosting.predictor import add_leaf_values, add_scores, leaf_block, pack_forest
from homespun.kernels.threads import over_blocks

SCORED_ROWS = 10_000  # training rows that a scorer sees


class Boosting:
    """The state of the boosting loop: codes, rows, raw scores."""

    def __init__(self, model, columns, y, weights, is_categorical, monotone, groups, seed):
        self.loss, self.model, self.y, self.weights, self.seed = model._loss, model, np.ascontiguousarray(y), weights, seed
        self.data = bin_training_data(columns, model._edges, is_categorical, monotone)
        self.integer_weights = weights is not None and bool((weights == np.floor(weights)).all())
        self.settings = GrowerSettings(model.max_leaf_nodes, model.max_depth, model.min_samples_leaf,
                                       float(model.l2_regularization), model.max_features, groups, monotone is not None)
        n = len(y)
        self.store = RowStore(n)
        self._raw = np.zeros((self.loss.n_scores, n))
        self._pending: tuple = ()  # what `add_leaf_values` must yet be told of the last tree
        self.g, self.h = np.empty((2, self.loss.n_scores, n), dtype=np.float32)
        self.spare: list = []

    @property
    def raw(self):
        """Raw scores (K, n) after the trees so far."""
        self.settle()
        return self._raw

    @raw.setter
    def raw(self, raw):
        self._raw, self._pending = raw, ()

    def settle(self):
        """Add the last tree's values, unless that is done."""
        if self._pending:
            add_leaf_values(*self._pending)
            self._pending = ()

    def round(self, number):
        """One round: a tree for each score, added to `raw`."""
        shards = len(self.store.bounds) - 1
        ranges: list = [None] * shards
        over_blocks(self.derive, shards, ranges)
        self._pending = ()
        if not all(np.isfinite(part.largest_g + part.largest_h) for shard in ranges for part in shard):
            raise self.beyond(number)
        rng = np.random.default_rng([self.seed, number])
        return [self.grow(k, Ranges.joined([shard[k] for shard in ranges]), rng) for k in range(self.loss.n_scores)]

    def derive(self, shard, ranges):
        """One shard's scores, gradients and ranges, in one go while its rows are in the cache: memory is what takes time here."""
        if self._pending:
            leaf_block(shard, *self._pending)
        losses.DERIVATIVES[self.loss.name](shard, self.loss.level, self.y, self._raw, self.store.bounds, self.g, self.h)
        rows = slice(self.store.bounds[shard], self.store.bounds[shard + 1])
        weights = None if self.weights is None else self.weights[rows]
        ranges[shard] = [Ranges.of(g[rows], h[rows], weights) for g, h in zip(self.g, self.h)]

    def beyond(self, number):
        """The error for gradients that 32 bits do not hold."""
        operation, rate, largest = f"{type(self.model).__name__}.fit", self.model.learning_rate, float(np.abs(self.y).max())
        return DataError(f"{operation}: in round {number + 1} the gradients are beyond 32-bit numbers (3.4e38): y reaches "
                         f"{largest:g}, and learning_rate is {rate:g}", operation=operation,
                         operands={"y": largest, "learning_rate": rate}, rule="gradients below 3.4e38",
                         suggestion="divide y by its largest value" if number == 0 else "a lower learning_rate")

    def grow(self, k, ranges, rng):
        gradients = round_gradients(self.g[k], self.h[k], self.weights, self.integer_weights, self.settings.monotone, ranges,
                                    self.store)
        grower = TreeGrower(self.data, self.store, gradients, self.settings, rng, self.spare)
        tree = grower.grow()
        if self.loss.leaf_is_quantile:
            self.set_quantiles(tree, grower.leaves, k)
        tree.value[:] *= self.model.learning_rate
        leaves = np.array([node.index for node in grower.leaves])
        sides = tree.depth[leaves].astype(np.int64) % 2
        self._pending = (self.store.elements, self.store.segments, leaves, sides, tree.value[leaves], self._raw[k])
        if self.loss.n_scores > 1:  # the next class's tree puts the rows in another order
            self.settle()
        return tree

    def set_quantiles(self, tree, leaves, k):
        """Where the loss has no curvature, the best step of a leaf is the quantile of its residuals."""
        for node in leaves:
            rows = self.store.rows_of(node.index, node.depth)
            weights = None if self.weights is None else self.weights[rows]
            value = losses.weighted_quantile(self.y[rows] - self.raw[k, rows], self.loss.level, weights)
            tree.value[node.index] = min(max(value, node.bounds[0]), node.bounds[1])


class Watch:
    """Early stopping: scores after each round, and whether to stop."""

    def __init__(self, model, boosting, X, validation, seed, train_score, validation_score):
        self.model, self.boosting, self.train_score, self.validation_score = model, boosting, train_score, validation_score
        nothing: tuple = (None, None, None)
        self.X_val, self.y_val, self.weights_val = validation or nothing
        self.by_loss = model.scoring == "loss"
        self.added = 0
        if self.X_val is not None:
            self.raw_val = np.empty((boosting.loss.n_scores, len(self.y_val)))
            self.raw_val[:] = model._baseline[:, None]
        if not self.by_loss:
            from sklearn.metrics import check_scoring

            self.scorer = check_scoring(model, model.scoring)
            n = len(boosting.y)
            rows = np.arange(n)
            if n > SCORED_ROWS:
                rows = np.sort(np.random.default_rng(seed).choice(n, SCORED_ROWS, replace=False))
            self.rows, self.X_small, self.y_small = rows, X[rows], model._decode_y(boosting.y[rows])
            self.weights_small = None if boosting.weights is None else boosting.weights[rows]
            self.y_val_names = None if self.y_val is None else model._decode_y(self.y_val)

    def score(self, trees) -> bool:
        """Note the scores of the trees so far; True if the last `n_iter_no_change` brought nothing."""
        boosting, model = self.boosting, self.model
        if self.X_val is not None and len(trees) > self.added:
            new = pack_forest(trees[self.added:], boosting.loss.n_scores, model._edges)
            add_scores(new, self.X_val, self.raw_val)
            self.added = len(trees)
        if self.by_loss:
            self.train_score.append(-boosting.loss.value(boosting.y, boosting.raw, boosting.weights))
            if self.X_val is not None:
                self.validation_score.append(-boosting.loss.value(self.y_val, self.raw_val, self.weights_val))
        else:
            model._watched = [(self.X_small, boosting.raw[:, self.rows])]
            if self.X_val is not None:
                model._watched.append((self.X_val, self.raw_val))
            if not isinstance(model.scoring, str):  # it may look at the model in ways that we do not foresee
                model._forest = pack_forest(trees, boosting.loss.n_scores, model._edges)
            try:
                self.train_score.append(self._by_scorer(self.X_small, self.y_small, self.weights_small))
                if self.X_val is not None:
                    self.validation_score.append(self._by_scorer(self.X_val, self.y_val_names, self.weights_val))
            finally:
                del model._watched
        return self._no_better(self.train_score if self.X_val is None else self.validation_score)

    def _by_scorer(self, X, y, weights):
        return self.scorer(self.model, X, y) if weights is None else self.scorer(self.model, X, y, sample_weight=weights)

    def _no_better(self, scores) -> bool:
        last = self.model.n_iter_no_change
        return len(scores) > last and max(scores[-last:]) <= scores[-last - 1] + self.model.tol

    def words(self):
        named = (("training", self.train_score), ("validation", self.validation_score))
        return "".join(f", {name} score {scores[-1]:.5f}" for name, scores in named if scores)
