"""Histogram gradient boosting: a sum of trees, each grown on the gradients that the sum so far leaves.

    raw_0 = the best constant        raw_m = raw_{m-1} + learning_rate * tree_m        tree_m fits -g / h of the loss at raw_{m-1}

Friedman 2001, Annals of Statistics 29(5); Ke et al. 2017, LightGBM, NeurIPS. Names, defaults and attributes are
scikit-learn's. O(n d) per round and level.

Different from scikit-learn, on purpose:
* an integer `sample_weight` is repetition throughout: `min_samples_leaf` counts it. Rows of weight zero are not there.
* with `max_features` < 1 the features of a round depend on the seed and the round alone: a warm start goes on as one fit.
* a root that already has the value of its leaf is not split for nothing (scikit-learn's root counts as worth zero).
Not handled: losses given as objects; `method="recursion"` of partial dependence after a fit with sample weights.
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, check_consistent_length

from homespun.base import (
    ArrayLike,
    Boolean,
    CallableWith,
    DataError,
    Instance,
    Integer,
    OneOf,
    ParameterError,
    RandomState,
    Real,
    Satisfies,
    check_params,
    progress,
    seed_from,
)
from homespun.base.estimator import ClassifierMixin, RegressorMixin, check_is_fitted
from homespun.base.stored import FLOATS, refuse, stored_array, stored_number
from homespun.ensemble.hist_gradient_boosting import loss as losses
from homespun.ensemble.hist_gradient_boosting.binning import bin_columns, edges_for
from homespun.ensemble.hist_gradient_boosting.boosting import Boosting, Watch
from homespun.ensemble.hist_gradient_boosting.inputs import Inputs
from homespun.ensemble.hist_gradient_boosting.predictor import add_scores, check_forest, pack_forest, unpack_forest
from homespun.kernels.binning import EDGES
from homespun.tree.dependence import places_of

AUTO_EARLY_STOPPING = 10_000  # rows from which "auto" stops early


class BaseHistGradientBoosting(Inputs):
    """What both estimators share: reading the data, the boosting loop, early stopping, scores of new data."""

    params = {
        "learning_rate": Real(low=0, high=np.inf, open="both"),
        "max_iter": Integer(low=1),
        "max_leaf_nodes": Integer(low=2) | None,
        "max_depth": Integer(low=1) | None,
        "min_samples_leaf": Integer(low=1),
        "l2_regularization": Real(low=0),
        "max_features": Real(low=0, high=1, open="low"),
        "max_bins": Integer(low=2, high=255),
        "categorical_features": ArrayLike() | OneOf("from_dtype") | None,
        "monotonic_cst": ArrayLike() | Instance(dict, noun="a dict of names") | None,
        "interaction_cst": Satisfies(lambda groups: isinstance(groups, (list, tuple)), "a list of groups of feature numbers")
        | OneOf("pairwise", "no_interactions") | None,
        "warm_start": Boolean(),
        "early_stopping": OneOf("auto") | Boolean(),
        "scoring": Instance(str, noun="the name of a score") | CallableWith("a scorer") | None,
        "validation_fraction": Real(low=0, high=1, open="both") | Integer(low=1) | None,
        "n_iter_no_change": Integer(low=1),
        "tol": Real(low=0),
        "verbose": Integer(low=0) | Boolean(),
        "random_state": RandomState,
    }

    _seed: int
    _forest: dict[str, np.ndarray]
    train_score_: np.ndarray
    validation_score_: np.ndarray

    # -- fit -----------------------------------------------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the trees.

        Parameters
        ----------
        X : array-like or dataframe of shape (n, d)
            NaN is a missing value. float32 and float64 are taken as they are.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            A weight of 2 is the row twice, of 0 no row.
        X_val, y_val, sample_weight_val : optional
            Rows to watch for early stopping, instead of a part of the training rows.

        Returns
        -------
        self

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        started = time.perf_counter()
        operation = f"{type(self).__name__}.fit"
        goes_on = self.warm_start and hasattr(self, "_forest")
        X, y, sample_weight = self._read_training(X, y, sample_weight)
        y = self._encode_y(y, fit=True)
        self._weighted = sample_weight is not None and bool((sample_weight != 1).any())  # trees note rows, not weights
        weights = self._combine_weights(sample_weight, y)
        if weights is not None and (weights == 1).all():
            weights = None
        self._loss_settings = self._settings_of_loss()
        seed = self._seed if goes_on else seed_from(self.random_state)
        self._seed = seed
        self.do_early_stopping_ = len(y) > AUTO_EARLY_STOPPING if self.early_stopping == "auto" else bool(self.early_stopping)
        monotone, groups = self._read_monotone(operation), self._read_interactions(operation)

        validation = None
        if X_val is not None or y_val is not None:
            validation = self._read_validation(X_val, y_val, sample_weight_val, operation)
        elif self.do_early_stopping_ and self.validation_fraction is not None:
            X, y, weights, *validation = self._hold_out(X, y, weights, seed)

        if not goes_on:
            self._edges = edges_for(X, self.max_bins, weights, self._categories)
        columns = bin_columns(X, self._edges)
        is_categorical = None if self._categories is None else [values is not None for values in self._categories]
        boosting = Boosting(self, columns, y, weights, is_categorical, monotone, groups, seed)
        trees = unpack_forest(self._forest) if goes_on else []
        if goes_on and self.max_iter < self.n_iter_:
            raise ParameterError(f"{operation}: max_iter must be a whole number >= {self.n_iter_}, the rounds that a warm start "
                                 f"goes on from, got {self.max_iter}", operation=operation,
                                 operands={"max_iter": self.max_iter}, rule=f"max_iter >= {self.n_iter_}")
        if goes_on:
            boosting.raw = self._raw_scores(X)
            train_score, validation_score = self.train_score_.tolist(), self.validation_score_.tolist()
        else:
            self._baseline = self._loss.baseline(y, weights)
            boosting.raw += self._baseline[:, None]
            self._forest = pack_forest([], self._loss.n_scores, self._edges)
            train_score, validation_score = [], []
        watch = None
        if self.do_early_stopping_:
            watch = Watch(self, boosting, X, validation, seed, train_score, validation_score)
            if not goes_on:
                watch.score(trees)
        try:
            first = len(trees) // self._loss.n_scores
            for round_ in progress(range(first, self.max_iter), label=type(self).__name__, show=False if self.verbose else None):
                trees += boosting.round(round_)
                stop = watch is not None and watch.score(trees)
                if self.verbose >= 2:
                    leaves = sum(tree.n_leaves for tree in trees[-self._loss.n_scores:])
                    print(f"[{round_ + 1}/{self.max_iter}] {leaves} leaves" + (watch.words() if watch else ""))
                if stop:
                    break
        finally:  # also after Ctrl-C: the rounds that are done can be used, and a warm start goes on from them
            done = len(trees) // self._loss.n_scores * self._loss.n_scores
            self._forest = pack_forest(trees[:done], self._loss.n_scores, self._edges)
            self.train_score_, self.validation_score_ = np.asarray(train_score), np.asarray(validation_score)
        if self.verbose:
            print(f"{type(self).__name__}: {len(trees)} trees in {time.perf_counter() - started:.3f} s")
        return self

    def _read_validation(self, X_val, y_val, sample_weight_val, operation):
        if X_val is None or y_val is None:
            given, absent = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
            raise ParameterError(f"{operation}: {given} was given without {absent}", operation=operation,
                                 operands={absent: None}, rule="X_val and y_val together")
        if self.early_stopping is False:
            raise ParameterError(f"{operation}: X_val is for early stopping, but early_stopping is False", operation=operation,
                                 operands={"early_stopping": False}, rule="early_stopping must be True or 'auto' with X_val")
        self.do_early_stopping_ = True
        X_val = self._read(X_val, "fit")
        y_val = self._encode_y(_check_y(y_val, estimator=self), fit=False)
        check_consistent_length(X_val, y_val)
        weights = None if sample_weight_val is None else self.validate_weights(sample_weight_val, X_val)
        return X_val, y_val, weights

    def _hold_out(self, X, y, weights, seed):
        """A part of the rows for early stopping, with the shares of the classes kept."""
        from sklearn.model_selection import train_test_split

        stratify = y if isinstance(self, ClassifierMixin) else None
        rows = np.arange(len(y))
        train, test = train_test_split(rows, test_size=self.validation_fraction, stratify=stratify, random_state=seed % 2**32)
        pick = (lambda part: None) if weights is None else (lambda part: weights[part])
        return X[train], y[train], pick(train), X[test], y[test], pick(test)

    # -- scores --------------------------------------------------------------------------------------------------------

    def check_state(self):
        """ModelFileError unless what a file gave are trees whose walks end, inside their arrays."""
        if not hasattr(self, "_forest"):
            return
        d = stored_number(self, "n_features_in_", getattr(self, "n_features_in_", None))
        n_scores = stored_number(self, "_loss", self._loss.n_scores)
        stored_array(self, "_baseline", getattr(self, "_baseline", None), np.float64, n_scores)
        stored_array(self, "_edges", getattr(self, "_edges", None), FLOATS, d, EDGES)
        categories = getattr(self, "_categories", None)
        if categories is not None and (
                type(categories) is not list or len(categories) != d
                or not all(values is None or (type(values) is list and len(values) <= EDGES) for values in categories)):
            refuse(self, "_categories", f"None, or for each of {d} features None or a list of at most {EDGES}",
                   f"{categories!r:.100}")
        check_forest(self, self._forest, d, n_scores)
        if self.__dict__.get("_watched"):
            refuse(self, "_watched", "absent: it is there during `fit` alone", "a value")

    @property
    def n_iter_(self) -> int:
        """Rounds of boosting."""
        check_is_fitted(self)
        return (len(self._forest["start"]) - 1) // self._loss.n_scores

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_forest")

    @property
    def _loss(self):
        return losses.Loss(**self._loss_settings)

    def _raw_scores(self, X):
        raw = np.empty((len(self._baseline), len(X)))
        raw[:] = self._baseline[:, None]
        return add_scores(self._forest, X, raw)

    def _raw_predict(self, X, operation="predict"):
        """Raw scores (K, n)."""
        if "_forest" not in self.__dict__:
            check_is_fitted(self)
        for known, raw in self.__dict__.get("_watched", ()):  # a scorer asks, in the middle of `fit`
            if X is known:
                return raw.copy()
        return self._raw_scores(X if "_watched" in self.__dict__ else self._read(X, operation))

    def _staged_raw_predict(self, X, operation):
        check_is_fitted(self)
        X = self._read(X, operation)
        n_scores = len(self._baseline)
        raw = np.empty((n_scores, len(X)))
        raw[:] = self._baseline[:, None]
        for first in range(0, len(self._forest["start"]) - 1, n_scores):
            add_scores(self._forest, X, raw, first, first + n_scores)
            yield raw.copy()

    def _compute_partial_dependence_recursion(self, grid, target_features):
        """What `sklearn.inspection.partial_dependence` calls for method "recursion": raw scores (K, points), without
        the constant that the trees start from, as scikit-learn's."""
        check_is_fitted(self)
        if getattr(self, "_weighted", False):
            raise NotImplementedError(f"{type(self).__name__}: partial dependence by method='recursion' needs a fit without "
                                      "sample_weight: the trees note how many rows went left, not their weight; "
                                      "method='brute' works")
        place, trees = places_of(target_features, self.n_features_in_), unpack_forest(self._forest)
        codes = bin_columns(self._encode_some(grid, target_features), self._forest["edges"][target_features])
        total = np.zeros((len(self._baseline), len(grid)))
        for t, tree in enumerate(trees):
            total[t % len(total)] += tree.partial_dependence(codes, place)
        return total

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


