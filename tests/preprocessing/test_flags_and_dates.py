"""Flags and dates as numbers."""

import datetime

import numpy as np
import pandas as pd
import pytest

from homespun.errors import DataError, ParameterError
from homespun.preprocessing import DateParts, FlagEncoder


def test_flags():
    X = pd.DataFrame(
        {
            "abs": ["ON", "OFF", "NotAvailable", None],
            "sold": ["yes", "No", "unknown", "-"],
            "n": [1.0, -1.0, 0.0, np.nan],
        }
    )
    np.testing.assert_array_equal(
        FlagEncoder().fit_transform(X), [[1, 1, 1], [-1, -1, -1], [0, 0, 0], [np.nan, np.nan, np.nan]]
    )
    with pytest.raises(DataError, match="'maybe'") as caught:
        FlagEncoder().fit([["ON"], ["maybe"]])
    assert caught.value.operands == {"column": 0, "value": "maybe"}
    assert np.isnan(FlagEncoder(handle_unknown="missing").fit_transform([["ON"], ["maybe"]])[1, 0])
    with pytest.raises(ParameterError, match="'guess'"):
        FlagEncoder(handle_unknown="guess").fit([["ON"]])
    assert FlagEncoder().fit(X).get_feature_names_out().tolist() == ["abs", "sold", "n"]


def test_dates_against_the_standard_library():
    days = [
        datetime.datetime(2024, 2, 29, 13, 30),
        datetime.datetime(1969, 12, 31, 23, 59),
        datetime.datetime(2000, 1, 1),
        datetime.datetime(1899, 3, 1, 1),
        datetime.datetime(2023, 12, 31),
    ]
    parts = ("year", "month", "day", "weekday", "day_of_year", "hour", "age")
    last = max(days)
    expected = [
        [d.year, d.month, d.day, d.weekday(), d.timetuple().tm_yday, d.hour, (last - d).total_seconds() / 86400]
        for d in days
    ]
    for X in (
        pd.DataFrame({"day": days}),
        [[d.isoformat()] for d in days],
        np.array(days, dtype="datetime64[s]").reshape(-1, 1),
    ):
        np.testing.assert_allclose(DateParts(parts=parts).fit_transform(X), expected, atol=1e-9)


def test_reference_missing_and_names():
    X = pd.DataFrame({"a": pd.to_datetime(["2024-01-01", None]), "b": pd.to_datetime([None, None])})
    encoder = DateParts(parts=("age", "year"), reference="2024-01-11").fit(X)
    np.testing.assert_array_equal(encoder.transform(X), [[10, 2024, np.nan, np.nan], [np.nan] * 4])
    assert encoder.get_feature_names_out().tolist() == ["a_age", "a_year", "b_age", "b_year"]
    assert np.isnan(DateParts().fit(X).reference_[1])


def test_bad_dates():
    with pytest.raises(ParameterError, match="'decade'"):
        DateParts(parts=("decade",)).fit([["2024-01-01"]])
    with pytest.raises(DataError, match="'soon'"):
        DateParts().fit([["soon"]])
    with pytest.raises(DataError, match="row 1"):
        DateParts().fit([[0.0], [1e9]])
    with pytest.raises(DataError, match="reference"):
        DateParts(reference="someday").fit([["2024-01-01"]])
