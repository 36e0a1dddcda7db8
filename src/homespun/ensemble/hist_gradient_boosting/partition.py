"""Dividing the rows of a node between its children, in each shard side by side.

The rows of a node stand in one piece per shard. Each row is written to both sides and one side advances, so there is no
branch to mispredict; both sides keep the order of row numbers, so that later passes read memory forwards. O(rows).
"""

from __future__ import annotations

import numpy as np

from homespun.kernels import kernel, oracle, prange


def divide(elements, scratch, segments, parent, left, right, codes, goes_left):
    """Put the rows of node `parent` that go left before the others, in each shard; write the segments of both children.

    IN codes (n,) of the feature, goes_left (256,): 1 for a code that goes left.
    OUT elements (S, m), segments (nodes, S, 2); scratch (S, m) is room.
    """
    run = divide_shards if len(elements) > 1 else divide_alone
    run(elements, scratch, segments, parent, left, right, codes, goes_left)


_SIGNATURE = "void(i8[:, ::1], i8[:, ::1], i8[:, :, ::1], i8, i8, i8, u1[::1], u1[::1])"


@kernel(_SIGNATURE, parallel=True)
def divide_shards(elements, scratch, segments, parent, left, right, codes, goes_left):
    for shard in prange(elements.shape[0]):
        divide_shard(elements[shard], scratch[shard], segments[:, shard], parent, left, right, codes, goes_left)


@kernel(_SIGNATURE)
def divide_alone(elements, scratch, segments, parent, left, right, codes, goes_left):
    divide_shard(elements[0], scratch[0], segments[:, 0], parent, left, right, codes, goes_left)


@kernel()
def divide_shard(elements, scratch, segments, parent, left, right, codes, goes_left):
    """Unsigned places: signed ones are checked for being negative, which doubles the time (2.1 instead of 1.1 ns a row)."""
    start = segments[parent, 0]
    stop = start + segments[parent, 1]
    to_left, to_right = np.uint64(start), np.uint64(start)
    for i in range(np.uint64(start), np.uint64(stop)):
        element = elements[i]
        goes = np.uint64(goes_left[codes[np.uint64(element >> 32)]])
        elements[to_left] = element
        scratch[to_right] = element
        to_left += goes
        to_right += np.uint64(1) - goes
    middle = np.int64(to_left)
    for i in range(stop - middle):
        elements[middle + i] = scratch[start + i]
    segments[left, 0], segments[left, 1] = start, middle - start
    segments[right, 0], segments[right, 1] = middle, stop - middle


def divided(elements, scratch, segments, parent, left, right, codes, goes_left):
    """`divide` on copies."""
    elements, segments = elements.copy(), segments.copy()
    divide(elements, scratch.copy(), segments, parent, left, right, codes, goes_left)
    return elements, segments


def _example(shards):
    def example(rng):
        codes = rng.integers(0, 256, 60).astype(np.uint8)
        elements = (rng.permutation(60) << 32).reshape(shards, -1) | rng.integers(0, 1 << 32, (shards, 60 // shards))
        segments = np.zeros((4, shards, 2), np.int64)
        segments[1, :, 0], segments[1, :, 1] = 2, 17
        goes_left = rng.integers(0, 2, 256).astype(np.uint8)
        return elements, np.zeros_like(elements), segments, 1, 2, 3, codes, goes_left
    return example


@oracle(divided, kernels=(divide_shards, divide_alone), example=(_example(3), _example(1)), rtol=0, atol=0)
def divided_formula(elements, scratch, segments, parent, left, right, codes, goes_left):
    """A stable sort of each shard's part by side."""
    elements, segments = elements.copy(), segments.copy()
    for shard, (start, length) in enumerate(segments[parent]):
        part = elements[shard, start:start + length]
        to_left = goes_left[codes[part >> 32]] == 1
        elements[shard, start:start + length] = np.concatenate([part[to_left], part[~to_left]])
        segments[left, shard] = start, to_left.sum()
        segments[right, shard] = start + to_left.sum(), (~to_left).sum()
    return elements, segments
