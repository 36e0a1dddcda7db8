"""Exported models: one file that imports NumPy and the standard library, and predicts the same."""

import ast
import csv
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from homespun.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from homespun.errors import ModelFileError
from homespun.impute import MissingIndicator, SimpleImputer
from homespun.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV
from homespun.neighbors import KNeighborsClassifier, KNeighborsRegressor
from homespun.persist import export_python
from homespun.persist.exporter import RUNNER, source_of
from homespun.persist.specs import EXPORTS
from homespun.preprocessing import DateParts, FlagEncoder, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from homespun.tabular import BaselineClassifier, BaselineRegressor
from homespun.tree import DecisionTreeClassifier, DecisionTreeRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (200, 6))
GAPS = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] * 2 - X[:, 1] + RNG.normal(size=200)
TWO = np.array(["no", "yes"])[(Y.mean() < Y).astype(int)]
THREE = np.digitize(Y, np.quantile(Y, [0.3, 0.7])) * 10
FRAME = pd.DataFrame(
    {
        "km": GAPS[:, 0],
        "age": np.arange(200) % 17,
        "make": RNG.choice(np.array(["vw", "bmw", "kia", "rare one"], dtype=object), 200, p=[0.5, 0.3, 0.18, 0.02]),
        "fuel": RNG.choice(np.array(["gas", None, np.nan], dtype=object), 200, p=[0.8, 0.1, 0.1]),
        "seen": pd.date_range("2023-01-30", periods=200, freq="31h").strftime("%Y-%m-%dT%H:%M:%S").astype(object),
        "abs": RNG.choice(np.array(["ON", "OFF", "NotAvailable"], dtype=object), 200),
    }
)


@pytest.fixture
def exported(tmp_path):
    """Write a model and run the file: its names."""

    def export(model):
        path = export_python(model, tmp_path / "exported.py")
        return runpy.run_path(str(path))

    return export


def same(got, expected, rtol=0.0):
    assert got.shape == expected.shape
    assert got.dtype.kind == expected.dtype.kind or {got.dtype.kind, expected.dtype.kind} <= {"U", "O"}
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=0 if rtol == 0 else 1e-14)
    else:
        assert got.tolist() == expected.tolist()


# 0: to the last bit
MODELS = [
    (LinearRegression(), X, Y, 0),
    (Ridge(), X, np.column_stack([Y, -Y]), 0),
    (RidgeCV(), X.astype(np.float32), Y, 0),
    (LogisticRegression(), X, TWO, 0),
    (LogisticRegression(), X.astype(np.float32), TWO, 0),
    (LogisticRegression(C=1e6), 1e3 * X, TWO, 0),
    (LogisticRegression(), X, THREE, 0),
    (DecisionTreeClassifier(max_depth=5), GAPS, THREE, 0),
    (DecisionTreeClassifier(), X, np.column_stack([TWO == "no", THREE]), 0),
    (DecisionTreeRegressor(), GAPS, Y, 0),
    (DecisionTreeRegressor(max_depth=3), X.astype(np.float32), np.column_stack([Y, -Y]), 0),
    (DecisionTreeRegressor(), X, np.ones(200), 0),
    (RandomForestClassifier(5, random_state=0), GAPS, TWO, 0),
    (RandomForestClassifier(5, random_state=0), GAPS, THREE, 0),
    (RandomForestClassifier(3, random_state=0), X, np.column_stack([THREE, (Y > 0) * 1]), 0),
    (RandomForestRegressor(5, random_state=0), GAPS.astype(np.float32), Y, 0),
    (RandomForestRegressor(3, random_state=0), X, np.column_stack([Y, -Y]), 0),
    (HistGradientBoostingRegressor(max_iter=8), GAPS, Y, 0),
    (HistGradientBoostingRegressor(max_iter=8, loss="poisson"), GAPS, np.abs(Y), 0),
    (HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=60, min_samples_leaf=2), X.astype(np.float32), Y, 0),
    (
        HistGradientBoostingRegressor(max_iter=5, categorical_features=[0]),
        np.column_stack([np.arange(200) % 7, GAPS[:, :2]]),
        Y,
        0,
    ),
    (HistGradientBoostingClassifier(max_iter=5), GAPS, TWO, 0),
    (HistGradientBoostingClassifier(max_iter=5), GAPS, THREE, 0),
    (KNeighborsClassifier(), X, TWO, 0),
    (KNeighborsClassifier(3, weights="distance"), X, THREE, 1e-13),
    (KNeighborsClassifier(3, p=1), X, np.column_stack([THREE, (Y > 0) * 1]), 0),
    (KNeighborsRegressor(), X.astype(np.float32), Y, 0),
    (KNeighborsRegressor(weights="distance", metric="chebyshev"), X, Y, 1e-12),
    (KNeighborsRegressor(metric="cosine", weights="distance"), X, np.column_stack([Y, -Y]), 1e-9),
    (KNeighborsRegressor(p=3), X, Y, 0),
    (BaselineRegressor(), X, Y, 0),
    (BaselineClassifier(), X, TWO, 0),
    (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), X, np.abs(Y), 0),
]


@pytest.mark.parametrize(
    "model, rows, target, rtol", MODELS, ids=lambda value: type(value).__name__ if hasattr(value, "fit") else ""
)
def test_models_predict_the_same(model, rows, target, rtol, exported):
    model.fit(rows[:150], target[:150])
    names = exported(model)
    same(names["predict"](rows), model.predict(rows), rtol)
    if hasattr(model, "predict_proba"):
        got, expected = names["predict_proba"](rows), model.predict_proba(rows)
        for one, other in zip(got, expected) if isinstance(expected, list) else [(got, expected)]:
            same(one, other, rtol)
    else:
        with pytest.raises(AttributeError, match="predicts numbers"):
            names["predict_proba"](rows)


WORDS = ["make", "fuel"]
TRANSFORMERS = [
    (StandardScaler(), GAPS),
    (StandardScaler(with_mean=False), X.astype(np.float32)),
    (StandardScaler(with_std=False), X),
    (MinMaxScaler(), GAPS),
    (MinMaxScaler(feature_range=(-1, 2), clip=True), X.astype(np.float32)),
    (SimpleImputer(), GAPS),
    (SimpleImputer(strategy="median", add_indicator=True), GAPS),
    (SimpleImputer(strategy="constant", fill_value=-1.0), GAPS),
    (SimpleImputer(), np.column_stack([GAPS, np.full(200, np.nan)])),
    (SimpleImputer(missing_values=-1), np.where(np.isnan(GAPS), -1, GAPS)),
    (MissingIndicator(), GAPS),
    (MissingIndicator(features="all"), GAPS),
    (SimpleImputer(strategy="most_frequent"), FRAME[["fuel"]].where(FRAME[["fuel"]].notna(), np.nan)),
    (OneHotEncoder(sparse_output=False), FRAME[WORDS]),
    (OneHotEncoder(sparse_output=False, drop="first", dtype=np.float32), FRAME[WORDS]),
    (OneHotEncoder(sparse_output=False, drop="if_binary"), FRAME[["abs", "age"]]),
    (OneHotEncoder(sparse_output=False, handle_unknown="ignore", min_frequency=10), FRAME[WORDS]),
    (OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=3), FRAME[WORDS]),
    (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), np.round(GAPS)),
    (OrdinalEncoder(), FRAME[WORDS]),
    (OrdinalEncoder(max_categories=3, encoded_missing_value=-2), FRAME[WORDS]),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), np.round(GAPS)),
    (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), FRAME[WORDS]),
    (DateParts(parts=("year", "month", "day", "weekday", "day_of_year", "hour", "age")), FRAME[["seen"]]),
    (DateParts(reference="2024-01-01"), GAPS[:, :2] * 1000),
    (FlagEncoder(), FRAME[["abs"]]),
    (FunctionTransformer(np.abs), X),
    (FeatureUnion([("scale", StandardScaler()), ("same", "passthrough"), ("none", "drop")]), X),
    (
        ColumnTransformer(
            [("words", OneHotEncoder(sparse_output=False), WORDS), ("flag", FlagEncoder(), ["abs"])], remainder="drop"
        ),
        FRAME,
    ),
    (ColumnTransformer([("scale", StandardScaler(), [1, 3]), ("cut", "drop", [2])], remainder="passthrough"), X),
    (ColumnTransformer([("scale", StandardScaler(), slice(0, 2)), ("nothing", MinMaxScaler(), [])]), X),
]


@pytest.mark.parametrize("model, rows", TRANSFORMERS, ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "")
def test_transformers_give_the_same_bits(model, rows, exported):
    model.fit(rows)
    expected = np.asarray(model.transform(rows))
    got = exported(model)["predict"](rows)
    same(np.asarray(got, dtype=expected.dtype), expected)


def test_boosting_on_a_dataframe_with_categories(exported):
    frame = FRAME[["km", "age", "make"]].astype({"make": "category"})
    model = HistGradientBoostingRegressor(max_iter=5).fit(frame, Y)
    names = exported(model)
    np.testing.assert_allclose(names["predict"](frame), model.predict(frame), rtol=1e-12)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    np.testing.assert_allclose(names["predict"](rows), model.predict(frame), rtol=1e-12)


def test_unknown_categories(exported):
    known, new = FRAME[["make"]][:100], pd.DataFrame({"make": ["vw", "tesla", None]})
    for model in (
        OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
        OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", min_frequency=20, drop="first"),
    ):
        same(exported(model.fit(known))["predict"](new), model.transform(new))
    with pytest.raises(ValueError, match="tesla"):
        exported(OneHotEncoder(sparse_output=False).fit(known))["predict"](new)
    with pytest.raises(ValueError, match="maybe"):
        exported(FlagEncoder().fit(FRAME[["abs"]]))["predict"]({"abs": ["maybe"]})


def table_model():
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, ["km", "age"]),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), WORDS),
            ("seen", make_pipeline(DateParts(), StandardScaler()), ["seen"]),
            ("abs", FlagEncoder(), ["abs"]),
        ]
    )
    return Pipeline([("prepare", prepare), ("model", HistGradientBoostingClassifier(max_iter=4))]).fit(FRAME, TWO)


def test_a_table_model_in_every_form_of_input(exported, tmp_path):
    model = table_model()
    names = exported(model)
    expected = model.predict_proba(FRAME)
    rows = FRAME.astype(object).where(FRAME.notna(), None).to_dict("records")
    as_columns = {name: [row[name] for row in rows] for name in FRAME.columns}
    for given in (FRAME, FRAME[FRAME.columns[::-1]], FRAME.to_dict("list")):
        same(names["predict_proba"](given), expected, 1e-15)
    blank = FRAME.assign(fuel=FRAME["fuel"].where(FRAME["fuel"].notna(), None))
    for given in (rows, as_columns):
        same(names["predict_proba"](given), model.predict_proba(blank), 1e-15)
    with pytest.raises(ValueError, match=r"columns are missing.*'km'"):
        names["predict"](FRAME.drop(columns="km"))


def test_sparse_inside_a_pipeline(exported):
    prepare = ColumnTransformer([("words", OneHotEncoder(), WORDS), ("age", StandardScaler(), ["age"])], sparse_threshold=1.0)
    model = make_pipeline(prepare, LogisticRegression()).fit(FRAME, TWO)
    same(exported(model)["predict_proba"](FRAME), model.predict_proba(FRAME), 1e-13)


def test_the_command_line(tmp_path):
    """``python -I``: no homespun, no current directory, nothing from the environment."""
    path = export_python(table_model(), tmp_path / "cars.py")
    blank = FRAME.assign(fuel=FRAME["fuel"].where(FRAME["fuel"].notna(), None))
    blank.to_csv(tmp_path / "cars.csv", index=False, sep=";", encoding="cp1252")

    def run(*arguments):
        script = (
            "import runpy, sys\n"
            "sys.modules.update(dict.fromkeys(['homespun', 'sklearn', 'scipy', 'pandas', 'numba']))\n"
            f"sys.argv = {[str(path), *map(str, arguments)]!r}\n"
            "runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        return subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)

    done = run(tmp_path / "cars.csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert done.returncode == 0, done.stderr
    expected = table_model()
    assert [row["prediction"] for row in rows] == expected.predict(blank).tolist()
    same(np.array([float(row["probability_yes"]) for row in rows]), expected.predict_proba(blank)[:, 1], 1e-12)
    assert run(tmp_path / "cars.csv", "-o", tmp_path / "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_text() == done.stdout
    wrong = run(tmp_path / "missing.csv")
    assert wrong.returncode == 1 and "error" in wrong.stderr and "Traceback" not in wrong.stderr
    assert run().returncode == 2


def test_the_file_is_readable_and_imports_only_numpy_and_the_standard_library():
    text = source_of(table_model())
    lines = text.splitlines()
    assert len(lines) < 1000
    imports = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imports <= {"base64", "csv", "io", "json", "math", "sys", "zlib", "numpy", "re", "datetime"}
    assert "pickle" not in text.replace("allow_pickle=False", "") and "homespun" not in text.split('"""', 2)[2]
    assert "def neighbors" not in text and "def standard_scaler" in text  # what is not needed is not there


def test_every_runner_module_is_plain():
    from pathlib import Path

    import homespun.persist.runner as runner

    for module in RUNNER:
        tree = ast.parse((Path(runner.__file__).parent / f"{module}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert name.split(".")[0] in sys.stdlib_module_names | {"numpy", "homespun"}


def test_what_cannot_be_exported_is_named():
    from sklearn.preprocessing import PowerTransformer

    model = make_pipeline(ColumnTransformer([("power", PowerTransformer(), [0])]), Ridge()).fit(X, Y)
    with pytest.raises(ModelFileError, match=r"model\.columntransformer\.power \(sklearn.*PowerTransformer") as caught:
        source_of(model)
    assert caught.value.operation == "export" and caught.value.where == "model.columntransformer.power"
    with pytest.raises(ModelFileError, match="not fitted"):
        source_of(Ridge())
    with pytest.raises(ModelFileError, match="metric"):
        source_of(KNeighborsRegressor(metric=lambda a, b: 0.0).fit(X[:10], Y[:10]))
    with pytest.raises(ModelFileError, match="NumPy's functions"):
        source_of(FunctionTransformer(lambda rows: rows).fit(X))


def test_exported_names_are_real_classes():
    import importlib

    for name in EXPORTS:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type)
