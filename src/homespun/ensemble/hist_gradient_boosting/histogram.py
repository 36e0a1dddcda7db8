"""Histograms: for each feature and bin, the sum of gradients and of hessians of a node's rows. All sums are exact integers.

    G[f, b] = sum of round(g_i / u_g)     over the rows i of the node whose code of feature f is b
    H[f, b] = sum of round(h_i / u_h)
    N[f, b] = number (or integer weight) of these rows

Gradients are rounded to multiples of a unit, so sums do not depend on the order: one thread or sixty-four, this row order
or that, the model is the same to the last bit. Two ways, chosen each round from the gradients' range (`choose_units`):

* **packed**, (d, ROOM) int64: word = G 2^32 + H. Units so large that the sums of *all* rows fit the halves of one word (and
  a row's g and h 16 bits each). So adding a row is one integer addition, subtracting a child from its parent one a bin, and
  a running sum one a cut. No counts; they follow from H, as in LightGBM. A row's gradients travel in the int64 of its
  number, so nothing is gathered but the codes.
* **exact**, (d, 3, ROOM) float64: G, H, N in units that are powers of two, so fine that a sum over all rows just fills
  float64's 53 bits (at 1,000 rows 42 bits for one gradient). For few rows, integer weights, monotone constraints, and heavy
  tails, where 16 bits would be too coarse.

Measured (1M x 28, one thread): packed 0.25 ns an update (a processor stores once a cycle), float pairs 0.43 to 0.54 ns.
Rounding at random (Shi et al. 2022, "Quantized training of GBDT", NeurIPS) is not needed with so many bits.
O(rows of the smaller child x d) per split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from homespun.kernels import kernel, oracle
from homespun.kernels.binning import MISSING
from homespun.kernels.simd import prefetch
from homespun.kernels.threads import over_blocks

BINS = 256
ROOM = BINS + 8  # places that a feature's bins take, with a cache line that stays unused: 256 apart, the same bin of all features
#                  falls into 2 of the 64 sets of the first cache, and 14 yes/no features throw each other out (16 times slower)
AHEAD = 64  # rows between asking for codes and using them: memory latency / time per row
PACKED_FROM = 1 << 15  # rows; below it a split costs more in scanning than in adding
LARGEST_G, LARGEST_H = 32767.0, 65535.0  # of one row
TOTAL_G, TOTAL_H = 2.0**31, 2.0**32  # of all rows: the halves of a word
LOWER = 0xFFFFFFFF  # the lower half: H
TAIL_G, TAIL_H = 128.0, 512.0  # packed only if max |g| <= 128 rms(g) and max h <= 512 mean(h): the error of a typical row
#                                is then below 0.2 % of it, and boosting corrects it in the next round
FINE = 64.0  # … and only if a typical row has so many units: up to 30 million rows


class RowStore:
    """The rows in the order of the tree's leaves, in S shards that are divided side by side.

    elements : (2, S, m) int64      row number << 32 | packed gradients; shard s owns the rows bounds[s] … bounds[s + 1] - 1.
        Twice, because dividing a node writes its children to the other side: a node of depth t stands on side t % 2.
    segments : (nodes, S, 2) int64      where the rows of a node stand in each shard: start, length
    """

    def __init__(self, n: int):
        shards = min(16, 1 << (n >> 16).bit_length())
        self.bounds = np.arange(shards + 1) * n // shards
        self.elements = np.empty((2, shards, int(np.diff(self.bounds).max())), dtype=np.int64)
        self.segments = np.zeros((64, shards, 2), dtype=np.int64)

    def reset(self):
        """All rows in the root (node 0)."""
        self.segments[0, :, 0] = 0
        self.segments[0, :, 1] = np.diff(self.bounds)

    def reserve(self, nodes: int):
        while nodes > len(self.segments):
            self.segments = np.concatenate([self.segments, np.zeros_like(self.segments)])

    def rows_of(self, node: int, depth: int) -> np.ndarray:
        """Row numbers of a node."""
        shards = zip(self.elements[depth % 2], self.segments[node])
        return np.concatenate([mine[start:start + length] >> 32 for mine, (start, length) in shards])


@dataclass
class Gradients:
    """One tree's gradients, rounded: what the sums are made of."""

    packed: bool
    unit_g: float
    unit_h: float
    grid: np.ndarray  # (n, 3): g / u_g, h / u_h, count of each row; (0, 3) where packed
    total: tuple[float, float, float]  # of all rows


class Ranges(NamedTuple):
    """What units are chosen by; of some rows, or (by `joined`) of all. "Weighted": of g w and h w."""

    largest_g: float
    largest_h: float
    weighted_g: float  # the largest
    weighted_h: float
    sum_g: float  # of |g w|
    sum_h: float
    squares: float  # sum of (g w)²
    weight: float  # sum of w

    @classmethod
    def of(cls, g, h, weights=None) -> Ranges:
        """By NumPy, for one shard at a time: its gradients are still in the cache, and NumPy releases the GIL."""
        largest_g, largest_h, weight = max(float(g.max()), -float(g.min())), float(h.max()), float(len(g))
        weighted_g, weighted_h = largest_g, largest_h
        with np.errstate(all="ignore"):  # gradients may be infinite: whoever asked looks at the largest
            if weights is not None:
                g, h, weight = g * weights, h * weights, float(weights.sum())
                weighted_g, weighted_h = max(float(g.max()), -float(g.min())), float(h.max())
            share = np.abs(g) / g.dtype.type(weighted_g or 1)  # of the largest: 32 bits would not hold the squares of all g
            sum_h = float((h / h.dtype.type(weighted_h or 1)).sum()) * weighted_h
            squares = float(np.einsum("i,i->", share, share)) * weighted_g * weighted_g
            return cls(largest_g, largest_h, weighted_g, weighted_h, float(share.sum()) * weighted_g, sum_h, squares, weight)

    @classmethod
    def joined(cls, shards: list[Ranges]) -> Ranges:
        return cls(*[max(part) for part in zip(*[ranges[:4] for ranges in shards])],
                   *[sum(part) for part in zip(*[ranges[4:] for ranges in shards])])


