"""Histograms: for each feature and bin, the sum of gradients and of hessians of a node's rows. All sums are exact integers.

    hist[f, 0, b] = sum of round(g_i / u_g)     over the rows i of the node whose code of feature f is b
    hist[f, 1, b] = sum of round(h_i / u_h)
    hist[f, 2, b] = number (or integer weight) of these rows

Gradients are rounded to multiples of a unit, so sums do not depend on the order: one thread or sixty-four, this row order
or that, the model is the same to the last bit. Two ways, chosen each round from the gradients' range (`choose_units`):

* **packed**: g in 16 bits, h in 16, in one int64, so that a row's entry is one integer addition; after 65,536 rows the
  lower half (h) is full and both halves are flushed to float64. No counts; they follow from h, as in LightGBM.
  The packed gradient travels in the same int64 as the row number, so nothing is gathered but the codes.
* **exact**: g and h on a grid of powers of two fine enough that a sum over all rows just fills float64's 53 bits
  (at 1,000 rows 42 bits for one gradient). For few rows, integer weights, monotone constraints, and heavy tails, where
  16 bits would be too coarse.

Measured (1M x 28, one thread): packed 0.24 ns an update, float pairs 0.43 to 0.54 ns. Rounding at random (Shi et al. 2022,
"Quantized training of GBDT", NeurIPS) is not needed with 16 bits. O(rows of the smaller child x d) per split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.kernels import kernel, oracle
from homespun.kernels.simd import prefetch
from homespun.kernels.threads import over_blocks

BINS = 256
FLUSH = 65536  # rows: 65,535 (the largest h) x 65,536 < 2^32
AHEAD = 64  # rows between asking for codes and using them: memory latency / time per row
PACKED_FROM = 1 << 15  # rows; below it a split costs more in scanning than in adding
LARGEST_G, LARGEST_H = 32767.0, 65535.0
TAIL_G, TAIL_H = 128.0, 512.0  # packed only if max |g| <= 128 rms(g) and max h <= 512 mean(h): the error of a typical row
#                                is then below 0.2 % of it, and boosting corrects it in the next round


class RowStore:
    """The rows in the order of the tree's leaves, in S shards that are split side by side.

    elements : (S, m) int64      row number << 32 | packed gradients; shard s owns the rows bounds[s] … bounds[s + 1] - 1
    segments : (nodes, S, 2) int64      where the rows of a node stand in each shard: start, length
    """

    def __init__(self, n: int):
        shards = min(16, 1 << (n >> 16).bit_length())
        self.bounds = np.arange(shards + 1) * n // shards
        self.elements = np.empty((shards, int(np.diff(self.bounds).max())), dtype=np.int64)
        self.scratch = np.empty_like(self.elements)
        self.segments = np.zeros((64, shards, 2), dtype=np.int64)

    def reset(self):
        """All rows in the root (node 0)."""
        self.segments[0, :, 0] = 0
        self.segments[0, :, 1] = np.diff(self.bounds)

    def reserve(self, nodes: int):
        while nodes > len(self.segments):
            self.segments = np.concatenate([self.segments, np.zeros_like(self.segments)])

    def rows_of(self, node: int) -> np.ndarray:
        """Row numbers of a node, ascending."""
        parts = [self.elements[s, start:start + length] >> 32 for s, (start, length) in enumerate(self.segments[node])]
        return np.concatenate(parts)


@dataclass
class Gradients:
    """One tree's gradients, rounded: what the sums are made of."""

    packed: bool
    unit_g: float
    unit_h: float
    grid: np.ndarray  # (n, 3): g / u_g, h / u_h, count of each row; (0, 3) where packed
    total: tuple[float, float, float]  # of all rows


def choose_units(g, h, weights, integer_weights: bool, exact: bool) -> tuple[bool, float, float]:
    """Packed or exact, and the units of g and h. `exact` demands the exact way."""
    n = len(g)
    weighted_g = g if weights is None else g * weights
    weighted_h = h if weights is None else h * weights
    largest_g = max(float(weighted_g.max()), -float(weighted_g.min()))
    largest_h = float(weighted_h.max())
    if n >= PACKED_FROM and not exact and not integer_weights and largest_g > 0:
        typical_g = np.sqrt(float(np.dot(weighted_g, weighted_g)) / n)
        typical_h = float(weighted_h.mean(dtype=np.float64))
        if largest_g <= TAIL_G * typical_g and largest_h <= TAIL_H * typical_h:
            return True, largest_g / LARGEST_G, largest_h / LARGEST_H
    # A power of two, such that sum |g| w < 2^52 units. It depends on the data only through sums that weights and
    # repetitions share, so an integer weight gives the very bits of repeated rows.
    weight = n if weights is None else float(weights.sum())
    return False, _grid_unit(float(np.abs(g).max()), weight), _grid_unit(float(h.max()), weight)


