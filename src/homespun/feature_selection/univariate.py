"""Select columns by a score of each: the k best, a percentage, or those whose p-value passes a test.

    SelectKBest         the k largest scores            SelectFpr   p < alpha                             false positives
    SelectPercentile    the largest so many per cent    SelectFdr   p_(i) <= alpha i / d                  false discoveries
                                                        SelectFwe   p < alpha / d                         any false one

Benjamini & Hochberg 1995, JRSS B 57(1) (Fdr). Among equal scores the last column wins for k, as in scikit-learn. One column at a
time: two columns that say the same are both kept, and one that helps only with another is missed.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

from homespun.base.errors import DataError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import CallableWith, Integer, OneOf, Real
from homespun.feature_selection.scores import f_classif
from homespun.feature_selection.selector import ColumnSelector

_SCORE = CallableWith("a function of (X, y) such as f_classif")


class _UnivariateFilter(ColumnSelector):
    """Base: the scores are learned, subclasses choose among them."""

    scores_: np.ndarray
    pvalues_: np.ndarray | None

    def fit(self, X, y=None):
        """Learn the score of each column."""
        check_params(self)
        if y is None:
            X = self.validate(X, accept_sparse=("csr", "csc"))
            self._check_setting(X)
            if _needs_y(self.score_func):
                where = f"{type(self).__name__}.fit"
                raise DataError(f"{where}: requires y to be passed, but the target y is None", operation=where,
                                operands={"y": None}, rule="a target")
            found = self.score_func(X)
        else:
            X, y = self.validate(X, y, accept_sparse=("csr", "csc"), multi_output=True)
            self._check_setting(X)
            found = self.score_func(X, y)
        self.scores_, self.pvalues_ = found if isinstance(found, (tuple, list)) else (found, None)
        self.scores_ = np.asarray(self.scores_)
        return self

    def _check_setting(self, X):
        pass

    def _p(self):
        check_is_fitted(self)
        if self.pvalues_ is None:
            name = type(self).__name__
            raise DataError(f"{name}: score_func {getattr(self.score_func, '__name__', self.score_func)} gives no p-values",
                            operation=f"{name}.transform", operands={"score_func": self.score_func}, rule="(scores, p-values)")
        return np.asarray(self.pvalues_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        return tags


def _needs_y(function) -> bool:
    """Whether it cannot be called with X alone."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in known) > 1


def _clean(scores):
    """Scores without NaN: a column that has no score is the worst."""
    scores = np.array(scores, dtype=np.float64)
    scores[np.isnan(scores)] = np.finfo(np.float64).min
    return scores


class SelectKBest(_UnivariateFilter):
    """The k columns of the largest scores.

    Parameters
    ----------
    score_func : callable, default=f_classif
    k : int or "all", default=10

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> SelectKBest(k=1).fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    params = {"score_func": _SCORE, "k": OneOf("all") | Integer(low=0)}

    def __init__(self, score_func=f_classif, *, k=10):
        self.score_func = score_func
        self.k = k

    def _check_setting(self, X):
        if not isinstance(self.k, str) and self.k > X.shape[1]:
            warnings.warn(f"k={self.k} is greater than n_features={X.shape[1]}. All the features will be returned.")

    def _mask(self):
        check_is_fitted(self)
        if isinstance(self.k, str):
            return np.ones(len(self.scores_), dtype=bool)
        mask = np.zeros(len(self.scores_), dtype=bool)
        if self.k:
            mask[np.argsort(_clean(self.scores_), kind="mergesort")[-self.k :]] = True
        return mask


class SelectPercentile(_UnivariateFilter):
    """The columns of the largest scores, so many per cent of all.

    Parameters
    ----------
    score_func : callable, default=f_classif
    percentile : float in [0, 100], default=10

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> SelectPercentile(percentile=50).fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    params = {"score_func": _SCORE, "percentile": Real(0, 100)}

    def __init__(self, score_func=f_classif, *, percentile=10):
        self.score_func = score_func
        self.percentile = percentile

    def _mask(self):
        check_is_fitted(self)
        scores = _clean(self.scores_)
        if self.percentile in (0, 100):
            return np.full(len(scores), self.percentile == 100)
        edge = np.percentile(scores, 100 - self.percentile)
        mask = scores > edge
        ties = np.flatnonzero(scores == edge)
        mask[ties[: int(len(scores) * self.percentile / 100) - mask.sum()]] = True
        return mask


class SelectFpr(_UnivariateFilter):
    """The columns whose p-value is below alpha.

    Parameters
    ----------
    score_func : callable, default=f_classif
    alpha : float in [0, 1], default=0.05

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> SelectFpr().fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    params = {"score_func": _SCORE, "alpha": Real(0, 1)}

    def __init__(self, score_func=f_classif, *, alpha=5e-2):
        self.score_func = score_func
        self.alpha = alpha

    def _mask(self):
        return self._p() < self.alpha


class SelectFdr(SelectFpr):
    """The columns that pass Benjamini and Hochberg's test: at most a share alpha of them is expected to be by chance.

    Parameters
    ----------
    score_func : callable, default=f_classif
    alpha : float in [0, 1], default=0.05

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> SelectFdr().fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    def _mask(self):
        p = self._p()
        ranked = np.sort(p)
        passed = ranked[ranked <= self.alpha / len(p) * np.arange(1, len(p) + 1)]
        return p <= passed.max() if len(passed) else np.zeros(len(p), dtype=bool)


class SelectFwe(SelectFpr):
    """The columns whose p-value is below alpha divided by their number (Bonferroni).

    Parameters
    ----------
    score_func : callable, default=f_classif
    alpha : float in [0, 1], default=0.05

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> SelectFwe().fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    def _mask(self):
        p = self._p()
        return p < self.alpha / len(p)


class GenericUnivariateSelect(_UnivariateFilter):
    """Any of the selections above, by name.

    Parameters
    ----------
    score_func : callable, default=f_classif
    mode : {"percentile", "k_best", "fpr", "fdr", "fwe"}, default="percentile"
    param : float, int or "all", default=1e-5
        Their percentile, k or alpha.

    Attributes
    ----------
    scores_, pvalues_ : arrays of shape (n_features,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = [[1.0, 5.0], [2.0, 4.0], [9.0, 5.0], [8.0, 4.0]]
    >>> GenericUnivariateSelect(mode="k_best", param=1).fit(X, [0, 0, 1, 1]).get_support()
    array([ True, False])
    """

    params = {
        "score_func": _SCORE,
        "mode": OneOf("percentile", "k_best", "fpr", "fdr", "fwe"),
        "param": OneOf("all") | Real(low=0),
    }

    def __init__(self, score_func=f_classif, *, mode="percentile", param=1e-5):
        self.score_func = score_func
        self.mode = mode
        self.param = param

    def _chosen(self):
        kinds: dict[str, Any] = {
            "percentile": SelectPercentile, "k_best": SelectKBest, "fpr": SelectFpr, "fdr": SelectFdr, "fwe": SelectFwe}
        name = {"percentile": "percentile", "k_best": "k"}.get(self.mode, "alpha")
        return kinds[self.mode](self.score_func, **{name: self.param})

    def _check_setting(self, X):
        check_params(self._chosen())
        self._chosen()._check_setting(X)

    def _mask(self):
        check_is_fitted(self)
        chosen = self._chosen()
        chosen.scores_, chosen.pvalues_ = self.scores_, self.pvalues_
        return chosen._mask()
