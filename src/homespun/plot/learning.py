"""Scores over the number of training rows, and over the values of a parameter; the band is one deviation of the folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from homespun.metrics.checks import one_of
from homespun.metrics.scorer import resolved
from homespun.plot.axes import axes


class _Scores:
    """Training and test scores (values, folds) as two lines."""

    train_scores: np.ndarray
    test_scores: np.ndarray
    score_name: str | None
    _values: Callable

    def plot(self, ax=None, *, negate_score=False, score_name=None, score_type="both", std_display_style="fill_between",
             line_kw=None, fill_between_kw=None, errorbar_kw=None):
        """Draw on `ax`, or on new axes.

        `negate_score` turns the sign of losses back; `score_type`: "train", "test", "both"; `std_display_style`:
        "fill_between", "errorbar" or None.
        """
        name = f"{type(self).__name__}.plot"
        one_of(name, "score_type", score_type, ("train", "test", "both"))
        one_of(name, "std_display_style", std_display_style, ("fill_between", "errorbar", None))
        ax = axes(ax)
        x, xlabel = self._values()
        sides = {"Train": self.train_scores, "Test": self.test_scores}
        shown = {side: np.asarray(scores) * (-1 if negate_score else 1) for side, scores in sides.items()
                 if score_type in ("both", side.lower())}
        self.lines_: list | None = None
        self.fill_between_: list | None = None
        self.errorbar_: list | None = None
        if std_display_style in ("fill_between", None):
            self.lines_ = [ax.plot(x, scores.mean(1), **{"label": side, "marker": "o", **(line_kw or {})})[0]
                           for side, scores in shown.items()]
        if std_display_style == "fill_between":
            self.fill_between_ = [
                ax.fill_between(x, scores.mean(1) - scores.std(1), scores.mean(1) + scores.std(1),
                                **{"alpha": 0.3, "color": line.get_color(), **(fill_between_kw or {})})
                for line, scores in zip(self.lines_ or [], shown.values())]
        if std_display_style == "errorbar":
            self.errorbar_ = [ax.errorbar(x, scores.mean(1), scores.std(1), **{"label": side, **(errorbar_kw or {})})
                              for side, scores in shown.items()]
        if _is_geometric(x):
            ax.set_xscale("log")
        ax.set(xlabel=xlabel, ylabel=score_name or self.score_name or "Score")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


class LearningCurveDisplay(_Scores):
    """Does more data help? Where both lines have met, it does not; where they are apart, the model varies too much."""

    def __init__(self, *, train_sizes, train_scores, test_scores, score_name=None):
        self.train_sizes, self.train_scores, self.test_scores = train_sizes, train_scores, test_scores
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, groups=None, train_sizes=None, cv=None, scoring=None, n_jobs=None, shuffle=False,
                       random_state=None, ax=None, score_name=None, **drawing):
        """Fit on growing parts of X in each fold. `train_sizes`: shares or numbers of rows; default 0.1 … 1 in five steps."""
        from sklearn.model_selection import learning_curve

        sizes, train, test = learning_curve(
            estimator, X, y, groups=groups, train_sizes=np.linspace(0.1, 1.0, 5) if train_sizes is None else train_sizes, cv=cv,
            scoring=resolved(scoring), n_jobs=n_jobs, shuffle=shuffle, random_state=random_state)
        return cls(train_sizes=sizes, train_scores=train, test_scores=test,
                   score_name=score_name or _title(scoring, drawing)).plot(ax=ax, **drawing)

    def _values(self):
        return np.asarray(self.train_sizes), "Number of samples in the training set"


class ValidationCurveDisplay(_Scores):
    """Which value of a parameter? Left of the best test score the model is too stiff (or too loose), right of it the reverse."""

    def __init__(self, *, param_name, param_range, train_scores, test_scores, score_name=None):
        self.param_name, self.param_range = param_name, param_range
        self.train_scores, self.test_scores, self.score_name = train_scores, test_scores, score_name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, param_name, param_range, groups=None, cv=None, scoring=None, n_jobs=None, ax=None,
                       score_name=None, **drawing):
        """Fit with each value of the parameter in each fold."""
        from sklearn.model_selection import validation_curve

        train, test = validation_curve(estimator, X, y, param_name=param_name, param_range=param_range, groups=groups, cv=cv,
                                       scoring=resolved(scoring), n_jobs=n_jobs)
        return cls(param_name=param_name, param_range=np.asarray(param_range), train_scores=train, test_scores=test,
                   score_name=score_name or _title(scoring, drawing)).plot(ax=ax, **drawing)

    def _values(self):
        return np.asarray(self.param_range), self.param_name


def _title(scoring, drawing):
    if not isinstance(scoring, str):
        return "Score"
    words = scoring.removeprefix("neg_").replace("_", " ")
    return f"Negative {words}" if scoring.startswith("neg_") and not drawing.get("negate_score") else words.capitalize()


def _is_geometric(x) -> bool:
    """Whether values lie more evenly on a logarithmic axis."""
    if x.dtype.kind not in "if" or len(x) < 3 or x.min() <= 0:
        return False
    steps, ratios = np.diff(np.sort(x)), np.diff(np.log(np.sort(x)))
    return bool(steps.max() / max(steps.min(), 1e-300) > 5 and ratios.max() / max(ratios.min(), 1e-300) < 5)
