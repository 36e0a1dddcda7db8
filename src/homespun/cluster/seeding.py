"""Where k-means starts: k-means++, random rows, or what the user gives.

k-means++ (Arthur & Vassilvitskii 2007, SODA, sect. 2.2): the first centre is a row drawn by weight, each further one a row drawn
with probability proportional to s_i D_i^2, where D_i is the distance of row i from the nearest centre so far. The expected
inertia is then within 8 (ln k + 2) of the best. *Greedy* form, of the authors' own code: of 2 + ln k rows drawn the one is
taken that lowers the sum of s_i D_i^2 most.                                        O(n d k log k)

Rows are drawn by a number between 0 and the sum of the weights, in an order that follows from what is in the rows. So a row of
weight 2 is drawn as two equal rows are, and shuffled rows give the same centres.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base import DataError, ParameterError, generator
from homespun.base.estimator import Estimator
from homespun.cluster.assignment import COLUMNS, Assigner
from homespun.kernels import kernel, oracle, over_blocks

BLOCK_TILES = 64  # of `COLUMNS` rows


def kmeans_plusplus(X, n_clusters, *, sample_weight=None, x_squared_norms=None, random_state=None, n_local_trials=None):
    """Centres by k-means++.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n, d)
    n_clusters : int
    sample_weight : array-like of shape (n,), optional
    x_squared_norms : array-like of shape (n,), optional
        Accepted; not needed.
    random_state : int, RandomState or Generator, optional
    n_local_trials : int, optional
        Rows to choose each centre from; default 2 + ln k.

    Returns
    -------
    centers : ndarray of shape (n_clusters, d)
    indices : ndarray of shape (n_clusters,)
        Their rows.

    Raises
    ------
    DataError, ParameterError

    Examples
    --------
    >>> from homespun.cluster import kmeans_plusplus
    >>> centers, rows = kmeans_plusplus([[0.0], [0.1], [5.0], [5.1]], 2, random_state=0)
    >>> sorted(centers.round().ravel().tolist())
    [0.0, 5.0]
    """
    checker = Estimator()
    X = checker.validate(X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C", operation="fit")
    weights = checker.validate_weights(sample_weight, X)
    refuse_too_few("kmeans_plusplus", X.shape[0], n_clusters)
    if x_squared_norms is not None and len(x_squared_norms) != X.shape[0]:
        raise ParameterError(f"The length of x_squared_norms {len(x_squared_norms)} should be equal to the length of n_samples "
                             f"{X.shape[0]}.", operation="kmeans_plusplus", operands={"x_squared_norms": len(x_squared_norms)},
                             rule="x_squared_norms: n")
    rows = plus_plus(Assigner(X, weights), n_clusters, generator(random_state), n_local_trials)
    return rows_of(X, rows), rows


def refuse_too_few(name, n, k):
    if n < k:
        raise DataError(f"{name}: n_samples={n} should be >= n_clusters={k}.", operation=name,
                        operands={"X": n, "n_clusters": k}, rule="n_samples >= n_clusters")


def rows_of(X, rows):
    """Some rows of X as a dense array."""
    return X[rows].toarray() if sparse.issparse(X) else X[rows]


def plus_plus(assigner: Assigner, k, rng, trials=None):
    """Row numbers of k centres."""
    weights, urn = assigner.weights, Urn(assigner)
    trials = 2 + int(np.log(k)) if trials is None else trials
    distances = Distances(assigner, trials)
    chosen = np.empty(k, np.int64)
    chosen[0] = urn.draw(weights, rng.random(1))[0]
    distances.try_out(chosen[:1])
    distances.take(0)
    for c in range(1, k):
        candidates = urn.draw(distances.nearest * weights, rng.random(trials))
        best = int(distances.try_out(candidates).argmin())
        chosen[c] = candidates[best]
        distances.take(best)
    return chosen


def random_rows(assigner: Assigner, k, rng):
    """Row numbers of k different rows, drawn by weight; of rows that are equal as long as there are others, only one."""
    urn, weights = Urn(assigner), assigner.weights.copy()
    chosen = np.empty(k, np.int64)
    for c in range(k):
        chosen[c] = urn.draw(weights if weights.any() else assigner.weights, rng.random(1))[0]
        weights[urn.equal_to(chosen[c])] = 0.0
    return chosen


class Urn:
    """Draws rows with probabilities proportional to given ones, in an order that the rows' values decide."""

    def __init__(self, assigner: Assigner):
        X = assigner.X
        direction = np.random.default_rng(0).normal(size=X.shape[1])
        if sparse.issparse(X):
            self.key = X @ direction
        else:
            blocks = (X[i : i + 4096].astype(np.float64, copy=False) for i in range(0, len(X), 4096))
            self.key = np.concatenate([block @ direction for block in blocks])
        self.order = np.argsort(self.key, kind="stable")
        self.X = X

    def draw(self, odds, points):
        """Row numbers for points in [0, 1)."""
        upto = np.cumsum(odds[self.order])
        if upto[-1] <= 0:  # all rows lie on centres: any will do
            return self.order[np.minimum((points * len(odds)).astype(np.int64), len(odds) - 1)]
        found = np.searchsorted(upto, points * upto[-1], side="right")
        return self.order[np.minimum(found, np.searchsorted(upto, upto[-1]))]  # never one behind the last that has odds

    def equal_to(self, row):
        """Numbers of the rows that equal row `row`."""
        near = np.flatnonzero(np.isclose(self.key, self.key[row], rtol=1e-9, atol=0.0))
        values = rows_of(self.X, near)
        return near[(values == rows_of(self.X, [row])).all(axis=1)]


