"""Multinomial naive Bayes: a row counts events (words of a text), and each class draws them from a distribution of its own.

    log p(c, x) = log p(c) + sum_j x_j log p_cj + const        p_cj = (N_cj + alpha_j) / sum_k (N_ck + alpha_k)

N_cj: how often event j was counted in class c. alpha = 1 is Laplace's rule, alpha < 1 Lidstone's. The constant, a
multinomial coefficient, is the same for every class. Manning, Raghavan & Schütze 2008, Introduction to Information
Retrieval, ch. 13.2, eq. 119. Fractions (tf-idf) are allowed, and work in practice.
"""

from __future__ import annotations

from homespun.naive_bayes.counts import CountingNB, logs


class MultinomialNB(CountingNB):
    """Naive Bayes for counts.

    Parameters
    ----------
    alpha : float or array-like of shape (d,), default 1.0
        Added to each count. 0: an event that a class has never seen makes the class impossible.
    force_alpha : bool, default True
        False: alpha is at least 1e-10.
    fit_prior : bool, default True
        False: all classes are equally probable beforehand.
    class_prior : array-like of shape (n_classes,), optional
        Probabilities of the classes, in sorted order.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_count_, class_log_prior_ : ndarray of shape (n_classes,)
    feature_count_, feature_log_prob_ : ndarray of shape (n_classes, d)
        Weighted counts, and log p_cj.

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    Words "cheap", "pills", "meeting" in four letters:

    >>> from homespun.naive_bayes import MultinomialNB
    >>> model = MultinomialNB().fit([[2, 1, 0], [1, 2, 0], [0, 0, 2], [1, 0, 1]], ["spam", "spam", "ham", "ham"])
    >>> model.predict([[1, 1, 0], [0, 0, 1]]).tolist()
    ['spam', 'ham']
    """

    def __init__(self, *, alpha=1.0, force_alpha=True, fit_prior=True, class_prior=None):
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _weigh(self, alpha):
        smoothed = self.feature_count_ + alpha
        self.feature_log_prob_ = logs(smoothed) - logs(smoothed.sum(axis=1, keepdims=True))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
