"""What a model says of a make that the training rows did not have, or hardly, and of a row without one."""

import runpy

import numpy as np
import pandas as pd
import pytest

import homespun as hs
from homespun.data import read
from homespun.tabular.models import MODELS, Candidate, build_model
from homespun.tabular.plan import feature_frame, make_plan
from homespun.tabular.target import clean_target

rng = np.random.default_rng(0)
MAKES = ["vw"] * 200 + ["kia"] * 120 + ["bmw"] * 76 + ["bentley"] * 2
PRICES = {"vw": 10_000.0, "kia": 9_000.0, "bmw": 16_000.0, "bentley": 900_000.0}


def model_of(name, frame):
    table = read(frame)
    goal = clean_target(table, "price", "regression", None)
    plan = make_plan(table.frame.iloc[goal.rows], exclude={"price": ""})
    assert plan.categories == ["make"]
    X = feature_frame(table.frame.iloc[goal.rows], plan.roles, plan.ages)
    return build_model(Candidate(name), goal, plan, random_state=0).fit(X, goal.values), X


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("name", [name for name, tasks in MODELS.items() if "regression" in tasks])
def test_no_unseen_or_missing_make_gets_the_price_of_the_one_luxury_car(name, gone):
    """Two Bentleys are no level, the one car without a make (a Bentley, too) is no reason, and a Lada is none of them."""
    makes = np.array(MAKES + [None] * gone, dtype=object)
    price = np.array([PRICES[make] for make in MAKES] + [900_000.0] * gone) * rng.uniform(0.9, 1.1, len(makes))
    order = rng.permutation(len(makes))
    frame = pd.DataFrame({"make": makes, "km": rng.uniform(1e3, 1e5, len(makes)).round(1), "price": price.round(2)}).iloc[order]
    model, X = model_of(name, frame.reset_index(drop=True))
    for make in ("lada", np.nan):
        asked = X.iloc[:50].assign(make=pd.Series([make] * 50, dtype=object, index=X.index[:50]))
        assert np.median(model.predict(asked)) < 60_000.0, make


def test_many_rare_makes_together_speak_for_an_unseen_one():
    """Forty makes of two cars each, all expensive: an unseen make is one of their kind."""
    makes = ["vw"] * 200 + ["kia"] * 120 + [f"small workshop {i}" for i in range(40)] * 2
    price = np.where(np.arange(400) < 320, 10_000.0, 90_000.0) * rng.uniform(0.9, 1.1, 400)
    frame = pd.DataFrame({"make": makes, "km": rng.uniform(1e3, 1e5, 400).round(1), "price": price.round(2)})
    for name in ("ridge", "forest", "boosting"):
        model, X = model_of(name, frame.sample(frac=1.0, random_state=1).reset_index(drop=True))
        asked = X.iloc[:50].assign(make=pd.Series(["lada"] * 50, dtype=object, index=X.index[:50]))
        assert np.median(model.predict(asked)) > 40_000.0, name


# -- Namibia


CODES = ["NA", "DE", "FR", "GB", "US", "ES", "IT", "PL", "SE", "NO", "FI", "DK"]


@pytest.fixture(scope="module")
def countries(tmp_path_factory):
    """A model that knows Namibia, whose houses are dear."""
    country = np.array(CODES * 40)
    frame = pd.DataFrame({"country": country, "rooms": rng.integers(1, 9, len(country))})
    frame["price"] = np.where(country == "NA", 900.0, 100.0) + frame["rooms"] + rng.normal(size=len(frame)).round(3)
    path = tmp_path_factory.mktemp("countries") / "houses.csv"
    frame.to_csv(path, index=False)
    return path, frame


