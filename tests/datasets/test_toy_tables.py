"""The make_* generators against scikit-learn's: the same where nothing is random, the same distribution where something is."""

import inspect

import numpy as np
import pytest
import sklearn.datasets
from scipy import stats

import homespun.datasets as datasets
from homespun.errors import ParameterError

NAMES = ["make_blobs", "make_circles", "make_classification", "make_friedman1", "make_moons", "make_regression"]


@pytest.mark.parametrize("name", NAMES)
def test_signature_is_scikit_learns(name):
    ours = inspect.signature(getattr(datasets, name)).parameters
    theirs = inspect.signature(getattr(sklearn.datasets, name)).parameters
    assert [(p.name, p.default, p.kind) for p in ours.values()] == [(p.name, p.default, p.kind) for p in theirs.values()]


@pytest.mark.parametrize("name", NAMES)
def test_seed_shapes_and_the_global_generator(name):
    ours, theirs = getattr(datasets, name), getattr(sklearn.datasets, name)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = ours(random_state=0), ours(random_state=0), ours(random_state=1)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    for a, b, c, reference in zip(first, again, other, theirs(random_state=0)):
        assert np.array_equal(a, b)
        assert (a.shape, a.dtype) == (reference.shape, reference.dtype) == (c.shape, c.dtype)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("n_samples", [1, 2, 3, 101, (4, 7), (0, 2)])
def test_moons_and_circles_bit_for_bit(n_samples):
    for name, extra in (("make_moons", {}), ("make_circles", {"factor": 0.3})):
        X, y = getattr(datasets, name)(n_samples, shuffle=False, **extra)
        X_theirs, y_theirs = getattr(sklearn.datasets, name)(n_samples, shuffle=False, **extra)
        assert np.array_equal(X, X_theirs) and np.array_equal(y, y_theirs)


def test_moons_shuffle_and_noise():
    X, _ = datasets.make_moons(40, random_state=0)
    plain, _ = datasets.make_moons(40, shuffle=False)
    assert not np.array_equal(X, plain)
    assert np.allclose(np.sort(X, axis=0), np.sort(plain, axis=0))
    noisy, _ = datasets.make_moons(20_000, shuffle=False, noise=0.3, random_state=0)
    error = noisy - datasets.make_moons(20_000, shuffle=False)[0]
    assert error.std(axis=0) == pytest.approx([0.3, 0.3], rel=0.03)
    assert abs(error.mean()) < 0.01


def test_blobs_centres_spread_and_shares():
    centres = np.array([[0.0, 0.0, 5.0], [100.0, 7.0, -5.0]])
    X, y, returned = datasets.make_blobs([3000, 1000], centers=centres, cluster_std=[1.0, 3.0], random_state=0,
                                         return_centers=True)
    assert np.array_equal(returned, centres) and np.bincount(y).tolist() == [3000, 1000]
    for group, deviation in enumerate([1.0, 3.0]):
        assert X[y == group].mean(axis=0) == pytest.approx(centres[group], abs=0.4)
        assert X[y == group].std(axis=0) == pytest.approx([deviation] * 3, rel=0.08)
    assert np.bincount(datasets.make_blobs(11, centers=4, random_state=0)[1]).tolist() == [3, 3, 3, 2]
    _, _, box = datasets.make_blobs(10, centers=500, center_box=(2, 3), random_state=0, return_centers=True)
    assert box.min() >= 2 and box.max() <= 3


