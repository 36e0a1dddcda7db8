"""Stochastic gradient descent: scikit-learn's steps, streams to the last bit, weights as repetition, the perceptron's bound."""

import numpy as np
import pytest
import sklearn.linear_model as theirs
from scipy import sparse
from sklearn.base import clone

import homespun.linear_model
from homespun.base import DataError, ParameterError, ShapeError
from homespun.kernels.row_content import groups_of_equal_rows, row_hashes
from homespun.linear_model import (
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
)

RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 6)) * [1, 2, 1, 0.5, 1, 1] + [0, 1, 0, 0, -1, 0]
X[RNG.random(X.shape) < 0.3] = 0.0
Y = X @ RNG.normal(size=6) + RNG.normal(size=80)
THREE = np.digitize(Y, [-1.5, 1.5])
AS_THEY_COME = {"shuffle": False, "tol": None, "max_iter": 4}


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("settings", [
    {"loss": "hinge"}, {"loss": "log_loss", "average": True}, {"loss": "modified_huber", "penalty": "l1", "alpha": 0.01},
    {"loss": "squared_hinge", "learning_rate": "constant", "eta0": 0.001, "penalty": "elasticnet", "alpha": 0.02},
    {"loss": "perceptron", "learning_rate": "invscaling", "eta0": 0.2, "penalty": None, "average": 30},
    {"loss": "huber", "learning_rate": "adaptive", "eta0": 0.01, "epsilon": 0.3},
    {"loss": "hinge", "learning_rate": "pa1", "eta0": 0.5},
    {"loss": "hinge", "learning_rate": "pa2", "eta0": 0.5, "average": True},
    {"loss": "epsilon_insensitive", "fit_intercept": False},
    {"loss": "log_loss", "class_weight": {1: 1.0}, "alpha": 0.3},
], ids=str)
def test_classifier_takes_the_steps_of_scikit_learn(settings, kind):
    """In the same order, the weights are the same: two classes and three."""
    for y in (THREE > 0, THREE):
        ours = SGDClassifier(**AS_THEY_COME, **settings).fit(kind(X), y)
        other = theirs.SGDClassifier(**AS_THEY_COME, **settings).fit(kind(X), y)
        np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(ours.intercept_, other.intercept_, rtol=1e-8, atol=1e-9)
        assert ours.t_ == other.t_
        np.testing.assert_array_equal(ours.predict(X), other.predict(X))
        if hasattr(other, "predict_proba"):
            np.testing.assert_allclose(ours.predict_proba(X), other.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("settings", [
    {}, {"loss": "huber", "average": 10}, {"loss": "epsilon_insensitive", "penalty": "l1", "alpha": 0.01},
    {"loss": "squared_epsilon_insensitive", "learning_rate": "constant", "eta0": 0.001},
    {"loss": "epsilon_insensitive", "learning_rate": "pa1", "eta0": 0.4}], ids=str)
def test_regressor_takes_the_steps_of_scikit_learn(settings, kind):
    ours = SGDRegressor(**AS_THEY_COME, **settings).fit(kind(X), Y)
    other = theirs.SGDRegressor(**AS_THEY_COME, **settings).fit(kind(X), Y)
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ours.predict(kind(X)), other.predict(X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("settings", [{}, {"average": True}, {"nu": 0.1, "learning_rate": "constant", "eta0": 0.01}], ids=str)
def test_one_class_takes_the_steps_of_scikit_learn(settings):
    ours, other = (cls(**AS_THEY_COME, **settings).fit(X) for cls in (SGDOneClassSVM, theirs.SGDOneClassSVM))
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ours.offset_, other.offset_, rtol=1e-8, atol=1e-9)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    np.testing.assert_allclose(ours.score_samples(X), other.score_samples(X), atol=1e-8)


STREAMS = [
    (SGDClassifier, {"average": 20, "penalty": "elasticnet", "alpha": 0.01}), (SGDClassifier, {"loss": "log_loss"}),
    (SGDClassifier, {"loss": "hinge", "learning_rate": "invscaling", "eta0": 0.3}),
    (SGDClassifier, {"alpha": 40.0, "average": True}),
    (SGDRegressor, {"penalty": "l1", "alpha": 0.05, "average": True}),
    (SGDRegressor, {"learning_rate": "adaptive", "loss": "huber"}),
    (SGDOneClassSVM, {}), (Perceptron, {"penalty": "l1"}), (PassiveAggressiveClassifier, {"average": True}),
    (PassiveAggressiveRegressor, {"loss": "squared_epsilon_insensitive"})]


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(("cls", "settings"), STREAMS, ids=str)
def test_a_stream_ends_where_one_fit_ends_to_the_last_bit(cls, settings, kind):
    """Pieces of any size, also of one row; with weights, too."""
    y = THREE if hasattr(cls, "decision_function") and cls is not SGDOneClassSVM else Y
    weights = RNG.choice([1.0, 2.0, 0.3, 0.0], len(X))
    for given in ({},) if cls is PassiveAggressiveRegressor else ({}, {"sample_weight": weights}):
        whole = cls(shuffle=False, max_iter=1, tol=None, **settings).fit(kind(X), y, **given)
        pieces = cls(shuffle=False, **settings)
        for rows in np.split(np.arange(len(X)), [1, 2, 30, 71]):
            part: dict = {name: value[rows] for name, value in given.items()}
            if part and not part["sample_weight"].any():
                continue
            if hasattr(whole, "classes_"):
                part["classes"] = [0, 1, 2]
            pieces.partial_fit(kind(X[rows]), y[rows], **part)
        np.testing.assert_array_equal(whole.coef_, pieces.coef_)
        bias = "offset_" if cls is SGDOneClassSVM else "intercept_"
        np.testing.assert_array_equal(getattr(whole, bias), getattr(pieces, bias))
        assert whole.t_ == pieces.t_ or given


def test_several_passes_are_a_stream_that_comes_back():
    model = SGDClassifier(shuffle=False, max_iter=3, tol=None, penalty="l1", alpha=0.01, average=True).fit(X, THREE)
    stream = SGDClassifier(shuffle=False, penalty="l1", alpha=0.01, average=True)
    for _ in range(3):
        stream.partial_fit(X, THREE, classes=[0, 1, 2])
    np.testing.assert_array_equal(model.coef_, stream.coef_)


def test_a_stream_may_be_dense_and_sparse_and_its_weights_may_be_changed():
    model = SGDRegressor(shuffle=False, alpha=0.1, average=True, fit_intercept=False)
    mixed = clone(model).partial_fit(sparse.csr_array(X[:40]), Y[:40]).partial_fit(X[40:], Y[40:])
    whole = clone(model).partial_fit(X, Y)
    np.testing.assert_allclose(mixed.coef_, whole.coef_, rtol=1e-12)
    model = SGDRegressor(shuffle=False).partial_fit(X, Y)
    model.coef_ = np.zeros(6)
    model.intercept_ = np.zeros(1)
    model.partial_fit(X[:1], Y[:1])
    moved = model.coef_ / np.where(X[0] == 0, 1, X[0])
    np.testing.assert_allclose(moved[X[0] != 0], moved[X[0] != 0][0])  # one step from zero leads along the row


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(("cls", "y", "settings"), [
    (SGDClassifier, THREE, {}), (SGDClassifier, THREE, {"early_stopping": True}),
    (SGDClassifier, THREE, {"class_weight": "balanced"}),
    (SGDRegressor, Y, {"early_stopping": True}), (SGDOneClassSVM, Y, {}), (Perceptron, THREE, {})],
    ids=lambda part: str(part)[:30])
def test_row_order_and_repetition_do_not_change_a_bit(cls, y, settings, kind):
    weights = RNG.integers(0, 4, len(X))
    model = cls(random_state=1, **settings)
    expected = clone(model).fit(kind(X), y, sample_weight=weights).coef_
    rows = RNG.permutation(np.repeat(np.arange(len(X)), weights))
    np.testing.assert_array_equal(clone(model).fit(kind(X[rows]), y[rows]).coef_, expected)
    mixed = RNG.permutation(len(X))
    np.testing.assert_array_equal(clone(model).fit(kind(X[mixed]), y[mixed], sample_weight=weights[mixed]).coef_, expected)
    assert not np.array_equal(clone(model).set_params(random_state=2).fit(kind(X), y, sample_weight=weights).coef_, expected)


def test_shares_of_one_are_counted_by_the_largest():
    """Boosting gives weights that sum to one; with them a pass still learns as much as with whole rows."""
    ours = SGDClassifier(random_state=0, max_iter=5, tol=None).fit(X, THREE, sample_weight=np.full(len(X), 1 / len(X)))
    np.testing.assert_array_equal(ours.coef_, SGDClassifier(random_state=0, max_iter=5, tol=None).fit(X, THREE).coef_)


def test_large_weights_are_fewer_longer_steps(monkeypatch):
    monkeypatch.setattr("homespun.linear_model.sgd_base.MOST_VISITS", 200)
    model = SGDRegressor(random_state=0, max_iter=2, tol=None, eta0=1e-4)
    rows, counts, share = model._visits(X, Y, np.full(len(X), 50.0))
    assert counts[rows].sum() <= 200 + len(X)
    np.testing.assert_allclose((counts * share)[rows], 50.0)


def test_rows_are_known_by_what_they_hold(monkeypatch):
    keys = row_hashes(X, Y)
    assert len(np.unique(keys)) == len(X)
    np.testing.assert_array_equal(row_hashes(sparse.csr_array(X), Y), keys)
    np.testing.assert_array_equal(row_hashes(X[::-1].copy(), Y[::-1]), keys[::-1])
    assert not np.intersect1d(row_hashes(X, Y + 1), keys).size
    monkeypatch.setattr("homespun.kernels.row_content.row_hashes", lambda X, y: np.zeros(len(y), dtype=np.uint64))
    rows = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [1.0, 3.0]])
    for kind in (np.asarray, sparse.csr_array):  # rows that collide are still told apart, by the target, too
        assert groups_of_equal_rows(kind(rows), np.array([0.0, 0.0, 0.0, 1.0]))[1].tolist() == [0, 0, 1, 2]


