"""The leak detector against tables that were planted before it was written, and against honest ones."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import homespun as hs
from homespun.datasets import honest_tables, planted_leaks
from homespun.errors import DataError
from homespun.tabular.alone import Target, bins_of, levels_of, rank
from homespun.tabular.leaks import find_leaks

SEEDS = (0, 1, 7)
LEAKS = {(leak.name, seed): leak for seed in SEEDS for leak in planted_leaks(1500, seed)}
HONEST = {(table.name, seed): table for seed in SEEDS for table in honest_tables(1500, seed)}


@pytest.mark.parametrize(("name", "seed"), LEAKS)
def test_every_planted_leak_is_found_and_its_columns_are_named(name, seed):
    planted = LEAKS[name, seed]
    found = find_leaks(planted.frame, planted.target)
    assert found, "nothing was found"
    if planted.columns:
        named = {column for leak in found for column in leak.columns}
        assert set(planted.columns) <= named <= {*planted.columns, "cover"}  # cover: the other part of the ratio
    else:
        assert [leak.kind for leak in found] == [planted.family]


@pytest.mark.parametrize(("name", "seed"), HONEST)
def test_no_alarm_on_an_honest_table(name, seed):
    table = HONEST[name, seed]
    assert find_leaks(table.frame, table.target) == []


def test_what_the_folds_already_handle_is_not_reported():
    customers = LEAKS["customers", 0]
    assert [leak.kind for leak in find_leaks(customers.frame, "paid")] == ["groups"]
    assert find_leaks(customers.frame, "paid", group="customer") == []


def test_a_date_after_the_moment_of_prediction():
    frame = HONEST["sorted by date", 0].frame.copy()
    frame["closed"] = frame["reported"] + pd.Timedelta(days=9)
    assert [(leak.kind, leak.columns) for leak in find_leaks(frame, "paid", time="reported")] == [("known later", ("closed",))]
    assert find_leaks(frame, "paid") == []


def test_a_large_number_beside_which_the_target_is_small_is_no_copy():
    frame = HONEST["nothing special", 0].frame.copy()
    frame["listing"] = 45_000_000 + np.random.default_rng(0).permutation(len(frame))
    assert find_leaks(frame, "paid") == []


def test_the_words_say_what_was_seen_and_what_to_do():
    [leak] = find_leaks(LEAKS["in text", 0].frame, "paid")
    assert leak.certain and "the first number in it equals the target in 100%" in leak.evidence
    assert str(leak).startswith("possible leak (copy): 'note': ") and "drop the column" in leak.advice


def test_gaps_in_the_target_infinite_numbers_and_odd_columns_do_no_harm():
    frame = LEAKS["copy", 0].frame.copy()
    frame.loc[::7, "paid"] = np.nan
    frame.loc[::5, "cover"] = np.inf
    frame.loc[1::5, "cover"] = -np.inf
    frame["nothing"], frame["same"] = None, 1
    frame["mixed"] = [1 if i % 2 else "x" for i in range(len(frame))]
    assert [leak.columns for leak in find_leaks(frame, "paid")] == [("settled_amount",)]


@pytest.mark.parametrize("rows", [0, 1, 10, 49])
def test_little_data_says_nothing(rows):
    assert find_leaks(LEAKS["copy", 0].frame.iloc[:rows], "paid") == []


def test_a_misspelt_target():
    with pytest.raises(DataError, match=r"'payd'.*'paid'"):
        find_leaks(LEAKS["copy", 0].frame, "payd")


def test_power_is_that_of_a_prediction_from_other_folds():
    """The naive twin: every row is predicted by the mean of its value's rows in the other folds."""
    rng = np.random.default_rng(3)
    codes, y = rng.integers(6, size=200), rng.normal(size=200)
    y += codes
    goal = Target(y, "regression")
    t, left = rank(y) / 199, 0.0
    for i in range(200):
        others = (codes == codes[i]) & (goal.fold != goal.fold[i])
        left += (t[i] - (t[others].mean() if others.any() else t.mean())) ** 2
    assert goal.power(codes) == pytest.approx(1 - left / ((t - t.mean()) ** 2).sum(), abs=1e-12)


def test_a_column_of_many_values_does_not_learn_its_rows_by_heart():
    rng = np.random.default_rng(0)
    assert Target(rng.normal(size=500), "regression").power(np.arange(500)) < 0.05
    assert Target(rng.integers(2, size=500), "classification").power(rng.integers(250, size=500)) < 0.05


def test_bins_and_levels_of_odd_values():
    bins = bins_of(np.array([0.0, 1, np.nan, np.inf, -np.inf] * 20))
    assert len(set(bins[:5])) == 5
    assert levels_of(["a", None, "a", "b"]).tolist() == [0, 1, 0, 2]


@pytest.mark.skipif("HOMESPUN_DATA" not in os.environ, reason="HOMESPUN_DATA names no folder of data sets: supermarket_sales")
def test_the_supermarkets_total_is_its_tax_by_another_name():
    table = hs.read(Path(os.environ["HOMESPUN_DATA"]) / "supermarket_sales" / "supermarket_sales.csv")
    found = {name for leak in find_leaks(table.frame, "Total") if leak.certain for name in leak.columns}
    assert {"Tax 5%", "cogs", "gross income"} <= found


@pytest.mark.skipif("HOMESPUN_DATA" not in os.environ, reason="HOMESPUN_DATA names no folder of data sets: five tables")
@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("titanic/titanic.csv", "Survived"),
        ("california_housing/housing.csv", "median_house_value"),
        ("telco_churn/Telco-Customer-Churn.csv", "Churn"),
        ("bank_marketing/bank-additional.csv", "y"),
        ("cars_toyota_flags/ToyotaCorolla.csv", "price"),
    ],
)
def test_no_alarm_on_well_known_tables(file, target):
    table = hs.read(Path(os.environ["HOMESPUN_DATA"]) / file)
    assert find_leaks(table.frame, target) == []
