"""How much a column says about the target, one column at a time: correlations, F-tests, chi-squared tests.

    f_regression   F = r^2 / (1 - r^2) * (n - 2)                               r: correlation of column and target
    f_classif      F = (SS_between / (k - 1)) / (SS_within / (n - k))          one-way analysis of variance, k classes
    chi2           sum over classes of (observed - expected)^2 / expected      of sums of a column of counts

Each gives scores and p-values. Cost O(n d). Not handled: missing values, weights.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import chdtrc, fdtrc
from sklearn.utils import check_X_y

from homespun.base.errors import DataError

# scikit-learn's word for each place in these formulas: X (n, d), y (n,)


def r_regression(X, y, *, center=True, force_finite=True):
    """Correlation of each column with the target.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d)
    y : array of shape (n,)
    center : bool, default=True
        Subtract the means.
    force_finite : bool, default=True
        0 in the place of NaN where a column or the target is constant.

    Returns
    -------
    array of shape (d,)

    Examples
    --------
    >>> r_regression([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]], [2.0, 4.0, 6.0])
    array([1., 0.])
    """
    X, y = _checked(X, y, "r_regression", dtype=np.float64, y_numeric=True)
    y = y.astype(np.float64)
    n = X.shape[0]
    if center:
        y = y - y.mean()
    if sparse.issparse(X):
        squares = np.asarray(X.multiply(X).sum(axis=0)).ravel()
        means = np.asarray(X.mean(axis=0)).ravel() if center else np.zeros(X.shape[1])
        lengths = np.sqrt(np.maximum(squares - n * means**2, 0.0))
        products = X.T @ y
    else:
        means = X.mean(axis=0) if center else np.zeros(X.shape[1])
        squares, products = np.zeros(X.shape[1]), np.zeros(X.shape[1])
        for begin in range(0, n, 4096):  # rows that stay in the cache
            centred = X[begin : begin + 4096] - means
            squares = squares + np.einsum("ij,ij->j", centred, centred)
            products = products + y[begin : begin + 4096] @ centred
        lengths = np.sqrt(squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = products / lengths / np.linalg.norm(y)
    return np.where(np.isnan(r), 0.0, r) if force_finite else r


def f_regression(X, y, *, center=True, force_finite=True):
    """F-test of a line through each column.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d)
    y : array of shape (n,)
    center : bool, default=True
    force_finite : bool, default=True
        Largest number for a perfect line, 0 (p = 1) for a constant.

    Returns
    -------
    scores, p_values : arrays of shape (d,)

    Examples
    --------
    >>> scores, p = f_regression([[1.0], [2.0], [3.0], [4.0]], [1.0, 3.0, 2.0, 4.0])
    >>> scores.round(3), p.round(3)
    (array([3.556]), array([0.2]))
    """
    r = r_regression(X, y, center=center, force_finite=force_finite)
    freedom = len(y) - (2 if center else 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = r**2 / (1 - r**2) * freedom
    return _finite(scores, _upper_tail(1, freedom, scores), force_finite)


def f_oneway(*groups):
    """One-way analysis of variance of each column: are the means of the groups equal?

    Parameters
    ----------
    *groups : arrays of shape (n_k, d)

    Returns
    -------
    scores, p_values : arrays of shape (d,)

    Examples
    --------
    >>> scores, p = f_oneway(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]))
    >>> scores.round(6), p.round(4)
    (array([8.]), array([0.1056]))
    """
    groups = tuple(group if sparse.issparse(group) else np.asarray(group, dtype=np.float64) for group in groups)
    counts = np.array([group.shape[0] for group in groups])
    n, k = counts.sum(), len(groups)
    sums = np.array([np.asarray(group.sum(axis=0)).ravel() for group in groups])  # (k, d)
    grand = sums.sum(axis=0) / n
    between = (counts[:, None] * (sums / counts[:, None] - grand) ** 2).sum(axis=0)
    within = np.zeros(sums.shape[1])
    for group, total, count in zip(groups, sums, counts):
        if sparse.issparse(group):
            within += np.asarray(group.multiply(group).sum(axis=0)).ravel() - total**2 / count
        else:
            within += ((group - total / count) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = (between / (k - 1)) / (within / (n - k))
    return scores, _upper_tail(k - 1, n - k, scores)


def f_classif(X, y):
    """One-way analysis of variance of each column between the classes.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d)
    y : array of shape (n,)

    Returns
    -------
    scores, p_values : arrays of shape (d,)

    Examples
    --------
    >>> f_classif([[1.0], [2.0], [3.0], [4.0]], ["a", "a", "b", "b"])[0].round(6)
    array([8.])
    """
    X, y = _checked(X, y, "f_classif", dtype=np.float64)
    X = X.tocsr() if sparse.issparse(X) else X
    return f_oneway(*(X[y == label] for label in np.unique(y)))


def chi2(X, y):
    """Chi-squared test of counts: are they spread over the classes as the rows are?

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d), not negative
    y : array of shape (n,)

    Returns
    -------
    scores, p_values : arrays of shape (d,)

    Examples
    --------
    >>> scores, p = chi2([[2, 1], [0, 1], [0, 1], [2, 1]], ["a", "b", "b", "a"])
    >>> scores, p.round(4)
    (array([4., 0.]), array([0.0455, 1.    ]))
    """
    X, y = _checked(X, y, "chi2", dtype=(np.float64, np.float32))
    values = X.data if sparse.issparse(X) else X
    if values.size and values.min() < 0:
        raise DataError(f"chi2: Input X must be non-negative, got {values.min():g}", operation="chi2",
                        operands={"X": X.shape}, rule="x >= 0")
    labels = np.unique(y)
    members = (y[:, None] == labels).astype(np.float64)
    observed = np.asarray((X.T @ members).T, dtype=np.float64)
    expected = np.outer(members.mean(axis=0), np.asarray(X.sum(axis=0), dtype=np.float64).ravel())
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = ((observed - expected) ** 2 / expected).sum(axis=0)
    return scores, chdtrc(len(labels) - 1, scores)


def _upper_tail(k, freedom, scores):
    if freedom <= 0 or k <= 0:
        return np.full(np.shape(scores), np.nan)
    return fdtrc(k, freedom, np.where(np.isnan(scores), np.nan, scores))


def _finite(scores, p, force_finite):
    if force_finite:
        p = np.where(np.isinf(scores), 0.0, np.where(np.isnan(scores), 1.0, p))
        scores = np.where(np.isinf(scores), np.finfo(scores.dtype).max, np.where(np.isnan(scores), 0.0, scores))
    return scores, p


def _checked(X, y, operation, **checks):
    try:
        return check_X_y(X, y, accept_sparse=("csr", "csc", "coo"), **checks)
    except ValueError as error:
        raise DataError(f"{operation}: {error}", operation=operation, operands={}, rule=str(error).splitlines()[0]) from None
