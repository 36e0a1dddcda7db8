"""Compile every kernel ahead of time: ``python -m homespun.kernels.build`` fills the cache that travels in the wheel.

For each instruction-set level (x86-64-v3 and x86-64-v4 on x86; on other processors the host's) a process of its own
compiles every pinned signature, because the level is fixed when Numba is imported. `build_all` is `homespun warmup`: it
compiles for this machine only, into the user's cache.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from typing import Any

LEVELS = ("x86-64-v4", "x86-64-v3") if platform.machine() in ("x86_64", "AMD64") else ()


def pinned() -> list[tuple[str, Any, str]]:
    """(name, kernel, signature) of everything that is compiled ahead: all pinned signatures of all kernels."""
    import importlib
    import pkgutil

    import homespun
    from homespun.kernels import KERNELS

    for module in pkgutil.walk_packages(homespun.__path__, "homespun."):
        if ".runner" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [(name, one, signature) for name, one in sorted(KERNELS.items()) for signature in one.signatures_pinned]


def build_all(*, show: bool | None = None) -> float:
    """Compile (or load) every pinned signature for this machine; returns the seconds it took.

    Examples
    --------
    ``homespun warmup`` calls it once after an installation from source.
    """
    from homespun.base import progress

    start = time.perf_counter()
    for name, one, signature in (bar := progress(pinned(), label="compiling kernels", delay=0.0, show=show)):
        bar.set_postfix_str(name.rpartition(".")[2])
        one.compile(signature)
    return time.perf_counter() - start


def build_level(level: str) -> None:
    """Compile for `level` into the package's own cache, in a fresh process."""
    environment = dict(os.environ, HOMESPUN_BUILD_KERNELS="1")
    if level != "host":
        environment |= {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": ""}
    print(f"homespun kernels for {level}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-c", "from homespun.kernels.build import build_all; build_all(show=True)"],
                   env=environment, check=True)


def remove_unused() -> int:
    """Delete entries of the package's cache that no kernel of today would find (they were made from older sources)."""
    from homespun.kernels.cache import SHIPPED, KernelCache

    wanted = set()
    for _, one, signature in pinned():
        cache: KernelCache = one._cache
        wanted |= {cache.entry(signature, level) for level in LEVELS} | {path.name for path in cache.places(signature)}
    removed = [path for path in SHIPPED.glob("*") if path.name not in wanted] if SHIPPED.is_dir() else []
    for path in removed:
        path.unlink()
    return len(removed)


def main() -> None:
    """Command line: build for the named levels, or for those this machine can run."""
    from homespun.kernels.cache import level as host_level

    parser = argparse.ArgumentParser(prog="python -m homespun.kernels.build", description=__doc__.splitlines()[0])
    parser.add_argument("levels", nargs="*", help=f"any of {', '.join(LEVELS) or 'host'}; default: this machine's",
                        default=None)
    parser.add_argument("--all", action="store_true", help="every level (for a wheel)")
    options = parser.parse_args()
    levels = LEVELS if options.all and LEVELS else options.levels or [host_level() if host_level() in LEVELS else "host"]
    start = time.perf_counter()
    for level in levels:
        if level not in (*LEVELS, "host"):
            parser.error(f"{level} is not one of {', '.join((*LEVELS, 'host'))}")
        build_level(level)
    print(f"kernels ready after {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
