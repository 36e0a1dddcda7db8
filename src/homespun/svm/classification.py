"""Support vector classification: the widest margin between two classes, one machine for each pair of classes.

    SVC     minimise  1/2 |w|^2 + C sum_i k_i max(0, 1 - y_i f(x_i))            f(x) = w . phi(x) + b,  k: weights
    NuSVC   the same with a margin r of its own:  1/2 |w|^2 - nu r + mean_i max(0, r - y_i f(x_i)),  then f / r
    dual    s = y,  t = 1 (SVC) or 0 (NuSVC),  0 <= a_i <= C k_i (or k_i);  c_i = y_i a_i

Cortes & Vapnik 1995, Machine Learning 20(3); Schölkopf et al. 2000, Neural Computation 12(5), for nu: a share of rows that
bounds that of margin errors from above and that of support vectors from below. Several classes vote, pair by pair.
The solver is `working_set.solve`. O(n^2 d) at least, so that 100,000 rows are many; `LinearSVC` takes millions.
Probabilities (deprecated by scikit-learn) are Platt's, see `platt`.
"""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _ovr_decision_function, check_classification_targets

from homespun.base import Boolean, DataError, Instance, OneOf, ParameterError, RandomState, Real
from homespun.base.estimator import ClassifierMixin
from homespun.svm.base import KERNEL_PARAMS, SupportVectorMachine
from homespun.svm.platt import couple, sigmoid_of, train_sigmoid
from homespun.svm.working_set import Dual, offset, product, solve, warn_if_stopped

CLASSIFIER_PARAMS = {
    **KERNEL_PARAMS,
    "probability": Boolean() | OneOf("deprecated"),
    "class_weight": OneOf("balanced") | Instance(dict, noun="a dict of class: weight") | None,
    "decision_function_shape": OneOf("ovr", "ovo"),
    "break_ties": Boolean(),
    "random_state": RandomState,
}
FOLDS = 5  # of the decision values that probabilities are learned from


