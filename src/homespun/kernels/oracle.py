"""A formula beside every kernel: `@oracle` registers a readable definition for compiled code, `prove` compares the two.

    @oracle(nearest, kernels=(pack_rows, search_tiles), example=lambda rng: (rng.normal(size=(50, 3)), …), rtol=1e-6)
    def nearest_formula(X, Q):
        "Index of the nearest row of X for each row of Q, by the definition."
        return ((Q[:, None] - X[None]) ** 2).sum(-1).argmin(1)

The decorated function *is* the documentation of what the fast one computes: NumPy, a few lines, no tricks. The fast one
has the same arguments and returns the same arrays. The tests run every oracle, in all lanes, and edit kernels at random
to see that the oracles notice.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import pkgutil
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from homespun.base.errors import HomespunError, ParameterError, did_you_mean
from homespun.kernels.kernel import Kernel

ORACLES: dict[str, Oracle] = {}  # name of the fast function ("linear_model.coordinate_descent.lasso") → oracle


@dataclass
class Oracle:
    """One fast function, the formula that defines it, and data to compare them on."""

    name: str
    fast: Callable
    formula: Callable
    kernels: tuple
    examples: tuple[Callable, ...]
    rtol: float
    atol: float


def oracle(fast: Callable, *, kernels, example, rtol: float = 1e-9, atol: float = 1e-12):
    """Register the decorated formula as the definition of `fast`.

    Parameters
    ----------
    fast : callable
        ``fast(*arrays)`` calls kernels. Often the wrapper that checks and allocates; a kernel itself if it returns arrays.
    kernels : iterable of Kernel
        The kernels whose work is compared here (with the helpers that they call).
    example : callable or tuple of callables
        ``example(rng) -> arguments``: small data (it also runs as plain Python) that reaches every branch.
    rtol, atol : float
        Agreement that is demanded, as in `numpy.allclose`. 0 and 0: to the last bit.
    """

    def register(formula):
        name = f"{fast.__module__.removeprefix('homespun.')}.{fast.__name__}"
        examples = tuple(example) if isinstance(example, (tuple, list)) else (example,)
        ORACLES[name] = Oracle(name, fast, formula, tuple(kernels), examples, rtol, atol)
        return formula

    return register


@dataclass
class Proof:
    """What `prove` found."""

    name: str
    equal: bool
    largest_difference: float
    largest_relative: float
    largest_ulp: float
    formula_seconds: float
    kernel_seconds: float

    def __str__(self):
        verdict = "agree" if self.equal else "DIFFER"
        times = self.formula_seconds / max(self.kernel_seconds, 1e-9)
        pace = f"{times:.1f} times faster" if times >= 1 else f"{1 / max(times, 1e-9):.1f} times slower (on data this small)"
        return (f"{self.name}: formula and kernel {verdict}\n"
                f"  largest difference  {self.largest_difference:.3g}  (relative {self.largest_relative:.3g}, "
                f"{self.largest_ulp:.3g} ulp)\n"
                f"  formula {self.formula_seconds:.6f} s, kernel {self.kernel_seconds:.6f} s: {pace}")

    __repr__ = __str__


def find(name: str) -> Oracle:
    """The oracle called `name`: its full name or any unambiguous end of it ("lasso" for "linear_model.lasso.solve_lasso")."""
    if name in ORACLES:
        return ORACLES[name]
    _register_all()
    if name in ORACLES:
        return ORACLES[name]
    matches = [full for full in ORACLES if full.endswith("." + name) or name in full.split(".")]
    if len(matches) == 1:
        return ORACLES[matches[0]]
    if matches:
        raise ParameterError(f"prove: {name!r} could be {', '.join(matches)}", operation="prove", operands={"name": name},
                             rule="the name of one oracle")
    hint = did_you_mean(name, list(ORACLES) + [full.rpartition(".")[2] for full in ORACLES])
    raise ParameterError(f"prove: there is no kernel called {name!r}; {hint or 'these are known:' + chr(10) + listing()}",
                         operation="prove", operands={"name": name}, rule="a registered name", suggestion=hint)


def listing() -> str:
    """The names of all oracles, by package, as `prove` takes them.

    >>> "euclidean_nearest" in listing()
    True
    """
    _register_all()
    ends = [full.rpartition(".")[2] for full in ORACLES]
    packages: dict[str, list[str]] = {}
    for full in sorted(ORACLES):
        package, _, end = full.rpartition(".")
        if not end.startswith("_"):  # pieces of others, on copies of their outputs
            short = end if ends.count(end) == 1 else full
            packages.setdefault(".".join(package.split(".")[:-1]) or package, []).append(short)
    lines = []
    for package, names in packages.items():
        lines += [package, *textwrap.wrap(", ".join(names), 100, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines)


@functools.cache
def _register_all() -> None:
    """Import every module of the house: an oracle is registered where it stands, which nobody may have imported yet."""
    import homespun

    for info in pkgutil.walk_packages(homespun.__path__, "homespun.", onerror=lambda name: None):
        if not info.name.endswith("__main__"):
            try:
                importlib.import_module(info.name)
            except ModuleNotFoundError as error:
                if (error.name or "").startswith("homespun"):
                    raise  # a missing extra is no mistake, a missing file of ours is


def prove(name: str, *arrays, repeats: int = 3) -> Proof:
    """Run the formula and the kernel called `name` on `arrays` (or on the built-in example) and compare them.

    Returns
    -------
    Proof
        Prints itself: the largest difference, and the time of both (best of `repeats`, compilation apart).

    Examples
    --------
    >>> import homespun as hs
    >>> bool(hs.prove("pairwise_distances").equal)
    True
    """
    if not isinstance(name, str):
        raise ParameterError(f"prove: a kernel is asked for by its name, got {name!r:.60}", operation="prove",
                             operands={"name": name}, rule="a registered name",
                             suggestion="hs.step(model) walks through an estimator")
    one = find(name)
    given = [np.asarray(part) if isinstance(part, (list, tuple)) else part for part in arrays]
    try:
        return compare(one, *given, repeats=repeats)
    except (TypeError, AttributeError, IndexError, ValueError) as error:
        if not arrays or isinstance(error, HomespunError):
            raise
        wants = ", ".join(inspect.signature(one.formula).parameters)
        shapes_given = ", ".join(str(getattr(part, "shape", part))[:40] for part in given)
        raise ParameterError(f"prove: {one.name} takes ({wants}), got ({shapes_given}): {error}", operation="prove",
                             operands={"arrays": given}, rule=f"arguments ({wants})") from error


def compare(found: Oracle, *arrays, repeats: int = 1) -> Proof:
    """`prove` for an oracle in hand."""
    arguments = arrays or found.examples[0](np.random.default_rng(0))
    fast = arrays_of(found.fast(*arguments))  # compiles
    kernel_seconds, _ = _best_time(found.fast, arguments, repeats)
    formula_seconds, slow = _best_time(found.formula, arguments, repeats)
    slow = arrays_of(slow)
    equal = agree(fast, slow, found)
    difference, relative, ulp = 0.0, 0.0, 0.0
    for a, b in zip(fast, slow):
        if a.shape != b.shape:
            difference = relative = ulp = np.inf
        elif a.size:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                gap = np.where(a == b, 0.0, np.abs(a.astype(np.float64) - b.astype(np.float64)))
                gap = np.where(np.isnan(a.astype(np.float64)) & np.isnan(b.astype(np.float64)), 0.0, gap)
                difference = max(difference, float(gap.max()))
                relative = max(relative, float((gap / np.maximum(np.abs(b), np.finfo(np.float64).tiny)).max()))
                kind = b.dtype if b.dtype.kind == "f" else np.dtype(np.float64)
                ulp = max(ulp, float((gap / np.spacing(np.maximum(np.abs(b.astype(kind)), np.finfo(kind).tiny))).max()))
    return Proof(found.name, equal, difference, relative, ulp, formula_seconds, kernel_seconds)


def arrays_of(result) -> list[np.ndarray]:
    """What a fast function or a formula returns, as a list of arrays."""
    return [np.asarray(part) for part in (result if isinstance(result, (tuple, list)) else (result,))]


def agree(have: list[np.ndarray], want: list[np.ndarray], oracle: Oracle) -> bool:
    """Whether all arrays agree as far as the oracle demands."""
    return len(have) == len(want) and all(
        a.shape == b.shape and bool(np.allclose(a, b, rtol=oracle.rtol, atol=oracle.atol, equal_nan=True))
        for a, b in zip(have, want))


def _best_time(function, arguments, repeats):
    best = np.inf
    for _ in range(max(1, repeats)):
        start = time.perf_counter()
        result = function(*arguments)
        best = min(best, time.perf_counter() - start)
    return best, result


# ---------------------------------------------------------------------------------------------------------------------
# Kernels as plain Python, within one process

@contextlib.contextmanager
def interpreted():
    """Within this block every kernel runs as the plain Python that it is written in, so that a debugger can step into it.

    Kernels that are imported or made within the block, or held in a dict, are no exception. It concerns the whole
    process, and work stays on the calling thread: it is for a person with a debugger, and for tests.
    """
    before, Kernel.plain = Kernel.plain, True
    try:
        yield
    finally:
        Kernel.plain = before
