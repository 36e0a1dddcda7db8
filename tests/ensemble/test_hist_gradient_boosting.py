"""Histogram gradient boosting against scikit-learn and LightGBM, and what it promises on its own."""

import pickle

import numba
import numpy as np
import pytest
import sklearn.ensemble
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from homespun.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from homespun.ensemble.hist_gradient_boosting import splitting
from homespun.ensemble.hist_gradient_boosting.histogram import Ranges, choose_units
from homespun.ensemble.hist_gradient_boosting.predictor import FEW, add_scores, pack_forest, random_tree, unpack_forest
from homespun.errors import DataError, ParameterError

BOTH = [HistGradientBoostingRegressor, HistGradientBoostingClassifier]
THEIRS = {cls: getattr(sklearn.ensemble, cls.__name__) for cls in BOTH}


def made(n=240, d=4, seed=0, missing=False):
    """Uncentred, unscaled, untied data with fewer distinct values than bins, so that both sides bin alike."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * [1, 100, 1e-3, 5][:d] + [0, 1e4, 0, -7][:d]
    y = np.sin(X[:, 0]) + X[:, 1] / 100 - 100 + 300 * X[:, 2] * (X[:, 0] > 0) + 0.3 * rng.normal(size=n) + 40
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
        y += np.isnan(X[:, 1])
    return X, y


def trees_of(model):
    return unpack_forest(model._forest)


# -- scikit-learn's contract and results ------------------------------------------------------------------------------

@pytest.mark.parametrize("cls", BOTH)
def test_every_check_of_scikit_learn(cls):
    count = 0
    for estimator, check in estimator_checks_generator(cls(max_iter=5, min_samples_leaf=5)):
        if "array_api" not in str(check):  # needs another array library
            check(estimator)
            count += 1
    assert count > 50


@pytest.mark.parametrize("cls", BOTH)
def test_signature_and_attributes_are_scikit_learns(cls):
    theirs = THEIRS[cls]
    assert cls().get_params() == theirs().get_params()
    X, y = made()
    y = y > np.median(y) if cls is HistGradientBoostingClassifier else y
    ours = cls(max_iter=3, early_stopping=True).fit(X, y)
    peer = theirs(max_iter=3, early_stopping=True).fit(X, y)
    public = {name for name in vars(peer) if name.endswith("_") and not name.startswith("_")}
    assert public <= set(vars(ours))
    assert ours.n_iter_ == peer.n_iter_ and ours.train_score_.shape == peer.train_score_.shape


@pytest.mark.parametrize("settings_", [
    {}, {"l2_regularization": 2.0}, {"max_depth": 3}, {"max_leaf_nodes": None, "min_samples_leaf": 7},
    {"max_leaf_nodes": 5, "learning_rate": 0.5}, {"monotonic_cst": [1, 0, -1, 0]}, {"interaction_cst": [(0, 1), (1, 2, 3)]},
    {"interaction_cst": "no_interactions"},
], ids=str)
@pytest.mark.parametrize("missing", [False, True])
def test_regression_equals_scikit_learn(settings_, missing):
    X, y = made(missing=missing)
    ours = HistGradientBoostingRegressor(max_iter=8, **settings_).fit(X, y)
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(max_iter=8, **settings_).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-5)
    first, peer = trees_of(ours)[0], theirs._predictors[0][0].nodes
    assert sorted(zip(first.feature[first.left >= 0], first.bin[first.left >= 0])) == sorted(
        zip(peer["feature_idx"][peer["is_leaf"] == 0], peer["bin_threshold"][peer["is_leaf"] == 0]))
    assert first.rows[0] == 240 and sorted(first.rows) == sorted(peer["count"])


@pytest.mark.parametrize("loss", ["poisson", "gamma", "squared_error"])
def test_losses_with_curvature_equal_scikit_learn(loss):
    X, y = made()
    y = np.round(np.exp((y - y.mean()) / y.std()) * 5 + 1)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(y))
    ours = HistGradientBoostingRegressor(loss, max_iter=10).fit(X, y, weights)
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=10).fit(X, y, weights)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)
    values = [model.fit(X, y).train_score_ for model in (ours.set_params(early_stopping=True, validation_fraction=None),
                                                         theirs.set_params(early_stopping=True, validation_fraction=None))]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4)


@pytest.mark.parametrize(("loss", "quantile"), [("absolute_error", None), ("quantile", 0.2), ("quantile", 0.9)])
def test_losses_without_curvature_reach_what_scikit_learn_reaches(loss, quantile):
    X, y = made(n=400)
    extra = {} if quantile is None else {"quantile": quantile}
    ours = HistGradientBoostingRegressor(loss, **extra).fit(X, y).predict(X)
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(loss=loss, **extra).fit(X, y).predict(X)
    level = 0.5 if quantile is None else quantile

    def pinball(p):
        return np.mean(np.maximum(level * (y - p), (level - 1) * (y - p)))

    assert pinball(ours) <= 1.03 * pinball(theirs)
    assert abs(np.mean(y <= ours) - level) < 0.05


@pytest.mark.parametrize("classes", [2, 3])
def test_classification_equals_scikit_learn(classes):
    X, y = made(missing=True)
    y = np.array(["a", "b", "c"])[np.digitize(y, np.quantile(y, [0.3, 0.6][:classes - 1]))]
    weight = "balanced" if classes == 2 else None  # three equally weighted classes start with exact ties between splits
    ours = HistGradientBoostingClassifier(max_iter=12, class_weight=weight).fit(X, y)
    theirs = sklearn.ensemble.HistGradientBoostingClassifier(max_iter=12, class_weight=weight).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), rtol=1e-3, atol=1e-4)
    assert (ours.predict(X) == theirs.predict(X)).all() and ours.n_trees_per_iteration_ == theirs.n_trees_per_iteration_
    for ours_part, theirs_part in zip(ours.staged_predict_proba(X), theirs.staged_predict_proba(X)):
        np.testing.assert_allclose(ours_part, theirs_part, atol=1e-5)


def test_quality_is_that_of_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50_000, 8)).astype(np.float32)
    X[:, :2] = np.exp(X[:, :2])
    score = np.tanh(X[:, 0] * X[:, 2]) + np.abs(X[:, 3]) + np.sin(2 * X[:, 4]) - 0.4 * X[:, 5] + rng.normal(size=len(X))
    y = score > np.median(score)
    train, test = slice(0, 40_000), slice(40_000, None)  # 40,000 rows: gradients are packed
    ours = HistGradientBoostingClassifier(max_iter=60, early_stopping=False).fit(X[train], y[train])
    settings_ = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.1, "max_bin": 255, "num_threads": 2, "verbose": -1}
    theirs = lightgbm.train(settings_, lightgbm.Dataset(X[train], y[train].astype(int)), 60)
    assert roc_auc_score(y[test], ours.decision_function(X[test])) > roc_auc_score(y[test], theirs.predict(X[test])) - 0.001


def naive_tree(codes, g, h, max_leaf_nodes, min_samples_leaf, l2):
    """A tree by the definition: best first, every cut of every feature tried on every leaf; the value of each row."""
    def best_cut(rows):
        found = (0.0, None, None)
        total = g[rows].sum() ** 2 / (h[rows].sum() + l2)
        for code in codes:
            for cut in range(int(code.max())):
                left, right = rows[code[rows] <= cut], rows[code[rows] > cut]
                if min(len(left), len(right)) >= min_samples_leaf:
                    gain = sum(g[side].sum() ** 2 / (h[side].sum() + l2) for side in (left, right)) - total
                    if gain > found[0] + 1e-9:
                        found = (gain, left, right)
        return found

    leaves = [(np.arange(len(g)), best_cut(np.arange(len(g))))]
    while len(leaves) < max_leaf_nodes:
        place = max(range(len(leaves)), key=lambda i: leaves[i][1][0])
        gain, left, right = leaves[place][1]
        if gain == 0:
            break
        leaves[place:place + 1] = [(left, best_cut(left)), (right, best_cut(right))]
    value = np.zeros(len(g))
    for rows, _ in leaves:
        value[rows] = -g[rows].sum() / (h[rows].sum() + l2)
    return value


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_boosting_equals_its_naive_twin(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 9, (150, 3)).astype(np.float64)
    y = (X[:, 0] * X[:, 1] / 9 + rng.normal(size=150) * 2 > 4).astype(np.float64)
    raw = np.full(150, np.log(y.mean() / (1 - y.mean())))
    for _ in range(5):
        p = 1 / (1 + np.exp(-raw))
        raw += 0.3 * naive_tree(X.T, p - y, p * (1 - p), 6, 8, 0.7)
    ours = HistGradientBoostingClassifier(max_iter=5, learning_rate=0.3, max_leaf_nodes=6, min_samples_leaf=8,
                                          l2_regularization=0.7)
    np.testing.assert_allclose(ours.fit(X, y).decision_function(X), raw, rtol=1e-5, atol=1e-6)


# -- promises ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("n", [500, 70_000])
def test_threads_and_row_order_leave_no_trace(n):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(n, 20)), 2)
    y = X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=n) > 0
    threads = numba.get_num_threads()
    order = rng.permutation(n)
    model = HistGradientBoostingClassifier(max_iter=4, early_stopping=False)
    try:
        numba.set_num_threads(1)
        one = model.fit(X, y).decision_function(X)
        numba.set_num_threads(threads)
        many = model.fit(X, y).decision_function(X)
    finally:
        numba.set_num_threads(threads)
    assert (one == many).all()
    shuffled = clone(model).fit(X[order], y[order]).decision_function(X)
    np.testing.assert_allclose(shuffled, one, rtol=1e-12 if n == 500 else 2e-3, atol=1e-12 if n == 500 else 1e-2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_integer_weights_are_repetitions_to_the_last_bit(seed, classify):
    rng = np.random.default_rng(seed)
    X, y = made(n=60, seed=seed, missing=True)
    weights = rng.integers(0, 4, 60)
    y = (y > np.median(y)).astype(float) if classify else y
    cls = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    model = cls(max_iter=6, min_samples_leaf=3)
    raw = "decision_function" if classify else "predict"
    weighted = getattr(clone(model).fit(X, y, weights), raw)(X)
    repeated = getattr(clone(model).fit(X.repeat(weights, axis=0), y.repeat(weights)), raw)(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9)


def test_rows_of_weight_zero_are_not_there():
    X, y = made(n=100)
    weights = np.where(np.arange(100) % 3 == 0, 0.0, 0.7)
    ours = HistGradientBoostingRegressor(max_iter=5).fit(X, y, weights)
    without = HistGradientBoostingRegressor(max_iter=5).fit(X[weights > 0], y[weights > 0], weights[weights > 0])
    assert (ours.predict(X) == without.predict(X)).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, -1]), st.booleans())
def test_monotone_constraints_hold_everywhere(seed, direction, classify):
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(200, 3)), 1)
    y = direction * np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 0] + rng.normal(size=200)
    cls = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    model = cls(max_iter=8, min_samples_leaf=2, monotonic_cst=[direction, 0, 0], learning_rate=0.5)
    model.fit(X, y > 0 if classify else y)
    grid = np.repeat(rng.normal(size=(10, 3)), 40, axis=0)
    grid[:, 0] = np.tile(np.linspace(-4, 4, 40), 10)
    out = (model.decision_function(grid) if classify else model.predict(grid)).reshape(10, 40)
    assert (direction * np.diff(out, axis=1) >= -1e-12).all()


def test_interactions_stay_within_their_groups():
    X, y = made(n=600)
    groups = [{0, 1}, {1, 2}]  # feature 3 becomes a group of its own
    model = HistGradientBoostingRegressor(max_iter=20, interaction_cst=groups).fit(X, y)
    for tree in trees_of(model):
        def walk(node, path, tree=tree):
            if tree.left[node] < 0:
                assert not path or any(path <= group for group in [*groups, {3}])
                return
            walk(tree.left[node], path | {int(tree.feature[node])})
            walk(tree.right[node], path | {int(tree.feature[node])})
        walk(0, set())


@pytest.mark.parametrize("n", [300, 40_000])
def test_limits_of_a_tree_hold(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = (X[:, 0] > 2.2) | (rng.random(n) < 0.01)  # rare: hessians differ much, so packed counts are guesses
    model = HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=25, max_leaf_nodes=17, max_depth=4, early_stopping=False)
    for tree in trees_of(model.fit(X, y)):
        leaves = tree.left < 0
        assert tree.rows[leaves].min() >= 25 and leaves.sum() <= 17 and tree.depth.max() <= 4
        assert tree.rows[leaves].sum() == n


def test_heavy_tails_are_summed_exactly():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 3))
    y = X[:, 0].copy()
    y[0] = 1e7  # 16 bits of the largest gradient would be 300 units: nothing else could be seen
    model = HistGradientBoostingRegressor(max_iter=30, early_stopping=False).fit(X, y)
    for values, packed in ((y, False), (X[:, 0], True)):
        ranges = Ranges.of(values.astype(np.float32), np.ones_like(y, np.float32))
        assert choose_units(ranges, len(y), False, False)[0] is packed
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(max_iter=30, early_stopping=False).fit(X, y)
    ours_error, theirs_error = (np.median(np.abs(m.predict(X) - y)) for m in (model, theirs))
    assert ours_error <= 1.2 * theirs_error


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_unit_of_the_target_and_of_the_weights_does_not_matter(scale):
    X, y = made()
    plain = HistGradientBoostingRegressor(max_iter=10).fit(X, y).predict(X)
    np.testing.assert_allclose(HistGradientBoostingRegressor(max_iter=10).fit(X, y * scale).predict(X), plain * scale, rtol=1e-5)
    if scale != 1e-8:  # below the smallest hessian of a child, 1e-3, nothing is split
        weights = np.full(len(y), 0.5 * scale + 0.25)  # not whole, or min_samples_leaf would count them
        np.testing.assert_allclose(HistGradientBoostingRegressor(max_iter=10).fit(X, y, weights).predict(X), plain, rtol=1e-5)


def test_float32_is_binned_and_predicted_as_it_is():
    X, y = made()
    X = X.astype(np.float32)
    model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    assert model._edges.dtype == np.float32
    assert (model.predict(X) == model.predict(X.astype(np.float64))).all()
    assert model.predict(X).dtype == np.float64


@pytest.mark.parametrize("leaves", [31, 256, 257])
def test_trees_of_any_size_predict_what_training_saw(leaves):
    X, y = made(n=2000, missing=True)
    X[5, 0], X[6, 0] = np.inf, -np.inf
    model = HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=leaves, min_samples_leaf=5, early_stopping=True,
                                          validation_fraction=None).fit(X, y)
    assert trees_of(model)[0].n_leaves == leaves
    np.testing.assert_allclose(-np.mean((y - model.predict(X)) ** 2) / 2, model.train_score_[-1], rtol=1e-9)


def walk(tree, row, edges):
    """The leaf's value for a row of numbers, by the definition."""
    node = 0
    while tree.left[node] >= 0:
        x, which = row[tree.feature[node]], tree.set_index[node]
        if np.isnan(x):
            left = tree.sets[which, 255] if which >= 0 else tree.missing_left[node]
        else:
            left = tree.sets[which, int(x)] if which >= 0 else x <= edges[tree.feature[node], tree.bin[node]]
        node = tree.left[node] if left else tree.right[node]
    return tree.value[node]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n_scores=st.sampled_from([1, 1, 3]), n=st.sampled_from([1, FEW, FEW + 1, 300]),
       x_type=st.sampled_from([np.float32, np.float64]), edge_type=st.sampled_from([np.float32, np.float64]),
       order=st.sampled_from("CF"))
