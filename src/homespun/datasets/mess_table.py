"""The table while it is being messed up, and what is written down about each change."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Change:
    """One mess in one column: which rows, what was there, what is there now. The arrays have one entry a row."""

    kind: str
    column: str | None  # by its clean name; None: the whole table
    rows: np.ndarray  # positions in the messy table; empty for a change that is not one of cells
    before: np.ndarray
    after: np.ndarray


class MessyTable:
    """The table while it is being messed up: columns as object arrays, the kind of each, and what was done."""

    def __init__(self, frame: pd.DataFrame, protect: Sequence[str], share: float, seed: int):
        self.columns = {name: frame[name].astype(object).to_numpy(dtype=object, copy=True) for name in frame}
        self.kinds = {name: kind_of(frame[name]) for name in frame if name not in protect}
        self.protect, self.share, self.seed = set(protect), share, seed
        self.used: set[str] = set()  # columns that a mess of whole columns has had: one such mess for each
        self.changes: list[Change] = []
        self.length = len(frame)
        self.rng = np.random.default_rng(seed)

    def begin(self, mess: str) -> None:
        self.rng = np.random.default_rng([self.seed, zlib.crc32(mess.encode())])

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def some(self, rows: np.ndarray) -> np.ndarray:
        """A share of the rows, at least one."""
        size = min(rows.size, max(1, round(self.share * rows.size)))
        return np.sort(self.rng.choice(rows, size=size, replace=False))

    def filled(self, name: str, kind: type | tuple[type, ...] = object) -> np.ndarray:
        """Rows of a column that hold a value (of that type)."""
        return np.flatnonzero([not missing(value) and isinstance(value, kind) for value in self.columns[name]])

    def change(self, mess: str, name: str, rows: np.ndarray, after: Iterable) -> None:
        new = np.empty(rows.size, dtype=object)
        new[:] = list(after)
        before = self.columns[name][rows].copy()
        differs = np.array([missing(old) or (old is not value and old != value) for old, value in zip(before, new)], dtype=bool)
        if differs.any():
            self.columns[name][rows] = new
            self.changes.append(Change(mess, name, rows[differs], before[differs], new[differs]))


def missing(value) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value  # NA has no truth of its own


def kind_of(column: pd.Series) -> str:
    """``number``, ``flag``, ``date`` or ``text``."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return "flag"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"
