"""`certify` on classes whose faults are known: each fault is found by its own check, with small data that shows it."""

import ast
import textwrap
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from homespun.errors import DataError, ParameterError
from homespun.testing import checks
from homespun.testing.certificate import certify, certify_target
from homespun.testing.user_code import load_class, new_file

QUICK = [check.name for check in checks.CHECKS if check.name not in ("scikit-learn",)]


@pytest.fixture
def broken(tmp_path):
    """`broken("old text", "new text")`: the class of a new file with one fault put in."""

    def make(*swaps, name="faulty.py"):
        path = new_file(tmp_path / name)
        text = path.read_text()
        for old, new in zip(swaps[::2], swaps[1::2]):
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)
        return load_class(str(path))

    return make


def outcome(cls, check, **options):
    (result,) = certify(cls, only=[check], **options).checks
    return result


def test_the_start_of_an_estimator_certifies_as_it_stands(tmp_path):
    pytest.importorskip("homespun.persist")
    path = new_file(tmp_path / "my_model.py")
    certificate = certify_target(f"{path}:MyModel", report=tmp_path / "report.html")
    assert certificate.passed and bool(certificate), str(certificate)
    assert len(certificate.checks) == len(checks.CHECKS)
    assert "passed" in next(one.reason for one in certificate.checks if one.name == "scikit-learn")
    page = (tmp_path / "report.html").read_text()
    assert "MyModel" in page and all(check.name in page for check in checks.CHECKS)
    assert "http" not in page and "<script" not in page  # needs nothing else


FAULTS = [
    ("weights are repetition", "y_mean = s @ y / s.sum()", "y_mean = y.mean()"),
    ("weights are repetition", "alpha * np.eye", "alpha * len(y) * np.eye"),
    ("zero weight is removal", "X_mean = s @ X / s.sum()", "X_mean = X.mean(0)"),
    ("row order", "y_mean = s @ y / s.sum()", "y_mean = y[0]"),
    ("float32", "dtype=np.float64)   # NaN", "dtype=[np.float64, np.float32])   # NaN",
     "return self\n", "self.coef_ = self.coef_ * (2 if X.dtype == np.float32 else 1)\n        return self\n"),
    ("one row", "return X @ self.coef_ + self.intercept_", "return (X - X.mean(0)) @ self.coef_ + self.intercept_"),
    ("one row", "A, b = X - X_mean", "X.std(0, ddof=1).argmax(), np.zeros(len(X) - 1)[0]\n    A, b = X - X_mean"),
    ("constant column", "A, b = X - X_mean, y - y_mean", "A, b = (X - X_mean) / X.std(0), y - y_mean"),
    ("bad shapes and values", "X = self.validate(X, operation=\"predict\", dtype=np.float64)", "X = np.asarray(X)"),
    ("bad shapes and values", "X, y = self.validate(X, y, y_numeric=True, dtype=np.float64)", "X, y = np.array(X), np.array(y)"),
    ("bad parameters", "check_params(self)\n", "pass\n"),
    ("bad parameters", 'params = {"alpha": Real(low=0)}', "params = {}"),
    ("copies", "self.alpha = alpha\n", "self.alpha = alpha\n        self.coef_ = None\n"),
    ("copies", "return self\n", "self.link_ = lambda x: x\n        return self\n"),
    ("data is only read", "check_params(self)\n", "check_params(self)\n        X += 1\n"),
    ("fitting again", "return self\n", "self.n_fits_ = getattr(self, 'n_fits_', 0) + 1\n"
     "        self.coef_ = self.coef_ * self.n_fits_\n        return self\n",
     "X, y = self.validate(X, y, y", "X, y = self.validate(np.asarray(X)[:, :3], y, y"),
    ("fitting again", "return self\n", "self.coef_ = self.coef_ + np.random.normal()\n        return self\n"),
]


@pytest.mark.parametrize("check, swaps", [(fault[0], fault[1:]) for fault in FAULTS],
                         ids=[f"{fault[0]}-{i}" for i, fault in enumerate(FAULTS)])
