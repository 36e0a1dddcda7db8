"""Shape contracts: one string is the contract, the check and the error text.

    sizes = shapes("X: n d, y: n, w: d 3", X=X, y=y, w=w)     ->  {"n": 20, "d": 5}

Each operand lists its axes by name, or by number where the size is fixed. The same name must have the same size
everywhere. ``...`` stands for any leading axes, ``_`` for an axis of any size that need not agree with another.
Idea: jaxtyping and einops, where axes have names; the wording is ours.
"""

from __future__ import annotations

import functools

from homespun.base.errors import ShapeError


def shapes(contract: str, **operands) -> dict[str, int]:
    """Check that `operands` fit `contract`; return the size of each named axis.

    Parameters
    ----------
    contract : str
        ``"X: n d, y: n"``.
    **operands : array-like with a ``shape``
        By the names of the contract. None means absent and is not checked.

    Raises
    ------
    ShapeError
        With fields ``operands`` (name → shape) and ``rule``.

    Examples
    --------
    >>> import numpy as np
    >>> shapes("X: n d, y: n", X=np.zeros((20, 5)), y=np.zeros(20))
    {'n': 20, 'd': 5}
    >>> shapes("X: n d, y: n", X=np.zeros((20, 5)), y=np.zeros(19))
    Traceback (most recent call last):
        ...
    homespun.base.errors.ShapeError: axis 'n' is 20 in X (20, 5) but 19 in y (19,)
    """
    sizes: dict[str, int] = {}
    owner: dict[str, str] = {}  # axis → the operand that fixed its size
    parts = _parse(contract)
    unknown = operands.keys() - {name for name, _ in parts}
    if unknown:
        raise TypeError(f"shape contract {contract!r} says nothing about {', '.join(sorted(unknown))}")  # ours, not a user's
    for name, axes in parts:
        value = operands.get(name)
        if value is None:
            continue
        shape = tuple(value.shape)
        leading, more = 0, ""
        if axes and axes[0] == "...":
            axes, more = axes[1:], "at least "
            leading = max(0, len(shape) - len(axes))
        checked = shape[leading:]
        if len(checked) != len(axes):
            raise _error(
                f"{name} must have {more}{_count(len(axes))} ({', '.join(axes)}), got {_count(len(shape))}: {shape}",
                operands,
                rule=f"{name}: {' '.join(axes)}",
                suggestion=_reshape_hint(name, shape, axes),
            )
        for place, (axis, size) in enumerate(zip(axes, checked), leading):
            if axis == "_":
                continue
            if axis.isdigit():
                if size != int(axis):
                    raise _error(f"{name} must have size {axis} in axis {place}, got {size}: {name} {shape}",
                                 operands, rule=f"{name}: {' '.join(axes)}")
            elif axis not in sizes:
                sizes[axis], owner[axis] = size, name
            elif sizes[axis] != size:
                first = owner[axis]
                if first == name:
                    text = f"axis '{axis}' of {name} must have one size, got {sizes[axis]} and {size}: {name} {shape}"
                else:
                    text = (f"axis '{axis}' is {sizes[axis]} in {first} {tuple(operands[first].shape)} "
                            f"but {size} in {name} {shape}")
                raise _error(text, operands, rule=f"{axis}: {sizes[axis]} == {size}")
    return sizes


@functools.cache
def _parse(contract: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    parts = []
    for part in contract.split(","):
        name, colon, axes = part.partition(":")
        if not colon:
            raise TypeError(f"shape contract {contract!r}: {part.strip()!r} has no ':'")  # a mistake of ours, not a user's
        parts.append((name.strip(), tuple(axes.split())))
    return tuple(parts)


def _count(axes: int) -> str:
    return "1 axis" if axes == 1 else f"{axes} axes"


def _reshape_hint(name: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> str | None:
    if len(shape) == 1 and len(axes) == 2:
        return f"try {name}.reshape(-1, 1) if it holds one feature, or {name}.reshape(1, -1) if it holds one sample"
    if len(shape) == 2 and len(axes) == 1 and shape[1] == 1:
        return f"try {name}.ravel()"
    return None


def _error(text, operands, *, rule, suggestion=None) -> ShapeError:
    known = {name: tuple(value.shape) for name, value in operands.items() if value is not None}
    if suggestion:
        text = f"{text}\n  {suggestion}"
    return ShapeError(text, operands=known, rule=rule, suggestion=suggestion)
