"""Where the error comes from: bias, variance, and what bootstrap samples say of both.        y: (m,)   f_b: model of sample b

    main prediction   the mean of f_b(x) (squared loss), the most frequent class (0-1 loss)
    bias              loss of the main prediction          variance   mean loss of f_b against the main prediction

    squared loss      E[(y - f)^2] = (y - main)^2 + E[(f - main)^2]                 bias + variance, exactly
    0-1 loss          E[f != y] = bias + net variance: where the main prediction is right, a deviation costs (unbiased variance,
                      +P[f != main]); where it is wrong, one that happens to be right pays (biased variance, -P[f = y])

Domingos 2000, ICML, theorems 1 and 3 (noise is part of the bias here: each x was seen with one y). So variance *lowers* the 0-1
error of a biased model: bagging helps unstable models, and hurts where the majority is wrong. Cost: `rounds` fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.base.errors import ParameterError
from homespun.metrics.checks import check_shapes, labels_of, numbers, one_of, weights
from homespun.metrics.counts import codes


@dataclass(frozen=True)
class BiasVariance:
    """Means over the rows. ``loss == bias + net_variance``; for squared loss net_variance is `variance`."""

    loss: float
    bias: float
    variance: float
    net_variance: float
    unbiased_variance: float
    biased_variance: float


def bias_variance_decomposition(estimator, X_train, y_train, X_test, y_test, *, loss="squared", rounds=100, sample_weight=None,
                                random_state=None):
    """Fit `estimator` on bootstrap samples of the training rows, and split its mean loss on the test rows.

    Parameters
    ----------
    estimator : has fit and predict; it is copied, not changed
    loss : {"squared", "zero_one"}
    rounds : int
        Bootstrap samples, each as large as the training set.
    sample_weight : array-like (m,), optional
        Weights of the test rows.

    Returns
    -------
    BiasVariance

    >>> from homespun.linear_model import LinearRegression
    >>> X = np.arange(20.0)[:, None]
    >>> found = bias_variance_decomposition(LinearRegression(), X, X.ravel() ** 2, X, X.ravel() ** 2, random_state=0)
    >>> found.bias > found.variance > 0, abs(found.loss - found.bias - found.variance) < 1e-9
    (True, True)
    """
    from sklearn.base import clone
    from sklearn.utils import _safe_indexing, check_random_state

    name = "bias_variance_decomposition"
    one_of(name, "loss", loss, ("squared", "zero_one"))
    if not isinstance(rounds, (int, np.integer)) or isinstance(rounds, bool) or rounds < 2:
        raise ParameterError(f"{name}: rounds must be a whole number >= 2, got {rounds!r}", operation=name,
                             operands={"rounds": rounds}, rule="rounds >= 2")
    rng, n = check_random_state(random_state), len(y_train)
    predictions = []
    for _ in range(rounds):
        drawn = rng.randint(n, size=n)
        model = clone(estimator).fit(_safe_indexing(X_train, drawn), _safe_indexing(y_train, drawn))
        predictions.append(np.asarray(model.predict(X_test)))
    return decompose(y_test, np.array(predictions), loss=loss, sample_weight=sample_weight)


def decompose(y, predictions, *, loss="squared", sample_weight=None):
    """The split for predictions (rounds, m) that are there already.

    >>> found = decompose([1, 0], [[1, 1], [1, 1], [0, 0]], loss="zero_one")
    >>> round(found.unbiased_variance, 3), round(found.biased_variance, 3)  # means over both rows: 1/3 where right, where wrong
    (0.167, 0.167)
    """
    name = "decompose"
    one_of(name, "loss", loss, ("squared", "zero_one"))
    predictions = np.asarray(predictions)
    y = numbers(name, "y", y) if loss == "squared" else labels_of(name, "y", y)
    check_shapes(name, "y: m, predictions: rounds m", y=y, predictions=predictions)
    s = weights(name, sample_weight, len(y))

    def average(rows):
        return float(np.average(rows, weights=s))

    if loss == "squared":
        predictions = numbers(name, "predictions", predictions)
        main = predictions.mean(0)
        variance = average(((predictions - main) ** 2).mean(0))
        whole, bias = average(((predictions - y) ** 2).mean(0)), average((y - main) ** 2)
        return BiasVariance(whole, bias, variance, variance, variance, 0.0)
    classes, code = codes(np.concatenate([y, labels_of(name, "predictions", predictions.ravel())]))
    truth, found = code[: len(y)], code[len(y):].reshape(predictions.shape)
    votes = np.stack([(found == k).mean(0) for k in range(len(classes))])  # (K, m)
    main = votes.argmax(0)  # of equally frequent classes the first
    right = votes[truth, np.arange(len(y))]
    differs = 1 - votes.max(0)
    wrong = main != truth
    unbiased, biased = average(np.where(wrong, 0.0, differs)), average(np.where(wrong, right, 0.0))
    return BiasVariance(average(1 - right), average(wrong), average(differs), unbiased - biased, unbiased, biased)