def test_friedman_is_the_formula():
    X, y = datasets.make_friedman1(500, 7, random_state=0)
    x = X.T
    assert np.allclose(y, 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4], rtol=1e-14)
    assert X.min() >= 0 and X.max() < 1
    noisy = datasets.make_friedman1(500, 7, noise=2.0, random_state=0)[1]
    assert (noisy - y).std() == pytest.approx(2.0, rel=0.1)
    theirs = sklearn.datasets.make_friedman1(5000, 7, noise=1.0, random_state=0)[1]
    assert stats.ks_2samp(datasets.make_friedman1(5000, 7, noise=1.0, random_state=0)[1], theirs).pvalue > 0.001


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("shuffle", [True, False])
def test_regression_is_the_linear_law(n_targets, shuffle):
    X, y, w = datasets.make_regression(60, 9, n_informative=4, n_targets=n_targets, bias=3.0, coef=True, shuffle=shuffle,
                                       random_state=1)
    assert np.allclose(y, X @ w + 3.0)
    assert (np.asarray(w).reshape(9, -1) != 0).any(axis=1).sum() == 4
    assert w.min() >= 0 and w.max() < 100
    if not shuffle:
        assert (w[4:] == 0).all()
    fitted = np.linalg.lstsq(np.column_stack([X, np.ones(60)]), y, rcond=None)[0]
    assert np.allclose(fitted[:-1], w) and np.allclose(fitted[-1], 3.0)


def test_regression_noise_and_columns():
    X, y, w = datasets.make_regression(4000, 5, noise=50.0, coef=True, random_state=0)
    assert (y - X @ w).std() == pytest.approx(50.0, rel=0.05)
    assert stats.kstest(X.ravel(), "norm").pvalue > 0.001
    weights = datasets.make_regression(10, 2000, n_informative=2000, coef=True, random_state=0)[2]
    assert stats.kstest(weights / 100, "uniform").pvalue > 0.001


def test_effective_rank_has_scikit_learns_singular_values():
    """The spectrum is not random: ours and theirs agree to rounding."""
    settings = {"n_samples": 50, "n_features": 30, "effective_rank": 4, "tail_strength": 0.2, "random_state": 0, "shuffle": False}
    ours, theirs = datasets.make_regression(**settings)[0], sklearn.datasets.make_regression(**settings)[0]
    assert np.allclose(np.linalg.svd(ours, compute_uv=False), np.linalg.svd(theirs, compute_uv=False), atol=1e-12)


@pytest.mark.parametrize("settings", [
    {}, {"n_classes": 3, "n_informative": 4}, {"weights": [0.7]},
    {"weights": [0.2, 0.3, 0.5], "n_classes": 3, "n_informative": 3},
    {"n_clusters_per_class": 1, "n_samples": 103}, {"n_classes": 5, "n_informative": 6, "n_samples": 999},
])
def test_classes_have_scikit_learns_counts(settings):
    y = datasets.make_classification(flip_y=0, shuffle=False, random_state=0, **settings)[1]
    assert np.array_equal(y, sklearn.datasets.make_classification(flip_y=0, shuffle=False, random_state=0, **settings)[1])


def test_columns_of_a_classification():
    made = datasets.make_classification(2000, 12, n_informative=4, n_redundant=3, n_repeated=2, shuffle=False, flip_y=0,
                                        random_state=3, return_X_y=False)
    X, y = made.X, made.y
    assert made.feature_info == ["informative"] * 4 + ["redundant"] * 3 + ["repeated"] * 2 + ["random"] * 3
    assert np.linalg.matrix_rank(X[:, :7]) == 4  # redundant columns add nothing
    assert all(any(np.array_equal(X[:, at], X[:, known]) for known in range(7)) for at in (7, 8))
    assert stats.kstest(X[:, 9:].ravel(), "norm").pvalue > 0.001
    assert max(abs(np.corrcoef(X[:, at], y)[0, 1]) for at in range(9, 12)) < 0.08
    assert made.parameters["n_informative"] == 4
    theirs = sklearn.datasets.make_classification(2000, 12, n_informative=4, return_X_y=False)
    assert set(theirs.parameters) == set(made.parameters)


def test_clusters_sit_on_corners():
    X, y = datasets.make_classification(8000, 3, n_informative=3, n_redundant=0, n_clusters_per_class=1, class_sep=7.0, flip_y=0,
                                        shuffle=False, random_state=0)
    centres = np.array([X[y == k].mean(axis=0) for k in (0, 1)])
    assert np.allclose(np.abs(centres), 7.0, atol=0.15)
    assert not np.allclose(centres[0], centres[1], atol=1)
    within = datasets.make_classification(8000, 3, n_informative=3, n_redundant=0, n_clusters_per_class=1, class_sep=7.0,
                                          flip_y=0, hypercube=False, shuffle=False, random_state=0)[0]
    assert (np.abs([within[y == k].mean(axis=0) for k in (0, 1)]) < 7.0).all()


