"""Support vector machines as one NumPy file, and forged ones."""

import importlib.util

import numpy as np
import pytest
import scipy.sparse as sp

from homespun.errors import ModelFileError
from homespun.persist import export_python
from homespun.svm import SVC, SVR, NuSVC, OneClassSVM

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3)) + 2
Y = np.array(["pea", "fig", "plum"])[RNG.integers(0, 3, 90)]


def loaded(path):
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("exported", path))
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", [
    SVC(), SVC(kernel="poly", coef0=1.0), NuSVC(nu=0.3, kernel="linear"), SVC(kernel="sigmoid"), SVR(), SVR(kernel="linear"),
    OneClassSVM(nu=0.2)], ids=lambda model: f"{model!r}"[:40])
@pytest.mark.parametrize("made", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_the_same_answers(model, made, tmp_path):
    model.fit(made(X), X[:, 0] ** 2 if isinstance(model, SVR) else Y)
    file = loaded(export_python(model, tmp_path / "model.py"))
    want = model.predict(made(X))
    assert (file.predict(X) == want).all() if want.dtype.kind != "f" else np.allclose(file.predict(X), want, rtol=1e-10)


def test_given_kernel_values_have_no_such_file(tmp_path):
    with pytest.raises(ModelFileError, match="kernel values that are given"):
        export_python(SVC(kernel="precomputed").fit(X @ X.T, Y), tmp_path / "model.py")


def test_forged_arrays_are_refused():
    model = SVC().fit(X, Y)
    model.support_vectors_ = model.support_vectors_[:, :2]
    with pytest.raises(ModelFileError, match="support_vectors_"):
        model.check_state()
    model = SVC().fit(X, Y)
    model._dual_coef_ = model._dual_coef_[:, 1:]
    with pytest.raises(ModelFileError, match="dual_coef_"):
        model.check_state()
    model = SVC(kernel="precomputed").fit(X @ X.T, Y)
    model.support_ = model.support_ + 1000
    with pytest.raises(ModelFileError, match="support_"):
        model.check_state()
