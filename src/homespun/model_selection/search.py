"""Random search with successive halving: many settings are tried a little, the better ones more.

    rung 0: every setting on r_0 folds     rung 1: the best 1/eta of them on r_1 > r_0 folds     …     the last: on all folds

Jamieson & Talwalkar 2016 (AISTATS 51, algorithm 1), with folds as the resource: a setting that is hopeless on one fold is
not measured on the others. A space is a dictionary: name → `Choice`, `LogUniform` or a fixed value (Bergstra & Bengio 2012,
JMLR 13: at random, because few of the settings matter and a grid repeats their values).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Choice:
    """One of some values, each as likely."""

    values: tuple

    def draw(self, rng: np.random.Generator) -> Any:
        """One of them."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class LogUniform:
    """A number from `low` to `high`, each order of magnitude as likely; rounded to two digits, so that it can be read."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """One of them."""
        return float(f"{np.exp(rng.uniform(np.log(self.low), np.log(self.high))):.2g}")


def draw(space: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One setting of a space.

    >>> draw({"alpha": LogUniform(0.1, 10), "kind": Choice(("a", "b")), "n": 3}, np.random.default_rng(0))
    {'alpha': 1.9, 'kind': 'b', 'n': 3}
    """
    return {name: value.draw(rng) if hasattr(value, "draw") else value for name, value in space.items()}


def successive_halving(
    settings: Sequence[Hashable], measure: Callable[[Any, int], float], folds: int, eta: int = 3
) -> list[tuple[Any, float]]:
    """The settings that reached the last rung, with their mean scores on all folds, the best first.

    Parameters
    ----------
    settings : sequence
    measure : function (setting, fold) → score
        Higher is better; NaN is worst. Called once for each pair.
    folds : int
        Rungs are 1, 1 + … , folds: one fold first, then all, with one rung between where `folds` has room.
    eta : int, default=3
        One in eta goes on, at least one.

    Examples
    --------
    >>> successive_halving([1, 5, 2, 4, 3, 6], lambda x, fold: -abs(x - 3.2), folds=4)
    [(3, -0.2), (4, -0.8)]
    """
    rungs = [1, folds] if folds <= 3 or len(settings) < eta * eta else [1, 2, folds]
    scores: dict[Any, list[float]] = {setting: [] for setting in settings}

    def mean(setting):
        value = float(np.mean(scores[setting]))
        return value if value == value else -np.inf

    alive = list(scores)
    for number, rung in enumerate(rungs):
        for setting in alive:
            while len(scores[setting]) < rung:
                scores[setting].append(measure(setting, len(scores[setting])))
        alive.sort(key=mean, reverse=True)
        if number + 1 < len(rungs):
            alive = alive[: max(1, len(alive) // eta)]
    return [(setting, round(mean(setting), 12)) for setting in alive]
