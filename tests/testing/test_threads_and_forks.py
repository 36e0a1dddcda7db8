"""Every estimator under several threads at once, and in a forked child: the same predictions as alone, and no hang.

Servers ask one model from many threads; gunicorn and joblib fork after a model was loaded and asked. Fits are small. The
forks happen in one fresh process, which has used threads by then (boosting: OpenMP regions, whose child GCC's runtime aborts).
"""

import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from numba.core import config
from scipy.sparse import issparse

from homespun.base.estimator import ClassifierMixin
from homespun.testing import all_estimators, example_of

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="about compiled code and its threads")
ASKED = ("predict", "predict_proba", "transform", "kneighbors")
ROWS = 300
MANY = 80_000  # rows of which boosting makes several shards, so that its OpenMP regions are entered
THREADS = 4


def data_for(cls):
    """(X, y) that an estimator of this class can be fitted on: numbers, and for some columns of dates or words."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(MANY if cls.__name__.startswith("HistGradient") else ROWS, 4))
    labels = (X[:, 0] + X[:, 1] > 0) + 1 * (X[:, 2] > 1)
    y = np.array(["a", "b", "c"])[labels] if _votes(cls) else np.exp(X[:, 0]) + 1.0
    if cls.__name__ == "DateParts":
        X = pd.DataFrame({"when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D")})
    elif cls.__name__ in ("FlagEncoder", "OneHotEncoder", "OrdinalEncoder"):
        X = pd.DataFrame({"make": np.array(["vw", "bmw", "kia"])[rng.integers(0, 3, ROWS)],
                          "abs": np.array(["yes", "no"])[rng.integers(0, 2, ROWS)]})
        X = X[["abs"]] if cls.__name__ == "FlagEncoder" else X
    elif cls.__name__ in ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"):
        words = np.array(["red", "green", "blue", "round", "square", "small"])
        X = [" ".join(words[rng.integers(0, len(words), 6)]) for _ in range(ROWS)]
    elif cls.__name__ in ("LabelEncoder", "LabelBinarizer"):
        return np.array(["a", "b", "c"])[labels], None
    elif example_of(cls).__sklearn_tags__().input_tags.positive_only:
        X = np.abs(2 * X).round()  # counts, and codes of categories
    elif cls.__name__ in ("MissingIndicator", "SimpleImputer"):
        X[::7, 1] = X[::5, 2] = np.nan
    return X, y


def fitted_on(model, X, y):
    """Fitted; encoders of labels take nothing but the labels."""
    return model.fit(X) if y is None else model.fit(X, y)


def _votes(cls):
    return issubclass(cls, ClassifierMixin)


def answers(model, X):
    """What the model says of X, as arrays."""
    found = []
    for method in ASKED:
        if hasattr(model, method):
            told = getattr(model, method)(X)
            for part in told if isinstance(told, (tuple, list)) else [told]:
                found += [part.data, part.indices, part.indptr] if issparse(part) else [np.asarray(part)]
    return found


def same(ours, theirs):
    """Equal to the last bit. None of the estimators lets the number of threads decide the order of a sum."""
    return len(ours) == len(theirs) > 0 and all(a.dtype == b.dtype and pd.DataFrame(a).equals(pd.DataFrame(b))
                                                for a, b in zip(ours, theirs))


def examples():
    return [pytest.param(cls, id=name) for name, cls in all_estimators()
            if any(hasattr(example_of(cls), method) for method in ASKED)
            or any(hasattr(cls, method) for method in ASKED)]


@pytest.mark.parametrize("cls", examples())
def test_four_threads_get_what_one_gets(cls):
    X, y = data_for(cls)
    model = fitted_on(example_of(cls), X, y)
    alone, wrong = answers(model, X), []
    gate = threading.Barrier(THREADS, timeout=20)

    def ask():
        try:
            gate.wait()
            for _ in range(3):
                if not same(answers(model, X), alone):
                    wrong.append("another answer")
        except Exception as error:  # an assertion in a thread would be lost
            wrong.append(repr(error))

    callers = [threading.Thread(target=ask) for _ in range(THREADS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert not wrong and not any(caller.is_alive() for caller in callers)


FORKING = """
import os, signal, sys, time, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")  # Python 3.12 warns of a fork in a process with threads, which is the point here
from test_threads_and_forks import answers, data_for, examples, fitted_on, same
from homespun.testing import example_of

def child(model, cls, X, y, before):
    if not same(answers(model, X), before):
        return 3
    return 0 if same(answers(fitted_on(example_of(cls).set_params(**fixed(cls)), X, y), X), before) else 4

def fixed(cls):
    return {"random_state": 0} if "random_state" in example_of(cls).get_params(deep=False) else {}

from homespun.kernels.kernel import Kernel
entered, called = set(), Kernel.__call__
def noting(kernel, *args):
    if kernel.parallel:
        entered.add(kernel.py_func.__name__)
    return called(kernel, *args)
Kernel.__call__ = noting

fitted = []
for param in examples():
    cls = param.values[0]
    X, y = data_for(cls)
    model = fitted_on(example_of(cls).set_params(**fixed(cls)), X, y)
    fitted.append((param.id, model, cls, X, y, answers(model, X)))
print("parallel", *sorted(entered & {"divide_shards"}), flush=True)
Kernel.__call__ = called
for name, *job in fitted:  # the parent has used the threads of every estimator by now
    pid = os.fork()
    if pid == 0:
        code = 5
        try:
            code = child(*job)
        except BaseException as error:
            print(name, repr(error), flush=True)
        os._exit(code)
    end = time.monotonic() + 20
    while (done := os.waitpid(pid, os.WNOHANG))[0] == 0 and time.monotonic() < end:
        time.sleep(0.002)
    if done[0] == 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    told = "hangs" if done[0] == 0 else os.waitstatus_to_exitcode(done[1])
    if told != 0:
        print(name, {3: "predicts otherwise", 4: "fits otherwise", 5: "raises"}.get(told, told), flush=True)
print("asked", len(fitted), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_predicts_the_same_and_can_fit():
    done = subprocess.run([sys.executable, "-c", FORKING, os.path.dirname(__file__)], capture_output=True, text=True,
                          timeout=150, check=False)
    told = f"parallel divide_shards\nasked {len(examples())}"
    assert done.stdout.strip() == told, done.stdout + done.stderr
