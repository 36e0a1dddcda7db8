"""The one table that maps ours to theirs: it feeds the benchmarks (`run`) and the parity tests (`tests/benchmarks`).

A job is some data, our estimator, and the peers that do the same, each with its best stock settings. A side has two
functions, both timed where the job's `steps` say so:

    fit(data) -> model          outcome(model, data) -> array that `quality` judges

Ratios are the peer's time by ours: 2 means that we take half of the time. Goals are ratios that were set beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import data

THREADS = 2  # of every side; `worker` also pins the process to as many processors


@dataclass(frozen=True)
class Side:
    """One library doing one job."""

    name: str  # as the published table shows it
    needs: str  # the package that must be importable
    fit: Callable[[dict], Any]
    outcome: Callable[[Any, dict], np.ndarray]
    goals: dict[str, float] = field(default_factory=dict)  # step -> ratio that we want to reach against this peer
    memory: float | None = None  # we want at most so many times this peer's memory
    avx2: bool = True  # whether a switch keeps it to AVX2 (or it never uses more); otherwise it runs as it likes
    repeats: int | None = None  # of a side that takes seconds, fewer than the job's


@dataclass(frozen=True)
class Quality:
    """How good an outcome is; `within` is the difference that still counts as equal."""

    name: str
    measure: Callable[[np.ndarray, dict], float]
    higher: bool = True
    within: float = 0.001  # absolute if higher is better, relative for an objective that is minimised

    def as_good(self, ours: float, peer: float) -> bool:
        """Whether ours is not worse than the peer's by more than `within`."""
        return ours >= peer - self.within if self.higher else ours <= peer + self.within * abs(peer)


@dataclass(frozen=True)
class Job:
    """One task: what is measured, on which data, by whom."""

    name: str
    estimators: tuple[str, ...]  # ours, as `homespun.testing.all_estimators` names them; the first is the one that runs
    make: Callable[..., dict]
    sizes: dict[str, dict]  # label -> arguments of `make`
    tiny: dict  # arguments of `make` for warming up and for parity
    ours: Side
    peers: tuple[Side, ...]
    quality: Quality
    steps: tuple[str | None, str | None] = ("fit", None)  # names of the timed `fit` and `outcome`; None: not timed
    repeats: int = 5
    per: int = 1  # calls within one timed step: its seconds are divided by this


# ---------------------------------------------------------------------------------------------------------------------
# How good is it?

def area_under_curve(probability, made):
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(made["y_test"][: len(probability)], probability))


def accuracy(probability, made):
    return float(np.mean((probability > 0.5) == made["y_test"]))


def hits(labels, made):
    return float(np.mean(labels == made["y_test"]))


def recall(rows, made):
    """Part of the true nearest rows that were found."""
    return float(np.mean([len(set(found) & set(true)) / len(true) for found, true in zip(rows, made["truth"])]))


def _residual(weights, made, target="y"):
    return made[target] - made["X"] @ weights[:-1] - weights[-1]


def lasso_objective(weights, made):
    return float((_residual(weights, made) ** 2).mean() / 2 + made["alpha"] * np.abs(weights[:-1]).sum())


def ridge_objective(weights, made):
    residual = _residual(weights, made, "value" if "value" in made else "y")
    return float(((residual**2).sum() + made["alpha"] * (weights[:-1] ** 2).sum()) / len(residual))


def logistic_objective(weights, made):
    z = made["X"] @ weights[:-1] + weights[-1]
    loss = np.logaddexp(0, z) - made["y"] * z
    return float(loss.mean() + (weights[:-1] ** 2).sum() / (2 * made["C"] * len(z)))


def log_loss_of_steps(weights, made):
    z = made["X"] @ weights[:-1] + weights[-1]
    return float((np.logaddexp(0, z) - made["y"] * z).mean() + STEPS["alpha"] / 2 * (weights[:-1] ** 2).sum())


def median_objective(weights, made):
    return float(np.abs(_residual(weights, made)).mean() / 2 + made["alpha"] * np.abs(weights[:-1]).sum())


