"""Floor 2: how good predictions are. Names, signatures and conventions are scikit-learn's; shapes must agree exactly."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "accuracy_score": "classification",
    "auc": "ranking",
    "average_precision_score": "ranking",
    "balanced_accuracy_score": "classification",
    "brier_score_loss": "probability",
    "classification_report": "classification",
    "confusion_matrix": "classification",
    "explained_variance_score": "regression",
    "f1_score": "classification",
    "fbeta_score": "classification",
    "log_loss": "probability",
    "max_error": "regression",
    "mean_absolute_error": "regression",
    "mean_absolute_percentage_error": "regression",
    "mean_pinball_loss": "regression",
    "mean_squared_error": "regression",
    "mean_squared_log_error": "regression",
    "median_absolute_error": "regression",
    "precision_recall_curve": "ranking",
    "precision_recall_fscore_support": "classification",
    "precision_score": "classification",
    "r2_score": "regression",
    "recall_score": "classification",
    "roc_auc_score": "ranking",
    "roc_curve": "ranking",
    "root_mean_squared_error": "regression",
    "root_mean_squared_log_error": "regression",
    "zero_one_loss": "classification",
})
