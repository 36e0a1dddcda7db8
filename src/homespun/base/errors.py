"""The errors that users meet, as one small tree.

    HomespunError (a ValueError)
    ├── ShapeError        operands whose axes do not fit
    ├── ParameterError    a setting outside its range, or of a wrong kind
    ├── DataError         values that an operation cannot work with (NaN, one class, unknown column, …)
    └── ModelFileError    a model file that is damaged, altered, newer, or holds code

An error says which operation, which operands, which rule with which numbers, where, and what would fit.
It carries the same facts as fields, so that programs (and tests) need not parse the text.
"""

from __future__ import annotations

import pickle
import re
from typing import Any


class HomespunError(ValueError):
    """A user's mistake, explained.

    Parameters
    ----------
    message : str
        The whole text, as the user reads it.
    operation : str, optional
        What was being done: ``"Ridge.fit"``.
    operands : dict, optional
        What it was done with, by the user's names: ``{"X": (20, 5)}``.
    rule : str, optional
        The rule that was broken, with its numbers.
    where : str, optional
        File, line, column, layer path: the place.
    suggestion : str, optional
        What would fit. A suggestion was tried before it is given.

    Examples
    --------
    >>> from homespun.errors import DataError
    >>> error = DataError("y holds one class", operation="fit", operands={"y": ("a",)})
    >>> isinstance(error, ValueError), error.operation
    (True, 'fit')
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        operands: dict[str, Any] | None = None,
        rule: str | None = None,
        where: str | None = None,
        suggestion: str | None = None,
    ):
        super().__init__(python_words(message))
        self.operation = operation
        self.operands = operands or {}
        self.rule = rule if rule is None else python_words(rule)
        self.where = where
        self.suggestion = suggestion

    def __reduce__(self):  # errors cross process borders whole (joblib, multiprocessing)
        fields = {name: getattr(self, name) for name in ("operation", "operands", "rule", "where", "suggestion")}
        fields["operands"] = {name: _portable(value) for name, value in self.operands.items()}
        return _rebuild, (type(self), str(self), fields)


def python_words(text: str) -> str:
    """The text with NumPy's numbers and strings as Python writes them: users of tables never typed ``np.int64``.

    >>> python_words("y holds only np.int64(1) and np.str_('a')")
    "y holds only 1 and 'a'"
    """
    return _NUMPY_SCALAR.sub(r"\1", text)


_NUMPY_SCALAR = re.compile(r"\bnp\.(?:u?int\d+|u?longlong|float\d+|longdouble|complex\d+|str_|bytes_|datetime64)\(([^()]*)\)")


def _portable(value):
    """The value, or its text where it cannot be pickled (a lambda): the error matters more than the operand."""
    try:
        pickle.dumps(value)
    except Exception:  # whatever a foreign __reduce__ may raise
        return repr(value)
    return value


def _rebuild(cls, message, fields):
    return cls(message, **fields)


class ShapeError(HomespunError):
    """Operands whose axes do not fit each other."""


class ParameterError(HomespunError):
    """A parameter outside its range, or of a wrong kind."""


class DataError(HomespunError):
    """Values that the operation cannot work with."""


class ModelFileError(HomespunError):
    """A model file that cannot be trusted or understood."""


def did_you_mean(wrong: str, known) -> str | None:
    """The entries of `known` that look like `wrong`, worded; None if nothing is near.

    >>> did_you_mean("prize", ["price", "year"])
    "did you mean 'price'?"
    """
    import difflib

    lowered = {str(name).lower(): str(name) for name in known}
    near = difflib.get_close_matches(str(wrong).lower(), lowered, n=3, cutoff=0.6)
    if not near:
        return None
    return "did you mean " + " or ".join(repr(lowered[name]) for name in near) + "?"
