"""Generalized linear models: Poisson, gamma and Tweedie regression, for counts, waiting times and amounts.

    minimise over w, b    sum_i s_i d(y_i, m_i) / (2 sum_i s_i) + alpha/2 ||w||^2       m_i = exp(x_i w + b), or x_i w + b
    d of power p:  p = 0  (y - m)^2     p = 1  2 (y log(y/m) - y + m)     p = 2  2 (log(m/y) + y/m - 1)
                   else   2 (max(y, 0)^(2-p) / ((1-p)(2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p))

X: (n, d)   y: (n,)   w: (d,)   m: (n,) means. d is the unit deviance of a distribution whose variance is m^p: normal, Poisson,
gamma, inverse Gaussian (3), and between 1 and 2 a Poisson number of gamma amounts, with a share of exact zeros.
Derivatives by z = x w + b: with the log link half of it is m^(2-p) - y m^(1-p), and the expected curvature m^(2-p).
McCullagh & Nelder 1989; Joergensen 1987, JRSS B 49(2). Solved as logistic regression is: Newton with one weighted Gram matrix
(`logistic/smooth.py`). O(n d^2) a step, of which there are about six.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_tweedie_score

from homespun.base import Boolean, DataError, Integer, OneOf, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_is_fitted, check_params
from homespun.kernels import over_blocks
from homespun.linear_model.base import FLOATS, linear_decision
from homespun.linear_model.dense_products import combined_rows
from homespun.linear_model.logistic.loss import LogisticLoss
from homespun.linear_model.logistic.passes import sparse_times
from homespun.linear_model.logistic.smooth import SquaresTooLarge, minimise_smooth

LARGEST_EXPONENT = 300.0  # means are kept below e^300: their squares fit into float64, and no optimum is there
PART = 1 << 15  # entries of a block of rows


class Deviance(LogisticLoss):
    """The objective, as `minimise_smooth` asks for it: value, gradient and curvature at W = (w, b), shape (1, d + 1).

    The value is larger by 1: a deviance that ends at zero is a difference of numbers near 1, whose rounding would look large.
    """

    def __init__(self, X, y, weight, power, log_link, alpha, fit_intercept):
        d = X.shape[1]
        super().__init__(X, np.zeros(0, dtype=np.int64), weight, 2, np.append(np.full(d, float(alpha)), 0.0), fit_intercept)
        self.y, self.power, self.log_link = y, power, log_link

    def evaluate(self, W):
        z = self.margins(W)
        value, slope, self.curve = half_deviance(self.y, z, self.power, self.log_link)
        slope = slope * self.weight
        gradient = np.empty_like(W)
        if self.is_sparse:
            gradient[0, :-1] = sparse_times(self.columns, np.append(slope, 0.0)[None]).ravel()
        else:
            gradient[0, :-1] = combined_rows(self.X, slope)
        gradient[0, -1] = slope.sum() if self.fit_intercept else 0.0
        gradient += self.l2 * W
        if not self.fit_intercept:
            gradient[0, -1] = 0.0
        return 1.0 + float(self.weight @ value) + 0.5 * float((self.l2 * W * W).sum()), gradient

    def margins(self, W):
        if self.is_sparse:
            return sparse_times(self.X, W).ravel()
        out = np.empty(self.X.shape[0])
        rows = max(1, PART // max(1, self.X.shape[1]))
        over_blocks(margins_of_block, -(-len(out) // rows), self.X, W[0], rows, out)
        return out

    def curvature(self, k, l):
        return self.weight * self.curve

    def shared_curvature(self):
        return self.weight * self.curve

    def hessian_times(self, V):
        along = sparse_times(self.X, V).ravel() * self.weight * self.curve
        out = self.l2 * V
        out[0, :-1] += sparse_times(self.columns, np.append(along, 0.0)[None]).ravel()
        out[0, -1] += along.sum()
        if not self.fit_intercept:
            out[0, -1] = 0.0
        return out


def margins_of_block(block, X, w, rows, out):
    """OUT out = X w + b for one block of rows."""
    part = slice(block * rows, (block + 1) * rows)
    np.einsum("ij,j->i", X[part], w[:-1], out=out[part])
    out[part] += w[-1]


def half_deviance(y, z, power, log_link):
    """Half the unit deviance at z, its derivative, and its expected curvature, each (n,)."""
    if log_link:
        z = np.minimum(z, LARGEST_EXPONENT)
        m = np.exp(z)
        if power == 1:
            return m - y * z + (xlogy(y, y) - y), m - y, m
        if power == 2:
            ratio = y / m
            return ratio + z - np.log(y) - 1.0, 1.0 - ratio, np.maximum(ratio, 1e-10)
        first, second = np.exp((2.0 - power) * z), y * np.exp((1.0 - power) * z)
        return 0.5 * unit_deviance(y, m, power), first - second, first
    if power == 0:
        return 0.5 * (y - z) ** 2, z - y, np.ones_like(z)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = z > 0  # a mean that is not possible has an infinite deviance: the line search steps back
        m = np.where(inside, z, 1.0)
        return np.where(inside, 0.5 * unit_deviance(y, m, power), np.inf), (m - y) * m**-power, m**-power


def unit_deviance(y, m, power):
    """d(y, m) of the module's header.

    >>> unit_deviance(np.array([0.0, 2.0]), np.array([1.0, 1.0]), 1).round(4).tolist()
    [2.0, 0.7726]
    """
    if power == 0:
        return (y - m) ** 2
    if power == 1:
        return 2.0 * (xlogy(y, y / m) - y + m)
    if power == 2:
        return 2.0 * (np.log(m / y) + y / m - 1.0)
    return 2.0 * (np.maximum(y, 0.0) ** (2.0 - power) / ((1.0 - power) * (2.0 - power)) - y * m ** (1.0 - power) / (1.0 - power)
                  + m ** (2.0 - power) / (2.0 - power))


class GeneralizedLinear(RegressorMixin, Estimator):
    """What the three share; `power` and `link` are parameters of one of them only."""

    params = {
        "alpha": Real(low=0),
        "fit_intercept": Boolean(),
        "solver": OneOf("lbfgs", "newton-cholesky"),
        "max_iter": Integer(low=1),
        "tol": Real(low=0, open="low"),
        "warm_start": Boolean(),
        "verbose": Integer(low=0) | Boolean(),
    }
    power: Any = 0.0
    link = "auto"
    alpha: float
    fit_intercept: bool
    warm_start: bool
    tol: float
    max_iter: int
    verbose: Any
    coef_: Any
    intercept_: Any

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError
            Also where y holds what the distribution cannot: a negative count, an amount of zero.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        check_params(self)
        name = type(self).__name__
        X, y = self.validate(X, y, accept_sparse="csr", dtype=FLOATS, order="C", y_numeric=True)
        weight = self.validate_weights(sample_weight, X)
        y = np.asarray(y, dtype=np.float64)
        if not in_range(y, self.power):
            raise DataError(f"{name}.fit: Some value(s) of y are out of the valid range of the loss, {RANGE(self.power)}; the "
                            f"smallest is {y.min():g}", operation=f"{name}.fit", operands={"y": y.shape, "power": self.power},
                            rule=RANGE(self.power))
        total, log_link = weight.sum(), self._log_link()
        W = np.zeros((1, X.shape[1] + 1))
        if self.warm_start and hasattr(self, "coef_"):
            W[0, :-1], W[0, -1] = self.coef_, self.intercept_
        elif self.fit_intercept:
            mean = float(weight @ y) / total
            W[0, -1] = np.log(max(mean, 1e-10)) if log_link else mean
        elif not log_link and self.power > 0:  # zero is no mean: begin where all are possible
            raise DataError(f"{name}.fit: link='identity' with power={self.power} needs an intercept, to begin at a mean above 0",
                            operation=f"{name}.fit", operands={"fit_intercept": False}, rule="fit_intercept=True or link='log'")
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                loss = Deviance(X, y, weight / total, float(self.power), log_link, float(self.alpha), self.fit_intercept)
                W, self.n_iter_, converged = minimise_smooth(loss, W, self.tol, self.max_iter)
        except SquaresTooLarge:
            raise DataError(f"{name}.fit: the largest number in X is {abs(X).max():.3g}: its square, times a mean, is infinite",
                            operation=f"{name}.fit", operands={"X": X.shape}, rule="columns of a moderate size",
                            suggestion="homespun.preprocessing.StandardScaler") from None
        if not converged:
            warnings.warn(f"{name}: lbfgs failed to converge after {self.n_iter_} iteration(s): the optimum was not reached in "
                          f"max_iter={self.max_iter}. Scale the columns, or raise max_iter or tol.", ConvergenceWarning,
                          stacklevel=2)
        if self.verbose:
            print(f"{name}: {self.n_iter_} iterations, {'converged' if converged else 'not converged'}")
        self.coef_ = W[0, :-1].astype(X.dtype)
        self.intercept_ = X.dtype.type(W[0, -1]) if self.fit_intercept else 0.0
        return self

    def _log_link(self):
        return self.power > 0 if self.link == "auto" else self.link == "log"

    def predict(self, X):
        """The expected value of y for each row, (n,)."""
        check_is_fitted(self)
        z = linear_decision(self, X, "predict")
        return np.exp(z) if self._log_link() else z

    def score(self, X, y, sample_weight=None):
        """D^2, the share of the deviance that is explained: 1 - deviance / deviance of the mean; R^2 where `power` is 0."""
        predicted = self.predict(X)
        y = np.asarray(y, dtype=np.float64).ravel()
        if not in_range(y, self.power):
            raise DataError(f"{type(self).__name__}.score: Some value(s) of y are out of the valid range of the loss, "
                            f"{RANGE(self.power)}", operation=f"{type(self).__name__}.score", operands={"y": y.shape},
                            rule=RANGE(self.power))
        return d2_tweedie_score(y, predicted, sample_weight=sample_weight, power=self.power)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.positive_only = self.power > 0
        return tags


def in_range(y, power):
    return bool(power <= 0 or (y.min() > 0 if power >= 2 else y.min() >= 0))


def RANGE(power):
    return "y > 0" if power >= 2 else "y >= 0"


class PoissonRegressor(GeneralizedLinear):
    """Poisson regression: counts whose logarithm of the mean is linear.

    Parameters
    ----------
    alpha : float, default 1.0
        Strength of the l2 penalty, against the *mean* half deviance.
    fit_intercept : bool, default True
    solver : {"lbfgs", "newton-cholesky"}
        Accepted; the algorithm is chosen by the problem, and both names have one optimum.
    max_iter : int, default 100
    tol : float, default 1e-4
        Largest entry of the gradient at which the optimum counts as found.
    warm_start : bool;  verbose : int

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  n_iter_ : int

    Examples
    --------
    >>> from homespun.linear_model import PoissonRegressor
    >>> PoissonRegressor(alpha=0.0, tol=1e-8).fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 4.0]).predict([[3.0]]).round(4).tolist()
    [8.0]
    """

    power = 1

    def __init__(self, *, alpha=1.0, fit_intercept=True, solver="lbfgs", max_iter=100, tol=1e-4, warm_start=False, verbose=0):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose


class GammaRegressor(GeneralizedLinear):
    """Gamma regression: positive amounts whose spread grows with their mean. Parameters and attributes as `PoissonRegressor`.

    Examples
    --------
    >>> from homespun.linear_model import GammaRegressor
    >>> GammaRegressor(alpha=0.0, tol=1e-8).fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 4.0]).predict([[3.0]]).round(4).tolist()
    [8.0]
    """

    power = 2

    def __init__(self, *, alpha=1.0, fit_intercept=True, solver="lbfgs", max_iter=100, tol=1e-4, warm_start=False, verbose=0):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose


class TweedieRegressor(GeneralizedLinear):
    """Regression with a variance that is a power of the mean.

    Parameters
    ----------
    power : float, default 0
        0 normal, 1 Poisson, between 1 and 2 amounts with exact zeros, 2 gamma, 3 inverse Gaussian. None between 0 and 1.
    link : {"auto", "identity", "log"}
        What is linear: the mean or its logarithm. "auto": the mean for power <= 0.
    others : as those of `PoissonRegressor`

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  n_iter_ : int

    Examples
    --------
    >>> from homespun.linear_model import TweedieRegressor
    >>> TweedieRegressor(power=1.5, alpha=0.0, tol=1e-8).fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 4.0]).coef_.round(4).tolist()
    [0.6931]
    """

    params = {
        "power": Real(high=0) | Real(low=1), "link": OneOf("auto", "identity", "log"), **GeneralizedLinear.params,
    }

    def __init__(self, *, power=0.0, alpha=1.0, fit_intercept=True, link="auto", solver="lbfgs", max_iter=100, tol=1e-4,
                 warm_start=False, verbose=0):
        self.power = power
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.link = link
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose
