"""`Trainer`: measures candidates on the folds, keeps what is finished, and asks for better settings while time is left.

    compare    every model with its first setting; the target as it is and on the log, where both make sense
    tune       the models that are not clearly worse than the best: rounds of successive halving over settings
    blend      greedy selection over all out-of-fold predictions; scored by folds that its weights have not seen

Preprocessors are fitted on a fold's training rows and shared by the candidates that use the same ones. What is measured goes
to the journal at once. Ctrl-C and the end of the budget stop the step in hand; a candidate counts when all its folds are done.
"""

from __future__ import annotations

import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone

from homespun.base.errors import DataError
from homespun.model_selection import corrected_t_test, draw, select_ensemble, successive_halving
from homespun.tabular.clock import Clock, OutOfTime
from homespun.tabular.journal import Journal
from homespun.tabular.models import MODELS, ROUNDS, Candidate, build_estimator, prepare_for, recipe_of
from homespun.tabular.scores import objective, score_kept

DRAWS = 6  # settings in a round of tuning
TUNING_ROUNDS = 3
KEEP_BYTES = 500 << 20  # of prepared matrices


@dataclass
class FoldResult:
    """A candidate on one fold. `predictions`: rounds (0 for a model that is not staged) → what it said of the test rows."""

    predictions: dict[int, np.ndarray]
    fit_seconds: float
    predict_seconds: float
    soft: bool = True  # amounts or probabilities; False: mere classes


@dataclass
class Measured:
    """A candidate on all folds."""

    candidate: Candidate
    prediction: np.ndarray  # (rows,) or (rows, classes); NaN where no fold tests the row
    scores: list[float]
    objectives: list[float]
    fit_seconds: float  # mean of the folds
    predict_seconds: float
    soft: bool = True
    weights: dict[str, float] = field(default_factory=dict)  # of a blend: candidate's key → weight
    members: list[Candidate] = field(default_factory=list)

    @property
    def score(self) -> float:
        """Mean over the folds that have one."""
        return _mean(self.scores)

    @property
    def objective(self) -> float:
        """What settings are chosen by: mean over the folds that have one."""
        return _mean(self.objectives)


