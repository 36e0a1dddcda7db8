"""messy: every switch does what it says, the truth is complete, and used_cars can be had clean."""

import re

import numpy as np
import pandas as pd
import pytest

import homespun.datasets as datasets
from homespun.datasets import mess_kinds
from homespun.datasets.mess_table import missing
from homespun.errors import DataError, ParameterError


@pytest.fixture(scope="module")
def clean():
    """A column of each kind, with and without missing values, and an index that is not a range."""
    n, rng = 200, np.random.default_rng(0)
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
            "mileage": rng.integers(1, 200_000, n),
            "litres": rng.random(n).round(2),
            "power": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(40, 200, n)), dtype="Int64"),
            "rebate": np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 50, n)),
            "sold": rng.random(n) < 0.5,
            "warranty": np.where(rng.random(n) < 0.2, None, rng.random(n) < 0.5).astype(object),
            "make": rng.choice(["Ford", "Audi", "Škoda"], n),
            "colour": pd.Categorical(rng.choice(["red", "blue"], n)),
            "note": np.where(rng.random(n) < 0.3, None, "ok then").astype(object),
            "price": rng.integers(500, 90_000, n),
        },
        index=pd.Index(rng.permutation(n), name="key"),
    )


def undoes(made, clean):
    pd.testing.assert_frame_equal(made.clean(), clean)


@pytest.mark.parametrize("kind", list(mess_kinds.MESSES))
def test_each_switch_alone(clean, kind):
    """Only that mess happens, the truth names every cell that differs, and undoing it gives the clean table."""
    before = clean.copy(deep=True)
    made = datasets.messy(clean, kind, random_state=1)
    pd.testing.assert_frame_equal(clean, before)
    assert {change.kind for change in made.changes} == {kind} and made.skipped == {}
    undoes(made, clean)
    if kind in ("outliers", "mixed_types", "units", "money", "flags", "mixed_dates", "typos", "spaces", "missing_tokens"):
        told = {(row, column) for row, column in zip(made.truth["row"], made.truth["column"])}
        for column in clean:
            old, new = clean[column].astype(object).to_numpy(), made.frame[column].astype(object).to_numpy()
            for row in range(len(clean)):
                same = (missing(old[row]) and missing(new[row])) or old[row] == new[row]
                assert same == ((row, column) not in told), (row, column)


def test_all_at_once_and_any_subset(clean):
    made = datasets.messy(clean)
    assert made.skipped == {} and {change.kind for change in made.changes} == set(mess_kinds.MESSES)
    undoes(made, clean)
    rng = np.random.default_rng(0)
    for seed in range(15):
        chosen = [kind for kind in mess_kinds.MESSES if rng.random() < 0.5]
        made = datasets.messy(clean, chosen, share=rng.random(), random_state=seed)
        assert {change.kind for change in made.changes} == set(chosen) - set(made.skipped)
        undoes(made, clean)


