"""Simple imputation: a missing value becomes the mean, median or most frequent value of its column, or a constant.

    statistics_[j] = mean | median | mode of the values of column j that are there; ties of the mode: the smallest

Little & Rubin 2019, ch. 4, say when this biases; `add_indicator=True` keeps the fact that a value was missing.
Cost O(n d) (mean), O(n log n d) (median, mode). Not handled: weights (scikit-learn's has none), several imputations.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Anything, Boolean, MissingMarker, OneOf


class SimpleImputer(TransformerMixin, Estimator):
    """Fill missing values column by column.

    Parameters
    ----------
    missing_values : number, str, None, NaN or pandas.NA, default=NaN
        What stands for "missing". Where one of NaN and pandas.NA does, so does the other.
    strategy : {"mean", "median", "most_frequent", "constant"}, default="mean"
    fill_value : number or str, default=None
        With ``strategy="constant"``. None: 0 for numbers, "missing_value" for text.
    copy : bool, default=True
    add_indicator : bool, default=False
        Append the columns of `MissingIndicator`.
    keep_empty_features : bool, default=False
        Keep columns without any value (filled with 0, or with `fill_value`) instead of leaving them out.

    Attributes
    ----------
    statistics_ : array of shape (n_features,)
    indicator_ : MissingIndicator or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> SimpleImputer(strategy="median").fit_transform([[1.0], [np.nan], [3.0], [5.0]]).ravel()
    array([1., 3., 3., 5.])
    """

    params = {
        "missing_values": MissingMarker(),
        "strategy": OneOf("mean", "median", "most_frequent", "constant"),
        "fill_value": Anything(),
        "copy": Boolean(),
        "add_indicator": Boolean(),
        "keep_empty_features": Boolean(),
    }

    def __init__(
        self,
        *,
        missing_values=np.nan,
        strategy="mean",
        fill_value=None,
        copy=True,
        add_indicator=False,
        keep_empty_features=False,
    ):
        self.missing_values = missing_values
        self.strategy = strategy
        self.fill_value = fill_value
        self.copy = copy
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features

    def fit(self, X, y=None):
        """Learn the fill values."""
        check_params(self)
        X = validate_input(self, X, "fit")
        if X.dtype.kind in "OUS" and self.strategy in ("mean", "median"):
            raise DataError(
                f"SimpleImputer.fit: Cannot use {self.strategy} strategy with non-numeric data of kind {X.dtype.kind!r}",
                operation="SimpleImputer.fit",
                operands={"X": X.shape, "strategy": self.strategy},
                rule="numbers",
                suggestion="strategy='most_frequent' or 'constant'",
            )
        self._fit_dtype = X.dtype
        self.statistics_ = (
            self._constant(X)
            if self.strategy == "constant"
            else column_statistics(X, self.missing_values, self.strategy, self.keep_empty_features)
        )
        self.indicator_ = None
        if self.add_indicator:
            from homespun.impute.missing_indicator import MissingIndicator

            self.indicator_ = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_._learn(X)
            self.indicator_.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        """X with the missing values filled (and the indicator's columns at the end)."""
        check_is_fitted(self)
        X = validate_input(self, X, "transform", copy=self.copy, as_objects=self._fit_dtype.kind == "O")
        kept = ~self._empty()
        if X.dtype.kind not in "OUS" and self.statistics_.dtype.kind not in "OUS" and X.dtype.kind != "f":
            X = X.astype(np.float64)
        marks = None
        if self.indicator_ is not None:
            from homespun.impute.missing_indicator import dense_mask

            marks = dense_mask(X, self.missing_values)[:, self.indicator_.features_]
        if sparse.issparse(X):
            X = X.tocsc()[:, np.flatnonzero(kept)]
            column = np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
            mask = missing_mask(X.data, self.missing_values)
            X.data[mask] = self.statistics_[kept][column[mask]].astype(X.dtype)
            return X if marks is None else sparse.hstack([X, sparse.csc_matrix(marks)], format="csc")
        X = X[:, kept]
        mask = missing_mask(X, self.missing_values)
        rows, columns = np.nonzero(mask)
        X[rows, columns] = self.statistics_[kept][columns]
        return X if marks is None else np.hstack([X, marks.astype(X.dtype if X.dtype.kind == "f" else object)])

    def inverse_transform(self, X):
        """The data before imputation: needs ``add_indicator=True``, which says what was missing."""
        check_is_fitted(self)
        if self.indicator_ is None:
            raise ParameterError(
                "SimpleImputer.inverse_transform: needs an imputer instantiated with 'add_indicator=True'",
                operation="SimpleImputer.inverse_transform",
                operands={"add_indicator": False},
                rule="add_indicator=True",
            )
        X = np.asarray(X)
        n_marks = len(self.indicator_.features_)
        n_filled = X.shape[1] - n_marks
        out = np.zeros((X.shape[0], self.n_features_in_), dtype=X.dtype)
        out[:, ~self._empty()] = X[:, :n_filled]
        full = np.zeros(out.shape, dtype=bool)
        full[:, self.indicator_.features_] = X[:, n_filled:].astype(bool)
        out[full] = self.missing_values
        return out

    def get_feature_names_out(self, input_features=None):
        """The kept columns' names, then the indicator's."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        out = names[~self._empty()]
        return out if self.indicator_ is None else np.concatenate([out, self.indicator_.get_feature_names_out(names)])

    def _empty(self) -> np.ndarray:
        """Columns that are left out: those that had no value."""
        if self.keep_empty_features:
            return np.zeros(len(self.statistics_), dtype=bool)
        return np.array([value is None or value != value for value in self.statistics_.tolist()], dtype=bool)

    def _constant(self, X):
        fill = self.fill_value
        text = X.dtype.kind in "OUS"
        if fill is None:
            fill = "missing_value" if text else 0
        if not text and (not isinstance(fill, (int, float, np.number)) or isinstance(fill, bool)):
            raise ParameterError(
                f"SimpleImputer.fit: 'fill_value'={fill!r} is invalid. Expected a numerical value when imputing numerical "
                "data",
                operation="SimpleImputer.fit",
                operands={"fill_value": fill},
                rule="a number",
            )
        filled = np.full(X.shape[1], fill, dtype=object if text else (X.dtype if X.dtype.kind == "f" else np.float64))
        if not self.keep_empty_features:
            filled[[missing_mask(_column(X, j), self.missing_values).all() for j in range(X.shape[1])]] = np.nan
        return filled

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = _is_nan(self.missing_values) or is_pandas_na(self.missing_values)
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def validate_input(estimator, X, operation, copy=False, as_objects=False):
    """X as floats, or as objects if it holds text (or `as_objects`); NaN is allowed where it stands for "missing"."""
    if getattr(getattr(X, "dtype", None), "kind", None) in ("U", "S"):
        where = f"{type(estimator).__name__}.{operation}"
        raise DataError(  # NaN became the text "nan" there, and would stay
            f"{where}: {type(estimator).__name__} does not support data with dtype {X.dtype}, in which NaN is the text 'nan'",
            operation=where,
            operands={"X": X.shape, "dtype": str(X.dtype)},
            rule="numbers, or text as objects",
            suggestion="an array of dtype=object",
        )
    takes_text = isinstance(estimator.missing_values, str) or (
        getattr(estimator, "strategy", "constant") in ("most_frequent", "constant")
    )
    strings = as_objects or (takes_text and _holds_text(X))
    dtype = object if strings else (np.float64, np.float32)
    marker = estimator.missing_values
    finite = "allow-nan" if _is_nan(marker) or is_pandas_na(marker) or marker is None else True
    X = estimator.validate(
        X, operation=operation, dtype=dtype, ensure_all_finite=finite, accept_sparse="csc", copy=copy
    )
    if sparse.issparse(X) and estimator.missing_values == 0:
        where = f"{type(estimator).__name__}.{operation}"
        raise DataError(
            f"{where}: Imputation not possible when missing_values == 0 and input is sparse. Provide a dense array instead.",
            operation=where,
            operands={"X": X.shape},
            rule="a dense array",
        )
    return X


def _holds_text(X) -> bool:
    """Whether X is, or may be, of text: objects, a dataframe with a column that is not numbers, a list with a string."""
    if hasattr(X, "dtypes") and hasattr(X, "iloc"):
        return any(getattr(one, "kind", "O") not in "iufb" for one in X.dtypes)
    if isinstance(X, (list, tuple)):
        return any(isinstance(value, str) for row in X for value in (row if isinstance(row, (list, tuple)) else [row]))
    return getattr(getattr(X, "dtype", None), "kind", None) in ("O", "U", "S")


def missing_mask(X, missing_values) -> np.ndarray:
    """True where a value is missing."""
    if X.dtype.kind == "O":
        if _is_nan(missing_values) or is_pandas_na(missing_values):
            try:
                return np.array(X != X, dtype=bool)  # NaN differs from itself, also among objects
            except TypeError:  # pandas.NA, which neither does nor does not
                return np.array([is_pandas_na(value) or _is_nan(value) for value in X.ravel()], dtype=bool).reshape(X.shape)
        if missing_values is None:
            return np.array([value is None for value in X.ravel()], dtype=bool).reshape(X.shape)
        return np.array([value == missing_values for value in X.ravel()], dtype=bool).reshape(X.shape)
    if missing_values is None:
        return np.zeros(X.shape, dtype=bool)
    return np.isnan(X) if _is_nan(missing_values) or is_pandas_na(missing_values) else missing_values == X


def column_statistics(X, missing_values, strategy, keep_empty):
    """Mean, median or mode of each column; NaN (0 with `keep_empty`) where a column has no value."""
    d = X.shape[1]
    found: list = []
    for j in range(d):
        column = _column(X, j)
        there = column[~missing_mask(column, missing_values)]
        if len(there) == 0:
            found.append((0 if X.dtype.kind != "O" else None) if keep_empty else np.nan)
        elif strategy == "mean":
            found.append(there.mean(dtype=np.float64))
        elif strategy == "median":
            found.append(np.median(there))
        elif X.dtype.kind == "O":
            often = Counter(there.tolist())
            most = max(often.values())
            found.append(min(value for value, count in often.items() if count == most))
        else:
            values, counts = np.unique(there, return_counts=True)
            found.append(values[counts.argmax()])
    if X.dtype.kind == "O":
        out = np.empty(d, dtype=object)
        out[:] = found
        return out
    return np.array(found, dtype=np.float64 if X.dtype.kind != "f" else X.dtype)


def _column(X, j):
    return X[:, [j]].toarray().ravel() if sparse.issparse(X) else X[:, j]


def is_pandas_na(value) -> bool:
    """Whether it is pandas.NA; pandas need not be there to ask."""
    return type(value).__name__ == "NAType"


def _is_nan(value) -> bool:
    return isinstance(value, (float, np.floating)) and value != value