def test_any_trees_predict_what_a_walk_does_to_the_last_bit(seed, n_scores, n, x_type, edge_type, order):
    """Numbers on thresholds and beside them, infinities, missing values, categories; trees that are followed and walked."""
    rng, d = np.random.default_rng(seed), 6
    edges = np.sort(rng.normal(size=(d, 255)), axis=1).astype(edge_type)
    edges[1, 40:] = edges[2, 1:] = edges[3, :] = edges[:, 254] = np.inf
    edges[d - 1, :254] = np.arange(254) + 0.5
    X = rng.normal(size=(n, d))
    on_edge = rng.random((n, d)) < 0.5
    X[on_edge] = edges[np.nonzero(on_edge)[1], rng.integers(0, 254, on_edge.sum())]
    with np.errstate(over="ignore"):
        X = np.where(rng.random((n, d)) < 0.3, np.nextafter(X.astype(x_type), x_type(9)), X.astype(x_type))
    X[:, d - 1] = rng.integers(0, 255, n)
    X[rng.random((n, d)) < 0.1] = np.nan
    X[rng.random((n, d)) < 0.05] = -np.inf
    X[np.isinf(X[:, d - 1]), d - 1] = 0
    trees = [random_tree(rng, int(rng.choice([1, 2, 9, 31, 64, 256, 260])), d, sets=bool(rng.random() < 0.2))
             for _ in range(3 * n_scores * int(rng.integers(0, 4)))]
    forest = pack_forest(trees, n_scores, edges)
    raw = rng.normal(size=(n_scores, n))
    have, want = add_scores(forest, np.asarray(X, order=order), raw.copy()), raw.copy()
    for t in [*forest["followed"], *forest["walked"]]:
        want[t % n_scores] += [walk(trees[t], row, edges) for row in X.astype(np.float64)]
    np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("options", [{}, {"max_leaf_nodes": 300, "min_samples_leaf": 1}, {"categorical_features": [3]}])
def test_rows_get_the_same_bits_in_any_company(options):
    X, y = made(n=1500, missing=True)
    X[:, 3] = np.arange(1500) % 7
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    model = HistGradientBoostingClassifier(max_iter=8, early_stopping=False, **options).fit(X, labels)
    whole = model.decision_function(X)
    for size in (1, FEW, FEW + 1, 130, 1100):
        np.testing.assert_array_equal(model.decision_function(X[7:7 + size]), whole[7:7 + size])
        np.testing.assert_array_equal(model.decision_function(np.asfortranarray(X)[7:7 + size]), whole[7:7 + size])


# -- missing values and categories ------------------------------------------------------------------------------------

def test_missing_values_go_where_they_help():
    x = np.array([[0.0], [1.0], [np.nan], [np.nan]] * 30)
    for y in (np.array([0, 1, 1, 1] * 30), np.array([0, 1, 0, 0] * 30)):
        model = HistGradientBoostingClassifier(max_iter=30).fit(x, y)
        assert (model.predict(x) == y).all()


def test_missing_values_that_training_did_not_see_go_with_the_majority():
    x = np.r_[np.zeros(70), np.ones(30)][:, None]
    model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1).fit(x, x[:, 0])
    assert model.predict([[np.nan]]) == model.predict([[0.0]])


