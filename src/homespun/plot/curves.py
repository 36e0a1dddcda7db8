"""Curves of a binary classifier: ROC, precision-recall, DET, calibration. The numbers are those of `homespun.metrics`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from homespun.metrics.calibration import calibration_curve
from homespun.metrics.ranking import det_curve, precision_recall_curve, roc_curve
from homespun.metrics.ranking_areas import average_precision_score, roc_auc_score
from homespun.plot.axes import axes, positive_scores


class _Curve:
    """From scores to a line: subclasses say `from_predictions` and `plot`."""

    corner: str  # of the legend
    pos_label: Any
    from_predictions: ClassVar[Callable]

    @classmethod
    def from_estimator(cls, estimator, X, y, *, sample_weight=None, response_method="auto", pos_label=None, name=None, ax=None,
                       **kwargs):
        """Score the rows of X with a fitted classifier, and draw. `response_method` "auto": probabilities if it has them."""
        score, pos_label = positive_scores(f"{cls.__name__}.from_estimator", estimator, X, response_method, pos_label)
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        name = name or type(estimator).__name__
        return cls.from_predictions(y, score, pos_label=pos_label, name=name, ax=ax, **weighted, **kwargs)

    def _finish(self, ax, xlabel, ylabel, square=True):
        if self.pos_label is not None:
            xlabel, ylabel = (f"{text} (Positive label: {self.pos_label})" for text in (xlabel, ylabel))
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if square:
            ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        if ax.get_legend_handles_labels()[1]:
            ax.legend(loc=self.corner)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class RocCurveDisplay(_Curve):
    """True positive rate over false positive rate: how many positives a threshold finds, and what it costs.

    >>> import matplotlib; matplotlib.use("agg")
    >>> display = RocCurveDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], plot_chance_level=True)
    >>> display.roc_auc, display.line_.get_label()
    (0.75, 'Classifier (AUC = 0.75)')
    """

    corner = "lower right"

    def __init__(self, *, fpr, tpr, roc_auc=None, name=None, pos_label=None):
        self.fpr, self.tpr, self.roc_auc, self.name, self.pos_label = fpr, tpr, roc_auc, name, pos_label

    @classmethod
    def from_predictions(cls, y_true, y_score, *, sample_weight=None, drop_intermediate=True, pos_label=None, name=None, ax=None,
                         **kwargs):
        """From true classes and scores."""
        fpr, tpr, _ = roc_curve(y_true, y_score, pos_label=pos_label, sample_weight=sample_weight,
                                drop_intermediate=drop_intermediate)
        positive = np.asarray(y_true) == (1 if pos_label is None else pos_label)
        area = roc_auc_score(positive, y_score, sample_weight=sample_weight)
        return cls(fpr=fpr, tpr=tpr, roc_auc=area, name=name or "Classifier", pos_label=pos_label).plot(ax, **kwargs)

    def plot(self, ax=None, *, name=None, plot_chance_level=False, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to the line."""
        ax = axes(ax)
        label = name or self.name
        if self.roc_auc is not None:
            label = f"{label or ''} (AUC = {self.roc_auc:0.2f})".strip()
        (self.line_,) = ax.plot(self.fpr, self.tpr, **{"label": label, "drawstyle": "default", **kwargs})
        if plot_chance_level:
            (self.chance_level_,) = ax.plot((0, 1), (0, 1), color="k", linestyle="--", label="Chance level (AUC = 0.5)")
        return self._finish(ax, "False Positive Rate", "True Positive Rate")


