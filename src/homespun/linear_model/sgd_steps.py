"""The steps of stochastic gradient descent: each row of data moves the weights a little, one row after the other.

    p = w . x + b,   g = dloss/dp(y, p)            x: (d,) a row   w: (d,)   s: the weight of this step, usually 1
    w <- max(0, 1 - eta l2 s) w - eta s g x        b <- b - eta s g
    l1: each weight has a debt u = sum of eta l1 s, paid as far as it does not cross zero        (cumulative penalty)
    average: mean of all w and b seen since step `average`, each counted s times

eta by schedule: constant, adaptive (the caller divides it), optimal 1 / (alpha (t0 + t - 1)), invscaling eta0 / t^power;
passive-aggressive steps take the length that mends the row's loss: pa1 min(C, loss / |x|^2), pa2 loss / (|x|^2 + 1/(2C)).
Bottou 2012, Stochastic Gradient Descent Tricks; l1: Tsuruoka, Tsujii & Ananiadou 2009; pa: Crammer et al. 2006, JMLR 7.

Where the speed comes from: a dense row is contiguous, so products and updates vectorise, and the next rows are asked for
ahead; of a sparse row only the entries that it has are touched: w = scale * v, and the mean of w lags behind by sums that
`settle` adds (Bottou, section 5.2). The classes of one-against-the-rest are independent and run on threads.  O(entries).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, over_blocks
from homespun.kernels.csr import csr_parts
from homespun.kernels.simd import prefetch

HINGE, SQUARED_HINGE, MODIFIED_HUBER, LOG, SQUARED, HUBER, INSENSITIVE, SQUARED_INSENSITIVE = range(8)
CONSTANT, OPTIMAL, INVSCALING, PA1, PA2 = range(5)
# places in `numbers`, one row for each model:
INTERCEPT, TIME, ETA, SCALE, MEAN_INTERCEPT, LAG, SPREAD, DEBT, LOSS = range(9)
NUMBERS = 9
# places in `settings`:
KIND, MARGIN, L2, L1, SCHEDULE, ETA0, POWER, T0, ALPHA, AVERAGE, INTERCEPT_RATE, ONE_CLASS, LOW = range(13)
SETTINGS = 13
LARGEST_SLOPE = 1e12  # a steeper loss is cut: squares of large numbers would overflow
SMALLEST_SCALE = 1e-9
AHEAD = 4  # rows asked for ahead: a pass in random order over 100,000 x 50 takes 14 ms without, 6 ms with them
NEAR = 1 << 16  # entries of X that stay near the processor
LINE = 8   # numbers to a line of the cache


@kernel()
def loss_and_slope(kind, y, p, margin):
    """Loss at prediction p, and its derivative by p. `margin` is the hinge's threshold, or the epsilon of the others."""
    if kind == HINGE:
        z = margin - p * y
        return (max(z, 0.0), -y if z >= 0.0 else 0.0)
    if kind == SQUARED_HINGE:
        z = max(margin - p * y, 0.0)
        return (z * z, -2.0 * y * z)
    if kind == MODIFIED_HUBER:
        z = p * y
        if z < -1.0:
            return (-4.0 * z, -4.0 * y)
        z = max(1.0 - z, 0.0)
        return (z * z, -2.0 * y * z)
    if kind == LOG:  # y is 0 or 1
        e = math.exp(-abs(p))
        return (math.log1p(e) + max(p, 0.0) - y * p, (1.0 if p > 0.0 else e) / (1.0 + e) - y)
    r = p - y
    if kind == SQUARED:
        return (0.5 * r * r, r)
    size, sign = abs(r), 1.0 if r > 0.0 else -1.0
    if kind == HUBER:
        if size <= margin:
            return (0.5 * r * r, r)
        return (margin * (size - 0.5 * margin), margin * sign)
    over = max(size - margin, 0.0)
    if kind == INSENSITIVE:
        return (over, sign if over > 0.0 else 0.0)
    return (over * over, 2.0 * sign * over)


