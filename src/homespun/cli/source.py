"""What a command reads: a path, or ``-`` for the standard input; and decisions in plain words."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

from homespun.base.errors import DataError


def given(source: str, operation: str) -> tuple[str | bytes, str]:
    """(what to read, its name for people).

    Raises
    ------
    DataError
        Nothing comes from the standard input.
    """
    if source != "-":
        return source, source
    data = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    if not data:
        raise DataError(f"{operation}: - is the standard input, and nothing comes from it; send a table there (cat cars.csv | "
                        f"homespun {operation} …), or name a file", operation=operation, operands={"source": "-"},
                        rule="a table on the standard input")
    return data, "standard input"


def kept(content: bytes, model: Path) -> tuple[Path, bool]:
    """A copy beside the model of what came from the standard input, and whether it is new.

    A report whose data nobody has could not be computed again. The name holds the content's SHA-256, so that no other file is
    written over.
    """
    begin = content[:4096]
    ending = "data" if b"\x00" in begin or begin[:2] == b"\x1f\x8b" or begin.lstrip()[:1] in (b"{", b"[") else "csv"
    path = model.with_name(f"{model.stem}-input-{hashlib.sha256(content).hexdigest()[:8]}.{ending}")
    if path.exists():
        return path, False
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path, True


def plainly(kind: str, evidence: str) -> str:
    """The evidence of a decision as somebody reads it who does not know how the reader works.

    >>> plainly("unit", "19234 × km")
    'km stands behind 19,234 values'
    >>> plainly("delimiter", "100% of the lines have 5 fields; consistency 0.68")
    '100% of the lines have 5 fields with it'
    """
    if kind in ("unit", "currency"):
        found = re.findall(r"(\d+) × ([^,]+)", evidence)
        if found and re.fullmatch(r"\d+ × [^,]+(, \d+ × [^,]+)*", evidence):
            return " and ".join(f"{word} stands {'with' if kind == 'currency' else 'behind'} {int(count):,} values"
                                for count, word in found)
    if kind == "delimiter":
        evidence = re.sub(r"; consistency [\d.]+", " with it", evidence)
        evidence = re.sub(r"; (\S+) scores [\d.]+", r", fewer with \1", evidence)
    return re.sub(r"(?<![\d.,])(\d+) of (\d+)(?![\d.])", lambda match: f"{int(match[1]):,} of {int(match[2]):,}", evidence)
