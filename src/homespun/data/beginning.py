"""The beginning of a delimited text: its first lines, the comments among them, the first records, the names of the columns."""

from __future__ import annotations

import csv
import itertools

from homespun.data.cells import TYPED, kind_of
from homespun.data.dialect import Dialect, Sniffed
from homespun.data.encoding import Text
from homespun.data.layout import Layout
from homespun.data.ragged import cut, quote_patterns
from homespun.data.records import Options
from homespun.data.table import Decision

SAMPLE = 1 << 18  # characters


def head_of_text(source: Text, first_line: int = 0) -> tuple[list[str], bool]:
    """Whole lines at the beginning, and whether that is all."""
    found, size = [], 0
    for line in itertools.islice(source.lines(), first_line, None):
        found.append(line)
        size += len(line)
        if (size > SAMPLE and len(found) > 20) or size > 8 * SAMPLE:
            return found, False
    return found, True


def without_comments(lines: list[str], options: Options) -> tuple[list[str], str | None, list[Decision]]:
    """The lines that are no comments, and the sign that comments begin with."""
    sign = options.comment
    if sign is None:
        marked = [line.startswith("#") for line in lines]
        # a first line with # may be the header; comments come as whole lines in several places, unlike the lines around
        inside = [line for line, is_marked in zip(lines, marked) if is_marked]
        others = [line for line, is_marked in zip(lines, marked) if not is_marked and line.strip()]
        if not inside or not others or len(inside) > 0.5 * len(lines):
            return lines, None, []
        commas = {sign: others[len(others) // 2].count(sign) for sign in ",;\t|"}
        usual = max(commas, key=commas.__getitem__)
        if any(commas[usual] and line.count(usual) == commas[usual] for line in inside):
            return lines, None, []  # as many fields as the others: a row, or the header
        sign = "#"
    elif not sign:
        return lines, None, []
    count = sum(line.startswith(sign) for line in lines)
    said = (
        [
            Decision(
                None, "comment lines", sign, f"{count} of the first {len(lines)} lines begin with it and are left out"
            )
        ]
        if count
        else []
    )
    return [line for line in lines if not line.startswith(sign)], sign if count or options.comment else None, said


def first_rows(dialect: Dialect, lines: list[str], whole: bool) -> tuple[list[list[str]], list[int]]:
    """The records of the first lines, and for each the number of lines up to its end."""
    rows, numbers = [], []
    reader = dialect.reader(lines)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            break
        if row is None:
            break
        rows.append(row)
        numbers.append(reader.line_num)
    if not whole and len(rows) > 1:
        rows.pop(), numbers.pop()
    return rows, numbers


def mended_first(sniffed: Sniffed, row: list[str], one_line: bool, line: str) -> list[str] | None:
    """The fields of the first line if a quote too many hides them: it would take the lines below with it."""
    dialect = sniffed.dialect
    if not dialect.quote or not dialect.delimiter or dialect.quote not in line:
        return None
    if one_line and len(row) == sniffed.width:
        return None
    fields, _ = cut(line.rstrip("\r\n"), quote_patterns(dialect)["a quote too many"], dialect)
    return fields if len(fields) == sniffed.width > 1 else None


def rows_before(numbers: list[int], lines: int | None) -> int | None:
    """How many records lie in the first `lines` lines."""
    return None if lines is None else sum(number <= lines for number in numbers)


def names_and_width(layout: Layout, rows, source_name: str) -> tuple[list[str], int, list[tuple]]:
    """Names and number of columns where header and rows differ in length."""
    names, width = list(layout.names), layout.width
    notes: list[tuple] = []
    if not layout.header:
        return [""] * width, width, notes
    body = [row for row in rows[layout.start + layout.header :] if len(row) == width]
    if len(names) > width:
        blank = [i for i, name in enumerate(names) if not name]
        surplus = len(names) - width
        if body and len(blank) == surplus and not all(i >= width for i in blank):
            notes.append(
                ("header", f"{len(names)} names", f"{surplus} without a name left out: the rows have {width} fields")
            )
            names = [name for name in names if name]
        elif body and not any(names[width:]):
            names = names[:width]
        else:
            notes.append(
                ("header", f"{len(names)} names", f"the rows have {width} fields: the columns on the right are empty")
            )
            width = len(names)
    elif len(names) < width:
        lacking = width - len(names)
        trailing = all(not any(text.strip() for text in row[len(names) :]) for row in body)
        first = [row[0].strip() for row in body]
        own = all(not text.isdigit() and kind_of(text) not in TYPED for text in first) or first in (
            [str(i) for i in range(len(first))],
            [str(i) for i in range(1, len(first) + 1)],
        )
        if (
            not trailing
            and lacking == 1
            and len(body) >= 3
            and own
            and len(set(first)) == len(first)
            and not any(row[-1].strip() == "" for row in body)
        ):
            notes.append(
                (
                    "header",
                    f"{len(names)} names",
                    f"the rows have {width} fields and begin with a name or number of their own",
                )
            )
            names = ["", *names]
        else:
            notes.append(
                (
                    "header",
                    f"{len(names)} names",
                    f"the rows have {width} fields; "
                    + ("those on the right are always empty" if trailing else "the columns on the right have no name"),
                )
            )
            names += [""] * lacking
    return names, width, notes


def unique_names(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Names that differ from each other ("column3" for none, "a_2" for a second "a"), and new → old for what was changed."""
    used: set[str] = set()
    given = set(names)
    again: dict[str, int] = {}
    made, renamed = [], {}
    for i, written in enumerate(names):
        name = written or f"column{i}"
        if name in used or (not written and name in given):
            base, count = name, again.get(name, 1)
            while name in used or name in given:
                count += 1
                name = f"{base}_{count}"
            again[base] = count
            renamed[name] = written
        used.add(name)
        made.append(name)
    return made, renamed
