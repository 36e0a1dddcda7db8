"""Products with a matrix that is centred and weighted; a sparse one only in thought.

    A = diag(r) (X - 1 m')          X: (n, d) sparse   m: (d,) column means   r: (n,) roots of the sample weights
    A v  = r * (X v - m . v)        A' u = X'(r * u) - m (r . u)

For sparse X, forming A would make it dense. X is kept twice, by rows and by columns, so that both products are gathers: each
thread writes entries that no other thread touches, and the sum of an entry has one order whatever the number of threads.
Two products cost O(stored entries + n + d). (SciPy's product with the transpose is a scatter on one thread.)
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, prange
from homespun.linear_model.moments import centred_rows

SHARES = 64  # parts of about equal work that the threads take


@kernel("void(i4[::1], i4[::1], f8[::1], f8[::1], i8[::1], f8[::1])",
        "void(i8[::1], i8[::1], f8[::1], f8[::1], i8[::1], f8[::1])", parallel=True)
def multiply_rows(indptr, indices, data, v, bounds, out):
    """OUT out[i] = row i of the matrix . v.   IN bounds: rows where the shares begin and end."""
    for share in prange(bounds.size - 1):
        for i in range(bounds[share], bounds[share + 1]):
            total = 0.0
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):  # unsigned: no test for indices from the end,
                total += data[k] * v[np.uint64(indices[k])]                  # and no slow gather instructions: 4 times faster
            out[i] = total


def multiply(X, v, bounds=None):
    """``X v`` for a float64 matrix in CSR form (or, the same arrays read the other way, ``X' v`` for CSC)."""
    if bounds is None:
        bounds = equal_shares(X.indptr)
    out = np.zeros(X.indptr.size - 1)
    multiply_rows(X.indptr, X.indices, X.data, np.ascontiguousarray(v, dtype=np.float64), bounds, out)
    return out


@oracle(multiply, kernels=(multiply_rows,), rtol=1e-12,
        example=(lambda rng: (sparse.random(200, 9, 0.3, format="csr", random_state=rng), rng.normal(size=9)),
                 lambda rng: (_wide_indices(sparse.random(3, 5, 0.5, format="csr", random_state=rng)), rng.normal(size=5))))
def multiply_formula(X, v):
    return X.toarray() @ v


def equal_shares(indptr) -> np.ndarray:
    """Row numbers that cut a matrix into `SHARES` runs of rows with about as many entries each, int64."""
    cuts = np.linspace(0, int(indptr[-1]) + indptr.size - 1, SHARES + 1)[1:-1]
    inner = np.searchsorted(indptr.astype(np.int64) + np.arange(indptr.size), cuts)  # an empty row has work too
    return np.concatenate([[0], inner, [indptr.size - 1]]).astype(np.int64)


def _wide_indices(X):
    X.indptr, X.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    return X


class CentredSparse:
    """A of the module's header: ``A.dot(v)``, ``A.dot_transposed(u)``, and the squared norms of its columns or rows."""

    def __init__(self, X, X_mean, weights=None):
        self.rows = X.tocsr().astype(np.float64, copy=False)
        self.columns = X.tocsc().astype(np.float64, copy=False)
        self.shape = X.shape
        self.mean = X_mean
        self.root = np.ones(X.shape[0]) if weights is None else np.sqrt(weights)
        self.row_shares, self.column_shares = equal_shares(self.rows.indptr), equal_shares(self.columns.indptr)

    def dot(self, v):
        return self.root * (multiply(self.rows, v, self.row_shares) - self.mean @ v)

    def dot_transposed(self, u):
        u = self.root * u
        return multiply(self.columns, u, self.column_shares) - self.mean * u.sum()

    def squared_norms(self, axis: int):
        """Of the columns (`axis` 0) or of the rows (1)."""
        kept = self.columns.T if axis == 0 else self.rows
        squares = sparse.csr_array((kept.data**2, kept.indices, kept.indptr), shape=kept.shape)
        if axis == 0:
            return squares @ self.root**2 - self.mean**2 * (self.root @ self.root)
        return self.root**2 * (squares @ np.ones(self.shape[1]) - 2 * (kept @ self.mean) + self.mean @ self.mean)


class CentredDense:
    """The same for dense X, where A is simply formed."""

    def __init__(self, X, X_mean, weights=None):
        self.A = centred_rows(X, X_mean, weights)
        self.shape = X.shape
        self.root = np.ones(X.shape[0]) if weights is None else np.sqrt(weights)

    def dot(self, v):
        return self.A @ v

    def dot_transposed(self, u):
        return u @ self.A

    def squared_norms(self, axis: int):
        return np.einsum("ij,ij->j" if axis == 0 else "ij,ij->i", self.A, self.A)


def scipy_operator(A):
    """A `CentredSparse` or `CentredDense`, as SciPy's solvers take it."""
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(A.shape, matvec=lambda v: A.dot(v.ravel()), rmatvec=lambda u: A.dot_transposed(u.ravel()),
                          dtype=np.float64)
