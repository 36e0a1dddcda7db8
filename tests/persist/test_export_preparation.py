"""Every preprocessor of ours in an exported file: the same bits, or an error that says why not."""

import runpy

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from homespun.compose import TransformedTargetRegressor
from homespun.errors import ModelFileError
from homespun.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from homespun.feature_selection import (
    CollinearityDetector,
    DropConstantColumns,
    DropDuplicateColumns,
    DropFreeText,
    DropMissingColumns,
    SelectFromModel,
    SelectKBest,
    VarianceThreshold,
)
from homespun.impute import InterpolationImputer, IterativeImputer, KNNImputer
from homespun.linear_model import LogisticRegression, Ridge
from homespun.neighbors import NearestNeighbors
from homespun.persist import export_python
from homespun.persist.specs import EXPORTS
from homespun.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OutlierClipper,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RareLevelEncoder,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from homespun.testing import all_estimators
from homespun.tree import DecisionTreeRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (120, 4)) @ (np.eye(4) + 0.3)
BEYOND = np.vstack([X, X[:5] * 3, -X[:5]])  # values outside of what was fitted, too
GAPS = np.where(RNG.random(X.shape) < 0.15, np.nan, X)
Y = X[:, 0] * 2 - X[:, 1] + RNG.normal(size=len(X))
TABLE = pd.DataFrame({
    "make": RNG.choice(np.array(["vw", "bmw", "kia", "tatra", np.nan], dtype=object), 120, p=[0.5, 0.3, 0.15, 0.02, 0.03]),
    "doors": RNG.choice([3.0, 5.0, np.nan], 120),
    "one": "same",
    "copy": np.arange(120.0),
    "again": np.arange(120.0),
    "text": [f"text number {i} of many" for i in range(120)],
})
TEXTS = ["A red car, a RED wine", "the crème brûlée", "", "wine and the red red car", "straße of the old town"] * 3
HOLES = np.where(np.arange(4) < 3, np.where(np.isnan(GAPS), -1.0, GAPS), -1.0)

TRANSFORMERS = [
    (RobustScaler(unit_variance=True), GAPS, GAPS),
    (RobustScaler(with_centering=False), X.astype(np.float32), X.astype(np.float32)),
    (MaxAbsScaler(clip=True), X, BEYOND),
    (OutlierClipper(), GAPS, BEYOND),
    (OutlierClipper(method="quantile"), X, BEYOND),
    (Normalizer(), X, np.vstack([X, np.zeros(4)])),
    (Normalizer(norm="l1"), X, X),
    (Normalizer(norm="max"), X, X),
    (Binarizer(threshold=2.5), X, X),
    (KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"), X, BEYOND),
    (KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform"), X, BEYOND),
    (KBinsDiscretizer(3, encode="onehot", strategy="kmeans", dtype=np.float32), X, BEYOND),
    (PolynomialFeatures(3), X, X),
    (PolynomialFeatures((2, 2), interaction_only=True, include_bias=False), X.astype(np.float32), X.astype(np.float32)),
    (PolynomialFeatures(0), X, X),
    (PowerTransformer(), GAPS, GAPS),
    (PowerTransformer(standardize=False), X, BEYOND),
    (PowerTransformer(method="box-cox"), np.abs(X) + 0.1, np.abs(BEYOND) + 0.1),
    (QuantileTransformer(n_quantiles=50), GAPS, BEYOND),
    (SplineTransformer(), X, X),
    (SplineTransformer(degree=2, knots="quantile", include_bias=False), X, BEYOND),
    (SplineTransformer(extrapolation="linear"), X, BEYOND),
    (SplineTransformer(extrapolation="continue"), X, BEYOND),
    (SplineTransformer(extrapolation="periodic", handle_missing="zeros"), GAPS, np.vstack([GAPS, BEYOND])),
    (FunctionTransformer("log1p"), np.abs(X), np.abs(X)),
    (FunctionTransformer(np.sqrt), np.abs(X), np.abs(X)),
    (FunctionTransformer(), X, X),
    (RareLevelEncoder(min_frequency=4), TABLE[["make", "doors"]], TABLE[["make", "doors"]]),
    (RareLevelEncoder(min_frequency=4, group_frequency=90, handle_missing="frequent"), TABLE[["make", "doors"]],
     TABLE[["make", "doors"]]),
    (IterativeImputer(max_iter=3, tol=1.0), GAPS, GAPS[::-1]),
    (IterativeImputer(DecisionTreeRegressor(max_depth=3), max_iter=2, tol=9.0, add_indicator=True, min_value=0.0), GAPS, GAPS),
    (IterativeImputer(missing_values=-1, tol=1.0), HOLES, HOLES),
    (KNNImputer(), GAPS, GAPS[::-1]),
    (KNNImputer(weights="distance", add_indicator=True), GAPS, GAPS),
    (KNNImputer(missing_values=-1, keep_empty_features=True), HOLES, HOLES),
    (SelectKBest(k=2), X, X),
    (SelectFromModel(Ridge()), X, X),
    (VarianceThreshold(0.5), X, X),
    (CollinearityDetector(threshold=1.5, drop=True), X, X),
    (DropMissingColumns(max_share=0.2), TABLE, TABLE),
    (DropConstantColumns(), TABLE, TABLE),
    (DropDuplicateColumns(), TABLE, TABLE),
    (DropFreeText(), TABLE, TABLE),
    (TfidfTransformer(sublinear_tf=True), np.floor(np.abs(X)), np.floor(np.abs(X))),
    (CountVectorizer(), TEXTS, [*TEXTS, "nothing known"]),
    (CountVectorizer(stop_words="english", ngram_range=(1, 2), binary=True, dtype=np.float32), TEXTS, TEXTS),
    (CountVectorizer(analyzer="char_wb", ngram_range=(2, 3), strip_accents="unicode"), TEXTS, TEXTS),
    (CountVectorizer(analyzer="char", lowercase=False, ngram_range=(1, 2), strip_accents="ascii"), TEXTS, TEXTS),
    (TfidfVectorizer(), TEXTS, [*TEXTS, "nothing known"]),
    (TfidfVectorizer(norm="l1", sublinear_tf=True, smooth_idf=False), TEXTS, TEXTS),
    (TfidfVectorizer(use_idf=False, norm=None), TEXTS, TEXTS),
    pytest.param(TfidfVectorizer(smooth_idf=False, vocabulary=["red", "zebra"], dtype=np.int64), TEXTS,
                 TEXTS, marks=pytest.mark.filterwarnings("ignore:Only float64", "ignore:divide by zero")),
    (HashingVectorizer(n_features=64), TEXTS, TEXTS),
    (HashingVectorizer(n_features=16, alternate_sign=False, norm=None, binary=True), TEXTS, TEXTS),
]


def exported(model, folder):
    return runpy.run_path(str(export_python(model, folder / "model.py")))


def names_of(value):
    return type(value).__name__ if hasattr(value, "get_params") else ""


@pytest.mark.filterwarnings("ignore::UserWarning")  # of the imputer that stops early, the median of tied columns
@pytest.mark.parametrize("model, seen, rows", TRANSFORMERS, ids=names_of)
def test_transformers_give_the_same_bits(model, seen, rows, tmp_path):
    y = Y if isinstance(model, (SelectKBest, SelectFromModel)) else None
    model.fit(seen, y)
    expected = model.transform(rows)
    expected = expected.toarray() if sparse.issparse(expected) else np.asarray(expected)
    got = np.asarray(exported(model, tmp_path)["predict"](rows))
    if isinstance(got, np.ndarray) and got.dtype != expected.dtype and expected.dtype.kind != "O":
        got = got.astype(expected.dtype)
    assert got.shape == expected.shape
    if expected.dtype.kind == "O":
        assert pd.DataFrame(got).equals(pd.DataFrame(expected)) or str(got.tolist()) == str(expected.tolist())
    else:
        np.testing.assert_array_equal(got, expected)


def test_selected_columns_of_a_table_keep_their_kind(tmp_path):
    """A selector before a column transformer: what it leaves is a table still."""
    model = make_pipeline(DropConstantColumns(), OneHotEncoder(sparse_output=False, handle_unknown="ignore")).fit(TABLE)
    got = exported(model, tmp_path)["predict"](TABLE)
    np.testing.assert_array_equal(got, model.transform(TABLE))


def test_normal_scores_are_the_same_to_the_last_digits(tmp_path):
    """SciPy's normal quantiles and the standard library's differ in their last digits."""
    model = QuantileTransformer(n_quantiles=30, output_distribution="normal").fit(GAPS)
    rows = np.vstack([GAPS, BEYOND])
    np.testing.assert_allclose(exported(model, tmp_path)["predict"](rows), model.transform(rows), rtol=1e-13, atol=1e-14)


TARGETS = [
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    TransformedTargetRegressor(Ridge(), func="log1p", inverse_func="expm1", bias_correction="smearing", minimum=0.0),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler(with_mean=False)),
    TransformedTargetRegressor(Ridge(), transformer=RobustScaler()),
    TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()),
    TransformedTargetRegressor(Ridge(), transformer=MaxAbsScaler()),
    TransformedTargetRegressor(Ridge(), transformer=PowerTransformer(), bias_correction="smearing"),
    TransformedTargetRegressor(Ridge()),
]


@pytest.mark.parametrize("model", TARGETS, ids=lambda model: f"{model.func or type(model.transformer).__name__}")
def test_targets_come_back(model, tmp_path):
    for target in (np.abs(Y), np.column_stack([np.abs(Y), np.abs(Y) + 1])):
        model.fit(X, target)
        np.testing.assert_array_equal(exported(model, tmp_path)["predict"](X), model.predict(X))


def test_words_and_numbers_of_one_table(tmp_path):
    frame = TABLE.assign(text=RNG.choice(["old red car", "new blue car", "old van"], len(TABLE)))
    model = make_pipeline(
        ColumnTransformer([("text", TfidfVectorizer(), "text"), ("doors", KNNImputer(), ["doors", "copy"])],
                          sparse_threshold=0.0),
        LogisticRegression(),
    ).fit(frame, Y.mean() < Y)
    np.testing.assert_allclose(exported(model, tmp_path)["predict_proba"](frame), model.predict_proba(frame), rtol=1e-12)


@pytest.mark.parametrize("model, words", [
    (InterpolationImputer(), "the rows before and after"),
    (LabelEncoder(), "labels of a target"),
    (NearestNeighbors(), "predicts nothing"),
    (HashingVectorizer(), "too wide"),
    (IterativeImputer(sample_posterior=True), "draws random"),
    (KNNImputer(metric=lambda a, b, **_: 0.0), "metric given as a function"),
    (CountVectorizer(tokenizer=str.split, token_pattern=None), "tokenizer given as a function"),
    (HashingVectorizer(n_features=8, input="filename"), "opens the files that its rows name"),
    (FunctionTransformer(np.log1p, kw_args={"where": True}), "kw_args"),
    (TransformedTargetRegressor(Ridge(), transformer=QuantileTransformer(n_quantiles=5)), "the way back"),
], ids=names_of)
def test_what_has_no_form_says_why(model, words, tmp_path):
    if isinstance(model, TransformedTargetRegressor):
        model.fit(X, Y)
    elif hasattr(model, "classes_") or isinstance(model, LabelEncoder):
        model.fit(["a", "b"])
    elif isinstance(model, IterativeImputer):
        model.set_params(max_iter=1)
        model.sample_posterior = True
    with pytest.raises(ModelFileError, match=words) as caught:
        export_python(model, tmp_path / "model.py")
    assert not (tmp_path / "model.py").exists() and caught.value.operation == "export" and caught.value.suggestion


def test_every_estimator_has_a_spec_or_a_reason():
    depth = {True: 3, False: 2}
    for name, kind in all_estimators():
        parts = kind.__module__.split(".")
        known = ".".join(parts[: depth[parts[1] == "feature_extraction"]]) + f".{name}"
        assert known in EXPORTS, f"{known} can neither be exported nor says why not"


def test_no_two_functions_of_the_parts_share_a_name():
    """In one file the second would take the place of the first."""
    import ast

    from homespun.persist.exporter import RUNNER, _joined

    text = _joined(list(RUNNER))
    names = [name for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) for name in [node.name]]
    targets = [target.id for node in ast.parse(text).body if isinstance(node, ast.Assign) for target in node.targets
               if isinstance(target, ast.Name)]
    assert len(names + targets) == len(set(names + targets))
