"""JSON and JSON lines as the table ``raw``, by DuckDB; where it refuses, the line that is broken is found.

An object that holds its records in a list ({"version": 1, "data": [{…}, …]}) is that list; where it holds several, the user
says which.  Cost: DuckDB's; the search for a broken line reads the file once in Python.
"""

from __future__ import annotations

import json
from pathlib import Path

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.databases import choose
from homespun.data.loaded import Loaded

WIDEST = 50  # columns that are made of lists in a list


def load_json(loaded: Loaded, path: Path, table: str | int | None) -> bool:
    """Fill ``raw`` of `loaded`; False if a text only begins like JSON."""
    import duckdb

    try:
        loaded.connection.execute(
            f"CREATE TABLE raw AS SELECT * FROM read_json({engine.text(path)}, sample_size=-1, maximum_object_size=268435456)"
        )
    except duckdb.Error as error:
        with open(path, encoding="utf-8-sig") as file:
            head = file.read(2000).split("\n")
        if head[0].strip() in ("[", "{") or '":' in "".join(head[:3]) or '" :' in "".join(head[:3]):
            raise _broken(loaded.name, path, engine.reason_of(error)) from None
        return False
    _only_list(loaded, table)
    return True


def _only_list(loaded: Loaded, table) -> None:
    """Replace a single record that holds lists of records by one of them."""
    connection = loaded.connection
    kinds = {name: kind for name, kind, *_ in connection.execute("DESCRIBE raw").fetchall()}
    lists = [name for name, kind in kinds.items() if kind.endswith("[][]") or (kind.endswith("[]") and kind[:6] == "STRUCT")]
    if not lists or connection.execute("SELECT count(*) FROM raw").fetchone()[0] != 1:
        return
    chosen, said = choose(table, lists, "table", loaded.name)
    loaded.decisions += said
    column = engine.name(chosen)
    if kinds[chosen].endswith("[][]"):
        width = connection.execute(f"SELECT max(len(x)) FROM (SELECT unnest({column}) AS x FROM raw)").fetchone()[0] or 0
        listed = ", ".join(f"x[{i + 1}] AS column{i}" for i in range(min(width, WIDEST)))
        made = f"SELECT {listed} FROM (SELECT unnest({column}) AS x FROM raw)" if 0 < width <= WIDEST else None
    else:
        made = f"SELECT unnest({column}, max_depth := 2) FROM raw"
    if made is not None:
        connection.execute(f"CREATE TABLE records AS {made}; DROP TABLE raw; ALTER TABLE records RENAME TO raw")


def _broken(name: str, path: Path, reason: str) -> DataError:
    """The error with the line at which the JSON ends to be one."""
    line, said, shown = _first_broken(path)
    hint = "fetch or write the file again; every line must be a whole record, or the whole file one list of records"
    if shown.lstrip().startswith(("//", "/*", "#")):
        said, hint = "a comment", "JSON has no comments: take them out"
    return DataError(
        f"{name!r} is no whole JSON: " + (f"line {line}: {said}: {shown.strip()[:60]!r}" if line else reason),
        operation="read",
        operands={"source": name, "line": line},
        rule="a list of records, or one record a line",
        where=f"line {line}" if line else None,
        suggestion=hint,
    )


def _first_broken(path: Path) -> tuple[int, str, str]:
    """(line, what Python's parser says, the line) of the first fault; (0, "", "") if there is none for Python."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = [line for line in (next(file, ""), next(file, "")) if line.strip()]
        records = len(lines) == 2 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines)
        file.seek(0)
        if records or (lines and lines[0].lstrip().startswith("{") and lines[0].rstrip().endswith("}")):
            for number, line in enumerate(file, 1):
                try:
                    if line.strip():
                        json.loads(line.lstrip("\ufeff"))
                except (ValueError, RecursionError) as error:
                    return number, getattr(error, "msg", "too deep"), line
            return 0, "", ""
        content = file.read()
    try:
        json.loads(content.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        shown = content.split("\n")[error.lineno - 1]
        return error.lineno, error.msg, shown[max(error.colno - 31, 0) :] if error.colno > 60 else shown
    except RecursionError:
        return 1, "too deep", content[:60]
    return 0, "", ""
