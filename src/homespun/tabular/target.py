"""The target: which task it makes, its values cleaned, its classes named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data.table import Decision

YES = ("yes", "true", "1", "on", "y", "t", "ja", "positive", "present", "spam", "bad", "churn", "churned", "default")


@dataclass
class Target:
    """What `clean_target` found."""

    name: str
    task: str  # "regression" or "classification"
    values: np.ndarray  # float64, or codes 0 … k-1
    rows: np.ndarray  # indices of the rows that have a target
    classes: list | None = None  # labels by code; the positive class of two is the last
    log: bool = False  # scored on the log scale: a few rows would decide every score of the amounts
    skewed: bool = False  # amounts of all sizes: models are tried on log(1 + y), too
    not_negative: bool = False  # predictions are cut at zero
    decisions: list[Decision] = field(default_factory=list)


def clean_target(table, name: str, task: str, positive: Any) -> Target:
    """Find the target of `table`, infer the task, and drop the rows without a value.

    Raises
    ------
    DataError, ParameterError
        No such column, no value at all, one row, one value, text for a regression, …
    """
    frame, recipe = table.frame, table.recipes.get(name)
    if name not in frame.columns:
        hint = did_you_mean(name, frame.columns)
        bare = all(re.fullmatch(r"column\d+", str(column)) for column in frame.columns)
        raise DataError(
            f"fit: there is no column {name!r} for the target"
            + (f"; {hint}" if hint else f"; the columns are {_named(list(frame.columns))}")
            + ("; the file has no header that was understood, so they are numbered from 0: homespun inspect shows what each holds"
               if bare else ""),
            operation="fit",
            operands={"target": name},
            rule="a column of the table",
            suggestion=hint,
        )
    column = frame[name]
    present = column.notna().to_numpy()
    endless = np.isinf(column.to_numpy()) if column.dtype.kind == "f" else np.zeros(len(column), dtype=bool)
    present = present & ~endless
    if not present.any():
        raise DataError(
            f"fit: the target {name!r} has no value in any of {len(column)} rows",
            operation="fit",
            operands={"target": name, "rows": len(column)},
            rule="at least two different values",
        )
    rows = np.flatnonzero(present)
    decisions = []
    if len(rows) < len(column):
        decisions.append(
            Decision(
                name,
                "rows left out",
                len(column) - len(rows),
                f"the target is missing in {len(column) - len(rows)} of {len(column)} rows"
                + (f", counting {int(endless.sum())} where it is infinite" if endless.any() else ""),
            )
        )
    values = column.to_numpy()[rows]
    if values.dtype.kind == "M":
        raise DataError(
            f"fit: the target {name!r} is a date; a number or classes are needed",
            operation="fit",
            operands={"target": name},
            rule="numbers, or classes",
        )
    if len(rows) < 2:
        raise DataError(
            f"fit: {len(rows)} row with a target {name!r} is too few to learn from",
            operation="fit",
            operands={"rows": len(rows)},
            rule="at least 4 rows",
        )
    numeric = values.dtype.kind in "iuf" and recipe["kind"] == "number"
    distinct = len(np.unique(values)) if values.dtype.kind in "iuf" else len(set(values.tolist()))
    if distinct < 2:
        shown = values[0].item() if hasattr(values[0], "item") else values[0]
        raise DataError(
            f"fit: the target {name!r} is {shown!r} in every row: there is nothing to learn",
            operation="fit",
            operands={"target": name, "value": shown},
            rule="at least two different values",
        )
    if len(rows) < 4:
        raise DataError(
            f"fit: {len(rows)} rows with a target {name!r} are too few to learn from and to test on",
            operation="fit",
            operands={"rows": len(rows)},
            rule="at least 4 rows",
        )
    if task == "auto":
        task, why = _infer(values, distinct, numeric, recipe)
        decisions.append(Decision(name, "task", task, why))
    if task == "regression":
        if not numeric and recipe["kind"] != "flag":
            example = next(iter(values.tolist()))
            raise DataError(
                f"fit: the target {name!r} is text, such as {example!r}, and task='regression' needs numbers",
                operation="fit",
                operands={"target": name, "value": example, "task": task},
                rule="numbers",
                suggestion="task='classification'",
            )
        if positive is not None and not isinstance(positive, bool):
            raise ParameterError(
                f"fit: positive={positive!r} names a class, but the task is regression",
                operation="fit",
                operands={"positive": positive},
                rule="True (never predict below 0), False or None for a regression",
            )
        target = Target(name, task, values.astype(np.float64), rows, decisions=decisions)
        _choose_scale(target, positive, bool(recipe.get("unit") or recipe.get("currency")))
        return target
    return _classes(Target(name, task, values, rows, decisions=decisions), recipe, positive, distinct)


def _named(columns: list, most: int = 30, longest: int = 60) -> str:
    """Columns for an error's text: a file that is no table may have names as long as a page."""
    short = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in map(str, columns[:most])]
    return ", ".join(map(repr, short)) + (f" and {len(columns) - most} more" if len(columns) > most else "")


def _infer(values, distinct, numeric, recipe):
    if not numeric:
        return "classification", f"{distinct} different words"
    if recipe["unit"] or recipe["currency"]:
        return "regression", f"an amount in {recipe['unit'] or recipe['currency']}"
    whole = bool((values == np.rint(values)).all())
    if distinct == 2 or (whole and distinct <= 10 and len(values) >= 20 * distinct):
        return "classification", f"{distinct} different numbers; task='regression' treats them as amounts"
    return "regression", f"{distinct} different numbers"


