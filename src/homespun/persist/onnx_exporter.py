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
from homespun.persist.onnx_trial import TOLERANCE, compare
from homespun.persist.specs import spec_of

OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10  # of those opsets


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
    note : str or None
        What its users must know: to which day ages are counted.
    """

    path: Path
    inputs: dict[str, str]
    rows: int
    difference: float
    note: str | None = None


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
    return Exported(write_bytes(path, content), inputs, rows, difference, told_ages(model))


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
    said = {"homespun": __version__, "target": getattr(model, "target", None), "classes": classes, "inputs": inputs}
    return said if (told := told_ages(model)) is None else said | {"ages": told}


def _words(model) -> str:
    if hasattr(model, "recipes_"):
        said = f"Predicts {model.target} ({model.task}, {model.best}); made by homespun {__version__}."
        return said if (told := told_ages(model)) is None else f"{said} {told}"
    return f"{type(model).__name__} of homespun {__version__}."


def told_ages(model) -> str | None:
    """A sentence for a table's model whose ages are counted to a day that a graph cannot ask for; None for any other."""
    ages = getattr(model, "ages_", None)
    if not ages or not ages["columns"]:
        return None
    named, own = ", ".join(map(repr, ages["columns"])), ages["moment"]
    rows = "" if own is None else f" for rows without {own!r}"
    return f"The age in {named} is counted to {ages['reference']}{rows}: a graph knows the stored day, not today."
