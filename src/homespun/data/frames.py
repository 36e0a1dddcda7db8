"""Dataframes of any kind become a pandas frame of plain columns: int64, float64, bool, datetime64, or objects that are text."""

from __future__ import annotations

from homespun.base.errors import DataError


def load_frame(source):
    import narwhals as nw
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        frame = source
    elif isinstance(source, dict) or (isinstance(source, list) and all(isinstance(row, dict) for row in source)):
        frame = pd.DataFrame(source)
    else:
        try:
            table = nw.from_native(source)
        except TypeError:
            raise DataError(
                f"read: a path or a dataframe is needed, got {type(source).__name__}",
                operation="read",
                operands={"source": type(source).__name__},
                rule="a path, a dataframe, or a list of rows",
            ) from None
        if hasattr(table, "collect"):
            table = table.collect()
        frame = pd.DataFrame({name: _from_narwhals(table[name]) for name in table.columns})
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise DataError(
            f"read: two columns are called {str(doubled[0])!r}",
            operation="read",
            operands={"column": str(doubled[0])},
            rule="each column name once",
        )
    columns = {}
    for name in frame.columns:
        columns[str(name)] = plain_column(frame[name])
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _from_narwhals(series):
    """A pandas column, without pyarrow."""
    import pandas as pd

    values = series.to_list()
    if str(series.dtype) == "Boolean":
        return pd.Series(pd.array(values, dtype="boolean"))
    return pd.Series(values, dtype=None if series.dtype.is_numeric() or series.dtype.is_temporal() else object)


def plain_column(column):
    """A column of one of the plain kinds: int64, float64, bool, datetime64 or object with text."""
    import pandas as pd

    dtype = column.dtype
    column = column.reset_index(drop=True)
    if isinstance(dtype, pd.CategoricalDtype):
        return plain_column(column.astype(dtype.categories.dtype if not column.isna().any() else object))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None)
    if getattr(dtype, "kind", "O") == "m":
        return column.dt.total_seconds()
    if getattr(dtype, "kind", "O") in "iufb" and not isinstance(dtype, type(None)):
        if dtype.kind == "b":
            return (
                column.astype(bool)
                if not column.isna().any()
                else column.map({True: "True", False: "False"}).astype(object)
            )
        return column.astype("float64" if column.isna().any() or dtype.kind == "f" else "int64")
    if getattr(dtype, "kind", "O") == "M":
        return column
    values = column.to_numpy(dtype=object, na_value=None)
    if len(values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    ):
        return pd.to_numeric(column.astype(object).where(column.notna(), None)).astype("float64")
    if (
        len(values)
        and all(value is None or hasattr(value, "year") for value in values)
        and any(v is not None for v in values)
    ):
        return pd.to_datetime(pd.Series(values), utc=False)
    return pd.Series([None if value is None else str(value) for value in values], dtype=object)
