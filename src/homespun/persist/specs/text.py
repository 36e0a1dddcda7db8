"""Specs of vectorizers: how a text is cut into terms, and the columns of the terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from homespun.persist.specs.registry import exports, refused

WIDEST = 2**17  # columns of an answer, which is dense


def _analysis(model, where) -> dict[str, Any]:
    name = f"homespun.feature_extraction.text.{type(model).__name__}"
    if model.input != "content":
        raise refused(where, name, f'it opens the files that its rows name, as input is "{model.input}"', 'input="content"')
    for given in ("preprocessor", "tokenizer", "analyzer", "strip_accents"):
        if callable(getattr(model, given)):
            raise refused(where, name, f"{given} given as a function is not handled")
    stop_words = model.get_stop_words()
    return {
        "encoding": model.encoding,
        "errors": model.decode_error,
        "accents": model.strip_accents,
        "lower": bool(model.lowercase),
        "pattern": model.token_pattern,
        "stop_words": None if stop_words is None else sorted(stop_words),
        "lengths": [int(n) for n in model.ngram_range],
        "analyzer": model.analyzer,
        "binary": bool(model.binary),
    }


@exports("homespun.feature_extraction.text.CountVectorizer")
def _counts(model, where):
    analysis = _analysis(model, where)
    terms = model.get_feature_names_out().tolist()
    return {"run": "counts", **analysis, "terms": terms, "dtype": np.dtype(model.dtype).str}


@exports("homespun.feature_extraction.text.TfidfVectorizer")
def _tfidf(model, where):
    weights = _weights(model._tfidf, where)
    return {**_counts(model, where), "run": "tfidf", "weights": weights}


@exports("homespun.feature_extraction.text.TfidfTransformer")
def _weights(model, where):
    return {
        "run": "tfidf_weights",
        "idf": model.idf_ if model.use_idf else None,
        "sublinear": bool(model.sublinear_tf),
        "norm": model.norm,
    }


@exports("homespun.feature_extraction.text.HashingVectorizer")
def _hashed(model, where):
    if model.n_features > WIDEST:
        raise refused(where, "homespun.feature_extraction.text.HashingVectorizer",
                      f"an exported model gives a dense matrix, and {model.n_features:,} columns are too wide for one",
                      f"n_features={WIDEST} or less")
    return {
        "run": "hashed",
        **_analysis(model, where),
        "width": int(model.n_features),
        "signed": bool(model.alternate_sign),
        "norm": model.norm,
        "dtype": np.dtype(model.dtype).str,
    }


@exports("homespun.tabular.TextTerms")
def _text_terms(model, where):
    return {
        "run": "text_terms",
        "encoding": "utf-8",
        "errors": "strict",
        "accents": None,
        "lower": True,
        "pattern": model.pattern,
        "stop_words": None,
        "lengths": [1, 1],
        "analyzer": "word",
        "binary": False,
        "terms": list(model.terms_),
        "dtype": "<f8",
        "idf": model.idf_,
    }
