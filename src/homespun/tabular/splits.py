"""The folds: rows that belong together stay together, the past predicts the future, and classes keep their shares.

Asked for, or decided by evidence and said:
    time       the column `time`; or a date by which the rows are sorted while neighbours have like targets (a series)
    group      the column `group`; or an identifier whose values repeat (rows of one order, one customer)
    together   rows whose features are all equal: one of them in training would tell the model the other
    strata     the column `stratify`; classes; tenths of a number target
"""

from __future__ import annotations

import re

import numpy as np

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data.table import Decision
from homespun.model_selection import BalancedKFold, ForwardSplit

_GROUP_NAME = re.compile(
    r"(?i)(^|.*[_\s])(order|customer|client|user|patient|subject|person|household|account|session|invoice|store|member|group)"
    r"([_\s]?(id|no|nr|number|key))$"
)


def find_time_and_group(frame, target, *, time, group, stratify) -> tuple[str | None, str | None, list[Decision]]:
    """`time` and `group`, checked; where none is asked for, those that the evidence asks for."""
    for option, name in (("time", time), ("group", group), ("stratify", stratify)):
        if name is not None and name not in frame.columns:
            hint = did_you_mean(name, frame.columns)
            raise ParameterError(
                f"fit: {option}={name!r} is no column of the table" + (f"; {hint}" if hint else ""),
                operation="fit",
                operands={option: name},
                rule="a column of the table",
                suggestion=hint,
            )
    for option, name in (("time", time), ("group", group)):
        if name == target.name:
            raise ParameterError(
                f"fit: {option}={name!r} is the target: folds that are cut by what is to be predicted say nothing about it",
                operation="fit",
                operands={option: name, "target": name},
                rule="another column than the target",
                suggestion="stratify" if option == "group" else None,
            )
    if time is not None and (group is not None or stratify is not None):
        raise ParameterError(
            "fit: time cannot be combined with group or stratify: folds in time are cut by the clock alone",
            operation="fit",
            operands={"time": time, "group": group, "stratify": stratify},
            rule="one of them",
        )
    if time is not None or group is not None:
        return time, group, []
    if stratify is None:
        found = _series(frame, target)
        if found:
            name, likeness = found
            return name, None, [Decision(name, "folds", "in time", f"the rows are sorted by it, and the target of a row is "
                                         f"like that before it (correlation {likeness:.2f}): random folds would look it up")]
    for name in frame.columns:
        if name == target.name or not _GROUP_NAME.match(str(name)):
            continue
        distinct, present = frame[name].nunique(), int(frame[name].notna().sum())
        if 20 <= distinct <= 0.7 * present and present == len(frame):
            return None, name, [Decision(name, "folds", "by group", f"its name, and {distinct} values in {present} rows: rows "
                                         "of one value may belong together, so none is in training and test")]
    return None, None, []


def _series(frame, target) -> tuple[str, float] | None:
    """A date column in whose order the rows lie, if a number target follows its own past there."""
    if target.classes is not None or len(frame) < 30:
        return None
    for name in frame.columns:
        column = frame[name]
        if name == target.name or column.dtype.kind != "M" or column.isna().any() or column.nunique() < 0.9 * len(column):
            continue
        if column.is_monotonic_increasing or column.is_monotonic_decreasing:
            ranks = np.argsort(np.argsort(target.values, kind="stable"), kind="stable").astype(np.float64)
            likeness = float(np.corrcoef(ranks[1:], ranks[:-1])[0, 1])
            if likeness > 0.5:
                return name, likeness
    return None


