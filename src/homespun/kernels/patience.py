"""On a crowded machine a parallel region waits for a thread that does not run; then it is run by its caller alone.

`PATIENCE.run(seconds, kernel, *arguments)` calls a parallel kernel and looks at the clock. On an idle machine a short region
gains by `prange` (50 us of boosting become 35 on two processors). Where other processes keep the processors busy, the pool's
second thread gets its turn milliseconds later, and 3,000 such regions take six to fourteen seconds instead of one or two. So:

    lost = time it took - time it takes one thread       more than LATE: it waited
    then the caller runs regions alone, until that took  debt = lost * factor;  the next one tries the pool again
    factor: 4 times larger at each wait (from 2 to 32), half at each try that went well

Waits therefore take at most 1 / (1 + factor) of the time, a 33rd where they are the rule, and a lone hiccup of an idle machine
costs twice its own length at one thread's speed. As in renting before buying (Karlin et al. 1988, Algorithmica 3), nothing
needs to be known of the other load. The threads are only masked (`numba.set_num_threads`, of this Python thread): the same code
runs, so nothing is compiled, and as blocks own their output the result is the same to the last bit. O(1).

Not handled: a region that has begun waits till its end; and BLAS has threads of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numba

from homespun.kernels.kernel import runs_plain

LATE = 1e-3  # seconds; an idle thread is there after 50 us, on a busy processor a turn takes 3 ms or more
LONGEST = 0.1  # seconds; a process that was stopped (Ctrl-Z) for an hour in a region has not waited for a processor
LEAST, MOST = 2.0, 32.0  # of the factor


class Patience:
    """How much longer regions run alone. One for the process: several threads may share it, a lost update costs a wait."""

    def __init__(self):
        self.debt, self.factor = 0.0, LEAST

    def run(self, seconds: Callable[[], float], kernel, *arguments) -> None:
        """Call the parallel `kernel`; `seconds()`: about what one thread that has a processor to itself would take."""
        if runs_plain() or not kernel.overloads:  # the first call loads or compiles it: its time says nothing
            kernel(*arguments)
            return
        start = time.perf_counter()
        if self.debt > 0.0:
            alone(kernel, *arguments)
            self.debt -= time.perf_counter() - start
            return
        kernel(*arguments)
        took = time.perf_counter() - start
        lost = took - seconds() if took > LATE else 0.0
        if lost > LATE:
            self.debt = min(lost, LONGEST) * self.factor
            self.factor = min(4.0 * self.factor, MOST)
        elif self.factor > LEAST:
            self.factor /= 2.0


def alone(kernel, *arguments) -> None:
    """Call a parallel kernel on this thread only."""
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        kernel(*arguments)
    finally:
        numba.set_num_threads(threads)


PATIENCE = Patience()
