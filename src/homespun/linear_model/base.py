"""What every linear model shares: prediction, weighted means, and the intercept that centring takes out of the problem.

    prediction = X w + b          X: (n, d) dense or sparse   w: (d,) or (t, d) for t targets   b: number or (t,)

With s_i the sample weights, centring by the weighted means removes b from a least-squares problem:

    min over w, b  sum_i s_i (y_i - x_i w - b)^2   =   min over w  sum_i s_i ((y_i - y_mean) - (x_i - x_mean) w)^2
    b = y_mean - x_mean w

Sparse X is never centred in memory (it would become dense); solvers subtract ``x_mean`` inside their products.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.model_selection import check_cv
from sklearn.utils import assert_all_finite

from homespun.base import Constraint, DataError, HomespunError, Integer, ParameterError, Satisfies, check_param
from homespun.base.estimator import check_is_fitted
from homespun.linear_model.dense_products import combined_rows

FLOATS = [np.float64, np.float32]  # the types that stay as they are; anything else becomes float64
LARGE = 1e140  # numbers from which sums of squares may overflow
BLOCK_BYTES = 2 << 20  # rows are taken in blocks of about this size: what a block needs stays near the processor


class LinearModel:
    """Mixin: `predict` from ``coef_`` and ``intercept_``, for regressors with one target or several."""

    fit_intercept: bool
    coef_: Any
    intercept_: Any

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n,), or (n, t) for t targets

        Raises
        ------
        ShapeError, DataError
            If X has other columns than the training data, or holds NaN or infinity.
        """
        return linear_decision(self, X, "predict")

    def set_intercept(self, X_mean, y_mean, dtype):
        """Store ``intercept_`` for the ``coef_`` that a centred problem gave; both in `dtype`."""
        self.coef_ = np.asarray(self.coef_, dtype=dtype)
        if self.fit_intercept:
            intercept = y_mean - np.einsum("...j,j->...", self.coef_, X_mean, dtype=np.float64)  # no BLAS, see `inner`
            self.intercept_ = np.asarray(intercept, dtype=dtype)[()]  # a scalar for one target
        else:
            self.intercept_ = 0.0


class MultiTarget:
    """Mixin of regressors whose y may have several columns; first among the bases, so that its tags come last."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.target_tags.multi_output = True
        return tags


def numbers_in(owner: str, name: str, values, each: Constraint) -> np.ndarray:
    """The values of a parameter that is a number or a list of them, as float64 (k,); `each` constrains every one."""
    try:
        entries = np.ravel(np.asarray(values, dtype=object))
    except ValueError:  # lists of different lengths
        entries = np.array([None])
    for entry in entries:
        check_param(owner, name, entry, each)
    if entries.size == 0:
        raise ParameterError(f"{owner}: {name} must hold at least one number, got none", operation=owner,
                             operands={name: values}, rule=f"at least one of {name}")
    return entries.astype(np.float64)


Folds = Integer(low=2) | None | Satisfies(
    lambda cv: not isinstance(cv, (str, bytes, dict, set, frozenset, type)) and (hasattr(cv, "split") or hasattr(cv, "__iter__")),
    "a splitter, or pairs of row numbers")


def folds_of(estimator, cv, X, y) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows to judge by, for each fold of the parameter `cv`; both hold at least one row."""
    owner, n = type(estimator).__name__, X.shape[0]

    def refuse(found, rule):
        return ParameterError(f"{owner}: cv must give pairs of rows, to train on and to test on; {found}", operation=owner,
                              operands={"cv": cv, "X": X.shape}, rule=rule)

    folds = []
    try:
        for train, test in check_cv(cv).split(X, y):
            folds.append((np.arange(n)[train], np.arange(n)[test]))  # lists, masks and slices become row numbers
    except HomespunError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        raise refuse(f"{cv!r:.60}: {error}", f"pairs of row numbers below {n}") from error
    for number, (train, test) in enumerate(folds):
        for part, rows in (("train", train), ("test", test)):
            if np.ndim(rows) != 1 or rows.size == 0:
                raise refuse(f"the {part} part of fold {number} is {'one row' if np.ndim(rows) == 0 else 'not a list of rows'}"
                             if np.ndim(rows) != 1 else f"the {part} part of fold {number} is empty", "lists of at least one row")
    if not folds:
        raise refuse("it gives none", "at least one fold")
    return folds


