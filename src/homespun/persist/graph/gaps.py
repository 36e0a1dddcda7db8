"""Missing values: what takes their place, and marks of where they were. A missing text is ""."""

from __future__ import annotations

import numpy as np

from homespun.persist.graph.builder import Column, Matrix, form, no_form


def marks_of(g, X: Matrix, marker) -> str:
    """Where a number is missing."""
    return g.op("IsNaN", X.tensor) if marker is None or marker != marker else g.op("Equal", X.tensor, float(marker))


def text_marks(g, column: Column, marker) -> str:
    """Where a text is missing."""
    if isinstance(marker, str):
        return g.op("Equal", column.tensor, np.array(marker))
    found = g.op("Equal", column.tensor, np.array(""))
    for word in column.gone:
        found = g.op("Or", found, g.op("Equal", column.tensor, np.array(word)))
    return found


@form
def simple_imputer(g, spec, X):
    if spec["text"]:
        return text_imputer(g, spec, X)
    X = g.matrix(X)
    if spec["marker"] is None:
        raise no_form(spec, "numbers whose missing value is None have no ONNX form: NaN says it there")
    marks = marks_of(g, X, spec["marker"])
    fill = np.array([0.0 if value is None else value for value in np.asarray(spec["fill"]).tolist()], dtype=np.float64)
    filled = g.take(Matrix(g.op("Where", marks, fill[None, :], X.tensor), X.width), spec["kept"])
    if spec["marked"] is None or not len(spec["marked"]):
        return filled
    return g.side_by_side([filled, g.take(Matrix(g.double(marks), X.width), spec["marked"])])


def text_imputer(g, spec, X):
    if spec["marked"] is not None:
        raise no_form(spec, "marks of missing texts have no ONNX form beside texts")
    found = {}
    for j, column in enumerate(g.columns(X)):
        if j in spec["kept"]:
            column = g.text(column)
            filled = g.op("Where", text_marks(g, column, spec["marker"]), np.array(str(spec["fill"][j])), column.tensor)
            found[column.name] = Column(column.name, filled, True, column.gone)
    return found


@form
def missing_indicator(g, spec, X):
    if spec["text"]:
        raise no_form(spec, "marks of texts equal to a word have no ONNX form")
    X = g.matrix(X)
    return g.take(Matrix(g.double(marks_of(g, X, spec["marker"])), X.width), spec["features"])


@form
def iterative(g, spec, X):
    """One regression after the other predicts its column where that has gaps."""
    from homespun.persist.graph.builder import draw

    X = g.matrix(X)
    marks = Matrix(g.double(marks_of(g, X, spec["marker"])), X.width)
    first = g.matrix(draw(g, spec["first"], X))
    parts = [g.take(first, [j]).tensor for j in range(first.width)]
    gaps = [g.op("Cast", g.take(marks, [j]).tensor, to=9) for j in range(X.width)]
    for step in spec["regressions"]:
        j, others = step["column"], step["others"]
        if spec["empty"][j]:
            continue
        rows = g.side_by_side([Matrix(parts[k], 1) for k in others])
        said = g.op("Reshape", draw(g, step["spec"], rows).predict, np.array([-1, 1]))
        said = g.op("Max", g.op("Min", said, float(spec["high"][j])), float(spec["low"][j]))
        parts[j] = g.op("Where", gaps[j], said, parts[j])
    filled = g.side_by_side([Matrix(parts[j], 1) for j in spec["kept"]])
    if spec["marked"] is None or not len(spec["marked"]):
        return filled
    return g.side_by_side([filled, g.take(marks, spec["marked"])])
