"""The lower bounds of pyproject.toml as exact versions, for a place of their own (`make test-oldest`).

    python tests/oldest.py table test > constraints.txt      core dependencies and those of the named extras
"""

import re
import sys
import tomllib
from pathlib import Path

EXTRAS = set(sys.argv[1:])


def requirements(project):
    """Every requirement of the core and of the chosen extras."""
    yield from project["dependencies"]
    for extra, wanted in project["optional-dependencies"].items():
        if extra in EXTRAS:
            yield from wanted


for text in requirements(tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]):
    bound = re.fullmatch(r"([\w.-]+)>=([\w.]+)", text)
    if bound:
        print(f"{bound[1]}=={bound[2]}")
