"""The models of `fit` by name, each as one pipeline of preprocessors and an estimator: the only table of its kind.

A recipe says the class, its first setting, what its columns look like (`preparation`), and where better settings are looked
for: some that did well on many tables first (`portfolio`), then draws from `space`. Boosting is `staged`: one fit with many
rounds tells the score after each of `ROUNDS` rounds, so their number costs nothing to choose.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homespun.base.errors import HomespunError, ParameterError, did_you_mean
from homespun.model_selection import Choice, LogUniform
from homespun.tabular.preparation import native_categories, prepare

ROUNDS = (15, 25, 50, 75, 100, 150, 200, 300, 400, 600, 800)  # of a staged model, up to its max_iter


@dataclass(frozen=True)
class Recipe:
    """One model for one task."""

    path: str  # "module:Class"
    parameters: dict[str, Any]
    preparation: str
    portfolio: tuple[dict[str, Any], ...] = ()
    space: dict[str, Any] = field(default_factory=dict)
    staged: bool = False
    steps: str = ""  # the parameter that says how often: with fewer, an expensive model is done in time


def _boosting(kind: str, extra: dict[str, Any], portfolio: tuple) -> Recipe:
    return Recipe(
        f"homespun.ensemble:HistGradientBoosting{kind}",
        # few rounds first: they are done early, and tell the scale of the target; slower ones follow while there is time
        {"learning_rate": 0.12, "max_leaf_nodes": 31, "min_samples_leaf": 8, "max_features": 0.5, "l2_regularization": 3.0,
         "max_iter": 150, "early_stopping": False},
        "native",
        portfolio=(
            {"learning_rate": 0.05, "max_leaf_nodes": 31, "min_samples_leaf": 4, "max_features": 0.3, "max_iter": 400},
            *portfolio,
        ),
        space={
            "learning_rate": LogUniform(0.02, 0.12),
            "max_leaf_nodes": Choice((6, 10, 16, 31, 63)),
            "min_samples_leaf": Choice((2, 4, 8, 16, 32)),
            "max_features": Choice((0.2, 0.3, 0.5, 0.8)),
            "l2_regularization": LogUniform(0.03, 30.0),
            "max_iter": 600,
            **extra,
        },
        staged=True,
        steps="max_iter",
    )


def _forest(kind: str, features: tuple, first: dict[str, Any]) -> Recipe:
    return Recipe(
        f"homespun.ensemble:RandomForest{kind}",
        {"n_estimators": 200, **first},
        "ordinal",
        portfolio=({"min_samples_leaf": 3, "max_features": features[1]},),
        space={"max_features": Choice(features), "min_samples_leaf": Choice((1, 2, 3, 5, 8))},
        steps="n_estimators",
    )


_LOGISTIC = Recipe(
    "homespun.linear_model:LogisticRegression", {"max_iter": 1000}, "one-hot",
    portfolio=({"C": 0.1}, {"C": 0.02}, {"C": 10.0}), space={"C": LogUniform(0.003, 100.0)}, steps="max_iter",
)
_NEIGHBORS: dict[str, Any] = {
    "portfolio": ({"n_neighbors": 30}, {"n_neighbors": 6}),
    "space": {"n_neighbors": Choice((4, 8, 12, 20, 30, 50)), "weights": Choice(("uniform", "distance"))},
}
# name → task → recipe
MODELS: dict[str, dict[str, Recipe]] = {
    "baseline": {
        "regression": Recipe("homespun.tabular:BaselineRegressor", {}, "none"),
        "classification": Recipe("homespun.tabular:BaselineClassifier", {}, "none"),
    },
    "linear": {
        "regression": Recipe("homespun.linear_model:LinearRegression", {}, "one level dropped"),
        "classification": _LOGISTIC,
    },
    "ridge": {"regression": Recipe("homespun.linear_model:RidgeCV", {"alphas": (0.1, 1.0, 10.0, 100.0)}, "one-hot")},
    "lasso": {"regression": Recipe("homespun.linear_model:LassoCV", {}, "one-hot")},
    "logistic": {"classification": _LOGISTIC},
    "neighbors": {
        "regression": Recipe(
            "homespun.neighbors:KNeighborsRegressor", {"n_neighbors": 12, "weights": "distance"}, "one-hot", **_NEIGHBORS
        ),
        "classification": Recipe(
            "homespun.neighbors:KNeighborsClassifier", {"n_neighbors": 12, "weights": "distance"}, "one-hot", **_NEIGHBORS
        ),
    },
    "forest": {
        "regression": _forest("Regressor", (0.2, 0.35, 0.5, 0.7, 1.0), {"max_features": 0.5}),
        "classification": _forest("Classifier", ("sqrt", 0.3, 0.5, 0.8), {"min_samples_leaf": 2}),
    },
    "boosting": {
        "regression": _boosting("Regressor", {"loss": Choice(("squared_error", "poisson"))}, (
            {"learning_rate": 0.06, "max_leaf_nodes": 31, "min_samples_leaf": 4, "max_features": 0.3, "max_iter": 400,
             "loss": "poisson"},
            {"learning_rate": 0.06, "max_leaf_nodes": 12, "min_samples_leaf": 10, "max_features": 0.3, "max_iter": 600},
            {"learning_rate": 0.05, "max_leaf_nodes": 63, "min_samples_leaf": 4, "max_features": 0.3, "max_iter": 400,
             "l2_regularization": 10.0},
        )),
        "classification": _boosting("Classifier", {}, (
            {"learning_rate": 0.03, "max_leaf_nodes": 8, "min_samples_leaf": 20, "max_features": 0.3, "max_iter": 600},
            {"learning_rate": 0.06, "max_leaf_nodes": 12, "min_samples_leaf": 10, "max_features": 0.3, "max_iter": 300},
            {"learning_rate": 0.05, "max_leaf_nodes": 63, "min_samples_leaf": 4, "max_features": 0.3, "max_iter": 300,
             "l2_regularization": 10.0},
        )),
    },
}
DEFAULT = {
    "regression": ["baseline", "ridge", "boosting", "forest", "linear", "lasso"],  # when the budget is short: first what is
    "classification": ["baseline", "logistic", "boosting", "forest"],  # surely finished, then what usually wins
}


@dataclass(frozen=True)
class Candidate:
    """A model with one setting: what is measured on the folds."""

    model: str
    parameters: tuple[tuple[str, Any], ...] = ()  # beyond the recipe's first setting
    log: bool = False  # fitted on log(1 + target)

    @property
    def key(self) -> str:
        """The same for the same candidate, in every run: the journal's name for it."""
        text = json.dumps([self.model, sorted(self.parameters), self.log])
        return f"{''.join(c for c in self.model if c.isalnum())[:24]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def with_parameters(self, **parameters) -> Candidate:
        """Another setting of the same model."""
        return Candidate(self.model, tuple(sorted({**dict(self.parameters), **parameters}.items())), self.log)


