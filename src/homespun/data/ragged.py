"""Rows with too many or too few fields: the cheapest explanation that makes them fit their columns.

First the quotes of the physical line are read in other ways (one quote too many, quotes not doubled, no delimiter between
two quoted fields, another delimiter on this line). If no way gives a row that fits, the fields are aligned to the columns:

    cost[i, j] = min( cost[i-1, j-1] + surprise(field i, column j)         it is this column
                      cost[i-1, j]   + 1          if field i is empty      a delimiter too many
                      cost[i,   j-1] + 2.5                                 a field is missing
                      cost[i-1, j-2] + 3 + both surprises                  a delimiter is missing inside field i
                      cost[i-m, j-1] + m - 1 + surprise(fields joined) )   delimiters inside an unquoted text

with `surprise` in nats (`cells.Profile`), solved as dynamic programming (Needleman & Wunsch 1970). The row is repaired only
if each of its cells looks like its column; otherwise the fields stay in their order, and what is too much goes to
columns of its own. Nothing is dropped, and every repaired or odd row is counted and shown.

Cost: O(fields * (10 + difference)) for an odd row (a band around the diagonal), nothing for the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from homespun.data.cells import Profile, kind_of
from homespun.data.dialect import Dialect

EMPTY_OUT, LACKING, SPLIT, JOIN, WIDEST = 1.0, 2.5, 3.0, 1.0, 5
PLAUSIBLE = 2.2  # nats a cell: its kind has a tenth of the column


@dataclass(frozen=True)
class Repair:
    """A row that was made to fit."""

    row: list[str]
    how: str  # in words
    cost: float


class Repairer:
    """Repairs rows of one table.

    Parameters
    ----------
    dialect : Dialect
    columns : list of Profile
    """

    def __init__(self, dialect: Dialect, columns: list[Profile]):
        self.dialect, self.columns = dialect, columns
        self.width = len(columns)

    def line(self, line: str, *, strict_row: list[str] | None) -> Repair | None:
        """The best reading of one physical line, or None if none fits; `strict_row` is how the dialect reads it."""
        line = line.rstrip("\r\n")
        found: list[Repair] = []
        for how, fields, quoted in self._readings(line, strict_row):
            if len(fields) == self.width:
                cost = self.cost(fields)
                if cost <= PLAUSIBLE * self.width:
                    found.append(Repair(fields, how, cost + (0.0 if how == "" else 2.0)))
            elif len(fields) > 1 and abs(len(fields) - self.width) <= max(12, self.width // 10):
                repair = self.align(fields, how, quoted)
                if repair:
                    found.append(repair)
        return min(found, key=lambda repair: repair.cost, default=None)

    def _readings(self, line: str, strict_row):
        """(what is wrong with the line, its fields) for every way to read it."""
        if strict_row is not None:
            yield "", strict_row, frozenset()
        delimiters = [self.dialect.delimiter] + [
            sign for sign in ",;\t| " if sign != self.dialect.delimiter and line.count(sign) >= self.width - 1
        ]
        for delimiter in delimiters:
            dialect = replace(self.dialect, delimiter=delimiter)
            said = "" if delimiter == self.dialect.delimiter else f"delimiter {delimiter!r} on this line"
            if said and self.dialect.quote not in line:
                yield said, dialect.split(line), frozenset()
            if delimiter and self.dialect.quote and self.dialect.quote in line:
                for how, pattern in quote_patterns(dialect).items():
                    yield " and ".join(filter(None, [said, how])), *cut(line, pattern, dialect)
        if self.dialect.delimiter and self.dialect.quote in line:
            yield "quotes as plain text", line.split(self.dialect.delimiter), frozenset()

    def cost(self, fields: list[str]) -> float:
        """Surprise of a row; a quote left at the edge of a cell is one more."""
        quote = self.dialect.quote or "\x00"
        edges = sum((text[:1] == quote) + (text[-1:] == quote and len(text) > 1) for text in fields)
        return sum(column.surprise(text) for column, text in zip(self.columns, fields)) + edges

    def _cost_plain(self, fields: list[str]) -> float:
        return sum(column.surprise(text) for column, text in zip(self.columns, fields))

    def align(self, fields: list[str], how: str = "", quoted: frozenset[int] = frozenset()) -> Repair | None:
        """The fields moved to the columns where they belong, or None if some cell then looks like nothing there."""
        n, width = len(fields), self.width
        infinite = float("inf")
        cost = [[infinite] * (width + 1) for _ in range(n + 1)]
        step: list[list[tuple]] = [[()] * (width + 1) for _ in range(n + 1)]
        cost[0][0] = 0.0
        band = abs(n - width) + WIDEST + 3  # further from the diagonal it would be another row
        for i in range(n + 1):
            for j in range(max(0, i - band), min(width, i + band) + 1):
                here = cost[i][j]
                if here == infinite:
                    continue

                def offer(a, b, price, move):
                    if price < cost[a][b] - 1e-12:
                        cost[a][b], step[a][b] = price, move

                if j < width:
                    offer(
                        i,
                        j + 1,
                        here + LACKING + (0.0 if self.columns[j].kinds["empty"] else 1.0),
                        (i, j, [""], "field missing"),
                    )
                if i == n:
                    continue
                text = fields[i]
                if not text.strip():
                    offer(i + 1, j, here + EMPTY_OUT, (i, j, [], "delimiter too many"))
                if j < width:
                    offer(i + 1, j + 1, here + self.columns[j].surprise(text), (i, j, [text], ""))
                    if kind_of(text) != "empty" and self.columns[j].main in ("word", "text", "other"):
                        for more in range(2, min(WIDEST, n - i) + 1):
                            if not fields[i + more - 1].strip() or quoted & {i, i + more - 1}:
                                break  # a quoted field is whole, and nothing is no part of a text
                            joined = (
                                self.dialect.delimiter.join(fields[i : i + more])
                                if how == ""
                                else " ".join(fields[i : i + more])
                            )
                            offer(
                                i + more,
                                j + 1,
                                here + JOIN * (more - 1) + self.columns[j].surprise(joined),
                                (i, j, [joined], "delimiter inside a text"),
                            )
                if j + 1 < width and n < width and len(text) > 1:
                    parted = self._part(text, j)
                    if parted:
                        price, left, right = parted
                        offer(i + 1, j + 2, here + SPLIT + price, (i, j, [left, right], "delimiter missing"))
        if cost[n][width] == infinite:
            return None
        row: list[str] = []
        reasons = [how] if how else []
        i, j = n, width
        while i or j:
            before_i, before_j, cells, why = step[i][j]
            row = cells + row
            if why and why not in reasons:
                reasons.append(why)
            i, j = before_i, before_j
        odd = sum(bool(text) and column.surprise(text) > PLAUSIBLE + 1.0 for column, text in zip(self.columns, row))
        if odd > 0 or self.cost(row) > PLAUSIBLE * width:
            return None
        return Repair(
            row, " and ".join(reasons), self.cost(row) + 2 * len(reasons) + (cost[n][width] - self._cost_plain(row))
        )

    def _part(self, text: str, j: int):
        """Where a field falls into one for column j and one for the next: (surprise, left, right), or None."""
        best = None
        for at in range(1, min(len(text), 200)):
            left, right = text[:at], text[at:]
            price = self.columns[j].surprise(left) + self.columns[j + 1].surprise(right)
            edge = (text[at - 1].isalpha() and text[at].isalpha()) or (text[at - 1].isdigit() and text[at].isdigit())
            price += 0.3 * edge  # rather between a letter and a digit than inside of a word
            if best is None or price < best[0]:
                best = (price, left, right)
        return best if best and best[0] <= 2 * PLAUSIBLE else None


def quote_patterns(dialect: Dialect) -> dict[str, re.Pattern]:
    """What may be wrong with the quotes of a line → pattern of one field (group 1: quoted, group 2: plain)."""
    q, d = re.escape(dialect.quote), re.escape(dialect.delimiter)
    plain, shortest = f"((?:(?!{d}).)*)", f"((?:(?!{d}).)*?)"
    whole = f"{q}((?:[^{q}]|{q}{q})*){q}"
    return {
        "a quote too many": re.compile(rf"(?:{whole}(?=\s*(?:{d}|$))|{plain})(?:{d}|$)", re.DOTALL),
        "quotes inside of quotes": re.compile(rf"(?:{q}(.*?){q}(?=\s*(?:{d}|$))|{plain})(?:{d}|$)", re.DOTALL),
        "no delimiter between quotes": re.compile(
            rf"(?:{q}((?:[^{q}]|{q}{q}(?!\w))*){q}(?=\s*(?:{d}|$|{q}))|{shortest})(?:{d}|$|(?={q}\w))", re.DOTALL
        ),
    }


def cut(line: str, pattern: re.Pattern, dialect: Dialect) -> tuple[list[str], frozenset[int]]:
    """The fields of a line by a pattern of one field, and which of them are quoted."""
    fields: list[str] = []
    marked = set()
    at, end = 0, len(line)
    while at <= end:
        found = pattern.match(line, at)
        if found is None:
            return [], frozenset()
        quoted, plain = found.group(1), found.group(2)
        if quoted is not None:
            marked.add(len(fields))
        fields.append(quoted.replace(dialect.quote * 2, dialect.quote) if quoted is not None else plain)
        if found.end() == at:
            if at == end:
                break
            return [], frozenset()
        at = found.end()
        if at == end and not line.endswith(dialect.delimiter):
            break
    return fields, frozenset(marked)
