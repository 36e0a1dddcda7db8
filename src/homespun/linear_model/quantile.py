"""Quantile regression: the line below which a given share of the targets lies, by the pinball loss and an l1 penalty.

    minimise over w, b    sum_i s_i p(y_i - x_i w - b) / sum_i s_i + alpha |w|_1         p(r) = q r if r > 0, else (q - 1) r

X: (n, d)   y: (n,)   w: (d,)   q: the quantile. A linear program. Koenker & Bassett 1978, Econometrica 46(1).
Its dual is a box:   maximise y'a   subject to Z'a = 0, -l_i <= a_i <= u_i   with Z = (X, 1), u_i = s_i q, l_i = s_i (1 - q); the
penalty is d more rows, e_j with the target 0 and u = l = alpha sum s. Interior points (Portnoy & Koenker 1997, Statistical
Science 12(4)): each step solves one weighted Gram matrix Z'DZ, and about 20 settle n rows of any number. At the end the d + 1
rows with the smallest residuals are fitted exactly: the optimum of a linear program is a corner, and that is the corner.
O(n d^2) a step. Above `LARGEST` columns SciPy's HiGHS.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg, optimize, sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.base import Boolean, DataError, Instance, OneOf, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_params
from homespun.linear_model.base import FLOATS, LinearModel, largest
from homespun.linear_model.logistic.gram import weighted_gram

LARGEST = 500    # columns up to which a Gram matrix is formed
STEPS = 100
CLOSE = 1e-11    # gap between primal and dual, relative to the loss, at which they count as one
NOTHING = 1e-13  # the same relative to the largest target, where all rows lie on the line
BACK = 0.99995   # of the way to the wall of the box


class QuantileRegressor(RegressorMixin, LinearModel, Estimator):
    """Linear regression that predicts quantiles.

    Parameters
    ----------
    quantile : float in (0, 1), default 0.5
    alpha : float, default 1.0
        Strength of the l1 penalty, against the *mean* loss.
    fit_intercept : bool, default True
    solver : {"highs", "highs-ds", "highs-ipm", "interior-point", "revised simplex"}
        Accepted; the algorithm is chosen by the problem.
    solver_options : dict or None
        Accepted.

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  n_iter_ : int

    Examples
    --------
    >>> from homespun.linear_model import QuantileRegressor
    >>> QuantileRegressor(quantile=0.7, alpha=0).fit(np.zeros((5, 1)), [1.0, 2.0, 3.0, 10.0, 100.0]).predict([[0.0]]).tolist()
    [10.0]
    """

    params = {
        "quantile": Real(low=0, high=1, open="both"),
        "alpha": Real(low=0),
        "fit_intercept": Boolean(),
        "solver": OneOf("highs", "highs-ds", "highs-ipm", "interior-point", "revised simplex"),
        "solver_options": Instance(dict, noun="a dict") | None,
    }

    def __init__(self, *, quantile=0.5, alpha=1.0, fit_intercept=True, solver="highs", solver_options=None):
        self.quantile = quantile
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.solver_options = solver_options

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If the primal and the dual program did not meet.
        """
        check_params(self)
        X, y = self.validate(X, y, accept_sparse=("csc", "csr", "coo"), y_numeric=True, dtype=FLOATS)
        weights = self.validate_weights(sample_weight, X)
        total, kept = weights.sum(), weights > 0
        dense = (X.toarray() if sparse.issparse(X) else X)[kept]
        y, weights, d = np.asarray(y, dtype=np.float64)[kept], weights[kept], X.shape[1]
        if max(largest(dense), largest(y)) > 1e100:
            raise DataError("QuantileRegressor.fit: numbers above 1e100: divide X or y by its largest",
                            operation="QuantileRegressor.fit", operands={"X": X.shape}, rule="numbers below 1e100")
        alpha = float(self.alpha) * total
        upper, lower = weights * self.quantile, weights * (1.0 - self.quantile)
        if d <= LARGEST:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite is seen
                found, self.n_iter_, gap = interior(np.ascontiguousarray(dense, dtype=np.float64), y, upper, lower, alpha,
                                                    self.fit_intercept)
        else:
            found, self.n_iter_, gap = by_highs(dense, y, upper, lower, alpha, self.fit_intercept)
        if not gap <= 1e-6:
            warnings.warn("Linear programming for QuantileRegressor did not succeed: primal and dual are apart by "
                          f"{gap:.1e} of the loss. Scale the columns.", ConvergenceWarning, stacklevel=2)
        self.coef_ = found[:d].astype(X.dtype)
        self.intercept_ = X.dtype.type(found[d]) if self.fit_intercept else 0.0
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Rows:
    """Z: the data with a column of ones, and below it alpha-rows e_j. In units in which columns and y are of size one."""

    def __init__(self, X, alpha, fit_intercept):
        self.X, self.penalised, self.fit_intercept = X, alpha > 0, fit_intercept
        self.n, self.d = X.shape

    def times(self, v):
        z = self.X @ v[:-1] + v[-1] * self.fit_intercept
        return np.concatenate([z, v[:-1]]) if self.penalised else z

    def transposed(self, a):
        part = a[: self.n]
        out = np.append(part @ self.X, part.sum() * self.fit_intercept)
        if self.penalised:
            out[:-1] += a[self.n :]
        return out

    def gram(self, u):
        G = weighted_gram(self.X, u[: self.n])
        if self.penalised:
            G[range(self.d), range(self.d)] += u[self.n :]
        if not self.fit_intercept:
            G[-1] = G[:, -1] = 0.0
            G[-1, -1] = 1.0
        return G


