"""The long form of the tests (`make test-all`): every lane, piece by piece; date and counts go to docs/test_all.md.

    python tests/long_form.py                     all lanes
    python tests/long_form.py interpreted         one lane
    python tests/long_form.py bounds/tree avx2    one piece of a lane, and a lane
    python tests/long_form.py --list | --page     what there is; the page from the counts that are known
    python tests/long_form.py --record "make test" make test     run a command; its date, minutes and test counts go to the page

A piece is one folder of tests in a process of its own, a few minutes each: what one leaves behind cannot help or hurt the
next, and an interrupted run goes on where it stopped (counts are kept in long_form.json).
"""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
COUNTS = TESTS / "long_form.json"
RECORDS = TESTS / "records.json"  # of whole commands, as somebody new to the project runs them
PAGE = ROOT / "docs" / "test_all.md"
SUITES = TESTS / "scikit_learn_suites.toml"
LONGEST = 1800  # seconds for a piece
OLDEST = ("base", "cli", "data", "datasets", "impute", "kernels", "tabular/test_fit.py", "persist/test_model_file.py",
          "test_discovery.py")  # what meets the most of other packages
OUTCOMES = ("passed", "failed", "skipped", "expected failures", "deselected")


@dataclass
class Lane:
    """One way to run tests: what the environment says, what pytest is told, and its pieces by name."""

    title: str
    environment: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    pieces: dict[str, list[str]] = field(default_factory=dict)
    folder: Path = ROOT
    python: Path = Path(sys.executable)


def folders() -> dict[str, list[str]]:
    """Our own tests: each folder, and each file that lies in none."""
    inside = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    return {name.removesuffix(".py"): [f"tests/{name}"] for name in sorted(inside)}


def with_all_edits(pieces: dict[str, list[str]]) -> dict[str, list[str]]:
    """The thousands of edits of kernels take long: each package that has kernels is a piece of its own."""
    source = ROOT / "src" / "homespun"
    packages = {path.relative_to(source).parts[0] for path in source.rglob("*.py") if "\n@kernel" in path.read_text("utf-8")}
    test = "tests/test_mutations.py::test_all_edits_are_caught"
    return pieces | {"test_mutations": ["tests/test_mutations.py", "-m", "not slow"]} | {
        f"test_mutations/{package}": [f"{test}[{package}]"] for package in sorted(packages)}


def suites() -> dict:
    """Which of scikit-learn's own test modules meet our classes, and which of their tests do not, with reasons."""
    return tomllib.loads(SUITES.read_text(encoding="utf-8"))


def lanes() -> dict[str, Lane]:
    """All of them, by name."""
    site = Path(metadata.distribution("scikit-learn").locate_file(""))
    chosen = suites()
    quick = ["-m", "not slow"]
    plugins = [part for name in ("no:cacheprovider", "homespun.drop_in", "long_form") for part in ("-p", name)]
    theirs = {name.removeprefix("sklearn.").replace(".tests.test_", "."): [name] for name in chosen["suites"]}
    return {
        "compiled": Lane("JIT on, all tests", pieces=with_all_edits(folders())),
        "interpreted": Lane("JIT off: kernels as plain Python", {"NUMBA_DISABLE_JIT": "1"}, quick, folders()),
        "bounds": Lane("every index checked", {"NUMBA_BOUNDSCHECK": "1"}, quick, folders()),
        "avx2": Lane("compiled for AVX2", {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}, quick, folders()),
        "scikit-learn": Lane("scikit-learn's own suites on our classes", {"PYTHONPATH": search_path()},
                             ["-c", os.devnull, f"--rootdir={site}", *plugins, "--pyargs"], theirs, site),
        "oldest": Lane("the lower bounds of pyproject.toml, installed", {},
                       [*quick, "-W", "ignore::DeprecationWarning"],  # what they warn of about each other is their affair
                       {name.removesuffix(".py"): [f"tests/{name}"] for name in OLDEST},
                       python=ROOT / ".venv-oldest" / "bin" / "python"),
        "peers": Lane("parity with peers that CI does not install", {}, [], {"jobs": ["tests/benchmarks"]}),
    }


def search_path() -> str:
    """Where this file lies, as a plugin of pytest's, before what is searched already."""
    return os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))


