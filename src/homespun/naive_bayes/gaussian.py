"""Gaussian naive Bayes: within a class every feature has a normal distribution of its own.

    log p(c, x) = log p(c) - 1/2 sum_j [ log(2 pi v_cj) + (x_j - m_cj)^2 / v_cj ]        m, v: (C, d)
    v_cj = (variance of feature j in class c) + e        e = var_smoothing * (largest variance of a feature in all rows)

Means and variances are updated row by row (Welford 1962, Technometrics 4(3)) within a block of rows, and blocks, as well as
the batches of a stream, are joined by Chan, Golub & LeVeque 1983, The American Statistician 37(3), eq. 2.1: X is read once,
and nothing large is subtracted from something large.  O(n d) time to fit, O(n d C) to predict, O(C d) memory.
Beside scikit-learn: e is that of all rows seen, weighted, not that of the last batch, so that batches end where one fit ends.
"""

from __future__ import annotations

import numpy as np

from homespun.base import DataError, ParameterError, Real
from homespun.kernels import kernel, oracle, over_blocks
from homespun.naive_bayes.base import IMPOSSIBLE, PRIORS, NaiveBayes, checked_priors

TINY = np.finfo(np.float64).tiny  # the least variance, of features that do not vary: its inverse is still finite


class GaussianNB(NaiveBayes):
    """Gaussian naive Bayes.

    Parameters
    ----------
    priors : array-like of shape (n_classes,), optional
        Probabilities of the classes, in sorted order. Default: their shares of the training weights.
    var_smoothing : float, default 1e-9
        Added to all variances, in units of the largest variance of a feature.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_count_, class_prior_ : ndarray of shape (n_classes,)
        Weight of the rows of each class, and its probability.
    theta_, var_ : ndarray of shape (n_classes, d)
        Means, and variances with `epsilon_` added.
    epsilon_ : float

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.naive_bayes import GaussianNB
    >>> model = GaussianNB().fit([[1.0], [2.0], [3.0], [7.0], [8.0], [9.0]], ["low"] * 3 + ["high"] * 3)
    >>> model.predict([[2.2], [6.1]]).tolist(), model.theta_.tolist()
    (['low', 'high'], [[8.0], [2.0]])
    """

    params = {"priors": PRIORS, "var_smoothing": Real(low=0)}

    def __init__(self, *, priors=None, var_smoothing=1e-9):
        self.priors = priors
        self.var_smoothing = var_smoothing

    def _check_settings(self, n_classes):
        if self.priors is None:
            return
        total = checked_priors(self, "priors", n_classes).sum()
        if not np.isclose(total, 1.0):
            raise ParameterError(f"GaussianNB: The sum of the priors should be 1. It is {total:g}", operation="fit",
                                 operands={"priors": self.priors}, rule="the priors add up to 1")

    def _start(self, d):
        C = len(self.classes_)
        self.class_count_, self.theta_, self.epsilon_, self.var_ = np.zeros(C), np.zeros((C, d)), 0.0, np.zeros((C, d))

    def _add(self, X, codes, weights):
        old = self.class_count_, self.theta_, (self.var_ - self.epsilon_) * self.class_count_[:, None]
        with np.errstate(over="ignore", invalid="ignore"):  # seen below
            new = class_moments(X, codes, weights, len(self.classes_))
            self.class_count_, self.theta_, spread = join(*(np.stack(parts) for parts in zip(old, new)))
        if not np.isfinite(spread).all():
            self._refuse_overflow(X)
        variance = spread / np.where(self.class_count_ > 0, self.class_count_, 1)[:, None]
        total, _, around_all = join(self.class_count_, self.theta_, spread)  # all classes as one
        self.epsilon_ = float(self.var_smoothing * around_all.max(initial=0.0) / total)
        self.var_ = variance + self.epsilon_

    def _refuse_overflow(self, X):
        column = int(np.abs(X).max(axis=0).argmax())
        raise DataError(f"GaussianNB: the variance of feature {column} is too large for float64 "
                        f"(its largest value is {np.abs(X[:, column]).max():g})", operation="fit", operands={"X": X.shape},
                        rule="finite variances", suggestion="scale the features, with StandardScaler for example")

    def _finish(self):
        self.class_prior_ = (self.class_count_ / self.class_count_.sum() if self.priors is None
                             else checked_priors(self, "priors", len(self.classes_)))

    def _log_prior(self):
        with np.errstate(divide="ignore"):
            return np.log(self.class_prior_)

    def weights(self):
        """What prediction needs beside the means: 1 / 2v (C, d), and what does not depend on x (C,)."""
        variance = np.maximum(self.var_, TINY)
        level = self._log_prior() - 0.5 * np.log(2 * np.pi * variance).sum(axis=1)
        return 0.5 / variance, np.maximum(level, IMPOSSIBLE)

    def _joint(self, X):
        return gaussian_scores(X, self.theta_, *self.weights())

    def check_state(self):
        """ModelFileError unless the arrays of a file have the shapes that prediction relies on."""
        if "theta_" in self.__dict__:
            C, d = len(self.classes_), self.n_features_in_
            for part, shape in {"theta_": (C, d), "var_": (C, d), "class_prior_": (C,), "class_count_": (C,)}.items():
                self._refuse_unless(part, *shape)


