"""Nearest neighbours: parity with scikit-learn, exactness where the expansion of the distance cancels, bad input."""

import numpy as np
import pytest
import sklearn.neighbors as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from homespun.errors import DataError, ParameterError
from homespun.kernels.distances import EuclideanIndex
from homespun.kernels.distances_formula import euclidean_nearest_formula
from homespun.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from homespun.neighbors.base import _smallest as smallest


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 7)) * [1, 10, 0.1, 1, 1, 3, 1] + 50  # neither centred nor scaled
    return X, rng.normal(size=(40, 7)) * [1, 10, 0.1, 1, 1, 3, 1] + 50


@pytest.mark.parametrize("model", [KNeighborsClassifier, KNeighborsRegressor])
def test_neighbours_that_all_weigh_nothing_are_refused(model):
    fitted = model(n_neighbors=3, weights=lambda distances: (distances <= 0.5).astype(float))
    fitted.fit([[0, 1], [1, 2], [2, 3], [3, 4]], [0, 0, 1, 1])
    assert fitted.predict([[1.1, 2.0]]).tolist() == [0]
    with pytest.raises(DataError, match=r"zero weights.*It is query 1, with distances from") as caught:
        fitted.predict([[1.1, 2.0], [1.1, 1.1]])
    assert caught.value.operands == {"query": 1}


@pytest.mark.parametrize("metric, p", [("minkowski", 2), ("minkowski", 1), ("minkowski", 3), ("manhattan", 2),
                                       ("chebyshev", 2), ("cosine", 2), ("euclidean", 2)])
def test_same_neighbours_as_sklearn(cloud, metric, p):
    X, Q = cloud
    ours = NearestNeighbors(n_neighbors=6, metric=metric, p=p).fit(X).kneighbors(Q)
    theirs = peer.NearestNeighbors(n_neighbors=6, metric=metric, p=p, algorithm="brute").fit(X).kneighbors(Q)
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)


@pytest.mark.parametrize("metric, p", [("minkowski", 2), ("minkowski", 1), ("cosine", 2)])
def test_sparse_equals_dense(cloud, metric, p):
    X, Q = (np.where(np.abs(part - 50) > 0.7, part - 50, 0) for part in cloud)
    dense = NearestNeighbors(metric=metric, p=p).fit(X).kneighbors(Q)
    for fit_on, ask in ((sparse.csr_matrix(X), sparse.csr_matrix(Q)), (sparse.csr_matrix(X), Q), (X, sparse.csr_array(Q))):
        found = NearestNeighbors(metric=metric, p=p).fit(fit_on).kneighbors(ask)
        np.testing.assert_array_equal(found[1], dense[1])
        np.testing.assert_allclose(found[0], dense[0], rtol=1e-9, atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from([np.float32, np.float64]),
       st.sampled_from([0.0, 1.0, 1e4, 1e8]), st.sampled_from(["normal", "grid", "duplicates"]))
@settings(max_examples=60, deadline=None)
def test_neighbours_are_exact(seed, k, dtype, offset, kind):
    """The expansion |q|^2 + |x|^2 - 2 q x cancels far from the origin; the neighbours must not depend on it."""
    rng = np.random.default_rng(seed)
    n, m, d = rng.integers(k, 150), rng.integers(1, 70), rng.integers(1, 20)
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if kind == "grid":
        X, Q = np.round(X), np.round(Q)
    if kind == "duplicates":
        X = X[rng.integers(0, max(1, n // 5), n)]
    X, Q = (X + offset).astype(dtype), (Q + offset).astype(dtype)
    distances, rows = EuclideanIndex(X).query(Q, int(k))
    want_distances, want_rows = euclidean_nearest_formula(X, Q, int(k))
    np.testing.assert_allclose(distances, want_distances, rtol=1e-12)
    if kind == "normal" and offset <= 1e4:
        np.testing.assert_array_equal(rows, want_rows)


def test_a_far_outlier_does_not_spoil_the_proof():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 8))
    X[17] = 1e9
    Q = rng.normal(size=(50, 8))
    np.testing.assert_array_equal(EuclideanIndex(X).query(Q, 4)[1], euclidean_nearest_formula(X, Q, 4)[1])


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e25, 1e200])
def test_sizes_whose_squares_do_not_fit(scale):
    rng = np.random.default_rng(2)
    X, Q = rng.normal(size=(60, 3)) * scale, rng.normal(size=(20, 3)) * scale
    want = euclidean_nearest_formula(X / scale, Q / scale, 3)
    distances, rows = EuclideanIndex(X).query(Q, 3)
    np.testing.assert_array_equal(rows, want[1])
    np.testing.assert_allclose(distances / scale, want[0], rtol=1e-9)


