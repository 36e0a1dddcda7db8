"""The generated used-car table: the same for a seed, with the mess that it promises and the price law beneath it."""

import re
import subprocess
import sys

import numpy as np
import pytest

import homespun.datasets as datasets
from homespun.errors import ParameterError


def test_same_seed_same_table():
    first, again, other = (
        datasets.used_cars(200),
        datasets.used_cars(200, random_state=0),
        datasets.used_cars(200, random_state=1),
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_the_global_generator_is_left_alone():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    datasets.used_cars(50)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_the_mess_is_there():
    cars = datasets.used_cars(4000)
    assert cars["mileage"].str.fullmatch(r"\d+ km").all()
    assert cars["price"].str.fullmatch(r"£\d{1,3}(,\d{3})*").all()
    assert set(cars["parking_sensors"]) == {"ON", "OFF", "NotAvailable"}
    assert cars["engine"].str.contains("Turbo").mean() == pytest.approx(0.4, abs=0.15)
    assert (cars["levy"] == "-").mean() == pytest.approx(0.28, abs=0.05)
    assert (cars["power"] == "n/a").any() and (cars["gearbox"] == "?").any() and cars["colour"].isna().any()
    assert cars["country"].nunique() == 1
    assert 20 < cars.duplicated().sum() < 200
    assert cars["listing_id"].nunique() == (~cars.duplicated()).sum()
    shares = cars["manufacturer"].value_counts(normalize=True)
    assert shares.iloc[0] > 50 * shares.iloc[-1]
    assert cars["description"].nunique() > 3000


def test_the_price_law_is_beneath():
    cars = datasets.used_cars(5000)
    price = np.log(cars["price"].str.replace(r"[£,]", "", regex=True).astype(float))
    km = cars["mileage"].str.removesuffix(" km").astype(float)
    focus = (cars["model"] == "Focus").to_numpy()
    columns = np.column_stack([np.ones(focus.sum()), 2024 - cars["registered"][focus], km[focus] / 1000])
    slopes = np.linalg.lstsq(columns, price[focus], rcond=None)[0]
    assert slopes[1] == pytest.approx(-0.135, abs=0.04)  # Ford's loss per year
    assert slopes[2] == pytest.approx(-0.0035, abs=0.0012)


@pytest.mark.parametrize("n", [1, 2, 3, 17])
def test_small_tables(n):
    assert datasets.used_cars(n).shape == (n, 20)


@pytest.mark.parametrize("n", [0, -1, 2.5, "many"])
def test_bad_size(n):
    with pytest.raises(ParameterError, match=re.escape(repr(n))) as caught:
        datasets.used_cars(n)
    assert caught.value.operands == {"n": n}


def test_written_to_a_file(tmp_path, capsys):
    from homespun.data import read
    from homespun.datasets.__main__ import main

    out = tmp_path / "cars.csv"
    assert main(["used_cars", "--rows", "40", "-o", str(out)]) == 0
    assert "40 rows" in capsys.readouterr().out
    assert len(read(out)) == 40
    assert main(["used_cars", "--rows", "40", "--clean", "-o", str(out)]) == 0
    assert (read(out).frame["price"] > 100).all() and "turbo" in out.read_text().splitlines()[0]
    assert main(["used_cars", "--rows", "40", "-o", str(tmp_path / "no" / "cars.csv")]) == 1
    assert "no" in capsys.readouterr().err
    assert main(["used_cars", "--rows", "0"]) == 1


def test_import_is_cheap():
    code = (
        "import sys, homespun.datasets, homespun.data, homespun.preprocessing, homespun.impute, homespun.tabular, homespun.cli; "
        "print([m for m in ('pandas', 'sklearn', 'duckdb', 'numba', 'typer') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
