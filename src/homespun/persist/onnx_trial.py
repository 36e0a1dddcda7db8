"""A graph in ONNX, tried out before it is written: rows, what the model says of them, what ONNX Runtime says, and how far apart.

    a sample of the Project, mixed, with gaps and unknown words; else random rows      |ours - theirs| / max(1, |ours|)

Not handled: what rows the model will meet; `sample` names better ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError
from homespun.persist.graph import Graph

TOLERANCE = 1e-9  # of |ours - theirs| / max(1, |ours|)


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
        found = f"the largest difference is {worst:.3g} ({at})" if np.isfinite(worst) else f"there is another answer ({at})"
        near = any(node.op_type == "Scan" for node in g.nodes)  # of neighbours
        why = ("; of neighbours at the same distance the last bit of a sum chooses, and the graph sums in another order: "
               "repeated rows and few different values make such ties" if near else "")
        raise ModelFileError(
            f"the ONNX graph does not answer as the model does: on {rows} rows {found}, and {tolerance:g} is allowed; no file "
            f"was written{why}",
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
