"""The encoding of a text file, and the same text as UTF-8 that DuckDB can read.

A byte order mark decides. Without one: zeros at every other byte are UTF-16; what decodes as UTF-8 is UTF-8 (random bytes
almost never do); what has the letters of Chinese, Japanese or Korean is that (`east_asian`); the rest is Windows-1252 or,
where that has no letter for a byte, Latin-1. A file that is UTF-8 but for a
few bytes is damaged, and refused: read as Latin-1 it would be a wrong table without a word.

Not handled: telling the 8-bit encodings from each other (``encoding=`` names them).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

from homespun.base.errors import DataError
from homespun.data.east_asian import guess_east_asian
from homespun.data.table import Decision

MARKS = (  # UTF-32 first: its mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHUNK = 1 << 20
_CONTROL = re.compile(
    rb"\xc2[\x80\x82-\x84\x86-\x8c\x8e\x91-\x9c\x9e\x9f]"
)  # in UTF-8, but for those that cp1252 lacks and NEL
LETTERS = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x85, 0x8D, 0x8F, 0x90, 0x9D)
}
SURELY = 8 << 20  # files up to this size are checked in full before they are read, larger ones while they are read


@dataclass
class Text:
    """A text file in UTF-8.

    Attributes
    ----------
    path : Path
        The file itself, or a copy in UTF-8.
    name : str
        As the user gave it.
    encoding : str
        Of the original.
    """

    path: Path
    name: str
    encoding: str
    decisions: list[Decision] = field(default_factory=list)

    def lines(self):
        """Physical lines with their ends, one by one."""
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            yield from file

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size


def as_utf8(path: Path, name: str, encoding: str | None, folder: Path, *, whole: bool = False) -> Text:
    """The file at `path` as UTF-8 text; a copy in `folder` if it is anything else.

    Parameters
    ----------
    name : str
        For errors.
    encoding : str or None
        None: found out.
    folder : Path
        For the copy.
    whole : bool
        Check every byte even of a large file.

    Raises
    ------
    DataError
        No text, damaged text, or not the encoding that was asked for: with byte and line.
    """
    decisions: list[Decision] = []
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(CHUNK)
    if encoding is None:
        encoding, evidence = _by_mark(head)
        if encoding is None:
            encoding, evidence = _without_mark(path, name, head, whole or size <= SURELY)
        if encoding not in ("utf-8", "utf-8-sig"):
            decisions.append(Decision(None, "encoding", encoding, evidence))
    else:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise DataError(
                f"there is no encoding {encoding!r}",
                operation="read",
                operands={"encoding": encoding},
                rule="a name that Python knows",
                suggestion="encoding='utf-8', 'cp1252', 'utf-16', …",
            ) from None
    utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
    zeros = head.count(0) if utf8 or codecs.lookup(encoding).name not in ("utf-16", "utf-32") else 0
    control = _CONTROL.search(head) if utf8 else None
    if utf8 and not zeros and not control:
        if size <= SURELY or whole:
            _whole_utf8(path, name, encoding)
        return Text(path, name, encoding, decisions)
    copy = folder / "text.txt"
    removed, mended = _transcode(path, copy, encoding, name, mend=control is not None)
    if mended:
        decisions.append(
            Decision(
                None,
                "mended letters",
                mended,
                "control signs 0x80 to 0x9f were letters of Windows-1252 once: "
                f"the first at byte {control.start() if control else 0}",
            )
        )
    if removed:
        decisions.append(Decision(None, "null bytes", removed, f"left out; the first at byte {head.find(0)}"))
    return Text(copy, name, encoding, decisions)


def _by_mark(head: bytes) -> tuple[str | None, str]:
    for mark, codec in MARKS:
        if head.startswith(mark):
            return codec, "byte order mark"
    return None, ""


def _without_mark(path: Path, name: str, head: bytes, whole: bool) -> tuple[str, str]:
    zeros = head.count(0)
    if zeros:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = max(len(head) // 2, 1)
        if max(even, odd) > 0.3 * half and min(even, odd) < 0.05 * half and len(head) >= 4:
            codec = "utf-16-be" if even > odd else "utf-16-le"
            return codec, f"{max(even, odd)} of the first {half} pairs of bytes have a zero in the same place"
    odd_signs = sum(head.count(sign) for sign in (*range(1, 9), *range(14, 28))) - head.count(1)
    if zeros + odd_signs + head.count(1) * (head.count(1) < 3) > 0.1 * len(head) or (zeros and zeros > 0.3 * len(head)):
        raise _no_text(name, head)
    first = _first_wrong(path, whole)
    if first is None:
        return "utf-8", "every byte fits"
    if zeros + odd_signs > 0.02 * len(head) and sum(sign in head for sign in (0, *range(2, 9), *range(14, 27))) > 4:
        # neither UTF-8 nor what an older encoding has: a picture, an archive, a program
        raise _no_text(name, head)
    evidence = f"byte {first[1]:#04x} at {first[0]} is not UTF-8"
    good = broken = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            text = decoder.decode(chunk)
            bad = text.count("\ufffd")
            broken += bad
            good += 0 if text.isascii() else sum(sign > "\x7f" for sign in text) - bad
    if good > broken:
        line = _line_of(path, first[0])
        raise DataError(
            f"{name!r} is damaged: {evidence} (line {line}), though the rest is",
            operation="read",
            operands={"source": name, "byte": first[0], "line": line},
            rule="whole UTF-8",
            where=f"line {line}, byte {first[0]}",
            suggestion="encoding='latin-1' reads it anyway",
        )
    asian = guess_east_asian(head)
    if asian is not None:
        return asian[0], f"{evidence}; {asian[1]}"
    with open(path, "rb") as file:
        undefined = any(
            chunk.translate(None, delete=bytes(set(range(256)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}))
            for chunk in iter(lambda: file.read(CHUNK), b"")
        )
    return ("latin-1" if undefined else "cp1252"), evidence


def _no_text(name: str, head: bytes) -> DataError:
    at = min((place for place in (head.find(sign) for sign in range(9)) if place >= 0), default=0)
    return DataError(
        f"{name!r} is not text: byte {at} is {head[at]:#04x}",
        operation="read",
        operands={"source": name, "byte": at},
        rule="CSV, TSV, Parquet, JSON, Excel, SQLite or DuckDB",
        where=f"byte {at}",
        suggestion="a table as CSV, Parquet, JSON, Excel, SQLite or DuckDB; encoding= if it is text of a rare encoding",
    )


def _first_wrong(path: Path, whole: bool) -> tuple[int, int] | None:
    """(place, byte) of the first byte that is not UTF-8; of the first chunk only, unless `whole`."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    with open(path, "rb") as file:
        while True:
            chunk = file.read(CHUNK)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, whole and not chunk)
            except UnicodeDecodeError as error:
                return at - held + error.start, error.object[error.start]
            if not chunk or not whole:
                return None
            at += len(chunk)


