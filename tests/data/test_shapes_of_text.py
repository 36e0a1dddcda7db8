"""Texts that are no plain CSV: fixed width, runs of blanks, svmlight, prose, lists within JSON."""

import os

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.cli import run
from homespun.data import read, scan
from homespun.data.fixed import find_fixed
from homespun.errors import DataError, ParameterError

FIXED = """name            city             price  sold
Anna Lund       New York         12.50  2024-01-05
Bo              Oslo            107.00  2024-02-11
Carl Gustaf     Los Angeles       3.75  2024-02-12
Dora            São Paulo        99.99
Emil Berg       Rome           1200.00  2024-03-01
"""


def said(table, kind):
    return next((one for one in table.decisions if one.kind == kind), None)


def test_fixed_width_is_found_read_and_explained(tmp_path, capsys):
    path = tmp_path / "sales.txt"
    path.write_text(FIXED)
    table = read(path)
    assert table.frame.columns.tolist() == ["name", "city", "price", "sold"]
    assert table.frame["city"].tolist() == ["New York", "Oslo", "Los Angeles", "São Paulo", "Rome"]
    assert table.frame["price"].tolist() == [12.5, 107, 3.75, 99.99, 1200]
    assert table.frame["sold"].isna().tolist() == [False] * 3 + [True, False]
    found = said(table, "fixed width")
    places = "1-11, 17-27, 32-38, 41-50"
    assert found.value == 4 and found.evidence == f"all of the first lines have blanks between the places {places}"
    assert run(["inspect", str(path)]) == 0
    told = capsys.readouterr().out
    assert f"text of fixed width, utf-8, columns at {places}, header" in told
    assert run(["inspect", str(path), "--delimiter", " "]) == 0
    assert "fixed width" not in capsys.readouterr().out  # overridden


def test_widths_may_be_given(tmp_path, capsys):
    path = tmp_path / "codes.txt"
    path.write_text("AB12320240131\nCD00720240229\nEF99920240301\n")
    table = read(path, widths=[2, 3, 8], header=False)
    assert table.frame["column0"].tolist() == ["AB", "CD", "EF"] and table.recipes["column1"]["kind"] == "text"
    assert table.frame["column1"].tolist() == ["123", "007", "999"]  # a leading zero makes codes
    assert said(table, "fixed width").evidence == "as asked"
    assert run(["inspect", str(path), "--widths", "2,3,8"]) == 0 and "3 columns" in capsys.readouterr().out
    assert run(["inspect", str(path), "--widths", "2,x"]) == 1 and "got '2,x'" in capsys.readouterr().err
    for widths in ([], [0], [2.5], ["2"]):
        with pytest.raises(ParameterError, match="widths must be whole numbers"):
            read(path, widths=widths)


def test_a_text_that_reaches_into_the_gap_stays_whole(tmp_path):
    path = tmp_path / "t.txt"
    lines = ["name      count  word"] + [f"item{i:<6d}{i:>5d}  w{i}" for i in range(300)]
    lines[250] = "item-long-name  249  w"
    lines[260] = "item259123456 7 w"
    path.write_text("\n".join(lines) + "\n")
    table = read(path)
    assert table.frame["name"].iloc[249] == "item-long-name" and table.frame["count"].iloc[249] == 249
    assert said(table, "unaligned lines") is None or said(table, "unaligned lines").value <= 1


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "Some prose that goes on.\nAnd a second line of it here\nand then a third one follows\n",
        "x y\n1 2\n3 4\n",
        "one\ntwo\nthree\n",
        "a b   c\nlonger words  here\n  no order at all\n",
    ],
)
def test_what_is_no_fixed_width(text):
    assert find_fixed(text.splitlines()) is None or "fixed width" not in {d.kind for d in read(text.encode()).decisions}


cell = st.text("abcdefgh", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cell, st.integers(-999, 99999), cell), min_size=8, max_size=30), st.integers(2, 4))
def test_tables_written_in_fixed_width_come_back(rows, gap):
    frame = pd.DataFrame(rows, columns=["first", "number", "last"])
    widths = [max(6, *(len(str(value)) for value in frame[name])) for name in frame]
    lines = [(" " * gap).join(f"{text:<{width}}" for text, width in zip(frame, widths))]
    for word, number, last in rows:
        lines.append((" " * gap).join([f"{word:<{widths[0]}}", f"{number:>{widths[1]}}", last]))
    table = read(("\n".join(lines) + "\n").encode(), types={"first": "text", "last": "text"}, missing=[])
    assert table.frame["number"].tolist() == frame["number"].tolist()
    assert table.frame["first"].tolist() == frame["first"].tolist() and table.frame["last"].tolist() == frame["last"].tolist()


