"""Every kind of source ends in the same table; what is none is refused in words."""

import io
import json
import sqlite3

import numpy as np
import pandas as pd
import pytest

from homespun.data import read, reread, scan
from homespun.errors import DataError

ROWS = [("Ford", "5 km", 1.5), ("Audi", "7 km", 2.5), ("Opel", None, 3.5)]
CSV = "make,mileage,size\nFord,5 km,1.5\nAudi,7 km,2.5\nOpel,,3.5\n"


def check(table):
    assert list(table.frame) == ["make", "mileage", "size"]
    assert table.frame["make"].tolist() == ["Ford", "Audi", "Opel"]
    np.testing.assert_array_equal(table.frame["mileage"], [5, 7, np.nan])
    assert table.frame["size"].tolist() == [1.5, 2.5, 3.5]
    assert table.recipes["mileage"]["unit"] == "km"


def database(path, more=False):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cars (make TEXT, mileage TEXT, size REAL)")
        connection.executemany("INSERT INTO cars VALUES (?, ?, ?)", ROWS)
        if more:
            connection.execute("CREATE TABLE owners (name TEXT)")
    connection.close()
    return path


def test_bytes_and_open_files(tmp_path):
    check(read(CSV.encode()))
    check(read(io.BytesIO(CSV.encode("utf-16"))))
    check(read(io.StringIO(CSV)))
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    with open(path, "rb") as file:
        check(read(file))
    with open(path) as file:
        check(read(file))


def test_sqlite(tmp_path):
    path = database(tmp_path / "cars.db")
    check(read(path))
    check(read(path, query="SELECT * FROM cars ORDER BY size"))
    connection = sqlite3.connect(path)
    check(read(connection, table="cars"))
    connection.close()
    two = database(tmp_path / "two.db", more=True)
    check(read(two, table="cars"))
    with pytest.raises(DataError, match="2 tables") as caught:
        read(two)
    assert caught.value.operands["tables"] == ["cars", "owners"] and "table=" in caught.value.suggestion
    with pytest.raises(DataError, match="did you mean 'cars'"):
        read(two, table="car")
    with pytest.raises(DataError, match="no such table"):
        read(two, query="SELECT * FROM bikes")
    (tmp_path / "cut.db").write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"cut\.db"):
        read(tmp_path / "cut.db")


def test_duckdb(tmp_path):
    import duckdb

    path = tmp_path / "cars.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE cars (make VARCHAR, mileage VARCHAR, size DOUBLE)")
        connection.executemany("INSERT INTO cars VALUES (?, ?, ?)", ROWS)
        check(read(connection))
        check(read(connection, query="SELECT * FROM cars"))
    check(read(path))
    check(read(path, query="SELECT * FROM cars"))
    with pytest.raises(DataError, match="cannot be read"):
        read(path, query="SELECT nothing FROM cars")


