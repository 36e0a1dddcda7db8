"""Every estimator of the house, found by walking its packages: shared checks need no list that somebody has to keep.

A package says in ``__all__`` what is public, so that is what is read. `audit` compares it with what the modules really
define: an estimator that no package lists is a mistake, unless `EXCLUDED` says why.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import homespun
from homespun.base.errors import ParameterError

KINDS = ("classifier", "regressor", "transformer", "clusterer", "outlier_detector")

EXCLUDED: dict[str, str] = {  # qualified name of an estimator that is not public → why
    "homespun.ensemble.forest.Forest": "what both forests share; has no task of its own",
    "homespun.ensemble.hist_gradient_boosting.estimator.BaseHistGradientBoosting": "what both boosters share",
    "homespun.ensemble.hist_gradient_boosting.inputs.Inputs": "how both boosters read their data",
    "homespun.feature_extraction.text.analysis.TextVectorizer": "what the vectorizers share",
    "homespun.feature_selection.selector.ColumnSelector": "what the selectors share",
    "homespun.feature_selection.selector.TableSelector": "what the selectors of any table share",
    "homespun.linear_model.bayes.Evidence": "what BayesianRidge and ARDRegression share",
    "homespun.kernel_approximation.fourier.Waves": "what the two samplers of waves share",
    "homespun.linear_model.cross_validated_path.PathCV": "what LassoCV and ElasticNetCV share",
    "homespun.linear_model.generalized.GeneralizedLinear": "what Poisson, gamma and Tweedie regression share",
    "homespun.linear_model.ridge_classifier.RidgeLabels": "what both ridge classifiers share",
    "homespun.linear_model.ridge_classifier.Codes": "stands for a model whose classes are known, to call a user's scorer",
    "homespun.linear_model.ridge_cv.Predicted": "stands for a model whose predictions are known, to call a user's scorer",
    "homespun.linear_model.sgd_base.RegressionSteps": "what the regressors of stochastic gradient descent share",
    "homespun.linear_model.sgd_base.StochasticGradient": "what all of stochastic gradient descent shares",
    "homespun.linear_model.stochastic_gradient.ClassSteps": "what its classifiers share",
    "homespun.naive_bayes.base.NaiveBayes": "what all naive Bayes classifiers share",
    "homespun.naive_bayes.counts.CountingNB": "what those of counts share",
    "homespun.neighbors.base.KNearest": "what searches of the k nearest share",
    "homespun.neighbors.base.NeighborsBase": "what all neighbour estimators share",
    "homespun.neighbors.classification.ClassesOfRows": "what classifiers by neighbours share",
    "homespun.neighbors.radius.RadiusBase": "what searches within a radius share",
    "homespun.neighbors.regression.NumbersOfRows": "what regressors by neighbours share",
    "homespun.preprocessing.categories.CategoryEncoder": "what both encoders share",
    "homespun.preprocessing.scaler.Scaler": "what the scalers share",
    "homespun.svm.base.SupportVectorMachine": "what all support vector machines with kernels share",
    "homespun.svm.classification.Classifier": "what SVC and NuSVC share",
    "homespun.svm.regression.Regressor": "what SVR and NuSVR share",
    "homespun.tabular.blend.BlendClassifier": "has no example: it is given the pipelines that `fit` has found",
    "homespun.tabular.blend.BlendRegressor": "has no example: it is given the pipelines that `fit` has found",
    "homespun.tabular.text_terms.TextTerms": "takes one column of texts; a plan makes it",
    "homespun.tree.cart.DecisionTree": "what both trees share",
}

EXTRAS = frozenset({  # imports that only an extra brings: a package that needs one is not there without it
    "duckdb", "fastapi", "jax", "jinja2", "matplotlib", "narwhals", "onnx", "optuna", "pandas", "polars", "prometheus_client",
    "starlette", "typer", "uvicorn",
})

# Checks fit every estimator a few hundred times. These settings make each fit small and change no rule that is checked;
# scikit-learn's own suite does the same for its classes (`sklearn.utils._test_common.instance_generator`).
QUICK: dict[str, dict] = {
    "max_iter": {"HistGradientBoostingClassifier": 5, "HistGradientBoostingRegressor": 5},
    "min_samples_leaf": {"HistGradientBoostingClassifier": 5, "HistGradientBoostingRegressor": 5},
    "n_estimators": {"RandomForestClassifier": 5, "RandomForestRegressor": 5,
                     "ExtraTreesClassifier": 5, "ExtraTreesRegressor": 5},
    "cv": {"LassoCV": 3, "ElasticNetCV": 3, "LogisticRegressionCV": 3},
    "n_neighbors": {"KNNImputer": 2},
    "k": {"SelectKBest": 1},  # the default is more columns than the checks have
    "param": {"GenericUnivariateSelect": 50},
    "score_func": dict.fromkeys(("GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest",
                                 "SelectPercentile"), "homespun.feature_selection:f_regression"),  # for targets of numbers
    "n_quantiles": {"QuantileTransformer": 10},
    "n_components": {"Nystroem": 10},  # not more than the checks have rows
    "skewedness": {"SkewedChi2Sampler": 20.0},  # all entries must be above its negative
    "nu": {"NuSVC": 0.2},  # classes of unequal size allow no half
}


INNER = {  # what an estimator that wraps another is given
    "regressor": ("homespun.linear_model", "Ridge"),
    "classifier": ("homespun.linear_model", "LogisticRegression"),
    "estimator": ("homespun.linear_model", "Ridge"),
    "transformer": ("homespun.preprocessing", "StandardScaler"),
}


def all_estimators(type_filter=None) -> list[tuple[str, type]]:
    """Every public estimator, as (name, class), sorted by name.

    Parameters
    ----------
    type_filter : str or list of str, optional
        Keep "classifier", "regressor", "transformer", "clusterer" or "outlier_detector".

    Examples
    --------
    >>> from homespun.testing import all_estimators
    >>> [name for name, cls in all_estimators("regressor") if name == "Ridge"]
    ['Ridge']
    """
    wanted = [type_filter] if isinstance(type_filter, str) else list(type_filter or [])
    for kind in wanted:
        if kind not in KINDS:
            raise ParameterError(f"all_estimators: type_filter must be one of {', '.join(KINDS)}, got {kind!r}",
                                 operation="all_estimators", operands={"type_filter": kind}, rule="a kind of estimator")
    found = {}
    for package in _packages():
        for name in getattr(package, "__all__", ()):
            value = _public(package, name)
            if is_estimator(value) and not name.startswith("_") and qualified(value) not in EXCLUDED:
                found[value] = value.__name__
    chosen = [(name, cls) for cls, name in found.items() if not wanted or any(_is_a(cls, kind) for kind in wanted)]
    return sorted(chosen, key=lambda pair: (pair[0], qualified(pair[1])))


def example_of(cls: type):
    """An instance that is quick to fit: the defaults, with fewer trees or rounds where `QUICK` says so."""
    known = inspect.signature(cls).parameters
    settings = {name: _named(values[cls.__name__]) for name, values in QUICK.items()
                if cls.__name__ in values and name in known}
    if cls.__module__.startswith("homespun."):
        for name, parameter in known.items():
            if parameter.default is parameter.empty and name in INNER:
                package, inner = INNER[name]
                settings[name] = getattr(importlib.import_module(package), inner)()
    return cls(**settings)


def _named(value):
    """The function of a name "package:function"; any other value as it is."""
    if not isinstance(value, str) or ":" not in value:
        return value
    package, _, name = value.partition(":")
    return getattr(importlib.import_module(package), name)


def import_all() -> list[str]:
    """Import every module of the house (so that each kernel and oracle is registered); their names."""
    names = []
    for info in pkgutil.walk_packages(homespun.__path__, "homespun.", onerror=_only_missing_extras):
        if info.name.rpartition(".")[2] == "__main__":
            continue
        try:
            importlib.import_module(info.name)
            names.append(info.name)
        except ModuleNotFoundError as error:
            _only_missing_extras(info.name, error)
    return names


def audit() -> list[str]:
    """What is wrong with the public lists: an estimator that no package lists, an exclusion that is stale or says nothing."""
    import_all()
    listed = {cls for _, cls in all_estimators()}
    wrong, excluded = [], set()
    for cls in _subclasses(_base()):
        name = qualified(cls)
        if not name.startswith("homespun.") or cls.__name__.startswith("_") or _is_base(cls):
            continue
        if name in EXCLUDED:
            excluded.add(name)
        elif cls not in listed:
            wrong.append(f"{name} is in no package's __all__: list it there, or exclude it with a reason")
    wrong += [f"{name} is excluded but does not exist" for name in EXCLUDED if name not in excluded]
    wrong += [f"{name} is excluded without a reason" for name, reason in EXCLUDED.items() if len(reason) < 10]
    return sorted(wrong)


def is_estimator(value) -> bool:
    """Whether `value` is an estimator class of the house (not a base class)."""
    return (inspect.isclass(value) and issubclass(value, _base()) and value.__module__.startswith("homespun.")
            and not _is_base(value))


def qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _base():
    from sklearn.base import BaseEstimator

    return BaseEstimator


def _is_base(cls) -> bool:
    return inspect.isabstract(cls) or cls.__module__.startswith("homespun.base.") or cls.__name__.startswith("_")


def _is_a(cls, kind) -> bool:
    from sklearn.base import ClassifierMixin, ClusterMixin, OutlierMixin, RegressorMixin, TransformerMixin

    mixin = dict(zip(KINDS, (ClassifierMixin, RegressorMixin, TransformerMixin, ClusterMixin, OutlierMixin)))[kind]
    return issubclass(cls, mixin)


def _packages():
    for info in pkgutil.walk_packages(homespun.__path__, "homespun.", onerror=_only_missing_extras):
        if info.ispkg:
            yield importlib.import_module(info.name)


def _public(package, name):
    try:
        return getattr(package, name)
    except ModuleNotFoundError as error:
        _only_missing_extras(name, error)


def _only_missing_extras(name, error=None):
    """A missing extra makes a package absent; anything else that fails on import is a mistake of ours."""
    error = error or __import__("sys").exc_info()[1]
    if not isinstance(error, ModuleNotFoundError) or (error.name or "").split(".")[0] not in EXTRAS:
        raise error


def _subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from _subclasses(child)
