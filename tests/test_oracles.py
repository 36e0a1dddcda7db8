"""The formula beside every kernel: it agrees, compiled and as plain Python, and no kernel is without one."""

import copy

import numpy as np
import pytest
from numba.core import config

from homespun.kernels import KERNELS, ORACLES, interpreted
from homespun.kernels.oracle import arrays_of, compare
from homespun.testing.discovery import import_all
from homespun.testing.mutation import covered_by

import_all()
OURS = sorted(name for name, one in KERNELS.items() if one.py_func.__module__.startswith("homespun."))
CASES = [pytest.param(oracle, number, id=f"{name}-{number}")
         for name, oracle in sorted(ORACLES.items()) if oracle.fast.__module__.startswith("homespun.")
         for number in range(len(oracle.examples))]

NEEDS_NO_ORACLE: dict[str, str] = {  # kernel → why there is nothing that a formula could say about it
}


def same_inputs(oracle, number):
    """Two sets of arguments: an oracle's fast function may write into its own."""
    arguments = oracle.examples[number](np.random.default_rng(0))
    return arguments, copy.deepcopy(arguments)


@pytest.mark.parametrize("oracle, number", CASES)
def test_formula_and_kernel_agree(oracle, number):
    proof = compare(oracle, *same_inputs(oracle, number)[0])
    assert proof.equal, str(proof)


@pytest.mark.parametrize("oracle, number", CASES)
def test_formula_and_plain_python_agree(oracle, number):
    with interpreted():
        proof = compare(oracle, *same_inputs(oracle, number)[0])
    assert proof.equal, str(proof)


@pytest.mark.parametrize("oracle, number", CASES)
def test_examples_are_the_same_for_the_same_seed(oracle, number):
    first, second = (oracle.formula(*oracle.examples[number](np.random.default_rng(0))) for _ in range(2))
    for one, other in zip(arrays_of(first), arrays_of(second)):  # not the arguments: some are outputs, not yet written
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OURS)
def test_every_kernel_is_reached_by_an_oracle(name):
    if name in NEEDS_NO_ORACLE:
        assert len(NEEDS_NO_ORACLE[name]) > 20
        return
    assert any(name in covered_by(oracle) for oracle in ORACLES.values()), f"no oracle reaches kernel {name}"


def test_there_is_something_to_check():
    assert len(OURS) >= 10 and len(CASES) >= 10


def test_an_oracle_that_disagrees_is_seen():
    oracle = next(iter(ORACLES.values()))
    wrong = copy.copy(oracle)
    wrong.formula = lambda *arguments: [part * 1.001 + 1 for part in arrays_of(oracle.formula(*arguments))]
    assert not compare(wrong, *oracle.examples[0](np.random.default_rng(0))).equal


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="there is no compiled code")
def test_the_interpreted_lane_runs_no_compiled_code():
    from homespun.testing.checks import counted_kernel_calls

    oracle = next(iter(ORACLES.values()))
    arguments = oracle.examples[0](np.random.default_rng(0))
    with counted_kernel_calls() as calls:
        oracle.fast(*copy.deepcopy(arguments))
    assert calls
    with interpreted(), counted_kernel_calls() as calls:
        oracle.fast(*copy.deepcopy(arguments))
    assert not calls
