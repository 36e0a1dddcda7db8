"""What a report is made of: facts, and blocks that show them.

    facts     "leaderboard.boosting.score" → 0.9312      the only place where a number of the report comes from
    blocks    Words("R² {leaderboard.boosting.score:.3f} on {rows:,} rows"), Grid, Picture, Callout, Code, Details
    Report    facts + sections + the files that it was made from; `.html()` is one file that needs nothing else

A number on the page is an element that carries its key, so a click shows what it is, and `verify` can compute it again. The
blocks know nothing of tables or models: whoever has a finished project of another kind writes a function that makes facts and
sections, and lists it in `verification.MAKERS`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FORMAT = 1  # of the embedded facts; a reader of an older number still knows what to do


@dataclass(frozen=True)
class Fact:
    """A number in a cell of a `Grid`: key and format."""

    key: str
    form: str = ""


@dataclass(frozen=True)
class Words:
    """A paragraph. ``{key}`` or ``{key:format}`` shows a fact, text between backticks is code; everything else is text."""

    text: str
    kind = "words"


@dataclass(frozen=True)
class Callout:
    """A paragraph that stands out. level: "good", "look" or "bad"."""

    level: str
    text: str
    kind = "callout"


@dataclass(frozen=True)
class Grid:
    """A table. Cells are text, `Words` or `Fact`; `bar` is the place of a column that is drawn as bars, too."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    bar: int | None = None
    kind = "grid"


@dataclass(frozen=True)
class Picture:
    """An SVG with a caption in `Words` form, which says what is to be seen."""

    svg: str
    caption: str
    kind = "picture"


@dataclass(frozen=True)
class Code:
    """Text to copy."""

    text: str
    kind = "code"


@dataclass(frozen=True)
class Details:
    """Blocks behind a line that opens them; open on paper."""

    summary: str
    blocks: Sequence[Any]
    kind = "details"


@dataclass(frozen=True)
class Section:
    """A heading and its blocks."""

    title: str
    blocks: Sequence[Any]

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass
class Report:
    """A report before it is written.

    Attributes
    ----------
    maker : str
        Key of `verification.MAKERS`: who can make it again.
    title, subtitle : str
        In `Words` form.
    facts : dict of str to number or text
    sections : list of Section
    sources : dict
        What it was made from: role ("model", "data") → {"name": file name, "sha256": digest}.
    settings : dict
        What else the maker was told.
    versions : dict
        Of the packages that draw and compute.
    """

    maker: str
    title: str
    subtitle: str
    facts: dict[str, Any]
    sections: list[Section]
    sources: dict[str, dict[str, str | None]]
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def embedded(self) -> dict[str, Any]:
        """What is written into the file beside the page: all that `verify` needs to know."""
        return {"format": FORMAT, "maker": self.maker, "sources": self.sources, "settings": self.settings,
                "versions": self.versions, "facts": self.facts}

    def html(self) -> str:
        """The page."""
        told = json.dumps(self.embedded(), ensure_ascii=True, allow_nan=False)
        told = told.replace("<", "\\u003c")  # nothing in it ends the script
        return _template().render(report=self, facts=self.facts, words=self._words, cell=self._cell, share=self._share,
                                  embedded=Markup(told))

    def write(self, path) -> Path:
        """Write the page completely or not at all."""
        from homespun.base.files import write_whole

        return write_whole(Path(path), self.html())

    # -----------------------------------------------------------------------------------------------------------------

    def _words(self, text: str) -> Markup:
        parts, at = [], 0
        for match in _PLACE.finditer(text):
            parts += [_with_code(text[at : match.start()]), self._number(match[1], match[2] or "")]
            at = match.end()
        return Markup("").join([*parts, _with_code(text[at:])])

    def _number(self, key: str, form: str) -> Markup:
        value = self.facts[key]
        shown = show(value, form)
        return Markup('<data class="n" data-key="{}" value="{}" title="{}">{}</data>').format(key, _exact(value), key, shown)

    def _cell(self, one) -> Markup:
        if isinstance(one, Fact):
            return self._number(one.key, one.form)
        return self._words(one.text) if isinstance(one, Words) else escape("" if one is None else str(one))

    def _share(self, grid: Grid, row) -> float:
        """Length of a bar in percent of the longest; what is below zero has none."""
        place = grid.bar or 0
        values = [float(self.facts[one[place].key] or 0.0) for one in grid.rows]
        return 100.0 * max(float(self.facts[row[place].key] or 0.0), 0.0) / (max(values, default=0.0) or 1.0)


def _with_code(text: str) -> Markup:
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))


_PLACE = re.compile(r"\{([^{}:\s]+)(?::([^{}]*))?\}")


def show(value: Any, form: str = "") -> str:
    """A fact as a reader sees it.

    The form "amount" shows four digits, and all digits before the point; "year" is without commas; "p" knows no zero.

    >>> show(0.93127, ".3f"), show(19234, ","), show(78634.2, "amount"), show(2012, "year"), show(1e-9, "p"), show(None, ".3f")
    ('0.931', '19,234', '78,634', '2012', '< 0.001', '–')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if form == "amount":
        return format(value, ",.0f" if abs(value) >= 1000 else ",d" if isinstance(value, int) else ".4g")
    if form == "year":
        return format(value, ".0f" if value == int(value) else ".1f")
    if form == "p":
        return "< 0.001" if value < 0.001 else format(value, ".3f")
    return format(value, form)


def _exact(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def literal(text: Any) -> str:
    """Text from outside, safe inside `Words`: braces would be read as a fact's key."""
    return str(text).replace("{", "(").replace("}", ")")


@cache
def _template():
    import jinja2

    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True,
                                   trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return templates.get_template("report.html")
