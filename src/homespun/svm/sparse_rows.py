"""Kernel values between sparse rows: the same two questions as `kernel_rows`, for CSR matrices.

A panel of WIDTH rows is written out as a dense (d, WIDTH) block; each entry of a sparse row then adds one multiple of a line
of WIDTH numbers, in vectors. O(entries q) time, O(q^2 + d WIDTH) memory, float64. Rows are not centred: that would fill them.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from homespun.kernels import kernel, oracle, over_blocks
from homespun.kernels.csr import csr_parts
from homespun.svm.kernel_rows import Kernel, diagonal_of, turn

WIDTH = 32
BLOCK = 256


class SparseRows:
    """Kernel values between the rows of a CSR matrix."""

    def __init__(self, X, kernel):
        self.X, self.kernel, self.n = X, kernel, X.shape[0]
        with np.errstate(over="ignore"):
            self.norms = np.asarray(X.multiply(X).sum(axis=1), np.float64).ravel()
        self.largest = float(self.norms.max(initial=0.0))
        self.diagonal = diagonal_of(kernel, self.norms)

    def subset(self, rows):
        return SparseRows(self.X[rows], self.kernel)

    def square(self, rows):
        some, norms = self.X[rows], self.norms[rows]
        out = np.empty((len(rows), -(-len(rows) // WIDTH) * WIDTH), np.float32)
        _run(self.kernel, some, norms, some, norms, np.empty((0, len(rows))), np.empty((len(rows), 0)), out)
        return out

    def sums(self, rows, weights):
        sums = np.zeros((self.n, 1))
        _run(self.kernel, self.X, self.norms, self.X[rows], self.norms[rows], weights[None], sums, NOWHERE)
        return sums[:, 0]

    def sums_at(self, Q, weights):
        sums = np.zeros((Q.shape[0], len(weights)))
        norms = np.asarray(Q.multiply(Q).sum(axis=1), np.float64).ravel()
        _run(self.kernel, Q, norms, self.X, self.norms, weights, sums, NOWHERE)
        return sums


NOWHERE = np.empty((0, 0), np.float32)


def _run(kernel, Q, Q_norms, Z, Z_norms, weights, sums, out):
    values, columns, starts = csr_parts(Q)
    values, columns, starts = values.astype(np.float64, copy=False), columns.astype(np.int32), starts.astype(np.int32)
    panel = np.zeros((Q.shape[1], WIDTH))
    for first in range(0, Z.shape[0], WIDTH):
        part = Z[first:first + WIDTH]
        width = part.shape[0]
        lines = np.repeat(np.arange(width), np.diff(part.indptr))
        panel[part.indices, lines] = part.data
        norms, share = np.zeros(WIDTH), np.zeros((len(weights), WIDTH))
        norms[:width], share[:, :width] = Z_norms[first:first + WIDTH], weights[:, first:first + WIDTH]
        with np.errstate(over="ignore", invalid="ignore"):
            over_blocks(sparse_block, -(-Q.shape[0] // BLOCK), values, columns, starts, Q_norms, panel, norms, *kernel.numbers,
                        share, sums, out[:, first:first + WIDTH])
        panel[part.indices] = 0.0


@kernel("void(i8, f8[::1], i4[::1], i4[::1], f8[::1], f8[:, ::1], f8[::1], i8, f8, f8, f8, f8[:, ::1], f8[:, ::1], f4[:, :])")
def sparse_block(block, values, columns, starts, Q_norms, panel, norms, kind, gamma, coef0, degree, weights, sums, out):
    """OUT of the block's rows i: sums[i, p] += sum_j weights[p, j] K(q_i, z_j) over the panel, and K itself unless `out` is
    empty."""
    line = np.empty(WIDTH)
    for i in range(block * BLOCK, min(starts.size - 1, (block + 1) * BLOCK)):
        for j in range(WIDTH):
            line[j] = 0.0
        for at in range(starts[i], starts[i + 1]):
            x, row = values[at], panel[columns[at]]
            for j in range(WIDTH):
                line[j] += x * row[j]
        turn(line, norms, Q_norms[i], kind, gamma, coef0, degree)
        for p in range(weights.shape[0]):
            total = 0.0
            for j in range(WIDTH):
                total += weights[p, j] * line[j]
            sums[i, p] += total
        if out.size > 0:
            for j in range(WIDTH):
                out[i, j] = line[j]


# ---------------------------------------------------------------------------------------------------------------------
# The definition

def sparse_rows_of_kernel(X, rows, weights, kind):
    """K of some rows, and what `weights` of them make of every row: see `SparseRows`."""
    source = SparseRows(sp.csr_matrix(X), Kernel(kind, 0.3, 0.5, 3.0))
    return source.square(rows)[:, :len(rows)], source.sums(rows, weights[0]), source.subset(rows).sums_at(source.X[::2], weights)


def _example(kind, n):
    return lambda rng: (rng.normal(size=(n, 6)) * (rng.random((n, 6)) < 0.3), rng.permutation(n)[:n // 2],
                        rng.normal(size=(2, n // 2)), kind)


@oracle(sparse_rows_of_kernel, kernels=(sparse_block,), rtol=1e-6, atol=1e-6, example=(
    _example("rbf", BLOCK + 20), _example("poly", 2 * WIDTH), _example("linear", 2 * WIDTH + 6), _example("sigmoid", 9)))
def sparse_rows_of_kernel_formula(X, rows, weights, kind):
    """The kernels as they are defined."""
    products = X @ X.T
    squares = (X**2).sum(axis=1)[:, None] + (X**2).sum(axis=1) - 2 * products
    K = {"linear": products, "poly": (0.3 * products + 0.5) ** 3, "sigmoid": np.tanh(0.3 * products + 0.5),
         "rbf": np.exp(-0.3 * squares)}[kind]
    return K[np.ix_(rows, rows)], K[:, rows] @ weights[0], K[::2][:, rows] @ weights.T