def category_data(n=600, k=12, seed=0):
    rng = np.random.default_rng(seed)
    c = rng.integers(0, k, n)
    good = np.array([2, 5, 7, 11])
    return c, np.isin(c, good) * 2.0 + rng.normal(size=n) * 0.1, good


def test_a_set_of_categories_is_one_split():
    c, y, good = category_data()
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2, learning_rate=1, categorical_features=[0])
    model.fit(c[:, None], y)
    tree = trees_of(model)[0]
    left = np.flatnonzero(tree.sets[0][:12])
    assert set(left) in (set(good), set(range(12)) - set(good))
    assert model.is_categorical_.tolist() == [True]
    np.testing.assert_allclose(model.predict(c[:, None]), np.isin(c, good) * 2.0, atol=0.05)


@pytest.mark.parametrize("kind", ["numbers", "mask", "pandas", "polars", "names"])
def test_categories_equal_scikit_learn(kind):
    c, y, _ = category_data()
    other = np.random.default_rng(1).normal(size=len(c))
    y = y + other * (c > 6)
    words = np.array(["red", "green", "blue", "cyan", "pink", "grey", "tan", "teal", "gold", "lime", "navy", "rust"])[c]
    asked: object = "from_dtype"
    if kind == "polars":
        pl = pytest.importorskip("polars")
        X = pl.DataFrame({"o": other, "c": words}).with_columns(pl.col("c").cast(pl.Categorical))
    elif kind in ("pandas", "names"):
        pd = pytest.importorskip("pandas")
        X = pd.DataFrame({"o": other, "c": words})
        if kind == "pandas":
            X["c"] = X["c"].astype("category")
        else:
            asked = ["c"]
    else:
        X = np.column_stack([other, c * 10.0])
        asked = [1] if kind == "numbers" else [False, True]
    ours = HistGradientBoostingRegressor(max_iter=10, categorical_features=asked).fit(X, y)
    theirs = sklearn.ensemble.HistGradientBoostingRegressor(max_iter=10, categorical_features=asked).fit(X, y)
    assert np.abs(ours.predict(X) - theirs.predict(X)).max() < 0.2  # our bins of the other feature differ a little
    assert ours.score(X, y) > theirs.score(X, y) - 0.005


