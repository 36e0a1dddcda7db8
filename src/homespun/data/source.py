"""Sources: a file, a folder, a query, bytes or a dataframe becomes one table whose text is still untouched.

What a file is, its first bytes say, not its name. CSV is read by `delimited`, Parquet and JSON by DuckDB, Excel and SQLite
by `databases`. Nothing is downloaded: DuckDB's extensions stay off.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from homespun.base.errors import DataError, did_you_mean
from homespun.data import engine
from homespun.data.databases import excel_rows, load_duckdb, sqlite_rows, write_clean
from homespun.data.delimited import load_delimited
from homespun.data.encoding import as_utf8
from homespun.data.frames import load_frame
from homespun.data.loaded import Loaded, new_loaded
from homespun.data.many import files_of, stack
from homespun.data.packed import kind_of_file, unpack
from homespun.data.records import Options
from homespun.data.table import Decision


def load(
    source, options: Options | None = None, *, encoding: str | None = None, sheet=None, query: str | None = None
) -> Loaded:
    """Whatever `source` is, as a table of raw columns."""
    options = options or Options()
    if isinstance(source, str) and query is None and _is_query(source):
        raise DataError(
            "read: a query needs a source to be asked of",
            operation="read",
            operands={"source": source},
            rule="a source and a query",
            suggestion=f"read('cars.db', query={source[:40]!r})",
        )
    if isinstance(source, (str, os.PathLike)):
        return _load_path(str(source), options, encoding, sheet, query)
    if isinstance(source, (bytes, bytearray, memoryview)) or hasattr(source, "read"):
        return _load_bytes(source, options, encoding, sheet, query)
    if type(source).__name__ == "DuckDBPyRelation":
        source = source.df()
    if hasattr(source, "execute"):
        return _load_connection(source, options, query)
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


def _load_path(name: str, options: Options, encoding, sheet, query) -> Loaded:
    path = Path(name).expanduser()
    if path.is_dir() or (not path.exists() and any(sign in name for sign in "*?[")):
        return _load_many(name, path, options, encoding, sheet, query)
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
        _load_file(loaded, path, folder, options, encoding, sheet, query)
        if query is not None and loaded.facts["format"] not in ("SQLite", "DuckDB"):
            _ask(loaded, query)
        _finish(loaded)
    except BaseException:
        loaded.close()
        raise
    return loaded


def _load_file(loaded: Loaded, path: Path, folder: Path, options: Options, encoding, sheet, query) -> None:
    kind, name = kind_of_file(path, loaded.name), loaded.name
    packed: list[str] = []
    while kind in ("gzip", "bzip2", "xz", "zip", "tar", "zstd"):
        if len(packed) > 3:
            raise DataError(
                f"{name!r} is packed too often",
                operation="read",
                operands={"source": name},
                rule="at most three archives around a file",
            )
        packed.append(kind)
        path, said = unpack(path, kind, name, folder)
        loaded.decisions += said
        kind = kind_of_file(path, name)
    facts: dict = {"packed": ", ".join(packed)} if packed else {}
    if path.stat().st_size == 0:
        raise DataError(
            f"{name!r} is empty",
            operation="read",
            operands={"source": name, "bytes": 0},
            rule="a header and at least one row",
        )
    connection = loaded.connection
    if kind == "parquet":
        engine.run(connection, f"CREATE VIEW raw AS SELECT * FROM read_parquet({engine.text(path)})", name)
        loaded.view = True
        facts["format"] = "Parquet"
    elif kind == "duckdb":
        loaded.decisions += load_duckdb(connection, path, options.table, query, name)
        facts["format"] = "DuckDB"
    elif kind == "sqlite":
        names, rows, said = sqlite_rows(path, options.table, query, name)
        loaded.decisions += said
        _load_rows(loaded, rows, names, folder)
        facts["format"] = "SQLite"
    elif kind == "excel":
        rows, said = excel_rows(path, sheet, name)
        loaded.decisions += said
        width = max(map(len, rows), default=0)
        write_clean((row + [""] * (width - len(row)) for row in rows if any(row) or True), folder / "sheet.csv")
        _load_text(
            loaded,
            folder / "sheet.csv",
            folder,
            replace(options, delimiter=",", quote='"', escape='"', comment=""),
            "utf-8",
            facts,
            "Excel",
        )
    else:
        _load_text(loaded, path, folder, options, encoding, facts, None)
    loaded.facts = facts | loaded.facts | ({"format": facts["format"]} if "format" in facts else {})


def _load_text(
    loaded: Loaded, path: Path, folder: Path, options: Options, encoding, facts: dict, kind: str | None
) -> None:
    text = as_utf8(path, loaded.name, encoding, folder)
    start = next((line.lstrip()[:1] for line in text.lines() if line.strip()), "")
    if not start:
        raise DataError(
            f"{loaded.name!r} is empty",
            operation="read",
            operands={"source": loaded.name, "bytes": text.size},
            rule="a header and at least one row",
        )
    if start in "[{" and kind is None and options.delimiter is None and _is_json(loaded, text.path, facts):
        loaded.decisions += text.decisions
        return
    try:
        found = load_delimited(loaded.connection, text, folder, options)
    except DataError as error:
        if "nicode" not in str(error):
            raise
        text = as_utf8(path, loaded.name, encoding, folder, whole=True)  # says where, or reads it in another encoding
        loaded.connection.execute("DROP TABLE IF EXISTS raw")
        found = load_delimited(loaded.connection, text, folder, options)
    loaded.columns = {column: f"c{i}" for i, column in enumerate(found.names)}
    loaded.decisions += found.decisions
    loaded.facts = found.facts
    loaded.view, loaded.rows = found.body.view, found.body.rows
    loaded.line_of = found.body.line_of
    if kind is not None:
        facts["format"] = kind


def _is_json(loaded: Loaded, path: Path, facts: dict) -> bool:
    """Load JSON or JSON lines; False if a text only begins like it."""
    import duckdb

    try:
        loaded.connection.execute(
            f"CREATE TABLE raw AS SELECT * FROM read_json({engine.text(path)}, sample_size=-1, maximum_object_size=268435456)"
        )
    except duckdb.Error as error:
        with open(path, encoding="utf-8-sig") as file:
            head = file.read(2000).split("\n")
        if head[0].strip() in ("[", "{") or '":' in "".join(head[:3]) or '" :' in "".join(head[:3]):
            raise DataError(
                f"{loaded.name!r} is no whole JSON: {engine.reason_of(error)}",
                operation="read",
                operands={"source": loaded.name},
                rule="a list of records, or one record a line",
            ) from None
        return False
    facts["format"] = "JSON"
    return True


def _load_rows(loaded: Loaded, rows, names: list[str], folder: Path) -> None:
    """Rows of text with known names as ``raw``."""
    clean = folder / "rows.csv"
    write_clean(rows, clean)
    columns = "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names))) + "}"
    engine.run(
        loaded.connection,
        f"CREATE TABLE raw AS SELECT * FROM read_csv({engine.text(clean)}, auto_detect=false, columns={columns}, delim=',', "
        "quote='\"', escape='\"', header=false, new_line='\\n', max_line_size=8388608)",
        loaded.name,
    )
    clean.unlink()
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise DataError(
            f"read: two columns are called {doubled[0]!r}",
            operation="read",
            operands={"column": doubled[0]},
            rule="each column name once",
            suggestion="name them in the query: SELECT a.id AS a_id, …",
        )
    loaded.columns = {str(name): f"c{i}" for i, name in enumerate(names)}


def _ask(loaded: Loaded, query: str) -> None:
    """Replace the table by what a query on it, as ``data``, returns."""
    connection = loaded.connection
    if loaded.columns:
        listed = ", ".join(f"{column} AS {engine.name(name)}" for name, column in loaded.columns.items())
        engine.run(connection, f"CREATE VIEW data AS SELECT {listed} FROM raw", loaded.name)
    else:
        connection.execute("CREATE VIEW data AS SELECT * FROM raw")
    engine.run(connection, f"CREATE TABLE answer AS {query.strip().rstrip(';')}", loaded.name,
               failed="cannot be asked so (its table is called data)")
    connection.execute(f"DROP VIEW data; DROP {'VIEW' if loaded.view else 'TABLE'} raw; ALTER TABLE answer RENAME TO raw")
    loaded.columns, loaded.view, loaded.rows = {}, False, 0


def _finish(loaded: Loaded) -> None:
    """Columns, types and rows of ``raw``; nested columns as JSON text."""
    described = loaded.connection.execute("DESCRIBE raw").fetchall()
    if not loaded.columns:
        for name, kind, *_ in described:
            column = engine.name(name)
            if kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("[]") or kind == "JSON":
                column = f"CAST(to_json({column}) AS VARCHAR)" if kind != "JSON" else f"({column} ->> '$')"
                loaded.decisions.append(Decision(name, "nested", "JSON text", f"holds {kind[:60]}"))
            elif kind in ("UUID", "TIME", "INTERVAL", "BIT") or kind.startswith("ENUM"):
                column = f"CAST({column} AS VARCHAR)"
            elif kind == "BLOB":
                column = f"hex({column})"
            elif kind.startswith(("DECIMAL", "HUGEINT", "UHUGEINT")):
                column = f"CAST({column} AS DOUBLE)"
                loaded.typed.add(name)
            elif kind != "VARCHAR":
                loaded.typed.add(name)
            loaded.columns[name] = column
    loaded.rows = loaded.rows or loaded.connection.execute("SELECT count(*) FROM raw").fetchone()[0]


def _load_bytes(source, options: Options, encoding, sheet, query) -> Loaded:
    """Bytes, or an open file (text or binary)."""
    content = source.read() if hasattr(source, "read") else bytes(source)
    named = getattr(source, "name", None)
    if isinstance(content, str):
        content, encoding = content.encode("utf-8"), "utf-8"
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
        _load_file(loaded, path, folder, options, encoding, sheet, query)
        if query is not None and loaded.facts["format"] not in ("SQLite", "DuckDB"):
            _ask(loaded, query)
        _finish(loaded)
    except BaseException:
        loaded.close()
        raise
    return loaded


def _load_connection(source, options: Options, query) -> Loaded:
    """An open SQLite or DuckDB connection."""
    import sqlite3

    if isinstance(source, sqlite3.Connection):
        loaded, folder = new_loaded("SQLite connection")
        names, rows, loaded.decisions = sqlite_rows(source, options.table, query, loaded.name)
        _load_rows(loaded, rows, names, folder)
        loaded.facts = {"format": "SQLite"}
        _finish(loaded)
        return loaded
    if type(source).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        from homespun.data.databases import choose

        said: list[Decision] = []
        if query is None:
            names = [
                row[0]
                for row in source.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
            ]
            chosen, said = choose(options.table, names, "table", "DuckDB connection")
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
    _finish(loaded)
    return loaded


def _load_many(name: str, path: Path, options: Options, encoding, sheet, query) -> Loaded:
    """All files of a folder or a pattern."""
    whole, _ = new_loaded(name)
    parts: list[Loaded] = []
    try:
        for one in files_of(name, path):
            parts.append(_load_path(str(one), options, encoding, sheet, None))
        stack(whole, parts)
        if query is not None:
            _ask(whole, query)
            whole.typed = set()
            _finish(whole)
    except BaseException:
        whole.close()
        raise
    finally:
        for part in parts:
            part.close()
    return whole
