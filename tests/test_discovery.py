"""`all_estimators` finds every public estimator, and an audit fails for one that nobody lists."""

import importlib

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from homespun.base.estimator import Estimator
from homespun.errors import ParameterError
from homespun.testing import discovery
from homespun.testing.discovery import all_estimators, audit, example_of


def test_nothing_is_unlisted():
    assert audit() == []


def test_what_is_found_is_public_and_ours():
    found = all_estimators()
    assert len(found) >= 10
    assert len({cls for _, cls in found}) == len(found)
    for name, cls in found:
        assert name == cls.__name__ and not name.startswith("_")
        assert cls.__module__.startswith("homespun.") and issubclass(cls, Estimator)
        assert hasattr(cls, "fit")
    assert found == sorted(found, key=lambda pair: (pair[0], pair[1].__module__))


def test_first_algorithms_are_found():
    names = {name for name, _ in all_estimators()}
    assert names >= {"LinearRegression", "Ridge", "Lasso", "ElasticNet", "LogisticRegression", "DecisionTreeClassifier",
                     "DecisionTreeRegressor", "RandomForestClassifier", "HistGradientBoostingRegressor",
                     "KNeighborsClassifier"}


def test_filters():
    classifiers = dict(all_estimators("classifier"))
    assert "LogisticRegression" in classifiers and all(issubclass(cls, ClassifierMixin) for cls in classifiers.values())
    both = dict(all_estimators(["classifier", "regressor"]))
    assert both.keys() == classifiers.keys() | dict(all_estimators("regressor")).keys()
    assert all(issubclass(cls, (ClassifierMixin, RegressorMixin)) for cls in both.values())
    with pytest.raises(ParameterError, match="'clasifier'"):
        all_estimators("clasifier")


def test_the_audit_sees_an_unlisted_estimator():
    class Forgotten(Estimator):
        __module__ = "homespun.linear_model.forgotten"

    try:
        found = audit()
        assert any("homespun.linear_model.forgotten" in line and "__all__" in line for line in found)
    finally:
        Forgotten.__module__ = "tests"  # subclasses live on until they are collected


def test_an_exclusion_needs_a_reason_and_an_estimator(monkeypatch):
    monkeypatch.setitem(discovery.EXCLUDED, "homespun.nowhere.Gone", "")
    assert audit() == ["homespun.nowhere.Gone is excluded but does not exist",
                       "homespun.nowhere.Gone is excluded without a reason"]


def test_an_excluded_estimator_is_not_found(monkeypatch):
    cls = dict(all_estimators())["Ridge"]
    monkeypatch.setitem(discovery.EXCLUDED, discovery.qualified(cls), "for this test, it is hidden")
    assert "Ridge" not in dict(all_estimators()) and audit() == []


def test_private_names_and_bases_are_no_estimators():
    assert not discovery.is_estimator(BaseEstimator) and not discovery.is_estimator(Estimator)
    assert not discovery.is_estimator(3)


@pytest.mark.parametrize("name, cls", all_estimators(), ids=[name for name, _ in all_estimators()])
def test_every_parameter_has_a_constraint_and_the_default_satisfies_it(name, cls):
    model = example_of(cls)
    assert cls.params.keys() == model.get_params(deep=False).keys()
    for parameter, constraint in cls.params.items():
        assert constraint.accepts(getattr(model, parameter)), f"{name}: {parameter}={getattr(model, parameter)!r}"


@pytest.mark.parametrize("name, cls", all_estimators(), ids=[name for name, _ in all_estimators()])
def test_every_estimator_is_documented(name, cls):
    assert cls.__doc__ and len(cls.__doc__.strip()) > 20
    assert "Examples" in cls.__doc__ or ">>>" in cls.__doc__, f"{name} has no example that runs"


def test_quick_settings_name_parameters_that_exist():
    known = dict(all_estimators())
    for parameter, values in discovery.QUICK.items():
        for name in values:
            if name in known:
                wanted = values[name]
                if isinstance(wanted, str) and wanted.startswith("homespun."):  # "package:function"
                    package, _, function = wanted.partition(":")
                    wanted = getattr(importlib.import_module(package), function)
                assert getattr(example_of(known[name]), parameter) == wanted
