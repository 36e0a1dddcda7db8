"""The kernel trick for a linear model: `Kernelized(Ridge())`, and `KernelLogisticRegression`.

    minimise over f, b    sum_i k_i loss(y_i, f(x_i) + b) + alpha |f|^2          f(x) = sum_j c_j K(x, x_j)

The representer theorem (Schölkopf, Herbrich & Smola 2001, COLT) says that a loss of values and a growing function of |f|
have a solution of this form, with an intercept that is not penalised. Then |f|^2 = c' K c, and with K = U S U' the weights
w = S^1/2 U' c of the rows Z = U S^1/2 have |w|^2 = |f|^2: the linear model itself, fitted to Z, is the kernel machine.
It says nothing about a penalty that is not a function of |f| (an L1 norm belongs to columns, and f has none), nor about no
penalty at all (every f through the points is then as good); such models are refused with these words.

Equal rows are merged (`rows`). O(n^2 d + n^3) time, O(n^2) memory. Not handled: several targets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from homespun.base import CallableWith, DataError, Instance, Integer, OneOf, ParameterError, Real, Satisfies
from homespun.base.estimator import ClassifierMixin, Estimator, check_is_fitted, check_params
from homespun.kernels.matmul import matmul
from homespun.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from homespun.svm.rows import merged

KERNEL = {
    "kernel": OneOf(*PAIRWISE_KERNEL_FUNCTIONS) | CallableWith("a function of two rows"),
    "gamma": Real(low=0) | None, "degree": Real(low=0), "coef0": Real(),
}
RANK = 1e-12  # singular values of K below this part of the largest are rounding

L1 = "its penalty is an L1 norm of the weights, which belongs to columns: a function of a kernel has none"
NONE = "it has no penalty, so that every function through the points is as good as another"
SQUARED = {  # models whose penalty is a squared norm of the weights → the number that must not switch it off
    "Ridge": "alpha", "RidgeClassifier": "alpha", "RidgeCV": "alphas", "LogisticRegression": "C", "LogisticRegressionCV": "Cs",
    "LinearSVC": "C", "LinearSVR": "C", "HuberRegressor": "alpha", "PoissonRegressor": "alpha", "GammaRegressor": "alpha",
    "TweedieRegressor": "alpha", "SGDClassifier": "alpha", "SGDRegressor": "alpha",
}
OTHERS = {"Lasso": L1, "LassoCV": L1, "LassoLars": L1, "QuantileRegressor": L1, "LinearRegression": NONE, "Perceptron": NONE,
          "ElasticNet": L1, "ElasticNetCV": L1}


def why_not(model) -> str | None:
    """Why the representer theorem does not hold for a linear model; None where it does."""
    name, settings = type(model).__name__, model.get_params(deep=False)
    if name in OTHERS:
        return OTHERS[name]
    if name not in SQUARED:
        return "it is not a linear model that this class knows"
    mixed = settings.get("l1_ratio") if settings.get("penalty", "elasticnet") in ("elasticnet", "deprecated") else None
    if settings.get("penalty") in ("l1", "elasticnet") and name != "LogisticRegression" and mixed != 0:
        return L1
    if settings.get("penalty") == "l1" or (mixed is not None and np.any(np.asarray(mixed) != 0)):
        return L1
    strength = np.asarray(settings.get(SQUARED[name]))
    if settings.get("penalty", "l2") is None or (strength.dtype.kind in "if" and (
            np.isinf(strength).any() if SQUARED[name].startswith("C") else (strength == 0).any())):
        return NONE
    return None


class Kernelized(Estimator):
    """A linear model with a squared penalty, with a kernel.

    Parameters
    ----------
    estimator : linear model
        `Ridge`, `LogisticRegression`, … with a penalty of squares. It is cloned.
    kernel : str or callable, default "rbf"
        One of `homespun.metrics.pairwise`, or a function of two rows.
    gamma : float, optional
        None: the kernel's default, 1 / d.
    degree : float, default 3
    coef0 : float, default 1

    Attributes
    ----------
    estimator_ : the fitted linear model
    dual_coef_ : ndarray of shape (number of functions, m)
        c, of the m rows that differ.
    X_fit_, projection_ : those rows, and what makes columns of their kernel values
    classes_ : of a classifier

    Raises
    ------
    ParameterError
        For a model without a squared penalty; it says why the trick does not work there.
    ShapeError, DataError

    Examples
    --------
    >>> from homespun.linear_model import LogisticRegression
    >>> from homespun.svm import Kernelized
    >>> X, y = [[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1]
    >>> Kernelized(LogisticRegression(C=100), gamma=1.0).fit(X, y).score(X, y)
    1.0
    """

    params: dict = {
        "estimator": Satisfies(lambda model: hasattr(model, "fit") and hasattr(model, "get_params"), "a linear model"), **KERNEL}

    def __init__(self, estimator, *, kernel="rbf", gamma=None, degree=3, coef0=1):
        self.estimator = estimator
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    def _model(self) -> Any:
        return self.estimator

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self._model())
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y, sample_weight=None):
        """Fit the linear model in the space of the kernel.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            A row of weight k counts as k rows.
        """
        check_params(self)
        model = self._model()
        reason = why_not(model)
        if reason:
            raise ParameterError(
                f"{type(self).__name__}: {type(model).__name__} cannot be kernelized: {reason}", operation="Kernelized.fit",
                operands={"estimator": model}, rule="a penalty that grows with the squared norm of the weights",
                suggestion="Ridge or LogisticRegression")
        classifies = is_classifier(model)
        X, y = self.validate(X, y, accept_sparse="csr", y_numeric=not classifies)
        weights = self.validate_weights(sample_weight, X)
        if classifies:
            check_classification_targets(y)
        _, codes = np.unique(y, return_inverse=True)
        parts = merged(X, codes.astype(np.float64), weights)
        if classifies and len(np.unique(codes[parts.first])) < 2:
            raise DataError(f"{type(self).__name__}.fit: y holds one class only: {y[parts.first[0]]!r}",
                            operation=f"{type(self).__name__}.fit", operands={"y": y.shape}, rule="at least two classes")
        self.X_fit_ = X[parts.first]
        values, vectors = scipy.linalg.eigh(np.asarray(self._values(self.X_fit_), np.float64))
        used = values > RANK * max(values.max(initial=0.0), np.finfo(np.float64).tiny)
        root, vectors = np.sqrt(values[used]), vectors[:, used]
        if not used.any():  # all kernel values are zero: a constant is all that can be learned
            root, vectors = np.ones(1), np.zeros((len(parts.first), 1))
        self.projection_ = vectors / root
        self.estimator_ = clone(model).fit(vectors * root, y[parts.first], sample_weight=parts.weights)
        self.dual_coef_ = np.atleast_2d(self.estimator_.coef_) @ self.projection_.T
        if classifies:
            self.classes_ = self.estimator_.classes_
        self.n_iter_ = getattr(self.estimator_, "n_iter_", None)
        if self.n_iter_ is None:
            del self.n_iter_
        return self

    def predict(self, X):
        """The linear model's answers: (m,)"""
        columns = self._columns(X, "predict")
        return self.estimator_.predict(columns)

    @available_if(lambda self: hasattr(self._model(), "decision_function"))
    def decision_function(self, X):
        """f(x) + b of a classifier."""
        columns = self._columns(X, "decision_function")
        return self.estimator_.decision_function(columns)

    @available_if(lambda self: hasattr(self._model(), "predict_proba"))
    def predict_proba(self, X):
        """Probabilities of the classes: (m, n_classes)"""
        columns = self._columns(X, "predict_proba")
        return self.estimator_.predict_proba(columns)

    @available_if(lambda self: hasattr(self._model(), "predict_log_proba"))
    def predict_log_proba(self, X):
        """Their logarithms."""
        columns = self._columns(X, "predict_log_proba")
        return self.estimator_.predict_log_proba(columns)

    def score(self, X, y, sample_weight=None):
        """Accuracy of a classifier, R² of a regressor."""
        columns = self._columns(X, "score")
        return self.estimator_.score(columns, y, sample_weight)

    def _columns(self, X, operation):
        check_is_fitted(self)
        X = self.validate(X, operation=operation, accept_sparse="csr")
        return matmul(np.asarray(self._values(X, self.X_fit_), np.float64), self.projection_)

    def _values(self, X, Y=None):
        if callable(self.kernel):
            return pairwise_kernels(X, Y, metric=self.kernel)
        return pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, gamma=self.gamma, degree=self.degree,
                                coef0=self.coef0)


