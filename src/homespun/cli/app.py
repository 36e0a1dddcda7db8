"""All commands in one table. A command's file imports what it needs when it runs, so ``homespun --help`` is quick."""

from __future__ import annotations

import typer

from homespun import __version__
from homespun.cli import datasets, export, fit, inspect, kernels, predict, prove, report, serve, validate, workshop

app = typer.Typer(
    help="Machine learning you can read: from a table to a model, and from a model to its own lines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"homespun {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options before the command."""


for command in (
    inspect.inspect,
    fit.fit,
    predict.predict,
    report.report,
    report.verify,
    serve.serve,
    serve.load_test,
    validate.validate,
    export.export,
    workshop.step,
    workshop.new,
    workshop.certify,
    prove.prove,
    kernels.warmup,
):
    app.command()(command)
app.add_typer(datasets.app, name="datasets")
