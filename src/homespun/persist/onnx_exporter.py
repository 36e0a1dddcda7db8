"""`export_onnx`: a fitted model as an ONNX graph, tried out before it is written.

    model → spec (`specs`: what each estimator's prediction needs) → nodes (`graph`) → ONNX Runtime answers as the model does

Inputs are the columns of the contract, each a tensor (n, 1) under its own name: float64 for numbers (NaN: missing), days since
1970-01-01 for dates, texts for categories and flags ("": missing). A model of arrays has one input X, (n, d) float64. Outputs:
`prediction`, and for classes `probabilities`; of a transformer `transformed`. All of it is computed in double: the answers
differ from the model's by rounding only, and the file is not written if they differ by more than the tolerance.

Not handled: parts without a form in `graph` (an error names the part); how texts are cleaned ("£8,000" → 8000): the graph
wants typed values, as the metadata "homespun_contract" says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__
from homespun.base.errors import ModelFileError
from homespun.persist.graph import Answer, Column, Graph, Matrix, draw
from homespun.persist.specs import spec_of

OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10  # of those opsets
TOLERANCE = 1e-9  # of |ours - theirs| / max(1, |ours|)


@dataclass(frozen=True)
class Exported:
    """What `export_onnx` wrote.

    Attributes
    ----------
    path : Path
    inputs : dict
        Name → "float64" or "string".
    rows : int
        Rows that were tried; 0: nothing was, because ONNX Runtime is not installed or no rows could be made up.
    difference : float
        The largest |ours - theirs| / max(1, |ours|) on them.
    """

    path: Path
    inputs: dict[str, str]
    rows: int
    difference: float


def export_onnx(model: Any, path, *, sample=None, tolerance: float = TOLERANCE) -> Exported:
    """Write a fitted model as an ONNX graph.

    Parameters
    ----------
    model : Project, estimator or pipeline
    path : path-like
        ``model.onnx``
    sample : rows, optional
        On which model and graph are compared, if ONNX Runtime is installed: a file or dataframe for a Project, an array or
        dataframe for an estimator. Default: the rows that a Project keeps, mixed, with values left out and unknown words;
        for an estimator random rows.
    tolerance : float
        The largest difference, |ours - theirs| / max(1, |ours|), with which the file is still written.

    Returns
    -------
    Exported

    Raises
    ------
    ModelFileError
        A part has no ONNX form (it is named), the answers differ, or the file cannot be written.
    ModuleNotFoundError
        The package `onnx` is not installed: ``pip install 'homespun[onnx]'``.

    Examples
    --------
    >>> import tempfile
    >>> from homespun.preprocessing import MinMaxScaler
    >>> done = export_onnx(MinMaxScaler().fit([[0.0], [4.0]]), Path(tempfile.mkdtemp()) / "scaler.onnx")
    >>> done.inputs, done.difference < 1e-12
    ({'X': 'float64'}, True)
    """
    from homespun.persist.container import write_bytes

    g, content = content_of(model)
    rows, difference = compare(model, g, content, sample, tolerance)
    inputs = {name: "string" if text else "float64" for name, text in g.inputs.items()}
    return Exported(write_bytes(path, content), inputs, rows, difference)


def content_of(model: Any) -> tuple[Graph, bytes]:
    """The graph, and the bytes of the file."""
    from onnx import TensorProto, checker, helper

    g = Graph()
    spec = spec_of(model, "model")
    X = _inputs(g, model, spec)
    answer = draw(g, spec, X)
    outputs = _outputs(g, answer)
    kinds = {True: TensorProto.STRING, False: TensorProto.DOUBLE}
    given = [
        helper.make_tensor_value_info(name, kinds[text], ["n", X.width if isinstance(X, Matrix) else 1])
        for name, text in g.inputs.items()
    ]
    graph = helper.make_graph(g.nodes, "homespun", given, outputs, initializer=g.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="homespun",
                              producer_version=__version__, doc_string=_words(model))
    helper.set_model_props(proto, {"homespun_contract": json.dumps(contract(model, g), ensure_ascii=False)})
    if proto.ByteSize() >= 2**31:
        raise ModelFileError(
            f"cannot export the model: its graph has {proto.ByteSize() / 2**30:.1f} GiB, and an ONNX file at most 2",
            operation="export", operands={"bytes": proto.ByteSize()}, rule="less than 2 GiB",
            suggestion="a model with fewer trees, or --format docker")
    checker.check_model(proto)
    return g, proto.SerializeToString()


def _inputs(g: Graph, model, spec):
    """What the graph is drawn on: the columns of a table by name, else one matrix."""
    if spec["run"] == "project":
        return {}
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return {str(name): Column(str(name)) for name in names}
    width = getattr(model, "n_features_in_", None)
    if width is None:
        raise ModelFileError(
            f"cannot export the model ({spec['of']}): it does not say how many columns it takes", operation="export",
            operands={"model": spec["of"]}, rule="a fitted model of tables or matrices",
            suggestion="homespun export MODEL --format python")
    g.where.append(spec)
    return Matrix(g.input("X", False), int(width))


def _outputs(g: Graph, answer) -> list:
    """The graph's outputs, under names that no input has."""
    from onnx import TensorProto, helper

    def named(name, tensor):
        while name in g.inputs:
            name += "_"
        g.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        return name

    if not isinstance(answer, Answer):
        if isinstance(answer, dict) and any(column.text for column in answer.values()):
            tensors = {name: g.text(column).tensor if column.text else g.number(column) for name, column in answer.items()}
            return [helper.make_tensor_value_info(named(f"{name}_out", tensor),
                                                  TensorProto.STRING if answer[name].text else TensorProto.DOUBLE, ["n", 1])
                    for name, tensor in tensors.items()]
        answer = g.matrix(answer)
        return [helper.make_tensor_value_info(named("transformed", answer.tensor), TensorProto.DOUBLE, ["n", answer.width])]
    if answer.labels is None:
        return [helper.make_tensor_value_info(named("prediction", answer.predict), TensorProto.DOUBLE,
                                              ["n", answer.width] if answer.width else ["n"])]
    kind = {"f": TensorProto.DOUBLE, "b": TensorProto.BOOL, "i": TensorProto.INT64, "u": TensorProto.INT64}
    return [
        helper.make_tensor_value_info(named("prediction", answer.predict),
                                      kind.get(answer.labels.dtype.kind, TensorProto.STRING), ["n"]),
        helper.make_tensor_value_info(named("probabilities", str(answer.shares)), TensorProto.DOUBLE, ["n", len(answer.labels)]),
    ]


