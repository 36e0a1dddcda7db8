"""Every score that scikit-learn has, too: the same signature, and the same value on random, tied and degenerate input."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.metrics
import sklearn.metrics.cluster
from sklearn.calibration import calibration_curve

from homespun import metrics as ours
from homespun.metrics import cluster

NAMES = sorted(name for name in ours.__all__ if name in sklearn.metrics.__all__ and name != "cluster")


@pytest.mark.parametrize("name", NAMES + [f"cluster.{name}" for name in cluster.__all__])
def test_signatures_are_theirs(name):
    home, mine = (sklearn.metrics.cluster, cluster) if name.startswith("cluster.") else (sklearn.metrics, ours)
    name = name.removeprefix("cluster.")
    theirs = [(p.name, p.kind, repr(p.default)) for p in inspect.signature(getattr(home, name)).parameters.values()]
    assert [(p.name, p.kind, repr(p.default)) for p in inspect.signature(getattr(mine, name)).parameters.values()] == theirs


def test_nothing_is_missing_but_displays_and_distances():
    missing = {name for name in sklearn.metrics.__all__ if name not in ours.__all__}
    assert all(name.endswith("Display") or "distance" in name.lower() or "kernels" in name for name in missing)
    assert set(sklearn.metrics.cluster.__all__) == set(cluster.__all__)


def both(name, *args, rtol=1e-12, atol=1e-15, **kwargs):
    """Ours and theirs agree, in the value and in what they warn of."""
    answers, told = [], []
    for home in (ours, sklearn.metrics):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            answers.append(getattr(home, name)(*args, **kwargs))
        told.append([(warning.category, str(warning.message)[:40]) for warning in said
                     if not issubclass(warning.category, (RuntimeWarning, DeprecationWarning))
                     and not (name == "cohen_kappa_score" and "A single label" in str(warning.message))])
    for mine, theirs in zip(*(one if isinstance(one, tuple) else (one,) for one in answers)):
        if mine is not None:
            np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=atol, err_msg=f"{name} {kwargs}")
    assert sorted(map(str, told[0])) == sorted(map(str, told[1]))
    return answers[0]


def data(seed, n=70, classes=3):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 2, n) * (rng.random(n) < 0.8)
    return rng, rng.integers(classes, size=n), rng.integers(classes, size=n), weight


# -- predicted classes --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("spread", [1, 1000, 10**12], ids=["near", "apart", "far apart"])
def test_classes(spread):
    _, y, p, w = data(0)
    y, p = y * spread - 5, p * spread - 5
    for s in (None, w, np.arange(70)):
        for name in ("accuracy_score", "hamming_loss", "matthews_corrcoef", "multilabel_confusion_matrix", "zero_one_loss"):
            both(name, y, p, sample_weight=s)
        for kind in (None, "linear", "quadratic"):
            both("cohen_kappa_score", y, p, weights=kind, sample_weight=s)
        for average in ("micro", "macro", "weighted", None):
            both("jaccard_score", y, p, average=average, sample_weight=s)
    both("cohen_kappa_score", y, p, labels=[y.max(), y.min(), y.min() - 1])
    both("matthews_corrcoef", y, np.full(70, y[0]))
    both("cohen_kappa_score", [1, 1], [1, 1])
    both("cohen_kappa_score", [1, 1, 2], [3, 3, 3], labels=[1, 2])


@pytest.mark.parametrize("sparse", [False, True])
def test_indicators(sparse):
    from scipy.sparse import csr_matrix

    rng, *_, w = data(1)
    y, p = rng.random((70, 4)) < 0.3, rng.random((70, 4)) < 0.3
    y[:5], p[:7, 2], y[:, 3] = False, False, False
    y, p = y.astype(int), p.astype(int)
    if sparse:
        y, p = csr_matrix(y), csr_matrix(p)
    for s in (None, w):
        for name in ("accuracy_score", "hamming_loss", "zero_one_loss"):
            both(name, y, p, sample_weight=s)
        for samplewise in (False, True):
            both("multilabel_confusion_matrix", y, p, sample_weight=s, samplewise=samplewise, labels=[2, 0])
        for average in ("micro", "macro", "weighted", "samples", None):
            for name in ("precision_score", "recall_score", "f1_score", "jaccard_score"):
                for zero in ("warn", 1) if name == "jaccard_score" else ("warn", 1, np.nan):
                    both(name, y, p, average=average, sample_weight=s, zero_division=zero)
            both("fbeta_score", y, p, beta=0.5, average=average, sample_weight=s, labels=[3, 1], zero_division=0)
    dense = (y.toarray(), p.toarray()) if sparse else (y, p)
    for options in ({}, {"target_names": ["a", "b", "c", "d"]}):
        mine = ours.classification_report(*dense, zero_division=0, **options)
        assert mine == sklearn.metrics.classification_report(*dense, zero_division=0, **options)


def test_likelihood_ratios():
    _, y, p, w = data(2, classes=2)
    for s in (None, w):
        both("class_likelihood_ratios", y, p, sample_weight=s)
    for y, p in (([1, 1, 0], [1, 1, 1]), ([1, 1, 0], [0, 0, 0]), ([0, 0, 0], [1, 0, 0]), ([1, 0, 0], [0, 0, 0])):
        for instead in (np.nan, 1.0, {"LR+": 7.0, "LR-": 0.5}):
            both("class_likelihood_ratios", y, p, replace_undefined_by=instead)


# -- orderings ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("decimals", [0, 1, 9], ids=["many ties", "ties", "none"])
def test_curves(decimals):
    rng, y, _, w = data(3, classes=2)
    score = (rng.normal(size=70) + y).round(decimals)
    for s in (None, w):
        for drop in (False, True):
            both("det_curve", y, score, sample_weight=s, drop_intermediate=drop)
        both("confusion_matrix_at_thresholds", y, score, sample_weight=s)
        both("metric_at_thresholds", y, score, sklearn.metrics.f1_score, metric_params={"zero_division": 0}, sample_weight=s)
    for kind in (np.float32, np.int64):
        for name in ("precision_recall_curve", "confusion_matrix_at_thresholds"):
            mine, theirs = (getattr(home, name)(y, score.astype(kind))[-1] for home in (ours, sklearn.metrics))
            assert mine.dtype == theirs.dtype == kind


def test_several_classes_against_each_other():
    rng, y, _, w = data(4, n=90)
    score = rng.dirichlet(np.ones(4), 90).round(1)
    score[:, 3] += 1 - score.sum(1)
    for average in ("macro", "weighted"):
        both("roc_auc_score", y, score, multi_class="ovo", average=average, labels=[0, 1, 2, 3])
    labels = rng.random((90, 4)) < 0.4
    labels[:, 0], labels[0] = False, True
    labels[0, 0] = True
    for average in ("macro", "weighted", "micro", None, "samples"):
        for s in (None, w):
            both("average_precision_score", labels.astype(int), score, average=average, sample_weight=s)
            if average != "samples":
                both("roc_auc_score", labels.astype(int), score, average=average, sample_weight=s, max_fpr=0.5)
    inside = labels.any(1) & ~labels.all(1)
    both("roc_auc_score", labels[inside].astype(int), score[inside], average="samples")


def test_top_k():
    rng, y, _, w = data(5, classes=4)
    score = rng.normal(size=(70, 4)).round(1)
    for s in (None, w):
        for k in (1, 2, 3, 4):
            for normalize in (True, False):
                both("top_k_accuracy_score", y, score, k=k, normalize=normalize, sample_weight=s)
    both("top_k_accuracy_score", y, np.column_stack([score, score[:, 0]]), labels=range(5))
    for shift in (0.0, 5.0):
        both("top_k_accuracy_score", y > 1, rng.random(70) - shift, k=1)
        both("top_k_accuracy_score", y > 1, rng.random(70) - shift, k=2)


@pytest.mark.parametrize("decimals", [0, 9], ids=["ties", "none"])
def test_rankings_of_labels(decimals):
    rng, *_, w = data(6)
    y, score = rng.random((70, 5)) < 0.4, rng.normal(size=(70, 5)).round(decimals)
    y[0], y[1] = False, True
    gains = rng.integers(0, 4, (70, 5)) * (rng.random((70, 1)) < 0.9)
    for s in (None, w):
        for name in ("coverage_error", "label_ranking_average_precision_score", "label_ranking_loss"):
            both(name, y.astype(int), score, sample_weight=s)
        for k in (None, 1, 3, 9):
            for ties in (False, True) if decimals else (False,):
                both("dcg_score", gains, score, k=k, log_base=3, sample_weight=s, ignore_ties=ties)
                both("ndcg_score", gains, score, k=k, sample_weight=s, ignore_ties=ties)


# -- probabilities ------------------------------------------------------------------------------------------------------

def test_probabilities():
    rng, y, _, w = data(7)
    p = rng.dirichlet(np.ones(3), 70)
    p[0] = [0, 0, 1]
    for s in (None, w):
        for name in ("log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"):
            both(name, y, p, sample_weight=s)
            both(name, np.array(["x", "y"])[y % 2], p[:, 0], sample_weight=s, **({"pos_label": "y"} if "brier" in name else {}))
        decision = rng.normal(size=(70, 3))
        both("hinge_loss", y, decision, sample_weight=s)
        both("hinge_loss", y % 2, decision[:, 0], sample_weight=s)
        both("hinge_loss", y % 2, decision, labels=[0, 1, 2], sample_weight=s)
    both("d2_log_loss_score", [1], [0.5])
    both("d2_brier_score", [1], [0.5])


def test_several_labels_at_once():
    rng, *_, w = data(8)
    y = (rng.random((70, 3)) < 0.4).astype(int)
    p = rng.dirichlet(np.ones(3), 70)
    for name in ("log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"):
        both(name, y, p)
        both(name, y, p, sample_weight=w)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("bins", [1, 3, 5, 10])
def test_calibration_curve(strategy, bins):
    rng, y, _, _ = data(9, n=200, classes=2)
    p = np.append(rng.random(170), np.linspace(0, 1, 30))  # on the edges, too
    for mine, theirs in zip(ours.calibration_curve(y, p, n_bins=bins, strategy=strategy),
                            calibration_curve(y, p, n_bins=bins, strategy=strategy)):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


# -- numbers ------------------------------------------------------------------------------------------------------------

REGRESSION = ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error",
              "mean_absolute_percentage_error", "mean_squared_log_error", "root_mean_squared_log_error", "mean_pinball_loss",
              "r2_score", "explained_variance_score", "d2_pinball_score", "d2_absolute_error_score"]


@pytest.mark.parametrize("name", REGRESSION)
def test_numbers(name):
    rng, _, _, w = data(10)
    y, p = 1000 + rng.gamma(2, size=(70, 3)), 1000 + rng.gamma(2, size=(70, 3))
    y[:, 2] = 5.0
    p[:30, 2] = 5.0
    for s in (None, w, np.arange(70)):
        both(name, y[:, 0], p[:, 0], sample_weight=s)
        for how in ("raw_values", "uniform_average", [0.2, 0.3, 0.5]):
            both(name, y, p, sample_weight=s, multioutput=how)
        if "pinball" in name:
            for alpha in (0.0, 0.3, 1.0):
                both(name, y.round(), p.round(), sample_weight=s, alpha=alpha, multioutput="raw_values")


@pytest.mark.parametrize("power", [-1.5, 0, 1, 1.5, 2, 3])
def test_deviances(power):
    rng, _, _, w = data(11)
    y, p = rng.gamma(2, size=70), rng.gamma(2, size=70) + 0.1
    if power < 2:
        y[:9] = 0
    for s in (None, w):
        for name in ("mean_tweedie_deviance", "d2_tweedie_score"):
            both(name, y, p, power=power, sample_weight=s)
        if power == 1:
            both("mean_poisson_deviance", y, p, sample_weight=s)
        if power == 2:
            both("mean_gamma_deviance", y, p, sample_weight=s)
    both("max_error", y, p)


@pytest.mark.parametrize("name", [*REGRESSION, "max_error", "mean_tweedie_deviance"])
def test_more_rows_than_a_block(name):
    rng = np.random.default_rng(12)
    y, p = rng.gamma(2, size=70_001), rng.gamma(2, size=70_001)
    both(name, y, p)
    both(name, y.astype(np.float32), p, rtol=1e-6)


# -- clusterings --------------------------------------------------------------------------------------------------------

CLUSTERINGS = ["adjusted_rand_score", "rand_score", "fowlkes_mallows_score", "mutual_info_score", "homogeneity_score",
               "completeness_score", "v_measure_score", "adjusted_mutual_info_score", "normalized_mutual_info_score"]


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_clusterings(name):
    _, y, p, _ = data(13, classes=5)
    for a, b in ((y, p), (y, y), (y, np.zeros(70)), (np.arange(70), y), (np.arange(70), np.arange(70)), (y * 10**9, p),
                 ([1], [1]), (np.array(list("abcde"))[y], p), (y, y + (p == 0))):
        both(name, a, b, rtol=1e-10, atol=1e-12)  # theirs loses digits to logarithms of factorials
    if name != "mutual_info_score":  # theirs ends in a domain error of math.log
        both(name, [], [])
    if name in ("adjusted_mutual_info_score", "normalized_mutual_info_score"):
        for method in ("min", "max", "geometric"):
            both(name, y, p, average_method=method, rtol=1e-10)


def test_contingency():
    from scipy.sparse import csr_matrix

    _, y, p, _ = data(14, classes=4)
    for name, options in (("contingency_matrix", {}), ("contingency_matrix", {"eps": 0.1}),
                          ("contingency_matrix", {"dtype": float}), ("pair_confusion_matrix", {})):
        mine, theirs = (getattr(home, name)(y, p, **options) for home in (cluster, sklearn.metrics.cluster))
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    table = cluster.contingency_matrix(y, p)
    assert (cluster.contingency_matrix(y, p, sparse=True) != csr_matrix(table)).nnz == 0
    for matrix in (table, csr_matrix(table)):
        assert cluster.mutual_info_score(None, None, contingency=matrix) == pytest.approx(ours.mutual_info_score(y, p))
    assert cluster.expected_mutual_information(table, 70) == pytest.approx(
        sklearn.metrics.cluster.expected_mutual_information(table, 70), rel=1e-10)


def test_spreads_and_silhouettes():
    rng, y, _, _ = data(15, n=300)
    X = rng.normal(size=(300, 6)) + y[:, None] + 1000
    y[0] = 17  # a cluster of one
    for name in ("calinski_harabasz_score", "davies_bouldin_score"):
        both(name, X, y, rtol=1e-9)
    both("silhouette_samples", X, y, rtol=1e-6, atol=1e-8)  # their distances come from a cancelling formula
    both("silhouette_score", X, y, metric="cityblock")
    distances = sklearn.metrics.pairwise_distances(X, metric="euclidean")
    both("silhouette_samples", distances, y, metric="precomputed")
    both("silhouette_score", X, y, metric="cityblock", sample_size=100, random_state=0)
    assert ours.silhouette_samples(X.astype(np.float32), y).dtype == np.float32
    assert ours.davies_bouldin_score(np.zeros((4, 2)), [0, 0, 1, 1]) == 0.0
    assert ours.calinski_harabasz_score(np.array([[0.0], [0], [1], [1]]), [0, 0, 1, 1]) == 1.0


def test_biclusters():
    rng = np.random.default_rng(16)
    a, b = ((rng.random((3, 10)) < 0.5, rng.random((3, 8)) < 0.5) for _ in range(2))
    both("consensus_score", a, b)
    both("consensus_score", a, a)
