"""`step`: walk through an algorithm, line by line, as the plain Python that it is written in.

    hs.step(Ridge()).fit(X, y)        pdb opens at the first line of Ridge.fit; at each stop: which arrays changed

Kernels run interpreted, and the debugger stops in files of algorithms only: the class's own file and every algorithm of
the house, not in scikit-learn, NumPy, or our own plumbing (parameter checks, the kernel decorator). `n` next line, `s`
into a call, `u` up, `p X.shape` look, `c` run to the end, `q` give up (raises `bdb.BdbQuit`).

Where another debugger is at work (an IDE's, or one that ``PYTHONBREAKPOINT`` names), `step` only switches the kernels to
plain Python: that debugger's own breakpoints in the algorithm's files are then met.
"""

from __future__ import annotations

import bdb
import hashlib
import inspect
import os
import pdb
import sys
from pathlib import Path
from typing import Any

import numpy as np

import homespun
from homespun.base.errors import ParameterError, did_you_mean
from homespun.kernels import interpreted

HOUSE = Path(homespun.__file__).resolve().parent
PLUMBING = (  # folders and files of the house that are no algorithms
    "__init__.py", "__main__.py", "errors.py", "base", "testing", "persist", "drop_in", "cli", "serve",
    *(f"kernels/{name}.py" for name in ("__init__", "build", "cache", "kernel", "oracle", "threads")),
)
METHODS = (
    "fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples",
    "transform", "inverse_transform", "fit_transform", "fit_predict", "score",
)


def step(estimator, *, stdin=None, stdout=None) -> Stepped:
    """The estimator, with methods that run as plain Python under a debugger that stops at the algorithm's own lines.

    Parameters
    ----------
    estimator : estimator
        Fitted or not. It is this object that is fitted, not a copy.
    stdin, stdout : file objects, optional
        Where the debugger reads commands and writes; the terminal (or the notebook) by default.

    Returns
    -------
    Stepped
        Has the estimator's methods and attributes; ``fit`` returns it, so that calls can be chained.

    Examples
    --------
    >>> import io
    >>> from homespun.linear_model import Ridge
    >>> from homespun.testing import step
    >>> screen = io.StringIO()
    >>> stepped = step(Ridge(), stdin=io.StringIO("c\\n"), stdout=screen).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    >>> "ridge.py" in screen.getvalue()
    True
    """
    if not callable(getattr(estimator, "fit", None)) or inspect.isclass(estimator):
        raise ParameterError(f"step: {estimator!r} is no estimator; pass an instance, such as step(Ridge())",
                             operation="step", operands={"estimator": estimator}, rule="an object with a fit method")
    return Stepped(estimator, stdin, stdout)


class Stepped:
    """An estimator whose methods stop in the debugger; every other attribute is the estimator's."""

    def __init__(self, estimator, stdin=None, stdout=None):
        self.estimator = estimator
        self._streams = stdin, stdout

    def __getattr__(self, name: str) -> Any:
        if name == "estimator":  # while unpickling there is none yet
            raise AttributeError(name)
        value = getattr(self.estimator, name)
        if name not in METHODS or not callable(value):
            return value

        def stepped(*args, **kwargs):
            result = run(value, *args, files=own_files(type(self.estimator)), streams=self._streams, **kwargs)
            return self if result is self.estimator else result

        return stepped

    def __dir__(self):
        return dir(self.estimator)

    def __repr__(self):
        return f"step({self.estimator!r})"


def run(function, *args, files=(), folder=None, streams=(None, None), **kwargs):
    """``function(*args, **kwargs)`` with the kernels as plain Python, under the stepping debugger if no other is at work."""
    with interpreted():
        if another_debugger():
            return function(*args, **kwargs)
        stdin, stdout = streams
        return Debugger(files, stdin, stdout, folder).runcall(function, *args, **kwargs)


def another_debugger() -> str | None:
    """The debugger that is at work in this process, other than ours; None if there is none."""
    tracer = sys.gettrace()
    if tracer is not None and "coverage" not in type(tracer).__module__ and type(tracer).__name__ != "CTracer":
        return getattr(type(getattr(tracer, "__self__", tracer)), "__name__", "a debugger")
    if os.environ.get("PYTHONBREAKPOINT"):
        return os.environ["PYTHONBREAKPOINT"]
    attached = getattr(sys.modules.get("debugpy"), "is_client_connected", None)
    if attached is not None and attached():
        return "debugpy"
    monitoring = getattr(sys, "monitoring", None)  # Python 3.12+: some debuggers trace through it
    return monitoring.get_tool(monitoring.DEBUGGER_ID) if monitoring is not None else None


