"""What linear classifiers share: a class from the signs or the largest of ``X w_k + b_k``, and weights kept sparse.

Two classes have one row of weights, and its sign decides: the boundary w . x + b = 0 is a hyperplane, of d - 1 dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from homespun.base import DataError, Real, Satisfies, check_param
from homespun.base.estimator import ClassifierMixin, check_is_fitted
from homespun.linear_model.base import linear_decision

OneForEach = Satisfies(lambda value: Real(low=0).accepts(value) and np.isfinite(float(value)),
                       "a finite number >= 0 for each class")


class SparseWeights:
    """Mixin: ``coef_`` may be turned into a sparse matrix and back."""

    coef_: Any

    def sparsify(self):
        """Turn ``coef_`` into a CSR matrix: smaller where an l1 penalty made most of it zero."""
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self):
        """Turn ``coef_`` back into an array."""
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self


class LinearClassifier(ClassifierMixin, SparseWeights):
    """Mixin: `decision_function` and `predict` from ``coef_``, ``intercept_`` and ``classes_``."""

    classes_: Any

    def decision_function(self, X):
        """Margins: (n,) for two classes (positive means ``classes_[1]``), else (n, K)."""
        z = linear_decision(self, X, "decision_function")
        return z.ravel() if z.ndim > 1 and z.shape[1] == 1 else z

    def predict(self, X):
        """The class of each row, (n,)."""
        z = self.decision_function(X)
        return self.classes_[(z > 0).astype(np.intp) if z.ndim == 1 else z.argmax(1)]


def check_classes(estimator, y, operation="fit"):
    """A DataError if y does not hold classes."""
    where = f"{type(estimator).__name__}.{operation}"
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise DataError(f"{where}: {error}", operation=where, operands={"y": y.shape}, rule="y holds classes") from None


def check_two(estimator, classes, operation="fit"):
    """A DataError if there is but one class."""
    where = f"{type(estimator).__name__}.{operation}"
    if len(classes) < 2:
        shown = repr(classes[0]) if len(classes) else "none"
        raise DataError(f"{where}: The number of classes has to be greater than one; got {len(classes)} class: y holds only "
                        f"{shown}", operation=where, operands={"classes": len(classes)}, rule="2 classes or more")


def class_weights(estimator, class_weight, classes, y, weight, operation="fit"):
    """A number for each of `classes`; "balanced" counts rows by `weight`."""
    name = type(estimator).__name__
    if isinstance(class_weight, dict):
        for value in class_weight.values():
            check_param(name, "class_weight", value, OneForEach)
    try:
        found = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=weight)
    except ValueError as error:  # a class that y does not have
        raise DataError(f"{name}.{operation}: class_weight: {error}", operation=f"{name}.{operation}",
                        operands={"class_weight": class_weight}, rule="a weight for classes of y") from None
    return np.asarray(found, dtype=np.float64)
