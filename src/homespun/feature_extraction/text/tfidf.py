"""TF-IDF: counts of terms, rare terms weighted up, rows scaled to length one.

    idf[t] = log((1 + n) / (1 + df[t])) + 1        df[t]: number of the n documents with term t
    x[i, t] = tf[i, t] idf[t] / ||·||              sublinear_tf: 1 + log(tf) in the place of tf

Sparck Jones 1972, J. of Documentation 28(1), with scikit-learn's constants. Cost O(stored counts).
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin

from homespun.base.errors import DataError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Boolean, OneOf
from homespun.base.stored import FLOATS, refuse, stored_array
from homespun.feature_extraction.text.analysis import as_configured
from homespun.feature_extraction.text.count import CountVectorizer

WEIGHT_PARAMS = {
    "norm": OneOf("l1", "l2", None),
    "use_idf": Boolean(),
    "smooth_idf": Boolean(),
    "sublinear_tf": Boolean(),
}


class TfidfTransformer(OneToOneFeatureMixin, TransformerMixin, Estimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Counts into TF-IDF weights.

    Parameters
    ----------
    norm : {"l1", "l2"} or None, default="l2"
    use_idf : bool, default=True
    smooth_idf : bool, default=True
        As if one more document had every term: no division by zero.
    sublinear_tf : bool, default=False

    Attributes
    ----------
    idf_ : array of shape (n_terms,)
        Only with `use_idf`.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> TfidfTransformer(norm=None).fit_transform([[1, 1], [0, 3]]).toarray().round(4)
    array([[1.4055, 1.    ],
           [0.    , 3.    ]])
    """

    params = WEIGHT_PARAMS

    def __init__(self, *, norm="l2", use_idf=True, smooth_idf=True, sublinear_tf=False):
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def fit(self, X, y=None):
        """Learn how rare each term is."""
        check_params(self)
        X = self.validate(X, accept_sparse=("csr", "csc"))
        X = X if sparse.issparse(X) else sparse.csr_matrix(X)
        dtype = X.dtype if X.dtype in (np.float64, np.float32) else np.float64
        if self.use_idf:
            frequency = (np.bincount(X.indices, minlength=X.shape[1]) if X.format == "csr" else np.diff(X.indptr)).astype(dtype)
            frequency += float(self.smooth_idf)
            idf = np.full_like(frequency, X.shape[0] + int(self.smooth_idf)) / frequency  # warns of a term in no document
            self.idf_ = np.log(idf) + np.ones(1, dtype=dtype)
        return self

    def transform(self, X, copy=True):
        """TF-IDF weights as a CSR matrix."""
        check_is_fitted(self, ["idf_"] if self.use_idf else ["n_features_in_"])
        X = self.validate(X, operation="transform", accept_sparse="csr", dtype=(np.float64, np.float32), copy=copy)
        X = X if sparse.issparse(X) else sparse.csr_matrix(X, dtype=X.dtype)
        if self.sublinear_tf:
            if (X.data <= 0).any():
                raise DataError(
                    f"TfidfTransformer.transform: sublinear_tf=True takes the logarithm of counts, got {X.data.min():g}",
                    operation="TfidfTransformer.transform", operands={"X": X.shape}, rule="counts > 0")
            np.log(X.data, X.data)
            X.data += 1.0
        if self.use_idf:
            X.data *= self.idf_.astype(X.dtype, copy=False)[X.indices]
        return as_configured(normalize_rows(X, self.norm))

    def check_state(self):
        """The weights of a loaded transformer are as many as its columns."""
        if hasattr(self, "idf_"):
            stored_array(self, "idf_", self.idf_, FLOATS, getattr(self, "n_features_in_", None))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "idf_") or (not self.use_idf and hasattr(self, "n_features_in_"))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class TfidfVectorizer(CountVectorizer):
    """Texts into TF-IDF weights: `CountVectorizer` and `TfidfTransformer` in one.

    Parameters
    ----------
    norm, use_idf, smooth_idf, sublinear_tf
        As in `TfidfTransformer`.
    dtype : float32 or float64, default=float64
    others
        As in `CountVectorizer`.

    Attributes
    ----------
    vocabulary_ : dict
        Term → column.
    idf_ : array of shape (n_terms,)
    fixed_vocabulary_ : bool

    Examples
    --------
    >>> TfidfVectorizer().fit_transform(["a red car", "red, red wine"]).toarray().round(2)
    array([[0.81, 0.58, 0.  ],
           [0.  , 0.82, 0.57]])
    """

    params = {**CountVectorizer.params, **WEIGHT_PARAMS}

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
        analyzer="word",
        stop_words=None,
        token_pattern=r"(?u)\b\w\w+\b",
        ngram_range=(1, 1),
        max_df=1.0,
        min_df=1,
        max_features=None,
        vocabulary=None,
        binary=False,
        dtype=np.float64,
        norm="l2",
        use_idf=True,
        smooth_idf=True,
        sublinear_tf=False,
    ):
        super().__init__(
            input=input,
            encoding=encoding,
            decode_error=decode_error,
            strip_accents=strip_accents,
            lowercase=lowercase,
            preprocessor=preprocessor,
            tokenizer=tokenizer,
            stop_words=stop_words,
            token_pattern=token_pattern,
            ngram_range=ngram_range,
            analyzer=analyzer,
            max_df=max_df,
            min_df=min_df,
            max_features=max_features,
            vocabulary=vocabulary,
            binary=binary,
            dtype=dtype,
        )
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def fit(self, raw_documents, y=None):
        """Learn the vocabulary, and how rare each term is."""
        self._warn_of_dtype()
        self._weigh(super().fit_transform(raw_documents), fit=True)
        return self

    def fit_transform(self, raw_documents, y=None):
        """Learn, and the weights, (n_documents, n_terms)."""
        self._warn_of_dtype()
        return self._weigh(super().fit_transform(raw_documents), fit=True)

    def transform(self, raw_documents):
        """The weights of the vocabulary's terms."""
        check_is_fitted(self, "_tfidf")
        return self._weigh(super().transform(raw_documents), fit=False)

    def _warn_of_dtype(self):
        if np.dtype(self.dtype).kind != "f":
            warnings.warn(f"Only float64 or float32 'dtype' should be used. {np.dtype(self.dtype)} 'dtype' will be converted to "
                          "np.float64.", UserWarning)

    def _weigh(self, X, fit):
        if fit:
            self._tfidf = TfidfTransformer(
                norm=self.norm, use_idf=self.use_idf, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf
            ).fit(X)
        return self._tfidf.transform(X, copy=False)

    @property
    def idf_(self):
        """How rare each term is."""
        check_is_fitted(self, "_tfidf")
        return self._tfidf.idf_

    @idf_.setter
    def idf_(self, value):
        if not self.use_idf:
            raise self._refused("use_idf", False, "`idf_` cannot be set when `use_idf=False`")
        self._take_vocabulary()
        width = len(getattr(self, "vocabulary_", ()))
        if len(value) != width:
            raise self._refused("idf_", len(value), f"idf length = {len(value)} must be equal to vocabulary size = {width}")
        self._tfidf = TfidfTransformer(
            norm=self.norm, use_idf=self.use_idf, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf)
        self._tfidf.idf_ = np.asarray(value, dtype=np.float64)
        self._tfidf.n_features_in_ = width

    def check_state(self):
        """Vocabulary and weights of a loaded vectorizer belong together."""
        super().check_state()
        weights = getattr(getattr(self, "_tfidf", None), "idf_", None)
        if weights is not None and len(weights) != len(getattr(self, "vocabulary_", ())):
            refuse(self, "_tfidf.idf_", "as long as the vocabulary", len(weights))


def normalize_rows(X, norm):
    """Rows of a CSR matrix to length one, in place; rows of zeros stay. Sums run in the order of storage.

    >>> normalize_rows(sparse.csr_matrix([[3.0, 4.0]]), "l2").toarray()
    array([[0.6, 0.8]])
    """
    if norm is None:
        return X
    stored = np.diff(X.indptr)
    row = np.repeat(np.arange(X.shape[0]), stored)
    parts = np.abs(X.data) if norm == "l1" else X.data * X.data
    lengths = np.bincount(row, weights=parts, minlength=X.shape[0])
    if norm == "l2":
        lengths = np.sqrt(lengths)
    lengths[lengths == 0] = 1.0
    X.data /= lengths[row].astype(X.dtype, copy=False)
    return X
