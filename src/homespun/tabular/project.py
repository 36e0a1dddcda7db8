"""`Project`: what `fit` returns, a model file holds and `predict` uses. All its state is plain data and one pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from homespun.base.errors import DataError
from homespun.data.reader import reread
from homespun.data.table import Decision, Table
from homespun.tabular.drift import drift
from homespun.tabular.plan import feature_frame
from homespun.tabular.scores import SCORE_NAMES, all_scores


@dataclass
class Validation:
    """What `Project.validate` found.

    Attributes
    ----------
    scores : dict
        Name → value on the fresh data.
    drift : pandas.DataFrame
        column, psi, missing_before, missing_now, reading; the column that moved most comes first.
    """

    scores: dict[str, float]
    drift: Any

    def __str__(self):
        lines = [f"  {name:<26}{value:>12.4g}" for name, value in self.scores.items()]
        moved = self.drift[self.drift["reading"] != "steady"]
        said = "no column has moved" if len(moved) == 0 else moved.to_string(index=False, float_format="%.3g")
        return "\n".join(["scores", *lines, "drift", "  " + said.replace("\n", "\n  ")])


def _classifies(project) -> bool:
    if project.task != "classification":
        raise AttributeError(f"predict_proba needs classes; this model predicts the number {project.target!r}")
    return True


class Project:
    """A table's model: leaderboard, the winner refitted on all rows, and how the data was read.

    Attributes
    ----------
    leaderboard : pandas.DataFrame
        model, score, low, high (95 % interval), fit_seconds, predict_seconds (per fold); the best first.
    best : str
        Name of the winner.
    score_name : str
        What `score` is; higher is better.
    task, target : str
    classes : list or None
        Labels in the order of `predict_proba`; the positive class of two is the last.
    decisions : list of Decision
        What was understood about the data.
    warnings : list of str
    model : sklearn.pipeline.Pipeline
        Preprocessing and estimator.
    """

    def __init__(
        self,
        *,
        model,
        best,
        table,
        task,
        target,
        classes,
        score_kind,
        board,
        decisions,
        warnings,
        roles,
        reference,
        sample,
        record,
    ):
        self.model = model
        self.best = best
        self.task = task
        self.target = target
        self.classes = classes
        self.warnings = warnings
        self.recipes_ = table.recipes
        self.roles_ = roles
        self.reference_ = reference
        self.record_ = record
        self._score_kind = score_kind
        self._board = board
        self._sample = sample
        self._decisions = [[d.column, d.kind, _plain(d.value), d.evidence] for d in decisions]

    @property
    def leaderboard(self):
        import pandas as pd

        return pd.DataFrame(self._board)

    @property
    def decisions(self) -> list[Decision]:
        return [Decision(*fields) for fields in self._decisions]

    @property
    def score_name(self) -> str:
        name = SCORE_NAMES[self._score_kind]
        return f"R² of log(1 + {self.target})" if self._score_kind == "log" else name

    @property
    def input_contract_(self) -> dict:
        """Columns and how they are read, for the model file."""
        return {
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "features": self.features_,
            "columns": {name: recipe["kind"] for name, recipe in self.recipes_.items() if name != self.target},
        }

    def predict(self, data) -> np.ndarray:
        """Amounts, or class labels, one for each row of a file or dataframe, in its order.

        Raises
        ------
        DataError
            A column is missing (near names are suggested), or a value does not fit.
        """
        return self._labels(self.model.predict(feature_frame(self.read(data, "predict").frame, self.roles_)))

    @available_if(_classifies)
    def predict_proba(self, data) -> np.ndarray:
        """Probabilities, (n, classes) in the order of `classes`."""
        return self.model.predict_proba(feature_frame(self.read(data, "predict_proba").frame, self.roles_))

    def validate(self, data) -> Validation:
        """Scores on fresh data that has the target, and how far its columns are from those of the training data."""
        import pandas as pd

        table = self.read(data, "validate")
        if self.target not in table.frame.columns:
            raise DataError(
                f"validate: the target {self.target!r} is missing; without it there is nothing to compare with",
                operation="validate",
                operands={"given": list(table.frame.columns)},
                rule="the target's column",
                suggestion="predict needs no target",
            )
        y, rows = self._truth(table)
        X = feature_frame(table.frame, self.roles_)
        if not len(rows):
            raise DataError(
                f"validate: the target {self.target!r} has no value in any row",
                operation="validate",
                operands={"target": self.target},
                rule="at least one row with a target",
            )
        probabilities = (
            self.model.predict_proba(X.iloc[rows])
            if self.task == "classification" and hasattr(self.model, "predict_proba")
            else None
        )
        prediction = self.model.predict(X.iloc[rows])
        return Validation(
            all_scores(self._score_kind, y, prediction, probabilities),
            pd.DataFrame(drift(table.frame, self.reference_)),
        )

    def save(self, path) -> Path:
        """Write one ``.homespun`` file: model, reading decisions, training record, reference statistics, a self-test."""
        import pandas as pd

        from homespun.persist import save

        return save(self, path, sample=pd.DataFrame(self._sample), record=self.record_, reference=self.reference_)

    def __repr__(self):
        first = self._board["score"][self._board["model"].index(self.best)]
        return f"Project({self.target!r}, {self.task}, best {self.best!r}: {self.score_name} {first:.4f})"

    # -----------------------------------------------------------------------------------------------------------------

    @property
    def features_(self) -> list[str]:
        return [name for names in self.roles_.values() for name in names]

    def read(self, data, operation: str = "predict") -> Table:
        """Fresh data, read by the decisions of the training data; `predict` and the others take the result, too."""
        used = set(self.features_) | ({self.target} if operation == "validate" else set())
        needed = {
            name: recipe
            for name, recipe in self.recipes_.items()
            if name in used or self._split_of(name, recipe) in used
        }
        if isinstance(data, Table):  # one that was read by other decisions would be wrong without a word
            odd = [name for name, recipe in needed.items() if name in data.frame.columns and data.recipes.get(name) != recipe]
            if odd or any(name not in data.frame.columns for name in needed if name != self.target):
                raise DataError(
                    f"{operation}: this Table was not read by the model's decisions (column {(odd or list(needed))[0]!r}); "
                    "pass the file or the dataframe itself",
                    operation=operation,
                    operands={"columns": odd},
                    rule="a Table of project.read, or raw data",
                    suggestion="project.read(path)",
                )
            return data
        # a known column that is no feature is neither demanded nor complained about
        return reread(data, needed, optional=(self.target,), operation=operation, known=tuple(self.recipes_))

    @staticmethod
    def _split_of(name, recipe):
        from homespun.data.recipe import split_name

        return split_name(name, recipe) if recipe.get("split") else None

    def _labels(self, prediction):
        if self.classes is None:
            return prediction
        kind = object if any(isinstance(label, str) for label in self.classes) else None
        return np.array(self.classes, dtype=kind)[prediction]

    def _truth(self, table):
        from homespun.tabular.target import labels_of

        column = table.frame[self.target]
        rows = np.flatnonzero(column.notna().to_numpy())
        values = column.to_numpy()[rows]
        if self.classes is None:
            return values.astype(np.float64), rows
        code = {label: i for i, label in enumerate(self.classes)}
        labels = labels_of(values, self.recipes_[self.target])
        strange = [label for label in labels if label not in code]
        if strange:
            raise DataError(
                f"validate: {strange[0]!r} is no class of {self.target!r}; the model knows "
                f"{', '.join(map(repr, self.classes[:10]))}",
                operation="validate",
                operands={"target": self.target, "value": strange[0]},
                rule="classes of the training data",
            )
        return np.array([code[label] for label in labels], dtype=np.int64), rows


def _plain(value):
    """Decisions travel in the model file: keep them to plain data."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else str(value)
