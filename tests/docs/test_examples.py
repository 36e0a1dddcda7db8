"""Documentation is code that runs: the blocks of README.md and docs/, page by page, and the examples of every docstring.

In a page, in this order, in an empty folder and one namespace:

    ```python    is run; if a ```text block follows directly, it is what the code prints (where HOMESPUN_DATA is named, only
                 if that is set)
    ```sh        lines that begin with `homespun` or `python -m homespun` are run and must succeed
    ``` or ```console    is shown only; but its `homespun` lines must name commands and options that exist
"""

import contextlib
import doctest
import importlib
import io
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import homespun

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$(\n+(?=```text\n)(?:```text\n)(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NEEDS_EXTRA = {"duckdb", "typer", "pandas", "polars"}


def blocks_of(page):
    """(kind, code, expected output or None, line) of each block."""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        yield found[1], found[2], found[4], text[: found.start()].count("\n") + 1


def commands_in(code):
    """The `homespun …` lines, as words; comments are dropped."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["homespun"] or (words[:2] == ["python", "-m"] and words[2].startswith("homespun")):
            yield words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page, tmp_path, monkeypatch):
    if page.name == "used_cars.md" and os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("a whole project with forests and boosting takes hours as plain Python")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__page__"}
    for kind, code, expected, line in blocks_of(page):
        if kind == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                exec(compile("\n" * line + code, str(page), "exec"), namespace)
            if expected is not None and ("HOMESPUN_DATA" not in code or "HOMESPUN_DATA" in os.environ):
                assert printed.getvalue().strip() == expected.strip(), f"{page.name}:{line}"
        elif kind == "sh":
            for words in commands_in(code):
                run_command(words, f"{page.name}:{line}")


def run_command(words, place):
    command = [sys.executable, "-m", "homespun.cli", *words[1:]] if words[0] == "homespun" else [sys.executable, *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "TERM": "dumb"})
    assert done.returncode == 0, f"{place}: {' '.join(words)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page):
    """Every `homespun` line anywhere on a page names a command and options that the command line has."""
    cli = pytest.importorskip("homespun.cli.app")
    from typer.main import get_command

    known = get_command(cli.app).commands
    for line in re.findall(r"(?:^|`)(homespun [a-z][^`\n]*)", page.read_text(), re.MULTILINE):
        words = shlex.split(line, comments=True)
        if words[1] not in known:
            assert words[1] == "|" or not re.fullmatch(r"[a-z-]+", words[1]), f"{page.name}: there is no `homespun {words[1]}`"
            continue
        command, rest = known[words[1]], words[2:]
        if hasattr(command, "commands"):  # `homespun datasets search`: a group of commands
            assert rest and rest[0] in command.commands, f"{page.name}: there is no `homespun {' '.join(words[1:3])}`"
            command, rest = command.commands[rest[0]], rest[1:]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            if word.startswith("-") and word != "-":
                assert word.partition("=")[0] in options | {"--help"}, f"{page.name}: {line}"


def modules():
    for info in pkgutil.walk_packages(homespun.__path__, "homespun.", onerror=lambda name: None):
        if not info.name.endswith("__main__"):
            yield info.name


FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", ["homespun", *modules()])
def test_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in NEEDS_EXTRA:
            pytest.skip(f"needs {error.name}")
        raise
    finder = doctest.DocTestFinder(exclude_empty=True)
    report = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        for test in finder.find(module, name):
            runner.run(test, out=report.write)
    assert runner.failures == 0, report.getvalue()


def test_the_extractor_sees_blocks_and_their_output(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n"
                    "```sh\nhomespun new x.py   # why\nls\n```\n```\nhomespun fit\n```\n")
    found = list(blocks_of(page))
    assert [(kind, expected) for kind, _, expected, _ in found] == [("python", "1\n"), ("sh", None), ("", None)]
    assert list(commands_in(found[1][1])) == [["homespun", "new", "x.py"]]


def test_wrong_output_on_a_page_is_noticed(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n")
    with pytest.raises(AssertionError):
        test_page_runs(page, tmp_path, monkeypatch)
