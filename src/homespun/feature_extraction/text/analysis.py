"""A text into terms: what all vectorizers share.

    bytes -> decode -> strip accents, lower case -> tokens -> n-grams without stop words

    "word": n tokens in a row, joined by a space      "char": n letters in a row      "char_wb": within a word and a space around

Each step can be replaced by a function of the user (`preprocessor`, `tokenizer`, `analyzer`). Rows can be texts, or names
of files that are opened here (`input`). A model file never holds a vectorizer that opens files (`persist.allowed`): a served
model would read any file for whoever may send it rows.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import get_config

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin
from homespun.base.params import ArrayLike, Boolean, CallableWith, Instance, OneOf, Satisfies, check_param

_SPACES = re.compile(r"\s\s+")
WORDS_OF_TWO_LETTERS = r"(?u)\b\w\w+\b"  # the default token_pattern

ANALYSIS_PARAMS = {
    "input": OneOf("content", "filename", "file"),
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


class TextVectorizer(TransformerMixin, Estimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Base of the vectorizers. Subclasses have the parameters `ANALYSIS_PARAMS`. The functions that it builds can be pickled."""

    def __init_subclass__(cls, **settings):
        super().__init_subclass__(**{"auto_wrap_output_keys": None, **settings})  # no set_output: no dataframe of sparse rows

    def build_analyzer(self) -> Callable[[Any], list]:
        """The function from a document to its list of terms."""
        self._check("analyzer")
        if callable(self.analyzer):
            return partial(_analyzed, self.decode, self.analyzer)
        prepare = self.build_preprocessor()
        low, high = self.ngram_range
        if self.analyzer != "word":
            grams = char_ngrams if self.analyzer == "char" else char_wb_ngrams
            return partial(_letters, self.decode, prepare, grams, low, high)
        tokenize, stop_words = self.build_tokenizer(), self.get_stop_words()
        self._warn_of_stop_words(stop_words, prepare, tokenize)
        if stop_words is None and (low, high) == (1, 1):
            return partial(_tokens, self.decode, prepare, tokenize)
        return partial(_words, self.decode, prepare, tokenize, stop_words, low, high)

    def build_preprocessor(self) -> Callable[[str], str]:
        """The function that strips accents and makes lower case."""
        if self.preprocessor is not None:
            return self.preprocessor
        self._check("strip_accents")
        if self.strip_accents is None:
            return str.lower if self.lowercase else _unchanged
        strip = self.strip_accents
        if not callable(strip):
            strip = strip_accents_ascii if strip == "ascii" else strip_accents_unicode
        return partial(_lower_stripped, strip) if self.lowercase else strip

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
        self._check("stop_words")
        if self.stop_words == "english":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

            return ENGLISH_STOP_WORDS
        return None if self.stop_words is None else frozenset(self.stop_words)

    def decode(self, document) -> str:
        """A document as text: a file is read, bytes are decoded."""
        if self.input == "filename":
            with open(document, "rb") as file:
                document = file.read()
        elif self.input == "file":
            document = document.read()
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

    def _warn_of_unused(self):
        """Parameters whose place another one has taken."""
        function = callable(self.analyzer)
        letters = function or self.analyzer != "word"
        unused = [
            ("token_pattern", "'tokenizer' is not None", self.tokenizer is not None and self.token_pattern is not None),
            ("preprocessor", "'analyzer' is callable", function and self.preprocessor is not None),
            ("ngram_range", "'analyzer' is callable", function and tuple(self.ngram_range) != (1, 1)),
            ("stop_words", "'analyzer' != 'word'", letters and self.stop_words is not None),
            ("token_pattern", "'analyzer' != 'word'", letters and self.token_pattern not in (None, WORDS_OF_TWO_LETTERS)),
            ("tokenizer", "'analyzer' != 'word'", letters and self.tokenizer is not None),
        ]
        for name, why, unread in unused:
            if unread:
                warnings.warn(f"The parameter '{name}' will not be used since {why}", UserWarning)

    def _check(self, name):
        check_param(type(self).__name__, name, getattr(self, name), self.params[name])

    def _check_analysis(self):
        low_high = tuple(self.ngram_range)
        if len(low_high) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in low_high):
            raise self._refused("ngram_range", self.ngram_range,
                                f"Invalid value for ngram_range={self.ngram_range}: two whole numbers from 1 on, low and high")
        if low_high[0] > low_high[1]:
            raise self._refused(
                "ngram_range", self.ngram_range,
                f"Invalid value for ngram_range={self.ngram_range} lower boundary larger than the upper boundary.")
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


# What `build_analyzer` and `build_preprocessor` give: functions of a module with their first arguments, which can be pickled.


def _analyzed(decode, analyzer, document):
    return analyzer(decode(document))


def _letters(decode, prepare, grams, low, high, document):
    return grams(prepare(decode(document)), low, high)


def _tokens(decode, prepare, tokenize, document):
    return tokenize(prepare(decode(document)))


def _words(decode, prepare, tokenize, stop_words, low, high, document):
    return word_ngrams(tokenize(prepare(decode(document))), stop_words, low, high)


def _unchanged(text):
    return text


def _lower_stripped(strip, text):
    return strip(text.lower())


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


def as_configured(X):
    """The sparse matrix as the kind that `sklearn.set_config(sparse_interface=…)` asks for (from 1.9 on); the data are shared."""
    kind = {"spmatrix": "matrix", "sparray": "array"}.get(get_config().get("sparse_interface"))
    if kind is None or sparse.isspmatrix(X) == (kind == "matrix"):
        return X
    return getattr(sparse, f"{X.format}_{kind}")(X)
