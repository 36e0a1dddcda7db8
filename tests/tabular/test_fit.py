"""`fit` as a whole: the leaderboard, the model that comes out, and everything that can go wrong on the way."""

import os
import warnings

import numpy as np
import pandas as pd
import pytest

from homespun.data import read
from homespun.data.source import load_raw
from homespun.datasets import used_cars
from homespun.errors import DataError, HomespunError, ParameterError
from homespun.persist import load
from homespun.tabular import fit
from homespun.tabular.place import place_for

CARS = used_cars(500, random_state=1)
FRESH = used_cars(60, random_state=2)
QUICK = ["baseline", "linear"]


@pytest.fixture(scope="module")
def project():
    return fit(CARS, "price", models=QUICK, folds=3)


@pytest.fixture(scope="module")
def churn():
    rng = np.random.default_rng(0)
    calls, fee = rng.poisson(3, 400), rng.normal(50, 10, 400)
    left = calls + rng.normal(size=400) > 4
    return pd.DataFrame(
        {"calls": calls, "fee": fee, "plan": rng.choice(["basic", "gold"], 400), "churn": np.where(left, "Yes", "No")}
    )


# -- what comes out


def test_leaderboard(project):
    board = project.leaderboard
    assert list(board) == ["model", "score", "low", "high", "fit_seconds", "predict_seconds", "p_value"]
    assert board["model"].tolist() == ["linear", "baseline"] and project.best == "linear"
    assert np.isnan(board["p_value"][0]) and board["p_value"][1] < 0.01
    assert 0.8 < board["score"][0] <= 1 and abs(board["score"][1]) < 0.05
    assert (board["low"] <= board["score"]).all() and (board["score"] <= board["high"]).all()
    assert (board["fit_seconds"] > 0).all()
    assert project.task == "regression" and project.score_name == "R² of log(1 + price)" and "linear" in repr(project)


def test_what_was_understood(project):
    said = {(d.column, d.kind): d.value for d in project.decisions}
    assert said["mileage", "unit"] == "km" and said["price", "currency"] == "GBP"
    assert said["listing_id", "left out"] == "identifier" and said["country", "left out"] == "constant"
    assert said["description", "left out"] == "free text" and said["engine", "split"] == "Turbo"
    assert (None, "repeated rows") in said and said["price", "scale"] == "log"


def test_predictions_are_prices(project):
    truth = read(FRESH).frame["price"].to_numpy()
    predicted = project.predict(FRESH)
    assert predicted.shape == (60,) and predicted.dtype == np.float64
    assert np.median(np.abs(predicted / truth - 1)) < 0.2
    np.testing.assert_array_equal(
        project.predict(FRESH.drop(columns=["price", "description", "listing_id"])), predicted
    )
    np.testing.assert_array_equal(project.predict(FRESH.iloc[::-1]), predicted[::-1])
    assert not hasattr(project, "predict_proba")


def test_same_units_and_words_on_fresh_data(project):
    row = FRESH.iloc[[0]].copy()
    base = project.predict(row)[0]
    km = float(row["mileage"].iloc[0].removesuffix(" km"))
    row["mileage"] = f"{km / 1.609344:.6f} miles"
    assert project.predict(row)[0] == pytest.approx(base, rel=1e-4)
    row["mileage"] = km
    assert project.predict(row)[0] == base
    for column, value in (
        ("manufacturer", "Trabant"),
        ("colour", None),
        ("levy", "?"),
        ("power", 120),
        ("tow_bar", "on"),
        ("fuel", "n/a"),
    ):
        row[column] = value  # unseen, missing, a number: all is well
        assert np.isfinite(project.predict(row)[0])


@pytest.mark.parametrize(
    "change, words",
    [
        ({"mileage": "far"}, "'far' in row 1"),
        ({"tow_bar": "maybe"}, "'maybe' in row 1"),
        ({"listed_on": "yesterday"}, "'yesterday' in row 1"),
        ({"engine": "2.0 litres"}, "'2.0 litres'"),
    ],
)
def test_fresh_data_that_does_not_fit(project, change, words):
    row = FRESH.iloc[[0]].assign(**change)
    with pytest.raises(DataError, match=words) as caught:
        project.predict(row)
    assert caught.value.operands["column"] in change


