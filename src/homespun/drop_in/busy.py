"""How many cores other programs took meanwhile: on a busy machine times compare badly, and the table should say so.

    others = (busy ticks of the machine - those of this process and of those that it started) / ticks of the time that passed

From Linux's /proc; None elsewhere. What was tried instead, waiting threads that go to sleep sooner (GOMP_SPINCOUNT=1000),
makes scikit-learn's OpenMP loops twice as slow on a busy machine, so it flatters us more (benchmarks/LOG.md).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

WORTH_SAYING = 0.2  # cores
_PROC = Path("/proc")


class Meter:
    """Starts when it is made; `others()` is the number of cores that other programs have taken since, on average."""

    def __init__(self, proc: Path = _PROC):
        self.proc = proc
        self.start = self._ticks(), time.monotonic()

    def others(self) -> float | None:
        before, begin = self.start
        after, passed = self._ticks(), time.monotonic() - begin
        if before is None or after is None or passed <= 0:
            return None
        busy, own = (now - then for now, then in zip(after, before))
        return max(0.0, (busy - own) / os.sysconf("SC_CLK_TCK") / passed)

    def _ticks(self) -> tuple[int, int] | None:
        """(of the whole machine, of this process and its descendants), since they started."""
        try:
            cells = (self.proc / "stat").read_text().splitlines()[0].split()[1:]
            busy = sum(int(cells[place]) for place in (0, 1, 2, 5, 6))  # user, nice, system, interrupts; not the idle ones
            parents, used = {}, {}
            for entry in self.proc.iterdir():
                if entry.name.isdigit():
                    try:
                        parts = (entry / "stat").read_text().rpartition(")")[2].split()
                    except OSError:  # it has ended
                        continue
                    parents[int(entry.name)] = int(parts[1])
                    used[int(entry.name)] = sum(map(int, parts[11:15]))  # its own, and those of children that have ended
        except (OSError, ValueError, IndexError):
            return None
        return busy, sum(ticks for process, ticks in used.items() if _descends(process, parents))


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process in parents:
        if process == os.getpid():
            return True
        process = parents[process]
    return False