def poisson_objective(weights, made):
    z = made["X"] @ weights[:-1] + weights[-1]
    return float((np.exp(z) - made["y"] * z).mean() + made["alpha"] / 2 * (weights[:-1] ** 2).sum()) + 10.0


def least_squares_error(weights, made):
    return float((_residual(weights, made) ** 2).mean())


# ---------------------------------------------------------------------------------------------------------------------
# Both sides have the same names for the same things, so most sides are: this class, these parameters

def stock(path: str, target: str = "y", **parameters):
    """`fit` of the class at `path` ("package.module:Class"). A function as parameter takes its value from the data."""

    def fit(made):
        from importlib import import_module

        module, _, name = path.partition(":")
        known = {key: value(made) if callable(value) else value for key, value in parameters.items()}
        return getattr(import_module(module), name)(**known).fit(made["X"], made[target])

    return fit


def weights_of(model, made):
    return np.append(np.ravel(model.coef_), model.intercept_)


def probability_of(model, made):
    return model.predict_proba(made["X_test"])[:, 1]


def label_of(model, made):
    return model.predict(made["X_test"])


def alpha(made):
    return made["alpha"]


def C(made):
    return made["C"]


# -- support vector machines ------------------------------------------------------------------------------------------

def same_sides(n, d):
    """The data of boosting; a convex problem, so that no slack for chance is due."""
    return data.interactions(n, d)


def machine_and_answers(model, made):
    """Predictions of all rows are made (and timed); what is judged are the coefficients of the dual, row by row, and gamma."""
    model.predict(made["X"])
    coefficients = np.zeros(len(made["X"]) + 1)
    coefficients[np.ravel(model.support_)] = np.ravel(model.dual_coef_)
    coefficients[-1] = getattr(model, "_gamma", 0.0) or 1 / (made["X"].shape[1] * made["X"].var())
    return coefficients


def dual_objective(coefficients, made):
    """1/2 sum_ij c_i c_j K_ij - sum_i |c_i|, which libsvm minimises."""
    used = np.flatnonzero(coefficients[:-1])
    c, Z = coefficients[used], made["X"][used].astype(np.float64)
    norms, total = (Z**2).sum(axis=1), 0.0
    for i in range(0, len(c), 512):
        part = slice(i, i + 512)
        K = np.exp(-coefficients[-1] * np.maximum(norms[part, None] + norms - 2 * Z[part] @ Z.T, 0))
        total += float(c[part] @ K @ c)
    return total / 2 - float(np.abs(c).sum())


def answers(model, made):
    return model.predict(made["X"])


def error_of_answers(values, made):
    return float(np.abs(values - made["y"]).mean())


# -- boosting ---------------------------------------------------------------------------------------------------------

ROUNDS = {"max_iter": 100, "max_leaf_nodes": 31, "learning_rate": 0.1, "early_stopping": False}


def lightgbm(**settings):
    def fit(made):
        import lightgbm

        parameters = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.1, "max_bin": 255, "verbose": -1,
                      "num_threads": THREADS, **settings}
        return lightgbm.train(parameters, lightgbm.Dataset(made["X"], made["y"]), 100)

    return fit


def lightgbm_classes(made):
    return lightgbm(objective="multiclass", num_class=int(made["y"].max()) + 1)(made)


def lightgbm_label(model, made):
    return model.predict(made["X_test"], num_threads=THREADS).argmax(axis=1)


def lightgbm_probability(model, made):
    return model.predict(made["X_test"], num_threads=THREADS)


def xgboost(made):
    import xgboost

    matrix = xgboost.QuantileDMatrix(made["X"], made["y"], max_bin=255, nthread=THREADS)
    return xgboost.train({"objective": "binary:logistic", "max_leaves": 31, "max_depth": 0, "grow_policy": "lossguide",
                          "eta": 0.1, "max_bin": 255, "nthread": THREADS, "tree_method": "hist"}, matrix, 100)


def xgboost_probability(model, made):
    return model.inplace_predict(made["X_test"])


