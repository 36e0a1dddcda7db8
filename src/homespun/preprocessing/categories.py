"""What one-hot and ordinal encoding share: find the categories of each column, group the rare ones, look values up.

The categories of a column are its distinct values in sorted order, then None, then NaN. Rare ones (`min_frequency`,
`max_categories`) are grouped into one that comes last. A value that was not seen has the code -1.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_array

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted
from homespun.base.params import Anything, ArrayLike, Integer, OneOf, Real
from homespun.preprocessing.values import column_values, distinct_values, factorise, is_nan, lookup

INFREQUENT = "infrequent_sklearn"  # scikit-learn's name for the group of rare categories: its users look for it

CATEGORY_PARAMS = {
    "categories": OneOf("auto") | ArrayLike(),
    "min_frequency": OneOf(None) | Integer(low=1) | Real(0, 1, open="both"),
    "max_categories": OneOf(None) | Integer(low=1),
    "dtype": Anything(),  # NumPy words what is no dtype
}


class CategoryEncoder(TransformerMixin, Estimator):
    """Base of the two encoders. Subclasses have the parameters `categories`, `min_frequency` and `max_categories`."""

    def _learn_categories(self, X, *, nan_is_never_rare: bool) -> None:
        """Set `categories_`, and `_group_of`: for each column, the output code of each category (None: as they come)."""
        columns = self._columns(X, "fit")
        n_samples = len(columns[0])
        given = self.categories if not isinstance(self.categories, str) else None
        if given is not None and len(given) != len(columns):
            raise ShapeError(
                f"{type(self).__name__}.fit: Shape mismatch: categories lists {len(given)} columns, X has {len(columns)}",
                operation=f"{type(self).__name__}.fit",
                operands={"categories": len(given), "X": len(columns)},
                rule="one list of categories for each column",
            )
        group_rare = self.max_categories is not None or self.min_frequency is not None
        self.categories_: list[np.ndarray] = []
        self._group_of: list[np.ndarray | None] = []
        for i, column in enumerate(columns):
            categories = distinct_values(column) if given is None else self._given_categories(given[i], column, i)
            self.categories_.append(categories)
            self._group_of.append(None)
            if group_rare:
                counts = np.bincount(lookup(column, categories) + 1, minlength=len(categories) + 1)[1:]
                rare = self._rare(counts, n_samples, categories if nan_is_never_rare else None)
                if rare.any():
                    kept = np.cumsum(~rare) - 1
                    self._group_of[-1] = np.where(rare, (~rare).sum(), kept)

    def _factorise(self, X) -> list[np.ndarray]:
        """As `_learn_categories` without groups, and the index of each value among the categories of its column (-1: none)."""
        if not isinstance(self.categories, str):
            self._learn_categories(X, nan_is_never_rare=True)
            return list(self._encode(X, "fit").T)
        found = [factorise(column) for column in self._columns(X, "fit")]
        self.categories_ = [categories for _, categories in found]
        self._group_of = [None] * len(found)
        return [codes for codes, _ in found]

    def _given_categories(self, values, column, i):
        dtype = object if column.dtype.kind in "OUS" else column.dtype
        if column.dtype.kind == "S":  # a column of bytes: categories given as text mean their bytes
            values = [value.encode() if isinstance(value, str) else value for value in values]
        categories = np.array(list(values), dtype=dtype)
        where = f"{type(self).__name__}.fit"
        if len(distinct_values(categories)) != len(categories):
            raise ParameterError(
                f"{where}: the predefined categories of column {i} contain duplicate elements",
                operation=where,
                operands={"categories": list(values)},
                rule="each category once",
            )
        if any(is_nan(value) for value in categories[:-1]):
            raise ParameterError(
                f"{where}: Nan should be the last element in user provided categories, see column {i}",
                operation=where,
                operands={"categories": list(values)},
                rule="NaN last",
            )
        if dtype is not object and (np.diff(categories[:-1] if is_nan(categories[-1]) else categories) < 0).any():
            raise ParameterError(
                f"{where}: Unsorted categories are not supported for numerical categories, see column {i}",
                operation=where,
                operands={"categories": list(values)},
                rule="numbers in ascending order",
            )
        if self.handle_unknown == "error":
            self._refuse_unknown(column, lookup(column, categories), i, "fit")
        return categories

    def _rare(self, counts, n_samples, categories):
        """Mask of the categories that are grouped: scikit-learn's rule, with its order among equals."""
        counts = counts.copy()
        countable = np.ones(len(counts), dtype=bool)
        if categories is not None and len(categories) and is_nan(categories[-1]):
            countable[-1] = False
        rare = np.zeros(len(counts), dtype=bool)
        if isinstance(self.min_frequency, (int, np.integer)):
            rare = counts < self.min_frequency
        elif self.min_frequency is not None:
            rare = counts < n_samples * self.min_frequency
        rare &= countable
        kept = countable.sum() - rare.sum() + 1
        if self.max_categories is not None and self.max_categories < kept:
            room = self.max_categories - 1  # the group itself is one of them
            order = np.flatnonzero(countable)[np.argsort(counts[countable], kind="mergesort")]
            rare[order[: len(order) - room]] = True
        return rare

    @property
    def infrequent_categories_(self):
        """For each column the categories that were grouped, or None."""
        check_is_fitted(self)
        return [
            None if group is None else categories[group == group.max()]
            for categories, group in zip(self.categories_, self._group_of)
        ]

    def _encode(self, X, operation="transform"):
        """Index of each value among the categories of its column, (n, d); -1 where it was not seen."""
        columns = self._columns(X, operation)
        indices = np.empty((len(columns[0]), len(columns)), dtype=np.int64)
        for i, column in enumerate(columns):
            indices[:, i] = lookup(column, self.categories_[i])
            if self.handle_unknown == "error":
                self._refuse_unknown(column, indices[:, i], i, operation)
        return indices

    def _grouped(self, indices: np.ndarray) -> np.ndarray:
        """Category index → output code, rare ones grouped; -1 stays."""
        codes = indices.copy()
        for i, group in enumerate(self._group_of):
            if group is not None:
                codes[:, i] = np.where(indices[:, i] >= 0, group[indices[:, i]], -1)
        return codes

    def _output_categories(self, i: int) -> np.ndarray:
        """The categories by output code: the frequent ones in order, then the group."""
        group = self._group_of[i]
        if group is None:
            return self.categories_[i]
        frequent = self.categories_[i][group < group.max()].astype(object)
        return np.concatenate([frequent, np.array([INFREQUENT], dtype=object)])

    def _refuse_unknown(self, column, indices, i, operation):
        unknown = column[indices < 0]
        if len(unknown):
            shown = list(dict.fromkeys(unknown.tolist()))[:5]
            where = f"{type(self).__name__}.{operation}"
            raise DataError(
                f"{where}: Found unknown categories {shown} in column {i} during {operation}",
                operation=where,
                operands={"column": i, "values": shown},
                rule="categories seen in fit",
                suggestion="handle_unknown='ignore' or 'use_encoded_value'",
            )

    def _columns(self, X, operation) -> list[np.ndarray]:
        """The columns of X as arrays, each of its own kind; names and number are set (fit) or checked."""
        reset = operation == "fit"
        try:
            is_frame = hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2
            if not is_frame and not hasattr(X, "dtype") and hasattr(X, "__dataframe__"):
                _check_feature_names(self, X, reset=reset)
                X = X.to_pandas() if hasattr(X, "to_pandas") else X
                is_frame = hasattr(X, "iloc")
            else:
                _check_feature_names(self, X, reset=reset)
            if is_frame:
                if X.shape[0] == 0 or X.shape[1] == 0:
                    check_array(X, dtype=None, ensure_all_finite=False)  # words the error
                _check_n_features(self, X, reset=reset)
                return [column_values(X.iloc[:, i]) for i in range(X.shape[1])]
            checked = check_array(X, dtype=None, ensure_all_finite="allow-nan")
            if not hasattr(X, "dtype") and checked.dtype.kind == "U":
                checked = check_array(X, dtype=object, ensure_all_finite="allow-nan")
            _check_n_features(self, checked, reset=reset)
        except ValueError as error:
            from homespun.base.estimator import _worded

            raise _worded(error, self, operation, X, None) from None
        return [checked[:, i] for i in range(checked.shape[1])]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags
