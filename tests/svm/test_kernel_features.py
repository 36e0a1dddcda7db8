"""Kernel features, kernel ridge and the kernels themselves: scikit-learn's numbers, and kernels by their definitions."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.kernel_approximation as approximation
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge as PeerRidge
from sklearn.metrics import pairwise as peer

from homespun import kernel_approximation
from homespun.errors import DataError, ParameterError, ShapeError
from homespun.kernel_approximation import AdditiveChi2Sampler, Nystroem, RBFSampler, SkewedChi2Sampler
from homespun.kernel_ridge import KernelRidge
from homespun.kernels.row_content import groups_of_equal_rows
from homespun.metrics import pairwise

RNG = np.random.default_rng(0)
X, Z = RNG.random((40, 6)) * 3, RNG.random((30, 6)) * 3
X[RNG.random(X.shape) < 0.2] = 0
KERNELS = [("linear", {}), ("poly", {"degree": 2, "gamma": 0.5}), ("polynomial", {}), ("rbf", {}), ("rbf", {"gamma": 2.0}),
           ("laplacian", {}), ("sigmoid", {"gamma": 0.1}), ("cosine", {}), ("chi2", {"gamma": 0.3}), ("additive_chi2", {})]


@pytest.mark.parametrize("name, numbers", KERNELS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels(name, numbers, dtype):
    A, B = X.astype(dtype), Z.astype(dtype)
    ours, theirs = pairwise.pairwise_kernels(A, B, name, **numbers), peer.pairwise_kernels(A, B, name, **numbers)
    assert ours.dtype == dtype  # their laplacian is float64
    np.testing.assert_allclose(ours, theirs, rtol=1e-9 if dtype == np.float64 else 2e-4, atol=1e-6)
    one, other = (module.pairwise_kernels(A, metric=name, **numbers) for module in (pairwise, peer))
    np.testing.assert_allclose(one, other, rtol=1e-9 if dtype == np.float64 else 2e-4, atol=1e-6)
    if name not in ("chi2", "additive_chi2"):
        sparse = pairwise.pairwise_kernels(sp.csr_matrix(A), sp.csr_matrix(B), name, **numbers)
        np.testing.assert_allclose(sparse, theirs, rtol=2e-4, atol=1e-5)


def test_a_kernel_far_from_the_origin_does_not_cancel():
    far = pairwise.rbf_kernel(X + 1e8, Z + 1e8)
    np.testing.assert_allclose(far, pairwise.rbf_kernel(X, Z), atol=1e-6)


def test_bad_kernels_get_words():
    with pytest.raises(ParameterError, match="did you mean 'rbf'"):
        pairwise.pairwise_kernels(X, metric="rfb")
    with pytest.raises(DataError, match="negative"):
        pairwise.chi2_kernel(-X)
    with pytest.raises(ShapeError, match="dimension"):
        pairwise.rbf_kernel(X, Z[:, :3])


@pytest.mark.parametrize("made", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("name, settings", [
    ("RBFSampler", {"gamma": 0.3, "random_state": 0}), ("RBFSampler", {"gamma": "scale", "random_state": 1}),
    ("SkewedChi2Sampler", {"random_state": 0}), ("AdditiveChi2Sampler", {"sample_steps": 3}), ("AdditiveChi2Sampler", {}),
    ("AdditiveChi2Sampler", {"sample_steps": 5, "sample_interval": 0.3}),
    ("PolynomialCountSketch", {"degree": 3, "coef0": 1.0, "gamma": 0.5, "random_state": 0, "n_components": 33}),
    ("PolynomialCountSketch", {"random_state": 0}), ("Nystroem", {"n_components": 15, "random_state": 0}),
    ("Nystroem", {"kernel": "poly", "degree": 2, "n_components": 9, "random_state": 0})], ids=str)
def test_features_are_scikit_learns(name, settings, made):
    if name == "SkewedChi2Sampler" and made is sp.csr_matrix:
        pytest.skip("dense rows only, as there")
    rows = made(X)
    if name == "Nystroem":  # which draws rows by what they hold: in that order both draw the same
        rows = rows[groups_of_equal_rows(rows)[0]]
    ours, theirs = (getattr(module, name)(**settings).fit(rows) for module in (kernel_approximation, approximation))
    have, want = (A.toarray() if sp.issparse(A) else A for A in (ours.transform(made(Z)), theirs.transform(made(Z))))
    if name == "Nystroem":  # features of the same kernel up to directions that it does not have
        have, want = have @ have.T, want @ want.T
    np.testing.assert_allclose(have, want, rtol=1e-7, atol=1e-7)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("sampler, kernel", [
    (RBFSampler(gamma=0.3, n_components=20_000, random_state=0), lambda A, B: pairwise.rbf_kernel(A, B, gamma=0.3)),
    (SkewedChi2Sampler(skewedness=0.5, n_components=20_000, random_state=0), lambda A, B: np.prod(
        2 * np.sqrt(A[:, None] + 0.5) * np.sqrt(B + 0.5) / (A[:, None] + B + 1.0), axis=-1)),
    (AdditiveChi2Sampler(sample_steps=3), lambda A, B: (2 * A[:, None] * B / np.maximum(A[:, None] + B, 1e-300)).sum(axis=-1)),
    (Nystroem(n_components=40, random_state=0), lambda A, B: pairwise.rbf_kernel(A, B))],
    ids=lambda value: type(value).__name__)
def test_products_of_features_are_kernels(sampler, kernel):
    features = sampler.fit(X).transform(X)
    want = kernel(X, X)
    np.testing.assert_allclose(features @ features.T, want, atol=0.05 * want.max())


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly", "laplacian"])
def test_kernel_ridge_is_scikit_learns(kernel):
    D, y = load_diabetes(return_X_y=True)
    D, y = D[:150], y[:150]
    weights = RNG.uniform(0.1, 3, 150)
    for w in (None, weights):
        ours = KernelRidge(alpha=0.3, kernel=kernel).fit(D, y, sample_weight=w)
        theirs = PeerRidge(alpha=0.3, kernel=kernel).fit(D, y, sample_weight=w)
        np.testing.assert_allclose(ours.predict(D), theirs.predict(D), rtol=1e-6)
        np.testing.assert_allclose(ours.dual_coef_, theirs.dual_coef_, rtol=1e-5, atol=1e-7)
    both = KernelRidge(alpha=[0.3, 2.0], kernel=kernel).fit(D, np.column_stack([y, y]))
    assert both.predict(D).shape == (150, 2)
    np.testing.assert_allclose(both.predict(D)[:, 0], KernelRidge(alpha=0.3, kernel=kernel).fit(D, y).predict(D), rtol=1e-8)


def test_kernel_ridge_with_a_linear_kernel_is_ridge():
    w = np.linalg.solve(X.T @ X + 0.5 * np.eye(6), X.T @ X[:, 0] ** 2)
    np.testing.assert_allclose(KernelRidge(alpha=0.5).fit(X, X[:, 0] ** 2).predict(Z), Z @ w, rtol=1e-8)


def test_bad_settings_get_words():
    with pytest.raises(ParameterError, match="sample_interval"):
        AdditiveChi2Sampler(sample_steps=4).fit(X)
    with pytest.raises(DataError, match="-skewedness"):
        SkewedChi2Sampler(skewedness=0.1).fit(X).transform(X - 1)
    with pytest.raises(ParameterError, match="alpha"):
        KernelRidge(alpha=[1.0, 2.0, 3.0]).fit(X, X[:, :2])
    with pytest.raises(ParameterError, match="gamma"):
        Nystroem(kernel=lambda a, b: a @ b, gamma=1.0, n_components=3).fit(X)
    with pytest.warns(UserWarning, match="n_components > n_samples"):
        Nystroem(n_components=100).fit(X)
