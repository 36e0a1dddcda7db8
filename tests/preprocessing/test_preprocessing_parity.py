"""Every transformer of numbers against scikit-learn's: one table of cases, on data that is neither centred nor scaled."""

import importlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.base import clone

rng = np.random.default_rng(7)
PLAIN = rng.normal(size=(70, 5)) * [1, 100, 1e-4, 3, 1] + [0, 1e6, 5, -3, 0]
PLAIN[:, 4] = 2.5  # constant
SKEWED = np.exp(rng.normal(size=(70, 4))) * [1, 1e3, 1e-3, 10]
SIDED = np.column_stack([rng.normal(2, 1, 70) ** 3, -SKEWED[:, 0], SKEWED[:, 1], rng.normal(size=70)])
GAPS = np.where(rng.random(PLAIN.shape) < 0.2, np.nan, PLAIN)
GAPS_SIDED = np.where(rng.random(SIDED.shape) < 0.2, np.nan, SIDED)
COUNTS = rng.integers(0, 4, (70, 5)).astype(float)
EMPTY_ROWS = np.where(COUNTS[:, :1] == 0, 0.0, PLAIN)
CSR, CSC = sparse.csr_matrix(COUNTS), sparse.csc_matrix(COUNTS)
SIGNED = sparse.csr_matrix(COUNTS * rng.normal(size=COUNTS.shape))
DATA = {name: value for name, value in globals().items() if name.isupper()}

# name, parameters, data, attributes to compare, relative tolerance
CASES = [
    ("RobustScaler", {}, "PLAIN", "center_ scale_", 1e-12),
    ("RobustScaler", {}, "GAPS", "center_ scale_", 1e-12),
    ("RobustScaler", {"quantile_range": (5, 70), "unit_variance": True}, "GAPS", "center_ scale_", 1e-12),
    ("RobustScaler", {"with_scaling": False}, "PLAIN", "center_ scale_", 1e-12),
    ("RobustScaler", {"with_centering": False}, "CSR", "center_ scale_", 1e-12),
    ("RobustScaler", {"with_centering": False, "quantile_range": (10, 90)}, "SIGNED", "scale_", 1e-12),
    ("MaxAbsScaler", {}, "GAPS", "max_abs_ scale_ n_samples_seen_", 1e-14),
    ("MaxAbsScaler", {}, "SIGNED", "max_abs_ scale_ n_samples_seen_", 1e-14),
    ("MaxAbsScaler", {}, "CSC", "max_abs_ scale_", 1e-14),
    ("Normalizer", {}, "EMPTY_ROWS", "", 1e-14),
    ("Normalizer", {"norm": "l1"}, "EMPTY_ROWS", "", 1e-14),
    ("Normalizer", {"norm": "max"}, "EMPTY_ROWS", "", 1e-14),
    ("Normalizer", {"norm": "l1"}, "SIGNED", "", 1e-14),
    ("Normalizer", {"norm": "l2"}, "SIGNED", "", 1e-14),
    ("Normalizer", {"norm": "max"}, "SIGNED", "", 1e-14),
    ("Binarizer", {}, "PLAIN", "", 0),
    ("Binarizer", {"threshold": 1.0}, "CSC", "", 0),
    ("Binarizer", {"threshold": -3.0}, "PLAIN", "", 0),
    ("PowerTransformer", {}, "SIDED", "lambdas_", 1e-5),
    ("PowerTransformer", {}, "GAPS_SIDED", "lambdas_", 1e-5),
    ("PowerTransformer", {"standardize": False}, "SKEWED", "lambdas_", 1e-5),
    ("PowerTransformer", {"method": "box-cox"}, "SKEWED", "lambdas_", 1e-5),
    ("QuantileTransformer", {"n_quantiles": 50}, "PLAIN", "quantiles_ references_ n_quantiles_", 1e-12),
    ("QuantileTransformer", {"n_quantiles": 70, "output_distribution": "normal"}, "GAPS", "quantiles_", 1e-12),
    ("QuantileTransformer", {"n_quantiles": 10, "subsample": 30, "random_state": 3}, "SKEWED", "quantiles_", 1e-12),
    ("QuantileTransformer", {"n_quantiles": 7}, "COUNTS", "quantiles_", 1e-12),
    ("QuantileTransformer", {"n_quantiles": 20}, "CSC", "quantiles_", 1e-12),
    ("QuantileTransformer", {"n_quantiles": 9, "ignore_implicit_zeros": True, "subsample": 30, "random_state": 1}, "SIGNED",
     "quantiles_", 1e-12),
    ("PolynomialFeatures", {}, "PLAIN", "powers_ n_output_features_", 0),
    ("PolynomialFeatures", {"degree": 4, "include_bias": False}, "COUNTS", "powers_", 0),
    ("PolynomialFeatures", {"degree": 3, "interaction_only": True, "order": "F"}, "PLAIN", "powers_", 0),
    ("PolynomialFeatures", {"degree": (2, 3)}, "SIDED", "powers_", 0),
    ("PolynomialFeatures", {"degree": (3, 3), "include_bias": False, "interaction_only": True}, "SIDED", "powers_", 0),
    ("PolynomialFeatures", {"degree": 9, "interaction_only": True}, "PLAIN", "powers_", 1e-15),
    ("PolynomialFeatures", {"degree": 0}, "PLAIN", "powers_", 0),
    ("PolynomialFeatures", {}, "SIGNED", "powers_", 1e-15),
    ("PolynomialFeatures", {"degree": (2, 3), "include_bias": False}, "CSC", "powers_", 1e-15),
    ("PolynomialFeatures", {"degree": 3, "interaction_only": True}, "SIGNED", "powers_", 1e-15),
    ("PolynomialFeatures", {"degree": 5, "interaction_only": True}, "SIGNED", "powers_", 1e-15),
    ("PolynomialFeatures", {"degree": 4}, "CSR", "powers_", 1e-15),
    ("SplineTransformer", {}, "PLAIN", "n_features_out_", 1e-9),
    ("SplineTransformer", {"n_knots": 3, "degree": 2, "knots": "quantile", "include_bias": False}, "SIDED", "", 1e-9),
    ("SplineTransformer", {"degree": 0}, "SIDED", "", 1e-9),
    ("SplineTransformer", {"degree": 1, "order": "F"}, "SIDED", "", 1e-9),
    ("SplineTransformer", {"extrapolation": "periodic"}, "SIDED", "", 1e-9),
    ("SplineTransformer", {"sparse_output": True, "degree": 2}, "SIDED", "", 1e-9),
    ("SplineTransformer", {"handle_missing": "zeros"}, "GAPS_SIDED", "", 1e-9),
    ("KBinsDiscretizer", {}, "SIDED", "n_bins_ bin_edges_", 1e-12),
    ("KBinsDiscretizer", {"encode": "ordinal", "strategy": "uniform", "n_bins": [2, 3, 4, 5]}, "SIDED", "bin_edges_", 1e-12),
    ("KBinsDiscretizer", {"encode": "onehot-dense", "strategy": "kmeans", "n_bins": 3}, "SIDED", "n_bins_", 1e-12),
    ("KBinsDiscretizer", {"quantile_method": "linear", "dtype": np.float32}, "SIDED", "bin_edges_", 1e-6),
    ("KBinsDiscretizer", {"quantile_method": "hazen", "subsample": 40, "random_state": 0}, "SIDED", "bin_edges_", 1e-12),
]


