"""Floor 0: what every package stands on. NumPy only; `estimator` (scikit-learn's protocol) is imported by estimators alone."""

from homespun.base.errors import (
    DataError,
    HomespunError,
    ModelFileError,
    ParameterError,
    ShapeError,
    did_you_mean,
)
from homespun.base.lazy import lazy_names
from homespun.base.params import (
    Anything,
    ArrayLike,
    Boolean,
    CallableWith,
    Constraint,
    Instance,
    Integer,
    MissingMarker,
    NJobs,
    OneOf,
    RandomState,
    Real,
    Satisfies,
    check_param,
    check_params,
)
from homespun.base.progress import progress
from homespun.base.random import generator, seed_from
from homespun.base.shapes import shapes

__all__ = [
    "Anything", "ArrayLike", "Boolean", "CallableWith", "Constraint", "DataError", "HomespunError", "Instance",
    "Integer", "MissingMarker", "ModelFileError", "NJobs", "OneOf", "ParameterError", "RandomState", "Real", "Satisfies",
    "ShapeError", "check_param", "check_params", "did_you_mean", "generator", "lazy_names", "progress", "seed_from", "shapes",
]
