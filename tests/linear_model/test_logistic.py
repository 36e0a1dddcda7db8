"""Logistic regression against scikit-learn, optimality conditions, the invariances, and what it refuses."""

import warnings

import numba
import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Theirs
from sklearn.utils.estimator_checks import estimator_checks_generator

from homespun.errors import DataError, ParameterError, ShapeError
from homespun.linear_model import LogisticRegression
from homespun.linear_model.logistic import smooth
from homespun.linear_model.logistic.loss import LogisticLoss


def data(n=150, d=5, classes=2, seed=0, shift=3.0, density=None):
    """Rows that overlap, in columns that are neither centred nor of one scale."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * np.geomspace(0.5, 5, d) + shift
    if density:
        X *= rng.random((n, d)) < density
    W = rng.normal(size=(classes, d)) / np.geomspace(0.5, 5, d)
    z = (X - X.mean(0)) @ W.T + rng.gumbel(size=(n, classes))
    return X, z.argmax(1)


def objective(model, X, y, C=1.0, l1_ratio=0.0, weight=None):
    """The documented objective, in the sum form, by `logaddexp`."""
    z = X @ model.coef_.T + model.intercept_
    z = np.column_stack([np.zeros(len(y)), z]) if z.shape[1] == 1 else z
    code = np.searchsorted(model.classes_, y)
    loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), code]
    W = model.coef_
    penalty = l1_ratio * np.abs(W).sum() + (1 - l1_ratio) * (W**2).sum() / 2
    return (np.ones(len(y)) if weight is None else weight) @ loss + (penalty / C if np.isfinite(C) else 0.0)


def fit_theirs(X, y, *, C=1.0, l1_ratio=0.0, weight=None, **options):
    solver = "newton-cholesky" if l1_ratio == 0 else "saga"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Theirs(C=C, l1_ratio=l1_ratio, solver=solver, tol=1e-10, max_iter=20_000, random_state=0, **options)
        return model.fit(X, y, weight)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [1e-3, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("intercept", [True, False])
def test_l2_parity(classes, C, form, intercept):
    X, y = data(n=300, classes=classes, density=0.8 if form == "sparse" else None)
    given = sparse.csr_array(X) if form == "sparse" else X
    mine = LogisticRegression(C=C, tol=1e-9, fit_intercept=intercept).fit(given, y)
    other = fit_theirs(X, y, C=C, fit_intercept=intercept)
    np.testing.assert_allclose(mine.predict_proba(given), other.predict_proba(X), atol=1e-6)
    assert objective(mine, X, y, C) <= objective(other, X, y, C) * (1 + 1e-10)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("C, l1_ratio", [(0.1, 1.0), (1.0, 1.0), (0.05, 0.5), (10.0, 0.9)])
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_l1_and_elastic_net_parity(classes, C, l1_ratio, form):
    X, y = data(classes=classes, d=8, density=0.6 if form == "sparse" else None)
    X = X / X.std(0)  # saga needs columns of one scale
    given = sparse.csr_array(X) if form == "sparse" else X
    mine = LogisticRegression(C=C, l1_ratio=l1_ratio, tol=1e-9).fit(given, y)
    other = fit_theirs(X, y, C=C, l1_ratio=l1_ratio)
    assert objective(mine, X, y, C, l1_ratio) <= objective(other, X, y, C, l1_ratio) * (1 + 1e-9)
    np.testing.assert_allclose(mine.predict_proba(given), other.predict_proba(X), atol=2e-5)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("limit", [3000, 8], ids=["together", "classes in turn"])
def test_l1_optimality_conditions(classes, limit, monkeypatch):
    """With columns of every scale: |gradient| <= l1 at zero weights, gradient = -l1 sign(w) elsewhere."""
    monkeypatch.setattr("homespun.linear_model.logistic.proximal.MODEL_LIMIT", limit)
    X, y = data(classes=classes, d=200, n=80, shift=0.5)
    C, tol = 0.05, 1e-7
    model = LogisticRegression(C=C, l1_ratio=1.0, tol=tol, max_iter=500).fit(X, y)
    p = model.predict_proba(X)
    residual = (p - np.eye(classes)[y])[:, 1:] if classes == 2 else p - np.eye(classes)[y]
    gradient = residual.T @ X / len(y)
    l1 = 1 / (C * len(y))
    zero = model.coef_ == 0
    assert 0 < zero.mean() < 1
    assert (np.abs(gradient[zero]) <= l1 + tol).all()
    np.testing.assert_allclose(gradient[~zero], -l1 * np.sign(model.coef_[~zero]), atol=2 * tol)


@pytest.mark.parametrize("metric", ["hessian", "gram", "diagonal", "conjugate gradients"])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_every_metric_reaches_the_optimum(metric, classes, intercept, monkeypatch):
    """The size of the problem chooses between these; here all see the same one."""
    X, y = data(classes=classes, density=0.7)
    expected = LogisticRegression(tol=1e-10, fit_intercept=intercept).fit(X, y)
    if metric != "hessian":
        monkeypatch.setattr(smooth, "HESSIAN_LIMIT", 0)
    if metric not in ("hessian", "gram"):
        monkeypatch.setattr(smooth, "GRAM_LIMIT", 0)
    chosen = []
    original = smooth.choose_metric

    def remember(loss):
        chosen.append(original(loss)[0].__name__)
        return original(loss)

    monkeypatch.setattr(smooth, "choose_metric", remember)
    if metric == "conjugate gradients":
        monkeypatch.setattr(smooth, "DENSE_SHARE", 1.1)
        X = sparse.csr_array(X)
    model = LogisticRegression(tol=1e-8, max_iter=500, fit_intercept=intercept).fit(X, y)
    assert chosen == [metric.replace("conjugate gradients", "conjugate_gradient") + "_metric"]
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_gradient_along_a_direction(classes):
    """Finite differences of the value, and of the gradient for the Hessian and its products."""
    X, y = data(classes=classes, density=0.6)
    rng = np.random.default_rng(1)
    weight = rng.uniform(size=len(y))
    for form in (X, sparse.csr_array(X)):
        loss = LogisticLoss(form, y, weight / weight.sum(), classes, rng.uniform(size=6), True)
        W, V = rng.normal(size=loss.shape) / 10, rng.normal(size=loss.shape)
        step = 1e-5
        (up, up_gradient), (down, down_gradient) = loss.evaluate(W + step * V), loss.evaluate(W - step * V)
        _, gradient = loss.evaluate(W)
        assert (gradient * V).sum() == pytest.approx((up - down) / (2 * step), rel=1e-6)
        H = smooth.hessian(loss)
        difference = (up_gradient - down_gradient) / (2 * step)
        np.testing.assert_allclose((H @ V.ravel()).reshape(V.shape), difference, rtol=1e-5, atol=1e-7)
        if sparse.issparse(form):
            np.testing.assert_allclose(loss.hessian_times(V).ravel(), H @ V.ravel(), rtol=1e-9)


def test_liblinear_penalises_the_intercept_as_scikit_learn_does():
    X, y = data()
    for l1_ratio in (0.0, 1.0):
        for scaling in (1.0, 10.0):
            options = {"solver": "liblinear", "C": 0.1, "l1_ratio": l1_ratio, "intercept_scaling": scaling, "tol": 1e-8}
            mine = LogisticRegression(**options).fit(X, y)
            other = Theirs(**options, max_iter=10_000, random_state=0).fit(X, y)
            np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=1e-4)
            np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=1e-2, atol=1e-4)
    with pytest.raises(DataError, match="Only binary"):
        LogisticRegression(solver="liblinear").fit(*data(classes=3))


@pytest.mark.parametrize("solver", ["newton-cg", "newton-cholesky", "sag", "saga"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
def test_solver_names_change_nothing(solver, l1_ratio):
    X, y = data(classes=3)
    one, other = (LogisticRegression(solver=name, l1_ratio=l1_ratio).fit(X, y) for name in ("lbfgs", solver))
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_older_spelling_of_the_penalty():
    X, y = data()
    pairs = [({"penalty": "l1"}, {"l1_ratio": 1.0}), ({"penalty": "l2", "l1_ratio": 0.3}, {}),
             ({"penalty": None}, {"C": np.inf}), ({"penalty": "elasticnet", "l1_ratio": 0.3}, {"l1_ratio": 0.3}),
             ({"l1_ratio": None}, {})]
    for old, new in pairs:
        np.testing.assert_array_equal(LogisticRegression(**old).fit(X, y).coef_, LogisticRegression(**new).fit(X, y).coef_)
    with pytest.raises(ParameterError, match="None"):
        LogisticRegression(penalty="elasticnet", l1_ratio=None).fit(X, y)


def test_worked_example():
    """A 2 x 2 table without penalty: the slope is the log odds ratio, the intercept the log odds where x = 0.

    Exposed 30 ill, 20 well; others 10 ill, 40 well: odds ratio (30/20) / (10/40) = 6.
    """
    X = np.repeat([[1.0], [1.0], [0.0], [0.0]], [30, 20, 10, 40], axis=0)
    y = np.repeat(["ill", "well", "ill", "well"], [30, 20, 10, 40])
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y)
    assert model.coef_[0, 0] == pytest.approx(-np.log(6))
    assert model.intercept_[0] == pytest.approx(np.log(4))
    assert model.predict_proba([[1.0]])[0, 0] == pytest.approx(0.6)
    weighted = LogisticRegression(C=np.inf, tol=1e-10).fit([[1], [1], [0], [0]], ["ill", "well"] * 2, [30, 20, 10, 40])
    np.testing.assert_allclose(weighted.coef_, model.coef_)


def test_separable_data():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    y = [0, 0, 1, 1]
    model = LogisticRegression(C=1.0, tol=1e-9).fit(X, y)  # a penalty makes the optimum finite
    np.testing.assert_allclose(model.coef_, fit_theirs(X, y).coef_, rtol=1e-6)
    endless = LogisticRegression(C=np.inf, max_iter=1000).fit(X, y)  # the loss goes to 0: converged, and right
    assert (endless.predict(X) == y).all() and np.isfinite(endless.coef_).all()
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        LogisticRegression(C=np.inf, max_iter=3).fit(X, y)


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 1.0}])
def test_convergence_warning_and_warm_start(options):
    X, y = data(classes=3)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        LogisticRegression(max_iter=1, tol=1e-10, **options).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        assert LogisticRegression(max_iter=0, **options).fit(X, y).n_iter_ == 0
    model = LogisticRegression(warm_start=True, tol=1e-8, **options).fit(X, y)
    first = model.coef_.copy()
    assert model.fit(X, y).n_iter_[0] <= 1
    np.testing.assert_allclose(model.coef_, first, atol=1e-6)
    assert model.sparsify().fit(X, y).n_iter_[0] <= 1
    model.fit(X, y % 2)  # other classes: starts afresh


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.7}, {"C": np.inf}])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_weights_are_repetitions_and_order_does_not_matter(options, form):
    X, y = data(n=60, classes=3, density=0.7)
    rng = np.random.default_rng(0)
    times = rng.integers(0, 4, 60)
    again = np.repeat(np.arange(60), times)
    shuffled = rng.permutation(again)
    kept = times > 0
    options = {"tol": 1e-9, **options}
    weighted = LogisticRegression(**options).fit(form(X), y, times)
    for rows in (again, shuffled):
        np.testing.assert_allclose(weighted.coef_, LogisticRegression(**options).fit(form(X[rows]), y[rows]).coef_,
                                   rtol=1e-5, atol=1e-7)
    removed = LogisticRegression(**options).fit(form(X[kept]), y[kept], times[kept])
    np.testing.assert_allclose(weighted.coef_, removed.coef_, rtol=1e-5, atol=1e-7)


def test_class_weight():
    X, y = data(classes=3)
    rng = np.random.default_rng(0)
    w = rng.uniform(size=len(y))
    for class_weight in ("balanced", {0: 2.0, 1: 0.5, 2: 1.0}):
        mine = LogisticRegression(class_weight=class_weight, tol=1e-9).fit(X, y, w)
        other = fit_theirs(X, y, class_weight=class_weight, weight=w)
        np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=1e-6)
    with pytest.raises(DataError, match="class weights"):
        LogisticRegression(class_weight=dict.fromkeys(range(3), 0.0)).fit(X, y)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("options", [{}, {"l1_ratio": 1.0}])
def test_threads_change_no_bit(form, options):
    X, y = data(n=5000, classes=3, d=12, density=0.3)
    fits = []
    before = numba.get_num_threads()
    try:
        for threads in sorted({1, before}):
            numba.set_num_threads(threads)
            fits.append(LogisticRegression(**options).fit(form(X), y))
    finally:
        numba.set_num_threads(before)
    assert all((one.coef_ == fits[0].coef_).all() and (one.intercept_ == fits[0].intercept_).all() for one in fits)


def test_float32_stays():
    X, y = data(classes=3)
    for form in (np.asarray, sparse.csr_array):
        model = LogisticRegression().fit(form(X.astype(np.float32)), y)
        p = model.predict_proba(form(X.astype(np.float32)))
        assert {model.coef_.dtype, model.intercept_.dtype, p.dtype} == {np.dtype(np.float32)}
        np.testing.assert_allclose(p, LogisticRegression().fit(form(X), y).predict_proba(form(X)), atol=1e-5)


def test_sparse_input_in_any_form():
    X, y = data(density=0.4)
    expected = LogisticRegression(tol=1e-9).fit(X, y).coef_
    doubled = sparse.coo_matrix(X)
    doubled = sparse.coo_matrix((np.repeat(doubled.data / 2, 2), (np.repeat(doubled.row, 2), np.repeat(doubled.col, 2))), X.shape)
    as_csr = sparse.csr_matrix((doubled.data, (doubled.row, doubled.col)), X.shape)
    long_index = sparse.csr_array(X)
    long_index.indices, long_index.indptr = long_index.indices.astype(np.int64), long_index.indptr.astype(np.int64)
    for form in (sparse.csc_array(X), doubled, as_csr, long_index):
        np.testing.assert_allclose(LogisticRegression(tol=1e-9).fit(form, y).coef_, expected, rtol=1e-8)


def test_predictions_agree_with_each_other():
    for classes in (2, 3):
        X, y = data(classes=classes)
        model = LogisticRegression().fit(X, np.array(["b", "a", "c"])[y])
        p, z = model.predict_proba(X), model.decision_function(X)
        assert p.shape == (len(X), classes) and z.shape == ((len(X),) if classes == 2 else p.shape)
        np.testing.assert_allclose(p.sum(1), 1)
        np.testing.assert_allclose(np.log(p), model.predict_log_proba(X), rtol=1e-9, atol=1e-12)
        assert (model.classes_[p.argmax(1)] == model.predict(X)).all()
        assert (model.sparsify().predict(X) == model.densify().predict(X)).all()
    far = model.predict_log_proba(X * 1e6)
    assert np.isfinite(far).all()


def test_hard_columns():
    X, y = data()
    n = len(y)
    X = np.column_stack([X, np.ones(n), X[:, 0], np.zeros(n), X[:, 1] * 1e6 + 1e9])  # constant, twin, empty, far away
    for C in (1.0, np.inf):
        model = LogisticRegression(C=C, tol=1e-6).fit(X, y)
        assert objective(model, X, y, C) <= objective(fit_theirs(X[:, :6], y, C=C), X[:, :6], y, C) * (1 + 1e-6)
    wide = np.random.default_rng(0).normal(size=(20, 1500))
    label = np.arange(20) % 2
    np.testing.assert_allclose(LogisticRegression(tol=1e-8).fit(wide, label).predict_proba(wide),
                               fit_theirs(wide, label).predict_proba(wide), atol=1e-6)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("classes, options", [(2, {}), (3, {}), (2, {"l1_ratio": 1.0}), (3, {"l1_ratio": 1.0}),
                                              (2, {"l1_ratio": 0.5, "fit_intercept": False})])
@pytest.mark.parametrize("size", [1e155, 1e308])
def test_values_whose_squares_are_too_large(form, classes, options, size, monkeypatch):
    """The same predictions as for the column in another unit, where next to nothing is left of its penalty."""
    rng = np.random.default_rng(3)
    X = rng.uniform(-1, 1, size=(60, 3)) * [1.0, 1.0, 1e6]
    y = (X / [1.0, 1.0, 1e6] @ [1.0, -1.0, 1.0] + rng.normal(size=60) > 0).astype(int) + (classes == 3) * (X[:, 1] > 0)
    unit = np.array([1.0, 1.0, size / 1e6])
    settings = {"tol": 1e-6, "max_iter": 1000, **options}
    expected = LogisticRegression(**settings).fit(X, y)
    found = LogisticRegression(**settings).fit(form(X * unit), y)
    np.testing.assert_allclose(found.predict_proba(X * unit), expected.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(found.coef_ * unit, expected.coef_, rtol=1e-4, atol=1e-5)
    if not options:  # the other metrics refuse such squares as well
        monkeypatch.setattr(smooth, "HESSIAN_LIMIT", 0)
        other = LogisticRegression(**settings).fit(form(X * unit), y)
        monkeypatch.setattr(smooth, "GRAM_LIMIT", 0)
        third = LogisticRegression(**settings).fit(form(X * unit), y)
        for model in (other, third):
            np.testing.assert_allclose(model.predict_proba(X * unit), expected.predict_proba(X), atol=1e-5)


def test_a_fit_of_huge_and_small_columns_ends():
    model = LogisticRegression().fit([[1e155, 1], [1e7, 0.2], [3, 1]], [0, 1, 1])
    assert model.predict([[1e155, 1], [1e7, 0.2], [3, 1]]).tolist() == [0, 1, 1]


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("size", [1e6, 1e9, 1e-6])
def test_l1_beside_a_column_in_another_unit(classes, l1_ratio, size):
    X, y = data(classes=classes)
    scaled = X * np.where(np.arange(5) == 2, size, 1.0)
    for form in (np.asarray, sparse.csr_array):
        model = LogisticRegression(l1_ratio=l1_ratio).fit(form(scaled), y)  # a ConvergenceWarning would be an error
        assert model.n_iter_[0] < 20
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of that column, not every digit can be had
            exact = LogisticRegression(l1_ratio=l1_ratio, tol=1e-9, max_iter=1000).fit(form(scaled), y)
        assert objective(model, scaled, y, l1_ratio=l1_ratio) <= objective(exact, scaled, y, l1_ratio=l1_ratio) * (1 + 1e-6)


def test_verbose_says_one_line(capsys):
    LogisticRegression(verbose=1).fit(*data())
    assert capsys.readouterr().out.count("\n") == 1


BAD = [
    (DataError, "only one class", {}, lambda X, y: (X, y * 0)),
    (DataError, "NaN", {}, lambda X, y: (np.where(X > 4, np.nan, X), y)),
    (DataError, "infinity", {}, lambda X, y: (np.where(X > 4, np.inf, X), y)),
    (DataError, "continuous", {}, lambda X, y: (X, y + 0.5 * X[:, 0])),
    (ShapeError, "149", {}, lambda X, y: (X, y[1:])),
    (DataError, "non-zero", {}, lambda X, y: (X, y, np.zeros(len(y)))),
    (DataError, "Negative", {}, lambda X, y: (X, y, -np.ones(len(y)))),
    (ParameterError, "-1", {"C": -1}, lambda X, y: (X, y)),
    (ParameterError, "1.5", {"l1_ratio": 1.5}, lambda X, y: (X, y)),
    (ParameterError, "'newton'", {"solver": "newton"}, lambda X, y: (X, y)),
    (ParameterError, "'l3'", {"penalty": "l3"}, lambda X, y: (X, y)),
    (ParameterError, "nan", {"tol": np.nan}, lambda X, y: (X, y)),
]


@pytest.mark.parametrize("kind, text, options, change", BAD, ids=[text for _, text, *_ in BAD])
def test_refusals(kind, text, options, change):
    with pytest.raises(kind) as caught:
        LogisticRegression(**options).fit(*change(*data()))
    assert text in str(caught.value)
    assert "LogisticRegression" in caught.value.operation


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 1.0}, {"solver": "liblinear"}], ids=str)
def test_scikit_learns_checks(options):
    from unittest import SkipTest

    for model, check in estimator_checks_generator(LogisticRegression(**options)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(model)
            except SkipTest as reason:
                assert "SCIPY_ARRAY_API" in str(reason)
