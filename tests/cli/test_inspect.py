"""``homespun inspect``: the report, the JSON, and the essential decisions on fifteen real tables."""

import json
import os

import pytest

from homespun.cli import run
from homespun.cli.inspect import content, lines, number, wrapped
from homespun.data import read

CSV = "make;price;listed;abs\nFord;£8,000;31.12.2023;ON\nAudi;£950;01.02.2024;OFF\nOpel;-;02.02.2024;NotAvailable\n"


@pytest.fixture
def csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cars.csv").write_text(CSV, encoding="utf-8")
    return "cars.csv"


def call(capsys, *arguments):
    status = run(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


def test_report(csv, capsys):
    status, out, _ = call(capsys, "inspect", csv)
    assert status == 0
    first = out.splitlines()[0]
    assert first == "cars.csv: 3 rows, 4 columns"
    for part in ("delimiter ';'", "number GBP", "yes/no", "2023-12-31 … 2024-02-02", "missing '-'", "33 %"):
        assert part in out
    assert max(map(len, out.splitlines())) <= 160


def test_json_and_overrides(csv, capsys):
    status, out, _ = call(capsys, "inspect", csv, "--json")
    found = json.loads(out)
    assert status == 0 and found["rows"] == 3 and found["columns"]["price"]["type"] == "number GBP"
    assert found["columns"]["price"]["missing"] == 1 and found["source"]["delimiter"] == ";"
    status, out, _ = call(capsys, "inspect", csv, "--no-header", "--delimiter", ";", "--json")
    assert next(iter(json.loads(out)["columns"])) == "column0"


def test_what_cannot_be_inspected(csv, capsys):
    assert call(capsys, "inspect", "car.csv")[0] == 1
    status, _, err = call(capsys, "inspect", csv, "--encoding", "klingon")
    assert status == 1 and "'klingon'" in err and "Traceback" not in err
    assert call(capsys, "inspect", csv, "--query", "SELECT nothing FROM data")[0] == 1
    assert call(capsys, "inspect")[0] == 2


def test_parts_of_the_report():
    table = read(
        {
            "x": [1.5, 2.5, 1234567.25],
            "day": ["2024-01-01 10:00", "2024-01-02 11:30", "2024-01-03 00:00"],
            "w": ["a", "b", "a"],
        }
    )
    assert content(table.frame["day"], "date") == "2024-01-01 10:00 … 2024-01-03 00:00"
    assert content(table.frame["w"], "text") == "2 different: a 2, b 1"
    assert [number(value) for value in (3, 12345, 0.123456, 1234567.25)] == ["3", "12,345", "0.1235", "1,234,567.25"]
    assert wrapped("one two three", 12, "  · ") == ["  · one two", "    three"]
    assert all(len(line) <= 60 for line, _ in lines(table, 60))


# ---------------------------------------------------------------------------------------------------------------------
# Real tables: (set/file, rows, columns, encoding, delimiter, header rows, decisions that must be there)

REAL = [
    (
        "cars_georgia/car_price_prediction.csv.gz",
        19_234,
        19,
        "utf-8",
        ",",
        1,
        {
            ("Levy", "missing"): ["-"],
            ("Mileage", "unit"): "km",
            ("Engine volume", "split"): "Turbo",
            ("Doors", "spreadsheet dates"): ["2-Mar", "4-May"],
            (None, "duplicate rows"): 313,
            ("Leather interior", "flag"): {"Yes": 1.0, "No": 0.0},
        },
    ),
    (
        "cars_ebay_de/autos.csv.gz",
        18_705,
        20,
        "cp1252",
        ",",
        1,
        {
            ("price", "currency"): "USD",
            ("odometer", "unit"): "km",
            ("notRepairedDamage", "flag"): {"nein": 0.0, "ja": 1.0},
            ("nrOfPictures", "constant"): 0,
            ("dateCrawled", "date"): "%Y-%m-%d %H:%M:%S",
        },
    ),
    ("cars_toyota_flags/ToyotaCorolla.csv", 1_436, 38, "utf-8", ",", 1, {("cylinders", "constant"): 4}),
    (
        "cars_saudi/UsedCarsSA_Unclean_EN.csv.gz",
        8_248,
        15,
        "utf-8",
        ",",
        1,
        {
            ("Price", "words as missing"): ["Negotiable"],
            ("Negotiable", "flag"): {"FALSE": 0.0, "TRUE": 1.0},
            ("Condition", "constant"): "Used",
        },
    ),
    (
        "cars_uk_focus/unclean focus.csv",
        5_548,
        11,
        "utf-8",
        ",",
        1,
        {
            ("price", "currency"): "GBP",
            (None, "empty rows"): 56,
            ("engine size2", "words as missing"): ["Unknown"],
            ("model", "constant"): "Focus",
            ("reference", "identifier"): None,
        },
    ),
    (
        "titanic/titanic.csv",
        891,
        12,
        "utf-8",
        ",",
        1,
        {("PassengerId", "identifier"): None, ("Ticket", "text"): "not a number"},
    ),
    (
        "adult_census/adult-train.csv.gz",
        32_561,
        15,
        "utf-8",
        ",",
        0,
        {("column1", "missing"): ["?"], (None, "no header"): False},
    ),
    (
        "telco_churn/Telco-Customer-Churn.csv",
        7_043,
        21,
        "utf-8",
        ",",
        1,
        {("Churn", "flag"): {"No": 0.0, "Yes": 1.0}, ("customerID", "identifier"): None},
    ),
    (
        "bank_marketing/bank-additional.csv",
        4_119,
        21,
        "utf-8",
        ";",
        1,
        {("y", "flag"): {"no": 0.0, "yes": 1.0}, ("default", "flag"): {"no": -1.0, "unknown": 0.0, "yes": 1.0}},
    ),
    ("california_housing/housing.csv", 20_640, 10, "utf-8", ",", 1, {}),
    (
        "chipotle_orders/chipotle.tsv",
        4_622,
        5,
        "utf-8",
        "\t",
        1,
        {("item_price", "currency"): "USD", ("choice_description", "missing"): ["NULL"]},
    ),
    (
        "gdp_per_capita/gdp_per_capita.csv",
        189,
        7,
        "cp1252",
        "\t",
        1,
        {
            ("2015", "missing"): ["n/a"],
            (None, "footer"): ["International Monetary Fund, World Economic Outlook Database, April 2016"],
            ("2015", "decimal point"): ".",
        },
    ),
    ("ufo_sightings/ufo.csv.gz", 80_543, 5, "utf-8", ",", 1, {("Time", "date"): "%m/%d/%Y %H:%M"}),
    (
        "supermarket_sales/supermarket_sales.csv",
        1_000,
        17,
        "utf-8",
        ",",
        1,
        {
            ("Date", "date"): "%m/%d/%Y",
            ("Invoice ID", "identifier"): None,
            ("gross income", "duplicate column"): "Tax 5%",
        },
    ),
]


@pytest.mark.parametrize(
    "path, rows, columns, encoding, delimiter, header, decisions",
    REAL,
    ids=[path.partition("/")[0] for path, *_ in REAL],
)
def test_real_tables(path, rows, columns, encoding, delimiter, header, decisions):
    folder = os.environ.get("HOMESPUN_DATA")
    if not folder:
        pytest.skip(f"HOMESPUN_DATA is not set: {path} is needed")
    table = read(os.path.join(folder, path))
    assert (len(table), table.frame.shape[1]) == (rows, columns)
    assert (table.facts["encoding"], table.facts["delimiter"], table.facts["header rows"]) == (
        encoding,
        delimiter,
        header,
    )
    found = {(decision.column, decision.kind): decision.value for decision in table.decisions}
    for what, value in decisions.items():
        assert found.get(what, "absent") == value, what
    assert all(isinstance(text, str) for text, _ in lines(table, 100))


@pytest.mark.parametrize("asked", [False, True])
def test_no_colour_where_none_is_wanted(tmp_path, capsys, monkeypatch, asked):
    monkeypatch.setattr("typer.echo", lambda text="", **_: print(text))  # as on a terminal: nothing is taken out
    monkeypatch.setenv("NO_COLOR", "1") if asked else monkeypatch.delenv("NO_COLOR", raising=False)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    assert run(["inspect", str(tmp_path / "a.csv")]) == 0
    assert ("\033[" in capsys.readouterr().out) is not asked


def test_options_that_mean_nothing_for_a_file_are_told(tmp_path, capsys):
    path = tmp_path / "good.csv"
    path.write_text("a,b\n1,x\n2,y\n3,z\n")
    assert run(["inspect", str(path), "--sheet", "3"]) == 1
    assert "only workbooks have sheets" in capsys.readouterr().err
    assert run(["inspect", str(path), "--delimiter", ";;"]) == 0
    assert "with --delimiter ';;' there is one column" in capsys.readouterr().err
    assert run(["inspect", str(path), "--delimiter", ","]) == 0
    assert capsys.readouterr().err == ""


def test_evidence_in_plain_words(tmp_path, capsys):
    from homespun.cli.source import plainly

    assert plainly("currency", "4622 × USD") == "USD stands with 4,622 values"
    assert plainly("unit", "1200 × km, 3 × mi") == "km stands behind 1,200 values and mi stands behind 3 values"
    assert plainly("missing", "5817 of 19234 values") == "5,817 of 19,234 values"
    assert plainly("unit", "as asked") == "as asked"
    path = tmp_path / "prices.tsv"
    path.write_text("kind\tprice\n" + "".join(f"{'ab'[i % 2]}\t${i}.50\n" for i in range(40)))
    assert run(["inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert "consistency" not in said and " × USD" not in said and "USD stands with 40 values" in said
