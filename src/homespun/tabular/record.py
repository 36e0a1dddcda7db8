"""The training record: everything that was measured, as plain data, so that a report draws from it and anybody can repeat it.

`Project.record_` (JSON; also in the header of the model file, `homespun.persist.describe(path)["record"]`):

    homespun, code          version, and SHA-256 of all our sources at the time
    data                    {source, sha256 (of the file, None for a dataframe), frame_sha256 (of the typed table),
                             rows, columns, rows_used}
    settings                {target, task, time, group, stratify, positive, models, folds, budget, random_state} as used
                            in the end
    features, left_out      role → columns; column → why it is none
    ages                    {columns, moment, reference, current}: to which day ages are counted, see `tabular.ages`
    target                  {scale: "amounts" or "log", skewed, not_negative, classes, shares} (shares: class → share of rows)
    score                   kind: "regression", "log", "binary", "multiclass": what `scores` are; `objective`: what tuning used
    splits                  {kind: "in time", "by group", "stratified", "tenths of the target"; train_sizes, test_sizes}
    leaderboard             the columns of `Project.leaderboard`
    candidates              for each finished one, the best first: {key, model, parameters (beyond the recipe), estimator (all
                            parameters), log, preparation, scores (one for each fold), objectives, score, low, high,
                            p_value (paired with the best), fit_seconds, predict_seconds (means of the folds)}
    given_up                candidates that were left after some folds, with those objectives
    blend                   None, or {weights: candidate's key → weight, scores}
    winner                  {model, key or None for a blend, parameters}
    out_of_fold             all scores of the winner's out-of-fold predictions together: name → {value, low, high}
    seconds                 {read, compare, tune, blend, refit, all}
    resumed                 number of folds that came from a journal
    interrupted             None, "Ctrl-C" or "budget"

`Project.evidence_` (arrays, in the model file as such; row i of each belongs to row `rows[i]` of the file as it was read):

    rows         (n,) int64: rows of the table that were used: with a target, no exact repetition of an earlier one
    fold         (n,) int64: the fold that tests the row, -1 where none does (the first block of folds in time). A fold trains
                 on all other rows, in time on those of fold < its own
    truth        (n,): amounts, or codes of `classes`
    prediction   (n,) amounts or (n, classes) probabilities of the winner, out of fold; NaN where fold is -1
    models       (m, n): the same for the best candidate of each model on the leaderboard (probability of the positive class
                 for two classes; absent for more than two), in `record_["evidence_models"]`'s order

`Project.reference_`: of each feature bins, shares, missing, distinct, min, max, mean, deviation, quartiles (see `drift`).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__


def code_hash() -> str:
    """SHA-256 of the sources of homespun: what "the same program" means."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def frame_hash(frame) -> str:
    """SHA-256 of a typed table: names, values and their order."""
    import pandas as pd

    digest = hashlib.sha256(repr([str(name) for name in frame.columns]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def source_of(data) -> dict[str, Any]:
    """Name and SHA-256 of the file, if it is one."""
    if not isinstance(data, (str, os.PathLike)) or not Path(data).is_file():
        return {"source": None, "sha256": None}
    with open(data, "rb") as file:
        return {"source": Path(data).name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def plain(value: Any) -> Any:
    """A parameter as JSON has it."""
    if isinstance(value, (str, bool, int, type(None))):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return str(value)


def version() -> str:
    """Of homespun."""
    return __version__