def _grid_unit(largest: float, weight: float) -> float:
    if largest == 0:
        return 1.0
    return float(2.0 ** (np.ceil(np.log2(largest)) + np.ceil(np.log2(max(weight, 1e-300))) - 52))


def round_gradients(g, h, weights, integer_weights, exact, store: RowStore) -> Gradients:
    """Round one tree's gradients (n,) and put all rows, with them, into the root of `store`."""
    packed, unit_g, unit_h = choose_units(g, h, weights, integer_weights, exact)
    grid = np.empty((0 if packed else len(g), 3))
    count_weights = integer_weights and weights is not None
    sums = fill_elements(g, h, np.empty(0) if weights is None else weights, store.bounds, 1 / unit_g, 1 / unit_h, packed,
                         count_weights, store.elements, grid)
    store.reset()
    return Gradients(packed, unit_g, unit_h, grid, tuple(sums.sum(axis=0).tolist()))


def fill_elements(g, h, weights, bounds, per_g, per_h, packed, count_weights, elements, grid):
    """Fills `elements` (and `grid`, if not packed); returns the sums of each shard, (S, 3)."""
    sums = np.zeros((len(bounds) - 1, 3))
    over_blocks(element_block, len(bounds) - 1, g, h, weights, bounds, per_g, per_h, packed, count_weights, elements, grid, sums)
    return sums


@kernel("void(i8, f4[::1], f4[::1], f8[::1], i8[::1], f8, f8, b1, b1, i8[:, ::1], f8[:, ::1], f8[:, ::1])")
def element_block(shard, g, h, weights, bounds, per_g, per_h, packed, count_weights, elements, grid, sums):
    """IN g, h (n,), weights (n,) or (0,).   OUT elements (S, m), grid (n, 3) or (0, 3), sums (S, 3)."""
    first, last = bounds[shard], bounds[shard + 1]
    g, h, out = g[first:last], h[first:last], elements[shard]
    total_g, total_h, count = 0.0, 0.0, 0.0
    for i in range(g.size):
        slope, curve = float(g[i]), float(h[i])
        weight = weights[first + i] if weights.size > 0 else 1.0  # no mutant (0 → 1): there is never a single one
        if packed:
            whole_g = np.floor(slope * weight * per_g + 0.5)
            whole_h = np.floor(curve * weight * per_h + 0.5)
            out[i] = ((first + i) << 32) | ((np.int64(whole_g) & 0xFFFF) << 16) | np.int64(whole_h)
            count += 1.0
        else:
            whole_g = np.floor(np.floor(slope * per_g + 0.5) * weight + 0.5)  # rounded, then weighted: as if repeated
            whole_h = np.floor(np.floor(curve * per_h + 0.5) * weight + 0.5)
            out[i] = (first + i) << 32
            rows = weight if count_weights else 1.0
            grid[first + i, 0], grid[first + i, 1], grid[first + i, 2] = whole_g, whole_h, rows
            count += rows
        total_g += whole_g
        total_h += whole_h
    sums[shard, 0] = total_g
    sums[shard, 1] = total_h
    sums[shard, 2] = count


# ---------------------------------------------------------------------------------------------------------------------
# Sums of one node, for the features of one group. Called by the split search, one group per task.

@kernel()
def sum_packed(codes, elements, segments, width, hist):
    """IN codes (n, w), elements (S, m), segments (S, 2) of the node.   OUT hist (width, 3, 256), its third part untouched."""
    stride = codes.shape[1]
    flat = codes.reshape(codes.size)
    sums = np.zeros(width * BINS, np.int64)
    for j in range(width):
        for b in range(BINS):
            hist[j, 0, b] = hist[j, 1, b] = 0.0
    used = 0
    for shard in range(segments.shape[0]):
        start = segments[shard, 0]
        stop = start + segments[shard, 1]
        while start < stop:
            here = min(stop, start + FLUSH - used)
            add_packed(flat, stride, elements[shard], start, here, width, sums)
            used += here - start
            start = here
            if used == FLUSH:
                flush(sums, hist)
                used = 0
    flush(sums, hist)


