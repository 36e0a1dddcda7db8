"""The sniffer, the search for the table in a file, and the repair of rows: each on cases whose answer is plain."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from homespun.data import read
from homespun.data.cells import Profile, kind_of
from homespun.data.dialect import Dialect, sniff
from homespun.data.layout import find_layout, footer_rows
from homespun.data.ragged import Repairer
from homespun.errors import DataError, ParameterError


def told(table):
    return {d.kind: d for d in table.decisions if d.column is None}


def raw(content, **options):
    """Rows of text, as the file has them."""
    frame = read(content if isinstance(content, bytes) else content.encode(), types="text", missing=(), **options).frame
    return list(frame.columns), [
        ["" if v is None or v != v else v for v in row] for row in frame.to_numpy(dtype=object)
    ]


@pytest.mark.parametrize(
    "text, kind",
    [
        ("", "empty"),
        ("n/a", "missing"),
        ("-1.5e3", "number"),
        ("1,234.5", "number"),
        ("£8,000", "quantity"),
        ("12 km", "quantity"),
        ("10:30", "time"),
        ("28/01/2018", "date"),
        ("2024-01-31T10:00:00Z", "date"),
        ("5 Jan 2024", "date"),
        ("https://a.b/c", "address"),
        ("me@example.com", "address"),
        ("word", "word"),
        ("two words, or three", "text"),
        ('"half', "other"),
        ("a|b", "other"),
    ],
)
def test_kinds_of_cells(text, kind):
    assert kind_of(text) == kind


def test_surprise_of_a_cell():
    dates = Profile(["28/01/2018", "29/01/2018"] * 10)
    assert dates.surprise("01/02/2019") == pytest.approx(0, abs=1e-9)
    assert dates.surprise("1/2/2019") == pytest.approx(-np.log(0.02 + 0.98 / 2))  # the kind fits, the shape does not
    assert dates.surprise("Boots") == pytest.approx(-np.log(0.02))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "||"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_sniffed_dialects(delimiter, quote):
    rows = ["name,text,n".replace(",", delimiter)]
    rows += [f"{i}{delimiter}{quote}a{delimiter} b{quote}{delimiter}{i / 2}" for i in range(12)]
    found = sniff([row + "\n" for row in rows])
    assert found.dialect.delimiter == delimiter and found.dialect.quote == quote
    assert found.width == 3 and found.share == 1.0


def test_a_given_dialect_is_not_searched_for():
    lines = ["a;b,c\n", "1;2,3\n"]
    assert sniff(lines, delimiter=",").dialect.delimiter == ","
    assert sniff(lines, delimiter=";").dialect.delimiter == ";"
    assert sniff(lines, quote="").dialect.quote == ""


def test_decimal_commas_are_no_delimiter():
    assert sniff(["price;n\n", "1,5;2,5\n", "3,25;4,5\n"]).dialect.delimiter == ";"


def test_texts_over_several_lines():
    names, rows = raw('id,remark\n1,"one\ntwo\nthree"\n2,"four\n\nfive"\n3,six\n')
    assert names == ["id", "remark"] and rows == [["1", "one\ntwo\nthree"], ["2", "four\n\nfive"], ["3", "six"]]


def test_backslash_escapes_quotes_only():
    _, rows = raw('path,text\n"C:\\temp","say \\"hi\\""\n"D:\\new","no \\"x\\" there"\n')
    assert rows == [["C:\\temp", 'say "hi"'], ["D:\\new", 'no "x" there']]


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_sign_before_the_closing_quote_is_no_escape(delimiter):
    """A field that ends with it, before one that begins with the delimiter: both readings make four fields."""
    names = ["id", "sign", "rest", "note"]
    rows = [["0", "", "", ""], ["2", "", "", ""], ["4", "", "", "{"], ["1", "'", delimiter + "0", ""], ["3", "", "", ""]]
    text = "".join(delimiter.join(f'"{field}"' for field in row) + "\n" for row in [names, *rows])
    assert raw(text, delimiter=delimiter) == (names, rows)


@pytest.mark.parametrize(
    "lines, start, header, names",
    [
        (["a,b", "1,2", "3,4"], 0, 1, ["a", "b"]),
        (["1,2", "3,4", "5,6"], 0, 0, []),
        (["make,fuel", "Ford,petrol", "Audi,diesel"], 0, 1, ["make", "fuel"]),
        (["Ford,petrol", "Audi,petrol", "Ford,diesel", "Audi,diesel", "Ford,petrol"], 0, 0, []),
        (["Report 2024,,", ",,", "a,b,c", "1,2,3", "4,5,6"], 2, 1, ["a", "b", "c"]),
        (["My report", "", "a,b,c", "1,2,3", "4,5,6"], 2, 1, ["a", "b", "c"]),
        (
            ["country,2019,2020,2021", "France,1.5,2.5,3.5", "Spain,2.5,3.5,4.5"],
            0,
            1,
            ["country", "2019", "2020", "2021"],
        ),
        (["control,,fire,", "X,Y,X,Y", "1.5,2,3,4", "2.5,3,4,5"], 0, 2, ["control X", "control Y", "fire X", "fire Y"]),
        (["a,b", "a,b", "1,2", "3,4"], 0, 2, ["a", "b"]),
    ],
)
def test_layouts(lines, start, header, names):
    layout = find_layout([line.split(",") if line else [] for line in lines])
    assert (layout.start, layout.header, layout.names) == (start, header, names)


def test_footers():
    body = [[str(i), "x", str(i * 2)] for i in range(20)]
    note = ["Source: the ministry of tables, as of 2024, without warranty", "", ""]
    assert footer_rows([*body, note], 3) == 1
    assert footer_rows([*body, ["", "", ""], note], 3) == 1
    assert footer_rows([*body, ["20"]], 3) == 0  # a cut last line is data
    assert footer_rows([*body, ["20", "x", "40"]], 3) == 0


ORDERS = ["date,time,n,code,text,address"] + [
    f"{1 + i % 28:02d}/01/2018,{i % 24:02d}:15,{i % 7},AB-{1000 + i},Boots for walkers {i},https://example.com/{i}"
    for i in range(30)
]


def repaired(line):
    """The row that the reader makes of a broken line among thirty good ones."""
    lines = [*ORDERS[:10], line, *ORDERS[11:]]
    table = read("\n".join(lines).encode(), types="text", missing=())
    assert len(table) == 30 and table.frame.shape[1] == 6
    return ["" if value is None or value != value else value for value in table.frame.iloc[9]], told(table)


GOOD = ORDERS[10].split(",")


@pytest.mark.parametrize(
    "line, how",
    [
        ("10/01/2018,,09:15,2,AB-1009,Boots for walkers 9,https://example.com/9", "delimiter too many"),
        ("10/01/2018,09:15,2AB-1009,Boots for walkers 9,https://example.com/9", "delimiter missing"),
        ("10/01/201809:15,2,AB-1009,Boots for walkers 9,https://example.com/9", "delimiter missing"),
        ("10/01/2018,2,AB-1009,Boots for walkers 9,https://example.com/9", "field missing"),
        ("10/01/2018 09:15 2 AB-1009 Boots for walkers 9 https://example.com/9", "delimiter ' ' on this line"),
        ("10/01/2018;09:15;2;AB-1009;Boots for walkers 9;https://example.com/9", "delimiter ';' on this line"),
    ],
)
def test_broken_rows_are_repaired_and_said(line, how):
    row, decisions = repaired(line)
    want = ["", *GOOD[2:]] if how == "field missing" else GOOD[1:]
    assert row[1:] == want
    assert decisions["repaired rows"].value == 1
    assert "line 11" in decisions["repaired rows"].evidence and how in decisions["repaired rows"].evidence


def test_a_quote_too_many_does_not_swallow_the_next_rows():
    lines = ["n,name,remark"] + [f'{i},name {i},"a remark, with a comma {i}"' for i in range(20)]
    lines[8] = '7,"name 7,"a remark, with a comma 7"'
    table = read("\n".join(lines).encode())
    assert table.frame["n"].tolist() == list(range(20))
    assert table.frame["name"][7] == '"name 7' and table.frame["remark"][7] == "a remark, with a comma 7"
    assert told(table)["repaired rows"].value == 1 and "line 9" in told(table)["repaired rows"].evidence


def test_rows_that_fit_nothing_keep_their_order():
    row, decisions = repaired("x,y")
    assert row == ["x", "y", "", "", "", ""]
    assert decisions["short rows"].value == 1 and "line 11 has 2" in decisions["short rows"].evidence


def test_alignment_by_hand():
    """Columns of dates and of numbers: the empty cell goes, the number stays under the numbers."""
    columns = [Profile(["01/02/2020"] * 9), Profile(["5"] * 9), Profile(["7"] * 9)]
    repair = Repairer(Dialect(), columns).align(["01/02/2020", "", "5", "7"])
    assert repair.row == ["01/02/2020", "5", "7"] and repair.how == "delimiter too many"
    assert Repairer(Dialect(), columns).align(["word", "word", "word", "word"]) is None


def test_comment_lines():
    content = "# made by hand\na,b\n1,2\n# half way\n3,4\n"
    table = read(content.encode())
    assert table.frame["b"].tolist() == [2, 4] and told(table)["comment lines"].value == "#"
    assert read(b"#,b\n1,2\n2,4\n").frame.columns.tolist() == ["#", "b"]  # as many fields as the rows: the header
    assert read(b"a,b\n%x\n1,2\n", comment="%").frame["a"].tolist() == [1]


def test_several_tables_in_one_file():
    content = (
        "a,b,c\n"
        + "".join(f"{i},{i + 1},x\n" for i in range(5))
        + "\nname,size,kind,more\n"
        + "".join(f"n{i},{i}.5,k,m\n" for i in range(4))
    )
    first = read(content.encode())
    assert len(first) == 5 and "line 8" in told(first)["several tables"].evidence
    second = read(content.encode(), table=2)
    assert list(second.frame) == ["name", "size", "kind", "more"] and len(second) == 4
    with pytest.raises(DataError, match="not 3"):
        read(content.encode(), table=3)


def test_joined_files_repeat_their_header():
    table = read(b"a,b\n1,2\n3,4\na,b\n5,6\n")
    assert table.frame["a"].tolist() == [1, 3, 5] and told(table)["repeated header"].value == 1


def test_row_names_of_r():
    table = read(b'"x","y"\n"one",1.5,2\n"two",2.5,3\n"three",3.5,4\n')
    assert list(table.frame) == ["column0", "x", "y"] and table.frame["x"].tolist() == [1.5, 2.5, 3.5]


def test_overrides():
    content = b"made by me\na;b\n1;2,5\n3;4,5\nend of file\n"
    table = read(content, skip_rows=1, footer=1, delimiter=";", header=True, decimal=",")
    assert table.frame["b"].tolist() == [2.5, 4.5]
    assert read(b"1,2\n3,4\n", header=True).frame.columns.tolist() == ["1", "2"]
    assert len(read(b"a,b\nc,d\n", header=False)) == 2
    assert read(b"x\n1.234\n2.345\n", thousands=".").frame["x"].tolist() == [1234, 2345]
    assert read(b"x,y\n7,?\n9,8\n", missing=["9"]).frame["x"].isna().tolist() == [False, True]
    assert read(b"x,y\n7,?\n9,8\n", missing=["9"]).frame["y"].tolist() == ["?", "8"]
    assert str(read(b"x\n01/02/2024\n03/04/2024\n", date_order="day").frame["x"][0])[:10] == "2024-02-01"
    assert str(read(b"x\n01/02/2024\n03/04/2024\n", date_order="month").frame["x"][0])[:10] == "2024-01-02"


@pytest.mark.parametrize(
    "options, word",
    [
        ({"quote": "''"}, "quote"),
        ({"decimal": ";"}, "';'"),
        ({"decimal": ",", "thousands": ","}, "both"),
        ({"date_order": "year"}, "'year'"),
        ({"skip_rows": -1}, "-1"),
        ({"table": 0}, "0"),
        ({"types": "float"}, "'float'"),
    ],
)
def test_bad_overrides(options, word):
    with pytest.raises(ParameterError, match=word):
        read(b"a,b\n1,2\n", **options)


def test_another_column_settles_the_order_of_days_and_months():
    rows = "".join(f"0{1 + i % 9}/02/2024,{13 + i}/03/2024\n" for i in range(9))
    table = read(("a,b\n" + rows).encode())
    assert table.frame["a"].dtype.kind == "M" and str(table.frame["a"][1])[:10] == "2024-02-02"
    assert "as in 'b'" in next(d.evidence for d in table.decisions if d.column == "a")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_whatever_the_name(tmp_path, pack):
    path = tmp_path / "table.csv"
    path.write_bytes(pack(b"a,b\n1,2\n3,4\n"))
    assert read(path).frame["b"].tolist() == [2, 4]
    path.write_bytes(pack(b"a,b\n" + b"1,2\n" * 5000)[:-12])
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_zip_of_one_file_and_of_two(tmp_path):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner.csv", "a,b\n1,2\n")
    assert told(read(path))["archive"].value == "inner.csv"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "a\n1\n")
    with pytest.raises(DataError, match="2 files") as caught:
        read(path)
    assert caught.value.operands["members"] == ["inner.csv", "other.csv"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_encodings_with_and_without_marks(encoding):
    content = ("name,size\n" + "Müller,1\nÅsa,2\n" * 5).encode(encoding)
    table = read(content)
    assert table.frame["name"].tolist()[:2] == ["Müller", "Åsa"]
    assert read(content, encoding=encoding).frame["size"].tolist()[:2] == [1, 2]


def test_where_a_byte_is_wrong():
    content = b"a,b\n" + "é,1\n".encode() * 20 + b"\xff,1\n" + "é,1\n".encode() * 20
    with pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.operands["line"] == 22 and caught.value.operands["byte"] == 4 + 20 * 5
    assert "line 22" in caught.value.where


def test_null_bytes_are_left_out_and_said():
    table = read(b"a,b,c\n\x00,2,3\n4,5,6\n")
    assert told(table)["null bytes"].value == 1 and "byte 6" in told(table)["null bytes"].evidence
    assert table.frame["b"].tolist() == [2, 5]


FIELDS = st.text(
    st.characters(
        codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\x85\u2028\u2029\ufeff\ue000"
    ),
    max_size=9,
).map(str.strip)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(5, 12),
    st.data(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_written_tables_come_back(width, height, data, delimiter, encoding, newline):
    """Whatever is written all in quotes, with a header of plain names and a column of numbers, is read back."""
    names = [f"name{i}" for i in range(width)]
    rows = [
        [str(i * 7 % 5), *data.draw(st.lists(FIELDS, min_size=width - 1, max_size=width - 1))] for i in range(height)
    ]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=newline).writerows([names, *rows])
    got_names, got = raw(file.getvalue().encode(encoding), delimiter=delimiter, quote='"', footer=0, comment="")
    assert (got_names, got) == (names, rows)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(3, 6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "cp1252", "utf-16"]),
    st.booleans(),
    st.randoms(),
)
def test_usual_tables_are_sniffed(width, delimiter, encoding, quoted, random):
    """Numbers, dates and words in a dialect that nobody names."""
    kinds = [
        lambda: str(random.randint(0, 9999)),
        lambda: f"{random.uniform(0, 99):.2f}",
        lambda: random.choice(["Müller", "Ford", "Åsa", "blue"]),
        lambda: f"2024-0{random.randint(1, 9)}-1{random.randint(0, 9)}",
        lambda: random.choice(["a remark", "two, or three", "semi; colon"]),
    ]
    columns = [kinds[0], kinds[2], *(random.choice(kinds) for _ in range(width - 2))]
    names = [f"column {chr(97 + i)}" for i in range(width)]
    rows = [[make() for make in columns] for _ in range(20)]
    assume(encoding != "cp1252" or any("ü" in text or "Å" in text for row in rows for text in row))
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(
        [names, *rows]
    )
    assert raw(file.getvalue().encode(encoding)) == (names, rows)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_an_error_in_words(content):
    try:
        table = read(content)
    except DataError as error:
        assert str(error)
    else:
        assert len(table) >= 1


def test_letters_that_became_control_signs():
    table = read("name,n\nd\x92Angludet,1\nÅsa,2\n".encode())
    assert table.frame["name"].tolist() == ["d’Angludet", "Åsa"]
    assert told(table)["mended letters"].value == 1 and "byte 8" in told(table)["mended letters"].evidence


@pytest.mark.parametrize("header", ['"n,name,remark', 'n,"name,remark', 'n,name,"remark'])
def test_a_quote_too_many_in_the_header(header):
    lines = [header] + [f'{i},"name {i}","a remark, with a comma {i}"' for i in range(20)]
    table = read("\n".join(lines).encode())
    assert [name.strip('"') for name in table.frame] == ["n", "name", "remark"] and len(table) == 20
    assert told(table)["repaired rows"].value == 1
