"""Unchanged scikit-learn scripts and tests on our classes: who gets which class, what is counted, what is compared."""

import importlib
import os
import pkgutil
import subprocess
import sys
import warnings

import numpy as np
import pytest

from homespun.drop_in.busy import Meter
from homespun.drop_in.record import Recorder, Tally
from homespun.drop_in.replace import EXCLUDED, FUNCTIONS, install, pairs, uninstall
from homespun.drop_in.table import table

SCRIPT = """
import sys
import numpy as np
import sklearn.linear_model
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.ensemble import StackingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.linear_model._ridge import Ridge as TrueRidge

np.random.seed(0)
X = np.random.normal(size=(200, 4))
y = X @ [1.0, 2.0, 3.0, 4.0] + np.random.normal(size=200)
model = make_pipeline(Ridge()).fit(X, y)
print(type(model[-1]).__module__, model.score(X, y) > 0.9)
print(isinstance(model[-1], sklearn.linear_model.Ridge), isinstance(model[-1], TrueRidge))
print(type(StackingRegressor([("ridge", Ridge())]).fit(X, y).final_estimator_).__module__)
print(GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3).fit(X, y).best_estimator_.__module__)
print("next random number", np.random.random())
print("arguments", sys.argv[1:])
"""


def run(tmp_path, script, *arguments, options=()):
    path = tmp_path / "script.py"
    path.write_text(script)
    command = [sys.executable, "-m", "homespun.drop_in", *options, str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_an_unchanged_script_runs_on_ours_and_a_table_says_what_became_faster(tmp_path):
    done = run(tmp_path, SCRIPT, "--flag", "7")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "homespun.linear_model.ridge True"
    assert lines[1] == "True True"  # the true class accepts ours as an instance
    assert lines[2].startswith("sklearn.")  # scikit-learn's own default stays its own
    assert lines[3].startswith("homespun.")
    assert lines[-1] == "arguments ['--flag', '7']"
    head, columns, ridge = done.stderr.splitlines()[:3]
    assert "1 scikit-learn class" in head  # LinearRegression was imported, not used
    assert columns.split("  ")[-1] == "score difference" and "faster" in columns
    cells = ridge.split()
    assert cells[0] == "linear_model.Ridge" and int(cells[1]) == 1 + 6 + 7 and cells[6].endswith("×")
    assert abs(float(cells[-1])) < 1e-6


def test_without_comparing_the_script_sees_the_same_numbers(tmp_path):
    alone, both = run(tmp_path, SCRIPT, options=["--no-compare"]), run(tmp_path, SCRIPT, options=["--compare"])
    assert alone.stdout == both.stdout and "next random number" in alone.stdout
    assert "faster" not in alone.stderr and "linear_model.Ridge" in alone.stderr


def test_errors_and_exit_codes_pass_through(tmp_path):
    done = run(tmp_path, "from sklearn.linear_model import Ridge\nRidge().fit([[1.0], [2.0]], [1, 2])\nraise KeyError('x')\n")
    assert done.returncode == 1 and "KeyError: 'x'" in done.stderr and "linear_model.Ridge" in done.stderr
    assert run(tmp_path, "import sys; sys.exit(3)").returncode == 3
    done = subprocess.run([sys.executable, "-m", "homespun.drop_in", "nowhere.py"], capture_output=True, text=True)
    assert done.returncode == 1 and "there is no file 'nowhere.py'" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("text, last", [
    ("x = 1\nif x\n    pass\n", "SyntaxError: expected ':'"),
    ("def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero"),
    ("import nowhere_to_be_found\n", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    ("try:\n    [][0]\nexcept IndexError as error:\n    raise RuntimeError('so') from error\n", "RuntimeError: so"),
    ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
])
def test_a_script_that_fails_shows_its_own_frames_as_python_would(tmp_path, text, last):
    done = run(tmp_path, text)
    shown = done.stderr[done.stderr.rindex("no scikit-learn class"):].partition("\n")[2]
    (tmp_path / "script.py").write_text(text)
    alone = subprocess.run([sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True)
    assert shown == alone.stderr and shown.rstrip().splitlines()[-1] == last
    assert done.returncode == (130 if last == "KeyboardInterrupt" else 1)
    assert "homespun" not in shown and "runpy" not in shown


def test_a_script_without_scikit_learn(tmp_path):
    done = run(tmp_path, "print(__name__)")
    assert done.stdout == "__main__\n" and "no scikit-learn class was replaced" in done.stderr


def test_pairs_are_discovered_and_exclusions_have_reasons():
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401

    found = pairs()
    assert found["sklearn.linear_model", "Ridge"] == "homespun.linear_model"
    for module, name in found:
        true = getattr(importlib.import_module(module), name)
        assert isinstance(true, type) or (callable(true) and module.removeprefix("sklearn.") in FUNCTIONS)
    for name, why in EXCLUDED.items():
        module, _, attribute = name.rpartition(".")
        assert len(why) > 10 and hasattr(importlib.import_module(module), attribute)


def test_every_class_with_a_namesake_is_mapped():
    """A class of ours that scikit-learn has, too, is handed out for it: one that is forgotten would never be tried."""
    from sklearn.utils import all_estimators

    import homespun

    public = {}
    for name, cls in all_estimators():
        parts = cls.__module__.split(".")
        first_private = next((place for place, part in enumerate(parts) if part.startswith("_")), len(parts))
        public[name] = ".".join(parts[:first_private])
    ours = set()
    for module in pkgutil.walk_packages(homespun.__path__, "homespun."):
        if module.ispkg:
            home = importlib.import_module(module.name)
            shared = public.keys() & set(getattr(home, "__all__", ()))
            ours |= {name for name in shared if isinstance(getattr(home, name), type)}
    assert len(ours) > 50
    missing = {name for name in ours if (public[name], name) not in pairs() and f"{public[name]}.{name}" not in EXCLUDED}
    assert missing == set()


TEXTS = """
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
import sklearn.feature_extraction
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

spam = ["win cash now", "cash prize, call now", "free cash", "win a free prize"]
ham = ["see you at lunch", "lunch was good", "call me when you see her", "good to see you"]
for parts in ((TfidfVectorizer(ngram_range=(1, 2)),), (CountVectorizer(), TfidfTransformer())):
    model = make_pipeline(*parts, LogisticRegression(C=10.0)).fit(spam + ham, [1] * 4 + [0] * 4)
    print(model.predict(["free cash now", "see you"]), [type(part).__module__ for part in parts])
print(sklearn.feature_extraction.text.TfidfVectorizer is TfidfVectorizer, len(parts[0].get_feature_names_out()))
"""


def test_texts_go_through_our_vectorizers(tmp_path):
    done = run(tmp_path, TEXTS)
    assert done.returncode == 0, done.stderr
    first, second, last = done.stdout.splitlines()
    assert first.startswith("[1 0]") and second.startswith("[1 0]") and last == "True 16"
    assert first.count("homespun.feature_extraction.text") == 1 and second.count("homespun.feature_extraction.text") == 2
    for name in ("CountVectorizer", "TfidfTransformer", "TfidfVectorizer"):
        assert f"feature_extraction.text.{name} " in done.stderr
    assert "had no twin" not in done.stderr


def test_an_experimental_class_stays_so(tmp_path):
    """IterativeImputer is ours after scikit-learn's switch has been turned, and an error before, as without us."""
    use = "from sklearn.impute import IterativeImputer\nprint(IterativeImputer.__module__)\n"
    done = run(tmp_path, "from sklearn.experimental import enable_iterative_imputer\n" + use)
    assert done.stdout.startswith("homespun.impute"), done.stderr
    done = run(tmp_path, use)
    assert done.returncode == 1 and "enable_iterative_imputer" in done.stderr


DEPENDENCE = """
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import partial_dependence
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = X[:, 0] + X[:, 1] * X[:, 2]
for cls in (HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor,
            DecisionTreeClassifier, DecisionTreeRegressor):
    model = cls(random_state=0).fit(X, y > 0 if "Classifier" in cls.__name__ else y)
    one, two = (partial_dependence(model, X, features, grid_resolution=5)["average"] for features in ([0], [0, 1]))
    rising = one[0, -1] > one[0, 0]
    print(cls.__module__.split(".")[0], one.shape, two.shape, rising)
"""


def test_partial_dependence_takes_ours_for_theirs(tmp_path):
    """scikit-learn asks isinstance whether a model has method "recursion": ours count as theirs, so ours must have it."""
    done = run(tmp_path, DEPENDENCE, options=["--no-compare"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["homespun (1, 5) (1, 5, 5) True"] * 6


PROCESSES = """
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X = np.random.default_rng(0).normal(size=(60, 3))
y = X @ [1.0, 2.0, 3.0]
search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1.0]}, cv=3, n_jobs=2).fit(X, y)
print(type(search.best_estimator_[-1]).__module__)
import pickle
print(b"drop_in" in pickle.dumps(search.best_estimator_[-1]), flush=True)
"""


@pytest.mark.parametrize("option", ["--compare", "--no-compare"])
def test_work_of_other_processes_is_counted(tmp_path, option):
    """6 fits and scores of Ridge in two processes, one fit of the best here; the scaler transforms in fit and in score."""
    done = run(tmp_path, PROCESSES, options=[option])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["homespun.linear_model.ridge", "False"]
    rows = {cells[0]: cells for cells in (line.split() for line in done.stderr.splitlines()) if cells}
    assert rows["linear_model.Ridge"][1:3] == ["7", "6"] and rows["preprocessing.StandardScaler"][1:3] == ["7", "6"]
    if option == "--compare":
        assert "had no twin to compare with (12 calls in other processes)" in done.stderr
    else:
        assert "calls in other processes are counted" in done.stderr


def test_forked_processes_are_counted(recorded):
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    recorder, Ridge, tally = recorded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(_fit_there, (Ridge(),)).shape == (3,)
    assert tally.fits == 0
    recorder.close()
    assert (tally.fits, tally.elsewhere) == (1, 1) and tally.alone > 0 and tally.theirs == 0


def _fit_there(model):
    return model.fit(X, Y).coef_


@pytest.fixture
def recorded():
    """Ridge, recorded within this process."""
    import sklearn.linear_model

    from homespun.linear_model import Ridge

    recorder = Recorder()
    recorder.on_use(Ridge, sklearn.linear_model.Ridge)
    yield recorder, Ridge, recorder.tallies[Ridge]
    recorder.close()


X = np.random.default_rng(0).normal(size=(50, 3))
Y = X @ [1.0, 2.0, 3.0]


def test_calls_are_counted_and_compared(recorded):
    recorder, Ridge, tally = recorded
    model = Ridge().fit(X, Y)
    model.predict(X)
    model.score(X, Y)
    assert (tally.fits, tally.answers, tally.alone) == (1, 2, 0.0)
    assert tally.ours > 0 and tally.theirs > 0
    recorder.close()
    assert tally.difference == pytest.approx(0, abs=1e-9) and tally.last is None


def test_loading_kernels_is_counted_apart(monkeypatch):
    import time

    import sklearn.linear_model

    from homespun.kernels.kernel import Kernel
    from homespun.linear_model import Ridge

    monkeypatch.setattr(Kernel, "_compile_for_args", lambda kernel: time.sleep(0.2))  # stands for a compiler
    fit = Ridge.fit
    monkeypatch.setattr(Ridge, "fit", lambda self, X, y: (Kernel._compile_for_args(None), fit(self, X, y))[1])
    recorder = Recorder()
    recorder.on_use(Ridge, sklearn.linear_model.Ridge)
    try:
        Ridge().fit(X, Y)
    finally:
        recorder.close()
    tally = recorder.tallies[Ridge]
    assert tally.kernels >= 0.2 > tally.ours > 0


def test_a_copy_has_no_twin(recorded):
    import copy

    _, Ridge, tally = recorded
    copied = copy.deepcopy(Ridge().fit(X, Y))
    copied.predict(X)
    assert tally.answers == 1 and tally.alone > 0


def test_a_call_that_fails_is_the_users_affair(recorded):
    _, Ridge, tally = recorded
    with pytest.raises(ValueError, match="alpha"):
        Ridge(alpha=-1).fit(X, Y)
    assert tally.fits == 0
    Ridge().fit(X, Y)
    assert tally.fits == 1


def test_a_twin_that_fails_is_named(recorded, monkeypatch):
    import sklearn.linear_model

    _, Ridge, tally = recorded

    def broken(*args, **kwargs):
        raise RuntimeError("no luck")

    monkeypatch.setattr(sklearn.linear_model.Ridge, "fit", broken)
    Ridge().fit(X, Y).predict(X)
    assert tally.trouble == "RuntimeError: no luck" and tally.theirs == 0 and tally.alone > 0
    assert "no luck" in table([tally], compare=True)


def test_overwriting_x_does_not_feed_the_twin(recorded):
    recorder, Ridge, tally = recorded
    Ridge(copy_X=False).fit(X.copy() + 5, Y)
    recorder.close()
    assert tally.difference == pytest.approx(0, abs=1e-6)


def test_closing_gives_the_methods_back(recorded):
    recorder, Ridge, _ = recorded
    assert hasattr(Ridge.fit, "__wrapped__")
    recorder.close()
    assert not hasattr(Ridge.fit, "__wrapped__")


def test_table_of_nothing_and_of_many():
    assert "no scikit-learn class" in table([], compare=True)
    assert "a.B imported, not used" in table([Tally("a.B")], compare=True)
    text = table([Tally("a.B", 1, ours=1.0, theirs=0.5), Tally("c.D", 1, ours=1.0, theirs=9.0)], compare=True)
    assert text.index("c.D") < text.index("a.B") and "0.50×" in text and "9.00×" in text


def test_a_busy_machine_is_said(tmp_path, monkeypatch):
    used = [Tally("a.B", 1, ours=1.0, theirs=2.0)]
    assert "other programs took 0.9 of" in table(used, compare=True, others=0.9)
    assert all("other programs" not in table(used, compare=compare, others=others)
               for compare, others in [(True, 0.1), (True, None), (False, 0.9)])
    for name, ticks in {"stat": "cpu  1000 0 500 9999 9999 0 0 0 0 0\n", str(os.getpid()): 100, "7": 50, "8": 40}.items():
        if name == "stat":
            (tmp_path / name).write_text(ticks)
        else:
            (tmp_path / name).mkdir()
            parent = {"7": os.getpid(), "8": 1}.get(name, 1)
            (tmp_path / name / "stat").write_text(f"{name} (a) b) S {parent} " + "0 " * 9 + f"{ticks} 0 0 0 0\n")
    meter = Meter(tmp_path)
    meter.start = (0, 0), meter.start[1] - 10.0
    expected = (1500 - 150) / os.sysconf("SC_CLK_TCK") / 10
    assert meter.others() == pytest.approx(expected, rel=0.05)
    (tmp_path / "stat").unlink()
    assert meter.others() is None and Meter(tmp_path / "nowhere").others() is None


def test_install_and_uninstall_in_this_process():
    import sklearn.linear_model

    asked = {"__name__": "users_script"}
    get = "import sklearn.linear_model\nfrom sklearn.linear_model import Ridge\nfound = Ridge, sklearn.linear_model.Ridge"
    true = sklearn.linear_model.Ridge
    install()
    try:
        exec(get, asked)
        assert [cls.__module__ for cls in asked["found"]] == ["homespun.linear_model.ridge"] * 2
        for insider in ("sklearn.ensemble._stacking", "homespun.tabular.fit"):
            inside = {"__name__": insider}
            exec(get, inside)
            assert inside["found"] == (true, true)
        tests = {"__name__": "sklearn.linear_model.tests.test_ridge"}
        exec(get, tests)
        assert tests["found"][0].__module__ == "homespun.linear_model.ridge"
        library = {"__name__": "numpy.testing", "__file__": np.testing.__file__}
        exec(get, library)
        assert library["found"] == (true, true)
    finally:
        uninstall()
    exec(get, asked)
    assert asked["found"] == (true, true)


def test_the_pytest_plugin(tmp_path):
    (tmp_path / "test_theirs.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "def test_whose():\n    assert Ridge.__module__ == 'homespun.linear_model.ridge'\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "homespun.drop_in", "-c", "/dev/null", "-v", "test_theirs.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "linear_model.Ridge" in done.stdout


def test_a_verbose_estimator_is_heard_once(tmp_path):
    script = (
        "import numpy as np\nfrom sklearn.linear_model import LogisticRegression\n"
        "X = np.random.default_rng(0).normal(size=(50, 2))\n"
        "LogisticRegression(verbose=1).fit(X, X[:, 0] > 0)\nprint('end')\n"
    )
    both, alone = run(tmp_path, script), run(tmp_path, script, options=["--no-compare"])
    assert both.returncode == 0 and both.stdout == alone.stdout and "iterations" in both.stdout
