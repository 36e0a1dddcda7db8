"""`Trainer`: measures candidates on the folds, keeps what is finished, and asks for better settings while time is left.

    compare    every model with its first setting; the target as it is and on the log, where both make sense
    tune       the models that are not clearly worse than the best: rounds of successive halving over settings
    blend      greedy selection over all out-of-fold predictions; scored by folds that its weights have not seen

How one candidate is measured on one fold is said in `measuring`.
"""

from __future__ import annotations

import numpy as np

from homespun.model_selection import corrected_t_test, draw, select_ensemble, successive_halving
from homespun.tabular.measuring import Measured, Measurer
from homespun.tabular.models import MODELS, Candidate, recipe_of
from homespun.tabular.scores import objective

DRAWS = 6  # settings in a round of tuning
TUNING_ROUNDS = 3
LOADING = 2.5  # seconds of a fold: modules and compiled kernels may take as much, once


class Trainer(Measurer):
    """The stages. Parameters and attributes are those of `Measurer`."""

    def compare(self, names: list[str]) -> None:
        """Every model with its first setting. One whose folds would take more than its share of the time that is left waits
        until all have been seen on one fold: then the best of those go on, as far as the time reaches."""
        slow: dict[Candidate, float] = {}
        for place, name in enumerate(names):
            self.pending = len(names) - place
            if self._no_time_to_compile() or self._spares(slow):
                self.cut = True
                continue
            first: dict[Candidate, float] = {}
            for one in [Candidate(name, log=log) for log in self._scales(name)]:
                if not first or not self._spares(slow, next(iter(first))):
                    first[one] = self.measure(one, 0)
            best = max(first, key=lambda one: first[one])
            share = self.clock.left / self.pending
            if self.done and share < self._needs(best) <= LOADING * (len(self.splits) - 1) and not self._spares(slow, best):
                self.measure(best, 1)  # the first fold of a model also loads what it needs; the second one tells
            better = {one: score for one, score in slow.items() if score > first[best]}
            if self.done and (self._needs(best) > share or self._spares(better, best, self._needs(best))):
                slow[best] = first[best]
            else:
                self._go_on(best)
        self.pending = 1
        for one in sorted(slow, key=lambda one: -slow[one]):
            self._go_on(one)

    def _spares(self, slow: dict[Candidate, float], begun: Candidate | None = None, seconds: float | None = None) -> bool:
        """Whether what is left is needed by the best of those that wait: so many seconds of `begun`, by default one more fold, or
        some room for a model that nobody has seen yet, would cost it its last folds, and in the end nothing would be finished."""
        able = [one for one in slow if self._needs(one) <= self.clock.left]
        if not able:
            return False
        waits = self._needs(max(able, key=lambda one: slow[one]))
        if begun is None:
            return self.clock.left < 1.2 * waits
        each = min((one.fit_seconds + one.predict_seconds for one in self.folds[begun].values()), default=0.0)
        return self.clock.left < waits + (each if seconds is None else seconds)

    def _go_on(self, candidate: Candidate) -> None:
        """The other folds of a candidate."""
        for fold in range(1, len(self.splits)):
            if not self.folds[candidate] or (fold not in self.folds[candidate] and self._too_slow(candidate)):
                return
            self.measure(candidate, fold)

    def _no_time_to_compile(self) -> bool:
        """What is compiled cannot be stopped: where that was slow, no further model is begun when little is left."""
        return self._has_learned and 3.0 * self.compiled > self.clock.left

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
        slow = self._needs(candidate) > self.clock.left
        if slow:
            self.cut = True
        return slow

    def _needs(self, candidate: Candidate) -> float:
        """Seconds for the folds that are left, if they take as long as the quickest of those that are done."""
        results = self.folds[candidate]
        if not results:
            return float("inf")
        each = min(one.fit_seconds + one.predict_seconds for one in results.values())
        return (len(self.splits) - len(results)) * each

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


def _plain(random_state) -> int:
    return int(random_state) if isinstance(random_state, (int, np.integer)) else 0
