"""`ridge_regression`: the weights of ridge regression, without an estimator around them.

    minimise over w    sum_i s_i (y_i - x_i w)^2 + alpha ||w||^2        X: (n, d)   y: (n,) or (n, t)   w: (d,) or (t, d)

No intercept unless it is asked for: centre X and y yourself. Solvers and cost are those of `ridge.py`.
"""

from __future__ import annotations

from homespun.linear_model.ridge import Ridge


def ridge_regression(X, y, alpha, *, sample_weight=None, solver="auto", max_iter=None, tol=1e-4, verbose=0, positive=False,
                     random_state=None, return_n_iter=False, return_intercept=False, check_input=True):
    """Solve a ridge regression.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n, d);  y : array-like of shape (n,) or (n, t)
    alpha : float or array of shape (t,)
    return_n_iter : bool
        Also the iterations of the solver.
    return_intercept : bool
        Also an intercept, which is then fitted.
    verbose, check_input : accepted
    others : as those of `Ridge`

    Returns
    -------
    coef : ndarray of shape (d,) or (t, d);  n_iter : ndarray, if asked for;  intercept : float or ndarray, if asked for

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.linear_model import ridge_regression
    >>> ridge_regression([[1.0], [2.0]], [1.0, 2.0], alpha=5.0).round(6).tolist()   # 5 / (5 + alpha)
    [0.5]
    """
    model = Ridge(alpha, fit_intercept=return_intercept, solver=solver, max_iter=max_iter, tol=tol, positive=positive,
                  random_state=random_state).fit(X, y, sample_weight)
    answer = [model.coef_] + ([model.n_iter_] if return_n_iter else []) + ([model.intercept_] if return_intercept else [])
    return answer[0] if len(answer) == 1 else tuple(answer)
