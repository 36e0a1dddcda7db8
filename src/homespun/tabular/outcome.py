"""What a finished contest is told as: the leaderboard, the arrays and the record of `tabular.record`."""

from __future__ import annotations

from typing import Any

import numpy as np

from homespun.model_selection import corrected_t_test
from homespun.tabular.measuring import Measured
from homespun.tabular.models import build_estimator, recipe_of
from homespun.tabular.record import plain
from homespun.tabular.scores import all_scores, bootstrap_intervals, interval
from homespun.tabular.trainer import Trainer


def leaderboard(contest: list[Measured], sizes) -> dict[str, list]:
    """The leaderboard as columns; p_value: of "as good as the best", on the same folds."""
    board: dict[str, list] = {key: [] for key in ("model", "score", "low", "high", "fit_seconds", "predict_seconds", "p_value")}
    for one in contest:
        p_value = None if one is contest[0] else corrected_t_test(contest[0].scores, one.scores, *sizes)
        row = (one.candidate.model, *interval(one.scores, *sizes), one.fit_seconds, one.predict_seconds, p_value)
        for key, value in zip(board, row):
            board[key].append(value)
    board["p_value"] = [float("nan") if value is None else value for value in board["p_value"]]
    return board


def evidence_of(winner: Measured, contest: list[Measured], trainer: Trainer, rows) -> dict[str, np.ndarray]:
    """The arrays of `tabular.record`."""
    fold = np.full(len(trainer.X), -1, dtype=np.int64)
    for number, (_, test) in enumerate(trainer.splits):
        fold[test] = number
    evidence = {"rows": np.asarray(rows, dtype=np.int64), "fold": fold, "truth": trainer.goal.values,
                "prediction": winner.prediction}
    if trainer.kind != "multiclass":
        told = [one.prediction if trainer.goal.classes is None else one.prediction[:, 1] for one in contest]
        evidence["models"] = np.vstack(told)
    return evidence


def record_of(trainer: Trainer, winner, blend, contest, board, evidence, seconds, interrupted) -> dict[str, Any]:
    """What `tabular.record` lists and `fit` does not add."""
    goal = trainer.goal
    finished = sorted(trainer.finished(), key=lambda one: -one.objective if one.objective == one.objective else np.inf)
    best = contest[0]
    candidates = []
    for one in finished:
        mean, low, high = interval(one.scores, *trainer.sizes)
        estimator = build_estimator(one.candidate, goal, trainer.plan, random_state=trainer.random_state)
        candidates.append({
            "key": one.candidate.key, "model": one.candidate.model, "parameters": plain(dict(one.candidate.parameters)),
            "estimator": plain(estimator.get_params()), "log": one.candidate.log,
            "preparation": recipe_of(one.candidate, goal.task).preparation, "scores": plain(one.scores),
            "objectives": plain(one.objectives), "score": plain(mean), "low": plain(low), "high": plain(high),
            "p_value": None if one is best else plain(corrected_t_test(best.scores, one.scores, *trainer.sizes)),
            "fit_seconds": one.fit_seconds, "predict_seconds": one.predict_seconds,
        })
    tested = evidence["fold"] >= 0
    y, kept = evidence["truth"][tested], evidence["prediction"][tested]
    shares = None if goal.classes is None else kept
    prediction = kept if goal.classes is None else kept.argmax(axis=1)
    ranges = bootstrap_intervals(trainer.kind, y, prediction, shares, trainer.random_state) if len(y) <= 200_000 else {}
    together = {name: {"value": plain(value), "low": plain(ranges.get(name, (None, None))[0]),
                       "high": plain(ranges.get(name, (None, None))[1])}
                for name, value in all_scores(trainer.kind, y, prediction, shares).items()}
    counts = None if goal.classes is None else np.bincount(goal.values, minlength=len(goal.classes)) / len(goal.values)
    return {
        "rows": len(trainer.X), "features": trainer.plan.roles, "folds": len(trainer.splits),
        "random_state": int(trainer.random_state), "leaderboard": {key: plain(values) for key, values in board.items()},
        "score": trainer.kind, "objective": trainer.kind if goal.classes is None else "log likelihood",
        "target": {"scale": "log" if goal.log else "amounts", "skewed": bool(goal.skewed),
                   "not_negative": bool(goal.not_negative), "classes": plain(goal.classes), "shares": plain(counts)},
        "splits": {"train_sizes": trainer.sizes[0], "test_sizes": trainer.sizes[1]},
        "candidates": candidates, "given_up": plain(trainer.given_up),
        "blend": None if blend is None else {"weights": blend.weights, "scores": plain(blend.scores)},
        "winner": {"model": winner.candidate.model, "key": None if winner.members else winner.candidate.key,
                   "parameters": plain(dict(winner.candidate.parameters))},
        "out_of_fold": together, "evidence_models": board["model"] if trainer.kind != "multiclass" else [],
        "seconds": {name: round(value, 3) for name, value in seconds.items()}, "interrupted": interrupted,
    }
