"""What is said about scores and costs, shown: corrections of statements that are often made."""

import numpy as np
import pytest

from homespun import metrics
from homespun.errors import DataError, ParameterError
from homespun.metrics.bias_variance import decompose


def test_squaring_removes_the_sign_and_is_the_gaussian_likelihood_amplifying_is_a_side_effect():
    """Not "to amplify": the squared error is the Gaussian negative log-likelihood up to a scale; its best constant: the mean."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=50), rng.normal(size=50)
    nats = 0.5 * np.log(2 * np.pi) + 0.5 * (y - p) ** 2
    assert nats.mean() == pytest.approx(0.5 * np.log(2 * np.pi) + metrics.mean_squared_error(y, p) / 2)
    y = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    at = np.linspace(0, 100, 1001)
    assert at[np.argmin([metrics.mean_squared_error(y, np.full(5, c)) for c in at])] == pytest.approx(22.0)
    assert at[np.argmin([metrics.mean_absolute_error(y, np.full(5, c)) for c in at])] == pytest.approx(3.0)


def test_the_logarithm_is_monotone_and_turns_ratios_into_differences():
    """It does not make small numbers larger: log 0.5 < 0.5. It keeps products of probabilities from underflowing."""
    x = np.linspace(0.01, 100, 200)
    assert (np.diff(np.log(x)) > 0).all() and (np.log(x) < x).all() and np.log(0.5) < 0
    assert np.log(8) - np.log(4) == pytest.approx(np.log(200) - np.log(100))
    p = np.full(2000, 0.4)
    assert p.prod() == 0 and metrics.log_loss(np.ones(2000, int), p, labels=[0, 1], normalize=False) == pytest.approx(
        -2000 * np.log(0.4))


def test_costs_are_not_their_optimisers():
    """Squared error and log loss are costs; their minima are there whoever finds them, by descent or in closed form."""
    shares = np.linspace(0.01, 0.99, 99)
    losses = [metrics.log_loss([0, 0, 0, 1], np.full(4, q)) for q in shares]
    assert shares[np.argmin(losses)] == pytest.approx(0.25)
    q = 0.5
    for _ in range(200):  # gradient descent on the same cost
        q -= 0.05 * (-0.25 / q + 0.75 / (1 - q))
    assert q == pytest.approx(0.25, abs=1e-6)


def test_the_best_of_many_is_optimistic():
    """The score that chose a subset is no estimate of it: on new rows random guesses are worth nothing."""
    rng = np.random.default_rng(0)
    truth, guesses = rng.integers(2, size=(2, 60)), rng.integers(2, size=(2, 500, 60))
    scores = [metrics.accuracy_score(truth[0], guess) for guess in guesses[0]]
    chosen = int(np.argmax(scores))
    assert scores[chosen] > 0.65
    assert np.mean([metrics.accuracy_score(truth[1], guess) for guess in guesses[1]]) == pytest.approx(0.5, abs=0.02)


# -- what scikit-learn does not have ------------------------------------------------------------------------------------

def test_information_of_distributions_against_scipy():
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy

    rng = np.random.default_rng(1)
    p, q = rng.random((2, 4, 5))
    p[0, 1] = q[1, 2] = 0
    p[1, 2] = 0
    np.testing.assert_allclose(metrics.entropy(p), entropy(p, axis=1), rtol=1e-12)
    np.testing.assert_allclose(metrics.entropy(p, axis=0, base=2), entropy(p, axis=0, base=2), rtol=1e-12)
    np.testing.assert_allclose(metrics.kl_divergence(p, q), entropy(p, q, axis=1), rtol=1e-12)
    np.testing.assert_allclose(metrics.jensen_shannon_divergence(p, q), jensenshannon(p, q, axis=1) ** 2, rtol=1e-12)
    assert metrics.kl_divergence([1, 1], [1, 0]) == np.inf and metrics.kl_divergence(p, p).max() < 1e-15
    a, b = rng.integers(3, size=(2, 80))
    table = metrics.cluster.contingency_matrix(a, b)
    assert metrics.mutual_information(table) == pytest.approx(metrics.cluster.mutual_info_score(a, b), rel=1e-12)


def test_calibration_error():
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    y = (rng.random(20_000) < p).astype(int)
    assert metrics.expected_calibration_error(y, p) < 0.02 < 0.2 < metrics.expected_calibration_error(y, p**3)
    by_hand = 0.0
    for low in np.arange(10) / 10:
        here = (p > low) & (p <= low + 0.1)
        by_hand += here.mean() * abs(y[here].mean() - p[here].mean())
    assert metrics.expected_calibration_error(y, p, n_bins=10) == pytest.approx(by_hand, rel=1e-9)
    both = np.column_stack([1 - p, p])
    assert metrics.expected_calibration_error(y, both, n_bins=10) < 0.02
    assert metrics.expected_calibration_error(y, p, norm="max") > metrics.expected_calibration_error(y, p)
    w = rng.integers(0, 3, 200)
    assert metrics.expected_calibration_error(y[:200], p[:200], sample_weight=w) == pytest.approx(
        metrics.expected_calibration_error(np.repeat(y[:200], w), np.repeat(p[:200], w)))


@pytest.mark.parametrize("loss", ["squared", "zero_one"])
def test_bias_and_variance_add_up(loss):
    rng = np.random.default_rng(3)
    y, predictions = rng.integers(3, size=40), rng.integers(3, size=(25, 40))
    for s in (None, rng.random(40)):
        found = decompose(y, predictions, loss=loss, sample_weight=s)
        error = (predictions - y) ** 2 if loss == "squared" else predictions != y
        assert found.loss == pytest.approx(np.average(error.mean(0), weights=s))
        assert found.loss == pytest.approx(found.bias + found.net_variance)
        assert found.net_variance == pytest.approx(found.unbiased_variance - found.biased_variance)


def test_a_deep_tree_varies_and_a_stump_is_biased():
    from sklearn.tree import DecisionTreeRegressor

    rng = np.random.default_rng(4)
    X = rng.uniform(-3, 3, (120, 1))
    y = np.sin(2 * X[:, 0]) + rng.normal(0, 0.3, 120)
    X_new = np.linspace(-3, 3, 60)[:, None]
    deep, stump = (metrics.bias_variance_decomposition(
        DecisionTreeRegressor(max_depth=depth), X, y, X_new, np.sin(2 * X_new[:, 0]), rounds=40, random_state=0)
        for depth in (None, 1))
    assert deep.bias < stump.bias / 3 and stump.variance < deep.variance


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scorers_by_name():
    import sklearn.metrics
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import cross_val_score

    assert metrics.get_scorer_names() == sklearn.metrics.get_scorer_names()
    rng = np.random.default_rng(5)
    X = rng.normal(size=(90, 3))
    for model, y in ((LogisticRegression(), (X[:, 0] > 0).astype(int)), (Ridge(), np.exp(X[:, 0]))):
        model.fit(X, y)
        for name in metrics.get_scorer_names():
            try:
                with np.errstate(all="ignore"):
                    theirs = sklearn.metrics.get_scorer(name)(model, X, y)
            except (ValueError, AttributeError):
                continue
            assert metrics.get_scorer(name)(model, X, y) == pytest.approx(theirs, rel=1e-9), name
    ours = cross_val_score(LogisticRegression(), X, (X[:, 0] > 0).astype(int), scoring=metrics.get_scorer("roc_auc"))
    np.testing.assert_allclose(ours, cross_val_score(LogisticRegression(), X, (X[:, 0] > 0).astype(int), scoring="roc_auc"))


@pytest.mark.parametrize("kind, text, call", [
    (DataError, "-1", lambda: metrics.entropy([-1.0, 2.0])),
    (DataError, "sums to 0", lambda: metrics.entropy([0.0, 0.0])),
    (ParameterError, "base", lambda: metrics.entropy([1.0], base=1)),
    (ParameterError, "'log'", lambda: metrics.bias_variance_decomposition(None, [], [], [], [], loss="log")),
    (ParameterError, "rounds", lambda: metrics.bias_variance_decomposition(None, [], [], [], [], rounds=1)),
    (ParameterError, "n_bins", lambda: metrics.expected_calibration_error([0, 1], [0.1, 0.2], n_bins=0)),
    (DataError, "[0, 1]", lambda: metrics.calibration_curve([0, 1], [0.1, 1.2])),
    (DataError, "Number of labels is 1", lambda: metrics.silhouette_score([[0.0], [1.0]], [0, 0])),
    (ParameterError, "'accurcy'", lambda: metrics.get_scorer("accurcy")),
    (ParameterError, "power", lambda: metrics.mean_tweedie_deviance([1.0], [1.0], power=0.5)),
    (DataError, "strictly positive", lambda: metrics.mean_gamma_deviance([0.0, 1.0], [1.0, 1.0])),
])
def test_refusals(kind, text, call):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value) and caught.value.operation and caught.value.rule
