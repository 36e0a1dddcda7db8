"""What every metric demands of its input: equal shapes, finite values, weights that sum to something.

(n, 1) against (n,) is an error, not a guess: NumPy would make an n x n table of it and the score would be wrong.
"""

from __future__ import annotations

import warnings
from numbers import Number

import numpy as np

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.base.shapes import shapes


class WrongKind(DataError, TypeError):
    """A `DataError` where scikit-learn raises a TypeError: code that catches one goes on catching it."""


def array(operation: str, name: str, value) -> np.ndarray:
    """`value` as an array of numbers or labels with at least one axis and one row."""
    if hasattr(value, "toarray"):
        raise WrongKind(f"{operation}: {name} is a sparse matrix; pass {name}.toarray()", operation=operation,
                        operands={name: tuple(value.shape)}, rule="a dense array", suggestion=f"{name}.toarray()")
    try:
        value = np.asarray(value)
    except ValueError:
        raise ShapeError(f"{operation}: {name} is ragged: its rows have different lengths", operation=operation,
                         operands={name: (len(value),)}, rule="rows of one length") from None
    if value.ndim == 0 or value.shape[0] == 0:
        raise ShapeError(f"{operation}: Found empty input array (e.g., `y_true` or `y_pred`) while a minimum of 1 sample is "
                         f"required; the shape of {name} is {value.shape}", operation=operation,
                         operands={name: value.shape}, rule="one row or more")
    if value.dtype.kind == "S" or (value.dtype.kind == "O" and isinstance(value.flat[0], bytes)):
        raise WrongKind(f"{operation}: Support for labels represented as bytes is not supported, {name} holds {first(value)!r}. "
                        "Convert the labels to a string or integer format.", operation=operation, operands={name: value.shape},
                        rule="words or numbers", suggestion=f"{name}.astype(str)")
    if value.dtype.kind == "c":
        raise DataError(f"{operation}: Complex data not supported, {name} holds {first(value)!r}", operation=operation,
                        operands={name: value.shape}, rule="real numbers")
    return value


def check_shapes(operation: str, contract: str, **operands) -> None:
    """`shapes`, with the metric's name in front."""
    try:
        shapes(contract, **operands)
    except ShapeError as error:
        lengths = [value.shape[0] for value in operands.values() if value.ndim]
        words = "" if len(set(lengths)) == 1 else f"Found input variables with inconsistent numbers of samples: {lengths}; "
        raise ShapeError(f"{operation}: {words}{error}", operation=operation, operands=error.operands, rule=error.rule,
                         suggestion=error.suggestion) from None


def numbers(operation: str, name: str, value, check: bool = True) -> np.ndarray:
    """As `array`, in float64 (so that float32 sums lose nothing), without NaN and infinity (unless `check` is False)."""
    value = array(operation, name, value)
    try:
        value = value.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise DataError(f"{operation}: {name} must hold numbers, got {first(value)!r}", operation=operation,
                        operands={name: value.shape}, rule="numbers") from None
    if check:
        finite(operation, **{name: value})
    return value


def finite(operation: str, **arrays: np.ndarray) -> None:
    """DataError for NaN or infinity."""
    for name, value in arrays.items():
        good = np.isfinite(value)
        if not good.all():
            what = "NaN" if np.isnan(value).any() else "infinity or a value too large for float64"
            raise DataError(f"{operation}: Input {name} contains {what}, it must be finite: {value[~good][0]} is the first of "
                            f"{int(good.size - good.sum())} bad values", operation=operation, operands={name: value.shape},
                            rule="no NaN, no infinity")


