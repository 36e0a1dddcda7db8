"""k-means: labels of the definition, Lloyd's steps, weights, order of rows, starts, and what goes wrong."""

import numba
import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.cluster import KMeans, k_means, kmeans_plusplus
from homespun.cluster.assignment import Assigner
from homespun.errors import DataError, ParameterError


def clouds(n=600, d=4, k=5, seed=0, dtype=np.float64, apart=6.0):
    rng = np.random.default_rng(seed)
    return (apart * rng.normal(size=(k, d))[rng.integers(0, k, n)] + rng.normal(size=(n, d))).astype(dtype)


def definition(X, centres):
    """Labels and inertia, as the formula says."""
    squares = ((X[:, None].astype(np.float64) - centres) ** 2).sum(axis=2)
    return squares.argmin(axis=1), squares.min(axis=1).sum()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", [np.array, np.asfortranarray, sparse.csr_matrix, sparse.csc_array])
def test_same_as_scikit_learn(make, dtype):
    X = clouds(dtype=dtype) + 3
    start = X[:5].copy()
    ours, theirs = (cls(5, init=start, n_init=1, tol=0).fit(make(X)) for cls in (KMeans, sklearn.cluster.KMeans))
    assert (ours.labels_ == theirs.labels_).all() and ours.cluster_centers_.dtype == dtype
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-5)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-5)
    np.testing.assert_allclose(ours.transform(make(X)), theirs.transform(X), rtol=1e-4)
    np.testing.assert_allclose(ours.score(make(X)), theirs.score(X), rtol=1e-5)
    assert (ours.predict(make(X)) == ours.labels_).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 200), d=st.integers(1, 9), k=st.integers(1, 30),
       scale=st.sampled_from([1e-30, 1.0, 1e30, 1e150]), shift=st.sampled_from([0.0, 1e3, 1e9]))
def test_labels_are_those_of_the_definition_at_each_step(seed, n, d, k, scale, shift):
    """Also where float32 cannot tell the centres apart, or does not hold the numbers; small steps, so that bounds are used."""
    rng = np.random.default_rng(seed)
    X = scale * (rng.normal(size=(n, d)) + shift)
    centres = X[rng.integers(0, n, k)] + 0.5 * scale * rng.normal(size=(k, d))
    assigner = Assigner(X, np.ones(n))
    for _ in range(5):
        assigner.step(centres)
        gaps = (X - assigner.centre)[:, None] - (centres - assigner.centre)
        assert (assigner.labels == (gaps**2).sum(axis=2).argmin(axis=1)).mean() >= (1.0 if shift < 1e9 else 0.99)
        centres = centres + 0.05 * scale * rng.normal(size=(k, d))


def test_the_first_of_equally_near_centres_is_taken():
    X = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    assert KMeans(2, init=[[0.0, 0.0], [2.0, 0.0]], max_iter=1).fit(X[:2]).predict(X).tolist() == [0, 1, 0]


def test_a_run_on_paper():
    """Four numbers, start at 1 and 2: {1}, {2, 10, 11} → centres 1 and 23/3 → {1, 2}, {10, 11} → 1.5 and 10.5."""
    X = np.array([[1.0], [2.0], [10.0], [11.0]])
    one = KMeans(2, init=[[1.0], [2.0]], max_iter=1, tol=0).fit(X)
    np.testing.assert_allclose(one.cluster_centers_, [[1.0], [23 / 3]])
    end = KMeans(2, init=[[1.0], [2.0]], tol=0).fit(X)
    assert end.cluster_centers_.tolist() == [[1.5], [10.5]] and end.inertia_ == 1.0 and end.labels_.tolist() == [0, 0, 1, 1]


def test_each_step_lowers_the_inertia():
    X = clouds(apart=1.0)
    assigner = Assigner(X, np.ones(len(X)))
    centres, before = X[:5].copy(), np.inf
    from homespun.cluster.kmeans import new_centres

    for _ in range(10):
        assigner.step(centres)
        inertia = assigner.inertia(centres)
        assert inertia <= before * (1 + 1e-12)
        centres, before = new_centres(assigner, centres), inertia


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("make", [np.array, sparse.csr_matrix])
def test_a_weight_is_a_repetition_whatever_the_order(make, init):
    """The same seed draws the same starts: rows are drawn in an order that follows from what is in them."""
    X = clouds(120)
    weights = np.random.default_rng(1).integers(0, 4, 120)
    repeated = np.repeat(X, weights, axis=0)
    repeated = repeated[np.random.default_rng(2).permutation(len(repeated))]
    for seed in range(3):
        weighted = KMeans(6, init=init, random_state=seed, n_init=2).fit(make(X), sample_weight=weights)
        other = KMeans(6, init=init, random_state=seed, n_init=2).fit(make(repeated))
        np.testing.assert_allclose(weighted.cluster_centers_, other.cluster_centers_, rtol=1e-6)
        np.testing.assert_allclose(weighted.inertia_, other.inertia_)


