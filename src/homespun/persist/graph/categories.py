"""Categories: each value finds its place among the known ones, and there a row of a table."""

from __future__ import annotations

import re

import numpy as np

from homespun.persist.graph.builder import Column, Matrix, form, no_form


def spellings(word: str) -> list[str]:
    """A word as it is, in small letters, in capitals, with a capital, and as NotAvailable."""
    joined = "".join(part.capitalize() for part in re.split(r"[ _-]+", word))
    return list(dict.fromkeys([word, word.lower(), word.upper(), word.title(), word.capitalize(), joined or word]))


def is_missing(value) -> bool:
    return value is None or value != value


def codes(g, column: Column, known, strict: bool) -> str:
    """The place of each value among the known ones, (n,); that of any other is their number. A missing text is ""."""
    values = known.tolist() if isinstance(known, np.ndarray) else list(known)
    there = [value for value in values if not is_missing(value)]
    texts = sum(isinstance(value, str) for value in there)
    if texts and texts < len(there):
        raise no_form(g.where[-1], f"the categories of the column {column.name!r} are both texts and numbers")
    if texts or (column.text and not there):
        column = g.text(column)
        place = {value: code for code, value in enumerate(values) if not is_missing(value)}
        g.words.setdefault(column.name, set()).update(place)
        g.strict |= strict
        for code, value in enumerate(values):
            if is_missing(value):
                place = {word: code for word in column.gone if word not in place} | {"": code} | place
        # without a known place a missing text is an unknown one, whatever word says it
        found = g.op("LabelEncoder", column.tensor, domain="ai.onnx.ml", keys_strings=list(place),
                     values_int64s=list(place.values()), default_int64=len(values)) if place else None
        if found is None:
            return g.op("Expand", np.array([len(values)]), g.op("Shape", column.tensor, start=0, end=1))
        return g.flat(found)
    x = g.number(column)
    g.strict |= strict
    g.values[column.name] = [float(value) for value in there]
    equal = g.op("Equal", x, np.array([[np.nan if is_missing(value) else float(value) for value in values]]))
    gaps = [is_missing(value) for value in values]
    if any(gaps):
        equal = g.op("Or", equal, g.op("And", g.op("IsNaN", x), np.array([gaps])))
    marks = g.op("Concat", g.double(equal), g.op("Add", g.op("Mul", g.double(g.op("IsNaN", x)), 0.0), 1.0), axis=1)
    return g.op("ArgMax", marks, axis=1, keepdims=0)  # the first that is equal; the last column is 1 for all


def looked_up(g, spec, X, tables, unknown) -> Matrix:
    """Rows of the tables (k, w) side by side. `unknown`: the row (w,) of each table for other values, None: an error.

    ONNX has no error of a graph's own: the place is then outside of the table, which every runtime refuses.
    """
    parts = []
    for column, known, table, other in zip(g.columns(X), spec["categories"], tables, unknown):
        table = np.asarray(table, dtype=np.float64)
        if table.shape[1] == 0:
            if other is None:
                raise no_form(spec, f"the column {column.name!r} gives no number but may be refused")
            continue
        found = codes(g, column, known, strict=other is None)
        rows = table if other is None else np.vstack([table, other])
        parts.append(Matrix(g.op("Gather", rows, found), table.shape[1]))
    if not parts:
        raise no_form(spec, "no column is left of it")
    return g.side_by_side(parts)


@form
def one_hot(g, spec, X):
    """A 1 in the column of the row's category; none where the category has no column."""
    tables, others, offset = [], [], 0
    for j, places in enumerate(spec["tables"]):
        other = None if spec["unknown"] == "error" else spec["unknown"][j]
        end = max([offset - 1, *(int(place) for place in places), -1 if other is None else other]) + 1
        marks = np.zeros((len(places) + 1, end - offset))
        for row, place in enumerate([*places, -1 if other is None else other]):
            if place >= 0:
                marks[row, int(place) - offset] = 1.0
        tables.append(marks[:-1])
        others.append(None if other is None else marks[-1])
        offset = end
    return looked_up(g, spec, X, tables, others)


@form
def ordinal(g, spec, X):
    unknown = None if spec["unknown"] == "error" else np.array([spec["unknown"]], dtype=np.float64)
    return looked_up(g, spec, X, [table[:, None] for table in spec["tables"]], [unknown] * len(spec["tables"]))


@form
def target_means(g, spec, X):
    """The mean target of each row's category."""
    return looked_up(g, spec, X, spec["tables"], [spec["unknown"]] * len(spec["tables"]))


@form
def rare_levels(g, spec, X):
    """Levels that were rare, and new ones, under the name of the others; missing ones under theirs, or as they are."""
    found = {}
    for column, kept, other, missing in zip(g.columns(X), spec["kept"], spec["other"], spec["missing"]):
        if kept is None:
            found[column.name] = column
            continue
        if spec["strict"]:
            raise no_form(spec, "handle_unknown='error' has no ONNX form here: it must see the words")
        column = g.text(column)
        words = [word for word in kept.tolist() if not is_missing(word)]
        g.words.setdefault(column.name, set()).update(words)
        gone = ["", *(word for word in column.gone if word not in words)]
        named = g.op("LabelEncoder", column.tensor, domain="ai.onnx.ml", keys_strings=[*gone, *words],
                     values_strings=[missing or "" for _ in gone] + words, default_string=other or "")
        found[column.name] = Column(column.name, named, True)
    return found
