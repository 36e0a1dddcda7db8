"""Binning: a number becomes the bin that it falls into, as one-hot columns or as a code.

    bin(x) = number of inner edges e with e <= x

    uniform: edges equally far apart      quantile: bins with equally many rows      kmeans: edges half-way between the means

The k-means problem of one column is solved by Lloyd's steps on sorted values: with cumulative sums each step costs
O(k log n). A constant column has one bin, and bins narrower than 1e-8 are merged. Cost O(n d log n).
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.utils import check_random_state, resample
from sklearn.utils.validation import _check_feature_names_in, check_array

from homespun.base.errors import ParameterError, ShapeError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Integer, OneOf, RandomState, Satisfies
from homespun.preprocessing.one_hot import OneHotEncoder

METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
    "median_unbiased", "normal_unbiased",
)


class KBinsDiscretizer(TransformerMixin, Estimator):
    """Bins of columns.

    Parameters
    ----------
    n_bins : int >= 2 or array of shape (n_features,), default=5
    encode : {"onehot", "onehot-dense", "ordinal"}, default="onehot"
    strategy : {"uniform", "quantile", "kmeans"}, default="quantile"
    quantile_method : str, default="averaged_inverted_cdf"
        NumPy's name of the definition; with weights this one or "inverted_cdf".
    dtype : {float32, float64} or None, default=None
        None: that of X.
    subsample : int or None, default=200000
        Rows that the edges are learned from, drawn at random. None: all.
    random_state : None, int or RandomState, default=None

    Attributes
    ----------
    bin_edges_ : array of arrays
    n_bins_ : array of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> KBinsDiscretizer(3, encode="ordinal", strategy="uniform").fit_transform([[0.0], [2.9], [3.0], [9.0]]).ravel()
    array([0., 0., 1., 2.])
    """

    params = {
        "n_bins": Integer(low=2) | ArrayLike(),
        "encode": OneOf("onehot", "onehot-dense", "ordinal"),
        "strategy": OneOf("uniform", "quantile", "kmeans"),
        "quantile_method": OneOf(*METHODS),
        "dtype": Satisfies(lambda value: value is None or value in (np.float32, np.float64), "float32, float64 or None"),
        "subsample": Integer(low=1) | None,
        "random_state": RandomState,
    }

    def __init__(
        self,
        n_bins=5,
        *,
        encode="onehot",
        strategy="quantile",
        quantile_method="averaged_inverted_cdf",
        dtype=None,
        subsample=200_000,
        random_state=None,
    ):
        self.n_bins = n_bins
        self.encode = encode
        self.strategy = strategy
        self.quantile_method = quantile_method
        self.dtype = dtype
        self.subsample = subsample
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None):
        """Learn the edges of each column."""
        check_params(self)
        X = self.validate(X, dtype="numeric")
        kind = np.dtype(self.dtype) if self.dtype is not None else X.dtype
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        wanted = self._wanted(X.shape[1])
        if weights is not None and self.strategy == "quantile" and not self.quantile_method.endswith("inverted_cdf"):
            raise ParameterError(
                "KBinsDiscretizer.fit: When fitting with strategy='quantile' and sample weights, quantile_method should either "
                f"be set to 'averaged_inverted_cdf' or 'inverted_cdf', got quantile_method='{self.quantile_method}' instead.",
                operation="KBinsDiscretizer.fit",
                operands={"quantile_method": self.quantile_method},
                rule="'averaged_inverted_cdf' or 'inverted_cdf'",
            )
        if self.subsample is not None and len(X) > self.subsample:
            rng = self.random_state
            if isinstance(rng, np.random.Generator):
                chance = None if weights is None else weights / weights.sum()
                X = X[rng.choice(len(X), self.subsample, p=chance)]
            else:
                X = resample(X, replace=True, n_samples=self.subsample, random_state=check_random_state(rng),
                             **({} if weights is None else {"sample_weight": weights}))
            weights = None
        if weights is not None:
            X, weights = X[weights > 0], weights[weights > 0]
        self.bin_edges_ = np.empty(X.shape[1], dtype=object)
        for j in range(X.shape[1]):
            self.bin_edges_[j] = self._edges(X[:, j].astype(np.float64), weights, int(wanted[j]), j)
        self.n_bins_ = np.array([len(edges) - 1 for edges in self.bin_edges_])
        if self.encode != "ordinal":
            self._encoder = OneHotEncoder(
                categories=[np.arange(n) for n in self.n_bins_], sparse_output=self.encode == "onehot",
                dtype=kind if kind.kind == "f" else np.float64,
            ).fit(np.zeros((1, len(self.n_bins_))))
        return self

    def _edges(self, x, weights, k, j):
        low, high = x.min(), x.max()
        if low == high:
            warnings.warn(f"Feature {j} is constant and will be replaced with 0.")
            return np.array([-np.inf, np.inf])
        if self.strategy == "uniform":
            return np.linspace(low, high, k + 1)
        if self.strategy == "kmeans":
            middles = lloyd(x, weights, k)
            edges = np.concatenate([[low], (middles[1:] + middles[:-1]) / 2, [high]])
        elif weights is None:
            edges = np.percentile(x, np.linspace(0, 100, k + 1), method=self.quantile_method)
        else:
            edges = inverted_cdf(x, weights, np.linspace(0, 1, k + 1), average=self.quantile_method.startswith("averaged"))
        kept = np.ediff1d(edges, to_begin=np.inf) > 1e-8
        if not kept.all():
            warnings.warn(f"Bins whose width are too small (i.e., <= 1e-8) in feature {j} are removed. Consider decreasing the "
                          "number of bins.")
        return edges[kept]

    def transform(self, X):
        """The bins."""
        check_is_fitted(self)
        dtype = (np.float64, np.float32) if self.dtype is None else self.dtype
        X = self.validate(X, operation="transform", copy=True, dtype=dtype)
        for j, edges in enumerate(self.bin_edges_):
            X[:, j] = np.searchsorted(edges[1:-1], X[:, j], side="right")
        if self.encode == "ordinal":
            return X
        out = self._encoder.transform(X)
        return out.astype(X.dtype, copy=False)

    def inverse_transform(self, X):
        """The middle of each bin."""
        check_is_fitted(self)
        if self.encode != "ordinal":
            X = self._encoder.inverse_transform(X)
        X = check_array(X, copy=True, dtype=(np.float64, np.float32))
        if X.shape[1] != len(self.n_bins_):
            raise ShapeError(
                f"KBinsDiscretizer.inverse_transform: Incorrect number of features. Expecting {len(self.n_bins_)}, received "
                f"{X.shape[1]}.",
                operation="KBinsDiscretizer.inverse_transform",
                operands={"X": X.shape},
                rule=f"{len(self.n_bins_)} columns",
            )
        for j, edges in enumerate(self.bin_edges_):
            with np.errstate(invalid="ignore"):  # a constant column has no middle: NaN
                middles = (edges[1:] + edges[:-1]) * 0.5
            X[:, j] = middles[X[:, j].astype(np.int64)]
        return X

    def get_feature_names_out(self, input_features=None):
        """The columns' names, with the bin if one-hot."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return names if self.encode == "ordinal" else self._encoder.get_feature_names_out(names)

    def _wanted(self, d):
        if isinstance(self.n_bins, (int, np.integer)):
            return np.full(d, self.n_bins)
        given = np.asarray(self.n_bins)
        if given.shape != (d,):
            raise self._refused(f"n_bins must be a scalar or array of shape (n_features,), got shape {given.shape}.")
        bad = np.flatnonzero((given < 2) | (given != given.astype(np.int64)))
        if len(bad):
            raise self._refused(f"KBinsDiscretizer received an invalid number of bins at indices "
                                f"{', '.join(map(str, bad))}. Number of bins must be at least 2, and must be an int.")
        return given.astype(np.int64)

    def _refused(self, rule):
        return ParameterError(f"KBinsDiscretizer.fit: {rule}", operation="KBinsDiscretizer.fit",
                              operands={"n_bins": self.n_bins}, rule=rule)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def inverted_cdf(x, weights, p, average) -> np.ndarray:
    """The smallest value whose cumulative weight reaches p of all; `average`: with the next one where it is reached exactly."""
    order = np.argsort(x, kind="stable")
    x, ends = x[order], np.cumsum(weights[order])
    goal = p * ends[-1]
    slack = ends[-1] * 1e-14 * len(x)  # what rounding may have added
    lower = x[np.minimum(np.searchsorted(ends, goal - slack, side="left"), len(x) - 1)]
    if not average:
        return lower
    upper = x[np.minimum(np.searchsorted(ends, goal + slack, side="right"), len(x) - 1)]
    return (lower + upper) / 2


def lloyd(x, weights, k) -> np.ndarray:
    """k means of one column, from equally spaced ones, until none moves. O(k log n) a step."""
    order = np.argsort(x, kind="stable")
    x = x[order]
    w = np.ones(len(x)) if weights is None else weights[order]
    mass, moment = np.concatenate([[0.0], np.cumsum(w)]), np.concatenate([[0.0], np.cumsum(w * (x - x[0]))])
    ends = np.linspace(x[0], x[-1], k + 1)
    means = (ends[1:] + ends[:-1]) / 2
    for _ in range(300):
        cuts = np.concatenate([[0], np.searchsorted(x, (means[1:] + means[:-1]) / 2, side="right"), [len(x)]])
        held = mass[cuts[1:]] - mass[cuts[:-1]]
        new = np.where(held > 0, x[0] + (moment[cuts[1:]] - moment[cuts[:-1]]) / np.where(held > 0, held, 1.0), means)
        if (new == means).all():
            break
        means = np.sort(new)
    return means
