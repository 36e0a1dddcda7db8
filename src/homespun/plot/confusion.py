"""The confusion matrix as a picture."""

from __future__ import annotations

import numpy as np

from homespun.metrics.classification import confusion, confusion_matrix
from homespun.plot.axes import axes


class ConfusionMatrixDisplay:
    """True classes in rows, predicted ones in columns; each number in the colour that its cell leaves readable.

    >>> import matplotlib; matplotlib.use("agg")
    >>> display = ConfusionMatrixDisplay.from_predictions(["cat", "dog", "cat"], ["cat", "cat", "cat"])
    >>> [text.get_text() for text in display.text_.ravel()]
    ['2', '0', '1', '0']
    """

    def __init__(self, confusion_matrix, *, display_labels=None):
        self.confusion_matrix, self.display_labels = np.asarray(confusion_matrix), display_labels

    @classmethod
    def from_estimator(cls, estimator, X, y, *, labels=None, sample_weight=None, normalize=None, display_labels=None,
                       include_values=True, xticks_rotation="horizontal", values_format=None, cmap="viridis", ax=None,
                       colorbar=True, im_kw=None, text_kw=None):
        """From what a fitted classifier predicts for X."""
        return cls.from_predictions(y, estimator.predict(X), labels=labels, sample_weight=sample_weight, normalize=normalize,
                                    display_labels=display_labels, include_values=include_values,
                                    xticks_rotation=xticks_rotation, values_format=values_format, cmap=cmap, ax=ax,
                                    colorbar=colorbar, im_kw=im_kw, text_kw=text_kw)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, labels=None, sample_weight=None, normalize=None, display_labels=None, **drawing):
        """From true and predicted classes. `normalize`: "true", "pred", "all" divide by rows, columns, everything."""
        matrix = confusion_matrix(y_true, y_pred, labels=labels, sample_weight=sample_weight, normalize=normalize)
        if display_labels is None:
            display_labels = confusion("ConfusionMatrixDisplay", y_true, y_pred, labels, sample_weight)[1]
        return cls(matrix, display_labels=display_labels).plot(**drawing)

    def plot(self, *, include_values=True, cmap="viridis", xticks_rotation="horizontal", values_format=None, ax=None,
             colorbar=True, im_kw=None, text_kw=None):
        """Draw on `ax`, or on new axes. `values_format`: of the numbers; "d" for counts, else ".2g"."""
        ax = axes(ax)
        matrix = self.confusion_matrix
        size = len(matrix)
        self.im_ = ax.imshow(matrix, **{"interpolation": "nearest", "cmap": cmap, **(im_kw or {})})
        self.text_ = None
        if include_values:
            written = values_format or ("d" if matrix.dtype.kind in "iu" else ".2g")
            low, high = self.im_.cmap(0), self.im_.cmap(1.0)
            middle = (matrix.max() + matrix.min()) / 2.0
            self.text_ = np.empty((size, size), dtype=object)
            for (row, column), value in np.ndenumerate(matrix):
                look = {"ha": "center", "va": "center", "color": high if value < middle else low, **(text_kw or {})}
                self.text_[row, column] = ax.text(column, row, format(value, written), **look)
        if colorbar:
            ax.figure.colorbar(self.im_, ax=ax)
        names = np.arange(size) if self.display_labels is None else self.display_labels
        ax.set(xticks=np.arange(size), yticks=np.arange(size), xticklabels=names, yticklabels=names, ylabel="True label",
               xlabel="Predicted label", ylim=(size - 0.5, -0.5))
        for label in ax.get_xticklabels():
            label.set_rotation(xticks_rotation)
        self.ax_, self.figure_ = ax, ax.figure
        return self
