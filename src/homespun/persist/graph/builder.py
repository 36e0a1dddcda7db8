"""`Graph`: nodes, constants and inputs of a model in ONNX while it is drawn; and what flows between its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from homespun.persist.specs.registry import refused

FORMS: dict[str, Callable[[Graph, dict, Any], Any]] = {}  # name → function of (graph, spec, X)


def form(function):
    """Register a function under its own name."""
    FORMS[function.__name__.rstrip("_")] = function
    return function


def draw(g: Graph, spec: dict[str, Any], X: Any) -> Any:
    """The nodes of what `spec` describes, on X."""
    if spec["run"] not in FORMS:
        raise no_form(spec, _WHY.get(spec["run"], "it has no ONNX form"))
    g.where.append(spec)
    answer = FORMS[spec["run"]](g, spec, X)
    g.where.pop()
    return answer


_WHY = {
    "counts": "terms of texts cannot be cut by ONNX's operators as they are here",
    "tfidf": "terms of texts cannot be cut by ONNX's operators as they are here",
    "tfidf_weights": "terms of texts cannot be cut by ONNX's operators as they are here",
    "text_terms": "the words of a column are features, and ONNX cuts texts at a fixed character, not at all that is no letter; "
                  "every model of `fit` but the baseline has them: fit without that column, if it must be ONNX",
    "hashed": "ONNX has no such hash",
    "nearest_rows": "distances over the columns that two rows share have no ONNX form",
    "ranks": "it interpolates between a thousand quantiles, which ONNX has no operator for",
    "splines": "de Boor's recurrence has no ONNX form",
}


def no_form(spec: dict[str, Any], why: str):
    """The error for a part that ONNX cannot say."""
    return refused(spec.get("where", "the model"), spec.get("of", spec["run"]), why,
                   "homespun export MODEL --format python, a file that needs only NumPy; or --format docker", "export")


@dataclass(frozen=True)
class Matrix:
    """A tensor of doubles, (n, width)."""

    tensor: str
    width: int


@dataclass(frozen=True)
class Column:
    """A column (n, 1) of doubles or texts. One that is an input has no tensor until somebody needs it as one of both.

    `gone`: texts that mean a missing one, beside "".
    """

    name: str
    tensor: str | None = None
    text: bool | None = None
    gone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a model says: predictions (n,), or (n, width) for several outputs; and the shares of classes (n, k)."""

    predict: str
    shares: str | None = None
    labels: np.ndarray | None = None  # of a classifier, by the column of `shares`
    width: int | None = None


class Graph:
    """An ONNX graph in the making."""

    def __init__(self):
        self.nodes: list = []
        self.constants: list = []
        self.inputs: dict[str, bool] = {}  # name → whether it is text
        self.words: dict[str, set[str]] = {}  # text input → the texts that the model knows
        self.values: dict[str, list[float]] = {}  # column → the numbers that the model knows as categories
        self.strict = False  # whether an unknown text ends in an error
        self.where: list[dict[str, Any]] = []  # specs that are being drawn, the outermost first
        self._known: dict[tuple, str] = {}

    def op(self, kind: str, *inputs, domain: str = "", **attributes) -> str:
        """Add a node with one output, and give its name. Arrays and numbers among the inputs become constants."""
        return self.ops(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs, outputs: int, domain: str = "", **attributes) -> list[str]:
        """The same for a node with several outputs."""
        from onnx import helper

        names = [f"homespun/{len(self.nodes)}/{kind}" + (f"/{i}" if i else "") for i in range(outputs)]
        given = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(helper.make_node(kind, given, names, domain=domain, name=names[0], **attributes))
        return names

    def constant(self, value) -> str:
        """An array of doubles, whole numbers, truths or texts."""
        from onnx import helper, numpy_helper

        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        if array.dtype.kind in "iu":
            array = array.astype(np.int64)
        text = array.dtype.kind in "OUS"
        key = (array.shape, array.dtype.kind, tuple(array.ravel().tolist()) if text else array.tobytes())
        if key not in self._known:
            name = self._known[key] = f"homespun/constant/{len(self.constants)}"
            if text:
                words: Any = [str(word).encode() for word in array.ravel()]
                self.constants.append(helper.make_tensor(name, 8, array.shape, words))  # 8: STRING
            else:
                self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return self._known[key]

    def input(self, name: str, text: bool) -> str:
        """An input (n, 1)."""
        if self.inputs.setdefault(name, text) != text:
            raise no_form(self.where[-1], f"the column {name!r} is used both as text and as a number")
        if text:
            self.words.setdefault(name, set())
        return name

    # -- values ------------------------------------------------------------------------------------------------------------

    def number(self, column: Column) -> str:
        """A column as doubles."""
        if column.text:
            raise no_form(self.where[-1], f"it needs numbers, and the column {column.name!r} holds texts")
        return self.input(column.name, False) if column.tensor is None else column.tensor

    def text(self, column: Column) -> Column:
        """A column as texts."""
        if column.text is False:
            raise no_form(self.where[-1], f"it needs texts, and the column {column.name!r} holds numbers")
        return column if column.tensor else replace(column, tensor=self.input(column.name, True), text=True)

    def matrix(self, X) -> Matrix:
        """X as one tensor of numbers."""
        if isinstance(X, Matrix):
            return X
        if not X:
            raise no_form(self.where[-1], "no column is left for it")
        return self.side_by_side([Matrix(self.number(column), 1) for column in X.values()])

    def columns(self, X) -> list[Column]:
        """The columns of X."""
        if isinstance(X, Matrix):
            return [Column(f"column {j}", self.take(X, [j]).tensor, False) for j in range(X.width)]
        return list(X.values())

    def take(self, X: Matrix, columns) -> Matrix:
        """Some columns of a matrix."""
        columns = np.asarray(columns, dtype=np.int64)
        if len(columns) == X.width and (columns == np.arange(X.width)).all():
            return X
        return Matrix(self.op("Gather", X.tensor, columns, axis=1), len(columns))

    def side_by_side(self, parts: list[Matrix]) -> Matrix:
        """Matrices joined."""
        parts = [part for part in parts if part.width]
        if len(parts) == 1:
            return parts[0]
        return Matrix(self.op("Concat", *(part.tensor for part in parts), axis=1), sum(part.width for part in parts))

    def flat(self, tensor: str) -> str:
        """(n, 1) → (n,)"""
        return self.op("Reshape", tensor, np.array([-1]))

    def double(self, tensor: str) -> str:
        return self.op("Cast", tensor, to=11)  # DOUBLE

    def whole(self, tensor: str) -> str:
        return self.op("Cast", tensor, to=7)  # INT64

    def rows(self, X) -> str:
        """The number of rows, (1,)."""
        if not isinstance(X, Matrix):
            first = next(iter(X.values()), None)
            if first is None:
                raise no_form(self.where[-1], "it has no input")
            if first.tensor is None and first.text is None:
                first = replace(first, tensor=self.input(first.name, False))
            return self.op("Shape", first.tensor or first.name, start=0, end=1)
        return self.op("Shape", X.tensor, start=0, end=1)
