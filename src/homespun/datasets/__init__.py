"""Data that the project makes, and a catalogue of data that others publish.

What is made here needs no network, and the same seed gives the same table everywhere. `catalogue` and `search` read a
list that travels with the package. Only `fetch` goes out, and nothing else in homespun calls it.
"""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Dataset": "listing",
        "Messy": "mess",
        "PlantedLeak": "claims",
        "catalogue": "listing",
        "fetch": "download",
        "honest_tables": "honest",
        "make_blobs": "points",
        "make_circles": "points",
        "make_classification": "labels",
        "make_friedman1": "responses",
        "make_moons": "points",
        "make_regression": "responses",
        "messy": "mess",
        "planted_leaks": "planted",
        "search": "listing",
        "used_cars": "cars",
    },
)