def pytest_collection_modifyitems(config, items):
    """In the lane of scikit-learn's suites (``-p long_form``): leave out what the list leaves out, by exact names."""
    listed = {f"sklearn/{test}" for group in suites()["deselected"] for test in group["tests"]}
    names = {item: {item.nodeid, item.nodeid.partition("[")[0]} for item in items}
    collected = {item.nodeid.partition("::")[0] for item in items}
    stale = {test for test in listed if test.partition("::")[0] in collected} - set().union(*names.values())
    if stale and metadata.version("scikit-learn") == suites()["version"]:
        raise pytest.UsageError(f"{SUITES.name} lists what is not there: {', '.join(sorted(stale))}")
    config.hook.pytest_deselected(items=[item for item in items if names[item] & listed])
    items[:] = [item for item in items if not names[item] & listed]


def run(lane: Lane, piece: str, workers: int) -> dict:
    """Run a piece; what came of it, as `long_form.json` keeps it."""
    quiet = {"HOMESPUN_PROGRESS": "0", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [str(lane.python), "-m", "pytest", "-rfE", "--tb=short", f"--junitxml={report}", *lane.options,
                   *(["-n", str(workers)] if workers > 1 else []), *lane.pieces[piece]]
        try:
            done = subprocess.run(command, cwd=lane.folder, env={**os.environ, **quiet, **lane.environment}, timeout=LONGEST,
                                  text=True, capture_output=True)
            text, code = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            text, code = (late.stdout or b"").decode(errors="replace") + f"\nran past {LONGEST} s", 124
        skipped = skips(report) if report.exists() else {}
    counts = count(text)
    if code not in (0, 5) and not counts["failed"]:  # 5: nothing was chosen. Otherwise pytest itself, or the process, came down
        counts["failed"] = 1
    failures = re.findall(r"^(?:FAILED|ERROR) (\S+.*?)(?: - |$)", text, re.MULTILINE)
    if counts["failed"]:
        print(text[-20000:])
    return {**counts, "failures": failures or ([f"exit code {code}"] if counts["failed"] else []), "skips": skipped,
            "seconds": round(time.perf_counter() - started), "date": datetime.date.today().isoformat(), "commit": commit()}


def count(text: str) -> dict[str, int]:
    """The counts in pytest's last line."""
    last = re.compile(r"\b\d+ (passed|failed|skipped|deselected|errors?)\b.* in [\d.]+s")
    lines = [line for line in text.splitlines() if last.search(line)]
    found = collections.Counter()
    for number, word in re.findall(r"(\d+) (\w+)", lines[-1] if lines else ""):
        name = {"error": "failed", "errors": "failed", "xfailed": "expected failures", "xpassed": "passed"}.get(word, word)
        found[name] += int(number)
    return {name: found[name] for name in OUTCOMES}


def skips(report: Path) -> dict[str, int]:
    """Reason → number of tests skipped for it."""
    found = collections.Counter()
    for node in xml.parse(report).iter("skipped"):
        if node.get("type") != "pytest.xfail":
            found[(node.get("message") or "no reason").splitlines()[0][:150]] += 1
    return dict(found.most_common())


def commit() -> str:
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no", "src") else "")


# ---------------------------------------------------------------------------------------------------------------------
# The page


def page(known: dict) -> str:
    """What docs/test_all.md says."""
    every = lanes()
    rows, failed, skipped, waiting = [], [], [], []
    for name, lane in every.items():
        done = {piece: known.get(name, {}).get(piece) for piece in lane.pieces}
        ran = {piece: one for piece, one in done.items() if one}
        total = {outcome: sum(one[outcome] for one in ran.values()) for outcome in OUTCOMES}
        days = sorted({one["date"] for one in ran.values()})
        rows.append([name, lane.title, f"{len(ran)} of {len(done)}", *(f"{total[outcome]:,}" for outcome in OUTCOMES),
                     f"{sum(one['seconds'] for one in ran.values()) / 60:.0f}",
                     " to ".join(dict.fromkeys([*days[:1], *days[-1:]])),
                     ", ".join(sorted({one["commit"] for one in ran.values()}))])
        waiting += [f"* {name}: {', '.join(f'`{piece}`' for piece in done if piece not in ran)}"] if len(ran) < len(done) else []
        cases = collections.Counter(test.partition("[")[0] for one in ran.values() for test in one["failures"])
        failed += [f"* {name}: `{test}`" + (f", {number} cases" if number > 1 else "") for test, number in cases.items()]
        reasons = collections.Counter()
        for one in ran.values():
            reasons.update(one["skips"])
        skipped += [[name, f"{number:,}", reason.replace("|", "/")] for reason, number in reasons.most_common()]
    chosen = suites()
    left_out = [[group["reason"], f"{len(group['tests'])}"] for group in chosen["deselected"]]
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "numba", "scikit-learn", "pytest"))
    return "\n".join([
        "# The long form of the tests", "",
        "`make test-all` writes this page: the counts of its last run, lane by lane. "
        f"Python {sys.version_info.major}.{sys.version_info.minor}, {versions}.", "",
        *table(["lane", "what", "pieces", *OUTCOMES, "minutes", "date", "commit"], rows), "",
        "A `+` behind a commit: with changes that were not committed yet.", "",
        "## As somebody new runs it", "", "`make record` runs these on a clean clone.", "",
        *recorded(json.loads(RECORDS.read_text()) if RECORDS.exists() else []), "",
        "## Failures", "", *(failed or ["None."]), "",
        "## Not run yet", "", *(waiting or ["None."]), "",
        "## Skipped", "", *table(["lane", "tests", "reason"], skipped), "",
        "## scikit-learn's tests that are left out", "",
        f"Chosen on scikit-learn {chosen['version']}: {len(chosen['suites'])} test modules of the families that we have. "
        f"Left out is what is not promised, by reason; `tests/{SUITES.name}` names every test.", "",
        *table(["reason", "names (one may stand for many cases)"], left_out), ""])


