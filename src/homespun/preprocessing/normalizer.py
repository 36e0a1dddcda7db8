"""Normalisation: every row divided by its own length, so that only its direction is left.

    z_i = x_i / ||x_i||        l1: sum |x|     l2: sqrt(sum x^2)     max: max |x|

A row of zeros stays as it is. Nothing is learned: each row stands for itself. Cost O(n d).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin

from homespun.base.estimator import Estimator, TransformerMixin, check_params
from homespun.base.params import Boolean, OneOf


class Normalizer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Scale rows to length one.

    Parameters
    ----------
    norm : {"l1", "l2", "max"}, default="l2"
    copy : bool, default=True

    Attributes
    ----------
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> Normalizer().fit_transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    params = {"norm": OneOf("l1", "l2", "max"), "copy": Boolean()}

    def __init__(self, norm="l2", *, copy=True):
        self.norm = norm
        self.copy = copy

    def fit(self, X, y=None):
        """Check X; nothing is learned."""
        check_params(self)
        self.validate(X, accept_sparse="csr")
        return self

    def transform(self, X, copy=None):
        """Each row divided by its length."""
        check_params(self)
        X = self.validate(
            X,
            operation="transform",
            accept_sparse="csr",
            copy=self.copy if copy is None else copy,
            dtype=(np.float64, np.float32),
            force_writeable=True,
        )
        lengths = row_lengths(X, self.norm)
        lengths[lengths < 10 * np.finfo(lengths.dtype).eps] = 1.0
        if sparse.issparse(X):
            X.data /= np.repeat(lengths, np.diff(X.indptr)).astype(X.dtype)
            return X
        X /= lengths[:, None]
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def row_lengths(X, norm) -> np.ndarray:
    """The length of each row."""
    if sparse.issparse(X):
        if norm == "max":
            return abs(X).max(axis=1).toarray().ravel()
        sums = abs(X).sum(axis=1) if norm == "l1" else X.multiply(X).sum(axis=1)
        sums = np.asarray(sums).ravel()
        return sums if norm == "l1" else np.sqrt(sums)
    if norm == "l2":
        return np.sqrt(np.einsum("ij,ij->i", X, X))
    return np.abs(X).sum(axis=1) if norm == "l1" else np.abs(X).max(axis=1)
