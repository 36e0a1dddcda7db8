"""Robust scaling: subtract the median, divide by the distance between two quantiles. Outliers move neither.

    z = (x - median) / (q_high - q_low)

A column whose quantiles are equal is only centred. With `unit_variance` the distance is divided by that of a standard normal,
so that a normal column gets variance 1. NaN is left out and kept. Cost O(n d). Sparse X is scaled but never centred.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base.errors import ParameterError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean
from homespun.preprocessing.quantiles import column_quantiles
from homespun.preprocessing.scaler import Scaler


class RobustScaler(Scaler):
    """Scale columns by median and quantile range.

    Parameters
    ----------
    with_centering, with_scaling : bool, default=True
        ``with_centering=False`` is needed for sparse X.
    quantile_range : (low, high), 0 < low < high < 100, default=(25.0, 75.0)
        In per cent.
    copy : bool, default=True
    unit_variance : bool, default=False

    Attributes
    ----------
    center_, scale_ : arrays of shape (n_features,) or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> RobustScaler().fit_transform([[1.0], [2.0], [3.0], [4.0], [1000.0]]).ravel()
    array([ -1. ,  -0.5,   0. ,   0.5, 498.5])
    """

    formats = ("csr", "csc")
    params = {
        "with_centering": Boolean(),
        "with_scaling": Boolean(),
        "quantile_range": ArrayLike(),
        "copy": Boolean(),
        "unit_variance": Boolean(),
    }

    def __init__(
        self, *, with_centering=True, with_scaling=True, quantile_range=(25.0, 75.0), copy=True, unit_variance=False
    ):
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.copy = copy
        self.unit_variance = unit_variance

    def fit(self, X, y=None):
        """Learn median and quantile range of each column."""
        check_params(self)
        low, high = quantile_range(self, "quantile_range", self.quantile_range)
        X = self.values(X, accept_sparse="csc")
        if self.with_centering and sparse.issparse(X):
            raise ParameterError(
                "RobustScaler.fit: Cannot center sparse matrices: use `with_centering=False` instead.",
                operation="RobustScaler.fit",
                operands={"with_centering": True, "X": X.shape},
                rule="with_centering=False for sparse X",
                suggestion="with_centering=False",
            )
        bottom, middle, top = column_quantiles(X, [low / 100.0, 0.5, high / 100.0])
        self.center_ = middle if self.with_centering else None
        self.scale_ = None
        if self.with_scaling:
            scale = top - bottom
            scale[scale < 10 * np.finfo(scale.dtype).eps] = 1.0
            if self.unit_variance:
                from scipy.special import ndtri

                scale = (scale / (ndtri(high / 100.0) - ndtri(low / 100.0))).astype(scale.dtype)
            self.scale_ = scale
        return self

    def transform(self, X):
        """(X - center_) / scale_."""
        check_is_fitted(self)
        X = self.values(X, "transform", copy=self.copy)
        if sparse.issparse(X):
            return scale_sparse(X, None if self.scale_ is None else 1.0 / self.scale_)
        if self.center_ is not None:
            X -= self.center_.astype(X.dtype)
        if self.scale_ is not None:
            X /= self.scale_.astype(X.dtype)
        return X

    def inverse_transform(self, X):
        """X * scale_ + center_."""
        check_is_fitted(self)
        X = self.values(X, "inverse_transform", copy=self.copy)
        if sparse.issparse(X):
            return scale_sparse(X, self.scale_)
        if self.scale_ is not None:
            X *= self.scale_.astype(X.dtype)
        if self.center_ is not None:
            X += self.center_.astype(X.dtype)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_centering
        return tags


def quantile_range(estimator, name: str, given, top: float = 100.0) -> tuple[float, float]:
    """The two ends, if 0 <= low <= high <= top."""
    ends = [end for end in given if isinstance(end, (int, float, np.number)) and 0 <= end <= top]
    if len(given) != 2 or len(ends) != 2 or ends[0] > ends[1]:
        where = f"{type(estimator).__name__}.fit"
        raise ParameterError(
            f"{where}: Invalid quantile range: {name} must be two numbers with 0 <= low <= high <= {top:g}, got {given}",
            operation=where,
            operands={name: given},
            rule=f"0 <= low <= high <= {top:g}",
        )
    return float(ends[0]), float(ends[1])


def scale_sparse(X, factor):
    """Multiply the columns of a CSR or CSC matrix in place."""
    if factor is not None:
        columns = X.indices if X.format == "csr" else np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
        X.data *= factor.astype(X.dtype)[columns]
    return X
