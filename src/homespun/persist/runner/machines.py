"""Support vector machines with kernels, by their definitions."""

import numpy as np

from homespun.persist.runner.core import matrix, part


@part
def kernel_machine(spec, X):
    X, Z, kind = matrix(X).astype(np.float64), spec["vectors"], spec["kind"]
    if kind == "rbf":
        K = np.exp(-spec["gamma"] * np.stack([((X - z) ** 2).sum(axis=1) for z in Z], axis=1)) if len(Z) else X[:, :0]
    else:
        K = X @ Z.T
        K = (spec["gamma"] * K + spec["coef0"]) ** spec["degree"] if kind == "poly" else K
        K = np.tanh(spec["gamma"] * K + spec["coef0"]) if kind == "sigmoid" else K
    if spec["classes"] is None:
        values = K @ spec["coefficients"][0] + spec["intercept"][0]
        return {"predict": np.where(values > 0, 1, -1) if spec["outliers"] else values}
    count, pair = len(spec["classes"]), 0
    ends = np.concatenate([[0], np.cumsum(spec["counts"])])
    parts = [K[:, ends[c]:ends[c + 1]] @ spec["coefficients"][:, ends[c]:ends[c + 1]].T for c in range(count)]
    votes = np.zeros((len(X), count))
    for i in range(count):
        for j in range(i + 1, count):
            values = parts[i][:, j - 1] + parts[j][:, i] + spec["intercept"][pair]
            votes[:, i] += values > 0
            votes[:, j] += values <= 0
            pair += 1
    return {"predict": spec["classes"][votes.argmax(axis=1)]}
