"""Texts into counts of terms, as dense matrices."""

import re

import numpy as np

from homespun.feature_extraction.text.analysis import (
    char_ngrams,
    char_wb_ngrams,
    strip_accents_ascii,
    strip_accents_unicode,
    word_ngrams,
)
from homespun.feature_extraction.text.hashing import murmur3
from homespun.persist.runner.core import columns_of, matrix, part


def texts_of(X):
    """The texts: a list of them, or the only column."""
    if not isinstance(X, dict) and X.ndim == 1:
        return X.tolist()
    found = columns_of(X)
    if len(found) != 1:
        raise ValueError(f"one column of texts is needed, got {len(found)}")
    return found[0].tolist()


def terms_of(spec, text):
    """The terms of one text, by the vectorizer's settings."""
    if isinstance(text, bytes):
        text = text.decode(spec["encoding"], spec["errors"])
    if not isinstance(text, str):
        raise ValueError(f"a text is needed, got {text!r}")
    text = text.lower() if spec["lower"] else text
    if spec["accents"] is not None:
        text = strip_accents_ascii(text) if spec["accents"] == "ascii" else strip_accents_unicode(text)
    low, high = spec["lengths"]
    if spec["analyzer"] != "word":
        return char_ngrams(text, low, high) if spec["analyzer"] == "char" else char_wb_ngrams(text, low, high)
    stop = None if spec["stop_words"] is None else set(spec["stop_words"])
    return word_ngrams(re.findall(spec["pattern"], text), stop, low, high)


@part
def counts(spec, X):
    texts, place = texts_of(X), {term: j for j, term in enumerate(spec["terms"])}
    out = np.zeros((len(texts), len(place)), dtype=spec["dtype"])
    for i, text in enumerate(texts):
        found = [place[term] for term in terms_of(spec, text) if term in place]
        np.add.at(out[i], np.array(found, dtype=np.int64), 1)
    return (out > 0).astype(out.dtype) if spec["binary"] else out


@part
def text_terms(spec, X):
    texts = ["" if text is None or text != text else str(text) for text in texts_of(X)]
    return counts(spec, np.array(texts, dtype=object)) * spec["idf"]


@part
def tfidf(spec, X):
    return tfidf_weights(spec["weights"], counts(spec, X))


@part
def tfidf_weights(spec, X):
    X = matrix(X)
    if spec["sublinear"]:
        X = np.where(X > 0, np.log(np.where(X > 0, X, 1.0)) + 1.0, 0.0).astype(X.dtype)
    if spec["idf"] is not None:  # without smoothing, the weight of a term in no document is infinite
        X = np.multiply(X, spec["idf"].astype(X.dtype), out=np.zeros_like(X), where=X != 0)
    return unit_length(X, spec["norm"])


def unit_length(X, norm):
    """Rows to length one; the sums run from left to right."""
    if norm is None:
        return X
    rows, columns = np.nonzero(X)
    stored = X[rows, columns]
    parts = np.abs(stored) if norm == "l1" else stored * stored
    lengths = np.bincount(rows, weights=parts, minlength=len(X))
    lengths = np.sqrt(lengths) if norm == "l2" else lengths
    lengths[lengths == 0] = 1.0
    return X / lengths[:, None].astype(X.dtype)


@part
def hashed(spec, X):
    texts = texts_of(X)
    out = np.zeros((len(texts), spec["width"]), dtype=spec["dtype"])
    stored = np.zeros(out.shape, dtype=bool)
    for i, text in enumerate(texts):
        terms = terms_of(spec, text)
        hashes = murmur3([term.encode() for term in terms])
        columns = np.abs(hashes.astype(np.int64)) % spec["width"]
        signs = np.where(hashes < 0, -1, 1) if spec["signed"] else np.ones(len(hashes))
        np.add.at(out[i], columns, signs.astype(out.dtype))
        stored[i, columns] = True
    return unit_length(stored.astype(out.dtype) if spec["binary"] else out, spec["norm"])
