"""The score of the CSV packs: by hand on small tables, and that the packs are what it thinks they are."""

import os
from pathlib import Path

import pytest

from benchmarks.csv_packs import Case, Reader, cases, examine, homespun, judge, tidy


def case(names=("a", "b"), rows=(("1", "x"), ("2", "y")), content=b""):
    return Case("pack", "t.csv", content, list(names), [list(row) for row in rows])


@pytest.mark.parametrize(
    "names, rows, f1, exact",
    [
        (["a", "b"], [["1", "x"], ["2", "y"]], 1.0, True),
        ([" a", "b"], [["1 ", None], ["2", "y"]], 2 * 5 / 11, False),
        (["a", "b"], [["1", "x"]], 2 * 4 / 10, False),  # a lost row costs its cells
        (["a", "b", "column2"], [["1", "x", ""], ["", "", ""], ["2", "y", ""]], 1.0, True),  # nothing is no difference
        (["b", "a"], [["1", "x"], ["2", "y"]], 2 * 4 / 12, False),
        (["a", "b"], [["2", "y"], ["1", "x"]], 1.0, False),  # the order counts only for "exactly right"
    ],
)
def test_marks(names, rows, f1, exact):
    mark = judge(case(), names, rows, 0.0)
    assert mark.f1 == pytest.approx(f1) and mark.exact is exact
    assert mark.score == pytest.approx(50 * (f1 + exact))


def test_names_that_readers_must_invent():
    assert judge(case(names=()), ["column0", "column1"], [["1", "x"], ["2", "y"]], 0.0).exact
    assert judge(case(names=("a", "a")), ["a", "a.1"], [["1", "x"], ["2", "y"]], 0.0).exact
    assert not judge(case(names=("a", "a.1")), ["a", "a"], [["1", "x"], ["2", "y"]], 0.0).exact
    assert tidy(["a", ""], [["1", ""]]) == (["a"], [["1"]])


def test_a_reader_that_raises_gets_nothing_but_for_an_empty_file(tmp_path):
    def refuses(path):
        raise ValueError("no")

    assert examine(Reader("r", "", refuses), case(), tmp_path).score == 0
    assert examine(Reader("r", "", refuses), case(names=(), rows=()), tmp_path).score == 100
    assert examine(Reader("r", "", homespun), case(content=b"a,b\n1,x\n2,y\n"), tmp_path).score == 100


def test_the_packs():
    folder = os.environ.get("HOMESPUN_DATA")
    if not folder:
        pytest.skip("HOMESPUN_DATA is not set: csv_pollock, csv_spectrum and csv_csvkit are needed")
    found = list(cases(Path(folder)))
    assert len(found) == 1290 and all(one.rows or one.names or len(one.content) < 2 for one in found)
