"""Specs of scalers and other changes of numbers."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import exports, refused


@exports("homespun.preprocessing.StandardScaler")
def _standard_scaler(model, where):
    return {
        "run": "standard_scaler",
        "mean": model.mean_ if model.with_mean else None,
        "scale": model.scale_ if model.with_std else None,
    }


@exports("homespun.preprocessing.MinMaxScaler")
def _min_max_scaler(model, where):
    return {
        "run": "min_max_scaler",
        "scale": model.scale_,
        "min": model.min_,
        "clip": list(model.feature_range) if model.clip else None,
    }



@exports("homespun.preprocessing.RobustScaler")
def _robust_scaler(model, where):
    return {"run": "standard_scaler", "mean": model.center_, "scale": model.scale_}


@exports("homespun.preprocessing.MaxAbsScaler")
def _max_abs_scaler(model, where):
    return {"run": "max_abs_scaler", "scale": model.scale_, "clip": bool(model.clip)}


@exports("homespun.preprocessing.OutlierClipper")
def _outlier_clipper(model, where):
    return {"run": "clipped", "low": model.lower_, "high": model.upper_}


@exports("homespun.preprocessing.Normalizer")
def _normalizer(model, where):
    return {"run": "normalizer", "norm": model.norm}


@exports("homespun.preprocessing.Binarizer")
def _binarizer(model, where):
    return {"run": "binarizer", "threshold": float(model.threshold)}


@exports("homespun.preprocessing.KBinsDiscretizer")
def _k_bins(model, where):
    return {
        "run": "bins",
        "edges": [edges[1:-1] for edges in model.bin_edges_],
        "counts": [int(count) for count in model.n_bins_],
        "one_hot": model.encode != "ordinal",
        "dtype": None if model.dtype is None else np.dtype(model.dtype).str,
    }


@exports("homespun.preprocessing.PolynomialFeatures")
def _polynomial(model, where):
    terms = list(model._terms())
    columns = np.full((len(terms), max(map(len, terms), default=0)), -1, dtype=np.int64)
    for row, term in zip(columns, terms):
        row[: len(term)] = term
    return {"run": "products", "columns": columns}


@exports("homespun.preprocessing.PowerTransformer")
def _power(model, where):
    scaler = {"run": "passthrough"}
    if model.standardize:
        scaler = _standard_scaler(model._scaler, where)
    return {"run": "power", "powers": model.lambdas_, "method": model.method, "scaler": scaler}


@exports("homespun.preprocessing.QuantileTransformer")
def _quantiles(model, where):
    return {
        "run": "ranks",
        "quantiles": model.quantiles_,
        "shares": model.references_,
        "normal": model.output_distribution == "normal",
    }


@exports("homespun.preprocessing.SplineTransformer")
def _splines(model, where):
    return {
        "run": "splines",
        "knots": list(model.knots_),
        "degree": int(model.degree),
        "extrapolation": model.extrapolation,
        "count": int(model._n_splines),
        "width": int(model._n_splines - (not model.include_bias)),
    }


@exports("homespun.preprocessing.LabelEncoder", "homespun.preprocessing.LabelBinarizer")
def _labels(model, where):
    raise refused(where, f"homespun.preprocessing.{type(model).__name__}", "it changes labels of a target, not columns",
                  "OrdinalEncoder or OneHotEncoder, for columns")