def dense(value):
    return value.toarray() if sparse.issparse(value) else np.asarray(value)


def pair(name, parameters, package="preprocessing"):
    ours, theirs = (importlib.import_module(f"{root}.{package}") for root in ("homespun", "sklearn"))
    return getattr(ours, name)(**parameters), getattr(theirs, name)(**parameters)


@pytest.mark.parametrize("name, parameters, data, attributes, rtol", CASES, ids=lambda value: str(value)[:60])
def test_equals_scikit_learn(name, parameters, data, attributes, rtol):
    X = DATA[data]
    mine, other = pair(name, parameters)
    warnings.simplefilter("ignore")  # both say where they bin less finely, theirs also what they are going to change
    other.fit(X)
    expected = other.transform(X)
    got = mine.fit(X).transform(X)
    assert sparse.issparse(got) == sparse.issparse(expected) and got.dtype == expected.dtype
    scale = np.nanmax(np.abs(dense(expected)), initial=1.0)
    np.testing.assert_allclose(dense(got), dense(expected), rtol=rtol, atol=rtol * scale)
    again = type(mine)(**parameters).fit_transform(X)
    np.testing.assert_allclose(dense(again), dense(got), rtol=1e-12, atol=1e-12)
    for attribute in attributes.split():
        a, b = getattr(mine, attribute), getattr(other, attribute)
        if b is None:
            assert a is None
        elif isinstance(b, list) or np.asarray(b).dtype == object:
            for one, two in zip(a, b, strict=True):
                np.testing.assert_allclose(one, two, rtol=max(rtol, 1e-12))
        else:
            np.testing.assert_allclose(a, b, rtol=max(rtol, 1e-12), atol=rtol * 0.1)
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    if hasattr(other, "inverse_transform"):
        want, have = other.inverse_transform(expected.copy()), mine.inverse_transform(got.copy())
        np.testing.assert_allclose(dense(have), dense(want), rtol=max(rtol, 1e-9), atol=max(rtol, 1e-9) * scale)


