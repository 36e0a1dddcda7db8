"""Files and dataframes of every kind, and files that are none."""

import datetime
import gzip
import json
import os
import random

import numpy as np
import pandas as pd
import pytest

from homespun.data import read, reread
from homespun.errors import DataError

TEXT = "name;price;listed\nMüller;1,5;31.12.2023\nÅsa;2,25;01.02.2024\n"


def said(table):
    """Kind → value of the decisions about the whole table."""
    return {d.kind: d.value for d in table.decisions if d.column is None}


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(tmp_path, encoding, packed):
    content = TEXT.encode(encoding)
    table = read(write(tmp_path / "t.csv", gzip.compress(content) if packed else content))
    assert table.frame["name"].tolist() == ["Müller", "Åsa"]
    assert table.frame["price"].tolist() == [1.5, 2.25]
    assert table.frame["listed"].dtype.kind == "M"
    told = said(table)
    assert told["delimiter"] == ";"
    assert told.get("encoding") == {"cp1252": "cp1252", "utf-16": "utf-16"}.get(encoding)


def test_damaged_utf8_is_no_other_encoding(tmp_path):
    content = ("name,price\n" + "Müller,1\n" * 50).encode()
    path = write(tmp_path / "t.csv", content[:-4] + b"\xff" + content[-4:])
    with pytest.raises(DataError, match="0xff") as caught:
        read(path)
    assert "latin-1" in caught.value.suggestion
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        read(path, encoding="klingon")
    with pytest.raises(DataError, match="is not ascii"):
        read(path, encoding="ascii")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_dialects(tmp_path, delimiter, newline):
    lines = [["id", "what is it", "n"], ["1", '"a, ""b"""', "5"], ["2", "c", "6"], ["3", "d", "7"]]
    table = read(write(tmp_path / "t.csv", newline.join(delimiter.join(line) for line in lines) + newline))
    assert table.frame["what is it"].tolist() == ['a, "b"', "c", "d"]
    assert table.frame["n"].tolist() == [5, 6, 7]


def test_names_of_columns(tmp_path):
    table = read(write(tmp_path / "t.csv", "a, b ,a\n1,2,3\n4,5,6\n"))
    assert list(table.frame)[:2] == ["a", "b"] and table.frame.iloc[:, 2].tolist() == [3, 6]
    renamed = next(d for d in table.decisions if d.kind == "renamed")
    assert list(renamed.value.values()) == ["a"]


def test_without_header(tmp_path):
    table = read(write(tmp_path / "t.csv", "1,5.5\n2,6.5\n3,7.5\n"))
    assert len(table) == 3
    assert any(d.kind == "no header" for d in table.decisions)


def test_header_of_text_table(tmp_path):
    table = read(write(tmp_path / "t.csv", "make,fuel\nFord,petrol\nAudi,diesel\n"))
    assert list(table.frame) == ["make", "fuel"] and len(table) == 2


@pytest.mark.parametrize(
    "name, content, word",
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b" \n\n", "is empty"),
        ("head.csv", b"a,b\n", "no rows"),
        ("t.xlsx", b"PK\x03\x04rest", "zip"),
        ("t.db", b"SQLite format 3\x00", "SQLite"),
        ("t.xz", b"\xfd7zXZ\x00", "xz"),
        ("t.bin", b"\x01\x00\x02binary", "not text"),
        ("t.gz", b"\x1f\x8bnope", "gzip"),
        ("random.csv", random.Random(0).randbytes(4000), "not text"),
        ("program.csv", b"\x7fELF\r\n" + random.Random(1).randbytes(600), "not text"),
    ],
)
def test_files_that_are_no_table(tmp_path, name, content, word):
    with pytest.raises(DataError, match=word) as caught:
        read(write(tmp_path / name, content))
    assert name in str(caught.value)


def test_cut_gzip(tmp_path):
    whole = gzip.compress(("a,b\n" + "1,2\n" * 1000).encode())
    with pytest.raises(DataError, match="gzip"):
        read(write(tmp_path / "t.csv.gz", whole[:-20]))


def test_a_footnote_is_no_row(tmp_path):
    lines = [f"country {i}\t{i}\t{i * 2}" for i in range(30)]
    path = write(tmp_path / "t.csv", "\n".join(["name\ta\tb", *lines, "a footnote without tabs"]) + "\n")
    table = read(path)
    assert len(table) == 30 and table.frame["b"].tolist() == [i * 2 for i in range(30)]
    assert said(table)["footer"] == ["a footnote without tabs"]
    kept = read(path, footer=0)
    assert len(kept) == 31 and kept.frame["name"].iloc[-1] == "a footnote without tabs"


