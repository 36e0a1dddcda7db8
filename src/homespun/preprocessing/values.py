"""The values of a column: which are distinct, in what order, and where each of them stands.

Distinct values are sorted, then None, then NaN. Numbers are looked up by bisection, everything else by hash, once a value.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError


class MixedKindsError(DataError, TypeError):
    """Values that cannot be compared with each other. scikit-learn raises a TypeError here; ours is a DataError too."""


def column_values(series) -> np.ndarray:
    """A dataframe column as an array: numbers as numbers, all else as objects."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return series.to_numpy()
    if isinstance(dtype, np.dtype):
        return series.to_numpy(dtype=object)
    values = series.to_numpy(dtype=object, na_value=np.nan)  # pandas.NA is NaN to us
    if getattr(dtype, "kind", "O") in "iufb" and not series.isna().any():
        return values.astype(bool if dtype.kind == "b" else dtype.kind)
    return values


def is_nan(value) -> bool:
    return isinstance(value, (float, np.floating)) and value != value


def distinct_values(column: np.ndarray) -> np.ndarray:
    """Sorted distinct values; None and then NaN last."""
    if column.dtype.kind != "O":
        return np.unique(column)  # NaN last, once
    seen = set(hashable(column))
    has_none = None in seen
    has_nan = any(is_nan(value) for value in seen)
    plain = [value for value in seen if value is not None and not is_nan(value)]
    try:
        plain.sort()
    except TypeError:
        kinds = sorted({type(value).__qualname__ for value in plain})
        raise MixedKindsError(
            f"Encoders require their input argument must be uniformly strings or numbers. Got {kinds}",
            operation="fit",
            operands={"kinds": kinds},
            rule="all text, or all numbers",
        ) from None
    return np.array(plain + [None] * has_none + [np.nan] * has_nan, dtype=object)


class _Numbers(dict):
    """Value → its number, by order of first appearance."""

    def __missing__(self, value):
        self[value] = number = len(self)
        return number


class _Places(dict):
    """Value → its place; -1 for a value that is not there."""

    def __missing__(self, value):
        return -1


def factorise(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of each value among the distinct values, and these; each value is hashed once.

    >>> factorise(np.array(["b", "a", "b"], dtype=object))
    (array([1, 0, 1]), array(['a', 'b'], dtype=object))
    """
    if column.dtype.kind != "O":
        categories, codes = np.unique(column, return_inverse=True)
        return codes, categories
    numbers = _Numbers()
    try:
        first = np.fromiter(map(numbers.__getitem__, column.tolist()), dtype=np.int64, count=len(column))
    except TypeError:
        hashable(column)  # words it
        raise
    met = np.empty(len(numbers), dtype=object)
    met[:] = list(numbers)
    categories = distinct_values(met)
    return lookup(met, categories)[first], categories


def hashable(column: np.ndarray) -> list:
    """The values of an object column, after a check that each can be compared (no dicts, no lists)."""
    values = column.tolist()
    try:
        hash(tuple(values))
    except TypeError:
        kind = next(type(value).__qualname__ for value in values if type(value).__hash__ is None)
        raise MixedKindsError(
            f"argument must be uniformly strings or numbers (or None, NaN), got a {kind}",
            operation="fit",
            operands={"kinds": [kind]},
            rule="all text, or all numbers",
        ) from None
    return values


def lookup(column: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Index of each value of `column` in `categories`; -1 where it is none of them.

    >>> lookup(np.array(["b", "z"], dtype=object), np.array(["a", "b"], dtype=object))
    array([ 1, -1])
    """
    if column.dtype.kind in "iufb" and categories.dtype.kind in "iufb":
        nan_code = len(categories) - 1 if len(categories) and is_nan(categories[-1]) else -1
        known = categories[:nan_code] if nan_code >= 0 else categories
        if len(known) == 0:
            indices = np.full(len(column), -1, dtype=np.int64)
        else:
            indices = np.minimum(np.searchsorted(known, column), len(known) - 1).astype(np.int64)
            indices[known[indices] != column] = -1
        if column.dtype.kind == "f":
            indices[np.isnan(column)] = nan_code
        return indices
    places = _Places((value, i) for i, value in enumerate(categories.tolist()))
    nan_code = next((i for i, value in enumerate(categories.tolist()) if is_nan(value)), -1)
    values = column.tolist()
    try:
        indices = np.fromiter(map(places.__getitem__, values), dtype=np.int64, count=len(values))
    except TypeError:
        hashable(column)  # words it
        raise
    if nan_code >= 0:  # one NaN is not equal to another, so the table may have missed some
        for i in np.flatnonzero(indices < 0):
            if is_nan(values[i]):
                indices[i] = nan_code
    return indices
