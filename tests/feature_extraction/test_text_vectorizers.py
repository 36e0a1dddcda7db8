"""Text vectorizers against scikit-learn's, to the last bit; files only for who asks; a forged vocabulary is refused."""

import io
import json
import pickle
import warnings

import numpy as np
import pytest
import sklearn
import sklearn.feature_extraction.text as theirs
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils import murmurhash3_32

import homespun.feature_extraction.text as ours
from homespun import persist
from homespun.errors import DataError, HomespunError, ModelFileError, ParameterError
from homespun.feature_extraction.text.hashing import murmur3
from homespun.persist import container
from homespun.preprocessing import FunctionTransformer

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


def rewrite(path, change):
    """A copy of the model file with a digest that fits, after ``change(state of the model)``."""
    texts, arrays, _ = container.read(path)
    texts = {name: text for name, text in texts.items() if name not in ("format", "format_version", "sha256")}
    tree = json.loads(arrays["#tree"].tobytes())
    change(tree["model"]["state"])
    new = path.with_name("forged")
    container.write(new, texts, arrays | {"#tree": np.frombuffer(json.dumps(tree).encode(), np.uint8)})
    return new


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


VECTORIZERS = ["CountVectorizer", "TfidfVectorizer", "HashingVectorizer"]


@pytest.mark.parametrize("name", VECTORIZERS)
def test_rows_can_name_files_or_be_open_ones(name, tmp_path):
    paths = [tmp_path / f"{i}.txt" for i in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS):
        path.write_bytes(text.encode("latin-1"))
    texts = getattr(ours, name)().fit_transform(TEXTS).toarray()
    closed = getattr(ours, name)(input="filename", encoding="latin-1").fit_transform(paths)
    np.testing.assert_array_equal(closed.toarray(), texts)
    for opened in (io.StringIO, lambda text: io.BytesIO(text.encode())):
        read = getattr(ours, name)(input="file").fit_transform(map(opened, TEXTS))
        np.testing.assert_array_equal(read.toarray(), texts)
    seen = []
    getattr(ours, name)(input="file", analyzer=lambda text: seen.append(text) or ["x"]).fit_transform([io.BytesIO(b"red")])
    assert seen == ["red"]
    with pytest.raises(FileNotFoundError):
        getattr(ours, name)(input="filename").fit_transform(["a red car"])
    with pytest.raises(AttributeError, match="read"):
        getattr(ours, name)(input="file").fit_transform(["a red car"])
    with pytest.raises(ParameterError, match="'folder'"):
        getattr(ours, name)(input="folder").fit_transform(TEXTS)


@pytest.mark.parametrize("name", VECTORIZERS)
def test_a_model_file_holds_no_vectorizer_that_opens_files(name, tmp_path):
    texts = getattr(ours, name)().fit(TEXTS)
    good = persist.save(texts, tmp_path / "m", sample=np.array(["/no/such/file"], dtype=object))
    assert persist.load(good).input == "content"
    for kind in ("filename", "file"):
        with pytest.raises(ModelFileError, match=f"cannot save a .*input='{kind}'.*opens the files"):
            persist.save(texts.set_params(input=kind), tmp_path / "n")
    for kind in ("filename", "file", 3):
        with pytest.raises(ModelFileError, match=r"cannot load a .*opens the files") as caught:
            persist.load(rewrite(good, lambda state, kind=kind: state.update(input=kind)))
        assert caught.value.operands == {"input": kind}


def test_a_model_file_calls_no_method_of_a_class(tmp_path):
    """A row whose attributes are those of a vectorizer, handed to a method as `self`, would be another way to a file."""
    for func in (ours.CountVectorizer.decode, ours.TfidfVectorizer.build_analyzer):
        with pytest.raises(ModelFileError):
            persist.save(FunctionTransformer(func), tmp_path / "m")
    good = persist.save(FunctionTransformer(np.log1p), tmp_path / "m")
    name = {"kind": "name", "of": "homespun.feature_extraction.text.analysis:TextVectorizer.decode"}
    with pytest.raises(ModelFileError, match=r"TextVectorizer\.decode"):
        persist.load(rewrite(good, lambda state: state.update(func=name)))


@pytest.mark.parametrize("parameters", [
    {}, {"lowercase": False}, {"strip_accents": "ascii"}, {"strip_accents": "unicode", "lowercase": False},
    {"ngram_range": (1, 2), "stop_words": "english"}, {"analyzer": "char"}, {"analyzer": "char_wb", "ngram_range": (2, 3)},
    {"analyzer": str.split}], ids=str)
