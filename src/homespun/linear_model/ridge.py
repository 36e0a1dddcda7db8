"""Ridge regression: least squares with a squared penalty on the weights, not on the intercept.

    minimise over w, b    sum_i s_i (y_i - x_i w - b)^2 + alpha ||w||^2        X: (n, d)   y: (n,) or (n, t)   w: (d,) or (t, d)

Hoerl & Kennard 1970, Technometrics 12(1). Centring takes out b; then, with A the centred, weighted X (never formed when
X is tall) and B the centred, weighted y:

    tall    (A'A + alpha I) w = A'B                   (d, d), Cholesky
    wide    w = A'c,  (A A' + alpha I) c = B          (n, n), Cholesky
    sparse  the first of the two, by conjugate gradients: products with X only (Hestenes & Stiefel 1952)

O(n d min(n, d)) time and O(min(n, d)^2) memory for dense X; O(stored entries) for each iteration on sparse X.
Not handled: scikit-learn's stochastic solvers; "sag" and "saga" are accepted and find the same minimum by conjugate gradients.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import linalg, optimize, sparse
from sklearn.exceptions import ConvergenceWarning

from homespun.base import (
    ArrayLike,
    Boolean,
    Integer,
    OneOf,
    ParameterError,
    RandomState,
    Real,
    ShapeError,
    check_params,
)
from homespun.base.estimator import Estimator, RegressorMixin
from homespun.linear_model.base import (
    FLOATS,
    LinearModel,
    MultiTarget,
    as_targets,
    column_means,
    finite,
    finite_sums,
    inner,
    numbers_in,
)
from homespun.linear_model.centred_operators import CentredDense, CentredSparse, scipy_operator
from homespun.linear_model.least_squares import centred_copy, means
from homespun.linear_model.logistic.cholesky import factor, solve
from homespun.linear_model.moments import moments, outer_products

DIRECT = 5e7  # operations up to which a sparse problem is solved directly rather than by iterations
OWN_CHOLESKY = 300  # columns up to which LAPACK is not quicker, and at times far slower: its threads meet ours
ROUNDED = 32 * np.finfo(np.float64).eps  # what a sum of products is known to, relative to its terms
EXACT_POSITIVE = 2000  # columns up to which positive weights are found exactly


class Ridge(MultiTarget, RegressorMixin, LinearModel, Estimator):
    """Linear least squares with l2 regularisation.

    Parameters
    ----------
    alpha : float or array of shape (t,), default 1.0
        Strength of the penalty, >= 0; one for each target if an array. It has the unit of X'X: the same value weighs less
        as n grows.
    fit_intercept : bool, default True
    copy_X : bool, default True
        Accepted; X is never changed.
    max_iter : int, optional
        Limit of the iterative solvers. Default: 10 times the size of the system (conjugate gradients), as SciPy.
    tol : float, default 1e-4
        Relative accuracy of the iterative solvers.
    solver : {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}, default "auto"
        "auto": Cholesky for dense X and small sparse X, conjugate gradients for sparse X. "lbfgs" needs `positive`.
    positive : bool, default False
        Only weights >= 0.
    random_state : accepted; nothing here is random.

    Attributes
    ----------
    coef_ : ndarray of shape (d,) or (t, d)
    intercept_ : float or ndarray of shape (t,)
    n_iter_ : ndarray of shape (t,)
        Iterations; 1 for direct solvers.
    solver_ : str
        The solver that was used.

    Examples
    --------
    >>> from homespun.linear_model import Ridge
    >>> Ridge(alpha=2.0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.tolist()   # 2 / (2 + alpha)
    [0.5]
    """

    params = {
        "alpha": Real(low=0) | ArrayLike(),
        "fit_intercept": Boolean(),
        "copy_X": Boolean(),
        "max_iter": Integer(low=1) | None,
        "tol": Real(low=0),
        "solver": OneOf("auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"),
        "positive": Boolean(),
        "random_state": RandomState,
    }

    def __init__(self, alpha=1.0, *, fit_intercept=True, copy_X=True, max_iter=None, tol=1e-4, solver="auto", positive=False,
                 random_state=None):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        if self.positive != (self.solver == "lbfgs") and self.solver != "auto":
            raise ParameterError(
                f"Ridge: solver={self.solver!r} does not go with positive={self.positive}; "
                "positive=True takes solver='auto' or 'lbfgs', positive=False any other",
                operation="Ridge", operands={"solver": self.solver, "positive": self.positive},
                rule="solver='lbfgs' if and only if positive=True", suggestion="solver='auto'")
        checks: dict[str, Any] = {"accept_sparse": self.solver != "svd" and ("csr", "csc", "coo"), "dtype": FLOATS,
                                  "multi_output": True, "y_numeric": True}
        X, y = self.validate(X, y, ensure_all_finite=False, **checks)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        Y = as_targets(y)
        alphas = self._alphas(Y.shape[1])
        solver = self._solver(X)
        with finite_sums(self, X, y, checks):
            if solver != "sparse_cg" and (solver != "cholesky" or sparse.issparse(X) or X.shape[0] < X.shape[1]):
                finite(X)
            if solver in ("cholesky", "svd"):
                direct = {"cholesky": solve_cholesky, "svd": solve_svd}[solver]
                coef, X_mean, y_mean = direct(X, Y, alphas, weights, self.fit_intercept)
                iterations = np.ones(len(alphas), dtype=np.int64)
            else:
                iterate = {"lsqr": solve_lsqr, "sparse_cg": solve_conjugate_gradient, "lbfgs": solve_positive}[solver]
                coef, X_mean, y_mean, iterations = iterate(X, Y, alphas, weights, self.fit_intercept, self.tol, self.max_iter)
            self.solver_, self.n_iter_ = solver, iterations
            self.coef_ = coef.T if y.ndim == 2 else coef[:, 0]
            if self.coef_.ndim == 2 and len(self.coef_) == 1:  # scikit-learn's shape for y of shape (n, 1)
                self.coef_ = self.coef_[0]
            self.set_intercept(X_mean, y_mean if y.ndim == 2 else y_mean[0], X.dtype)
        return self

    def _alphas(self, t):
        alphas = numbers_in("Ridge", "alpha", self.alpha, Real(low=0))
        if len(alphas) not in (1, t):
            raise ShapeError(f"Ridge.fit: alpha has {len(alphas)} entries, but y has {t} target(s)", operation="Ridge.fit",
                             operands={"alpha": alphas.shape}, rule=f"one alpha, or {t}")
        return np.broadcast_to(alphas, (t,))

    def _solver(self, X):
        if self.positive:
            return "lbfgs"
        if self.solver in ("sag", "saga"):
            return "sparse_cg"
        if self.solver != "auto":
            return self.solver
        small = X.shape[0] * X.shape[1] * min(X.shape) <= DIRECT
        return "sparse_cg" if sparse.issparse(X) and not small else "cholesky"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd"
        return tags


def solve_cholesky(X, Y, alphas, weights, centre):
    """Weights (d, t) and the means of X and Y. A singular system goes to `solve_svd`."""
    n, d = X.shape
    wide = n < d
    if wide:
        X_mean, y_mean = means(X, Y, weights, centre)
        root = np.ones((n, 1)) if weights is None else np.sqrt(weights)[:, None]
        system, right = outer_products(X, X_mean, weights), root * (Y - y_mean)
    else:
        X_mean, y_mean, system, right, _ = moments(X, Y, weights, centre)
        if not np.isfinite(system.trace()):
            finite(X)
            return solve_svd(X, Y, alphas, weights, centre)  # squares overflow; singular values do not
    solution = np.empty(right.shape)
    for alpha in np.unique(alphas):
        same = alphas == alpha
        part = solve_positive_definite(system, alpha, right[:, same])
        if part is None:
            return solve_svd(X.toarray() if sparse.issparse(X) else X, Y, alphas, weights, centre)
        solution[:, same] = part
    if wide:
        dual = root * solution
        solution = X.T @ dual - X_mean[:, None] * dual.sum(axis=0)  # in float64: dual is
    return solution, X_mean, y_mean


def solve_positive_definite(system, alpha, right):
    """Solution of ``(system + alpha I) x = right``, None if that matrix is singular to working precision."""
    system = system.copy()
    system.flat[:: len(system) + 1] += alpha
    norm = np.abs(system).sum(axis=0).max(initial=0.0)
    if len(system) <= OWN_CHOLESKY:
        L = factor(system)
    else:
        try:
            L = linalg.cholesky(system, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
    if L is None or linalg.lapack.dpocon(L, norm, uplo="L")[0] < 1e-14:  # the reciprocal of the condition
        return None
    return solve(L, right.T).T if len(system) <= OWN_CHOLESKY else linalg.cho_solve((L, True), right, check_finite=False)


def solve_svd(X, Y, alphas, weights, centre):
    """As `solve_cholesky`, from A = U diag(l) V': w = V diag(l / (l^2 + alpha)) U'B. With alpha = 0, of smallest norm."""
    A, B, X_mean, y_mean = centred_copy(X, Y, weights, centre)
    U, lengths, Vt = linalg.svd(A, full_matrices=False, check_finite=False)
    kept = lengths > np.finfo(np.float64).eps * max(A.shape) * lengths.max(initial=0.0)
    lengths = lengths[kept, None]
    shrink = 1.0 / (lengths + alphas / lengths)  # l^2 may overflow
    return Vt[kept].T @ (shrink * (U[:, kept].T @ B)), X_mean, y_mean


def solve_conjugate_gradient(X, Y, alphas, weights, centre, tol, max_iter):
    """As `solve_cholesky`, and iterations (t,): conjugate gradients on (A'A + alpha I) w = A'B, for tall and wide X alike.

    After k steps w is the best of all weights in the Krylov space, by the objective itself. The dual system of wide X walks
    through the same space, but is best by another measure, and reads X twice a step: 16 steps where this one takes 11.
    Preconditioned by the diagonal of A'A plus its mean plus alpha, where alpha is at least that mean. Below, w is at risk in
    the null space of A, where the answer is zero: steps without preconditioner stay in the range of A' and never leave zero
    there; preconditioned ones do, and the residual, alpha times that error, is too short for `tol` to see. So the limit of
    alpha to 0 is the shortest solution.
    """
    A, targets, X_mean, y_mean = centred_operator(X, Y, weights, centre)
    right = np.stack([A.dot_transposed(target) for target in targets.T], axis=1)
    norms, squares = A.squared_norms(), np.einsum("ik,ik->k", targets, targets)
    if not np.isfinite(norms).all() or not np.isfinite(right).all():
        finite(X)
        raise FloatingPointError("squares of X")
    scale = norms.mean()
    coef, iterations = np.empty((X.shape[1], Y.shape[1])), np.empty(Y.shape[1], dtype=np.int64)
    limit = max_iter or 10 * min(A.shape)
    for k, alpha in enumerate(alphas):
        diagonal = norms + scale + alpha if alpha > 0 and alpha >= scale else np.ones(len(norms))
        coef[:, k], iterations[k] = conjugate_gradient(
            lambda w, alpha=alpha: A.normal(w) + alpha * w, right[:, k], diagonal, squares[k], tol, limit)
    return coef, X_mean, y_mean, iterations


def conjugate_gradient(multiply, b, diagonal, constant, tol, max_iter):
    """Minimise ``x'M x - 2 b'x + constant`` >= 0 for a positive (semi)definite M, until

        ||b - M x|| <= tol ||b||     and the last step gained at most tol^2 / 2 of the objective

    Steps tell their gain, so the objective is known without being computed. The second rule is what makes the objective as
    good as that of the dual system at the same `tol`, whose residual is measured before the product with A'. A residual of
    ROUNDED ||b|| ends the search in any case: it is rounding, and where M is nearly singular steps along it lead far away.

    Returns
    -------
    x, iterations
    """
    x, residual = np.zeros_like(b), b.copy()
    z = residual / diagonal
    direction, now, length = z.copy(), inner(residual, z), np.sqrt(inner(b, b))
    if not np.isfinite(length):
        raise FloatingPointError("squares of products of X and y")
    floor = ROUNDED * length
    goal, objective, gain = max(floor, tol * length), constant, np.inf
    for iteration in range(max_iter):
        left = np.sqrt(inner(residual, residual))
        if now == 0 or left <= floor or (left <= goal and gain <= 0.5 * tol**2 * objective):
            return x, max(1, iteration)
        image = multiply(direction)
        curvature = inner(direction, image)
        if not np.isfinite(curvature) or not np.isfinite(objective):
            raise FloatingPointError("squares of weights")
        step = now / curvature
        x += step * direction
        residual -= step * image
        gain = step * now
        objective = max(objective - gain, np.finfo(np.float64).eps * constant)
        z = residual / diagonal
        now, previous = inner(residual, z), now
        direction = z + (now / previous) * direction
    reached = np.sqrt(inner(residual, residual))
    if reached > goal:
        warnings.warn(f"conjugate gradients stopped after {max_iter} iterations with a relative residual of "
                      f"{reached / length:.1e}, tolerance {tol:.1e}: raise max_iter or scale the columns",
                      ConvergenceWarning, stacklevel=4)
    return x, max_iter


def solve_lsqr(X, Y, alphas, weights, centre, tol, max_iter):
    """As `solve_conjugate_gradient`, by SciPy's LSQR with damping."""
    from scipy.sparse.linalg import lsqr

    A, targets, X_mean, y_mean = centred_operator(X, Y, weights, centre)
    found = [lsqr(scipy_operator(A), targets[:, k], damp=np.sqrt(alpha), atol=tol, btol=tol, iter_lim=max_iter)
             for k, alpha in enumerate(alphas)]
    coef = np.stack([solution[0] for solution in found], axis=1)
    return coef, X_mean, y_mean, np.array([max(1, solution[2]) for solution in found])


def solve_positive(X, Y, alphas, weights, centre, tol, max_iter):
    """As `solve_conjugate_gradient`, for weights >= 0.

    Exact where X'X fits: with A'A + alpha I = L L', the problem is min ||L'w - L^-1 A'B|| over w >= 0 (Lawson & Hanson).
    Else, or where L does not exist, by SciPy's L-BFGS-B on the objective and its gradient.
    """
    d, t = X.shape[1], Y.shape[1]
    coef, iterations = np.empty((d, t)), np.ones(t, dtype=np.int64)
    if d <= EXACT_POSITIVE:
        X_mean, y_mean, gram, cross, _ = moments(X, Y, weights, centre)
        if not np.isfinite(gram.trace()):
            raise FloatingPointError("squares of X")
        try:
            for k, alpha in enumerate(alphas):
                L = linalg.cholesky(gram + alpha * np.eye(d), lower=True, check_finite=False)
                right = linalg.solve_triangular(L, cross[:, k], lower=True, check_finite=False)
                coef[:, k] = optimize.nnls(L.T, right, maxiter=30 * d + 30)[0]
            return coef, X_mean, y_mean, iterations
        except linalg.LinAlgError:
            pass
    A, targets, X_mean, y_mean = centred_operator(X, Y, weights, centre)
    for k, alpha in enumerate(alphas):
        def objective(w, target=targets[:, k], alpha=alpha):
            residual = A.dot(w) - target
            return 0.5 * residual @ residual + 0.5 * alpha * w @ w, A.dot_transposed(residual) + alpha * w

        found = optimize.minimize(objective, np.zeros(d), jac=True, method="L-BFGS-B", bounds=[(0, None)] * d,
                                  options={"gtol": tol, "maxiter": max_iter or 15000})
        coef[:, k], iterations[k] = found.x, max(1, found.nit)
    return coef, X_mean, y_mean, iterations


def centred_operator(X, Y, weights, centre):
    A: CentredSparse | CentredDense
    if sparse.issparse(X):
        A = CentredSparse(X, np.zeros(X.shape[1]), weights)
        if centre:
            A.mean = A.sums(A.weights) / A.weights.sum()
    else:
        A = CentredDense(X, means(X, Y, weights, centre)[0], weights)
    y_mean = column_means(Y, weights) if centre else np.zeros(Y.shape[1])
    return A, A.root[:, None] * (Y - y_mean), A.mean, y_mean
