"""The data of a lasso, seen through three questions. A: (n, d) centred and weighted X, b: (n,) centred and weighted y.

    design.correlation              c = A'b                                                     (d,)
    design.evaluate(members, w)     A'(b - A w),  ||b - A w||^2,  (b - A w) . b                 w: weights of the members
    design.admit(members, new)      A_S' A_new for S = members and new together                 (members + new, new)

`GramDesign` holds A'A and never looks at the data again: for few columns, or many penalties. `DenseDesign` and `SparseDesign`
hold only the columns that were admitted; X itself is never copied. The products of a `DenseDesign` may be rough (`rough_gram`)
until the solver asks for ``exact(members)``: it steps by them from an exact gradient, so they only have to be nearly right.
"""

from __future__ import annotations

import copy

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, over_blocks
from homespun.linear_model.base import column_means, finite
from homespun.linear_model.dense_products import residual_and_gradient
from homespun.linear_model.moments import moments, scatter, symmetric
from homespun.linear_model.rough_gram import RoughGram

GATHER_ROWS = 64
FEW_COLUMNS = 300   # up to which A'A is formed at once
PATH_COLUMNS = 1500  # the same for a whole path of penalties
ROUGH_ROWS = 2000   # from which products of columns are worth their own packed copies, in float32


def make_design(X, y, weights=None, centre=True, *, gram=None, penalties=1):
    """The design that suits the data, with the means and the sum of weights.

    Parameters
    ----------
    X : ndarray or CSC matrix (n, d), float32 or float64.   y : (n,) float64.   weights : (n,) or None
    gram : bool, optional
        Whether to form A'A. Default: if X is tall and has few columns, more of them for many `penalties`.

    Returns
    -------
    design, X_mean (d,), y_mean, total
    """
    n, d = X.shape
    if gram is None:
        gram = n >= 2 * d and d <= (FEW_COLUMNS if penalties < 10 else PATH_COLUMNS)
    total = n if weights is None else float(weights.sum())
    if gram:
        found = moments(X, y[:, None], weights, centre)
        deviation = y - found.y_mean[0]
        target_norm = deviation @ (deviation if weights is None else weights * deviation)
        drop_constant(found.gram, found.X_mean, total)
        design: GramDesign | ColumnDesign = GramDesign(found.gram, found.cross[:, 0], target_norm)
        return in_range(design, X), found.X_mean, found.y_mean[0], total
    X_mean = column_means(X, weights) if centre else np.zeros(d)
    y_mean = float(column_means(y, weights)) if centre else 0.0
    root = None if weights is None else np.sqrt(weights)
    target = y - y_mean if root is None else root * (y - y_mean)
    kind = SparseDesign if sparse.issparse(X) else DenseDesign
    return in_range(kind(X, target, X_mean, root, total), X), X_mean, y_mean, total


def in_range(design, X):
    """The design, unless its sums are not finite: X holds such a value, or numbers whose squares are too large."""
    if not (np.isfinite(design.target_norm) and np.isfinite(design.correlation).all()):
        finite(X)
        raise FloatingPointError("products of X and y")
    return design


class GramDesign:
    rough = None
    precision = np.finfo(np.float64).eps

    def __init__(self, gram, correlation, target_norm):
        self.gram, self.correlation, self.target_norm = gram, correlation, target_norm

    def evaluate(self, members, w):
        used = np.flatnonzero(w)
        gradient = self.correlation - w[used] @ self.gram[members[used]]
        explained = w @ self.correlation[members]
        return gradient, self.target_norm - explained - w @ gradient[members], self.target_norm - explained

    def admit(self, members, new):
        return self.gram[np.ix_(np.concatenate([members, new]), new)]

    def fresh(self):
        """The same data with no column admitted."""
        return self


class ColumnDesign:
    """Shared by dense and sparse X: what does not depend on how the admitted columns are kept."""

    rough: RoughGram | None = None

    def __init__(self, X, target, X_mean, root, total):
        self.X, self.target, self.X_mean, self.root, self.total = X, target, X_mean, root, total
        self.precision = np.finfo(X.dtype).eps
        self.target_norm = float(target @ target)
        self.forget()
        self.correlation = self.residual_and_gradient(np.empty(0, dtype=np.int64), np.empty(0))[1]

    def forget(self):
        """Be as if no column had been admitted."""
        raise TypeError("a design defines forget()")

    def residual_and_gradient(self, members, w):
        """r = b - A_S w for the columns S that were admitted, and A'r."""
        raise TypeError("a design defines residual_and_gradient()")

    def evaluate(self, members, w):
        if not w.any():
            return self.correlation.copy(), self.target_norm, self.target_norm
        residual, gradient = self.residual_and_gradient(members, w)
        return gradient, float(residual @ residual), float(residual @ self.target)

    def fresh(self):
        """The same data with no column admitted."""
        other = copy.copy(self)
        other.forget()
        return other