def record(name: str, command: list[str]) -> int:
    """Run a command, shown as it runs, and keep when it was, how long it took and how many tests it passed."""
    start, said = time.perf_counter(), []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            said.append(line)
    status = process.returncode
    known = json.loads(RECORDS.read_text()) if RECORDS.exists() else []
    known.append({"name": name, "date": datetime.date.today().isoformat(), "commit": commit(), "status": status,
                  "seconds": round(time.perf_counter() - start), "cores": os.cpu_count(), **counts_of("".join(said))})
    RECORDS.write_text(json.dumps(known, indent=1) + "\n")
    return status


def counts_of(text: str) -> dict[str, int]:
    """Tests that passed and failed, of all runs of pytest that a text shows.

    >>> counts_of("=== 10 passed, 1 skipped in 3.1s ===\\n... === 1 failed, 2 passed in 1.0s ===")
    {'passed': 12, 'failed': 1}
    """
    return {outcome: sum(map(int, re.findall(rf"(\d+) {outcome}\b", text))) for outcome in ("passed", "failed")}


def recorded(known: list[dict]) -> list[str]:
    """The last run of each command, as lines of a table."""
    if not known:
        return ["Not recorded yet."]
    last = {one["name"]: one for one in known}
    return table(["what", "date", "commit", "ended", "tests passed", "failed", "minutes", "processors"], [
        [one["name"], one["date"], one["commit"], "well" if one["status"] == 0 else f"with status {one['status']}",
         f"{one['passed']:,}", f"{one['failed']:,}", f"{one['seconds'] / 60:.1f}", str(one["cores"])] for one in last.values()])


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chosen", nargs="*", metavar="LANE[/PIECE]", help="default: all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of a piece (default: one a core)")
    parser.add_argument("--list", action="store_true", help="name lanes and pieces, run nothing")
    parser.add_argument("--record", nargs=argparse.REMAINDER, metavar="NAME COMMAND", help="run a command and note how it went")
    parser.add_argument("--page", action="store_true", help="write the page, run nothing")
    told = parser.parse_args()
    if told.record is not None and len(told.record) < 2:
        parser.error("--record needs a name and a command")
    status = record(told.record[0], told.record[1:]) if told.record else 0
    told.page = told.page or bool(told.record)
    every = lanes()
    jobs = [(name, piece) for name, lane in every.items() for piece in lane.pieces
            if not told.chosen or {name, f"{name}/{piece}"} & set(told.chosen)]
    wrong = set(told.chosen) - {part for name, piece in jobs for part in (name, f"{name}/{piece}")}
    if wrong:
        parser.error(f"there is no lane or piece {', '.join(sorted(wrong))}; --list names them")
    if told.list:
        print("\n".join(f"{name}/{piece}" for name, piece in jobs))
        return 0
    absent = {str(every[name].python) for name, _ in jobs if not told.page and not every[name].python.exists()}
    if absent:
        parser.error(f"{', '.join(absent)} is not there: `make test-all` and `make test-oldest` install it")
    bad = 0
    for name, piece in jobs if not told.page else []:
        print(f"{name}/{piece}: ", end="", flush=True)
        one = run(every[name], piece, told.workers)
        counts = ", ".join(f"{one[outcome]} {outcome}" for outcome in OUTCOMES if one[outcome])
        print(counts, f"in {one['seconds']} s", flush=True)
        bad += one["failed"]
        known = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
        known.setdefault(name, {})[piece] = one
        COUNTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    known = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    PAGE.write_text(page({name: {piece: one for piece, one in known.get(name, {}).items() if piece in every[name].pieces}
                          for name in every}), encoding="utf-8")
    return status or bool(bad)


if __name__ == "__main__":
    sys.exit(main())
