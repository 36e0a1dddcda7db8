"""`Estimator`: scikit-learn's protocol plus our checks. The algorithms are ours, the plumbing is theirs.

Parameters, cloning, tags, pipelines, `set_output` and metadata routing come from `sklearn.base`. What we add: parameter
constraints as data (`params`), and input checks whose errors say which operation failed and carry fields.

    class Ridge(RegressorMixin, Estimator):
        params = {"alpha": Real(low=0)}

        def fit(self, X, y, sample_weight=None):
            check_params(self)
            X, y = self.validate(X, y, y_numeric=True)
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from homespun.base.errors import DataError, HomespunError, ShapeError
from homespun.base.params import Constraint, check_params

__all__ = ["ClassifierMixin", "Estimator", "RegressorMixin", "TransformerMixin", "check_is_fitted", "check_params"]


class Estimator(BaseEstimator):
    """Base of every estimator: scikit-learn's `BaseEstimator`, with `params` (constraints) and `validate` (input checks)."""

    params: dict[str, Constraint] = {}

    def validate(self, X="no_validation", y="no_validation", *, operation: str = "fit", **checks):
        """scikit-learn's `validate_data` with our errors: sets or checks `n_features_in_` and `feature_names_in_`.

        Parameters
        ----------
        X, y : array-like
            As for `sklearn.utils.validation.validate_data`; so are `checks` (`reset`, `accept_sparse`, `dtype`, …).
        operation : str
            Name of the calling method, for the error. Anything but "fit" and "partial_fit" implies ``reset=False``.

        Returns
        -------
        X, or (X, y)

        Raises
        ------
        ShapeError, DataError
        """
        if operation not in ("fit", "partial_fit"):
            checks.setdefault("reset", False)
        try:
            return validate_data(self, X, y, **checks)
        except HomespunError:
            raise
        except ValueError as error:
            raise _worded(error, self, operation, X=X, y=y) from None
        except TypeError as error:  # scikit-learn's type for sparse data where dense is needed; others stay TypeErrors
            if not str(error).startswith("Sparse data was passed"):
                raise
            raise _worded(error, self, operation, X=X, y=y) from None

    def validate_weights(self, sample_weight, X, *, operation: str = "fit", dtype=np.float64, allow_negative=False):
        """Weights as an array of shape (n,), ones for None; a number is the weight of all.

        Negative, infinite or all-zero ones are a DataError.
        """
        try:
            weights = _check_sample_weight(sample_weight, X, dtype=dtype, ensure_non_negative=not allow_negative)
        except HomespunError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            if "sample_weight" not in str(error):
                error = (TypeError if isinstance(error, TypeError) else ValueError)(f"sample_weight: {error}")
            raise _worded(error, self, operation, X=X, sample_weight=sample_weight) from None
        if sample_weight is not None and weights.size and not weights.any():
            raise DataError(
                f"{type(self).__name__}.{operation}: every sample weight is zero, so there is nothing to learn from",
                operation=f"{type(self).__name__}.{operation}", operands={"sample_weight": weights.shape},
                rule="at least one weight > 0")
        with np.errstate(over="ignore"):
            total = weights.sum()
        if not np.isfinite(total):
            raise DataError(
                f"{type(self).__name__}.{operation}: the sum of the sample weights is {total:g}, "
                f"the largest is {weights.max():g}",
                operation=f"{type(self).__name__}.{operation}", operands={"sample_weight": weights.shape},
                rule="a finite sum", suggestion="divide the weights by their largest")
        return weights


class WrongKind(DataError, TypeError):
    """A `DataError` where scikit-learn raises a TypeError: code that catches one goes on catching it."""


def _worded(error: Exception, estimator, operation: str, X=None, y=None, **others) -> HomespunError:
    """scikit-learn's text kept (its users know it), with the operation in front and the facts as fields."""
    where = f"{type(estimator).__name__}.{operation}"
    text = str(error)
    operands = {name: tuple(value.shape) for name, value in {"X": X, "y": y, **others}.items() if hasattr(value, "shape")}
    kind: type[HomespunError] = ShapeError if any(words in text for words in ABOUT_SHAPE) else DataError
    if isinstance(error, TypeError) and kind is DataError:
        kind = WrongKind
    return kind(f"{where}: {text}", operation=where, operands=operands, rule=text.splitlines()[0] if text else None)


ABOUT_SHAPE = (  # what scikit-learn says about shapes
    "inconsistent numbers of samples", "Expected 2D", "Found array with dim", "features, but", "y should be a 1d array",
    "bad input shape", "Sample weights must be 1D", "sample_weight.shape ==",
)
