"""Insurance claims: the honest part of every table with a planted leak, and of every honest table beside it.

`paid` is the amount in pounds, `renewed` whether the customer stayed; five features explain about 70 % of either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from homespun.base.params import Integer, check_param
from homespun.base.random import generator

_TOWNS = ["Leeds", "York", "Bath", "Derby", "Ely", "Wells", "Truro", "Ripon"]


@dataclass
class PlantedLeak:
    """One table and what is wrong with it.

    Attributes
    ----------
    name : str
        The kind of leak, or what tempts in an honest table.
    family : str
        ``copy``, ``combination``, ``identifier``, ``missing``, ``known later``, ``encoding``, ``repeated rows``,
        ``groups``, ``row order``; of an honest table ``none``.
    frame : pandas.DataFrame of shape (n, 7 or more)
    target : str
    task : {"regression", "classification"}
    columns : tuple of str
        The columns at fault; empty where the rows are.
    story : str
        How such a column comes into a real table.
    """

    name: str
    family: str
    frame: Any
    target: str
    task: str
    columns: tuple[str, ...]
    story: str


def made(makers, n, random_state) -> list[PlantedLeak]:
    """One table from each maker, each with a random stream of its own."""
    check_param("planted_leaks", "n", n, Integer(low=100))
    seeds = generator(random_state).integers(2**63, size=len(makers))
    return [make(n, np.random.default_rng(seed)) for make, seed in zip(makers, seeds)]


def claims(n, rng):
    """Frame of honest features, paid (regression), renewed (0 or 1)."""
    import pandas as pd

    age = rng.integers(18, 85, size=n)
    cover = np.round(rng.lognormal(9.0, 0.5, size=n), 2)
    years = rng.integers(0, 20, size=n)
    town = rng.choice(len(_TOWNS), size=n)
    channel = rng.choice(["broker", "online", "phone"], size=n, p=[0.3, 0.5, 0.2])
    effect = rng.permutation(np.linspace(-0.3, 0.3, len(_TOWNS)))[town]
    signal = 0.9 * (np.log(cover) - 9.0) / 0.5 + 0.5 * (age - 50) / 20.0 - 0.4 * years / 6.0
    signal = signal + effect + 0.3 * (channel == "online")
    paid = np.round(900.0 * np.exp(0.45 * (signal + 0.72 * rng.normal(size=n))), 2)
    renewed = (signal + 1.1 * rng.logistic(size=n) * 0.55 > np.median(signal)).astype(np.int64)
    frame = pd.DataFrame({
        "age": age, "cover": cover, "years": years,
        "town": np.array(_TOWNS, dtype=object)[town], "channel": channel.astype(object),
    })
    return frame, paid, renewed


def with_amount(name, family, columns, story, plant: Callable):
    """A maker of a table with the amount as target; `plant(frame, paid, rng)` adds the leak, in place or as a new frame."""

    def make(n, rng):
        frame, paid, _ = claims(n, rng)
        frame["paid"] = paid
        changed = plant(frame, paid, rng)
        return PlantedLeak(name, family, frame if changed is None else changed, "paid", "regression", columns, story)

    return make


def with_classes(name, family, columns, story, plant: Callable):
    """The same with the class as target, worded yes and no."""

    def make(n, rng):
        frame, _, renewed = claims(n, rng)
        frame["renewed"] = np.where(renewed == 1, "yes", "no").astype(object)
        changed = plant(frame, renewed, rng)
        return PlantedLeak(name, family, frame if changed is None else changed, "renewed", "classification", columns, story)

    return make
