"""Tensor sketch: products of `degree` count sketches stand for the polynomial kernel.

    C_t(x)_i = sum_{j: h_t(j) = i} g_t(j) x_j         z(x) = IFFT( prod_t FFT(C_t(x)) )        t = 1 … degree
    E[z(x) . z(y)] = (gamma x . y + coef0)^degree      h: columns → 0 … m - 1, g: columns → -1 or 1, both random

Pham & Pagh 2013, KDD, algorithm 1; gamma and coef0 by scaling x and one more constant column. A sketch is a product with
a sparse matrix of one entry a column. O(n degree (d + m log m)) time.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.fft import irfft, rfft
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state

from homespun.base import Integer, RandomState, Real
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params


class PolynomialCountSketch(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Features of the polynomial kernel.

    Parameters
    ----------
    gamma : float, default 1.0
    degree : int, default 2
    coef0 : float, default 0.0
        At least 0: its root is a column.
    n_components : int, default 100
        Columns to make.
    random_state : int, RandomState or None

    Attributes
    ----------
    indexHash_, bitHash_ : ndarray of shape (degree, d or d + 1)

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.kernel_approximation import PolynomialCountSketch
    >>> Z = PolynomialCountSketch(n_components=2000, random_state=0).fit_transform([[1.0, 2.0], [3.0, 1.0]])
    >>> round(float(Z[0] @ Z[1])), (1 * 3 + 2 * 1) ** 2
    (25, 25)
    """

    params = {"gamma": Real(low=0), "degree": Integer(low=1), "coef0": Real(low=0), "n_components": Integer(low=1),
              "random_state": RandomState}

    def __init__(self, *, gamma=1.0, degree=2, coef0=0.0, n_components=100, random_state=None):
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.n_components = n_components
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y=None):
        """Draw the hashes for as many columns as X has."""
        check_params(self)
        X = self.validate(X, accept_sparse="csr")
        random = check_random_state(self.random_state)
        columns = X.shape[1] + (self.coef0 != 0)
        self.indexHash_ = random.randint(0, high=self.n_components, size=(self.degree, columns))
        self.bitHash_ = random.choice(a=[-1, 1], size=(self.degree, columns))
        self._n_features_out = self.n_components
        return self

    def transform(self, X):
        """The features: (n, n_components)."""
        check_is_fitted(self)
        X = self.validate(X, operation="transform", accept_sparse="csr")
        d = X.shape[1]
        spectrum = None
        for index, sign in zip(self.indexHash_, self.bitHash_):
            hashes = sp.csr_matrix((sign[:d] * self.gamma**0.5, (np.arange(d), index[:d])), shape=(d, self.n_components))
            sketch = X @ hashes
            sketch = sketch.toarray() if sp.issparse(sketch) else np.asarray(sketch, np.float64)
            if self.coef0 != 0:
                sketch[:, index[d]] += sign[d] * self.coef0**0.5
            waves = rfft(sketch, axis=1)
            spectrum = waves if spectrum is None else spectrum * waves
        return irfft(spectrum, self.n_components, axis=1)
