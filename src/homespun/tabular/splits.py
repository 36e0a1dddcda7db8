"""The folds: rows that belong together stay together, the past predicts the future, and classes keep their shares."""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data.table import Decision


def make_folds(frame, target, *, time, group, stratify, folds: int, random_state) -> tuple[list, list[Decision]]:
    """[(training rows, test rows), …] for the typed frame of the rows that have a target."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

    n, decisions = len(frame), []
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
    if time is not None and (group is not None or stratify is not None):
        raise ParameterError(
            "fit: time cannot be combined with group or stratify: folds in time are cut by the clock alone",
            operation="fit",
            operands={"time": time, "group": group, "stratify": stratify},
            rule="one of them",
        )
    if n < 2 * folds:
        decisions.append(Decision(None, "folds", max(2, n // 2), f"{n} rows are too few for {folds} folds"))
        folds = max(2, n // 2)
    blank = np.zeros((n, 1))
    if time is not None:
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
        order = np.argsort(column.to_numpy(), kind="stable")
        split = [
            (order[train], order[test]) for train, test in TimeSeriesSplit(n_splits=min(folds, n - 1)).split(blank)
        ]
        decisions.append(
            Decision(
                None, "folds", "in time", f"each of {len(split)} test folds lies after its training rows by {time!r}"
            )
        )
        return split, decisions

    strata = None
    if stratify is not None:
        strata = _strata(frame[stratify])
    elif target.classes is not None:
        strata = target.values
    if strata is not None:
        counts = np.bincount(strata)
        rare = np.flatnonzero(counts < folds)
        if target.classes is not None and stratify is None and len(rare):
            smallest = int(counts[counts > 0].min())
            fewer = max(2, smallest)
            decisions.append(Decision(None, "folds", fewer, f"the rarest class has {smallest} rows"))
            folds = fewer
        elif len(rare):  # strata too small for every fold share one
            strata = np.where(np.isin(strata, rare), counts.size, strata)
            strata = np.unique(strata, return_inverse=True)[1]
            decisions.append(
                Decision(stratify, "strata", f"{len(rare)} rare values share one", f"they have fewer than {folds} rows")
            )
            if np.bincount(strata).min() < folds:
                strata = np.where(strata == strata.max(), 0, strata)
    if group is not None:
        groups = np.unique(_words(frame[group]), return_inverse=True)[1]
        if groups.max() + 1 < 2:
            raise DataError(
                f"fit: group={group!r} has one value in all rows; folds need at least two groups",
                operation="fit",
                operands={"group": group},
                rule="at least two groups",
            )
        folds = min(folds, int(groups.max()) + 1)
        if strata is None:
            split = list(
                GroupKFold(n_splits=folds, shuffle=True, random_state=_seed(random_state)).split(blank, groups=groups)
            )
        else:
            split = list(
                StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=_seed(random_state)).split(
                    blank, strata, groups
                )
            )
        decisions.append(
            Decision(None, "folds", "by group", f"{groups.max() + 1} groups of {group!r}, each in one fold")
        )
    elif strata is not None:
        split = list(
            StratifiedKFold(n_splits=folds, shuffle=True, random_state=_seed(random_state)).split(blank, strata)
        )
        if stratify is not None:
            decisions.append(Decision(None, "folds", "stratified", f"each fold has the same shares of {stratify!r}"))
    else:
        split = list(KFold(n_splits=folds, shuffle=True, random_state=_seed(random_state)).split(blank))
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


def _strata(column) -> np.ndarray:
    """A number column by its quintiles, anything else by its values."""
    if column.dtype.kind in "fM" or (column.dtype.kind in "iu" and column.nunique() > 20):
        ranks = column.rank(method="average", pct=True).fillna(0.0).to_numpy()
        return np.maximum(np.ceil(ranks * 5).astype(np.int64) - 1, 0)
    return np.unique(_words(column), return_inverse=True)[1]


def _words(column) -> np.ndarray:
    return np.array(["" if value != value or value is None else str(value) for value in column.tolist()])


def _seed(random_state):
    from homespun.base.random import seed_from

    return None if random_state is None else seed_from(random_state) % 2**32
