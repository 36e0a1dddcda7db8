"""Random forests: as accurate as scikit-learn's, weights are repetitions, and neither threads nor row order matter."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.ensemble as peer
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification, make_friedman1
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from homespun.base import DataError, ModelFileError, ParameterError
from homespun.ensemble import RandomForestClassifier, RandomForestRegressor, forest, forest_grow
from homespun.kernels.oracle import compare, find

rng = np.random.default_rng(0)
X, Y = make_classification(600, 10, n_informative=6, n_classes=3, random_state=0)
XR, YR = make_friedman1(600, 8, noise=0.5, random_state=0)
YR = YR + 100
X_HOLES = np.where(rng.random(X.shape) < 0.05, np.nan, X)


@parametrize_with_checks([RandomForestClassifier(5), RandomForestRegressor(5), RandomForestClassifier(3, bootstrap=False),
                          RandomForestRegressor(3, criterion="absolute_error", max_features=0.5)])
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("settings", [{}, {"criterion": "entropy", "max_depth": 6}, {"min_samples_leaf": 4},
                                      {"max_features": None, "max_samples": 0.4}, {"max_leaf_nodes": 30},
                                      {"bootstrap": False}], ids=str)
def test_as_accurate_as_sklearn(settings):
    def accuracy(kind):
        return cross_val_score(kind(60, random_state=0, **settings), X, Y, cv=4).mean()
    assert accuracy(RandomForestClassifier) > accuracy(peer.RandomForestClassifier) - 0.025


@pytest.mark.parametrize("settings", [{}, {"criterion": "poisson"}, {"criterion": "absolute_error", "max_depth": 6},
                                      {"max_features": 0.4, "min_samples_leaf": 3}], ids=str)
def test_regression_as_accurate_as_sklearn(settings):
    def r2(kind):
        return cross_val_score(kind(40, random_state=0, **settings), XR, YR, cv=3).mean()
    assert r2(RandomForestRegressor) > r2(peer.RandomForestRegressor) - 0.02


def test_one_tree_without_chance_is_the_exact_tree():
    """One tree, all features, no bootstrap, at most 255 distinct values: Breiman's CART itself."""
    from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor

    iris = load_iris()
    for kind, tree, y in ((RandomForestClassifier, DecisionTreeClassifier, iris.target),
                          (RandomForestRegressor, DecisionTreeRegressor, iris.data[:, 0])):
        columns = iris.data[:, 1:]
        model = kind(1, bootstrap=False, max_features=None, max_depth=3, random_state=0).fit(columns, y)
        exact = tree(max_depth=3).fit(columns, y)
        np.testing.assert_allclose(model.predict(columns), exact.predict(columns))
        assert len(model.words_) == exact.tree_.node_count


@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
@pytest.mark.parametrize("settings", [{}, {"bootstrap": False, "max_features": 0.5}, {"max_leaf_nodes": 9},
                                      {"max_samples": 50}, {"ccp_alpha": 0.002}], ids=str)
def test_weights_are_repetitions_to_the_last_bit(kind, settings):
    features, y = (X, Y) if kind is RandomForestClassifier else (XR, YR)
    weights = rng.integers(0, 4, size=600)
    repeated = rng.permutation(np.repeat(np.arange(600), weights))
    shuffled = rng.permutation(600)
    model = kind(8, random_state=0, **settings)
    ask = model.predict_proba if kind is RandomForestClassifier else model.predict
    model.fit(features, y, sample_weight=weights)
    first = ask(features)
    model.fit(features[repeated], y[repeated])
    np.testing.assert_array_equal(ask(features), first)
    model.fit(features[shuffled], y[shuffled], sample_weight=weights[shuffled])
    np.testing.assert_array_equal(ask(features), first)


def test_relative_weights():
    """Weights that are not counts: their scale does not matter, and a heavy class is believed."""
    weights = rng.random(600) + 0.1
    a = RandomForestClassifier(5, random_state=0).fit(X, Y, sample_weight=weights)
    b = RandomForestClassifier(5, random_state=0).fit(X, Y, sample_weight=weights * 2.0**-20)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    heavy = RandomForestClassifier(20, max_depth=2, random_state=0).fit(X, Y, sample_weight=np.where(Y == 2, 50.5, 1.0))
    assert (heavy.predict(X) == 2).mean() > 0.9
    light = RandomForestRegressor(9, bootstrap=False, random_state=0).fit(XR, YR, sample_weight=weights)
    np.testing.assert_allclose(light.predict(XR), YR, rtol=1e-6, atol=2.0)


