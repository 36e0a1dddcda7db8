"""Products with a matrix that is centred and weighted; a sparse one only in thought.

    A = diag(r) (X - 1 m')          X: (n, d) sparse   m: (d,) column means   r: (n,) roots of the sample weights
    A v  = r * (X v - m . v)        A' u = X'(r * u) - m (r . u)        A'A v: both, and X is read once

For sparse X, forming A would make it dense. X is kept by rows alone. A v gathers; A' u scatters: each of a few parts of the
rows (their number depends on the shape alone) adds to a vector of its own, and these are summed in one order, so the result
is the same on any number of threads. O(stored entries + parts d) a product. A second copy by columns, so that A' u gathers
too, took as long to make as four products, and two passes over X where A'A v now takes one.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, over_blocks
from homespun.linear_model.base import inner
from homespun.linear_model.moments import centred_rows

PART = 16        # stored entries in each column on average that make a part worth its own vector of sums
MOST_PARTS = 16
LARGE = 100_000  # stored entries from which there are two parts in any case


@kernel("void(i8, i8[::1], i4[::1], i4[::1], f8[::1], f8[::1], f8[::1])",
        "void(i8, i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], f8[::1])")
def gather_rows(part, bounds, indptr, indices, data, v, out):
    """OUT out[i] = row i of the matrix . v, for the rows of one part.   IN bounds: rows where the parts begin and end."""
    for i in range(bounds[part], bounds[part + 1]):
        total = 0.0
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):  # unsigned: no test for indices from the end,
            total += data[k] * v[np.uint64(indices[k])]                  # and no slow gather instructions: 4 times faster
        out[i] = total


@kernel("void(i8, i8[::1], i4[::1], i4[::1], f8[::1], f8[::1], b1, f8[:, ::1])",
        "void(i8, i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], b1, f8[:, ::1])")
def scatter_rows(part, bounds, indptr, indices, data, u, squares, out):
    """OUT out[part] = sum of u[i] times row i (`squares`: times its squares) over the rows of one part."""
    for i in range(bounds[part], bounds[part + 1]):
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            value = data[k] * data[k] if squares else data[k]
            out[part, np.uint64(indices[k])] += u[i] * value


@kernel("void(i8, i8[::1], i4[::1], i4[::1], f8[::1], f8[::1], f8, f8[::1], f8[:, ::1])",
        "void(i8, i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], f8, f8[::1], f8[:, ::1])")
def gather_scatter_rows(part, bounds, indptr, indices, data, v, shift, weights, out):
    """OUT out[part, :d] = sum of u_i times row i, with u_i = weights[i] (row i . v - shift); out[part, d] = sum of u_i.

    The row that was just gathered is still near the processor when it is scattered.
    """
    last = out.shape[1] - 1
    for i in range(bounds[part], bounds[part + 1]):
        total = -shift
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            total += data[k] * v[np.uint64(indices[k])]
        total *= weights[i]
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            out[part, np.uint64(indices[k])] += total * data[k]
        out[part, last] += total


def equal_parts(X) -> np.ndarray:
    """Row numbers that cut a CSR matrix into parts of about as many entries each, int64."""
    n, entries = X.shape[0], int(X.indptr[-1])
    parts = min(MOST_PARTS, max(2 if entries >= LARGE else 1, entries // (PART * max(1, X.shape[1]))))
    cuts = np.linspace(0, entries + n, parts + 1)[1:-1]
    inner = np.searchsorted(X.indptr.astype(np.int64) + np.arange(n + 1), cuts)  # an empty row has work too
    return np.concatenate([[0], inner, [n]]).astype(np.int64)


class CentredSparse:
    """A of the module's header.

    Parameters
    ----------
    X : sparse matrix of shape (n, d)
    X_mean : ndarray of shape (d,)
        Zero where nothing is centred.
    weights : ndarray of shape (n,), optional
    """

    def __init__(self, X, X_mean, weights=None):
        self.rows = X.tocsr().astype(np.float64, copy=False)
        self.shape = X.shape
        self.mean = X_mean
        self.weights = np.ones(X.shape[0]) if weights is None else weights
        self.root = np.sqrt(self.weights)
        self.bounds = equal_parts(self.rows)

    def _each_part(self, kernel, *arguments):
        over_blocks(kernel, len(self.bounds) - 1, self.bounds, self.rows.indptr, self.rows.indices, self.rows.data, *arguments)

    def _sums(self, extra=0):
        return np.zeros((len(self.bounds) - 1, self.shape[1] + extra))

    def dot(self, v):
        """A v."""
        out = np.empty(self.shape[0])
        self._each_part(gather_rows, np.ascontiguousarray(v, dtype=np.float64), out)
        return self.root * (out - inner(self.mean, v))

    def sums(self, u):
        """X' u, nothing centred or weighted."""
        out = self._sums()
        self._each_part(scatter_rows, u, False, out)
        return out.sum(axis=0)

    def dot_transposed(self, u):
        """A' u."""
        u = self.root * u
        return self.sums(u) - self.mean * u.sum()

    def normal(self, v):
        """A'A v."""
        out = self._sums(extra=1)
        self._each_part(gather_scatter_rows, v, float(inner(self.mean, v)), self.weights, out)
        total = out.sum(axis=0)
        return total[:-1] - total[-1] * self.mean

    def squared_norms(self):
        """Squared length of each column of A."""
        out = self._sums()
        self._each_part(scatter_rows, self.weights, True, out)
        return np.maximum(0.0, out.sum(axis=0) - self.mean**2 * self.weights.sum())


class CentredDense:
    """The same for dense X, where A is simply formed."""

    def __init__(self, X, X_mean, weights=None):
        self.A = centred_rows(X, X_mean, weights)
        self.mean = X_mean
        self.shape = X.shape
        self.root = np.ones(X.shape[0]) if weights is None else np.sqrt(weights)

    def dot(self, v):
        return self.A @ v

    def dot_transposed(self, u):
        return u @ self.A

    def normal(self, v):
        return (self.A @ v) @ self.A

    def squared_norms(self):
        return np.einsum("ij,ij->j", self.A, self.A)


def scipy_operator(A):
    """A `CentredSparse` or `CentredDense`, as SciPy's solvers take it."""
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(A.shape, matvec=lambda v: A.dot(v.ravel()), rmatvec=lambda u: A.dot_transposed(u.ravel()),
                          dtype=np.float64)


def centred_products(X, weights, mean, v, u):
    """A v, A'u and A'A v for any `mean` (that of X would hide terms which it makes zero); A's squared norms for that of X."""
    A = CentredSparse(X, mean, weights)
    norms = CentredSparse(X, np.average(X.toarray(), axis=0, weights=weights), weights).squared_norms()
    return np.concatenate([A.dot(v), A.dot_transposed(u), A.normal(v), norms])


def _example(rng, n=300, d=4, wide=False):
    X = sparse.random(n, d, 0.9, format="csr", random_state=rng)
    if wide:
        X.indptr, X.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    return X, rng.random(n), rng.normal(size=d), rng.normal(size=d), rng.normal(size=n)


@oracle(centred_products, kernels=(gather_rows, scatter_rows, gather_scatter_rows), rtol=1e-10, atol=1e-12,
        example=(_example, lambda rng: _example(rng, 5, 9, wide=True)))
def centred_products_formula(X, weights, mean, v, u):
    X = X.toarray()
    A = np.sqrt(weights)[:, None] * (X - mean)
    norms = weights @ (X - np.average(X, axis=0, weights=weights)) ** 2
    return np.concatenate([A @ v, A.T @ u, A.T @ A @ v, norms])
