"""A regressor on a transformed target, with predictions brought back without the bias that the way back adds.

    fit:  g(x) ~ h(y)        predict:  h^-1(g(x))                   the median, if the noise is symmetric after h
                             predict:  mean_i h^-1(g(x) + e_i)      the mean: Duan's smearing, e_i = h(y_i) - g(x_i)

After h = log an error of +1 and one of -1 do not cancel: exp of the mean of logarithms is below the mean, often by 5 to 20 %.
Averaging over the residuals needs no assumption on their distribution. Duan 1983, JASA 78(383), eq. 2.2. With more than 1000
residuals their quantiles stand for them. Residuals of the training rows are too small for models that remember rows (forests):
`cv` takes those of rows that were not fitted. Cost of a prediction O(n min(residuals, 1000)).
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_array

from homespun.base.errors import DataError, ParameterError
from homespun.base.estimator import Estimator, RegressorMixin, _worded, check_is_fitted, check_params
from homespun.base.params import Anything, Boolean, CallableWith, Instance, OneOf, Real, Satisfies

KEPT = 1000  # residuals

_FUNCTION = OneOf(None) | CallableWith("a function") | Instance(str, noun="the name of a NumPy function such as 'log1p'")


class TransformedTargetRegressor(MetaEstimatorMixin, RegressorMixin, Estimator):
    """Fit a regressor on h(y), and predict y.

    Parameters
    ----------
    regressor : estimator or None, default=None
        None: `LinearRegression`.
    transformer : transformer or None, default=None
        h as an estimator with `inverse_transform`. Not together with `func`.
    func, inverse_func : callable, name of a NumPy function, or None, default=None
        h and its inverse: ``func="log1p", inverse_func="expm1"``.
    check_inverse : bool, default=True
    bias_correction : {"smearing"} or None, default=None
        "smearing": predict means. None, as in scikit-learn: what h^-1 makes of the prediction.
    cv : int, splitter, iterable or None, default=None
        Folds for the residuals of "smearing". None: those of the training rows.
    minimum : float or None, default=None
        Predictions below are put onto it: 0 for prices and counts.

    Attributes
    ----------
    regressor_, transformer_ : the fitted estimators
    residuals_, residual_weights_ : arrays of shape (at most 1000,), or (…, n_outputs)
        With "smearing".
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> x = np.tile(np.arange(4.0), 2).reshape(-1, 1)
    >>> y = np.exp(x.ravel() + np.repeat([-1.0, 1.0], 4))  # noise that doubles or halves, and more
    >>> plain = TransformedTargetRegressor(func="log", inverse_func="exp").fit(x, y)
    >>> fair = TransformedTargetRegressor(func="log", inverse_func="exp", bias_correction="smearing").fit(x, y)
    >>> y.mean().round(3), plain.predict(x).mean().round(3), fair.predict(x).mean().round(3)
    (np.float64(12.033), np.float64(7.798), np.float64(12.033))
    """

    params = {
        "regressor": Satisfies(lambda value: value is None or hasattr(value, "fit"), "a regressor or None"),
        "transformer": Satisfies(lambda value: value is None or hasattr(value, "fit"), "a transformer or None"),
        "func": _FUNCTION,
        "inverse_func": _FUNCTION,
        "check_inverse": Boolean(),
        "bias_correction": OneOf(None, "smearing"),
        "cv": Anything(),  # scikit-learn words it
        "minimum": OneOf(None) | Real(),
    }

    def __init__(
        self,
        regressor=None,
        *,
        transformer=None,
        func=None,
        inverse_func=None,
        check_inverse=True,
        bias_correction=None,
        cv=None,
        minimum=None,
    ):
        self.regressor = regressor
        self.transformer = transformer
        self.func = func
        self.inverse_func = inverse_func
        self.check_inverse = check_inverse
        self.bias_correction = bias_correction
        self.cv = cv
        self.minimum = minimum

    def fit(self, X, y, **fit_params):
        """Fit the transformer on y, the regressor on X and h(y). `fit_params` go to the regressor."""
        check_params(self)
        target = self._target(y)
        self._n_dim = target.ndim
        columns = target.reshape(-1, 1) if target.ndim == 1 else target
        self._fit_transformer(columns)
        changed = np.asarray(self.transformer_.transform(columns))
        if not np.isfinite(changed).all():
            row = int(np.argwhere(~np.isfinite(changed))[0][0])
            raise DataError(
                f"TransformedTargetRegressor.fit: func gives {changed[row].ravel()[0]} for y = {columns[row].ravel()[0]:g} in "
                f"row {row}",
                operation="TransformedTargetRegressor.fit",
                operands={"y": target.shape, "row": row},
                rule="finite values",
                suggestion="func='log1p', inverse_func='expm1' if zeros occur",
            )
        if changed.ndim == 2 and changed.shape[1] == 1 and self._n_dim == 1:
            changed = changed[:, 0]
        self.regressor_ = clone(self._regressor()).fit(X, changed, **fit_params)
        if self.bias_correction == "smearing":
            self._keep_residuals(X, changed, fit_params)
        if hasattr(self.regressor_, "feature_names_in_"):
            self.feature_names_in_ = self.regressor_.feature_names_in_
        return self

    def predict(self, X, **predict_params):
        """Predictions on the scale of y."""
        check_is_fitted(self)
        said = np.asarray(self.regressor_.predict(X, **predict_params))
        flat = said.ndim == 1
        said = said.reshape(-1, 1) if flat else said
        if self.bias_correction == "smearing":
            total = np.zeros(said.shape)
            for residual, weight in zip(self.residuals_, self.residual_weights_):
                total += weight * np.asarray(self.transformer_.inverse_transform(said + residual))
            back = total / self.residual_weights_.sum()
        else:
            back = np.asarray(self.transformer_.inverse_transform(said))
        if self._n_dim == back.ndim - 1 and back.shape[1] == 1:
            back = back[:, 0]
        return back if self.minimum is None else np.maximum(back, self.minimum)

    @property
    def n_features_in_(self):
        """Columns of X in `fit`."""
        try:
            check_is_fitted(self)
        except NotFittedError as error:  # so that hasattr is False
            raise AttributeError(f"{type(self).__name__} object has no n_features_in_ attribute.") from error
        return self.regressor_.n_features_in_

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _target(self, y):
        if y is None:
            raise DataError(
                "TransformedTargetRegressor.fit: requires y to be passed, but the target y is None",
                operation="TransformedTargetRegressor.fit",
                operands={"y": None},
                rule="a target",
            )
        try:
            return check_array(y, input_name="y", accept_sparse=False, ensure_all_finite=True, ensure_2d=False,
                               dtype="numeric", allow_nd=True)
        except ValueError as error:
            raise _worded(error, self, "fit", y=y) from None

    def _fit_transformer(self, columns):
        from homespun.preprocessing import FunctionTransformer

        if self.transformer is not None and (self.func is not None or self.inverse_func is not None):
            raise self._refused("transformer", "'transformer' and functions 'func'/'inverse_func' cannot both be set.")
        if self.transformer is not None:
            self.transformer_ = clone(self.transformer)
        else:
            if (self.func is None) != (self.inverse_func is None):
                raise self._refused("func", "When 'func' is provided, 'inverse_func' must also be provided, and the other way "
                                    "round")
            self.transformer_ = FunctionTransformer(
                self.func, self.inverse_func, validate=True, check_inverse=self.check_inverse
            )
        self.transformer_.fit(columns)
        if self.check_inverse and self.transformer is not None:
            few = columns[:: max(1, len(columns) // 10)]
            back = self.transformer_.inverse_transform(self.transformer_.transform(few))
            if not np.allclose(few, back):
                warnings.warn("The provided functions or transformer are not strictly inverse of each other. If you are sure you "
                              "want to proceed regardless, set 'check_inverse=False'", UserWarning)

    def _keep_residuals(self, X, changed, fit_params):
        if self.cv is None:
            said = self.regressor_.predict(X)
        else:
            from sklearn.model_selection import cross_val_predict

            try:
                said = cross_val_predict(clone(self._regressor()), X, changed, cv=self.cv, params=fit_params or None)
            except ValueError as error:
                raise _worded(error, self, "fit", X=X) from None
        residuals = np.asarray(changed - said, dtype=np.float64).reshape(len(changed), -1)
        given = fit_params.get("sample_weight")
        weights = np.ones(len(residuals)) if given is None else np.asarray(given, dtype=np.float64)
        self.residuals_, self.residual_weights_ = _few(residuals[weights > 0], weights[weights > 0])

    def _regressor(self):
        if self.regressor is not None:
            return self.regressor
        from homespun.linear_model import LinearRegression

        return LinearRegression()

    def _refused(self, name, rule):
        return ParameterError(f"TransformedTargetRegressor.fit: {rule}", operation="TransformedTargetRegressor.fit",
                              operands={name: getattr(self, name)}, rule=rule)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._regressor())
        tags.regressor_tags.poor_score = self.regressor is None or bool(inner.regressor_tags and inner.regressor_tags.poor_score)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.multi_output = inner.target_tags.multi_output
        return tags


def _few(residuals, weights):
    """At most `KEPT` residuals of each output that stand for all, with their weights: the middle of each share of the weight."""
    if len(residuals) <= KEPT:
        return residuals, weights
    shares = (np.arange(KEPT) + 0.5) / KEPT
    out = np.empty((KEPT, residuals.shape[1]))
    for k in range(residuals.shape[1]):
        order = np.argsort(residuals[:, k], kind="stable")
        ends = np.cumsum(weights[order])
        out[:, k] = np.interp(shares * ends[-1], ends - weights[order] / 2, residuals[order, k])
    return out, np.ones(KEPT)
