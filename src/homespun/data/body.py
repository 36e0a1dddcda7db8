"""The rows of a delimited text as the DuckDB table ``raw``: by DuckDB's own parser, or record by record.

DuckDB's parser reads strictly (all fields, no guess), in parallel, and checks every line. Where it refuses, `records` walks
over the lines, and DuckDB gets a clean copy.
"""

from __future__ import annotations

import csv
from pathlib import Path

from homespun.data import engine
from homespun.data.layout import footer_rows
from homespun.data.records import Body, Walk
from homespun.data.table import Decision

LONGEST = 4 << 20  # bytes that one record may have
STREAM = 64 << 20  # bytes: a larger file is read again by every query, a smaller one is kept in memory


def columns_sql(width: int) -> str:
    """Columns c0, c1, … of text."""
    return "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width)) + "}"


def by_duckdb(connection, body: Body) -> bool:
    """DuckDB's strict parser; False if it refuses a line, or if the end of the file is no plain row."""
    import duckdb

    dialect = body.dialect
    if (
        dialect.spaced
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
            connection.execute(f"CREATE TABLE raw AS SELECT * FROM {rows}")
        _leave_out(connection, body, rows if body.view else "raw")
    except duckdb.Error:
        connection.execute("DROP TABLE IF EXISTS raw")
        body.view = False
        return False
    return True


def _leave_out(connection, body: Body, rows: str) -> None:
    """Rows without any text, and the header again where files were joined, go; and it is said.

    For a view this is the pass that sees every line, before anything is made of them.
    """
    first = "c0 IS NULL OR c0 IN (''" + (f", {engine.text(body.names[0])})" if any(body.names) else ")")
    rules = {
        "empty rows": (" AND ".join(f"(c{i} IS NULL OR c{i} = '')" for i in range(body.width)), "rows without any text")
    }
    if any(body.names):
        same = " AND ".join(f"c{i} = {engine.text(name)}" for i, name in enumerate(body.names) if name)
        rules["repeated header"] = (same, "rows that are the header again")
    # most rows are settled by their first field
    wanted = ", ".join(
        f"coalesce(count_if(CASE WHEN {first if body.names[0] else 'true'} THEN coalesce({rule}, false) ELSE false END), 0)"
        for rule, _ in rules.values()
    )
    counts = connection.execute(f"SELECT {wanted}, count(*) FROM {rows}").fetchall()[0]
    body.rows = counts[-1]
    kept = []
    for (kind, (rule, what)), count in zip(rules.items(), counts):
        if count and body.width > 1:  # in a single column an empty row is a gap
            body.rows -= count
            kept.append(f"NOT coalesce({rule}, false)")
            body.decisions.append(Decision(None, kind, count, f"{what} are left out"))
    where = f"WHERE {' AND '.join(kept)}" if kept else ""
    if body.view:
        connection.execute(f"CREATE VIEW raw AS SELECT * FROM {rows} {where}")
    elif kept:
        connection.execute(f"CREATE TABLE kept AS SELECT * FROM raw {where}")
        connection.execute("DROP TABLE raw; ALTER TABLE kept RENAME TO raw")


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
