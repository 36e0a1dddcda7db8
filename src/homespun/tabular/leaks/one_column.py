"""Leaks of one column: it holds the target, tells it by being there, numbers the rows by it, or was entered after it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from homespun.tabular.alone import bins_of, levels_of
from homespun.tabular.leaks.columns import Columns, first_number, is_identifier, numbers_in
from homespun.tabular.leaks.finding import FEWEST, NOT_KNOWN, Leak, enough_for, measure_of


def exact_copies(table: Columns, blamed) -> Iterator[Leak]:
    """y = a x or y = x + b with the same a or b in many rows: a copy, a unit, a copy in a part of the rows."""
    goal = table.goal
    if goal.task != "regression" or len(np.unique(goal.values)) < 0.2 * table.n:
        return  # few values are equal by chance
    y = goal.values
    for name in table.names:
        for label, x in numbers_in(table, name):
            fit = np.isfinite(x) & (x != 0) & (y != 0)
            if fit.sum() < FEWEST // 2 or len(np.unique(x[fit])) < 10:
                continue
            for how, relation in (("times", y[fit] / x[fit]), ("plus", y[fit] - x[fit])):
                size = relation if how == "times" else y[fit]  # what a difference is small against
                share, constant = _most_common(relation, y[fit], float(np.median(np.abs(size))) * 1e-4)
                if share >= 0.05 and share * fit.sum() >= 20:
                    same = (how, constant) in (("times", 1.0), ("plus", 0.0))
                    told = "equals the target" if same else f"{how} {constant:.6g} is the target"
                    evidence = f"{label}{told} in {share:.0%} of the {fit.sum()} rows that have both"
                    yield Leak("copy", (name,), evidence, NOT_KNOWN, True)
                    break


def _most_common(relation: np.ndarray, y: np.ndarray, step: float) -> tuple[float, float]:
    """Share and value of the commonest result, up to `step`."""
    if not step > 0:
        return 0.0, 0.0
    near = np.round(relation / step)
    value, count = np.unique(near, return_counts=True)
    top = value[count.argmax()]
    same = near == top
    if len(np.unique(y[same])) < 0.5 * same.sum():  # the same pair again and again, not a relation
        return 0.0, 0.0
    # Where results are crowded some agree by chance: the neighbours on both sides say how many
    beside = ((np.abs(near - top) < 10.5) & ~same).sum() / 20.0
    return float(max(same.sum() - 3.0 * beside, 0.0) / len(y)), float(np.median(relation[same]))


def single_columns(table: Columns, blamed) -> Iterator[Leak]:
    """The power of each column alone: its values, its levels, whether it is there at all."""
    goal, enough = table.goal, enough_for(table.goal)
    for name in table.names:
        if name in blamed or table.distinct(name) < 2:
            continue
        present = table.present(name)
        gaps = int(table.n - present.sum())
        if 10 <= gaps <= table.n - 10:
            power = goal.power(present.astype(np.int64))
            if power >= enough:
                evidence = f"whether it is filled in predicts the target ({measure_of(goal)} {power:.3f})"
                yield Leak("missing", (name,), evidence, NOT_KNOWN)
                continue
        if is_identifier(table, name):
            continue
        power, rows = _best_power(table, name, present)
        if power >= enough:
            part = "" if rows == table.n else f" in the {rows} rows that have it"
            yield Leak("copy", (name,), f"alone it predicts the target{part} ({measure_of(goal)} {power:.3f})", NOT_KNOWN)


def _best_power(table: Columns, name: str, present: np.ndarray) -> tuple[float, int]:
    """Over all rows, and over those where the column is filled in; as number and as levels."""
    goal = table.goal
    codes = [table.codes(name)] if table.distinct(name) <= max(table.n // 5, 2) else []
    if table.kind(name) != "text":
        codes.append(bins_of(table.numbers(name)))
    best = max(((goal.power(one), table.n) for one in codes), default=(0.0, table.n))
    filled = int(present.sum())
    if FEWEST <= filled < table.n and filled >= 0.05 * table.n:
        part = goal.rows(present)
        best = max([best, *((part.power(one[present]), filled) for one in codes)])
    return best


def identifiers(table: Columns, blamed) -> Iterator[Leak]:
    """An identifier's number, its beginning and its end should say nothing."""
    goal = table.goal
    enough = 0.5  # far less than elsewhere: it has no honest reason to say anything
    for name in table.names:
        if name in blamed or not is_identifier(table, name):
            continue
        if table.kind(name) == "number":
            x = table.numbers(name)
            parts = {"its size": bins_of(x), "its last digit": (np.abs(np.nan_to_num(x)) % 10).astype(np.int64)}
        else:
            texts = table.texts(name)
            first = texts.map(lambda text: first_number(text.replace("-", " "))).to_numpy(np.float64)
            parts = {"its number": bins_of(first), "its first characters": levels_of(texts.str[:2]),
                     "its last character": levels_of(texts.str[-1:])}
        power, part = max((goal.power(codes), part) for part, codes in parts.items())
        if power >= enough:
            yield Leak("identifier", (name,), f"{part} predicts the target ({measure_of(goal)} {power:.3f})",
                       "drop it: numbers of new rows will not know the target")


def levels_apart(table: Columns, blamed) -> Iterator[Leak]:
    """A level whose rows all lie above, or below, all others: it was made from the amount."""
    goal = table.goal
    if goal.task != "regression":
        return
    y = goal.values
    for name in table.names:
        if name in blamed or table.kind(name) == "date" or not 2 <= table.distinct(name) <= 50:
            continue
        codes = table.codes(name)
        levels = [y[codes == level] for level in range(codes.max() + 1)]
        levels = sorted((one for one in levels if len(one) >= 20), key=np.median)
        if len(levels) < 2 or sum(map(len, levels)) < 0.9 * table.n:
            continue
        if all(low.max() <= high.min() for low, high in pairwise(levels)):
            evidence = f"its {len(levels)} levels cut the target into ranges that do not overlap"
            yield Leak("copy", (name,), evidence, NOT_KNOWN, True)


def pure_values(table: Columns, blamed) -> Iterator[Leak]:
    """One value that most rows of a class have, and next to none of the others."""
    goal = table.goal
    if goal.task != "classification":
        return
    classes = goal.columns.shape[1]
    size = goal.columns.sum(0)
    for name in table.names:
        if name in blamed or table.distinct(name) < 2:
            continue
        codes = table.codes(name)
        count = np.bincount(codes * classes + goal.values, minlength=(codes.max() + 1) * classes).reshape(-1, classes)
        level, k = np.unravel_index((count / size).argmax(), count.shape)
        inside, outside = count[level, k], count[level].sum() - count[level, k]
        if inside >= 20 and inside >= 0.8 * size[k] and outside <= 0.01 * (table.n - size[k]):
            value = table.frame[name].iloc[int(np.flatnonzero(codes == level)[0])]
            yield Leak("known later", (name,), f"the value {value!r} stands in {inside / size[k]:.0%} of one class and "
                       f"{outside / max(table.n - size[k], 1):.1%} of the others", NOT_KNOWN)
