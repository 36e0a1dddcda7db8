"""Flags: ON, OFF, NotAvailable → 1, -1, 0.

Zero is the middle: a linear model then says nothing about a car whose seller did not say. Yes/no, true/false, ja/nein
and their like are read too, in any spelling of capitals. Missing values stay NaN; numbers pass as they are. Cost O(n d).
"""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from homespun.base.errors import DataError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import OneOf
from homespun.data.flags import NOT_STATED, PAIRS
from homespun.data.missing import is_missing
from homespun.preprocessing.categories import CategoryEncoder
from homespun.preprocessing.values import hashable

_VALUES = {**{on: 1.0 for on, _ in PAIRS}, **{off: -1.0 for _, off in PAIRS}, **dict.fromkeys(NOT_STATED, 0.0)}


class FlagEncoder(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Words for on, off and not available as 1, -1 and 0.

    Parameters
    ----------
    handle_unknown : {"error", "missing"}, default="error"
        What becomes of any other word.

    Attributes
    ----------
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> FlagEncoder().fit_transform([["ON"], ["off"], ["NotAvailable"]]).ravel()
    array([ 1., -1.,  0.])
    """

    params = {"handle_unknown": OneOf("error", "missing")}

    def __init__(self, *, handle_unknown="error"):
        self.handle_unknown = handle_unknown

    def fit(self, X, y=None):
        """Check that every value can be read; nothing is learned but the columns' names."""
        check_params(self)
        self._read(X, "fit")
        return self

    def transform(self, X):
        """1, -1, 0 or NaN, shape (n_samples, n_features)."""
        check_is_fitted(self, "n_features_in_")
        return self._read(X, "transform")

    def _read(self, X, operation):
        columns = CategoryEncoder._columns(self, X, operation)
        out = np.empty((len(columns[0]), len(columns)))
        for j, column in enumerate(columns):
            out[:, j] = column.astype(np.float64) if column.dtype.kind in "iufb" else self._words(column, j, operation)
        return out

    def _words(self, column, j, operation):
        read: dict = {}
        for value in set(hashable(column)):
            if value is None or value != value:
                read[value] = np.nan
            elif isinstance(value, (int, float)):
                read[value] = float(value)
            else:
                word = str(value).strip().lower()
                read[value] = np.nan if is_missing(word) else _VALUES.get(word)
            if read[value] is None:
                if self.handle_unknown == "error":
                    raise DataError(f"FlagEncoder.{operation}: column {j} must hold flags such as 'ON' and 'OFF', got {value!r}",
                                    operation=f"FlagEncoder.{operation}", operands={"column": j, "value": value},
                                    rule="words for on, off or not available")
                read[value] = np.nan
        return [np.nan if value != value else read[value] for value in column.tolist()]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        tags.requires_fit = True
        return tags
