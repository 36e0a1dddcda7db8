"""A call that Numba has seen before must not go through Python's slow path again (it took 55 us a call, and grew)."""

import numpy as np
import pytest
from numba.core import config

from homespun.kernels.kernel import Kernel, kernel
from homespun.kernels.written import written


@kernel("f8(f8[::1])")
def read_first(x):
    return x[0]


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
        read_first(writeable)
    assert slow_calls == ["read_first"]
    for _ in range(5):
        read_first(frozen)  # fits the same signature by a safe conversion: found once, then remembered
    assert slow_calls == ["read_first"] * 2


@kernel("f8(f8[::1])")
def read_last(x):
    return x[x.size - 1]


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_two_threads_with_the_same_first_call_leave_one_entry(monkeypatch):
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    for _ in range(2):  # as two threads do that both found nothing
        read_last._compile_for_args(frozen)

    def refuse(self, *args):
        raise AssertionError("the slow path again")

    monkeypatch.setattr(Kernel, "_compile_for_args", refuse)
    read_last(frozen)


@kernel()
def set_first(x):
    x[0] = 1.0


@kernel("void(f8[:,::1], f8[::1])")
def through_another_name(x, y):
    part, total = x[1], 0.0
    for i in range(y.size):
        total += y[i]
    part[0] += total


@kernel("void(f8[::1], f8[::1])")
def through_another_kernel(x, y):
    y = y + x  # no longer the argument
    y[0] = 2.0
    set_first(x)


@kernel("void(f8[:,::1], f8[::1])")
def row_by_row(x, y):
    for row in x:
        row[0], y = y[0], x[0]


@pytest.mark.parametrize("one, writes", [(read_first, set()), (set_first, {0}), (through_another_name, {0}),
                                         (through_another_kernel, {0}), (row_by_row, {0})])
def test_what_a_kernel_writes(one, writes):
    assert written(one.py_func) == writes


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled")
def test_no_kernel_writes_into_a_read_only_array():
    frozen, writeable = np.zeros((2, 2)), np.zeros(2)
    frozen.flags.writeable = False
    for _ in range(2):  # nor the second time
        with pytest.raises(TypeError, match=r"through_another_name writes into its argument 1, which is a read-only"):
            through_another_name(frozen, writeable)
        with pytest.raises(TypeError, match="argument 1"):
            through_another_kernel(frozen[0], writeable)
    assert not frozen.any()
    through_another_name(np.ones((2, 2)), frozen[0])  # where it only reads
