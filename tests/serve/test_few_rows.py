"""Rows without a dataframe get the bits that the ordinary way gives, whatever stands in them; what is unusual goes that way."""

import numpy as np
import pandas as pd
import pytest
from conftest import example_row

import homespun as hs
from homespun.datasets import used_cars
from homespun.serve import Contract
from homespun.serve.answers import answers_of
from homespun.serve.few_rows import FewRows, Unusual
from homespun.tabular import BlendClassifier, BlendRegressor

NAMES = ("cars", "fuels", "multi", "trees", "blended")


@pytest.fixture(scope="module")
def trees():
    """Native categories, mean targets, two classes."""
    return hs.fit(used_cars(500, random_state=3), "gearbox", models=["boosting"], folds=2, budget=5)


@pytest.fixture(scope="module")
def blended(trees, fuels):
    """Two pipelines with preparations of their own."""
    import copy

    both = copy.copy(trees)
    both.model = BlendClassifier([trees.model, fuels.model], [0.7, 0.3])
    both.model.estimators_, both.model.classes_ = [trees.model, fuels.model], np.array([0, 1])
    return both


def some_rows(project, seed, n=60):
    """Rows of fresh cars as a program sends them, with gaps, new words, numbers where words are, words for flags and bools."""
    rng = np.random.default_rng(seed)
    contract = Contract.of(project)
    table = project.read(used_cars(n, random_state=seed)).frame.reset_index(drop=True)
    rows = []
    for i in range(len(table)):
        row = {}
        for name, one in contract.fields.items():
            value = table[name].iloc[i]
            value = None if pd.isna(value) else value
            if value is not None and one.kind == "number":
                value = float(value) if rng.random() < 0.5 else round(float(value))
            elif value is not None and one.kind == "date":
                value = value.strftime(one.format)
            elif value is not None and one.kind == "flag":
                value = [bool(value == 1), one.choices[0] if value == 1 else one.choices[1]][rng.integers(2)]
            if rng.random() < 0.08:
                value = None
            elif one.kind == "text" and rng.random() < 0.1:
                value = ["Steam", 3, 3.0, 2.5, "3", " Diesel ", "n/a", "", "-"][rng.integers(9)]
            row[name] = value
        rows.append(row)
    return rows


def ordinary(project, rows, as_of=None):
    table = project.read(Contract.of(project).frame(rows))
    soft = project.classes is not None
    return project.predict(table, as_of=as_of), project.predict_proba(table, as_of=as_of) if soft else None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_as_with_a_dataframe(name, seed, request):
    project = request.getfixturevalue(name)
    few = FewRows.of(project, Contract.of(project).fields)
    rows = some_rows(project, seed)
    for part in (rows, rows[:1], rows[1:2], rows[2:9]):
        said, soft = few.predict(part)
        expected, shares = ordinary(project, part)
        np.testing.assert_array_equal(said, expected)
        np.testing.assert_array_equal(soft, shares) if shares is not None else None
    assert few.remembered  # words were typed once


def test_ages_are_counted_to_the_day_that_is_asked():
    frame = pd.DataFrame({"built": np.arange(300) % 40 + 1980, "size": np.arange(300) % 17, "price": 0.0})
    frame["price"] = (2020 - frame["built"]) * 3.0 + frame["size"]
    project = hs.fit(frame, "price", models=["ridge"], folds=2, budget=5)
    rows = [{"built": 1990, "size": 3}, {"built": None, "size": 4}]
    few = FewRows.of(project, Contract.of(project).fields)
    assert project.ages_["columns"] == {"built": "year"}
    days = [few.predict(rows, day)[0].tolist() for day in (None, "2019-12-31", "2029-06-01")]
    assert days == [ordinary(project, rows, day)[0].tolist() for day in (None, "2019-12-31", "2029-06-01")]
    assert days[2][0] > days[0][0] + 10  # ten years older


def test_what_is_unusual_goes_the_ordinary_way(cars):
    contract = Contract.of(cars)
    row = example_row(contract)
    few, answer = FewRows.of(cars, contract.fields), answers_of(cars, contract)
    for field, value in (("mileage", "120000 km"), ("leather", "perhaps"), ("listed_on", "13/13/2024")):
        with pytest.raises(Unusual):
            few.predict([{**row, field: value}])
    assert answer([{**row, "mileage": "120000 km"}]) == answer([{**row, "mileage": 120000}])


def test_a_number_among_words_is_read_by_itself(cars):
    """Once, 3.0 was the category "3" alone, and "3.0" beside a word: answers depended on whose requests came with them."""
    contract = Contract.of(cars)
    row = example_row(contract)
    rows = [{**row, "model": 3.0}, {**row, "model": "Golf"}]
    frames = [contract.frame(rows[:1])["model"].tolist(), contract.frame(rows)["model"].tolist()]
    assert frames == [["3"], ["3", "Golf"]]


def test_a_model_of_another_shape_goes_the_ordinary_way(cars):
    import copy

    other = copy.copy(cars)
    other.model = cars.model[-1:]
    assert FewRows.of(other, Contract.of(cars).fields) is None
    other.model = BlendRegressor([cars.model[-1:]], [1.0])
    other.model.estimators_ = [cars.model[-1:]]
    assert FewRows.of(other, Contract.of(cars).fields) is None


def test_what_is_remembered_ends(cars, monkeypatch):
    monkeypatch.setattr("homespun.serve.few_rows.REMEMBERED", 30)
    contract = Contract.of(cars)
    few, row = FewRows.of(cars, contract.fields), example_row(contract)
    for number in range(100):
        few.predict([{**row, "model": f"word {number}"}])
    assert all(len(typed) <= 30 for typed in few.remembered.values())


BAD = [None, 3, 2.5, -7, "", "word", "12 km", True, [1], {}, 1e300, -2e15, float("nan"), float("inf"), 10**17, "a\x00b",
       "x" * 100_001]


@pytest.mark.parametrize("name", ["cars", "fuels"])
def test_columns_are_checked_as_values_are(name, request, monkeypatch):
    """Each odd value in each field, in the first row and the last: the same problems, in the same order."""
    contract = Contract.of(request.getfixturevalue(name))
    row = example_row(contract)
    for field in contract.fields:
        for value in BAD:
            asked = [{**row, field: value}, {**row, field: None}, row, {**row, field: value}]
            quick = contract.problems_of(asked)
            with monkeypatch.context() as patch:
                patch.setattr(Contract, "_plainly_fits", lambda self, rows: False)
                assert repr(quick) == repr(contract.problems_of(asked)), (field, value)
    for asked in ([{}], [row, {**row, "more": 1}], [{**row, field: 1} for _ in range(2)]):
        with monkeypatch.context() as patch:
            quick = contract.problems_of(asked)
            patch.setattr(Contract, "_plainly_fits", lambda self, rows: False)
            assert repr(quick) == repr(contract.problems_of(asked))
    bare = Contract.of(request.getfixturevalue("bare"))
    assert [str(one.where) for one in bare.problems_of([{"x0": 1, "x1": 2.5, "x2": 3}, {"x0": 1, "x1": None, "x2": 3}])] == [
        "('rows', 1, 'x1')"]
