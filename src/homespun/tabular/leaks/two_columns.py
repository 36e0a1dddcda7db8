"""Leaks of two columns that together give the target, by arithmetic or as a pair of levels, and neither alone nearly as well."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from homespun.tabular.leaks.columns import Columns
from homespun.tabular.leaks.finding import NOT_KNOWN, Leak, enough_for, measure_of

MOST_PAIRS = 40  # columns whose pairs are tried


def arithmetic(table: Columns, blamed) -> Iterator[Leak]:
    """y = a + b, a - b, a b or a / b, exactly up to rounding."""
    goal = table.goal
    if goal.task != "regression" or len(np.unique(goal.values)) < 0.2 * table.n:
        return
    names = [name for name in table.names if name not in blamed and table.kind(name) == "number" and table.distinct(name) > 10]
    y = goal.values
    some = np.random.default_rng(0).permutation(table.n)[:200]  # most pairs are ruled out by a few rows
    for first, second in combinations(names[:MOST_PAIRS], 2):
        a, b = table.numbers(first), table.numbers(second)
        for sign, work in (("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide)):
            for left, right, x, z in ((first, second, a, b), (second, first, b, a)):
                if _agree(work, x[some], z[some], y[some]) and _agree(work, x, z, y):
                    yield Leak("combination", (first, second), f"{left} {sign} {right} is the target", NOT_KNOWN, True)
                    break


def _agree(work, a, b, y) -> bool:
    with np.errstate(all="ignore"):
        result = work(a, b)
        fit = np.isfinite(result) & np.isfinite(y)
        return fit.sum() >= 20 and fit.mean() > 0.3 and bool(
            (np.abs(result[fit] - y[fit]) <= 1e-5 * np.abs(y[fit]) + 0.006).mean() > 0.95)


def pairs_of_levels(table: Columns, blamed) -> Iterator[Leak]:
    """Two columns of few levels that together give the class, and neither alone nearly as well."""
    goal, enough = table.goal, enough_for(table.goal)
    names = [name for name in table.names if name not in blamed and 2 <= table.distinct(name) <= 30][:MOST_PAIRS]
    alone = {name: goal.power(table.codes(name)) for name in names}
    for first, second in combinations(names, 2):
        if max(alone[first], alone[second]) > enough - 0.1 or table.distinct(first) * table.distinct(second) > table.n // 5:
            continue
        power = goal.power(table.codes(first) * table.distinct(second) + table.codes(second))
        if power >= enough:
            most = max(alone[first], alone[second])
            evidence = f"together they predict the target ({measure_of(goal)} {power:.3f}), alone at most {most:.2f}"
            yield Leak("combination", (first, second), evidence, NOT_KNOWN)