PARAMETERS = """\
    learning_rate : float, default 0.1
        Share of each tree that is added.
    max_iter : int, default 100
        Rounds; a tree each, or one per class if there are more than two.
    max_leaf_nodes : int or None, default 31
    max_depth : int or None, default None
        Edges from the root to the deepest leaf.
    min_samples_leaf : int, default 20
        Rows (integer weights count).
    l2_regularization : float, default 0
        Added to the sum of hessians: draws leaf values towards zero.
    max_features : float, default 1
        Share of the features that each split may choose from, drawn anew.
    max_bins : int, default 255
        Bins per feature, the one of missing values not counted.
    categorical_features : mask, numbers, names, "from_dtype" (dataframe columns of dtype category) or None
        At most `max_bins` categories each. Negative numbers are missing; unknown categories are, too.
    monotonic_cst : one of -1, 0, 1 per feature, or a dict of names, default None
    interaction_cst : groups of feature numbers that may meet on a path, "pairwise", "no_interactions" or None
    warm_start : bool, default False
        Go on from the last `fit`, on the same data.
    early_stopping : bool or "auto", default "auto"
        "auto": from 10,001 rows on, or with `X_val`.
    scoring : "loss", a score's name, a scorer or None, default "loss"
    validation_fraction : float, int or None, default 0.1
        Rows held out for early stopping; None: training scores decide.
    n_iter_no_change : int, default 10
    tol : float, default 1e-7
    verbose : int, default 0
        1: a summary, 2: a line per round (instead of the progress bar).
    random_state : int, generator or None
        Draws the held-out rows and the features of `max_features`."""