class PrecisionRecallDisplay(_Curve):
    """Precision over recall: how clean the found rows are, for each share of the positives that is found."""

    corner = "lower left"

    def __init__(self, precision, recall, *, average_precision=None, name=None, pos_label=None, prevalence=None):
        self.precision, self.recall, self.average_precision = precision, recall, average_precision
        self.name, self.pos_label, self.prevalence = name, pos_label, prevalence

    @classmethod
    def from_predictions(cls, y_true, y_score, *, sample_weight=None, drop_intermediate=False, pos_label=None, name=None, ax=None,
                         **kwargs):
        """From true classes and scores."""
        precision, recall, _ = precision_recall_curve(y_true, y_score, pos_label=pos_label, sample_weight=sample_weight,
                                                      drop_intermediate=drop_intermediate)
        positive = np.asarray(y_true) == (1 if pos_label is None else pos_label)
        mean = average_precision_score(positive, y_score, sample_weight=sample_weight, pos_label=True)
        share = float(np.average(positive, weights=sample_weight))
        return cls(precision, recall, average_precision=mean, name=name or "Classifier", pos_label=pos_label,
                   prevalence=share).plot(ax, **kwargs)

    def plot(self, ax=None, *, name=None, plot_chance_level=False, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to the line."""
        ax = axes(ax)
        label = name or self.name
        if self.average_precision is not None:
            label = f"{label or ''} (AP = {self.average_precision:0.2f})".strip()
        (self.line_,) = ax.plot(self.recall, self.precision, **{"label": label, "drawstyle": "steps-post", **kwargs})
        if plot_chance_level:
            (self.chance_level_,) = ax.plot((0, 1), (self.prevalence, self.prevalence), color="k", linestyle="--",
                                            label=f"Chance level (AP = {self.prevalence:0.2f})")
        return self._finish(ax, "Recall", "Precision")


class DetCurveDisplay(_Curve):
    """False negative over false positive rate, both on the scale of the normal quantile: good classifiers give straight lines."""

    corner = "upper right"

    def __init__(self, *, fpr, fnr, name=None, pos_label=None):
        self.fpr, self.fnr, self.name, self.pos_label = fpr, fnr, name, pos_label

    @classmethod
    def from_predictions(cls, y_true, y_score, *, sample_weight=None, drop_intermediate=True, pos_label=None, name=None, ax=None,
                         **kwargs):
        """From true classes and scores."""
        fpr, fnr, _ = det_curve(y_true, y_score, pos_label=pos_label, sample_weight=sample_weight,
                                drop_intermediate=drop_intermediate)
        return cls(fpr=fpr, fnr=fnr, name=name or "Classifier", pos_label=pos_label).plot(ax, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to the line."""
        from scipy.special import ndtri

        ax = axes(ax)
        least = np.finfo(np.float64).eps  # rates of 0 and 1 lie at infinity
        x, y = (ndtri(np.clip(rate, least, 1 - least)) for rate in (self.fpr, self.fnr))
        (self.line_,) = ax.plot(x, y, **{"label": name or self.name, **kwargs})
        ticks = np.array([0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999])
        texts = [f"{tick:.0%}" if float(tick * 100).is_integer() else f"{tick:.1%}" for tick in ticks]
        ax.set(xticks=ndtri(ticks), xticklabels=texts, yticks=ndtri(ticks), yticklabels=texts, xlim=(-3, 3), ylim=(-3, 3))
        return self._finish(ax, "False Positive Rate", "False Negative Rate", square=False)


class CalibrationDisplay(_Curve):
    """Share of positives over mean probability, bin by bin: on the diagonal, 70 % means 70 %."""

    corner = "lower right"

    def __init__(self, prob_true, prob_pred, y_prob, *, estimator_name=None, pos_label=None):
        self.prob_true, self.prob_pred, self.y_prob = prob_true, prob_pred, y_prob
        self.estimator_name, self.pos_label = estimator_name, pos_label

    @classmethod
    def from_estimator(cls, estimator, X, y, *, n_bins=5, strategy="uniform", pos_label=None, name=None, ax=None, ref_line=True,
                       **kwargs):
        """From the probabilities that a fitted classifier gives to the rows of X."""
        p, pos_label = positive_scores("CalibrationDisplay.from_estimator", estimator, X, "predict_proba", pos_label)
        return cls.from_predictions(y, p, n_bins=n_bins, strategy=strategy, pos_label=pos_label,
                                    name=name or type(estimator).__name__, ax=ax, ref_line=ref_line, **kwargs)

    @classmethod
    def from_predictions(cls, y_true, y_prob, *, n_bins=5, strategy="uniform", pos_label=None, name=None, ax=None, ref_line=True,
                         **kwargs):
        """From true classes and probabilities."""
        true, predicted = calibration_curve(y_true, y_prob, pos_label=pos_label, n_bins=n_bins, strategy=strategy)
        return cls(true, predicted, y_prob, estimator_name=name or "Classifier", pos_label=pos_label).plot(
            ax=ax, ref_line=ref_line, **kwargs)

    def plot(self, *, ax=None, name=None, ref_line=True, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to the line."""
        ax = axes(ax)
        if ref_line and "Perfectly calibrated" not in ax.get_legend_handles_labels()[1]:
            ax.plot([0, 1], [0, 1], "k:", label="Perfectly calibrated")
        (self.line_,) = ax.plot(self.prob_pred, self.prob_true, **{"marker": "s", "label": name or self.estimator_name, **kwargs})
        return self._finish(ax, "Mean predicted probability", "Fraction of positives")
