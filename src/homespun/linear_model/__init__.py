"""Floor 3: models that predict by a weighted sum of the columns."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "ARDRegression": "bayes",
    "BayesianRidge": "bayes",
    "ElasticNet": "coordinate_descent",
    "ElasticNetCV": "cross_validated_path",
    "GammaRegressor": "generalized",
    "GradientDescentRegressor": "gradient_descent",
    "HuberRegressor": "huber",
    "Lasso": "coordinate_descent",
    "LassoCV": "cross_validated_path",
    "LinearRegression": "least_squares",
    "LogisticRegression": "logistic",
    "LogisticRegressionCV": "logistic",
    "PassiveAggressiveClassifier": "perceptron",
    "PassiveAggressiveRegressor": "perceptron",
    "Perceptron": "perceptron",
    "PoissonRegressor": "generalized",
    "QuantileRegressor": "quantile",
    "Ridge": "ridge",
    "RidgeCV": "ridge_cv",
    "RidgeClassifier": "ridge_classifier",
    "RidgeClassifierCV": "ridge_classifier",
    "SGDClassifier": "stochastic_gradient",
    "SGDOneClassSVM": "stochastic_gradient",
    "SGDRegressor": "stochastic_gradient",
    "TweedieRegressor": "generalized",
    "enet_path": "coordinate_descent",
    "lasso_path": "coordinate_descent",
    "ridge_regression": "ridge_function",
})
