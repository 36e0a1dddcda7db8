"""Neighbours: a missing value becomes the mean of that column over the k most similar rows that have it.

    D(x, z)^2 = d / |P| sum over P of (x_j - z_j)^2          P: the columns, of d, that both rows have

Troyanskaya et al. 2001, Bioinformatics 17(6), KNNimpute; distance as Dixon 1979. All distances of a block of rows come from three
matrix products, with zeros for what is missing. Columns are shifted by their means before, so that a large mean costs no
digits. Among rows at equal distance any may be taken. No neighbour shares a column: the mean of the column. Cost O(n m d) for n
incomplete rows and m rows of `fit`, which are kept. Not handled: texts, weights.
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Boolean, CallableWith, Integer, MissingMarker, OneOf
from homespun.impute.filled import MarksMissing

BLOCK = 16_000_000  # distances at a time: 128 MB


class KNNImputer(MarksMissing, TransformerMixin, Estimator):
    """Fill gaps by the means of similar rows.

    Parameters
    ----------
    missing_values : number, NaN or None, default=NaN
    n_neighbors : int, default=5
    weights : {"uniform", "distance"} or callable, default="uniform"
    metric : {"nan_euclidean"} or callable, default="nan_euclidean"
    copy : bool, default=True
    add_indicator : bool, default=False
        Append the columns of `MissingIndicator`.
    keep_empty_features : bool, default=False
        Keep columns that had no value in `fit`, as zeros.

    Attributes
    ----------
    indicator_ : MissingIndicator or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 10.0], [2.0, 20.0], [9.0, 90.0], [1.4, np.nan]]
    >>> KNNImputer(n_neighbors=2).fit_transform(X)[3]
    array([ 1.4, 15. ])
    """

    params = {
        "missing_values": MissingMarker(),
        "n_neighbors": Integer(low=1),
        "weights": OneOf("uniform", "distance") | CallableWith("a function of distances"),
        "metric": OneOf("nan_euclidean") | CallableWith("a function of two rows"),
        "copy": Boolean(),
        "add_indicator": Boolean(),
        "keep_empty_features": Boolean(),
    }

    def __init__(
        self,
        *,
        missing_values=np.nan,
        n_neighbors=5,
        weights="uniform",
        metric="nan_euclidean",
        copy=True,
        add_indicator=False,
        keep_empty_features=False,
    ):
        self.missing_values = missing_values
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.metric = metric
        self.copy = copy
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features

    def fit(self, X, y=None):
        """Keep the rows."""
        check_params(self)
        X, missing = self._with_nan(X, "fit")
        self._rows = X
        self._empty = np.asarray(missing.all(axis=0))
        self._learn_marks(missing)
        return self

    def transform(self, X):
        """X with gaps filled; columns without any value in `fit` are left out."""
        check_is_fitted(self)
        X, missing = self._with_nan(X, "transform")
        gaps = np.flatnonzero((missing & ~self._empty).any(axis=1))
        step = max(1, BLOCK // max(1, len(self._rows)))
        filled = X.copy()
        for start in range(0, len(gaps), step):
            block = gaps[start : start + step]
            distances = self._distances(X[block])
            for j in np.flatnonzero(missing[block].any(axis=0) & ~self._empty):
                rows = np.flatnonzero(missing[block, j])
                filled[block[rows], j] = self._means(X[block[rows]], distances[rows], j)
        filled[:, self._empty] = 0.0
        return self._with_marks(filled, missing)

    def _distances(self, X):
        if callable(self.metric):
            return np.array([[self.metric(x, z, missing_values=np.nan) for z in self._rows] for x in X], dtype=np.float64)
        middle = np.where(self._empty, 0.0, _column_means(self._rows))
        return nan_euclidean(X.astype(np.float64) - middle, self._rows.astype(np.float64) - middle)

    def _means(self, X, distances, j):
        """The mean of column j over the nearest rows that have it, for each row of X."""
        donors = np.flatnonzero(~np.isnan(self._rows[:, j]))
        values, near = self._rows[donors, j], distances[:, donors]
        k = min(self.n_neighbors, len(donors))
        if k < len(donors):
            chosen = np.argpartition(np.where(np.isnan(near), np.inf, near), k - 1, axis=1)[:, :k]
            near, values = np.take_along_axis(near, chosen, axis=1), values[chosen]
            if self.weights != "uniform" and not callable(self.metric):
                near = self._exact(X, donors[chosen])
        else:
            values = np.broadcast_to(values, near.shape)
        weights = self._weights_of(near)
        total = weights.sum(axis=1)
        means = (weights * values).sum(axis=1) / np.where(total > 0, total, 1.0)
        return np.where(total > 0, means, self._rows[donors, j].mean())

    def _exact(self, X, chosen):
        """Distances of the chosen rows without the rounding of the matrix products: an equal row must be at 0, not near it."""
        difference = X[:, None, :].astype(np.float64) - self._rows[chosen]
        there = ~np.isnan(difference)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt((np.where(there, difference, 0.0) ** 2).sum(axis=2) / there.sum(axis=2) * X.shape[1])

    def _weights_of(self, near):
        unknown = np.isnan(near)
        if callable(self.weights):
            weights = np.array(self.weights(near), dtype=np.float64)
        elif self.weights == "distance":
            zero = near == 0
            with np.errstate(divide="ignore"):
                weights = np.where(zero.any(axis=1)[:, None], zero, 1.0 / near)
        else:
            weights = np.ones(near.shape)
        return np.where(unknown, 0.0, weights)

    def check_state(self):
        """The rows of a loaded imputer have as many columns as it was fitted to."""
        from homespun.base.stored import FLOATS, stored_array

        stored_array(self, "_rows", self._rows, FLOATS, None, self.n_features_in_)
        stored_array(self, "_empty", self._empty, np.bool_, self.n_features_in_)


def _column_means(X):
    missing = np.isnan(X)
    counts = (~missing).sum(axis=0)
    return np.where(missing, 0.0, X).sum(axis=0, dtype=np.float64) / np.maximum(counts, 1)


def nan_euclidean(X, Z) -> np.ndarray:
    """Distances of rows over the columns that both have; NaN where they share none.

    >>> nan_euclidean(np.array([[3.0, np.nan]]), np.array([[0.0, 1.0], [np.nan, 1.0]]))
    array([[4.24264069,        nan]])
    """
    here, there = ~np.isnan(X), ~np.isnan(Z)
    X, Z = np.where(here, X, 0.0), np.where(there, Z, 0.0)
    a, b = here.astype(np.float64), there.astype(np.float64)
    squares = (X * X) @ b.T + a @ (Z * Z).T - 2.0 * (X @ Z.T)
    shared = a @ b.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.maximum(squares, 0.0) / shared * X.shape[1])
