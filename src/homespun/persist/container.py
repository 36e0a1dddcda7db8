"""The container of a model file: safetensors (a JSON header, raw arrays), one SHA-256 over all of it, atomic writes.

    bytes 0-7     length H of the header, unsigned little-endian
    bytes 8-8+H   {"__metadata__": {"format": "homespun", "sha256": …}, name: {"dtype", "shape", "data_offsets"}, …}
    the rest      the arrays, without gaps, widest items first (so that each is aligned)

The layout is https://github.com/huggingface/safetensors; any reader of it opens our files. The library itself is not
called here, because it holds every array twice, and because one pass over the file must both hash it and fill the
arrays.

`sha256` is the digest of the whole file with the 64 characters of the digest itself replaced by zeros, so any changed
byte is noticed, in the header too. It detects damage, not malice: who can write the file can write the digest. Malice
is met by what a file can say (`allowed`). Cost: one pass, no second copy. Not handled: arrays of Python objects
(`encoding`).
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import itertools
import json
import math
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from homespun.base.errors import ModelFileError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FORMAT_VERSION = 1
MAX_HEADER = 100_000_000  # bytes; the limit of safetensors, which keeps a damaged length from asking for all memory
DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "C64": "<c8",
}
NAMES = {np.dtype(text): name for name, text in DTYPES.items()}
_NO_DIGEST = "0" * 64
_CHUNK = 1 << 24  # 16 MB: hashing and writing in pieces keeps Ctrl-C prompt


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def write(path, texts: dict[str, str], arrays: dict[str, np.ndarray]) -> Path:
    """Write a container: all or nothing. Until the last step, the old file at `path` is as it was.

    Parameters
    ----------
    path : path-like
    texts : dict of str to str
        For the header, readable by any safetensors reader.
    arrays : dict of str to ndarray
        C-contiguous, of a dtype in `DTYPES`.

    Raises
    ------
    ModelFileError
        The place cannot be written (no such directory, disk full, no permission).
    """
    target = _target(path)
    header, ordered = _header(texts, arrays)
    start: Any = len(header).to_bytes(8, "little")
    digest_at = len(start) + header.index(_NO_DIGEST.encode())
    with _replacing(target) as file:
        digest = hashlib.sha256()
        for block in itertools.chain([start, header], _blocks(ordered)):
            file.write(block)
            digest.update(block)
        file.seek(digest_at)
        file.write(digest.hexdigest().encode())
    return target


def write_text(path, text: str) -> Path:
    """Write a text file as `write` does: all or nothing."""
    return write_bytes(path, text.encode())


def write_bytes(path, content: bytes) -> Path:
    """Write a file as `write` does: all or nothing."""
    target = _target(path)
    with _replacing(target) as file:
        file.write(content)
    return target


def named(path, operation: str) -> Path:
    """`path` as a Path; whatever names no file is refused in words."""
    if isinstance(path, (str, bytes, os.PathLike)) and path not in ("", b""):
        return Path(os.fsdecode(path))
    shown = repr(path) if path is None or isinstance(path, (str, bytes, int, float)) else f"a {type(path).__name__}"
    raise ModelFileError(
        f"cannot {operation} the model: path must be the name of a file, got {shown}",
        operation=operation,
        operands={"path": path},
        rule="path is the name of a file",
        suggestion="try 'model.homespun'" if operation == "save" else None,
    )


def _header(texts, arrays) -> tuple[bytes, list[np.ndarray]]:
    entries: dict[str, Any] = {
        "__metadata__": {"format": "homespun", "format_version": str(FORMAT_VERSION), "sha256": _NO_DIGEST, **texts}
    }
    offset, ordered = 0, []
    for name in sorted(arrays, key=lambda name: -arrays[name].itemsize):  # stable: equal widths keep their order
        array = arrays[name]
        entries[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
        ordered.append(array)
    header = json.dumps(entries, separators=(",", ":")).encode()
    return header + b" " * (-len(header) % 8), ordered


def _blocks(arrays) -> Iterator[memoryview]:
    for array in arrays:
        if array.nbytes:
            data = memoryview(array.reshape(-1).view(np.uint8))
            for start in range(0, len(data), _CHUNK):
                yield data[start : start + _CHUNK]


def _target(path) -> Path:
    target = Path(os.path.realpath(named(path, "save")))  # a symbolic link keeps pointing to the file
    if target.is_dir():
        raise ModelFileError(
            f"cannot save the model to {target}: it is a directory",
            operation="save",
            where=str(target),
            rule="path is a file",
            suggestion=f"try {target / 'model.homespun'}",
        )
    if not target.parent.is_dir():
        raise ModelFileError(
            f"cannot save the model to {target}: there is no directory {target.parent}",
            operation="save",
            where=str(target),
            rule="the directory exists",
            suggestion=f"create {target.parent} first",
        )
    return target


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside `target` that takes its name only when it is complete and on the disk.

    While it is written it is locked. So one without a lock is what a killed process left, and the next `save` to the same
    place deletes it; a file that another process is writing is never touched.
    """
    temporary = None
    try:
        _sweep(target)
        file, temporary = _begin(target)
        with file:
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a crash after the rename could leave an empty file under the good name
            if fcntl is not None:
                os.replace(temporary, target)  # while it is locked: nobody takes it for a leftover
        if fcntl is None:
            os.replace(temporary, target)  # Windows renames and deletes no open file: being open is its lock
    except OSError as error:
        _remove(temporary)
        kept = " The file that was there before is unchanged." if target.exists() else ""
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise ModelFileError(
            f"cannot save the model to {target}: {reason}.{kept}", operation="save", where=str(target), rule=reason
        ) from error
    except BaseException:  # Ctrl-C too
        _remove(temporary)
        raise
    _sync_directory(target.parent)


