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
