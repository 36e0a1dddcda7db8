"""Where a model file goes: found out before the work begins, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from homespun.base.errors import DataError


def place_for(out, data) -> Path | None:
    """The model file's path for `out`: a file, or a folder, which is made.

    Raises
    ------
    DataError
        It cannot be written.
    """
    if out is None:
        return None
    path = Path(out)
    if path.suffix != ".homespun":
        stem = Path(data).name.removesuffix(".gz").rpartition(".")[0] if isinstance(data, (str, os.PathLike)) else ""
        path = path / f"{'model' if not stem or set(stem) & set('*?[]') else stem}.homespun"  # a pattern of files names none
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"fit: {str(path.parent)!r} cannot be made: {error.strerror}",
            operation="fit",
            operands={"out": str(out)},
            rule="a folder that can be written",
        ) from None
    if not os.access(path.parent, os.W_OK) or (path.exists() and (path.is_dir() or not os.access(path, os.W_OK))):
        raise DataError(
            f"fit: {str(path)!r} cannot be written",
            operation="fit",
            operands={"out": str(out)},
            rule="a place that can be written",
        )
    return path
