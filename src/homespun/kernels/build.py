"""Compile every kernel ahead of time: ``python -m homespun.kernels.build`` fills the cache that travels in the wheel.

For each instruction-set level (x86-64-v3 and x86-64-v4 on x86; on other processors the host's) a process of its own
compiles every pinned signature, because the level is fixed when Numba is imported. `build_all` is `homespun warmup`: it
compiles for this machine only, into the user's cache.
"""

from __future__ import annotations

import argparse
import os
import platform
import selectors
import subprocess
import sys
import time
from typing import Any

LEVELS = ("x86-64-v4", "x86-64-v3") if platform.machine() in ("x86_64", "AMD64") else ()

DOORS = ("cli", "serve")  # no kernels live there, and their imports need extras


def pinned() -> list[tuple[str, Any, str]]:
    """(name, kernel, signature) of everything that is compiled ahead: all pinned signatures of all kernels."""
    import importlib
    import pkgutil

    import homespun
    from homespun.kernels import KERNELS

    for module in pkgutil.walk_packages(homespun.__path__, "homespun."):
        if module.name.split(".")[1] not in DOORS and ".runner" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [(name, one, signature) for name, one in sorted(KERNELS.items()) for signature in one.signatures_pinned]


def build_all(*, show: bool | None = None) -> float:
    """Compile (or load) every pinned signature for this machine; returns the seconds it took.

    What is missing goes into the user's cache. `homespun warmup` calls it, once after an installation from source.
    """
    return build(dict(os.environ), show=show)


def build_level(level: str, *, show: bool | None = None) -> float:
    """Compile for `level` into the package's own cache; returns the seconds it took."""
    environment = dict(os.environ, HOMESPUN_BUILD_KERNELS="1",
                       NUMBA_DISABLE_INTEL_SVML="1")  # a library that few have; code that calls it would find no caller elsewhere
    if level != "host":
        environment |= {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": ""}
    return build(environment, show=show, label=f"kernels for {level}")


def build(environment: dict[str, str], *, show: bool | None = None, label: str = "kernels") -> float:
    """One fresh process a core compiles its share: the level is fixed when Numba is imported, and compiling holds a lock."""
    from homespun.base import progress

    start = time.perf_counter()
    workers = os.cpu_count() or 1
    running = [
        subprocess.Popen([sys.executable, "-m", "homespun.kernels.build", "--share", str(worker), str(workers)],
                         env=environment, stdout=subprocess.PIPE, text=True)
        for worker in range(workers)
    ]
    bar = progress(total=0, label=label, delay=0.0, show=show)
    try:
        with selectors.DefaultSelector() as ready:
            for process in running:
                assert process.stdout is not None
                ready.register(process.stdout, selectors.EVENT_READ, process.stdout)
            while ready.get_map():
                for key, _ in ready.select():
                    line = key.data.readline()
                    if not line:
                        ready.unregister(key.fileobj)
                    elif line.startswith("of "):
                        bar.total = int(line.split()[1])
                    else:
                        bar.set_postfix_str(line.split()[0].rpartition(".")[2], refresh=False)
                        bar.update()
        failed = [process for process in running if process.wait()]
        if failed:
            raise RuntimeError(f"compiling kernels ended with code {failed[0].returncode}; the messages above say why")
    finally:
        bar.close()
        for process in running:
            process.kill()
            process.wait()
    return time.perf_counter() - start


def serves() -> str:
    """Whom the entries that are compiled here serve, in words: what is in their key (`cache.py`)."""
    from importlib.metadata import version

    python = f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"
    numpy = ".".join(version("numpy").split(".")[:2])
    return (f"These kernels serve {python} on {platform.system()} {platform.machine()} with numba {version('numba')}, "
            f"llvmlite {version('llvmlite')} and NumPy {numpy}. The wheel is for any Python and platform (py3-none-any): "
            "elsewhere kernels compile on first use, or all at once by `homespun warmup`.")


def compile_share(worker: int, workers: int) -> None:
    """Compile every `workers`-th kernel, largest first so that the shares end together; say on stdout what is done."""
    jobs = sorted(pinned(), key=lambda job: (-len(job[1].py_func.__code__.co_code), job[0], job[2]))
    print("of", len(jobs), flush=True)
    for name, one, signature in jobs[worker::workers]:
        one.compile(signature)
        print(name, flush=True)


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
    parser.add_argument("--share", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.share:
        compile_share(*options.share)
        return
    levels = LEVELS if options.all and LEVELS else options.levels or [host_level() if host_level() in LEVELS else "host"]
    start = time.perf_counter()
    for level in levels:
        if level not in (*LEVELS, "host"):
            parser.error(f"{level} is not one of {', '.join((*LEVELS, 'host'))}")
        build_level(level, show=True)
    print(f"kernels ready after {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if options.all:
        print(serves(), file=sys.stderr)


if __name__ == "__main__":
    main()
