"""Pipelines, column transformers, wrappers of targets, blends; and a table's model."""

from __future__ import annotations

import numpy as np

from homespun.data.flags import flag_value
from homespun.data.missing import MISSING
from homespun.persist.graph.builder import Answer, Column, Matrix, draw, form, no_form
from homespun.persist.graph.categories import spellings
from homespun.persist.graph.dates import add_ages


@form
def pipeline(g, spec, X):
    for step in spec["steps"]:
        X = draw(g, step, X)
    return X


@form
def passthrough(g, spec, X):
    return X


@form
def column_transformer(g, spec, X):
    """Each part sees its columns; their results stand side by side."""
    if isinstance(X, dict):
        names = spec["names"] or list(X)
        given = [{names[j]: X[names[j]] for j in part["columns"]} for part in spec["parts"]]
    else:
        given = [g.take(X, part["columns"]) for part in spec["parts"]]
    return g.side_by_side([g.matrix(draw(g, part["spec"], one)) for part, one in zip(spec["parts"], given)])


@form
def feature_union(g, spec, X):
    return g.side_by_side([g.matrix(draw(g, part, X)) for part in spec["parts"]])


@form
def chosen(g, spec, X):
    """The columns that stay."""
    if isinstance(X, Matrix):
        return g.take(X, spec["columns"])
    names = list(X)
    return {names[j]: X[names[j]] for j in spec["columns"]}


# -- targets ------------------------------------------------------------------------------------------------------------------


@form
def transformed_target(g, spec, X):
    """Predictions taken back to the scale of the target; averaged over residuals if asked for."""
    said = draw(g, spec["regressor"], X)
    width = said.width or 1
    columns = Matrix(g.op("Reshape", said.predict, np.array([-1, width])), width)
    if spec["residuals"] is None:
        back = g.matrix(draw(g, spec["inverse"], columns)).tensor
    else:
        parts = []
        for residual, weight in zip(spec["residuals"], spec["weights"]):
            moved = Matrix(g.op("Add", columns.tensor, residual), width)
            parts.append(g.op("Mul", g.matrix(draw(g, spec["inverse"], moved)).tensor, float(weight)))
        back = g.op("Div", g.op("Sum", *parts), float(spec["weights"].sum()))
    back = g.flat(back) if said.width is None else back
    return Answer(back if spec["minimum"] is None else g.op("Max", back, float(spec["minimum"])), width=said.width)


@form
def log_target(g, spec, X):
    """Amounts of a regressor on log(1 + y), never below zero."""
    said = draw(g, spec["regressor"], X)
    logs = g.op("Min", said.predict, float(spec["largest"]))
    amounts = g.op("Sub", g.op("Mul", g.op("Exp", logs), float(spec["smearing"])), 1.0)
    return Answer(g.op("Max", amounts, 0.0), width=said.width)


@form
def not_negative(g, spec, X):
    said = draw(g, spec["regressor"], X)
    return Answer(g.op("Max", said.predict, 0.0), width=said.width)


@form
def blend(g, spec, X):
    """The weighted mean of the amounts, or of the probabilities."""
    answers = [draw(g, part, X) for part in spec["parts"]]
    said = [one.predict if spec["classes"] is None else one.shares for one in answers]
    total = g.op("Sum", *(g.op("Mul", one, float(weight)) for one, weight in zip(said, spec["weights"])))
    if spec["classes"] is None:
        return Answer(total, width=answers[0].width)
    labels = np.asarray(spec["classes"])
    return Answer(most_likely(g, labels, total), total, labels)


def most_likely(g, labels, shares) -> str:
    """The label of the largest share; the first of equals."""
    return g.op("Gather", labels, g.op("ArgMax", shares, axis=1, keepdims=0))


# -- a table's model ----------------------------------------------------------------------------------------------------------


@form
def project(g, spec, X):
    """Typed columns as inputs; then the pipeline."""
    typed: dict[str, Column] = {}
    for name, recipe in spec["recipes"].items():
        typed |= typed_inputs(g, name, recipe)
    features = {}
    for name in spec["numbers"]:
        tensor = g.number(typed[name])
        features[name] = Column(name, g.op("Where", g.op("IsInf", tensor), np.nan, tensor), False)
    features |= {name: typed[name] for name in spec["dates"]}
    add_ages(g, spec.get("ages"), features, typed)
    features |= {name: typed[name] for name in spec["words"]}
    if not features:
        raise no_form(spec, "it has no features: it says the same for every row")
    answer = draw(g, spec["model"], features)
    if spec["classes"] is None:
        return answer
    labels = np.array(spec["classes"])
    if len({type(label) for label in spec["classes"]}) > 1:
        labels = np.array([str(label) for label in spec["classes"]])
    return Answer(g.op("Gather", labels, answer.predict), answer.shares, labels)


def typed_inputs(g, name, recipe) -> dict[str, Column]:
    """The columns that a raw one becomes: as inputs."""
    kind = recipe["kind"]
    if kind == "text":
        usual = () if recipe.get("missing_only") else MISSING
        words = {form for word in {*recipe.get("missing", ()), *usual} for form in spellings(word)}
        return {name: Column(name, g.input(name, True), True, tuple(sorted(words - {"", *recipe.get("kept", ())})))}
    if kind == "flag":
        column = Column(name, g.input(name, True), True)
        values = {word: value for word in flag_words(recipe) if (value := flag_value(word, recipe)) is not None}
        g.words[name] |= {recipe["on"], recipe["off"], *recipe["not_stated"]}
        known = list(values)
        codes = g.op("LabelEncoder", column.tensor, domain="ai.onnx.ml", keys_strings=known,
                     values_int64s=list(range(len(known))), default_int64=len(known))
        table = np.array([*values.values(), np.nan])  # any other word: not known
        return {name: Column(name, g.op("Gather", table, codes), False)}
    found = {name: Column(name, g.input(name, False), False)}
    if recipe.get("split"):
        other = f"{name} ({recipe['split']})"
        found[other] = Column(other, g.input(other, False), False)
    return found


def flag_words(recipe) -> list[str]:
    """The words of a flag, in all usual spellings, that have a value."""
    from homespun.data.flags import NOT_STATED

    words = dict.fromkeys([recipe["on"], recipe["off"], *recipe["not_stated"], *sorted(NOT_STATED)])
    return list(dict.fromkeys(form for word in words for form in spellings(word)))