# -- one row at a time ------------------------------------------------------------------------------------------------

ONE_BY_ONE = 256  # rows that are asked for one after another


def one_by_one(model, made):
    X = made["X_test"]
    return np.array([model.predict_proba(X[i : i + 1])[0, 1] for i in range(ONE_BY_ONE)])


def onnx(path: str, **parameters):
    """scikit-learn's model, converted and loaded into ONNX Runtime (one thread: the best for one row)."""

    def fit(made):
        import onnxruntime
        from skl2onnx import to_onnx

        model = stock(path, **parameters)(made)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        with _python_numbers_for_onnx():
            converted = to_onnx(model, made["X"][:1], options={"zipmap": False}).SerializeToString()
        return onnxruntime.InferenceSession(converted, settings, providers=["CPUExecutionProvider"])

    return fit


@contextmanager
def _python_numbers_for_onnx():
    """skl2onnx 1.20 hands HistGradientBoosting's node numbers and flags over as np.uint32 and bool: onnx 1.23 refuses."""
    from onnx import helper

    given = helper.make_attribute

    def make_attribute(key, value, *rest, **named):
        if isinstance(value, list):
            value = [int(one) if isinstance(one, (bool, np.bool_, np.integer)) else one for one in value]
        return given(key, value, *rest, **named)

    helper.make_attribute = make_attribute
    try:
        yield
    finally:
        helper.make_attribute = given


def onnx_one_by_one(session, made):
    X, name = made["X_test"], session.get_inputs()[0].name
    return np.array([session.run(["probabilities"], {name: X[i : i + 1]})[0][0, 1] for i in range(ONE_BY_ONE)])


# -- neighbours: fit and query are one step ----------------------------------------------------------------------------

def search(path: str, **parameters):
    def fit(made):
        from importlib import import_module

        module, _, name = path.partition(":")
        model = getattr(import_module(module), name)(n_neighbors=made["k"], **parameters).fit(made["X"])
        return model.kneighbors(made["queries"])

    return fit


def faiss_flat(made):
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.IndexFlatL2(made["X"].shape[1])
    index.add(made["X"])
    return index.search(made["queries"], made["k"])


def rows_found(found, made):
    return found[1]


# -- clusters: as many steps from the same start on -----------------------------------------------------------------------

def clusters(path: str, **parameters):
    def fit(made):
        from importlib import import_module

        module, _, name = path.partition(":")
        kind = getattr(import_module(module), name)
        return kind(len(made["start"]), init=made["start"], n_init=1, tol=0, **parameters).fit(made["X"])

    return fit


def centres_of(model, made):
    return model.cluster_centers_


def inertia(centres, made):
    """Sum of the squared distances to the nearest centre, in float64."""
    centres = centres.astype(np.float64)
    total = 0.0
    for first in range(0, len(made["X"]), 4096):
        rows = made["X"][first : first + 4096].astype(np.float64)
        squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centres.T + (centres**2).sum(axis=1)
        total += squares.min(axis=1).sum()
    return float(total)


# ---------------------------------------------------------------------------------------------------------------------
# The table

def _side(name, path, outcome=weights_of, *, goals=None, target="y", avx2=True, repeats=None, **parameters):
    return Side(name, path.partition(":")[0].partition(".")[0], stock(path, target, **parameters), outcome, goals or {},
                avx2=avx2, repeats=repeats)


AUC = Quality("AUC", area_under_curve, within=0.001)
FOREST = {"n_estimators": 100, "n_jobs": THREADS, "random_state": 0}
HGB = "ensemble:HistGradientBoostingClassifier"
RF = "ensemble:RandomForestClassifier"
LINEAR = "linear_model:"
STEPS = {"loss": "log_loss", "learning_rate": "constant", "eta0": 1e-3, "alpha": 1e-4, "max_iter": 20, "tol": None,
         "random_state": 0}

