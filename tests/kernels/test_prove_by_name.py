"""`prove` finds an oracle whose module nobody has imported yet."""

import subprocess
import sys

import numpy as np
import pytest

from homespun.errors import ParameterError
from homespun.kernels.oracle import prove


def test_prove_in_a_fresh_process():
    code = "import homespun as hs; print(hs.prove('euclidean_nearest').equal)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "True", done.stderr


def test_wrong_arguments_are_worded():
    """A mistake of the caller is no difference between formula and kernel, and no traceback out of either."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(ParameterError, match="k must be between 1 and the 50 rows of X, got 300"):
        prove("euclidean_nearest", X, X, 300)
    with pytest.raises(ParameterError, match=r"takes \(X, Q, k\), got \(\(50, 3\), \(50, 3\)\)"):
        prove("euclidean_nearest", X, X)
    with pytest.raises(ParameterError, match="asked for by its name"):
        prove(X)
    assert prove("euclidean_nearest", X.tolist(), X.tolist(), 2).equal
