"""Large tables: learned from a sample, checked on every row; what the sample did not foresee is read as if there were none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.data import body, delimited, engine, many_rows, read, reader, sampled, scan
from homespun.errors import DataError

ROWS = 6_000


def messy(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    return pd.DataFrame(
        {
            "id": np.arange(rows).astype(str),
            "price": [f"£{value:,}" for value in rng.integers(500, 90_000, rows)],
            "way": [f"{value} km" for value in rng.integers(0, 300_000, rows)],
            "mixed": [f"{value} {unit}" for value, unit in zip(rng.integers(0, 300_000, rows), rng.choice(["km", "mi"], rows))],
            "size": [f"{value:.1f}".replace(".", ",") for value in rng.uniform(0.8, 6, rows)],
            "engine": rng.choice(["2.0", "1.6", "3.0 Turbo", "-"], rows),
            "listed": days.strftime("%d.%m.%Y"),
            "iso": days.strftime("%Y-%m-%d %H:%M:%S"),
            "flag": rng.choice(["ON", "off", "NotAvailable"], rows),
            "make": rng.choice(["Ford", "Audi", "n/a", "Müller"], rows),
            "remark": [f"a {'very ' * (value % 3)}fine car of {value} words" for value in rng.integers(0, 10**6, rows).tolist()],
            "x": np.where(rng.random(rows) < 0.01, "?", rng.normal(size=rows).round(4).astype(str)),
            "n": rng.integers(-50, 1000, rows).astype(str),
            "zip": [f"{value:05d}" for value in rng.integers(0, 99_999, rows)],
            "grouped": [f"{value:,}".replace(",", " ") for value in rng.integers(1000, 10**7, rows)],
            "blank": [""] * rows,
            "padded": [f" {value}" for value in rng.integers(0, 99, rows)],
            "share": [f"{value}%" for value in rng.integers(-9, 99, rows)],
            "balance": [f"{'-' * int(value < 0)}€{abs(value)}.50" for value in rng.integers(-99, 99, rows)],
        }
    )


@pytest.fixture
def small_limits(monkeypatch):
    """A table of 6,000 rows is large, its sample 1,000."""
    monkeypatch.setattr(sampled, "SAMPLE", 1_000)
    monkeypatch.setattr(sampled, "LARGE", 2_000)
    monkeypatch.setattr(sampled, "KINDS", 20)
    monkeypatch.setattr(reader, "MANY_ROWS", 500)
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(body, "STREAM", 0)


def in_full(path, monkeypatch, **options):
    with monkeypatch.context() as patch:
        patch.setattr(reader, "MANY_ROWS", 10**9)
        return read(path, **options)


def equal(mine, theirs):
    assert list(mine.frame) == list(theirs.frame)
    for name in theirs.frame:
        one, other = mine.frame[name], theirs.frame[name]
        assert one.dtype.kind == other.dtype.kind, name
        if other.dtype.kind in "if":
            np.testing.assert_array_equal(one, other, err_msg=name)
        else:
            assert one.isna().equals(other.isna()) and (one.dropna() == other.dropna()).all(), name
    for name, recipe in theirs.recipes.items():
        for key, value in recipe.items():
            if key not in ("missing", "not_stated"):
                found = mine.recipes[name][key]
                assert (sorted(found) if isinstance(value, list) else found) == (
                    sorted(value) if isinstance(value, list) else value
                ), (name, key)


def test_a_sample_is_enough_for_what_it_foresees(tmp_path, monkeypatch, small_limits):
    path = tmp_path / "large.csv"
    messy().to_csv(path, index=False)
    fast = read(path)
    equal(fast, in_full(path, monkeypatch))
    said = {(d.column, d.kind): d for d in fast.decisions}
    assert said["price", "currency"].evidence == "1000 × GBP, in the first 1,000 rows; all 6,000 rows fit"
    assert not any(d.kind == "late value" for d in fast.decisions)
    loaded = reader.load(path)
    try:
        texts = many_rows.TextPart(loaded, {}, reader.settings_of(None, None, None, None))
        assert loaded.view and not texts.late
        assert list(texts.in_full.columns) == ["mixed"]  # all others were converted in the one pass
    finally:
        loaded.close()


LATE = [
    ("id", "007"), ("id", "1_000"), ("id", "nan"), ("id", "inf"), ("id", "12345678901234567890"), ("id", "+5"), ("id", "1e5"),
    ("id", "1.25"), ("id", " 7"), ("id", "x"), ("id", "-"), ("id", "1,000"),
    ("price", "$5"), ("price", "£1.5"), ("price", "£1,5"), ("price", "8,000"), ("price", "£0012"), ("price", "£-5"),
    ("price", "ask"),
    ("way", "5 kg"), ("way", "5"), ("way", "1.000 km"), ("way", "5  km"), ("way", "5 KM"), ("size", "1.5"), ("size", "1000"),
    ("size", "1.000,5"), ("engine", "2.0 Diesel"), ("engine", "3.0 turbo"), ("engine", "?"), ("listed", "31.02.2021"),
    ("listed", "1.2.2021"), ("listed", "12/31/2021"), ("listed", "01.02.21"), ("iso", "2021-01-01"),
    ("iso", "2021-13-01 00:00:00"),
    ("flag", "maybe"), ("flag", "Off"), ("make", " Audi"), ("make", "NULL"), ("make", "Kia"), ("make", ""), ("remark", "-"),
    ("remark", "words \u00a0"), ("remark", "none"), ("remark", "None of it"), ("x", "n/a"), ("x", "1e-3"), ("x", ".5"),
    ("x", "5."),
    ("n", "2.5"), ("n", "--"), ("zip", "A1"), ("grouped", "1,000"), ("grouped", "1\u00a0000"), ("blank", "7"), ("blank", "-"),
    ("padded", "x"), ("padded", "\t5"), ("share", "5"), ("share", "1,5%"), ("balance", "€-5"), ("balance", "€5"),
    ("balance", "£5.50"),
]  # fmt: skip


@pytest.mark.parametrize("name, value", LATE)
def test_a_late_value_counts_as_an_early_one(tmp_path, monkeypatch, small_limits, name, value):
    path = tmp_path / "large.csv"
    frame = messy()[["remark", "id", *({name} - {"remark", "id"})]]
    frame.loc[5_000, name] = value
    frame.to_csv(path, index=False)
    fast, slow = read(path), in_full(path, monkeypatch)
    equal(fast, slow)
    late = [d for d in fast.decisions if d.kind == "late value"]
    for decision in late:
        assert decision.column == name and decision.value == value and decision.evidence.startswith("row 5,001 (line 5,002)")
    if slow.recipes[name] != in_full_without(frame, name, value, tmp_path, monkeypatch).recipes[name]:
        assert late, "the recipe changed, and nothing was said"
    pieces = list(scan(path, rows=1_700))
    assert [len(piece) for piece in pieces] == [1_700, 1_700, 1_700, 900] and pieces[0].recipes == fast.recipes
    for column in fast.frame:
        joined = pd.concat([piece.frame[column] for piece in pieces], ignore_index=True)
        if fast.frame[column].dtype.kind in "if":
            np.testing.assert_array_equal(joined, fast.frame[column])
        else:
            assert joined.isna().equals(fast.frame[column].isna()) and (joined.dropna() == fast.frame[column].dropna()).all()


def in_full_without(frame, name, value, tmp_path, monkeypatch):
    frame = frame.copy()
    frame.loc[5_000, name] = frame.loc[4_999, name]
    frame.to_csv(tmp_path / "without.csv", index=False)
    return in_full(tmp_path / "without.csv", monkeypatch)


def test_doubts_of_the_sample_are_settled_by_all_rows(tmp_path, monkeypatch, small_limits):
    """One state of a flag, dates that fit both ways, words where numbers follow."""
    rows = ROWS
    frame = pd.DataFrame(
        {
            "one": ["yes"] * 3_000 + ["no"] * 3_000,
            "day": [f"{1 + i % 12:02d}/{1 + i % 12:02d}/2024" for i in range(3_000)] + ["25/12/2024"] * 3_000,
            "later": ["unknown"] * 1_500 + [str(i % 77) for i in range(rows - 1_500)],
            "few": [""] * 990 + ["word"] * 10 + [str(i % 77) for i in range(rows - 1_000)],
            "point": [f"{1 + i % 9}.{100 + i % 800}" for i in range(rows - 1)] + ["1.25"],
            "pounds": [f"£{1 + i % 9}.{100 + i % 800}" for i in range(rows - 1)] + ["£1.25"],
            "code": [f"{i % 10}" for i in range(rows - 1)] + ["01"],
        }
    )
    path = tmp_path / "large.csv"
    frame.to_csv(path, index=False)
    fast = read(path)
    equal(fast, in_full(path, monkeypatch))
    assert fast.recipes["one"]["kind"] == "flag" and fast.recipes["day"]["format"] == "%d/%m/%Y"
    assert fast.recipes["later"]["kind"] == "number" and fast.recipes["code"]["kind"] == "text"
    assert fast.frame["pounds"].iloc[-1] == 1.25 and fast.frame["pounds"].iloc[0] < 10


def test_overrides_hold_for_large_tables(tmp_path, monkeypatch, small_limits):
    path = tmp_path / "large.csv"
    frame = messy()
    frame.loc[5_500, "n"] = "999"
    frame.to_csv(path, index=False)
    for options in ({"missing": ["999", "-"]}, {"types": "text"}, {"types": {"n": "text", "flag": "text", "listed": "date"}},
                    {"date_order": "day"}):  # fmt: skip
        equal(read(path, **options), in_full(path, monkeypatch, **options))
    assert np.isnan(read(path, missing=["999"], types={"engine": "text"}).frame["n"][5_500])
    with pytest.raises(DataError, match="'remark' cannot be read as number"):
        read(path, types={"remark": "number"})


def test_lines_of_quoted_texts_and_left_out_rows(tmp_path, small_limits):
    """The line is that of the file, though records have two lines; where rows were left out it is not claimed."""
    path = tmp_path / "large.csv"
    lines = ["n,word"] + [f'{i},"word\nnumber {i}"' for i in range(3_000)]
    lines[2_501] = '2500 and a half,"word\nnumber 2500"'
    path.write_text("\n".join(lines) + "\n")
    late = next(d for d in read(path).decisions if d.kind == "late value")
    assert late.evidence.startswith("row 2,501 (line 5,002)") and path.read_text().split("\n")[5_001].startswith("2500 and")
    lines[100:100] = [",", "n,word"]
    path.write_text("\n".join(lines) + "\n")
    found = {d.kind: d for d in read(path).decisions}
    assert found["empty rows"].value == found["repeated header"].value == 1
    assert found["late value"].evidence.startswith("row 2,501 is")


WORDS = ["", "-", "£5", "£1,000", "5 km", "1,5", "1.5", "1.234", "1,234", "yes", "no", "01.02.2024", "13.02.2024", "n/a", "a b"]
LATER = [*WORDS, "7 mi", "x y", "007", "5", "-5", "5e3", "NA", " 5", "1.234,5"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(-2000, 2000).map(str), st.floats(-1e6, 1e6).map(repr), st.sampled_from(WORDS)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.sampled_from(LATER), min_size=1, max_size=3),
)
def test_any_sample_and_any_rest(early, late):
    """Whatever a column begins with and ends with, the sample changes nothing but the words of the evidence."""
    import tempfile
    from pathlib import Path

    texts = [early[i % len(early)] for i in range(2_200)]
    texts[1_500::50] = [late[i % len(late)] for i in range(14)]
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        pd.DataFrame({"n": [f"w{i}" for i in range(len(texts))], "t": texts}).to_csv(path, index=False)
        slow = in_full(path, patch)
        for module, name, value in ((sampled, "SAMPLE", 1_000), (sampled, "LARGE", 2_000), (reader, "MANY_ROWS", 500),
                                    (delimited, "SMALL", 0), (body, "STREAM", 0)):  # fmt: skip
            patch.setattr(module, name, value)
        equal(read(path), slow)


@pytest.fixture
def passes_over(monkeypatch):
    """The statements that look at a file from its beginning to its end."""
    seen = []

    class Watched:
        def __init__(self, connection):
            self.connection = connection

        def execute(self, query, *parameters):
            if ("FROM raw" in query or "read_csv(" in query) and not query.startswith(("CREATE VIEW", "DESCRIBE")):
                seen.append(query)
            return self.connection.execute(query, *parameters)

        def cursor(self):
            return Watched(self.connection.cursor())

        def __getattr__(self, name):
            return getattr(self.connection, name)

    plain = engine.connect
    monkeypatch.setattr(engine, "connect", lambda folder=None: Watched(plain(folder)))
    return lambda: [query for query in seen if " LIMIT " not in query]


def test_a_clean_file_is_read_once(tmp_path, small_limits, passes_over):
    """The check of every line and the conversion are one pass."""
    path = tmp_path / "clean.csv"
    rng = np.random.default_rng(0)
    pd.DataFrame({f"x{i}": rng.normal(size=ROWS).round(3) for i in range(4)}).to_csv(path, index=False)
    assert len(read(path)) == ROWS
    assert len(passes_over()) == 1, passes_over()
    assert sum(map(len, scan(path, rows=2_500))) == ROWS
    assert len(passes_over()) == 1 + 2  # every line is seen before the first piece is handed over


@pytest.mark.parametrize("how", [read, scan])
@pytest.mark.parametrize(
    "line, kind", [("7,8,9,10", "long rows"), ("7,8", "repaired rows"), ('"7,8,9', "repaired rows"), ("x,y,z", "repeated header"),
                   (",,", "empty rows")]
)  # fmt: skip
def test_a_line_that_breaks_the_rules_far_behind_the_sample(tmp_path, small_limits, how, line, kind):
    """It is found by the only pass, and the table is that of a reader who looked at every line first."""
    path = tmp_path / "late.csv"
    lines = ["x,y,z"] + [f"{i},{i % 7}.5,{i % 3}" for i in range(ROWS)]
    lines[5_001] = line
    path.write_text("\n".join(lines) + "\n")
    found = read(path) if how is read else None
    pieces = [found] if how is read else list(scan(path, rows=2_500))
    frame = pd.concat([piece.frame for piece in pieces], ignore_index=True)
    assert kind in {decision.kind for decision in pieces[0].decisions}
    assert len(frame) == ROWS - (kind in ("repeated header", "empty rows"))
    assert frame["x"].iloc[4_999] == 4_999 and frame["x"].iloc[-1] == ROWS - 1 and frame["z"].iloc[-1] == (ROWS - 1) % 3


def test_rows_that_become_shorter_than_the_first_ones(tmp_path, small_limits):
    """More rows than the first ones promise: no row is lost."""
    path = tmp_path / "short.csv"
    path.write_text("x,y\n" + "1234567.25,1234567.25\n" * 12_000 + "1,2\n" * 40_000)
    assert len(read(path)) == 52_000 and read(path).frame["x"].sum() == 1234567.25 * 12_000 + 40_000
    assert sum(map(len, scan(path, rows=20_000))) == 52_000


def test_a_byte_that_is_no_utf8_far_behind(tmp_path, monkeypatch, small_limits):
    from homespun.data import encoding

    monkeypatch.setattr(encoding, "SURELY", 0)
    monkeypatch.setattr(encoding, "CHUNK", 1_000)
    path = tmp_path / "late.csv"
    path.write_bytes(b"x,y\n" + b"1,caf\xc3\xa9\n" * 5_000 + b"2,caf\xe9\n" + b"1,caf\xc3\xa9\n" * 1_000)
    with pytest.raises(DataError, match=r"damaged: byte 0xe9 at 40009 is not UTF-8 \(line 5002\)"):
        read(path)