def test_rows_of_great_weight():
    """A weight beyond 16 bits becomes several entries; the share of each class stays what it is."""
    features, y = np.array([[0.0], [0.0], [1.0]]), [0, 1, 1]
    weights = [60_000, 20_000, 3]
    exact = RandomForestClassifier(2, bootstrap=False).fit(features, y, sample_weight=weights)
    np.testing.assert_allclose(exact.predict_proba([[0.0], [1.0]]), [[0.75, 0.25], [0.0, 1.0]])
    drawn = RandomForestClassifier(10, random_state=0, max_samples=80_000).fit(features, y, sample_weight=weights)
    np.testing.assert_allclose(drawn.predict_proba([[0.0]]), [[0.75, 0.25]], atol=0.01)


def test_threads_do_not_matter():
    script = ("import numpy as np; from homespun.ensemble import *; from sklearn.datasets import make_classification\n"
              "X, y = make_classification(3000, 8, random_state=1)\n"
              "m = RandomForestClassifier(9, random_state=0).fit(X, y)\n"
              "print(repr(m.predict_proba(X).sum(axis=0).tolist()), len(m.words_), hash(m.words_.tobytes()))")
    outputs = {subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300,
                              env={**os.environ, "NUMBA_NUM_THREADS": threads, "PYTHONHASHSEED": "0"}).stdout
               for threads in ("1", "2")}
    assert len(outputs) == 1
    a, b = (RandomForestRegressor(6, n_jobs=n, random_state=0).fit(XR, YR).predict(XR) for n in (1, None))
    np.testing.assert_array_equal(a, b)


def test_out_of_bag():
    model = RandomForestClassifier(60, oob_score=True, random_state=0).fit(X, Y)
    theirs = peer.RandomForestClassifier(60, oob_score=True, random_state=0).fit(X, Y)
    assert abs(model.oob_score_ - theirs.oob_score_) < 0.04
    assert model.oob_decision_function_.shape == (600, 3)
    np.testing.assert_allclose(model.oob_decision_function_.sum(axis=1), 1)
    assert model.oob_score_ == (model.oob_decision_function_.argmax(axis=1) == Y).mean()
    regression = RandomForestRegressor(60, oob_score=True, random_state=0).fit(XR, YR)
    theirs = peer.RandomForestRegressor(60, oob_score=True, random_state=0).fit(XR, YR)
    assert abs(regression.oob_score_ - theirs.oob_score_) < 0.03
    mine = RandomForestClassifier(30, oob_score=lambda truth, guess: (truth != guess).sum(), random_state=0).fit(X, Y)
    assert 0 < mine.oob_score_ == round(mine.oob_score_) < 200
    twice = RandomForestRegressor(90, oob_score=True, random_state=0).fit(np.repeat(XR, 2, axis=0), np.repeat(YR, 2))
    assert twice.oob_score_ < 0.93  # a copy in the bag is not out of it: no leak through duplicates
    with pytest.warns(UserWarning, match="OOB"):
        few = RandomForestClassifier(1, oob_score=True, random_state=0).fit(X, Y)
    assert np.isnan(few.oob_decision_function_).any()
    weights = np.ones(600)
    weights[:5] = 0
    assert np.isnan(RandomForestRegressor(30, oob_score=True, random_state=0).fit(XR, YR, weights).oob_prediction_[:5]).all()


def votes_out_of_bag(model, X):
    """Mean prediction of the trees that did not draw a row, by what the forest says of its trees."""
    total, voters = np.zeros((len(X), *model.estimators_[0].predict(X[:1]).shape[1:])), np.zeros(len(X))
    for tree, rows in zip(model.estimators_, model.estimators_samples_):
        out = np.setdiff1d(np.arange(len(X)), rows)
        total[out] += tree.predict(X[out])
        voters[out] += 1
    return total / voters


