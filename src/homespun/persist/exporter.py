"""`export_python`: a fitted model as one Python file that needs NumPy and nothing else.

    model → spec (`specs`: what each estimator's prediction needs) → runner/*.py as text + spec as JSON + arrays as base85

The functions that predict are real modules, `persist/runner/*.py`: tested where they lie, copied as text into the file. So
the file can be read; `MODEL` and `ARRAYS` at its end are the model. With the same NumPy on the same machine all models give
the same bits, but neighbours weighted by distance: their distances are summed in another order. Elsewhere a product of
matrices may differ in the last one, too.

Not handled: sparse input, models without an entry in `specs` (an error names the part).
"""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__
from homespun.base.errors import DataError
from homespun.persist.specs import spec_of

RUNNER = ("core", "linear", "trees", "neighbors", "bayes", "machines", "columns", "numbers", "gaps", "text", "project", "command")


def export_python(model: Any, path) -> Path:
    """Write a fitted model as one Python file that imports only NumPy and the standard library.

    Parameters
    ----------
    model : Project, estimator or pipeline
    path : path-like
        ``model.py``. Then ``python model.py data.csv``, or ``import model; model.predict(rows)``.

    Returns
    -------
    Path

    Raises
    ------
    ModelFileError
        A part cannot be exported (it is named), or the file cannot be written.

    Examples
    --------
    >>> import tempfile, runpy
    >>> from homespun.preprocessing import MinMaxScaler
    >>> path = export_python(MinMaxScaler().fit([[0.0], [4.0]]), Path(tempfile.mkdtemp()) / "scaler.py")
    >>> runpy.run_path(str(path))["predict"]([[1.0], [2.0]]).tolist()
    [[0.25], [0.5]]
    """
    from homespun.persist.container import write_text

    return write_text(path, source_of(model))


def source_of(model: Any) -> str:
    """The text that `export_python` writes."""
    spec = spec_of(model, "model")
    arrays: list[np.ndarray] = []
    text = json.dumps(_plain(spec, arrays))
    stored = io.BytesIO()
    named: Any = {f"a{k}": array for k, array in enumerate(arrays)}
    np.savez(stored, allow_pickle=False, **named)
    packed = base64.b85encode(zlib.compress(stored.getvalue(), 9)).decode()
    names = _names(spec)
    head = f'''"""{_title(model)}: an exported model that needs NumPy and nothing else (homespun {__version__}).

    python model.py data.csv [-o predictions.csv]
    import model; model.predict(rows)        rows: dictionaries, a table {{column: values}}, a dataframe, an array

{_outline(spec)}
MODEL and ARRAYS at the end are the model: its settings as JSON, its arrays compressed.
"""
'''
    needed = _needed(names)
    tail = f'\nMODEL = {text!r}\nARRAYS = {packed!r}\n\nif __name__ == "__main__":\n    sys.exit(main(sys.argv[1:]))\n'
    return head + re.sub(r"\n{3,}", "\n\n", _joined(needed)) + tail  # one empty line between functions: it is to stay short


# ---------------------------------------------------------------------------------------------------------------------
# The text


def _plain(node: Any, arrays: list[np.ndarray]) -> Any:
    """JSON of a spec, its arrays moved into a list."""
    if isinstance(node, np.ndarray):
        if node.dtype.kind == "O":
            return {"objects": [_plain(entry, arrays) for entry in node.tolist()]}
        arrays.append(node)
        return {"array": len(arrays) - 1}
    if isinstance(node, dict):
        return {str(key): _plain(entry, arrays) for key, entry in node.items() if key not in ("of", "where")}
    if isinstance(node, (list, tuple)):
        return [_plain(entry, arrays) for entry in node]
    if isinstance(node, np.generic):
        return node.item()
    if node is None or isinstance(node, (str, bool, int, float)):
        return node
    raise DataError(
        f"cannot export the value {node!r}: JSON cannot say a {type(node).__name__}",
        operation="export_python",
        operands={"value": node},
        rule="numbers and texts",
    )


def _names(spec) -> set[str]:
    """The names of the runner's functions that a spec uses."""
    if isinstance(spec, dict):
        own = {spec["run"]} if isinstance(spec.get("run"), str) else set()
        return own.union(*(_names(entry) for entry in spec.values()))
    return set().union(*(_names(entry) for entry in spec)) if isinstance(spec, list) else set()