def test_perceptron_makes_no_more_mistakes_than_novikoff_allows():
    """Separable by a margin m, rows no longer than R: at most (R / m)^2 mistakes (Novikoff 1962), then none."""
    rows = np.random.default_rng(0).normal(size=(200, 3))
    direction = np.array([0.6, 0.8, 0.0])
    rows = rows[np.abs(rows @ direction) > 0.3]
    y = np.sign(rows @ direction)
    model, mistakes = Perceptron(fit_intercept=False, shuffle=False), 0
    for _ in range(20):
        for x, label in zip(rows, y):
            before = model.coef_.copy() if hasattr(model, "coef_") else np.zeros((1, 3))
            model.partial_fit(x[None], [label], classes=[-1.0, 1.0])
            mistakes += not np.array_equal(before, model.coef_)
    assert 0 < mistakes <= (np.linalg.norm(rows, axis=1).max() / 0.3) ** 2
    np.testing.assert_array_equal(model.predict(rows), y)


@pytest.mark.parametrize(("name", "settings"), [
    ("PassiveAggressiveClassifier", {"C": 0.3}), ("PassiveAggressiveClassifier", {"C": 0.3, "loss": "squared_hinge"}),
    ("PassiveAggressiveRegressor", {"C": 0.3}),
    ("PassiveAggressiveRegressor", {"loss": "squared_epsilon_insensitive", "average": True}),
    ("Perceptron", {"penalty": "l2", "alpha": 0.01})], ids=str)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_online_learners_take_the_steps_of_scikit_learn(name, settings):
    y = Y if name == "PassiveAggressiveRegressor" else THREE
    ours, other = (getattr(home, name)(**AS_THEY_COME, **settings).fit(X, y) for home in (homespun.linear_model, theirs))
    np.testing.assert_allclose(ours.coef_, other.coef_, rtol=1e-8, atol=1e-9)


