"""A kernel in code that `exec` runs has no module that a later process could import: it is compiled again, not refused."""

import os
import subprocess
import sys

CODE = '''
text = """
from homespun.kernels import kernel
@kernel("i8(i8)")
def twice(x):
    return 2 * x
print(twice(21))
"""
exec(compile(text, "nowhere", "exec"), {"__name__": "a module that is nowhere"})
'''


def test_second_process_finds_an_entry_it_cannot_load(tmp_path):
    tmp_path.chmod(0o700)
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "HOMESPUN_CACHE_DIR": str(tmp_path)})
        assert done.stdout.strip() == "42", done.stderr
