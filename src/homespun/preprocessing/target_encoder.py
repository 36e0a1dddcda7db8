"""Target encoding: a category becomes the mean target of its rows, drawn towards the mean of all rows.

    e_k = l_k m_k + (1 - l_k) m        m_k, n_k: mean and number of the rows of category k      m: mean of all rows

    smooth=s:         l_k = n_k / (n_k + s)                                     Micci-Barreca 2001, SIGKDD Expl. 3(1), eq. 3
    smooth="auto":    l_k = v n_k / (v n_k + v_k)       v, v_k: variance of y in all rows, in category k        eq. 5 and 6

The target is in the encoding, so a row must not see its own: `fit_transform` encodes each fold by the other folds, and
`transform` (new rows) by all. Cost O(folds n d). Not handled: weights.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_feature_names_in, _check_y, check_consistent_length

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import _worded, check_is_fitted, check_params
from homespun.base.params import Anything, ArrayLike, Boolean, OneOf, RandomState, Real
from homespun.preprocessing.categories import CategoryEncoder


class TargetEncoder(OneToOneFeatureMixin, CategoryEncoder):
    """The mean target of each category, shrunk and cross-fitted.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
    target_type : {"auto", "continuous", "binary", "multiclass"}, default="auto"
        Whole numbers look like classes to "auto": say "continuous" for counts and prices.
    smooth : "auto" or float >= 0, default="auto"
        Rows that the overall mean is worth. "auto": as the variances say (empirical Bayes).
    cv : int, splitter or iterable, default=5
        Folds of `fit_transform`; each row must be in one test fold. Stratified for classes.
    shuffle : bool, default=True
        Whether rows are shuffled into folds, with a number for `cv`.
    random_state : None, int or generator, default=None

    Attributes
    ----------
    encodings_ : list of arrays
        One for each column, or for each column and class with more than two classes; in the order of `categories_`.
    categories_ : list of arrays
    target_type_ : str
    target_mean_ : float, or array of shape (n_classes,)
        The code of a category that `fit` did not see.
    classes_ : array or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> makes = [["kia"], ["kia"], ["vw"], ["vw"]]
    >>> TargetEncoder(smooth=2).fit(makes, [1.5, 2.5, 9.5, 10.5]).transform([["kia"], ["vw"], ["new"]]).ravel()
    array([4., 8., 6.])
    """

    classes_: np.ndarray | None

    params = {
        "categories": OneOf("auto") | ArrayLike(),
        "target_type": OneOf("auto", "continuous", "binary", "multiclass"),
        "smooth": OneOf("auto") | Real(low=0),
        "cv": Anything(),  # check_cv words it
        "shuffle": Boolean(),
        "random_state": RandomState,
    }
    handle_unknown, min_frequency, max_categories = "ignore", None, None  # what the base asks its subclasses

    def __init__(self, categories="auto", target_type="auto", smooth="auto", cv=5, shuffle=True, random_state=None):
        self.categories = categories
        self.target_type = target_type
        self.smooth = smooth
        self.cv = cv
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X, y):
        """Learn the encodings from all rows. For training data use `fit_transform`: a row must not see its own target."""
        self._learn(X, y)
        return self

    def fit_transform(self, X, y, **params):
        """Learn from all rows, and encode each fold of `cv` by the other folds. `params` (groups) go to the splitter."""
        codes, targets = self._learn(X, y)
        try:
            splits = list(self._folds(y).split(np.zeros((len(targets), 1)), y, **params))
        except ValueError as error:
            raise _worded(error, self, "fit_transform", X=X, y=y) from None
        tested = np.zeros(len(targets), dtype=np.int64)
        for _, test in splits:
            tested[test] += 1
        if (tested != 1).any():
            row = int(np.flatnonzero(tested != 1)[0])
            raise ParameterError(
                "TargetEncoder.fit_transform: Validation indices from `cv` must cover each sample index exactly once with no "
                f"overlap, row {row} is in {tested[row]} test folds",
                operation="TargetEncoder.fit_transform",
                operands={"cv": self.cv},
                rule="each row in one test fold",
            )
        out = np.empty((len(targets), len(codes) * targets.shape[1]))
        for train, test in splits:
            known, target = targets[train], targets[train].mean(axis=0)
            for j, column in enumerate(codes):
                values = self._encode_column(column[train], known, target, len(self.categories_[j]))
                out[test, j * values.shape[1] : (j + 1) * values.shape[1]] = values[column[test]]
        return out

    def transform(self, X):
        """The encodings, shape (n_samples, n_features), times n_classes if there are more than two."""
        check_is_fitted(self)
        indices = self._encode(X)
        means = np.atleast_1d(self.target_mean_)
        k = len(means)
        out = np.empty((len(indices), indices.shape[1] * k))
        for column, encoding in enumerate(self.encodings_):
            # An unknown category has the index -1, which takes the mean at the end.
            out[:, column] = np.append(encoding, means[column % k])[indices[:, column // k]]
        return out

    def get_feature_names_out(self, input_features=None):
        """The columns' names; with more than two classes "fuel_petrol", …"""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if self.target_type_ != "multiclass":
            return names
        return np.array([f"{name}_{label}" for name in names for label in np.asarray(self.classes_)], dtype=object)

    # -- learning ------------------------------------------------------------------------------------------------------

    def _learn(self, X, y):
        """Set the attributes; the code of each row in each column, and the target as columns of numbers (n, k)."""
        check_params(self)
        codes = self._factorise(X)
        targets = self._targets(X, y, len(codes[0]) if codes else 0)
        mean = targets.mean(axis=0)
        self.target_mean_ = mean if self.target_type_ == "multiclass" else mean[0]
        self.encodings_ = [
            encoding
            for column, categories in zip(codes, self.categories_)
            for encoding in self._encode_column(column, targets, mean, len(categories)).T.copy()
        ]
        return codes, targets

    def _targets(self, X, y, n):
        """y as columns: itself, 0 and 1, or one column for each class."""
        try:
            if y is None:
                raise ValueError("requires y to be passed, but the target y is None")
            check_consistent_length(np.empty(n), y)
            if self.target_type == "auto":
                with np.errstate(invalid="ignore"):  # NaN is refused below, in words
                    kind = type_of_target(y, input_name="y", raise_unknown=True)
                if kind not in ("binary", "multiclass", "continuous"):
                    raise ValueError(
                        f"Unknown label type: Target type was inferred to be {kind!r}. Only binary, multiclass and continuous "
                        "are supported."
                    )
                self.target_type_ = kind
            else:
                self.target_type_ = self.target_type
            numeric = self.target_type_ == "continuous"
            y = _check_y(y, y_numeric=numeric, estimator=self) if numeric else np.ravel(np.asarray(y))
        except ValueError as error:
            raise _worded(error, self, "fit", X=X, y=y) from None
        if numeric:
            self.classes_ = None
            return y.astype(np.float64).reshape(-1, 1)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if self.target_type_ == "binary":
            if len(self.classes_) > 2:
                raise DataError(
                    f"TargetEncoder.fit: target_type='binary' needs two classes, y has {len(self.classes_)}",
                    operation="TargetEncoder.fit",
                    operands={"classes": len(self.classes_)},
                    rule="two classes",
                    suggestion="target_type='multiclass'",
                )
            return labels.astype(np.float64).reshape(-1, 1)
        return (labels[:, None] == np.arange(len(self.classes_))).astype(np.float64)

    def _encode_column(self, codes, targets, mean, n_categories):
        """e (n_categories, k) of one column; `mean` where a category has no rows."""
        variance = targets.var(axis=0)
        known = codes >= 0  # with categories="auto" all are
        if not known.all():
            codes, targets = codes[known], targets[known]
        counts = np.bincount(codes, minlength=n_categories).astype(np.float64)
        out = np.empty((n_categories, targets.shape[1]))
        there = counts > 0
        for k in range(targets.shape[1]):
            y = targets[:, k]
            means = np.bincount(codes, weights=y, minlength=n_categories) / np.where(there, counts, 1.0)
            if self.smooth == "auto":
                squares = np.bincount(codes, weights=(y - means[codes]) ** 2, minlength=n_categories)
                between = variance[k] * counts
                within = squares / np.where(there, counts, 1.0)
                total = between + within
                share = between / np.where(total > 0, total, 1.0)  # no variance at all: every mean is the same
            else:
                total = counts + self.smooth
                share = counts / np.where(total > 0, total, 1.0)
            out[:, k] = np.where(there, share * means + (1.0 - share) * mean[k], mean[k])
        return out

    def _folds(self, y):
        """The splitter: scikit-learn's own folds for a number, stratified for classes."""
        from sklearn.model_selection import KFold, StratifiedKFold, check_cv

        if self.cv is not None and not isinstance(self.cv, (int, np.integer)):
            return check_cv(self.cv, y)
        kind = KFold if self.target_type_ == "continuous" else StratifiedKFold
        seed = self.random_state if self.shuffle else None
        return kind(5 if self.cv is None else self.cv, shuffle=self.shuffle, random_state=seed)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        return tags