@pytest.mark.parametrize("seed", [None, 1])
def test_out_of_bag_of_a_warm_start(seed):
    """The score is that of all trees, also of those that an earlier fit grew, without or with a score of its own."""
    settings = {"random_state": seed, "max_depth": 3, "warm_start": True}
    model = RandomForestRegressor(20, **settings).fit(XR, YR)
    model.set_params(n_estimators=40, oob_score=True, max_samples=0.7).fit(XR, YR)
    np.testing.assert_allclose(model.oob_prediction_, votes_out_of_bag(model, XR), rtol=1e-12)
    with pytest.warns(UserWarning, match="Warm-start"):
        again = model.oob_score_, model.set_params(oob_score=lambda y, guess: -1).fit(XR, YR).oob_score_
    assert again[0] > 0.3 and again[1] == -1
    if seed is not None:
        once = RandomForestRegressor(20, oob_score=True, **settings).fit(XR, YR)
        model = RandomForestRegressor(5, **settings).fit(XR, YR)
        assert model.set_params(n_estimators=20, oob_score=True).fit(XR, YR).oob_score_ == once.oob_score_


@pytest.mark.parametrize("settings", [{"max_samples": 0.5}, {"bootstrap": False}, {"criterion": "entropy", "max_depth": 5},
                                      {"max_features": None, "min_samples_leaf": 3}, {"max_leaf_nodes": 12},
                                      {"criterion": "absolute_error", "max_depth": 4}, {"ccp_alpha": 0.003}], ids=str)
@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
def test_a_tree_fitted_on_its_sample_is_that_tree(kind, settings):
    regression = kind is RandomForestRegressor
    if settings.get("criterion") == ("entropy" if regression else "absolute_error"):
        settings = {}
    exact = "max_leaf_nodes" in settings or settings.get("criterion") == "absolute_error"  # which counts distinct rows
    settings = {"max_features": 0.5, **settings}
    X, y = (XR[:150], YR[:150]) if regression else (X_HOLES[:150], Y[:150])
    X, y = np.concatenate([X, X[:30]]), np.concatenate([y, y[:30]])  # some rows twice
    for target in (y,) if regression else (y, y > 0):
        model = kind(4, random_state=np.random.RandomState(3), **settings).fit(X, target)
        whole = 180 if model.max_samples is None else 90
        for tree, rows, leaves in zip(model.estimators_, model.estimators_samples_, model.apply(X).T, strict=True):
            assert rows.dtype == np.int32 and len(rows) == whole and (len(set(rows)) < whole) == model.bootstrap
            again = clone(tree).fit(X[rows], target[rows])
            np.testing.assert_allclose(again.tree_.value, tree.tree_.value, rtol=1e-12)
            for name in ("children_left", "feature", "missing_go_to_left", "n_node_samples")[:2 if exact else 4]:
                np.testing.assert_array_equal(again.nodes_[name], tree.nodes_[name])
            np.testing.assert_array_equal(tree.apply(X), leaves)


def test_samples_follow_weights():
    """Rows of no weight are never drawn, heavy ones often; equal rows are named in turn; without bootstrap all are there."""
    weights = np.ones(600)
    heavy = 300 + int((Y[300:] == 0).argmax())
    weights[:300], weights[heavy] = 0, 200_000.5
    model = RandomForestClassifier(3, random_state=0, class_weight={0: 1, 1: 1, 2: 0}).fit(X, Y, sample_weight=weights)
    for rows in model.estimators_samples_:
        assert len(rows) == 300 and rows.min() >= 300 and (rows == heavy).mean() > 0.98 and not (Y[rows] == 2).any()
    twice = RandomForestRegressor(20, random_state=0).fit(np.repeat(XR, 2, axis=0), np.repeat(YR, 2))
    counts = np.array([np.bincount(rows, minlength=1200) for rows in twice.estimators_samples_])
    single = RandomForestRegressor(20, random_state=0).fit(XR, YR, sample_weight=np.full(600, 2))
    pairs = np.array([np.bincount(rows, minlength=600) for rows in single.estimators_samples_])
    np.testing.assert_array_equal(counts[:, ::2] + counts[:, 1::2], pairs)
    assert (np.abs(counts[:, ::2] - counts[:, 1::2]) <= 1).all()
    whole = RandomForestRegressor(2, bootstrap=False).fit(XR, YR, sample_weight=np.arange(600) % 3)
    assert all(rows.tolist() == np.flatnonzero(np.arange(600) % 3).tolist() for rows in whole.estimators_samples_)
    tiny, usual = (RandomForestClassifier(2, random_state=0).fit(X[:200], Y[:200], sample_weight=np.full(200, weight))
                   for weight in (5e-324, 1.0))
    np.testing.assert_array_equal(tiny.estimators_samples_, usual.estimators_samples_)


