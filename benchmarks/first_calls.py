"""What the first call costs: `fit` of every estimator in a fresh process, without any cached kernel and with them.

    python -m benchmarks.first_calls NAME [--no-shipped]     prints the seconds of a first `fit` and of a first answer
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
import warnings

from benchmarks import machine
from benchmarks.jobs import THREADS

GOAL_CACHED, GOAL_COMPILED, GOAL_COMPILED_TREES = 0.3, 2.0, 4.0  # seconds
TREES = ("HistGradientBoosting", "RandomForest")  # the goal with the longer time is theirs
LAZY = ("KNeighbors", "NearestNeighbors")  # their `fit` only stores: the first answer belongs to their first call


def measure(name: str, isa: str = "native") -> dict:
    """Seconds of the first `fit` of `name`: without any cache ("compiled_seconds"), and shipped or warm ("cached_seconds").

    "…_answer_seconds" is the first `predict`, `transform` or `kneighbors` after it.
    """
    with tempfile.TemporaryDirectory(prefix="homespun-first-") as cache:
        os.chmod(cache, 0o700)
        environment = machine.environment(isa, THREADS) | {"HOMESPUN_CACHE_DIR": cache}
        compiled = _seconds(name, environment, "--no-shipped")
        cached = _seconds(name, environment)
    return {"estimator": name, "isa": isa, "compiled_seconds": compiled[0], "cached_seconds": cached[0],
            "compiled_answer_seconds": compiled[1], "cached_answer_seconds": cached[1]}


def goal_compiled(name: str) -> float:
    return GOAL_COMPILED_TREES if name.startswith(TREES) else GOAL_COMPILED


def _seconds(name, environment, *options) -> list[float]:
    machine.wait_until_idle(5)
    done = subprocess.run([sys.executable, "-m", "benchmarks.first_calls", name, *options], env=environment, text=True,
                          capture_output=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"first call of {name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def example(cls):
    """A little data that the estimator takes: numbers, or dates and flags where it works on those."""
    import numpy as np
    from sklearn.base import is_classifier

    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(300, 6)), 1) + 2
    if cls.__name__ == "DateParts":
        X = np.array([[f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"] for i in range(300)], dtype=object)
    elif cls.__name__ == "FlagEncoder":
        X = np.array([["yes" if i % 3 else "no"] for i in range(300)], dtype=object)
    y = (rng.normal(size=300) + (X[:, 0] > 2 if X.dtype.kind == "f" else 0) > 0.5).astype(int)
    return X, y if is_classifier(cls()) else y + rng.normal(size=300)


def find(name: str) -> type:
    """The public estimator called `name`; nothing else is imported, so that its own first call is what is measured."""
    import homespun

    for info in pkgutil.iter_modules(homespun.__path__, "homespun."):
        if info.ispkg:
            package = importlib.import_module(info.name)
            if name in getattr(package, "__all__", ()):
                return getattr(package, name)
    raise LookupError(f"no package of homespun lists {name}")


def main(arguments) -> None:
    name, *options = arguments
    warnings.simplefilter("ignore")
    machine.pin(THREADS)
    from pathlib import Path

    from homespun.kernels import cache

    if "--no-shipped" in options:
        cache.SHIPPED = Path(os.environ["HOMESPUN_CACHE_DIR"]) / "nothing"
    cls = find(name)
    X, y = example(cls)
    model = cls()
    ask = next((getattr(model, method) for method in ("predict", "transform", "kneighbors") if hasattr(model, method)), None)
    times = [time.perf_counter()]
    model.fit(X, y)
    times.append(time.perf_counter())
    if ask is not None:
        ask(X)
    times.append(time.perf_counter())
    fit, answer = times[1] - times[0], times[2] - times[1]
    print(json.dumps([round(fit + answer if name.startswith(LAZY) else fit, 4), round(answer, 4)]))


def imports(module: str, isa: str) -> tuple[float, float, float]:
    """Seconds of ``import module`` in a fresh process, its peak memory, and that of the bare interpreter (MB)."""
    code = ("import time; from benchmarks.machine import resident_mb\nbefore = resident_mb('VmHWM')\n"
            f"start = time.perf_counter()\nimport {module}\nprint(time.perf_counter() - start, resident_mb('VmHWM'), before)")
    done = subprocess.run([sys.executable, "-c", code], env=machine.environment(isa, THREADS), text=True,
                          capture_output=True, check=True)
    seconds, peak, before = map(float, done.stdout.split())
    return seconds, peak, before


if __name__ == "__main__":
    main(sys.argv[1:])
