"""A regressor on the log of the target: for prices and the like, where errors are relative.

    fit:  g(x) ≈ log(1 + y)          predict:  exp(g(x)) - 1,  never below 0

What comes back is the median rather than the mean if the noise is symmetric on the log scale.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone

from homespun.base.errors import DataError
from homespun.base.estimator import Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.base.params import Satisfies


class LogTarget(MetaEstimatorMixin, RegressorMixin, Estimator):
    """Fit `regressor` on log(1 + y).

    Parameters
    ----------
    regressor : estimator

    Attributes
    ----------
    regressor_ : the fitted estimator

    Examples
    --------
    >>> from homespun.tabular import BaselineRegressor
    >>> LogTarget(BaselineRegressor()).fit([[0], [1]], [0.0, 3.0]).predict([[7]])
    array([1.])
    """

    params = {"regressor": Satisfies(lambda value: hasattr(value, "fit") and hasattr(value, "predict"), "a regressor")}

    def __init__(self, regressor):
        self.regressor = regressor

    def fit(self, X, y, **fit_params):
        """Fit on log(1 + y); y must not be negative."""
        check_params(self)
        y = self.validate(y=y, y_numeric=True) if y is not None else self.validate(X, y)
        if y.ndim != 1:
            y = y.ravel()
        if y.size and y.min() < 0:
            raise DataError(f"LogTarget.fit: Negative values in data passed to LogTarget: y must be >= 0, got {y.min():g}",
                            operation="LogTarget.fit", operands={"y": y.shape}, rule="y >= 0")
        self.regressor_ = clone(self.regressor).fit(X, np.log1p(y), **fit_params)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.regressor_, name):
                setattr(self, name, getattr(self.regressor_, name))
        return self

    def predict(self, X):
        """exp(prediction) - 1."""
        check_is_fitted(self)
        return np.maximum(np.expm1(self.regressor_.predict(X)), 0.0)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "regressor_")

    def __sklearn_tags__(self):
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        inner = get_tags(self.regressor)
        tags.input_tags = inner.input_tags
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = inner.regressor_tags.poor_score if inner.regressor_tags else False
        return tags
