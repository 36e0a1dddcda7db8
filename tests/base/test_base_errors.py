"""The error tree: one base that is a ValueError, facts as fields, whole across process borders."""

import pickle

import numpy as np
import pytest

import homespun.errors
from homespun.base.errors import DataError, HomespunError, ModelFileError, ParameterError, ShapeError, did_you_mean


@pytest.mark.parametrize("kind", [ShapeError, ParameterError, DataError, ModelFileError])
def test_one_tree_under_value_error(kind):
    assert issubclass(kind, HomespunError) and issubclass(kind, ValueError)
    assert getattr(homespun.errors, kind.__name__) is kind


def test_fields_default_to_nothing():
    error = HomespunError("text")
    assert (str(error), error.operation, error.operands, error.rule, error.where, error.suggestion) == (
        "text", None, {}, None, None, None)


def test_an_error_is_whole_after_pickling():
    error = ParameterError("alpha is wrong", operation="Ridge", operands={"alpha": -1}, rule="alpha >= 0", where="line 3",
                           suggestion="0")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is ParameterError and str(again) == str(error) and vars(again) == vars(error)


def test_an_operand_that_cannot_be_pickled_becomes_its_text():
    error = ParameterError("wrong", operands={"loss": lambda x: x, "alpha": 2})
    again = pickle.loads(pickle.dumps(error))
    assert "lambda" in again.operands["loss"] and again.operands["alpha"] == 2


@pytest.mark.parametrize("wrong, known, hint", [
    ("prize", ["price", "year"], "did you mean 'price'?"),
    ("PRICE", ["price"], "did you mean 'price'?"),
    ("l2", ["l1", "elasticnet"], None),
    ("xyz", ["price"], None),
    ("colour", [], None),
    (3, ["three"], None),
])
def test_did_you_mean(wrong, known, hint):
    found = did_you_mean(wrong, known)
    assert found == hint or (wrong == "l2" and found == "did you mean 'l1'?")


def test_did_you_mean_takes_names_of_any_type():
    assert did_you_mean("10", [10, 200]) == "did you mean '10'?"
    assert did_you_mean("price", np.array(["prices"])) == "did you mean 'prices'?"
