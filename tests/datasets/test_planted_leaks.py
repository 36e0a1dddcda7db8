"""Planted leaks: each table holds what its label says, and the honest ones do not."""

import numpy as np
import pytest

from homespun.datasets import honest_tables, planted_leaks
from homespun.errors import ParameterError

LEAKS = {leak.name: leak for leak in planted_leaks(600)}
HONEST = {table.name: table for table in honest_tables(600)}


def test_every_kind_once_and_many_of_them():
    assert len(LEAKS) == len(planted_leaks(100)) >= 25
    assert len({leak.family for leak in LEAKS.values()}) == 9


def test_same_seed_same_tables():
    again = {leak.name: leak for leak in planted_leaks(600)}
    assert all(again[name].frame.equals(leak.frame) for name, leak in LEAKS.items())
    other = planted_leaks(600, random_state=1)
    assert not any(leak.frame.equals(LEAKS[leak.name].frame) for leak in other)


@pytest.mark.parametrize("name", [*LEAKS, *HONEST])
def test_the_label_names_columns_of_the_table(name):
    table = LEAKS.get(name) or HONEST[name]
    assert table.target in table.frame and set(table.columns) <= set(table.frame) - {table.target}
    assert table.frame[table.target].notna().all() and len(table.frame) >= 400


def numbers(leak, column):
    return leak.frame[column].to_numpy(np.float64), leak.frame[leak.target].to_numpy(np.float64)


@pytest.mark.parametrize(
    ("name", "column", "least"), [("copy", "settled_amount", 1.0), ("monotone", "severity_index", 0.999),
                                  ("number in order", "claim_no", 0.999), ("estimate", "adjuster_estimate", 0.99)],
)
def test_columns_in_the_order_of_the_target(name, column, least):
    leak, target = numbers(LEAKS[name], column)
    ranks = [np.argsort(np.argsort(values)) for values in (leak, target)]
    assert np.corrcoef(*ranks)[0, 1] >= least - 1e-12


def test_the_parts_add_up_and_neither_alone_does():
    frame = LEAKS["two parts"].frame
    np.testing.assert_allclose(frame["parts_cost"] + frame["labour_cost"], frame["paid"], atol=1e-6)
    assert frame[["parts_cost", "labour_cost", "paid"]].corr()["paid"].drop("paid").max() < 0.97


def test_exclusive_or_says_nothing_by_single_columns():
    frame = LEAKS["exclusive or"].frame
    renewed = frame["renewed"].eq("yes")
    assert ((frame["check_a"] != frame["check_b"]) == renewed).all()
    assert abs(frame["check_a"].corr(renewed)) < 0.15 and abs(frame["check_b"].corr(renewed)) < 0.15


@pytest.mark.parametrize(("name", "column"), [("reason", "reason_for_leaving"), ("later date", "cancelled_on")])
def test_filled_in_exactly_for_one_class(name, column):
    frame = LEAKS[name].frame
    assert (frame[column].notna() == frame["renewed"].eq("no")).all()


def test_repeated_rows_are_repeated():
    assert LEAKS["copies"].frame.duplicated().mean() > 0.3
    assert LEAKS["near copies"].frame.duplicated().sum() == 0
    assert LEAKS["near copies"].frame.duplicated(["age", "years", "town", "channel", "paid"]).mean() > 0.3
    repeated = LEAKS["oversampled"].frame.duplicated(keep=False)
    assert set(LEAKS["oversampled"].frame.loc[repeated, "renewed"]) == {"yes"}


def test_a_customers_rows_are_alike_and_an_independent_customers_are_not():
    def between(table):
        groups = np.log(table.frame[table.target]).groupby(table.frame["customer"])
        return groups.transform("mean").var() / np.log(table.frame[table.target]).var()

    assert between(LEAKS["customers"]) > 0.9 and between(HONEST["independent customers"]) < 0.4


def test_too_few_rows_are_refused():
    with pytest.raises(ParameterError, match=r"n must be .*50"):
        planted_leaks(50)
