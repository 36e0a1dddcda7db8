"""`step`: a debugger that stops at an algorithm's own lines. Driven by scripts of commands through stdin and stdout."""

import bdb
import contextlib
import io
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from homespun.errors import ParameterError
from homespun.testing import stepping
from homespun.testing.stepping import step, step_target
from homespun.testing.user_code import load_class, new_file

MODEL = textwrap.dedent('''\
    import numpy as np
    from homespun.base import Integer
    from homespun.base.estimator import Estimator, RegressorMixin, check_params
    from homespun.kernels import kernel, over_blocks


    class Smoothed(RegressorMixin, Estimator):
        params = {"rounds": Integer(low=1)}

        def __init__(self, rounds=2):
            self.rounds = rounds

        def fit(self, X, y):
            check_params(self)
            X, y = self.validate(X, y, dtype=np.float64)
            level = np.zeros(1)
            for _ in range(self.rounds):
                half_way(y, level)
            over_blocks(half_way_block, 2, y, level)
            self.level_ = level
            return self

        def predict(self, X):
            return np.repeat(self.level_, len(X))


    @kernel("void(f8[::1], f8[::1])")
    def half_way(y, level):
        total = 0.0
        for i in range(y.size):
            total += y[i]
        level[0] += 0.5 * (total / y.size - level[0])


    @kernel("void(i8, f8[::1], f8[::1])")
    def half_way_block(block, y, level):
        level[0] += 0.0 * block
    ''')
X, Y = np.arange(8.0).reshape(4, 2), np.array([1.0, 2.0, 3.0, 6.0])


@pytest.fixture
def smoothed(tmp_path):
    path = tmp_path / "smoothed.py"
    path.write_text(MODEL)
    return load_class(f"{path}:Smoothed")


@pytest.fixture(autouse=True)
def no_other_debugger(monkeypatch):
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)
    tracer = sys.gettrace()  # a coverage tool's
    yield
    sys.settrace(tracer)


def session(commands, act):
    """What the debugger writes while `act(stdin, stdout)` runs under `commands`."""
    screen = io.StringIO()
    act(io.StringIO("".join(command + "\n" for command in commands)), screen)
    return screen.getvalue()


def fit(cls, commands):
    made = {}

    def act(stdin, stdout):
        made["model"] = step(cls(), stdin=stdin, stdout=stdout).fit(X, Y)

    return session(commands, act), made["model"]


def test_it_stops_at_the_first_line_of_fit_and_shows_the_arrays(smoothed):
    screen, model = fit(smoothed, ["c"])
    first = screen.split("(step)")[0]
    assert "smoothed.py(14)fit()" in first and "-> check_params(self)" in first
    assert "X  (4, 2) float64  from 0 to 7" in first and "y  (4,) float64  [1., 2., 3., 6.]" in first
    assert model.level_ == model.estimator.level_ == pytest.approx(2.25)


def test_stepping_in_skips_the_plumbing(smoothed):
    screen, _ = fit(smoothed, ["s", "s", "s", "c"])  # check_params and validate are plumbing
    assert "smoothed.py(15)fit()" in screen and "smoothed.py(16)fit()" in screen
    for plumbing in ("params.py", "estimator.py", "validation.py", "kernel.py"):
        assert plumbing not in screen


def test_a_kernel_is_stepped_into_as_python_and_only_changes_are_shown(smoothed):
    screen, _ = fit(smoothed, ["n", "n", "n", "n", "s", "n", "n", "n", "p total, y.size", "r", "n", "n", "c"])
    assert "half_way()" in screen and "-> total = 0.0" in screen and "(np.float64(1.0), 4)" in screen
    after = screen.split("--Return--")[1]
    assert "level  (1,) float64  [1.5]" in after  # changed by the kernel, so shown on the way back
    assert "X  (4, 2)" not in after and "y  (4,)" not in after


def test_blocks_stay_on_this_thread(smoothed):
    screen, _ = fit(smoothed, ["b half_way_block", "n", "n", "n", "tbreak 19", "c", "s", "p block", "c", "p block",
                               "clear 1", "c"])
    assert "half_way_block()" in screen and "threads.py" not in screen
    assert "(step) 0\n(step)" in screen and "(step) 1\n(step)" in screen


def test_giving_up_is_an_exception_and_the_estimator_is_not_fitted(smoothed):
    model = smoothed()
    with pytest.raises(bdb.BdbQuit):
        step(model, stdin=io.StringIO("n\nq\n"), stdout=io.StringIO()).fit(X, Y)
    assert not hasattr(model, "level_")
    from homespun.kernels.kernel import runs_plain

    assert not runs_plain() or "NUMBA_DISABLE_JIT" in __import__("os").environ


def test_results_equal_those_without_a_debugger(smoothed):
    _, model = fit(smoothed, ["c"])
    np.testing.assert_array_equal(model.level_, smoothed().fit(X, Y).level_)
    screen = session(["c"], lambda i, o: np.testing.assert_array_equal(
        step(model.estimator, stdin=i, stdout=o).predict(X), [2.25] * 4))
    assert "-> return np.repeat(self.level_, len(X))" in screen and "self.level_  (1,) float64  [2.25]" in screen


