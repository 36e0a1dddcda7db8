"""Pairs of labels, counted: one pass over the rows, and every score of predicted classes and of clusterings follows.

    n_ab = number (w_ab = weight) of the rows with y_true = a and y_pred = b          the cells that are not empty: `Cells`

Whole numbers in a narrow range are their own codes, so that nothing is sorted or looked up: n additions into a small table
(1.2 ms for a million rows on two threads; finding the classes by `np.unique` alone takes 20). Other labels (words, numbers
far apart) are sorted first. Memory: the table has at most four times as many cells as there are rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks

TABLE = 1 << 16  # cells of a table that is worth its zeros for any number of rows
OWN_TABLES = 1 << 12  # cells up to which every block of rows gets a table of its own
BLOCK = 1 << 16  # rows
FEW = 12  # labels up to which words are compared with each of them


@dataclass
class Cells:
    """What occurs together: ``labels[i[c]]`` and ``labels[j[c]]`` in ``rows[c]`` rows of weight ``weight[c]``."""

    labels: np.ndarray  # (K,) sorted, of both sides
    i: np.ndarray  # (cells,) sorted by (i, j)
    j: np.ndarray
    rows: np.ndarray  # (cells,) int64
    weight: np.ndarray  # (cells,) float64; `rows` itself where there are no weights

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """`values` of the cells as a matrix (K, K)."""
        table = np.zeros((self.labels.size, self.labels.size), values.dtype)
        table[self.i, self.j] = values
        return table

    def per_class(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight per class of the rows that are hit, predicted, true. Each (K,)."""
        size = self.labels.size
        hit = self.i == self.j

        def sums(place, values):
            return np.bincount(place, weights=values, minlength=size).astype(self.weight.dtype)

        return sums(self.i[hit], self.weight[hit]), sums(self.j, self.weight), sums(self.i, self.weight)


def count(a: np.ndarray, b: np.ndarray, s: np.ndarray | None = None) -> Cells:
    """The cells of two arrays of labels (n,) of one kind, with weights s (n,)."""
    span = _span(a, b)
    if span is None:
        labels = np.union1d(np.unique(a), np.unique(b))
        a, b = places(labels, a), places(labels, b)
        low, size = 0, labels.size
    else:
        low, size = span
        labels, kind = None, np.result_type(a, b)
    a, b = (np.ascontiguousarray(labels_, dtype=np.int64) for labels_ in (a, b))
    weights = np.empty(0) if s is None else np.ascontiguousarray(s, dtype=np.float64)
    if size * size <= max(TABLE, 4 * a.size):
        blocks = max(1, min(16, a.size // BLOCK)) if size * size <= OWN_TABLES else 1
        rows, weight = tables(a, b, low, size, weights, blocks)
        i, j = np.nonzero(rows)
        rows = rows[i, j]
        weight = weight[i, j] if s is not None else rows
    else:
        key, place, rows = np.unique((a - low) * size + (b - low), return_inverse=True, return_counts=True)
        i, j = key // size, key % size
        weight = rows if s is None else np.bincount(place, weights=weights, minlength=key.size)
    if labels is None:
        present = np.unique(np.concatenate([i, j]))
        labels = (present + low).astype(kind)
        i, j = np.searchsorted(present, i), np.searchsorted(present, j)
    return Cells(labels, i, j, rows, weight)


def distinct(y: np.ndarray) -> np.ndarray:
    """The distinct labels of y (n,), sorted."""
    span = _span(y, y)
    if span is None:
        return np.unique(y)
    low, size = span
    if size <= 2:
        return (np.arange(size) + low).astype(y.dtype)
    return (np.flatnonzero(np.bincount(y.astype(np.int64, copy=False) - low)) + low).astype(y.dtype)


def codes(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels of y (n,), sorted, and the place of each row's label among them, int64."""
    span = _span(y, y)
    if span is None:
        labels = np.unique(y)
        return labels, places(labels, y)
    low, size = span
    shifted = np.ascontiguousarray(y, dtype=np.int64)
    if low:
        shifted = shifted - low
    there = np.bincount(shifted, minlength=size) > 0
    labels = (np.flatnonzero(there) + low).astype(y.dtype)
    return labels, shifted if there.all() else (np.cumsum(there) - 1)[shifted]


def places(labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The place of each y (n,) among the sorted `labels`, in which it must be, int64.

    A few words are compared with each label in turn: 3 ms for a million, where the binary search takes 40.
    """
    if y.dtype.kind not in "US" or labels.size > FEW:
        return np.searchsorted(labels, y)
    found = np.zeros(y.size, np.int64)

    def compare(block):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        for place, label in enumerate(labels[1:], 1):
            found[part][y[part] == label] = place

    over_blocks(compare, (y.size + BLOCK - 1) // BLOCK)
    return found


def _span(a, b):
    """(least, number of values from it to the greatest) where both hold whole numbers close together, or None."""
    if a.dtype.kind not in "biuf" or b.dtype.kind not in "biuf":
        return None
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if not -(2**62) < low <= high < 2**62:
        return None
    size = int(high) - int(low) + 1
    return (int(low), size) if size <= max(256, 4 * a.size) else None


def tables(a, b, low, size, s, blocks):
    """Rows and weight of each pair of values low … low + size - 1, (size, size) each. Weights s (n,), or () for none."""
    rows = np.zeros((blocks, size, size), np.int64)
    weight = np.zeros((blocks, size, size) if s.size else (blocks, 0, 0))
    over_blocks(count_pairs, blocks, a, b, low, s, rows, weight)
    return rows.sum(0), weight.sum(0)


@kernel("void(i8, i8[::1], i8[::1], i8, f8[::1], i8[:, :, ::1], f8[:, :, ::1])", fastmath=False)
def count_pairs(block, a, b, low, s, rows, weight):
    """OUT rows[block], weight[block]: the pairs of the block's share of the rows. IN rows, weight: zeros."""
    n, blocks = a.size, rows.shape[0]
    for r in range(block * n // blocks, (block + 1) * n // blocks):
        i, j = a[r] - low, b[r] - low
        rows[block, i, j] += 1
        if s.size > 0:
            weight[block, i, j] += s[r]


@oracle(tables, kernels=(count_pairs,), example=(
    lambda rng: (rng.integers(-3, 4, 50), rng.integers(-3, 4, 50), -3, 7, rng.uniform(size=50), 3),
    lambda rng: (rng.integers(5, 9, 50), rng.integers(5, 9, 50), 5, 4, np.empty(0), 1),
    lambda rng: (np.array([1]), np.array([2]), 1, 2, np.array([0.5]), 1),
))
def tables_formula(a, b, low, size, s, blocks):
    """By the definition: cell (i, j) holds the rows with a = low + i and b = low + j."""
    place = (a - low) * size + (b - low)
    rows = np.bincount(place, minlength=size * size).reshape(size, size)
    return rows, np.bincount(place, weights=s, minlength=size * size).reshape(size, size) if s.size else np.zeros((0, 0))