def test_unknown_categories_are_missing_ones():
    pd = pytest.importorskip("pandas")
    c, y, _ = category_data()
    X = pd.DataFrame({"c": pd.Categorical(np.where(c == 3, None, np.array([f"k{i}" for i in range(12)])[c]))})
    model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    new = pd.DataFrame({"c": pd.Categorical(["never seen", None, "k3"])})
    assert len(set(model.predict(new).tolist())) == 1
    numbers = HistGradientBoostingRegressor(max_iter=5, categorical_features=[0]).fit(np.where(c == 3, -1, c)[:, None], y)
    assert len(set(numbers.predict([[-1.0], [np.nan], [99.0], [-7.0]]).tolist())) == 1


def test_255_categories_fit_and_256_do_not():
    c = np.arange(256).repeat(12)
    y = (c % 7 == 0) * 1.0
    model = HistGradientBoostingRegressor(max_iter=1, learning_rate=1, max_leaf_nodes=2, categorical_features=[0])
    few = c < 255
    np.testing.assert_allclose(model.fit(c[few, None], y[few]).predict(c[few, None]), y[few], atol=1e-6)
    with pytest.raises(DataError, match="256 categories") as caught:
        model.fit(c[:, None], y)
    assert caught.value.operands == {"feature": 0, "categories": 256}


