"""Text vectorizers against scikit-learn's, to the last bit; no file is ever opened; a forged vocabulary is refused."""

import numpy as np
import pytest
import sklearn.feature_extraction.text as theirs
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils import murmurhash3_32

import homespun.feature_extraction.text as ours
from homespun import persist
from homespun.errors import DataError, HomespunError, ModelFileError, ParameterError
from homespun.feature_extraction.text.hashing import murmur3

WORDS = ["the", "old", "red", "Car", "was", "sold", "in", "March", "a", "café", "naïve", "2014", "diesel", "km/h",
         "auto", "vw", "x"]
rng = np.random.default_rng(0)
TEXTS = [" ".join(rng.choice(WORDS, rng.integers(0, 25))) + rng.choice([".", "  !", "", "\n\n"]) for _ in range(60)]
NEW = ["an unheard of red red car", "", "Car, CAR; car"]

ANALYSIS = [
    {},
    {"ngram_range": (1, 3)},
    {"ngram_range": (2, 2), "stop_words": ["the", "in"]},
    {"stop_words": "english", "lowercase": False},
    {"strip_accents": "unicode"},
    {"strip_accents": "ascii", "binary": True},
    {"analyzer": "char", "ngram_range": (1, 3)},
    {"analyzer": "char_wb", "ngram_range": (2, 6)},
    {"token_pattern": r"(?u)\b(\w)\w*\b"},
    {"tokenizer": str.split, "token_pattern": None},
    {"preprocessor": str.upper},
    {"analyzer": str.split},
]
COUNTING = [
    {"min_df": 2, "max_df": 0.5},
    {"min_df": 0.1, "max_df": 30},
    {"vocabulary": ["red", "car", "diesel"]},
    {"vocabulary": {"red": 1, "car": 0}},
    {"vocabulary": {"zebra", "car"}, "dtype": np.float32},
]
WEIGHTS = [{}, {"norm": "l1"}, {"norm": None}, {"use_idf": False}, {"smooth_idf": False}, {"sublinear_tf": True}]


def same(mine, other, bits=True):
    assert mine.dtype == other.dtype and mine.shape == other.shape and mine.format == "csr"
    if bits:
        np.testing.assert_array_equal(mine.toarray(), other.toarray())
    else:
        np.testing.assert_allclose(mine.toarray(), other.toarray(), rtol=1e-6)


@pytest.mark.parametrize("parameters", ANALYSIS + COUNTING, ids=lambda settings: str(sorted(settings)))
def test_counts_equal_scikit_learn(parameters):
    mine, other = ours.CountVectorizer(**parameters), theirs.CountVectorizer(**parameters)
    same(mine.fit_transform(TEXTS), other.fit_transform(TEXTS))
    assert mine.vocabulary_ == other.vocabulary_
    assert mine.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    same(mine.transform(NEW), other.transform(NEW))
    X = mine.transform(TEXTS)
    for form in (X, X.toarray()):
        for a, b in zip(mine.inverse_transform(form), other.inverse_transform(form), strict=True):
            assert sorted(a) == sorted(b)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_equal_scikit_learn(weights, dtype):
    bits = dtype == np.float64
    mine, other = (module.TfidfVectorizer(**weights, dtype=dtype) for module in (ours, theirs))
    # Theirs adds the squares of a row in another order in fit_transform than in transform; ours gives the same bits in both.
    same(mine.fit_transform(TEXTS), other.fit(TEXTS).transform(TEXTS), bits)
    same(mine.transform(TEXTS), other.transform(TEXTS), bits)
    same(mine.transform(NEW), other.transform(NEW), bits)
    if weights.get("use_idf", True):
        np.testing.assert_allclose(mine.idf_, other.idf_, rtol=0 if bits else 1e-6)
    counts = theirs.CountVectorizer(dtype=dtype).fit(TEXTS).transform(TEXTS)
    for form in (counts, counts.tocsc(), counts.toarray()):
        mine, other = (module.TfidfTransformer(**weights) for module in (ours, theirs))
        same(mine.fit_transform(form), other.fit_transform(form).tocsr(), bits)
    assert (counts != theirs.CountVectorizer(dtype=dtype).fit(TEXTS).transform(TEXTS)).nnz == 0  # not written to


