"""Products of columns in float32, for a solver that corrects them: half the time of float64, and half the memory.

    G[j, k] = sum_i a_ij a_ik (1 + e)      a_ij = root_i (x_ij - mean_j), rounded to float32      |e| about 1e-6

Columns are centred in float64 before they are rounded, so a large mean costs no digit. `WorkingSet` steps by these products
from a gradient in float64 at the weights that it has, and again from there: the error of G slows the last digits down by a
factor of 1e-6 a round, and enters no result (iterative refinement; Wilkinson 1963, chapter 3).

Admitted columns stay packed as `simd.tile_dot` reads them, groups of `ROWS` columns, chunk by chunk of `DEPTH` rows; panels
of the new ones live as long as their chunk. Each thread packs and multiplies parts of the rows. O(n m k) time for k new columns
beside m, 4 n m bytes. Not handled: columns whose squares leave the range of float32 (`admit` returns None).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks, simd
from homespun.linear_model.moments import symmetric

ROWS, COLUMNS = simd.ROWS, simd.COLUMNS32
DEPTH = 96      # rows of a chunk: a panel of 18 kB stays in L1, the groups of 600 columns in L2
MOST_PARTS = 8  # of the rows
LEAST, LARGEST = 1e-24, 1e34  # sums of squares whose terms float32 can hold


class RoughGram:
    """The columns admitted so far. X: (n, d)   mean: (d,)   root: (n,)"""

    def __init__(self, X, mean, root):
        self.X, self.mean, self.root = X, mean, root
        self.chunks = -(-len(X) // DEPTH)
        self.left = np.empty(0, np.float32)
        self.groups = 0
        self.places = np.empty(0, np.int64)  # of each column among the packed ones, which are padded to whole groups

    def admit(self, new):
        """Admit the columns `new` of X: their products with all that are in then, (m + k, k); None if they may be wrong."""
        groups, size = self.groups + -(-len(new) // ROWS), self.chunks * DEPTH * ROWS
        if groups * size > self.left.size:
            grown = np.empty(3 * groups * size, np.float32)  # what is not used yet is not yet memory
            grown[: self.groups * size] = self.left[: self.groups * size]
            self.left = grown
        width = -(-len(new) // COLUMNS) * COLUMNS
        parts = max(1, min(MOST_PARTS, self.chunks // 2))
        grams = np.zeros((parts, groups * ROWS, width), np.float32)
        over_blocks(multiply_columns, parts, self.X, new, self.mean[new], self.root, self.groups, self.left, grams)
        self.places = np.concatenate([self.places, self.groups * ROWS + np.arange(len(new))])
        self.groups = groups
        gram = grams.sum(axis=0, dtype=np.float64)[self.places, : len(new)]
        gram[-len(new) :] = symmetric(gram[-len(new) :])
        squares = np.diagonal(gram[-len(new) :])
        return gram if np.all((squares > LEAST) & (squares < LARGEST)) else None


@kernel("void(i8, f8[:, :], i8[::1], f8[::1], f8[::1], i8, f4[::1], f4[:, :, ::1])",
        "void(i8, f4[:, :], i8[::1], f8[::1], f8[::1], i8, f4[::1], f4[:, :, ::1])")
def multiply_columns(part, X, new, mean, root, groups, left, grams):
    """Pack the columns `new` behind the `groups` groups that are there, and multiply, for the chunks of one part of the rows.

    OUT left: column g ROWS + j of row k of a chunk at ((g chunks + chunk) DEPTH + k) ROWS + j.   OUT grams[part] += products of
    the packed columns with the new ones, on and above the diagonal.   IN mean: of the new columns.
    """
    parts, height, width = grams.shape
    flat = grams[part].ravel()
    chunks = -(-root.size // DEPTH)
    row, right = np.zeros(max(height, width), np.float32), np.empty(DEPTH * width, np.float32)
    for chunk in range(part * chunks // parts, (part + 1) * chunks // parts):
        depth = min(DEPTH, root.size - chunk * DEPTH)
        for k in range(depth):
            i = chunk * DEPTH + k
            for c in range(new.size):
                row[c] = root[i] * (X[i, np.uint64(new[c])] - mean[c])  # unsigned: see `moments.pack_centred`
            for c in range(0, height - groups * ROWS, ROWS):
                at = np.uint64(((groups * ROWS + c) * chunks + chunk * ROWS) * DEPTH + k * ROWS)
                for j in range(np.uint64(ROWS)):
                    left[at + j] = row[np.uint64(c) + j]
            for c in range(0, width, COLUMNS):
                at = np.uint64(c * DEPTH + k * COLUMNS)
                for j in range(np.uint64(COLUMNS)):
                    right[at + j] = row[np.uint64(c) + j]
        for c in range(0, width, COLUMNS):
            for g in range(0, min(height, groups * ROWS + c + COLUMNS), ROWS):
                tile = simd.tile_dot(left, (g * chunks + chunk * ROWS) * DEPTH, right, c * DEPTH, depth)
                simd.tile_accumulate(tile, flat, g * width + c, width)


def gram_of(X, mean, root, first, second):
    """Products of the columns `first`, then `second`, with the columns `second`."""
    rough = RoughGram(X, mean, root)
    rough.admit(first)
    return rough.admit(second)


def _example(rng, n, first, second, dtype=np.float64):
    X = rng.normal(size=(n, first + second)).astype(dtype)
    columns = rng.permutation(first + second)
    return X, rng.normal(size=first + second), rng.random(n) + 0.5, columns[:first], columns[first:]


@oracle(gram_of, kernels=(multiply_columns,), rtol=1e-4, atol=1e-3, example=(
    lambda rng: _example(rng, 4 * DEPTH + 5, ROWS + 1, COLUMNS + 1),
    lambda rng: _example(rng, 7, 2, COLUMNS, np.float32),
    lambda rng: _example(rng, 3, COLUMNS, ROWS)))
def gram_of_formula(X, mean, root, first, second):
    A = root[:, None] * (X - mean)
    return A[:, np.concatenate([first, second])].T @ A[:, second]
