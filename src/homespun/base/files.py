"""Files that are written completely or not at all: a full disk, a kill or an error leaves the old one."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> Path:
    """Write a text file by way of a draft beside it.

    Parameters
    ----------
    path : Path
    text : str
        UTF-8, line ends as they are.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    OSError
        Naming the file that was asked for, not the draft.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> write_whole(pathlib.Path(tempfile.mkdtemp()) / "a.txt", "whole").read_text()
    'whole'
    """
    if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe is written to, not replaced by a file
        path.write_text(text, encoding="utf-8", newline="")
        return path
    place = path.resolve() if path.is_symlink() else path  # a link stays one
    draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
    try:
        draft.write_text(text, encoding="utf-8", newline="")
        draft.replace(place)
    except OSError as error:  # the draft's name is ours: the message names the file that was asked for
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        draft.unlink(missing_ok=True)
    return path