# -- the loop ---------------------------------------------------------------------------------------------------------

def test_early_stopping_keeps_what_helped():
    X, y = made(n=500)
    rng = np.random.default_rng(0)
    model = HistGradientBoostingRegressor(early_stopping=True, n_iter_no_change=3, random_state=0).fit(X, rng.permutation(y))
    assert model.n_iter_ < 30 and len(model.validation_score_) == model.n_iter_ + 1 == len(model.train_score_)
    assert model.do_early_stopping_ and max(model.validation_score_[-3:]) <= model.validation_score_[-4] + 1e-7
    assert not HistGradientBoostingRegressor(max_iter=1).fit(X, y).do_early_stopping_


@pytest.mark.parametrize("scoring", ["loss", "roc_auc", None, lambda model, X, y: -log_loss(y, model.predict_proba(X))])
@pytest.mark.parametrize("fraction", [0.2, None])
def test_every_kind_of_score_is_watched(scoring, fraction):
    X, y = made(n=300)
    y = np.where(y > np.median(y), "yes", "no")
    weights = np.random.default_rng(0).uniform(1, 2, 300) if scoring == "loss" else None
    model = HistGradientBoostingClassifier(max_iter=6, early_stopping=True, scoring=scoring, validation_fraction=fraction,
                                           random_state=1).fit(X, y, weights)
    assert len(model.train_score_) == 7 and model.train_score_[-1] > model.train_score_[0]
    assert len(model.validation_score_) == (0 if fraction is None else 7)
    if callable(scoring) and fraction is None:
        np.testing.assert_allclose(model.train_score_[-1], scoring(model, X, y), rtol=1e-12)


def test_validation_data_may_be_given():
    X, y = made(n=300)
    model = HistGradientBoostingRegressor(max_iter=5).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    np.testing.assert_allclose(model.validation_score_[-1], -np.mean((y[200:] - model.predict(X[200:])) ** 2) / 2)
    with pytest.raises(ParameterError, match="without y_val"):
        model.fit(X, y, X_val=X)
    with pytest.raises(ParameterError, match="early_stopping is False"):
        model.set_params(early_stopping=False).fit(X, y, X_val=X, y_val=y)
    with pytest.raises(DataError, match="'purple'"):
        HistGradientBoostingClassifier().fit(X, y > 40, X_val=X, y_val=np.array(["purple"] * 300))


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_warm_start_goes_on_as_one_fit(share):
    X, y = made()
    whole = HistGradientBoostingRegressor(max_iter=12, max_features=share, random_state=3).fit(X, y)
    parts = HistGradientBoostingRegressor(max_iter=5, max_features=share, random_state=3, warm_start=True).fit(X, y)
    parts.set_params(max_iter=12).fit(X, y)
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-9)
    with pytest.raises(ParameterError, match="got 4"):
        parts.set_params(max_iter=4).fit(X, y)


def test_max_features_draws_anew_for_each_split():
    X, y = made(n=1000)
    few = HistGradientBoostingRegressor(max_iter=10, max_features=0.25, random_state=0).fit(X, y)
    again = HistGradientBoostingRegressor(max_iter=10, max_features=0.25, random_state=0).fit(X, y)
    other = HistGradientBoostingRegressor(max_iter=10, max_features=0.25, random_state=1).fit(X, y)
    assert (few.predict(X) == again.predict(X)).all() and (few.predict(X) != other.predict(X)).any()
    assert set(np.concatenate([tree.feature[tree.left >= 0] for tree in trees_of(few)])) == {0, 1, 2, 3}