def test_excel(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "cars"
    sheet.append(["Our cars"])
    sheet.append([])
    sheet.append(["make", "mileage", "size"])
    for row in ROWS:
        sheet.append(row)
    other = book.create_sheet("dates")
    other.append(["day", "n"])
    for day in pd.date_range("2024-01-30", periods=4):
        other.append([day.to_pydatetime(), 3])
    book.save(tmp_path / "cars.xlsx")
    table = read(tmp_path / "cars.xlsx")
    check(table)
    assert {d.kind: d.value for d in table.decisions if d.column is None}["sheet"] == "cars"
    dates = read(tmp_path / "cars.xlsx", sheet="dates").frame
    assert (
        dates["day"].dtype.kind == "M"
        and str(dates["day"][2])[:10] == "2024-02-01"
        and dates["n"].tolist() == [3, 3, 3, 3]
    )
    pd.testing.assert_frame_equal(read(tmp_path / "cars.xlsx", sheet=1).frame, dates)
    with pytest.raises(DataError, match="did you mean 'dates'"):
        read(tmp_path / "cars.xlsx", sheet="date")


def test_folder_and_pattern(tmp_path):
    lines = CSV.splitlines(keepends=True)
    (tmp_path / "a.csv").write_text("".join(lines[:2]))
    (tmp_path / "b.csv").write_text(lines[0].replace(",", ";") + "".join(line.replace(",", ";") for line in lines[2:]))
    (tmp_path / "notes.md").write_text("no table")
    for source in (tmp_path, str(tmp_path / "*.csv")):
        table = read(source)
        check(table)
        assert {d.kind: d.value for d in table.decisions if d.column is None}["files"] == ["a.csv", "b.csv"]
    (tmp_path / "c.csv").write_text("make,size,colour\nKia,9.5,red\n")
    more = read(tmp_path)
    assert more.frame["colour"].isna().tolist() == [True, True, True, False]
    assert "files differ" in {d.kind for d in more.warnings}
    (tmp_path / "d.csv").write_text("other\n1\n")
    with pytest.raises(DataError, match=r"'d\.csv' of .* has no column in common with the other files: it has 'other'") as caught:
        read(tmp_path)
    assert caught.value.operands["file"] == caught.value.where == "d.csv"
    with pytest.raises(DataError, match="no file fits"):
        read(str(tmp_path / "*.parquet"))


def test_parquet_folder_keeps_types(tmp_path):
    import duckdb

    for i in range(2):
        frame = pd.DataFrame({"n": [i, i + 1], "day": pd.to_datetime(["2024-01-01", "2024-01-02"]), "word": ["a", "b"]})
        duckdb.from_df(frame).write_parquet(str(tmp_path / f"{i}.parquet"))
    table = read(tmp_path).frame
    assert table["n"].tolist() == [0, 1, 1, 2] and table["day"].dtype.kind == "M"


def test_files_that_differ_are_named(tmp_path, capsys):
    """Which file, which columns, which types; and what was done about it."""
    import duckdb

    for i, columns in enumerate((["n", "word"], ["n", "word"], ["n", "word", "extra", "more"], ["n"])):
        lines = [",".join(columns)] + [",".join([j] * len(columns)) for j in "123"]
        (tmp_path / f"{i}.csv").write_text("\n".join(lines) + "\n")
    table = read(tmp_path)
    differ = next(d for d in table.decisions if d.kind == "files differ" and d.column is None)
    assert differ.value == ["2.csv adds 'extra', 'more'", "3.csv lacks 'word'"]
    assert differ.evidence == "2 of 4 files; columns are matched by name, and what a file lacks is missing there"
    assert table.frame["word"].isna().sum() == 3 and table.frame["extra"].notna().sum() == 3
    from homespun.cli import run

    assert run(["inspect", str(tmp_path)]) == 0
    assert "3.csv lacks 'word'" in " ".join(capsys.readouterr().out.split())
    other = tmp_path / "parquet"
    other.mkdir()
    for i, values in enumerate(([1, 2], [3, 4], ["x", "y"])):
        duckdb.from_df(pd.DataFrame({"n": values, "m": [1, 2]})).write_parquet(str(other / f"{i}.parquet"))
    mixed = read(other)
    assert mixed.frame["n"].tolist() == ["1", "2", "3", "4", "x", "y"] and mixed.frame["m"].tolist() == [1, 2] * 3
    typed = next(d for d in mixed.decisions if d.kind == "files differ" and d.column == "n")
    assert typed.value == "2.parquet" and typed.evidence == "VARCHAR in 2.parquet, BIGINT in most others: read as text"


def test_large_files_of_a_folder_stay_on_disk(tmp_path, monkeypatch):
    """Large CSV (packed or not) and Parquet are read again by each query; the result is that of one file."""
    import gzip

    from homespun.data import body, delimited, reader, sampled

    for module, name, value in ((sampled, "SAMPLE", 1_000), (sampled, "LARGE", 2_000), (reader, "MANY_ROWS", 500),
                                (delimited, "SMALL", 0), (body, "STREAM", 0)):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    rows = [f"{i},£{i * 7},word {i % 9}" for i in range(6_000)]
    (tmp_path / "all.csv").write_text("id,price,word\n" + "\n".join(rows) + "\n")
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "a.csv").write_text("id,price,word\n" + "\n".join(rows[:2_500]) + "\n")
    turned = "\n".join("{2};{0};{1}".format(*row.split(",")) for row in rows[2_500:4_000])
    (folder / "b.csv.gz").write_bytes(gzip.compress(("word;id;price\n" + turned + "\n").encode()))
    (folder / "c.csv").write_text("id,price,word\n" + "\n".join(rows[4_000:]) + "\n")
    loaded = reader.load(folder)
    try:
        assert loaded.view and loaded.rows == 6_000
        kinds = dict(loaded.connection.execute("SELECT table_name, table_type FROM information_schema.tables").fetchall())
        assert set(kinds.values()) == {"VIEW"}
    finally:
        loaded.close()
    whole, parts = read(tmp_path / "all.csv"), read(folder)
    pd.testing.assert_frame_equal(parts.frame[whole.frame.columns], whole.frame)
    assert parts.recipes["price"]["currency"] == "GBP"
    assert [len(piece) for piece in scan(folder, rows=2_000)] == [2_000] * 3
    with pytest.raises(DataError, match="x9"):
        read(folder, query="SELECT x9 FROM data")
    assert read(folder, query="SELECT count(*) AS n FROM data").frame["n"].tolist() == [6_000]