def test_a_query_that_is_too_far_to_square():
    X = np.arange(30.0).reshape(10, 3)
    distances, rows = EuclideanIndex(X).query(np.array([[1e300, 0, 0], [0.0, 1, 2]]), 2)
    assert rows[1].tolist() == [0, 1]
    np.testing.assert_allclose(distances[0], 1e300)


@pytest.mark.parametrize("weights", ["uniform", "distance", None, lambda d: 1 / (1 + d)])
def test_predictions_equal_sklearn(cloud, weights):
    X, Q = cloud
    labels = np.array(["a", "b", "c"])[(X[:, 0] * 7).astype(int) % 3]
    ours = KNeighborsClassifier(weights=weights).fit(X, labels)
    theirs = peer.KNeighborsClassifier(weights=weights).fit(X, labels)
    np.testing.assert_allclose(ours.predict_proba(Q), theirs.predict_proba(Q), atol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    y = np.column_stack([X[:, 0], X[:, 1] ** 2])
    for target in (y[:, 0], y):
        np.testing.assert_allclose(KNeighborsRegressor(weights=weights).fit(X, target).predict(Q),
                                   peer.KNeighborsRegressor(weights=weights).fit(X, target).predict(Q), rtol=1e-6)


def test_several_class_outputs(cloud):
    X, Q = cloud
    y = np.column_stack([X[:, 0] > 50, np.round(X[:, 3])]).astype(int)
    np.testing.assert_array_equal(KNeighborsClassifier().fit(X, y).predict(Q), peer.KNeighborsClassifier().fit(X, y).predict(Q))


def test_training_rows_leave_themselves_out(cloud):
    X, _ = cloud
    X = np.vstack([X, X[:1], X[:1], X[:1]])  # a row four times
    distances, rows = NearestNeighbors(n_neighbors=2).fit(X).kneighbors()
    assert (rows != np.arange(len(X))[:, None]).all()
    np.testing.assert_allclose(distances, peer.NearestNeighbors(n_neighbors=2).fit(X).kneighbors()[0], atol=1e-6)


def test_precomputed_and_callable(cloud):
    X, Q = cloud
    want = NearestNeighbors().fit(X).kneighbors(Q, return_distance=False)
    table = np.sqrt(((Q[:, None] - X[None]) ** 2).sum(-1))
    among = np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1))
    np.testing.assert_array_equal(NearestNeighbors(metric="precomputed").fit(among).kneighbors(table)[1], want)
    np.testing.assert_array_equal(
        NearestNeighbors(metric=lambda a, b: np.sqrt(((a - b) ** 2).sum())).fit(X).kneighbors(Q)[1], want)


def test_a_sparse_precomputed_graph_is_not_full_of_zeros(cloud):
    X, _ = cloud
    graph = peer.KNeighborsTransformer(n_neighbors=8, mode="distance").fit(X).transform(X)
    y = X[:, 1] ** 2
    np.testing.assert_allclose(KNeighborsRegressor(5, metric="precomputed").fit(graph, y).predict(graph),
                               peer.KNeighborsRegressor(5, metric="precomputed").fit(graph, y).predict(graph))
    with pytest.raises(DataError, match="row 0 of the precomputed graph stores 9 distances") as error:
        NearestNeighbors(n_neighbors=10, metric="precomputed").fit(graph).kneighbors(graph)
    assert error.value.operands["n_neighbors"] == 10


