"""Stochastic gradient descent: linear models that learn from one row at a time, and so from a stream.

    minimise over w, b    mean of loss(y_i, w x_i + b) + alpha (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2)

X: (n, d)   y: (n,)   w: (d,), one for each class of more than two (each against the rest).
Bottou 2012, Stochastic Gradient Descent Tricks. `SGDOneClassSVM`: Schoelkopf et al. 2001, the linear one, with y = 1 and the
offset in the place of the intercept. The passes are in `sgd_base.py`, the steps in `sgd_steps.py`.  O(n d) a pass.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.base import OutlierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from homespun.base import DataError, Instance, NJobs, OneOf, ParameterError, Real
from homespun.base.estimator import RegressorMixin, check_is_fitted
from homespun.linear_model.base import FLOATS
from homespun.linear_model.classifier import LinearClassifier, SparseWeights, check_classes, check_two, class_weights
from homespun.linear_model.sgd_base import AVERAGED, COMMON, LOSSES, PENALISED, STOPPING, RegressionSteps, StochasticGradient

REGRESSION_LOSSES = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")
RATES = {
    "learning_rate": OneOf("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"),
    "eta0": Real(low=0, open="low"),
    "power_t": Real(low=0),
}
CLASS_WEIGHT = Instance(dict, noun="a dict") | OneOf("balanced", None)


class ClassSteps(LinearClassifier, StochasticGradient):
    """`fit` and `partial_fit` of classifiers."""

    class_weight: dict | str | None = None
    loss_functions = LOSSES

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
        coef_init : array of shape (K, d) or (d,), intercept_init : array of shape (K,), optional
            Where to start.
        sample_weight : array of shape (n,), optional

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` passes were not enough for `tol`.
        """
        self._check()
        X, y = self.validate(X, y, **self._rows)
        check_classes(self, y)
        y = column_or_1d(y, warn=True)
        classes = np.unique(y)
        weights = self.validate_weights(sample_weight, X)
        check_two(self, classes)
        count = len(classes) if len(classes) > 2 else 1
        if self.warm_start and hasattr(self, "coef_"):
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        self._given(coef_init, intercept_init, count, X.shape[1])
        self.classes_ = classes
        self._begin(count, X.shape[1], coef_init, intercept_init)
        self._go(X, y, weights, self.max_iter, "fit")
        self._warn_unfinished()
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One pass over these rows, from where the last call ended.

        With ``shuffle=False``, pieces of the data one after the other end where one `fit` with ``max_iter=1`` ends.

        Parameters
        ----------
        classes : array of shape (K,)
            All classes that will come; needed in the first call.
        """
        self._check(streaming=True)
        first = not hasattr(self, "classes_")
        name = type(self).__name__
        if first and self.class_weight == "balanced":
            raise ParameterError(
                f"{name}: class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use "
                "compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough sample of the "
                "full training set target to properly estimate the class frequency distributions. Pass the resulting weights as "
                "the class_weight parameter.", operation=f"{name}.partial_fit",
                operands={"class_weight": "balanced"}, rule="class_weight: a dict or None")
        X, y = self.validate(X, y, operation="partial_fit", reset=first, **self._rows)
        check_classes(self, y, "partial_fit")
        y = column_or_1d(y, warn=True)
        weights = self.validate_weights(sample_weight, X, operation="partial_fit")
        if first and classes is None:
            raise ParameterError(f"{name}.partial_fit: classes must be passed on the first call to partial_fit.",
                                 operation=f"{name}.partial_fit", operands={"classes": None}, rule="classes: all that will come")
        known = np.unique(np.asarray(classes)) if first else self.classes_
        if not first and classes is not None and not np.array_equal(known, np.unique(np.asarray(classes))):
            raise ParameterError(f"{name}.partial_fit: `classes={classes!r}` is not the same as on last call to partial_fit, "
                                 f"was: {known!r}", operation=f"{name}.partial_fit", operands={"classes": classes},
                                 rule="the same classes")
        strange = np.setdiff1d(y, known)
        if strange.size:
            raise DataError(f"{name}.partial_fit: y holds {strange[0]!r}, which is none of the classes {known!r}",
                            operation=f"{name}.partial_fit", operands={"y": y.shape}, rule="y in classes")
        check_two(self, known, "partial_fit")
        self.classes_ = known
        count = len(known) if len(known) > 2 else 1
        if first or not hasattr(self, "coef_"):
            self._begin(count, X.shape[1])
        else:
            self._check_columns(X, "partial_fit")
            self._resume(count, X.shape[1], X.dtype)
        self._go(X, y, weights, 1, "partial_fit")
        return self

    def _go(self, X, y, weights, passes, operation):
        code = np.searchsorted(self.classes_, y)
        weights = weights * class_weights(self, self.class_weight, self.classes_, y, weights, operation)[code]
        if not weights.any():
            raise DataError(f"{type(self).__name__}.{operation}: the class weights make every row's weight zero",
                            operation=f"{type(self).__name__}.{operation}", operands={"class_weight": self.class_weight},
                            rule="at least one weight > 0")
        own = np.arange(len(self.classes_), dtype=np.float64) if len(self.classes_) > 2 else np.ones(1)
        self._publish(self._learn(X, code, own, weights, passes, operation), X.dtype)


def _has_probabilities(model):
    if model.loss in ("log_loss", "modified_huber"):
        return True
    raise AttributeError(f"probability estimates are not available for loss={model.loss!r}")


class SGDClassifier(ClassSteps):
    """Linear classifiers by stochastic gradient descent: a support vector machine, logistic regression and others, by `loss`.

    Columns should have about the same size (`StandardScaler`).

    Parameters
    ----------
    loss : str, default "hinge"
        "hinge" (linear SVM), "log_loss" (logistic regression), "modified_huber", "squared_hinge", "perceptron", or a
        regression loss: "squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive".
    penalty : {"l2", "l1", "elasticnet", None}
    alpha : float, default 0.0001
        Strength of the penalty, against the *mean* loss; the "optimal" schedule also uses it.
    l1_ratio : float in [0, 1], default 0.15
        Share of l1, with "elasticnet".
    fit_intercept : bool, default True
    max_iter : int, default 1000
        Most passes.
    tol : float or None, default 1e-3
        Stop when `n_iter_no_change` passes in a row did not make the mean loss (or the validation score) better by `tol`.
    shuffle : bool, default True
        A new order in every pass, which depends on the seed and on what the rows hold, not on their order. False: as they come.
    verbose : int
    epsilon : float, default 0.1
        Of the huber and the insensitive losses.
    n_jobs : ignored
        Threads are Numba's; classes run beside each other.
    random_state : int, generator or None
    learning_rate : {"optimal", "constant", "invscaling", "adaptive", "pa1", "pa2"}
        Step t has length 1 / (alpha (t0 + t - 1)), eta0, eta0 / t^power_t, eta0 divided by 5 whenever it would stop; pa1
        and pa2 are the passive-aggressive steps.
    eta0 : float, default 0.01
    power_t : float, default 0.5
    early_stopping : bool, default False
        Judge by a part of the rows that nothing is learned from.
    validation_fraction : float, default 0.1
    n_iter_no_change : int, default 5
    class_weight : dict, "balanced" or None
        Multiplies the sample weights.
    warm_start : bool
    average : bool or int, default False
        Return the mean of the weights over all steps, or over those from step `average` on.

    Attributes
    ----------
    coef_ : ndarray of shape (1, d) or (K, d);  intercept_ : ndarray of shape (1,) or (K,);  classes_ : ndarray (K,)
    n_iter_ : int
        Passes.
    t_ : float
        Steps that were taken, plus one.

    Examples
    --------
    >>> from homespun.linear_model import SGDClassifier
    >>> model = SGDClassifier(random_state=0).fit([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]], [1, 1, 2, 2])
    >>> model.predict([[-0.8, -1.0]]).tolist()
    [1]
    """

    params = {
        "loss": OneOf(*LOSSES), **PENALISED, **COMMON, "epsilon": Real(low=0), "n_jobs": NJobs, **RATES, **STOPPING,
        "class_weight": CLASS_WEIGHT, **AVERAGED,
    }

    def __init__(self, loss="hinge", *, penalty="l2", alpha=0.0001, l1_ratio=0.15, fit_intercept=True, max_iter=1000, tol=1e-3,
                 shuffle=True, verbose=0, epsilon=0.1, n_jobs=None, random_state=None, learning_rate="optimal", eta0=0.01,
                 power_t=0.5, early_stopping=False, validation_fraction=0.1, n_iter_no_change=5, class_weight=None,
                 warm_start=False, average=False):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Probability of each class, (n, K): for "log_loss" by the logistic function, for "modified_huber" by the clipped
        margin (Zadrozny & Elkan 2002). More than two classes: each against the rest, divided by their sum."""
        z = self.decision_function(X)
        p = expit(z) if self.loss == "log_loss" else (np.clip(z, -1, 1) + 1) / 2
        if p.ndim == 1:
            return np.column_stack([1 - p, p])
        total = p.sum(axis=1, keepdims=True)
        return np.where(total == 0, 1.0 / p.shape[1], p / np.where(total == 0, 1.0, total)).astype(z.dtype, copy=False)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):  # a clipped margin may be a probability of zero
            return np.log(self.predict_proba(X))


