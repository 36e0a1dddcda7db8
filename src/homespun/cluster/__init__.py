"""Floor 3: groups that nobody labelled."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "KMeans": "kmeans",
    "k_means": "kmeans",
    "kmeans_plusplus": "seeding",
})
