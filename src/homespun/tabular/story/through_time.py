"""The score of each eighth of the time that the table spans, where it has dates."""

from __future__ import annotations

import numpy as np

from homespun.report.document import Grid, Picture, literal
from homespun.tabular import pictures
from homespun.tabular.scores import score_fold
from homespun.tabular.story.book import SEGMENT, Book


def through_time(book: Book) -> list:
    """The score of each quarter of the time that the table spans, where it has dates."""
    order = (book.project.record_.get("settings") or {}).get("time")
    dates = [order] if order else [name for name in book.seen.frame.columns if book.seen.frame[name].dtype.kind == "M"]
    if not dates or book.seen.frame[dates[0]].dtype.kind not in "Miuf":
        return []
    column = book.seen.frame[dates[0]].to_numpy()[book.tested]
    number = column.astype("datetime64[us]").astype(np.float64) if column.dtype.kind == "M" else column.astype(np.float64)
    there = ~(np.isnat(column) if column.dtype.kind == "M" else np.isnan(number))
    if there.sum() < 8 * SEGMENT:
        return []
    edges = np.quantile(number[there], np.linspace(0, 1, 9)[1:-1])
    part = np.searchsorted(edges, number, side="right")
    soft = book.soft(book.seen.prediction[book.tested])
    starts, scores, rows = [], [], []
    for k in range(8):
        mask = there & (part == k)
        if mask.sum() < SEGMENT:
            continue
        first = column[mask].min()
        start = str(first.astype("datetime64[D]"))[:7] if column.dtype.kind == "M" else f"{float(first):g}"
        score = score_fold(book.kind, book.truth[mask], soft[mask])
        if score == score:
            starts.append(start)
            scores.append(score)
            rows.append([start, book.fact(f"time.{k}.rows", mask.sum(), ","), book.fact(f"time.{k}.score", score, ".4f")])
    if len(starts) < 3:
        return []
    how = "folds were made in time: every prediction looks ahead" if book.ordered else (
        "folds were made at random, so later rows helped to predict earlier ones; `--time` makes it a test of the future")
    return [Picture(pictures.over_time(starts, scores, book.score_name), f"{book.score_name} by {literal(dates[0])}: {how}."),
            Grid([f"from {dates[0]}", "rows", book.score_name], rows)]
