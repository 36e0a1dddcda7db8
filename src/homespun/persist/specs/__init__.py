"""What the prediction of each estimator needs, as a plain dictionary: ``{"run": "linear", "coef": …, "intercept": …}``.

`run` names the function that predicts with the rest: one of `persist/runner` in NumPy, one of `persist/graph` as nodes of
ONNX. A new estimator is exportable once a function here says its spec and one there runs it. One file for each family.
"""

from homespun.persist.specs import bayes, columns, impute, machines, models, plumbing, preprocessing, selection, text
from homespun.persist.specs.registry import EXPORTS, spec_of

__all__ = ["EXPORTS", "bayes", "columns", "impute", "machines", "models", "plumbing", "preprocessing", "selection", "spec_of",
           "text"]