@pytest.mark.parametrize("parameters", [{}, {"degree": 1}, {"degree": 0}, {"degree": 2, "knots": "quantile"}])
@pytest.mark.parametrize("extrapolation", ["constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("sparse_output", [False, True])
def test_splines_beyond_the_knots(parameters, extrapolation, sparse_output):
    mine, other = pair("SplineTransformer", {**parameters, "extrapolation": extrapolation})
    far = np.vstack([SIDED, SIDED * 1.5, SIDED - 3, SIDED.min(axis=0), SIDED.max(axis=0)])
    mine.set_params(sparse_output=sparse_output).fit(SIDED)
    other.fit(SIDED)
    if parameters.get("degree") == 0 and extrapolation in ("constant", "linear"):  # theirs: a shape mismatch
        near = np.clip(far, SIDED.min(axis=0), SIDED.max(axis=0))
        expected = clone(other).set_params(extrapolation="constant").fit(SIDED).transform(near)
    else:  # one column at a time: with degree 1 and "linear", theirs is right for the first only
        expected = np.hstack([clone(other).fit(SIDED[:, [j]]).transform(far[:, [j]]) for j in range(4)])
    got = mine.transform(far)
    np.testing.assert_allclose(dense(got), dense(expected), rtol=1e-7, atol=1e-9)
    for a, b in zip(mine.bsplines_, other.bsplines_, strict=True):
        np.testing.assert_allclose(a.t, b.t, rtol=1e-12)


def test_bumps_sum_to_one_and_scipy_agrees():
    from scipy.interpolate import BSpline

    from homespun.preprocessing.spline import basis, basis_slope

    knots = np.array([0.0, 1, 3, 4, 4, 7, 9, 10, 12])  # uneven, one twice
    x = rng.uniform(4, 7, 30)
    values = basis(x, knots, np.full(30, 4), 3)
    np.testing.assert_allclose(values.sum(axis=1), 1.0)
    np.testing.assert_allclose(values, BSpline.design_matrix(x, knots, 3).toarray()[:, 1:5])
    spline = BSpline(knots, np.eye(5), 3)
    np.testing.assert_allclose(basis_slope(x, knots, np.full(30, 4), 3), spline(x, nu=1)[:, 1:5])


@pytest.mark.parametrize("name, parameters", [
    ("SplineTransformer", {"knots": "quantile"}), ("SplineTransformer", {}), ("KBinsDiscretizer", {"encode": "ordinal"}),
    ("KBinsDiscretizer", {"encode": "ordinal", "strategy": "kmeans"}),
    ("KBinsDiscretizer", {"encode": "ordinal", "strategy": "uniform"}),
])
def test_weights_are_repetitions(name, parameters):
    weights = rng.integers(0, 4, 70)
    mine = pair(name, parameters)[0].fit(SIDED, sample_weight=weights.astype(float))
    repeated = pair(name, parameters)[0].fit(np.repeat(SIDED, weights, axis=0))
    np.testing.assert_allclose(mine.transform(SIDED), repeated.transform(SIDED), rtol=1e-9, atol=1e-12)


def test_lloyd_equals_plain_lloyd():
    from homespun.preprocessing.k_bins import lloyd

    x, w = SIDED[:, 0], rng.integers(0, 3, 70).astype(float)
    ends = np.linspace(x.min(), x.max(), 5)
    means = (ends[1:] + ends[:-1]) / 2
    for _ in range(100):
        nearest = np.abs(x[:, None] - means).argmin(axis=1)
        means = np.array([np.average(x[nearest == k], weights=w[nearest == k]) if w[nearest == k].sum() else means[k]
                          for k in range(4)])
    np.testing.assert_allclose(lloyd(x, w, 4), means)


def test_products_by_hand():
    """(a, b, c) = (2, 3, 5): 1; 2 3 5; 4 6 10 9 15 25."""
    mine, _ = pair("PolynomialFeatures", {})
    assert mine.fit_transform([[2.0, 3.0, 5.0]]).tolist() == [[1, 2, 3, 5, 4, 6, 10, 9, 15, 25]]
    assert mine.get_feature_names_out(["a", "b", "c"])[4:7].tolist() == ["a^2", "a b", "a c"]
    many = np.tile([[2.0, 3.0, 5.0]], (600, 1))  # more than two blocks of rows
    assert (mine.fit_transform(many) == mine.fit_transform(many[:1])).all()


@pytest.mark.parametrize("name", ["RobustScaler", "MaxAbsScaler", "Normalizer", "PowerTransformer"])
def test_float32_stays_and_is_near(name):
    mine, _ = pair(name, {})
    wide = mine.fit_transform(SIDED)
    narrow = mine.fit_transform(SIDED.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, wide, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", ["RobustScaler", "MaxAbsScaler", "PowerTransformer"])
def test_dataframes_in_and_out(name):
    import pandas as pd

    frame = pd.DataFrame(SIDED, columns=list("abcd"))
    mine, _ = pair(name, {})
    out = mine.set_output(transform="pandas").fit_transform(frame)
    assert out.columns.tolist() == list("abcd") and mine.feature_names_in_.tolist() == list("abcd")
    np.testing.assert_array_equal(out.to_numpy(), pair(name, {})[0].fit_transform(frame))


def test_max_abs_in_batches_equals_one_fit():
    mine, _ = pair("MaxAbsScaler", {})
    for start in range(0, 70, 9):
        mine.partial_fit(GAPS[start : start + 9])
    np.testing.assert_array_equal(mine.scale_, pair("MaxAbsScaler", {})[0].fit(GAPS).scale_)
    assert mine.n_samples_seen_ == 70


finite = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=finite))
def test_round_trips(X):
    for name in ("RobustScaler", "MaxAbsScaler"):
        mine, _ = pair(name, {})
        np.testing.assert_allclose(mine.inverse_transform(mine.fit_transform(X)), X, rtol=1e-9, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (8, 1), elements=st.floats(-50, 50, allow_subnormal=False)), st.floats(-1.5, 3.5))