@kernel()
def begin_step(numbers, settings):
    """The learning rate of the step to come."""
    schedule = int(settings[SCHEDULE])
    if schedule == OPTIMAL:
        return 1.0 / (settings[ALPHA] * (settings[T0] + numbers[TIME] - 1.0))
    if schedule == INVSCALING:
        return settings[ETA0] / math.pow(numbers[TIME], settings[POWER])
    return numbers[ETA]


@kernel()
def step_length(y, p, squares, step, eta, numbers, settings):
    """What x is multiplied by; the loss is added up."""
    loss, slope = loss_and_slope(int(settings[KIND]), y, p, settings[MARGIN])
    numbers[LOSS] += step * loss
    schedule = int(settings[SCHEDULE])
    if schedule >= PA1:
        if squares == 0.0 and schedule == PA1:
            return 0.0
        length = min(settings[ETA0], loss / squares) if schedule == PA1 else loss / (squares + 0.5 / settings[ETA0])
        direction = y if int(settings[KIND]) == HINGE else (1.0 if y - p >= 0.0 else -1.0)
        return length * direction * step
    return -eta * min(max(slope, -LARGEST_SLOPE), LARGEST_SLOPE) * step


@kernel()
def end_step(length, eta, step, numbers, settings):
    """Intercept and time. Returns the share of the new weights in their mean, 0 before `average` steps."""
    move = length - (eta * settings[ALPHA] * step if settings[ONE_CLASS] > 0.0 else 0.0)
    numbers[INTERCEPT] += move * settings[INTERCEPT_RATE]
    share = 0.0
    if 0.0 < settings[AVERAGE] <= numbers[TIME]:
        share = step / (numbers[TIME] - settings[AVERAGE] + step)
        numbers[MEAN_INTERCEPT] += share * (numbers[INTERCEPT] - numbers[MEAN_INTERCEPT])
    numbers[DEBT] += settings[L1] * eta * step
    numbers[TIME] += step
    return share


@kernel()
def target_of(y, own, settings):
    """1 or `LOW` where y is a class and `own` the one that this model knows; y itself where `own` is NaN."""
    if own != own:
        return y
    return 1.0 if y == own else settings[LOW]


@kernel("void(i8, f8[:, ::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])",
        "void(i8, f4[:, ::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])")
def dense_steps(block, X, y, steps, order, active, own, vectors, numbers, settings):
    """IN X (n, d), y, steps (n,), order, active, own (K,), settings.   IN/OUT vectors (K, 3, d): w, its mean, its paid debt;
    numbers (K, 9). A block is a model."""
    k = active[block]
    w, mean, paid, number = vectors[k, 0], vectors[k, 1], vectors[k, 2], numbers[k]
    passive, d = settings[SCHEDULE] >= PA1, X.shape[1]
    for at in range(order.size):
        ahead = order[min(at + AHEAD, order.size - 1)] * d
        for j in range(0, d, LINE):
            prefetch(X, ahead + j)
        i = order[at]
        x, step = X[i], steps[i]
        p = 0.0
        for j in range(d):
            p += w[j] * x[j]
        p += number[INTERCEPT]
        squares = 0.0
        if passive:
            for j in range(d):
                squares += float(x[j]) * float(x[j])
        eta = begin_step(number, settings)
        length = step_length(target_of(y[i], own[k], settings), p, squares, step, eta, number, settings)
        keep = max(0.0, 1.0 - eta * settings[L2] * step)
        for j in range(d):
            w[j] = keep * w[j] + length * x[j]
        share = end_step(length, eta, step, number, settings)
        if share > 0.0:
            for j in range(d):
                mean[j] += share * (w[j] - mean[j])
        if settings[L1] > 0.0:
            debt = number[DEBT]
            for j in range(d):
                sign = 1.0 if w[j] > 0.0 else -1.0
                lower = sign * max(0.0, abs(w[j]) - (debt + sign * paid[j]))
                paid[j] += lower - w[j]
                w[j] = lower


