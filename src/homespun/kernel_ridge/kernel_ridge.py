"""Kernel ridge regression: least squares with a squared penalty, in the space of a kernel.

    minimise over f   sum_i k_i (y_i - f(x_i))^2 + alpha |f|^2        f(x) = sum_j c_j K(x, x_j),  k: weights
    (K + alpha diag(1 / k)) c = y                                     solved as  (R K R + alpha I) c' = R y,  R = diag(sqrt k)

Saunders, Gammerman & Vovk 1998, ICML. There is no intercept: centre y, or let the kernel hold a constant. Rows without
weight have no coefficient. A matrix that is not positive definite is solved by least squares, with a warning.
O(n^2 d + n^3) time, O(n^2) memory.
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.linalg
from sklearn.base import MultiOutputMixin

from homespun.base import ArrayLike, CallableWith, Instance, OneOf, ParameterError, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.kernels.matmul import matmul
from homespun.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels


class KernelRidge(MultiOutputMixin, RegressorMixin, Estimator):
    """Kernel ridge regression.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default 1.0
        Weight of the penalty.
    kernel : str or callable, default "linear"
        One of `homespun.metrics.pairwise`, "precomputed", or a function of two rows.
    gamma : float, optional
        None: the kernel's default.
    degree : float, default 3
    coef0 : float, default 1
    kernel_params : dict, optional
        More for a function.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n,) or (n, n_targets)
    X_fit_ : the rows, which prediction needs

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.kernel_ridge import KernelRidge
    >>> model = KernelRidge(alpha=1.0).fit([[1.0], [2.0]], [1.0, 2.0])
    >>> round(float(model.predict([[6.0]])[0]), 6)
    5.0
    """

    params = {
        "alpha": Real(low=0) | ArrayLike(),
        "kernel": OneOf(*PAIRWISE_KERNEL_FUNCTIONS, "precomputed") | CallableWith("a function of two rows"),
        "gamma": Real(low=0) | None, "degree": Real(low=0), "coef0": Real(),
        "kernel_params": Instance(dict, noun="a dict") | None,
    }

    def __init__(self, alpha=1, *, kernel="linear", gamma=None, degree=3, coef0=1, kernel_params=None):
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags

    def fit(self, X, y, sample_weight=None):
        """Solve for the coefficients.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            kernel="precomputed": the matrix of kernel values (n, n).
        y : array-like of shape (n,) or (n, n_targets)
        sample_weight : array-like of shape (n,), optional
            A row of weight k counts as k rows.
        """
        check_params(self)
        X, y = self.validate(X, y, accept_sparse=("csr", "csc"), multi_output=True, y_numeric=True)
        weights = self.validate_weights(sample_weight, X)
        targets = np.asarray(y, np.float64).reshape(len(y), -1)
        alpha = np.atleast_1d(np.asarray(self.alpha, np.float64))
        if alpha.ndim > 1 or alpha.size not in (1, targets.shape[1]) or not (alpha >= 0).all():
            raise ParameterError("KernelRidge: alpha must be one number >= 0, or one for each of the "
                                 f"{targets.shape[1]} targets, got shape {alpha.shape}, least {alpha.min(initial=np.inf):g}",
                                 operation="KernelRidge.fit", operands={"alpha": self.alpha}, rule="numbers >= 0")
        root = np.sqrt(weights)
        K = np.asarray(self._values(X), np.float64) * root[:, None] * root
        found = solve_kernel(K, targets * root[:, None], alpha) * root[:, None]
        self.dual_coef_ = found[:, 0] if np.ndim(y) == 1 else found
        self.X_fit_ = X
        return self

    def predict(self, X):
        """sum_j c_j K(x, x_j): (m,) or (m, n_targets)"""
        check_is_fitted(self)
        X = self.validate(X, operation="predict", accept_sparse=("csr", "csc"))
        K = np.asarray(self._values(X, self.X_fit_), np.float64)
        coefficients = self.dual_coef_ if self.dual_coef_.ndim == 2 else self.dual_coef_[:, None]
        values = matmul(K, coefficients)
        return values if self.dual_coef_.ndim == 2 else values[:, 0]

    def _values(self, X, Y=None):
        if callable(self.kernel):
            return pairwise_kernels(X, Y, metric=self.kernel, **(self.kernel_params or {}))
        return pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, gamma=self.gamma, degree=self.degree,
                                coef0=self.coef0)


def solve_kernel(K, Y, alpha):
    """c of (K + alpha I) c = Y: (n, n_targets); `alpha` holds one number, or one for each target."""
    if alpha.size == 1 or (alpha == alpha[0]).all():
        return solve_shifted(K, Y, alpha[0])
    return np.column_stack([solve_shifted(K, Y[:, t:t + 1], alpha[t])[:, 0] for t in range(Y.shape[1])])


def solve_shifted(K, Y, alpha):
    shifted = K.copy()
    shifted.flat[::len(K) + 1] += alpha
    try:
        return scipy.linalg.solve(shifted, Y, assume_a="pos")
    except np.linalg.LinAlgError:
        warnings.warn("Singular matrix in solving dual problem. Using least-squares solution instead.", UserWarning, stacklevel=4)
        return scipy.linalg.lstsq(shifted, Y)[0]
