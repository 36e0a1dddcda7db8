"""Columns into numbers: scales, missing values, categories, dates, flags."""

import numpy as np

from homespun.persist.runner.core import columns_of, is_none, matrix, part, size


@part
def standard_scaler(spec, X):
    X = matrix(X)
    X = X if spec["mean"] is None else X - spec["mean"].astype(X.dtype)
    return X if spec["scale"] is None else X / spec["scale"].astype(X.dtype)


@part
def min_max_scaler(spec, X):
    X = matrix(X)
    X = X * spec["scale"].astype(X.dtype) + spec["min"].astype(X.dtype)
    return np.clip(X, *spec["clip"]) if spec["clip"] else X


# -- missing values --------------------------------------------------------------------------------------------------------


def missing(X, marker):
    """Where a value is missing: NaN, None, or equal to the marker."""
    if X.dtype.kind == "O":
        if marker is None:
            return is_none(X)
        return np.array(X != X if marker != marker else marker == X, dtype=bool)
    if marker is None:
        return np.zeros(X.shape, dtype=bool)
    return np.isnan(X) if marker != marker else marker == X


def objects_or_numbers(spec, X):
    """The matrix as objects where the imputer was fitted to text."""
    if not spec["text"]:
        return matrix(X)
    return np.column_stack([values.astype(object) for values in columns_of(X)])


@part
def simple_imputer(spec, X):
    X = objects_or_numbers(spec, X)
    marks = missing(X, spec["marker"])
    filled = X[:, spec["kept"]]
    rows, places = np.nonzero(marks[:, spec["kept"]])
    filled[rows, places] = spec["fill"][spec["kept"]][places]
    if spec["marked"] is None:
        return filled
    return np.hstack([filled, marks[:, spec["marked"]].astype(filled.dtype)])


@part
def missing_indicator(spec, X):
    return missing(objects_or_numbers(spec, X), spec["marker"])[:, spec["features"]]


# -- categories --------------------------------------------------------------------------------------------------------------


def is_nan(value):
    return isinstance(value, (float, np.floating)) and value != value


def index_of(known):
    """The place of each known value, and that of NaN (-1 where it is none of them)."""
    place = {value: code for code, value in enumerate(known.tolist()) if not is_nan(value)}
    return place, next((code for code, value in enumerate(known.tolist()) if is_nan(value)), -1)


def lookup(spec, X):
    """For each column: index of each row's value among its known ones, -1 where it is none of them."""
    if "indexes" not in spec:  # made once: thousands of categories would cost more than the rest of a row
        spec["indexes"] = [index_of(known) for known in spec["categories"]]
    for values, (place, nan) in zip(columns_of(X), spec["indexes"]):
        given = values.tolist()
        found = np.array([place.get(value, -1) for value in given], dtype=np.int64)
        if nan >= 0:  # NaN is not equal to itself
            for i in np.flatnonzero(found < 0):
                found[i] = nan if is_nan(given[i]) else -1
        yield values, found


def places(spec, X):
    """For each column: the output of each row's category by the column's table, and which rows hold an unknown one."""
    for j, ((values, found), table) in enumerate(zip(lookup(spec, X), spec["tables"])):
        if spec["unknown"] == "error" and (found < 0).any():
            raise ValueError(f"column {j} holds {values[found < 0][0]!r}, which the training data did not have")
        yield j, table[found] if len(table) else np.zeros(len(found)), found < 0


@part
def one_hot(spec, X):
    """A 1 in the column of the row's category; none where the category has no column."""
    out = np.zeros((size(X), spec["width"]), dtype=spec["dtype"])
    for j, column, unknown in places(spec, X):
        column = np.where(unknown, -1 if spec["unknown"] == "error" else spec["unknown"][j], column).astype(np.int64)
        rows = np.flatnonzero(column >= 0)
        out[rows, column[rows]] = 1
    return out


