"""What the winner depends on: permutation importance on rows that it has not seen, and partial dependence.

Breiman 2001, "Random forests" (Machine Learning 45, section 10); Friedman 2001 (Annals of Statistics 29(5), section 8.2).
"""

from __future__ import annotations

import numpy as np

from homespun.report.document import Grid, Picture, Words
from homespun.tabular import pictures
from homespun.tabular.scores import score_fold
from homespun.tabular.story.book import Book, some_rows

SAMPLE = 2000  # rows that importance and dependence look at
TRAIN = 50_000  # rows that the model of the importance is fitted on, at most
REPEATS = 3  # permutations of each feature
MANY = 60  # features; of more, those that lose most when all are shuffled once, in few rows, are looked at
SCREENED, KEPT = 500, 30  # the rows of that look, and how many features stay


def dependence(book: Book) -> list:
    """Permutation importance on rows that the model has not seen, and partial dependence of the strongest features."""
    from sklearn.base import clone

    fold = book.folds[-1]
    train = np.flatnonzero(book.seen.fold < len(book.folds) - 1) if book.ordered else np.flatnonzero(
        book.seen.fold != len(book.folds) - 1)
    train, test = train[np.sort(some_rows(len(train), TRAIN))], fold[np.sort(some_rows(len(fold), SAMPLE))]
    model = clone(book.project.model).fit(book.seen.X.iloc[train], book.seen.truth[train])
    X, y = book.seen.X.iloc[test].reset_index(drop=True), book.seen.truth[test]
    whole = _loss(book, model, X, y)
    names = list(book.project.features_)
    if len(names) > MANY:
        once = _lost(book, model, X.iloc[:SCREENED], y[:SCREENED], names, repeats=1)
        names = [name for name in names if name in sorted(once, key=lambda name: (-once[name], name))[:KEPT]]
    lost = _lost(book, model, X, y, names, repeats=REPEATS)
    order = sorted(lost, key=lambda name: (-lost[name], name))
    rows = [[name, book.fact(f"importance.{i}", lost[name], ".4f")] for i, name in enumerate(order[:15], start=1)]
    book.add(**{"importance.whole": whole, "importance.rows": len(test), "importance.trained": len(train)})
    top = [name for name in order[:4] if lost[name] > 0]
    said = [Words(f"How much of the {book.score_name} ({{importance.whole:.3f}} on {{importance.rows:,}} rows that it has not "
                  "seen) is lost when a column is shuffled. Columns that say the same share their importance: each alone looks "
                  "unimportant. The model of these numbers was fitted on {importance.trained:,} rows of the other folds."
                  + _looked(book, len(X))),
            Grid(["column", "lost"], rows, bar=1)]
    if top:
        label = f"P({book.project.classes[-1]})" if book.classes else book.project.target
        curves = [(name, *_curve(book, model, X.iloc[:500], name)) for name in top]
        said.append(Picture(pictures.dependence(curves, str(label)[:30]),
                            "The mean prediction when only this column is changed, in every row, to the value below: what the "
                            "model does, which need not be what the world does."))
    return said


def _looked(book: Book, rows: int) -> str:
    """What was not looked at, and why; nothing if all was."""
    if len(book.project.features_) <= MANY:
        return ""
    book.add(**{"importance.features": len(book.project.features_), "importance.kept": KEPT,
                "importance.screened": min(rows, SCREENED)})
    return (" Of {importance.features:,} columns, the {importance.kept} were measured that lost most when each was shuffled "
            "once in {importance.screened} rows.")


def _lost(book: Book, model, X, y, names, *, repeats: int) -> dict[str, float]:
    """How much worse the score is when a column is shuffled, mean over `repeats`."""
    rng = np.random.default_rng(0)
    whole = _loss(book, model, X, y)
    lost = {}
    for name in names:
        worse = []
        for _ in range(repeats):
            moved = X.copy(deep=False)
            moved[name] = X[name].to_numpy()[rng.permutation(len(X))]
            worse.append(whole - _loss(book, model, moved, y))
        lost[name] = float(np.mean(worse))
    return lost


def _loss(book: Book, model, X, y) -> float:
    if book.kind == "binary" and hasattr(model, "predict_proba"):
        return score_fold(book.kind, y, model.predict_proba(X)[:, 1])
    return score_fold(book.kind, y, model.predict(X))


def _curve(book: Book, model, X, name) -> tuple[list, list[float]]:
    column = X[name]
    if column.dtype.kind in "iuf":
        present = column.to_numpy(np.float64)
        present = present[np.isfinite(present)]
        places: list = np.unique(np.quantile(present, np.linspace(0.02, 0.98, 16))).tolist() if len(present) else []
        shown = [str(np.datetime64(int(place), "D")) for place in places] if name in book.project.roles_["dates"] else places
        if name in book.project.roles_["dates"]:
            shown = [int(text[:4]) + (int(text[5:7]) - 1) / 12 for text in shown]
    else:
        places = column.dropna().astype(str).value_counts().index[:10].tolist()
        shown = places
    said = []
    for place in places:
        moved = X.copy()
        moved[name] = place
        said.append(float(np.mean(model.predict_proba(moved)[:, -1] if book.classes and hasattr(model, "predict_proba")
                                  else model.predict(moved))))
    return shown, said