@contextmanager
def finite_sums(estimator, X, y, checks, said="the weights, or sums on the way to them, are not finite"):
    """A fit, from sums to `set_intercept`, whose sums may be NaN or infinite. Either of two things is then told in words:

    * X, validated with ``ensure_all_finite=False``, holds such a value: it shows in the first sums over it. Whoever finds sums
      that are not finite calls `finite`; its error is worded as ever.
    * The numbers are too large: a FloatingPointError, or weights that are not finite.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
        weights = getattr(estimator, "coef_", 0.0), getattr(estimator, "intercept_", 0.0)
        problem, cause = None if all(np.isfinite(each).all() for each in weights) else "", None
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        if isinstance(error, HomespunError):
            raise
        estimator.validate(X, y, **checks)
        if not isinstance(error, ArithmeticError) and max(largest(X), largest(y)) < LARGE:
            raise
        problem, cause = f" ({error})", error
    if problem is None:
        return
    where = f"{type(estimator).__name__}.fit"
    raise DataError(
        f"{where}: {said}{problem}. The largest number is {largest(X):.3g} in X and {largest(y):.3g} in y, and sums of squares "
        "above 1.8e308 are infinite: divide X or y by its largest number", operation=where,
        operands={"X": X.shape, "y": y.shape}, rule="sums of squares below 1.8e308",
        suggestion="divide X or y by its largest number") from cause


def finite(X) -> None:
    """Within `finite_sums`: raise if X holds NaN or infinity."""
    assert_all_finite(X)


def largest(values) -> float:
    """The largest absolute value, also of sparse X."""
    return float(np.abs(values.data if sparse.issparse(values) else np.asarray(values)).max(initial=0.0))


def as_targets(y) -> np.ndarray:
    """y as float64 of shape (n, t)."""
    y = np.asarray(y, dtype=np.float64)
    return y[:, None] if y.ndim == 1 else y


def linear_decision(estimator, X, operation: str):
    """``X w + b`` of a fitted estimator: shape (n,), or (n, t) where ``coef_`` has two axes."""
    check_is_fitted(estimator)
    X = estimator.validate(X, operation=operation, accept_sparse=("csr", "csc", "coo"), dtype=FLOATS)
    z = X @ estimator.coef_.T
    return (z.toarray() if sparse.issparse(z) else z) + estimator.intercept_  # sparse: where ``coef_`` is, too


def column_means(X, weights=None) -> np.ndarray:
    """Weighted mean of each column of X (or of a vector), in float64 also where X is float32.

    >>> column_means(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([3.0, 1.0]))
    array([1.5, 2.5])
    """
    n = X.shape[0]
    if weights is None:
        weights = np.ones(n)
    if sparse.issparse(X):
        return np.asarray(X.T.astype(np.float64, copy=False) @ weights) / weights.sum()
    if X.ndim == 1:
        return inner(weights, X.astype(np.float64)) / weights.sum()
    return combined_rows(X, weights) / weights.sum()


def inner(a, b) -> float:
    """a . b of two vectors without BLAS, whose threads spin on for a while and take a processor from our next kernel."""
    return np.einsum("i,i->", a, b)


def row_blocks(X, extra_columns: int = 0):
    """Slices that cut X into blocks of rows of about `BLOCK_BYTES`: a number of rows fixed by the shape alone."""
    columns = (X.shape[1] if X.ndim > 1 else 1) + extra_columns
    rows = max(64, BLOCK_BYTES // (8 * max(1, columns)))
    return [slice(start, min(start + rows, X.shape[0])) for start in range(0, X.shape[0], rows)]
