"""Where a command writes: never over what it reads."""

from __future__ import annotations

import os
from pathlib import Path

from homespun.base.errors import ParameterError


def output_beside(operation: str, output, *inputs) -> Path:
    """The path to write to.

    Raises
    ------
    ParameterError
        It is one of the files that are read: the model or the data would be lost.
    """
    path = Path(output)
    for one in inputs:
        if one is not None and path.is_file() and os.path.exists(one) and os.path.samefile(path, one):
            raise ParameterError(f"{operation}: {str(path)!r} would be overwritten, and it is read; name another file to write",
                                 operation=operation, operands={"output": str(path)}, rule="a file that is not read")
    return path
