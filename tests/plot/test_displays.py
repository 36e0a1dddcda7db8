"""Pictures: what the artists hold is what the metrics say. (Pixels are looked at by people.)"""

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
matplotlib.use("agg")

import matplotlib.pyplot as plt  # noqa: E402

from homespun import metrics, plot  # noqa: E402
from homespun.cluster import KMeans  # noqa: E402
from homespun.errors import DataError, ParameterError, ShapeError  # noqa: E402
from homespun.linear_model import LogisticRegression, Ridge  # noqa: E402


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.where(X[:, 0] + X[:, 1] + rng.normal(0, 0.7, 200) > 0, "yes", "no")
    return LogisticRegression().fit(X, y), X, y


def test_roc(fitted):
    model, X, y = fitted
    for label in ("yes", "no"):
        display = plot.RocCurveDisplay.from_estimator(model, X, y, pos_label=label, plot_chance_level=True)
        score = model.predict_proba(X)[:, ["no", "yes"].index(label)]
        fpr, tpr, _ = metrics.roc_curve(y, score, pos_label=label)
        np.testing.assert_array_equal(display.line_.get_xydata(), np.column_stack([fpr, tpr]))
        assert display.roc_auc == metrics.roc_auc_score(y == label, score)
        assert display.line_.get_label() == f"LogisticRegression (AUC = {display.roc_auc:0.2f})"
        assert display.ax_.get_xlabel() == f"False Positive Rate (Positive label: {label})"
        assert list(display.chance_level_.get_ydata()) == [0, 1]


def test_precision_recall_det_and_calibration(fitted):
    model, X, y = fitted
    p = model.predict_proba(X)[:, 1]
    display = plot.PrecisionRecallDisplay.from_predictions(y, p, pos_label="yes", plot_chance_level=True)
    precision, recall, _ = metrics.precision_recall_curve(y, p, pos_label="yes")
    np.testing.assert_array_equal(display.line_.get_xydata(), np.column_stack([recall, precision]))
    assert display.average_precision == metrics.average_precision_score(y, p, pos_label="yes")
    assert display.prevalence == (y == "yes").mean()
    display = plot.DetCurveDisplay.from_estimator(model, X, y, response_method="decision_function")
    from scipy.stats import norm

    fpr, fnr, _ = metrics.det_curve(y, p, pos_label="yes", drop_intermediate=True)
    inner = (fpr > 0) & (fnr > 0)
    np.testing.assert_allclose(norm.cdf(display.line_.get_xydata())[inner], np.column_stack([fpr, fnr])[inner])
    display = plot.CalibrationDisplay.from_estimator(model, X, y, n_bins=4)
    true, predicted = metrics.calibration_curve(y, p, pos_label="yes", n_bins=4)
    np.testing.assert_array_equal(display.line_.get_xydata(), np.column_stack([predicted, true]))


def test_confusion_matrix(fitted):
    model, X, y = fitted
    ax = plt.figure().add_subplot()
    display = plot.ConfusionMatrixDisplay.from_estimator(model, X, y, ax=ax, xticks_rotation=45)
    assert display.ax_ is ax
    expected = metrics.confusion_matrix(y, model.predict(X))
    np.testing.assert_array_equal(display.im_.get_array(), expected)
    assert [text.get_text() for text in display.text_.ravel()] == [str(value) for value in expected.ravel()]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["no", "yes"]
    shares = plot.ConfusionMatrixDisplay.from_predictions(y, model.predict(X), normalize="true", labels=["yes", "no"])
    np.testing.assert_allclose(shares.confusion_matrix.sum(1), 1)
    assert [label.get_text() for label in shares.ax_.get_yticklabels()] == ["yes", "no"]


def test_prediction_errors():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + rng.normal(size=300)
    model = Ridge().fit(X, y)
    display = plot.PredictionErrorDisplay.from_estimator(model, X, y, subsample=None)
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.column_stack([model.predict(X), y - model.predict(X)]))
    display = plot.PredictionErrorDisplay.from_estimator(model, X, y, kind="actual_vs_predicted", subsample=50, random_state=0)
    assert display.scatter_.get_offsets().shape == (50, 2) and display.ax_.get_ylabel() == "Actual values"


