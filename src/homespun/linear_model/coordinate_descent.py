"""Lasso and elastic net: least squares whose penalty sets weights to exactly zero.

    minimise over w, b    1/(2 S) sum_i s_i (y_i - x_i w - b)^2 + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio)/2 ||w||^2

X: (n, d)   y: (n,)   w: (d,)   s_i: sample weights, S their sum (n without). l1_ratio = 1 is the lasso (Tibshirani 1996, JRSS B
58(1)), less is the elastic net (Zou & Hastie 2005, JRSS B 67(2)). Centring takes out b; the solver is in `working_set.py`, the
data as it sees them in `designs.py`. Several targets are independent problems.
Not handled: MultiTask variants (one support for all targets); a Gram matrix that the caller computed is checked for its shape
and computed anew, as centring would invalidate it.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.base import (
    ArrayLike,
    Boolean,
    DataError,
    Integer,
    OneOf,
    ParameterError,
    RandomState,
    Real,
    ShapeError,
    check_params,
    generator,
)
from homespun.base.estimator import Estimator, RegressorMixin
from homespun.linear_model.base import FLOATS, LinearModel, MultiTarget, as_targets, finite_sums
from homespun.linear_model.designs import make_design
from homespun.linear_model.working_set import WorkingSet

NOT_FINITE = "Coordinate descent iterations resulted in non-finite parameter values"  # scikit-learn's words


def enet_path(X, y, *, l1_ratio=0.5, eps=1e-3, n_alphas=None, alphas=100, precompute="auto", Xy=None, copy_X=True, coef_init=None,
              verbose=False, return_n_iter=False, positive=False, check_input=True, max_iter=1000, tol=1e-4,
              selection="cyclic", random_state=None, sample_weight=None):
    """Elastic-net weights for a path of penalties, each started at its neighbour. No intercept: centre X and y yourself.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
    y : ndarray of shape (n,)
    alphas : int or array, default 100
        Penalties, or how many between the smallest that gives w = 0 and `eps` times that. (`n_alphas`: the older name.)
    precompute, Xy, copy_X, check_input : accepted as scikit-learn's; X is not changed and its Gram matrix not asked for.

    Returns
    -------
    alphas : ndarray of shape (k,), decreasing
    coefs : ndarray of shape (d, k)
    dual_gaps : ndarray of shape (k,)
    n_iters : list, if `return_n_iter`

    Examples
    --------
    >>> from homespun.linear_model import lasso_path
    >>> X = np.array([[1.0, 2.0, 3.1], [2.3, 5.4, 4.3]]).T
    >>> lasso_path(X, np.array([1.0, 2.0, 3.1]), alphas=[5.0, 1.0, 0.5])[1].round(4).tolist()
    [[0.0, 0.0, 0.4692], [0.2159, 0.4426, 0.2367]]
    """
    model = ElasticNet(l1_ratio=l1_ratio, fit_intercept=False, max_iter=max_iter, tol=tol, positive=positive, selection=selection,
                       random_state=random_state)
    checks: dict[str, Any] = {"accept_sparse": "csc", "dtype": FLOATS, "y_numeric": True}
    X, y = model.validate(X, y, **checks)
    weights = None if sample_weight is None else model.validate_weights(sample_weight, X)
    y = np.asarray(y, dtype=np.float64)
    with finite_sums(model, X, y, checks, NOT_FINITE):
        if isinstance(alphas, numbers.Integral) or alphas is None or n_alphas is not None:
            alphas = alpha_grid(X, y, weights, l1_ratio, False, eps, n_alphas or alphas or 100, positive)
        alphas = np.sort(np.asarray(alphas, dtype=np.float64))[::-1]
        design, _, _, total = make_design(X, y, weights, False, gram=wants_gram(precompute, X), penalties=len(alphas))
        solver = WorkingSet(design, positive, generator(random_state) if selection == "random" else None)
        if coef_init is not None:
            solver.start(np.ravel(coef_init))
        coefs, gaps, passes = solve_path(solver, alphas, l1_ratio, total, tol, max_iter)
        coefs = model.coef_ = coefs.astype(X.dtype)
    return (alphas, coefs, gaps, passes) if return_n_iter else (alphas, coefs, gaps)


def lasso_path(X, y, *, eps=1e-3, n_alphas=None, alphas=100, precompute="auto", Xy=None, copy_X=True, coef_init=None,
               verbose=False, return_n_iter=False, positive=False, **params):
    """`enet_path` with ``l1_ratio=1``."""
    return enet_path(X, y, l1_ratio=1.0, eps=eps, n_alphas=n_alphas, alphas=alphas, precompute=precompute, Xy=Xy, copy_X=copy_X,
                     coef_init=coef_init, verbose=verbose, return_n_iter=return_n_iter, positive=positive, **params)


def solve_path(solver, alphas, l1_ratio, total, tol, max_iter):
    """Weights (d, k), duality gaps in the unit of the objective (k,), passes [k] for decreasing `alphas`."""
    coefs, gaps, passes = np.empty((len(solver.outside), len(alphas))), np.empty(len(alphas)), []
    for k, alpha in enumerate(alphas):
        gap, goal, epochs = solver.solve(total * alpha * l1_ratio, total * alpha * (1.0 - l1_ratio), tol, max_iter)
        if gap > goal:
            warnings.warn(f"Objective did not converge in {epochs} passes (alpha={alpha:.3g}): duality gap {gap / total:.3e}, "
                          f"tolerance {goal / total:.3e}. Raise max_iter, scale the features, or increase alpha.",
                          ConvergenceWarning, stacklevel=3)
        coefs[:, k], gaps[k] = solver.coef(), gap / total
        passes.append(epochs)
    return coefs, gaps, passes


def alpha_grid(X, y, weights, l1_ratio, centre, eps, k, positive) -> np.ndarray:
    """`k` penalties from the smallest that gives w = 0 down to `eps` times it, evenly spaced on a log scale."""
    if l1_ratio == 0:
        raise DataError("a grid of penalties starts where all weights are zero; with l1_ratio=0 there is no such penalty: "
                        "give alphas=[...]", operation="alpha_grid", operands={"l1_ratio": 0}, rule="l1_ratio > 0")
    design, _, _, total = make_design(X, y, weights, centre, gram=False)
    largest = design.correlation.max() if positive else np.abs(design.correlation).max()
    smallest_useful = np.finfo(np.float64).resolution
    alpha_max = max(0.0, largest) / (total * l1_ratio)
    if alpha_max <= smallest_useful:  # y is constant, or unrelated to X
        return np.full(k, smallest_useful)
    return np.geomspace(alpha_max, alpha_max * eps, num=k)


def wants_gram(precompute, X):
    """`precompute` as `make_design` takes it: True forces the Gram matrix, anything else leaves the choice to us."""
    if hasattr(precompute, "__len__") and not isinstance(precompute, str):
        try:
            shape = np.asarray(precompute, dtype=np.float64).shape
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(f"precompute must be True, False or a matrix of numbers, got {precompute!r:.60}",
                                 operands={"precompute": precompute}, rule="precompute: d d") from None
        if shape != (X.shape[1],) * 2:
            raise ShapeError(f"precompute must be a ({X.shape[1]}, {X.shape[1]}) Gram matrix, got shape {shape}",
                             operands={"precompute": shape, "X": X.shape}, rule="precompute: d d")
    return True if precompute is True else None


class ElasticNet(MultiTarget, RegressorMixin, LinearModel, Estimator):
    """Linear regression with l1 and l2 penalties.

    Parameters
    ----------
    alpha : float, default 1.0
        Strength of the penalties, >= 0, in the unit of x y.
    l1_ratio : float in [0, 1], default 0.5
        Share of the l1 penalty; 1 is the lasso.
    fit_intercept : bool, default True
    precompute : bool or array of shape (d, d), default False
        True: form the Gram matrix of all columns first. Otherwise only where that is cheaper.
    max_iter : int, default 1000
        Limit of passes over the working set.
    copy_X : bool, default True
        Accepted; X is never changed.
    tol : float, default 1e-4
        Stop at a duality gap of ``tol * ||y - mean||^2 / n``.
    warm_start : bool, default False
        Begin at the ``coef_`` of the previous fit.
    positive : bool, default False
        Only weights >= 0.
    random_state : int, generator or None
        For ``selection="random"``.
    selection : {"cyclic", "random"}, default "cyclic"
        Order in which the weights take turns; "random": a new random order in each round.

    Attributes
    ----------
    coef_ : ndarray of shape (d,) or (t, d);  sparse_coef_ : the same as a CSR array
    intercept_ : float or ndarray of shape (t,)
    n_iter_ : int or list
    dual_gap_ : float or ndarray of shape (t,)
        Bound of how far the objective is above its minimum.

    Examples
    --------
    >>> from homespun.linear_model import ElasticNet
    >>> ElasticNet(alpha=0.5).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 2.0]).coef_.round(4).tolist()
    [0.2632, 0.2632]
    """

    params = {
        "alpha": Real(low=0),
        "l1_ratio": Real(low=0, high=1),
        "fit_intercept": Boolean(),
        "precompute": Boolean() | ArrayLike(),
        "max_iter": Integer(low=1) | None,
        "copy_X": Boolean(),
        "tol": Real(low=0),
        "warm_start": Boolean(),
        "positive": Boolean(),
        "random_state": RandomState,
        "selection": OneOf("cyclic", "random"),
    }
    path = staticmethod(enet_path)

    def __init__(self, alpha=1.0, *, l1_ratio=0.5, fit_intercept=True, precompute=False, max_iter=1000, copy_X=True, tol=1e-4,
                 warm_start=False, positive=False, random_state=None, selection="cyclic"):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fit. A weight of k equals k copies of the row. `check_input` is accepted; the checks are cheap.

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` passes did not reach `tol`.
        """
        check_params(self)
        if self.alpha == 0:
            warnings.warn("With alpha=0 there is no penalty: LinearRegression finds the same weights sooner", stacklevel=2)
        checks: dict[str, Any] = {"accept_sparse": "csc", "dtype": FLOATS, "multi_output": True, "y_numeric": True}
        X, y = self.validate(X, y, ensure_all_finite=False, **checks)  # of X: a NaN shows in the products, see below
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        Y = as_targets(y)
        earlier = np.atleast_2d(self.coef_) if self.warm_start and hasattr(self, "coef_") else None
        shuffle = generator(self.random_state) if self.selection == "random" else None
        gram = wants_gram(self.precompute, X)
        coefs, gaps, passes, y_means = [], [], [], []
        with finite_sums(self, X, y, checks, NOT_FINITE):
            for k, target in enumerate(Y.T):
                design, X_mean, y_mean, total = make_design(X, target, weights, self.fit_intercept, gram=gram)
                solver = WorkingSet(design, self.positive, shuffle)
                if earlier is not None:
                    solver.start(earlier[k])
                coef, gap, epochs = solve_path(solver, [self.alpha], self.l1_ratio, total, self.tol, self.max_iter or 1000)
                coefs.append(coef[:, 0])
                gaps.append(gap[0])
                passes.append(epochs[0])
                y_means.append(y_mean)
            several = len(coefs) > 1
            self.coef_ = np.array(coefs) if several else coefs[0]
            self.dual_gap_ = np.array(gaps) if several else float(gaps[0])
            self.n_iter_ = passes if several else passes[0]
            self.set_intercept(X_mean, np.array(y_means) if y.ndim == 2 else y_means[0], X.dtype)
        return self

    @property
    def sparse_coef_(self):
        """``coef_`` as a CSR array of shape (t, d)."""
        return sparse.csr_array(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Lasso(ElasticNet):
    """Linear regression with an l1 penalty: `ElasticNet` with ``l1_ratio=1``; parameters and attributes as there.

    Examples
    --------
    >>> from homespun.linear_model import Lasso
    >>> Lasso(alpha=0.1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [0.0, 1.0, 2.0]).coef_.round(4).tolist()
    [0.85, 0.0]
    """

    params = {name: rule for name, rule in ElasticNet.params.items() if name != "l1_ratio"}
    l1_ratio = 1.0

    def __init__(self, alpha=1.0, *, fit_intercept=True, precompute=False, copy_X=True, max_iter=1000, tol=1e-4,
                 warm_start=False, positive=False, random_state=None, selection="cyclic"):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
