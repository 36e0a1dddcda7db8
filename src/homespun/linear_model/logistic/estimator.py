"""Logistic regression: class probabilities from a linear function of the columns, two classes or many (softmax).

    minimise over W, b    sum_i s_i loss(y_i, W x_i + b) + (1/C) (l1_ratio ||W||_1 + (1 - l1_ratio) ||W||^2 / 2)
    X: (n, d)   s: (n,) sample weight times class weight   W: (1, d) for two classes, else (K, d)   b: (1,) or (K,)

The loss and its one-pass kernel are in `loss.py`; `smooth.py` minimises with an l2 penalty or none (Newton, or L-BFGS in
a metric), `proximal.py` with l1 or elastic net (proximal Newton, coordinate descent).
Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2nd ed., section 4.4.
"""

import warnings

import numpy as np
from scipy import sparse
from scipy.special import log_expit, log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import ClassifierMixin, Estimator, check_is_fitted, check_params
from homespun.base.params import Boolean, Instance, Integer, NJobs, OneOf, RandomState, Real, Satisfies, check_param
from homespun.linear_model.base import FLOATS, linear_decision
from homespun.linear_model.logistic.loss import LogisticLoss
from homespun.linear_model.logistic.proximal import minimise_l1
from homespun.linear_model.logistic.smooth import SquaresTooLarge, minimise_smooth

LARGE, TOO_LARGE = 1e3, 1e60  # numbers from which a column gets a unit of its own: with l1; if squares overflow
OneForEach = Satisfies(lambda value: Real(low=0).accepts(value) and np.isfinite(float(value)),
                       "a finite number >= 0 for each class")