@pytest.mark.parametrize("style", ["fill_between", "errorbar", None])
def test_learning_and_validation_curves(fitted, style):
    _, X, y = fitted
    display = plot.LearningCurveDisplay.from_estimator(LogisticRegression(), X, y, cv=3, scoring="accuracy",
                                                       train_sizes=[0.3, 1.0], std_display_style=style)
    assert display.train_sizes.tolist() == [39, 133] and display.test_scores.shape == (2, 3)
    if style != "errorbar":
        np.testing.assert_allclose(display.lines_[1].get_ydata(), display.test_scores.mean(1))
    assert display.ax_.get_ylabel() == "Accuracy"
    values = [0.01, 0.1, 1.0, 10.0]
    display = plot.ValidationCurveDisplay.from_estimator(LogisticRegression(), X, y, param_name="C", param_range=values, cv=3,
                                                         std_display_style=style, scoring="neg_log_loss", negate_score=True)
    assert display.ax_.get_xscale() == "log" and display.ax_.get_xlabel() == "C" and display.test_scores.max() < 0


def test_boundaries(fitted):
    model, X, _ = fitted
    for method in ("contourf", "contour", "pcolormesh", "surface"):
        display = plot.DecisionBoundaryDisplay.from_estimator(model, X, grid_resolution=20, eps=0.5, plot_method=method)
        grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
        np.testing.assert_allclose(display.response.ravel(), model.decision_function(grid))
        assert display.xx0.min() == X[:, 0].min() - 0.5
    three = LogisticRegression().fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    display = plot.DecisionBoundaryDisplay.from_estimator(three, X, grid_resolution=20)
    assert set(display.response.ravel()) == {0.0, 1.0, 2.0} and display.n_classes == 3
    display = plot.DecisionBoundaryDisplay.from_estimator(three, X, grid_resolution=20, class_of_interest=2,
                                                          response_method="predict_proba")
    np.testing.assert_allclose(display.response.ravel(), three.predict_proba(
        np.column_stack([display.xx0.ravel(), display.xx1.ravel()]))[:, 2])


def test_clusters():
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(centre, 0.3, (40, 2)) for centre in ([0, 0], [3, 0], [0, 3])])
    display = plot.ElbowDisplay.from_estimator(KMeans(n_init=2, random_state=0), X, n_clusters=[1, 2, 3, 4])
    inertia = display.line_.get_ydata()
    assert (np.diff(inertia) < 0).all() and inertia[1] - inertia[2] > 10 * (inertia[2] - inertia[3])
    model = KMeans(3, n_init=2, random_state=0).fit(X)
    display = plot.SilhouetteDisplay.from_estimator(model, X)
    assert display.score == pytest.approx(metrics.silhouette_score(X, model.labels_))
    assert sorted(bar.get_width() for blade in display.blades_ for bar in blade) == pytest.approx(sorted(display.samples))
    display = plot.KMeansStepsDisplay.from_data(X, 3, init=[[0, 0], [0.5, 0], [0, 0.5]], most=20)
    costs = [inertia for *_, inertia in display.steps]
    assert (np.diff(costs) <= 0).all() and (display.steps[-1][1] == display.steps[-2][1]).all()  # it never rises, and ends
    np.testing.assert_array_equal(display.centres_[-1].get_offsets(), display.steps[-1][0])


@pytest.mark.parametrize("kind, text, call", [
    (DataError, "binary classifier", lambda model, X, y: plot.RocCurveDisplay.from_estimator(Ridge(), X, y)),
    (ParameterError, "'maybe'", lambda model, X, y: plot.RocCurveDisplay.from_estimator(model, X, y, pos_label="maybe")),
    (ParameterError, "'predict'", lambda model, X, y: plot.DetCurveDisplay.from_estimator(
        model, X, y, response_method="predict")),
    (ShapeError, "(200, 1)", lambda model, X, y: plot.DecisionBoundaryDisplay.from_estimator(model, X[:, :1])),
    (ParameterError, "grid_resolution", lambda model, X, y: plot.DecisionBoundaryDisplay.from_estimator(
        model, X, grid_resolution=1)),
    (ParameterError, "'bars'", lambda model, X, y: plot.DecisionBoundaryDisplay.from_estimator(model, X, plot_method="bars")),
    (ParameterError, "n_clusters", lambda model, X, y: plot.KMeansStepsDisplay.from_data(X, 0)),
    (ParameterError, "'both'", lambda model, X, y: plot.PredictionErrorDisplay.from_predictions([1.0], [2.0], kind="both")),
])
def test_refusals(fitted, kind, text, call):
    with pytest.raises(kind) as caught:
        call(*fitted)
    assert text in str(caught.value) and caught.value.operation and caught.value.rule


def test_importing_draws_nothing():
    import subprocess
    import sys

    code = "import sys; import homespun.plot as p; p.RocCurveDisplay; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
