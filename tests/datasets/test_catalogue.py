"""The offline catalogue: entries that can be trusted in form, and a search that finds what people mean."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import homespun.datasets as datasets
from homespun.datasets import listing
from homespun.errors import DataError, ParameterError

SOURCE = Path(datasets.__file__).parents[1]


def names(found):
    return [known.name for known in found]


def test_enough_sets_and_each_name_once():
    known = datasets.catalogue()
    assert len(known) >= 80
    assert sorted(names(known)) == names(known)
    assert len(set(names(known))) == len(known)
    assert sum(bool(one.files) for one in known) >= 60


@pytest.mark.parametrize("known", datasets.catalogue(), ids=lambda known: known.name)
def test_an_entry_is_well_formed(known):
    assert re.fullmatch(r"[a-z0-9_]+", known.name)
    assert known.title and known.task in listing.TASKS and len(known.keywords) >= 2
    assert re.match(r"https?://", known.page)
    assert known.rows is None or known.rows > 0
    assert known.columns is None or known.columns > 1
    assert known.licence != ""
    assert len({file.name for file in known.files}) == len(known.files)
    for file in known.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.match(r"https?://", file.address)
        assert file.name and "/" not in file.name and "\\" not in file.name and not file.name.startswith(".")
        assert file.checked in ("computed", "PMLB", "scikit-learn", "TensorFlow Datasets")
        assert file.bytes is None or file.bytes > 0
        if file.checked in ("computed", "PMLB"):  # what we hashed ourselves is pinned to the commit that we hashed
            assert re.search(r"/[0-9a-f]{40}/", file.address), file.address


def test_no_checksum_twice():
    seen = Counter(file.sha256 for known in datasets.catalogue() for file in known.files)
    assert [sha for sha, times in seen.items() if times > 1] == []


def test_nothing_restricted_is_offered_by_a_copy():
    for known in datasets.catalogue():
        if known.licence and "no redistribution" in known.licence:
            assert all("grouplens.org" in file.address for file in known.files)


def test_used_cars_regression():
    found = datasets.search("used cars regression")
    assert len(found) >= 10
    assert all(name.startswith("cars_") for name in names(found)[:8])
    assert {known.task for known in found[:8]} == {"regression"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [("iris", "iris"), ("penguin", "penguins"), ("recommender", "movielens_100k"), ("house prices", "california_housing"),
     ("fraudulent credit", "credit_card_fraud"), ("mushroom", "mushroom"), ("fashion", "fashion_mnist"),
     ("shakespear", "tinyshakespeare"),
     ("wines", "wine"), ("MNIST", "mnist"), ("sunspot", "sunspots"), ("used car germany ford pound", "cars_uk_focus")],
)
def test_words_find_the_set(query, expected):
    assert expected in names(datasets.search(query))[:4]


def test_plural_and_order_do_not_matter():
    assert names(datasets.search("car price")) == names(datasets.search("prices of cars"))


def test_a_rare_word_weighs_more_than_a_common_one():
    assert names(datasets.search("classification of mushrooms"))[0] == "mushroom"


def test_half_words_and_other_endings_count_less():
    assert listing.likeness("auto", "automobil") == pytest.approx(0.5 * 4 / 9)
    assert listing.likeness("recommender", "recommendation") == pytest.approx(0.5 * 9 / 14)
    assert listing.likeness("car", "card") == listing.likeness("wine", "wind") == 0
    assert listing.likeness("card", "card") == 1


def test_score_by_hand():
    """BM25 of one word over the real catalogue, computed the long way."""
    import math

    bags = listing._bags()
    lengths = {name: sum(bag.values()) for name, bag in bags.items()}
    having = [name for name, bag in bags.items() if "mushroom" in bag]
    assert having == ["mushroom"]
    f, mean = bags["mushroom"]["mushroom"], sum(lengths.values()) / len(bags)
    by_hand = math.log(1 + (len(bags) - 0.5) / 1.5) * f / (f + 1.2 * (0.25 + 0.75 * lengths["mushroom"] / mean))
    assert listing._scores(["mushroom"])["mushroom"] == pytest.approx(by_hand)


def test_task_and_rows_filter():
    found = datasets.search("cars", task="regression", rows=">=1000")
    assert found and all(known.task == "regression" and known.rows >= 1000 for known in found)
    assert names(datasets.search(rows="150", limit=500)) == names(k for k in datasets.catalogue() if k.rows == 150)
    assert all(100 <= known.rows <= 200 for known in datasets.search(rows="100 - 200", limit=500))
    assert all(known.rows < 100 for known in datasets.search(rows="<100", limit=500))
    assert all(known.rows > 1_000_000 for known in datasets.search(rows=">1,000,000", limit=500))
    assert datasets.search(rows="1000000-", limit=500) == datasets.search(rows=">=1000000", limit=500)


def test_nothing_found_and_limit():
    assert datasets.search("qwertzuiop") == []
    assert str(datasets.search("qwertzuiop")) == "no data set fits"
    assert len(datasets.search("classification", limit=3)) == 3
    assert len(datasets.search("the data of")) == 20  # only noise words: as if nothing was asked


@pytest.mark.parametrize("rows", ["many", "10-5", ">", "-5", "1k"])
def test_bad_rows(rows):
    with pytest.raises(ParameterError, match=re.escape(repr(rows))) as caught:
        datasets.search("cars", rows=rows)
    assert caught.value.operands == {"rows": rows}


def test_bad_task_and_name():
    with pytest.raises(ParameterError, match="regresion") as caught:
        datasets.search("cars", task="regresion")
    assert "regression" in caught.value.suggestion
    with pytest.raises(ParameterError, match="titanik") as caught:
        listing.entry("titanik")
    assert "titanic" in caught.value.suggestion
    with pytest.raises(ParameterError, match="limit"):
        datasets.search("cars", limit=0)


def test_a_set_without_a_file_names_its_page():
    with pytest.raises(DataError, match=re.escape("archive.ics.uci.edu/dataset/9")) as caught:
        datasets.fetch("auto_mpg")
    assert caught.value.where == "https://archive.ics.uci.edu/dataset/9"


def test_the_table_fits_the_terminal():
    for width in (80, 120):
        lines = str(listing.table(datasets.catalogue(), width)).splitlines()
        assert len(lines) == len(datasets.catalogue()) + 1
        assert max(map(len, lines)) <= max(width, 140)
    assert repr(datasets.search("iris")).splitlines()[1].startswith("* iris")


def test_nothing_else_fetches():
    """Downloads happen only where a user asks for them: no other module imports the downloader."""
    importers = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            text = ast.unparse(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else ""
            if "datasets.download" in text or re.search(r"datasets import .*\bfetch\b", text):
                importers.add(str(path.relative_to(SOURCE)))
    assert importers == {"cli/datasets.py"}


def test_search_touches_no_network(monkeypatch):
    import socket

    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("a socket was opened"))
    listing._entries.cache_clear()
    assert datasets.search("cars")