JOBS = (
    Job("boosting", ("HistGradientBoostingClassifier",), data.interactions,
        sizes={"1,000,000 x 28": {"n": 1_000_000, "d": 28}, "100,000 x 100": {"n": 100_000, "d": 100}},
        tiny={"n": 2_000, "d": 10}, steps=("fit", "predict"), quality=AUC, repeats=3,
        ours=_side("homespun", f"homespun.{HGB}", probability_of, **ROUNDS),
        peers=(
            Side("LightGBM row-wise", "lightgbm", lightgbm(force_row_wise=True), lightgbm_probability,
                 {"fit": 2.5, "predict": 10}, memory=1.3),
            Side("LightGBM col-wise", "lightgbm", lightgbm(force_col_wise=True), lightgbm_probability,
                 {"fit": 2.5, "predict": 10}, memory=1.3),
            Side("LightGBM quantized", "lightgbm", lightgbm(force_row_wise=True, use_quantized_grad=True),
                 lightgbm_probability, {"fit": 2.0, "predict": 10}, memory=1.3),
            Side("XGBoost hist", "xgboost", xgboost, xgboost_probability, {"fit": 2.5, "predict": 10}),
            _side("scikit-learn", f"sklearn.{HGB}", probability_of, goals={"predict": 10}, **ROUNDS),
        )),
    Job("boosting, yes/no columns, 7 classes", ("HistGradientBoostingClassifier",), data.yes_or_no,
        sizes={"10,000 x 54": {"n": 10_000, "d": 54}}, tiny={"n": 1_500, "d": 24, "classes": 3}, steps=("fit", "predict"),
        quality=Quality("accuracy", hits, within=0.02), repeats=3,
        ours=_side("homespun", f"homespun.{HGB}", label_of, **ROUNDS),
        peers=(Side("LightGBM", "lightgbm", lightgbm_classes, lightgbm_label),
               _side("scikit-learn", f"sklearn.{HGB}", label_of, **ROUNDS))),
    Job("forest", ("RandomForestClassifier",), data.interactions,
        sizes={"100,000 x 30": {"n": 100_000, "d": 30}}, tiny={"n": 1_500, "d": 10}, steps=("fit", "predict"),
        quality=Quality("accuracy", accuracy, within=0.003), repeats=3,
        ours=_side("homespun", f"homespun.{RF}", probability_of, **FOREST),
        peers=(_side("scikit-learn", f"sklearn.{RF}", probability_of, goals={"fit": 10, "predict": 2}, **FOREST),
               _side("scikit-learn-intelex", f"sklearnex.{RF}", probability_of, avx2=False, **FOREST))),
    Job("boosting, one row", ("HistGradientBoostingClassifier",), data.interactions,
        sizes={"20,000 x 30": {"n": 20_000, "d": 30}}, tiny={"n": 1_500, "d": 10}, steps=(None, "predict"),
        quality=Quality("AUC", area_under_curve, within=0.03), per=ONE_BY_ONE,
        ours=_side("homespun", f"homespun.{HGB}", one_by_one, **ROUNDS),
        peers=(_side("scikit-learn", f"sklearn.{HGB}", one_by_one, **ROUNDS),
               Side("ONNX Runtime", "onnxruntime", onnx(f"sklearn.{HGB}", **ROUNDS), onnx_one_by_one, avx2=False))),
    Job("forest, one row", ("RandomForestClassifier",), data.interactions,
        sizes={"20,000 x 30": {"n": 20_000, "d": 30}}, tiny={"n": 1_500, "d": 10}, steps=(None, "predict"),
        quality=Quality("AUC", area_under_curve, within=0.03), per=ONE_BY_ONE, repeats=3,
        ours=_side("homespun", f"homespun.{RF}", one_by_one, **FOREST),
        peers=(_side("scikit-learn", f"sklearn.{RF}", one_by_one, **{**FOREST, "n_jobs": 1}),  # faster than 2 for one row
               Side("ONNX Runtime", "onnxruntime", onnx(f"sklearn.{RF}", **FOREST), onnx_one_by_one, avx2=False))),
    Job("nearest neighbours", ("NearestNeighbors", "KNeighborsClassifier", "KNeighborsRegressor"), data.clouds,
        sizes={"50,000 x 64, 5,000 queries": {"n": 50_000, "d": 64, "queries": 5_000}},
        tiny={"n": 600, "d": 8, "queries": 200}, steps=("fit and query", None),
        quality=Quality("recall", recall, within=0.0),
        ours=Side("homespun", "homespun", search("homespun.neighbors:NearestNeighbors"), rows_found),
        peers=(
            Side("scikit-learn", "sklearn", search("sklearn.neighbors:NearestNeighbors", algorithm="brute", n_jobs=THREADS),
                 rows_found, {"fit and query": 8}),
            Side("FAISS flat", "faiss", faiss_flat, rows_found, {"fit and query": 2}),
            Side("scikit-learn-intelex", "sklearnex",
                 search("sklearnex.neighbors:NearestNeighbors", algorithm="brute", n_jobs=THREADS), rows_found, avx2=False),
        )),
    Job("k-means", ("KMeans",), data.groups,
        sizes={"200,000 x 32, k = 64": {"n": 200_000, "d": 32, "k": 64}}, tiny={"n": 600, "d": 4, "k": 5},
        quality=Quality("inertia", inertia, higher=False, within=1e-4),
        ours=Side("homespun", "homespun", clusters("homespun.cluster:KMeans", max_iter=50), centres_of),
        peers=(
            Side("scikit-learn lloyd", "sklearn", clusters("sklearn.cluster:KMeans", max_iter=50), centres_of, {"fit": 4}),
            Side("scikit-learn elkan", "sklearn", clusters("sklearn.cluster:KMeans", max_iter=50, algorithm="elkan"), centres_of),
            Side("scikit-learn-intelex", "sklearnex", clusters("sklearnex.cluster:KMeans", max_iter=50), centres_of, avx2=False),
        )),
    Job("Gaussian naive Bayes", ("GaussianNB",), data.interactions,
        sizes={"1,000,000 x 28": {"n": 1_000_000, "d": 28}}, tiny={"n": 1_500, "d": 10}, steps=("fit", "predict"),
        quality=AUC, ours=_side("homespun", "homespun.naive_bayes:GaussianNB", probability_of),
        peers=(_side("scikit-learn", "sklearn.naive_bayes:GaussianNB", probability_of, goals={"fit": 1, "predict": 1}),)),
    *(Job(f"SVC rbf, C = {price:g}", ("SVC",), same_sides,
          sizes={"10,000 x 20": {"n": 10_000, "d": 20}}, tiny={"n": 400, "d": 6}, steps=("fit", "predict"), repeats=3,
          quality=Quality("dual objective", dual_objective, higher=False, within=1e-5),
          ours=Side("homespun", "homespun", stock("homespun.svm:SVC", C=price), machine_and_answers),
          peers=(Side("scikit-learn", "sklearn", stock("sklearn.svm:SVC", C=price), machine_and_answers,
                      {"fit": goal, "predict": 1}, memory=1.1),
                 Side("scikit-learn-intelex", "sklearnex", stock("sklearnex.svm:SVC", C=price), machine_and_answers, avx2=False)))
      for price, goal in ((1.0, 3), (10.0, 1.7))),
    Job("SVR rbf", ("SVR",), data.regression,
        sizes={"10,000 x 20": {"n": 10_000, "d": 20, "informative": 10, "alpha": 0}},
        tiny={"n": 300, "d": 6, "informative": 3, "alpha": 0}, steps=("fit", "predict"), repeats=3,
        quality=Quality("mean absolute error of y", error_of_answers, higher=False, within=1e-3),
        ours=Side("homespun", "homespun", stock("homespun.svm:SVR"), answers),
        peers=(Side("scikit-learn", "sklearn", stock("sklearn.svm:SVR"), answers, {"fit": 1, "predict": 1}, memory=1.1),
               Side("scikit-learn-intelex", "sklearnex", stock("sklearnex.svm:SVR"), answers, avx2=False))),
    Job("lasso", ("Lasso", "ElasticNet"), data.regression,
        sizes={"10,000 x 1,000": {"n": 10_000, "d": 1_000, "informative": 100, "alpha": 0.01, "l1": True},
               "500 x 20,000": {"n": 500, "d": 20_000, "informative": 100, "alpha": 0.01, "l1": True}},
        tiny={"n": 200, "d": 50, "informative": 10, "alpha": 0.05, "l1": True},
        quality=Quality("objective", lasso_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}Lasso", alpha=alpha),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}Lasso", alpha=alpha, goals={"fit": 2}),
               _side("skglm", "skglm:Lasso", alpha=alpha, repeats=1))),  # scikit-learn-intelex 2026 has no lasso
    Job("least squares", ("LinearRegression",), data.regression,
        sizes={"100,000 x 200": {"n": 100_000, "d": 200, "informative": 50, "alpha": 0}},
        tiny={"n": 300, "d": 10, "informative": 5, "alpha": 0},
        quality=Quality("mean squared error", least_squares_error, higher=False, within=1e-6),
        ours=_side("homespun", f"homespun.{LINEAR}LinearRegression"),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}LinearRegression"),
               _side("scikit-learn-intelex", f"sklearnex.{LINEAR}LinearRegression", avx2=False))),
    Job("ridge", ("Ridge",), data.regression,
        sizes={"100,000 x 200": {"n": 100_000, "d": 200, "informative": 50, "alpha": 1.0}},
        tiny={"n": 300, "d": 10, "informative": 5, "alpha": 1.0},
        quality=Quality("objective", ridge_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}Ridge", alpha=alpha),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}Ridge", alpha=alpha, goals={"fit": 1.2}),
               _side("scikit-learn-intelex", f"sklearnex.{LINEAR}Ridge", alpha=alpha, avx2=False))),
    Job("logistic", ("LogisticRegression",), data.two_classes,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50}}, tiny={"n": 300, "d": 8},
        quality=Quality("objective", logistic_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}LogisticRegression", C=C),
        peers=(_side("scikit-learn lbfgs", f"sklearn.{LINEAR}LogisticRegression", C=C, max_iter=1000, goals={"fit": 1.2}),
               _side("scikit-learn newton-cholesky", f"sklearn.{LINEAR}LogisticRegression", C=C, solver="newton-cholesky",
                     goals={"fit": 1.2}),
               _side("scikit-learn-intelex", f"sklearnex.{LINEAR}LogisticRegression", C=C, max_iter=1000, avx2=False))),
    Job("stochastic gradient", ("SGDClassifier", "Perceptron", "PassiveAggressiveClassifier"), data.two_classes,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50}}, tiny={"n": 300, "d": 8},
        quality=Quality("objective", log_loss_of_steps, higher=False, within=0.05),
        ours=_side("homespun", f"homespun.{LINEAR}SGDClassifier", **STEPS),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}SGDClassifier", goals={"fit": 2.5}, **STEPS),)),
    Job("Huber", ("HuberRegressor",), data.regression,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50, "informative": 25, "alpha": 0}},
        tiny={"n": 300, "d": 5, "informative": 3, "alpha": 0},
        quality=Quality("mean squared error", least_squares_error, higher=False, within=1e-3),
        ours=_side("homespun", f"homespun.{LINEAR}HuberRegressor"),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}HuberRegressor", max_iter=1000, goals={"fit": 2.5}),)),
    Job("Bayesian ridge", ("BayesianRidge",), data.regression,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50, "informative": 25, "alpha": 0}},
        tiny={"n": 300, "d": 5, "informative": 3, "alpha": 0},
        quality=Quality("mean squared error", least_squares_error, higher=False, within=1e-6),
        ours=_side("homespun", f"homespun.{LINEAR}BayesianRidge"),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}BayesianRidge", goals={"fit": 2.5}),)),
    Job("relevance", ("ARDRegression",), data.regression,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50, "informative": 25, "alpha": 0}},
        tiny={"n": 300, "d": 5, "informative": 3, "alpha": 0},
        quality=Quality("mean squared error", least_squares_error, higher=False, within=1e-6),
        ours=_side("homespun", f"homespun.{LINEAR}ARDRegression"),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}ARDRegression", goals={"fit": 2.5}),)),
    Job("quantile", ("QuantileRegressor",), data.regression,
        sizes={"5,000 x 20": {"n": 5_000, "d": 20, "informative": 10, "alpha": 0.01}},
        tiny={"n": 200, "d": 4, "informative": 2, "alpha": 0.01},
        quality=Quality("objective", median_objective, higher=False, within=1e-6), repeats=3,
        ours=_side("homespun", f"homespun.{LINEAR}QuantileRegressor", alpha=alpha),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}QuantileRegressor", alpha=alpha, goals={"fit": 10}),)),
    Job("Poisson", ("PoissonRegressor", "GammaRegressor", "TweedieRegressor"), data.counts,
        sizes={"100,000 x 50": {"n": 100_000, "d": 50}}, tiny={"n": 300, "d": 5},
        quality=Quality("objective", poisson_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}PoissonRegressor", alpha=alpha),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}PoissonRegressor", alpha=alpha, goals={"fit": 2.5}),)),
    Job("ridge, sparse text", ("Ridge",), data.texts,
        sizes={"20,000 x 50,000": {"n": 20_000, "d": 50_000}}, tiny={"n": 300, "d": 500},
        quality=Quality("objective", ridge_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}Ridge", alpha=alpha, target="value"),
        peers=(_side("scikit-learn", f"sklearn.{LINEAR}Ridge", alpha=alpha, target="value", goals={"fit": 1.2}),)),
    Job("logistic, sparse text", ("LogisticRegression",), data.texts,
        sizes={"20,000 x 50,000": {"n": 20_000, "d": 50_000}}, tiny={"n": 300, "d": 500},
        quality=Quality("objective", logistic_objective, higher=False, within=1e-4),
        ours=_side("homespun", f"homespun.{LINEAR}LogisticRegression", C=C),
        peers=(_side("scikit-learn lbfgs", f"sklearn.{LINEAR}LogisticRegression", C=C, max_iter=1000, goals={"fit": 1.2}),
               _side("scikit-learn newton-cg", f"sklearn.{LINEAR}LogisticRegression", C=C, solver="newton-cg",
                     goals={"fit": 1.2}))),
)

