"""What the rest of a column must look like to be read as its sample was: one regular expression, and SQL for its values.

A number is written as    before  number  after    ("£8,000", "186005 km", "2.0 Turbo"). The pairs (before, after) of the
sample are the only ones that are foreseen, and so is its way to write numbers; a text outside is *not foreseen*, which sends
the column to `infer`, where every row counts. So a sample can be too narrow, but never wrong: whatever it foresees,
`quantities` would have read in the same way with all rows before its eyes.

Foreseen numbers: where only one decimal sign fits the sample, all that are written with it; where both fit ("1.234"), only
numbers that leave it open. Numbers with leading zeros, or of sixteen digits, never are (they may be codes).
"""

from __future__ import annotations

import re

from homespun.data import engine
from homespun.data.number_sql import GROUPS, NUMBER
from homespun.data.quantities import _VALID, UNITS, split_quantity

_PARTS = re.compile(rf"([^0-9.,]*)((?:{NUMBER})(?:[eE][-+]?[0-9]{{1,3}})?)([^0-9]*)")
MOST = 40  # pairs of what stands before and after
INTEGER = "0|[1-9][0-9]{0,14}"
PLAINEST = rf"[-+]?(({INTEGER})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{{1,3}})?"  # what a cast to DOUBLE reads as we do
BAD = "'inf'::DOUBLE"  # the mark of a text that was not foreseen


def plain_sql(text: str, value: str, gone: str, underscores: bool = True) -> str:
    """SQL for plain numbers: the cast of the text (`value`), and a look at the few texts that a cast takes too lightly ("007",
    "1_000", "nan"). `underscores`: there may be "_" in the texts.

    Nearly all numbers are settled by the first line, which asks for as little as it can: 1.0 s for 44 million numbers of which
    0.6 are the parser's, 1.35 where the cast was written three times and the gaps were asked for first."""
    whole = f" AND NOT contains({text}, '_')" if underscores else ""
    return (
        f"CASE WHEN {text} >= '1' AND {value} < 9007199254740992{whole} THEN {value} "
        f"WHEN {text} IS NULL OR {gone} THEN NULL "
        f"WHEN abs({value}) < 9007199254740992 AND regexp_full_match({text}, {engine.text(PLAINEST)}) THEN {value} "
        f"ELSE {BAD} END"
    )


