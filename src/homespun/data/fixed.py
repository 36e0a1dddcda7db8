"""Text of fixed width: columns are where every line has its blanks in the same place.

    name          born   size                 gaps: the places at which no line of the sample has a sign
    Anna Lund     1999   1.71
    Bo            2003                        a column reaches from its first sign to the next column's

A gap is believed if it cannot be an accident: it is two blanks wide, or eight lines agree on it. And each column must be
aligned: nearly all of its texts begin, or end, in the same place. What reaches into a gap further down stays whole: the line
is cut at a blank; where there is none, the line is counted and told.

Cost: one pass over the lines in Python.  Not handled: columns without a blank between them (``widths=`` says where they end).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LINES = 200
SURE = 8  # so many lines do not have a blank in the same place by accident
ALIGNED = 0.9  # of the texts of a column
FILLED = 0.2  # of the lines, for each column: the last words of long lines are no column
UNALIGNED = 0.05  # of the lines: with more it is no text of fixed width


@dataclass
class Fixed:
    """Where the columns are, and what did not fit them.

    Attributes
    ----------
    starts, ends : list of int
        Places of the first sign of each column, and behind the last one.
    exact : bool
        The widths were given: lines are cut there and nowhere else.
    odd : list of int
        Numbers of the lines that could not be cut at a blank.
    """

    starts: list[int]
    ends: list[int]
    exact: bool = False
    odd: list[int] = field(default_factory=list)

    def cut(self, line: str, number: int = 0) -> list[str]:
        """The fields of a line, without the blanks around them.

        >>> Fixed([0, 6], [4, 10]).cut("Anna  1999"), Fixed([0, 6], [4, 10]).cut("Annas 1999"), Fixed([0, 6], [4, 10]).cut("Bo")
        (['Anna', '1999'], ['Annas', '1999'], ['Bo', ''])
        """
        cuts = [0]
        for end, start in zip(self.ends, self.starts[1:]):
            at = start
            if not self.exact and line[end:start].strip():
                at = line.find(" ", end, start)
                if at < 0 and line[start - 1 : start + 1].strip() and len(line[start - 1 : start + 1].strip()) == 2:
                    at = line.rfind(" ", cuts[-1], end) if line[end - 1 : end].strip() == "" else -1
                    if at < 0 and (not self.odd or self.odd[-1] != number):
                        self.odd.append(number)
                at = at if at >= 0 else start
            cuts.append(at)
        return [line[begin:end].strip() for begin, end in zip(cuts, [*cuts[1:], len(line)])]

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The fields of each line; an empty list for a blank one."""
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\r\n").expandtabs()
            yield self.cut(line, number) if line.strip() else []

    def told(self) -> str:
        """The columns in words, counted from 1 as an editor does."""
        return ", ".join(f"{start + 1}-{end}" for start, end in zip(self.starts, self.ends))


def of_widths(widths: list[int]) -> Fixed:
    """Columns of given widths, one after the other."""
    ends = [sum(widths[: i + 1]) for i in range(len(widths))]
    return Fixed([0, *ends[:-1]], ends, exact=True)


def find_fixed(lines: Iterable[str]) -> Fixed | None:
    """The columns of a text of fixed width; None if it is none.

    >>> find_fixed(["name   size", "Anna   1.71", "Bo Li  1.80", "Carl   1.66"]).told()
    '1-5, 8-11'
    """
    sample = [line.rstrip("\r\n").expandtabs() for line in lines if line.strip()][:LINES]
    if len(sample) < 3:
        return None
    sample = [line for line in sample if not re.fullmatch(r"[-=+ ]+", line)] or sample  # a rule below the header
    width = max(map(len, sample))
    taken = [False] * (width + 1)
    for line in sample:
        for place, sign in enumerate(line):
            if sign != " ":
                taken[place] = True
    starts = [place for place in range(width) if taken[place] and (place == 0 or not taken[place - 1])]
    ends = [place + 1 for place in range(width) if taken[place] and not taken[place + 1]]
    if len(sample) < SURE:  # a single blank may be an accident
        wide = [i for i in range(1, len(starts)) if starts[i] - ends[i - 1] >= 2]
        starts, ends = [starts[i] for i in [0, *wide]], [ends[i - 1] for i in [*wide, len(ends)]]
    if len(starts) < 2:
        return None
    found = Fixed(starts, ends)
    rows = [found.cut(line) for line in sample]
    for column, (start, end) in enumerate(zip(starts, ends)):
        if not _aligned(sample, rows, column, start, end):
            return None
    filled = [sum(bool(row[column]) for row in rows) for column in range(len(starts))]
    full = sum(filled) >= 0.5 * len(rows) * len(starts) and min(filled) >= max(2, FILLED * len(rows))
    return found if full else None


def _aligned(sample: list[str], rows: list[list[str]], column: int, start: int, end: int) -> bool:
    """Whether the texts of a column begin or end in the same place, or hold their decimal points there."""
    left: Counter[int] = Counter()
    right: Counter[int] = Counter()
    point: Counter[int] = Counter()
    for line, row in zip(sample[1:], rows[1:]):
        if row[column]:
            part = line[start:end]
            left[len(part) - len(part.lstrip())] += 1
            right[len(part.rstrip())] += 1
            point[part.find(".")] += 1
    count = sum(left.values())
    return count == 0 or max(*left.values(), *right.values(), *point.values()) >= ALIGNED * count
