"""homespun: machine learning you can read.

    import homespun as hs

    hs.read(source)                       a table, and what was understood of it
    hs.fit(data, target)                  readers → preprocessors → models compared → a Project
    hs.save(model, path), hs.load(path)   one file, no pickle
    hs.step(estimator)                    its fit and predict run as plain Python and stop in the debugger
    hs.prove(name, *arrays)               formula and kernel on your data

Estimators are in the packages where scikit-learn has them: `homespun.linear_model.Ridge`, …
Everything loads on first use, so that importing homespun is as quick as importing NumPy.
"""

from homespun.base.lazy import lazy_names

__version__ = "0.1.0"

_PACKAGES = ["base", "compose", "datasets", "data", "drop_in", "ensemble", "errors", "feature_extraction",
             "feature_selection", "impute", "kernels", "linear_model", "metrics", "model_selection", "neighbors", "persist",
             "plot", "preprocessing", "report", "serve", "tabular", "testing", "tree"]

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    **{package: f"homespun.{package}" for package in _PACKAGES},
    "fit": "homespun.tabular",
    "load": "homespun.persist",
    "prove": "homespun.kernels",
    "read": "homespun.data",
    "save": "homespun.persist",
    "step": "homespun.testing",
})
