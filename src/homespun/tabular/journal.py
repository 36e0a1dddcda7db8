"""What `fit` has measured, on the disk as soon as it is known: a kill loses the fold in hand, and nothing else.

    cars.journal/settings.json          what was asked, of which data, by which code
    cars.journal/<candidate>-<fold>.npz  score, seconds, parameters and out-of-fold predictions of one candidate on one fold

Each file is written beside its place and then renamed, so it is there completely or not at all. `--resume` reads what is
there, after the settings: other data, another option or another homespun would mix what cannot be compared, and are refused
by name. A finished `fit` takes its journal away. One that is begun without `--resume` moves what an interrupted one left to
`cars.journal.old`, and says so: hours of work are not thrown away for a forgotten option.

A lock on `cars.journal/lock` keeps two runs from writing one model; the system releases it when a run ends in any way. Not
handled: Windows has no such lock, and there the second run is not refused.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from homespun.base.errors import DataError


class Journal:
    """The journal in `folder`; None keeps nothing."""

    def __init__(self, folder: Path | None, settings: dict[str, Any], *, resume: bool = False):
        self.folder = folder
        self.found = 0
        self._lock: int | None = None
        if folder is None:
            return
        try:
            self._open(folder, settings, resume)
        except BaseException:
            self.release()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def release(self) -> None:
        """Let another run have the place."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self, folder: Path) -> None:
        """The lock, or an error if another run has it."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:
            return
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            model = folder.with_suffix(".homespun")
            raise DataError(f"fit: another fit is writing {str(model)!r} at this moment; wait for it, or give this one another "
                            "place by --out", operation="fit", operands={"out": str(model)}, rule="one fit for each model file",
                            where=str(folder), suggestion="another --out") from None

    def _open(self, folder: Path, settings: dict[str, Any], resume: bool) -> None:
        self._take(folder)
        settings = json.loads(json.dumps(settings))
        place = folder / "settings.json"
        before = None
        if resume:
            try:
                before = json.loads(place.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                before = None  # nothing to go on with: begin
        if before is None:
            kept = len(list(folder.glob("*.npz")))
            if kept:
                old = folder.with_name(f"{folder.name}.old")
                shutil.rmtree(old, ignore_errors=True)
                self.release()
                folder.rename(old)
                self._take(folder)
                warnings.warn(f"fit: {kept} folds that an interrupted run had measured are moved to {str(old)!r}, and all is "
                              f"begun anew; to go on with them, rename it to {folder.name!r} and ask for --resume", UserWarning,
                              stacklevel=4)
            _write(place, json.dumps(settings, indent=1).encode())
            return
        changed = sorted(name for name in settings.keys() | before.keys() if settings.get(name) != before.get(name))
        if changed:
            what = ", ".join(f"{name}: {_short(before.get(name))} then, {_short(settings.get(name))} now" for name in changed)
            raise DataError(
                f"fit: cannot resume, what was asked has changed ({what}); without --resume it begins anew",
                operation="fit",
                operands={name: (before.get(name), settings.get(name)) for name in changed},
                rule="the same data, options and homespun as when it was interrupted",
                where=str(folder),
                suggestion="resume=False",
            )
        self.found = len(list(folder.glob("*.npz")))

    def get(self, key: str, fold: int) -> tuple[dict, dict[str, np.ndarray]] | None:
        """(plain facts, arrays) of a candidate on a fold, if they are there and whole."""
        if self.folder is None or not self.found:
            return None
        try:
            data = (self.folder / f"{key}-{fold}.npz").read_bytes()
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return json.loads(arrays.pop("facts").tobytes()), arrays
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # not there, or damaged: it is measured again

    def put(self, key: str, fold: int, facts: dict, arrays: dict[str, np.ndarray]) -> None:
        """Keep them."""
        if self.folder is None:
            return
        data = io.BytesIO()
        stored: dict[str, Any] = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays}
        np.savez(data, **stored)
        _write(self.folder / f"{key}-{fold}.npz", data.getvalue())

    def close(self) -> None:
        """All is done and saved: take the journal away."""
        self.release()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DataError(f"fit: the journal cannot be written: {error.strerror}: {str(path)!r}", operation="fit",
                        operands={"journal": str(path)}, rule="a folder that can be written, with room") from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:20]}…"
