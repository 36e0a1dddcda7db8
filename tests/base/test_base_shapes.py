"""Shape contracts: the check, the sizes, and the words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.base.shapes import shapes
from homespun.errors import ShapeError


def zeros(*shape):
    return np.zeros(shape)


def test_sizes_are_returned():
    assert shapes("X: n d, y: n, w: d 3", X=zeros(20, 5), y=zeros(20), w=zeros(5, 3)) == {"n": 20, "d": 5}


def test_none_is_not_checked():
    assert shapes("X: n d, y: n", X=zeros(2, 3), y=None) == {"n": 2, "d": 3}


@pytest.mark.parametrize("contract, operands, text", [
    ("X: n d, y: n", {"X": zeros(20, 5), "y": zeros(19)}, "axis 'n' is 20 in X (20, 5) but 19 in y (19,)"),
    ("X: n d", {"X": zeros(20)}, "X must have 2 axes (n, d), got 1 axis: (20,)"),
    ("y: n", {"y": zeros(4, 1)}, "y must have 1 axis (n), got 2 axes: (4, 1)"),
    ("w: 3", {"w": zeros(4)}, "w must have size 3 in axis 0, got 4: w (4,)"),
    ("w: 3 3", {"w": zeros(3, 4)}, "w must have size 3 in axis 1, got 4: w (3, 4)"),
    ("w: ... 3", {"w": zeros(2, 5, 4)}, "w must have size 3 in axis 2, got 4: w (2, 5, 4)"),
    ("w: ... n d", {"w": zeros(4)}, "w must have at least 2 axes (n, d), got 1 axis: (4,)"),
    ("K: n n", {"K": zeros(3, 4)}, "axis 'n' of K must have one size, got 3 and 4: K (3, 4)"),
])
def test_words(contract, operands, text):
    with pytest.raises(ShapeError) as caught:
        shapes(contract, **operands)
    assert text in str(caught.value)
    assert caught.value.operands == {name: array.shape for name, array in operands.items()}
    assert caught.value.rule


@pytest.mark.parametrize("contract, shape, hint", [("X: n d", (5,), "X.reshape(-1, 1)"), ("X: n", (5, 1), "X.ravel()"),
                                                   ("X: n", (5, 2), None), ("X: n d", (2, 2, 2), None)])
def test_a_suggestion_is_given_only_where_it_fits(contract, shape, hint):
    with pytest.raises(ShapeError) as caught:
        shapes(contract, X=zeros(*shape))
    assert (caught.value.suggestion is None) if hint is None else (hint in caught.value.suggestion)


def test_leading_axes_and_free_axes():
    assert shapes("x: ... d, m: _ d", x=zeros(2, 3, 5), m=zeros(9, 5)) == {"d": 5}
    assert shapes("x: ... d", x=zeros(5)) == {"d": 5}
    assert shapes("x:", x=zeros()) == {}


def test_a_contract_of_ours_that_is_wrong_is_no_users_error():
    with pytest.raises(TypeError, match="has no ':'"):
        shapes("X n d", X=zeros(2, 2))
    with pytest.raises(TypeError, match="says nothing about Y"):
        shapes("X: n d", X=zeros(2, 2), Y=zeros(2))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_two_operands_fit_exactly_when_their_shapes_are_equal(first, second):
    names = " ".join("abc"[: len(first)])
    call = {"x": zeros(*first), "y": zeros(*second)}
    if first == second:
        assert shapes(f"x: {names}, y: {names}", **call) == dict(zip("abc", first))
    else:
        with pytest.raises(ShapeError):
            shapes(f"x: {names}, y: {names}", **call)
