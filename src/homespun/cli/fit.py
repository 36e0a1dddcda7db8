"""``homespun fit cars.csv --target price``: read, compare, save."""

from __future__ import annotations

import typer


def fit(
    data: str = typer.Argument(..., help="CSV, TSV, Parquet or JSON file (also .gz); '-' is the standard input."),
    target: str = typer.Option(..., "--target", "-t", help="Column to predict."),
    out: str = typer.Option(".", "--out", "-o", help="Folder, or a .homespun file."),
    task: str = typer.Option("auto", help="auto, regression or classification."),
    time: str = typer.Option(None, help="Column of dates: test folds lie after their training rows."),
    group: str = typer.Option(None, help="Column whose equal values stay in one fold."),
    stratify: str = typer.Option(None, help="Column with equal shares in every fold."),
    positive: bool = typer.Option(False, "--positive", help="Never predict below 0."),
    positive_class: str = typer.Option(None, "--positive-class", help="The class of two that is looked for."),
    models: str = typer.Option(
        None, help="Comma separated: baseline,linear,ridge,lasso,logistic,neighbors,forest,boosting,file.py:Class."
    ),
    folds: int = typer.Option(5, help="Number of folds."),
    budget: float = typer.Option(60.0, help="Seconds until the model is there; the report comes on top. inf: while it pays."),
    seed: int = typer.Option(0, help="random_state."),
    resume: bool = typer.Option(False, "--resume", help="Go on with what an interrupted run has kept."),
    report: bool = typer.Option(True, "--report/--no-report", help="Write the report, too: some seconds more."),
    track: str = typer.Option(None, "--track", help="MLflow experiment to log to (MLFLOW_TRACKING_URI: where)."),
) -> None:
    """Train and compare models on a table; write one model file and a report."""
    from homespun.cli.source import given, kept, plainly
    from homespun.tabular import fit as train
    from homespun.tabular.place import place_for

    source, name = given(data, "fit")
    destination = place_for(out, source)
    assert destination is not None  # `out` is the current folder, if it is not given
    copy, new = kept(source, destination) if isinstance(source, bytes) and report else (None, False)
    try:
        project = train(copy or source, target, task=task, time=time, group=group, stratify=stratify,
                        positive=positive_class if positive_class is not None else True if positive else None, models=models,
                        folds=folds, budget=budget, random_state=seed, out=destination, resume=resume)
    except BaseException as ended:
        if copy is not None and new:
            copy.unlink(missing_ok=True)
        if isinstance(ended, KeyboardInterrupt):
            journal = destination.with_suffix(".journal").exists()
            typer.echo("no model was finished" + ("; --resume goes on with what was measured" if journal else ""), err=True)
        raise
    record = project.record_
    typer.echo(f"{name}: {record['data']['rows']:,} rows, {record['data']['columns']} columns")
    if resume:
        found = record["resumed"]
        typer.echo(f"resumed: {found} folds were measured before" if found else "nothing to resume: begun anew")
    typer.echo("\nunderstood")
    for decision in project.decisions:
        place = _short(decision.column, 40) if decision.column is not None else "(table)"
        value = "" if decision.value is None else f" {_short(decision.value)}"
        typer.echo(f"  {place:<20} {decision.kind}{value}: {_short(plainly(decision.kind, decision.evidence), 110)}")
    for warning in project.warnings:
        typer.echo(f"note: {warning}", err=True)
    typer.echo(f"\n{project.score_name}, {project.task} of {target!r}, mean over the test folds with its 95 % interval")
    for line in leaderboard_lines(project.leaderboard):
        typer.echo(f"  {line}")
    typer.echo(f"\n{_worked(record)}")
    typer.echo(f"best: {project.best}, refitted on all rows, saved as {destination}")
    if report:
        page = project.report(destination.with_name(f"{destination.stem}-report.html"), data=copy or source, model=destination)
        typer.echo(f"report: {page}" + (f"; what came from the standard input is kept for it as {copy}" if copy else ""))
    if track is not None:
        run = project.track(experiment=track, name=destination.stem, files=[destination, *([page] if report else [])])
        typer.echo(f"tracked: experiment {track!r}, run {run}")


def _worked(record) -> str:
    """How much was tried, in which time, and what ended it."""
    tried = len(record["candidates"]) + len(record["given_up"])
    ended = {"budget": "; the budget ended the search", "Ctrl-C": "; interrupted, what was finished is kept"}
    return f"{tried} candidate{'s' * (tried != 1)} in {record['seconds']['all']:.1f} s" + ended.get(record["interrupted"], "")


def leaderboard_lines(board) -> list[str]:
    """The leaderboard as text: aligned columns, numbers with four significant digits."""
    head = f"{'model':<24}{'score':>9}{'low':>9}{'high':>9}{'fit s':>10}{'predict s':>11}"
    rows = []
    for place, row in enumerate(board.itertuples()):
        line = (f"{row.model:<24}{row.score:>9.4f}{row.low:>9.4f}{row.high:>9.4f}{row.fit_seconds:>10.3f}"
                f"{row.predict_seconds:>11.4f}")
        like = place and row.p_value == row.p_value and row.p_value > 0.05
        rows.append(line + ("   not distinguishable from the best" if like else ""))
    return [head, *rows]


def _short(value, limit: int = 60) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