class Classifier(ClassifierMixin, SupportVectorMachine):
    """Subclasses say `_dual(signs, weights, costs)` and `_read(dual, optimum)`, the coefficients and the offset."""

    def _labels(self, y, weights):
        check_classification_targets(y)
        if self.probability != "deprecated":
            name = type(self).__name__
            warnings.warn(
                "The `probability` parameter was deprecated in 1.9 and will be removed in version 1.11. "
                f"Use `CalibratedClassifierCV({name}(), ensemble=False)` instead of `{name}(probability=True)`",
                FutureWarning, stacklevel=3)
        counted = weights > 0
        self.classes_, codes = np.unique(y[counted], return_inverse=True)
        if len(np.unique(y)) < 2:
            raise self._one_class(f"The number of classes has to be greater than one; got {len(self.classes_)} class")
        if len(self.classes_) < 2:
            raise self._one_class(self.one_class_left)
        self.class_weight_ = compute_class_weight(self.class_weight, classes=self.classes_, y=y[counted],
                                                  sample_weight=weights[counted])
        labels = np.full(len(y), -1.0)
        labels[counted] = codes
        return labels

    def _one_class(self, words):
        return DataError(f"{type(self).__name__}.fit: {words}", operation=f"{type(self).__name__}.fit",
                         operands={"y": self.classes_.tolist()}, rule="at least two classes")

    def _solve(self, source, labels, parts):
        count, codes = len(self.classes_), labels.astype(np.int64)
        members = [np.flatnonzero(codes == c) for c in range(count)]
        pairs = list(combinations(range(count), 2))
        coefficients, offsets, steps, stopped = np.zeros((count - 1, len(codes))), [], [], False
        platt = []
        with_probability = self.probability != "deprecated" and self.probability
        random = check_random_state(self.random_state) if with_probability else None
        for i, j in pairs:
            rows = np.concatenate([members[i], members[j]])
            signs = np.repeat([1.0, -1.0], [members[i].size, members[j].size])
            part = source if count == 2 and np.array_equal(rows, np.arange(len(codes))) else source.subset(rows)
            costs = self.class_weight_[codes[rows]]
            found, b, optimum = self._fit_pair(part, signs, parts.weights[rows], costs)
            stopped |= optimum.stopped
            coefficients[j - 1, members[i]] = found[:members[i].size]
            coefficients[i, members[j]] = found[members[i].size:]
            offsets.append(b)
            steps.append(optimum.steps)
            if with_probability:
                platt.append(self._platt(part, signs, parts.weights[rows], costs, random))
        warn_if_stopped(stopped, self)
        self.fit_status_, self.n_iter_ = int(stopped), np.array(steps, np.int32)
        sigmoids = np.array(platt).reshape(-1, 2)
        self._probA, self._probB = sigmoids[:, 0].copy(), sigmoids[:, 1].copy()
        self._intercept_ = np.array(offsets)
        full = parts.spread(coefficients)  # (classes - 1, rows with weight)
        own = codes[parts.part]
        used = np.flatnonzero((full != 0).any(axis=0))
        used = used[np.argsort(own[used], kind="stable")]
        self.support_ = parts.rows[used].astype(np.int32)
        self._n_support = np.bincount(own[used], minlength=count).astype(np.int32)
        self._coefficients = np.ascontiguousarray(full[:, used]) + 0.0  # no minus zeros

    def _fit_pair(self, source, signs, weights, costs):
        dual = self._dual(signs, weights, costs)
        optimum = solve(source, dual, **self._settings())
        return *self._read(dual, optimum), optimum

    def _platt(self, source, signs, weights, costs, random):
        """A and B of 1 / (1 + exp(A f + B)), from decision values of five folds that the machine did not see."""
        n = len(signs)
        order, values = random.permutation(n), np.zeros(n)
        for fold in range(FOLDS):
            out = order[fold * n // FOLDS:(fold + 1) * n // FOLDS]
            inside = np.setdiff1d(order, out)
            if len(np.unique(signs[inside])) < 2:
                values[out] = signs[inside[0]] if inside.size else 0.0
                continue
            found, b, _ = self._fit_pair(source.subset(inside), signs[inside], weights[inside], costs[inside])
            values[out] = product(source, inside, found)[out] + b
        return train_sigmoid(values, signs, weights)

    def _finish(self):
        if len(self.classes_) == 2:  # class 1 is the positive one for users, class 0 within
            self.intercept_, self.dual_coef_ = -self._intercept_, -self._dual_coef_
        return self

    # -- prediction ----------------------------------------------------------------------------------------------------

    def _pair_values(self, X, operation):
        """f of every pair (i, j), i < j: (m, pairs); above zero for class i."""
        X = self._validate_for_predict(X, operation)
        count = len(self.classes_)
        if self.kernel == "linear":
            weights = self._weights_of_pairs()
            values = X @ (weights.T.toarray() if sp.issparse(weights) else weights.T)
            return np.asarray(values) + self._intercept_
        values = np.tile(self._intercept_, (X.shape[0], 1))
        ends = np.concatenate([[0], np.cumsum(self._n_support)])
        sums = [self._sums(X, ends[c], ends[c + 1]) for c in range(count)]
        for p, (i, j) in enumerate(combinations(range(count), 2)):
            values[:, p] += sums[i][:, j - 1] + sums[j][:, i]
        return values

    def _weights_of_pairs(self):
        """w of every pair, of a linear kernel: (pairs, d), as `_pair_values` counts them."""
        count, ends = len(self.classes_), np.concatenate([[0], np.cumsum(self._n_support)])
        c, Z = self._dual_coef_, self.support_vectors_
        lines = []
        for i, j in combinations(range(count), 2):
            one, other = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
            lines.append(c[[j - 1], one] @ Z[one] + c[[i], other] @ Z[other])
        return sp.csr_matrix(sp.vstack(lines)) if sp.issparse(Z) else np.vstack(lines)

    def _linear_weights(self):
        weights = self._weights_of_pairs()
        return -weights if len(self.classes_) == 2 else weights

    def decision_function(self, X):
        """f(x): (m,) for two classes; otherwise a value for each class ("ovr"), or for each pair ("ovo").

        For "ovr" the votes of the pairs count, and what they say in sum decides between equal votes.
        """
        values = self._pair_values(X, "decision_function")
        if len(self.classes_) == 2:
            return -values.ravel()
        if self.decision_function_shape == "ovr":
            return _ovr_decision_function(values < 0, -values, len(self.classes_))
        return values

    def predict(self, X):
        """The class with most votes of the pairs, the first of equals; with `break_ties` the one that they say most for."""
        if self.break_ties and self.decision_function_shape == "ovo":
            raise ParameterError(f"{type(self).__name__}.predict: break_ties must be False when decision_function_shape is 'ovo'",
                                 operation="predict", operands={"break_ties": True}, rule="break_ties with 'ovr' only")
        if self.break_ties and len(getattr(self, "classes_", ())) > 2:
            return self.classes_[np.argmax(self.decision_function(X), axis=1)]
        values = self._pair_values(X, "predict")
        count = len(self.classes_)
        votes = np.zeros((len(values), count), np.int64)
        for p, (i, j) in enumerate(combinations(range(count), 2)):
            votes[:, i] += values[:, p] > 0
            votes[:, j] += ~(values[:, p] > 0)
        return self.classes_[votes.argmax(axis=1)]

    def _check_proba(self):
        if self.probability == "deprecated" or not self.probability:
            raise AttributeError("predict_proba is not available when probability=False")
        return True

    @available_if(_check_proba)
    def predict_proba(self, X):
        """Probabilities (m, n_classes) by Platt's sigmoids, of several classes joined by Wu, Lin & Weng's second method."""
        values = self._pair_values(X, "predict_proba")
        if not self._probA.size:
            raise NotFittedError("predict_proba is not available when fitted with probability=False")
        shares = sigmoid_of(values, self._probA, self._probB)
        return np.column_stack([shares, 1 - shares]) if len(self.classes_) == 2 else couple(shares, len(self.classes_))

    @available_if(_check_proba)
    def predict_log_proba(self, X):
        """The logarithm of `predict_proba`."""
        return np.log(self.predict_proba(X))

    @property
    def probA_(self):
        """Slopes of Platt's sigmoids; deprecated."""
        return self._sigmoids("A")

    @property
    def probB_(self):
        """Offsets of Platt's sigmoids; deprecated."""
        return self._sigmoids("B")

    def _sigmoids(self, which):
        warnings.warn(f"Attribute `prob{which}_` was deprecated in version 1.9 and will be removed in 1.11 as the "
                      "`probability=True` option for SVC and NuSVC was deprecated and will be removed in 1.11.",
                      FutureWarning, stacklevel=3)
        return self._probA if which == "A" else self._probB


class SVC(Classifier):
    """C-support vector classification.

    Parameters
    ----------
    C : float, default 1.0
        Price of a row on the wrong side of its margin, by how far; more follows the rows more closely.
    kernel : {"linear", "poly", "rbf", "sigmoid", "precomputed"} or callable, default "rbf"
        A function gets two sets of rows and returns the matrix of their kernel values.
    degree : int, default 3
        Of "poly".
    gamma : {"scale", "auto"} or float, default "scale"
        Factor of "rbf", "poly", "sigmoid": 1 / (d var(X)), 1 / d, or a number.
    coef0 : float, default 0.0
        Constant of "poly" and "sigmoid".
    shrinking : bool, default True
        Begin with small working sets. False: all are as large as the cache allows.
    probability : bool
        Learn probabilities, too, by five more fits for each pair; deprecated as in scikit-learn.
    tol : float, default 1e-3
        Largest violation of the optimality conditions that is left.
    cache_size : float, default 200
        Megabytes that kernel values may take.
    class_weight : dict or "balanced", optional
        Factors of C by class; balanced: n / (n_classes * weight of the class).
    verbose : bool
        Accepted and ignored.
    max_iter : int, default -1
        Steps of two variables for each pair of classes; -1: no limit.
    decision_function_shape : {"ovr", "ovo"}, default "ovr"
    break_ties : bool, default False
    random_state : int, RandomState or None
        Of the folds for `probability`.

    Attributes
    ----------
    classes_, class_weight_ : ndarray of shape (n_classes,)
    support_, support_vectors_ : rows of X with a coefficient, class after class
    n_support_ : ndarray of shape (n_classes,)
    dual_coef_ : ndarray of shape (n_classes - 1, number of support vectors)
        Of class c: its coefficients in the pairs with the other classes.
    intercept_ : ndarray of shape (number of pairs,)
    coef_ : of the linear kernel
    n_iter_, fit_status_

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.svm import SVC
    >>> model = SVC(kernel="linear").fit([[-2, -1], [-1, -1], [1, 1], [2, 1]], ["left", "left", "right", "right"])
    >>> model.predict([[-0.8, -1]]).tolist(), model.dual_coef_.tolist()
    (['left'], [[-0.25, 0.25]])
    """

    params = {"C": Real(low=0, open="low"), **CLASSIFIER_PARAMS}
    one_class_left = "Invalid input - all samples with positive weights belong to the same class."

    def __init__(self, *, C=1.0, kernel="rbf", degree=3, gamma="scale", coef0=0.0, shrinking=True, probability="deprecated",
                 tol=1e-3, cache_size=200, class_weight=None, verbose=False, max_iter=-1, decision_function_shape="ovr",
                 break_ties=False, random_state=None):
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.probability = probability
        self.tol = tol
        self.cache_size = cache_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties
        self.random_state = random_state

    def _dual(self, signs, weights, costs):
        n = len(signs)
        return Dual(signs, np.arange(n), self.C * costs * weights, signs.copy(), np.zeros(n))

    def _read(self, dual, optimum):
        return dual.signs * optimum.alpha, offset(dual, optimum)[0]


class NuSVC(Classifier):
    """Nu-support vector classification.

    Parameters
    ----------
    nu : float in (0, 1], default 0.5
        At most this share of the rows are margin errors, and at least this share are support vectors. Where it is
        more than twice the share of the smaller class, that is taken in its place, with a warning. (scikit-learn raises.)
    class_weight : dict or "balanced", optional
        Factors of the price of margin errors. (scikit-learn's NuSVC ignores them.)

    The others, the attributes and the errors are those of `SVC`.

    Examples
    --------
    >>> from homespun.svm import NuSVC
    >>> model = NuSVC(kernel="linear").fit([[-2, -1], [-1, -1], [1, 1], [2, 1]], [1, 1, 2, 2])
    >>> model.predict([[-0.8, -1]]).tolist()
    [1]
    """

    params = {"nu": Real(low=0, high=1, open="low"), **CLASSIFIER_PARAMS}
    one_class_left = "specified nu is infeasible: all samples with positive weights belong to the same class."

    def __init__(self, *, nu=0.5, kernel="rbf", degree=3, gamma="scale", coef0=0.0, shrinking=True, probability="deprecated",
                 tol=1e-3, cache_size=200, class_weight=None, verbose=False, max_iter=-1, decision_function_shape="ovr",
                 break_ties=False, random_state=None):
        self.nu = nu
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.probability = probability
        self.tol = tol
        self.cache_size = cache_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties
        self.random_state = random_state

    def _dual(self, signs, weights, costs):
        upper, whole = weights * costs, weights.sum() * self.nu / 2
        rows_least = min(weights[signs == sign].sum() for sign in (1.0, -1.0))
        least = min(upper[signs == sign].sum() for sign in (1.0, -1.0))
        if whole > min(rows_least, least) * (1 + 1e-12):  # its margin would grow without bound
            whole = min(rows_least, least)
            warnings.warn(
                f"NuSVC.fit: specified nu is infeasible: nu = {self.nu:g} asks each class of a pair for "
                f"{weights.sum() * self.nu / 2:g}, and one has {whole:g}; fitted with nu = {2 * whole / weights.sum():.6g}",
                UserWarning, stacklevel=6)
        start = np.empty(len(signs))
        for sign in (1.0, -1.0):
            start[signs == sign] = filled(upper[signs == sign], whole)
        return Dual(signs, np.arange(len(signs)), upper, np.zeros(len(signs)), start, groups=True)

    def _read(self, dual, optimum):
        plus, minus = offset(dual, optimum)
        low, high = optimum.slopes.min(), optimum.slopes.max()
        light = self._drowned(dual, optimum)
        if light < 0:
            minus = 2 * high - plus + (high - low)
        elif light > 0:
            plus = 2 * low - minus - (high - low)
        margin = (minus - plus) / 2
        margin = max(margin, np.finfo(np.float64).tiny) if margin >= 0 else margin
        with np.errstate(over="ignore"):
            return dual.signs * optimum.alpha / margin, (plus + minus) / 2 / margin

    def _drowned(self, dual, optimum):
        """The sign of a class that the class weights leave too little say for nu (0: none): the limit of the unbounded
        problem has every row on the other side."""
        if self.class_weight is None:
            return 0
        for sign in (1.0, -1.0):
            members = dual.signs == sign
            full = optimum.alpha >= dual.upper * (1 - 1e-9)
            if full[members].all() and not full[~members].all():
                return sign
        return 0


def filled(capacity, total):
    """Numbers that add up to `total`, each as large as its capacity until nothing is left."""
    before = np.concatenate([[0.0], np.cumsum(capacity)[:-1]])
    return np.clip(total - before, 0.0, capacity)
