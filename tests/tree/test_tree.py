"""CART: scikit-learn's trees on data without ties, a book's tree by hand, every criterion, pruning, missing values."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.tree as peer
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from homespun.base import DataError, ParameterError, ShapeError
from homespun.kernels.oracle import compare, find
from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor, export_text, grow, structure

rng = np.random.default_rng(0)
X = (rng.normal(size=(400, 6)) * 10 + 100).astype(np.float32).astype(float)  # far from zero, and exact in float32
SIGNAL = np.sin(X[:, 0]) + X[:, 1] * 0.3 + rng.normal(size=400)
CLASSES = np.digitize(SIGNAL, [29.0, 31.0, 33.0])
COUNTS = np.abs(np.round(SIGNAL - 25))
WEIGHTS = rng.integers(1, 4, size=400).astype(float)
UNEVEN = rng.integers(2**19, 2**20, size=400) / 2.0**19  # exact sums, and no two of them equal: no two cuts tie
MISSING = np.where(rng.random(X.shape) < 0.1, np.nan, X)
SIGNS = [1, 1, 0, -1, 0, 0]


@parametrize_with_checks([DecisionTreeClassifier(), DecisionTreeRegressor(),
                          DecisionTreeRegressor(criterion="absolute_error", splitter="random")])
def test_sklearn_checks(estimator, check):
    check(estimator)


def same_tree(theirs, ours, X, y, weights=None):
    theirs.set_params(random_state=0).fit(X, y, sample_weight=weights)
    ours.fit(X, y, sample_weight=weights)
    a, b = theirs.tree_, ours.tree_
    assert a.node_count == b.node_count > 3
    inner = a.feature >= 0
    np.testing.assert_array_equal(a.feature, b.feature)
    np.testing.assert_array_equal(a.children_left, b.children_left)
    np.testing.assert_array_equal(a.children_right, b.children_right)
    np.testing.assert_array_equal(a.n_node_samples, b.n_node_samples)
    np.testing.assert_array_equal(a.missing_go_to_left[inner], b.missing_go_to_left[inner])
    for name in ("threshold", "impurity", "weighted_n_node_samples", "value"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(theirs.feature_importances_, ours.feature_importances_, atol=1e-9)
    np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-12)
    assert (a.max_depth, a.n_leaves) == (ours.get_depth(), ours.get_n_leaves())


SETTINGS = [{"max_depth": 4}, {"max_leaf_nodes": 15}, {"min_impurity_decrease": 0.01}, {"ccp_alpha": 0.01},
            {"min_samples_leaf": 25, "min_samples_split": 0.2}, {"min_samples_leaf": 0.08},
            {"min_weight_fraction_leaf": 0.1}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_same_trees_as_sklearn(settings):
    settings = {"min_samples_leaf": 10, **settings}
    same_tree(peer.DecisionTreeRegressor(**settings), DecisionTreeRegressor(**settings), X, SIGNAL)
    same_tree(peer.DecisionTreeRegressor(**settings), DecisionTreeRegressor(**settings), X, SIGNAL, WEIGHTS)
    same_tree(peer.DecisionTreeRegressor(criterion="poisson", **settings),
              DecisionTreeRegressor(criterion="poisson", **settings), X, COUNTS, WEIGHTS)
    same_tree(peer.DecisionTreeClassifier(criterion="entropy", **settings),
              DecisionTreeClassifier(criterion="log_loss", **settings), X, CLASSES, UNEVEN)


@pytest.mark.parametrize("settings", [{"max_depth": 3}, {"max_leaf_nodes": 5}, {"min_samples_leaf": 50}], ids=str)
def test_same_median_trees(settings):
    """Small trees: deeper down, sums of absolute errors tie exactly, and scikit-learn's choice is then another one."""
    same_tree(peer.DecisionTreeRegressor(criterion="absolute_error", **settings),
              DecisionTreeRegressor(criterion="absolute_error", **settings), X, SIGNAL)
    same_tree(peer.DecisionTreeRegressor(criterion="absolute_error", **settings),
              DecisionTreeRegressor(criterion="absolute_error", **settings), X, np.column_stack([SIGNAL, X[:, 2] / 20]))


@pytest.mark.parametrize("settings", [{"max_depth": 4}, {"max_leaf_nodes": 10}, {"ccp_alpha": 0.01}], ids=str)
def test_same_gini_trees(settings):
    same_tree(peer.DecisionTreeClassifier(**settings), DecisionTreeClassifier(**settings), X, CLASSES)
    balanced = {"class_weight": "balanced", **settings}
    same_tree(peer.DecisionTreeClassifier(**balanced), DecisionTreeClassifier(**balanced), X, CLASSES)


