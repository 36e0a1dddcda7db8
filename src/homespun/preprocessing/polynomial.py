"""Polynomial features: all products of columns up to a degree, for linear models that should bend.

    (a, b)  ->  1, a, b, a^2, ab, b^2        degree 2;  n_output = (d + degree choose degree), less with `interaction_only`

A product of degree k is one of degree k - 1 times one column, so each costs one multiplication. Dense rows are worked
through in blocks that stay in the cache, with the terms as rows, so that each multiplication runs over contiguous memory.
Sparse rows: the products of a row's stored entries only. Cost O(n n_output) dense, O(sum of the products) sparse.
"""

from __future__ import annotations

import numbers
from itertools import chain, combinations, combinations_with_replacement

import numpy as np
from scipy import sparse
from scipy.special import comb
from sklearn.utils.validation import _check_feature_names_in

from homespun.base.errors import ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import ArrayLike, Boolean, Integer, OneOf

BLOCK = 256  # rows: 231 terms of 20 columns are then 470 kB, which the second-level cache holds


class PolynomialFeatures(TransformerMixin, Estimator):
    """Products of columns.

    Parameters
    ----------
    degree : int or (min_degree, max_degree), default=2
    interaction_only : bool, default=False
        No column more than once in a product.
    include_bias : bool, default=True
        A column of ones first.
    order : {"C", "F"}, default="C"
        Memory order of a dense result.

    Attributes
    ----------
    powers_ : array of shape (n_output_features_, n_features_in_)
        The power of each column in each product.
    n_output_features_ : int
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> PolynomialFeatures().fit_transform([[2.0, 3.0]])
    array([[1., 2., 3., 4., 6., 9.]])
    """

    params = {
        "degree": Integer(low=0) | ArrayLike(),
        "interaction_only": Boolean(),
        "include_bias": Boolean(),
        "order": OneOf("C", "F"),
    }

    def __init__(self, degree=2, *, interaction_only=False, include_bias=True, order="C"):
        self.degree = degree
        self.interaction_only = interaction_only
        self.include_bias = include_bias
        self.order = order

    def fit(self, X, y=None):
        """Count the products."""
        check_params(self)
        low, high = self._degrees()
        d = self.validate(X, accept_sparse=True).shape[1]
        sizes = [
            comb(d, k, exact=True) if self.interaction_only else comb(d + k - 1, k, exact=True)
            for k in range(max(low, 1), high + 1)
        ]
        self.n_output_features_ = sum(sizes) + bool(self.include_bias)
        if self.n_output_features_ > np.iinfo(np.intp).max:
            raise ParameterError(
                f"PolynomialFeatures.fit: The output that would result from the current configuration would have "
                f"{self.n_output_features_} features which is too large to be indexed",
                operation="PolynomialFeatures.fit",
                operands={"degree": self.degree, "n_features": d},
                rule="fewer than 2**63 products",
            )
        return self

    def transform(self, X):
        """The products, shape (n_samples, n_output_features_): dense for dense X, else in the format of X."""
        check_is_fitted(self)
        X = self.validate(
            X, operation="transform", dtype=(np.float64, np.float32), accept_sparse=("csr", "csc")
        )
        low, high = self._degrees()
        if sparse.issparse(X):
            out = self._sparse(X.tocsr(), low, high)
            return out.tocsc() if X.format == "csc" else out
        steps, size = self._steps(X.shape[1], high)
        first_kept, bias = self._first(X.shape[1], low), int(self.include_bias)
        out = np.empty((X.shape[0], self.n_output_features_), dtype=X.dtype, order=self.order)
        terms = np.empty((size, BLOCK), dtype=X.dtype)
        for begin in range(0, X.shape[0], BLOCK):
            rows = X[begin : begin + BLOCK]
            here = terms[:, : len(rows)]
            here[0] = 1.0
            if high:
                here[1 : X.shape[1] + 1] = rows.T
            for first, last, column, at in steps:
                np.multiply(here[first:last], here[1 + column], out=here[at : at + last - first])
            out[begin : begin + BLOCK, :bias] = 1.0
            out[begin : begin + BLOCK, bias:] = here[first_kept:].T
        return out

    def get_feature_names_out(self, input_features=None):
        """ "1", "age", "age^2", "age km", …"""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        out = []
        for term in self._terms():
            powers = {j: term.count(j) for j in term}
            out.append(" ".join(names[j] if p == 1 else f"{names[j]}^{p}" for j, p in powers.items()) or "1")
        return np.array(out, dtype=object)

    @property
    def powers_(self):
        """The power of each column in each product."""
        check_is_fitted(self)
        return np.vstack([np.bincount(term, minlength=self.n_features_in_) for term in self._terms()])

    # -- the order of the products ---------------------------------------------------------------------------------------

    def _terms(self):
        low, high = self._degrees()
        choose = combinations if self.interaction_only else combinations_with_replacement
        terms = chain.from_iterable(choose(range(self.n_features_in_), k) for k in range(max(low, 1), high + 1))
        return chain([()] if self.include_bias else [], terms)

    def _steps(self, d, high):
        """(first, last, column, at): terms first … last - 1 times the column are the terms from `at`. Term 0 is 1.

        The terms of one degree are sorted by their smallest column; `starts` says where each begins.
        """
        starts, at, steps = list(range(1, d + 2)), d + 1, []
        for _ in range(2, high + 1):
            new, end = [], starts[-1]
            for column in range(d):
                first = starts[column + self.interaction_only]
                new.append(at)
                if end > first:
                    steps.append((first, end, column, at))
                at += end - first
            starts = [*new, at]
        return steps, at if high else 1

    def _first(self, d, low):
        """Where the terms of the lowest degree begin."""
        if low <= 1:
            return 1
        return self._steps(d, low - 1)[1]

    def _sparse(self, X, low, high):
        """Each degree from the one before: every stored entry of a row times those terms of the row that come after it."""
        n, d = X.shape
        X.sort_indices()
        steps, _ = self._steps(d, high)
        blocks = [sparse.csr_array(np.ones((n, 1), dtype=X.dtype))] if self.include_bias else []
        if low <= 1 <= high:
            blocks.append(X)
        row = np.repeat(np.arange(n), np.diff(X.indptr))
        # Terms so far, by row: value, column within their degree; begin[e]: the first whose smallest column is that of entry e
        values, places, ends = X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)
        begin = np.arange(len(X.data), dtype=np.int64)
        begin_next = begin + 1
        origin = 1  # place of the first term of the last degree
        at = d + 1
        for degree in range(2, high + 1):
            first = begin_next if self.interaction_only else begin
            counts = ends[row + 1] - first
            stops = np.cumsum(counts)
            pairs = np.repeat(np.arange(len(counts)), counts)
            partner = np.arange(stops[-1] if len(stops) else 0) - np.repeat(stops - counts - first, counts)
            end = self._steps(d, degree)[1]
            shift = np.zeros(d, dtype=np.int64)  # from a term's place in its degree to that of the product in the next
            for start, _, column, place in steps:
                if at <= place < end:
                    shift[column] = (place - at) - (start - origin)
            values = X.data[pairs] * values[partner]
            places = places[partner] + shift[X.indices[pairs]]
            ends = np.concatenate([[0], stops])[X.indptr]
            begin, begin_next = stops - counts, stops
            origin, at = at, end
            if degree >= low:
                blocks.append(sparse.csr_array((values, places, ends), shape=(n, at - origin)))
        out = sparse.hstack(blocks, format="csr", dtype=X.dtype) if blocks else sparse.csr_array((n, 0), dtype=X.dtype)
        return sparse.csr_matrix(out)

    def _degrees(self) -> tuple[int, int]:
        """Lowest and highest degree, checked."""
        pair = (0, self.degree) if isinstance(self.degree, numbers.Integral) else tuple(self.degree)
        whole = len(pair) == 2 and all(isinstance(k, numbers.Integral) and not isinstance(k, bool) for k in pair)
        if not whole or not 0 <= pair[0] <= pair[1]:
            raise ParameterError(
                "PolynomialFeatures.fit: degree=(min_degree, max_degree) must be non-negative integers that fulfil min_degree "
                f"<= max_degree, or one such number, got {self.degree}.",
                operation="PolynomialFeatures.fit",
                operands={"degree": self.degree},
                rule="0 <= min_degree <= max_degree",
            )
        if pair[1] == 0 and not self.include_bias:
            raise ParameterError(
                f"PolynomialFeatures.fit: degree {self.degree} and include_bias=False would result in an empty output array.",
                operation="PolynomialFeatures.fit",
                operands={"degree": self.degree, "include_bias": False},
                rule="at least one product",
            )
        return int(pair[0]), int(pair[1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
