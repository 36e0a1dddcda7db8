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
LAZY = ("KNeighbors", "NearestNeighbors", "RadiusNeighbors")  # `fit` only stores: the first answer belongs to the first call


def measure(name: str, isa: str = "native") -> dict:
    """Seconds of the first `fit` of `name`: without any cache ("compiled_seconds"), and shipped or warm ("cached_seconds").

    "…_answer_seconds" is the first `predict`, `transform` or `kneighbors` after it; "kernels" is how many compiled functions
    both ran, without those that only other kernels call. With 0 the seconds say nothing about kernels, and the table says so.
    """
    with tempfile.TemporaryDirectory(prefix="homespun-first-") as cache:
        os.chmod(cache, 0o700)
        environment = machine.environment(isa, THREADS) | {"HOMESPUN_CACHE_DIR": cache}
        compiled = _seconds(name, environment, "--no-shipped")
        cached = _seconds(name, environment)
    return {"estimator": name, "isa": isa, "compiled_seconds": compiled[0], "cached_seconds": cached[0],
            "compiled_answer_seconds": compiled[1], "cached_answer_seconds": cached[1], "kernels": compiled[2],
            "data": compiled[3]}


def goal_compiled(name: str) -> float:
    return GOAL_COMPILED_TREES if name.startswith(TREES) else GOAL_COMPILED


def _seconds(name, environment, *options) -> list:
    machine.wait_until_idle(5)
    done = subprocess.run([sys.executable, "-m", "benchmarks.first_calls", name, *options], env=environment, text=True,
                          capture_output=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"first call of {name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def example(cls):
    """(X, y, its name) on which the estimator's kernels really run: numbers, or what it works on instead of them.

    Lasso on six columns is done before a kernel is needed, and least squares have kernels for sparse data only; so there are
    500 rows, 40 columns that depend on each other, and sparse ones where the table would otherwise show no kernel. Boosting
    has parallel kernels, which take longest to compile and are for many rows: it gets 70,000, and 10 rounds (see `made`).
    """
    import numpy as np
    import scipy.sparse as sp
    from sklearn.base import is_classifier

    rng = np.random.default_rng(0)
    n, d, name = 500, 40, cls.__name__
    if name.startswith("HistGradient"):
        n, d = 70_000, 20
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d))) + 2
    signal = X[:, 0] + np.abs(X[:, 1]) - X[:, 2] + rng.normal(size=n)
    labels = (signal > np.median(signal)).astype(int)
    y = labels if is_classifier(made(cls)) or name.startswith(("Select", "Generic")) else signal
    words = np.array(["red", "green", "blue", "old", "new", "car", "van", "fast", "slow", "cheap"])
    if name == "DateParts":
        return np.array([[f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"] for i in range(n)], dtype=object), y, "dates"
    if name == "FlagEncoder":
        return np.array([["yes" if i % 3 else "no"] for i in range(n)], dtype=object), y, "flags"
    if "Vectorizer" in name or name == "DropFreeText":
        texts = [" ".join(row) for row in words[rng.integers(0, 10, (n, 12))]]
        return (np.array(texts, dtype=object)[:, None] if name == "DropFreeText" else texts), y, "texts"
    if name in ("LabelBinarizer", "LabelEncoder"):
        return words[rng.integers(0, 10, n)], None, "labels"
    if name in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "RareLevelEncoder"):
        return words[rng.integers(0, 10, (n, 3))].astype(object), y, "categories"
    if name == "TfidfTransformer":
        return sp.random(n, 500, 0.02, "csr", random_state=0), y, "sparse, 500 x 500"
    if name in ("Ridge", "LinearRegression"):
        return sp.random(n, 500, 0.02, "csr", random_state=0), signal, "sparse, 500 x 500"
    if "Imputer" in name or "Missing" in name or name.startswith("HistGradient"):
        X[rng.random(X.shape) < 0.1] = np.nan
        return X, y, f"{n:,} x {d} with missing values" + (", 10 rounds" if name.startswith("HistGradient") else "")
    if name in ("MultinomialNB", "ComplementNB", "BernoulliNB", "CategoricalNB"):
        return np.abs(X).round(), y, "counts, 500 x 40"
    if name == "LogTarget" or name == "NotNegative":
        y = np.exp(signal / 4)
    return X, y, "500 x 40"


def made(cls):
    """The estimator as it comes, boosting with 10 rounds; one that wraps another gets a model without kernels on dense data."""
    import inspect

    from homespun.linear_model import LinearRegression

    needs = [name for name, given in inspect.signature(cls).parameters.items()
             if given.default is inspect.Parameter.empty and given.kind is not inspect.Parameter.VAR_KEYWORD]
    return cls(*[LinearRegression() for _ in needs], **({"max_iter": 10} if cls.__name__.startswith("HistGradient") else {}))


def find(name: str) -> type:
    """The public estimator called `name`; nothing else is imported, so that its own first call is what is measured."""
    import homespun

    packages = [homespun]
    while packages:
        within = packages.pop(0)
        for info in pkgutil.iter_modules(within.__path__, within.__name__ + "."):
            if info.ispkg:
                packages.append(importlib.import_module(info.name))
                if name in getattr(packages[-1], "__all__", ()):
                    return getattr(packages[-1], name)
    raise LookupError(f"no package of homespun lists {name}")


def main(arguments) -> None:
    name, *options = arguments
    warnings.simplefilter("ignore")
    machine.pin(THREADS)
    from pathlib import Path

    from homespun.kernels import KERNELS, cache

    if "--no-shipped" in options:
        cache.SHIPPED = Path(os.environ["HOMESPUN_CACHE_DIR"]) / "nothing"
    cls = find(name)
    X, y, data = example(cls)
    model = made(cls)
    ask = next((getattr(model, method) for method in ("predict", "transform", "kneighbors") if hasattr(model, method)), None)
    times = [time.perf_counter()]
    model.fit(X) if y is None else model.fit(X, y)
    times.append(time.perf_counter())
    if ask is not None:
        ask(X)
    times.append(time.perf_counter())
    fit, answer = times[1] - times[0], times[2] - times[1]
    kernels = sum(bool(kernel.signatures_pinned and kernel.overloads) for kernel in KERNELS.values())
    print(json.dumps([round(fit + answer if name.startswith(LAZY) else fit, 4), round(answer, 4), kernels, data]))


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
