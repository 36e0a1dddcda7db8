"""Linear models, and the same answer for every row."""

from __future__ import annotations

import numpy as np

from homespun.persist.graph.builder import Answer, form
from homespun.persist.graph.plumbing import most_likely


@form
def linear(g, spec, X):
    product = g.op("MatMul", g.matrix(X).tensor, np.asarray(spec["coef"], dtype=np.float64).T)
    width = None if np.ndim(spec["coef"]) == 1 else len(spec["coef"])
    return Answer(g.op("Add", product, np.asarray(spec["intercept"], dtype=np.float64)), width=width)


@form
def logistic(g, spec, X):
    z = g.op("MatMul", g.matrix(X).tensor, np.asarray(spec["coef"], dtype=np.float64).T)
    z = g.op("Add", z, np.asarray(spec["intercept"], dtype=np.float64))
    labels = np.asarray(spec["classes"])
    if len(labels) > 2:
        return Answer(most_likely(g, labels, z), g.op("Softmax", z, axis=1), labels)
    return two_classes(g, z, labels)


def two_classes(g, z, labels) -> Answer:
    """The logistic function of z, (n, 1) or (n,): the share of the second label."""
    z = g.op("Reshape", z, np.array([-1, 1]))
    shares = g.op("Concat", g.op("Sigmoid", g.op("Neg", z)), g.op("Sigmoid", z), axis=1)
    second = g.whole(g.op("Greater", g.flat(z), 0.0))
    return Answer(g.op("Gather", labels, second), shares, labels)


@form
def constant(g, spec, X):
    n = g.rows(X)
    if "classes" not in spec:
        return Answer(g.op("Expand", np.atleast_1d(np.asarray(spec["value"], dtype=np.float64)), n))
    labels = np.asarray(spec["classes"])
    shape = g.op("Concat", n, np.array([len(labels)]), axis=0)
    shares = g.op("Expand", np.asarray(spec["value"], dtype=np.float64)[None, :], shape)
    return Answer(most_likely(g, labels, shares), shares, labels)