def weights(operation: str, sample_weight, n: int) -> np.ndarray | None:
    """Sample weights in float64 (n,), or None for none. One number is the weight of every row."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Number):
        sample_weight = np.full(n, sample_weight)
    sample_weight = numbers(operation, "sample_weight", sample_weight)
    if sample_weight.ndim != 1:
        raise ShapeError(f"{operation}: Sample weights must be 1D array or scalar, got {sample_weight.ndim}D array: "
                         "sample_weight "
                         f"has shape {sample_weight.shape}, there are {n} rows", operation=operation,
                         operands={"sample_weight": sample_weight.shape}, rule="sample_weight: n")
    if sample_weight.size != n:
        raise ShapeError(f"{operation}: Found input variables with inconsistent numbers of samples: [{n}, {n}, "
                         f"{sample_weight.size}]; "
                         f"sample_weight.shape == {sample_weight.shape}, expected {(n,)}!", operation=operation,
                         operands={"sample_weight": sample_weight.shape}, rule=f"sample_weight: {n}")
    if not sample_weight.any():
        raise DataError(f"{operation}: Sample weights must contain at least one non-zero number. The weight is 0 in every "
                        "row, so there is "
                        "nothing to score", operation=operation, operands={"sample_weight": sample_weight.shape},
                        rule="at least one weight that is not 0")
    return sample_weight


def labels_of(operation: str, name: str, value) -> np.ndarray:
    """Class labels (n,): whole numbers, booleans or words."""
    value = array(operation, name, value)
    check_shapes(operation, f"{name}: n", **{name: value})
    if value.dtype.kind == "f":
        finite(operation, **{name: value})
        wrong = value[value != np.floor(value)]
        if wrong.size:
            raise DataError(
                f"{operation}: {name} must hold classes, got continuous values such as {wrong[0]}; classes come from predict, "
                f"or from probabilities >= 0.5", operation=operation, operands={name: value.shape}, rule="classes")
    elif value.dtype.kind == "O":
        kinds = {str if isinstance(one, str) else type(one) for one in value}
        if type(None) in kinds or any(isinstance(one, float) and one != one for one in value) or (
                str in kinds and len(kinds) > 1):
            raise DataError(f"{operation}: {name} must hold labels of one kind, got {sorted(kind.__name__ for kind in kinds)}",
                            operation=operation, operands={name: value.shape}, rule="labels of one kind, none missing")
        if kinds == {str}:
            value = value.astype(str)
        else:
            value = np.array(value.tolist())
    return value


def label_pair(operation: str, y_true, y_pred) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted labels of one length and one kind."""
    y_true, y_pred = labels_of(operation, "y_true", y_true), labels_of(operation, "y_pred", y_pred)
    check_shapes(operation, "y_true: n, y_pred: n", y_true=y_true, y_pred=y_pred)
    if (y_true.dtype.kind in "US") != (y_pred.dtype.kind in "US"):
        raise DataError(
            f"{operation}: Mix of label input types (string and number): y_true holds {_kind(y_true)} such as "
            f"{first(y_true)!r}, but "
            f"y_pred holds {_kind(y_pred)} such as {first(y_pred)!r}, which can never be equal", operation=operation,
            operands={"y_true": y_true.shape, "y_pred": y_pred.shape}, rule="labels of one kind")
    return y_true, y_pred


def positions(labels: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Index of each y in `labels` (in any order), -1 where it is not among them."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    place = np.minimum(np.searchsorted(sorted_labels, y), labels.size - 1)
    return np.where(sorted_labels[place] == y, order[place], -1)


def given_labels(operation: str, labels, like: np.ndarray) -> np.ndarray:
    """The `labels` parameter as an array of the kind of `like`."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ParameterError(f"{operation}: 'labels' should contain at least one label. Its shape is {labels.shape}",
                             operation=operation, operands={"labels": labels.shape}, rule="one axis, at least one label")
    if len(np.unique(labels)) != len(labels):
        raise ParameterError(f"{operation}: labels must differ from each other, got {labels.tolist()}", operation=operation,
                             operands={"labels": labels.shape}, rule="no label twice")
    if (labels.dtype.kind in "USO") != (like.dtype.kind in "USO"):
        raise ParameterError(f"{operation}: labels holds {first(labels)!r}, but the data hold {first(like)!r}",
                             operation=operation, operands={"labels": labels.shape}, rule="labels of the data's kind")
    return labels


def positive_label(operation: str, pos_label, classes: np.ndarray):
    """The label that counts as positive: 1 unless told, where the classes are {0, 1} or {-1, 1} (or one of those alone)."""
    if pos_label is not None:
        return pos_label
    if classes.dtype.kind in "US" or classes.tolist() not in ([0, 1], [-1, 1], [0], [1], [-1]):
        shown = ", ".join(repr(one) for one in classes.tolist()[:10])
        raise ParameterError(
            f"{operation}: y_true takes value in {{{shown}}} and pos_label is not specified: either make y_true take value in "
            f"{{0, 1}} or {{-1, 1}} or pass pos_label explicitly.", operation=operation, operands={"pos_label": None},
            rule="pos_label in y_true")
    return 1


def one_of(operation: str, name: str, value, allowed) -> None:
    """ParameterError unless `value` is among `allowed`."""
    if not any(value is option or (isinstance(value, str) and value == option) for option in allowed):
        raise ParameterError(f"{operation}: {name} must be one of {', '.join(map(repr, allowed))}, got {value!r}",
                             operation=operation, operands={name: value}, rule=f"{name} in {tuple(allowed)}")


def undefined(message: str, stacklevel: int = 3) -> None:
    """scikit-learn's warning for a score that does not exist; its package is imported only now."""
    from sklearn.exceptions import UndefinedMetricWarning

    warnings.warn(message, UndefinedMetricWarning, stacklevel=stacklevel)


def first(value: np.ndarray):
    """A value to show in an error."""
    one = value.flat[0]
    return one.item() if isinstance(one, np.generic) else one


def _kind(value: np.ndarray) -> str:
    return "words" if value.dtype.kind in "US" else "numbers"
