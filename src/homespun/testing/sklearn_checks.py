"""scikit-learn's checks for estimators, run one by one and counted; nothing is expected to fail.

`scikit_learn_checks(estimator)` lists what applies (its tags decide), `run_check` runs one. Where scikit-learn's own suite
gives a check special settings for one of its classes (`PER_ESTIMATOR_CHECK_PARAMS`, which a class outside scikit-learn
cannot be entered into), `SETTINGS` gives ours the same, with the reason.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from unittest import SkipTest

from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

SETTINGS: dict[tuple[str, str], tuple[dict, str]] = {  # (estimator, check) → settings, reason; as in scikit-learn's suite
    ("SimpleImputer", "check_array_api_input"): (
        {"add_indicator": True}, "the check inverts the transformation, which needs to know what was missing"),
}


def scikit_learn_checks(estimator) -> list[tuple[str, Callable]]:
    """(name, check) for every check that applies to `estimator`; ``check()`` runs it."""
    listed: list[tuple[str, Callable]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        for instance, check in estimator_checks_generator(clone(estimator)):
            name = name_of(check)
            settings, _ = SETTINGS.get((type(estimator).__name__, name.partition("(")[0]), ({}, ""))
            if settings and type(estimator).__module__.startswith("homespun."):
                instance = clone(instance).set_params(**settings)
            listed.append((name, functools.partial(check, instance)))
    return listed


def name_of(check) -> str:
    """The check's name with what distinguishes its variants: ``check_classifiers_train(X_dtype=float32)``."""
    variant = {}
    while isinstance(check, functools.partial):
        variant.update(check.keywords)
        check = check.func
    words = ", ".join(f"{name}={value}" for name, value in variant.items())
    return check.__name__ + (f"({words})" if words else "")


def run_check(check: Callable) -> tuple[str, BaseException | None]:
    """("passed" | "skipped" | "failed", the exception), with warnings off: small random data may not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check()
        except SkipTest as reason:
            return "skipped", reason
        except (Exception, SystemExit) as error:
            return "failed", error
    return "passed", None


def switching_tags(estimator) -> dict[str, object]:
    """The estimator's tags that switch a check off, where they are not at their default."""
    tags = get_tags(estimator)
    default = {
        "no_validation": (tags.no_validation, False),
        "non_deterministic": (tags.non_deterministic, False),
        "requires_fit": (tags.requires_fit, True),
        "allow_nan": (tags.input_tags.allow_nan, False),
        "sparse": (tags.input_tags.sparse, True),
        "pairwise": (tags.input_tags.pairwise, False),
        "two_d_array": (tags.input_tags.two_d_array, True),
        "positive_only": (tags.input_tags.positive_only, False),
        "array_api_support": (tags.array_api_support, True),
        "multi_output": (tags.target_tags.multi_output, True),
        "single_output": (tags.target_tags.single_output, True),
        "_skip_test": (tags._skip_test, False),
    }
    if tags.classifier_tags is not None:
        default["poor_score"] = (tags.classifier_tags.poor_score, False)
        default["multi_class"] = (tags.classifier_tags.multi_class, True)
        default["multi_label"] = (tags.classifier_tags.multi_label, True)
    if tags.regressor_tags is not None:
        default["poor_score"] = (tags.regressor_tags.poor_score, False)
    if tags.transformer_tags is not None:
        default["preserves_dtype"] = (bool(tags.transformer_tags.preserves_dtype), True)
    return {name: value for name, (value, usual) in default.items() if value != usual}
