"""Min-max scaling: every column onto a given range.

    z = (x - min) * (b - a) / (max - min) + a          feature_range = (a, b)

A constant column goes to a. NaN is left out and kept. Cost O(n d). Not handled: sparse X (zero would move).
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import ParameterError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean
from homespun.preprocessing.scaler import Scaler


class MinMaxScaler(Scaler):
    """Scale each column to a range.

    Parameters
    ----------
    feature_range : tuple (low, high), default=(0, 1)
    copy : bool, default=True
    clip : bool, default=False
        Values outside the range seen in `fit` are put onto its ends.

    Attributes
    ----------
    data_min_, data_max_, data_range_, scale_, min_ : arrays of shape (n_features,)
    n_samples_seen_ : int

    Examples
    --------
    >>> MinMaxScaler().fit_transform([[2.0], [4.0], [3.0]]).ravel()
    array([0. , 1. , 0.5])
    """

    n_samples_seen_: int
    data_min_: np.ndarray
    data_max_: np.ndarray

    params = {"feature_range": ArrayLike(), "copy": Boolean(), "clip": Boolean()}

    def __init__(self, feature_range=(0, 1), *, copy=True, clip=False):
        self.feature_range = feature_range
        self.copy = copy
        self.clip = clip

    def fit(self, X, y=None):
        """Learn the range of each column."""
        for name in ("data_min_", "data_max_", "n_samples_seen_"):
            if hasattr(self, name):
                delattr(self, name)
        return self._learn(X, "fit")

    def partial_fit(self, X, y=None):
        """Widen the ranges by one more batch."""
        return self._learn(X, "partial_fit")

    def _learn(self, X, operation):
        check_params(self)
        low, high = self.feature_range
        if low >= high:
            raise ParameterError(
                f"MinMaxScaler: Minimum of desired feature range must be smaller than maximum. Got {self.feature_range}.",
                operation="MinMaxScaler.fit",
                operands={"feature_range": self.feature_range},
                rule="low < high",
            )
        first = not hasattr(self, "n_samples_seen_")
        X = self.values(X, operation, reset=first)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column of NaN stays NaN
            smallest, largest = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
        self.n_samples_seen_ = X.shape[0] if first else self.n_samples_seen_ + X.shape[0]
        self.data_min_ = smallest if first else np.fmin(self.data_min_, smallest)
        self.data_max_ = largest if first else np.fmax(self.data_max_, largest)
        self.data_range_ = self.data_max_ - self.data_min_
        constant = self.data_range_ < 10 * np.finfo(self.data_range_.dtype).eps
        self.scale_ = (high - low) / np.where(constant, 1.0, self.data_range_).astype(X.dtype)
        self.min_ = low - self.data_min_ * self.scale_
        return self

    def transform(self, X):
        """X * scale_ + min_."""
        check_is_fitted(self)
        X = self.values(X, "transform", copy=self.copy)
        X *= self.scale_.astype(X.dtype)
        X += self.min_.astype(X.dtype)
        if self.clip:
            np.clip(X, *self.feature_range, out=X)
        return X

    def inverse_transform(self, X):
        """(X - min_) / scale_."""
        check_is_fitted(self)
        X = self.values(X, "inverse_transform", copy=self.copy)
        X -= self.min_.astype(X.dtype)
        X /= self.scale_.astype(X.dtype)
        return X
