"""What `certify` checks: each function below is one promise, tried on small data.

    @check("row order", "…what is promised…", fix="…what to change where it is broken…")
    def row_order(case): ...

A check raises `Broken` when the promise does not hold, `NotApplicable` when the estimator makes no such promise, and
returns a word about what was compared. `case` holds an unfitted estimator and its data; `certificate` hands it smaller
and smaller data while the check still fails, so a check takes all its data from `case` and repeats exactly.
"""

from __future__ import annotations

import contextlib
import copy
import linecache
import pickle
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.base import clone, is_classifier, is_clusterer, is_outlier_detector, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from homespun.base.errors import HomespunError
from homespun.base.params import Constraint

METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform", "kneighbors")

# Randomness over rows depends on how many rows there are and in which order: it is switched off where a promise is about
# rows, as scikit-learn's own tests do.
CALM = {"shuffle": False, "early_stopping": False}
STEADY = {"early_stopping": False}


class Broken(AssertionError):
    """The promise does not hold."""


class NotApplicable(Exception):
    """The estimator makes no such promise; says why."""


@dataclass
class Check:
    name: str
    promise: str
    fix: str
    run: Callable
    shrinks: bool


CHECKS: list[Check] = []


def check(name: str, promise: str, *, fix: str, shrinks: bool = True):
    """Register a check; `promise` and `fix` are sentences for the person whose class it is."""

    def register(function):
        CHECKS.append(Check(name, promise, fix, function, shrinks))
        return function

    return register


# ---------------------------------------------------------------------------------------------------------------------
# The case: an estimator and data that suits it

@dataclass
class Case:
    """An unfitted estimator with rows `X`, targets `y` (None if it takes none) and whole-number weights `weights`."""

    estimator: object
    X: np.ndarray
    y: np.ndarray | None
    weights: np.ndarray

    def make(self, **settings):
        """A fresh clone, seeded, with those of `settings` that it has."""
        model = clone(self.estimator)
        known = model.get_params(deep=False)
        chosen = {name: value for name, value in settings.items() if name in known}
        if "random_state" in known and known["random_state"] is None:
            chosen["random_state"] = 0
        return model.set_params(**chosen)

    def fit(self, X=None, y=None, weights=None, **settings):
        """A clone fitted on the case's data, or on what is given."""
        X, y = (self.X, self.y) if X is None else (X, y)
        more = {} if weights is None else {"sample_weight": weights}
        with quiet():
            return self.make(**settings).fit(X, y, **more) if self.y is not None else self.make(**settings).fit(X, **more)

    def rows(self, index) -> Case:
        return replace(self, X=self.X[index], y=None if self.y is None else self.y[index], weights=self.weights[index])

    def columns(self, index) -> Case:
        return replace(self, X=self.X[:, index])

    def takes(self, parameter: str) -> bool:
        return has_fit_parameter(self.estimator, parameter)

    def text(self) -> str:
        """The data as code that can be pasted."""
        parts = [("X", self.X), ("y", self.y), ("weights", self.weights)]
        return "\n".join(f"{name} = {code(value)}" for name, value in parts if value is not None)


def code(array) -> str:
    """An array as Python source; a large one by its shape."""
    if array.size > 60:
        return f"…  # {array.dtype} of shape {array.shape}"
    text = np.array2string(array, separator=", ", max_line_width=110, floatmode="unique", threshold=1000)
    return f"np.array({text})".replace("\n", "\n" + " " * 9)


