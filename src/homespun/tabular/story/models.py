"""The scores: the winner's in short, and the leaderboard, computed again where the predictions are kept."""

from __future__ import annotations

import numpy as np

from homespun.report.document import Grid, Picture, Words, literal
from homespun.tabular import pictures
from homespun.tabular.scores import all_scores, bootstrap_intervals
from homespun.tabular.story.book import Book


def short(book: Book) -> list:
    """What somebody reads who reads nothing else."""
    project = book.project
    scores = all_scores(book.kind, book.truth, book.prediction, book.probability)
    spread = bootstrap_intervals(book.kind, book.truth, book.prediction, book.probability)
    rows = []
    for name, value in scores.items():
        low, high = spread.get(name, (None, None))
        key = f"out_of_fold.{name}"
        values = ((key, value), (f"{key}.low", low), (f"{key}.high", high))
        rows.append([name, *(book.fact(place, number, "amount") for place, number in values)])
    words = [Words("Each row was predicted by a model that had not seen it; the scores of all those predictions together, with "
                   "the interval within which chance may have moved them (95 %):"),
             Grid(["score", "value", "from", "to"], rows)]
    if not book.classes:
        off = np.abs(book.prediction - book.truth)
        book.add(**{"off.half": np.median(off), "off.nine": np.quantile(off, 0.9)})
        words.append(Words(f"Half of the predictions of {literal(project.target)} are off by less than {{off.half:amount}}, "
                           "nine of ten by less than {off.nine:amount}."))
    baseline = book.score_of("baseline")
    if baseline is not None:
        book.add(**{"baseline.score": baseline[0]})
        words.append(Words("Without looking at any column (the baseline) the score is {baseline.score:.4f}."))
    return words


def models(book: Book) -> list:
    """The leaderboard, computed again where the predictions are kept."""
    board = book.project.leaderboard
    drawn: list[tuple] = []
    rows = []
    for i, one in board.iterrows():
        again = book.score_of(one["model"])
        score, low, high = again if again is not None else (one["score"], one["low"], one["high"])
        key = f"leaderboard.{i + 1}"
        p = one.get("p_value", np.nan)
        rows.append([str(one["model"]), book.fact(f"{key}.score", score, ".4f"), book.fact(f"{key}.low", low, ".4f"),
                     book.fact(f"{key}.high", high, ".4f"), book.fact(f"{key}.p", None if p != p else p, "p"),
                     book.fact(f"{key}.fit_seconds", one["fit_seconds"], ".3g"),
                     book.fact(f"{key}.predict_seconds", one["predict_seconds"], ".2g")])
        drawn.append((str(one["model"]), score, low, high))
    picture = pictures.intervals(drawn, book.score_name)
    close = [str(one["model"]) for _, one in board.iterrows() if one.get("p_value", 0.0) > 0.05]
    said = [Picture(picture, f"{book.score_name}, mean over {{folds}} test folds, and its 95 % interval (corrected for the "
                             "training rows that folds share: Nadeau & Bengio 2003). p: paired test against the best."),
            Grid(["model", book.score_name, "from", "to", "p", "fit s", "predict s"], rows)]
    said.append(Words("Settings and rounds were chosen on these folds, so the scores are a little too good: `validate` on rows "
                      "that come later says what holds."))
    if close:
        said.append(Words(f"With these folds {literal(', '.join(close))} cannot be told from the best (p above 0.05): if one of "
                          "them is quicker or easier to explain, nothing speaks against it."))
    return said
