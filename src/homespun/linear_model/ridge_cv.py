"""Ridge regression that chooses its penalty by cross-validation: leave-one-out for all penalties from one factorisation.

With A = V diag(l) V' the spectrum of A'A (A: centred, weighted X (n, d); B: centred, weighted y; s_i: weights, S: their sum)
and P = A V, the error that row i has in the model fitted without it follows from the model fitted with it:

    error_i = (B_i - P_i diag(1 / (l + alpha)) V'A'B) / (1 - sum_k P_ik^2 / (l_k + alpha) - s_i / S)

The denominator is one minus the leverage of row i; s_i / S is the intercept's share (0 without one). All penalties come
from one pass over the rows: two products of the squared and the plain P with a matrix of one column for each penalty.
Wide X: the spectrum of A A' (n, n) instead, A A' = Q diag(l) Q', where the constant direction is taken out exactly:

    error = Q diag(1 / (l + alpha)) Q'B / sum_k Q_ik^2 / (l_k + alpha)

Rifkin & Lippert 2007, MIT-CSAIL-TR-2007-025, section 3. O(n d min(n, d)) once, O(n min(n, d)) for each penalty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, sparse
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring, get_scorer_names

from homespun.base import (
    ArrayLike,
    Boolean,
    CallableWith,
    OneOf,
    ParameterError,
    Real,
    Satisfies,
    check_params,
    progress,
)
from homespun.base.estimator import Estimator, RegressorMixin
from homespun.linear_model.base import (
    FLOATS,
    Folds,
    LinearModel,
    MultiTarget,
    as_targets,
    finite_sums,
    folds_of,
    numbers_in,
    row_blocks,
)
from homespun.linear_model.least_squares import centred_copy, means
from homespun.linear_model.moments import centred_rows, moments, outer_products
from homespun.linear_model.ridge import Ridge


class RidgeCV(MultiTarget, RegressorMixin, LinearModel, Estimator):
    """Ridge regression with built-in cross-validation over `alphas`.

    Parameters
    ----------
    alphas : float or array of shape (k,), default (0.1, 1.0, 10.0)
        Penalties to try, > 0 (>= 0 with `cv`).
    fit_intercept : bool, default True
    scoring : str or callable, optional
        What to maximise. Default: minus the mean squared error (leave-one-out), R2 (with `cv`).
    cv : int, splitter or iterable, optional
        Default: leave-one-out.
    gcv_mode : {"auto", "svd", "eigen"}, optional
        "svd": factorise X itself (dense, tall X), which costs more and keeps small singular values exact.
    store_cv_results : bool, default False
        Keep ``cv_results_`` (leave-one-out only).
    alpha_per_target : bool, default False
        Choose a penalty for each target (leave-one-out only).

    Attributes
    ----------
    alpha_ : float, or ndarray of shape (t,)
    best_score_ : float, or ndarray of shape (t,)
    coef_, intercept_ : as those of `Ridge`
    cv_results_ : ndarray of shape (n, k) or (n, t, k)
        Squared errors, or predictions if `scoring` is given.

    Examples
    --------
    >>> from homespun.linear_model import RidgeCV
    >>> RidgeCV(alphas=[0.01, 100.0]).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.1, 1.9, 3.0]).alpha_
    0.01
    """

    params = {
        "alphas": Real(low=0) | ArrayLike(),
        "fit_intercept": Boolean(),
        "scoring": CallableWith("a scorer") | None | Satisfies(
            lambda word: isinstance(word, str) and word in get_scorer_names(), "the name of a scorer"),
        "cv": Folds,
        "gcv_mode": OneOf(None, "auto", "svd", "eigen"),
        "store_cv_results": Boolean(),
        "alpha_per_target": Boolean(),
    }

    def __init__(self, alphas=(0.1, 1.0, 10.0), *, fit_intercept=True, scoring=None, cv=None, gcv_mode=None,
                 store_cv_results=False, alpha_per_target=False):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target

    def fit(self, X, y, sample_weight=None):
        """Fit. Leave-one-out leaves out a row with all its weight.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        checks: dict[str, Any] = {"accept_sparse": ("csr", "csc", "coo"), "dtype": FLOATS, "multi_output": True,
                                  "y_numeric": True, "ensure_min_samples": 2}
        X, y = self.validate(X, y, **checks)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        alphas = numbers_in("RidgeCV", "alphas", self.alphas, Real(low=0, open="low" if self.cv is None else ""))
        if sparse.issparse(X):
            X = X.tocsr()
        with finite_sums(self, X, y, checks):
            fit = self._fit_leave_one_out if self.cv is None else self._fit_folds
            fit(X, y, weights, alphas)
        return self

    def _fit_leave_one_out(self, X, y, weights, alphas):
        scorer = None if self.scoring is None else check_scoring(self, scoring=self.scoring)
        Y = as_targets(y)
        wide = X.shape[0] <= X.shape[1]
        solve = wide_leave_one_out if wide else tall_leave_one_out
        exact = self.gcv_mode == "svd" and not sparse.issparse(X)
        errors, coefs, X_mean, y_mean = solve(X, Y, alphas, weights, self.fit_intercept, exact)  # (n, t, k), (d, t, k)
        root = np.ones((len(Y), 1, 1)) if weights is None else np.sqrt(weights)[:, None, None]
        if scorer is None:
            results = (root * errors) ** 2
            scores = -results.mean(axis=0)  # (t, k)
            if not self.alpha_per_target:
                scores = scores.mean(axis=0, keepdims=True)
        else:
            results = Y[:, :, None] - errors
            extra = {} if weights is None else {"sample_weight": weights}
            groups = [[j] for j in range(Y.shape[1])] if self.alpha_per_target else [list(range(Y.shape[1]))]
            scores = np.array([[ask(scorer, Predicted(), _squeeze(results[:, group, k]), _squeeze(Y[:, group]), **extra)
                                for k in range(len(alphas))] for group in groups])
        best = np.argmax(scores, axis=1)  # one, or one for each target
        picked = np.broadcast_to(best, (Y.shape[1],))
        coef = coefs[:, np.arange(Y.shape[1]), picked]
        several = self.alpha_per_target and Y.shape[1] > 1
        self.alpha_ = alphas[best] if several else float(alphas[best[0]])
        self.best_score_ = scores.max(axis=1) if several else float(scores.max(axis=1)[0])
        if self.store_cv_results:
            self.cv_results_ = (results if y.ndim == 2 else results[:, 0]).astype(X.dtype)
        self.coef_ = coef[:, 0] if Y.shape[1] == 1 else coef.T
        self.set_intercept(X_mean, y_mean if y.ndim == 2 else y_mean[0], X.dtype)

    def _fit_folds(self, X, y, weights, alphas):
        for name in ("store_cv_results", "alpha_per_target"):
            if getattr(self, name):
                raise ParameterError(f"RidgeCV: {name}=True needs leave-one-out (cv=None), got cv={self.cv!r}",
                                     operation="RidgeCV", operands={name: True, "cv": self.cv}, rule=f"{name} needs cv=None")
        scorer = check_scoring(self, scoring=self.scoring)
        folds = folds_of(self, self.cv, X, y)
        scores = np.empty((len(alphas), len(folds)))
        for j, (train, test) in enumerate(progress(folds, label="RidgeCV")):
            inside = {} if weights is None else {"sample_weight": weights[train]}
            outside = {} if weights is None else {"sample_weight": weights[test]}
            for i, alpha in enumerate(alphas):
                model = Ridge(alpha=alpha, fit_intercept=self.fit_intercept).fit(X[train], y[train], **inside)
                scores[i, j] = ask(scorer, model, X[test], y[test], **outside)
        best = int(np.argmax(scores.mean(axis=1)))
        self.alpha_, self.best_score_ = float(alphas[best]), float(scores.mean(axis=1)[best])
        model = Ridge(alpha=self.alpha_, fit_intercept=self.fit_intercept).fit(X, y, weights)
        self.coef_, self.intercept_ = model.coef_, model.intercept_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def tall_leave_one_out(X, Y, alphas, weights, centre, exact=False):
    """Errors (n, t, k) in the unit of y, weights (d, t, k), means: from the spectrum of A'A.

    `exact`: from the singular values of A, which is then formed.
    """
    (n, d), t, k = X.shape, Y.shape[1], len(alphas)
    if exact:
        A, B, X_mean, y_mean = centred_copy(X, Y, weights, centre)
        _, lengths, Vt = linalg.svd(A, full_matrices=False, check_finite=False)
        spectrum, V, cross, total = lengths**2, Vt.T, A.T @ B, n if weights is None else weights.sum()
    else:
        X_mean, y_mean, gram, cross, total = moments(X, Y, weights, centre)
        spectrum, V = np.linalg.eigh(gram)
    shrink = 1.0 / (np.maximum(spectrum, 0.0)[:, None] + alphas)  # (d, k)
    inner = (V.T @ cross)[:, :, None] * shrink[:, None, :]  # (d, t, k): weights in the basis V
    errors = np.empty((n, t, k))
    for rows in row_blocks(X):
        s = np.ones(len(Y[rows])) if weights is None else weights[rows]
        P = centred_rows(X, X_mean, None, rows) @ V
        leverage = (s[:, None] * P**2) @ shrink + (s / total)[:, None] * centre  # (b, k)
        fitted = (P @ inner.reshape(d, t * k)).reshape(-1, t, k)
        errors[rows] = ((Y[rows] - y_mean)[:, :, None] - fitted) / (1.0 - leverage)[:, None, :]
    return errors, (V @ inner.reshape(d, t * k)).reshape(d, t, k), X_mean, y_mean


