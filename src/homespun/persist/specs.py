"""What the prediction of each estimator needs, as a plain dictionary: ``{"run": "linear", "coef": …, "intercept": …}``.

`run` names the function of `persist/runner` that predicts with the rest. A new estimator is exportable once a function
here says its spec and one there runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError

EXPORTS: dict[str, Callable[[Any, str], dict]] = {}  # "homespun.linear_model.Ridge" → function that says its spec


def spec_of(estimator: Any, where: str) -> dict[str, Any]:
    """What prediction needs of `estimator`; an error names the part that cannot be exported."""
    kind = type(estimator)
    name = f"{'.'.join(kind.__module__.split('.')[:2])}.{kind.__qualname__}"
    if kind.__module__.startswith(("homespun_code_", "user_")):
        name = f"{kind.__qualname__} of your own"
    if name not in EXPORTS:
        raise _refused(where, name, "this class has no NumPy runner")
    try:
        return EXPORTS[name](estimator, where)
    except AttributeError as error:
        raise _refused(where, name, f"it is not fitted, or was made by another version ({error})") from error


def exports(*names: str):
    """Register the function that says the spec of the classes of these names."""

    def register(function):
        for name in names:
            EXPORTS[name] = function
        return function

    return register


def _refused(where: str, name: str, why: str) -> ModelFileError:
    return ModelFileError(
        f"cannot export {where} ({name}): {why}",
        operation="export_python",
        operands={where: name},
        where=where,
        rule="every part of the model can be written as plain NumPy",
        suggestion="homespun.persist.save keeps any model",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Plumbing of scikit-learn


@exports("sklearn.pipeline.Pipeline")
def _pipeline(model, where):
    steps = [(name, step) for name, step in model.steps if step is not None and not _is(step, "passthrough")]
    return {"run": "pipeline", "steps": [spec_of(step, f"{where}.{name}") for name, step in steps]}


@exports("sklearn.compose.ColumnTransformer")
def _column_transformer(model, where):
    parts = []
    for name, step, _ in model.transformers_:
        columns = model._transformer_to_input_indices[name]
        if len(columns) and not _is(step, "drop"):
            spec = {"run": "passthrough"} if _is(step, "passthrough") else spec_of(step, f"{where}.{name}")
            parts.append({"columns": [int(j) for j in columns], "spec": spec})
    return {"run": "column_transformer", "names": _feature_names(model), "parts": parts}


@exports("sklearn.pipeline.FeatureUnion")
def _feature_union(model, where):
    if model.transformer_weights:
        raise _refused(where, "sklearn.pipeline.FeatureUnion", "transformer_weights are not handled")
    steps = [(name, step) for name, step in model.transformer_list if not _is(step, "drop")]
    return {
        "run": "feature_union",
        "parts": [
            {"run": "passthrough"} if _is(step, "passthrough") else spec_of(step, f"{where}.{name}") for name, step in steps
        ],
    }


@exports("sklearn.preprocessing.FunctionTransformer")
def _function(model, where):
    if model.func is None:
        return {"run": "passthrough"}
    return {"run": "function", "name": _ufunc(model.func, where)}


@exports("sklearn.compose.TransformedTargetRegressor")
def _transformed_target(model, where):
    transformer = model.transformer_
    if not hasattr(transformer, "inverse_func"):
        raise _refused(where, "sklearn.compose.TransformedTargetRegressor", "only func and inverse_func are handled")
    inverse = None if transformer.inverse_func is None else _ufunc(transformer.inverse_func, where)
    return {
        "run": "transformed_target",
        "regressor": spec_of(model.regressor_, f"{where}.regressor_"),
        "inverse": inverse,
    }


@exports("homespun.tabular.LogTarget")
def _log_target(model, where):
    regressor = spec_of(model.regressor_, f"{where}.regressor_")
    return {"run": "log_target", "regressor": regressor, "smearing": model.smearing_, "largest": model.largest_}


@exports("homespun.tabular.NotNegative")
def _not_negative(model, where):
    return {"run": "not_negative", "regressor": spec_of(model.regressor_, f"{where}.regressor_")}


@exports("homespun.tabular.BlendRegressor", "homespun.tabular.BlendClassifier")
def _blend(model, where):
    parts = [spec_of(part, f"{where}.estimators_[{number}]") for number, part in enumerate(model.estimators_)]
    weights = [float(weight) for weight in model.weights]
    return {"run": "blend", "parts": parts, "weights": weights, "classes": getattr(model, "classes_", None)}


def _ufunc(function: Any, where: str) -> str:
    name = getattr(function, "__name__", str(function))
    if isinstance(function, np.ufunc) and function.nin == 1 and getattr(np, name, None) is function:
        return name
    raise _refused(where, name, "only NumPy's functions of one number are handled")


def _is(step, word: str) -> bool:
    return isinstance(step, str) and step == word


def _feature_names(model):
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


# ---------------------------------------------------------------------------------------------------------------------
# Models


@exports(
    *(
        f"homespun.linear_model.{name}"
        for name in ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV")
    )
)
def _linear(model, where):
    return {"run": "linear", "coef": _dense(model.coef_), "intercept": np.asarray(model.intercept_)}


@exports("homespun.linear_model.LogisticRegression")
def _logistic(model, where):
    return {"run": "logistic", "coef": _dense(model.coef_), "intercept": model.intercept_, "classes": model.classes_}


@exports("homespun.tabular.BaselineRegressor")
def _mean(model, where):
    return {"run": "constant", "value": model.mean_}


@exports("homespun.tabular.BaselineClassifier")
def _shares(model, where):
    return {"run": "constant", "value": model.shares_, "classes": model.classes_}


@exports("homespun.tree.DecisionTreeRegressor", "homespun.tree.DecisionTreeClassifier")
def _tree(model, where):
    tree = model.tree_
    spec = {
        "run": "tree",
        "left": tree.children_left,
        "right": tree.children_right,
        "feature": tree.feature,
        "threshold": tree.threshold,
        "missing_left": tree.missing_go_to_left,
        "value": tree.value,
    }
    return spec | _all_classes(model)


@exports("homespun.ensemble.RandomForestRegressor", "homespun.ensemble.RandomForestClassifier")
def _forest(model, where):
    spec = {
        "run": "forest",
        "words": model.words_,
        "roots": model.roots_,
        "values": model.values_,
        "edges": model.edges_,
        "categories": None,
    }
    return spec | _all_classes(model)


@exports("homespun.ensemble.HistGradientBoostingRegressor", "homespun.ensemble.HistGradientBoostingClassifier")
def _boosting(model, where):
    forest = model._forest
    fields = (
        "start",
        "masked",
        "walked",
        "feature",
        "bin",
        "missing_left",
        "left",
        "right",
        "set_index",
        "value",
        "sets",
    )
    spec = {
        "run": "boosting",
        "loss": model.loss,
        "baseline": model._baseline,
        "edges": model._edges,
        "categories": model._categories,
        **{name: forest[name] for name in fields},
    }
    return spec | ({"classes": model.classes_} if hasattr(model, "classes_") else {})


@exports("homespun.neighbors.KNeighborsRegressor", "homespun.neighbors.KNeighborsClassifier")
def _neighbors(model, where):
    name, power = f"homespun.neighbors.{type(model).__name__}", model._power()
    if power is None and model.metric != "cosine":
        raise _refused(where, name, f"the metric {model.metric!r} is not handled")
    if not isinstance(model._fit_X, np.ndarray):
        raise _refused(where, name, "sparse training data is not handled")
    if callable(model.weights):
        raise _refused(where, name, "weights given as a function are not handled")
    spec = {
        "run": "neighbors",
        "X": model._fit_X,
        "y": model._y,
        "k": int(model.n_neighbors),
        "cosine": model.metric == "cosine",
        "power": 2.0 if power is None else power,
        "by_distance": model.weights == "distance",
    }
    return spec | _all_classes(model)


def _all_classes(model):
    """The classes of each output, as a list of arrays; nothing for a regressor."""
    if not hasattr(model, "classes_"):
        return {}
    return {"classes": list(model.classes_) if isinstance(model.classes_, list) else [model.classes_]}


def _dense(array):
    return array.toarray() if hasattr(array, "toarray") else np.asarray(array)


# ---------------------------------------------------------------------------------------------------------------------
# Columns into numbers


@exports("homespun.preprocessing.StandardScaler")
def _standard_scaler(model, where):
    return {
        "run": "standard_scaler",
        "mean": model.mean_ if model.with_mean else None,
        "scale": model.scale_ if model.with_std else None,
    }


@exports("homespun.preprocessing.MinMaxScaler")
def _min_max_scaler(model, where):
    return {
        "run": "min_max_scaler",
        "scale": model.scale_,
        "min": model.min_,
        "clip": list(model.feature_range) if model.clip else None,
    }


@exports("homespun.impute.SimpleImputer")
def _simple_imputer(model, where):
    return {
        "run": "simple_imputer",
        "text": model._fit_dtype.kind in "OUS",
        "marker": _marker(model.missing_values),
        "fill": model.statistics_,
        "kept": np.flatnonzero(~model._empty()),
        "marked": None if model.indicator_ is None else model.indicator_.features_,
    }


@exports("homespun.impute.MissingIndicator")
def _missing_indicator(model, where):
    return {
        "run": "missing_indicator",
        "text": isinstance(model.missing_values, str),
        "marker": _marker(model.missing_values),
        "features": model.features_,
    }


def _marker(value):
    return value.item() if isinstance(value, np.generic) else value


@exports("homespun.preprocessing.OneHotEncoder")
def _one_hot(model, where):
    widths = model._widths()
    offsets = np.concatenate([[0], np.cumsum(widths)])[:-1]
    tables, unknown = [], []
    for j, codes in enumerate(_codes(model)):
        group, dropped = model._group_of[j], model._dropped[j]
        rare = -1 if group is None or model.handle_unknown not in ("infrequent_if_exist", "warn") else int(group.max())
        codes = np.append(codes, rare)
        if dropped is not None:
            codes = np.where(codes == dropped, -1, codes - (codes > dropped))
        columns = np.where(codes < 0, -1, codes + offsets[j])
        tables.append(columns[:-1])
        unknown.append(int(columns[-1]))
    return {
        "run": "one_hot",
        "categories": list(model.categories_),
        "tables": tables,
        "width": int(sum(widths)),
        "dtype": np.dtype(model.dtype).str,
        "unknown": "error" if model.handle_unknown == "error" else unknown,
    }


@exports("homespun.preprocessing.OrdinalEncoder")
def _ordinal(model, where):
    tables = []
    for categories, codes in zip(model.categories_, _codes(model)):
        table = codes.astype(np.float64)
        if len(categories) and isinstance(categories[-1], (float, np.floating)) and categories[-1] != categories[-1]:
            table[-1] = model.encoded_missing_value
        tables.append(table)
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else "error"
    return {
        "run": "ordinal",
        "categories": list(model.categories_),
        "tables": tables,
        "dtype": np.dtype(model.dtype).str,
        "unknown": _marker(unknown),
    }


@exports("homespun.preprocessing.TargetEncoder")
def _target_encoder(model, where):
    means = np.atleast_1d(model.target_mean_)
    tables = [np.column_stack(model.encodings_[j * len(means) : (j + 1) * len(means)]) for j in range(len(model.categories_))]
    return {"run": "target_means", "categories": list(model.categories_), "tables": tables, "unknown": means}


def _codes(model) -> list[np.ndarray]:
    """For each column the output code of each of its categories, by the encoder's own rule."""
    codes = []
    for j, categories in enumerate(model.categories_):
        indices = np.zeros((len(categories), len(model.categories_)), dtype=np.int64)
        indices[:, j] = np.arange(len(categories))
        codes.append(model._grouped(indices)[:, j])
    return codes


@exports("homespun.preprocessing.DateParts")
def _date_parts(model, where):
    return {"run": "date_parts", "parts": list(model.parts), "reference": model.reference_}


@exports("homespun.preprocessing.FlagEncoder")
def _flag_encoder(model, where):
    from homespun.data.missing import MISSING
    from homespun.preprocessing.flag_encoder import _VALUES

    return {
        "run": "flags",
        "values": dict(_VALUES),
        "missing": sorted(MISSING),
        "strict": model.handle_unknown == "error",
    }


@exports("homespun.tabular.Project")
def _project(model, where):
    used = set(model.features_)
    recipes = {}
    for name, recipe in model.recipes_.items():
        made = {name} | ({f"{name} ({recipe['split']})"} if recipe.get("split") else set())
        if name != model.target and made & used:
            recipes[name] = recipe
    roles = model.roles_
    return {
        "run": "project",
        "recipes": recipes,
        "numbers": roles["numbers"],
        "dates": roles["dates"],
        "words": roles["categories"],
        "classes": model.classes,
        "model": spec_of(model.model, f"{where}.model"),
    }
