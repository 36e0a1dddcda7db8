"""Mutual information of each column with the target: 0 if they have nothing to do with each other, of whatever shape.

    two numbers          I = psi(n) + psi(k) - mean(psi(n_x + 1) + psi(n_y + 1))
    a number, a class    I = psi(n) + mean(psi(k)) - mean(psi(n_class)) - mean(psi(m))
    two classes          I = sum p_ab log(p_ab / (p_a p_b))

n_x, n_y, m: points nearer than the k-th neighbour, in one coordinate, in all classes. Kraskov, Stögbauer & Grassberger 2004,
Phys. Rev. E 69, eq. 8; Ross 2014, PLoS ONE 9(2), eq. 2. Points along one axis are counted by sorting. Equal values are moved
apart by noise of 1e-10. In nats, never below 0. Cost O(n log n) a column. Not handled: missing values, weights.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import digamma
from sklearn.utils import check_random_state, check_X_y

from homespun.base.errors import DataError


def mutual_info_regression(X, y, *, discrete_features="auto", n_neighbors=3, copy=True, random_state=None, n_jobs=None):
    """Mutual information of each column with a target of numbers.

    Parameters
    ----------
    X : array or sparse matrix of shape (n, d)
    y : array of shape (n,)
    discrete_features : "auto", bool, mask or indices, default="auto"
        Columns that are codes of classes. "auto": all of sparse X, none of dense X.
    n_neighbors : int, default=3
    copy : bool, default=True
    random_state : None, int or RandomState, default=None
        Of the noise.
    n_jobs : ignored

    Returns
    -------
    array of shape (d,), in nats

    Examples
    --------
    >>> x = np.linspace(0, 1, 200)
    >>> found = mutual_info_regression(np.column_stack([np.sin(9 * x), np.arange(200) * 37 % 101]), x, random_state=0)
    >>> found[0] > 1 > found[1]
    np.True_
    """
    return _estimate(X, y, discrete_features, False, n_neighbors, random_state, "mutual_info_regression")


def mutual_info_classif(X, y, *, discrete_features="auto", n_neighbors=3, copy=True, random_state=None, n_jobs=None):
    """Mutual information of each column with classes; parameters as in `mutual_info_regression`.

    Examples
    --------
    >>> x = np.linspace(0, 1, 200)
    >>> mutual_info_classif(x[:, None], x > 0.5, random_state=0).round(2)  # all of log 2
    array([0.69])
    """
    return _estimate(X, y, discrete_features, True, n_neighbors, random_state, "mutual_info_classif")


def _estimate(X, y, discrete_features, discrete_target, k, random_state, operation):
    try:
        X, y = check_X_y(X, y, accept_sparse="csc", y_numeric=not discrete_target)
    except ValueError as error:
        raise DataError(f"{operation}: {error}", operation=operation, operands={}, rule=str(error).splitlines()[0]) from None
    d = X.shape[1]
    discrete = _discrete_mask(X, discrete_features, operation)
    if sparse.issparse(X) and not discrete.all():
        raise DataError(f"{operation}: Sparse matrix `X` can't have continuous features.", operation=operation,
                        operands={"X": X.shape}, rule="discrete_features=True for sparse X")
    rng = check_random_state(random_state)
    if not discrete.all():
        X = X.astype(np.float64)
        X[:, ~discrete] = _shaken(_scaled(X[:, ~discrete]), rng)
    if not discrete_target:
        y = _shaken(_scaled(y.astype(np.float64)[:, None]), rng, flat=True)[:, 0]
    out = np.empty(d)
    for j in range(d):
        x = X[:, [j]].toarray().ravel() if sparse.issparse(X) else X[:, j]
        if discrete[j] and discrete_target:
            out[j] = between_classes(x, y)
        elif discrete[j]:
            out[j] = number_and_class(y, x, k)
        elif discrete_target:
            out[j] = number_and_class(x, y, k)
        else:
            out[j] = between_numbers(x, y, k)
    return out


def _discrete_mask(X, given, operation):
    d = X.shape[1]
    if isinstance(given, str):
        if given != "auto":
            raise DataError(f"{operation}: Invalid string value for discrete_features: {given!r}", operation=operation,
                            operands={"discrete_features": given}, rule="'auto', a bool, a mask or indices")
        given = sparse.issparse(X)
    if isinstance(given, (bool, np.bool_)):
        return np.full(d, bool(given))
    given = np.asarray(given)
    if given.dtype == bool:
        return given
    mask = np.zeros(d, dtype=bool)
    mask[given] = True
    return mask


def _scaled(X):
    deviation = X.std(axis=0)
    return X / np.where(deviation > 10 * np.finfo(np.float64).eps, deviation, 1.0)


def _shaken(X, rng, flat=False):
    means = np.maximum(1.0, np.abs(X).mean(axis=0))
    noise = rng.standard_normal(size=len(X))[:, None] if flat else rng.standard_normal(size=X.shape)
    return X + 1e-10 * means * noise


def between_numbers(x, y, k) -> float:
    """Kraskov's estimate."""
    from scipy.spatial import KDTree

    points = np.column_stack([x, y])
    radius = KDTree(points).query(points, k=k + 1, p=np.inf)[0][:, -1]
    radius = np.nextafter(radius, 0)
    near_x, near_y = within(x, radius), within(y, radius)  # with the point itself
    return max(0.0, float(digamma(len(x)) + digamma(k) - digamma(near_x).mean() - digamma(near_y).mean()))


