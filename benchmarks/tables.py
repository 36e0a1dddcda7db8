"""`homespun fit` with its defaults against skrub + HistGradientBoosting, FLAML, and LightGBM's defaults, on shared tables.

    python benchmarks/tables.py [--tables cars_georgia,…] [--folds 3] [--budget 60] [--peers …] [--out benchmarks/TABLES.md]

All get the same typed table (`homespun.read`, so that readers are not compared here) and the same outer folds: stratified by
class or by tenths of the target, rows with equal features together, one seed. Nobody sees an outer test fold before it
predicts it, and homespun and FLAML have the same budget for each fold. Each measurement is kept in `--cache`, one JSON file
each, and not repeated; TABLES.md is generated from all of them. Needs HOMESPUN_DATA, skrub, flaml and lightgbm.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

# name → file, target, task, rows that count (the others are typing errors that would decide every score)
TABLES = {
    "cars_georgia": ("cars_georgia/car_price_prediction.csv.gz", "Price", "regression", None),
    "cars_ebay_de": ("cars_ebay_de/autos.csv.gz", "price", "regression", (100, 150_000)),
    "cars_toyota_flags": ("cars_toyota_flags/ToyotaCorolla.csv", "price", "regression", None),
    "cars_saudi": ("cars_saudi/UsedCarsSA_Unclean_EN.csv.gz", "Price", "regression", (1, np.inf)),
    "cars_uk_focus": ("cars_uk_focus/unclean focus.csv", "price", "regression", None),
    "california_housing": ("california_housing/housing.csv", "median_house_value", "regression", None),
    "abalone": ("classic_small/abalone.csv", "column8", "regression", None),
    "wine_quality": ("wine_quality/winequality-red.csv", "class", "regression", None),
    "adult_census": ("adult_census/adult-train.csv.gz", "column14", "classification", None),
    "telco_churn": ("telco_churn/Telco-Customer-Churn.csv", "Churn", "classification", None),
    "bank_marketing": ("bank_marketing/bank-additional.csv", "y", "classification", None),
    "titanic": ("titanic/titanic.csv", "Survived", "classification", None),
    "covertype_15k": ("covertype_15k/covertype_train.csv.gz", "Cover_Type", "classification", None),
}
SCORES = {"regression": ("R²", "RMSE", "MAE"), "binary": ("ROC AUC", "log loss", "accuracy"),
          "multiclass": ("log loss", "accuracy")}  # the first decides the rank
LOWER = {"RMSE", "MAE", "log loss"}


def load(name: str):
    """(features, target: floats or codes, kind of score) of a table."""
    import homespun as hs

    file, target, task, limits = TABLES[name]
    frame = hs.read(Path(os.environ["HOMESPUN_DATA"]) / file).frame
    target = target if target in frame.columns else frame.columns[-1]
    frame = frame[frame[target].notna()]
    if limits:
        frame = frame[frame[target].between(*limits)]
    frame = frame.reset_index(drop=True)
    y = frame.pop(target).to_numpy()
    if task == "regression":
        return frame, y.astype(np.float64), "regression"
    codes = np.unique(y.astype(str), return_inverse=True)[1]
    return frame, codes, "binary" if codes.max() == 1 else "multiclass"


def outer_folds(frame, y, kind: str, folds: int):
    """The same for everybody."""
    from homespun.model_selection import BalancedKFold

    strata = y if kind != "regression" else np.searchsorted(np.unique(np.quantile(y, np.linspace(0.1, 0.9, 9))), y)
    features = [name for name in frame.columns if frame[name].nunique() < 0.9 * len(frame)]  # not the identifiers
    groups = frame.groupby(features, dropna=False, sort=False).ngroup().to_numpy()
    return list(BalancedKFold(folds, random_state=1).split(frame, strata, groups))


# -- competitors: (training features, target, test features, kind, budget) → amounts, or probabilities (n, classes)


def ours(X, y, Z, kind, budget):
    import homespun as hs

    table = X.assign(**{"the target": y.astype(np.float64) if kind == "regression" else np.char.add("class ", y.astype(str))})
    project = hs.fit(table, "the target", budget=budget, task="regression" if kind == "regression" else "classification")
    told = {"best": project.best, "leaderboard": dict(zip(project.leaderboard["model"], project.leaderboard["score"].round(4)))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "regression":
            return project.predict(Z), told
        order = np.argsort([int(label.removeprefix("class ")) for label in project.classes])
        return project.predict_proba(Z)[:, order], told


def skrub_boosting(X, y, Z, kind, budget):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from skrub import tabular_pipeline

    kind_of = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
    model = tabular_pipeline(kind_of(random_state=0)).fit(X, y)
    return (model.predict(Z) if kind == "regression" else model.predict_proba(Z)), {}


def flaml(X, y, Z, kind, budget):
    from flaml import AutoML

    model = AutoML()
    metric = {"regression": "r2", "binary": "roc_auc", "multiclass": "log_loss"}[kind]
    model.fit(_plain(X), y, task="regression" if kind == "regression" else "classification", metric=metric,
              time_budget=budget, seed=0, verbose=0)
    Z = _plain(Z)
    return (model.predict(Z) if kind == "regression" else model.predict_proba(Z)), {"best": str(model.best_estimator)}


def lightgbm(X, y, Z, kind, budget):
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = (LGBMRegressor if kind == "regression" else LGBMClassifier)(random_state=0, verbose=-1, n_jobs=2)
    X, Z = _plain(X), _plain(Z)
    words = [name for name in X.columns if X[name].dtype.kind not in "iufb"]
    for name in words:
        levels = pd.CategoricalDtype(sorted(X[name].dropna().unique()))
        X[name], Z[name] = X[name].astype(levels), Z[name].astype(levels)
    X.columns = Z.columns = [f"c{number}" for number in range(X.shape[1])]  # it refuses JSON's special characters
    model.fit(X, y)
    return (model.predict(Z) if kind == "regression" else model.predict_proba(Z)), {}


PEERS = {"homespun": ours, "skrub + HistGradientBoosting": skrub_boosting, "FLAML": flaml, "LightGBM": lightgbm}


def _plain(X):
    """Dates as days, text as objects: what LightGBM and FLAML can take."""
    X = X.copy()
    for name in X.columns:
        if X[name].dtype.kind == "M":
            X[name] = X[name].to_numpy().astype("datetime64[s]").astype(np.float64) / 86400.0
        elif X[name].dtype.kind not in "iufb":
            words = [None if value != value else str(value) for value in X[name].tolist()]
            X[name] = pd.Series(words, index=X.index, dtype=object)
    return X


def scores_of(kind, y, prediction) -> dict[str, float]:
    """On one outer test fold."""
    from sklearn import metrics as m

    if kind == "regression":
        return {"R²": m.r2_score(y, prediction), "RMSE": m.root_mean_squared_error(y, prediction),
                "MAE": m.mean_absolute_error(y, prediction)}
    found = {"log loss": m.log_loss(y, prediction, labels=range(prediction.shape[1])),
             "accuracy": m.accuracy_score(y, prediction.argmax(axis=1))}
    return found | ({"ROC AUC": m.roc_auc_score(y, prediction[:, 1])} if kind == "binary" else {})


def measure(name: str, peer: str, folds: int, budget: float, cache: Path, only=None) -> None:
    """Fill the cache with this table and peer."""
    frame, y, kind = load(name)
    for number, (train, test) in enumerate(outer_folds(frame, y, kind, folds)):
        place = cache / f"{name}-{peer.split()[0].lower()}-{folds}-{number}-{budget:g}.json"
        if place.exists() or (only is not None and number not in only):
            continue
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prediction, told = PEERS[peer](frame.iloc[train].reset_index(drop=True), y[train],
                                           frame.iloc[test].reset_index(drop=True), kind, budget)
        seconds = time.perf_counter() - begun
        row = {"table": name, "peer": peer, "fold": number, "folds": folds, "budget": budget, "kind": kind, "rows": len(frame),
               "seconds": seconds, "scores": {key: float(value) for key, value in scores_of(kind, y[test], prediction).items()}}
        place.write_text(json.dumps(row | told, default=float, indent=1))
        print(f"{name:20} {peer:30} fold {number}  {seconds:6.1f} s  " + "  ".join(
            f"{key} {value:.4f}" for key, value in row["scores"].items()), told.get("best", ""), flush=True)


def report(cache: Path, folds: int, budget: float) -> str:
    """TABLES.md from the cache."""
    from scipy.stats import rankdata

    found: dict[tuple[str, str], list[dict]] = {}
    for place in sorted(cache.glob(f"*-{folds}-*-{budget:g}.json")):
        row = json.loads(place.read_text())
        found.setdefault((row["table"], row["peer"]), []).append(row)
    peers = [peer for peer in PEERS if any(key[1] == peer for key in found)]
    tables = [name for name in TABLES if all((name, peer) in found for peer in peers)]
    lines = ["# Tables: unchanged defaults, cross-validated", "",
             "Generated by `benchmarks/tables.py`; do not edit. " + (__doc__ or "").split("\n\n")[2].replace("\n", " ").strip(),
             f"Outer folds: {folds}; budget of homespun and FLAML: {budget:g} seconds for each.", ""]
    ranks: dict[str, list] = {}
    for position in range(3):
        rows = []
        for name in tables:
            kind = found[name, peers[0]][0]["kind"]
            if position >= len(SCORES[kind]):
                continue
            score = SCORES[kind][position]
            common = set.intersection(*({row["fold"] for row in found[name, peer]} for peer in peers))
            values = [float(np.mean([row["scores"][score] for row in found[name, peer] if row["fold"] in common]))
                      for peer in peers]
            rank = rankdata(values if score in LOWER else [-value for value in values])
            ranks.setdefault(str(position), []).append(rank)
            best = int(np.argmin(rank))
            shown = [f"{value:.4f}" if abs(value) < 10 else f"{value:,.0f}" for value in values]
            shown[best] = f"**{shown[best]}**"
            rows.append(f"| {name} | {found[name, peers[0]][0]['rows']:,} | {score} | {' | '.join(shown)} |")
        mean = np.mean(ranks[str(position)], axis=0)
        title = ("The score that decides", "Second score", "Third score")[position]
        lines += [f"## {title}", "", f"| table | rows | score | {' | '.join(peers)} |", "|---|---|---|" + "---|" * len(peers),
                  *rows, f"| **mean rank** | | | {' | '.join(f'{value:.2f}' for value in mean)} |", ""]
    rows = []
    for name in tables:
        seconds = [float(np.mean([row["seconds"] for row in found[name, peer]])) for peer in peers]
        rows.append(f"| {name} | {' | '.join(f'{value:.1f}' for value in seconds)} |")
    lines += ["## Seconds for each outer fold, fit and predict", "", f"| table | {' | '.join(peers)} |",
              "|---|" + "---|" * len(peers), *rows, ""]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--peers", default="homespun,skrub,FLAML,LightGBM", help="first words of their names")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--only", default=None, help="these outer folds: 0,1")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/.tables"))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("TABLES.md"))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    only = None if options.only is None else {int(one) for one in options.only.split(",")}
    wanted = [peer for peer in PEERS if peer.split()[0] in options.peers.split(",")]
    for name in options.tables.split(","):
        for peer in wanted:
            measure(name, peer, options.folds, options.budget, options.cache, only)
    options.out.write_text(report(options.cache, options.folds, options.budget))


if __name__ == "__main__":
    main()
