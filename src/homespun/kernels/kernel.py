"""`@kernel`: the one decorator through which Python loops are compiled. Every Numba option of the project lives here.

    @kernel("f8(f8[::1], f8[::1])")
    def dot(x, y):                        # x: (n,)   y: (n,)
        total = 0.0
        for i in range(x.size):
            total += x[i] * y[i]
        return total

* A kernel is plain Python: with ``NUMBA_DISABLE_JIT=1`` (or under `homespun.step`) the same text runs as it stands.
* **Signatures are pinned**, as data: they are compiled on first use, nothing else ever is. An argument that fits a pinned
  signature by a safe conversion (int32 for int64, a read-only or contiguous array where any is taken) reuses its code, so
  ``0`` here and ``0.0`` there do not compile twice. A helper that only other kernels call may go without signatures.
* **fastmath** is {reassoc, contract, nsz}, never True: True assumes that no NaN or infinity exists (``isnan(nan)`` was
  False). Reassociation is 8× on a reduction. ``error_model="numpy"``: 1/0 is inf, not an exception.
* **parallel**: `prange` over blocks that own their output, so that the result does not depend on the number of threads.
  A parallel kernel may be called from several Python threads at once, and in a forked child (see `Kernel.__call__`).
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable
from typing import Any

# An idle OpenMP thread that spins steals the processor from the one that works: on an oversubscribed machine the
# prototypes ran 10 to 20 times slower. libgomp reads this once, when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import numba
from numba import prange
from numba.core import config, dispatcher, sigutils
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.np.ufunc import parallel as numba_pool

from homespun.kernels.cache import KernelCache
from homespun.kernels.written import written

__all__ = ["FASTMATH", "KERNELS", "Kernel", "kernel", "num_threads", "prange"]

FASTMATH = frozenset({"reassoc", "contract", "nsz"})
Dispatcher: Any = dispatcher.Dispatcher  # Numba's type stub leaves out what a subclass needs
KERNELS: dict[str, Kernel] = {}  # qualified name ("linear_model.coordinate_descent.cd_gram") → kernel


def kernel(*signatures: str, parallel: bool = False, fastmath: bool = True, inline: bool = False):
    """Compile a plain Python function over arrays and numbers.

    Parameters
    ----------
    *signatures : str
        Pinned Numba signatures, ``"void(f4[:, ::1], i8)"``. None: whatever the calling kernel passes.
    parallel : bool
        `prange` loops run on the thread pool.
    fastmath : bool
        False where the order of operations matters to the last bit (compensated sums, exact comparisons).
    inline : bool
        Ask LLVM to inline it into its callers (small helpers in hot loops).

    Returns
    -------
    Kernel
        A Numba dispatcher. With ``NUMBA_DISABLE_JIT=1``, the function itself.
    """

    def decorate(py_func):
        options = {
            "nopython": True,
            "nogil": True,
            "parallel": parallel,
            "fastmath": set(FASTMATH) if fastmath else False,
            "error_model": "numpy",
            "boundscheck": bool(config.BOUNDSCHECK) or None,
            "no_cfunc_wrapper": True,  # for functions as arguments, which kernels do not take
        }
        if not signatures:
            options["no_cpython_wrapper"] = True  # see `Kernel.from_python`
        if inline:
            options["forceinline"] = True
        if config.DISABLE_JIT:
            py_func.py_func = py_func
            py_func.signatures_pinned = signatures
            KERNELS[_name(py_func)] = py_func
            return py_func
        compiled = Kernel(py_func, signatures, options)
        KERNELS[_name(py_func)] = compiled
        return compiled

    return decorate


def _name(py_func) -> str:
    return f"{py_func.__module__.removeprefix('homespun.')}.{py_func.__qualname__}"


def num_threads() -> int:
    """Threads that a parallel kernel uses: as many as Numba's pool has (``NUMBA_NUM_THREADS``), or `numba.set_num_threads`.

    One where kernels run as plain Python: a debugger follows one thread.
    """
    return 1 if runs_plain() else numba.get_num_threads()


def runs_plain() -> bool:
    """Whether kernels run as the plain Python that they are written in (``NUMBA_DISABLE_JIT=1``, or `interpreted`)."""
    return Kernel.plain or bool(config.DISABLE_JIT)


def ready(a_kernel) -> bool:
    """Whether a call need not wait for the compiler: the kernel is compiled, or lies in the cache, or runs as plain Python."""
    if runs_plain() or a_kernel.overloads:
        return True
    codegen = a_kernel.targetctx.codegen()
    return all(any(path.exists() for path in a_kernel._cache.places(text, codegen)) for text in a_kernel.signatures_pinned)


class Kernel(Dispatcher):
    """A Numba dispatcher with pinned signatures, the content-addressed cache, and safe threads."""

    targetdescr = cpu_target
    plain = False  # True within `interpreted`: every kernel is the function that it was made of
    stand_in: Callable | None = None  # what runs in its place within `interpreted`, for mutation tests

    def __init__(self, py_func, signatures=(), options=None):
        self.signatures_pinned = signatures
        self.parallel = bool(options and options.get("parallel"))
        self._serial_twin: Kernel | None = None
        self._python_twin: Kernel | None = None
        self._helper = bool(options and options.get("no_cpython_wrapper"))
        self._remembered: set[tuple] = set()  # types of arguments that found a pinned signature by conversion
        super().__init__(py_func, targetoptions=dict(options or {}))
        self._cache = KernelCache(py_func, self.targetoptions, bool(signatures))

    # -- calls from Python ---------------------------------------------------------------------------------------------

    def __call__(self, *args):
        """Run the kernel.

        Numba's thread pools have two traps, both met here: the fallback layer ("workqueue") crashes when two threads
        enter it at once, so calls take turns there; and OpenMP aborts a forked child whose parent has used it, so such
        a child runs the same code compiled without threads. Results are equal because blocks own their output.
        """
        if Kernel.plain:
            return (self.stand_in or self.py_func)(*args)
        if self._helper:
            return self.from_python(*args)
        if not self.parallel:
            return super().__call__(*args)
        if _forked_from_threads:
            return self.serial(*args)
        if _layer_takes_turns():
            with _turn:
                return super().__call__(*args)
        return super().__call__(*args)

    @property
    def serial(self) -> Kernel:
        """The same function compiled without threads."""
        if self._serial_twin is None:
            self._serial_twin = Kernel(self.py_func, self.signatures_pinned, {**self.targetoptions, "parallel": False})
        return self._serial_twin

    @property
    def from_python(self) -> Kernel:
        """A helper with the wrapper that a call from Python needs; compiled into other kernels it does without, in less time."""
        if self._python_twin is None:
            self._python_twin = Kernel(self.py_func, (), {**self.targetoptions, "no_cpython_wrapper": False})
        return self._python_twin

    # -- what makes compilation short ----------------------------------------------------------------------------------

    def compile(self, sig):
        with global_compiler_lock, _no_collection():
            return super().compile(sig)

    def get_call_template(self, args, kws):
        """How another kernel calls this one. Numba would compile it again for every constant: once for 0, once for 1."""
        return super().get_call_template([numba.types.unliteral(kind) for kind in args], kws)

    # -- pinned signatures ---------------------------------------------------------------------------------------------

    def _compile_for_args(self, *args, **kws):
        """Numba calls this when no compiled overload fits the arguments exactly."""
        if not self.signatures_pinned or kws:
            return super()._compile_for_args(*args, **kws)
        self._compilation_chain_init_hook()
        given = [self.typeof_pyval(value) for value in args]
        signature = self._pinned_for(given)
        entry = self.compile(signature)
        kinds = tuple(given)
        with global_compiler_lock:  # two threads may come with the same first call
            if kinds not in self.overloads and kinds not in self._remembered:  # entered twice it is ambiguous: no call finds it
                self._insert([kind._code for kind in given], entry, False)  # the next call with such arguments finds it at once
                self._remembered.add(kinds)
        return entry

    def _pinned_for(self, given):
        for text in self.signatures_pinned:
            wanted, _ = sigutils.normalize_signature(text)
            if len(wanted) == len(given) and all(self._fits(have, want) for have, want in zip(given, wanted)):
                self._refuse_to_write(given)
                return text
        raise TypeError(
            f"kernel {_name(self.py_func)} takes {' or '.join(self.signatures_pinned)}, "
            f"got ({', '.join(str(kind) for kind in given)}); its wrapper must convert first")

    def _refuse_to_write(self, given):
        """TypeError for a read-only array where the kernel writes: its memory may be a file that cannot be written."""
        frozen = {i for i, have in enumerate(given) if isinstance(have, numba.types.Array) and not have.mutable}
        wrong = sorted(frozen & written(self.py_func)) if frozen else []
        if wrong:
            raise TypeError(f"kernel {_name(self.py_func)} writes into its argument {wrong[0] + 1}, which is a read-only array; "
                            "its wrapper must pass one of its own")

    def _fits(self, have, want) -> bool:
        if have == want:
            return True
        if isinstance(want, numba.types.Array) or isinstance(have, numba.types.Array):
            # The flag "read-only" may differ where the kernel only reads (`_refuse_to_write`); layout and dtype may not
            # (but a contiguous array serves where any layout is taken).
            return (isinstance(have, numba.types.Array) and isinstance(want, numba.types.Array)
                    and have.dtype == want.dtype and have.ndim == want.ndim and want.layout in ("A", have.layout))
        conversion = self.typingctx.can_convert(have, want)
        return conversion is not None and conversion <= numba.core.typeconv.Conversion.safe

    def compile_pinned(self) -> None:
        """Compile (or load from the cache) every pinned signature."""
        for text in self.signatures_pinned:
            self.compile(text)


@contextlib.contextmanager
def _no_collection():
    """The compiler makes so many objects that searching them for garbage was an eighth to a fifth of its time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ---------------------------------------------------------------------------------------------------------------------
# The thread pool

_turn = threading.RLock()
_forked_from_threads = False


def _layer_takes_turns() -> bool:
    """Whether the pool in use cannot be entered by two threads at once. Unknown until the first parallel call."""
    try:
        return numba.threading_layer() == "workqueue"
    except ValueError:  # not started yet: let one call start it alone
        return True


def _note_fork() -> None:
    global _forked_from_threads, _turn
    _turn = threading.RLock()  # the parent's other threads, which may have held it, do not exist here
    if numba_pool._is_initialized:
        _forked_from_threads = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
