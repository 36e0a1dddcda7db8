"""What selectors share: a mask of columns, learned in `fit`, that `transform` keeps and `inverse_transform` puts back."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_feature_names_in, check_array

from homespun.base.errors import ShapeError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted
from homespun.preprocessing.categories import CategoryEncoder
from homespun.preprocessing.values import hashable


class ColumnSelector(TransformerMixin, Estimator):
    """Base of the selectors. Subclasses say `_mask()`: True for each column that stays."""

    def get_support(self, indices=False):
        """Mask of the columns that stay, or their numbers."""
        mask = self._mask()
        return np.flatnonzero(mask) if indices else mask

    def transform(self, X):
        """The columns that stay. A dataframe keeps its types with ``set_output(transform="pandas")``."""
        check_is_fitted(self)
        given, X = X, self._read(X, "transform")
        mask = self._mask()
        if not mask.any():
            warnings.warn("No features were selected: either the data is too noisy or the selection test too strict.",
                          UserWarning)
        if self._keeps_frames() and hasattr(given, "iloc"):
            return given.iloc[:, np.flatnonzero(mask)]
        return X[:, np.flatnonzero(mask)]

    def inverse_transform(self, X):
        """The columns at their old places, zeros where one was left out."""
        check_is_fitted(self)
        X = check_array(X, dtype=None, accept_sparse=("csr", "csc"), ensure_all_finite=False, ensure_min_features=0)
        kept = np.flatnonzero(self._mask())
        if X.shape[1] != len(kept):
            where = f"{type(self).__name__}.inverse_transform"
            raise ShapeError(f"{where}: X has a different shape than during fitting: {X.shape[1]} columns, not {len(kept)}.",
                             operation=where, operands={"X": X.shape}, rule=f"{len(kept)} columns")
        if sparse.issparse(X):
            X = X.tocoo()
            return sparse.csc_matrix((X.data, (X.row, kept[X.col])), shape=(X.shape[0], self.n_features_in_))
        out = np.zeros((X.shape[0], self.n_features_in_), dtype=X.dtype)
        out[:, kept] = X
        return out

    def get_feature_names_out(self, input_features=None):
        """The names of the columns that stay."""
        check_is_fitted(self)
        return _check_feature_names_in(self, input_features)[self._mask()]

    def _mask(self) -> np.ndarray:
        raise TypeError("a selector says which columns stay")

    def _read(self, X, operation):
        """X as an array, checked."""
        tags = self.__sklearn_tags__().input_tags
        return self.validate(X, operation=operation, dtype=None, accept_sparse=("csr", "csc") if tags.sparse else False,
                             ensure_all_finite="allow-nan" if tags.allow_nan else True)

    def _keeps_frames(self) -> bool:
        from sklearn.utils._set_output import _get_output_config

        return _get_output_config("transform", estimator=self)["dense"] != "default"


class TableSelector(ColumnSelector):
    """Base of the selectors that take any table: numbers, texts, dates, missing values."""

    def _columns(self, X, operation) -> list[np.ndarray]:
        columns = CategoryEncoder._columns(self, X, operation)  # type: ignore[arg-type]
        for column in columns:
            if column.dtype.kind == "O":
                hashable(column)  # refuses dictionaries and lists, in words
        return columns

    def _read(self, X, operation):
        columns = self._columns(X, operation)
        if getattr(X, "ndim", 0) == 2 and not hasattr(X, "iloc"):
            return X
        kind = np.result_type(*columns) if all(column.dtype.kind in "iufb" for column in columns) else object
        out = np.empty((len(columns[0]), len(columns)), dtype=kind)
        for j, column in enumerate(columns):
            out[:, j] = column
        return out

    def _names(self) -> list:
        """Names of the columns, or their numbers."""
        return list(getattr(self, "feature_names_in_", range(self.n_features_in_)))

    def _mask(self):
        check_is_fitted(self)
        return np.array([name not in self.dropped_ for name in self._names()], dtype=bool)

    dropped_: dict

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags
