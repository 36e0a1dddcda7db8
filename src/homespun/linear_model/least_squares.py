"""Linear regression: the weights that make the sum of squared errors smallest.

    minimise over w, b    sum_i s_i (y_i - x_i w - b)^2         X: (n, d)   y: (n,) or (n, t)   w: (d,) or (t, d)   s: (n,)

Three ways, by what the data allow (all after centring, which takes out b):
  * tall, dense, well conditioned: the normal equations X'X w = X'y, then, unless it is very well conditioned, one step of
    refinement with the residual of the data themselves, which gives back the digits that X'X lost (Björck 1987, Linear
    Algebra and its Applications 88/89).
  * otherwise dense: Householder QR of the columns scaled to one length, so that a column in other units keeps its rank;
    where columns do depend on each other, the solution of smallest norm by the singular value decomposition.
  * sparse: LSQR (Paige & Saunders 1982, ACM TOMS 8(1)), which needs products with X only.
Dense: O(n d^2) time. Nonnegative weights by the active-set method of Lawson & Hanson 1974 on the (d, d) triangle of QR.
Not handled: multi-target `n_jobs` (targets are solved together; the parameter is accepted).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, optimize, sparse

from homespun.base import Boolean, NJobs, Real, check_params
from homespun.base.estimator import Estimator, RegressorMixin
from homespun.linear_model.base import (
    FLOATS,
    LinearModel,
    MultiTarget,
    as_targets,
    column_means,
    finite,
    finite_sums,
)
from homespun.linear_model.centred_operators import CentredSparse, scipy_operator
from homespun.linear_model.moments import centred_rows, moments

WELL_CONDITIONED = 1e4  # ratio of singular values up to which normal equations with refinement lose nothing
VERY_WELL_CONDITIONED = 1e2  # the same without refinement: of 16 digits 4 are lost, as many as the square of this has
CONSTANT = 1e-13        # standard deviation, in means, below which a column is constant but for rounding
SMALL = 1_000_000       # entries of a sparse X up to which it is simply made dense


class LinearRegression(MultiTarget, RegressorMixin, LinearModel, Estimator):
    """Ordinary least squares.

    Parameters
    ----------
    fit_intercept : bool, default True
    copy_X : bool, default True
        Accepted; X is never changed.
    tol : float, default 1e-6
        Dense: columns count as dependent where a singular value is below `tol` times the largest, after scaling all
        columns to one length. Sparse: relative accuracy of LSQR.
    n_jobs : int, optional
        Accepted; all targets are solved at once.
    positive : bool, default False
        Only weights >= 0 (dense X).

    Attributes
    ----------
    coef_ : ndarray of shape (d,) or (t, d)
    intercept_ : float or ndarray of shape (t,)
    rank_, singular_ : int, ndarray of shape (min(n, d),)
        Rank and singular values of the centred X; dense X without `positive`.

    Examples
    --------
    >>> from homespun.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[1, 1], [1, 2], [2, 2], [2, 3]], [6, 8, 9, 11])  # y = x0 + 2 x1 + 3
    >>> model.coef_.round(6).tolist(), round(float(model.intercept_), 6)
    ([1.0, 2.0], 3.0)
    """

    params = {"fit_intercept": Boolean(), "copy_X": Boolean(), "tol": Real(low=0), "n_jobs": NJobs, "positive": Boolean()}

    def __init__(self, *, fit_intercept=True, copy_X=True, tol=1e-6, n_jobs=None, positive=False):
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        checks: dict[str, Any] = {"accept_sparse": not self.positive and ("csr", "csc", "coo"), "dtype": FLOATS,
                                  "multi_output": True, "y_numeric": True}
        X, y = self.validate(X, y, ensure_all_finite=False, **checks)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        Y = as_targets(y)  # (n, t)
        dtype = X.dtype
        in_memory = sparse.issparse(X) and X.shape[0] * X.shape[1] <= SMALL
        dense = X.toarray() if in_memory else X
        with finite_sums(self, X, y, checks):
            if sparse.issparse(X) or self.positive or not tall(X):
                finite(X)
            if sparse.issparse(dense):
                coef, X_mean, y_mean = solve_sparse(dense, Y, weights, self.fit_intercept, self.tol)
            elif self.positive:
                coef, X_mean, y_mean = solve_positive(dense, Y, weights, self.fit_intercept)
            else:
                coef, X_mean, y_mean, rank, singular = solve_dense(dense, Y, weights, self.fit_intercept, self.tol)
                if not in_memory:
                    self.rank_, self.singular_ = rank, singular.astype(dtype)
            self.coef_ = coef.T if y.ndim == 2 else coef[:, 0]  # (t, d) or (d,)
            self.set_intercept(X_mean, y_mean if y.ndim == 2 else y_mean[0], dtype)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags


def tall(X):
    """Whether the normal equations are tried."""
    return X.shape[0] >= 4 * X.shape[1]


def solve_dense(X, Y, weights, centre, tol):
    """Weights (d, t), means of X and Y, rank, singular values."""
    n, d = X.shape
    if tall(X):
        m = moments(X, Y, weights, centre)
        if not np.isfinite(m.gram.trace()):
            finite(X)  # squares overflow: go on with X itself
        elif (values := linalg.eigvalsh(m.gram, check_finite=False))[0] * WELL_CONDITIONED**2 > values[-1] \
                and tol * WELL_CONDITIONED < 1:
            L = linalg.cho_factor(m.gram, lower=True, check_finite=False)
            coef = linalg.cho_solve(L, m.cross, check_finite=False)
            if values[0] * VERY_WELL_CONDITIONED**2 < values[-1]:
                residual = Y - m.y_mean - (X @ coef - m.X_mean @ coef)
                if weights is not None:
                    residual *= weights[:, None]
                correction = residual.T.dot(X).T - m.X_mean[:, None] * residual.sum(axis=0)  # (d, t)
                coef += linalg.cho_solve(L, correction, check_finite=False)
            return coef, m.X_mean, m.y_mean, d, np.sqrt(values[::-1])
    A, B, X_mean, y_mean = centred_copy(X, Y, weights, centre)
    if n >= d > 0:
        lengths = column_lengths(A)
        R, QtB = triangle(A / lengths, B)
        values = linalg.svdvals(R)
        if values[-1] > tol * values[0]:
            coef = linalg.solve_triangular(R, QtB) / lengths[:, None]
            return coef, X_mean, y_mean, d, linalg.svdvals(R * lengths)
    coef, _, rank, singular = linalg.lstsq(A, B, cond=max(tol, np.finfo(np.float64).eps))
    return coef, X_mean, y_mean, int(rank), singular


def solve_positive(X, Y, weights, centre):
    """As `solve_dense`, for weights >= 0; each target has its own active set."""
    A, B, X_mean, y_mean = centred_copy(X, Y, weights, centre)
    lengths = column_lengths(A)
    R, QtB = triangle(A / lengths, B)  # positive scaling keeps the sign, and the problem small: (d, d) for any n
    coef = np.stack([optimize.nnls(R, target, maxiter=30 * len(R) + 30)[0] for target in QtB.T], axis=1)
    return coef / lengths[:, None], X_mean, y_mean


def solve_sparse(X, Y, weights, centre, tol):
    """As `solve_dense`, by products with X alone; from zero, LSQR ends at the solution of smallest norm."""
    from scipy.sparse.linalg import lsqr

    X_mean, y_mean = means(X, Y, weights, centre)
    A = CentredSparse(X, X_mean, weights)
    targets = A.root[:, None] * (Y - y_mean)
    coef = [lsqr(scipy_operator(A), target, atol=tol, btol=tol, iter_lim=10 * max(X.shape))[0] for target in targets.T]
    return np.stack(coef, axis=1), X_mean, y_mean


def triangle(A, B):
    """R (min(n, d), d) of A = Q R, and Q'B, without forming Q."""
    d = A.shape[1]
    R = linalg.qr(np.hstack([A, B]), mode="r", overwrite_a=True, check_finite=False)[0][: min(A.shape)]
    return R[:, :d], R[:, d:]


def column_lengths(A):
    lengths = np.linalg.norm(A, axis=0)
    if not np.isfinite(lengths).all():
        lengths = np.abs(A).max(axis=0)  # their squares overflow; any length of that size will do
    return np.where(lengths > 0, lengths, 1.0)


def means(X, Y, weights, centre):
    """Weighted means of X and Y, or zeros."""
    if not centre:
        return np.zeros(X.shape[1]), np.zeros(Y.shape[1])
    return column_means(X, weights), column_means(Y, weights)


def centred_copy(X, Y, weights, centre):
    """Centred and weighted X and Y in float64, and their means."""
    X_mean, y_mean = means(X, Y, weights, centre)
    A = centred_rows(X, X_mean, weights)
    total = X.shape[0] if weights is None else weights.sum()
    A[:, np.linalg.norm(A, axis=0) <= CONSTANT * np.sqrt(total) * np.abs(X_mean)] = 0.0  # rounding of a mean is no signal
    return A, centred_rows(Y, y_mean, weights), X_mean, y_mean
