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
    rng = np.random.default_rng(0)
    lost = {}
    for name in book.project.features_:
        worse = []
        for _ in range(REPEATS):
            moved = X.copy()
            moved[name] = X[name].to_numpy()[rng.permutation(len(X))]
            worse.append(whole - _loss(book, model, moved, y))
        lost[name] = float(np.mean(worse))
    order = sorted(lost, key=lambda name: (-lost[name], name))
    rows = [[name, book.fact(f"importance.{i}", lost[name], ".4f")] for i, name in enumerate(order[:15], start=1)]
    book.add(**{"importance.whole": whole, "importance.rows": len(test)})
    top = [name for name in order[:4] if lost[name] > 0]
    said = [Words(f"How much of the {book.score_name} ({{importance.whole:.3f}} on {{importance.rows:,}} rows that it has not "
                  "seen) is lost when a column is shuffled. Columns that say the same share their importance: each alone looks "
                  "unimportant."),
            Grid(["column", "lost"], rows, bar=1)]
    if top:
        label = f"P({book.project.classes[-1]})" if book.classes else book.project.target
        curves = [(name, *_curve(book, model, X.iloc[:500], name)) for name in top]
        said.append(Picture(pictures.dependence(curves, str(label)[:30]),
                            "The mean prediction when only this column is changed, in every row, to the value below: what the "
                            "model does, which need not be what the world does."))
    return said


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
