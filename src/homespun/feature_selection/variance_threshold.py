"""Leave out columns of numbers that hardly vary.

    kept: var(x_j) > threshold            threshold = 0 leaves out constant columns: there the range decides, which is exact

NaN is left out of the variance. Cost O(n d). Not handled: texts (`DropConstantColumns` takes any column).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from homespun.base.errors import DataError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Real
from homespun.feature_selection.selector import ColumnSelector
from homespun.preprocessing.standard_scaler import column_moments


class VarianceThreshold(ColumnSelector):
    """Leave out columns whose variance is small.

    Parameters
    ----------
    threshold : float, default=0.0

    Attributes
    ----------
    variances_ : array of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> VarianceThreshold().fit_transform([[1.0, 5.0], [2.0, 5.0]])
    array([[1.],
           [2.]])
    """

    params = {"threshold": Real(low=0)}

    def __init__(self, threshold=0.0):
        self.threshold = threshold

    def fit(self, X, y=None):
        """Learn the variances."""
        check_params(self)
        X = self.validate(X, accept_sparse=("csr", "csc"), dtype=np.float64, ensure_all_finite="allow-nan")
        total, _, squares = column_moments(X)
        self.variances_ = np.where(total > 0, squares / np.where(total > 0, total, 1.0), np.nan)
        if self.threshold == 0:
            if sparse.issparse(X):
                low, high = (part.toarray().ravel() for part in (X.min(axis=0), X.max(axis=0)))
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # columns of NaN
                    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
            self.variances_ = np.fmin(self.variances_, high - low)
        if not (self.variances_ > self.threshold).any():
            one = " (X contains only one sample)" if X.shape[0] == 1 else ""
            raise DataError(
                f"VarianceThreshold.fit: No feature in X meets the variance threshold {self.threshold:.5f}{one}",
                operation="VarianceThreshold.fit",
                operands={"X": X.shape, "threshold": self.threshold},
                rule="a column that varies more",
            )
        return self

    def _mask(self):
        check_is_fitted(self)
        return self.variances_ > self.threshold

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags
