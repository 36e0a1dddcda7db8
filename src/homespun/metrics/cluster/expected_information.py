"""Mutual information that two clusterings have by chance.      a: (R,), b: (C,) rows of each class and cluster, n rows in all

    E[I] = sum_ij sum_x P_ij(x) x / n log(n x / (a_i b_j))      x: rows that class i and cluster j share, hypergeometric

Vinh, Epps & Bailey 2010, JMLR 11, eq. 24a. P is not computed from factorials, whose logarithms lose nine digits at a million
rows, but by the ratio of neighbours, from the mean outwards until it has faded; the sum of all P is 1. That visits
a few standard deviations (thousands of x) where the definition sums over all (hundreds of thousands).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle

FADED = 1e-25  # of the mean's


def expected_mutual_information(contingency, n_samples):
    """Expected mutual information of random clusterings with the sums of this table, in nats.

    >>> round(expected_mutual_information(np.array([[2, 0], [0, 2]]), 4), 4)
    0.231
    """
    a, b = (np.asarray(contingency.sum(axis=axis), dtype=np.float64).ravel() for axis in (1, 0))
    return expected_information(a, b, float(n_samples))


@kernel("f8(f8[::1], f8[::1], f8)", fastmath=False)
def expected_information(a, b, n):
    """E[I] in nats."""
    total = 0.0
    for i in range(a.size):
        for j in range(b.size):
            low, high = max(0.0, a[i] + b[j] - n), min(a[i], b[j])
            mode = np.floor(a[i] * b[j] / n)  # the mean: likely enough, and never outside low … high
            scale = n / (a[i] * b[j])
            mass = 1.0
            value = mode * np.log(mode * scale) if mode > 0.0 else 0.0
            x, p = mode, 1.0
            while x < high and p > FADED:
                p *= (a[i] - x) * (b[j] - x) / ((x + 1.0) * (n - a[i] - b[j] + x + 1.0))
                x += 1.0
                mass += p
                value += p * x * np.log(x * scale)
            x, p = mode, 1.0
            while x > low and p > FADED:
                p *= x * (n - a[i] - b[j] + x) / ((a[i] - x + 1.0) * (b[j] - x + 1.0))
                x -= 1.0
                mass += p
                if x > 0.0:
                    value += p * x * np.log(x * scale)
            total += value / mass / n
    return total


@oracle(expected_information, kernels=(expected_information,), rtol=1e-9, example=(
    lambda rng: (np.array([5.0, 12.0, 3.0]), np.array([9.0, 11.0]), 20.0),
    lambda rng: (np.array([3.0, 1.0]), np.array([2.0, 1.0, 1.0]), 4.0),
    lambda rng: (np.array([200.0, 100.0]), np.array([150.0, 150.0]), 300.0),
))
def expected_information_formula(a, b, n):
    """By the definition, with exact binomials."""
    from math import comb, log

    total = 0.0
    for rows in a.astype(int).tolist():
        for others in b.astype(int).tolist():
            for x in range(max(1, rows + others - int(n)), min(rows, others) + 1):
                chance = comb(rows, x) * comb(int(n) - rows, others - x) / comb(int(n), others)
                total += chance * x / n * log(n * x / (rows * others))
    return total
