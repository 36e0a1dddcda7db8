"""The records of a table's body, one by one: what does not fit is repaired, counted and shown; what is no data is left out.

A quote that was never closed swallows line after line. So a record that does not fit gives back all of its lines but the
first, which is then read on its own.

Memory: the last rows, which wait until it is known that they are no footer.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from homespun.data.cells import TYPED, kind_of, profiles
from homespun.data.dialect import Dialect
from homespun.data.encoding import Text
from homespun.data.layout import DEEPEST, footer_rows
from homespun.data.ragged import Repairer
from homespun.data.table import Decision

ENOUGH = 8  # whole rows that must be known before rows are repaired


@dataclass
class Options:
    """What the user knows already; None is found out."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool | int | None = None
    skip_rows: int | None = None
    footer: int | None = None
    comment: str | None = None
    table: int | None = None
    widths: list[int] | None = None


@dataclass
class Body:
    """The part of a text that holds the rows, and how to read them."""

    source: Text
    dialect: Dialect
    width: int
    names: list[str]
    sample: list[list[str]]
    comment: str | None
    first_line: int  # lines of the file before the body
    options: Options
    decisions: list[Decision] = field(default_factory=list)
    view: bool = False  # ``raw`` is read from the file by every query
    view_sql: str = ""  # what a view reads
    rows: int = 0  # of ``raw``, where they were counted
    unchecked: Any = None  # `body.Unchecked`: no pass has seen every line yet

    def line_of(self, row: int) -> int | None:
        """The line of the file on which a row (counted from 1) begins; None if rows were left out before it."""
        if any(decision.kind in ("empty rows", "repeated header") for decision in self.decisions):
            return None
        quote = self.dialect.quote.encode()
        with open(self.source.path, "rb") as file:
            if not quote or not any(quote in chunk for chunk in iter(lambda: file.read(1 << 20), b"")):
                return self.first_line + row  # no quotes, no record of two lines
        reader = self.dialect.reader(itertools.islice(self.source.lines(), self.first_line, None))
        ends = (reader.line_num for _ in reader)
        before = next(itertools.islice(ends, row - 2, None), None) if row > 1 else 0
        return None if before is None else self.first_line + before + 1


class Records:
    """Records with the physical lines that they came from; a record that swallowed too much can be given back in part."""

    def __init__(self, lines: Iterator[tuple[int, str]], dialect: Dialect, comment: str | None):
        self.lines, self.dialect, self.comment = lines, dialect, comment
        self.waiting: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self.reader = dialect.reader(self._feed(), strict=True)

    def _feed(self):
        while True:
            if self.waiting:
                pair = self.waiting.popleft()
            else:
                following = next(self.lines, None)
                if following is None:
                    return
                pair = following
            if self.comment and pair[1].startswith(self.comment) and not self.taken:
                continue
            self.taken.append(pair)
            yield pair[1]

    def __iter__(self):
        """(line number, fields or None where the dialect does not fit, physical lines)."""
        while True:
            self.taken = []
            try:
                row = next(self.reader)
            except StopIteration:
                return
            except csv.Error:
                row = None
            if not self.taken:
                return
            yield self.taken[0][0], row, [line for _, line in self.taken]

    def only_first(self, count: int = 1) -> None:
        """Take only the first lines of the record; the others are read again."""
        self.waiting.extendleft(reversed(self.taken[count:]))
        self.taken = self.taken[:count]
        self.reader = self.dialect.reader(self._feed(), strict=True)


