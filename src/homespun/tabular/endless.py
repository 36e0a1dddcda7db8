"""Infinity in a column of numbers: where the training file spells it, it is missing, then and in every later table.

A file that says "inf" in training may say "-Infinity" in March: all spellings become words that say nothing, and so do the
infinite numbers of a dataframe. A column that never held any refuses all of them, in training (a dataframe) as in prediction.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homespun.data.table import Decision, Table

WORDS = tuple(sign + word for sign in ("", "-", "+") for word in ("inf", "Inf", "INF", "infinity", "Infinity", "INFINITY", "∞"))


def learn_endless(table: Table) -> Table:
    """The table with every spelling of infinity among the missing words of those columns that hold one, and a decision."""
    recipes, said = {}, []
    for name, recipe in table.recipes.items():
        words = recipe.get("words") or []
        if recipe["kind"] == "number" and set(words) & set(WORDS):
            recipe = {**recipe, "words": list(dict.fromkeys([*words, *WORDS]))}
            said.append(Decision(name, "infinite values", "taken as missing", "in fresh data, too, however they are written"))
        recipes[name] = recipe
    return replace(table, recipes=recipes, decisions=[*table.decisions, *said]) if said else table


def without_endless(data, recipes):
    """A pandas dataframe without infinite numbers in such columns; anything else as it is."""
    columns = getattr(data, "columns", None)
    if columns is None or not hasattr(data, "iloc"):
        return data
    for name, recipe in recipes.items():
        if name in columns and set(recipe.get("words") or ()) >= set(WORDS) and data[name].dtype.kind == "f":
            values = data[name].to_numpy()
            if np.isinf(values).any():
                data = data.assign(**{name: np.where(np.isinf(values), np.nan, values)})
    return data
