"""Power transforms: bend each column until it is as normal as a power can make it.

    Yeo-Johnson:  g(x) = ((1 + x)^l - 1) / l  for x >= 0,    -((1 - x)^(2 - l) - 1) / (2 - l)  for x < 0
    Box-Cox:      g(x) = (x^l - 1) / l                       x > 0            (log where the power is 0)

    l maximises   -n/2 log var(g(x)) + s (l - 1)             s = sum sign(x) log(1 + |x|),  or sum log x

Yeo & Johnson 2000, Biometrika 87(4), sec. 3; Box & Cox 1964, JRSS B 26, sec. 3. The logarithms are taken once, so each of
the 10 to 30 evaluations of Brent's search costs one exponential a value (a power would cost ten times that). NaN is left
out and kept. Cost O(n d) times the evaluations. Not handled: weights, sparse X.
"""

from __future__ import annotations

import warnings

import numpy as np

from homespun.base.errors import DataError
from homespun.base.estimator import _worded, check_is_fitted, check_params
from homespun.base.params import Boolean, OneOf
from homespun.preprocessing.scaler import Scaler
from homespun.preprocessing.standard_scaler import StandardScaler


class PowerTransformer(Scaler):
    """Make columns more normal by a power that is learned.

    Parameters
    ----------
    method : {"yeo-johnson", "box-cox"}, default="yeo-johnson"
        "box-cox" needs positive data.
    standardize : bool, default=True
        Mean 0 and variance 1 afterwards.
    copy : bool, default=True

    Attributes
    ----------
    lambdas_ : array of shape (n_features,)
        The powers; 1 leaves a column as it is.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> prices = [[100.0], [1000.0], [10000.0]]
    >>> np.abs(PowerTransformer("box-cox").fit_transform(prices)).ravel().round(4)  # equally far apart
    array([1.2247, 0.    , 1.2247])
    """

    params = {"method": OneOf("yeo-johnson", "box-cox"), "standardize": Boolean(), "copy": Boolean()}

    def __init__(self, method="yeo-johnson", *, standardize=True, copy=True):
        self.method = method
        self.standardize = standardize
        self.copy = copy

    def fit(self, X, y=None):
        """Learn the powers."""
        self._learn(X, copy=True)
        return self

    def fit_transform(self, X, y=None):
        """`fit` and `transform` in one."""
        X = self._learn(X, copy=self.copy)
        return self._scaler.transform(X) if self.standardize else X

    def _learn(self, X, copy):
        """Set the attributes; X bent, not yet standardised."""
        check_params(self)
        X = self._values(X, "fit", copy=copy)
        self.lambdas_ = np.ones(X.shape[1], dtype=X.dtype)
        for j in range(X.shape[1]):
            column = X[:, j].astype(np.float64)
            there = column[~np.isnan(column)]
            if len(there) == 0 and self.method == "box-cox":
                raise DataError(
                    f"PowerTransformer.fit: Column must not be all nan, column {j} is",
                    operation="PowerTransformer.fit",
                    operands={"column": j},
                    rule="at least one value",
                )
            if len(there) == 0 or constant(there):
                continue  # no power is better than another; 1 is the identity
            self.lambdas_[j] = best_power(there, self.method)
            X[:, j] = bend(column, float(self.lambdas_[j]), self.method)
        if self.standardize:
            self._scaler = StandardScaler(copy=False).fit(X)
            if hasattr(self._scaler, "feature_names_in_"):
                del self._scaler.feature_names_in_
        return X

    def transform(self, X):
        """The columns bent by `lambdas_`, standardised if asked for."""
        check_is_fitted(self)
        X = self._values(X, "transform", copy=self.copy)
        for j, power in enumerate(self.lambdas_):
            if power != 1.0 or self.method == "box-cox":
                X[:, j] = bend(X[:, j].astype(np.float64), float(power), self.method)
        return self._scaler.transform(X) if self.standardize else X

    def inverse_transform(self, X):
        """The original values; NaN or infinity (with a warning) where no value has this transform."""
        check_is_fitted(self)
        X = self.values(X, "inverse_transform", copy=self.copy)
        if X.shape[1] != self.n_features_in_:
            error = ValueError(f"X has {X.shape[1]} features, but PowerTransformer is expecting {self.n_features_in_} features")
            raise _worded(error, self, "inverse_transform", X=X)
        if self.standardize:
            X = self._scaler.inverse_transform(X)
        for j, power in enumerate(self.lambdas_):
            column = X[:, j].astype(np.float64)
            X[:, j] = unbend(column, float(power), self.method)
            if (~np.isfinite(X[:, j]) & ~np.isnan(column)).any():
                warnings.warn(
                    f"Some values in column {j} of the inverse-transformed data are not finite: no value has such a transform. "
                    "Consider data that is less skewed.",
                    UserWarning,
                )
        return X

    def _values(self, X, operation, copy):
        X = self.values(X, operation, copy=copy, force_writeable=True)
        if self.method == "box-cox" and (X <= 0).any():
            row, j = np.argwhere(X <= 0)[0]
            raise DataError(
                "PowerTransformer." + operation + ": The Box-Cox transformation can only be applied to strictly positive data, "
                f"got {X[row, j]:g} in row {row} of column {j}",
                operation=f"PowerTransformer.{operation}",
                operands={"X": X.shape, "row": int(row), "column": int(j)},
                rule="x > 0",
                suggestion="method='yeo-johnson'",
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.method == "box-cox"
        return tags


def constant(values) -> bool:
    """Whether what varies is only rounding (as in `StandardScaler`)."""
    mean, variance = values.mean(), values.var()
    eps = np.finfo(np.float64).eps
    return bool(variance <= len(values) * eps * variance + (len(values) * mean * eps) ** 2)


def best_power(values, method) -> float:
    """The power of largest likelihood, by Brent's search from (-2, 2)."""
    from scipy.optimize import brent

    if method == "box-cox":
        logs = np.log(values)
        spread, slope = _boxcox_spread(logs), float(logs.sum())
    else:
        up, down = np.log1p(values[values >= 0]), np.log1p(-values[values < 0])
        spread, slope = _yeo_johnson_spread(up, down), float(up.sum() - down.sum())
    n = len(values)

    def loss(power):  # a constant slope tells powers apart that spread equally
        return 0.5 * n * spread(power) - (power - 1.0) * slope

    with np.errstate(all="ignore"):
        return float(np.clip(brent(loss, brack=(-2.0, 2.0)), *powers_in_range(values, method)))


def powers_in_range(values, method) -> tuple[float, float]:
    """The lowest and the highest power that float64 can carry out.

    Squares of g(x) must not overflow, with room for new values 20 times as large; and where all values are far from the
    start of g, its x^l must not sink below the digits of the 1 that is taken from it: all would become one number.
    """
    least, most = 0.5 * np.log(np.finfo(np.float64).eps), 0.5 * np.log(np.finfo(np.float64).max * np.finfo(np.float64).eps)

    def limit(size, logarithm):
        return size / logarithm if logarithm > 0 else np.sign(size) * np.inf

    if method == "box-cox":  # x^l is large for a large x, and for a small one where l < 0
        low, high = np.log(values.min()), np.log(values.max())
        return (max(limit(-most, np.log(20.0) - low), limit(least, low)),
                min(limit(most, np.log(20.0) + high), limit(-least, -high)))
    sizes = np.abs(values)
    lowest, highest = limit(least, np.log1p(sizes.min())), limit(most, np.log1p(20.0 * sizes.max()))
    if values.min() >= 0:
        return lowest, highest
    if values.max() < 0:
        return 2.0 - highest, 2.0 - lowest
    return 2.0 - highest, highest


def _boxcox_spread(logs):
    """log var(g(x)) as a function of the power, for l != 0: log var(x^l) - 2 log |l|, scaled so that nothing overflows."""
    highest, lowest = logs.max(), logs.min()

    def spread(power):
        if abs(power) < 1e-8:
            return float(np.log(logs.var()))
        top = power * (highest if power > 0 else lowest)
        return float(np.log(np.exp(power * logs - top).var()) + 2.0 * top - 2.0 * np.log(abs(power)))

    return spread


def _yeo_johnson_spread(up, down):
    """log var(g(x)) as a function of the power; `up` and `down` are log(1 + |x|) of either sign."""
    one_sided = _boxcox_spread(up) if not len(down) else _boxcox_spread(down) if not len(up) else None
    if one_sided is not None:  # g is then a power of 1 + |x|, or its mirror image
        return one_sided if len(up) else lambda power: one_sided(2.0 - power)
    n = len(up) + len(down)
    high, low = up.max(), down.max()

    def spread(power):
        # Both sides as multiples of exp(top), the size of the largest value.
        top = max(0.0, power * high, (2.0 - power) * low)
        above, below = _raised(up, power, top), _raised(down, 2.0 - power, top)
        mean = (above.sum() - below.sum()) / n
        squares = ((above - mean) ** 2).sum() + ((below + mean) ** 2).sum()
        return float(np.log(squares / n) + 2.0 * top)

    return spread


def _raised(logs, power, top):
    """(exp(power * logs) - 1) / power, divided by exp(top)."""
    if abs(power) < 1e-8:
        return logs * np.exp(-top)
    if abs(power) < 1e-3:  # few digits are left of exp(small) - 1
        return np.expm1(power * logs) / power * np.exp(-top)
    return (np.exp(power * logs - top) - np.exp(-top)) / power


def bend(x, power, method) -> np.ndarray:
    """g(x); NaN stays.

    >>> bend(np.array([-1.0, 0.0, 3.0]), 0.5, "yeo-johnson").round(4)
    array([-1.219,  0.   ,  2.   ])
    """
    if method == "box-cox":
        return _power_of(np.log(x), power)
    out = _power_of(np.log1p(np.abs(x)), power)
    below = x < 0
    out[below] = -_power_of(np.log1p(-x[below]), 2.0 - power)
    return out


def _power_of(logs, power):
    with np.errstate(over="ignore"):
        return logs if abs(power) < np.finfo(np.float64).eps else np.expm1(power * logs) / power


def unbend(z, power, method) -> np.ndarray:
    """x with g(x) = z; NaN where there is none.

    >>> unbend(bend(np.array([-1.0, 0.0, 3.0]), 0.5, "yeo-johnson"), 0.5, "yeo-johnson").round(12)
    array([-1.,  0.,  3.])
    """
    with np.errstate(over="ignore"):
        if method == "box-cox":
            return np.exp(_log_of(z, power))
        out = np.expm1(_log_of(np.abs(z), power))
        below = z < 0
        out[below] = -np.expm1(_log_of(-z[below], 2.0 - power))
        return out


def _log_of(z, power):
    if abs(power) < np.finfo(np.float64).eps:
        return z
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log1p(power * z) / power
