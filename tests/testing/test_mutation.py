"""The mutation machinery, on kernels whose fate is known."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

sys.path.insert(0, str(Path(__file__).parent))
import toy_kernels as toys
from toy_kernels import dot, row_maxima, toy_dot, toy_halvings, toy_product, toy_row_maxima

from homespun.kernels import KERNELS, interpreted
from homespun.kernels.oracle import Oracle
from homespun.testing import mutation

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="mutants stand in for compiled kernels")

DOT = Oracle("dot", dot, lambda x, y: x @ y, (toy_dot,), (lambda rng: (rng.normal(size=5), rng.normal(size=5)),), 1e-9, 0)
MAXIMA = Oracle("maxima", row_maxima, lambda X: X.max(1), (toy_row_maxima,), (lambda rng: (rng.normal(size=(9, 4)),),), 0, 0)
HALVINGS = Oracle("halvings", toy_halvings, lambda n: int(np.log2(n)), (toy_halvings,), (lambda rng: (37,),), 0, 0)
WEAK = Oracle("weak", dot, lambda x, y: x @ y, (toy_dot,), (lambda rng: (np.zeros(2), np.zeros(2)),), 1e-9, 0)


@pytest.fixture(autouse=True)
def toys_leave_no_trace():
    yield
    for name in [name for name in KERNELS if name.startswith("toy_kernels.")]:
        assert KERNELS[name].stand_in is None


def edits(name):
    return {(mutant.line, mutant.edit) for mutant in mutation.mutants(f"toy_kernels.{name}")}


def line_of(text):
    return next(i for i, line in enumerate(Path(toys.__file__).read_text().splitlines(), 1) if text in line)


def test_edits_are_those_of_the_source():
    assert edits("toy_product") == {(line_of("return a * b"), "* → /")}
    line = line_of("while n > 1")
    assert edits("toy_halvings") >= {(line, "> → >="), (line, "> → <="), (line, "1 → 2"), (line, "1 → 0"),
                                     (line + 1, "// → *"), (line + 2, "+= → -=")}
    assert (line_of("best = X[i, j]"), "[i, j] → [j, i]") in edits("toy_row_maxima")


def test_exempt_edits_are_left_alone_and_listed():
    line = line_of("if X[i, j] > best")
    offered = {edit for place, edit in edits("toy_row_maxima") if place == line}
    assert "> → <=" in offered and "> → >=" not in offered
    assert mutation.exemptions("toy_kernels.toy_row_maxima") == [
        (line - 1, "1 → 0", "the first is compared with itself"), (line, "> → >=", "finds the same maximum")]


def test_an_exemption_of_an_edit_that_is_not_there_is_a_mistake():
    with pytest.raises(ValueError, match=r"exempts \* → \+, but offers \* → /"):
        mutation.exemptions("toy_kernels.toy_stale")


@pytest.mark.parametrize("oracle", [DOT, MAXIMA, HALVINGS], ids=lambda oracle: oracle.name)
def test_good_oracles_catch_everything(oracle):
    score = mutation.trial(sorted(mutation.covered_by(oracle)), {oracle.name: oracle})
    assert score.tried > 0 and not score.survivors and score.caught == 1.0, str(score)


def test_a_weak_oracle_is_found_out():
    score = mutation.trial(["toy_kernels.toy_dot", "toy_kernels.toy_product"], {"weak": WEAK})
    assert score.survivors and score.caught < 0.95
    assert "toy_kernels.py:" in str(score) and "total += toy_product" in str(score)


def test_an_endless_loop_is_caught():
    endless = next(m for m in mutation.mutants("toy_kernels.toy_halvings") if m.edit == "// → *")
    bench = mutation.Bench.of(HALVINGS)
    assert mutation.try_mutant(endless, [bench], seeds=1) in ("halvings takes too long", "halvings raises OverflowError")


def test_helpers_and_kernels_in_dicts_are_reached():
    assert mutation.covered_by(DOT) == {"toy_kernels.toy_dot", "toy_kernels.toy_product"}
    assert mutation.reached(["toy_kernels.toy_product"]) == {"toy_kernels.toy_product"}


def test_unreached_kernels_are_named():
    score = mutation.trial(["toy_kernels.toy_product"], {"maxima": MAXIMA})
    assert score.unreached == ["toy_kernels.toy_product"] and "no oracle reaches" in str(score)


def test_a_sample_is_the_same_for_the_same_seed():
    names = ["toy_kernels.toy_row_maxima"]
    first, second = (mutation.trial(names, {"maxima": MAXIMA}, at_most=3, seed=1) for _ in range(2))
    assert first.tried == second.tried == 3 and str(first) == str(second)


def test_interpreted_reaches_helpers_dicts_and_threads():
    x = np.arange(4.0)
    with interpreted():
        toy_product.stand_in = lambda a, b: -1.0
        try:
            assert dot(x, x) == -4.0
        finally:
            toy_product.stand_in = None
    assert dot(x, x) == 14.0


def test_more_data_catches_what_one_example_misses():
    """The edit skips column 1; the largest entry stands in column 2 for seed 0, and in column 1 for a later one."""
    place = Oracle("maxima", row_maxima, lambda X: X.max(1), (toy_row_maxima,),
                   (lambda rng: (np.eye(3)[[rng.integers(3)]],),), 0, 0)
    skipping = next(m for m in mutation.mutants("toy_kernels.toy_row_maxima") if m.edit == "1 → 2")
    caught = [mutation.try_mutant(skipping, [mutation.Bench.of(place)], seeds=seeds) is not None for seeds in (1, 8)]
    assert caught == [False, True]


def test_an_oracle_that_disagrees_without_a_mutant_is_an_error():
    wrong = Oracle("wrong", dot, lambda x, y: x @ y + 1, (toy_dot,), DOT.examples, 1e-9, 0)
    with pytest.raises(AssertionError, match="wrong disagrees with its formula on the example of seed 0"):
        mutation.trial(["toy_kernels.toy_dot"], {"wrong": wrong})


def test_equal_edits_are_taken_out_by_a_function():
    with_all = mutation.mutants("toy_kernels.toy_dot")
    without = mutation.mutants("toy_kernels.toy_dot", equal=lambda file, line, edit: edit == "+= → -=")
    assert {m.edit for m in with_all} - {m.edit for m in without} == {"+= → -="}