def test_the_bent_comes_back(X, power):
    from homespun.preprocessing.power import bend, unbend

    np.testing.assert_allclose(unbend(bend(X[:, 0], power, "yeo-johnson"), power, "yeo-johnson"), X[:, 0], rtol=1e-6, atol=1e-6)


def test_the_power_is_the_most_likely_one():
    """A plain twin: the likelihood of formula (3.1) on a grid of powers."""
    from homespun.preprocessing.power import bend, best_power

    x = SIDED[:, 0]
    grid = np.linspace(-1, 3, 4001)
    slope = (np.sign(x) * np.log1p(np.abs(x))).sum()
    likelihood = [-len(x) / 2 * np.log(bend(x, power, "yeo-johnson").var()) + (power - 1) * slope for power in grid]
    assert abs(best_power(x, "yeo-johnson") - grid[np.argmax(likelihood)]) < 1e-3
    z = SKEWED[:, 0]
    likelihood = [-len(z) / 2 * np.log(bend(z, power, "box-cox").var()) + (power - 1) * np.log(z).sum() for power in grid]
    assert abs(best_power(z, "box-cox") - grid[np.argmax(likelihood)]) < 1e-3


def test_power_of_awkward_columns():
    from homespun.preprocessing import PowerTransformer

    X = np.column_stack([np.full(30, 0.1), np.full(30, np.nan), np.exp(np.linspace(0, 200, 30))])
    model = PowerTransformer().fit(X)
    assert model.lambdas_[:2].tolist() == [1.0, 1.0]
    out = model.transform(X)
    assert np.abs(out[:, 0]).max() < 1e-12 and np.isnan(out[:, 1]).all() and np.isfinite(out[:, 2]).all()
    with pytest.warns(UserWarning, match="column 2"):  # no value lies that far out
        far = model.inverse_transform([[0.0, 0.0, 1e6]])
    assert not np.isfinite(far[0, 2])


@pytest.mark.parametrize("seed", [3, 4, 5, 7, 9])
@pytest.mark.parametrize("method, change", [("yeo-johnson", np.array), ("yeo-johnson", np.negative), ("box-cox", np.array),
                                            ("box-cox", np.reciprocal)])
def test_no_power_makes_one_number_of_all(seed, method, change):
    """A narrow column far from zero: the likelihood grows towards powers that leave nothing of it in float64."""
    from homespun.preprocessing import PowerTransformer

    column = change(5 + 1e-4 * np.random.default_rng(seed).normal(size=(20, 1)))
    model = PowerTransformer(method).fit(column)
    z = model.transform(column)
    assert np.unique(z).size == 20 and abs(z.std() - 1) < 1e-6
    np.testing.assert_allclose(model.inverse_transform(z), column, rtol=1e-6)


