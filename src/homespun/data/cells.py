"""What one cell looks like: a number, a date, a web address, a word. The sniffer, the search for the header and the repair
of broken rows all judge by it.

A `Profile` is what a column usually holds: shares of the kinds and of the shapes of its cells. The surprise of a cell is

    surprise(cell, column) = -log( 0.02 + 0.98 * (share of the cell's kind + share of its shape) / 2 )

in nats; a shape is the text with every digit as 9 and every run of letters as a: "28/01/2018" → "99/99/9999".

Not handled: digits other than 0-9 count as letters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

from homespun.data.missing import is_missing

_KINDS = [
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in [
        (
            "number",
            r"[-+\u2212]?(\d{1,3}([,.'\u2019 \u00a0\u202f]\d{3})+|\d+)([.,]\d*)?(e[-+]?\d{1,3})?"
            r"|[-+\u2212]?[.,]\d+(e[-+]?\d{1,3})?",
        ),
        (
            "quantity",
            r"[-+\u2212(]?\s?([$£€¥₹]|[a-z]{1,3}\$)\s?-?\d[\d.,' ]*(\)|[mk]|bn)?"
            r"|[-+]?\d[\d.,]*\s?([$£€¥%°]|[a-zµ]{1,3}(/[a-z0-9²³]{1,3})?)",
        ),
        ("time", r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?\s?([ap]\.?m\.?)?"),
        (
            "date",
            r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)"
            r"|\d{1,2}[- ]?[a-z]{3,9}\.?[- ]\d{2,4}|[a-z]{3,9}\.? \d{1,2},? \d{4})"
            r"([ t]\d{1,2}:\d\d(:\d\d(\.\d+)?)?\s?([ap]m)?(z|[-+]\d\d:?\d\d)?)?",
        ),
        ("address", r"[a-z][a-z0-9+.-]*://\S+|www\.\S+|[\w.+-]+@[\w-]+(\.[\w-]+)+|\d{1,3}(\.\d{1,3}){3}"),
        ("word", r"[\w$#@*+.\u00ad/-]+"),
        ("text", r"[\w\s.,'’&()/!?:%#*+°\"-]+"),
    ]
]
PROSE = frozenset({"word", "text", "other"})
TYPED = frozenset({"number", "quantity", "time", "date", "address"})


@lru_cache(1 << 16)
def kind_of(text: str) -> str:
    """The kind of a cell: empty, missing, number, quantity, time, date, address, word, text or other.

    >>> [kind_of(text) for text in ("", "1,234.5", "£8,000", "28/01/2018 10:30", "two words", "a|b")]
    ['empty', 'number', 'quantity', 'date', 'text', 'other']
    """
    text = text.strip()
    if not text:
        return "empty"
    if len(text) > 2000:
        return "text"
    if text[0] in "\"'" or text[-1] == '"':
        return "other"  # a quote that was not taken as one
    for kind, pattern in _KINDS:
        if pattern.fullmatch(text):
            return "missing" if kind in ("word", "text") and is_missing(text) else kind
    return "missing" if is_missing(text) else "other"


@lru_cache(1 << 16)
def shape_of(text: str) -> str:
    """Digits as 9, runs of letters as a; long texts by their beginning."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"[0-9]", "9", text.strip()[:60]))


class Profile:
    """What the cells of one column look like."""

    def __init__(self, cells: list[str]):
        self.kinds = Counter(map(kind_of, cells))
        self.shapes = Counter(map(shape_of, cells))
        self.count = max(len(cells), 1)
        full = self.count - self.kinds["empty"] - self.kinds["missing"]
        self.filled = full / self.count
        self.typed = sum(self.kinds[kind] for kind in TYPED) >= 0.8 * full > 0
        self.main = max(
            (kind for kind in self.kinds if kind not in ("empty", "missing")),
            key=self.kinds.__getitem__,
            default="empty",
        )
        # where no shape is common (names, remarks) the kind alone tells
        self.varied = not self.shapes or self.shapes.most_common(1)[0][1] < 0.3 * self.count
        self._surprise: dict[str, float] = {}

    def surprise(self, text: str) -> float:
        """How unexpected a cell is here, in nats: 0 for one that looks like all others, 3.9 for one like none."""
        found = self._surprise.get(text)
        if found is None:
            kind: float = self.kinds[kind_of(text)]
            shape = self.shapes[shape_of(text)]
            if kind_of(text) in PROSE:
                kind = max(kind, 0.5 * sum(self.kinds[other] for other in PROSE))
            like = kind / self.count if self.varied else (kind + shape) / (2 * self.count)
            if len(self._surprise) > 10_000:
                self._surprise.clear()
            found = self._surprise[text] = -math.log(0.02 + 0.98 * like)
        return found


def profiles(rows: list[list[str]], width: int) -> list[Profile]:
    """One profile per column, from the rows that have all fields."""
    return [Profile([row[column] for row in rows if len(row) == width]) for column in range(width)]
