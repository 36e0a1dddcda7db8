"""``homespun export cars.homespun --format python``: the model as a file of its own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Format(StrEnum):
    """What a model can be written as."""

    python = "python"


def export(
    model: str = typer.Argument(..., help="A .homespun file."),
    format: Format = typer.Option(Format.python, "--format", help="python: one file that needs only NumPy."),
    output: str = typer.Option(None, "--output", "-o", help="File to write; default: the model's name with .py."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Write a model as one Python file that needs only NumPy."""
    from homespun.persist import export_python, load

    path = Path(output) if output else Path(model).with_suffix(".py").name
    export_python(load(model, allow_code=code), path)
    typer.echo(f"{path}: needs only NumPy")
