"""Precision, recall, F1 and support of every class and their averages, as a table.

The rows are counted once, and every line of the table comes from those counts.
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import ParameterError
from homespun.metrics.checks import given_labels
from homespun.metrics.precision import _check_zero_division, averaged
from homespun.metrics.targets import Indicators, class_pair

HEADERS = ("precision", "recall", "f1-score", "support")


def classification_report(y_true, y_pred, *, labels=None, target_names=None, sample_weight=None, digits=2, output_dict=False,
                          zero_division="warn"):
    """Precision, recall, F1 and support of each class and their averages, as text or (`output_dict`) as nested dicts.

    `target_names` are shown in place of the labels; `digits` is the number of decimals of the text.

    >>> print(classification_report([0, 1, 1], [0, 1, 0], target_names=["no", "yes"]))
                  precision    recall  f1-score   support
    <BLANKLINE>
              no       0.50      1.00      0.67         1
             yes       1.00      0.50      0.67         2
    <BLANKLINE>
        accuracy                           0.67         3
       macro avg       0.75      0.75      0.67         3
    weighted avg       0.83      0.67      0.67         3
    <BLANKLINE>
    """
    name = "classification_report"
    _check_zero_division(name, zero_division)
    _, found = class_pair(name, y_true, y_pred, sample_weight)
    several = isinstance(found, Indicators)
    present = np.arange(found.true.shape[1]) if several else found.labels
    classes = present if labels is None else given_labels(name, labels, present)
    target_names = _names(target_names, classes, labels is not None)

    def scored(average):
        return averaged(name, found, classes, 1.0, average, ("precision", "recall", "f-score"), zero_division)

    *scores, support = scored(None)
    table = {title: row for title, *row in zip(target_names, *scores, support)}
    # With every class shown, the micro averages are all the accuracy.
    micro = "accuracy" if not several and np.isin(present, classes).all() else "micro avg"
    headings = {micro: "micro", "macro avg": "macro", "weighted avg": "weighted"}
    if several:
        headings["samples avg"] = "samples"
    averages = {heading: [*scored(average)[:3], support.sum()] for heading, average in headings.items()}
    if output_dict:
        report = {title: dict(zip(HEADERS, map(float, row))) for title, row in (table | averages).items()}
        return report | ({"accuracy": report["accuracy"]["precision"]} if micro == "accuracy" else {})
    return _text(zip(target_names, zip(*scores, support)), averages, target_names, digits)


def _names(target_names, classes, given):
    """The title of each class."""
    if target_names is None:
        return [str(label) for label in classes]
    if len(target_names) != len(classes):
        if given:
            warnings.warn(f"labels size, {len(classes)}, does not match size of target_names, {len(target_names)}", stacklevel=3)
            return target_names
        raise ParameterError(
            f"classification_report: Number of classes, {len(classes)}, does not match size of target_names, "
            f"{len(target_names)}. "
            f"Try specifying the labels parameter; the classes are {classes.tolist()[:10]}", operation="classification_report",
            operands={"target_names": (len(target_names),), "labels": (len(classes),)}, rule="a name for each class")
    return target_names


def _text(rows, averages, target_names, digits):
    """The table, in scikit-learn's columns."""
    width = max(*(len(title) for title in target_names), len("weighted avg"), digits)
    lines = [f"{'':>{width}s}  " + " ".join(f"{header:>9}" for header in HEADERS), ""]
    for title, row in [*rows, ("", None), *averages.items()]:
        if row is None:
            lines.append("")
            continue
        cells = [f"{value:>9.{digits}f}" for value in row[:3]]
        if title == "accuracy" and title in averages and row is averages[title]:
            cells[:2] = [" " * 9] * 2
        lines.append(f"{title:>{width}s}  " + " ".join([*cells, f"{row[3]:>9}"]))
    return "\n".join(lines) + "\n"
