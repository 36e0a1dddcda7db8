"""`@kernel`: pinned signatures, the content-addressed cache, threads, forks, and the same text as plain Python."""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import types
from concurrent.futures import Future

import numpy as np
import pytest
from numba.core import config
from numba.core.dispatcher import Dispatcher

from homespun.kernels import interpreted, kernel, over_blocks, prange
from homespun.kernels.cache import KernelCache, _read, content_hash

compiled_only = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="about compiled code")

FACTOR = 2.0


@kernel()
def twice(x):
    return FACTOR * x


@kernel("f8(f8[:], f8)")
def weighted(x, w):
    total = 0.0
    for i in range(x.size):
        total += twice(x[i]) * w
    return total


@kernel("void(f8[::1], f8[::1])", parallel=True)
def doubled(x, out):
    for block in prange((x.size + 9) // 10):
        for i in range(10 * block, min(x.size, 10 * block + 10)):
            out[i] = twice(x[i])


@kernel("void(i8, f8[::1], f8[::1])")
def doubled_block(block, x, out):
    for i in range(10 * block, min(x.size, 10 * block + 10)):
        out[i] = twice(x[i])


def run(code, **environment):
    """A fresh Python process; its stdout."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@kernel()
def power(x, exponent, halved):
    for _ in range(exponent - 1):
        x *= FACTOR
    return x / 2 if halved else x


@kernel("f8(f8)")
def powers(x):
    return power(x, 1, True) + power(x, 2, False)


@compiled_only
def test_a_helper_is_compiled_once_for_all_constants_and_can_be_called_from_python_too(monkeypatch):
    monkeypatch.setattr(KernelCache, "load_overload", lambda *ignored: None)
    assert powers(3.0) == 3.0 / 2 + 6.0
    assert len(power.overloads) == 1  # not one for 1 and True, and one for 2 and False
    assert power(3.0, 3, False) == 12.0  # the code within `powers` has no door for Python
    assert twice(4.0) == 8.0 == twice(np.float32(4))


@compiled_only
@pytest.mark.parametrize("collects", [True, False])
def test_the_garbage_collector_waits_while_a_kernel_is_compiled(collects, monkeypatch):
    seen = []
    compile_core = Dispatcher.compile
    monkeypatch.setattr(Dispatcher, "compile", lambda self, sig: (seen.append(gc.isenabled()), compile_core(self, sig))[1])

    def half(x):
        return x / 2

    (gc.enable if collects else gc.disable)()
    try:
        assert kernel("f8(f8)")(half)(1.0) == 0.5
        assert seen == [False]
        assert gc.isenabled() == collects  # as it was
    finally:
        gc.enable()


@compiled_only
def test_arguments_that_fit_reuse_the_pinned_code():
    x = np.arange(5.0)
    frozen = x.copy()
    frozen.flags.writeable = False
    for argument, weight in ((x, 1), (x, 1.0), (x, np.float32(1)), (x[::-1], True), (frozen, 1)):
        assert weighted(argument, weight) == 20.0
    assert len(weighted.overloads) == 1


@compiled_only
@pytest.mark.parametrize("arguments", [(np.arange(5, dtype=np.float32), 1.0), (np.zeros((2, 2)), 1.0), (np.arange(5.0), 1j)])
def test_what_does_not_fit_is_refused_not_compiled(arguments):
    with pytest.raises(TypeError, match="its wrapper must convert first"):
        weighted(*arguments)
    assert len(weighted.overloads) <= 1


def test_parallel_and_blocks_give_the_same():
    x = np.arange(95.0)
    a, b = np.zeros(95), np.zeros(95)
    doubled(x, a)
    over_blocks(doubled_block, 10, x, b)
    np.testing.assert_array_equal(a, 2 * x)
    np.testing.assert_array_equal(b, 2 * x)


def test_an_error_in_a_block_reaches_the_caller():
    def fail(block):
        if block == 3:
            raise RuntimeError("block 3")

    with pytest.raises(RuntimeError, match="block 3"):
        over_blocks(fail, 8)


@compiled_only
@pytest.mark.parametrize("who", ["a helper", "the caller"])
def test_no_thread_works_on_after_an_error_has_left(who):
    caller, both = threading.current_thread(), threading.Barrier(3, timeout=20)
    started, finished, turns, failed = [], [], iter([True]), threading.Event()

    def block(number):
        started.append(number)
        if len(started) <= 3:
            both.wait()  # all three threads hold a block
        if (threading.current_thread() is caller) == (who == "the caller") and next(turns, False):
            failed.set()
            raise RuntimeError(f"block {number}")
        failed.wait(20)
        time.sleep(0.05)  # still at work when the error of the other one is known
        finished.append(number)

    with pytest.raises(RuntimeError, match="block"):
        over_blocks(block, 1000, threads=3)
    done = list(finished)
    assert len(started) < 20 and len(done) + 1 == len(started)  # nobody went through the rest, nobody is half-way
    time.sleep(0.15)
    assert finished == done


@compiled_only
def test_ctrl_c_while_waiting_for_a_helper_does_not_leave_it_at_work(monkeypatch):
    caller, finished, both = threading.current_thread(), [], threading.Barrier(2, timeout=20)
    real, interrupts = Future.result, iter([True])

    def result(self, timeout=None):
        if next(interrupts, False):
            raise KeyboardInterrupt
        return real(self, timeout)

    def block(number):
        both.wait()
        if threading.current_thread() is not caller:
            time.sleep(0.2)
        finished.append(number)

    monkeypatch.setattr(Future, "result", result)
    with pytest.raises(KeyboardInterrupt):
        over_blocks(block, 2, threads=2)
    assert sorted(finished) == [0, 1]


def test_several_callers_at_once():
    x = np.arange(1000.0)
    wrong = []

    def call():
        for _ in range(50):
            out, again = np.zeros(1000), np.zeros(1000)
            doubled(x, out)
            over_blocks(doubled_block, 100, x, again)
            if not (np.array_equal(out, 2 * x) and np.array_equal(again, 2 * x)):
                wrong.append(1)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


@compiled_only
@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_threads_and_forks_on_each_threading_layer(layer, tmp_path):
    """The fallback layer crashes when two threads enter it, OpenMP aborts a forked child: neither may reach a user."""
    printed = run("""
        import os, threading, numpy as np
        from homespun.kernels import kernel, prange

        @kernel("void(f8[::1], f8[::1])", parallel=True)
        def triple(x, out):
            for i in prange(x.size):
                out[i] = 3 * x[i]

        x = np.arange(500.0)
        def check():
            for _ in range(100):
                out = np.zeros(500); triple(x, out); assert (out == 3 * x).all()
        threads = [threading.Thread(target=check) for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        pid = os.fork()
        if pid == 0:
            check(); os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """, NUMBA_THREADING_LAYER=layer, HOMESPUN_CACHE_DIR=str(tmp_path))
    assert printed == "7"


def test_interpreted_runs_the_python_text():
    seen = []

    def trace(frame, event, argument):
        seen.append(frame.f_code.co_name)

    with interpreted():
        sys.settrace(trace)
        try:
            assert weighted(np.arange(3.0), 1.0) == 6.0
        finally:
            sys.settrace(None)
    assert {"weighted", "twice"} <= set(seen)  # a debugger can stop in the kernel and in the helper that it calls


def test_idle_threads_do_not_spin():
    assert run("import homespun.kernels, os; print(os.environ['GOMP_SPINCOUNT'])") == "20000"


# -- the cache ---------------------------------------------------------------------------------------------------------

def make(source, name="f"):
    namespace = {"__name__": "test", "twice": twice, "np": np, "FACTOR": 2.0}
    exec(compile(textwrap.dedent(source), "<test>", "exec"), namespace)
    return namespace[name]


def test_content_hash_sees_what_the_code_depends_on():
    base = "def f(x):\n    return x * FACTOR"
    assert content_hash(make(base)) == content_hash(make("\n\n# moved\n" + base))
    other = make(base)
    other.__globals__["FACTOR"] = 3.0
    assert content_hash(make(base)) != content_hash(other)
    assert content_hash(make(base)) != content_hash(make("def f(x):\n    return x + FACTOR"))
    assert content_hash(make(base)) != content_hash(make("def f(x):\n    return x * 2.5"))


@compiled_only
def test_content_hash_sees_a_changed_helper():
    caller = make("def f(x):\n    return twice(x)")
    before = content_hash(caller)
    caller.__globals__["twice"] = kernel()(make("def twice(x):\n    return 2.0 * x + 0.0", "twice"))
    assert content_hash(caller) != before


def test_closures_are_refused():
    y = 3

    def closed(x):
        return x + y

    with pytest.raises(TypeError, match="closure"):
        content_hash(closed)


ONE_KERNEL = """
    import sys
    sys.path.insert(0, {folder!r})
    import time, numpy as np
    import module
    print(module.f(np.arange(4.0)), sum(module.f._cache_hits.values()))
"""


@compiled_only
def test_second_process_loads_and_an_edit_anywhere_is_noticed(tmp_path):
    (tmp_path / "helper.py").write_text("from homespun.kernels import kernel\n@kernel()\ndef g(x):\n    return x + 1\n")
    (tmp_path / "module.py").write_text(
        "from homespun.kernels import kernel\nfrom helper import g\n"
        "@kernel('f8(f8[::1])')\ndef f(x):\n    return g(x[0])\n")
    cache = tmp_path / "cache"
    code = ONE_KERNEL.format(folder=str(tmp_path))
    assert run(code, HOMESPUN_CACHE_DIR=str(cache)) == "1.0 0"
    assert run(code, HOMESPUN_CACHE_DIR=str(cache)) == "1.0 1"
    (tmp_path / "helper.py").write_text("from homespun.kernels import kernel\n@kernel()\ndef g(x):\n    return x + 5\n")
    assert run(code, HOMESPUN_CACHE_DIR=str(cache)) == "5.0 0"  # Numba's own cache answers 1.0 here

    for entry in (cache / "kernels").iterdir():  # damaged: cut short, and one byte changed
        data = entry.read_bytes()
        entry.write_bytes(data[: len(data) // 2] if entry.name.endswith("0") else data[:-9] + b"\0" + data[-8:])
    assert run(code, HOMESPUN_CACHE_DIR=str(cache)) == "5.0 0"


@pytest.mark.parametrize("change", [("FACTOR", 3.0), ("twice", make("def twice(x):\n    return x * 7", "twice"))])
def test_content_hash_sees_what_is_reached_through_a_module(change):
    house, room = types.ModuleType("house"), types.ModuleType("house.room")
    house.room, room.FACTOR, room.twice = room, 2.0, twice
    function = make("def f(x):\n    return house.room.twice(x) * house.room.FACTOR")
    function.__globals__["house"] = house
    before = content_hash(function)
    assert content_hash(function) == before
    setattr(room, *change)
    assert content_hash(function) != before


def test_content_hash_sees_the_middle_of_a_large_array():
    function = make("def f(x):\n    return x * TABLES[0][2500]")
    function.__globals__["TABLES"] = (np.zeros(5000),)
    before = content_hash(function)
    function.__globals__["TABLES"][0][2500] = 9.0
    assert content_hash(function) != before


@compiled_only
def test_a_helper_reached_through_its_module_is_noticed_too(tmp_path):
    helper = "from homespun.kernels import kernel\n@kernel()\ndef g(x):\n    return x + {}\n"
    (tmp_path / "helper.py").write_text(helper.format(1))
    (tmp_path / "module.py").write_text(
        "from homespun.kernels import kernel\nimport helper\n"
        "@kernel('f8(f8[::1])')\ndef f(x):\n    return helper.g(x[0])\n")
    code = ONE_KERNEL.format(folder=str(tmp_path))
    assert run(code, HOMESPUN_CACHE_DIR=str(tmp_path / "cache")) == "1.0 0"
    (tmp_path / "helper.py").write_text(helper.format(25))  # another length: Python's own cache goes by size and time
    assert run(code, HOMESPUN_CACHE_DIR=str(tmp_path / "cache")) == "25.0 0"


@compiled_only
def test_a_directory_open_to_others_is_not_trusted(tmp_path):
    code = "import homespun.kernels.cache as c; print(c.user_directory())"
    (tmp_path / "kernels").mkdir(mode=0o777)
    os.chmod(tmp_path / "kernels", 0o777)
    assert run(code, HOMESPUN_CACHE_DIR=str(tmp_path)) == "None"
    os.chmod(tmp_path / "kernels", 0o700)
    assert run(code, HOMESPUN_CACHE_DIR=str(tmp_path)) == str(tmp_path / "kernels")


@compiled_only
def test_no_place_to_write_still_works(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    assert run("""
        import numpy as np
        from homespun.kernels import kernel
        @kernel("f8(f8)")
        def f(x):
            return x + 1
        print(f(1.0))
        """, HOMESPUN_CACHE_DIR=str(blocked)) == "2.0"


@compiled_only
def test_level_signature_and_options_are_in_the_key():
    cache: KernelCache = weighted._cache
    names = {cache.entry("f8(f8)", "x86-64-v3"), cache.entry("f8(f8)", "x86-64-v4"), cache.entry("f4(f4)", "x86-64-v4"),
             KernelCache(weighted.py_func, {"parallel": True}, True).entry("f8(f8)", "x86-64-v4")}
    assert len(names) == 4


@pytest.mark.parametrize("setting", ["NUMBA_LOOP_VECTORIZE=0", "NUMBA_SLP_VECTORIZE=1", "NUMBA_ENABLE_AVX=0", "NUMBA_OPT=1",
                                     "NUMBA_DEBUGINFO=1", "NUMBA_EXTEND_VARIABLE_LIFETIMES=1"])
def test_settings_that_change_the_code_are_in_the_key(setting):
    code = "from homespun.kernels.cache import _environment; print(_environment())"
    name, _, value = setting.partition("=")
    assert run(code, **{name: value}) != run(code)


def test_a_library_of_vector_functions_is_in_the_key(monkeypatch):
    from homespun.kernels import cache

    usual = cache._environment()
    monkeypatch.setattr(config, "USING_SVML", not config.USING_SVML)
    assert cache._environment.__wrapped__() != usual


def test_numbas_defaults_are_the_ones_we_know():
    """Otherwise every key would hold them; and a setting that Numba no longer has would be looked for in vain."""
    code = ("from numba.core import config\nfrom homespun.kernels.cache import _SETTINGS\n"
            "print([name for name in _SETTINGS if not hasattr(config, name)], "
            "[name for name, usual in _SETTINGS.items() if name != 'USING_SVML' and getattr(config, name, usual) != usual])")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean, cwd="/")
    assert done.stdout.strip() == "[] []", done.stdout + done.stderr


@compiled_only
def test_switched_off_instructions_are_a_target_of_their_own():
    code = "from homespun.kernels.cache import has_avx512, level; print(level(), '|', has_avx512())"
    assert run(code, NUMBA_CPU_NAME="x86-64-v3", NUMBA_CPU_FEATURES="") == "x86-64-v3 | False"
    assert run(code, NUMBA_CPU_NAME="x86-64-v4", NUMBA_CPU_FEATURES="") == "x86-64-v4 | True"
    without_name = {name: value for name, value in os.environ.items() if name != "NUMBA_CPU_NAME"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                          env={**without_name, "NUMBA_CPU_FEATURES": "-avx512f"})
    assert done.stdout.strip() == "host -avx512f | False", done.stderr  # no shipped entry, which may use AVX-512


def test_reading_what_is_not_there(tmp_path):
    assert _read(tmp_path / "nothing") is None
    (tmp_path / "short").write_bytes(b"abc")
    assert _read(tmp_path / "short") is None
