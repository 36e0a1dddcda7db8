"""Binarising: 1 where a value is above a threshold, else 0.

    z = [x > threshold]

Nothing is learned. Cost O(n d). Sparse X needs threshold >= 0: what is not stored must stay 0.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin

from homespun.base.errors import ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_params
from homespun.base.params import Boolean, Real


class Binarizer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Zeros and ones by a threshold.

    Parameters
    ----------
    threshold : float, default=0.0
    copy : bool, default=True

    Attributes
    ----------
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> Binarizer(threshold=2.0).fit_transform([[1.0, 2.0, 3.0]])
    array([[0., 0., 1.]])
    """

    params = {"threshold": Real(), "copy": Boolean()}

    def __init__(self, *, threshold=0.0, copy=True):
        self.threshold = threshold
        self.copy = copy

    def fit(self, X, y=None):
        """Check X; nothing is learned."""
        check_params(self)
        self.validate(X, accept_sparse="csr")
        return self

    def transform(self, X, copy=None):
        """1 where X > threshold, else 0, in the dtype of X."""
        check_params(self)
        X = self.validate(
            X,
            operation="transform",
            accept_sparse=("csr", "csc"),
            copy=self.copy if copy is None else copy,
            force_writeable=True,
        )
        if sparse.issparse(X):
            if self.threshold < 0:
                raise ParameterError(
                    f"Binarizer.transform: Cannot binarize a sparse matrix with threshold < 0, got {self.threshold}",
                    operation="Binarizer.transform",
                    operands={"threshold": self.threshold},
                    rule="threshold >= 0",
                )
            X.data = (X.data > self.threshold).astype(X.dtype)
            X.eliminate_zeros()
            return X
        np.greater(X, self.threshold, out=X, casting="unsafe")
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.requires_fit = False
        return tags
