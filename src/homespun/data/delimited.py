"""CSV and its kin: lines become rows of text in a DuckDB table, and everything odd about them is written down.

1. The dialect (`dialect.sniff`), and where the table is (`layout.find_layout`), from the first lines.
2. A large file goes to DuckDB's own parser, strictly: all fields, no guess. It is parallel, and checks every line.
3. A small one, and one that DuckDB refuses, is read here record by record: rows that do not fit are repaired (`ragged`),
   further tables and the footer are found, and DuckDB gets a clean copy.

Memory: a sample, and a buffer of rows; the copy is on disk.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from homespun.base.errors import DataError, ParameterError
from homespun.data import engine
from homespun.data.cells import TYPED, kind_of, profiles
from homespun.data.dialect import Dialect, Sniffed, sniff
from homespun.data.encoding import Text
from homespun.data.layout import DEEPEST, Layout, find_layout, footer_rows
from homespun.data.ragged import Repairer
from homespun.data.table import Decision

SAMPLE = 1 << 18  # characters
SMALL = 2 << 20  # bytes: so much Python reads itself
LONGEST = 4 << 20  # characters that one record may have
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


@dataclass
class Delimited:
    """A delimited text in a DuckDB table ``raw`` with columns c0, c1, …

    Attributes
    ----------
    names : list of str
        Of the columns.
    facts : dict
        What was understood, for `homespun inspect`.
    """

    names: list[str]
    decisions: list[Decision] = field(default_factory=list)
    facts: dict = field(default_factory=dict)


def load_delimited(connection, source: Text, folder: Path, options: Options) -> Delimited:
    """Read `source` into the table ``raw`` of `connection`."""
    check_options(options)
    head, whole = _head(source)
    if not any(line.strip() for line in head):
        raise DataError(
            f"{source.name!r} is empty",
            operation="read",
            operands={"source": source.name, "bytes": source.size},
            rule="a header and at least one row",
        )
    first_line = 0
    lead: list[Decision] = []
    if options.table not in (None, 1):
        first_line = _begin_of_table(source, options)
        head, whole = _head(source, first_line)
    head, comment, said = _without_comments(head, options)
    lead += said
    sniffed = sniff(head[: 4 * 200], delimiter=options.delimiter, quote=options.quote, escape=options.escape)
    rows, numbers = _rows(sniffed.dialect, head, whole)
    layout = find_layout(rows, header=options.header, skip=_rows_before(numbers, options.skip_rows))
    body_line = numbers[layout.start + layout.header - 1] if layout.start + layout.header else 0
    names, width, notes = _names(layout, rows, source.name)
    decisions = (
        source.decisions
        + lead
        + _dialect_decisions(sniffed, options)
        + [Decision(None, *note) for note in layout.notes + notes]
    )
    body = _Body(
        source,
        sniffed.dialect,
        width,
        names,
        rows[layout.start + layout.header :],
        comment,
        first_line + body_line,
        options,
    )
    if source.size > SMALL and comment is None and options.footer is None and _fast(connection, body, folder):
        decisions += body.decisions
    else:
        decisions += _slow(connection, body, folder)
    names = body.names
    dialect = sniffed.dialect
    facts = {
        "format": "delimited text",
        "encoding": source.encoding,
        "delimiter": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "header rows": layout.header,
        "lines before": layout.start,
    }
    unique, renamed = _unique(names)
    if renamed:
        decisions.append(Decision(None, "renamed", renamed, "the header has a name twice"))
    return Delimited(unique, decisions, facts)


def _unique(names: list[str]) -> tuple[list[str], dict[str, str]]:
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


def check_options(options: Options) -> None:
    """Raise for an override that no file can have."""
    for what in ("quote", "escape"):
        value = getattr(options, what)
        if value is not None and len(value) > 1:
            raise ParameterError(
                f"read: {what} must be one sign or '', got {value!r}",
                operation="read",
                operands={what: value},
                rule="one sign",
            )
    for what in ("skip_rows", "footer", "table"):
        value = getattr(options, what)
        if value is not None and (not isinstance(value, int) or value < (what == "table")):
            raise ParameterError(
                f"read: {what} must be a whole number from {int(what == 'table')}, got {value!r}",
                operation="read",
                operands={what: value},
                rule="a count",
            )


# ---------------------------------------------------------------------------------------------------------------------
# The beginning of the file


def _head(source: Text, first_line: int = 0) -> tuple[list[str], bool]:
    """Whole lines at the beginning, and whether that is all."""
    found, size = [], 0
    for line in itertools.islice(source.lines(), first_line, None):
        found.append(line)
        size += len(line)
        if (size > SAMPLE and len(found) > 20) or size > 8 * SAMPLE:
            return found, False
    return found, True


def _without_comments(lines: list[str], options: Options) -> tuple[list[str], str | None, list[Decision]]:
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


def _rows(dialect: Dialect, lines: list[str], whole: bool) -> tuple[list[list[str]], list[int]]:
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


def _rows_before(numbers: list[int], lines: int | None) -> int | None:
    """How many records lie in the first `lines` lines."""
    return None if lines is None else sum(number <= lines for number in numbers)


def _names(layout: Layout, rows, source_name: str) -> tuple[list[str], int, list[tuple]]:
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


def _dialect_decisions(sniffed: Sniffed, options: Options) -> list[Decision]:
    dialect, found = sniffed.dialect, []
    if options.delimiter is None and dialect.delimiter not in (",", ""):
        rival = (
            f"; {sniffed.second.delimiter!r} scores {sniffed.second_score:.2f}"
            if sniffed.second and sniffed.second.delimiter
            else ""
        )
        found.append(
            Decision(
                None,
                "delimiter",
                dialect.delimiter,
                f"{sniffed.share:.0%} of the lines have {sniffed.width} fields; consistency {sniffed.score:.2f}{rival}",
            )
        )
    elif options.delimiter is None and not dialect.delimiter:
        found.append(Decision(None, "delimiter", "", "none makes rows of equal length: one column"))
    if options.quote is None and dialect.quote == "'":
        found.append(Decision(None, "quote", dialect.quote, "texts stand between them"))
    if options.escape is None and dialect.escape == "\\":
        found.append(Decision(None, "escape", dialect.escape, "stands before quotes inside of quotes"))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The body


@dataclass
class _Body:
    source: Text
    dialect: Dialect
    width: int
    names: list[str]
    sample: list[list[str]]
    comment: str | None
    first_line: int  # lines of the file before the body
    options: Options
    decisions: list[Decision] = field(default_factory=list)


def _columns(width: int) -> str:
    return "{" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width)) + "}"


def _fast(connection, body: _Body, folder: Path) -> bool:
    """DuckDB's strict parser; False if it refuses a line, or if the end of the file is no plain row."""
    import duckdb

    dialect = body.dialect
    if (
        dialect.spaced
        or len(dialect.delimiter.encode()) > 4
        or not dialect.delimiter
        or any("\n" in text or "\r" in text for text in body.names)
    ):
        return False
    tail = _tail(body)
    if tail is None or footer_rows(tail, body.width):
        return False
    query = (
        f"CREATE TABLE raw AS SELECT * FROM read_csv({engine.text(body.source.path)}, auto_detect=false, "
        f"columns={_columns(body.width)}, "
        f"delim={engine.text(dialect.delimiter)}, quote={engine.text(dialect.quote)}, escape={engine.text(dialect.escape)}, "
        f"header=false, skip={body.first_line}, strict_mode=true, null_padding=false, ignore_errors=false, "
        f"max_line_size={LONGEST})"
    )
    try:
        connection.execute(query)
    except duckdb.Error:
        connection.execute("DROP TABLE IF EXISTS raw")
        return False
    if body.width > 1:
        _leave_out(connection, body)
    return True