def own_files(cls: type) -> set[str]:
    """The files that define the class and its own bases (a user's file need not be inside the house)."""
    files = set()
    for one in cls.__mro__:
        if one.__module__.split(".")[0] not in ("sklearn", "builtins", "numpy"):
            try:
                files.add(str(Path(inspect.getfile(one)).resolve()))
            except (TypeError, OSError):  # defined in a shell: no file
                continue
    return {file for file in files if not _is_plumbing(file)}


def is_algorithm(file: str) -> bool:
    """Whether the file is an algorithm of the house."""
    path = Path(file)
    return path.is_relative_to(HOUSE) and not _is_plumbing(file)


def _is_plumbing(file: str) -> bool:
    path = Path(file)
    if not path.is_relative_to(HOUSE):
        return False
    inside = path.relative_to(HOUSE).as_posix()
    return any(inside == part or inside.startswith(part + "/") for part in PLUMBING)


class Debugger(pdb.Pdb):
    """pdb that stops in algorithms only, and says at each stop which arrays changed."""

    def __init__(self, files=(), stdin=None, stdout=None, folder=None):
        super().__init__(stdin=stdin, stdout=stdout, nosigint=True)
        if stdin is not None:
            self.use_rawinput = False
        self.prompt = "(step) "
        self._files = set(files)
        self._folder = folder  # of a script: what it imports from beside itself is the user's own too
        self._wanted: dict[str, bool] = {}
        self._seen: dict[int, dict[str, tuple]] = {}  # id of a frame → its arrays, as they were at the last stop

    # -- where to stop ------------------------------------------------------------------------------------------------

    def stop_here(self, frame):
        return self.is_wanted(frame) and super().stop_here(frame)

    def is_wanted(self, frame) -> bool:
        file = frame.f_code.co_filename
        if file not in self._wanted:
            real = str(Path(file).resolve())
            self._wanted[file] = real in self._files or is_algorithm(real) or self._is_beside(real)
        return self._wanted[file]

    def _is_beside(self, file) -> bool:
        return (self._folder is not None and Path(file).is_relative_to(self._folder)
                and not {"site-packages", "dist-packages"} & set(Path(file).parts) and not Path(file).is_relative_to(HOUSE))

    def user_call(self, frame, argument_list):
        pass  # the first line of the function is the stop, not its def

    def user_line(self, frame):
        if self.is_wanted(frame):
            self._tell_changes(frame)
            super().user_line(frame)

    def user_return(self, frame, return_value):
        self._seen.pop(id(frame), None)
        if self.is_wanted(frame):
            super().user_return(frame, return_value)

    def user_exception(self, frame, exc_info):
        if self.is_wanted(frame):
            super().user_exception(frame, exc_info)

    def runcall(self, function, /, *args, **kwargs):
        """As in `bdb`, but giving up (`q`) is an exception: a half-finished result is worth nothing."""
        self.reset()
        before = sys.gettrace()  # a coverage tool's
        sys.settrace(self.trace_dispatch)
        try:
            return function(*args, **kwargs)
        finally:
            self.quitting = True
            sys.settrace(before)

    # -- what changed -------------------------------------------------------------------------------------------------

    def _tell_changes(self, frame):
        now = dict(_arrays(frame))
        before = self._seen.get(id(frame), {})
        self._seen[id(frame)] = {name: sign for name, (sign, _) in now.items()}
        changed = [(name, array) for name, (sign, array) in now.items() if before.get(name) != sign]
        width = max((len(name) for name, _ in changed), default=0)
        for name, array in changed:
            self.message(f"  {name:<{width}}  {_about(array)}")


def _arrays(frame):
    """(name, (signature, array)) of the arrays among a frame's variables and the attributes of its ``self``."""
    for name, value in list(frame.f_locals.items()):
        if _is_array(value):
            yield name, (_signature(value), value)
        elif name == "self":
            for attribute, part in list(getattr(value, "__dict__", {}).items()):
                if _is_array(part):
                    yield f"self.{attribute}", (_signature(part), part)


def _is_array(value) -> bool:
    return isinstance(value, np.ndarray) or (hasattr(value, "nnz") and hasattr(value, "shape"))