class SGDRegressor(RegressorMixin, SparseWeights, RegressionSteps):
    """Linear regression by stochastic gradient descent.

    Parameters
    ----------
    loss : {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}
    learning_rate : default "invscaling";  power_t : default 0.25
    others : as those of `SGDClassifier`

    Attributes
    ----------
    coef_ : ndarray of shape (d,);  intercept_ : ndarray of shape (1,);  n_iter_ : int;  t_ : float

    Examples
    --------
    >>> from homespun.linear_model import SGDRegressor
    >>> SGDRegressor(random_state=0, eta0=0.1).fit([[-1.0], [0.0], [1.0]], [-1.0, 1.0, 3.0]).predict([[2.0]]).round(1).tolist()
    [4.8]
    """

    params = {"loss": OneOf(*REGRESSION_LOSSES), **PENALISED, **COMMON, "epsilon": Real(low=0), **RATES, **STOPPING, **AVERAGED}

    def __init__(self, loss="squared_error", *, penalty="l2", alpha=0.0001, l1_ratio=0.15, fit_intercept=True, max_iter=1000,
                 tol=1e-3, shuffle=True, verbose=0, epsilon=0.1, random_state=None, learning_rate="invscaling", eta0=0.01,
                 power_t=0.25, early_stopping=False, validation_fraction=0.1, n_iter_no_change=5, warm_start=False,
                 average=False):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average

    loss_functions = {name: LOSSES[name] for name in REGRESSION_LOSSES}


