"""`Estimator`: scikit-learn's checks pass on what is built on it, and its errors carry operation, kind and operands."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets

from homespun.base import Real
from homespun.base.estimator import (
    ClassifierMixin,
    Estimator,
    RegressorMixin,
    TransformerMixin,
    check_is_fitted,
    check_params,
)
from homespun.errors import DataError, HomespunError, ShapeError


class Line(RegressorMixin, Estimator):
    """Weighted least squares."""

    params = {"rcond": Real(low=0)}

    def __init__(self, rcond=1e-12):
        self.rcond = rcond

    def fit(self, X, y, sample_weight=None):
        check_params(self)
        X, y = self.validate(X, y, y_numeric=True, dtype=np.float64)
        w = self.validate_weights(sample_weight, X)
        root = np.sqrt(w)[:, None]
        A = np.column_stack([X, np.ones(len(X))]) * root
        self.coef_ = np.linalg.lstsq(A, y * root[:, 0], rcond=self.rcond)[0]
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = self.validate(X, operation="predict", dtype=np.float64)
        return X @ self.coef_[:-1] + self.coef_[-1]


class Nearest(ClassifierMixin, Estimator):
    """The class with the nearest weighted mean."""

    def fit(self, X, y, sample_weight=None):
        check_params(self)
        X, y = self.validate(X, y)
        check_classification_targets(y)
        w = self.validate_weights(sample_weight, X)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.means_ = np.array([np.average(X[codes == k], axis=0, weights=w[codes == k]) if w[codes == k].any()
                                else np.full(X.shape[1], np.inf) for k in range(len(self.classes_))])
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = self.validate(X, operation="predict")
        return self.classes_[((X[:, None] - self.means_) ** 2).sum(-1).argmin(1)]


class Centre(TransformerMixin, Estimator):
    def fit(self, X, y=None):
        self.mean_ = self.validate(X).mean(0)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return self.validate(X, operation="transform") - self.mean_


X, Y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)


@pytest.mark.parametrize("cls", [Line, Nearest, Centre])
@pytest.mark.filterwarnings("ignore")
def test_all_of_scikit_learns_checks(cls):
    results = check_estimator(cls(), on_fail=None, on_skip=None)
    failed = [(result["check_name"], result["exception"]) for result in results if result["status"] == "failed"]
    assert not failed and len(results) > 40
    assert [result["check_name"] for result in results if result["status"] == "skipped"] in ([], ["check_array_api_input"])


def test_fit_remembers_the_columns_and_predict_checks_them():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = Line().fit(frame, Y)
    assert model.n_features_in_ == 3 and list(model.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(DataError, match=r"Line\.predict: The feature names should match"):
        model.predict(frame[["c", "b", "a"]])
    with pytest.raises(ShapeError, match=r"Line\.predict: X has 2 features, but Line is expecting 3"):
        Line().fit(X, Y).predict(X[:, :2])


@pytest.mark.parametrize("kind, data, target, text", [
    (ShapeError, X, Y[:-1], "Found input variables with inconsistent numbers of samples: [20, 19]"),
    (ShapeError, X[:, 0], Y, "Expected 2D array, got 1D array"),
    (ShapeError, X[None], Y[:1], "Found array with dim 3"),
    (ShapeError, X, np.ones((20, 2)), "y should be a 1d array"),
    (DataError, np.where(X > 1, np.nan, X), Y, "Input X contains NaN"),
    (DataError, X, np.where(Y > 3, np.inf, Y), "Input y contains infinity"),
    (DataError, X[:0], Y[:0], "Found array with 0 sample(s)"),
    (DataError, X[:, :0], Y, "Found array with 0 feature(s)"),
    (DataError, X + 1j, Y, "Complex data not supported"),
    (DataError, sparse.csr_array(X), Y, "Sparse data was passed for X, but dense data is required"),
    (DataError, np.full((20, 2), "word"), Y, "word"),
])
def test_errors_say_operation_kind_and_operands(kind, data, target, text):
    with pytest.raises(kind) as caught:
        Line().fit(data, target)
    assert str(caught.value).startswith("Line.fit: ") and text in str(caught.value)
    assert caught.value.operation == "Line.fit" and caught.value.rule
    assert caught.value.operands == {"X": data.shape, "y": target.shape}


@pytest.mark.parametrize("kind, weights, text", [
    (DataError, np.zeros(20), "zero"),
    (DataError, np.full(20, np.nan), "NaN"),
    (DataError, -np.ones(20), "egative"),
    (ShapeError, np.ones(19), "(19,)"),
    (ShapeError, np.ones((20, 2)), "1D"),
    (DataError, np.full(20, "heavy"), "heavy"),
])
def test_bad_weights(kind, weights, text):
    with pytest.raises(kind) as caught:
        Line().fit(X, Y, weights)
    assert text in str(caught.value) and str(caught.value).startswith("Line.fit: ")
    assert caught.value.operands["sample_weight"] == weights.shape and "y" not in caught.value.operands


def test_weights_are_ones_numbers_or_arrays():
    model = Line()
    np.testing.assert_array_equal(model.validate_weights(None, X), np.ones(20))
    np.testing.assert_array_equal(model.validate_weights(2.0, X), np.full(20, 2.0))
    assert model.validate_weights([1] * 20, X).dtype == np.float64
    assert model.validate_weights(np.ones(20), X, dtype=np.float32).dtype == np.float32
    assert (model.validate_weights(-np.ones(20), X, allow_negative=True) == -1).all()


def test_other_type_errors_stay_type_errors():
    with pytest.raises(TypeError) as caught:
        Line().fit(np.array([[{"a": 1}], [{"b": 2}]], dtype=object), [1, 2])
    assert not isinstance(caught.value, HomespunError)


def test_weights_whose_sum_overflows_are_refused():
    from homespun.linear_model import Ridge

    X = np.random.default_rng(0).normal(size=(60, 4))
    with pytest.raises(DataError, match="sum of the sample weights is inf, the largest is 1e") as error:
        Ridge().fit(X, X[:, 0], sample_weight=np.full(60, 1e307))
    assert error.value.operation == "Ridge.fit" and error.value.rule == "a finite sum"
