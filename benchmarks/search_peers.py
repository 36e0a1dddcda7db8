"""Our search for settings against Optuna's TPE, with the same number of fitted folds: what an extra would bring.

    python -m benchmarks.search_peers [--seeds 3]          needs optuna and HOMESPUN_DATA

Boosting on three tables, four fifths of the rows in three folds. Ours: 27 draws by successive halving, 27 + 9 * 2 = 45 fitted
folds. Theirs: TPE with all folds of each trial (15 trials), and TPE with its pruner that stops a trial after a fold whose mean
is below the median (as many trials as fit into 45 folds). The portfolio that `fit` tries first is left out on all sides. Score
of the best setting on the fifth that no search saw: R², or the area under the curve. Nothing here is timed.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

TABLES = [("titanic/titanic.csv", "Survived"), ("cars_toyota_flags/ToyotaCorolla.csv", "price"),
          ("telco_churn/Telco-Customer-Churn.csv", "Churn")]
FOLDS, FITS, ROUNDS = 3, 45, 150


def problem(path: str, target: str):
    """(score of a setting on fold 0, 1, 2, or on the held-out fifth for fold None, the space)."""
    from homespun.data import read
    from homespun.metrics import r2_score, roc_auc_score
    from homespun.tabular.models import MODELS, Candidate, build_model
    from homespun.tabular.plan import feature_frame, make_plan
    from homespun.tabular.target import clean_target

    table = read(Path(os.environ["HOMESPUN_DATA"]) / path)
    goal = clean_target(table, target, "auto", None)
    frame = table.frame.iloc[goal.rows].reset_index(drop=True)
    plan = make_plan(frame, exclude={target: ""})
    X, y = feature_frame(frame, plan.roles, plan.ages), goal.values
    order = np.random.default_rng(0).permutation(len(X))
    held, parts = order[: len(X) // 5], np.array_split(order[len(X) // 5 :], FOLDS)
    space = {name: value for name, value in MODELS["boosting"][goal.task].space.items() if name not in ("max_iter", "loss")}

    def score(setting: dict, fold: int | None) -> float:
        test = held if fold is None else parts[fold]
        train = np.concatenate(parts if fold is None else [part for i, part in enumerate(parts) if i != fold])
        candidate = Candidate("boosting", tuple(sorted({**setting, "max_iter": ROUNDS}.items())))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = build_model(candidate, goal, plan, random_state=0).fit(X.iloc[train], y[train])
        if goal.classes is None:
            return float(r2_score(y[test], model.predict(X.iloc[test])))
        return float(roc_auc_score(y[test], model.predict_proba(X.iloc[test])[:, 1]))

    return score, space


def ours(score, space, seed: int) -> dict:
    """The best setting by successive halving."""
    from homespun.model_selection.search import draw, successive_halving

    rng = np.random.default_rng(seed)
    settings = list(dict.fromkeys(tuple(sorted(draw(space, rng).items())) for _ in range(27)))
    return dict(successive_halving(settings, lambda setting, fold: score(dict(setting), fold), FOLDS)[0][0])


def theirs(score, space, seed: int, prune: bool) -> dict:
    """The best setting by TPE."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    fits = 0

    def objective(trial):
        nonlocal fits
        setting = {name: trial.suggest_categorical(name, list(one.values)) if hasattr(one, "values")
                   else trial.suggest_float(name, one.low, one.high, log=True) for name, one in space.items()}
        values = []
        for fold in range(FOLDS):
            if fits >= FITS:
                raise optuna.TrialPruned
            values.append(score(setting, fold))
            fits += 1
            trial.report(float(np.mean(values)), fold)
            if prune and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(values))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed),
                                pruner=optuna.pruners.MedianPruner(n_startup_trials=5) if prune else optuna.pruners.NopPruner())
    while fits < FITS:
        study.optimize(objective, n_trials=1)
    return study.best_params


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    print("| table | first setting | ours | TPE | TPE, pruned |\n|---|--:|--:|--:|--:|", flush=True)
    for path, target in TABLES:
        score, space = problem(path, target)
        ways: dict[str, Callable] = {"ours": ours, "tpe": partial(theirs, prune=False), "pruned": partial(theirs, prune=True)}
        found = {name: [score(way(score, space, seed), None) for seed in range(seeds)] for name, way in ways.items()}
        cells = [f"{np.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})" for values in found.values()]
        print(f"| {path.partition('/')[0]} | {score({}, None):.4f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
