"""Do events that are given 70 % happen in 70 % of the cases?         y: (n,) 0 or 1   p: (n,) probabilities of 1   B bins

    calibration curve            for each bin b the share of positives  o_b = mean of y,  and the mean probability  c_b
    expected calibration error   sum_b n_b / n |o_b - c_b|        ("max": the largest term's gap)

For K classes the probability is that of the predicted class, and y says whether it was right. DeGroot & Fried 1983, The
Statistician 32; Naeini et al. 2015 (AAAI); Guo et al. 2017 (ICML, eq. 3). The error depends on the bins: with many it
measures noise, so compare models on the same ones.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import check_shapes, labels_of, numbers, one_of, positive_label, weights
from homespun.metrics.counts import codes, distinct


def calibration_curve(y_true, y_prob, *, pos_label=None, n_bins=5, strategy="uniform"):
    """(share of positives, mean probability) of each bin that holds rows.

    `strategy`: bins of equal width ("uniform") or of equally many rows ("quantile").

    >>> true, predicted = calibration_curve([0, 0, 0, 0, 1, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0], n_bins=3)
    >>> true.tolist(), predicted.round(2).tolist()
    ([0.0, 0.5, 1.0], [0.2, 0.52, 0.85])
    """
    name = "calibration_curve"
    y, p = _two_classes(name, y_true, y_prob, pos_label)
    place, total = _bins(name, p, n_bins, strategy, None)
    there = total != 0
    true = np.bincount(place, weights=y, minlength=len(total))[there] / total[there]
    return true, np.bincount(place, weights=p, minlength=len(total))[there] / total[there]


def expected_calibration_error(y_true, y_prob, *, pos_label=None, n_bins=15, strategy="uniform", norm="mean", sample_weight=None):
    """Distance of the calibration curve from the diagonal, weighted by the rows of each bin: 0 is calibrated.

    Parameters
    ----------
    y_true : array-like (n,)
    y_prob : array-like (n,) of `pos_label`, or (n, K) for the classes in sorted order
    n_bins : int
    strategy : {"uniform", "quantile"}
    norm : {"mean", "max"}
        Mean of the gaps, or the largest ("maximum calibration error").

    >>> round(expected_calibration_error([0, 1, 1, 1], [0.75, 0.75, 0.75, 0.75]), 2)
    0.0
    """
    name = "expected_calibration_error"
    one_of(name, "norm", norm, ("mean", "max"))
    if np.ndim(y_prob) == 2:
        y = labels_of(name, "y_true", y_true)
        p = numbers(name, "y_prob", y_prob)
        check_shapes(name, "y_true: n, y_prob: n K", y_true=y, y_prob=p)
        classes, place = codes(y)
        if len(classes) > p.shape[1]:
            raise DataError(f"{name}: y_true holds {len(classes)} classes, y_prob has {p.shape[1]} columns", operation=name,
                            operands={"y_true": y.shape, "y_prob": p.shape}, rule="a column for each class")
        predicted = p.argmax(1)
        y, p = (predicted == place).astype(np.float64), p[np.arange(len(p)), predicted]
        _shares(name, p)
    else:
        y, p = _two_classes(name, y_true, y_prob, pos_label)
    s = weights(name, sample_weight, len(y))
    place, total = _bins(name, p, n_bins, strategy, s)
    there = total != 0
    gap = np.abs(np.bincount(place, weights=(y - p) if s is None else s * (y - p), minlength=len(total)))
    if norm == "max":
        return float((gap[there] / total[there]).max())
    return float(gap.sum() / total.sum())


def _two_classes(name, y_true, y_prob, pos_label):
    y, p = labels_of(name, "y_true", y_true), numbers(name, "y_prob", y_prob)
    check_shapes(name, "y_true: n, y_prob: n", y_true=y, y_prob=p)
    classes = distinct(y)
    pos_label = positive_label(name, pos_label, classes)
    _shares(name, p)
    if len(classes) > 2:
        raise DataError(f"{name}: Only binary classification is supported. Provided labels {classes}.", operation=name,
                        operands={"y_true": y.shape}, rule="two classes")
    return (y == pos_label).astype(np.float64), p


def _shares(name, p):
    if p.min() < 0 or p.max() > 1:
        raise DataError(f"{name}: y_prob has values outside [0, 1], from {p.min():g} to {p.max():g}.", operation=name,
                        operands={"y_prob": p.shape}, rule="0 <= y_prob <= 1")


def _bins(name, p, n_bins, strategy, s):
    """The bin of each row, and the weight of each bin. A value on an inner edge belongs to the bin below it."""
    one_of(name, "strategy", strategy, ("uniform", "quantile"))
    if not isinstance(n_bins, (int, np.integer)) or isinstance(n_bins, bool) or n_bins < 1:
        raise ParameterError(f"{name}: n_bins must be a whole number >= 1, got {n_bins!r}", operation=name,
                             operands={"n_bins": n_bins}, rule="n_bins >= 1")
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(p, edges * 100)
        place = np.searchsorted(edges[1:-1], p)
    else:  # by arithmetic, then one step aside where rounding put a value across an edge
        place = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
        place -= (p <= edges[place]) & (place > 0)
        place += (p > edges[place + 1]) & (place < n_bins - 1)
    return place, np.bincount(place, weights=s, minlength=n_bins)
