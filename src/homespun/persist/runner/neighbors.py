"""Nearest neighbours by the definition: all distances, a block of queries at a time."""

import numpy as np

from homespun.persist.runner.core import matrix, part

BLOCK = 64  # queries


def nearest(spec, Q):
    """Distances and rows of the k nearest training rows, (m, k); equal distances by row number."""
    X, power = spec["X"].astype(np.float64), spec["power"]
    if spec["cosine"]:
        X, Q = unit_rows(spec["X"]).astype(np.float64), unit_rows(Q)
    found = []
    for first in range(0, len(Q), BLOCK):
        gaps = np.abs(Q[first : first + BLOCK, None, :].astype(np.float64) - X[None, :, :])
        if power == np.inf:
            distances = gaps.max(axis=2)
        elif power == 2.0:
            distances = np.sqrt((gaps * gaps).sum(axis=2))
        else:
            distances = (gaps**power).sum(axis=2) ** (1.0 / power)
        rows = np.argsort(distances, axis=1, kind="stable")[:, : spec["k"]]
        found.append((np.take_along_axis(distances, rows, axis=1), rows))
    distances, rows = (np.vstack(parts) for parts in zip(*found))
    return (distances**2 / 2 if spec["cosine"] else distances), rows


def unit_rows(X):
    lengths = np.linalg.norm(X, axis=1)
    return (X / np.where(lengths == 0, 1, lengths)[:, None]).astype(X.dtype)


def weights_of(spec, distances):
    """1 / distance (a distance of zero takes all), or ones."""
    if not spec["by_distance"]:
        return np.ones_like(distances)
    with np.errstate(divide="ignore"):
        inverse = 1.0 / distances
    at_zero = np.isinf(inverse)
    return np.where(at_zero.any(axis=1, keepdims=True), at_zero, inverse)


@part
def neighbors(spec, X):
    distances, rows = nearest(spec, matrix(X).astype(spec["X"].dtype))
    weights = weights_of(spec, distances)
    if "classes" not in spec:
        targets = spec["y"][rows]
        if not spec["by_distance"]:
            return {"predict": targets.mean(axis=1)}
        weights = weights[:, :, None] if targets.ndim == 3 else weights
        return {"predict": (targets * weights).sum(axis=1) / weights.sum(axis=1)}
    predicted, shares = [], []
    for codes, names in zip(spec["y"].T, spec["classes"]):
        votes, queries = np.zeros((len(rows), len(names))), np.arange(len(rows))
        for j in range(rows.shape[1]):
            votes[queries, codes[rows[:, j]]] += weights[:, j]
        total = votes.sum(axis=1, keepdims=True)
        predicted.append(names[votes.argmax(axis=1)])
        shares.append(votes / np.where(total == 0, 1, total))
    if len(predicted) == 1:
        return {"predict": predicted[0], "predict_proba": shares[0]}
    return {"predict": np.column_stack(predicted), "predict_proba": shares}
