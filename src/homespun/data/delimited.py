"""CSV and its kin: lines become rows of text in a DuckDB table, and everything odd about them is written down.

1. The dialect (`dialect.sniff`), or that the columns stand one below the other (`fixed`), or that there are none (prose);
   and where the table is (`layout.find_layout`), from the first lines (`beginning`).
2. A large file goes to DuckDB's own parser, strictly: all fields, no guess. It is parallel, and checks every line.
3. A small one, and one that DuckDB refuses, is read here record by record: rows that do not fit are repaired (`ragged`),
   further tables and the footer are found, and DuckDB gets a clean copy.

Memory: a sample, and a buffer of rows; the copy is on disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from homespun.base.errors import DataError, ParameterError
from homespun.data import fixed
from homespun.data.beginning import (
    first_rows,
    head_of_text,
    mended_first,
    names_and_width,
    rows_before,
    unique_names,
    without_comments,
)
from homespun.data.body import by_duckdb, by_walking
from homespun.data.databases import write_clean
from homespun.data.dialect import Dialect, Sniffed, sniff
from homespun.data.encoding import Text
from homespun.data.layout import find_layout
from homespun.data.records import Body, Options, Walk
from homespun.data.table import Decision

SMALL = 2 << 20  # bytes: so much Python reads itself
WEAK = ("", " ", ":", "#", "~", "^")  # signs that stand in texts of fixed width as well
REGULAR = 0.7  # share of the lines that a blank must cut alike to be a delimiter


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
    head, whole = head_of_text(source)
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
        head, whole = head_of_text(source, first_line)
    every_line = head
    head, comment, said = without_comments(head, options)
    sniffed = sniff(head[: 4 * 200], delimiter=options.delimiter, quote=options.quote, escape=options.escape)
    aligned = _fixed(sniffed, head, options)
    if aligned is not None:
        return _load_fixed(connection, source, folder, options, aligned)
    if _is_prose(sniffed, head, options):
        head, comment, said = (every_line, None, []) if options.comment is None else (head, comment, said)
        sniffed = replace(sniffed, dialect=Dialect("", options.quote or "", "", False), width=1)
        said = [*said, Decision(None, "lines of text", None, "no sign cuts the lines alike: each is a row of the only column")]
    lead += said
    rows, numbers = first_rows(sniffed.dialect, head, whole)
    mended = mended_first(sniffed, rows[0], numbers[0] == 1, head[0]) if rows else None
    if mended:
        rows, numbers = first_rows(sniffed.dialect, head[1:], whole)
        rows, numbers = [mended, *rows], [1, *(number + 1 for number in numbers)]
        lead.append(Decision(None, "repaired rows", 1, "line 1 (a quote too many)"))
    layout = find_layout(rows, header=options.header, skip=rows_before(numbers, options.skip_rows))
    body_line = numbers[layout.start + layout.header - 1] if layout.start + layout.header else 0
    names, width, notes = names_and_width(layout, rows, source.name)
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
        "runs": dialect.runs,
        "header rows": layout.header,
        "lines before": layout.start,
    }
    unique, renamed = unique_names(names)
    if renamed:
        decisions.append(Decision(None, "renamed", renamed, "the header has a name twice"))
    return Delimited(unique, body, decisions, facts)


def _fixed(sniffed: Sniffed, head: list[str], options: Options) -> fixed.Fixed | None:
    """The columns of a text of fixed width, where no delimiter explains its lines as well."""
    if options.widths is not None:
        return fixed.of_widths(options.widths)
    dialect = sniffed.dialect
    commas = dialect.delimiter == "," and sniffed.width == 2  # perhaps decimal ones
    if options.delimiter is not None or (dialect.delimiter not in WEAK and not commas):
        return None
    found = fixed.find_fixed(head)
    if found is None or (commas and len(found.starts) < 3):
        return None
    as_good = dialect.delimiter == " " and sniffed.share > 0.99 and sniffed.width >= len(found.starts)
    return None if as_good else found


def _is_prose(sniffed: Sniffed, head: list[str], options: Options) -> bool:
    """Whether the best delimiter does not cut most of the lines, or cuts them at random."""
    dialect = sniffed.dialect
    if options.delimiter is not None or options.quote is not None or not dialect.delimiter:
        return False
    if sniffed.width == 1 or sniffed.share >= REGULAR:
        return sniffed.width == 1
    ends = [line.rstrip().rstrip("\"'\u00bb\u201d")[-1:] for line in head[:200] if line.strip()]
    return dialect.delimiter == " " or sum(end in (".", "!", "?") for end in ends) > len(ends) / 2  # sentences


def _load_fixed(connection, source: Text, folder: Path, options: Options, width: fixed.Fixed) -> Delimited:
    """A text of fixed width, by a copy with delimiters."""
    copy = folder / "fixed.csv"
    ruled = re.compile(r"[-=+ ]*[-=]{2}[-=+ ]*")
    lines = ("" if ruled.fullmatch(line.rstrip("\r\n")) else line for line in source.lines())
    count = write_clean(width.rows(lines), copy)
    if not width.exact and len(width.odd) > fixed.UNALIGNED * count:
        return load_delimited(connection, source, folder, replace(options, delimiter=""))
    found = load_delimited(
        connection,
        replace(source, path=copy, decisions=[]),
        folder,
        replace(options, widths=None, delimiter=",", quote='"', escape='"'),
    )
    why = "as asked" if width.exact else f"all of the first lines have blanks between the places {width.told()}"
    said = [*source.decisions, Decision(None, "fixed width", len(width.starts), why)]
    if width.odd:
        lines_told = ", ".join(map(str, width.odd[:3])) + ("…" if len(width.odd) > 3 else "")
        said.append(Decision(None, "unaligned lines", len(width.odd), f"no blank between two columns: line {lines_told}"))
    found.decisions = said + found.decisions
    found.facts |= {"format": "text of fixed width", "encoding": source.encoding, "widths": width.told()}
    del found.facts["delimiter"]
    return found


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
    widths = options.widths
    if widths is not None and (not widths or not all(isinstance(width, int) and width > 0 for width in widths)):
        raise ParameterError(
            f"read: widths must be whole numbers from 1, such as [10, 4, 8], got {widths!r}",
            operation="read",
            operands={"widths": widths},
            rule="the signs of each column",
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


def _dialect_decisions(sniffed: Sniffed, options: Options) -> list[Decision]:
    dialect, found = sniffed.dialect, []
    if dialect.runs:
        found.append(Decision(None, "delimiter", " ", f"{sniffed.share:.0%} of the lines have {sniffed.width} fields between "
                                                      "one or more blanks"))  # fmt: skip
    elif options.delimiter is None and dialect.delimiter not in (",", ""):
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
        head, whole = head_of_text(source, first_line)
        sniffed = sniff(head, delimiter=options.delimiter, quote=options.quote, escape=options.escape)
        rows, numbers = first_rows(sniffed.dialect, head, whole)
        layout = find_layout(rows)
        names, width, _ = names_and_width(layout, rows, source.name)
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
