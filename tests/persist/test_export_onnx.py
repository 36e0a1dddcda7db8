"""Exported graphs: every part on its own, projects on rows with gaps and new words; what has no form is named."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline

import homespun as hs
from homespun.cli import run
from homespun.compose import TransformedTargetRegressor
from homespun.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from homespun.errors import ModelFileError
from homespun.feature_extraction.text import TfidfVectorizer
from homespun.feature_selection import DropConstantColumns, SelectKBest
from homespun.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from homespun.linear_model import LassoCV, LinearRegression, LogisticRegression, Ridge
from homespun.neighbors import KNeighborsClassifier, KNeighborsRegressor
from homespun.persist import export_onnx, save
from homespun.persist.graph.builder import FORMS
from homespun.persist.onnx_exporter import content_of
from homespun.persist.onnx_trial import differences, feeds
from homespun.preprocessing import (
    Binarizer,
    DateParts,
    FlagEncoder,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    OutlierClipper,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RareLevelEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from homespun.tabular import BaselineClassifier, BaselineRegressor
from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (150, 5))
GAPS = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
CODES = np.column_stack([RNG.integers(0, 9, 150), GAPS[:, :2]])
Y = X[:, 0] * 2 - X[:, 1] + RNG.normal(size=150)
TWO = np.array(["no", "yes"])[(Y.mean() < Y).astype(int)]
THREE = np.digitize(Y, np.quantile(Y, [0.3, 0.7])) * 10
FRAME = pd.DataFrame({
    "km": GAPS[:, 0],
    "age": np.arange(150) % 17,
    "make": RNG.choice(np.array(["vw", "bmw", "kia", "rare one"], dtype=object), 150, p=[0.5, 0.3, 0.18, 0.02]),
    "fuel": RNG.choice(np.array(["gas", "oil", np.nan], dtype=object), 150, p=[0.6, 0.3, 0.1]),
    "seen": RNG.integers(-30_000, 40_000, 150) + RNG.random(150),
    "abs": RNG.choice(np.array(["ON", "OFF", "NotAvailable"], dtype=object), 150),
    "one": "same",
})


def ran(content, fed):
    return runtime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, fed)


def same(model, rows):
    """Outputs of the graph for `rows`, after a look that they are the model's."""
    g, content = content_of(model)
    got = ran(content, feeds(g, model, rows))
    said = [model.predict(rows)] if hasattr(model, "predict") else [np.asarray(model.transform(rows))]
    said += [model.predict_proba(rows)] if hasattr(model, "predict_proba") else []
    for ours, theirs in zip(said, got, strict=True):
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(theirs.reshape(ours.shape), ours, rtol=1e-11, atol=1e-12)
        else:
            assert theirs.tolist() == ours.tolist()
    return got


MODELS = [
    (LinearRegression(), X, Y),
    (Ridge(), X, np.column_stack([Y, -Y])),
    (LassoCV(), X, Y),
    (LogisticRegression(), X, TWO),
    (LogisticRegression(), X, THREE),
    (DecisionTreeClassifier(max_depth=5), GAPS, THREE),
    (DecisionTreeClassifier(max_depth=3), GAPS, TWO == "no"),
    (DecisionTreeRegressor(), GAPS, Y),
    (DecisionTreeRegressor(max_depth=4), X, np.column_stack([Y, -Y])),
    (DecisionTreeRegressor(), X, np.ones(150)),  # one leaf
    (RandomForestClassifier(7, random_state=0), GAPS, TWO),
    (RandomForestClassifier(7, random_state=0), GAPS, THREE),
    (RandomForestRegressor(7, random_state=0), GAPS, Y),
    (RandomForestRegressor(3, random_state=0), X, np.column_stack([Y, -Y])),
    (HistGradientBoostingRegressor(max_iter=9, min_samples_leaf=5), GAPS, Y),
    (HistGradientBoostingRegressor(max_iter=5, loss="poisson"), GAPS, np.abs(Y)),
    (HistGradientBoostingRegressor(max_iter=9, categorical_features=[0], min_samples_leaf=3), CODES, Y),
    (HistGradientBoostingClassifier(max_iter=5), GAPS, TWO),
    (HistGradientBoostingClassifier(max_iter=5, categorical_features=[0], min_samples_leaf=3), CODES, THREE),
    (KNeighborsClassifier(), X, TWO),
    (KNeighborsClassifier(3, weights="distance", p=1), X, THREE),
    (KNeighborsRegressor(weights="distance", metric="chebyshev"), X, Y),
    (KNeighborsRegressor(metric="cosine"), X, np.column_stack([Y, -Y])),
    (KNeighborsRegressor(p=3), np.round(X), Y),  # ties, by row number
    (BaselineRegressor(), X, Y),
    (BaselineClassifier(), X, TWO),
    (TransformedTargetRegressor(Ridge(), func="log1p", inverse_func="expm1", bias_correction="smearing", minimum=0.0), X,
     np.abs(Y)),
    (TransformedTargetRegressor(Ridge(), transformer=PowerTransformer()), X, np.column_stack([Y, -Y])),
    (TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()), X, Y),
]