def _begin(target: Path) -> tuple[BinaryIO, Path]:
    """A new file beside `target`, locked until it is closed, and its name."""
    while True:
        path = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        file = open(path, "xb")  # noqa: SIM115 - the caller closes it
        if fcntl is None:
            return file, path
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()  # another `save` took it for a leftover, in the instant before the lock


def _sweep(target: Path) -> None:
    """Delete what killed processes left beside `target`. Where the file system knows no locks, nothing is deleted."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*-????????.tmp"):
        if fcntl is None:
            _remove(left)
            continue
        with contextlib.suppress(OSError), open(left, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while somebody writes it
            os.unlink(left)


def _remove(path: Path | None) -> None:
    if path is not None:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _sync_directory(directory: Path) -> None:
    """Make the rename itself durable. A file system that cannot sync a directory has a complete file anyway."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def read(path, *, arrays: bool = True) -> tuple[dict[str, str], dict[str, np.ndarray], dict[str, dict]]:
    """Texts, arrays and array descriptions of a container; nothing before the digest of the whole file fits.

    Parameters
    ----------
    path : path-like
    arrays : bool
        False: hash the arrays without keeping them.

    Raises
    ------
    ModelFileError
        Missing, unreadable, a directory, no model file, truncated, altered, or written by a newer homespun.
    """
    path = named(path, "load")
    try:
        if path.is_dir():
            raise _error(path, "it is a directory", "path is a file")
        with open(path, "rb") as file:
            return _read(file, path, os.fstat(file.fileno()).st_size, arrays)
    except FileNotFoundError:
        raise _error(path, "there is no such file", "the file exists", suggestion=_near(path)) from None
    except OSError as error:
        raise _error(path, error.strerror or str(error), "the file can be read") from error


def _read(file, path, size, keep):
    start = file.read(8)
    length = int.from_bytes(start, "little")
    raw = file.read(length) if length <= min(MAX_HEADER, size) else b""
    beginning = start + (raw or file.read(4096))
    texts, entries = _parse(path, beginning, raw, length, size)
    expected = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    if size != 8 + length + expected:
        word = "truncated" if size < 8 + length + expected else "altered"
        raise _error(
            path,
            f"the file is {word}: it has {size} bytes, its header asks for {8 + length + expected}",
            "the file is complete",
        )
    given = texts.get("sha256", "")
    at = raw.find(given.encode()) if len(given) == 64 else -1
    if at < 0:
        raise _error(path, "the file is altered: it has no digest", "the file is as it was written")
    digest = hashlib.sha256(start + raw[:at] + _NO_DIGEST.encode() + raw[at + 64 :])
    arrays: dict[str, np.ndarray] = {}
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        array = np.empty(entry["shape"], DTYPES[entry["dtype"]])
        _fill(file, array, digest)
        if keep:
            arrays[name] = array
    if digest.hexdigest() != given:
        raise _error(
            path,
            f"the file is altered or damaged: its SHA-256 is {digest.hexdigest()[:12]}…, it should be {given[:12]}…",
            "the file is as it was written",
            suggestion="copy it again from where it came",
        )
    return texts, arrays, entries


