"""The input contract of a served model: its fields, what each takes, and errors that name row and field.

    contract = Contract(model)
    frame = contract.frame([{"mileage": 120000, "fuel": "Diesel", …}, …])      or  BadRows, with one Problem for each mistake

The JSON schema promises less than is accepted: a number field also reads "£8,000" or "186005 km" where the training data
was written so, but the schema names only plain numbers. Whoever follows the schema is never refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from homespun.base.errors import DataError, did_you_mean
from homespun.persist.runner.project import text_of

LARGEST = 1e15  # no quantity of a table is larger; beyond it sums lose their units, and answers their meaning
MOST_PROBLEMS = 20  # that are listed in one answer


@dataclass(frozen=True)
class Field:
    """One field of a row.

    Attributes
    ----------
    name : str
    kind : {"number", "flag", "date", "text"}
    unit : str
        Of a number: "km", "£"; or "".
    choices : tuple of str
        A flag's words; of a text the commonest values, others are taken, too.
    low, high : float or None
        Where nine tenths of the training numbers lie.
    format : str
        Of a date, in the words of `datetime.strptime`.
    example : object
        A value of the training data.
    nullable : bool
        Whether the value may be unknown.
    """

    name: str
    kind: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    format: str = ""
    example: Any = None
    nullable: bool = True

    def word(self, value: bool) -> str:
        """The word of a flag that is given as true or false."""
        return self.choices[0] if value else self.choices[1] if len(self.choices) > 1 else ""

    def json_schema(self) -> dict[str, Any]:
        """What the field takes, as JSON schema."""
        said: dict[str, Any] = {"title": self.name}
        if self.kind == "number":
            unit = f" in {self.unit}" if self.unit else ""
            said |= {"type": ["number", "null"] if self.nullable else "number", "minimum": -LARGEST, "maximum": LARGEST,
                     "description": f"A number{unit}{'; null where unknown' if self.nullable else ''}."}
        elif self.kind == "flag":
            said |= {"enum": [*self.choices, True, False, None], "description": "One of these words; null where unknown."}
        elif self.kind == "date":
            said |= {"type": ["string", "null"], "pattern": date_pattern(self.format),
                     "description": f"A date written as {in_words(self.format)}; null where unknown."}
        else:
            known = ", ".join(self.choices[:8])
            known = f", such as {known}" if known else ""
            said |= {"type": ["string", "number", "null"], "maxLength": 100_000, "pattern": "^[^\\u0000]*$", "minimum": -LARGEST,
                     "maximum": LARGEST, "description": f"Text{known}; null where unknown."}
        if self.example is not None:
            said["examples"] = [self.example]
        return said


_DIRECTIVES = {"Y": "(19|20)[0-9]{2}", "m": "(0[1-9]|1[0-2])", "d": "(0[1-9]|1[0-9]|2[0-8])", "H": "([01][0-9]|2[0-3])",
               "M": "[0-5][0-9]", "S": "[0-5][0-9]", "y": "[0-9]{2}", "I": "(0[1-9]|1[0-2])", "p": "(AM|PM)", "f": "[0-9]{6}",
               "b": "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)", "z": "[+]0[0-9]00",
               "B": "(January|February|March|April|May|June|July|August|September|October|November|December)"}


def date_pattern(form: str) -> str:
    """A regular expression of texts that the `strptime` format reads; days after the 28th are read, too, but not named.

    >>> date_pattern("%d/%m/%Y")
    '^(0[1-9]|1[0-9]|2[0-8])/(0[1-9]|1[0-2])/(19|20)[0-9]{2}$'
    """
    def said(match):
        return _DIRECTIVES.get(match[1], ".*") if match[1] else re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", match[2])

    return "^" + re.sub(r"%([A-Za-z])|([^%])", said, form) + "$"


_WORDS = {"Y": "year", "y": "year", "m": "month", "d": "day", "b": "month", "B": "month", "H": "hour", "I": "hour", "M": "minute",
          "S": "second", "f": "fraction", "p": "AM", "z": "zone"}


def in_words(form: str) -> str:
    """A `strptime` format as people say it.

    >>> in_words("%d.%m.%Y %H:%M")
    'day.month.year hour:minute'
    """
    return re.sub(r"%([A-Za-z])", lambda match: _WORDS.get(match[1], match[0]), form)


@dataclass(frozen=True)
class Problem:
    """One mistake in a request: where, what is wrong, and the value."""

    where: tuple[Any, ...]  # ("rows", 3, "mileage")
    message: str
    value: Any = None

    def as_json(self) -> dict[str, Any]:
        shown = self.value if isinstance(self.value, (str, int, float, bool, type(None))) else type(self.value).__name__
        if isinstance(shown, float) and not math.isfinite(shown):
            shown = str(shown)
        return {"loc": list(self.where), "msg": self.message, "type": "contract", "input": shown}

    def as_note(self) -> dict[str, Any]:
        """Of something that is no mistake."""
        return {"loc": list(self.where), "msg": self.message}


class BadRows(DataError):
    """Rows that do not fit the contract; `.problems` has one entry for each mistake."""

    def __init__(self, problems: list[Problem]):
        first = problems[0]
        super().__init__(f"{'.'.join(map(str, first.where))}: {first.message}", operation="predict",
                         operands={"field": first.where[-1], "value": first.value}, rule="rows that fit the contract")
        self.problems = problems


@dataclass
class Contract:
    """Fields of a model, in the order of the training data. Made from a `Project` or from any estimator of ours."""

    target: str
    task: str
    classes: list | None
    fields: dict[str, Field] = field(default_factory=dict)

    @classmethod
    def of(cls, model) -> Contract:
        """The contract of a model."""
        from homespun.tabular import Project

        if isinstance(model, Project):
            return cls(model.target, model.task, model.classes, _project_fields(model))
        names = getattr(model, "feature_names_in_", None)
        count = getattr(model, "n_features_in_", None)
        if count is None or not hasattr(model, "predict"):
            kind = type(model).__name__
            raise DataError(f"a {kind} cannot be served: it predicts nothing, or was not fitted", operation="serve",
                            operands={"model": kind}, rule="a fitted model with predict")
        names = [str(name) for name in names] if names is not None else [f"x{i}" for i in range(count)]
        classes = getattr(model, "classes_", None)
        fields = {name: Field(name, "number", example=0, nullable=_takes_nan(model)) for name in names}
        if classes is None:
            return cls("prediction", "regression", None, fields)
        return cls("prediction", "classification", np.asarray(classes).tolist(), fields)

    def as_json(self) -> dict[str, Any]:
        """For GET /schema."""
        return {"target": self.target, "task": self.task, "classes": self.classes,
                "fields": [{**asdict(one), "choices": list(one.choices)} for one in self.fields.values()]}

    def row_schema(self) -> dict[str, Any]:
        """JSON schema of one row."""
        return {"type": "object", "title": "Row", "additionalProperties": False, "required": list(self.fields),
                "properties": {name: one.json_schema() for name, one in self.fields.items()}}

    def problems_of(self, rows: list[dict], at: int = 0) -> list[Problem]:
        """Missing and unknown fields, and values of a JSON type that no field of this kind takes."""
        if self._plainly_fits(rows):
            return []
        found: list[Problem] = []
        for i, row in enumerate(rows, start=at):
            for name in self.fields:
                if name not in row:
                    found.append(Problem(("rows", i, name), "this field is missing; send null where the value is unknown"))
            for name, value in row.items():
                known = self.fields.get(name)
                if known is None:
                    hint = did_you_mean(name, [one for one in self.fields if one not in row])
                    found.append(Problem(("rows", i, name), f"the model has no field {name!r}" + (f"; {hint}" if hint else "")))
                elif (wrong := _wrong_type(known, value)) is not None:
                    found.append(Problem(("rows", i, name), wrong, value))
            if len(found) >= MOST_PROBLEMS:
                break
        return found[:MOST_PROBLEMS]

    def _plainly_fits(self, rows: list[dict]) -> bool:
        """Whether nothing is wrong, found out column by column: a quarter of the time that a look at each value takes.

        False where it takes such a look; `_wrong_type` is the rule.
        """
        names = self.fields.keys()
        if not all(row.keys() == names for row in rows):
            return False
        for name, known in self.fields.items():
            values = [row[name] for row in rows]
            kinds = set(map(type, values))
            if not kinds <= _PLAIN[known.kind] or (type(None) in kinds and not known.nullable):
                return False
            words = {value for value in values if type(value) is str} if str in kinds else set()
            if any(len(word) > 100_000 or "\x00" in word for word in words):
                return False
            if int in kinds or float in kinds:
                if str in kinds:
                    values = [None if type(value) is str else value for value in values]
                numbers = np.array(values, dtype=np.float64)  # None is NaN
                outside = np.count_nonzero(~(np.abs(numbers) <= LARGEST))  # NaN, too
                if outside > values.count(None):
                    return False
        return True

    def frame(self, rows: list[dict]):
        """The rows as a dataframe of raw columns, as a file would have them."""
        import pandas as pd

        columns = {}
        for name, one in self.fields.items():
            values = [row[name] for row in rows]
            if one.kind == "flag":
                values = [one.word(value) if isinstance(value, bool) else value for value in values]
            elif one.kind == "text":  # each by itself: what a number is read as must not depend on the other rows
                values = [text_of(float(value)) if isinstance(value, (int, float)) else value for value in values]
            if one.kind == "number" and all(isinstance(value, (int, float)) or value is None for value in values):
                columns[name] = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
            else:
                columns[name] = pd.Series(values, dtype=object)
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


# types that a field of this kind takes as a rule; others, and bad values of these, are looked at one by one
_PLAIN: dict[str, set[type]] = {"number": {int, float, str, type(None)}, "flag": {bool, str, type(None)},
                                "date": {str, type(None)}, "text": {int, float, str, type(None)}}


def _wrong_type(known: Field, value) -> str | None:
    if value is None:
        return None if known.nullable else "must not be null: this model takes no unknown values"
    if isinstance(value, (list, dict)):
        return f"must be one value, got {'a list' if isinstance(value, list) else 'an object'}"
    if isinstance(value, bool):
        return None if known.kind == "flag" else f"must be {_wanted(known)}, got {str(value).lower()}"
    if isinstance(value, (int, float)) and not -LARGEST <= value <= LARGEST:  # NaN, too
        return f"must be a finite number between {-LARGEST:g} and {LARGEST:g}"
    if isinstance(value, str) and len(value) > 100_000:
        return f"is a text of {len(value):,} characters; at most 100,000 are read"
    if isinstance(value, str) and "\x00" in value:
        return "holds a null character"
    if known.kind == "date" and not isinstance(value, str):
        return f"must be {_wanted(known)}, got {value!r}"
    return None


def _takes_nan(model) -> bool:
    from sklearn.utils import get_tags

    return hasattr(model, "__sklearn_tags__") and get_tags(model).input_tags.allow_nan


def _wanted(known: Field) -> str:
    if known.kind == "number":
        return f"a number{f' in {known.unit}' if known.unit else ''}"
    if known.kind == "flag":
        return " or ".join(map(repr, known.choices))
    if known.kind == "date":
        return f"a date written as {in_words(known.format)}"
    return "text"


def _project_fields(project) -> dict[str, Field]:
    used = set(project.features_)
    fields = {}
    for name, recipe in project.recipes_.items():
        parts = [part for part in (name, project._split_of(name, recipe)) if part in used]
        if name == project.target or not parts:
            continue
        before = project.reference_.get(name) or {}
        example = next((value for value in project._sample.get(name, []) if value is not None), None)
        kind = recipe["kind"]
        if kind == "number":
            edges = before.get("edges") or [None]
            unit = recipe.get("unit") or recipe.get("suffix") or recipe.get("currency") or ""
            example = example if isinstance(example, (int, float)) else edges[len(edges) // 2]
            if isinstance(example, float):
                example = float(f"{example:.6g}")  # the middle of two numbers may be 4.744999999999999
            if isinstance(example, float) and example.is_integer():
                example = int(example)  # 2018, not 2018.0
            fields[name] = Field(name, "number", unit=unit, low=edges[0], high=edges[-1], example=example)
        elif kind == "flag":
            words = [str(word) for word in (recipe["on"], recipe["off"], *recipe.get("not_stated", ())) if word]
            fields[name] = Field(name, "flag", choices=tuple(dict.fromkeys(words)), example=words[0])
        elif kind == "date":
            fields[name] = Field(name, "date", format=recipe["format"], example=None if example is None else str(example))
        else:
            fields[name] = Field(name, "text", choices=tuple(str(value) for value in before.get("values", ())),
                                 example=None if example is None else str(example))
    return fields
