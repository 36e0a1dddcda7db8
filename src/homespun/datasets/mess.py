"""Make a clean table messy, one switch for each kind of mess, and keep the truth: what was changed, where, and from what.

    clean table ──▶ cells: outliers, mixed types, units, money, flags, dates, typos, spaces, missing tokens
                ──▶ columns: a constant, an identifier, free text  ──▶ rows: repeats  ──▶ header  ──▶ encoding of the file
    messy table ──▶ `Messy.clean()` undoes the changes, last first, and gives the clean table back exactly

For tests of readers and preprocessors (what did they find of what is known to be there?) and for teaching. Each mess draws
from its own random stream: switching one on or off changes another only where both meet in a cell.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.base.params import Real, check_param
from homespun.base.random import seed_from

if TYPE_CHECKING:
    import pandas as pd

TOKENS = ("-", "n/a", "?", "NULL", "", "#N/A", "None")
WORDS = ("negotiable", "see text", "unknown", "call us")  # what people type into a field for numbers
UNITS = {"km": r"mile|distance|km", "kg": r"weight|mass", "cm": r"height|length|width", "kWh": r"energy|power|load"}
MONEY = r"price|cost|amount|fee|levy|salary|income|pay|fare|tax|value"
FLAGS = (("Yes", "No"), ("ON", "OFF"), ("ja", "nein"), ("TRUE", "FALSE"), ("Y", "N"))
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%b %d, %Y", "%d-%b-%y")
NOTES = ("Nice one; see the photo.", "As new, hardly used", "Sold as seen, no “returns”", "Café price: ask!",
         "small scratch on the left")
NOWHERE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Change:
    """One mess in one column: which rows, what was there, what is there now. The arrays have one entry a row."""

    kind: str
    column: str | None  # by its clean name; None: the whole table
    rows: np.ndarray  # positions in the messy table; empty for a change that is not one of cells
    before: np.ndarray
    after: np.ndarray


@dataclass
class Messy:
    """A messy table with its truth.

    Attributes
    ----------
    frame : pandas.DataFrame
        The messy table; its cells are text, numbers, or missing.
    changes : list of Change
        In the order in which they were made.
    skipped : dict
        Messes that found no column to work on, with the reason.
    encoding : str
        In which `to_csv` writes: ``"utf-8"``, or ``"cp1252"`` with the mess ``"encoding"``.
    """

    frame: pd.DataFrame
    changes: list[Change]
    skipped: dict[str, str]
    encoding: str
    _like: pd.DataFrame = field(repr=False)  # no rows: names, types and index of the clean table
    _index: Any = field(repr=False)

    @property
    def truth(self) -> pd.DataFrame:
        """One line for each change of a cell, row or column: kind, column, row, before, after."""
        import pandas as pd

        lines: list[tuple] = []
        for change in self.changes:
            if change.rows.size:
                lines += [(change.kind, change.column, int(row), before, after)
                          for row, before, after in zip(change.rows, change.before, change.after)]
            else:
                lines += [(change.kind, change.column, None, before, after) for before, after in zip(change.before, change.after)]
        truth = pd.DataFrame(lines, columns=["kind", "column", "row", "before", "after"], dtype=object)
        return truth.astype({"row": "Int64"})

    def clean(self) -> pd.DataFrame:
        """The clean table again, by undoing the changes."""
        columns = {name: self.frame[name].to_numpy(dtype=object, copy=True) for name in self.frame}
        for change in reversed(self.changes):
            if change.kind == "ragged_header":
                back = dict(zip(change.after, change.before))
                columns = {back[name]: values for name, values in columns.items()}
            elif change.kind == "duplicates":
                columns = {name: np.delete(values, change.rows) for name, values in columns.items()}
            elif change.kind in ADDED:
                del columns[str(change.column)]
            elif change.column is not None:
                columns[change.column][change.rows] = change.before
        clean = type(self._like)(columns, index=self._index, columns=self._like.columns)
        return clean.astype(dict(self._like.dtypes))

    def to_csv(self, path) -> Path:
        """Write the messy table, in its encoding; letters that this lacks become ``?``."""
        path = Path(path)
        path.write_bytes(self.frame.to_csv(index=False, lineterminator="\n").encode(self.encoding, errors="replace"))
        return path


class _Table:
    """The table while it is being messed up: columns as object arrays, the kind of each, and what was done."""

    def __init__(self, frame: pd.DataFrame, protect: Sequence[str], share: float, seed: int):
        self.columns = {name: frame[name].astype(object).to_numpy(dtype=object, copy=True) for name in frame}
        self.kinds = {name: _kind(frame[name]) for name in frame if name not in protect}
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
        return np.flatnonzero([not _missing(value) and isinstance(value, kind) for value in self.columns[name]])

    def change(self, mess: str, name: str, rows: np.ndarray, after: Iterable) -> None:
        new = np.empty(rows.size, dtype=object)
        new[:] = list(after)
        before = self.columns[name][rows].copy()
        differs = np.array([_missing(old) or (old is not value and old != value) for old, value in zip(before, new)], dtype=bool)
        if differs.any():
            self.columns[name][rows] = new
            self.changes.append(Change(mess, name, rows[differs], before[differs], new[differs]))


def messy(frame: pd.DataFrame, mess: str | Iterable[str] = "all", *, share: float = 0.05, protect: Iterable[str] = (),
          random_state=0) -> Messy:
    """A messy copy of a clean table, and the truth about it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Left as it is. Column names are distinct strings.
    mess : "all", str or iterable of str, default="all"
        Which messes; the order does not matter:

        * ``outliers``: numbers a hundred times too large or too small; ``mixed_types``: words among numbers;
        * ``units``: one column as ``"186005 km"``; ``money``: one column as ``"£8,000"``; ``flags``: booleans as ``ON``/``OFF``,
          ``ja``/``nein``, …, missing ones as ``NotAvailable``; ``mixed_dates``: dates in five formats within a column;
        * ``typos``: letters swapped, lost or doubled; ``spaces``: blanks around and capitals;
          ``missing_tokens``: ``-``, ``n/a``, ``?``, ``NULL``, … in place of values;
        * ``constant``, ``identifier``, ``free_text``: a column more; ``duplicates``: rows repeated at the end;
        * ``ragged_header``: names with blanks, units, capitals; ``encoding``: the file is written in cp1252.
    share : float, default=0.05
        Of the cells of a column (of the rows, for ``duplicates``), at least one, that a mess of single cells changes.
    protect : iterable of str, default=()
        Columns that keep their cells, such as the target.
    random_state : int, Generator or None, default=0

    Returns
    -------
    Messy
        ``.frame``, ``.changes`` and ``.truth``, ``.skipped``, ``.clean()``, ``.to_csv(path)``.

    Raises
    ------
    ParameterError
        An unknown mess or column.
    DataError
        Not a dataframe of distinct, named columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from homespun.datasets import messy
    >>> clean = pd.DataFrame({"price": [8000, 950], "sold": [True, False]})
    >>> dirty = messy(clean, ["money", "flags"])
    >>> dirty.frame["price"].tolist(), dirty.clean().equals(clean)
    (['£8,000', '£950'], True)
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique or not all(isinstance(n, str) for n in frame.columns):
        what = list(frame.columns) if isinstance(frame, pd.DataFrame) else type(frame).__name__
        raise DataError(f"messy needs a pandas.DataFrame with distinct names of columns, got {what!r}", operation="messy",
                        operands={"frame": what}, rule="distinct names of type str")
    wanted = list(MESSES) if mess == "all" else [mess] if isinstance(mess, str) else list(mess)
    protect = list(protect)
    named = [("mess", one, list(MESSES)) for one in wanted] + [("protect", one, list(frame)) for one in protect]
    for name, value, known in named:
        if value not in known:
            hint = did_you_mean(str(value), known)
            raise ParameterError(f"{name} must name one of {', '.join(known)}, got {value!r}" + (f"; {hint}" if hint else ""),
                                 operation="messy", operands={name: value}, rule=f"one of {known}", suggestion=hint)
    check_param("messy", "share", share, Real(0, 1))

    table = _Table(frame, protect, share, seed_from(random_state) % 2**63)
    skipped, before = {}, 0
    for kind, make in MESSES.items():
        if kind in wanted:
            table.begin(kind)
            reason = make(table)
            if len(table.changes) == before:
                skipped[kind] = reason or "no cell to change"
            before = len(table.changes)
    out = pd.DataFrame(table.columns, columns=list(table.columns)).infer_objects()
    encoding = next((str(change.after[0]) for change in table.changes if change.kind == "encoding"), "utf-8")
    return Messy(out, table.changes, skipped, encoding, frame.iloc[:0].copy(), frame.index.copy())


