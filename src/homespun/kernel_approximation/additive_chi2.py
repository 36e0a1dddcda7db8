"""Fourier features of the additive chi-squared kernel, column by column and without chance.

    k(x, y) = sum_k 2 x_k y_k / (x_k + y_k),  and with L step width, s(w) = 1 / cosh(pi w) its spectrum:
    z_0 = sqrt(L x)      z_2j-1, z_2j = sqrt(2 L x s(j L)) (cos, sin)(j L log x)          j = 1 … steps - 1

Vedaldi & Zisserman 2012, IEEE PAMI 34(3), section 4. Zeros stay zeros. O(n d steps).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import _check_feature_names_in

from homespun.base import Integer, ParameterError, Real
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params

STEP_WIDTHS = {1: 0.8, 2: 0.5, 3: 0.4}  # the best for so many steps, from the paper's figure 6


class AdditiveChi2Sampler(TransformerMixin, Estimator):
    """Features of the additive chi-squared kernel, for histograms.

    Parameters
    ----------
    sample_steps : int, default 2
        Columns are 2 * sample_steps - 1 times as many.
    sample_interval : float, optional
        Step width; needed for more than three steps.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.kernel_approximation import AdditiveChi2Sampler
    >>> Z = AdditiveChi2Sampler(sample_steps=3).fit_transform([[1.0], [3.0]])
    >>> round(float(Z[0] @ Z[1]), 1), 2 * 1 * 3 / (1 + 3)
    (1.5, 1.5)
    """

    params = {"sample_steps": Integer(low=1), "sample_interval": Real(low=0) | None}

    def __init__(self, *, sample_steps=2, sample_interval=None):
        self.sample_steps = sample_steps
        self.sample_interval = sample_interval

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X, y=None):
        """Only checks: nothing is learned."""
        check_params(self)
        self.validate(X, accept_sparse="csr", ensure_non_negative=True)
        self._step_width()
        return self

    def transform(self, X):
        """The features: (n, d (2 sample_steps - 1)), sparse if X is."""
        check_params(self)
        width = self._step_width()
        X = self.validate(X, operation="transform", accept_sparse="csr", ensure_non_negative=True, reset=False)
        parts = features_of(X.data if sp.issparse(X) else X, self.sample_steps, width)
        if sp.issparse(X):
            return sp.hstack([sp.csr_matrix((part, X.indices.copy(), X.indptr.copy()), shape=X.shape) for part in parts], "csr")
        return np.hstack(parts)

    def _step_width(self):
        if self.sample_interval is not None:
            return float(self.sample_interval)
        if self.sample_steps not in STEP_WIDTHS:
            raise ParameterError(
                f"AdditiveChi2Sampler: If sample_steps is not in [1, 2, 3], you need to provide sample_interval (sample_steps is "
                f"{self.sample_steps})", operation="AdditiveChi2Sampler", operands={"sample_steps": self.sample_steps},
                rule="a step width for more than three steps", suggestion="sample_interval=0.4")
        return STEP_WIDTHS[self.sample_steps]

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that are made: one of roots, and pairs of cosines and sines, for each column."""
        check_is_fitted(self, attributes="n_features_in_")
        names = _check_feature_names_in(self, input_features, generate_names=True)
        kinds = ["sqrt"] + [f"{wave}{j}" for j in range(1, self.sample_steps) for wave in ("cos", "sin")]
        return np.array([f"additivechi2sampler_{name}_{kind}" for kind in kinds for name in names], dtype=object)


def features_of(x, steps, width):
    """z_0, z_1, … of entries >= 0, each in the shape of x."""
    dtype = x.dtype if x.dtype.kind == "f" else np.float64
    positive = x > 0
    logs = width * np.log(np.where(positive, x, 1))
    parts = [np.sqrt(width * x)]
    for j in range(1, steps):
        factor = np.sqrt(2 * width * x / np.cosh(np.pi * j * width))
        parts += [factor * np.cos(j * logs), factor * np.sin(j * logs)]
    return [part.astype(dtype, copy=False) for part in parts]