def test_runs_of_blanks_are_one_delimiter(tmp_path):
    table = read(b"1 184 2 \r\n1 29   2 \r\n  40 85  3\r\n7 8 9\r\n")
    assert table.frame.values.tolist() == [[1, 184, 2], [1, 29, 2], [40, 85, 3], [7, 8, 9]]
    assert table.facts["runs"] and not table.warnings
    quoted = read(b'id  text  n\n1   "a  b"   2\n2 "c d"  3\n3  e    4\n')
    assert quoted.frame["text"].tolist() == ["a  b", "c d", "e"]


def test_svmlight(tmp_path):
    path = tmp_path / "rank.svm"
    path.write_text("2 qid:1 1:0.5 3:1 # best\n0 qid:1 2:1e-3\n1 qid:2\n-1 qid:2 3:7\n" + "0 qid:3 1:1\n" * 20)
    table = read(path)
    assert table.frame.columns.tolist() == ["label", "qid", "x1", "x2", "x3"] and len(table) == 24
    assert table.frame.iloc[:4].values.tolist() == [[2, 1, 0.5, 0, 1], [0, 1, 0, 0.001, 0], [1, 2, 0, 0, 0], [-1, 2, 0, 0, 7]]
    assert said(table, "features").value == 3
    path.write_text("1 1:2\n" * 60 + "1 1:2 oops\n")
    with pytest.raises(DataError, match="line 61: not a label and index:value pairs: '1 1:2 oops'") as caught:
        read(path)
    assert caught.value.operands["line"] == 61
    path.write_text("".join(f"1 {i}:2 {i + 1}:3\n" for i in range(1, 12_000, 2)))
    with pytest.raises(DataError, match="12,000 features"):
        read(path)
    assert read(b"time,value\n10:30,1\n10:45,2\n").frame.columns.tolist() == ["time", "value"]


PROSE = """# A book

"It was late," he said; and nobody answered, for the room was empty.
# Chapter one
The rain, which had begun in the morning, went on and did not stop before night.
"Who is there?" she asked. Nobody, nobody at all, was there; so she slept.
Short line.
And another one.
And so on, with commas, and more.
"""


def test_prose_is_lines_and_loses_none():
    table = read((PROSE * 10).encode())
    assert table.frame.shape == (80, 1) and table.facts["header rows"] == 0
    assert table.frame["column0"].iloc[0] == "# A book"
    assert table.frame["column0"].iloc[1] == '"It was late," he said; and nobody answered, for the room was empty.'
    assert said(table, "lines of text") in table.warnings
    assert said(table, "comment lines") is None and said(table, "repaired rows") is None


def test_sentences_are_no_header():
    pairs = "Go.\tVa !\nRun!\tCours !\nWait.\tAttends.\nI won.\tJ'ai gagné.\nWho?\tQui ?\n"
    assert read(pairs.encode()).facts["header rows"] == 0
    assert read(("en\tfr\n" + pairs).encode()).facts["header rows"] == 1
    assert read(b"No.\tAmt.\n1\t2\n2\t3\n").frame.columns.tolist() == ["No.", "Amt."]
    tokens = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n"
    assert read(tokens.encode()).facts["header rows"] == 0


def test_apostrophes_at_words_are_no_quotes():
    text = "".join(f"it 's a film that ca n't 'miss' number {i}\t{i % 2}\n" for i in range(20))
    assert read(text.encode()).facts["quote"] == '"'
    assert read(b"'a, b',1\n'c',2\n'd, e',3\n").facts["quote"] == "'"


def test_months_are_dates_and_seasons_are_not():
    months = read({"month": ["1949-01", "1949-02", "1950-12"], "first": ["03/2015", "12/2016", "1/2017"]})
    assert months.recipes["month"]["format"] == "%Y-%m" and months.recipes["first"]["format"] == "%m/%Y"
    assert months.frame["month"].tolist()[2] == pd.Timestamp("1950-12-01")
    assert read({"m": ["Jan 2020", "Dec 2021"]}).recipes["m"]["format"] in ("%b %Y", "%B %Y")
    seasons = read({"season": ["2003-04", "2004-05", "2009-10", "2011-12"]})
    assert seasons.recipes["season"]["kind"] == "text"
    assert read({"model": ["Golf 1999", "Polo 2003"]}).recipes["model"]["kind"] == "text"


def test_records_inside_of_an_object(tmp_path, capsys):
    one = b'{"version": "1", "data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}'
    assert read(one).frame.values.tolist() == [[1, "x"], [2, "y"]]
    two = b'{"train": [["hello there", "greet"], ["bye", "leave"]], "val": [["hi", "greet"]]}'
    with pytest.raises(DataError, match="has 2 tables: 'train', 'val'") as caught:
        read(two)
    assert caught.value.suggestion == "table='train'"
    assert read(two, table="val").frame.values.tolist() == [["hi", "greet"]]
    assert read(two, table=0).frame["column1"].tolist() == ["greet", "leave"]
    assert len(read(b'{"a": 1, "b": [1, 2]}')) == 1  # a record with a list of numbers
    (tmp_path / "two.json").write_bytes(two)
    assert run(["inspect", str(tmp_path / "two.json")]) == 1
    assert "try: table='train'" in capsys.readouterr().err


