"""The rows that the models were compared on, read again, with what was said of each before it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from homespun.base.errors import DataError


@dataclass
class Evidence:
    """The rows that the models were compared on, with what was said of them before they were seen."""

    table: Any  # typed, all columns of the file
    frame: Any  # the rows that were used
    X: Any  # features of those rows
    truth: np.ndarray
    fold: np.ndarray
    prediction: np.ndarray
    models: np.ndarray


def read_evidence(project, data) -> Evidence:
    """Read the data by the model's decisions, and make sure that it is the data."""
    from homespun.data.reader import reread

    recipes = {name: recipe for name, recipe in project.recipes_.items() if recipe["kind"] != "empty"}
    table = reread(data, recipes, operation="report", known=tuple(project.recipes_))
    told = project.evidence_
    if not told:
        raise DataError("report: the model file holds no out-of-fold predictions; it was written by an older homespun",
                        operation="report", operands={"model": project.target}, rule="a model of this version")
    rows = np.asarray(told["rows"])
    if len(rows) and rows.max() >= len(table.frame):
        raise _other_data(project, data)
    frame = table.frame.iloc[rows].reset_index(drop=True)
    values, present = project._truth(type(table)(frame, [], table.recipes))
    if len(present) != len(rows) or not np.array_equal(values, np.asarray(told["truth"])):
        raise _other_data(project, data)
    return Evidence(table.frame, frame, project.features(frame), values, np.asarray(told["fold"]),
                    np.asarray(told["prediction"]), np.asarray(told.get("models", np.empty((0, len(rows))))))


def _other_data(project, data) -> DataError:
    said = f"report: {str(data)!r} is not the data that the model was trained on: its column {project.target!r} differs"
    return DataError(said, operation="report", operands={"data": str(data)}, rule="the training data")
