"""Rows sorted by what they hold, wherever they stand: so the order of the data, and repeated rows, change nothing.

    h_i = key_y b(y_i) + sum_j key_j b(x_ij)   modulo 2^64        b(x): the bits of x, its upper half folded onto the lower

X: (n, d) dense or sparse   y: (n,)   keys: (d + 1,) odd. Zeros have no bits, so dense and sparse rows agree. Two different rows
have one h with a probability below 2^-40 (multilinear hashing, Lemire & Kaser 2014); they are compared before they count as
equal, so a collision costs the order of two rows and nothing else.  O(entries).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks

BLOCK = 1 << 17  # entries of a block


def groups_of_equal_rows(X, y=None):
    """Rows by content: the order (n,) that sorts them, and the number of its group for each in that order (n,).

    Rows are equal if those of X, and their y where it is given, are. float32 rows have the order of the same float64 rows.

    >>> groups_of_equal_rows(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]]), np.zeros(3))[1].tolist() in ([0, 0, 1], [0, 1, 1])
    True
    """
    y = np.zeros(X.shape[0]) if y is None else y
    keys = row_hashes(X, y)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = ordered[1:] == ordered[:-1]
    pairs = np.flatnonzero(same)
    if pairs.size:
        same[pairs] = equal_rows(X, y, order[pairs], order[pairs - 1])
    return order, np.cumsum(~same) - 1


def equal_rows(X, y, left, right):
    """Whether row left[k] equals row right[k]."""
    different = X[left] != X[right]
    count = np.asarray(different.sum(axis=1)).ravel()
    return (count == 0) & (y[left] == y[right])


def row_hashes(X, y):
    """64 bits for each row, (n,) uint64."""
    keys = np.random.default_rng(2).integers(1, 2**63, size=X.shape[1] + 1, dtype=np.uint64) | np.uint64(1)
    with np.errstate(over="ignore"):  # modulo 2^64 is what is meant
        out = folded(np.asarray(y, dtype=np.float64) + 0.0) * keys[-1]
        X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
        if sparse.issparse(X):
            if not X.has_canonical_format:  # an entry that is given in two parts is their sum
                X = X.copy()
                X.sum_duplicates()
            entries = folded(X.data + X.dtype.type(0)) * keys[X.indices]
            sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(entries, dtype=np.uint64)])
            return out + (sums[X.indptr[1:]] - sums[X.indptr[:-1]])
        over_blocks(hash_rows, -(-X.size // BLOCK), np.ascontiguousarray(X), keys, out)
    return out


def folded(values):
    """Numbers of few digits have all of them in the upper half, where a product would lose them."""
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    return bits ^ (bits >> np.uint64(32)) ^ (bits >> np.uint64(52))


@kernel("void(i8, f8[:, ::1], u8[::1], u8[::1])", "void(i8, f4[:, ::1], u8[::1], u8[::1])", fastmath=False)
def hash_rows(block, X, keys, out):
    """OUT out[i] += sum of key times folded bits, for the rows of one block. No fastmath: it drops the + 0.0."""
    n, d = X.shape
    rows = max(1, BLOCK // d)
    row = np.empty(d)
    bits = row.view(np.uint64)
    for i in range(block * rows, min((block + 1) * rows, n)):
        for j in range(d):
            row[j] = X[i, j] + 0.0  # not -0.0
        total = np.uint64(0)
        for j in range(d):
            total += (bits[j] ^ (bits[j] >> np.uint64(32)) ^ (bits[j] >> np.uint64(52))) * keys[j]
        out[i] += total


@oracle(row_hashes, kernels=(hash_rows,), rtol=0, atol=0, example=(
    lambda rng: (rng.normal(size=(7, 3)), rng.normal(size=7)),
    lambda rng: (np.where(rng.random((5, 4)) < 0.5, -0.0, 2.0), np.array([0.0, -0.0, 1.0, 2.0, 3.0])),
    lambda rng: (rng.integers(5, size=(3, 1 << 16)).astype(np.float32), np.arange(3.0))))
def row_hashes_formula(X, y):
    keys = np.random.default_rng(2).integers(1, 2**63, size=X.shape[1] + 1, dtype=np.uint64) | np.uint64(1)
    return folded(X.astype(np.float64) + 0.0) @ keys[:-1] + folded(y + 0.0) * keys[-1]
