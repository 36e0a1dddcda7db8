"""The words that mean "no value here"."""

from __future__ import annotations

MISSING = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "?",
        ".",
        "n/a",
        "#n/a",
        "n.a.",
        "na",
        "<na>",
        "null",
        "none",
        "nan",
        "nil",
        "(null)",
        "#value!",
        "#ref!",
    }
)


def is_missing(text: str) -> bool:
    """Whether a stripped text stands for a missing value.

    >>> is_missing("n/a"), is_missing("-"), is_missing("-5")
    (True, True, False)
    """
    return text.lower() in MISSING


def missing_words(values: list[str]) -> set[str]:
    """The entries of `values` (distinct, stripped) that stand for "missing" in this column.

    "NA" among two-letter codes is Namibia, not a gap: where ten or more other values are two capitals, it is kept.
    """
    found = {text for text in values if is_missing(text)}
    codes = sum(len(text) == 2 and text.isalpha() and text.isupper() for text in values if text not in found)
    if "NA" in found and codes >= 10 and codes >= 0.9 * (len(values) - len(found)):
        found.discard("NA")
    return found


def kept_words(values: list[str]) -> list[str]:
    """The words that are no gap in a column with these values, though they are elsewhere: what its recipe keeps.

    >>> kept_words(["DE", "FR", "GB", "US", "ES", "IT", "PL", "SE", "NO", "FI"]), kept_words(["red", "blue"])
    (['NA'], [])
    """
    return sorted({"NA"} - missing_words(list(dict.fromkeys([*values, "NA"]))))


def gone_words(values: list[str], recipe: dict) -> set[str]:
    """The entries of `values` (distinct, stripped) that stand for "missing" in a column with this recipe.

    One row alone is read as in a table of thousands: the recipe decides, not the other rows.
    """
    if recipe.get("missing_only"):
        return set(recipe["missing"]) | {""}
    return set(recipe.get("missing", ())) | {text for text in values if is_missing(text)} - set(recipe.get("kept", ()))