def test_columns_of_fresh_data(project):
    with pytest.raises(DataError, match=r"'mileage' \(did you mean 'Milage'") as caught:
        project.predict(FRESH.rename(columns={"mileage": "Milage"}))
    assert caught.value.operands["missing"] == ["mileage"]
    with pytest.warns(UserWarning, match="'garage'"):
        project.predict(FRESH.assign(garage="x"))
    with pytest.raises(DataError, match="2 columns missing"):
        project.predict(FRESH.drop(columns=["fuel", "engine"]))


def test_a_table_read_by_other_decisions_is_refused(project):
    predicted = project.predict(FRESH)
    np.testing.assert_array_equal(project.predict(project.read(FRESH)), predicted)
    in_miles = FRESH.assign(mileage=FRESH["mileage"].str.replace("km", "mi"))
    with pytest.raises(DataError, match="'mileage'"):
        project.predict(read(in_miles))


def test_validate(project):
    found = project.validate(FRESH)
    assert found.scores["R² of the log"] > 0.8 and found.scores["median relative error"] < 0.2
    assert {"column", "psi", "missing_before", "missing_now", "reading", "test", "p_value", "sentence"} == set(found.drift)
    assert set(found.intervals) == set(found.scores)
    assert all(low <= found.scores[name] <= high for name, (low, high) in found.intervals.items())
    assert found.expected == tuple(project.leaderboard.loc[0, ["score", "low", "high"]])
    moved = project.validate(FRESH.assign(mileage="900000 km")).drift
    assert moved["column"][0] == "mileage" and moved["reading"][0] == "moved"
    assert moved["sentence"][0].startswith("mileage has moved") and "900000" in moved["sentence"][0]
    assert "scores" in str(found)
    with pytest.raises(DataError, match="'price' is missing"):
        project.validate(FRESH.drop(columns="price"))
    with pytest.raises(DataError, match="no value"):
        project.validate(FRESH.assign(price="-"))


def test_a_score_that_has_no_value_is_not_inside_what_was_promised(project):
    for few in (FRESH.iloc[[0]], FRESH.iloc[:9].assign(price="5000")):
        said = project.validate(few).sentences[0]
        assert "has no value" in said and "'price'" in said and "promised" not in said, said


def test_fresh_data_without_rows(project):
    for ask in (project.predict, project.validate):
        with pytest.raises(DataError, match="columns but no rows"):
            ask(FRESH.iloc[:0])


@pytest.mark.parametrize("models", [["linear"], ["boosting"], ["forest"]])
def test_saved_and_loaded_to_the_last_bit(models, tmp_path):
    made = fit(CARS, "price", models=models, folds=2, out=tmp_path)
    again = load(tmp_path / "model.homespun")
    np.testing.assert_array_equal(again.predict(FRESH), made.predict(FRESH))
    assert again.leaderboard.equals(made.leaderboard) and again.decisions == made.decisions and again.best == made.best
    assert again.validate(FRESH).scores == made.validate(FRESH).scores


def test_same_seed_same_project():
    one, two = (fit(CARS, "price", models=["forest"], folds=2, random_state=7) for _ in range(2))
    assert one.leaderboard["score"].tolist() == two.leaderboard["score"].tolist()
    np.testing.assert_array_equal(one.predict(FRESH), two.predict(FRESH))
    other = fit(CARS, "price", models=["forest"], folds=2, random_state=8)
    assert other.leaderboard["score"].tolist() != one.leaderboard["score"].tolist()


def test_polars_file_and_table_alike(tmp_path, project):
    import polars as pl

    path = tmp_path / "cars.csv"
    CARS.to_csv(path, index=False)
    columns = {name: [None if value != value else value for value in CARS[name]] for name in CARS}
    for data in (path, str(path), pl.DataFrame(columns), read(path)):
        made = fit(data, "price", models=QUICK, folds=3)
        assert made.leaderboard["score"].tolist() == project.leaderboard["score"].tolist()


# -- classes


