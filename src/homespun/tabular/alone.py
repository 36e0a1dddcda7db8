"""How well one column alone predicts the target: the measure behind the leak findings.

    power(x) = 1 - sum_i (t_i - mean of t over the other folds' rows with x's value)^2 / sum_i (t_i - mean t)^2

t is the target as ranks (a number) or as one column for each class; x is cut into values: levels of text, at most 64 quantile
bins of a number. Every row is predicted from the rows of the other folds, so a column of many values cannot learn its rows by
heart. Power is R² of ranks, or the Brier skill: 0 says nothing, 1 everything. O(n) for each column after one sort.
"""

from __future__ import annotations

import numpy as np

BINS = 64
FOLDS = 5


class Target:
    """The target as columns of numbers, and the fold of each row.

    Parameters
    ----------
    values : array of shape (n,)
        Amounts, or class codes.
    task : {"regression", "classification"}
    """

    def __init__(self, values: np.ndarray, task: str, seed: int = 0):
        self.values = np.asarray(values)
        self.task = task
        self.columns = _columns(self.values, task)  # (n, 1) or (n, classes)
        self.fold = np.random.default_rng(seed).integers(FOLDS, size=len(values))

    def rows(self, mask: np.ndarray) -> Target:
        """The same for some of the rows."""
        part = object.__new__(Target)
        part.values, part.task, part.fold = self.values[mask], self.task, self.fold[mask]
        part.columns = _columns(part.values, self.task)
        return part

    def power(self, codes: np.ndarray) -> float:
        """Power of a column of codes 0, 1, …: see the head of this file."""
        if len(codes) < 2 * FOLDS:
            return 0.0
        levels = int(codes.max()) + 1
        cell = codes * FOLDS + self.fold
        count = np.bincount(cell, minlength=levels * FOLDS).reshape(levels, FOLDS)
        others = count.sum(1, keepdims=True) - count
        left = spread = 0.0
        for column in self.columns.T:
            mean = column.mean()
            total = np.bincount(cell, weights=column, minlength=levels * FOLDS).reshape(levels, FOLDS)
            rest = total.sum(1, keepdims=True) - total
            predicted = np.where(others > 0, rest / np.maximum(others, 1), mean)
            left += float(((column - predicted[codes, self.fold]) ** 2).sum())
            spread += float(((column - mean) ** 2).sum())
        return 1.0 - left / spread if spread > 0 else 0.0


def _columns(values: np.ndarray, task: str) -> np.ndarray:
    if task == "regression":
        return (rank(values) / max(len(values) - 1, 1))[:, None]
    return (values[:, None] == np.unique(values)[None, :]).astype(np.float64)


def rank(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties get their mean."""
    _, code, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2.0)[code]


def levels_of(values) -> np.ndarray:
    """Codes 0, 1, … of any values; missing ones are a level of their own."""
    import pandas as pd

    return pd.factorize(pd.Series(values), use_na_sentinel=False)[0]


def bins_of(numbers: np.ndarray) -> np.ndarray:
    """Codes of at most 64 quantile bins with at least ten rows; infinite and missing numbers have bins of their own."""
    finite = np.isfinite(numbers)
    known = numbers[finite]
    bins = int(min(BINS, max(len(known) // 10, 2)))
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.empty(0)
    codes = np.full(len(numbers), len(edges) + 1, dtype=np.int64)
    codes[finite] = np.searchsorted(edges, known, side="left")
    codes[numbers == np.inf] += 1
    codes[numbers == -np.inf] += 2
    return codes
