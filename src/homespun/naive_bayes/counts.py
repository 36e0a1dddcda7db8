"""What naive Bayes of counts shares: smoothed counts of each class, log priors, and the two loops over the rows.

    N_cj = sum_i in class c  s_i x_ij             counts, weighted by s                        (C, d)
    score_c(x) = level_c + sum_j x_j W_cj         log p(c, x) for weights W that are logs      (n, C)

`MultinomialNB`, `ComplementNB` and `BernoulliNB` differ in what W and level are. Dense X is read once; where values are
to become 0 or 1 (Bernoulli), that happens in the loop, without a copy. Sparse X: only entries that are stored.
O(n d) or O(entries) to count, C times that to score.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from homespun.base import ArrayLike, Boolean, DataError, ParameterError, Real
from homespun.kernels import kernel, oracle, over_blocks
from homespun.kernels.csr import csr_parts
from homespun.naive_bayes.base import FLOATS, IMPOSSIBLE, PRIORS, NaiveBayes, checked_priors

LEAST_ALPHA = 1e-10  # where force_alpha=False


class CountingNB(NaiveBayes):
    """Counts of each class; subclasses make log probabilities of them."""

    params = {"alpha": Real(low=0) | ArrayLike(), "force_alpha": Boolean(), "fit_prior": Boolean(), "class_prior": PRIORS}
    checks = {"dtype": FLOATS, "order": "C", "accept_sparse": "csr"}

    def _check_settings(self, n_classes):
        self._check_alpha()
        if self.class_prior is not None:
            checked_priors(self, "class_prior", n_classes)

    def _check_alpha(self):
        """The smoothing: a number, or one for each feature (d,)."""
        alpha = np.asarray(self.alpha, dtype=np.float64)
        name = type(self).__name__
        if alpha.ndim and alpha.shape != (self.n_features_in_,):
            raise ParameterError(
                f"{name}: When alpha is an array, it should contains `n_features`. Got {alpha.shape[0]} elements instead of "
                f"{self.n_features_in_}.", operation="fit", operands={"alpha": alpha.shape}, rule="alpha: d")
        if not (alpha >= 0).all():
            raise ParameterError(f"{name}: All values in alpha must be greater than 0. The least is {alpha.min():g}",
                                 operation="fit", operands={"alpha": alpha}, rule="alpha >= 0")
        if (alpha < LEAST_ALPHA).any() and not self.force_alpha:
            warnings.warn(f"alpha too small will result in numeric errors, setting alpha = {LEAST_ALPHA:.1e}. Use "
                          "`force_alpha=True` to keep alpha unchanged.", stacklevel=4)
            alpha = np.maximum(alpha, LEAST_ALPHA)
        return alpha

    def _start(self, d):
        self.class_count_ = np.zeros(len(self.classes_))
        self.feature_count_ = np.zeros((len(self.classes_), d))

    def _add(self, X, codes, weights):
        self.class_count_ = self.class_count_ + np.bincount(codes, weights, minlength=len(self.classes_))
        self.feature_count_ = self.feature_count_ + class_counts(X, codes, weights, len(self.classes_), self._threshold())

    def _check_values(self, X):
        values = X.data if sparse.issparse(X) else X
        if values.size and values.min() < 0:
            raise DataError(f"Negative values in data passed to {type(self).__name__} (input X): the least is {values.min():g}",
                            operation="fit", operands={"X": X.shape}, rule="counts >= 0",
                            suggestion="counts or tf-idf; for other features GaussianNB")

    def _threshold(self) -> float:
        """Values above become 1, others 0; NaN: they stay as they are."""
        return np.nan

    def _finish(self):
        self._weigh(self._check_alpha())
        if self.class_prior is not None:
            self.class_log_prior_ = logs(checked_priors(self, "class_prior", len(self.classes_)))
        elif self.fit_prior:  # of a class that the stream has not brought yet it is minus infinity
            self.class_log_prior_ = logs(self.class_count_) - np.log(self.class_count_.sum())
        else:
            self.class_log_prior_ = np.full(len(self.classes_), -np.log(len(self.classes_)))

    def _weigh(self, alpha):
        """Set `feature_log_prob_`, (C, d), from the counts."""
        raise TypeError("a naive Bayes of counts defines _weigh()")

    def weights(self):
        """W (C, d) and level (C,) of the module's header; and where a feature speaks against a class for certain: +1 where it is
        there, -1 where it is not, (C, d), with the number of the latter (C,), or None twice."""
        return possible(self.feature_log_prob_), possible(self.class_log_prior_), None, None

    def _joint(self, X):
        weights, level, against, always = self.weights()
        scores = class_scores(X, weights, level, self._threshold())
        if against is not None:
            scores[class_scores(X, against, always, self._threshold()) > 0.5] = IMPOSSIBLE
        return scores

    def check_state(self):
        """ModelFileError unless the arrays of a file have the shapes that prediction relies on."""
        if "feature_log_prob_" in self.__dict__:
            C, d = len(self.classes_), self.n_features_in_
            for part, shape in {"feature_log_prob_": (C, d), "class_log_prior_": (C,)}.items():
                self._refuse_unless(part, *shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.poor_score = True  # counts are not what scikit-learn's checks offer
        return tags


def logs(values):
    """Natural logarithms; those of zero are minus infinity, without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(values)