def test_no_field_is_lost(tmp_path):
    table = read(write(tmp_path / "t.csv", "a,b\n1,2\n3,4\n5,6,7\n8,9\n10\n"))
    assert table.frame["a"].tolist() == [1, 3, 5, 8, 10]
    np.testing.assert_array_equal(table.frame["column2"], [np.nan, np.nan, 7, np.nan, np.nan])
    decisions = {d.kind: d for d in table.decisions}
    assert decisions["long rows"].value == 1 and "line 4 has 3" in decisions["long rows"].evidence
    assert decisions["short rows"].value == 1 and "line 6 has 1" in decisions["short rows"].evidence
    assert {d.kind for d in table.warnings} >= {"long rows", "short rows"}


def test_missing_file_and_folder(tmp_path):
    write(tmp_path / "cars.csv", "a\n1\n")
    with pytest.raises(DataError, match=r"did you mean 'cars\.csv'"):
        read(tmp_path / "car.csv")
    (tmp_path / "cars.csv").unlink()
    with pytest.raises(DataError, match="folder without a table"):
        read(tmp_path)


def test_parquet_and_json(tmp_path):
    import duckdb

    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, np.nan],
            "word": ["a", "b"],
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "yes": [True, False],
            "km": ["5 km", "7 km"],
        }
    )
    duckdb.from_df(frame).write_parquet(str(tmp_path / "t.parquet"))
    table = read(tmp_path / "t.parquet").frame
    assert table["n"].tolist() == [1, 2] and np.isnan(table["x"][1]) and table["word"].tolist() == ["a", "b"]
    assert table["day"].dtype.kind == "M" and table["yes"].tolist() == [1, 0] and table["km"].tolist() == [5, 7]
    rows = [{"n": 1, "km": "5 km"}, {"n": 2, "km": None}]
    write(tmp_path / "t.json", json.dumps(rows))
    write(tmp_path / "t.jsonl", "\n".join(json.dumps(row) for row in rows))
    for name in ("t.json", "t.jsonl"):
        np.testing.assert_array_equal(read(tmp_path / name).frame["km"], [5, np.nan])
    np.testing.assert_array_equal(read(rows).frame["km"], [5, np.nan])


def test_dataframes_alike():
    import polars as pl

    columns = {
        "n": [1, 2, 3],
        "x": [0.5, None, 1.5],
        "word": ["a", None, "b"],
        "yes": [True, False, True],
        "km": ["1 km", "2 km", "-"],
        "day": [datetime.date(2024, 1, 1), None, datetime.date(2024, 2, 1)],
    }
    ours, polars = read(pd.DataFrame(columns)), read(pl.DataFrame(columns))
    for name in ours.frame:
        pd.testing.assert_series_equal(ours.frame[name], polars.frame[name])
    assert (
        ours.frame["x"].dtype.kind == "f"
        and ours.frame["day"].dtype.kind == "M"
        and ours.frame["km"].tolist()[:2] == [1, 2]
    )
    back = ours.to_polars()
    assert back["x"].to_list() == [0.5, None, 1.5] and back["word"].to_list() == ["a", None, "b"]
    category = read(pd.DataFrame({"word": pd.Categorical(["a", "b", None])}))
    assert category.frame["word"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("source", [3, None, object(), [1, 2]])
def test_no_table(source):
    with pytest.raises(DataError) as caught:
        read(source)
    assert caught.value.operation == "read"


def test_doubled_and_absent_columns():
    with pytest.raises(DataError, match="'a'"):
        read(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="0 rows"):
        read(pd.DataFrame({"a": []}))
    with pytest.raises(DataError, match="exists already"):
        read({"engine": ["2 Turbo", "3"], "engine (Turbo)": ["1", "2"]})


def test_infinity_is_refused():
    recipes = read({"x": [1.0, 2.0]}).recipes
    with pytest.raises(DataError, match="infinity in row 2"):
        reread({"x": [1.0, np.inf]}, recipes)


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    """DuckDB's extensions stay off: with them on, a CSV in Latin-1 would make it look for one on the net."""
    import duckdb

    seen = []
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda *a, **k: seen.append(k["config"]) or connect(*a, **k))
    read(write(tmp_path / "t.csv", "a,b\n1,2\n"))
    assert seen and all(
        not config["autoinstall_known_extensions"] and not config["autoload_known_extensions"] for config in seen
    )


def test_errors_do_not_show_our_queries(tmp_path):
    cases = [(write(tmp_path / "a.json", b'[{"a":1,"y":tru'), {}, "no whole JSON"),
             (write(tmp_path / "a.parquet", b"PAR1xxxxPAR1"), {}, "cannot be read as a table"),
             (write(tmp_path / "a.csv", b"a,b\n1,2\n3,4\n"), {"query": "SELECT * FROM cars"}, r"table is called data\)")]
    for path, options, words in cases:
        with pytest.raises(DataError, match=words) as caught:
            read(path, **options)
        assert "LINE 1" not in str(caught.value) and "CREATE" not in str(caught.value)


def test_a_pipe_is_not_called_empty(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # opening it would wait for a writer for ever
    with pytest.raises(DataError, match="a pipe or a device; save"):
        read(tmp_path / "pipe.csv")