class KernelLogisticRegression(ClassifierMixin, Kernelized):
    """Logistic regression with a kernel: a smooth sibling of `SVC`, with probabilities of its own.

    Parameters
    ----------
    C : float, default 1.0
        Inverse weight of the penalty, as in `LogisticRegression`.
    kernel, gamma, degree, coef0
        As in `Kernelized`.
    class_weight : dict or "balanced", optional
    tol : float, default 1e-4
    max_iter : int, default 100

    Attributes
    ----------
    classes_, dual_coef_, X_fit_, projection_, estimator_
        As in `Kernelized`.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.svm import KernelLogisticRegression
    >>> X, y = [[0, 0], [1, 1], [0, 1], [1, 0]], ["same", "same", "other", "other"]
    >>> KernelLogisticRegression(C=100, gamma=1.0).fit(X, y).predict([[0.9, 0.1]]).tolist()
    ['other']
    """

    params = {"C": Real(low=0, open="low"), **KERNEL,
              "class_weight": OneOf("balanced") | Instance(dict, noun="a dict of class: weight") | None,
              "tol": Real(low=0, open="low"), "max_iter": Integer(low=1)}

    def __init__(self, *, C=1.0, kernel="rbf", gamma=None, degree=3, coef0=1, class_weight=None, tol=1e-4, max_iter=100):
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def _model(self):
        from homespun.linear_model import LogisticRegression

        return LogisticRegression(C=self.C, class_weight=self.class_weight, tol=self.tol, max_iter=self.max_iter)
