"""k-nearest-neighbours regression: the mean of the neighbours.

    f(q) = sum over the k nearest x_i of w_i y_i / sum of w_i                    w_i = 1, or 1 / distance(q, x_i)

Altman 1992, The American Statistician 46(3).
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import RegressorMixin
from homespun.base.stored import refuse
from homespun.neighbors.base import VOTING_PARAMS, KNearest, NeighborsBase, neighbor_weights


class NumbersOfRows(RegressorMixin, NeighborsBase):
    """The targets of the training rows."""

    def fit(self, X, y):
        """Keep X, (n, d), and the targets y, (n,) or (n, outputs)."""
        self._y = np.asarray(self._fit(X, y, y_numeric=True))
        return self

    def _check_targets(self, n):
        if type(self._y) is not np.ndarray or self._y.ndim not in (1, 2) or len(self._y) != n or self._y.dtype.kind not in "fiub":
            refuse(self, "_y", f"{n} numbers, or rows of numbers", f"{type(self._y).__name__} of shape {np.shape(self._y)}")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KNeighborsRegressor(NumbersOfRows, KNearest):
    """Mean of the k nearest training targets.

    Parameters
    ----------
    n_neighbors : int, default 5
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        "distance": a neighbour weighs 1 / distance. A function gets distances (m, k) and returns weights.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`.

    Raises
    ------
    DataError, ShapeError, ParameterError

    Examples
    --------
    >>> from homespun.neighbors import KNeighborsRegressor
    >>> KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [2]], [0.0, 10.0, 20.0]).predict([[0.4]]).tolist()
    [5.0]
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

    def predict(self, X):
        """(m,) or (m, outputs)."""
        distances, rows = self.kneighbors(X)
        targets = self._y[rows]  # (m, k) or (m, k, outputs)
        weights = neighbor_weights(distances, self.weights)
        if weights is None:
            return targets.mean(axis=1)
        if targets.ndim == 3:
            weights = weights[:, :, None]
        return (targets * weights).sum(axis=1) / weights.sum(axis=1)
