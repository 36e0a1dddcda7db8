"""Where a model of two features decides what: the boundary and the surface.

In d dimensions a boundary is a set of d - 1 dimensions; it is a line only because X has two columns here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from homespun.base.errors import ParameterError, ShapeError
from homespun.metrics.checks import one_of
from homespun.plot.axes import axes


class DecisionBoundaryDisplay:
    """The response of a fitted model over a grid of its two features.

    >>> import matplotlib; matplotlib.use("agg")
    >>> from homespun.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 2])
    >>> DecisionBoundaryDisplay.from_estimator(model, np.array([[0.0, 0.0], [1.0, 1.0]]), grid_resolution=5).response.shape
    (5, 5)
    """

    def __init__(self, *, xx0, xx1, n_classes, response, xlabel=None, ylabel=None):
        self.xx0, self.xx1, self.n_classes, self.response = xx0, xx1, n_classes, response
        self.xlabel, self.ylabel = xlabel, ylabel

    @classmethod
    def from_estimator(cls, estimator, X, *, grid_resolution=100, eps=1.0, plot_method="contourf", response_method="auto",
                       class_of_interest=None, xlabel=None, ylabel=None, ax=None, **kwargs):
        """Ask the model on a grid that reaches `eps` beyond the rows of X.

        `response_method`: "auto" is the decision function, probabilities or predictions, what it has first (for more than two
        classes without a `class_of_interest`: predictions). `plot_method`: also "surface", in three dimensions.
        """
        name = "DecisionBoundaryDisplay.from_estimator"
        if not grid_resolution > 1:
            raise ParameterError(f"{name}: grid_resolution must be greater than 1. Got {grid_resolution} "
                                 "instead.", operation=name,
                                 operands={"grid_resolution": grid_resolution}, rule="grid_resolution > 1")
        if not eps >= 0:
            raise ParameterError(f"{name}: eps must be greater than or equal to 0. Got {eps} instead.", operation=name,
                                 operands={"eps": eps}, rule="eps >= 0")
        names = list(X.columns) if hasattr(X, "columns") else ["", ""]
        rows = np.asarray(X)
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise ShapeError(f"{name}: n_features must be equal to 2. Got X {rows.shape} instead.", operation=name,
                             operands={"X": rows.shape}, rule="X: n 2")
        (low0, low1), (high0, high1) = rows.min(0) - eps, rows.max(0) + eps
        xx0, xx1 = np.meshgrid(np.linspace(low0, high0, grid_resolution), np.linspace(low1, high1, grid_resolution))
        grid = np.column_stack([xx0.ravel(), xx1.ravel()])
        if hasattr(X, "columns"):
            grid = type(X)(grid, columns=names) if not hasattr(X, "lazy") else type(X)(grid, schema=names)
        response, n_classes = _response(name, estimator, grid, response_method, class_of_interest)
        display = cls(xx0=xx0, xx1=xx1, n_classes=n_classes, response=response.reshape(xx0.shape),
                      xlabel=names[0] if xlabel is None else xlabel, ylabel=names[1] if ylabel is None else ylabel)
        return display.plot(plot_method=plot_method, ax=ax, **kwargs)

    def plot(self, plot_method="contourf", ax=None, xlabel=None, ylabel=None, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to matplotlib's function of that name."""
        one_of("DecisionBoundaryDisplay.plot", "plot_method", plot_method, ("contourf", "contour", "pcolormesh", "surface"))
        if plot_method == "surface":
            ax = axes(ax, subplot_kw={"projection": "3d"})
            self.surface_ = ax.plot_surface(self.xx0, self.xx1, self.response, **{"cmap": "viridis", **kwargs})
        else:
            ax = axes(ax)
            if self.n_classes > 2 and plot_method != "pcolormesh":
                kwargs.setdefault("levels", np.arange(self.n_classes + 1) - 0.5)
            self.surface_ = getattr(ax, plot_method)(self.xx0, self.xx1, self.response, **kwargs)
        ax.set(xlabel=xlabel or ax.get_xlabel() or self.xlabel, ylabel=ylabel or ax.get_ylabel() or self.ylabel)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _response(name, estimator, grid, method, class_of_interest):
    """(values of the grid's rows, number of classes; 2 for anything that is one number)."""
    one_of(name, "response_method", method, ("auto", "predict_proba", "decision_function", "predict"))
    classes: Any = getattr(estimator, "classes_", None)
    several = classes is not None and len(classes) > 2
    if class_of_interest is not None and (classes is None or class_of_interest not in np.asarray(classes).tolist()):
        raise ParameterError(f"{name}: class_of_interest={class_of_interest} is not a valid label: It should be one of {classes}",
                             operation=name, operands={"class_of_interest": class_of_interest}, rule="a class of the estimator")
    if method == "auto":
        order = ["predict"] if several and class_of_interest is None else ["decision_function", "predict_proba", "predict"]
        method = next((one for one in order if hasattr(estimator, one)), "predict")
    values = np.asarray(getattr(estimator, method)(grid))
    if method == "predict":
        if classes is not None:
            values = np.searchsorted(classes, values)
        return values.astype(np.float64), len(classes) if several else 2
    place = 1 if class_of_interest is None else np.asarray(classes).tolist().index(class_of_interest)
    if values.ndim == 1:
        return (values if place == 1 else -values), 2
    if several and class_of_interest is None:
        return values.argmax(axis=1).astype(np.float64), len(classes)
    return values[:, place], 2
