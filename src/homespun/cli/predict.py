"""``homespun predict cars.homespun fresh.csv -o predictions.csv``: one line for each row, in the order of the file."""

from __future__ import annotations

import typer

AS_OF = "Day to which ages are counted, such as 2026-03-31 or today; default: today, or where a table of the past ended."


def predict(
    model: str = typer.Argument(..., help="A .homespun file."),
    data: str = typer.Argument(..., help="CSV, TSV, Parquet or JSON file with the columns of the training data; '-' is the "
                                "standard input."),
    output: str = typer.Option("-", "--output", "-o", help="CSV file to write; '-' is the standard output."),
    as_of: str = typer.Option(None, "--as-of", help=AS_OF),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Predict each row of a table with a saved model."""
    import sys

    import pandas as pd

    from homespun.base.files import write_whole
    from homespun.cli.output import output_beside
    from homespun.cli.source import given
    from homespun.tabular.unseen import Unseen

    path = output_beside("predict", output, data, model)
    project = load_project(model, code)
    table = project.read(given(data, "predict")[0], "predict")
    day = asked_on(project, as_of)
    for note in Unseen(project).told(project.features(table.frame, day)):
        typer.echo(f"homespun: note: predict: {note}", err=True)
    columns = {"prediction": project.predict(table, as_of=day)}
    if project.task == "classification" and hasattr(project.model, "predict_proba"):
        for label, column in zip(project.classes, project.predict_proba(table, as_of=day).T):
            columns[f"probability_{label}"] = column
    frame = pd.DataFrame(columns)
    if output == "-":
        frame.to_csv(sys.stdout, index=False)
        return
    write_whole(path, frame.to_csv(index=False))
    typer.echo(f"{output}: {len(frame):,} predictions of {project.target!r}")


def load_project(path: str, code: str | None):
    """The `Project` in a model file; a DataError for a file that holds something else."""
    from homespun.base.errors import DataError
    from homespun.persist import load
    from homespun.tabular import Project

    model = load(path, allow_code=code)
    if not isinstance(model, Project):
        raise DataError(f"{path!r} holds a {type(model).__name__}, not a model of a table; load it with homespun.load",
                        operation="predict", operands={"model": path}, rule="a file that `homespun fit` wrote")
    return model


def asked_on(project, as_of: str | None) -> str | None:
    """The day that is asked on, and a note of it where ages are counted to it."""
    day = project.day(as_of)
    told = project.told_day(day)
    if told is not None:
        typer.echo(f"homespun: note: {told}", err=True)
    elif as_of is not None:
        typer.echo("homespun: note: no age of this model depends on the day that is asked on: --as-of changes nothing", err=True)
    return day
