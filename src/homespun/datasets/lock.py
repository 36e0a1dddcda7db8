"""A lock that processes share: a file that the system frees when its owner dies, so that none is ever stale."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from homespun.base.progress import progress


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file; wait while another process has it. The lock dies with its process, its file goes with the last."""
    bar = None
    while True:
        handle = open(path, "a+b")  # noqa: SIM115 - closed below, on every way out
        try:
            if _try_lock(handle):
                if path.exists() and os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                    break
                _unlock(handle)  # the owner before us removed the file that we had opened: lock the one that others see
        except BaseException:
            handle.close()
            raise
        handle.close()
        if bar is None:
            bar = progress(total=1, label=f"another process fetches {path.stem[1:]}")
        bar.refresh()
        time.sleep(0.1)
    try:
        if bar is not None:
            bar.close()
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file: there it stays, empty and free
            path.unlink()
        _unlock(handle)
        handle.close()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle) -> bool:
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(handle) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(handle) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
