"""Floor 3: ridge regression with a kernel."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"KernelRidge": "kernel_ridge"})
