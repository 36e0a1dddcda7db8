"""The harness: a quick run from end to end, the schema of its rows, and the committed page against the committed numbers."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import first_calls, machine, report, run, worker
from benchmarks.jobs import Job, Quality, Side

HERE = Path(run.__file__).parent
DESIGN_FIELDS = {"job": str, "size": str, "ours_seconds": float, "peer": str, "peer_seconds": float, "ratio": float,
                 "ours_mb": float, "peer_mb": float, "threads": int, "isa": str}


def a_row(**changed):
    row = {
        "job": "ridge: fit", "size": "10 x 2", "peer": "scikit-learn", "isa": "native", "threads": 2, "ours_seconds": 0.5,
        "peer_seconds": 1.0, "ratio": 2.0, "goal": 1.2, "repeats": 5, "ours_mb": 10.0, "peer_mb": 20.0, "ours_peak_mb": 110.0,
        "peer_peak_mb": 120.0, "memory_goal": None, "quality": "objective", "quality_ours": 1.0, "quality_peer": 1.0,
        "quality_as_good": True, "peer_keeps_to_isa": True, "first_call_seconds": 0.1, "first_call_compiled_seconds": 1.0,
        "ours_version": "0", "peer_version": "1", "measured": "2026-01-01"}
    return row | changed


def test_quick_run_writes_rows_and_page(tmp_path):
    command = ["--quick", "--only", "least squares", "--isa", "native", "--output", str(tmp_path)]
    assert run.main(command) == 0
    found = json.loads((tmp_path / "results.json").read_text())
    assert {row["peer"] for row in found["skipped"]} <= {"scikit-learn-intelex"}  # where it is not installed
    rows = {(row["job"], row["peer"]): row for row in found["rows"]}
    row = rows["least squares: fit", "scikit-learn"]
    assert row["size"] == run.TINY and row["isa"] == "native" and row["threads"] == 2
    for name, kind in DESIGN_FIELDS.items():
        assert isinstance(row[name], kind), name
    assert row["ratio"] == pytest.approx(row["peer_seconds"] / row["ours_seconds"], rel=1e-2)
    assert row["quality_ours"] == pytest.approx(row["quality_peer"], rel=1e-6)
    assert row["ours_peak_mb"] > row["ours_mb"] >= 0
    assert (tmp_path / "RESULTS.md").read_text() == report.results_page(found)


def test_committed_page_is_what_the_committed_numbers_give():
    found = json.loads((HERE / "results.json").read_text())
    assert (HERE / "RESULTS.md").read_text() == report.results_page(found), "run `python -m benchmarks.report`"


def test_committed_rows_are_of_the_table():
    found = json.loads((HERE / "results.json").read_text())
    known = {(f"{job.name}: {step}", size, peer.name) for job in run.JOBS for step in job.steps if step
             for size in job.sizes for peer in job.peers}
    for row in found["rows"]:
        assert row["job"] == run.IMPORT or (row["job"], row["size"], row["peer"]) in known
        assert set(DESIGN_FIELDS) | {"quality_ours", "quality_peer", "first_call_seconds"} <= set(row)
    keys = [(row["job"], row["size"], row["peer"], row["isa"]) for row in found["rows"]]
    assert len(set(keys)) == len(keys)


def test_a_row_measured_again_replaces_the_old_one(tmp_path):
    results = run.Results(tmp_path)
    results.skip(job="ridge: fit", size="10 x 2", peer="scikit-learn", isa="native", reason="was not installed")
    results.add(a_row())
    results.add(a_row(isa="avx2"))
    results.add(a_row(ratio=3.0))
    results.write()
    again = run.Results(tmp_path)
    assert [(row["isa"], row["ratio"]) for row in again.kept["rows"]] == [("native", 3.0), ("avx2", 2.0)]
    assert again.kept["skipped"] == []


def test_a_side_that_fails_is_named_with_its_reason(tmp_path, monkeypatch):
    """A worker is asked for a side that no table has: it dies, and its rows are skipped with its last words."""
    job = run.JOBS[-1]
    ghost = Side("ghost", "numpy", job.ours.fit, job.ours.outcome)
    results = run.Results(tmp_path)
    run.measure(job, run.TINY, (ghost,), "native", results, repeats=1, quick=True)
    assert results.kept["rows"] == []
    assert [(row["peer"], "StopIteration" in row["reason"]) for row in results.kept["skipped"]] == [("ghost", True)]


def test_a_missing_peer_is_skipped(tmp_path, capsys):
    job = run.JOBS[-1]
    absent = Side("absent", "no_such_package", job.ours.fit, job.ours.outcome)
    results = run.Results(tmp_path)
    run.measure(job, run.TINY, (absent,), "native", results, repeats=1, quick=True)
    assert "no_such_package is not installed" in capsys.readouterr().out
    assert results.kept["skipped"][0]["reason"] == "no_such_package is not installed"


def test_page_keeps_lost_rows_and_marks_them():
    rows = [a_row(), a_row(peer="other", ratio=0.5, peer_seconds=0.25, goal=2, quality_as_good=False),
            a_row(peer="third", memory_goal=1.3, peer_mb=5.0), a_row(isa="avx2", peer_keeps_to_isa=False)]
    page = report.results_page({"rows": rows, "machine": machine.describe()})
    lost = next(line for line in page.splitlines() if "| other |" in line)
    assert "0.50 **slower**" in lost and "2 **missed**" in lost and "†" in lost
    assert "2.00 | 1.2 met" in next(line for line in page.splitlines() if "| scikit-learn |" in line)
    assert "at most 1.3 times, **missed**" in page
    assert "scikit-learn\\*" in page
    assert "Goals of speed met: 3 of 4" in page and "slower: 1" in page


def test_first_call_page_compares_with_the_goals():
    call = {"isa": "native", "compiled_answer_seconds": 0.1, "cached_answer_seconds": 0.1}
    lines = report.first_call_table([
        {"estimator": "Ridge", "cached_seconds": 0.2, "compiled_seconds": 2.5, **call},
        {"estimator": "RandomForestRegressor", "cached_seconds": 0.4, "compiled_seconds": 2.5, **call}])
    assert next(line for line in lines if "Ridge" in line).count("met") == 1
    assert "0.3 s **missed**" in next(line for line in lines if "Forest" in line)
    assert "4 s met" in next(line for line in lines if "Forest" in line)


def test_first_call_is_measured_in_a_fresh_process(tmp_path):
    tmp_path.chmod(0o700)
    environment = {**os.environ, "HOMESPUN_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "benchmarks.first_calls", "StandardScaler", "--no-shipped"], cwd=HERE.parent,
                          env=environment, capture_output=True, text=True, check=True)
    fit, answer, kernels, data = json.loads(done.stdout)
    assert fit > 0 and answer > 0 and kernels >= 0 and data == "500 x 40"


def test_seconds_of_short_steps_are_medians_of_many_and_memory_is_seen(monkeypatch):
    """By a clock that says 20 ms for each call: eight calls make the 150 ms that a short step is repeated for."""
    ticks = itertools.count()
    monkeypatch.setattr(worker.time, "perf_counter", lambda: next(ticks) * 0.02)
    calls = []

    def fit(made):
        calls.append(np.ones((8_000_000,)).sum())
        return len(calls)

    side = Side("counting", "numpy", fit, lambda model, made: np.array([model]))
    job = Job("counting", (), dict, {}, {}, side, (), Quality("none", lambda outcome, made: 0.0), per=10)
    seconds, memory, outcome = worker.run_once(job, side, {}, repeat_short=True)
    assert len(calls) == 8 and outcome.tolist() == [1]
    assert seconds["fit"] == pytest.approx(0.02 / 10)
    peak, before = memory["fit"]
    assert peak - before > 50  # the array has 64 MB: more than malloc ever keeps for itself instead of giving it back


def test_environment_limits_every_pool_and_the_instructions():
    plain, narrow = machine.environment("native", 2), machine.environment("avx2", 2)
    assert plain["NUMBA_NUM_THREADS"] == plain["OMP_NUM_THREADS"] == "2"
    assert narrow["NUMBA_CPU_NAME"] == "x86-64-v3" and narrow["OPENBLAS_CORETYPE"] == "Haswell"
    assert plain.get("NUMBA_CPU_NAME") == os.environ.get("NUMBA_CPU_NAME")


def test_first_call_finds_any_public_estimator():
    from homespun.testing import all_estimators

    for name, cls in all_estimators():
        assert first_calls.find(name) is cls