def _leave_out(connection, body: _Body) -> None:
    """Rows without any text, and the header again where files were joined, go; and it is said."""
    rules = {
        "empty rows": (" AND ".join(f"(c{i} IS NULL OR c{i} = '')" for i in range(body.width)), "rows without any text")
    }
    if any(body.names):
        same = " AND ".join(f"c{i} = {engine.text(name)}" for i, name in enumerate(body.names) if name)
        rules["repeated header"] = (same, "rows that are the header again")
    wanted = ", ".join(f"count_if({rule})" for rule, _ in rules.values())
    counts = connection.execute(f"SELECT {wanted} FROM raw").fetchall()[0]
    for (kind, (rule, what)), count in zip(rules.items(), counts):
        if count:
            connection.execute(f"CREATE TABLE kept AS SELECT * FROM raw WHERE NOT coalesce({rule}, false)")
            connection.execute("DROP TABLE raw; ALTER TABLE kept RENAME TO raw")
            body.decisions.append(Decision(None, kind, count, f"{what} are left out"))


def _tail(body: _Body) -> list[list[str]] | None:
    """The last records, by whole lines."""
    with open(body.source.path, "rb") as file:
        file.seek(-min(body.source.size, 1 << 16), 2)
        lines = file.read().decode("utf-8", "replace").splitlines(keepends=True)[1:]
    try:
        rows = [row for row in body.dialect.reader(lines) if row]
    except csv.Error:
        return None
    good = next((i for i, row in enumerate(rows) if len(row) == body.width), len(rows))
    return rows[good:]