@part
def ordinal(spec, X):
    out = np.empty((size(X), len(spec["tables"])), dtype=spec["dtype"])
    for j, code, unknown in places(spec, X):
        out[:, j] = code if spec["unknown"] == "error" else np.where(unknown, spec["unknown"], code)
    return out


@part
def target_means(spec, X):
    """The mean target of each row's category, of each class in a column of its own."""
    found = []
    for (_, index), table in zip(lookup(spec, X), spec["tables"]):
        found.append(np.vstack([table, spec["unknown"]])[index])  # an unknown category: -1, the last row
    return np.hstack(found)


def lost(value):
    return value is None or value != value


@part
def rare_levels(spec, X):
    """Levels that were rare, and new ones, under the name of the others; missing ones under theirs, or as they are."""
    if "sets" not in spec:  # made once: thousands of levels would cost more than the rest of a row
        spec["sets"] = [None if kept is None else ({level for level in kept.tolist() if not lost(level)}, set(known.tolist()))
                        for kept, known in zip(spec["kept"], spec["known"])]
    out = []
    for j, (values, sets) in enumerate(zip(columns_of(X), spec["sets"])):
        if sets is None:
            out.append(values)
            continue
        kept, known = sets
        other = np.nan if spec["other"][j] is None else spec["other"][j]
        named = np.empty(len(values), dtype=object)
        named[:] = given = values.tolist()
        for i in [i for i, value in enumerate(given) if value not in kept]:
            if lost(given[i]):
                named[i] = given[i] if spec["missing"][j] is None else spec["missing"][j]
            elif spec["strict"] and given[i] not in known:
                raise ValueError(f"column {j} holds {given[i]!r}, which the training data did not have")
            else:
                named[i] = other
        out.append(named)
    return np.column_stack(out)


# -- dates and flags ------------------------------------------------------------------------------------------------------------


def days_of(values):
    """Days since 1970-01-01: of numbers, of datetime64, of ISO text."""
    if values.dtype.kind in "iufb":
        return values.astype(np.float64)
    found = np.full(len(values), np.nan)
    for i, value in enumerate(values.tolist() if values.dtype.kind == "O" else values):
        if isinstance(value, (int, float)):
            found[i] = value
        elif value is not None:
            moment = np.datetime64(value, "us")
            found[i] = np.nan if np.isnat(moment) else float(moment.astype(np.int64)) / 86_400_000_000.0
    return found


@part
def date_parts(spec, X):
    out = []
    for j, values in enumerate(columns_of(X)):
        days = days_of(values)
        gone = np.isnan(days)
        whole = np.floor(np.where(gone, 0.0, days))
        day = whole.astype(np.int64).astype("datetime64[D]")
        year, month = day.astype("datetime64[Y]"), day.astype("datetime64[M]")
        found = {
            "year": year.astype(np.int64) + 1970,
            "month": month.astype(np.int64) % 12 + 1,
            "day": (day - month).astype(np.int64) + 1,
            "weekday": (whole.astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
            "day_of_year": (day - year).astype(np.int64) + 1,
            "hour": np.floor((days - whole) * 24.0 + 1e-9),
            "age": spec["reference"][j] - days,
        }
        out += [np.where(gone, np.nan, found[name]) for name in spec["parts"]]
    return np.column_stack(out)


@part
def flags(spec, X):
    """ON, OFF, NotAvailable → 1, -1, 0."""
    out = []
    for values in columns_of(X):
        if values.dtype.kind in "iufb":
            out.append(values.astype(np.float64))
            continue
        found = np.full(len(values), np.nan)
        for i, value in enumerate(values.tolist()):
            if isinstance(value, (int, float)):
                found[i] = value
            elif value is not None:
                word = str(value).strip().lower()
                if word not in spec["missing"] and word not in spec["values"] and spec["strict"]:
                    raise ValueError(f"{value!r} is no flag")
                found[i] = spec["values"].get(word, np.nan)
        out.append(found)
    return np.column_stack(out)
