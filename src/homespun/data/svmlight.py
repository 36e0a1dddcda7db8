"""Rows of the svmlight format, "label qid:1 3:0.5 7:1 # remark", as a table: one column a feature, 0 where a row has none.

Joachims 1998; LIBSVM and LightGBM write it, too.  Cost: two passes in Python, and a number for every row and feature: data of
more than `WIDEST` features is refused (a table of them would be zeros).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from homespun.base.errors import DataError
from homespun.data.databases import write_clean
from homespun.data.table import Decision

WIDEST = 5_000
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ROW = re.compile(rf"{_NUMBER}(?: +qid:\d+)?(?: +\d+:{_NUMBER})+ *(?:#.*)?")

_EMPTY = re.compile(rf"{_NUMBER}(?: qid:\d+)?")  # a row without any feature


def is_svmlight(lines: Iterable[str]) -> bool:
    """Whether the first lines are of this form; a row without any feature is its label alone."""
    known = [bool(_ROW.fullmatch(line.strip())) for line in lines if line.strip()]
    return len(known) > 1 and sum(known) >= 0.9 * len(known)


def svmlight_rows(lines: Callable[[], Iterable[str]], name: str, clean: Path) -> tuple[list[str], list[Decision]]:
    """Write the rows to `clean`; (names of the columns, what is said).

    `lines` gives them each time that it is called.

    Raises
    ------
    DataError
        A line that is no such row, or too many features.
    """
    used: set[int] = set()
    rows = count = 0
    queries = False
    for _, query, row in _parsed(lines(), name):
        used.update(row)
        rows, count, queries = rows + 1, count + len(row), queries or bool(query)
    if len(used) > WIDEST:
        raise DataError(
            f"{name!r} has {len(used):,} features, most of them 0 in most rows: too many for a table",
            operation="read",
            operands={"source": name, "features": len(used)},
            rule=f"at most {WIDEST:,} features",
            suggestion="sklearn.datasets.load_svmlight_file reads it as a sparse matrix",
        )
    order = sorted(used)
    write_clean(
        ([label, *([query] * queries), *(row.get(i, "0") for i in order)] for label, query, row in _parsed(lines(), name)),
        clean,
    )
    told = f"rows are a label and index:value pairs; {count:,} of {rows * len(order):,} values are given, the others are 0"
    return ["label", *(["qid"] * queries), *(f"x{i}" for i in order)], [Decision(None, "features", len(order), told)]


def _parsed(lines: Iterable[str], name: str) -> Iterator[tuple[str, str, dict[int, str]]]:
    """(label, query, feature → value) of each row."""
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].split()
        if not text:
            continue
        if not (_ROW.fullmatch(line.strip()) or _EMPTY.fullmatch(" ".join(text))):
            raise DataError(
                f"{name!r}, line {number}: not a label and index:value pairs: {line.strip()[:60]!r}",
                operation="read",
                operands={"source": name, "line": number},
                rule="label index:value index:value …",
                where=f"line {number}",
                suggestion="mend the line; delimiter=' ' reads the texts as they are",
            )
        query = text[1][4:] if len(text) > 1 and text[1].startswith("qid:") else ""
        pairs = (pair.split(":") for pair in text[1 + bool(query) :])
        yield text[0], query, {int(index): value for index, value in pairs}
