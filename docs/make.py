"""Build the documentation: `python docs/make.py` writes site/. Nothing is fetched, neither while building nor while reading.

    --assemble      only write build/docs, the pages with everything filled in; do not run the site generator

The pages in this folder are what people write. Numbers, formulas and code are not copied into them: a marker on a line of
its own names what belongs there, and this script fills it from the source or from benchmarks/results.json.

    <!-- formula MODULE -->              the docstring of a module: formula, source, cost, limits
    <!-- source MODULE.NAME -->          the code of a function or class, as it stands
    <!-- definition NAME -->             the formula of the oracle called NAME (as in `homespun prove NAME`)
    <!-- kernels MODULE, PACKAGE -->     each compiled function there with the formula that defines it
    <!-- results JOB, JOB -->            the measured rows of these jobs ("all": the whole of RESULTS.md)
    <!-- file PATH -->                   a file of the project as a section: its headings are one level lower

The reference of the packages (api/) is made of their docstrings. Formulas stay the plain text of the docstrings: what you
read here is what stands above the code. The generator is Zensical, which reads MkDocs' configuration.
"""

from __future__ import annotations

import argparse
import html
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS, ASSEMBLED = ROOT / "docs", ROOT / "build" / "docs"
sys.path.insert(0, str(ROOT))  # `benchmarks` is not installed
MARKER = re.compile(r"^<!-- (formula|source|definition|kernels|results|file) (.+?) -->$", re.MULTILINE)

API = {  # package -> what its page is called
    "homespun": "homespun", "homespun.linear_model": "linear_model", "homespun.tree": "tree",
    "homespun.ensemble": "ensemble", "homespun.neighbors": "neighbors",
    "homespun.svm": "svm", "homespun.kernel_approximation": "kernel_approximation",
    "homespun.kernel_ridge": "kernel_ridge", "homespun.naive_bayes": "naive_bayes", "homespun.cluster": "cluster",
    "homespun.preprocessing": "preprocessing",
    "homespun.impute": "impute", "homespun.feature_selection": "feature_selection",
    "homespun.feature_extraction": "feature_extraction", "homespun.feature_extraction.text": "feature_extraction.text",
    "homespun.compose": "compose", "homespun.model_selection": "model_selection", "homespun.metrics": "metrics",
    "homespun.metrics.cluster": "metrics.cluster",
    "homespun.plot": "plot", "homespun.data": "data", "homespun.datasets": "datasets",
    "homespun.vision": "vision",
    "homespun.tabular": "tabular", "homespun.report": "report", "homespun.serve": "serve", "homespun.persist": "persist",
    "homespun.testing": "testing",
    "homespun.kernels": "kernels", "homespun.errors": "errors",
}

WRITTEN = {  # tables that a benchmark of its own writes -> which
    "benchmarks/SERVING.md": "benchmarks.serve_load", "benchmarks/REPORTS.md": "benchmarks.report_speed",
    "benchmarks/CSV_SPEED.md": "benchmarks.csv_speed",
}


# ---------------------------------------------------------------------------------------------------------------------
# Markers

def fill(text: str) -> str:
    """`text` with every marker replaced."""
    return MARKER.sub(lambda found: FILLERS[found[1]](found[2].strip()), text)


def formula(module: str) -> str:
    return fence(inspect.getdoc(importlib.import_module(module)) or "", "text") + "\n" + where(module)


def source(name: str) -> str:
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    return fence(inspect.getsource(getattr(value, "py_func", value)), "python") + "\n" + where(module)


def definition(name: str) -> str:
    from homespun.kernels.oracle import find

    formula = find(name).formula
    return source(f"{formula.__module__}.{formula.__name__}")


def kernels(modules: str) -> str:
    """One line per oracle: the fast function, its formula, and the kernels that are compared."""
    from homespun.kernels.oracle import ORACLES
    from homespun.testing import import_all

    import_all()
    names = [name.strip() for name in modules.split(",")]
    lines = ["| fast function | formula that defines it | compiled kernels | file |", "|---|---|---|---|"]
    for oracle in sorted(ORACLES.values(), key=lambda one: one.name):
        module = oracle.formula.__module__
        homes = (module, oracle.fast.__module__)  # a formula may stand in a file beside what it defines
        if any(home == name or home.startswith(f"{name}.") for name in names for home in homes):
            compiled = ", ".join(f"`{kernel.py_func.__name__}`" for kernel in oracle.kernels)
            fast = oracle.name.rpartition(".")[2]
            lines.append(f"| `{fast}` | `{oracle.formula.__name__}` | {compiled} | `{path_of(module)}` |")
    if len(lines) == 2:
        raise LookupError(f"there is no oracle in {modules}")
    return "\n".join(lines)


