"""Agreement beyond chance.                     c_ab: weight of the rows that y1 calls a and y2 b; t, p its row and column sums

    Cohen's kappa      1 - sum_ab w_ab c_ab / sum_ab w_ab t_a p_b / N      w_ab: [a != b], |a - b| or (a - b)^2
    Matthews           (N sum_a c_aa - t.p) / sqrt((N^2 - p.p) (N^2 - t.t))        a correlation, for K classes R_K
    likelihood ratios  LR+ = recall / (1 - specificity)        LR- = (1 - recall) / specificity

Cohen 1960, Educational and Psychological Measurement 20(1); Gorodkin 2004, Computational Biology and Chemistry 28.
"""

from __future__ import annotations

from numbers import Real

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import one_of, undefined
from homespun.metrics.classification import confusion, single


def cohen_kappa_score(y1, y2, *, labels=None, weights=None, sample_weight=None, replace_undefined_by=np.nan):
    """Agreement of two raters, 0 for chance and 1 for perfect. `weights`: None, "linear" or "quadratic" for ordered classes.

    `replace_undefined_by` is the value where both used one label only, or where y2 used none of `labels`; with a warning.

    >>> round(cohen_kappa_score(["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15), 4)
    0.4
    """
    name = "cohen_kappa_score"
    one_of(name, "weights", weights, ("linear", "quadratic", None))
    try:
        c, _ = confusion(name, y1, y2, labels, sample_weight)
    except (DataError, ParameterError) as error:
        if "At least one label" not in str(error) and "but the data hold" not in str(error):
            raise
        raise DataError(f"{name}: At least one label in `labels` must be present in `y1` (even though `{name}` is otherwise "
                        f"agnostic to the order of `y1` and `y2`), got {np.asarray(labels).tolist()[:10]}", operation=name,
                        operands=error.operands, rule=error.rule) from None
    c = c.astype(np.float64)
    t, p = c.sum(1), c.sum(0)
    if p.sum() == 0:
        undefined(f"`y2` contains no labels that are present in both `y1` and `labels`.`{name}` is undefined and set to the "
                  "value "
                  f"defined by the `replace_undefined_by` param, which is set to {replace_undefined_by}.")
        return replace_undefined_by
    distance = np.abs(np.subtract.outer(np.arange(len(c)), np.arange(len(c)))).astype(np.float64)
    w = {None: (distance != 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[weights]
    by_chance = (w * (np.outer(p, t) / p.sum())).sum()
    if by_chance == 0:
        undefined(f"`y1`, `y2` and `labels` have only one label in common. `{name}` is undefined and set to the value defined by "
                  f"the the `replace_undefined_by` param, which is set to {replace_undefined_by}.")
        return replace_undefined_by
    return float(1 - (w * c).sum() / by_chance)


def matthews_corrcoef(y_true, y_pred, *, sample_weight=None):
    """Correlation of true and predicted classes, -1 … 1; 0 where one side is constant.

    >>> round(matthews_corrcoef([1, 1, 1, -1], [1, -1, 1, 1]), 2)
    -0.33
    """
    hits, predicted, true = (part.astype(np.float64) for part in
                             single("matthews_corrcoef", y_true, y_pred, sample_weight).per_class())
    total = predicted.sum()
    together = hits.sum() * total - true @ predicted
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    return 0.0 if spread == 0 else float(together / np.sqrt(spread))


def class_likelihood_ratios(y_true, y_pred, *, labels=None, sample_weight=None, replace_undefined_by=np.nan):
    """(LR+, LR-): how a positive and a negative prediction change the odds of the positive class.

    `labels` are [negative, positive]. `replace_undefined_by` (a number, or {"LR+": …, "LR-": …}) is the value where false
    positives, or true negatives, are missing; with a warning.

    >>> class_likelihood_ratios([0, 1, 0, 1, 0], [1, 1, 0, 0, 0])
    (1.5, 0.75)
    """
    name = "class_likelihood_ratios"
    cells = single(name, y_true, y_pred, sample_weight)
    if cells.labels.size > 2:
        raise DataError(f"{name}: class_likelihood_ratios only supports binary classification problems, got targets of type: "
                        f"multiclass, with {cells.labels.size} classes", operation=name,
                        operands={"y_true": np.shape(y_true)}, rule="two classes")
    instead = _replacements(name, replace_undefined_by)
    c, _ = confusion(name, y_true, y_pred, labels, sample_weight)
    if c.shape != (2, 2):
        raise DataError(f"{name}: two classes are needed, got {c.shape[0]}; name both in labels", operation=name,
                        operands={"y_true": np.shape(y_true)}, rule="two classes", suggestion="labels=[…]")
    tn, fp, fn, tp = c.ravel()
    positive, negative = tp + fn, tn + fp
    if positive == 0:
        undefined("No samples of the positive class are present in `y_true`. `positive_likelihood_ratio` and "
                  "`negative_likelihood_ratio` are both set to `np.nan`. Use the `replace_undefined_by` param to control this "
                  "behavior.")
    advice = "set to `np.nan`. Use the `replace_undefined_by` param to control this behavior."
    if fp == 0:
        undefined(("No samples were predicted for the positive class and `positive_likelihood_ratio` is " if tp == 0 else
                   "`positive_likelihood_ratio` is ill-defined and ") + advice)
    if tn == 0:
        undefined("`negative_likelihood_ratio` is ill-defined and " + advice)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = instead["LR+"] if fp == 0 else np.divide(tp * negative, fp * positive)
        down = instead["LR-"] if tn == 0 else np.divide(fn * negative, tn * positive)
    return float(up), float(down)


def _replacements(name, given) -> dict:
    """`replace_undefined_by` as a dictionary."""
    if isinstance(given, dict):
        ranges = {"LR+": (1.0, np.inf), "LR-": (0.0, 1.0)}
        for key, (low, high) in ranges.items():
            value = given.get(key)
            if not isinstance(value, Real) or not (low <= float(value) <= high or value != value):
                raise ParameterError(
                    f"{name}: The dictionary passed as `replace_undefined_by` needs to be in the form "
                    f"`{{'LR+': `value_1`, 'LR-': `value_2`}}` "
                    f"where the value for `LR+` ranges from `1.0` to `np.inf` or is `np.nan` and the value for `LR-` "
                    f"ranges from `0.0` to `1.0` or is `np.nan`; got `{given}`.", operation=name,
                    operands={"replace_undefined_by": given}, rule="LR+ >= 1, 0 <= LR- <= 1")
        return given
    if not isinstance(given, Real) or not (given == 1.0 or given != given):
        raise ParameterError(f"{name}: replace_undefined_by must be 1.0, nan or a dictionary, got {given!r}", operation=name,
                             operands={"replace_undefined_by": given}, rule="1.0, nan or a dictionary")
    return {"LR+": given, "LR-": given}
