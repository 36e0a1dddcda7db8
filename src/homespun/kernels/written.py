"""Which arguments a kernel writes into, from its source: such an argument may not be a read-only array.

An argument is written where it, or a part of it under another name (``row = L[i]``), stands left of an assignment with an
index, or goes to a kernel that writes it. Cost: one parse a kernel, only when a read-only array comes for the first time.
Not handled: ``row += 1`` for a whole array, what intrinsics write, and names that a branch gives another meaning (the one
that comes last counts).
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any


@functools.cache
def written(py_func) -> frozenset[int]:
    """Positions of the arguments that `py_func` writes into; none where there is no source to read.

    >>> from homespun.linear_model.logistic.cholesky import factor_rows
    >>> sorted(written(factor_rows.py_func))  # of (M, L)
    [1]
    """
    try:
        function = ast.parse(textwrap.dedent(inspect.getsource(py_func))).body[0]
    except (OSError, SyntaxError):
        return frozenset()
    if not isinstance(function, ast.FunctionDef):
        return frozenset()
    visitor = _Writes([argument.arg for argument in function.args.args], py_func.__globals__)
    for statement in function.body:
        visitor.visit(statement)
    return frozenset(visitor.found)


class _Writes(ast.NodeVisitor):
    def __init__(self, names, surroundings):
        self.place = {name: i for i, name in enumerate(names)}  # name → number of the argument that it is (part of)
        self.surroundings = surroundings
        self.found: set[int] = set()

    def _argument(self, node):
        while isinstance(node, ast.Subscript):
            node = node.value
        return self.place.get(node.id) if isinstance(node, ast.Name) else None

    def _assign(self, target, value):
        if isinstance(target, ast.Tuple):
            paired = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
            sources = [self._argument(one) for one in value.elts] if paired else [None] * len(target.elts)
            for one, source in zip(target.elts, sources):  # all were read before the first is given
                self._give(one, source)
        else:
            self._give(target, self._argument(value))

    def _give(self, target, source):
        if isinstance(target, ast.Subscript):
            argument = self._argument(target)
            if argument is not None:
                self.found.add(argument)
        elif isinstance(target, ast.Name):
            self.place.pop(target.id, None)
            if source is not None:
                self.place[target.id] = source

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.target, ast.Subscript):
            self._give(node.target, None)

    def visit_For(self, node):
        self._assign(node.target, node.iter if isinstance(node.iter, ast.Name) else None)  # ``for row in X``
        self.generic_visit(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        callee: Any = self.surroundings.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if hasattr(callee, "signatures_pinned"):
            inside = written(callee.py_func)
            self.found.update(argument for i, one in enumerate(node.args)
                              if i in inside and (argument := self._argument(one)) is not None)
