"""Dates as numbers that models can use: year, month, weekday, …, and the age in days at a reference day.

    age = reference - date        reference: the latest date of the column in `fit`, unless given

A column is a datetime64, text in ISO form, or numbers (days since 1970-01-01). A missing date is NaN in every part.
Weekday 0 is Monday. Cost O(n d).
"""

from __future__ import annotations

import copy

import numpy as np
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Instance, OneOf
from homespun.preprocessing.categories import CategoryEncoder
from homespun.preprocessing.values import hashable, is_nan

PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "age")


class DateParts(TransformerMixin, Estimator):
    """Parts of each date as columns.

    Parameters
    ----------
    parts : sequence of {"year", "month", "day", "weekday", "day_of_year", "hour", "age"}
        Default: ("year", "month", "weekday", "age").
    reference : None or str (ISO date), default=None
        The day at which `age` (days) is measured. None: the latest day in `fit`, for each column.

    Attributes
    ----------
    reference_ : array of shape (n_features,)
        Days since 1970-01-01.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> DateParts(parts=("year", "weekday", "age")).fit_transform([["2024-02-29"], ["2024-03-01"]])
    array([[2.024e+03, 3.000e+00, 1.000e+00],
           [2.024e+03, 4.000e+00, 0.000e+00]])
    """

    params = {"parts": ArrayLike(), "reference": OneOf(None) | Instance(str, noun="a date such as '2024-12-31'")}

    def __init__(self, *, parts=("year", "month", "weekday", "age"), reference=None):
        self.parts = parts
        self.reference = reference

    def fit(self, X, y=None):
        """Learn the reference day of each column."""
        check_params(self)
        for part in self.parts:
            if part not in PARTS:
                raise ParameterError(
                    f"DateParts: parts must be among {', '.join(PARTS)}, got {part!r}",
                    operation="DateParts.fit",
                    operands={"parts": part},
                    rule=f"among {', '.join(PARTS)}",
                )
        days = self._days(X, "fit")
        if self.reference is not None:
            self.reference_ = np.full(days.shape[1], _days_of(self.reference, "reference"))
        else:
            self.reference_ = np.max(np.where(np.isnan(days), -np.inf, days), axis=0)
            self.reference_[np.isinf(self.reference_)] = np.nan
        return self

    def transform(self, X):
        """The parts, shape (n_samples, n_features * len(parts)), column by column."""
        check_is_fitted(self)
        days = self._days(X, "transform")
        out = [self._part(days[:, j], part, self.reference_[j]) for j in range(days.shape[1]) for part in self.parts]
        return np.column_stack(out) if out else np.empty((len(days), 0))

    def as_of(self, day="today"):
        """A copy that measures `age` at another day: an ISO date, or today (in UTC), as a served model should.

        Nothing reads the clock by itself, so that a saved model gives the same answers tomorrow.
        """
        check_is_fitted(self)
        moment = _days_of(np.datetime64("now") if isinstance(day, str) and day == "today" else day, "day", "as_of")
        other = copy.copy(self)
        other.reference_ = np.full(len(self.reference_), np.floor(moment))
        return other

    def get_feature_names_out(self, input_features=None):
        """ "listed_on_year", …"""
        check_is_fitted(self)
        return np.array(
            [f"{name}_{part}" for name in _check_feature_names_in(self, input_features) for part in self.parts],
            dtype=object,
        )

    @staticmethod
    def _part(days, part, reference):
        if part == "age":
            return reference - days
        missing = np.isnan(days)
        whole = np.floor(np.where(missing, 0.0, days))
        day = whole.astype(np.int64).astype("datetime64[D]")
        year, month = day.astype("datetime64[Y]"), day.astype("datetime64[M]")
        values = {
            "year": lambda: year.astype(np.int64) + 1970,
            "month": lambda: month.astype(np.int64) % 12 + 1,
            "day": lambda: (day - month).astype(np.int64) + 1,
            "weekday": lambda: (whole.astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
            "day_of_year": lambda: (day - year).astype(np.int64) + 1,
            "hour": lambda: np.floor((days - whole) * 24.0 + 1e-9),
        }[part]()
        return np.where(missing, np.nan, values)

    def _days(self, X, operation) -> np.ndarray:
        """Days since 1970-01-01 as float64 (n, d)."""
        if hasattr(X, "dtype") and np.dtype(X.dtype).kind == "M" and getattr(X, "ndim", 0) == 2:
            X = X.astype(object)
        columns = CategoryEncoder._columns(self, X, operation)
        days = np.empty((len(columns[0]), len(columns)))
        for j, column in enumerate(columns):
            if column.dtype.kind in "iufb":
                days[:, j] = column
                continue
            days[:, j] = [_days_of(value, f"column {j}", operation) for value in hashable(column)]
        limit = 4e6  # about the year 12900: NumPy's own limits are farther, a typing error is nearer
        if (np.abs(days) > limit).any():
            row, j = np.argwhere(np.abs(days) > limit)[0]
            raise DataError(
                f"DateParts.{operation}: column {j} holds {days[row, j]:g} days since 1970 in row {row}",
                operation=f"DateParts.{operation}",
                operands={"column": int(j), "row": int(row)},
                rule=f"at most {limit:g} days",
            )
        return days

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        return tags


def _days_of(value, where, operation="fit") -> float:
    if value is None or is_nan(value) or type(value).__name__ in ("NaTType", "NAType"):
        return np.nan
    if isinstance(value, (int, float)):
        return float(value)
    try:
        moment = np.datetime64(value.to_datetime64() if hasattr(value, "to_datetime64") else value, "us")
    except (ValueError, TypeError):
        raise DataError(
            f"DateParts.{operation}: {where} must hold dates, got {value!r}",
            operation=f"DateParts.{operation}",
            operands={"column": where, "value": value},
            rule="datetime64, ISO text or days since 1970-01-01",
        ) from None
    return float(moment.astype(np.int64)) / 86_400_000_000.0 if not np.isnat(moment) else np.nan
