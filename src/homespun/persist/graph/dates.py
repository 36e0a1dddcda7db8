"""Dates, as days since 1970-01-01: their parts by the civil calendar; ages; flags.

    days + 719468 = 146097 era + doe          an era is 400 years from 1 March 0000; doe: day of the era
    yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)          year of the era

H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days. All in doubles: whole numbers of this size are exact.
"""

from __future__ import annotations

import numpy as np

from homespun.persist.graph.builder import Column, Matrix, form, no_form
from homespun.persist.graph.categories import spellings


class _Formula:
    """A tensor in formulas: arithmetic adds nodes."""

    def __init__(self, g, tensor):
        self.g, self.tensor = g, tensor

    def _with(self, kind, other):
        return _Formula(self.g, self.g.op(kind, self.tensor, other.tensor if isinstance(other, _Formula) else float(other)))

    def __add__(self, other):
        return self._with("Add", other)

    def __sub__(self, other):
        return self._with("Sub", other)

    def __mul__(self, other):
        return self._with("Mul", other)

    def __truediv__(self, other):
        return self._with("Div", other)

    def __floordiv__(self, other):
        quotient = self / other
        return _Formula(self.g, self.g.op("Floor", quotient.tensor))

    def __le__(self, other):
        """1 or 0."""
        return _Formula(self.g, self.g.double(self._with("LessOrEqual", other).tensor))


def civil(day: _Formula) -> dict[str, _Formula]:
    """Year, month, day of the month and of the year of whole days since 1970."""
    day_ = day + 719468
    era = day_ // 146097
    doe = day_ - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (yoe * 365 + yoe // 4 - yoe // 100)  # from 1 March
    mp = (doy * 5 + 2) // 153
    early = mp <= 9
    month = mp - 9 + early * 12
    year = yoe + era * 400 + (month <= 2)
    before = year - 1
    january = before * 365 + before // 4 - before // 100 + before // 400 - 719162  # days from 1970 to 1 January
    return {"year": year, "month": month, "day": doy - (mp * 153 + 2) // 5 + 1, "day_of_year": day - january + 1}


@form
def date_parts(g, spec, X):
    parts = []
    for j, column in enumerate(g.columns(X)):
        days = _Formula(g, g.number(column))
        whole = days // 1
        week = whole + 3
        found = civil(whole) | {
            "weekday": week - (week // 7) * 7,  # 1970-01-01 was a Thursday
            "hour": ((days - whole) * 24.0 + 1e-9) // 1,
            "age": days * -1.0 + float(spec["reference"][j]),
        }
        parts += [Matrix(found[name].tensor, 1) for name in spec["parts"]]
    return g.side_by_side(parts)


def add_ages(g, ages, features, typed) -> None:
    """Dates and years whose age counts, as on the reference day, where each row has a day of its own: see `runner.project`."""
    if not ages or not ages["columns"] or ages["moment"] not in typed:
        return
    reference = np.datetime64(ages["reference"], "D")
    own = g.op("Floor", g.number(typed[ages["moment"]]))
    own = _Formula(g, g.op("Where", g.op("IsNaN", own), float(reference.astype(np.int64)), own))
    year = int(reference.astype("datetime64[Y]").astype(np.int64)) + 1970
    for name, kind in ages["columns"].items():
        now = _Formula(g, g.number(features[name]))
        added = civil(own)["year"] * -1.0 + year if kind == "year" else own * -1.0 + float(reference.astype(np.int64))
        features[name] = Column(name, (now + added).tensor, False)


@form
def flags(g, spec, X):
    """ON, OFF, NotAvailable → 1, -1, 0, in any usual spelling."""
    parts = []
    for column in g.columns(X):
        if column.text is False:
            parts.append(Matrix(g.number(column), 1))
            continue
        column = g.text(column)
        values = {one: float(value) for word, value in spec["values"].items() for one in spellings(word)}
        values |= {one: np.nan for word in spec["missing"] if word not in spec["values"] for one in spellings(word)}
        values[""] = np.nan
        g.words.setdefault(column.name, set()).update(spec["values"])
        g.strict |= bool(spec["strict"])
        found = g.op("LabelEncoder", column.tensor, domain="ai.onnx.ml", keys_strings=list(values),
                     values_int64s=list(range(len(values))), default_int64=len(values))
        table = np.array(list(values.values()) + ([] if spec["strict"] else [np.nan]))
        parts.append(Matrix(g.op("Gather", table, found), 1))
    if not parts:
        raise no_form(spec, "no column is left for it")
    return g.side_by_side(parts)