class DenseDesign(ColumnDesign):
    """X is read where it lies, and centred in registers. Admitted columns are kept centred: in float32 if X is tall, until the
    solver needs more than that, otherwise in float64 and by rows, as `moments.scatter` multiplies them. They are read from X
    by rows: a single column of an X in C order costs as many cache lines as eight."""

    def __init__(self, X, target, X_mean, root, total):
        self.each_root = np.ones(X.shape[0]) if root is None else root
        super().__init__(X, target, X_mean, root, total)

    def forget(self):
        self.rough = RoughGram(self.X, self.X_mean, self.each_root) if self.X.shape[0] >= ROUGH_ROWS else None
        self.blocks: list = []  # (n, k) each: one array that grows would be copied, and pages that are new are slow

    def residual_and_gradient(self, members, w):
        coef = np.zeros(self.X.shape[1])
        coef[members] = w
        return residual_and_gradient(self.X, self.X_mean, self.each_root, self.target, coef)

    def admit(self, members, new):
        if self.rough is not None:
            gram = self.rough.admit(new)
            if gram is None:
                self.exact(members)
        if self.rough is None:
            gram = self._admit(new)
        drop_constant(gram, self.X_mean[new], self.total, first=len(members))
        return gram

    def exact(self, members):
        """Products of the members in float64, as all are from now on: (members, members)."""
        self.rough, self.blocks = None, []
        gram = self._admit(members)
        drop_constant(gram, self.X_mean[members], self.total)
        return gram

    def _admit(self, new):
        if not len(new):
            return np.empty((0, 0))
        columns = gathered(self.X, new, self.X_mean, self.each_root)
        gram = np.concatenate([scatter(block, columns, centre=False, first=block.shape[1])[2] for block in self.blocks]
                              + [symmetric(scatter(columns, centre=False)[2])])
        self.blocks.append(columns)
        if len(self.blocks) > 16:  # a path admits few columns at a time: one product with many is quicker
            self.blocks = [np.concatenate(self.blocks, axis=1)]
        return gram


@kernel("void(i8, f8[:, :], i8[::1], f8[::1], f8[::1], f8[:, ::1])",
        "void(i8, f4[:, :], i8[::1], f8[::1], f8[::1], f8[:, ::1])")
def gather_columns(block, X, new, mean, root, out):
    """OUT out[i, k] = root[i] (X[i, new[k]] - mean[new[k]]) for the rows i of one block."""
    for i in range(block * GATHER_ROWS, min(X.shape[0], (block + 1) * GATHER_ROWS)):
        for k in range(new.size):
            out[i, k] = root[i] * (X[i, new[k]] - mean[new[k]])


def gathered(X, new, mean, root):
    """Some columns of X, centred and weighted."""
    out = np.empty((len(X), len(new)))
    over_blocks(gather_columns, -(-len(X) // GATHER_ROWS), X, new, mean, root, out)
    return out


@oracle(gathered, kernels=(gather_columns,), rtol=1e-12, example=(
    lambda rng: (rng.normal(size=(GATHER_ROWS + 3, 5)), np.array([1, 4]), rng.normal(size=5), rng.random(GATHER_ROWS + 3)),
    lambda rng: (rng.normal(size=(GATHER_ROWS, 3)).astype(np.float32), np.array([0]), np.zeros(3), np.ones(GATHER_ROWS))))
def gathered_formula(X, new, mean, root):
    return root[:, None] * (X - mean)[:, new]


class SparseDesign(ColumnDesign):
    """Products of sparse columns, with the means subtracted afterwards: sum_i s_i x_ij x_ik - S m_j m_k (see `moments`)."""

    def forget(self):
        self.blocks: list = []

    def residual_and_gradient(self, members, w):
        fitted, start = np.zeros(self.X.shape[0]), 0
        for block in self.blocks:
            part = w[start : start + len(block.means)]
            fitted += block.columns.T @ part - block.means @ part
            start += len(block.means)
        residual = self.target - fitted if self.root is None else self.target - self.root * fitted
        r = residual if self.root is None else self.root * residual
        return residual, np.asarray(self.X.T @ r, dtype=np.float64) - self.X_mean * r.sum()

    def admit(self, members, new):
        block = SparseBlock(self.X[:, new].T.tocsr().astype(np.float64), self.X_mean[new])
        self.blocks.append(block)
        weighted = block.columns if self.root is None else block.columns.multiply(self.root**2).tocsr()
        means = np.concatenate([one.means for one in self.blocks])
        gram = sparse.vstack([one.columns @ weighted.T for one in self.blocks]).toarray()
        gram -= self.total * means[:, None] * block.means
        drop_constant(gram, block.means, self.total, first=len(members))
        return gram


class SparseBlock:
    """Admitted columns as the rows of a CSR matrix, and their means."""

    def __init__(self, columns, means):
        self.columns, self.means = columns, means


def drop_constant(gram, means, total, first=0):
    """Set the entries of columns to zero whose variance is but the rounding of their mean. `first`: row of their first one."""
    diagonal = np.diagonal(gram[first:])
    if not np.isfinite(diagonal).all():
        raise FloatingPointError("squares of X")
    gram[:, diagonal <= total * (1e-13 * means) ** 2] = 0.0
