"""Model files whose digest is right and whose arrays lie: every lie ends in words on loading, none reaches compiled code."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import Pipeline

from homespun import persist
from homespun.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from homespun.errors import ModelFileError
from homespun.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from homespun.persist import container
from homespun.preprocessing import StandardScaler
from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
X[:, 2] = np.arange(80) % 5
Y = X[:, 0] + (X[:, 2] > 2)
C = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 2] > 2)]

FITTED = {
    "tree": lambda: DecisionTreeClassifier().fit(X, C),
    "pruned": lambda: DecisionTreeRegressor(max_leaf_nodes=12, ccp_alpha=0.001, max_depth=5).fit(X, np.column_stack([Y, -Y])),
    "forest": lambda: RandomForestClassifier(3, random_state=0).fit(X, C),
    "exact forest": lambda: RandomForestRegressor(3, max_leaf_nodes=9, ccp_alpha=0.001, random_state=0).fit(X, Y),
    "two classes": lambda: RandomForestClassifier(3, random_state=0).fit(X, Y > 0),
    "two outputs": lambda: RandomForestClassifier(3, random_state=0).fit(X, np.column_stack([C, Y > 0])),
    "followed": lambda: HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2).fit(X, C),
    "walked": lambda: HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=300, min_samples_leaf=1).fit(
        np.tile(X, (4, 1)) + RNG.normal(size=(320, 3)), RNG.normal(size=320)),
    "sets": lambda: HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2, categorical_features=[2]).fit(
        X, X[:, 2] % 2 + Y),
    "k-NN": lambda: KNeighborsClassifier(3).fit(X, C),
    "k-NN two outputs": lambda: KNeighborsClassifier(3).fit(X.astype(np.float32), np.column_stack([C, Y > 0])),
    "k-NN numbers": lambda: KNeighborsRegressor(3).fit(sparse.csr_matrix(X), Y),
    "nearest": lambda: NearestNeighbors(n_neighbors=3, metric="cosine").fit(X),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forged")
    return {name: persist.save(make(), folder / name.replace(" ", "_")) for name, make in FITTED.items()}


def forge(path, target, change):
    """A copy of the file with a digest that fits, its array whose name ends in `target` replaced by ``change(array)``."""
    texts, arrays, _ = container.read(path)
    texts = {name: text for name, text in texts.items() if name not in ("format", "format_version", "sha256")}
    name = next(name for name in arrays if name.endswith(target))
    changed = np.array(change(arrays[name].copy()), order="C")
    new = path.with_name("forged")
    container.write(new, texts, arrays | {name: changed})
    return new


def at(index, value):
    def change(array):
        array.flat[index] = value
        return array
    return change


def words(left, rest=0):
    return lambda array: at(0, (left << 32) | rest)(array)


def first_left_child(array):
    """A tree of which two nodes share their children: no walk is endless, but their number explodes."""
    inner = np.flatnonzero(array >= 0)
    array[inner[1]] = array[inner[0]]
    return array


LIES = [
    ("tree", "children_left']", at(0, 2**40), "a child in nodes_ must be at least 1 and below"),
    ("tree", "children_left']", at(0, -7), "a child in nodes_"),
    ("tree", "children_left']", at(0, 0), "a child in nodes_"),
    ("tree", "children_left']", lambda a: np.zeros_like(a), "a child in nodes_"),
    ("tree", "children_right']", lambda a: np.zeros_like(a), "a child in nodes_"),
    ("tree", "children_right']", at(-1, 3), "a child in nodes_"),
    ("tree", "children_left']", first_left_child, "a child in nodes_"),
    ("tree", "feature']", at(0, 3), r"feature'\] must be at least 0 and below 3, got 3"),
    ("tree", "feature']", at(0, -1), "feature"),
    ("tree", "feature']", lambda a: a[:-1], "feature.*int64 of shape"),
    ("tree", "feature']", lambda a: a.astype(np.int32), "feature.*got int32"),
    ("tree", "threshold']", lambda a: a[:3], "threshold"),
    ("tree", "children_left']", lambda a: a[:0], "children_left.*at least one node"),
    ("tree", "value']", lambda a: a[:-1], "value"),
    ("pruned", "value']", lambda a: a[:, :1], "value"),
    ("forest", "words_", words(2**30), "a child in words_"),
    ("forest", "words_", words(-5), "a child in words_"),
    ("forest", "words_", words(0, 1 << 9), "a child in words_"),
    ("forest", "words_", words(1, 3 << 9), "a feature in words_ must be at least 0 and below 3, got 3"),
    ("forest", "words_", lambda a: a.astype(np.float64), "words_ must be int64"),
    ("forest", "words_", lambda a: a[:-1], "values_"),
    ("forest", "roots_", at(0, 1), "roots_"),
    ("forest", "roots_", at(1, 10**6), "roots_"),
    ("forest", "roots_", at(2, 0), "roots_"),
    ("forest", "roots_", lambda a: a[:0], "roots_"),
    ("forest", "roots_", lambda a: a.astype(np.int32), "roots_"),
    ("forest", "values_", lambda a: a[:-1], "values_"),
    ("forest", "values_", lambda a: a[:, :2], "values_"),
    ("forest", "facts_", lambda a: a[:, :2], "facts_"),
    ("forest", "edges_", lambda a: a[:2], "edges_"),
    ("forest", "edges_", lambda a: a[:, :100], "edges_"),
    ("followed", "['splits']", at(0, 3), "splits"),
    ("followed", "['splits']", at(3, 1), "splits"),
    ("followed", "['splits']", lambda a: a[:, :4], "splits"),
    ("followed", "['split_start']", at(1, 10**6), "split_start"),
    ("followed", "['place_value']", lambda a: a[1:], "place_value"),
    ("followed", "['features']", at(0, 3), "features"),
    ("followed", "['features']", at(0, -1), "features"),
    ("followed", "['ladders']", lambda a: a[:, :5], "ladders"),
    ("followed", "['followed']", at(0, 1), "followed"),
    ("walked", "['nodes']", at(0, 2**30), "nodes"),
    ("walked", "['nodes']", at(1, 0), "nodes"),
    ("walked", "['threshold']", lambda a: a[1:], "threshold"),
    ("sets", "['nodes']", at(3, 10**6), "nodes"),
    ("followed", "_baseline", lambda a: a[:2], "_baseline"),
    ("walked", "['left']", at(0, 2**30), "a child in _forest"),
    ("walked", "['right']", at(0, 0), "a child in _forest"),
    ("walked", "['left']", lambda a: a.astype(np.int64), "left"),
    ("walked", "['feature']", at(0, 2**30), "feature"),
    ("walked", "['feature']", at(0, -1), "feature"),
    ("walked", "['bin']", at(0, 255), "bin"),
    ("walked", "['start']", at(1, 10**6), "start"),
    ("walked", "['start']", at(0, 1), "start"),
    ("walked", "['walked']", at(0, 9), "walked"),
    ("walked", "['value']", lambda a: a[1:], "value"),
    ("walked", "['n_scores']", lambda a: np.array(2), "n_scores"),
    ("sets", "['set_index']", at(0, 10**6), "set"),
    ("sets", "['sets']", lambda a: a[:, :200], "sets"),
    ("sets", "['sets']", lambda a: a[1:], "sets"),
    ("k-NN", "_fit_X", at(0, np.nan), "_fit_X must be finite"),
    ("k-NN", "_fit_X", lambda a: a[1:], "_fit_X"),
    ("k-NN", "_fit_X", lambda a: a.astype(np.int64), "_fit_X"),
    ("k-NN", "_y", at(0, 3), "class number in _y"),
    ("k-NN", "_y", at(0, -1), "class number in _y"),
    ("k-NN", "_y", lambda a: a[1:], "_y"),
    ("k-NN numbers", "_y", lambda a: a[1:], "_y"),
]


@pytest.mark.parametrize("name", FITTED)
def test_an_honest_model_comes_back(files, name):
    persist.load(files[name])


@pytest.mark.parametrize(("name", "target", "change", "told"), LIES, ids=[f"{n}-{t}-{i}" for i, (n, t, *_) in enumerate(LIES)])
def test_a_lie_is_refused_in_words(files, name, target, change, told):
    with pytest.raises(ModelFileError, match=told) as caught:
        persist.load(forge(files[name], target, change))
    assert "damaged or forged" in str(caught.value) and str(files[name].with_name("forged")) in str(caught.value)


def test_the_two_crashes_and_the_endless_walk_in_a_process_of_their_own(files):
    """What a reviewer saw: two segmentation faults and a hang. Were they back, this process should live to say so."""
    script = (
        "import sys, numpy as np, homespun.persist as p\n"
        "from homespun.errors import ModelFileError\n"
        "try: p.load(sys.argv[1]).predict(np.zeros((4, 3)))\n"
        "except ModelFileError: print('refused')\n"
    )
    for name, target, change in (("forest", "words_", words(2**30)), ("tree", "children_left']", at(0, 2**40)),
                                 ("tree", "children_left']", lambda a: np.zeros_like(a))):
        forged = forge(files[name], target, change)
        done = subprocess.run([sys.executable, "-c", script, forged], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "refused"


def rewrite(path, change):
    """A copy of the file with a digest that fits, after ``change(state of the model)``."""
    texts, arrays, _ = container.read(path)
    texts = {name: text for name, text in texts.items() if name not in ("format", "format_version", "sha256")}
    tree = json.loads(arrays["#tree"].tobytes())
    change(tree["model"]["state"])
    new = path.with_name("forged")
    container.write(new, texts, arrays | {"#tree": np.frombuffer(json.dumps(tree).encode(), np.uint8)})
    return new


@pytest.mark.parametrize(("name", "change", "told"), [
    ("forest", lambda state: state.update(n_features_in_=2), "edges_"),
    ("forest", lambda state: state.pop("n_features_in_"), "n_features_in_"),
    ("forest", lambda state: state.update(values_width_=7), "values_width_"),
    ("followed", lambda state: state.update(_categories={"kind": "list", "items": []}), "_categories"),
    ("followed", lambda state: state["_forest"]["items"].pop("left"), "_forest"),
    ("tree", lambda state: state["nodes_"]["items"].pop("feature"), "nodes_"),
    ("tree", lambda state: state.update(n_features_in_=True), "n_features_in_"),
    ("nearest", lambda state: state.update(n_samples_fit_=100), "_fit_X"),
    ("tree", lambda state: state.update(validate={"kind": "name", "of": "numpy:positive"}), "sets 'validate', a method"),
    ("tree", lambda state: state.update(__class__={"kind": "name", "of": "builtins:object"}), "sets '__class__', a special name"),
])
def test_a_lie_about_other_facts(files, name, change, told):
    with pytest.raises(ModelFileError, match=told):
        persist.load(rewrite(files[name], change))


def test_a_part_of_a_pipeline_is_asked_too(tmp_path):
    path = persist.save(Pipeline([("scale", StandardScaler()), ("tree", DecisionTreeRegressor())]).fit(X, Y), tmp_path / "m")
    with pytest.raises(ModelFileError, match="a child in nodes_"):
        persist.load(forge(path, "children_left']", at(0, 0)))


# ---------------------------------------------------------------------------------------------------------------------
# Text vectorizers: rows that name files

@pytest.mark.parametrize("vectorizer", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
def test_no_vectorizer_that_opens_files(tmp_path, vectorizer):
    text = tmp_path / "secret.txt"
    text.write_text("secret words")
    for kind in ("filename", "file"):
        with pytest.raises(ModelFileError, match=f"cannot save a .*input='{kind}'.*opens the files"):
            persist.save(vectorizer(input=kind), tmp_path / "m")
    good = persist.save(vectorizer().fit(["some words"]), tmp_path / "m", sample=[str(text)])
    text.unlink()  # that the path is a text like others is shown by its absence
    assert persist.load(good).input == "content"
    for kind in ("filename", "file", 3):
        with pytest.raises(ModelFileError, match=r"cannot load a .*opens the files") as caught:
            persist.load(rewrite(good, lambda state, kind=kind: state.update(input=kind)))
        assert caught.value.operands == {"input": kind}
