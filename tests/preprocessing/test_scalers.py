"""Standard and min-max scaling against scikit-learn: batches, weights, sparse, missing values, awkward numbers."""

import numpy as np
import pytest
import sklearn.preprocessing as theirs
from scipy import sparse

import homespun.preprocessing as ours
from homespun.errors import DataError, ParameterError, ShapeError
from homespun.preprocessing.standard_scaler import column_moments

rng = np.random.default_rng(3)
X = rng.normal(size=(60, 5)) * [1, 100, 1e-4, 1, 1] + [0, 1e6, 5, -3, 0]
X[:, 3] = 7.5  # constant
GAPS = np.where(rng.random(X.shape) < 0.2, np.nan, X)
WEIGHTS = rng.integers(0, 4, size=60).astype(float)


def close(mine, other, names, rtol=1e-9):
    for name in names:
        a, b = getattr(mine, name), getattr(other, name)
        if b is None:
            assert a is None
        else:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("data", ["plain", "gaps"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parameters", [{}, {"with_mean": False}, {"with_std": False}, {"with_mean": False, "with_std": False}])
def test_standard_equals_sklearn(data, weighted, parameters):
    Z = X if data == "plain" else GAPS
    weights = WEIGHTS if weighted else None
    mine = ours.StandardScaler(**parameters).fit(Z, sample_weight=weights)
    other = theirs.StandardScaler(**parameters).fit(Z, sample_weight=weights)
    close(mine, other, ["mean_", "var_", "scale_"])
    if parameters.get("with_mean", True) or parameters.get("with_std", True):  # else scikit-learn counts rows, not weights
        close(mine, other, ["n_samples_seen_"])
    np.testing.assert_allclose(mine.transform(Z), other.transform(Z), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(mine.inverse_transform(mine.transform(Z)), Z, rtol=1e-9, atol=1e-9)


def test_batches_equal_one_fit():
    at_once = ours.StandardScaler().fit(GAPS)
    pieces = ours.StandardScaler()
    for start in range(0, 60, 7):
        pieces.partial_fit(GAPS[start:start + 7])
    close(pieces, at_once, ["mean_", "var_", "scale_", "n_samples_seen_"], rtol=1e-10)
    again = pieces.fit(X)  # `fit` forgets
    close(again, ours.StandardScaler().fit(X), ["mean_", "var_"])


def test_weights_are_repetitions():
    weighted = ours.StandardScaler().fit(X, sample_weight=WEIGHTS)
    repeated = ours.StandardScaler().fit(np.repeat(X, WEIGHTS.astype(int), axis=0))
    close(weighted, repeated, ["mean_", "var_", "scale_"])
    assert weighted.n_samples_seen_ == repeated.n_samples_seen_ == WEIGHTS.sum()


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse(form):
    Z = np.where(rng.random((40, 4)) < 0.6, 0.0, rng.normal(size=(40, 4)) + 3)
    weights = rng.random(40)
    for sample_weight in (None, weights):
        mine = ours.StandardScaler(with_mean=False).fit(form(Z), sample_weight=sample_weight)
        dense = ours.StandardScaler(with_mean=False).fit(Z, sample_weight=sample_weight)
        np.testing.assert_allclose(mine.var_, dense.var_, rtol=1e-12)
        out = mine.transform(form(Z))
        assert sparse.issparse(out)
        np.testing.assert_allclose(out.toarray(), dense.transform(Z), rtol=1e-12)
        np.testing.assert_allclose(mine.inverse_transform(out).toarray(), Z, rtol=1e-12)
    with pytest.raises(ParameterError, match="Cannot center sparse"):
        ours.StandardScaler().fit(form(Z))
    with pytest.raises(ParameterError, match="sparse"):
        ours.StandardScaler().fit(Z).inverse_transform(form(Z))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize("constant", [1.0, 100.0, 1e-10, -0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_constant_columns_have_no_variance(form, constant, weighted):
    weights = 2 * np.random.default_rng(0).random(100) if weighted else None
    model = ours.StandardScaler(with_mean=False).fit(form(np.full((100, 1), constant)), sample_weight=weights)
    assert model.scale_.tolist() == [1.0] and model.var_[0] <= 1e-30 * constant**2


def test_repeated_sparse_entries_are_their_sum():
    Z = sparse.csr_matrix((np.array([1.0, 2.0, 5.0]), np.array([0, 0, 0]), np.array([0, 2, 3])), shape=(2, 1))
    assert ours.StandardScaler(with_mean=False).fit(Z).var_.tolist() == [1.0]  # of 3 and 5
    assert Z.nnz == 3


def test_awkward_numbers():
    far = 1e9 + np.arange(50.0).reshape(-1, 1) * 1e-3  # variance must survive a mean 10^12 times the spread
    _, _, squares = column_moments(far)
    np.testing.assert_allclose(squares[0] / 50, np.var(np.arange(50.0) * 1e-3), rtol=1e-4)
    constant = ours.StandardScaler().fit(np.full((1000, 1), 0.1))
    assert constant.scale_[0] == 1.0
    assert np.abs(constant.transform(np.full((3, 1), 0.1))).max() < 1e-15
    huge = ours.StandardScaler().fit([[1e150], [3e150]])
    np.testing.assert_allclose(huge.transform([[1e150], [3e150]]).ravel(), [-1, 1])


def test_float32_stays():
    for scaler in (ours.StandardScaler(), ours.MinMaxScaler()):
        assert scaler.fit_transform(X.astype(np.float32)).dtype == np.float32


def test_textbook_example():
    """Grades 2, 4, 4, 4, 5, 5, 7, 9 have mean 5 and (population) standard deviation 2: the usual example."""
    grades = np.array([2.0, 4, 4, 4, 5, 5, 7, 9]).reshape(-1, 1)
    scaler = ours.StandardScaler().fit(grades)
    assert scaler.mean_[0] == 5.0 and scaler.scale_[0] == 2.0
    assert scaler.transform([[9.0]])[0, 0] == 2.0


def test_in_place_and_read_only():
    Z = X.copy()
    out = ours.StandardScaler(copy=False).fit(Z).transform(Z)
    assert out is Z or np.shares_memory(out, Z)
    frozen = X.copy()
    frozen.flags.writeable = False
    before = frozen.copy()
    ours.StandardScaler().fit(frozen).transform(frozen)
    assert (frozen == before).all()


@pytest.mark.parametrize("parameters", [{}, {"feature_range": (-1, 2)}, {"clip": True}])
def test_min_max_equals_sklearn(parameters):
    mine, other = ours.MinMaxScaler(**parameters).fit(GAPS), theirs.MinMaxScaler(**parameters).fit(GAPS)
    close(mine, other, ["data_min_", "data_max_", "data_range_", "scale_", "min_", "n_samples_seen_"])
    np.testing.assert_allclose(mine.transform(GAPS * 2), other.transform(GAPS * 2))
    np.testing.assert_allclose(mine.inverse_transform(mine.transform(GAPS)), GAPS, atol=1e-8)
    pieces = ours.MinMaxScaler(**parameters)
    for start in range(0, 60, 11):
        pieces.partial_fit(GAPS[start:start + 11])
    close(pieces, mine, ["scale_", "min_", "n_samples_seen_"])


def test_bad_input():
    with pytest.raises(ParameterError, match=r"\(1, 0\)"):
        ours.MinMaxScaler(feature_range=(1, 0)).fit(X)
    with pytest.raises(DataError, match="infinity"):
        ours.StandardScaler().fit([[1.0], [np.inf]])
    with pytest.raises(DataError, match=r"StandardScaler\.fit: .*non-zero|weight is zero"):
        ours.StandardScaler().fit(X, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="features"):
        ours.StandardScaler().fit(X).transform(X[:, :2])
    empty = ours.StandardScaler().fit(np.array([[np.nan, 1.0], [np.nan, 2.0]]))
    assert np.isnan(empty.mean_[0]) and empty.mean_[1] == 1.5


@pytest.mark.parametrize("scaler", [ours.StandardScaler(), ours.MinMaxScaler(), ours.MaxAbsScaler(), ours.RobustScaler(),
                                    ours.PowerTransformer()], ids=lambda scaler: type(scaler).__name__)
def test_the_way_back_is_checked_too(scaler):
    """One column would be stretched over all fitted ones, and the other way round, without a word."""
    X = np.random.default_rng(0).normal(size=(20, 3))
    fitted = scaler.fit(X)
    with pytest.raises(ShapeError, match=r"X has 1 features, but .* is expecting 3") as caught:
        fitted.inverse_transform(X[:, :1])
    assert caught.value.operation == f"{type(scaler).__name__}.inverse_transform" and caught.value.operands == {"X": (20, 1)}
    with pytest.raises(DataError, match=r"inverse_transform.*infinity"):
        fitted.inverse_transform(np.full((2, 3), np.inf))
