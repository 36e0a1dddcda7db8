"""Packages whose names load on first use, so that ``import homespun`` costs what ``import numpy`` costs."""

from __future__ import annotations

import importlib
from collections.abc import Callable


def lazy_names(package: str, names: dict[str, str]) -> tuple[Callable, Callable, list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package whose `names` live in the given submodules.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    names : dict
        Public name → submodule that defines it, relative to the package (``{"Ridge": "ridge"}``), or absolute with a
        leading package name (``{"load": "homespun.persist"}``). A name that equals its submodule is the module itself,
        if that defines no such name (avoid it: importing the submodule by its path puts it in the name's place).

    Examples
    --------
    ``__getattr__, __dir__, __all__ = lazy_names(__name__, {"Ridge": "ridge"})``
    """

    def __getattr__(name: str):
        if name not in names:
            from homespun.base.errors import did_you_mean

            hint = did_you_mean(name, names)
            raise AttributeError(f"module {package!r} has no attribute {name!r}" + (f"; {hint}" if hint else ""))
        home = names[name]
        module = importlib.import_module(home if home.startswith("homespun.") else f"{package}.{home}")
        is_module = home.rpartition(".")[2] == name and not hasattr(module, name)
        value = module if is_module else getattr(module, name)
        import sys

        setattr(sys.modules[package], name, value)
        return value

    def __dir__():
        return sorted(names)

    return __getattr__, __dir__, sorted(names)
