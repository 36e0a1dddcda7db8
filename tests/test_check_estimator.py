"""scikit-learn's own checks for every estimator of the house: all that apply, none expected to fail.

`benchmarks/estimator_checks.py` publishes the counts in docs/estimator_checks.md.
"""

import collections
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.utils import get_tags

from homespun.testing.discovery import all_estimators, example_of
from homespun.testing.sklearn_checks import SETTINGS, run_check, scikit_learn_checks

NEEDS_ENVIRONMENT = "check_array_api_input"  # runs only where SCIPY_ARRAY_API is set before SciPy is imported
ESTIMATORS = all_estimators()


def cases():
    for name, cls in ESTIMATORS:
        counted = collections.Counter()
        for check_name, check in scikit_learn_checks(example_of(cls)):
            if not check_name.startswith(NEEDS_ENVIRONMENT):
                counted[check_name] += 1
                number = f"-{counted[check_name]}" if counted[check_name] > 1 else ""
                yield pytest.param(check, id=f"{name}-{check_name}{number}")


@pytest.mark.parametrize("check", list(cases()))
def test_check(check):
    status, error = run_check(check)
    if error is not None and status == "failed":
        raise error
    if status == "skipped":  # it found out by itself that it does not apply
        assert "does not have a" in str(error), error
        pytest.skip(str(error))


def test_checks_with_array_api_dispatch():
    """Its switch is read when SciPy is imported, so a process of its own runs these checks for all estimators."""
    code = (
        "from homespun.testing.discovery import all_estimators, example_of\n"
        "from homespun.testing.sklearn_checks import run_check, scikit_learn_checks\n"
        "for name, cls in all_estimators():\n"
        "    for check_name, check in scikit_learn_checks(example_of(cls)):\n"
        f"        if check_name.startswith({NEEDS_ENVIRONMENT!r}):\n"
        "            status, error = run_check(check)\n"
        "            print(name, check_name, status, error)\n"
    )
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    tables = {name for name, cls in ESTIMATORS if get_tags(example_of(cls)).input_tags.two_d_array}  # not texts, not labels
    assert {line.split()[0] for line in lines} == tables
    assert not [line for line in lines if " passed " not in line]


def test_special_settings_are_for_checks_that_exist_and_say_why():
    applying = {(name, check.partition("(")[0]) for name, cls in ESTIMATORS for check, _ in scikit_learn_checks(example_of(cls))}
    for key, (settings, reason) in SETTINGS.items():
        assert settings and len(reason) > 20
        assert key in applying, f"{key} has settings, but no such check applies"


def test_the_page_lists_every_estimator_and_its_sum_is_right():
    page = (Path(__file__).parents[1] / "docs" / "estimator_checks.md").read_text()
    rows = re.findall(r"^\| \w+ \| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert sorted(row[0] for row in rows) == sorted(name for name, _ in ESTIMATORS), "run benchmarks/estimator_checks.py"
    passed, skipped, failed = (sum(int(row[i]) for row in rows) for i in (1, 2, 3))
    assert f"{len(rows)} estimators, **{passed} checks passed**, {skipped} skipped, {failed} failed" in page and not failed
