"""What all stochastic gradient descent shares: which rows are visited when, when it ends, and what a stream must remember.

    minimise over w, b    sum_i s_i loss(y_i, w x_i + b) / sum_i s_i + alpha (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2)

**Weights are repetition.** A row of weight s is visited ceil(s) times in a pass, each visit a step of weight s / ceil(s).
With ``shuffle=True`` the order is drawn over the *content* of the rows: equal rows are one row with the sum of their
weights, and all are sorted by a hash of what they hold (`kernels/row_content.py`) before the seed shuffles their visits. So
neither the order of the rows nor repetition in place of weights changes a bit of the result. With ``shuffle=False`` rows come
as they stand.

**A stream is the data.** With ``shuffle=False`` all that the next step depends on is kept (time, scale, means, debts of l1):
`partial_fit` piece by piece ends where `fit` over all rows with ``max_iter=1`` ends, to the last bit.

The steps are in `sgd_steps.py`.  O(entries) a pass.  Not handled: a validation set within `partial_fit`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from homespun.base import Boolean, DataError, Integer, OneOf, ParameterError, RandomState, Real, ShapeError, generator, seed_from
from homespun.base.estimator import Estimator, check_is_fitted, check_params
from homespun.kernels.row_content import groups_of_equal_rows
from homespun.linear_model import sgd_steps as steps
from homespun.linear_model.base import FLOATS

MOST_VISITS = 1 << 22  # of a pass, unless there are more rows: larger weights are steps of more than one
SPARSE_INTERCEPT = 0.01  # the intercept's share of a step where X is sparse, as scikit-learn's: it moves at every row
LOSSES = {
    "hinge": (steps.HINGE, 1.0), "perceptron": (steps.HINGE, 0.0), "squared_hinge": (steps.SQUARED_HINGE, 1.0),
    "log_loss": (steps.LOG, 0.0), "modified_huber": (steps.MODIFIED_HUBER, 0.0), "squared_error": (steps.SQUARED, 0.0),
    "huber": (steps.HUBER, 0.1), "epsilon_insensitive": (steps.INSENSITIVE, 0.1),
    "squared_epsilon_insensitive": (steps.SQUARED_INSENSITIVE, 0.1),
}  # and the margin, which is the parameter epsilon for the last three
SCHEDULES = {"constant": steps.CONSTANT, "adaptive": steps.CONSTANT, "optimal": steps.OPTIMAL, "invscaling": steps.INVSCALING,
             "pa1": steps.PA1, "pa2": steps.PA2}
COMMON = {
    "fit_intercept": Boolean(),
    "max_iter": Integer(low=1),
    "tol": Real(low=0) | None,
    "shuffle": Boolean(),
    "verbose": Boolean() | Integer(low=0),
    "random_state": RandomState,
    "warm_start": Boolean(),
}
AVERAGED = {"average": Boolean() | Integer(low=1)}
STOPPING = {
    "early_stopping": Boolean(),
    "validation_fraction": Real(low=0, high=1, open="both"),
    "n_iter_no_change": Integer(low=1),
}
PENALISED = {"penalty": OneOf("l2", "l1", "elasticnet", None), "alpha": Real(low=0), "l1_ratio": Real(low=0, high=1) | None}


class StochasticGradient(Estimator):
    """The driver. Subclasses set the parameters that they do not offer as class attributes."""

    loss = "hinge"
    penalty: Any = None
    alpha = 0.0
    l1_ratio: Any = 0.0
    epsilon = 0.1
    learning_rate = "constant"
    eta0 = 1.0
    power_t = 0.5
    average: Any = False
    early_stopping = False
    validation_fraction = 0.1
    n_iter_no_change = 5
    one_class = False
    coef_: Any
    intercept_: Any

    def _check(self, streaming=False):
        """Rules that no single parameter breaks."""
        check_params(self)
        name = type(self).__name__

        def refuse(text, rule, **operands):
            return ParameterError(f"{name}: {text}", operation=name, operands=operands, rule=rule)

        if streaming and self.early_stopping:
            raise refuse("early_stopping should be False with partial_fit", "early_stopping=False", early_stopping=True)
        if self.learning_rate == "optimal" and self._alpha() == 0:
            raise refuse("alpha must be > 0 since learning_rate is 'optimal', whose steps are 1 / (alpha t), got 0", "alpha > 0",
                         alpha=self._alpha(), learning_rate="optimal")
        only = "hinge" if is_classifier(self) else "epsilon_insensitive"
        if self.learning_rate in ("pa1", "pa2") and self._loss() != only:
            raise refuse(f"Learning rate '{self.learning_rate}' only works with loss '{only}', got loss={self.loss!r}",
                         f"loss={only!r}", loss=self.loss, learning_rate=self.learning_rate)
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise refuse("l1_ratio must be set when penalty is 'elasticnet', got None", "0 <= l1_ratio <= 1", l1_ratio=None)

    def _alpha(self):
        return float(self.alpha)

    def _loss(self):
        return self.loss

    def _settings(self, X):
        kind, margin = LOSSES[self._loss()]
        margin = self.epsilon if kind in (steps.HUBER, steps.INSENSITIVE, steps.SQUARED_INSENSITIVE) else margin
        alpha, low = self._alpha(), 0.0 if kind == steps.LOG else -1.0
        ratio = {None: 0.0, "l2": 0.0, "l1": 1.0}.get(self.penalty, self.l1_ratio)
        strength = 0.0 if self.penalty is None else alpha
        t0 = 0.0
        if self.learning_rate == "optimal":  # Bottou: the first step is as long as a typical weight asks for
            typical = np.sqrt(1.0 / np.sqrt(alpha))
            slope = steps.loss_formula(kind, 1.0, -typical, margin)[1]
            t0 = max(1.0, slope) / (typical * alpha)
        rate = (SPARSE_INTERCEPT if sparse.issparse(X) else 1.0) if self.fit_intercept else 0.0
        return steps.settings_of(kind, margin, strength * (1.0 - ratio), strength * ratio,
                                 SCHEDULES[self.learning_rate], self.eta0, self.power_t, t0, alpha, int(self.average), rate,
                                 self.one_class, low)

    # -- the state of a stream -----------------------------------------------------------------------------------------

    def _begin(self, count, d, coef=None, intercept=None):
        """State of `count` models at zero, or at given weights."""
        self._vectors, self._numbers = np.zeros((count, 3, d)), steps.new_numbers(count, float(self.eta0))
        if coef is not None:
            self._vectors[:, 0] = np.asarray(coef, dtype=np.float64).reshape(count, d)
        if intercept is not None:
            self._numbers[:, steps.INTERCEPT] = np.asarray(intercept, dtype=np.float64).ravel()

    def _given(self, coef_init, intercept_init, count, d):
        """Initial weights in shape, or an error."""
        several = count > 1
        weights, numbers = ([(count, d)], [(count,)]) if several else ([(d,), (1, d)], [(), (1,)])
        for label, value, want in (("``coef_``" if several else "coef_init", coef_init, weights),
                                   ("intercept_init", intercept_init, numbers)):
            if value is not None and np.shape(value) not in want:
                raise ShapeError(f"{type(self).__name__}.fit: Provided {label} does not match dataset: it has shape "
                                 f"{np.shape(value)}, not {want[0]}", operation=f"{type(self).__name__}.fit",
                                 operands={label: np.shape(value)}, rule=f"{label}: {want[0]}")

    def _resume(self, count, d, dtype):
        """The state that the last piece of the stream left; what somebody wrote into ``coef_`` since then counts."""
        coef = self.coef_.toarray() if sparse.issparse(self.coef_) else np.asarray(self.coef_)
        shown = self._shown() if hasattr(self, "_vectors") and self._vectors.shape == (count, 3, d) else None
        if shown is None or not (np.array_equal(shown[0].astype(coef.dtype).ravel(), coef.ravel())
                                 and np.array_equal(shown[1].astype(coef.dtype), np.ravel(self._bias()))):
            time = getattr(self, "t_", 1.0)
            self._begin(count, d, coef, self._bias())
            self._numbers[:, steps.TIME] = time
        self._numbers[:, steps.ETA] = self.eta0

    def _bias(self):
        return self.intercept_

    def _shown(self):
        """Weights (K, d) and intercepts (K,) as users see them: means once there is something to average."""
        weights, means = steps.plain(self._vectors, self._numbers)
        intercepts = self._numbers[:, steps.INTERCEPT]
        if self.average:
            ripe = self._numbers[:, steps.TIME] - 1.0 >= float(self.average)
            weights = np.where(ripe[:, None], means, weights)
            intercepts = np.where(ripe, self._numbers[:, steps.MEAN_INTERCEPT], intercepts)
        return weights, intercepts

    def _publish(self, passes, dtype):
        weights, intercepts = self._shown()
        self.coef_ = np.ascontiguousarray(weights, dtype=dtype)
        self.intercept_ = intercepts.astype(dtype)
        self.n_iter_, self.t_ = int(passes), float(self._numbers[:, steps.TIME].max())

    # -- passes --------------------------------------------------------------------------------------------------------

    def _learn(self, X, y, own, weights, passes, operation):
        """`passes` over the rows, or fewer: the models `own` move from the state that they have."""
        settings = self._settings(X)
        rows, counts, share = self._visits(X, y, weights)
        weights = counts * share  # of all rows that are equal to this one
        train, held_out = rows, None
        if self.early_stopping:
            train, held_out = self._split(rows, y, weights, operation)
        rng = generator(self.random_state)
        order = np.repeat(train, counts[train])
        step = np.zeros(X.shape[0])
        step[train] = share[train]
        total = float(weights[train].sum())
        count, tol = len(own), -np.inf if self.tol is None else float(self.tol)
        best, waited = np.full(count, np.inf), np.zeros(count, dtype=np.int64)
        active, taken = np.arange(count), 0
        y = np.ascontiguousarray(y, dtype=np.float64)
        for taken in range(1, passes + 1):
            steps.run_steps(X, y, step, rng.permutation(order) if self.shuffle else order, active, own, self._vectors,
                            self._numbers, settings)
            if not (np.isfinite(self._vectors[active, 0]).all() and np.isfinite(self._numbers[active]).all()):
                raise DataError(
                    f"{type(self).__name__}.{operation}: Floating-point under-/overflow occurred at epoch #{taken}. Scaling "
                    "input data with StandardScaler or MinMaxScaler might help.", operation=f"{type(self).__name__}.{operation}",
                    operands={"X": X.shape}, rule="finite weights", suggestion="homespun.preprocessing.StandardScaler")
            if passes == 1 and not self.verbose:
                break
            value = (self._objective(total, settings)[active] if held_out is None
                     else -self._scores(X, y, own, held_out, weights)[active])
            if self.verbose:
                print(f"{type(self).__name__}: pass {taken}, {'loss' if held_out is None else '- score'} {value.max():.6f}")
            waited[active] = np.where(value > best[active] - tol, waited[active] + 1, 0)
            best[active] = np.minimum(best[active], value)
            stuck = active[waited[active] >= self.n_iter_no_change]
            if self.learning_rate == "adaptive":
                slower = stuck[self._numbers[stuck, steps.ETA] > 1e-6]
                self._numbers[slower, steps.ETA] /= 5.0
                waited[slower] = 0
                stuck = stuck[waited[stuck] > 0]
            active = np.setdiff1d(active, stuck)
            if not active.size:
                break
        return taken

    def _visits(self, X, y, weights):
        """Rows to visit, visits of each in a pass, and the weight of one visit (n,): see the module's header."""
        n = X.shape[0]
        rows, totals = np.arange(n), weights
        if self.shuffle:
            order, group = groups_of_equal_rows(X, y)
            rows = order[np.flatnonzero(np.diff(group, prepend=-1))]
            totals = np.zeros(n)
            totals[rows] = np.bincount(group, weights=weights[order])
            if 0.0 < totals.max() < 1.0:  # shares of one: the largest becomes a whole row
                totals = totals / totals.max()
            rows = rows[totals[rows] > 0]
        counts = np.ceil(totals)
        if counts.sum() > MOST_VISITS:
            counts = np.ceil(totals * min(1.0, MOST_VISITS / counts.sum()))
        return rows, counts.astype(np.int64), totals / np.maximum(counts, 1.0)

    def _split(self, rows, y, weights, operation):
        """Rows to learn from and rows to judge by."""
        def refuse(problem):
            return DataError(f"{type(self).__name__}.{operation}: {problem}", operation=f"{type(self).__name__}.{operation}",
                             operands={"rows": len(rows), "validation_fraction": self.validation_fraction},
                             rule="rows to learn from and rows to judge by")

        kind = StratifiedShuffleSplit if is_classifier(self) else ShuffleSplit
        known = isinstance(self.random_state, (int, np.random.RandomState))
        splitter = kind(test_size=self.validation_fraction,
                        random_state=self.random_state if known else seed_from(self.random_state) % 2**32)
        try:
            train, test = next(splitter.split(np.zeros((len(rows), 1)), y[rows]))
        except ValueError as error:
            raise refuse(f"validation_fraction={self.validation_fraction!r}: {error}") from None
        if not weights[rows[test]].any():
            raise refuse("The sample weights for validation set are all zero, consider using a different random state.")
        return rows[np.sort(train)], rows[np.sort(test)]

    def _objective(self, total, settings):
        """Mean loss of the pass, plus the penalties of the weights at its end: (K,)."""
        loss = self._numbers[:, steps.LOSS] / total
        if settings[steps.SCHEDULE] >= steps.PA1:
            return loss
        weights = self._numbers[:, steps.SCALE, None] * self._vectors[:, 0]
        loss = loss + 0.5 * settings[steps.L2] * (weights**2).sum(axis=1) + settings[steps.L1] * np.abs(weights).sum(axis=1)
        return loss + settings[steps.ALPHA] * self._numbers[:, steps.INTERCEPT] if self.one_class else loss

    def _scores(self, X, y, own, rows, weights):
        """Accuracy (each class against the rest) or R^2 on the rows that nothing is learned from."""
        coef = self._numbers[:, steps.SCALE, None] * self._vectors[:, 0]
        p = X[rows] @ coef.T + self._numbers[:, steps.INTERCEPT]
        if is_classifier(self):
            return np.array([accuracy_score(y[rows] == label, p[:, k] > 0, sample_weight=weights[rows])
                             for k, label in enumerate(own)])
        return np.array([r2_score(y[rows], p[:, 0], sample_weight=weights[rows])])

    def _average_of(self, places):
        """What scikit-learn keeps under four private names while it averages; some look there."""
        if not self.average or not hasattr(self, "_vectors"):
            raise AttributeError("kept only with average=True or a number of steps")
        kept = (*steps.plain(self._vectors, self._numbers), self._numbers[:, steps.INTERCEPT],
                self._numbers[:, steps.MEAN_INTERCEPT])[places]
        return kept.reshape(np.shape(self.coef_)) if places < 2 else kept

    _standard_coef = property(lambda self: self._average_of(0))
    _average_coef = property(lambda self: self._average_of(1))
    _standard_intercept = property(lambda self: self._average_of(2))
    _average_intercept = property(lambda self: self._average_of(3))

    def _warn_unfinished(self):
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(f"{type(self).__name__}: Maximum number of iteration reached before convergence. Consider increasing "
                          "max_iter to improve the fit.", ConvergenceWarning, stacklevel=3)

    def _check_columns(self, X, operation):
        if self.coef_.shape[-1] != X.shape[1]:
            raise ShapeError(f"{type(self).__name__}.{operation}: Number of features {X.shape[1]} does not match previous data "
                             f"{self.coef_.shape[-1]}.", operation=f"{type(self).__name__}.{operation}",
                             operands={"X": X.shape}, rule=f"X: n {self.coef_.shape[-1]}")

    @property
    def _rows(self) -> dict[str, Any]:
        """How X is validated."""
        return {"accept_sparse": "csr", "dtype": FLOATS, "order": "C"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class RegressionSteps(StochasticGradient):
    """`fit` and `partial_fit` of regressors; y is any number, and there is one model."""

    def fit(self, X, y, coef_init=None, intercept_init=None, sample_weight=None):
        """Fit. A weight of k equals k copies of the row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
        coef_init : array of shape (d,), intercept_init : array of shape (1,), optional
            Where to start.
        sample_weight : array of shape (n,), optional

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` passes were not enough for `tol`.
        """
        self._check()
        X, y = self.validate(X, y, y_numeric=True, **self._rows)
        weights = self.validate_weights(sample_weight, X)
        if self.warm_start and hasattr(self, "coef_"):
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        self._given(coef_init, intercept_init, 1, X.shape[1])
        self._begin(1, X.shape[1], coef_init, intercept_init)
        self._publish_vector(self._learn(X, y, np.array([np.nan]), weights, self.max_iter, "fit"), X.dtype)
        self._warn_unfinished()
        return self

    def partial_fit(self, X, y, sample_weight=None):
        """One pass over these rows, from where the last call ended.

        With ``shuffle=False``, pieces of the data one after the other end where one `fit` with ``max_iter=1`` ends.
        """
        self._check(streaming=True)
        first = not hasattr(self, "coef_")
        X, y = self.validate(X, y, operation="partial_fit", y_numeric=True, reset=first, **self._rows)
        weights = self.validate_weights(sample_weight, X, operation="partial_fit")
        if first:
            self._begin(1, X.shape[1])
        else:
            self._check_columns(X, "partial_fit")
            self._resume(1, X.shape[1], X.dtype)
        self._publish_vector(self._learn(X, y, np.array([np.nan]), weights, 1, "partial_fit"), X.dtype)
        return self

    def _publish_vector(self, passes, dtype):
        self._publish(passes, dtype)
        self.coef_ = self.coef_[0]

    def predict(self, X):
        """``X w + b``, (n,)."""
        check_is_fitted(self)
        X = self.validate(X, operation="predict", accept_sparse="csr", dtype=FLOATS)
        p = X @ (self.coef_.T if sparse.issparse(self.coef_) else self.coef_)
        return (p.toarray() if sparse.issparse(p) else p).ravel() + self.intercept_[0]
