"""Ridge regression as a classifier: one target of +1 and -1 for each class, the largest prediction wins.

    minimise over W, b    sum_i s_i ||Y_i - W x_i - b||^2 + alpha ||W||^2       Y: (n, K), 1 at the row's class, else -1

X: (n, d)   W: (K, d), one row for two classes. All targets share one factorisation, so it costs what one ridge regression does.
Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2nd ed., section 4.2. Solvers in `ridge.py`, `ridge_cv.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from homespun.base import DataError, Instance, OneOf
from homespun.base.estimator import ClassifierMixin, Estimator, check_is_fitted, check_params
from homespun.linear_model.base import FLOATS, linear_decision
from homespun.linear_model.classifier import SparseWeights, class_weights
from homespun.linear_model.ridge import Ridge
from homespun.linear_model.ridge_cv import RidgeCV

CLASS_WEIGHT = Instance(dict, noun="a dict") | OneOf("balanced", None)


class RidgeLabels(ClassifierMixin, SparseWeights, Estimator):
    """What both share: classes to targets and back; several labels a row are several targets."""

    class_weight: Any
    solver: Any = "auto"
    classes_: Any
    coef_: Any
    intercept_: Any

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,), or (n, K) of 0 and 1 for several labels

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        name = type(self).__name__
        X, y = self.validate(X, y, accept_sparse=self.solver != "svd" and ("csr", "csc", "coo"), dtype=FLOATS, multi_output=True)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            raise DataError(f"{name}.fit: Unknown label type: {kind}. Maybe you are trying to fit a classifier, which expects "
                            "discrete classes on a regression target with continuous values.", operation=f"{name}.fit",
                            operands={"y": y.shape}, rule="y holds classes")
        weights = self.validate_weights(sample_weight, X)
        self._labels = LabelBinarizer(pos_label=1, neg_label=-1)
        Y = self._labels.fit_transform(y)
        self.classes_ = self._labels.classes_
        if not kind.startswith("multilabel"):
            if len(self.classes_) < 2:
                raise DataError(f"{name}.fit: y holds only one class, {self.classes_[0]!r}; at least 2 classes are needed",
                                operation=f"{name}.fit", operands={"y": y.shape}, rule="2 classes or more")
            y = column_or_1d(y, warn=True)
            code = np.searchsorted(self.classes_, y)
            weights = weights * class_weights(self, self.class_weight, self.classes_, y, weights)[code]
        model = self._regression().fit(X, Y if Y.shape[1] > 1 else Y[:, 0], weights)
        self.coef_, self.intercept_ = model.coef_, np.atleast_1d(model.intercept_)  # (d,) for two classes, as scikit-learn's
        if not self.fit_intercept and Y.shape[1] == 1:
            self.intercept_ = 0.0
        self._keep(model)
        return self

    fit_intercept: bool

    def _regression(self) -> Any:
        raise TypeError("a ridge classifier says which regression it is")

    def _keep(self, model):
        raise TypeError("a ridge classifier says what it keeps")

    def decision_function(self, X):
        """Predicted targets: (n,) for two classes (positive means ``classes_[1]``), else (n, K)."""
        z = linear_decision(self, X, "decision_function")
        return z.ravel() if z.ndim == 2 and z.shape[1] == 1 else z

    def predict(self, X):
        """The class of each row, (n,); of several labels, (n, K) of 0 and 1."""
        check_is_fitted(self)
        z = self.decision_function(X)
        if self._labels.y_type_.startswith("multilabel"):
            return self._labels.inverse_transform(np.where(z > 0, 1, -1).reshape(len(z), -1))
        return self.classes_[(z > 0).astype(np.intp) if z.ndim == 1 else z.argmax(1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd"
        tags.classifier_tags.multi_label = True
        return tags


class RidgeClassifier(RidgeLabels):
    """Classifier by ridge regression on targets of +1 and -1.

    Parameters
    ----------
    alpha, fit_intercept, copy_X, max_iter, tol, solver, positive, random_state : as those of `Ridge`
    class_weight : dict, "balanced" or None
        Multiplies the sample weights.

    Attributes
    ----------
    coef_ : ndarray (d,) for two classes, or (K, d);  intercept_ : ndarray (1,) or (K,);  classes_ : ndarray (K,)
    n_iter_, solver_ : as those of `Ridge`

    Examples
    --------
    >>> from homespun.linear_model import RidgeClassifier
    >>> RidgeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"]).predict([[0.5], [2.5]]).tolist()
    ['a', 'b']
    """

    params = {**Ridge.params, "class_weight": CLASS_WEIGHT}

    def __init__(self, alpha=1.0, *, fit_intercept=True, copy_X=True, max_iter=None, tol=1e-4, class_weight=None, solver="auto",
                 positive=False, random_state=None):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def _regression(self):
        return Ridge(self.alpha, fit_intercept=self.fit_intercept, max_iter=self.max_iter, tol=self.tol, solver=self.solver,
                     positive=self.positive, random_state=self.random_state)

    def _keep(self, model):
        self.n_iter_, self.solver_ = model.n_iter_, model.solver_


class Codes(ClassifierMixin, BaseEstimator):
    """Stands for a model whose classes are known, to call a user's scorer."""

    def __init__(self, count=2):
        self.count = count
        self.classes_ = np.arange(count)  # scorers ask for it

    def predict(self, X):
        return X


def codes(targets, several):
    """Numbers of the classes, or 0 and 1 of several labels, from targets of +1 and -1 or predictions of them."""
    return (targets > 0).astype(int) if several or np.ndim(targets) == 1 else np.argmax(targets, axis=1)


class RidgeClassifierCV(RidgeLabels):
    """`RidgeClassifier` that chooses its penalty by cross-validation; by default leave-one-out, from one factorisation.

    Parameters
    ----------
    alphas, fit_intercept, scoring, cv, store_cv_results : as those of `RidgeCV`
    class_weight : dict, "balanced" or None

    Attributes
    ----------
    alpha_, best_score_, cv_results_ : as those of `RidgeCV`
    coef_, intercept_, classes_ : as those of `RidgeClassifier`

    Examples
    --------
    >>> from homespun.linear_model import RidgeClassifierCV
    >>> RidgeClassifierCV(alphas=[0.01, 100.0]).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]).alpha_
    0.01
    """

    params = {name: rule for name, rule in RidgeCV.params.items() if name not in ("gcv_mode", "alpha_per_target")} | {
        "class_weight": CLASS_WEIGHT}

    def __init__(self, alphas=(0.1, 1.0, 10.0), *, fit_intercept=True, scoring=None, cv=None, class_weight=None,
                 store_cv_results=False):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.class_weight = class_weight
        self.store_cv_results = store_cv_results

    def _regression(self):
        scoring = None
        if self.scoring is not None or self.cv is not None:  # the scorer judges classes, not targets
            inner = check_scoring(self, scoring=self.scoring)
            several = self._labels.y_type_.startswith("multilabel")

            def scoring(model, X, Y, **weights):
                return inner(Codes(max(2, len(self.classes_))), codes(model.predict(X), several), codes(Y, several), **weights)

        return RidgeCV(self.alphas, fit_intercept=self.fit_intercept, scoring=scoring, cv=self.cv,
                       store_cv_results=self.store_cv_results)

    def _keep(self, model):
        self.alpha_, self.best_score_ = model.alpha_, model.best_score_
        if hasattr(model, "cv_results_"):
            self.cv_results_ = model.cv_results_
