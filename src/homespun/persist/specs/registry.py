"""The table of what can be exported: class → function that says its spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError

EXPORTS: dict[str, Callable[[Any, str], dict]] = {}  # "homespun.linear_model.Ridge" → function that says its spec


def spec_of(estimator: Any, where: str) -> dict[str, Any]:
    """What prediction needs of `estimator`, and as "of" and "where" its class and place; an error names what has no spec."""
    kind = type(estimator)
    depth = 3 if kind.__module__.startswith("homespun.feature_extraction.") else 2
    name = f"{'.'.join(kind.__module__.split('.')[:depth])}.{kind.__qualname__}"
    if kind.__module__.startswith(("homespun_code_", "user_")):
        name = f"{kind.__qualname__} of your own"
    if name not in EXPORTS:
        raise refused(where, name, "this class says no spec of its prediction")
    try:
        return {"of": name, "where": where, **EXPORTS[name](estimator, where)}
    except AttributeError as error:
        raise refused(where, name, f"it is not fitted, or was made by another version ({error})") from error


def exports(*names: str):
    """Register the function that says the spec of the classes of these names."""

    def register(function):
        for name in names:
            EXPORTS[name] = function
        return function

    return register


def refused(where: str, name: str, why: str, suggestion: str = "homespun.persist.save keeps any model",
            operation: str = "export") -> ModelFileError:
    """The error that names a part without a form."""
    return ModelFileError(
        f"cannot export {where} ({name}): {why}",
        operation=operation,
        operands={where: name},
        where=where,
        rule="every part of the model can be written in this form",
        suggestion=suggestion,
    )


def is_word(step, word: str) -> bool:
    """Whether a step of a pipeline is one of scikit-learn's words."""
    return isinstance(step, str) and step == word


def plain(value):
    """A NumPy number as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def dense(array):
    """An array of a sparse one."""
    return array.toarray() if hasattr(array, "toarray") else np.asarray(array)


def ufunc_name(function: Any, where: str) -> str:
    """The name of one of NumPy's functions of one number."""
    name = function if isinstance(function, str) else getattr(function, "__name__", str(function))
    found = getattr(np, name, None)
    if isinstance(found, np.ufunc) and found.nin == 1 and found.nout == 1 and function in (found, name):
        return name
    raise refused(where, name, "only NumPy's functions of one number are handled")
