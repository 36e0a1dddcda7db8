"""What the imputers of numbers share: reading X with its marker of missing values, and the columns that say what was missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import ParameterError
from homespun.base.estimator import check_is_fitted
from homespun.impute.missing_indicator import MissingIndicator
from homespun.impute.simple_imputer import missing_mask


class MarksMissing:
    """For imputers with `missing_values`, `add_indicator`, `keep_empty_features`; in `fit` they set `_empty`."""

    missing_values: Any
    add_indicator: bool
    keep_empty_features: bool
    _empty: np.ndarray

    def _with_nan(self: Any, X, operation) -> tuple[np.ndarray, np.ndarray]:
        """X as floats with NaN for what is missing (a copy), and where that is."""
        marker = self.missing_values
        if isinstance(marker, str):
            name = type(self).__name__
            raise ParameterError(f"{name}.{operation}: missing_values must be a number, NaN or None for data of numbers, got "
                                 f"{marker!r}", operation=f"{name}.{operation}", operands={"missing_values": marker},
                                 rule="a number, NaN or None")
        by_nan = marker is None or marker != marker
        X = self.validate(X, operation=operation, dtype=(np.float64, np.float32), copy=True,
                          ensure_all_finite="allow-nan" if by_nan else True)
        missing = np.isnan(X) if by_nan else missing_mask(X, marker)
        X[missing] = np.nan
        return X, missing

    def _learn_marks(self: Any, missing) -> None:
        self.indicator_ = None
        if self.add_indicator:
            self.indicator_ = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_.features_ = np.flatnonzero(missing.any(axis=0))
            self.indicator_._n_features = self.indicator_.n_features_in_ = missing.shape[1]

    def _with_marks(self: Any, filled, missing):
        """Empty columns left out, the indicator's columns appended."""
        if not self.keep_empty_features:
            filled = filled[:, ~self._empty]
        if self.indicator_ is None:
            return filled
        return np.hstack([filled, missing[:, self.indicator_.features_].astype(filled.dtype)])

    def get_feature_names_out(self: Any, input_features=None):
        """The kept columns' names, then the indicator's."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        kept = names if self.keep_empty_features else names[~self._empty]
        return kept if self.indicator_ is None else np.concatenate([kept, self.indicator_.get_feature_names_out(names)])

    def __sklearn_tags__(self: Any):
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        marker = self.missing_values
        tags.input_tags.allow_nan = marker is None or (isinstance(marker, (float, np.floating)) and marker != marker)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
