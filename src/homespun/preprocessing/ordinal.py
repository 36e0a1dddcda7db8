"""Ordinal encoding: each category becomes its number in the sorted list; trees and boosting take it from there.

    out[i, j] = position of X[i, j] among the categories of column j

Cost O(n d). Missing (NaN, the last category) and unknown values get the codes that the user names. Rare categories share
the code after the frequent ones.
"""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import check_array

from homespun.base.errors import ParameterError, ShapeError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Integer, OneOf, Satisfies
from homespun.preprocessing.categories import CATEGORY_PARAMS, INFREQUENT, CategoryEncoder
from homespun.preprocessing.values import is_nan

_Nan = Satisfies(is_nan, "NaN")


class OrdinalEncoder(OneToOneFeatureMixin, CategoryEncoder):
    """The position of each value among the categories of its column.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
    dtype : number type, default=float64
    handle_unknown : {"error", "use_encoded_value"}, default="error"
    unknown_value : int or NaN, default=None
        Code of values that `fit` did not see, with ``handle_unknown="use_encoded_value"``.
    encoded_missing_value : int or NaN, default=NaN
        Code of NaN.
    min_frequency, max_categories
        As in `OneHotEncoder`; NaN is never grouped.

    Attributes
    ----------
    categories_, infrequent_categories_ : lists of arrays
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> OrdinalEncoder().fit_transform([["b"], ["a"], [float("nan")]]).ravel()
    array([ 1.,  0., nan])
    """

    params = {
        **CATEGORY_PARAMS,
        "handle_unknown": OneOf("error", "use_encoded_value"),
        "unknown_value": OneOf(None) | Integer() | _Nan,
        "encoded_missing_value": Integer() | _Nan,
    }

    def __init__(
        self,
        *,
        categories="auto",
        dtype=np.float64,
        handle_unknown="error",
        unknown_value=None,
        encoded_missing_value=np.nan,
        min_frequency=None,
        max_categories=None,
    ):
        self.categories = categories
        self.dtype = dtype
        self.handle_unknown = handle_unknown
        self.unknown_value = unknown_value
        self.encoded_missing_value = encoded_missing_value
        self.min_frequency = min_frequency
        self.max_categories = max_categories

    def fit(self, X, y=None):
        """Find the categories of each column."""
        check_params(self)
        self._check_unknown_value()
        self._learn_categories(X, nan_is_never_rare=True)
        for j, codes in enumerate(self._codes_of()):
            used = int(codes.max()) + 1 if len(codes) else 0
            has_nan = len(codes) < len(self.categories_[j])
            for name, value, applies in (
                ("unknown_value", self.unknown_value, self.handle_unknown == "use_encoded_value"),
                ("encoded_missing_value", self.encoded_missing_value, has_nan),
            ):
                if not applies:
                    continue
                if is_nan(value) and np.dtype(self.dtype).kind != "f":
                    raise self._refused(
                        name,
                        value,
                        "a number, as dtype is no float: there are missing values in features "
                        f"[{j}], for OrdinalEncoder to encode missing values"
                        if has_nan
                        else "a number, as dtype is no float",
                    )
                if not is_nan(value) and 0 <= value < used:
                    raise self._refused(
                        name, value, f"a number that is not already used to encode a known category of column {j}"
                    )
        return self

    def transform(self, X):
        """Codes, shape (n_samples, n_features)."""
        check_is_fitted(self)
        indices = self._encode(X)
        codes = self._grouped(indices).astype(self.dtype)
        for j, categories in enumerate(self.categories_):
            if len(categories) and is_nan(categories[-1]):
                codes[indices[:, j] == len(categories) - 1, j] = self.encoded_missing_value
        if self.handle_unknown == "use_encoded_value":
            codes[indices < 0] = self.unknown_value
        return codes

    def inverse_transform(self, X):
        """The categories back: None for unknown ones, "infrequent_sklearn" for the group of rare ones."""
        check_is_fitted(self)
        X = check_array(X, ensure_all_finite="allow-nan")
        if X.shape[1] != len(self.categories_):
            raise ShapeError(
                f"OrdinalEncoder.inverse_transform: Shape of the passed X data is not correct. Expected "
                f"{len(self.categories_)} columns, got {X.shape[1]}.",
                operation="OrdinalEncoder.inverse_transform",
                operands={"X": X.shape},
                rule=f"{len(self.categories_)} columns",
            )
        as_objects = self.handle_unknown == "use_encoded_value" or any(group is not None for group in self._group_of)
        kind = object if as_objects else np.result_type(*[categories.dtype for categories in self.categories_])
        out = np.empty(X.shape, dtype=kind)
        for j, categories in enumerate(self.categories_):
            codes, has_nan = X[:, j], len(categories) > 0 and is_nan(categories[-1])
            values = np.full(len(codes), None, dtype=object) if as_objects else np.empty(len(codes), dtype=kind)
            missing = self._equals(codes, self.encoded_missing_value) if has_nan else np.zeros(len(codes), dtype=bool)
            unknown = np.zeros(len(codes), dtype=bool)
            if self.handle_unknown == "use_encoded_value":
                unknown = self._equals(codes, self.unknown_value) & ~missing
            by_code = list(categories[:-1] if has_nan else categories)
            group = self._group_of[j]
            if group is not None:
                rare = group[: len(by_code)] == group.max()
                by_code = [category for category, is_rare in zip(by_code, rare) if not is_rare] + [INFREQUENT]
            known = ~missing & ~unknown
            table = np.empty(len(by_code), dtype=object)
            table[:] = by_code
            values[known] = table[codes[known].astype(np.int64)]
            if missing.any():
                values[missing] = np.nan
            out[:, j] = values
        return out

    def _codes_of(self):
        """For each column the output codes of its categories without NaN."""
        codes = []
        for j, categories in enumerate(self.categories_):
            n = len(categories) - bool(len(categories) and is_nan(categories[-1]))
            group = self._group_without_nan(j)
            codes.append(np.arange(n) if group is None else group[:n])
        return codes

    def _grouped(self, indices):
        codes = indices.copy()
        for j in range(len(self._group_of)):
            group = self._group_without_nan(j)
            if group is not None:
                codes[:, j] = np.where(indices[:, j] >= 0, group[indices[:, j]], -1)
        return codes

    def _group_without_nan(self, j):
        """`_group_of`, but NaN, which is last and never rare, takes no number: the group's is that of the frequent categories."""
        group = self._group_of[j]
        if group is None or not is_nan(self.categories_[j][-1]):
            return group
        return np.append(np.where(group[:-1] == group.max(), group.max() - 1, group[:-1]), group[-1])

    def _check_unknown_value(self):
        if self.handle_unknown == "use_encoded_value":
            if not is_nan(self.unknown_value) and not isinstance(self.unknown_value, numbers.Integral):
                raise UnknownValueError(
                    "unknown_value should be an integer or np.nan when handle_unknown is 'use_encoded_value', "
                    f"got {self.unknown_value}.",
                    operation="OrdinalEncoder.fit",
                    rule="an integer or NaN",
                    operands={"unknown_value": self.unknown_value},
                )
        elif self.unknown_value is not None:
            raise UnknownValueError(
                "unknown_value should only be set when handle_unknown is 'use_encoded_value', "
                f"got {self.unknown_value}.",
                operation="OrdinalEncoder.fit",
                rule="None",
                operands={"unknown_value": self.unknown_value},
            )

    def _refused(self, name, value, rule):
        return ParameterError(
            f"OrdinalEncoder.fit: {name} must be {rule}, got {value}",
            operation="OrdinalEncoder.fit",
            operands={name: value},
            rule=rule,
        )

    @staticmethod
    def _equals(codes, value):
        return np.isnan(codes) if is_nan(value) else codes == value


class UnknownValueError(ParameterError, TypeError):
    """scikit-learn raises a TypeError here; ours is a ParameterError too."""
