"""Predictions of numbers beside the truth: actual against predicted, or residual against predicted."""

from __future__ import annotations

import numpy as np

from homespun.base.errors import ParameterError
from homespun.metrics.checks import one_of
from homespun.metrics.regression import targets
from homespun.plot.axes import axes


class PredictionErrorDisplay:
    """Residuals that show a pattern over the predictions are what the model has not learned.

    >>> import matplotlib; matplotlib.use("agg")
    >>> display = PredictionErrorDisplay.from_predictions([1.0, 2.0, 4.0], [1.5, 2.0, 3.0])
    >>> display.scatter_.get_offsets()[:, 1].tolist()  # actual - predicted
    [-0.5, 0.0, 1.0]
    """

    def __init__(self, *, y_true, y_pred):
        self.y_true, self.y_pred = y_true, y_pred

    @classmethod
    def from_estimator(cls, estimator, X, y, *, kind="residual_vs_predicted", subsample=1000, random_state=None, ax=None,
                       scatter_kwargs=None, line_kwargs=None):
        """From what a fitted regressor predicts for X."""
        return cls.from_predictions(y, estimator.predict(X), kind=kind, subsample=subsample, random_state=random_state, ax=ax,
                                    scatter_kwargs=scatter_kwargs, line_kwargs=line_kwargs)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, kind="residual_vs_predicted", subsample=1000, random_state=None, ax=None,
                         scatter_kwargs=None, line_kwargs=None):
        """From true and predicted numbers. `subsample`: so many rows are drawn (a number, a share, or None for all)."""
        from sklearn.utils import check_random_state

        name = "PredictionErrorDisplay.from_predictions"
        y, p, _, _ = targets(name, y_true, y_pred, None)
        y, p = y[:, 0], p[:, 0]
        if subsample is not None and not subsample > 0:
            raise ParameterError(f"{name}: subsample must be a number > 0, or None, got {subsample!r}", operation=name,
                                 operands={"subsample": subsample}, rule="subsample > 0")
        rows = len(y) if subsample is None else int(subsample * len(y)) if isinstance(subsample, float) else subsample
        if rows < len(y):
            chosen = check_random_state(random_state).choice(len(y), rows, replace=False)
            y, p = y[chosen], p[chosen]
        return cls(y_true=y, y_pred=p).plot(ax=ax, kind=kind, scatter_kwargs=scatter_kwargs, line_kwargs=line_kwargs)

    def plot(self, ax=None, *, kind="residual_vs_predicted", scatter_kwargs=None, line_kwargs=None):
        """Draw on `ax`, or on new axes. `kind`: "actual_vs_predicted" or "residual_vs_predicted"."""
        one_of("PredictionErrorDisplay.plot", "kind", kind, ("actual_vs_predicted", "residual_vs_predicted"))
        ax = axes(ax)
        y, p = np.asarray(self.y_true), np.asarray(self.y_pred)
        line = {"color": "black", "alpha": 0.7, "linestyle": "--", **(line_kwargs or {})}
        dots = {"color": "tab:blue", "alpha": 0.8, **(scatter_kwargs or {})}
        if kind == "actual_vs_predicted":
            ends = min(y.min(), p.min()), max(y.max(), p.max())
            (self.line_,) = ax.plot(ends, ends, **line)
            self.scatter_ = ax.scatter(p, y, **dots)
            ax.set(aspect="equal", ylabel="Actual values")
        else:
            (self.line_,) = ax.plot((p.min(), p.max()), (0, 0), **line)
            self.scatter_ = ax.scatter(p, y - p, **dots)
            ax.set(ylabel="Residuals (actual - predicted)")
        ax.set(xlabel="Predicted values")
        self.ax_, self.figure_ = ax, ax.figure
        return self
