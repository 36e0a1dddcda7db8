"""Categorical naive Bayes: every feature is a code 0, 1, 2, …, and each class has a distribution over the codes of each.

    log p(c, x) = log p(c) + sum_j log p(x_j | c)
    p(x_j = t | c) = (N_cjt + alpha) / (N_c + alpha n_j)          n_j: number of categories of feature j

N_cjt: weight of the rows of class c whose feature j is t. `OrdinalEncoder` makes such codes.  O(n d) to fit, O(n d C) to
predict; memory O(C sum_j n_j). Not handled: codes that were not seen, beyond `min_categories`: they are a DataError.
"""

from __future__ import annotations

import numpy as np

from homespun.base import ArrayLike, Boolean, DataError, Integer, ParameterError, Real
from homespun.base.stored import refuse
from homespun.kernels import kernel, oracle, over_blocks
from homespun.naive_bayes.base import PRIORS
from homespun.naive_bayes.counts import CountingNB, logs, possible


class CategoricalNB(CountingNB):
    """Naive Bayes for categories.

    Parameters
    ----------
    alpha : float, default 1.0
        Added to each count.
    force_alpha, fit_prior, class_prior
        As in `MultinomialNB`.
    min_categories : int or array-like of shape (d,), optional
        Least number of categories of each feature, so that codes which the training rows lack have a place.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_
        As in `MultinomialNB`.
    n_categories_ : ndarray of shape (d,)
    category_count_, feature_log_prob_ : list of ndarray of shape (n_classes, n_categories_[j])
        Of each feature: weighted counts, and logarithms of probabilities.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    Colour (0 red, 1 green) and shape (0 round, 1 long) of fruit:

    >>> from homespun.naive_bayes import CategoricalNB
    >>> model = CategoricalNB().fit([[0, 0], [0, 0], [1, 1], [1, 0]], ["cherry", "cherry", "cucumber", "pea"])
    >>> model.predict([[0, 0], [1, 1]]).tolist()
    ['cherry', 'cucumber']
    """

    params = {"alpha": Real(low=0), "force_alpha": Boolean(), "fit_prior": Boolean(), "class_prior": PRIORS,
              "min_categories": Integer(low=1) | ArrayLike() | None}
    checks = {"dtype": np.int64, "order": "C"}

    def __init__(self, *, alpha=1.0, force_alpha=True, fit_prior=True, class_prior=None, min_categories=None):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.min_categories = min_categories

    def _start(self, d):
        self.class_count_ = np.zeros(len(self.classes_))
        self.n_categories_ = np.zeros(d, dtype=np.int64)
        self.category_count_ = [np.zeros((len(self.classes_), 0)) for _ in range(d)]

    def _add(self, X, codes, weights):
        self.n_categories_ = np.maximum(np.maximum(self.n_categories_, self._least()), X.max(axis=0) + 1)
        offsets = np.append(0, np.cumsum(self.n_categories_))
        counts = category_counts(X, codes, weights, len(self.classes_), offsets)
        for j, old in enumerate(self.category_count_):
            counts[:, offsets[j] : offsets[j] + old.shape[1]] += old
        self.category_count_ = np.split(counts, offsets[1:-1], axis=1)
        self.class_count_ = self.class_count_ + np.bincount(codes, weights, minlength=len(self.classes_))

    def _check_values(self, X):
        if X.size and X.min() < 0:
            row, column = (int(place) for place in np.argwhere(X < 0)[0])
            raise DataError(f"Negative values in data passed to CategoricalNB (input X): {X[row, column]} in row {row}, "
                            f"feature {column}", operation="fit", operands={"X": X.shape}, rule="codes 0, 1, 2, …",
                            suggestion="OrdinalEncoder().fit_transform(X)")

    def _check_settings(self, n_classes):
        super()._check_settings(n_classes)
        self._least()

    def _least(self):
        """`min_categories` as a number or an array (d,)."""
        d = self.n_features_in_
        least = np.asarray(0 if self.min_categories is None else self.min_categories)
        if not np.issubdtype(least.dtype, np.signedinteger) and not np.issubdtype(least.dtype, np.unsignedinteger):
            raise ParameterError(f"CategoricalNB: 'min_categories' should have integral type. Got {least.dtype} instead.",
                                 operation="fit", operands={"min_categories": self.min_categories}, rule="whole numbers")
        if least.ndim and least.shape != (d,):
            raise ParameterError(f"CategoricalNB: 'min_categories' should have shape ({d},) when an array-like is provided. "
                                 f"Got {least.shape} instead.", operation="fit", operands={"min_categories": least.shape},
                                 rule="min_categories: d")
        return least

    def _weigh(self, alpha):
        self.feature_log_prob_ = [logs(counts + alpha) - logs(counts.sum(axis=1, keepdims=True) + alpha * counts.shape[1])
                                  for counts in self.category_count_]

    def _joint(self, X):
        self._check_values(X)
        beyond = X.max(axis=0, initial=0) >= self.n_categories_
        if beyond.any():
            column = int(beyond.argmax())
            raise DataError(f"CategoricalNB: feature {column} has {self.n_categories_[column]} categories, "
                            f"0 to {self.n_categories_[column] - 1}, but X holds {X[:, column].max()}", operation="predict",
                            operands={"X": X.shape}, rule=f"X[:, {column}] < {self.n_categories_[column]}",
                            suggestion=f"min_categories={X[:, column].max() + 1} leaves room for it")
        return category_scores(X, *self.weights())

    def weights(self):
        """log p of all categories (sum of categories, C), log p(c) (C,), and where the categories of a feature begin (d + 1,)."""
        W = possible(np.concatenate(self.feature_log_prob_, axis=1))
        return np.ascontiguousarray(W.T), possible(self.class_log_prior_), np.append(0, np.cumsum(self.n_categories_))

    def check_state(self):
        """ModelFileError unless the arrays of a file have the shapes that prediction relies on."""
        if "feature_log_prob_" not in self.__dict__:
            return
        C, d = len(self.classes_), self.n_features_in_
        self._refuse_unless("class_log_prior_", C)
        counts, logs_ = self.n_categories_, self.feature_log_prob_
        if not isinstance(counts, np.ndarray) or counts.dtype != np.int64 or counts.shape != (d,):
            refuse(self, "n_categories_", f"int64 of shape ({d},)", f"{counts!r:.60}")
        if len(logs_) != d or any(not isinstance(part, np.ndarray) or part.dtype != np.float64 or part.shape != (C, size)
                                  for part, size in zip(logs_, counts)):
            refuse(self, "feature_log_prob_", f"{d} arrays of {C} rows and n_categories_ columns", "others")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags


def category_counts(X, codes, weights, n_classes, offsets):
    """Weights by class and category: (C, offsets[-1]), where category t of feature j has column offsets[j] + t."""
    width = int(offsets[-1])
    parts = np.zeros((max(1, min(32, X.size // 65536, X.size // (4 * n_classes * max(1, width)))), n_classes, width))
    over_blocks(count_categories, len(parts), X, codes, weights, offsets, parts)
    return parts.sum(axis=0)


@kernel("void(i8, i8[:, ::1], i8[::1], f8[::1], i8[::1], f8[:, :, ::1])")
def count_categories(block, X, codes, weights, offsets, parts):  # OUT parts (B, C, sum of categories)
    n, d = X.shape
    B = parts.shape[0]
    for i in range(block * n // B, (block + 1) * n // B):
        own = parts[block, codes[i]]
        for j in range(d):
            own[np.uint64(offsets[j] + X[i, j])] += weights[i]  # unsigned: no test for negative ones


def category_scores(X, W, level, offsets):
    """level_c + sum_j W[offsets[j] + x_j, c] for codes X within their categories: (n, C)."""
    out = np.empty((len(X), W.shape[1]))
    blocks = max(1, min(64, X.size * W.shape[1] // 65536))
    over_blocks(score_categories, blocks, blocks, X, W, level, offsets, out)
    return out


@kernel("void(i8, i8, i8[:, ::1], f8[:, ::1], f8[::1], i8[::1], f8[:, ::1])")
def score_categories(block, blocks, X, W, level, offsets, out):  # IN W (sum of categories, C).   OUT out (n, C)
    n, C = out.shape
    for i in range(block * n // blocks, (block + 1) * n // blocks):
        row = out[i]
        row[:] = level
        for j in range(X.shape[1]):
            w = W[np.uint64(offsets[j] + X[i, j])]
            for c in range(C):
                row[c] += w[c]


def _categories(rng):
    sizes = np.array([3, 2, 5, 1] * 20)
    return rng.integers(0, sizes, (1700, 80)), np.append(0, np.cumsum(sizes))


def _counts_example(rng):
    X, offsets = _categories(rng)
    return X, rng.integers(0, 3, len(X)), rng.random(len(X)), 4, offsets


@oracle(category_counts, kernels=(count_categories,), example=_counts_example, rtol=1e-9)
def category_counts_formula(X, codes, weights, n_classes, offsets):
    own = np.eye(n_classes)[codes] * weights[:, None]
    return np.concatenate([own.T @ np.eye(offsets[j + 1] - offsets[j])[X[:, j]] for j in range(X.shape[1])], axis=1)


def _scores_example(rng):
    X, offsets = _categories(rng)
    return X, rng.normal(size=(offsets[-1], 3)), rng.normal(size=3), offsets


@oracle(category_scores, kernels=(score_categories,), example=_scores_example, rtol=1e-9)
def category_scores_formula(X, W, level, offsets):
    return level + W[offsets[:-1] + X].sum(axis=1)
