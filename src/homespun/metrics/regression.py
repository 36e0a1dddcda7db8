"""Scores of numeric predictions.                          y_true, y_pred: (n,) or (n, t)   sample_weight s: (n,)

    mean squared error           sum_i s_i (y_i - p_i)^2 / sum_i s_i            root_…: its square root
    mean absolute error          the same of |y_i - p_i|                        median_…: the weighted median
    mean absolute % error        of |y_i - p_i| / max(|y_i|, 2.2e-16)           a share, not per cent
    mean squared log error       of (log(1 + y_i) - log(1 + p_i))^2
    mean pinball loss            of alpha (y_i - p_i) where y_i >= p_i, else (1 - alpha) (p_i - y_i)
    r2                           1 - sum_i s_i (y_i - p_i)^2 / sum_i s_i (y_i - mean(y))^2
    explained variance           the same after the mean error has been taken out

`multioutput` for t targets: "raw_values" (one score each), "uniform_average", weights (t,), and for r2 and explained
variance "variance_weighted". All sums are in float64.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.metrics.checks import check_shapes, numbers, one_of, undefined, weights


def mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of the squared errors.

    >>> mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.375
    """
    y, p, s, multioutput = _targets("mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(_mean((y - p) ** 2, s), multioutput)


def root_mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Square root of the mean squared error, in the unit of y. With several targets: root first, then average."""
    y, p, s, multioutput = _targets("root_mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(np.sqrt(_mean((y - p) ** 2, s)), multioutput)


def mean_absolute_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of the absolute errors, in the unit of y."""
    y, p, s, multioutput = _targets("mean_absolute_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(_mean(np.abs(y - p), s), multioutput)


def median_absolute_error(y_true, y_pred, *, multioutput="uniform_average", sample_weight=None):
    """Median of the absolute errors; with weights, the value at which half of the weight is reached (two values: their mean)."""
    y, p, s, multioutput = _targets("median_absolute_error", y_true, y_pred, sample_weight, multioutput)
    error = np.abs(y - p)
    return _combined(np.median(error, axis=0) if s is None else np.array([_weighted_median(e, s) for e in error.T]), multioutput)


def mean_absolute_percentage_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of |error| / |y| as a share: 0.1 is ten per cent. Huge, not infinite, where y is 0."""
    y, p, s, multioutput = _targets("mean_absolute_percentage_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(_mean(np.abs(y - p) / np.maximum(np.abs(y), np.finfo(np.float64).eps), s), multioutput)


def mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean squared error of log(1 + y): relative errors of large values weigh like those of small ones. All values > -1."""
    y, p, s, multioutput = _targets("mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(_mean(_log_error("mean_squared_log_error", y, p) ** 2, s), multioutput)


def root_mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Square root of `mean_squared_log_error`."""
    y, p, s, multioutput = _targets("root_mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)
    return _combined(np.sqrt(_mean(_log_error("root_mean_squared_log_error", y, p) ** 2, s)), multioutput)


def mean_pinball_loss(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    """Quantile loss: least for the `alpha` quantile (0 … 1). Half the mean absolute error at 0.5."""
    if not 0 <= alpha <= 1:
        raise ParameterError(f"mean_pinball_loss: alpha must be a number >= 0 and <= 1, got {alpha!r}",
                             operation="mean_pinball_loss", operands={"alpha": alpha}, rule="0 <= alpha <= 1")
    y, p, s, multioutput = _targets("mean_pinball_loss", y_true, y_pred, sample_weight, multioutput)
    error = y - p
    return _combined(_mean(np.where(error >= 0, alpha * error, (alpha - 1) * error), s), multioutput)


def max_error(y_true, y_pred):
    """The largest absolute error."""
    y, p, _, _ = _targets("max_error", y_true, y_pred, None, "uniform_average")
    if y.shape[1] > 1:
        raise ShapeError(f"max_error: one target only, got {y.shape[1]}: y_true {y.shape}", operation="max_error",
                         operands={"y_true": y.shape}, rule="one target")
    return float(np.abs(y - p).max())


def r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """Share of the variance of y that the predictions explain: 1 is perfect, 0 is no better than the mean.

    A constant target has no variance: 1 if predicted exactly, else 0 (`force_finite=False`: NaN and -inf). Fewer than two
    rows: NaN with a warning.

    >>> round(r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]), 3)
    0.949
    """
    y, p, s, multioutput = _targets("r2_score", y_true, y_pred, sample_weight, multioutput, "variance_weighted")
    if len(y) < 2:
        undefined("R^2 score is not well-defined with less than two samples.")
        return float("nan")
    return _explained((y - p) ** 2, (y - _mean(y, s)) ** 2, s, multioutput, force_finite)


def explained_variance_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """As `r2_score`, but a constant error costs nothing: the variance of the errors, not their squares."""
    y, p, s, multioutput = _targets("explained_variance_score", y_true, y_pred, sample_weight, multioutput, "variance_weighted")
    error = y - p
    return _explained((error - _mean(error, s)) ** 2, (y - _mean(y, s)) ** 2, s, multioutput, force_finite)


# ---------------------------------------------------------------------------------------------------------------------

def _targets(operation, y_true, y_pred, sample_weight, multioutput, *more_averages):
    """Checked (n, t) arrays, weights, and multioutput as a word or an array of weights."""
    y, p = numbers(operation, "y_true", y_true), numbers(operation, "y_pred", y_pred)
    if y.ndim == 1 or p.ndim == 1:
        check_shapes(operation, "y_true: n, y_pred: n", y_true=y, y_pred=p)
        y, p = y[:, None], p[:, None]
    check_shapes(operation, "y_true: n t, y_pred: n t", y_true=y, y_pred=p)
    s = weights(operation, sample_weight, len(y))
    if multioutput is None or isinstance(multioutput, str):
        one_of(operation, "multioutput", multioutput, ("raw_values", "uniform_average", *more_averages))
    else:
        multioutput = numbers(operation, "multioutput", multioutput)
        if y.shape[1] == 1:
            raise ParameterError(f"{operation}: custom weights in multioutput are for several targets, y has one",
                                 operation=operation, operands={"multioutput": multioutput.shape}, rule="two targets or more")
        check_shapes(operation, "y_true: n t, multioutput: t", y_true=y, multioutput=multioutput)
    return y, p, s, multioutput


def _mean(values, s):
    """Weighted mean over rows, (t,)."""
    return values.mean(0) if s is None else s @ values / s.sum()


def _combined(scores, multioutput):
    """(t,) scores as `multioutput` says."""
    if isinstance(multioutput, str):
        return scores if multioutput == "raw_values" else float(scores.mean())
    return float(multioutput @ scores / multioutput.sum())


def _explained(residual, spread, s, multioutput, force_finite):
    """1 - residual / spread per target, with scikit-learn's values where the spread is 0, combined."""
    numerator, denominator = _mean(residual, s), _mean(spread, s)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = 1.0 - numerator / denominator
    if force_finite:
        scores = np.where(denominator == 0, np.where(numerator == 0, 1.0, 0.0), scores)
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        multioutput = denominator if denominator.any() else "uniform_average"
    return _combined(scores, multioutput)


def _log_error(operation, y, p):
    for name, values in (("y_true", y), ("y_pred", p)):
        if values.min() <= -1:
            raise DataError(f"{operation}: {name} must be > -1 everywhere, got {values.min()}", operation=operation,
                            operands={name: values.shape}, rule="values > -1")
    return np.log1p(y) - np.log1p(p)


def _weighted_median(values, s):
    """Mean of the lowest and the highest value at which the sorted weights reach half of their sum."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(s[order])
    half = reached[-1] / 2
    low = np.searchsorted(reached, half * (1 - 1e-12), side="left")   # room for rounding in the cumulated sum
    high = min(np.searchsorted(reached, half * (1 + 1e-12), side="right"), values.size - 1)
    return (values[order[low]] + values[order[high]]) / 2
