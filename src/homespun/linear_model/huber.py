"""Huber regression: least squares for small residuals, absolute ones for large, and the scale that divides them is learned.

    minimise over w, b, t > 0    sum_i s_i (t + H(r_i / t) t) + alpha ||w||^2        r_i = y_i - x_i w - b
    H(z) = z^2 if |z| <= epsilon, else 2 epsilon |z| - epsilon^2

X: (n, d)   y: (n,)   w: (d,)   t: the scale. Jointly convex. Huber & Ronchetti 2009, Robust Statistics, sections 7.7 and 7.8.
From least squares, Newton's method on (w, b, t): with the rows inside |r| <= epsilon t kept, the objective is smooth, and its
Hessian one Gram matrix of those rows; a few steps settle who is inside. Where that leads nowhere (the Hessian has no part along
residuals that are linear in x), a step of reweighted least squares.  O(n d^2) a step; above `LARGEST` columns L-BFGS, O(n d).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg, optimize, sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.base import Boolean, DataError, Integer, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_params
from homespun.linear_model.base import FLOATS, LinearModel, largest
from homespun.linear_model.dense_products import combined_rows
from homespun.linear_model.logistic.gram import weighted_gram

LARGEST = 1000  # columns up to which a Hessian is formed
SMALLEST_SCALE = 10 * np.finfo(np.float64).eps
SMALLEST_SHARE = 1e-6  # of the spread of y that the scale may have: below, where weights fit all rows, there is only rounding


class HuberRegressor(RegressorMixin, LinearModel, Estimator):
    """Linear regression that outliers do not pull far.

    Parameters
    ----------
    epsilon : float, default 1.35
        Residuals above `epsilon` scales count as outliers, >= 1. 1.35: 95 % as exact as least squares where all is normal.
    max_iter : int, default 100
    alpha : float, default 0.0001
        Strength of the l2 penalty, against the *sum* over rows.
    warm_start : bool;  fit_intercept : bool
    tol : float, default 1e-5
        Largest entry of the gradient, relative to the sum of weights, at which the optimum counts as found.

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  scale_ : float
    outliers_ : bool ndarray (n,)
        Training rows with residuals above ``epsilon * scale_``.
    n_iter_ : int

    Examples
    --------
    >>> from homespun.linear_model import HuberRegressor
    >>> X = np.arange(10.0)[:, None]
    >>> y = X[:, 0] + np.where(X[:, 0] == 9, 100.0, 0.1 * (-1) ** X[:, 0])
    >>> HuberRegressor().fit(X, y).coef_.round(2).tolist()
    [1.01]
    """

    params = {
        "epsilon": Real(low=1),
        "max_iter": Integer(low=0),
        "alpha": Real(low=0),
        "warm_start": Boolean(),
        "fit_intercept": Boolean(),
        "tol": Real(low=0),
    }

    scale_: float

    def __init__(self, *, epsilon=1.35, max_iter=100, alpha=0.0001, warm_start=False, fit_intercept=True, tol=1e-05):
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.alpha = alpha
        self.warm_start = warm_start
        self.fit_intercept = fit_intercept
        self.tol = tol

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        check_params(self)
        X, y = self.validate(X, y, accept_sparse="csr", dtype=FLOATS, order="C", y_numeric=True)
        weights = self.validate_weights(sample_weight, X)
        y = np.asarray(y, dtype=np.float64)
        d = X.shape[1]
        problem = HuberLoss(X, y, weights, float(self.epsilon), float(self.alpha), self.fit_intercept)
        with np.errstate(over="ignore", invalid="ignore"):
            basis = None
            if d <= LARGEST:
                basis, start = least_squares_start(problem)
                if basis is not None:
                    problem = problem.within(basis)
            else:
                start = np.zeros(d + 2)
                start[-1] = max(problem.floor, 1.0)
            if self.warm_start and hasattr(self, "coef_"):
                coef = self.coef_ if basis is None else basis.T @ self.coef_
                problem.warm = True
                start = np.concatenate([coef, [self.intercept_, max(self.scale_, problem.floor)]])
            solve = newton if d <= LARGEST else quasi_newton
            found, self.n_iter_, converged = solve(problem, start, self.tol, self.max_iter)
        residual = problem.residual(found)
        if basis is not None:
            found = np.concatenate([basis @ found[:-2], found[-2:]])
        if not np.isfinite(found).all():
            raise DataError(f"HuberRegressor.fit: the weights are not finite: the largest number in X is {largest(X):.3g}",
                            operation="HuberRegressor.fit", operands={"X": X.shape}, rule="squares below 1.8e308")
        if not converged:
            warnings.warn(f"HuberRegressor: lbfgs failed to converge after {self.n_iter_} iteration(s): the optimum was not "
                          f"reached in max_iter={self.max_iter}. Scale the columns, or raise max_iter or tol.",
                          ConvergenceWarning, stacklevel=2)
        self.coef_, self.scale_ = found[:d], float(found[-1])
        self.intercept_ = float(found[d]) if self.fit_intercept else 0.0
        self.outliers_ = np.abs(residual) > self.scale_ * self.epsilon
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class HuberLoss:
    """Value, gradient and Hessian at v = (w, b, t)."""

    warm = False  # whether the start is the optimum of an earlier fit

    def __init__(self, X, y, weights, epsilon, alpha, fit_intercept):
        self.X, self.y, self.weights, self.epsilon, self.alpha, self.fit_intercept = X, y, weights, epsilon, alpha, fit_intercept
        self.total = float(weights.sum())
        mean = float(weights @ y) / self.total
        self.floor = max(SMALLEST_SCALE, SMALLEST_SHARE * float(np.sqrt(weights @ (y - mean) ** 2 / self.total)))

    def within(self, basis):
        """The same problem for weights ``basis @ u``, d fewer unknowns."""
        return HuberLoss(np.ascontiguousarray(self.X @ basis), self.y, self.weights, self.epsilon, self.alpha, self.fit_intercept)

    def residual(self, v):
        return self.y - (self.X @ v[:-2] + v[-2])

    def evaluate(self, v):
        r, t = self.residual(v), v[-1]
        inside = np.abs(r) <= self.epsilon * t
        s_in, s_out = self.weights * inside, self.weights * ~inside
        squares, out = float(s_in @ (r * r)), float(s_out.sum())
        w = v[:-2]
        value = (self.total * t + squares / t + 2.0 * self.epsilon * float(s_out @ np.abs(r)) - t * self.epsilon**2 * out
                 + self.alpha * (w @ w))
        pull = 2.0 / t * s_in * r + 2.0 * self.epsilon * s_out * np.sign(r)  # minus the derivative by the prediction
        gradient = np.empty_like(v)
        gradient[:-2] = 2.0 * self.alpha * w - self.along(pull)
        gradient[-2] = -pull.sum() if self.fit_intercept else 0.0
        gradient[-1] = self.total - self.epsilon**2 * out - squares / t**2
        self.state = r, s_in, t
        return value, gradient

    def along(self, r):
        return self.X.T @ r if sparse.issparse(self.X) else combined_rows(self.X, r)

    def hessian(self):
        """Of the point that `evaluate` saw last; the scale's row is that of the rows inside."""
        r, s_in, t = self.state
        d = self.X.shape[1]
        H = np.zeros((d + 2, d + 2))
        if sparse.issparse(self.X):
            weighted = sparse.diags_array(2.0 / t * s_in) @ self.X
            H[:d, :d] = (self.X.T @ weighted).toarray()
            H[d, :d] = H[:d, d] = np.asarray(weighted.sum(axis=0)).ravel()
            H[d, d] = 2.0 / t * s_in.sum()
        else:
            H[: d + 1, : d + 1] = weighted_gram(self.X, 2.0 / t * s_in)
        cross = 2.0 / t**2 * s_in * r
        H[-1, :d] = H[:d, -1] = self.along(cross)
        H[-1, d] = H[d, -1] = cross.sum()
        H[-1, -1] = 2.0 / t**3 * float(s_in @ (r * r))
        H[range(d), range(d)] += 2.0 * self.alpha
        if not self.fit_intercept:
            H[d] = H[:, d] = 0.0
            H[d, d] = 1.0
        return H