def quantity_sql(text: str, recipe: dict, examples: list[str], gone: str, known: bool) -> tuple[str, str] | None:
    """SQL for the number in `text` and for whether the split word follows it; None where there is no simple pattern.

    Parameters
    ----------
    text : str
        SQL of the text.
    recipe : dict
        Of `quantities.learn_quantity`.
    examples : list of str
        One text of every shape of the sample.
    gone : str
        SQL: the text says that there is no number.
    known : bool
        The user said what the decimal sign is.

    >>> import duckdb
    >>> from homespun.data.recipe import plain_number
    >>> value, _ = quantity_sql("t", plain_number() | {"unit": "km"}, ["99 km", "9,999.5 km"], "t = '-'", False)
    >>> texts = "VALUES ('186,005 km'), ('-'), ('7 mi')"
    >>> duckdb.sql(f"SELECT {value} FROM ({texts}) AS texts(t)").fetchall()
    [(186005.0,), (None,), (inf,)]
    """
    decimal = recipe["decimal"]
    parts = []
    for example in examples:
        found = _PARTS.fullmatch(example)
        if not found or split_quantity(example) is None:
            return None
        parts.append(found.groups())
    pairs = sorted({(before, after) for before, _, after in parts})
    numbers = [number for _, number, _ in parts]
    if not pairs or len(pairs) > MOST or any("e" in number.lower() for number in numbers):
        return None
    either = "|".join(f"{re.escape(before)}(?:{_core(numbers, decimal, known)}){re.escape(after)}" for before, after in pairs)

    # what stands around goes, then what stands between thousands
    around = sorted({side for pair in pairs for side in pair if side}, key=lambda side: (-len(side), side))
    number = text
    if len(around) > 4:
        number = f"regexp_extract({text}, {engine.text(NUMBER)})"
    else:
        for side in around:
            number = f"replace({number}, {engine.text(side)}, '')"
    thousands = "," if decimal == "." else "."
    written = set("".join(numbers))
    for sign in sorted(written & set(GROUPS + thousands)):
        number = f"replace({number}, {engine.text(sign)}, '')"
    if decimal == "," and "," in written:
        number = f"replace({number}, ',', '.')"
    value = f"try_cast({number} AS DOUBLE)"
    minus = sorted({before for before, _ in pairs if "-" in before or "\u2212" in before})
    if minus:
        value = f"{value} * CASE WHEN {_any('starts_with', text, minus)} THEN -1 ELSE 1 END"
    words = {after: _word(after) for _, after in pairs}
    base = UNITS.get(recipe["unit"].lower())
    if base and any(UNITS.get(word, base) != base for word in words.values()):
        return None  # the commonest unit of all rows is the one that the others are converted to
    split = [after for after, word in words.items() if recipe["split"] and word == recipe["split"].lower()]
    fits = f"regexp_full_match({text}, {engine.text(either)})"
    lacking = f"CASE WHEN {text} IS NULL OR {gone} THEN NULL ELSE {BAD} END"
    followed = "0.0"
    if split:
        followed = f"CASE WHEN {text} IS NULL OR {gone} THEN NULL WHEN {_any('ends_with', text, split)} THEN 1.0 ELSE 0.0 END"
    return f"CASE WHEN {fits} THEN {value} ELSE {lacking} END", followed


def _word(after: str) -> str:
    """The unit as `quantities.split_quantity` would return it, in small letters; "" for none and for a currency."""
    found = split_quantity(f"1{after}")
    return found[2].lower() if found else ""


def _any(function: str, text: str, words: list[str]) -> str:
    return "(" + " OR ".join(f"{function}({text}, {engine.text(word)})" for word in words) + ")"


def _core(numbers: list[str], decimal: str, known: bool) -> str:
    """A regular expression for numbers that are written like these."""
    other = "," if decimal == "." else "."
    point, thousands = re.escape(decimal), re.escape(other)
    integer = INTEGER
    if any(other in number for number in numbers):
        integer += rf"|[1-9][0-9]{{0,2}}(?:{thousands}[0-9]{{3}}){{1,4}}"
    for sign in sorted(set("".join(numbers)) & set(GROUPS)):
        integer += rf"|[1-9][0-9]{{0,2}}(?:{re.escape(sign)}[0-9]{{3}}){{1,4}}"
    if not any(decimal in number for number in numbers):
        return integer
    plain = [re.sub(f"[{GROUPS}]", "", number) for number in numbers]
    if not known and all(_VALID[other].match(number) for number in plain):
        return rf"{integer}|[1-9][0-9]{{0,2}}{point}[0-9]{{3}}"  # open: thousands or thousandths
    return rf"(?:{integer})(?:{point}[0-9]*)?|{point}[0-9]+"


def date_sql(text: str, form: str, shapes: list[str], gone: str, bad: str) -> str | None:
    """SQL for the moment in `text`, where all shapes are digits and signs: DuckDB then reads what pandas does."""
    if "%z" in form or "%b" in form or "%B" in form or "%p" in form or "%f" in form or len(shapes) > MOST:
        return None
    if any(re.search(r"[^-0-9/.: T]", shape) for shape in shapes):
        return None
    either = "|".join(re.escape(shape).replace("9", "[0-9]") for shape in shapes)
    moment = f"coalesce(try_strptime({text}, {engine.text(form)}), {bad})"
    return (
        f"CASE WHEN regexp_full_match({text}, {engine.text(either)}) THEN {moment} "
        f"WHEN {text} IS NULL OR {gone} THEN NULL ELSE {bad} END"
    )