def _needed(names: set[str]) -> list[str]:
    """The runner's modules that define these functions, and those that they import from."""
    here = Path(__file__).parent / "runner"
    texts = {module: (here / f"{module}.py").read_text(encoding="utf-8") for module in RUNNER}
    needed = {"core", "command"} | {module for module, text in texts.items() if any(f"\ndef {name}(" in text for name in names)}
    for module in reversed(RUNNER):
        if module in needed:
            needed |= {other for other in RUNNER if f"from homespun.persist.runner.{other} import" in texts[module]}
    return [module for module in RUNNER if module in needed]


def _joined(modules: list[str]) -> str:
    """The modules as one: imports first and once, imports of each other left out."""
    imports: set[str] = set()
    bodies = []
    here = Path(__file__).parent
    sources: list[tuple[Path, set[str] | None]] = [(here / "runner" / f"{module}.py", None) for module in modules]
    sources[1:1] = list(_shared([path for path, _ in sources]).items())  # after the core, before all that uses them
    for path, names in sources:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            begin = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            piece = "\n".join(lines[begin - 1 : node.end_lineno])
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                kept = [one.name for one in node.names if names is None or (one.asname or one.name) in names]
                if kept and "homespun" not in piece and "__future__" not in piece:
                    imports.add(piece)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                bodies.append("# " + "-" * 117 + "\n# " + str(node.value.value).strip().splitlines()[0])
            elif not piece.startswith("MODEL, ARRAYS") and (names is None or _defines(node) & names):
                bodies.append(piece)
    return (
        "\n".join(sorted(imports, key=lambda line: ("numpy" in line, line.startswith("from"), line))) + "\n\n" + _spaced(bodies)
    )


def _shared(users: list[Path]) -> dict[Path, set[str]]:
    """What `users` import from the rest of homespun, with all that this needs: file → names, a file after those that it needs.

    So the exported file reads columns with the reader's own lines, and bends numbers with the estimator's: they cannot differ.
    """
    package = Path(__file__).parent.parent
    trees: dict[Path, list[ast.stmt]] = {}
    names: dict[Path, set[str]] = {}

    def imported(tree, name: str | None = None):
        for node in tree:
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("homespun.") and not module.startswith("homespun.persist"):
                for one in node.names:
                    if name in (None, one.asname or one.name):
                        yield package.joinpath(*module.split(".")[1:]).with_suffix(".py"), one.name

    def need(path: Path, name: str) -> None:
        if path not in trees:
            trees[path] = ast.parse(path.read_text(encoding="utf-8")).body
        if name in names.get(path, ()):
            return
        for other, its_name in imported(trees[path], name):
            need(other, its_name)
        names.setdefault(path, set()).add(name)
        for node in trees[path]:
            if not isinstance(node, (ast.Import, ast.ImportFrom)) and name in _defines(node):
                for used in {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}:
                    need(path, used)

    for user in users:
        for path, name in imported(ast.parse(user.read_text(encoding="utf-8")).body):
            need(path, name)
    done: dict[Path, set[str]] = {}

    def place(path: Path) -> None:
        for other, _ in imported(trees[path]):
            if other in names and other not in done:
                place(other)
        done.setdefault(path, names[path])

    for path in names:
        place(path)
    return done


def _defines(node) -> set[str]:
    """The names that a statement of a module gives a value: also a loop that fills a table."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = [one for one in ast.walk(node) if isinstance(one, (ast.Name, ast.Subscript)) and isinstance(one.ctx, ast.Store)]
    return {one.id if isinstance(one, ast.Name) else getattr(one.value, "id", "") for one in targets}


def _spaced(bodies: list[str]) -> str:
    text = ""
    for body in bodies:
        block = body.startswith(("def ", "@", "class ", "# ---"))
        text += ("\n\n" if block or text.rstrip().split("\n")[-1].startswith(" ") else "") + body + "\n"
    return text


def _title(model) -> str:
    if type(model).__name__ == "Project":
        return f"{model.target} ({model.task}, {model.best})"
    return type(model).__name__


def _outline(spec, depth: int = 1) -> str:
    """The parts of the model as an indented list."""
    text = f"{'    ' * depth}{spec['run']}\n"
    inner = [
        *spec.get("steps", ()),
        *(part.get("spec", part) for part in spec.get("parts", ()) if isinstance(part, dict)),
        *(spec[name] for name in ("model", "regressor") if isinstance(spec.get(name), dict)),
    ]
    return text + "".join(_outline(one, depth + 1) for one in inner)