def least_squares_start(loss):
    """Where to begin, (w, b, t): least squares and the size of its residuals. Also a basis of the directions in which X has rows,
    (d, k), if there are fewer than d: the best weights have no part in the others, and there the Hessian is all but zero."""
    loss.state = loss.y, loss.weights, 2.0  # as if all were inside: the Gram matrix
    H = loss.hessian()[:-1, :-1]
    pull = loss.weights * loss.y
    right = np.append(loss.along(pull), pull.sum() if loss.fit_intercept else 0.0)
    spectrum, V = linalg.eigh(H[:-1, :-1], check_finite=False)
    spectrum = spectrum - 2.0 * loss.alpha
    seen, basis = spectrum > 1e-10 * spectrum[-1], None
    if not seen.all():
        basis = V[:, seen]
        across = linalg.block_diag(basis, np.ones((1, 1)))
        H, right = across.T @ H @ across, across.T @ right
    H.flat[:: len(H) + 1] += 1e-12 * H.diagonal().max() + np.finfo(np.float64).tiny
    start = np.append(linalg.lstsq(H, right, check_finite=False)[0], 1.0)
    residual = (loss if basis is None else loss.within(basis)).residual(start)
    start[-1] = max(loss.floor, float(np.sqrt(loss.weights @ residual**2 / loss.total)))
    return basis, start


