"""At least 95 % of random one-token edits of our kernels are noticed by the oracles beside them."""

import linecache

import pytest
from equal_mutants import EQUAL, is_equal
from numba.core import config

from homespun.kernels import KERNELS
from homespun.testing import mutation
from homespun.testing.discovery import import_all

import_all()
OURS = sorted(name for name, one in KERNELS.items() if one.py_func.__module__.startswith("homespun."))
SAMPLE, SAMPLE_SECONDS = 300, 60
PACKAGES = sorted({KERNELS[name].py_func.__module__.split(".")[1] for name in OURS})

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="mutants stand in for compiled kernels")


@pytest.mark.parametrize("name", OURS)
def test_exemptions_fit_their_lines_and_say_why(name):
    for line, edits, reason in mutation.exemptions(name):
        assert len(reason) > 10, f"{name}, line {line}: {edits} is exempt without a reason"


def test_every_listed_edit_is_offered_by_its_line():
    offered = {(mutant.file, mutant.line, mutant.edit) for name in OURS for mutant in mutation.mutants(name)}
    for where, part, edits, reason in EQUAL:
        assert len(reason) > 10, f"{where}: {part} is listed without a reason"
        for edit in edits.split("; "):
            assert any(file.endswith(where) and edit == one and part in linecache.getline(file, line)
                       for file, line, one in offered), f"{where}: no line {part!r} offers {edit}"


def test_few_edits_are_exempt():
    offered = [mutant for name in OURS for mutant in mutation.mutants(name)]
    listed = [mutant for mutant in offered if is_equal(mutant.file, mutant.line, mutant.edit)]
    commented = sum(edits.count(";") + 1 for name in OURS for _, edits, _ in mutation.exemptions(name))
    assert len(listed) + commented <= 0.06 * (len(offered) + commented)


def test_a_sample_of_edits_is_caught():
    """As many as fit into the time, in random order: of n edits 5 % may survive, and two standard deviations of such a
    sample more. The slow form tries all, and demands 95 %."""
    score = mutation.trial(OURS, equal=is_equal, at_most=SAMPLE, seconds=SAMPLE_SECONDS)
    print(score)
    assert not score.unreached and score.tried >= 30, str(score)  # fewer would say nothing
    assert len(score.survivors) <= 0.05 * score.tried + 2 * (0.05 * 0.95 * score.tried) ** 0.5, str(score)


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_all_edits_are_caught(package):
    score = mutation.trial([name for name in OURS if name.startswith(f"{package}.")], equal=is_equal)
    print(score)
    assert not score.unreached and score.caught >= 0.95, str(score)
