"""Search, blend, budget, journal and record: what `fit` promises beyond the leaderboard."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from homespun.datasets import used_cars
from homespun.errors import DataError, ParameterError
from homespun.metrics import r2_score
from homespun.persist import describe, load
from homespun.tabular import fit
from homespun.tabular.blend import BlendClassifier, BlendRegressor
from homespun.tabular.clock import Clock, OutOfTime
from homespun.tabular.drift import drift, reference_of, two_sample_chi2
from homespun.tabular.journal import Journal
from homespun.tabular.log_target import LogTarget, NotNegative

CARS = used_cars(240, random_state=1)
rng = np.random.default_rng(0)


def waves(n=300):
    """A target with a linear and a stepwise part, so that two kinds of models help each other."""
    X = np.random.default_rng(7).uniform(-3, 3, (n, 6))
    y = X.sum(axis=1) + 3 * np.sign(np.sin(2 * X[:, 0])) + np.random.default_rng(8).normal(scale=0.5, size=n)
    return pd.DataFrame(X, columns=["x", "b", "c", "d", "e", "f"]).assign(y=y)


@pytest.fixture(scope="module")
def blended(tmp_path_factory):
    return fit(waves(), "y", models=["baseline", "linear", "forest"], folds=3, out=tmp_path_factory.mktemp("blend"))


# -- record


def test_the_record_is_plain_and_complete(blended):
    record = json.loads(json.dumps(blended.record_, allow_nan=False))
    for name in ("homespun", "code", "data", "settings", "features", "left_out", "target", "score", "objective", "splits",
                 "leaderboard", "candidates", "given_up", "blend", "winner", "out_of_fold", "seconds", "resumed", "interrupted"):
        assert name in record, name
    assert record["data"]["rows"] == 300 and record["data"]["sha256"] is None and len(record["data"]["frame_sha256"]) == 64
    assert record["interrupted"] is None and record["settings"]["random_state"] == 0
    for one in record["candidates"]:
        assert len(one["scores"]) == 3 and one["score"] == pytest.approx(np.mean(one["scores"]))


def test_the_scores_can_be_computed_again_from_the_arrays(blended):
    found, board = blended.evidence_, blended.leaderboard
    assert found["rows"].tolist() == list(range(300)) and set(found["fold"]) == {0, 1, 2}
    scores = [r2_score(found["truth"][found["fold"] == k], found["prediction"][found["fold"] == k]) for k in range(3)]
    assert np.mean(scores) == pytest.approx(board["score"][0])
    for row, name in zip(found["models"], blended.record_["evidence_models"]):
        again = np.mean([r2_score(found["truth"][found["fold"] == k], row[found["fold"] == k]) for k in range(3)])
        assert again == pytest.approx(board.set_index("model")["score"][name])
    assert blended.record_["out_of_fold"]["R²"]["value"] == pytest.approx(r2_score(found["truth"], found["prediction"]))


def test_record_and_arrays_travel(blended, tmp_path):
    path = blended.save(tmp_path / "y.homespun")
    again = load(path)
    assert again.record_ == blended.record_ and describe(path)["record"] == json.loads(json.dumps(blended.record_))
    for name, array in blended.evidence_.items():
        np.testing.assert_array_equal(again.evidence_[name], array)


# -- blend


def test_a_blend_that_helps_wins(blended):
    assert blended.best == "blend" and blended.leaderboard["score"][0] > blended.leaderboard["score"][1]
    weights = blended.record_["blend"]["weights"]
    assert sum(weights.values()) == pytest.approx(1.0) and len(weights) >= 2
    known = {one["key"] for one in blended.record_["candidates"]}
    assert set(weights) <= known
    assert "blend" in blended._repr_html_()


def test_who_asks_for_one_model_gets_it():
    assert fit(waves(120), "y", models=["forest"], folds=2).best == "forest"


def test_blends_by_hand():
    from homespun.tabular import BaselineClassifier, BaselineRegressor
    from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor

    X, y = [[0.0], [1.0]], [0.0, 4.0]
    blend = BlendRegressor([BaselineRegressor(), DecisionTreeRegressor()], [0.25, 0.75]).fit(X, y)
    assert blend.predict(X).tolist() == [0.5, 3.5]
    made = BlendClassifier([BaselineClassifier(), DecisionTreeClassifier()], [0.5, 0.5]).fit(X, ["a", "b"])
    assert made.predict_proba(X).tolist() == [[0.75, 0.25], [0.25, 0.75]] and made.predict(X).tolist() == ["a", "b"]
    with pytest.raises(ParameterError, match="2 estimators"):
        BlendRegressor([BaselineRegressor(), BaselineRegressor()], [1.0]).fit(X, y)


# -- amounts


def test_smearing_brings_means_back():
    """Duan 1983: for lognormal noise the factor is exp(s²/2); without it the sum of the predictions is too small."""
    from homespun.linear_model import LinearRegression

    x = rng.uniform(0, 2, (4000, 1))
    y = np.expm1(np.clip(1.0 + x[:, 0] + rng.normal(scale=0.8, size=4000), 0, None))
    plain = LogTarget(LinearRegression()).fit(x, y)
    smeared = LogTarget(LinearRegression(), smearing=True).fit(x, y)
    assert plain.smearing_ == 1.0 and smeared.smearing_ == pytest.approx(np.exp(0.8**2 / 2), rel=0.1)
    assert abs(smeared.predict(x).mean() / y.mean() - 1) < 0.05 < abs(plain.predict(x).mean() / y.mean() - 1)
    assert np.isfinite(smeared.predict([[1e6]])).all() and (smeared.predict([[-1e6]]) == 0).all()


def test_never_below_zero():
    table = pd.DataFrame({"x": np.arange(100.0), "y": np.maximum(0.0, np.arange(100.0) - 35)})
    made = fit(table, "y", models=["linear"], folds=3, positive=True)
    assert (made.predict(table) >= 0).all() and any(d.value == "never below 0" for d in made.decisions)
    free = fit(table, "y", models=["linear"], folds=3, positive=False)
    assert (free.predict(table) < 0).any()
    with pytest.raises(DataError, match="negative in 1 rows") as caught:
        fit(table.assign(y=table["y"] - np.eye(100)[0]), "y", models=["linear"], positive=True)
    assert caught.value.operands["value"] == -1.0
    assert NotNegative.__name__ in str(made.model)


# -- folds by evidence


def test_a_series_is_split_in_time_by_itself():
    days = pd.date_range("2020-01-01", periods=120)
    table = pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "x": rng.normal(size=120), "y": np.cumsum(rng.normal(size=120))})
    made = fit(table, "y", models=["baseline", "ridge"], folds=3)
    assert any(d.column == "day" and d.value == "in time" for d in made.decisions)
    assert made.record_["settings"]["time"] == "day" and (made.evidence_["fold"] == -1).sum() == 30
    shuffled = fit(table.sample(frac=1, random_state=0), "y", models=["baseline"], folds=3)
    assert shuffled.record_["settings"]["time"] is None


def test_rows_of_one_order_stay_together_by_themselves():
    order = np.repeat(np.arange(40), 5)
    table = pd.DataFrame({"order_id": order, "x": rng.normal(size=200), "y": rng.normal(size=40)[order]})
    made = fit(table, "y", models=["baseline", "ridge"], folds=4)
    assert any(d.column == "order_id" and d.value == "by group" for d in made.decisions)
    for number in np.unique(order):
        assert len(set(made.evidence_["fold"][order == number])) == 1


def test_equal_rows_stay_together():
    base = pd.DataFrame({"x": rng.normal(size=80), "z": rng.normal(size=80), "y": rng.normal(size=80)})
    twins = pd.concat([base, base.iloc[:30].assign(y=lambda t: t["y"] + 0.1)], ignore_index=True)
    made = fit(twins, "y", models=["baseline"], folds=4)
    assert any(d.value == "equal rows together" for d in made.decisions)
    np.testing.assert_array_equal(made.evidence_["fold"][80:], made.evidence_["fold"][:30])


# -- budget, journal


def test_the_alarm_stops_a_step():
    clock = Clock(0.05)
    with pytest.raises(OutOfTime), clock.alarm():
        time.sleep(5)
    assert clock.seconds < 2
    with pytest.raises(OutOfTime), clock.alarm():
        pass
    with Clock(None).alarm():
        assert Clock(None).left == float("inf")


SLEEPY = """
import time
import numpy as np
from sklearn.base import RegressorMixin
from homespun.base.estimator import Estimator

