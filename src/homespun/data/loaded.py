"""A table before its columns are understood: a pandas frame, or ``raw`` in DuckDB, as a table or as a view of a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homespun.data import engine
from homespun.data.frames import plain_column
from homespun.data.table import Decision


@dataclass
class Loaded:
    """What `source.load` returns.

    Attributes
    ----------
    columns : dict
        Name → its column in ``raw``, as SQL writes it; empty where there is a frame.
    typed : set of str
        Names of the columns of ``raw`` that are not text.
    view : bool
        ``raw`` is no table but a file that every query reads again: nothing of it is in memory, and it has no ``rowid``.
    facts : dict
        What the source is, for `homespun inspect`.
    line_of : function, optional
        Row (counted from 1) → its line in the file, where that can be told.
    view_sql : str
        Of a view: what it reads, in SQL that any connection understands.
    kept : list
        Folders of other tables whose files this one reads.
    unchecked : body.Unchecked, optional
        No pass has seen every line yet: `rows` is the most that there may be, and a broken line may still come.
    """

    name: str
    rows: int = 0
    frame: Any = None
    connection: Any = None
    columns: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    folder: Any = None
    view: bool = False
    line_of: Callable[[int], int | None] | None = None
    unchecked: Any = None
    view_sql: str = ""
    kept: list = field(default_factory=list)

    def fetch(self, names=None, limit: int | None = None, clause: str = "", table: str = "raw"):
        """The columns as a pandas frame of plain columns."""
        import pandas as pd

        if self.frame is not None:
            chosen = self.frame if names is None else self.frame[list(names)]
            return chosen if limit is None else chosen.iloc[:limit]
        names = list(self.columns) if names is None else list(names)
        if not names:
            return pd.DataFrame(index=pd.RangeIndex(self.rows))
        listed = ", ".join(f"{self.columns[name]} AS x{i}" for i, name in enumerate(names))
        found = engine.run(
            self.connection,
            f"SELECT {listed} FROM {table} {clause}" + (f" LIMIT {limit}" if limit is not None else ""),
            self.name,
        ).df()
        made = {}
        for i, name in enumerate(names):
            column = found[f"x{i}"]
            if name in self.typed:
                made[name] = plain_column(column)
            else:
                made[name] = pd.Series(column.to_numpy(dtype=object, na_value=None), dtype=object)
        return pd.DataFrame(made, index=pd.RangeIndex(len(found)))

    def stored(self, names, table: str, limit: int | None = None) -> tuple[str, dict[str, str]]:
        """(a table of DuckDB with these columns and a ``rowid``, name → column in it); what does not fit in memory spills."""
        names = list(names)
        if (not self.view and limit is None) or not names:
            return "raw", {name: self.columns[name] for name in names}
        listed = ", ".join(f"{self.columns[name]} AS c{i}" for i, name in enumerate(names))
        cut = f" LIMIT {limit}" if limit is not None else ""
        engine.run(self.connection, f"CREATE OR REPLACE TABLE {table} AS SELECT {listed} FROM raw{cut}", self.name)
        return table, {name: f"c{i}" for i, name in enumerate(names)}

    def settle(self, counts: list[int] | None = None) -> None:
        """Every line was seen, with these counts (`body.Unchecked.settle`); None: see every line now."""
        if self.unchecked is not None:
            counts = self.unchecked.count(self.connection) if counts is None else counts
            self.rows, said = self.unchecked.settle(counts)
            self.decisions += said
            self.unchecked = None

    def close(self) -> None:
        """Give memory and disk back."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        for folder in (self.folder, *self.kept):
            if folder is not None:
                folder.cleanup()
        self.folder, self.kept = None, []


def new_loaded(name: str) -> tuple[Loaded, Path]:
    """An empty table in DuckDB, and its folder for copies and for what does not fit in memory."""
    folder = tempfile.TemporaryDirectory(prefix="homespun-", ignore_cleanup_errors=True)
    spill = Path(folder.name) / "spill"
    spill.mkdir()
    return Loaded(name, connection=engine.connect(spill), folder=folder), Path(folder.name)
