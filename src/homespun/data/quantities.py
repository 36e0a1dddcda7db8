"""Numbers as people write them: "186005 km", "£8,000", "150.000 km", "2.0 Turbo", "1,5 l".

A column becomes a number only if one reading fits *every* value: one sign for the decimal point, one currency, units that
convert into each other. What is left over is either a few words that say "no number here", or the column stays text.

Not handled: negative numbers in parentheses, fractions, numbers written out.
"""

from __future__ import annotations

import re
from collections import Counter

from homespun.data.flags import NOT_STATED

# unit as written -> (unit, factor to it)
UNITS: dict[str, tuple[str, float]] = {}
for _unit, _words in {
    ("km", 1.0): "km kms kilometer kilometers kilometre kilometres",
    ("km", 1.609344): "mi mile miles",
    ("kg", 1.0): "kg kgs kilogram kilograms",
    ("kg", 0.001): "g gram grams",
    ("kg", 0.45359237): "lb lbs pounds",
    ("l", 1.0): "l litre litres liter liters",
    ("l", 0.001): "cc ccm cm³ ml",
    ("hp", 1.0): "hp bhp",
    ("hp", 0.98632): "ps",
    ("hp", 1.34102): "kw",
    ("m", 1.0): "m meter meters metre metres",
    ("m", 0.01): "cm",
    ("m", 0.001): "mm",
    ("m", 0.3048): "ft feet",
    ("%", 1.0): "% percent",
    ("mpg", 1.0): "mpg",
    ("year", 1.0): "year years yr yrs",
    ("day", 1.0): "day days",
}.items():
    for _word in _words.split():
        UNITS[_word] = _unit
CURRENCIES = {
    "£": "GBP",
    "gbp": "GBP",
    "$": "USD",
    "usd": "USD",
    "us$": "USD",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "¥": "JPY",
    "₹": "INR",
    "inr": "INR",
    "chf": "CHF",
    "sar": "SAR",
    "pln": "PLN",
    "zł": "PLN",
    "sek": "SEK",
    "nok": "NOK",
    "dkk": "DKK",
    "r$": "BRL",
    "cad": "CAD",
    "aud": "AUD",
}

_QUANTITY = re.compile(
    r"^(?P<sign>[-+\u2212]?)\s*(?P<before>[^0-9\s.,+\-\u2212]{1,4})?\s*(?P<sign2>[-+\u2212]?)"
    r"(?P<number>[0-9](?:[0-9.,]|['\u2019 \u00a0\u202f](?=[0-9]))*|\.[0-9]+)(?P<power>[eE][-+]?[0-9]{1,3})?"
    r"\s*(?P<after>[^0-9]{0,20})$"
)
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")  # most numbers: the quick way
_VALID = {  # how a number may be written, by the sign of its decimal point
    # 1,10,000: India
    ".": re.compile(r"^([0-9]+|[1-9][0-9]{0,2}(,[0-9]{3})+|[1-9][0-9]?(,[0-9][0-9])+,[0-9]{3})(\.[0-9]*)?$|^\.[0-9]+$"),
    ",": re.compile(r"^([0-9]+|[1-9][0-9]{0,2}(\.[0-9]{3})+)(,[0-9]*)?$|^,[0-9]+$"),
}
_SPACED = re.compile(r"^[1-9][0-9]{0,2}(['\u2019 \u00a0\u202f][0-9]{3})+([.,][0-9]*)?$")
UNREADABLE = 0.005  # share of rows
_BIG = 2**53  # whole numbers beyond do not fit a float64: such a column is a code, not a quantity


def split_quantity(text: str) -> tuple[str, str, str] | None:
    """(number, currency as written, unit as written) of a text, or None if it is not one number with words around it.

    >>> split_quantity("£8,000"), split_quantity("186005 km"), split_quantity("4x4")
    (('8,000', '£', ''), ('186005', '', 'km'), None)
    """
    if _PLAIN.fullmatch(text):
        return text, "", ""
    found = _QUANTITY.match(text)
    if not found:
        return None
    number, before, after = found["number"], (found["before"] or "").strip(), (found["after"] or "").strip()
    if found["sign"] and found["sign2"]:
        return None
    if before and before.lower() not in CURRENCIES:
        return None
    if any(space in number for space in "'\u2019 \u00a0\u202f"):
        if not _SPACED.match(number):
            return None
        number = re.sub(r"['\u2019 \u00a0\u202f]", "", number)
    currency = before
    if after.lower() in CURRENCIES:
        if before:
            return None
        currency, after = after, ""
    elif after.endswith(".") and after[:-1].lower() in UNITS:
        after = after[:-1]
    if after and not re.fullmatch(r"[^\W\d_][^\d]*|%", after):
        return None  # "5-door", "12:"
    sign = "-" if (found["sign"] or found["sign2"]) in ("-", "\u2212") else ""
    return sign + number + (found["power"] or ""), currency, after


