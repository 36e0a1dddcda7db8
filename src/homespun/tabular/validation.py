"""Fresh data: scores beside those that were promised, rows that are later than all training rows, drift in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homespun.base.errors import DataError
from homespun.tabular.drift import drift
from homespun.tabular.scores import SCORE_NAMES, all_scores, bootstrap_intervals


@dataclass
class Validation:
    """What `Project.validate` found.

    Attributes
    ----------
    scores : dict
        Name → value on the fresh data.
    drift : pandas.DataFrame
        column, psi, missing_before, missing_now, reading ("steady", "look", "moved"), test, p_value, sentence; the column
        that moved most comes first.
    intervals : dict
        Name → (low, high), 95 %: how far the scores may lie off with so many rows (bootstrap).
    expected : tuple (score, low, high) or None
        What the cross-validation promised for the first of the scores.
    later : dict
        The scores on those rows that are later than all training rows, where the data has dates; "rows" counts them.
    sentences : list of str
        All of it in words.
    """

    scores: dict[str, float]
    drift: Any
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    expected: tuple[float, float, float] | None = None
    later: dict[str, float] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)

    def __str__(self):
        lines = ["scores"]
        for name, value in self.scores.items():
            low, high = self.intervals.get(name, (float("nan"), float("nan")))
            lines.append(f"  {name:<26}{value:>12.4g}" + (f"   [{low:.4g}, {high:.4g}]" if low == low else ""))
        return "\n".join([*lines, "drift, and what to make of it", *(f"  {sentence}" for sentence in self.sentences)])


def validate(project, data, as_of=None) -> Validation:
    """Scores on fresh data that has the target, and how far its columns are from those of the training data."""
    import pandas as pd

    table = project.read(data, "validate")
    if project.target not in table.frame.columns:
        raise DataError(
            f"validate: the target {project.target!r} is missing; without it there is nothing to compare with",
            operation="validate",
            operands={"given": list(table.frame.columns)},
            rule="the target's column",
            suggestion="predict needs no target",
        )
    y, rows = project._truth(table)
    X = project.features(table.frame, as_of)
    if not len(rows):
        raise DataError(
            f"validate: the target {project.target!r} has no value in any row",
            operation="validate",
            operands={"target": project.target},
            rule="at least one row with a target",
        )
    probabilities = (
        project.model.predict_proba(X.iloc[rows])
        if project.task == "classification" and hasattr(project.model, "predict_proba")
        else None
    )
    prediction = project.model.predict(X.iloc[rows])
    scores = all_scores(project._score_kind, y, prediction, probabilities)
    found = Validation(
        scores,
        pd.DataFrame(drift(table.frame, {name: told for name, told in project.reference_.items() if name in table.frame})),
        bootstrap_intervals(project._score_kind, y, prediction, probabilities),
        _expected(project, next(iter(scores))),
    )
    _look_later(project, found, table, rows, y, prediction, probabilities)
    _say(project, found, len(rows))
    if (told := project.told_day(as_of)) is not None:
        found.sentences.append(told)
    return found


def _expected(project, name) -> tuple[float, float, float] | None:
    place = project._board["model"].index(project.best)
    score, low, high = (project._board[key][place] for key in ("score", "low", "high"))
    return (score, low, high) if name == SCORE_NAMES[project._score_kind] else None


def _look_later(project, found, table, rows, y, prediction, probabilities) -> None:
    """Scores of the rows after the last training day: whether the model holds when time goes on."""
    order = (project.record_.get("settings") or {}).get("time")
    dates = [name for name, told in project.reference_.items()
             if (told["kind"] == "date" or name == order) and "max" in told and name in table.frame]
    name = order if order in dates else dates[0] if dates else None
    if name is None:
        return
    column = table.frame[name].to_numpy()[rows]
    numbers = column.astype("datetime64[us]").astype(np.float64) if column.dtype.kind == "M" else column.astype(np.float64)
    there = ~np.isnat(column) if column.dtype.kind == "M" else ~np.isnan(numbers)
    after = there & (numbers > project.reference_[name]["max"])
    if after.sum() < 2:
        return
    shares = None if probabilities is None else probabilities[after]
    found.later = {"rows": int(after.sum()), **all_scores(project._score_kind, y[after], prediction[after], shares)}
    first = next(iter(found.scores))
    found.sentences.append(f"{int(after.sum())} of {len(y)} rows are later by {name!r} than all training rows: "
                           f"{first} {found.later[first]:.4g} on them")


def _say(project, found, n) -> None:
    first = next(iter(found.scores))
    value = found.scores[first]
    if value != value:
        found.sentences.insert(0, f"{first} has no value on {n} row{'s' * (n != 1)} with one and the same {project.target!r}: "
                                  "fresh data needs rows that differ in it")
    elif found.expected and found.expected[1] == found.expected[1]:
        score, low, high = found.expected
        where = "below" if value < low else "above" if value > high else "inside"
        sure = ""
        if where == "below":
            certain = found.intervals.get(first, (0, 0))[1] < low
            sure = ", and chance does not explain it" if certain else ", which may be chance"
        found.sentences.insert(0, f"{first} {value:.4g} on {n} rows lies {where} what cross-validation promised, "
                                  f"{score:.4g} [{low:.4g}, {high:.4g}]{sure}")
    moved = found.drift[found.drift["reading"] != "steady"]
    found.sentences += moved["sentence"].tolist() or ["no column has moved"]
