"""Lasso and elastic net that choose their penalty by cross-validation along a path.

For each fold and each l1_ratio, all penalties are solved from the largest to the smallest, each started at its neighbour:
the working set, its Gram matrix and its weights are kept (`WorkingSet`), so a step of the path costs little. The penalty with
the smallest mean over folds of the (weighted) squared error on the rows left out wins, and is refitted on all rows.
Friedman, Hastie & Tibshirani 2010, J. Stat. Software 33(1). Not handled: MultiTask variants.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import column_or_1d

from homespun.base import (
    ArrayLike,
    Boolean,
    DataError,
    Integer,
    NJobs,
    OneOf,
    RandomState,
    Real,
    ShapeError,
    check_params,
    generator,
    progress,
)
from homespun.base.estimator import Estimator, RegressorMixin
from homespun.linear_model.base import FLOATS, Folds, LinearModel, finite_sums, folds_of, numbers_in
from homespun.linear_model.coordinate_descent import ElasticNet, alpha_grid, enet_path, lasso_path, solve_path, wants_gram
from homespun.linear_model.designs import make_design
from homespun.linear_model.working_set import WorkingSet

COMMON = {
    "eps": Real(low=0, open="low"),
    "alphas": Integer(low=1, high=1_000_000) | ArrayLike(),
    "fit_intercept": Boolean(),
    "precompute": OneOf("auto") | Boolean() | ArrayLike(),
    "max_iter": Integer(low=1),
    "tol": Real(low=0),
    "copy_X": Boolean(),
    "cv": Folds,
    "verbose": Boolean() | Integer(low=0),
    "n_jobs": NJobs,
    "positive": Boolean(),
    "random_state": RandomState,
    "selection": OneOf("cyclic", "random"),
}


class PathCV(RegressorMixin, LinearModel, Estimator):
    """What `LassoCV` and `ElasticNetCV` share: `fit`."""

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row, where the copies are in one fold.

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` passes did not reach `tol` for some penalty.
        """
        check_params(self)
        checks: dict[str, Any] = {"accept_sparse": "csc", "dtype": FLOATS, "multi_output": True, "y_numeric": True}
        X, y = self.validate(X, y, **checks)
        if y.ndim == 2 and y.shape[1] > 1:
            raise ShapeError(f"{type(self).__name__}.fit: y must have one column, got {y.shape[1]}: fit a model for each target",
                             operation=f"{type(self).__name__}.fit", operands={"y": y.shape}, rule="y: n")
        y = np.asarray(column_or_1d(y, warn=True), dtype=np.float64)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        ratios = numbers_in(type(self).__name__, "l1_ratio", getattr(self, "l1_ratio", 1.0), Real(low=0, high=1))
        folds = folds_of(self, self.cv, X, y)
        with finite_sums(self, X, y, checks):
            grids = [self._grid(X, y, weights, ratio) for ratio in ratios]
            errors = np.empty((len(ratios), len(grids[0]), len(folds)))
            for j, (train, test) in enumerate(progress(folds, label=type(self).__name__)):
                errors[:, :, j] = self._fold_errors(X, y, weights, train, test, ratios, grids)
        best_ratio, best = np.unravel_index(np.argmin(errors.mean(axis=2)), errors.shape[:2])
        self.mse_path_ = errors[0] if len(ratios) == 1 else errors  # (k, folds), or one such for each l1_ratio
        self.alphas_ = grids[0] if len(ratios) == 1 or not isinstance(self.alphas, numbers.Integral) else np.array(grids)
        self.alpha_ = float(grids[best_ratio][best])
        if hasattr(self, "l1_ratio"):
            self.l1_ratio_ = float(ratios[best_ratio])
        model = ElasticNet(
            alpha=self.alpha_, l1_ratio=float(ratios[best_ratio]), fit_intercept=self.fit_intercept,
            precompute=False if isinstance(self.precompute, str) else self.precompute, max_iter=self.max_iter, tol=self.tol,
            positive=self.positive, random_state=self.random_state, selection=self.selection).fit(X, y, weights)
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        self.dual_gap_, self.n_iter_ = model.dual_gap_, model.n_iter_
        return self

    def _grid(self, X, y, weights, ratio):
        if isinstance(self.alphas, numbers.Integral):
            return alpha_grid(X, y, weights, ratio, self.fit_intercept, self.eps, self.alphas, self.positive)
        return np.sort(numbers_in(type(self).__name__, "alphas", self.alphas, Real(low=0)))[::-1]

    def _fold_errors(self, X, y, weights, train, test, ratios, grids):
        """Mean squared error on `test` of every penalty fitted on `train`: (l1_ratios, k)."""
        rows = X.tocsr() if sparse.issparse(X) else X
        X_train = rows[train].tocsc() if sparse.issparse(X) else rows[train]
        inside, outside = (None, None) if weights is None else (weights[train], weights[test])
        if inside is not None and outside is not None and not (inside.any() and outside.any()):
            raise DataError(f"{type(self).__name__}.fit: a fold holds no row of a weight above zero",
                            operation=f"{type(self).__name__}.fit", operands={"sample_weight": inside.shape},
                            rule="weight in every fold", suggestion="shuffle the rows, or take fewer folds")
        shuffle = generator(self.random_state) if self.selection == "random" else None
        design, X_mean, y_mean, total = make_design(X_train, y[train], inside, self.fit_intercept,
                                                    gram=wants_gram(self.precompute, X), penalties=sum(map(len, grids)))
        errors = np.empty((len(ratios), len(grids[0])))
        for i, (ratio, alphas) in enumerate(zip(ratios, grids)):
            coefs, _, _ = solve_path(WorkingSet(design.fresh(), self.positive, shuffle), alphas, ratio, total, self.tol,
                                     self.max_iter)
            used = np.flatnonzero(coefs.any(axis=1))
            predicted = rows[test][:, used] @ coefs[used] + (y_mean - X_mean @ coefs)
            errors[i] = np.average((predicted - y[test][:, None]) ** 2, axis=0, weights=outside)
        return errors

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class ElasticNetCV(PathCV):
    """Elastic net with built-in cross-validation over a path of penalties.

    Parameters
    ----------
    l1_ratio : float in [0, 1], or a list of them to choose from, default 0.5
    eps : float, default 1e-3
        Smallest penalty of the path, as a share of the largest.
    alphas : int or array, default 100
        How many penalties, or which.
    cv : int, splitter or iterable, default 5
    verbose, n_jobs : accepted; progress shows by itself, and the folds run one after the other
    fit_intercept, precompute, max_iter, tol, copy_X, positive, random_state, selection : as those of `ElasticNet`

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        The chosen ones.
    alphas_ : ndarray of shape (k,), or (l1_ratios, k)
    mse_path_ : ndarray of shape (k, folds), or (l1_ratios, k, folds)
    coef_, intercept_, dual_gap_, n_iter_ : of the model refitted on all rows

    Examples
    --------
    >>> from homespun.linear_model import ElasticNetCV
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=[0.01, 10.0], cv=2).fit(X, X[:, 0]).alpha_
    0.01
    """

    params = {"l1_ratio": Real(low=0, high=1) | ArrayLike(), **COMMON}
    path = staticmethod(enet_path)

    def __init__(self, *, l1_ratio=0.5, eps=1e-3, alphas=100, fit_intercept=True, precompute="auto", max_iter=1000, tol=1e-4,
                 cv=None, copy_X=True, verbose=0, n_jobs=None, positive=False, random_state=None, selection="cyclic"):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection


class LassoCV(PathCV):
    """Lasso with built-in cross-validation over a path of penalties: `ElasticNetCV` with ``l1_ratio=1``.

    Examples
    --------
    >>> from homespun.linear_model import LassoCV
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> LassoCV(alphas=[0.01, 10.0], cv=2).fit(X, X[:, 0]).alpha_
    0.01
    """

    params = COMMON
    path = staticmethod(lasso_path)

    def __init__(self, *, eps=1e-3, alphas=100, fit_intercept=True, precompute="auto", max_iter=1000, tol=1e-4, copy_X=True,
                 cv=None, verbose=False, n_jobs=None, positive=False, random_state=None, selection="cyclic"):
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