def test_two_classes(churn, tmp_path):
    made = fit(churn, "churn", folds=3, budget=3)
    assert made.task == "classification" and made.classes == ["No", "Yes"] and made.score_name == "ROC AUC"
    assert {"logistic", "boosting"} <= set(made.leaderboard["model"]) <= {"baseline", "logistic", "forest", "boosting", "blend"}
    assert made.leaderboard["score"][0] > 0.85
    probabilities = made.predict_proba(churn)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    labels = made.predict(churn.drop(columns="churn"))
    assert set(labels) == {"Yes", "No"} and (labels == churn["churn"]).mean() > 0.8
    assert set(made.validate(churn).scores) == {"ROC AUC", "accuracy", "log loss"}
    made.save(tmp_path / "churn.homespun")
    np.testing.assert_array_equal(load(tmp_path / "churn.homespun").predict_proba(churn), probabilities)
    with pytest.raises(DataError, match="'Perhaps'"):
        made.validate(churn.assign(churn=["Perhaps"] + ["Yes"] * 399).astype({"churn": str}))


def test_positive_turns_the_classes(churn):
    made = fit(churn, "churn", models=["logistic"], folds=3, positive="No")
    assert made.classes == ["Yes", "No"]
    other = fit(churn, "churn", models=["logistic"], folds=3)
    np.testing.assert_allclose(made.predict_proba(churn)[:, 0], other.predict_proba(churn)[:, 1], atol=0.05)


def test_many_classes():
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 3, 300)
    table = pd.DataFrame(
        {"x": kind * 2 + rng.normal(size=300), "y": rng.normal(size=300), "kind": np.array(["cat", "dog", "emu"])[kind]}
    )
    made = fit(table, "kind", folds=3, models=["baseline", "logistic", "forest"])
    assert (
        made.score_name == "accuracy"
        and made.predict_proba(table).shape == (300, 3)
        and made.leaderboard["score"][0] > 0.6
    )
    assert set(made.predict(table)) == {"cat", "dog", "emu"}
    numbered = fit(table.assign(kind=kind), "kind", models=["baseline", "logistic"], folds=3)
    assert numbered.predict(table).dtype.kind == "i"


def test_task_can_be_forced():
    table = pd.DataFrame({"x": np.arange(60.0), "stars": np.arange(60) % 3})
    assert fit(table, "stars", models=["baseline"]).task == "classification"
    assert fit(table, "stars", models=["baseline"], task="regression").task == "regression"


def test_splits_are_used():
    made = fit(CARS, "price", models=QUICK, folds=3, time="listed_on")
    assert "listed_on" not in made.features_ and any(d.kind == "folds" and d.value == "in time" for d in made.decisions)
    assert (
        fit(CARS, "price", models=QUICK, folds=3, group="manufacturer").leaderboard["score"][0]
        < made.leaderboard["score"][0]
    )
    assert fit(CARS, "price", models=QUICK, folds=3, stratify="manufacturer").best == "linear"


# -- nothing is lost


def test_budget():
    made = fit(CARS, "price", models=["baseline", "linear", "boosting"], folds=2, budget=1e-6)
    assert made.leaderboard["model"].tolist() == ["baseline"]
    assert any("left no time for linear, boosting" in note for note in made.warnings)


SLOW = """
from sklearn.base import RegressorMixin
from homespun.base.estimator import Estimator
import numpy as np

class Mean(RegressorMixin, Estimator):
    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self
    def predict(self, X):
        return np.full(len(X), self.mean_)

class Interrupted(Mean):
    def fit(self, X, y):
        raise KeyboardInterrupt

class Broken(Mean):
    def fit(self, X, y):
        raise RuntimeError("the moon is wrong")

class Nan(Mean):
    def predict(self, X):
        return np.full(len(X), np.nan)

class Needs(Mean):
    def __init__(self, x):
        self.x = x

class NoModel:
    pass
"""


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "my_models.py"
    path.write_text(SLOW)
    return path


