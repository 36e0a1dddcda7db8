"""Sequential minimal optimisation of a small dense dual: two variables a step, chosen by second-order information.

    minimise over a   1/2 sum_ij s_i s_j K_ij a_i a_j - sum_i s_i t_i a_i      0 <= a_i <= C_i,  sum_i s_i a_i kept
    v_i = t_i - sum_j K_ij s_j a_j,  the falling slope of the objective along s_i a_i        s_i = +1 or -1

A pair (i, j) falls if s_i a_i may grow ("up"), s_j a_j may shrink ("low") and v_i > v_j. Fan, Chen & Lin 2005, JMLR 6,
working set selection 2: i has the largest v, and j the largest gain (v_i - v_j)^2 / (K_ii + K_jj - 2 K_ij). The step
along (s_i, -s_j) is (v_i - v_j) / (K_ii + K_jj - 2 K_ij), cut where a variable meets its bound.

Variables may form two groups that do not trade with each other (the nu-machines, section 4 of the paper): [0, split) and
the others. O(q) a step. Not handled: K that is made on the way (see `working_set`, which calls this for its subproblems).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle

LANES = 16  # working sets, and their groups, are multiples of it: idle slots have C = 0
BLOCK = 256  # entries whose largest key is noted, so that few are searched
LEAST_KEY = np.int32(-(2**31))
LEAST_CURVATURE = 1e-12  # where K is not positive definite: tau of section 2.2


@kernel("i8(f4[:, ::1], f8[::1], f8[::1], f8[::1], f8[::1], f4[::1], i8, f8, i8)")
def minimise_pairs(K, v, a, s, C, diagonal, split, tol, most):  # OUT v, a (q,)
    """Steps taken until no pair of a group violates by `tol` or more; at most `most`.

    K is float32 (q, q or more columns), slopes are float64. A search for the largest of q floats is a chain of comparisons
    that no compiler may regroup (NaN), 12 us a step for q = 4,096. So each pass writes float32 keys, whose bits compare as
    integers, in vectors; the exact largest is sought among the equal keys of one block: 2 to 3 us.
    """
    q = v.size
    up, low = np.empty(q), np.empty(q)  # 0 where s a may grow or shrink; else infinities that win no comparison
    for k in range(q):
        mark(k, a, s, C, up, low)
    keys, gains = np.empty(q, np.float32), np.empty(q, np.float32)
    unit, steps, step, i, j = 0.0, 0, 0.0, 0, 0
    while True:
        left, right = K[i], K[j]
        for k in range(q):  # the step of the last time; none in the first
            v[k] -= step * (np.float64(left[k]) - np.float64(right[k]))
        i, widest, best = -1, -np.inf, np.float32(0.0)
        for first, last in ((0, split), (split, q)):
            top = highest(v, up, 1.0, keys, first, last)
            bottom = highest(v, low, -1.0, keys, first, last)
            if top < 0 or bottom < 0:
                continue
            gap = v[top] - v[bottom]
            widest = max(widest, gap)
            if gap < tol:
                continue
            if unit == 0.0:
                unit = 1.0 / gap  # so that float32 gains neither overflow nor vanish
            write_gains(gains[first:last], v[first:last], low[first:last], diagonal[first:last], K[top][first:last],
                        v[top], diagonal[top], unit)
            candidate = first + first_largest(gains[first:last].view(np.int32))
            if gains[candidate] > best:
                best, i, j = gains[candidate], top, candidate
        if widest < tol or steps == most or i < 0:  # i < 0: kernel values that are no numbers
            return steps
        fall = v[i] - v[j]
        curvature = max(np.float64(diagonal[i]) + diagonal[j] - 2.0 * K[i, j], LEAST_CURVATURE)
        room_i = C[i] - a[i] if s[i] == 1.0 else a[i]
        room_j = a[j] if s[j] == 1.0 else C[j] - a[j]
        step = min(fall / curvature, min(room_i, room_j))
        if not step > 0.0:  # a violation below what float64 resolves
            return steps
        a[i] += s[i] * step
        a[j] -= s[j] * step
        if step == room_i:
            a[i] = C[i] if s[i] == 1.0 else 0.0
        if step == room_j:
            a[j] = 0.0 if s[j] == 1.0 else C[j]
        mark(i, a, s, C, up, low)
        mark(j, a, s, C, up, low)
        steps += 1


@kernel(inline=True)
def mark(k, a, s, C, up, low):
    below, above = a[k] < C[k], a[k] > 0.0
    up[k] = 0.0 if (below if s[k] == 1.0 else above) else -np.inf
    low[k] = 0.0 if (above if s[k] == 1.0 else below) else np.inf


@kernel(inline=True)
def in_order(bits):
    """The bits of a float32 as an int32 that compares as the float does."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@kernel()
def write_gains(gains, v, low, diagonal, row, height, own, unit):
    for k in range(gains.size):
        fall = np.float32(max(height - (v[k] + low[k]), 0.0) * unit)
        gains[k] = fall * fall / max(own + diagonal[k] - np.float32(2.0) * row[k], np.float32(LEAST_CURVATURE))