@pytest.mark.parametrize("settings", [{}, {"max_leaf_nodes": 12}], ids=str)
def test_same_trees_missing_monotonic_several(settings):
    settings = {"min_samples_leaf": 12, **settings}
    same_tree(peer.DecisionTreeRegressor(**settings), DecisionTreeRegressor(**settings), MISSING, SIGNAL)
    same_tree(peer.DecisionTreeRegressor(**settings), DecisionTreeRegressor(**settings), X,
              np.column_stack([SIGNAL, COUNTS]))
    several = np.column_stack([CLASSES, SIGNAL > 31]).astype(int)
    same_tree(peer.DecisionTreeClassifier(**settings), DecisionTreeClassifier(**settings), X, several)
    signs = {"monotonic_cst": SIGNS, **settings}
    same_tree(peer.DecisionTreeRegressor(**signs), DecisionTreeRegressor(**signs), X, SIGNAL)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
def test_monotonic_constraints_hold(criterion):
    model = DecisionTreeRegressor(criterion=criterion, monotonic_cst=SIGNS).fit(X, COUNTS)
    for feature, sign in [(0, 1), (1, 1), (3, -1)]:
        grid = np.repeat(X[:40], 30, axis=0)
        grid[:, feature] = np.tile(np.linspace(60, 140, 30), 40)
        steps = np.diff(model.predict(grid).reshape(40, 30), axis=1) * sign
        assert steps.min() >= 0
        assert steps.max() > 0 or feature == 3
    labels = DecisionTreeClassifier(monotonic_cst=SIGNS).fit(X, SIGNAL > 31)
    grid[:, 1] = np.tile(np.linspace(60, 140, 30), 40)
    assert np.diff(labels.predict_proba(grid)[:, 1].reshape(40, 30), axis=1).min() >= 0


def test_iris_stump():
    """Breiman's first question about the irises: is the petal shorter than 2.45 cm? It sets the 50 setosas apart.

    Gini falls from 2/3 to 1/3. (The petal's width at 0.8 cm does as well; the first of equal features is asked.)
    """
    iris = load_iris()
    model = DecisionTreeClassifier(max_depth=1).fit(iris.data, iris.target)
    assert (model.tree_.feature[0], round(model.tree_.threshold[0], 2)) == (2, 2.45)
    np.testing.assert_allclose(model.tree_.impurity, [2 / 3, 0, 1 / 2])
    np.testing.assert_array_equal(model.tree_.value[:, 0] * 3, [[1, 1, 1], [3, 0, 0], [0, 1.5, 1.5]])
    without_length = DecisionTreeClassifier(max_depth=1).fit(iris.data[:, [0, 1, 3]], iris.target)
    assert (without_length.tree_.feature[0], round(without_length.tree_.threshold[0], 2)) == (2, 0.8)


def test_play_tennis_by_hand():
    """Quinlan's fourteen days (1986, "Induction of Decision Trees", table 1): 9 to play on, 5 not.

    "Overcast" days (4, all played) against the others (5 of 10): the entropy falls from 0.940 to 10/14 = 0.714, which
    is the gain 0.226; humidity normal or high: (7/14) 0.592 + (7/14) 0.985, gain 0.152. So overcast is asked first.
    """
    outlook = list("ssorrrossrsoor")
    humid = [1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1]
    windy = [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1]
    play = [0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0]
    days = np.column_stack([np.array(outlook) == "o", np.array(outlook) == "s", humid, windy]).astype(float)
    model = DecisionTreeClassifier(criterion="entropy").fit(days, play)
    assert model.tree_.feature[0] == 0
    np.testing.assert_allclose(model.tree_.impurity[0], 0.940, atol=5e-4)
    right = model.tree_.children_right[0]
    assert model.tree_.n_node_samples[right] == 4 and model.tree_.impurity[right] == 0
    np.testing.assert_allclose(model.tree_.impurity[model.tree_.children_left[0]], 1.0)
    gains = model.tree_.compute_feature_importances(normalize=False)
    np.testing.assert_allclose(gains.sum(), 0.940, atol=5e-4)  # pure leaves: all of it is explained
    assert model.score(days, play) == 1.0


