"""`read`: a messy file becomes typed columns. `reread`: the same decisions on fresh data.

A column is a number, a flag or a date only if every value of it says so; otherwise it stays the text that it was.
"""

from __future__ import annotations

import warnings

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data.recipe import apply_recipe, distinct, learn_recipe
from homespun.data.source import load_raw
from homespun.data.table import Decision, Table


def read(
    source,
    *,
    types: dict[str, str] | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Table:
    """Read a CSV, TSV, Parquet or JSON file (also .gz), or a dataframe, into typed columns.

    Parameters
    ----------
    source : path, pandas or polars DataFrame (or any that narwhals knows), dict of columns, list of dicts
    types : dict, optional
        Column → "number", "flag", "date" or "text", where the decision should not be taken from the data.
    delimiter, header, encoding : optional
        Where DuckDB's sniffer, or the UTF-8, then Windows-1252 rule, would be wrong.

    Returns
    -------
    Table
        ``.frame``, ``.decisions`` (what was understood and why) and ``.recipes`` (for `reread`).

    Raises
    ------
    DataError
        No file, no rows, lines that do not fit, an archive or a binary file.

    Examples
    --------
    >>> table = read({"mileage": ["186005 km", "-"], "price": ["£8,000", "£950"], "abs": ["ON", "OFF"]})
    >>> table.frame.to_dict("list")
    {'mileage': [186005.0, nan], 'price': [8000, 950], 'abs': [1, -1]}
    >>> print(table.decisions[0])
    mileage: missing ['-'] (1 of 2 values)
    """
    import pandas as pd

    frame, decisions = load_raw(source, delimiter=delimiter, header=header, encoding=encoding)
    if frame.shape[1] == 0 or len(frame) == 0:
        raise DataError(
            f"the table has {len(frame)} rows and {frame.shape[1]} columns",
            operation="read",
            operands={"shape": frame.shape},
            rule="at least one row and one column",
        )
    types = dict(types or {})
    for name, kind in types.items():
        if name not in frame.columns:
            raise _unknown_column(name, frame.columns)
        if kind not in ("number", "flag", "date", "text"):
            raise ParameterError(
                f"read: the type of {name!r} must be 'number', 'flag', 'date' or 'text', got {kind!r}",
                operation="read",
                operands={name: kind},
                rule="number, flag, date or text",
            )
    columns, recipes = {}, {}
    for name in frame.columns:
        found = distinct(frame[name]) if frame[name].dtype.kind not in "iufbM" else None
        recipe, why = learn_recipe(name, frame[name], kind=types.get(name), found=found)
        recipes[name] = recipe
        decisions += why
        for made, values in apply_recipe(name, frame[name], recipe, found).items():
            if made in columns or (made != name and made in frame.columns):
                raise DataError(
                    f"the column {made!r} made from {name!r} exists already",
                    operation="read",
                    operands={"column": made},
                    rule="each column name once",
                )
            columns[made] = values
    return Table(pd.DataFrame(columns), decisions, recipes, _head(frame))


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
        Columns that were not there before are left out.
    """
    import pandas as pd

    frame, decisions = load_raw(source)
    absent = [name for name in recipes if name not in frame.columns and name not in optional]
    if absent:
        hints = [
            f"{name!r}"
            + (f" ({hint})" if (hint := did_you_mean(name, [c for c in frame.columns if c not in recipes])) else "")
            for name in absent[:5]
        ]
        raise DataError(
            f"{operation}: {'column' if len(absent) == 1 else f'{len(absent)} columns'} missing: {', '.join(hints)}",
            operation=operation,
            operands={"missing": absent, "given": list(frame.columns)},
            rule="every column of the training data",
            suggestion=did_you_mean(absent[0], frame.columns),
        )
    extra = [name for name in frame.columns if name not in recipes and name not in known]
    if extra:
        warnings.warn(
            f"{operation}: columns that the model does not know are left out: {', '.join(map(repr, extra[:5]))}",
            UserWarning,
            stacklevel=2,
        )
        decisions.append(Decision(None, "left out", extra, "not in the training data"))
    columns: dict = {}
    for name, recipe in recipes.items():
        if name in frame.columns:
            columns.update(apply_recipe(name, frame[name], recipe))
    return Table(pd.DataFrame(columns, index=pd.RangeIndex(len(frame))), decisions, dict(recipes))


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


def _head(frame, rows: int = 5) -> dict[str, list]:
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
