"""``homespun inspect cars.csv``: what the reader understood of a table, and why."""

from __future__ import annotations

import json
import os
import re
import shutil
import textwrap

import typer

TYPES = {"number": "number", "flag": "yes/no", "date": "date", "text": "text", "empty": "empty"}
ROLES = ("constant", "identifier", "free text", "duplicate column")
SIGNS = {"\t": "tab", " ": "blank", "": "none"}


def inspect(
    source: str = typer.Argument(..., help="File, folder, pattern (quoted), or database; '-' is the standard input."),
    delimiter: str = typer.Option(None, help="What stands between fields; \\t for a tab."),
    encoding: str = typer.Option(None, help="utf-8, cp1252, utf-16, …"),
    header: bool = typer.Option(None, "--header/--no-header", help="Whether there is a header."),
    skip_rows: int = typer.Option(None, help="Lines before the header."),
    widths: str = typer.Option(None, help="Of the columns of a text of fixed width: 10,4,8."),
    decimal: str = typer.Option(None, help="Decimal point: . or ,"),
    date_order: str = typer.Option(None, help="day or month: what comes first in 01/02/2024."),
    sheet: str = typer.Option(None, help="Of a workbook."),
    table: str = typer.Option(None, help="Of a database, or the number of a table in a text file."),
    query: str = typer.Option(None, help="SQL; a file is called data in it."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Say what a table holds: format, types, units, missing values, and the evidence for each decision."""
    from homespun.cli.source import given
    from homespun.data import read

    data, name = given(source, "inspect")
    found = read(
        data,
        delimiter=None if delimiter is None else delimiter.replace("\\t", "\t"),
        encoding=encoding,
        header=header,
        skip_rows=skip_rows,
        widths=None if widths is None else as_widths(widths),
        decimal=decimal,
        date_order=date_order,
        sheet=int(sheet) if sheet and sheet.isdigit() else sheet,
        table=int(table) if table and table.isdigit() else table,
        query=query,
    )
    if data is not source:
        found.facts["source"] = name
    check_options(found, sheet, delimiter)
    if as_json:
        typer.echo(json.dumps(summary(found), indent=1, ensure_ascii=False, default=str))
        return
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 160)
    plain = bool(os.environ.get("NO_COLOR"))  # no-color.org; Typer itself does not ask
    for line, style in lines(found, width):
        typer.echo(line if plain or not style else typer.style(line, **style))


def as_widths(text: str) -> list[int]:
    """ "10,4,8" as numbers.

    Raises
    ------
    ParameterError
        Other signs in it.
    """
    from homespun.base.errors import ParameterError

    if not re.fullmatch(r"[1-9]\d*( *, *[1-9]\d*)*", text.strip()):
        raise ParameterError(f"inspect: --widths must be whole numbers such as 10,4,8, got {text!r}", operation="inspect",
                             operands={"widths": text}, rule="whole numbers from 1, with commas between")
    return [int(width) for width in text.split(",")]


def check_options(table, sheet, delimiter) -> None:
    """An option that cannot mean anything for this file must not look as if it had been heeded.

    Raises
    ------
    ParameterError
        `sheet` for what is no workbook.
    """
    from homespun.base.errors import ParameterError

    source, form = table.facts.get("source", "the table"), str(table.facts.get("format", ""))
    if sheet is not None and "workbook" not in form.lower() and "excel" not in form.lower():
        raise ParameterError(f"inspect: --sheet {sheet}: {source} is {form or 'no workbook'}; only workbooks have sheets",
                             operation="inspect", operands={"sheet": sheet, "format": form}, rule="a workbook",
                             suggestion="no --sheet")
    if delimiter is not None and table.frame.shape[1] == 1:
        typer.echo(f"homespun: note: with --delimiter {delimiter!r} there is one column: no line is cut by it; without the "
                   "option the delimiter is found out", err=True)


def summary(table) -> dict:
    """The same as plain data."""
    columns = {}
    for name in table.frame.columns:
        column = table.frame[name]
        said = [decision for decision in table.decisions if decision.column == name]
        columns[str(name)] = {
            "type": kind_of(table, name),
            "missing": int(column.isna().sum()),
            "holds": content(column, kind_of(table, name)),
            "decisions": [{"kind": d.kind, "value": d.value, "evidence": d.evidence} for d in said],
        }
    return {
        "source": table.facts,
        "rows": len(table),
        "columns": columns,
        "decisions": [
            {"kind": d.kind, "value": d.value, "evidence": d.evidence} for d in table.decisions if d.column is None
        ],
    }


def lines(table, width: int) -> list[tuple[str, dict]]:
    """(line, style) of the report for a terminal of `width` columns."""
    from homespun.cli.source import plainly

    bold, dim, loud = {"bold": True}, {"dim": True}, {"fg": "yellow"}
    facts = table.facts
    out: list[tuple[str, dict]] = [
        (f"{facts.get('source', 'table')}: {counted(len(table), 'row')}, {counted(table.frame.shape[1], 'column')}", bold),
        ("  " + described(facts), {}),
    ]
    for decision in [decision for decision in table.decisions if decision.column is None]:
        worth = decision in table.warnings
        why = plainly(decision.kind, decision.evidence)
        out += [
            (line, loud if worth else {})
            for line in wrapped(
                f"{decision.kind}{shown_after(decision)}: {why}", width, "  ! " if worth else "  · "
            )
        ]
    names = [str(name) for name in table.frame.columns]
    first = min(max([len(name) for name in names] + [6]), max(width // 4, 12))
    out += [("", {}), (f"{'column':<{first}}  {'type':<10}{'missing':>8}   holds", bold)]
    for name in names:
        column = table.frame[name]
        kind = kind_of(table, name)
        gone = column.isna().mean()
        share = "" if not gone else "< 1 %" if gone < 0.01 else f"{gone:.0%}".replace("%", " %")
        holds = content(column, kind)
        line = f"{clipped(name, first):<{first}}  {kind:<10}{share:>8}   {holds}"
        out.append((clipped(line, width), {}))
        for decision in [decision for decision in table.decisions if decision.column == name]:
            value = "" if decision.kind in ("flag",) or decision.value is None else f" {shown(decision.value)}"
            worth = decision in table.warnings
            text = f"{decision.kind}{value}: {plainly(decision.kind, decision.evidence)}"
            out += [
                (line, loud if worth else dim)
                for line in wrapped(text, width, " " * (first + 2) + ("! " if worth else "· "))
            ]
    return out


def counted(count: int, what: str) -> str:
    """ "1 row", "1,000 rows"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def shown_after(decision) -> str:
    """The value of a decision behind its kind, where it says more than the kind."""
    if decision.value is None or isinstance(decision.value, bool):
        return ""
    if decision.kind == "delimiter":
        return f" {SIGNS.get(decision.value, repr(decision.value))}"
    if decision.kind == "renamed":
        return " " + ", ".join(f"{old!r} is {new!r}" for new, old in list(decision.value.items())[:3]) + (
            f", … ({len(decision.value)})" if len(decision.value) > 3 else "")  # fmt: skip
    return f" {shown(decision.value)}"


def kind_of(table, name) -> str:
    """The type of a column, or its role where that says more."""
    roles = {decision.kind for decision in table.decisions if decision.column == name}
    for role in ROLES:
        if role in roles:
            return "id" if role == "identifier" else "twice" if role == "duplicate column" else role
    recipe = table.recipes.get(name)
    if recipe is None:
        return "yes/no"  # the flag made from a word behind numbers
    if recipe["kind"] == "number":
        unit = recipe["currency"] or recipe["unit"] or recipe["suffix"]
        return f"number {unit}" if unit and len(unit) <= 3 else "number"
    return TYPES[recipe["kind"]]


def content(column, kind: str) -> str:
    """The range of numbers and dates, the most frequent words."""
    if column.isna().all():
        return ""
    if column.dtype.kind in "iuf":
        if column.nunique() <= 3:
            counts = column.value_counts()
            return ", ".join(f"{number(value)} × {count:,}" for value, count in counts.items())
        return f"{number(column.min())} … {number(column.max())}, median {number(column.median())}"
    if column.dtype.kind == "M":
        first, last = column.min(), column.max()
        whole = (column.dropna().dt.normalize() == column.dropna()).all()
        form = "%Y-%m-%d" if whole else "%Y-%m-%d %H:%M"
        return f"{first.strftime(form)} … {last.strftime(form)}"
    counts = column.value_counts()
    if len(counts) > 0.5 * column.notna().sum() and len(counts) > 10:
        return f"{len(counts):,} different, such as {clipped(' '.join(str(counts.index[0]).split()), 60)!r}"
    top = ", ".join(f"{clipped(' '.join(str(word).split()), 24)} {count:,}" for word, count in counts.iloc[:4].items())
    return f"{len(counts):,} different: {top}{', …' if len(counts) > 4 else ''}"


def number(value) -> str:
    """A number as people read it: four significant digits at least, no exponent where there is none needed."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"


def described(facts: dict) -> str:
    """The format in one line."""
    parts = [str(facts.get("format", ""))]
    if facts.get("packed"):
        parts.append(facts["packed"])
    if "widths" in facts:
        parts += [facts["encoding"], f"columns at {clipped(facts['widths'], 80)}"]
    elif "delimiter" in facts:
        sign = facts["delimiter"]
        parts += [
            facts["encoding"],
            "delimiter blanks" if facts.get("runs") else f"delimiter {SIGNS.get(sign, repr(sign))}",
            f"quotes {facts['quote'] or 'none'}",
        ]
    if "header rows" in facts:
        rows = facts["header rows"]
        parts.append("no header" if not rows else "header" if rows == 1 else f"header of {rows} rows")
    return ", ".join(part for part in parts if part)


def shown(value, limit: int = 60) -> str:
    """A value of a decision, short."""
    if isinstance(value, list):
        text = ", ".join(repr(one) for one in value[:5]) + (f", … ({len(value)})" if len(value) > 5 else "")
        return clipped(text, 2 * limit)
    if isinstance(value, str):
        return repr(clipped(value, limit))
    return clipped(str(value), limit)


def clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def wrapped(text: str, width: int, lead: str) -> list[str]:
    """`text` in lines of `width`, the first one behind `lead`."""
    return textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_long_words=True
    ) or [lead]
