"""The dual of every support vector machine, solved in rounds of large working sets.

    minimise over a   1/2 sum_ij s_i s_j K(r_i, r_j) a_i a_j - sum_i s_i t_i a_i     0 <= a_i <= C_i,  sum_i s_i a_i kept

One problem holds them all: classification has a variable a row (s = y, t = y), regression two (s = +1 and -1 on one row,
t = y - epsilon and y + epsilon), one class t = 0, and in the nu-machines only variables of equal s trade (`groups`).
What is kept is the slope v_i = t_i - sum_j K(r_i, r_j) s_j a_j of each variable; it is optimal when no v_i that may grow
exceeds a v_j that may shrink by `tol` (Keerthi et al. 2001, Neural Computation 13(3)).

A round (Osuna, Freund & Girosi 1997; Zanni, Serafini & Zanghirati 2006, JMLR 7) takes the variables that violate most, with
those of the last round that are between their bounds, makes their K, lets `minimise_pairs` solve that part, and updates all
slopes by the kernel rows of what has moved. Libsvm instead passes over all rows in each step of two variables. Here a
step touches q numbers, and rows are touched by tiles on all threads; that is why nothing is cached. Shrinking: q starts
small and grows to what is still between the bounds; variables that sit firmly at one take no part.

About 20 to 100 rounds of O(n q d). Memory: q^2 float32, at most the cache size. Not handled: a start that is not feasible.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from homespun.svm.smo import LANES, minimise_pairs

SMALLEST_SET = 1024
IDLE_ROUNDS = 100  # without a smaller gap: what is left is rounding (of K, which it may leave with negative eigenvalues)
AT_BOUND = 1e-12
STEPS = 200  # of a round, for each variable of it


@dataclass
class Dual:
    """The numbers of one problem; all of shape (m,)."""

    signs: np.ndarray  # s, +1.0 or -1.0
    rows: np.ndarray  # r, int64: the kernel row of each variable
    upper: np.ndarray  # C > 0
    target: np.ndarray  # t
    start: np.ndarray  # a that satisfies the constraints
    groups: bool = False  # whether only variables of equal sign trade


@dataclass
class Optimum:
    alpha: np.ndarray  # (m,)
    slopes: np.ndarray  # v (m,)
    steps: int
    stopped: bool  # by `most`
    gap: float


def solve(source, dual, *, tol=1e-3, cache_megabytes=200.0, most=-1, shrinking=True):
    """Minimise the dual.

    Parameters
    ----------
    source : DenseRows, SparseRows or MatrixKernel
    dual : Dual
    tol : float
        Largest violation that is left.
    cache_megabytes : float
        Bounds the working set: q <= sqrt(bytes / 4).
    most : int
        Steps of two variables; -1: no limit.
    shrinking : bool
        False: all working sets are as large as the cache allows.
    """
    a, s, C, rows = dual.start.copy(), dual.signs, dual.upper, dual.rows
    m = a.size
    largest = max(4 * LANES, int(np.sqrt(cache_megabytes * 2**20 / 4)) // LANES * LANES)
    largest = min(largest, -(-m // LANES) * LANES + 2 * LANES)
    q = min(largest, SMALLEST_SET) if shrinking else largest
    v = dual.target - product(source, rows, s * a)[rows]
    groups = [s > 0, s < 0] if dual.groups else [np.ones(m, bool)]
    working, steps, least, idle = np.zeros(0, np.int64), 0, np.inf, 0
    while True:
        up, low = np.where(s > 0, a < C, a > 0), np.where(s > 0, a > 0, a < C)
        gap = max(violation(v, up & group, low & group) for group in groups)
        stopped = 0 <= most <= steps
        if not gap >= tol or stopped or idle >= IDLE_ROUNDS:
            if gap >= tol and not stopped:
                warnings.warn(f"stopped at a violation of {gap:.3g}, above tol={tol:g}: less is not seen through the rounding of "
                              "kernel values; scale the data, or take a larger tol", ConvergenceWarning, stacklevel=2)
            return Optimum(a, v, steps, stopped, gap)
        between = up & low
        if shrinking:
            q = int(min(largest, max(q, 1.25 * between.sum() // LANES * LANES)))
        parts = [choose(v, up & group, low & group, working[group[working]], between, q // len(groups)) for group in groups]
        working = np.concatenate(parts)
        places, split = with_idle_slots(parts)
        idle_slot = places < 0
        taken, inside = source.square(rows[places]), a[places]
        inside[idle_slot] = 0.0
        slopes, limits = v[places], C[places]
        limits[idle_slot] = 0.0
        goal = tol / 2 if len(working) == m else max(tol / 2, 0.1 * gap)
        diagonal = source.diagonal[rows[places]].astype(np.float32)
        allowed = STEPS * len(places) if most < 0 else min(STEPS * len(places), most - steps)
        done = minimise_pairs(taken, slopes, inside, s[places], limits, diagonal, split, goal, allowed)
        steps += done
        change = (inside - a[places])[~idle_slot]
        moved = change != 0
        idle = 0 if gap < 0.99 * least else idle + 1 if done else IDLE_ROUNDS
        least = min(least, gap)
        a[places[~idle_slot]] = inside[~idle_slot]
        which = places[~idle_slot][moved]
        v -= product(source, rows[which], s[which] * change[moved])[rows]


def product(source, rows, weights):
    """sum_j weights_j K(x_i, x_rows[j]) for every row i."""
    some = np.flatnonzero(weights)
    if some.size == 0:
        return np.zeros(source.n)
    return source.sums(rows[some], weights[some])


def violation(v, up, low):
    """Largest v that may grow minus the least that may shrink."""
    return v[up].max(initial=-np.inf) - v[low].min(initial=np.inf)


def choose(v, up, low, last, between, q):
    """At most q variables: of the last set those between their bounds, half of q at most; then the worst violators."""
    allowed = np.flatnonzero(up | low)
    if allowed.size <= q:
        return allowed
    kept = last[between[last]][:q // 2]
    kept = np.concatenate([kept, last[~between[last]][:q // 2 - kept.size]])
    high, bottom = np.where(up, v, -np.inf), np.where(low, v, np.inf)
    high[kept], bottom[kept] = -np.inf, np.inf
    half = (q - kept.size) // 2
    tops = np.argpartition(-high, half)[:half]
    tops = tops[high[tops] > -np.inf]
    bottom[tops] = np.inf
    rest = q - kept.size - tops.size
    ends = np.argpartition(bottom, rest)[:rest] if rest < bottom.size else np.arange(bottom.size)
    return np.concatenate([kept, tops, ends[bottom[ends] < np.inf]])


def with_idle_slots(parts):
    """The variables of each group, each filled up with -1 to a multiple of LANES; where the second group begins."""
    filled = [np.concatenate([part, np.full(-part.size % LANES, -1)]) for part in parts]
    return np.concatenate(filled).astype(np.int64), filled[0].size


def offset(dual, optimum):
    """b of each group: the mean slope of the variables between their bounds, or the middle of what the bounds allow."""
    s, a, v, C = dual.signs, optimum.alpha, optimum.slopes, dual.upper
    finite = np.where(np.isfinite(C), C, 0.0)
    below, above = a < C * (1 - AT_BOUND), a > finite * AT_BOUND  # a bound that is missed by a rounding is met
    up, low = np.where(s > 0, below, above), np.where(s > 0, above, below)
    found = []
    for group in ([s > 0, s < 0] if dual.groups else [np.ones(s.size, bool)]):
        free = up & low & group
        if free.any():
            found.append(float(v[free].mean()))
            continue
        ends = [end for end in (v[up & group].max(initial=-np.inf), v[low & group].min(initial=np.inf)) if np.isfinite(end)]
        found.append(float(np.mean(ends)) if ends else 0.0)
    return found


def warn_if_stopped(stopped, owner):
    if stopped:
        warnings.warn(
            f"Solver terminated early (max_iter={owner.max_iter}).  Consider pre-processing your data with StandardScaler or "
            "MinMaxScaler.", ConvergenceWarning, stacklevel=3)
