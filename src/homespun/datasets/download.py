"""Bring a data set of the catalogue onto this machine: resumable, checked, whole or not at all.

1. A lock on ``.FILE.lock`` keeps a second process waiting; the system frees it when its owner dies, so none is ever stale.
2. What lies there already is checked and used; a copy in the cache serves ``to=`` as well.
3. The rest goes into ``FILE.part``. A broken connection is taken up where it broke (HTTP ``Range``), now or by the next call.
4. Only a part with the catalogue's SHA-256 is renamed to ``FILE``; any other is thrown away, and the old file stays.

A mirror (a folder, or an address of the same shape) takes the place of the network: it holds ``NAME/FILE``, or just ``FILE``.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from homespun.base.errors import DataError
from homespun.base.progress import progress
from homespun.datasets.listing import Dataset, File, entry, require_files
from homespun.datasets.lock import locked

CHUNK = 1 << 18  # bytes a read: small enough that a kill loses little, large enough that Python's loop costs nothing
PAUSE = 0.2  # seconds before the second attempt, twice as many before each further one
TRIES = 4  # attempts that a broken connection gets; each goes on where the last one stopped
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Broken(Exception):
    """The connection ended early, or the server was busy: trying again may help."""


def fetch(name: str, *, to: str | os.PathLike | None = None, mirror: str | os.PathLike | None = None,
          timeout: float = 30.0) -> Path:
    """Download a data set of the catalogue, or find it where it was put before.

    Parameters
    ----------
    name : str
        As `search` gives it.
    to : path, optional
        Folder for the files. Default: the user's cache (``HOMESPUN_CACHE_DIR``, else ``XDG_CACHE_HOME`` or ``~/.cache``),
        under ``homespun/datasets/NAME``.
    mirror : path or address, optional
        A folder or web address that holds ``NAME/FILE`` or ``FILE``, in place of the network. Default: ``HOMESPUN_MIRROR``
        if it is set.
    timeout : float, default=30.0
        Seconds that a silent server is waited for.

    Returns
    -------
    Path
        The file; for a set of several files the folder that holds them.

    Raises
    ------
    ParameterError
        No such name.
    DataError
        The set has no address of a file (its page is named), there is no network, the file is not at its address, its
        checksum is wrong, or the disk is full. What was brought so far is kept, and the next call goes on from there.

    Examples
    --------
    ``hs.read(hs.datasets.fetch("titanic"))``
    """
    known = entry(name)
    files = require_files(known)
    stands_in = os.fspath(mirror) if mirror is not None else os.environ.get("HOMESPUN_MIRROR") or None
    home = cache_directory() / name
    folder = Path(to) if to is not None else home
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            with locked(folder / f".{file.name}.lock"):
                _bring(known, file, folder, home, stands_in, timeout)
    except OSError as error:
        if error.errno in _FULL:
            raise _disk_full(name, folder) from None
        raise
    return folder / files[0].name if len(files) == 1 else folder


def cache_directory() -> Path:
    """Where fetched sets are kept, unless `fetch` is told another place."""
    chosen = os.environ.get("HOMESPUN_CACHE_DIR")
    base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homespun"
    return base / "datasets"


def _bring(known: Dataset, file: File, folder: Path, home: Path, mirror: str | None, timeout: float) -> None:
    target = folder / file.name
    if target.exists() and sha256(target) == file.sha256:
        return
    cached = home / file.name
    sources = [str(cached)] if folder != home and cached.exists() and sha256(cached) == file.sha256 else []
    sources = sources or ([file.address] if mirror is None else _in_mirror(mirror, known.name, file.name))
    part = folder / f"{file.name}.part"
    if part.exists() and sha256(part) == file.sha256:  # killed between the last byte and the new name
        part.replace(target)
        return
    for source in sources:
        fresh = not part.exists()  # a part of an earlier call may belong to something else: it gets one more chance from zero
        if not _download(known, file, source, part, timeout, may_lack=source != sources[-1]):
            continue
        found = sha256(part)
        if found != file.sha256 and not fresh:
            part.unlink()
            _download(known, file, source, part, timeout, may_lack=False)
            found = sha256(part)
        if found != file.sha256:
            part.unlink()
            raise DataError(
                f"{known.name}: {file.name} from {source} is not the file that the catalogue knows\n"
                f"  expected sha256 {file.sha256}\n  got             {found}\n  it was thrown away; "
                + ("the mirror holds something else" if mirror else f"it may have changed at its source, see {known.page}"),
                operation="fetch", operands={"name": known.name, "file": file.name, "sha256": found},
                rule=f"sha256 {file.sha256}", where=source)
        with open(part, "rb+") as whole:
            os.fsync(whole.fileno())
        part.replace(target)
        return


def _in_mirror(mirror: str, name: str, file: str) -> list[str]:
    """The places in a mirror where a file may lie, most specific first."""
    if mirror.startswith(("http://", "https://")):
        return [f"{mirror.rstrip('/')}/{quote(name)}/{quote(file)}", f"{mirror.rstrip('/')}/{quote(file)}"]
    folder = Path(unquote(urlsplit(mirror).path)) if mirror.startswith("file://") else Path(mirror).expanduser()
    return [str(folder / name / file), str(folder / file)]


def _download(known: Dataset, file: File, source: str, part: Path, timeout: float, may_lack: bool) -> bool:
    """Fill `part` from `source`, going on where it ends. False if the source lacks the file and `may_lack`."""
    for attempt in range(TRIES):
        try:
            _transfer(known, file, source, part, timeout)
            return True
        except (_Broken, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            if attempt == TRIES - 1:
                have = part.stat().st_size if part.exists() else 0
                raise DataError(f"{known.name}: the connection to {source} broke {TRIES} times, last: {error}\n"
                                f"  {have:,} bytes are kept in {part}; call fetch again to go on",
                                operation="fetch", operands={"name": known.name, "file": file.name, "bytes": have},
                                rule="an unbroken transfer", where=source, suggestion="call fetch again") from None
            time.sleep(PAUSE * 2**attempt)
        except (FileNotFoundError, urllib.error.HTTPError) as error:
            if isinstance(error, FileNotFoundError) and error.filename != source:
                raise
            if may_lack:
                return False
            said = f"HTTP {error.code} {error.reason}" if isinstance(error, urllib.error.HTTPError) else "no such file"
            raise DataError(f"{known.name}: {file.name} is not at {source} ({said})\n"
                            f"  the page of the set is {known.page}",
                            operation="fetch", operands={"name": known.name, "file": file.name}, rule="a file at its address",
                            where=source, suggestion=f"see {known.page}") from None
        except urllib.error.URLError as error:
            raise _no_network(known, file, source, error) from None
    raise AssertionError("unreachable")


def _transfer(known: Dataset, file: File, source: str, part: Path, timeout: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    with _opened(source, have, timeout) as (stream, start, total):
        if file.bytes is not None and total is not None and total != file.bytes:
            raise DataError(f"{known.name}: {source} has {total:,} bytes, the catalogue knows {file.bytes:,}: not the same file",
                            operation="fetch", operands={"name": known.name, "bytes": total}, rule=f"{file.bytes} bytes",
                            where=source, suggestion=f"see {known.page}")
        size = total if total is not None else file.bytes
        _room(known.name, part.parent, (size or 0) - start)
        bar = progress(total=size, label=f"fetch {file.name}")
        bar.unit, bar.unit_scale, bar.unit_divisor = "B", True, 1000
        bar.update(start)
        got = start
        with open(part, "ab") as kept, contextlib.closing(bar):
            kept.truncate(start)  # the server may have started over
            while chunk := stream.read(CHUNK):
                kept.write(chunk)
                got += len(chunk)
                bar.update(len(chunk))
                if size is not None and got > size:
                    raise _Broken(f"more than the {size:,} bytes that were announced")
    if size is not None and got < size:
        raise _Broken(f"{got:,} of {size:,} bytes came")


@contextlib.contextmanager
def _opened(source: str, have: int, timeout: float) -> Iterator[tuple[BinaryIO | http.client.HTTPResponse, int, int | None]]:
    """(stream, where it starts, size of the whole or None); the stream starts at `have` if the source can do that."""
    if not source.startswith(("http://", "https://")):
        whole_file = os.stat(source).st_size
        with open(source, "rb") as stream:
            yield stream, stream.seek(have if have <= whole_file else 0), whole_file
        return
    headers = {"User-Agent": "homespun", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(source, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the part is as long as the file, or longer: ask for the whole, and let the checksum decide
            with _opened(source, 0, timeout) as opened:
                yield opened
            return
        if error.code == 429 or error.code >= 500:
            raise _Broken(f"HTTP {error.code} {error.reason}") from None
        raise
    with response:
        start, length = 0, response.headers.get("Content-Length", "")
        total: int | None = int(length) if length.isdigit() else None
        if response.status == 206:
            place, _, whole = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if not place.startswith(f"{have}-"):
                raise _Broken(f"bytes from {have} were asked for, the server sent {place or 'no range'}")
            start, total = have, int(whole) if whole.isdigit() else None
        yield response, start, total


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _room(name: str, folder: Path, needed: int) -> None:
    if needed > shutil.disk_usage(folder).free:
        raise _disk_full(name, folder, needed)


def _disk_full(name: str, folder: Path, needed: int | None = None) -> DataError:
    free = shutil.disk_usage(folder).free
    return DataError(f"{name}: the disk of {folder} is full: {free:,} bytes are free"
                     + (f", {needed:,} are needed" if needed else "")
                     + "\n  what was brought so far is kept; free some room and call fetch again, or choose a folder with to=",
                     operation="fetch", operands={"name": name, "free": free, "needed": needed}, rule="room on the disk",
                     where=str(folder), suggestion="free some room, or choose another folder with to=")


def _no_network(known: Dataset, file: File, source: str, error: urllib.error.URLError) -> DataError:
    host = urlsplit(source).netloc
    return DataError(
        f"{known.name}: {host} cannot be reached ({error.reason})\n"
        f"  without a network: get {file.address}\n"
        f"  elsewhere, put it as FOLDER/{known.name}/{file.name}, and call fetch with mirror=FOLDER "
        "(or set HOMESPUN_MIRROR=FOLDER)",
        operation="fetch", operands={"name": known.name, "file": file.name}, rule=f"a connection to {host}", where=source,
        suggestion="mirror=FOLDER")
