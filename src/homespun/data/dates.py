"""Dates: find the one format that fits every value of a column.

A column that fits two formats with different results stays text.
"""

from __future__ import annotations

import re

_DAYS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
]
_TIMES = [
    "",
    " %H:%M",
    " %H:%M:%S",
    "T%H:%M",
    "T%H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M:%S.%f",
    " %H:%M:%S%z",
    "T%H:%M:%S%z",
    "T%H:%M:%S.%f%z",
    " %I:%M %p",
    " %I:%M:%S %p",
]
_LOOKS = re.compile(r"^(\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{1,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})(?!\d)")


def looks_like_date(text: str) -> bool:
    """A cheap test before the formats are tried."""
    return bool(_LOOKS.match(text))


def parse_dates(values: list[str], form: str):
    """`values` as a DatetimeIndex (NaT where `form` does not fit), UTC without a zone."""
    import pandas as pd

    # strptime takes "3/4/0016" as year 16 and "31-12-20" by %Y as year 20: a four-digit year is demanded
    parsed = pd.to_datetime(pd.Index(values, dtype=object), format=form, errors="coerce", utc="%z" in form)
    if parsed.tz is not None:
        parsed = parsed.tz_localize(None)
    four_digits = pd.Index([bool(re.search(r"(?<!\d)\d{4}(?!\d)", text)) for text in values])
    return parsed.where(four_digits.to_numpy())


def learn_date(values: list[str], counts: list[int]) -> tuple[dict | None, str | None]:
    """The recipe of a date column from its distinct texts and their counts, or None; and what should be said, or None.

    As for numbers, one value in 200 may be unreadable (a cut last line): it is listed in the recipe and counts as missing.
    """
    odd = [text for text in values if not looks_like_date(text)]
    count_of = dict(zip(values, counts))
    few = 0.005 * sum(counts)
    if not values or sum(count_of[text] for text in odd) > few or len(odd) == len(values):
        return None, None
    values = [text for text in values if looks_like_date(text)]
    fits, nearly = [], []
    for time in _TIMES:
        if (":" in values[0]) != (":" in time):
            continue
        for day in _DAYS:
            if parse_dates(values[:1], day + time).isna().any() and parse_dates(values[:5], day + time).isna().all():
                continue
            parsed = parse_dates(values, day + time)
            bad = [text for text, gap in zip(values, parsed.isna()) if gap]
            if not bad and not odd:
                fits.append((day + time, parsed))
            elif sum(count_of[text] for text in bad + odd) <= few:
                nearly.append((day + time, bad + odd))
    if not fits and len(nearly) == 1:
        form, unreadable = nearly[0]
        return {
            "kind": "date",
            "format": form,
            "words": unreadable,
        }, f"all but {len(unreadable)} unreadable, such as {unreadable[0]!r}"
    if not fits:
        return None, None
    first = fits[0][1]
    if any(not first.equals(other) for _, other in fits[1:]):
        return None, f"fits {' and '.join(repr(form) for form, _ in fits)}, with different days: kept as text"
    return {"kind": "date", "format": fits[0][0], "words": []}, None
