"""Bags of words: a text becomes the number of times that each term of a vocabulary is in it.

    x[i, t] = how often term t is in document i          terms in alphabetical order, as a CSR matrix

All tokens of all documents become one array of term numbers (a dictionary gives each new term the next one); the numbers are
put in order once and equal ones in a row are added. That is about half the work of a counter for each document. Cost O(tokens
+ V log V).
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Mapping

import numpy as np
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_array

from homespun.base.errors import DataError
from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Anything, Integer, Real, Satisfies
from homespun.base.stored import refuse
from homespun.feature_extraction.text.analysis import ANALYSIS_PARAMS, TextVectorizer, as_configured


class CountVectorizer(TextVectorizer):
    """Counts of terms.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        What a row is: a text (or bytes), the name of a file, which is opened, or an open file, which is read. Only a
        vectorizer of texts can be in a model file.
    encoding : str, default="utf-8"
    decode_error : {"strict", "ignore", "replace"}, default="strict"
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
    lowercase : bool, default=True
    preprocessor, tokenizer : callable or None, default=None
    stop_words : {"english"}, list or None, default=None
    token_pattern : str, default=r"(?u)\\b\\w\\w+\\b"
        Words of two letters or more.
    ngram_range : (low, high), default=(1, 1)
    analyzer : {"word", "char", "char_wb"} or callable, default="word"
    max_df, min_df : int, or float in [0, 1], default=1.0 and 1
        Terms in more or fewer documents (float: share of them) are left out.
    max_features : int or None, default=None
        Only so many, the most frequent; among equals the alphabetically first.
    vocabulary : mapping or iterable, default=None
    binary : bool, default=False
        1 for every count above 0.
    dtype : number type, default=int64

    Attributes
    ----------
    vocabulary_ : dict
        Term → column.
    fixed_vocabulary_ : bool

    Examples
    --------
    >>> counts = CountVectorizer()
    >>> counts.fit_transform(["a red car", "red, red wine"]).toarray()
    array([[1, 1, 0],
           [0, 2, 1]])
    >>> counts.get_feature_names_out()
    array(['car', 'red', 'wine'], dtype=object)
    """

    vocabulary_: dict

    params = {
        **ANALYSIS_PARAMS,
        "max_df": Integer(low=1) | Real(0, 1),
        "min_df": Integer(low=1) | Real(0, 1),
        "max_features": Integer(low=1) | None,
        "vocabulary": Satisfies(lambda value: value is None or (hasattr(value, "__iter__") and not isinstance(value, str)),
                                "a mapping, an iterable of terms, or None"),
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
        max_df=1.0,
        min_df=1,
        max_features=None,
        vocabulary=None,
        binary=False,
        dtype=np.int64,
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
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.binary = binary
        self.dtype = dtype

    def fit(self, raw_documents, y=None):
        """Learn the vocabulary."""
        self.fit_transform(raw_documents)
        return self

    def fit_transform(self, raw_documents, y=None):
        """Learn the vocabulary, and the counts, (n_documents, n_terms)."""
        check_params(self)
        self._check_analysis()
        self._warn_of_unused()
        documents = self._documents(raw_documents, "fit")
        self._take_vocabulary()
        if self.fixed_vocabulary_:
            return as_configured(self._counts(documents, self.vocabulary_))
        numbers = _Numbers()
        codes, ends = term_codes(self.build_analyzer(), documents, numbers.__getitem__)
        if not numbers:
            raise self._no_terms("empty vocabulary; perhaps the documents only contain stop words")
        terms = sorted(numbers)
        place = np.empty(len(terms), dtype=np.int64)
        place[[numbers[term] for term in terms]] = np.arange(len(terms))
        X = self._matrix(place[codes], ends, len(terms))
        kept = self._kept(X)
        if kept is not None:
            X, terms = X[:, kept], [terms[j] for j in kept]
        self.vocabulary_ = {term: j for j, term in enumerate(terms)}
        return as_configured(X)

    def transform(self, raw_documents):
        """The counts of the vocabulary's terms; other terms are passed over."""
        documents = self._documents(raw_documents, "transform")
        if not hasattr(self, "vocabulary_"):
            self._take_vocabulary()
            if not self.fixed_vocabulary_:
                raise NotFittedError("Vocabulary not fitted or provided")
        return as_configured(self._counts(documents, self.vocabulary_))

    def inverse_transform(self, X):
        """For each row the terms that are in it."""
        names = self.get_feature_names_out()
        X = check_array(X, accept_sparse="csr")
        if sparse.issparse(X):
            return [names[part[values != 0]] for part, values in zip(
                np.split(X.indices, X.indptr[1:-1]), np.split(X.data, X.indptr[1:-1]))]
        return [names[np.flatnonzero(row)] for row in X]

    def get_feature_names_out(self, input_features=None):
        """The terms, by column."""
        if not hasattr(self, "vocabulary_"):
            self._take_vocabulary()
        check_is_fitted(self, "vocabulary_")
        names = np.empty(len(self.vocabulary_), dtype=object)
        names[list(self.vocabulary_.values())] = list(self.vocabulary_)
        return names

    # -- counting ----------------------------------------------------------------------------------------------------------

    def _counts(self, documents, vocabulary):
        codes, ends = term_codes(self.build_analyzer(), documents, lambda term: vocabulary.get(term, -1))
        known = codes >= 0
        ends = np.concatenate([[0], np.cumsum(known)])[ends]
        return self._matrix(codes[known], ends, len(vocabulary))

    def _matrix(self, columns, ends, width):
        kind = np.int32 if max(len(columns), width) < 2**31 else np.int64
        X = sparse.csr_matrix(
            (np.ones(len(columns), dtype=self.dtype), columns.astype(kind), ends.astype(kind)), shape=(len(ends) - 1, width)
        )
        X.sum_duplicates()
        if self.binary:
            X.data.fill(1)
        return X

    def _kept(self, X):
        """Columns of the terms that are neither too rare nor too common; None: all."""
        n = X.shape[0]
        most = self.max_df if isinstance(self.max_df, (int, np.integer)) else self.max_df * n
        least = self.min_df if isinstance(self.min_df, (int, np.integer)) else self.min_df * n
        if most < least:
            raise self._refused("max_df", self.max_df, f"max_df corresponds to < documents than min_df: {most:g}, {least:g}")
        documents = np.bincount(X.indices, minlength=X.shape[1])
        kept = np.flatnonzero((documents <= most) & (documents >= least))
        if self.max_features is not None and len(kept) > self.max_features:
            often = np.asarray(X.sum(axis=0)).ravel()[kept]
            kept = np.sort(kept[np.argsort(-often, kind="stable")[: self.max_features]])
        if not len(kept):
            raise self._no_terms("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
        return None if len(kept) == X.shape[1] else kept

    def _no_terms(self, rule):
        where = f"{type(self).__name__}.fit"
        return DataError(f"{where}: {rule}", operation=where, operands={"min_df": self.min_df, "max_df": self.max_df}, rule=rule)

    def _take_vocabulary(self):
        """Set `fixed_vocabulary_`, and `vocabulary_` if one is given."""
        given = self.vocabulary
        self.fixed_vocabulary_ = given is not None
        if given is None:
            return
        if isinstance(given, Mapping):
            columns = sorted(given.values())
            if len(set(columns)) != len(columns):
                raise self._refused("vocabulary", None, "Vocabulary contains repeated indices.")
            absent = next((j for j, column in enumerate(columns) if j != column), None)
            if absent is not None:
                raise self._refused("vocabulary", absent,
                                    f"Vocabulary of size {len(columns)} doesn't contain index {absent}.")
            found = {term: int(column) for term, column in given.items()}
        else:
            found = {}
            for term in sorted(given) if isinstance(given, (set, frozenset)) else given:
                if term in found:
                    raise self._refused("vocabulary", term, f"Duplicate term in vocabulary: {term!r}")
                found[term] = len(found)
        if not found:
            raise self._refused("vocabulary", None, "empty vocabulary passed to fit")
        if self.lowercase and any(isinstance(term, str) and term != term.lower() for term in found):
            warnings.warn("Upper case characters found in vocabulary while 'lowercase' is True. These entries will not be "
                          "matched with any documents")
        self.vocabulary_ = found

    def check_state(self):
        """Columns of a loaded vocabulary are 0, 1, 2, …"""
        vocabulary = getattr(self, "vocabulary_", None)
        if vocabulary is None:
            return
        if type(vocabulary) is not dict or sorted(
                column if type(column) is int else -1 for column in vocabulary.values()) != list(range(len(vocabulary))):
            refuse(self, "vocabulary_", "a dictionary of terms whose columns are 0, 1, 2, …", f"a {type(vocabulary).__name__}")


class _Numbers(dict):
    """Term → its number, by order of first appearance."""

    def __missing__(self, term):
        self[term] = number = len(self)
        return number


def term_codes(analyze, documents, number_of) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of all terms of all documents in a row, and where each document ends (with a 0 first)."""
    codes, ends = array("q"), array("q", [0])
    for document in documents:
        codes.extend(map(number_of, analyze(document)))
        ends.append(len(codes))
    return np.array(codes, dtype=np.int64), np.array(ends, dtype=np.int64)
