"""The stages of `fit` one by one: target, plan, folds, scores, drift, and the two small estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from homespun.data import read
from homespun.errors import DataError, ParameterError
from homespun.tabular.drift import drift, reference_of
from homespun.tabular.plan import duplicate_rows, feature_frame, make_plan
from homespun.tabular.scores import auc, interval, r2
from homespun.tabular.splits import find_time_and_group, make_folds
from homespun.tabular.target import clean_target

rng = np.random.default_rng(0)


def target(values, task="auto", positive=None, name="y"):
    return clean_target(read({name: list(values), "x": list(range(len(values)))}), name, task, positive)


# -- target


@pytest.mark.parametrize(
    "values, task",
    [
        (["£8,000", "£9,000", "£1,000", "£2,000"], "regression"),
        (["yes", "no", "no", "yes"], "classification"),
        (["ON", "OFF", "NotAvailable", "ON", "OFF", "NotAvailable"], "classification"),
        ([0, 1, 1, 0, 1], "classification"),
        ([1.5, 2.5, 3.5, 4.5], "regression"),
        ([1, 2, 3] * 20, "classification"),
        ([1, 2, 3, 4, 5], "regression"),
        (["a", "b", "c", "a", "b", "c"], "classification"),
    ],
)
def test_task(values, task):
    found = target(values)
    assert found.task == task
    assert any(d.kind == "task" and d.value == task for d in found.decisions)


def test_labels_are_those_of_the_file():
    assert target(["Yes", "No", "No", "Yes"]).classes == ["No", "Yes"]
    assert target(["OFF", "ON", "OFF", "ON"]).classes == ["OFF", "ON"]
    assert target([7, 3, 3, 7, 7]).classes == [7, 3]  # the rarer of two is looked for
    assert target(["spam", "ham", "ham", "ham", "spam", "spam"]).classes == ["ham", "spam"]
    assert target(["b", "a", "c", "b", "a", "c"]).classes == ["a", "b", "c"]
    assert target(["yes", "no", "no", "yes"], positive="no").classes == ["yes", "no"]
    assert target([1, 0, 1, 0], positive=0).classes == [1, 0]
    assert target([1, 0, 1, 0], positive="0").classes == [1, 0]


def test_rows_without_target_are_left_out():
    found = target(["1.5", "-", "2.5", "", "4", "7"])
    assert found.rows.tolist() == [0, 2, 4, 5] and found.values.tolist() == [1.5, 2.5, 4, 7]
    assert next(d for d in found.decisions if d.kind == "rows left out").value == 2
    once = target(["a", "b", "a", "b", "c"])
    assert once.classes == ["a", "b"] and once.rows.tolist() == [0, 1, 2, 3]


def test_log_scale():
    skewed = np.round(rng.lognormal(9, 1, size=400))
    assert target(skewed).log
    assert not target(rng.normal(100, 5, size=400)).log
    assert not target(skewed - 10).log or (skewed - 10).min() >= 0
    assert not target(-skewed).log


@pytest.mark.parametrize(
    "values, task, positive, kind, words",
    [
        (["", "-", "?"], "auto", None, DataError, "no value"),
        (["5"], "auto", None, DataError, "1 row"),
        (["5", "6"], "auto", None, DataError, "2 rows"),
        (["5", "5", "5", "5"], "auto", None, DataError, "5 in every row"),
        (["a", "a", "a", "a"], "auto", None, DataError, "'a' in every row"),
        (["red", "blue", "red", "blue"], "regression", None, DataError, "'red'"),
        (["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], "auto", None, DataError, "date"),
        ([f"word{i}" for i in range(100)], "auto", None, DataError, "100 classes"),
        (["yes", "no", "no", "yes"], "auto", "maybe", ParameterError, "'maybe'"),
        (["a", "b", "c", "a", "b", "c"], "auto", "a", ParameterError, "3"),
        ([1.5, 2.5, 3.5, 4.5], "auto", "yes", ParameterError, "'yes'"),
        (["a", "b", "c", "d", "a"], "auto", None, DataError, "only one class"),
    ],
)
def test_targets_that_cannot_be_learned(values, task, positive, kind, words):
    with pytest.raises(kind, match=words) as caught:
        target(values, task, positive)
    assert caught.value.operation == "fit" and caught.value.rule


def test_wrong_name():
    with pytest.raises(DataError, match="did you mean 'price'") as caught:
        clean_target(read({"price": [1, 2], "km": [1, 2]}), "prize", "auto", None)
    assert caught.value.operands == {"target": "prize"}
    with pytest.raises(DataError, match="'km'"):
        clean_target(read({"price": [1, 2], "km": [1, 2]}), "zzz", "auto", None)


# -- plan


def test_roles():
    n = 100
    frame = read(
        {
            "listing_id": list(range(1000, 1000 + n)),
            "row": list(range(n)),
            "userId": rng.permutation(10**6)[:n].tolist(),
            "paid": rng.permutation(10**6)[:n].tolist(),
            "year": rng.integers(1990, 2020, n).tolist(),
            "constant": ["x"] * n,
            "empty": [""] * n,
            "seldom": ["yes"] * 90 + [""] * 10,
            "fuel": ["petrol", "diesel"] * 50,
            "flag": ["ON", "OFF"] * 50,
            "trend": list(range(n)),
            "day": [f"2024-01-{1 + i % 28:02d}" for i in range(n)],
            "code": [f"x{i}" for i in range(n)],
            "text": [f"a lovely car number {i}" for i in range(n)],
            "half": [f"w{i % 60}" for i in range(n)],
        }
    ).frame
    plan = make_plan(frame, exclude={"paid": ""})
    assert plan.numbers == ["year", "flag", "trend"] and plan.dates == ["day"] and plan.categories == ["seldom", "fuel"]
    assert plan.left_out == {
        "listing_id": "identifier",
        "row": "identifier",
        "userId": "identifier",
        "constant": "constant",
        "empty": "empty",
        "code": "identifier",
        "text": "free text",
        "half": "free text",
    }
    X = feature_frame(frame, plan.roles)
    assert X["day"].iloc[0] == 19723.0  # days since 1970
    assert X["seldom"].isna().sum() == 10 and X["year"].dtype == np.float64


def test_repeated_rows():
    unlike = pd.DataFrame({"a": np.arange(50.0), "b": 1})
    assert duplicate_rows(pd.concat([unlike, unlike.iloc[:3]], ignore_index=True)).tolist() == [False] * 50 + [True] * 3
    few_values = pd.DataFrame({"a": rng.integers(0, 3, 200), "b": rng.integers(0, 2, 200)})
    assert not duplicate_rows(few_values).any()  # equal by right


# -- folds


def folds_of(table, values, **options):
    found = clean_target(read({"y": values, **table}), "y", "auto", None)
    options = {"time": None, "group": None, "stratify": None, "folds": 4, "random_state": 0} | options
    frame = read({"y": values, **table}).frame.iloc[found.rows].reset_index(drop=True)
    chosen = {name: options.get(name) for name in ("time", "group", "stratify")}
    options["time"], options["group"], _ = find_time_and_group(frame, found, **chosen)
    return make_folds(frame, found, **options)


def test_folds_cover_every_row_once():
    split, _ = folds_of({"x": list(range(40))}, list(np.arange(40) + 0.5))
    assert sorted(np.concatenate([test for _, test in split])) == list(range(40))
    assert all(not set(train) & set(test) for train, test in split)


def test_time_group_and_strata():
    values = list(np.arange(40) + 0.5)
    days = rng.permutation(40)
    split, decisions = folds_of({"day": days.tolist()}, values, time="day")
    for train, test in split:
        assert days[train].max() < days[test].min()
    assert decisions[-1].value == "in time"
    groups = rng.integers(0, 9, 40)
    for more in ({}, {"stratify": "colour"}):
        split, _ = folds_of(
            {"who": [f"g{g}" for g in groups], "colour": ["red", "blue"] * 20}, values, group="who", **more
        )
        for train, test in split:
            assert not set(groups[train]) & set(groups[test])
    makes = np.array(["Ford"] * 30 + ["Audi"] * 8 + ["Lada"] * 2)
    split, decisions = folds_of({"make": makes.tolist()}, values, stratify="make")
    for _, test in split:
        assert (makes[test] == "Ford").sum() in (7, 8) and (makes[test] == "Audi").sum() in (1, 2, 3)
    assert any(d.kind == "strata" for d in decisions)
    split, _ = folds_of({"x": values}, values, stratify="x")  # a number: by quintiles
    assert all((np.array(values)[test] < 8).sum() == 2 for _, test in split)


def test_classes_are_in_every_fold():
    values = ["a"] * 30 + ["b"] * 3
    split, decisions = folds_of({"x": list(range(33))}, values, folds=5)
    assert len(split) == 3 and any(d.kind == "folds" and d.value == 3 for d in decisions)
    for _, test in split:
        assert sum(values[i] == "b" for i in test) == 1


@pytest.mark.parametrize(
    "options, kind, words",
    [
        ({"time": "dya"}, ParameterError, "did you mean 'day'"),
        ({"time": "day", "group": "x"}, ParameterError, "combined"),
        ({"time": "word"}, DataError, "text"),
        ({"time": "gaps"}, DataError, "missing in 1 rows"),
        ({"group": "same"}, DataError, "one value"),
    ],
)
def test_bad_folds(options, kind, words):
    table = {
        "day": list(range(8)),
        "x": list(range(8)),
        "word": ["a", "b"] * 4,
        "gaps": [None, *range(7)],
        "same": ["s"] * 8,
    }
    with pytest.raises(kind, match=words):
        folds_of(table, list(np.arange(8) + 0.5), **options)


# -- scores


def test_scores_equal_sklearn():
    y, p = rng.normal(size=50), rng.normal(size=50)
    assert r2(y, p) == pytest.approx(r2_score(y, p))
    labels, score = rng.integers(0, 2, 60), rng.integers(0, 9, 60)
    assert auc(labels, score) == pytest.approx(roc_auc_score(labels, score))
    assert np.isnan(auc(np.ones(4), np.ones(4))) and np.isnan(r2(np.ones(4), np.ones(4)))


def test_corrected_interval():
    """Nadeau & Bengio 2003: ten folds of one tenth widen the variance of the mean from 1/10 to 1/10 + 1/9."""
    scores = rng.normal(0.5, 0.1, size=10)
    mean, low, high = interval(scores, [90] * 10, [10] * 10)
    half = 2.2621571627409915 * np.sqrt((1 / 10 + 1 / 9) * scores.var(ddof=1))  # t_9 at 97.5 %
    assert (mean, low, high) == pytest.approx((scores.mean(), scores.mean() - half, min(1, scores.mean() + half)))
    assert all(np.isnan(value) for value in interval([np.nan], [1], [1]))
    assert np.isnan(interval([0.5], [1], [1])[1])
    assert interval([0.9, 1.0], [1, 1], [1, 1])[2] == 1.0


# -- drift


def test_drift_finds_what_moved():
    before = read(
        {
            "km": rng.normal(size=2000).tolist(),
            "fuel": rng.choice(["p", "d"], 2000).tolist(),
            "year": rng.integers(0, 9, 2000).tolist(),
        }
    ).frame
    now = read(
        {
            "km": (rng.normal(size=500) + 2).tolist(),
            "fuel": rng.choice(["p", "e"], 500).tolist(),
            "year": rng.integers(0, 9, 500).tolist(),
        }
    ).frame
    report = pd.DataFrame(drift(now, reference_of(before, ["km", "fuel", "year"]))).set_index("column")
    assert (
        report.loc["km", "reading"] == report.loc["fuel", "reading"] == "moved"
        and report.loc["year", "reading"] == "steady"
    )
    same = pd.DataFrame(drift(before, reference_of(before, ["km", "fuel", "year"])))
    assert (same["psi"] < 1e-9).all()


# -- the two small estimators


def test_baseline_weights_and_log_target():
    from homespun.tabular import BaselineClassifier, BaselineRegressor, LogTarget

    assert BaselineRegressor().fit([[0], [1]], [1.0, 4.0], sample_weight=[2, 1]).predict([[5]])[0] == 2.0
    assert BaselineClassifier().fit([[0], [1]], ["a", "b"], sample_weight=[3, 1]).predict_proba([[5]]).tolist() == [
        [0.75, 0.25]
    ]
    from sklearn.linear_model import LinearRegression

    X = rng.random((40, 2))
    y = np.expm1(1 + X @ [1.0, 2.0])
    np.testing.assert_allclose(LogTarget(LinearRegression()).fit(X, y).predict(X), y)
    with pytest.raises(DataError, match="-1"):
        LogTarget(LinearRegression()).fit(X, y - y.min() - 1)