@pytest.mark.parametrize("rows", [5, 10])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_most_likely_power_does_not_overflow(rows, sign):
    """Years, whose likelihood grows up to powers that no float holds."""
    from homespun.preprocessing import PowerTransformer

    years = sign * np.array([2003.0, 1950, 1997, 2000, 2009, 2009, 1980, 1999, 2007, 1991])[:rows, None]
    out = PowerTransformer().fit_transform(years)
    assert np.isfinite(out).all() and abs(out.mean()) < 1e-9 and abs(out.std() - 1) < 1e-9
    if sign > 0:
        out = PowerTransformer("box-cox").fit(1 / years).transform(1 / years)
        assert np.isfinite(out).all()


@pytest.mark.parametrize("name", ["PowerTransformer", "QuantileTransformer"])
def test_the_way_back_asks_for_no_names(name):
    frame = pytest.importorskip("pandas").DataFrame(PLAIN[:20, [0, 3, 4]], columns=list("abc"))
    parameters = {"n_quantiles": 20} if name == "QuantileTransformer" else {}
    model = getattr(importlib.import_module("homespun.preprocessing"), name)(**parameters).fit(frame)
    back = model.inverse_transform(model.transform(frame))
    np.testing.assert_allclose(back, frame, rtol=1e-6)
    with pytest.raises(ValueError, match="expecting 3"):
        model.inverse_transform([[0.5]])


BAD = [
    ("QuantileTransformer", {"n_quantiles": 20, "subsample": 10}, PLAIN, "20 quantiles and 10"),
    ("QuantileTransformer", {"n_quantiles": 20}, SIGNED, r"non-negative sparse matrices, got -\d"),
    ("PolynomialFeatures", {"degree": (3, 2)}, PLAIN, r"\(3, 2\)"),
    ("PolynomialFeatures", {"degree": 0, "include_bias": False}, PLAIN, "empty output"),
    ("PolynomialFeatures", {"degree": 300}, PLAIN[:, :1].repeat(60, axis=1), "too large"),
    ("SplineTransformer", {"knots": [[1.0] * 5]}, PLAIN, "must be >= 2"),
    ("SplineTransformer", {"knots": [[1.0] * 4, [2.0] * 4]}, PLAIN, "4, X has 5"),
    ("SplineTransformer", {"knots": [[1.0] * 5, [1.0] * 5]}, PLAIN, "sorted without duplicates"),
    ("SplineTransformer", {"n_knots": 3, "extrapolation": "periodic"}, PLAIN, "n_knots=3 and degree=3"),
    ("SplineTransformer", {"knots": [[0.0], [1.0]], "extrapolation": "error"}, PLAIN[:, :1] + 9, "from 0 to 1"),
    ("SplineTransformer", {}, GAPS, "NaN"),
    ("KBinsDiscretizer", {"n_bins": [2, 1, 2, 2, 2]}, PLAIN, "indices 1"),
    ("KBinsDiscretizer", {"n_bins": [2, 1]}, PLAIN, r"\(2,\)"),
    ("KBinsDiscretizer", {"dtype": int}, PLAIN, "int"),
    ("RobustScaler", {"quantile_range": (60, 40)}, PLAIN, r"\(60, 40\)"),
    ("RobustScaler", {"quantile_range": (60, 140)}, PLAIN, r"\(60, 140\)"),
    ("RobustScaler", {}, CSR, "Cannot center sparse"),
    ("Normalizer", {"norm": "l3"}, PLAIN, "'l3'"),
    ("Binarizer", {"threshold": -1}, CSR, "-1"),
    ("PowerTransformer", {"method": "box-cox"}, COUNTS, r"strictly positive data, got 0 in row \d+ of column"),
    ("PowerTransformer", {"method": "log"}, PLAIN, "'log'"),
    ("PowerTransformer", {"method": "box-cox"}, np.full((3, 1), np.nan), "column 0"),
    ("MaxAbsScaler", {}, np.array([[np.inf]]), "infinity"),
]


@pytest.mark.parametrize("name, parameters, X, words", BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_refused_in_words(name, parameters, X, words):
    from homespun.errors import HomespunError

    with pytest.raises(HomespunError, match=words) as caught:
        pair(name, parameters)[0].fit(X).transform(X)
    assert caught.value.operation.startswith(name) and caught.value.rule
