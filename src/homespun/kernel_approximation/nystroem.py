"""Nyström's method: a kernel matrix seen through a few of its rows.

    K ~ K_nm K_mm^-1 K_mn,  so  z(x) = K_mm^-1/2 k(x)        k(x)_c = K(x, x_c) of m chosen rows           z: (n, m)

Williams & Seeger 2001, NIPS 13. The inverse root is U S^-1/2 V of the singular values, those below 1e-12 raised to it.
O(n m d + n m^2 + m^3) time, O(n m) memory.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state

from homespun.base import CallableWith, Instance, Integer, NJobs, OneOf, ParameterError, RandomState, Real
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.kernels.matmul import matmul
from homespun.kernels.row_content import groups_of_equal_rows
from homespun.metrics.pairwise import KERNEL_PARAMS, PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

LEAST = 1e-12


class Nystroem(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Features of any kernel, by its values with some of the rows.

    Parameters
    ----------
    kernel : str or callable, default "rbf"
        One of `homespun.metrics.pairwise`, "precomputed", or a function of two rows.
    gamma, coef0, degree : float, optional
        Of the kernel; None: its default.
    kernel_params : dict, optional
        More for a function.
    n_components : int, default 100
        Rows that are drawn.
    random_state : int, RandomState or None
    n_jobs
        Accepted and ignored.

    Attributes
    ----------
    components_ : the rows that were drawn, (n_components, d)
    component_indices_ : ndarray of shape (n_components,)
    normalization_ : ndarray of shape (n_components, n_components)
        The inverse root of their kernel.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.kernel_approximation import Nystroem
    >>> Z = Nystroem(n_components=2, random_state=0).fit_transform([[0.0], [1.0]])
    >>> (Z @ Z.T).round(4).tolist()
    [[1.0, 0.3679], [0.3679, 1.0]]
    """

    params = {
        "kernel": OneOf(*PAIRWISE_KERNEL_FUNCTIONS, "precomputed") | CallableWith("a function of two rows"),
        "gamma": Real(low=0) | None, "coef0": Real() | None, "degree": Real(low=1) | None,
        "kernel_params": Instance(dict, noun="a dict") | None, "n_components": Integer(low=1), "random_state": RandomState,
        "n_jobs": NJobs,
    }

    def __init__(self, kernel="rbf", *, gamma=None, coef0=None, degree=None, kernel_params=None, n_components=100,
                 random_state=None, n_jobs=None):
        self.kernel = kernel
        self.gamma = gamma
        self.coef0 = coef0
        self.degree = degree
        self.kernel_params = kernel_params
        self.n_components = n_components
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X, y=None):
        """Draw rows of X and take the inverse root of their kernel."""
        check_params(self)
        X = self.validate(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        n = X.shape[0]
        if self.n_components > n:
            warnings.warn("n_components > n_samples. This is not possible.\nn_components was set to n_samples, which results in "
                          "inefficient evaluation of the full kernel.", UserWarning, stacklevel=2)
        chosen = check_random_state(self.random_state).permutation(n)[:min(n, self.n_components)]
        if self.kernel != "precomputed":
            chosen = groups_of_equal_rows(X)[0][chosen]  # what is drawn does not depend on where rows stand
        basis = X[chosen]
        K = self._values(basis[:, chosen] if self.kernel == "precomputed" else basis)
        U, S, V = np.linalg.svd(K)
        self.normalization_ = (U / np.sqrt(np.maximum(S, LEAST))) @ V
        self.components_, self.component_indices_ = basis, chosen
        self._n_features_out = len(chosen)
        return self

    def transform(self, X):
        """The features: (n, n_components)."""
        check_is_fitted(self)
        X = self.validate(X, operation="transform", accept_sparse="csr", dtype=[np.float64, np.float32])
        K = X[:, self.component_indices_] if self.kernel == "precomputed" else self._values(X, self.components_)
        return matmul(np.asarray(K), self.normalization_.T)

    def _values(self, X, Y=None):
        if not callable(self.kernel) and self.kernel != "precomputed":
            numbers = {name: getattr(self, name) for name in ("gamma", "coef0", "degree")
                       if name in KERNEL_PARAMS[self.kernel] and getattr(self, name) is not None}
            return pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, **{**(self.kernel_params or {}), **numbers})
        if any(value is not None for value in (self.gamma, self.coef0, self.degree)):
            raise ParameterError("Nystroem: Don't pass gamma, coef0 or degree to Nystroem if using a callable or precomputed "
                                 "kernel", operation="Nystroem", operands={"kernel": self.kernel},
                                 rule="numbers of named kernels only", suggestion="kernel_params={…}")
        return X if self.kernel == "precomputed" else pairwise_kernels(X, Y, metric=self.kernel, **(self.kernel_params or {}))
