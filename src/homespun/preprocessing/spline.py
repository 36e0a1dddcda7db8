"""Splines: each column becomes a set of overlapping bumps, so that a linear model in them is a smooth curve.

    B_{i,0}(x) = [t_i <= x < t_{i+1}]
    B_{i,k}(x) = (x - t_i) / (t_{i+k} - t_i) B_{i,k-1}(x) + (t_{i+k+1} - x) / (t_{i+k+1} - t_{i+1}) B_{i+1,k-1}(x)

de Boor 1972, J. Approx. Theory 6, eq. 4 and 5; knots beyond the ends as Eilers & Marx 1996, Stat. Sci. 11(2). In any interval
only `degree` + 1 of the bumps are not zero: those are what is computed. They sum to one. Cost O(n d degree^2).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_feature_names_in, check_array

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean, Integer, OneOf
from homespun.preprocessing.quantiles import column_quantiles, weighted_quantiles


class SplineTransformer(TransformerMixin, Estimator):
    """B-spline bases of columns.

    Parameters
    ----------
    n_knots : int, default=5
        Knots from the smallest to the largest value; ignored if `knots` are given.
    degree : int, default=3
    knots : {"uniform", "quantile"} or array of shape (n_knots, n_features), default="uniform"
    extrapolation : {"error", "constant", "linear", "continue", "periodic"}, default="constant"
        What becomes of values beyond the outer knots.
    include_bias : bool, default=True
        False leaves the last bump of each column out: together they are a constant.
    order : {"C", "F"}, default="C"
    handle_missing : {"error", "zeros"}, default="error"
    sparse_output : bool, default=False

    Attributes
    ----------
    knots_ : list of arrays
        All knots of each column, `degree` of them beyond either end.
    n_features_out_ : int
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> SplineTransformer(n_knots=3, degree=1).fit_transform([[0.0], [1.0], [4.0]])
    array([[1. , 0. , 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 1. ]])
    """

    params = {
        "n_knots": Integer(low=2),
        "degree": Integer(low=0),
        "knots": OneOf("uniform", "quantile") | ArrayLike(),
        "extrapolation": OneOf("error", "constant", "linear", "continue", "periodic"),
        "include_bias": Boolean(),
        "order": OneOf("C", "F"),
        "handle_missing": OneOf("error", "zeros"),
        "sparse_output": Boolean(),
    }

    def __init__(
        self,
        n_knots=5,
        degree=3,
        *,
        knots="uniform",
        extrapolation="constant",
        include_bias=True,
        order="C",
        handle_missing="error",
        sparse_output=False,
    ):
        self.n_knots = n_knots
        self.degree = degree
        self.knots = knots
        self.extrapolation = extrapolation
        self.include_bias = include_bias
        self.order = order
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output

    def fit(self, X, y=None, sample_weight=None):
        """Learn where the knots are. Weights count for "quantile"; rows of weight zero do not count at all."""
        check_params(self)
        X = self._values(X, "fit", ensure_min_samples=2)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        base = self._base_knots(X, weights)
        n, k = len(base), self.degree
        if self.extrapolation == "periodic":
            if n <= k:
                raise self._refused("n_knots", n, f"Periodic splines require degree < n_knots. Got n_knots={n} and degree={k}.")
            period = base[-1] - base[0]
            knots = np.concatenate([base[n - 1 - k : -1] - period, base, base[1 : k + 1] + period])
        else:
            steps = np.arange(1, k + 1)[:, None]
            below, above = base[0] - steps[::-1] * (base[1] - base[0]), base[-1] + steps * (base[-1] - base[-2])
            knots = np.concatenate([below, base, above])
        self.knots_ = list(np.ascontiguousarray(knots.T))
        self._n_splines = n - 1 if self.extrapolation == "periodic" else n + k - 1
        self.n_features_out_ = X.shape[1] * (self._n_splines - (not self.include_bias))
        return self

    def _base_knots(self, X, weights):
        if not isinstance(self.knots, str):
            base = check_array(self.knots, dtype=np.float64)
            if base.shape[0] < 2:
                raise self._refused("knots", base.shape, "Number of knots, knots.shape[0], must be >= 2.")
            if base.shape[1] != X.shape[1]:
                raise self._refused("knots", base.shape, f"knots.shape[1] == n_features is violated: {base.shape[1]}, "
                                    f"X has {X.shape[1]}.")
            if not (np.diff(base, axis=0) > 0).all():
                raise self._refused("knots", base.shape, "knots must be sorted without duplicates.")
            return base
        shares = np.linspace(0.0, 1.0, self.n_knots)
        X = X.astype(np.float64)
        if weights is not None:
            X, weights = X[weights > 0], weights[weights > 0]
        if self.knots == "quantile":
            base = column_quantiles(X, shares) if weights is None else weighted_quantiles(X, shares, weights)
            return np.where(np.isnan(base), 0.0, base)
        there = ~np.isnan(X)
        low = np.where(there, X, np.inf).min(axis=0)
        high = np.where(there, X, -np.inf).max(axis=0)
        empty = ~there.any(axis=0)
        low[empty] = high[empty] = 0.0
        return np.linspace(low, high, self.n_knots)

    def transform(self, X):
        """The bumps at each value, column by column, shape (n_samples, n_features_out_)."""
        check_is_fitted(self)
        X = self._values(X, "transform")
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.float64
        n, d = X.shape
        width = self._n_splines - (not self.include_bias)
        if self.sparse_output:
            blocks = [self._sparse(self._bumps(X[:, j], j), width, dtype) for j in range(d)]
            return sparse.csr_matrix(sparse.hstack(blocks, format="csr"))
        out = np.zeros((n, self.n_features_out_), dtype=dtype, order=self.order)
        for j in range(d):
            places, values = self._bumps(X[:, j], j)
            block = np.zeros((n, self._n_splines))
            np.put_along_axis(block, places, values, axis=1)
            out[:, j * width : (j + 1) * width] = block[:, :width]
        return out

    @staticmethod
    def _sparse(bumps, width, dtype):
        places, values = bumps
        kept = (places < width) & (values != 0)
        rows = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
        return sparse.csr_matrix((values[kept].astype(dtype), (rows[kept], places[kept])), shape=(len(places), width))

    def _bumps(self, x, j):
        """The bumps that are not zero at each value: their numbers and their heights, both (n, degree + 1)."""
        knots, k = self.knots_[j], self.degree
        x = x.astype(np.float64)
        missing = np.isnan(x)
        low, high = knots[k], knots[len(knots) - 1 - k]
        x = np.where(missing, low, x)
        outside = (x < low) | (x > high)
        if self.extrapolation == "error" and outside.any():
            value = x[outside][0]
            raise DataError(
                f"SplineTransformer.transform: `X` contains values beyond the limits of the knots: {value:g} in column {j}, "
                f"which go from {low:g} to {high:g}",
                operation="SplineTransformer.transform",
                operands={"column": j, "value": float(value)},
                rule=f"{low:g} <= x <= {high:g}",
                suggestion="extrapolation='constant'",
            )
        if self.extrapolation == "periodic":
            x = low + (x - low) % (high - low) if high > low else np.full_like(x, low)
        at = x if self.extrapolation in ("continue", "periodic", "error") else np.clip(x, low, high)
        interval = np.clip(np.searchsorted(knots, at, side="right") - 1, k, len(knots) - 2 - k)
        values = basis(at, knots, interval, k)
        if self.extrapolation == "linear" and k > 0 and outside.any():
            values[outside] += (x - at)[outside, None] * basis_slope(at[outside], knots, interval[outside], k)
        values[missing] = 0.0
        places = interval[:, None] - k + np.arange(k + 1)
        return (places % self._n_splines if self.extrapolation == "periodic" else places), values

    def get_feature_names_out(self, input_features=None):
        """ "age_sp_0", …"""
        check_is_fitted(self)
        width = self._n_splines - (not self.include_bias)
        return np.array([f"{name}_sp_{i}" for name in _check_feature_names_in(self, input_features) for i in range(width)],
                        dtype=object)

    @property
    def bsplines_(self):
        """The same bases as SciPy's objects, one for each column."""
        check_is_fitted(self)
        from scipy.interpolate import BSpline

        weights = np.eye(self._n_splines)
        if self.extrapolation == "periodic":
            weights = np.concatenate([weights, weights[: self.degree]])
        beyond = self.extrapolation in ("periodic", "continue")
        return [BSpline.construct_fast(knots, weights, self.degree, extrapolate=beyond) for knots in self.knots_]

    def _values(self, X, operation, **checks):
        return self.validate(
            X, operation=operation, dtype="numeric",
            ensure_all_finite="allow-nan" if self.handle_missing == "zeros" else True, **checks,
        )

    @staticmethod
    def _refused(name, value, rule):
        return ParameterError(f"SplineTransformer.fit: {rule}", operation="SplineTransformer.fit", operands={name: value},
                              rule=rule)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.handle_missing == "zeros"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def basis(x, knots, interval, degree) -> np.ndarray:
    """B_{interval - degree … interval, degree}(x), shape (n, degree + 1): de Boor's recurrence, all values at once.

    >>> basis(np.array([0.5]), np.arange(-2.0, 4.0), np.array([2]), 2)
    array([[0.125, 0.75 , 0.125]])
    """
    values = np.zeros((len(x), degree + 1))
    values[:, 0] = 1.0
    for k in range(1, degree + 1):
        carried = np.zeros(len(x))
        for i in range(k):
            right, left = knots[interval + i + 1], knots[interval + i + 1 - k]
            width = right - left
            share = np.divide(values[:, i], width, out=np.zeros(len(x)), where=width != 0)  # knots that coincide span nothing
            values[:, i] = carried + (right - x) * share
            carried = (x - left) * share
        values[:, k] = carried
    return values


def basis_slope(x, knots, interval, degree) -> np.ndarray:
    """Their derivatives: B'_{i,k} = k / (t_{i+k} - t_i) B_{i,k-1} - k / (t_{i+k+1} - t_{i+1}) B_{i+1,k-1}."""
    lower = basis(x, knots, interval, degree - 1)
    slope = np.zeros((len(x), degree + 1))
    for i in range(degree):
        width = knots[interval + i + 1] - knots[interval + i + 1 - degree]
        part = degree * np.divide(lower[:, i], width, out=np.zeros(len(x)), where=width != 0)
        slope[:, i] -= part
        slope[:, i + 1] += part
    return slope
