"""Blocks of work on threads: `over_blocks(kernel, count, *arguments)` calls ``kernel(block, *arguments)`` for each block.

Compiled code that releases the GIL runs on ordinary Python threads. Beside Numba's `prange` this costs 50 us a call
instead of 2, so it is for coarse work (a block of queries, a tree, a block of rows), not for loops inside a round of
boosting. What it buys: a kernel compiles in half the time (k-NN: 1.5 s instead of 3.1 s; the parallel transformations
compile its body several times), several user threads may call at once on any machine, a forked child just starts new
threads, nothing spins while it waits, and Ctrl-C is seen between blocks.

Blocks are fixed by the data, never by the number of threads, and each owns its output: the result is the same on any
number of threads.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor

from homespun.kernels.kernel import num_threads, runs_plain

_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def over_blocks(kernel, count: int, *arguments, threads: int | None = None) -> None:
    """Call ``kernel(block, *arguments)`` for every block in 0 … count - 1, on as many threads as there are.

    Parameters
    ----------
    kernel : Kernel
        Serial (it releases the GIL, as every kernel does). A block should take 50 microseconds or more.
    count : int
        Number of blocks. An idle thread fetches the next block, so uneven ones balance.
    threads : int, optional
        At most so many threads; default `num_threads`.

    Raises
    ------
    The first error of a block, when all threads have finished the block in hand: none writes on after that.
    """
    workers = 1 if runs_plain() else min(threads or num_threads(), count)
    if workers <= 1:
        for block in range(count):
            kernel(block, *arguments)
        return
    blocks = itertools.count()  # its next() is atomic
    stopped = False
    errors: list[BaseException] = []

    def work():
        nonlocal stopped
        try:
            for block in blocks:
                if stopped or block >= count:
                    return
                kernel(block, *arguments)
        except BaseException as error:
            stopped = True  # the others finish the block in hand and stop
            errors.append(error)  # kept, not raised: whoever owns the arrays must not have them back before all have stopped

    helpers = [_threads(workers - 1).submit(work) for _ in range(workers - 1)]
    work()
    stopped = True
    for helper in helpers:
        while not helper.cancel():  # one that never started (the pool serves other callers too) is not missed
            try:
                helper.result()
                break
            except BaseException as error:  # Ctrl-C, while waiting
                errors.append(error)
    if errors:
        try:
            raise errors[0]
        finally:
            errors.clear()  # an error that holds this frame, which holds the error, would keep the arrays


def _threads(size: int) -> ThreadPoolExecutor:
    """The pool of the process, grown if need be. Several callers share it; each also works itself, so none waits for ever."""
    global _pool, _pool_size
    if _pool is None or _pool_size < size:
        _pool, _pool_size = ThreadPoolExecutor(size, thread_name_prefix="homespun"), size
    return _pool


def _forget_pool() -> None:
    global _pool, _pool_size
    _pool, _pool_size = None, 0  # a forked child has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
