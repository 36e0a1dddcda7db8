"""The story of a table's project: what was read and decided, who won and by how much, where the winner errs, what to distrust.

    tell(project, files)      files: {"model": path, "data": path}
    remake(files, settings)   the same from the files alone: what `homespun verify` does

Scores are computed here again from the out-of-fold predictions in the model file and the target in the data; what the winner
depends on, from a model that is fitted again on the training rows of one fold. Only seconds are taken from the record.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homespun.base.errors import DataError
from homespun.report.document import Report, Section, literal
from homespun.tabular.story.book import Book
from homespun.tabular.story.data import data, distrust
from homespun.tabular.story.dependence import dependence
from homespun.tabular.story.errors import errors
from homespun.tabular.story.evidence import read_evidence
from homespun.tabular.story.models import models, short
from homespun.tabular.story.through_time import through_time
from homespun.tabular.story.use import record, use


def tell(project, files: Mapping[str, Any], *, name: str | None = None) -> Report:
    """The report of a project.

    Parameters
    ----------
    project : Project
    files : dict
        "model": its ``.homespun`` file or None; "data": the file that it was trained on, or the dataframe.
    name : str, optional
        The model file's name in the commands of the report; default: its own.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        The data is not what the model was trained on.
    """
    name = name or ("model.homespun" if files["model"] is None else Path(files["model"]).name)
    book = Book(project, read_evidence(project, files["data"]))
    sections = [
        Section("In short", short(book)),
        Section("The data", data(book)),
        Section("What to distrust", distrust(book)),
        Section("The models", models(book)),
        Section("Where it errs", errors(book)),
        Section("What it depends on", dependence(book)),
        Section("Through time", through_time(book)),
        Section("How to use it", use(book, name)),
        Section("How it was made", record(book)),
    ]
    return Report(
        "table", f"Predicting {literal(project.target)}",
        f"A {{task}}: {{winner}} won, with a {literal(book.score_name)} of {{winner.score:.3f}} ({{winner.low:.3f}} to "
        "{winner.high:.3f}) in {folds} test folds over {rows:,} rows.",
        book.facts, [section for section in sections if section.blocks],
        {role: _source(one) for role, one in files.items()},
        {"model": name}, _versions(),
    )


def remake(files: Mapping[str, Path], settings: Mapping[str, Any], *, allow_code=None) -> Report:
    """The report of a model file and its data; `settings`: the model's name in the commands."""
    from homespun.persist import load
    from homespun.tabular.project import Project

    project = load(files["model"], allow_code=allow_code)
    if not isinstance(project, Project):
        raise DataError(f"{str(files['model'])!r} holds a {type(project).__name__}, not a model of a table", operation="report",
                        operands={"model": str(files["model"])}, rule="a file that `homespun fit` wrote")
    return tell(project, files, name=str(settings.get("model", "")))


def training_data(project, given, model: Path) -> Path:
    """The file that the model was trained on: as given, or of the recorded name beside the model or in the current folder.

    Raises
    ------
    DataError
        It is not there; or the model was trained on a dataframe or a folder, and nothing is given.
    """
    if given is not None:
        return Path(given)
    name = (project.record_.get("data") or {}).get("source")
    if name is None:
        raise DataError("report: the model was not trained on one file; say where the data is: --data PATH",
                        operation="report", operands={"model": str(model)}, rule="the training data", suggestion="--data PATH")
    for place in (model.parent / name, Path.cwd() / name):
        if place.is_file():
            return place
    raise DataError(f"report: the training data {name!r} is neither beside the model nor here; say where it is: --data PATH",
                    operation="report", operands={"data": name}, rule="the training data", suggestion="--data PATH")


def _source(one) -> dict[str, str | None]:
    """Name and digest of a file; what is no single file (a folder, a pattern) has none, and cannot be compared again."""
    if not isinstance(one, (str, os.PathLike)):
        return {"name": "not saved" if one is None else "a dataframe", "sha256": None}
    if not Path(one).is_file():
        return {"name": Path(one).name, "sha256": None}
    with open(one, "rb") as file:
        return {"name": Path(one).name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("homespun", "numpy", "scipy", "matplotlib")}
