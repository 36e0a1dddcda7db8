"""Random Fourier features: waves whose mean product is the kernel.

    z_c(x) = sqrt(2 / m) cos(w_c . x + b_c)       E[z(x) . z(y)] = K(x - y)          W: (d, m)   b: uniform in [0, 2 pi)

Bochner's theorem: w is drawn from the Fourier transform of the kernel (Rahimi & Recht 2007, NIPS 20, algorithm 1).
    RBFSampler           exp(-gamma |x - y|^2)                                        w normal, of variance 2 gamma
    SkewedChi2Sampler    prod_k 2 sqrt((x_k + c)(y_k + c)) / (x_k + y_k + 2 c)        of log(x + c); w is 1/pi log tan(pi u / 2)
The second is Li, Ionescu & Sminchisescu 2010, DAGM, section 3. The error falls with sqrt(m). O(n d m) time.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state

from homespun.base import DataError, Integer, OneOf, RandomState, Real
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.kernels.matmul import matmul

FLOATS = [np.float64, np.float32]


class Waves(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Subclasses draw `random_weights_`."""

    def _draw(self, weights, random, dtype):
        self.random_weights_ = weights.astype(dtype, copy=False)
        self.random_offset_ = random.uniform(0, 2 * np.pi, size=self.n_components).astype(dtype, copy=False)
        self._n_features_out = self.n_components
        return self

    def _waves(self, X):
        phases = np.asarray(X @ self.random_weights_) if sp.issparse(X) else matmul(X, self.random_weights_)
        phases += self.random_offset_
        np.cos(phases, out=phases)
        phases *= (2.0 / self.n_components) ** 0.5
        return phases

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RBFSampler(Waves):
    """Random Fourier features of the rbf kernel.

    Parameters
    ----------
    gamma : float or "scale", default 1.0
        "scale": 1 / (d var(X)).
    n_components : int, default 100
        Columns to make; the error is about 1 / sqrt of them.
    random_state : int, RandomState or None

    Attributes
    ----------
    random_weights_ : ndarray of shape (d, n_components)
    random_offset_ : ndarray of shape (n_components,)

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.kernel_approximation import RBFSampler
    >>> Z = RBFSampler(gamma=0.5, n_components=5000, random_state=0).fit_transform([[0.0], [1.0]])
    >>> abs(Z[0] @ Z[1] - np.exp(-0.5)) < 0.03
    np.True_
    """

    params = {"gamma": OneOf("scale") | Real(low=0), "n_components": Integer(low=1), "random_state": RandomState}

    def __init__(self, *, gamma=1.0, n_components=100, random_state=None):
        self.gamma = gamma
        self.n_components = n_components
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y=None):
        """Draw the waves for as many columns as X has."""
        check_params(self)
        X = self.validate(X, accept_sparse="csr", dtype=FLOATS)
        random = check_random_state(self.random_state)
        self._gamma = self.gamma
        if self.gamma == "scale":
            variance = X.multiply(X).mean() - X.mean() ** 2 if sp.issparse(X) else X.var()
            self._gamma = 1.0 / (X.shape[1] * variance) if variance > 0 else 1.0
        weights = (2.0 * self._gamma) ** 0.5 * random.normal(size=(X.shape[1], self.n_components))
        return self._draw(weights, random, X.dtype)

    def transform(self, X):
        """The waves: (n, n_components)."""
        check_is_fitted(self)
        return self._waves(self.validate(X, operation="transform", accept_sparse="csr", dtype=FLOATS))


class SkewedChi2Sampler(Waves):
    """Random Fourier features of the skewed chi-squared kernel, for histograms.

    Parameters
    ----------
    skewedness : float, default 1.0
        c; all entries must be above -c.
    n_components : int, default 100
    random_state : int, RandomState or None

    Attributes
    ----------
    random_weights_ : ndarray of shape (d, n_components)
    random_offset_ : ndarray of shape (n_components,)

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.kernel_approximation import SkewedChi2Sampler
    >>> Z = SkewedChi2Sampler(skewedness=0.1, n_components=5000, random_state=0).fit_transform([[1.0], [3.0]])
    >>> abs(Z[0] @ Z[1] - 2 * (1.1 * 3.1) ** 0.5 / 4.2) < 0.03
    np.True_
    """

    params = {"skewedness": Real(), "n_components": Integer(low=1), "random_state": RandomState}

    def __init__(self, *, skewedness=1.0, n_components=100, random_state=None):
        self.skewedness = skewedness
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the waves for as many columns as X has."""
        check_params(self)
        X = self.validate(X, dtype=FLOATS)
        random = check_random_state(self.random_state)
        uniform = random.uniform(size=(X.shape[1], self.n_components))
        return self._draw(np.log(np.tan(np.pi / 2 * uniform)) / np.pi, random, X.dtype)

    def transform(self, X):
        """The waves of log(X + skewedness): (n, n_components)."""
        check_is_fitted(self)
        X = self.validate(X, operation="transform", dtype=FLOATS)
        if (-self.skewedness >= X).any():
            raise DataError("SkewedChi2Sampler.transform: X may not contain entries smaller than -skewedness: "
                            f"{X.min():g} is not above {-self.skewedness:g}", operation="SkewedChi2Sampler.transform",
                            operands={"X": X.shape}, rule=f"entries > {-self.skewedness:g}")
        return self._waves(np.log(X + X.dtype.type(self.skewedness)))
