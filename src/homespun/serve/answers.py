"""What a model answers to rows that fit its contract: predictions, and of classes their probabilities.

Few rows go without a dataframe (`few_rows`); all others, and whatever is unusual, the ordinary way, which names each value
that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from homespun.base.errors import DataError
from homespun.serve.contract import MOST_PROBLEMS, BadRows, Contract, Problem
from homespun.serve.few_rows import FewRows, Unusual
from homespun.tabular.unseen import Unseen

Answer = tuple[Any, dict[str, float] | None, tuple[tuple[str, str], ...]]  # prediction, label → probability, (field, note)


def answers_of(model, contract: Contract, as_of=None) -> Callable[[list[dict]], list[Answer]]:
    """The function rows → [(prediction, probabilities or None, notes), …] of a model.

    Raises
    ------
    ParameterError
        `as_of` is no day: told now, and not by each request.
    """
    from homespun.tabular import Project

    predict = _of_a_table(model, contract, as_of) if isinstance(model, Project) else _of_an_estimator(model, contract)
    names = [str(label) for label in contract.classes] if contract.classes is not None else None

    def answer(rows: list[dict]) -> list[Answer]:
        if not rows:
            return []
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
            predictions, probabilities, notes = predict(rows)
        for values in (predictions, probabilities):
            if values is not None and values.dtype.kind == "f" and not np.isfinite(values).all():
                bad = np.flatnonzero(~np.isfinite(values.reshape(len(rows), -1)).all(1))
                said = "the model has no finite answer for this row: is a number far from the training data?"
                raise BadRows([Problem(("rows", int(i)), said) for i in bad[:MOST_PROBLEMS]])
        shares = repeat(None) if probabilities is None or names is None else (dict(zip(names, p)) for p in probabilities.tolist())
        return list(zip(predictions.tolist(), shares, notes))

    return answer


def _of_an_estimator(model, contract: Contract):
    named, soft = hasattr(model, "feature_names_in_"), contract.classes is not None and hasattr(model, "predict_proba")

    def predict(rows):
        frame = contract.frame(rows)
        given = frame if named else frame.to_numpy(dtype=np.float64)
        return np.asarray(model.predict(given)), np.asarray(model.predict_proba(given)) if soft else None, [()] * len(rows)

    return predict


def _of_a_table(project, contract: Contract, as_of):
    project.day(as_of)
    few, unseen = FewRows.of(project, contract.fields), Unseen(project)
    soft = contract.classes is not None and hasattr(project.model, "predict_proba")

    def predict(rows):
        day = project.day(as_of)  # a server may run for months
        if few is not None:
            try:
                features = few.features(rows, day)
                return *few.ask(features), _by_row(unseen.of(features), len(rows))
            except Unusual:
                pass
        features = project.features(_read(project, contract.frame(rows)).frame, day)
        shares = project.model.predict_proba(features) if soft else None
        return project._labels(project.model.predict(features)), shares, _by_row(unseen.of(features), len(rows))

    return predict


def _by_row(found, n: int) -> list[tuple[tuple[str, str], ...]]:
    """For each row the fields that hold what the training data did not, and what they are taken for."""
    notes: list[tuple] = [()] * n
    for note in found:
        for i in note.rows.tolist():
            notes[i] += ((note.column, note.sentence),)
    return notes


def _read(project, frame):
    """The typed table; every value that cannot be read is a problem of its own."""
    problems: list[Problem] = []
    while True:
        try:
            table = project.read(frame, "predict")
        except DataError as error:
            place = error.operands or {}
            name, row = place.get("column"), place.get("row")
            if name not in frame.columns or not isinstance(row, int) or not 1 <= row <= len(frame):
                raise
            problems.append(Problem(("rows", row - 1, name), str(error).partition(" in row ")[0], place.get("value")))
            if len(problems) >= MOST_PROBLEMS:
                raise BadRows(problems) from None
            frame = frame.copy()
            frame[name] = frame[name].astype(object)
            frame.loc[row - 1, name] = None  # go on, to name the others, too
            continue
        if problems:
            raise BadRows(problems)
        return table
