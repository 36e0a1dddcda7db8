"""Rows in, and how the parts of a pipeline are put together."""

import numpy as np

RUN: dict = {}  # name → function of (spec, X)


def part(function):
    """Register a function under its own name."""
    RUN[function.__name__] = function
    return function


def run(spec, X):
    """What the fitted estimator that `spec` describes does with X."""
    return RUN[spec["run"]](spec, X)


def as_input(data):
    """A matrix, or a table {column: array}, of what the caller has: rows as dictionaries, columns, a dataframe, an array."""
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        return {name: column(np.asarray(data[name])) for name in data.columns}
    if isinstance(data, dict):
        return {name: column(values) for name, values in data.items()}
    if isinstance(data, (list, tuple)) and len(data) and isinstance(data[0], dict):
        names = list(dict.fromkeys(name for row in data for name in row))
        return {name: column([row.get(name) for row in data]) for name in names}
    array = np.asarray(data)
    return array if array.dtype.kind in "fiub" else np.asarray(data, dtype=object)


def column(values):
    """One column as an array: numbers (a missing one is NaN) or objects."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufbM":
        return values
    plain = list(values)
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in plain):
        if all(isinstance(value, int) for value in plain):
            return np.array(plain)
        return np.array([np.nan if value is None else value for value in plain], dtype=np.float64)
    array = np.empty(len(plain), dtype=object)
    array[:] = [np.nan if type(value).__name__ in ("NAType", "NaTType") else value for value in plain]
    return array


def columns_of(X):
    """The columns of a table or matrix, as a list of arrays."""
    return list(X.values()) if isinstance(X, dict) else [X[:, j] for j in range(X.shape[1])]


def matrix(X):
    """Numbers (n, d): float32 stays as it is, everything else becomes float64."""
    if isinstance(X, dict):
        kind = np.float32 if X and all(values.dtype == np.float32 for values in X.values()) else np.float64
        return np.column_stack([floats(values, kind) for values in X.values()])
    return X if X.dtype in (np.float32, np.float64) else floats(X, np.float64)


def floats(values, kind):
    """Numbers, None as NaN."""
    if values.dtype.kind == "O":
        values = np.where(is_none(values), np.nan, values)
    return values.astype(kind)


def is_none(values):
    """Where an array of objects holds None."""
    return np.array([value is None for value in values.ravel()], dtype=bool).reshape(values.shape)


def size(X):
    return len(columns_of(X)[0])


@part
def pipeline(spec, X):
    for step in spec["steps"]:
        X = run(step, X)
    return X


@part
def passthrough(spec, X):
    return X


@part
def column_transformer(spec, X):
    """Each part sees its columns; their results stand side by side."""
    if isinstance(X, dict):
        absent = [name for name in spec["names"] or () if name not in X]
        if absent:
            raise ValueError(f"columns are missing: {absent}")
        names = spec["names"] or list(X)
    found = []
    for step in spec["parts"]:
        chosen = {names[j]: X[names[j]] for j in step["columns"]} if isinstance(X, dict) else X[:, step["columns"]]
        found.append(run(step["spec"], chosen))
    blocks = [matrix(one) if isinstance(one, dict) else one for one in found]
    return np.hstack(blocks) if blocks else np.zeros((size(X), 0))


@part
def feature_union(spec, X):
    return np.hstack([matrix(one) if isinstance(one, dict) else one for one in (run(step, X) for step in spec["parts"])])


@part
def function(spec, X):
    """One of NumPy's elementwise functions."""
    return getattr(np, spec["name"])(matrix(X))


@part
def log_target(spec, X):
    """Amounts of a regressor on log(1 + y), never below zero."""
    logs = np.minimum(run(spec["regressor"], X)["predict"], spec["largest"])
    return {"predict": np.maximum(np.exp(logs) * spec["smearing"] - 1.0, 0.0)}


@part
def not_negative(spec, X):
    return {"predict": np.maximum(run(spec["regressor"], X)["predict"], 0.0)}


@part
def blend(spec, X):
    """The weighted mean of the amounts, or of the probabilities."""
    name = "predict" if spec["classes"] is None else "predict_proba"
    total = np.zeros(())
    for one, weight in zip(spec["parts"], spec["weights"]):
        total = total + weight * run(one, X)[name]
    return {"predict": total} if spec["classes"] is None else {
        "predict": np.asarray(spec["classes"])[total.argmax(axis=1)], "predict_proba": total}
