"""What trees and forests prepare alike: coded targets, weights with class weights, sizes given as shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
import scipy.sparse as sp

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.base.params import Integer, OneOf, Real, Satisfies


class Share(Real):
    """A number that is not a whole number by type: 1.0 is all of it, 1 is one of it."""

    noun = "a fraction"

    def kind(self, value):
        return super().kind(value) and not isinstance(value, (int, np.integer))


SIZES = {
    "max_depth": Integer(low=1) | None,
    "min_samples_split": Integer(low=2) | Share(0.0, 1.0, open="low"),
    "min_samples_leaf": Integer(low=1) | Share(0.0, 1.0, open="both"),
    "min_weight_fraction_leaf": Real(0.0, 0.5),
    "max_features": Integer(low=1) | Share(0.0, 1.0, open="low") | OneOf("sqrt", "log2", None),
    "max_leaf_nodes": Integer(low=2) | None,
    "min_impurity_decrease": Real(low=0.0),
    "ccp_alpha": Real(low=0.0),
    "monotonic_cst": Satisfies(lambda value: value is None or hasattr(value, "__len__"), "None or a list of -1, 0 and 1"),
}


def sizes(estimator, n, d):
    """(rows to split a node, rows in a leaf, features to look at) as whole numbers, for n rows and d features."""
    leaf, split, features = estimator.min_samples_leaf, estimator.min_samples_split, estimator.max_features
    leaf = leaf if isinstance(leaf, (int, np.integer)) else ceil(leaf * n)
    split = split if isinstance(split, (int, np.integer)) else max(2, ceil(split * n))
    if features == "sqrt":
        features = int(np.sqrt(d))
    elif features == "log2":
        features = int(np.log2(d))
    elif features is None:
        features = d
    elif not isinstance(features, (int, np.integer)):
        features = int(features * d)
    return int(max(split, 2 * leaf)), int(leaf), int(min(max(1, features), d))


@dataclass
class Target:
    """y as trees read it: codes or numbers (n, outputs), with the names of the codes."""

    y: np.ndarray
    classes: list[np.ndarray] = field(default_factory=list)  # per output; empty for numbers

    @property
    def n_classes(self):
        return [len(names) for names in self.classes] or None


def encode(estimator, y, is_classifier) -> Target:
    """Check y; classes become 0, 1, … in sorted order."""
    if sp.issparse(y):
        raise DataError(f"{type(estimator).__name__}.fit: a sparse y is not supported, pass y.toarray()",
                        operation="fit", operands={"y": y.shape}, rule="y is dense", suggestion="y.toarray()")
    y = np.asarray(y)
    y = y[:, None] if y.ndim == 1 else y
    if not is_classifier:
        y = y.astype(np.float64)
        if getattr(estimator, "criterion", "") == "poisson" and (y.min() < 0 or (y.sum(axis=0) <= 0).any()):
            raise DataError(f"{type(estimator).__name__}.fit: Some value(s) of y are negative, or their sum is not "
                            f"positive, which is not allowed for Poisson regression: the least is {y.min()}",
                            operation="fit", operands={"y": y.shape}, rule="y >= 0 and sum(y) > 0")
        return Target(y)
    from sklearn.utils.multiclass import check_classification_targets

    try:
        check_classification_targets(y)
    except ValueError as error:
        raise DataError(f"{type(estimator).__name__}.fit: {error}", operation="fit", operands={"y": y.shape},
                        rule="y holds classes") from None
    pairs = [np.unique(y[:, o], return_inverse=True) for o in range(y.shape[1])]
    return Target(np.column_stack([codes for _, codes in pairs]).astype(np.float64), [names for names, _ in pairs])


def class_factors(class_weight, target: Target, weights) -> list[np.ndarray]:
    """Per output, the factor of each class. "balanced" gives every class the same total weight."""
    factors = []
    for output, names in enumerate(target.classes):
        each = not isinstance(class_weight, (str, dict, type(None)))
        wanted = class_weight[output] if each and output < len(class_weight) else class_weight
        if wanted is None:
            factors.append(np.ones(len(names)))
        elif isinstance(wanted, str):
            collected = np.bincount(target.y[:, output].astype(int), weights, minlength=len(names))
            factors.append(collected.sum() / (len(names) * collected))
        elif not isinstance(wanted, dict):
            raise ParameterError(f"class_weight must be a dict of class → weight, or a list of one for each output, "
                                 f"got {type(wanted).__name__} in it", operation="fit",
                                 operands={"class_weight": type(class_weight).__name__}, rule="dicts of class → weight")
        else:
            known = {key: value for key, value in wanted.items() if key in names}
            if len(known) < len(wanted) and len(known) < len(names):
                strange = [key for key in wanted if key not in known]
                raise ParameterError(f"class_weight names classes that y does not hold: {strange}; y holds {list(names)}",
                                     operation="fit", operands={"class_weight": strange}, rule="keys are classes of y")
            factors.append(np.array([float(known.get(name, 1.0)) for name in names.tolist()]))
    return factors


def row_factors(factors, target: Target):
    """Product over outputs of each row's class factor: (n,)."""
    product = np.ones(len(target.y))
    for output, factor in enumerate(factors):
        product *= factor[target.y[:, output].astype(int)]
    return product


def monotonic_signs(estimator, d, target: Target):
    """`monotonic_cst` as (d,) int64, with the sign that the first statistic follows; None if there is none."""
    if estimator.monotonic_cst is None:
        return None
    signs, name = np.asarray(estimator.monotonic_cst), type(estimator).__name__
    if signs.shape != (d,):
        raise ShapeError(f"{name}: monotonic_cst has shape {signs.shape} but the input data X has {d} features.",
                         operation="fit", operands={"monotonic_cst": signs.shape}, rule=f"monotonic_cst: {d}")
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ParameterError(f"{name}: monotonic_cst must be None or an array-like of -1, 0 or 1, but got "
                             f"{np.unique(signs)}", operation="fit", operands={"monotonic_cst": np.unique(signs).tolist()},
                             rule="entries -1, 0, 1")
    if target.y.shape[1] > 1 or (target.classes and len(target.classes[0]) > 2):
        what = "multiple outputs" if target.y.shape[1] > 1 else "multiclass classification"
        raise DataError(f"{name}: Monotonicity constraints are not supported with {what}", operation="fit",
                        operands={"y": target.y.shape}, rule="one output, at most two classes")
    return signs.astype(np.int64) * (-1 if target.classes else 1)  # the first statistic is the share of class 0
