"""`prove` finds an oracle whose module nobody has imported yet."""

import subprocess
import sys


def test_prove_in_a_fresh_process():
    code = "import homespun as hs; print(hs.prove('euclidean_nearest').equal)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "True", done.stderr
