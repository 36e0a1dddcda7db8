"""Ages: a thing is as old as it is on the day that is asked about, not as old as it was when the model was made.

    age = day - since               day: the row's own (it was listed, sold, seen then); in a table without one, the day asked
    seen = since + (reference - day) = reference - age          what the model gets: a date, as if it were asked on `reference`

`since` are dates and years at which something began or ends: registered, built, born, due. A day of the row (a listing, a sale)
is none of them: it stays what it is, and ages are counted to it, so that an old listing is as old as it was, whoever asks when.
A table without a day of the row has one day for all of them, which is stored in the model, the `reference`:

    current table       (its last day or year lies at most 400 days back)  the day of training: whoever asks at once gets the
                        ages that were compared in the folds, and from then on everything grows older with the calendar
    table of the past   its last day: the day of training says nothing about it

One constant for all rows tells no fold anything, so it needs no fold of its own; days of rows are known in each row.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from homespun.base.errors import ParameterError
from homespun.data.table import Decision

CURRENT = 400  # days: a table that ends less long ago is one of today
_BEGAN = re.compile(r"(?i)(^|[ _])(erst)?(regist|zulassung|build|built|baujahr|birth|born|dob|geburt|manufact|mfg|produc|prod|"
                    r"construct|found|hire|join|since|commission|vintage|due|expir|until|valid|inspection|tuv|tüv)")
_YEAR = re.compile(r"(?i)(^|[ _])(year|yr|jahr|baujahr|vintage)([ _]|$|of)")


def today() -> datetime.date:
    """The only place that looks at the calendar."""
    return datetime.datetime.now(datetime.UTC).date()


def find_ages(frame, plan, time: str | None = None) -> dict[str, Any]:
    """{"columns": {name: "date" or "year"}, "moment": day of the row or None, "reference": ISO day, "current": bool}; adds to
    the plan's decisions. Plain data, for the model file."""
    dates = [name for name in frame.columns if frame[name].dtype.kind == "M" and (name in plan.dates or name == time)]
    columns = {name: "date" for name in plan.dates if _BEGAN.search(_words(name))}
    columns |= {name: "year" for name in plan.numbers if _holds_years(name, frame[name])}
    days = [name for name in dates if name not in columns]
    days = [time] if time in dates else sorted(days, key=lambda name: bool(frame[name].isna().any()))  # one without gaps first
    if not columns or (time is not None and time not in dates):  # folds by another number: nobody knows its days
        return {"columns": {}, "moment": None, "reference": None, "current": False}
    now = np.datetime64(today(), "D")
    last = _last_day(frame, [days[0]] if days else list(columns), columns, now)
    current = bool(int((now - last) / np.timedelta64(1, "D")) <= CURRENT)
    reference = str(now if current and not days else last)
    for name in columns:
        if days:
            said = Decision(name, "age", f"to {days[0]!r}", "a row is asked about on its own day")
        elif current:
            said = Decision(name, "age", f"to {reference}", f"the table ends on {last}, so it is a current one: predict and "
                            "serve count to the day on which they are asked, --as-of to another one")
        else:
            said = Decision(name, "age", f"to {reference}", "where the table ends: as long ago as that, it says nothing about "
                            "today, and predict and serve count to the same day; --as-of today, or any day, to change it")
        plan.decisions.append(said)
    return {"columns": columns, "moment": days[0] if days else None, "reference": reference, "current": current}


def count_to(frame, ages: dict[str, Any], columns: dict[str, np.ndarray], as_of: str | None = None) -> None:
    """Replace the columns of `ages` (days since 1970, or years) by what they would have been on the reference day."""
    if not ages or not ages["columns"]:
        return
    reference = np.datetime64(ages["reference"], "D")
    day = np.full(len(frame), np.datetime64(as_of or ages["reference"], "us"))
    if ages["moment"] in frame.columns:
        own = frame[ages["moment"]].to_numpy().astype("datetime64[us]")
        day = np.where(np.isnat(own), day, own)
    for name, kind in ages["columns"].items():
        if kind == "year":  # whole years: a car of 2015 is one year older on every first of January
            columns[name] = columns[name] + (_year(reference) - _year(day))
        else:
            columns[name] = columns[name] + (reference.astype(np.float64) - day.astype("datetime64[D]").astype(np.float64))


def day_of(as_of, operation: str = "predict") -> str:
    """An ISO day of what a user gives: a text, a date, "today".

    Raises
    ------
    ParameterError
        It is no day.
    """
    if isinstance(as_of, str) and as_of.lower() == "today":
        return str(today())
    try:
        if isinstance(as_of, (int, float)):
            raise ValueError
        day = np.datetime64(as_of, "D")
        if np.isnat(day) or not 1677 < _year(day) < 2263:
            raise ValueError
    except (ValueError, TypeError):
        raise ParameterError(f"{operation}: as_of must be a day such as '2026-03-31', or 'today', got {as_of!r}",
                             operation=operation, operands={"as_of": as_of}, rule="an ISO date, or 'today'") from None
    return str(day)


def door_day(ages: dict[str, Any], as_of=None, operation: str = "predict") -> str | None:
    """The day of a command or a server that is told none: today for a model of a current table. None: no day matters."""
    if as_of is not None:
        return day_of(as_of, operation)
    if not ages or not ages["columns"] or ages["moment"] is not None:
        return None
    return str(today()) if ages["current"] else ages["reference"]


def told_of(ages: dict[str, Any], as_of: str | None) -> str | None:
    """A sentence for who asks: to which day the ages are counted. None where no day matters."""
    if not ages or not ages["columns"] or ages["moment"] is not None:
        return None
    named = ", ".join(map(repr, ages["columns"]))
    day = as_of or ages["reference"]
    past = day == ages["reference"] and not ages["current"]
    why = "where the training data end" if past else f"the model's own day is {ages['reference']}"
    return f"the age in {named} is counted to {day} ({why}); as_of, or --as-of, names another day"


def _holds_years(name: str, column) -> bool:
    words = _words(name)
    if column.dtype.kind not in "iuf" or not (_YEAR.search(words) or _BEGAN.search(words)):
        return False
    values = column.dropna().to_numpy(np.float64)
    values = values[np.isfinite(values)]
    fits = (values == np.rint(values)) & (values >= 1900) & (values <= today().year + 1)
    return len(values) >= 10 and len(np.unique(values)) >= 3 and float(fits.mean()) >= 0.98


def _last_day(frame, names, columns, now) -> np.datetime64:
    """The last day of the table that is no typing error: none after today; of a year its last day."""
    last = []
    for name in names:
        if columns.get(name) == "year":
            values = frame[name].dropna().to_numpy(np.float64)
            values = values[values <= _year(now)]
            if len(values):
                last.append(min(np.datetime64(f"{int(values.max()):04d}-12-31", "D"), now))
        else:
            days = frame[name].dropna().to_numpy().astype("datetime64[D]")
            days = days[days <= now]
            if len(days):
                last.append(days.max())
    return max(last, default=now)


def _year(day):
    return day.astype("datetime64[Y]").astype(np.int64) + 1970


def _words(name) -> str:
    """ "yearOfRegistration", "Prod. year" → "year Of Registration", "Prod  year"."""
    return re.sub(r"[^0-9A-Za-zÀ-ÿ]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)))
