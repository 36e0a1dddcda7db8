"""Tables with one planted leak each, and honest tables beside them: what a leak detector is measured on.

A leak is knowledge of the target that will not be there when the model is used: a copy of the target under another name,
an identifier given in the order of the target, a repeated row in training and test, a value that is only entered once
the outcome is known. The kinds follow Kaufman, Rosset, Perlich & Stitelman 2012, "Leakage in data mining" (ACM TKDD 6(4))
and Kapoor & Narayanan 2023, "Leakage and the reproducibility crisis" (Patterns 4(9), table 1).

Every table has the same honest part: five features that explain about 70 % of the target. These tables were written before
any detector, so a detector that finds them was not made to fit them; the honest ones are built to tempt a careless detector.
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


def planted_leaks(n: int = 1500, random_state=0) -> list[PlantedLeak]:
    """One table for each kind of leak.

    Parameters
    ----------
    n : int, default=1500
        Rows of a table (some have more, by repetition).
    random_state : int, Generator or None, default=0

    Returns
    -------
    list of PlantedLeak
        At least 25, each of a different kind.

    Examples
    --------
    >>> from homespun.datasets import planted_leaks
    >>> leak = planted_leaks(200)[0]
    >>> leak.name, leak.columns
    ('copy', ('settled_amount',))
    """
    return _made(_LEAKS, n, random_state)


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
    return _made(_HONEST, n, random_state)


def _made(makers, n, random_state):
    check_param("planted_leaks", "n", n, Integer(low=100))
    seeds = generator(random_state).integers(2**63, size=len(makers))
    return [make(n, np.random.default_rng(seed)) for make, seed in zip(makers, seeds)]


# ---------------------------------------------------------------------------------------------------------------------
# The honest part: insurance claims. `paid` is the amount in pounds, `renewed` whether the customer stayed.

def _claims(n, rng):
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


def _regression(name, family, columns, story, plant: Callable):
    """A maker of a table with the amount as target; `plant(frame, paid, rng)` adds the leak, in place or as a new frame."""

    def make(n, rng):
        frame, paid, _ = _claims(n, rng)
        frame["paid"] = paid
        changed = plant(frame, paid, rng)
        return PlantedLeak(name, family, frame if changed is None else changed, "paid", "regression", columns, story)

    return make


def _classes(name, family, columns, story, plant: Callable):
    """The same with the class as target, worded yes and no."""

    def make(n, rng):
        frame, _, renewed = _claims(n, rng)
        frame["renewed"] = np.where(renewed == 1, "yes", "no").astype(object)
        changed = plant(frame, renewed, rng)
        return PlantedLeak(name, family, frame if changed is None else changed, "renewed", "classification", columns, story)

    return make


# ---------------------------------------------------------------------------------------------------------------------
# Columns that hold the target

def _copy(frame, paid, rng):
    frame.insert(2, "settled_amount", paid)


def _other_unit(frame, paid, rng):
    frame["paid_eur_thousand"] = np.round(paid * 1.17 / 1000.0, 4)


def _monotone(frame, paid, rng):
    frame["severity_index"] = np.round(np.log1p(paid) ** 3, 3)


def _estimate(frame, paid, rng):
    frame["adjuster_estimate"] = np.round(paid * (1.0 + 0.01 * rng.normal(size=len(paid))), 0)


def _band(frame, paid, rng):
    edges = np.quantile(paid, np.linspace(0, 1, 21)[1:-1])
    frame["payment_band"] = np.array([f"B{band:02d}" for band in rng.permutation(20)], dtype=object)[np.searchsorted(edges, paid)]


def _in_text(frame, paid, rng):
    words = rng.choice(["Letter sent", "Customer informed", "File closed"], size=len(paid))
    frame["note"] = np.array([f"{word}, {pounds:,.2f} transferred." for word, pounds in zip(words, paid)], dtype=object)


def _scaled_with_gaps(frame, paid, rng):
    frame["vat_reclaimed"] = np.where(rng.random(len(paid)) < 0.4, np.round(paid * 0.2, 2), np.nan)


def _two_parts(frame, paid, rng):
    share = rng.uniform(0.2, 0.8, size=len(paid))
    frame["parts_cost"] = np.round(paid * share, 2)
    frame["labour_cost"] = np.round(paid - frame["parts_cost"], 2)


def _ratio(frame, paid, rng):
    frame["loss_ratio"] = paid / frame["cover"].to_numpy()


def _word_for_class(frame, renewed, rng):
    frame["status_code"] = np.array(["LX", "RN"], dtype=object)[renewed]


def _many_words_for_class(frame, renewed, rng):
    codes = np.array([f"{letter}{k}" for k in range(9) for letter in "PQ"], dtype=object)
    frame["closing_code"] = codes[2 * rng.integers(9, size=len(renewed)) + renewed]


def _exclusive_or(frame, renewed, rng):
    first = rng.integers(2, size=len(renewed))
    frame["check_a"], frame["check_b"] = first, first ^ renewed


def _model_score(frame, renewed, rng):
    score = renewed * 0.6 + 0.2 + 0.13 * rng.normal(size=len(renewed))
    frame["retention_score"] = np.round(np.clip(score, 0, 1), 3)


def _class_of_amount(frame, paid, rng):
    frame["large_claim"] = np.where(paid > np.quantile(paid, 0.9), "Y", "N").astype(object)


# Identifiers and numbers given in an order that knows the target

def _sorted_number(frame, paid, rng):
    frame.insert(0, "claim_no", 700_000 + 7 * np.argsort(np.argsort(paid, kind="stable"), kind="stable"))


def _suffix(frame, renewed, rng):
    digits = 2 * rng.integers(5, size=len(renewed)) + renewed  # an odd check digit: renewed
    numbers = rng.permutation(90_000)[: len(renewed)] + 10_000
    frame.insert(0, "policy", np.array([f"P-{number}-{digit}" for number, digit in zip(numbers, digits)], dtype=object))


def _blocks(frame, renewed, rng):
    start = np.where(renewed == 1, 500_000, 300_000)
    frame.insert(0, "record_id", start + rng.permutation(len(renewed)) * 13)


def _order(frame, renewed, rng):
    return frame.iloc[np.argsort(1 - renewed, kind="stable")].reset_index(drop=True)


# Values that are entered after the outcome

def _reason(frame, renewed, rng):
    reasons = rng.choice(["price", "moved", "service"], size=len(renewed)).astype(object)
    frame["reason_for_leaving"] = np.where(renewed == 0, reasons, None)


def _later_date(frame, renewed, rng):
    days = np.datetime64("2023-01-01") + rng.integers(0, 300, size=len(renewed)).astype("timedelta64[D]")
    frame["letter_date"] = days
    ended = (days + rng.integers(20, 60, size=len(renewed)).astype("timedelta64[D]")).astype("datetime64[s]")
    ended[renewed == 1] = np.datetime64("NaT")
    frame["cancelled_on"] = ended


def _since_last(frame, renewed, rng):
    frame["days_since_last_login"] = np.where(renewed == 1, rng.integers(0, 45, size=len(renewed)),
                                              rng.integers(40, 400, size=len(renewed)))


def _default_word(frame, renewed, rng):
    filled = rng.normal(60, 12, size=len(renewed)).round(1)
    frame["satisfaction"] = np.where((renewed == 0) & (rng.random(len(renewed)) < 0.95), -1.0, filled)


def _running_total(frame, paid, rng):
    """The total of a customer's payments; for the half with one payment only it is the target."""
    first = rng.random(len(paid)) < 0.5
    earlier = np.where(first, 0.0, rng.lognormal(7.0, 0.8, size=len(paid)))
    frame["payments_so_far"] = np.round(paid + earlier, 2)


