"""Nearest neighbours by the definition: one query after the other, all its distances, the k smallest."""

from __future__ import annotations

import numpy as np

from homespun.persist.graph.builder import Answer, form, no_form
from homespun.persist.graph.plumbing import most_likely


@form
def neighbors(g, spec, X):
    X = g.matrix(X)
    rows, queries = np.asarray(spec["X"]), X.tensor
    if rows.dtype == np.float32:
        queries = g.double(g.op("Cast", queries, to=1))
    rows = rows.astype(np.float64)
    if spec["cosine"]:
        lengths = np.linalg.norm(rows, axis=1)
        rows = rows / np.where(lengths == 0, 1, lengths)[:, None]
        sizes = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", queries, queries), np.array([1])))
        queries = g.op("Div", queries, g.op("Where", g.op("Equal", sizes, 0.0), 1.0, sizes))
    distances, places = g.ops("Scan", queries, outputs=2, body=_one_query(g, rows, spec), num_scan_inputs=1)
    if spec["cosine"]:
        distances = g.op("Div", g.op("Mul", distances, distances), 2.0)
    return _answer(g, spec, distances, places)


def _one_query(g, rows, spec):
    """The graph for one query (d,): distances and places of its k nearest, (k,); equal distances by row number."""
    from onnx import TensorProto, helper

    nodes: list = []
    name = f"homespun/{len(g.nodes)}/query"

    def op(kind, *inputs, outputs=1, **attributes):
        names = [f"{name}/{len(nodes)}/{i}" for i in range(outputs)]
        given = [one if isinstance(one, str) else g.constant(one) for one in inputs]
        nodes.append(helper.make_node(kind, given, names, **attributes))
        return names[0] if outputs == 1 else names

    gaps = op("Abs", op("Sub", rows, name))
    power = spec["power"]
    if power == np.inf:
        far = op("ReduceMax", gaps, np.array([1]), keepdims=0)
    elif power == 2.0:
        far = op("Sqrt", op("ReduceSum", op("Mul", gaps, gaps), np.array([1]), keepdims=0))
    else:
        far = op("Pow", op("ReduceSum", op("Pow", gaps, float(power)), np.array([1]), keepdims=0), 1.0 / float(power))
    near, places = op("TopK", far, np.array([spec["k"]]), outputs=2, largest=0, sorted=1)
    given = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [rows.shape[1]])]
    answers = [helper.make_tensor_value_info(near, TensorProto.DOUBLE, [spec["k"]]),
               helper.make_tensor_value_info(places, TensorProto.INT64, [spec["k"]])]
    return helper.make_graph(nodes, name, given, answers)


def _answer(g, spec, distances, places) -> Answer:
    y = np.asarray(spec["y"])
    if spec["by_distance"]:  # 1 / distance; a distance of zero takes all
        zero = g.op("Equal", distances, 0.0)
        some = g.op("Greater", g.op("ReduceMax", g.double(zero), np.array([1])), 0.0)
        weights = g.op("Where", some, g.double(zero), g.op("Reciprocal", g.op("Where", zero, 1.0, distances)))
    else:
        weights = g.op("Add", g.op("Mul", distances, 0.0), 1.0)
    if "classes" not in spec:
        targets = g.op("Gather", y.astype(np.float64), places)
        if y.ndim == 2:
            weights = g.op("Unsqueeze", weights, np.array([2]))
        total = g.op("ReduceSum", g.op("Mul", targets, weights), np.array([1]), keepdims=0)
        means = g.op("Div", total, g.op("ReduceSum", weights, np.array([1]), keepdims=0))
        return Answer(means, width=y.shape[1] if y.ndim == 2 else None)
    if len(spec["classes"]) > 1:
        raise no_form(spec, "several outputs with classes of their own are not handled")
    labels = np.asarray(spec["classes"][0])
    marks = g.op("Gather", np.eye(len(labels)), g.op("Gather", y[:, 0].astype(np.int64), places))  # (n, k, classes)
    votes = g.op("ReduceSum", g.op("Mul", marks, g.op("Unsqueeze", weights, np.array([2]))), np.array([1]), keepdims=0)
    total = g.op("ReduceSum", votes, np.array([1]))
    shares = g.op("Div", votes, g.op("Where", g.op("Equal", total, 0.0), 1.0, total))
    return Answer(most_likely(g, labels, votes), shares, labels)