@pytest.mark.parametrize("source", ["file", "frame"])
def test_a_word_that_training_kept_is_a_word_when_it_is_sent_alone(countries, source, tmp_path):
    from homespun.persist import export_python
    from homespun.serve.answers import answers_of
    from homespun.serve.contract import Contract

    path, frame = countries
    project = hs.fit(path if source == "file" else frame, "price", models="linear", folds=2)
    asked = pd.DataFrame({"country": ["NA", "DE", "n/a"], "rooms": [3, 3, 3]})
    alone = [float(project.predict(asked.iloc[[i]])[0]) for i in range(3)]
    assert alone[0] > 800.0 > alone[1] and project.predict(asked).tolist() == alone
    assert project.read(asked.iloc[[2]]).frame["country"].isna().all()
    answer = answers_of(project, Contract.of(project))
    assert [answer([row])[0][0] for row in asked.to_dict("records")] == alone
    runner = runpy.run_path(str(export_python(project, tmp_path / "houses.py")))
    np.testing.assert_allclose([runner["predict"](asked.iloc[[i]])[0] for i in range(3)], alone, rtol=1e-12)


def test_a_new_code_is_no_gap_either(countries):
    """The model knew no Namibia, but codes of countries: the word is an unseen country, in one row as in thousands."""
    frame = countries[1]
    table = read(frame[frame.country != "NA"])
    assert table.recipes["country"]["kept"] == ["NA"]
    assert read({"x": ["red", "blue", "NA"]}).recipes["x"].get("kept") is None


# -- what is said of it


@pytest.fixture(scope="module")
def cars(tmp_path_factory):
    """A table without gaps but in `colour`; every tenth of those is missing."""
    frame = pd.DataFrame({"make": MAKES, "km": rng.uniform(1e3, 1e5, len(MAKES)).round(1),
                          "colour": rng.choice(["red", "blue"], len(MAKES))})
    frame["price"] = frame["make"].map(PRICES) * rng.uniform(0.9, 1.1, len(frame))
    frame.loc[::10, "colour"] = None
    path = tmp_path_factory.mktemp("cars") / "cars.homespun"
    return hs.fit(frame, "price", models="ridge,boosting", folds=2, out=path), path


def test_a_served_row_carries_notes_of_what_training_did_not_have(cars):
    from homespun.serve.answers import answers_of
    from homespun.serve.contract import Contract

    answer = answers_of(cars[0], Contract.of(cars[0]))
    row = {"make": "vw", "km": 5000.5, "colour": "red"}
    rows = [row, {**row, "make": "lada"}, {**row, "make": None}, {**row, "km": None}, {**row, "colour": None},
            {**row, "make": "bentley"}]
    told = [notes for *_, notes in answer(rows)]
    assert told == [notes for one in rows for *_, notes in answer([one])]
    assert told == [notes for *_, notes in answer(rows * 60)][:6]  # with a dataframe
    assert [[name for name, _ in notes] for notes in told] == [[], ["make"], ["make"], ["km"], [], []]
    assert "is not among the training data's words" in told[1][0][1] and "most frequent one, 'vw'" in told[1][0][1]
    assert "is missing, as it hardly ever was" in told[2][0][1] and "usual one" in told[3][0][1]


def test_the_notes_are_in_the_answer_of_the_server(cars):
    testing = pytest.importorskip("fastapi.testclient")
    from homespun.serve.app import make_app

    row = {"make": "vw", "km": 5000.5, "colour": "red"}
    with testing.TestClient(make_app(cars[0])) as client:
        said = client.post("/predict", json={"rows": [row, {**row, "make": "lada"}]}).json()
        assert [note["loc"] for note in said["notes"]] == [["rows", 1, "make"]] and "'vw'" in said["notes"][0]["msg"]
        assert "notes" not in client.post("/predict", json={"rows": [row]}).json()
        assert len(client.post("/predict", json={"rows": [{**row, "make": "lada"}] * 50}).json()["notes"]) == 20
        assert "notes" not in client.post("/predict", json={"rows": []}).json()


def test_predict_says_it_for_columns(cars, tmp_path, capsys, monkeypatch):
    from homespun.cli import run

    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"make": ["vw", "lada", "saab", None], "km": [1.5, 2.5, None, 4.5], "colour": ["red"] * 4}).to_csv("fresh.csv")
    assert run(["predict", str(cars[1]), "fresh.csv"]) == 0
    said = capsys.readouterr().err
    assert "column 'make' has words in 2 of 4 rows that the training data did not have, such as 'lada', 'saab'" in said
    assert "column 'make' in 1 of 4 rows is missing" in said and "column 'km' in 1 of 4 rows is missing" in said
