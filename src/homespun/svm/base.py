"""What the support vector machines with kernels share: the rows, the kernel, and prediction.

    f(x) = sum_j c_j K(x, z_j) + b        z: support vectors, the rows whose coefficient c is not zero

Each class says which duals it solves (`working_set`); all of them are about merged rows (`rows`). Beside scikit-learn:
gamma="scale" and balanced classes count each row with its weight, so that a row of weight 2 is the row twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import _num_samples, check_consistent_length, column_or_1d

from homespun.base import Boolean, CallableWith, DataError, Integer, OneOf, Real, ShapeError
from homespun.base.estimator import Estimator, WrongKind, check_is_fitted, check_params
from homespun.base.stored import refuse, within
from homespun.svm.kernel_rows import DenseRows, Kernel, MatrixKernel
from homespun.svm.rows import merged, weights_for
from homespun.svm.sparse_rows import SparseRows

SMALL_TABLE = 4_000_000  # entries up to which a sparse matrix is written out: 32 MB

KERNEL_PARAMS = {
    "kernel": OneOf("linear", "poly", "rbf", "sigmoid", "precomputed") | CallableWith("a function of two sets of rows"),
    "degree": Integer(low=0),
    "gamma": OneOf("scale", "auto") | Real(low=0),
    "coef0": Real(),
    "tol": Real(low=0, open="low"),
    "shrinking": Boolean(),
    "cache_size": Real(low=0, open="low"),
    "verbose": Boolean() | Integer(low=0),
    "max_iter": Integer(low=-1),
}


class SupportVectorMachine(Estimator):
    """Subclasses have `_solve(source, labels, weights, merged)` and say how labels are read."""

    _answers_within = 1e-4  # kernel values are float32 while solving: compiled and plain exponentials differ in the last bit

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        tags.input_tags.sparse = self.kernel != "precomputed"
        return tags

    # -- fitting -------------------------------------------------------------------------------------------------------

    def fit(self, X, y, sample_weight=None):
        """Fit the machine.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            kernel="precomputed": the matrix of kernel values (n, n). With a function: whatever it takes.
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            Scales C row by row: a row of weight k counts as k rows, one of weight zero or below is left out.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        X, y = self._checked(X, y)
        weights = weights_for(self, sample_weight, X)
        labels = self._labels(y, weights)
        by_value = not self._takes_values()
        work = X.toarray() if by_value and sp.issparse(X) and X.shape[0] * X.shape[1] <= SMALL_TABLE else X
        parts = merged(work, labels, weights, by_value=by_value)
        self._gamma = self._width(work, parts) if by_value else 0.0
        source = self._source(work, parts)
        if not np.isfinite(source.largest):
            self._refuse_overflow(X)
        self._solve(source, labels[parts.first], parts)
        if not (np.isfinite(self._intercept_).all() and np.isfinite(self._coefficients).all()):
            self._refuse_overflow(X)
        self.support_vectors_ = X[self.support_] if by_value else np.empty((0, 0))
        if callable(self.kernel):
            self._fit_X = X
        self.shape_fit_ = X.shape if hasattr(X, "shape") else (_num_samples(X),)
        self._sparse = by_value and sp.issparse(X)
        self._dual_coef_ = sp.csr_matrix(self._coefficients) if self._sparse else self._coefficients
        if self._sparse and not self.support_.size:
            self._dual_coef_ = sp.csr_matrix((len(self._coefficients), 0))
        del self._coefficients
        self.intercept_, self.dual_coef_ = self._intercept_.copy(), self._dual_coef_
        return self._finish()

    def _finish(self):
        return self

    def _checked(self, X, y):
        name = f"{type(self).__name__}.fit"
        if callable(self.kernel):
            check_consistent_length(X, y)
            return X, column_or_1d(y, warn=True)
        if sp.issparse(X) and self.kernel == "precomputed":
            raise WrongKind(f"{name}: Sparse precomputed kernels are not supported.", operation=name, operands={"X": X.shape},
                            rule="a dense matrix of kernel values")
        X, y = self.validate(X, y, dtype=np.float64, order="C", accept_sparse="csr", accept_large_sparse=False)
        if self.kernel == "precomputed" and X.shape[0] != X.shape[1]:
            raise ShapeError(f"{name}: Precomputed matrix must be a square matrix. Input is a {X.shape[0]}x{X.shape[1]} matrix.",
                             operation=name, operands={"X": X.shape}, rule="X is (n, n)")
        if sp.issparse(X):
            X.sort_indices()
        return X, column_or_1d(y, warn=True)

    def _labels(self, y, weights):
        """Targets as float64."""
        return y.astype(np.float64, copy=False)

    def _takes_values(self):
        """Whether kernel values are given instead of rows."""
        return callable(self.kernel) or self.kernel == "precomputed"

    def _width(self, X, parts):
        if not isinstance(self.gamma, str):
            return float(self.gamma)
        d = X.shape[1]
        if self.gamma == "auto":
            return 1.0 / d
        rows, share = X[parts.first], parts.weights / parts.weights.sum()
        with np.errstate(over="ignore", invalid="ignore"):
            if sp.issparse(rows):
                mean = float(share @ np.asarray(rows.sum(axis=1)).ravel()) / d
                variance = float(share @ np.asarray(rows.multiply(rows).sum(axis=1)).ravel()) / d - mean**2
            else:
                mean = float((share @ rows).sum()) / d
                variance = float((share @ (rows - mean) ** 2).sum()) / d
        return 1.0 / (d * variance) if variance > 0 else 1.0

    def _kernel(self):
        return Kernel(self.kernel, self._gamma, self.coef0, self.degree)

    def _source(self, X, parts):
        if callable(self.kernel):
            X = dense_values(self.kernel(X, X))
            if X.ndim != 2 or X.shape[0] != X.shape[1]:
                raise ShapeError(f"{type(self).__name__}.fit: X.shape[0] should be equal to X.shape[1]: the kernel returned "
                                 f"shape {X.shape}", operation="fit", operands={"kernel": X.shape}, rule="kernel(X, X) is (n, n)")
            parts.first = parts.first[parts.first < len(X)]  # a function may return too little; prediction will say so
            parts.rows, parts.part, parts.share = parts.first, np.arange(parts.first.size), np.ones(parts.first.size)
            parts.weights = parts.weights[:parts.first.size]
        if self._takes_values():
            return MatrixKernel(X[np.ix_(parts.first, parts.first)])
        rows = X[parts.first]
        return SparseRows(rows, self._kernel()) if sp.issparse(rows) else DenseRows(rows, self._kernel())

    def _refuse_overflow(self, X):
        raise DataError(
            f"{type(self).__name__}.fit: The dual coefficients or intercepts are not finite. The input data may contain large "
            "values and need to be preprocessed.", operation=f"{type(self).__name__}.fit",
            operands={"X": getattr(X, "shape", None)}, rule="finite kernel values",
            suggestion="scale the features, with StandardScaler for example")

    def _settings(self):
        return {"tol": float(self.tol), "cache_megabytes": float(self.cache_size), "most": int(self.max_iter),
                "shrinking": bool(self.shrinking)}

    # -- prediction ----------------------------------------------------------------------------------------------------

    def _validate_for_predict(self, X, operation):
        check_is_fitted(self)
        name = f"{type(self).__name__}.{operation}"
        if not callable(self.kernel):
            X = self.validate(X, operation=operation, accept_sparse="csr", dtype=np.float64, order="C",
                              accept_large_sparse=False)
        if self._sparse:
            X = X if sp.issparse(X) else sp.csr_matrix(X)
            X.sort_indices()
        elif sp.issparse(X) and not callable(self.kernel):
            raise DataError(f"{name}: cannot use sparse input in {type(self).__name__!r} trained on dense data", operation=name,
                            operands={"X": X.shape}, rule="the same kind of matrix as in fit")
        if callable(self.kernel):
            X = dense_values(self.kernel(X, self._fit_X))
        if self._takes_values() and (X.ndim != 2 or X.shape[1] != self.shape_fit_[0]):
            raise ShapeError(f"{name}: X.shape[1] = {X.shape[-1]} should be equal to {self.shape_fit_[0]}, the number of samples "
                             "at training time", operation=name, operands={"X": X.shape}, rule=f"(m, {self.shape_fit_[0]})")
        if self._n_support.sum() != self.support_.size or (
                self.support_vectors_.shape[0] not in (0, self.support_.size)):
            raise DataError(f"{name}: The internal representation of {type(self).__name__} was altered", operation=name,
                            operands={"n_support": self._n_support.tolist()}, rule=f"{self.support_.size} support vectors")
        return X

    def _sums(self, X, first, last):
        """sum_j c_pj K(x, z_j) over the support vectors first … last - 1 and each line p of the coefficients: (m, P)."""
        weights = self._dual_coef_[:, first:last]
        weights = np.ascontiguousarray(weights.toarray() if sp.issparse(weights) else weights)
        m = X.shape[0]
        if last == first:
            return np.zeros((m, len(weights)))
        if self._takes_values():
            return np.einsum("ij,pj->ip", X[:, self.support_[first:last]], weights)
        Z: Any = self.support_vectors_[first:last]
        if sp.issparse(Z) and max(m, Z.shape[0]) * Z.shape[1] <= SMALL_TABLE:
            X, Z = X.toarray() if sp.issparse(X) else X, Z.toarray()
        source = SparseRows(Z, self._kernel()) if sp.issparse(Z) else DenseRows(Z, self._kernel(), exact=True)
        return source.sums_at(X, weights)

    @property
    def coef_(self):
        """Weights of the features, of kernel="linear" only: (1 or number of pairs, d), read-only."""
        if self.kernel != "linear":
            raise AttributeError("coef_ is only available when using a linear kernel")
        coef: Any = self._linear_weights()
        (coef.data if sp.issparse(coef) else coef).flags.writeable = False
        return coef

    def _linear_weights(self) -> Any:
        return self.dual_coef_ @ self.support_vectors_

    @property
    def n_support_(self):
        """Number of support vectors: of each class, or one number."""
        if not hasattr(self, "_n_support"):
            raise AttributeError("n_support_ is known after fit")
        return self._n_support

    def check_state(self):
        """ModelFileError unless the arrays of a file have the shapes that prediction relies on."""
        if "support_" not in self.__dict__:
            return
        vectors, coefficients = self.support_vectors_, self._dual_coef_
        count, width = np.size(self.support_), 0 if self._takes_values() else self.n_features_in_
        if self._takes_values():
            within(self, "support_", np.asarray(self.support_), 0, self.shape_fit_[0])
        elif vectors.shape != (count, width):
            refuse(self, "support_vectors_", f"of shape {(count, width)}", f"{vectors.shape}")
        if coefficients.ndim != 2 or coefficients.shape[1] != count or np.sum(self._n_support) != count:
            refuse(self, "dual_coef_", f"of {count} columns", f"{coefficients.shape}")


def dense_values(K: Any) -> np.ndarray:
    """What a kernel function returned, as a float64 matrix."""
    given = K.toarray() if sp.issparse(K) else K
    return np.asarray(given, dtype=np.float64, order="C")
