"""Columns into numbers: categories, flags, dates, scales. Each transformer is one file."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "DateParts": "date_parts",
    "FlagEncoder": "flag_encoder",
    "MinMaxScaler": "min_max_scaler",
    "OneHotEncoder": "one_hot",
    "OrdinalEncoder": "ordinal",
    "StandardScaler": "standard_scaler",
})
