"""`fit`: read, plan, measure every model on the same folds, tune and blend the good ones, refit the winner on all rows.

Preprocessing is fitted inside each fold, so nothing is learned from test rows. Ctrl-C or an exhausted budget ends the
comparison, not the work: what is finished is kept. A journal beside the model file keeps it through a kill, too.
"""

from __future__ import annotations

import time as clock
from dataclasses import replace
from typing import Any

import numpy as np

from homespun.base.errors import DataError, HomespunError, ParameterError
from homespun.base.params import Boolean, Integer, OneOf, RandomState, Real, check_param
from homespun.base.random import seed_from
from homespun.data.reader import read
from homespun.data.table import Decision, Table
from homespun.tabular.blend import BlendClassifier, BlendRegressor
from homespun.tabular.clock import Clock, OutOfTime
from homespun.tabular.drift import reference_of
from homespun.tabular.endless import learn_endless
from homespun.tabular.journal import Journal
from homespun.tabular.leaks import find_leaks
from homespun.tabular.measuring import Measured
from homespun.tabular.models import Candidate, build_estimator, build_model, model_names
from homespun.tabular.outcome import evidence_of, leaderboard, record_of
from homespun.tabular.place import place_for
from homespun.tabular.plan import duplicate_rows, feature_frame, make_plan
from homespun.tabular.project import Project
from homespun.tabular.record import code_hash, frame_hash, plain, source_of, version
from homespun.tabular.scores import score_kind
from homespun.tabular.splits import find_time_and_group, make_folds
from homespun.tabular.target import clean_target
from homespun.tabular.trainer import Trainer
from homespun.tabular.waiting import Waiting

