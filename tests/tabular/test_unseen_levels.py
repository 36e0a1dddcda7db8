"""What a model says of a make that the training rows did not have, or hardly, and of a row without one."""

import numpy as np
import pandas as pd
import pytest

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
