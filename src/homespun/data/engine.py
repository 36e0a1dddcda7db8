"""DuckDB, as we use it: one private connection per table, no extension from the net, errors in our words."""

from __future__ import annotations

from homespun.base.errors import DataError

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "preserve_insertion_order": True,
}


def connect(folder=None):
    """A database in memory; what does not fit spills to `folder`."""
    import duckdb

    config = dict(CONFIG)
    if folder is not None:
        config["temp_directory"] = str(folder)
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET enable_progress_bar = false")  # it would write between our own lines
    return connection


def streaming(connection):
    """A second hand on the same tables, for a long result that is fetched bit by bit."""
    cursor = connection.cursor()
    cursor.execute("SET enable_progress_bar = false")
    cursor.execute("SET streaming_buffer_size = '64MB'")  # rows that wait for Python: with 1 MB, DuckDB's threads wait for us
    return cursor


def run(connection, query: str, name: str, parameters=None, failed: str = "cannot be read as a table"):
    """The result of a query about the source `name`."""
    import duckdb

    try:
        return connection.execute(query, parameters) if parameters else connection.execute(query)
    except duckdb.Error as error:
        raise DataError(
            f"{name!r} {failed}: {reason_of(error)}",
            operation="read",
            operands={"source": name},
            rule="what DuckDB can read",
        ) from None


def reason_of(error: Exception) -> str:
    """What DuckDB says, without its advice and without our query, which the user has not written."""
    said = str(error).split("Possible Solution")[0].split("Possible fixes")[0].split("\nLINE ")[0]
    return " ".join(said.split())[:400]


def text(value) -> str:
    """A text as SQL writes it."""
    return "'" + str(value).replace("'", "''") + "'"


def texts(values) -> str:
    """Texts as SQL lists them; none is NULL."""
    return ", ".join(map(text, sorted(values))) or "NULL"


def name(value) -> str:
    """A column or table as SQL writes it."""
    return '"' + str(value).replace('"', '""') + '"'
