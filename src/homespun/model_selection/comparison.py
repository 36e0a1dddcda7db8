"""How sure a cross-validated score is, and whether one model is better than another on the same folds.

The folds share training rows, so the scores d_1 … d_k depend on each other and the plain t test finds differences that
are not there. Nadeau & Bengio 2003 (Machine Learning 52, section 3, eq. 9) correct the variance of their mean:

    var = (1/k + n_test / n_train) s^2        t = mean / sqrt(var), k - 1 degrees of freedom        s^2: variance of d

For an interval d is the score itself, for a paired test the difference of two models on each fold. The ratio is that of
one fold. Of Dietterich's 5 × 2 test and this one, this one keeps its level at equal power (ibid., section 5).
"""

from __future__ import annotations

import numpy as np


def corrected_interval(scores, train_sizes, test_sizes, level: float = 0.95) -> tuple[float, float, float]:
    """(mean, low, high) of the scores of folds; folds without a score (NaN) are left out.

    >>> [round(value, 3) for value in corrected_interval([0.8, 0.9, 0.85], [200] * 3, [100] * 3)]
    [0.85, 0.654, 1.046]
    """
    from scipy.stats import t

    mean, error, k = _moments(scores, train_sizes, test_sizes)
    half = float(t.ppf(0.5 + level / 2, k - 1)) * error if k > 1 else float("nan")
    return mean, mean - half, mean + half


def corrected_t_test(scores, others, train_sizes, test_sizes) -> float:
    """Two-sided p-value of "both are equally good", from their scores on the same folds; NaN with fewer than two folds.

    >>> round(corrected_t_test([0.80, 0.90, 0.85], [0.70, 0.79, 0.76], [200] * 3, [100] * 3), 4)
    0.0082
    """
    from scipy.stats import t

    mean, error, k = _moments(np.asarray(scores) - np.asarray(others), train_sizes, test_sizes)
    if k < 2:
        return float("nan")
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return float(2.0 * t.sf(abs(mean) / error, k - 1))


def _moments(values, train_sizes, test_sizes):
    """Mean, its corrected standard error, and the number of folds that count."""
    values = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    values = values[there]
    k = len(values)
    if k == 0:
        return float("nan"), float("nan"), 0
    ratio = float(np.mean(np.asarray(test_sizes)[there] / np.asarray(train_sizes)[there]))
    variance = (1.0 / k + ratio) * values.var(ddof=1) if k > 1 else float("nan")
    return float(values.mean()), float(np.sqrt(variance)), k