def wide_leave_one_out(X, Y, alphas, weights, centre, exact=False):
    """The same from the spectrum of A A'. A row of weight zero counts as one that the model never saw."""
    (n, d), t, k = X.shape, Y.shape[1], len(alphas)
    X_mean, y_mean = means(X, Y, weights, centre)
    root = np.ones(n) if weights is None else np.sqrt(weights)
    outer = outer_products(X, X_mean, weights)
    if centre:  # r is in the null space: give it an eigenvalue of its own, the largest, and drop it
        outer += (2.0 * np.trace(outer) + 1.0) / (root @ root) * root[:, None] * root
    spectrum, Q = np.linalg.eigh(outer)
    if centre:
        spectrum, Q = spectrum[:-1], Q[:, :-1]
    shrink = 1.0 / (np.maximum(spectrum, 0.0)[:, None] + alphas)
    B = root[:, None] * (Y - y_mean)
    dual = (Q @ ((Q.T @ B)[:, :, None] * shrink[:, None, :]).reshape(-1, t * k)).reshape(n, t, k)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = dual / ((Q**2) @ shrink)[:, None, :] / root[:, None, None]
    scaled = (root[:, None, None] * dual).reshape(n, t * k)
    coefs = (X.T @ scaled - X_mean[:, None] * scaled.sum(axis=0)).reshape(d, t, k)
    unseen = root == 0
    if unseen.any():
        fitted = (X[unseen] @ coefs.reshape(d, t * k) - X_mean @ coefs.reshape(d, t * k)).reshape(-1, t, k)
        errors[unseen] = (Y[unseen] - y_mean)[:, :, None] - fitted
    return errors, coefs, X_mean, y_mean


class Predicted(RegressorMixin, BaseEstimator):
    """A model whose predictions are its input: scorers ask a model for predictions, and leave-one-out has them already."""

    def predict(self, X):
        return X


def ask(scorer, model, X, y, **weights) -> float:
    """The scorer's number; whatever goes wrong in it is told as a mistake in `scoring`, with its own error as the cause."""
    try:
        return float(scorer(model, X, y, **weights))
    except Exception as error:
        raise ParameterError(f"RidgeCV: scoring must take (model, X, y) and return a number; it ended in "
                             f"{type(error).__name__}: {error}", operation="RidgeCV", operands={"scoring": scorer},
                             rule="scoring(model, X, y) -> number") from error


def _squeeze(values):
    return values[:, 0] if values.shape[1] == 1 else values
