"""Quantile transform: a value becomes its rank, so that every column is uniform on [0, 1], or normal.

    z = F(x)   or   z = Phi^-1(F(x))        F: the share of values below x, linear between `n_quantiles` learned quantiles

Where several quantiles are equal (a value that many rows share), F is the middle of the jump. Normal scores stop at F =
1e-7 from either end, so that no value becomes infinite. NaN is left out and kept. Cost O(s log s + n log n_quantiles) a
column, s the subsample. Not handled: weights.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from scipy.special import ndtr, ndtri
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import check_array, check_random_state, resample

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, _worded, check_is_fitted, check_params
from homespun.base.params import Boolean, Integer, OneOf, RandomState
from homespun.preprocessing.quantiles import column_quantiles

MARGIN = 1e-7  # of F from 0 and 1, for normal scores


class QuantileTransformer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Ranks as numbers between 0 and 1, or as normal scores.

    Parameters
    ----------
    n_quantiles : int, default=1000
        At most as many as there are rows.
    output_distribution : {"uniform", "normal"}, default="uniform"
    ignore_implicit_zeros : bool, default=False
        Sparse X only: learn from the stored values alone.
    subsample : int or None, default=10000
        Rows that the quantiles are learned from, drawn at random. None: all.
    random_state : None, int or RandomState, default=None
    copy : bool, default=True

    Attributes
    ----------
    n_quantiles_ : int
    quantiles_ : array of shape (n_quantiles_, n_features)
    references_ : array of shape (n_quantiles_,)
        The shares that the quantiles stand for.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> QuantileTransformer(n_quantiles=5).fit_transform([[1.0], [2.0], [4.0], [8.0], [1e9]]).ravel()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    params = {
        "n_quantiles": Integer(low=1),
        "output_distribution": OneOf("uniform", "normal"),
        "ignore_implicit_zeros": Boolean(),
        "subsample": Integer(low=1) | None,
        "random_state": RandomState,
        "copy": Boolean(),
    }

    def __init__(
        self,
        *,
        n_quantiles=1000,
        output_distribution="uniform",
        ignore_implicit_zeros=False,
        subsample=10_000,
        random_state=None,
        copy=True,
    ):
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.ignore_implicit_zeros = ignore_implicit_zeros
        self.subsample = subsample
        self.random_state = random_state
        self.copy = copy

    def fit(self, X, y=None):
        """Learn the quantiles of each column."""
        check_params(self)
        if self.subsample is not None and self.n_quantiles > self.subsample:
            raise ParameterError(
                "QuantileTransformer.fit: The number of quantiles cannot be greater than the number of samples used. Got "
                f"{self.n_quantiles} quantiles and {self.subsample} samples.",
                operation="QuantileTransformer.fit",
                operands={"n_quantiles": self.n_quantiles, "subsample": self.subsample},
                rule="n_quantiles <= subsample",
            )
        X = self._values(X, "fit", copy=False)
        n = X.shape[0]
        if self.n_quantiles > n:
            warnings.warn(
                f"n_quantiles ({self.n_quantiles}) is greater than the total number of samples ({n}). n_quantiles is set to "
                "n_samples."
            )
        self.n_quantiles_ = min(self.n_quantiles, n)
        self.references_ = np.linspace(0.0, 1.0, self.n_quantiles_)
        seed = self.random_state
        rng = seed if isinstance(seed, np.random.Generator) else check_random_state(seed)
        if sparse.issparse(X):
            self.quantiles_ = np.column_stack([self._sparse_quantiles(X, j, rng) for j in range(X.shape[1])])
            return self
        if self.ignore_implicit_zeros:
            warnings.warn("'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no effect.")
        if self.subsample is not None and self.subsample < n:
            if isinstance(rng, np.random.Generator):
                X = X[rng.permutation(n)[: self.subsample]]
            else:
                X = resample(X, replace=False, n_samples=self.subsample, random_state=rng)
        self.quantiles_ = column_quantiles(X, self.references_)
        return self

    def _sparse_quantiles(self, X, j, rng):
        stored, n = X.data[X.indptr[j] : X.indptr[j + 1]], X.shape[0]
        if self.subsample is not None and len(stored) > self.subsample:
            size = self.subsample if self.ignore_implicit_zeros else self.subsample * len(stored) // n
            stored, n = rng.choice(stored, size=size, replace=False), self.subsample
        zeros = 0 if self.ignore_implicit_zeros else n - len(stored)
        values = np.concatenate([stored, np.zeros(zeros, dtype=X.dtype)])
        if not len(values):
            return np.zeros(len(self.references_), dtype=X.dtype)
        return column_quantiles(values[:, None], self.references_)[:, 0]

    def transform(self, X):
        """Ranks or normal scores."""
        check_is_fitted(self)
        return self._by_column(self._values(X, "transform", copy=self.copy), self._rank)

    def inverse_transform(self, X):
        """Values that have these ranks."""
        check_is_fitted(self)
        X = self._values(X, "inverse_transform", copy=self.copy, negative=True)
        return self._by_column(X, self._value)

    @staticmethod
    def _by_column(X, change):
        for j in range(X.shape[1]):
            if sparse.issparse(X):
                part = slice(X.indptr[j], X.indptr[j + 1])
                X.data[part] = change(X.data[part], j)
            else:
                X[:, j] = change(np.ascontiguousarray(X[:, j]), j)
        return X

    def _rank(self, x, j):
        quantiles, shares = self.quantiles_[:, j], self.references_
        # Upwards and downwards: at a jump one gives its upper end, the other its lower.
        z = 0.5 * (np.interp(x, quantiles, shares) - np.interp(-x, -quantiles[::-1], -shares[::-1]))
        with np.errstate(invalid="ignore"):
            margin = MARGIN if self.output_distribution == "normal" else 0.0
            top, bottom = (x + margin > quantiles[-1], x - margin < quantiles[0]) if margin else (
                x == quantiles[-1], x == quantiles[0])
            z[top], z[bottom] = 1.0, 0.0
            z[np.isnan(x)] = np.nan
            if self.output_distribution == "normal":
                z = np.clip(ndtri(z), ndtri(MARGIN - np.spacing(1)), ndtri(1 - (MARGIN - np.spacing(1))))
        return z

    def _value(self, z, j):
        share = ndtr(z) if self.output_distribution == "normal" else z
        quantiles = self.quantiles_[:, j]
        x = np.interp(share, self.references_, quantiles)
        with np.errstate(invalid="ignore"):
            margin = MARGIN if self.output_distribution == "normal" else 0.0
            x[share + margin > 1.0 if margin else share == 1.0] = quantiles[-1]
            x[share - margin < 0.0 if margin else share == 0.0] = quantiles[0]
        x[np.isnan(z)] = np.nan
        return x

    def _values(self, X, operation, copy, negative=False):
        rules = {
            "accept_sparse": "csc",
            "copy": copy,
            "dtype": (np.float64, np.float32),
            "force_writeable": True if operation != "fit" else None,
            "ensure_all_finite": "allow-nan",
        }
        if operation == "inverse_transform":  # what comes back need not bear names
            X = check_array(X, **rules)
            if X.shape[1] != self.n_features_in_:
                expected = f"QuantileTransformer is expecting {self.n_features_in_} features as input."
                raise _worded(ValueError(f"X has {X.shape[1]} features, but {expected}"), self, operation, X=X)
        else:
            X = self.validate(X, operation=operation, **rules)
        if sparse.issparse(X) and not negative and not self.ignore_implicit_zeros and (X.data < 0).any():
            raise DataError(
                f"QuantileTransformer.{operation}: QuantileTransformer only accepts non-negative sparse matrices, got "
                f"{X.data.min():g}",
                operation=f"QuantileTransformer.{operation}",
                operands={"X": X.shape},
                rule="x >= 0 in sparse X",
                suggestion="ignore_implicit_zeros=True, or a dense array",
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