def test_errors_of_the_algorithm_come_through(smoothed):
    with pytest.raises(ParameterError, match="rounds must be a whole number >= 1, got 0"):
        step(smoothed(rounds=0), stdin=io.StringIO("c\n"), stdout=io.StringIO()).fit(X, Y)


def test_attributes_are_the_estimators(smoothed):
    model = step(smoothed(rounds=3))
    assert model.rounds == 3 and "rounds" in dir(model)
    assert repr(model) == "step(Smoothed(rounds=3))"
    with pytest.raises(AttributeError):
        model.no_such_thing  # noqa: B018


@pytest.mark.parametrize("wrong", [3, "ridge", None])
def test_no_estimator(wrong):
    with pytest.raises(ParameterError, match=repr(wrong)):
        step(wrong)


def test_a_class_is_no_estimator(smoothed):
    with pytest.raises(ParameterError, match="pass an instance"):
        step(smoothed)


def test_another_debugger_takes_over(smoothed, monkeypatch):
    """With a tracer of somebody else's, nothing of ours opens, and the tracer sees the kernel's lines as Python."""
    lines = set()

    def tracer(frame, event, argument):
        if event == "line" and frame.f_code.co_name == "half_way":
            lines.add(frame.f_lineno)
        return tracer

    screen = io.StringIO()
    sys.settrace(tracer)
    try:
        step(smoothed(), stdin=io.StringIO(""), stdout=screen).fit(X, Y)
    finally:
        sys.settrace(None)
    assert len(lines) == 4 and screen.getvalue() == ""


def test_a_coverage_tool_goes_on_after_the_step(smoothed):
    CTracer = type("CTracer", (), {"__call__": lambda self, frame, event, argument: self})  # as coverage.py's is named
    tracer = CTracer()
    for commands in ("c", "q"):
        sys.settrace(tracer)
        with contextlib.suppress(bdb.BdbQuit):
            step(smoothed(), stdin=io.StringIO(f"{commands}\n"), stdout=io.StringIO()).fit(X, Y)
        after = sys.gettrace()
        sys.settrace(None)
        assert after is tracer


def test_pythonbreakpoint_takes_over(smoothed, monkeypatch):
    monkeypatch.setenv("PYTHONBREAKPOINT", "ipdb.set_trace")
    screen = io.StringIO()
    assert stepping.another_debugger() == "ipdb.set_trace"
    assert step(smoothed(), stdin=io.StringIO(""), stdout=screen).fit(X, Y).level_ == pytest.approx(2.25)
    assert screen.getvalue() == ""


def test_sparse_object_large_and_nan_arrays_are_described(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text("import numpy as np\nfrom scipy import sparse\nclass Odd:\n    def fit(self, X):\n"
                    "        S = sparse.csr_array(X)\n        words = np.array(['a', None], dtype=object)\n"
                    "        big = np.zeros((1000, 1000))\n        big[999, 999] = np.nan\n        return self\n")
    odd = load_class(f"{path}:Odd")()
    screen = session(["n", "n", "n", "n", "c"], lambda i, o: step(odd, stdin=i, stdout=o).fit(np.eye(3)))
    assert "S  (3, 3) float64 sparse, 3 stored" in screen and "words  (2,) object" in screen
    assert "big  (1000, 1000) float64  from 0 to 0" in screen


# -- targets of the command line ----------------------------------------------------------------------------------------

def test_target_file_with_an_estimator(tmp_path, capsys):
    path = new_file(tmp_path / "my_model.py")
    screen = session(["c", "c"], lambda i, o: step_target(str(path), stdin=i, stdout=o))
    assert "step: MyModel on toy data, X (12, 2), y (12,)" in screen
    assert "-> check_params(self)" in screen and "step: predict" in screen and "-> check_is_fitted(self)" in screen


def test_target_file_and_class(tmp_path):
    path = new_file(tmp_path / "my_model.py")
    screen = session(["q"], lambda i, o: step_target(f"{path}:MyModel", stdin=i, stdout=o))
    assert "step: given up" in screen


def test_target_script_stops_in_the_script_and_in_what_it_imports(tmp_path, capsys):
    new_file(tmp_path / "helper_model.py")
    script = tmp_path / "work.py"
    script.write_text("from helper_model import HelperModel\nmodel = HelperModel()\nmodel.fit([[0], [1]], [0, 1])\n"
                      "print('coefficient', model.coef_)\n")
    screen = session(["n", "n", "s", "c"], lambda i, o: step_target(str(script), stdin=i, stdout=o))
    assert "work.py(1)<module>()" in screen and "helper_model.py" in screen and "-> check_params(self)" in screen
    assert "coefficient" in capsys.readouterr().out
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize("target, wrong", [("no_such_model.py", "no_such_model.py"), ("Rigde", "Rigde"),
                                           ("nowhere.py:Model", "nowhere.py")])
def test_target_that_is_nothing(target, wrong):
    with pytest.raises(ParameterError) as caught:
        step_target(target)
    assert wrong in str(caught.value)


def test_it_works_in_a_real_terminal_session(tmp_path):
    """Through the real stdin and stdout of a process of its own."""
    path = new_file(tmp_path / "my_model.py")
    code = f"from homespun.testing import step_target; step_target({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], input="n\np 6 * 7\nc\nc\n", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "(step) 42" in done.stdout and "-> X, y = self.validate" in done.stdout