def test_ctrl_c_keeps_the_rounds_that_are_done(monkeypatch):
    from homespun.ensemble.hist_gradient_boosting.boosting import Boosting

    X, y = made()
    rounds = []

    def stop(self, number, round_=Boosting.round):
        rounds.append(number)
        if number == 4:
            raise KeyboardInterrupt
        return round_(self, number)

    monkeypatch.setattr(Boosting, "round", stop)
    model = HistGradientBoostingRegressor(warm_start=True, max_iter=9)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    monkeypatch.undo()
    assert model.n_iter_ == 4 and rounds == [0, 1, 2, 3, 4]
    whole = HistGradientBoostingRegressor(max_iter=9).fit(X, y).predict(X)
    np.testing.assert_allclose(model.fit(X, y).predict(X), whole, rtol=1e-9)


def test_verbose_tells_what_happens(capsys):
    X, y = made()
    HistGradientBoostingRegressor(max_iter=2, verbose=2, early_stopping=True).fit(X, y)
    out = capsys.readouterr().out
    assert "[2/2]" in out and "validation score" in out and "2 trees in" in out


def test_a_pickle_predicts_the_same():
    X, y = made(missing=True)
    model = HistGradientBoostingRegressor(max_iter=5).fit(X, y)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


# -- edges of the input -----------------------------------------------------------------------------------------------

def test_constant_targets_and_columns():
    X, _ = made(n=100)
    constant = HistGradientBoostingRegressor(max_iter=3).fit(X, np.full(100, 0.1))
    np.testing.assert_allclose(constant.predict(X), 0.1, rtol=1e-14)
    assert trees_of(constant)[0].n_leaves == 1
    X[:] = 3.0
    model = HistGradientBoostingRegressor(max_iter=3).fit(X, np.arange(100.0))
    np.testing.assert_allclose(model.predict(X), 49.5)
    X[:, 0] = np.nan
    np.testing.assert_allclose(HistGradientBoostingRegressor(max_iter=3).fit(X, np.arange(100.0)).predict(X), 49.5)


def test_one_class_is_certain():
    X, _ = made(n=50)
    model = HistGradientBoostingClassifier(max_iter=3).fit(X, ["only"] * 50)
    assert (model.predict(X) == "only").all() and (model.predict_proba(X) == 1).all()


def test_one_row():
    assert HistGradientBoostingRegressor().fit([[1.0, 2.0]], [3.0]).predict([[9.0, np.nan]]) == 3.0


@pytest.mark.parametrize(("settings_", "word"), [
    ({"learning_rate": 0}, "got 0"), ({"learning_rate": np.inf}, "got inf"),
    ({"max_bins": 256}, "256"), ({"max_features": 1.5}, "1.5"),
    ({"loss": "squared"}, "squared_error"),
    ({"loss": "quantile"}, "quantile must be"), ({"monotonic_cst": [1, 0]}, "(2,)"), ({"monotonic_cst": [2, 0, 0, 0]}, "got 2"),
    ({"monotonic_cst": {"a": 1}}, "'a'"), ({"interaction_cst": [[0, 9]]}, "[0, 9]"), ({"interaction_cst": [3]}, "got 3"),
    ({"categorical_features": [4]}, "got 4"), ({"categorical_features": [True]}, "(1,)"),
    ({"categorical_features": ["x"]}, "no column names"), ({"categorical_features": [0.5]}, "float64"),
    ({"categorical_features": [0], "monotonic_cst": [1, 0, 0, 0]}, "categorical"),
])
def test_wrong_parameters_are_explained(settings_, word):
    X, y = made(n=50)
    X[:, 0] = np.arange(50) % 5
    with pytest.raises(ParameterError) as caught:
        HistGradientBoostingRegressor(**settings_).fit(X, y)
    assert word in str(caught.value) and caught.value.rule


def test_gradients_that_32_bits_do_not_hold_are_explained():
    X, y = made(n=60)
    with pytest.raises(DataError, match=r"round 1 .* y reaches 1\.[0-9]+e\+302") as caught:
        HistGradientBoostingRegressor().fit(X, y / abs(y).max() * 1.5e302)
    assert caught.value.operands["y"] > 1e302 and "divide y" in caught.value.suggestion
    with pytest.raises(DataError, match="learning_rate is 1e\\+30"):
        HistGradientBoostingRegressor(learning_rate=1e30, min_samples_leaf=2).fit(X, y)
    large = HistGradientBoostingRegressor("absolute_error", max_iter=3).fit(X, y * 1e300).predict(X)  # its gradients are 1 and -1
    np.testing.assert_allclose(large, HistGradientBoostingRegressor("absolute_error", max_iter=3).fit(X, y).predict(X) * 1e300)
    large = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2).fit(X, y * 1e34).predict(X)  # their squares are beyond
    np.testing.assert_allclose(large, HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2).fit(X, y).predict(X) * 1e34,
                               rtol=1e-5)