@pytest.mark.parametrize("parameters", [*ANALYSIS, {"norm": "l1", "n_features": 50}, {"norm": None, "n_features": 7},
                                        {"alternate_sign": False, "n_features": 11},
                                        {"dtype": np.float32, "norm": None}], ids=str)
def test_hashes_equal_scikit_learn(parameters):
    mine, other = ours.HashingVectorizer(**parameters), theirs.HashingVectorizer(**parameters)
    same(mine.transform(TEXTS), other.transform(TEXTS))
    same(mine.fit_transform(NEW), other.fit_transform(NEW))


def test_murmur_of_any_bytes():
    keys = [bytes(rng.integers(0, 256, rng.integers(0, 40), dtype=np.uint8)) for _ in range(300)]
    assert murmur3(keys).tolist() == [murmurhash3_32(key) for key in keys]
    assert murmur3(keys, 77).tolist() == [murmurhash3_32(key, 77) for key in keys]
    assert murmur3([]).tolist() == []


def test_bytes_and_encodings():
    mine = ours.CountVectorizer(encoding="latin-1").fit(["café noir".encode("latin-1"), "noir"])
    assert mine.get_feature_names_out().tolist() == ["café", "noir"]
    with pytest.raises(UnicodeDecodeError):
        ours.CountVectorizer().fit(["café".encode("latin-1")])
    assert ours.CountVectorizer(decode_error="ignore").fit(["café noir".encode("latin-1")]).vocabulary_ == {"caf": 0, "noir": 1}


def test_manning_raghavan_schuetze_by_hand():
    """Three documents of "Introduction to Information Retrieval" size: idf = log(n / df) + 1 without smoothing."""
    texts = ["car insurance", "auto insurance", "best car insurance car"]
    model = ours.TfidfVectorizer(norm=None, smooth_idf=False)
    X = model.fit_transform(texts).toarray()
    assert model.get_feature_names_out().tolist() == ["auto", "best", "car", "insurance"]
    np.testing.assert_allclose(model.idf_, [np.log(3) + 1, np.log(3) + 1, np.log(1.5) + 1, 1])
    np.testing.assert_allclose(X[2], [0, np.log(3) + 1, 2 * (np.log(1.5) + 1), 1])


def test_among_equally_frequent_terms_the_alphabet_decides():
    texts = ["b a d c", "d c b a", "e"]
    model = ours.CountVectorizer(max_features=2, token_pattern=r"\w").fit(texts)
    assert sorted(model.vocabulary_) == ["a", "b"]
    mine, other = ours.CountVectorizer(max_features=5), theirs.CountVectorizer(max_features=5)
    assert sorted(mine.fit_transform(TEXTS).sum(axis=0).A1) == sorted(np.asarray(other.fit_transform(TEXTS).sum(axis=0)).ravel())


