"""`fit`: read, plan, cross-validate every model on the same folds, refit the winner on all rows.

Preprocessing is fitted inside each fold, so nothing is learned from test rows. Ctrl-C or an exhausted budget ends the
comparison, not the work: the models that are finished are kept.
"""

from __future__ import annotations

import os
import time as clock
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from homespun.base.errors import DataError, HomespunError, ParameterError
from homespun.base.params import Integer, OneOf, RandomState, Real, check_param
from homespun.base.progress import progress
from homespun.data.reader import read
from homespun.data.table import Decision, Table
from homespun.tabular.drift import reference_of
from homespun.tabular.models import build_model, model_names
from homespun.tabular.plan import duplicate_rows, feature_frame, make_plan
from homespun.tabular.project import Project
from homespun.tabular.scores import interval, score_fold, score_kind
from homespun.tabular.splits import make_folds
from homespun.tabular.target import clean_target


def fit(
    data,
    target: str,
    *,
    task: str = "auto",
    time: str | None = None,
    group: str | None = None,
    stratify: str | None = None,
    positive: Any = None,
    models=None,
    folds: int = 5,
    budget: float | None = None,
    random_state=0,
    out=None,
) -> Project:
    """Train and compare models that predict one column of a table from the others.

    Parameters
    ----------
    data : path, dataframe, or homespun.data.Table
    target : str
        Column to predict.
    task : {"auto", "regression", "classification"}, default="auto"
    time : str, optional
        Column of dates or numbers: each test fold lies after its training rows. It is no feature then.
    group : str, optional
        Column whose equal values stay in one fold (a customer, a car). It is no feature then.
    stratify : str, optional
        Column whose values have equal shares in every fold.
    positive : class, optional
        The class of two whose probability is scored.
    models : list of str, optional
        Of baseline, linear, lasso, logistic, forest, boosting, or ``file.py:Class``. Default: all that fit the task.
    folds : int, default=5
    budget : float, optional
        Seconds. No further model is begun when they are over; the first one always runs.
    random_state : int, default=0
    out : path, optional
        Save there: a ``.homespun`` file, or a folder.

    Returns
    -------
    Project

    Raises
    ------
    DataError, ParameterError
        No such column, nothing to learn, a model that does not exist, a place that cannot be written, …

    Examples
    --------
    >>> import homespun as hs
    >>> project = hs.fit(hs.datasets.used_cars(300), "price", models=["baseline", "linear"], folds=3)
    >>> project.best
    'linear'
    """
    for name, value, constraint in (
        ("task", task, OneOf("auto", "regression", "classification")),
        ("folds", folds, Integer(low=2)),
        ("budget", budget, OneOf(None) | Real(0, open="low")),
        ("random_state", random_state, RandomState),
    ):
        check_param("fit", name, value, constraint)
    if not isinstance(target, str):
        raise ParameterError(
            f"fit: target must be the name of a column, got {target!r}",
            operation="fit",
            operands={"target": target},
            rule="the name of a column",
        )
    destination = place_for(out, data)
    started = clock.monotonic()
    table = data if isinstance(data, Table) else read(data)
    decisions, notes = list(table.decisions), []

    repeated = duplicate_rows(table.frame)
    if repeated.any():
        decisions.append(
            Decision(
                None,
                "repeated rows",
                int(repeated.sum()),
                "exact copies of other rows would stand in training and test",
            )
        )
        table = replace(table, frame=table.frame[~repeated].reset_index(drop=True))
    goal = clean_target(table, target, task, positive)
    names = model_names(models, goal.task)
    frame = table.frame.iloc[goal.rows].reset_index(drop=True)
    splits, more = make_folds(
        frame, goal, time=time, group=group, stratify=stratify, folds=folds, random_state=random_state
    )
    exclude = {target: ""}
    exclude.update({name: role for name, role in ((time, "orders the folds"), (group, "groups the folds")) if name})
    plan = make_plan(frame, exclude=exclude)
    decisions += goal.decisions + more + plan.decisions
    if not plan.features:
        raise DataError(
            f"fit: no column is left to learn from: {'; '.join(f'{name} ({why})' for name, why in plan.left_out.items())}",
            operation="fit",
            operands={"columns": list(frame.columns)},
            rule="at least one feature",
        )
    notes += [f"{d}" for d in decisions if d.kind in ("words as missing", "unreadable", "currency on some only")]

    # All models are made before the first is trained: a misspelt one must not cost the others' time
    pipelines = {name: build_model(name, goal.task, plan, log=goal.log, random_state=random_state) for name in names}
    X = feature_frame(frame, plan.roles)
    kind = score_kind(goal)
    board = _compare(pipelines, X, goal.values, splits, kind, budget, started, notes)
    order = np.argsort([-score if score == score else np.inf for score in board["score"]], kind="stable")
    board = {key: [values[i] for i in order] for key, values in board.items()}
    best, model = _refit(pipelines, X, goal.values, board, notes)
    if best == "baseline" and len(board["model"]) > 1:
        notes.append("no model is better than the baseline: the columns may say nothing about the target")
    if board["score"][0] > 0.9995:
        notes.append("a score this close to 1 is rare: does a column hold the target, or what is known only after it?")
    project = Project(
        model=model,
        best=best,
        table=table,
        task=goal.task,
        target=target,
        classes=goal.classes,
        score_kind=kind,
        board=board,
        decisions=decisions,
        warnings=list(dict.fromkeys(notes)),
        roles=plan.roles,
        reference=reference_of(frame, plan.features),
        sample={name: values for name, values in table.raw_head.items() if name != target},
        record={
            "rows": len(frame),
            "features": len(plan.features),
            "folds": len(splits),
            "random_state": _plain_seed(random_state),
            "leaderboard": board,
            "score": kind,
            "seconds": round(clock.monotonic() - started, 3),
        },
    )
    if destination is not None:
        project.save(destination)
    return project