@kernel(
    "void(i8, f8[::1], i4[::1], i4[::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])",
    "void(i8, f4[::1], i4[::1], i4[::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])",
    "void(i8, f8[::1], i8[::1], i8[::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])",
    "void(i8, f4[::1], i8[::1], i8[::1], f8[::1], f8[::1], i8[::1], i8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1], f8[::1])")
def sparse_steps(block, data, indices, indptr, y, steps, order, active, own, vectors, numbers, settings):
    """As `dense_steps`, for CSR rows. vectors[k] = v, the mean's part that does not lag, paid debt: w = SCALE v, and the mean
    is (vectors[k, 1] + LAG v) / SPREAD."""
    k = active[block]
    v, mean, paid, number = vectors[k, 0], vectors[k, 1], vectors[k, 2], numbers[k]
    averaged, passive = settings[AVERAGE] > 0.0, settings[SCHEDULE] >= PA1
    for at in range(order.size):
        ahead = order[min(at + AHEAD, order.size - 1)]
        for entry in range(indptr[ahead], indptr[ahead + 1], LINE):
            prefetch(data, entry)
            prefetch(indices, entry)
        i = order[at]
        first, last, step, scale = np.uint64(indptr[i]), np.uint64(indptr[i + 1]), steps[i], number[SCALE]
        p = 0.0
        for entry in range(first, last):
            p += v[np.uint64(indices[entry])] * data[entry]
        p = scale * p + number[INTERCEPT]
        squares = 0.0
        if passive:
            for entry in range(first, last):
                squares += float(data[entry]) * float(data[entry])
        eta = begin_step(number, settings)
        length = step_length(target_of(y[i], own[k], settings), p, squares, step, eta, number, settings)
        keep = max(0.0, 1.0 - eta * settings[L2] * step)
        if keep * scale < SMALLEST_SCALE:  # v would have to grow too large: scale it itself, and the mean's part with it
            for j in range(v.size):
                mean[j] = (mean[j] + number[LAG] * v[j]) / number[SPREAD]
                v[j] *= keep * scale
            number[LAG], number[SPREAD], scale = 0.0, 1.0, 1.0
        else:
            scale *= keep
        number[SCALE] = scale
        if length != 0.0:
            move = length / scale
            for entry in range(first, last):
                v[np.uint64(indices[entry])] += move * data[entry]
            if averaged:  # v counts in LAG as if it had always been as now
                move *= number[LAG]
                for entry in range(first, last):
                    mean[np.uint64(indices[entry])] -= move * data[entry]
        share = end_step(length, eta, step, number, settings)
        if share == 1.0:
            number[LAG], number[SPREAD] = scale, 1.0  # the first: its mean is itself
            mean[:] = 0.0
        elif share > 0.0:
            number[SPREAD] /= 1.0 - share
            number[LAG] += share * number[SPREAD] * scale
        if settings[L1] > 0.0:
            debt = number[DEBT]
            for entry in range(first, last):
                column = np.uint64(indices[entry])
                before = scale * v[column]
                if before != 0.0:
                    sign = 1.0 if before > 0.0 else -1.0
                    lower = sign * max(0.0, abs(before) - (debt + sign * paid[column]))
                    paid[column] += lower - before
                    mean[column] -= number[LAG] * (lower - before) / scale
                    v[column] = lower / scale


