"""Commands to copy, and what it takes to repeat the work: settings, seconds, parameters."""

from __future__ import annotations

import shlex

from homespun.report.document import Code, Details, Grid, Words
from homespun.tabular.story.book import Book


def use(book: Book, model: str) -> list:
    """Commands to copy."""
    name = shlex.quote(model)  # it may hold blanks
    return [Code("# a prediction for each row\n"
                 f"homespun predict {name} fresh.csv -o predictions.csv\n"
                 "# rows with known answers: scores and drift\n"
                 f"homespun validate {name} fresh.csv\n"
                 "# POST /predict, and a form for people at /\n"
                 f"homespun serve {name} --port 8000\n"
                 "# a folder for docker build\n"
                 f"homespun export {name} --format docker"),
            Words("It answers for rows like those it was trained on. Ask `validate` when rows with known answers come in: it "
                  "says whether columns have moved and whether the score still holds.")]


def record(book: Book) -> list:
    """Seconds, seeds, versions: what it takes to repeat it."""
    record = book.project.record_
    rows = [[name, book.fact(f"seconds.{name}", value, ",.3g")] for name, value in record["seconds"].items()]
    settings = [[name, _said(value)] for name, value in record["settings"].items() if value is not None]
    said: list = []
    if settings:
        said.append(Grid(["setting", "value"], settings))
    if rows:
        said.append(Details("Seconds", [Grid(["step", "seconds (recorded)"], rows)]))
    parameters = [[name, _said(value)] for name, value in record["winner"]["parameters"].items()]
    if parameters:
        said.append(Details("Parameters of the winner", [Grid(["parameter", "value"], parameters)]))
    return said


def _said(value) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
