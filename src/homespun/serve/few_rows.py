"""Rows through a table's model without a dataframe: of the cost of one row, nine tenths are pandas and checks.

    raw values → typed values → features → matrix of each pipeline → its estimator

A value is typed by the recipe of its column, as ever, and remembered; matrices are made by the functions of an exported
model (`persist.runner`), which give the same bits as the pipeline's own steps; the estimators are the model's own. Whatever
is unusual raises `Unusual`, and the ordinary way (`answers`) finds the answer, or the words for it. One row of a used car:
5.0 ms the ordinary way, 0.1 ms this way, and the model on top of both; 1,000 rows: 7.5 and 1.6 ms.

Not handled (`FewRows.of` is None): preprocessors without a form in `persist.specs`, models that are no pipeline of two steps.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from homespun.base.errors import HomespunError
from homespun.data.recipe import apply_recipe, split_name

MOST = 10_000  # rows
REMEMBERED = 20_000  # typed values of a column


class Unusual(Exception):
    """These rows need the ordinary way."""


class FewRows:
    """Answers of a `Project` for few rows.

    Parameters
    ----------
    project : Project
    fields : dict
        Of its `Contract`.
    """

    def __init__(self, project, fields):
        self.project, self.fields = project, fields
        self.model = _without_frames(project.model)
        self.ages = getattr(project, "ages_", None) or {"columns": {}, "moment": None}
        self.remembered: dict[str, dict] = {}  # column → what was sent (a text, or type and value) → typed

    @classmethod
    def of(cls, project, fields) -> FewRows | None:
        """None where a part of the model has no form without a dataframe."""
        try:
            return cls(project, fields)
        except HomespunError:
            return None

    def predict(self, rows: list[dict], as_of=None) -> tuple[np.ndarray, np.ndarray | None]:
        """Predictions and, of a classifier, probabilities.

        Raises
        ------
        Unusual
            A value that the recipes do not take as it is.
        """
        return self.ask(self.features(rows, as_of))

    def ask(self, features) -> tuple[np.ndarray, np.ndarray | None]:
        """Predictions and probabilities of `features`."""
        probabilities = self.model.predict_proba(features) if hasattr(self.model, "predict_proba") else None
        return self.project._labels(self.model.predict(features)), probabilities

    def features(self, rows: list[dict], as_of=None) -> dict[str, np.ndarray]:
        """As `tabular.plan.feature_frame` makes them: numbers, days since 1970, words with NaN for a missing one.

        Raises
        ------
        Unusual
            A value that the recipes do not take as it is.
        """
        if len(rows) > MOST:
            raise Unusual
        typed: dict[str, Any] = {}
        for name, known in self.fields.items():
            recipe, values = self.project.recipes_[name], [row[name] for row in rows]
            if known.kind == "number":
                numbers = _numbers(values)
                typed[name] = numbers
                if recipe["split"]:
                    typed[split_name(name, recipe)] = np.where(np.isnan(numbers), np.nan, 0.0)
            else:
                memory = self.remembered.setdefault(name, {})
                typed[name] = [memory[value] if type(value) is str and value in memory
                               else self._typed(name, known, recipe, value) for value in values]
        roles = self.project.roles_
        features = {name: np.array(typed[name], dtype=np.float64) for name in roles["numbers"]}
        for name in roles["dates"]:
            days = np.array(typed[name], dtype="datetime64[us]")
            features[name] = np.where(np.isnat(days), np.nan, days.astype(np.int64) / 86_400_000_000.0)
        if self.ages["columns"]:
            self._count(features, typed, len(rows), as_of)
        for name in roles["categories"]:
            column = np.empty(len(rows), dtype=object)
            column[:] = [np.nan if value is None else value for value in typed[name]]
            features[name] = column
        return features

    def _count(self, features, typed, n: int, as_of) -> None:
        import pandas as pd

        from homespun.tabular.ages import count_to

        moment = self.ages["moment"]
        days = {moment: np.array(typed[moment], dtype="datetime64[us]")} if moment in typed else {}
        count_to(pd.DataFrame(days, index=pd.RangeIndex(n)), self.ages, features, as_of)

    def _typed(self, name, known, recipe, value):
        """One value by its recipe: a flag's number, a moment, a word or None."""
        memory = self.remembered[name]
        key = value if type(value) is str else (type(value), value)
        if key not in memory:
            import pandas as pd

            from homespun.data.frames import plain_column

            if isinstance(value, bool):
                value = known.word(value)
            try:
                found = apply_recipe(name, plain_column(pd.Series([value], dtype=object)), recipe)[name][0]
            except HomespunError:
                raise Unusual from None  # the ordinary way says what is wrong
            if len(memory) >= REMEMBERED:
                memory.clear()
            memory[key] = found
        return memory[key]


def _numbers(values: list) -> np.ndarray:
    if str in map(type, values):
        raise Unusual  # "186005 km"
    return np.array(values, dtype=np.float64)  # None is NaN


class _Prepared:
    """A fitted pipeline of two steps that is given features as {name: array}."""

    def __init__(self, pipeline):
        import importlib

        from homespun.persist.exporter import RUNNER
        from homespun.persist.specs import spec_of

        for module in RUNNER:  # each registers its functions
            importlib.import_module(f"homespun.persist.runner.{module}")
        self.spec, self.estimator = spec_of(pipeline[0], "model"), pipeline[-1]
        self.kept: tuple = (None, None)  # features and their matrix: classifiers are asked twice
        if hasattr(self.estimator, "predict_proba"):
            self.predict_proba = self._predict_proba

    def predict(self, features):
        return self.estimator.predict(self._matrix(features))

    def _predict_proba(self, features):
        return self.estimator.predict_proba(self._matrix(features))

    def _matrix(self, features):
        from homespun.persist.runner.core import run

        if self.kept[0] is not features:
            self.kept = features, run(self.spec, features)
        return self.kept[1]


def _without_frames(model):
    """The model of a project, given features as {name: array}."""
    from sklearn.pipeline import Pipeline

    if isinstance(model, Pipeline) and len(model.steps) == 2:
        return _Prepared(model)
    parts = getattr(model, "estimators_", None)
    if type(model).__name__ not in ("BlendRegressor", "BlendClassifier") or parts is None:
        raise HomespunError("a model of another shape", operation="serve", rule="a pipeline, or a blend of some")
    blend = copy.copy(model)
    blend.estimators_ = [_without_frames(part) for part in parts]
    return blend
