"""The models of `fit` by name, each as one pipeline of preprocessors and an estimator: the only table of its kind.

linear family:  numbers: median, scaled, with marks of what was missing   dates: parts   categories: one-hot
forest:         the same numbers unscaled; categories by number
boosting:       numbers and categories as they are: it takes missing values and categories natively
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np

from homespun.base.errors import HomespunError, ParameterError, did_you_mean

# name → (task → "module:Class", parameters, preparation)
MODELS: dict[str, dict[str, tuple[str, dict[str, Any], str]]] = {
    "baseline": {
        "regression": ("homespun.tabular:BaselineRegressor", {}, "none"),
        "classification": ("homespun.tabular:BaselineClassifier", {}, "none"),
    },
    "linear": {
        "regression": ("homespun.linear_model:RidgeCV", {"alphas": (0.1, 1.0, 10.0, 100.0)}, "one-hot"),
        "classification": ("homespun.linear_model:LogisticRegression", {"max_iter": 1000}, "one-hot"),
    },
    "lasso": {"regression": ("homespun.linear_model:LassoCV", {}, "one-hot")},
    "logistic": {"classification": ("homespun.linear_model:LogisticRegression", {"max_iter": 1000}, "one-hot")},
    "forest": {
        "regression": (
            "homespun.ensemble:RandomForestRegressor",
            {"n_estimators": 200, "min_samples_leaf": 2},
            "ordinal",
        ),
        "classification": (
            "homespun.ensemble:RandomForestClassifier",
            {"n_estimators": 200, "min_samples_leaf": 2},
            "ordinal",
        ),
    },
    "boosting": {
        "regression": ("homespun.ensemble:HistGradientBoostingRegressor", {"max_iter": 200}, "native"),
        "classification": ("homespun.ensemble:HistGradientBoostingClassifier", {"max_iter": 200}, "native"),
    },
}
DEFAULT = {
    "regression": ["baseline", "linear", "lasso", "forest", "boosting"],
    "classification": ["baseline", "logistic", "forest", "boosting"],
}


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


def build_model(name: str, task: str, plan, *, log: bool, random_state):
    """The unfitted pipeline of one model."""
    from sklearn.pipeline import Pipeline

    if ".py:" in name:
        estimator, preparation = _custom(name), "one-hot"
    else:
        path, parameters, preparation = MODELS[name][task]
        module, _, cls = path.partition(":")
        estimator = getattr(importlib.import_module(module), cls)(**parameters)
    known = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    if "random_state" in known:
        estimator.set_params(random_state=random_state)
    if preparation == "native" and plan.categories:
        start = len(plan.numbers) + 4 * len(plan.dates)
        estimator.set_params(categorical_features=list(range(start, start + len(plan.categories))))
    if log:
        from homespun.tabular.log_target import LogTarget

        estimator = LogTarget(estimator)
    return Pipeline([("prepare", prepare(plan, preparation)), ("model", estimator)])


def prepare(plan, preparation: str):
    """The preprocessors of a plan: columns by name in, one matrix of numbers out."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    from homespun.impute import SimpleImputer
    from homespun.preprocessing import DateParts, OneHotEncoder, OrdinalEncoder, StandardScaler

    def fill(scaled):
        steps: list[tuple[str, Any]] = [
            ("fill", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True))
        ]
        return steps + ([("scale", StandardScaler())] if scaled else [])

    dates = [("parts", DateParts(parts=("year", "month", "weekday", "age")))]
    if preparation == "one-hot":
        numbers, dates = Pipeline(fill(True)), Pipeline(dates + fill(True))
        categories = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=100, sparse_output=False
        )
    elif preparation == "ordinal":
        numbers, dates = Pipeline(fill(False)), Pipeline(dates + fill(False))
        categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    else:
        numbers, dates = "passthrough", Pipeline(dates)
        categories = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=250
        )
    parts = [
        ("numbers", numbers, plan.numbers),
        ("dates", dates, plan.dates),
        ("categories", categories, plan.categories),
    ]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0.0)


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
