"""What holds for all tests: which ones need the compiler, because interpreted they would take minutes."""

import ctypes.util
import importlib.util
import sys

import pytest
from numba.core import config

# Start of a test's name → why it does not run with NUMBA_DISABLE_JIT=1. Everything else does.
NEEDS_COMPILER = {
    "tests/benchmarks/test_jobs.py::test_ours_is_as_good_as_the_peer":
        "parity with the benchmark's peers is measured on thousands of rows: 5 minutes interpreted",
    "tests/benchmarks/test_run.py::test_first_call_is_measured_in_a_fresh_process":
        "a first call is measured to see what compiling costs: nothing is compiled",
}


def pytest_configure(config):
    """LightGBM's wheel needs the system's OpenMP library (Debian: libgomp1). Without it LightGBM counts as absent."""
    if sys.platform == "linux" and importlib.util.find_spec("lightgbm") and not ctypes.util.find_library("gomp"):
        sys.modules["lightgbm"] = None  # tests that want it skip, as if it were not installed


def pytest_collection_modifyitems(items):
    if not config.DISABLE_JIT:
        return
    for item in items:
        for start, reason in NEEDS_COMPILER.items():
            if item.nodeid.startswith(start):
                item.add_marker(pytest.mark.skip(reason=f"without the compiler: {reason}"))
