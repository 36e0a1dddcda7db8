"""Constraints as data: what they accept, and how they word what they do not."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from homespun.base.params import (
    Anything,
    ArrayLike,
    Boolean,
    CallableWith,
    Constraint,
    Instance,
    Integer,
    MissingMarker,
    NJobs,
    OneOf,
    RandomState,
    Real,
    Satisfies,
    check_param,
    check_params,
)
from homespun.errors import ParameterError

YES_AND_NO = [
    (Real(), [0, 1.5, -3, np.float32(2), np.int8(1), math.inf, Fraction(1, 3)], [math.nan, True, np.True_, "1", None, 1j, [1]]),
    (Real(low=0), [0, 0.0, 5], [-1e-300, -1]),
    (Real(low=0, open="low"), [1e-300], [0, 0.0, -1]),
    (Real(0, 1, open="high"), [0, 0.999], [1, 1.0, 2]),
    (Real(0, 1, open="both"), [0.5], [0, 1]),
    (Integer(low=1), [1, np.int64(7), np.uint8(2)], [0, 1.0, np.float64(2), True, "1", None]),
    (Boolean(), [True, False, np.True_], [0, 1, "True", None]),
    (OneOf("auto", "svd"), ["auto", np.str_("svd")], ["Auto", "", None, 1, b"auto"]),
    (OneOf(1, None), [1, np.int64(1), 1.0, None], [True, "1", 2]),
    (OneOf(True), [True, np.True_], [1, "True"]),
    (Instance(dict), [{}], [[], None]),
    (ArrayLike(), [[], (1,), np.ones(2), sparse.eye_array(2).tocsr()], ["ab", b"ab", {}, {1}, 3, None]),
    (CallableWith(), [len, lambda: 0, dict], ["len", None]),
    (Anything(), [None, 3, np.nan, "x", object], []),
    (MissingMarker(), [None, 3, np.float32(1.5), np.nan, "?", pd.NA], [[1, 2], np.zeros(2), object(), {}]),
    (Satisfies(lambda value: value == "x", "the letter x"), ["x"], ["y"]),
    (Integer(low=1) | None, [1, None], [0, "none"]),
    (None | Integer(low=1), [1, None], [0]),
    (Real(0, 1) | OneOf("auto") | None, [0.5, "auto", None], [2, "other"]),
    (RandomState, [None, 0, 2**40, np.random.default_rng(), np.random.RandomState(0)], [-1, 1.0, "seed", 2**63]),
    (NJobs, [None, 1, -1], [1.0, "all"]),
]


@pytest.mark.parametrize("constraint, yes, no", YES_AND_NO)
def test_what_is_accepted(constraint, yes, no):
    for value in yes:
        assert constraint.accepts(value), value
    for value in no:
        assert not constraint.accepts(value), value


@pytest.mark.parametrize("constraint, words", [
    (Real(), "a number"), (Real(low=0), "a number >= 0"), (Real(0, 1), "a number >= 0 and <= 1"),
    (Real(0, 1, open="both"), "a number > 0 and < 1"), (Real(high=1, open="high"), "a number < 1"),
    (Integer(low=1) | None, "a whole number >= 1 or None"), (Boolean(), "True or False"),
    (OneOf("a"), "'a'"), (OneOf("a", "b"), "one of 'a', 'b'"), (Instance(dict, list), "a dict or a list"),
    (Instance(dict, noun="a mapping"), "a mapping"), (ArrayLike(), "a list or an array"), (CallableWith(), "a function"),
    (Satisfies(bool, "something true"), "something true"), (Anything(), "anything"),
    (MissingMarker(), "a number, a text, None or NaN"),
])
def test_words(constraint, words):
    assert constraint.words() == words


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_a_range_is_a_range(low, high, value):
    assert Real(low, high).accepts(value) == (low <= value <= high)
    assert Real(low, high, open="both").accepts(value) == (low < value < high)


class Model:
    params = {"alpha": Real(low=0), "solver": OneOf("cholesky", "svd")}

    def __init__(self, alpha=1.0, solver="svd"):
        self.alpha, self.solver = alpha, solver


def test_good_parameters_pass():
    check_params(Model())


@pytest.mark.parametrize("model, text, operands", [
    (Model(alpha=-1), "Model: alpha must be a number >= 0, got -1", {"alpha": -1}),
    (Model(solver="cholesk"), "Model: solver must be one of 'cholesky', 'svd', got 'cholesk'; did you mean 'cholesky'?",
     {"solver": "cholesk"}),
    (Model(alpha=np.float64(-2)), "got -2.0", {"alpha": -2.0}),
    (Model(alpha="1" * 200), "…", None),
])
def test_the_error_says_which_value_and_which_rule(model, text, operands):
    with pytest.raises(ParameterError) as caught:
        check_params(model)
    assert text in str(caught.value) and len(str(caught.value)) < 250
    assert caught.value.operation == "Model" and caught.value.rule.startswith(tuple(caught.value.operands))
    if operands is not None:
        assert caught.value.operands == operands


def test_an_array_is_shown_by_its_shape():
    with pytest.raises(ParameterError) as caught:
        check_param("Model", "alpha", np.zeros((100, 3)), Real())
    assert str(caught.value) == "Model: alpha must be a number, got an array of shape (100, 3)"


def test_the_base_constraint_is_abstract():
    for method in (lambda: Constraint().accepts(1), Constraint().words):
        with pytest.raises(TypeError, match="defines"):
            method()


def test_whole_numbers_fit_64_bits():
    from homespun.base.params import Integer

    assert Integer(low=1).accepts(2**63 - 1) and not Integer(low=1).accepts(10**20)
