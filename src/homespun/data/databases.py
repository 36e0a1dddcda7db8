"""Tables of SQLite and DuckDB databases, sheets of workbooks: all end in the table ``raw`` of our DuckDB connection.

SQLite and Excel by their own readers (DuckDB's extensions for them would come from the net). A database is opened for
reading only. One table or sheet is read: the only one, or the one that is named.
"""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

from homespun.base.errors import DataError, did_you_mean
from homespun.data import engine
from homespun.data.table import Decision


def choose(wanted, names: list[str], what: str, source: str, *, first: bool = False) -> tuple[str, list[Decision]]:
    """The table or sheet that is meant; the first one if `first`."""
    if not names:
        raise DataError(
            f"{source!r} has no {what}", operation="read", operands={"source": source}, rule=f"at least one {what}"
        )
    listed = ", ".join(map(repr, names[:10]))
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(names):
        return names[wanted], []
    if wanted is not None:
        if wanted not in names:
            hint = did_you_mean(wanted, names)
            raise DataError(
                f"{source!r} has no {what} {wanted!r}; {hint or f'there are {listed}'}",
                operation="read",
                operands={"source": source, what: wanted, f"{what}s": names},
                rule=f"a {what} of the file",
                suggestion=hint,
            )
        return wanted, []
    if len(names) > 1 and not first:
        raise DataError(
            f"{source!r} has {len(names)} {what}s: {listed}",
            operation="read",
            operands={"source": source, f"{what}s": names},
            rule=f"one {what}",
            suggestion=f"{what}={names[0]!r}",
        )
    return names[0], [Decision(None, what, names[0], f"the first of {len(names)}: {listed}")] if len(names) > 1 else []


def sqlite_rows(source, table, query: str | None, name: str):
    """(column names, rows, decisions) of a table or a query; `source` is a path or an open connection."""
    import sqlite3

    opened = isinstance(source, Path)
    try:
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True) if opened else source
        said: list[Decision] = []
        if query is None:
            names = [
                row[0]
                for row in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
                )
            ]
            chosen, said = choose(table, names, "table", name)
            query = f"SELECT * FROM {engine.name(chosen)}"
        cursor = connection.execute(query)
        if cursor.description is None:
            raise _no_rows(query, name)
        return (
            [column[0] for column in cursor.description],
            _fetched(cursor, connection if opened else None, name),
            said,
        )
    except sqlite3.Error as error:
        raise DataError(
            f"{name!r} cannot be read by SQLite: {error}",
            operation="read",
            operands={"source": name, "query": query},
            rule="a whole SQLite database and a valid query",
        ) from None


def _fetched(cursor, connection, name: str):
    import sqlite3

    try:
        while rows := cursor.fetchmany(10_000):
            for row in rows:
                yield [_plain(value) for value in row]
    except sqlite3.Error as error:
        raise DataError(
            f"{name!r} cannot be read: {error}",
            operation="read",
            operands={"source": name},
            rule="a whole SQLite database",
        ) from None
    finally:
        if connection is not None:
            connection.close()


def _plain(value) -> str:
    """A value as text that the inference reads back as it was."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        if value.time() == datetime.time() and value.tzinfo is None:
            return value.date().isoformat()
        return value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _no_rows(query: str, name: str) -> DataError:
    return DataError(
        f"the query returns no table: {query[:80]!r}",
        operation="read",
        operands={"source": name, "query": query},
        rule="a SELECT",
    )


def excel_rows(path: Path, sheet, name: str):
    """(rows, decisions) of a sheet; empty rows and columns around it are left out by the search for the header."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ModuleNotFoundError:
        raise DataError(
            f"{name!r} is a workbook: reading it needs python-calamine",
            operation="read",
            operands={"source": name},
            rule="python-calamine",
            suggestion="pip install 'homespun[table]'",
        ) from None
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            chosen, said = choose(sheet, list(book.sheet_names), "sheet", name, first=True)
            rows = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        if _has_password(path):
            raise DataError(
                f"{name!r} is a workbook with a password",
                operation="read",
                operands={"source": name},
                rule="a workbook without password",
                suggestion="save it without one (in Excel: File, Info, Protect Workbook)",
            ) from None
        raise DataError(
            f"{name!r} cannot be read as a workbook: {error}",
            operation="read",
            operands={"source": name},
            rule="a whole .xlsx, .xls or .ods file",
            suggestion="a whole .xlsx, .xls or .ods file: open it in a spreadsheet and save it again, or as CSV",
        ) from None
    return [[_plain(value) for value in row] for row in rows], said


def _has_password(path: Path) -> bool:
    """Whether a workbook is what a spreadsheet makes of one with a password: a compound file with an encrypted part."""
    with open(path, "rb") as file:
        start = file.read(1 << 16)
        file.seek(-min(path.stat().st_size, 1 << 16), 2)
        return start.startswith(b"\xd0\xcf\x11\xe0") and "EncryptedPackage".encode("utf-16-le") in start + file.read()


def write_clean(rows, path: Path) -> int:
    """Rows as a CSV that cannot be misread; how many."""
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
        for row in rows:
            write(row)
            count += 1
    return count


def load_duckdb(connection, path: Path, table, query: str | None, name: str) -> list[Decision]:
    """A table of a DuckDB file, or what a query on it returns, as ``raw``."""
    engine.run(connection, f"ATTACH {engine.text(path)} AS other (READ_ONLY)", name)
    if query is not None:
        engine.run(connection, "USE other", name)
        try:
            engine.run(connection, f"CREATE TABLE memory.main.raw AS {query.strip().rstrip(';')}", name)
        finally:
            connection.execute("USE memory")
        return []
    names = [
        row[0]
        for row in engine.run(
            connection,
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'other' ORDER BY 1",
            name,
        ).fetchall()
    ]
    chosen, said = choose(table, names, "table", name)
    engine.run(connection, f"CREATE TABLE raw AS SELECT * FROM other.{engine.name(chosen)}", name)
    return said