def case_for(estimator, random_state=0, n=40, d=3) -> Case:
    """Small data of the kind that the estimator's tags ask for.

    The values are multiples of 1/64, which float32 holds exactly: what differs between precisions is arithmetic alone.
    """
    tags = get_tags(estimator)
    rng = np.random.default_rng(random_state)
    if not tags.input_tags.two_d_array:
        if not (tags.input_tags.string or tags.target_tags.one_d_labels):
            raise NotApplicable("it does not take a table of numbers")
        words = np.array(["red", "green", "blue", "old", "new", "car", "bike"], dtype=object)
        many = rng.integers(1, 7, n) if tags.input_tags.string else np.ones(n, dtype=int)
        X = np.array([" ".join(rng.choice(words, k)) for k in many], dtype=object)
        return Case(estimator, X, None, rng.integers(0, 4, n).astype(np.float64))
    X = np.round(rng.normal(1.0, 1.5, (n, d)) * 64) / 64
    if tags.input_tags.positive_only:
        X = np.abs(X)
    signal = X[:, 0] - 0.5 * X[:, -1] ** 2 + 0.3 * rng.normal(size=n)
    y: np.ndarray | None
    if is_classifier(estimator):
        kinds = 2 if not tags.classifier_tags.multi_class else 3
        y = np.searchsorted(np.quantile(signal, np.arange(1, kinds) / kinds), signal)
    elif is_regressor(estimator) or tags.target_tags.required:
        y = np.round(signal * 64) / 64
        if tags.target_tags.positive_only:
            y = np.abs(y) + 1
        if not tags.target_tags.single_output:
            y = np.column_stack([y, -y])
    else:
        y = None
    if tags.input_tags.pairwise:
        raise NotApplicable("it takes distances between rows, not rows")
    return Case(estimator, X, y, rng.integers(0, 4, n).astype(np.float64))


# ---------------------------------------------------------------------------------------------------------------------
# Comparing

