"""Whatever is passed for a parameter of a linear model: a fit, or an error of ours that names it, in Python's own words."""

import decimal
import warnings

import numpy as np
import pytest

from homespun.errors import DataError, HomespunError, ParameterError
from homespun.linear_model import ElasticNet, ElasticNetCV, Lasso, LassoCV, LinearRegression, LogisticRegression, Ridge, RidgeCV

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = X[:, 0] + 0.1 * RNG.normal(size=24)
CLASSES = (Y > 0).astype(int)
HALVES = np.arange(12), np.arange(12, 24)

ODD = [
    None, True, "x", "1", b"x", "balanced", -1, 0, 1, 2.5, 10**20, 10**400, -(10**400), 1e300, 1e-300, float("nan"), float("inf"),
    1 + 2j, np.int64(-1), np.float64("nan"), np.float32(2), decimal.Decimal("0.5"), np.datetime64("2020-01-01"), object(), object,
    len, range(3), iter([1]), slice(3),
    [], (), [1], [1, 2], ["a"], [None], [[1, 2], [3]], [float("nan")], [-1.0], [10**400], [True], [1 + 2j], (slice(0, 12),),
    [([0, 1], [2, 3])], [([0, 1],)], [(1, 2)], [HALVES], [(HALVES[0], np.arange(12, 99))], [([], [1])], [([1, 2, 3], [])],
    [("a", "b")], {}, {"a": 1}, {1: "x"}, {0: -1, 1: 1}, {0: float("nan"), 1: 1}, {0: float("inf"), 1: 1}, {5: 1.0}, set(), {1},
    np.array(1.0), np.array(3), np.array([]), np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), np.array(["a"]), np.array([None, 1]),
    np.eye(3), np.full((3, 3), np.nan), np.eye(3).tolist(), np.array([[1, "a"]], dtype=object), np.full(24, -1.0),
    np.full(24, 1e308),
]
CASES = [(cls, name) for cls in (Ridge, RidgeCV, LogisticRegression, Lasso, LassoCV, ElasticNet, ElasticNetCV, LinearRegression)
         for name in [*cls().get_params(), "sample_weight"]]


@pytest.mark.parametrize(("cls", "name"), CASES, ids=[f"{cls.__name__}-{name}" for cls, name in CASES])
def test_odd_values_are_fitted_or_refused_by_name(cls, name):
    for value in ODD:
        model, rest = (cls(), {name: value}) if name == "sample_weight" else (cls(**{name: value}), {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model.fit(X, CLASSES if cls is LogisticRegression else Y, **rest)
            except HomespunError as error:
                assert name.replace("_", " ") in str(error).replace("_", " "), value
                assert "np." not in str(error) and len(str(error)) < 400, value


@pytest.mark.parametrize(("model", "text"), [
    (LassoCV(cv=[1, 2]), "cv"), (LassoCV(cv=[(HALVES[0], np.arange(12, 99))]), "cv"), (RidgeCV(cv=[([1], [])]), "cv"),
    (ElasticNetCV(cv=30), "30"), (LassoCV(alphas=10**20), str(10**20)), (LassoCV(alphas=[]), "alphas"),
    (RidgeCV(alphas=[]), "alphas"), (Ridge(alpha=["a"]), "'a'"), (ElasticNetCV(l1_ratio=[0.5, 2.0]), "2.0"),
    (Ridge(alpha=10**400), "alpha"), (RidgeCV(scoring=lambda: 1), "scoring"), (Lasso(precompute=[[1, 2], [3]]), "precompute"),
    (RidgeCV(alphas=np.array([1.0, -2.0])), "-2.0"),
], ids=lambda value: str(value).partition(" at 0x")[0])
def test_refused(model, text):
    with pytest.raises(ParameterError, match=text) as caught:
        model.fit(X, Y)
    assert caught.value.rule


def test_a_number_as_sample_weight_is_that_weight_for_all():
    for cls, y in ((LogisticRegression, CLASSES), (Ridge, Y), (Lasso, Y), (LassoCV, Y), (LinearRegression, Y)):
        np.testing.assert_array_equal(cls().fit(X, y, 3.0).coef_, cls().fit(X, y, np.full(24, 3.0)).coef_)
        for bad in (-1.0, 0.0, float("nan"), float("inf")):
            with pytest.raises(DataError, match=r"[Ss]ample.weight"):
                cls().fit(X, y, bad)


@pytest.mark.parametrize("class_weight", [{0: "x"}, {0: -1.0}, {1: float("inf")}, {"a": 1.0}], ids=str)
def test_class_weights_are_finite_numbers_for_known_classes(class_weight):
    with pytest.raises(HomespunError, match="class_weight"):
        LogisticRegression(class_weight=class_weight).fit(X, CLASSES)


def test_one_class_is_named_as_python_writes_it():
    with pytest.raises(DataError, match="only one class, 1;"):
        LogisticRegression().fit(X, np.ones(24, dtype=np.int64))


def test_splitters_slices_and_masks_make_folds():
    expected = RidgeCV(cv=[HALVES, HALVES[::-1]]).fit(X, Y).best_score_
    mask = np.arange(24) < 12
    for folds in ([(mask, ~mask), (~mask, mask)], iter([(slice(0, 12), slice(12, 24)), (slice(12, 24), slice(0, 12))])):
        assert RidgeCV(cv=folds).fit(X, Y).best_score_ == expected