def _whole_utf8(path: Path, name: str, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    with open(path, "rb") as file:
        while True:
            chunk = file.read(CHUNK)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                raise _wrong(path, name, encoding, at - held + error.start, error.object[error.start]) from None
            if not chunk:
                return
            at += len(chunk)


def _transcode(path: Path, copy: Path, encoding: str, name: str, *, mend: bool = False) -> tuple[int, int]:
    """Write the text as UTF-8 without zeros; how many zeros were left out, and how many control signs became letters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = removed = mended = 0
    with open(path, "rb") as file, open(copy, "w", encoding="utf-8", newline="") as out:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, not chunk)
            except UnicodeDecodeError as error:
                place = at + error.start - (len(error.object) - len(chunk))
                raise _wrong(
                    path,
                    name,
                    encoding,
                    max(place, 0),
                    error.object[error.start] if error.start < len(error.object) else 0,
                ) from None
            removed += text.count("\x00")
            text = text.replace("\x00", "")
            if mend:
                mended += sum(sign in LETTERS for sign in map(ord, text))
                text = text.translate(LETTERS)
            out.write(text)
            if not chunk:
                return removed, mended
            at += len(chunk)


def _wrong(path: Path, name: str, encoding: str, at: int, byte: int) -> DataError:
    line = _line_of(path, at)
    return DataError(
        f"{name!r} is not {encoding}: byte {byte:#04x} at {at} (line {line})",
        operation="read",
        operands={"source": name, "encoding": encoding, "byte": at, "line": line},
        rule="text in that encoding",
        where=f"line {line}, byte {at}",
        suggestion="leave out encoding=, or name another one",
    )


def _line_of(path: Path, at: int) -> int:
    """The line in which byte `at` lies, counted from 1."""
    line = 1
    with open(path, "rb") as file:
        while at > 0:
            chunk = file.read(min(CHUNK, at))
            if not chunk:
                break
            line += chunk.count(b"\n") or 0
            at -= len(chunk)
    return line
