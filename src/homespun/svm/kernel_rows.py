"""Kernel values between rows, made by tiles when they are needed and not kept.            X: (n, d)   rows: (q,)

    linear  x . z        poly  (g x . z + c)^degree        rbf  exp(-g |x - z|^2)        sigmoid  tanh(g x . z + c)

One source, two questions: `square(rows)`, K between some rows of X, and `sums(rows, weights)`, sum_j weights_j K(x_i, x_j)
for every row i. A product of register tiles gives a value in less time than a cache takes to read it back where d is
small, so nothing wider than a working set is stored. For rbf, |x - z|^2 = |x|^2 + |z|^2 - 2 x . z of centred rows, in
float32 where its rounding stays below that of a kernel value kept in float32, else in float64, as for the other kernels.

O(n q d) time, O(q^2 + n d) memory. Not handled: sparse rows (`sparse_rows`), kernels given as matrices (`MatrixKernel`).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks, simd

ROWS, COLUMNS32, COLUMNS64 = simd.ROWS, simd.COLUMNS32, simd.COLUMNS64
KINDS = {"linear": 0, "poly": 1, "rbf": 2, "sigmoid": 3}
POLY, RBF, SIGMOID = 1, 2, 3
BLOCK = 8 * ROWS  # rows that one thread carries through all panels


@dataclass(frozen=True)
class Kernel:
    """A kernel function and its numbers."""

    kind: str
    gamma: float = 1.0
    coef0: float = 0.0
    degree: float = 3

    @property
    def numbers(self):
        return KINDS[self.kind], float(self.gamma), float(self.coef0), float(self.degree)


class DenseRows:
    """Kernel values between the rows of an array."""

    def __init__(self, X, kernel, *, exact=False):
        self.kernel, self.n = kernel, len(X)
        X = np.ascontiguousarray(X, np.float64)
        if kernel.kind == "rbf":
            self.centre = X.mean(axis=0) if self.n else np.zeros(X.shape[1])
            X = X - self.centre
        with np.errstate(over="ignore"):
            self.norms = np.einsum("ij,ij->i", X, X)
        self.largest = float(self.norms.max(initial=0.0))
        small = kernel.kind == "rbf" and not exact and kernel.gamma * self.largest <= FLOAT32_REACH and (
            1e-30 < self.largest < 1e30)
        self.X = X.astype(np.float32) if small else X
        self.norms = self.norms.astype(self.X.dtype)
        self.diagonal = diagonal_of(kernel, self.norms)

    def subset(self, rows):
        """The source of some of the rows."""
        part = copy.copy(self)
        part.n, part.X, part.norms, part.diagonal = len(rows), self.X[rows], self.norms[rows], self.diagonal[rows]
        return part

    def square(self, rows):
        """K of the rows: float32 (q, q rounded up to whole tiles)."""
        panels, norms = self.packed(self.X[rows], self.norms[rows])
        out = np.empty((len(rows), norms.size), np.float32)
        self._run(self.X, self.norms, rows, panels, norms, np.empty((0, norms.size)), np.empty((len(rows), 0)), out)
        return out

    def sums(self, rows, weights):
        """sum_j weights[j] K(x_i, x_rows[j]) for every row i: (n,)."""
        return self.sums_of(self.X, self.norms, self.X[rows], self.norms[rows], weights[None])[:, 0]

    def sums_at(self, Q, weights):
        """sum_j weights[p, j] K(q_i, x_j) for rows Q that are not of X: (m, P)."""
        Q = np.ascontiguousarray(Q, np.float64)
        if self.kernel.kind == "rbf":
            Q = Q - self.centre
        Q = Q.astype(self.X.dtype, copy=False)
        return self.sums_of(Q, np.einsum("ij,ij->i", Q, Q), self.X, self.norms, weights)

    def sums_of(self, Q, Q_norms, Z, Z_norms, weights):
        panels, norms = self.packed(Z, Z_norms)
        wide = np.zeros((len(weights), norms.size))
        wide[:, :len(Z)] = weights
        sums = np.zeros((len(Q), len(weights)))
        self._run(Q, Q_norms, np.arange(len(Q)), panels, norms, wide, sums, np.empty((0, 0), np.float32))
        return sums

    def packed(self, Z, norms):
        """Rows in panels as `tile_dot` reads them, (panel, d, columns), the last one filled up with zeros; their norms."""
        columns, (m, d) = simd.tile_columns(Z.dtype), Z.shape
        count = -(-m // columns)
        wide = np.zeros((count * columns, d), Z.dtype)
        wide[:m] = Z
        wide_norms = np.zeros(count * columns, Z.dtype)
        wide_norms[:m] = norms
        return np.ascontiguousarray(wide.reshape(count, columns, d).transpose(0, 2, 1)).ravel(), wide_norms

    def _run(self, Q, Q_norms, rows, panels, norms, weights, sums, out):
        with np.errstate(over="ignore", invalid="ignore"):  # plain Python would warn where compiled code is silent
            over_blocks(kernel_block, -(-len(rows) // BLOCK), Q, Q_norms, rows, panels, norms, *self.kernel.numbers,
                        weights, sums, out)


# Rounding of the squared distance in float32, times gamma, is about 1e-7 gamma |x|^2: up to here it is below 2e-6.
FLOAT32_REACH = 16.0


def diagonal_of(kernel, norms):
    """K(x, x) from |x|^2, float64."""
    norms = np.asarray(norms, np.float64)
    if kernel.kind == "rbf":
        return np.ones_like(norms)
    with np.errstate(over="ignore"):
        if kernel.kind == "poly":
            return (kernel.gamma * norms + kernel.coef0) ** kernel.degree
        return np.tanh(kernel.gamma * norms + kernel.coef0) if kernel.kind == "sigmoid" else norms


class MatrixKernel:
    """Kernel values that are given: a precomputed matrix, or what a function of the user's returned."""

    def __init__(self, K):
        with np.errstate(over="ignore"):
            self.n, self.K = len(K), np.ascontiguousarray(K, np.float32)
        self.largest = float(np.abs(self.K).max(initial=0.0))
        self.diagonal = self.K.diagonal().astype(np.float64)

    def subset(self, rows):
        part = copy.copy(self)
        part.n, part.K, part.diagonal = len(rows), np.ascontiguousarray(self.K[rows][:, rows]), self.diagonal[rows]
        return part

    def square(self, rows):
        return np.ascontiguousarray(self.K[rows][:, rows])

    def sums(self, rows, weights):
        return np.einsum("jn,j->n", self.K[rows].astype(np.float64), weights)


