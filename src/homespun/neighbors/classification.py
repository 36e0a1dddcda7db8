"""k-nearest-neighbours classification: the neighbours vote.

    p(c | q) = sum over the k nearest x_i of w_i [y_i = c] / sum of w_i          w_i = 1, or 1 / distance(q, x_i)

Cover & Hart 1967, IEEE Trans. Inf. Theory 13(1). The class of largest p wins, among equals the first in sorted order.
k and the metric are the regulariser: small k follows the noise, large k smooths it away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from homespun.base import DataError
from homespun.base.estimator import ClassifierMixin
from homespun.base.stored import stored_array, within
from homespun.neighbors.base import VOTING_PARAMS, KNearest, NeighborsBase, neighbor_weights


class ClassesOfRows(ClassifierMixin, NeighborsBase):
    """The classes of the training rows, for one output or several."""

    classes_: Any
    outputs_2d_: bool

    def _fit_classes(self, X, y):
        y = self._fit(X, y)
        try:
            check_classification_targets(y)
        except ValueError as error:
            raise DataError(f"{type(self).__name__}.fit: {error}", operation="fit", operands={"y": y.shape},
                            rule="y holds classes") from None
        self.outputs_2d_ = y.ndim == 2 and y.shape[1] > 1  # one column of targets is one output
        columns = y.reshape(len(y), -1)
        found = [np.unique(column, return_inverse=True) for column in columns.T]
        self.classes_ = [classes for classes, _ in found] if self.outputs_2d_ else found[0][0]
        self._y = np.column_stack([codes for _, codes in found])  # (n, outputs)

    def _check_targets(self, n):
        outputs = self._classes()
        stored_array(self, "_y", self._y, np.int64, n, len(outputs))
        for codes, classes in zip(self._y.T, outputs):
            within(self, "a class number in _y", codes, 0, len(classes))

    def _classes(self):
        return self.classes_ if self.outputs_2d_ else [self.classes_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


class KNeighborsClassifier(ClassesOfRows, KNearest):
    """Vote of the k nearest training rows.

    Parameters
    ----------
    n_neighbors : int, default 5
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        "distance": a neighbour weighs 1 / distance. A function gets distances (m, k) and returns weights.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several outputs
    n_samples_fit_ : int

    Raises
    ------
    DataError, ShapeError, ParameterError

    Examples
    --------
    >>> from homespun.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3]], ["low", "low", "high", "high"])
    >>> model.predict([[0.5]]).tolist(), model.predict_proba([[0.5]]).round(2).tolist()
    (['low'], [[0.33, 0.67]])
    """

    params = VOTING_PARAMS

    def __init__(self, n_neighbors=5, *, weights="uniform", algorithm="auto", leaf_size=30, p=2, metric="minkowski",
                 metric_params=None, n_jobs=None):
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X, y):
        """Keep X, (n, d), and the classes y, (n,) or (n, outputs)."""
        self._fit_classes(X, y)
        return self

    def predict(self, X):
        """The class of most votes: (m,) or (m, outputs)."""
        votes = self._votes(X)
        chosen = [classes[vote.argmax(axis=1)] for classes, vote in zip(self._classes(), votes)]
        return np.column_stack(chosen) if self.outputs_2d_ else chosen[0]

    def predict_proba(self, X):
        """Share of the votes: (m, n_classes), or a list of those for several outputs."""
        shares = []
        for vote in self._votes(X):
            total = vote.sum(axis=1, keepdims=True)
            shares.append(vote / np.where(total == 0, 1, total))
        return shares if self.outputs_2d_ else shares[0]

    def _votes(self, X):
        """Weights of the neighbours summed by class: one (m, n_classes) an output."""
        distances, rows = self.kneighbors(X)
        weights = neighbor_weights(distances, self.weights)
        votes = []
        for codes, classes in zip(self._y.T, self._classes()):
            vote = np.zeros((len(rows), len(classes)))
            queries = np.arange(len(rows))
            for j in range(rows.shape[1]):
                vote[queries, codes[rows[:, j]]] += 1.0 if weights is None else weights[:, j]
            votes.append(vote)
        return votes
