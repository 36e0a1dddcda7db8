"""The pages: every marker can be filled, every link leads somewhere, the menu is complete, and the site builds offline."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_make():
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = load_make()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("the pages show a whole project with forests and boosting: hours as plain Python")
    folder = tmp_path_factory.mktemp("site")
    make.assemble(folder)
    return folder


def pages_of_menu(entries):
    for entry in entries:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages_of_menu(target)


def test_menu_lists_every_page(site):
    menu = list(pages_of_menu(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    assert sorted(menu) == sorted(str(page.relative_to(site)) for page in site.rglob("*.md"))


def test_no_marker_is_left(site):
    for page in site.rglob("*.md"):
        assert not make.MARKER.search(page.read_text()), page
        assert not re.search(r"<!-- (formula|source|definition|kernels|results|file)\b", page.read_text()), page


def test_links_lead_to_pages(site):
    for page in site.rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?[^)]*\)", text):
            if target.startswith(("http://", "https://")):
                continue
            there = page.parent / target if target else page
            assert there.is_file(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in anchors_of(there), f"{page.name} links to {target}#{anchor}"


def anchors_of(page):
    """What the generator makes of the headings of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def test_every_package_has_a_reference():
    import homespun

    missing = {f"homespun.{name}" for name in homespun._PACKAGES} - set(make.API) - {"homespun.base", "homespun.drop_in"}
    assert missing == set(), "add it to API in docs/make.py and to the menu in zensical.toml"


def test_a_wrong_marker_fails():
    for marker in ("formula homespun.nothing", "source homespun.errors.Nothing", "kernels homespun.errors", "results nothing"):
        with pytest.raises((ImportError, AttributeError, LookupError)):
            make.fill(f"<!-- {marker} -->")


def test_measured_rows_appear_where_they_are_asked_for(monkeypatch, tmp_path):
    row = {"job": "ridge: fit", "size": "100,000 x 200", "peer": "scikit-learn", "isa": "native", "ratio": 4.25, "goal": None,
           "ours_seconds": 1.0, "peer_seconds": 4.25, "ours_mb": 1, "peer_mb": 2, "memory_goal": None, "quality": None,
           "quality_as_good": True, "peer_keeps_to_isa": True}
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "results.json").write_text(json.dumps({"rows": [row]}))
    monkeypatch.setattr(make, "ROOT", tmp_path)
    assert "| 4.25 |" in make.results("lasso; ridge")
    assert "not been measured" in make.results("lasso")


def test_reference_reads_docstrings():
    text = make.reference("homespun.neighbors")
    assert "## `KNeighborsClassifier`" in text and "### `KNeighborsClassifier.kneighbors`" in text
    assert "* `n_neighbors` – int" in text and "```pycon\n>>> from homespun.neighbors" in text


def test_pages_type_no_measurement():
    """Numbers with a unit of time or a factor come from results.json or from the source, never from a page's author."""
    for page in make.DOCS.rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        assert not re.search(r"\d+(\.\d+)?\s*(ms|s|seconds|times faster|× faster)\b", text), page


@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="zensical (extra `docs`) is not installed")
def test_site_builds_and_asks_nobody(site, tmp_path):
    shutil.copytree(site, tmp_path / "build" / "docs")
    (tmp_path / "zensical.toml").write_text((ROOT / "zensical.toml").read_text())
    done = subprocess.run([sys.executable, "-m", "zensical", "build", "--clean"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text()
        fetched = re.findall(r"<(?:script|img|iframe)[^>]*src=\"?(https?://[^\" >]+)", text)
        fetched += re.findall(r"<link[^>]*rel=\"?(?:stylesheet|preconnect|preload)[^>]*href=\"?(https?://[^\" >]+)", text)
        assert fetched == [], page
    shown = (tmp_path / "site" / "tutorials" / "used_cars.html").read_text()
    beside = re.findall(r"(?:src|href)=\"?(used_cars_\w+\.(?:svg|html))", shown)
    assert len(beside) == 4 and all((tmp_path / "site" / "tutorials" / name).is_file() for name in beside), beside