def _signature(array):
    """Equal for equal contents (for large arrays: equal for the same object with the same samples of its content)."""
    if not isinstance(array, np.ndarray):
        return id(array), array.shape, array.nnz
    if array.dtype.hasobject:
        return id(array), array.shape
    if array.nbytes <= 1 << 20:
        return array.shape, array.dtype.str, hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=8).digest()
    few = array.ravel(order="K")[:: max(1, array.size // 4096)]
    return id(array), array.shape, hashlib.blake2b(np.ascontiguousarray(few).tobytes(), digest_size=8).digest()


def _about(array) -> str:
    shape = f"{tuple(int(size) for size in array.shape)} {array.dtype}"
    if not isinstance(array, np.ndarray):
        return f"{shape} sparse, {array.nnz} stored"
    if array.size and array.size <= 6:
        return f"{shape}  {np.array2string(array, precision=4, separator=', ')}".replace("\n", "")
    if array.size and array.dtype.kind in "fiu":
        with np.errstate(invalid="ignore"):
            return f"{shape}  from {array.min():.4g} to {array.max():.4g}"
    return shape


# ---------------------------------------------------------------------------------------------------------------------
# For the command line

def step_target(target: str, *, stdin=None, stdout=None) -> None:
    """Step through what `target` names.

    * ``Ridge``, ``ridge`` or ``ridge.py``: that estimator of ours, fitted and asked on toy data;
    * ``my_model.py`` or ``my_model.py:MyModel`` with a class that has a `fit` method: the same;
    * any other script: it runs as ``__main__`` with the kernels as plain Python, and the debugger stops at its lines too.

    Raises
    ------
    ParameterError
        Nothing has that name; near ones are suggested.
    """
    from homespun.testing.user_code import load_class, load_module, own_classes

    path, colon, name = target.rpartition(":")
    path, named = (path, True) if colon and not name.endswith(".py") else (target, False)
    try:
        if not Path(path).is_file():
            if named:
                load_class(target)  # words what is missing
            _toy_run(_ours(target), stdin, stdout)
        elif named:
            _toy_run(load_class(target), stdin, stdout)
        elif _defines_estimator(path):
            _toy_run(next(reversed(own_classes(load_module(path)).values())), stdin, stdout)  # the last is built on the others
        else:
            _script_run(path, stdin, stdout)
    except bdb.BdbQuit:
        print("step: given up", file=stdout)


def _ours(target: str) -> type:
    """Our estimator of that name, in any case; or the one whose file has that name."""
    from homespun.testing.discovery import all_estimators

    stem = target.removesuffix(".py").rpartition("/")[2].lower().replace("-", "_")
    known = all_estimators()
    for name, cls in known:
        if stem.replace("_", "") == name.lower():
            return cls
    in_file = [cls for _, cls in known if cls.__module__.rpartition(".")[2] == stem]
    if in_file:
        return in_file[0]
    alone = [cls for name, cls in known if name.lower().startswith(stem.replace("_", ""))]
    if len(alone) == 1:
        return alone[0]
    near = did_you_mean(target, [name for name, _ in known])
    raise ParameterError(f"step: {target!r} is neither a file nor one of our estimators" + (f"; {near}" if near else ""),
                         operation="step", operands={"target": target}, rule="a Python file or an estimator",
                         suggestion=near)


def _defines_estimator(path) -> bool:
    """Whether the file defines a class with a `fit` method, and so is not (only) a script. Read, not run."""
    import ast

    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except SyntaxError:
        return True  # loading it words the error
    return any(isinstance(node, ast.ClassDef) and any(isinstance(part, ast.FunctionDef) and part.name == "fit"
                                                      for part in node.body) for node in tree.body)


def _toy_run(cls, stdin, stdout):
    """Fit on a dozen rows, then ask for the first three."""
    from homespun.testing.checks import case_for
    from homespun.testing.discovery import example_of

    case = case_for(example_of(cls), n=12, d=2)
    print(f"step: {cls.__name__} on toy data, X {case.X.shape}"
          + ("" if case.y is None else f", y {case.y.shape}"), file=stdout)
    stepped = step(case.make(), stdin=stdin, stdout=stdout)
    stepped.fit(case.X, *(() if case.y is None else (case.y,)))
    for method in ("predict", "transform"):
        if hasattr(case.estimator, method):
            print(f"step: {method}", file=stdout)
            getattr(stepped, method)(case.X[:3])
            break


def _script_run(path, stdin, stdout):
    import runpy

    file = Path(path).resolve()
    sys.path.insert(0, str(file.parent))  # as `python script.py` does
    try:
        run(runpy.run_path, str(file), run_name="__main__", folder=file.parent, streams=(stdin, stdout))
    finally:
        sys.path.remove(str(file.parent))
