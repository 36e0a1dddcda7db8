"""A text into terms: what all vectorizers share.

    bytes -> decode -> strip accents, lower case -> tokens -> n-grams without stop words

    "word": n tokens in a row, joined by a space      "char": n letters in a row      "char_wb": within a word and a space around

Each step can be replaced by a function of the user (`preprocessor`, `tokenizer`, `analyzer`). Files are never opened: a
vectorizer that opens what its rows name would read any file for whoever may send rows to a served model.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin
from homespun.base.params import ArrayLike, Boolean, CallableWith, Instance, OneOf, Satisfies

_SPACES = re.compile(r"\s\s+")

ANALYSIS_PARAMS = {
    "input": OneOf("content"),
    "encoding": Instance(str, noun="the name of an encoding"),
    "decode_error": OneOf("strict", "ignore", "replace"),
    "strip_accents": OneOf(None, "ascii", "unicode") | CallableWith("a function of a text"),
    "lowercase": Boolean(),
    "preprocessor": OneOf(None) | CallableWith("a function of a text"),
    "tokenizer": OneOf(None) | CallableWith("a function of a text"),
    "stop_words": OneOf(None, "english") | Satisfies(lambda value: isinstance(value, (list, set, frozenset)), "a list of words"),
    "token_pattern": OneOf(None) | Instance(str, noun="a regular expression"),
    "ngram_range": ArrayLike(),
    "analyzer": OneOf("word", "char", "char_wb") | CallableWith("a function of a text"),
    "binary": Boolean(),
}


class TextVectorizer(TransformerMixin, Estimator):
    """Base of the vectorizers. Subclasses have the parameters `ANALYSIS_PARAMS`."""

    def build_analyzer(self) -> Callable[[Any], list]:
        """The function from a document to its list of terms."""
        if callable(self.analyzer):
            analyzer = self.analyzer
            return lambda document: analyzer(self.decode(document))
        prepare = self.build_preprocessor()
        low, high = self.ngram_range
        if self.analyzer != "word":
            grams = char_ngrams if self.analyzer == "char" else char_wb_ngrams
            return lambda document: grams(prepare(self.decode(document)), low, high)
        tokenize, stop_words = self.build_tokenizer(), self.get_stop_words()
        self._warn_of_stop_words(stop_words, prepare, tokenize)
        if stop_words is None and (low, high) == (1, 1):
            return lambda document: tokenize(prepare(self.decode(document)))
        return lambda document: word_ngrams(tokenize(prepare(self.decode(document))), stop_words, low, high)

    def build_preprocessor(self) -> Callable[[str], str]:
        """The function that strips accents and makes lower case."""
        if self.preprocessor is not None:
            return self.preprocessor
        strip = {None: None, "ascii": strip_accents_ascii, "unicode": strip_accents_unicode}.get(
            self.strip_accents if isinstance(self.strip_accents, (str, type(None))) else "", self.strip_accents)
        if strip is None:
            return str.lower if self.lowercase else lambda text: text
        return (lambda text: strip(text.lower())) if self.lowercase else strip

    def build_tokenizer(self) -> Callable[[str], list]:
        """The function from a text to its tokens."""
        if self.tokenizer is not None:
            return self.tokenizer
        pattern = re.compile(self.token_pattern)
        if pattern.groups > 1:
            raise self._refused(
                "token_pattern", self.token_pattern,
                f"More than 1 capturing group in token pattern. Only a single group should be captured, got {pattern.groups}")
        return pattern.findall

    def get_stop_words(self) -> frozenset | None:
        """The words that are left out, or None."""
        if self.stop_words == "english":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

            return ENGLISH_STOP_WORDS
        return None if self.stop_words is None else frozenset(self.stop_words)

    def decode(self, document) -> str:
        """A document as text: bytes are decoded."""
        if isinstance(document, bytes):
            return document.decode(self.encoding, self.decode_error)
        if document is None or document is np.nan or (isinstance(document, float) and document != document):
            raise DataError(
                f"{type(self).__name__}: np.nan is an invalid document, expected byte or unicode string.",
                operation=f"{type(self).__name__}.transform", operands={"document": document}, rule="text",
                suggestion="an empty text where one is missing")
        if not isinstance(document, str) and self.preprocessor is None and not callable(self.analyzer):
            kind = type(document).__name__
            raise DataError(
                f"{type(self).__name__}: a document must be a text, got a {kind}; X is a list of texts, not a table",
                operation=f"{type(self).__name__}.transform", operands={"document": kind}, rule="text",
                suggestion="one column of texts, such as frame['description']")
        return document

    def _warn_of_stop_words(self, stop_words, prepare, tokenize):
        """Stop words that the tokenizer would cut never match."""
        if not stop_words or getattr(self, "_stop_words_checked", None) == stop_words:
            return
        self._stop_words_checked = stop_words
        try:
            cut = sorted({token for word in stop_words for token in tokenize(prepare(word))} - set(stop_words))
        except Exception:  # a tokenizer of the user's may need more than a word; it is called in earnest later
            return
        if cut:
            warnings.warn(
                "Your stop_words may be inconsistent with your preprocessing. Tokenizing the stop words generated tokens "
                f"{cut} not in stop_words.", UserWarning)

    def _check_analysis(self):
        low_high = tuple(self.ngram_range)
        if len(low_high) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in low_high) or (
                low_high[0] > low_high[1]):
            raise self._refused("ngram_range", self.ngram_range,
                                f"Invalid value for ngram_range={self.ngram_range}: 1 <= lower boundary <= upper boundary")
        if self.token_pattern is None and self.tokenizer is None and self.analyzer == "word":
            raise self._refused("token_pattern", None, "token_pattern must be a regular expression if there is no tokenizer, "
                                "got None")

    def _documents(self, raw_documents, operation) -> Iterable:
        if isinstance(raw_documents, (str, bytes)) or not isinstance(raw_documents, Iterable):
            shown = "string" if isinstance(raw_documents, str) else type(raw_documents).__name__
            raise DataError(
                f"{type(self).__name__}.{operation}: Iterable over raw text documents expected, {shown} object received.",
                operation=f"{type(self).__name__}.{operation}", operands={"raw_documents": shown}, rule="a list of texts",
                suggestion="[text]")
        return raw_documents

    def _refused(self, name, value, rule):
        where = f"{type(self).__name__}.fit"
        return ParameterError(f"{where}: {rule}", operation=where, operands={name: value}, rule=rule)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def word_ngrams(tokens, stop_words, low, high) -> list:
    """Tokens that are no stop words, then pairs, threes, … joined by a space.

    >>> word_ngrams(["the", "old", "red", "car"], {"the"}, 1, 2)
    ['old', 'red', 'car', 'old red', 'red car']
    """
    if stop_words is not None:
        tokens = [token for token in tokens if token not in stop_words]
    if high == 1:
        return tokens
    found = list(tokens) if low == 1 else []
    for n in range(max(low, 2), min(high, len(tokens)) + 1):
        found += [" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return found


def char_ngrams(text, low, high) -> list[str]:
    """All runs of n letters; several spaces count as one.

    >>> char_ngrams("abc", 2, 3)
    ['ab', 'bc', 'abc']
    """
    text = _SPACES.sub(" ", text)
    found = list(text) if low == 1 else []
    for n in range(max(low, 2), min(high, len(text)) + 1):
        found += [text[i : i + n] for i in range(len(text) - n + 1)]
    return found


def char_wb_ngrams(text, low, high) -> list[str]:
    """Runs of n letters within a word that has a space on either side; a word shorter than n counts once.

    >>> char_wb_ngrams("ab c", 3, 3)
    [' ab', 'ab ', ' c ']
    """
    found = []
    for word in _SPACES.sub(" ", text).split():
        word = f" {word} "
        for n in range(low, high + 1):
            found.append(word[:n])
            found += [word[i : i + n] for i in range(1, len(word) - n + 1)]
            if len(word) <= n:  # longer ones would be this word again
                break
    return found


def strip_accents_unicode(text: str) -> str:
    """é → e: letters and their marks are taken apart, the marks left out."""
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def strip_accents_ascii(text: str) -> str:
    """As `strip_accents_unicode`, and what has no ASCII letter is left out."""
    return unicodedata.normalize("NFKD", text).encode("ASCII", "ignore").decode("ASCII")
