"""What the estimators of nearest neighbours share: parameters, metrics, `kneighbors`.

    kneighbors(Q): for each row of Q the k rows of X of least distance            X: (n, d)   Q: (m, d)

The search is by brute force: `homespun.kernels.distances` for dense data (Euclidean by products on register tiles, with a
proof that it is exact, other powers by the definition), one sparse product per block of queries for sparse data (exact as
far as float64 carries the expansion of the square). Equal distances are ordered by row number.
Names of tree algorithms are accepted, since every exact algorithm gives the same neighbours.
Not handled: trees. Search within a radius: `radius`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base import CallableWith, DataError, Instance, Integer, NJobs, OneOf, ParameterError, Real
from homespun.base.estimator import Estimator, check_is_fitted, check_params
from homespun.base.stored import FLOATS, refuse, stored_array, stored_number
from homespun.kernels.distances import EuclideanIndex, minkowski_nearest

POWER_OF = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0, "chebyshev": np.inf}
SPARSE_BLOCK = 256  # queries whose distances to all of X are in memory at once


class NeighborsBase(Estimator):
    """Fit keeps X, for the searches of `KNearest` and `radius.RadiusBase`."""

    params = {
        "n_neighbors": Integer(low=1),
        "radius": Real(low=0),
        "algorithm": OneOf("auto", "brute", "kd_tree", "ball_tree"),
        "leaf_size": Integer(low=1),
        "metric": OneOf(*POWER_OF, "minkowski", "cosine", "precomputed") | CallableWith("a function of two rows"),
        "p": Real(low=0, open="low") | None,
        "metric_params": Instance(dict, noun="a dictionary") | None,
        "n_jobs": NJobs,
    }

    def _fit(self, X, y="no_validation", **checks):
        """Keep X; the checked y of an estimator that learns from one (for which None is an error, as everywhere)."""
        check_params(self)
        if isinstance(y, str) and y == "no_validation":
            X = self.validate(X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C")
        else:
            X, y = self.validate(X, y, accept_sparse="csr", dtype=[np.float64, np.float32], order="C", multi_output=True,
                                 **checks)
        if self.metric == "precomputed" and X.shape[0] != X.shape[1]:
            raise DataError(
                f"{type(self).__name__}.fit: a precomputed metric needs the square matrix of distances between the training "
                f"rows, got {X.shape}", operation="fit", operands={"X": X.shape}, rule="X: n n")
        self.effective_metric_ = "euclidean" if self.metric == "minkowski" and self._power() == 2.0 else self.metric
        self.effective_metric_params_ = dict(self.metric_params or {})
        self.n_samples_fit_ = X.shape[0]
        self._fit_method = "brute"
        self._fit_X = X
        self._index = self._make_index()
        return y

    def _power(self) -> float | None:
        """The power of the Minkowski distance that `metric` means, or None for other metrics."""
        if self.metric == "minkowski":
            return float((self.metric_params or {}).get("p", self.p) or 2)
        return POWER_OF.get(self.metric) if isinstance(self.metric, str) else None

    def _make_index(self):
        X = self._fit_X
        if sparse.issparse(X):
            return None
        if self._power() == 2.0:
            return EuclideanIndex(X)
        if self.metric == "cosine":  # 1 - cos = |q - x|^2 / 2 for rows of length 1
            return EuclideanIndex(_unit_rows(X))
        return None

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_index"}  # can be made again from X

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_fit_X" in self.__dict__:
            self._index = self._make_index()

    def check_state(self):
        """ModelFileError unless the rows that a file gave are such as `fit` keeps."""
        if "_fit_X" not in self.__dict__:
            if "_index" in self.__dict__:
                refuse(self, "_index", "made from _fit_X", "one without it")
            return
        X = self._fit_X
        n = stored_number(self, "n_samples_fit_", getattr(self, "n_samples_fit_", None))
        d = stored_number(self, "n_features_in_", getattr(self, "n_features_in_", None))
        if sparse.issparse(X):
            if X.format != "csr" or X.shape != (n, d):
                refuse(self, "_fit_X", f"a CSR matrix of shape ({n}, {d})", f"{X.format} of shape {X.shape}")
            stored_array(self, "_fit_X", X.data, FLOATS, None)
        else:
            stored_array(self, "_fit_X", X, FLOATS, n, d)
            if not X.flags.c_contiguous:
                refuse(self, "_fit_X", "stored row by row", "another order")
        if not np.isfinite(X.data if sparse.issparse(X) else X).all():
            refuse(self, "_fit_X", "finite", "NaN or infinity")
        if "_y" in self.__dict__:
            self._check_targets(n)

    def _check_targets(self, n):
        """Of classification and regression: ModelFileError unless `_y` fits n rows."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags


