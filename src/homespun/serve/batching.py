"""Requests that wait while the model is busy are answered together: one thread predicts, and takes all that has arrived.

A model's cost per call is far above its cost per row, so under load the batches grow and the throughput with them; an idle
server answers a single request at once, without any waiting time added. One thread is enough: kernels use all processors.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from homespun.base.errors import HomespunError


class Busy(HomespunError):
    """More rows wait than may."""


class Batcher:
    """Collects rows of many requests for one function.

    Parameters
    ----------
    work : callable
        List of rows → list of as many answers. An exception fails the requests of its batch one by one: each is tried
        alone, so that one request's bad row does not spoil the others.
    most_rows : int, default=4096
        Rows of a batch; a larger request is a batch of its own.
    most_waiting : int, default=200_000
        Rows that may wait; more are refused as `Busy`.
    """

    def __init__(self, work: Callable[[list], list], *, most_rows: int = 4096, most_waiting: int = 200_000):
        self.work, self.most_rows, self.most_waiting = work, most_rows, most_waiting
        self.waiting = 0
        self._queue: deque[tuple[list, asyncio.Future, asyncio.AbstractEventLoop]] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="homespun-predict", daemon=True)
        self._thread.start()

    async def ask(self, rows: list) -> Any:
        """The answers to `rows`, when their turn has come."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future = loop.create_future()
        with self._change:
            if self._closed:
                raise Busy("the server is shutting down", operation="predict", rule="an open server")
            if self.waiting and self.waiting + len(rows) > self.most_waiting:
                raise Busy(f"{self.waiting:,} rows are waiting; try again later", operation="predict", rule="a shorter queue")
            self._queue.append((rows, answer, loop))
            self.waiting += len(rows)
            self._change.notify()
        return await answer

    def close(self) -> None:
        """Answer what waits, then end."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def _take(self) -> list:
        with self._change:
            self._change.wait_for(lambda: self._queue or self._closed)
            batch: list = []
            size = 0
            while self._queue and (not batch or size + len(self._queue[0][0]) <= self.most_rows):
                batch.append(self._queue.popleft())
                size += len(batch[-1][0])
            self.waiting -= size
            return batch

    def _run(self) -> None:
        while batch := self._take():
            _tell(self._answered(batch))

    def _answered(self, batch: list) -> list[tuple]:
        """(who asked, its loop, answers, error) of each request of a batch."""
        try:
            answers = self.work([row for rows, *_ in batch for row in rows])
        except Exception as error:
            if len(batch) == 1:
                return [(*batch[0][1:], None, error)]
            return [told for one in batch for told in self._answered([one])]
        told: list[tuple] = []
        start = 0
        for rows, answer, loop in batch:
            told.append((answer, loop, answers[start : start + len(rows)], None))
            start += len(rows)
        return told


def _tell(told: list) -> None:
    """Wake each loop once, for all of its requests."""
    for loop in {loop for _, loop, *_ in told}:
        own = [(answer, result, error) for answer, its, result, error in told if its is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, own)


def _settle(told: list) -> None:
    for answer, result, error in told:
        if answer.done():  # the client has left
            continue
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
