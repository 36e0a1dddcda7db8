"""Kernels, a formula and a weak formula that the tests of `homespun.testing` edit and step through."""

import numpy as np

from homespun.kernels import kernel


@kernel("f8(f8[::1], f8[::1])")
def toy_dot(x, y):
    total = 0.0
    for i in range(x.size):
        total += toy_product(x[i], y[i])
    return total


@kernel()
def toy_product(a, b):
    return a * b


@kernel("void(f8[:, ::1], f8[::1])")
def toy_row_maxima(X, out):
    for i in range(X.shape[0]):
        best = X[i, 0]
        for j in range(1, X.shape[1]):  # no mutant (1 → 0): the first is compared with itself
            if X[i, j] > best:  # no mutant (> → >=): finds the same maximum
                best = X[i, j]
        out[i] = best


@kernel("i8(i8)")
def toy_halvings(n):
    steps = 0
    while n > 1:
        n = n // 2
        steps += 1
    return steps


@kernel("f8(f8)")
def toy_stale(a):
    return a * a  # no mutant (* → +): an exemption that fits no edit


TOYS = {"dot": toy_dot}


def dot(x, y):
    return TOYS["dot"](np.ascontiguousarray(x), np.ascontiguousarray(y))


def row_maxima(X):
    out = np.empty(X.shape[0])
    toy_row_maxima(X, out)
    return out