_BLOCK = "void(i8, {0}[:, ::1], {0}[::1], i8[::1], {0}[::1], {0}[::1], i8, f8, f8, f8, f8[:, ::1], f8[:, ::1], f4[:, ::1])"


@kernel(_BLOCK.format("f4"), _BLOCK.format("f8"))
def kernel_block(block, Q, Q_norms, rows, panels, norms, kind, gamma, coef0, degree, weights, sums, out):
    """OUT of the block's rows r of `rows`: sums[r, p] += sum_j weights[p, j] K(Q[rows[r]], z_j), and K itself in out[r]
    unless it has no rows."""
    d = Q.shape[1]
    columns = COLUMNS32 if panels.itemsize == 4 else COLUMNS64
    packed = np.zeros(d * ROWS, panels.dtype)
    values = np.empty(ROWS * columns, panels.dtype)
    last = min(rows.size, (block + 1) * BLOCK)
    for first in range(block * BLOCK, last, ROWS):
        count = min(ROWS, last - first)
        for i in range(count):
            r = rows[first + i]
            for k in range(d):
                packed[k * ROWS + i] = Q[r, k]
        for panel in range(norms.size // columns):
            at = panel * columns
            simd.tile_store(simd.tile_dot(packed, 0, panels, at * d, d), values, 0, columns)
            for i in range(count):
                line = values[i * columns:(i + 1) * columns]
                turn(line, norms[at:at + columns], Q_norms[rows[first + i]], kind, gamma, coef0, degree)
                for p in range(weights.shape[0]):
                    total = 0.0
                    for j in range(columns):
                        total += weights[p, at + j] * line[j]
                    sums[first + i, p] += total
                if out.size > 0:
                    for j in range(columns):
                        out[first + i, at + j] = line[j]


@kernel()
def turn(line, norms, own, kind, gamma, coef0, degree):  # IN line: products; OUT line: kernel values
    if kind == RBF:
        if line.itemsize == 4:
            factor = np.float32(gamma)
            for j in range(line.size):
                line[j] = simd.exp32(factor * min(np.float32(2.0) * line[j] - (own + norms[j]), np.float32(0.0)))
        else:
            for j in range(line.size):
                line[j] = exp64_negative(gamma * min(2.0 * line[j] - (own + norms[j]), 0.0))
    elif kind == POLY:
        for j in range(line.size):
            line[j] = (gamma * line[j] + coef0) ** degree
    elif kind == SIGMOID:
        for j in range(line.size):
            line[j] = np.tanh(gamma * line[j] + coef0)


@kernel(inline=True)
def exp64_negative(x):
    """exp(x) for x <= 0 in float64 with a relative error below 1e-14; about 1e-38 for x < -87.

    As `simd.exp32`, with Taylor's polynomial of degree 13 on |r| <= ln(2) / 2.
    """
    x = max(x, -87.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - n * 6.93147180369123816490e-01
    r = r - n * 1.90821492927058770002e-10
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.755731922398589e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.3888888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r * r + r + 1.0
    return p * np.float64(simd.float32_from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23))))


