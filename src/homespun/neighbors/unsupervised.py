"""`NearestNeighbors`: the search alone, without a target."""

from __future__ import annotations

from homespun.neighbors.base import KNearest
from homespun.neighbors.radius import RadiusBase


class NearestNeighbors(RadiusBase, KNearest):
    """The k nearest rows of the training data, or all within a radius, exactly.

    Parameters
    ----------
    n_neighbors : int, default 5
    radius : float, default 1.0
        Of `radius_neighbors`, in the units of the distance.
    algorithm : {"auto", "brute", "kd_tree", "ball_tree"}, default "auto"
        All mean the same exact neighbours, found by brute force.
    leaf_size : int, default 30
        Of trees; without effect here.
    metric : str or callable, default "minkowski"
        "euclidean", "manhattan", "chebyshev", "minkowski", "cosine", "precomputed", or a function of two rows.
    p : float, default 2
        Power of the Minkowski distance.
    metric_params : dict, optional
    n_jobs : int, optional
        Accepted; the thread pool decides (``NUMBA_NUM_THREADS``).

    Examples
    --------
    >>> from homespun.neighbors import NearestNeighbors
    >>> distances, rows = NearestNeighbors(n_neighbors=2).fit([[0, 0], [3, 4], [6, 8]]).kneighbors([[0, 0]])
    >>> distances.tolist(), rows.tolist()
    ([[0.0, 5.0]], [[0, 1]])
    """

    def __init__(self, *, n_neighbors=5, radius=1.0, algorithm="auto", leaf_size=30, metric="minkowski", p=2,
                 metric_params=None, n_jobs=None):
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X, y=None):
        """Keep X, (n, d). `y` is ignored."""
        self._fit(X)
        return self