class Sleepy(RegressorMixin, Estimator):
    def fit(self, X, y):
        time.sleep({seconds})
        self.mean_ = float(np.mean(y))
        return self
    def predict(self, X):
        return np.full(len(X), self.mean_)
"""


def test_the_budget_stops_a_slow_model(tmp_path):
    (tmp_path / "sleepy.py").write_text(SLEEPY.format(seconds=30))
    begun = time.monotonic()
    made = fit(CARS, "price", models=["baseline", f"{tmp_path / 'sleepy.py'}:Sleepy"], folds=2, budget=2)
    assert time.monotonic() - begun < 15 and made.best == "baseline" and made.record_["interrupted"] == "budget"
    assert any("the budget of 2 seconds left no time for" in note for note in made.warnings)


def test_a_killed_fit_goes_on_where_it_was(tmp_path, monkeypatch):
    """kill -9 in the second model: the first one's folds are read, not measured, and the result is that of one go."""
    monkeypatch.chdir(tmp_path)
    CARS.to_csv("cars.csv", index=False)
    (tmp_path / "sleepy.py").write_text(SLEEPY.format(seconds=600))
    command = [sys.executable, "-m", "homespun.cli", "fit", "cars.csv", "-t", "price", "--folds", "2", "--budget", "inf",
               "--models", "baseline,ridge,sleepy.py:Sleepy"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "cars.journal"
    for _ in range(1200):
        if len(list(journal.glob("ridge*.npz"))) >= 2:
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = sorted(path.name for path in journal.glob("*.npz"))
    assert len(kept) >= 4 and not (tmp_path / "cars.homespun").exists()
    stamps = {name: (journal / name).stat().st_mtime_ns for name in kept}
    options = {"folds": 2, "budget": float("inf"), "out": tmp_path, "resume": True}
    names = ["baseline", "ridge", "sleepy.py:Sleepy"]
    for change, word in (({"random_state": 1}, "random_state"), ({"folds": 3}, "folds"), ({"positive": True}, "positive")):
        with pytest.raises(DataError, match=f"cannot resume.*{word}") as caught:
            fit(tmp_path / "cars.csv", "price", models=",".join(names), **(options | change))
        assert word in caught.value.operands
    changed = CARS.copy()
    changed.loc[0, "price"] = "£1,234"
    changed.to_csv(tmp_path / "cars.csv", index=False)
    with pytest.raises(DataError, match="frame_sha256"):
        fit(tmp_path / "cars.csv", "price", models=",".join(names), **options)
    assert {name: (journal / name).stat().st_mtime_ns for name in kept} == stamps  # a refusal takes nothing away
    CARS.to_csv(tmp_path / "cars.csv", index=False)
    (tmp_path / "sleepy.py").write_text(SLEEPY.format(seconds=0))
    made = fit("cars.csv", "price", models=",".join(names), **options)
    assert made.record_["resumed"] == len(kept) and made.best == "ridge"
    assert (tmp_path / "cars.homespun").exists() and not journal.exists()
    whole = fit(tmp_path / "cars.csv", "price", models=["baseline", "ridge"], folds=2)
    scores = whole.leaderboard.set_index("model")["score"]
    assert made.leaderboard.set_index("model")["score"]["ridge"] == scores["ridge"]


def test_two_runs_cannot_have_one_place(tmp_path):
    with Journal(tmp_path / "cars.journal", {"seed": 1}) as first:
        first.put("a", 0, {}, {"x": np.arange(3.0)})
        with pytest.raises(DataError, match=r"another fit is writing .*cars.homespun") as caught:
            Journal(tmp_path / "cars.journal", {"seed": 1}, resume=True)
        assert caught.value.suggestion == "another --out"
        with pytest.raises(DataError, match="another fit"):
            fit(CARS, "price", models=["baseline"], folds=2, out=tmp_path / "cars.homespun")
        assert first.folder is not None and (first.folder / "a-0.npz").exists()
    assert Journal(tmp_path / "cars.journal", {"seed": 1}, resume=True).found == 1


def test_what_an_interrupted_run_measured_is_not_thrown_away(tmp_path):
    with Journal(tmp_path / "cars.journal", {"seed": 1}) as journal:
        journal.put("a", 0, {"score": 1}, {"x": np.arange(3.0)})
    with pytest.warns(UserWarning, match=r"1 folds .* moved to .*cars.journal.old.* ask for --resume"):
        fit(CARS, "price", models=["baseline"], folds=2, out=tmp_path / "cars.homespun")
    assert not (tmp_path / "cars.journal").exists() and (tmp_path / "cars.homespun").exists()
    (tmp_path / "cars.journal.old").rename(tmp_path / "cars.journal")
    facts, _ = Journal(tmp_path / "cars.journal", {"seed": 1}, resume=True).get("a", 0)
    assert facts == {"score": 1}


def test_a_damaged_entry_is_measured_again(tmp_path):
    with Journal(tmp_path / "j", {"seed": 1}) as journal:
        journal.put("a", 0, {"score": 1}, {"x": np.arange(3.0)})
    again = Journal(tmp_path / "j", {"seed": 1}, resume=True)
    facts, arrays = again.get("a", 0)
    assert facts == {"score": 1} and arrays["x"].tolist() == [0, 1, 2] and again.get("a", 1) is None
    path = tmp_path / "j" / "a-0.npz"
    path.write_bytes(path.read_bytes()[:-40])
    assert again.get("a", 0) is None
    again.release()
    with pytest.raises(DataError, match="seed: 1 then, 2 now"):
        Journal(tmp_path / "j", {"seed": 2}, resume=True)
    again.release()
    with pytest.warns(UserWarning, match="moved"):
        assert Journal(tmp_path / "j", {"seed": 2}).get("a", 0) is None
    with pytest.raises(ParameterError, match="needs out"):
        fit(CARS, "price", models=["baseline"], resume=True)


# -- bad input


def test_infinite_values_are_refused_by_name():
    table = waves(80)
    for name in ("x", "y"):
        with pytest.raises(DataError, match=f"{name}.*infinity"):
            fit(table.assign(**{name: np.where(np.arange(80) == 3, np.inf, table[name])}), "y", models=["linear"], folds=2)


def test_infinity_that_a_file_spells_is_missing_then_and_later(tmp_path):
    table = waves(80).round(3).astype(object)
    table.loc[[3, 9], "x"] = "inf"
    table.to_csv(tmp_path / "waves.csv", index=False)
    made = fit(tmp_path / "waves.csv", "y", models=["ridge"], folds=2)
    assert any(d.kind == "infinite values" and d.column == "x" for d in made.decisions)
    row = waves(80).iloc[[0]]
    expected = made.predict(row.assign(x=np.nan))[0]
    assert expected != made.predict(row)[0]
    for spelled in ("inf", "-Infinity", "+INF", "∞", np.inf, -np.inf):
        assert made.predict(row.assign(x=spelled))[0] == expected
    with pytest.raises(DataError, match="'inf'"):
        made.predict(row.astype(object).assign(b="inf"))  # a column that never held any
    with pytest.raises(DataError, match=r"b.*infinity"):
        made.predict(row.assign(b=np.inf))


def test_many_columns():
    wide = pd.DataFrame(rng.normal(size=(40, 2000)), columns=[f"c{i}" for i in range(2000)])
    made = fit(wide.assign(y=wide["c0"] * 3 + wide["c1"]), "y", models=["baseline", "ridge"], folds=2)
    assert len(made.features_) == 2000 and np.isfinite(made.predict(wide)).all()


def test_unseen_and_missing_levels():
    table = pd.DataFrame({"make": rng.choice([f"m{i}" for i in range(30)], 300), "x": rng.normal(size=300)})
    table["y"] = table["make"].str[1:].astype(int) + table["x"]
    made = fit(table, "y", models=["ridge", "forest", "boosting"], folds=2, budget=6)
    assert any(d.kind == "encoding" and d.column == "make" for d in made.decisions)
    assert np.isfinite(made.predict(pd.DataFrame({"make": ["never", None, "m3"], "x": [0.0, None, 1.0]}))).all()


# -- validation and drift


def test_drift_needs_more_than_few_rows():
    frame = pd.DataFrame({"x": rng.normal(size=1000), "make": rng.choice(["a", "b", "c"], 1000)})
    reference = reference_of(frame, ["x", "make"])
    same = drift(pd.DataFrame({"x": rng.normal(size=25), "make": rng.choice(["a", "b", "c"], 25)}), reference)
    assert same["reading"] == ["steady", "steady"]  # the PSI of 25 rows scatters above 0.1
    moved = drift(frame.assign(x=frame["x"] + 2, make="d"), reference)
    assert moved["reading"] == ["moved", "moved"] and all(p < 1e-6 for p in moved["p_value"])
    said = dict(zip(moved["column"], moved["sentence"]))
    assert "1 new value, such as 'd'" in said["make"] and "its median went from" in said["x"]


def test_two_sample_test_is_scipys():
    from scipy.stats import chi2_contingency

    before, now = np.array([40, 60, 100]), np.array([35, 25, 40])
    assert two_sample_chi2(before, now) == pytest.approx(chi2_contingency([before, now], correction=False).pvalue, rel=1e-6)
    assert two_sample_chi2([100, 100], [50, 50]) == 1.0 and two_sample_chi2([100, 0], [0, 0]) == 1.0


def test_out_of_time():
    days = pd.date_range("2020-01-01", periods=200).strftime("%Y-%m-%d")
    table = pd.DataFrame({"day": days, "x": rng.normal(size=200)})
    table["y"] = 3 * table["x"] + rng.normal(scale=0.1, size=200)
    made = fit(table.iloc[:150], "y", models=["ridge"], folds=3, time="day")
    found = made.validate(table.iloc[100:])
    assert found.later["rows"] == 50 and found.later["R²"] > 0.9
    assert any("50 of 100 rows are later by 'day'" in sentence for sentence in found.sentences)
    broken = made.validate(table.assign(y=-table["y"]))
    assert any("below what cross-validation promised" in s and "chance does not explain" in s for s in broken.sentences)
