"""Leaks of rows: files sorted by the target, repeated rows, several rows of one customer, dates that come too late."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from homespun.tabular.alone import bins_of, levels_of
from homespun.tabular.leaks.columns import ENTITY, Columns, are_codes, numbers_the_rows
from homespun.tabular.leaks.finding import NOT_KNOWN, Leak, measure_of


def row_order(table: Columns, blamed) -> Iterator[Leak]:
    """Files that are sorted by the target."""
    power = table.goal.power(bins_of(np.arange(table.n, dtype=np.float64)))
    if power >= 0.8:
        evidence = f"the position in the file predicts the target ({measure_of(table.goal)} {power:.3f}): it is sorted by it"
        yield Leak("row order", (), evidence,
                   "folds are shuffled; never make the row number a feature, and never take the last rows as the test")


def repeated_rows(table: Columns, blamed) -> Iterator[Leak]:
    """Rows that agree in the target and in all columns, but perhaps identifiers and one number, more often than by chance."""
    import pandas as pd

    # identifiers are left out: a case that was typed in again has a new one
    names = [name for name in table.names if not numbers_the_rows(table, name)]
    codes = {name: table.codes(name) for name in names}
    codes["the target"] = levels_of(table.goal.values)
    # the chance that two rows agree, if columns were independent
    chance = {name: float(((np.bincount(column) / table.n) ** 2).sum()) for name, column in codes.items()}
    # a row is known by the sum of a random number for each of its values: to leave a column out, its own is subtracted
    rng = np.random.default_rng(0)
    number = {name: rng.integers(2**64, size=column.max() + 1, dtype=np.uint64)[column] for name, column in codes.items()}
    whole = np.sum(list(number.values()), axis=0, dtype=np.uint64)
    for left_out in (None, *(name for name in names if table.kind(name) == "number" and table.distinct(name) > 20)):
        kept = [name for name in codes if name != left_out]
        again = pd.Series(whole if left_out is None else whole - number[left_out]).duplicated().to_numpy()
        expected = table.n * min(float(np.prod([chance[name] for name in kept])) * table.n, 1.0)
        # dependence makes agreement likelier than the product says: a hundred times is asked for
        if again.sum() < max(20, 0.02 * table.n) or again.sum() < 100.0 * expected or again.mean() > 0.9:
            continue
        which = table.goal.values[again]
        one = table.goal.task == "classification" and len(np.unique(which)) == 1 and len(which) >= 20
        besides = "" if left_out is None else f" but for {left_out!r}"
        skipped = len(table.names) - len(names)
        besides += f" (identifiers apart: {skipped})" if skipped else ""
        yield Leak("repeated rows", (), f"{again.sum()} rows repeat another one{besides}{', all of one class' if one else ''}",
                   "the same case would stand in training and test: keep one of each, and balance classes inside the folds only")
        return


def groups_alike(table: Columns, blamed) -> Iterator[Leak]:
    """A column that names customers (patients, devices …), each with several rows whose targets are alike."""
    for name in table.names:
        if name in blamed or table.kind(name) == "date":
            continue
        groups = table.distinct(name)
        if not (30 <= groups <= table.n // 2):
            continue
        named = bool(ENTITY.search(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
        coded = table.kind(name) == "text" and are_codes(table.texts(name))
        if not (named or coded):
            continue
        power = table.goal.power(table.codes(name))
        if power >= 0.5:
            yield Leak("groups", (name,), f"its {groups} values have {table.n / groups:.1f} rows each, whose targets are alike "
                       f"({measure_of(table.goal)} {power:.2f})", f"keep the rows of one {name} together: group={name!r}")


def dates_after(frame, names, time: str) -> Iterator[Leak]:
    """Dates after the moment of the row: they were not known then."""
    for name in names:
        if frame[name].dtype.kind != "M":
            continue
        both = frame[name].notna() & frame[time].notna()
        later = (frame[name] > frame[time]) & both
        if both.sum() >= 20 and later.sum() > 0.5 * both.sum():
            yield Leak("known later", (name,), f"in {later.sum() / both.sum():.0%} of the rows it lies after {time!r}", NOT_KNOWN)
