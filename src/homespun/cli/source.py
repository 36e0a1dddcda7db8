"""What a command reads: a path, or ``-`` for the standard input; and decisions in plain words."""

from __future__ import annotations

import re
import sys

from homespun.base.errors import DataError


def given(source: str, operation: str) -> tuple[str | bytes, str]:
    """(what to read, its name for people).

    Raises
    ------
    DataError
        Nothing comes from the standard input.
    """
    if source != "-":
        return source, source
    data = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    if not data:
        raise DataError(f"{operation}: - is the standard input, and nothing comes from it; send a table there (cat cars.csv | "
                        f"homespun {operation} …), or name a file", operation=operation, operands={"source": "-"},
                        rule="a table on the standard input")
    return data, "standard input"


def plainly(kind: str, evidence: str) -> str:
    """The evidence of a decision as somebody reads it who does not know how the reader works.

    >>> plainly("unit", "19234 × km")
    'km stands behind 19,234 values'
    >>> plainly("delimiter", "100% of the lines have 5 fields; consistency 0.68")
    '100% of the lines have 5 fields with it'
    """
    if kind in ("unit", "currency"):
        found = re.findall(r"(\d+) × ([^,]+)", evidence)
        if found and re.fullmatch(r"\d+ × [^,]+(, \d+ × [^,]+)*", evidence):
            return " and ".join(f"{word} stands {'with' if kind == 'currency' else 'behind'} {int(count):,} values"
                                for count, word in found)
    if kind == "delimiter":
        evidence = re.sub(r"; consistency [\d.]+", " with it", evidence)
        evidence = re.sub(r"; (\S+) scores [\d.]+", r", fewer with \1", evidence)
    return re.sub(r"(?<![\d.,])(\d+) of (\d+)(?![\d.])", lambda match: f"{int(match[1]):,} of {int(match[2]):,}", evidence)