def test_what_the_messes_look_like(clean):
    made = datasets.messy(clean, ["units", "money", "flags", "mixed_dates", "missing_tokens"], share=0.1).frame
    spelled = set(mess_kinds.TOKENS)
    assert all(re.fullmatch(r"\d+ km", str(cell)) for cell in made["mileage"] if cell not in spelled)
    assert all(re.fullmatch(r"£\d{1,3}(,\d{3})*", str(cell)) for cell in made["price"] if cell not in spelled)
    assert set(made["sold"]) - spelled in [set(pair) for pair in mess_kinds.FLAGS]
    assert "NotAvailable" in set(made["warranty"])
    shapes = {re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", day)) for day in made["day"] if day not in spelled}
    assert shapes == {"0-0-0", "0.0.0", "0/0/0", "a 0, 0", "0-a-0"}
    assert len(set(made["make"]) & spelled) >= 3


def test_outliers_types_typos_spaces(clean):
    truth = datasets.messy(clean, "outliers").truth
    ratio = np.abs(truth["after"].astype(float) / truth["before"].astype(float))
    assert np.all(np.isclose(ratio, 100) | np.isclose(ratio, 0.01))
    assert 0.2 < np.isclose(ratio, 100).mean() < 0.8  # some up, some down
    assert set(datasets.messy(clean, "mixed_types").truth["after"]) <= set(mess_kinds.WORDS)
    typos = datasets.messy(clean, "typos").truth
    assert (np.abs(typos["after"].str.len() - typos["before"].str.len()) <= 1).all() and (typos["after"] != typos["before"]).all()
    spaces = datasets.messy(clean, "spaces").truth
    assert (spaces["after"].str.strip().str.lower() == spaces["before"].str.lower()).all()


def test_columns_rows_and_header(clean):
    made = datasets.messy(clean, ["constant", "identifier", "free_text", "duplicates"], share=0.1)
    added = [name for name in made.frame if name not in clean]
    assert added == ["source", "record_id", "notes"]
    assert made.frame["source"].nunique() == 1 and made.frame["notes"].nunique() > 150
    repeats = made.truth[made.truth["kind"] == "duplicates"]
    assert len(repeats) == 20 and len(made.frame) == 220 and made.frame["record_id"].nunique() == 200
    for row, original in zip(repeats["row"], repeats["before"]):
        assert made.frame.iloc[row].equals(made.frame.iloc[original])
    header = datasets.messy(clean, "ragged_header").frame.columns
    assert header.is_unique and sum(name != plain for name, plain in zip(header, clean)) > 8
    assert all(plain.lower() in name.lower() for name, plain in zip(header, clean))


def test_share_is_the_share(clean):
    for share, cells in ((0.0, 1), (0.1, 20), (1.0, 200)):
        truth = datasets.messy(clean, "missing_tokens", share=share).truth
        assert (truth["column"] == "mileage").sum() == cells


def test_protected_columns_keep_their_cells(clean):
    made = datasets.messy(clean, protect=["price", "make"])
    assert not {"price", "make"} & set(made.truth["column"].dropna())
    undoes(made, clean)


def test_seed_and_own_streams(clean):
    first, again, other = datasets.messy(clean), datasets.messy(clean), datasets.messy(clean, random_state=1)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert not first.truth.equals(other.truth)
    alone, together = datasets.messy(clean, "outliers").truth, datasets.messy(clean, ["typos", "outliers"]).truth
    assert alone.equals(together[together["kind"] == "outliers"].reset_index(drop=True))


def test_skipped_with_a_reason():
    made = datasets.messy(pd.DataFrame({"word": ["one", "two"]}), ["units", "flags", "mixed_dates", "typos"])
    assert set(made.skipped) == {"units", "flags", "mixed_dates"} and all(made.skipped.values())


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_small_and_empty(clean, rows):
    undoes(datasets.messy(clean.iloc[:rows]), clean.iloc[:rows])
    nothing = pd.DataFrame({"a": [None, None], "b": [np.nan, np.nan]})
    undoes(datasets.messy(nothing), nothing)
    undoes(datasets.messy(pd.DataFrame({"source": [1], "notes": [2]})), pd.DataFrame({"source": [1], "notes": [2]}))


def test_encoding_on_disk(clean, tmp_path):
    plain, strange = datasets.messy(clean, "money"), datasets.messy(clean, ["money", "encoding"])
    assert "£".encode() in plain.to_csv(tmp_path / "plain.csv").read_bytes()
    written = strange.to_csv(tmp_path / "strange.csv").read_bytes()
    assert strange.encoding == "cp1252" and b"\xa3" in written
    with pytest.raises(UnicodeDecodeError):
        written.decode("utf-8")
    back = pd.read_csv(tmp_path / "strange.csv", encoding="cp1252")
    assert back["price"].tolist() == strange.frame["price"].tolist()


def test_our_reader_finds_the_truth_again(tmp_path):
    """The point of it: units, money and flags that were put in are read back as the clean numbers."""
    from homespun.data import read

    cars = datasets.used_cars(300, random_state=4, mess=False)[["mileage", "leather", "price"]]
    made = datasets.messy(cars, ["units", "money", "flags", "encoding"])
    found = read(made.to_csv(tmp_path / "cars.csv")).frame
    assert found["mileage"].astype(int).tolist() == cars["mileage"].tolist()
    assert found["price"].astype(int).tolist() == cars["price"].tolist()
    assert (found["leather"].astype(float) > 0).tolist() == cars["leather"].tolist()


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [({"mess": "typo"}, "'typo'"), ({"mess": ["units", "monney"]}, "'monney'"), ({"protect": ["prize"]}, "'prize'"),
     ({"share": 2}, "2")],
)
def test_mistakes(clean, settings, wrong):
    with pytest.raises(ParameterError, match=re.escape(wrong)) as caught:
        datasets.messy(clean, **settings)
    assert caught.value.operation == "messy"
    assert caught.value.suggestion or "share" in settings


@pytest.mark.parametrize("frame", [[1, 2], pd.DataFrame([[1, 2]]), pd.DataFrame([[1, 2]], columns=["a", "a"])])
def test_not_a_table(frame):
    with pytest.raises(DataError, match="distinct names"):
        datasets.messy(frame)


def test_used_cars_without_mess_are_the_same_cars():
    dirty, cars = datasets.used_cars(3000, random_state=2), datasets.used_cars(3000, random_state=2, mess=False)
    assert cars.shape == (3000, 21) and not cars.isna().any().any() and not cars.duplicated().any()
    assert cars["price"].dtype == np.int64 and cars["leather"].dtype == bool and cars["listed_on"].dtype.kind == "M"
    rows = (dirty["listing_id"] == cars["listing_id"]).to_numpy()  # all but the repeated ones
    assert 0.95 < rows.mean() < 1
    same, there = dirty[rows], cars[rows]
    assert (same["mileage"] == there["mileage"].astype(str) + " km").all()
    ratio = same["price"].str.replace(r"[£,]", "", regex=True).astype(float) / there["price"]
    assert set(ratio.round(1)) == {0.1, 1.0, 10.0} and (ratio.round(1) != 1).mean() < 0.01  # mistyped prices
    assert ((same["levy"] == "-") | (same["levy"] == there["levy"].astype(str))).all()
