"""Kernels between rows as matrices.                                             X: (n, d)   Y: (m, d)   K: (n, m)

    linear      x . y                                rbf        exp(-gamma |x - y|^2)
    polynomial  (gamma x . y + coef0)^degree         laplacian  exp(-gamma |x - y|_1)
    sigmoid     tanh(gamma x . y + coef0)            cosine     x . y / (|x| |y|)
    additive_chi2   -sum_k (x_k - y_k)^2 / (x_k + y_k)          chi2   exp(gamma additive_chi2)

scikit-learn's names and defaults; gamma is 1 / d where it is None (chi2: 1). float32 stays float32, sparse rows are taken
where the formula keeps zeros. rbf is computed around the mean row, so that points far from the origin do not cancel.
O(n m d) time, O(n m) memory. Not handled: weights, missing values.
"""

from __future__ import annotations

import inspect

import numpy as np
import scipy.sparse as sp
from sklearn.metrics.pairwise import check_pairwise_arrays

from homespun.base import DataError, ParameterError, did_you_mean
from homespun.base.errors import HomespunError, ShapeError
from homespun.kernels.matmul import matmul

ROWS = 256  # of X at a time, where a formula needs a block of differences


def linear_kernel(X, Y=None, dense_output=True):
    """x . y of every row of X and of Y (default: X)."""
    X, Y = checked("linear_kernel", X, Y)
    return products(X, Y, dense_output)


def polynomial_kernel(X, Y=None, degree=3, gamma=None, coef0=1):
    """(gamma x . y + coef0)^degree"""
    X, Y = checked("polynomial_kernel", X, Y)
    K = products(X, Y)
    K *= 1.0 / X.shape[1] if gamma is None else gamma
    K += coef0
    K **= degree
    return K


def sigmoid_kernel(X, Y=None, gamma=None, coef0=1):
    """tanh(gamma x . y + coef0)"""
    X, Y = checked("sigmoid_kernel", X, Y)
    K = products(X, Y)
    K *= 1.0 / X.shape[1] if gamma is None else gamma
    K += coef0
    return np.tanh(K, out=K)


def rbf_kernel(X, Y=None, gamma=None):
    """exp(-gamma |x - y|^2)

    Examples
    --------
    >>> from homespun.metrics.pairwise import rbf_kernel
    >>> rbf_kernel([[0.0], [1.0]], [[0.0]], gamma=2.0).round(4).tolist()
    [[1.0], [0.1353]]
    """
    same = Y is None or Y is X
    X, Y = checked("rbf_kernel", X, Y)
    d = X.shape[1]
    if not sp.issparse(X) and not sp.issparse(Y):
        centre = Y.mean(axis=0, dtype=np.float64).astype(X.dtype)
        X, Y = X - centre, Y - centre
    K = products(X, Y)
    K *= -2
    K += squares_of(X)[:, None]
    K += squares_of(Y)[None]
    np.maximum(K, 0, out=K)
    if same:
        np.fill_diagonal(K, 0)
    K *= -(1.0 / d if gamma is None else gamma)
    return np.exp(K, out=K)


def laplacian_kernel(X, Y=None, gamma=None):
    """exp(-gamma sum_k |x_k - y_k|)"""
    X, Y = checked("laplacian_kernel", X, Y)
    d = X.shape[1]
    X, Y = (part.toarray() if sp.issparse(part) else part for part in (X, Y))
    K = by_rows(X, Y, lambda block: np.abs(block[:, None] - Y).sum(axis=-1))
    K *= -(1.0 / d if gamma is None else gamma)
    return np.exp(K, out=K)


def cosine_similarity(X, Y=None, dense_output=True):
    """x . y / (|x| |y|); 0 for a row of zeros."""
    X, Y = checked("cosine_similarity", X, Y)
    return products(of_length_one(X), of_length_one(Y), dense_output)


def additive_chi2_kernel(X, Y=None):
    """-sum_k (x_k - y_k)^2 / (x_k + y_k), for rows without negative entries; 0 / 0 is 0."""
    X, Y = checked("additive_chi2_kernel", X, Y, sparse=False)
    for name, part in (("X", X), ("Y", Y)):
        if (part < 0).any():
            raise DataError(f"additive_chi2_kernel: {name} contains negative values: {part.min():g}",
                            operation="additive_chi2_kernel", operands={name: part.shape}, rule="entries >= 0")

    def row(block):
        total = block[:, None] + Y
        return -np.divide((block[:, None] - Y) ** 2, total, out=np.zeros_like(total), where=total != 0).sum(axis=-1)

    return by_rows(X, Y, row)


