"""`python -m benchmarks.run`: measure the table of `jobs`, write results.json, and from it RESULTS.md.

    --only PATTERN     jobs, sizes or peers that contain the text ("lasso", "FAISS", "import", "first call"); repeatable
    --isa native|avx2|both     default both: everything that this machine has, then limited to AVX2
    --repeats N        instead of each job's own number
    --quick            tiny data, one repeat, no waiting: shows that the harness works; writes nothing unless --output
    --output FOLDER    where results.json and RESULTS.md are (default: this folder); rows that are there are updated

Every side is a process of its own, kept alive; the sides of a job take turns, and before each turn the machine must be
idle. The whole table takes about 25 minutes on 2 processors.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.util
import json
import pickle
import selectors
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import first_calls, machine, report
from benchmarks.jobs import JOBS, THREADS, Job, Side

HERE = Path(__file__).parent
PATIENCE = 300  # seconds that one step of one side may take
IMPORT = "import homespun"
TINY = "tiny"  # the size that --quick measures


class SideFailed(RuntimeError):
    """A side could not do its job; its rows are skipped, and the reason is printed and kept."""


class Worker:
    """The process of one side."""

    def __init__(self, job: Job, side: Side, data_file: str, isa: str):
        self.name = side.name
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed with the worker)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", job.name, side.name, data_file], cwd=HERE.parent, text=True,
            env=machine.environment(isa, THREADS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        assert process.stdin and process.stdout  # both are pipes
        self.process, self.questions, self.answers = process, process.stdin, process.stdout

    def ask(self, question: str) -> dict:
        self.questions.write(question + "\n")
        self.questions.flush()
        return self.answer()

    def answer(self) -> dict:
        with selectors.DefaultSelector() as selector:
            selector.register(self.answers, selectors.EVENT_READ)
            line = self.answers.readline() if selector.select(PATIENCE) else "late"
        if line == "late":
            self.process.kill()
            raise SideFailed(f"no answer within {PATIENCE} s")
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines() or [f"exit status {self.process.returncode}"]
            raise SideFailed(last[-1][:200])
        return json.loads(line)

    def close(self):
        for stream in (self.questions, self.answers):
            with contextlib.suppress(BrokenPipeError):  # a question that a dead process never read
                stream.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


class Results:
    """results.json: rows by (job, size, peer, isa), so that single rows can be measured again."""

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "results.json"
        self.kept = json.loads(path.read_text()) if path.is_file() else {}
        for part in ("rows", "first_calls", "skipped"):
            self.kept.setdefault(part, [])

    def add(self, row: dict) -> None:
        self._replace("rows", row, ("job", "size", "peer", "isa"))
        self._forget("skipped", row, ("job", "size", "peer", "isa"))

    def skip(self, **facts) -> None:
        print(f"  skipped: {facts['job']}, {facts['size']}, {facts['peer']}, {facts['isa']}: {facts['reason']}", flush=True)
        self._replace("skipped", facts, ("job", "size", "peer", "isa"))

    def add_first_call(self, row: dict) -> None:
        self._replace("first_calls", row, ("estimator", "isa"))

    def first_call(self, estimator: str, isa: str) -> dict:
        known = [row for row in self.kept["first_calls"] if (row["estimator"], row["isa"]) == (estimator, isa)]
        return known[0] if known else {}

    def _forget(self, part, row, key):
        self.kept[part] = [old for old in self.kept[part] if any(old[name] != row[name] for name in key)]

    def _replace(self, part, row, key):
        self._forget(part, row, key)
        self.kept[part].append(row)

    def write(self) -> None:
        self.kept["machine"] = machine.describe()
        order = {job.name: number for number, job in enumerate(JOBS)}
        peers = {(job.name, side.name): number for job in JOBS for number, side in enumerate(job.peers)}

        def place(row):  # as in `jobs`
            job = row["job"].rpartition(": ")[0]
            return (order.get(job, -1), row["isa"] != "native", row["job"], row["size"], peers.get((job, row["peer"]), 0))

        self.kept["rows"].sort(key=place)
        self.kept["first_calls"].sort(key=lambda row: (row["isa"] != "native", row["estimator"]))
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "results.json").write_text(json.dumps(self.kept, indent=1, sort_keys=True) + "\n")
        (self.folder / "RESULTS.md").write_text(report.results_page(self.kept))


def measure(job: Job, size: str, peers, isa: str, results: Results, *, repeats: int | None, quick: bool) -> None:
    """Measure one job at one size against `peers`: sides in turn, medians of the repeats."""
    missing = [side for side in peers if importlib.util.find_spec(side.needs) is None]
    for side in missing:
        results.skip(job=job.name, size=size, peer=side.name, isa=isa, reason=f"{side.needs} is not installed")
    present = [side for side in peers if side not in missing]
    if not present:
        return
    print(f"{job.name}, {size}, {isa}", flush=True)
    with tempfile.NamedTemporaryFile(prefix="homespun-bench-", suffix=".pickle") as file:
        pickle.dump(job.make(**(job.tiny if size == TINY else job.sizes[size])), file, protocol=5)
        file.flush()
        if not quick:
            fill_cache(job, file.name, isa)
        sides = {side.name: side for side in (job.ours, *present)}
        workers = {name: Worker(job, side, file.name, isa) for name, side in sides.items()}
        found: dict[str, dict] = {name: {"seconds": [], "memory": None} for name in sides}

        def attempt(name, question):
            try:
                return workers[name].ask(question) if question else workers[name].answer()
            except (SideFailed, BrokenPipeError) as failure:
                workers.pop(name).close()
                if name == job.ours.name:
                    raise SideFailed(str(failure)) from None
                results.skip(job=job.name, size=size, peer=name, isa=isa, reason=str(failure))
                return None

        try:
            for name in sides:
                found[name].update(attempt(name, "") or {})
            for turn in range(1 if quick else repeats or job.repeats):
                for name in list(workers):
                    if turn >= (sides[name].repeats or turn + 1):
                        continue
                    if not quick:
                        machine.wait_until_idle()
                    answer = attempt(name, "run")
                    if answer:
                        found[name]["seconds"].append(answer["seconds"])
                        found[name]["memory"] = found[name]["memory"] or answer["memory"]
            for name in list(workers):
                found[name].update(attempt(name, "quality") or {})
        except SideFailed as failure:
            for side in present:
                results.skip(job=job.name, size=size, peer=side.name, isa=isa, reason=f"homespun: {failure}")
            return
        finally:
            for worker in workers.values():
                worker.close()
    for side in present:
        if side.name in workers:
            for step in filter(None, job.steps):
                results.add(row_of(job, size, step, side, isa, found[job.ours.name], found[side.name], results))


def fill_cache(job: Job, data_file: str, isa: str) -> None:
    """Run our side once in a process that is thrown away.

    Some kernels run on large data only, so warming up on tiny data does not compile them. Now they are in the cache, and
    the compiler's time and memory are in no row but in the table of first calls.
    """
    worker = Worker(job, job.ours, data_file, isa)
    try:
        worker.answer()
        worker.ask("run")
    except (SideFailed, BrokenPipeError):
        pass  # the measurement that follows meets the same failure and reports it
    finally:
        worker.close()


def row_of(job: Job, size: str, step: str, peer: Side, isa: str, ours: dict, theirs: dict, results: Results) -> dict:
    ours_seconds = statistics.median(run[step] for run in ours["seconds"])
    peer_seconds = statistics.median(run[step] for run in theirs["seconds"])
    ours_peak, ours_before = ours["memory"][step]
    peer_peak, peer_before = theirs["memory"][step]
    first = results.first_call(job.estimators[0], isa)
    goal = peer.goals.get(step) if isa == "native" else 1.0 if peer.avx2 else None  # on AVX2: never slower than on AVX2
    row = {
        "job": f"{job.name}: {step}", "size": size, "peer": peer.name, "isa": isa, "threads": THREADS,
        "ours_seconds": ours_seconds, "peer_seconds": peer_seconds, "ratio": round(peer_seconds / ours_seconds, 3),
        "goal": goal, "repeats": len(ours["seconds"]), "peer_repeats": len(theirs["seconds"]),
        "ours_mb": round(ours_peak - ours_before, 1), "peer_mb": round(peer_peak - peer_before, 1),
        "ours_peak_mb": ours_peak, "peer_peak_mb": peer_peak, "memory_goal": peer.memory if step == job.steps[0] else None,
        "quality": job.quality.name, "quality_ours": ours["quality"], "quality_peer": theirs["quality"],
        "quality_as_good": job.quality.as_good(ours["quality"], theirs["quality"]),
        "peer_keeps_to_isa": isa == "native" or peer.avx2,
        "first_call_seconds": first.get("cached_seconds"), "first_call_compiled_seconds": first.get("compiled_seconds"),
        "ours_version": ours["version"], "peer_version": theirs["version"], "measured": _today(),
    }
    print(f"  {row['job']:<34} {row['peer']:<30} {ours_seconds:9.4g} s {peer_seconds:9.4g} s   ratio {row['ratio']:.2f}",
          flush=True)
    return row


def measure_import(isa: str, results: Results, *, repeats: int, quick: bool) -> None:
    """``import homespun`` against ``import numpy``, each in fresh processes, in turn."""
    times: dict[str, list] = {"homespun": [], "numpy": []}
    for _ in range(repeats + 1):
        for module in times:
            if not quick:
                machine.wait_until_idle(5)
            times[module].append(first_calls.imports(module, isa))
    ours, peer = ([statistics.median(column) for column in zip(*times[module][1:])] for module in times)  # first: disk
    results.add({
        "job": IMPORT, "size": "fresh process", "peer": "import numpy", "isa": isa, "threads": THREADS,
        "ours_seconds": ours[0], "peer_seconds": peer[0], "ratio": round(peer[0] / ours[0], 3), "goal": 0.667,
        "repeats": repeats, "peer_repeats": repeats,
        "ours_mb": round(ours[1] - ours[2], 1), "peer_mb": round(peer[1] - peer[2], 1),
        "ours_peak_mb": ours[1], "peer_peak_mb": peer[1], "memory_goal": None, "quality": None, "quality_ours": None,
        "quality_peer": None, "quality_as_good": True, "peer_keeps_to_isa": True, "first_call_seconds": None,
        "first_call_compiled_seconds": None, "ours_version": machine.version("homespun"),
        "peer_version": machine.version("numpy"), "measured": _today()})


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _first_calls(names, isa, results):
    for name in names:
        try:
            row = first_calls.measure(name, isa) | {"measured": _today()}
        except RuntimeError as failure:
            results.skip(job="first call", size="300 x 6", peer=name, isa=isa, reason=str(failure).strip().splitlines()[-1])
            continue
        print(f"  first call {name:<34} {row['compiled_seconds']:6.2f} s compiled, {row['cached_seconds']:6.2f} s cached",
              flush=True)
        results.add_first_call(row)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--isa", choices=(*machine.ISAS, "both"), default="both")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args(arguments)
    wanted = [text.lower() for text in chosen.only]

    def matches(*names):
        return not wanted or any(text in " ".join(names).lower() for text in wanted)

    results = Results(chosen.output or HERE)
    for isa in machine.ISAS if chosen.isa == "both" else (chosen.isa,):
        if matches("import homespun"):
            measure_import(isa, results, repeats=1 if chosen.quick else 15, quick=chosen.quick)
        picked = [(job, size, peers) for job in JOBS for size in ([TINY] if chosen.quick else job.sizes)
                  if (peers := [side for side in job.peers if matches(job.name, size, side.name)])]
        _first_calls(_first_call_names(picked, isa, matches, chosen.quick), isa, results)
        for job, size, peers in picked:
            measure(job, size, peers, isa, results, repeats=chosen.repeats, quick=chosen.quick)
            if not chosen.quick:
                results.write()  # an interrupted run keeps what it has
    if not chosen.quick or chosen.output:
        results.write()
    return 0


def _first_call_names(picked, isa, matches, quick) -> list[str]:
    """Every estimator on everything this machine has; on AVX2 and with --only, those of the jobs that run.

    Not those that wrap another one: their first call is that of the model within.
    """
    if quick:
        return []
    if isa == "native" and matches("first call"):
        from sklearn.base import MetaEstimatorMixin

        from homespun.testing import all_estimators

        return [name for name, cls in all_estimators() if not issubclass(cls, MetaEstimatorMixin)]
    return sorted({job.estimators[0] for job, _, _ in picked})


if __name__ == "__main__":
    sys.exit(main())
