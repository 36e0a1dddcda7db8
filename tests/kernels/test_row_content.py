"""Rows by what they hold: the same order for every form in which they can be given."""

import numpy as np
import pytest
from scipy import sparse

from homespun.kernels.row_content import groups_of_equal_rows

X = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, -0.0, 2.0], [3.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


def ranks(rows, y=None):
    """The place of each row in the order of its content; equal rows share one."""
    order, group = groups_of_equal_rows(rows, y)
    found = np.empty(len(order), np.int64)
    found[order] = group
    return found.tolist()


def in_two_parts():
    """The first row's 2 is stored as 0.5 and 1.5, and a zero is stored, too."""
    data, columns = [1.0, 0.5, 1.5, 0.0, 1.0, 2.0, 3.0, 1.0], [0, 2, 2, 1, 0, 2, 0, 1]
    return sparse.csr_array((data, columns, [0, 3, 4, 6, 8, 8]), shape=X.shape)


@pytest.mark.parametrize("form", [
    np.asfortranarray, np.float32, np.int64, sparse.csr_array, sparse.csr_matrix, lambda rows: in_two_parts()],
    ids=["Fortran order", "float32", "int64", "csr_array", "csr_matrix", "entries in two parts"])
def test_every_form_has_the_same_order(form):
    assert ranks(form(X)) == ranks(X)
    assert len(set(ranks(X))) == 3


def test_labels_tell_rows_apart():
    assert len(set(ranks(X, np.array([0.0, 1.0, 1.0, 0.0, 1.0])))) == 4


def test_shuffled_rows_are_sorted_alike():
    moved = np.random.default_rng(0).permutation(len(X))
    assert (X[moved][groups_of_equal_rows(X[moved])[0]] == X[groups_of_equal_rows(X)[0]]).all()
