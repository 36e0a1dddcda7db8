"""Agreement of two clusterings, counted in pairs of rows.           n_ij: the contingency table, a_i, b_j its sums, n rows

    together in both       N11 = sum_ij n_ij^2 - n                 (ordered pairs)
    Rand                   (N11 + N00) / (n^2 - n)                 share of the pairs on which both agree
    adjusted Rand          2 (N11 N00 - N10 N01) / ((N11 + N10)(N10 + N00) + (N11 + N01)(N01 + N00))      0 for chance
    Fowlkes-Mallows        sqrt(N11 / (N11 + N01) * N11 / (N11 + N10))

Rand 1971, JASA 66; Hubert & Arabie 1985, Journal of Classification 2; Fowlkes & Mallows 1983, JASA 78.
"""

from __future__ import annotations

import numpy as np

from homespun.metrics.cluster.contingency import Table, table


def pair_confusion_matrix(labels_true, labels_pred):
    """[[N00, N01], [N10, N11]]: ordered pairs of rows that are apart or together in the true (row) and the found (column) one.

    >>> pair_confusion_matrix([0, 0, 1, 1], [0, 0, 1, 2]).tolist()
    [[8, 0], [2, 2]]
    """
    return _pairs(table("pair_confusion_matrix", labels_true, labels_pred))


def rand_score(labels_true, labels_pred):
    """Share of the pairs of rows on which the two clusterings agree, 0 … 1."""
    pairs = _pairs(table("rand_score", labels_true, labels_pred))
    same, total = pairs[0, 0] + pairs[1, 1], pairs.sum()
    return 1.0 if same == total or total == 0 else float(same / total)


def adjusted_rand_score(labels_true, labels_pred):
    """The Rand score, with 0 for what chance gives: 1 for equal clusterings, below 0 for worse than chance.

    >>> round(adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]), 2)
    0.57
    """
    (tn, fp), (fn, tp) = _pairs(table("adjusted_rand_score", labels_true, labels_pred)).tolist()  # Python's whole numbers: exact
    if fn == 0 and fp == 0:
        return 1.0
    return 2.0 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn))


def fowlkes_mallows_score(labels_true, labels_pred):
    """Geometric mean of pairwise precision and recall.

    >>> fowlkes_mallows_score([0, 0, 0, 0], [0, 1, 2, 3])
    0.0
    """
    found = table("fowlkes_mallows_score", labels_true, labels_pred)
    together = int((found.rows**2).sum()) - found.n
    if together == 0:
        return 0.0
    return float(np.sqrt(together / (int((found.of_clusters**2).sum()) - found.n))
                 * np.sqrt(together / (int((found.of_classes**2).sum()) - found.n)))


def _pairs(found: Table) -> np.ndarray:
    squares, n = int((found.rows**2).sum()), found.n
    together_found = int((found.of_clusters**2).sum()) - squares
    together_true = int((found.of_classes**2).sum()) - squares
    return np.array([[n * n - together_found - together_true - squares, together_found], [together_true, squares - n]], np.int64)
