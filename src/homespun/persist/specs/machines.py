"""Specs of support vector machines."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import dense, exports, refused


@exports(*(f"homespun.svm.{name}" for name in ("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM")))
def _machine(model, where):
    name = f"homespun.svm.{type(model).__name__}"
    if callable(model.kernel) or model.kernel == "precomputed":
        raise refused(where, name, "kernel values that are given, or made by a function of yours, are not handled")
    classes = getattr(model, "classes_", None)
    if classes is not None and len(classes) > 2 and model.break_ties:
        raise refused(where, name, "break_ties is not handled")
    return {"run": "kernel_machine", "kind": model.kernel, "gamma": float(model._gamma), "coef0": float(model.coef0),
            "degree": int(model.degree), "vectors": dense(model.support_vectors_), "coefficients": dense(model._dual_coef_),
            "intercept": model._intercept_, "counts": np.asarray(model._n_support), "classes": classes,
            "outliers": classes is None and hasattr(model, "offset_")}