def test_interrupt_keeps_finished_models(code):
    made = fit(CARS, "price", models=["linear", f"{code}:Interrupted", "boosting"], folds=2)
    assert made.leaderboard["model"].tolist() == ["linear"]
    assert any(
        note.startswith("interrupted: linear finished and kept") and "boosting not trained" in note
        for note in made.warnings
    )
    with pytest.raises(KeyboardInterrupt):
        fit(CARS, "price", models=[f"{code}:Interrupted"], folds=2)


def test_a_broken_model_loses_only_itself(code):
    made = fit(CARS, "price", models=["baseline", f"{code}:Broken", f"{code}:Nan"], folds=2)
    assert made.leaderboard["model"].tolist() == ["baseline"]
    assert any("the moon is wrong" in note for note in made.warnings) and any("NaN" in note for note in made.warnings)
    with pytest.raises(DataError, match="the moon is wrong"):
        fit(CARS, "price", models=[f"{code}:Broken"], folds=2)


def test_one_moment_is_no_time():
    with pytest.raises(DataError, match="fit: time='listed_on' is the same in all rows"):
        fit(CARS.assign(listed_on="2024-01-01"), "price", models=QUICK, time="listed_on")


def test_positive_without_a_class(churn):
    with pytest.raises(ParameterError, match=r"'churn' has classes; name the one .* 'No', 'Yes'"):
        fit(churn, "churn", models=["logistic"], folds=3, positive=True)


def test_a_pattern_of_files_names_no_model(tmp_path):
    assert place_for(tmp_path, "parts/*.csv") == tmp_path / "model.homespun"
    assert place_for(tmp_path, "parts/a.b.csv.gz") == tmp_path / "a.b.homespun"


def test_own_model_travels_with_its_code(code, tmp_path):
    name = f"{code}:Mean"
    made = fit(CARS, "price", models=[name], folds=2, out=tmp_path / "own.homespun")
    assert made.best == name
    with pytest.raises(HomespunError, match=r"my_models\.py"):
        load(tmp_path / "own.homespun")
    np.testing.assert_array_equal(load(tmp_path / "own.homespun", allow_code=code).predict(FRESH), made.predict(FRESH))


# -- bad input


@pytest.mark.parametrize(
    "options, kind, words",
    [
        ({"target": "prize"}, DataError, "did you mean 'price'"),
        ({"target": None}, ParameterError, "None"),
        ({"task": "regresion"}, ParameterError, "did you mean 'regression'"),
        ({"folds": 1}, ParameterError, "got 1"),
        ({"budget": -3}, ParameterError, "-3"),
        ({"models": ["forrest"]}, ParameterError, "did you mean 'forest'"),
        ({"models": ["logistic"]}, ParameterError, "no model for regression"),
        ({"models": []}, ParameterError, "empty"),
        ({"models": ["nowhere.py:Model"]}, ParameterError, "nowhere.py"),
        ({"time": "listed"}, ParameterError, "did you mean 'listed_on'"),
        ({"time": "fuel"}, DataError, "is text"),
        ({"target": "fuel", "task": "regression"}, DataError, "is text, such as"),
        ({"target": "country"}, DataError, "'United Kingdom' in every row"),
        ({"positive": "yes"}, ParameterError, "'yes'"),
    ],
)
def test_bad_options(options, kind, words):
    options = {"target": "price", "models": QUICK, "folds": 2} | options
    with pytest.raises(kind, match=words) as caught:
        fit(CARS.iloc[:60], **options)
    assert caught.value.operation == "fit" and caught.value.rule


@pytest.mark.parametrize(
    "name, words", [("Meen", "did you mean 'Mean'"), ("NoModel", "no method 'fit'"), ("Needs", "without arguments")]
)
def test_bad_own_models(code, name, words):
    with pytest.raises(ParameterError, match=words):
        fit(CARS.iloc[:60], "price", models=[f"{code}:{name}"], folds=2)
    code.write_text("raise ImportError('nope')")
    with pytest.raises(ParameterError, match="nope"):
        fit(CARS.iloc[:60], "price", models=[f"{code}:{name}"], folds=2)