def recipe_of(candidate: Candidate, task: str) -> Recipe:
    """The recipe of a candidate; one of a file of the user has none of its own."""
    return Recipe(candidate.model, {}, "one-hot") if ".py:" in candidate.model else MODELS[candidate.model][task]


def model_names(models, task: str) -> list[str]:
    """The models to train, checked against `MODELS`. A file's class is named ``file.py:Class``."""
    if models is None:
        return list(DEFAULT[task])
    if isinstance(models, str):
        models = [name.strip() for name in models.split(",")]
    names = [name for name in dict.fromkeys(models) if name]
    if not names:
        raise ParameterError(
            "fit: models is empty", operation="fit", operands={"models": models}, rule="at least one model"
        )
    for name in names:
        if ".py:" in str(name):
            continue
        fitting = [known for known in MODELS if task in MODELS[known]]
        if name not in fitting:
            hint = did_you_mean(str(name), fitting)
            why = f"is no model for {task}" if name in MODELS else "is unknown"
            raise ParameterError(
                f"fit: model {name!r} {why}; there are {', '.join(fitting)}, or file.py:Class"
                + (f"; {hint}" if hint else ""),
                operation="fit",
                operands={"models": name},
                rule=f"one of {', '.join(fitting)}",
                suggestion=hint,
            )
    return names