def test_warm_start_goes_on_and_float32_stays():
    model = SGDRegressor(random_state=0, max_iter=50, tol=None, warm_start=True).fit(X.astype(np.float32), Y)
    assert model.coef_.dtype == np.float32 == model.intercept_.dtype
    first = np.mean((model.predict(X) - Y) ** 2)
    assert np.mean((model.fit(X, Y).predict(X) - Y) ** 2) <= first + 1e-6
    assert model.fit(X, Y, coef_init=np.zeros(6), intercept_init=[0.0]).coef_.shape == (6,)


def test_sparse_weights_predict_alike():
    model = SGDClassifier(random_state=0, penalty="l1").fit(X, THREE)
    expected = model.decision_function(X)
    model.sparsify()
    for rows in (X, sparse.csr_array(X)):
        np.testing.assert_allclose(model.decision_function(rows), expected)
    assert model.densify().coef_.shape == (3, 6)
    one = SGDRegressor(random_state=0).fit(X, Y)
    expected = one.predict(X)
    for rows in (X, sparse.csr_array(X)):
        np.testing.assert_allclose(one.sparsify().predict(rows), expected)


def test_progress_is_printed_on_request(capsys):
    SGDClassifier(random_state=0, verbose=1, max_iter=2, tol=None).fit(X, THREE)
    assert "pass 2, loss" in capsys.readouterr().out


