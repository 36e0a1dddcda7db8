"""Regression by all training rows within a radius.

    f(q) = sum over x_i with d(q, x_i) <= r of w_i y_i / sum of w_i                  w_i = 1, or 1 / distance(q, x_i)

Nadaraya 1964, Watson 1964 with the window [d <= r] as their kernel. Nobody within the radius: NaN, with a warning.
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.estimator import check_is_fitted
from homespun.neighbors.base import VOTING_PARAMS, NeighborsBase
from homespun.neighbors.radius import RadiusBase, ball_weights
from homespun.neighbors.regression import NumbersOfRows


class RadiusNeighborsRegressor(NumbersOfRows, RadiusBase):
    """Mean of the training targets within a radius.

    Parameters
    ----------
    radius : float, default 1.0
        In the units of the distance; a row at exactly this distance counts.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        "distance": a neighbour weighs 1 / distance. A function gets an array of arrays of distances and returns weights like it.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`.

    Raises
    ------
    DataError, ShapeError, ParameterError

    Examples
    --------
    >>> from homespun.neighbors import RadiusNeighborsRegressor
    >>> RadiusNeighborsRegressor(radius=0.7).fit([[0], [1], [2]], [0.0, 10.0, 20.0]).predict([[0.4], [2.1]]).tolist()
    [5.0, 20.0]
    """

    params = {name: constraint for name, constraint in VOTING_PARAMS.items() if name != "n_neighbors"} | {
        "radius": NeighborsBase.params["radius"]}

    def __init__(self, radius=1.0, *, weights="uniform", algorithm="auto", leaf_size=30, p=2, metric="minkowski",
                 metric_params=None, n_jobs=None):
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def predict(self, X):
        """(m,) or (m, outputs); NaN where nobody is within the radius. X None: the training rows, each without itself."""
        check_is_fitted(self)
        begins, rows, distances = self._within(X)
        m = begins.size - 1
        weights = ball_weights(begins, distances, self.weights)
        queries = np.repeat(np.arange(m), np.diff(begins))
        total = np.bincount(queries, weights, minlength=m)
        targets = self._y.reshape(len(self._y), -1)[rows]
        sums = np.column_stack([np.bincount(queries, column if weights is None else column * weights, minlength=m)
                                for column in targets.T])
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / total[:, None]
        if not total.all():
            means[total == 0] = np.nan
            warnings.warn("One or more samples have no neighbors within specified radius; predicting NaN.", UserWarning,
                          stacklevel=2)
        return means if self._y.ndim == 2 else means[:, 0]
