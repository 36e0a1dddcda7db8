"""Where a command writes: never over what it reads, and in a folder that is there. Found out before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from homespun.base.errors import DataError, ParameterError


def output_beside(operation: str, output, *inputs) -> Path:
    """The path to write to.

    Raises
    ------
    ParameterError
        It is one of the files that are read: the model or the data would be lost.
    DataError
        Its folder is missing or cannot be written, or it is a folder itself.
    """
    path = writable(operation, output)
    for one in inputs:
        if one is not None and path.is_file() and os.path.exists(one) and os.path.samefile(path, one):
            raise ParameterError(f"{operation}: {str(path)!r} would be overwritten, and it is read; name another file to write",
                                 operation=operation, operands={"output": str(path)}, rule="a file that is not read")
    return path


def writable(operation: str, output) -> Path:
    """`output` as a path; a DataError if no file can be written there."""
    path = Path(output)
    if str(output) == "-":
        return path
    folder, wrong = path.parent, None
    if not folder.is_dir():
        wrong = f"there is no folder {str(folder)!r}" if not folder.exists() else f"{str(folder)!r} is not a folder"
    elif path.is_dir():
        wrong = f"{str(path)!r} is a folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        wrong = f"{str(path if path.exists() else folder)!r} is closed to you"
    if wrong is not None:
        raise DataError(f"{operation}: {str(path)!r} cannot be written, {wrong}; name a file in a folder that is there",
                        operation=operation, operands={"output": str(path)}, rule="a file in a folder that is there")
    return path