def build_estimator(candidate: Candidate, goal, plan, *, random_state):
    """The unfitted estimator of a candidate, without its preprocessors."""
    recipe = recipe_of(candidate, goal.task)
    parameters = {**recipe.parameters, **dict(candidate.parameters)}
    if ".py:" in candidate.model:
        estimator = _custom(candidate.model)
        estimator.set_params(**parameters)
    else:
        module, _, cls = recipe.path.partition(":")
        estimator = getattr(importlib.import_module(module), cls)(**parameters)
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=random_state)
    if recipe.preparation == "native" and plan.categories:
        estimator.set_params(categorical_features=native_categories(plan))
    if goal.task == "regression":
        from homespun.tabular.log_target import LogTarget, NotNegative

        if candidate.log:  # the log score asks for medians, the score of the amounts for means
            estimator = LogTarget(estimator, smearing=not goal.log)
        elif goal.not_negative:
            estimator = NotNegative(estimator)
    return estimator


def build_model(candidate: Candidate, goal, plan, *, random_state):
    """The unfitted pipeline of a candidate: preprocessors and estimator."""
    from sklearn.pipeline import Pipeline

    return Pipeline([
        ("prepare", prepare_for(candidate, goal, plan, random_state=random_state)),
        ("model", build_estimator(candidate, goal, plan, random_state=random_state)),
    ])


def prepare_for(candidate: Candidate, goal, plan, *, random_state):
    """The unfitted preprocessors of a candidate."""
    classes = None if goal.classes is None else len(goal.classes)
    return prepare(plan, recipe_of(candidate, goal.task).preparation, classes=classes, random_state=random_state)


def _custom(name: str):
    """An instance of a class in a Python file of the user."""
    from homespun.persist.allowed import run_code

    file, _, cls = name.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ParameterError(
            f"fit: model {name!r}: there is no file {file!r}",
            operation="fit",
            operands={"models": name},
            rule="an existing Python file",
        )
    try:
        module = run_code(path)
    except HomespunError:
        raise
    except Exception as error:  # whatever a user's file raises
        raise ParameterError(
            f"fit: model {name!r}: {file} cannot be run: {type(error).__name__}: {error}",
            operation="fit",
            operands={"models": name},
            rule="a file that Python runs",
        ) from error
    found = getattr(module, cls, None)
    if not inspect.isclass(found):
        classes = [
            one for one, value in vars(module).items() if inspect.isclass(value) and value.__module__ == module.__name__
        ]
        hint = did_you_mean(cls, classes)
        raise ParameterError(
            f"fit: model {name!r}: {file} has no class {cls!r}; it has {', '.join(classes) or 'none'}"
            + (f"; {hint}" if hint else ""),
            operation="fit",
            operands={"models": name},
            rule=f"a class of {file}",
            suggestion=hint,
        )
    for method in ("fit", "predict", "get_params"):
        if not hasattr(found, method):
            raise ParameterError(
                f"fit: model {name!r} has no method {method!r}; inherit homespun.base.estimator.Estimator",
                operation="fit",
                operands={"models": name},
                rule="fit, predict and get_params",
            )
    try:
        return found()
    except TypeError as error:
        raise ParameterError(
            f"fit: model {name!r} cannot be made without arguments: {error}",
            operation="fit",
            operands={"models": name},
            rule="defaults for all parameters",
        ) from None
