"""Data that the project makes: nothing is downloaded, and the same seed gives the same table everywhere."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "PlantedLeak": "leaks",
        "honest_tables": "leaks",
        "planted_leaks": "leaks",
        "used_cars": "cars",
    },
)
