"""Dividing the rows of a node between its children, in each shard side by side.

The rows of a node stand in one piece per shard, and its children take the same place on the other side of the store: the
left child from the front, the right child from the back, so the right child's rows are reversed. Each row is written to
both ends and one end advances: no branch to mispredict, and nothing is copied back (which took a quarter of the time). Row
numbers of a node always rise or always fall, so that later passes read memory in one direction. O(rows).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, prange
from homespun.kernels.patience import PATIENCE

NANOSECONDS = 4.0  # that a row takes one thread, about


def divide(source, target, segments, parent, left, right, codes, goes_left):
    """Write the rows of node `parent`, which stand in `source`, to `target`, those that go left first, in each shard.

    IN source (S, m), codes (n,) of the feature, goes_left (256,): 1 for a code that goes left.
    OUT target (S, m), segments (nodes, S, 2) of both children.
    """
    arguments = source, target, segments, parent, left, right, codes, goes_left
    if len(source) > 1:
        PATIENCE.run(lambda: NANOSECONDS * 1e-9 * int(segments[parent, :, 1].sum()), divide_shards, *arguments)
    else:
        divide_alone(*arguments)


_SIGNATURE = "void(i8[:, ::1], i8[:, ::1], i8[:, :, ::1], i8, i8, i8, u1[::1], u1[::1])"


@kernel(_SIGNATURE, parallel=True)
def divide_shards(source, target, segments, parent, left, right, codes, goes_left):
    for shard in prange(source.shape[0]):
        divide_shard(source[shard], target[shard], segments[:, shard], parent, left, right, codes, goes_left)


@kernel(_SIGNATURE)
def divide_alone(source, target, segments, parent, left, right, codes, goes_left):
    divide_shard(source[0], target[0], segments[:, 0], parent, left, right, codes, goes_left)


@kernel()
def divide_shard(source, target, segments, parent, left, right, codes, goes_left):
    """Unsigned places: signed ones are checked for being negative, which doubles the time (2.1 instead of 1.1 ns a row)."""
    start = segments[parent, 0]
    stop = start + segments[parent, 1]
    front, back = np.uint64(start), np.uint64(stop)  # back: one past the next place
    for i in range(np.uint64(start), np.uint64(stop)):
        element = source[i]
        goes = np.uint64(goes_left[codes[np.uint64(element >> 32)]])
        target[back - np.uint64(1)] = element
        target[front] = element
        front += goes
        back -= np.uint64(1) - goes
    middle = np.int64(front)
    segments[left, 0], segments[left, 1] = start, middle - start
    segments[right, 0], segments[right, 1] = middle, stop - middle


def divided(source, target, segments, parent, left, right, codes, goes_left):
    """`divide` on copies."""
    target, segments = target.copy(), segments.copy()
    divide(source, target, segments, parent, left, right, codes, goes_left)
    return target, segments


def _example(shards):
    def example(rng):
        codes = rng.integers(0, 256, 60).astype(np.uint8)
        source = (rng.permutation(60) << 32).reshape(shards, -1) | rng.integers(0, 1 << 32, (shards, 60 // shards))
        segments = np.zeros((4, shards, 2), np.int64)
        segments[2, :, 0], segments[2, :, 1] = 2, 17
        goes_left = rng.integers(0, 2, 256).astype(np.uint8)
        return source, np.full_like(source, -1), segments, 2, 1, 3, codes, goes_left
    return example


@oracle(divided, kernels=(divide_shards, divide_alone), example=(_example(3), _example(1)), rtol=0, atol=0)
def divided_formula(source, target, segments, parent, left, right, codes, goes_left):
    """The rows that go left in their order, then the others in reverse."""
    target, segments = target.copy(), segments.copy()
    for shard, (start, length) in enumerate(segments[parent]):
        part = source[shard, start:start + length]
        to_left = goes_left[codes[part >> 32]] == 1
        target[shard, start:start + length] = np.concatenate([part[to_left], part[~to_left][::-1]])
        segments[left, shard] = start, to_left.sum()
        segments[right, shard] = start + to_left.sum(), (~to_left).sum()
    return target, segments
