"""Seeds: every random thing takes `random_state`, and the same seed gives the same result on any number of threads.

An estimator turns its `random_state` into one 64-bit seed (`seed_from`); its kernels derive the stream of tree t, of
row block b, … from (seed, t), never from the thread that happens to run it.
"""

from __future__ import annotations

import numpy as np


def generator(random_state=None) -> np.random.Generator:
    """A NumPy `Generator` from None, an int, a `RandomState` or a `Generator`.

    >>> generator(0).integers(100) == generator(0).integers(100)
    np.True_
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(seed_from(random_state))


def seed_from(random_state=None) -> int:
    """A non-negative 63-bit seed. None draws fresh entropy; an int is itself; a generator is advanced by one draw."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**63))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**63 - 1, dtype=np.int64))
    if random_state is np.random:  # scikit-learn's way of saying "the global one"
        return int(np.random.randint(2**63 - 1, dtype=np.int64))  # noqa: NPY002
    return int(random_state)
