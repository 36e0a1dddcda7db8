"""Columns that no model can use, left out with a reason in words: too many missing, constant, a copy, or free text.

    missing     share of rows without a value > max_share
    constant    one value (or none) in every row
    duplicate   equal to an earlier column in every row, missing values too
    free text   texts that hardly repeat: different texts / rows with a text > max_distinct_share

Each takes any table: numbers, texts, missing values. Learned from the training rows alone, so that a fold decides for itself.
Cost O(n d). `dropped_` says why each column went.
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import check_params
from homespun.base.params import Boolean, Integer, Real
from homespun.feature_selection.selector import TableSelector
from homespun.preprocessing.values import factorise, hashable


class DropMissingColumns(TableSelector):
    """Leave out columns with too many missing values.

    Parameters
    ----------
    max_share : float in [0, 1], default=0.5
        Columns with a larger share of rows without a value go. 0: any missing value is too many.

    Attributes
    ----------
    missing_share_ : array of shape (n_features,)
    dropped_ : dict
        Column → reason.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> drop = DropMissingColumns().fit([[1.0, np.nan], [2.0, np.nan], [3.0, 4.0]])
    >>> drop.dropped_
    {1: '67 % missing, at most 50 % are allowed'}
    """

    params = {"max_share": Real(0, 1)}

    def __init__(self, *, max_share=0.5):
        self.max_share = max_share

    def fit(self, X, y=None):
        """Count the missing values."""
        check_params(self)
        columns = self._columns(X, "fit")
        self.missing_share_ = np.array([1.0 - present(column).mean() for column in columns])
        self.dropped_ = {
            name: f"{share:.0%} missing, at most {self.max_share:.0%} are allowed".replace("%", " %")
            for name, share in zip(self._names(), self.missing_share_) if share > self.max_share
        }
        return self


class DropConstantColumns(TableSelector):
    """Leave out columns with one value in every row, of any kind. (`VarianceThreshold` does so for numbers.)

    Parameters
    ----------
    ignore_missing : bool, default=False
        True: a column with one value and gaps is constant, too. By default the gaps may mean something.

    Attributes
    ----------
    dropped_ : dict
        Column → reason.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> DropConstantColumns().fit_transform([["car", 1], ["car", 2]])
    array([[1],
           [2]], dtype=object)
    """

    params = {"ignore_missing": Boolean()}

    def __init__(self, *, ignore_missing=False):
        self.ignore_missing = ignore_missing

    def fit(self, X, y=None):
        """Look for columns that do not vary."""
        check_params(self)
        columns = self._columns(X, "fit")
        self.dropped_ = {}
        for name, column in zip(self._names(), columns):
            there = column[present(column)]
            if len(there) == 0:
                self.dropped_[name] = "no value in any row"
            elif (self.ignore_missing or len(there) == len(column)) and _same(there):
                self.dropped_[name] = f"{str(there[0])[:40]!r} in every row"
        return self


class DropDuplicateColumns(TableSelector):
    """Leave out columns that repeat an earlier one in every row.

    Parameters
    ----------
    relabelled : bool, default=False
        True: also a column that names the same groups of rows differently (a code beside its name).

    Attributes
    ----------
    dropped_ : dict
        Column → reason.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> DropDuplicateColumns().fit([[1.0, 5.0, 1.0], [2.0, 6.0, 2.0]]).dropped_
    {2: 'the same as 0 in every row'}
    """

    params = {"relabelled": Boolean()}

    def __init__(self, *, relabelled=False):
        self.relabelled = relabelled

    def fit(self, X, y=None):
        """Compare the columns."""
        check_params(self)
        columns = self._columns(X, "fit")
        self.dropped_ = {}
        first: dict = {}
        for name, column in zip(self._names(), columns):
            codes, values = factorise(column)
            # The groups of rows, numbered by first appearance: equal for columns that are the same up to names.
            _, order, numbers = np.unique(codes, return_index=True, return_inverse=True)
            rank = np.empty(len(order), dtype=np.int64)
            rank[np.argsort(order, kind="stable")] = np.arange(len(order))
            key: tuple = (rank[numbers].tobytes(),)
            if not self.relabelled:
                key += (tuple("missing" if _missing(value) else value for value in values[np.argsort(rank)].tolist()),)
            if key in first:
                words = "names the same groups of rows as" if self.relabelled else "the same as"
                self.dropped_[name] = f"{words} {first[key]} in every row"
            else:
                first[key] = name
        return self


class DropFreeText(TableSelector):
    """Leave out text columns whose texts hardly repeat: descriptions, names, links. Use `TfidfVectorizer` to learn from them.

    Parameters
    ----------
    max_distinct_share : float in [0, 1], default=0.5
        Different texts by rows with a text; above it there is no pattern that a category could hold.
    min_rows : int, default=20
        With fewer texts nothing is said: in a small table everything is different.

    Attributes
    ----------
    distinct_share_ : array of shape (n_features,)
        NaN for columns of numbers.
    dropped_ : dict
        Column → reason.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> rows = [[f"car number {i}, well kept", "red"] for i in range(30)]
    >>> DropFreeText().fit(rows).dropped_
    {0: '30 different texts of 5 words in 30 rows'}
    """

    params = {"max_distinct_share": Real(0, 1), "min_rows": Integer(low=1)}

    def __init__(self, *, max_distinct_share=0.5, min_rows=20):
        self.max_distinct_share = max_distinct_share
        self.min_rows = min_rows

    def fit(self, X, y=None):
        """Count the different texts."""
        check_params(self)
        columns = self._columns(X, "fit")
        self.distinct_share_ = np.full(len(columns), np.nan)
        self.dropped_ = {}
        for j, (name, column) in enumerate(zip(self._names(), columns)):
            if column.dtype.kind not in "OUS":
                continue
            texts = [value for value in hashable(column) if isinstance(value, str)]
            if not texts:
                continue
            distinct = set(texts)
            self.distinct_share_[j] = len(distinct) / len(texts)
            if len(texts) >= self.min_rows and self.distinct_share_[j] > self.max_distinct_share:
                words = sum(len(text.split()) for text in distinct) / len(distinct)
                self.dropped_[name] = f"{len(distinct)} different texts of {words:.0f} words in {len(texts)} rows"
        return self


def present(column) -> np.ndarray:
    """Where a column of any kind has a value."""
    if column.dtype.kind == "f":
        return ~np.isnan(column)
    if column.dtype.kind != "O":
        return np.ones(len(column), dtype=bool)
    return np.array([not _missing(value) for value in column.tolist()], dtype=bool)


def _missing(value) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")


def _same(values) -> bool:
    first = values[0]
    return all(value == first for value in values.tolist()) if values.dtype.kind == "O" else bool((values == first).all())
