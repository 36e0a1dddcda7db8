"""Regressors for targets that are amounts: on the log scale, and never below zero.

    LogTarget:    g(x) ≈ log(1 + y)       predict:  c exp(g(x)) - 1, never below 0
    NotNegative:  g(x) ≈ y                predict:  max(g(x), 0)

exp of the mean of the logs is the median, if the noise is symmetric there, and lies below the mean of the amounts. The
smearing factor c = mean over training rows of exp(log(1 + y) - g(x)) brings it back to the mean without assuming normal
noise (Duan 1983, JASA 78(383), eq. 2.6). The residuals are those of the training rows: c is too near to 1 where the model has
learned them by heart, so it corrects linear models fully and forests hardly; the cross-validation sees what comes out.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone

from homespun.base.errors import DataError
from homespun.base.estimator import Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.base.params import Boolean, Satisfies

_REGRESSOR = Satisfies(lambda value: hasattr(value, "fit") and hasattr(value, "predict"), "a regressor")


class _Wrapper(MetaEstimatorMixin, RegressorMixin, Estimator):
    """What both share: one inner regressor, whose tags are theirs."""

    def _check(self, X, y):
        y = self.validate(y=y, y_numeric=True) if y is not None else self.validate(X, y)
        y = y.ravel() if y.ndim != 1 else y
        if y.size and y.min() < 0:
            name = type(self).__name__
            raise DataError(f"{name}.fit: Negative values in data passed to {name}: y must be >= 0, got {y.min():g}",
                            operation=f"{name}.fit", operands={"y": y.shape}, rule="y >= 0")
        return y

    def _fit(self, X, y, fit_params):
        self.regressor_ = clone(self.regressor).fit(X, y, **fit_params)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.regressor_, name):
                setattr(self, name, getattr(self.regressor_, name))

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


class LogTarget(_Wrapper):
    """Fit `regressor` on log(1 + y).

    Parameters
    ----------
    regressor : estimator
    smearing : bool, default=False
        Predict means of the amounts (True) or their medians.

    Attributes
    ----------
    regressor_ : the fitted estimator
    smearing_ : float
        The factor c; 1 without smearing.
    largest_ : float
        Logs are cut there, so that no prediction exceeds the largest training amount: the exponential of an extrapolation
        is no prediction.

    Examples
    --------
    >>> from homespun.tabular import BaselineRegressor
    >>> LogTarget(BaselineRegressor()).fit([[0], [1]], [0.0, 3.0]).predict([[7]])
    array([1.])
    >>> LogTarget(BaselineRegressor(), smearing=True).fit([[0], [1]], [0.0, 3.0]).predict([[7]])
    array([1.5])
    """

    params = {"regressor": _REGRESSOR, "smearing": Boolean()}

    def __init__(self, regressor, smearing=False):
        self.regressor = regressor
        self.smearing = smearing

    def fit(self, X, y, **fit_params):
        """Fit on log(1 + y); y must not be negative."""
        check_params(self)
        y = np.log1p(self._check(X, y))
        self._fit(X, y, fit_params)
        self.smearing_ = 1.0
        if self.smearing:
            weights = fit_params.get("sample_weight")
            self.smearing_ = float(np.average(np.exp(y - self.regressor_.predict(X)), weights=weights))
        self.largest_ = float(y.max() - np.log(self.smearing_))
        return self

    def predict(self, X):
        """c exp(prediction) - 1, at least 0."""
        check_is_fitted(self)
        return np.maximum(self.amounts(self.regressor_.predict(X)), 0.0)

    def amounts(self, logs):
        """Amounts of predictions on the log scale."""
        return np.exp(np.minimum(logs, self.largest_)) * self.smearing_ - 1.0


class NotNegative(_Wrapper):
    """Fit `regressor` on y, and cut its predictions at zero: where y cannot be negative, that brings each of them nearer.

    Parameters
    ----------
    regressor : estimator

    Attributes
    ----------
    regressor_ : the fitted estimator

    Examples
    --------
    >>> from homespun.linear_model import LinearRegression
    >>> NotNegative(LinearRegression()).fit([[1.0], [2.0]], [1.0, 3.0]).predict([[0.0], [2.0]]).round(6)
    array([0., 3.])
    """

    params = {"regressor": _REGRESSOR}

    def __init__(self, regressor):
        self.regressor = regressor

    def fit(self, X, y, **fit_params):
        """Fit; y must not be negative."""
        check_params(self)
        self._fit(X, self._check(X, y), fit_params)
        return self

    def predict(self, X):
        """The prediction, at least 0."""
        check_is_fitted(self)
        return np.maximum(self.regressor_.predict(X), 0.0)
