"""Random tables through random dialects: what is written comes back, or the reader says what was not certain."""

import bz2
import csv
import gzip
import io
import lzma

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.data import read

SPOKEN = {"ambiguous date", "mixed decimal signs", "mixed units", "mixed currencies", "not a number", "code"}
PACKED = {"plain": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
WORDS = ["Ford", "Škoda", "Müller & Co", "a, b", 'he said "no"', "x;y", "tab\there", "two\nlines", "it's", "-", "#1", "a|b", "ok"]
LATIN = [word for word in WORDS if word.isascii()] + ["Müller", "Citroën", "Peña"]


@st.composite
def tables(draw):
    rows = draw(st.integers(6, 30))
    made = {"key": [f"k{i}" for i in range(rows)]}
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["whole", "decimal", "money", "date", "flag", "word"]))
        name = f"{kind}{i}"
        if kind == "whole":
            made[name] = draw(st.lists(st.integers(-(10**6), 10**6), min_size=rows, max_size=rows))
        elif kind in ("decimal", "money"):
            cents = st.integers(-(10**7), 10**7).map(lambda cents: (100 * (cents // 100) + cents % 89 + 11) / 100)
            made[name] = draw(st.lists(cents, min_size=rows, max_size=rows))
        elif kind == "date":
            days = draw(st.lists(st.integers(0, 9_000), min_size=rows, max_size=rows))
            made[name] = [pd.Timestamp("2000-01-01") + pd.Timedelta(days=day) for day in days]
        elif kind == "flag":
            made[name] = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        else:
            made[name] = draw(st.lists(st.sampled_from(WORDS), min_size=rows, max_size=rows))
    gaps = {name: draw(st.lists(st.booleans(), min_size=rows, max_size=rows)) for name in made if name != "key"}
    return made, gaps


@st.composite
def dialects(draw):
    return {
        "delimiter": draw(st.sampled_from([",", ";", "\t", "|"])),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "missing": draw(st.sampled_from(["", "NA", "n/a", "-", "NULL"])),
        "decimal": draw(st.sampled_from([".", ","])),
        "thousands": draw(st.booleans()),
        "date": draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d"])),
        "flag": draw(st.sampled_from([("yes", "no"), ("TRUE", "FALSE"), ("ja", "nein"), ("Y", "N")])),
        "encoding": draw(st.sampled_from(ENCODINGS)),
        "packed": draw(st.sampled_from(list(PACKED))),
        "last": draw(st.booleans()),
    }


def written(value, how):
    if isinstance(value, pd.Timestamp):
        return value.strftime(how["date"])
    if isinstance(value, bool):
        return how["flag"][0 if value else 1]
    if isinstance(value, float):
        text = f"{value:,.2f}" if how["thousands"] else f"{value:.2f}"
        return text if how["decimal"] == "." else text.translate(str.maketrans(",.", ".,"))
    return str(value)


def as_bytes(table, gaps, how):
    out = io.StringIO()
    write = csv.writer(out, delimiter=how["delimiter"], quoting=how["quoting"], lineterminator=how["end"]).writerow
    write(list(table))
    for row in range(len(table["key"])):
        cells = []
        for name, values in table.items():
            gone = gaps.get(name, [False] * (row + 1))[row]
            mark = "£" if name.startswith("money") else ""
            cells.append(how["missing"] if gone else mark + written(values[row], how))
        write(cells)
    text = out.getvalue()
    if not how["last"]:
        text = text[: -len(how["end"])]
    return PACKED[how["packed"]](text.encode(how["encoding"], errors="strict"))


@settings(max_examples=25, deadline=None)
@given(tables(), dialects())
def test_what_is_written_comes_back_or_is_said(made, how):
    table, gaps = made
    if how["encoding"] == "cp1252":
        table = {
            name: [LATIN[WORDS.index(value) % len(LATIN)] if value in WORDS else value for value in values]
            for name, values in table.items()
        }
    content = as_bytes(table, gaps, how)
    found = read(content)
    odd = {decision.column for decision in found.decisions if str(decision.value) in SPOKEN or decision in found.warnings}
    assert len(found) == len(table["key"]), found.decisions
    assert list(found.frame)[: len(table)] == list(table) or found.warnings
    for name, values in table.items():
        kept = [value for value, gone in zip(values, gaps.get(name, [False] * len(values))) if not gone]
        column = found.frame[name].dropna().tolist()
        kind = found.recipes[name]["kind"]
        if kind == "empty":
            assert not kept or all(str(value) in ("-", "…") for value in kept)
        elif name.startswith(("whole", "decimal", "money")):
            if kind != "number":
                assert name in odd, (name, found.decisions)
            elif not any(d.column == name and d.kind == "decimal point" for d in found.decisions):
                np.testing.assert_allclose(column, kept)
            elif not np.allclose(column, kept):  # 1.234 is a thousand or not: it must have been said
                assert any("always before three digits" in d.evidence for d in found.decisions if d.column == name)
        elif name.startswith("date"):
            if kind != "date":
                assert name in odd, (name, found.decisions)
            else:
                assert column == kept
        elif name.startswith("flag"):
            if kind == "flag":
                assert column == [1 if value else 0 for value in kept]
            else:  # one state alone is no flag
                assert len(set(kept)) == 1
        elif kind == "text":
            lost = set(found.recipes[name]["missing"]) | {""}
            assert column == [value for value in kept if value.strip() not in lost]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.text("ab1,;\"'\n\t |é", max_size=6), min_size=2, max_size=4), min_size=4, max_size=20),
    st.sampled_from(",;\t|"),
)
def test_no_text_of_any_cell_is_lost(rows, delimiter):
    """Whatever stands in the cells: all of their letters and digits are somewhere in the table, or a decision says otherwise."""
    width = len(rows[0])
    rows = [["w" + (row + row)[i % len(row)] for i in range(width)] for row in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([[f"name{i}" for i in range(width)], *rows])
    found = read(out.getvalue().encode(), types="text", missing=[])
    if found.frame.shape == (len(rows), width) and next(iter(found.frame)) == "name0":
        assert [[cell.strip() for cell in row] for row in rows] == [
            ["" if value is None or value != value else value for value in row] for row in found.frame.values.tolist()
        ] or found.warnings
    else:
        assert found.decisions
