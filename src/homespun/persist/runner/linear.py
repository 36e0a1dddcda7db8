"""Linear models: X w + b, and the logistic function of it."""

import math

import numpy as np

from homespun.persist.runner.core import matrix, part, size


@part
def linear(spec, X):
    return {"predict": matrix(X) @ spec["coef"].T + spec["intercept"]}


@part
def log_linear(spec, X):
    """A linear model of the logarithm."""
    return {"predict": np.exp(matrix(X) @ spec["coef"].T + spec["intercept"])}


@part
def margins(spec, X):
    """Classes by the sign of one margin or the largest of several; shares from the margins where the loss gives some."""
    z = matrix(X) @ spec["coef"].T + spec["intercept"]
    two = len(spec["classes"]) == 2
    z = z.ravel() if two else z
    answer = {"predict": spec["classes"][(z > 0).astype(np.int64) if two else z.argmax(axis=1)]}
    if spec["shares"]:
        p = expit(z.ravel()).reshape(z.shape) if spec["shares"] == "logistic" else (np.clip(z, -1, 1) + 1) / 2
        if two:
            answer["predict_proba"] = np.column_stack([1 - p, p])
        else:
            total = p.sum(axis=1, keepdims=True)
            answer["predict_proba"] = np.where(total == 0, 1.0 / p.shape[1], p / np.where(total == 0, 1.0, total))
    return answer


@part
def logistic(spec, X):
    z = matrix(X) @ spec["coef"].T + spec["intercept"]
    if len(spec["classes"]) > 2:
        return {"predict": spec["classes"][z.argmax(axis=1)], "predict_proba": softmax(z)}
    z = z.ravel()
    second = np.exp(log_expit(z))
    return {
        "predict": spec["classes"][(z > 0).astype(np.int64)],
        "predict_proba": np.column_stack([1 - second, second]),
    }


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def expit(z):
    """1 / (1 + exp(-z)). One number after the other, by the C library: SciPy's bits, which NumPy's exp may round otherwise."""
    one = z.dtype.type
    return np.array([1.0 / (1.0 + math.exp(-x)) if x > -709.0 else math.exp(x) for x in z.tolist()]).astype(one)


def log_expit(z):
    """log(1 / (1 + exp(-z))), in the same way."""
    one = z.dtype.type
    return np.array([x - math.log1p(math.exp(x)) if x < 0 else -math.log1p(math.exp(-x)) for x in z.tolist()]).astype(one)


@part
def constant(spec, X):
    """The same answer for every row."""
    n = size(X)
    if "classes" not in spec:
        return {"predict": np.full(n, spec["value"])}
    shares = np.tile(spec["value"], (n, 1))
    return {"predict": spec["classes"][shares.argmax(axis=1)], "predict_proba": shares}
