"""Numbers into other numbers: scaled, clipped, binned, bent, multiplied; and the ways back for targets."""

from __future__ import annotations

import numpy as np

from homespun.persist.graph.builder import Matrix, draw, form, no_form


def _by(g, kind, X, row):
    """An operation with one number for each column."""
    return X if row is None else Matrix(g.op(kind, X.tensor, np.asarray(row, dtype=np.float64)[None, :]), X.width)


@form
def standard_scaler(g, spec, X):
    return _by(g, "Div", _by(g, "Sub", g.matrix(X), spec["mean"]), spec["scale"])


@form
def min_max_scaler(g, spec, X):
    X = _by(g, "Add", _by(g, "Mul", g.matrix(X), spec["scale"]), spec["min"])
    return _clipped(g, X, *spec["clip"]) if spec["clip"] else X


def _clipped(g, X, low, high):
    """Within the ends; NaN stays, which Min and Max keep as NumPy does."""
    return Matrix(g.op("Min", g.op("Max", X.tensor, np.asarray(low, np.float64)), np.asarray(high, np.float64)), X.width)


@form
def max_abs_scaler(g, spec, X):
    X = _by(g, "Div", g.matrix(X), spec["scale"])
    return _clipped(g, X, -1.0, 1.0) if spec["clip"] else X


@form
def clipped(g, spec, X):
    return _clipped(g, g.matrix(X), spec["low"][None, :], spec["high"][None, :])


@form
def normalizer(g, spec, X):
    X = g.matrix(X)
    sizes = g.op("Abs", X.tensor)
    if spec["norm"] == "max":
        lengths = g.op("ReduceMax", sizes, np.array([1]))
    elif spec["norm"] == "l1":
        lengths = g.op("ReduceSum", sizes, np.array([1]))
    else:
        lengths = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", X.tensor, X.tensor), np.array([1])))
    lengths = g.op("Where", g.op("Less", lengths, 10 * np.finfo(np.float64).eps), 1.0, lengths)
    return Matrix(g.op("Div", X.tensor, lengths), X.width)


@form
def binarizer(g, spec, X):
    X = g.matrix(X)
    return Matrix(g.double(g.op("Greater", X.tensor, float(spec["threshold"]))), X.width)


@form
def bins(g, spec, X):
    """How many inner edges lie at or below the value; or a 1 in the column of that number."""
    parts = []
    for column, edges, count in zip(g.columns(X), spec["edges"], spec["counts"]):
        x = g.number(column)
        if len(edges):
            above = g.double(g.op("GreaterOrEqual", x, np.asarray(edges, dtype=np.float64)[None, :]))
            found = g.op("ReduceSum", above, np.array([1]))
        else:
            found = g.op("Mul", g.double(g.op("IsNaN", x)), 0.0)
        if spec["one_hot"]:
            parts.append(Matrix(g.op("Gather", np.eye(count), g.whole(g.flat(found))), count))
        else:
            parts.append(Matrix(found, 1))
    return g.side_by_side(parts)


@form
def products(g, spec, X):
    """Products of columns, the last factor first; column -1 stands for 1."""
    X = g.matrix(X)
    ones = g.op("Expand", np.ones((1, 1)), g.op("Concat", g.op("Shape", X.tensor, start=0, end=1), np.array([1]), axis=0))
    padded = g.side_by_side([X, Matrix(ones, 1)])
    columns = np.where(spec["columns"] < 0, X.width, spec["columns"])
    if columns.shape[1] == 0:
        return Matrix(ones, 1)
    out = g.op("Gather", padded.tensor, columns[:, -1], axis=1)
    for factor in columns.T[-2::-1]:
        out = g.op("Mul", out, g.op("Gather", padded.tensor, factor, axis=1))
    return Matrix(out, len(columns))


# -- powers -------------------------------------------------------------------------------------------------------------------


def _expm1(g, x):
    """exp(x) - 1 without losing the digits of a small x: (u - 1) x / log(u), u the rounded exp(x) (Higham 2002, sec. 1.14.1)."""
    u = g.op("Exp", x)
    gap = g.op("Sub", u, 1.0)
    small, far = g.op("Equal", u, 1.0), g.op("Or", g.op("Equal", gap, -1.0), g.op("IsInf", u))
    safe = g.op("Where", g.op("Or", small, far), 2.0, u)
    scaled = g.op("Div", g.op("Mul", gap, x), g.op("Log", safe))
    return g.op("Where", small, x, g.op("Where", far, gap, scaled))


