"""Parameter constraints as data: one function checks every estimator's parameters and words every error.

    class Ridge(Estimator):
        params = {"alpha": Real(low=0), "solver": OneOf("auto", "cholesky", "svd")}

A constraint can be widened by ``|``: ``Integer(low=1) | None`` also takes None, ``Real(0, 1) | OneOf("auto")`` a word.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from homespun.base.errors import ParameterError, did_you_mean


class Constraint:
    """What a parameter may be. Subclasses say `accepts(value)` and `words()`."""

    def accepts(self, value: Any) -> bool:
        raise TypeError("a constraint defines accepts()")

    def words(self) -> str:
        raise TypeError("a constraint defines words()")

    def choices(self) -> list[str]:
        """Words that could have been meant, for the hint."""
        return []

    def __or__(self, other: Constraint | None) -> Constraint:
        return Either(self, other if isinstance(other, Constraint) else OneOf(other))

    __ror__ = __or__


class Either(Constraint):
    def __init__(self, *parts: Constraint):
        self.parts: list[Constraint] = [p for part in parts for p in (part.parts if isinstance(part, Either) else [part])]

    def accepts(self, value):
        return any(part.accepts(value) for part in self.parts)

    def words(self):
        return " or ".join(part.words() for part in self.parts)

    def choices(self):
        return [word for part in self.parts for word in part.choices()]


class Real(Constraint):
    """A finite or infinite number in a range (not NaN, not a bool).

    `open` names the ends that do not belong to it: "low", "high", "both".
    """

    noun = "a number"

    def __init__(self, low: float | None = None, high: float | None = None, *, open: str = ""):
        self.low, self.high, self.open = low, high, open

    def kind(self, value) -> bool:
        if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
            return False
        try:
            return float(value) == value or value == value  # NaN equals nothing
        except OverflowError:  # 10**400
            return False

    def accepts(self, value):
        if not self.kind(value):
            return False
        if self.low is not None and (value < self.low or (self.open in ("low", "both") and value == self.low)):
            return False
        return not (self.high is not None and (value > self.high or (self.open in ("high", "both") and value == self.high)))

    def words(self):
        low = None if self.low is None else f"{'>' if self.open in ('low', 'both') else '>='} {self.low}"
        high = None if self.high is None else f"{'<' if self.open in ('high', 'both') else '<='} {self.high}"
        return " ".join([self.noun] + [" and ".join(end for end in (low, high) if end)]).strip()


class Integer(Real):
    """A whole number in a range; in any case one that 64 bits hold, as kernels count in them."""

    noun = "a whole number"

    def kind(self, value):
        return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_)) and -(2**63) <= int(value) < 2**63


class Boolean(Constraint):
    def accepts(self, value):
        return isinstance(value, (bool, np.bool_))

    def words(self):
        return "True or False"


class OneOf(Constraint):
    """One of a few values."""

    def __init__(self, *values: Any):
        self.values = values

    def accepts(self, value):
        return any(value is known or (_kind(value) is _kind(known) and value == known) for known in self.values)

    def words(self):
        known = [repr(value) for value in self.values]
        return known[0] if len(known) == 1 else "one of " + ", ".join(known)

    def choices(self):
        return [value for value in self.values if isinstance(value, str)]


def _kind(value):
    """One kind for Python's and NumPy's strings and numbers (a search over ``np.array(["l1", "l2"])`` passes `np.str_`),
    but True is not 1."""
    for kind in (bool, np.bool_, str, numbers.Integral, numbers.Real):
        if isinstance(value, kind):
            return bool if kind is np.bool_ else numbers.Real if kind is numbers.Integral else kind
    return type(value)


class Instance(Constraint):
    """An instance of a class, worded by `noun`."""

    def __init__(self, *classes: type, noun: str | None = None):
        self.classes, self.noun = classes, noun

    def accepts(self, value):
        return isinstance(value, self.classes)

    def words(self):
        return self.noun or " or ".join(f"a {cls.__name__}" for cls in self.classes)


class ArrayLike(Constraint):
    """Something with entries: a list, a tuple, an array, a series."""

    def accepts(self, value):
        return (not isinstance(value, (str, bytes, dict, set, frozenset)) and hasattr(value, "__len__")
                and getattr(value, "ndim", 1) > 0)  # an array without axes has the method, too

    def words(self):
        return "a list or an array"


class CallableWith(Constraint):
    """A function; `noun` says what of."""

    def __init__(self, noun: str = "a function"):
        self.noun = noun

    def accepts(self, value):
        return callable(value)

    def words(self):
        return self.noun


class Anything(Constraint):
    """No constraint, said aloud: what is right depends on the data (a fill value), or another library checks (a dtype)."""

    def accepts(self, value):
        return True

    def words(self):
        return "anything"


class MissingMarker(Constraint):
    """What may stand for "missing": a number, NaN too, a text, None, or pandas' own NA."""

    def accepts(self, value):
        return value is None or isinstance(value, (str, numbers.Real)) or type(value).__name__ == "NAType"

    def words(self):
        return "a number, a text, None or NaN"


class Satisfies(Constraint):
    """Whatever `test` is true of; `noun` says what that is."""

    def __init__(self, test: Callable[[Any], bool], noun: str):
        self.test, self.noun = test, noun

    def accepts(self, value):
        return bool(self.test(value))

    def words(self):
        return self.noun


RandomState = Either(
    OneOf(None),
    Integer(low=0, high=2**63 - 1),
    Instance(np.random.RandomState, np.random.Generator, noun="a NumPy random generator"),
)
NJobs = Either(OneOf(None), Integer())


def check_params(estimator) -> None:
    """Check the parameters of `estimator` against its ``params``.

    Raises
    ------
    ParameterError
        ``Ridge: alpha must be a number >= 0, got -1``, with fields ``operation``, ``operands`` and ``rule``.
    """
    owner = type(estimator).__name__
    for name, constraint in estimator.params.items():
        check_param(owner, name, getattr(estimator, name), constraint)


def check_param(owner: str, name: str, value: Any, constraint: Constraint) -> None:
    """Check one value; the error is worded as in `check_params`."""
    if constraint.accepts(value):
        return
    rule = f"{name} must be {constraint.words()}"
    suggestion = did_you_mean(value, constraint.choices()) if isinstance(value, str) else None
    shown = _shown(value)
    text = f"{owner}: {rule}, got {shown}" + (f"; {suggestion}" if suggestion else "")
    raise ParameterError(text, operation=owner, operands={name: value}, rule=rule, suggestion=suggestion)


def _shown(value: Any) -> str:
    """The value as it appears in an error: never a dump of an array."""
    if hasattr(value, "shape") and getattr(value, "shape", ()) != ():
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, np.generic):
        value = value.item()
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
