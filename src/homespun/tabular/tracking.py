"""A finished project in MLflow, so that experiments of many days and people stand in one table (extra `track`).

    run of the project    target, task, seed, ... as parameters; the winner's scores as metrics; report and model as artifacts
    └─ a run for each     its parameters; the mean score with its interval, and the score of each fold (the fold is MLflow's
       candidate          "step"), so that MLflow's own charts compare them

All of it is in the model file anyway (`homespun.tabular.record`): tracking copies it and can be done again, later, for any
saved model. Nothing of ours depends on MLflow, and MLflow's usage reports to its makers are switched off.

Not handled: MLflow's model registry and `mlflow models serve` (`homespun serve` serves the file that is logged as an artifact).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__
from homespun.base.errors import DataError

LONGEST = 500  # characters of a parameter; MLflow's older stores refuse more


def track(project, *, experiment: str = "homespun", uri: str | None = None, name: str | None = None,
          files: Iterable[str | os.PathLike] = ()) -> str:
    """Log a project to MLflow: settings, every candidate with its folds, the winner's scores, and files.

    Parameters
    ----------
    project : Project
        What `fit` returned or `load` read.
    experiment : str
        MLflow's name of a group of runs; made if it is not there.
    uri : str, optional
        Tracking server or database, ``http://…`` or ``sqlite:///mlflow.db``. Default: ``MLFLOW_TRACKING_URI``, else MLflow's
        own default, a database in the current folder.
    name : str, optional
        Of the run. Default: target and winner.
    files : paths
        Logged as artifacts: the model file, the report. They are looked at before anything is logged.

    Returns
    -------
    str
        Identity of the run.

    Raises
    ------
    DataError
        A file is not there; the server does not answer or refuses. The project itself is untouched.
    ModuleNotFoundError
        MLflow is not installed: ``pip install 'homespun[track]'``.

    Examples
    --------
    >>> import homespun as hs
    >>> cars = hs.datasets.used_cars(300, random_state=0)
    >>> project = hs.fit(cars, "price", models="baseline,linear", folds=3)
    >>> run = project.track(experiment="cars", uri="sqlite:///mlflow.db")      # doctest: +SKIP
    """
    artifacts = [Path(file) for file in files]
    for file in artifacts:
        if not file.is_file():
            raise DataError(f"track: there is no file {str(file)!r}", operation="track", operands={"file": str(file)},
                            rule="files that exist")
    mlflow = _mlflow()
    address = uri or os.environ.get("MLFLOW_TRACKING_URI") or "MLflow's default store"
    run, client = None, None
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        group = _experiment(client, experiment)
        run = client.create_run(group, run_name=name or f"{project.target}: {project.best}", tags=_tags()).info.run_id
        record = project.record_
        _log(client, run, _settings(record), _scores(record))
        for candidate in record["candidates"]:
            tags = {"mlflow.parentRunId": run, **_tags()}
            child = client.create_run(group, run_name=candidate["model"], tags=tags).info.run_id
            _log(client, child, _parameters(candidate), _measured(candidate))
            client.set_terminated(child)
        for file in artifacts:
            client.log_artifact(run, str(file))
        client.set_terminated(run)
    except Exception as refused:  # MLflow's stores raise what their databases and HTTP clients raise
        if run is not None:
            _failed(client, run)
        text = str(refused).strip().partition("\n")[0][:300]
        raise DataError(f"track: {address} did not take the run: {text}", operation="track",
                        operands={"uri": address, "experiment": experiment}, rule="an MLflow store that answers",
                        suggestion="the project is untouched: track again when the store answers") from refused
    return run


def _mlflow() -> Any:
    """The package, told not to report home; sqlite stores say every table that they make, which nobody asked."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's 7 take minutes to say that nobody answers
    try:
        import mlflow
    except ModuleNotFoundError as absent:
        raise ModuleNotFoundError("track needs MLflow: pip install 'homespun[track]'", name=absent.name) from absent
    import logging

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    return mlflow


def _experiment(client, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


def _tags() -> dict[str, str]:
    return {"homespun": __version__, "mlflow.source.name": "homespun", "mlflow.source.type": "LOCAL"}


def _settings(record: dict) -> dict[str, Any]:
    """What was asked for, and of which data."""
    data = {f"data.{key}": record["data"][key] for key in ("source", "sha256", "frame_sha256", "rows", "columns")}
    return {**record["settings"], **data, "winner": record["winner"]["model"], "splits": record["splits"]["kind"],
            "code": record["code"]}


def _scores(record: dict) -> list[tuple[str, float, int]]:
    """(name, value, step) of the winner, out of fold, and the seconds."""
    scores = [(f"out of fold/{_plain_name(name)}", one["value"], 0) for name, one in record["out_of_fold"].items()]
    return scores + [(f"seconds/{name}", value, 0) for name, value in record["seconds"].items()]


def _parameters(candidate: dict) -> dict[str, Any]:
    return {"model": candidate["model"], "preparation": candidate["preparation"], **candidate["estimator"]}


def _measured(candidate: dict) -> list[tuple[str, float, int]]:
    means = [(name, candidate[name], 0) for name in ("low", "high", "p_value", "fit_seconds", "predict_seconds")]
    return [("score", candidate["score"], 0), *means, *(("fold score", one, i) for i, one in enumerate(candidate["scores"]))]


def _log(client, run: str, parameters: dict[str, Any], metrics: list[tuple[str, float, int]]) -> None:
    """One batch; absent values (a p-value of the winner, say) are left out."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    kept = [Metric(_plain_name(key), float(value), now, step) for key, value, step in metrics
            if value is not None and np.isfinite(value)]
    said = [Param(_plain_name(key), _short(value)) for key, value in parameters.items() if value is not None]
    for start in range(0, len(said), 100):  # what a store takes at once
        client.log_batch(run, params=said[start:start + 100])
    client.log_batch(run, metrics=kept)


def _plain_name(name: str) -> str:
    """MLflow's names: letters, digits, _ - . / and spaces ("R²" is "R2").

    >>> _plain_name("R² of log(1 + price)")
    'R2 of log_1 _ price_'
    """
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-. /") else "_"
                   for letter in str(name).replace("²", "2"))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _failed(client, run: str) -> None:
    """Mark a run that could not be logged to its end, if the store still answers."""
    try:
        client.set_terminated(run, status="FAILED")
    except Exception:
        return  # it is what failed already, and that is what is raised
