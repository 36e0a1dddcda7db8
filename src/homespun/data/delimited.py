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
from dataclasses import dataclass, field
from pathlib import Path

from homespun.base.errors import DataError, ParameterError
from homespun.data.body import by_duckdb, by_walking
from homespun.data.cells import TYPED, kind_of
from homespun.data.dialect import Dialect, Sniffed, sniff
from homespun.data.encoding import Text
from homespun.data.layout import Layout, find_layout
from homespun.data.ragged import cut, quote_patterns
from homespun.data.records import Body, Options, Walk
from homespun.data.table import Decision

SAMPLE = 1 << 18  # characters
SMALL = 2 << 20  # bytes: so much Python reads itself


@dataclass
class Delimited:
    """A delimited text in a DuckDB table ``raw`` with columns c0, c1, …

    Attributes
    ----------
    names : list of str
        Of the columns.
    facts : dict
        What was understood, for `homespun inspect`.
    body : Body
        Where the rows are; its ``view`` says whether ``raw`` is a view of the file.
    """

    names: list[str]
    body: Body
    decisions: list[Decision] = field(default_factory=list)
    facts: dict = field(default_factory=dict)


def load_delimited(connection, source: Text, folder: Path, options: Options, lazy: bool = False) -> Delimited:
    """Read `source` into the table ``raw`` of `connection`; `lazy` as for `body.by_duckdb`."""
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
    mended = _mended_first(sniffed, rows[0], numbers[0] == 1, head[0]) if rows else None
    if mended:
        rows, numbers = _rows(sniffed.dialect, head[1:], whole)
        rows, numbers = [mended, *rows], [1, *(number + 1 for number in numbers)]
        lead.append(Decision(None, "repaired rows", 1, "line 1 (a quote too many)"))
    layout = find_layout(rows, header=options.header, skip=_rows_before(numbers, options.skip_rows))
    body_line = numbers[layout.start + layout.header - 1] if layout.start + layout.header else 0
    names, width, notes = _names(layout, rows, source.name)
    decisions = (
        source.decisions
        + lead
        + _dialect_decisions(sniffed, options)
        + [Decision(None, *note) for note in layout.notes + notes]
    )
    body = Body(
        source,
        sniffed.dialect,
        width,
        names,
        rows[layout.start + layout.header :],
        comment,
        first_line + body_line,
        options,
    )
    if source.size > SMALL and comment is None and options.footer is None and by_duckdb(connection, body, lazy):
        decisions += body.decisions
    else:
        decisions += by_walking(connection, body, folder)
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
    return Delimited(unique, body, decisions, facts)


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


def _mended_first(sniffed: Sniffed, row: list[str], one_line: bool, line: str) -> list[str] | None:
    """The fields of the first line if a quote too many hides them: it would take the lines below with it."""
    dialect = sniffed.dialect
    if not dialect.quote or not dialect.delimiter or dialect.quote not in line:
        return None
    if one_line and len(row) == sniffed.width:
        return None
    fields, _ = cut(line.rstrip("\r\n"), quote_patterns(dialect)["a quote too many"], dialect)
    return fields if len(fields) == sniffed.width > 1 else None


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
        walk = Walk(
            Body(
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
        for _ in walk.rows():
            pass
        if walk.second is None:
            raise DataError(
                f"{source.name!r} has {wanted} table{'s' * (wanted > 1)}, not {options.table}",
                operation="read",
                operands={"table": options.table, "tables": wanted},
                rule=f"table from 1 to {wanted}",
            )
        first_line = walk.second[0] - 1
    return first_line