def interior(X, y, upper, lower, alpha, fit_intercept):
    """Weights and intercept (d + 1,), steps, and the relative gap between primal and dual."""
    size = np.maximum(np.abs(X).max(axis=0, initial=0.0), 1e-300)
    middle = float(np.median(y)) if fit_intercept else 0.0
    scale = max(float(np.abs(y - middle).max()), 1e-300)
    X, y = X / size, (y - middle) / scale
    Z = Rows(X, alpha, fit_intercept)
    c, u, l = y, upper, lower
    if alpha > 0:  # e_j in the unit of its column: alpha |w_j| = (alpha scale / size_j) |w_j size_j / scale|
        c = np.append(y, np.zeros(Z.d))
        u, l = np.append(upper, alpha / size), np.append(lower, alpha / size)
    # The dual as a program in a standard box: t = a + l in [0, u + l], of which Z't = Z'l; s its distance to the other wall.
    box, target = u + l, Z.transposed(l)
    t = l.copy()
    s = box - t
    v = solve_gram(Z.gram(np.ones(len(c))), Z.transposed(c))
    r = c - Z.times(v)
    start = max(1e-3, float(np.abs(r).mean()))
    up, down = np.maximum(r, 0.0) + start, np.maximum(-r, 0.0) + start  # r = up - down, both > 0
    best, taken = v, 0
    for step in range(1, STEPS + 1):
        taken = step
        gap = float(up @ s + down @ t)
        if gap <= CLOSE * float(up @ u + down @ l) + NOTHING * float(box.sum()):
            break
        # Newton's step on the optimality conditions: r = c - Zv, up s = mu, down t = mu; predictor, then Mehrotra's corrector.
        D = 1.0 / (up / s + down / t)
        missing = c - Z.times(v) - up + down
        short = target - Z.transposed(t)
        G = Z.gram(D)

        def direction(mu_up, mu_down, G=G, D=D, missing=missing, short=short, up=up, down=down, s=s, t=t):
            push = missing - (mu_up / s - up) + (mu_down / t - down)
            dv = solve_gram(G, Z.transposed(D * push) - short)
            dt = D * (push - Z.times(dv))
            return dv, dt, mu_up / s - up + up / s * dt, mu_down / t - down - down / t * dt

        zero = np.zeros(len(c))
        _, dt, d_up, d_down = direction(zero, zero)
        along, beside = reach(t, dt, s, -dt), reach(up, d_up, down, d_down)
        ahead = float((up + beside * d_up) @ (s - along * dt) + (down + beside * d_down) @ (t + along * dt))
        mu = gap / (2 * len(c)) * (max(ahead, 0.0) / gap) ** 3
        dv, dt, d_up, d_down = direction(mu + d_up * dt, mu - d_down * dt)
        along, beside = BACK * reach(t, dt, s, -dt), BACK * reach(up, d_up, down, d_down)
        t, s = t + min(1.0, along) * dt, s - min(1.0, along) * dt
        v, up, down = v + min(1.0, beside) * dv, up + min(1.0, beside) * d_up, down + min(1.0, beside) * d_down
        if not (np.isfinite(v).all() and t.min() > 0 and s.min() > 0):
            v = best
            break
        best = v
    v = corner(Z, c, u, l, v)
    loss = pinball(Z, c, u, l, v)
    bound = float(c @ (t - l))
    found = np.append(v[:-1] * scale / size, v[-1] * scale + middle)
    return found, taken, max(0.0, loss - bound) / max(loss, 1e-6 * float(u.sum()), 1e-300)


