"""The front of an exported model: `predict`, `predict_proba`, and ``python model.py data.csv``."""

import base64
import csv
import io
import json
import sys
import zlib

import numpy as np

from homespun.persist.runner.core import as_input, column, run


def unpacked(text, arrays):
    """The model: JSON in which ``{"array": k}`` stands for the k-th array."""
    data = zlib.decompress(base64.b85decode(arrays))
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = [stored[f"a{k}"] for k in range(len(stored.files))]

    def build(node):
        if isinstance(node, list):
            return [build(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if "array" in node:
            return arrays[node["array"]]
        if "objects" in node:
            found = np.empty(len(node["objects"]), dtype=object)
            found[:] = node["objects"]
            return found
        return {key: build(entry) for key, entry in node.items()}

    return build(json.loads(text))


def model():
    """The model as a dictionary, unpacked on first use."""
    if "spec" not in _cache:
        _cache["spec"] = unpacked(MODEL, ARRAYS)
    return _cache["spec"]


_cache: dict = {}
MODEL, ARRAYS = "{}", ""  # an exported file ends with its own


def predict(data):
    """Predictions for rows: a list of dictionaries, a table {column: values}, a dataframe, or an array (n, d)."""
    return values_of(run(model(), as_input(data)))


def values_of(answer):
    """Predictions, or what a transformer made."""
    if isinstance(answer, dict):
        return answer["predict"] if "predict" in answer else np.column_stack(list(answer.values()))
    return answer


def predict_proba(data):
    """Probability of each class, (n, classes)."""
    answer = run(model(), as_input(data))
    if not isinstance(answer, dict) or "predict_proba" not in answer:
        raise AttributeError("this model predicts numbers, not classes")
    return answer["predict_proba"]


def read_csv(path):
    """A table of texts, and of numbers where every value is one. UTF-8, else Windows-1252."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    first = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text), delimiter=max(",;\t|", key=first.count)))
    names, rows = rows[0], [row for row in rows[1:] if row]
    table = {}
    for j, name in enumerate(names):
        values = [row[j] if j < len(row) else "" for row in rows]
        table[name] = values if model()["run"] == "project" else numbers_or_texts(values)
    return {name: column(values) for name, values in table.items()}


def numbers_or_texts(values):
    try:
        return [float(value) if value.strip() else None for value in values]
    except ValueError:
        return [value if value.strip() else None for value in values]


def main(arguments):
    """``python model.py data.csv [-o predictions.csv]``"""
    if len(arguments) not in (1, 3) or (len(arguments) == 3 and arguments[1] != "-o"):
        print(f"usage: python {sys.argv[0]} data.csv [-o predictions.csv]", file=sys.stderr)
        return 2
    try:
        answer = run(model(), read_csv(arguments[0]))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    values = values_of(answer)
    cells = [values] if values.ndim == 1 else list(values.T)
    heads = ["prediction"] if len(cells) == 1 else [f"prediction {j}" for j in range(len(cells))]
    if isinstance(answer, dict) and isinstance(answer.get("predict_proba"), np.ndarray):
        heads += [f"probability_{name}" for name in classes_of(model())]
        cells += list(answer["predict_proba"].T)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(zip(*(one.tolist() for one in cells)))
    if len(arguments) == 1:
        print(text.getvalue(), end="")
    else:
        with open(arguments[2], "w", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
    return 0


def classes_of(spec):
    """The names of the classes, in the order of the probabilities."""
    while "classes" not in spec:
        spec = spec["steps"][-1]
    first = spec["classes"][0]
    return first if isinstance(first, np.ndarray) else spec["classes"]
