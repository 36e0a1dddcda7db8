"""Tables and moments in a model file: pandas frames, series, indices, categories and time stamps; time zones.

pandas is imported only when a value of it is met. Columns of plain NumPy types are raw arrays; any other type is a list
of its values and the name of its type (`datetime64[ns, Europe/Berlin]`, `Int64`, `str`). Not handled: intervals,
periods, sparse columns.
"""

from __future__ import annotations

import datetime
import sys
from typing import Any


def is_pandas(value) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas"


def encode(value, encode_part) -> dict[str, Any] | None:
    """The node of a pandas object, None if it is of a kind that is not handled."""
    pd = sys.modules["pandas"]
    parts: dict[str, Any]
    if value is pd.NA or value is pd.NaT:
        parts = {"of": "NA" if value is pd.NA else "NaT"}
    elif type(value) is pd.Timestamp:
        parts = (
            {
                "of": "Timestamp",
                "text": str(value.tz_localize(None).to_numpy().astype("int64")),
                "unit": value.unit,
                "zone": zone_name(value.tz),
                "fold": value.fold,
            }
            if value.tz is None
            else {
                "of": "Timestamp",
                "text": str(value.tz_convert("UTC").tz_localize(None).to_numpy().astype("int64")),
                "unit": value.unit,
                "zone": zone_name(value.tz),
                "fold": 0,
            }
        )
    elif type(value) is pd.Timedelta:
        parts = {"of": "Timedelta", "text": str(value.to_numpy().astype("int64")), "unit": value.unit}
    elif isinstance(value, pd.CategoricalDtype):
        parts = {
            "of": "CategoricalDtype",
            "categories": encode_part(value.categories, ".categories"),
            "ordered": value.ordered,
        }
    elif isinstance(value, pd.api.extensions.ExtensionDtype):
        parts = {"of": "dtype", "name": str(value)}
    elif isinstance(value, pd.RangeIndex):
        parts = {"of": "RangeIndex", "range": [value.start, value.stop, value.step], "name": encode_part(value.name)}
    elif isinstance(value, pd.MultiIndex):
        parts = {
            "of": "MultiIndex",
            "levels": encode_part(list(value.levels), ".levels"),
            "names": encode_part(list(value.names)),
            "codes": encode_part(list(value.codes), ".codes"),
        }
    elif isinstance(value, (pd.IntervalIndex, pd.PeriodIndex)):
        return None
    elif isinstance(value, pd.Index):
        parts = {"of": "Index", "name": encode_part(value.name), **_column(value, encode_part)}
    elif type(value) is pd.Series:
        parts = {
            "of": "Series",
            "name": encode_part(value.name),
            "index": encode_part(value.index, ".index"),
            **_column(value, encode_part),
        }
    elif type(value) is pd.DataFrame:
        columns = [_column(value.iloc[:, position], encode_part) for position in range(value.shape[1])]
        parts = {
            "of": "DataFrame",
            "index": encode_part(value.index, ".index"),
            "names": encode_part(value.columns, ".columns"),
            "columns": columns,
        }
    elif isinstance(value, pd.api.extensions.ExtensionArray):
        parts = {"of": "array", **_column(value, encode_part)}
    else:
        return None
    return {"kind": "pandas", **parts}


def _column(values, encode_part) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        categorical = values.cat if isinstance(values, pd.Series) else values
        return {"codes": encode_part(np.asarray(categorical.codes), ".codes"), "dtype": encode_part(values.dtype)}
    if isinstance(values.dtype, np.dtype):
        return {"values": encode_part(np.asarray(values), ".values")}
    return {"values": encode_part(np.asarray(values.astype(object)), ".values"), "dtype": encode_part(values.dtype)}


def decode(node: dict[str, Any], decode_part) -> Any:
    import pandas as pd

    kind = node["of"]
    if kind in ("NA", "NaT"):
        return getattr(pd, kind)
    if kind == "Timestamp":
        value = _moment("M8", node)
        zone = zone_of(node["zone"])
        stamp = pd.Timestamp(value) if zone is None else pd.Timestamp(value).tz_localize("UTC").tz_convert(zone)
        return stamp.replace(fold=1) if node["fold"] else stamp
    if kind == "Timedelta":
        return pd.Timedelta(_moment("m8", node))
    if kind == "CategoricalDtype":
        return pd.CategoricalDtype(decode_part(node["categories"]), node["ordered"])
    if kind == "dtype":
        return pd.api.types.pandas_dtype(node["name"])
    if kind == "RangeIndex":
        return pd.RangeIndex(*node["range"], name=decode_part(node["name"]))
    if kind == "MultiIndex":
        levels, names, codes = (decode_part(node[part]) for part in ("levels", "names", "codes"))
        return pd.MultiIndex(levels, codes, names=names)
    if kind == "Index":
        name = decode_part(node["name"])
        values, dtype = _values(node, decode_part)
        return pd.Index(values, dtype=dtype, name=name)
    if kind == "Series":
        name, index = decode_part(node["name"]), decode_part(node["index"])
        values, dtype = _values(node, decode_part)
        return pd.Series(values, index=index, name=name, dtype=dtype)
    if kind == "DataFrame":
        index, names = decode_part(node["index"]), decode_part(node["names"])
        columns = []
        for column in node["columns"]:
            values, dtype = _values(column, decode_part)
            columns.append(pd.Series(values, index=index, dtype=dtype))
        frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
        frame.columns = names
        return frame
    if kind == "array":
        values, dtype = _values(node, decode_part)
        return values if dtype is None or values.dtype == dtype else pd.array(values, dtype=dtype)
    raise ValueError(kind)


def _values(node, decode_part):
    import pandas as pd

    if "codes" in node:
        codes, dtype = decode_part(node["codes"]), decode_part(node["dtype"])
        return pd.Categorical.from_codes(codes, dtype=dtype), dtype
    values = decode_part(node["values"])
    return values, decode_part(node["dtype"]) if "dtype" in node else values.dtype


def _moment(kind: str, node):
    import numpy as np

    return np.array(int(node["text"]), np.int64).view(f"{kind}[{node['unit']}]")[()]


def zone_name(zone) -> str | None:
    """None, "UTC", "+05:30", or a name of the zone database."""
    if zone is None:
        return None
    if zone is datetime.UTC or str(zone) == "UTC":
        return "UTC"
    offset = zone.utcoffset(None)
    if isinstance(zone, datetime.timezone) and offset is not None:
        return f"offset {offset.total_seconds()}"
    return getattr(zone, "key", None) or str(zone)


def zone_of(name: str | None):
    if name is None:
        return None
    if name == "UTC":
        return datetime.UTC
    if name.startswith("offset "):
        return datetime.timezone(datetime.timedelta(seconds=float(name[7:])))
    import zoneinfo

    return zoneinfo.ZoneInfo(name)
