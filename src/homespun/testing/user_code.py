"""A user's own estimator: `new_file` writes the start of one, `load_class("my_model.py:MyModel")` brings it in.

The file is imported as a module under a name that no other file has, and it stays in ``sys.modules``, so that pickle,
debuggers and `inspect` find it.
"""

from __future__ import annotations

import inspect
import keyword
from pathlib import Path
from types import ModuleType
from typing import Any

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.persist.allowed import run_code


def load_module(path) -> ModuleType:
    """The module in the file at `path`, executed afresh if the file changed since it was last loaded."""
    file = Path(path)
    if not file.is_file():
        near = did_you_mean(file.name, [other.name for other in file.parent.glob("*.py")] if file.parent.is_dir() else [])
        raise ParameterError(f"there is no file {str(path)!r}" + (f"; {near}" if near else ""), operation="load_class",
                             operands={"path": str(path)}, rule="an existing Python file", suggestion=near)
    if file.suffix != ".py":
        raise ParameterError(f"{str(path)!r} is not a Python file (its name must end in .py)", operation="load_class",
                             operands={"path": str(path)}, rule="a file that ends in .py")
    try:
        return run_code(file)
    except SyntaxError as error:
        raise DataError(f"{file.name}, line {error.lineno}: {error.msg}: {(error.text or '').strip()}",
                        operation="load_class", operands={"path": str(path)}, rule="valid Python",
                        where=f"{error.filename}:{error.lineno}") from None
    except (Exception, SystemExit) as error:  # a script that calls sys.exit() is no reason to end
        line = _line_in(error, file)
        raise DataError(f"{file.name}{f', line {line}' if line else ''}: {type(error).__name__}: {error}",
                        operation="load_class", operands={"path": str(path)}, rule="a file that can be imported",
                        where=f"{file}:{line}") from error


def load_class(target: str) -> type:
    """The class that ``"my_model.py:MyModel"`` names; ``"my_model.py"`` will do if the file defines one estimator.

    Raises
    ------
    ParameterError
        No such file, or no such class in it (with the near ones).
    DataError
        The file is not valid Python, or fails while it is imported; with its line.
    """
    path, colon, name = str(target).rpartition(":")
    if not colon or name.endswith(".py") or "/" in name or "\\" in name:  # no class named (or a drive letter)
        path, name = str(target), ""
    module = load_module(path)
    classes = own_classes(module)
    if name in classes:
        return classes[name]
    if not name and len(classes) == 1:
        return next(iter(classes.values()))
    known = ", ".join(classes) or "none"
    if not name:
        raise ParameterError(f"{path} defines {len(classes)} classes with a fit method ({known}); "
                             f"say which: {path}:NAME", operation="load_class", operands={"target": target},
                             rule="one class, or its name")
    near = did_you_mean(name, classes)
    raise ParameterError(f"{path} defines no class {name!r} with a fit method; it defines: {known}"
                         + (f"; {near}" if near else ""), operation="load_class", operands={"target": target},
                         rule="a class in the file", suggestion=near)


def own_classes(module) -> dict[str, type]:
    """The classes with a ``fit`` method that `module` defines itself, by name."""
    return {name: value for name, value in vars(module).items()
            if inspect.isclass(value) and value.__module__ == module.__name__ and callable(getattr(value, "fit", None))}


def _line_in(error, file) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == file.resolve():
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


# ---------------------------------------------------------------------------------------------------------------------
# The start of a new one

START = '''"""$name: least squares with a squared penalty on the weights. Replace the formula; the rest can stay.

    minimise over w, b    sum_i s_i (y_i - x_i w - b)^2 + alpha ||w||^2      X: (n, d)   y, s: (n,)   w: (d,)

Check it with  homespun certify $file:$name,  walk through it with  homespun step $file
"""

import numpy as np

from homespun.base import Real
from homespun.base.estimator import Estimator, RegressorMixin, check_is_fitted, check_params


class $name(RegressorMixin, Estimator):     # for classes instead of numbers: ClassifierMixin; to change X: TransformerMixin
    params = {"alpha": Real(low=0)}          # what each parameter may be; check_params words the error

    def __init__(self, alpha=1.0):           # stores its arguments and does nothing else, so that it can be cloned
        self.alpha = alpha

    def fit(self, X, y, sample_weight=None):
        check_params(self)
        X, y = self.validate(X, y, y_numeric=True, dtype=np.float64)   # NaN, wrong shapes, …: a clear error
        weights = self.validate_weights(sample_weight, X)
        self.coef_, self.intercept_ = solve(X, y, weights, self.alpha)   # what is learned ends in _
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = self.validate(X, operation="predict", dtype=np.float64)
        return X @ self.coef_ + self.intercept_


def solve(X, y, s, alpha):
    """The formula, in NumPy. Where a profile asks for a loop, write it under `homespun.kernels.kernel`."""
    X_mean = s @ X / s.sum()                                  # (d,)    centring takes b out of the problem
    y_mean = s @ y / s.sum()
    A, b = X - X_mean, y - y_mean                             # (n, d), (n,)
    gram = (A.T * s) @ A + alpha * np.eye(X.shape[1])         # (d, d)
    w = np.linalg.lstsq(gram, (A.T * s) @ b, rcond=None)[0]   # also where alpha = 0 and columns depend on each other
    return w, y_mean - X_mean @ w
'''


def new_file(path) -> Path:
    """Write the start of an estimator to `path`: short, commented, and working as it stands.

    The class is named after the file: ``my_model.py`` holds ``MyModel``. An existing file is never overwritten.

    Raises
    ------
    ParameterError
        The file exists, its folder does not, or its name is not one that Python can import.
    """
    file = Path(path)
    facts: dict[str, Any] = {"operation": "new", "operands": {"path": str(path)}}
    if file.suffix != ".py" or not file.stem.isidentifier() or keyword.iskeyword(file.stem):
        stem = "".join(c if c.isalnum() else "_" for c in file.stem)
        suggestion = (stem if stem.isidentifier() and not keyword.iskeyword(stem) else f"my_{stem}") + ".py"
        raise ParameterError(f"new: {file.name!r} is not a name that Python can import; try {suggestion!r}", **facts,
                             rule="a name that Python can import, ending in .py", suggestion=suggestion)
    if not file.parent.is_dir():
        raise ParameterError(f"new: there is no folder {str(file.parent)!r}", **facts, rule="an existing folder")
    name = "".join(word[:1].upper() + word[1:] for word in file.stem.split("_")) or "MyModel"
    text = START.replace("$name", name).replace("$file", file.name)
    try:
        with open(file, "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise ParameterError(f"new: {str(path)!r} exists already and is left as it is", **facts,
                             rule="a file that does not exist yet") from None
    return file