ATTRIBUTES = """\
    n_iter_ : int
    n_trees_per_iteration_ : int
    do_early_stopping_ : bool
    train_score_, validation_score_ : ndarray
        With early stopping: the scores before the first and after each round.
    is_categorical_ : ndarray of shape (d,) or None
    n_features_in_ : int
    feature_names_in_ : ndarray, where X had names"""


class HistGradientBoostingRegressor(RegressorMixin, BaseHistGradientBoosting):
    __doc__ = f"""Gradient boosting of trees on binned features, for a number as target.

    Parameters
    ----------
    loss : "squared_error", "absolute_error", "gamma", "poisson" or "quantile"
        gamma needs y > 0, poisson y >= 0; both predict exp(raw score).
    quantile : float in [0, 1]
        The level for loss="quantile".
{PARAMETERS}

    Attributes
    ----------
{ATTRIBUTES}

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.ensemble import HistGradientBoostingRegressor
    >>> x = np.linspace(-1, 1, 500)
    >>> model = HistGradientBoostingRegressor().fit(x[:, None], x ** 2)
    >>> bool(abs(model.predict([[0.5]])[0] - 0.25) < 0.01)
    True
    """

    params = BaseHistGradientBoosting.params | {
        "loss": OneOf("squared_error", "absolute_error", "gamma", "poisson", "quantile"),
        "quantile": Real(low=0, high=1) | None,
    }

    def __init__(self, loss="squared_error", *, quantile=None, learning_rate=0.1, max_iter=100, max_leaf_nodes=31,
                 max_depth=None, min_samples_leaf=20, l2_regularization=0.0, max_features=1.0, max_bins=255,
                 categorical_features="from_dtype", monotonic_cst=None, interaction_cst=None, warm_start=False,
                 early_stopping="auto", scoring="loss", validation_fraction=0.1, n_iter_no_change=10, tol=1e-7, verbose=0,
                 random_state=None):
        self.loss = loss
        self.quantile = quantile
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    def predict(self, X):
        """The expected value (or quantile) for each row: (n,) float64."""
        raw = self._raw_predict(X)
        return self._loss.inverse_link(raw[0])

    def staged_predict(self, X):
        """`predict` after each round."""
        for raw in self._staged_raw_predict(X, "staged_predict"):
            yield self._loss.inverse_link(raw[0])

    def _settings_of_loss(self):
        if self.loss == "quantile" and self.quantile is None:
            raise ParameterError("HistGradientBoostingRegressor: quantile must be a number >= 0 and <= 1 for loss='quantile', "
                                 "got None", operation="HistGradientBoostingRegressor", operands={"quantile": None},
                                 rule="quantile must be a number >= 0 and <= 1")
        return {"name": self.loss, "quantile": self.quantile if self.loss == "quantile" else None}

    def _encode_y(self, y, fit):
        self.n_trees_per_iteration_ = 1
        y = np.asarray(y, dtype=np.float64)
        fits, rule = True, ""
        if self.loss == "gamma":
            fits, rule = bool((y > 0).all()), "y > 0"
        elif self.loss == "poisson":
            fits, rule = bool((y >= 0).all() and y.sum() > 0), "y >= 0, and not all zero"
        if not fits:
            raise DataError(f"HistGradientBoostingRegressor.fit: loss={self.loss!r} needs {rule}, got a y as low as {y.min()}",
                            operation="HistGradientBoostingRegressor.fit", operands={"y": y.min()}, rule=rule)
        return y

    def _decode_y(self, y):
        return y

    def _combine_weights(self, sample_weight, y):
        return sample_weight