class LogisticRegression(ClassifierMixin, Estimator):
    """Logistic regression with an l2, l1 or elastic-net penalty, or none.

    Parameters
    ----------
    penalty : {"deprecated", "l2", "l1", "elasticnet", None}
        The older spelling: "l2" is ``l1_ratio=0``, "l1" is ``l1_ratio=1``, None is ``C=inf``. Leave it alone.
    C : float, default 1.0
        Inverse strength of the penalty, which is compared with the *sum* of the rows' losses: the same C weighs less as n
        grows. ``inf``: no penalty.
    l1_ratio : float in [0, 1], default 0.0
        Share of the l1 norm in the penalty. None means 0.
    dual : bool
        Accepted; the dual problem has the same optimum.
    tol : float, default 1e-4
        Largest entry of the gradient of the *mean* loss at which the optimum counts as found. With l1, columns that reach 1000
        are measured in a unit of their own.
    fit_intercept : bool, default True
    intercept_scaling : float
        Only for ``solver="liblinear"``, see there.
    class_weight : dict, "balanced" or None
        Multiplies the sample weights. "balanced": every class has the same total weight.
    random_state : ignored
        Nothing here is random.
    solver : {"lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag", "saga"}
        Accepted so that code may change its import; the algorithm is chosen by the problem, any penalty goes with any
        name, and all names have one optimum. "liblinear" alone poses another problem, as in scikit-learn: two classes
        only, and the intercept is penalised like a weight of a column that is ``intercept_scaling`` everywhere.
    max_iter : int, default 100
    verbose : int
        Above 0: one line about the fit.
    warm_start : bool
        Start from the previous fit's coefficients.
    n_jobs : ignored
        Threads are Numba's.

    Attributes
    ----------
    classes_ : ndarray (K,)
    coef_ : ndarray (1, d) for two classes, else (K, d)
    intercept_ : ndarray (1,) or (K,)
        For K > 2 the intercepts sum to 0: softmax does not see a shift of all of them. Without penalty so do the weights
        of each column.
    n_iter_ : int32 ndarray (1,)

    Raises
    ------
    DataError
        One class only, NaN, infinity, a target that is not made of classes.
    ParameterError

    Examples
    --------
    >>> import numpy as np
    >>> from homespun.linear_model import LogisticRegression
    >>> model = LogisticRegression(C=np.inf, tol=1e-8).fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
    >>> model.predict_proba([[1.5]]).round(3)
    array([[0.5, 0.5]])
    """

    params = {
        "penalty": OneOf("deprecated", "l2", "l1", "elasticnet", None),
        "C": Real(low=0, open="low"),
        "l1_ratio": Real(0, 1) | None,
        "dual": Boolean(),
        "tol": Real(low=0),
        "fit_intercept": Boolean(),
        "intercept_scaling": Real(low=0, open="low"),
        "class_weight": Instance(dict, noun="a dict") | OneOf("balanced", None),
        "random_state": RandomState,
        "solver": OneOf("lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag", "saga"),
        "max_iter": Integer(low=0),
        "verbose": Integer(low=0) | Boolean(),
        "warm_start": Boolean(),
        "n_jobs": NJobs,
    }

    def __init__(self, penalty="deprecated", *, C=1.0, l1_ratio=0.0, dual=False, tol=1e-4, fit_intercept=True,
                 intercept_scaling=1, class_weight=None, random_state=None, solver="lbfgs", max_iter=100, verbose=0,
                 warm_start=False, n_jobs=None):
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None):
        """Fit to rows X (n, d), dense or sparse, and classes y (n,); `sample_weight` (n,) counts rows."""
        check_params(self)
        strength, l1_ratio = self._penalty()
        X, y = self.validate(X, y, accept_sparse="csr", dtype=FLOATS, order="C")
        code = self._encode(y)
        weight = self.validate_weights(sample_weight, X)
        weight = weight * self._class_weights(y, weight)[code]
        total = weight.sum()
        if not total > 0.0:
            raise DataError("LogisticRegression.fit: the class weights make every row's weight zero",
                            operation="LogisticRegression.fit", operands={"class_weight": self.class_weight},
                            rule="at least one weight > 0")

        # Everything is divided by the total weight: the loss is a mean, and tol means the same for any n.
        d = X.shape[1]
        l1, l2 = np.full(d + 1, l1_ratio * strength / total), np.full(d + 1, (1.0 - l1_ratio) * strength / total)
        as_weight = 1.0 / self.intercept_scaling if self.solver == "liblinear" else 0.0
        l1[d], l2[d] = l1[d] * as_weight, l2[d] * as_weight**2
        if sparse.issparse(X) and not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        # The optimality condition of a column has its unit: beside one of 1e6, l1 is too little for coordinate descent to see.
        rows, unit = in_units(X, LARGE) if l1.any() else (X, None)
        try:
            W, iterations, converged = self._minimise(rows, code, weight / total, l1, l2, unit)
        except SquaresTooLarge:
            rows, unit = in_units(X, TOO_LARGE)
            W, iterations, converged = self._minimise(rows, code, weight / total, l1, l2, unit)
        if not converged:
            warnings.warn(
                f"LogisticRegression: the optimum was not reached in max_iter={self.max_iter} iterations. Scale the columns "
                f"(homespun.preprocessing.StandardScaler), or raise max_iter or tol.", ConvergenceWarning, stacklevel=2)
        if self.verbose:
            print(f"LogisticRegression: {iterations} iterations, {'converged' if converged else 'not converged'}")

        if len(W) > 1:  # softmax does not see a shift shared by all classes: choose the one with sum 0
            if strength == 0.0:
                W = W - W.mean(0)
            elif not as_weight:
                W[:, d] -= W[:, d].mean()
        self.coef_ = np.ascontiguousarray(W[:, :d], dtype=X.dtype)
        self.intercept_ = W[:, d].astype(X.dtype)
        self.n_iter_ = np.array([iterations], dtype=np.int32)
        return self

    def _minimise(self, X, code, weight, l1, l2, unit=None):
        """The optimum W (K, d+1), iterations, whether it is one. X may be in units (d+1,) of its own; W and penalties are not."""
        unit = np.ones(l2.size) if unit is None else unit
        with np.errstate(over="ignore", invalid="ignore"):  # too large squares are found out
            loss = LogisticLoss(X, code, weight, len(self.classes_), l2 / unit / unit, self.fit_intercept)
            W = self._start(loss) * unit
            if l1.any():
                W, iterations, converged = minimise_l1(loss, W, l1 / unit, self.tol, self.max_iter)
            else:
                W, iterations, converged = minimise_smooth(loss, W, self.tol, self.max_iter)
        return W / unit, iterations, converged

    def _penalty(self):
        """Strength and share of l1, from either spelling."""
        l1_ratio = 0.0 if self.l1_ratio is None else float(self.l1_ratio)
        if self.penalty is None:
            return 0.0, 0.0
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ParameterError("LogisticRegression: l1_ratio must be a number when penalty is 'elasticnet', got None",
                                 operation="LogisticRegression", operands={"l1_ratio": None}, rule="0 <= l1_ratio <= 1")
        return 1.0 / float(self.C), {"l1": 1.0, "l2": 0.0}.get(self.penalty, l1_ratio)

    def _class_weights(self, y, weight):
        """A number for each of ``classes_``."""
        if isinstance(self.class_weight, dict):
            for value in self.class_weight.values():
                check_param("LogisticRegression", "class_weight", value, OneForEach)
        try:
            found = compute_class_weight(self.class_weight, classes=self.classes_, y=y, sample_weight=weight)
        except ValueError as error:  # a class that y does not have
            raise DataError(f"LogisticRegression.fit: class_weight: {error}", operation="LogisticRegression.fit",
                            operands={"class_weight": self.class_weight}, rule="a weight for classes of y") from None
        return np.asarray(found, dtype=np.float64)

    def _encode(self, y):
        """Set ``classes_``; return each row's position in it."""
        try:
            check_classification_targets(y)
        except ValueError as error:
            raise DataError(f"LogisticRegression.fit: {error}", operation="LogisticRegression.fit", operands={"y": y.shape},
                            rule="y holds classes") from None
        self.classes_, code = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise DataError(
                f"LogisticRegression.fit: y holds only one class, {self.classes_[0]!r}; at least 2 classes are needed",
                operation="LogisticRegression.fit", operands={"y": y.shape}, rule="2 classes or more")
        if count > 2 and self.solver == "liblinear":
            # In scikit-learn this name meant one model a class, and now is an error: no silent change of meaning.
            raise DataError(
                f"LogisticRegression.fit: solver='liblinear': Only binary classification is supported. The type of the target "
                f"is multiclass ({count} classes); use another solver's name",
                operation="LogisticRegression.fit", operands={"y": y.shape, "solver": "liblinear"}, rule="2 classes",
                suggestion="solver='lbfgs'")
        return code.astype(np.int64, copy=False)

    def _start(self, loss):
        """The previous solution, or zero weights and the classes' frequencies."""
        W = np.zeros(loss.shape)
        if self.warm_start and getattr(self, "coef_", None) is not None and self.coef_.shape == (loss.rows, loss.shape[1] - 1):
            W[:, :-1] = self.coef_.toarray() if sparse.issparse(self.coef_) else self.coef_  # type: ignore[attr-defined]
            if self.fit_intercept:
                W[:, -1] = self.intercept_
        elif self.fit_intercept:
            share = np.bincount(loss.code, weights=loss.weight, minlength=len(self.classes_))
            log_share = np.log(np.maximum(share, 1e-6))
            W[:, -1] = log_share[1] - log_share[0] if loss.rows == 1 else log_share - log_share.mean()
        return W

    def decision_function(self, X):
        """Margins: (n,) for two classes (positive means ``classes_[1]``), else (n, K)."""
        z = linear_decision(self, X, "decision_function")
        return z.ravel() if len(self.classes_) == 2 else z

    def predict(self, X):
        """The most probable class of each row, (n,)."""
        z = self.decision_function(X)
        return self.classes_[(z > 0).astype(np.intp) if z.ndim == 1 else z.argmax(1)]

    def predict_proba(self, X):
        """Probability of each class, (n, K), in the order of ``classes_``."""
        z = self.decision_function(X)
        if z.ndim > 1:
            return softmax(z, axis=1)
        second = np.exp(log_expit(z.astype(np.float64)).astype(z.dtype))  # by way of float64: an exported model's bits
        return np.column_stack([1 - second, second])

    def predict_log_proba(self, X):
        """Logarithm of `predict_proba`, exact also where a probability is too small for a float."""
        z = self.decision_function(X)
        return log_softmax(z, axis=1) if z.ndim > 1 else np.column_stack([log_expit(-z), log_expit(z)])

    def sparsify(self):
        """Turn ``coef_`` into a CSR matrix: smaller where l1 made most of it zero."""
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self):
        """Turn ``coef_`` back into an array."""
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()  # type: ignore[attr-defined]
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags


def in_units(X, limit):
    """X with its columns above `limit` divided by powers of two (so no digit is lost), and the divisors (d+1,), the last 1."""
    largest = abs(X).max(0)
    largest = largest.toarray().ravel() if sparse.issparse(largest) else largest
    exponent = np.where(largest > limit, np.frexp(largest)[1] - 1, 0)
    unit = np.append(np.ldexp(1.0, exponent), 1.0)
    if not exponent.any():
        return X, unit
    if sparse.issparse(X):
        X = X.copy()
        X.data /= unit[X.indices]
        return X, unit
    return X / unit[:-1], unit