def name_of(value):
    return type(value).__name__ if hasattr(value, "get_params") else ""


@pytest.mark.parametrize("model, rows, target", MODELS, ids=name_of)
def test_models_say_the_same(model, rows, target):
    model.fit(rows[:120], target[:120])
    same(model, rows)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_the_nearest_of_a_training_row_is_itself(weights):
    """At a distance of zero; a graph that multiplies matrices out would see a small number there."""
    rows = np.vstack([X, X[:20]])
    same(KNeighborsRegressor(3, weights=weights).fit(rows, np.arange(170.0)), rows)


def test_edges_of_splits_fall_on_the_same_side():
    """Values that equal a threshold, in doubles that no float32 could tell apart."""
    grid = 1e6 + np.round(X, 1)
    for model in (DecisionTreeRegressor(), RandomForestRegressor(5, random_state=0), HistGradientBoostingRegressor(max_iter=5)):
        model.fit(grid, Y)
        cuts = model.tree_.threshold[model.tree_.feature == 0] if hasattr(model, "tree_") else grid[:, 0]
        rows = np.resize(grid, (len(cuts) * 3, 5)).copy()
        rows[:, 0] = np.concatenate([cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf)])
        same(model, rows)


TRANSFORMERS = [
    (StandardScaler(), GAPS), (RobustScaler(), GAPS), (MaxAbsScaler(clip=True), X), (MinMaxScaler(clip=True), GAPS),
    (OutlierClipper(), GAPS), (Normalizer(), X), (Normalizer(norm="l1"), X), (Normalizer(norm="max"), X), (Binarizer(), X),
    (KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"), X),
    (KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"), X),
    (PolynomialFeatures(3), X), (PowerTransformer(), GAPS), (PowerTransformer(method="box-cox"), np.abs(X) + 0.1),
    (FunctionTransformer("expm1"), X), (FunctionTransformer("log1p"), np.abs(X) * 1e-9),
    (FunctionTransformer(np.sqrt), np.abs(X)),
    (SimpleImputer(strategy="median", add_indicator=True), GAPS), (SimpleImputer(missing_values=-1), np.nan_to_num(GAPS, nan=-1)),
    (SimpleImputer(), np.column_stack([GAPS, np.full(150, np.nan)])), (MissingIndicator(features="all"), GAPS),
    (IterativeImputer(tol=1.0, add_indicator=True), GAPS),
    (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), np.round(GAPS)),
    (OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=3, drop="first"),
     FRAME[["make", "fuel"]]),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), np.round(GAPS)),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), FRAME[["make", "fuel"]]),
    (DateParts(parts=("year", "month", "day", "weekday", "day_of_year", "hour", "age")), FRAME[["seen"]]),
    (FlagEncoder(handle_unknown="missing"), FRAME[["abs"]]),
    (FeatureUnion([("scale", StandardScaler()), ("same", "passthrough"), ("none", "drop")]), X),
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False)), FRAME[["make"]]),
    (make_pipeline(RareLevelEncoder(min_frequency=4), OneHotEncoder(sparse_output=False)), FRAME[["make", "fuel"]]),
    (make_pipeline(RareLevelEncoder(min_frequency=4, group_frequency=90, handle_missing="frequent"),
                   OneHotEncoder(sparse_output=False)), FRAME[["make", "fuel"]]),
    (make_pipeline(DropConstantColumns(), OneHotEncoder(sparse_output=False, handle_unknown="ignore")), FRAME[["make", "one"]]),
]