class HistGradientBoostingClassifier(ClassifierMixin, BaseHistGradientBoosting):
    __doc__ = f"""Gradient boosting of trees on binned features, for two or more classes.

    Parameters
    ----------
    loss : "log_loss"
{PARAMETERS}
    class_weight : dict of class → weight, "balanced" or None

    Attributes
    ----------
    classes_ : ndarray
{ATTRIBUTES}

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.ensemble import HistGradientBoostingClassifier
    >>> x = np.linspace(-1, 1, 500)
    >>> model = HistGradientBoostingClassifier().fit(x[:, None], np.where(abs(x) < 0.5, "in", "out"))
    >>> model.predict([[0.0], [0.9], [np.nan]])[:2]
    array(['in', 'out'], dtype='<U3')
    """

    params = BaseHistGradientBoosting.params | {
        "loss": OneOf("log_loss"),
        "class_weight": Instance(dict, noun="a dict of class → weight") | OneOf("balanced") | None,
    }

    def __init__(self, loss="log_loss", *, learning_rate=0.1, max_iter=100, max_leaf_nodes=31, max_depth=None,
                 min_samples_leaf=20, l2_regularization=0.0, max_features=1.0, max_bins=255,
                 categorical_features="from_dtype", monotonic_cst=None, interaction_cst=None, warm_start=False,
                 early_stopping="auto", scoring="loss", validation_fraction=0.1, n_iter_no_change=10, tol=1e-7, verbose=0,
                 random_state=None, class_weight=None):
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.class_weight = class_weight

    def predict(self, X):
        """The most probable class of each row (of equals the first)."""
        return self._decide(self._raw_predict(X))

    def predict_proba(self, X):
        """Probability of each class: (n, classes), in the order of ``classes_``."""
        return self._probabilities(self._raw_predict(X, "predict_proba"))

    def decision_function(self, X):
        """Raw scores: (n,) for two classes, the log-odds of the second; else (n, classes)."""
        return self._flat(self._raw_predict(X, "decision_function"))

    def staged_predict(self, X):
        """`predict` after each round."""
        for raw in self._staged_raw_predict(X, "staged_predict"):
            yield self._decide(raw)

    def staged_predict_proba(self, X):
        """`predict_proba` after each round."""
        for raw in self._staged_raw_predict(X, "staged_predict_proba"):
            yield self._probabilities(raw)

    def staged_decision_function(self, X):
        """`decision_function` after each round."""
        for raw in self._staged_raw_predict(X, "staged_decision_function"):
            yield self._flat(raw)

    def _decide(self, raw):
        return self.classes_[(raw[0] > 0).astype(np.int64) if len(raw) == 1 else raw.argmax(axis=0)]

    def _probabilities(self, raw):
        return np.ones((raw.shape[1], 1)) if len(self.classes_) == 1 else self._loss.probabilities(raw)

    def _flat(self, raw):
        return raw[0] if len(raw) == 1 else raw.T

    def _settings_of_loss(self):
        return {"name": "log_loss", "n_classes": len(self.classes_)}

    def _encode_y(self, y, fit):
        operation = f"{type(self).__name__}.fit"
        if fit:
            try:
                check_classification_targets(y)
            except ValueError as error:
                raise DataError(f"{operation}: {error}", operation=operation, rule=str(error)) from None
            self.classes_ = np.unique(y)
            self.n_trees_per_iteration_ = len(self.classes_) if len(self.classes_) > 2 else 1
        unknown = np.empty(0) if fit else np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise DataError(f"{operation}: y_val holds {unknown[0]!r}, a class that y does not have", operation=operation,
                            operands={"y_val": unknown[0]}, rule="classes of y_val are classes of y")
        return np.searchsorted(self.classes_, y).astype(np.float64)

    def _decode_y(self, y):
        return self.classes_[y.astype(np.int64)]

    def _combine_weights(self, sample_weight, y):
        if self.class_weight is None:
            return sample_weight
        names = self._decode_y(y)
        try:
            per_class = compute_class_weight(self.class_weight, classes=self.classes_, y=names, sample_weight=sample_weight)
        except ValueError as error:
            raise ParameterError(f"{type(self).__name__}: class_weight: {error}", operation=type(self).__name__,
                                 operands={"class_weight": self.class_weight}, rule=str(error)) from None
        weights = per_class[y.astype(np.int64)]
        return weights if sample_weight is None else weights * sample_weight
