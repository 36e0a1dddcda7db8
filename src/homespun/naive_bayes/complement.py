"""Complement naive Bayes: what speaks against a class is counted in all the other classes, so that rare classes are not lost.

    w_cj = -log of (sum_(k != c) N_kj + alpha_j) / sum_i (sum_(k != c) N_ki + alpha_i)        N: (C, d), counts by class
    predict the c of largest sum_j x_j w_cj

Rennie, Shih, Teevan & Karger 2003, ICML, table 4, steps 4 to 8 (step 7, the normalisation w_cj / sum_k |w_ck|, if `norm`;
steps 1 to 3 are tf-idf). The prior takes no part, except where there is one class only. Its "probabilities" are the scores
made to add up to 1: an order, no frequencies.
"""

from __future__ import annotations

import numpy as np

from homespun.base import Boolean
from homespun.naive_bayes.counts import CountingNB, logs, possible


class ComplementNB(CountingNB):
    """Naive Bayes for counts whose classes are of very different size.

    Parameters
    ----------
    alpha, force_alpha, fit_prior, class_prior
        As in `MultinomialNB`; the prior matters only for a single class.
    norm : bool, default False
        Divide the weights of a class by the sum of their sizes.

    Attributes
    ----------
    classes_, class_count_, class_log_prior_, feature_count_
        As in `MultinomialNB`.
    feature_all_ : ndarray of shape (d,)
        Weighted counts of all classes.
    feature_log_prob_ : ndarray of shape (n_classes, d)
        The weights w_cj.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.naive_bayes import ComplementNB
    >>> model = ComplementNB().fit([[2, 1, 0], [1, 2, 0], [3, 1, 0], [0, 0, 2]], ["spam", "spam", "spam", "ham"])
    >>> model.predict([[1, 1, 0], [0, 1, 1]]).tolist()
    ['spam', 'ham']
    """

    params = CountingNB.params | {"norm": Boolean()}

    def __init__(self, *, alpha=1.0, force_alpha=True, fit_prior=True, class_prior=None, norm=False):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.norm = norm

    def _weigh(self, alpha):
        self.feature_all_ = self.feature_count_.sum(axis=0)
        others = self.feature_all_ + alpha - self.feature_count_  # (C, d)
        logged = logs(others) - logs(others.sum(axis=1, keepdims=True))
        self.feature_log_prob_ = logged / logged.sum(axis=1, keepdims=True) if self.norm else -logged

    def weights(self):
        prior = self.class_log_prior_ if len(self.classes_) == 1 else np.zeros(len(self.classes_))
        return possible(self.feature_log_prob_), prior, None, None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