def _fill(file, array, digest) -> None:
    if array.nbytes:
        data = memoryview(array.reshape(-1).view(np.uint8))
        for start in range(0, len(data), _CHUNK):
            block = data[start : start + _CHUNK]
            read = 0
            while read < len(block):
                got = file.readinto(block[read:])
                if not got:
                    raise OSError(errno.EIO, "the file ended while it was read")
                read += got
            digest.update(block)


def _parse(path, beginning, raw, length, size):
    """Header bytes → texts and checked array entries."""
    ours = b'"format":"homespun"' in beginning
    if not ours and b"__metadata__" not in beginning[:64]:
        raise _error(path, f"it is not a homespun model file ({_looks_like(beginning, size)})", "a file written by homespun.save")
    if not raw or len(raw) < length:
        raise _error(
            path,
            f"the file is truncated or altered: it has {size} bytes, its header alone asks for {8 + length}",
            "the file is complete",
        )
    try:
        entries = json.loads(raw)
        texts = entries.pop("__metadata__")
        if texts["format"] != "homespun" or not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("not ours")
        version = int(texts["format_version"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if ours:
            raise _error(path, "the file is altered: its header cannot be read", "the file is as it was written") from None
        raise _error(
            path,
            "it is not a homespun model file (it is a safetensors file of another program)",
            "a file written by homespun.save",
        ) from None
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"cannot load {path}: it was written by a newer homespun ({texts.get('homespun', 'unknown version')}, file "
            f"format {version}); this one reads formats up to {FORMAT_VERSION}",
            operation="load",
            where=str(path),
            operands={"format_version": version},
            rule=f"format_version <= {FORMAT_VERSION}",
            suggestion="pip install --upgrade homespun",
        )
    try:
        end = 0
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = entry["data_offsets"]
            count = math.prod(entry["shape"])
            whole = all(type(number) is int and number >= 0 for number in (first, last, *entry["shape"]))
            if not whole or first != end or last - first != count * np.dtype(DTYPES[entry["dtype"]]).itemsize:
                raise ValueError(name)
            end = last
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise _error(path, "the file is altered: its table of arrays does not fit", "the file is as it was written") from None
    return texts, entries


def _looks_like(beginning: bytes, size: int) -> str:
    if size == 0:
        return "it is empty"
    signs = {
        b"PK": "it looks like a ZIP, .npz, .xlsx or skops file",
        b"\x93NUMPY": "it looks like a .npy file",
        b"\x89HDF": "it looks like HDF5",
        b"PAR1": "it looks like Parquet",
        b"\x1f\x8b": "it looks like gzip",
    }
    for sign, words in signs.items():
        if beginning.startswith(sign):
            return words
    if beginning[:1] == b"\x80" and beginning[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "it looks like a pickle, which homespun never opens, because opening one runs code"
    with contextlib.suppress(UnicodeDecodeError):
        if beginning[:256].decode().isprintable() or b"\n" in beginning[:256]:
            return "it looks like text"
    return "its first bytes are no header"


def _near(path: Path) -> str | None:
    from homespun.base.errors import did_you_mean

    with contextlib.suppress(OSError):
        return did_you_mean(path.name, [entry.name for entry in path.parent.iterdir() if entry.suffix == ".homespun"])
    return None


def _error(path, what: str, rule: str, suggestion: str | None = None) -> ModelFileError:
    text = f"cannot load {path}: {what}" + (f"; {suggestion}" if suggestion else "")
    return ModelFileError(text, operation="load", where=str(path), rule=rule, suggestion=suggestion)
