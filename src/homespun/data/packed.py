"""What a file is, by its first bytes; and packed ones unpacked to disk.

gzip, bzip2, xz, zip and tar, one inside of the other if need be; zstd where a package for it is there. The whole archive is
checked (its checksum) before a row is read: half a file is no table.

Not handled: 7z, rar, archives of several files.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from homespun.base.errors import DataError
from homespun.data.table import Decision


def _zstd_open(path: Path, mode: str):
    """Python 3.14 has zstd; before, one of two packages brings it."""
    for module in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            return importlib.import_module(module).open(path, mode)
        except ImportError:
            continue
    raise ImportError("zstd")


_OPENERS: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\x00": ("xz", lzma.open),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd_open),
}
_REFUSED = [
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"%PDF", "a PDF: save its table as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x89HDF", "an HDF5 file: save its table as Parquet"),
    (b"ARROW1", "an Arrow file: read it with pandas or polars and pass the dataframe"),
]


def kind_of_file(path: Path, name: str) -> str:
    """ "parquet", "excel", "sqlite", "duckdb", "zip", "tar", "gzip", "bzip2", "xz", "zstd" or "text"."""
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise DataError(
            f"{name!r} cannot be opened: {error.strerror}",
            operation="read",
            operands={"source": name},
            rule="a readable file",
        ) from None
    for magic, what in _REFUSED:
        if head.startswith(magic):
            raise DataError(
                f"{name!r} is {what}",
                operation="read",
                operands={"source": name},
                rule="CSV, TSV, Parquet, JSON, Excel, SQLite or DuckDB",
            )
    for magic, (kind, _) in _OPENERS.items():
        if head.startswith(magic) and (kind != "bzip2" or head[4:10] in (b"1AY&SY", b"\x17rE8P\x90")):
            return kind
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SQLite format 3\x00"):
        return "sqlite"
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "excel"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "excel" if _is_workbook(path, name) else "zip"
    return "tar" if head[257:262] == b"ustar" else "text"


def _is_workbook(path: Path, name: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            return any(member.startswith("xl/") for member in members) or (
                "mimetype" in members
                and archive.read("mimetype").startswith(b"application/vnd.oasis.opendocument.spreadsheet")
            )
    except (zipfile.BadZipFile, OSError, KeyError) as error:
        raise _damaged("zip", name, error) from None


def unpack(path: Path, kind: str, name: str, folder: Path) -> tuple[Path, list[Decision]]:
    """The unpacked file."""
    target = folder / f"unpacked{len(list(folder.iterdir()))}"
    if kind == "zip":
        return _unzip(path, name, target)
    if kind == "tar":
        return _untar(path, name, target)
    opener = next(opener for known, opener in _OPENERS.values() if known == kind)
    try:
        with opener(path, "rb") as packed, open(target, "wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except ImportError:
        raise DataError(
            f"{name!r} is a zstd archive, and this Python cannot read zstd",
            operation="read",
            operands={"source": name},
            rule="gzip, bzip2, xz, zip or tar",
            suggestion="pip install zstandard; or unpack it first: zstd -d FILE",
        ) from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(kind, name, error) from None
    except Exception as error:
        if type(error).__name__ not in ("ZstdError",):  # of whichever package
            raise
        raise _damaged(kind, name, error) from None
    return target, []


def _untar(path: Path, name: str, target: Path) -> tuple[Path, list[Decision]]:
    try:
        with tarfile.open(path, "r:") as archive:
            members = [one for one in archive if one.isfile() and not Path(one.name).name.startswith(".")]
            if len(members) != 1:
                raise _several(name, "tar", [member.name for member in members])
            packed = archive.extractfile(members[0])
            assert packed is not None  # it is a file
            with packed, open(target, "wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _damaged("tar", name, error) from None
    return target, [Decision(None, "archive", members[0].name, "the only file of the tar archive")]


def _unzip(path: Path, name: str, target: Path) -> tuple[Path, list[Decision]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir()
                and not member.filename.startswith("__MACOSX/")
                and not Path(member.filename).name.startswith(".")
            ]
            if len(members) != 1:
                raise _several(name, "zip", [member.filename for member in members])
            if members[0].flag_bits & 1:
                raise DataError(
                    f"{name!r} is encrypted",
                    operation="read",
                    operands={"source": name},
                    rule="a zip archive without password",
                    suggestion="unpack it with its password first",
                )
            with archive.open(members[0]) as packed, open(target, "wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        raise _damaged("zip", name, error) from None
    return target, [Decision(None, "archive", members[0].filename, "the only file of the zip archive")]


def _several(name: str, kind: str, members: list[str]) -> DataError:
    return DataError(
        f"{name!r} holds {len(members)} files" + (f": {', '.join(map(repr, members[:5]))}" if members else ""),
        operation="read",
        operands={"source": name, "members": members},
        rule=f"a {kind} archive of one file",
        suggestion="unpack it, and read the folder",
    )


def _damaged(kind: str, name: str, error) -> DataError:
    return DataError(
        f"{name!r} is a damaged {kind} file: {error}",
        operation="read",
        operands={"source": name},
        rule=f"a whole {kind} file",
        suggestion="fetch or copy the file again",
    )
