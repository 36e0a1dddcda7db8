"""What kind of classes y holds, with scikit-learn's words: binary, multiclass, multilabel-indicator, continuous.

    binary, multiclass       (n,) labels: whole numbers, booleans or words
    multilabel-indicator     (n, K) of two values at most, zero and another: row i has label k; also sparse

Metrics of predicted classes begin with `class_pair`, which gives the counted pairs (`counts.Cells`) of single labels, or
the two indicator matrices (`Indicators`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from homespun.base.errors import DataError, ShapeError
from homespun.metrics.checks import WrongKind, array, check_shapes, finite, label_pair, weights
from homespun.metrics.counts import count


@dataclass
class Indicators:
    """Two indicator matrices (n, K): both boolean arrays, or both sparse CSR; weights (n,) or None."""

    true: Any
    predicted: Any
    s: np.ndarray | None

    def sums(self, samplewise: bool = False, columns=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight of what is hit, predicted, true: per label, or (`samplewise`) per row. `columns`: of these labels only."""
        true, predicted = self.true, self.predicted
        if columns is not None:
            true, predicted = true[:, columns], predicted[:, columns]
        both = true.multiply(predicted) if hasattr(true, "multiply") else true & predicted
        return self.weigh(both, samplewise), self.weigh(predicted, samplewise), self.weigh(true, samplewise)

    def weigh(self, part, samplewise: bool) -> np.ndarray:
        """Weight of the entries of a matrix per label, or per row."""
        if samplewise:
            total = np.asarray(part.sum(axis=1)).ravel()
            return total if self.s is None else total * self.s
        if self.s is not None:
            return np.asarray(self.s @ part).ravel()
        return np.asarray(part.sum(axis=0)).ravel()

    def differing(self) -> np.ndarray:
        """Number of labels that differ in each row, (n,)."""
        if hasattr(self.true, "multiply"):
            return np.asarray((self.true != self.predicted).sum(axis=1)).ravel()
        return (self.true != self.predicted).sum(axis=1)


def kind_of(operation: str, name: str, y) -> str:
    """scikit-learn's name for what y is. DataError for what it has no name for."""
    if is_sparse(y):
        y = y.tocsr()
        values = np.unique(y.data)
        if y.shape[1] > 1 and (values.size <= 1 or (values.size == 2 and 0 in values)):
            return "multilabel-indicator"
        raise WrongKind(f"{operation}: Sparse input is only supported when targets are of multilabel type; pass "
                          f"{name}.toarray()", operation=operation, operands={name: tuple(y.shape)},
                          rule="an indicator matrix, or a dense array", suggestion=f"{name}.toarray()")
    y = array(operation, name, y)
    if y.ndim > 2 or (y.ndim == 2 and y.shape[1] == 0):
        raise ShapeError(f"{operation}: {name} must have 1 axis (n), or 2 (n, labels), got {y.ndim}: {y.shape}; unknown is not "
                         f"supported", operation=operation, operands={name: y.shape}, rule="n or n K")
    several = y.ndim == 2 and y.shape[1] > 1
    if y.dtype.kind == "f":
        finite(operation, **{name: y})
        if (y != np.floor(y)).any():
            return "continuous-multioutput" if several else "continuous"
    if several:
        return "multilabel-indicator" if y.dtype.kind in "biuf" and not _more_than_two(y) else "multiclass-multioutput"
    if y.dtype.kind in "biuf":
        return "multiclass" if _more_than_two(y) else "binary"
    return "multiclass" if np.unique(y.astype(str)).size > 2 else "binary"


def _more_than_two(y) -> bool:
    low, high = y.min(), y.max()
    return bool(((y != low) & (y != high)).any())


def is_sparse(y) -> bool:
    return hasattr(y, "toarray") and hasattr(y, "tocsr")


def class_pair(operation: str, y_true, y_pred, sample_weight) -> tuple[str, Any]:
    """The kind of both sides and what was counted: `Cells` for single labels, `Indicators` for several at once."""
    single = not (is_sparse(y_true) or is_sparse(y_pred)) and np.ndim(y_true) == 1 == np.ndim(y_pred)
    if not single:
        kinds = kind_of(operation, "y_true", y_true), kind_of(operation, "y_pred", y_pred)
        if set(kinds) == {"multilabel-indicator"}:
            return "multilabel-indicator", _indicators(operation, y_true, y_pred, sample_weight)
        _refuse(operation, *kinds, y_true, y_pred)
    if np.asarray(y_true).dtype.kind == "f" or np.asarray(y_pred).dtype.kind == "f":
        kinds = kind_of(operation, "y_true", y_true), kind_of(operation, "y_pred", y_pred)
        if "continuous" in kinds:
            _refuse(operation, *kinds, y_true, y_pred)
    y_true, y_pred = label_pair(operation, y_true, y_pred)
    cells = count(y_true, y_pred, weights(operation, sample_weight, len(y_true)))
    return ("binary" if cells.labels.size <= 2 else "multiclass"), cells


def _refuse(operation, true, predicted, y_true, y_pred):
    """Not both of a kind that can be scored."""
    operands = {"y_true": np.shape(y_true), "y_pred": np.shape(y_pred)}
    if true != predicted and {true, predicted} != {"binary", "multiclass"}:
        hint = ""
        for name, value, kind in (("y_true", y_true, true), ("y_pred", y_pred, predicted)):
            if kind == "continuous":
                values = np.asarray(value)
                hint = (f": {name} holds {values[values != np.floor(values)][0]}; classes come from predict, or from "
                        f"probabilities >= 0.5")
        raise DataError(f"{operation}: Classification metrics can't handle a mix of {true} and {predicted} targets{hint}",
                        operation=operation, operands=operands, rule="targets of one kind")
    if true in ("binary", "multiclass"):
        for name, value in (("y_true", np.asarray(y_true)), ("y_pred", np.asarray(y_pred))):
            check_shapes(operation, f"{name}: n", **{name: value})
    raise DataError(f"{operation}: {true} is not supported, classes are whole numbers or words, in one "
                    "column", operation=operation,
                    operands=operands, rule="classes")


def _indicators(operation, y_true, y_pred, sample_weight) -> Indicators:
    if is_sparse(y_true) and is_sparse(y_pred):
        y_true, y_pred = (y.tocsr().astype(bool).astype(np.int64) for y in (y_true, y_pred))
        for y in (y_true, y_pred):
            y.eliminate_zeros()
    else:
        y_true, y_pred = (y.toarray() if is_sparse(y) else np.asarray(y) for y in (y_true, y_pred))
        y_true, y_pred = y_true != 0, y_pred != 0
    if y_true.shape[1] != y_pred.shape[1]:
        raise ShapeError(f"{operation}: Multi-label binary indicator input with different numbers of labels, "
                         f"{y_true.shape[1]} in "
                         f"y_true and {y_pred.shape[1]} in y_pred", operation=operation,
                         operands={"y_true": y_true.shape, "y_pred": y_pred.shape}, rule="y_true: n K, y_pred: n K")
    check_shapes(operation, "y_true: n K, y_pred: n K", y_true=y_true, y_pred=y_pred)
    return Indicators(y_true, y_pred, weights(operation, sample_weight, y_true.shape[0]))
