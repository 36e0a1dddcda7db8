"""Standard scaling: every column to mean 0 and variance 1.

    z = (x - m) / s      m, s: (d,) weighted mean and standard deviation (divided by the sum of weights)

Batches are merged by Chan, Golub & LeVeque 1979 (eq. 2.1): with sums of weights a, b and d = m_b - m_a,
    m = m_a + d b / (a + b)        M2 = M2_a + M2_b + d^2 a b / (a + b)
so that `partial_fit` in pieces equals `fit` at once. A column without variance is only centred. NaN is left out and kept.
Cost O(n d). Sparse X is scaled but never centred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from homespun.base.errors import ParameterError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Boolean
from homespun.preprocessing.scaler import Scaler


class StandardScaler(Scaler):
    """Subtract the mean, divide by the standard deviation.

    Parameters
    ----------
    copy : bool, default=True
        False: a float array is scaled in place.
    with_mean, with_std : bool, default=True
        ``with_mean=False`` is needed for sparse X.

    Attributes
    ----------
    mean_, var_, scale_ : arrays of shape (n_features,) or None
    n_samples_seen_ : int, float or array of shape (n_features,)
        Sum of weights; an array where columns miss different numbers of values.

    Examples
    --------
    >>> StandardScaler().fit_transform([[1.0], [3.0]]).ravel()
    array([-1.,  1.])
    """

    mean_: Any
    var_: Any
    scale_: Any
    n_samples_seen_: Any
    _sum_weights: np.ndarray
    _mean: np.ndarray
    _squares: np.ndarray

    formats = ("csr", "csc")
    params = {"copy": Boolean(), "with_mean": Boolean(), "with_std": Boolean()}

    def __init__(self, *, copy=True, with_mean=True, with_std=True):
        self.copy = copy
        self.with_mean = with_mean
        self.with_std = with_std

    def fit(self, X, y=None, sample_weight=None):
        """Learn mean and deviation from X."""
        for name in ("mean_", "var_", "scale_", "n_samples_seen_", "_sum_weights", "_squares"):
            if hasattr(self, name):
                delattr(self, name)
        return self._learn(X, sample_weight, "fit")

    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one more batch."""
        return self._learn(X, sample_weight, "partial_fit")

    def _learn(self, X, sample_weight, operation):
        check_params(self)
        first = not hasattr(self, "n_samples_seen_")
        X = self.values(X, operation, reset=first)
        weights = (
            None
            if sample_weight is None
            else self.validate_weights(sample_weight, X, operation=operation, dtype=np.float64)
        )
        if sparse.issparse(X) and self.with_mean:
            raise ParameterError(
                "StandardScaler: Cannot center sparse matrices: pass `with_mean=False` instead.",
                operation="StandardScaler.fit",
                operands={"with_mean": True, "X": X.shape},
                rule="with_mean=False for sparse X",
                suggestion="with_mean=False",
            )
        total, mean, squares = column_moments(X, weights)
        if not first:
            before, old_mean, old_squares = self._sum_weights, self._mean, self._squares
            both = before + total
            safe = np.where(both > 0, both, 1.0)
            step = mean - old_mean
            mean = old_mean + step * total / safe
            squares = old_squares + squares + step * step * before * total / safe
            total = both
        self._sum_weights, self._mean, self._squares = total, mean, squares
        same = np.ptp(total) == 0 if total.size else True
        seen = total[0] if same else total
        if weights is None:
            seen = int(seen) if same else seen.astype(np.int64)
        self.n_samples_seen_ = float(seen) if (same and weights is not None) else seen
        unknown = np.where(total > 0, 0.0, np.nan)  # a column that never had a value
        self.mean_ = mean + unknown if (self.with_mean or self.with_std) else None
        self.var_ = self.scale_ = None
        if self.with_std:
            variance = squares / np.where(total > 0, total, 1.0) + unknown
            # What rounding leaves of a constant column is not variance (Higham 2002, sec. 1.9).
            noise = total * np.finfo(np.float64).eps * variance + (total * mean * np.finfo(np.float64).eps) ** 2
            constant = variance <= noise
            self.var_ = variance
            self.scale_ = np.where(constant, 1.0, np.sqrt(variance))
        return self

    def transform(self, X, copy=None):
        """(X - mean_) / scale_."""
        check_is_fitted(self)
        copy = self.copy if copy is None else copy
        X = self.values(X, "transform", copy=copy, accept_sparse="csr")
        if sparse.issparse(X):
            if self.with_mean:
                raise ParameterError(
                    "StandardScaler: Cannot center sparse matrices: pass `with_mean=False` instead.",
                    operation="StandardScaler.transform",
                    operands={"with_mean": True},
                    rule="with_mean=False for sparse X",
                )
            if self.with_std:
                X.data /= self.scale_.astype(X.dtype)[X.indices]
            return X
        if self.with_mean:
            X -= self.mean_.astype(X.dtype)
        if self.with_std:
            X /= self.scale_.astype(X.dtype)
        return X

    def inverse_transform(self, X, copy=None):
        """X * scale_ + mean_."""
        check_is_fitted(self)
        X = self.values(X, "inverse_transform", copy=self.copy if copy is None else copy, accept_sparse="csr")
        if sparse.issparse(X):
            if self.with_mean:
                raise ParameterError(
                    "StandardScaler: Cannot uncenter sparse matrices: pass `with_mean=False` instead.",
                    operation="StandardScaler.inverse_transform",
                    operands={"with_mean": True},
                    rule="with_mean=False for sparse X",
                )
            if self.with_std:
                X.data *= self.scale_.astype(X.dtype)[X.indices]
            return X
        if self.with_std:
            X *= self.scale_.astype(X.dtype)
        if self.with_mean:
            X += self.mean_.astype(X.dtype)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_mean
        return tags


