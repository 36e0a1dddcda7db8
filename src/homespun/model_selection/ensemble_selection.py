"""Blending by greedy selection: the mean of those predictions that help each other, chosen one at a time.

    start with nothing;  m times:  add the model, of all, whose prediction makes the mean's score best     (with repetition)

Caruana, Niculescu-Mizil, Crew & Ksikes 2004 (ICML, section 2). The predictions are out of fold, so no model is asked about
rows that it has learned from; repetition makes the weights multiples of 1/m, and few steps keep the selection from
learning the noise of the scores. The first step takes the best model, so a blend is never worse than it on these rows.
Cost O(m * models * cost of the score).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def select_ensemble(
    predictions: Sequence[np.ndarray], score: Callable[[np.ndarray], float], *, steps: int = 12, most: int = 5
) -> np.ndarray:
    """Weights of the models, summing to one; most of them are zero.

    Parameters
    ----------
    predictions : sequence of arrays of one shape
        Out-of-fold predictions of each model: amounts, or probabilities.
    score : function of such an array
        Higher is better; NaN is worst.
    steps : int, default=12
    most : int, default=5
        So many different models at most: each of them has to be kept and asked later.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> select_ensemble([y + 1, y - 1, y * 9], lambda p: -float(((p - y) ** 2).mean()), steps=4)
    array([0.5, 0.5, 0. ])
    """
    counts = np.zeros(len(predictions))
    total = np.zeros_like(np.asarray(predictions[0], dtype=np.float64))
    best_counts, best_score = counts.copy(), -np.inf
    for step in range(1, steps + 1):
        allowed = [j for j in range(len(predictions)) if counts[j] or np.count_nonzero(counts) < most]
        scores = [score((total + predictions[j]) / step) for j in allowed]
        scores = [value if value == value else -np.inf for value in scores]
        place = int(np.argmax(scores))
        counts[allowed[place]] += 1
        total += predictions[allowed[place]]
        if scores[place] > best_score:
            best_counts, best_score = counts.copy(), scores[place]
    if not best_counts.any():
        best_counts[0] = 1.0  # no score says anything: the first one
    return best_counts / best_counts.sum()
