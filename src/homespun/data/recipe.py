"""A recipe says how the raw values of one column become typed ones. It is learned once and applied to every later table.

    {"kind": "number", "unit": "km", "decimal": ".", …}   {"kind": "flag", "on": "ON", …}   {"kind": "date", "format": …}
    {"kind": "text"}   {"kind": "empty"}

Texts are parsed once per distinct value. What does not fit is an error that names value and row, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.base.errors import DataError
from homespun.data.dates import learn_date, parse_dates
from homespun.data.flags import flag_value, learn_flag, three_state
from homespun.data.missing import gone_words, kept_words, missing_words
from homespun.data.quantities import learn_quantity, quantity_value
from homespun.data.table import Decision


@dataclass(frozen=True)
class Settings:
    """What a user may know about the columns; None is found out.

    Attributes
    ----------
    decimal : {".", ","} or None
    missing : collection of str or None
        The words that mean "no value here", instead of the usual ones.
    date_order : {"day", "month"} or None
        What comes first in "01/02/2024".
    """

    decimal: str | None = None
    missing: frozenset[str] | None = None
    date_order: str | None = None


def learn_recipe(
    name: str, column, *, kind: str | None = None, found=None, settings: Settings = Settings()
) -> tuple[dict, list[Decision]]:
    """The recipe of a pandas column, with the decisions behind it.

    `kind` forces "number", "flag", "date" or "text"; `found` is ``distinct(column)``, if it is at hand; `settings` is what the
    user knows.
    """
    if column.dtype.kind in "iufb":
        if column.isna().all():
            return {"kind": "empty"}, [Decision(name, "empty", None, "no value at all")]
        if kind == "text":
            return {"kind": "text", "missing": []}, [Decision(name, "text", None, "as asked")]
        if column.dtype.kind == "b":
            return {"kind": "flag", "on": "True", "off": "False", "not_stated": []}, []
        return plain_number(), []
    if column.dtype.kind == "M":
        return {"kind": "date", "format": "%Y-%m-%d", "words": [], "missing": []}, []
    values, codes = distinct(column) if found is None else found
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    if settings.missing is None:
        missing = missing_words(values)
    else:
        wanted = {word.lower() for word in settings.missing}
        missing = {value for value in values if not value or value.lower() in wanted}
    decisions = []
    words = sorted(word for word in missing if word)
    if words:
        rows = sum(int(count) for value, count in zip(values, counts) if value in missing and value)
        decisions.append(Decision(name, "missing", words, f"{rows} of {len(codes)} values"))
    kept = [(value, int(count)) for value, count in zip(values, counts) if value not in missing]
    if not kept:
        return {"kind": "empty"}, decisions + [Decision(name, "empty", None, "no value at all")]
    texts, rows_of = [value for value, _ in kept], [count for _, count in kept]

    recipe: dict | None = None
    why: list[tuple] = []
    if kind in (None, "flag"):
        recipe = learn_flag(texts) if len(texts) <= 8 else None
        if recipe:
            shown = {text: flag_value(text, recipe) for text in texts}
            why = [("flag", shown, f"only {', '.join(repr(text) for text in texts)}")]
    if recipe is None and kind in (None, "number"):
        recipe, why = learn_quantity(texts, rows_of, point=settings.decimal)
    if recipe is None and kind in (None, "date"):
        recipe, doubt = learn_date(texts, rows_of, order=settings.date_order)
        if recipe:
            why = [("date", recipe["format"], doubt or f"fits all {len(texts)} distinct values, such as {texts[0]!r}")]
        elif doubt:
            why = [("text", "ambiguous date", doubt)]
    if recipe is None and kind not in (None, "text"):
        raise DataError(
            f"column {name!r} cannot be read as {kind}: "
            f"{'; '.join(evidence for *_, evidence in why) or 'its values do not fit'}, "
            f"such as {texts[0]!r}",
            operation="read",
            operands={"column": name, "kind": kind},
            rule=f"every value a {kind}",
        )
    if recipe is None:
        recipe = {"kind": "text"}
    recipe["missing"] = sorted(missing)
    if settings.missing is not None:
        recipe["missing_only"] = True
    elif recipe["kind"] == "text" and (words := kept_words(texts)):
        recipe["kept"] = words
    return recipe, decisions + [Decision(name, *note) for note in why]


def plain_number() -> dict:
    """The recipe of a column that came as numbers."""
    return {
        "kind": "number",
        "decimal": ".",
        "currency": "",
        "unit": "",
        "suffix": "",
        "split": "",
        "words": [],
        "missing": [],
    }


def apply_recipe(name: str, column, recipe: dict, found=None) -> dict:
    """The typed columns (name → array) that `recipe` makes of a raw pandas column.

    Raises
    ------
    DataError
        A value does not fit: named with its row, counted from 1.
    """
    kind = recipe["kind"]
    if kind == "empty":
        return {name: np.full(len(column), np.nan)}
    if column.dtype.kind in "iufb":
        return _from_numbers(name, column, recipe)
    if column.dtype.kind == "M":
        if kind == "date":
            return {name: column.to_numpy().astype("datetime64[us]")}
        column = column.astype(str)
    values, codes = distinct(column) if found is None else found
    missing = gone_words(values, recipe)
    if kind == "date":
        missing |= set(recipe["words"])
    present = [value not in missing for value in values]

    if kind == "text":
        table = np.array([value if here else None for value, here in zip(values, present)] + [None], dtype=object)
        return {name: table[codes]}
    if kind == "date":
        parsed = np.full(len(values) + 1, np.datetime64("NaT"), dtype="datetime64[us]")
        at = np.flatnonzero(present)
        if at.size:
            parsed[at] = parse_dates([values[i] for i in at], recipe["format"]).to_numpy().astype("datetime64[us]")
        _refuse(name, values, codes, [i for i in at if np.isnat(parsed[i])], f"a date such as {recipe['format']!r}")
        return {name: parsed[codes]}

    numbers = np.full(len(values) + 1, np.nan)
    followed = np.full(len(values) + 1, np.nan)
    wrong = []
    for i, (value, here) in enumerate(zip(values, present)):
        if not here:
            continue
        if kind == "flag":
            number = flag_value(value, recipe)
            if number is None:
                wrong.append(i)
            else:
                numbers[i] = number
        else:
            pair = quantity_value(value, recipe)
            if pair is None:
                wrong.append(i)
            else:
                numbers[i], followed[i] = pair
    wanted = f"{recipe['on']!r} or {recipe['off']!r}" if kind == "flag" else number_words(recipe)
    _refuse(name, values, codes, wrong, wanted)
    columns = {name: whole(numbers[codes])}
    if kind == "number" and recipe["split"]:
        columns[split_name(name, recipe)] = followed[codes]
    return columns


def split_name(name: str, recipe: dict) -> str:
    """Name of the flag column for the word that follows some of the numbers: "engine (Turbo)"."""
    return f"{name} ({recipe['split']})"


def distinct(column) -> tuple[list[str], np.ndarray]:
    """Distinct stripped texts of a column in order of appearance, and for each row its index (-1: missing)."""
    import pandas as pd

    codes, raw = pd.factorize(column.to_numpy(dtype=object, na_value=None), use_na_sentinel=True)
    first: dict[str, int] = {}
    where = np.empty(len(raw) + 1, dtype=np.int64)
    for i, value in enumerate(raw):
        where[i] = first.setdefault(_text(value), len(first))
    where[-1] = -1
    return list(first), where[codes]


def _text(value) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # 3.0 and "3" are the same category
    return str(value).strip()


def _from_numbers(name, column, recipe):
    kind = recipe["kind"]
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise DataError(
            f"column {name!r} holds infinity in row {row + 1}",
            operation="read",
            operands={"column": name, "row": row + 1},
            rule="finite numbers, or blanks",
        )
    if kind == "text":
        values = np.array(
            [
                None if number != number else _text(value)
                for number, value in zip(numbers, column.to_numpy(dtype=object))
            ],
            dtype=object,
        )
        return {name: values}
    if kind == "date":
        if np.isnan(numbers).all():
            return {name: np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[us]")}
        raise DataError(
            f"column {name!r} holds numbers, but dates such as {recipe['format']!r} are expected",
            operation="read",
            operands={"column": name},
            rule="a date",
        )
    if kind == "flag":
        if column.dtype.kind == "b":
            return {name: np.where(numbers == 1.0, 1.0, -1.0 if three_state(recipe) else 0.0)}
        allowed = (1.0, 0.0, -1.0) if three_state(recipe) else (1.0, 0.0)
        outside = ~np.isnan(numbers) & ~np.isin(numbers, allowed)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise DataError(
                f"column {name!r} must hold {recipe['on']!r} or {recipe['off']!r}, got {numbers[row]:g} in row {row + 1}",
                operation="read",
                operands={"column": name, "row": row + 1, "value": float(numbers[row])},
                rule=f"one of {allowed}",
            )
    columns = {name: whole(numbers)}
    if kind == "number" and recipe["split"]:
        columns[split_name(name, recipe)] = np.where(np.isnan(numbers), np.nan, 0.0)
    return columns


def whole(numbers: np.ndarray) -> np.ndarray:
    """int64 where nothing is missing and nothing has decimals."""
    # most columns with decimals have one among the first
    if numbers.size and are_whole(numbers[:1000]) and are_whole(numbers):
        return numbers.astype(np.int64)
    return numbers


def are_whole(numbers: np.ndarray) -> bool:
    """Whether an int64 holds each of them exactly; a gap is none."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(numbers) < 2**53).all() and (numbers == np.rint(numbers)).all())


def number_words(recipe) -> str:
    """What a column of numbers must hold, for an error."""
    unit = recipe["unit"] or recipe["suffix"] or recipe["currency"]
    return f"a number{f' in {unit}' if unit else ''}" + (
        " with ',' as decimal point" if recipe["decimal"] == "," else ""
    )


def _refuse(name, values, codes, wrong, wanted) -> None:
    if not len(wrong):
        return
    row = int(np.flatnonzero(codes == wrong[0])[0]) + 1
    rows = int(np.isin(codes, wrong).sum())
    raise DataError(
        f"column {name!r} must hold {wanted}, got {values[wrong[0]]!r} in row {row}"
        + (f" (and {rows - 1} more rows)" if rows > 1 else ""),
        operation="read",
        operands={"column": name, "row": row, "value": values[wrong[0]]},
        rule=wanted,
        suggestion="write it in the same way as the data that the model was trained on, or leave it blank",
    )