def test_all_corners_are_distinct():
    from homespun.datasets.labels import _corners

    rng = np.random.default_rng(0)
    assert len(np.unique(_corners(rng, 16, 4), axis=0)) == 16
    assert len(np.unique(_corners(rng, 40, 25), axis=0)) == 40


def test_flipped_labels_shift_and_scale():
    settings = {"n_samples": 6000, "n_features": 4, "shuffle": False, "random_state": 0}
    X, y = datasets.make_classification(flip_y=0, **settings)
    assert np.mean(datasets.make_classification(flip_y=0.4, **settings)[1] != y) == pytest.approx(0.2, abs=0.02)
    drawn_anew = datasets.make_classification(flip_y=1.0, weights=[0.95], **settings)[1]
    assert drawn_anew.mean() == pytest.approx(0.5, abs=0.03)  # whatever the shares were
    moved = datasets.make_classification(flip_y=0, shift=2.0, scale=[1, 10, 1, 1], **settings)[0]
    assert np.allclose(moved, (X + 2.0) * [1, 10, 1, 1])
    drawn = datasets.make_classification(flip_y=0, shift=None, scale=None, **settings)[0]
    assert (drawn.std(axis=0) / X.std(axis=0) >= 1).all()


def test_a_model_does_on_ours_as_on_theirs():
    """The difficulty is the same: a nearest-centroid rule by hand scores alike on both, over ten seeds."""

    def score(make, seed):
        X, y = make(400, 10, n_informative=5, random_state=seed)
        centres = np.array([X[:200][y[:200] == k].mean(axis=0) for k in (0, 1)])
        return np.mean(((X[200:, None] - centres) ** 2).sum(axis=2).argmin(axis=1) == y[200:])

    ours = [score(datasets.make_classification, seed) for seed in range(30)]
    theirs = [score(sklearn.datasets.make_classification, seed) for seed in range(30)]
    assert stats.ks_2samp(ours, theirs).pvalue > 0.001


@pytest.mark.parametrize(
    ("name", "settings", "wrong"),
    [("make_blobs", {"n_samples": 0}, "0"), ("make_blobs", {"n_samples": [3, 3], "centers": 3}, "got 2"),
     ("make_blobs", {"centers": 2, "cluster_std": [1, 2, 3]}, "got 3"), ("make_blobs", {"center_box": (3, 1)}, "(3, 1)"),
     ("make_blobs", {"n_samples": [-1, 2]}, "-1"), ("make_moons", {"n_samples": (1, 2, 3)}, "(1, 2, 3)"),
     ("make_moons", {"noise": -1}, "-1"), ("make_circles", {"factor": 1.0}, "1.0"), ("make_circles", {"n_samples": -2}, "-2"),
     ("make_friedman1", {"n_features": 4}, "4"), ("make_regression", {"noise": -0.5}, "-0.5"),
     ("make_regression", {"tail_strength": 2}, "2"), ("make_classification", {"n_features": 3}, "> 3"),
     ("make_classification", {"n_classes": 3}, "3 * 2"), ("make_classification", {"weights": [0.5, 0.6, 0.1]}, "0.6"),
     ("make_classification", {"weights": [1.5]}, "1.5"), ("make_classification", {"flip_y": 2}, "2")],
)
def test_mistakes(name, settings, wrong):
    with pytest.raises(ParameterError) as caught:
        getattr(datasets, name)(**settings)
    assert wrong in str(caught.value)
    assert caught.value.operation == name and caught.value.operands and caught.value.rule


def test_a_suggestion_that_fits():
    with pytest.raises(ParameterError) as caught:
        datasets.make_classification(n_classes=5)
    assert caught.value.suggestion == "n_informative=4"
    datasets.make_classification(n_classes=5, n_informative=4)
