"""One pass over a large table converts all columns whose sample says how; what comes out is all that is kept in memory.

DuckDB hands over some rows at a time, in their order; they are copied to where they belong in arrays of the final size. So
the highest memory is the typed columns and DuckDB's buffers, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.missing import is_missing
from homespun.data.recipe import are_whole
from homespun.data.sampled import COLUMN, NUMBER, STRANGE, Part, Sampled, on_column

VECTORS = 20  # of 2048 rows: what Python takes at a time
STEP = 1 << 16  # rows that are made whole at a time
WIDEST = 400  # results of one query
MARK = np.datetime64(STRANGE.split("'")[1].replace(" ", "T"), "us")


class Column:
    """The results of one `Part`, row by row."""

    def __init__(self, part: Part, rows: int, kinds: list[str] | None):
        self.part, self.kinds = part, kinds
        kept = {"number": "f8", "whole": "f8", "moment": "M8[us]", "kinds": "i2"}
        # where the rows are not counted yet there may be less: what is not written takes no memory
        self.values: Any = np.empty(rows, dtype=np.dtype(kept[part.end])) if part.end in kept else None
        self.pieces: list = []  # of texts
        self.marked: int | None = None  # the first row that was not foreseen
        self.whole = part.end == "whole"  # all numbers so far are

    def take(self, at: int, piece) -> None:
        """Rows from `at` on."""
        end = self.part.end
        if end in ("number", "whole"):
            numbers = piece.to_numpy() if piece.dtype == np.float64 else piece.to_numpy(dtype=np.float64, na_value=np.nan)
            self.values[at : at + len(numbers)] = numbers
            if len(numbers) and self.marked is None and not numbers.max() < np.inf and (numbers == np.inf).any():
                self.marked = at + int((numbers == np.inf).argmax())
            self.whole = self.whole and are_whole(numbers[:1000])  # the others when all are there
        elif end == "moment":
            moments = piece.to_numpy().astype("M8[us]", copy=False)
            self.values[at : at + len(moments)] = moments
            if self.marked is None and (moments == MARK).any():
                self.marked = at + int((moments == MARK).argmax())
        elif end == "kinds":
            self.values[at : at + len(piece)] = piece.cat.codes
        elif end == "mark":
            marks = piece.to_numpy(dtype=bool)
            if self.marked is None and marks.any():
                self.marked = at + int(marks.argmax())
        elif end == "text" or piece.notna().any():
            self.pieces.append((at, piece))

    def ended(self):
        """What a user sees."""
        import pandas as pd

        if self.values is None:
            return pd.concat([piece for _, piece in self.pieces], ignore_index=True)
        if not self.whole:
            return self.values
        numbers = self.values.view(np.int64)  # in place: a second array would cost more than the numbers
        for begin in range(0, len(numbers), STEP):
            some = self.values[begin : begin + STEP]
            if not are_whole(some):
                self.values[:begin] = numbers[:begin]
                return self.values
            numbers[begin : begin + STEP] = some.astype(np.int64)
        return numbers


def convert(sampled: Sampled) -> tuple[dict[str, dict], dict[str, int]]:
    """(column → what it becomes: name → array, column → the first row, from 0, that was not foreseen)."""
    names, loaded = list(sampled.plans), sampled.loaded
    made: dict[str, dict] = {}
    marked: dict[str, int] = {}
    width = max((len(plan.parts) for plan in sampled.plans.values()), default=1)
    for begin in range(0, len(names), WIDEST // width):
        columns = _columns(sampled, names[begin : begin + WIDEST // width], loaded.rows)
        at = 0
        for chunk in _chunks(sampled, columns):
            _fits(loaded, at + len(chunk))
            for i, (_, column) in enumerate(columns):
                column.take(at, chunk[f"x{i}"])
            at += len(chunk)
        _cut(columns, at)
        _collect(columns, made, marked)
    return made, marked


def _fits(loaded, rows: int) -> None:
    if rows > loaded.rows:
        raise DataError(f"{loaded.name!r}: more rows than were expected", operation="read", operands={"rows": loaded.rows},
                        rule="rows that are as long as the first ones")


def _cut(columns: list[tuple[str, Column]], rows: int) -> None:
    for _, column in columns:
        column.values = None if column.values is None else column.values[:rows]


def check(sampled: Sampled) -> set[str]:
    """The columns of which some text was not foreseen, without keeping anything: for those who read piece by piece."""
    names, loaded = list(sampled.plans), sampled.loaded
    found: set[str] = set()
    for begin in range(0, len(names), WIDEST):
        some, pending = names[begin : begin + WIDEST], loaded.unchecked
        only = "" if pending is None else " FILTER (WHERE mark = 0)"
        listed = ", ".join(
            "coalesce(bool_or("
            + on_column(" OR ".join(part.not_foreseen() for part in sampled.plans[name].parts), loaded.columns[name])
            + f"){only}, false)"
            for name in some
        )
        if pending is None:
            marks = engine.run(loaded.connection, f"SELECT {listed} FROM raw", loaded.name).fetchone()
        else:  # this is the first pass over all lines
            query = f"SELECT {listed}, {pending.counted_sql} FROM {pending.marked_sql}"
            marks = engine.run(loaded.connection, query, loaded.name).fetchone()
            _fits(loaded, marks[len(some)])
            loaded.settle(list(marks[len(some) :]))
        found |= {name for name, mark in zip(some, marks) if mark}
    return found


def pieces(sampled: Sampled, rows: int) -> Iterator[dict[str, dict]]:
    """The columns in pieces of so many rows; `check` has seen them all."""
    names = list(sampled.plans)
    columns = _columns(sampled, names, rows)
    filled = 0
    for chunk in _chunks(sampled, columns):
        begin = 0
        while begin < len(chunk):
            some = chunk.iloc[begin : begin + rows - filled]
            for i, (_, column) in enumerate(columns):
                column.take(filled, some[f"x{i}"].reset_index(drop=True))
            filled += len(some)
            begin += len(some)
            if filled == rows:
                yield _collect(columns, {}, {})
                columns, filled = _columns(sampled, names, rows), 0
    if filled:
        _cut(columns, filled)
        yield _collect(columns, {}, {})


def _columns(sampled: Sampled, names: list[str], rows: int) -> list[tuple[str, Column]]:
    return [
        (name, Column(part, rows, sampled.plans[name].kinds)) for name in names for part in sampled.plans[name].parts
    ]


def _chunks(sampled: Sampled, columns: list[tuple[str, Column]]):
    """Some rows of the columns at a time; the first pass over a file also tells what it leaves out."""
    loaded, pending = sampled.loaded, sampled.loaded.unchecked
    listed, numbers = [], []
    for i, (name, column) in enumerate(columns):
        sql, raw = column.part.sql, loaded.columns[name]
        if NUMBER in sql:  # cast once, below
            numbers.append(f", try_cast({raw} AS DOUBLE) AS number{i}")
        listed.append(f"{sql.replace(NUMBER, f'number{i}').replace(COLUMN, raw)} AS x{i}")
    source = "raw" if pending is None else pending.marked_sql
    listed += ["mark"] if pending is not None else []
    query = f"SELECT {', '.join(listed)} FROM (SELECT *{''.join(numbers)} FROM {source})"
    counts = np.zeros(1 + len(pending.rules) if pending else 1, dtype=np.int64)
    # between two pieces the user may ask something else: a cursor of its own
    found = engine.run(engine.streaming(loaded.connection), query, loaded.name)
    while len(chunk := found.fetch_df_chunk(VECTORS)):
        if pending is not None:
            marks = chunk["mark"].to_numpy()
            counts[0] += len(chunk)
            if marks.any():
                counts[1:] += np.bincount(marks, minlength=len(counts))[1:]
                chunk = chunk[marks == 0].reset_index(drop=True)
        yield chunk
    if pending is not None:
        loaded.settle(counts.tolist())


def _collect(columns: list[tuple[str, Column]], made: dict[str, dict], marked: dict[str, int]) -> dict[str, dict]:
    rest = {name: column for name, column in columns if column.part.end == "rest"}
    for name, column in columns:
        if column.marked is not None:
            marked[name] = min(column.marked, marked.get(name, column.marked))
    for name, column in columns:
        into = made.setdefault(name, {})
        if column.part.end == "kinds":
            values, late = _texts(column, rest[name])
            if late is not None:
                marked[name] = late
            into[name] = values
        elif column.part.end not in ("rest", "mark") and name not in marked:
            into[column.part.name] = column.ended()
    return made


def _texts(column: Column, rest: Column):
    """(the texts that the codes stand for, with those that the sample did not know; the first that is no plain text)."""
    import pandas as pd

    known: list = list(column.kinds or ())
    place = {text: i for i, text in enumerate(known)}
    codes = column.values.astype(np.int32) if rest.pieces else column.values
    for at, piece in rest.pieces:
        texts = piece.to_numpy(dtype=object, na_value=None)
        for i in np.flatnonzero(piece.notna().to_numpy()):
            text = texts[i]
            if text not in place:
                if text != text.strip() or is_missing(text):
                    return None, at + int(i)
                place[text] = len(known)
                known.append(text)
            codes[at + i] = place[text]
    return pd.Series(pd.Series([*known, None], dtype=None).array.take(codes)), None