@pytest.mark.parametrize("model, rows", TRANSFORMERS, ids=name_of)
def test_transformers_say_the_same(model, rows):
    same(model.fit(rows), rows)


def test_the_calendar_of_a_thousand_years():
    """Every day from 1600 to 2600: months of all lengths, leap years, centuries."""
    days = pd.DataFrame({"day": np.arange(-135_140.0, 230_105.0)})
    parts = ("year", "month", "day", "weekday", "day_of_year")
    model = DateParts(parts=parts, reference="2024-01-01").fit(days)
    got = same(model, days)[0]
    moments = pd.Series(days["day"].to_numpy().astype("datetime64[D]").astype("datetime64[s]"))
    for j, part in enumerate(parts):
        np.testing.assert_array_equal(got[:, j], getattr(moments.dt, {"weekday": "day_of_week"}.get(part, part)))


def test_unknown_words_take_the_encoders_way():
    fresh = FRAME.assign(make=["tesla", None, *FRAME["make"][2:]], fuel=["hydrogen", np.nan, *FRAME["fuel"][2:]])
    means = TargetEncoder(target_type="continuous", random_state=0)
    model = make_pipeline(
        ColumnTransformer([
            ("hot", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False), ["make", "fuel"]),
            ("means", means, ["make"]),
            ("numbers", SimpleImputer(add_indicator=True), ["km", "age"]),
            ("abs", FlagEncoder(), ["abs"]),
        ]), SelectKBest(k=6), Ridge()).fit(FRAME, Y)
    same(model, fresh)


def test_native_categories_of_a_dataframe():
    frame = FRAME[["km", "make", "fuel"]].astype({"make": "category", "fuel": "category"})
    model = HistGradientBoostingRegressor(max_iter=8, min_samples_leaf=3).fit(frame, Y)
    same(model, frame)
    same(model, FRAME[["km", "make", "fuel"]].assign(make="tesla").astype({"make": "category", "fuel": "category"}))


def test_an_unknown_word_that_is_an_error_is_one_in_the_graph_too():
    _, content = content_of(OneHotEncoder(sparse_output=False).fit(FRAME[["make"]]))
    assert ran(content, {"make": np.array([["vw"]], dtype=object)})[0].tolist() == [[0.0, 0.0, 0.0, 1.0]]
    with pytest.raises(Exception, match="out of data bounds"):
        ran(content, {"make": np.array([["tesla"]], dtype=object)})


# -- projects ---------------------------------------------------------------------------------------------------------------

CARS = hs.datasets.used_cars(300, random_state=0)
FRESH = hs.datasets.used_cars(150, random_state=1)


@pytest.mark.parametrize("target, models", [
    ("price", "linear"), ("price", "ridge,forest"), ("price", "boosting"), ("price", "neighbors"), ("gearbox", "boosting"),
    ("gearbox", "logistic,forest"), ("leather", "baseline"),
])
def test_a_project_says_the_same_on_rows_with_gaps_and_new_words(target, models, tmp_path):
    project = hs.fit(CARS, target, models=models, folds=2, budget=4)
    fresh = FRESH.drop(columns=target).astype(object)
    hit = RNG.random(fresh.shape)
    for j, name in enumerate(fresh.columns):
        fresh.loc[hit[:, j] < 0.1, name] = None
        if project.recipes_.get(name, {}).get("kind") == "text":
            fresh.loc[hit[:, j] > 0.9, name] = "never seen"
    got = same(project, fresh)
    done = export_onnx(project, tmp_path / "cars.onnx")
    assert done.rows > 200 and done.difference < 1e-9
    if project.task == "classification":
        assert set(got[0].tolist()) <= set(project.classes)


