"""The kinds of mess: one function each, that changes a `MessyTable` and writes down what it did.

Each says in words why it changed nothing, should that be so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from homespun.datasets.mess_table import Change, MessyTable, missing

TOKENS = ("-", "n/a", "?", "NULL", "", "#N/A", "None")
WORDS = ("negotiable", "see text", "unknown", "call us")  # what people type into a field for numbers
UNITS = {"km": r"mile|distance|km", "kg": r"weight|mass", "cm": r"height|length|width", "kWh": r"energy|power|load"}
MONEY = r"price|cost|amount|fee|levy|salary|income|pay|fare|tax|value"
FLAGS = (("Yes", "No"), ("ON", "OFF"), ("ja", "nein"), ("TRUE", "FALSE"), ("Y", "N"))
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%b %d, %Y", "%d-%b-%y")
NOTES = ("Nice one; see the photo.", "As new, hardly used", "Sold as seen, no “returns”", "Café price: ask!",
         "small scratch on the left")
NUMBERS = (int, float, np.integer, np.floating)
NOWHERE = np.empty(0, dtype=np.int64)


# ---------------------------------------------------------------- cells
def _outliers(table: MessyTable) -> str | None:
    for name in table.of_kind("number"):
        rows = table.some(table.filled(name))
        up = table.rng.random(rows.size) < 0.5
        table.change("outliers", name, rows, [value * 100 if large else value / 100
                                              for value, large in zip(table.columns[name][rows], up)])
    return "no column of numbers"


def _mixed_types(table: MessyTable) -> str | None:
    for name in table.of_kind("number"):
        rows = table.some(table.filled(name))
        table.change("mixed_types", name, rows, table.rng.choice(np.array(WORDS, dtype=object), size=rows.size))
    return "no column of numbers"


def _units(table: MessyTable) -> str | None:
    name = _number_column(table, "|".join(UNITS.values()))
    if name is None:
        return "no column of numbers is left"
    unit = next((unit for unit, words in UNITS.items() if re.search(words, name.lower())), "km")
    return _rewritten(table, "units", name, lambda value: f"{_plain(value)} {unit}")


def _money(table: MessyTable) -> str | None:
    name = _number_column(table, MONEY)
    if name is None:
        return "no column of numbers is left"
    return _rewritten(table, "money", name, lambda value: f"{'-' * (value < 0)}£{_plain(abs(value), ',')}")


def _number_column(table: MessyTable, words: str) -> str | None:
    """A column of numbers that no such mess has had: the first whose name says it, else the last."""
    free = [name for name in table.of_kind("number") if name not in table.used and table.filled(name, NUMBERS).size]
    return next((name for name in free if re.search(words, name.lower())), free[-1] if free else None)


def _plain(value, thousands: str = "") -> str:
    """A number as people write it: no exponent, no ".0"."""
    return f"{value:{thousands}.10f}".rstrip("0").rstrip(".")


def _rewritten(table: MessyTable, mess: str, name: str, write: Callable) -> str | None:
    table.used.add(name)
    rows = table.filled(name, NUMBERS)
    table.change(mess, name, rows, [write(value) for value in table.columns[name][rows]])
    return None


def _flags(table: MessyTable) -> str | None:
    for name in table.of_kind("flag"):
        yes, no = FLAGS[table.rng.integers(len(FLAGS))]
        table.change("flags", name, np.arange(table.length),
                     ["NotAvailable" if missing(value) else yes if value else no for value in table.columns[name]])
    return "no column of booleans"


def _mixed_dates(table: MessyTable) -> str | None:
    for name in table.of_kind("date"):
        rows = table.filled(name)
        forms = table.rng.integers(len(DATES), size=rows.size)
        table.change("mixed_dates", name, rows, [day.strftime(DATES[form])
                                                 for day, form in zip(table.columns[name][rows], forms)])
    return "no column of dates"


def _typos(table: MessyTable) -> str | None:
    for name in table.of_kind("text"):
        rows = np.array([row for row in table.filled(name, str) if len(table.columns[name][row]) >= 3], dtype=np.int64)
        if rows.size:
            rows = table.some(rows)
            table.change("typos", name, rows, [_mistype(value, table.rng) for value in table.columns[name][rows]])
    return "no column of text"


def _mistype(word: str, rng) -> str:
    at = int(rng.integers(len(word) - 1))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return (swapped, word[:at] + word[at + 1:], word[:at] + word[at] * 2 + word[at + 1:])[int(rng.integers(3))]


def _spaces(table: MessyTable) -> str | None:
    for name in table.of_kind("text"):
        rows = table.filled(name, str)
        if rows.size:
            rows = table.some(rows)
            forms = table.rng.integers(3, size=rows.size)
            table.change("spaces", name, rows, [(f" {value}", f"{value}  ", value.upper() + " ")[form]
                                                for value, form in zip(table.columns[name][rows], forms)])
    return "no column of text"


def _missing_tokens(table: MessyTable) -> str | None:
    for name in table.kinds:
        rows = table.filled(name)
        if rows.size:
            rows = table.some(rows)
            table.change("missing_tokens", name, rows, table.rng.choice(np.array(TOKENS, dtype=object), size=rows.size))
    return "no cell is filled"


# ---------------------------------------------------------------- columns, rows, header, file
def _constant(table: MessyTable) -> str | None:
    return _added(table, "constant", "source", ["web"] * table.length)


def _identifier(table: MessyTable) -> str | None:
    return _added(table, "identifier", "record_id", (1_000_000 + table.rng.permutation(table.length)).tolist())


def _free_text(table: MessyTable) -> str | None:
    picks = table.rng.integers(len(NOTES), size=table.length)
    calls = table.rng.integers(7_000_000, 8_000_000, size=table.length)
    return _added(table, "free_text", "notes", [f"{NOTES[pick]} call {call}" for pick, call in zip(picks, calls)])


def _added(table: MessyTable, mess: str, name: str, values: list) -> str | None:
    while name in table.columns:
        name += "_"
    table.columns[name] = np.array(values, dtype=object)
    table.changes.append(Change(mess, name, NOWHERE, np.array([None], dtype=object), np.array([name], dtype=object)))
    return None


def _duplicates(table: MessyTable) -> str | None:
    if not table.length:
        return "no row to repeat"
    originals = table.some(np.arange(table.length))
    for name, values in table.columns.items():
        table.columns[name] = np.concatenate([values, values[originals]])
    rows = np.arange(table.length, table.length + originals.size)
    table.changes.append(Change("duplicates", None, rows, originals.astype(object), rows.astype(object)))
    return None


def _ragged_header(table: MessyTable) -> str | None:
    styles = (lambda n: f" {n} ", str.upper, lambda n: n.replace("_", " ").title(), lambda n: f"{n} (new)", lambda n: n + "  ")
    names: dict[str, str] = {}
    for name in table.columns:
        new = styles[table.rng.integers(len(styles))](name)
        while new in names.values():
            new += " "
        names[name] = new
    if names:
        table.columns = {names[name]: values for name, values in table.columns.items()}
        table.changes.append(Change("ragged_header", None, NOWHERE, np.array(list(names), dtype=object),
                                    np.array(list(names.values()), dtype=object)))
    return "no column"


def _encoding(table: MessyTable) -> str | None:
    table.changes.append(Change("encoding", None, NOWHERE, np.array(["utf-8"], dtype=object),
                                np.array(["cp1252"], dtype=object)))
    return None


MESSES: dict[str, Callable[[MessyTable], str | None]] = {  # in the order in which they are applied
    "outliers": _outliers, "mixed_types": _mixed_types, "money": _money, "units": _units, "flags": _flags,
    "mixed_dates": _mixed_dates, "typos": _typos, "spaces": _spaces, "missing_tokens": _missing_tokens, "constant": _constant,
    "identifier": _identifier, "free_text": _free_text, "duplicates": _duplicates, "ragged_header": _ragged_header,
    "encoding": _encoding,
}
ADDED = ("constant", "identifier", "free_text")
