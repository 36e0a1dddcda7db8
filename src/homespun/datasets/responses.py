"""Tables for regression whose law is known: a linear one, and Friedman's. scikit-learn's names and defaults.

    make_regression   y = X w + bias + noise * N(0, 1)      w: U(0, 100) on the informative columns, 0 on the others
    make_friedman1    y = 10 sin(pi x0 x1) + 20 (x2 - 1/2)^2 + 10 x3 + 5 x4 + noise * N(0, 1)      x: U(0, 1)

Friedman 1991, The Annals of Statistics 19(1), sec. 4.3; Breiman 1996, Machine Learning 24. With `effective_rank` = r the
columns of X are correlated: singular values (1 - tail) exp(-(i/r)^2) + tail exp(-i / (10 r)), as a fast decay over a slow tail.
Distributed as in scikit-learn, drawn from NumPy's newer generator.
"""

from __future__ import annotations

import numpy as np

from homespun.base.params import Integer, Real, check_param
from homespun.base.random import generator


def make_regression(n_samples=100, n_features=100, *, n_informative=10, n_targets=1, bias=0.0, effective_rank=None,
                    tail_strength=0.5, noise=0.0, shuffle=True, coef=False, random_state=None):
    """A linear law over a few of many columns.

    Parameters
    ----------
    n_samples, n_features : int, default=100
    n_informative : int, default=10
        Columns with a weight that is not zero; at most `n_features`.
    n_targets : int, default=1
    bias : float, default=0.0
        The intercept.
    effective_rank : int, optional
        About how many directions carry X. Default: all, with independent N(0, 1) columns.
    tail_strength : float, default=0.5
        Weight of the slow tail of singular values, 0 to 1; only with `effective_rank`.
    noise : float, default=0.0
        Standard deviation of what is added to y.
    shuffle : bool, default=True
        Mix rows and columns; otherwise the informative columns come first.
    coef : bool, default=False
        Return the weights too.
    random_state : int, Generator or None, default=None

    Returns
    -------
    X : array of shape (n_samples, n_features)
    y : array of shape (n_samples,) or (n_samples, n_targets)
    coef : array of shape (n_features,) or (n_features, n_targets)
        Only with ``coef=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.datasets import make_regression
    >>> X, y, w = make_regression(50, 8, n_informative=3, bias=7.0, coef=True, random_state=0)
    >>> np.allclose(y, X @ w + 7.0), int((w != 0).sum())
    (True, 3)
    """
    operation = "make_regression"
    for name, value, constraint in (("n_samples", n_samples, Integer(low=1)), ("n_features", n_features, Integer(low=1)),
                                    ("n_informative", n_informative, Integer(low=0)), ("n_targets", n_targets, Integer(low=1)),
                                    ("bias", bias, Real()), ("effective_rank", effective_rank, Integer(low=1) | None),
                                    ("tail_strength", tail_strength, Real(0, 1)), ("noise", noise, Real(low=0))):
        check_param(operation, name, value, constraint)
    rng = generator(random_state)
    if effective_rank is None:
        X = rng.standard_normal((n_samples, n_features))
    else:
        X = _low_rank(rng, n_samples, n_features, effective_rank, tail_strength)
    informative = min(n_features, n_informative)
    weights = np.zeros((n_features, n_targets))
    weights[:informative] = 100 * rng.random((informative, n_targets))
    y = X @ weights + bias
    if noise > 0:
        y = y + noise * rng.standard_normal(y.shape)
    if shuffle:
        rows, columns = rng.permutation(n_samples), rng.permutation(n_features)
        X, y, weights = X[rows][:, columns], y[rows], weights[columns]
    if n_targets == 1:
        y, weights = y[:, 0], weights[:, 0]
    return (X, y, weights) if coef else (X, y)


def _low_rank(rng, n_samples, n_features, effective_rank, tail_strength):
    """U diag(s) V' with random orthonormal U, V and the singular values of the module's docstring."""
    size = min(n_samples, n_features)
    U = np.linalg.qr(rng.standard_normal((n_samples, size)))[0]
    V = np.linalg.qr(rng.standard_normal((n_features, size)))[0]
    i = np.arange(size) / effective_rank
    return (U * ((1 - tail_strength) * np.exp(-(i**2)) + tail_strength * np.exp(-0.1 * i))) @ V.T


def make_friedman1(n_samples=100, n_features=10, *, noise=0.0, random_state=None):
    """Friedman's first function: a product in a sine, a square, two lines, and columns without any effect.

    Parameters
    ----------
    n_samples : int, default=100
    n_features : int, default=10
        At least 5; what lies beyond has no effect.
    noise : float, default=0.0
        Standard deviation of what is added to y.
    random_state : int, Generator or None, default=None

    Returns
    -------
    X : array of shape (n_samples, n_features)
        Uniform on [0, 1).
    y : array of shape (n_samples,)

    Examples
    --------
    >>> from homespun.datasets import make_friedman1
    >>> X, y = make_friedman1(3, random_state=0)
    >>> X.shape, y.shape
    ((3, 10), (3,))
    """
    check_param("make_friedman1", "n_samples", n_samples, Integer(low=1))
    check_param("make_friedman1", "n_features", n_features, Integer(low=5))
    check_param("make_friedman1", "noise", noise, Real(low=0))
    rng = generator(random_state)
    X = rng.random((n_samples, n_features))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    return X, y + noise * rng.standard_normal(n_samples)