class SGDOneClassSVM(SparseWeights, OutlierMixin, StochasticGradient):
    """Linear one-class SVM by stochastic gradient descent: a hyperplane between the origin and nearly all rows.

    Parameters
    ----------
    nu : float in (0, 1], default 0.5
        Upper bound of the share of training rows on the wrong side.
    others : as those of `SGDClassifier`

    Attributes
    ----------
    coef_ : ndarray of shape (d,);  offset_ : ndarray of shape (1,)
        The decision is ``coef_ . x - offset_``.
    n_iter_ : int;  t_ : float

    Examples
    --------
    >>> from homespun.linear_model import SGDOneClassSVM
    >>> X = [[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]]
    >>> SGDOneClassSVM(random_state=42, tol=None).fit(X).predict([[4.0, 4.0]]).tolist()
    [1]
    """

    params = {
        "nu": Real(low=0, high=1, open="low"), **COMMON,
        "learning_rate": OneOf("constant", "optimal", "invscaling", "adaptive"), "eta0": Real(low=0, open="low"),
        "power_t": Real(low=0), **AVERAGED,
    }
    penalty, one_class = "l2", True

    def __init__(self, nu=0.5, fit_intercept=True, max_iter=1000, tol=1e-3, shuffle=True, verbose=0, random_state=None,
                 learning_rate="optimal", eta0=0.01, power_t=0.5, warm_start=False, average=False):
        self.nu = nu
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.warm_start = warm_start
        self.average = average

    def _alpha(self):
        return float(self.nu)

    def fit(self, X, y=None, coef_init=None, offset_init=None, sample_weight=None):
        """Fit; y is ignored. A weight of k equals k copies of the row."""
        self._check()
        X = self.validate(X, **self._rows)
        weights = self.validate_weights(sample_weight, X)
        if self.warm_start and hasattr(self, "coef_"):
            coef_init = self.coef_ if coef_init is None else coef_init
            offset_init = self.offset_ if offset_init is None else offset_init
        self._given(coef_init, offset_init, 1, X.shape[1])
        self._begin(1, X.shape[1], coef_init, 1.0 - np.ravel(0.0 if offset_init is None else offset_init))
        self._publish(self._learn(X, np.ones(X.shape[0]), np.array([np.nan]), weights, self.max_iter, "fit"), X.dtype)
        self._warn_unfinished()
        return self

    def partial_fit(self, X, y=None, sample_weight=None):
        """One pass over these rows, from where the last call ended; see `SGDRegressor`."""
        self._check(streaming=True)
        first = not hasattr(self, "coef_")
        X = self.validate(X, operation="partial_fit", reset=first, **self._rows)
        weights = self.validate_weights(sample_weight, X, operation="partial_fit")
        if first:
            self._begin(1, X.shape[1], None, 1.0)
        else:
            self._check_columns(X, "partial_fit")
            self._resume(1, X.shape[1], X.dtype)
        self._publish(self._learn(X, np.ones(X.shape[0]), np.array([np.nan]), weights, 1, "partial_fit"), X.dtype)
        return self

    def _bias(self):
        return 1.0 - self.offset_

    def _publish(self, passes, dtype):
        super()._publish(passes, dtype)
        self.coef_, self.offset_ = self.coef_[0], (1.0 - self._shown()[1]).astype(dtype)
        del self.intercept_

    def decision_function(self, X):
        """Signed distance (times the length of ``coef_``) to the hyperplane: positive for rows like the training rows, (n,)."""
        check_is_fitted(self)
        X = self.validate(X, operation="decision_function", accept_sparse="csr", dtype=FLOATS)
        scores = X @ (self.coef_.T if sparse.issparse(self.coef_) else self.coef_)
        return (scores.toarray() if sparse.issparse(scores) else scores).ravel() - self.offset_

    def score_samples(self, X):
        """``coef_ . x`` of each row, (n,)."""
        return self.decision_function(X) + self.offset_

    def predict(self, X):
        """1 for rows like the training rows, -1 for outliers."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