@pytest.mark.parametrize(("part", "value", "words"), [
    ("seeds", np.zeros(1, np.int64), "2 trees"), ("seeds", np.array([0, 2**32]), "below 4294967296"),
    ("draws", np.array([5, -1]), "at least 0"), ("entry", np.array([0, 9], np.int32), "below 2"),
    ("entry", np.array([-1, -1], np.int32), "has a row"), ("weights", np.array([np.inf, 1.0]), "below inf"),
    ("weights", np.zeros(2), "sum above 0"), ("weights", np.ones(2, np.float32), "float64")])
def test_a_forged_bag_is_refused(part, value, words):
    model = RandomForestClassifier(2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    model.check_state()
    model._bag = {**model._bag, part: value}
    with pytest.raises(ModelFileError, match=words):
        model.check_state()


def test_a_forest_of_an_older_version():
    """It did not note what its trees drew: the samples are not known, and no row counts as out of the old trees' bags."""
    model = RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, Y)
    del model._bag
    model.check_state()
    with pytest.raises(AttributeError, match="saved by a version"):
        _ = model.estimators_samples_
    model.set_params(n_estimators=6, oob_score=True, warm_start=True)
    with pytest.warns(UserWarning, match="OOB"):
        model.fit(X, Y)
    assert len(model.estimators_samples_) == 6 and model[0].random_state == 0


def test_class_weights():
    rare = np.where(Y == 2, rng.random(600) < 0.15, Y == 0).astype(int)
    plain = RandomForestClassifier(30, max_depth=3, random_state=0).fit(X, rare).predict(X).mean()
    for weight in ("balanced", "balanced_subsample", {0: 0.2, 1: 5.0}):
        for settings in ({}, {"max_leaf_nodes": 8}):
            model = RandomForestClassifier(30, max_depth=3, class_weight=weight, random_state=0, **settings).fit(X, rare)
            assert model.predict(X).mean() > plain
    none = RandomForestClassifier(5, class_weight={0: 1, 1: 1, 2: 0}, random_state=0).fit(X, Y)
    assert none.predict_proba(X)[:, 2].max() == 0


def test_missing_values():
    holes = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    model = RandomForestClassifier(60, random_state=0).fit(holes, Y)
    assert model.score(holes, Y) == 1.0
    informative = np.where(Y == 1, np.nan, 0.0)[:, None]
    for settings in ({}, {"max_leaf_nodes": 4}):
        model = RandomForestClassifier(9, random_state=0, **settings).fit(informative, Y == 1)
        assert model.predict([[np.nan], [0.0]]).tolist() == [True, False]


def test_several_outputs():
    several = np.column_stack([Y, X[:, 0] > 0])
    model = RandomForestClassifier(20, oob_score=True, random_state=0).fit(X, several)
    assert (model.predict(X) == several).mean() > 0.99 and [p.shape for p in model.predict_proba(X)] == [(600, 3), (600, 2)]
    numbers = np.column_stack([YR, XR[:, 0]])
    assert RandomForestRegressor(20, random_state=0).fit(XR, numbers).score(XR, numbers) > 0.95
    labels = RandomForestClassifier(9, class_weight="balanced_subsample", random_state=0).fit(X, several == 1)
    assert labels.predict(X).shape == (600, 2)


@pytest.mark.parametrize("settings", [{}, {"max_leaf_nodes": 20}, {"ccp_alpha": 0.003}, {"criterion": "entropy"}], ids=str)
def test_trees_and_importances(settings):
    holes = np.where(rng.random(X.shape) < 0.1, np.nan, X)
    for y in (Y, (Y > 0)):
        model = RandomForestClassifier(7, random_state=0, **settings).fit(holes, y)
        trees = model.estimators_
        assert len(trees) == len(model) == 7
        np.testing.assert_allclose(np.mean([tree.predict_proba(holes) for tree in trees], axis=0),
                                   model.predict_proba(holes), atol=1e-12)
        importances = np.mean([tree.feature_importances_ for tree in trees], axis=0)
        np.testing.assert_allclose(model.feature_importances_, importances / importances.sum(), atol=1e-5)
        leaves, (path, starts) = model.apply(holes), model.decision_path(holes)
        assert leaves.shape == (600, 7)
        np.testing.assert_array_equal(np.asarray(path[np.arange(600), leaves[:, 3] + starts[3]]).ravel(), 1)
    numbers = RandomForestRegressor(3, random_state=0).fit(XR, YR)
    np.testing.assert_allclose(np.mean([tree.predict(XR) for tree in numbers], axis=0), numbers.predict(XR))
    assert set(np.argsort(numbers.feature_importances_)[-5:]) == set(range(5))  # Friedman's five


