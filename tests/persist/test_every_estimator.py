"""Every estimator of the house through a model file: the same bits in this process, and in another with one thread."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from homespun import persist
from homespun.errors import ModelFileError
from homespun.linear_model import LogisticRegression, Ridge
from homespun.neighbors import KNeighborsClassifier
from homespun.preprocessing import StandardScaler
from homespun.testing import all_estimators
from homespun.testing.checks import answers, case_for
from homespun.testing.discovery import example_of


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """name → (fitted model, its rows, its file); the file's self-test asks about those rows."""
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for name, cls in all_estimators():
        case = case_for(example_of(cls))
        model = case.fit()
        made[name] = model, case.X, persist.save(model, folder / f"{name}.homespun", sample=case.X)
    return made


def test_every_estimator_comes_back_to_the_last_bit(saved):
    assert len(saved) >= 20
    for name, (model, X, path) in saved.items():
        back = persist.load(path)
        assert type(back) is type(model), name
        before, after = answers(model, X), answers(back, X)
        assert before.keys() == after.keys() and before
        for what in before:
            np.testing.assert_array_equal(np.asarray(after[what]), np.asarray(before[what]), err_msg=f"{name}.{what}")
        assert repr(back.get_params()) == repr(model.get_params()) or "object at" in repr(model.get_params())


@pytest.mark.parametrize("threads", ["1", "2"])
def test_every_self_test_holds_in_another_process(saved, threads):
    """Loading demands the same bits of the stored answers: same machine, same versions, another number of threads."""
    script = "import sys, homespun.persist as p\nfor path in sys.argv[1:]: p.load(path)\nprint('all', len(sys.argv) - 1)"
    environment = os.environ | {"NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    paths = [str(path) for _, _, path in saved.values()]
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == f"all {len(paths)}", done.stderr


def test_every_estimator_can_be_fitted_again_after_loading(saved):
    for name, (model, X, path) in saved.items():
        if name in ("Ridge", "StandardScaler", "DecisionTreeClassifier", "OneHotEncoder"):
            case = case_for(example_of(type(model)))
            np.testing.assert_equal(answers(persist.load(path).fit(case.X, case.y), X), answers(model, X))


def test_plumbing_around_ours(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    for model in (
        make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
        GridSearchCV(
            make_pipeline(StandardScaler(), KNeighborsClassifier()), {"kneighborsclassifier__n_neighbors": [1, 3]}, cv=3
        ),
    ):
        model.fit(X, y)
        back = persist.load(persist.save(model, tmp_path / "model", sample=X[:5]))
        np.testing.assert_array_equal(back.predict(X), model.predict(X))
        assert persist.describe(tmp_path / "model")["contract"]["classes"] == [0, 1, 2]


def test_the_contract_knows_names_and_dtypes(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"km": [1.0, 2, 3], "age": [1, 2, 3]})
    model = Ridge().fit(frame, [1.0, 2, 3])
    told = persist.describe(persist.save(model, tmp_path / "m", sample=frame))
    assert told["contract"] == {"n_features": 2, "features": ["km", "age"], "dtypes": ["float64", "int64"]}


def test_a_class_that_this_version_does_not_have(tmp_path, monkeypatch):
    import homespun.linear_model.ridge as ridge

    path = persist.save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "m")
    monkeypatch.delattr(ridge, "Ridge")
    with pytest.raises(ModelFileError, match=r"homespun\.linear_model\.ridge:Ridge.*has no such part"):
        persist.load(path)