@pytest.mark.parametrize("n", [1, 7, 300])
@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f8", "i8"])
def test_every_way_to_hand_rows_over_predicts_the_same(n, kind):
    X, y = made(n=300)
    X = np.round(X)
    model = HistGradientBoostingClassifier(max_iter=20).fit(X, y > np.median(y))
    want = model.predict_proba(X.tolist())[:n]
    for rows in (X[:n].astype(kind), np.asfortranarray(X[:n].astype(kind)), X.astype(kind)[:n, ::-1][:, ::-1]):
        assert (model.predict_proba(rows) == want).all()
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:n, :3])
    with pytest.raises(ValueError, match="0 sample"):
        model.predict(X[:0])


def test_monotone_constraints_are_for_two_classes():
    X, _ = made(n=60)
    with pytest.raises(ParameterError, match="more than two classes, got 3"):
        HistGradientBoostingClassifier(monotonic_cst=[1, 0, 0, 0]).fit(X, np.arange(60) % 3)


def test_wrong_data_is_explained():
    X, y = made(n=60)
    with pytest.raises(DataError, match=r"y > 0, got a y as low as -1"):
        HistGradientBoostingRegressor("gamma").fit(X, np.r_[-1.0, y[1:]])
    with pytest.raises(DataError, match="not all zero"):
        HistGradientBoostingRegressor("poisson").fit(X, y * 0)
    with pytest.raises(DataError, match="weight"):
        HistGradientBoostingRegressor().fit(X, y, y * 0)
    with pytest.raises(DataError, match="NaN"):
        HistGradientBoostingRegressor().fit(X, np.where(y > 40, np.nan, y))
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"colour": ["red", "blue"] * 30, "x": y})
    with pytest.raises(ParameterError, match="did you mean 'colour'"):
        HistGradientBoostingRegressor(categorical_features=["color"]).fit(frame, y)
    frame["other"] = ["a", "b"] * 30
    with pytest.raises(DataError, match="not categorical and not numeric"):
        HistGradientBoostingRegressor(categorical_features=["colour"]).fit(frame, y)
    with pytest.raises(ParameterError, match="did you mean 'x'"):
        HistGradientBoostingRegressor(monotonic_cst={"X": 1}).fit(frame[["x"]], y)


def test_the_worked_example_of_squared_error():
    """Friedman 2001 by hand: y = 0, 0, 6, 6 at x = 1, 2, 3, 4, weighted tenfold, one stump, learning rate 1/2.

    The mean is 3; residuals -3 and 3; the stump finds x <= 2.5 and moves each side half of the way.
    """
    x, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 0.0, 6.0, 6.0])
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2, learning_rate=0.5).fit(x, y, [10, 10, 10, 10])
    np.testing.assert_allclose(model.predict([[2.49], [2.51]]), [1.5, 4.5], atol=1e-12)
    tree = trees_of(model)[0]
    assert tree.gain[0] == pytest.approx(40 * 9)  # G_L²/H_L + G_R²/H_R = 2 * 60²/20


def test_who_searches_does_not_matter(monkeypatch):
    """Where the parallel search would have to be compiled first, Python threads do its work, until that has cost as much."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 30))
    y = X[:, 0] + X[:, 1] * X[:, 2]
    answers = []
    for at_hand in (True, False):
        pool = splitting._Pool()
        pool.at_hand = at_hand
        monkeypatch.setattr(splitting, "_POOL", pool)
        answers.append(HistGradientBoostingRegressor(max_iter=5).fit(X, y).predict(X))
        assert (pool.missed > 0) == (not at_hand)
    np.testing.assert_array_equal(*answers)
    monkeypatch.setattr(splitting, "RENT", pool.missed)
    monkeypatch.setattr(splitting, "ready", lambda kernel: False)
    again = splitting._Pool()
    assert {again.answer() for _ in range(pool.missed)} == {"threads"} and again.answer() == "pool"
