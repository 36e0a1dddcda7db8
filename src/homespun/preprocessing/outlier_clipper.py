"""Clipping outliers (winsorising): values beyond learned ends are put onto the ends, so that one typing error moves no line.

    z = min(max(x, low), high)

    method="quantile"   low, high = the quantiles of `quantile_range`
    method="iqr"        low, high = q_25 - f (q_75 - q_25), q_75 + f (q_75 - q_25)        f = `factor`

Tukey 1962, Ann. Math. Stat. 33(1), sec. 14; f = 1.5 are the whiskers of his box plot (Exploratory Data Analysis, 1977).
NaN is left out and kept. A value is moved, never removed: rows stay in place. Cost O(n d). Not invertible.
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean, OneOf, Real
from homespun.preprocessing.quantiles import column_quantiles
from homespun.preprocessing.robust_scaler import quantile_range
from homespun.preprocessing.scaler import Scaler


class OutlierClipper(Scaler):
    """Put values beyond learned ends onto the ends.

    Parameters
    ----------
    method : {"iqr", "quantile"}, default="iqr"
    factor : float >= 0, default=1.5
        Of the distance between the quartiles, with ``method="iqr"``. 3: only what is far out.
    quantile_range : (low, high), default=(0.01, 0.99)
        Shares, with ``method="quantile"``.
    copy : bool, default=True

    Attributes
    ----------
    lower_, upper_ : arrays of shape (n_features,)
    clipped_share_ : array of shape (n_features,)
        Share of the values that were beyond the ends in `fit`: much of it is no outlier but a long tail (take logarithms).
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> OutlierClipper().fit_transform([[1.0], [2.0], [3.0], [4.0], [1000.0]]).ravel()
    array([1., 2., 3., 4., 7.])
    """

    params = {"method": OneOf("iqr", "quantile"), "factor": Real(low=0), "quantile_range": ArrayLike(), "copy": Boolean()}

    def __init__(self, *, method="iqr", factor=1.5, quantile_range=(0.01, 0.99), copy=True):
        self.method = method
        self.factor = factor
        self.quantile_range = quantile_range
        self.copy = copy

    def fit(self, X, y=None):
        """Learn the ends."""
        check_params(self)
        low, high = quantile_range(self, "quantile_range", self.quantile_range, top=1.0)
        X = self.values(X)
        bottom, top = column_quantiles(X, (0.25, 0.75) if self.method == "iqr" else (low, high))
        if self.method == "iqr":
            reach = (self.factor * (top - bottom)).astype(X.dtype)
            bottom, top = bottom - reach, top + reach
        self.lower_, self.upper_ = bottom, top
        there = np.maximum((~np.isnan(X)).sum(axis=0), 1)
        self.clipped_share_ = ((bottom > X) | (top < X)).sum(axis=0) / there
        return self

    def transform(self, X):
        """X within the ends."""
        check_is_fitted(self)
        X = self.values(X, "transform", copy=self.copy)
        return np.clip(X, self.lower_.astype(X.dtype), self.upper_.astype(X.dtype), out=X)
