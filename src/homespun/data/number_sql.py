"""Numbers in texts, in SQL: what a text may be, by regular expressions, and the number in it, by one expression.

The twin of `quantities`, whose functions read one text and are its oracle.
"""

from __future__ import annotations

from homespun.data import engine
from homespun.data.quantities import UNITS

BLANKS = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680"
BLANKS += "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
GROUPS = "'\u2019 \u00a0\u202f"  # stand between thousands
NUMBER = f"[0-9](?:[0-9.,{GROUPS}]*[0-9.,])?|[.,][0-9]+"
PLAIN = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?"
NUMBERISH = f"[-+\u2212]?\\s*[^0-9\\s.,+\u2212-]{{0,4}}\\s*[-+\u2212]?([0-9][0-9.,{GROUPS}]*|\\.[0-9]+)"
NUMBERISH += "([eE][-+]?[0-9]{1,3})?\\s*[^0-9]{0,20}"
DATEISH = "^([0-9]{1,4}[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ][0-9]{1,4}|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4})"
DATEISH += "|^([0-9]{4}[-/][0-9]{1,2}|[0-9]{1,2}/[0-9]{4}|[A-Za-z]{3,9}[- ][0-9]{4})$"


def number_sql(text: str, recipe: dict, examples: list[str]) -> tuple[str, str]:
    """SQL for the number in a text, and for whether the split word follows it; the twin of `quantities.quantity_value`.

    `examples` holds one text of each shape: what none of them has (a minus, thousands, other units) is not asked for.

    >>> import duckdb
    >>> from homespun.data.recipe import plain_number
    >>> recipe = plain_number() | {"currency": "GBP"}
    >>> duckdb.sql(f"SELECT {number_sql('t', recipe, ['£-9,999.9'])[0]} FROM (SELECT '£-8,000.5' AS t)").fetchall()
    [(-8000.5,)]
    """
    signs = set("".join(examples))
    power = "([eE][-+]?[0-9]{1,3})?" if signs & {"e", "E"} else ""
    thousands = "," if recipe["decimal"] == "." else "."
    number = text
    if not signs <= set("0123456789.," + GROUPS):
        number = f"regexp_extract({text}, {engine.text(f'({NUMBER}){power}')})"
    for sign in sorted(signs & set(GROUPS + thousands)):
        number = f"replace({number}, {engine.text(sign)}, '')"
    if recipe["decimal"] == "," and "," in signs:
        number = f"replace({number}, ',', '.')"
    value = f"CAST({number} AS DOUBLE)"
    if signs & {"-", "\u2212"}:
        value = f"{value} * CASE WHEN regexp_matches({text}, '^[^0-9.,]*[-\u2212]') THEN -1 ELSE 1 END"
    after = f"lower(trim(regexp_extract({text}, '([^0-9]*)$', 1), {engine.text(BLANKS + '.,')}))"
    if recipe["unit"] and recipe["unit"].lower() in UNITS:
        family, base = UNITS[recipe["unit"].lower()]
        there = {
            example.rstrip(".").lower().lstrip("0123456789.,-+\u2212" + BLANKS + "'\u2019") for example in examples
        }
        others = [
            (word, factor)
            for word, (kind, factor) in UNITS.items()
            if kind == family and factor != base and word in there
        ]
        if others:
            cases = " ".join(
                f"WHEN {engine.text(word)} THEN ({value}) * {factor!r} / {base!r}" for word, factor in others
            )
            value = f"CASE {after} {cases} ELSE {value} END"
    if not recipe["split"]:
        return value, "0.0"
    word = engine.text(recipe["split"].lower())
    return value, f"CASE WHEN {text} IS NULL THEN NULL WHEN {after} = {word} THEN 1.0 ELSE 0.0 END"
