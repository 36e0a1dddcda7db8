"""``homespun export cars.homespun --format python``: the model as a file of its own."""

from __future__ import annotations

from pathlib import Path

import typer


def export(
    model: str = typer.Argument(..., help="A .homespun file."),
    format: str = typer.Option("python", "--format", help="python: one file that needs only NumPy."),
    output: str = typer.Option(None, "--output", "-o", help="File to write; default: the model's name with .py."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Write a model as one Python file that needs only NumPy."""
    from homespun.persist import export_python, load

    if format != "python":
        raise typer.BadParameter(f"--format must be python, got {format!r}")
    path = Path(output) if output else Path(model).with_suffix(".py").name
    export_python(load(model, allow_code=code), path)
    typer.echo(f"{path}: needs only NumPy")