def results(jobs: str) -> str:
    from benchmarks import report
    from benchmarks.jobs import JOBS

    found = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    if jobs == "all":
        return report.results_page(found).partition("\n")[2].replace("\n## ", "\n### ")
    names = re.split(r";\s*", jobs)
    for name in names:
        if name not in [job.name for job in JOBS]:
            raise LookupError(f"there is no job called {name!r} in benchmarks.jobs")
    rows = [row for row in found["rows"] if row["job"].rpartition(": ")[0] in names]
    if not rows:
        return '!!! note\n    These rows have not been measured yet: `python -m benchmarks.run` does.'
    parts = []
    for name in names:
        of_job = [row for row in rows if row["job"].rpartition(": ")[0] == name]
        parts += [f"**{name[0].upper()}{name[1:]}**", "", *report.table(of_job), ""] if of_job else []
    return "\n".join(parts)


def file(path: str) -> str:
    if path in WRITTEN and not (ROOT / path).is_file():
        return f'!!! note\n    This has not been measured yet: `python -m {WRITTEN[path]}` does.'
    return re.sub(r"^(?=#+ )", "#", (ROOT / path).read_text().strip(), flags=re.MULTILINE)


FILLERS = {"formula": formula, "source": source, "definition": definition, "kernels": kernels,
           "results": results, "file": file}


def fence(text: str, language: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def path_of(module: str) -> str:
    return str(Path(inspect.getfile(importlib.import_module(module))).resolve().relative_to(ROOT))


def where(module: str) -> str:
    return f"<small>From `{path_of(module)}`</small>"


# ---------------------------------------------------------------------------------------------------------------------
# Reference

def reference(package: str) -> str:
    """The page of a package: what it exports, with signatures and docstrings."""
    module = importlib.import_module(package)
    parts = [f"# `{package}`", "", docstring(module), ""]
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value):
            parts += [f"* [`{value.__name__}`]({API[value.__name__]}.md)" if value.__name__ in API else f"* `{value.__name__}`"]
        elif inspect.isclass(value):
            parts += ["", f"## `{name}`", "", signature(name, value), "", docstring(value), ""]
            for key, method in public_methods(value):
                parts += [f"### `{name}.{key}`", "", signature(key, method), "", docstring(method), ""]
        elif callable(value):
            parts += ["", f"## `{name}`", "", signature(name, value), "", docstring(value), ""]
        else:
            parts += ["", f"## `{name}`", "", f"`{type(value).__name__}`", ""]
    return "\n".join(parts)


def public_methods(cls):
    """Methods that homespun itself defines and documents; what scikit-learn brings is in its own reference."""
    for key in dir(cls):
        method = inspect.getattr_static(cls, key)
        method = getattr(method, "__func__", method)
        ours = inspect.isfunction(method) and method.__module__.startswith("homespun.")
        if ours and method.__doc__ and not key.startswith("_"):
            yield key, method


def signature(name: str, value) -> str:
    try:
        text = f"{name}{inspect.signature(getattr(value, 'py_func', value))}"
    except (TypeError, ValueError):
        text = name
    return fence("\n".join(textwrap.wrap(text, 100, subsequent_indent="    ")), "python")


SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def docstring(value) -> str:
    """A NumPy-style docstring as Markdown."""
    text = inspect.getdoc(value) or ""
    pieces = SECTION.split(text)
    parts = [prose(pieces[0])]
    for title, body in zip(pieces[1::2], pieces[2::2]):
        parts += [f"**{title}**", ""]
        if title == "Examples":
            parts += [fence(body.strip("\n"), "pycon")]
        elif title in ("Parameters", "Attributes", "Returns", "Raises", "Yields"):
            parts += [entries(body)]
        else:
            parts += [prose(body)]
    return "\n".join(parts)


def entries(body: str) -> str:
    lines = []
    for line in body.strip("\n").splitlines():
        if line and not line.startswith(" "):
            name, colon, kind = line.partition(" : ")
            lines.append(f"* `{name}`" + (f" – {prose(kind)}" if colon else ""))
        elif line.strip():
            lines.append("    " + prose(line.strip()))
    return "\n".join(lines) + "\n"


def prose(text: str) -> str:
    """Text as it stands, with what Markdown would take for tags escaped; examples and formulas (indented) are code."""
    parts = []
    for block in re.split(r"\n\n", text):
        if block.lstrip().startswith(">>>"):
            parts.append(fence(textwrap.dedent(block), "pycon"))
        elif block.startswith("    "):
            parts.append(fence(textwrap.dedent(block), "text"))
        else:
            parts.append(html.escape(block, quote=False))
    return "\n\n".join(parts)


# ---------------------------------------------------------------------------------------------------------------------

def assemble(folder: Path) -> list[Path]:
    """Write every page into `folder`, filled; their paths."""
    shutil.rmtree(folder, ignore_errors=True)
    written = []
    for page in sorted(DOCS.rglob("*.md")):
        target = folder / page.relative_to(DOCS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(fill(page.read_text()))
        written.append(target)
    for package, name in API.items():
        target = folder / "api" / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(reference(package))
        written.append(target)
    from docs.used_cars import files

    for name, text in files().items():
        (folder / "tutorials" / name).write_text(text)
    return written


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--assemble", action="store_true", help="do not run the site generator")
    chosen = parser.parse_args(arguments)
    print(f"{len(assemble(ASSEMBLED))} pages in {ASSEMBLED.relative_to(ROOT)}")
    if chosen.assemble:
        return 0
    return subprocess.run([sys.executable, "-m", "zensical", "build", "--clean"], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