def test_queries_on_files_and_frames(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(CSV)
    table = read(path, query="SELECT make, mileage FROM data WHERE size::DOUBLE > 2")
    assert table.frame["make"].tolist() == ["Audi", "Opel"]
    assert read(pd.DataFrame({"x": [1, 2, 3]}), query="SELECT sum(x) AS s FROM data").frame["s"].tolist() == [6]
    with pytest.raises(DataError, match="needs a source"):
        read("SELECT * FROM cars")


def test_json_with_nested_values():
    table = read(json.dumps([{"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4}}]).encode())
    assert table.frame["a"].tolist() == [1, 3] and json.loads(table.frame["b"][0]) == {"c": 2}
    with pytest.raises(DataError, match="no whole JSON"):
        read(b'[{"a": 1}, {"a": ')


@pytest.mark.parametrize(
    "content, word",
    [(b"%PDF-1.4 x", "PDF"), (b"\x89PNG\r\n", "picture"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"", "empty")],
)
def test_what_is_no_table(content, word):
    with pytest.raises(DataError, match=word):
        read(content)


def test_findings():
    n = 40
    table = read(
        {
            "order_id": [f"A-{i}" for i in range(n)],
            "nr": list(range(n)),
            "same": ["x"] * n,
            "price": [i % 7 + 0.5 for i in range(n)],
            "again": [i % 7 + 0.5 for i in range(n)],
            "remark": [f"a fine car with number {i}" for i in range(n)],
            "doors": ["4-May", "2-Mar"] * (n // 2),
        }
    )
    found = {(d.column, d.kind) for d in table.decisions}
    assert found >= {
        ("order_id", "identifier"),
        ("nr", "identifier"),
        ("same", "constant"),
        ("again", "duplicate column"),
        ("remark", "free text"),
        ("doors", "spreadsheet dates"),
    }
    assert ("price", "identifier") not in found
    twice = read({"a": [1, 2, 1, 3], "b": ["x", "y", "x", "z"]})
    assert {d.kind: d.value for d in twice.decisions}["duplicate rows"] == 1


# ---------------------------------------------------------------------------------------------------------------------
# Many rows: SQL reads what Python would


def many(rows=25_000, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "price": [f"£{value:,}" for value in rng.integers(500, 90_000, rows)],
            "mileage": [
                f"{value} {unit}" for value, unit in zip(rng.integers(0, 300_000, rows), rng.choice(["km", "mi"], rows))
            ],
            "size": [f"{value:.1f}".replace(".", ",") for value in rng.uniform(0.8, 6, rows)],
            "engine": rng.choice(["2.0", "1.6", "3.0 Turbo", "-"], rows),
            "listed": days.strftime("%d.%m.%Y"),
            "flag": rng.choice(["ON", "off", "NotAvailable"], rows),
            "make": rng.choice([" Ford", "Audi ", "n/a", "Müller"], rows),
            "x": np.where(rng.random(rows) < 0.01, "?", rng.normal(size=rows).round(4).astype(str)),
            "zip": [f"{value:05d}" for value in rng.integers(0, 99_999, rows)],
            "negative": [f"\u2212{value}" for value in rng.integers(0, 9, rows)],
            "grouped": [f"{value:,}".replace(",", " ") for value in rng.integers(1000, 10**7, rows)],
            "odd": ["Negotiable" if value < 100 else str(value) for value in rng.integers(0, 9000, rows)],
        }
    )


def test_sql_reads_as_python_does(tmp_path, monkeypatch):
    from homespun.data import reader

    many().to_csv(tmp_path / "many.csv", index=False)
    fast = read(tmp_path / "many.csv")
    monkeypatch.setattr(reader, "MANY_ROWS", 10**9)
    slow = read(tmp_path / "many.csv")
    assert fast.recipes.keys() == slow.recipes.keys()
    for name, recipe in slow.recipes.items():
        mine = {key: sorted(value) if isinstance(value, list) else value for key, value in fast.recipes[name].items()}
        theirs = {key: sorted(value) if isinstance(value, list) else value for key, value in recipe.items()}
        assert mine.items() >= {key: value for key, value in theirs.items() if key != "missing"}.items(), name
    for name in slow.frame:
        mine, theirs = fast.frame[name], slow.frame[name]
        assert mine.dtype.kind == theirs.dtype.kind, name
        if theirs.dtype.kind in "if":
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
        else:
            assert mine.isna().equals(theirs.isna()) and (mine.dropna() == theirs.dropna()).all(), name
    decisions = {(d.column, d.kind) for d in fast.decisions}
    assert decisions >= {
        ("price", "currency"),
        ("mileage", "unit"),
        ("engine", "split"),
        ("listed", "date"),
        ("flag", "flag"),
        ("x", "missing"),
    }


def test_many_rows_by_recipes_of_a_few(tmp_path, monkeypatch):
    from homespun.data import reader

    frame = many()
    recipes = read(frame.iloc[:3000]).recipes
    frame.to_csv(tmp_path / "many.csv", index=False)
    fast = reread(tmp_path / "many.csv", recipes).frame
    monkeypatch.setattr(reader, "MANY_ROWS", 10**9)
    slow = reread(tmp_path / "many.csv", recipes).frame
    for name in slow:
        if slow[name].dtype.kind in "if":
            np.testing.assert_array_equal(fast[name], slow[name], err_msg=name)
        else:
            assert (fast[name].dropna() == slow[name].dropna()).all(), name


@pytest.mark.parametrize(
    "name, value", [("price", "$5"), ("flag", "maybe"), ("listed", "31.02.2024"), ("mileage", "5 kg")]
)
def test_many_rows_refuse_what_does_not_fit(tmp_path, name, value):
    frame = many()
    recipes = read(frame.iloc[:3000]).recipes
    frame.loc[21_000, name] = value
    frame.to_csv(tmp_path / "many.csv", index=False)
    with pytest.raises(DataError, match="row 21001") as caught:
        reread(tmp_path / "many.csv", recipes)
    assert caught.value.operands == {"column": name, "row": 21_001, "value": value}


def test_large_files_take_duckdbs_parser_and_small_ones_ours(tmp_path):
    """Both end in the same rows; a broken line sends a large file to ours, too."""
    lines = ["n,word,day"] + [f"{i},word number {i},2024-01-{1 + i % 28:02d}" for i in range(90_000)]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(lines) + "\n")
    assert path.stat().st_size > 2 << 20
    table = read(path)
    assert table.frame["n"].tolist() == list(range(90_000)) and table.warnings == []
    lines[70_001] = "70000,word number 70000,,2024-01-01"
    path.write_text("\n".join(lines) + "\n")
    again = read(path)
    assert again.frame["n"].tolist() == list(range(90_000)) and again.frame["word"][70_000] == "word number 70000"
    assert next(d for d in again.decisions if d.kind == "repaired rows").evidence.startswith("line 70002")


def test_scan_reads_in_pieces(tmp_path):
    frame = many()
    frame.to_csv(tmp_path / "many.csv", index=False)
    whole = read(tmp_path / "many.csv")
    pieces = list(scan(tmp_path / "many.csv", rows=10_000))
    assert [len(piece) for piece in pieces] == [10_000, 10_000, 5_000]
    for name in whole.frame:
        joined = pd.concat([piece.frame[name] for piece in pieces], ignore_index=True)
        if whole.frame[name].dtype.kind in "if":
            np.testing.assert_array_equal(joined, whole.frame[name])
        else:
            assert (joined.dropna() == whole.frame[name].dropna()).all()
    assert pieces[0].recipes == whole.recipes
    assert [len(piece) for piece in scan({"x": [1, 2, 3]}, rows=2)] == [2, 1]


def test_large_files_lose_empty_rows_and_second_headers(tmp_path):
    lines = ["n,word"] + [f"{i},word number {i}" for i in range(110_000)]
    lines[50_000:50_000] = ["n,word", ",", ","]
    (tmp_path / "large.csv").write_text("\n".join(lines) + "\n")
    table = read(tmp_path / "large.csv")
    assert table.frame["n"].tolist() == list(range(110_000))
    found = {d.kind: d.value for d in table.decisions}
    assert found["empty rows"] == 2 and found["repeated header"] == 1


def test_fresh_rows_that_are_no_data_are_said_aloud():
    recipes = read(b"a,b\n1,2\n3,4\n").recipes
    with pytest.warns(UserWarning, match="predict: empty rows 1"):
        assert len(reread(b"a,b\n1,2\n,\n5,6\n", recipes)) == 2
