"""Agreement of two clusterings, in information.         p_ij = n_ij / n, a_i, b_j: shares of the contingency table; in nats

    entropy               H(U) = - sum_i a_i log a_i
    mutual information    I = sum_ij p_ij log(p_ij / (a_i b_j))
    homogeneity           I / H(classes): clusters hold members of one class only           completeness: I / H(clusters)
    V measure             (1 + beta) h c / (beta h + c)
    normalised, adjusted  I / M,  (I - E[I]) / (M - E[I])        M: mean of the two entropies, E: over random clusterings

Rosenberg & Hirschberg 2007 (EMNLP); Vinh, Epps & Bailey 2010, JMLR 11 (E[I] is in `expected_information`).
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError
from homespun.metrics.checks import one_of
from homespun.metrics.cluster.contingency import Table, table
from homespun.metrics.cluster.expected_information import expected_information

MEANS = ("min", "geometric", "arithmetic", "max")


def mutual_info_score(labels_true, labels_pred, *, contingency=None):
    """Mutual information of two clusterings, in nats; from the labels, or from their table, dense or sparse.

    >>> round(mutual_info_score([0, 0, 1, 1], [1, 1, 0, 0]), 4)
    0.6931
    """
    name = "mutual_info_score"
    return _information(table(name, labels_true, labels_pred) if contingency is None else _from_matrix(name, contingency))


def homogeneity_completeness_v_measure(labels_true, labels_pred, *, beta=1.0):
    """(homogeneity, completeness, V): does a cluster hold one class, is a class in one cluster, and their harmonic mean.

    `beta` > 1 makes completeness more important.
    """
    return _three("homogeneity_completeness_v_measure", labels_true, labels_pred, beta)


def homogeneity_score(labels_true, labels_pred):
    """1 if every cluster holds members of one class only."""
    return _three("homogeneity_score", labels_true, labels_pred)[0]


def completeness_score(labels_true, labels_pred):
    """1 if all members of a class are in one cluster."""
    return _three("completeness_score", labels_true, labels_pred)[1]


def v_measure_score(labels_true, labels_pred, *, beta=1.0):
    """Harmonic mean of homogeneity and completeness.

    >>> round(v_measure_score([0, 0, 1, 1], [0, 0, 1, 2]), 2)
    0.8
    """
    return _three("v_measure_score", labels_true, labels_pred, beta)[2]


def normalized_mutual_info_score(labels_true, labels_pred, *, average_method="arithmetic"):
    """Mutual information as a share of the mean entropy, 0 … 1. Chance gives more than 0: see the adjusted one."""
    name = "normalized_mutual_info_score"
    one_of(name, "average_method", average_method, MEANS)
    found = table(name, labels_true, labels_pred)
    if found.of_classes.size == found.of_clusters.size <= 1:
        return 1.0
    information = _information(found)
    if information == 0:
        return 0.0
    return float(information / _mean(_entropy(found.of_classes), _entropy(found.of_clusters), average_method))


def adjusted_mutual_info_score(labels_true, labels_pred, *, average_method="arithmetic"):
    """Mutual information above chance, as a share of what was possible: 1 for equal clusterings, about 0 for random ones.

    >>> adjusted_mutual_info_score([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    name = "adjusted_mutual_info_score"
    one_of(name, "average_method", average_method, MEANS)
    found = table(name, labels_true, labels_pred)
    if found.of_classes.size == found.of_clusters.size <= 1:
        return 1.0
    if found.of_classes.size == 1 or found.of_clusters.size == 1:
        return 0.0
    chance = expected_information(found.of_classes.astype(np.float64), found.of_clusters.astype(np.float64), float(found.n))
    most = _mean(_entropy(found.of_classes), _entropy(found.of_clusters), average_method)
    return float(_away_from_zero(_information(found) - chance) / _away_from_zero(most - chance))


def entropy(labels):
    """Entropy of the shares of the labels, in nats; 1 for no label at all.

    >>> round(entropy([0, 0, 1, 1]), 4)
    0.6931
    """
    found = table("entropy", labels, labels)
    return _entropy(found.of_classes) if found.n else 1.0


# ---------------------------------------------------------------------------------------------------------------------

def _information(found: Table) -> float:
    if found.of_classes.size <= 1 or found.of_clusters.size <= 1:
        return 0.0
    share = found.rows / found.n
    chance = found.of_classes.astype(np.float64)[found.i] * found.of_clusters[found.j]
    parts = share * (np.log(found.rows) - np.log(chance) + np.log(found.n))
    parts[np.abs(parts) < np.finfo(np.float64).eps] = 0.0  # independent cells, but for rounding
    return max(0.0, float(parts.sum()))


def _entropy(rows) -> float:
    if rows.size <= 1:
        return 0.0
    share = rows / rows.sum()
    return float(-(share * np.log(share)).sum())


def _three(operation, labels_true, labels_pred, beta=1.0):
    found = table(operation, labels_true, labels_pred)
    if found.n == 0:
        return 1.0, 1.0, 1.0
    information, classes, clusters = _information(found), _entropy(found.of_classes), _entropy(found.of_clusters)
    homogeneity = information / classes if classes else 1.0
    completeness = information / clusters if clusters else 1.0
    if homogeneity + completeness == 0.0:
        return homogeneity, completeness, 0.0
    return homogeneity, completeness, (1 + beta) * homogeneity * completeness / (beta * homogeneity + completeness)


def _mean(one, other, method):
    return {"min": min(one, other), "geometric": np.sqrt(one * other), "arithmetic": (one + other) / 2,
            "max": max(one, other)}[method]


def _away_from_zero(value):
    """As scikit-learn: at least one rounding step, so that 0 / 0 is 1 for equal clusterings."""
    step = np.finfo(np.float64).eps
    return min(value, -step) if value < 0 else max(value, step)


def _from_matrix(operation, contingency) -> Table:
    if hasattr(contingency, "tocoo"):
        cells = contingency.tocoo()
        cells.sum_duplicates()
        i, j = cells.coords
        rows, shape = cells.data, cells.shape
    else:
        contingency = np.asarray(contingency)
        if contingency.ndim != 2:
            raise DataError(f"{operation}: contingency must be a table (classes, clusters), got shape {contingency.shape}",
                            operation=operation, operands={"contingency": contingency.shape}, rule="two axes")
        i, j = np.nonzero(contingency)
        rows, shape = contingency[i, j], contingency.shape
    kept = rows != 0
    i, j, rows = i[kept], j[kept], rows[kept]
    return Table(i, j, rows, np.bincount(i, weights=rows, minlength=shape[0]), np.bincount(j, weights=rows, minlength=shape[1]),
                 rows.sum())
