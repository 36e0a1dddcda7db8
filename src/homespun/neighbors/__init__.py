"""Nearest neighbours: the k closest rows of the training data, and predictions by their vote or mean."""

from homespun.base import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "KNeighborsClassifier": "classification",
    "KNeighborsRegressor": "regression",
    "NearestNeighbors": "unsupervised",
})