def test_the_file_says_what_it_wants(tmp_path):
    project = hs.fit(CARS, "gearbox", models="logistic", folds=2, budget=3)
    path = export_onnx(project, tmp_path / "cars.onnx").path
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    contract = json.loads({one.key: one.value for one in model.metadata_props}["homespun_contract"])
    assert contract["target"] == "gearbox" and contract["classes"] == project.classes
    assert [one["name"] for one in contract["inputs"]] == [one.name for one in model.graph.input]
    kinds = {one["name"]: one for one in contract["inputs"]}
    assert kinds["mileage"]["unit"] == "km" and kinds["mileage"]["type"] == "float64"
    assert [one.name for one in model.graph.output] == ["prediction", "probabilities"]
    flags = [one for one in contract["inputs"] if one["kind"] == "flag"]
    assert flags and all(len(one["choices"]) >= 2 and one["type"] == "string" for one in flags)


def test_flags_dates_and_split_columns(tmp_path):
    n = 120
    frame = pd.DataFrame({
        "engine": RNG.choice(["2.0 Turbo", "1.6", "1.8 Turbo", "1.4"], n),
        "abs": RNG.choice(["ON", "OFF", "NotAvailable"], n),
        "sold": pd.date_range("2020-01-31", periods=n, freq="9D").strftime("%d.%m.%Y"),
        "built": RNG.integers(1990, 2020, n),
        "price": RNG.normal(9000, 900, n).round(),
    })
    frame["price"] += 900 * frame["engine"].str.contains("Turbo") + 500 * (frame["abs"] == "ON") + 100 * (frame["built"] - 2000)
    project = hs.fit(frame, "price", models="linear,boosting", folds=2, budget=3)
    fresh = frame.drop(columns="price").astype(object)
    fresh.loc[:9, "abs"] = None
    fresh.loc[10:19, "sold"] = None
    same(project, fresh)
    _, content = content_of(project)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert {one.name: one.type for one in session.get_inputs()}.get("engine") == "tensor(double)"


def test_an_input_may_be_called_prediction():
    frame = pd.DataFrame({"prediction": X[:, 0], "x": X[:, 1]})
    _, content = content_of(Ridge().fit(frame, Y))
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == ["prediction_"]


# -- what cannot be done, and what differs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model, words", [
    (make_pipeline(QuantileTransformer(n_quantiles=5), Ridge()).fit(X, Y), r"model\.quantiletransformer .*interpolates"),
    (make_pipeline(KNNImputer(), Ridge()).fit(X, Y), "KNNImputer.*distances"),
    (RandomForestClassifier(3, random_state=0).fit(X, np.column_stack([THREE, Y > 0])), "several outputs"),
    (TfidfVectorizer().fit(["a car", "two cars"]), "TfidfVectorizer.*how many columns"),
    (FunctionTransformer(np.cbrt).fit(X), "cbrt"),
], ids=lambda value: "")
def test_what_has_no_form_is_named(model, words, tmp_path):
    with pytest.raises(ModelFileError, match=words) as caught:
        export_onnx(model, tmp_path / "model.onnx")
    assert caught.value.operation == "export" and "--format" in caught.value.suggestion
    assert not (tmp_path / "model.onnx").exists()


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    right = FORMS["linear"]

    def wrong(g, spec, X):
        return right(g, {**spec, "intercept": spec["intercept"] + 1e-6}, X)

    monkeypatch.setitem(FORMS, "linear", wrong)
    model = Ridge().fit(X, Y)
    with pytest.raises(ModelFileError, match=r"the largest difference is \d.*prediction of row") as caught:
        export_onnx(model, tmp_path / "model.onnx")
    assert 1e-8 < caught.value.operands["difference"] < 1.1e-6 and not (tmp_path / "model.onnx").exists()
    assert export_onnx(model, tmp_path / "model.onnx", tolerance=1e-5).difference > 1e-8
    assert export_onnx(model, tmp_path / "model.onnx", sample=X[:7], tolerance=1e-5).rows == 7


def test_of_neighbours_the_refusal_says_what_ties_do():
    """Titanic's neighbours once were refused with a difference of "inf", and nobody knew why: passengers at equal distances."""
    from homespun.persist.onnx_trial import compare

    labels = np.where(Y > 0, "late", "early")
    model, other = KNeighborsClassifier(3).fit(X, labels), KNeighborsClassifier(3).fit(X, labels[::-1])
    g, content = content_of(model)
    with pytest.raises(ModelFileError, match=r"there is another answer.*of neighbours at the same distance the last bit"):
        compare(other, g, content, X)


