"""Counting, timing and comparing: every outermost call of ours is timed, and made again on scikit-learn's true class.

A twin stands beside each fitted estimator: scikit-learn's class with the same parameters, fitted on the same input. What the
script does with ours is then done with the twin, and only the twin's time and answers are kept. The script sees neither:
its random numbers, its warnings and its data stay as if it ran alone.

Not handled: estimators that a script copies, or that work in other processes (``n_jobs`` of scikit-learn's searches, see
`elsewhere`), have no twin; their calls are counted and timed, and the table says that they were not compared.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import itertools
import os
import threading
import time
import warnings
import weakref
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from homespun.drop_in import elsewhere

FITS = ("fit", "partial_fit", "fit_transform", "fit_predict")
ANSWERS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "kneighbors",
    "score",
)
_SCORED_ROWS = 1000  # of the last fit, kept to compare scores when the script has ended


@dataclass
class Tally:
    """What is known of one class."""

    name: str
    fits: int = 0
    answers: int = 0
    ours: float = 0.0  # seconds of the calls that were compared, or of all calls if comparing is off
    kernels: float = 0.0  # seconds in which kernels were loaded or compiled, on first use; not part of `ours` and `alone`
    theirs: float = 0.0
    alone: float = 0.0  # seconds of calls that had no twin
    elsewhere: int = 0  # calls in other processes, which have none
    difference: float | None = None  # score of ours minus theirs, on rows of the last fit
    trouble: str | None = None  # why a twin could not follow
    last: tuple[Any, Any, Any, Any] | None = None  # ours, twin, rows of X, rows of y


class Recorder:
    """Wraps the methods of our classes; `on_use` is handed to `replace.install`. `report`: the file of another process that
    wants to know of each call."""

    def __init__(self, compare: bool = True, report: str | None = None):
        self.compare = compare
        self._process = os.getpid()
        self.own = report is not None  # whether this process has a recorder for another one
        self._report = report if report is not None else elsewhere.claim(self)
        self.tallies: dict[type, Tally] = {}
        self._true: dict[type, type] = {}
        self._twins: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._restore: list[tuple[type, str, Any]] = []
        self._inside = threading.local()
        self._lock = threading.Lock()
        self._compiling = 0.0  # seconds so far

    def on_use(self, ours: type, true: type) -> None:
        """Start recording a class of ours."""
        public = itertools.takewhile(lambda part: not part.startswith("_"), true.__module__.split(".")[1:])
        self._true[ours] = true
        self.watch(ours, ".".join([*public, true.__name__]))
        elsewhere.send_along(ours, self.tallies[ours].name, self._report)

    def reports_to(self, path: str) -> bool:
        """Report to `path` from now on: pools keep their processes."""
        self._report = path
        return True

    def watch(self, ours: type, name: str) -> None:
        """Wrap the methods of a class of ours, which the table calls `name`."""
        self.tallies[ours] = Tally(name)
        if not self._restore:
            self._watch_compiler()
        for name in FITS + ANSWERS:
            found = inspect.getattr_static(ours, name, None)
            if isinstance(found, FunctionType):
                self._restore.append((ours, name, vars(ours).get(name)))
                setattr(ours, name, self._timed(found, name))

    def _watch_compiler(self) -> None:
        """Time what a kernel does before its first run."""
        from homespun.kernels.kernel import Kernel

        compile_for = Kernel._compile_for_args

        def timed(kernel, *args, **kwargs):
            if getattr(self._inside, "compiler", False):  # a kernel compiled for another one
                return compile_for(kernel, *args, **kwargs)
            self._inside.compiler, start = True, time.perf_counter()
            try:
                return compile_for(kernel, *args, **kwargs)
            finally:
                self._inside.compiler = False
                with self._lock:
                    self._compiling += time.perf_counter() - start

        self._restore.append((Kernel, "_compile_for_args", compile_for))
        Kernel._compile_for_args = timed  # type: ignore[method-assign,assignment]

    def close(self) -> None:
        """Take the wrappers away, and compare the scores of the last fits."""
        for cls, name, before in reversed(self._restore):
            if before is None:
                delattr(cls, name)
            else:
                setattr(cls, name, before)
        self._restore.clear()
        self._add_what_happened_elsewhere()
        for tally in self.tallies.values():
            if tally.last is not None:
                ours, twin, X, y = tally.last
                with _apart(), contextlib.suppress(Exception):  # a score is extra: no error of it may reach the user
                    tally.difference = float(ours.score(X, y) - twin.score(X, y))
            tally.last = None

    def _add_what_happened_elsewhere(self) -> None:
        if self.own or not os.path.exists(self._report):
            return
        elsewhere.release(self)
        for ours in self.tallies:
            elsewhere.keep_back(ours)
        named = {tally.name: tally for tally in self.tallies.values()}
        for name, fits, answers, seconds, kernels in elsewhere.reports(self._report):
            tally = named[name]
            tally.fits += fits
            tally.answers += answers
            tally.kernels += kernels
            tally.elsewhere += 1
            if self.compare:
                tally.alone += seconds
            else:
                tally.ours += seconds

    def _timed(self, method, name: str):
        @functools.wraps(method)
        def call(estimator, *args, **kwargs):
            tally = self.tallies.get(type(estimator))
            if tally is None or getattr(self._inside, "call", False):  # a subclass of the script's, or our own internals
                return method(estimator, *args, **kwargs)
            self._inside.call = True
            away = self.own or os.getpid() != self._process  # the latter: forked
            try:
                follow = self._prepare(estimator, name, args, kwargs) if self.compare and not away else None
                compiling, start = self._compiling, time.perf_counter()
                answer = method(estimator, *args, **kwargs)
                seconds = time.perf_counter() - start
                kernels = min(self._compiling - compiling, seconds)  # threads may load side by side
                seconds -= kernels
                theirs = self._follow(tally, estimator, name, *follow) if follow is not None else None
            finally:
                self._inside.call = False
            if away:
                elsewhere.report(self._report, tally.name, name in FITS, name in ANSWERS, seconds, kernels)
                return answer
            with self._lock:
                tally.kernels += kernels
                tally.fits += name in FITS
                tally.answers += name in ANSWERS
                if theirs is None and self.compare:
                    tally.alone += seconds
                else:
                    tally.ours += seconds
                    tally.theirs += theirs or 0.0
            return answer

        return call

    def _prepare(self, estimator, name, args, kwargs):
        """The twin and its input, taken before ours runs: it may use up random numbers, or overwrite X on request."""
        if name in FITS and not (name == "partial_fit" and estimator in self._twins):
            params = {key: copy.deepcopy(value) for key, value in estimator.get_params(deep=False).items()}
            if "verbose" in params:
                params["verbose"] = 0  # the script hears of one fit
            true = self._true[type(estimator)]
            known = inspect.signature(true).parameters
            try:
                twin = true(**{key: value for key, value in params.items() if key in known})
            except Exception as error:
                self.tallies[type(estimator)].trouble = f"{type(error).__name__}: {error}"
                return None
            self._twins[estimator] = twin
            if not params.get("copy_X", params.get("copy", True)):
                args, kwargs = copy.deepcopy((args, kwargs))
        twin = self._twins.get(estimator)
        return None if twin is None else (twin, args, kwargs)

    def _follow(self, tally, estimator, name, twin, args, kwargs) -> float | None:
        """Seconds that the twin takes for the same call, None if it cannot."""
        with _apart():
            try:
                start = time.perf_counter()
                getattr(twin, name)(*args, **kwargs)
                seconds = time.perf_counter() - start
            except Exception as error:
                tally.trouble = f"{type(error).__name__}: {error}".splitlines()[0]
                self._twins.pop(estimator, None)
                return None
            y = args[1] if len(args) > 1 else kwargs.get("y")
            if name == "fit" and args and y is not None and hasattr(twin, "score"):
                with contextlib.suppress(Exception):
                    tally.last = (estimator, twin, *_rows(args[0], y))
        return seconds


def _rows(*arrays):
    from sklearn.utils import _safe_indexing

    total = arrays[0].shape[0] if hasattr(arrays[0], "shape") else len(arrays[0])
    chosen = np.unique(np.linspace(0, total - 1, min(total, _SCORED_ROWS)).astype(int))
    return [_safe_indexing(array, chosen) for array in arrays]


@contextlib.contextmanager
def _apart():
    """What happens inside leaves no trace in NumPy's global random numbers and in the warnings."""
    state = np.random.get_state()  # noqa: NPY002 - the script's own numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
