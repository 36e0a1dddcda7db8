"""``homespun fit cars.csv --target price``: read, compare, save."""

from __future__ import annotations

import typer


def fit(
    data: str = typer.Argument(..., help="CSV, TSV, Parquet or JSON file (also .gz)."),
    target: str = typer.Option(..., "--target", "-t", help="Column to predict."),
    out: str = typer.Option(".", "--out", "-o", help="Folder, or a .homespun file."),
    task: str = typer.Option("auto", help="auto, regression or classification."),
    time: str = typer.Option(None, help="Column of dates: test folds lie after their training rows."),
    group: str = typer.Option(None, help="Column whose equal values stay in one fold."),
    stratify: str = typer.Option(None, help="Column with equal shares in every fold."),
    positive: str = typer.Option(None, help="The class of two that is looked for."),
    models: str = typer.Option(None, help="Comma separated: baseline,linear,lasso,logistic,forest,boosting,file.py:Class."),
    folds: int = typer.Option(5, help="Number of folds."),
    budget: float = typer.Option(None, help="Seconds; no further model is begun when they are over."),
    seed: int = typer.Option(0, help="random_state."),
) -> None:
    """Train and compare models on a table; write one model file."""
    from homespun.base.progress import progress
    from homespun.data import read
    from homespun.tabular import fit as train
    from homespun.tabular.fitting import place_for

    destination = place_for(out, data)
    with progress(total=1, label="reading"):
        table = read(data)
    typer.echo(f"{data}: {len(table):,} rows, {len(table.recipes)} columns")
    project = train(table, target, task=task, time=time, group=group, stratify=stratify, positive=positive, models=models,
                    folds=folds, budget=budget, random_state=seed)
    typer.echo("\nunderstood")
    for decision in project.decisions:
        place = decision.column if decision.column is not None else "(table)"
        value = "" if decision.value is None else f" {_short(decision.value)}"
        typer.echo(f"  {place:<20} {decision.kind}{value}: {_short(decision.evidence, 110)}")
    for warning in project.warnings:
        typer.echo(f"note: {warning}", err=True)
    typer.echo(f"\n{project.score_name}, {project.task} of {target!r}, mean over the test folds with its 95 % interval")
    for line in leaderboard_lines(project.leaderboard):
        typer.echo(f"  {line}")
    assert destination is not None  # `out` has a default
    project.save(destination)
    typer.echo(f"\nbest: {project.best}, refitted on all rows, saved as {destination}")


def leaderboard_lines(board) -> list[str]:
    """The leaderboard as text: aligned columns, numbers with four significant digits."""
    head = f"{'model':<24}{'score':>9}{'low':>9}{'high':>9}{'fit s':>10}{'predict s':>11}"
    rows = [f"{row.model:<24}{row.score:>9.4f}{row.low:>9.4f}{row.high:>9.4f}{row.fit_seconds:>10.3f}{row.predict_seconds:>11.4f}"
            for row in board.itertuples()]
    return [head, *rows]


def _short(value, limit: int = 60) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
