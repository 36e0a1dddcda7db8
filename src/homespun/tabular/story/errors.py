"""Where the winner errs: all errors in a picture, and the segments where they are largest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from homespun.report.document import Grid, Picture, Words, literal, show
from homespun.tabular import pictures
from homespun.tabular.story.book import SEGMENT, Book


def errors(book: Book) -> list:
    """The winner's errors: all of them in a picture, and the segments where they are largest."""
    from homespun.metrics import confusion_matrix

    project = book.project
    if not book.classes:
        said: list = [Picture(pictures.against_truth(book.truth, book.prediction, project.target, book.log),
                              "Out-of-fold predictions; a point on the line is right.")]
    else:
        names = [str(label) for label in project.classes]
        matrix = np.asarray(confusion_matrix(book.truth, book.prediction, labels=np.arange(len(names))))
        said = []
        if len(names) == 2 and book.probability is not None:
            curves = _curves(book.truth, book.probability[:, 1])
            said.append(Picture(pictures.two_classes(book.truth, book.probability[:, 1], curves),
                                f"For the class {literal(names[1])}. Calibration: of the rows that were given such a "
                                "probability, how many were of the class."))
        if len(names) <= 12:
            said.append(Picture(pictures.confusion(matrix, names), "Rows are the true classes, columns the predicted ones."))
        rows = []
        for k, name in enumerate(names[:30]):
            key = f"class.{k}"
            right, told, there = matrix[k, k], matrix[:, k].sum(), matrix[k].sum()
            rates = {"precision": (right, told), "recall": (right, there), "f1": (2 * right, told + there)}
            cells = [book.fact(f"{key}.{rate}", over / under if under else None, ".3f") for rate, (over, under) in rates.items()]
            rows.append([name, book.fact(f"{key}.rows", there, ","), *cells])
        said.append(Grid(["class", "rows", "precision", "recall", "F1"], rows))
    worst = _segments(book)
    if worst:
        measure = "share wrong" if book.classes else "median error"
        said += [Words(f"Where it errs most ({measure}, segments of at least {SEGMENT} rows; all rows: {{segment.all:amount}}):"),
                 Grid(["segment", "rows", measure, "times all"], worst, bar=3)]
    return said


def _segments(book: Book) -> list:
    error = (book.prediction != book.truth).astype(float) if book.classes else np.abs(book.prediction - book.truth)
    summary = np.mean if book.classes else np.median
    overall = float(summary(error))
    book.facts["segment.all"] = overall
    found = []
    for name in book.project.features_:
        for label, mask in _parts(book.seen.X[name].iloc[book.tested], name in book.project.roles_["dates"], book.form_of(name)):
            if SEGMENT <= mask.sum() <= 0.9 * len(mask):
                found.append((float(summary(error[mask])), f"{name}: {label}", int(mask.sum())))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [[label, book.fact(f"segment.{i}.rows", rows, ","), book.fact(f"segment.{i}.error", value, "amount"),
             book.fact(f"segment.{i}.times", value / overall if overall else None, ".2f")]
            for i, (value, label, rows) in enumerate(found[:8], start=1) if value > overall]


def _parts(column, is_date: bool, form: str):
    """Segments of a feature: its commonest words, or the quarters of its numbers; and the rows that miss it."""
    missing = column.isna().to_numpy()
    if missing.any():
        yield "missing", missing
    if column.dtype.kind not in "iuf":
        words = column.astype(object)
        for word in words[~missing].astype(str).value_counts().index[:25]:
            yield word[:40], (words.astype(str) == word).to_numpy() & ~missing
        return
    values = column.to_numpy(np.float64)
    known = values[~missing]
    if not len(known):
        return
    edges = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]))
    for low, high in pairwise(edges):
        last = high == edges[-1]
        ends = [str(np.datetime64(int(end), "D")) if is_date else show(float(end), form) for end in (low, high)]
        yield " to ".join(ends), ~missing & (values >= low) & ((values <= high) if last else (values < high))


def _curves(truth: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """ROC, precision and recall, calibration in tenths of the rows; at most 200 points each."""
    order = np.argsort(-probability, kind="stable")
    hit = truth[order] == 1
    last = np.append(np.flatnonzero(np.diff(probability[order])), len(hit) - 1)  # ties are one step
    last = last[np.unique(np.linspace(0, len(last) - 1, min(len(last), 200)).astype(int))]
    true, told = np.cumsum(hit)[last], last + 1
    positives, negatives = max(int(hit.sum()), 1), max(int((~hit).sum()), 1)
    bins = np.array_split(order[::-1], min(10, max(len(order) // 20, 2)))
    return {"true_positive": np.append(0, true / positives), "false_positive": np.append(0, (told - true) / negatives),
            "recall": true / positives, "precision": true / told,
            "said": np.array([probability[rows].mean() for rows in bins]),
            "seen": np.array([(truth[rows] == 1).mean() for rows in bins])}