def _log1p(g, x):
    """log(1 + x) without losing the digits of a small x: log(u) x / (u - 1), u the rounded 1 + x (Higham 2002, sec. 1.14.1)."""
    u = g.op("Add", x, 1.0)
    gap = g.op("Sub", u, 1.0)
    none = g.op("Equal", gap, 0.0)
    scaled = g.op("Div", g.op("Mul", g.op("Log", u), x), g.op("Where", none, 1.0, gap))
    return g.op("Where", g.op("Or", none, g.op("IsInf", u)), g.op("Where", none, x, u), scaled)


def _raised(g, logs, exponent):
    """(exp(exponent * logs) - 1) / exponent."""
    if abs(exponent) < np.finfo(np.float64).eps:
        return logs
    return g.op("Div", _expm1(g, g.op("Mul", logs, exponent)), exponent)


@form
def power(g, spec, X):
    parts = []
    for column, exponent in zip(g.columns(X), spec["powers"]):
        x, exponent = g.number(column), float(exponent)
        if spec["method"] == "box-cox":  # a value that is not positive becomes NaN: its logarithm
            parts.append(Matrix(_raised(g, g.op("Log", x), exponent), 1))
            continue
        if exponent != 1.0:
            logs = _log1p(g, g.op("Abs", x))
            below = g.op("Neg", _raised(g, logs, 2.0 - exponent))
            x = g.op("Where", g.op("Less", x, 0.0), below, _raised(g, logs, exponent))
        parts.append(Matrix(x, 1))
    return draw(g, spec["scaler"], g.side_by_side(parts))


@form
def function(g, spec, X):
    X, name = g.matrix(X), spec["name"]
    simple = {"abs": "Abs", "absolute": "Abs", "fabs": "Abs", "ceil": "Ceil", "exp": "Exp", "floor": "Floor", "log": "Log",
              "negative": "Neg", "sign": "Sign", "sin": "Sin", "cos": "Cos", "sqrt": "Sqrt", "tanh": "Tanh",
              "reciprocal": "Reciprocal", "rint": "Round"}
    if name in simple:
        return Matrix(g.op(simple[name], X.tensor), X.width)
    if name in ("log1p", "expm1"):
        return Matrix((_log1p if name == "log1p" else _expm1)(g, X.tensor), X.width)
    if name == "square":
        return Matrix(g.op("Mul", X.tensor, X.tensor), X.width)
    if name in ("log2", "log10"):
        return Matrix(g.op("Div", g.op("Log", X.tensor), float(np.log(2.0 if name == "log2" else 10.0))), X.width)
    raise no_form(spec, f"numpy.{name} has no ONNX form here")


# -- the ways back, of targets -------------------------------------------------------------------------------------------------


@form
def unscaled(g, spec, X):
    return _by(g, "Add", _by(g, "Mul", X, spec["times"]), spec["plus"])


@form
def min_max_back(g, spec, X):
    return _by(g, "Div", _by(g, "Sub", X, spec["min"]), spec["scale"])


@form
def power_back(g, spec, X):
    X, parts = draw(g, spec["scaler"], X), []
    for j, exponent in enumerate(map(float, spec["powers"])):
        z = g.take(X, [j]).tensor
        if spec["method"] == "box-cox":
            parts.append(Matrix(g.op("Exp", _lowered(g, z, exponent)), 1))
            continue
        size = g.op("Abs", z)
        below = g.op("Neg", _expm1(g, _lowered(g, size, 2.0 - exponent)))
        parts.append(Matrix(g.op("Where", g.op("Less", z, 0.0), below, _expm1(g, _lowered(g, size, exponent))), 1))
    return g.side_by_side(parts)


def _lowered(g, z, exponent):
    """log(1 + exponent * z) / exponent."""
    if abs(exponent) < np.finfo(np.float64).eps:
        return z
    return g.op("Div", _log1p(g, g.op("Mul", z, exponent)), exponent)