class Distances:
    """Squared distances of all rows to candidates (`try_out`), and to the nearest centre taken so far (`nearest`)."""

    def __init__(self, assigner: Assigner, trials):
        self.assigner = assigner
        n = len(assigner.labels)
        self.padded, dtype = (n, np.float64) if sparse.issparse(assigner.X) else (assigner.squares.size, np.float32)
        self._nearest = np.full(self.padded, np.inf, dtype)
        self.tried = np.empty((max(1, trials), self.padded), dtype)
        self.weights = np.zeros(self.padded)
        self.weights[:n] = assigner.weights

    @property
    def nearest(self):
        return self._nearest[: len(self.assigner.labels)]

    def try_out(self, rows):
        """The weighted sums of squared distances, if each of these rows were a centre: (m,)."""
        assigner = self.assigner
        if sparse.issparse(assigner.X):
            return self._try_sparse(rows)
        candidates = (assigner.scale * (assigner.X[rows] - assigner.centre)).astype(np.float32)
        blocks = -(-self.padded // (BLOCK_TILES * COLUMNS))
        sums = np.zeros((blocks, len(rows)))
        over_blocks(try_tiles, blocks, assigner.panels, candidates, self.weights, self._nearest, self.tried, sums)
        return sums.sum(axis=0)

    def _try_sparse(self, rows):
        X = self.assigner.X
        picked = X[rows].toarray().astype(np.float64)
        squares = np.asarray(X.multiply(X).sum(axis=1), dtype=np.float64).ravel()
        for at, row in enumerate(rows):
            gap = squares - 2 * (X @ picked[at]) + picked[at] @ picked[at]
            gap[row] = 0.0
            np.minimum(np.maximum(gap, 0.0), self._nearest, out=self.tried[at])
        return self.tried[: len(rows)] @ self.weights

    def take(self, at):
        """Candidate number `at` of the last `try_out` is a centre from now on."""
        self._nearest = self.tried[at].copy()


@kernel("void(i8, f4[::1], f4[:, ::1], f8[::1], f4[::1], f4[:, ::1], f8[:, ::1])")
def try_tiles(block, panels, candidates, weights, nearest, tried, sums):
    """OUT tried (m, n): squared distances to each candidate, or `nearest` if that is less; sums (B, m): weighted."""
    (blocks, m), d = sums.shape, candidates.shape[1]
    tiles = nearest.size // COLUMNS
    for t in range(block * tiles // blocks, (block + 1) * tiles // blocks):
        first = np.uint64(t * COLUMNS)  # unsigned places need no test for negative ones, so that loops vectorise
        for c in range(m):
            for j in range(np.uint64(COLUMNS)):
                tried[c, first + j] = 0.0
            for k in range(d):
                at, x = np.uint64((t * d + k) * COLUMNS), candidates[c, k]
                for j in range(np.uint64(COLUMNS)):
                    gap = panels[at + j] - x
                    tried[c, first + j] += gap * gap
            for j in range(np.uint64(COLUMNS)):
                i = first + j
                value = nearest[i] if nearest[i] < tried[c, i] else tried[c, i]
                tried[c, i] = value
                sums[block, c] += weights[i] * value


def _tried(X, rows, weights, before):
    """Distances and sums for rows that are tried after `before` was taken; what the definition below is compared with."""
    distances = Distances(Assigner(X, weights), len(rows))
    distances.try_out(before)
    distances.take(0)
    sums = distances.try_out(rows)
    unit = distances.assigner.scale**2
    return sums / unit, distances.tried[:, : len(X)] / unit


def _example(rng):
    X = rng.normal(size=((BLOCK_TILES + 1) * COLUMNS + 5, 3))
    return X, np.array([3, 9]), rng.random(len(X)), np.array([7])


@oracle(_tried, kernels=(try_tiles,), example=_example, rtol=1e-4, atol=1e-4)
def tried_formula(X, rows, weights, before):
    squares = ((X[:, None] - X[np.append(rows, before)]) ** 2).sum(axis=2).T  # (m + 1, n)
    tried = np.minimum(squares[:-1], squares[-1])
    return tried @ weights, tried
