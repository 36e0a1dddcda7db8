"""Missing numbers, told from the other columns of their row: by regressions, or by the nearest training rows."""

import numpy as np

from homespun.impute.knn import _column_means, nan_euclidean
from homespun.persist.runner.columns import missing
from homespun.persist.runner.core import matrix, part, run


def with_nan(spec, X):
    """The numbers, NaN where the marker says that one is missing; and where that is."""
    X = matrix(X).copy()
    gone = missing(X, spec["marker"])
    X[gone] = np.nan
    return X, gone


def with_marks(spec, filled, gone):
    filled = filled[:, spec["kept"]]
    return filled if spec["marked"] is None else np.hstack([filled, gone[:, spec["marked"]].astype(filled.dtype)])


@part
def iterative(spec, X):
    """One regression after the other predicts its column where that has gaps."""
    X, gone = with_nan(spec, X)
    filled = run(spec["first"], X)
    for step in spec["regressions"]:
        j = step["column"]
        rows = gone[:, j] & ~spec["empty"][j]
        if rows.any():
            found = run(step["spec"], filled[rows][:, step["others"]])["predict"]
            filled[rows, j] = np.clip(found, spec["low"][j], spec["high"][j])
    return with_marks(spec, filled, gone)


@part
def nearest_rows(spec, X):
    """The mean of the nearest training rows that have the value: distances over the columns that both rows have."""
    X, gone = with_nan(spec, X)
    filled, empty, rows = X.copy(), spec["empty"], spec["rows"].astype(np.float64)
    middle = np.where(empty, 0.0, _column_means(rows))
    gaps = np.flatnonzero((gone & ~empty).any(axis=1))
    step = max(1, 16_000_000 // max(1, len(rows)))
    for start in range(0, len(gaps), step):
        block = gaps[start : start + step]
        distances = nan_euclidean(X[block].astype(np.float64) - middle, rows - middle)
        for j in np.flatnonzero(gone[block].any(axis=0) & ~empty):
            at = np.flatnonzero(gone[block, j])
            filled[block[at], j] = mean_of_nearest(spec, X[block[at]], distances[at], j)
    filled[:, empty] = 0.0
    return with_marks(spec, filled, gone)


def mean_of_nearest(spec, X, distances, j):
    rows = spec["rows"]
    donors = np.flatnonzero(~np.isnan(rows[:, j]))
    values, near = rows[donors, j], distances[:, donors]
    k = min(spec["k"], len(donors))
    if k < len(donors):
        found = np.argpartition(np.where(np.isnan(near), np.inf, near), k - 1, axis=1)[:, :k]
        near, values = np.take_along_axis(near, found, axis=1), values[found]
        if spec["by_distance"]:  # without the rounding of the matrix products: an equal row must be at 0
            gap = X[:, None, :].astype(np.float64) - rows[donors[found]]
            there = ~np.isnan(gap)
            with np.errstate(divide="ignore", invalid="ignore"):
                near = np.sqrt((np.where(there, gap, 0.0) ** 2).sum(axis=2) / there.sum(axis=2) * X.shape[1])
    else:
        values = np.broadcast_to(values, near.shape)
    weights = np.ones(near.shape)
    if spec["by_distance"]:
        zero = near == 0
        with np.errstate(divide="ignore"):
            weights = np.where(zero.any(axis=1)[:, None], zero, 1.0 / near)
    weights = np.where(np.isnan(near), 0.0, weights)
    total = weights.sum(axis=1)
    means = (weights * values).sum(axis=1) / np.where(total > 0, total, 1.0)
    return np.where(total > 0, means, rows[donors, j].mean())
