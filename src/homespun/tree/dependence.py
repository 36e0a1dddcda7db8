"""Partial dependence of grown trees: one pass over the nodes instead of one prediction per row and grid point.

    f_S(x) = E over the other features of f(x, others)
    v(node) = v(left) or v(right), where the node asks about a feature of S: as x answers          v: (nodes, points, k)
            = p v(left) + (1 - p) v(right), else: p is the share of the node's training weight that went left

Friedman 2001, "Greedy function approximation", Annals of Statistics 29(5), sec. 8.2: scikit-learn's method "recursion".
A branch that asks nothing about S has one value for all points, so that only branches above such questions are worked on:
O(nodes + points x nodes above a question about S) per tree. It averages over the training data, as each branch saw it;
method "brute" averages over the rows that it is given, and takes features as independent of each other.
"""

from __future__ import annotations

import numpy as np

WORK = 1 << 22  # numbers in memory at a time


def average_out(depths, left, right, share, value, asks, goes_left, points):
    """v(root): (points, k).

    Parameters
    ----------
    depths : list of arrays
        Nodes by depth, the root first (`structure.levels`).
    left, right : (nodes,) children, -1 in a leaf
    share : (nodes,) float64
        Part of a node's training weight that went left; any number in a leaf.
    value : (nodes, k) float64, used in leaves
    asks : (nodes,) bool
        Whether the node asks about a feature of S.
    goes_left : function of (nodes, slice of points)
        How points answer: bool (nodes, points).
    """
    mixed, mean = asks.copy(), value.copy()  # mixed: the value depends on the point; mean: the value where it does not
    inner_nodes = [parents[left[parents] >= 0] for parents in reversed(depths)]
    for inner in inner_nodes:
        mixed[inner] |= mixed[left[inner]] | mixed[right[inner]]
        part = share[inner, None]
        mean[inner] = part * mean[left[inner]] + (1 - part) * mean[right[inner]]
    k = value.shape[1]
    if not mixed[0]:
        return np.repeat(mean[:1], points, axis=0)
    place = np.cumsum(mixed) - 1
    step = max(1, WORK // ((int(place[-1]) + 1) * k))
    out = np.empty((points, k))
    for begin in range(0, points, step):
        some = slice(begin, min(begin + step, points))
        known = np.empty((int(place[-1]) + 1, some.stop - begin, k))

        def of(nodes, known=known):
            found = np.empty((nodes.size, *known.shape[1:]))
            found[mixed[nodes]], found[~mixed[nodes]] = known[place[nodes[mixed[nodes]]]], mean[nodes[~mixed[nodes]], None]
            return found

        for inner in inner_nodes:
            inner = inner[mixed[inner]]
            one, other, part = of(left[inner]), of(right[inner]), share[inner, None, None]
            both = part * one + (1 - part) * other
            asked = asks[inner]
            both[asked] = np.where(goes_left(inner[asked], some)[..., None], one[asked], other[asked])
            known[place[inner]] = both
        out[some] = known[place[0]]
    return out


def places_of(features, d):
    """Which column of the grid holds each feature: (d,) int64, -1 for a feature that is not in S."""
    place = np.full(d, -1, np.int64)
    place[features] = np.arange(len(features))
    return place
