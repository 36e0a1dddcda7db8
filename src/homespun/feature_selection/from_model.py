"""Select the columns that a model finds important.

    kept: importance_j >= threshold        importance: feature_importances_, or ||coef_j||

The importances of one fitted model; with `max_features` at most so many of the largest.
"""

from __future__ import annotations

from copy import deepcopy
from operator import attrgetter
from typing import Any

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Boolean, CallableWith, Instance, Integer, OneOf, Real, Satisfies
from homespun.feature_selection.selector import ColumnSelector


def _can_learn_in_parts(selector):
    inner = getattr(selector, "estimator_", selector.estimator)
    return hasattr(inner, "partial_fit")


class SelectFromModel(MetaEstimatorMixin, ColumnSelector):
    """The columns that a model finds important.

    Parameters
    ----------
    estimator : estimator with `coef_` or `feature_importances_` once fitted
    threshold : "mean", "median", "1.25*mean", … or float, default=None
        None: 1e-5 for the lasso and its like, else "mean".
    prefit : bool, default=False
        The estimator is fitted already.
    norm_order : number or inf, default=1
        For coefficients of several classes.
    max_features : int, callable of X, or None, default=None
    importance_getter : "auto", name of an attribute, or callable, default="auto"

    Attributes
    ----------
    estimator_ : the fitted estimator
    threshold_ : float
    max_features_ : int
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> SelectFromModel(Ridge()).fit(X, X[:, 0]).get_support()
    array([ True, False])
    """

    params = {
        "estimator": Satisfies(lambda value: hasattr(value, "fit"), "an estimator"),
        "threshold": OneOf(None) | Real() | Instance(str, noun="'mean', 'median' or a multiple such as '1.25*mean'"),
        "prefit": Boolean(),
        "norm_order": Real(),
        "max_features": OneOf(None) | Integer(low=0) | CallableWith("a function of X"),
        "importance_getter": Instance(str, noun="the name of an attribute") | CallableWith("a function of the estimator"),
    }

    def __init__(
        self, estimator, *, threshold=None, prefit=False, norm_order=1, max_features=None, importance_getter="auto"
    ):
        self.estimator = estimator
        self.threshold = threshold
        self.prefit = prefit
        self.norm_order = norm_order
        self.max_features = max_features
        self.importance_getter = importance_getter

    def fit(self, X, y=None, **fit_params):
        """Fit the model."""
        check_params(self)
        self._count(X)
        if self.prefit:
            self._take_fitted()
        else:
            self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        self._names_of(X, reset=True)
        return self

    @available_if(_can_learn_in_parts)
    def partial_fit(self, X, y=None, **partial_fit_params):
        """Fit the model to one more batch."""
        check_params(self)
        first = not hasattr(self, "estimator_")
        if first:
            self._count(X)
        if self.prefit:
            if first:
                self._take_fitted()
            return self
        if first:
            self.estimator_ = clone(self.estimator)
        self.estimator_.partial_fit(X, y, **partial_fit_params)
        self._names_of(X, reset=first)
        return self

    @property
    def threshold_(self):
        """The importance that a column needs."""
        return self._limit(self._importances())

    @property
    def n_features_in_(self):
        """Columns of X in `fit`."""
        try:
            check_is_fitted(self)
        except NotFittedError as error:  # so that hasattr is False
            raise AttributeError(f"{type(self).__name__} object has no n_features_in_ attribute.") from error
        return self.estimator_.n_features_in_

    def _mask(self):
        if not hasattr(self, "estimator_") and self.prefit:
            self._take_fitted()
        check_is_fitted(self)
        importances = self._importances()
        mask = np.ones(len(importances), dtype=bool)
        if self.max_features is not None:
            mask[:] = False
            mask[np.argsort(-importances, kind="mergesort")[: self.max_features_]] = True
        mask[importances < self._limit(importances)] = False
        return mask

    def _importances(self):
        inner, getter = self.estimator_, self.importance_getter
        if callable(getter):
            found = getter(inner)
        elif getter != "auto":
            found = attrgetter(getter)(inner)
        else:
            name = next((name for name in ("coef_", "feature_importances_") if hasattr(inner, name)), None)
            if name is None:
                raise DataError(
                    f"SelectFromModel: when `importance_getter=='auto'`, the underlying estimator {type(inner).__name__} should "
                    "have `coef_` or `feature_importances_` attribute. Either pass a fitted estimator to feature selector or "
                    "call fit before calling transform.",
                    operation="SelectFromModel.transform", operands={"estimator": type(inner).__name__},
                    rule="coef_ or feature_importances_")
            found = getattr(inner, name)
        found = np.asarray(found.toarray() if hasattr(found, "toarray") else found)
        return np.abs(found) if found.ndim == 1 else np.linalg.norm(found, axis=0, ord=self.norm_order)

    def _limit(self, importances) -> float:
        given = self.threshold
        if given is None:
            given = 1e-5 if _makes_zeros(self.estimator) else "mean"
        if not isinstance(given, str):
            return float(given)
        scale, _, word = given.rpartition("*")
        middles: dict[str, Any] = {"mean": np.mean, "median": np.median}
        reference = middles.get(word.strip())
        try:
            factor = float(scale) if scale else 1.0
        except ValueError:
            reference = None
        if reference is None:
            raise ParameterError(
                f"SelectFromModel: Expected threshold='mean' or threshold='median', or a multiple such as '1.25*mean', got "
                f"{self.threshold!r}", operation="SelectFromModel.transform", operands={"threshold": self.threshold},
                rule="'mean', 'median' or a multiple")
        return float(factor * reference(importances))

    def _count(self, X):
        if self.max_features is None:
            return
        count = self.max_features(X) if callable(self.max_features) else self.max_features
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 0:
            raise ParameterError(f"SelectFromModel: max_features must be a whole number >= 0, got {count!r}",
                                 operation="SelectFromModel.fit", operands={"max_features": count}, rule="a whole number >= 0")
        self.max_features_ = int(count)

    def _take_fitted(self):
        try:
            check_is_fitted(self.estimator)
        except NotFittedError as error:
            raise NotFittedError("When `prefit=True`, `estimator` is expected to be a fitted estimator.") from error
        self.estimator_ = deepcopy(self.estimator)

    def _names_of(self, X, reset):
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        else:
            _check_feature_names(self, X, reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = inner.target_tags.required
        return tags


def _makes_zeros(estimator) -> bool:
    """Whether its penalty sets coefficients to zero."""
    name = type(estimator).__name__
    if getattr(estimator, "penalty", None) == "l1" or "Lasso" in name:
        return True
    ratio = {"ElasticNet": "l1_ratio", "LogisticRegression": "l1_ratio", "ElasticNetCV": "l1_ratio_",
             "LogisticRegressionCV": "l1_ratio_"}.get(name)
    value = getattr(estimator, ratio, None) if ratio else None
    return value is not None and bool(np.all(np.isclose(value, 1.0)))
