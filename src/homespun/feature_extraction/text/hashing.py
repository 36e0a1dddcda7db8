"""Hashed bags of words: the column of a term is a hash of it, so that nothing is learned or kept.

    column = |h(term)| mod n_features,  x[i, column] += sign(h(term))          h: MurmurHash3, 32 bits, seed 0, of the UTF-8 bytes

Weinberger et al. 2009, ICML, eq. 1: with signs, collisions cancel on average. MurmurHash3 (Appleby 2011) works on blocks of
four bytes; here one NumPy operation does a block of all distinct terms at once. Cost O(tokens).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.base.estimator import check_params
from homespun.base.params import Anything, Boolean, Integer, OneOf
from homespun.feature_extraction.text.analysis import ANALYSIS_PARAMS, TextVectorizer, as_configured
from homespun.feature_extraction.text.count import _Numbers, term_codes
from homespun.feature_extraction.text.tfidf import normalize_rows


class HashingVectorizer(TextVectorizer):
    """Counts of terms in hashed columns.

    Parameters
    ----------
    n_features : int, default=2**20
        Columns. With too few, different terms often share one.
    norm : {"l1", "l2"} or None, default="l2"
    alternate_sign : bool, default=True
        Half of the terms count negatively.
    dtype : number type, default=float64
    others
        As in `CountVectorizer`.

    Examples
    --------
    >>> HashingVectorizer(n_features=8, norm=None, alternate_sign=False).transform(["red car", "car car"]).toarray()
    array([[0., 0., 0., 1., 0., 0., 1., 0.],
           [0., 0., 0., 0., 0., 0., 2., 0.]])
    """

    params = {
        **ANALYSIS_PARAMS,
        "n_features": Integer(low=1, high=2**31 - 2),
        "norm": OneOf("l1", "l2", None),
        "alternate_sign": Boolean(),
        "dtype": Anything(),  # NumPy words what is no dtype
    }

    def __init__(
        self,
        *,
        input="content",
        encoding="utf-8",
        decode_error="strict",
        strip_accents=None,
        lowercase=True,
        preprocessor=None,
        tokenizer=None,
        stop_words=None,
        token_pattern=r"(?u)\b\w\w+\b",
        ngram_range=(1, 1),
        analyzer="word",
        n_features=2**20,
        binary=False,
        norm="l2",
        alternate_sign=True,
        dtype=np.float64,
    ):
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.stop_words = stop_words
        self.token_pattern = token_pattern
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.n_features = n_features
        self.binary = binary
        self.norm = norm
        self.alternate_sign = alternate_sign
        self.dtype = dtype

    def fit(self, X, y=None):
        """Check the parameters; nothing is learned."""
        check_params(self)
        self._check_analysis()
        self._warn_of_unused()
        self._documents(X, "fit")
        return self

    def partial_fit(self, X, y=None):
        """As `fit`."""
        return self.fit(X, y)

    def transform(self, X):
        """Signed counts, (n_documents, n_features), as a CSR matrix."""
        check_params(self)
        self._check_analysis()
        numbers = _Numbers()
        codes, ends = term_codes(self.build_analyzer(), self._documents(X, "transform"), numbers.__getitem__)
        hashes = murmur3([term.encode("utf-8") if isinstance(term, str) else bytes(term) for term in numbers])
        columns = np.abs(hashes.astype(np.int64)) % self.n_features
        signs = np.where(hashes < 0, -1, 1) if self.alternate_sign else np.ones(len(hashes))
        out = sparse.csr_matrix(
            (signs.astype(self.dtype)[codes], columns.astype(np.int32)[codes], ends), shape=(len(ends) - 1, self.n_features)
        )
        out.sum_duplicates()
        if self.binary:
            out.data.fill(1)
        return as_configured(normalize_rows(out, self.norm))

    def fit_transform(self, X, y=None):
        """As `transform`."""
        return self.fit(X).transform(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def murmur3(keys: list[bytes], seed: int = 0) -> np.ndarray:
    """MurmurHash3_x86_32 of each key, as int32.

    >>> murmur3([b"", b"car"]).tolist()
    [0, -2011139606]
    """
    lengths = np.array([len(key) for key in keys], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")  # the longest first: those with a further block are then in front
    blocks = lengths[order] // 4
    padded = b"".join(keys[i].ljust((len(keys[i]) // 4 + 1) * 4, b"\0") for i in order)
    words = np.frombuffer(padded, dtype="<u4")
    starts = np.concatenate([[0], np.cumsum(blocks + 1)])[:-1]
    h = np.full(len(keys), seed, dtype=np.uint32)
    for block in range(int(blocks.max(initial=0))):
        n = int(np.searchsorted(-blocks, -block, side="left"))  # keys with more than `block` whole blocks
        h[:n] ^= _mixed(words[starts[:n] + block])
        h[:n] = _rotated(h[:n], 13) * np.uint32(5) + np.uint32(0xE6546B64)
    h ^= _mixed(words[starts + blocks])  # the last bytes, filled up with zeros; a whole block of zeros mixes to zero
    h ^= lengths[order].astype(np.uint32)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    out = np.empty(len(keys), dtype=np.int32)
    out[order] = h.view(np.int32)
    return out


def _mixed(k):
    return _rotated(k * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotated(x, bits):
    return (x << np.uint32(bits)) | (x >> np.uint32(32 - bits))
