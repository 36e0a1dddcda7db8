"""What a model must beat: the mean of the target, or the shares of the classes, whatever the row says.

    predict(x) = mean of y                predict_proba(x)[k] = weight of class k / weight of all
"""

from __future__ import annotations

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from homespun.base.estimator import ClassifierMixin, Estimator, RegressorMixin, check_is_fitted, check_params


class BaselineRegressor(RegressorMixin, Estimator):
    """Predicts the weighted mean of y.

    Attributes
    ----------
    mean_ : float
    n_features_in_ : int

    Examples
    --------
    >>> BaselineRegressor().fit([[0], [1]], [1.0, 3.0]).predict([[7]])
    array([2.])
    """

    def fit(self, X, y, sample_weight=None):
        """Learn the mean."""
        check_params(self)
        X, y = self.validate(X, y, y_numeric=True, ensure_all_finite="allow-nan", accept_sparse=True)
        self.mean_ = float(np.average(y.astype(np.float64), weights=self.validate_weights(sample_weight, X)))
        return self

    def predict(self, X):
        """The mean, for each row."""
        check_is_fitted(self)
        X = self.validate(X, operation="predict", ensure_all_finite="allow-nan", accept_sparse=True)
        return np.full(X.shape[0], self.mean_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.regressor_tags.poor_score = True
        return tags


class BaselineClassifier(ClassifierMixin, Estimator):
    """Predicts the share of each class.

    Attributes
    ----------
    classes_, shares_ : arrays of shape (n_classes,)
    n_features_in_ : int

    Examples
    --------
    >>> BaselineClassifier().fit([[0], [1], [2], [3]], ["a", "b", "b", "b"]).predict_proba([[7]])
    array([[0.25, 0.75]])
    """

    def fit(self, X, y, sample_weight=None):
        """Learn the shares."""
        check_params(self)
        X, y = self.validate(X, y, ensure_all_finite="allow-nan", accept_sparse=True)
        check_classification_targets(y)
        weights = self.validate_weights(sample_weight, X)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.shares_ = np.bincount(codes, weights=weights, minlength=len(self.classes_)) / weights.sum()
        return self

    def predict_proba(self, X):
        """The shares, for each row."""
        check_is_fitted(self)
        X = self.validate(X, operation="predict", ensure_all_finite="allow-nan", accept_sparse=True)
        return np.tile(self.shares_, (X.shape[0], 1))

    def predict(self, X):
        """The most frequent class, for each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.classifier_tags.poor_score = True
        return tags
