"""`Project`: what `fit` returns, a model file holds and `predict` uses. All its state is plain data and one pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from homespun.base.errors import DataError
from homespun.data.reader import reread
from homespun.data.table import Decision, Table
from homespun.tabular.ages import day_of, door_day, told_of
from homespun.tabular.endless import without_endless
from homespun.tabular.plan import feature_frame
from homespun.tabular.scores import SCORE_NAMES
from homespun.tabular.validation import Validation, validate


def _classifies(project) -> bool:
    if project.task != "classification":
        raise AttributeError(f"predict_proba needs classes; this model predicts the number {project.target!r}")
    return True


class Project:
    """A table's model: leaderboard, the winner refitted on all rows, and how the data was read.

    Attributes
    ----------
    leaderboard : pandas.DataFrame
        model, score, low, high (95 % interval), fit_seconds, predict_seconds (per fold), p_value (paired test of "as good as
        the best", NaN for it); the best first.
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
    model : sklearn.pipeline.Pipeline, or a blend of several
        Preprocessing and estimator.
    ages_ : dict
        Columns whose age counts, the row's own day if it has one, and the stored reference day: see `homespun.tabular.ages`.
    record_, evidence_, reference_ : dict
        Everything that was measured, see `homespun.tabular.record`.
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
        ages,
        reference,
        sample,
        record,
        evidence=None,
    ):
        self.model = model
        self.best = best
        self.task = task
        self.target = target
        self.classes = classes
        self.warnings = warnings
        self.recipes_ = table.recipes
        self.roles_ = roles
        self.ages_ = ages
        self.reference_ = reference
        self.record_ = record
        self.evidence_ = evidence or {}
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

    def predict(self, data, *, as_of=None) -> np.ndarray:
        """Amounts, or class labels, one for each row of a file or dataframe, in its order.

        Parameters
        ----------
        data : path, dataframe, or Table of `read`
        as_of : date, ISO text or "today", optional
            The day that is asked about, to which ages are counted where a row has no day of its own; by default the stored
            reference, so that the same rows have the same answers tomorrow. Commands and server ask with their own day.

        Raises
        ------
        DataError
            A column is missing (near names are suggested), or a value does not fit.
        """
        return self._labels(self.model.predict(self.features(self.read(data, "predict").frame, as_of)))

    @available_if(_classifies)
    def predict_proba(self, data, *, as_of=None) -> np.ndarray:
        """Probabilities, (n, classes) in the order of `classes`; `as_of` as in `predict`."""
        return self.model.predict_proba(self.features(self.read(data, "predict_proba").frame, as_of))

    def features(self, frame, as_of=None):
        """The features of a typed frame, as the model gets them when asked on the day `as_of`."""
        return feature_frame(frame, self.roles_, self._ages, None if as_of is None else day_of(as_of))

    def day(self, as_of=None) -> str | None:
        """The day that a command or a server asks on: `as_of`; else today, or the reference for a table of the past.

        None where no day matters.
        """
        return door_day(self._ages, as_of)

    def told_day(self, as_of=None) -> str | None:
        """One sentence: to which day ages are counted. None where that changes nothing."""
        return told_of(self._ages, None if as_of is None else day_of(as_of))

    @property
    def _ages(self) -> dict[str, Any]:
        return getattr(self, "ages_", None) or {}  # a model file of an earlier version has none

    def validate(self, data, *, as_of=None) -> Validation:
        """Scores on fresh data that has the target, and how far its columns are from those of the training data.

        `as_of` as in `predict`: the day on which the fresh rows were collected.
        """
        return validate(self, data, as_of)

    def save(self, path) -> Path:
        """Write one ``.homespun`` file: model, reading decisions, training record, reference statistics, a self-test."""
        import pandas as pd

        from homespun.persist import save

        return save(self, path, sample=pd.DataFrame(self._sample), record=self.record_, reference=self.reference_)

    def report(self, path, *, data, model=None) -> Path:
        """Write the story of this project as one HTML file: data, leaks, models, errors, what it depends on.

        Parameters
        ----------
        path : path-like
            The HTML file.
        data : path-like or dataframe
            What it was trained on.
        model : path-like, optional
            The saved model. Where it and a data file are given, `homespun verify` can compute every number again.

        Raises
        ------
        DataError
            Other data.
        """
        from homespun.tabular.story import tell

        return tell(self, {"model": model, "data": data}).write(path)

    def track(self, *, experiment="homespun", uri=None, name=None, files=()) -> str:
        """Log this project to MLflow (extra `track`); the run's identity. See `homespun.tabular.track`."""
        from homespun.tabular.tracking import track

        return track(self, experiment=experiment, uri=uri, name=name, files=files)

    def __repr__(self):
        first = self._board["score"][self._board["model"].index(self.best)]
        return f"Project({self.target!r}, {self.task}, best {self.best!r}: {self.score_name} {first:.4f})"

    def _repr_html_(self):
        """In a notebook: the leaderboard, what was decided, and what to look at."""
        from functools import partial
        from html import escape

        from homespun.report.document import show

        forms = dict.fromkeys(("score", "low", "high"), ".4f") | {"fit_seconds": ".3g", "predict_seconds": ".2g", "p_value": "p"}
        cells = {name: partial(show, form=form) for name, form in forms.items()}
        board = self.leaderboard.to_html(index=False, formatters=cells, na_rep="–", border=0)
        rows = "".join(f"<tr><td>{escape(d.column or '(table)')}</td><td>{escape(d.kind)}</td>"
                       f"<td>{escape(str(d.value))[:80]}</td><td>{escape(d.evidence)}</td></tr>" for d in self.decisions)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.warnings)
        return (f"<h4>{escape(self.target)}: {self.task}, best {escape(self.best)}</h4><p>{escape(self.score_name)}, mean over "
                f"the test folds with its 95&nbsp;% interval</p>{board}" + (f"<ul>{notes}</ul>" if notes else "")
                + f"<details><summary>{len(self.decisions)} decisions</summary><table>{rows}</table></details>")

    # -----------------------------------------------------------------------------------------------------------------

    @property
    def features_(self) -> list[str]:
        return [name for names in self.roles_.values() for name in names]

    def read(self, data, operation: str = "predict") -> Table:
        """Fresh data, read by the decisions of the training data; `predict` and the others take the result, too."""
        used = set(self.features_) | ({self.target} if operation == "validate" else set())
        order = (self.record_.get("settings") or {}).get("time")
        optional = {self.target, order}
        if order and (operation == "validate" or self._ages.get("moment") == order):
            used |= {order}  # it is no feature, but says what is later, and how old a thing was
        needed = {
            name: recipe
            for name, recipe in self.recipes_.items()
            if name in used or self._split_of(name, recipe) in used
        }
        if isinstance(data, Table):  # one that was read by other decisions would be wrong without a word
            odd = [name for name, recipe in needed.items() if name in data.frame.columns and data.recipes.get(name) != recipe]
            if odd or any(name not in data.frame.columns for name in needed if name not in optional):
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
        absent = tuple(name for name in optional if name)
        table = reread(without_endless(data, needed), needed, optional=absent, operation=operation, known=tuple(self.recipes_))
        if not len(table):
            raise DataError(f"{operation}: the data has columns but no rows", operation=operation, operands={"rows": 0},
                            rule="at least one row")
        return table

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
