"""Partial dependence by walking the trees: equal to scikit-learn's on the same trees, and to a naive twin."""

import numpy as np
import pytest
import sklearn.tree
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.inspection import partial_dependence

from homespun.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestRegressor
from homespun.tree import DecisionTreeRegressor, dependence


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(3.0, 2.0, size=(300, 4))
    y = X[:, 0] * X[:, 1] + 3 * (X[:, 2] > 3) + X[:, 3] + rng.normal(size=300) * 0.1
    return X, y


def naive(tree, x, features):
    """Friedman 2001, sec. 8.2, as it is told: a walk that goes both ways at questions about other features."""
    def value(node):
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            return tree.value[node, :, 0]
        if tree.feature[node] in features:
            asked = x[list(features).index(tree.feature[node])]
            goes_left = bool(tree.missing_go_to_left[node]) if np.isnan(asked) else asked <= tree.threshold[node]
            return value(left) if goes_left else value(right)
        part = tree.weighted_n_node_samples[left] / tree.weighted_n_node_samples[node]
        return part * value(left) + (1 - part) * value(right)

    return value(0)


def theirs(tree):
    """scikit-learn's tree with the nodes of ours."""
    made = sklearn.tree._tree.Tree(tree.n_features, np.ones(1, np.intp), 1)
    nodes = np.zeros(tree.node_count, sklearn.tree._tree.NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = tree.children_left, tree.children_right
    nodes["feature"], nodes["threshold"] = tree.feature, tree.threshold
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = tree.n_node_samples, tree.weighted_n_node_samples
    made.__setstate__({"max_depth": tree.max_depth, "node_count": tree.node_count, "nodes": nodes,
                       "values": np.ascontiguousarray(tree.value)})
    return made


@pytest.mark.parametrize("features", [[0], [2, 1], [3, 0, 1]])
@pytest.mark.parametrize("settings", [{}, {"max_depth": 3}, {"max_leaf_nodes": 9}, {"max_depth": 1}])
def test_a_tree_gives_scikit_learns_numbers(data, features, settings):
    X, y = data
    weights = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    model = DecisionTreeRegressor(random_state=0, **settings).fit(X, y, sample_weight=weights)
    grid = np.ascontiguousarray(X[:40][:, features], np.float32)  # scikit-learn's trees read float32
    out = np.zeros(len(grid))
    theirs(model.tree_).compute_partial_dependence(grid, np.array(features), out)
    ours = model._compute_partial_dependence_recursion(grid, np.array(features))
    assert ours == pytest.approx(out, abs=1e-10)
    assert ours == pytest.approx([naive(model.tree_, x, features)[0] for x in grid], abs=1e-10)
    added = np.full(len(grid), 7.0)
    model.tree_.compute_partial_dependence(grid, np.array(features), added)
    assert added == pytest.approx(7 + ours)


def test_equal_to_scikit_learns_estimator(data):
    X, y = data
    X = X.astype(np.float32).astype(float)
    settings = {"max_depth": 4, "random_state": 0}
    grid = X[::10, [1]] + 1e-3
    ours, true = (cls(**settings).fit(X, y)._compute_partial_dependence_recursion(grid, np.array([1]))
                  for cls in (DecisionTreeRegressor, sklearn.tree.DecisionTreeRegressor))
    assert ours == pytest.approx(true, abs=1e-10)


@pytest.mark.parametrize("features", [[2], [1, 0]])
def test_a_forest_is_the_mean_of_its_trees(data, features, monkeypatch):
    X, y = data
    model = RandomForestRegressor(12, random_state=0, max_features=0.5).fit(X, y)
    grid, out = np.ascontiguousarray(X[:30][:, features], np.float32), np.zeros(30)
    for tree in model:
        theirs(tree.tree_).compute_partial_dependence(grid, np.array(features), out)
    ours = model._compute_partial_dependence_recursion(grid, np.array(features))
    assert ours == pytest.approx(out / 12, abs=1e-10)
    monkeypatch.setattr(dependence, "WORK", 1000)  # by blocks of points
    assert np.array_equal(ours, model._compute_partial_dependence_recursion(grid, np.array(features)))


def test_several_outputs_and_missing_values(data):
    X, y = data
    X = X.copy()
    X[::3, 0] = np.nan
    for model in (DecisionTreeRegressor(max_depth=5), RandomForestRegressor(3, random_state=0)):
        model.fit(X, np.column_stack([y, -y]))
        found = model._compute_partial_dependence_recursion(X[:20, [0]], np.array([0]))
        trees = [model] if isinstance(model, DecisionTreeRegressor) else list(model)
        expected = np.mean([[naive(tree.tree_, x, [0]) for x in X[:20, [0]]] for tree in trees], axis=0)
        assert found == pytest.approx(expected.T, abs=1e-10)


def hist_predictor(tree, edges):
    """scikit-learn's predictor with the nodes of ours."""
    nodes = np.zeros(len(tree.left), PREDICTOR_RECORD_DTYPE)
    inner = tree.left >= 0
    nodes["value"], nodes["count"], nodes["is_leaf"] = tree.value, tree.rows, ~inner
    nodes["feature_idx"][inner], nodes["left"][inner], nodes["right"][inner] = (
        tree.feature[inner], tree.left[inner], tree.right[inner])
    nodes["num_threshold"][inner] = edges[tree.feature[inner], tree.bin[inner]]
    nothing = np.zeros((0, 8), np.uint32)
    return TreePredictor(nodes, nothing, nothing)


@pytest.mark.parametrize("features", [[0], [1, 3]])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_boosting_gives_scikit_learns_numbers(data, features, classes):
    from homespun.ensemble.hist_gradient_boosting.predictor import unpack_forest

    X, y = data
    if classes:
        cuts = np.quantile(y, np.arange(1, classes) / classes)
        model = HistGradientBoostingClassifier(max_iter=8).fit(X, np.digitize(y, cuts))
    else:
        model = HistGradientBoostingRegressor(max_iter=8, loss="poisson").fit(X, np.exp(y / 20))
    ours = model._compute_partial_dependence_recursion(X[:40][:, features], np.array(features))
    expected = np.zeros_like(ours)
    for t, tree in enumerate(unpack_forest(model._forest)):
        hist_predictor(tree, model._edges).compute_partial_dependence(
            np.ascontiguousarray(X[:40][:, features]), np.array(features), expected[t % len(expected)])
    assert len(ours) == max(1, classes * (classes > 2)) and ours == pytest.approx(expected, abs=1e-10)


def test_stumps_are_additive_so_brute_force_agrees(data):
    """A sum of functions of one feature each: the other features add a constant, whichever way they are averaged."""
    X, y = data
    model = HistGradientBoostingRegressor(max_iter=30, max_depth=1).fit(X, y)
    brute = partial_dependence(model, X, [0], method="brute", grid_resolution=20)
    ours = model._compute_partial_dependence_recursion(brute["grid_values"][0][:, None], np.array([0]))
    assert ours + model._baseline[:, None] == pytest.approx(brute["average"], abs=1e-10)


def test_boosting_with_categories_and_missing_values(data):
    pd = pytest.importorskip("pandas")
    X, _ = data
    frame = pd.DataFrame({"kind": pd.Categorical(np.array(["red", "green", "blue"])[(X[:, 0] > 3) + 1 * (X[:, 1] > 3)]),
                          "size": np.where(X[:, 2] > 5, np.nan, X[:, 2])})
    model = HistGradientBoostingRegressor(max_iter=20, max_depth=1, min_samples_leaf=5).fit(
        frame, 5 * (X[:, 0] > 3) + 1 * (X[:, 1] > 3) + X[:, 2])
    grid = np.array([["red", 1.0], ["blue", np.nan], ["purple", 4.0], ["green", 9.0]], dtype=object)
    whole = model._compute_partial_dependence_recursion(grid, np.array([0, 1]))
    asked = pd.DataFrame({"kind": pd.Categorical(grid[:, 0]), "size": grid[:, 1].astype(float)})
    assert whole[0] + model._baseline == pytest.approx(model.predict(asked))  # all features asked: nothing is averaged
    parts = [model._compute_partial_dependence_recursion(grid[:, [f]], np.array([f]))[0] for f in (0, 1)]
    spread = whole[0] - sum(parts)
    assert spread == pytest.approx(spread[0], abs=1e-10) and np.ptp(parts[0]) > 1


def test_after_a_fit_with_weights_boosting_says_why_not(data):
    X, y = data
    model = HistGradientBoostingRegressor(max_iter=3).fit(X, y, sample_weight=np.arange(1.0, 301))
    with pytest.raises(NotImplementedError, match=r"sample_weight.*brute"):
        model._compute_partial_dependence_recursion(X[:5, [0]], np.array([0]))
    model.fit(X, y, sample_weight=np.ones(300))
    assert model._compute_partial_dependence_recursion(X[:5, [0]], np.array([0])).shape == (1, 5)


@pytest.mark.parametrize("model", [DecisionTreeRegressor(), RandomForestRegressor(5), HistGradientBoostingRegressor(max_iter=5),
                                   HistGradientBoostingClassifier(max_iter=5)])
def test_scikit_learns_inspection_takes_ours_directly(data, model):
    X, y = data
    model.fit(X, y > y.mean() if "Classifier" in type(model).__name__ else y)
    found = partial_dependence(model, X, [0], grid_resolution=7)
    assert found["average"].shape == (1, 7) and np.isfinite(found["average"]).all()
    assert partial_dependence(model, X, [0, 1], grid_resolution=5, kind="both")["individual"].shape == (1, 300, 5, 5)


def test_a_root_that_is_a_leaf(data):
    X, y = data
    model = DecisionTreeRegressor().fit(X, np.full(len(y), 2.5))
    assert model._compute_partial_dependence_recursion(X[:3, [0]], np.array([0])).tolist() == [2.5] * 3
