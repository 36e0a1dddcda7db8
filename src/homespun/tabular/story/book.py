"""`Book`: a project, its evidence, and the facts that are collected while the sections are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homespun.report.document import Fact
from homespun.tabular.scores import SCORE_NAMES, interval, score_fold
from homespun.tabular.story.evidence import Evidence

SEGMENT = 30  # rows below which a segment is not told


@dataclass
class Book:
    """Facts, collected while the sections are written."""

    project: Any
    seen: Evidence
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        project, seen = self.project, self.seen
        self.kind = project._score_kind
        self.score_name = SCORE_NAMES[self.kind]
        self.tested = np.flatnonzero(seen.fold >= 0)
        self.truth = seen.truth[self.tested]
        self.classes = project.classes is not None
        out = seen.prediction[self.tested]
        self.probability = out if self.classes and out.ndim == 2 else None
        self.prediction = out.argmax(1) if self.probability is not None else out
        self.log = self.kind == "log"
        folds = [np.flatnonzero(seen.fold == k) for k in range(int(seen.fold.max()) + 1)]
        ordered = project.record_.get("splits", {}).get("kind") == "in time"
        self.test_sizes = [len(fold) for fold in folds]
        self.train_sizes = [int((seen.fold < k).sum()) if ordered else len(seen.fold) - len(fold) for k, fold in enumerate(folds)]
        self.folds, self.ordered = folds, ordered
        score, low, high = self.score(self.soft(seen.prediction))
        self.add(task=project.task, winner=project.best, folds=len(folds), rows=len(seen.frame))
        self.add(**{"winner.score": score, "winner.low": low, "winner.high": high})

    def add(self, **facts) -> None:
        """Facts by name; NumPy's numbers become Python's."""
        self.facts.update((name, plain(value)) for name, value in facts.items())

    def fact(self, key: str, value, form: str = "") -> Fact:
        """A fact for a cell."""
        self.facts[key] = plain(value)
        return Fact(key, form)

    def form_of(self, name: str) -> str:
        """How a number of a column is shown: years and identifiers without commas."""
        years = getattr(self.project, "ages_", None) or {"columns": {}}
        told = (self.project.record_.get("left_out") or {}).get(name) == "identifier"
        return "year" if told or years["columns"].get(name) == "year" else "amount"

    def soft(self, prediction):
        """As the leaderboard scores it: amounts, probability of the positive class, or codes."""
        if prediction.ndim == 2:
            return prediction[:, 1] if self.kind == "binary" else prediction.argmax(1)
        return prediction

    def score(self, prediction) -> tuple[float, float, float]:
        """Mean of the folds' scores, with its interval."""
        scores = [score_fold(self.kind, self.seen.truth[fold], prediction[fold]) for fold in self.folds]
        return interval(scores, self.train_sizes, self.test_sizes)

    def score_of(self, name: str):
        """Score and interval of a model's best candidate, from its out-of-fold predictions."""
        names = list(self.project.record_.get("evidence_models") or [])
        if name == self.project.best:
            return self.score(self.soft(self.seen.prediction))
        if name in names and len(self.seen.models) == len(names):
            return self.score(self.seen.models[names.index(name)])
        return None


def plain(value: Any) -> Any:
    """A fact as JSON has it: NaN and infinity are nothing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def some_rows(n: int, most: int) -> np.ndarray:
    """At most so many of n rows, always the same ones."""
    return np.random.default_rng(0).permutation(n)[:most]