def test_pruning_path_and_trees():
    theirs = peer.DecisionTreeRegressor(min_samples_leaf=10, random_state=0)
    ours = DecisionTreeRegressor(min_samples_leaf=10)
    a, b = theirs.cost_complexity_pruning_path(X, SIGNAL, WEIGHTS), ours.cost_complexity_pruning_path(X, SIGNAL, WEIGHTS)
    np.testing.assert_allclose(a.ccp_alphas, b.ccp_alphas, atol=1e-12)
    np.testing.assert_allclose(a.impurities, b.impurities)
    for alpha in a.ccp_alphas[[1, 5, -3, -1]] * 1.0001:
        pair = [model.set_params(ccp_alpha=alpha).fit(X, SIGNAL, sample_weight=WEIGHTS) for model in (theirs, ours)]
        assert pair[0].tree_.node_count == pair[1].tree_.node_count
        np.testing.assert_allclose(pair[0].predict(X), pair[1].predict(X))
    assert ours.get_n_leaves() == 1


def test_apply_path_text_and_names():
    settings = {"min_samples_leaf": 12}
    theirs = peer.DecisionTreeClassifier(criterion="entropy", random_state=0, **settings).fit(X, CLASSES, UNEVEN)
    ours = DecisionTreeClassifier(criterion="entropy", **settings).fit(X, CLASSES, UNEVEN)
    np.testing.assert_array_equal(theirs.apply(X), ours.apply(X))
    assert (theirs.decision_path(X) != ours.decision_path(X)).nnz == 0
    names = [f"column {k}" for k in range(6)]
    for options in ({}, {"max_depth": 1}, {"show_weights": True, "decimals": 1, "spacing": 5}, {"feature_names": names},
                    {"class_names": list("abcd")}):
        assert peer.export_text(theirs, **options) == export_text(ours, **options)
    settings["max_depth"] = 3
    for y in (SIGNAL, np.column_stack([SIGNAL, COUNTS])):
        theirs = peer.DecisionTreeRegressor(random_state=0, **settings).fit(X, y)
        assert peer.export_text(theirs) == export_text(DecisionTreeRegressor(**settings).fit(X, y))
    with pytest.raises(ShapeError, match="6 entries, got 2"):
        export_text(ours, feature_names=["a", "b"])
    with pytest.raises(ParameterError, match="got -1"):
        export_text(ours, max_depth=-1)


def test_kept_precision():
    """Two values that float32 cannot tell apart are still cut; scikit-learn's float32 cannot."""
    x = np.array([[1.0], [1.0 + 1e-12], [1.0 + 2e-12]])
    np.testing.assert_array_equal(DecisionTreeRegressor().fit(x, [1.0, 2.0, 3.0]).predict(x), [1.0, 2.0, 3.0])
    tiny = DecisionTreeRegressor().fit(x, [1e-12, 2e-12, 3e-12])  # impurity below 1e-23
    np.testing.assert_array_equal(tiny.predict(x), [1e-12, 2e-12, 3e-12])
    far = DecisionTreeRegressor(max_depth=1).fit(np.arange(8.0)[:, None], 1e9 + np.array([0, 0, 0, 1, 1, 1, 1, 1]))
    assert far.tree_.threshold[0] == 2.5


def test_missing_values_learn_their_side():
    x = np.array([[1.0], [2.0], [3.0], [np.nan], [np.nan]])
    left = DecisionTreeClassifier().fit(x, [0, 0, 1, 0, 0])
    assert left.predict([[np.nan]])[0] == 0 and left.tree_.missing_go_to_left[0] == 1 and left.get_n_leaves() == 2
    alone = DecisionTreeClassifier().fit(x, [0, 0, 0, 1, 1])
    assert alone.tree_.threshold[0] == np.inf and alone.predict([[np.nan], [99.0]]).tolist() == [1, 0]
    unseen = DecisionTreeClassifier().fit(x[:3], [0, 0, 1])  # never missing in training: goes where most rows went
    assert unseen.predict([[np.nan]])[0] == 0
    for splitter in ("best", "random"):
        model = DecisionTreeRegressor(splitter=splitter, random_state=1).fit(MISSING, SIGNAL)
        np.testing.assert_allclose(model.predict(MISSING), SIGNAL)


def test_order_of_rows_and_layout_do_not_matter():
    shuffled = rng.permutation(400)
    for model in (DecisionTreeClassifier(max_features=2, random_state=3), DecisionTreeClassifier(criterion="entropy")):
        first = model.fit(MISSING, CLASSES, sample_weight=WEIGHTS).predict_proba(X)
        np.testing.assert_array_equal(
            first, model.fit(MISSING[shuffled], CLASSES[shuffled], sample_weight=WEIGHTS[shuffled]).predict_proba(X))
        np.testing.assert_array_equal(first, model.fit(np.asfortranarray(MISSING), CLASSES, WEIGHTS).predict_proba(X))
    sparse = np.where(rng.random(X.shape) < 0.5, 0.0, X)
    dense = DecisionTreeRegressor().fit(sparse, SIGNAL)
    for kind in (sp.csr_matrix, sp.csc_array):
        model = DecisionTreeRegressor().fit(kind(sparse), SIGNAL)
        np.testing.assert_array_equal(model.predict(kind(sparse)), dense.predict(sparse))


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error", "poisson"])
def test_weights_are_repetitions(criterion):
    weights = rng.integers(0, 4, size=400)
    repeated = np.repeat(np.arange(400), weights)
    settings = {"criterion": criterion, "max_leaf_nodes": 20}
    a = DecisionTreeRegressor(**settings).fit(X, COUNTS, sample_weight=weights)
    b = DecisionTreeRegressor(**settings).fit(X[repeated], COUNTS[repeated])
    np.testing.assert_allclose(a.predict(X), b.predict(X))


