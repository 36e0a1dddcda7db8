"""The rows of a delimited text as the DuckDB table ``raw``: by DuckDB's own parser, or record by record.

DuckDB's parser reads strictly (all fields, no guess), in parallel, and checks every line. Where it refuses, `records` walks
over the lines, and DuckDB gets a clean copy.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from homespun.data import engine
from homespun.data.layout import footer_rows
from homespun.data.records import Body, Walk
from homespun.data.table import Decision

LONGEST = 4 << 20  # bytes that one record may have
HEAD = 1 << 16  # bytes: the first lines of a large file, which the sample holds
STREAM = 64 << 20  # bytes: a larger file is read again by every query, a smaller one is kept in memory


def columns_sql(width: int) -> str:
    """Columns c0, c1, … of text."""
    return "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width)) + "}"


@dataclass
class Unchecked:
    """A large file of which no pass has seen every line yet: whoever makes the first one asks for `marker` as well.

    Attributes
    ----------
    body : Body
    rows_sql : str
        All rows, those included that are to be left out.
    rules : dict
        Kind of row to be left out → (SQL that is true for it, what it is).
    most : int
        More rows are not expected.
    """

    body: Body
    rows_sql: str
    rules: dict[str, tuple[str, str]]
    most: int

    @property
    def marker(self) -> str:
        """SQL: 0 for a row that stays, else which rule it breaks, from 1. Most rows are settled by their first field."""
        first = "c0 IS NULL OR c0 IN (''" + (f", {engine.text(self.body.names[0])})" if any(self.body.names) else ")")
        cases = " ".join(f"WHEN {rule} THEN {i}" for i, (rule, _) in enumerate(self.rules.values(), 1))
        if not self.rules:
            return "0::TINYINT"
        return f"CASE WHEN {first if self.body.names[0] else 'true'} THEN CASE {cases} ELSE 0 END ELSE 0 END::TINYINT"

    @cached_property
    def underscores(self) -> bool:
        """Whether there is a "_" anywhere beyond the first lines; 0.13 s a GB."""
        with open(self.body.source.path, "rb", buffering=0) as file:
            file.seek(HEAD)
            return any(b"_" in chunk for chunk in iter(lambda: file.read(1 << 20), b""))

    @property
    def marked_sql(self) -> str:
        """All rows with their `marker` as ``mark``."""
        return f"(SELECT *, {self.marker} AS mark FROM {self.rows_sql})"

    @property
    def counted_sql(self) -> str:
        """Aggregates of `marked_sql`: rows in all, and of each rule."""
        return "count(*)" + "".join(f", count_if(mark = {i})" for i in range(1, 1 + len(self.rules)))

    def count(self, connection) -> list[int]:
        """What `settle` wants to know, by a pass over the file."""
        return list(connection.execute(f"SELECT {self.counted_sql} FROM {self.marked_sql}").fetchone())

    def settle(self, counts: list[int]) -> tuple[int, list[Decision]]:
        """(rows that stay, what is said) from the counts of all rows and of each rule."""
        said = [
            Decision(None, kind, count, f"{what} are left out")
            for (kind, (_, what)), count in zip(self.rules.items(), counts[1:])
            if count
        ]
        self.body.rows = counts[0] - sum(counts[1:])
        self.body.decisions += said
        return self.body.rows, said


def by_duckdb(connection, body: Body, lazy: bool = False) -> bool:
    """DuckDB's strict parser; False if it refuses a line, or if the end of the file is no plain row.

    `lazy`: of a large file only the first lines are tried; the rest is left to `body.unchecked`.
    """
    import duckdb

    dialect = body.dialect
    if (
        dialect.spaced
        or dialect.runs
        or len(dialect.delimiter.encode()) > 4
        or not dialect.delimiter
        or any("\n" in text or "\r" in text for text in body.names)
    ):
        return False
    tail = _tail(body)
    if tail is None or footer_rows(tail, body.width):
        return False
    rows = (
        f"read_csv({engine.text(body.source.path)}, auto_detect=false, columns={columns_sql(body.width)}, "
        f"delim={engine.text(dialect.delimiter)}, quote={engine.text(dialect.quote)}, escape={engine.text(dialect.escape)}, "
        f"header=false, skip={body.first_line}, strict_mode=true, null_padding=false, ignore_errors=false, "
        f"max_line_size={LONGEST})"
    )
    body.view = body.source.size > STREAM
    try:
        if not body.view:
            connection.execute(f"CREATE TABLE whole AS SELECT * FROM {rows}")
            rows = "whole"
        body.unchecked = Unchecked(body, rows, _left_out(body), _most_rows(body))
        body.view_sql = f"SELECT * FROM {rows} WHERE ({body.unchecked.marker}) = 0"
        connection.execute(f"CREATE VIEW raw AS {body.view_sql}")
        if lazy and body.view:
            return True
        _, said = body.unchecked.settle(body.unchecked.count(connection))
        body.unchecked = None
        if not said:  # nothing is to be left out
            body.view_sql = f"SELECT * FROM {rows}"
            connection.execute(f"DROP VIEW raw; {_as_raw(rows, body.view)}")
        elif not body.view:
            connection.execute("CREATE TABLE kept AS SELECT * FROM raw; DROP VIEW raw; DROP TABLE whole")
            connection.execute("ALTER TABLE kept RENAME TO raw")
    except duckdb.Error:
        connection.execute("DROP VIEW IF EXISTS raw; DROP TABLE IF EXISTS whole")
        body.view, body.unchecked = False, None
        return False
    return True


def _as_raw(rows: str, view: bool) -> str:
    return f"CREATE VIEW raw AS SELECT * FROM {rows}" if view else f"ALTER TABLE {rows} RENAME TO raw"


def _left_out(body: Body) -> dict[str, tuple[str, str]]:
    """Rows without any text, and the header again where files were joined; in a single column an empty row is a gap."""
    if body.width < 2:
        return {}
    rules = {
        "empty rows": (" AND ".join(f"(c{i} IS NULL OR c{i} = '')" for i in range(body.width)), "rows without any text")
    }
    if any(body.names):
        same = " AND ".join(f"c{i} = {engine.text(name)}" for i, name in enumerate(body.names) if name)
        rules["repeated header"] = (same, "rows that are the header again")
    return rules


def _most_rows(body: Body) -> int:
    """A third more rows than the file has if all are as long as the first ones."""
    size = sum(sum(map(len, row)) + body.width for row in body.sample)
    return int(4 / 3 * body.source.size * max(len(body.sample), 1) / max(size, 1)) + 1


def _tail(body: Body) -> list[list[str]] | None:
    """The last records, by whole lines."""
    with open(body.source.path, "rb") as file:
        file.seek(-min(body.source.size, 1 << 16), 2)
        lines = file.read().decode("utf-8", "replace").splitlines(keepends=True)[1:]
    try:
        rows = [row for row in body.dialect.reader(lines) if row]
    except csv.Error:
        return None
    good = next((i for i, row in enumerate(rows) if len(row) == body.width), len(rows))
    return rows[good:]


def by_walking(connection, body: Body, folder: Path) -> list[Decision]:
    """Record by record, with repairs; a clean copy goes to DuckDB."""
    clean = folder / "clean.csv"
    walk = Walk(body)
    with open(clean, "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
        for row in walk.rows():
            write(row)
    width = walk.widest
    columns = columns_sql(width)
    engine.run(
        connection,
        f"CREATE TABLE raw AS SELECT * FROM read_csv({engine.text(clean)}, auto_detect=false, columns={columns}, delim=',', "
        f"quote='\"', escape='\"', header=false, new_line='\\n', null_padding={str(width > body.width).lower()}, "
        f"parallel={str(width <= body.width).lower()}, max_line_size={2 * LONGEST})",
        body.source.name,
    )
    clean.unlink()
    body.names += [""] * (width - len(body.names))
    return walk.decisions()
