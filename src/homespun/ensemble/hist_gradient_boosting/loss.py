"""Losses: the value, its first two derivatives by the raw score, the best constant, and what a raw score means.

    y: (n,)   raw: (K, n), K = classes if more than two, else 1   g = d loss / d raw   h = d² loss / d raw²

    squared_error   (y - r)²/2                        g = r - y                h = 1
    absolute_error  |y - r|                           g = sign(r - y)          h = 1 (and the leaf is the median)
    quantile        q (y - r)+ + (1 - q) (r - y)+     g = -q or 1 - q          h = 1 (and the leaf is the quantile)
    poisson         exp(r) - y r                      g = exp(r) - y           h = exp(r)
    gamma           r + y exp(-r)                     g = 1 - y exp(-r)        h = y exp(-r)
    log_loss        log(1 + exp(r)) - y r             g = p - y                h = p (1 - p)       p = 1 / (1 + exp(-r))
    … K classes     logsumexp(r) - r_y                g_k = p_k - [y = k]      h_k = p_k (1 - p_k) p = softmax(r)

Friedman 2001, Annals of Statistics 29(5). Gradients are float32 (as in scikit-learn and LightGBM); scores are float64.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp, softmax

from homespun.kernels import kernel, oracle
from homespun.kernels.simd import exp32
from homespun.kernels.threads import over_blocks

ONE, ZERO = np.float32(1), np.float32(0)
TILE = 256  # rows whose softmax is computed side by side
ROWS = 8192  # rows whose probabilities one thread takes at a time


class Loss:
    """One of the losses above, by name; `quantile` is the level of the quantile loss, `n_classes` that of log_loss."""

    def __init__(self, name: str, *, quantile: float | None = None, n_classes: int = 1):
        self.name = "multinomial" if name == "log_loss" and n_classes > 2 else name
        self.level = 0.5 if quantile is None else float(quantile)
        self.n_scores = n_classes if n_classes > 2 else 1

    @property
    def leaf_is_quantile(self) -> bool:
        """Whether a leaf's value is a quantile of the residuals, because the loss has no curvature for a Newton step."""
        return self.name in ("absolute_error", "quantile")

    def baseline(self, y, weights=None) -> np.ndarray:
        """The constant raw score that minimises the loss: (K,)."""
        if self.leaf_is_quantile:
            return np.array([weighted_quantile(y, self.level, weights)])
        if self.name == "multinomial":
            total = np.bincount(y.astype(np.int64), weights, minlength=self.n_scores)
            share = np.log(np.maximum(total / total.sum(), np.finfo(np.float64).eps))
            return share - share.mean()
        mean = np.average(y, weights=weights)
        if self.name in ("poisson", "gamma"):
            mean = np.log(mean)
        elif self.name == "log_loss":
            tiny = np.finfo(np.float64).eps
            mean = min(max(mean, tiny), 1 - tiny)
            mean = np.log(mean / (1 - mean))
        return np.array([float(mean)])

    def value(self, y, raw, weights=None) -> float:
        """Mean loss (terms that do not depend on `raw` left out, halves as in the table)."""
        r = raw[0]
        if self.name == "squared_error":
            each = (y - r) ** 2 / 2
        elif self.leaf_is_quantile:
            each = np.where(y >= r, self.level * (y - r), (1 - self.level) * (r - y))
            each = 2 * each if self.name == "absolute_error" else each
        elif self.name == "poisson":
            each = np.exp(r) - y * r
        elif self.name == "gamma":
            each = r + y * np.exp(-r)
        elif self.name == "log_loss":
            each = np.logaddexp(0, r) - y * r
        else:
            each = logsumexp(raw, axis=0) - raw[y.astype(np.int64), np.arange(len(y))]
        return float(np.average(each, weights=weights))

    def inverse_link(self, raw):
        """The prediction that a raw score stands for (regression)."""
        return np.exp(raw) if self.name in ("poisson", "gamma") else raw

    def probabilities(self, raw) -> np.ndarray:
        """(K, n) raw scores of a classifier → (n, classes) probabilities."""
        if self.name == "multinomial":
            return softmax(raw.T, axis=1)
        both = np.empty((raw.shape[1], 2))

        def fill(block):
            rows = slice(block * ROWS, (block + 1) * ROWS)
            expit(-raw[0, rows], out=both[rows, 0])
            expit(raw[0, rows], out=both[rows, 1])

        over_blocks(fill, -(-len(both) // ROWS))  # SciPy works without the GIL
        return both


def weighted_quantile(values, level, weights=None) -> float:
    """The smallest value below which `level` of the weight lies; the mean of two where the weight divides exactly there.

    With `level` 0.5 it is the median. A weight of 2 is the value twice.

    >>> weighted_quantile(np.array([1.0, 2.0, 5.0, 9.0]), 0.5)
    3.5
    """
    if weights is None:
        place = level * len(values)
        low = min(max(int(np.ceil(place)) - 1, 0), len(values) - 1)
        high = min(low + 1, len(values) - 1) if place == low + 1 else low
        part = np.partition(values, (low, high))
        return float(part[low] / 2 + part[high] / 2)
    order = np.argsort(values, kind="stable")
    collected = np.cumsum(weights[order])
    place = level * collected[-1]
    low = min(int(np.searchsorted(collected, place * (1 - 1e-12))), len(values) - 1)
    high = min(low + 1, len(values) - 1) if abs(collected[low] - place) <= 1e-12 * place else low
    return float(values[order[low]] / 2 + values[order[high]] / 2)


def gradients(name, level, y, raw, bounds, g, h):
    """First and second derivatives of every row: fills `g` and `h`, (K, n) float32.

    `bounds` (S + 1,) are the rows where one thread's share ends and the next begins.
    """
    over_blocks(DERIVATIVES[name], len(bounds) - 1, level, y, raw, bounds, g, h)
    return g, h


# A kernel for each loss, so that a fit compiles only its own. Each is one loop without branches over unsigned places, so it
# becomes vector instructions (`exp32` does, `np.exp` would not): log_loss takes 0.6 ns a row, and 4.4 ns with signed places,
# which are checked for being negative. Slices that start at 0 are as fast, but take 0.4 s longer to compile.
# IN y (n,), raw (K, n), bounds (S + 1,).   OUT g, h (K, n)
SIGNATURE = "void(i8, f8, f8[::1], f8[:, ::1], i8[::1], f4[:, ::1], f4[:, ::1])"


@kernel()
def rows_of(block, bounds):
    return range(np.uint64(bounds[block]), np.uint64(bounds[block + 1]))  # no mutant (+ → -): block 0 then does all rows


@kernel(SIGNATURE)
def squared_error(block, level, y, raw, bounds, g, h):
    for i in rows_of(block, bounds):
        g[0, i] = np.float32(raw[0, i] - y[i])
        h[0, i] = ONE


@kernel(SIGNATURE)
def absolute_error(block, level, y, raw, bounds, g, h):
    for i in rows_of(block, bounds):
        g[0, i] = ONE if raw[0, i] > y[i] else -ONE
        h[0, i] = ONE


@kernel(SIGNATURE)
def quantile(block, level, y, raw, bounds, g, h):
    above, below = np.float32(1.0 - level), np.float32(-level)
    for i in rows_of(block, bounds):
        g[0, i] = above if raw[0, i] > y[i] else below
        h[0, i] = ONE


@kernel(SIGNATURE)
def poisson(block, level, y, raw, bounds, g, h):
    for i in rows_of(block, bounds):
        mean = exp32(np.float32(raw[0, i]))
        g[0, i] = np.float32(mean - y[i])
        h[0, i] = mean


@kernel(SIGNATURE)
def gamma(block, level, y, raw, bounds, g, h):
    for i in rows_of(block, bounds):
        ratio = np.float32(y[i] * exp32(np.float32(-raw[0, i])))
        g[0, i] = ONE - ratio
        h[0, i] = ratio


@kernel(SIGNATURE)
def log_loss(block, level, y, raw, bounds, g, h):
    for i in rows_of(block, bounds):  # small differences stay exact: 1 - p is never computed from p
        score, yes = np.float32(raw[0, i]), y[i] > 0.5  # no mutant (> → >=): y is 0 or 1
        small = exp32(-abs(score))  # in (0, 1]
        share = ONE / (ONE + small)
        right = score > ZERO  # no mutant (> → >=): at 0 both are the same
        slope = small * share if right == yes else share  # little is left to learn where the score is right
        g[0, i] = -slope if yes else slope
        h[0, i] = small * share * share


@kernel(SIGNATURE)
def multinomial(block, level, y, raw, bounds, g, h):
    """Softmax, one class after the other for 256 rows; g serves as room for exp(raw - highest)."""
    highest = np.empty(TILE, np.float64)
    total = np.empty(TILE, np.float32)
    last = bounds[block + 1]  # no mutant (+ → -): block 0 then does all rows
    for start in range(bounds[block], last, TILE):
        rows, first = np.uint64(min(TILE, last - start)), np.uint64(start)
        for i in range(rows):
            highest[i], total[i] = -np.inf, ZERO
        for k in range(raw.shape[0]):
            for i in range(rows):
                highest[i] = max(highest[i], raw[k, first + i])
        for k in range(raw.shape[0]):
            for i in range(rows):
                power = exp32(np.float32(raw[k, first + i] - highest[i]))
                g[k, first + i] = power
                total[i] += power
        for k in range(raw.shape[0]):
            for i in range(rows):
                share = g[k, first + i] / total[i]
                g[k, first + i] = share - (ONE if y[first + i] == k else ZERO)
                h[k, first + i] = share * (ONE - share)


DERIVATIVES = {"squared_error": squared_error, "absolute_error": absolute_error, "quantile": quantile, "poisson": poisson,
               "gamma": gamma, "log_loss": log_loss, "multinomial": multinomial}


def _example(name, classes=1):
    def example(rng):
        n = 600
        raw = rng.normal(size=(classes, n)) * 2
        if classes > 1:
            raw[:, ::3] += 200 * rng.integers(-1, 2, (classes, n))[:, ::3]  # exp would overflow and underflow
        y = {"poisson": rng.poisson(2, n), "gamma": rng.exponential(size=n), "log_loss": rng.integers(0, 2, n),
             "multinomial": rng.integers(0, classes, n)}.get(name, rng.normal(size=n)).astype(np.float64)
        if name in ("absolute_error", "quantile"):
            raw[0, :5] = y[:5]  # a residual of zero counts as "not above"
        room = np.empty((classes, n), np.float32)
        return name, 0.3, y, raw, np.array([0, 250, n]), room, room.copy()
    return example


@oracle(gradients, kernels=tuple(DERIVATIVES.values()), rtol=2e-6, atol=2e-6,
        example=tuple(_example(name, 3 if name == "multinomial" else 1) for name in DERIVATIVES))
def gradients_formula(name, level, y, raw, bounds, g, h):
    """The table at the top of this file."""
    r = raw[0]
    if name == "multinomial":
        p, one_hot = softmax(raw, axis=0), np.arange(len(raw))[:, None] == y
        return p - one_hot, p * (1 - p)
    flat = np.ones_like(r)
    found = {"squared_error": lambda: (r - y, flat),
             "absolute_error": lambda: (np.where(r > y, 1, -1), flat),
             "quantile": lambda: (np.where(r > y, 1 - level, -level), flat),
             "poisson": lambda: (np.exp(r) - y, np.exp(r)),
             "gamma": lambda: (1 - y * np.exp(-r), y * np.exp(-r)),
             "log_loss": lambda: (expit(r) - y, expit(r) * expit(-r))}[name]()
    return found[0][None], found[1][None]
