"""What the budget does to the models: whose turn it is, how many rounds they get, and what counts as their time."""

import numpy as np
import pandas as pd
import pytest

from homespun.datasets import used_cars
from homespun.tabular import fit, measuring
from homespun.tabular.clock import OutOfTime, compiling
from homespun.tabular.journal import Journal
from homespun.tabular.measuring import FoldResult
from homespun.tabular.models import Candidate
from homespun.tabular.trainer import Trainer

CARS = used_cars(240, random_state=1)
rng = np.random.default_rng(5)
KINDS = pd.DataFrame({"x": rng.normal(size=120), "z": rng.normal(size=120), "kind": np.resize(["a", "b", "c"], 120)})


def test_compiling_is_told_apart():
    from numba import njit

    with compiling() as spent:
        assert spent() == 0.0
        njit(lambda x: x + 1)(1)
        once = spent()
        assert once > 0.0
        sum(range(100_000))
        assert spent() == once


def test_what_a_model_takes_to_compile_is_not_its_slowness(tmp_path):
    """The first fold compiles for a second that the clock of the model does not see."""
    (tmp_path / "own.py").write_text('''
import numpy as np
from sklearn.base import RegressorMixin
from homespun.base.estimator import Estimator

class Compiles(RegressorMixin, Estimator):
    def fit(self, X, y):
        from numba import njit
        self.mean_ = float(np.mean(y))
        for _ in range(3):
            njit(lambda x: np.sort(x)[0])(np.zeros(3))
        return self
    def predict(self, X):
        return np.full(len(X), self.mean_)
''')
    import time

    begun = time.perf_counter()
    made = fit(CARS, "price", models=[f"{tmp_path / 'own.py'}:Compiles"], folds=2)
    assert made.leaderboard["fit_seconds"][0] < 0.2 * (time.perf_counter() - begun)


class Told(Trainer):
    """A trainer whose folds take as long as it is told, by its own clock."""

    def __init__(self, seconds, budget, once=None):
        self.passed = 0.0
        super().__init__([0], Goal, None, [([0], [0])] * 5, "regression", clock=Passing(self, budget), journal=Journal(None, {}),
                         random_state=0, notes=[], bar=None)
        self.seconds, self.order, self.once = seconds, [], dict(once or {})

    def _scales(self, name):
        return [False]

    def measure(self, candidate, fold):
        each, score = self.seconds[candidate.model]
        if fold in self.folds.get(candidate, {}):
            return score
        if self.done and each > self.clock.left:
            raise OutOfTime
        each += self.once.pop(candidate.model, 0.0)
        self.passed += each
        self.order.append(f"{candidate.model} {fold}")
        self.folds.setdefault(candidate, {})[fold] = FoldResult({0: np.zeros(1)}, each, 0.0)
        if len(self.folds[candidate]) == 5:
            self.done[candidate] = measuring.Measured(candidate, np.zeros(1), [score] * 5, [score] * 5, each, 0.0)
        return score


class Goal:
    task, classes = "regression", None


class Passing:
    def __init__(self, trainer, budget):
        self.trainer, self.budget = trainer, budget

    @property
    def left(self):
        return self.budget - self.trainer.passed


def test_slow_models_wait_until_all_are_seen_once():
    told = Told({"baseline": (0.1, 0.0), "ridge": (4.0, 0.5), "boosting": (3.0, 0.9), "forest": (0.5, 0.7)}, 25.0)
    told.compare(["baseline", "ridge", "boosting", "forest"])
    assert [name.split()[0] for name in told.order[5:7]] == ["ridge", "boosting"]  # one fold of each …
    assert told.order[7:12] == [f"forest {fold}" for fold in range(5)]  # … the quick one at once …
    assert told.order[12:] == [f"boosting {fold}" for fold in range(1, 5)] and told.cut  # … then the better of the slow ones
    assert {one.candidate.model for one in told.finished()} == {"baseline", "boosting", "forest"}


def test_looks_at_slower_models_leave_the_best_its_time():
    """cars_georgia in 10 s: three looks at the forest took the time of the boosting that waited, and neither was finished."""
    seconds = {"baseline": (0.1, 0.0), "boosting": (0.55, 0.9), "forest": (1.5, 0.8), "linear": (0.1, 0.4)}
    told = Told(seconds, 5.5)
    told.compare(list(seconds))
    assert {one.candidate.model for one in told.finished()} == {"baseline", "boosting", "linear"} and told.cut
    assert [one for one in told.order if one.startswith("forest")] == ["forest 0"]


