"""Bernoulli naive Bayes: features are there or not, and an absent one is evidence, too.

    log p(c, x) = log p(c) + sum_j [ b_j log p_cj + (1 - b_j) log(1 - p_cj) ]        b_j = [x_j > binarize]
                = log p(c) + sum_j log(1 - p_cj) + sum_j b_j [ log p_cj - log(1 - p_cj) ]
    p_cj = (N_cj + alpha_j) / (N_c + 2 alpha_j)          N_c rows of class c, N_cj of them with feature j

The second form needs the features that are there only, so sparse X stays sparse. Manning, Raghavan & Schütze 2008,
Introduction to Information Retrieval, ch. 13.3.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base import DataError, ParameterError, Real
from homespun.naive_bayes.counts import CountingNB, logs, possible


class BernoulliNB(CountingNB):
    """Naive Bayes for features that are there or not.

    Parameters
    ----------
    alpha, force_alpha, fit_prior, class_prior
        As in `MultinomialNB`.
    binarize : float or None, default 0.0
        A feature is there if its value lies above. None: X holds 0 and 1 already.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_, feature_count_
        As in `MultinomialNB`; `feature_count_` counts rows.
    feature_log_prob_ : ndarray of shape (n_classes, d)
        log p_cj.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.naive_bayes import BernoulliNB
    >>> model = BernoulliNB().fit([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]], ["a", "a", "b", "b"])
    >>> model.predict_proba([[1, 0, 0]]).round(2).tolist()
    [[0.9, 0.1]]
    """

    params = CountingNB.params | {"binarize": Real() | None}

    def __init__(self, *, alpha=1.0, force_alpha=True, binarize=0.0, fit_prior=True, class_prior=None):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _check_values(self, X):
        values = X.data if sparse.issparse(X) else X
        if self.binarize is None and values.size and (values.min() < 0 or values.max() > 1):
            raise DataError(f"BernoulliNB: with binarize=None X must hold 0 and 1, found {values.min():g} to {values.max():g}",
                            operation="BernoulliNB", operands={"binarize": None}, rule="0 <= X <= 1", suggestion="binarize=0.0")
        if sparse.issparse(X) and self.binarize is not None and self.binarize < 0:
            raise ParameterError("BernoulliNB: Cannot binarize a sparse matrix with threshold < 0: all that is not stored "
                                 f"would become 1 (got binarize={self.binarize:g})", operation="BernoulliNB",
                                 operands={"binarize": self.binarize}, rule="binarize >= 0 for sparse X",
                                 suggestion="X.toarray()")

    def _threshold(self):
        return np.nan if self.binarize is None else float(self.binarize)

    def _weigh(self, alpha):
        self.feature_log_prob_ = logs(self.feature_count_ + alpha) - logs(self.class_count_[:, None] + 2 * alpha)

    def weights(self):
        present = np.minimum(self.feature_log_prob_, 0.0)  # a class without rows has p = 0/0
        absent = logs(-np.expm1(present))
        never, always = present == -np.inf, absent == -np.inf
        present, absent = np.where(never, 0.0, present), np.where(always, 0.0, absent)
        weights, level = present - absent, possible(self.class_log_prior_) + absent.sum(axis=1)
        if not (never.any() or always.any()):
            return weights, level, None, None
        return weights, level, 1.0 * never - always, always.sum(axis=1).astype(np.float64)

    def _joint(self, X):
        self._check_values(X)
        return super()._joint(X)