def test_the_number_of_threads_changes_nothing():
    X = clouds(5000, 8, 20, apart=1.0)
    before = numba.get_num_threads()
    try:
        fits = []
        for threads in (1, before):
            numba.set_num_threads(threads)
            fits.append(KMeans(20, random_state=0).fit(X))
    finally:
        numba.set_num_threads(before)
    assert (fits[0].cluster_centers_ == fits[1].cluster_centers_).all() and fits[0].inertia_ == fits[1].inertia_


def test_an_outlier_that_came_and_went_leaves_nothing():
    """Sums are kept up to date row by row; what rounding leaves of 1e12 would spoil a mean of ones."""
    X = np.r_[np.linspace(0, 1, 50), np.linspace(9, 10, 50), 1e12][:, None]
    model = KMeans(3, init=[[0.0], [1.0], [20.0]], tol=0).fit(X)
    np.testing.assert_allclose(np.sort(model.cluster_centers_.ravel()), [0.5, 9.5, 1e12], rtol=1e-13)


def test_k_means_plus_plus_spreads():
    """One centre in each of ten far clouds, where ten random rows miss some."""
    X = clouds(1000, 2, 10, apart=300.0)
    for seed in range(5):
        _, rows = kmeans_plusplus(X, 10, random_state=seed)
        assert len(np.unique((X[rows] / 30).round(), axis=0)) == 10
        assert KMeans(10, random_state=seed).fit(X).inertia_ < 5 * 2 * len(X)


def test_rows_without_weight_are_never_drawn():
    X = clouds(100)
    weights = np.zeros(100)
    weights[::10] = 1
    for seed in range(5):
        assert set(kmeans_plusplus(X, 10, sample_weight=weights, random_state=seed)[1]) == set(range(0, 100, 10))


@pytest.mark.parametrize("make", [np.array, sparse.csr_matrix])
def test_an_empty_cluster_gets_the_farthest_row(make):
    X = np.array([[0.0], [1.0], [2.0], [30.0]])
    model = KMeans(3, init=[[0.0], [1.0], [500.0]], tol=0).fit(make(X))
    assert sorted(model.cluster_centers_.ravel().tolist()) in ([0.0, 1.5, 30.0], [0.5, 2.0, 30.0])


def test_fewer_different_rows_than_clusters():
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(2\) found smaller than n_clusters \(3\)"):
        model = KMeans(3, random_state=0).fit([[0.0], [0.0], [1.0], [1.0]])
    assert model.inertia_ == 0


def test_small_and_odd_tables():
    assert KMeans(1).fit([[3.0, 4.0]]).cluster_centers_.tolist() == [[3.0, 4.0]]
    assert KMeans(2).fit([[1.0], [1.0], [1.0], [2.0]]).inertia_ == 0
    assert KMeans(3, random_state=0).fit(np.arange(9).reshape(-1, 1)).cluster_centers_.shape == (3, 1)


def test_k_means_is_the_class():
    X = clouds()
    centres, labels, inertia, steps = k_means(X, 5, random_state=3, return_n_iter=True)
    model = KMeans(5, random_state=3).fit(X)
    assert (centres == model.cluster_centers_).all() and (labels == model.labels_).all()
    assert inertia == model.inertia_ and steps == model.n_iter_


@pytest.mark.parametrize("settings_, words, kind", [
    ({"n_clusters": 601}, "n_samples=600 should be >= n_clusters=601", DataError),
    ({"n_clusters": 0}, "n_clusters must be a whole number >= 1, got 0", ParameterError),
    ({"init": "k-means"}, r"did you mean 'k-means\+\+'", ParameterError),
    ({"n_clusters": 2, "init": np.zeros((3, 4))}, r"\(3, 4\) does not match the number of clusters 2", ParameterError),
    ({"n_clusters": 3, "init": np.zeros((3, 5))}, r"\(3, 5\) does not match the number of features.* 4", ParameterError),
    ({"tol": -1.0}, "tol must be a number >= 0, got -1", ParameterError),
])
def test_wrong_things_are_named(settings_, words, kind):
    with pytest.raises(kind, match=words):
        KMeans(**settings_).fit(clouds())


def test_given_centres_need_one_start():
    X = clouds()
    with pytest.warns(RuntimeWarning, match="performing only one init in KMeans instead of n_init=4"):
        KMeans(5, init=X[:5], n_init=4).fit(X)
