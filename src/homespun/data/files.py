"""One file becomes the table ``raw``: by what its first bytes say, not by its name.

    packed → `packed.unpack`     Parquet, JSON → DuckDB     Excel, databases → `databases`     all else is text → `delimited`
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from pathlib import Path

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.databases import excel_rows, load_duckdb, sqlite_rows, write_clean
from homespun.data.delimited import load_delimited
from homespun.data.encoding import as_utf8
from homespun.data.json_text import load_json
from homespun.data.loaded import Loaded
from homespun.data.packed import kind_of_file, unpack
from homespun.data.records import Options
from homespun.data.svmlight import is_svmlight, svmlight_rows
from homespun.data.table import Decision


@dataclass(frozen=True)
class Wish:
    """What a user asks of a source.

    Attributes
    ----------
    lazy : bool
        Of a large text only the first lines need be looked at now (`Loaded.unchecked`).
    """

    options: Options
    encoding: str | None = None
    sheet: str | int | None = None
    query: str | None = None
    lazy: bool = False


def load_file(loaded: Loaded, path: Path, folder: Path, wish: Wish) -> None:
    """Fill ``raw`` of `loaded`; `folder` takes copies."""
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
        if not _ends_whole(path):
            raise DataError(
                f"{name!r} is a damaged Parquet file: its end is missing",
                operation="read",
                operands={"source": name, "bytes": path.stat().st_size},
                rule="a whole Parquet file",
                where=f"byte {path.stat().st_size}",
                suggestion="fetch or copy the file again",
            )
        loaded.view_sql = f"SELECT * FROM read_parquet({engine.text(path)})"
        engine.run(connection, f"CREATE VIEW raw AS {loaded.view_sql}", name)
        loaded.view = True
        facts["format"] = "Parquet"
    elif kind == "duckdb":
        loaded.decisions += load_duckdb(connection, path, wish.options.table, wish.query, name)
        facts["format"] = "DuckDB"
    elif kind == "sqlite":
        names, rows, said = sqlite_rows(path, wish.options.table, wish.query, name)
        loaded.decisions += said
        write_clean(rows, folder / "rows.csv")
        load_rows(loaded, folder / "rows.csv", names)
        facts["format"] = "SQLite"
    elif kind == "excel":
        rows, said = excel_rows(path, wish.sheet, name)
        loaded.decisions += said
        width = max(map(len, rows), default=0)
        write_clean((row + [""] * (width - len(row)) for row in rows if any(row) or True), folder / "sheet.csv")
        _load_text(
            loaded,
            folder / "sheet.csv",
            folder,
            replace(wish, options=replace(wish.options, delimiter=",", quote='"', escape='"', comment=""), encoding="utf-8"),
            facts,
            "Excel",
        )
    else:
        _load_text(loaded, path, folder, wish, facts, None)
    loaded.facts = facts | loaded.facts | ({"format": facts["format"]} if "format" in facts else {})
    if wish.query is not None and loaded.facts["format"] not in ("SQLite", "DuckDB"):
        ask(loaded, wish.query)
    finish(loaded)


def _load_text(
    loaded: Loaded, path: Path, folder: Path, wish: Wish, facts: dict, kind: str | None
) -> None:
    text = as_utf8(path, loaded.name, wish.encoding, folder)
    start = next((line.strip()[:200] for line in text.lines() if line.strip()), "")
    if not start:
        raise DataError(
            f"{loaded.name!r} is empty",
            operation="read",
            operands={"source": loaded.name, "bytes": text.size},
            rule="a header and at least one row",
        )
    plain = kind is None and wish.options.delimiter is None
    if plain and re.match(r"(?i)<(!doctype|html|head|body|table|\?xml)\b", start):
        raise _web_page(loaded.name, start)
    if plain and start[0] in "[{" and load_json(loaded, text.path, wish.options.table):
        loaded.decisions += text.decisions
        facts["format"] = "JSON"
        return
    if plain and is_svmlight(itertools.islice(text.lines(), 50)):
        loaded.decisions += text.decisions
        names, said = svmlight_rows(text.lines, loaded.name, folder / "rows.csv")
        loaded.decisions += said
        load_rows(loaded, folder / "rows.csv", names)
        facts["format"] = "svmlight"
        return
    try:
        found = load_delimited(loaded.connection, text, folder, wish.options, wish.lazy and wish.query is None)
    except (DataError, UnicodeDecodeError) as error:
        if "nicode" not in str(error) and not isinstance(error, UnicodeDecodeError):
            raise
        text = as_utf8(path, loaded.name, wish.encoding, folder, whole=True)  # says where, or reads it in another encoding
        loaded.connection.execute("DROP TABLE IF EXISTS raw")
        found = load_delimited(loaded.connection, text, folder, wish.options, wish.lazy and wish.query is None)
    loaded.columns = {column: f"c{i}" for i, column in enumerate(found.names)}
    loaded.decisions += found.decisions
    loaded.facts = found.facts
    loaded.view, loaded.rows, loaded.view_sql = found.body.view, found.body.rows, found.body.view_sql
    loaded.line_of, loaded.unchecked = found.body.line_of, found.body.unchecked
    if loaded.unchecked is not None:
        loaded.rows = loaded.unchecked.most
    if kind is not None:
        facts["format"] = kind


def _ends_whole(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-min(path.stat().st_size, 4), 2)
        return file.read() == b"PAR1"


def _web_page(name: str, start: str) -> DataError:
    return DataError(
        f"{name!r} is a web page or XML, not a table: it begins with {start[:40]!r}",
        operation="read",
        operands={"source": name},
        rule="CSV, TSV, Parquet, JSON, Excel, SQLite or DuckDB",
        where="line 1",
        suggestion="a download may have ended in a page that asks to log in; the table of a page: pandas.read_html",
    )


def load_rows(loaded: Loaded, clean: Path, names: list[str]) -> None:
    """The rows of a clean copy (`databases.write_clean`), whose names are known, as ``raw``."""
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


def ask(loaded: Loaded, query: str) -> None:
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


def finish(loaded: Loaded) -> None:
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
