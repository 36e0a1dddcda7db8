"""A function as a transformer: logarithms, roots, or a function of the user, with its inverse.

    z = func(x)        x = inverse_func(z)

NumPy's functions of one number can be given by name, ``FunctionTransformer("log1p", "expm1")``: a model file stores names, never
code. A lambda works until it is saved; a function of a file of your own is stored with the hash of that file.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names, _check_feature_names_in, _check_n_features, check_array

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, _worded, check_params
from homespun.base.params import Boolean, CallableWith, Instance, OneOf, Satisfies

_FUNCTION = OneOf(None) | CallableWith("a function") | Instance(str, noun="the name of a NumPy function such as 'log1p'")
_SETTINGS = Satisfies(lambda value: value is None or isinstance(value, dict), "a dictionary or None")


class FunctionTransformer(TransformerMixin, Estimator):
    """Apply a function to X.

    Parameters
    ----------
    func, inverse_func : callable, name of a NumPy function, or None (identity), default=None
    validate : bool, default=False
        Check that X is a table of numbers, and make it an array.
    accept_sparse : bool, default=False
    check_inverse : bool, default=True
        Warn in `fit` if ``inverse_func(func(x))`` is not x.
    feature_names_out : "one-to-one", callable or None, default=None
    kw_args, inv_kw_args : dict or None, default=None

    Attributes
    ----------
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> logarithm = FunctionTransformer("log1p", "expm1")
    >>> logarithm.fit_transform(np.array([[0.0, 1.0]])).round(4)
    array([[0.    , 0.6931]])
    >>> logarithm.inverse_transform(np.array([[0.0, np.log(2)]]))
    array([[0., 1.]])
    """

    params = {
        "func": _FUNCTION,
        "inverse_func": _FUNCTION,
        "validate": Boolean(),
        "accept_sparse": Boolean(),
        "check_inverse": Boolean(),
        "feature_names_out": OneOf(None, "one-to-one") | CallableWith("a function of (transformer, names)"),
        "kw_args": _SETTINGS,
        "inv_kw_args": _SETTINGS,
    }

    def __init__(
        self,
        func=None,
        inverse_func=None,
        *,
        validate=False,
        accept_sparse=False,
        check_inverse=True,
        feature_names_out=None,
        kw_args=None,
        inv_kw_args=None,
    ):
        self.func = func
        self.inverse_func = inverse_func
        self.validate = validate
        self.accept_sparse = accept_sparse
        self.check_inverse = check_inverse
        self.feature_names_out = feature_names_out
        self.kw_args = kw_args
        self.inv_kw_args = inv_kw_args

    @property  # scikit-learn's name of a parameter, which is here also the name of a method of the base: that is not used
    def validate(self):  # type: ignore[override]
        """Whether X is checked."""
        return self.__dict__["validate"]

    @validate.setter
    def validate(self, value):
        self.__dict__["validate"] = value

    def fit(self, X, y=None):
        """Check the functions on X; nothing is learned."""
        check_params(self)
        for name in ("func", "inverse_func"):
            self._function(name)
        X = self._look_at(X, "fit")
        if self.check_inverse and self.func is not None and self.inverse_func is not None:
            self._try_inverse(X)
        return self

    def transform(self, X):
        """func(X)."""
        X = self._look_at(X, "transform")
        out, wanted = self._apply(X, "func", self.kw_args), _get_output_config("transform", self)["dense"]
        if self.feature_names_out is None and wanted in ("pandas", "polars") and type(out).__module__.split(".")[0] != wanted:
            warnings.warn(f"When `set_output` is configured to be '{wanted}', `func` should return a {wanted} DataFrame to "
                          "follow the `set_output` API or `feature_names_out` should be defined.", UserWarning, stacklevel=2)
        return out

    def inverse_transform(self, X):
        """inverse_func(X)."""
        if self.validate:
            X = check_array(X, accept_sparse=self.accept_sparse)
        return self._apply(X, "inverse_func", self.inv_kw_args)

    def set_output(self, *, transform=None):
        """Ask for "pandas", "polars" or "default" output: without `feature_names_out` it is `func` that must return it."""
        self._sklearn_output_config = {**self.__dict__.get("_sklearn_output_config", {}), "transform": transform}
        return self

    @available_if(lambda self: self.feature_names_out is not None)
    def get_feature_names_out(self, input_features=None):
        """The names that `feature_names_out` gives."""
        if hasattr(self, "n_features_in_") or input_features is not None:
            input_features = _check_feature_names_in(self, input_features)
        if callable(self.feature_names_out):
            return np.asarray(self.feature_names_out(self, input_features), dtype=object)
        return input_features

    def _function(self, name) -> Any:
        given = getattr(self, name)
        if not isinstance(given, str):
            return given
        found = getattr(np, given, None)
        if not isinstance(found, np.ufunc) or found.nin != 1 or found.nout != 1:
            raise ParameterError(
                f"FunctionTransformer: {name} must be the name of a NumPy function of one number, such as 'log1p', got {given!r}",
                operation="FunctionTransformer.fit",
                operands={name: given},
                rule="a NumPy function of one number",
            )
        return found

    def _apply(self, X, name, settings):
        function = self._function(name)
        if function is None:
            return X
        if sparse.issparse(X) and isinstance(function, np.ufunc) and function(0.0) == 0.0:
            X = X.copy()
            X.data = function(X.data, **(settings or {}))
            return X
        return function(X, **(settings or {}))

    def _look_at(self, X, operation):
        reset = operation == "fit"
        try:
            if self.validate:
                _check_feature_names(self, X, reset=reset)
                X = check_array(X, accept_sparse=self.accept_sparse)
                _check_n_features(self, X, reset=reset)
            elif reset:
                _check_feature_names(self, X, reset=True)
                if np.ndim(X) >= 2 or hasattr(X, "shape"):
                    _check_n_features(self, X, reset=True)
        except ValueError as error:
            raise _worded(error, self, operation, X=X) from None
        return X

    def _try_inverse(self, X):
        if not hasattr(X, "shape") or not len(X.shape) or X.shape[0] == 0:
            return
        few = slice(None, None, max(1, X.shape[0] // 100))
        part = X.iloc[few] if hasattr(X, "iloc") else X[few]
        kinds = list(X.dtypes) if hasattr(X, "dtypes") and hasattr(X, "iloc") else [getattr(X, "dtype", None)]
        if not all(getattr(kind, "kind", "O") in "iuf" for kind in kinds):
            raise DataError(
                "FunctionTransformer.fit: 'check_inverse' is only supported when all the elements in `X` are numerical.",
                operation="FunctionTransformer.fit",
                operands={"X": X.shape},
                rule="numbers",
                suggestion="check_inverse=False",
            )
        back = self._apply(self._apply(part, "func", self.kw_args), "inverse_func", self.inv_kw_args)
        one, two = (value.toarray() if sparse.issparse(value) else np.asarray(value) for value in (part, back))
        if one.shape != two.shape or not np.allclose(one, two, equal_nan=True, rtol=1e-7, atol=1e-9):
            warnings.warn(
                "The provided functions are not strictly inverse of each other. If you are sure you want to proceed "
                "regardless, set 'check_inverse=False'.",
                UserWarning,
            )

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = not self.validate
        tags.requires_fit = False
        tags.input_tags.sparse = not self.validate or self.accept_sparse
        return tags
