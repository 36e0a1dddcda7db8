"""``homespun datasets search "used cars regression"`` and ``homespun datasets fetch NAME``: the catalogue in the terminal."""

from __future__ import annotations

import typer

app = typer.Typer(help="Find published data sets in the catalogue, and fetch them.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def search(
    query: list[str] = typer.Argument(None, help="Words in any order; none: all sets."),  # noqa: B008 - Typer's way
    task: str = typer.Option(None, "--task", help="Only this task: regression, classification, 'time series', …"),
    rows: str = typer.Option(None, "--rows", help="Only sets of this size: 1000-50000, '>=1000', '<=500'."),
    limit: int = typer.Option(20, "--limit", help="At most so many."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
) -> None:
    """Search the catalogue that ships with the package. No network is used."""
    import json
    import shutil

    from homespun.datasets.listing import search as find
    from homespun.datasets.listing import table

    words = " ".join(query or [])
    found = find(words, task=task, rows=rows, limit=limit)
    if as_json:
        typer.echo(json.dumps([known.as_dict() for known in found], ensure_ascii=False, indent=2))
        return
    typer.echo(table(found, max(shutil.get_terminal_size((120, 24)).columns, 80)))
    if found:
        typer.echo("* homespun datasets fetch NAME brings it; the others have a page: homespun datasets show NAME")


@app.command()
def show(name: str = typer.Argument(..., help="Name of a data set, as `search` prints it.")) -> None:
    """Print all that the catalogue knows of one data set."""
    from homespun.datasets.listing import entry

    known = entry(name)
    facts = [("name", known.name), ("title", known.title), ("task", known.task), ("rows", known.rows),
             ("columns", known.columns), ("licence", known.licence or "none was found: ask before you pass it on"),
             ("page", known.page), ("keywords", ", ".join(known.keywords))]
    for label, value in facts:
        if value is not None:
            typer.echo(f"{label:<9} {f'{value:,}' if isinstance(value, int) else value}")
    for file in known.files:
        size = "" if file.bytes is None else f", {file.bytes:,} bytes"
        typer.echo(f"file      {file.address}\n          sha256 {file.sha256} ({file.checked}){size}")


@app.command()
def fetch(
    name: str = typer.Argument(..., help="Name of a data set, as `search` prints it."),
    to: str = typer.Option(None, "--to", help="Folder for the files; default: the user's cache."),
    mirror: str = typer.Option(None, "--mirror", help="Folder or address that stands in for the network [HOMESPUN_MIRROR]."),
) -> None:
    """Download a data set, checked; a broken download goes on where it broke. Prints where it lies."""
    from homespun.datasets.download import fetch as bring

    typer.echo(str(bring(name, to=to, mirror=mirror)))
