"""Tables without a leak that look as if they had one: what must raise no alarm. They tempt a careless detector."""

from __future__ import annotations

import numpy as np

from homespun.datasets.claims import PlantedLeak, made, with_amount, with_classes


def honest_tables(n: int = 1500, random_state=0) -> list[PlantedLeak]:
    """Tables without a leak that look as if they had one: what must raise no alarm.

    Parameters
    ----------
    n : int, default=1500
    random_state : int, Generator or None, default=0

    Returns
    -------
    list of PlantedLeak
        With family ``none`` and no columns.

    Examples
    --------
    >>> from homespun.datasets import honest_tables
    >>> [table.name for table in honest_tables(200)][:2]
    ['nothing special', 'nothing special, two classes']
    """
    return made(_HONEST, n, random_state)


def _nothing(frame, target, rng):
    return None


def _law(frame, paid, rng):
    """A law of nature: the target follows from honest columns almost exactly."""
    frame["paid"] = np.round(0.3 * frame["cover"] + 12.0 * frame["age"] + 2.0 * rng.normal(size=len(frame)), 2)


def _honest_number(frame, target, rng):
    frame.insert(0, "claim_no", 700_000 + rng.permutation(len(frame)))


def _number_and_trend(frame, paid, rng):
    """Numbers in the order of time, and amounts that grow with inflation: an identifier may correlate a little."""
    drift = np.exp(np.linspace(0, 0.25, len(frame)))
    frame["paid"] = np.round(paid * drift, 2)
    frame.insert(0, "claim_no", 700_000 + np.arange(len(frame)))


def _informative_gaps(frame, renewed, rng):
    """Missing more often in one class, as age is for the drowned of the Titanic."""
    gap = rng.random(len(renewed)) < 0.15 + 0.15 * (1 - renewed)
    frame["income"] = np.where(gap, np.nan, rng.lognormal(10, 0.4, size=len(renewed)).round(0))


def _coarse(frame, renewed, rng):
    """Few columns with few values: equal rows by right."""
    frame["age"] = np.where(frame["age"] > 45, "old", "young").astype(object)
    frame["years"] = (frame["years"] > 8).astype(np.int64)
    return frame.drop(columns="cover")


def _strong_category(frame, paid, rng):
    """A category with a large, honest effect."""
    level = np.exp(np.linspace(-1.2, 1.2, 12))
    product = rng.integers(12, size=len(frame))
    frame["product"] = np.array([f"plan {letter}" for letter in "ABCDEFGHIJKL"], dtype=object)[product]
    frame["paid"] = np.round(paid * level[product], 2)


def _by_day(frame, paid, rng):
    """Sorted by date, as exports are."""
    frame["reported"] = np.sort(np.datetime64("2022-01-01") + rng.integers(0, 700, size=len(frame)).astype("timedelta64[D]"))


def _independent_customers(frame, paid, rng):
    """Customers with several rows that have nothing in common but the number."""
    frame.insert(0, "customer", np.array([f"C{one:05d}" for one in rng.integers(len(frame) // 5, size=len(frame))], dtype=object))


def _notes(frame, renewed, rng):
    """Free text with numbers in it that have nothing to do with the target."""
    frame["note"] = np.array([f"call {number} back" for number in rng.integers(100_000, 999_999, size=len(frame))], dtype=object)


def _rare_class(frame, renewed, rng):
    rare = (renewed == 1) & (rng.random(len(renewed)) < 0.08)
    frame["renewed"] = np.where(rare, "yes", "no").astype(object)
    frame["seen_by"] = np.where(rng.random(len(renewed)) < 0.01, "M. Hill", "A. Reed").astype(object)


_HONEST = (
    with_amount("nothing special", "none", (), "", _nothing),
    with_classes("nothing special, two classes", "none", (), "", _nothing),
    with_amount("a law", "none", (), "the target follows from honest columns almost exactly", _law),
    with_amount("an honest number", "none", (), "numbers given at random", _honest_number),
    with_amount("a number and a trend", "none", (), "numbers in time order, amounts with inflation", _number_and_trend),
    with_classes("informative gaps", "none", (), "missing twice as often in one class", _informative_gaps),
    with_classes("coarse columns", "none", (), "equal rows by right", _coarse),
    with_amount("a strong category", "none", (), "a product that decides the price level", _strong_category),
    with_amount("sorted by date", "none", (), "exports are", _by_day),
    with_amount("independent customers", "none", (), "a customer number without an effect", _independent_customers),
    with_classes("notes", "none", (), "numbers in free text that say nothing", _notes),
    with_classes("a rare class", "none", (), "60 rows of one class, and a rare value", _rare_class),
)