def choose_units(ranges: Ranges, n: int, integer_weights: bool, exact: bool) -> tuple[bool, float, float]:
    """Packed or exact, and the units of g and h. `exact` demands the exact way."""
    if n >= PACKED_FROM and not exact and not integer_weights and ranges.weighted_g > 0:
        per_row = ranges.weighted_g / LARGEST_G, ranges.weighted_h / LARGEST_H
        in_all = _rounded_up(ranges.sum_g / (TOTAL_G - n)), _rounded_up(ranges.sum_h / (TOTAL_H - n))
        unit_g, unit_h = max(per_row[0], in_all[0]), max(per_row[1], in_all[1])
        typical_g, typical_h = np.sqrt(ranges.squares / n), ranges.sum_h / n
        if (ranges.weighted_g <= TAIL_G * typical_g and ranges.weighted_h <= TAIL_H * typical_h
                and typical_g >= FINE * unit_g and typical_h >= FINE * unit_h):
            return True, unit_g, unit_h
    # A power of two, such that sum |g| w < 2^52 units. It depends on the data only through sums that weights and
    # repetitions share, so an integer weight gives the very bits of repeated rows.
    return False, _grid_unit(ranges.largest_g, ranges.weight), _grid_unit(ranges.largest_h, ranges.weight)


def _rounded_up(unit: float) -> float:
    """To six bits and a step more: the order in which the rows were added must not show."""
    fraction, exponent = np.frexp(unit)
    return float(np.ldexp(np.ceil(fraction * 64) + 1, exponent - 6))


def _grid_unit(largest: float, weight: float) -> float:
    if largest == 0:
        return 1.0
    return float(2.0 ** (np.ceil(np.log2(largest)) + np.ceil(np.log2(max(weight, 1e-300))) - 52))


def round_gradients(g, h, weights, integer_weights, exact, ranges: Ranges, store: RowStore) -> Gradients:
    """Round one tree's gradients (n,) and put all rows, with them, into the root of `store`."""
    packed, unit_g, unit_h = choose_units(ranges, len(g), integer_weights, exact)
    grid = np.empty((0 if packed else len(g), 3))
    count_weights = integer_weights and weights is not None
    sums = fill_elements(g, h, np.empty(0) if weights is None else weights, store.bounds, 1 / unit_g, 1 / unit_h, packed,
                         count_weights, store.elements[0], grid)
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
def sum_packed(codes, stride, elements, segments, width, sums):
    """IN codes (n * w,), elements (S, m), segments (S, 2) of the node.   OUT sums (width * ROOM,): words."""
    for b in range(sums.size):
        sums[b] = 0
    for shard in range(segments.shape[0]):
        add_packed(codes, stride, elements[shard], segments[shard, 0], segments[shard, 0] + segments[shard, 1], width, sums)


@kernel()
def add_packed(codes, stride, elements, start, stop, width, sums):
    """The hot loop. Row number and gradients come in one read; the next codes are asked for 64 rows before their turn.

    Flat arrays and unsigned places: as sums[j, codes[row, j]] it takes 0.37 ns an entry instead of 0.31. Inner loops of fixed
    length, which LLVM unrolls: 0.26 instead of 0.33 where rows are far apart, as more of them are under way at a time.
    """
    eights, fours, twos = np.uint64(width & 24), np.uint64(width & 28), np.uint64(width & 30)
    for i in range(start, min(start + AHEAD, stop)):  # no mutant: asking for memory changes nothing
        prefetch(codes, (elements[i] >> 32) * stride)
    for i in range(np.uint64(start), np.uint64(stop)):
        prefetch(codes, (elements[min(i + np.uint64(AHEAD), np.uint64(stop - 1))] >> 32) * stride)
        element = elements[i]
        row = np.uint64((element >> 32) * stride)
        g = (((element >> 16) & 0xFFFF) ^ 0x8000) - 0x8000  # the sign of 16 bits, extended
        both = (g << 32) + (element & 0xFFFF)
        for eight in range(np.uint64(0), eights, np.uint64(8)):
            for j in range(8):
                sums[(eight + np.uint64(j)) * np.uint64(ROOM) + np.uint64(codes[row + eight + np.uint64(j)])] += both
        if width & 4:
            for j in range(4):
                sums[(eights + np.uint64(j)) * np.uint64(ROOM) + np.uint64(codes[row + eights + np.uint64(j)])] += both
        if width & 2:
            for j in range(2):
                sums[(fours + np.uint64(j)) * np.uint64(ROOM) + np.uint64(codes[row + fours + np.uint64(j)])] += both
        if width & 1:
            sums[twos * np.uint64(ROOM) + np.uint64(codes[row + twos])] += both


def unpacked(words) -> np.ndarray:
    """(d, ROOM) words → (d, 3, ROOM) float64, with zeros for the counts that packed sums do not have."""
    return np.stack([words >> 32, words & LOWER, np.zeros_like(words)], axis=1).astype(np.float64)


@kernel()
def sum_exact(codes, elements, segments, grid, features, hist):
    """As `sum_packed`, with counts; from the grid, or (where that is empty) from the packed gradients, one by one."""
    width = features.shape[0]
    for j in range(width):
        for part in range(3):
            for b in range(features[j, 0]):  # the number of its bins; the others stay zero
                hist[j, part, b] = 0.0
            hist[j, part, MISSING] = 0.0
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
