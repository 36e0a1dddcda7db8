"""The dialect of a delimited text, found by scoring candidates on a sample of it.

    Q = P * T     P = sum_k N_k^2 / N * (L_k - 1) / L_k / sqrt(N * lines)        T = share of the cells whose kind is known

k runs over the row lengths L_k that occur under a candidate (delimiter, quote, escape), N_k rows have it, N have any. The
best Q wins: the right dialect makes rows of one length, of cells that look like something. The root stands between two
wrongs: a stray quote that swallows a hundred lines into one perfectly regular row, and texts that do go over lines.

After van den Burg, Nazábal, Sutton 2019, "Wrangling messy CSV files by detecting row and type patterns", Data Mining and
Knowledge Discovery 33, eq. 1-3. Theirs divides by the number of patterns; here a pattern weighs by its rows, so that one
broken line in a hundred does not halve the score (Pollock, Vitagliano et al. 2023, breaks lines one at a time). One column
counts as L = 1.06: what has no delimiter at all is still a table.

Cost: up to 200 lines, parsed once per candidate; candidates that cannot win by P are not typed.
Not handled: text of fixed width (`fixed`); delimiters of several signs other than those listed.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from homespun.data.cells import kind_of

# with the weight that breaks ties; signs that also occur inside of times, names and sentences weigh less
DELIMITERS = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 1.0,
    "\x1f": 1.0,
    "\x01": 1.0,
    "||": 1.0,
    "::": 0.95,
    "~": 0.95,
    "^": 0.95,
    "¦": 0.95,
    "§": 0.95,
    "#": 0.6,
    ":": 0.6,
    " ": 0.6,
}
KNOWN = {
    "number": 1.0,
    "quantity": 1.0,
    "time": 1.0,
    "date": 1.0,
    "address": 1.0,
    "empty": 0.9,
    "missing": 1.0,
    "word": 1.0,
    "text": 0.9,
    "other": 0.1,
}
LINES = 200
ONE_COLUMN = 0.06


@dataclass(frozen=True)
class Dialect:
    """How records are cut into fields.

    Attributes
    ----------
    delimiter : str
        One or several signs; "" where the whole line is one field.
    quote : str
        "" where there is none.
    escape : str
        What makes a quote inside of quotes plain: the quote itself (doubled), a backslash, or "" for nothing.
    spaced : bool
        Blanks after a delimiter belong to it.
    runs : bool
        Several blanks are one delimiter, and those around a line are none.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    spaced: bool = False
    runs: bool = False

    def reader(self, lines: Iterable[str], *, strict: bool = False):
        """A csv.reader over physical lines; several signs are taken as one."""
        form: dict = {"strict": strict, "skipinitialspace": self.spaced}
        if self.runs:
            lines = (squeezed(line, self.quote) for line in lines)
        if self.quote:
            form |= {"quotechar": self.quote, "doublequote": self.escape == self.quote}
            if self.escape and self.escape != self.quote:
                form["escapechar"] = self.escape
                # only before quotes and before itself: "C:\temp" keeps its backslash
                plain = re.compile(re.escape(self.escape) + f"(?![{re.escape(self.quote + self.escape)}])")
                lines = (plain.sub(lambda found: 2 * found.group(), line) for line in lines)
        else:
            form["quoting"] = csv.QUOTE_NONE
        delimiter = self.delimiter
        if not delimiter:
            delimiter = "\ue000"  # a sign of the private area: in no file
        elif len(delimiter) > 1:
            lines, delimiter = (line.replace(self.delimiter, "\ue000") for line in lines), "\ue000"
        csv.field_size_limit(1 << 30)
        reader = csv.reader(lines, delimiter=delimiter, **form)
        return reader if len(self.delimiter) < 2 else _Back(reader, self.delimiter)

    def split(self, line: str) -> list[str]:
        """The fields of one record, however it is written."""
        try:
            return next(self.reader([line]), [])
        except csv.Error:  # a NUL, or an escape as the last sign
            return line.rstrip("\r\n").split(self.delimiter) if self.delimiter else [line]


def squeezed(line: str, quote: str) -> str:
    """A line with one blank for several, none around it, and all that stand between quotes.

    >>> squeezed('  1  "a  b"   2 \\n', '"')
    '1 "a  b" 2\\n'
    """
    text = line.rstrip("\r\n")
    end = line[len(text) :]
    if quote and quote in text:
        inside = re.escape(quote)
        return re.sub(f"({inside}[^{inside}]*{inside})| +", lambda found: found[1] or " ", text.strip(" ")) + end
    return re.sub(" +", " ", text.strip(" ")) + end


class _Back:
    """Records of a csv.reader whose delimiter stands for several signs: inside of quotes they are put back."""

    def __init__(self, reader, delimiter: str):
        self.reader, self.delimiter = reader, delimiter

    def __iter__(self):
        return self

    def __next__(self) -> list[str]:
        return [text.replace("\ue000", self.delimiter) for text in next(self.reader)]

    @property
    def line_num(self) -> int:
        return self.reader.line_num