SHARED = [
    ("a9a/a9a.gz", (32_561, 124), {"format": "svmlight"}),
    ("ranking/rank.train.gz", (3_005, 219), {"format": "svmlight"}),
    ("ranking/rank.train.query", (201, 1), {"header rows": 0}),
    ("cranfield/cranqrel", (1_837, 3), {"runs": True, "header rows": 0}),
    ("cranfield/cranqrel.readme", (27, 1), {"delimiter": ""}),
    ("cranfield/cran.qry", (918, 1), {"delimiter": "", "header rows": 0}),
    ("karate/karate.gml", (417, 1), {"delimiter": "", "header rows": 0}),
    ("conll2003/train.txt.gz", (204_567, 4), {"delimiter": " ", "header rows": 0}),
    ("conll2003/valid.txt.gz", (51_578, 4), {"delimiter": " ", "header rows": 0}),
    ("wnut17/emerging.dev.conll", (5_183, 2), {"delimiter": "\t", "header rows": 0}),
    ("dialogs/dialogs.txt", (3_725, 2), {"delimiter": "\t", "header rows": 0}),
    ("dailydialog/en_dev_human.txt", (995, 4), {"quote": '"', "header rows": 0}),
    ("sst2/train.tsv", (6_920, 2), {"quote": '"', "header rows": 0}),
    ("tatoeba_eng_fra/fra.txt.gz", (142_787, 2), {"delimiter": "\t", "header rows": 0}),
    ("multi30k/train.de.gz", (29_000, 1), {"delimiter": "", "header rows": 0}),
    ("multi30k/val.en.gz", (1_014, 1), {"delimiter": "", "header rows": 0}),
    ("tinystories/tinystories_train.txt.gz", None, {"delimiter": "", "header rows": 0}),
    ("tinyshakespeare/input.txt", (32_777, 1), {"delimiter": "", "header rows": 0}),
    ("wikitext2_valid/valid.txt.gz", None, {"delimiter": "", "header rows": 0}),
    ("xquad_en/xquad.en.json", (28, 2), {"format": "JSON"}),
    ("series_small/airline-passengers.csv", (144, 2), {"header rows": 1}),
    ("ag_news/train_8k.csv.gz", (8_000, 2), {"header rows": 1}),
    ("ett/ETTh1.csv.gz", (17_420, 8), {"header rows": 1}),
    ("football_results/results_to_2014.csv.gz", (38_417, 9), {"header rows": 1}),
    ("movielens_100k/u.item", (1_682, 24), {"delimiter": "|", "encoding": "cp1252", "header rows": 0}),
    ("movielens_100k/u.user", (943, 5), {"delimiter": "|", "header rows": 1}),
    ("movielens_100k/u.data.gz", (100_000, 4), {"delimiter": "\t", "header rows": 0}),
    ("higgs_7k/binary.train.gz", (7_000, 29), {"delimiter": "\t", "header rows": 0}),
    ("pendigits/pendigits.tra", (7_494, 17), {"header rows": 0}),
    ("satimage/satimage_train.csv", (4_434, 37), {"header rows": 1}),
    ("sms_spam/spam_train.csv", (4_500, 3), {"encoding": "cp1252", "header rows": 1}),
    ("classic_small/iris.csv", (150, 5), {"header rows": 0}),
    ("classic_small/wine.csv", (178, 14), {"header rows": 0}),
    ("classic_small/auto_imports.csv", (201, 26), {"header rows": 0}),
    ("wine_quality/winequality-red.csv", (1_599, 12), {"header rows": 1}),
    ("covertype_15k/covertype_train.csv.gz", (12_096, 56), {"header rows": 1}),
    ("letter/letter_train.csv", (16_000, 18), {"header rows": 1}),
]


@pytest.mark.parametrize("path, shape, facts", SHARED, ids=[path for path, *_ in SHARED])
def test_shared_files(path, shape, facts):
    folder = os.environ.get("HOMESPUN_DATA")
    if not folder:
        pytest.skip(f"HOMESPUN_DATA is not set: {path} is needed")
    table = read(os.path.join(folder, path))
    assert shape is None or table.frame.shape == shape
    assert {name: table.facts.get(name) for name in facts} == facts
    assert said(table, "repaired rows") is None or table.frame.shape[1] > 1  # lines of text need no repair
    assert sum(map(len, scan(os.path.join(folder, path), rows=50_000))) == len(table) if len(table) < 5_000 else True
