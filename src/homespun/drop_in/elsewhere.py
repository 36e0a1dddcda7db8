"""Calls in other processes (``n_jobs``): an estimator that is sent to one takes a recorder along.

The picklers of process pools (joblib's loky, multiprocessing) get a way of their own to write our classes: what arrives there
puts a `Recorder` in place, which appends a line per call to a file of the first process; that one adds them up in the end.
A script's own ``pickle.dump`` knows nothing of it. Not counted: estimators that a worker makes by itself, from the class.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from multiprocessing.reduction import ForkingPickler
from typing import Any

_here: Any = None  # the recorder of this process, or of the one that it was forked from


def claim(recorder: Any) -> str:
    """Make `recorder` this process's own; the file for what happens in other processes."""
    global _here
    _here = recorder
    handle, path = tempfile.mkstemp(prefix="homespun-drop-in-")
    os.close(handle)
    return path


def release(recorder: Any) -> None:
    global _here
    if _here is recorder:
        _here = None


def send_along(ours: type, name: str, path: str) -> None:
    """From now on estimators of the class `ours` arrive in other processes with a recorder that reports to `path`."""

    def reduce(estimator):
        build, arguments, *rest = estimator.__reduce_ex__(4)
        return arrive, (path, name, build, arguments), *rest

    for table in _tables():
        table[ours] = reduce


def keep_back(ours: type) -> None:
    """Undo `send_along`."""
    for table in _tables():
        table.pop(ours, None)


def _tables() -> list[dict]:
    from joblib.externals.loky.backend import reduction

    return [reduction._dispatch_table, ForkingPickler._extra_reducers]  # type: ignore[attr-defined]


def arrive(path: str, name: str, build, arguments):
    """In the other process: the estimator, and a recorder for its class."""
    from homespun.drop_in.record import Recorder

    global _here
    estimator = build(*arguments)
    if _here is None:
        _here = Recorder(compare=False, report=path)
    if _here.own and _here.reports_to(path) and type(estimator) not in _here.tallies:
        _here.watch(type(estimator), name)
    return estimator


def report(path: str, name: str, fits: int, answers: int, seconds: float, kernels: float) -> None:
    """One call; whole lines, so that processes do not mix theirs."""
    line = json.dumps([name, fits, answers, seconds, kernels]) + "\n"
    with contextlib.suppress(OSError):  # the first process has ended: nobody asks any more
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def reports(path: str) -> list:
    """All calls reported so far; the file goes."""
    with open(path, encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    os.unlink(path)
    return found
