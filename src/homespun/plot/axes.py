"""What every display shares: axes to draw on, and the scores of a classifier's positive class."""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, HomespunError, ParameterError


def axes(ax=None, **subplots):
    """`ax`, or the axes of a new figure. matplotlib is imported here."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise HomespunError("plot: matplotlib is not installed: pip install 'homespun[plot]'", operation="plot", operands={},
                            rule="matplotlib is there", suggestion="pip install 'homespun[plot]'") from None
    return plt.subplots(**subplots)[1]


def positive_scores(operation: str, estimator, X, response_method: str = "auto", pos_label=None):
    """(score of the positive class for each row, that class). "auto": probabilities, else the decision function."""
    allowed = ("auto", "predict_proba", "decision_function")
    if response_method not in allowed:
        raise ParameterError(f"{operation}: response_method must be one of {allowed}, got "
                             f"{response_method!r}", operation=operation,
                             operands={"response_method": response_method}, rule=f"one of {allowed}")
    classes = getattr(estimator, "classes_", None)
    if classes is None or len(classes) != 2:
        found = "none" if classes is None else f"{len(classes)}: {np.asarray(classes).tolist()[:10]}"
        raise DataError(f"{operation}: {type(estimator).__name__} should be a fitted binary classifier, its classes are {found}",
                        operation=operation, operands={"estimator": type(estimator).__name__}, rule="two classes")
    classes = np.asarray(classes)
    pos_label = classes[1] if pos_label is None else pos_label
    if pos_label not in classes.tolist():
        raise ParameterError(f"{operation}: pos_label={pos_label!r} is not a class, they are "
                             f"{classes.tolist()}", operation=operation,
                             operands={"pos_label": pos_label}, rule="pos_label in classes_")
    place = classes.tolist().index(pos_label)
    if response_method == "auto":
        response_method = "predict_proba" if hasattr(estimator, "predict_proba") else "decision_function"
    values = np.asarray(getattr(estimator, response_method)(X))
    return (values[:, place] if response_method == "predict_proba" else values if place == 1 else -values), pos_label
