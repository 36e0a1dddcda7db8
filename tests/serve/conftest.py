"""Served models: a regression and a classification on the generated cars, and a bare estimator."""

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx2")

import homespun as hs
from homespun.datasets import used_cars
from homespun.linear_model import LogisticRegression


@pytest.fixture(scope="session")
def cars():
    return hs.fit(used_cars(300), "price", models=["linear"], folds=3)


@pytest.fixture(scope="session")
def fuels():
    return hs.fit(used_cars(400, random_state=1), "gearbox", models=["logistic"], folds=3)


@pytest.fixture(scope="session")
def multi():
    """More than two classes."""
    return hs.fit(used_cars(400, random_state=2), "fuel", models=["logistic"], folds=2, budget=5)


@pytest.fixture(scope="session")
def bare():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return LogisticRegression().fit(X, np.where(X[:, 0] + 0.3 * rng.normal(size=80) > 0, "up", "down"))


@pytest.fixture(scope="session")
def cars_file(cars, tmp_path_factory):
    return cars.save(tmp_path_factory.mktemp("served") / "cars.homespun")


def example_row(contract):
    return {name: one.example for name, one in contract.fields.items()}
