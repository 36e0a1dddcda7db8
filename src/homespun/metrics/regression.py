"""Scores of numeric predictions.                          y_true, y_pred: (n,) or (n, t)   sample_weight s: (n,)

    mean squared error           sum_i s_i (y_i - p_i)^2 / sum_i s_i            root_…: its square root
    mean absolute error          the same of |y_i - p_i|                        median_…: the weighted median
    mean absolute % error        of |y_i - p_i| / max(|y_i|, 2.2e-16)           a share, not per cent
    mean squared log error       of (log(1 + y_i) - log(1 + p_i))^2
    mean pinball loss            of alpha (y_i - p_i) where y_i >= p_i, else (1 - alpha) (p_i - y_i)
    r2                           1 - sum_i s_i (y_i - p_i)^2 / sum_i s_i (y_i - mean(y))^2
    explained variance           the same after the mean error has been taken out

`multioutput` for t targets: "raw_values" (one score each), "uniform_average", weights (t,), and for r2 and explained
variance "variance_weighted". All sums are in float64, by blocks of rows (`sums`).
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.metrics.checks import check_shapes, finite, numbers, one_of, undefined, weights
from homespun.metrics.sums import block_sums


def mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of the squared errors.

    >>> mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.375
    """
    y, p, s, multioutput = targets("mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    return combined(_squares("mean_squared_error", y, p, s), multioutput)


def root_mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Square root of the mean squared error, in the unit of y. With several targets: root first, then average."""
    y, p, s, multioutput = targets("root_mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    return combined(np.sqrt(_squares("root_mean_squared_error", y, p, s)), multioutput)


def mean_absolute_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of the absolute errors, in the unit of y."""
    name = "mean_absolute_error"
    y, p, s, multioutput = targets(name, y_true, y_pred, sample_weight, multioutput)
    return combined(mean(name, lambda y, p: np.abs(y - p), y, p, s=s), multioutput)


def median_absolute_error(y_true, y_pred, *, multioutput="uniform_average", sample_weight=None):
    """Median of the absolute errors; with weights, the value at which half of the weight is reached (two values: their mean)."""
    name = "median_absolute_error"
    y, p, s, multioutput = targets(name, y_true, y_pred, sample_weight, multioutput)
    finite(name, y_true=y, y_pred=p)
    error = np.subtract(y, p)
    np.abs(error, out=error)
    if s is None:
        return combined(np.array([_median(column) for column in error.T]), multioutput)
    return combined(np.array([weighted_quantile(column, s, 0.5) for column in error.T]), multioutput)


def mean_absolute_percentage_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean of |error| / |y| as a share: 0.1 is ten per cent. Huge, not infinite, where y is 0."""
    name = "mean_absolute_percentage_error"
    y, p, s, multioutput = targets(name, y_true, y_pred, sample_weight, multioutput)
    step = np.finfo(np.float64).eps
    return combined(mean(name, lambda y, p: np.abs(y - p) / np.maximum(np.abs(y), step), y, p, s=s), multioutput)


def mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean squared error of log(1 + y): relative errors of large values weigh like those of small ones. All values > -1."""
    y, p, s, multioutput = targets("mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)
    return combined(_log_squares("mean_squared_log_error", y, p, s), multioutput)


def root_mean_squared_log_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Square root of `mean_squared_log_error`."""
    y, p, s, multioutput = targets("root_mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)
    return combined(np.sqrt(_log_squares("root_mean_squared_log_error", y, p, s)), multioutput)


def mean_pinball_loss(y_true, y_pred, *, sample_weight=None, alpha=0.5, multioutput="uniform_average"):
    """Quantile loss: least for the `alpha` quantile (0 … 1). Half the mean absolute error at 0.5."""
    y, p, s, multioutput = targets("mean_pinball_loss", y_true, y_pred, sample_weight, multioutput)
    return combined(pinball("mean_pinball_loss", y, p, s, alpha), multioutput)


def max_error(y_true, y_pred):
    """The largest absolute error."""
    y, p, _, _ = targets("max_error", y_true, y_pred, None, "uniform_average")
    one_target("max_error", y)
    with np.errstate(invalid="ignore"):
        error = y - p
    return float(checked("max_error", max(error.max(), -error.min()), y, p))


def r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """Share of the variance of y that the predictions explain: 1 is perfect, 0 is no better than the mean.

    A constant target has no variance: 1 if predicted exactly, else 0 (`force_finite=False`: NaN and -inf). Fewer than two
    rows: NaN with a warning.

    >>> round(r2_score([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]), 3)
    0.949
    """
    y, p, s, multioutput = targets("r2_score", y_true, y_pred, sample_weight, multioutput, "variance_weighted")
    if len(y) < 2:
        undefined("R^2 score is not well-defined with less than two samples.")
        return float("nan")
    centre = mean("r2_score", lambda y: y, y, s=s)
    return explained(_squares("r2_score", y, p, s), _squares("r2_score", y, centre, s), multioutput, force_finite)


def explained_variance_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", force_finite=True):
    """As `r2_score`, but a constant error costs nothing: the variance of the errors, not their squares."""
    name = "explained_variance_score"
    y, p, s, multioutput = targets(name, y_true, y_pred, sample_weight, multioutput, "variance_weighted")
    bias, centre = mean(name, lambda y, p: (y - p, y), y, p, s=s, count=2)
    residual, spread = mean(name, lambda y, p: ((y - p - bias) ** 2, (y - centre) ** 2), y, p, s=s, count=2)
    return explained(residual, spread, multioutput, force_finite)


# ---------------------------------------------------------------------------------------------------------------------
# What the other scores of numbers build on, too

def targets(operation, y_true, y_pred, sample_weight, multioutput="uniform_average", *more_averages):
    """(n, t) arrays, weights, and multioutput as a word or an array of weights. NaN and infinity are looked for later, by
    `checked`: in the sum, where they cost nothing to see."""
    y, p = (numbers(operation, name, value, check=False) for name, value in (("y_true", y_true), ("y_pred", y_pred)))
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
            raise ParameterError(f"{operation}: Custom weights are useful only in multi-output cases; multioutput is "
                                 f"{multioutput.tolist()}, and y has one target", operation=operation,
                                 operands={"multioutput": multioutput.shape}, rule="two targets or more")
        if multioutput.shape != y.shape[1:]:
            raise ShapeError(f"{operation}: There must be equally many custom weights ({multioutput.size}) as outputs "
                             f"({y.shape[1]}).", operation=operation,
                             operands={"y_true": y.shape, "multioutput": multioutput.shape}, rule="multioutput: t")
    return y, p, s, multioutput


def one_target(operation, y):
    """ShapeError for several targets."""
    if y.shape[1] > 1:
        raise ShapeError(f"{operation}: Multioutput not supported in {operation}, got {y.shape[1]} targets: y_true {y.shape}",
                         operation=operation, operands={"y_true": y.shape}, rule="one target")


def checked(operation, result, y, p=None):
    """The result, if it is finite, or if what it was made of is (huge values may overflow); else a DataError."""
    if not np.isfinite(result).all():
        finite(operation, y_true=y, **({} if p is None else {"y_pred": p}))
    return result


def mean(operation, terms, *arrays, s=None, count=1):
    """Weighted mean over rows of what `terms` returns: (t,), or (count, t)."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = block_sums(terms, *arrays, s=s, count=count) / (len(arrays[0]) if s is None else s.sum())
    checked(operation, sums, *arrays[:2])
    return sums[0] if count == 1 else sums


def combined(scores, multioutput):
    """(t,) scores as `multioutput` says."""
    if isinstance(multioutput, str):
        return scores if multioutput == "raw_values" else float(scores.mean())
    return float(multioutput @ scores / multioutput.sum())


def explained(numerator, denominator, multioutput, force_finite):
    """1 - residual / spread per target, with scikit-learn's values where the spread is 0, combined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = 1.0 - numerator / denominator
    if force_finite:
        scores = np.where(denominator == 0, np.where(numerator == 0, 1.0, 0.0), scores)
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        multioutput = denominator if denominator.any() else "uniform_average"
    return combined(scores, multioutput)


def pinball(operation, y, p, s, alpha):
    """Mean pinball loss per target. p: (n, t) or (t,)."""
    if not 0 <= alpha <= 1:
        raise ParameterError(f"{operation}: alpha must be a number >= 0 and <= 1, got {alpha!r}",
                             operation=operation, operands={"alpha": alpha}, rule="0 <= alpha <= 1")

    def loss(y, p=p):
        error = y - p
        return np.maximum(alpha * error, (alpha - 1) * error)

    return mean(operation, loss, *((y, p) if p.ndim == 2 else (y,)), s=s)


def weighted_quantile(values, s, share):
    """Mean of the lowest and the highest of values (n,) at which the sorted weights reach this share of their sum."""
    order = np.argsort(values)
    reached = np.cumsum(s[order])
    goal = reached[-1] * share
    slack = reached[-1] * 1e-12  # room for rounding in the cumulated sum
    low = np.searchsorted(reached, goal - slack, side="left")
    high = min(np.searchsorted(reached, goal + slack, side="right"), values.size - 1)
    if share == 0:  # rows without weight are no rows
        low = high = np.searchsorted(reached, 0.0, side="right")
    return (values[order[low]] + values[order[high]]) / 2


def _squares(operation, y, p, s):
    """Mean squared error per target. p: (n, t) or (t,)."""
    def square(y, p=p):
        error = y - p
        return np.multiply(error, error, out=error)

    return mean(operation, square, *((y, p) if p.ndim == 2 else (y,)), s=s)


def _log_squares(operation, y, p, s):
    for name, values in (("y_true", y), ("y_pred", p)):
        if values.min() <= -1:
            words = "Root Mean Squared" if operation.startswith("root") else "Mean Squared"
            raise DataError(f"{operation}: {words} Logarithmic Error cannot be used when targets contain values less than "
                            "or equal to "
                            f"-1. {name} must be > -1 everywhere, got {values.min()}", operation=operation,
                            operands={name: values.shape}, rule="values > -1")
    return mean(operation, lambda y, p: (np.log1p(y) - np.log1p(p)) ** 2, y, p, s=s)


def _median(values):
    """Median of values (n,), which are put in another order."""
    half = values.size // 2
    values = np.ascontiguousarray(values)
    values.partition(half)
    if values.size % 2:
        return values[half]
    return (values[:half].max() + values[half]) / 2
