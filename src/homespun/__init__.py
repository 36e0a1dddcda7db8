"""homespun: machine learning you can read.

``import homespun as hs`` is as quick as ``import numpy``: every package loads on first use.
"""

from homespun.base.lazy import lazy_names

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(__name__, {})
