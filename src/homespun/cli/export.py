"""``homespun export cars.homespun --format python|docker``: the model without this installation."""

from __future__ import annotations

from pathlib import Path

import typer


def export(
    model: str = typer.Argument(..., help="A .homespun file."),
    format: str = typer.Option("python", "--format", help="python: one file, needs only NumPy. docker: a folder to build."),
    output: str = typer.Option(None, "--output", "-o", help="File or folder to write; default: the model's name."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
    wheel: str = typer.Option(None, "--wheel", help="docker: a homespun wheel to install instead of the published one."),
) -> None:
    """Write a model as one Python file, or as a folder that becomes a container image."""
    if format == "python":
        from homespun.cli.output import output_beside
        from homespun.persist import export_python, load

        path = output_beside("export", output or Path(model).with_suffix(".py").name, model, code)
        export_python(load(model, allow_code=code), path)
        typer.echo(f"{path}: needs only NumPy")
    elif format == "docker":
        import shlex

        from homespun.serve import write_docker
        from homespun.serve.docker import image_name

        folder = write_docker(model, output or f"{Path(model).stem}-docker", code=code, wheel=wheel)
        typer.echo(f"{folder}: docker build -t {image_name(model)} {shlex.quote(str(folder))}")
    else:
        raise typer.BadParameter(f"--format must be python or docker, got {format!r}")
