"""Dates: find the one format that fits every value of a column.

A column that fits two formats with different results stays text. A month ("2024-03") is its first day; "2003-04", "2004-05",
… are seasons, and stay text.
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
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
    "%b %Y",
    "%b-%Y",
    "%B %Y",
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
_LOOKS = re.compile(
    r"^(\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{1,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})(?!\d)"
    r"|^(\d{4}[-/]\d{1,2}|\d{1,2}/\d{4}|[A-Za-z]{3,9}[- ]\d{4})$"
)


def looks_like_date(text: str) -> bool:
    """A cheap test before the formats are tried."""
    return bool(_LOOKS.match(text))


def parse_dates(values, form: str):
    """`values` (texts, or None) as a DatetimeIndex (NaT where `form` does not fit), UTC without a zone."""
    import pandas as pd

    texts = pd.Series(values, dtype="str")
    parsed = pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form))
    if parsed.tz is not None:
        parsed = parsed.tz_localize(None)
    # strptime takes "3/4/0016" as year 16 and "31-12-20" by %Y as year 20: a four-digit year is demanded
    four_digits = texts.str.contains(r"(?:^|[^0-9])[0-9]{4}(?:[^0-9]|$)", regex=True).fillna(False)
    return parsed.where(four_digits.to_numpy(dtype=bool))


def learn_date(values: list[str], counts: list[int], *, order: str | None = None) -> tuple[dict | None, str | None]:
    """The recipe of a date column from its distinct texts and their counts, or None; and what should be said, or None.

    `order` ("day" or "month") settles what comes first where both fit.

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
        if (":" in values[0]) != (":" in time) or ("T" in time) != bool(re.search(r"\dT\d", values[0])):
            continue
        for day in _DAYS:
            between = next((sign for sign in values[0] if sign in "-/. "), "")
            if day[2] != between or parse_dates(values[:5], day + time).isna().all():
                continue
            if len(values) > 2000 and parse_dates(values[:1000], day + time).isna().sum() > max(5, few):
                continue
            parsed = parse_dates(values, day + time)
            bad = [text for text, gap in zip(values, parsed.isna()) if gap]
            if not bad and not odd:
                fits.append((day + time, parsed))
            elif sum(count_of[text] for text in bad + odd) <= few:
                nearly.append((day + time, bad + odd))
    if fits and fits[0][0] == "%Y-%m" and all(int(text[-2:]) == (int(text[:4]) + 1) % 100 for text in values):
        return None, None  # a season, from one year to the next
    if not fits and len(nearly) == 1:
        form, unreadable = nearly[0]
        return {
            "kind": "date",
            "format": form,
            "words": unreadable,
        }, f"all but {len(unreadable)} unreadable, such as {unreadable[0]!r}"
    if not fits:
        return None, None
    settled = None
    if order is not None and len(fits) > 1:
        days_first = [bool(re.search("%d.*%m", form)) for form, _ in fits]
        chosen = [one for one, day_first in zip(fits, days_first) if day_first == (order == "day")]
        if chosen and len(chosen) < len(fits):
            settled = f"fits {' and '.join(repr(form) for form, _ in fits)}; the {order} comes first, as asked"
            fits = chosen
    first = fits[0][1]
    if any(not first.equals(other) for _, other in fits[1:]):
        return None, f"fits {' and '.join(repr(form) for form, _ in fits)}, with different days: kept as text"
    return {"kind": "date", "format": fits[0][0], "words": []}, settled or _order(values, fits[0][0])


def _order(values: list[str], form: str) -> str | None:
    """Which of day and month comes first, with the first value that tells; None where the format leaves no question."""
    if "%m" not in form or "%d" not in form or form.startswith("%Y"):
        return None
    day_first = form.index("%d") < form.index("%m")
    swapped = form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    wrong = parse_dates(values, swapped).isna()
    proof = values[int(wrong.argmax())] if wrong.any() else values[0]
    return f"fits all {len(values)} distinct values; the {'day' if day_first else 'month'} comes first, as in {proof!r}"