def _digits(number: str) -> str:
    """Without sign and exponent."""
    number = number.lstrip("-")
    return number.lower().partition("e")[0] if "e" in number or "E" in number else number


def to_float(number: str, decimal: str) -> float | None:
    """The number under one convention, or None if it is not written that way."""
    digits = _digits(number)
    power = number.lstrip("-")[len(digits) :]
    if not _VALID[decimal].match(digits):
        return None
    thousands = "," if decimal == "." else "."
    value = float(digits.replace(thousands, "").replace(decimal, ".") + power)
    return -value if number.startswith("-") else value


def learn_quantity(
    values: list[str], counts: list[int], *, distinct: list[int] | None = None, point: str | None = None
) -> tuple[dict | None, list[tuple[str, object, str]]]:
    """The recipe of a number column from its distinct texts and how often each occurs.

    Parameters
    ----------
    values : list of str
        Distinct texts; or one for each shape of a text (the same but for its digits), which tells as much.
    counts : list of int
        Rows of each.
    distinct : list of int, optional
        Distinct texts that each value stands for; one if left out.
    point : {".", ","}, optional
        The decimal point, if it is known.

    Returns
    -------
    recipe : dict or None
        None: the column stays text; a note says why if it came close.
    notes : list of (kind, value, evidence)
    """
    first = values[:1000]
    if sum(split_quantity(text) is not None for text in first) < 0.1 * len(first):
        return None, []  # plainly text: the other hundred thousand descriptions need not be tried
    parts = [split_quantity(text) for text in values]
    rows = sum(counts)
    good = [(text, part, count) for text, part, count in zip(values, parts, counts) if part is not None]
    different = sum(many for many, part in zip(distinct or [1] * len(values), parts) if part is not None)
    bad = [(text, count) for text, part, count in zip(values, parts, counts) if part is None]
    good_rows = sum(count for _, _, count in good)
    if not good or good_rows < 0.5 * rows:
        return None, []
    notes: list[tuple[str, object, str]] = []

    few = UNREADABLE * rows  # so many rows may be unreadable; they count as missing, and it is said
    words: list[str] = []
    if bad:
        said = [text for text, _ in bad if text.lower() in NOT_STATED]
        others = [(text, count) for text, count in bad if text not in said]
        one_word = len({text.lower() for text, _ in others}) <= 1 and all(
            re.fullmatch(r"[^\W\d_][^\d]*", text) for text, _ in others
        )
        rare = sum(count for _, count in others) <= few
        if different < 10 or not (one_word or rare):
            shown = ", ".join(repr(text) for text, _ in others[:3])
            return None, [
                ("text", "not a number", f"{rows - good_rows} of {rows} values are not numbers, such as {shown}")
            ]
        words = [text for text, _ in bad]
        notes.append(("words as missing", sorted(words), f"{rows - good_rows} of {rows} values in a column of numbers"))

    # The decimal point: what fits every value (but for a few)
    def outside(decimal):
        return [one for one in good if not _VALID[decimal].match(_digits(one[1][0]))]

    fitting: list[str] = [sign for sign in point or ".," if not outside(sign)]
    if not fitting:
        decimal = min(point or ".,", key=lambda sign: sum(count for *_, count in outside(sign)))
        odd = outside(decimal)
        odd_rows = sum(count for *_, count in odd)
        if odd_rows > few:
            return None, [
                ("text", "mixed decimal signs", f"neither '.' nor ',' as decimal point fits all, as in {odd[0][0]!r}")
            ]
        good = [one for one in good if one not in odd]
        words += [text for text, *_ in odd]
        fitting = [decimal]
        notes.append(("unreadable", [text for text, *_ in odd], f"{odd_rows} of {rows} values: missing"))
    bare = sum(count for _, (_, _, unit), count in good if not unit)
    stray = [one for one in good if one[1][2]]
    if (
        stray and sum(count for *_, count in stray) <= few and bare
    ):  # a unit on one row of a thousand says nothing about the rest
        good = [one for one in good if not one[1][2]]
        words += [text for text, *_ in stray]
        notes.append(("unreadable", [text for text, *_ in stray], "a unit where nearly all others have none: missing"))
    good_rows = sum(count for *_, count in good)

    numbers = [part[0].lstrip("-") for _, part, _ in good]
    if any(re.fullmatch(r"0\d+", number) for number in numbers):
        return None, [("text", "code", "numbers with leading zeros are codes")]
    if any(len(number) >= 16 and number.isdigit() and int(number) > _BIG for number in numbers):
        return None, [("text", "code", "whole numbers of 16 digits and more are codes")]

    # Currency: one, or none
    currencies = Counter()  # type: Counter[str]
    units = Counter()  # type: Counter[str]
    for _, (_, currency, unit), count in good:
        currencies[CURRENCIES.get(currency.lower(), "")] += count
        units[unit] += count
    named = {name for name in currencies if name}
    if len(named) > 1:
        return None, [("text", "mixed currencies", ", ".join(f"{name} {currencies[name]}" for name in sorted(named)))]
    currency = named.pop() if named else ""

    # Unit: one family, or one extra word that becomes a flag of its own
    split_word, unit, suffix = "", "", ""
    written = {word for word in units if word}
    known = {word: UNITS[word.lower()] for word in written if word.lower() in UNITS}
    if written and len(known) == len(written):
        if len({family for family, _ in known.values()}) > 1:
            return None, [("text", "mixed units", ", ".join(f"{word} {units[word]}" for word in sorted(written)))]
        unit = max((word for word in units if word), key=lambda word: units[word])  # the first of the most frequent
        evidence = ", ".join(f"{count} × {word or 'no unit'}" for word, count in units.most_common())
        converted = {word for word in known if known[word] != known[unit]}
        notes.append(("unit", unit, evidence + (f"; {', '.join(sorted(converted))} converted" if converted else "")))
    elif written:
        lowered = {word.lower() for word in written}
        if len(lowered) > 1:
            return None, [("text", "different words after numbers", ", ".join(sorted(written)[:4]))]
        word = lowered.pop()
        if word == "k" or (units[""] == 0 and different < 10) or (units[""] and len(word) < 3):
            return None, [
                ("text", "word after numbers", f"{word!r} after {good_rows - units['']} of {good_rows} numbers")
            ]
        if units[""]:
            split_word = next(iter(written))
            notes.append(
                (
                    "split",
                    split_word,
                    f"{good_rows - units['']} of {good_rows} numbers are followed by it: its own flag",
                )
            )
        else:
            suffix = next(iter(written))
            notes.append(("unit", suffix, f"after all {good_rows} numbers"))

    # Both decimal signs fit: take what the unit makes likely, and say so
    plain = [_digits(number) for number in numbers]
    decimal = fitting[0]
    signed = [number for number in plain if "." in number or "," in number]
    if len(fitting) == 2 and signed:
        grouped = all(re.fullmatch(r"\d{1,3}([.,]\d{3})+", number) for number in signed)
        whole = bool(currency) or (unit and UNITS[unit.lower()][0] == "km")
        if grouped:
            sign = "." if "." in signed[0] else ","
            decimal = ("," if sign == "." else ".") if (whole or sign == ",") else "."
            notes.append(
                (
                    "decimal point",
                    decimal,
                    f"{sign!r} is always before three digits, as in {signed[0]!r}"
                    + (f", and {currency or unit} is not written to three decimals" if whole else ""),
                )
            )
    elif signed and (decimal == "," or any("," in number for number in signed)):
        notes.append(("decimal point", decimal, f"the only one that fits all, as in {signed[0]!r}"))
    if currency:
        unmarked = currencies[""] / max(good_rows, 1)
        kind = "currency on some only" if 0.05 < unmarked < 0.95 else "currency"
        notes.append(
            (kind, currency, ", ".join(f"{count} × {name or 'none'}" for name, count in currencies.most_common()))
        )
    recipe = {
        "kind": "number",
        "decimal": decimal,
        "currency": currency,
        "unit": unit,
        "suffix": suffix,
        "split": split_word,
        "words": words,
    }
    return recipe, notes


def quantity_value(text: str, recipe: dict) -> tuple[float, bool] | None:
    """(number, whether the split word follows it) under `recipe`; None if `text` does not fit it."""
    if recipe["decimal"] == "." and _PLAIN.fullmatch(text) and text not in recipe["words"]:
        return float(text), False  # most numbers: the same, in a fifth of the time
    if text in recipe["words"] or text.lower() in NOT_STATED:
        return float("nan"), False
    part = split_quantity(text)
    if part is None:
        return None
    number, currency, unit = part
    if currency and recipe["currency"] and CURRENCIES[currency.lower()] != recipe["currency"]:
        return None
    if currency and not recipe["currency"]:
        return None
    value = to_float(number, recipe["decimal"])
    if value is None:
        return None
    if not unit:
        return value, False
    if recipe["split"] and unit.lower() == recipe["split"].lower():
        return value, True
    if recipe["suffix"] and unit.lower() == recipe["suffix"].lower():
        return value, False
    if recipe["unit"] and unit.lower() in UNITS:
        family, factor = UNITS[unit.lower()]
        wanted, base = UNITS[recipe["unit"].lower()]
        if family == wanted:
            return (value if factor == base else value * factor / base), False
    return None
