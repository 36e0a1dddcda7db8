"""Columns into numbers: categories, flags, dates, scales. Each transformer is one file."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "Binarizer": "binarizer",
    "DateParts": "date_parts",
    "FlagEncoder": "flag_encoder",
    "KBinsDiscretizer": "k_bins",
    "MaxAbsScaler": "max_abs_scaler",
    "MinMaxScaler": "min_max_scaler",
    "Normalizer": "normalizer",
    "OneHotEncoder": "one_hot",
    "OrdinalEncoder": "ordinal",
    "PolynomialFeatures": "polynomial",
    "PowerTransformer": "power",
    "QuantileTransformer": "quantile_transformer",
    "RobustScaler": "robust_scaler",
    "SplineTransformer": "spline",
    "StandardScaler": "standard_scaler",
    "TargetEncoder": "target_encoder",
})