def _choose_scale(target: Target, positive: bool | None, amount: bool) -> None:
    """What skewed amounts (prices, counts, incomes) need: the log scale tried, or asked for; no prediction below zero."""
    y, name = target.values, target.name
    if positive and y.min() < 0:
        raise DataError(
            f"fit: positive=True, but the target {name!r} is negative in {int((y < 0).sum())} rows, such as {y.min():g}",
            operation="fit",
            operands={"positive": True, "target": name, "value": float(y.min())},
            rule="a target >= 0",
            suggestion="positive=None",
        )
    plain, log = (_skewness(y), _skewness(np.log1p(y))) if y.min() >= 0 else (0.0, 0.0)
    target.skewed = y.min() >= 0 and len(y) >= 30 and plain > 1.0 and abs(log) < 0.75 * plain
    target.not_negative = bool(positive) or (positive is None and y.min() >= 0 and (amount or target.skewed))
    if target.not_negative:
        why = "as asked" if positive else f"no value in {len(y)} rows is, and it is an amount"
        target.decisions.append(Decision(name, "predictions", "never below 0", why))
    if not target.skewed:
        return
    squares = (y - y.mean()) ** 2
    largest = float(squares.max() / squares.sum())
    if largest > 0.1:
        target.log = True
        target.decisions.append(
            Decision(
                name,
                "scale",
                "log",
                f"skewed ({plain:.1f}, on the log scale {log:.1f}), and {y.max():g} alone makes {largest:.0%} of all squared "
                "deviations: it would decide every score; models are fitted and scored on log(1 + target), predictions come "
                "back as amounts (medians)",
            )
        )
        return
    target.decisions.append(
        Decision(
            name,
            "scale",
            "tried on the log, too",
            f"not negative and skewed: {plain:.1f}, on the log scale {log:.1f}; scores are those of the amounts, and "
            "predictions that come from the log scale are brought back to means (Duan's smearing)",
        )
    )


def _skewness(y):
    centred = y - y.mean()
    spread = centred.std()
    return float(((centred / spread) ** 3).mean()) if spread > 0 else 0.0


def labels_of(values, recipe) -> list:
    """Class labels as the file has them: a flag's words, whole numbers, text."""
    if recipe["kind"] == "flag":
        words = {
            1.0: recipe["on"],
            -1.0: recipe["off"],
            0.0: recipe["not_stated"][0] if recipe["not_stated"] else recipe["off"],
        }
        return [words[float(value)] for value in values]
    if values.dtype.kind in "iuf":
        return [int(value) if value == np.rint(value) else float(value) for value in values.tolist()]
    return [str(value) for value in values]


def _classes(target: Target, recipe, positive, distinct) -> Target:
    values, name = target.values, target.name
    labels = labels_of(values, recipe)
    counts: dict = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    if distinct > max(20, len(labels) // 5) or (distinct > 1000):
        raise DataError(
            f"fit: the target {name!r} has {distinct} classes in {len(labels)} rows: too many to tell apart",
            operation="fit",
            operands={"target": name, "classes": distinct},
            rule="several rows of each class",
            suggestion="task='regression'" if values.dtype.kind in "iuf" else None,
        )
    rare = {label for label, count in counts.items() if count < 2}
    if rare:
        shown = ", ".join(repr(label) for label in sorted(rare, key=str)[:5])
        if len(counts) - len(rare) < 2:
            raise DataError(
                f"fit: only one class of {name!r} has two rows or more; {shown} occur once",
                operation="fit",
                operands={"target": name, "classes": len(counts)},
                rule="two classes of two rows each",
            )
        keep = np.array([label not in rare for label in labels])
        target.decisions.append(
            Decision(name, "rows left out", int((~keep).sum()), f"classes with one row cannot be tested: {shown}")
        )
        labels = [label for label, kept in zip(labels, keep) if kept]
        target.rows = target.rows[keep]
        counts = {label: count for label, count in counts.items() if label not in rare}
    classes = sorted(counts, key=lambda label: (isinstance(label, str), label))
    if positive is not None:
        match = next((label for label in classes if str(label) == str(positive)), None)
        if match is None and positive is True:
            raise ParameterError(
                f"fit: positive=True keeps amounts from falling below 0, but {name!r} has classes; name the one that is looked "
                f"for: {', '.join(map(repr, classes[:10]))}",
                operation="fit", operands={"positive": True}, rule="one of the classes",
            )
        if match is None:
            hint = did_you_mean(str(positive), [str(label) for label in classes])
            raise ParameterError(
                f"fit: positive={positive!r} is no class of {name!r}; the classes are "
                f"{', '.join(map(repr, classes[:10]))}" + (f"; {hint}" if hint else ""),
                operation="fit",
                operands={"positive": positive},
                rule=f"one of {classes[:10]}",
                suggestion=hint,
            )
        if len(classes) != 2:
            raise ParameterError(
                f"fit: positive={positive!r} needs two classes, {name!r} has {len(classes)}",
                operation="fit",
                operands={"positive": positive, "classes": len(classes)},
                rule="two classes",
            )
    elif len(classes) == 2:
        match = next((label for label in classes if str(label).lower() in YES), None)
        if match is None:
            match = min(classes, key=lambda label: (counts[label], -classes.index(label)))
        target.decisions.append(
            Decision(
                name,
                "positive class",
                match,
                "its name" if str(match).lower() in YES else "the rarer of two; positive=… to change",
            )
        )
    if len(classes) == 2:
        classes = [label for label in classes if label != match] + [match]
    code = {label: i for i, label in enumerate(classes)}
    target.classes = classes
    target.values = np.array([code[label] for label in labels], dtype=np.int64)
    return target
