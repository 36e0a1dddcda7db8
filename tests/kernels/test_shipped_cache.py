"""The cache that travels with the package: a read-only installation without a home directory finds every kernel in it."""

import os
import platform
import subprocess
import sys

import llvmlite
import numba
import numpy as np
import pytest
from numba.core import config

from homespun.kernels import build
from homespun.kernels.build import pinned, serves
from homespun.kernels.cache import SHIPPED, _environment, level

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="about compiled code")


def built() -> bool:
    """Whether every kernel of the package is in its cache; other tests make kernels of their own, which never are."""
    ours = [(one, signature) for _, one, signature in pinned() if one.py_func.__module__.startswith("homespun.")]
    return all((SHIPPED / one._cache.entry(signature, level())).is_file() for one, signature in ours)


CODE = """
import numpy as np
import homespun as hs
from homespun.kernels import KERNELS
X = np.random.default_rng(0).normal(size=(60, 4))
y = X[:, 0] > 0
for model in (hs.linear_model.LogisticRegression(), hs.neighbors.KNeighborsClassifier(), hs.tree.DecisionTreeClassifier(),
              hs.linear_model.Lasso(alpha=0.1), hs.ensemble.RandomForestClassifier(n_estimators=3),
              hs.ensemble.HistGradientBoostingClassifier(max_iter=3)):
    model.fit(X, y.astype(float) if hasattr(model, "dual_gap_") or "Lasso" in str(model) else y).predict(X)
used = [k for k in KERNELS.values() if k.overloads]
compiled = [name for name, k in KERNELS.items() if sum(k._cache_misses.values())]
print(len(used) > 5, compiled)
"""


@pytest.mark.skipif(bool(config.BOUNDSCHECK), reason="the shipped cache holds no kernels that check every index")
def test_no_kernel_is_compiled_where_nothing_can_be_written(tmp_path):
    if not built():
        pytest.skip(f"the package's cache lacks kernels for {level()}: `python -m homespun.kernels.build {level()}` fills it")
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(nowhere), "HOMESPUN_CACHE_DIR": str(nowhere)}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, env=environment)
    assert done.stdout.split("\n")[0] == "True []", done.stdout + done.stderr


def test_a_wheel_is_told_whom_its_kernels_serve(capsys, monkeypatch):
    """Nothing in the name of a wheel says it: py3-none-any is right of the Python files, and of no machine code."""
    monkeypatch.setattr(build, "build_level", lambda level, show: 0.0)
    monkeypatch.setattr(sys, "argv", ["build", "--all"])
    build.main()
    told = capsys.readouterr().err
    minor = np.__version__.rpartition(".")[0]
    for part in (platform.system(), platform.machine(), numba.__version__, llvmlite.__version__, minor):
        assert repr(part) in _environment() and part in told, f"{part} decides whether an entry is found"
    assert serves() in told and f"{sys.version_info.major}.{sys.version_info.minor} on" in told and "homespun warmup" in told
    monkeypatch.setattr(sys, "argv", ["build"])
    build.main()
    assert serves() not in capsys.readouterr().err