SECONDS = 60.0  # the budget where none is given


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
    resume: bool = False,
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
    positive : True or class, optional
        True: never predict below 0 (of itself where the target is an amount). A class: the one of two whose probability
        is scored.
    models : list of str, optional
        Of baseline, linear, ridge, lasso, logistic, neighbors, forest, boosting, or ``file.py:Class``. Default: baseline, the
        linear ones, boosting and forest. Two or more that are good are also blended.
    folds : int, default=5
    budget : float, optional
        Seconds for all of it, from reading to the refitted winner; 60 by default, infinity for as long as tuning pays. Small
        tables need less. The first model always runs.
    random_state : int, default=0
        The same seed gives the same project, unless the budget ended the work.
    out : path, optional
        Save there: a ``.homespun`` file, or a folder. What is measured is kept beside it until then; two runs cannot have one
        place.
    resume : bool, default=False
        Go on with what an interrupted run kept in `out`; refused if the data, an option or homespun has changed. False begins
        anew, and moves what is kept there to ``….journal.old``.

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
    >>> project = hs.fit(hs.datasets.used_cars(300), "price", models=["baseline", "ridge"], folds=3)
    >>> project.best
    'ridge'
    """
    for name, value, constraint in (
        ("task", task, OneOf("auto", "regression", "classification")),
        ("folds", folds, Integer(low=2)),
        ("budget", budget, OneOf(None) | Real(0, open="low")),
        ("random_state", random_state, RandomState),
        ("resume", resume, Boolean()),
    ):
        check_param("fit", name, value, constraint)
    if not isinstance(target, str):
        raise ParameterError(
            f"fit: target must be the name of a column, got {target!r}",
            operation="fit",
            operands={"target": target},
            rule="the name of a column",
        )
    if resume and out is None:
        raise ParameterError("fit: resume=True needs out, where the interrupted run kept what it had measured",
                             operation="fit", operands={"resume": True, "out": None}, rule="out is given")
    destination = place_for(out, data)
    ticking = Clock(None if budget == float("inf") else SECONDS if budget is None else float(budget))
    random_state = random_state if isinstance(random_state, (int, np.integer)) else seed_from(random_state) % 2**31
    table = learn_endless(data if isinstance(data, Table) else read(data))
    seconds = {"read": ticking.seconds}
    told = {"target": target, "task": task, "time": time, "group": group, "stratify": stratify, "positive": plain(positive),
            "models": plain(models), "folds": folds, "random_state": int(random_state)}
    hashes = {"frame_sha256": frame_hash(table.frame), "code": code_hash()}
    used = replace(table)  # the rows are cut below, the user's table is not
    decisions, notes = list(table.decisions), []

    repeated = duplicate_rows(table.frame)
    row_numbers = np.flatnonzero(~repeated)
    if repeated.any():
        decisions.append(
            Decision(
                None,
                "repeated rows",
                int(repeated.sum()),
                "exact copies of other rows would stand in training and test",
            )
        )
        used = replace(table, frame=table.frame[~repeated].reset_index(drop=True))
    goal = clean_target(used, target, task, positive)
    names = model_names(models, goal.task)
    frame = used.frame.iloc[goal.rows].reset_index(drop=True)
    time, group, found = find_time_and_group(frame, goal, time=time, group=group, stratify=stratify)
    exclude = {target: ""}
    exclude.update({name: role for name, role in ((time, "orders the folds"), (group, "groups the folds")) if name})
    plan = make_plan(frame, exclude=exclude, time=time)
    splits, more = make_folds(
        frame, goal, time=time, group=group, stratify=stratify, folds=folds, random_state=random_state, features=plan.features
    )
    decisions += goal.decisions + found + more + plan.decisions
    if not plan.features:
        raise DataError(
            "fit: no column is left to learn from" + (": " if plan.left_out else f" beside the target {target!r}")
            + "; ".join(f"{name} ({why})" for name, why in plan.left_out.items()),
            operation="fit",
            operands={"columns": list(frame.columns)},
            rule="at least one feature",
        )
    if "linear" in names and goal.task == "regression" and plan.categories:
        decisions.append(Decision(None, "one-hot", "one level dropped for linear", "least squares without a penalty: with every "
                                  "level, the columns of a category sum to the intercept's; the penalised models keep them all"))
    notes += [str(warning) for warning in table.warnings]
    notes += [f"{d}" for d in decisions if d.kind in ("words as missing", "unreadable", "currency on some only")]
    notes += [str(leak) for leak in find_leaks(frame, target, goal.task, time=time, group=group)]

    # All models are made before the first is trained: a misspelt one must not cost the others' time
    for name in names:
        build_estimator(Candidate(name), goal, plan, random_state=random_state)
    X = feature_frame(frame, plan.roles, plan.ages)
    kind = score_kind(goal)
    folder = None if destination is None else destination.with_suffix(".journal")
    with Journal(folder, told | hashes, resume=resume) as journal:
        waiting = Waiting(ticking, len(names) * len(splits))
        trainer = Trainer(X, goal, plan, splits, kind, clock=ticking, journal=journal, random_state=random_state, notes=notes,
                          bar=waiting)
        interrupted = _measure(trainer, names, notes, seconds)
        contest = [trainer.best_of(trainer.finished(name)) for name in names if trainer.finished(name)]
        begun = ticking.seconds
        blend = trainer.blend() if interrupted != "Ctrl-C" else None
        seconds["blend"] = ticking.seconds - begun
        if blend is not None and blend.objective > trainer.best_of(contest).objective:
            contest.append(blend)
        contest.sort(key=lambda one: -one.score if one.score == one.score else np.inf)
        board = leaderboard(contest, trainer.sizes)
        begun = ticking.seconds
        waiting.say("refit")
        winner, model = _refit(trainer, contest)
        waiting.close()
        seconds["refit"] = ticking.seconds - begun
        best = winner.candidate.model
        if best == "baseline" and len(board["model"]) > 1:
            notes.append("no model is better than the baseline: the columns may say nothing about the target")
        if board["score"][0] > 0.9995:
            notes.append("a score this close to 1 is rare: does a column hold the target, or what is known only after it?")
        evidence = evidence_of(winner, contest, trainer, row_numbers[goal.rows])
        record = record_of(trainer, winner, blend, contest, board, evidence, seconds, interrupted)
        record |= {"data": source_of(data) | {"frame_sha256": hashes["frame_sha256"], "rows": len(table.frame),
                                              "columns": len(table.recipes), "rows_used": len(frame)},
                   "settings": told | {"time": time, "group": group, "task": goal.task, "folds": len(splits),
                                       "budget": ticking.budget},
                   "code": hashes["code"], "homespun": version(), "left_out": plan.left_out, "ages": plan.ages,
                   "resumed": journal.found}
        stratified = "stratified" if stratify or goal.classes else "tenths of the target"
        record["splits"]["kind"] = "in time" if time else "by group" if group else stratified
        record["seconds"]["all"] = round(ticking.seconds, 3)
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
            ages=plan.ages,
            reference=reference_of(frame, plan.features + ([time] if time else [])),
            sample={name: values for name, values in table.raw_head.items() if name != target},
            record=record,
            evidence=evidence,
        )
        if destination is not None:
            project.save(destination)
            journal.close()
        return project


def _measure(trainer: Trainer, names: list[str], notes: list[str], seconds: dict) -> str | None:
    """Compare, then tune; None, or what ended it early."""
    begun = clock.monotonic()
    ended = None
    try:
        trainer.compare(names)
        seconds["compare"] = clock.monotonic() - begun
        if trainer.finished():
            trainer.tune(names)
    except OutOfTime:
        ended = "budget"
    except KeyboardInterrupt:
        if not trainer.finished():
            raise
        ended = "Ctrl-C"
    ended = ended or ("budget" if trainer.cut else None)
    seconds.setdefault("compare", clock.monotonic() - begun)
    seconds["tune"] = clock.monotonic() - begun - seconds["compare"]
    done = [name for name in names if trainer.finished(name)]
    left = [name for name in names if name not in done and name not in trainer.failed]
    if ended == "Ctrl-C":
        notes.append(f"interrupted: {', '.join(done)} finished and kept" + (f", {', '.join(left)} not trained" if left else ""))
    elif left:
        none = "; what is saved is only the baseline, which looks at no column" * (done == ["baseline"])
        notes.append(f"the budget of {trainer.clock.budget:g} seconds left no time for {', '.join(left)}: "
                     f"a larger one may find a better model{none}")
    if not done:
        name, first = next(iter(trainer.failed.items()))
        if isinstance(first, HomespunError):
            raise first
        raise DataError(
            f"fit: no model could be trained; {name}: {type(first).__name__}: {first}",
            operation="fit",
            operands={"models": names},
            rule="at least one model that trains",
        ) from first
    return ended


def _pipeline(measured: Measured, trainer: Trainer):
    """The unfitted model: one pipeline, or a blend of several."""
    make = {"goal": trainer.goal, "plan": trainer.plan, "random_state": trainer.random_state}
    if not measured.members:
        return build_model(measured.candidate, **make)
    parts = [build_model(member, **make) for member in measured.members]
    kind = BlendRegressor if trainer.goal.classes is None else BlendClassifier
    return kind(parts, list(measured.weights.values()))


def _refit(trainer: Trainer, contest: list[Measured]):
    """The best model, fitted on all rows; after Ctrl-C the best of those that are quicker, so that what is finished is kept."""
    candidates = list(contest)
    while True:
        one = candidates[0]
        try:
            model = _pipeline(one, trainer)
            return one, trainer.quietly(one.candidate.model, model.fit, trainer.X, trainer.goal.values)
        except KeyboardInterrupt:
            candidates = [other for other in candidates if other.fit_seconds < one.fit_seconds]
            if not candidates:
                raise
            trainer.notes.append(f"interrupted while {one.candidate.model} was refitted on all rows: "
                                 f"{candidates[0].candidate.model}, the best quicker one, is kept")
