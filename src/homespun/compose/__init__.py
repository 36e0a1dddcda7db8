"""Estimators made of others: a regressor on a transformed target."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "TransformedTargetRegressor": "transformed_target",
})
