"""At least 95 % of random one-token edits of our kernels are noticed by the oracles beside them."""

import pytest
from numba.core import config

from homespun.kernels import KERNELS
from homespun.testing import mutation
from homespun.testing.discovery import import_all

import_all()
OURS = sorted(name for name, one in KERNELS.items() if one.py_func.__module__.startswith("homespun."))
SAMPLE_SECONDS = 40

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="mutants stand in for compiled kernels")


@pytest.mark.parametrize("name", OURS)
def test_exemptions_fit_their_lines_and_say_why(name):
    for line, edits, reason in mutation.exemptions(name):
        assert len(reason) > 10, f"{name}, line {line}: {edits} is exempt without a reason"


def test_few_edits_are_exempt():
    exempt = sum(edits.count(";") + 1 for name in OURS for _, edits, _ in mutation.exemptions(name))
    offered = sum(len(mutation.mutants(name)) for name in OURS)
    assert exempt <= 0.05 * (exempt + offered)


def test_a_sample_of_edits_is_caught():
    """What fits into the time, in random order. 92 %: a sample of 200 of which 95 % are caught is above that 19 times in 20."""
    score = mutation.trial(OURS, seconds=SAMPLE_SECONDS)
    print(score)
    assert not score.unreached and score.tried >= 30
    assert score.caught >= 0.92, str(score)


@pytest.mark.slow
@pytest.mark.parametrize("package", sorted({name.partition(".")[0] for name in OURS}))
def test_edits_of_a_package_are_caught(package):
    """Every edit of every kernel, package by package."""
    score = mutation.trial([name for name in OURS if name.startswith(package + ".")])
    print(score)
    assert not score.unreached and score.caught >= 0.95, str(score)
