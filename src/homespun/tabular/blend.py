"""A weighted mean of models, each with its own preparation of the columns.

    predict(x) = sum over models m of  w_m f_m(x)            of probabilities for classes            w >= 0, sum of w = 1
"""

from __future__ import annotations

from sklearn.base import clone

from homespun.base.errors import ParameterError
from homespun.base.estimator import ClassifierMixin, Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike


class _Blend(Estimator):
    params = {"estimators": ArrayLike(), "weights": ArrayLike()}

    def __init__(self, estimators, weights):
        self.estimators = estimators
        self.weights = weights

    def fit(self, X, y):
        """Fit every model on all rows; the weights stay as they are."""
        check_params(self)
        if len(self.estimators) != len(self.weights) or len(self.weights) == 0:
            name = type(self).__name__
            raise ParameterError(f"{name}: {len(self.estimators)} estimators need as many weights, got {len(self.weights)}",
                                 operation=f"{name}.fit", operands={"weights": len(self.weights)}, rule="one weight for each")
        self.estimators_ = [clone(estimator).fit(X, y) for estimator in self.estimators]
        return self

    def _mean(self, method, X):
        check_is_fitted(self)
        total = 0.0
        for estimator, weight in zip(self.estimators_, self.weights):
            total = total + float(weight) * getattr(estimator, method)(X)
        return total


class BlendRegressor(RegressorMixin, _Blend):
    """The weighted mean of the amounts that some regressors predict.

    Parameters
    ----------
    estimators : list of regressors
    weights : list of float
        One for each; they should sum to one.

    Attributes
    ----------
    estimators_ : list of the fitted ones

    Examples
    --------
    >>> from homespun.tabular import BaselineRegressor
    >>> from homespun.tree import DecisionTreeRegressor
    >>> blend = BlendRegressor([BaselineRegressor(), DecisionTreeRegressor()], [0.5, 0.5])
    >>> blend.fit([[0.0], [1.0]], [1.0, 3.0]).predict([[0.0], [1.0]])
    array([1.5, 2.5])
    """

    def predict(self, X):
        """The weighted mean."""
        return self._mean("predict", X)


class BlendClassifier(ClassifierMixin, _Blend):
    """The weighted mean of the probabilities that some classifiers predict.

    Parameters
    ----------
    estimators : list of classifiers with `predict_proba`
    weights : list of float

    Attributes
    ----------
    estimators_ : list of the fitted ones
    classes_ : array

    Examples
    --------
    >>> from homespun.tabular import BaselineClassifier
    >>> blend = BlendClassifier([BaselineClassifier(), BaselineClassifier()], [0.5, 0.5]).fit([[0], [1], [2]], [0, 0, 1])
    >>> blend.predict([[5]])
    array([0])
    """

    def fit(self, X, y):
        """Fit every model on all rows; the weights stay as they are."""
        super().fit(X, y)
        self.classes_ = self.estimators_[0].classes_
        return self

    def predict_proba(self, X):
        """The weighted mean of the probabilities, (n, classes)."""
        return self._mean("predict_proba", X)

    def predict(self, X):
        """The most probable class."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
