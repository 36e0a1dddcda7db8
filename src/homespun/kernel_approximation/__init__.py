"""Floor 3: columns whose plain products are, nearly, the values of a kernel. A linear model on them is a kernel machine."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "AdditiveChi2Sampler": "additive_chi2",
    "Nystroem": "nystroem",
    "PolynomialCountSketch": "count_sketch",
    "RBFSampler": "fourier",
    "SkewedChi2Sampler": "fourier",
})
