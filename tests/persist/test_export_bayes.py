"""Naive Bayes and k-means as one NumPy file: the same answers, also of rows that no class explains."""

import importlib.util

import numpy as np
import pytest

from homespun.cluster import KMeans
from homespun.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from homespun.persist import export_python

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 4, (80, 5)), np.array(["pea", "fig", "plum"])[RNG.integers(0, 3, 80)]


def loaded(path):
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("exported", path))
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", [
    GaussianNB(), GaussianNB(priors=[0.5, 0.5, 0.0]), MultinomialNB(), MultinomialNB(alpha=0), ComplementNB(norm=True),
    BernoulliNB(), BernoulliNB(alpha=0, binarize=2.5), CategoricalNB(min_categories=5)], ids=lambda model: f"{model!r}"[:40])
def test_classes_and_probabilities(model, tmp_path):
    nobody = not isinstance(model, GaussianNB) and np.arange(5) == 4  # no training row has feature 4
    model.fit(np.where(nobody, 0, X), Y)
    file = loaded(export_python(model, tmp_path / "model.py"))
    np.testing.assert_allclose(file.predict_proba(X.astype(float)), model.predict_proba(X), rtol=1e-12, atol=1e-15)
    assert (file.predict(X.astype(float)) == model.predict(X)).all()


def test_nearest_centres(tmp_path):
    model = KMeans(4, random_state=0).fit(X)
    assert (loaded(export_python(model, tmp_path / "model.py")).predict(X.astype(float)) == model.predict(X)).all()


def test_an_unknown_code_is_named(tmp_path):
    file = loaded(export_python(CategoricalNB().fit(X, Y), tmp_path / "model.py"))
    with pytest.raises(ValueError, match="row 1, feature 2: the code 9 is not among the 4 known"):
        file.predict(np.array([[0, 0, 0, 0, 0], [0, 0, 9, 0, 0.0]]))