def run_steps(X, y, steps, order, active, own, vectors, numbers, settings):
    """One pass over the rows `order` for each of the models `active`; vectors (K, 3, d) and numbers (K, 9) change in place."""
    numbers[active, LOSS] = 0.0
    is_sparse = sparse.issparse(X)
    if not is_sparse:
        settle(vectors, numbers)
    given = csr_parts(X) if is_sparse else (X,)
    entries = X.nnz if is_sparse else X.size
    rows = len(order) if len(active) == 1 else max(64, NEAR * X.shape[0] // max(1, entries))
    for first in range(0, len(order), rows):  # several models: rows that are near the processor serve them all
        some = order[first : first + rows]
        over_blocks(sparse_steps if is_sparse else dense_steps, len(active), *given, y, steps, some, active, own, vectors,
                    numbers, settings)


def settle(vectors, numbers):
    """Weights and means become what they stand for: SCALE 1, LAG 0, SPREAD 1."""
    weights, means = plain(vectors, numbers)
    vectors[:, 0], vectors[:, 1] = weights, means
    numbers[:, SCALE], numbers[:, LAG], numbers[:, SPREAD] = 1.0, 0.0, 1.0


def plain(vectors, numbers):
    """Weights (K, d) and their means (K, d)."""
    lag, spread = numbers[:, LAG, None], numbers[:, SPREAD, None]
    return numbers[:, SCALE, None] * vectors[:, 0], (vectors[:, 1] + lag * vectors[:, 0]) / spread


def new_numbers(count, eta0=0.0):
    numbers = np.zeros((count, NUMBERS))
    numbers[:, TIME] = numbers[:, SCALE] = numbers[:, SPREAD] = 1.0
    numbers[:, ETA] = eta0
    return numbers


def steps_from_zero(X, y, steps, order, own, settings):
    """Weights, means and numbers after one pass of a model for each of `own`."""
    vectors, numbers = np.zeros((len(own), 3, X.shape[1])), new_numbers(len(own), 0.1)
    run_steps(X, y, steps, order, np.arange(len(own)), own, vectors, numbers, settings)
    settle(vectors, numbers)
    return vectors, numbers


def settings_of(kind=SQUARED, margin=0.5, l2=0.0, l1=0.0, schedule=CONSTANT, eta0=0.1, power=0.5, t0=3.0, alpha=0.1, average=0,
                intercept_rate=1.0, one_class=0, low=-1.0):
    return np.array([kind, margin, l2, l1, schedule, eta0, power, t0, alpha, average, intercept_rate, one_class, low],
                    dtype=np.float64)


def _example(rng, n=23, d=3, classes=2, dtype=np.float64, is_sparse=False, index=np.int32, **chosen):
    X = (rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.6)).astype(dtype)
    own = np.full(1, np.nan) if classes == 0 else np.arange(1.0, classes) if classes == 2 else np.arange(float(classes))
    y = 2.0 * rng.normal(size=n) if classes == 0 else rng.integers(classes, size=n).astype(float)
    if is_sparse:
        X = sparse.csr_array(X)
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    order = np.concatenate([rng.permutation(n), rng.integers(n, size=3)])
    return X, y, rng.choice([1.0, 0.5], n), order, own, settings_of(**chosen)


_CASES = (
    {"kind": HINGE, "margin": 1.0, "l2": 0.1, "classes": 6, "schedule": OPTIMAL, "average": 4},
    {"kind": HINGE, "margin": 0.0, "l2": 0.1, "schedule": INVSCALING, "eta0": 0.7, "dtype": np.float32},
    {"kind": SQUARED_HINGE, "margin": 1.0, "l1": 0.1, "l2": 0.05, "index": np.int64, "average": 1},
    {"kind": MODIFIED_HUBER, "eta0": 0.9, "l1": 0.3},
    {"kind": MODIFIED_HUBER, "l2": 8.0, "index": np.int64, "dtype": np.float32, "average": 7},
    {"kind": LOG, "low": 0.0, "one_class": 1, "intercept_rate": 0.5},
    {"kind": LOG, "low": 0.0, "l2": 30.0, "average": 2, "intercept_rate": 0.0},
    {"kind": SQUARED, "classes": 0, "l1": 0.2, "n": 60},
    {"kind": LOG, "low": 0.0, "classes": 3, "n": 9_000, "d": 9},
    {"kind": HUBER, "classes": 0, "margin": 0.4},
    {"kind": INSENSITIVE, "classes": 0, "schedule": PA1, "eta0": 0.3},
    {"kind": SQUARED_INSENSITIVE, "classes": 0, "margin": 0.2},
    {"kind": HINGE, "margin": 1.0, "schedule": PA2, "eta0": 0.3, "classes": 3},
    {"kind": HINGE, "margin": 1.0, "schedule": PA1, "eta0": 5.0},
    {"kind": INSENSITIVE, "classes": 0, "schedule": PA2, "eta0": 2.0, "average": 3, "n": 4},
)


