"""Seeds, progress, lazy packages."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

import homespun
from homespun.base.lazy import lazy_names
from homespun.base.progress import progress
from homespun.base.random import generator, seed_from


def test_the_same_seed_gives_the_same_numbers():
    assert generator(3).integers(2**60) == generator(3).integers(2**60) != generator(4).integers(2**60)
    assert seed_from(7) == seed_from(np.int64(7)) == 7


def test_a_generator_is_used_as_it_is_and_advanced():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    assert seed_from(rng) != seed_from(rng)
    old = np.random.RandomState(0)
    assert seed_from(old) != seed_from(old)
    assert seed_from(np.random.RandomState(0)) == seed_from(np.random.RandomState(0))


@pytest.mark.parametrize("state", [None, 0, 2**63 - 1, np.random.default_rng(1), np.random.RandomState(1), np.random])
def test_every_seed_fits_in_63_bits(state):
    seed = seed_from(state)
    assert isinstance(seed, int) and 0 <= seed < 2**63


def test_none_is_fresh_entropy():
    assert seed_from(None) != seed_from(None)


def test_numpys_global_seed_is_honoured():
    np.random.seed(5)  # noqa: NPY002
    first = seed_from(np.random)
    np.random.seed(5)  # noqa: NPY002
    assert seed_from(np.random) == first


# -- progress -----------------------------------------------------------------------------------------------------------

@pytest.fixture(autouse=True)
def progress_is_not_switched_off(monkeypatch):
    monkeypatch.delenv("HOMESPUN_PROGRESS", raising=False)


def test_quick_work_is_silent_and_slow_work_is_not(capsys):
    assert list(progress(range(3), label="quick")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    assert list(progress(range(3), label="slow", delay=0)) == [0, 1, 2]
    assert "slow" in capsys.readouterr().err


def test_it_can_be_switched_off(capsys, monkeypatch):
    list(progress(range(3), label="off", delay=0, show=False))
    monkeypatch.setenv("HOMESPUN_PROGRESS", "0")
    list(progress(range(3), label="off", delay=0))
    assert capsys.readouterr().err == ""


def test_a_bar_by_hand(capsys):
    with progress(total=10, label="bar", delay=0) as bar:
        bar.update(4)
        assert bar.n == 4 and bar.total == 10
    assert "bar" in capsys.readouterr().err


# -- lazy ---------------------------------------------------------------------------------------------------------------

@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "lazy_example"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from homespun.base.lazy import lazy_names\n"
        "__getattr__, __dir__, __all__ = lazy_names(__name__, {'Thing': 'thing', 'tools': 'tools', 'same': 'same'})\n")
    (folder / "thing.py").write_text("class Thing: pass\n")
    (folder / "tools.py").write_text("value = 3\n")
    (folder / "same.py").write_text("def same(): return 'function'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazy_example")
    for name in [name for name in sys.modules if name.startswith("lazy_example")]:
        del sys.modules[name]


def test_a_name_loads_on_first_use(package):
    assert "lazy_example.thing" not in sys.modules
    assert package.Thing.__name__ == "Thing" and package.Thing is package.Thing
    assert "lazy_example.thing" in sys.modules and "lazy_example.tools" not in sys.modules


def test_a_module_or_what_it_defines(package):
    assert package.tools.value == 3
    assert package.same() == "function"


def test_all_and_dir(package):
    assert package.__all__ == dir(package) == ["Thing", "same", "tools"]


def test_an_unknown_name_suggests_a_near_one(package):
    with pytest.raises(AttributeError, match=r"'lazy_example' has no attribute 'Thin'; did you mean 'Thing'\?"):
        package.Thin  # noqa: B018
    assert not hasattr(package, "nothing_like_it")


def test_absolute_homes():
    get, _, names = lazy_names("homespun.base", {"load_errors": "homespun.errors"})
    assert names == ["load_errors"]
    with pytest.raises(AttributeError):
        get("load_errors")  # the module is there, the name in it is not


def test_every_public_name_of_the_house_loads():
    for name in homespun.__all__:
        assert getattr(homespun, name) is not None


def test_importing_homespun_loads_nothing_heavy():
    code = "import sys, homespun; print([m for m in ('numba', 'sklearn', 'scipy', 'pandas', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_public_name_is_hidden_by_its_own_submodule():
    """`from package import name` must give the same whether or not somebody has imported the submodule by its path.

    Only lazy packages are in danger: one that imports its parts at once has bound its names before anybody else can.
    """
    import contextlib
    import pkgutil
    import types

    from homespun.testing.discovery import import_all

    import_all()
    packages = [name for _, name, is_package in pkgutil.walk_packages(homespun.__path__, "homespun.") if is_package]
    lazy = [name for name in packages if hasattr(sys.modules.get(name), "__getattr__")]
    assert len(lazy) >= 10
    modules = []
    for name, one in ((package, one) for package in lazy for one in sys.modules[package].__all__):
        with contextlib.suppress(ModuleNotFoundError):  # it needs an extra that is not installed
            if isinstance(getattr(sys.modules[name], one), types.ModuleType):
                modules.append(f"{name}.{one}")
    assert [name for name in modules if not (sys.modules[name].__file__ or "").endswith("__init__.py")] == []
