"""What is worth knowing about a table before a model sees it: constants, identifiers, free text, rows and columns twice.

Each finding is a `Decision`; nothing is removed because of it (the trainer decides, and says so).

Cost: a look at 2,000 values per column, and at all of them where that look leaves it open; rows are compared by a 64-bit
hash, for tables of up to twenty million cells.
"""

from __future__ import annotations

import re

import numpy as np

from homespun.data.table import Decision

_DAY_AND_MONTH = re.compile(
    r"\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d\d"
)
LOOK = 2_000
CELLS = 20_000_000
_NAMED = ("id", "key", "uuid", "guid", "nr", "no", "number", "code", "index", "reference")


def find(frame, recipes: dict[str, dict]) -> list[Decision]:
    """The findings about a typed frame."""
    found: list[Decision] = []
    rows = len(frame)
    for name in frame.columns:
        column = frame[name]
        if rows < 2 or recipes.get(name, {}).get("kind") == "empty":
            continue
        one = _constant(column)
        if one is not None:
            found.append(Decision(name, "constant", one, f"all {rows:,} values are the same"))
        elif rows >= 10 and (why := _identifier(str(name), column, recipes.get(name, {}))):
            found.append(Decision(name, "identifier", None, why))
        elif rows >= 10 and (why := _free_text(column)):
            found.append(Decision(name, "free text", None, why))
        elif damaged := _spreadsheet_dates(column):
            found.append(
                Decision(name, "spreadsheet dates", damaged, "a spreadsheet seems to have made dates of what was typed")
            )
    if rows >= 2 and rows * max(frame.shape[1], 1) <= CELLS:
        found += _twice(frame)
    return found


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def _constant(column):
    """The only value of a column without gaps, or None."""
    first = column.iloc[0]
    if first is None or first != first or column.iloc[1] != first:
        return None
    return _plain(first) if bool((column == first).all()) else None


def _identifier(name: str, column, recipe: dict) -> str:
    """Why a column names rows, or ""."""
    rows = len(column)
    head = column.iloc[:LOOK]
    if (
        head.duplicated().any()
        or head.isna().any()
        or column.dtype.kind in "fMb"
        or recipe.get("unit")
        or recipe.get("currency")
    ):
        return ""
    if column.dtype.kind in "iu":
        values = column.to_numpy()
        steps = np.diff(values)
        if (steps == 1).all():
            return f"counts from {values[0]} to {values[-1]}"
        words = name.lower().replace("_", " ").replace("-", " ").split()
        named = any(word in _NAMED for word in words) or name.lower().endswith("id") or name.endswith("Nr")
        return (
            f"{rows:,} whole numbers, each once, under a name like an identifier's"
            if named and column.is_unique
            else ""
        )
    texts = [text for text in head if isinstance(text, str)]
    if (
        not texts
        or np.mean([len(text.split()) for text in texts]) > 2
        or not any(any(sign.isdigit() for sign in text) for text in texts)
    ):
        return ""
    return f"{rows:,} codes, each once, such as {texts[0]!r}" if column.is_unique else ""


def _spreadsheet_dates(column) -> list[str]:
    """ "4-May" where "4-5" was typed: words of that form in a column of few different ones."""
    if column.dtype.kind in "iufbM":
        return []
    words = column.iloc[:LOOK].dropna().unique()
    like = [word for word in words if isinstance(word, str) and _DAY_AND_MONTH.fullmatch(word)]
    return sorted(like)[:5] if like and len(words) <= 50 else []


def _free_text(column) -> str:
    if column.dtype.kind in "iufbM":
        return ""
    texts = [text for text in column.iloc[:LOOK] if isinstance(text, str)]
    if len(texts) < 10:
        return ""
    words = float(np.mean([len(text.split()) for text in texts]))
    different = len(set(texts)) / len(texts)
    return (
        f"{words:.0f} words on average, {different:.0%} of the texts differ" if words >= 4 and different > 0.5 else ""
    )


def _twice(frame) -> list[Decision]:
    import pandas as pd

    found = []
    # texts are dear to compare: only the rows that are alike in all else are
    others = [name for name in frame.columns if frame[name].dtype.kind in "iufbM"]
    alike = np.ones(len(frame), dtype=bool)
    if others:
        alike = pd.util.hash_pandas_object(frame[others], index=False).duplicated(keep=False).to_numpy()
    again = pd.util.hash_pandas_object(frame[alike], index=False).duplicated().to_numpy()
    if again.any():
        count, first = int(again.sum()), int(np.flatnonzero(alike)[again.argmax()]) + 1
        found.append(
            Decision(
                None, "duplicate rows", count, f"of {len(frame):,} are like an earlier one; the first is row {first}"
            )
        )
    seen: dict[int, str] = {}
    for name in frame.columns:
        column = frame[name]
        if column.isna().all() or _constant(column) is not None:
            continue
        mark = hash(tuple(pd.util.hash_pandas_object(column.iloc[: 10 * LOOK], index=False).tolist()))
        if mark in seen and column.equals(frame[seen[mark]]):
            found.append(
                Decision(name, "duplicate column", seen[mark], f"all {len(frame):,} values are those of {seen[mark]!r}")
            )
        seen.setdefault(mark, name)
    return found
