"""Labels into numbers and back: for targets, not for columns (`OrdinalEncoder` and `OneHotEncoder` are for those).

    LabelEncoder      label -> its place among the sorted labels
    LabelBinarizer    label -> one column for each label (two labels: one column), pos_label where it is, else neg_label

Cost O(n).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import type_of_target

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, _worded, check_is_fitted, check_params
from homespun.base.params import Boolean, Integer
from homespun.preprocessing.values import factorise, lookup


class LabelEncoder(TransformerMixin, Estimator):
    """The place of each label among the sorted ones.

    Attributes
    ----------
    classes_ : array of the labels, sorted

    Examples
    --------
    >>> encoder = LabelEncoder().fit(["petrol", "diesel"])
    >>> encoder.transform(["petrol", "petrol", "diesel"])
    array([1, 1, 0])
    >>> encoder.inverse_transform([0, 1])
    array(['diesel', 'petrol'], dtype='<U6')
    """

    def fit(self, y):
        """Find the labels."""
        self.classes_ = _codes(self._column(y, "fit"))[1]
        return self

    def fit_transform(self, y):
        """`fit` and `transform` in one."""
        codes, self.classes_ = _codes(self._column(y, "fit"))
        return codes

    def transform(self, y):
        """Places, shape (n,)."""
        check_is_fitted(self)
        y = self._column(y, "transform")
        if len(y) == 0:
            return np.array([], dtype=np.int64)
        places = _places(y, self.classes_)
        if (places < 0).any():
            unseen = list(dict.fromkeys(y[places < 0].tolist()))[:5]
            raise DataError(
                f"LabelEncoder.transform: y contains previously unseen labels: {unseen}",
                operation="LabelEncoder.transform",
                operands={"y": unseen},
                rule="labels seen in fit",
            )
        return places

    def inverse_transform(self, y):
        """The labels back."""
        check_is_fitted(self)
        y = self._column(y, "inverse_transform")
        if len(y) == 0:
            return np.array([], dtype=self.classes_.dtype)
        wrong = np.setdiff1d(y, np.arange(len(self.classes_)))
        if len(wrong):
            raise DataError(
                f"LabelEncoder.inverse_transform: y contains previously unseen labels: {wrong[:5]}",
                operation="LabelEncoder.inverse_transform",
                operands={"y": wrong[:5].tolist()},
                rule=f"0 to {len(self.classes_) - 1}",
            )
        return self.classes_[np.asarray(y, dtype=np.int64)]

    def _column(self, y, operation):
        try:
            return column_or_1d(y, warn=True)
        except ValueError as error:
            raise _worded(error, self, operation, y=y) from None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        return tags


class LabelBinarizer(TransformerMixin, Estimator):
    """One column of two values for each label.

    Parameters
    ----------
    neg_label, pos_label : int, default=0 and 1
    sparse_output : bool, default=False
        CSR; needs ``neg_label=0``.

    Attributes
    ----------
    classes_ : array of the labels, sorted
    y_type_ : str
        As `sklearn.utils.multiclass.type_of_target` says.
    sparse_input_ : bool

    Examples
    --------
    >>> LabelBinarizer().fit_transform(["car", "van", "bus"])
    array([[0, 1, 0],
           [0, 0, 1],
           [1, 0, 0]])
    >>> LabelBinarizer().fit_transform(["yes", "no"]).ravel()
    array([1, 0])
    """

    params = {"neg_label": Integer(), "pos_label": Integer(), "sparse_output": Boolean()}

    def __init__(self, *, neg_label=0, pos_label=1, sparse_output=False):
        self.neg_label = neg_label
        self.pos_label = pos_label
        self.sparse_output = sparse_output

    def fit(self, y):
        """Find the labels."""
        check_params(self)
        if self.neg_label >= self.pos_label:
            raise self._refused(f"neg_label={self.neg_label} must be strictly less than pos_label={self.pos_label}.")
        if self.sparse_output and (self.pos_label == 0 or self.neg_label != 0):
            raise self._refused("Sparse binarization is only supported with non zero pos_label and zero neg_label, got "
                                f"pos_label={self.pos_label} and neg_label={self.neg_label}")
        self.y_type_, y = self._kind(y, "fit")
        self.sparse_input_ = sparse.issparse(y)
        self.classes_ = np.arange(y.shape[1]) if self.y_type_ == "multilabel-indicator" else _codes(np.ravel(y))[1]
        return self

    def fit_transform(self, y):
        """`fit` and `transform` in one."""
        return self.fit(y).transform(y)

    def transform(self, y):
        """The columns, (n, n_classes), or (n, 1) for two labels. A label that `fit` did not see has none."""
        check_is_fitted(self)
        kind, y = self._kind(y, "transform")
        many = kind == "multilabel-indicator"
        if many != (self.y_type_ == "multilabel-indicator"):
            raise DataError(
                f"LabelBinarizer.transform: The object was {'not ' if many else ''}fitted with multilabel input.",
                operation="LabelBinarizer.transform",
                operands={"y": kind},
                rule=self.y_type_,
            )
        n, k = (y.shape[0] if sparse.issparse(y) else len(y)), len(self.classes_)
        if many:
            if y.shape[1] != k:
                raise DataError(f"LabelBinarizer.transform: classes {self.classes_} mismatch with the labels "
                                f"{np.arange(y.shape[1])} found in the data", operation="LabelBinarizer.transform",
                                operands={"y": y.shape}, rule=f"{k} columns")
            marks = sparse.csr_matrix(y != 0)
        else:
            places = _places(np.ravel(y), self.classes_)
            rows = np.flatnonzero(places >= 0) if k > 1 else np.array([], dtype=np.int64)
            marks = sparse.csr_matrix((np.ones(len(rows), dtype=bool), (rows, places[rows])), shape=(n, k))
            if k <= 2:  # one column: whether it is the second label
                marks = marks[:, [1]] if k == 2 else sparse.csr_matrix((n, 1), dtype=bool)
        if self.sparse_output:
            return (marks.astype(np.int64) * self.pos_label).tocsr()
        return np.where(marks.toarray(), self.pos_label, self.neg_label)

    def inverse_transform(self, Y, threshold=None):
        """The labels back: for two labels where Y > threshold (default: the middle), else that of the largest column."""
        check_is_fitted(self)
        if threshold is None:
            threshold = (self.pos_label + self.neg_label) / 2.0
        if self.y_type_ == "multilabel-indicator":
            marks = (Y.toarray() if sparse.issparse(Y) else np.asarray(Y)) > threshold
            return sparse.csr_matrix(marks.astype(np.int64)) if self.sparse_input_ else marks.astype(np.int64)
        Y = Y.toarray() if sparse.issparse(Y) else np.asarray(Y)
        if self.y_type_ == "binary":
            if Y.ndim == 2 and Y.shape[1] > 2:
                raise DataError(f"LabelBinarizer.inverse_transform: output_type='binary', but y.shape = {Y.shape}",
                                operation="LabelBinarizer.inverse_transform", operands={"Y": Y.shape}, rule="one column")
            score = Y.ravel() if Y.ndim < 2 or Y.shape[1] == 1 else Y[:, 1]
            if len(self.classes_) == 1:
                return np.repeat(self.classes_, len(score))
            return self.classes_[(score > threshold).astype(np.int64)]
        if Y.ndim != 2 or Y.shape[1] != len(self.classes_):
            raise DataError(f"LabelBinarizer.inverse_transform: The number of class is not equal to the number of dimension of "
                            f"y: {len(self.classes_)} classes, y.shape = {Y.shape}", operation="LabelBinarizer.inverse_transform",
                            operands={"Y": Y.shape}, rule=f"{len(self.classes_)} columns")
        return self.classes_[Y.argmax(axis=1)]

    def _kind(self, y, operation):
        """What kind of target y is, and y as an array."""
        where = f"LabelBinarizer.{operation}"
        try:
            kind = type_of_target(y, input_name="y")
        except ValueError as error:
            raise _worded(error, self, operation, y=y) from None
        if "multioutput" in kind or kind in ("continuous", "unknown"):
            raise DataError(f"{where}: {kind} target data is not supported with label binarization", operation=where,
                            operands={"y": kind}, rule="labels")
        if not sparse.issparse(y):
            y = np.asarray(y)
        if y.shape[0] == 0:
            raise DataError(f"{where}: y has 0 samples: {y!r}", operation=where, operands={"y": y.shape}, rule="a label")
        if y.ndim == 2 and y.shape[1] == 1 and kind != "multilabel-indicator" and not sparse.issparse(y):
            warnings.warn("A column-vector y was passed when a 1d array was expected.", UserWarning)
        return kind, y

    def _refused(self, rule):
        return ParameterError(f"LabelBinarizer.fit: {rule}", operation="LabelBinarizer.fit",
                              operands={"neg_label": self.neg_label, "pos_label": self.pos_label}, rule=rule)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        return tags


def _codes(y) -> tuple[np.ndarray, np.ndarray]:
    """Places and sorted labels; text is hashed, not sorted n times."""
    if y.dtype.kind not in "US":
        codes, labels = factorise(y)
        return codes, labels
    codes, labels = factorise(y.astype(object))
    return codes, labels.astype(y.dtype)


def _places(y, labels) -> np.ndarray:
    text = y.dtype.kind in "US" or labels.dtype.kind in "US"
    return lookup(y.astype(object), labels.astype(object)) if text else lookup(y, labels)