class Walk:
    """Walks over the records of the body and counts what is odd."""

    def __init__(self, body: Body):
        self.body, self.width = body, body.width
        full = [row for row in body.sample if len(row) == self.width and any(text.strip() for text in row)]
        self.known = len(full)
        self.repairer = Repairer(body.dialect, profiles(full[:400], self.width))
        self.quote = body.dialect.quote
        self.inside = re.compile(re.escape(self.quote or "\x00") + r"\w")
        self.names = [name.strip() for name in body.names]
        self.widest = self.width
        self.repaired: list[tuple[int, str]] = []
        self.short: list[tuple[int, int]] = []
        self.long: list[tuple[int, int]] = []
        self.blank = self.again = self.written = self.failed = 0
        self.footer: list[str] = []
        self.second: tuple[int, list[str]] | None = None

    def rows(self):
        numbered = enumerate(self.body.source.lines(), 1)
        lines = itertools.islice(numbered, self.body.first_line, None)
        records = Records(lines, self.body.dialect, self.body.comment)
        held: deque[tuple[int, list[str], str | None]] = (
            deque()
        )  # the last rows wait until it is known that they are no footer
        gap = False
        for number, row, physical in records:
            if row is None or (len(row) != self.width and len(physical) > 1):
                row, odd = self._broken(records, row, physical)
            else:
                odd = len(row) != self.width
                if not odd and self.quote and self.quote in physical[0] and any(self.quote in text for text in row):
                    row = self._quoted_inside(number, row, physical[0])
            if not any(text.strip() for text in row):
                if self.width == 1 and row:
                    held.append((number, row, None))  # an empty cell of the only column
                else:
                    self.blank += len(row) > 1  # a row of nothing but delimiters, unlike a blank line, may be meant
                    gap = True
                continue
            if self._is_header_again(row):
                self.again += 1
                gap = False
                continue
            if self._begins_another(row, gap, held):
                self.second = (number, row)
                break
            gap = False
            held.append((number, row, records.taken[0][1] if odd and len(records.taken) == 1 else None))
            if len(held) > DEEPEST:
                yield from self._finish(*held.popleft())
        if self.width == 1:
            while held and not held[-1][1][0].strip():
                held.pop()
        count = self.body.options.footer
        if count is None:
            count = footer_rows([row for _, row, _ in held], self.width) if self.second is None else 0
            context = self.known + self.written
            count = count if context + len(held) - count >= 3 else 0
        for _ in range(min(count, len(held))):
            self.footer.insert(0, " ".join(text.strip() for text in held.pop()[1] if text.strip()))
        while held:
            yield from self._finish(*held.popleft())

    def _broken(self, records: Records, row, physical) -> tuple[list[str], bool]:
        """A record whose quotes do not fit: its first line alone, if that makes a row."""
        repair = self.repairer.line(physical[0], strict_row=None) if self.known >= ENOUGH else None
        if repair is None and row is not None and len(physical) > 1:
            alone = self.body.dialect.split(physical[0])
            if len(alone) != self.width:
                return row, len(row) != self.width  # a record of several lines with too many or too few fields
        records.only_first()
        if repair is not None:
            self.repaired.append((records.taken[0][0], repair.how))
            return repair.row, False
        return self.body.dialect.split(physical[0]), True

    def _quoted_inside(self, number: int, row: list[str], line: str) -> list[str]:
        """A row of the right length by chance: a quote within an unquoted field may begin another one."""
        if self.known < ENOUGH or not any(self.inside.search(text) for text in row):
            return row
        repair = self.repairer.line(line, strict_row=None)
        if repair is None or repair.cost + 1.0 > self.repairer.cost(row) or repair.row == row:
            return row
        self.repaired.append((number, repair.how))
        return repair.row

    def _finish(self, number: int, row: list[str], line: str | None):
        """A row as it is written: whole, repaired, filled up or widened. `line`: its physical line, if it is one and odd."""
        if len(row) != self.width:
            fixed = self._fixed(number, row, line)
            if fixed is not None:
                row = fixed
            elif len(row) < self.width:
                self.short.append((number, len(row)))
                row = row + [""] * (self.width - len(row))
            elif not any(text.strip() for text in row[self.width :]):
                self.long.append((number, len(row)))
                row = row[: self.width]
            else:
                self.long.append((number, len(row)))
                self.widest = max(self.widest, len(row))
        self.written += 1
        yield row

    def _fixed(self, number: int, row: list[str], line: str | None) -> list[str] | None:
        if self.known < ENOUGH:
            return None
        columns = self.repairer.columns
        plain = row[: self.width] + [""] * (self.width - len(row))
        if not any(text.strip() for text in row[self.width :]) and all(
            column.surprise(text) < 3.0 for column, text in zip(columns, plain)
        ):
            return None  # only its end lacks, or is empty
        if self.failed > 20 and self.failed > 0.1 * self.written:
            return None  # not broken rows, but another kind of file
        repair = self.repairer.line(line, strict_row=row) if line is not None else self.repairer.align(row)
        if repair is None:
            self.failed += 1
            return None
        self.repaired.append((number, repair.how))
        return repair.row

    def _is_header_again(self, row: list[str]) -> bool:
        return self.width > 1 and any(self.names) and [text.strip() for text in row] == self.names

    def _begins_another(self, row: list[str], gap: bool, held) -> bool:
        """Whether a row is the header of another table."""
        if self.width < 2 or self.written + len(held) < 2:
            return False
        cells = [text.strip() for text in row]
        same = sum(a == b != "" for a, b in zip(cells, self.names))
        if any(self.names) and same >= max(2, 0.6 * sum(map(bool, self.names))):
            typed = [i for i, column in enumerate(self.repairer.columns) if column.typed]
            if len(cells) != self.width or any(
                i < len(cells) and cells[i] and kind_of(cells[i]) not in TYPED for i in typed
            ):
                return True
        if not gap or sum(map(bool, cells)) < 2 or any(kind_of(text) in TYPED for text in cells):
            return False
        typed = [i for i, column in enumerate(self.repairer.columns) if column.typed and column.filled > 0.5]
        return len(typed) >= 2 and all(i < len(cells) and cells[i] for i in typed)

    def decisions(self) -> list[Decision]:
        found = []
        if self.again:
            found.append(Decision(None, "repeated header", self.again, "rows that are the header again are left out"))
        if self.repaired:
            lines = ", ".join(
                f"line {number} ({how or 'fields moved to their columns'})" for number, how in self.repaired[:3]
            )
            found.append(
                Decision(None, "repaired rows", len(self.repaired), lines + ("…" if len(self.repaired) > 3 else ""))
            )
        for kind, odd, what in (
            ("short rows", self.short, "filled up on the right"),
            (
                "long rows",
                self.long,
                "fields beyond the last column are kept in columns of their own"
                if self.widest > self.width
                else "the fields beyond the last column are empty",
            ),
        ):
            if odd:
                lines = ", ".join(f"line {number} has {count}" for number, count in odd[:3])
                found.append(
                    Decision(
                        None, kind, len(odd), f"{lines}{'…' if len(odd) > 3 else ''} of {self.width} fields; {what}"
                    )
                )
        if self.blank:
            found.append(Decision(None, "empty rows", self.blank, "rows without any text are left out"))
        if self.footer:
            found.append(
                Decision(
                    None,
                    "footer",
                    self.footer,
                    ("the last row fills" if len(self.footer) == 1 else f"the last {len(self.footer)} rows fill")
                    + " one field only: left out (footer=0 keeps them)",
                )
            )
        if self.second:
            number, row = self.second
            found.append(
                Decision(
                    None,
                    "several tables",
                    2,
                    f"another header in line {number}: {', '.join(row[:4])}…; only the first table is read "
                    "(table=2 reads the other)",
                )
            )
        return found
