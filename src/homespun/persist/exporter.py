"""`export_python`: a fitted model as one Python file that needs NumPy and nothing else.

    model → spec (`EXPORTS`: what each estimator's prediction needs) → runner/*.py as text + spec as JSON + arrays as base85

The functions that predict are real modules, `persist/runner/*.py`: tested where they lie, copied as text into the file. So
the file can be read; its last two lines are the model. Trees, scalers and encoders give the same bits; linear models and
neighbours may differ in the last one, where a product was summed in another order.

Not handled: sparse input, models whose prediction is not in `EXPORTS` (an error names the part).
"""

from __future__ import annotations

import ast
import base64
import inspect
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__
from homespun.base.errors import DataError, ModelFileError

EXPORTS: dict[str, Callable[[Any], dict]] = {}  # "homespun.linear_model.Ridge" → function that says its spec
RUNNER = ("core", "linear", "trees", "neighbors", "columns", "project", "command")
READING = {  # what `project` shares with the reader: copied from there, so that the two cannot differ
    "missing": ("MISSING", "is_missing", "missing_words"),
    "flags": ("NOT_STATED", "flag_value", "three_state"),
    "quantities": ("UNITS", "CURRENCIES", "_QUANTITY", "_VALID", "_SPACED", "split_quantity", "_digits", "to_float", "quantity_value"),
}


def export_python(model: Any, path) -> Path:
    """Write a fitted model as one Python file that imports only NumPy and the standard library.

    Parameters
    ----------
    model : Project, estimator or pipeline
    path : path-like
        ``model.py``. Then ``python model.py data.csv``, or ``import model; model.predict(rows)``.

    Returns
    -------
    Path

    Raises
    ------
    ModelFileError
        A part cannot be exported (it is named), or the file cannot be written.

    Examples
    --------
    >>> import tempfile, runpy
    >>> from homespun.preprocessing import MinMaxScaler
    >>> path = export_python(MinMaxScaler().fit([[0.0], [4.0]]), Path(tempfile.mkdtemp()) / "scaler.py")
    >>> runpy.run_path(str(path))["predict"]([[1.0], [2.0]]).tolist()
    [[0.25], [0.5]]
    """
    from homespun.persist.container import write_text

    return write_text(path, source_of(model))


def source_of(model: Any) -> str:
    """The text that `export_python` writes."""
    spec = spec_of(model, "model")
    arrays: list[np.ndarray] = []
    text = json.dumps(_plain(spec, arrays))
    stored = io.BytesIO()
    np.savez(stored, allow_pickle=False, **{f"a{k}": array for k, array in enumerate(arrays)})
    packed = base64.b85encode(zlib.compress(stored.getvalue(), 9)).decode()
    names = _names(spec)
    head = f'''"""{_title(model)}: an exported model that needs NumPy and nothing else (homespun {__version__}).

    python model.py data.csv [-o predictions.csv]
    import model; model.predict(rows)        rows: dictionaries, a table {{column: values}}, a dataframe, an array

{_outline(spec)}
The last two lines are the model: its settings as JSON, its arrays compressed.
"""
'''
    needed = _needed(names)
    tail = f"\nMODEL = {text!r}\nARRAYS = {packed!r}\n\nif __name__ == \"__main__\":\n    sys.exit(main(sys.argv[1:]))\n"
    return head + _joined(needed) + tail


def spec_of(estimator: Any, where: str) -> dict[str, Any]:
    """What prediction needs of `estimator`; an error names the part that cannot be exported."""
    kind = type(estimator)
    name = f"{'.'.join(kind.__module__.split('.')[:2])}.{kind.__qualname__}"
    if name not in EXPORTS:
        raise _refused(where, name, "this class has no NumPy runner")
    try:
        return EXPORTS[name](estimator, where)
    except AttributeError as error:
        raise _refused(where, name, f"it is not fitted, or was made by another version ({error})") from error


def exports(*names: str):
    """Register how the classes of these names are exported."""

    def register(function):
        takes_where = len(inspect.signature(function).parameters) > 1
        for name in names:
            EXPORTS[name] = function if takes_where else lambda estimator, where, function=function: function(estimator)
        return function

    return register


def _refused(where: str, name: str, why: str) -> ModelFileError:
    return ModelFileError(f"cannot export {where}, a {name}: {why}", operation="export_python", operands={where: name}, where=where,
                          rule="every part of the model can be written as plain NumPy", suggestion="homespun.persist.save keeps any model")


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
    return {"run": "feature_union", "parts": [
        {"run": "passthrough"} if _is(step, "passthrough") else spec_of(step, f"{where}.{name}") for name, step in steps]}


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
    return {"run": "transformed_target", "regressor": spec_of(model.regressor_, f"{where}.regressor_"), "inverse": inverse}


@exports("homespun.tabular.LogTarget")
def _log_target(model, where):
    return {"run": "transformed_target", "regressor": spec_of(model.regressor_, f"{where}.regressor_"), "inverse": "log1p"}


