"""`Measurer`: one candidate on one fold, and what is known of it when all folds are done.

Preprocessors are fitted on a fold's training rows and shared by the candidates that use the same ones. What is measured goes
to the journal at once. Ctrl-C and the end of the budget stop the step in hand; a candidate counts when all its folds are done.
Seconds are those of the work: what Numba took to compile on the first call is told apart, since no later fold pays it again.
"""

from __future__ import annotations

import time
import warnings
from contextlib import nullcontext

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from homespun.base.errors import DataError
from homespun.tabular.clock import Clock, OutOfTime, compiling
from homespun.tabular.journal import Journal
from homespun.tabular.models import Candidate, build_estimator, prepare_for, recipe_of
from homespun.tabular.rounds import FoldResult, Measured, Rounds
from homespun.tabular.scores import objective, score_kept

KEEP_BYTES = 500 << 20  # of prepared matrices
MUCH = 5_000_000  # cells times classes: from there on a few steps of a model are tried, to see how many fit into the budget
TRIED = 4  # steps


class Measurer(Rounds):
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
        self.pending = 1  # models among which the time that is left is to be shared
        self.limits: dict[Candidate, int] = {}  # steps, where fewer than the candidate's own fit into the budget
        self.compiled = 0.0  # the most seconds that a model took to compile
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
            except OutOfTime:
                self.cut = True
                if self.clock.left <= 0:
                    raise
                return float("-inf")  # only its own share of the time is used up
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
        y = self.goal.values[train]
        others = self._has_learned or any(one.model not in ("baseline", candidate.model) for one in self.folds)
        most = 0.7 * self.clock.left if fold == 0 and self.pending > 1 and others else float("inf")
        with self.clock.alarm(most) if self.done else nullcontext(), compiling() as spent:  # the first one always runs
            A, B, seconds = self.prepared(candidate, fold)
            if fold == 0 and candidate not in self.limits:
                self._limit(candidate, A, y)
            model = clone(build_estimator(self._limited(candidate), self.goal, self.plan, random_state=self.random_state))
            begun, before = time.perf_counter(), spent()
            self.quietly(candidate.model, model.fit, A, y, limited=candidate in self.limits)
            fitted, between = time.perf_counter(), spent()
            predictions, soft = self._predictions(candidate, model, B)
            ended = time.perf_counter()
            after = spent()
            self.compiled = max(self.compiled, after)
        for prediction in predictions.values():
            self._check(candidate.model, prediction, len(test))
        fit_seconds = seconds + fitted - begun - (between - before)
        result = FoldResult(predictions, fit_seconds, ended - fitted - (after - between), soft)
        arrays = {f"rounds_{rounds}": prediction for rounds, prediction in predictions.items()}
        facts = {"model": candidate.model, "parameters": dict(candidate.parameters), "log": candidate.log, "soft": soft,
                 "fit_seconds": result.fit_seconds, "predict_seconds": result.predict_seconds,
                 "steps": self.limits.get(candidate)}
        self.journal.put(candidate.key, fold, facts, arrays)
        return result

    def _recall(self, candidate: Candidate, fold: int) -> FoldResult | None:
        kept = self.journal.get(candidate.key, fold)
        if kept is None:
            return None
        facts, arrays = kept
        predictions = {int(name.removeprefix("rounds_")): array for name, array in arrays.items()}
        if facts.get("steps"):
            self.limits[candidate] = facts["steps"]
        return FoldResult(predictions, facts["fit_seconds"], facts["predict_seconds"], facts["soft"])

    def prepared(self, candidate: Candidate, fold: int) -> tuple:
        """(training matrix, test matrix, seconds) of a candidate's preprocessors, fitted on the training rows."""
        key = recipe_of(candidate, self.goal.task).preparation, fold
        if key not in self._prepared:
            train, test = self.splits[fold]
            begun = time.perf_counter()
            preparation = prepare_for(candidate, self.goal, self.plan, random_state=self.random_state)
            with compiling() as spent:
                A = self.quietly(candidate.model, preparation.fit_transform, self.X.iloc[train], self.goal.values[train])
                B = preparation.transform(self.X.iloc[test])
            while self._prepared and sum(a.nbytes + b.nbytes for a, b, _ in self._prepared.values()) + A.nbytes > KEEP_BYTES:
                self._prepared.pop(next(iter(self._prepared)))
            self._prepared[key] = A, B, time.perf_counter() - begun - spent()
        return self._prepared[key]

    @property
    def _has_learned(self) -> bool:
        """A model that looks at the columns is finished."""
        return any(one.candidate.model != "baseline" for one in self.done.values())

    def _limit(self, candidate: Candidate, A, y) -> None:
        """Of much data a few steps are tried, and the candidate gets as many as fit into its share of what is left."""
        recipe = recipe_of(candidate, self.goal.task)
        work = A.shape[0] * A.shape[1] * len(self.goal.classes or "y")
        if not recipe.steps or self.clock.left == float("inf") or work < MUCH:
            return
        parameters = {**recipe.parameters, **dict(candidate.parameters)}
        few = candidate.with_parameters(**{recipe.steps: TRIED})
        model = clone(build_estimator(few, self.goal, self.plan, random_state=self.random_state))
        with compiling() as spent:
            begun = time.perf_counter()
            self.quietly(candidate.model, model.fit, A, y, limited=True)
            each = (time.perf_counter() - begun - spent()) / TRIED
        share = self.clock.left / self.pending / (len(self.splits) + 2.5)  # its folds, all rows in the end, and some room
        steps = max(int(share / max(each, 1e-6)), TRIED)
        if steps < parameters[recipe.steps]:
            self.limits[candidate] = steps
            if not dict(candidate.parameters):
                self.notes.append(f"{candidate.model} got {steps} of {parameters[recipe.steps]} rounds, as many as fit into the "
                                  f"budget of {self.clock.budget:g} seconds: a larger one may make it better")

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

    def quietly(self, label, function, *arguments, limited: bool = False):
        """Call; warnings become notes of the project instead of lines between the progress bars.

        `limited`: it gets fewer steps than it wants, and need not say so.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = function(*arguments)
        said = [one for one in caught if not (limited and issubclass(one.category, ConvergenceWarning))]
        self.notes += dict.fromkeys(f"{label}: {str(one.message).splitlines()[0]}" for one in said)
        return result

    # -- a candidate on all folds --------------------------------------------------------------------------------------

    def _finish(self, candidate: Candidate) -> None:
        results = [self.folds[candidate][fold] for fold in range(len(self.splits))]
        if any(not result.predictions for result in results):
            return
        rounds = self._best_rounds(candidate, range(len(self.splits)))
        predictions = [result.predictions[rounds] for result in results]
        settled = candidate.with_parameters(max_iter=rounds) if rounds else self._as_run(candidate)
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

    def _told(self, candidate: Candidate) -> str:
        return candidate.model + (" (log)" if candidate.log and not self.goal.log else "")

    def finished(self, model: str | None = None) -> list[Measured]:
        """All candidates that are finished, or those of one model."""
        return [one for one in self.done.values() if model is None or one.candidate.model == model]