def test_graph(cloud):
    X, Q = cloud
    for mode in ("connectivity", "distance"):
        ours = NearestNeighbors().fit(X).kneighbors_graph(Q, mode=mode)
        theirs = peer.NearestNeighbors().fit(X).kneighbors_graph(Q, mode=mode)
        np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-7)


def test_fisher_and_hodges_1951_by_hand():
    """Fix & Hodges' rule on a line: of the three nearest to 2.6 (2, 3, 4) two are 'right', so 'right' wins with 2/3."""
    model = KNeighborsClassifier(n_neighbors=3).fit([[0], [1], [2], [3], [4]], ["left", "left", "left", "right", "right"])
    assert model.predict([[2.6]]).tolist() == ["right"]
    np.testing.assert_allclose(model.predict_proba([[2.6]]), [[1 / 3, 2 / 3]])


def test_bad_input(cloud):
    X, Q = cloud
    with pytest.raises(ParameterError, match=r"n_neighbors must be a whole number >= 1, got 0") as error:
        KNeighborsClassifier(n_neighbors=0).fit(X, X[:, 0] > 50)
    assert error.value.operands == {"n_neighbors": 0}
    with pytest.raises(ParameterError, match="did you mean 'euclidean'"):
        NearestNeighbors(metric="euclidian").fit(X)
    with pytest.raises(DataError, match="n_samples_fit = 300") as error:
        NearestNeighbors(n_neighbors=301).fit(X).kneighbors(Q)
    assert error.value.operands == {"n_neighbors": 301}
    with pytest.raises(DataError, match="square matrix"):
        NearestNeighbors(metric="precomputed").fit(X)
    with pytest.raises(ValueError, match="NaN"):
        NearestNeighbors().fit([[np.nan], [1.0]])


@pytest.mark.parametrize("y", [[0.5, 1.5], [1, "a"]], ids=["numbers with fractions", "mixed"])
def test_classes_that_are_none_are_refused(y):
    with pytest.raises(DataError, match=r"KNeighborsClassifier\.fit: Unknown label type") as error:
        KNeighborsClassifier(1).fit([[0.0], [1.0]], np.array(y, dtype=object if "a" in y else float))
    assert error.value.rule == "y holds classes" and error.value.operands == {"y": (2,)}


@pytest.mark.parametrize("model", [KNeighborsRegressor(), KNeighborsClassifier()])
def test_targets_are_required(cloud, model):
    with pytest.raises(DataError, match=r"fit: .*requires y to be passed, but the target y is None") as error:
        model.fit(cloud[0], None)
    assert error.value.operands["X"] == cloud[0].shape


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_smallest_of_stored_distances(seed, k, unknown):
    """Equal ones by column, NaN last: what a stable sort gives."""
    rng = np.random.default_rng(seed)
    found = np.round(rng.random((rng.integers(1, 9), rng.integers(k, 30))) * 9)
    if unknown:
        found[rng.random(found.shape) < 0.5] = np.nan
    want = np.argsort(found, axis=1, kind="stable")[:, :k]
    values, rows = smallest(found, k)
    np.testing.assert_array_equal(rows, want)
    np.testing.assert_array_equal(values, np.take_along_axis(found, want, axis=1))


def test_state_carries_no_packed_copy(cloud):
    import pickle

    X, Q = cloud
    model = NearestNeighbors().fit(X)
    model.kneighbors(Q)
    again = pickle.loads(pickle.dumps(model))
    assert len(pickle.dumps(model)) < 1.2 * X.nbytes
    np.testing.assert_array_equal(again.kneighbors(Q)[0], model.kneighbors(Q)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_far_from_the_origin_have_the_neighbours_of_dense_ones(dtype):
    rng = np.random.default_rng(0)
    X, Q = ((rng.normal(size=(n, 6)) + 1000).astype(dtype) for n in (200, 20))
    wanted = NearestNeighbors(n_neighbors=5).fit(X).kneighbors(Q)
    found = NearestNeighbors(n_neighbors=5).fit(sparse.csr_matrix(X)).kneighbors(sparse.csr_matrix(Q))
    np.testing.assert_array_equal(found[1], wanted[1])
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-9)
