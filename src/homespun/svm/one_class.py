"""One-class machine: the least region of feature space that holds most rows, apart from the origin.

    minimise  1/2 |w|^2 - rho + 1 / (nu n) sum_i k_i max(0, rho - w . phi(x_i))          f(x) = w . phi(x) - rho,  k: weights
    dual      s = 1,  t = 0,  0 <= a_i <= k_i,  sum a = nu sum k;  c = a

Schölkopf et al. 2001, Neural Computation 13(7). The solver is `working_set.solve`; a row is an outlier where f < 0.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.utils.validation import _num_samples

from homespun.base import Real
from homespun.svm.base import KERNEL_PARAMS, SupportVectorMachine
from homespun.svm.classification import filled
from homespun.svm.regression import keep_machine, machine_values
from homespun.svm.working_set import Dual, offset, solve, warn_if_stopped


class OneClassSVM(OutlierMixin, SupportVectorMachine):
    """Finds rows that are unlike most.

    Parameters
    ----------
    nu : float in (0, 1], default 0.5
        At most this share of the training rows are outliers, and at least this share are support vectors.
    kernel, degree, gamma, coef0, tol, shrinking, cache_size, verbose, max_iter
        As in `SVC`.

    Attributes
    ----------
    support_, support_vectors_ : rows of X with a coefficient
    dual_coef_ : ndarray of shape (1, number of support vectors)
    intercept_, n_support_ : ndarray of shape (1,)
    offset_ : float
        ``decision_function = score_samples - offset_``.
    coef_ : ndarray of shape (1, d), of the linear kernel
    n_iter_, fit_status_ : int

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.svm import OneClassSVM
    >>> model = OneClassSVM(gamma="auto", nu=0.3).fit([[0.0], [0.44], [0.45], [0.46], [1.0]])
    >>> model.predict([[0.45], [3.0]]).tolist()
    [1, -1]
    """

    params = {"nu": Real(low=0, high=1, open="low"), **KERNEL_PARAMS}

    def __init__(self, *, kernel="rbf", degree=3, gamma="scale", coef0=0.0, tol=1e-3, nu=0.5, shrinking=True, cache_size=200,
                 verbose=False, max_iter=-1):
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.nu = nu
        self.shrinking = shrinking
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter

    def fit(self, X, y=None, sample_weight=None):
        """Fit to rows without labels; see `SVC.fit`."""
        super().fit(X, np.ones(_num_samples(X)), sample_weight)
        self.offset_ = -self._intercept_
        return self

    def _solve(self, source, labels, parts):
        n = len(labels)
        start = filled(parts.weights, self.nu * parts.weights.sum())
        dual = Dual(np.ones(n), np.arange(n), parts.weights.copy(), np.zeros(n), start)
        optimum = solve(source, dual, **self._settings())
        warn_if_stopped(optimum.stopped, self)
        self.fit_status_, self.n_iter_ = int(optimum.stopped), int(optimum.steps)
        self._intercept_ = np.array(offset(dual, optimum))
        keep_machine(self, parts, optimum.alpha)

    def decision_function(self, X):
        """f(x): below zero for outliers."""
        return machine_values(self, self._validate_for_predict(X, "decision_function"))

    def score_samples(self, X):
        """w . phi(x): f without the offset."""
        return self.decision_function(X) + self.offset_

    def predict(self, X):
        """1 for rows like most, -1 for outliers."""
        return np.where(self.decision_function(X) > 0, 1, -1).astype(np.intp)
