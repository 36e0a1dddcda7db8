"""Nearest neighbours: the k closest rows of the training data or all within a radius, and predictions by vote or mean."""

from homespun.base import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "KNeighborsClassifier": "classification",
    "KNeighborsRegressor": "regression",
    "NearestNeighbors": "unsupervised",
    "RadiusNeighborsClassifier": "radius_classification",
    "RadiusNeighborsRegressor": "radius_regression",
    "kneighbors_graph": "graph",
    "radius_neighbors_graph": "graph",
})