def make_folds(frame, target, *, time, group, stratify, folds: int, random_state, features=None):
    """[(training rows, test rows), …] for the typed frame of the rows that have a target, and the decisions.

    `features`: the columns that make two rows equal; None looks at all but the target.
    """
    n, decisions = len(frame), []
    if n < 2 * folds:
        decisions.append(Decision(None, "folds", max(2, n // 2), f"{n} rows are too few for {folds} folds"))
        folds = max(2, n // 2)
    if time is not None:
        return _forward(frame, time, folds, decisions), decisions
    rng_seed = _seed(random_state)
    strata = _strata_of(frame, target, stratify, folds, decisions)
    if target.classes is not None and len(target.classes) == 2:  # an AUC needs both classes in each test fold
        smallest = int(np.bincount(target.values).min())
        if smallest < folds:
            decisions.append(Decision(None, "folds", max(2, smallest), f"the rarest class has {smallest} rows"))
            folds = max(2, smallest)
    together = None
    if group is not None:
        together = np.unique(_words(frame[group]), return_inverse=True)[1]
        found = int(together.max()) + 1
        if found < 2:
            raise DataError(
                f"fit: group={group!r} has one value in all rows; folds need at least two groups",
                operation="fit",
                operands={"group": group},
                rule="at least two groups",
            )
        folds = min(folds, found)
        decisions.append(Decision(None, "folds", "by group", f"{found} groups of {group!r}, each in one fold"))
    equal = equal_rows(frame, features if features is not None else [c for c in frame.columns if c != target.name], folds)
    if equal is not None:
        merged = equal if together is None else _merge(together, equal)
        before = 0 if together is None else np.bincount(together).max()
        if merged.max() + 1 >= folds and (together is None or np.bincount(merged).max() <= max(n / folds, before)):
            rows = int((np.bincount(equal)[equal] > 1).sum())
            together = merged
            decisions.append(Decision(None, "folds", "equal rows together", f"{rows} rows have the same features as another; "
                                      "one in training would tell the model the other"))
    splitter = BalancedKFold(folds, random_state=rng_seed)
    split = list(splitter.split(np.zeros(n), strata, together))
    if target.classes is not None:
        for train, _ in split:
            if len(np.unique(target.values[train])) < len(target.classes):
                raise DataError(
                    f"fit: a training fold lacks a class of {target.name!r}; fewer folds or other groups are needed",
                    operation="fit",
                    operands={"folds": folds, "group": group, "time": time},
                    rule="every class in every training fold",
                )
    return split, decisions


def _forward(frame, time, folds, decisions):
    """Each test fold after its training rows; equal times stay together."""
    column = frame[time]
    if column.dtype.kind not in "Miuf":
        raise DataError(
            f"fit: time={time!r} is text; a date or a number is needed",
            operation="fit",
            operands={"time": time},
            rule="a column of dates or numbers",
        )
    if column.isna().any():
        raise DataError(
            f"fit: time={time!r} is missing in {int(column.isna().sum())} rows",
            operation="fit",
            operands={"time": time, "missing": int(column.isna().sum())},
            rule="a time for every row",
        )
    if column.nunique() < 2:
        raise DataError(f"fit: time={time!r} is the same in all rows; a past and a future need at least two times",
                        operation="fit", operands={"time": time}, rule="at least two times")
    split = list(ForwardSplit(min(folds, len(frame) - 1)).split(column, groups=column.to_numpy()))
    decisions.append(
        Decision(None, "folds", "in time", f"each of {len(split)} test folds lies after its training rows by {time!r}")
    )
    return split


def equal_rows(frame, features, folds: int) -> np.ndarray | None:
    """Codes that are the same for rows with equal features; None where no two are, or where being equal is no surprise.

    A table of few columns with few values has equal rows by right: keeping them together would test on rare rows only.
    """
    if not len(features):
        return None
    groups = frame.groupby(list(features), dropna=False, sort=False).ngroup().to_numpy()
    sizes = np.bincount(groups)
    if sizes.max() == 1 or len(sizes) < 0.5 * len(frame) or sizes.max() > len(frame) / (2 * folds):
        return None
    return groups


def _merge(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Codes of the rows that hang together by either of two groupings."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = int(one.max()) + 1, int(other.max()) + 1
    links = coo_array((np.ones(len(one)), (one, a + other)), shape=(a + b, a + b))
    return connected_components(links, directed=False)[1][one]


def _strata_of(frame, target, stratify, folds, decisions):
    """Codes whose shares each fold should have."""
    if stratify is None:
        if target.classes is not None:
            why = f"each fold has the same shares of the {len(target.classes)} classes"
            decisions.append(Decision(None, "folds", "stratified", why))
            return target.values
        if len(frame) < 10 * folds:
            return None
        decisions.append(Decision(None, "folds", "stratified", "each fold has the same shares of the tenths of the target"))
        return _bins(target.values, 10)
    strata = _strata(frame[stratify])
    rare = np.flatnonzero(np.bincount(strata) < folds)
    if len(rare):  # strata too small for every fold share one
        strata = np.where(np.isin(strata, rare), strata.max() + 1, strata)
        decisions.append(
            Decision(stratify, "strata", f"{len(rare)} rare values share one", f"they have fewer than {folds} rows")
        )
    decisions.append(Decision(None, "folds", "stratified", f"each fold has the same shares of {stratify!r}"))
    if target.classes is not None:  # of the classes as well: a fold without one could not be scored
        return np.unique(strata, return_inverse=True)[1] * len(target.classes) + target.values
    return np.unique(strata, return_inverse=True)[1]


def _strata(column) -> np.ndarray:
    """A number column by its quintiles, anything else by its values."""
    if column.dtype.kind in "fM" or (column.dtype.kind in "iu" and column.nunique() > 20):
        return _bins(column.rank(method="average", pct=True).fillna(0.0).to_numpy(), 5)
    return np.unique(_words(column), return_inverse=True)[1]


def _bins(values, count: int) -> np.ndarray:
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, count + 1)[1:-1]))
    return np.searchsorted(edges, values, side="left")


def _words(column) -> np.ndarray:
    return np.array(["" if value != value or value is None else str(value) for value in column.tolist()])


def _seed(random_state):
    from homespun.base.random import seed_from

    return None if random_state is None else seed_from(random_state) % 2**32
