"""One-hot encoding: a column with k categories becomes k columns of zeros and ones.

    out[i, offset_j + code(X[i, j])] = 1          offset_j: number of output columns of the columns before j

Cost O(n d) time and memory when sparse. Rare categories share one column; an unknown value is a row of zeros, the rare
column, or an error. Not handled: weights (they change no category), missing values as a separate policy (NaN is a category).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_feature_names_in, check_array

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean, CallableWith, OneOf
from homespun.preprocessing.categories import CATEGORY_PARAMS, CategoryEncoder
from homespun.preprocessing.values import is_nan


class OneHotEncoder(CategoryEncoder):
    """One column of zeros and ones for each category.

    Parameters
    ----------
    categories : "auto" or list of array-like, default="auto"
    drop : {"first", "if_binary"} or array-like or None, default=None
        A category of each column that gets no output column.
    sparse_output : bool, default=True
        A CSR matrix, or an array.
    dtype : number type, default=float64
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, default="error"
    min_frequency : int or float in (0, 1), default=None
        Categories with fewer rows (int), or a smaller share of them (float), are grouped.
    max_categories : int, default=None
        Output columns at most, the group among them.
    feature_name_combiner : "concat" or callable, default="concat"

    Attributes
    ----------
    categories_ : list of arrays
    drop_idx_ : array of shape (n_features,) or None
    infrequent_categories_ : list of arrays or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> OneHotEncoder(sparse_output=False).fit_transform([["petrol"], ["diesel"], ["petrol"]])
    array([[0., 1.],
           [1., 0.],
           [0., 1.]])
    """

    params = {
        **CATEGORY_PARAMS,
        "drop": OneOf(None, "first", "if_binary") | ArrayLike(),
        "sparse_output": Boolean(),
        "handle_unknown": OneOf("error", "ignore", "infrequent_if_exist", "warn"),
        "feature_name_combiner": OneOf("concat") | CallableWith("a function of (feature, category)"),
    }

    def __init__(
        self,
        *,
        categories="auto",
        drop=None,
        sparse_output=True,
        dtype=np.float64,
        handle_unknown="error",
        min_frequency=None,
        max_categories=None,
        feature_name_combiner="concat",
    ):
        self.categories = categories
        self.drop = drop
        self.sparse_output = sparse_output
        self.dtype = dtype
        self.handle_unknown = handle_unknown
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.feature_name_combiner = feature_name_combiner

    def fit(self, X, y=None):
        """Find the categories of each column."""
        check_params(self)
        self._learn_categories(X, nan_is_never_rare=False)
        self._dropped = self._dropped_codes()
        # drop_idx_ points into categories_, _dropped into the output codes after grouping
        self.drop_idx_ = (
            None
            if self.drop is None
            else np.array(
                [
                    code if code is None or group is None else int(np.flatnonzero(group == code)[0])
                    for code, group in zip(self._dropped, self._group_of)
                ],
                dtype=object,
            )
        )
        return self

    def transform(self, X):
        """Zeros and ones, shape (n_samples, n_output_columns)."""
        check_is_fitted(self)
        indices = self._encode(X)
        codes = self._grouped(indices)
        unknown = indices < 0
        if unknown.any():
            if self.handle_unknown == "warn":
                warnings.warn(
                    f"Found unknown categories in columns {np.flatnonzero(unknown.any(axis=0)).tolist()} during transform. "
                    "These unknown categories will be encoded as the infrequent category or as all zeros.",
                    UserWarning,
                )
            if self.handle_unknown in ("infrequent_if_exist", "warn"):
                for j, group in enumerate(self._group_of):
                    if group is not None:
                        codes[unknown[:, j], j] = group.max()
        present = codes >= 0
        for j, code in enumerate(self._dropped):
            if code is not None:
                present[:, j] &= codes[:, j] != code
                codes[:, j] -= codes[:, j] > code
        widths = self._widths()
        offsets = np.concatenate([[0], np.cumsum(widths)])
        columns = (codes + offsets[:-1])[present]
        starts = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
        kind = np.int32 if max(len(columns), offsets[-1]) < 2**31 else np.int64
        out = sparse.csr_matrix(
            (np.ones(len(columns), dtype=self.dtype), columns.astype(kind), starts.astype(kind)),
            shape=(len(codes), int(offsets[-1])),
        )
        return out if self.sparse_output else out.toarray()

    def inverse_transform(self, X):
        """The categories back: None for a row of zeros, "infrequent_sklearn" for the group of rare ones."""
        check_is_fitted(self)
        X = check_array(X, accept_sparse="csr", ensure_min_features=0)
        widths = self._widths()
        if X.shape[1] != sum(widths):
            raise ShapeError(
                f"OneHotEncoder.inverse_transform: Shape of the passed X data is not correct. Expected {sum(widths)} "
                f"columns, got {X.shape[1]}.",
                operation="OneHotEncoder.inverse_transform",
                operands={"X": X.shape},
                rule=f"{sum(widths)} columns",
            )
        found, at = [], 0
        for j, width in enumerate(widths):
            names, dropped = self._output_categories(j), self._dropped[j]
            block = X[:, at : at + width].toarray() if sparse.issparse(X) else X[:, at : at + width]
            at += width
            empty = np.flatnonzero(block.sum(axis=1) == 0) if width else np.arange(X.shape[0])
            codes = block.argmax(axis=1) if width else np.zeros(X.shape[0], dtype=np.int64)
            if dropped is not None:
                codes = codes + (codes >= dropped)
                codes[empty] = dropped
                values = names[codes]
            else:
                values = names[codes]
                if len(empty):
                    if self.handle_unknown == "error" or (
                        self.handle_unknown != "ignore" and self._group_of[j] is not None
                    ):
                        raise DataError(
                            f"OneHotEncoder.inverse_transform: Samples {empty[:5]} can not be inverted when drop=None and "
                            f"handle_unknown={self.handle_unknown!r} because they contain all zeros",
                            operation="OneHotEncoder.inverse_transform",
                            operands={"rows": empty[:5].tolist()},
                            rule="one 1 for each column",
                        )
                    values = values.astype(object)
                    values[empty] = None
            found.append(values)
        kind = np.result_type(*[values.dtype for values in found])
        out = np.empty((X.shape[0], len(found)), dtype=kind)
        for j, values in enumerate(found):
            out[:, j] = values
        return out

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns: "fuel_petrol"."""
        check_is_fitted(self)
        given = _check_feature_names_in(self, input_features)
        combine = self.feature_name_combiner
        names = []
        for j, feature in enumerate(given):
            for code, category in enumerate(self._output_categories(j)):
                if code == self._dropped[j]:
                    continue
                name = f"{feature}_{category}" if combine == "concat" else combine(feature, category)
                if not isinstance(name, str):
                    raise TypeError(
                        f"When `feature_name_combiner` is a callable, it should return a Python string. Got {type(name)} instead."
                    )
                names.append(name)
        return np.array(names, dtype=object)

    def _widths(self):
        return [len(self._output_categories(j)) - (self._dropped[j] is not None) for j in range(len(self.categories_))]

    def _dropped_codes(self) -> list:
        """For each column, the output code that gets no column, or None."""
        if self.drop is None:
            return [None] * len(self.categories_)
        if isinstance(self.drop, str):
            return [
                0 if self.drop == "first" or len(self._output_categories(j)) == 2 else None
                for j in range(len(self.categories_))
            ]
        if len(self.drop) != len(self.categories_):
            raise ParameterError(
                f"OneHotEncoder.fit: `drop` should have length equal to the number of features "
                f"({len(self.categories_)}), got {len(self.drop)}",
                operation="OneHotEncoder.fit",
                operands={"drop": len(self.drop)},
                rule=f"{len(self.categories_)} entries",
            )
        codes: list = []
        for j, value in enumerate(self.drop):
            categories = self.categories_[j].tolist()
            index = next(
                (i for i, known in enumerate(categories) if known == value or (is_nan(known) and is_nan(value))), None
            )
            if index is None:
                raise ParameterError(
                    f"OneHotEncoder.fit: The following categories were supposed to be dropped, but were not found in "
                    f"the training data. Category: {value!r}, Feature: {j}",
                    operation="OneHotEncoder.fit",
                    operands={"drop": value},
                    rule=f"a category of column {j}",
                )
            group = self._group_of[j]
            if group is not None and group[index] == group.max():
                raise ParameterError(
                    f"OneHotEncoder.fit: Unable to drop category {value!r} from feature {j} because it is infrequent",
                    operation="OneHotEncoder.fit",
                    operands={"drop": value},
                    rule="a frequent category",
                )
            codes.append(index if group is None else int(group[index]))
        return codes
