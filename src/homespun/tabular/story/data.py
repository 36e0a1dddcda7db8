"""What was read and decided, and what is to be distrusted: leaks, columns that say the same, the trainer's notes."""

from __future__ import annotations

from typing import Any

import numpy as np

from homespun.report.document import Callout, Details, Grid, Words, literal
from homespun.tabular.leaks.find import MOST
from homespun.tabular.story.book import Book, some_rows

SOME = 5000  # rows from which the variance inflation is computed


def data(book: Book) -> list:
    """What was read, column by column, and what was decided."""
    frame, project = book.seen.table, book.project
    book.add(**{"table.rows": len(frame), "table.columns": frame.shape[1], "table.features": len(project.features_),
                "table.unused": len(frame) - len(book.seen.frame)})
    features = set(project.features_)
    rows = []
    for name in frame.columns:
        column = frame[name]
        present = column[column.notna()]
        key = f"column.{literal(name)}"
        role = "target" if name == project.target else "feature" if name in features else "left out"
        kind = {"M": "date", "O": "text"}.get(column.dtype.kind, "number" if column.dtype.kind in "iuf" else "text")
        flag = (project.recipes_.get(name) or {}).get("kind") == "flag"
        middle: Any
        low: Any
        high: Any
        if kind == "number" and len(present):
            numbers = present.to_numpy(np.float64)
            told = {"median": np.median(numbers), "least": numbers.min(), "most": numbers.max()}
            middle, low, high = (book.fact(f"{key}.{how}", value, book.form_of(name)) for how, value in told.items())
        elif kind == "date" and len(present):
            middle, low, high = "", str(present.min())[:10], str(present.max())[:10]
        else:
            words = present.astype(str).str.slice(0, 40)
            middle, low, high = (str(words.mode().iloc[0]) if len(words) else ""), "", ""
        rows.append([name, role, "flag" if flag else kind, book.fact(f"{key}.missing", float(column.isna().mean()), ".1%"),
                     book.fact(f"{key}.different", int(present.nunique()), ","), middle, low, high])
    decisions = [[decision.column or "the table", decision.kind, str(decision.value)[:120], decision.evidence]
                 for decision in project.decisions]
    book.add(decisions=len(decisions))
    said = [Words("{table.rows:,} rows and {table.columns} columns were read; {table.features} columns are features."),
            Grid(["column", "role", "kind", "missing", "different", "median or commonest", "least", "most"], rows),
            Details("{decisions} decisions, and why", [Grid(["column", "decision", "value", "evidence"], decisions)])]
    if book.facts["table.unused"]:
        said.insert(1, Words("{table.unused:,} rows were not used: they repeat another row, or have no target."))
    return said


def distrust(book: Book) -> list:
    """Leaks, columns that say the same, and everything that the trainer had to say."""
    from homespun.feature_selection import CollinearityDetector
    from homespun.tabular.leaks import find_leaks

    project, settings = book.project, book.project.record_.get("settings") or {}
    folds_by = {name: settings.get(name) for name in ("time", "group")}
    found = find_leaks(book.seen.frame, project.target, project.task, **folds_by)
    n = len(book.seen.frame)
    book.add(**{"leaks": len(found), "leaks.rows": min(n, MOST), "collinearity.rows": min(n, SOME)})
    said: list = [Callout("bad" if leak.certain else "look", literal(str(leak))) for leak in found]
    if not found:
        said.append(Callout("good", "No column or row was found that knows the target in a way that a new row will not "
                                    "(copies, parts, identifiers, gaps, orders, repeated rows, groups)."))
    if n > MOST:
        said.append(Words("Leaks were searched in {leaks.rows:,} of the {rows:,} rows, drawn by chance; what only a few rows "
                          "betray may be missed."))
    numbers = [name for name in project.roles_["numbers"] if book.seen.X[name].notna().sum() > 30]
    if len(numbers) >= 2 and len(book.seen.X) > len(numbers) + 2:
        X = book.seen.X[numbers]
        X = X.fillna(X.median()).iloc[np.sort(some_rows(len(X), SOME))]
        detector = CollinearityDetector().fit(X)
        rows = [[name, book.fact(f"vif.{literal(name)}", float(value), ",.1f")]
                for name, value in sorted(zip(numbers, detector.vif_), key=lambda one: -one[1]) if value > 5.0]
        if rows:
            part = " Measured on {collinearity.rows:,} rows, drawn by chance." if n > SOME else ""
            said += [Words("These columns are nearly sums of the others (variance inflation above 5). A linear model's weights "
                           f"for them mean little, one by one; its predictions, and trees, do not mind.{part}"),
                     Grid(["column", "variance inflation"], rows)]
        elif n > SOME:
            said.append(Words("No column of numbers is nearly a sum of others (variance inflation above 5), measured on "
                              "{collinearity.rows:,} rows, drawn by chance."))
    said += [Callout("look", literal(note)) for note in project.warnings if not note.startswith("possible leak")]
    low = book.facts["winner.low"]
    if len(book.seen.frame) < 200:
        said.append(Callout("look", "{rows} rows are few: the intervals are wide, and the order of the models may be chance."))
    if low is not None and book.kind in ("regression", "log") and low <= 0.0:
        said.append(Callout("bad", "The interval of the score reaches zero: the model may be no better than the mean."))
    return said
