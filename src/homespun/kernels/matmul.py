"""The matrix product C = A B on register tiles.                                     A: (M, K)   B: (K, N)   C: (M, N)

Goto & van de Geijn 2008, ACM TOMS 34(3): B is packed once into panels of `columns` columns; a block of rows of A is
packed into groups of `ROWS` rows that stay in L2 while each panel of B passes through L1; the tile of C stays in
registers. The depth is cut at `DEPTH` so that panel and group fit their caches; later cuts add to C.

Any strides of A and B are read, so a transpose costs nothing. Rows of C are cut into blocks that own their output, and
each entry is summed in one fixed order: the result does not depend on the number of threads. Our own product is used
where it runs between kernels: a BLAS would bring a second thread pool, and mixing the two cost 2.6 to 6.8 times.

O(M N K) time, O((K + ROW_BLOCK) N) extra memory. Not handled: batches, integer matrices.
"""

from __future__ import annotations

import numpy as np

from homespun.base import shapes
from homespun.kernels import simd
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

ROWS, COLUMNS32, COLUMNS64 = simd.ROWS, simd.COLUMNS32, simd.COLUMNS64
DEPTH = 192  # of one pass: a panel of B is 36 kB with AVX-512 and 12 kB with AVX2, and stays in L1
ROW_BLOCK = 12 * ROWS  # rows of A that one thread packs: in float32 72 kB with AVX-512 and 54 kB with AVX2, of L2


def matmul(A, B):
    """A @ B for float32 or float64 matrices, by our own kernel.

    Parameters
    ----------
    A : ndarray of shape (M, K)
    B : ndarray of shape (K, N)
        Any strides. If the dtypes differ, float64.

    Returns
    -------
    C : ndarray of shape (M, N)

    Raises
    ------
    ShapeError
        If the inner axes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.kernels.matmul import matmul
    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    A, B = np.asarray(A), np.asarray(B)
    size = shapes("A: M K, B: K N", A=A, B=B)
    dtype = np.float32 if A.dtype == B.dtype == np.float32 else np.float64
    A, B = A.astype(dtype, copy=False), B.astype(dtype, copy=False)
    columns = simd.tile_columns(dtype)
    M, N, K = size["M"], size["N"], size["K"]
    C = np.zeros((M, N), dtype)
    if C.size == 0 or K == 0:
        return C
    panels = np.empty(-(-N // columns) * columns * K, dtype)
    over_blocks(pack_right, -(-N // columns), B, panels)
    over_blocks(multiply_rows, -(-M // ROW_BLOCK), A, panels, C)
    return C


@kernel("void(i8, f4[:, :], f4[::1])", "void(i8, f8[:, :], f8[::1])")
def pack_right(panel, B, panels):
    """OUT panels: panel p holds B[k, p C + j] at (p K + k) C + j, zero past the last column."""
    K, N = B.shape
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    width = min(columns, N - panel * columns)
    for k in range(K):
        at = (panel * K + k) * columns
        for j in range(width):
            panels[at + j] = B[k, panel * columns + j]
        for j in range(width, columns):
            panels[at + j] = 0.0


@kernel("void(i8, f4[:, :], f4[::1], f4[:, ::1])", "void(i8, f8[:, :], f8[::1], f8[:, ::1])")
def multiply_rows(block, A, panels, C):
    """OUT C[i, :] += A[i, :] B for the rows i of one block."""
    M, K = A.shape
    N = C.shape[1]
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    flat = C.reshape(-1)
    first = block * ROW_BLOCK
    last = min(M, first + ROW_BLOCK)
    groups = (last - first + ROWS - 1) // ROWS
    packed = np.zeros(groups * ROWS * min(K, DEPTH), C.dtype)
    corner = np.zeros(ROWS * columns, C.dtype)
    for k0 in range(0, K, DEPTH):
        depth = min(DEPTH, K - k0)
        for i in range(first, last):
            at = (i - first) // ROWS * depth * ROWS + (i - first) % ROWS
            for k in range(depth):
                packed[at + k * ROWS] = A[i, k0 + k]
        for panel in range((N + columns - 1) // columns):
            j0 = panel * columns
            for g in range(groups):
                i0 = first + g * ROWS
                tile = simd.tile_dot(packed, g * depth * ROWS, panels, (panel * K + k0) * columns, depth)
                if i0 + ROWS <= last and j0 + columns <= N:
                    simd.tile_accumulate(tile, flat, i0 * N + j0, N)
                else:  # the tile hangs over the edge of C: only its inner part is added
                    simd.tile_store(tile, corner, 0, columns)
                    for i in range(min(ROWS, last - i0)):
                        for j in range(min(columns, N - j0)):
                            C[i0 + i, j0 + j] += corner[i * columns + j]


def pairwise_distances(X, Y):
    """Euclidean distance of every row of X (m, d) to every row of Y (n, d): (m, n), of their dtype.

    |x - y|^2 = |x|^2 + |y|^2 - 2 x . y after centring, so that points far from the origin do not cancel; entries that
    still lose more than half their digits (nearly equal rows) are computed again from the definition.

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.kernels.matmul import pairwise_distances
    >>> pairwise_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[5.]])
    """
    X, Y = np.asarray(X), np.asarray(Y)
    shapes("X: m d, Y: n d", X=X, Y=Y)
    dtype = np.float32 if X.dtype == Y.dtype == np.float32 else np.float64
    if X.shape[0] == 0 or Y.shape[0] == 0 or X.shape[1] == 0:
        return np.zeros((X.shape[0], Y.shape[0]), dtype)
    centre = Y.mean(axis=0, dtype=np.float64)
    X, Y = (X - centre).astype(dtype), (Y - centre).astype(dtype)
    size = (X**2).sum(axis=1)[:, None] + (Y**2).sum(axis=1)
    squares = size - 2 * matmul(X, Y.T)
    rows, columns = np.nonzero(squares < np.sqrt(np.finfo(dtype).eps) * size)
    for first in range(0, rows.size, 65536):
        part = slice(first, first + 65536)
        squares[rows[part], columns[part]] = ((X[rows[part]] - Y[columns[part]]) ** 2).sum(axis=1)
    return np.sqrt(squares, out=squares)


@oracle(matmul, kernels=(pack_right, multiply_rows), rtol=1e-12, atol=1e-12, example=(
    lambda rng: (rng.normal(size=(2 * ROW_BLOCK + 3, 7)), rng.normal(size=(7, 2 * COLUMNS64 + 5))),
    lambda rng: (rng.normal(size=(5, DEPTH + 9)), rng.normal(size=(50, DEPTH + 9)).T),
    lambda rng: (rng.normal(size=(2 * ROWS, 3)), rng.normal(size=(3, COLUMNS64 + 1))),  # nothing left over below
    lambda rng: (rng.normal(size=(ROWS + 1, 3)), rng.normal(size=(3, 2 * COLUMNS64))),  # nothing left over at the right
    lambda rng: tuple(rng.integers(-9, 9, size).astype(np.float32) for size in ((9, 4), (4, COLUMNS32 + 3))),  # exact
))
def matmul_formula(A, B):
    """C[i, j] = sum_k A[i, k] B[k, j]"""
    return np.einsum("ik,kj->ij", A, B)


@oracle(pairwise_distances, kernels=(pack_right, multiply_rows), rtol=1e-9, atol=1e-12, example=lambda rng: (
    rng.normal(size=(19, 4)) + 5, np.vstack([rng.normal(size=(11, 4)) + 5] * 2)))
def pairwise_distances_formula(X, Y):
    return np.sqrt(((X[:, None] - Y[None]) ** 2).sum(axis=-1))
