"""Sums over rows, block by block: NumPy at the speed of one pass over memory.

A formula over whole arrays of a million rows writes each of its temporaries to memory and reads it back. Over blocks of
32,768 rows the temporaries stay in the cache, and blocks run on threads (NumPy lets go of the GIL): the mean squared error
takes 0.4 ms instead of 2.0, a deviance 1.0 instead of 4.8. Blocks are fixed by the data, so the sum does not depend on the
number of threads; sums of blocks of sums also round less.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from homespun.kernels import over_blocks

BLOCK = 1 << 15  # rows


def block_sums(terms: Callable, *arrays: np.ndarray, s: np.ndarray | None = None, count: int = 1) -> np.ndarray:
    """(count, t): weighted sums over rows of the `count` arrays (rows, t) that ``terms(*blocks)`` returns (one: not a tuple).

    arrays: (n, t) each; s: weights (n,) or None.
    """
    n, t = arrays[0].shape
    block = max(1, BLOCK // t)
    blocks = (n + block - 1) // block
    found = np.empty((blocks, count, t))

    def add(b):
        rows = slice(b * block, (b + 1) * block)
        with np.errstate(all="ignore"):  # of this thread; what is not finite is looked at by who asked
            parts = terms(*(array[rows] for array in arrays))
        for place, part in enumerate(parts if count > 1 else (parts,)):
            if s is not None:
                found[b, place] = (part * s[rows, None]).sum(axis=None if t == 1 else 0)  # a product would start BLAS's threads
            elif t == 1:
                found[b, place] = part.sum()  # pairwise; along an axis of one it would be slow
            else:
                found[b, place] = part.sum(axis=0)

    over_blocks(add, blocks)
    return found.sum(axis=0)