def contract(model, g: Graph) -> dict[str, Any]:
    """What each input takes, and what comes out: the metadata of the file."""
    recipes = getattr(model, "recipes_", {})
    inputs = []
    for name, text in g.inputs.items():
        recipe = recipes.get(name, {})
        kind = recipe.get("kind", "text" if text else "number")
        said = {"name": name, "type": "string" if text else "float64", "kind": kind}
        if kind == "number" and (recipe.get("unit") or recipe.get("suffix") or recipe.get("currency")):
            said["unit"] = recipe.get("unit") or recipe.get("suffix") or recipe.get("currency")
        if kind == "date":
            said["unit"] = "days since 1970-01-01"
        if kind == "flag":
            said["choices"] = [recipe["on"], recipe["off"], *recipe["not_stated"]]
        said["missing"] = "" if text else "NaN"
        inputs.append(said)
    classes = getattr(model, "classes", None)
    if classes is None and hasattr(model, "classes_"):
        classes = np.asarray(model.classes_).tolist()
    return {"homespun": __version__, "target": getattr(model, "target", None), "classes": classes, "inputs": inputs}


def _words(model) -> str:
    if hasattr(model, "recipes_"):
        return f"Predicts {model.target} ({model.task}, {model.best}); made by homespun {__version__}."
    return f"{type(model).__name__} of homespun {__version__}."