class KNearest(NeighborsBase):
    """`kneighbors` for the estimators that have it."""

    n_neighbors: int

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """The nearest training rows of each row of X.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (m, d), optional
            Queries; (m, n) distances if ``metric="precomputed"``. Default: the training rows, each without itself.
        n_neighbors : int, optional
            Default: the constructor's.
        return_distance : bool

        Returns
        -------
        distances : ndarray of shape (m, k), float64
            Only if `return_distance`. Nearest first.
        rows : ndarray of shape (m, k), int64

        Examples
        --------
        >>> from homespun.neighbors import NearestNeighbors
        >>> NearestNeighbors(n_neighbors=1).fit([[0.0], [2.0], [5.0]]).kneighbors([[1.8]], return_distance=False)
        array([[1]])
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
            raise TypeError(f"n_neighbors must be a whole number, got {k!r}")  # scikit-learn's contract: a TypeError
        if k < 1:
            raise ParameterError(f"{type(self).__name__}: n_neighbors must be a whole number >= 1, got {k}",
                                 operation="kneighbors", operands={"n_neighbors": k}, rule="n_neighbors >= 1")
        itself = X is None
        available = self.n_samples_fit_ - itself
        if k > available:
            raise DataError(
                f"{type(self).__name__}.kneighbors: Expected n_neighbors <= n_samples_fit{' - 1' if itself else ''}, "
                f"but n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}",
                operation="kneighbors", operands={"n_neighbors": k}, rule=f"n_neighbors <= {available}")
        if itself:
            Q = self._fit_X
        else:
            Q = self.validate(X, accept_sparse="csr", dtype=self._fit_X.dtype, order="C", operation="kneighbors")
        distances, rows = self._search(Q, k + itself)
        if itself:
            distances, rows = _without_itself(distances, rows)
        return (distances, rows) if return_distance else rows

    def _search(self, Q, k):
        if self.metric == "precomputed":
            return self._nearest_stored(Q, k) if sparse.issparse(Q) else _smallest(Q, k)
        power = self._power()
        if sparse.issparse(self._fit_X) or sparse.issparse(Q):
            return self._search_sparse(Q, k, power)
        if self.metric == "cosine":
            distances, rows = self._index.query(_unit_rows(Q), k)
            return distances**2 / 2, rows
        if power == 2.0:
            return self._index.query(Q, k)
        if power is not None:
            return minkowski_nearest(self._fit_X, Q, k, power)
        parts = [_smallest(np.array([[self.metric(q, x, **self.effective_metric_params_) for x in self._fit_X]], dtype=float), k)
                 for q in Q]
        return np.vstack([d for d, _ in parts]), np.vstack([r for _, r in parts])

    def _nearest_stored(self, graph, k):
        """From a sparse graph of distances (m, n): an entry that is not stored is unknown, not a distance of zero."""
        graph = sparse.csr_matrix(graph)
        stored = np.diff(graph.indptr)
        if stored.min(initial=k) < k:
            raise DataError(
                f"{type(self).__name__}: {k} neighbours are required, but row {int(stored.argmin())} of the precomputed graph "
                f"stores {int(stored.min())} distances", operation="kneighbors", operands={"n_neighbors": k, "X": graph.shape},
                rule=f"at least {k} stored distances a row", suggestion="make the graph with more neighbours")
        row = np.repeat(np.arange(graph.shape[0]), stored)
        order = np.lexsort((graph.indices, graph.data, row))
        chosen = order[graph.indptr[:-1, None] + np.arange(k)]  # (m, k): the first k of each row's stretch
        return graph.data[chosen].astype(np.float64), graph.indices[chosen].astype(np.int64)

    def _search_sparse(self, Q, k, power):
        """By blocks of queries: |q|^2 + |x|^2 - 2 q x for the Euclidean distance, dense rows for the others."""
        # In float64, also for float32 data: the expansion cancels, and in float32 far from the origin it lost a fifth of them.
        X, Q = (sparse.csr_matrix(part).astype(np.float64) for part in (self._fit_X, Q))
        if self.metric == "cosine":
            X, Q = _unit_rows(X), _unit_rows(Q)
        parts = []
        if power == 2.0 or self.metric == "cosine":
            squares = _square_norms(X)
            for first in range(0, Q.shape[0], SPARSE_BLOCK):
                block = Q[first : first + SPARSE_BLOCK]
                found = _square_norms(block)[:, None] + squares - 2 * (block @ X.T).toarray().astype(np.float64)
                _, rows = _smallest(found, min(X.shape[0], k + 4))
                parts.append(_exact_sparse(X, block, rows, k))
            distances, rows = np.vstack([d for d, _ in parts]), np.vstack([r for _, r in parts])
            return (distances**2 / 2 if self.metric == "cosine" else distances), rows
        if power is None:
            raise DataError(f"{type(self).__name__}: a metric given as a function needs dense X",
                            operation="kneighbors", operands={"X": X.shape}, rule="X dense")
        dense = X.toarray()
        for first in range(0, Q.shape[0], SPARSE_BLOCK):
            parts.append(minkowski_nearest(dense, Q[first : first + SPARSE_BLOCK].toarray(), k, power))
        return np.vstack([d for d, _ in parts]), np.vstack([r for _, r in parts])

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """The neighbours as a sparse matrix (m, n): ones, or distances with ``mode="distance"``."""
        if mode not in ("connectivity", "distance"):
            raise ParameterError(f'mode must be "connectivity" or "distance", got {mode!r}', operation="kneighbors_graph",
                                 operands={"mode": mode}, rule='"connectivity" or "distance"')
        distances, rows = self.kneighbors(X, n_neighbors)
        m, k = rows.shape
        values = np.ones(m * k) if mode == "connectivity" else distances.ravel()
        return sparse.csr_matrix((values, rows.ravel(), np.arange(0, m * k + 1, k)), shape=(m, self.n_samples_fit_))


# Of the estimators that let neighbours vote or average
VOTING_PARAMS = {name: constraint for name, constraint in NeighborsBase.params.items() if name != "radius"} | {
    "weights": OneOf("uniform", "distance", None) | CallableWith("a function of distances")}


def neighbor_weights(distances, weights):
    """Weights of the neighbours: None for equal ones, 1 / distance (zero distances take all), or the user's function."""
    if weights in (None, "uniform"):
        return None
    if weights == "distance":
        with np.errstate(divide="ignore"):
            inverse = 1.0 / distances
        at_zero = np.isinf(inverse)
        found = np.where(at_zero.any(axis=1, keepdims=True), at_zero, inverse)
    else:
        found = np.asarray(weights(distances))
    nobody = ~found.any(axis=1)
    if nobody.any():
        query = int(nobody.argmax())
        raise DataError(
            "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you are using "
            f"a user-defined function. It is query {query}, with distances from {distances[query].min():g} to "
            f"{distances[query].max():g}.", operation="predict", operands={"query": query}, rule="a weight that is not 0")
    return found


