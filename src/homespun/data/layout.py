"""Where the table is in a text: lines before it, the header (of one row or several), the body, a footer, further tables.

Rows are judged by how many cells are filled and by what the cells of each column look like (`cells.Profile`):

* a row with one filled cell above a table of three columns and more is a title; so is one that the header stands under,
* a row is a header if it holds text where the column holds numbers or dates; where all is text, if its words do not come
  again below,
* the last rows are a footer if they fill at most one cell where the others fill nearly all.

Not handled: tables side by side; headers written downwards.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from homespun.data.cells import TYPED, kind_of, profiles

Rows = list[list[str]]
_REMARK = re.compile(
    r"(notes?|source|total|grand total|footnote|data|copyright|\*|\(|\[|©|†)\b|[*(\[©†]", re.IGNORECASE
)
_YEAR = re.compile("(1[89]|20)[0-9]{2}|2100")
DEEPEST = 60  # rows that are looked at for the beginning of the table, and for its end


@dataclass
class Layout:
    """What the rows of a sample are.

    Attributes
    ----------
    start : int
        Index of the first row that is not before the table.
    header : int
        Number of header rows (0: none).
    names : list of str
        As written; rows of a header of several are joined.
    width : int
        Number of fields of the body.
    notes : list of (kind, value, evidence)
    """

    start: int
    header: int
    names: list[str]
    width: int
    notes: list[tuple] = field(default_factory=list)


def find_layout(
    rows: Rows, *, header: bool | int | None = None, skip: int | None = None, width: int | None = None
) -> Layout:
    """The layout of the rows at the beginning of a text. What is given is not searched for."""
    width = width or common_width(rows)
    start = skip if skip is not None else _beginning(rows, width)
    while start < len(rows) and not _filled(rows[start]):
        start += 1
    notes: list[tuple] = []
    rest = rows[start:]
    if header is None:
        levels, why = _header_rows(rest, width)
        if skip is None and levels == 1:
            # titles as wide as the table, above the header: the header is the last row of text
            more = _titles(rest, width)
            start, rest = start + more, rest[more:]
    else:
        levels, why = int(header), "as asked"
    above = [row for row in rows[:start] if _filled(row)]
    if above and skip is None:
        shown = " ".join(text.strip() for text in above[0] if text.strip())
        notes.append(
            ("skipped lines", start, f"above the table, not shaped like its rows; the first says {_short(shown)!r}")
        )
    if not levels:
        notes.append(("no header", False, f"{why}; columns are numbered"))
        return Layout(start, 0, [], width, notes)
    names = _join(rest[:levels], width) if levels > 1 else [text.strip() for text in rest[0]] if rest else []
    if levels > 1:
        notes.append(("header rows", levels, why))
    elif header is None and why:
        notes.append(("header", names[:4] + (["…"] if len(names) > 4 else []), why))
    return Layout(start, levels, names, width, notes)


def common_width(rows: Rows) -> int:
    """The number of fields that most rows have; the greater one if two are as frequent."""
    counts = Counter(len(row) for row in rows if _filled(row) > 0)
    if not counts:
        return max((len(row) for row in rows), default=0)
    return max(counts, key=lambda length: (counts[length], length))


def _filled(row: list[str]) -> int:
    return sum(bool(text.strip()) for text in row)


def _beginning(rows: Rows, width: int) -> int:
    """Index of the first row that may be a header or data."""
    head = rows[:DEEPEST]
    fills = sorted(_filled(row) for row in rows[:200] if len(row) == width)
    usual = fills[len(fills) // 2] if fills else width
    for i, row in enumerate(head):
        filled = _filled(row)
        if not filled:
            continue
        under = head[i + 1 : i + 4]
        gap = bool(under) and not _filled(under[0])  # an empty row below a title
        alone = width >= 2 and filled == 1 and (len(row) != width or width > 2 or gap)
        if alone and usual > 1 and any(_filled(other) > 1 for other in rows[i + 1 :]):
            continue
        if (
            len(row) != width
            and width > 2
            and len(row) < width / 2
            and _filled(row) < usual / 2
            and any(len(o) == width for o in head[i + 1 :])
        ):
            continue
        return i
    return 0


def _titles(rows: Rows, width: int) -> int:
    """How many rows above the header are titles: followed by a row that is filled, all text, and closer to a header."""
    found = 0
    while len(rows) > found + 2:
        row, below = rows[found], rows[found + 1]
        if not _filled(row):
            found += 1
            continue
        body = profiles(rows[found + 2 : found + 202], width)
        typed = [column for column, profile in enumerate(body) if profile.typed]
        if not typed or len(below) != width or (_filled(below) < _filled(row) and len(row) == width):
            break
        texts = all(
            kind_of(below[column]) not in TYPED for column in typed if column < len(below) and below[column].strip()
        )
        if not texts or any(kind_of(text) in TYPED for text in below):
            break
        longer = sum(map(len, row)) > 2 * sum(map(len, below)) and any(" " in text for text in row)
        sparse = _filled(row) < 0.7 * _filled(below)
        if not (longer or sparse or len(row) != width) or _group_names(row, below):
            break
        found += 1
    return found


def _group_names(row: list[str], below: list[str]) -> bool:
    """Whether a row names groups of columns ("Travel" over "Air" and "Rail").

    Some of its cells are blank, and the names below come twice or fill the blanks.
    """
    named = [i for i, text in enumerate(row) if text.strip()]
    if len(named) < 2 or len(named) == len(row):
        return False
    below_names = [text.strip() for text in below if text.strip()]
    blanks = [i for i, text in enumerate(row[: len(below)]) if not text.strip()]
    return len(set(below_names)) < len(below_names) or (
        bool(blanks) and sum(bool(below[i].strip()) for i in blanks if i < len(below)) >= 0.5 * len(blanks)
    )


def _header_rows(rows: Rows, width: int) -> tuple[int, str]:
    """Number of header rows and why."""
    if not rows:
        return 0, "no row"
    first, body = rows[0], [row for row in rows[1:201] if _filled(row)]
    if not body:
        plain = [kind_of(text) for text in first if text.strip()]
        return (0, "one row, with numbers") if any(kind in TYPED for kind in plain) else (1, "")
    if not _is_header(first, body, width):
        return 0, "the first row looks like the others"
    # further rows of the header: the same again, or names under the names of groups
    levels = 1
    while levels < min(len(body), 4):
        row = rows[levels]
        if [text.strip() for text in row] == [text.strip() for text in rows[0]] or (
            _group_names(rows[levels - 1], row)
            and len(rows) > levels + 1
            and _is_header(row, rows[levels + 1 : 200], width, sure=True)
        ):
            levels += 1
        else:
            break
    if levels > 1:
        return levels, "all text, above columns of numbers, or the same words again"
    return 1, ""


def _is_header(first: list[str], body: Rows, width: int, *, sure: bool = False) -> bool:
    """Whether a row names the columns below it."""
    written = [text.strip() for text in first]
    others = [row for row in body if [text.strip() for text in row] != written]
    columns = profiles(body, width)
    if len(others) < len(body) and any(profile.typed for profile in profiles(others, width)):
        body, columns = others, profiles(others, width)  # joined files repeat their header
    votes = 0.0
    typed_cells = sum(kind_of(text) in TYPED for text in first)
    years = [int(text) for text in first if _YEAR.fullmatch(text.strip())]
    counting = len(years) >= 2 and len({*map(int.__sub__, years[1:], years)} - {0}) == 1
    for text, profile in zip(first, columns):
        kind, text = kind_of(text), text.strip()
        if not text:
            continue
        if profile.typed:
            if kind not in TYPED:
                votes += 1.0 if kind != "missing" else 0.0
            elif _YEAR.fullmatch(text) and not profile.shapes["9999"] > 0.5 * profile.count:
                pass  # a year above other numbers
            elif kind == profile.main and not (counting and _YEAR.fullmatch(text)):
                votes -= 1.5
        elif kind in TYPED and not counting:
            votes -= 0.5
    if votes or counting:
        return votes > 0 or counting
    if sure or typed_cells > len(first) / 2:
        return False
    # all text: names are different from each other, and do not come again below
    named = [text.strip() for text in first if text.strip()]
    again = sum(
        any(len(row) > i and row[i].strip() == text.strip() for row in body)
        for i, text in enumerate(first)
        if text.strip()
    )
    if (again and len(set(named)) < len(named)) or _sentences(first, body):
        return False
    if width == 1 and (len(named[0].split()) > 3 or not named[0][0].isalpha() or re.search(r"[.!?:;,]$", named[0])):
        return False  # a line of text
    if again > 0.3 * len(named) and len(body) > 3:
        return [text.strip() for text in body[0]] == [text.strip() for text in first]
    return len(set(named)) >= 0.5 * len(named)


def _sentences(first: list[str], body: Rows) -> bool:
    """Whether a row and most below it are sentences."""
    ends = re.compile(r"[.!?\u2026][\"'\u00bb\u201d]*")
    if not all(ends.search(text.strip()[-2:]) for text in first):
        return False
    return sum(bool(row) and bool(ends.search(row[-1].strip()[-2:])) for row in body) >= 0.6 * len(body)


def _join(levels: Rows, width: int) -> list[str]:
    """One name per column: names of groups hold until the next one, and are written before the column's own."""
    unlike = [levels[0]] + [
        row for row, above in zip(levels[1:], levels) if [t.strip() for t in row] != [t.strip() for t in above]
    ]
    spread = []
    for row in unlike[:-1]:
        current, filled = "", []
        for column in range(width):
            current = row[column].strip() if column < len(row) and row[column].strip() else current
            below = unlike[-1][column].strip() if column < len(unlike[-1]) else ""
            own = column < len(row) and row[column].strip()
            filled.append(current if below or own else "")
        spread.append(filled)
    spread.append([text.strip() for text in unlike[-1]] + [""] * (width - len(unlike[-1])))
    return [" ".join(part for part in parts if part) for parts in zip(*spread)]


def footer_rows(rows: Rows, width: int) -> int:
    """How many rows at the end are a footer, empty rows among them; `rows` are the last ones of the body."""
    full = [row for row in rows if len(row) == width]
    if width < 2 or len(full) < 3:
        return 0
    fills = sorted(map(_filled, full))
    usual = fills[len(fills) // 2]
    found = 0
    for i, row in enumerate(reversed(rows[-DEEPEST:]), 1):
        filled = _filled(row)
        if filled == 0:
            continue
        one = filled == 1 and bool(row[0].strip()) and (usual >= 3 or len(row) != width)
        remark = len(row[0]) >= 40 or _REMARK.match(row[0].strip())
        loose = len(row) != width and len(row[0].split()) >= 3  # a cut last line would be a word or a number
        if one and usual > 1 and (loose or (remark and (len(full) >= 8 or len(row) != width))):
            found = i
        else:
            break
    if found and sum(_filled(row) <= 1 for row in rows) > found + 0.05 * len(rows):
        return 0  # such rows are common here
    return found


def _short(text: str, limit: int = 50) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