# ---------------------------------------------------------------- cells
def _outliers(table: _Table) -> str | None:
    for name in table.of_kind("number"):
        rows = table.some(table.filled(name))
        up = table.rng.random(rows.size) < 0.5
        table.change("outliers", name, rows, [value * 100 if large else value / 100
                                              for value, large in zip(table.columns[name][rows], up)])
    return "no column of numbers"


def _mixed_types(table: _Table) -> str | None:
    for name in table.of_kind("number"):
        rows = table.some(table.filled(name))
        table.change("mixed_types", name, rows, table.rng.choice(np.array(WORDS, dtype=object), size=rows.size))
    return "no column of numbers"


def _units(table: _Table) -> str | None:
    name = _number_column(table, "|".join(UNITS.values()))
    if name is None:
        return "no column of numbers is left"
    unit = next((unit for unit, words in UNITS.items() if re.search(words, name.lower())), "km")
    return _rewritten(table, "units", name, lambda value: f"{_plain(value)} {unit}")


def _money(table: _Table) -> str | None:
    name = _number_column(table, MONEY)
    if name is None:
        return "no column of numbers is left"
    return _rewritten(table, "money", name, lambda value: f"{'-' * (value < 0)}£{_plain(abs(value), ',')}")


def _number_column(table: _Table, words: str) -> str | None:
    """A column of numbers that no such mess has had: the first whose name says it, else the last."""
    free = [name for name in table.of_kind("number") if name not in table.used and table.filled(name, NUMBERS).size]
    return next((name for name in free if re.search(words, name.lower())), free[-1] if free else None)


