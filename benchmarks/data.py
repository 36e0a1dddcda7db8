"""Data for the measurements: generated, the same on every machine, and not kind (uncentred, unscaled, correlated columns).

Each maker returns a dictionary of arrays; what a job's `fit` and `outcome` take out of it is up to the job.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

WORDS_PER_TEXT = 100  # mean number of words of a `texts` row


def interactions(n: int, d: int, *, tests: int | None = None, seed: int = 0) -> dict:
    """Two classes whose odds depend on products, kinks and waves of pairs of columns, with noise.

    X: (n, d) float32, a quarter of the columns skewed; y: (n,) in {0, 1}; the same for `tests` rows more (default n / 4).
    """
    rng, choice = np.random.default_rng(seed), np.random.default_rng(99)  # the task is the same for every seed
    total = n + (n // 4 if tests is None else tests)
    X = rng.standard_normal((total, d), dtype=np.float32)
    X[:, : d // 4] = np.exp(X[:, : d // 4] / 2)
    score = np.zeros(total, np.float32)
    for _ in range(24):
        a, b, c = choice.integers(0, d, 3)
        u, v, w = choice.normal(size=3).astype(np.float32)
        score += u * np.tanh(X[:, a] * X[:, b]) + v * np.abs(X[:, c]) / 2 + w * np.sin(2 * X[:, a]) / 2
    score = (score - score.mean()) / score.std() + 0.9 * rng.standard_normal(total, dtype=np.float32)
    y = (score > 0).astype(np.int64)
    return {"X": X[:n].copy(), "y": y[:n].copy(), "X_test": X[n:].copy(), "y_test": y[n:].copy()}


def yes_or_no(n: int, d: int, *, classes: int = 7, seed: int = 0) -> dict:
    """Classes that depend on ten numbers and many rare yes/no columns, as one-hot encoding leaves them.

    X: (n, d) float64; y: (n,) in {0, …, classes - 1}; the same for n / 4 rows more.
    """
    rng, choice = np.random.default_rng(seed), np.random.default_rng(99)
    total, words = n + n // 4, d - 10
    X = np.zeros((total, d))
    X[:, :10] = rng.normal(size=(total, 10)) * 100 + 500
    X[np.arange(total), 10 + np.minimum(rng.geometric(4 / words, total) - 1, words - 1)] = 1
    weights = choice.normal(size=(d, classes)) * np.where(np.arange(d) < 10, 0.006, 1.0)[:, None]
    score = X @ weights + np.sin(X[:, :1] / 60) * choice.normal(size=classes) + 0.5 * rng.normal(size=(total, classes))
    y = (score - score.mean(axis=0)).argmax(axis=1)
    return {"X": X[:n].copy(), "y": y[:n].copy(), "X_test": X[n:].copy(), "y_test": y[n:].copy()}


def clouds(n: int, d: int, *, queries: int, k: int = 10, seed: int = 0) -> dict:
    """Points around 30 centres, far from the origin. X: (n, d) float32, queries: (m, d); rows of truth for 200 of them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(30, d)) * 1.5 + 2
    X = (centres[rng.integers(0, 30, n)] + rng.normal(size=(n, d))).astype(np.float32)
    Q = (centres[rng.integers(0, 30, queries)] + rng.normal(size=(queries, d))).astype(np.float32)
    checked = Q[:200].astype(np.float64)
    truth = np.array([np.argsort(((X - q) ** 2).sum(axis=1), kind="stable")[:k] for q in checked])
    return {"X": X, "queries": Q, "k": k, "truth": truth}


def groups(n: int, d: int, *, k: int, dtype=np.float32, seed: int = 0) -> dict:
    """Overlapping groups of rows, more of them than centres, and k rows to start from.

    X: (n, d)   start: (k, d)   y: (n,) the group, 0 … k - 1
    """
    rng = np.random.default_rng(seed)
    middles = 1.2 * rng.normal(size=(3 * k // 2, d))
    labels = rng.integers(0, len(middles), n)
    X = (middles[labels] + rng.normal(size=(n, d)) + 2).astype(dtype)
    return {"X": X, "start": X[rng.choice(n, k, replace=False)].copy(), "y": labels % k}


def regression(n: int, d: int, *, informative: int, alpha: float, l1: bool = False, seed: int = 0) -> dict:
    """Linear target of `informative` columns; neighbouring columns are correlated, none is centred or scaled.

    X: (n, d) float64   y: (n,). For `l1` the penalty is the given part of the least one at which all weights are zero.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, 1:] = 0.8 * X[:, 1:] + 0.6 * X[:, :-1]
    X += rng.normal(size=d)
    weights = np.zeros(d)
    weights[rng.choice(d, informative, replace=False)] = rng.normal(size=informative)
    signal = X @ weights
    y = signal + signal.std() * rng.normal(size=n) / 2 + 3
    if l1:
        alpha *= np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / n
    return {"X": X, "y": y, "alpha": float(alpha)}


def two_classes(n: int, d: int, *, C: float = 1.0, seed: int = 0) -> dict:
    """Log-odds linear in the columns of `regression`. y: (n,) in {0, 1}."""
    made = regression(n, d, informative=max(2, d // 2), alpha=0, seed=seed)
    score = made["y"] - np.median(made["y"])
    noise = np.random.default_rng(seed + 1).logistic(size=n)
    return {"X": made["X"], "y": (2 * score / score.std() + noise > 0).astype(np.int64), "C": C}


def counts(n: int, d: int, *, alpha: float = 1e-3, seed: int = 0) -> dict:
    """Counts whose logarithm of the mean is linear in the columns of `regression`. y: (n,)."""
    made = regression(n, d, informative=max(2, d // 2), alpha=0, seed=seed)
    score = made["y"] - made["y"].mean()
    mean = np.exp(score / score.std() / 2)
    return {"X": made["X"] / np.sqrt(d), "y": np.random.default_rng(seed + 1).poisson(mean).astype(float), "alpha": alpha}


def texts(n: int, d: int, *, alpha: float = 1.0, C: float = 1.0, seed: int = 0) -> dict:
    """Word counts by Zipf's law, weighted as tf-idf rows of length 1, about 100 words a row. Class and number per text.

    X: (n, d) float64 CSR   y: (n,) in {0, 1}   value: (n,)
    """
    rng = np.random.default_rng(seed)
    frequency = 1 / (np.arange(d) + 10.0)
    reach = np.cumsum(frequency / frequency.sum())
    lengths = rng.poisson(WORDS_PER_TEXT, n) + 1
    words = np.minimum(np.searchsorted(reach, rng.random(lengths.sum())), d - 1)
    rows = np.repeat(np.arange(n), lengths)
    counts = sparse.csr_matrix((np.ones(words.size), (rows, words)), shape=(n, d))
    counts.data = 1 + np.log(counts.data)
    seen = np.bincount(counts.indices, minlength=d)
    weighted = counts @ sparse.diags(np.log((1 + n) / (1 + seen)) + 1)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    X = sparse.csr_matrix(sparse.diags(1 / lengths) @ weighted)
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    signal = X @ (rng.normal(size=d) * (rng.random(d) < 0.1))
    signal /= signal.std()
    value = signal + rng.normal(size=n) / 2
    return {"X": X, "y": (signal + rng.logistic(size=n) / 4 > 0).astype(np.int64), "value": value, "alpha": alpha, "C": C}
