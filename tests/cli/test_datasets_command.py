"""``homespun datasets``: what search, show and fetch print, and how they refuse."""

import json

import pytest

from homespun.cli import run


@pytest.fixture
def call(tmp_path, capsys, monkeypatch):
    """Run a command: (status, stdout, stderr). The cache is empty, and no network is needed."""
    monkeypatch.setenv("HOMESPUN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOMESPUN_PROGRESS", "0")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("HOMESPUN_MIRROR", raising=False)

    def call(*arguments):
        status = run(["datasets", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return call


def test_search_prints_a_table(call):
    status, out, err = call("search", "used cars regression")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].split() == ["name", "task", "rows", "columns", "licence", "title"]
    assert "cars_" in lines[1] and "regression" in lines[1]
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("* cars_georgia") and "19,234" in line for line in lines)


def test_words_need_no_quotes(call):
    assert call("search", "used", "cars", "regression") == call("search", "used cars regression")


def test_json_and_filters(call):
    status, out, _ = call("search", "cars", "--task", "regression", "--rows", ">=1000", "--limit", "3", "--json")
    found = json.loads(out)
    assert status == 0 and len(found) == 3
    assert all(known["task"] == "regression" and known["rows"] >= 1000 for known in found)
    assert json.loads(call("search", "qwertzuiop", "--json")[1]) == []
    assert call("search", "qwertzuiop")[:2] == (0, "no data set fits\n")


def test_mistakes_are_explained(call):
    status, _, err = call("search", "cars", "--rows", "many")
    assert status == 1 and "'many'" in err
    status, _, err = call("search", "cars", "--task", "regresion")
    assert status == 1 and "did you mean 'regression'?" in err
    status, _, err = call("fetch", "titanik")
    assert status == 1 and "did you mean 'titanic'" in err
    status, _, err = call("fetch", "auto_mpg")
    assert status == 1 and "https://archive.ics.uci.edu/dataset/9" in err
    assert call("search", "--limit", "x")[0] == 2


def test_show(call):
    status, out, _ = call("show", "iris")
    assert status == 0
    assert "https://archive.ics.uci.edu/dataset/53" in out and "CC BY 4.0" in out and "sha256" in out and "150" in out
    assert "ask before" in call("show", "cars_india")[1]


def test_fetch_from_a_folder(call, tmp_path, monkeypatch):
    import hashlib

    from homespun.datasets import listing

    body = b"a,b\n1,2\n"
    file = listing.File("https://example.org/toy.csv", hashlib.sha256(body).hexdigest(), "computed", "toy.csv", len(body))
    one = listing.Dataset("toy", "A toy", "reading", "https://example.org", ("toy",), files=(file,))
    monkeypatch.setattr(listing, "_entries", lambda: (one,))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "toy.csv").write_bytes(body)
    status, out, err = call("fetch", "toy", "--mirror", str(tmp_path / "mirror"), "--to", str(tmp_path / "here"))
    assert (status, out, err) == (0, f"{tmp_path / 'here' / 'toy.csv'}\n", "")
    assert (tmp_path / "here" / "toy.csv").read_bytes() == body
    (tmp_path / "mirror" / "toy.csv").write_bytes(b"a,b\n1,3\n")
    status, _, err = call("fetch", "toy", "--mirror", str(tmp_path / "mirror"), "--to", str(tmp_path / "there"))
    assert status == 1 and "holds something else" in err
