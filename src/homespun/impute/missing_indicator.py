"""Where values are missing, as columns of True and False: that a seller left a field blank is itself information.

out[i, k] = X[i, features_[k]] is missing
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import DataError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Boolean, MissingMarker, OneOf
from homespun.impute.simple_imputer import missing_mask, validate_input


class MissingIndicator(TransformerMixin, Estimator):
    """Mask of the missing values.

    Parameters
    ----------
    missing_values : number, str, None or NaN, default=NaN
    features : {"missing-only", "all"}, default="missing-only"
        All columns, or those that missed a value in `fit`.
    sparse : bool or "auto", default="auto"
        Kind of the output; "auto": that of the input.
    error_on_new : bool, default=True
        Raise if `transform` meets a missing value in a column that had none in `fit`.

    Attributes
    ----------
    features_ : array of the columns' indices
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> MissingIndicator().fit_transform([[1.0, np.nan], [2.0, 3.0]]).ravel()
    array([ True, False])
    """

    params = {
        "missing_values": MissingMarker(),
        "features": OneOf("missing-only", "all"),
        "sparse": Boolean() | OneOf("auto"),
        "error_on_new": Boolean(),
    }

    def __init__(self, *, missing_values=np.nan, features="missing-only", sparse="auto", error_on_new=True):
        self.missing_values = missing_values
        self.features = features
        self.sparse = sparse
        self.error_on_new = error_on_new

    def fit(self, X, y=None):
        """Note which columns miss values."""
        check_params(self)
        self._learn(validate_input(self, X, "fit"))
        return self

    def _learn(self, X):
        mask = dense_mask(X, self.missing_values)
        self._n_features = X.shape[1]
        self.features_ = np.flatnonzero(mask.any(axis=0)) if self.features == "missing-only" else np.arange(X.shape[1])
        return mask

    def fit_transform(self, X, y=None):
        """`fit` and `transform` in one."""
        return self.fit(X, y).transform(X)

    def transform(self, X):
        """The mask, shape (n_samples, len(features_))."""
        check_is_fitted(self)
        X = validate_input(self, X, "transform")
        mask = dense_mask(X, self.missing_values)
        if self.features == "missing-only" and self.error_on_new:
            new = np.setdiff1d(np.flatnonzero(mask.any(axis=0)), self.features_)
            if new.size:
                raise DataError(
                    f"MissingIndicator.transform: The features {new} have missing values in transform but have no missing "
                    "values in fit.",
                    operation="MissingIndicator.transform",
                    operands={"features": new.tolist()},
                    rule="missing values only where fit had them",
                )
        mask = mask[:, self.features_]
        as_sparse = sparse.issparse(X) if self.sparse == "auto" else self.sparse
        return sparse.csc_matrix(mask) if as_sparse else mask

    def get_feature_names_out(self, input_features=None):
        """ "missingindicator_levy", …"""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array([f"missingindicator_{names[j]}" for j in self.features_], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def dense_mask(X, missing_values) -> np.ndarray:
    """Mask of missing values, dense also for sparse X (unstored entries are zeros, which are not missing)."""
    if sparse.issparse(X):
        stored = X.tocoo()
        mask = np.zeros(X.shape, dtype=bool)
        mask[stored.row, stored.col] = missing_mask(stored.data, missing_values)
        return mask
    return missing_mask(X, missing_values)
