"""The parts of an exported model as nodes of ONNX: the same specs as `persist/runner`, drawn instead of run.

A form is a function ``(graph, spec, X)`` under the name of the spec's "run". X is a `Matrix`, or a table {column: `Column`};
transformers give one of these, models an `Answer`. All numbers are double, so that what runs the graph and what
`homespun predict` says agree to rounding. Operators: opset 21, ai.onnx.ml 5 (trees in double): ONNX Runtime 1.20 or later.
"""

from homespun.persist.graph import categories, dates, gaps, models, neighbors, numbers, plumbing, trees
from homespun.persist.graph.builder import Answer, Column, Graph, Matrix, draw

__all__ = ["Answer", "Column", "Graph", "Matrix", "categories", "dates", "draw", "gaps", "models", "neighbors", "numbers",
           "plumbing", "trees"]
