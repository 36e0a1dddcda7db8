"""`read`: a messy source becomes typed columns. `reread`: the same decisions on fresh data.

A column is a number, a flag or a date only if every value of it says so; otherwise it stays the text that it was.

    source → `source.load` (raw columns) → `recipe` or, for many rows of text, `many_rows` (typed columns) → `findings`
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data import findings
from homespun.data.loaded import Loaded
from homespun.data.many_rows import TextPart, known_texts
from homespun.data.recipe import Settings, apply_recipe, distinct, learn_recipe
from homespun.data.records import Options
from homespun.data.source import load
from homespun.data.table import Decision, Table

KINDS = ("number", "flag", "date", "text")
Made = TypeVar("Made")
MANY_ROWS = 20_000  # from here on text columns are read by SQL


def read(
    source,
    *,
    types: dict[str, str] | str | None = None,
    missing: Collection[str] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    date_order: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    escape: str | None = None,
    encoding: str | None = None,
    header: bool | int | None = None,
    skip_rows: int | None = None,
    footer: int | None = None,
    comment: str | None = None,
    widths: list[int] | None = None,
    sheet: str | int | None = None,
    table: str | int | None = None,
    query: str | None = None,
) -> Table:
    """Read a table from wherever it is into typed columns, and say what was understood.

    Every setting overrides a decision; left out, it is found out and explained.

    Parameters
    ----------
    source : path, folder, pattern, bytes, open file, database connection, dataframe, dict of columns, list of dicts
        CSV and its kin in any dialect and encoding, Parquet, JSON, JSON lines, Excel, SQLite, DuckDB; packed with gzip,
        bzip2, xz or zip. Files are known by their first bytes. A folder or a pattern ("sales/2024-*.csv") is read as one
        table. Dataframes of pandas, polars, and any that narwhals knows.
    types : dict or str, optional
        Column → "number", "flag", "date" or "text"; one word for all columns.
    missing : collection of str, optional
        The words that mean "no value here", instead of "n/a", "-", "NULL" and the like. Blanks are always missing.
    decimal, thousands : {".", ","}, optional
        Signs in numbers.
    date_order : {"day", "month"}, optional
        What comes first in "01/02/2024".
    delimiter, quote, escape : str, optional
        How a line is cut into fields; ``quote=""``: no quotes.
    encoding : str, optional
        By a name that Python knows.
    header : bool or int, optional
        Whether there is a header, or of how many rows.
    skip_rows, footer : int, optional
        Lines before the header; rows at the end that are no data.
    comment : str, optional
        What lines begin with that are left out; "": none.
    widths : list of int, optional
        Of the columns of a text of fixed width, in signs.
    sheet : str or int, optional
        Of a workbook.
    table : str or int, optional
        Of a database; of a text file with several tables, counted from 1.
    query : str, optional
        SQL; files and dataframes are called ``data`` in it.

    Returns
    -------
    Table
        ``.frame``, ``.decisions`` (what was understood and why), ``.warnings`` and ``.recipes`` (for `reread`).

    Raises
    ------
    DataError
        No file, no rows, a damaged or binary file: with file, line and byte.
    ParameterError
        A setting that no file can have.

    Examples
    --------
    >>> table = read({"mileage": ["186005 km", "-"], "price": ["£8,000", "£950"], "abs": ["ON", "OFF"]})
    >>> table.frame.to_dict("list")
    {'mileage': [186005.0, nan], 'price': [8000, 950], 'abs': [1, -1]}
    >>> print(table.decisions[0])
    mileage: missing ['-'] (1 of 2 values)
    """
    settings = settings_of(missing, decimal, thousands, date_order)
    if isinstance(types, str):
        _check_kind("every column", types)
    options = Options(delimiter, quote, escape, header, skip_rows, footer, comment, table, widths)  # type: ignore[arg-type]
    return lazily(lambda loaded: understand(loaded, types, settings), source, options,
                  encoding=encoding, sheet=sheet, query=query)  # fmt: skip


def lazily(understood: Callable[[Loaded], Made], source, options: Options, **wish) -> Made:
    """What `understood` makes of the loaded source. Of a large text no line is looked at beforehand; where one then turns out
    to be broken, or longer or shorter than could be foreseen, all lines are looked at and mended first."""
    import duckdb

    loaded = load(source, options, lazy=True, **wish)
    try:
        return understood(loaded)
    except (DataError, duckdb.Error):
        if loaded.unchecked is None:
            raise
        loaded.close()
        loaded = load(source, options, **wish)
        return understood(loaded)
    finally:
        loaded.close()


def understand(loaded: Loaded, types, settings: Settings) -> Table:
    """Types for the raw columns."""
    import pandas as pd

    names = list(loaded.frame.columns) if loaded.frame is not None else list(loaded.columns)
    if not names or not loaded.rows:
        what = (
            "has a header but no rows"
            if names and loaded.frame is None
            else f"has {loaded.rows} rows and {len(names)} columns"
        )
        subject = repr(loaded.name) if loaded.frame is None else "the table"
        raise DataError(
            f"{subject} {what}",
            operation="read",
            operands={"shape": (loaded.rows, len(names)), "source": loaded.name},
            rule="at least one row and one column",
        )
    wanted = dict.fromkeys(names, types) if isinstance(types, str) else dict(types or {})
    for name, kind in wanted.items():
        if name not in names:
            raise _unknown_column(name, names)
        _check_kind(repr(name), kind)
    recipes: dict[str, dict] = {}
    columns: dict[str, Any] = {}

    def put(name: str, made: dict) -> None:
        for new, values in made.items():
            if new in columns or (new != name and new in names):
                raise DataError(
                    f"the column {new!r} made from {name!r} exists already",
                    operation="read",
                    operands={"column": new},
                    rule="each column name once",
                )
            columns[new] = values

    texts = TextPart(loaded, wanted, settings) if loaded.connection is not None and loaded.rows > MANY_ROWS else None
    loaded.settle()
    decisions = list(loaded.decisions)
    frame = loaded.fetch() if texts is None else loaded.fetch([name for name in names if name in loaded.typed])
    finds: dict[str, Any] = {}
    learned: dict[str, tuple] = {}
    for name in names:
        if texts is not None and name not in loaded.typed:
            learned[name] = texts.learn(name)
        else:
            finds[name] = distinct(frame[name]) if frame[name].dtype.kind not in "iufbM" else None
            learned[name] = learn_recipe(name, frame[name], kind=wanted.get(name), found=finds[name], settings=settings)
    order = order_of_others(learned, settings)
    for name in names:
        recipe, why = learned[name]
        if order and any(note.value == "ambiguous date" for note in why):
            # another column of the same table tells whether its days or months come first
            known = Settings(settings.decimal, settings.missing, order[0])
            if name in finds:
                recipe, why = learn_recipe(name, frame[name], kind="date", found=finds[name], settings=known)
            else:
                recipe, why = texts.learn(name, "date", known)  # type: ignore[union-attr]
            why = [
                Decision(one.column, one.kind, one.value, one.evidence.replace(", as asked", f", as in {order[1]!r}"))
                for one in why
            ]
        recipes[name] = recipe
        decisions += why
    made = texts.apply(recipes) if texts is not None else {}
    for name in names:
        put(name, made[name] if name in made else apply_recipe(name, frame[name], recipes[name], finds[name]))
    typed = pd.DataFrame(columns, copy=False)
    if not isinstance(types, str):
        decisions += findings.find(typed, recipes)
    return Table(typed, decisions, recipes, head_of(loaded.fetch(limit=5)), {"source": loaded.name, **loaded.facts})


def order_of_others(learned: dict, settings: Settings) -> tuple[str, str] | None:
    """("day" or "month", column) if the columns whose dates are certain agree on what comes first."""
    if settings.date_order is not None or not any(
        note.value == "ambiguous date" for _, why in learned.values() for note in why
    ):
        return None
    told: dict[str, str] = {}
    for name, (recipe, _) in learned.items():
        form = recipe.get("format", "")
        if recipe["kind"] == "date" and "%m" in form and "%d" in form and not form.startswith("%Y"):
            told.setdefault("day" if form.index("%d") < form.index("%m") else "month", name)
    return next(iter(told.items())) if len(told) == 1 else None


def settings_of(missing, decimal, thousands, date_order) -> Settings:
    """What the user knows about the columns, checked."""
    for name, value in (("decimal", decimal), ("thousands", thousands)):
        if value not in (None, ".", ",") and not (name == "thousands" and value in ("", " ", "'")):
            raise ParameterError(
                f"read: {name} must be '.' or ',', got {value!r}",
                operation="read",
                operands={name: value},
                rule="'.' or ','",
            )
    if date_order not in (None, "day", "month"):
        raise ParameterError(
            f"read: date_order must be 'day' or 'month', got {date_order!r}",
            operation="read",
            operands={"date_order": date_order},
            rule="'day' or 'month'",
        )
    if decimal is None and thousands in (".", ","):
        decimal = "," if thousands == "." else "."
    if decimal is not None and decimal == thousands:
        raise ParameterError(
            f"read: decimal and thousands are both {decimal!r}",
            operation="read",
            operands={"decimal": decimal, "thousands": thousands},
            rule="two different signs",
        )
    if isinstance(missing, str):
        missing = [missing]
    return Settings(decimal, None if missing is None else frozenset(missing), date_order)


def _check_kind(name: str, kind: str) -> None:
    if kind not in KINDS:
        raise ParameterError(
            f"read: the type of {name} must be 'number', 'flag', 'date' or 'text', got {kind!r}",
            operation="read",
            operands={name.strip("'"): kind},
            rule="number, flag, date or text",
        )


def reread(source, recipes: dict[str, dict], *, optional=(), operation: str = "predict", known=()) -> Table:
    """Read fresh data by the recipes of `read`: the same units, flags, dates and missing words.

    Parameters
    ----------
    source
        As for `read`.
    recipes : dict
        ``Table.recipes`` of the data that was read first.
    optional : collection of str
        Columns that may be absent (a target).
    operation : str
        For the error's text.
    known : collection of str
        Columns that may be there and are not needed: no warning about them.

    Raises
    ------
    DataError
        A column is missing (near names are suggested), or a value does not fit: it is named with its row.

    Warns
    -----
    UserWarning
        Columns that were not there before, or rows that are no data, are left out.
    """
    loaded = load(source)
    try:
        return _by_recipes(loaded, recipes, optional, operation, known)
    finally:
        loaded.close()


def _by_recipes(loaded: Loaded, recipes, optional, operation: str, known) -> Table:
    import pandas as pd

    given = list(loaded.frame.columns) if loaded.frame is not None else list(loaded.columns)
    decisions = list(loaded.decisions)
    absent = [name for name in recipes if name not in given and name not in optional]
    if absent:
        hints = [
            f"{name!r}" + (f" ({hint})" if (hint := did_you_mean(name, [c for c in given if c not in recipes])) else "")
            for name in absent[:5]
        ]
        raise DataError(
            f"{operation}: {'column' if len(absent) == 1 else f'{len(absent)} columns'} missing: {', '.join(hints)}",
            operation=operation,
            operands={"missing": absent, "given": given},
            rule="every column of the training data",
            suggestion=did_you_mean(absent[0], given),
        )
    extra = [name for name in given if name not in recipes and name not in known]
    if extra:
        warnings.warn(
            f"{operation}: columns that the model does not know are left out: {', '.join(map(repr, extra[:5]))}",
            UserWarning,
            stacklevel=3,
        )
        decisions.append(Decision(None, "left out", extra, "not in the training data"))
    for decision in decisions:
        if decision.kind in ("empty rows", "footer", "repeated header", "several tables"):
            # fewer rows come out than lines went in: whoever joins them must know
            warnings.warn(f"{operation}: {decision}", UserWarning, stacklevel=3)
    used = [name for name in recipes if name in given]
    many = loaded.connection is not None and loaded.rows > MANY_ROWS
    frame = loaded.fetch([name for name in used if not many or name in loaded.typed])
    texts = known_texts(loaded, {name: recipes[name] for name in used if name not in loaded.typed}) if many else {}
    columns: dict = {}
    for name in used:
        columns.update(texts[name] if name in texts else apply_recipe(name, frame[name], recipes[name]))
    return Table(
        pd.DataFrame(columns, index=pd.RangeIndex(loaded.rows)),
        decisions,
        dict(recipes),
        {},
        {"source": loaded.name, **loaded.facts},
    )


def _unknown_column(name, known) -> DataError:
    hint = did_you_mean(name, known)
    return DataError(
        f"there is no column {name!r}"
        + (f"; {hint}" if hint else f"; the columns are {', '.join(map(repr, list(known)[:20]))}"),
        operation="read",
        operands={"column": name},
        rule="a column of the table",
        suggestion=hint,
    )


def head_of(frame, rows: int = 5) -> dict[str, list]:
    """The first raw values as plain data."""
    return {
        name: [
            None
            if value is None or value != value
            else value
            if isinstance(value, (bool, int, float, str))
            else str(value)
            for value in frame[name].iloc[:rows].tolist()
        ]
        for name in frame.columns
    }