class _Records:
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


def _slow(connection, body: _Body, folder: Path) -> list[Decision]:
    """Record by record, with repairs; a clean copy goes to DuckDB."""
    clean = folder / "clean.csv"
    tally = _Tally(body)
    with open(clean, "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
        for row in tally.rows():
            write(row)
    width = tally.widest
    columns = _columns(width)
    engine.run(
        connection,
        f"CREATE TABLE raw AS SELECT * FROM read_csv({engine.text(clean)}, auto_detect=false, columns={columns}, delim=',', "
        f"quote='\"', escape='\"', header=false, new_line='\\n', null_padding={str(width > body.width).lower()}, "
        f"parallel={str(width <= body.width).lower()}, max_line_size={2 * LONGEST})",
        body.source.name,
    )
    clean.unlink()
    body.names += [""] * (width - len(body.names))
    return tally.decisions()


class _Tally:
    """Walks over the records of the body and counts what is odd."""

    def __init__(self, body: _Body):
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
        records = _Records(lines, self.body.dialect, self.body.comment)
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

    def _broken(self, records: _Records, row, physical) -> tuple[list[str], bool]:
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
                    f"the last {len(self.footer)} rows fill one field only: left out (footer=0 keeps them)",
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


def _begin_of_table(source: Text, options: Options) -> int:
    """The number of lines before the table that was asked for."""
    first_line = 0
    for wanted in range(1, options.table or 1):
        head, whole = _head(source, first_line)
        sniffed = sniff(head, delimiter=options.delimiter, quote=options.quote, escape=options.escape)
        rows, numbers = _rows(sniffed.dialect, head, whole)
        layout = find_layout(rows)
        names, width, _ = _names(layout, rows, source.name)
        begin = numbers[layout.start + layout.header - 1] if layout.start + layout.header else 0
        tally = _Tally(
            _Body(
                source,
                sniffed.dialect,
                width,
                names,
                rows[layout.start + layout.header :],
                None,
                first_line + begin,
                options,
            )
        )
        for _ in tally.rows():
            pass
        if tally.second is None:
            raise DataError(
                f"{source.name!r} has {wanted} table{'s' * (wanted > 1)}, not {options.table}",
                operation="read",
                operands={"table": options.table, "tables": wanted},
                rule=f"table from 1 to {wanted}",
            )
        first_line = tally.second[0] - 1
    return first_line
