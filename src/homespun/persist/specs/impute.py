"""Specs of imputers."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import exports, plain, refused, spec_of


@exports("homespun.impute.SimpleImputer")
def _simple_imputer(model, where):
    return {
        "run": "simple_imputer",
        "text": model._fit_dtype.kind in "OUS",
        "marker": plain(model.missing_values),
        "fill": model.statistics_,
        "kept": np.flatnonzero(~model._empty()),
        "marked": None if model.indicator_ is None else model.indicator_.features_,
    }


@exports("homespun.impute.MissingIndicator")
def _missing_indicator(model, where):
    return {
        "run": "missing_indicator",
        "text": isinstance(model.missing_values, str),
        "marker": plain(model.missing_values),
        "features": model.features_,
    }




def _marks(model) -> dict:
    """What the imputers of numbers share: marker, columns that stay, columns of marks."""
    return {
        "marker": plain(np.nan if model.missing_values is None else model.missing_values),
        "kept": np.arange(len(model._empty)) if model.keep_empty_features else np.flatnonzero(~model._empty),
        "empty": model._empty,
        "marked": None if model.indicator_ is None else model.indicator_.features_,
    }


@exports("homespun.impute.IterativeImputer")
def _iterative(model, where):
    if model.sample_posterior:
        raise refused(where, "homespun.impute.IterativeImputer", "sample_posterior=True draws random values",
                      "sample_posterior=False")
    steps = []
    for number, step in enumerate(model.imputation_sequence_):
        place = f"{where}.imputation_sequence_[{number}]"
        spec = _bayesian_ridge(step.estimator) if model.estimator is None else spec_of(step.estimator, place)
        steps.append({"column": int(step.feat_idx), "others": np.asarray(step.neighbor_feat_idx), "spec": spec})
    return {
        "run": "iterative",
        **_marks(model),
        "first": _simple_imputer(model.initial_imputer_, where),
        "regressions": steps,
        "low": getattr(model, "_low", None),
        "high": getattr(model, "_high", None),
    }


def _bayesian_ridge(model):
    return {"run": "linear", "coef": model.coef, "intercept": np.asarray(model.intercept)}


@exports("homespun.impute.KNNImputer")
def _knn(model, where):
    for name in ("metric", "weights"):
        if callable(getattr(model, name)):
            raise refused(where, "homespun.impute.KNNImputer", f"{name} given as a function is not handled")
    return {
        "run": "nearest_rows",
        **_marks(model),
        "rows": model._rows,
        "k": int(model.n_neighbors),
        "by_distance": model.weights == "distance",
    }


@exports("homespun.impute.InterpolationImputer")
def _interpolation(model, where):
    raise refused(where, "homespun.impute.InterpolationImputer",
                  "it fills a gap from the rows before and after it, and an exported model answers each row by itself",
                  "fill the gaps before the model is called, or keep the .homespun file")
