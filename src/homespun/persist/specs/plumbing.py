"""Specs of what holds other estimators: pipelines, column transformers, wrappers of the target, blends, a table's model."""

from __future__ import annotations

from homespun.persist.specs.registry import exports, is_word, plain, refused, spec_of, ufunc_name


@exports("sklearn.pipeline.Pipeline")
def _pipeline(model, where):
    steps = [(name, step) for name, step in model.steps if step is not None and not is_word(step, "passthrough")]
    return {"run": "pipeline", "steps": [spec_of(step, f"{where}.{name}") for name, step in steps]}


@exports("sklearn.compose.ColumnTransformer")
def _column_transformer(model, where):
    parts = []
    for name, step, _ in model.transformers_:
        columns = model._transformer_to_input_indices[name]
        if len(columns) and not is_word(step, "drop"):
            spec = {"run": "passthrough"} if is_word(step, "passthrough") else spec_of(step, f"{where}.{name}")
            parts.append({"columns": [int(j) for j in columns], "spec": spec})
    return {"run": "column_transformer", "names": _feature_names(model), "parts": parts}


@exports("sklearn.pipeline.FeatureUnion")
def _feature_union(model, where):
    if model.transformer_weights:
        raise refused(where, "sklearn.pipeline.FeatureUnion", "transformer_weights are not handled")
    steps = [(name, step) for name, step in model.transformer_list if not is_word(step, "drop")]
    return {
        "run": "feature_union",
        "parts": [
            {"run": "passthrough"} if is_word(step, "passthrough") else spec_of(step, f"{where}.{name}") for name, step in steps
        ],
    }


@exports("sklearn.preprocessing.FunctionTransformer", "homespun.preprocessing.FunctionTransformer")
def _function(model, where):
    return _one_function(model.func, model.kw_args, where)


def _one_function(function, settings, where):
    if function is None:
        return {"run": "passthrough"}
    if settings:
        raise refused(where, "FunctionTransformer", "arguments of the function (kw_args) are not handled")
    return {"run": "function", "name": ufunc_name(function, where)}


@exports("sklearn.compose.TransformedTargetRegressor", "homespun.compose.TransformedTargetRegressor")
def _transformed_target(model, where):
    smeared = getattr(model, "bias_correction", None) == "smearing"
    return {
        "run": "transformed_target",
        "regressor": spec_of(model.regressor_, f"{where}.regressor_"),
        "inverse": _inverse(model.transformer_, f"{where}.transformer_"),
        "residuals": model.residuals_ if smeared else None,
        "weights": model.residual_weights_ if smeared else None,
        "minimum": plain(getattr(model, "minimum", None)),
    }


def _inverse(transformer, where):
    """The spec of the way back from a transformer's scale."""
    name = type(transformer).__name__
    if name == "FunctionTransformer":
        return _one_function(transformer.inverse_func, transformer.inv_kw_args, where)
    if not type(transformer).__module__.startswith("homespun.preprocessing"):
        raise refused(where, name, "the way back from this transformer is not handled")
    if name == "StandardScaler":
        mean, scale = transformer.mean_ if transformer.with_mean else None, transformer.scale_ if transformer.with_std else None
        return {"run": "unscaled", "times": scale, "plus": mean}
    if name == "RobustScaler":
        return {"run": "unscaled", "times": transformer.scale_, "plus": transformer.center_}
    if name == "MaxAbsScaler":
        return {"run": "unscaled", "times": transformer.scale_, "plus": None}
    if name == "MinMaxScaler":
        return {"run": "min_max_back", "min": transformer.min_, "scale": transformer.scale_}
    if name == "PowerTransformer":
        scaler = _inverse(transformer._scaler, where) if transformer.standardize else {"run": "passthrough"}
        return {"run": "power_back", "powers": transformer.lambdas_, "method": transformer.method, "scaler": scaler}
    raise refused(where, name, "the way back from this transformer is not handled")


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
        "ages": getattr(model, "ages_", None) or {"columns": {}},
        "words": roles["categories"],
        "classes": model.classes,
        "model": spec_of(model.model, f"{where}.model"),
    }


def _feature_names(model):
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]

