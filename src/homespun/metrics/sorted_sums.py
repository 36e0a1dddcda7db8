"""One sort, shared by every score of an ordering: the weight above each threshold.

    at each distinct score, from the highest down:   tp, fp = weight of the positive and of the other rows at or above it

The positive and the other scores are parted and sorted on their own, as bare numbers, by NumPy's vector sort; a merge of the
two then counts. That replaces the stable argsort and three gathers of the textbook (96 ms and more for a million rows) by
two sorts of half the rows (5 ms) and one pass (5 ms). With weights the halves are argsorted, 17 ms.
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, over_blocks

NONE = np.empty(0)


def sorted_sums(positive: np.ndarray, score: np.ndarray, s: np.ndarray | None = None):
    """(fp, tp, thresholds): float64 sums from the highest score down at each distinct score.

    positive (n,) bool; score (n,) float64, finite; weights s (n,) or None. A row of weight 0 is no row, not even a threshold.
    """
    if s is not None and not s.all():
        kept = s != 0
        positive, score, s = positive[kept], score[kept], s[kept]
    positive, score = np.ascontiguousarray(positive), np.ascontiguousarray(score)
    s = NONE if s is None else np.ascontiguousarray(s)
    halves = [np.empty(score.size + 1) for _ in range(2)]
    shares = [np.empty(s.size + 1 if s.size else 0) for _ in range(2)]
    above = part(positive, score, s, halves[0], shares[0], halves[1], shares[1])
    sizes = (above + 1, score.size - above + 1)
    halves = [half[:size] for half, size in zip(halves, sizes)]
    shares = [share[:size] if s.size else NONE for share, size in zip(shares, sizes)]
    over_blocks(lambda which: sort(halves[which], shares[which]), 2, threads=2 if score.size > 50_000 else 1)
    return merged(halves[0], shares[0], halves[1], shares[1])


def sort(half, share):
    """Sort in place from slot 1 on, weights along; slot 0 is a fence below everything."""
    half[0] = -np.inf
    if share.size:
        order = np.argsort(half[1:])
        half[1:], share[1:] = half[1:][order], share[1:][order]
    else:
        half[1:].sort()


def merged(above, above_weight, below, below_weight):
    """(fp, tp, thresholds) of two sorted halves, each with a fence in slot 0."""
    size = above.size + below.size - 2
    thresholds, tp, fp = np.empty(size), np.empty(size), np.empty(size)
    count = merge(above, above_weight, below, below_weight, thresholds, tp, fp)
    return fp[:count], tp[:count], thresholds[:count]


@kernel("i8(b1[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1])")
def part(positive, score, s, above, above_weight, below, below_weight):
    """OUT scores (and weights) of the positive rows in above[1:], of the others in below[1:]. Returns the number of the former.

    Each row is written to both ends and one of them moves on: no branch, so no misprediction (8 ms in NumPy, 1 here).
    """
    i = j = 1
    for r in range(score.size):
        above[i] = score[r]
        below[j] = score[r]
        if s.size > 0:
            above_weight[i] = s[r]
            below_weight[j] = s[r]
        if positive[r]:
            i += 1
        else:
            j += 1
    return i - 1


@kernel("i8(f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1])", fastmath=False)
def merge(above, above_weight, below, below_weight, thresholds, tp, fp):
    """OUT thresholds, tp, fp: from the highest score down, one entry for each distinct score. Returns their number."""
    i, j, count = above.size - 1, below.size - 1, 0
    hit = other = 0.0
    while i + j > 0:
        value = above[i]
        if value >= below[j]:
            hit += above_weight[i] if above_weight.size > 0 else 1.0
            i -= 1
        else:
            value = below[j]
            other += below_weight[j] if below_weight.size > 0 else 1.0
            j -= 1
        thresholds[count], tp[count], fp[count] = value, hit, other
        if above[i] != value and below[j] != value:  # the last of a run of equal scores
            count += 1
    return count


@oracle(sorted_sums, kernels=(part, merge), example=(
    lambda rng: (rng.random(60) < 0.4, rng.normal(size=60).round(1), rng.uniform(size=60)),
    lambda rng: (rng.random(60) < 0.6, rng.normal(size=60).round(1), None),
    lambda rng: (np.ones(5, bool), rng.normal(size=5), None),
    lambda rng: (np.ones(1, bool), np.ones(1), np.full(1, 0.5)),
))
def sorted_sums_formula(positive, score, s):
    """By the definition: for each distinct score the weight of the rows at or above it."""
    s = np.ones(len(score)) if s is None else s
    thresholds = np.unique(score)[::-1]
    reached = score >= thresholds[:, None]
    return reached @ (s * ~positive), reached @ (s * positive), thresholds


@kernel("UniTuple(f8, 2)(f8[::1], f8[::1])", fastmath=False)
def areas(fp, tp):
    """Area under tp over fp by trapezia from (0, 0), and the sum of precision times the step of tp. Neither is scaled."""
    area = steps = x = y = 0.0
    for k in range(fp.size):
        area += (fp[k] - x) * (tp[k] + y)
        if tp[k] + fp[k] != 0.0:
            steps += (tp[k] - y) * (tp[k] / (tp[k] + fp[k]))
        x, y = fp[k], tp[k]
    return 0.5 * area, steps


@oracle(areas, kernels=(areas,), example=lambda rng: (
    np.append([0.0, 0.0], rng.uniform(size=20)).cumsum(), np.append([0.0, 0.0], rng.uniform(size=20)).cumsum()))
def areas_formula(fp, tp):
    """By the definitions."""
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp != 0)
    return np.trapezoid(np.append(0, tp), np.append(0, fp)), np.diff(tp, prepend=0) @ precision