def test_what_a_first_fold_loads_is_not_the_models_slowness():
    told = Told({"baseline": (0.1, 0.0), "ridge": (0.1, 0.5), "boosting": (0.2, 0.9)}, 10.0, once={"ridge": 1.8, "boosting": 2.0})
    told.compare(["baseline", "ridge", "boosting"])
    assert {one.candidate.model for one in told.finished()} == {"baseline", "ridge", "boosting"}
    assert told.order[5:10] == [f"ridge {fold}" for fold in range(5)]


def test_quick_models_are_measured_in_their_order():
    told = Told(dict.fromkeys(["baseline", "ridge", "boosting"], (0.1, 0.5)), 60.0)
    told.compare(["baseline", "ridge", "boosting"])
    assert told.order == [f"{name} {fold}" for name in ("baseline", "ridge", "boosting") for fold in range(5)] and not told.cut


def test_no_model_is_begun_when_it_may_not_compile_in_time():
    told = Told({"baseline": (0.1, 0.0), "ridge": (0.5, 0.5), "boosting": (0.1, 0.9)}, 10.0)
    told.compiled = 3.0
    told.compare(["baseline", "ridge", "boosting"])
    assert {one.candidate.model for one in told.finished()} == {"baseline", "ridge"} and told.cut
    told = Told({"baseline": (0.1, 0.0), "ridge": (0.5, 0.5)}, 6.0)
    told.compiled = 3.0  # but a model that looks at the columns is begun in any case
    told.compare(["baseline", "ridge"])
    assert {one.candidate.model for one in told.finished()} == {"baseline", "ridge"}


def test_one_that_uses_up_its_share_leaves_the_others_theirs(monkeypatch):
    original = Trainer._fit_fold

    def slow(self, candidate, fold):
        if candidate.model == "ridge":
            raise OutOfTime
        return original(self, candidate, fold)

    monkeypatch.setattr(Trainer, "_fit_fold", slow)
    made = fit(CARS, "price", models=["baseline", "ridge", "linear"], folds=2)
    assert set(made.leaderboard["model"]) == {"baseline", "linear"} and made.record_["interrupted"] == "budget"
    assert any("seconds left no time for ridge" in note for note in made.warnings)
    made = fit(CARS, "price", models=["baseline", "ridge"], folds=2)
    assert any("what is saved is only the baseline" in note for note in made.warnings)


@pytest.mark.parametrize("model, steps", [("forest", "n_estimators"), ("boosting", "max_iter"), ("logistic", "max_iter")])
def test_much_data_gets_as_many_rounds_as_fit(model, steps, monkeypatch):
    monkeypatch.setattr(measuring, "MUCH", 0)
    made = fit(KINDS, "kind", models=[model], folds=2, budget=0.001)  # the first model always runs: with the fewest rounds
    assert made.record_["winner"]["parameters"][steps] <= measuring.TRIED
    estimator = made.model.named_steps["model"]
    assert getattr(estimator, steps) <= measuring.TRIED
    assert any(note.startswith(f"{model} got 4 of ") for note in made.warnings)
    assert not any("converge" in note for note in made.warnings)


def test_rounds_are_remembered_with_the_folds(tmp_path):
    """What an interrupted run gave a model, the resumed one gives it too: its folds must be of one kind."""
    told = Told({}, 10.0)
    one = Candidate("forest")
    told.journal = Journal(tmp_path / "j", {})
    facts = {"fit_seconds": 1.0, "predict_seconds": 0.0, "soft": True, "steps": 17}
    told.journal.put(one.key, 0, facts, {"rounds_0": np.zeros(1)})
    told.journal.found = 1
    told._recall(one, 0)
    assert told.limits[one] == 17 and dict(told._as_run(one).parameters) == {"n_estimators": 17}


def test_little_data_is_not_tried(monkeypatch):
    made = fit(KINDS, "kind", models=["forest"], folds=2, budget=0.001)
    assert made.model.named_steps["model"].n_estimators == 200 and not any("rounds" in note for note in made.warnings)
