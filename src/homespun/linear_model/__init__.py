"""Floor 3: models that predict by a weighted sum of the columns."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ElasticNet": "coordinate_descent",
    "ElasticNetCV": "cross_validated_path",
    "Lasso": "coordinate_descent",
    "LassoCV": "cross_validated_path",
    "LinearRegression": "least_squares",
    "LogisticRegression": "logistic",
    "Ridge": "ridge",
    "RidgeCV": "ridge_cv",
    "enet_path": "coordinate_descent",
    "lasso_path": "coordinate_descent",
})