class Trainer:
    """Candidates, folds, and what was measured.

    Parameters
    ----------
    X, goal, plan, splits : features, target, plan and folds
    kind : str
        Of the score.
    clock : Clock
    journal : Journal
    random_state : int
        Of all models.
    notes : list
        Collects what the user should know.
    """

    def __init__(self, X, goal, plan, splits, kind, *, clock: Clock, journal: Journal, random_state, notes, bar):
        self.X, self.goal, self.plan, self.splits, self.kind = X, goal, plan, splits, kind
        self.clock, self.journal, self.random_state, self.notes, self.bar = clock, journal, random_state, notes, bar
        self.sizes = [len(train) for train, _ in splits], [len(test) for _, test in splits]
        self.folds: dict[Candidate, dict[int, FoldResult]] = {}
        self.done: dict[Candidate, Measured] = {}
        self.failed: dict[str, Exception] = {}
        self.cut = False  # the budget has kept a candidate from being finished
        self._prepared: dict[tuple[str, int], tuple] = {}

    # -- one candidate on one fold -------------------------------------------------------------------------------------

    def measure(self, candidate: Candidate, fold: int) -> float:
        """The objective of a candidate on a fold; -inf if it fails there. Measured once, or read from the journal."""
        results = self.folds.setdefault(candidate, {})
        if any(not result.predictions for result in results.values()):
            return float("-inf")  # it failed on an earlier fold
        if fold not in results:
            try:
                results[fold] = self._recall(candidate, fold) or self._fit_fold(candidate, fold)
            except Exception as error:  # one candidate's failure must not lose the others
                self.failed.setdefault(candidate.model, error)
                self.notes.append(f"{candidate.model} failed and is left out: {type(error).__name__}: {error}")
                results[fold] = FoldResult({}, 0.0, 0.0)
            self.bar.step(self._told(candidate))
        _, test = self.splits[fold]
        values = [objective(self.kind, self.goal.values[test], p) for p in results[fold].predictions.values()]
        if len(results) == len(self.splits) and candidate not in self.done:
            self._finish(candidate)
        return max((value for value in values if value == value), default=float("-inf"))

    def _fit_fold(self, candidate: Candidate, fold: int) -> FoldResult:
        train, test = self.splits[fold]
        with self.clock.alarm() if self.done else nullcontext():  # the first one always runs
            A, B, seconds = self.prepared(candidate, fold)
            model = clone(build_estimator(self._limited(candidate), self.goal, self.plan, random_state=self.random_state))
            begun = time.perf_counter()
            self.quietly(candidate.model, model.fit, A, self.goal.values[train])
            fitted = time.perf_counter()
            predictions, soft = self._predictions(candidate, model, B)
            ended = time.perf_counter()
        for prediction in predictions.values():
            self._check(candidate.model, prediction, len(test))
        result = FoldResult(predictions, seconds + fitted - begun, ended - fitted, soft)
        arrays = {f"rounds_{rounds}": prediction for rounds, prediction in predictions.items()}
        facts = {"model": candidate.model, "parameters": dict(candidate.parameters), "log": candidate.log, "soft": soft,
                 "fit_seconds": result.fit_seconds, "predict_seconds": result.predict_seconds}
        self.journal.put(candidate.key, fold, facts, arrays)
        return result

    def _recall(self, candidate: Candidate, fold: int) -> FoldResult | None:
        kept = self.journal.get(candidate.key, fold)
        if kept is None:
            return None
        facts, arrays = kept
        predictions = {int(name.removeprefix("rounds_")): array for name, array in arrays.items()}
        return FoldResult(predictions, facts["fit_seconds"], facts["predict_seconds"], facts["soft"])

    def prepared(self, candidate: Candidate, fold: int) -> tuple:
        """(training matrix, test matrix, seconds) of a candidate's preprocessors, fitted on the training rows."""
        key = recipe_of(candidate, self.goal.task).preparation, fold
        if key not in self._prepared:
            train, test = self.splits[fold]
            begun = time.perf_counter()
            preparation = prepare_for(candidate, self.goal, self.plan, random_state=self.random_state)
            A = self.quietly(candidate.model, preparation.fit_transform, self.X.iloc[train], self.goal.values[train])
            B = preparation.transform(self.X.iloc[test])
            while self._prepared and sum(a.nbytes + b.nbytes for a, b, _ in self._prepared.values()) + A.nbytes > KEEP_BYTES:
                self._prepared.pop(next(iter(self._prepared)))
            self._prepared[key] = A, B, time.perf_counter() - begun
        return self._prepared[key]

    def _limited(self, candidate: Candidate) -> Candidate:
        """On later folds a staged model need not go far beyond the rounds that the first fold found best."""
        rounds = self._rounds(candidate)
        first = self.folds.get(candidate, {}).get(0)
        if not rounds or first is None or not first.predictions:
            return candidate
        best = self._best_rounds(candidate, [0])
        later = [count for count in rounds if count > best][:1]
        return candidate.with_parameters(max_iter=later[0] if later else best)

    def _rounds(self, candidate: Candidate) -> tuple[int, ...]:
        """After how many rounds a staged model is asked."""
        recipe = recipe_of(candidate, self.goal.task)
        if not recipe.staged:
            return ()
        most = {**recipe.parameters, **dict(candidate.parameters)}["max_iter"]
        return tuple(count for count in ROUNDS if count < most) + (most,)

    def _predictions(self, candidate, model, B) -> tuple[dict[int, np.ndarray], bool]:
        rounds = self._rounds(candidate)
        if not rounds:
            prediction, soft = self._ask(model, B)
            return {0: prediction}, soft
        inner = getattr(model, "regressor_", model)
        stages = inner.staged_predict_proba(B) if self.goal.classes is not None else inner.staged_predict(B)
        first = 0 not in self.folds.get(candidate, {})
        wanted = set(rounds if first else self._around(candidate, rounds))
        found = {}
        for count, stage in enumerate(stages, 1):
            if count in wanted:
                if inner is not model:  # the wrapper's own way back to amounts
                    stage = np.maximum(model.amounts(stage) if candidate.log else stage, 0.0)
                found[count] = self._aligned(inner, np.array(stage, dtype=np.float64))
        return found, True

    def _around(self, candidate, rounds) -> tuple[int, ...]:
        """The best count on the first fold, and its neighbours."""
        place = rounds.index(self._best_rounds(candidate, [0]))
        return rounds[max(0, place - 2) : place + 2]

    def _best_rounds(self, candidate: Candidate, folds) -> int:
        """The number of rounds with the best mean objective over these folds."""
        results = [self.folds[candidate][fold] for fold in folds]
        common = set.intersection(*(set(result.predictions) for result in results))
        truth = [self.goal.values[self.splits[fold][1]] for fold in folds]

        def value(count):
            mean = _mean([objective(self.kind, y, r.predictions[count]) for y, r in zip(truth, results)])
            return (mean if mean == mean else -np.inf, -count)

        return max(common, key=value)

    def _ask(self, model, B) -> tuple[np.ndarray, bool]:
        """Amounts, or probabilities (n, classes); of a classifier without them, its classes as zeros and ones."""
        if self.goal.classes is None:
            return np.asarray(model.predict(B), dtype=np.float64), True
        if hasattr(model, "predict_proba"):
            return self._aligned(model, np.asarray(model.predict_proba(B), dtype=np.float64)), True
        codes = np.asarray(model.predict(B), dtype=np.int64)
        return np.eye(len(self.goal.classes))[codes], False

    def _aligned(self, model, probabilities) -> np.ndarray:
        """A column for each class, also for those that the training rows of an early fold do not have."""
        if self.goal.classes is None or probabilities.shape[1] == len(self.goal.classes):
            return probabilities
        every = np.zeros((len(probabilities), len(self.goal.classes)))
        every[:, np.asarray(model.classes_, dtype=np.int64)] = probabilities
        return every

    @property
    def given_up(self) -> list[dict]:
        """Candidates that were not measured on all folds, for the record."""
        told = []
        for candidate, results in self.folds.items():
            if candidate not in self.done and results:
                scores = [self.measure(candidate, fold) for fold in sorted(results)]
                told.append({"model": candidate.model, "parameters": dict(candidate.parameters), "log": candidate.log,
                             "objectives": [score if np.isfinite(score) else None for score in scores]})
        return told

    def _check(self, name, prediction, n) -> None:
        if len(prediction) != n or not np.isfinite(prediction).all():
            raise DataError(
                f"{name} predicts {'NaN or infinity' if len(prediction) == n else f'{len(prediction)} values for {n} rows'}",
                operation="fit",
                operands={"model": name},
                rule="one finite prediction for each row",
            )

    def quietly(self, label, function, *arguments):
        """Call; warnings become notes of the project instead of lines between the progress bars."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = function(*arguments)
        self.notes += dict.fromkeys(f"{label}: {str(one.message).splitlines()[0]}" for one in caught)
        return result

    # -- a candidate on all folds --------------------------------------------------------------------------------------

    def _finish(self, candidate: Candidate) -> None:
        results = [self.folds[candidate][fold] for fold in range(len(self.splits))]
        if any(not result.predictions for result in results):
            return
        rounds = self._best_rounds(candidate, range(len(self.splits)))
        predictions = [result.predictions[rounds] for result in results]
        settled = candidate.with_parameters(max_iter=rounds) if rounds else candidate
        shape = (len(self.X), *predictions[0].shape[1:])
        kept = np.full(shape, np.nan)
        for (_, test), prediction in zip(self.splits, predictions):
            kept[test] = prediction
        self.done[candidate] = Measured(
            settled, kept,
            *self._scores(kept),
            float(np.mean([result.fit_seconds for result in results])),
            float(np.mean([result.predict_seconds for result in results])),
            all(result.soft for result in results),
        )
        self.folds[candidate] = {fold: FoldResult({rounds: p}, r.fit_seconds, r.predict_seconds, r.soft)
                                 for fold, (p, r) in enumerate(zip(predictions, results))}
        best = sorted({one.candidate.model for one in self.done.values()},
                      key=lambda name: -self.best_of(self.finished(name)).objective)[:2]
        self.clock.reserve = sum(self.refit_seconds(self.best_of(self.finished(name))) for name in best)  # for a blend of two

    def _scores(self, kept) -> tuple[list[float], list[float]]:
        y = self.goal.values
        return ([score_kept(self.kind, y[test], kept[test]) for _, test in self.splits],
                [objective(self.kind, y[test], kept[test]) for _, test in self.splits])

    def refit_seconds(self, measured: Measured) -> float:
        """What fitting it on all rows should take, with a little room."""
        return 0.3 + 1.3 * measured.fit_seconds * len(self.X) / max(float(np.mean(self.sizes[0])), 1.0)

    @staticmethod
    def best_of(measured: list[Measured]) -> Measured:
        """The best by what settings are chosen by; the quicker of equal ones."""
        return max(measured, key=lambda one: (one.objective if one.objective == one.objective else -np.inf, -one.fit_seconds))

    def finished(self, model: str | None = None) -> list[Measured]:
        """All candidates that are finished, or those of one model."""
        return [one for one in self.done.values() if model is None or one.candidate.model == model]

    # -- the stages ----------------------------------------------------------------------------------------------------

    def compare(self, names: list[str]) -> None:
        """Every model with its first setting."""
        for name in names:
            self._halve([Candidate(name, log=log) for log in self._scales(name)], eta=2)
            if name in self.failed and not self.finished(name):
                continue

    def _scales(self, name: str) -> list[bool]:
        """Whether the target's log is tried. What one tree model, or one linear one, says of it holds for its relatives."""
        if self.goal.task != "regression" or name == "baseline":
            return [self.goal.log]
        if self.goal.log or not self.goal.skewed:
            return [self.goal.log]
        preparation = recipe_of(Candidate(name), self.goal.task).preparation
        relatives = [one for one in self.finished() if ("one" in recipe_of(one.candidate, self.goal.task).preparation)
                     == ("one" in preparation) and one.candidate.model != "baseline"]
        return [relatives[0].candidate.log] if relatives and ".py:" not in name else [False, True]

    def tune(self, names: list[str]) -> None:
        """Rounds of successive halving over the settings of the models that are not clearly worse than the best."""
        spaces = {name: MODELS[name][self.goal.task] for name in names if ".py:" not in name}
        spaces = {name: recipe for name, recipe in spaces.items() if recipe.space and self.finished(name)}
        rng = {name: np.random.default_rng([_plain(self.random_state), place]) for place, name in enumerate(spaces)}
        resting: set[str] = set()
        for number in range(TUNING_ROUNDS):
            for name in sorted(spaces, key=lambda name: -self.best_of(self.finished(name)).objective):
                if name in resting or not self.promising(name):
                    continue
                recipe, before = spaces[name], self.best_of(self.finished(name))
                count = self._draws(before, DRAWS if recipe.staged else DRAWS // 2)
                settings = [dict(one) for one in recipe.portfolio] if number == 0 else []
                settings += [draw(recipe.space, rng[name]) for _ in range(count - len(settings))]
                if not self.goal.not_negative or before.candidate.log:  # the Poisson loss is one of amounts
                    settings = [{key: value for key, value in one.items() if value != "poisson"} for one in settings]
                fresh = [Candidate(name, tuple(sorted(one.items())), before.candidate.log) for one in settings[:count]]
                self._halve([one for one in dict.fromkeys(fresh) if one not in self.folds], eta=3)
                if number > 0 and self.best_of(self.finished(name)).objective <= before.objective:
                    resting.add(name)  # a whole round of draws found nothing better

    def _draws(self, known: Measured, most: int) -> int:
        """How many settings of a model can be tried on one fold, and the best third of them on the others, in what is left."""
        slower = 2.0 if self._rounds(known.candidate) else 1.0  # more rounds than the first setting came to
        fold_seconds = slower * (known.fit_seconds + known.predict_seconds)
        folds = len(self.splits)
        return max((count for count in range(1, most + 1)
                    if (count + max(1, count // 3) * (folds - 1)) * fold_seconds <= self.clock.left), default=0)

    def promising(self, name: str) -> bool:
        """Not clearly worse than the best: neither by the paired test, nor by more than a tenth of what it explains."""
        if not self.finished(name):
            return False
        mine, best = self.best_of(self.finished(name)), self.best_of(self.finished())
        if mine is best:
            return True
        floor = max((one.objective for one in self.finished("baseline")), default=float("-inf"))
        p_value = corrected_t_test(best.objectives, mine.objectives, *self.sizes)
        near = floor == float("-inf") or mine.objective >= best.objective - 0.1 * (best.objective - floor)
        return near or p_value > 0.05

    def _halve(self, candidates: list[Candidate], eta: int) -> None:
        if not candidates:
            return

        def measure(candidate, fold):
            return float("-inf") if fold > 0 and self._too_slow(candidate) else self.measure(candidate, fold)

        successive_halving(candidates, measure, len(self.splits), eta)

    def _too_slow(self, candidate: Candidate) -> bool:
        """After its first fold a candidate says how long the others take; one that cannot be finished is not gone on with."""
        if not self.done:
            return False  # the first one always runs
        results = self.folds[candidate]
        missing = len(self.splits) - len(results)
        each = float(np.mean([one.fit_seconds + one.predict_seconds for one in results.values()]))
        slow = missing * each > self.clock.left
        if slow:
            self.cut = True
        return slow

    def blend(self) -> Measured | None:
        """The blend of finished candidates that are soft and can be fitted again in time.

        None if it would be one candidate, or if only one model was asked for: whoever asks for a forest gets a forest.
        """
        pool = sorted((one for one in self.finished() if one.soft and one.candidate.model != "baseline"),
                      key=lambda one: -one.objective)[:25]
        pool = [one for one in pool if one.objective == one.objective]
        if len({one.candidate.model for one in pool}) < 2:
            return None
        tested = [test for _, test in self.splits]
        everything = np.concatenate(tested)
        while True:
            weights = self._select(pool, everything)
            members = [one for weight, one in zip(weights, pool) if weight]
            if len(members) < 2:
                return None
            if sum(self.refit_seconds(one) for one in members) <= self.clock.left + self.clock.reserve:
                break
            pool.remove(max(members, key=lambda one: one.fit_seconds))  # too slow to be fitted again with the others
        kept = np.full_like(pool[0].prediction, np.nan)
        for fold, test in enumerate(tested):  # weights of the other folds, so that the score is honest
            others = np.concatenate([rows for number, rows in enumerate(tested) if number != fold]) if len(tested) > 1 else test
            kept[test] = sum(weight * one.prediction[test] for weight, one in zip(self._select(pool, others), pool) if weight)
        shares = {one.candidate.key: float(weight) for weight, one in zip(weights, pool) if weight}
        return Measured(Candidate("blend"), kept, *self._scores(kept), sum(one.fit_seconds for one in members),
                        sum(one.predict_seconds for one in members), True, shares, [one.candidate for one in members])

    def _select(self, pool, rows) -> np.ndarray:
        y = self.goal.values[rows]
        return select_ensemble([one.prediction[rows] for one in pool], lambda p: objective(self.kind, y, p))

    def _told(self, candidate: Candidate) -> str:
        return candidate.model + (" (log)" if candidate.log and not self.goal.log else "")


def _mean(values) -> float:
    there = [value for value in values if value == value]
    return float(np.mean(there)) if there else float("nan")


def _plain(random_state) -> int:
    return int(random_state) if isinstance(random_state, (int, np.integer)) else 0


__all__ = ["FoldResult", "Measured", "OutOfTime", "Trainer"]