def test_random_trees_differ_by_seed_only():
    def fit(seed):
        return DecisionTreeRegressor(splitter="random", max_features=2, random_state=seed).fit(X, SIGNAL)
    np.testing.assert_array_equal(fit(0).nodes_["threshold"], fit(0).nodes_["threshold"])
    assert fit(0).nodes_["threshold"][0] != fit(1).nodes_["threshold"][0]
    roots = [fit(seed).nodes_["feature"][0] for seed in range(12)]
    assert len(set(roots)) > 1


@pytest.mark.parametrize("model", [DecisionTreeClassifier(), DecisionTreeRegressor()], ids=["classes", "numbers"])
def test_edges(model):
    model.fit([[1.0]], [3])
    assert model.get_n_leaves() == 1 and model.predict([[np.nan]])[0] == 3 and model.get_depth() == 0
    model.fit(np.ones((5, 2)), [1, 2, 1, 2, 2])  # nothing to ask
    assert model.get_n_leaves() == 1 and model.feature_importances_.tolist() == [0.0, 0.0]
    model.fit(np.full((3, 1), np.nan), [1, 1, 1])
    assert model.predict([[5.0]])[0] == 1


def test_errors():
    cases = [
        ({"criterion": "ginni"}, {}, ParameterError, "gini"),
        ({"max_depth": 0}, {}, ParameterError, "got 0"),
        ({"min_samples_split": 1}, {}, ParameterError, "got 1"),
        ({"min_samples_leaf": 1.5}, {}, ParameterError, "got 1.5"),
        ({"monotonic_cst": [1, 0]}, {}, ShapeError, "2"),
        ({"monotonic_cst": [2] * 6}, {}, ParameterError, "2"),
        ({"monotonic_cst": SIGNS}, {}, DataError, "multiclass"),
        ({"class_weight": {9: 1.0}}, {}, ParameterError, "9"),
        ({}, {"X": np.full((400, 6), np.inf)}, DataError, "infinity"),
        ({}, {"y": SIGNAL}, DataError, "continuous"),
        ({}, {"y": CLASSES[:9]}, ShapeError, "9"),
        ({}, {"sample_weight": -WEIGHTS}, DataError, "egative"),
        ({}, {"sample_weight": WEIGHTS * 0}, DataError, "zero"),
    ]
    for settings, data, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            DecisionTreeClassifier(**settings).fit(**{"X": X, "y": CLASSES, **data})
        assert caught.value.rule
    with pytest.raises(DataError, match="-3") as caught:
        DecisionTreeRegressor(criterion="poisson").fit(X[:3], [1.0, -3.0, 2.0])
    assert caught.value.rule == "y >= 0 and sum(y) > 0"
    with pytest.raises(ShapeError):
        DecisionTreeClassifier().fit(X, CLASSES).predict(X[:, :3])


@pytest.mark.parametrize("name", ["tree.grow.grow_tree", "tree.structure.find_leaves"])
def test_formula(name):
    assert grow and structure
    found = find(name)
    for example in found.examples:
        assert compare(found, *example(np.random.default_rng(5))).equal


@pytest.mark.parametrize("class_weight", [[1, 2], np.array([1.0, 2.0])])
def test_class_weights_that_are_no_dicts_are_refused(class_weight):
    with pytest.raises(ParameterError, match="class_weight must be a dict of class → weight"):
        DecisionTreeClassifier(class_weight=class_weight).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array])
def test_the_trees_arrays_take_sparse_rows(form):
    X = np.where(np.random.default_rng(0).random((30, 4)) < 0.5, 0.0, np.arange(120.0).reshape(30, 4))
    model = DecisionTreeRegressor().fit(X, X[:, 1])
    np.testing.assert_array_equal(model.tree_.apply(form(X.astype(np.float32))), model.apply(X))
    np.testing.assert_array_equal(model.tree_.predict(form(X)).ravel(), model.predict(X))
    assert (model.tree_.decision_path(form(X)) != model.decision_path(X)).nnz == 0