def newton(loss, v, tol, max_iter):
    """The minimum from v: (v, steps, converged). Newton's step where it pays; else, far away, a reweighted one, which always
    does. The scale stays at its floor as long as the objective falls towards it."""
    value, gradient = loss.evaluate(v)
    small = 9 * loss.warm  # an earlier optimum that is good enough stays
    for step in range(max_iter):
        held = v[-1] <= loss.floor and gradient[-1] > 0
        if held:
            gradient[-1] = 0.0
        steep = np.abs(gradient).max()
        small = small + 1 if steep <= tol * loss.total else 0
        if small > 8 or (small > 1 and steep <= 1e-6 * tol * loss.total):  # Newton's last steps double the digits each
            return v, step, True
        H = loss.hessian()
        if held:
            H[-1] = H[:, -1] = 0.0
            H[-1, -1] = 1.0
        direction, length = newton_direction(H, gradient), 1.0
        for _ in range(4):
            trial = v + length * direction
            trial[-1] = max(trial[-1], 0.1 * v[-1], loss.floor)
            new_value, new_gradient = loss.evaluate(trial)
            if new_value <= value + 1e-4 * length * float(gradient @ direction):
                break
            length *= 0.25
        else:
            trial = reweighted(loss, v)
            new_value, new_gradient = loss.evaluate(trial)
            if not new_value < value:  # nothing is lower in float64: as good as it gets
                return v, step, bool(np.abs(gradient).max() <= 1e-3 * loss.total)
        v, value, gradient = trial, new_value, new_gradient
    gradient[-1] *= not (v[-1] <= loss.floor and gradient[-1] > 0)
    return v, max_iter, bool(max_iter and np.abs(gradient).max() <= tol * loss.total)


def newton_direction(H, gradient):
    """``-H^-1 gradient``, by Cholesky on H scaled to a unit diagonal; with a ridge where few rows are inside."""
    diagonal = np.sqrt(np.maximum(H.diagonal(), 1e-12 * max(H.diagonal().max(), 1e-300)))
    scaled = H / diagonal / diagonal[:, None]
    for ridge in (1e-13, 1e-10, 1e-7, 1e-4, 1.0):
        try:
            factor = linalg.cho_factor(scaled + ridge * np.eye(len(H)), check_finite=False)
            return -linalg.cho_solve(factor, gradient / diagonal, check_finite=False) / diagonal
        except linalg.LinAlgError:
            continue
    return np.full_like(gradient, np.nan)


def reweighted(loss, v):
    """Least squares with weights min(1, epsilon t / |r|), whose objective lies above Huber's and touches it at v; then t."""
    r, t = loss.residual(v), v[-1]
    u = loss.weights * np.minimum(1.0, loss.epsilon * t / np.maximum(np.abs(r), 1e-300))
    loss.state = loss.y, u, t
    H = loss.hessian()[:-1, :-1]
    right = np.append(loss.along(u * loss.y), (u * loss.y).sum() if loss.fit_intercept else 0.0) * 2.0 / t
    trial = v.copy()
    trial[:-1] += newton_direction(H, H @ v[:-1] - right)
    r = np.abs(loss.residual(trial))
    for _ in range(20):
        inside = r <= loss.epsilon * t
        room = loss.total - loss.epsilon**2 * float(loss.weights @ ~inside)
        new = np.sqrt(float((loss.weights * inside) @ r**2) / room) if room > 0 else 2.0 * t
        if abs(new - t) <= 1e-3 * t:
            break
        t = max(new, 0.1 * t, loss.floor)
    best = trial.copy()
    best[-1] = t
    return best if loss.evaluate(best)[0] <= loss.evaluate(trial)[0] else trial


def quasi_newton(loss, v, tol, max_iter):
    """As `newton`, by SciPy's L-BFGS-B with the bound t > 0."""
    bounds = [(None, None)] * (len(v) - 1) + [(loss.floor, None)]
    found = optimize.minimize(loss.evaluate, v, jac=True, method="L-BFGS-B", bounds=bounds,
                              options={"maxiter": max(1, 10 * max_iter), "gtol": tol, "ftol": 1e-15})
    return found.x, int(found.nit), found.status != 1