@kernel()
def highest(v, bar, sign, keys, first, last):
    """Where sign * v is largest among the k in [first, last) with bar[k] = 0, the first of equals; -1: nowhere."""
    part, v, bar = keys[first:last], v[first:last], bar[first:last]
    for k in range(part.size):
        part[k] = sign * (v[k] + bar[k])
    bits = part.view(np.int32)
    overall, found = LEAST_KEY, -1
    for b in range(0, bits.size, BLOCK):
        block = bits[b:b + BLOCK]
        largest = largest_key(block)
        if largest >= overall:
            for k in range(block.size):
                if in_order(block[k]) == largest and bar[b + k] == 0.0 and (
                        largest > overall or found < 0 or sign * v[b + k] > sign * v[found]):
                    overall, found = largest, b + k
    return first + found if found >= 0 else -1


@kernel()
def first_largest(bits):
    """Where the largest key is, the first of equals."""
    overall, found = LEAST_KEY, 0
    for b in range(0, bits.size, BLOCK):
        block = bits[b:b + BLOCK]
        largest = largest_key(block)
        if largest > overall:
            overall, found = largest, b
    for k in range(found, bits.size):
        if in_order(bits[k]) == overall:
            return k
    return found


@kernel()
def largest_key(bits):
    largest = LEAST_KEY
    for k in range(bits.size):
        largest = max(largest, in_order(bits[k]))
    return largest


# ---------------------------------------------------------------------------------------------------------------------
# The definition

def minimised(K, a, s, t, C, split, tol, most):
    """The slopes, the variables and the number of steps after `minimise_pairs`."""
    a, v = a.copy(), t - (K.astype(np.float64)[:, :a.size] * (s * a)).sum(axis=1)
    steps = minimise_pairs(K, v, a, s, C, K.diagonal().copy(), split, tol, most)
    return v, a, np.array([steps])


def _example(q, groups, most, tol, seed, C=2.0):
    def example(rng):
        rng = np.random.default_rng(seed)
        X, s = rng.normal(size=(q, 2)), np.where(np.arange(q) < q // 2, 1.0, -1.0)
        square = ((X[:, None] - X) ** 2).sum(axis=-1)
        K = np.zeros((q, q + 5), np.float32)
        K[:, :q] = np.exp(-square) if seed % 2 else X @ X.T
        upper = np.where(rng.random(q) < 0.1, 0.0, C * rng.random(q))
        start = np.minimum(upper, 0.5 * groups)
        target = s * (0 if groups else 1) + 1e-3 * rng.normal(size=q)
        return K, start, s, target, upper, q // 2 if groups else q, tol, most
    return example


@oracle(minimised, kernels=(minimise_pairs, mark, in_order, write_gains, highest, first_largest, largest_key), rtol=1e-7,
        atol=1e-9, example=(
            _example(32, False, 7, 1e-3, 1), _example(32, False, 500, 1e-3, 2), _example(64, True, 9, 1e-3, 3),
            _example(32, False, 40, 0.5, 4), _example(320, False, 30, 1e-3, 5), _example(544, True, 25, 1e-3, 7),
            _example(32, True, 400, 1e-2, 9), _example(32, False, 60, 1e-4, 11, 50.0)))
def minimised_formula(K, a, s, t, C, split, tol, most):
    """Working set selection 2, as it is written in the paper."""
    q, a = a.size, a.copy()
    K = K[:, :q].astype(np.float64)
    v = t - K @ (s * a)
    group = np.arange(q) >= split
    for steps in range(most + 1):
        up = np.where(s > 0, a < C, a > 0)
        low = np.where(s > 0, a > 0, a < C)
        best, pair, widest = -1.0, (0, 0), -np.inf
        for g in (False, True):
            tops, bottoms = np.flatnonzero(up & (group == g)), np.flatnonzero(low & (group == g))
            if tops.size and bottoms.size:
                i = tops[v[tops].argmax()]
                fall = np.maximum(v[i] - v[bottoms], 0)
                widest = max(widest, fall.max())
                curvature = np.maximum(K[i, i] + K.diagonal()[bottoms] - 2 * K[i, bottoms], LEAST_CURVATURE)
                gain = fall**2 / curvature
                if fall.max() >= tol and gain.max() > best:
                    best, pair = gain.max(), (i, bottoms[gain.argmax()])
        if widest < tol or steps == most:
            return v, a, np.array([steps])
        i, j = pair
        step = (v[i] - v[j]) / max(K[i, i] + K[j, j] - 2 * K[i, j], LEAST_CURVATURE)
        step = min(step, C[i] - a[i] if s[i] > 0 else a[i], a[j] if s[j] > 0 else C[j] - a[j])
        a[i] += s[i] * step
        a[j] -= s[j] * step
        v -= step * (K[i] - K[j])
    return v, a, np.array([most])
