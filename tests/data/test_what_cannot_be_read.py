"""Nasty inputs: what cannot be read names the file, the place and what to do; what can be read says what was odd."""

import gzip
import io
import os
import sqlite3
import tempfile
import time
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.cli import run
from homespun.data import read, scan
from homespun.errors import DataError, HomespunError

TABLE = "a,b\n" + "".join(f"{i},w{i % 5}\n" for i in range(200))


def zipped(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def encrypted():
    """A zip whose only member is marked as encrypted."""
    made = bytearray(zipped(t=TABLE))
    made[6] |= 1
    at = made.index(b"PK\x01\x02")
    made[at + 8] |= 1
    return bytes(made)


def protected_workbook():
    """How Excel writes a workbook with a password: an old compound file with an encrypted stream."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 600


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "car sales" ("the price" REAL, make TEXT)')
        connection.execute("""INSERT INTO "car sales" VALUES (1.5, 'x'), (2.5, 'y')""")
    connection.close()
    return path.read_bytes()


def parquet():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.parquet"
        duckdb.sql(f"copy (select range as a from range(1000)) to '{path}' (format parquet)")
        return path.read_bytes()


def packed():
    return gzip.compress(os.urandom(3000).hex().encode())


REFUSED = [
    ("cut.csv.gz", lambda: gzip.compress(TABLE.encode())[:-30], "damaged gzip", "copy the file again"),
    ("flipped.csv.gz", lambda: packed()[:500] + b"\xff" + packed()[501:], "damaged gzip", "again"),
    ("two.zip", lambda: zipped(a=TABLE, b=TABLE), "2 files: 'a', 'b'", "unpack it"),
    ("none.zip", lambda: zipped(), "0 files", ""),
    ("locked.zip", encrypted, "encrypted", "its password"),
    ("locked.xlsx", protected_workbook, "password", "without"),
    ("broken.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "workbook", "whole"),
    ("page.csv", lambda: b"<!DOCTYPE html>\n<html><body><table><tr><td>1</td></tr></table>", "web page", "log in"),
    ("binary.csv", lambda: bytes(range(256)) * 40, "not text: byte 0 is 0x00", "CSV"),
    ("header.csv", lambda: b"a,b,c\n", "has a header but no rows", ""),
    ("empty.csv", lambda: b"", "is empty", ""),
    ("mark.csv", lambda: b"\xef\xbb\xbf", "is empty", ""),
    ("mark16.csv", lambda: b"\xff\xfe", "is empty", ""),
    ("blank.csv", lambda: b"\n\n  \n", "is empty", ""),
    ("cut.parquet", lambda: parquet()[:-20], "Parquet", "again"),
    ("comments.json", lambda: b'{\n // what it is\n "a": 1}', "line 2: a comment", "take them out"),
    ("list.json", lambda: b'[{"a": 1},\n {"a": 2},\n {"a": }]', "line 3", "one list of records"),
    ("lines.jsonl", lambda: b'{"a": 1}\n{"a": 2}\n{"a": 3\n{"a": 4}\n', "line 3", "every line"),
    ("cut.json", lambda: b'[{"a": 1}, {"a": 2', "line 1", "again"),
    ("damaged.csv", lambda: "é,b\nü,2\nö,3\n".encode() * 20 + b"caf\xe9,7\n", r"line 61", "encoding="),
    ("doc.pdf", lambda: b"%PDF-1.7\n%\xe2\xe3", "a PDF", "CSV"),
    ("cut.db", lambda: b"SQLite format 3\x00" + b"\x00" * 100, "SQLite", ""),
]


@pytest.mark.parametrize("name, content, word, hint", REFUSED, ids=[name for name, *_ in REFUSED])
def test_refused(tmp_path, capsys, name, content, word, hint):
    path = tmp_path / name
    path.write_bytes(content())
    with pytest.raises(DataError) as caught:
        read(path)
    assert name in str(caught.value) and word in str(caught.value), str(caught.value)
    assert caught.value.operation == "read" and caught.value.operands["source"] == str(path)
    assert run(["inspect", str(path)]) == 1
    told = capsys.readouterr().err
    assert hint in told and "Traceback" not in told and "SELECT" not in told, told


def test_what_can_be_read_though_it_is_odd(tmp_path):
    """UTF-16 without a mark, NUL bytes, mixed line ends, spaces in a table's name, a web page's table as text."""
    assert read(TABLE.encode("utf-16-le")).frame.shape == (200, 2)
    nul = read(TABLE.replace("w1", "w\x001").encode())
    assert nul.frame.shape == (200, 2) and nul.warnings[0].kind == "null bytes" and nul.frame["b"][1] == "w1"
    mixed = read(b"a,b\r\n1,2\n3,4\r5,6\r\n7,8")
    assert mixed.frame.values.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    path = tmp_path / "cars.db"
    database(path)
    assert read(path).frame["the price"].tolist() == [1.5, 2.5]
    with pytest.raises(DataError, match="no such column: prise"):
        read(path, query='SELECT prise FROM "car sales"')
    assert read(path, query='SELECT "the price" AS p FROM "car sales" WHERE make = \'y\'').frame["p"].tolist() == [2.5]
    assert read(zipped(**{"in.csv": TABLE})).facts["packed"] == "zip"


def test_ten_thousand_columns(tmp_path):
    path = tmp_path / "wide.csv"
    width = 10_000
    row = ",".join(["1.5"] * width) + "\n"
    path.write_text(",".join(f"x{i}" for i in range(width)) + "\n" + 5 * row)
    table = read(path)
    assert table.frame.shape == (5, width) and table.frame["x9999"].tolist() == [1.5] * 5


def test_a_single_enormous_line(tmp_path):
    path = tmp_path / "line.csv"
    path.write_text("x" * 30_000_000)
    with pytest.raises(DataError) as caught:
        read(path)
    assert "line.csv" in str(caught.value) and len(str(caught.value)) < 500
    path.write_text("a,b\n1," + "x" * 5_000_000 + "\n2,y\n3,z\n")
    assert read(path).frame["b"].str.len().tolist() == [5_000_000, 1, 1]


def test_folders_and_permissions(tmp_path, capsys):
    with pytest.raises(DataError, match="a folder without a table"):
        read(tmp_path)
    path = tmp_path / "secret.csv"
    path.write_text(TABLE)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="cannot be opened: Permission denied"):
        read(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_never_end_in_a_traceback(content):
    try:
        table = read(content)
    except HomespunError as error:
        assert str(error)
    else:
        assert len(table) and all(str(decision) for decision in table.decisions)


SEEDS = [
    TABLE.encode(),
    b'a;"b\nc";d\n1,5;"x;y";2\n' * 9,
    gzip.compress(TABLE.encode()),
    zipped(t=TABLE),
    parquet(),
    b'[{"a": 1, "b": [1, 2]}, {"a": 2}]',
    b'{"a": 1}\n{"a": 2}\n',
    TABLE.encode("utf-16"),
    b"2 1:0.5 3:1\n0 2:1\n" * 5,
    b"name   n\nanna   1\nbo     2\ncarl   3\n",
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(range(len(SEEDS))), st.data())
def test_truncated_and_altered_files_never_end_in_a_traceback(seed, data):
    content = bytearray(SEEDS[seed][: data.draw(st.integers(0, len(SEEDS[seed])))])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    began = time.process_time()
    try:
        read(bytes(content))
        list(scan(bytes(content), rows=7))
    except HomespunError as error:
        assert str(error)
    assert time.process_time() - began < 20  # of the processor: other work on the machine does not count
