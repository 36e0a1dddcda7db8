"""Probabilities from decision values: a sigmoid for each pair of classes, and pairs joined to one answer.

    P(class i of the pair | f) = 1 / (1 + exp(A f + B))
    minimise over A, B   - sum_k w_k [ t_k log p_k + (1 - t_k) log(1 - p_k) ]     t = (N+ + 1) / (N+ + 2) or 1 / (N- + 2)

Platt 1999; Newton's method with backtracking by Lin, Lin & Weng 2007, Machine Learning 68(3), their algorithm 1. Pairs are
joined by Wu, Lin & Weng 2004, JMLR 5, algorithm 2: the p >= 0, sum p = 1, that minimises sum_ij (r_ji p_i - r_ij p_j)^2.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.special import expit

STEPS, LEAST_STEP, RIDGE, LEAST_SLOPE = 100, 1e-10, 1e-12, 1e-5


def train_sigmoid(values, signs, weights):
    """A, B of decision values (n,) of rows of class +1 and -1."""
    positive = signs > 0
    heavy, light = weights[positive].sum(), weights[~positive].sum()
    targets = np.where(positive, (heavy + 1) / (heavy + 2), 1 / (light + 2))
    A, B = 0.0, np.log((light + 1) / (heavy + 1))
    cost = sigmoid_cost(values, targets, weights, A, B)
    for _ in range(STEPS):
        p = sigmoid_of(values, A, B)
        curve, gap = weights * p * (1 - p), weights * (targets - p)
        slope = np.array([values @ gap, gap.sum()])
        if np.abs(slope).max() < LEAST_SLOPE:
            break
        hessian = np.array([[values**2 @ curve + RIDGE, values @ curve], [values @ curve, curve.sum() + RIDGE]])
        move = -np.linalg.solve(hessian, slope)
        step = 1.0
        while step >= LEAST_STEP:
            tried = sigmoid_cost(values, targets, weights, A + step * move[0], B + step * move[1])
            if tried < cost + 1e-4 * step * (slope @ move):
                A, B, cost = A + step * move[0], B + step * move[1], tried
                break
            step /= 2
        else:
            break
    return A, B


def sigmoid_of(values, A, B):
    """1 / (1 + exp(A f + B))"""
    return expit(-(values * A + B))


def sigmoid_cost(values, targets, weights, A, B):
    z = values * A + B
    return float(weights @ (targets * z + np.logaddexp(0.0, -z)))


def couple(shares, count):
    """Probabilities (m, classes) of those of the pairs (m, pairs), P(i) of each pair i < j."""
    m = len(shares)
    r = np.zeros((m, count, count))
    for pair, (i, j) in enumerate(combinations(range(count), 2)):
        r[:, i, j] = np.clip(shares[:, pair], 1e-7, 1 - 1e-7)
        r[:, j, i] = 1 - r[:, i, j]
    Q = -r.transpose(0, 2, 1) * r  # Q_ij = -r_ji r_ij, Q_ii = sum_j r_ji^2
    diagonal = (r**2).sum(axis=1)
    Q[:, np.arange(count), np.arange(count)] = diagonal
    p = np.full((m, count), 1.0 / count)
    open_ = np.arange(m)
    for _ in range(max(100, count)):
        Qp = np.einsum("mij,mj->mi", Q[open_], p[open_])
        pQp = (p[open_] * Qp).sum(axis=1)
        going = np.abs(Qp - pQp[:, None]).max(axis=1) >= 0.005 / count
        open_ = open_[going]
        if not open_.size:
            break
        Qp, pQp, part = Qp[going], pQp[going], p[open_]
        for t in range(count):
            move = (pQp - Qp[:, t]) / diagonal[open_, t]
            part[:, t] += move
            pQp = (pQp + move * (move * diagonal[open_, t] + 2 * Qp[:, t])) / (1 + move) ** 2
            Qp = (Qp + move[:, None] * Q[open_, t]) / (1 + move)[:, None]
            part /= (1 + move)[:, None]
        p[open_] = part
    return p
