"""Ages: counted to the row's own day, or to the day that is asked about, which the model stores."""

import datetime

import numpy as np
import pandas as pd
import pytest

from homespun.data import read
from homespun.errors import ParameterError
from homespun.persist import describe, load
from homespun.tabular import ages, fit
from homespun.tabular.plan import feature_frame, make_plan

NOW = datetime.date(2024, 7, 1)
rng = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def calendar(monkeypatch):
    """A calendar that the test turns over."""
    leaf = {"day": NOW}
    monkeypatch.setattr(ages, "today", lambda: leaf["day"])
    return leaf


def cars(last="2024-06-20", n=240):
    """The price falls by 1000 a year of age; some registration days, and the mileage, which says nothing of the age."""
    age = rng.uniform(0, 12, n)
    registered = np.datetime64(last) - (age * 365.25).astype("timedelta64[D]")
    registered[0] = np.datetime64(last)
    price = 20_000 - 1000 * age + rng.normal(scale=100, size=n)
    return pd.DataFrame({"first_registration": registered.astype(str), "seats": rng.integers(2, 8, n), "price": price.round()})


def plan_of(frame, **options):
    return make_plan(read(frame).frame, exclude={"price": ""}, **options)


# -- which columns, and which day


@pytest.mark.parametrize("name, kind", [
    ("Prod. year", "year"), ("yearOfRegistration", "year"), ("Year", "year"), ("mfg_year", "year"), ("registered", "year"),
    ("Baujahr", "year"), ("seats", None), ("yearly_km", None), ("mileage", None)])
def test_years_are_found_by_name_and_values(name, kind):
    plan = plan_of(pd.DataFrame({name: rng.integers(1998, 2024, 60), "price": rng.normal(size=60)}))
    assert plan.ages["columns"].get(name) == kind
    far = plan_of(pd.DataFrame({name: rng.integers(1, 60, 60), "price": rng.normal(size=60)}))
    assert not far.ages["columns"]


def test_a_current_table_stores_the_day_of_training():
    plan = plan_of(cars())
    assert plan.ages == {"columns": {"first_registration": "date"}, "moment": None, "reference": "2024-07-01", "current": True}
    said = next(d for d in plan.decisions if d.kind == "age")
    assert said.value == "to 2024-07-01" and "2024-06-20" in said.evidence


def test_a_table_of_the_past_stores_its_last_day_and_no_typing_error():
    frame = cars("2019-03-05")
    assert plan_of(frame).ages["reference"] == "2019-03-05" and not plan_of(frame).ages["current"]
    frame.loc[3, "first_registration"] = "2091-01-01"
    assert plan_of(frame).ages["reference"] == "2019-03-05"
    years = plan_of(pd.DataFrame({"year": np.append(rng.integers(2000, 2020, 200), [2020, 2025]), "price": np.arange(202.0)}))
    assert years.ages["reference"] == "2020-12-31"
    assert plan_of(pd.DataFrame({"year": [2023, 2022, 2020] * 9, "price": np.arange(27.0)})).ages["reference"] == "2024-07-01"


def test_a_row_with_a_day_of_its_own_is_as_old_as_it_was_then():
    frame = pd.DataFrame({"listed_on": ["2023-05-01", "2024-05-01", ""] * 10, "registered": [2020] * 29 + [2019],
                          "built": ["2018-05-02", "2018-05-02", "2018-06-01"] * 10, "price": np.arange(30.0)})
    frame["registered"] = np.resize([2020, 2020, 2020, 2019, 2018], 30)
    table = read(frame).frame
    plan = make_plan(table, exclude={"price": ""})
    assert plan.ages["moment"] == "listed_on" and plan.ages["columns"] == {"built": "date", "registered": "year"}
    assert plan.since == ["built"] and plan.moments == ["listed_on"] and plan.ages["reference"] == "2024-05-01"
    X = feature_frame(table, plan.roles, plan.ages)
    reference = np.datetime64("2024-05-01").astype(int)
    assert (reference - X["built"].iloc[:3]).tolist() == [1825, 2191, 2161]  # five years less a day, six years less a day
    assert (2024 - X["registered"].iloc[:2]).tolist() == [3, 4]
    other = feature_frame(table, plan.roles, plan.ages, "2030-01-01")
    known = table["listed_on"].notna().to_numpy()
    assert other[known].equals(X[known]) and (X["registered"] - other["registered"])[~known].unique().tolist() == [6.0]


def test_a_day_of_the_row_is_no_age():
    for name in ("date", "sold_on", "Time"):
        frame = cars().rename(columns={"first_registration": name})
        assert not plan_of(frame).ages["columns"]


# -- asked on another day