@kernel()
def add_packed(codes, stride, elements, start, stop, width, sums):
    """The hot loop. Row number and gradients come in one read; the next codes are asked for 64 rows before their turn.

    Flat arrays and unsigned places: as sums[j, codes[row, j]] it takes 0.37 ns an entry instead of 0.31.
    """
    for i in range(start, min(start + AHEAD, stop)):  # no mutant: asking for memory changes nothing
        prefetch(codes, (elements[i] >> 32) * stride)
    for i in range(start, stop):
        prefetch(codes, (elements[min(i + AHEAD, stop - 1)] >> 32) * stride)
        element = elements[i]
        row = np.uint64((element >> 32) * stride)
        g = (((element >> 16) & 0xFFFF) ^ 0x8000) - 0x8000  # the sign of 16 bits, extended
        both = (g << 32) + (element & 0xFFFF)
        for j in range(np.uint64(width)):
            sums[np.uint64(j * BINS) + np.uint64(codes[row + np.uint64(j)])] += both


@kernel()
def flush(sums, hist):
    """Unpack the halves (g is the floor: h, below 2^32, never borrows from it) and start again from zero."""
    for j in range(hist.shape[0]):
        for b in range(BINS):
            both = sums[j * BINS + b]
            hist[j, 0, b] += both >> 32
            hist[j, 1, b] += both & 0xFFFFFFFF
            sums[j * BINS + b] = 0


@kernel()
def sum_exact(codes, elements, segments, grid, width, hist):
    """As `sum_packed`, with counts; from the grid, or (where that is empty) from the packed gradients, one by one."""
    for j in range(width):
        for b in range(BINS):
            hist[j, 0, b] = hist[j, 1, b] = hist[j, 2, b] = 0.0
    for shard in range(segments.shape[0]):
        start = segments[shard, 0]
        for i in range(start, start + segments[shard, 1]):
            element = elements[shard, i]
            row = element >> 32
            if grid.shape[0] > 0:  # no mutant (0 → 1): it has none or many
                g, h, count = grid[row, 0], grid[row, 1], grid[row, 2]
            else:
                g = float((((element >> 16) & 0xFFFF) ^ 0x8000) - 0x8000)
                h = float(element & 0xFFFF)
                count = 1.0
            for j in range(width):
                code = codes[row, j]
                hist[j, 0, code] += g
                hist[j, 1, code] += h
                hist[j, 2, code] += count


# ---------------------------------------------------------------------------------------------------------------------
# What defines them

def _elements_example(packed, weighted, integer=False):
    def example(rng):
        n = 40
        g, h = rng.normal(size=n).astype(np.float32), rng.uniform(0.1, 1, n).astype(np.float32)
        weights = rng.integers(1, 4, n).astype(np.float64) if integer else rng.uniform(0.5, 2, n)
        per_g, per_h = (LARGEST_G / 9, LARGEST_H / 3) if packed else (2.0 ** 20, 2.0 ** 22)
        return (g, h, weights if weighted else np.empty(0), np.array([0, 19, n]), per_g, per_h, packed, integer,
                np.zeros((2, 21), np.int64), np.zeros((0 if packed else n, 3)))
    return example


def _fill_and_return(*arguments):
    sums = fill_elements(*arguments)
    return arguments[-2], arguments[-1], sums


@oracle(_fill_and_return, kernels=(element_block,), rtol=0, atol=0, example=(
    _elements_example(True, False), _elements_example(True, True), _elements_example(False, False),
    _elements_example(False, True), _elements_example(False, True, True)))
def elements_formula(g, h, weights, bounds, per_g, per_h, packed, count_weights, elements, grid):
    """Row number and rounded gradients, shard by shard."""
    n = len(g)
    weight = weights if weights.size else np.ones(n)
    if packed:
        whole = np.floor(np.stack([g * weight * per_g, h * weight * per_h, np.ones(n) - 0.5], axis=1) + 0.5)
    else:
        whole = np.floor(np.floor(np.stack([g * np.float64(per_g), h * np.float64(per_h)], axis=1) + 0.5) * weight[:, None] + 0.5)
        whole = np.column_stack([whole, weight if count_weights else np.ones(n)])
    word = np.arange(n) << 32
    if packed:
        word |= ((whole[:, 0].astype(np.int64) & 0xFFFF) << 16) | whole[:, 1].astype(np.int64)
    elements = np.zeros_like(elements)
    for shard in range(len(bounds) - 1):
        part = word[bounds[shard]:bounds[shard + 1]]
        elements[shard, : len(part)] = part
    sums = np.add.reduceat(whole, bounds[:-1], axis=0)
    return elements, whole[: len(grid)], sums
