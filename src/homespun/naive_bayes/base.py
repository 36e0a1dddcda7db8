"""What the naive Bayes classifiers share: Bayes' theorem for features that count as independent within a class.

    log p(c, x) = log p(c) + sum_j log p(x_j | c)              X: (n, d)   c: one of C classes
    p(c | x)    = exp(log p(c, x) - log sum_k p(k, x))

Fitting only adds up sums over the rows of each class. So a stream of batches (`partial_fit`) ends where one `fit` ends, a
row of weight k counts as k rows, and the memory is O(C d) however long the stream.
Where every class holds a row for impossible (p(c, x) = 0 for all c: a word that no class has seen, without smoothing), its
probabilities are the prior ones; scikit-learn's are NaN there.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from sklearn.utils.multiclass import check_classification_targets

from homespun.base import ArrayLike, DataError, ParameterError
from homespun.base.estimator import ClassifierMixin, Estimator, check_is_fitted, check_params
from homespun.base.stored import refuse

IMPOSSIBLE = -1e200  # stands for log 0 in sums: 0 * log 0 is then 0, as it must be, and not NaN
FLOATS = [np.float64, np.float32]
PRIORS = ArrayLike() | None


class NaiveBayes(ClassifierMixin, Estimator):
    """Subclasses say what is counted: `_start(d)`, `_add(X, codes, weights)`, `_finish()`; and `_joint(X)`, log p(c, x)."""

    checks: dict = {"dtype": FLOATS, "order": "C"}  # how X is validated

    def fit(self, X, y, sample_weight=None):
        """Fit from scratch.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
            Classes: numbers or strings.
        sample_weight : array-like of shape (n,), optional
            A row of weight k counts as k rows.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        X, y = self._validated(X, y, "fit", reset=True)
        classes, codes = np.unique(y, return_inverse=True)
        return self._learn(X, codes, classes, sample_weight, first=True, operation="fit")

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Add a batch of a stream; the order of the batches does not matter.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array-like of shape (n_classes,), optional
            All classes that the stream may bring. Needed in the first call, optional later.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        first = not hasattr(self, "classes_")
        classes = self._classes_of_stream(classes, first)
        X, y = self._validated(X, y, "partial_fit", reset=first)
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        unknown = np.unique(y[classes[places] != y])
        if unknown.size:
            raise DataError(
                f"{type(self).__name__}.partial_fit: The target label(s) {unknown[:10]} in y do not exist in the initial "
                f"classes {classes[:10]}", operation="partial_fit", operands={"y": unknown[:10].tolist()},
                rule="y holds classes of the first call", suggestion="name all classes in the first call: classes=[…]")
        return self._learn(X, places, classes, sample_weight, first, "partial_fit")

    def _learn(self, X, codes, classes, sample_weight, first, operation):
        weights = self.validate_weights(sample_weight, X, operation=operation)
        self._check_values(X)
        self._check_settings(len(classes))
        before = dict(self.__dict__)  # arrays are replaced, never written to: a refused batch leaves the model as it was
        try:
            if first:
                self.classes_ = classes
                self._start(X.shape[1])
            self._add(X, codes, weights)
            self._finish()
        except DataError:
            self.__dict__ = before
            raise
        return self

    def _validated(self, X, y, operation, **more):
        X, y = self.validate(X, y, operation=operation, **self.checks, **more)
        check_classification_targets(y)
        return X, y

    def _classes_of_stream(self, classes, first):
        """The sorted classes that a stream may bring."""
        if first and classes is None:
            raise ParameterError("classes must be passed on the first call to partial_fit.", operation="partial_fit",
                                 operands={"classes": None}, rule="all classes are known from the first batch on",
                                 suggestion="partial_fit(X, y, classes=np.unique(all_y))")
        if first:
            return np.unique(np.asarray(classes))
        if classes is not None and not np.array_equal(np.unique(np.asarray(classes)), self.classes_):
            raise ParameterError(f"`classes={classes!r:.80}` is not the same as on last call to partial_fit, was: "
                                 f"{self.classes_}", operation="partial_fit",
                                 operands={"classes": classes}, rule="the same classes in every call")
        return self.classes_

    def _check_values(self, X):
        """DataError for values that cannot be learned from; before anything is changed."""

    def _check_settings(self, n_classes):
        """ParameterError unless parameters that are arrays fit the number of features and of classes."""

    # -- prediction ----------------------------------------------------------------------------------------------------

    def predict(self, X):
        """The class of largest probability: (m,); among equals the first in sorted order."""
        best = self._explained(X, "predict").argmax(axis=1)
        return self.classes_[best]

    def predict_joint_log_proba(self, X):
        """log p(c, x): (m, n_classes)."""
        joint = self._checked_joint(X, "predict_joint_log_proba")
        return np.where(joint <= IMPOSSIBLE / 2, -np.inf, np.where(joint >= -IMPOSSIBLE / 2, np.inf, joint))
    def predict_log_proba(self, X):
        """log p(c | x): (m, n_classes)."""
        joint = self._explained(X, "predict_log_proba")
        log_proba = joint - logsumexp(joint, axis=1, keepdims=True)
        return np.where(log_proba <= IMPOSSIBLE / 2, -np.inf, log_proba)

    def predict_proba(self, X):
        """p(c | x): (m, n_classes); rows add up to 1."""
        joint = self._explained(X, "predict_proba")
        shares = np.exp(joint - joint.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def _checked_joint(self, X, operation):
        check_is_fitted(self)
        return self._joint(self.validate(X, operation=operation, **self.checks))

    def _explained(self, X, operation):
        """log p(c, x), or log p(c) for a row that every class holds for impossible."""
        joint = self._checked_joint(X, operation)  # float64 also for float32 X: sums of many small terms
        hopeless = joint.max(axis=1) <= IMPOSSIBLE / 2
        if hopeless.any():
            joint[hopeless] = np.maximum(self._log_prior(), IMPOSSIBLE)
        return joint

    def _log_prior(self):
        return self.class_log_prior_

    # -- model files ---------------------------------------------------------------------------------------------------

    def _refuse_unless(self, part: str, *shape):
        """ModelFileError unless the stored array has the shape that a kernel relies on."""
        array = getattr(self, part, None)
        if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.shape != shape:
            refuse(self, part, f"float64 of shape {shape}", f"{array!r:.60}")


def checked_priors(estimator, name: str, n_classes: int) -> np.ndarray:
    """The prior probabilities that the user gave: (n_classes,)."""
    priors = np.asarray(getattr(estimator, name), dtype=np.float64)

    def wrong(text, rule):
        return ParameterError(f"{type(estimator).__name__}: {text} (got {name}={priors.tolist()!r:.80})", operation="fit",
                              operands={name: priors}, rule=rule)

    if priors.shape != (n_classes,):
        raise wrong("Number of priors must match number of classes.", f"{n_classes} priors")
    if not (priors >= 0).all():
        raise wrong("Priors must be non-negative.", f"{name} >= 0")
    return priors
