"""For builders of algorithms: ``new`` writes a start, ``certify`` checks it, ``step`` walks through it."""

from __future__ import annotations

import typer


def new(path: str = typer.Argument(..., help="Python file to write.")) -> None:
    """Write a short start for an estimator of your own."""
    from homespun.testing import new_file

    typer.echo(f"wrote {new_file(path)}")


def certify(
    target: str = typer.Argument(..., help="my_model.py:MyModel, or the name of one of our estimators."),
    report: str = typer.Option(None, help="Write the certificate as a page (HTML) there."),
) -> None:
    """Check an estimator: contract, invariances, speed, saving."""
    from homespun.cli.output import writable
    from homespun.testing import certify_target

    if report is not None:
        writable("certify", report)
    certificate = certify_target(target, report)
    typer.echo(str(certificate))
    if not certificate.passed:
        raise typer.Exit(1)


def step(target: str = typer.Argument(..., help="my_model.py:MyModel, a script, or the name of one of our estimators.")) -> None:
    """Run an algorithm as plain Python and stop in the debugger at its own lines."""
    from homespun.testing import step_target

    step_target(target)
