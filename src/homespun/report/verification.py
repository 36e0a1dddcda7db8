"""`verify`: every number and picture of a report computed again from the files that it was made from.

The report is made a second time from data and model file, and the two are compared: each fact in the file, each number on the
page, each picture, and the words around them. A report whose number was altered, anywhere, is not the one that comes out.
With other versions of the packages that draw, pictures are compared by the facts they show, and the last digits of a number
may differ by a relative 1e-6; the text says so.
"""

from __future__ import annotations

import html
import importlib
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homespun.base.errors import DataError, did_you_mean
from homespun.report.document import FORMAT, Report

MAKERS = {"table": "homespun.tabular.story"}  # has remake(files, settings) -> Report
ROLES = {"data", "model"}

_NUMBER = re.compile(r'<data class="n" data-key="([^"]*)" value="([^"]*)" title="[^"]*">([^<]*)</data>')
_FACTS = re.compile(r'<script type="application/json" id="facts">(.*?)</script>', re.DOTALL)
_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@dataclass
class Verification:
    """What `verify` found; true if nothing was altered.

    Attributes
    ----------
    numbers, facts, pictures : int
        On the page, in the file beside it, drawn: all were computed again.
    altered : list of str
        One line for each difference: what stands there, and what comes out.
    notes : list of str
        What could not be compared to the last bit, and why.
    """

    numbers: int = 0
    facts: int = 0
    pictures: int = 0
    altered: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.altered

    def __str__(self) -> str:
        first = f"{self.numbers} numbers, {self.facts} facts and {self.pictures} pictures computed again"
        if self:
            return "\n".join([f"{first}: nothing was altered", *self.notes])
        return "\n".join([f"{first}: {len(self.altered)} differ", *(f"  {line}" for line in self.altered), *self.notes])


def verify(path, *, data=None, model=None, allow_code=None) -> Verification:
    """Compute a report again and compare.

    Parameters
    ----------
    path : path-like
        A report that homespun wrote.
    data, model : path-like, optional
        The files that it was made from; default: those of the names that it gives, beside it or in the current folder.
    allow_code : path-like, optional
        Python file of a custom model.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        No report of ours, a file that is not there, or one whose SHA-256 is not the one the report was made from.
    """
    page = _page(Path(path))
    embedded = _embedded(page, path)
    given = {"data": data, "model": model}
    files = {role: _file(role, source, given[role], Path(path)) for role, source in embedded["sources"].items()}
    maker = importlib.import_module(MAKERS[embedded["maker"]])
    again: Report = maker.remake(files, embedded["settings"], allow_code=allow_code)
    found = Verification()
    same_versions = again.versions == embedded["versions"]
    if not same_versions:
        was = ", ".join(f"{name} {number}" for name, number in embedded["versions"].items())
        found.notes.append(f"made with {was}: last digits and the drawing of pictures may differ and were not compared")
    again.versions, again.sources = embedded["versions"], embedded["sources"]  # the page names them; contents were compared
    fresh = again.html()
    _compare_facts(found, embedded["facts"], again.facts, exact=same_versions)
    _compare_numbers(found, _NUMBER.findall(page), _NUMBER.findall(fresh), exact=same_versions)
    pictures, drawn = _SVG.findall(page), _SVG.findall(fresh)
    found.pictures = len(drawn)
    if len(pictures) != len(drawn):
        found.altered.append(f"{len(pictures)} pictures, but {len(drawn)} come out")
    elif same_versions:
        other = [i for i, (was, now) in enumerate(zip(pictures, drawn), start=1) if was != now]
        found.altered += [f"picture {i} is not the one that comes out" for i in other]
    if not found.altered:
        _compare_words(found, page, fresh)
    return found


