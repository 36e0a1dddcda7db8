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

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from homespun.base.errors import DataError, did_you_mean
from homespun.tabular.alone import Target, bins_of, levels_of

ALL_BUT_PERFECT = 0.99  # power of one column for an amount: R² of ranks
ALL_BUT_PERFECT_CLASS = 0.90  # for a class: Brier skill; an AUC of about 0.99
FEWEST = 50  # rows below which nothing is said
MOST = 100_000  # rows that are looked at: a sample tells as much
_ENTITY = re.compile(r"(^|[^a-z])(customer|client|patient|user|person|account|household|device|sensor|machine|vehicle|store|"
                     r"shop|school|hospital|site|subject|member|policy|company|vin|id|uuid|key)([^a-z]|$)")
_CODE = re.compile(r"[A-Za-z]{0,4}[-_/#]?\d{3,}([-_/]\w+)?")
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


@dataclass(frozen=True)
class Leak:
    """One suspicion.

    Attributes
    ----------
    kind : str
        Of the list at the head of this file.
    columns : tuple of str
        The columns at fault; empty where the rows are.
    evidence : str
        What was seen, with numbers.
    advice : str
        What to do about it.
    certain : bool
        Whether the evidence is exact (equal values, not a high score).
    """

    kind: str
    columns: tuple[str, ...]
    evidence: str
    advice: str
    certain: bool = False

    def __str__(self):
        names = " and ".join(map(repr, self.columns))
        return f"possible leak ({self.kind}){': ' if names else ''}{names}: {self.evidence}; {self.advice}"


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
    table = _Table(known, names, goal)
    found: dict[tuple, Leak] = {}
    blamed: set[str] = set()
    for check in (_exact_copies, _single_columns, _identifiers, _levels_apart, _pure_values, _arithmetic, _pairs):
        for leak in check(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
            blamed.update(leak.columns)
    for check in (_row_order, _repeated_rows):
        for leak in check(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
    if group is None:
        for leak in _groups(table, blamed):
            found.setdefault((leak.kind, leak.columns), leak)
    if time is not None and frame[time].dtype.kind == "M":
        for leak in _dates_after(known, names, time):
            found.setdefault((leak.kind, leak.columns), leak)
    return sorted(found.values(), key=lambda leak: not leak.certain)


class _Table:
    """The columns once as numbers and once as codes, made when asked for."""

    def __init__(self, frame, names, goal: Target):
        self.frame, self.names, self.goal = frame, names, goal
        self.n = len(frame)
        self._numbers: dict[str, np.ndarray] = {}
        self._codes: dict[str, np.ndarray] = {}

    def kind(self, name: str) -> str:
        """number, date or text"""
        return {"i": "number", "u": "number", "f": "number", "b": "number", "M": "date"}.get(self.frame[name].dtype.kind, "text")

    def numbers(self, name: str) -> np.ndarray:
        """As float64, dates as days; text has none."""
        if name not in self._numbers:
            column = self.frame[name]
            if self.kind(name) == "date":
                stamps = column.to_numpy().astype("datetime64[us]")
                self._numbers[name] = np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 86_400e6)
            else:
                self._numbers[name] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return self._numbers[name]

    def codes(self, name: str) -> np.ndarray:
        if name not in self._codes:
            self._codes[name] = levels_of(self.frame[name])
        return self._codes[name]

    def distinct(self, name: str) -> int:
        return int(self.codes(name).max()) + 1

    def present(self, name: str) -> np.ndarray:
        return self.frame[name].notna().to_numpy()

    def texts(self, name: str):
        return self.frame[name].fillna("").astype(str)


def _enough(goal: Target) -> float:
    return ALL_BUT_PERFECT if goal.task == "regression" else ALL_BUT_PERFECT_CLASS


def _measure(goal: Target) -> str:
    return "R² of ranks" if goal.task == "regression" else "skill"


NOT_KNOWN = "will it be known when the prediction is made? If not, drop the column"


# ---------------------------------------------------------------------------------------------------------------------
# One column

def _exact_copies(table: _Table, blamed) -> Iterator[Leak]:
    """y = a x or y = x + b with the same a or b in many rows: a copy, a unit, a copy in a part of the rows."""
    goal = table.goal
    if goal.task != "regression" or len(np.unique(goal.values)) < 0.2 * table.n:
        return  # few values are equal by chance
    y = goal.values
    for name in table.names:
        for label, x in _numbers_in(table, name):
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


def _numbers_in(table: _Table, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """A column's numbers; of a text the first and the last number in it."""
    if table.kind(name) != "text":
        yield "", table.numbers(name)
        return
    texts = table.texts(name)
    sample = texts.iloc[:: max(len(texts) // 200, 1)]
    if sample.str.contains(r"\d").mean() < 0.2:
        return
    found = [_NUMBER.findall(text) for text in texts]
    for label, place in (("the first number in it ", 0), ("the last number in it ", -1)):
        yield label, np.array([_float(numbers[place]) if numbers else np.nan for numbers in found])


def _float(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return np.nan


def _single_columns(table: _Table, blamed) -> Iterator[Leak]:
    """The power of each column alone: its values, its levels, whether it is there at all."""
    goal, enough = table.goal, _enough(table.goal)
    for name in table.names:
        if name in blamed or table.distinct(name) < 2:
            continue
        present = table.present(name)
        gaps = int(table.n - present.sum())
        if 10 <= gaps <= table.n - 10:
            power = goal.power(present.astype(np.int64))
            if power >= enough:
                evidence = f"whether it is filled in predicts the target ({_measure(goal)} {power:.3f})"
                yield Leak("missing", (name,), evidence, NOT_KNOWN)
                continue
        if _is_identifier(table, name):
            continue
        power, rows = _best_power(table, name, present)
        if power >= enough:
            part = "" if rows == table.n else f" in the {rows} rows that have it"
            yield Leak("copy", (name,), f"alone it predicts the target{part} ({_measure(goal)} {power:.3f})", NOT_KNOWN)


def _best_power(table: _Table, name: str, present: np.ndarray) -> tuple[float, int]:
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


def _is_identifier(table: _Table, name: str) -> bool:
    """Almost every value once, and whole numbers or codes."""
    present = table.present(name)
    if table.distinct(name) < 0.9 * present.sum() or present.sum() < FEWEST or table.kind(name) == "date":
        return False
    if table.kind(name) == "number":
        x = table.numbers(name)[present]
        named = _ENTITY.search(name.lower()) or re.search(r"(no|nr|num|number|index)$", name.lower())
        return named is not None and bool((x == np.round(x)).all())
    return _are_codes(table.texts(name)[present])


def _numbers_the_rows(table: _Table, name: str) -> bool:
    """Different in almost every row, and whole: a repeated case gets a new one, too."""
    if table.distinct(name) < 0.95 * table.n:
        return False
    x = table.numbers(name) if table.kind(name) == "number" else None
    return _is_identifier(table, name) if x is None else bool((x == np.round(x)).all())


def _are_codes(texts) -> bool:
    return bool(texts.iloc[:200].map(lambda text: _CODE.fullmatch(text) is not None).mean() > 0.9)


def _identifiers(table: _Table, blamed) -> Iterator[Leak]:
    """An identifier's number, its beginning and its end should say nothing."""
    goal = table.goal
    enough = 0.5  # far less than elsewhere: it has no honest reason to say anything
    for name in table.names:
        if name in blamed or not _is_identifier(table, name):
            continue
        if table.kind(name) == "number":
            x = table.numbers(name)
            parts = {"its size": bins_of(x), "its last digit": (np.abs(np.nan_to_num(x)) % 10).astype(np.int64)}
        else:
            texts = table.texts(name)
            first = texts.map(lambda text: _float((_NUMBER.findall(text.replace("-", " ")) or ["nan"])[0])).to_numpy(np.float64)
            parts = {"its number": bins_of(first), "its first characters": levels_of(texts.str[:2]),
                     "its last character": levels_of(texts.str[-1:])}
        power, part = max((goal.power(codes), part) for part, codes in parts.items())
        if power >= enough:
            yield Leak("identifier", (name,), f"{part} predicts the target ({_measure(goal)} {power:.3f})",
                       "drop it: numbers of new rows will not know the target")


def _levels_apart(table: _Table, blamed) -> Iterator[Leak]:
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


def _pure_values(table: _Table, blamed) -> Iterator[Leak]:
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


# ---------------------------------------------------------------------------------------------------------------------
# Two columns

MOST_PAIRS = 40  # columns whose pairs are tried


def _arithmetic(table: _Table, blamed) -> Iterator[Leak]:
    """y = a + b, a - b, a b or a / b, exactly up to rounding."""
    goal = table.goal
    if goal.task != "regression" or len(np.unique(goal.values)) < 0.2 * table.n:
        return
    names = [name for name in table.names if name not in blamed and table.kind(name) == "number" and table.distinct(name) > 10]
    y = goal.values
    some = np.random.default_rng(0).permutation(table.n)[:200]  # most pairs are ruled out by a few rows
    for first, second in combinations(names[:MOST_PAIRS], 2):
        a, b = table.numbers(first), table.numbers(second)
        for sign, work in (("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide)):
            for left, right, x, z in ((first, second, a, b), (second, first, b, a)):
                if _agree(work, x[some], z[some], y[some]) and _agree(work, x, z, y):
                    yield Leak("combination", (first, second), f"{left} {sign} {right} is the target", NOT_KNOWN, True)
                    break


def _agree(work, a, b, y) -> bool:
    with np.errstate(all="ignore"):
        result = work(a, b)
        fit = np.isfinite(result) & np.isfinite(y)
        return fit.sum() >= 20 and fit.mean() > 0.3 and bool(
            (np.abs(result[fit] - y[fit]) <= 1e-5 * np.abs(y[fit]) + 0.006).mean() > 0.95)


def _pairs(table: _Table, blamed) -> Iterator[Leak]:
    """Two columns of few levels that together give the class, and neither alone nearly as well."""
    goal, enough = table.goal, _enough(table.goal)
    names = [name for name in table.names if name not in blamed and 2 <= table.distinct(name) <= 30][:MOST_PAIRS]
    alone = {name: goal.power(table.codes(name)) for name in names}
    for first, second in combinations(names, 2):
        if max(alone[first], alone[second]) > enough - 0.1 or table.distinct(first) * table.distinct(second) > table.n // 5:
            continue
        power = goal.power(table.codes(first) * table.distinct(second) + table.codes(second))
        if power >= enough:
            most = max(alone[first], alone[second])
            evidence = f"together they predict the target ({_measure(goal)} {power:.3f}), alone at most {most:.2f}"
            yield Leak("combination", (first, second), evidence, NOT_KNOWN)


# ---------------------------------------------------------------------------------------------------------------------
# Rows

def _row_order(table: _Table, blamed) -> Iterator[Leak]:
    """Files that are sorted by the target."""
    power = table.goal.power(bins_of(np.arange(table.n, dtype=np.float64)))
    if power >= 0.8:
        evidence = f"the position in the file predicts the target ({_measure(table.goal)} {power:.3f}): it is sorted by it"
        yield Leak("row order", (), evidence,
                   "folds are shuffled; never make the row number a feature, and never take the last rows as the test")


def _repeated_rows(table: _Table, blamed) -> Iterator[Leak]:
    """Rows that agree in the target and in all columns, but perhaps identifiers and one number, more often than by chance."""
    import pandas as pd

    # identifiers are left out: a case that was typed in again has a new one
    names = [name for name in table.names if not _numbers_the_rows(table, name)]
    codes = {name: table.codes(name) for name in names}
    codes["the target"] = levels_of(table.goal.values)
    # the chance that two rows agree, if columns were independent
    chance = {name: float(((np.bincount(column) / table.n) ** 2).sum()) for name, column in codes.items()}
    whole = pd.DataFrame(codes)
    for left_out in (None, *(name for name in names if table.kind(name) == "number" and table.distinct(name) > 20)):
        kept = [name for name in codes if name != left_out]
        again = whole.duplicated(kept).to_numpy()
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


def _groups(table: _Table, blamed) -> Iterator[Leak]:
    """A column that names customers (patients, devices …), each with several rows whose targets are alike."""
    for name in table.names:
        if name in blamed or table.kind(name) == "date":
            continue
        groups = table.distinct(name)
        if not (30 <= groups <= table.n // 2):
            continue
        named = bool(_ENTITY.search(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
        coded = table.kind(name) == "text" and _are_codes(table.texts(name))
        if not (named or coded):
            continue
        power = table.goal.power(table.codes(name))
        if power >= 0.5:
            yield Leak("groups", (name,), f"its {groups} values have {table.n / groups:.1f} rows each, whose targets are alike "
                       f"({_measure(table.goal)} {power:.2f})", f"keep the rows of one {name} together: group={name!r}")


def _dates_after(frame, names, time: str) -> Iterator[Leak]:
    """Dates after the moment of the row: they were not known then."""
    for name in names:
        if frame[name].dtype.kind != "M":
            continue
        both = frame[name].notna() & frame[time].notna()
        later = (frame[name] > frame[time]) & both
        if both.sum() >= 20 and later.sum() > 0.5 * both.sum():
            yield Leak("known later", (name,), f"in {later.sum() / both.sum():.0%} of the rows it lies after {time!r}", NOT_KNOWN)
