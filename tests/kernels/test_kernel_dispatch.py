"""A call that Numba has seen before must not go through Python's slow path again (it took 55 us a call, and grew)."""

import numpy as np
import pytest
from numba.core import config

from homespun.kernels.kernel import Kernel, kernel


@kernel("void(f8[::1])")
def set_first(x):
    x[0] = 1.0


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_the_second_call_finds_its_code_at_once(monkeypatch):
    slow_calls = []
    original = Kernel._compile_for_args

    def counted(self, *args, **kws):
        slow_calls.append(self.__name__)
        return original(self, *args, **kws)

    monkeypatch.setattr(Kernel, "_compile_for_args", counted)
    writeable = np.zeros(3)
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    for _ in range(5):
        set_first(writeable)
    assert slow_calls == ["set_first"]
    for _ in range(5):
        set_first(frozen)  # fits the same signature by a safe conversion: found once, then remembered
    assert slow_calls == ["set_first"] * 2


@kernel("void(f8[::1])")
def set_last(x):
    x[x.size - 1] = 1.0


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_two_threads_with_the_same_first_call_leave_one_entry(monkeypatch):
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    for _ in range(2):  # as two threads do that both found nothing
        set_last._compile_for_args(frozen)

    def refuse(self, *args):
        raise AssertionError("the slow path again")

    monkeypatch.setattr(Kernel, "_compile_for_args", refuse)
    set_last(frozen)
