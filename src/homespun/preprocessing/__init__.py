"""Columns into numbers: categories, flags, dates, scales. Each transformer is one file."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "Binarizer": "binarizer",
    "DateParts": "date_parts",
    "FlagEncoder": "flag_encoder",
    "FunctionTransformer": "function",
    "KBinsDiscretizer": "k_bins",
    "LabelBinarizer": "labels",
    "LabelEncoder": "labels",
    "MaxAbsScaler": "max_abs_scaler",
    "MinMaxScaler": "min_max_scaler",
    "Normalizer": "normalizer",
    "OneHotEncoder": "one_hot",
    "OrdinalEncoder": "ordinal",
    "OutlierClipper": "outlier_clipper",
    "PolynomialFeatures": "polynomial",
    "PowerTransformer": "power",
    "QuantileTransformer": "quantile_transformer",
    "RareLevelEncoder": "rare_levels",
    "RobustScaler": "robust_scaler",
    "SplineTransformer": "spline",
    "StandardScaler": "standard_scaler",
    "TargetEncoder": "target_encoder",
})
