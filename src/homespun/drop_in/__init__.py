"""The door for scikit-learn code: unchanged scripts and tests run on our classes where we have them.

    python -m homespun.drop_in script.py            the script runs, and a table says what became faster
    pytest -p homespun.drop_in --pyargs sklearn.…   scikit-learn's own tests meet our classes

`replace` finds the pairs and puts ours in the place of theirs, `record` counts, times and compares calls, `table` words
the result. Importing this package changes nothing; `install` does.
"""

from __future__ import annotations

from homespun.base.lazy import lazy_names

__getattr__, _, __all__ = lazy_names(  # the default __dir__: pytest finds its hooks by it
    __name__,
    {"install": "replace", "uninstall": "replace", "pairs": "replace", "EXCLUDED": "replace", "run": "__main__"},
)


# As a pytest plugin: configured before any test module is imported.


def pytest_configure(config):
    from homespun.drop_in.replace import install

    install()


def pytest_unconfigure(config):
    from homespun.drop_in.replace import uninstall

    uninstall()


def pytest_report_header(config):
    from homespun.drop_in.replace import EXCLUDED, pairs

    names = sorted(f"{module.removeprefix('sklearn.')}.{name}" for module, name in pairs())
    lines = [f"homespun.drop_in: ours in the place of {len(names)} classes: {', '.join(names)}"]
    return lines + [f"homespun.drop_in: {name} stays scikit-learn's: {why}" for name, why in EXCLUDED.items()]