def test_monotonic_constraints_hold():
    model = RandomForestRegressor(10, monotonic_cst=[0, 0, 0, 1, -1, 0, 0, 0], random_state=0).fit(XR, YR)
    grid = np.repeat(XR[:30], 20, axis=0)
    grid[:, 3] = np.tile(np.linspace(0, 1, 20), 30)
    assert np.diff(model.predict(grid).reshape(30, 20), axis=1).min() >= -1e-12


def test_warm_start_and_interruption(monkeypatch):
    model = RandomForestClassifier(4, warm_start=True, random_state=0).fit(X, Y)
    model.set_params(n_estimators=9).fit(X, Y)
    whole = RandomForestClassifier(9, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(model.words_, whole.words_)
    with pytest.warns(UserWarning, match="Warm-start"):
        model.fit(X, Y)
    with pytest.raises(ParameterError, match="n_estimators=3"):
        model.set_params(n_estimators=3).fit(X, Y)
    with pytest.raises(DataError, match="warm start"):
        model.set_params(n_estimators=12).fit(X, Y > 0)

    def three_then_stop(*arguments, grow=forest.grow_forest):
        for number, tree in enumerate(grow(*arguments)):
            if number == 3:
                raise KeyboardInterrupt
            yield tree

    monkeypatch.setattr(forest, "grow_forest", three_then_stop)
    stopped = RandomForestClassifier(9, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y)
    assert len(stopped) == 3
    np.testing.assert_array_equal(stopped.words_, whole.words_[:len(stopped.words_)])
    assert stopped.predict(X).shape == (600,)


def test_sparse_and_float32():
    thin = np.where(rng.random(X.shape) < 0.6, 0.0, X)
    dense = RandomForestClassifier(6, random_state=0).fit(thin, Y)
    for kind in (sp.csr_matrix, sp.csc_array):
        model = RandomForestClassifier(6, random_state=0).fit(kind(thin), Y)
        np.testing.assert_array_equal(model.predict_proba(kind(thin)), dense.predict_proba(thin))
    small = RandomForestClassifier(6, random_state=0).fit(X.astype(np.float32), Y)
    assert small.edges_.dtype == np.float32
    np.testing.assert_array_equal(small.predict(X.astype(np.float32)), small.predict(X.astype(np.float32).astype(float)))


@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
def test_edges(kind):
    assert kind(2).fit([[1.0]], [3]).predict([[np.nan]])[0] == 3
    model = kind(3, random_state=0).fit(np.ones((6, 2)), [1, 2, 1, 2, 2, 2])
    assert len(model.words_) == 3 and model.feature_importances_.tolist() == [0.0, 0.0]
    assert kind(2).fit(np.arange(6.0)[:, None], [7] * 6).predict([[9.0]])[0] == 7


def test_errors():
    cases = [({"n_estimators": 0}, "got 0"), ({"max_features": "sqr"}, "sqrt"), ({"max_samples": 0.0}, "got 0.0"),
             ({"bootstrap": False, "oob_score": True}, "oob_score"), ({"bootstrap": False, "max_samples": 5}, "max_samples"),
             ({"n_jobs": 0}, "n_jobs == 0"), ({"criterion": "squared_error"}, "gini")]
    for settings, words in cases:
        with pytest.raises(ParameterError, match=words) as caught:
            RandomForestClassifier(**settings).fit(X, Y)
        assert caught.value.rule
    with pytest.raises(DataError, match="infinity"):
        RandomForestClassifier().fit(np.full((3, 1), np.inf), [0, 1, 1])
    with pytest.raises(DataError, match="-2"):
        RandomForestRegressor(criterion="poisson").fit([[1.0], [2.0]], [-2.0, 3.0])


@pytest.mark.parametrize("name", ["ensemble.forest_grow.forest_arrays", "ensemble.forest_grow.leaf_sums"])
def test_formula(name):
    assert forest_grow
    found = find(name)
    for example in found.examples:
        assert compare(found, *example(np.random.default_rng(4))).equal


def test_bootstrap_is_uniform():
    """Efron 1979: a bootstrap sample leaves out each row with probability (1 - 1/n)^n, about 0.368."""
    n, trees = 50, 200
    codes = np.zeros((1, n), np.uint8)
    counts = np.array([tree[3].copy() for tree in forest_grow.grow_forest(
        codes, np.zeros(n), np.ones(n), forest_grow.NUMBERS, 0, forest_grow.states_of(range(trees)), n, np.ones(1))])
    assert (counts.sum(axis=1) == n).all()
    assert abs((counts == 0).mean() - 0.364) < 0.015
    assert np.abs(counts.mean(axis=0) - 1).max() < 4.5 / np.sqrt(trees)


@pytest.mark.parametrize("bits", [0, 1, 3])
def test_rows_whose_hashes_collide_stay_apart(monkeypatch, bits):
    """A hash that keeps `bits` bits makes strangers meet: they must neither merge nor depend on the order of the rows."""
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 3, (2, 60)).astype(np.uint8)
    y = rng.integers(0, 2, (60, 2)) * np.array([1.0, -1.0])  # with -0.0 and 0.0, which are equal
    weights = rng.integers(1, 4, 60).astype(float)
    honest = forest.row_hashes
    monkeypatch.setattr(forest, "row_hashes", lambda codes, outputs: honest(codes, outputs) & np.uint64(2**bits - 1))
    first, entry, merged = forest.merge_equal_rows(codes, y, weights)
    rows = np.column_stack([codes.T, y]) + 0.0
    np.testing.assert_array_equal(rows[first][entry], rows)
    assert len(np.unique(rows, axis=0)) == len(first)
    np.testing.assert_array_equal(merged, np.bincount(entry, weights))
    shuffled = rng.permutation(60)
    again, _, merged_again = forest.merge_equal_rows(codes[:, shuffled], y[shuffled], weights[shuffled])
    np.testing.assert_array_equal(rows[shuffled][again], rows[first])
    np.testing.assert_array_equal(merged_again, merged)