def column_moments(X, weights=None):
    """Sum of weights, mean, and weighted sum of squared deviations of each column of X (n, d), NaN left out.

    Two passes in float64: the squares are taken around the mean, so a large mean costs no digits.
    """
    n, d = X.shape
    weights = np.ones(n) if weights is None else weights
    if sparse.issparse(X):
        X = X.tocsc()
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        column = np.repeat(np.arange(d), np.diff(X.indptr))
        values, w = X.data.astype(np.float64), weights[X.indices]
        absent = np.isnan(values)
        lost = np.bincount(column, weights=w * absent, minlength=d)
        values, w = np.where(absent, 0.0, values), np.where(absent, 0.0, w)
        stored = np.bincount(column, weights=w, minlength=d)
        # Where every entry is stored no zero has weight: not even what rounding leaves of a difference of sums.
        total = np.where(np.diff(X.indptr) == n, stored, weights.sum() - lost)
        zeros = total - stored
        safe = np.where(total > 0, total, 1.0)
        mean = np.bincount(column, weights=w * values, minlength=d) / safe
        mean += (np.bincount(column, weights=w * (values - mean[column]), minlength=d) - zeros * mean) / safe
        squares = np.bincount(column, weights=w * (values - mean[column]) ** 2, minlength=d) + zeros * mean**2
        return total, mean, squares
    X = X.astype(np.float64, copy=False)
    absent = np.isnan(X)
    if not absent.any():
        total = np.full(d, weights.sum())
        mean = weights @ X / total[0] if d else np.zeros(0)
        centred = X - mean
    else:
        total = weights @ ~absent
        mean = weights @ np.where(absent, 0.0, X) / np.where(total > 0, total, 1.0)
        centred = np.where(absent, 0.0, X - mean)
    drift = (
        weights @ centred / np.where(total > 0, total, 1.0)
    )  # what rounding left of the mean (Higham 2002, sec. 1.9)
    squares = weights @ centred**2 - total * drift**2
    return total, mean, np.maximum(squares, 0.0)
