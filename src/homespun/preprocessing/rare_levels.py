"""Rare levels: categories with few rows become one, so that later steps do not learn from three cars.

    out = x  if count(x) >= min_frequency,  else rare_level

A level that `fit` did not see is rare by definition. Missing values stay missing. Columns of numbers pass as they are: a number
has no place for a name. Cost O(n d). `OneHotEncoder` and `OrdinalEncoder` group by themselves (`min_frequency`); this one stands
before encoders that do not.
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

    Attributes
    ----------
    categories_ : list of arrays
    infrequent_categories_ : list of arrays or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> makes = [["vw"], ["vw"], ["kia"], ["kia"], ["tatra"]]
    >>> RareLevelEncoder(min_frequency=2).fit_transform(makes).ravel()
    array(['vw', 'vw', 'kia', 'kia', 'rare'], dtype=object)
    """

    params = {
        "min_frequency": Integer(low=1) | Real(0, 1, open="both"),
        "max_categories": OneOf(None) | Integer(low=1),
        "rare_level": Instance(str, noun="a name"),
        "handle_unknown": OneOf("rare", "error"),
    }
    categories = "auto"  # what the base asks its subclasses

    def __init__(self, *, min_frequency=0.01, max_categories=None, rare_level="rare", handle_unknown="rare"):
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.rare_level = rare_level
        self.handle_unknown = handle_unknown

    def fit(self, X, y=None):
        """Count the levels."""
        check_params(self)
        self._learn_categories(X, nan_is_never_rare=True)
        for j, categories in enumerate(self.categories_):
            if categories.dtype.kind in "iufb":
                self._group_of[j] = None
        return self

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
        missing = np.array([value is None or is_nan(value) for value in column.tolist()], dtype=bool)
        if self.handle_unknown == "error":
            self._refuse_unknown(column, np.where(missing, 0, indices), j, "transform")
        rare = indices < 0
        if group is not None:
            rare |= group[indices] == group.max()
        out = column.astype(object)
        out[rare & ~missing] = self.rare_level
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
