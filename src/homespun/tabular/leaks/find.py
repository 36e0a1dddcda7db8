"""Leaks: columns and rows that know the target in a way that a new row will not.

A finding is a suspicion with its evidence; whether a column will be known at prediction time is for people to say. The checks,
from single columns to rows (kinds after Kaufman et al. 2012, "Leakage in data mining", ACM TKDD 6(4)):

    copy            a column alone predicts the target all but perfectly, or holds it exactly in a part of the rows
    missing         whether a value is there at all tells the class
    known later     one value stands for a class; a date that lies after the moment of prediction
    identifier      a number or code that should say nothing knows the target
    combination     two columns together give the target: by arithmetic, or as a pair of levels
    row order       the position in the file knows the target
    repeated rows   rows that are equal or almost equal where chance would not make them so
    groups          rows of one customer (patient, device, …) are alike and stand in training and test

Thresholds are set for a false alarm on fewer than one honest table in twenty; nothing is removed without being asked.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, did_you_mean
from homespun.tabular.alone import Target, levels_of
from homespun.tabular.leaks import one_column, rows, two_columns
from homespun.tabular.leaks.columns import Columns
from homespun.tabular.leaks.finding import FEWEST, Leak

MOST = 100_000  # rows that are looked at: a sample tells as much
BY_COLUMN = (  # in this order: a column that was found is not tried again
    one_column.exact_copies, one_column.single_columns, one_column.identifiers, one_column.levels_apart,
    one_column.pure_values, two_columns.arithmetic, two_columns.pairs_of_levels,
)
BY_ROW = (rows.row_order, rows.repeated_rows)


def find_leaks(frame, target: str, task: str = "auto", *, time: str | None = None, group: str | None = None) -> list[Leak]:
    """Columns and rows that may know the target before it is known.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, d)
        Typed, as `homespun.data.read` returns it; the target is one of its columns.
    target : str
    task : {"auto", "regression", "classification"}, default="auto"
        "auto": numbers with more than 20 values are an amount.
    time, group : str, optional
        Columns by which the folds are made: their part is done, so they are not reported.

    Returns
    -------
    list of Leak
        The most certain first.

    Raises
    ------
    DataError
        No such column.

    Examples
    --------
    >>> from homespun.datasets import used_cars
    >>> import homespun as hs
    >>> cars = hs.read(used_cars(400)).frame
    >>> cars["price_with_tax"] = cars["price"] * 1.2
    >>> [(leak.kind, leak.columns) for leak in find_leaks(cars, "price")]
    [('copy', ('price_with_tax',))]
    """
    if target not in frame.columns:
        near = did_you_mean(target, list(frame.columns))
        raise DataError(
            f"find_leaks: no column {target!r}" + (f"; {near}" if near else ""),
            operation="find_leaks",
            operands={"target": target},
            rule="one of the columns",
            suggestion=near,
        )
    known = frame[frame[target].notna()]
    if len(known) < FEWEST or known[target].nunique() < 2:
        return []
    if len(known) > MOST:  # in the order of the file, which is one of the things that are looked at
        known = known.iloc[np.sort(np.random.default_rng(0).choice(len(known), size=MOST, replace=False))]
    number = known[target].dtype.kind in "iuf"
    if task == "auto":
        task = "regression" if number and known[target].nunique() > 20 else "classification"
    values = known[target].to_numpy(np.float64) if task == "regression" else levels_of(known[target])
    goal = Target(values, task)
    # "price (km)" is the reader's own column: which of the target's texts had a word behind the number
    names = [name for name in known.columns if name not in (target, time, group) and not str(name).startswith(f"{target} (")]
    table = Columns(known, names, goal)
    found: dict[tuple, Leak] = {}
    blamed: set[str] = set()
    for check in BY_COLUMN:
        for leak in check(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
            blamed.update(leak.columns)
    for check in BY_ROW:
        for leak in check(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
    if group is None:
        for leak in rows.groups_alike(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
    if time is not None and frame[time].dtype.kind == "M":
        for leak in rows.dates_after(known, names, time):
            found.setdefault((leak.kind, leak.columns), leak)
    return sorted(found.values(), key=lambda leak: not leak.certain)
