"""Flags: columns with two states and perhaps a third that says "not stated".

    ON, OFF, NotAvailable  ->  1, -1, 0          yes, no  ->  1, 0
"""

from __future__ import annotations

PAIRS = [("on", "off"), ("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f"), ("ja", "nein"), ("oui", "non"),
         ("sí", "no"), ("si", "no"), ("sim", "não"), ("да", "нет"), ("enabled", "disabled"), ("present", "absent")]
NOT_STATED = frozenset({"notavailable", "not available", "not_available", "not-available", "unavailable", "unknown",
                        "not stated", "not specified"})


def learn_flag(values: list[str]) -> dict | None:
    """The recipe of a flag column from its distinct texts (missing ones taken out), or None if it is no flag.

    >>> learn_flag(["OFF", "ON", "NotAvailable"])
    {'kind': 'flag', 'on': 'ON', 'off': 'OFF', 'not_stated': ['NotAvailable']}
    """
    lowered = {text.lower() for text in values}
    for on, off in PAIRS:
        # One state alone ("yes" or a blank) is a flag too, but only where the other word is no other pair's.
        if not ({on, off} <= lowered and lowered - {on, off} <= NOT_STATED):
            continue
        spelled = {word: next(text for text in values if text.lower() == word) for word in (on, off)}
        return {"kind": "flag", "on": spelled[on], "off": spelled[off],
                "not_stated": sorted(text for text in values if text.lower() in NOT_STATED)}
    return None


def flag_value(text: str, recipe: dict) -> float | None:
    """The number that `text` stands for under `recipe`; None if it is no state of this flag."""
    lowered = text.lower()
    three = three_state(recipe)
    if lowered == recipe["on"].lower():
        return 1.0
    if lowered == recipe["off"].lower():
        return -1.0 if three else 0.0
    if lowered in NOT_STATED:
        return 0.0 if three else float("nan")
    return None


def three_state(recipe: dict) -> bool:
    """Whether "not stated" is a value of its own (then: 1, -1, 0) or the column is a plain yes or no (1, 0)."""
    return bool(recipe["not_stated"]) or recipe["on"].lower() == "on"