def test_too_little_data():
    with pytest.raises(DataError, match="1 row"):
        fit(CARS.iloc[:1], "price")
    with pytest.raises(DataError, match=r"no value in any of \d+ rows"):
        fit(CARS.iloc[:60].assign(price="-"), "price")
    with pytest.raises(DataError, match="no column is left"):
        fit(pd.DataFrame({"id": range(50), "y": np.arange(50.0) + 0.5}), "y")
    with pytest.raises(DataError, match=r"no column is left to learn from beside the target 'y'$"):
        fit(pd.DataFrame({"y": np.arange(50.0) + 0.5}), "y")
    small = fit(CARS.iloc[:6], "price", models=QUICK)
    assert any(d.kind == "folds" and d.value == 3 for d in small.decisions)


def test_nothing_to_find_is_said():
    rng = np.random.default_rng(5)
    made = fit(
        pd.DataFrame({"x": rng.normal(size=80), "y": rng.normal(size=80)}), "y", models=["baseline", "forest"], folds=4
    )
    if made.best == "baseline":
        assert any("no model is better" in note for note in made.warnings)


def test_unwritable_output_is_found_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made") as caught:
        fit(CARS, "price", models=QUICK, out=tmp_path / "file" / "deeper")
    assert caught.value.operands["out"]
    (tmp_path / "folder.homespun").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        fit(CARS, "price", models=QUICK, out=tmp_path / "folder.homespun")


def test_warnings_do_not_leak():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(CARS.iloc[:40], "price", models=["baseline", "linear"], folds=2)


# -- real data

REAL = {
    "cars_georgia/car_price_prediction.csv.gz": (
        "Price",
        {("Mileage", "unit"): "km", ("Levy", "missing"): ["-"], ("Engine volume", "split"): "Turbo"},
    ),
    "cars_ebay_de/autos.csv.gz": (
        "price",
        {("odometer", "unit"): "km", (None, "encoding"): "cp1252", ("price", "currency"): "USD"},
    ),
    "cars_toyota_flags/ToyotaCorolla.csv": ("price", {("cylinders", "left out"): "constant"}),
    "cars_saudi/UsedCarsSA_Unclean_EN.csv.gz": (
        "Price",
        {("Price", "words as missing"): ["Negotiable"], ("Condition", "left out"): "constant"},
    ),
    "cars_uk_focus/unclean focus.csv": (
        "price",
        {("price", "currency"): "GBP", ("reference", "left out"): "identifier"},
    ),
}


@pytest.mark.parametrize("path", REAL)
def test_real_cars(path, tmp_path):
    folder = os.environ.get("HOMESPUN_DATA")
    if not folder or not os.path.exists(os.path.join(folder, path)):
        pytest.skip(f"needs {path} of $HOMESPUN_DATA")
    name, expected = REAL[path]
    table = read(os.path.join(folder, path))
    rows = np.sort(np.random.default_rng(0).permutation(len(table))[:1200])
    table.frame = table.frame.iloc[rows].reset_index(drop=True)
    made = fit(table, name, models=["baseline", "linear", "forest"], folds=3, out=tmp_path)
    said = {(d.column, d.kind): d.value for d in made.decisions}
    for key, value in expected.items():
        assert said[key] == value
    scores = made.leaderboard.set_index("model")["score"]
    assert scores[made.best] > scores["baseline"] + 0.1
    fresh = load_raw(os.path.join(folder, path))[0].iloc[-400:]
    predicted = load(tmp_path / "model.homespun").predict(fresh)
    assert len(predicted) == 400 and np.isfinite(predicted).all() and (predicted >= 0).all()


def test_ctrl_c_while_the_best_is_refitted_keeps_a_quicker_one(monkeypatch):
    from homespun.tabular.trainer import Trainer

    original, calls = Trainer.quietly, []

    def interrupted_once(self, label, work, *arguments, **options):
        if len(arguments[0]) == rows and label != "baseline" and not calls:
            calls.append(label)
            raise KeyboardInterrupt
        return original(self, label, work, *arguments, **options)

    rows = len(CARS.drop_duplicates())
    monkeypatch.setattr(Trainer, "quietly", interrupted_once)
    made = fit(CARS, "price", models=["baseline", "forest"], folds=2)
    assert calls == ["forest"] and made.best == "baseline"
    assert any("interrupted while forest was refitted" in note for note in made.warnings)
