"""A table for classification whose informative columns are known: clusters on the corners of a cube (Guyon's Madelon).

    informative   x = A_k z + class_sep * corner_k            z: N(0, I), A_k: U(-1, 1), one for each cluster k, corners: +-1
    redundant     informative columns times B,                B: U(-1, 1)
    repeated      copies of columns drawn from those two
    the rest      N(0, 1), without any effect
    then          y is drawn anew for a share `flip_y` of the rows;  x = (x + shift) * scale

Guyon 2003, "Design of experiments of the NIPS 2003 variable selection benchmark". Corners are distinct. scikit-learn's name,
signature and defaults; distributed as there, drawn from NumPy's newer generator.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import ParameterError
from homespun.base.params import Integer, Real, check_param
from homespun.base.random import generator
from homespun.datasets.points import _shares


def make_classification(n_samples=100, n_features=20, *, n_informative=2, n_redundant=2, n_repeated=0, n_classes=2,
                        n_clusters_per_class=2, weights=None, flip_y=0.01, class_sep=1.0, hypercube=True, shift=0.0, scale=1.0,
                        shuffle=True, random_state=None, return_X_y=True):
    """Classes made of clusters, with informative, redundant, repeated and useless columns.

    Parameters
    ----------
    n_samples : int, default=100
    n_features : int, default=20
        At least informative + redundant + repeated; the rest is noise.
    n_informative, n_redundant, n_repeated : int, default=2, 2, 0
        Columns that carry the classes; their linear combinations; copies of either.
    n_classes, n_clusters_per_class : int, default=2
        Their product is at most ``2 ** n_informative``.
    weights : sequence of float, optional
        Share of each class; the last may be left out. Default: equal.
    flip_y : float, default=0.01
        Share of the rows whose class is drawn anew.
    class_sep : float, default=1.0
        Half the edge of the cube: larger is easier.
    hypercube : bool, default=True
        False: the clusters sit inside the cube instead of on its corners.
    shift, scale : float, array of shape (n_features,) or None, default=0.0, 1.0
        Added to, then multiplied with the columns; None draws them: U(-class_sep, class_sep) and U(1, 100).
    shuffle : bool, default=True
        Mix rows and columns; otherwise the order is informative, redundant, repeated, useless.
    random_state : int, Generator or None, default=None
    return_X_y : bool, default=True
        False: a `Bunch` with ``X``, ``y``, ``parameters`` and ``feature_info``, the kind of each column.

    Returns
    -------
    X : array of shape (n_samples, n_features)
    y : int array of shape (n_samples,)

    Raises
    ------
    ParameterError
        More columns, clusters or shares than fit.

    Examples
    --------
    >>> from homespun.datasets import make_classification
    >>> X, y = make_classification(200, 5, weights=[0.9], flip_y=0, random_state=0)
    >>> X.shape, int((y == 0).sum())
    ((200, 5), 180)
    """
    parameters = dict(locals())
    operation = "make_classification"
    for name, low in (("n_samples", 1), ("n_features", 1), ("n_informative", 1), ("n_redundant", 0), ("n_repeated", 0),
                      ("n_classes", 1), ("n_clusters_per_class", 1)):
        check_param(operation, name, parameters[name], Integer(low=low))
    check_param(operation, "flip_y", flip_y, Real(0, 1))
    check_param(operation, "class_sep", class_sep, Real(low=0))
    useless = n_features - n_informative - n_redundant - n_repeated
    if useless < 0:
        raise ParameterError(
            f"n_informative + n_redundant + n_repeated must be at most n_features, got {n_informative} + {n_redundant} + "
            f"{n_repeated} > {n_features}", operation=operation,
            operands={name: parameters[name] for name in ("n_features", "n_informative", "n_redundant", "n_repeated")},
            rule="informative + redundant + repeated <= features")
    clusters = n_classes * n_clusters_per_class
    if clusters > 2**n_informative:
        raise ParameterError(
            f"a cube of n_informative = {n_informative} dimensions has {2**n_informative} corners, too few for n_classes * "
            f"n_clusters_per_class = {n_classes} * {n_clusters_per_class}", operation=operation,
            operands={"n_informative": n_informative, "clusters": clusters}, rule="classes * clusters <= 2 ** informative",
            suggestion=f"n_informative={int(np.ceil(np.log2(clusters)))}")
    rng = generator(random_state)
    shares = np.tile(_class_shares(weights, n_classes) / n_clusters_per_class, n_clusters_per_class)
    counts = _counts(n_samples, shares)
    cluster = np.repeat(np.arange(clusters), counts)
    y = cluster % n_classes  # as in scikit-learn: cluster 0 of every class, cluster 1 of every class, …

    corners = _corners(rng, clusters, n_informative) * 2.0 * class_sep - class_sep
    if not hypercube:
        corners = corners * rng.random((clusters, 1)) * rng.random((1, n_informative))
    informative = rng.standard_normal((n_samples, n_informative))
    for k in range(clusters):
        rows = cluster == k
        informative[rows] = informative[rows] @ rng.uniform(-1, 1, (n_informative, n_informative)) + corners[k]
    redundant = informative @ rng.uniform(-1, 1, (n_informative, n_redundant))
    known = np.hstack([informative, redundant])
    copied = known[:, rng.integers(known.shape[1], size=n_repeated)]
    X = np.hstack([known, copied, rng.standard_normal((n_samples, useless))])
    kinds = np.repeat(["informative", "redundant", "repeated", "random"], [n_informative, n_redundant, n_repeated, useless])

    drawn = rng.random(n_samples) < flip_y
    y[drawn] = rng.integers(n_classes, size=drawn.sum())
    shift = rng.uniform(-class_sep, class_sep, n_features) if shift is None else shift
    scale = rng.uniform(1, 100, n_features) if scale is None else scale
    X = (X + shift) * scale
    if shuffle:
        rows, columns = rng.permutation(n_samples), rng.permutation(n_features)
        X, y, kinds = X[rows][:, columns], y[rows], kinds[columns]
    if return_X_y:
        return X, y
    from sklearn.utils import Bunch

    return Bunch(X=X, y=y, feature_info=kinds.tolist(), parameters=parameters)


def _class_shares(weights, n_classes) -> np.ndarray:
    if weights is None:
        return np.full(n_classes, 1.0 / n_classes)
    shares = np.asarray(weights, dtype=np.float64)
    if shares.ndim != 1 or len(shares) not in (n_classes, n_classes - 1) or shares.min(initial=0) < 0:
        raise ParameterError(f"weights must list {n_classes} shares >= 0, or one fewer, got {list(np.ravel(weights))!r}",
                             operation="make_classification", operands={"weights": weights, "n_classes": n_classes},
                             rule="a share >= 0 for each class; the last may be left out")
    if len(shares) == n_classes - 1:
        shares = np.append(shares, 1.0 - shares.sum())
    if shares[-1] < -1e-12 or shares.sum() <= 0:
        raise ParameterError(f"weights must not exceed 1 together, got {list(np.ravel(weights))!r}",
                             operation="make_classification", operands={"weights": weights}, rule="shares that sum to 1")
    return np.maximum(shares, 0.0)


def _counts(n_samples: int, shares: np.ndarray) -> np.ndarray:
    """Rows of each cluster: the shares rounded down, and what is missing spread over the clusters from the first on."""
    counts = np.floor(n_samples * np.minimum(shares / max(shares.sum(), 1.0), 1.0) + 1e-9).astype(np.int64)
    return counts + np.asarray(_shares(n_samples - int(counts.sum()), len(counts)))


def _corners(rng, count: int, dimensions: int) -> np.ndarray:
    """`count` distinct corners of the unit cube, 0 or 1 in each of the `dimensions`."""
    seen: dict[bytes, np.ndarray] = {}
    if dimensions <= 20:
        chosen = rng.choice(2**dimensions, size=count, replace=False)
        return (chosen[:, None] >> np.arange(dimensions) & 1).astype(np.float64)
    while len(seen) < count:  # of a million corners and more, two draws hardly ever agree
        corner = rng.integers(2, size=dimensions)
        seen.setdefault(corner.tobytes(), corner)
    return np.stack(list(seen.values())).astype(np.float64)