def test_labels_that_tie_may_differ():
    shares = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert differences(np.array(["a", "b"]), np.array(["b", "b"]), shares).tolist() == [0.0, 0.0]
    assert differences(np.array(["a", "b"]), np.array(["b", "a"]), shares).tolist() == [0.0, np.inf]
    assert differences(np.array([np.nan, 1.0]), np.array([np.nan, np.nan])).tolist() == [0.0, np.inf]


def test_the_day_of_ages_is_said(tmp_path, monkeypatch, capsys):
    """A graph cannot ask for today: its file, its metadata and the command say to which day it counts."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"built": np.arange(120) % 40 + 1980, "size": np.arange(120) % 17})
    frame["price"] = (2020 - frame["built"]) * 3.0 + frame["size"]
    hs.fit(frame, "price", models="linear", folds=2, budget=3, out="houses.homespun")
    assert run(["export", "houses.homespun", "--format", "onnx"]) == 0
    said = "The age in 'built' is counted to 2019-12-31: a graph knows the stored day, not today."
    model = onnx.load("houses.onnx")
    assert said in model.doc_string and said in capsys.readouterr().err
    assert json.loads({one.key: one.value for one in model.metadata_props}["homespun_contract"])["ages"] == said


# -- the command -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    hs.fit(CARS, "price", models="ridge", folds=2, budget=3).save(folder / "cars.homespun")
    FRESH.to_csv(folder / "fresh.csv", index=False)
    save(Ridge().fit(X, Y), folder / "ridge.homespun")
    return folder


def test_the_command(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert run(["export", "cars.homespun", "--format", "onnx", "--check", "fresh.csv"]) == 0
    said = capsys.readouterr().out
    assert "cars.onnx" in said and "mileage (float64)" in said and "compared on 150 rows" in said
    assert run(["export", "cars.homespun", "--format", "onnx"]) == 0  # over an older export
    assert run(["export", "ridge.homespun", "--format", "onnx"]) == 0
    assert "inputs X (float64)" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, status, words", [
    (["none.homespun", "--format", "onnx"], 1, "no such file"),
    (["fresh.csv", "--format", "onnx"], 1, "not a homespun model file"),
    (["cars.homespun", "--format", "onnx", "-o", "fresh.csv"], 1, "'fresh.csv' is there already"),
    (["cars.homespun", "--format", "onnx", "-o", "cars.homespun"], 1, "would be overwritten"),
    (["cars.homespun", "--format", "onnx", "-o", "."], 1, "is a folder"),
    (["cars.homespun", "--format", "onnx", "--wheel", "x.whl"], 1, "--wheel is for --format docker"),
    (["cars.homespun", "--check", "fresh.csv"], 1, "--check is for --format onnx"),
    (["cars.homespun", "--format", "pmml"], 2, "python, onnx or docker"),
    (["cars.homespun", "-o", "mine.py"], 1, "'mine.py' is there already"),
], ids=lambda value: "")
def test_the_command_explains_mistakes(arguments, status, words, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "mine.py").write_text("import homespun as hs\n")
    before = (folder / "fresh.csv").read_bytes()
    assert run(["export", *arguments]) == status
    said = capsys.readouterr().err
    assert words in said.replace("\n", " ") and "Traceback" not in said
    assert (folder / "fresh.csv").read_bytes() == before and (folder / "mine.py").read_text().startswith("import")


def test_the_command_without_the_package(folder):
    """The extra is named; nothing is written."""
    script = ("import sys; sys.modules['onnx'] = None; from homespun.cli import run; "
              "sys.exit(run(['export', 'cars.homespun', '--format', 'onnx', '-o', 'without.onnx']))")
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1 and "homespun[onnx]" in done.stderr and not (folder / "without.onnx").exists()
    script = ("import sys; sys.modules['onnxruntime'] = None; from homespun.cli import run; "
              "sys.exit(run(['export', 'cars.homespun', '--format', 'onnx', '-o', 'untried.onnx']))")
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and "not compared" in done.stdout and (folder / "untried.onnx").exists(), done.stderr