@pytest.mark.parametrize(("model", "error", "said"), [
    (SGDClassifier(loss="hing"), ParameterError, "'hing'.*did you mean 'hinge'"),
    (SGDClassifier(alpha=0.0), ParameterError, "alpha must be > 0.*got 0"),
    (SGDClassifier(loss="log_loss", learning_rate="pa1"), ParameterError,
     "'pa1' only works with loss 'hinge', got loss='log_loss'"),
    (SGDClassifier(penalty="elasticnet", l1_ratio=None), ParameterError, "l1_ratio must be set"),
    (SGDClassifier(class_weight={0: -1}), ParameterError, "class_weight must be .*got -1"),
    (SGDClassifier(class_weight={0: 0, 1: 0, 2: 0}), DataError, "class weights make every row's weight zero"),
    (SGDClassifier(early_stopping=True, validation_fraction=0.999), DataError, "validation_fraction=0.999"),
    (SGDClassifier(learning_rate="constant", eta0=1e300, loss="squared_error"), DataError,
     "under-/overflow occurred at epoch #1"),
], ids=str)
def test_bad_settings_are_refused_in_words(model, error, said):
    with pytest.raises(error, match=said) as caught:
        model.fit(X, THREE)
    assert caught.value.operation.startswith("SGDClassifier")


def test_bad_streams_are_refused_in_words():
    with pytest.raises(ParameterError, match="early_stopping should be False"):
        SGDRegressor(early_stopping=True).partial_fit(X, Y)
    with pytest.raises(ParameterError, match="classes must be passed on the first call"):
        SGDClassifier().partial_fit(X, THREE)
    model = SGDClassifier().partial_fit(X, THREE, classes=[0, 1, 2])
    with pytest.raises(DataError, match="y holds 7, which is none of the classes"):
        model.partial_fit(X, np.where(THREE == 1, 7, THREE))
    with pytest.raises(ParameterError, match="not the same as on last call"):
        model.partial_fit(X, THREE, classes=[0, 1])
    with pytest.raises(ShapeError, match="features"):
        model.partial_fit(X[:, :2], THREE)
    with pytest.raises(DataError, match="only 'a'"):
        SGDClassifier().fit(X, ["a"] * len(X))
    with pytest.raises(ShapeError, match="intercept_init"):
        SGDRegressor().fit(X, Y, intercept_init=[1.0, 2.0])
    with pytest.raises(ShapeError, match=r"does not match dataset.*not \(3, 6\)"):
        SGDClassifier().fit(X, THREE, coef_init=np.zeros(6))
    with pytest.raises(AttributeError, match="predict_proba"):
        SGDClassifier().fit(X, THREE).predict_proba(X)
