"""What an estimator asks of the state that a model file gave it, before compiled code follows its indices.

    check_state(self)    a method of the class; `homespun.persist` calls it on every loaded object of ours

A digest says that a file is whole, not that whoever wrote it meant well. Kernels index without tests, so an index past the
end would read foreign memory and a child that is its own ancestor would never end. O(size of the arrays), all in NumPy.
Not handled: numbers that are merely wrong. Whoever may write the file may choose the predictions, not more.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from homespun.base.errors import ModelFileError

FLOATS = (np.float32, np.float64)


def refuse(owner, part: str, rule: str, found: Any) -> NoReturn:
    """Raise the ModelFileError: which part of which estimator breaks which rule."""
    name = type(owner).__name__
    raise ModelFileError(f"the {name} in the model file is damaged or forged: {part} must be {rule}, got {found}",
                         operation="load", operands={part: found}, rule=f"{part} is {rule}", where=f"{name}.{part}")


def stored_array(owner, part: str, array, dtypes, *shape) -> np.ndarray:
    """The array, if it is one of such a dtype and shape; None in the shape is any length."""
    dtypes = dtypes if isinstance(dtypes, tuple) else (dtypes,)
    words = " or ".join(np.dtype(dtype).name for dtype in dtypes) + " of shape (" + ", ".join(
        "any" if length is None else str(length) for length in shape) + ")"
    if type(array) is not np.ndarray:
        refuse(owner, part, words, f"a {type(array).__name__}")
    fits = len(shape) == array.ndim and all(want in (None, length) for want, length in zip(shape, array.shape))
    if not fits or not any(array.dtype == np.dtype(dtype) for dtype in dtypes):
        refuse(owner, part, words, f"{array.dtype} of shape {array.shape}")
    return array


def stored_number(owner, part: str, value, low: int = 1) -> int:
    """The whole number, if it is one and is at least `low`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        refuse(owner, part, f"a whole number >= {low}", f"{value!r:.60}")
    return int(value)


def within(owner, part: str, values, low, high) -> None:
    """Every value lies in [low, high); `low` and `high` are numbers, or arrays as long as `values`."""
    bad = np.flatnonzero(~((low <= values) & (values < high)))
    if bad.size:
        first = bad[0]
        low, high = (end if np.ndim(end) == 0 else end[first] for end in (low, high))
        refuse(owner, part, f"at least {low} and below {high}", f"{values.ravel()[first]} (entry {first} of those in use)")


def children_of_trees(owner, part: str, inner, left, right, starts, size: int) -> None:
    """`inner` nodes and their children make trees of the nodes from each of `starts` to the next one, the last up to `size`.

    A child comes after its parent, in the same tree, and no other node has it: so every walk down ends, and visits are few.
    """
    ends = np.append(starts[1:], size)[np.searchsorted(starts, inner, side="right") - 1] if inner.size else inner
    for children in (left, right):
        within(owner, part, children, inner + 1, ends)
    parents = np.bincount(np.concatenate([left, right]).astype(np.int64), minlength=size)
    parents[starts] += 1
    wrong = np.flatnonzero(parents != 1)
    if wrong.size:
        refuse(owner, part, "such that each node but the root is the child of one",
               f"{parents[wrong[0]]} of them for node {wrong[0]}")
