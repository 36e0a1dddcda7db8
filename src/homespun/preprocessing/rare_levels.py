"""Rare levels: categories with few rows become one, so that later steps do not learn from three cars.

    out = x            if count(x) >= min_frequency
          rare_level   else, if the levels that are too rare have group_frequency rows together
          the column's most frequent level   else: a group of one luxury car would price every car of an unseen make

A level that `fit` did not see is rare by definition. A missing value stays missing, or (`handle_missing="frequent"`) is the most
frequent level where `fit` saw fewer than min_frequency of them: why a value is missing says nothing of rare levels. Columns of
numbers pass as they are: a number has no place for a name. Cost O(n d). `OneHotEncoder` and `OrdinalEncoder` group by themselves
(`min_frequency`), but know no least size of the group; this one stands before encoders.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Instance, Integer, OneOf, Real
from homespun.preprocessing.categories import CategoryEncoder
from homespun.preprocessing.values import is_nan, lookup


class RareLevelEncoder(OneToOneFeatureMixin, CategoryEncoder):
    """Group rare categories under one name.

    Parameters
    ----------
    min_frequency : int or float in (0, 1), default=0.01
        Rows that a level needs: a number, or a share of all.
    max_categories : int or None, default=None
        Levels at most, the group among them.
    rare_level : str, default="rare"
        The name of the group.
    handle_unknown : {"rare", "error"}, default="rare"
    group_frequency : int, default=1
        Rows that the group needs. With fewer, its levels and unseen ones are named as the column's most frequent level.
    handle_missing : {"keep", "frequent"}, default="keep"
        "frequent": where `fit` saw fewer than `min_frequency` missing values, they are named as the most frequent level.

    Attributes
    ----------
    categories_ : list of arrays
    infrequent_categories_ : list of arrays or None
    other_ : list of str or None
        For each column what rare and unseen levels are named; None for a column of numbers, or one without any value.
    missing_ : list of str or None
        For each column what a missing value is named; None where it stays missing.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> makes = [["vw"], ["vw"], ["kia"], ["kia"], ["tatra"]]
    >>> RareLevelEncoder(min_frequency=2).fit_transform(makes).ravel()
    array(['vw', 'vw', 'kia', 'kia', 'rare'], dtype=object)
    >>> RareLevelEncoder(min_frequency=2, group_frequency=2).fit(makes + [["vw"]]).transform([["tatra"], ["lada"]]).ravel()
    array(['vw', 'vw'], dtype=object)
    """

    params = {
        "min_frequency": Integer(low=1) | Real(0, 1, open="both"),
        "max_categories": OneOf(None) | Integer(low=1),
        "rare_level": Instance(str, noun="a name"),
        "handle_unknown": OneOf("rare", "error"),
        "group_frequency": Integer(low=1),
        "handle_missing": OneOf("keep", "frequent"),
    }
    categories = "auto"  # what the base asks its subclasses

    def __init__(self, *, min_frequency=0.01, max_categories=None, rare_level="rare", handle_unknown="rare", group_frequency=1,
                 handle_missing="keep"):
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.rare_level = rare_level
        self.handle_unknown = handle_unknown
        self.group_frequency = group_frequency
        self.handle_missing = handle_missing

    def fit(self, X, y=None):
        """Count the levels."""
        check_params(self)
        self._learn_categories(X, nan_is_never_rare=True)
        self.other_: list[str | None] = []
        self.missing_: list[str | None] = []
        for j, (column, categories) in enumerate(zip(self._columns(X, "fit"), self.categories_)):
            numbers = categories.dtype.kind in "iufb"
            if numbers:
                self._group_of[j] = None
            other, missing = (None, None) if numbers else self._names(column, categories, self._group_of[j])
            self.other_.append(other)
            self.missing_.append(missing)
        return self

    def _names(self, column, categories, group) -> tuple:
        """What rare and unseen levels of a column are named, and what missing values."""
        counts = np.bincount(lookup(column, categories), minlength=len(categories))
        gone = np.array([_is_missing(value) for value in categories.tolist()], dtype=bool)
        missing, levels = int(counts[gone].sum()), categories[~gone]
        if not len(levels):
            return self.rare_level if self.group_frequency == 1 else None, None
        frequent = levels[np.argmax(counts[~gone])]  # the first of equals in sorted order
        together = 0 if group is None else int(counts[~gone][group[~gone] == group.max()].sum())
        # without a least size, an unseen level is rare even where no level was
        other = self.rare_level if self.group_frequency == 1 or together >= self.group_frequency else frequent
        least = self.min_frequency if isinstance(self.min_frequency, (int, np.integer)) else self.min_frequency * len(column)
        return other, frequent if self.handle_missing == "frequent" and missing < least else None

    def transform(self, X):
        """The levels, (n_samples, n_features), the rare ones under one name."""
        check_is_fitted(self)
        columns = self._columns(X, "transform")
        for j, column in enumerate(columns):
            if column.dtype.kind not in "iufb":
                columns[j] = self._named(column, j)
        out = np.empty((len(columns[0]), len(columns)), dtype=np.result_type(*columns))
        for j, column in enumerate(columns):
            out[:, j] = column
        return out

    def _named(self, column, j):
        categories, group = self.categories_[j], self._group_of[j]
        indices = lookup(column, categories)
        missing = np.array([_is_missing(value) for value in column.tolist()], dtype=bool)
        if self.handle_unknown == "error":
            self._refuse_unknown(column, np.where(missing, 0, indices), j, "transform")
        rare = indices < 0
        if group is not None:
            rare |= group[indices] == group.max()
        out = column.astype(object)
        out[rare & ~missing] = np.nan if self.other_[j] is None else self.other_[j]
        if self.missing_[j] is not None:
            out[missing] = self.missing_[j]
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def _is_missing(value) -> bool:
    return value is None or is_nan(value)
