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
    query = (
        f"CREATE TABLE raw AS SELECT * FROM read_csv({engine.text(body.source.path)}, auto_detect=false, "
        f"columns={columns_sql(body.width)}, "
        f"delim={engine.text(dialect.delimiter)}, quote={engine.text(dialect.quote)}, escape={engine.text(dialect.escape)}, "
        f"header=false, skip={body.first_line}, strict_mode=true, null_padding=false, ignore_errors=false, "
        f"max_line_size={LONGEST})"
    )
    try:
        connection.execute(query)
    except duckdb.Error:
        connection.execute("DROP TABLE IF EXISTS raw")
        return False
    if body.width > 1:
        _leave_out(connection, body)
    return True


def _leave_out(connection, body: Body) -> None:
    """Rows without any text, and the header again where files were joined, go; and it is said."""
    rules = {
        "empty rows": (" AND ".join(f"(c{i} IS NULL OR c{i} = '')" for i in range(body.width)), "rows without any text")
    }
    if any(body.names):
        same = " AND ".join(f"c{i} = {engine.text(name)}" for i, name in enumerate(body.names) if name)
        rules["repeated header"] = (same, "rows that are the header again")
    wanted = ", ".join(f"count_if({rule})" for rule, _ in rules.values())
    counts = connection.execute(f"SELECT {wanted} FROM raw").fetchall()[0]
    for (kind, (rule, what)), count in zip(rules.items(), counts):
        if count:
            connection.execute(f"CREATE TABLE kept AS SELECT * FROM raw WHERE NOT coalesce({rule}, false)")
            connection.execute("DROP TABLE raw; ALTER TABLE kept RENAME TO raw")
            body.decisions.append(Decision(None, kind, count, f"{what} are left out"))


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
