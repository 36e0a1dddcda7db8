"""Texts into sparse rows of word counts, hashed counts, or TF-IDF weights."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "CountVectorizer": "count",
    "HashingVectorizer": "hashing",
    "TfidfTransformer": "tfidf",
    "TfidfVectorizer": "tfidf",
})
