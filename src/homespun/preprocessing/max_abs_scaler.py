"""Maximum-absolute scaling: every column divided by its largest absolute value, so zero stays zero and sparse stays sparse.

    z = x / max |x|

A column of zeros stays as it is. NaN is left out and kept. Cost O(n d).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Boolean
from homespun.preprocessing.robust_scaler import scale_sparse
from homespun.preprocessing.scaler import Scaler


class MaxAbsScaler(Scaler):
    """Scale columns to [-1, 1] without moving zero.

    Parameters
    ----------
    copy : bool, default=True
    clip : bool, default=False
        Values beyond the largest seen in `fit` are put to -1 and 1.

    Attributes
    ----------
    max_abs_, scale_ : arrays of shape (n_features,)
        `scale_` is 1 where `max_abs_` is 0.
    n_samples_seen_ : int
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> MaxAbsScaler().fit_transform([[-4.0], [2.0], [0.0]]).ravel()
    array([-1. ,  0.5,  0. ])
    """

    max_abs_: np.ndarray
    n_samples_seen_: int

    formats = ("csr", "csc")
    params = {"copy": Boolean(), "clip": Boolean()}

    def __init__(self, *, copy=True, clip=False):
        self.copy = copy
        self.clip = clip

    def fit(self, X, y=None):
        """Learn the largest absolute value of each column."""
        for name in ("max_abs_", "n_samples_seen_"):
            if hasattr(self, name):
                delattr(self, name)
        return self._learn(X, "fit")

    def partial_fit(self, X, y=None):
        """Learn from one more batch."""
        return self._learn(X, "partial_fit")

    def _learn(self, X, operation):
        check_params(self)
        first = not hasattr(self, "n_samples_seen_")
        X = self.values(X, operation, reset=first)
        if sparse.issparse(X):
            largest = np.zeros(X.shape[1], dtype=X.dtype)
            columns = X.indices if X.format == "csr" else np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
            np.fmax.at(largest, columns, np.abs(X.data))
        else:
            largest = np.fmax(np.fmax.reduce(X, axis=0), -np.fmin.reduce(X, axis=0))  # NaN passed over, no copy of X
        self.n_samples_seen_ = X.shape[0] if first else self.n_samples_seen_ + X.shape[0]
        self.max_abs_ = largest if first else np.fmax(self.max_abs_, largest)
        self.scale_ = np.where(self.max_abs_ < 10 * np.finfo(largest.dtype).eps, 1.0, self.max_abs_).astype(largest.dtype)
        return self

    def transform(self, X):
        """X / scale_."""
        check_is_fitted(self)
        X = self.values(X, "transform", copy=self.copy)
        if sparse.issparse(X):
            X = scale_sparse(X, 1.0 / self.scale_)
            if self.clip:
                np.clip(X.data, -1.0, 1.0, out=X.data)
            return X
        X /= self.scale_.astype(X.dtype)
        if self.clip:
            np.clip(X, -1.0, 1.0, out=X)
        return X

    def inverse_transform(self, X):
        """X * scale_."""
        check_is_fitted(self)
        X = self.values(X, "inverse_transform", copy=self.copy)
        if sparse.issparse(X):
            return scale_sparse(X, self.scale_)
        X *= self.scale_.astype(X.dtype)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