# Estimators without a row of their own, and why. `tests/benchmarks` fails for one that is neither here nor in a job.
_COLUMNS = "preparation of columns: one pass over the data, bound by memory or by Python's strings; no goal was set"
_STEPS = "the steps of SGDClassifier, which has a row, with another loss"
_COUNTS = "sums of counts by class, as in GaussianNB; a row for each kind of feature is to come with sparse texts"
_EIGEN = "one eigendecomposition of the kernel matrix, bound by LAPACK; then the linear model, which has rows"
_WAVES = "one product and one pass of cosines or Fourier transforms, on both sides NumPy's and SciPy's; no goal was set"
EXCLUDED = {
    "GradientDescentRegressor": "to be watched; LinearRegression, which has a row, has the same weights at once",
    "LogisticRegressionCV": "fits of LogisticRegression, which has rows, along a path in every fold",
    "PassiveAggressiveRegressor": _STEPS,
    "RidgeClassifier": "a ridge regression for each class, which share one factorisation; ridge has rows",
    "RidgeClassifierCV": "a RidgeCV for each class, which share one factorisation",
    "SGDOneClassSVM": _STEPS,
    "SGDRegressor": _STEPS,
    "RadiusNeighborsClassifier": "the search of nearest neighbours with a radius in the place of k; that has rows",
    "RadiusNeighborsRegressor": "the search of nearest neighbours with a radius in the place of k; that has rows",
    "BernoulliNB": _COUNTS,
    "CategoricalNB": _COUNTS,
    "ComplementNB": _COUNTS,
    "MultinomialNB": _COUNTS,
    "NuSVC": "the solver of SVC on another dual; SVC has rows",
    "NuSVR": "the solver of SVR on another dual; SVR has a row",
    "OneClassSVM": "the solver of SVC on another dual; SVC has rows",
    "AdditiveChi2Sampler": _WAVES,
    "KernelLogisticRegression": _EIGEN,
    "Kernelized": _EIGEN,
    "KernelRidge": "one matrix of kernel values and one Cholesky factor: bound by LAPACK",
    "Nystroem": "one product and one small singular value decomposition: bound by LAPACK",
    "PolynomialCountSketch": _WAVES,
    "RBFSampler": _WAVES,
    "SkewedChi2Sampler": _WAVES,
    "BaselineClassifier": "predicts one number; it is there to be beaten in quality, not in time",
    "BaselineRegressor": "predicts one number; it is there to be beaten in quality, not in time",
    "Binarizer": _COLUMNS,
    "CollinearityDetector": _COLUMNS,
    "CountVectorizer": _COLUMNS,
    "DateParts": _COLUMNS,
    "DecisionTreeClassifier": "one tree of the forest, which has rows; alone it takes the same code",
    "DecisionTreeRegressor": "one tree of the forest, which has rows; alone it takes the same code",
    "DropConstantColumns": _COLUMNS,
    "DropDuplicateColumns": _COLUMNS,
    "DropFreeText": _COLUMNS,
    "DropMissingColumns": _COLUMNS,
    "ElasticNetCV": "solves the lasso's problem along a path in every fold; the lasso has rows",
    "FlagEncoder": _COLUMNS,
    "FunctionTransformer": _COLUMNS,
    "GenericUnivariateSelect": _COLUMNS,
    "HashingVectorizer": _COLUMNS,
    "HistGradientBoostingRegressor": "the classifier's trees with another loss; the classifier has rows",
    "InterpolationImputer": _COLUMNS,
    "IterativeImputer": _COLUMNS,
    "KBinsDiscretizer": _COLUMNS,
    "KNNImputer": _COLUMNS,
    "LabelBinarizer": _COLUMNS,
    "LabelEncoder": _COLUMNS,
    "LassoCV": "solves the lasso's problem along a path in every fold; the lasso has rows",
    "LogTarget": "a logarithm before and after another model, which does the work",
    "MaxAbsScaler": _COLUMNS,
    "MinMaxScaler": _COLUMNS,
    "MissingIndicator": _COLUMNS,
    "Normalizer": _COLUMNS,
    "NotNegative": "cuts the predictions of another model at zero; that model does the work",
    "OneHotEncoder": _COLUMNS,
    "OrdinalEncoder": _COLUMNS,
    "OutlierClipper": _COLUMNS,
    "PolynomialFeatures": _COLUMNS,
    "PowerTransformer": _COLUMNS,
    "QuantileTransformer": _COLUMNS,
    "RandomForestRegressor": "the classifier's trees with another criterion; the classifier has rows",
    "RareLevelEncoder": _COLUMNS,
    "RidgeCV": "one pass over the rows for all penalties, as ridge, which has rows",
    "RobustScaler": _COLUMNS,
    "SelectFdr": _COLUMNS,
    "SelectFpr": _COLUMNS,
    "SelectFromModel": _COLUMNS,
    "SelectFwe": _COLUMNS,
    "SelectKBest": _COLUMNS,
    "SelectPercentile": _COLUMNS,
    "SimpleImputer": _COLUMNS,
    "SplineTransformer": _COLUMNS,
    "StandardScaler": _COLUMNS,
    "TargetEncoder": _COLUMNS,
    "TfidfTransformer": _COLUMNS,
    "TfidfVectorizer": _COLUMNS,
    "TransformedTargetRegressor": "a function before and after another model, which does the work",
    "VarianceThreshold": _COLUMNS,
}


def find(name: str) -> Job:
    """The job called `name`."""
    return next(job for job in JOBS if job.name == name)
