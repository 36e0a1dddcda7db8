"""Classification by all training rows within a radius.

    p(c | q) = sum over x_i with d(q, x_i) <= r of w_i [y_i = c] / sum of w_i          w_i = 1, or 1 / distance(q, x_i)

Fix & Hodges 1951; Cover & Hart 1967 for fixed k. Where data is sparse a ball may be empty: see `outlier_label`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from homespun.base import ArrayLike, DataError, ParameterError, Satisfies
from homespun.base.estimator import check_is_fitted
from homespun.neighbors.base import VOTING_PARAMS, NeighborsBase
from homespun.neighbors.classification import ClassesOfRows
from homespun.neighbors.radius import RadiusBase, ball_weights


class RadiusNeighborsClassifier(ClassesOfRows, RadiusBase):
    """Vote of the training rows within a radius.

    Parameters
    ----------
    radius : float, default 1.0
        In the units of the distance; a row at exactly this distance has a vote.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        "distance": a neighbour weighs 1 / distance. A function gets an array of arrays of distances and returns weights like it.
    outlier_label : class, list of classes for several outputs, "most_frequent" or None, default None
        The answer where nobody is within the radius; None: that is an error.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several outputs
    outlier_label_ : list of classes, one an output, or None
    n_samples_fit_ : int

    Raises
    ------
    DataError, ShapeError, ParameterError

    Examples
    --------
    >>> from homespun.neighbors import RadiusNeighborsClassifier
    >>> model = RadiusNeighborsClassifier(radius=1.0).fit([[0], [1], [2], [3]], ["low", "low", "high", "high"])
    >>> model.predict([[0.5]]).tolist(), model.predict_proba([[1.0]]).round(2).tolist()
    (['low'], [[0.33, 0.67]])
    """

    params = {name: constraint for name, constraint in VOTING_PARAMS.items() if name != "n_neighbors"} | {
        "radius": NeighborsBase.params["radius"],
        "outlier_label": Satisfies(lambda label: isinstance(label, (int, np.integer, str)), "a class") | ArrayLike() | None}
    outlier_label_: Any

    def __init__(self, radius=1.0, *, weights="uniform", algorithm="auto", leaf_size=30, p=2, metric="minkowski",
                 outlier_label=None, metric_params=None, n_jobs=None):
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.outlier_label = outlier_label
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X, y):
        """Keep X, (n, d), and the classes y, (n,) or (n, outputs)."""
        self._fit_classes(X, y)
        self.outlier_label_ = self._outlier_labels()
        return self

    def _outlier_labels(self):
        given, outputs = self.outlier_label, self._classes()
        if given is None:
            return None
        if isinstance(given, str) and given == "most_frequent":
            return [classes[np.bincount(codes).argmax()] for codes, classes in zip(self._y.T, outputs)]
        labels = list(given) if np.ndim(given) == 1 else [given] * len(outputs)
        if len(labels) != len(outputs):
            raise ParameterError(f"The length of outlier_label: {given} is inconsistent with the output length: {len(outputs)}",
                                 operation="fit", operands={"outlier_label": given}, rule="one label for each output")
        for classes, label in zip(outputs, labels):
            if np.ndim(label):
                raise TypeError(f"The outlier_label of classes {classes} is supposed to be a scalar, got {label}.")
            if np.append(classes, label).dtype != classes.dtype:
                raise TypeError(f"The dtype of outlier_label {label} is inconsistent with classes {classes} in y.")
        return labels

    def predict(self, X):
        """The class of most votes, or `outlier_label` where there are none: (m,) or (m, outputs). X None: the training rows,
        each without its own vote."""
        shares, chosen = self._shares(X), []
        for output, (classes, share) in enumerate(zip(self._classes(), shares)):
            found = classes[share.argmax(axis=1)]
            nobody = ~share.any(axis=1)
            if nobody.any():
                found[nobody] = self.outlier_label_[output]
            chosen.append(found)
        return np.column_stack(chosen) if self.outputs_2d_ else chosen[0]

    def predict_proba(self, X):
        """Share of the votes: (m, n_classes), or a list of those for several outputs. All 0 for an outlier whose label is no
        class."""
        shares = self._shares(X)
        return shares if self.outputs_2d_ else shares[0]

    def score(self, X, y, sample_weight=None):
        """Share of rows whose class is right. X None: the training rows, each without its own vote."""
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))

    def _shares(self, X):
        check_is_fitted(self)
        begins, rows, distances = self._within(X)
        m = begins.size - 1
        weights = ball_weights(begins, distances, self.weights)
        queries = np.repeat(np.arange(m), np.diff(begins))
        total = np.bincount(queries, weights, minlength=m)
        nobody = total == 0
        if nobody.any() and self.outlier_label_ is None:
            where = np.flatnonzero(nobody)
            shown = f"{where[:10]}{' …' if where.size > 10 else ''}"
            raise DataError(f"No neighbors found for test samples {shown}, you can try using larger radius, giving a label for "
                            "outliers, or considering removing them from your dataset.",
                            operation="predict", operands={"radius": self.radius}, rule="somebody within the radius",
                            suggestion="outlier_label='most_frequent'")
        shares = []
        for output, (codes, classes) in enumerate(zip(self._y.T, self._classes())):
            votes = np.bincount(queries * classes.size + codes[rows], weights, minlength=m * classes.size)
            with np.errstate(invalid="ignore"):  # a function may give infinite weights
                share = votes.reshape(m, classes.size) / np.where(nobody, 1, total)[:, None]
            if nobody.any():
                place = np.flatnonzero(classes == self.outlier_label_[output])
                if place.size:
                    share[nobody, place[0]] = 1.0
                else:
                    warnings.warn(f"Outlier label {self.outlier_label_[output]} is not in training classes. All class "
                                  "probabilities of outliers will be assigned with 0.", UserWarning, stacklevel=4)
            shares.append(share)
        return shares