def possible(values):
    """Infinities as the numbers that stand for them in sums (see `IMPOSSIBLE`)."""
    return np.clip(values, IMPOSSIBLE, -IMPOSSIBLE)


# ---------------------------------------------------------------------------------------------------------------------
# Counting

def class_counts(X, codes, weights, n_classes, threshold=np.nan):
    """``N`` of the module's header: (C, d), float64."""
    d = X.shape[1]
    entries = X.nnz if sparse.issparse(X) else X.size
    parts = np.zeros((max(1, min(32, entries // 32768, entries // (4 * n_classes * d))), n_classes, d))
    if sparse.issparse(X):
        over_blocks(count_entries, len(parts), *csr_parts(X), codes, weights, threshold, parts)
    else:
        over_blocks(count_rows, len(parts), X, codes, weights, threshold, parts)
    return parts.sum(axis=0)


@kernel(inline=True)
def as_count(value, threshold):
    """The value itself, or whether it lies above the threshold."""
    return value if np.isnan(threshold) else (1.0 if value > threshold else 0.0)


_ROWS = "void(i8, {}[:, ::1], i8[::1], f8[::1], f8, f8[:, :, ::1])"


@kernel(_ROWS.format("f8"), _ROWS.format("f4"))
def count_rows(block, X, codes, weights, threshold, parts):  # OUT parts (B, C, d)
    n, d = X.shape
    B = parts.shape[0]
    for i in range(block * n // B, (block + 1) * n // B):
        weight, own, x = weights[i], parts[block, codes[i]], X[i]
        for j in range(d):
            own[j] += weight * as_count(x[j], threshold)


_ENTRIES = "void(i8, {0}[::1], {1}[::1], {1}[::1], i8[::1], f8[::1], f8, f8[:, :, ::1])"


@kernel(*(_ENTRIES.format(value, index) for value in ("f8", "f4") for index in ("i4", "i8")))
def count_entries(block, data, indices, indptr, codes, weights, threshold, parts):  # IN a CSR matrix.   OUT parts (B, C, d)
    n = indptr.size - 1
    B = parts.shape[0]
    for i in range(block * n // B, (block + 1) * n // B):
        weight, own = weights[i], parts[block, codes[i]]
        for entry in range(indptr[i], indptr[i + 1]):
            own[np.uint64(indices[entry])] += weight * as_count(data[entry], threshold)  # unsigned: no test for negative ones


def _counts_example(make_X, threshold):
    def make(rng):
        codes = rng.integers(0, 3, 1200)
        X = np.where(rng.random((1200, 140)) < 0.6, 0.0, rng.integers(1, 5, (1200, 140)))
        return make_X(X), codes, rng.random(1200), 4, threshold  # the last class is empty

    return make


def _wide(X):
    X = sparse.csr_matrix(X)
    X.indptr = X.indptr.astype(np.int64)
    return X


@oracle(class_counts, kernels=(count_rows, count_entries, as_count), rtol=1e-9, example=(
    _counts_example(np.ascontiguousarray, np.nan), _counts_example(np.float32, 1.0), _counts_example(sparse.csr_matrix, 1.0),
    _counts_example(lambda X: sparse.csr_matrix(X.astype(np.float32)), np.nan), _counts_example(_wide, np.nan)))
def class_counts_formula(X, codes, weights, n_classes, threshold):
    return (np.eye(n_classes)[codes] * weights[:, None]).T @ _as_counts(X, threshold)


def _as_counts(X, threshold):
    X = (X.toarray() if sparse.issparse(X) else X).astype(np.float64)
    return X if np.isnan(threshold) else np.greater(X, threshold).astype(np.float64)


# ---------------------------------------------------------------------------------------------------------------------
# Scoring

def class_scores(X, W, level, threshold=np.nan):
    """``score`` of the module's header for finite W (C, d) and level (C,): (n, C), float64."""
    n = X.shape[0]
    entries = X.nnz if sparse.issparse(X) else X.size
    blocks = max(1, min(64, entries * len(W) // 65536))
    out = np.empty((n, len(W)))
    if sparse.issparse(X):
        over_blocks(score_entries, blocks, blocks, *csr_parts(X), np.ascontiguousarray(W.T), level, threshold, out)
    else:
        over_blocks(score_rows, blocks, blocks, X, np.ascontiguousarray(W), level, threshold, out)
    return out


_SCORES = "void(i8, i8, {}[:, ::1], f8[:, ::1], f8[::1], f8, f8[:, ::1])"


@kernel(_SCORES.format("f8"), _SCORES.format("f4"))
def score_rows(block, blocks, X, W, level, threshold, out):  # OUT out (n, C)
    n, C = out.shape
    for i in range(block * n // blocks, (block + 1) * n // blocks):
        x = X[i]
        for c in range(C):
            w = W[c]
            total = level[c]
            for j in range(x.size):
                total += as_count(x[j], threshold) * w[j]
            out[i, c] = total


_ENTRY_SCORES = "void(i8, i8, {0}[::1], {1}[::1], {1}[::1], f8[:, ::1], f8[::1], f8, f8[:, ::1])"


@kernel(*(_ENTRY_SCORES.format(value, index) for value in ("f8", "f4") for index in ("i4", "i8")))
def score_entries(block, blocks, data, indices, indptr, columns, level, threshold, out):  # IN columns = W' (d, C).   OUT out
    n, C = out.shape
    for i in range(block * n // blocks, (block + 1) * n // blocks):
        row = out[i]
        row[:] = level
        for entry in range(indptr[i], indptr[i + 1]):
            x, w = as_count(data[entry], threshold), columns[np.uint64(indices[entry])]
            for c in range(C):
                row[c] += x * w[c]


def _scores_example(make_X, threshold):
    def make(rng):
        X, *_ = _counts_example(make_X, threshold)(rng)
        return X, rng.normal(size=(3, 140)), rng.normal(size=3), threshold

    return make


@oracle(class_scores, kernels=(score_rows, score_entries, as_count), rtol=1e-9, example=(
    _scores_example(np.ascontiguousarray, np.nan), _scores_example(np.float32, 1.0), _scores_example(sparse.csr_matrix, 1.0),
    _scores_example(lambda X: sparse.csr_matrix(X.astype(np.float32)), np.nan), _scores_example(_wide, np.nan)))
def class_scores_formula(X, W, level, threshold):
    return level + _as_counts(X, threshold) @ W.T
