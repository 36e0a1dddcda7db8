"""Information of probability distributions, in nats (or to another `base`).     p, q: (…, K), each summing to 1 along `axis`

    entropy          H(p) = - sum_k p_k log p_k                        what one outcome tells, on average
    KL divergence    KL(p || q) = sum_k p_k log(p_k / q_k)             nats lost by believing q where p holds; inf if q_k = 0
    Jensen-Shannon   (KL(p || m) + KL(q || m)) / 2,  m = (p + q) / 2   symmetric, at most log 2; its root is a distance
    mutual information   KL(joint || product of its margins)           what one side tells about the other

0 log 0 is 0. Cover & Thomas 2006, Elements of Information Theory, chapter 2; Lin 1991, IEEE Trans. Inf. Theory 37(1). Counts
are distributions, too: what does not sum to 1 is divided by its sum. (`metrics.cluster.entropy` takes labels.)
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.metrics.checks import check_shapes, numbers


def entropy(p, *, axis=-1, base=None):
    """- sum p log p along `axis`.

    >>> float(entropy([0.5, 0.25, 0.25], base=2))
    1.5
    """
    p = _distribution("entropy", "p", p, axis)
    return _scaled("entropy", -_p_log(p, p).sum(axis=axis), base)


def kl_divergence(p, q, *, axis=-1, base=None):
    """sum p log(p / q) along `axis`: never below 0, and 0 only for p = q. Not symmetric.

    >>> round(float(kl_divergence([0.5, 0.5], [0.9, 0.1])), 4)
    0.5108
    """
    p, q = _pair("kl_divergence", p, q, axis)
    return _scaled("kl_divergence", _relative(p, q, axis), base)


def jensen_shannon_divergence(p, q, *, axis=-1, base=None):
    """Mean KL divergence of both from their mean: symmetric, finite, at most log 2.

    >>> float(jensen_shannon_divergence([1, 0], [0, 1], base=2))
    1.0
    """
    p, q = _pair("jensen_shannon_divergence", p, q, axis)
    middle = (p + q) / 2
    return _scaled("jensen_shannon_divergence", (_relative(p, middle, axis) + _relative(q, middle, axis)) / 2, base)


def mutual_information(joint, *, base=None):
    """Of a table (R, C) of joint probabilities (or counts): the entropy of one side that the other one removes.

    >>> float(mutual_information([[0.5, 0.0], [0.0, 0.5]], base=2))
    1.0
    """
    joint = numbers("mutual_information", "joint", joint)
    check_shapes("mutual_information", "joint: R C", joint=joint)
    joint = _distribution("mutual_information", "joint", joint.ravel(), -1).reshape(joint.shape)
    independent = joint.sum(1, keepdims=True) * joint.sum(0)
    return _scaled("mutual_information", np.maximum(_p_log(joint, np.divide(joint, independent, out=np.ones_like(joint),
                                                                           where=joint > 0)).sum(), 0.0), base)


# ---------------------------------------------------------------------------------------------------------------------

def _distribution(operation, name, p, axis):
    p = numbers(operation, name, p)
    if (p < 0).any():
        raise DataError(f"{operation}: {name} must be >= 0 everywhere, got {p.min()}", operation=operation,
                        operands={name: p.shape}, rule=f"{name} >= 0")
    total = p.sum(axis=axis, keepdims=True)
    if (total == 0).any():
        raise DataError(f"{operation}: {name} sums to 0 along axis {axis}, so it is no distribution", operation=operation,
                        operands={name: p.shape}, rule="a sum > 0")
    return p / total


def _pair(operation, p, q, axis):
    p, q = _distribution(operation, "p", p, axis), _distribution(operation, "q", q, axis)
    check_shapes(operation, f"p: {' '.join(f'a{i}' for i in range(p.ndim))}, q: "
                            f"{' '.join(f'a{i}' for i in range(p.ndim))}", p=p, q=q)
    return p, q


def _p_log(p, of):
    """p log(of), 0 where p is 0."""
    return p * np.log(of, out=np.zeros_like(of), where=p > 0)


def _relative(p, q, axis):
    with np.errstate(divide="ignore"):
        ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.maximum(_p_log(p, ratio).sum(axis=axis), 0.0)  # rounding must not make it negative


def _scaled(operation, nats, base):
    if base is None:
        return nats
    if not base > 0 or base == 1:
        raise ParameterError(f"{operation}: base must be a number > 0 other than 1, got {base!r}", operation=operation,
                             operands={"base": base}, rule="base > 0, not 1")
    return nats / np.log(base)
