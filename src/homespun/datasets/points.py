"""Points in the plane (or in space) whose groups are known: blobs, two moons, two circles. scikit-learn's names and defaults.

    blobs     x = centre of its group + cluster_std * N(0, I)
    moons     (cos t, sin t) and (1 - cos t, 1 - sin t - 1/2),   t evenly from 0 to pi
    circles   (cos t, sin t) and factor * (cos t, sin t),        t evenly from 0 to 2 pi, the end left out

Noise, where asked for, is N(0, noise^2) on each coordinate. Without noise and shuffling, moons and circles are scikit-learn's
to the last bit; anything random is distributed as there, but drawn from NumPy's newer generator, so not number for number.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np

from homespun.base.errors import ParameterError
from homespun.base.params import Integer, Real, check_param
from homespun.base.random import generator


def make_blobs(n_samples=100, n_features=2, *, centers=None, cluster_std=1.0, center_box=(-10.0, 10.0), shuffle=True,
               random_state=None, return_centers=False):
    """Round clouds of points, one a group.

    Parameters
    ----------
    n_samples : int or sequence of int, default=100
        Points in all, shared evenly; or points of each group.
    n_features : int, default=2
        Coordinates; ignored where `centers` are given as an array.
    centers : int or array of shape (n_centers, n_features), optional
        How many groups, or where they are. Default: three, or as many as `n_samples` lists.
    cluster_std : float or sequence of float, default=1.0
        Standard deviation, of all groups or of each.
    center_box : (float, float), default=(-10.0, 10.0)
        Range of each coordinate of a random centre.
    shuffle : bool, default=True
    random_state : int, Generator or None, default=None
    return_centers : bool, default=False

    Returns
    -------
    X : array of shape (n_samples, n_features)
    y : int array of shape (n_samples,)
        Group of each point.
    centers : array of shape (n_centers, n_features)
        Only with `return_centers`.

    Raises
    ------
    ParameterError
        Numbers of groups that do not agree.

    Examples
    --------
    >>> from homespun.datasets import make_blobs
    >>> X, y = make_blobs(6, centers=[[0, 0], [9, 9]], cluster_std=0.1, shuffle=False, random_state=0)
    >>> X.mean(axis=1).round().astype(int).tolist(), y.tolist()
    ([0, 0, 0, 9, 9, 9], [0, 0, 0, 1, 1, 1])
    """
    rng = generator(random_state)
    counts = None if isinstance(n_samples, Integral) else [int(count) for count in n_samples]
    if counts is None:
        check_param("make_blobs", "n_samples", n_samples, Integer(low=1))
    elif min(counts, default=-1) < 0:
        raise ParameterError(f"n_samples must list a count >= 0 for each group, got {list(n_samples)!r}",
                             operation="make_blobs", operands={"n_samples": n_samples}, rule="counts >= 0")
    if centers is None or isinstance(centers, Integral):
        groups = centers if centers is not None else (3 if counts is None else len(counts))
        check_param("make_blobs", "centers", groups, Integer(low=1))
        check_param("make_blobs", "n_features", n_features, Integer(low=1))
        low, high = center_box
        if low > high:
            raise ParameterError(f"center_box must go from low to high, got {center_box!r}", operation="make_blobs",
                                 operands={"center_box": center_box}, rule="low <= high")
        centers = rng.uniform(low, high, size=(groups, n_features))
    centers = np.array(centers, dtype=np.float64, ndmin=2)
    groups = len(centers)
    counts = _shares(n_samples, groups) if counts is None else counts
    deviations = np.broadcast_to(np.asarray(cluster_std, dtype=np.float64), groups) if np.ndim(cluster_std) == 0 \
        else np.asarray(cluster_std, dtype=np.float64)
    for name, size in (("n_samples", len(counts)), ("cluster_std", len(deviations))):
        if size != groups:
            raise ParameterError(f"{name} must have one entry for each of the {groups} centers, got {size}",
                                 operation="make_blobs", operands={name: size, "centers": groups}, rule="one for each center")
    y = np.repeat(np.arange(groups), counts)
    X = centers[y] + deviations[y, None] * rng.standard_normal((len(y), centers.shape[1]))
    order = rng.permutation(len(y)) if shuffle else slice(None)
    return (X[order], y[order], centers) if return_centers else (X[order], y[order])


def make_moons(n_samples=100, *, shuffle=True, noise=None, random_state=None):
    """Two half circles that clasp each other.

    Parameters
    ----------
    n_samples : int or (int, int), default=100
        Points in all, or of each moon.
    shuffle : bool, default=True
    noise : float, optional
        Standard deviation of what is added to each coordinate.
    random_state : int, Generator or None, default=None

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : int array of shape (n_samples,)
        0 for the upper moon, 1 for the lower.

    Examples
    --------
    >>> from homespun.datasets import make_moons
    >>> make_moons((2, 1), shuffle=False)[0].round(2).tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5]]
    """
    upper, lower = _two("make_moons", n_samples)
    out, inside = np.linspace(0, np.pi, upper), np.linspace(0, np.pi, lower)
    X = np.vstack([np.column_stack([np.cos(out), np.sin(out)]),
                   np.column_stack([1 - np.cos(inside), 1 - np.sin(inside) - 0.5])])
    return _finish("make_moons", X, np.repeat([0, 1], [upper, lower]), shuffle, noise, random_state)


def make_circles(n_samples=100, *, shuffle=True, noise=None, random_state=None, factor=0.8):
    """A circle within a circle.

    Parameters
    ----------
    n_samples : int or (int, int), default=100
        Points in all, or of the outer and the inner circle.
    shuffle : bool, default=True
    noise : float, optional
        Standard deviation of what is added to each coordinate.
    random_state : int, Generator or None, default=None
    factor : float, default=0.8
        Radius of the inner circle, from 0 to below 1; the outer one has radius 1.

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : int array of shape (n_samples,)
        0 for the outer circle, 1 for the inner.

    Examples
    --------
    >>> from homespun.datasets import make_circles
    >>> make_circles((2, 1), shuffle=False, factor=0.5)[0].round(2).tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.5, 0.0]]
    """
    check_param("make_circles", "factor", factor, Real(0, 1, open="high"))
    outer, inner = _two("make_circles", n_samples)
    out = np.linspace(0, 2 * np.pi, outer, endpoint=False)
    inside = np.linspace(0, 2 * np.pi, inner, endpoint=False)
    X = np.vstack([np.column_stack([np.cos(out), np.sin(out)]),
                   np.column_stack([np.cos(inside) * factor, np.sin(inside) * factor])])
    return _finish("make_circles", X, np.repeat([0, 1], [outer, inner]), shuffle, noise, random_state)


def _two(operation, n_samples) -> tuple[int, int]:
    """Points of the first and the second group."""
    if isinstance(n_samples, Integral):
        check_param(operation, "n_samples", n_samples, Integer(low=1))
        return int(n_samples) // 2, int(n_samples) - int(n_samples) // 2
    if not (isinstance(n_samples, (tuple, list)) and len(n_samples) == 2
            and all(isinstance(count, (int, np.integer)) and count >= 0 for count in n_samples)):
        raise ParameterError(f"n_samples must be an integer or a pair of counts >= 0, got {n_samples!r}", operation=operation,
                             operands={"n_samples": n_samples}, rule="an integer or two counts >= 0")
    return int(n_samples[0]), int(n_samples[1])


def _finish(operation, X, y, shuffle, noise, random_state):
    check_param(operation, "noise", noise, Real(low=0) | None)
    rng = generator(random_state)
    if noise is not None:
        X = X + noise * rng.standard_normal(X.shape)
    order = rng.permutation(len(y)) if shuffle else slice(None)
    return X[order], y[order]


def _shares(total: int, groups: int) -> list[int]:
    """`total` in `groups` parts that differ by one at most, the larger ones first."""
    return [total // groups + (group < total % groups) for group in range(groups)]
