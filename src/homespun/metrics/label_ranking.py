"""Scores of a ranking of labels or documents, row by row.   y_true: (n, K)   y_score: (n, K)   sample_weight s: (n,)

With rank_ij = number of labels that row i scores at least as high as label j (ties count in full), R_i the relevant ones:

    coverage error        mean over rows of max_{j in R} rank_ij: how far down to go to see all relevant labels
    ranking precision     mean of 1/|R| sum_{j in R} |{k in R: rank_ik <= rank_ij}| / rank_ij          rows without R, or all: 1
    ranking loss          mean share of the pairs (relevant, other) with the other scored at least as high
    DCG                   mean of sum_j gain_j / log2(1 + place of j), gains of tied documents averaged    NDCG: / the best DCG

Tsoumakas, Katakis & Vlahavas 2010 (Data Mining and Knowledge Discovery Handbook, ch. 34); Jarvelin & Kekalainen 2002, ACM TOIS
20(4); ties: McSherry & Najork 2008 (ECIR). Rows are sorted by NumPy, all at once; a kernel walks down each.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.kernels import kernel, oracle, over_blocks
from homespun.metrics.checks import check_shapes, numbers, weights
from homespun.metrics.targets import is_sparse, kind_of

ROWS = 4096  # of a block


def coverage_error(y_true, y_score, *, sample_weight=None):
    """How many labels, best first, one must look at to have seen all relevant ones; mean over rows.

    >>> coverage_error([[1, 0, 0], [0, 1, 1]], [[1, 0, 0], [0, 1, 1]])
    1.5
    """
    y, score, s = _labels("coverage_error", y_true, y_score, sample_weight)
    least = np.ascontiguousarray(np.where(y, score, np.inf).T).min(axis=0)  # along the long axis: five times faster
    return float(np.average((score >= least[:, None]) @ np.ones(score.shape[1]), weights=s))


def label_ranking_average_precision_score(y_true, y_score, *, sample_weight=None):
    """For each relevant label, the share of relevant ones among those ranked at least as high; 1 is perfect.

    >>> round(label_ranking_average_precision_score([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]]), 4)
    0.4167
    """
    name = "label_ranking_average_precision_score"
    y, score, s = _labels(name, y_true, y_score, sample_weight, one_column=True)
    return float(np.average(ranked_rows(y, score)[0], weights=s))


def label_ranking_loss(y_true, y_score, *, sample_weight=None):
    """Share of the pairs of a relevant and another label that are in the wrong order; 0 is perfect.

    >>> label_ranking_loss([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]])
    0.75
    """
    y, score, s = _labels("label_ranking_loss", y_true, y_score, sample_weight)
    return float(np.average(ranked_rows(y, score)[1], weights=s))


def dcg_score(y_true, y_score, *, k=None, log_base=2, sample_weight=None, ignore_ties=False):
    """Discounted cumulative gain: the true gains in the order of the scores, each place worth less than the one before.

    Parameters
    ----------
    y_true : array-like (n, K)
        Gains; relevance of each document.
    y_score : array-like (n, K)
    k : int, optional
        Only the first k places count.
    log_base : float
        Of the discount 1 / log(1 + place).
    ignore_ties : bool
        Do not average over the orders of tied documents (faster; right if there are none).

    >>> round(dcg_score([[10, 0, 0, 1, 5]], [[0.1, 0.2, 0.3, 4, 70]]), 2)
    9.5
    """
    y, score, s = _gains("dcg_score", y_true, y_score, k, sample_weight)
    if log_base <= 0 or log_base == 1:
        raise ParameterError(f"dcg_score: log_base must be a number > 0 other than 1, got {log_base!r}", operation="dcg_score",
                             operands={"log_base": log_base}, rule="log_base > 0, not 1")
    return float(np.average(_dcg(y, score, k, log_base, ignore_ties), weights=s))


def ndcg_score(y_true, y_score, *, k=None, sample_weight=None, ignore_ties=False):
    """DCG as a share of the best possible one; rows without gain count 0. Parameters as for `dcg_score`.

    >>> round(ndcg_score([[10, 0, 0, 1, 5]], [[0.1, 0.2, 0.3, 4, 70]]), 3)
    0.696
    """
    name = "ndcg_score"
    y, score, s = _gains(name, y_true, y_score, k, sample_weight)
    if y.min() < 0:
        raise DataError(f"{name}: ndcg_score should not be used on negative y_true values. The least is "
                        f"{y.min()}", operation=name,
                        operands={"y_true": y.shape}, rule="y_true >= 0")
    best = np.sort(y, axis=1)[:, ::-1] @ _discount(y.shape[1], k, 2)
    gain = _dcg(y, score, k, 2, ignore_ties)
    return float(np.average(np.divide(gain, best, out=np.zeros(len(y)), where=best != 0), weights=s))


# ---------------------------------------------------------------------------------------------------------------------

def _labels(operation, y_true, y_score, sample_weight, one_column=False):
    """Relevance (n, K) as booleans, scores (n, K), weights."""
    y = y_true.toarray() if is_sparse(y_true) else numbers(operation, "y_true", y_true)
    score = numbers(operation, "y_score", y_score)
    for name, value in (("y_true", y), ("y_score", score)):
        if value.ndim == 1:
            raise ShapeError(f"{operation}: Expected 2D array, got 1D array instead: {name} {value.shape} must be (n, K)",
                             operation=operation, operands={name: value.shape}, rule=f"{name}: n K")
    if y.shape != score.shape and len(y) == len(score):
        raise ShapeError(f"{operation}: y_true and y_score have different shape, {y.shape} and "
                         f"{score.shape}", operation=operation,
                         operands={"y_true": y.shape, "y_score": score.shape}, rule="y_true: n K, y_score: n K")
    kind = kind_of(operation, "y_true", y)
    if kind != "multilabel-indicator" and not (one_column and kind == "binary" and y.ndim == 2):
        raise DataError(f"{operation}: {kind} format is not supported, y_true must be an indicator matrix (n, K), got shape "
                        f"{y.shape}",
                        operation=operation, operands={"y_true": y.shape}, rule="0 and 1, (n, K)")
    check_shapes(operation, "y_true: n K, y_score: n K", y_true=y, y_score=score)
    return y != 0, score, weights(operation, sample_weight, len(y))


def _gains(operation, y_true, y_score, k, sample_weight):
    """Gains (n, K), scores (n, K), weights."""
    y, score = numbers(operation, "y_true", y_true), numbers(operation, "y_score", y_score)
    if y.ndim > 1 and y.shape[1] <= 1 and operation == "ndcg_score":
        raise DataError(f"{operation}: Computing NDCG is only meaningful when there is more than 1 document. Got {y.shape[1]} "
                        "instead.", operation=operation, operands={"y_true": y.shape}, rule="two documents or more")
    kind = kind_of(operation, "y_true", y)
    allowed = ("multilabel-indicator", "continuous-multioutput", "multiclass-multioutput")
    if kind not in allowed:
        raise DataError(f"{operation}: Only {allowed} formats are supported. Got {kind} instead", operation=operation,
                        operands={"y_true": y.shape}, rule="gains (n, K)")
    check_shapes(operation, "y_true: n K, y_score: n K", y_true=y, y_score=score)
    if k is not None and not (isinstance(k, (int, np.integer)) and k >= 1):
        raise ParameterError(f"{operation}: k must be a whole number >= 1, got {k!r}", operation=operation, operands={"k": k},
                             rule="k >= 1")
    return y, score, weights(operation, sample_weight, len(y))


def _discount(K, k, log_base):
    """What a gain in place 1 … K is worth, (K,)."""
    discount = np.log(log_base) / np.log(np.arange(K) + 2)
    if k is not None:
        discount[k:] = 0.0
    return discount


def _dcg(y, score, k, log_base, ignore_ties):
    """Of each row, (n,)."""
    discount = _discount(y.shape[1], k, log_base)
    if ignore_ties:
        order = np.argsort(score, axis=1)[:, ::-1]
        return np.take_along_axis(y, order, axis=1) @ discount
    return tied_gains(y, score, discount)


def ranked_rows(y, score):
    """(precision, loss), (n,) each: ranking precision and share of wrong pairs. y (n, K) bool, score (n, K)."""
    return _by_blocks(rank_block, np.ascontiguousarray(y), score)


def tied_gains(y, score, discount):
    """DCG of each row, (n,), averaged over the orders of tied documents. y, score (n, K); discount (K,)."""
    return _by_blocks(gain_block, np.ascontiguousarray(y), score, np.append(0.0, discount.cumsum()))[0]


def _by_blocks(a_kernel, y, score, *more):
    """``a_kernel(y, score, order, …, one, two)`` for blocks of rows, whose places are found first: two outputs (n,)."""
    n, K = y.shape
    rows = max(1, ROWS * 16 // K)
    one, two = np.empty(n), np.empty(n)

    def work(block):
        part = slice(block * rows, (block + 1) * rows)
        mine = np.ascontiguousarray(score[part])
        a_kernel(y[part], mine, np.argsort(-mine, axis=1), *more, one[part], two[part])

    over_blocks(work, (n + rows - 1) // rows)
    return one, two


@kernel("void(b1[:, ::1], f8[:, ::1], i8[:, ::1], f8[::1], f8[::1])")
def rank_block(y, score, order, precision, loss):
    """OUT precision, loss of each row. IN order (n, K): columns by falling score. A group of ties is one step."""
    n, K = y.shape
    for r in range(n):
        relevant = 0
        for k in range(K):
            relevant += 1 if y[r, k] else 0
        above = seen = 0
        total = wrong = 0.0
        while seen < K:
            value, before, start = score[r, order[r, seen]], above, seen
            while seen < K and score[r, order[r, seen]] == value:
                above += 1 if y[r, order[r, seen]] else 0
                seen += 1
            total += (above - before) * (above / seen)
            wrong += (seen - start - (above - before)) * (relevant - before)
        some = 0 < relevant < K
        precision[r] = total / relevant if some else 1.0
        loss[r] = wrong / (relevant * (K - relevant)) if some else 0.0


@oracle(ranked_rows, kernels=(rank_block,), example=(
    lambda rng: (rng.random((30, 5)) < 0.4, rng.normal(size=(30, 5)).round()),
    lambda rng: (np.array([[True, True], [False, False], [True, False]]), rng.normal(size=(3, 2))),
))
def ranked_rows_formula(y, score):
    """By the definitions, row by row."""
    precision, loss = np.ones(len(y)), np.zeros(len(y))
    for r, (relevant, values) in enumerate(zip(y, score)):
        if 0 < relevant.sum() < relevant.size:
            reached = values >= values[relevant][:, None]  # row per relevant label: who scores at least as high
            precision[r] = np.mean(reached[:, relevant].sum(1) / reached.sum(1))
            loss[r] = np.mean(values[~relevant] >= values[relevant][:, None])
    return precision, loss


@kernel("void(f8[:, ::1], f8[:, ::1], i8[:, ::1], f8[::1], f8[::1], f8[::1])")
def gain_block(y, score, order, cumulated, gains, _):
    """OUT gains of each row. IN order (n, K): columns by falling score; cumulated (K + 1,): sums of the discounts."""
    n, K = y.shape
    for r in range(n):
        seen = 0
        total = 0.0
        while seen < K:
            value, start, gain = score[r, order[r, seen]], seen, 0.0
            while seen < K and score[r, order[r, seen]] == value:
                gain += y[r, order[r, seen]]
                seen += 1
            total += gain / (seen - start) * (cumulated[seen] - cumulated[start])
        gains[r] = total


@oracle(tied_gains, kernels=(gain_block,), example=lambda rng: (
    rng.uniform(size=(20, 4)), rng.normal(size=(20, 4)).round(), rng.uniform(size=4)))
def tied_gains_formula(y, score, discount):
    """By the definition: the mean over all orders that the scores allow gives each of a group of ties the group's mean."""
    found = np.zeros(len(y))
    for r, (gains, values) in enumerate(zip(y, score)):
        order = np.argsort(-values, kind="stable")
        means = np.array([gains[values == value].mean() for value in values[order]])
        found[r] = means @ discount
    return found