def test_each_fault_is_found(broken, check, swaps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the faults divide by zero
        result = outcome(broken(*swaps), check)
    assert result.outcome == "failed", result
    assert result.fix and result.promise


def test_thread_count_fault_is_found(broken):
    import numba

    if numba.config.NUMBA_NUM_THREADS < 2 or numba.config.DISABLE_JIT:
        pytest.skip("needs two threads")
    cls = broken("import numpy as np\n", "import numpy as np\nimport numba\n",
                 "return self\n", "self.coef_ = self.coef_ * (1 + 1e-15 * numba.get_num_threads())\n        return self\n")
    assert outcome(cls, "thread count").outcome == "failed"
    assert outcome(broken(name="sound.py"), "thread count").outcome == "passed"


def test_kernels_that_differ_from_their_python_are_found(broken):
    import numba

    if numba.config.DISABLE_JIT:
        pytest.skip("the JIT is off")
    kernel = ('from homespun.kernels import kernel\n\n@kernel("f8(f8)")\ndef scaled(x):\n    n = np.int32(2147483647)\n'
              '    return x * (n + np.int32({})) / n\n\n\nclass ')
    swaps = ("class ", kernel, "self.alpha)   # what", "self.alpha)\n        self.intercept_ = scaled(self.intercept_)   # what")
    sound, faulty = ((*swaps[:1], kernel.format(number), *swaps[2:]) for number in (0, 1))
    assert outcome(broken(*sound, name="sound.py"), "JIT off equals JIT on").outcome == "passed"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns about the overflow
        result = outcome(broken(*faulty, name="faulty.py"), "JIT off equals JIT on")
    assert result.outcome == "failed"


def test_an_estimator_without_kernels_makes_no_promise_about_the_jit(broken):
    result = outcome(broken(), "JIT off equals JIT on")
    assert result.outcome == "not applicable" and "no kernel" in result.reason


def test_a_class_that_ends_the_program_fails_its_checks_and_ends_nothing(broken):
    quits = broken("check_params(self)\n", "check_params(self)\n        import sys; sys.exit(7)\n", name="quits.py")
    certificate = certify(quits, only=["row order", "scikit-learn"], shrink_seconds=0.2)
    row_order = next(one for one in certificate.checks if one.name == "row order")
    assert not certificate.passed and row_order.outcome == checks_failed(certificate)[0].outcome
    assert "ends the whole program: SystemExit(7)" in row_order.reason
    made = broken("self.alpha = alpha", "raise SystemExit(2)", name="made.py")
    with pytest.raises(ParameterError, match=r"cannot be made without arguments \(SystemExit: 2\)"):
        certify(made, only=["row order"])


def checks_failed(certificate):
    return [one for one in certificate.checks if one.outcome == "failed"]


def test_scikit_learns_failures_are_counted_and_named(broken):
    result = outcome(broken("return self\n", "pass\n"), "scikit-learn")
    assert result.outcome == "failed" and "check_estimators_fit_returns_self" in result.reason
    assert result.reason.split(" of ")[0].isdigit()


def test_a_failure_shows_the_smallest_data_as_code_that_shows_it_again(broken):
    """`y.mean()` in place of the weighted mean: two rows are enough, and one column."""
    cls = broken("y_mean = s @ y / s.sum()", "y_mean = y.mean()")
    result = outcome(cls, "weights are repetition")
    space = {}
    for line in ast.parse(result.example).body:
        space[line.targets[0].id] = np.array(ast.literal_eval(line.value.args[0]))
    assert space["X"].shape == (2, 1) and space["y"].shape == space["weights"].shape == (2,)
    weights = np.maximum(space["weights"], 1)
    rows = np.repeat([0, 1], weights.astype(int))
    weighted = cls().fit(space["X"], space["y"], weights).predict(space["X"])
    repeated = cls().fit(space["X"][rows], space["y"][rows]).predict(space["X"])
    assert not np.allclose(weighted, repeated)


def test_the_table_says_what_is_promised_what_happened_and_what_to_do(broken, tmp_path):
    certificate = certify(broken("y_mean = s @ y / s.sum()", "y_mean = y.mean()"),
                          only=["weights are repetition", "constant column", "JIT off equals JIT on"])
    text = str(certificate)
    assert not certificate.passed and "not certified, 1 passed, 1 failed, 1 not applicable" in text
    for part in ("FAILED", "promise: a weight of 3", "to fix:", "smallest data found:", "X = np.array("):
        assert part in text
    page = certificate.report(tmp_path / "page.html").read_text()
    assert "X = np.array(" in page and "not certified" in page


def test_scikit_learns_own_class_fits_too():
    certificate = certify(LinearRegression(), only=["row order", "weights are repetition", "bad parameters"])
    assert [one.outcome for one in certificate.checks] == ["passed", "passed", "not applicable"]


class NeedsArgument(RegressorMixin, BaseEstimator):
    def __init__(self, width):
        self.width = width

    def fit(self, X, y):
        return self


@pytest.mark.parametrize("subject, text", [(3, "3 is no estimator"), (dict, "is no estimator"),
                                           (NeedsArgument, "pass an instance")])
def test_not_an_estimator(subject, text):
    with pytest.raises(ParameterError, match=text):
        certify(subject)


def test_an_unknown_check_suggests_a_near_one():
    with pytest.raises(ParameterError) as caught:
        certify(LinearRegression(), only=["row ordre"])
    assert caught.value.suggestion == "did you mean 'row order'?"


def test_nothing_run_is_not_passed():
    from homespun.testing.certificate import Certificate, Result

    assert not Certificate("A", "estimator", []).passed
    assert not Certificate("A", "estimator", [Result("x", "y", "not applicable", "z")]).passed


# -- what counts as a worded error ---------------------------------------------------------------------------------------

def accident():
    return np.zeros(2) + np.zeros(3)


def deliberate():
    raise ValueError("X must have 2 columns, got 3")


def short():
    raise ValueError("no")


def singular():
    np.linalg.inv(np.zeros((2, 2)))


def ours():
    raise DataError("y holds one class")


@pytest.mark.parametrize("function, worded", [(accident, False), (deliberate, True), (short, False), (singular, False),
                                              (ours, True), (lambda: {}["x"], False)])
def test_worded_errors_are_told_from_accidents(function, worded):
    with pytest.raises(Exception) as caught:
        function()
    assert checks.is_worded(caught.value) is worded


def test_every_check_says_its_promise_and_its_fix():
    for check in checks.CHECKS:
        assert len(check.promise) > 30 and len(check.fix) > 30, check.name
    assert len({check.name for check in checks.CHECKS}) == len(checks.CHECKS) >= 15


def test_target_is_nothing(monkeypatch):
    from homespun.testing import discovery

    monkeypatch.setattr(discovery, "all_estimators", lambda *_: [("Ridge", LinearRegression)])
    with pytest.raises(ParameterError) as caught:
        certify_target("Rigde")
    assert caught.value.suggestion == "did you mean 'Ridge'?"
    assert textwrap.shorten(str(caught.value), 60).startswith("certify: 'Rigde' is neither")
