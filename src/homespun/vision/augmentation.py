"""More training rows from changed images:   (X, y) → (X, t(X), t(X), …; y, y, y, …)   t: a random `Transform`, drawn anew.

A change must leave the label: a mirrored cat is a cat, a 6 on its head is a 9. And only training rows may be changed; whoever
augments before splitting puts copies of one image on both sides, which is a leak. O(copies) samplings.
"""

from __future__ import annotations

import math

import numpy as np

from homespun.base.errors import ShapeError
from homespun.base.params import Integer, check_param
from homespun.base.random import generator


def augment(X, y, transform, *, copies: int = 1, shape=None, random_state=None):
    """The training rows, followed by `copies` changed ones of each.

    Parameters
    ----------
    X : ndarray of shape (n, h, w), (n, c, h, w), or (n, d) with `shape`
        Training images only: see the module's text on leaks.
    y : array of length n
        Labels; the copies have those of their originals.
    transform : Transform
        One that keeps the size.
    copies : int, default=1
    shape : (h, w) or (c, h, w), optional
        Of an image, if the rows of X are flat.
    random_state : None, int or Generator

    Returns
    -------
    X, y : ndarrays with (1 + copies) n entries

    Raises
    ------
    ShapeError
        Rows that do not fill `shape`; a transform that changes the size.

    Examples
    --------
    >>> from homespun.vision import RandomRotation
    >>> images, labels = augment(np.zeros((10, 8, 8)), np.arange(10), RandomRotation(15), copies=3, random_state=0)
    >>> images.shape, labels.shape
    ((40, 8, 8), (40,))
    """
    X, y = np.asarray(X), np.asarray(y)
    check_param("augment", "copies", copies, Integer(low=0))
    rng = generator(random_state)
    if not X.ndim or not y.ndim or len(X) != len(y):
        raise ShapeError(f"augment: {X.shape[:1]} images in X but {y.shape[:1]} labels in y", operation="augment",
                         operands={"X": X.shape, "y": y.shape}, rule="a label for each image")
    images = X
    if shape is not None:
        if X.ndim != 2 or X.shape[1] != math.prod(shape):
            raise ShapeError(f"augment: rows of {X.shape[1:]} numbers do not fill images of shape {tuple(shape)}, which are "
                             f"{math.prod(shape)} numbers", operation="augment", operands={"X": X.shape, "shape": tuple(shape)},
                             rule="X: (n, product of shape)")
        images = X.reshape(len(X), *shape)
    changed = [transform(images, rng) for _ in range(copies)]
    for one in changed:
        if one.shape != images.shape:
            raise ShapeError(f"augment: the transform makes images of shape {one.shape[1:]} from {images.shape[1:]}, so "
                             "originals and copies do not fit into one array", operation="augment",
                             operands={"before": images.shape, "after": one.shape}, rule="a transform that keeps the size",
                             suggestion="transform the originals, too, and concatenate yourself")
    return np.concatenate([X, *(one.reshape(X.shape) for one in changed)]), np.concatenate([y] * (1 + copies))