@pytest.mark.parametrize("models", [["ridge"], ["boosting"], ["ridge", "forest", "boosting"]])
def test_a_year_later_everything_is_a_year_older(models, calendar, tmp_path):
    made = fit(cars(), "price", models=models, folds=3, budget=15, out=tmp_path / "cars.homespun")
    row = pd.DataFrame({"first_registration": ["2020-07-01", "2022-07-01"], "seats": [5, 5]})
    then, later = made.predict(row), made.predict(row, as_of="2025-07-01")
    assert np.abs(then - later - 1000).max() < 350 and abs(then[0] - 16_000) < 400
    np.testing.assert_array_equal(made.predict(row, as_of=NOW), then)
    younger = row.assign(first_registration=["2019-07-02", "2021-07-01"])  # 365 days
    np.testing.assert_allclose(made.predict(younger), later, rtol=1e-9)
    calendar["day"] = datetime.date(2025, 7, 1)
    np.testing.assert_array_equal(made.predict(row), then)  # nothing in Python reads the calendar by itself
    np.testing.assert_array_equal(made.predict(row, as_of="today"), later)
    assert made.day() == "2025-07-01" and "counted to 2025-07-01" in made.told_day(made.day())
    again = load(tmp_path / "cars.homespun")  # its self-test holds on any day
    np.testing.assert_array_equal(again.predict(row, as_of=made.day()), later)
    assert again.ages_ == made.ages_ == describe(tmp_path / "cars.homespun")["record"]["ages"]
    assert any("2024-07-01" in sentence for sentence in again.validate(cars()).sentences)


def test_the_server_asks_on_the_day_of_the_request(calendar):
    from fastapi.testclient import TestClient

    from homespun.serve import make_app

    made = fit(cars(), "price", models=["ridge"], folds=3)
    row = {"first_registration": "2020-07-01", "seats": 5}
    with TestClient(make_app(made)) as client, TestClient(make_app(made, as_of="2024-07-01")) as fixed:
        then = client.post("/predict", json={"rows": [row]}).json()["predictions"][0]
        calendar["day"] = datetime.date(2026, 7, 1)
        later, same = (one.post("/predict", json={"rows": [row]}).json()["predictions"][0] for one in (client, fixed))
        assert client.get("/health").json()["as_of"] == "2026-07-01" and fixed.get("/health").json()["as_of"] == "2024-07-01"
    assert then == same == made.predict(pd.DataFrame([row]))[0] and 1700 < then - later < 2300
    with pytest.raises(ParameterError, match="'soon'"):
        make_app(made, as_of="soon")


def test_a_table_of_the_past_is_asked_on_its_own_day(calendar):
    made = fit(cars("2019-03-05"), "price", models=["ridge"], folds=3)
    assert made.day() == "2019-03-05" and "where the training data end" in made.told_day(made.day())
    assert made.day("today") == "2024-07-01"


def test_ages_of_a_fold_in_time_are_those_of_then():
    """The price depends on the age when it was listed; a model of the past knows it although all cars are listed later."""
    listed = np.sort(rng.integers(0, 2000, 300))
    registered = rng.integers(1990, 2015, 300)
    day = np.datetime64("2015-01-01") + listed
    price = 30_000 - 900 * (day.astype("datetime64[Y]").astype(int) + 1970 - registered) + rng.normal(scale=50, size=300)
    table = pd.DataFrame({"listed": day.astype(str), "registered": registered, "price": price.round()})
    made = fit(table, "price", models=["baseline", "linear"], folds=4, time="listed", task="regression")
    assert made.ages_["moment"] == "listed" and "listed" not in made.features_
    assert made.leaderboard["score"][0] > 0.99
    rows = table.iloc[[0, 299]]
    assert np.abs(made.predict(rows) - price[[0, 299]]).max() < 300
    alone = made.predict(rows.drop(columns=["listed", "price"]), as_of="2025-06-01")
    expected = 30_000 - 900 * (2025 - registered[[0, 299]])
    assert np.abs(alone - expected).max() < 300


@pytest.mark.parametrize("day", ["soon", 20240101, "", None, "2024-13-01"])
def test_days_that_are_none(day):
    with pytest.raises(ParameterError, match="as_of must be a day") as caught:
        ages.day_of(day)
    assert caught.value.operands == {"as_of": day}


def test_an_exported_model_counts_to_the_days_of_its_rows(tmp_path):
    import subprocess
    import sys

    from homespun.persist import export_python

    listed = pd.date_range("2024-01-01", periods=240).strftime("%Y-%m-%d")
    frame = cars().assign(listed=listed, year=rng.integers(2000, 2024, 240))
    made = fit(frame, "price", models=["ridge"], folds=3)
    export_python(made, tmp_path / "model.py")
    frame.to_csv(tmp_path / "cars.csv", index=False)
    ran = subprocess.run([sys.executable, "model.py", "cars.csv"], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = np.array([float(line.split(",")[0]) for line in ran.stdout.splitlines()[1:]])
    np.testing.assert_allclose(told, made.predict(frame), rtol=1e-9)
