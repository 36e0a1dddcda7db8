"""What a candidate says of a fold's test rows: of a staged model after how many rounds, and which number of them is the best.

One fit of a staged model tells the score after each of `ROUNDS` rounds. The first fold is asked after all of them; later ones
are fitted to the best count there and one more, and asked around it; in the end the count with the best mean over the folds wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homespun.tabular.models import ROUNDS, Candidate, recipe_of
from homespun.tabular.scores import objective


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


class Rounds:
    """The part of a `Measurer` that asks models."""

    goal: Any
    kind: str
    splits: list
    folds: dict[Candidate, dict[int, FoldResult]]
    limits: dict[Candidate, int]

    def _as_run(self, candidate: Candidate) -> Candidate:
        """With the steps that it is given."""
        steps = self.limits.get(candidate)
        return candidate if steps is None else candidate.with_parameters(**{recipe_of(candidate, self.goal.task).steps: steps})

    def _limited(self, candidate: Candidate) -> Candidate:
        """On later folds a staged model need not go far beyond the rounds that the first fold found best."""
        rounds = self._rounds(candidate)
        first = self.folds.get(candidate, {}).get(0)
        if not rounds or first is None or not first.predictions:
            return self._as_run(candidate)
        best = self._best_rounds(candidate, [0])
        later = [count for count in rounds if count > best][:1]
        return candidate.with_parameters(max_iter=later[0] if later else best)

    def _rounds(self, candidate: Candidate) -> tuple[int, ...]:
        """After how many rounds a staged model is asked."""
        recipe = recipe_of(candidate, self.goal.task)
        if not recipe.staged:
            return ()
        most = {**recipe.parameters, **dict(self._as_run(candidate).parameters)}["max_iter"]
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


def _mean(values) -> float:
    there = [value for value in values if value == value]
    return float(np.mean(there)) if there else float("nan")