def _page(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        near = did_you_mean(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else None
        raise _wrong(path, f"{error.strerror or error}" + (f"; {near}" if near else "")) from None
    except UnicodeDecodeError:
        raise _wrong(path, "is no text, so no report") from None


def _wrong(path, said: str) -> DataError:
    return DataError(f"verify: {str(path)!r}: {said}", operation="verify", operands={"report": str(path)},
                     rule="a report that homespun wrote")


def _embedded(page: str, path) -> dict[str, Any]:
    match = _FACTS.search(page)
    if match is None:
        raise _wrong(path, "is no report of homespun: its facts are not in it")
    try:
        told = json.loads(match[1])
        known = told["format"], told["maker"], told["sources"], told["facts"], told["settings"], told["versions"]
    except (ValueError, KeyError, TypeError):
        raise _wrong(path, "its facts cannot be read; the file was altered or cut off") from None
    if known[0] != FORMAT:
        raise _wrong(path, f"has format {known[0]}; this homespun reads {FORMAT}")
    shapes = all(isinstance(one, dict) for one in known[2:]) and all(isinstance(one, dict) for one in told["sources"].values())
    if told["maker"] not in MAKERS or not shapes or not set(told["sources"]) <= ROLES:
        raise _wrong(path, "its facts are not as homespun writes them; the file was altered")
    return told


def _file(role: str, source: dict, given, report: Path) -> Path:
    import hashlib

    name = Path(str(source.get("name"))).name  # a name only: a report does not choose files elsewhere
    if source.get("sha256") is None:
        raise DataError(f"verify: the {role} was no file when the report was written ({name}), so nothing can be computed again",
                        operation="verify", operands={role: name}, rule="a report of files")
    places = [Path(given)] if given is not None else [report.parent / name, Path.cwd() / name]
    for place in places:
        if not place.is_file():
            continue
        with open(place, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != source.get("sha256"):
            raise DataError(f"verify: {str(place)!r} is not the {role} that the report was made from: its SHA-256 begins with "
                            f"{digest[:12]}, the report says {str(source.get('sha256'))[:12]}", operation="verify",
                            operands={role: str(place)}, rule="the same file, byte for byte")
        return place
    raise DataError(f"verify: the {role} {name!r} is neither beside the report nor here; say where it is: --{role} PATH",
                    operation="verify", operands={role: name}, rule="the files that the report was made from",
                    suggestion=f"--{role} PATH")


def _compare_facts(found: Verification, was: dict[str, Any], now: dict[str, Any], *, exact: bool) -> None:
    found.facts = len(now)
    for key in sorted(was.keys() | now.keys()):
        if key not in now:
            found.altered.append(f"{key}: {was[key]!r} in the file, but no such fact comes out")
        elif key not in was:
            found.altered.append(f"{key}: missing in the file; {now[key]!r} comes out")
        elif not _equal(was[key], now[key], exact):
            found.altered.append(f"{key}: {was[key]!r} in the file, {now[key]!r} comes out")


def _equal(was, now, exact: bool) -> bool:
    if isinstance(was, float) and isinstance(now, float) and not exact:
        return math.isclose(was, now, rel_tol=1e-6, abs_tol=1e-12)
    return type(was) is type(now) and was == now


def _compare_numbers(found: Verification, was: list, now: list, *, exact: bool) -> None:
    """What stands on the page: (key, value, text as shown), in the order of the page."""
    found.numbers = len(now)
    if [key for key, *_ in was] != [key for key, *_ in now]:
        gone = [key for key in dict.fromkeys(key for key, *_ in now) if key not in {key for key, *_ in was}]
        found.altered.append(f"numbers were added, removed or moved{f': {gone[0]} is missing' if gone else ''}")
        return
    for (key, *before), (_, *after) in zip(was, now):
        for one, other in zip(before, after):
            if one != other and (exact or not _close(one, other)):
                said = f"{key}: the page shows {one}, {other} comes out"
                found.altered.append(html.unescape(said))
                break


def _close(one: str, other: str) -> bool:
    """Whether two numbers differ by no more than the rounding of what is shown."""
    try:
        return math.isclose(float(one.replace(",", "")), float(other.replace(",", "")), rel_tol=1e-3, abs_tol=1e-12)
    except ValueError:
        return False


def _compare_words(found: Verification, page: str, fresh: str) -> None:
    """Line by line, with everything that was compared before it taken out."""
    for was, now in zip(_plain(page), _plain(fresh)):
        if was != now:
            at = next((i for i, (a, b) in enumerate(zip(was, now)) if a != b), min(len(was), len(now)))
            part = slice(max(at - 30, 0), at + 30)
            found.altered.append(f"the page says {was[part]!r}, but {now[part]!r} comes out")
    if len(_plain(page)) != len(_plain(fresh)):
        found.altered.append("lines were added or removed")


def _plain(page: str) -> list[str]:
    page = _NUMBER.sub("#", _SVG.sub("", _FACTS.sub("", page)))
    return [line for line in page.splitlines() if line.strip()]