# ---------------------------------------------------------------------------------------------------------------------
# Trying it out


def compare(model, g: Graph, content: bytes, sample=None, tolerance: float = TOLERANCE) -> tuple[int, float]:
    """Rows and the largest difference; (0, NaN) without ONNX Runtime.

    Raises
    ------
    ModelFileError
        It is larger than the tolerance.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return 0, float("nan")
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    tried = _expected(model, g, sample)
    if tried is None:
        return 0, float("nan")
    data, expected = tried
    fed = feeds(g, model, data)
    rows = len(next(iter(fed.values())))
    try:
        got = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"]).run(None, fed)
    except Exception as error:  # ONNX Runtime's own, of many kinds
        raise ModelFileError(
            f"ONNX Runtime {onnxruntime.__version__} cannot run the graph; no file was written: {error}", operation="export",
            operands={"rows": rows}, rule="a graph that runs", suggestion="homespun export MODEL --format python") from error
    worst, at = 0.0, ""
    for place, (name, ours) in enumerate(expected.items()):
        gaps = differences(ours, got[place], expected.get("probabilities") if name == "prediction" else None, tolerance)
        if gaps.max(initial=0.0) > worst:
            row = int(gaps.argmax())
            worst, at = float(gaps[row]), f"{name} of row {row}: {np.asarray(ours)[row]} and {np.asarray(got[place])[row]}"
    if not worst <= tolerance:
        raise ModelFileError(
            f"the ONNX graph does not answer as the model does: on {rows} rows the largest difference is {worst:.3g} ({at}), and "
            f"{tolerance:g} is allowed; no file was written",
            operation="export", operands={"difference": worst}, rule=f"|ours - theirs| <= {tolerance:g} max(1, |ours|)",
            suggestion="homespun export MODEL --format python")
    return rows, worst


def differences(ours, theirs, shares=None, tolerance: float = TOLERANCE) -> np.ndarray:
    """|ours - theirs| / max(1, |ours|), the largest of each row; inf for other labels, but where two are equally likely."""
    ours, theirs = np.asarray(ours), np.asarray(theirs).reshape(np.shape(ours))
    if ours.dtype.kind != "f":
        if ours.dtype.kind in "OUS":
            ours = np.array(["" if value is None or value != value else str(value) for value in ours.tolist()])
            theirs = theirs.astype(str)
        other = np.asarray(ours != theirs)
        if shares is not None and shares.shape[1] > 1:
            best = np.sort(shares, axis=1)
            other &= best[:, -1] - best[:, -2] > 2 * tolerance
        return np.where(other, np.inf, 0.0)
    theirs = theirs.astype(np.float64)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours)))
    return np.where(np.isnan(gaps), np.inf, gaps).reshape(len(ours), -1).max(axis=1)


def _expected(model, g: Graph, sample) -> tuple[Any, dict[str, np.ndarray]] | None:
    """Rows, and what the model says of them; None where it takes none of those that are made up."""
    if sample is None and hasattr(model, "recipes_"):
        sample = mixed(model._sample)
    elif sample is None:
        for gaps, positive in ((True, False), (False, False), (False, True)):  # until the model takes the rows
            sample = random_rows(g, model, gaps, positive)
            try:
                return sample, _answers(model, sample)
            except (ValueError, TypeError):
                continue
        return None
    return sample, _answers(model, sample)


def _answers(model, sample) -> dict[str, np.ndarray]:
    if not hasattr(model, "predict"):
        out = model.transform(sample)
        out = np.asarray(out.toarray() if hasattr(out, "toarray") else out)
        if out.dtype.kind in "OUS":  # a table of texts and numbers: one output for each column
            columns = [np.array(column.tolist()) if all(isinstance(value, (int, float)) for value in column.tolist()) else column
                       for column in out.T]
            return {str(j): column for j, column in enumerate(columns)}
        return {"transformed": out.astype(np.float64)}
    found = {"prediction": np.asarray(model.predict(sample))}
    if hasattr(model, "predict_proba"):
        found["probabilities"] = np.asarray(model.predict_proba(sample), dtype=np.float64)
    return found


def mixed(sample: dict[str, list], rows: int = 200):
    """The rows of a sample as they are; then rows of values drawn from each column, an eighth of them left out or unknown."""
    import pandas as pd

    rng = np.random.default_rng(0)
    columns = {}
    for name, values in sample.items():
        drawn = [values[i] for i in rng.integers(0, max(len(values), 1), rows)] if values else []
        out = rng.random(len(drawn))
        drawn = [None if share < 0.09 else "never seen" if share < 0.12 and isinstance(value, str) and _is_word(values) else value
                 for share, value in zip(out.tolist(), drawn)]
        columns[name] = pd.Series([*values, *drawn], dtype=object)
    return pd.DataFrame(columns)


def _is_word(values) -> bool:
    """Whether any text may stand in the column: none of its texts has a digit, and there are more than three."""
    texts = {value for value in values if isinstance(value, str)}
    return len(texts) > 3 and not any(letter.isdigit() for text in texts for letter in text)


def random_rows(g: Graph, model, gaps: bool, positive: bool = False, rows: int = 200):
    """Numbers around zero, or above it; words that the model knows, and one that it does not if it may; gaps if asked for."""
    import pandas as pd

    rng = np.random.default_rng(0)
    count = 1 if "X" not in g.inputs or hasattr(model, "feature_names_in_") else int(model.n_features_in_)
    columns: dict[str, Any] = {}
    for name, text in g.inputs.items():
        if text:
            known = sorted(g.words.get(name, set()) - {""}) + ([] if g.strict else ["never seen"])
            values: Any = rng.choice(np.array(known or ["never seen"], dtype=object), rows)
            columns[name] = np.where(rng.random(rows) < 0.1, None, values) if gaps else values
        else:
            values = np.round(rng.normal(0.0, 3.0, (rows, count)), 1)
            values = np.abs(values) + 0.1 if positive else values
            for j, column in enumerate([name] if name != "X" else [f"column {j}" for j in range(count)]):
                if g.values.get(column):
                    values[:, j] = rng.choice([*g.values[column], *([] if g.strict else [0.5])], rows)
            columns[name] = np.where(rng.random(values.shape) < 0.1, np.nan, values) if gaps else values
    if not hasattr(model, "feature_names_in_"):
        return columns["X"]
    for name in model.feature_names_in_:  # one that the model does not use
        columns.setdefault(str(name), np.zeros((rows, 1)))
    return pd.DataFrame({name: columns[str(name)].ravel() for name in model.feature_names_in_})


def feeds(g: Graph, model, data) -> dict[str, np.ndarray]:
    """The graph's inputs, name → array, of rows as `predict` takes them."""
    if hasattr(model, "recipes_"):
        frame = model.read(data, "predict").frame
        return {name: _typed(frame[name].to_numpy(), text, model.recipes_.get(name, {})) for name, text in g.inputs.items()}
    if hasattr(data, "columns"):
        return {name: _typed(np.asarray(data[name]), text, {}) for name, text in g.inputs.items()}
    return {"X": np.asarray(data, dtype=np.float64)}


def _typed(values, text: bool, recipe) -> np.ndarray:
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]")
        values = np.where(np.isnat(values), np.nan, values.astype(np.int64) / 86_400_000_000.0)
    if not text:
        return values.astype(np.float64)[:, None]
    if recipe.get("kind") == "flag":
        from homespun.data.flags import flag_value

        words = {flag_value(word, recipe): word for word in [*recipe["not_stated"], recipe["off"], recipe["on"]]}
        return np.array([["" if value != value else words[value]] for value in values.astype(np.float64).tolist()], dtype=object)
    return np.array([["" if value is None or value != value else str(value)] for value in values.tolist()], dtype=object)
