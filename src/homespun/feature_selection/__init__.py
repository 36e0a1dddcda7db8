"""Which columns are worth keeping: by missing values, variance, free text, duplicates, collinearity, scores, or a model."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "CollinearityDetector": "collinearity",
    "DropConstantColumns": "drop_columns",
    "DropDuplicateColumns": "drop_columns",
    "DropFreeText": "drop_columns",
    "DropMissingColumns": "drop_columns",
    "GenericUnivariateSelect": "univariate",
    "SelectFdr": "univariate",
    "SelectFpr": "univariate",
    "SelectFromModel": "from_model",
    "SelectFwe": "univariate",
    "SelectKBest": "univariate",
    "SelectPercentile": "univariate",
    "VarianceThreshold": "variance_threshold",
    "chi2": "scores",
    "f_classif": "scores",
    "f_oneway": "scores",
    "f_regression": "scores",
    "mutual_info_classif": "mutual_information",
    "mutual_info_regression": "mutual_information",
    "r_regression": "scores",
})
