"""Specs of models: linear, trees, neighbours, baselines."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import dense, exports, refused


@exports(
    *(
        f"homespun.linear_model.{name}"
        for name in ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "HuberRegressor",
                     "BayesianRidge", "ARDRegression", "QuantileRegressor", "GradientDescentRegressor")
    )
)
def _linear(model, where):
    return {"run": "linear", "coef": dense(model.coef_), "intercept": np.asarray(model.intercept_)}


@exports("homespun.linear_model.SGDRegressor", "homespun.linear_model.PassiveAggressiveRegressor")
def _streamed(model, where):
    return {"run": "linear", "coef": dense(model.coef_).ravel(), "intercept": np.asarray(model.intercept_[0])}


@exports(*(f"homespun.linear_model.{name}" for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")))
def _generalized(model, where):
    return {"run": "log_linear" if model._log_link() else "linear", "coef": dense(model.coef_),
            "intercept": np.asarray(model.intercept_)}


@exports(*(f"homespun.linear_model.{name}" for name in (
    "SGDClassifier", "Perceptron", "PassiveAggressiveClassifier", "RidgeClassifier", "RidgeClassifierCV")))
def _margins(model, where):
    if getattr(getattr(model, "_labels", None), "y_type_", "").startswith("multilabel"):
        raise refused(where, f"homespun.linear_model.{type(model).__name__}", "several labels a row are not handled")
    shares = {"log_loss": "logistic", "modified_huber": "clipped"}.get(getattr(model, "loss", ""))
    return {"run": "margins", "coef": dense(model.coef_), "intercept": np.asarray(model.intercept_), "classes": model.classes_,
            "shares": shares if hasattr(model, "predict_proba") else None}


@exports("homespun.linear_model.SGDOneClassSVM")
def _one_class(model, where):
    raise refused(where, "homespun.linear_model.SGDOneClassSVM", "it tells outliers and predicts neither class nor number")


@exports("homespun.linear_model.LogisticRegression", "homespun.linear_model.LogisticRegressionCV")
def _logistic(model, where):
    return {"run": "logistic", "coef": dense(model.coef_), "intercept": model.intercept_, "classes": model.classes_}


@exports("homespun.tabular.BaselineRegressor")
def _mean(model, where):
    return {"run": "constant", "value": model.mean_}


@exports("homespun.tabular.BaselineClassifier")
def _shares(model, where):
    return {"run": "constant", "value": model.shares_, "classes": model.classes_}


@exports("homespun.tree.DecisionTreeRegressor", "homespun.tree.DecisionTreeClassifier")
def _tree(model, where):
    tree = model.tree_
    spec = {
        "run": "tree",
        "left": tree.children_left,
        "right": tree.children_right,
        "feature": tree.feature,
        "threshold": tree.threshold,
        "missing_left": tree.missing_go_to_left,
        "value": tree.value,
    }
    return spec | _all_classes(model)


@exports("homespun.ensemble.RandomForestRegressor", "homespun.ensemble.RandomForestClassifier")
def _forest(model, where):
    spec = {
        "run": "forest",
        "words": model.words_,
        "roots": model.roots_,
        "values": model.values_,
        "edges": model.edges_,
        "categories": None,
    }
    return spec | _all_classes(model)


@exports("homespun.ensemble.HistGradientBoostingRegressor", "homespun.ensemble.HistGradientBoostingClassifier")
def _boosting(model, where):
    forest = model._forest
    fields = (
        "start",
        "followed",
        "walked",
        "feature",
        "bin",
        "missing_left",
        "left",
        "right",
        "set_index",
        "value",
        "sets",
    )
    spec = {
        "run": "boosting",
        "loss": model.loss,
        "baseline": model._baseline,
        "edges": model._edges,
        "categories": model._categories,
        **{name: forest[name] for name in fields},
    }
    return spec | ({"classes": model.classes_} if hasattr(model, "classes_") else {})


@exports("homespun.neighbors.KNeighborsRegressor", "homespun.neighbors.KNeighborsClassifier")
def _neighbors(model, where):
    name, power = f"homespun.neighbors.{type(model).__name__}", model._power()
    if power is None and model.metric != "cosine":
        raise refused(where, name, f"the metric {model.metric!r} is not handled")
    if not isinstance(model._fit_X, np.ndarray):
        raise refused(where, name, "sparse training data is not handled")
    if callable(model.weights):
        raise refused(where, name, "weights given as a function are not handled")
    spec = {
        "run": "neighbors",
        "X": model._fit_X,
        "y": model._y,
        "k": int(model.n_neighbors),
        "cosine": model.metric == "cosine",
        "power": 2.0 if power is None else power,
        "by_distance": model.weights == "distance",
    }
    return spec | _all_classes(model)


def _all_classes(model):
    """The classes of each output, as a list of arrays; nothing for a regressor."""
    if not hasattr(model, "classes_"):
        return {}
    return {"classes": list(model.classes_) if isinstance(model.classes_, list) else [model.classes_]}



@exports("homespun.neighbors.RadiusNeighborsRegressor", "homespun.neighbors.RadiusNeighborsClassifier")
def _within_radius(model, where):
    raise refused(where, f"homespun.neighbors.{type(model).__name__}", "a vote of all rows within a radius is not handled",
                  "KNeighborsRegressor or KNeighborsClassifier")


@exports("homespun.kernel_approximation.AdditiveChi2Sampler", "homespun.kernel_approximation.Nystroem",
         "homespun.kernel_approximation.PolynomialCountSketch", "homespun.kernel_approximation.RBFSampler",
         "homespun.kernel_approximation.SkewedChi2Sampler")
def _kernel_features(model, where):
    raise refused(where, f"homespun.kernel_approximation.{type(model).__name__}", "features of a kernel are not handled",
                  "SVC or SVR, whose kernels are")


@exports("homespun.kernel_ridge.KernelRidge", "homespun.svm.Kernelized", "homespun.svm.KernelLogisticRegression")
def _kernel_model(model, where):
    raise refused(where, f"{type(model).__module__.rsplit('.', 1)[0]}.{type(model).__name__}",
                  "its rows in the space of a kernel are not handled", "SVC or SVR")


@exports("homespun.neighbors.NearestNeighbors")
def _search(model, where):
    raise refused(where, "homespun.neighbors.NearestNeighbors", "it finds rows and predicts nothing",
                  "KNeighborsRegressor or KNeighborsClassifier")
