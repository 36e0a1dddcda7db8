"""Data that the project makes: nothing is downloaded, and the same seed gives the same table everywhere."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"used_cars": "cars"})