# The target, encoded before the split

def _target_mean(frame, paid, rng):
    import pandas as pd

    street = pd.Series(rng.integers(len(paid) // 2, size=len(paid)))  # two rows to a street: its mean is half this row's
    frame["street_mean_paid"] = pd.Series(paid).groupby(street).transform("mean").round(2).to_numpy()


def _leave_one_out(frame, renewed, rng):
    import pandas as pd

    town = frame["town"]
    total, count = (pd.Series(renewed).groupby(town).transform(how) for how in ("sum", "count"))
    frame["town_rate_without_this"] = ((total - renewed) / (count - 1)).to_numpy()


def _written_otherwise(frame, renewed, rng):
    mixed = np.where(renewed == 1, frame["channel"].str.upper(), frame["channel"]).astype(object)
    frame["channel"] = mixed


# Rows

def _copies(frame, paid, rng):
    import pandas as pd

    again = rng.choice(len(frame), size=len(frame) // 2, replace=False)
    return pd.concat([frame, frame.iloc[again]]).sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)


def _near_copies(frame, paid, rng):
    import pandas as pd

    again = frame.iloc[rng.choice(len(frame), size=len(frame) // 2, replace=False)].copy()
    again["cover"] = np.round(again["cover"] * (1 + 1e-4 * rng.normal(size=len(again))), 2)  # typed in again
    frame.insert(0, "entry", np.arange(len(frame)) * 3 + 1)
    again.insert(0, "entry", np.arange(len(again)) * 3 + 3 * len(frame) + 1)
    return pd.concat([frame, again]).sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)


def _oversampled(frame, renewed, rng):
    import pandas as pd

    rare = np.flatnonzero((renewed == 1) & (rng.random(len(renewed)) < 0.25))
    common = np.flatnonzero(renewed == 0)
    again = rng.choice(rare, size=max(len(common) - len(rare), 1))  # "balanced" before it was split
    whole = pd.concat([frame.iloc[common], frame.iloc[rare], frame.iloc[again]])
    return whole.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True)


def _same_customer(frame, paid, rng):
    """Ten rows of a customer share the customer's own level, which no feature explains."""
    customers = max(len(frame) // 10, 2)
    who = rng.integers(customers, size=len(frame))
    level = rng.normal(0, 0.9, size=customers)
    for name in ("age", "town", "years", "cover"):
        frame[name] = frame[name].to_numpy()[who]
    frame["paid"] = np.round(700.0 * np.exp(level[who] + 0.15 * rng.normal(size=len(frame))), 2)
    frame.insert(0, "customer", np.array([f"C{one:05d}" for one in rng.permutation(90_000)[:customers]], dtype=object)[who])


_LEAKS = (
    _regression("copy", "copy", ("settled_amount",), "the same amount from a second system", _copy),
    _regression("other unit", "copy", ("paid_eur_thousand",), "the amount in another currency, rounded", _other_unit),
    _regression("monotone", "copy", ("severity_index",), "an index computed from the amount", _monotone),
    _regression("estimate", "copy", ("adjuster_estimate",), "an estimate entered when the bill had come", _estimate),
    _regression("band", "copy", ("payment_band",), "the amount in twenty bands with shuffled names", _band),
    _regression("in text", "copy", ("note",), "a letter that quotes the amount", _in_text),
    _regression("with gaps", "copy", ("vat_reclaimed",),
                "a fifth of the amount, where it is filled in at all", _scaled_with_gaps),
    _regression("class of the amount", "copy", ("large_claim",),
                "a flag set by the amount, for the audit", _class_of_amount),
    _regression("two parts", "combination", ("parts_cost", "labour_cost"),
                "two columns whose sum is the target", _two_parts),
    _regression("ratio", "combination", ("loss_ratio",), "the target divided by another column", _ratio),
    _classes("word for the class", "copy", ("status_code",), "the class under its code", _word_for_class),
    _classes("many words for the class", "copy", ("closing_code",), "nine codes for each class", _many_words_for_class),
    _classes("exclusive or", "combination", ("check_a", "check_b"),
             "two flags, each harmless, together the class", _exclusive_or),
    _classes("score of a model", "copy", ("retention_score",),
             "another model's score, trained on these rows", _model_score),
    _regression("number in order", "identifier", ("claim_no",),
                "numbers were given after sorting by the amount", _sorted_number),
    _classes("check digit", "identifier", ("policy",), "the last digit of an identifier tells the class", _suffix),
    _classes("number blocks", "identifier", ("record_id",),
             "the classes come from two systems with their own ranges", _blocks),
    _classes("row order", "row order", (), "the file is sorted by class", _order),
    _classes("reason", "missing", ("reason_for_leaving",), "filled in only for those who left", _reason),
    _classes("later date", "missing", ("cancelled_on",), "a date that exists only after the outcome", _later_date),
    _classes("since last seen", "known later", ("days_since_last_login",),
             "counted at export, when those who left were gone", _since_last),
    _classes("default value", "known later", ("satisfaction",),
             "-1 is entered when nobody could be asked any more", _default_word),
    _regression("running total", "known later", ("payments_so_far",),
                "a customer's total that includes this row's amount", _running_total),
    _regression("mean of few", "encoding", ("street_mean_paid",),
                "the target's mean by street, this row included", _target_mean),
    _classes("leave-one-out mean", "encoding", ("town_rate_without_this",), "the mean without this row: its own class, mirrored",
             _leave_one_out),
    _classes("spelling", "encoding", ("channel",),
             "one clerk, who writes in capitals, handled one class", _written_otherwise),
    _regression("copies", "repeated rows", (), "rows loaded twice", _copies),
    _regression("near copies", "repeated rows", (),
                "rows typed in again under a new number, with small differences", _near_copies),
    _classes("oversampled", "repeated rows", (), "the rare class was repeated before anything was split", _oversampled),
    _regression("customers", "groups", ("customer",),
                "many rows of one customer, who is in training and test", _same_customer),
)


# ---------------------------------------------------------------------------------------------------------------------
# Honest tables that tempt

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
    _regression("nothing special", "none", (), "", _nothing),
    _classes("nothing special, two classes", "none", (), "", _nothing),
    _regression("a law", "none", (), "the target follows from honest columns almost exactly", _law),
    _regression("an honest number", "none", (), "numbers given at random", _honest_number),
    _regression("a number and a trend", "none", (), "numbers in time order, amounts with inflation", _number_and_trend),
    _classes("informative gaps", "none", (), "missing twice as often in one class", _informative_gaps),
    _classes("coarse columns", "none", (), "equal rows by right", _coarse),
    _regression("a strong category", "none", (), "a product that decides the price level", _strong_category),
    _regression("sorted by date", "none", (), "exports are", _by_day),
    _regression("independent customers", "none", (), "a customer number without an effect", _independent_customers),
    _classes("notes", "none", (), "numbers in free text that say nothing", _notes),
    _classes("a rare class", "none", (), "60 rows of one class, and a rare value", _rare_class),
)
