"""Bayesian linear regression: the strength of the noise and of the penalty are learned from the data, and errors come with it.

    y = X w + b + noise      noise ~ N(0, 1/alpha)     w_j ~ N(0, 1/lambda_j)      X: (n, d) centred   y: (n,)   w: (d,)
    posterior   S = (alpha X'X + diag(lambda))^-1      w = alpha S X'y             S: (d, d)
    evidence    gamma_j = 1 - lambda_j S_jj   lambda_j = (gamma_j + 2 lambda_1) / (w_j^2 + 2 lambda_2)
                alpha = (n - sum gamma + 2 alpha_1) / (||y - X w||^2 + 2 alpha_2)            repeated until w stands still

`BayesianRidge` has one lambda for all weights (MacKay 1992), `ARDRegression` one for each: weights without evidence get an
infinite one and leave (Tipping 2001, JMLR 1). Both see the data only as X'X and X'y, formed once: then a step of the first costs
O(d) in the basis where X'X is diagonal, a step of the second O(k^3) for k columns that are left. Wide X: n^3 in place of d^3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from homespun.base import Boolean, Integer, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_params
from homespun.linear_model.base import FLOATS, LinearModel, as_targets, finite_sums
from homespun.linear_model.least_squares import centred_copy
from homespun.linear_model.moments import moments

PRIORS = {name: Real(low=0) for name in ("alpha_1", "alpha_2", "lambda_1", "lambda_2")}
COMMON = {"max_iter": Integer(low=1), "tol": Real(low=0), **PRIORS, "compute_score": Boolean(), "fit_intercept": Boolean(),
          "copy_X": Boolean(), "verbose": Boolean() | Integer(low=0)}
CANCELLED = 1e-6  # share of ||y||^2 below which the residual is computed from X: as a difference of sums its digits are gone


class Evidence(RegressorMixin, LinearModel, Estimator):
    """What both share: the sums that they see, and predictions with errors."""

    fit_intercept: bool
    compute_score: bool
    coef_: Any
    alpha_: Any
    sigma_: Any
    X_offset_: Any

    def _sums(self, X, y, weights):
        """X'X, X'y of centred data, the variance of y, their means, the sum of weights, and w -> ||y - X w||^2."""
        X_mean, y_mean, gram, cross, total = moments(X, as_targets(y), weights, self.fit_intercept)
        cross, y_mean = cross[:, 0], y_mean[0]
        centred = y - y_mean
        squares = float(centred @ centred if weights is None else weights @ centred**2)

        def error(w):
            left = squares - 2.0 * (w @ cross) + w @ (gram @ w)
            if left > CANCELLED * squares:
                return left
            residual = centred - (X @ w - X_mean @ w)
            return float(residual @ residual if weights is None else weights @ residual**2)

        variance = float(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights))  # centred in any case
        return gram, cross, variance, X_mean, y_mean, float(total), error

    def predict(self, X, return_std=False):
        """Predict the target of each row, and how far it may be off.

        Parameters
        ----------
        return_std : bool, default False
            Also the standard deviation of the prediction, noise included.

        Returns
        -------
        ndarray (n,), or two of them
        """
        mean = LinearModel.predict(self, X)
        if not return_std:
            return mean
        rows = np.asarray(X, dtype=self.sigma_.dtype) - self.X_offset_
        rows = rows[:, self._kept()]
        return mean, np.sqrt(np.einsum("ij,ij->i", rows @ self.sigma_, rows) + 1.0 / self.alpha_)

    def _kept(self):
        return slice(None)


class BayesianRidge(Evidence):
    """Ridge regression whose penalty is found by the evidence of the data.

    Parameters
    ----------
    max_iter : int, default 300;  tol : float, default 1e-3
        Stop when the weights moved by less than `tol` in sum.
    alpha_1, alpha_2, lambda_1, lambda_2 : float, default 1e-6
        Gamma priors of the precision of the noise and of the weights: shape and rate.
    alpha_init, lambda_init : float, optional
        Default: 1 / variance of y, and 1.
    compute_score : bool, default False
        Keep the log marginal likelihood of each step in ``scores_``.
    fit_intercept : bool, default True
    copy_X : accepted; X is never changed.   verbose : accepted

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  sigma_ : ndarray (d, d), covariance of the weights
    alpha_, lambda_ : float, precision of the noise and of the weights
    scores_ : ndarray;  n_iter_ : int;  X_offset_, X_scale_ : ndarray (d,), means of X, and ones

    Examples
    --------
    >>> from homespun.linear_model import BayesianRidge
    >>> BayesianRidge().fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 2.0]).predict([[1.0, 1.0]]).round(3).tolist()
    [1.0]
    """

    params = {**COMMON, "alpha_init": Real(low=0) | None, "lambda_init": Real(low=0) | None}

    def __init__(self, *, max_iter=300, tol=1e-3, alpha_1=1e-6, alpha_2=1e-6, lambda_1=1e-6, lambda_2=1e-6, alpha_init=None,
                 lambda_init=None, compute_score=False, fit_intercept=True, copy_X=True, verbose=False):
        self.max_iter = max_iter
        self.tol = tol
        self.alpha_1 = alpha_1
        self.alpha_2 = alpha_2
        self.lambda_1 = lambda_1
        self.lambda_2 = lambda_2
        self.alpha_init = alpha_init
        self.lambda_init = lambda_init
        self.compute_score = compute_score
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        checks: dict[str, Any] = {"dtype": FLOATS, "y_numeric": True}
        X, y = self.validate(X, y, **checks)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        y = np.asarray(y, dtype=np.float64)
        with finite_sums(self, X, y, checks):
            self._learn(X, y, weights)
        return self

    def _learn(self, X, y, weights):
        (n, d), dtype = X.shape, X.dtype
        gram, cross, variance, X_mean, y_mean, total, error = self._sums(X, y, weights)
        if n > d:
            spectrum, V = linalg.eigh(gram, check_finite=False)
            spectrum = np.maximum(spectrum, 0.0)
        else:  # at most n directions have data in them: exact zeros for the others
            A = centred_copy(X, as_targets(y), weights, self.fit_intercept)[0]
            V, lengths = linalg.svd(A.T, check_finite=False)[:2]
            spectrum = np.zeros(d)
            spectrum[: len(lengths)] = lengths**2
        along = V.T @ cross
        alpha = 1.0 / (variance + np.finfo(np.float64).eps) if self.alpha_init is None else float(self.alpha_init)
        weight = 1.0 if self.lambda_init is None else float(self.lambda_init)  # lambda
        scores, earlier = [], None
        for step in range(1, self.max_iter + 1):
            self.n_iter_ = step
            coef = V @ (along / (spectrum + weight / alpha))
            left = error(coef)
            if self.compute_score:
                scores.append(self._log_evidence(spectrum, alpha, weight, coef, left, total))
            gamma = float(np.sum(alpha * spectrum / (weight + alpha * spectrum)))
            weight = (gamma + 2.0 * self.lambda_1) / (float(coef @ coef) + 2.0 * self.lambda_2)
            alpha = (total - gamma + 2.0 * self.alpha_1) / (left + 2.0 * self.alpha_2)
            if earlier is not None and np.abs(earlier - coef).sum() < self.tol:
                break
            earlier = coef
        coef = V @ (along / (spectrum + weight / alpha))
        if self.compute_score:
            scores.append(self._log_evidence(spectrum, alpha, weight, coef, error(coef), total))
        self.scores_ = np.array(scores)
        self.alpha_, self.lambda_ = dtype.type(alpha), dtype.type(weight)
        self.sigma_ = ((V / (alpha * spectrum + weight)) @ V.T).astype(dtype)
        self.X_offset_, self.X_scale_ = X_mean.astype(dtype), np.ones(d, dtype=dtype)
        self.coef_ = coef
        self.set_intercept(X_mean, y_mean, dtype)

    def _log_evidence(self, spectrum, alpha, weight, coef, left, total):
        """Logarithm of the marginal likelihood, with the priors of alpha and lambda."""
        score = self.lambda_1 * np.log(weight) - self.lambda_2 * weight + self.alpha_1 * np.log(alpha) - self.alpha_2 * alpha
        return score + 0.5 * (len(coef) * np.log(weight) + total * np.log(alpha) - alpha * left - weight * (coef @ coef)
                              - np.log(weight + alpha * spectrum).sum() - total * np.log(2.0 * np.pi))


class ARDRegression(Evidence):
    """Bayesian regression with a precision for each weight: columns without evidence get a weight of zero.

    Parameters
    ----------
    threshold_lambda : float, default 1e4
        A weight whose precision exceeds it leaves.
    max_iter, tol, alpha_1, alpha_2, lambda_1, lambda_2, compute_score, fit_intercept, copy_X, verbose :
        as those of `BayesianRidge`

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float;  alpha_ : float;  lambda_ : ndarray (d,)
    sigma_ : ndarray (k, k), covariance of the weights that are left
    scores_ : ndarray;  n_iter_ : int;  X_offset_, X_scale_ : ndarray (d,), means of X, and ones

    Examples
    --------
    >>> from homespun.linear_model import ARDRegression
    >>> ARDRegression().fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 2.0]).predict([[1.0, 1.0]]).round(3).tolist()
    [1.0]
    """

    params = {**COMMON, "threshold_lambda": Real(low=0)}

    def __init__(self, *, max_iter=300, tol=1e-3, alpha_1=1e-6, alpha_2=1e-6, lambda_1=1e-6, lambda_2=1e-6, compute_score=False,
                 threshold_lambda=1e4, fit_intercept=True, copy_X=True, verbose=False):
        self.max_iter = max_iter
        self.tol = tol
        self.alpha_1 = alpha_1
        self.alpha_2 = alpha_2
        self.lambda_1 = lambda_1
        self.lambda_2 = lambda_2
        self.compute_score = compute_score
        self.threshold_lambda = threshold_lambda
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.verbose = verbose

    def fit(self, X, y):
        """Fit.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        checks: dict[str, Any] = {"dtype": FLOATS, "y_numeric": True, "ensure_min_samples": 2}
        X, y = self.validate(X, y, **checks)
        y = np.asarray(y, dtype=np.float64)
        with finite_sums(self, X, y, checks):
            self._learn(X, y)
        return self

    def _learn(self, X, y):
        (n, d), dtype = X.shape, X.dtype
        gram, cross, variance, X_mean, y_mean, total, error = self._sums(X, y, None)
        alpha, weight = 1.0 / (variance + np.finfo(np.float64).eps), np.ones(d)
        coef, earlier, scores, kept = np.zeros(d), None, [], np.arange(d)
        A = centred_copy(X, as_targets(y), None, self.fit_intercept)[0] if n < d else None
        for step in range(1, self.max_iter + 1):
            self.n_iter_ = step
            sigma = covariance(gram, A, alpha, weight, kept)
            coef[kept] = alpha * (sigma @ cross[kept])
            left = error(coef)
            gamma = 1.0 - weight[kept] * np.diagonal(sigma)
            weight[kept] = (gamma + 2.0 * self.lambda_1) / (coef[kept] ** 2 + 2.0 * self.lambda_2)
            alpha = (total - gamma.sum() + 2.0 * self.alpha_1) / (left + 2.0 * self.alpha_2)
            kept = np.flatnonzero(weight < self.threshold_lambda)
            coef[weight >= self.threshold_lambda] = 0.0
            if self.compute_score:
                score = (self.lambda_1 * np.log(weight) - self.lambda_2 * weight).sum() + self.alpha_1 * np.log(alpha)
                score += 0.5 * (np.linalg.slogdet(sigma)[1] + total * np.log(alpha) + np.log(weight).sum())
                scores.append(score - self.alpha_2 * alpha - 0.5 * (alpha * left + (weight * coef**2).sum()))
            if (earlier is not None and np.abs(earlier - coef).sum() < self.tol) or not kept.size:
                break
            earlier = coef.copy()
        self.scores_ = np.array(scores)
        sigma = covariance(gram, A, alpha, weight, kept) if kept.size else np.empty((0, 0))
        coef[kept] = alpha * (sigma @ cross[kept])
        self.alpha_, self.lambda_, self.sigma_ = dtype.type(alpha), weight.astype(dtype), sigma.astype(dtype)
        self.X_offset_, self.X_scale_ = X_mean.astype(dtype), np.ones(d, dtype=dtype)
        self.coef_ = coef
        self.set_intercept(X_mean, y_mean, dtype)

    def _kept(self):
        return self.lambda_ < self.threshold_lambda


def covariance(gram, A, alpha, weight, kept):
    """(alpha A'A + diag(weight))^-1 of the columns kept; with more columns than rows by Woodbury's identity, (n, n)."""
    if A is not None and len(kept) > len(A):
        part, inverse = A[:, kept], 1.0 / weight[kept]
        middle = np.eye(len(A)) / alpha + (part * inverse) @ part.T
        half = linalg.solve(middle, part * inverse, assume_a="pos", check_finite=False)
        sigma = -inverse[:, None] * (part.T @ half)
        sigma.flat[:: len(kept) + 1] += inverse
        return sigma
    precision = alpha * gram[np.ix_(kept, kept)]
    precision.flat[:: len(kept) + 1] += weight[kept]
    try:
        factor = linalg.cho_factor(precision, lower=True, check_finite=False)
        return linalg.cho_solve(factor, np.eye(len(kept)), check_finite=False)
    except linalg.LinAlgError:
        return linalg.pinvh(precision, check_finite=False)
