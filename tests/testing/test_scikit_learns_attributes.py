"""Who changes the import misses nothing: every public attribute of scikit-learn's fitted estimator is on ours, or has a reason
here."""

import importlib
import inspect

import numpy as np
import pytest

from homespun.base.estimator import ClassifierMixin
from homespun.drop_in.replace import pairs
from homespun.testing import all_estimators, example_of

# "Class.attribute", "*": of every class → why ours does not have it
MISSING = {
    "*.set_callbacks": "scikit-learn 1.9's experimental callbacks; our bar of progress is there without",
    "*.class_weight": "not a parameter of a regressor: an accident of scikit-learn's base class, always None",
    "*.radius": "not a parameter of k neighbours: an accident of scikit-learn's base class, always None",
    "*.n_neighbors": "not a parameter of radius neighbours: an accident of scikit-learn's base class, always None",
    "*.estimator": "undocumented: of how scikit-learn makes its trees; `estimator_` is what it documents",
    "*.estimator_params": "undocumented: of how scikit-learn makes its trees",
    "*.loss_functions": "undocumented: scikit-learn's own table of Cython losses",
    "RidgeClassifierCV.alpha_per_target": "not a parameter of the classifier: an accident of scikit-learn's base class",
    "RidgeClassifierCV.gcv_mode": "not a parameter of the classifier: an accident of scikit-learn's base class",
    "*.unused_param": "undocumented: a list of scikit-learn's base class of what it ignores",
    "NuSVC.C": "not a parameter of it: an accident of scikit-learn's base class", "OneClassSVM.C": "likewise: an accident",
    **{f"{name}.epsilon": "not a parameter of it: an accident of scikit-learn's base class, always 0"
       for name in ("SVC", "NuSVC", "NuSVR", "OneClassSVM")},
    **{f"{name}.nu": "not a parameter of it: an accident of scikit-learn's base class, always 0" for name in ("SVC", "SVR")},
    **{f"{name}.{what}": "not a parameter of it: an accident of scikit-learn's base class"
       for name in ("SVR", "NuSVR", "OneClassSVM") for what in ("probability", "random_state")},
    "*.param": "a loop variable that scikit-learn's class body leaves behind",
    "IterativeImputer.random_state_": "a generator that the fit has used up: nothing can be told from it",
}
ESTIMATORS = {name for name, _ in all_estimators()}
PAIRS = {pair: home for pair, home in pairs().items() if pair[1] in ESTIMATORS}  # `pairs` knows functions, too
TEXTS = ["a red car", "the blue van is fast", "old red van", "new car"] * 5


def fitted(cls, model):
    """Fitted on the first kind of data that it takes."""
    rng = np.random.default_rng(0)
    X = rng.integers(1, 5, size=(60, 4)) + 0.0
    y = np.arange(60) % 3 if issubclass(cls, ClassifierMixin) or "Select" in cls.__name__ else X @ [1.0, 2.0, 3.0, 4.0]
    errors = []
    for data in ((X, y), (X,), (TEXTS,), ([1, 2, 1],)):
        try:
            return model.fit(*data)
        except (ValueError, TypeError, AttributeError) as error:
            errors.append(f"{type(error).__name__}: {error}")
    raise AssertionError(f"{cls.__name__} was fitted on nothing: {errors}")


def public(model):
    return {name for name in dir(model) if not name.startswith("_") and hasattr(model, name)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module, name", sorted(PAIRS))
def test_public_attributes_after_fit(module, name):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401

    ours = getattr(importlib.import_module(PAIRS[module, name]), name)
    model = example_of(ours)
    true = getattr(importlib.import_module(module), name)
    known = inspect.signature(true).parameters
    settings = {key: value for key, value in model.get_params(deep=False).items() if key in known}
    missing = public(fitted(ours, true(**settings))) - public(fitted(ours, model))
    assert {one for one in missing if f"*.{one}" not in MISSING and f"{name}.{one}" not in MISSING} == set()


def test_every_reason_is_needed():
    """A table that outlives what it excuses hides the next one."""
    names = {name for _, name in PAIRS}
    for key, why in MISSING.items():
        owner, _, attribute = key.partition(".")
        assert len(why) > 20 and (owner == "*" or owner in names)
        homes = {name: home for (_, name), home in PAIRS.items() if owner in ("*", name)}
        assert not all(hasattr(getattr(importlib.import_module(home), name), attribute) for name, home in homes.items())


def test_a_forests_template():
    from homespun.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(3, max_depth=2, random_state=0).fit(np.eye(6), [0, 1] * 3)
    assert forest.estimator_.get_params() == forest.estimators_[0].get_params() | {"random_state": None}
    assert not hasattr(forest.estimator_, "nodes_") and not hasattr(RandomForestClassifier(), "estimator_")


def test_a_function_that_is_asked_for_frames():
    pd = pytest.importorskip("pandas")
    from homespun.preprocessing import FunctionTransformer

    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert FunctionTransformer(np.log1p).set_output(transform="pandas").fit_transform(frame).columns.tolist() == ["a"]
    named = FunctionTransformer(np.log1p, feature_names_out="one-to-one").set_output(transform="pandas")
    assert named.fit_transform(frame).columns.tolist() == ["a"]
    plain = FunctionTransformer(lambda X: np.asarray(X)).set_output(transform="pandas").fit(frame)
    with pytest.warns(UserWarning, match="should return a pandas DataFrame"):
        plain.transform(frame)
