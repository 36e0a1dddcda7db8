"""What the scalers share: each column of numbers is changed alone, floats stay in their precision, NaN passes through."""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import check_array

from homespun.base.errors import ShapeError
from homespun.base.estimator import Estimator, TransformerMixin, _worded


class Scaler(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Base of the scalers."""

    formats: str | tuple[str, ...] | bool = False  # of sparse X; False: dense only

    def values(self, X, operation: str = "fit", *, copy: bool = False, **checks):
        """X as float64 or float32, checked against what was fitted; but for `fit` it may be written into.

        Raises
        ------
        ShapeError, DataError
        """
        checks = {"accept_sparse": self.formats, "dtype": (np.float64, np.float32), "ensure_all_finite": "allow-nan",
                  "copy": copy, "force_writeable": operation not in ("fit", "partial_fit")} | checks
        if operation != "inverse_transform":
            return self.validate(X, operation=operation, **checks)
        try:  # the names of columns are those of the input: scaled values have lost them
            X = check_array(X, **checks)
        except ValueError as error:
            raise _worded(error, self, operation, X=X) from None
        if X.shape[1] != self.n_features_in_:  # one column would be stretched over all of them without a word
            where = f"{type(self).__name__}.{operation}"
            raise ShapeError(f"{where}: X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                             f"{self.n_features_in_} features as input", operation=where, operands={"X": X.shape},
                             rule=f"{self.n_features_in_} columns")
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