@contextlib.contextmanager
def quiet():
    """Small data may not converge, and that is not what is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def answers(model, X) -> dict[str, np.ndarray]:
    """What the fitted `model` says about `X`, by method."""
    said = {}
    with quiet():
        for method in METHODS:
            try:
                function = getattr(model, method, None)
            except HomespunError:  # a method that these parameters do not have
                function = None
            if function is not None:
                result = function(X)
                if method == "kneighbors":  # the distances: row numbers are names, not answers
                    result = result[0]
                result = result.toarray() if hasattr(result, "toarray") else result
                if isinstance(result, list):  # one array for each output
                    said.update({f"{method}[{i}]": np.asarray(part) for i, part in enumerate(result)})
                else:
                    said[method] = np.asarray(result)
    if not said and hasattr(model, "labels_"):
        said["labels_"] = np.asarray(model.labels_)
    return said


def same(have: dict, want: dict, what: str, *, rtol=0.0, atol=0.0, labels=True) -> str:
    """Raise `Broken` unless the answers agree; 0 and 0: to the last bit.

    `labels=False` leaves predicted classes out: a tie in the score may fall either way after rounding.
    """
    if have.keys() != want.keys():
        raise Broken(f"{what}: there is {', '.join(have) or 'nothing'} against {', '.join(want) or 'nothing'}")
    for method, expected in want.items():
        got = have[method]
        if not labels and method == "predict" and ("predict_proba" in want or "decision_function" in want):
            continue
        if got.shape != expected.shape:
            raise Broken(f"{what}: {method} has shape {got.shape} against {expected.shape}")
        if got.dtype.kind not in "fc" or expected.dtype.kind not in "fc":
            differs = np.array([a != b and not (a != a and b != b) for a, b in zip(got.ravel(), expected.ravel())], bool)
        elif rtol == atol == 0.0:
            differs = ~((got == expected) | (np.isnan(got) & np.isnan(expected))).ravel()
        else:
            scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
            differs = ~np.isclose(got, expected, rtol=rtol, atol=atol * scale, equal_nan=True).ravel()
        if differs.any():
            first = int(np.flatnonzero(differs)[0])
            place = tuple(int(i) for i in np.unravel_index(first, expected.shape))
            raise Broken(f"{what}: {method}{list(place)} is {got.ravel()[first]!r} against {expected.ravel()[first]!r}, "
                         f"and {int(differs.sum())} of {differs.size} values differ")
    return ", ".join(want)


def is_worded(error: BaseException) -> bool:
    """Whether somebody wrote this error for the user: a `ValueError` or `TypeError` that is raised on purpose, in code
    that checks, and not an accident inside NumPy, SciPy or Numba."""
    if isinstance(error, HomespunError):
        return True
    if not isinstance(error, (ValueError, TypeError)) or isinstance(error, (np.linalg.LinAlgError, UnicodeError)):
        return False
    frame = traceback.extract_tb(error.__traceback__)[-1]
    inside = {"numpy", "scipy", "numba"} & set(Path(frame.filename).parts)
    return not inside and "raise" in linecache.getline(frame.filename, frame.lineno or 0) and len(str(error)) > 10


def must_refuse(action: Callable, what: str) -> None:
    """Raise `Broken` unless `action` ends in a worded error."""
    try:
        with quiet():
            action()
    except Exception as error:
        if not is_worded(error):
            raise Broken(f"{what} ends in a bare {type(error).__name__}: {str(error)[:120]}") from error
    else:
        raise Broken(f"{what} raises no error")


# ---------------------------------------------------------------------------------------------------------------------
# The checks

@check("scikit-learn", "scikit-learn's own checks for estimators: all that apply, none expected to fail",
       fix="run sklearn.utils.estimator_checks.check_estimator on it to see the first failure with its traceback",
       shrinks=False)
def scikit_learn(case):
    from homespun.testing.sklearn_checks import run_check, scikit_learn_checks

    results = [(name, *run_check(one)) for name, one in scikit_learn_checks(case.estimator)]
    failed = [(name, error) for name, status, error in results if status == "failed"]
    skipped = [name for name, status, _ in results if status == "skipped"]
    if failed:
        names = ", ".join(dict.fromkeys(name for name, _ in failed))
        first = failed[0][1]
        raise Broken(f"{len(failed)} of {len(results)} fail: {names}. "
                     f"The first: {type(first).__name__}: {str(first).strip()[:300]}")
    without = f", {len(skipped)} could not run here ({', '.join(dict.fromkeys(skipped))})" if skipped else ""
    return f"{len(results) - len(skipped)} passed{without}"


@check("weights are repetition", "a weight of 3 is the same as having that row three times",
       fix="every sum and count over rows must use the weight: means, losses, split counts, and penalties relative to n")
def weights_are_repetition(case):
    _needs_weights(case)
    w = np.maximum(case.weights, 1)
    repeated = case.rows(np.repeat(np.arange(len(w)), w.astype(int)))
    settings, folds = {**CALM}, _whole_folds(case, w)
    weighted = case.fit(case.X, case.y, w, **settings, **folds[0])
    plain = repeated.fit(repeated.X, repeated.y, **settings, **folds[1])
    return same(answers(weighted, case.X), answers(plain, case.X), "weighted against repeated rows",
                rtol=1e-6, atol=1e-6, labels=False) + _note(case, CALM)


@check("zero weight is removal", "a row of weight 0 is the same as not having it",
       fix="look for counts of rows, minima, maxima, or classes that are taken before the weights")
def zero_weight_is_removal(case):
    _needs_weights(case)
    w = case.weights
    kept = case.rows(np.flatnonzero(w > 0))
    if case.y is not None and is_classifier(case.estimator) and len(np.unique(kept.y)) < len(np.unique(case.y)):
        raise NotApplicable("a class would disappear")
    folds = _whole_folds(case, (w > 0).astype(float))
    weighted = case.fit(case.X, case.y, w, **CALM, **folds[0])
    plain = kept.fit(kept.X, kept.y, kept.weights, **CALM, **folds[1])
    return same(answers(weighted, case.X), answers(plain, case.X), "weight 0 against row removed",
                rtol=1e-6, atol=1e-6, labels=False) + _note(case, CALM)


@check("row order", "the order of the rows changes neither the model nor an answer",
       fix="look for a running state, a tie that the first row wins, or a seed that meets the rows in their order")
def row_order(case):
    if get_tags(case.estimator).non_deterministic:
        raise NotApplicable("its tags say that it is not deterministic")
    order = np.random.default_rng(1).permutation(len(case.X))
    shuffled = case.rows(order)
    folds = _fixed_folds(case), _fixed_folds(case, order)
    model = case.fit(case.X, case.y, **STEADY, **folds[0])  # what shuffles must not depend on where the rows stand before
    other = case.fit(shuffled.X, shuffled.y, **STEADY, **folds[1])
    same({name: value[order] for name, value in answers(model, case.X).items()}, answers(model, shuffled.X),
         "answers for shuffled rows", rtol=1e-12, atol=1e-12, labels=False)
    if not any(hasattr(model, method) for method in METHODS):
        return "answers only: there is no method for new rows"
    return same(answers(other, case.X), answers(model, case.X), "model of shuffled rows",
                rtol=1e-6, atol=1e-6, labels=False) + _note(case, STEADY)


@check("thread count", "one thread and many give the same model, to the last bit",
       fix="blocks must own their output, and the number of blocks must come from the data, not from the threads")
def thread_count(case):
    _needs_a_table(case)
    import numba
    from numba.core import config

    most = config.NUMBA_NUM_THREADS
    if config.DISABLE_JIT or most < 2:
        raise NotApplicable("the JIT is off" if config.DISABLE_JIT else "this machine has one thread")
    large = _enlarged(case)
    before, said = numba.get_num_threads(), []
    try:
        for threads in (1, most):
            numba.set_num_threads(threads)
            said.append(answers(large.fit(large.X, large.y, n_jobs=threads), large.X))
    finally:
        numba.set_num_threads(before)
    return same(said[1], said[0], f"{most} threads against 1") + f" on 1 and {most} threads"


@check("float32", "float32 data gives the answers of float64 data, as far as float32 can hold them",
       fix="sums in float64, or centre before squaring; a transformer that keeps float32 says so in its tags")
def float32(case):
    _needs_a_table(case)
    wide = case.fit()
    narrow_X = case.X.astype(np.float32)
    narrow = case.fit(narrow_X, case.y)
    said = answers(narrow, narrow_X)
    kept = get_tags(case.estimator).transformer_tags
    if kept is not None and "float32" in kept.preserves_dtype and "transform" in said and said["transform"].dtype != "f4":
        raise Broken(f"transform makes {said['transform'].dtype} of float32, although its tags promise float32")
    return same(said, answers(wide, case.X), "float32 against float64", rtol=1e-3, atol=1e-3, labels=False)


@check("one row", "an answer for one row is that row's answer among many; a fit on one row works or says why not",
       fix="an answer must not depend on the other rows of the call; a fit that needs more rows says how many")
def one_row(case):
    model = case.fit()
    if any(hasattr(model, method) for method in METHODS):
        single = answers(model, case.X[:1])
        same(single, {name: value[:1] for name, value in answers(model, case.X).items()}, "one row against many",
             rtol=1e-9, atol=1e-9, labels=False)
    one = case.rows(slice(0, 1))
    try:
        said = answers(one.fit(), one.X)
    except Exception as error:
        if not is_worded(error):
            raise Broken(f"fit on one row ends in a bare {type(error).__name__}: {str(error)[:120]}") from error
        return "fit on one row is refused: " + str(error).splitlines()[0][:100]
    _finite(said, "after a fit on one row")
    return "fit on one row works"


@check("constant column", "a column that never changes does no harm",
       fix="a scale or a variance of zero must not be divided by")
def constant_column(case):
    _needs_a_table(case)
    wide = replace(case, X=np.column_stack([case.X, np.full(len(case.X), 2.5)]))
    model = wide.fit()
    _finite(answers(model, wide.X), "with a constant column")
    return "answers are finite"


@check("saving and loading", "the saved file gives the same answers after loading, to the last bit",
       fix="all that prediction needs must be in attributes: arrays, numbers, strings, lists, dicts, estimators",
       shrinks=False)
def saving_and_loading(case):
    from homespun import persist

    model = case.fit()
    before = answers(model, case.X)
    options = {}
    if not type(model).__module__.startswith(("homespun.", "sklearn.")):
        options["allow_code"] = _source_file(type(model))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.homespun"
        persist.save(model, path)
        size = path.stat().st_size
        loaded = persist.load(path, **options)
        return same(answers(loaded, case.X), before, "loaded against saved") + f"; {size:,} bytes"


@check("JIT off equals JIT on", "the kernels, run as the plain Python that they are written in, give the same model",
       fix="unsigned and 32-bit arithmetic wraps in compiled code; helpers must be plain Python over arrays")
def jit_off_equals_jit_on(case):
    from homespun.kernels import interpreted

    small = case.rows(slice(0, 30))
    with counted_kernel_calls() as calls:
        compiled = answers(small.fit(**SMALL), small.X)
    if not calls:
        raise NotApplicable("it calls no kernel, or the JIT is off")
    ran = ", ".join(sorted(name.rpartition(".")[2] for name in calls))
    with interpreted():
        plain = answers(small.fit(**SMALL), small.X)
    within = getattr(case.estimator, "_answers_within", 1e-6)  # a solver on float32 may say that it knows no more
    same(plain, compiled, "plain Python against compiled", rtol=within, atol=within, labels=False)
    return f"kernels: {ran}"


@check("bad shapes and values", "data that cannot be used is refused in words: which operation, which data, which rule",
       fix="start fit with self.validate(X, y), and predict with self.validate(X, operation='predict')", shrinks=False)
def bad_shapes_and_values(case):
    _needs_a_table(case)
    tags = get_tags(case.estimator)
    if tags.no_validation:
        raise NotApplicable("its tags say that it takes what it is given")
    model, X, y = case.fit(), case.X, case.y
    _refuses(case, "X with one axis", X[:, 0], y)
    _refuses(case, "X with three axes", X[None], None if y is None else y[:1])
    _refuses(case, "X without rows", X[:0], None if y is None else y[:0])
    words = tags.input_tags.string or tags.input_tags.categorical
    _refuses(case, "X of words", np.full(X.shape, "many words"), y, applies=not words)
    for value in (np.nan, np.inf):
        bad = X.copy()
        bad[1, 0] = value
        _refuses(case, f"X with {value}", bad, y, applies=not tags.input_tags.allow_nan)
        if y is not None and not is_classifier(case.estimator):
            bad = y.astype(float)
            bad[1] = value
            _refuses(case, f"y with {value}", X, bad)
    if y is not None:
        _refuses(case, "y with a row less than X", X, y[:-1])
    if case.takes("sample_weight"):
        for what, weights in (("too few weights", np.ones(len(X) - 1)), ("a weight of NaN", np.full(len(X), np.nan))):
            must_refuse(lambda weights=weights: case.fit(X, y, weights), f"fit with {what}")
    for method in METHODS:
        if hasattr(model, method):
            must_refuse(lambda method=method: getattr(model, method)(np.column_stack([X, X])), f"{method} with more columns")
    return "refused in words"


@check("bad parameters", "a parameter outside its range is refused in words that name it",
       fix="declare every parameter in `params` and start fit with check_params(self)", shrinks=False)
def bad_parameters(case):
    constraints = getattr(type(case.estimator), "params", None)
    if not isinstance(constraints, dict):
        raise NotApplicable("it declares no `params`")
    missing = [name for name in case.estimator.get_params(deep=False) if name not in constraints]
    if missing:
        raise Broken(f"no constraint for {', '.join(missing)}")
    tried = 0
    for name, constraint in constraints.items():
        for value in _wrong_values(constraint):
            tried += 1
            must_refuse(lambda name=name, value=value: _fit_with(case, name, value), f"{name}={value!r}")
            try:
                _fit_with(case, name, value)
            except Exception as error:
                if name not in str(error):
                    raise Broken(f"the error about {name}={value!r} does not name it: {error}") from error
    return f"{tried} wrong values of {len(constraints)} parameters"


@check("copies", "clone copies the parameters and nothing learned; pickle and deepcopy give the same answers",
       fix="__init__ stores its arguments as they are; no lambdas, open files or generators in attributes")
def copies(case):
    model = case.fit()
    before = answers(model, case.X)
    fresh = clone(model)
    learned = [name for name in vars(fresh) if name.endswith("_") and not name.startswith("__")]
    if learned:
        raise Broken(f"a clone has learned attributes: {', '.join(learned)}")
    same(answers(pickle.loads(pickle.dumps(model)), case.X), before, "pickled")
    return same(answers(copy.deepcopy(model), case.X), before, "deep copy")


@check("data is only read", "fit and predict change none of their arguments, and read-only or strided arrays serve",
       fix="copy before writing; wrappers of kernels convert order and dtype", shrinks=False)
def data_is_only_read(case):
    X, y, w = case.X.copy(), None if case.y is None else case.y.copy(), np.maximum(case.weights, 1)
    weights = w.copy() if case.takes("sample_weight") else None
    before = answers(case.fit(X, y, weights), X)
    for name, array, original in (("X", X, case.X), ("y", y, case.y), ("sample_weight", weights, w)):
        if array is not None and not np.array_equal(array, original):
            raise Broken(f"{name} was changed")
    for name, form in (("read-only", _read_only), ("Fortran order", np.asfortranarray), ("strided", _strided)):
        parts = [None if part is None else form(part) for part in (X, y, weights)]
        same(answers(case.fit(*parts), parts[0]), before, f"{name} arrays", rtol=1e-9, atol=1e-9, labels=False)
    return "read-only, Fortran order, strided"


@check("fitting again", "a second fit forgets the first, and the same seed gives the same model",
       fix="reset all learned state at the start of fit; derive all randomness from random_state")
def fitting_again(case):
    _needs_a_table(case)
    if get_tags(case.estimator).non_deterministic:
        raise NotApplicable("its tags say that it is not deterministic")
    first = answers(case.fit(warm_start=False), case.X)
    model = case.make(warm_start=False)
    with quiet():
        other = np.column_stack([case.X[::-1], case.X[:, :1]])
        for X in (other, case.X):
            model.fit(X, *(() if case.y is None else (case.y,)))
    return same(answers(model, case.X), first, "second fit against first")


# ---------------------------------------------------------------------------------------------------------------------
# Details of the checks

SMALL = {"n_estimators": 2, "max_iter": 20}  # plain Python is a hundred times slower than compiled code


@contextlib.contextmanager
def counted_kernel_calls():
    """Names of the kernels whose compiled code is called from Python within this block, with the number of calls."""
    from homespun.kernels.kernel import Kernel

    calls: dict[str, int] = {}
    original = Kernel.__call__

    def counting(self, *args):
        if not Kernel.plain:
            calls[self._cache.name] = calls.get(self._cache.name, 0) + 1
        return original(self, *args)

    Kernel.__call__ = counting  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Kernel.__call__ = original  # type: ignore[method-assign]


def _needs_weights(case):
    if not case.takes("sample_weight"):
        raise NotApplicable("fit takes no sample_weight")


def _needs_a_table(case):
    if case.X.ndim != 2:
        raise NotApplicable("it takes texts or labels, not a table of numbers")


def _note(case, changed) -> str:
    known = case.estimator.get_params(deep=False)
    used = [f"{name}={value}" for name, value in changed.items() if name in known]
    return f" (with {', '.join(used)})" if used else ""


def _fixed_folds(case, order=None) -> dict:
    """Folds that hold the same rows in both orders, for estimators that cross-validate."""
    if "cv" not in case.estimator.get_params(deep=False):
        return {}
    fold = np.arange(len(case.X)) % 3
    return {"cv": _splits(fold if order is None else fold[order])}


def _whole_folds(case, repeats) -> tuple[dict, dict]:
    """Folds before and after each row is repeated: a row and its copies stay in one fold."""
    if "cv" not in case.estimator.get_params(deep=False):
        return {}, {}
    fold = np.arange(len(case.X)) % 3
    return {"cv": _splits(fold)}, {"cv": _splits(np.repeat(fold, repeats.astype(int)))}


def _splits(fold):
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]


def _enlarged(case):
    """Enough rows that kernels use several blocks."""
    rng = np.random.default_rng(2)
    index = rng.integers(0, len(case.X), max(len(case.X), 2000))
    noise = np.round(rng.normal(0, 0.2, (len(index), case.X.shape[1])) * 64) / 64
    X = case.X[index] + noise
    return replace(case.rows(index), X=np.abs(X) if get_tags(case.estimator).input_tags.positive_only else X)


def _finite(said, when):
    for method, value in said.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise Broken(f"{method} holds NaN or infinity {when}")


def _refuses(case, what, X, y, applies=True):
    if applies:
        must_refuse(lambda: case.fit(X, y), f"fit on {what}")


def _fit_with(case, name, value):
    model = clone(case.estimator)
    setattr(model, name, value)
    return model.fit(case.X, *(() if case.y is None else (case.y,)))


def _wrong_values(constraint: Constraint):
    """Values that `constraint` does not accept."""
    candidates = [object(), -1, -1.5, 0, 1.5, 10.0**9, float("nan"), "no such word", True, None, [], {}]
    return [value for value in candidates if not constraint.accepts(value)]


def _source_file(cls):
    import sys

    return getattr(sys.modules[cls.__module__], "__file__", None)


def _read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def _strided(array):
    wide = np.repeat(array, 2, axis=0)
    return wide[::2]


def kind_of(estimator) -> str:
    """A word for what it is."""
    for word, test in (("classifier", is_classifier), ("regressor", is_regressor), ("clusterer", is_clusterer),
                       ("outlier detector", is_outlier_detector)):
        if test(estimator):
            return word
    return "transformer" if hasattr(estimator, "transform") else "estimator"
