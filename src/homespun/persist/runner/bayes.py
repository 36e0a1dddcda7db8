"""Naive Bayes and nearest centres, by their definitions."""

import numpy as np

from homespun.persist.runner.core import matrix, part

LOG_ZERO = -1e200  # stands for log 0 in sums, so that 0 * log 0 is 0


@part
def gaussian_bayes(spec, X):
    X = matrix(X).astype(np.float64)
    scores = [level - (scale * (X - mean) ** 2).sum(axis=1)
              for mean, scale, level in zip(spec["mean"], spec["scale"], spec["level"])]
    return answer_of_scores(spec, np.column_stack(scores))


@part
def counting_bayes(spec, X):
    X = matrix(X).astype(np.float64)
    X = X if spec["threshold"] is None else (spec["threshold"] < X).astype(np.float64)
    scores = X @ spec["weights"].T + spec["level"]
    if spec["against"] is not None:  # features that a class always or never has, and does not or does
        scores[X @ spec["against"].T + spec["always"] > 0.5] = LOG_ZERO
    return answer_of_scores(spec, scores)


@part
def categorical_bayes(spec, X):
    codes = matrix(X).astype(np.int64)
    beyond = (codes < 0) | (codes >= spec["sizes"])
    if beyond.any():
        row, column = np.argwhere(beyond)[0]
        known = spec["sizes"][column]
        raise ValueError(f"row {row}, feature {column}: the code {codes[row, column]} is not among the {known} known")
    return answer_of_scores(spec, spec["level"] + spec["weights"][spec["offsets"] + codes].sum(axis=1))


def answer_of_scores(spec, scores):
    """Classes and probabilities of log p(c, x); the prior for a row that every class holds for impossible."""
    hopeless = scores.max(axis=1) <= LOG_ZERO / 2
    scores[hopeless] = spec["prior"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return {"predict": spec["classes"][scores.argmax(axis=1)], "predict_proba": shares}


@part
def nearest_centre(spec, X):
    """The number of the nearest centre of each row."""
    X = matrix(X).astype(np.float64)
    squares = [((X - centre) ** 2).sum(axis=1) for centre in spec["centres"]]
    return {"predict": np.argmin(squares, axis=0).astype(np.int32)}
