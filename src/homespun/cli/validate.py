"""``homespun validate cars.homespun fresh.csv``: scores on data that has the target, and what has moved."""

from __future__ import annotations

import typer

from homespun.cli.predict import AS_OF


def validate(
    model: str = typer.Argument(..., help="A .homespun file."),
    data: str = typer.Argument(..., help="A file with the columns of the training data, target included."),
    as_of: str = typer.Option(None, "--as-of", help=AS_OF),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Score a saved model on fresh data and compare the columns with those of the training data."""
    from homespun.cli.predict import load_project

    project = load_project(model, code)
    typer.echo(f"{data}, target {project.target!r}, model {project.best!r}")
    typer.echo(str(project.validate(data, as_of=project.day(as_of))))
