"""Make a clean table messy, one switch for each kind of mess, and keep the truth: what was changed, where, and from what.

    clean table ──▶ cells: outliers, mixed types, units, money, flags, dates, typos, spaces, missing tokens
                ──▶ columns: a constant, an identifier, free text  ──▶ rows: repeats  ──▶ header  ──▶ encoding of the file
    messy table ──▶ `Messy.clean()` undoes the changes, last first, and gives the clean table back exactly

For tests of readers and preprocessors (what did they find of what is known to be there?) and for teaching. Each mess draws
from its own random stream: switching one on or off changes another only where both meet in a cell.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.base.params import Real, check_param
from homespun.base.random import seed_from
from homespun.datasets.mess_kinds import ADDED, MESSES
from homespun.datasets.mess_table import Change, MessyTable

if TYPE_CHECKING:
    import pandas as pd


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

    table = MessyTable(frame, protect, share, seed_from(random_state) % 2**63)
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