def _rewritten(table: _Table, mess: str, name: str, write: Callable) -> str | None:
    table.used.add(name)
    rows = table.filled(name, NUMBERS)
    table.change(mess, name, rows, [write(value) for value in table.columns[name][rows]])
    return None


def _flags(table: _Table) -> str | None:
    for name in table.of_kind("flag"):
        yes, no = FLAGS[table.rng.integers(len(FLAGS))]
        table.change("flags", name, np.arange(table.length),
                     ["NotAvailable" if _missing(value) else yes if value else no for value in table.columns[name]])
    return "no column of booleans"


def _mixed_dates(table: _Table) -> str | None:
    for name in table.of_kind("date"):
        rows = table.filled(name)
        forms = table.rng.integers(len(DATES), size=rows.size)
        table.change("mixed_dates", name, rows, [day.strftime(DATES[form])
                                                 for day, form in zip(table.columns[name][rows], forms)])
    return "no column of dates"


def _typos(table: _Table) -> str | None:
    for name in table.of_kind("text"):
        rows = np.array([row for row in table.filled(name, str) if len(table.columns[name][row]) >= 3], dtype=np.int64)
        if rows.size:
            rows = table.some(rows)
            table.change("typos", name, rows, [_mistype(value, table.rng) for value in table.columns[name][rows]])
    return "no column of text"


def _mistype(word: str, rng) -> str:
    at = int(rng.integers(len(word) - 1))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return (swapped, word[:at] + word[at + 1:], word[:at] + word[at] * 2 + word[at + 1:])[int(rng.integers(3))]


