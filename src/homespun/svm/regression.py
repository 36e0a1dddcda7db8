"""Support vector regression: a function that is flat where it may be, within a tube around the targets.

    SVR     minimise  1/2 |w|^2 + C sum_i k_i max(0, |y_i - f(x_i)| - epsilon)           f(x) = w . phi(x) + b,  k: weights
    NuSVR   the width of the tube is found, too:  1/2 |w|^2 + C (nu n epsilon + sum_i k_i max(0, |y_i - f(x_i)| - epsilon))
    dual    two variables a row:  s = +1, t = y - epsilon  and  s = -1, t = y + epsilon;  0 <= a <= C k;  c = a+ - a-

Drucker et al. 1997, NIPS 9; Schölkopf et al. 2000, Neural Computation 12(5). The solver is `working_set.solve`.
Not handled: several targets (`sklearn.multioutput` wraps).
"""

from __future__ import annotations

import numpy as np

from homespun.base import Real
from homespun.base.estimator import RegressorMixin
from homespun.svm.base import KERNEL_PARAMS, SupportVectorMachine
from homespun.svm.classification import filled
from homespun.svm.working_set import Dual, offset, solve, warn_if_stopped


class Regressor(RegressorMixin, SupportVectorMachine):
    """Subclasses say `_dual(y, weights)`."""

    def _solve(self, source, labels, parts):
        n = len(labels)
        dual = self._dual(labels, parts.weights)
        optimum = solve(source, dual, **self._settings())
        warn_if_stopped(optimum.stopped, self)
        self.fit_status_, self.n_iter_ = int(optimum.stopped), int(optimum.steps)
        self._intercept_ = np.array([np.mean(offset(dual, optimum))])
        keep_machine(self, parts, optimum.alpha[:n] - optimum.alpha[n:])

    def predict(self, X):
        """f(x): (m,)"""
        X = self._validate_for_predict(X, "predict")
        return machine_values(self, X)


def keep_machine(machine, parts, coefficients):
    """The support vectors of one machine, of coefficients for merged rows."""
    full = parts.spread(coefficients)
    used = np.flatnonzero(full)
    machine.support_ = parts.rows[used].astype(np.int32)
    machine._n_support = np.array([used.size], np.int32)
    machine._coefficients = full[None, used]


def machine_values(machine, X):
    """f(x) of one machine: (m,)"""
    if machine.kernel == "linear":
        coef = machine._dual_coef_ @ machine.support_vectors_
        coef = coef.toarray() if hasattr(coef, "toarray") else coef
        return (X @ coef.T)[:, 0] + machine._intercept_[0]
    return machine._sums(X, 0, machine.support_.size)[:, 0] + machine._intercept_[0]


class SVR(Regressor):
    """Epsilon-support vector regression.

    Parameters
    ----------
    C : float, default 1.0
        Price of a unit of error beyond the tube.
    epsilon : float, default 0.1
        Half of the tube's width, in units of y: smaller errors are free.
    kernel, degree, gamma, coef0, tol, shrinking, cache_size, verbose, max_iter
        As in `SVC`.

    Attributes
    ----------
    support_, support_vectors_ : rows of X with a coefficient
    dual_coef_ : ndarray of shape (1, number of support vectors)
    intercept_, n_support_ : ndarray of shape (1,)
    coef_ : ndarray of shape (1, d), of the linear kernel
    n_iter_, fit_status_ : int

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.svm import SVR
    >>> model = SVR(kernel="linear", C=100).fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    >>> bool(np.abs(model.predict([[0.0], [1.0], [2.0]]) - [0.0, 2.0, 4.0]).max() < 0.11)
    True
    """

    params = {"C": Real(low=0, open="low"), "epsilon": Real(low=0), **KERNEL_PARAMS}

    def __init__(self, *, kernel="rbf", degree=3, gamma="scale", coef0=0.0, tol=1e-3, C=1.0, epsilon=0.1, shrinking=True,
                 cache_size=200, verbose=False, max_iter=-1):
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.C = C
        self.epsilon = epsilon
        self.shrinking = shrinking
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter

    def _dual(self, y, weights):
        n = len(y)
        return Dual(np.repeat([1.0, -1.0], n), np.tile(np.arange(n), 2), np.tile(self.C * weights, 2),
                    np.concatenate([y - self.epsilon, y + self.epsilon]), np.zeros(2 * n))


class NuSVR(Regressor):
    """Nu-support vector regression.

    Parameters
    ----------
    nu : float in (0, 1], default 0.5
        At most this share of the rows lies outside the tube, and at least this share are support vectors.
    C, kernel, degree, gamma, coef0, shrinking, tol, cache_size, verbose, max_iter
        As in `SVR`, and so are the attributes and errors.

    Examples
    --------
    >>> from homespun.svm import NuSVR
    >>> model = NuSVR(kernel="linear", C=100).fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    >>> [round(value, 2) for value in model.predict([[1.0], [3.0]]).tolist()]
    [2.0, 6.0]
    """

    params = {"nu": Real(low=0, high=1, open="low"), "C": Real(low=0, open="low"), **KERNEL_PARAMS}

    def __init__(self, *, nu=0.5, C=1.0, kernel="rbf", degree=3, gamma="scale", coef0=0.0, shrinking=True, tol=1e-3,
                 cache_size=200, verbose=False, max_iter=-1):
        self.nu = nu
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.shrinking = shrinking
        self.tol = tol
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter

    def _dual(self, y, weights):
        n, upper = len(y), self.C * weights
        if not np.isfinite(upper).all():
            upper = np.where(np.isfinite(upper), upper, 1e10 * weights)  # an infinite share of nu cannot be filled in
        start = filled(upper, self.nu * upper.sum() / 2)
        return Dual(np.repeat([1.0, -1.0], n), np.tile(np.arange(n), 2), np.tile(upper, 2), np.tile(y, 2), np.tile(start, 2),
                    groups=True)