def test_the_rows_name_no_files(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    for cls in (ours.CountVectorizer, ours.TfidfVectorizer, ours.HashingVectorizer):
        for way in ("filename", "file"):
            with pytest.raises(ParameterError, match=f"'{way}'"):
                cls(input=way).fit([str(secret)])
    model = ours.CountVectorizer().fit([str(secret)])
    model.input = "filename"  # as a forged model file could say
    assert "password" not in model.vocabulary_ and model.transform([str(secret)]).sum() > 0
    assert ours.HashingVectorizer(norm=None).transform([str(secret)]).nnz == len(model.vocabulary_)


def test_saved_and_loaded(tmp_path):
    for model in (ours.TfidfVectorizer(ngram_range=(1, 2), stop_words="english"), ours.CountVectorizer(vocabulary=["car"])):
        model.fit(TEXTS)
        back = persist.load(persist.save(model, tmp_path / "m", sample=np.array(TEXTS, dtype=object)))
        same(back.transform(TEXTS), model.transform(TEXTS))
    with pytest.raises(ModelFileError, match="tokenizer"):
        persist.save(ours.CountVectorizer(tokenizer=lambda text: text.split()).fit(TEXTS), tmp_path / "m")


@pytest.mark.parametrize("change", [
    lambda model: model.vocabulary_.update(car=10**9),
    lambda model: model.vocabulary_.update(car=0, red=0),
    lambda model: model.vocabulary_.update(car="0"),
    lambda model: setattr(model, "vocabulary_", ["car"]),
    lambda model: setattr(model._tfidf, "idf_", np.ones(3)),
    lambda model: setattr(model._tfidf, "idf_", np.ones((len(model.vocabulary_), 1))),
])
def test_a_forged_state_is_refused(change, tmp_path):
    model = ours.TfidfVectorizer().fit(TEXTS)
    change(model)
    with pytest.raises(ModelFileError):
        persist.load(persist.save(model, tmp_path / "m"))


def test_in_a_pipeline_and_a_column_transformer():
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline

    from homespun.linear_model import LogisticRegression

    y = np.array(["red" in text for text in TEXTS])
    model = make_pipeline(ours.TfidfVectorizer(), LogisticRegression(C=100)).fit(TEXTS, y)
    assert (model.predict(TEXTS) == y).mean() > 0.9
    frame = pd.DataFrame({"text": TEXTS, "km": np.arange(60.0)})
    out = make_column_transformer((ours.CountVectorizer(), "text"), ("passthrough", ["km"]),
                                  sparse_threshold=1.0).fit_transform(frame)
    assert sparse.issparse(out) and out.shape == (60, 1 + len(ours.CountVectorizer().fit(TEXTS).vocabulary_))


@pytest.mark.parametrize("cls, parameters, texts, words", [
    ("CountVectorizer", {}, "one text", "string object received"),
    ("CountVectorizer", {}, 7, "int object received"),
    ("HashingVectorizer", {}, "one text", "string object received"),
    ("CountVectorizer", {}, ["a", "."], "empty vocabulary"),
    ("CountVectorizer", {"min_df": 50}, NEW, r"max_df corresponds to < documents than min_df: 3, 50"),
    ("CountVectorizer", {"min_df": 3}, NEW, "no terms remain"),
    ("CountVectorizer", {"ngram_range": (2, 1)}, NEW, r"\(2, 1\)"),
    ("HashingVectorizer", {"ngram_range": (0, 1)}, NEW, r"\(0, 1\)"),
    ("CountVectorizer", {"token_pattern": r"(\w)(\w)"}, NEW, "got 2"),
    ("CountVectorizer", {"token_pattern": None}, NEW, "got None"),
    ("CountVectorizer", {"vocabulary": ["a", "a"]}, NEW, "'a'"),
    ("CountVectorizer", {"vocabulary": {"a": 0, "b": 0}}, NEW, "repeated indices"),
    ("CountVectorizer", {"vocabulary": {"a": 0, "b": 2}}, NEW, "size 2 doesn't contain index 1"),
    ("CountVectorizer", {"vocabulary": []}, NEW, "empty vocabulary"),
    ("CountVectorizer", {"stop_words": "german"}, NEW, "'german'"),
    ("CountVectorizer", {}, ["red car", np.nan], "np.nan is an invalid document"),
    ("TfidfVectorizer", {"norm": "l3"}, NEW, "'l3'"),
    ("TfidfTransformer", {"sublinear_tf": True}, [[1.0, -2.0]], "-2"),
])
def test_bad_input_is_refused_in_words(cls, parameters, texts, words):
    with pytest.raises(HomespunError, match=words) as caught:
        getattr(ours, cls)(**parameters).fit_transform(texts)
    assert caught.value.operation.startswith(cls)


def test_warnings_and_unfitted():
    with pytest.warns(UserWarning, match="Upper case"):
        ours.CountVectorizer(vocabulary=["Car"]).fit(NEW)
    with pytest.warns(UserWarning, match=r"inconsistent.*\['isn'\]"):
        ours.CountVectorizer(stop_words=["isn't"]).fit(NEW)
    for model in (ours.CountVectorizer(), ours.TfidfVectorizer()):
        with pytest.raises(NotFittedError):
            model.transform(NEW)
    model = ours.TfidfVectorizer(vocabulary=["car", "red"])
    model.idf_ = [2.0, 1.0]
    np.testing.assert_allclose(model.transform(["car red"]).toarray(), [[2 / 5**0.5, 1 / 5**0.5]])
    with pytest.raises(ParameterError, match="idf length = 3"):
        model.idf_ = [1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"])
def test_a_table_of_numbers_is_no_list_of_texts(name):
    with pytest.raises(DataError, match="a document must be a text, got a ndarray"):
        getattr(ours, name)().fit_transform(np.zeros((3, 2)))
    with pytest.raises(DataError, match="got a int"):
        getattr(ours, name)().fit_transform([1, 2])