def _spaces(table: _Table) -> str | None:
    for name in table.of_kind("text"):
        rows = table.filled(name, str)
        if rows.size:
            rows = table.some(rows)
            forms = table.rng.integers(3, size=rows.size)
            table.change("spaces", name, rows, [(f" {value}", f"{value}  ", value.upper() + " ")[form]
                                                for value, form in zip(table.columns[name][rows], forms)])
    return "no column of text"


def _missing_tokens(table: _Table) -> str | None:
    for name in table.kinds:
        rows = table.filled(name)
        if rows.size:
            rows = table.some(rows)
            table.change("missing_tokens", name, rows, table.rng.choice(np.array(TOKENS, dtype=object), size=rows.size))
    return "no cell is filled"


# ---------------------------------------------------------------- columns, rows, header, file
def _constant(table: _Table) -> str | None:
    return _added(table, "constant", "source", ["web"] * table.length)


def _identifier(table: _Table) -> str | None:
    return _added(table, "identifier", "record_id", (1_000_000 + table.rng.permutation(table.length)).tolist())


def _free_text(table: _Table) -> str | None:
    picks = table.rng.integers(len(NOTES), size=table.length)
    calls = table.rng.integers(7_000_000, 8_000_000, size=table.length)
    return _added(table, "free_text", "notes", [f"{NOTES[pick]} call {call}" for pick, call in zip(picks, calls)])


def _added(table: _Table, mess: str, name: str, values: list) -> str | None:
    while name in table.columns:
        name += "_"
    table.columns[name] = np.array(values, dtype=object)
    table.changes.append(Change(mess, name, NOWHERE, np.array([None], dtype=object), np.array([name], dtype=object)))
    return None


def _duplicates(table: _Table) -> str | None:
    if not table.length:
        return "no row to repeat"
    originals = table.some(np.arange(table.length))
    for name, values in table.columns.items():
        table.columns[name] = np.concatenate([values, values[originals]])
    rows = np.arange(table.length, table.length + originals.size)
    table.changes.append(Change("duplicates", None, rows, originals.astype(object), rows.astype(object)))
    return None


def _ragged_header(table: _Table) -> str | None:
    styles = (lambda n: f" {n} ", str.upper, lambda n: n.replace("_", " ").title(), lambda n: f"{n} (new)", lambda n: n + "  ")
    names: dict[str, str] = {}
    for name in table.columns:
        new = styles[table.rng.integers(len(styles))](name)
        while new in names.values():
            new += " "
        names[name] = new
    if names:
        table.columns = {names[name]: values for name, values in table.columns.items()}
        table.changes.append(Change("ragged_header", None, NOWHERE, np.array(list(names), dtype=object),
                                    np.array(list(names.values()), dtype=object)))
    return "no column"


def _encoding(table: _Table) -> str | None:
    table.changes.append(Change("encoding", None, NOWHERE, np.array(["utf-8"], dtype=object),
                                np.array(["cp1252"], dtype=object)))
    return None


MESSES: dict[str, Callable[[_Table], str | None]] = {  # in the order in which they are applied
    "outliers": _outliers, "mixed_types": _mixed_types, "money": _money, "units": _units, "flags": _flags,
    "mixed_dates": _mixed_dates, "typos": _typos, "spaces": _spaces, "missing_tokens": _missing_tokens, "constant": _constant,
    "identifier": _identifier, "free_text": _free_text, "duplicates": _duplicates, "ragged_header": _ragged_header,
    "encoding": _encoding,
}
ADDED = ("constant", "identifier", "free_text")
NUMBERS = (int, float, np.integer, np.floating)


# ---------------------------------------------------------------- what a cell and a column are
def _missing(value) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value  # NA has no truth of its own


def _plain(value, thousands: str = "") -> str:
    """A number as people write it: no exponent, no ".0"."""
    return f"{value:{thousands}.10f}".rstrip("0").rstrip(".")


def _kind(column: pd.Series) -> str:
    """``number``, ``flag``, ``date`` or ``text``."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return "flag"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"
