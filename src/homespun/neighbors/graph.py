"""Graphs of neighbours in one call: sparse matrices of ones or distances."""

from __future__ import annotations

from homespun.neighbors.unsupervised import NearestNeighbors


def kneighbors_graph(X, n_neighbors, *, mode="connectivity", metric="minkowski", p=2, metric_params=None, include_self=False,
                     n_jobs=None):
    """The k nearest rows of each row of X as a sparse matrix (n, n).

    Parameters
    ----------
    X : array-like of shape (n, d), or a fitted `NearestNeighbors`
    n_neighbors : int
    mode : {"connectivity", "distance"}
    metric, p, metric_params, n_jobs
        As in `NearestNeighbors`.
    include_self : bool or "auto"
        Whether a row is the first neighbour of itself; "auto": it is with "connectivity".

    Examples
    --------
    >>> kneighbors_graph([[0.0], [2.0], [3.0]], 1).toarray().astype(int).tolist()
    [[0, 1, 0], [0, 0, 1], [0, 1, 0]]
    """
    model, rows = _fitted(X, mode, include_self, metric, p, metric_params, n_jobs)
    return model.kneighbors_graph(rows, n_neighbors, mode=mode)


def radius_neighbors_graph(X, radius, *, mode="connectivity", metric="minkowski", p=2, metric_params=None, include_self=False,
                           n_jobs=None):
    """The rows within a radius of each row of X as a sparse matrix (n, n); parameters as in `kneighbors_graph`.

    >>> radius_neighbors_graph([[0.0], [2.0], [3.0]], 2.0).toarray().astype(int).tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    model, rows = _fitted(X, mode, include_self, metric, p, metric_params, n_jobs)
    return model.radius_neighbors_graph(rows, radius, mode=mode)


def _fitted(X, mode, include_self, metric, p, metric_params, n_jobs):
    """The search, and the queries to ask it for: None asks for the training rows, each without itself."""
    model = X
    if not hasattr(X, "kneighbors"):
        model = NearestNeighbors(metric=metric, p=p, metric_params=metric_params, n_jobs=n_jobs).fit(X)
    itself = mode == "connectivity" if isinstance(include_self, str) and include_self == "auto" else include_self
    return model, model._fit_X if itself else None
