"""``homespun validate cars.homespun fresh.csv``: scores on data that has the target, and what has moved."""

from __future__ import annotations

import typer

from homespun.cli.predict import AS_OF


def validate(
    model: str = typer.Argument(..., help="A .homespun file."),
    data: str = typer.Argument(..., help="A file with the training data's columns and the target; '-' is the standard input."),
    as_of: str = typer.Option(None, "--as-of", help=AS_OF),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Score a saved model on fresh data and compare the columns with those of the training data."""
    from homespun.cli.predict import load_project
    from homespun.cli.source import given

    project = load_project(model, code)
    source, name = given(data, "validate")
    typer.echo(f"{name}, target {project.target!r}, model {project.best!r}")
    typer.echo(str(project.validate(source, as_of=project.day(as_of))))