def class_moments(X, codes, weights, n_classes):
    """Of each class: the sum of its weights (C,), weighted means (C, d), weighted squares around them (C, d)."""
    n, d = X.shape
    blocks = max(1, min(32, n * d // 32768, n // (4 * n_classes)))
    total, mean, spread = np.zeros((blocks, n_classes)), np.zeros((blocks, n_classes, d)), np.zeros((blocks, n_classes, d))
    over_blocks(moments_of_block, blocks, X, codes, weights, total, mean, spread)
    return join(total, mean, spread)


def join(total, mean, spread):
    """Sums of weights (p, …), means and squares around them (p, …, d) of p parts, as if they were one."""
    whole = total.sum(axis=0)
    share = total / np.where(whole > 0, whole, 1)
    centre = (share[..., None] * mean).sum(axis=0)
    return whole, centre, (spread + total[..., None] * (mean - centre) ** 2).sum(axis=0)


_MOMENTS = "void(i8, {}[:, ::1], i8[::1], f8[::1], f8[:, ::1], f8[:, :, ::1], f8[:, :, ::1])"


@kernel(_MOMENTS.format("f8"), _MOMENTS.format("f4"))
def moments_of_block(block, X, codes, weights, total, mean, spread):  # OUT total (B, C), mean, spread (B, C, d)
    """Welford's update of the class of each row; a row without weight changes nothing."""
    n, d = X.shape
    B = total.shape[0]
    for i in range(block * n // B, (block + 1) * n // B):
        c, weight = codes[i], weights[i]
        if weight == 0.0:
            continue
        total[block, c] += weight
        share = weight / total[block, c]
        m, s, x = mean[block, c], spread[block, c], X[i]
        for j in range(d):
            gap = x[j] - m[j]
            m[j] += share * gap
            s[j] += weight * gap * (x[j] - m[j])


def _moments_example(dtype):
    def make(rng):
        codes = rng.integers(0, 3, 700)
        X = (rng.normal(size=(700, 100)) + 5 * codes[:, None]).astype(dtype)
        return X, codes, np.where(rng.random(700) < 0.2, 0.0, rng.random(700)), 4  # the last class is empty

    return make


@oracle(class_moments, kernels=(moments_of_block,), example=(_moments_example(np.float64), _moments_example(np.float32)),
        rtol=1e-9)
def class_moments_formula(X, codes, weights, n_classes):
    own = np.eye(n_classes)[codes] * weights[:, None]  # (n, C)
    total = own.sum(axis=0)
    mean = own.T @ X.astype(np.float64) / np.where(total > 0, total, 1)[:, None]
    return total, mean, np.stack([own[:, c] @ (X - mean[c]) ** 2 for c in range(n_classes)])


def gaussian_scores(X, mean, scale, level):
    """level_c - sum_j scale_cj (x_ij - mean_cj)^2: (n, C), float64."""
    out = np.empty((len(X), len(mean)))
    blocks = max(1, min(64, X.size * len(mean) // 65536))
    over_blocks(score_block, blocks, blocks, X, mean, scale, level, out)
    return out


_SCORES = "void(i8, i8, {}[:, ::1], f8[:, ::1], f8[:, ::1], f8[::1], f8[:, ::1])"


@kernel(_SCORES.format("f8"), _SCORES.format("f4"))
def score_block(block, blocks, X, mean, scale, level, out):  # IN mean, scale (C, d), level (C,).   OUT out (n, C)
    n, C = out.shape
    for i in range(block * n // blocks, (block + 1) * n // blocks):
        x = X[i]
        for c in range(C):
            m, s = mean[c], scale[c]
            total = 0.0
            for j in range(x.size):
                gap = x[j] - m[j]
                total += s[j] * gap * gap
            out[i, c] = level[c] - total


def _scores_example(dtype):
    def make(rng):
        X = rng.normal(size=(500, 100)).astype(dtype)
        return X, rng.normal(size=(3, 100)), rng.random((3, 100)), rng.normal(size=3)

    return make


@oracle(gaussian_scores, kernels=(score_block,), example=(_scores_example(np.float64), _scores_example(np.float32)), rtol=1e-9)
def gaussian_scores_formula(X, mean, scale, level):
    return level - (scale * (X[:, None].astype(np.float64) - mean) ** 2).sum(axis=2)
