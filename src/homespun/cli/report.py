"""``homespun report cars.homespun -o report.html`` writes the story of a model; ``homespun verify report.html`` checks it."""

from __future__ import annotations

from pathlib import Path

import typer


def report(
    model: str = typer.Argument(..., help="A .homespun file that `homespun fit` wrote."),
    data: str = typer.Option(None, "--data", help="The training data; default: the file of that name beside the model or here."),
    output: str = typer.Option(None, "--output", "-o", help="HTML file to write; default: as fit names it, beside the model."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Write a report in which every number can be computed again."""
    from homespun.cli.output import output_beside
    from homespun.cli.predict import load_project
    from homespun.tabular.story import tell, training_data

    path = output_beside("report", output or Path(model).with_name(f"{Path(model).stem}-report.html"), model, data)
    project = load_project(model, code)
    source = training_data(project, data, Path(model))
    output_beside("report", path, source)  # the data may have been found only now
    tell(project, {"model": model, "data": source}).write(path)
    typer.echo(f"{path}: open it in a browser; homespun verify {path} computes its numbers again")


def verify(
    report: str = typer.Argument(..., help="A report that homespun wrote."),
    data: str = typer.Option(None, "--data", help="The data; default: the file of that name beside the report or here."),
    model: str = typer.Option(None, "--model", help="The model file; default: the file of that name beside the report or here."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Compute every number of a report again; exit status 1 if one was altered."""
    from homespun.report import verify as compute

    found = compute(report, data=data, model=model, allow_code=code)
    typer.echo(str(found))
    if not found:
        raise typer.Exit(1)
