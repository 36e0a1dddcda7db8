"""Neighbours within a radius: for each query the training rows at a distance of at most r, the boundary included.

    radius_neighbors(Q): for each row q of Q all rows x of X with  d(q, x) <= r            X: (n, d)   Q: (m, d)

Dense data: `homespun.kernels.within_radius`. Sparse and precomputed distances: blocks of queries against all rows.
Fix & Hodges 1951, "Discriminatory analysis: nonparametric discrimination", for the vote of all rows in a ball.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base import DataError, ParameterError
from homespun.base.estimator import check_is_fitted
from homespun.kernels.within_radius import euclidean_within, in_order, minkowski_within
from homespun.neighbors.base import SPARSE_BLOCK, NeighborsBase, _square_norms, _unit_rows


class RadiusBase(NeighborsBase):
    """`radius_neighbors` for the estimators that have it."""

    radius: float

    def radius_neighbors(self, X=None, radius=None, return_distance=True, sort_results=False):
        """The training rows within a radius of each row of X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, d), optional
            Queries; (m, n) distances if ``metric="precomputed"``. Default: the training rows, each without itself.
        radius : float, optional
            Default: the constructor's. A row at exactly this distance is inside.
        return_distance : bool
        sort_results : bool
            Nearest first (equal ones by row number); else by row number.

        Returns
        -------
        distances : ndarray of m arrays, float64
            Only if `return_distance`.
        rows : ndarray of m arrays, int64

        Examples
        --------
        >>> from homespun.neighbors import NearestNeighbors
        >>> distances, rows = NearestNeighbors(radius=1.6).fit([[0.0], [2.0], [5.0]]).radius_neighbors([[1.0]])
        >>> distances[0].tolist(), rows[0].tolist()
        ([1.0, 1.0], [0, 1])
        """
        check_is_fitted(self)
        if sort_results and not return_distance:
            raise ParameterError("return_distance must be True if sort_results is True.", operation="radius_neighbors",
                                 operands={"return_distance": False}, rule="return_distance=True")
        begins, rows, distances = self._within(X, radius, sort_results)
        return (_pieces(begins, distances), _pieces(begins, rows)) if return_distance else _pieces(begins, rows)

    def radius_neighbors_graph(self, X=None, radius=None, mode="connectivity", sort_results=False):
        """The neighbours as a sparse matrix (m, n): ones, or distances with ``mode="distance"``."""
        check_is_fitted(self)
        if mode not in ("connectivity", "distance"):
            raise ParameterError(f'Unsupported mode: it must be "connectivity" or "distance", got {mode!r}',
                                 operation="radius_neighbors_graph", operands={"mode": mode}, rule='"connectivity" or "distance"')
        begins, rows, distances = self._within(X, radius, sort_results and mode == "distance")
        values = np.ones(rows.size) if mode == "connectivity" else distances
        return sparse.csr_matrix((values, rows, begins), shape=(begins.size - 1, self.n_samples_fit_))

    def _within(self, X, radius=None, sort=False):
        """Where each query's answer begins (m + 1,), rows and distances (found,)."""
        radius = self.radius if radius is None else radius
        if isinstance(radius, bool) or not isinstance(radius, (int, float, np.number)) or not radius >= 0:
            raise ParameterError(f"{type(self).__name__}: radius must be a number >= 0, got {radius!r}",
                                 operation="radius_neighbors", operands={"radius": radius}, rule="radius >= 0")
        if X is None:
            Q = self._fit_X
        else:
            Q = self.validate(X, accept_sparse="csr", dtype=self._fit_X.dtype, order="C", operation="radius_neighbors")
        begins, rows, distances = self._search_within(Q, float(radius))
        queries = np.repeat(np.arange(begins.size - 1), np.diff(begins))
        if X is None:
            others = rows != queries
            queries, rows, distances = queries[others], rows[others], distances[others]
            begins = np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=begins.size - 1))])
        if sort:
            order = np.lexsort((rows, distances, queries))
            rows, distances = rows[order], distances[order]
        return begins, rows, distances

    def _search_within(self, Q, radius):
        power = self._power()
        if self.metric == "precomputed":
            if sparse.issparse(Q):
                graph = sparse.coo_matrix(Q)
                found = graph.data <= radius
                return in_order([_by_row(graph.row[found], graph.col[found], graph.data[found])], Q.shape[0])
            return _blocks(lambda block: block, Q, radius)
        if sparse.issparse(self._fit_X) or sparse.issparse(Q):
            return self._sparse_within(Q, radius, power)
        if self.metric == "cosine":  # |q - x|^2 / 2 of rows of length 1, a little more than asked for, then exactly
            begins, rows, lengths = euclidean_within(self._index, _unit_rows(Q), np.sqrt(2 * radius) * (1 + 1e-6) + 1e-6)
            return _kept(begins, rows, lengths**2 / 2, radius)
        if power == 2.0:
            return euclidean_within(self._index, Q, radius)
        if power is not None:
            return minkowski_within(self._fit_X, Q, radius, power)
        metric, settings, rows = self.metric, self.effective_metric_params_, self._fit_X
        return _blocks(lambda block: np.array([[metric(q, x, **settings) for x in rows] for q in block], dtype=float), Q, radius)

    def _sparse_within(self, Q, radius, power):
        """The expansion of the square leaves candidates, their difference decides; other powers by dense rows."""
        X, Q = (sparse.csr_matrix(part).astype(np.float64) for part in (self._fit_X, Q))
        cosine = self.metric == "cosine"
        if not cosine and power is None:
            raise DataError(f"{type(self).__name__}: a metric given as a function needs dense X",
                            operation="radius_neighbors", operands={"X": X.shape}, rule="X dense")
        if not cosine and power != 2.0:
            dense = X.toarray()
            return _joined([minkowski_within(dense, Q[first:first + SPARSE_BLOCK].toarray(), radius, power)
                            for first in range(0, Q.shape[0], SPARSE_BLOCK)])
        if cosine:
            X, Q = _unit_rows(X), _unit_rows(Q)
        squares, limit, parts = _square_norms(X), 2 * radius if cosine else radius**2, []
        for first in range(0, Q.shape[0], SPARSE_BLOCK):
            block = Q[first:first + SPARSE_BLOCK]
            whole = _square_norms(block)[:, None] + squares
            queries, rows = np.nonzero(whole - 2 * (block @ X.T).toarray() <= limit + 1e-9 * (whole + limit))
            gaps = _square_norms(block[queries] - X[rows])
            distances = gaps / 2 if cosine else np.sqrt(gaps)
            inside = distances <= radius
            parts.append((first + queries[inside], rows[inside], distances[inside]))
        return in_order(parts, Q.shape[0])


