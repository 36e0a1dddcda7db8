"""Ours in the place of theirs: who asks `sklearn.linear_model` for `Ridge` gets `homespun.linear_model.Ridge`.

The pairs are discovered: a class of ours and a class of scikit-learn with the same name in packages of the same name. The
module objects of scikit-learn get a class of their own, whose attribute look-up sees who is asking: scripts and tests get
ours, scikit-learn's and our own internals get the true class, and so do installed libraries, which may build on its
private parts. An import hook does the same for modules that are imported later, so nothing is imported before it is used.

Where the true class allows it (an abstract base class), ours is registered with it: ``isinstance(ours, true)`` holds. Of
the packages in `FUNCTIONS` functions are paired, too. Not handled: names from private modules
(``sklearn.linear_model._ridge``), other functions.
"""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import sys
import sysconfig
from abc import ABCMeta
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import homespun

# "sklearn.module.Name" → why the true class stays. A pair is only left out with a reason.
EXCLUDED: dict[str, str] = {}

FUNCTIONS = {"metrics", "metrics.cluster", "calibration"}  # packages in which functions have pairs, not only classes

_on_use: list[Callable[[type, type], None]] = []  # called once with (ours, true) when a class of ours is first handed out


@functools.cache
def pairs() -> dict[tuple[str, str], str]:
    """(scikit-learn module, name of a class or function) → our module. From names alone: nothing of scikit-learn's is imported
    but its list."""
    import sklearn

    return dict(_pairs_below("", list(homespun.__path__), Path(sklearn.__path__[0])))


def _pairs_below(parent: str, ours: list[str], theirs: Path):
    """The pairs of the packages in the folders `ours` that scikit-learn's folder `theirs` knows, and of those inside them."""
    for package in pkgutil.iter_modules(ours):
        files = theirs / package.name / "__init__.py", theirs / f"{package.name}.py"
        file = next((path for path in files if path.is_file()), None)
        if file is None or not package.ispkg:
            continue
        path = f"{parent}{package.name}"
        home = importlib.import_module(f"homespun.{path}")
        known = _public_names(file)
        for name in home.__all__:
            if name not in known or f"sklearn.{path}.{name}" in EXCLUDED or (theirs / package.name / name).is_dir():
                continue
            if name[:1].isupper() or path in FUNCTIONS:
                yield (f"sklearn.{path}", name), home.__name__
        yield from _pairs_below(f"{path}.", list(home.__path__), theirs / package.name)


def _public_names(file: Path) -> set[str]:
    """What a module lists in ``__all__``, read from its text: importing all of scikit-learn would take a second.

    What it imports for type checkers only belongs to it, too: those are the classes that `sklearn.experimental` adds.
    """
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.Assign, ast.AugAssign)) and isinstance(node.value, (ast.List, ast.Tuple)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                names |= {str(item.value) for item in node.value.elts if isinstance(item, ast.Constant)}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            names |= {item.name for line in node.body if isinstance(line, ast.ImportFrom) for item in line.names}
        elif isinstance(node, ast.ClassDef) and file.name != "__init__.py":  # a module without a list: what it defines
            names.add(node.name)
    return names


def install(on_use: Callable[[type, type], None] | None = None) -> None:
    """Put ours in the place of theirs, for modules imported already and later. `on_use` is called once per class used."""
    _finder.modules = {module for module, _ in pairs()}  # before it is asked: to find them is to import scikit-learn
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if on_use is not None:
        _on_use.append(on_use)
    for module in _finder.modules:
        if module in sys.modules:
            sys.modules[module].__class__ = _Replaced


def uninstall() -> None:
    """Undo `install`. What a script has imported already stays as it is."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for module in _finder.modules:
        if isinstance(sys.modules.get(module), _Replaced):
            sys.modules[module].__class__ = ModuleType
    _on_use.clear()
    _ours.cache_clear()


class _Replaced(ModuleType):
    """A scikit-learn package that hands out our classes to those who should have them."""

    def __getattribute__(self, name):
        module = ModuleType.__getattribute__(self, "__name__")
        home = pairs().get((module, name))
        if home is not None and _wants_ours(sys._getframe(1).f_globals):
            return _ours(module, name, home)
        return ModuleType.__getattribute__(self, name)


@functools.cache
def _ours(module: str, name: str, home: str) -> Any:
    ours = getattr(importlib.import_module(home), name)
    true = ModuleType.__getattribute__(sys.modules[module], name)
    if isinstance(true, ABCMeta):
        true.register(ours)
    for called in _on_use if isinstance(ours, type) else ():
        called(ours, true)
    return ours


def _wants_ours(asking: dict) -> bool:
    """Whether the module with these globals is a user's: a script, a notebook, a test of scikit-learn's."""
    name = asking.get("__name__") or ""
    parts = name.split(".")
    if parts[0] == "sklearn":
        return "tests" in parts
    return parts[0] != "homespun" and not _installed(asking.get("__file__"))


@functools.cache
def _installed(file: str | None) -> bool:
    if not file:  # a notebook, python -c, built-in code
        return False
    keys = ("stdlib", "platstdlib", "purelib", "platlib")
    places = {Path(sysconfig.get_paths()[key]).resolve() for key in keys}
    return any(Path(file).resolve().is_relative_to(place) for place in places)


class _Finder:
    """Import hook: finds as usual, and gives the module its `_Replaced` class once it has run."""

    modules: set[str] = set()

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                return _with(spec)
        return None


def _with(spec):
    run = spec.loader.exec_module

    def exec_module(module):
        run(module)
        module.__class__ = _Replaced

    spec.loader.exec_module = exec_module
    return spec


_finder = _Finder()