@pytest.mark.parametrize("share", [np.inf, 1e20, 10**20, 2**40, 1e8])
def test_more_draws_than_can_be_counted_are_refused(share):
    with pytest.raises(ParameterError, match="max_samples") as caught:
        RandomForestClassifier(1, max_samples=share).fit(X, Y)
    assert caught.value.rule


def test_one_tree_is_built_when_one_is_asked_for(monkeypatch):
    model = RandomForestClassifier(5, random_state=0).fit(X, Y)
    built = []
    honest = RandomForestClassifier._tree
    monkeypatch.setattr(RandomForestClassifier, "_tree", lambda self, t: built.append(t) or honest(self, t))
    trees = model.estimators_
    built.clear()
    np.testing.assert_array_equal(model[-1].nodes_["threshold"], trees[4].nodes_["threshold"])
    assert built == [4] and next(iter(model)).get_depth() == trees[0].get_depth() and len(model[1:3]) == 2
    built.clear()
    np.testing.assert_array_equal(model.apply(X), np.column_stack([tree.apply(X) for tree in trees]))
    path, starts = model.decision_path(X)
    for tree, begin, end in zip(trees, starts, starts[1:]):
        assert (path[:, begin:end] != tree.decision_path(X)).nnz == 0
    assert built == []
    with pytest.raises(IndexError):
        model[5]


@pytest.mark.parametrize("settings", [{"criterion": "absolute_error"}, {"max_leaf_nodes": 9},
                                      {"monotonic_cst": [1, 0, -1] + [0] * 5, "max_features": 3}], ids=str)
def test_exact_trees_do_not_depend_on_threads(settings):
    models = [RandomForestRegressor(5, n_jobs=n, random_state=0, **settings).fit(XR[:80], YR[:80]) for n in (1, 2, 3)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.words_, models[0].words_)
        np.testing.assert_array_equal(model.values_, models[0].values_)


def test_single_trees_report_the_forests_parameters():
    X = np.random.default_rng(0).normal(size=(60, 3))
    told = {"max_depth": 3, "min_samples_leaf": 2, "max_features": 0.5, "ccp_alpha": 0.001}
    model = RandomForestRegressor(n_estimators=2, criterion="squared_error", **told).fit(X, X[:, 0])
    for tree in (model.estimators_[1], model[0]):
        assert {name: tree.get_params()[name] for name in told} == told
    assert RandomForestClassifier(2, class_weight="balanced").fit(X, X[:, 0] > 0).estimators_[0].class_weight is None
