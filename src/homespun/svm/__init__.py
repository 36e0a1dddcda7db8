"""Floor 3: support vector machines. With kernels: one dual, one solver (`working_set`), five classes."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "KernelLogisticRegression": "kernelized",
    "Kernelized": "kernelized",
    "NuSVC": "classification",
    "NuSVR": "regression",
    "OneClassSVM": "one_class",
    "SVC": "classification",
    "SVR": "regression",
})
