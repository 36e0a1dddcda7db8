"""The budget of `fit`: how much time is left, and an alarm that stops a step which would take more.

A step that has begun is stopped by a signal, as Ctrl-C would stop it, and only what it was doing is lost. Where signals
cannot be had (another thread than the main one, Windows) a step that has begun is finished, and only the next is not begun.
A signal waits until Numba has compiled what it compiles: so `compiling` says how long that takes, for who plans ahead.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager


class OutOfTime(BaseException):
    """The step in hand would break the promise about the budget. No Exception: no `except Exception` may swallow it."""


class Clock:
    """Time since the start, time left of `budget` seconds (infinite for None), and the alarm."""

    def __init__(self, budget: float | None = None):
        self.budget = budget
        self.started = time.monotonic()
        self.reserve = 0.0  # seconds that what comes after the comparison will need: fitting the winner on all rows

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds for the comparison: of the budget, less the reserve."""
        return float("inf") if self.budget is None else self.budget - self.reserve - self.seconds

    @contextmanager
    def alarm(self, most: float = float("inf")):
        """Stop the body with `OutOfTime` when nothing is left, or after `most` seconds."""
        left = min(self.left, most)
        if left <= 0:
            raise OutOfTime
        if left == float("inf") or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number, frame):
            raise OutOfTime

        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, left)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


@contextmanager
def compiling():
    """``with compiling() as spent``: ``spent()`` is how many seconds Numba has compiled in the body so far."""
    from numba.core import event

    with event.install_timer("numba:compile", lambda seconds: None) as timer:
        yield lambda: timer.duration if timer.done else 0.0