def test_built_functions_can_be_pickled(parameters):
    mine, other = ours.CountVectorizer(**parameters), theirs.CountVectorizer(**parameters)
    text = "The naïve Car, the red CAR  café"
    for step in ("build_analyzer", "build_preprocessor", "build_tokenizer"):
        assert pickle.loads(pickle.dumps(getattr(mine, step)()))(text) == getattr(other, step)()(text)


@pytest.mark.parametrize("parameters", [
    {"tokenizer": str.split},
    {"tokenizer": str.split, "token_pattern": None},
    {"tokenizer": str.split, "token_pattern": None, "analyzer": "char"},
    {"analyzer": "char", "stop_words": ["the"]},
    {"analyzer": "char_wb", "token_pattern": r"\w+"},
    {"analyzer": "char", "ngram_range": (1, 2)},
    {"analyzer": str.split, "ngram_range": (1, 2), "preprocessor": str.lower},
    {"analyzer": str.split, "ngram_range": [1, 1]},
], ids=str)
@pytest.mark.parametrize("name", VECTORIZERS)
def test_warned_of_parameters_that_are_not_used(name, parameters):
    def told(module):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(module, name)(**parameters).fit(TEXTS)
        return sorted(str(warning.message).replace("'", "") for warning in caught)  # theirs has an odd number of them

    expected = [] if parameters.get("ngram_range") == [1, 1] else told(theirs)  # theirs takes [1, 1] for another range
    assert told(ours) == sorted(set(expected))  # theirs says it twice for TF-IDF


def test_numbers_that_can_be_no_weights():
    for dtype in (np.int64, "int32"):
        with pytest.warns(UserWarning, match=r"'dtype' should be used. int.. 'dtype'"):
            X = ours.TfidfVectorizer(dtype=dtype).fit_transform(TEXTS)
        same(X, ours.TfidfVectorizer().fit_transform(TEXTS))
    ours.TfidfVectorizer(dtype="float32").fit(TEXTS)  # warnings are errors
    model = ours.TfidfVectorizer(smooth_idf=False, vocabulary=["car", "zebra"])
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        model.fit(NEW)
    assert model.idf_[1] == np.inf and np.isfinite(model.transform(NEW).toarray()).all()


def test_a_part_that_is_asked_for_alone_is_checked_too():
    for parameters, step in [({"stop_words": "german"}, "get_stop_words"), ({"strip_accents": "all"}, "build_preprocessor"),
                             ({"analyzer": "letters"}, "build_analyzer"), ({"strip_accents": "all"}, "build_analyzer")]:
        with pytest.raises(ParameterError, match=f"{next(iter(parameters.values()))}"):
            getattr(ours.CountVectorizer(**parameters), step)()
    with pytest.raises(ParameterError, match="use_idf=False"):
        ours.TfidfVectorizer(use_idf=False, vocabulary=["car"]).idf_ = [1.0]


def test_sparse_rows_become_no_dataframe():
    class Mine(ours.CountVectorizer):
        pass

    for model in (ours.CountVectorizer(), ours.TfidfVectorizer(), ours.HashingVectorizer(), ours.TfidfTransformer(), Mine()):
        assert not hasattr(model, "set_output")
    with sklearn.config_context(transform_output="pandas"):
        assert sparse.issparse(ours.TfidfVectorizer().fit_transform(TEXTS))


@pytest.mark.skipif("sparse_interface" not in sklearn.get_config(), reason="scikit-learn 1.9 has this setting")
def test_the_kind_of_sparse_matrix_is_scikit_learns():
    for kind in ("spmatrix", "sparray"):
        with sklearn.config_context(sparse_interface=kind):
            for name in VECTORIZERS:
                for way in ("fit_transform", "transform"):
                    mine, other = (getattr(getattr(module, name)().fit(TEXTS), way)(TEXTS) for module in (ours, theirs))
                    assert type(mine) is type(other)
            X = sparse.csr_array(np.eye(3))
            mine, other = (module.TfidfTransformer().fit(X).transform(X, copy=False) for module in (ours, theirs))
            assert type(mine) is type(other) and np.shares_memory(mine.data, X.data)


def test_saved_and_loaded(tmp_path):
    for model in (ours.TfidfVectorizer(ngram_range=(1, 2), stop_words="english"), ours.CountVectorizer(vocabulary=["car"])):
        model.fit(TEXTS)
        back = persist.load(persist.save(model, tmp_path / "m", sample=np.array(TEXTS, dtype=object)))
        same(back.transform(TEXTS), model.transform(TEXTS))
    with pytest.raises(ModelFileError, match="tokenizer"):
        persist.save(ours.CountVectorizer(tokenizer=lambda text: text.split(), token_pattern=None).fit(TEXTS), tmp_path / "m")


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
    ("CountVectorizer", {"ngram_range": (2, 1)}, NEW, r"ngram_range=\(2, 1\) lower boundary larger than the upper boundary"),
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
