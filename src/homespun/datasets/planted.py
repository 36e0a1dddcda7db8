"""Tables with one planted leak each: what a leak detector is measured on.

A leak is knowledge of the target that will not be there when the model is used: a copy of the target under another name,
an identifier given in the order of the target, a repeated row in training and test, a value that is only entered once
the outcome is known. The kinds follow Kaufman, Rosset, Perlich & Stitelman 2012, "Leakage in data mining" (ACM TKDD 6(4))
and Kapoor & Narayanan 2023, "Leakage and the reproducibility crisis" (Patterns 4(9), table 1).

These tables, and the honest ones in `honest`, were written before any detector: one that finds them was not made to fit them.
"""

from __future__ import annotations

import numpy as np

from homespun.datasets.claims import PlantedLeak, made, with_amount, with_classes


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
    return made(_LEAKS, n, random_state)


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
    with_amount("copy", "copy", ("settled_amount",), "the same amount from a second system", _copy),
    with_amount("other unit", "copy", ("paid_eur_thousand",), "the amount in another currency, rounded", _other_unit),
    with_amount("monotone", "copy", ("severity_index",), "an index computed from the amount", _monotone),
    with_amount("estimate", "copy", ("adjuster_estimate",), "an estimate entered when the bill had come", _estimate),
    with_amount("band", "copy", ("payment_band",), "the amount in twenty bands with shuffled names", _band),
    with_amount("in text", "copy", ("note",), "a letter that quotes the amount", _in_text),
    with_amount("with gaps", "copy", ("vat_reclaimed",),
                "a fifth of the amount, where it is filled in at all", _scaled_with_gaps),
    with_amount("class of the amount", "copy", ("large_claim",),
                "a flag set by the amount, for the audit", _class_of_amount),
    with_amount("two parts", "combination", ("parts_cost", "labour_cost"),
                "two columns whose sum is the target", _two_parts),
    with_amount("ratio", "combination", ("loss_ratio",), "the target divided by another column", _ratio),
    with_classes("word for the class", "copy", ("status_code",), "the class under its code", _word_for_class),
    with_classes("many words for the class", "copy", ("closing_code",), "nine codes for each class", _many_words_for_class),
    with_classes("exclusive or", "combination", ("check_a", "check_b"),
                 "two flags, each harmless, together the class", _exclusive_or),
    with_classes("score of a model", "copy", ("retention_score",),
                 "another model's score, trained on these rows", _model_score),
    with_amount("number in order", "identifier", ("claim_no",),
                "numbers were given after sorting by the amount", _sorted_number),
    with_classes("check digit", "identifier", ("policy",), "the last digit of an identifier tells the class", _suffix),
    with_classes("number blocks", "identifier", ("record_id",),
                 "the classes come from two systems with their own ranges", _blocks),
    with_classes("row order", "row order", (), "the file is sorted by class", _order),
    with_classes("reason", "missing", ("reason_for_leaving",), "filled in only for those who left", _reason),
    with_classes("later date", "missing", ("cancelled_on",), "a date that exists only after the outcome", _later_date),
    with_classes("since last seen", "known later", ("days_since_last_login",),
                 "counted at export, when those who left were gone", _since_last),
    with_classes("default value", "known later", ("satisfaction",),
                 "-1 is entered when nobody could be asked any more", _default_word),
    with_amount("running total", "known later", ("payments_so_far",),
                "a customer's total that includes this row's amount", _running_total),
    with_amount("mean of few", "encoding", ("street_mean_paid",),
                "the target's mean by street, this row included", _target_mean),
    with_classes("leave-one-out mean", "encoding", ("town_rate_without_this",),
                 "the mean without this row: its own class, mirrored", _leave_one_out),
    with_classes("spelling", "encoding", ("channel",),
                 "one clerk, who writes in capitals, handled one class", _written_otherwise),
    with_amount("copies", "repeated rows", (), "rows loaded twice", _copies),
    with_amount("near copies", "repeated rows", (),
                "rows typed in again under a new number, with small differences", _near_copies),
    with_classes("oversampled", "repeated rows", (), "the rare class was repeated before anything was split", _oversampled),
    with_amount("customers", "groups", ("customer",),
                "many rows of one customer, who is in training and test", _same_customer),
)