def _smallest(found, k):
    """The k smallest entries of each row, in order; equal ones by column."""
    m = found.shape[0]
    limit = np.partition(found, k - 1, axis=1)[:, k - 1 : k]
    kept = found <= limit
    for i in np.flatnonzero(np.count_nonzero(kept, axis=1) != k):  # several at the limit, of which the first stay; or NaN
        kept[i] = False
        kept[i, np.argsort(found[i], kind="stable")[:k]] = True
    rows = np.nonzero(kept)[1].reshape(m, k)
    values = np.take_along_axis(found, rows, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _exact_sparse(X, Q, rows, k):
    """Distances from the definition for the candidates `rows`, so that an expansion that cancels does not decide."""
    m, size = rows.shape
    gaps = Q[np.repeat(np.arange(m), size)].astype(np.float64) - X[rows.ravel()].astype(np.float64)
    squares = _square_norms(gaps).reshape(m, size)
    order = np.lexsort((rows, squares), axis=1)[:, :k]
    return np.sqrt(np.take_along_axis(squares, order, axis=1)), np.take_along_axis(rows, order, axis=1)


def _square_norms(X):
    return np.asarray(X.multiply(X).sum(axis=1), dtype=np.float64).ravel()


def _unit_rows(X):
    norms = np.sqrt(_square_norms(X)) if sparse.issparse(X) else np.linalg.norm(X, axis=1)
    norms = np.where(norms == 0, 1, norms)
    return sparse.csr_matrix(sparse.diags(1 / norms) @ X) if sparse.issparse(X) else (X / norms[:, None]).astype(X.dtype)


def _without_itself(distances, rows):
    """Drop each row's own number (or, among many duplicates that crowd it out, the last neighbour)."""
    m, k = rows.shape
    own = rows == np.arange(m)[:, None]
    own[~own.any(axis=1), -1] = True
    return distances[~own].reshape(m, k - 1), rows[~own].reshape(m, k - 1)
