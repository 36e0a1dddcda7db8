"""Sources: a file, a folder, a query, bytes or a dataframe becomes one table whose text is still untouched.

A file is read by `files`, a folder file by file (`many`). Nothing is downloaded: DuckDB's extensions stay off.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from homespun.base.errors import DataError, did_you_mean
from homespun.data import engine
from homespun.data.databases import sqlite_rows, write_clean
from homespun.data.files import Wish, ask, finish, load_file, load_rows
from homespun.data.frames import load_frame
from homespun.data.loaded import Loaded, new_loaded
from homespun.data.many import files_of, stack, take_over
from homespun.data.records import Options
from homespun.data.table import Decision


def load(
    source, options: Options | None = None, *, encoding: str | None = None, sheet=None, query: str | None = None,
    lazy: bool = False,
) -> Loaded:
    """Whatever `source` is, as a table of raw columns; `lazy`: large texts may come `Loaded.unchecked`."""
    wish = Wish(options or Options(), encoding, sheet, query, lazy)
    if isinstance(source, str) and query is None and _is_query(source):
        raise DataError(
            "read: a query needs a source to be asked of",
            operation="read",
            operands={"source": source},
            rule="a source and a query",
            suggestion=f"read('cars.db', query={source[:40]!r})",
        )
    if isinstance(source, (str, os.PathLike)):
        return _load_path(str(source), wish)
    if isinstance(source, (bytes, bytearray, memoryview)) or hasattr(source, "read"):
        return _load_bytes(source, wish)
    if type(source).__name__ == "DuckDBPyRelation":
        source = source.df()
    if hasattr(source, "execute"):
        return _load_connection(source, wish)
    if query is not None:
        return _query_frame(load_frame(source), query)
    frame = load_frame(source)
    return Loaded(type(source).__name__, rows=len(frame), frame=frame, facts={"format": "dataframe"})


def load_raw(source):
    """(frame, decisions) of a source: what `read` begins with."""
    loaded = load(source)
    try:
        return loaded.fetch(), loaded.decisions
    finally:
        loaded.close()


def _is_query(text: str) -> bool:
    return text.lstrip()[:7].lower() in ("select ", "select\n", "with ") and not Path(text[:200]).exists()


def _load_path(name: str, wish: Wish) -> Loaded:
    path = Path(name).expanduser()
    if path.is_dir() or (not path.exists() and any(sign in name for sign in "*?[")):
        return _load_many(name, path, wish)
    if not path.exists():
        near = did_you_mean(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else None
        raise DataError(
            f"there is no file {name!r}" + (f"; {near}" if near else ""),
            operation="read",
            operands={"source": name},
            rule="an existing file",
            suggestion=near,
        )
    if not path.is_file():  # it can be read only once, and reading looks at it several times
        raise DataError(f"{name!r} is a pipe or a device; save what comes out of it as a file first", operation="read",
                        operands={"source": name}, rule="a file")
    loaded, folder = new_loaded(name)
    try:
        load_file(loaded, path, folder, wish)
    except BaseException:
        loaded.close()
        raise
    return loaded


def _load_bytes(source, wish: Wish) -> Loaded:
    """Bytes, or an open file (text or binary)."""
    content = source.read() if hasattr(source, "read") else bytes(source)
    named = getattr(source, "name", None)
    if isinstance(content, str):
        content, wish = content.encode("utf-8"), replace(wish, encoding="utf-8")
    if not isinstance(content, bytes):
        raise DataError(
            f"read: an open file must give bytes or text, got {type(content).__name__}",
            operation="read",
            operands={"source": type(source).__name__},
            rule="bytes or text",
        )
    loaded, folder = new_loaded(named if isinstance(named, str) else "<bytes>")
    try:
        path = folder / "content"
        path.write_bytes(content)
        load_file(loaded, path, folder, wish)
    except BaseException:
        loaded.close()
        raise
    return loaded


def _load_connection(source, wish: Wish) -> Loaded:
    """An open SQLite or DuckDB connection."""
    import sqlite3

    query = wish.query
    if isinstance(source, sqlite3.Connection):
        loaded, folder = new_loaded("SQLite connection")
        names, rows, loaded.decisions = sqlite_rows(source, wish.options.table, query, loaded.name)
        write_clean(rows, folder / "rows.csv")
        load_rows(loaded, folder / "rows.csv", names)
        loaded.facts = {"format": "SQLite"}
        finish(loaded)
        return loaded
    if type(source).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        from homespun.data.databases import choose

        said: list[Decision] = []
        if query is None:
            names = [
                row[0]
                for row in source.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
            ]
            chosen, said = choose(wish.options.table, names, "table", "DuckDB connection")
            query = f"SELECT * FROM {engine.name(chosen)}"
        frame = load_frame(engine.run(source, query, "DuckDB connection").df())
        return Loaded("DuckDB connection", rows=len(frame), frame=frame, decisions=said, facts={"format": "DuckDB"})
    raise DataError(
        f"read: a connection to SQLite or DuckDB is needed, got {type(source).__name__}",
        operation="read",
        operands={"source": type(source).__name__},
        rule="sqlite3 or duckdb",
        suggestion="read the table with pandas.read_sql and pass the dataframe",
    )


def _query_frame(frame, query: str) -> Loaded:
    loaded, _ = new_loaded("dataframe")
    loaded.connection.register("data", frame)
    engine.run(loaded.connection, f"CREATE TABLE raw AS {query.strip().rstrip(';')}", "dataframe")
    loaded.facts = {"format": "query"}
    finish(loaded)
    return loaded


def _load_many(name: str, path: Path, wish: Wish) -> Loaded:
    """All files of a folder or a pattern."""
    whole, _ = new_loaded(name)
    members = []
    try:
        for number, one in enumerate(files_of(name, path)):
            part = _load_path(str(one), replace(wish, query=None, lazy=False))
            try:
                members.append(take_over(whole, part, number))
            finally:
                part.close()
        stack(whole, members)
        if wish.query is not None:
            ask(whole, wish.query)
            whole.typed = set()
            finish(whole)
    except BaseException:
        whole.close()
        raise
    return whole