@oracle(steps_from_zero, kernels=(dense_steps, sparse_steps, loss_and_slope, begin_step, step_length, end_step, target_of),
        rtol=1e-9, atol=1e-9, example=tuple(
            lambda rng, case=case, kind=kind: _example(rng, is_sparse=kind, **case) for case in _CASES for kind in (False, True)))
def steps_formula(X, y, steps, order, own, settings):
    """Step by step, as the module's formulas say."""
    kind, margin, l2, l1, schedule, eta0, power, t0, alpha, average, intercept_rate, one_class, low = settings
    is_sparse, rows = sparse.issparse(X), X.toarray() if sparse.issparse(X) else X
    vectors, numbers = np.zeros((len(own), 3, X.shape[1])), new_numbers(len(own), 0.1)
    for k in range(len(own)):
        w, mean, paid = vectors[k]
        b, t, mean_b, debt, total = 0.0, 1.0, 0.0, 0.0, 0.0
        for i in order:
            x, s = rows[i].astype(np.float64), steps[i]
            target = y[i] if np.isnan(own[k]) else 1.0 if y[i] == own[k] else low
            p = w @ x + b
            eta = {OPTIMAL: 1 / (alpha * (t0 + t - 1)), INVSCALING: eta0 / t**power}.get(schedule, 0.1)
            loss, slope = loss_formula(kind, target, p, margin)
            total += s * loss
            length = -eta * slope
            if schedule in (PA1, PA2):
                length = 0.0
                if schedule == PA2 or x.any():
                    length = min(eta0, loss / (x @ x)) if schedule == PA1 else loss / (x @ x + 0.5 / eta0)
                length *= target if kind == HINGE else np.sign(target - p)
            w *= max(0.0, 1 - eta * l2 * s)
            w += s * length * x
            b += intercept_rate * s * (length - (eta * alpha if one_class else 0.0))
            if 0 < average <= t:
                share = s / (t - average + s)
                mean += share * (w - mean)
                mean_b += share * (b - mean_b)
            debt, t = debt + l1 * eta * s, t + s
            if l1:
                seen = x != 0 if is_sparse else np.ones(len(x), dtype=bool)
                lower = np.sign(w) * np.maximum(0, np.abs(w) - np.maximum(0, debt + np.sign(w) * paid))
                paid[seen] += (lower - w)[seen]
                w[seen] = lower[seen]
        numbers[k] = b, t, 0.1, 1.0, mean_b, 0.0, 1.0, debt, total
    return vectors, numbers


def loss_formula(kind, y, p, margin):
    """Loss and its derivative, each as a textbook has it."""
    z, r = y * p, p - y
    excess = max(abs(r) - margin, 0.0)
    return {
        HINGE: lambda: (max(0.0, margin - z), -y * (z <= margin)),
        SQUARED_HINGE: lambda: (max(0.0, margin - z) ** 2, -2 * y * max(0.0, margin - z)),
        MODIFIED_HUBER: lambda: (max(0.0, 1 - z) ** 2, -2 * y * max(0.0, 1 - z)) if z >= -1 else (-4 * z, -4 * y),
        LOG: lambda: (np.logaddexp(0, p) - y * p, 1 / (1 + np.exp(-p)) - y),
        SQUARED: lambda: (r * r / 2, r),
        HUBER: lambda: (r * r / 2, r) if abs(r) <= margin else (margin * (abs(r) - margin / 2), margin * np.sign(r)),
        INSENSITIVE: lambda: (excess, np.sign(r) * (excess > 0)),
        SQUARED_INSENSITIVE: lambda: (excess**2, 2 * np.sign(r) * excess),
    }[int(kind)]()
