"""Deviances of the Tweedie family, and scores made of them.          y_true: (n,)   y_pred: (n,)   sample_weight s: (n,)

    power 0   (y - m)^2                              normal
    power 1   2 (y log(y / m) - y + m)               Poisson: counts                  y >= 0, m > 0
    power 2   2 (log(m / y) + y / m - 1)             Gamma: positive amounts          y > 0, m > 0
    other     2 (max(y, 0)^(2-q) / ((1-q)(2-q)) - y m^(1-q) / (1-q) + m^(2-q) / (2-q))        q: the power

D^2 is the share of the deviance of the best constant that the predictions save: r2 with another distance. The best constant
is the weighted mean, for the pinball loss the quantile. Jorgensen 1987, JRSS B 49(2); Koenker & Machado 1999, JASA 94.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import finite, undefined
from homespun.metrics.regression import explained, mean, one_target, pinball, targets, weighted_quantile

NEEDS = {"y_pred": "strictly positive y_pred", "y": "non-negative y and strictly positive y_pred",
         "both": "strictly positive y and y_pred"}


def mean_tweedie_deviance(y_true, y_pred, *, sample_weight=None, power=0):
    """Mean deviance of the Tweedie distribution of this power: 0 squared error, 1 Poisson, 2 Gamma, 1 … 2 compound.

    >>> mean_tweedie_deviance([2, 0, 1, 4], [0.5, 0.5, 2.0, 2.0], power=1)
    1.4260...
    """
    return _deviance("mean_tweedie_deviance", y_true, y_pred, sample_weight, power)


def mean_poisson_deviance(y_true, y_pred, *, sample_weight=None):
    """Mean Poisson deviance: for counts, whose variance grows with their mean."""
    return _deviance("mean_poisson_deviance", y_true, y_pred, sample_weight, 1)


def mean_gamma_deviance(y_true, y_pred, *, sample_weight=None):
    """Mean Gamma deviance: for positive amounts; only ratios of y and prediction count."""
    return _deviance("mean_gamma_deviance", y_true, y_pred, sample_weight, 2)


def d2_tweedie_score(y_true, y_pred, *, sample_weight=None, power=0):
    """Share of the Tweedie deviance of the mean that the predictions save; r2 for power 0.

    >>> round(d2_tweedie_score([0.5, 1, 2.5, 7], [1, 1, 5, 3.5], power=1), 3)
    0.488
    """
    name = "d2_tweedie_score"
    y, m, s, _ = targets(name, y_true, y_pred, sample_weight)
    one_target(name, y)
    if len(y) < 2:
        undefined("D^2 score is not well-defined with less than two samples.")
        return float("nan")
    _check_range(name, y, m, power)
    centre = mean(name, lambda y: y, y, s=s)
    with np.errstate(divide="ignore", invalid="ignore"):
        saved = _mean_deviance(name, y, m, s, power) / _mean_deviance(name, y, centre, s, power)
    return float(1 - saved[0])


def d2_pinball_score(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    """Share of the pinball loss of the `alpha` quantile that the predictions save."""
    return _d2_pinball("d2_pinball_score", y_true, y_pred, sample_weight, alpha, multioutput)


def d2_absolute_error_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Share of the absolute error of the median that the predictions save.

    >>> round(d2_absolute_error_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]), 3)
    0.765
    """
    return _d2_pinball("d2_absolute_error_score", y_true, y_pred, sample_weight, 0.5, multioutput)


# ---------------------------------------------------------------------------------------------------------------------

def _deviance(operation, y_true, y_pred, sample_weight, power):
    y, m, s, _ = targets(operation, y_true, y_pred, sample_weight)
    one_target(operation, y)
    _check_range(operation, y, m, power)
    return float(_mean_deviance(operation, y, m, s, power)[0])


def _mean_deviance(operation, y, m, s, power):
    """(1,). m: (n, 1), or (1,) for a constant."""
    terms = _terms(power)
    if m.ndim == 2:
        return mean(operation, terms, y, m, s=s)
    return mean(operation, lambda y: terms(y, m), y, s=s)


def _terms(q):
    """The deviance of each row, as a function of y and m."""
    if q == 0:
        return lambda y, m: (y - m) ** 2
    if q == 1:
        return _poisson
    if q == 2:
        return lambda y, m: 2 * (np.log(m / y) + y / m - 1)
    return lambda y, m: 2 * (
        np.maximum(y, 0.0) ** (2 - q) / ((1 - q) * (2 - q)) - y * m ** (1 - q) / (1 - q) + m ** (2 - q) / (2 - q))


def _poisson(y, m):
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = y * np.log(y / m)
    if y.min() == 0:
        logs[y == 0] = 0.0  # the limit of y log y
    return 2 * (logs - y + m)


def _check_range(operation, y, m, power):
    """DataError for values that the distribution does not have; ParameterError for a power between 0 and 1."""
    if 0 < power < 1 or power != power:
        raise ParameterError(f"{operation}: power must be <= 0 or >= 1 (no distribution lies between), got {power!r}",
                             operation=operation, operands={"power": power}, rule="power <= 0 or power >= 1")
    if power == 0:
        return
    need = "y_pred" if power < 0 else "y" if power < 2 else "both"
    low, low_m = y.min(), m.min()
    if low_m <= 0 or (need == "y" and low < 0) or (need == "both" and low <= 0):
        finite(operation, y_true=y, y_pred=m)
        raise DataError(f"{operation}: Mean Tweedie deviance error with power={power} can only be used on {NEEDS[need]}. "
                        "The least y "
                        f"is {low}, the least y_pred {low_m}", operation=operation,
                        operands={"y_true": y.shape, "y_pred": m.shape}, rule=NEEDS[need])


def _d2_pinball(operation, y_true, y_pred, sample_weight, alpha, multioutput):
    y, p, s, multioutput = targets(operation, y_true, y_pred, sample_weight, multioutput)
    if len(y) < 2:
        undefined("D^2 score is not well-defined with less than two samples.", stacklevel=4)
        return float("nan")
    saved = pinball(operation, y, p, s, alpha)
    if s is None:
        best = np.array([_quantile(column, alpha) for column in y.T])
    else:
        best = np.array([weighted_quantile(column, s, alpha) for column in y.T])
    return explained(saved, pinball(operation, y, best, s, alpha), multioutput, True)


def _quantile(values, share):
    """Mean of the lowest and the highest value with at least `share` of the rows at or below it, by selection."""
    n = values.size
    goal = share * n
    low = min(max(int(np.ceil(goal - 1e-9)) - 1, 0), n - 1)
    high = min(int(np.floor(goal + 1e-9)), n - 1) if share > 0 else 0
    part = np.partition(values, (low, high))
    return (part[low] + part[high]) / 2
