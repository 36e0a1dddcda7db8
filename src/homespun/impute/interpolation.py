"""Interpolation: a missing value becomes a point on the line between its neighbours in the order of the rows.

    x_i = x_a + (t_i - t_a) / (t_b - t_a) (x_b - x_a)        a, b: the nearest rows before and after i that have a value
                                                            t: the row number, or a column of times

For measurements in order: sensors, prices by day. Values before the first and after the last one known take that one, or stay
missing. Rows in another order give other values: that is the point, and why a shuffled table wants another imputer. A column
without any value in the call takes what `fit` saw last. Cost O(n d). Little & Rubin 2019, ch. 4.
"""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Boolean, Instance, Integer, OneOf


class InterpolationImputer(TransformerMixin, Estimator):
    """Fill gaps by lines between neighbouring rows.

    Parameters
    ----------
    method : {"linear", "nearest", "previous"}, default="linear"
        "previous": the last value before (nothing from the future: for forecasts).
    time : int, str or None, default=None
        Number or name of a column of X that holds the times, in ascending order and without gaps. None: rows are equally far
        apart. The column itself stays as it is.
    limit : int or None, default=None
        Longest gap that is filled, in rows.
    ends : {"nearest", "missing"}, default="nearest"
        Before the first and after the last value: that value, or NaN.
    add_indicator : bool, default=False
        Append a column of 0 and 1 for each column that had gaps in `fit`.

    Attributes
    ----------
    last_ : array of shape (n_features,)
        The last value of each column in `fit`; NaN if it had none.
    gaps_ : array of shape (n_gap_columns,)
        Columns that had gaps in `fit`.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> InterpolationImputer().fit_transform([[1.0], [np.nan], [np.nan], [4.0], [np.nan]]).ravel()
    array([1., 2., 3., 4., 4.])
    """

    params = {
        "method": OneOf("linear", "nearest", "previous"),
        "time": OneOf(None) | Integer(low=0) | Instance(str, noun="the name of a column"),
        "limit": Integer(low=1) | None,
        "ends": OneOf("nearest", "missing"),
        "add_indicator": Boolean(),
    }

    def __init__(self, *, method="linear", time=None, limit=None, ends="nearest", add_indicator=False):
        self.method = method
        self.time = time
        self.limit = limit
        self.ends = ends
        self.add_indicator = add_indicator

    def fit(self, X, y=None):
        """Note the last value of each column, and which have gaps."""
        check_params(self)
        X = self.validate(X, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan")
        self._time = self._time_column()
        self._times(X, "fit")
        missing = np.isnan(X)
        self.gaps_ = np.flatnonzero(missing.any(axis=0))
        place = len(X) - 1 - np.argmax(~missing[::-1], axis=0)
        self.last_ = X[place, np.arange(X.shape[1])]  # NaN where there is none: argmax gives the last row then
        return self

    def transform(self, X):
        """X with gaps filled, in the order of its rows."""
        check_is_fitted(self)
        X = self.validate(X, operation="transform", dtype=(np.float64, np.float32), ensure_all_finite="allow-nan", copy=True)
        times = self._times(X, "transform")
        missing = np.isnan(X)
        for j in np.flatnonzero(missing.any(axis=0)):
            known = np.flatnonzero(~missing[:, j])
            X[:, j] = self._filled(X[:, j], known, missing[:, j], times) if len(known) else self._without_any(X[:, j], j)
        return np.hstack([X, missing[:, self.gaps_].astype(X.dtype)]) if self.add_indicator else X

    def _filled(self, x, known, missing, times):
        rows = np.flatnonzero(missing)
        after = np.searchsorted(known, rows)  # the place among the known of the next one
        before = known[np.maximum(after - 1, 0)]
        following = known[np.minimum(after, len(known) - 1)]
        outside = (after == 0) | (after == len(known))
        before, following = np.where(after == 0, following, before), np.where(after == len(known), before, following)
        if self.method == "linear":
            width = times[following] - times[before]
            share = np.where(width > 0, (times[rows] - times[before]) / np.where(width > 0, width, 1.0), 0.0)
            values = x[before] * (1.0 - share) + x[following] * share
        elif self.method == "nearest":
            values = np.where(times[rows] - times[before] <= times[following] - times[rows], x[before], x[following])
        else:
            values = x[before]
            outside = after == 0
        if self.method == "previous":
            values = np.where(outside, np.nan if self.ends == "missing" else x[following], values)
        elif self.ends == "missing":
            values = np.where(outside, np.nan, values)
        if self.limit is not None:
            begins = np.concatenate([[-1], known])[after]
            ends = np.concatenate([known, [len(x)]])[after]
            values = np.where(ends - begins - 1 > self.limit, np.nan, values)
        x = x.copy()
        x[rows] = values
        return x

    def _without_any(self, x, j):
        too_long = self.limit is not None and len(x) > self.limit
        return np.full_like(x, np.nan if too_long or self.ends == "missing" else self.last_[j])

    def _time_column(self):
        if not isinstance(self.time, str):
            if self.time is not None and self.time >= self.n_features_in_:
                raise self._refused(f"time must be below the number of columns, {self.n_features_in_}, got {self.time}")
            return self.time
        names = list(getattr(self, "feature_names_in_", []))
        if self.time not in names:
            raise self._refused(f"time must be the name of a column of X, got {self.time!r}")
        return names.index(self.time)

    def _times(self, X, operation):
        if self._time is None:
            return np.arange(len(X), dtype=np.float64)
        times = X[:, self._time].astype(np.float64)
        if np.isnan(times).any() or (np.diff(times) < 0).any():
            row = int(np.flatnonzero(np.isnan(times) | np.concatenate([[False], np.diff(times) < 0]))[0])
            raise DataError(
                f"InterpolationImputer.{operation}: the times must be there and in ascending order, got {times[row]:g} in row "
                f"{row}",
                operation=f"InterpolationImputer.{operation}", operands={"time": self.time, "row": row},
                rule="times in ascending order", suggestion="sort the rows by time")
        return times

    def _refused(self, rule):
        return ParameterError(f"InterpolationImputer.fit: {rule}", operation="InterpolationImputer.fit",
                              operands={"time": self.time}, rule=rule)

    def get_feature_names_out(self, input_features=None):
        """The columns' names, then "missingindicator_…"."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        marks = [f"missingindicator_{names[j]}" for j in self.gaps_] if self.add_indicator else []
        return np.concatenate([names, np.array(marks, dtype=object)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