def number_and_class(x, label, k) -> float:
    """Ross's estimate."""
    radius, size, used = np.zeros(len(x)), np.ones(len(x)), np.ones(len(x))
    for one in np.unique(label):
        members = np.flatnonzero(label == one)
        size[members] = len(members)
        if len(members) > 1:
            used[members] = min(k, len(members) - 1)
            radius[members] = np.nextafter(nearest(x[members], int(used[members[0]])), 0)
    kept = size > 1
    if not kept.any():
        return 0.0
    near = within(x[kept], radius[kept])
    value = digamma(kept.sum()) + digamma(used[kept]).mean() - digamma(size[kept]).mean() - digamma(near).mean()
    return max(0.0, float(value))


def between_classes(a, b) -> float:
    """The definition, on counted pairs."""
    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1.0 / len(a))
    there = table > 0
    product = np.outer(table.sum(axis=1), table.sum(axis=0))
    return max(0.0, float((table[there] * np.log(table[there] / product[there])).sum()))


def nearest(x, k) -> np.ndarray:
    """Distance of each number to its k-th nearest other one: it is k places away in order, at most.

    >>> nearest(np.array([0.0, 1.0, 3.0]), 1)
    array([1., 1., 2.])
    """
    order = np.argsort(x, kind="stable")
    ranked, n = x[order], len(x)
    best = np.full(n, np.inf)
    for left in range(k + 1):  # `left` of the k neighbours on the left, the others on the right
        right = k - left
        rows = np.arange(left, n - right)
        reach = np.maximum(ranked[rows] - ranked[rows - left], ranked[rows + right] - ranked[rows])
        best[rows] = np.minimum(best[rows], reach)
    out = np.empty(n)
    out[order] = best
    return out


def within(x, radius) -> np.ndarray:
    """How many numbers are at most `radius` away from each, itself among them.

    >>> within(np.array([0.0, 1.0, 3.0]), np.array([0.5, 2.0, 2.0]))
    array([1, 3, 2])
    """
    ranked = np.sort(x)
    slack = 4 * np.finfo(np.float64).eps * (np.abs(x) + radius)  # x + radius is rounded, x_j - x is what counts
    low = np.searchsorted(ranked, x - radius - slack, side="left")
    high = np.searchsorted(ranked, x + radius + slack, side="right")
    while (far := np.flatnonzero(x - ranked[low] > radius)).size:
        low[far] += 1
    while (far := np.flatnonzero(ranked[high - 1] - x > radius)).size:
        high[far] -= 1
    return high - low
