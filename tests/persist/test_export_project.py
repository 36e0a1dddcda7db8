"""A table's model as one file: the raw columns are read by the same recipes, and the predictions are the same."""

import csv
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import homespun as hs
from homespun.data.recipe import apply_recipe, learn_recipe
from homespun.persist import export_python
from homespun.persist.runner.core import column
from homespun.persist.runner.project import read_column
from homespun.tabular.plan import feature_frame

CARS, FRESH = hs.datasets.used_cars(300, random_state=0), hs.datasets.used_cars(120, random_state=1)


@pytest.mark.parametrize(
    "target, models",
    [("price", "linear"), ("price", "forest"), ("gearbox", "boosting"), ("gearbox", "logistic"), ("leather", "baseline")],
)
def test_a_project_predicts_the_same(target, models, tmp_path):
    project = hs.fit(CARS, target, models=models, folds=2)
    names = runpy.run_path(str(export_python(project, tmp_path / "cars.py")))
    rows = FRESH.astype(object).where(FRESH.notna(), None).to_dict("records")
    for given in (FRESH, rows, FRESH.drop(columns=target)):
        got, expected = names["predict"](given), project.predict(FRESH)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-12)
        else:
            assert got.tolist() == expected.tolist()
        if project.task == "classification":
            np.testing.assert_allclose(names["predict_proba"](given), project.predict_proba(FRESH), rtol=1e-12)
    assert len((tmp_path / "cars.py").read_text().splitlines()) < 1000


def test_a_csv_file_is_read_the_same(tmp_path):
    project = hs.fit(CARS, "gearbox", models="forest", folds=2)
    path = export_python(project, tmp_path / "cars.py")
    FRESH.to_csv(tmp_path / "fresh.csv", index=False)
    done = subprocess.run([sys.executable, "-I", path, tmp_path / "fresh.csv"], capture_output=True, text=True)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["prediction"] for row in rows] == project.predict(tmp_path / "fresh.csv").tolist(), done.stderr
    shares = project.predict_proba(tmp_path / "fresh.csv")
    for j, label in enumerate(project.classes):
        np.testing.assert_allclose([float(row[f"probability_{label}"]) for row in rows], shares[:, j], rtol=1e-12)
    FRESH.assign(mileage="far").to_csv(tmp_path / "strange.csv", index=False)
    done = subprocess.run([sys.executable, "-I", path, tmp_path / "strange.csv"], capture_output=True, text=True)
    assert done.returncode == 1 and "mileage" in done.stderr and "'far'" in done.stderr and "Traceback" not in done.stderr
    FRESH.drop(columns="mileage").to_csv(tmp_path / "short.csv", index=False)
    done = subprocess.run([sys.executable, "-I", path, tmp_path / "short.csv"], capture_output=True, text=True)
    assert done.returncode == 1 and "'mileage'" in done.stderr


COLUMNS = {
    "unit": ["1,000 km", "20 mi", "-", None, "3.5 km", "7 km", "8 km", "9 km", "1 km", "2 km", "3 km"],
    "comma": ["1,5 l", "2,0 l", "3,25 l"],
    "pounds": ["£8,000", "£950", "n/a"],
    "turbo": ["2.0 Turbo", "1.6", "1.8 Turbo"],
    "flag": ["ON", "OFF", "NotAvailable", None],
    "yes": ["yes", "no", "No"],
    "word": ["a", " b ", "3.0", None, "-"],
    "day": ["2024-01-31", "1999-12-01", None],
    "german": ["31.01.2024", "01.12.1999", "30.11.2001"],
    "moment": ["2024-01-31 10:30:00", "1999-12-01 00:00:01", ""],
    "zone": ["2024-01-31T10:30:00+0200", "1999-12-01T00:00:00+0000"],
    "number": [1.5, None, 3.0],
    "whole": [1, 2, 3],
    "bool": [True, False, True],
    "empty": [None, None],
    "words": [1.0, 2.0, "x", 7, 5.5],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_read_as_by_the_reader(name):
    values = COLUMNS[name]
    series = pd.Series(values, dtype=object if any(isinstance(value, str) for value in values) else None)
    recipe, _ = learn_recipe(name, series)
    typed = apply_recipe(name, series, recipe)
    roles = {"number": "numbers", "flag": "numbers", "empty": "numbers", "date": "dates", "text": "categories"}
    expected = feature_frame(
        pd.DataFrame(typed), {kind: list(typed) if kind == roles[recipe["kind"]] else [] for kind in set(roles.values())}
    )
    for given in (column(values), column(series.to_numpy())):
        got = read_column(name, given, recipe)
        assert list(got) == list(typed)
        for one in typed:
            pd.testing.assert_series_equal(pd.Series(got[one], name=one, dtype=expected[one].dtype), expected[one])


def test_dates_come_as_datetime_too():
    days = pd.Series(pd.to_datetime(["2024-01-31", None, "1999-12-01 12:00"], format="ISO8601"))
    recipe, _ = learn_recipe("day", days)
    expected = feature_frame(pd.DataFrame(apply_recipe("day", days, recipe)), {"numbers": [], "dates": ["day"], "categories": []})
    np.testing.assert_array_equal(read_column("day", column(days.to_numpy()), recipe)["day"], expected["day"])
