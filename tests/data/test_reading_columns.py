"""Columns from text: every reading is right or is refused, and what was decided is written down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.data import read, reread
from homespun.data.dates import learn_date
from homespun.data.flags import learn_flag
from homespun.data.quantities import learn_quantity, quantity_value, split_quantity, to_float
from homespun.errors import DataError, ParameterError


def column(*values, **options):
    return read({"x": list(values)}, **options).frame["x"].tolist()


def kinds(table, name="x"):
    return {d.kind: d.value for d in table.decisions if d.column == name}


@pytest.mark.parametrize(
    "texts, numbers",
    [
        (["186005 km", "192000 km"], [186005, 192000]),
        (["£8,000", "£13,400", "£950"], [8000, 13400, 950]),
        ([" £8,000 ", "\t£1,000"], [8000, 1000]),
        (["$2.39", "$16.98 "], [2.39, 16.98]),
        (["150,000km", "5,000km"], [150000, 5000]),
        (["150.000 km", "5.000 km"], [150000, 5000]),  # German: kilometres are not written to three decimals
        (["1.234,5", "7,25"], [1234.5, 7.25]),
        (["0,999", "1,498"], [0.999, 1.498]),  # a leading zero cannot begin a thousand
        (["0.999", "1.498"], [0.999, 1.498]),
        (["1 234 567", "12"], [1234567, 12]),
        (["1'234.5", "12"], [1234.5, 12]),
        (["1,10,000", "7,999"], [110000, 7999]),  # India
        (["-5", "+3", "\u22127"], [-5, 3, -7]),
        (["1e3", "2.5E-1"], [1000, 0.25]),
        (["8 000 €", "950 EUR"], [8000, 950]),
        (["12 %", "7%"], [12, 7]),
        (["100 km", "100 mi"], [100, 160.9344]),
        (["5-door", "3-door"], ["5-door", "3-door"]),
        (["4x4", "4x2"], ["4x4", "4x2"]),
        (["4-May", "2-Mar"], ["4-May", "2-Mar"]),
        (["01067", "80331"], ["01067", "80331"]),  # codes keep their zeros
        (["1.2.3", "1.2.4"], ["1.2.3", "1.2.4"]),
        (["£5", "$5"], ["£5", "$5"]),
        (["5 km", "5 kg"], ["5 km", "5 kg"]),
        (["8k", "500"], ["8k", "500"]),
        (["1234567890123456789", "1"], ["1234567890123456789", "1"]),
        (["1,2,3", "4"], ["1,2,3", "4"]),
    ],
)
def test_numbers(texts, numbers):
    assert column(*texts) == numbers


@pytest.mark.parametrize("token", ["", "-", "?", "n/a", "N/A", "NULL", "null", "nan", "#N/A", "None", "--"])
def test_missing_words(token):
    table = read({"x": ["1", token, "3"], "y": ["a", token, "b"]})
    assert np.isnan(table.frame["x"][1]) and table.frame["x"][0] == 1
    assert table.frame["y"].isna().tolist() == [False, True, False]
    if token:
        assert kinds(table)["missing"] == [token]


def test_namibia_is_no_gap():
    codes = ["NA", "DE", "FR", "GB", "US", "ES", "IT", "PL", "SE", "NO", "FI", "DK"]
    assert read({"x": codes}).frame["x"].isna().sum() == 0


def test_engine_with_a_word_becomes_two_columns():
    table = read({"engine": ["2.0 Turbo", "1.6", "-", "3.0 Turbo"]})
    assert table.frame["engine"].tolist()[:2] == [2.0, 1.6]
    np.testing.assert_array_equal(table.frame["engine (Turbo)"], [1, 0, np.nan, 1])
    assert kinds(table, "engine")["split"] == "Turbo"


def test_one_word_among_numbers_is_missing_and_said():
    prices = [str(1000 + i) for i in range(20)]
    table = read({"price": [*prices, "Negotiable", "negotiable"]})
    assert table.frame["price"].isna().sum() == 2
    assert kinds(table, "price")["words as missing"] == ["Negotiable", "negotiable"]
    mixed = read({"x": [*prices, "Petrol", "Diesel"]})  # two words: a column of something else
    assert mixed.frame["x"].tolist()[:2] == ["1000", "1001"]
    assert "Petrol" in next(d.evidence for d in mixed.decisions if d.column == "x")


def test_one_bad_value_in_a_thousand_is_said():
    values = [f"{i}.5" for i in range(1000)] + ["12,5"]
    table = read({"x": values})
    assert table.frame["x"].isna().sum() == 1
    assert kinds(table)["unreadable"] == ["12,5"]
    dates = [f"2020-01-{1 + i % 28:02d} 10:00:00" for i in range(1000)] + ["2020-01-0"]
    assert read({"x": dates}).frame["x"].isna().sum() == 1


@pytest.mark.parametrize(
    "texts, numbers",
    [
        (["ON", "OFF", "NotAvailable"], [1, -1, 0]),
        (["on", "Off"], [1, -1]),
        (["Yes", "No", "yes"], [1, 0, 1]),
        (["TRUE", "FALSE"], [1, 0]),
        (["ja", "nein", "-"], [1, 0, np.nan]),
        (["Yes", "No", "Unknown"], [1, -1, 0]),
    ],
)
def test_flags(texts, numbers):
    np.testing.assert_array_equal(column(*texts), numbers)


@pytest.mark.parametrize("texts", [["yes", "maybe"], ["ON", "NO"], ["yes", "no", "perhaps"], ["Yes", "Yes"]])
def test_no_flags(texts):
    assert column(*texts) == texts
    assert learn_flag(texts) is None


@pytest.mark.parametrize(
    "texts, days",
    [
        (["2024-02-29", "2023-12-31"], ["2024-02-29", "2023-12-31"]),
        (["31.12.2023", "01.02.2024"], ["2023-12-31", "2024-02-01"]),
        (["31/12/2023", "01/02/2024"], ["2023-12-31", "2024-02-01"]),
        (["12/31/2023", "01/02/2024"], ["2023-12-31", "2024-01-02"]),
        (["5 Jan 2024", "17 Feb 2024"], ["2024-01-05", "2024-02-17"]),
        (["2024-02-29 13:45", "2024-03-01 00:00"], ["2024-02-29T13:45", "2024-03-01"]),
        (["2024-02-29T13:45:10Z", "2024-03-01T00:00:00+02:00"], ["2024-02-29T13:45:10", "2024-02-29T22:00:00"]),
    ],
)
def test_dates(texts, days):
    assert read({"x": texts}).frame["x"].to_numpy().astype("datetime64[s]").tolist() == [
        np.datetime64(d, "s").item() for d in days
    ]


@pytest.mark.parametrize(
    "texts", [["01/02/2024", "03/04/2024"], ["30-02-2024", "01-02-2024"], ["1/2/24", "3/4/24"], ["10:30", "11:45"]]
)
def test_doubtful_dates_stay_text(texts):
    assert column(*texts) == texts


def test_ambiguous_date_is_said_and_can_be_settled():
    table = read({"x": ["01/02/2024", "03/04/2024"]})
    assert "ambiguous date" in kinds(table).values()
    assert learn_date(["01/02/2024", "03/04/2024"], [1, 1])[0] is None


def test_types_can_be_forced():
    assert column("1", "2", types={"x": "text"}) == ["1", "2"]
    assert column("Yes", "No", types={"x": "text"}) == ["Yes", "No"]
    with pytest.raises(DataError, match="'apple'") as caught:
        column("1", "apple", types={"x": "number"})
    assert caught.value.operands["column"] == "x"
    with pytest.raises(DataError, match="did you mean 'mileage'"):
        read({"mileage": ["1", "2"]}, types={"milage": "number"})
    with pytest.raises(ParameterError, match="'float'"):
        read({"x": ["1"]}, types={"x": "float"})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20),
    st.sampled_from(["{}", "{:,}", "£{:,}", "{:,} km", "{} kg"]),
)
def test_whole_numbers_come_back(numbers, form):
    assert column(*[form.format(number) for number in numbers]) == numbers


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_text_is_kept_or_decided_upon(texts):
    try:
        table = read({"x": texts})
    except DataError:
        return
    for value, text in zip(table.frame["x"].tolist(), texts):
        if isinstance(value, str):
            assert value == text.strip()


@settings(max_examples=100, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_to_float_agrees_with_python(number):
    text = repr(float(number))
    parts = split_quantity(text)
    assert parts is not None and to_float(parts[0], ".") == float(number)


def test_recipes_repeat_the_reading():
    cars = {
        "mileage": ["186005 km", "-"],
        "price": ["£8,000", "£950"],
        "abs": ["ON", "OFF"],
        "day": ["31.12.2023", "01.02.2024"],
        "fuel": ["petrol", "diesel"],
        "engine": ["2.0 Turbo", "1.6"],
    }
    table = read(cars)
    fresh = reread(
        {
            "mileage": ["100 mi", "5 km", "7"],
            "price": ["£1,000", "2000", ""],
            "abs": ["off", None, "NotAvailable"],
            "day": ["05.01.2024", "", "06.01.2024"],
            "fuel": ["hydrogen", "-", "petrol"],
            "engine": ["1", "2.5 turbo", "?"],
        },
        table.recipes,
    ).frame
    np.testing.assert_allclose(fresh["mileage"], [160.9344, 5, 7])
    np.testing.assert_array_equal(fresh["price"], [1000, 2000, np.nan])
    np.testing.assert_array_equal(fresh["abs"], [-1, np.nan, 0])
    assert str(fresh["day"][0])[:10] == "2024-01-05"
    assert fresh["fuel"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(fresh["engine (Turbo)"], [0, 1, np.nan])


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("mileage", "12 bananas", "'12 bananas'"),
        ("mileage", "$5", "'$5'"),
        ("abs", "maybe", "'maybe'"),
        ("day", "2024-01-05", "'2024-01-05'"),
        ("day", "31.02.2024", "'31.02.2024'"),
        ("mileage", "abc", "'abc'"),
    ],
)
def test_recipes_refuse_what_does_not_fit(name, value, shown):
    cars = {"mileage": ["186005 km", "5 km"], "abs": ["ON", "OFF"], "day": ["31.12.2023", "01.02.2024"]}
    recipes = read(cars).recipes
    fresh = {key: list(values) for key, values in cars.items()}
    fresh[name][1] = value
    with pytest.raises(DataError, match="row 2") as caught:
        reread(fresh, recipes)
    assert shown in str(caught.value)
    assert caught.value.operands["column"] == name and caught.value.operands["row"] == 2


def test_columns_are_checked():
    recipes = read({"mileage": ["1", "2"], "price": ["3", "4"]}).recipes
    with pytest.raises(DataError, match="did you mean 'Mileages'") as caught:
        reread({"Mileages": [1], "price": [2]}, recipes)
    assert caught.value.operands["missing"] == ["mileage"]
    with pytest.warns(UserWarning, match="'colour'"):
        reread({"mileage": [1], "price": [2], "colour": ["red"]}, recipes)
    assert list(reread({"mileage": [1]}, recipes, optional=("price",)).frame) == ["mileage"]


def test_learned_quantity_is_plain_data():
    import json

    recipe, _ = learn_quantity(["5 km", "7 mi"], [1, 1])
    assert json.loads(json.dumps(recipe)) == recipe
    assert quantity_value("5 km", recipe) == (5.0, False)


def test_the_value_that_settles_day_and_month_is_named():
    table = read({"x": ["1/5/2019", "1/27/2019", "3/8/2019"]})
    assert "the month comes first, as in '1/27/2019'" in table.decisions[0].evidence
    assert "comes first" not in read({"x": ["2019-01-05", "2019-01-27"]}).decisions[0].evidence
