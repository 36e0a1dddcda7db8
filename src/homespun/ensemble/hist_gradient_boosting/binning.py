"""From a table to bytes: numbers become quantile bins, categories become their own bins, missing values become 255.

    columns  (d, n)     one feature after the other: what splitting the rows of a node reads (one byte a row)
    rows     (G, n, w)  features in G groups of at most 16, a group's bytes of one row side by side: what histograms read

Both layouts hold the same codes; keeping both costs a byte per entry and saves more than half of the memory traffic.
The histogram of a group (16 features x 256 bins x 8 bytes = 32 KB) stays in the first-level cache.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from homespun.kernels import kernel, num_threads, oracle
from homespun.kernels.binning import MISSING, bin_columns, bins_used, find_edges
from homespun.kernels.threads import over_blocks

WIDEST = 16  # features of a group
BLOCK = 4096  # rows that are regrouped in one go


@dataclass
class BinnedData:
    """The training data as codes, with what the split search must know about each feature."""

    columns: np.ndarray  # (d, n) uint8
    rows: np.ndarray  # (G, n, w) uint8
    group_start: np.ndarray  # (G + 1,) int64: group g holds the features group_start[g] … group_start[g + 1] - 1
    features: np.ndarray  # (d, 4) int64: bins without the missing one, whether values are missing, categorical, monotone


def bin_training_data(columns, edges, is_categorical=None, monotone=None) -> BinnedData:
    """Regroup the codes `columns` (d, n) and describe the features."""
    d = len(columns)
    features = np.zeros((d, 4), dtype=np.int64)
    features[:, 0] = bins_used(edges)
    features[:, 1] = [(column == MISSING).any() for column in columns]
    if is_categorical is not None:
        features[:, 2] = is_categorical
    if monotone is not None:
        features[:, 3] = monotone
    group_start = groups_for(d, num_threads())
    return BinnedData(columns, group_columns(columns, group_start), group_start, features)


def groups_for(d: int, threads: int) -> np.ndarray:
    """Bounds of groups of at most 16 features, as even as can be; where it is cheap, so many that each thread gets as much.

    The number of groups changes who adds up what, never the sums (they are exact).

    >>> groups_for(28, 2)
    array([ 0, 14, 28])
    """
    fewest = -(-d // WIDEST)
    groups = -(-fewest // threads) * threads
    groups = max(fewest, min(groups, d // 4))  # a group of fewer than 4 would mostly read row numbers
    return np.arange(groups + 1) * d // groups


def group_columns(columns, group_start) -> np.ndarray:
    """(d, n) → (G, n, w), where w is the widest group's size rounded up to a power of two (so no row straddles cache lines)."""
    widest = int(np.diff(group_start).max())
    stride = 1 << (widest - 1).bit_length() if widest > 1 else 1
    n = columns.shape[1]
    rows = np.zeros((len(group_start) - 1, n, stride), dtype=np.uint8)
    over_blocks(group_block, -(-n // BLOCK), columns, group_start, rows)
    return rows


@kernel("void(i8, u1[:, ::1], i8[::1], u1[:, :, ::1])")
def group_block(block, columns, group_start, rows):  # IN columns (d, n).   OUT rows (G, n, w)
    first = block * BLOCK
    last = min(columns.shape[1], first + BLOCK)
    for group in range(rows.shape[0]):
        for feature in range(group_start[group], group_start[group + 1]):
            place = feature - group_start[group]
            for i in range(first, last):
                rows[group, i, place] = columns[feature, i]


@oracle(group_columns, kernels=(group_block,), rtol=0, atol=0, example=(
    lambda rng: (rng.integers(0, 256, (7, 50)).astype(np.uint8), np.array([0, 3, 7])),
    lambda rng: (rng.integers(0, 256, (2, 4100)).astype(np.uint8), np.array([0, 2])),
))
def group_columns_formula(columns, group_start):
    """Transpose each group; fill up with zeros."""
    groups = [columns[a:b].T for a, b in itertools.pairwise(group_start)]
    width = max(group.shape[1] for group in groups)
    while width & (width - 1):
        width += 1
    return np.stack([np.pad(group, ((0, 0), (0, width - group.shape[1]))) for group in groups])


# ---------------------------------------------------------------------------------------------------------------------
# Categories: any hashable values become 0, 1, … (as floats, NaN where missing or unknown), and each its own bin

def find_categories(column) -> list:
    """The sorted distinct values of a categorical column. Missing: None, NaN, and negative numbers (LightGBM's convention)."""
    column = np.asarray(column)
    if column.dtype.kind in "iufb":
        values = np.unique(column)
        return values[values >= 0].tolist()  # NaN >= 0 is False
    names = {value for value in set(column.tolist()) if not _is_missing(value)}
    names = {name for name in names if not (isinstance(name, (int, float)) and name < 0)}
    try:
        return sorted(names)
    except TypeError:  # numbers and words in one column
        return sorted(names, key=lambda value: (type(value).__name__, str(value)))


def encode_categories(column, categories) -> np.ndarray:
    """Position of each value in `categories`; NaN for missing and unknown values.

    >>> encode_categories(["b", "a", None, "z"], ["a", "b"])
    array([ 1.,  0., nan, nan])
    """
    place = {value: float(code) for code, value in enumerate(categories)}
    column = np.asarray(column)
    return np.fromiter((place.get(value, np.nan) for value in column.tolist()), dtype=np.float64, count=len(column))


def _is_missing(value) -> bool:
    return value is None or type(value).__name__ == "NAType" or value != value


def edges_for(X, max_bins, sample_weight=None, categories=None) -> np.ndarray:
    """`find_edges`, with the edge between category c and c + 1 at c + 1/2: (d, 255)."""
    edges = find_edges(X, max_bins, sample_weight)
    for feature, values in enumerate(categories or ()):
        if values is not None:
            edges[feature] = np.inf
            edges[feature, : max(len(values) - 1, 0)] = np.arange(len(values) - 1) + 0.5
    return edges


__all__ = ["MISSING", "BinnedData", "bin_columns", "bin_training_data", "edges_for", "encode_categories",
           "find_categories", "groups_for"]
