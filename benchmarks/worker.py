"""One side of one job, in its own process: `python -m benchmarks.worker JOB SIDE DATA_FILE`. `run` talks to it by lines.

It warms up on tiny data (so that compilation and lazy imports are not in the first time), says that it is ready, and
then answers each line it gets: "run" with the seconds of each step, "quality" with the quality of the last outcome.
The first run is also the one whose memory is measured: before it, this process has done nothing of that size.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import statistics
import sys
import time
import warnings
from typing import Any

from benchmarks import machine
from benchmarks.jobs import THREADS, Job, Side, find

SHORT = 0.15  # seconds: a step below it is repeated until this has passed, and the median counts


def main(arguments) -> None:
    job_name, side_name, data_file = arguments
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    warnings.simplefilter("ignore")
    machine.pin(THREADS)
    job = find(job_name)
    side = next(one for one in (job.ours, *job.peers) if one.name == side_name)

    def answer(**facts):
        channel.write(json.dumps(facts) + "\n")
        channel.flush()

    tiny = job.make(**job.tiny)
    warm = side.fit(tiny)
    side.outcome(warm, tiny)
    del warm, tiny
    with open(data_file, "rb") as file:
        made = pickle.load(file)  # written by `run` a moment ago
    gc.collect()
    answer(ready=True, version=machine.version(side.needs))
    outcome: Any = None
    first = True
    for line in sys.stdin:
        if line.strip() == "run":
            outcome = None
            seconds, memory, outcome = run_once(job, side, made, repeat_short=not first)
            answer(seconds=seconds, memory=memory)
            first = False
        else:
            answer(quality=job.quality.measure(outcome, made))


def run_once(job: Job, side: Side, made: dict, *, repeat_short: bool):
    """Seconds and peak memory of each timed step, and the outcome."""
    seconds: dict[str, float] = {}
    memory: dict[str, list[float]] = {}
    fit_step, outcome_step = job.steps
    model = _measured(fit_step, lambda: side.fit(made), seconds, memory, repeat_short, job.per)
    outcome = _measured(outcome_step, lambda: side.outcome(model, made), seconds, memory, repeat_short, job.per)
    return seconds, memory, outcome


def _measured(step, function, seconds, memory, repeat_short, per):
    if step is None:
        return function()
    gc.collect()
    machine.forget_peak()
    before = machine.resident_mb()
    start = time.perf_counter()
    result = function()
    times = [time.perf_counter() - start]
    memory[step] = [round(machine.resident_mb("VmHWM"), 1), round(before, 1)]
    while repeat_short and sum(times) < SHORT:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    seconds[step] = statistics.median(times) / per
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
