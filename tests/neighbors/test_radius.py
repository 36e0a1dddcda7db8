"""All rows within a radius: scikit-learn's answers, exact at the boundary, for every kind of data."""

import warnings

import numpy as np
import pytest
import sklearn.neighbors as theirs
from scipy import sparse

import homespun.neighbors as ours
from homespun.errors import DataError, ParameterError


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(5.0, 1.0, size=(150, 3))
    X[10] = X[3]
    return X, rng.normal(5.0, 1.0, size=(40, 3)), rng


def same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        assert np.asarray(a) == pytest.approx(np.asarray(b), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("settings", [{}, {"metric": "manhattan"}, {"metric": "chebyshev"}, {"p": 3}, {"p": 1.5},
                                      {"metric": "cosine", "radius": 0.01}, {"metric": lambda a, b: abs(a - b).sum()}])
@pytest.mark.parametrize("kind", ["dense", "float32", "sparse", "train"])
def test_parity(data, settings, kind):
    X, Q, _ = data
    settings = {"radius": 1.2, **settings}
    if kind == "float32":
        X, Q = X.astype(np.float32), Q.astype(np.float32)
    if kind == "sparse":
        if callable(settings.get("metric")):
            pytest.skip("a function needs dense rows")
        X, Q = sparse.csr_matrix(np.round(X)), sparse.csr_matrix(np.round(Q))
    Q = None if kind == "train" else Q
    one, two = (cls(**settings) for cls in (ours.NearestNeighbors, theirs.NearestNeighbors))
    if kind == "sparse":
        one.fit(X)
        two.fit(X.toarray())  # scikit-learn has no sparse search for all of these
        expected = two.radius_neighbors(Q.toarray())
    else:
        expected = two.fit(X).radius_neighbors(Q)
        one.fit(X)
    expected = [np.empty(len(expected[0]), object), np.empty(len(expected[0]), object)], expected
    for i, (distances, rows) in enumerate(zip(*expected[1])):
        order = np.argsort(rows)
        expected[0][0][i], expected[0][1][i] = distances[order], rows[order]
    found = one.radius_neighbors(Q)
    if kind != "float32":  # there scikit-learn's distances decide in another precision
        same(found[1], expected[0][1])
    same([sum(part) for part in found[0]] if kind == "float32" else found[0],
         [sum(part) for part in found[0]] if kind == "float32" else expected[0][0])
    same(one.radius_neighbors(Q, return_distance=False), found[1])
    nearest = one.radius_neighbors(Q, sort_results=True)
    assert all((np.diff(part) >= 0).all() for part in nearest[0])
    same([np.sort(part) for part in nearest[1]], found[1])
    graph = one.radius_neighbors_graph(Q, mode="distance")
    assert graph.sum() == pytest.approx(sum(part.sum() for part in found[0]))
    assert one.radius_neighbors_graph(Q).sum() == sum(map(len, found[1]))


def test_the_boundary_is_inside_and_far_queries_are_answered():
    X = np.array([[0.0, 0.0], [3.0, 4.0], [1e200, 0.0]])
    model = ours.NearestNeighbors(radius=5.0).fit(X)
    assert [part.tolist() for part in model.radius_neighbors([[0.0, 0.0], [1e200, 0.0], [-1e250, 0.0]])[1]] == [[0, 1], [2], []]
    assert model.radius_neighbors([[0.0, 0.0]], radius=np.inf)[1][0].tolist() == [0, 1, 2]
    assert model.radius_neighbors([[0.0, 0.0]], radius=np.nextafter(5.0, 0))[1][0].tolist() == [0]
    assert model.radius_neighbors(radius=0.0)[1][0].size == 0  # not itself


def test_hostile_scales_against_the_definition(data):
    X, Q, _ = data
    for scale, shift in ((1e-200, 0.0), (1e150, 0.0), (1.0, 1e9), (1e-5, 1.0)):
        A, B = X * scale + shift, np.vstack([Q * scale + shift, X[:3] * scale + shift])
        gaps = np.abs(B[:, None] - A)
        most = gaps.max(axis=-1)
        distance = most * np.sqrt(((gaps / np.where(most == 0, 1, most)[..., None]) ** 2).sum(axis=-1))
        radius = float(np.quantile(distance, 0.1)) * (1 + 1e-9)
        found = ours.NearestNeighbors(radius=radius).fit(A).radius_neighbors(B, return_distance=False)
        same(found, [np.flatnonzero(row <= radius) for row in distance])


def test_precomputed_dense_and_sparse(data):
    X, _, _ = data
    gaps = np.linalg.norm(X[:, None] - X, axis=-1)
    plain = ours.NearestNeighbors(radius=1.0).fit(X)
    model = ours.NearestNeighbors(radius=1.0, metric="precomputed").fit(gaps)
    same(model.radius_neighbors()[1], plain.radius_neighbors()[1])
    graph = plain.kneighbors_graph(X, 30, mode="distance")
    same(model.radius_neighbors(graph)[0], [row[row <= 1.0] for row in (
        graph[i].toarray()[0][np.sort(graph[i].indices)] for i in range(len(X)))])


def falling(found):
    return np.array([np.exp(-distances) for distances in found] + [0], object)[:-1]


@pytest.mark.parametrize("weights", ["uniform", "distance", falling])
@pytest.mark.parametrize("outputs", [1, 2])
def test_classifier_and_regressor(data, weights, outputs):
    X, Q, rng = data
    Q = np.vstack([Q, X[:5], [[99.0, 0, 0]]])
    labels = rng.choice(np.array(["a", "b", "c"]), size=(150, outputs))
    numbers = rng.normal(size=(150, outputs))
    if outputs == 1:
        labels, numbers = labels[:, 0], numbers[:, 0]
    for label in ("most_frequent", "c", "z"):
        settings = {"radius": 1.1, "weights": weights, "outlier_label": label}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = ours.RadiusNeighborsClassifier(**settings).fit(X, labels)
            two = theirs.RadiusNeighborsClassifier(algorithm="kd_tree", **settings).fit(X, labels)
            if not callable(weights):
                assert (one.predict(Q) == two.predict(Q)).all()
                same(np.atleast_2d(one.predict_proba(Q)), np.atleast_2d(two.predict_proba(Q)))
                assert one.score(Q, one.predict(Q)) == 1.0 if outputs == 1 else True
            else:
                assert one.predict(Q).shape == ((46,) if outputs == 1 else (46, 2))
    one, two = ours.RadiusNeighborsRegressor(1.1, weights=weights), theirs.RadiusNeighborsRegressor(1.1, weights=weights)
    with pytest.warns(UserWarning, match="predicting NaN"):
        found = one.fit(X, numbers).predict(Q)
    if not callable(weights):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert found == pytest.approx(two.fit(X, numbers).predict(Q), nan_ok=True)
    assert np.isnan(found[-1]).all() and np.isfinite(found[:-1]).any()


def test_training_rows_without_their_own_vote(data):
    X, _, rng = data
    y = rng.integers(0, 2, 150)
    settings = {"radius": 2.0, "outlier_label": "most_frequent"}
    one, two = (module.RadiusNeighborsClassifier(**settings).fit(X, y) for module in (ours, theirs))
    assert (one.predict(None) == two.predict(None)).all() and one.score(None, y) == pytest.approx(two.score(None, y))


def test_who_searches_what():
    """As with scikit-learn: votes within a radius know no k, and votes of k no radius."""
    within = ours.RadiusNeighborsClassifier().fit([[0.0], [1.0]], [0, 1])
    nearest = ours.KNeighborsRegressor(1).fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(within, "kneighbors") and not hasattr(nearest, "radius_neighbors")


def test_graph_functions(data):
    X, _, _ = data
    for settings in ({}, {"mode": "distance"}, {"include_self": True}, {"include_self": "auto"}, {"metric": "manhattan"}):
        for name, number in (("kneighbors_graph", 4), ("radius_neighbors_graph", 1.0)):
            assert abs(getattr(ours, name)(X, number, **settings) - getattr(theirs, name)(X, number, **settings)).max() < 1e-9


def test_mistakes(data):
    X, Q, _ = data
    model = ours.NearestNeighbors().fit(X)
    with pytest.raises(ParameterError, match="return_distance must be True"):
        model.radius_neighbors(Q, return_distance=False, sort_results=True)
    for radius in (-1.0, np.nan, "wide", True):
        with pytest.raises(ParameterError, match=str(radius)):
            model.radius_neighbors(Q, radius=radius)
    with pytest.raises(ParameterError, match="'far'"):
        model.radius_neighbors_graph(Q, mode="far")
    y = np.arange(150) % 2
    with pytest.raises(DataError, match=r"\[0\].*larger radius"):
        ours.RadiusNeighborsClassifier(0.5).fit(X, y).predict([[99.0, 0, 0]])
    with pytest.raises(TypeError, match="dtype of outlier_label far"):
        ours.RadiusNeighborsClassifier(outlier_label="far").fit(X, y)
    with pytest.raises(ParameterError, match="length of outlier_label"):
        ours.RadiusNeighborsClassifier(outlier_label=[0, 1]).fit(X, y)
    with pytest.raises(DataError, match="1 weights for"):
        ours.RadiusNeighborsRegressor(9.0, weights=lambda found: np.ones(1)).fit(X, y).predict(Q)
    with pytest.warns(UserWarning, match="Outlier label 7 is not in training classes"):
        assert ours.RadiusNeighborsClassifier(0.5, outlier_label=7).fit(X, y).predict([[99.0, 0, 0]]).tolist() == [7]
