"""Floor 1: compiled loops. `@kernel` (the one decorator), `simd` (vectors by name), `oracle` (the formula beside a kernel),
and loops that several algorithms share."""

from homespun.kernels.kernel import KERNELS, Kernel, kernel, num_threads, prange
from homespun.kernels.oracle import ORACLES, interpreted, oracle, prove
from homespun.kernels.threads import over_blocks

__all__ = ["KERNELS", "ORACLES", "Kernel", "interpreted", "kernel", "num_threads", "oracle", "over_blocks", "prange", "prove"]