def chi2_kernel(X, Y=None, gamma=1.0):
    """exp(-gamma sum_k (x_k - y_k)^2 / (x_k + y_k)), for rows without negative entries."""
    K = additive_chi2_kernel(X, Y)
    K *= gamma
    return np.exp(K, out=K)


PAIRWISE_KERNEL_FUNCTIONS = {
    "additive_chi2": additive_chi2_kernel, "chi2": chi2_kernel, "linear": linear_kernel, "polynomial": polynomial_kernel,
    "poly": polynomial_kernel, "rbf": rbf_kernel, "laplacian": laplacian_kernel, "sigmoid": sigmoid_kernel,
    "cosine": cosine_similarity,
}
KERNEL_PARAMS = {  # what each takes beside the rows
    name: frozenset(inspect.signature(function).parameters) - {"X", "Y", "dense_output"}
    for name, function in PAIRWISE_KERNEL_FUNCTIONS.items()
}


def pairwise_kernels(X, Y=None, metric="linear", *, filter_params=False, n_jobs=None, **kwds):
    """The matrix of the kernel `metric`: a name above, "precomputed" (X itself), or a function of two rows.

    Parameters
    ----------
    filter_params : bool
        Leave out what the kernel does not take.
    n_jobs
        Accepted and ignored: products run on all threads.
    **kwds
        The numbers of the kernel.

    Raises
    ------
    ParameterError, ShapeError, DataError
    """
    if isinstance(metric, str) and metric == "precomputed":
        return checked("pairwise_kernels", X, Y, precomputed=True)[0]
    if callable(metric):
        X, Y = checked("pairwise_kernels", X, Y)
        return np.array([[metric(x, y, **kwds) for y in Y] for x in X])
    if metric not in PAIRWISE_KERNEL_FUNCTIONS:
        hint = did_you_mean(metric, PAIRWISE_KERNEL_FUNCTIONS)
        raise ParameterError(f"pairwise_kernels: metric must be one of {', '.join(PAIRWISE_KERNEL_FUNCTIONS)}, precomputed or a "
                             f"function, got {metric!r}" + (f"; {hint}" if hint else ""), operation="pairwise_kernels",
                             operands={"metric": metric}, rule="the name of a kernel", suggestion=hint)
    if filter_params:
        kwds = {name: value for name, value in kwds.items() if name in KERNEL_PARAMS[metric]}
    return PAIRWISE_KERNEL_FUNCTIONS[metric](X, Y, **kwds)


# ---------------------------------------------------------------------------------------------------------------------
# What they are made of

def checked(name, X, Y, *, sparse=True, precomputed=False):
    """Both as arrays of one float type, or the error in words."""
    try:
        return check_pairwise_arrays(X, Y, accept_sparse="csr" if sparse else False, precomputed=precomputed)
    except HomespunError:
        raise
    except ValueError as error:
        kind = ShapeError if any(words in str(error) for words in ("dimension", "Expected 2D")) else DataError
        raise kind(f"{name}: {error}", operation=name, operands={"X": np.shape(X), "Y": np.shape(Y) if Y is not None else None},
                   rule=str(error).splitlines()[0]) from None


def products(X, Y, dense=True):
    if sp.issparse(X) or sp.issparse(Y):
        found = X @ Y.T
        return found.toarray() if dense and sp.issparse(found) else found
    return matmul(X, Y.T)


def squares_of(X):
    return np.asarray(X.multiply(X).sum(axis=1)).ravel() if sp.issparse(X) else np.einsum("ij,ij->i", X, X)


def of_length_one(X):
    lengths = np.sqrt(squares_of(X))
    inverse = 1 / np.where(lengths > 0, lengths, 1)
    return sp.csr_matrix(X.multiply(inverse[:, None])) if sp.issparse(X) else X * inverse[:, None]


def by_rows(X, Y, function):
    K = np.empty((X.shape[0], Y.shape[0]), np.result_type(X, Y))
    step = max(1, ROWS * 256 // max(1, Y.shape[0] * X.shape[1] // 64))
    for first in range(0, X.shape[0], step):
        K[first:first + step] = function(X[first:first + step])
    return K
