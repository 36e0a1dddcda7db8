"""The table that the checks for leaks look at: its columns as numbers and as codes, and which of them are identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from homespun.tabular.alone import Target, levels_of
from homespun.tabular.leaks.finding import FEWEST

ENTITY = re.compile(r"(^|[^a-z])(customer|client|patient|user|person|account|household|device|sensor|machine|vehicle|store|"
                    r"shop|school|hospital|site|subject|member|policy|company|vin|id|uuid|key)([^a-z]|$)")
_CODE = re.compile(r"[A-Za-z]{0,4}[-_/#]?\d{3,}([-_/]\w+)?")
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


class Columns:
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


def is_identifier(table: Columns, name: str) -> bool:
    """Almost every value once, and whole numbers or codes."""
    present = table.present(name)
    if table.distinct(name) < 0.9 * present.sum() or present.sum() < FEWEST or table.kind(name) == "date":
        return False
    if table.kind(name) == "number":
        x = table.numbers(name)[present]
        named = ENTITY.search(name.lower()) or re.search(r"(no|nr|num|number|index)$", name.lower())
        return named is not None and bool((x == np.round(x)).all())
    return are_codes(table.texts(name)[present])


def numbers_the_rows(table: Columns, name: str) -> bool:
    """Different in almost every row, and whole: a repeated case gets a new one, too."""
    if table.distinct(name) < 0.95 * table.n:
        return False
    x = table.numbers(name) if table.kind(name) == "number" else None
    return is_identifier(table, name) if x is None else bool((x == np.round(x)).all())


def are_codes(texts) -> bool:
    """Most look like "P-10234": letters, a mark, digits."""
    return bool(texts.iloc[:200].map(lambda text: _CODE.fullmatch(text) is not None).mean() > 0.9)


def numbers_in(table: Columns, name: str) -> Iterator[tuple[str, np.ndarray]]:
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


def first_number(text: str) -> float:
    """NaN where it has none."""
    return _float((_NUMBER.findall(text) or ["nan"])[0])


def _float(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return np.nan