@dataclass(frozen=True)
class Sniffed:
    """The winning dialect with its evidence."""

    dialect: Dialect
    score: float
    width: int  # the number of fields that most lines have
    share: float  # of the lines that have it
    second: Dialect | None  # the next best delimiter
    second_score: float


def sniff(
    lines: list[str], *, delimiter: str | None = None, quote: str | None = None, escape: str | None = None
) -> Sniffed:
    r"""The dialect that makes the most regular table of `lines`; what is given is not searched for.

    >>> sniff(["name;price\n", "Ford;1,5\n", "Audi;2,25\n"]).dialect.delimiter
    ';'
    """
    sample = [line for line in lines if line.strip()][:LINES]
    scored: list[tuple[float, int, Dialect, int, float]] = []
    best = 0.0
    candidates = []
    for candidate in _candidates(sample, delimiter, quote, escape):
        rows = _rows(candidate, sample)
        regular, width, share = _pattern_score(rows, len(sample))
        candidates.append((regular * DELIMITERS.get(candidate.delimiter, 1.0), candidate, rows, width, share))
    candidates.sort(key=lambda found: -found[0])
    for order, (regular, candidate, rows, width, share) in enumerate(candidates):
        if regular < 0.5 * best:
            break  # T is at most 1
        score = regular * _type_score(rows, candidate.delimiter)
        best = max(best, score)
        scored.append((score, -order, candidate, width, share))
    scored.sort(key=lambda found: (-found[0], -found[1]))
    score, _, dialect, width, share = scored[0]
    others = [found for found in scored if found[2].delimiter != dialect.delimiter]
    second = others[0] if others else None
    return Sniffed(dialect, score, width, share, second[2] if second else None, second[0] if second else 0.0)


def _candidates(sample: list[str], delimiter, quote, escape) -> list[Dialect]:
    text = "".join(sample)
    delimiters = [delimiter] if delimiter is not None else [sign for sign in DELIMITERS if sign in text] + [""]
    if delimiter is None and "||" in text and text.count("|") == 2 * text.count("||"):
        delimiters.remove("|")  # never alone
    found = []
    for sign in delimiters:
        spaced = bool(sign.strip()) and text.count(sign + " ") >= 0.8 * text.count(sign) > 0
        spaced = spaced or (bool(sign) and any(sign + " " + mark in text for mark in "\"'"))
        for mark in [quote] if quote is not None else [one for one in "\"'" if _quotes(text, one, sign)] + [""]:
            if not mark:
                found.append(Dialect(sign, "", "", spaced))
                continue
            escapes = (
                [escape]
                if escape is not None
                else [mark] + [way for way in "\\\"'" if way != mark and _escapes(text, way + mark, sign)]
            )
            found += [Dialect(sign, mark, way, spaced) for way in escapes]
    if any(one.delimiter == " " for one in found) and re.search(r"(?m)^ |  | \r?$", text):
        found += [replace(one, runs=True, spaced=False) for one in found if one.delimiter == " "]
    if quote is None:  # without a quote anywhere the usual one is assumed: a later line may have it
        found = [
            replace(one, quote='"', escape=escape or '"') if not one.quote and '"' not in text else one for one in found
        ]
    return found


def _quotes(text: str, mark: str, delimiter: str) -> bool:
    """Whether a sign stands where quotes stand, at least twice."""
    if mark == '"':
        return mark in text
    between = {delimiter, delimiter.strip() + " ", "\n"} - {"", " " if delimiter != " " else ""}
    edges = sum(text.count(before + mark) for before in between) + text.startswith(mark)
    ends = sum(text.count(mark + after) for after in between | {"\r"})
    return min(edges, ends) >= 2


def _escapes(text: str, pair: str, delimiter: str) -> bool:
    """Whether an escape and its quote stand anywhere but at the end of a field: "'" as a whole field escapes nothing."""
    ends = "|".join(filter(None, [re.escape(delimiter), r"[\r\n]", r"\Z"]))
    return re.search(f"{re.escape(pair)}(?! *(?:{ends}))", text) is not None


def _rows(dialect: Dialect, sample: list[str]) -> list[list[str]]:
    """The records under a dialect; an empty one for each that breaks its rules."""
    rows: list[list[str]] = []
    reader = dialect.reader(sample, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            row = []
        if row is None:
            return rows
        rows.append(row)


def _pattern_score(rows: list[list[str]], lines: int) -> tuple[float, int, float]:
    """P with the commonest length and its share."""
    lengths = Counter(map(len, rows))
    if not rows:
        return 0.0, 0, 0.0
    score = sum(
        count * count * (ONE_COLUMN if length == 1 else (length - 1) / length)
        for length, count in lengths.items()
        if length
    )
    width, often = max(lengths.items(), key=lambda found: (found[1], found[0]))
    return score / len(rows) / math.sqrt(len(rows) * lines), width, often / len(rows)


def _type_score(rows: list[list[str]], delimiter: str) -> float:
    """T; a cell with the delimiter inside was in quotes, and that is known enough."""
    known = total = 0.0
    for row in rows:
        for text in row[:50]:
            known += 1.0 if delimiter and delimiter in text else KNOWN[kind_of(text)]
            total += 1
    return known / total if total else 0.0