def _refit(pipelines, X, y, board, notes):
    """The best model, fitted on all rows; after Ctrl-C the best of those that are quicker, so that what is finished is kept."""
    candidates = list(zip(board["model"], board["fit_seconds"]))
    while True:
        best, seconds = candidates[0]
        try:
            return best, _quietly(pipelines[best].fit, X, y, label=best, notes=notes)
        except KeyboardInterrupt:
            candidates = [(name, needs) for name, needs in candidates if needs < seconds]
            if not candidates:
                raise
            notes.append(f"interrupted while {best} was refitted on all rows: {candidates[0][0]}, the best quicker one, is kept")


def _compare(pipelines, X, y, splits, kind, budget, started, notes):
    """The leaderboard as columns, with the models that were finished."""
    names = list(pipelines)
    board: dict[str, list] = {key: [] for key in ("model", "score", "low", "high", "fit_seconds", "predict_seconds")}
    failed: dict[str, Exception] = {}
    sizes = [len(train) for train, _ in splits], [len(test) for _, test in splits]
    bar = progress(total=len(names) * len(splits), label="fit")
    try:
        for name, pipeline in pipelines.items():
            if budget is not None and board["model"] and clock.monotonic() - started > budget:
                left = names[names.index(name) :]
                notes.append(f"the budget of {budget:g} seconds is over: {', '.join(left)} not trained")
                break
            bar.set_description(name, refresh=False)
            try:
                scores, fit_seconds, predict_seconds = _cross_validate(name, pipeline, X, y, splits, kind, bar, notes)
            except Exception as error:  # one model's failure must not lose the others
                failed[name] = error
                notes.append(f"{name} failed and is left out: {type(error).__name__}: {error}")
                continue
            mean, low, high = interval(scores, *sizes)
            for key, value in zip(board, (name, mean, low, high, fit_seconds, predict_seconds)):
                board[key].append(value)
    except KeyboardInterrupt:
        if not board["model"]:
            raise
        notes.append(
            f"interrupted: {', '.join(board['model'])} finished and kept, "
            f"{', '.join(one for one in names if one not in board['model'] and one not in failed)} not trained"
        )
    finally:
        bar.close()
    if not board["model"]:
        name, first = next(iter(failed.items()))
        if isinstance(first, HomespunError):
            raise first
        raise DataError(
            f"fit: no model could be trained; {name}: {type(first).__name__}: {first}",
            operation="fit",
            operands={"models": names},
            rule="at least one model that trains",
        ) from first
    return board


def _cross_validate(name, pipeline, X, y, splits, kind, bar, notes):
    """Scores by fold; mean seconds of fit and predict."""
    from sklearn.base import clone

    scores, fit_seconds, predict_seconds = [], [], []
    for train, test in splits:
        start = clock.perf_counter()
        fitted = _quietly(clone(pipeline).fit, X.iloc[train], y[train], label=name, notes=notes)
        middle = clock.perf_counter()
        if kind == "binary" and hasattr(fitted, "predict_proba"):
            prediction = fitted.predict_proba(X.iloc[test])[:, 1]
        else:
            prediction = fitted.predict(X.iloc[test])
        predict_seconds.append(clock.perf_counter() - middle)
        fit_seconds.append(middle - start)
        if len(prediction) != len(test) or not np.isfinite(np.asarray(prediction, dtype=np.float64)).all():
            fits = len(prediction) == len(test)
            raise DataError(
                f"{name} predicts {'NaN or infinity' if fits else f'{len(prediction)} values for {len(test)} rows'}",
                operation="fit",
                operands={"model": name},
                rule="one finite prediction for each row",
            )
        scores.append(score_fold(kind, y[test], prediction))
        bar.update(1)
    return scores, float(np.mean(fit_seconds)), float(np.mean(predict_seconds))


def _quietly(function, *arguments, label, notes):
    """Call; warnings become notes of the project instead of lines between the progress bars."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*arguments)
    notes += dict.fromkeys(f"{label}: {str(one.message).splitlines()[0]}" for one in caught)
    return result


def place_for(out, data) -> Path | None:
    """Where the model file goes: checked before the work begins, not after it."""
    if out is None:
        return None
    path = Path(out)
    if path.suffix != ".homespun":
        stem = Path(data).name.removesuffix(".gz").rpartition(".")[0] if isinstance(data, (str, os.PathLike)) else ""
        path = path / f"{stem or 'model'}.homespun"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"fit: {str(path.parent)!r} cannot be made: {error.strerror}",
            operation="fit",
            operands={"out": str(out)},
            rule="a folder that can be written",
        ) from None
    if not os.access(path.parent, os.W_OK) or (path.exists() and (path.is_dir() or not os.access(path, os.W_OK))):
        raise DataError(
            f"fit: {str(path)!r} cannot be written",
            operation="fit",
            operands={"out": str(out)},
            rule="a place that can be written",
        )
    return path


def _plain_seed(random_state):
    return int(random_state) if isinstance(random_state, (int, np.integer)) else None
