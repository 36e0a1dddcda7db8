"""Linear regression by gradient descent in which every step can be watched: guess, cost, derivative, learning rate, again.

    y = w . x - b        cost(w, b) = mean_i s_i (x_i w - b - y_i)^2
    derivative           (cost(w + h, b) - cost(w - h, b)) / 2h  as h -> 0   =   2 mean_i s_i (x_i w - b - y_i) x_i
    step                 w <- w - rate * derivative by w,   b <- b - rate * derivative by b         until cost stands still

X: (n, d)   y: (n,)   w: (d,)   b: a number, *subtracted*: ``intercept_`` is -b. The square takes away the sign, makes the cost
smooth, and its minimum is the likeliest line where errors are normal (Gauss 1809); that it makes large errors count more is a
side effect. A rate below 2 / L converges, with L the largest eigenvalue of 2 mean s (x, -1)(x, -1)'; above it the cost grows.
Each step costs O(n d). For work, `LinearRegression` has the same weights at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from homespun.base import Boolean, CallableWith, DataError, Integer, OneOf, Real
from homespun.base.estimator import Estimator, RegressorMixin, check_params
from homespun.linear_model.base import LinearModel


@dataclass
class Step:
    """One step as it is taken: where it starts, what it costs there, how steep it is, and how far it goes."""

    number: int
    w: np.ndarray
    b: float
    cost: float
    derivative_w: np.ndarray
    derivative_b: float
    rate: float

    def __str__(self):
        shown = ", ".join(f"{value:.4g}" for value in self.w[:3]) + (", …" if len(self.w) > 3 else "")
        return (f"step {self.number}: w = [{shown}], b = {self.b:.4g}, cost {self.cost:.6g}, "
                f"steepness {np.hypot(np.linalg.norm(self.derivative_w), self.derivative_b):.4g}, rate {self.rate:.4g}")


class GradientDescentRegressor(RegressorMixin, LinearModel, Estimator):
    """Linear regression by gradient descent, one watchable step after the other.

    Parameters
    ----------
    learning_rate : float or "auto", default "auto"
        What the derivative is multiplied by. "auto": 1 / L (see the module), the longest rate that never overshoots.
    max_iter : int, default 1000
    tol : float, default 1e-6
        Stop when the cost fell by less than `tol` times itself, and the derivative is below `tol` times its first size.
    h : float or None, default None
        None: the derivative as the formula has it. A number: by two values of the cost, h apart on either side.
    fit_intercept : bool, default True
    watch : callable, optional
        Called with each `Step` before it is taken: ``watch=print`` tells the story.

    Attributes
    ----------
    coef_ : ndarray (d,);  intercept_ : float, which is -b
    costs_ : ndarray (n_iter_ + 1,)
        The cost before each step, and at the end.
    learning_rate_ : float;  n_iter_ : int

    Raises
    ------
    DataError
        If the cost grows without end: the learning rate is too large.

    Examples
    --------
    >>> from homespun.linear_model import GradientDescentRegressor
    >>> model = GradientDescentRegressor(learning_rate=0.25, max_iter=2, watch=print, fit_intercept=False, tol=0)
    >>> model = model.fit([[1.0], [1.0]], [2.0, 2.0])
    step 1: w = [0], b = 0, cost 4, steepness 4, rate 0.25
    step 2: w = [1], b = 0, cost 1, steepness 2, rate 0.25
    >>> model.coef_.tolist()
    [1.5]
    """

    params = {
        "learning_rate": Real(low=0, open="low") | OneOf("auto"),
        "max_iter": Integer(low=1),
        "tol": Real(low=0),
        "h": Real(low=0, open="low") | None,
        "fit_intercept": Boolean(),
        "watch": CallableWith("a function of a step") | None,
    }

    def __init__(self, learning_rate="auto", *, max_iter=1000, tol=1e-6, h=None, fit_intercept=True, watch=None):
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.h = h
        self.fit_intercept = fit_intercept
        self.watch = watch

    def fit(self, X, y, sample_weight=None):
        """Fit, from w = 0 and b = 0. A weight of k equals k copies of the row.

        Raises
        ------
        ParameterError, ShapeError, DataError

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps were not enough for `tol`.
        """
        steps = self.steps(X, y, sample_weight)
        last = None
        for step in steps:
            if self.watch is not None and step.number > 0:
                self.watch(step)
            last = step
        if last is not None and self.tol > 0 and not self._settled:
            warnings.warn(f"GradientDescentRegressor: max_iter={self.max_iter} steps were not enough: the last one cost "
                          f"{self.costs_[-1]:.6g}. Scale the columns, so that one rate suits all, or raise max_iter.",
                          ConvergenceWarning, stacklevel=2)
        return self

    def steps(self, X, y, sample_weight=None) -> Iterator[Step]:
        """The descent itself, a `Step` at a time; ``coef_`` and ``intercept_`` are those after the last step that was drawn.

        Examples
        --------
        >>> from homespun.linear_model import GradientDescentRegressor
        >>> descent = GradientDescentRegressor(learning_rate=0.1).steps([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> first, second = next(descent), next(descent)
        >>> round(first.cost, 3), second.cost < first.cost
        (11.667, True)
        """
        check_params(self)
        X, y = self.validate(X, y, dtype=[np.float64, np.float32], y_numeric=True)
        share = self.validate_weights(sample_weight, X)
        share = share / share.sum()
        X64, y = X.astype(np.float64), np.asarray(y, dtype=np.float64)
        return self._descend(X64, y, share, X.dtype)

    def _descend(self, X, y, share, dtype):
        w, b = np.zeros(X.shape[1]), 0.0
        costs: list[float] = []
        with np.errstate(over="ignore", invalid="ignore"):
            rate = 1.0 / steepest(X, share, self.fit_intercept) if self.learning_rate == "auto" else float(self.learning_rate)
            self.learning_rate_, self._settled, first = rate, False, None
            for number in range(1, self.max_iter + 1):
                now = cost(X, y, w, b, share)                            # 1. how far off is the guess?
                slope_w, slope_b = (derivative(X, y, w, b, share) if self.h is None           # 2. which way is down?
                                    else difference(X, y, w, b, share, self.h))
                steep = max(np.abs(slope_w).max(initial=0.0), abs(slope_b) * self.fit_intercept)
                first = steep if first is None else first
                if not np.isfinite(now) or (costs and now > 1e6 * max(costs[0], 1e-300)):
                    most, before = 2.0 / steepest(X, share, self.fit_intercept), costs[0] if costs else now
                    raise DataError(
                        f"GradientDescentRegressor.fit: the cost grew from {before:.3g} to {now:.3g} in {number - 1} steps: "
                        f"learning_rate={rate:.3g} is too large, below {most:.3g} converges",
                        operation="GradientDescentRegressor.fit", operands={"learning_rate": rate},
                        rule="learning_rate < 2 / L", suggestion="learning_rate='auto'")
                costs.append(now)
                if steep <= self.tol * first and (steep == 0.0 or (len(costs) > 1 and costs[-2] - now <= self.tol * now)
                                                  or now <= 1e-30):
                    self._settled = True
                    break
                step = Step(number, w.copy(), b, now, slope_w, slope_b * self.fit_intercept, rate)
                w = w - rate * slope_w                                   # 3. a step that way, the learning rate long
                b = b - rate * slope_b * self.fit_intercept
                self._publish(w, b, [*costs, cost(X, y, w, b, share)], number, dtype)
                yield step                                               # 4. and again
            if not hasattr(self, "coef_") or self._settled:
                self._publish(w, b, costs, len(costs) - 1, dtype)

    def _publish(self, w, b, costs, number, dtype):
        self.coef_, self.intercept_ = w.astype(dtype), dtype.type(-b) if self.fit_intercept else 0.0
        self.costs_, self.n_iter_ = np.array(costs), max(1, number)


def cost(X, y, w, b, share):
    """Weighted mean of the squared errors of ``w . x - b``.

    >>> cost(np.array([[1.0], [2.0]]), np.array([2.0, 4.0]), np.array([1.0]), 0.0, np.array([0.5, 0.5]))
    2.5
    """
    return float(share @ (X @ w - b - y) ** 2)


def derivative(X, y, w, b, share):
    """Of the cost by w, (d,), and by b: the limit of `difference` as h goes to 0."""
    error = share * (X @ w - b - y)
    return 2.0 * error @ X, -2.0 * float(error.sum())


def difference(X, y, w, b, share, h):
    """(cost(w + h) - cost(w - h)) / 2h for each weight, and for b: of a square exact up to rounding, which grows as 1 / h."""
    by_w = np.empty(len(w))
    for j in range(len(w)):
        step = np.zeros(len(w))
        step[j] = h
        by_w[j] = (cost(X, y, w + step, b, share) - cost(X, y, w - step, b, share)) / (2.0 * h)
    return by_w, (cost(X, y, w, b + h, share) - cost(X, y, w, b - h, share)) / (2.0 * h)


def steepest(X, share, fit_intercept):
    """L: the largest curvature of the cost, the largest eigenvalue of its second derivative."""
    rows = np.column_stack([X, -np.ones(len(X))]) if fit_intercept else X
    small = rows.T @ (share[:, None] * rows) if rows.shape[1] <= rows.shape[0] else (
        np.sqrt(share)[:, None] * (rows @ rows.T) * np.sqrt(share))
    return 2.0 * max(float(np.linalg.eigvalsh(small)[-1]), 1e-300)
