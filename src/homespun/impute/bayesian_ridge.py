"""Bayesian ridge regression: the penalty is not chosen but follows from the data (evidence maximisation).

    y ~ N(X w, 1/a),  w ~ N(0, 1/l):      w = (X'X + l/a)^-1 X'y        g = sum_i a s_i / (a s_i + l)        s: eigenvalues of X'X
                                          l = (g + 2e) / (w'w + 2e)      a = (n - g + 2e) / (||y - X w||^2 + 2e)     until w stays

MacKay 1992, Neural Computation 4(3), sec. 4, with scikit-learn's e = 1e-6 and stopping rule. All rounds work on one d x d
eigendecomposition, so that a round costs O(d^2) and not O(n d). What `IterativeImputer` fits to each column.
"""

from __future__ import annotations

import numpy as np

TINY = 1e-6  # shape and rate of both gamma priors


class BayesianRidge:
    """The fitted regression; `coef` (d,), `intercept`, `noise` (precision a) and `covariance` (d, d) of the weights."""

    def __init__(self, X, y, max_iter=300, tol=1e-3):
        n = len(X)
        self.means = X.mean(axis=0)
        centred, target = X - self.means, y - y.mean()
        gram, cross, power = centred.T @ centred, centred.T @ target, float(target @ target)
        values, vectors = np.linalg.eigh(gram)
        values = np.maximum(values, 0.0)
        rotated = vectors.T @ cross
        a, penalty = 1.0 / (y.var() + np.finfo(np.float64).eps), 1.0
        before = None
        for _ in range(max_iter):
            w, error = _weights(values, rotated, power, penalty / a)
            effective = (a * values / (a * values + penalty)).sum()
            penalty = (effective + 2 * TINY) / (w @ w + 2 * TINY)
            a = (n - effective + 2 * TINY) / (error + 2 * TINY)
            coef = vectors @ w
            if before is not None and np.abs(before - coef).sum() < tol:
                break
            before = coef
        w, _ = _weights(values, rotated, power, penalty / a)
        self.coef = vectors @ w
        self.intercept = float(y.mean() - self.means @ self.coef)
        self.noise = float(a)
        self.covariance = (vectors / (a * values + penalty)) @ vectors.T

    def predict(self, X, return_std=False):
        """X w + b, and the standard deviation of a new value."""
        mean = X @ self.coef + self.intercept
        if not return_std:
            return mean
        centred = X - self.means
        return mean, np.sqrt(np.einsum("ij,jk,ik->i", centred, self.covariance, centred) + 1.0 / self.noise)


def _weights(values, rotated, power, ratio):
    """Weights in the eigenvectors' directions, and the squared error they leave."""
    w = rotated / (values + ratio)
    return w, max(power - 2.0 * float(w @ rotated) + float(w @ (values * w)), 0.0)
