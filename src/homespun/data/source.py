"""Sources: a file or a dataframe becomes a pandas frame whose text is still untouched.

DuckDB finds the dialect of a CSV and reads Parquet and JSON. Nothing is downloaded: its extensions stay off. It takes
only UTF-8, so anything else is decoded here first. xz, zip, Excel and SQLite are recognised and refused with a word.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import itertools
import os
import tempfile
from collections import Counter
from pathlib import Path

from homespun.base.errors import DataError
from homespun.data.table import Decision

_REFUSED = [
    (b"\xfd7zXZ\x00", "an xz archive: unpack it first"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook: save it as CSV"),
    (b"SQLite format 3\x00", "an SQLite database: export the table as CSV"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV"),
]


def load_raw(source, *, delimiter: str | None = None, header: bool | None = None, encoding: str | None = None):
    """(frame, decisions) of a path or a dataframe. Text columns hold the file's own text; missing is None or NaN."""
    if isinstance(source, (str, os.PathLike)):
        return _load_file(Path(source), delimiter, header, encoding)
    return _load_frame(source), []


# ---------------------------------------------------------------------------------------------------------------------
# Dataframes


def _load_frame(source):
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
        columns[str(name)] = _plain_column(frame[name])
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _from_narwhals(series):
    """A pandas column, without pyarrow."""
    import pandas as pd

    values = series.to_list()
    if str(series.dtype) == "Boolean":
        return pd.Series(pd.array(values, dtype="boolean"))
    return pd.Series(values, dtype=None if series.dtype.is_numeric() or series.dtype.is_temporal() else object)


def _plain_column(column):
    """A column of one of the plain kinds: int64, float64, bool, datetime64 or object with text."""
    import pandas as pd

    dtype = column.dtype
    column = column.reset_index(drop=True)
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain_column(column.astype(dtype.categories.dtype if not column.isna().any() else object))
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


# ---------------------------------------------------------------------------------------------------------------------
# Files


def _load_file(path: Path, delimiter, header, encoding):
    if not path.exists():
        from homespun.base.errors import did_you_mean

        near = did_you_mean(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else None
        raise DataError(
            f"there is no file {str(path)!r}" + (f"; {near}" if near else ""),
            operation="read",
            operands={"source": str(path)},
            rule="an existing file",
            suggestion=near,
        )
    if path.is_dir():
        raise DataError(
            f"{str(path)!r} is a folder, not a file", operation="read", operands={"source": str(path)}, rule="a file"
        )
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be opened: {error.strerror}",
            operation="read",
            operands={"source": str(path)},
            rule="a readable file",
        ) from None
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise DataError(
                f"{str(path)!r} is {what}",
                operation="read",
                operands={"source": str(path)},
                rule="CSV, TSV, Parquet or JSON",
            )
    if head.startswith(b"PAR1"):
        return _query(f"SELECT * FROM read_parquet({_quoted(path)})", path), []
    return _load_text(path, head, delimiter, header, encoding)


def _load_text(path: Path, head: bytes, delimiter, header, encoding):
    packed = head.startswith(b"\x1f\x8b")
    try:
        content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise DataError(
            f"{str(path)!r} is a damaged gzip file: {error}",
            operation="read",
            operands={"source": str(path)},
            rule="a whole gzip file",
        ) from None
    text, decisions = decode(content, encoding, str(path))
    if not text.strip():
        raise DataError(
            f"{str(path)!r} is empty",
            operation="read",
            operands={"source": str(path), "bytes": len(content)},
            rule="a header and at least one row",
        )
    if "\n" not in text and "\r" in text:
        text = text.replace("\r", "\n")
    # DuckDB wants a file, and in UTF-8.
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "table.txt"
        plain.write_bytes(text.encode("utf-8"))
        if text.lstrip()[0] in "[{":
            frame = _query(f"SELECT * FROM read_json({_quoted(plain)}, sample_size=-1)", path)
            return frame, decisions
        frame, more = _load_csv(plain, path, delimiter, header)
    return frame, decisions + more


def decode(content: bytes, encoding: str | None, name: str) -> tuple[str, list[Decision]]:
    """Text of a file: by its byte order mark, as UTF-8, or (said as a decision) as Windows-1252 or Latin-1."""
    if encoding is not None:
        try:
            return content.decode(encoding), []
        except LookupError:
            raise DataError(
                f"there is no encoding {encoding!r}",
                operation="read",
                operands={"encoding": encoding},
                rule="a name that Python knows",
            ) from None
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name!r} is not {encoding}: byte {content[error.start]:#04x} at {error.start}",
                operation="read",
                operands={"source": name, "encoding": encoding},
                rule="text in that encoding",
            ) from None
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            encoding = codec
            break
    if encoding == "utf-16":
        try:
            return content.decode(encoding), [Decision(None, "encoding", encoding, "byte order mark")]
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name!r} is damaged UTF-16 at byte {error.start}",
                operation="read",
                operands={"source": name},
                rule="whole UTF-16",
            ) from None
    if b"\x00" in content:
        raise DataError(
            f"{name!r} is not text: byte {content.index(0)} is zero",
            operation="read",
            operands={"source": name},
            rule="CSV, TSV, Parquet or JSON",
        )
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        at = error.start
    evidence = f"byte {content[at]:#04x} at {at} is not UTF-8"
    rescued = content.decode("utf-8", errors="replace")
    broken = rescued.count("\ufffd")
    if (
        sum(ord(sign) > 127 for sign in rescued) - broken > broken
    ):  # nearly all of it is UTF-8: a damaged file, not another encoding
        raise DataError(
            f"{name!r} is damaged: {evidence}, though the rest is",
            operation="read",
            operands={"source": name, "byte": at},
            rule="whole UTF-8",
            suggestion="encoding='latin-1' reads it anyway",
        )
    for codec in ("cp1252", "latin-1"):
        try:
            return content.decode(codec), [Decision(None, "encoding", codec, evidence)]
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def _load_csv(plain: Path, path: Path, delimiter, header):
    given = (f", delim={_quoted(delimiter)}" if delimiter is not None else "") + (
        f", header={'true' if header else 'false'}" if header is not None else ""
    )
    sniffed = _query(
        "SELECT Delimiter, Quote, Escape, Comment, SkipRows, HasHeader, Columns "
        f"FROM sniff_csv({_quoted(plain)}, sample_size=100000{given})",
        path,
        as_is=True,
    ).iloc[0]
    decisions: list[Decision] = []
    columns = len(sniffed["Columns"])
    if columns == 1 and delimiter is None:
        # A footnote or one line too long makes the sniffer call the whole line one column: that would be wrong without a word.
        sign = _regular_sign(plain)
        if sign and sign != sniffed["Delimiter"]:
            _refuse_odd_line(plain, path, sign)
            return _load_csv(plain, path, sign, header)
    if sniffed["Delimiter"] != ",":
        decisions.append(Decision(None, "delimiter", str(sniffed["Delimiter"]), "fits every line of the sample"))
    if sniffed["SkipRows"]:
        decisions.append(
            Decision(
                None, "skipped lines", int(sniffed["SkipRows"]), "lines before the table that do not fit its columns"
            )
        )
    if sniffed["Comment"] and sniffed["Comment"] != "(empty)":
        decisions.append(
            Decision(None, "comment lines", str(sniffed["Comment"]), "lines that begin with it are left out")
        )
    has_header = bool(sniffed["HasHeader"])
    if not has_header:
        decisions.append(
            Decision(None, "no header", False, "the first line looks like the others; columns are numbered")
        )

    def option(name, value):
        return f", {name}={_quoted('' if value in (None, '(empty)') else value)}"

    frame = _query(
        f"SELECT * FROM read_csv({_quoted(plain)}, all_varchar=true, auto_detect=true, sample_size=100000"
        + option("delim", sniffed["Delimiter"])
        + option("quote", sniffed["Quote"])
        + option("escape", sniffed["Escape"])
        + option("comment", sniffed["Comment"])
        + f", skip={int(sniffed['SkipRows'])}, header={str(has_header).lower()})",
        path,
    )
    if has_header:
        frame, more = _own_names(frame, plain, sniffed)
        decisions += more
    if len(frame) == 0:
        raise DataError(
            f"{str(path)!r} has a header but no rows",
            operation="read",
            operands={"source": str(path)},
            rule="at least one row",
        )
    return frame, decisions


def _own_names(frame, plain: Path, sniffed):
    """The columns by the names of the file, without blanks around them; what DuckDB renamed (a name twice) is said."""
    with open(plain, encoding="utf-8", newline="") as file:
        lines = itertools.islice(file, int(sniffed["SkipRows"]), None)
        quote = sniffed["Quote"] if len(sniffed["Quote"] or "") == 1 else None
        form = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
        written = [name.strip() for name in next(csv.reader(lines, delimiter=sniffed["Delimiter"], **form), [])]
    names = [str(name).strip() for name in frame.columns]
    if len(set(names)) == len(names):
        frame.columns = names
    renamed = {new: old for old, new in zip(written, frame.columns) if old != new and written.count(old) > 1}
    return frame, [Decision(None, "renamed", renamed, "the header has a name twice")] if renamed else []


def _regular_sign(plain: Path) -> str | None:
    """The sign that stands equally often in at least 80 % of the first lines, if there is one."""
    with open(plain, encoding="utf-8") as file:
        lines = [line for line in itertools.islice(file, 1000) if line.strip()]
    best, found = 0.8, None
    for sign in ",;\t|":
        counts = Counter(line.count(sign) for line in lines)
        count, often = counts.most_common(1)[0]
        if count and len(lines) > 1 and often / len(lines) >= best:
            best, found = often / len(lines), sign
    return found


def _refuse_odd_line(plain: Path, path: Path, delimiter: str) -> None:
    """Raise for the first record that has another number of fields than the first one."""
    with open(plain, encoding="utf-8", newline="") as file:
        records = csv.reader(file, delimiter=delimiter)
        wanted = len(next(records, []))
        for record in records:
            if record and len(record) != wanted:
                shown = delimiter.join(record)
                raise DataError(
                    f"{str(path)!r} cannot be read as a table: line {records.line_num} has {len(record)} "
                    f"field{'s' * (len(record) != 1)}, the first line has {wanted}: "
                    f"{shown if len(shown) <= 80 else shown[:79] + '…'!r}",
                    operation="read",
                    operands={"source": str(path), "line": records.line_num, "fields": len(record), "expected": wanted},
                    rule="every line with the same number of fields",
                    where=f"line {records.line_num}",
                    suggestion="remove the line, or close its quotes",
                )


def _query(text: str, path: Path, *, as_is: bool = False):
    """The result of a query as a frame of plain columns (`as_is`: as DuckDB makes it)."""
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    try:
        frame = connection.execute(text).df()
    except duckdb.Error as error:
        reason = str(error).split("Possible Solution")[0].split("Possible fixes")[0].replace("\n", " ").strip()
        raise DataError(
            f"{str(path)!r} cannot be read as a table: {reason[:400]}",
            operation="read",
            operands={"source": str(path)},
            rule="every line with the same number of fields",
        ) from None
    finally:
        connection.close()
    if as_is:
        return frame
    import pandas as pd

    return pd.DataFrame({str(name): _plain_column(frame[name]) for name in frame.columns})


def _quoted(value) -> str:
    return "'" + str(value).replace("'", "''") + "'"
