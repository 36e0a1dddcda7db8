"""The plan: what each column is good for, decided from the training rows and written down.

number, flag, date, category  -> features          constant, empty, identifier, free text  -> left out, with a reason
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homespun.data.table import Decision
from homespun.tabular.ages import count_to, find_ages
from homespun.tabular.preparation import FEW_TERMS, MANY_LEVELS, MANY_TERMS

_ROW_NAME = re.compile(r"(column\d+|unnamed.*|row(num(ber)?)?|no|nr|number|#|)")
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|index|idx|key|reference|ref|vin|link|url)$")


def _is_id_name(name: str) -> bool:
    """ "listing_id", "ID", "customerId"; not "paid"."""
    return bool(_ID_NAME.search(name.lower()) or re.search(r"[a-z]I[dD]$", name))


@dataclass
class Plan:
    """Columns by role."""

    numbers: list[str] = field(default_factory=list)  # flags too
    dates: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    many_levels: list[str] = field(default_factory=list)  # of the categories: those that get their mean target as well
    wordy: list[str] = field(default_factory=list)  # of those: their words are features, too
    left_out: dict[str, str] = field(default_factory=dict)
    ages: dict[str, Any] = field(default_factory=dict)  # of `tabular.ages`: which columns, counted to which day
    decisions: list[Decision] = field(default_factory=list)

    @property
    def features(self) -> list[str]:
        return self.numbers + self.dates + self.categories

    @property
    def since(self) -> list[str]:
        """The dates whose age counts."""
        return [name for name in self.dates if name in self.ages.get("columns", ())]

    @property
    def moments(self) -> list[str]:
        """The other dates: they are what they are."""
        return [name for name in self.dates if name not in self.since]

    @property
    def roles(self) -> dict[str, list[str]]:
        """The same as plain data, for the model file."""
        return {"numbers": list(self.numbers), "dates": list(self.dates), "categories": list(self.categories)}


def feature_frame(frame, roles: dict[str, list[str]], ages: dict[str, Any] | None = None, as_of: str | None = None):
    """The features as every model gets them: numbers as float64, dates as days since 1970, categories as text or NaN.

    Columns of `ages` as they would be on the reference day, when asked about on the day `as_of` (the reference by default).
    """
    import pandas as pd

    columns: dict = {}
    for name in roles["numbers"]:
        values = frame[name].to_numpy(dtype=np.float64)
        columns[name] = np.where(np.isinf(values), np.nan, values)  # no model can use infinity: as if it were missing
    for name in roles["dates"]:
        days = frame[name].to_numpy().astype("datetime64[us]")
        columns[name] = np.where(np.isnat(days), np.nan, days.astype(np.int64) / 86_400_000_000.0)
    count_to(frame, ages or {}, columns, as_of)
    for name in roles["categories"]:
        values = frame[name].to_numpy(dtype=object)
        columns[name] = pd.Series(
            np.array([np.nan if value is None or value != value else value for value in values], dtype=object),
            dtype=object,
        )
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def make_plan(frame, *, exclude: dict[str, str], time: str | None = None) -> Plan:
    """Roles of the columns of a typed frame. `exclude`: column → why it is no feature (the target, a group, …).

    `time`: the column that orders the folds.
    """
    plan = Plan()
    for name in frame.columns:
        if name in exclude:
            if exclude[name]:
                plan.left_out[name] = exclude[name]
                plan.decisions.append(Decision(name, "left out", exclude[name], "as asked"))
            continue
        role, evidence = _role(name, frame[name])
        if role in ("number", "date", "category"):
            getattr(plan, {"number": "numbers", "date": "dates", "category": "categories"}[role]).append(name)
            if role == "category":
                levels = int(frame[name].nunique())
                plan.decisions.append(Decision(name, "category", None, evidence))
                if levels > MANY_LEVELS:
                    plan.many_levels.append(name)
                    plan.decisions.append(Decision(name, "encoding", "mean target, too", f"{levels} levels are more than "
                                                   f"{MANY_LEVELS}; cross-fitted, so that no row sees its own target"))
                    words = frame[name].dropna().astype(str).str.count(r"[^\W_]+").mean()
                    if words >= 2.0:
                        plan.wordy.append(name)
                        plan.decisions.append(Decision(name, "words", "TF-IDF", f"its values are made of {words:.1f} words each: "
                                                       "those that go with the target are features, too, at most "
                                                       f"{FEW_TERMS}, {MANY_TERMS} for linear models; chosen in each fold by its "
                                                       "training rows"))
            if role == "number" and frame[name].dtype.kind == "f":
                endless = int(np.isinf(frame[name].to_numpy()).sum())
                if endless:
                    plan.decisions.append(Decision(name, "infinite values", endless, "taken as missing"))
        else:
            plan.left_out[name] = role
            plan.decisions.append(Decision(name, "left out", role, evidence))
    plan.ages = find_ages(frame, plan, time)
    return plan


def _role(name: str, column) -> tuple[str, str]:
    n = len(column)
    present = column[column.notna()]
    if len(present) == 0:
        return "empty", f"no value in {n} rows"
    distinct = int(present.nunique())
    if distinct == 1 and len(present) == n:
        return "constant", f"{str(present.iloc[0])!r} in every row"
    kind = column.dtype.kind
    if kind == "M":
        return "date", ""
    if kind in "iuf":
        if kind in "iu" and n >= 10 and distinct >= 0.9 * n:
            values = np.sort(present.to_numpy())
            if _is_id_name(name) or (
                _ROW_NAME.fullmatch(name.lower()) and distinct == n and values[-1] - values[0] == n - 1
            ):
                return "identifier", f"{distinct} different whole numbers in {n} rows, and its name"
        return "number", ""
    texts = present.astype(str)
    words = float(texts.str.count(r"[\s_]+").mean()) + 1.0
    share = distinct / len(present)
    if n >= 20 and share > 0.9:
        if words >= 3:
            return "free text", f"{distinct} different texts of {words:.0f} words in {len(present)} rows: hardly two are alike"
        return "identifier", f"{distinct} different texts in {len(present)} rows"
    if n >= 20 and share > 0.5:
        return "free text", f"{distinct} different texts in {len(present)} rows"
    return "category", f"{distinct} different texts in {len(present)} rows"


def duplicate_rows(frame) -> np.ndarray:
    """Mask of rows that repeat an earlier one exactly, where that cannot be chance; else none.

    A repeated row in training and test fold is a leak. But a table of few columns with few values has equal rows by right:
    so rows are only left out where most rows are unlike any other.
    """
    repeated = frame.duplicated(keep="first").to_numpy()
    return (
        repeated
        if repeated.sum() <= 0.5 * len(frame) and frame.nunique().max() > 0.5 * len(frame)
        else np.zeros(len(frame), dtype=bool)
    )