def solve_gram(G, right):
    """``G^-1 right`` for a positive semidefinite G, scaled to a unit diagonal."""
    diagonal = G.diagonal()
    unit = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = G * unit * unit[:, None]
    for ridge in (1e-14, 1e-11, 1e-8, 1e-5):
        try:
            return linalg.cho_solve(linalg.cho_factor(scaled + ridge * np.eye(len(G)), check_finite=False), right * unit,
                                    check_finite=False) * unit
        except linalg.LinAlgError:
            continue
    return np.full_like(right, np.nan)


def reach(*pairs):
    """How far all of x + step dx stay positive; at most 1e10."""
    far = 1e10
    for x, dx in zip(pairs[::2], pairs[1::2]):
        falls = dx < 0
        if falls.any():
            far = min(far, float((x[falls] / -dx[falls]).min()))
    return far


def pinball(Z, c, u, l, v):
    r = c - Z.times(v)
    return float(u @ np.maximum(r, 0.0) + l @ np.maximum(-r, 0.0))


def corner(Z, c, u, l, v):
    """The corner beside v: rows of the smallest residuals that determine all weights, fitted exactly; v if that is no better."""
    r = np.abs(c - Z.times(v))
    width = Z.d + Z.fit_intercept
    near = np.argsort(r, kind="stable")[: min(len(r), 3 * width + 5)]
    rows = np.zeros((len(near), Z.d + 1))
    data = near < Z.n
    rows[data, :-1], rows[data, -1] = Z.X[near[data]], Z.fit_intercept
    rows[~data, near[~data] - Z.n] = 1.0
    chosen: list[int] = []
    basis = np.zeros((0, Z.d + 1))
    for k in range(len(near)):  # in the order of their residuals, those that are independent
        left = rows[k] - (rows[k] @ basis.T) @ basis
        left -= (left @ basis.T) @ basis
        length = np.linalg.norm(left)
        if length > 1e-9 * max(1.0, float(np.linalg.norm(rows[k]))):
            basis = np.vstack([basis, left / length])
            chosen.append(k)
        if len(chosen) == width:
            break
    if not chosen:
        return v
    exact = linalg.lstsq(rows[chosen], c[near[chosen]], check_finite=False)[0]  # of columns that depend on each other: shortest
    exact[np.append(near[chosen][near[chosen] >= Z.n] - Z.n, []).astype(int)] = 0.0
    return exact if pinball(Z, c, u, l, exact) <= pinball(Z, c, u, l, v) * (1 + 1e-12) + 1e-300 else v


def by_highs(X, y, upper, lower, alpha, fit_intercept):
    """As `interior`, by SciPy: many columns make a Gram matrix too dear."""
    n, d = X.shape
    ones = np.full((n, 1), float(fit_intercept))
    A = sparse.hstack([sparse.csc_array(np.hstack([X, ones])), -sparse.csc_array(np.hstack([X, ones])), sparse.eye_array(n),
                       -sparse.eye_array(n)], format="csc")
    price = np.append(np.full(d, alpha), 0.0)
    found = optimize.linprog(np.concatenate([price, price, upper, lower]), A_eq=A, b_eq=y, method="highs")
    if not found.success:
        return np.zeros(d + 1), int(found.nit), np.inf
    return found.x[: d + 1] - found.x[d + 1 : 2 * d + 2], int(found.nit), 0.0
