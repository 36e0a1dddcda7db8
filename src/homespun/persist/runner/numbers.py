"""Numbers into other numbers: clipped, binned, bent, ranked, multiplied; and the ways back for targets."""

from statistics import NormalDist

import numpy as np

from homespun.persist.runner.core import matrix, part, run
from homespun.preprocessing.power import bend, unbend
from homespun.preprocessing.spline import basis, basis_slope


@part
def max_abs_scaler(spec, X):
    X = matrix(X)
    X = X / spec["scale"].astype(X.dtype)
    return np.clip(X, -1.0, 1.0) if spec["clip"] else X


@part
def clipped(spec, X):
    X = matrix(X)
    return np.clip(X, spec["low"].astype(X.dtype), spec["high"].astype(X.dtype))


@part
def normalizer(spec, X):
    """Rows divided by their length; rows of zeros stay."""
    X = matrix(X)
    if spec["norm"] == "l2":
        lengths = np.sqrt(np.einsum("ij,ij->i", X, X))
    else:
        lengths = np.abs(X).sum(axis=1) if spec["norm"] == "l1" else np.abs(X).max(axis=1)
    lengths[lengths < 10 * np.finfo(lengths.dtype).eps] = 1.0
    return X / lengths[:, None]


@part
def binarizer(spec, X):
    X = matrix(X)
    return (spec["threshold"] < X).astype(X.dtype)


@part
def bins(spec, X):
    """The number of the bin, or a 1 in its column."""
    X = matrix(X)
    X = X.astype(spec["dtype"] or X.dtype)
    found = [np.searchsorted(edges, X[:, j], side="right") for j, edges in enumerate(spec["edges"])]
    if not spec["one_hot"]:
        return np.column_stack(found).astype(X.dtype)
    return np.hstack([np.eye(count)[place] for place, count in zip(found, spec["counts"])]).astype(X.dtype)


@part
def products(spec, X):
    """Products of columns, the last factor first; column -1 stands for 1."""
    X = matrix(X)
    padded = np.column_stack([X, np.ones(len(X), dtype=X.dtype)])
    out = np.ones((len(X), len(spec["columns"])), dtype=X.dtype)
    for factor in spec["columns"].T[::-1]:
        out *= padded[:, factor]
    return out


@part
def power(spec, X):
    X = matrix(X).copy()
    if spec["method"] == "box-cox" and (X <= 0).any():
        raise ValueError(f"Box-Cox needs positive numbers, got {X[X <= 0][0]}")
    for j, exponent in enumerate(spec["powers"]):
        if exponent != 1.0 or spec["method"] == "box-cox":
            X[:, j] = bend(X[:, j].astype(np.float64), float(exponent), spec["method"])
    return run(spec["scaler"], X)


@part
def ranks(spec, X):
    """The share of training values below each value: the middle of a jump. Normal scores if asked for."""
    X, shares, margin = matrix(X).copy(), spec["shares"], 1e-7 if spec["normal"] else 0.0
    for j, quantiles in enumerate(spec["quantiles"].T):
        x = np.ascontiguousarray(X[:, j])
        z = 0.5 * (np.interp(x, quantiles, shares) - np.interp(-x, -quantiles[::-1], -shares[::-1]))
        top = x + margin > quantiles[-1] if margin else x == quantiles[-1]
        bottom = x - margin < quantiles[0] if margin else x == quantiles[0]
        z[top], z[bottom] = 1.0, 0.0
        z[np.isnan(x)] = np.nan
        X[:, j] = normal_scores(z) if spec["normal"] else z
    return X


def normal_scores(z):
    """The normal quantiles of shares, which stop at 1e-7 from either end."""
    inverse = NormalDist().inv_cdf
    low, high = inverse(1e-7 - np.spacing(1)), inverse(1 - (1e-7 - np.spacing(1)))
    found = [p if p != p else low if p <= 0.0 else high if p >= 1.0 else inverse(p) for p in z.tolist()]
    return np.clip(np.array(found), low, high)


@part
def splines(spec, X):
    """The bumps of each column side by side. Beyond the knots: constant, a straight line, the polynomial, or periodic."""
    X, k, count, width = matrix(X), spec["degree"], spec["count"], spec["width"]
    out = np.zeros((len(X), len(spec["knots"]) * width), dtype=X.dtype)
    for j, knots in enumerate(spec["knots"]):
        x, rule = X[:, j].astype(np.float64), spec["extrapolation"]
        low, high = knots[k], knots[len(knots) - 1 - k]
        gone = np.isnan(x)
        x = np.where(gone, low, x)
        outside = (x < low) | (x > high)
        if rule == "error" and outside.any():
            raise ValueError(f"column {j} holds {x[outside][0]}, beyond the knots from {low} to {high}")
        if rule == "periodic":
            x = low + (x - low) % (high - low) if high > low else np.full_like(x, low)
        at = x if rule in ("continue", "periodic", "error") else np.clip(x, low, high)
        interval = np.clip(np.searchsorted(knots, at, side="right") - 1, k, len(knots) - 2 - k)
        values = basis(at, knots, interval, k)
        if rule == "linear" and k > 0 and outside.any():
            values[outside] += (x - at)[outside, None] * basis_slope(at[outside], knots, interval[outside], k)
        values[gone] = 0.0
        bumps = interval[:, None] - k + np.arange(k + 1)
        block = np.zeros((len(X), count))
        np.put_along_axis(block, bumps % count if rule == "periodic" else bumps, values, axis=1)
        out[:, j * width : (j + 1) * width] = block[:, :width]
    return out


# -- the ways back, of targets ----------------------------------------------------------------------------------------------


@part
def transformed_target(spec, X):
    """A regressor on a transformed target; its predictions are transformed back, averaged over residuals if asked for."""
    said = np.asarray(run(spec["regressor"], X)["predict"])
    columns = said.reshape(-1, 1) if said.ndim == 1 else said
    if spec["residuals"] is None:
        back = run(spec["inverse"], columns)
    else:
        back = np.zeros(columns.shape)
        for residual, weight in zip(spec["residuals"], spec["weights"]):
            back += weight * run(spec["inverse"], columns + residual)
        back /= spec["weights"].sum()
    back = back[:, 0] if said.ndim == 1 and back.shape[1] == 1 else back
    return {"predict": back if spec["minimum"] is None else np.maximum(back, spec["minimum"])}


@part
def unscaled(spec, X):
    X = X if spec["times"] is None else X * spec["times"].astype(X.dtype)
    return X if spec["plus"] is None else X + spec["plus"].astype(X.dtype)


@part
def min_max_back(spec, X):
    return (X - spec["min"].astype(X.dtype)) / spec["scale"].astype(X.dtype)


@part
def power_back(spec, X):
    X = run(spec["scaler"], X)
    return np.column_stack([unbend(X[:, j], float(exponent), spec["method"]) for j, exponent in enumerate(spec["powers"])])


# -- columns left out -------------------------------------------------------------------------------------------------------


@part
def chosen(spec, X):
    """The columns that stay."""
    if not isinstance(X, dict):
        return X[:, spec["columns"]]
    names = list(X)
    return {names[j]: X[names[j]] for j in spec["columns"]}