def _ufunc(function, where) -> str:
    if isinstance(function, np.ufunc) and function.nin == 1 and getattr(np, function.__name__, None) is function:
        return function.__name__
    raise _refused(where, getattr(function, "__name__", str(function)), "only NumPy's functions of one number are handled")


def _is(step, word: str) -> bool:
    return isinstance(step, str) and step == word


def _feature_names(model):
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


# ---------------------------------------------------------------------------------------------------------------------
# Models


@exports(*(f"homespun.linear_model.{name}" for name in (
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV")))
def _linear(model):
    return {"run": "linear", "coef": _dense(model.coef_), "intercept": np.asarray(model.intercept_)}


@exports("homespun.linear_model.LogisticRegression")
def _logistic(model):
    return {"run": "logistic", "coef": _dense(model.coef_), "intercept": model.intercept_, "classes": model.classes_}


@exports("homespun.tabular.BaselineRegressor")
def _mean(model):
    return {"run": "constant", "value": model.mean_}


@exports("homespun.tabular.BaselineClassifier")
def _shares(model):
    return {"run": "constant", "value": model.shares_, "classes": model.classes_}


@exports("homespun.tree.DecisionTreeRegressor", "homespun.tree.DecisionTreeClassifier")
def _tree(model):
    tree = model.tree_
    spec = {"run": "tree", "left": tree.children_left, "right": tree.children_right, "feature": tree.feature,
            "threshold": tree.threshold, "missing_left": tree.missing_go_to_left, "value": tree.value}
    return spec | _all_classes(model)


@exports("homespun.ensemble.HistGradientBoostingRegressor", "homespun.ensemble.HistGradientBoostingClassifier")
def _boosting(model):
    forest = model._forest
    fields = ("start", "masked", "walked", "feature", "bin", "missing_left", "left", "right", "set_index", "value", "sets")
    spec = {"run": "boosting", "loss": model.loss, "baseline": model._baseline, "edges": model._edges,
            "categories": model._categories, **{name: forest[name] for name in fields}}
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
    spec = {"run": "neighbors", "X": model._fit_X, "y": model._y, "k": int(model.n_neighbors), "cosine": model.metric == "cosine",
            "power": 2.0 if power is None else power, "by_distance": model.weights == "distance"}
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
def _standard_scaler(model):
    return {"run": "standard_scaler", "mean": model.mean_ if model.with_mean else None, "scale": model.scale_ if model.with_std else None}


@exports("homespun.preprocessing.MinMaxScaler")
def _min_max_scaler(model):
    return {"run": "min_max_scaler", "scale": model.scale_, "min": model.min_, "clip": list(model.feature_range) if model.clip else None}


@exports("homespun.impute.SimpleImputer")
def _simple_imputer(model):
    return {"run": "simple_imputer", "text": model._fit_dtype.kind in "OUS", "marker": _marker(model.missing_values),
            "fill": model.statistics_, "kept": np.flatnonzero(~model._empty()),
            "marked": None if model.indicator_ is None else model.indicator_.features_}


@exports("homespun.impute.MissingIndicator")
def _missing_indicator(model):
    return {"run": "missing_indicator", "text": isinstance(model.missing_values, str), "marker": _marker(model.missing_values),
            "features": model.features_}


def _marker(value):
    return value.item() if isinstance(value, np.generic) else value


@exports("homespun.preprocessing.OneHotEncoder")
def _one_hot(model):
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
    return {"run": "one_hot", "categories": list(model.categories_), "tables": tables, "width": int(sum(widths)),
            "dtype": np.dtype(model.dtype).str, "unknown": "error" if model.handle_unknown == "error" else unknown}


@exports("homespun.preprocessing.OrdinalEncoder")
def _ordinal(model):
    tables = []
    for categories, codes in zip(model.categories_, _codes(model)):
        table = codes.astype(np.float64)
        if len(categories) and isinstance(categories[-1], (float, np.floating)) and categories[-1] != categories[-1]:
            table[-1] = model.encoded_missing_value
        tables.append(table)
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else "error"
    return {"run": "ordinal", "categories": list(model.categories_), "tables": tables, "dtype": np.dtype(model.dtype).str,
            "unknown": _marker(unknown)}


def _codes(model) -> list[np.ndarray]:
    """For each column the output code of each of its categories, by the encoder's own rule."""
    codes = []
    for j, categories in enumerate(model.categories_):
        indices = np.zeros((len(categories), len(model.categories_)), dtype=np.int64)
        indices[:, j] = np.arange(len(categories))
        codes.append(model._grouped(indices)[:, j])
    return codes


@exports("homespun.preprocessing.DateParts")
def _date_parts(model):
    return {"run": "date_parts", "parts": list(model.parts), "reference": model.reference_}


@exports("homespun.preprocessing.FlagEncoder")
def _flag_encoder(model):
    from homespun.data.missing import MISSING
    from homespun.preprocessing.flag_encoder import _VALUES

    return {"run": "flags", "values": dict(_VALUES), "missing": sorted(MISSING), "strict": model.handle_unknown == "error"}


@exports("homespun.tabular.Project")
def _project(model, where):
    used = set(model.features_)
    recipes = {}
    for name, recipe in model.recipes_.items():
        made = {name} | ({f"{name} ({recipe['split']})"} if recipe.get("split") else set())
        if name != model.target and made & used:
            recipes[name] = recipe
    roles = model.roles_
    return {"run": "project", "recipes": recipes, "numbers": roles["numbers"], "dates": roles["dates"], "words": roles["categories"],
            "classes": model.classes, "model": spec_of(model.model, f"{where}.model")}


# ---------------------------------------------------------------------------------------------------------------------
# The text


def _plain(node: Any, arrays: list[np.ndarray]) -> Any:
    """JSON of a spec, its arrays moved into a list."""
    if isinstance(node, np.ndarray):
        if node.dtype.kind == "O":
            return {"objects": [_plain(entry, arrays) for entry in node.tolist()]}
        arrays.append(node)
        return {"array": len(arrays) - 1}
    if isinstance(node, dict):
        return {str(key): _plain(entry, arrays) for key, entry in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(entry, arrays) for entry in node]
    if isinstance(node, np.generic):
        return node.item()
    if node is None or isinstance(node, (str, bool, int, float)):
        return node
    raise DataError(f"cannot export the value {node!r}: JSON cannot say a {type(node).__name__}", operation="export_python",
                    operands={"value": node}, rule="numbers and texts")


def _names(spec) -> set[str]:
    """The names of the runner's functions that a spec uses."""
    if isinstance(spec, dict):
        own = {spec["run"]} if isinstance(spec.get("run"), str) else set()
        return own.union(*(_names(entry) for entry in spec.values()))
    return set().union(*(_names(entry) for entry in spec)) if isinstance(spec, list) else set()


def _needed(names: set[str]) -> list[str]:
    """The runner's modules that define these functions, and those that they import from."""
    here = Path(__file__).parent / "runner"
    texts = {module: (here / f"{module}.py").read_text(encoding="utf-8") for module in RUNNER}
    needed = {"core", "command"} | {module for module, text in texts.items() if any(f"\ndef {name}(" in text for name in names)}
    for module in reversed(RUNNER):
        if module in needed:
            needed |= {other for other in RUNNER if f"from homespun.persist.runner.{other} import" in texts[module]}
    return [module for module in RUNNER if module in needed]


def _joined(modules: list[str]) -> str:
    """The modules as one: imports first and once, imports of each other left out."""
    imports: set[str] = set()
    bodies = []
    here = Path(__file__).parent
    sources = [(here / "runner" / f"{module}.py", None) for module in modules]
    if "project" in modules:
        reading = [(here.parent / "data" / f"{module}.py", names) for module, names in READING.items()]
        sources[modules.index("project") : modules.index("project")] = reading
    for path, names in sources:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            begin = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            piece = "\n".join(lines[begin - 1 : node.end_lineno])
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                if "homespun" not in piece and "__future__" not in piece and names is None:
                    imports.add(piece)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                bodies.append("# " + "-" * 117 + "\n# " + node.value.value.strip().splitlines()[0])
            elif not piece.startswith("MODEL, ARRAYS") and (names is None or _defines(node) & set(names)):
                bodies.append(piece)
    return "\n".join(sorted(imports, key=lambda line: ("numpy" in line, line.startswith("from"), line))) + "\n\n" + _spaced(bodies)


def _defines(node) -> set[str]:
    """The names that a statement of a module gives a value: also a loop that fills a table."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = [one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Subscript)) and isinstance(one.ctx, ast.Store)]
    return {one.id if isinstance(one, ast.Name) else getattr(one.value, "id", "") for one in targets}


def _spaced(bodies: list[str]) -> str:
    text = ""
    for body in bodies:
        block = body.startswith(("def ", "@", "class ", "# ---"))
        text += ("\n\n" if block or text.rstrip().split("\n")[-1].startswith(" ") else "") + body + "\n"
    return text


def _title(model) -> str:
    if type(model).__name__ == "Project":
        return f"{model.target} ({model.task}, {model.best})"
    return type(model).__name__


def _outline(spec, depth: int = 1) -> str:
    """The parts of the model as an indented list."""
    text = f"{'    ' * depth}{spec['run']}\n"
    inner = [*spec.get("steps", ()), *(part.get("spec", part) for part in spec.get("parts", ()) if isinstance(part, dict)),
             *(spec[name] for name in ("model", "regressor") if isinstance(spec.get(name), dict))]
    return text + "".join(_outline(one, depth + 1) for one in inner)
