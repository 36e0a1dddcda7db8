"""The words of a column that go with the target, as a few columns of TF-IDF weights.

    x[i, j] = (times that word j stands in text i) · (log((1 + n) / (1 + rows with it)) + 1)          n rows, the words below

Words stand in at least max(5, n / 1000) rows, and their weights correlate with the target beyond chance: n r² lies above the
quantile of chi² (1 degree of freedom) that none of all words would exceed by chance with probability 0.99 (Bonferroni); the
`most` with the largest r² are kept, which may be none. Amounts are ranked first, so that one price does not choose the words;
of classes, the one that a word tells most of counts. The target is that of the training rows of a fold. O(words in all texts).
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Integer
from homespun.tabular.alone import rank

CHANCE = 0.01
MOST_WORDS = 5000  # looked at: the commonest
PATTERN = r"(?u)[^\W_]+"  # "BLACK_BEANS" is two words, "4x4" and "2" are one


class TextTerms(TransformerMixin, Estimator):
    """Weights of the words that go with the target.

    Parameters
    ----------
    most : int, default=30
        Columns at most.

    Attributes
    ----------
    terms_ : list of str
    idf_ : array of shape (len(terms_),)
    n_features_in_ : int

    Examples
    --------
    >>> texts = [["beans, rice"], ["beans, guacamole"]] * 40
    >>> made = TextTerms().fit(texts, [1.0, 2.0] * 40)
    >>> made.terms_, made.transform([["Guacamole"], [None]]).round(2).tolist()
    (['guacamole', 'rice'], [[1.68, 0.0], [0.0, 0.0]])
    """

    params = {"most": Integer(low=1)}
    pattern = PATTERN

    def __init__(self, most=30):
        self.most = most

    def fit(self, X, y):
        """Find the words."""
        check_params(self)
        from homespun.feature_extraction.text import CountVectorizer

        texts = _texts(X)
        y = np.asarray(y)
        self.n_features_in_ = 1
        n = len(texts)
        self.terms_, self.idf_ = [], np.zeros(0)
        if not any(_has_word(text) for text in texts):
            return self
        counts = CountVectorizer(token_pattern=PATTERN, max_features=MOST_WORDS).fit(texts)
        A = counts.transform(texts).tocsc().astype(np.float64)
        rows = np.diff(A.indptr)
        often = np.flatnonzero((rows >= max(5, n // 1000)) & (rows < n))
        if not len(often):
            return self
        r2 = _likeness(A[:, often], y)
        from scipy.stats import chi2

        sure = chi2.isf(CHANCE / max(len(often), 1), 1)
        told = often[np.argsort(-r2, kind="stable")][: self.most]
        told = np.sort(told[(r2[np.searchsorted(often, told)] * n > sure)])
        names = counts.get_feature_names_out()
        self.terms_ = [str(names[j]) for j in told]
        self.idf_ = np.log((1.0 + n) / (1.0 + rows[told])) + 1.0
        return self

    def transform(self, X):
        """The weights, (n, len(terms_))."""
        check_is_fitted(self)
        texts = _texts(X)
        if not self.terms_:
            return np.zeros((len(texts), 0))
        from homespun.feature_extraction.text import CountVectorizer

        counts = CountVectorizer(token_pattern=PATTERN, vocabulary=self.terms_).transform(texts)
        return counts.toarray() * self.idf_

    def get_feature_names_out(self, input_features=None):
        """The words, behind the column's name."""
        name = "text" if input_features is None else input_features[0]
        return np.array([f"{name}: {term}" for term in self.terms_], dtype=object)


def _texts(X) -> list[str]:
    values = X.iloc[:, 0].tolist() if hasattr(X, "iloc") else [row[0] for row in X]
    return ["" if value is None or value != value else str(value) for value in values]


def _has_word(text: str) -> bool:
    return any(sign.isalnum() for sign in text)


def _likeness(A, y) -> np.ndarray:
    """r² of each column of A with the target."""
    n = A.shape[0]
    columns = [rank(y)] if y.dtype.kind == "f" else [(y == one).astype(np.float64) for one in np.unique(y)]
    total, squares = np.asarray(A.sum(axis=0)).ravel(), np.asarray(A.multiply(A).sum(axis=0)).ravel()
    spread = np.maximum(squares - total * total / n, 1e-12)
    best = np.zeros(A.shape[1])
    for column in columns:
        centred = column - column.mean()
        varied = float(centred @ centred)
        if varied > 0:
            best = np.maximum(best, np.asarray(A.T @ centred).ravel() ** 2 / (spread * varied))
    return best