def _blocks(distances_of, Q, radius):
    """By blocks of queries whose distances to all rows are in memory at once."""
    parts = []
    for first in range(0, Q.shape[0], SPARSE_BLOCK):
        found = distances_of(Q[first:first + SPARSE_BLOCK])
        queries, rows = np.nonzero(found <= radius)
        parts.append((first + queries, rows, found[queries, rows].astype(np.float64)))
    return in_order(parts, Q.shape[0])


def _by_row(queries, rows, distances):
    order = np.lexsort((rows, queries))
    return queries[order].astype(np.int64), rows[order].astype(np.int64), distances[order].astype(np.float64)


def _kept(begins, rows, distances, radius):
    inside, queries = distances <= radius, np.repeat(np.arange(begins.size - 1), np.diff(begins))
    return in_order([(queries[inside], rows[inside], distances[inside])], begins.size - 1)


def _joined(answers):
    counts = np.concatenate([np.diff(begins) for begins, _, _ in answers])
    return (np.concatenate([[0], np.cumsum(counts)]), np.concatenate([rows for _, rows, _ in answers]),
            np.concatenate([distances for _, _, distances in answers]))


def _pieces(begins, values):
    """One array for each query."""
    pieces = np.empty(begins.size - 1, dtype=object)
    pieces[:] = [values[begin:end] for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist())]
    return pieces


def ball_weights(begins, distances, weights):
    """Weights of all that was found (found,): None for equal ones, 1 / distance (zero distances take all), or the user's."""
    if weights in (None, "uniform"):
        return None
    if weights == "distance":
        with np.errstate(divide="ignore"):
            inverse = 1.0 / distances
        queries, at_zero = np.repeat(np.arange(begins.size - 1), np.diff(begins)), np.isinf(inverse)
        meets = np.bincount(queries[at_zero], minlength=begins.size - 1) > 0
        return np.where(meets[queries], at_zero, inverse)
    told = weights(_pieces(begins, distances))
    flat = np.concatenate([np.empty(0), *(np.asarray(part, dtype=np.float64).ravel() for part in told)])
    if flat.size != distances.size:
        raise DataError(f"weights: the function gave {flat.size} weights for {distances.size} distances", operation="predict",
                        operands={"weights": flat.size}, rule="one weight for each distance")
    return flat