# ---------------------------------------------------------------------------------------------------------------------
# The definition

def rows_of_kernel(X, rows, weights, kind, gamma, coef0, degree, exact):
    """K of some rows, and what `weights` of them make of every row: see `DenseRows`."""
    source = DenseRows(X, Kernel(kind, gamma, coef0, degree), exact=exact)
    some = source.square(rows)[:, :len(rows)]
    return some, source.sums(rows, weights[0]), source.subset(rows).sums_at(X[::2], weights)


def _example(kind, n, exact=True, gamma=0.3, d=3):
    return lambda rng: (rng.normal(size=(n, d)) + 2, rng.permutation(n)[:n // 2], rng.normal(size=(2, n // 2)), kind, gamma, 0.5,
                        3.0, exact)


@oracle(rows_of_kernel, kernels=(kernel_block, turn, exp64_negative, simd.exp32), rtol=5e-6, atol=5e-6, example=(
    _example("rbf", 2 * BLOCK + 7), _example("rbf", 2 * COLUMNS32 + 3, exact=False), _example("poly", 2 * COLUMNS64 + 1),
    _example("sigmoid", 21), _example("linear", 40), _example("rbf", 30, exact=False, gamma=1e3),
    _example("rbf", 12, gamma=40.0, d=2), _example("linear", 4 * ROWS, d=1)))
def rows_of_kernel_formula(X, rows, weights, kind, gamma, coef0, degree, exact):
    """The kernels as they are defined."""
    if kind == "rbf":
        K = np.exp(-gamma * ((X[:, None] - X) ** 2).sum(axis=-1))
    else:
        products = X @ X.T
        K = {"linear": products, "poly": (gamma * products + coef0) ** degree, "sigmoid": np.tanh(gamma * products + coef0)}[kind]
    return K[np.ix_(rows, rows)], K[:, rows] @ weights[0], K[::2][:, rows] @ weights.T


def exponentials64(x):
    """`exp64_negative` of each entry: what the definition below is compared with."""
    return np.array([exp64_negative(value) for value in x])


@oracle(exponentials64, kernels=(exp64_negative,), rtol=1e-14, atol=0.0, example=lambda rng: (
    -np.r_[rng.random(200) * 80, np.linspace(80, 90, 41), 0, 1e30],))
def exponentials64_formula(x):
    """exp, of arguments clamped at -87."""
    return np.exp(np.maximum(x, -87.0))
